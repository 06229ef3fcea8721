/* SPDX-License-Identifier: MIT */
/*
 * A thin layer over CUnit, so that tests do not depend on the framework. A test file ends with
 *
 *     YMO_SUITE(buf, append_grows, consume_drops_front);
 *
 * and needs no registration anywhere else than in the Makefile's list of sources.
 */
#ifndef YMO_TESTS_SUPPORT_TEST_H
#define YMO_TESTS_SUPPORT_TEST_H

#include "base/slice.h"

#include <CUnit/CUnit.h>
#include <stddef.h>

struct ymo_test_case {
    const char *name;
    void (*run)(void);
};

struct ymo_test_suite {
    const char *name;
    const struct ymo_test_case *cases;
    size_t n_cases;
    struct ymo_test_suite *next;
};

void ymo_test_register(struct ymo_test_suite *suite);

/* A failed CHECK is recorded with file and line and the test goes on; REQUIRE leaves it. */
#define CHECK(cond) ymo_test_check((cond), __FILE__, __LINE__, #cond)
#define REQUIRE(cond)                                           \
    do {                                                        \
        if (!ymo_test_check((cond), __FILE__, __LINE__, #cond)) \
            return;                                             \
    } while (0)
#define CHECK_INT(actual, expected) \
    ymo_test_check_int((long long)(actual), (long long)(expected), __FILE__, __LINE__, #actual)
#define CHECK_STR(actual, expected)                                                          \
    ymo_test_check_bytes(ymo_slice_str(actual), ymo_slice_str(expected), __FILE__, __LINE__, \
                         #actual)
#define CHECK_SLICE(actual, expected) \
    ymo_test_check_bytes((actual), ymo_slice_str(expected), __FILE__, __LINE__, #actual)

/* True when it holds. The message names the values, escaped. */
int ymo_test_check(int ok, const char *file, int line, const char *what);
int ymo_test_check_int(long long actual, long long expected, const char *file, int line,
                       const char *what);
int ymo_test_check_bytes(struct ymo_slice actual, struct ymo_slice expected, const char *file,
                         int line, const char *what);
/* Say which vector a loop is at; shown with failures until changed. NULL: none. */
void ymo_test_context(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define YMO_SUITE_CASE(fn) \
    {                      \
#fn, fn            \
    }
#define YMO_MAP1(f, a)       f(a)
#define YMO_MAP2(f, a, ...)  f(a), YMO_MAP1(f, __VA_ARGS__)
#define YMO_MAP3(f, a, ...)  f(a), YMO_MAP2(f, __VA_ARGS__)
#define YMO_MAP4(f, a, ...)  f(a), YMO_MAP3(f, __VA_ARGS__)
#define YMO_MAP5(f, a, ...)  f(a), YMO_MAP4(f, __VA_ARGS__)
#define YMO_MAP6(f, a, ...)  f(a), YMO_MAP5(f, __VA_ARGS__)
#define YMO_MAP7(f, a, ...)  f(a), YMO_MAP6(f, __VA_ARGS__)
#define YMO_MAP8(f, a, ...)  f(a), YMO_MAP7(f, __VA_ARGS__)
#define YMO_MAP9(f, a, ...)  f(a), YMO_MAP8(f, __VA_ARGS__)
#define YMO_MAP10(f, a, ...) f(a), YMO_MAP9(f, __VA_ARGS__)
#define YMO_MAP11(f, a, ...) f(a), YMO_MAP10(f, __VA_ARGS__)
#define YMO_MAP12(f, a, ...) f(a), YMO_MAP11(f, __VA_ARGS__)
#define YMO_MAP13(f, a, ...) f(a), YMO_MAP12(f, __VA_ARGS__)
#define YMO_MAP14(f, a, ...) f(a), YMO_MAP13(f, __VA_ARGS__)
#define YMO_MAP15(f, a, ...) f(a), YMO_MAP14(f, __VA_ARGS__)
#define YMO_MAP16(f, a, ...) f(a), YMO_MAP15(f, __VA_ARGS__)
#define YMO_MAP17(f, a, ...) f(a), YMO_MAP16(f, __VA_ARGS__)
#define YMO_MAP18(f, a, ...) f(a), YMO_MAP17(f, __VA_ARGS__)
#define YMO_MAP19(f, a, ...) f(a), YMO_MAP18(f, __VA_ARGS__)
#define YMO_MAP20(f, a, ...) f(a), YMO_MAP19(f, __VA_ARGS__)
#define YMO_MAP_PICK(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, \
                     _18, _19, _20, name, ...)                                                   \
    name
#define YMO_MAP(f, ...)                                                                         \
    YMO_MAP_PICK(__VA_ARGS__, YMO_MAP20, YMO_MAP19, YMO_MAP18, YMO_MAP17, YMO_MAP16, YMO_MAP15, \
                 YMO_MAP14, YMO_MAP13, YMO_MAP12, YMO_MAP11, YMO_MAP10, YMO_MAP9, YMO_MAP8,     \
                 YMO_MAP7, YMO_MAP6, YMO_MAP5, YMO_MAP4, YMO_MAP3, YMO_MAP2, YMO_MAP1)          \
    (f, __VA_ARGS__)

#define YMO_SUITE(suite_name, ...)                                         \
    static const struct ymo_test_case suite_name##_cases[] = {             \
        YMO_MAP(YMO_SUITE_CASE, __VA_ARGS__)};                             \
    static struct ymo_test_suite suite_name##_suite = {                    \
        #suite_name, suite_name##_cases,                                   \
        sizeof(suite_name##_cases) / sizeof(suite_name##_cases[0]), NULL}; \
    __attribute__((constructor)) static void suite_name##_register(void)   \
    {                                                                      \
        ymo_test_register(&suite_name##_suite);                            \
    }                                                                      \
    extern int ymo_suite_semicolon_##suite_name

#endif
