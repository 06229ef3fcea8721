/* SPDX-License-Identifier: MIT */
#include "reactor/link.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static int fds[2];
static struct ymo_link_msg m;

static void
messages_arrive_whole_and_in_order(void)
{
    REQUIRE(ymo_link_pair(fds) == YMO_OK);
    for (int i = 0; i < 2; i++) {
        CHECK(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
        CHECK(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
        CHECK_INT(ymo_link_recv(fds[i], &m, NULL), YMO_EAGAIN);
    }
    CHECK_INT(ymo_link_send(fds[1], YMO_LINK_HELLO, 12345, -1), YMO_OK);
    CHECK_INT(ymo_link_send(fds[1], YMO_LINK_RETIRE, YMO_LINK_MAX_MEMORY, -1), YMO_OK);
    CHECK_INT(ymo_link_send(fds[0], YMO_LINK_DRAIN, YMO_LINK_RELOAD, -1), YMO_OK);
    int fd = 0;
    CHECK_INT(ymo_link_wait(fds[0]), YMO_OK);
    CHECK_INT(ymo_link_recv(fds[0], &m, &fd), YMO_OK);
    CHECK_INT(m.type, YMO_LINK_HELLO);
    CHECK_INT(m.arg, 12345);
    CHECK_INT(fd, -1);
    CHECK_INT(ymo_link_recv(fds[0], &m, NULL), YMO_OK);
    CHECK_INT(m.type, YMO_LINK_RETIRE);
    CHECK_INT(m.arg, YMO_LINK_MAX_MEMORY);
    CHECK_INT(ymo_link_recv(fds[0], &m, NULL), YMO_EAGAIN);
    CHECK_INT(ymo_link_recv(fds[1], &m, NULL), YMO_OK);
    CHECK_INT(m.type, YMO_LINK_DRAIN);
    close(fds[0]);
    close(fds[1]);
}

/* What was said before the end is heard before the end. */
static void
the_end_is_told(void)
{
    REQUIRE(ymo_link_pair(fds) == YMO_OK);
    CHECK_INT(ymo_link_send(fds[1], YMO_LINK_READY, 0, -1), YMO_OK);
    close(fds[1]);
    CHECK_INT(ymo_link_recv(fds[0], &m, NULL), YMO_OK);
    CHECK_INT(ymo_link_wait(fds[0]), YMO_OK);
    CHECK_INT(ymo_link_recv(fds[0], &m, NULL), YMO_ECLOSED);
    CHECK_INT(ymo_link_send(fds[0], YMO_LINK_DRAIN, 0, -1), YMO_ECLOSED); /* and no SIGPIPE */
    close(fds[0]);
}

static void
a_full_queue_is_no_end(void)
{
    int rc = YMO_OK, sent = 0;
    REQUIRE(ymo_link_pair(fds) == YMO_OK);
    while (sent < 1000000 && (rc = ymo_link_send(fds[0], YMO_LINK_DRAIN, sent, -1)) == YMO_OK)
        sent++;
    CHECK_INT(rc, YMO_EAGAIN);
    CHECK(sent > 4);
    for (int i = 0; i < sent; i++) {
        if (ymo_link_recv(fds[1], &m, NULL) != YMO_OK || m.arg != i)
            CHECK_INT(m.arg, i);
    }
    CHECK_INT(ymo_link_recv(fds[1], &m, NULL), YMO_EAGAIN);
    CHECK_INT(ymo_link_send(fds[0], YMO_LINK_DRAIN, 0, -1), YMO_OK);
    close(fds[0]);
    close(fds[1]);
}

static bool
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void
descriptors_are_passed(void)
{
    int pipe_fds[2], got = -1;
    char byte = 0;
    REQUIRE(ymo_link_pair(fds) == YMO_OK);
    REQUIRE(pipe2(pipe_fds, O_CLOEXEC) == 0);
    CHECK_INT(ymo_link_send(fds[0], YMO_LINK_FORK, 7, pipe_fds[1]), YMO_OK);
    CHECK(is_open(pipe_fds[1])); /* ours stays open */
    CHECK_INT(ymo_link_recv(fds[1], &m, &got), YMO_OK);
    CHECK_INT(m.arg, 7);
    REQUIRE(got >= 0 && got != pipe_fds[1]);
    CHECK(fcntl(got, F_GETFD) & FD_CLOEXEC);
    CHECK_INT(write(got, "x", 1), 1);
    CHECK_INT(read(pipe_fds[0], &byte, 1), 1);
    CHECK_INT(byte, 'x');
    /* Who does not want it does not keep it: with the last copy gone, the pipe is at its end. */
    CHECK_INT(ymo_link_send(fds[0], YMO_LINK_FORK, 7, pipe_fds[1]), YMO_OK);
    close(got);
    close(pipe_fds[1]);
    CHECK_INT(ymo_link_recv(fds[1], &m, NULL), YMO_OK);
    CHECK_INT(fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK), 0);
    CHECK_INT(read(pipe_fds[0], &byte, 1), 0);
    close(pipe_fds[0]);
    close(fds[0]);
    close(fds[1]);
}

/* Of another size than ours: to be ignored, and the next one is as it was sent. */
static void
other_messages(void)
{
    static const char bytes[64] = {1, 0, 0, 0, 1, 0, 0, 0};
    static const size_t sizes[] = {1, 4, 7, 9, 64};
    REQUIRE(ymo_link_pair(fds) == YMO_OK);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ymo_test_context("%zu bytes", sizes[i]);
        CHECK_INT(send(fds[0], bytes, sizes[i], 0), (int)sizes[i]);
        CHECK_INT(ymo_link_recv(fds[1], &m, NULL), YMO_OK);
        CHECK_INT(m.type, 0);
    }
    ymo_test_context(NULL);
    CHECK_INT(ymo_link_send(fds[0], YMO_LINK_READY, 3, -1), YMO_OK);
    CHECK_INT(ymo_link_recv(fds[1], &m, NULL), YMO_OK);
    CHECK_INT(m.type, YMO_LINK_READY);
    CHECK_INT(m.arg, 3);
    close(fds[0]);
    close(fds[1]);
}

static void
reasons_have_texts(void)
{
    for (int i = 0; i < YMO_LINK_N_REASONS; i++)
        CHECK(strlen(ymo_link_reason_text(i)) > 5);
    CHECK_STR(ymo_link_reason_text(-1), "?");
    CHECK_STR(ymo_link_reason_text(YMO_LINK_N_REASONS), "?");
}

YMO_SUITE(link, messages_arrive_whole_and_in_order, the_end_is_told, a_full_queue_is_no_end,
          descriptors_are_passed, other_messages, reasons_have_texts);
