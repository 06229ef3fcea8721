/* SPDX-License-Identifier: MIT */
#include "reactor/passfd.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2], pipe_fds[2];
static char buf[8], ab[] = "ab", cde[] = "cde";
static struct iovec in = {buf, sizeof(buf)};
static struct iovec out[2] = {{ab, 2}, {cde, 3}};

static bool
set_up(void)
{
    return CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) &&
           CHECK(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) == 0);
}

static void
clean_up(void)
{
    close(ends[0]);
    close(ends[1]);
    close(pipe_fds[0]);
}

/* True when nobody holds the pipe's writing end any more. */
static bool
pipe_has_ended(void)
{
    char byte;
    return read(pipe_fds[0], &byte, 1) == 0;
}

static void
bytes_and_a_descriptor(void)
{
    int fd = 0;
    bool cut = true;
    REQUIRE(set_up());
    /* Neither waits, blocking as the sockets are. */
    CHECK_INT(ymo_passfd_recv(ends[1], &in, 1, &fd, &cut), -1);
    CHECK(errno == EAGAIN || errno == EWOULDBLOCK);
    CHECK_INT(fd, -1);
    CHECK_INT(ymo_passfd_send(ends[0], out, 2, -1), 5);
    CHECK_INT(ymo_passfd_send(ends[0], out, 1, pipe_fds[1]), 2);
    CHECK_INT(ymo_passfd_recv(ends[1], &in, 1, &fd, &cut), 5);
    CHECK(memcmp(buf, "abcde", 5) == 0);
    CHECK_INT(fd, -1);
    CHECK(!cut);
    CHECK_INT(ymo_passfd_recv(ends[1], &in, 1, &fd, &cut), 2);
    REQUIRE(fd >= 0 && fd != pipe_fds[1]);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(pipe_fds[1]); /* stayed open here: the pipe ends with both */
    CHECK(!pipe_has_ended());
    close(fd);
    CHECK(pipe_has_ended());
    clean_up();
}

static void
a_message_too_long_is_cut(void)
{
    static char long_one[sizeof(buf) + 1];
    struct iovec iov = {long_one, sizeof(long_one)};
    int fd;
    bool cut = false;
    REQUIRE(set_up());
    CHECK_INT(ymo_passfd_send(ends[0], &iov, 1, pipe_fds[1]), sizeof(long_one));
    iov.iov_len--;
    CHECK_INT(ymo_passfd_send(ends[0], &iov, 1, -1), sizeof(buf));
    CHECK_INT(ymo_passfd_recv(ends[1], &in, 1, &fd, &cut), sizeof(buf));
    CHECK(cut);
    REQUIRE(fd >= 0); /* the caller's all the same */
    close(fd);
    CHECK_INT(ymo_passfd_recv(ends[1], &in, 1, &fd, &cut), sizeof(buf));
    CHECK(!cut);
    close(pipe_fds[1]);
    clean_up();
}

/* As a sender of another version might. None of them is left open here without anybody knowing. */
static void
more_than_one_descriptor(void)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control = {.bytes = {0}};
    struct msghdr h = {.msg_iov = out,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);
    int fd;
    bool cut;
    REQUIRE(set_up());
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(c), (const int[]){pipe_fds[1], pipe_fds[1]}, 2 * sizeof(int));
    CHECK_INT(sendmsg(ends[0], &h, 0), 2);
    close(pipe_fds[1]);
    CHECK_INT(ymo_passfd_recv(ends[1], &in, 1, &fd, &cut), 2);
    if (fd >= 0)
        close(fd);
    CHECK(pipe_has_ended());
    clean_up();
}

static void
the_other_side_is_gone(void)
{
    int fd;
    bool cut;
    REQUIRE(set_up());
    close(ends[1]);
    CHECK_INT(ymo_passfd_send(ends[0], out, 1, pipe_fds[1]), -1); /* and no SIGPIPE */
    CHECK_INT(errno, EPIPE);
    CHECK_INT(ymo_passfd_recv(ends[0], &in, 1, &fd, &cut), 0);
    CHECK_INT(fd, -1);
    ends[1] = pipe_fds[1];
    clean_up();
}

YMO_SUITE(passfd, bytes_and_a_descriptor, a_message_too_long_is_cut, more_than_one_descriptor,
          the_other_side_is_gone);
