/* SPDX-License-Identifier: MIT */
/* Requests that wait beside an idle sibling, and a sibling that is played by hand. */
#include "reactor/board.h"
#include "reactor/handmsg.h"
#include "reactor/link.h"
#include "tests/support/test.h"
#include "tests/support/test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELLO "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"
#define GATE  "GET /gate HTTP/1.1\r\nHost: t\r\n\r\n"

static struct ymo_board *board;
static struct ymo_test_server a, b;
static struct ymo_place places[2];
static int supervisor_ends[2];
static struct ymo_http_reply r;

/* ---- scenery --------------------------------------------------------------------------- */

static void
take_seat(struct ymo_test_server *s, int seat)
{
    int link[2] = {-1, -1};
    CHECK_INT(ymo_link_pair(link), YMO_OK);
    supervisor_ends[seat] = link[0];
    places[seat] = (struct ymo_place){.board = board, .seat = seat, .link = link[1]};
    ymo_test_server_init(s);
    s->cfg.place = &places[seat];
    s->cfg.capacity = 1;
}

/* As seen by the other one: serving, with nothing to do. */
static void
look_idle(int seat)
{
    atomic_store(&board->seats[seat].capacity, 1);
    atomic_store(&board->seats[seat].in_flight, 0);
    atomic_store(&board->seats[seat].state, YMO_SEAT_SERVING);
}

static bool
setup(void)
{
    supervisor_ends[0] = supervisor_ends[1] = -1;
    if (!CHECK(ymo_board_create(2, true, &board) == YMO_OK))
        return false;
    CHECK_INT(ymo_board_take(board), 0);
    CHECK_INT(ymo_board_take(board), 1);
    take_seat(&a, 0);
    take_seat(&b, 1);
    return true;
}

static void
teardown(void)
{
    for (int i = 0; i < 2; i++) {
        close(supervisor_ends[i]);
        close(places[i].link);
    }
    ymo_board_free(board);
    ymo_http_reply_free(&r);
}

/* A's one worker is kept busy. */
static bool
occupy(struct ymo_http_client *c)
{
    *c = ymo_test_server_client(&a);
    return CHECK(ymo_http_client_say(c, GATE)) && CHECK(ymo_test_server_until(&a.at_gate, 1));
}

static void
release(struct ymo_http_client *c)
{
    ymo_test_server_open(&a, 1);
    CHECK(ymo_http_client_reply(c, &r, false));
    CHECK_INT(r.status, 200);
    CHECK(ymo_test_server_hello(c));
    ymo_http_client_close(c);
}

/* Two servers, A with a worker that is busy and a client beside. */
static bool
begin_both(struct ymo_http_client *busy, struct ymo_http_client *c)
{
    if (!setup() || !ymo_test_server_start(&a) || !ymo_test_server_start(&b))
        return false;
    look_idle(1);
    *c = ymo_test_server_client(&a);
    return CHECK(ymo_test_server_hello(c)) && occupy(busy);
}

static void
end_both(struct ymo_http_client *busy, struct ymo_http_client *c)
{
    ymo_http_client_close(c);
    release(busy);
    ymo_test_server_stop(&a);
    ymo_test_server_stop(&b);
    teardown();
}

/* ---- both are there -------------------------------------------------------------------- */

static void
kept_alive_connections_go_to_the_idle_one(void)
{
    struct ymo_http_client busy, c;
    REQUIRE(begin_both(&busy, &c));
    CHECK(ymo_test_server_hello(&c));
    CHECK_INT(b.executor.started, 1);
    CHECK(ymo_test_server_hello(&c)); /* it lives there now */
    CHECK_INT(b.executor.started, 2);
    CHECK_INT(a.executor.started, 2);
    CHECK_INT(a.executor.taken_back, 1);
    end_both(&busy, &c);
}

static void
what_was_received_goes_along(void)
{
    struct ymo_http_client busy, c;
    REQUIRE(begin_both(&busy, &c));
    CHECK(ymo_http_client_say(&c, "\r\n" HELLO HELLO HELLO "GET /hel"));
    for (int i = 0; i < 3; i++) {
        CHECK(ymo_http_client_reply(&c, &r, false));
        CHECK_SLICE(ymo_buf_slice(&r.body), "hello");
    }
    CHECK_INT(b.executor.started, 3);
    CHECK(ymo_http_client_say(&c, "lo HTTP/1.1\r\nHost: t\r\n\r\n"));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(b.executor.started, 4);
    end_both(&busy, &c);
}

