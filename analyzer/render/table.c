/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.c - see table.h: what the writers share */
#include "render/table_writer.h"
#include "render/number.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct cell cell_of_text(const char *s)
{
	return s ? cell_of_bytes(s, strlen(s)) : CELL_OF_NULL;
}

struct cell cell_of_bytes(const char *s, size_t len)
{
	return (struct cell){.type = CELL_TEXT, .text = s, .len = len};
}

static const struct table_writer *const writers[] = {
    [FORMAT_TEXT] = &table_text,         [FORMAT_CSV] = &table_csv,   [FORMAT_JSON] = &table_json,
    [FORMAT_MARKDOWN] = &table_markdown, [FORMAT_HTML] = &table_html,
};

static const struct table_writer *writer_of(const struct table *t)
{
	return t->out->format == FORMAT_TEXT && t->out->records ? &table_lines : writers[t->out->format];
}

static void table_free(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free((char *)t->columns[i].name);
	free(t->columns);
	free(t->less);
	free(t->chosen);
	free(t->cells);
	table_text_done(t->held);
	text_done(&t->line);
	free(t);
}

size_t column_find(const struct column *columns, size_t n, const char *name, size_t len)
{
	char heading[128];
	size_t i = 0;

	while (i < n && (strlen(columns[i].name) != len || memcmp(columns[i].name, name, len)))
		i++;
	if (i < n)
		return i;
	for (i = 0; i < n; i++)
		if (column_heading(&columns[i], heading, sizeof heading) == len && !memcmp(heading, name, len))
			break;
	return i;
}

/* Which of the caller's columns the table has: those of the rows' clock, then those that are asked for. */
static int choose(struct table *t, const struct column *columns, size_t n, size_t *of)
{
	const char *list = t->out->columns;
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if ((columns[i].unit & UNIT_MASK) == UNIT_OFFSET)
			of[count++] = i;
	while (*list) {
		size_t len = strcspn(list, ","), i = column_find(columns, n, list, len);

		if (i == n)
			return -EINVAL;
		if (count == 2 * n)
			return -E2BIG;
		of[count++] = i;
		list += len + (list[len] == ',');
	}
	t->n = count;
	return 0;
}

static int copy_columns(struct table *t, const struct column *columns, const size_t *of)
{
	size_t n = t->n;

	t->columns = calloc(n ? n : 1, sizeof *t->columns);
	t->less = calloc(n ? n : 1, sizeof *t->less);
	t->cells = calloc(n ? n : 1, sizeof *t->cells);
	t->n = 0;
	if (!t->columns || !t->less || !t->cells)
		return -ENOMEM;
	for (; t->n < n; t->n++) {
		const struct column *c = &columns[of ? of[t->n] : t->n];

		t->columns[t->n].unit = (enum unit)(c->unit & UNIT_MASK);
		t->less[t->n] = c->unit & UNIT_LESS;
		t->columns[t->n].name = strdup(c->name);
		if (!t->columns[t->n].name)
			return -ENOMEM;
	}
	return 0;
}

int table_open(struct output *out, const struct column *columns, size_t n, struct table **t)
{
	struct table *new = calloc(1, sizeof *new);
	int rc = 0;

	if (!new)
		return -ENOMEM;
	new->out = out;
	if (out->columns && strcmp(out->columns, "all")) {
		new->chosen = calloc(2 * n + 1, sizeof *new->chosen);
		rc = new->chosen ? choose(new, columns, n, new->chosen) : -ENOMEM;
	} else {
		new->n = n;
	}
	if (rc)
		new->n = 0;
	else
		rc = copy_columns(new, columns, new->chosen);
	if (rc) {
		table_free(new);
		return rc;
	}
	new->status = writer_of(new)->head(new);
	*t = new;
	return 0;
}

int table_row(struct table *t, const struct cell *cells)
{
	if (t->status)
		return t->status;
	for (size_t i = 0; t->chosen && i < t->n; i++)
		t->cells[i] = cells[t->chosen[i]];
	cells = t->chosen ? t->cells : cells;
	t->offset_s = 0;
	for (size_t i = 0; i < t->n; i++)
		if (t->columns[i].unit == UNIT_OFFSET && cells[i].type == CELL_INT)
			t->offset_s = cells[i].i;
	t->status = writer_of(t)->row(t, cells);
	t->rows++;
	return t->status;
}

int64_t table_rows(const struct table *t)
{
	return (int64_t)t->rows;
}

void table_cancel(struct table *t)
{
	if (t && !t->status)
		t->status = -ECANCELED;
}

int table_close(struct table *t)
{
	int rc;

	if (!t)
		return 0;
	rc = t->status == -ECANCELED ? 0 : t->status;
	if (!t->status)
		rc = writer_of(t)->tail(t);
	table_free(t);
	return rc;
}

#define LINE_KEPT (1u << 20) /* bytes of a row that are collected before they are written, and room that is kept */

