/* SPDX-License-Identifier: MIT */
#include "request/body.h"
#include "tests/support/death.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char
byte_at(uint64_t i)
{
    return (char)(i * 31 + i / 251);
}

static void
fill(char *dst, uint64_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = byte_at(from + i);
}

static int
wrong_bytes(const char *data, uint64_t from, size_t n)
{
    int wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += data[i] != byte_at(from + i);
    return wrong;
}

/* ---- buffered -------------------------------------------------------------------------- */

static void
memory_then_file(void)
{
    static const struct {
        size_t memory_max, total, piece;
        bool file;
    } rows[] = {
        {100, 0, 1, false},       {100, 99, 99, false},   {100, 100, 100, false},
        {100, 101, 101, true},    {100, 100, 1, false},   {100, 101, 1, true},
        {100, 101, 100, true},    {100, 300, 60, true},   {0, 1, 1, true},
        {0, 0, 1, false},         {4096, 4096, 7, false}, {4096, 4097, 7, true},
        {10, 200000, 4096, true},
    };
    static const size_t reads[] = {1, 3, 100, 65536};
    static char data[65536];
    struct ymo_body b;
    ymo_body_init(&b);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t k = 0; k < sizeof(reads) / sizeof(reads[0]); k++) {
            size_t total = rows[i].total, done = 0;
            if (total / reads[k] > 5000)
                continue;
            ymo_test_context("row %zu, reads of %zu", i, reads[k]);
            ymo_body_begin(&b, false, rows[i].memory_max, "/tmp", NULL, NULL);
            while (done < total) {
                size_t n = total - done < rows[i].piece ? total - done : rows[i].piece;
                fill(data, done, n);
                REQUIRE(ymo_body_append(&b, data, n) == (ssize_t)n);
                done += n;
            }
            CHECK_INT(ymo_body_finish(&b), 0);
            CHECK_INT(b.fd >= 0, rows[i].file);
            CHECK_INT(b.size, total);
            CHECK_INT(ymo_body_memory(&b).data != NULL, !rows[i].file);
            int wrong = 0;
            ssize_t n = 0;
            done = 0;
            while (done <= total && (n = ymo_body_read(&b, data, reads[k])) > 0) {
                wrong += wrong_bytes(data, done, (size_t)n) + ((size_t)n > reads[k]);
                done += (size_t)n;
            }
            CHECK_INT(n, 0);
            CHECK_INT(done, total);
            CHECK_INT(wrong, 0);
            CHECK_INT(ymo_body_read(&b, data, 1), 0); /* the end stays the end */
            ymo_body_reset(&b);
        }
    }
    ymo_test_context(NULL);
    ymo_body_fini(&b);
}

