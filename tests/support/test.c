/* SPDX-License-Identifier: MIT */
/* Runs every registered suite through CUnit's basic interface; arguments select suites by name. */
#include "tests/support/test.h"

#include <CUnit/Basic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ymo_test_suite *suites;
static char context[256];

void
ymo_test_register(struct ymo_test_suite *suite)
{
    suite->next = suites;
    suites = suite;
}

void
ymo_test_context(const char *fmt, ...)
{
    va_list ap;
    if (!fmt) {
        context[0] = '\0';
        return;
    }
    va_start(ap, fmt);
    vsnprintf(context, sizeof(context), fmt, ap);
    va_end(ap);
}

static void
record(int ok, const char *file, int line, const char *text)
{
    char full[1400];
    snprintf(full, sizeof(full), "%s%s%s", text, context[0] ? " — at " : "", context);
    CU_assertImplementation(ok ? CU_TRUE : CU_FALSE, (unsigned)line, full, file, "", CU_FALSE);
}

int
ymo_test_check(int ok, const char *file, int line, const char *what)
{
    record(ok, file, line, what);
    return ok;
}

int
ymo_test_check_int(long long actual, long long expected, const char *file, int line,
                   const char *what)
{
    char text[512];
    int ok = actual == expected;
    if (!ok)
        snprintf(text, sizeof(text), "%s is %lld, expected %lld", what, actual, expected);
    record(ok, file, line, ok ? what : text);
    return ok;
}

static void
escape(char *dst, size_t cap, struct ymo_slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len && n + 8 < cap; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c >= 0x20 && c < 0x7f)
            dst[n++] = (char)c;
        else
            n += (size_t)snprintf(dst + n, cap - n, "\\x%02x", c);
    }
    dst[n] = '\0';
}

int
ymo_test_check_bytes(struct ymo_slice actual, struct ymo_slice expected, const char *file, int line,
                     const char *what)
{
    char a[400], e[400], text[1100];
    int ok = ymo_slice_eq(actual, expected);
    if (!ok) {
        escape(a, sizeof(a), actual);
        escape(e, sizeof(e), expected);
        snprintf(text, sizeof(text), "%s is \"%s\", expected \"%s\"", what, a, e);
    }
    record(ok, file, line, ok ? what : text);
    return ok;
}

static int
selected(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return 1;
    }
    return argc < 2;
}

static struct ymo_test_suite *
sorted(struct ymo_test_suite *list)
{
    struct ymo_test_suite *out = NULL;
    while (list) {
        struct ymo_test_suite *s = list, **p = &out;
        list = list->next;
        while (*p && strcmp((*p)->name, s->name) < 0)
            p = &(*p)->next;
        s->next = *p;
        *p = s;
    }
    return out;
}

int
main(int argc, char **argv)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    for (struct ymo_test_suite *s = suites = sorted(suites); s; s = s->next) {
        if (!selected(s->name, argc, argv))
            continue;
        CU_pSuite cu = CU_add_suite(s->name, NULL, NULL);
        for (size_t i = 0; cu && i < s->n_cases; i++)
            CU_add_test(cu, s->cases[i].name, s->cases[i].run);
    }
    if (CU_get_registry()->uiNumberOfTests == 0) {
        fprintf(stderr, "no test selected\n");
        return 2;
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed ? 1 : 0;
}