static void
post(struct ymo_http_client *c, size_t n, const char *fields)
{
    struct ymo_buf buf = {0};
    int rc = ymo_buf_printf(&buf,
                            "POST /stored HTTP/1.1\r\nHost: t\r\n%sContent-Length: "
                            "%zu\r\n\r\n",
                            fields, n);
    for (size_t i = 0; i < n; i++) {
        char byte = ymo_test_server_byte(i);
        rc |= ymo_buf_append(&buf, &byte, 1);
    }
    CHECK_INT(rc, YMO_OK);
    CHECK(ymo_http_client_send(c, ymo_buf_data(&buf), buf.len));
    ymo_buf_free(&buf);
}

static void
check_stored(struct ymo_http_client *c, size_t n)
{
    CHECK(ymo_http_client_reply(c, &r, false));
    CHECK_INT(r.status, 200);
    CHECK_INT(r.body.len, n);
    CHECK_INT(ymo_test_server_wrong(ymo_buf_slice(&r.body).data, 0, r.body.len), 0);
}

static void
a_body_goes_along(void)
{
    enum { SIZE = 20000 };
    struct ymo_http_client busy, c;
    REQUIRE(begin_both(&busy, &c));
    post(&c, SIZE, "");
    check_stored(&c, SIZE);
    CHECK_INT(b.executor.started, 1);
    CHECK(ymo_test_server_hello(&c));
    CHECK_INT(b.executor.started, 2);
    end_both(&busy, &c);
}

/* Large ones, and those of which something was answered, wait where they are. */
static void
some_have_to_stay(void)
{
    enum { SIZE = 40000, SMALL = 10 };
    struct ymo_http_client busy, c, large, chunked, continued;
    REQUIRE(begin_both(&busy, &c));
    large = ymo_test_server_client(&a);
    post(&large, SIZE, "");
    continued = ymo_test_server_client(&a);
    post(&continued, SMALL, "Expect: 100-continue\r\n");
    chunked = ymo_test_server_client(&a);
    CHECK(ymo_http_client_say(&chunked, "POST /stored HTTP/1.1\r\nHost: t\r\n"
                                        "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"));
    CHECK(ymo_test_server_until(&a.executor.submitted, 5)); /* hello, gate and these */
    CHECK(ymo_test_server_hello(&c));                       /* younger than they are */
    CHECK_INT(b.executor.started, 1);
    ymo_test_server_open(&a, 1);
    check_stored(&large, SIZE);
    check_stored(&continued, SMALL);
    CHECK(ymo_http_client_reply(&chunked, &r, false));
    CHECK_SLICE(ymo_buf_slice(&r.body), "ab");
    CHECK_INT(b.executor.started, 1);
    ymo_http_client_close(&large);
    ymo_http_client_close(&continued);
    ymo_http_client_close(&chunked);
    CHECK(ymo_http_client_reply(&busy, &r, false));
    ymo_test_server_open(&a, 1);
    CHECK(ymo_http_client_say(&busy, GATE));
    end_both(&busy, &c);
}

static void
many_waiting_ones_are_all_answered(void)
{
    enum { N = 20 };
    struct ymo_http_client busy, c, many[N];
    REQUIRE(begin_both(&busy, &c));
    for (int i = 0; i < N; i++) {
        many[i] = ymo_test_server_client(&a);
        CHECK(ymo_http_client_say(&many[i], HELLO));
    }
    for (int i = 0; i < N; i++) {
        CHECK(ymo_http_client_reply(&many[i], &r, false));
        CHECK_INT(r.status, 200);
        ymo_http_client_close(&many[i]);
    }
    CHECK_INT(b.executor.started, N);
    end_both(&busy, &c);
}

/* The two share a listening socket, and one of them is stuck: no new connection waits for it. */
static void
new_connections_are_served_by_the_idle_one(void)
{
    struct ymo_http_client busy;
    REQUIRE(setup());
    REQUIRE(ymo_test_server_start(&a));
    REQUIRE(occupy(&busy));
    b.beside = &a;
    REQUIRE(ymo_test_server_start(&b));
    look_idle(1);
    for (int i = 0; i < 20; i++) {
        struct ymo_http_client c = ymo_test_server_client(&a);
        CHECK(ymo_test_server_hello(&c));
        ymo_http_client_close(&c);
    }
    CHECK_INT(b.executor.started, 20);
    release(&busy);
    ymo_test_server_stop(&a);
    ymo_test_server_stop(&b);
    teardown();
}

