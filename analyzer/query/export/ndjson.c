/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ndjson.c - the lines of all logs, merged by time: event lines, each a whole JSON object.
 *
 * A line that is an event line already goes out byte for byte. What is broken in it as JSON, and what other programs
 * wrote, is put together from what the database knows of it: the keys of an event line, and the time as other lines of
 * that log have it, or else in UTC. */
#include "query/export/export.h"
#include "base/array.h"
#include "base/sorter.h"
#include "ingest/stamp.h"
#include "query/events/event_fetch.h"
#include "query/events/fields.h"
#include "query/export/strict.h"
#include "render/number.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>

struct place {
	int64_t time_ns, id, source;
};

/* A log of event lines, with times that name their offset or by the log's clock; or one of another program. */
enum origin { NOT_ASKED, OURS, OURS_BY_CLOCK, FOREIGN };

struct ndjson {
	struct export *x;
	struct sorter *sorter;
	char *origin; /* by source */
	size_t nsources;
	struct text part; /* what is checked before it goes out */
};

static int compare(struct slice a, struct slice b)
{
	struct place x, y;

	memcpy(&x, a.ptr, sizeof x);
	memcpy(&y, b.ptr, sizeof y);
	if (x.time_ns != y.time_ns)
		return x.time_ns < y.time_ns ? -1 : 1;
	return x.id < y.id ? -1 : x.id > y.id;
}

/* A line or a value as it stands, or with the bytes escaped that no parser takes. */
static bool add_whole(struct ndjson *n, struct slice json)
{
	struct slice escaped;

	if (json_is_strict(json)) {
		text_add(&n->x->line, json.ptr, json.len);
		return true;
	}
	text_reset(&n->part);
	text_add_json_value(&n->part, json.ptr, json.len);
	escaped = (struct slice){text_str(&n->part), n->part.len};
	if (!json_is_strict(escaped))
		return false;
	text_add(&n->x->line, escaped.ptr, escaped.len);
	return true;
}

/* What the source is, asked once. */
static enum origin origin_of(struct ndjson *n, const struct event *e)
{
	sqlite3_stmt *stmt;

	if (e->source < 0 || e->source > 1 << 24 || array_reserve_zeroed(n->origin, n->nsources, e->source + 1))
		return FOREIGN;
	if (!n->origin[e->source]) {
		stmt = query_prepare(n->x->q,
		                     "SELECT CASE WHEN kind NOT IN ('tracing', 'ilulog') THEN ?2 WHEN offset_from = "
		                     "'stamp' THEN ?3 ELSE ?4 END FROM source WHERE id = ?1");
		sqlite3_bind_int64(stmt, 1, e->source);
		sqlite3_bind_int(stmt, 2, FOREIGN);
		sqlite3_bind_int(stmt, 3, OURS);
		sqlite3_bind_int(stmt, 4, OURS_BY_CLOCK);
		n->origin[e->source] = (char)(query_next(n->x->q, stmt) ? sqlite3_column_int(stmt, 0) : FOREIGN);
		sqlite3_finalize(stmt);
	}
	return (enum origin)n->origin[e->source];
}

/* ---- a line from its parts ---- */

/* A value that is JSON, or is once the bytes no parser takes are escaped; else its bytes as a string. */
static void add_value(struct ndjson *n, struct slice value)
{
	if (!add_whole(n, value))
		text_add_json(&n->x->line, value.ptr, value.len);
}

static void add_fields(struct ndjson *n, const struct event *e)
{
	struct text *t = &n->x->line;
	struct slice fields;
	struct field f;
	size_t at = 0;
	bool tid = false;

	text_puts(t, ",\"fields\":{\"message\":");
	export_add_escaped(n->x, event_message(e));
	fields = event_part(e, SECTION_FIELDS);
	while (fields.ptr && fields_next(fields, &at, &f)) {
		if (slice_is(f.key, "message"))
			continue;
		tid |= slice_is(f.key, "tid");
		text_puts(t, ",");
		export_add_escaped(n->x, f.key);
		text_puts(t, ":");
		if (f.kind == FIELD_STRING)
			export_add_escaped(n->x, f.value);
		else
			add_value(n, f.value);
	}
	if (e->tid.ptr && !tid) {
		text_puts(t, ",\"tid\":");
		text_add_json(t, e->tid.ptr, e->tid.len);
	}
	text_puts(t, "}");
}

