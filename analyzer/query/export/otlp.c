/* SPDX-License-Identifier: GPL-3.0-or-later */
/* otlp.c - spans and log records as OpenTelemetry's collector writes them to a file: a line of JSON a batch, each of
 * one worker of one run (opentelemetry-proto, trace/v1 and logs/v1, with the JSON of its specification: ids in hex,
 * 64-bit numbers as text).
 *
 * A span's id is that of its first line. A trace is a transaction: its id where that is 16 bytes in hex, else a hash.
 * A span that names no transaction is in that of the first span below it, or of the one above. */
#include "query/export/export.h"
#include "ingest/line.h"
#include "query/core/match.h"
#include "query/events/fields.h"
#include "render/number.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>

enum { BATCH = 512 }; /* spans or records of a line */

struct otlp {
	struct export *x;
	const char *list, *scope, *items; /* keys: of the batch, of its parts, of what is in them */
	int64_t run;                      /* of the open batch */
	char *worker;                     /* of the open batch, as JSON; owned */
	int n;                            /* in it; 0: none is open */
};

/* ---- batches ---- */

static int batch_close(struct otlp *o)
{
	if (!o->n)
		return 0;
	o->n = 0;
	text_puts(&o->x->line, "]}]}]}\n");
	return export_put(o->x);
}

static void add_attribute(struct text *t, const char *key, const char *kind, const char *json)
{
	text_printf(t, "{\"key\":\"%s\",\"value\":{\"%s\":", key, kind);
	text_puts(t, json);
	text_puts(t, "}}");
}

static void batch_open(struct otlp *o, int64_t run)
{
	struct text *t = &o->x->line;
	char number[TEXT_DECIMAL + 4];

	snprintf(number, sizeof number, "\"%lld\"", (long long)run);
	text_printf(t, "{\"%s\":[{\"resource\":{\"attributes\":[", o->list);
	add_attribute(t, "service.name", "stringValue", o->worker);
	text_puts(t, ",");
	add_attribute(t, "ilulog.run", "intValue", number);
	text_printf(t, "]},\"%s\":[{\"scope\":{\"name\":\"ilu-logq\",\"version\":\"%s\"},\"%s\":[", o->scope,
	            ILU_VERSION, o->items);
	o->run = run;
}

/* Makes room for one more of this worker. 0 or a negative errno. */
static int batch_next(struct otlp *o, int64_t run, struct slice worker)
{
	struct slice plain = export_plain(o->x, worker);
	struct text name = {0};
	int rc = 0;

	text_add_json(&name, plain.ptr, plain.len);
	if (o->n == BATCH || (o->n && (o->run != run || strcmp(o->worker, text_str(&name)))))
		rc = batch_close(o);
	if (!rc && !o->n) {
		free(o->worker);
		o->worker = strdup(text_str(&name));
		rc = o->worker && !name.failed ? 0 : -ENOMEM;
		if (!rc)
			batch_open(o, run);
	}
	text_done(&name);
	text_puts(&o->x->line, o->n++ ? "," : "");
	return rc;
}

/* ---- ids ---- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

/* 32 digits, with or without the hyphens of a UUID. */
static bool id_of_hex(struct slice tid, uint64_t id[2])
{
	size_t n = 0;

	id[0] = id[1] = 0;
	for (size_t i = 0; i < tid.len; i++) {
		int digit = hex_digit(tid.ptr[i]);

		if (tid.len == 36 && tid.ptr[i] == '-' && (i == 8 || i == 13 || i == 18 || i == 23))
			continue;
		if (digit < 0 || n == 32)
			return false;
		id[n / 16] = id[n / 16] << 4 | (unsigned)digit;
		n++;
	}
	return n == 32 && (id[0] | id[1]);
}

/* FNV-1a of 128 bits: the same for the same text in every version. */
static void id_of_text(struct slice text, uint64_t id[2])
{
	const __uint128_t prime = ((__uint128_t)1 << 88) | 0x13b;
	__uint128_t h = ((__uint128_t)0x6c62272e07bb0142u << 64) | 0x62b821756295c58du;

	for (size_t i = 0; i < text.len; i++)
		h = (h ^ (unsigned char)text.ptr[i]) * prime;
	id[0] = (uint64_t)(h >> 64);
	id[1] = (uint64_t)h | !(uint64_t)h;
}

static void id_of_tid(struct slice tid, uint64_t id[2])
{
	if (!id_of_hex(tid, id))
		id_of_text(tid, id);
}

