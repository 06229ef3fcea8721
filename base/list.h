/* SPDX-License-Identifier: MIT */
/* Intrusive doubly linked circular list. A node that is in no list points at itself. */
#ifndef YMO_BASE_LIST_H
#define YMO_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct ymo_list {
    struct ymo_list *next, *prev;
};

#define YMO_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void
ymo_list_init(struct ymo_list *l)
{
    l->next = l->prev = l;
}

static inline bool
ymo_list_empty(const struct ymo_list *l)
{
    return l->next == l;
}

/* Append `node` (in no list) at the tail of `head`. */
static inline void
ymo_list_append(struct ymo_list *head, struct ymo_list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Take `node` out of whatever list it is in; harmless when it is in none. */
static inline void
ymo_list_remove(struct ymo_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = node;
}

/* Safe against removal of the current node. */
#define YMO_LIST_FOREACH(it, tmp, head) \
    for ((it) = (head)->next, (tmp) = (it)->next; (it) != (head); (it) = (tmp), (tmp) = (it)->next)

/* Each `type` whose `member` is in the list; for bodies that leave the list as it is. */
#define YMO_LIST_EACH(type, it, head, member)                                              \
    for (type *it = YMO_CONTAINER_OF((head)->next, type, member); &(it)->member != (head); \
         (it) = YMO_CONTAINER_OF((it)->member.next, type, member))

#endif
