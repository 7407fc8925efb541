/* SPDX-License-Identifier: GPL-3.0-or-later */
/* events.c - the lines of all sources, merged by time.
 *
 * The store gives events source by source, and lines of one source may go back in time by some milliseconds. So the
 * times of all that match are collected first (16 bytes each), sorted, and then each event is fetched to be shown.
 * With --limit only the earliest are kept, in a heap. */
#include "base/array.h"
#include "render/stream.h"
#include "query/core/command.h"
#include "query/events/event_fetch.h"
#include "query/events/event_filter.h"
#include "query/events/event_line.h"
#include "ingest/line.h"
#include "query/core/match.h"
#include "render/number.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct found {
	int64_t time_ns, id;
	int32_t source;
	bool hit; /* --grep found it; else it is context at most */
	bool error;
};

struct events {
	struct query *q;
	struct event_filter filter;
	struct event_fetch fetch;
	struct found *found;
	size_t n, room;
	int64_t context, tail; /* tail 0: all */
	bool errors;           /* a hit is a line of level error */
	int64_t *seen;         /* the last line by source: --follow shows what comes behind it */
	size_t nseen;
	bool several_workers;
	struct table *table; /* NULL: lines for people, or raw */
	struct event_day day;
};

static const struct column columns[] = {
    {"offset_s", UNIT_OFFSET}, {"id", UNIT_NONE},      {"run", UNIT_RUN},     {"source", UNIT_NONE},
    {"line", UNIT_NONE},       {"time_ns", UNIT_TIME}, {"level", UNIT_LEVEL}, {"target", UNIT_TARGET},
    {"message", UNIT_NONE},    {"tid", UNIT_ID},       {"worker", UNIT_NONE}, {"span", UNIT_JSON},
    {"fields", UNIT_JSON},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

static bool before(const struct found *a, const struct found *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->id < b->id;
}

static int compare(const void *a, const void *b)
{
	return before(a, b) ? -1 : before(b, a);
}

/* Puts x at the root of the heap, whose latest event is on top, and restores its order. */
static void sink_root(struct found *heap, size_t n, struct found x)
{
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < n && before(&heap[child], &heap[child + 1]))
			child++;
		if (child >= n || !before(&x, &heap[child]))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = x;
}

static void heapify(struct events *ev)
{
	qsort(ev->found, ev->n, sizeof *ev->found, compare);
	/* In falling order an array is a heap. */
	for (size_t i = 0, j = ev->n; i + 1 < j; i++) {
		struct found x = ev->found[i];

		ev->found[i] = ev->found[--j];
		ev->found[j] = x;
	}
}

static int collect(struct events *ev, const struct event *e, bool hit)
{
	struct found x = {e->time_ns, e->id, (int32_t)e->source, hit, !level_rank(e->head->level)};
	bool bounded = ev->q->limit < INT64_MAX && !ev->context;

	if (bounded && ev->n == (size_t)ev->q->limit) {
		if (before(&x, &ev->found[0]))
			sink_root(ev->found, ev->n, x);
		return 0;
	}
	if (array_reserve(ev->found, ev->room, ev->n + 1))
		return -ENOMEM;
	ev->found[ev->n++] = x;
	if (bounded && ev->n == (size_t)ev->q->limit)
		heapify(ev);
	return 0;
}

/* 1: this line was seen before. A line's id changes when small chunks are joined; its source and number do not. */
static int see(struct events *ev, const struct event *e)
{
	if (e->source < 0 || e->source > 1 << 24)
		return 0;
	if (array_reserve_zeroed(ev->seen, ev->nseen, e->source + 1))
		return -ENOMEM;
	if (e->line <= ev->seen[e->source])
		return 1;
	ev->seen[e->source] = e->line;
	return 0;
}

/* The events of the filter; those --grep does not find are kept only where they may become context. */
static void gather(struct events *ev)
{
	struct event_cursor *c = NULL;
	const struct event *e;
	int rc = ev->q->status ? 0 : event_cursor_open(ev->q->store, &ev->filter.query, &c);

	while (c && !rc && (rc = event_cursor_next(c, &e)) == 1) {
		int hit;

		rc = query_interrupted ? -EINTR : see(ev, e);
		if (rc < 0)
			break;
		if (rc || !event_filter_takes(&ev->filter, e)) {
			rc = 0;
			continue;
		}
		hit = event_filter_greps(&ev->filter, e);
		if (hit > 0 && ev->errors)
			hit = !level_rank(e->head->level);
		if (hit < 0)
			rc = hit;
		else if (hit || ev->context)
			rc = collect(ev, e, hit);
	}
	event_cursor_close(c);
	query_ok(ev->q, rc, ev->q->path);
	if (ev->n)
		qsort(ev->found, ev->n, sizeof *ev->found, compare);
}

