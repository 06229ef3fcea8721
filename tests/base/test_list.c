/* SPDX-License-Identifier: MIT */
#include "base/list.h"
#include "tests/support/test.h"

struct item {
    char name;
    struct ymo_list node;
};

static struct ymo_slice
names(struct ymo_list *head, char *dst)
{
    size_t n = 0;
    YMO_LIST_EACH (const struct item, it, head, node)
        dst[n++] = it->name;
    return ymo_slice_of(dst, n);
}

static void
order_and_removal(void)
{
    struct ymo_list head, other;
    struct item a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};
    char buf[8];
    ymo_list_init(&head);
    ymo_list_init(&other);
    CHECK(ymo_list_empty(&head));
    CHECK_SLICE(names(&head, buf), "");
    ymo_list_append(&head, &a.node);
    ymo_list_append(&head, &b.node);
    ymo_list_append(&head, &c.node);
    CHECK_SLICE(names(&head, buf), "abc");
    ymo_list_remove(&b.node);
    CHECK_SLICE(names(&head, buf), "ac");
    CHECK(ymo_list_empty(&b.node));
    ymo_list_remove(&b.node); /* harmless */
    CHECK_SLICE(names(&head, buf), "ac");
    ymo_list_append(&other, &b.node);
    ymo_list_remove(&a.node);
    ymo_list_append(&other, &a.node);
    CHECK_SLICE(names(&head, buf), "c");
    CHECK_SLICE(names(&other, buf), "ba");
    ymo_list_remove(&c.node);
    CHECK(ymo_list_empty(&head));
}

static void
removal_while_walking(void)
{
    struct ymo_list head, *it, *tmp;
    struct item items[5];
    char buf[8];
    ymo_list_init(&head);
    for (int i = 0; i < 5; i++) {
        items[i].name = (char)('a' + i);
        ymo_list_append(&head, &items[i].node);
    }
    int n = 0;
    YMO_LIST_FOREACH (it, tmp, &head) {
        if (n++ % 2 == 0)
            ymo_list_remove(it);
    }
    CHECK_INT(n, 5);
    CHECK_SLICE(names(&head, buf), "bd");
}

YMO_SUITE(list, order_and_removal, removal_while_walking);
