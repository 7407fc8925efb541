/* SPDX-License-Identifier: GPL-3.0-or-later */
/* suggest.h - "did you mean": the name that is the fewest slips of the finger away. */
#ifndef QUERY_SUGGEST_H
#define QUERY_SUGGEST_H

#include <stddef.h>

/* The closest of the names that next() gives until NULL; NULL where none is close. */
const char *suggest(const char *word, const char *(*next)(void *arg, size_t i), void *arg);
/* The closest of n names. */
const char *suggest_of(const char *word, char *const *names, size_t n);

#endif
