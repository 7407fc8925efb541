/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quantile.h - how many numbers are spread. */
#ifndef QUERY_QUANTILE_H
#define QUERY_QUANTILE_H

#include <stddef.h>
#include <stdint.h>

/* A growing list of numbers; zero-initialise. */
struct sample {
	int64_t *values;
	size_t n, room;
};

/* 0 or -ENOMEM */
int sample_add(struct sample *s, int64_t value);
void sample_sort(struct sample *s);
void sample_done(struct sample *s);

/* Of a sorted sample that is not empty: between two values in proportion, as pandas and numpy do by default. */
int64_t sample_quantile(const struct sample *s, double q);
double sample_sum(const struct sample *s);

#endif
