/* SPDX-License-Identifier: MIT */
/* One connection, however busy, does not keep the reactor from the others. */
#include "tests/support/test.h"
#include "tests/support/test_server.h"

static struct ymo_test_server s;
static struct ymo_http_client c;
static struct ymo_http_reply r;

/* ---- an executor that answers inside submit: there always is another message ------------- */

static struct {
    struct ymo_executor base;
    struct ymo_parker parker;
    sem_t first, go;                    /* the first request is here; others have come, too */
    atomic_int submitted, before_other; /* written by the reactor */
} instant;

static void
instant_submit(struct ymo_executor *base, struct ymo_exchange *first, struct ymo_exchange *last)
{
    (void)base, (void)last;
    for (struct ymo_exchange *ex = first, *next; ex; ex = next) {
        next = ex->next;
        if (atomic_fetch_add(&instant.submitted, 1) == 0) {
            sem_post(&instant.first);
            while (sem_wait(&instant.go) != 0)
                ;
        }
        if (ymo_slice_eq(ymo_request_get(&ex->req, YMO_VAR_PATH_INFO), YMO_SLICE("/other")))
            instant.before_other = instant.submitted;
        ymo_exchange_begin(ex, &instant.parker);
        ymo_echo_executor_reply(ex, "hello", 5);
    }
}

static bool
instant_kick(struct ymo_executor *base)
{
    (void)base;
    return false;
}

static bool
instant_cancel(struct ymo_executor *base, struct ymo_exchange *ex)
{
    (void)base, (void)ex;
    return false;
}

static void
instant_report(struct ymo_executor *base, const struct ymo_exchange *ex)
{
    (void)base, (void)ex;
}

static void
instant_drain(struct ymo_executor *base)
{
    (void)base;
    s.executor.base.ops->drain(&s.executor.base);
}

/* However fast answers come, the sockets have their turn. */
static void
answers_do_not_keep_sockets_waiting(void)
{
    enum { REQUESTS = 1500 };
    static const struct ymo_executor_ops ops = {instant_submit, instant_kick, instant_cancel,
                                                instant_report, instant_drain};
    struct ymo_buf b = {0};
    int rc = YMO_OK, got = 0;
    memset(&instant, 0, sizeof(instant));
    instant.base.ops = &ops;
    ymo_parker_init(&instant.parker);
    sem_init(&instant.first, 0, 0);
    sem_init(&instant.go, 0, 0);
    ymo_test_server_init(&s);
    s.cfg.executor = &instant.base;
    REQUIRE(ymo_test_server_begin(&s, &c));
    for (int i = 0; i < REQUESTS; i++)
        rc |= ymo_buf_printf(&b, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    CHECK_INT(rc, YMO_OK);
    CHECK(ymo_http_client_send(&c, b.mem, b.len));
    while (sem_wait(&instant.first) != 0)
        ;
    struct ymo_http_client other = ymo_test_server_client(&s);
    CHECK(ymo_http_client_say(&other, "GET /other HTTP/1.1\r\nHost: t\r\n\r\n"));
    sem_post(&instant.go);
    CHECK(ymo_http_client_reply(&other, &r, false));
    while (got < REQUESTS && ymo_http_client_reply(&c, &r, false))
        got++;
    CHECK_INT(got, REQUESTS);
    CHECK(instant.before_other > 0 && instant.before_other < 200);
    ymo_buf_free(&b);
    ymo_http_client_close(&other);
    ymo_test_server_finish(&s, &c, &r);
    ymo_parker_destroy(&instant.parker);
    sem_destroy(&instant.first);
    sem_destroy(&instant.go);
}

/* The same with workers, which post without end. */
static void *
read_events(void *arg)
{
    struct ymo_http_client *other = arg;
    struct ymo_http_reply answer = {0};
    bool whole = ymo_http_client_say(other, "GET /endless HTTP/1.1\r\nHost: t\r\n\r\n") &&
                 ymo_http_client_reply(other, &answer, false);
    ymo_http_reply_free(&answer);
    return whole ? arg : NULL;
}

static void
an_endless_answer_beside_others(void)
{
    pthread_t t;
    void *whole;
    ymo_test_server_init(&s);
    s.n_workers = 2;
    REQUIRE(ymo_test_server_begin(&s, &c));
    REQUIRE(pthread_create(&t, NULL, read_events, &c) == 0);
    CHECK(ymo_test_server_until(&s.executor.started, 1));
    struct ymo_http_client other = ymo_test_server_client(&s);
    for (int i = 0; i < 20; i++)
        CHECK(ymo_test_server_hello(&other));
    CHECK(ymo_http_client_say(&other, "GET /stop-others HTTP/1.1\r\nHost: t\r\n\r\n"));
    CHECK(ymo_http_client_reply(&other, &r, false));
    pthread_join(t, &whole);
    CHECK(whole != NULL);
    ymo_http_client_close(&other);
    ymo_test_server_finish(&s, &c, &r);
}

YMO_SUITE(fairness, answers_do_not_keep_sockets_waiting, an_endless_answer_beside_others);