int table_flush_line(struct table *t)
{
	bool failed = t->line.failed;

	if (t->line.len)
		fwrite(t->line.ptr, 1, t->line.len, t->out->file);
	if (t->line.room > LINE_KEPT)
		text_done(&t->line);
	text_reset(&t->line);
	return failed ? -ENOMEM : output_status(t->out);
}

int table_flush_long(struct table *t)
{
	return t->line.len > LINE_KEPT ? table_flush_line(t) : 0;
}

size_t column_heading(const struct column *c, char *buf, size_t size)
{
	enum unit unit = (enum unit)(c->unit & UNIT_MASK);
	static const char *const suffixes[] = {
	    [UNIT_TIME] = "_ns", [UNIT_NS] = "_ns", [UNIT_US] = "_us", [UNIT_SEC] = "_sec"};
	size_t len = strlen(c->name), cut;
	const char *suffix = unit < sizeof suffixes / sizeof *suffixes ? suffixes[unit] : NULL;

	if (suffix) {
		cut = strlen(suffix);
		if (len > cut && !strcmp(c->name + len - cut, suffix))
			len -= cut;
		else if (unit == UNIT_SEC && len > 2 && !strcmp(c->name + len - 2, "_s"))
			len -= 2;
	}
	if (len >= size)
		len = size - 1;
	memcpy(buf, c->name, len);
	buf[len] = 0;
	return len;
}

bool column_hidden(const struct table *t, size_t i)
{
	enum unit unit = t->columns[i].unit;
	bool people = t->out->format != FORMAT_CSV && t->out->format != FORMAT_JSON;

	return unit == UNIT_OFFSET || (unit == UNIT_RUN && people && t->out->one_run);
}

bool column_is_right(enum unit unit, enum cell_type type)
{
	return unit != UNIT_TIME && unit != UNIT_BOOL && (type == CELL_INT || type == CELL_REAL);
}

static double number_of(const struct cell *c)
{
	return c->type == CELL_INT ? (double)c->i : c->r;
}

/* A number as people read it; false where the unit has no say. */
static bool human_number(struct text *out, const struct output *o, enum unit unit, const struct cell *c)
{
	char buf[NUMBER_MAX];
	double scale = unit == UNIT_NS ? 1 : unit == UNIT_US ? 1e3 : unit == UNIT_SEC ? 1e9 : 0;
	double v = number_of(c);

	if (scale && fabs(v * scale) < 9e18)
		number_duration(c->type == CELL_INT ? c->i * (int64_t)scale : (int64_t)llround(v * scale),
		                o->utf8 ? "µ" : "u", buf);
	else if (unit == UNIT_COUNT && c->type == CELL_INT)
		number_count(c->i, buf);
	else if (unit == UNIT_BYTES)
		number_bytes(c->type == CELL_INT ? c->i : (int64_t)v, buf);
	else if (unit == UNIT_SHARE)
		snprintf(buf, sizeof buf, "%.1f %%", v * 100);
	else if (unit == UNIT_VALUE && c->type == CELL_REAL)
		snprintf(buf, sizeof buf, "%.6g", v);
	else if (unit == UNIT_BOOL)
		snprintf(buf, sizeof buf, "%s", v != 0 ? "yes" : "no");
	else
		return false;
	text_puts(out, buf);
	return true;
}

/* Where targets stand in a column, their common beginnings only take room. */
static void add_last_part(struct text *out, const char *text, size_t len)
{
	size_t from = len;

	while (from > 0 && text[from - 1] != ':')
		from--;
	text_add_terminal(out, text + from, len - from);
}

void cell_human(struct text *out, const struct output *o, enum unit unit, const struct cell *c, int64_t offset_s)
{
	char buf[NUMBER_MAX];

	switch (c->type) {
	case CELL_NULL:
		break;
	case CELL_TEXT:
		if (unit == UNIT_TARGET && o->format == FORMAT_TEXT)
			add_last_part(out, c->text, c->len);
		else
			text_add_terminal(out, c->text, c->len);
		break;
	case CELL_BLOB:
		text_puts(out, "x'");
		for (size_t i = 0; i < c->len; i++)
			text_printf(out, "%02x", (unsigned char)c->text[i]);
		text_puts(out, "'");
		break;
	case CELL_INT:
	case CELL_REAL:
		if (unit == UNIT_TIME && c->type == CELL_INT) {
			time_of_log(c->i, offset_s, buf);
			text_puts(out, buf);
		} else if (!human_number(out, o, unit, c)) {
			cell_exact(out, c);
		}
	}
}

void cell_exact(struct text *out, const struct cell *c)
{
	char buf[NUMBER_MAX];

	if (c->type == CELL_INT) {
		text_add_int(out, c->i);
	} else if (c->type == CELL_REAL) {
		number_shortest(c->r, buf);
		text_puts(out, buf);
	} else if (c->type != CELL_NULL) {
		text_add(out, c->text, c->len);
	}
}

/* "sent_ns" -> "sent"; "time_ns" -> "time" */
size_t column_time_name(const struct column *c)
{
	size_t len = strlen(c->name);

	return len > 3 && !strcmp(c->name + len - 3, "_ns") ? len - 3 : len;
}
