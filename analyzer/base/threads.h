/* SPDX-License-Identifier: GPL-3.0-or-later */
/* threads.h - pieces of work that have nothing to do with each other, by as many threads as there are processors. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stddef.h>

/* Calls work(arg, i) once for each i below n, several at a time, also by the caller, who waits for all. A thread that
 * cannot be had is done without. What work returns, 0 or a negative errno, is the outcome where it is not 0: of the
 * first i, and what is behind it may not be done then. */
int threads_each(size_t n, int (*work)(void *arg, size_t i), void *arg);

#endif