static void add_part(struct ndjson *n, const char *key, struct slice value)
{
	if (!value.ptr)
		return;
	text_puts(&n->x->line, key);
	add_value(n, value);
}

static int make_line(struct ndjson *n, const struct event *e)
{
	struct text *t = &n->x->line;
	char stamp[NUMBER_MAX];

	text_puts(t, "{\"timestamp\":\"");
	text_add(t, stamp,
	         origin_of(n, e) == OURS_BY_CLOCK ? stamp_print_iluvatar(e->stamp, stamp)
	                                          : time_rfc3339(e->time_ns, 0, stamp));
	text_puts(t, "\"");
	if (e->head->level.ptr) {
		text_puts(t, ",\"level\":");
		text_add_json(t, e->head->level.ptr, e->head->level.len);
	}
	add_fields(n, e);
	if (e->head->target.ptr) {
		text_puts(t, ",\"target\":");
		export_add_escaped(n->x, e->head->target);
	}
	add_part(n, ",\"span\":", event_part(e, SECTION_SPAN));
	add_part(n, ",\"spans\":", event_part(e, SECTION_SPANS));
	text_puts(t, "}\n");
	return event_error(e);
}

/* ---- lines ---- */

static int put_event(struct ndjson *n, const struct event *e)
{
	struct slice line;
	int rc = event_line(e, &line);

	if (rc)
		return rc;
	if (origin_of(n, e) != FOREIGN && !event_is_text(e) && !event_is_timeless(e) && line.len && *line.ptr == '{' &&
	    add_whole(n, line))
		text_puts(&n->x->line, "\n");
	else
		rc = make_line(n, e);
	return rc ? rc : export_put(n->x);
}

static void gather(struct ndjson *n)
{
	struct export *x = n->x;
	struct event_query eq = {0};
	struct event_cursor *c = NULL;
	const struct event *e;
	int rc;

	export_events(x, &eq);
	rc = x->q->status ? 0 : event_cursor_open(x->q->store, &eq, &c);
	while (c && !rc && (rc = event_cursor_next(c, &e)) == 1) {
		struct place place = {e->time_ns, e->id, e->source};

		rc = query_interrupted ? -EINTR : 0;
		if (!rc && !e->foreign && export_wants_tid(x, e->tid))
			rc = sorter_add(n->sorter, (struct slice){(const char *)&place, sizeof place});
	}
	event_cursor_close(c);
	query_ok(x->q, rc, x->q->path);
}

static void put_sorted(struct ndjson *n)
{
	struct event_query eq = {0};
	struct event_fetch fetch;
	struct slice bytes;
	int rc = n->x->q->status ? 0 : sorter_rewind(n->sorter);

	export_events(n->x, &eq);
	event_fetch_init(&fetch, n->x->q->store, &eq);
	while (!n->x->q->status && !rc && (rc = sorter_next(n->sorter, &bytes)) == 1) {
		const struct event *e;
		struct place place;

		memcpy(&place, bytes.ptr, sizeof place);
		rc = event_fetch(&fetch, place.source, place.id, &e);
		rc = rc == 1 ? put_event(n, e) : rc < 0 ? rc : -EBADMSG;
	}
	event_fetch_done(&fetch);
	query_wrote(n->x->q, rc);
}

void export_ndjson(struct export *x)
{
	struct ndjson n = {.x = x};

	query_ok(x->q, sorter_new(x->q->path, 16 << 20, compare, &n.sorter), x->q->command);
	gather(&n);
	put_sorted(&n);
	if (!x->q->status && !x->records)
		query_note(x->q, "no event matches");
	sorter_free(n.sorter);
	free(n.origin);
	text_done(&n.part);
}
