/* SPDX-License-Identifier: MIT */
#include "request/mailbox.h"

#include "base/err.h"

/*
 * Why no wake-up is lost: the poster makes the mailbox non-empty and then looks at the mode; the
 * reactor sets the mode and then looks whether the mailbox is empty. Both pairs are sequentially
 * consistent, so at least one of them sees the other.
 */

void
ymo_mailbox_init(struct ymo_mailbox *mb, void (*wake)(void *), void *arg)
{
    *mb = (struct ymo_mailbox){.wake = wake, .wake_arg = arg};
    YMO_ASSERT(pthread_mutex_init(&mb->lock, NULL) == 0);
    atomic_init(&mb->nonempty, false);
    atomic_init(&mb->mode, YMO_MAILBOX_AWAKE);
}

void
ymo_mailbox_destroy(struct ymo_mailbox *mb)
{
    pthread_mutex_destroy(&mb->lock);
}

void
ymo_mailbox_post(struct ymo_mailbox *mb, struct ymo_msg *msg, bool urgent)
{
    msg->next = NULL;
    pthread_mutex_lock(&mb->lock);
    if (mb->last)
        mb->last->next = msg;
    else
        mb->first = msg;
    mb->last = msg;
    atomic_store(&mb->nonempty, true);
    pthread_mutex_unlock(&mb->lock);
    int mode = atomic_load(&mb->mode);
    if (mode == YMO_MAILBOX_SLEEP || (urgent && mode == YMO_MAILBOX_NAP))
        mb->wake(mb->wake_arg);
}

void
ymo_mailbox_flush(struct ymo_mailbox *mb)
{
    if (atomic_load(&mb->nonempty) && atomic_load(&mb->mode) != YMO_MAILBOX_AWAKE)
        mb->wake(mb->wake_arg);
}

struct ymo_msg *
ymo_mailbox_take(struct ymo_mailbox *mb)
{
    if (!atomic_load_explicit(&mb->nonempty, memory_order_relaxed))
        return NULL;
    pthread_mutex_lock(&mb->lock);
    struct ymo_msg *all = mb->first;
    mb->first = mb->last = NULL;
    atomic_store(&mb->nonempty, false);
    pthread_mutex_unlock(&mb->lock);
    return all;
}

bool
ymo_mailbox_set_mode(struct ymo_mailbox *mb, enum ymo_mailbox_mode mode)
{
    atomic_store(&mb->mode, (int)mode);
    return !atomic_load(&mb->nonempty);
}