/* ---- B is played ----------------------------------------------------------------------- */

/* Wait for the next message to `seat`. Its type, or 0. */
static uint32_t
hear(int seat, struct ymo_handmsg *m, char *bytes, size_t size, size_t *len, int *fd)
{
    struct pollfd p = {.fd = board->inbox[seat][0], .events = POLLIN};
    if (!CHECK(poll(&p, 1, 60 * 1000) == 1) ||
        !CHECK(ymo_handmsg_recv(p.fd, m, bytes, size, len, fd) == YMO_OK))
        return 0;
    return m->type;
}

static uint32_t
hear_word(int seat, struct ymo_handmsg *m)
{
    char bytes[YMO_HANDMSG_MOST];
    size_t len;
    int fd = -1;
    uint32_t type = hear(seat, m, bytes, sizeof(bytes), &len, &fd);
    if (fd >= 0)
        close(fd);
    return type;
}

/* The next message that is no POKE: those are repeated. */
static uint32_t
hear_answer(int seat, struct ymo_handmsg *m, char *bytes, size_t size, size_t *len, int *fd)
{
    uint32_t type;
    do
        type = hear(seat, m, bytes, size, len, fd);
    while (type == YMO_HANDMSG_POKE);
    return type;
}

static void
say_word(int from, int to, uint32_t type, uint32_t arg)
{
    const struct ymo_handmsg m = {.type = type, .seat = from, .arg = arg};
    CHECK_INT(ymo_handmsg_send(board->inbox[to][1], &m, NULL, 0, -1), YMO_OK);
}

/* A with a busy worker, and a request that waits; nobody in B's seat. */
static bool
begin_alone(struct ymo_http_client *busy, struct ymo_http_client *c)
{
    if (!setup() || !ymo_test_server_start(&a))
        return false;
    look_idle(1);
    *c = ymo_test_server_client(&a);
    return CHECK(ymo_test_server_hello(c)) && occupy(busy) && CHECK(ymo_http_client_say(c, HELLO));
}

static void
end_alone(struct ymo_http_client *busy, struct ymo_http_client *c)
{
    ymo_http_client_close(c);
    if (busy)
        release(busy);
    ymo_test_server_stop(&a);
    teardown();
}

/* A process that says nothing, because it is stopped, is given nothing. */
static void
a_silent_sibling_costs_no_request(void)
{
    struct ymo_http_client busy, c;
    struct ymo_handmsg m;
    REQUIRE(begin_alone(&busy, &c));
    for (int i = 0; i < 3; i++) {
        CHECK_INT(hear_word(1, &m), YMO_HANDMSG_POKE);
        CHECK_INT(m.seat, 0);
    }
    release(&busy);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 200);
    CHECK_INT(a.executor.taken_back, 0);
    end_alone(NULL, &c);
}

static void
an_offer_is_taken_up(void)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    struct ymo_http_client busy, c;
    struct ymo_handmsg m;
    char bytes[YMO_HANDMSG_MOST];
    size_t len = 0;
    int fd = -1;
    REQUIRE(begin_alone(&busy, &c));
    CHECK_INT(hear_word(1, &m), YMO_HANDMSG_POKE);
    say_word(1, 0, YMO_HANDMSG_FULL, 0);
    CHECK_INT(hear_word(1, &m), YMO_HANDMSG_POKE); /* asked again */
    say_word(1, 0, YMO_HANDMSG_OFFER, 2);
    CHECK_INT(hear_answer(1, &m, bytes, sizeof(bytes), &len, &fd), YMO_HANDMSG_CONN);
    CHECK_INT(m.seat, 0);
    CHECK_INT(m.arg, 7);
    CHECK_INT(m.flags, YMO_HANDMSG_MORE);
    CHECK(ymo_slice_eq(ymo_slice_of(bytes, len), YMO_SLICE(HELLO)));
    REQUIRE(fd >= 0);
    CHECK_INT(send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL), sizeof(answer) - 1);
    close(fd);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK(ymo_http_client_at_end(&c)); /* A holds it no longer */
    CHECK_INT(hear_answer(1, &m, bytes, sizeof(bytes), &len, &fd), YMO_HANDMSG_NONE);
    CHECK_INT(a.executor.taken_back, 1);
    end_alone(&busy, &c);
}

