/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_line.c - see event_line.h */
#include "query/events/event_line.h"
#include "ingest/line.h"
#include "query/events/fields.h"
#include "render/number.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void add_day(struct output *out, struct text *t, const char *clock, int64_t offset_s, struct event_day *day)
{
	char zone[NUMBER_MAX];

	if (day->quiet || (!strncmp(day->day, clock, 10) && day->offset_s == offset_s))
		return;
	memcpy(day->day, clock, 10);
	day->day[10] = 0;
	day->offset_s = offset_s;
	time_offset(offset_s, zone);
	text_printf(t, "%s-- %s, clock of the log %s --%s\n", output_ink(out, INK_DIM), day->day, zone,
	            output_ink(out, INK_NONE));
}

/* JSON text without its escapes, safe for a terminal. */
static void add_plain(struct text *t, struct slice escaped)
{
	char *plain = malloc(3 * escaped.len + 1);

	if (plain)
		text_add_terminal(t, plain, json_unescape(escaped, plain));
	else
		t->failed = true;
	free(plain);
}

/* The last segment tells most: ::cpu_q_invoke. */
static struct slice last_segment(struct slice target)
{
	for (size_t i = target.len; i > 1; i--)
		if (target.ptr[i - 1] == ':')
			return (struct slice){target.ptr + i, target.len - i};
	return target;
}

static void add_fields(struct text *t, const struct output *out, const struct event *e)
{
	struct slice object = event_part(e, SECTION_FIELDS);
	struct field f;
	size_t at = 0;

	while (fields_next(object, &at, &f)) {
		if (slice_is(f.key, "message") || slice_is(f.key, "tid"))
			continue;
		text_printf(t, "  %s", output_ink(out, INK_DIM));
		text_add_terminal(t, f.key.ptr, f.key.len);
		text_printf(t, "=%s", output_ink(out, INK_NONE));
		field_show(t, &f);
	}
}

/* Of a span line, which span. */
static void add_span(struct text *t, const struct event *e)
{
	struct slice name;

	if (e->head->span_line && event_span_field(e, "name", &name)) {
		text_puts(t, " ");
		add_plain(t, name);
	}
}

/* Everything of the line behind its time. */
static void add_body(struct text *t, const struct output *out, const struct event *e, const struct event_show *show)
{
	struct slice target = last_segment(e->head->target), level = e->head->level, message = event_message(e);

	text_printf(t, " %s", output_ink(out, ink_of_level(level.ptr ? level.ptr : "", level.len)));
	text_add_terminal(t, level.ptr ? level.ptr : "-", level.ptr ? level.len : 1);
	for (size_t i = level.len; i < 5; i++)
		text_puts(t, " ");
	text_printf(t, "%s ", output_ink(out, INK_NONE));
	if (show->worker && e->worker.ptr) {
		text_add_terminal(t, e->worker.ptr, e->worker.len);
		text_puts(t, " ");
	}
	if (show->tid) {
		text_add_terminal(t, e->tid.ptr ? e->tid.ptr : "-", e->tid.ptr ? e->tid.len : 1);
		text_puts(t, " ");
	}
	if (target.ptr) {
		text_puts(t, output_ink(out, INK_DIM));
		add_plain(t, target);
		text_printf(t, ":%s ", output_ink(out, INK_NONE));
	}
	if (message.ptr)
		add_plain(t, message);
	add_span(t, e);
	add_fields(t, out, e);
}

/* Cuts to the terminal's width. */
static void put_line(struct output *out, const struct text *head, const struct text *body)
{
	struct text cut = {0};
	int room = out->width - text_columns(text_str(head), head->len);

	fwrite(text_str(head), 1, head->len, out->file);
	if (out->width) {
		text_add_cut(&cut, text_str(body), body->len, room > 20 ? room : 20, out->utf8);
		fwrite(text_str(&cut), 1, cut.len, out->file);
	} else {
		fwrite(text_str(body), 1, body->len, out->file);
	}
	fputc('\n', out->file);
	text_done(&cut);
}

int event_line_show(struct output *out, const struct event *e, int64_t offset_s, const struct event_show *show,
                    struct event_day *day)
{
	struct text head = {0}, body = {0};
	char clock[NUMBER_MAX];
	size_t n = time_of_log(e->time_ns, offset_s, clock);
	bool failed;

	add_day(out, &head, clock, offset_s, day);
	fwrite(text_str(&head), 1, head.len, out->file);
	text_reset(&head);
	text_printf(&head, "%*s%s", show->indent, "", show->mark ? "> " : show->context ? "  " : "");
	text_add(&head, clock + 11, n - 11);
	for (size_t i = n - 11; i < 18; i++)
		text_puts(&head, " ");
	add_body(&body, out, e, show);
	failed = head.failed || body.failed;
	put_line(out, &head, &body);
	text_done(&head);
	text_done(&body);
	return failed ? -ENOMEM : event_error(e) ? event_error(e) : output_status(out);
}