static void add_hex(struct text *t, uint64_t v)
{
	static const char digits[] = "0123456789abcdef";
	char *to = text_space(t, 16);

	if (!to)
		return;
	for (int i = 15; i >= 0; i--, v >>= 4)
		to[i] = digits[v & 15];
	t->len += 16;
}

/* ---- values ---- */

static void add_ns(struct text *t, const char *key, int64_t ns)
{
	text_puts(t, key);
	text_puts(t, "\"");
	text_add_int(t, ns < 0 ? 0 : ns);
	text_puts(t, "\"");
}

static void add_text_attribute(struct text *t, const char *before, struct slice value)
{
	text_puts(t, before);
	text_puts(t, "\"value\":{\"stringValue\":");
	text_add_json(t, value.ptr ? value.ptr : "", value.len);
	text_puts(t, "}}");
}

static void add_int_attribute(struct text *t, const char *before, int64_t value)
{
	text_puts(t, before);
	text_puts(t, "\"value\":{\"intValue\":\"");
	text_add_int(t, value);
	text_puts(t, "\"}}");
}

/* ---- spans ---- */

/* A mark is the trace's id. */
static int opened(void *arg, struct span_row *row, struct slice tid, struct span_row *parent)
{
	bool of_parent = parent && (parent->mark[0] | parent->mark[1]);

	(void)arg;
	if (tid.ptr)
		id_of_tid(tid, row->mark);
	else if (of_parent)
		memcpy(row->mark, parent->mark, sizeof row->mark);
	if (parent && !of_parent)
		memcpy(parent->mark, row->mark, sizeof row->mark);
	return 0;
}

static void add_span_attributes(struct export *x, const struct span_row *row)
{
	struct text *t = &x->line;
	static const char *const keys[] = {"{\"key\":\"code.namespace\",", ",{\"key\":\"level\",",
	                                   ",{\"key\":\"tid\","};

	text_puts(t, ",\"attributes\":[");
	add_text_attribute(t, keys[0], export_plain(x, row->target));
	if (row->level.ptr)
		add_text_attribute(t, keys[1], export_plain(x, row->level));
	if (row->tid.ptr)
		add_text_attribute(t, keys[2], row->tid);
	if (row->busy_ns != NO_NS)
		add_int_attribute(t, ",{\"key\":\"busy_ns\",", row->busy_ns);
	if (row->idle_ns != NO_NS)
		add_int_attribute(t, ",{\"key\":\"idle_ns\",", row->idle_ns);
	if (row->end_ns == NO_NS)
		text_puts(t, ",{\"key\":\"ilulog.open\",\"value\":{\"boolValue\":true}}");
	text_puts(t, ",{\"key\":\"ilulog.certainty\",\"value\":{\"stringValue\":\"");
	text_puts(t, span_certainty_name(row->certainty));
	text_puts(t, "\"}}]");
}

static int add_span(void *arg, const struct span_row *row)
{
	struct otlp *o = arg;
	struct text *t = &o->x->line;
	int64_t end = row->end_ns == NO_NS ? export_end_of(o->x, row->run) : row->end_ns;
	int64_t start = row->start_ns == NO_NS ? end : row->start_ns;
	uint64_t trace[2] = {row->mark[0], row->mark[1]};
	int rc = batch_next(o, row->run, row->worker);

	if (rc)
		return rc;
	if (!(trace[0] | trace[1]))
		id_of_text((struct slice){(const char *)&row->id, sizeof row->id}, trace);
	text_puts(t, "{\"traceId\":\"");
	add_hex(t, trace[0]);
	add_hex(t, trace[1]);
	text_puts(t, "\",\"spanId\":\"");
	add_hex(t, (uint64_t)row->id);
	if (row->parent != NO_NS) {
		text_puts(t, "\",\"parentSpanId\":\"");
		add_hex(t, (uint64_t)row->parent);
	}
	text_puts(t, "\",\"name\":");
	export_add_escaped(o->x, row->name);
	add_ns(t, ",\"kind\":1,\"startTimeUnixNano\":", start);
	add_ns(t, ",\"endTimeUnixNano\":", end < start ? start : end);
	add_span_attributes(o->x, row);
	text_puts(t, "}");
	return 0;
}

/* ---- log records ---- */

static bool no_span_line(const struct shape *head, void *arg)
{
	(void)arg;
	return !head->span_line;
}

/* SeverityNumber of TRACE ... ERROR. */
static int severity(struct slice level)
{
	static const int numbers[] = {17, 13, 9, 5, 1};
	int rank = level.ptr ? level_rank(level) : -1;

	return rank < 0 ? 0 : numbers[rank];
}

