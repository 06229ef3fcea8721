/* SPDX-License-Identifier: MIT */
#include "config/suggest.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

enum { LONGEST = 64 };

static int
fold(char c)
{
    return c == '-' ? '_' : tolower((unsigned char)c);
}

static bool
same(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fold(a[i]) != fold(b[i]))
            return false;
    }
    return true;
}

unsigned
ymo_suggest_distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    if (la > LONGEST || lb > LONGEST)
        return UINT_MAX;
    unsigned d[3][LONGEST + 1]; /* row i is d[i % 3]: a swap looks two rows back */
    for (size_t j = 0; j <= lb; j++)
        d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned *now = d[i % 3];
        const unsigned *prev = d[(i + 2) % 3], *before = d[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned best = prev[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));
            if (prev[j] + 1 < best)
                best = prev[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1]) && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return d[la % 3][lb];
}

static bool
is_last_part(const char *word, size_t len, const char *name)
{
    size_t n = strlen(name);
    return n > len && strchr("._-", name[n - len - 1]) && same(word, name + n - len, len);
}

const char *
ymo_suggest_nearest(const char *word, const char *const *names, size_t n)
{
    size_t len = strlen(word);
    if (len == 0 || len > LONGEST)
        return NULL;
    const char *exact = NULL, *last = NULL, *longer = NULL, *near = NULL;
    unsigned n_last = 0, n_longer = 0;
    unsigned limit = len < 4 ? 1 : (unsigned)(len + 2) / 4, best = UINT_MAX;
    for (size_t i = 0; i < n; i++) {
        size_t name_len = strlen(names[i]);
        if (name_len == len && same(word, names[i], len))
            exact = exact ? exact : names[i];
        if (is_last_part(word, len, names[i])) {
            last = names[i];
            n_last++;
        }
        if (len >= 2 && name_len > len && same(word, names[i], len)) {
            longer = names[i];
            n_longer++;
        }
        unsigned d = ymo_suggest_distance(word, names[i]);
        if (d <= limit && d < best) {
            best = d;
            near = names[i];
        }
    }
    if (exact)
        return exact;
    /* The beginning of one name: what is typed first is meant first. */
    if (n_longer == 1)
        return longer;
    if (n_last == 1)
        return last;
    return near;
}