/* What comes of an offer when the request has been answered in the meantime. */
static void
a_late_offer_is_declined(void)
{
    struct ymo_http_client busy, c;
    struct ymo_handmsg m;
    char bytes[YMO_HANDMSG_MOST];
    size_t len;
    int fd;
    REQUIRE(begin_alone(&busy, &c));
    CHECK_INT(hear_word(1, &m), YMO_HANDMSG_POKE);
    release(&busy);
    CHECK(ymo_http_client_reply(&c, &r, false));
    say_word(1, 0, YMO_HANDMSG_OFFER, UINT32_MAX);
    CHECK_INT(hear_answer(1, &m, bytes, sizeof(bytes), &len, &fd), YMO_HANDMSG_NONE);
    CHECK_INT(a.executor.taken_back, 0);
    CHECK(ymo_test_server_hello(&c));
    end_alone(NULL, &c);
}

/* Nothing gets through any more: the request stays, and its connection is read on. */
static void
a_full_inbox_costs_no_request(void)
{
    struct ymo_http_client busy, c;
    struct ymo_handmsg m;
    const struct ymo_handmsg junk = {.type = 99};
    REQUIRE(begin_alone(&busy, &c));
    CHECK_INT(hear_word(1, &m), YMO_HANDMSG_POKE);
    while (ymo_handmsg_send(board->inbox[1][1], &junk, NULL, 0, -1) == YMO_OK)
        ;
    say_word(1, 0, YMO_HANDMSG_OFFER, 1);
    CHECK(ymo_test_server_until(&a.executor.taken_back, 1));
    release(&busy);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK(ymo_test_server_hello(&c));
    CHECK_INT(a.executor.taken_back, 1);
    end_alone(NULL, &c);
}

/* Its seat says that it has nothing to do, but it does not even accept. */
static void
new_connections_do_not_wait_for_a_silent_sibling(void)
{
    struct ymo_http_client busy;
    REQUIRE(setup());
    a.n_workers = 2;
    a.cfg.capacity = 2;
    REQUIRE(ymo_test_server_start(&a));
    look_idle(1);
    REQUIRE(occupy(&busy));
    for (int i = 0; i < 5; i++) {
        struct ymo_http_client c = ymo_test_server_client(&a);
        CHECK(ymo_test_server_hello(&c));
        ymo_http_client_close(&c);
    }
    release(&busy);
    ymo_test_server_stop(&a);
    teardown();
}

/* ---- A is played ----------------------------------------------------------------------- */

/* A connection to nobody: the client's end, and in *fd_r the server's. */
static bool
make_conn(struct ymo_http_client *c, int *fd_r)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t len = sizeof(sa);
    int ls = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool ok = CHECK(bind(ls, (struct sockaddr *)&sa, sizeof(sa)) == 0) &&
              CHECK(listen(ls, 1) == 0) &&
              CHECK(getsockname(ls, (struct sockaddr *)&sa, &len) == 0) &&
              CHECK(ymo_http_client_open(c, ntohs(sa.sin_port), 0));
    *fd_r = ok ? accept4(ls, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
    close(ls);
    return CHECK(*fd_r >= 0);
}

/* Send it to B, as A does. */
static void
give(int fd, uint32_t listener, int seat, const char *text)
{
    const struct ymo_handmsg m = {.type = YMO_HANDMSG_CONN, .seat = seat, .arg = listener};
    const struct ymo_slice part = ymo_slice_str(text);
    CHECK_INT(ymo_handmsg_send(board->inbox[1][1], &m, &part, 1, fd), YMO_OK);
    close(fd);
}

static bool
begin_b(void)
{
    return setup() && ymo_test_server_start(&b);
}

static void
end_b(void)
{
    ymo_test_server_stop(&b);
    teardown();
}