/* ---- showing ---- */

/* To a file or a pipe byte for byte; a terminal would obey some of them. */
static int put_raw(struct events *ev, const struct event *e)
{
	struct output *out = ev->q->out;
	struct text safe = {0};
	struct slice line;
	int rc = event_line(e, &line);

	if (rc)
		return rc;
	if (out->terminal) {
		text_add_terminal(&safe, line.ptr, line.len);
		line = (struct slice){text_str(&safe), safe.len};
	}
	fwrite(line.ptr, 1, line.len, out->file);
	fputc('\n', out->file);
	rc = safe.failed ? -ENOMEM : output_status(out);
	text_done(&safe);
	return rc;
}

static struct cell cell_of_slice(struct slice s)
{
	return s.ptr ? cell_of_bytes(s.ptr, s.len) : CELL_OF_NULL;
}

static struct cell cell_of_plain(struct slice escaped, struct text *room)
{
	text_reset(room);
	if (!escaped.ptr)
		return CELL_OF_NULL;
	for (size_t i = 0; i <= escaped.len; i++)
		text_add(room, "   ", 3);
	return room->failed ? CELL_OF_NULL : cell_of_bytes(room->ptr, json_unescape(escaped, room->ptr));
}

static int put_cells(struct events *ev, const struct event *e)
{
	struct text target = {0}, message = {0}, span = {0};
	struct slice part = event_part(e, SECTION_SPAN);
	struct cell c[COLUMNS] = {
	    CELL_OF_INT(query_clock(ev->q, e->run, e->time_ns)),
	    CELL_OF_INT(e->id),
	    CELL_OF_INT(e->run),
	    CELL_OF_INT(e->source),
	    CELL_OF_INT(e->line),
	    CELL_OF_INT(e->time_ns),
	    cell_of_slice(e->head->level),
	    cell_of_plain(e->head->target, &target),
	    cell_of_plain(event_message(e), &message),
	    cell_of_slice(e->tid),
	    cell_of_slice(e->worker),
	};
	int rc;

	/* One part is borrowed only until the next is asked for. */
	if (part.ptr) {
		text_add(&span, part.ptr, part.len);
		c[11] = cell_of_bytes(text_str(&span), span.len);
	} else {
		c[11] = CELL_OF_NULL;
	}
	c[12] = cell_of_slice(event_part(e, SECTION_FIELDS));
	rc = table_row(ev->table, c);
	text_done(&target);
	text_done(&message);
	text_done(&span);
	return rc;
}

static int show(struct events *ev, const struct found *f)
{
	const struct event *e;
	struct event_show how = {.tid = !ev->filter.query.tid.ptr,
	                         .worker = ev->several_workers,
	                         .context = ev->context > 0,
	                         .mark = ev->context && f->hit};
	int rc = query_interrupted ? -EINTR : event_fetch(&ev->fetch, f->source, f->id, &e);

	if (rc != 1)
		return rc < 0 ? rc : -EBADMSG;
	if (args_has(ev->q->args, "raw"))
		return put_raw(ev, e);
	if (ev->table)
		return put_cells(ev, e);
	return event_line_show(ev->q->out, e, query_clock(ev->q, e->run, e->time_ns), &how, &ev->day);
}

/* With context, only what is near a hit; a line of dashes where something in between is left out. */
static bool near_hit(const struct events *ev, size_t i)
{
	size_t from = i > (size_t)ev->context ? i - (size_t)ev->context : 0;

	for (size_t j = from; j < ev->n && j <= i + (size_t)ev->context; j++)
		if (ev->found[j].hit)
			return true;
	return false;
}

