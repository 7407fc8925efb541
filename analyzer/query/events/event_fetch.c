/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_fetch.c - see event_fetch.h */
#include "query/events/event_fetch.h"

enum { FAR = 20000 }; /* ids; beyond it a look-up is cheaper than going there */

void event_fetch_init(struct event_fetch *f, struct store *s, const struct event_query *query)
{
	*f = (struct event_fetch){.store = s, .query = query};
}

void event_fetch_done(struct event_fetch *f)
{
	for (size_t i = 0; i < f->n; i++)
		event_cursor_close(f->sources[i].cursor);
	f->n = 0;
}

static int step(struct event_fetch *f, size_t i)
{
	int rc = event_cursor_next(f->sources[i].cursor, &f->sources[i].at);

	if (rc != 1)
		f->sources[i].at = NULL;
	return rc < 0 ? rc : 0;
}

/* Has the cursor of a source start at id. */
static int begin(struct event_fetch *f, size_t i, int64_t source, int64_t id)
{
	struct event_query q = *f->query;
	int rc;

	event_cursor_close(f->sources[i].cursor);
	f->sources[i].cursor = NULL;
	f->sources[i].at = NULL;
	f->sources[i].source = source;
	q.source = source;
	q.first_id = id;
	rc = event_cursor_open(f->store, &q, &f->sources[i].cursor);
	return rc ? rc : step(f, i);
}

int event_fetch(struct event_fetch *f, int64_t source, int64_t id, const struct event **out)
{
	size_t i = 0;
	int rc = 0;

	while (i < f->n && f->sources[i].source != source)
		i++;
	if (i == f->n) {
		if (f->n == EVENT_FETCH_SOURCES)
			return event_get(f->store, id, out);
		f->n++;
		rc = begin(f, i, source, id);
	} else if (f->sources[i].at && id > f->sources[i].at->id + FAR) {
		rc = begin(f, i, source, id);
	}
	while (!rc && f->sources[i].at && f->sources[i].at->id < id)
		rc = step(f, i);
	if (rc)
		return rc;
	if (!f->sources[i].at || f->sources[i].at->id != id)
		return event_get(f->store, id, out);
	*out = f->sources[i].at;
	return 1;
}