/* Numbers that a double or 64 bits hold stay numbers; all else is text. */
static void add_value(struct export *x, const struct field *f)
{
	struct text *t = &x->line;
	char *end, number[40];

	snprintf(number, sizeof number, "%.*s", (int)(f->value.len < 39 ? f->value.len : 39), f->value.ptr);
	errno = 0;
	if (f->kind == FIELD_BOOL && (slice_is(f->value, "true") || slice_is(f->value, "false"))) {
		text_printf(t, "{\"boolValue\":%s}", number);
	} else if (f->kind == FIELD_INTEGER && f->value.len < 21 && (strtoll(number, &end, 10), !*end && !errno)) {
		text_printf(t, "{\"intValue\":\"%lld\"}", strtoll(number, NULL, 10));
	} else if (f->kind == FIELD_REAL && f->value.len < 39 && (strtod(number, &end), !*end && !errno)) {
		char shortest[NUMBER_MAX];

		number_shortest(strtod(number, NULL), shortest);
		text_printf(t, "{\"doubleValue\":%s}", shortest);
	} else if (f->kind == FIELD_NULL) {
		text_puts(t, "{}");
	} else {
		text_puts(t, "{\"stringValue\":");
		if (f->kind == FIELD_STRING)
			export_add_escaped(x, f->value);
		else
			text_add_json(t, f->value.ptr, f->value.len);
		text_puts(t, "}");
	}
}

static void add_record_attributes(struct export *x, const struct event *e)
{
	struct text *t = &x->line;
	struct slice fields = event_part(e, SECTION_FIELDS);
	struct field f;
	size_t at = 0;

	text_puts(t, ",\"attributes\":[");
	text_puts(t, "{\"key\":\"code.namespace\",\"value\":{\"stringValue\":");
	export_add_escaped(x, e->head->target);
	text_puts(t, "}}");
	while (fields.ptr && fields_next(fields, &at, &f)) {
		if (slice_is(f.key, "message"))
			continue;
		text_puts(t, ",{\"key\":");
		export_add_escaped(x, f.key);
		text_puts(t, ",\"value\":");
		add_value(x, &f);
		text_puts(t, "}");
	}
	text_puts(t, "]");
}

static int add_record(struct otlp *o, const struct event *e)
{
	struct text *t = &o->x->line;
	int rc = batch_next(o, e->run, e->worker);
	uint64_t trace[2];

	if (rc)
		return rc;
	add_ns(t, "{\"timeUnixNano\":", e->time_ns);
	text_printf(t, ",\"severityNumber\":%d,\"severityText\":", severity(e->head->level));
	text_add_json(t, e->head->level.ptr ? e->head->level.ptr : "", e->head->level.len);
	text_puts(t, ",\"body\":{\"stringValue\":");
	export_add_escaped(o->x, event_message(e));
	text_puts(t, "}");
	if (e->tid.ptr) {
		id_of_tid(e->tid, trace);
		text_puts(t, ",\"traceId\":\"");
		add_hex(t, trace[0]);
		add_hex(t, trace[1]);
		text_puts(t, "\"");
	}
	add_record_attributes(o->x, e);
	text_puts(t, "}");
	return event_error(e);
}

static void put_records(struct otlp *o)
{
	struct export *x = o->x;
	struct event_query eq = {.run = x->run, .want = no_span_line};
	struct event_cursor *c = NULL;
	const struct event *e;
	int rc;

	export_events(x, &eq);
	rc = x->q->status ? 0 : event_cursor_open(x->q->store, &eq, &c);
	while (c && !rc && (rc = event_cursor_next(c, &e)) == 1) {
		rc = query_interrupted ? -EINTR : 0;
		if (!rc && !e->foreign && export_wants_tid(x, e->tid))
			rc = add_record(o, e);
	}
	event_cursor_close(c);
	query_wrote(x->q, rc);
}

void export_otlp(struct export *x)
{
	struct otlp o = {.x = x, .list = "resourceSpans", .scope = "scopeSpans", .items = "spans"};

	export_spans(x, &(struct export_spans){add_span, opened, &o});
	query_wrote(x->q, x->q->status ? 0 : batch_close(&o));
	o.list = "resourceLogs";
	o.scope = "scopeLogs";
	o.items = "logRecords";
	put_records(&o);
	query_wrote(x->q, x->q->status ? 0 : batch_close(&o));
	free(o.worker);
}