static void
the_file_has_no_name(void)
{
    struct ymo_body b;
    struct stat st;
    ymo_body_init(&b);
    ymo_body_begin(&b, false, 2, "/tmp", NULL, NULL);
    REQUIRE(ymo_body_append(&b, "abc", 3) == 3);
    int fd = b.fd;
    REQUIRE(fd >= 0 && fstat(fd, &st) == 0);
    CHECK_INT(st.st_nlink, 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    CHECK_INT(ymo_body_finish(&b), 0);
    REQUIRE(fstat(fd, &st) == 0);
    CHECK_INT(st.st_size, 3);
    CHECK_INT(b.mem.cap, 0); /* not in memory as well */
    ymo_body_reset(&b);
    CHECK_INT(fcntl(fd, F_GETFD), -1);
    ymo_body_fini(&b);
}

/* Small pieces are not worth a system call each; large ones are not copied. */
static void
small_pieces_are_put_together(void)
{
    enum { PIECE = 64 * 1024 };
    static char large[PIECE];
    struct ymo_body b;
    struct stat st;
    ymo_body_init(&b);
    ymo_body_begin(&b, false, 2, "/tmp", NULL, NULL);
    for (size_t i = 0; i < PIECE - 1; i++)
        REQUIRE(ymo_body_append(&b, "x", 1) == 1);
    REQUIRE(b.fd >= 0 && fstat(b.fd, &st) == 0);
    CHECK_INT(st.st_size, 0);
    REQUIRE(ymo_body_append(&b, "x", 1) == 1);
    REQUIRE(fstat(b.fd, &st) == 0);
    CHECK_INT(st.st_size, PIECE);
    REQUIRE(ymo_body_append(&b, "yy", 2) == 2);
    REQUIRE(ymo_body_append(&b, large, PIECE) == PIECE);
    REQUIRE(fstat(b.fd, &st) == 0);
    CHECK_INT(st.st_size, 2 * PIECE + 2);
    ymo_body_fini(&b);
}

static void
unusable_tmp_dir(void)
{
    char longest[5000];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    const struct {
        const char *dir;
        int err;
    } rows[] = {{"/nonexistent/dir", ENOENT}, {"/dev/null", ENOTDIR}, {longest, ENAMETOOLONG}};
    struct ymo_body b;
    ymo_body_init(&b);
    for (size_t i = 0; i < 3; i++) {
        ymo_test_context("row %zu", i);
        ymo_body_begin(&b, false, 4, rows[i].dir, NULL, NULL);
        CHECK_INT(ymo_body_append(&b, "four", 4), 4);
        errno = 0;
        CHECK_INT(ymo_body_append(&b, "!", 1), YMO_EIO);
        CHECK_INT(errno, rows[i].err);
        ymo_body_reset(&b);
    }
    ymo_test_context(NULL);
    ymo_body_fini(&b);
}

static void
truncated_file(void)
{
    struct ymo_body b;
    char data[8];
    ymo_body_init(&b);
    ymo_body_begin(&b, false, 1, "/tmp", NULL, NULL);
    REQUIRE(ymo_body_append(&b, "abcdef", 6) == 6);
    CHECK_INT(ymo_body_finish(&b), 0);
    CHECK_INT(ymo_body_read(&b, data, 3), 3);
    REQUIRE(ftruncate(b.fd, 3) == 0);
    CHECK_INT(ymo_body_read(&b, data, 3), YMO_EIO); /* never a short body that looks whole */
    ymo_body_fini(&b);
}

static void
skip_and_read_mix(void)
{
    struct ymo_body b;
    char data[8];
    ymo_body_init(&b);
    ymo_body_begin(&b, false, 100, "/tmp", NULL, NULL);
    REQUIRE(ymo_body_append(&b, "line 1\nline 2\n", 14) == 14);
    CHECK_INT(ymo_body_finish(&b), 0);
    struct ymo_slice rest = ymo_body_memory(&b);
    CHECK_SLICE(rest, "line 1\nline 2\n");
    ymo_body_skip(&b, 7);
    CHECK_SLICE(ymo_body_memory(&b), "line 2\n");
    CHECK_INT(ymo_body_read(&b, data, 4), 4);
    CHECK_SLICE(ymo_body_memory(&b), " 2\n");
    CHECK_INT(b.pos, 11);
    ymo_body_skip(&b, 3);
    CHECK_SLICE(ymo_body_memory(&b), "");
    CHECK(ymo_body_memory(&b).data != NULL);
    CHECK_INT(ymo_body_read(&b, data, 4), 0);
    CHECK_SLICE(rest, "line 1\nline 2\n"); /* for the life of the exchange */
    ymo_body_fini(&b);
}

static void
append_to_a_whole_body(void *arg)
{
    struct ymo_body *b = arg;
    (void)!ymo_body_append(b, "x", 1);
}

static void
nothing_after_the_end(void)
{
    struct ymo_body b;
    ymo_body_init(&b);
    ymo_body_begin(&b, false, 100, "/tmp", NULL, NULL);
    CHECK_INT(ymo_body_finish(&b), 0);
    CHECK(ymo_death_by_assert(append_to_a_whole_body, &b));
    ymo_body_fini(&b);
}

/* ---- streaming ------------------------------------------------------------------------- */

static void
count(void *arg)
{
    ++*(int *)arg;
}

static void
streaming_steps(void)
{
    struct ymo_body b;
    char data[64];
    int wanted = 0;
    ymo_body_init(&b);
    ymo_body_begin(&b, true, 10, NULL, count, &wanted);
    CHECK(ymo_body_memory(&b).data == NULL);
    CHECK_INT(ymo_body_read(&b, data, 8), YMO_EAGAIN);
    CHECK_INT(wanted, 0); /* nobody asked to be told */
    CHECK_INT(ymo_body_room(&b, 10), 10);
    CHECK_INT(ymo_body_append(&b, "0123456", 7), 7);
    CHECK_INT(ymo_body_room(&b, 3), 3);
    CHECK_INT(ymo_body_read(&b, data, 1), 1);
    CHECK_INT(wanted, 0);                              /* there was all the room that was wanted */
    CHECK_INT(ymo_body_append(&b, "789abcdef", 9), 4); /* "123456" + 4 = full */
    CHECK_INT(ymo_body_room(&b, 5), 0);
    CHECK_INT(ymo_body_read(&b, data, 5), 5);
    CHECK_INT(wanted, 0); /* five wait: not less than half */
    CHECK_INT(ymo_body_read(&b, data, 1), 1);
    CHECK_INT(wanted, 1);
    CHECK_INT(ymo_body_read(&b, data, 1), 1);
    CHECK_INT(wanted, 1); /* once */
    CHECK_INT(ymo_body_read(&b, data, 64), 3);
    CHECK_INT(memcmp(data, "89a", 3), 0);
    CHECK_INT(ymo_body_read(&b, data, 64), YMO_EAGAIN);
    ymo_body_rearm(&b);
    CHECK_INT(ymo_body_read(&b, data, 0), 0); /* read(0) is no sign of interest */
    CHECK_INT(wanted, 1);
    CHECK_INT(ymo_body_read(&b, data, 64), YMO_EAGAIN);
    CHECK_INT(wanted, 2);
    CHECK_INT(b.size, 11);
    CHECK_INT(b.pos, 11);
    ymo_body_fini(&b);
}

static void
streaming_ends(void)
{
    static const struct {
        bool finish, breaks;
        ssize_t end;
    } rows[] = {{true, false, 0}, {false, true, YMO_ECLOSED}, {true, true, 0}};
    char data[8];
    for (size_t i = 0; i < 3; i++) {
        struct ymo_body b;
        struct ymo_parker p;
        int wanted = 0;
        ymo_test_context("row %zu", i);
        ymo_body_init(&b);
        ymo_parker_init(&p);
        ymo_body_begin(&b, true, 10, NULL, count, &wanted);
        REQUIRE(ymo_body_append(&b, "abc", 3) == 3);
        ymo_body_rearm(&b);
        if (rows[i].finish)
            CHECK_INT(ymo_body_finish(&b), 0);
        if (rows[i].breaks)
            ymo_body_break(&b);
        CHECK_INT(ymo_body_wait(&b, &p), YMO_OK); /* nothing to wait for */
        CHECK_INT(ymo_body_read(&b, data, 2), 2); /* what came is read first */
        CHECK_INT(ymo_body_read(&b, data, 2), 1);
        CHECK_INT(ymo_body_wait(&b, &p), YMO_OK);
        CHECK_INT(ymo_body_read(&b, data, 2), rows[i].end);
        CHECK_INT(ymo_body_read(&b, data, 2), rows[i].end);
        CHECK_INT(wanted, 0); /* there is no more to want */
        CHECK(b.reader == NULL);
        ymo_parker_destroy(&p);
        ymo_body_fini(&b);
    }
    ymo_test_context(NULL);
}

struct stream {
    struct ymo_body body;
    struct ymo_parker parker;
    sem_t wanted;
    atomic_int calls;
    uint64_t got;
    int wrong, waits;
    ssize_t end;
};

static void
stream_wanted(void *arg)
{
    struct stream *s = arg;
    atomic_fetch_add(&s->calls, 1);
    sem_post(&s->wanted);
}

static void
stream_begin(struct stream *s, size_t memory_max)
{
    memset(s, 0, sizeof(*s));
    ymo_body_init(&s->body);
    ymo_parker_init(&s->parker);
    sem_init(&s->wanted, 0, 0);
    ymo_body_begin(&s->body, true, memory_max, NULL, stream_wanted, s);
}

static void
stream_free(struct stream *s)
{
    ymo_body_fini(&s->body);
    ymo_parker_destroy(&s->parker);
    sem_destroy(&s->wanted);
}

static void *
read_all(void *arg)
{
    struct stream *s = arg;
    char data[700];
    for (size_t n = 1;; n = n * 5 % 701) {
        ssize_t got = ymo_body_read(&s->body, data, n % 700 + 1);
        if (got == YMO_EAGAIN) {
            s->waits++;
            (void)!ymo_body_wait(&s->body, &s->parker);
            continue;
        }
        if (got <= 0) {
            s->end = got;
            return NULL;
        }
        s->wrong += wrong_bytes(data, s->got, (size_t)got);
        s->got += (uint64_t)got;
    }
}

/* As the reactor does it: give what there is room for, and pause until it is told to go on. */
static size_t
stream_feed(struct stream *s, uint64_t from, size_t n)
{
    char data[4096];
    size_t half = s->body.memory_max / 2, most = 0;
    while (n > 0) {
        size_t room = ymo_body_room(&s->body, n < half ? n : half);
        size_t give = n < room ? n : room;
        if (give > sizeof(data))
            give = sizeof(data);
        if (give == 0) {
            while (sem_wait(&s->wanted) != 0)
                ;
            continue;
        }
        fill(data, from, give);
        if (ymo_body_append(&s->body, data, give) != (ssize_t)give)
            return SIZE_MAX;
        pthread_mutex_lock(&s->body.lock);
        most = s->body.mem.len > most ? s->body.mem.len : most;
        pthread_mutex_unlock(&s->body.lock);
        from += give;
        n -= give;
    }
    return most;
}

/* Either side sleeps again and again; a lost wake-up stops this for ever. */
static void
streaming_two_threads(void)
{
    static const size_t memory[] = {2, 3, 1000, 4096, 1 << 20};
    for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
        for (int whole = 0; whole < 2; whole++) {
            struct stream s;
            pthread_t t;
            uint64_t total = memory[i] < 100 ? 5000 : 2000000, done = 0;
            size_t most = 0;
            ymo_test_context("memory %zu, %s", memory[i], whole ? "whole" : "broken");
            stream_begin(&s, memory[i]);
            REQUIRE(pthread_create(&t, NULL, read_all, &s) == 0);
            for (size_t n = 1; done < total; n = n * 7 % 10007) {
                size_t give = total - done < n ? (size_t)(total - done) : n;
                size_t m = stream_feed(&s, done, give);
                most = m > most ? m : most;
                done += give;
            }
            if (whole)
                CHECK_INT(ymo_body_finish(&s.body), 0);
            else
                ymo_body_break(&s.body);
            pthread_join(t, NULL);
            CHECK_INT(s.end, whole ? 0 : YMO_ECLOSED);
            CHECK_INT(s.got, total);
            CHECK_INT(s.wrong, 0);
            CHECK(most <= memory[i]);
            stream_free(&s);
        }
    }
    ymo_test_context(NULL);
}