/* One line: how the hits spread over the time from the first to the last, and when that is. */
static void put_histogram(struct events *ev)
{
	enum { CELLS = 60 };
	static const char *const fine[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char plain[] = " .:-=+*%#";
	int64_t counts[CELLS] = {0}, most = 0, hits = 0, from = 0, to = 0;
	struct output *out = ev->q->out;
	char count[NUMBER_MAX], took[NUMBER_MAX];
	int cells = !out->width || out->width > CELLS + 26 ? CELLS : out->width > 36 ? out->width - 26 : 10;

	for (size_t i = 0; i < ev->n; i++) {
		if (!ev->found[i].hit)
			continue;
		from = hits++ ? from : ev->found[i].time_ns;
		to = ev->found[i].time_ns;
	}
	if (hits < 2 || to <= from)
		return;
	for (size_t i = 0; i < ev->n; i++) {
		double at = (double)(ev->found[i].time_ns - from) / (double)(to - from) * cells;
		int cell = at < 0 ? 0 : at >= cells ? cells - 1 : (int)at;

		if (ev->found[i].hit && ++counts[cell] > most)
			most = counts[cell];
	}
	fputs(output_ink(out, INK_BAR), out->file);
	for (int i = 0; i < cells; i++) {
		int64_t height = counts[i] ? 1 + counts[i] * 7 / most : 0;

		if (out->utf8)
			fputs(fine[height], out->file);
		else
			fputc(plain[height], out->file);
	}
	number_count(hits, count);
	number_duration(to - from, out->utf8 ? "µ" : "u", took);
	fprintf(out->file, "%s %s in %s\n", output_ink(out, INK_NONE), count, took);
}

/* The first that is shown: --tail. */
static size_t first_of(const struct events *ev)
{
	return ev->tail && (size_t)ev->tail < ev->n ? ev->n - (size_t)ev->tail : 0;
}

/* With marks at the lines of level error, where some are among those that are surely shown. */
static void open_pager(struct events *ev, bool lines)
{
	static const char error[] = "^[> ]*[0-9:.]+ +ERROR ";
	size_t first = first_of(ev);
	int64_t most = ev->q->limit;
	bool any = false;

	if (!ev->q->out->page || ev->q->status || args_has(ev->q->args, "follow"))
		return;
	for (size_t i = first; i < ev->n && (int64_t)(i - first) < most && !any; i++)
		any = ev->found[i].error && (ev->found[i].hit || !ev->context);
	ev->q->out->page(ev->q->out, lines && any && !args_has(ev->q->args, "raw") ? error : NULL,
	                 most < (int64_t)(ev->n - first) ? (size_t)most : ev->n - first);
}

static void show_all(struct events *ev)
{
	bool plain = !ev->table && !args_has(ev->q->args, "raw");
	size_t first = first_of(ev), last = 0;
	int64_t shown = 0;
	int rc = 0;

	event_fetch_init(&ev->fetch, ev->q->store, &ev->filter.query);
	for (size_t i = first; i < ev->n && !rc && !ev->q->status; i++) {
		if (ev->context && !near_hit(ev, i))
			continue;
		if (shown == ev->q->limit)
			break;
		if (plain && ev->context && shown && last + 1 < i)
			fputs("--\n", ev->q->out->file);
		rc = show(ev, &ev->found[i]);
		last = i;
		shown++;
	}
	event_fetch_done(&ev->fetch);
	query_wrote(ev->q, rc);
}

/* ---- following ---- */

/* A number of SQLite's that changes when another connection writes. */
static int64_t version(struct query *q)
{
	sqlite3_stmt *stmt = query_prepare(q, "PRAGMA data_version");
	int64_t v = query_next(q, stmt) ? sqlite3_column_int64(stmt, 0) : -1;

	sqlite3_finalize(stmt);
	return v;
}

/* The first id of what may be new: of the first chunk that reaches beyond the lines seen of its source. */
static void find_new(struct events *ev)
{
	sqlite3_stmt *stmt = query_prepare(ev->q, "SELECT id, source, first_line + lines - 1 FROM chunk");
	int64_t first = INT64_MAX >> 16;

	while (query_next(ev->q, stmt)) {
		int64_t source = sqlite3_column_int64(stmt, 1), seen = 0;

		if (source >= 0 && (size_t)source < ev->nseen)
			seen = ev->seen[source];
		if (sqlite3_column_int64(stmt, 2) > seen && sqlite3_column_int64(stmt, 0) < first)
			first = sqlite3_column_int64(stmt, 0);
	}
	sqlite3_finalize(stmt);
	ev->filter.query.first_id = first << 16;
}

/* What another process loads meanwhile, until Ctrl-C. */
static void follow(struct events *ev)
{
	int64_t shown = version(ev->q), now;

	while (!ev->q->status && !query_interrupted) {
		if (!query_wrote(ev->q, stream_flush(ev->q->out->file)))
			break;
		usleep(200000);
		query_renew(ev->q);
		now = version(ev->q);
		if (now == shown)
			continue;
		shown = now;
		ev->n = 0;
		find_new(ev);
		gather(ev);
		show_all(ev);
	}
	if (query_interrupted)
		query_stop(ev->q, INTERRUPTED);
}

/* ---- the command ---- */

static void read_workers(struct events *ev)
{
	sqlite3_stmt *stmt = query_prepare(ev->q, "SELECT count(DISTINCT worker) FROM source");

	if (query_next(ev->q, stmt))
		ev->several_workers = sqlite3_column_int64(stmt, 0) > 1;
	sqlite3_finalize(stmt);
}

static void read_options(struct events *ev)
{
	const char *context = args_value(ev->q->args, "context"), *tail = args_value(ev->q->args, "tail");

	ev->errors = args_has(ev->q->args, "errors");
	if (context && args_number(context, &ev->context))
		query_fail(ev->q, USAGE, "--context %s: not a number", context);
	if (context && !ev->errors && !args_has(ev->q->args, "grep"))
		query_fail(ev->q, USAGE, "--context needs --grep or --errors");
	if (tail && (args_number(tail, &ev->tail) || !ev->tail))
		query_fail(ev->q, USAGE, "--tail %s: not a number of lines", tail);
	if (args_has(ev->q->args, "raw") && ev->q->out->format != FORMAT_TEXT)
		query_fail(ev->q, USAGE, "--raw gives lines as they stand in the log, without --format");
	if (ev->context > 100000)
		query_fail(ev->q, USAGE, "--context: at most 100000");
}

static void say_what_is_missing(const struct events *ev)
{
	if (ev->filter.left_out)
		query_note(ev->q, "%s span lines of other workers are left out; --foreign shows them",
		           number_count_text(ev->filter.left_out).text);
	if (!ev->n && !args_has(ev->q->args, "follow"))
		query_note(ev->q, "no event matches");
}

static void run(struct query *q)
{
	struct events ev = {.q = q};
	bool lines = q->out->format == FORMAT_TEXT;

	event_filter_init(q, &ev.filter);
	read_options(&ev);
	read_workers(&ev);
	gather(&ev);
	open_pager(&ev, lines);
	if (!lines)
		ev.table = query_table_open(q, columns, COLUMNS);
	if (lines && !q->status && !q->out->quiet && !args_has(q->args, "raw") &&
	    (q->out->terminal || args_has(q->args, "histogram")))
		put_histogram(&ev);
	show_all(&ev);
	ev.tail = 0;
	if (args_has(q->args, "follow"))
		follow(&ev);
	query_table_close(q, ev.table);
	if (!q->status)
		say_what_is_missing(&ev);
	event_filter_done(&ev.filter);
	free(ev.found);
	free(ev.seen);
}

static const struct option_spec options[] = {
    OPTION_TID,
    {.name = "level", .letter = 'l', .value = "LEVEL", .help = "of this level or a graver one", .hint = HINT_LEVEL},
    OPTION_TARGET,
    {.name = "message",
     .letter = 'm',
     .value = "TEXT",
     .help = "with this message, all of it; * stands for anything",
     .hint = HINT_MESSAGE},
    OPTION_SINCE,
    OPTION_UNTIL,
    {.name = "grep", .letter = 'g', .value = "REGEX", .help = "whose line matches this extended regular expression"},
    {.name = "ignore-case", .letter = 'i', .help = "for --grep", .with = "grep"},
    {.name = "context",
     .letter = 'C',
     .value = "N",
     .help = "with --grep or --errors: also N lines before and after, in the merged order"},
    {.name = "errors", .letter = 'e', .help = "of level error; with -C they are marked among the lines around them"},
    {.name = "histogram", .help = "first a line that says how they spread over time; on a terminal by itself"},
    {.name = "tail", .value = "N", .help = "the last N alone; with -f then what comes"},
    OPTION_LIMIT,
    OPTION_RUN,
    {.name = "foreign", .help = "also the copies of span lines that stand in other workers' files"},
    {.name = "raw", .help = "the lines as they stand in the log; on a terminal what it would obey is escaped"},
    {.name = "pager",
     .help = "through $PAGER, as the shell shows them; less marks the lines of level error: n goes to the next"},
    {.name = "follow", .letter = 'f', .help = "go on with what is loaded meanwhile, until Ctrl-C"},
    {0},
};

const struct command command_events = {
    .name = "events",
    .group = GROUP_LINES,
    .help = "the lines of all files, merged by time",
    .more =
        "Times stand on the log's own clock. CSV and JSON have the fields of each line as JSON.\n\n"
        "In the shell, and with --pager, less marks the lines of level error in its left column: n and N go from one "
        "to the next, until\n"
        "something else is searched for.",
    .examples = "events --level warn\n"
                "events --tid 3a294129\n"
                "events --errors -C 3\n"
                "events -f --tail 10\n"
                "events --pager --since +90s\n"
                "events --grep 'queue_len\":[1-9]' -C 3\n"
                "events --since 01:18:20 --until +30s --target containermanager",
    .options = options,
    .own_pager = true,
    .need = NEED_READ,
    .run = run,
    COLUMNS_OF(columns),
};
