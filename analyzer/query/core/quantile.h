/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quantile.h - how many numbers are spread. */
#ifndef QUERY_QUANTILE_H
#define QUERY_QUANTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where samples put what is too much for memory: a file without a name (base/tempfile.h), made when it is needed. */
struct sample_file {
	const char *beside; /* borrowed until sample_file_done */
	bool open;
	int fd;
	off_t end; /* of what was written */
};

/* What is mostly asked of many numbers: all zero where there are none. */
struct spread {
	int64_t least, p50, p90, p99, most;
};

/* A growing list of numbers; zero-initialise. With a file, which outlives it, no more than SAMPLE_HELD of them are in
 * memory until they are sorted. */
#define SAMPLE_HELD 2048
struct sample {
	int64_t *values;
	size_t n, room;
	double sum;
	struct sample_file *file; /* NULL: all are held */
	off_t *blocks;            /* in the file, of SAMPLE_HELD values each */
	size_t nblocks, blocks_room;
	struct spread spread; /* by sample_spread */
	bool told;            /* it is there, and the values are not */
};

void sample_file_done(struct sample_file *f);

/* 0, -ENOMEM, or of a sample with a file another negative errno. */
int sample_add(struct sample *s, int64_t value);
/* values[0] ... values[n - 1] are there and sorted. 0 or as above; without a file it does not fail. */
int sample_sort(struct sample *s);
/* Tells in s->spread how it is spread. Its values go, so that many large samples are not in memory at once; n and the
 * sum stay. As sample_sort. */
int sample_spread(struct sample *s);
/* Empty again, with its memory. */
void sample_clear(struct sample *s);
void sample_done(struct sample *s);

/* Of a sorted sample that is not empty: between two values in proportion, as pandas and numpy do by default. */
int64_t sample_quantile(const struct sample *s, double q);
double sample_sum(const struct sample *s);
/* The sum as a number of ns: at most what fits one. A damaged database has more. */
int64_t sample_total(const struct sample *s);

#endif