/* The reader is asleep for certain: then break, finish or bytes wake it. */
static void
ends_wake_a_sleeper(void)
{
    for (int how = 0; how < 3; how++) {
        struct stream s;
        pthread_t t;
        ymo_test_context("how %d", how);
        stream_begin(&s, 100);
        REQUIRE(pthread_create(&t, NULL, read_all, &s) == 0);
        for (bool asleep = false; !asleep;) {
            pthread_mutex_lock(&s.body.lock);
            asleep = s.body.reader != NULL;
            pthread_mutex_unlock(&s.body.lock);
        }
        if (how == 0)
            CHECK_INT(ymo_body_append(&s.body, "\0", 1), 1); /* byte_at(0) */
        if (how == 1)
            ymo_body_break(&s.body);
        else
            CHECK_INT(ymo_body_finish(&s.body), 0);
        pthread_join(t, NULL);
        CHECK_INT(s.end, how == 1 ? YMO_ECLOSED : 0);
        CHECK_INT(s.got, how == 0);
        CHECK_INT(s.wrong, 0);
        CHECK(s.waits > 0);
        stream_free(&s);
    }
    ymo_test_context(NULL);
}

static void
on_signal(int signo)
{
    (void)signo;
}

static void *
wait_once(void *arg)
{
    struct stream *s = arg;
    s->end = ymo_body_wait(&s->body, &s->parker);
    atomic_store(&s->calls, 1);
    return NULL;
}

static void
signals_end_a_wait(void)
{
    struct stream s;
    struct sigaction sa = {.sa_handler = on_signal}, before;
    pthread_t t;
    stream_begin(&s, 100);
    sigaction(SIGUSR1, &sa, &before);
    REQUIRE(pthread_create(&t, NULL, wait_once, &s) == 0);
    while (!atomic_load(&s.calls)) {
        pthread_kill(t, SIGUSR1);
        usleep(100);
    }
    pthread_join(t, NULL);
    CHECK_INT(s.end, YMO_EINTR);
    CHECK(s.body.reader == NULL); /* its parker may go away now */
    sigaction(SIGUSR1, &before, NULL);
    stream_free(&s);
}

YMO_SUITE(body, memory_then_file, the_file_has_no_name, small_pieces_are_put_together,
          unusable_tmp_dir, truncated_file, skip_and_read_mix, nothing_after_the_end,
          streaming_steps, streaming_ends, streaming_two_threads, ends_wake_a_sleeper,
          signals_end_a_wait);
