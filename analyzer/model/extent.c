/* SPDX-License-Identifier: GPL-3.0-or-later */
/* extent.c - see extent.h
 *
 * All of time is parted into stretches of 52 days, which are shorter than a jump; of each the first and the last line
 * are enough. */
#include "model/extent.h"
#include <errno.h>
#include <stdlib.h>

enum { STRETCH_BITS = 52, STRETCHES = 1 << (64 - STRETCH_BITS) };

struct stretch {
	int64_t first_ns, last_ns;
	bool used;
};

static void take(struct stretch *all, int64_t ns)
{
	struct stretch *s = &all[(ns >> STRETCH_BITS) + STRETCHES / 2];

	if (!s->used || ns < s->first_ns)
		s->first_ns = ns;
	if (!s->used || ns > s->last_ns)
		s->last_ns = ns;
	s->used = true;
}

static int64_t sum(const struct stretch *all)
{
	const struct stretch *before = NULL;
	uint64_t ns = 0;

	for (size_t i = 0; i < STRETCHES; i++) {
		const struct stretch *s = &all[i];

		if (!s->used)
			continue;
		ns += (uint64_t)s->last_ns - (uint64_t)s->first_ns;
		if (before && (uint64_t)s->first_ns - (uint64_t)before->last_ns <= CLOCK_JUMP_NS)
			ns += (uint64_t)s->first_ns - (uint64_t)before->last_ns;
		before = s;
	}
	return ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

int extent_read(struct store *s, int64_t run, int64_t *ns)
{
	struct stretch *all = calloc(STRETCHES, sizeof *all);
	struct event_query q = {.run = run, .brief = true};
	struct event_cursor *c = NULL;
	const struct event *e;
	int rc = all ? event_cursor_open(s, &q, &c) : -ENOMEM;

	while (!rc && (rc = event_cursor_next(c, &e)) == 1) {
		rc = event_time(e);
		if (!rc)
			take(all, e->time_ns);
	}
	event_cursor_close(c);
	if (!rc)
		*ns = sum(all);
	free(all);
	return rc;
}