static void
messages_that_make_no_sense(void)
{
    struct ymo_http_client c, refused;
    struct ymo_handmsg m;
    static char large[80 * 1024];
    int fd, in;
    REQUIRE(begin_b());
    in = board->inbox[1][1];
    CHECK_INT(send(in, "x", 1, 0), 1);
    CHECK_INT(send(in, large, 0, 0), 0);
    CHECK_INT(send(in, large, sizeof(large), 0), sizeof(large));
    for (uint32_t type = 0; type < 8; type++) {
        say_word(-1, 1, type, 1);
        say_word(1, 1, type, 1);
        say_word(2, 1, type, 1);
        say_word(INT32_MAX, 1, type, 1);
    }
    say_word(0, 1, YMO_HANDMSG_NONE, 0); /* no offer was made */
    say_word(0, 1, YMO_HANDMSG_OFFER, 3);
    say_word(0, 1, YMO_HANDMSG_FULL, 0);
    say_word(0, 1, YMO_HANDMSG_CONN, 7); /* without a descriptor */
    CHECK_INT(hear_word(0, &m), YMO_HANDMSG_NONE);
    REQUIRE(make_conn(&refused, &fd));
    give(fd, 8, 0, HELLO); /* no such listener */
    CHECK(!ymo_http_client_reply(&refused, &r, false));
    ymo_http_client_close(&refused);
    REQUIRE(make_conn(&refused, &fd));
    give(fd, 7, 2, HELLO); /* from nobody */
    CHECK(!ymo_http_client_reply(&refused, &r, false));
    ymo_http_client_close(&refused);
    CHECK_INT(b.executor.started, 0);
    REQUIRE(make_conn(&c, &fd));
    give(fd, 7, 0, "GET / HTT@\r\n\r\n"); /* is answered as any client's */
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 400);
    ymo_http_client_close(&c);
    c = ymo_test_server_client(&b);
    CHECK(ymo_test_server_hello(&c));
    ymo_http_client_close(&c);
    end_b();
}

/* Who sat here before died with a connection in the inbox. */
static void
an_inherited_connection_is_served(void)
{
    struct ymo_http_client c;
    int fd;
    REQUIRE(setup());
    REQUIRE(make_conn(&c, &fd));
    say_word(0, 1, YMO_HANDMSG_OFFER, 1);
    give(fd, 7, 0, HELLO);
    REQUIRE(ymo_test_server_start(&b));
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 200);
    CHECK(ymo_test_server_hello(&c));
    ymo_http_client_close(&c);
    end_b();
}

static bool
get_offer(void)
{
    struct ymo_handmsg m;
    say_word(0, 1, YMO_HANDMSG_POKE, 0);
    return CHECK_INT(hear_word(0, &m), YMO_HANDMSG_OFFER) && CHECK_INT(m.arg, 1) &&
           CHECK_INT(m.seat, 1);
}

static void
a_stop_waits_for_what_was_offered(void)
{
    struct ymo_http_client c, before;
    struct ymo_handmsg m;
    int fd;
    REQUIRE(begin_b());
    before = ymo_test_server_client(&b);
    CHECK(ymo_test_server_hello(&before));
    REQUIRE(get_offer());
    say_word(0, 1, YMO_HANDMSG_POKE, 0); /* it has no more */
    CHECK_INT(hear_word(0, &m), YMO_HANDMSG_FULL);
    ymo_reactor_stop(b.reactor);
    CHECK(ymo_http_client_at_end(&before)); /* idle ones are gone: it stops */
    REQUIRE(make_conn(&c, &fd));
    give(fd, 7, 0, HELLO);
    CHECK(ymo_http_client_reply(&c, &r, false));
    CHECK_INT(r.status, 200);
    CHECK(r.close);
    ymo_http_client_close(&c);
    ymo_http_client_close(&before);
    end_b();
}

/* Whoever asked died: the stop ends nevertheless. */
static void
a_stop_does_not_wait_for_ever(void)
{
    REQUIRE(begin_b());
    REQUIRE(get_offer());
    end_b();
}

static void
an_offer_that_is_declined_is_over(void)
{
    REQUIRE(begin_b());
    REQUIRE(get_offer());
    say_word(0, 1, YMO_HANDMSG_NONE, 0);
    REQUIRE(get_offer()); /* there is room again */
    say_word(0, 1, YMO_HANDMSG_NONE, 0);
    end_b();
}

YMO_SUITE(handoff, kept_alive_connections_go_to_the_idle_one, what_was_received_goes_along,
          a_body_goes_along, some_have_to_stay, many_waiting_ones_are_all_answered,
          new_connections_are_served_by_the_idle_one, a_silent_sibling_costs_no_request,
          an_offer_is_taken_up, a_late_offer_is_declined, a_full_inbox_costs_no_request,
          new_connections_do_not_wait_for_a_silent_sibling, messages_that_make_no_sense,
          an_inherited_connection_is_served, a_stop_waits_for_what_was_offered,
          a_stop_does_not_wait_for_ever, an_offer_that_is_declined_is_over);
