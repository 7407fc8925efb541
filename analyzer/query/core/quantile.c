/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quantile.c - see quantile.h */
#include "query/core/quantile.h"
#include "base/array.h"
#include "base/tempfile.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { BYTES_FROM = 128 }; /* so many values are sorted byte by byte */

/* ---- adding ---- */

static int spill(struct sample *s)
{
	struct sample_file *f = s->file;
	off_t *at;

	if (!f->open) {
		f->fd = tempfile_open(f->beside);
		if (f->fd < 0)
			return f->fd;
		f->open = true;
	}
	at = array_add(s->blocks, s->nblocks, s->blocks_room);
	if (!at)
		return -ENOMEM;
	*at = f->end;
	return tempfile_write(f->fd, &f->end, (const char *)s->values, SAMPLE_HELD * sizeof *s->values);
}

int sample_add(struct sample *s, int64_t value)
{
	size_t held = s->n - s->nblocks * SAMPLE_HELD;
	int rc = 0;

	if (s->file && held == SAMPLE_HELD) {
		rc = spill(s);
		held = 0;
	}
	if (rc || array_reserve(s->values, s->room, held + 1))
		return rc ? rc : -ENOMEM;
	s->values[held] = value;
	s->n++;
	s->sum += (double)value;
	return 0;
}

/* ---- sorting ---- */

static int read_block(int fd, off_t at, int64_t *to)
{
	size_t size = SAMPLE_HELD * sizeof *to, n = 0;

	while (n < size) {
		ssize_t k = pread(fd, (char *)to + n, size - n, at + (off_t)n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k ? -errno : -EIO;
		n += (size_t)k;
	}
	return 0;
}

/* What went to the file comes back behind what is held: they are sorted anyway. */
static int fetch(struct sample *s)
{
	size_t held = s->n - s->nblocks * SAMPLE_HELD;
	int rc = array_reserve(s->values, s->room, s->n);

	for (size_t i = 0; i < s->nblocks && !rc; i++)
		rc = read_block(s->file->fd, s->blocks[i], s->values + held + i * SAMPLE_HELD);
	if (!rc)
		s->nblocks = 0;
	return rc;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* By one byte of their distance from the least. */
static void sort_byte(const int64_t *from, int64_t *to, size_t n, int64_t least, unsigned shift)
{
	size_t at[256] = {0}, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[((uint64_t)from[i] - (uint64_t)least) >> shift & 0xff]++;
	for (int b = 0; b < 256; b++) {
		size_t here = at[b];

		at[b] = sum;
		sum += here;
	}
	for (size_t i = 0; i < n; i++)
		to[at[((uint64_t)from[i] - (uint64_t)least) >> shift & 0xff]++] = from[i];
}

/* Byte by byte, the lowest first: as many passes as the widest distance has bytes, whatever the order was. False: no
 * memory for it. */
static bool sort_bytes(struct sample *s)
{
	int64_t least = s->values[0], most = least, *other = malloc(s->room * sizeof *other), *was;

	if (!other)
		return false;
	for (size_t i = 1; i < s->n; i++) {
		least = s->values[i] < least ? s->values[i] : least;
		most = s->values[i] > most ? s->values[i] : most;
	}
	for (unsigned shift = 0; shift < 64 && ((uint64_t)most - (uint64_t)least) >> shift; shift += 8) {
		sort_byte(s->values, other, s->n, least, shift);
		was = s->values;
		s->values = other;
		other = was;
	}
	free(other);
	return true;
}

int sample_sort(struct sample *s)
{
	int rc = s->nblocks ? fetch(s) : 0;

	if (!rc && s->n && (s->n < BYTES_FROM || !sort_bytes(s)))
		qsort(s->values, s->n, sizeof *s->values, by_value);
	return rc;
}

int sample_spread(struct sample *s)
{
	int rc = s->told ? 0 : sample_sort(s);

	if (rc || s->told)
		return rc;
	if (s->n)
		s->spread = (struct spread){sample_quantile(s, 0), sample_quantile(s, 0.5), sample_quantile(s, 0.9),
		                            sample_quantile(s, 0.99), sample_quantile(s, 1)};
	s->told = true;
	free(s->values);
	free(s->blocks);
	s->values = NULL;
	s->blocks = NULL;
	s->room = s->nblocks = s->blocks_room = 0;
	return 0;
}

void sample_clear(struct sample *s)
{
	s->told = false;
	s->n = s->nblocks = 0;
	s->sum = 0;
}

void sample_done(struct sample *s)
{
	free(s->values);
	free(s->blocks);
	*s = (struct sample){0};
}

void sample_file_done(struct sample_file *f)
{
	if (f->open)
		close(f->fd);
	f->open = false;
}

/* ---- asking ---- */

int64_t sample_quantile(const struct sample *s, double q)
{
	double at = q * (double)(s->n - 1);
	size_t low = (size_t)floor(at);
	double step;

	if (low + 1 >= s->n)
		return s->values[s->n - 1];
	step = (double)((uint64_t)s->values[low + 1] - (uint64_t)s->values[low]);
	return (int64_t)((uint64_t)s->values[low] + (uint64_t)llround((at - (double)low) * step));
}

double sample_sum(const struct sample *s)
{
	return s->sum;
}

int64_t sample_total(const struct sample *s)
{
	const double most = 9.2e18;

	return (int64_t)fmax(fmin(s->sum, most), -most);
}
