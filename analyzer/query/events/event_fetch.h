/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_fetch.h - events by id, when most of them come in the order of their sources.
 *
 * Merged by time, the events of one source come nearly in the order of its lines: a cursor for each source goes along,
 * and only what jumps back or far ahead is looked up by itself. */
#ifndef QUERY_EVENT_FETCH_H
#define QUERY_EVENT_FETCH_H

#include "store/store.h"

/* Fewer than chunks that a store has open at a time (CHUNK_CACHE), as each has one pinned. */
enum { EVENT_FETCH_SOURCES = 48 };

struct event_fetch {
	struct store *store;
	const struct event_query *query; /* what the cursors may skip; borrowed */
	struct {
		int64_t source;
		struct event_cursor *cursor;
		const struct event *at; /* NULL: at the end */
	} sources[EVENT_FETCH_SOURCES];
	size_t n;
};

void event_fetch_init(struct event_fetch *f, struct store *s, const struct event_query *query);
void event_fetch_done(struct event_fetch *f);
/* As event_get. */
int event_fetch(struct event_fetch *f, int64_t source, int64_t id, const struct event **out);

#endif
