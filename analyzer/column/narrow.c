/* SPDX-License-Identifier: GPL-3.0-or-later */
/* narrow.c - see narrow.h */
#include "column/narrow.h"
#include <errno.h>
#include <stdlib.h>

enum { FIRST = 64 };

void narrow_done(struct narrow *c)
{
	free(c->bytes);
	*c = (struct narrow){0};
}

/* The same numbers with another width. */
static int widen(struct narrow *c, unsigned width)
{
	struct narrow to = {.room = c->room ? c->room : FIRST, .width = width};

	if (to.room > (SIZE_MAX / 2 - NARROW_SLACK) / width)
		return -ENOMEM;
	to.bytes = malloc(to.room * width + NARROW_SLACK);
	if (!to.bytes)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++)
		narrow_put(&to, i, narrow_at(c, i));
	free(c->bytes);
	*c = to;
	return 0;
}

static int grow(struct narrow *c, size_t want)
{
	size_t room = c->room <= want / 2 ? want : c->room * 2;
	unsigned char *bytes;

	if (room > (SIZE_MAX / 2 - NARROW_SLACK) / c->width)
		return -ENOMEM;
	bytes = realloc(c->bytes, room * c->width + NARROW_SLACK);
	if (!bytes)
		return -ENOMEM;
	c->bytes = bytes;
	c->room = room;
	return 0;
}

int narrow_make_room(struct narrow *c, size_t i, int64_t x)
{
	unsigned width = c->width ? c->width : 1;
	int rc = 0;

	while (!narrow_fits(width, x))
		width++;
	if (width != c->width)
		rc = widen(c, width);
	if (!rc && i >= c->room)
		rc = grow(c, i + 1);
	if (!rc && i > c->n) {
		memset(c->bytes + c->n * c->width, 0, (i - c->n) * c->width);
		c->n = i;
	}
	return rc;
}
