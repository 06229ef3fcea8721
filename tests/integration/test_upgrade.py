# SPDX-License-Identifier: MIT
"""SIGUSR2: the program on disk takes the place of the one that runs."""

import os
import shutil
import signal
import stat

import pytest

import harness
from fleet import pid_of
from harness import running, until
from load import Load
from wire import Client


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A copy of the server that the test may replace; servers of this test are it."""
    path = tmp_path / "bin" / "yimmo-wsgi"
    path.parent.mkdir()
    shutil.copy(harness.server_path(), path)
    monkeypatch.setenv("YMO_SERVER", str(path))
    return path


def install(path, text=None):
    """As a package manager does: a new file, renamed into place."""
    new = path.with_suffix(".new")
    if text is None:
        shutil.copy(path, new)
    else:
        new.write_text(text)
        new.chmod(0o755)
    os.rename(new, path)


def test_same_program_under_load(serve, program):
    server = serve("procs:app", "--no-proc", "2")
    before = server.workers(2)
    with Load(server.port, kept=6, fresh=2) as load:
        for n in range(1, 4):
            install(program)
            server.send_signal(signal.SIGUSR2)
            server.wait_log("reloaded: 2 workers", count=n)
            load.more()
    now = server.workers(2)
    assert not set(now) & set(before)
    exe = os.readlink(f"/proc/{server.pid}/exe")
    assert exe == str(program), "the file that is there now, not one that was deleted"
    assert server.stop() == 0


def test_requests_in_flight_finish(serve, program, gate, connect):
    server = serve("procs:app", "--no-proc", "2", "--no-threads", "2", env=gate.env)
    before = server.workers(2)
    client = connect(server).get("/hold?x")
    visit = gate.accept("x")
    server.send_signal(signal.SIGUSR2)
    server.wait_log("reloaded: 2 workers")
    until(lambda: pid_of(server) not in before, "a new one answers")
    visit.release()
    assert int(client.response().text) in before
    until(lambda: not any(running(pid) for pid in before), "the old workers end")
    server.workers(2)
    assert server.stop() == 0


BROKEN = {
    "fails": "#!/bin/sh\necho boom >&2\nexit 3\n",
    "no program": "this is not a program\n",
    "crashes": "#!/bin/sh\nkill -SEGV $$\n",
}


@pytest.mark.parametrize("kind", [*BROKEN, "absent", "not executable"])
def test_broken_program_changes_nothing(serve, program, kind):
    server = serve("procs:app", "--no-proc", "2")
    workers = server.workers(2)
    shutil.copy(program, program.with_suffix(".good"))
    if kind == "absent":
        program.unlink()
    elif kind == "not executable":
        program.chmod(stat.S_IRUSR)
    else:
        install(program, BROKEN[kind])
    with Load(server.port, kept=4, fresh=2) as load:
        server.send_signal(signal.SIGUSR2)
        server.wait_log("the program is not replaced")
        load.more()
        assert server.workers(2) == workers
        os.rename(program.with_suffix(".good"), program)
        server.send_signal(signal.SIGUSR2)
        server.wait_log("reloaded: 2 workers")
        load.more()


def test_program_that_passes_the_check_and_then_cannot_run_is_a_known_risk(serve, program):
    """What --check-config cannot tell: the worst that is left is an end with a reason."""
    server = serve("procs:app", "--no-proc", "2")
    server.workers(2)
    install(program, '#!/bin/sh\n[ "$1" = --check-config ] && exit 0\nexit 9\n')
    server.send_signal(signal.SIGUSR2)
    assert server.wait_exit() == 9, "and no worker is left behind"


def test_application_that_does_not_load_in_the_new_program(serve, program, tmp_path):
    mood = tmp_path / "mood"
    server = serve("procs:app", "--no-proc", "2", env={"YMO_TEST_MOOD": mood})
    workers = server.workers(2)
    with Load(server.port, kept=4, fresh=2) as load:
        mood.write_text("raise")
        server.send_signal(signal.SIGUSR2)
        server.wait_log("the 2 workers of before go on serving")
        load.more()
        assert set(workers) <= set(server.workers())
        mood.write_text("")
        server.send_signal(signal.SIGHUP)
        server.wait_log("reloaded: 2 workers")
        load.more()
    assert not set(server.workers(2)) & set(workers)


def test_program_whose_application_does_not_load_can_be_replaced_again(serve, program, tmp_path):
    mood = tmp_path / "mood"
    server = serve("procs:app", "--no-proc", "2", env={"YMO_TEST_MOOD": mood})
    workers = server.workers(2)
    mood.write_text("raise")
    with Load(server.port, kept=4, fresh=2) as load:
        server.send_signal(signal.SIGUSR2)
        server.wait_log("the 2 workers of before go on serving")
        mood.write_text("")
        server.send_signal(signal.SIGUSR2)
        server.wait_log("this is the new program", count=2)
        server.wait_log("reloaded: 2 workers")
        load.more()
    assert not set(server.workers(2)) & set(workers)
    assert server.stop() == 0


def test_pidfile_that_cannot_be_written_any_more_ends_nothing(serve, program, tmp_path):
    pidfile = tmp_path / "run" / "pid"
    pidfile.parent.mkdir()
    server = serve("procs:app", "--no-proc", "2", "--pidfile", pidfile)
    server.workers(2)
    shutil.rmtree(pidfile.parent)
    with Load(server.port, kept=4, fresh=2) as load:
        server.send_signal(signal.SIGUSR2)
        server.wait_log("reloaded: 2 workers")
        load.more()
    assert "going on without a pidfile" in server.log()
    assert server.stop() == 0


def test_unix_socket_and_pidfile_stay(serve, program, tmp_path, short_dir):
    path, pidfile = short_dir / "s", tmp_path / "pid"
    server = serve(
        "procs:app", "--no-proc", "2", "--bind", f"unix:{path}", "--pidfile", pidfile, bind=False
    )
    inode = path.stat().st_ino
    server.send_signal(signal.SIGUSR2)
    server.wait_log("reloaded: 2 workers")
    assert path.stat().st_ino == inode
    assert pidfile.read_text() == f"{server.pid}\n"
    now = server.workers(2)
    with Client(str(path)) as client:
        assert int(client.request().text) in now
    assert server.stop() == 0
    assert not path.exists() and not pidfile.exists()


def test_with_preload(serve, program):
    server = serve("procs:app", "--no-proc", "2", "--preload", "on")
    before = server.workers(2)
    with Load(server.port, kept=4) as load:
        server.send_signal(signal.SIGUSR2)
        server.wait_log("reloaded: 2 workers")
        load.more()
    assert not set(server.workers(2)) & set(before)
    assert server.stop() == 0


def test_twice_and_with_a_reload_at_once(serve, program):
    server = serve("procs:app", "--no-proc", "2")
    before = server.workers(2)
    with Load(server.port, kept=4, fresh=2) as load:
        for number in (signal.SIGUSR2, signal.SIGHUP, signal.SIGUSR2):
            server.send_signal(number)
        server.wait_log("reloaded: 2 workers")
        load.more()
    until(lambda: not any(running(pid) for pid in before), "the first workers end")


def test_descriptors_do_not_pile_up(serve, program):
    server = serve("procs:app", "--no-proc", "2")

    def counts():
        workers = server.workers(2)
        return server.fds(), len(os.listdir(f"/proc/{workers[0]}/fd"))

    before = counts()
    for n in range(1, 5):
        server.send_signal(signal.SIGUSR2 if n % 2 else signal.SIGHUP)
        server.wait_log("reloaded: 2 workers", count=n)
        # The old workers' seats and inboxes go when the supervisor has seen them end.
        server.wait_log(r"worker \d+ has ended", count=2 * n)
        until(lambda: counts() == before, f"{counts()} descriptors are {before} again")
