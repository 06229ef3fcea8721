/* SPDX-License-Identifier: MIT */
/* "did you mean": the nearest of the names there are. Pure, any thread. */
#ifndef YMO_CONFIG_SUGGEST_H
#define YMO_CONFIG_SUGGEST_H

#include <stddef.h>

/*
 * The name nearest to `word`, or NULL when none is near. Near is, in this order: `word` is the
 * last part of it (`port` of `wsgi.port`), `word` is an abbreviation of it and of no other, or few
 * letters differ. Case does not count, and '-' equals '_'.
 */
const char *ymo_suggest_nearest(const char *word, const char *const *names, size_t n);

/* Insertions, deletions, replacements and swaps of neighbours from a to b; large when either is
 * longer than 64 bytes. */
unsigned ymo_suggest_distance(const char *a, const char *b);

#endif
