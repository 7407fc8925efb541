/* SPDX-License-Identifier: GPL-3.0-or-later */
/* narrow.h - many whole numbers of one kind, in as few bytes each as the largest of them needs.
 *
 * A zeroed one is empty. Whoever puts one number that is wider than all before it pays for a copy; there are eight
 * widths. One thread at a time, or readers alone. */
#ifndef COLUMN_NARROW_H
#define COLUMN_NARROW_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct narrow {
	unsigned char *bytes; /* width bytes a number, and NARROW_SLACK */
	size_t n, room;
	unsigned width; /* 1 to 8; 0: empty */
};

enum { NARROW_SLACK = 8 };

/* Room for number i, and for x. 0 or -ENOMEM: nothing has changed. */
int narrow_make_room(struct narrow *c, size_t i, int64_t x);
void narrow_done(struct narrow *c);

/* Number i, which is less than n. */
static inline int64_t narrow_at(const struct narrow *c, size_t i)
{
	unsigned unused = 64 - 8 * c->width;
	uint64_t x;

	memcpy(&x, c->bytes + i * c->width, sizeof x);
	return (int64_t)(le64toh(x) << unused) >> unused;
}

/* Whether x has no more than so many bytes. */
static inline bool narrow_fits(unsigned width, int64_t x)
{
	unsigned unused = 64 - 8 * width;

	return width && (int64_t)((uint64_t)x << unused) >> unused == x;
}

/* Number i is x. What is skipped is zero. 0 or -ENOMEM: nothing has changed. */
static inline int narrow_put(struct narrow *c, size_t i, int64_t x)
{
	uint64_t mask, was;
	unsigned char *at;

	if ((i >= c->n && (i >= c->room || i > c->n)) || !narrow_fits(c->width, x)) {
		int rc = narrow_make_room(c, i, x);

		if (rc)
			return rc;
	}
	at = c->bytes + i * c->width;
	mask = UINT64_MAX >> (64 - 8 * c->width);
	memcpy(&was, at, sizeof was);
	was = htole64((le64toh(was) & ~mask) | ((uint64_t)x & mask));
	memcpy(at, &was, sizeof was);
	c->n = i < c->n ? c->n : i + 1;
	return 0;
}

#endif
