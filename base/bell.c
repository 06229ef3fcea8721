/* SPDX-License-Identifier: MIT */
#include "base/bell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

int
ymo_bell_init(struct ymo_bell *b, int (*park)(struct ymo_parker *p))
{
#ifdef __linux__
    b->fd = b->fd_ring = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (b->fd < 0)
        return YMO_EIO;
#else
    int fds[2];
    if (pipe(fds) != 0)
        return YMO_EIO;
    for (int i = 0; i < 2; i++) {
        (void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    b->fd = fds[0];
    b->fd_ring = fds[1];
#endif
    atomic_init(&b->rung, NULL);
    b->park = park;
    return YMO_OK;
}

void
ymo_bell_destroy(struct ymo_bell *b)
{
    close(b->fd);
    if (b->fd_ring != b->fd)
        close(b->fd_ring);
}

void
ymo_bell_hang(struct ymo_bell *b, struct ymo_parker *p)
{
    p->bell = b;
    atomic_store(&p->token, false); /* one from before would keep it silent */
}

void
ymo_bell_ring(struct ymo_bell *b, struct ymo_parker *p)
{
    static const uint64_t one = 1;
    struct ymo_parker *head = atomic_load(&b->rung);
    do
        p->next_rung = head;
    while (!atomic_compare_exchange_weak(&b->rung, &head, p));
    if (head)
        return; /* whoever put that one there writes */
    ssize_t n;
    do
        n = write(b->fd_ring, &one, sizeof(one));
    while (n < 0 && errno == EINTR);
    /* Full is as readable as can be. */
}

struct ymo_parker *
ymo_bell_take(struct ymo_bell *b)
{
    uint64_t sink[64];
    ssize_t n;
    /* First the descriptor: who rings after the exchange finds the list empty and writes. */
    do
        n = read(b->fd, sink, sizeof(sink));
    while (n == (ssize_t)sizeof(sink) || (n < 0 && errno == EINTR));
    return atomic_exchange(&b->rung, NULL);
}

struct ymo_parker *
ymo_bell_next(struct ymo_parker *p)
{
    struct ymo_parker *next = p->next_rung;
    atomic_store(&p->token, false);
    return next;
}
