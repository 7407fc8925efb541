/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table_csv.c - RFC 4180, but with lines that end as on this system: a header line, NULL as an empty field. */
#include "base/csvtext.h"
#include "render/number.h"
#include "render/table_writer.h"
#include <string.h>

static void add_field(struct text *line, const char *p, size_t len)
{
	char rest[SCAN_SLACK + 16]; /* the last bytes, which nothing may stand behind */
	size_t most = len > 16 ? len - 16 : 0;
	bool bare;
	char *to;

	if (len > most)
		memcpy(rest, p + most, len - most);
	bare = len && csv_is_bare(p, p + most) && csv_is_bare(rest, rest + (len - most));
	if (bare) {
		text_add(line, p, len);
		return;
	}
	to = text_space(line, 2 * len + 2 + CSV_SLACK);
	if (!to)
		return;
	*to++ = '"';
	to = csv_double(to, p, p + most);
	to = csv_double(to, rest, rest + (len - most));
	*to++ = '"';
	line->len = (size_t)(to - line->ptr);
}

static void add_comma(struct text *line, bool *first)
{
	if (!*first)
		text_add(line, ",", 1);
	*first = false;
}

static int csv_head(struct table *t)
{
	bool first = true;

	for (size_t i = 0; i < t->n; i++) {
		const struct column *c = &t->columns[i];

		if (c->unit == UNIT_OFFSET)
			continue;
		add_comma(&t->line, &first);
		add_field(&t->line, c->name, strlen(c->name));
		if (c->unit == UNIT_TIME && column_time_name(c) != strlen(c->name)) {
			add_comma(&t->line, &first);
			add_field(&t->line, c->name, column_time_name(c));
		}
	}
	text_puts(&t->line, "\n");
	return table_flush_line(t);
}

static void add_cell(struct table *t, const struct column *c, const struct cell *cell, bool *first)
{
	char buf[NUMBER_MAX];

	add_comma(&t->line, first);
	if (cell->type == CELL_TEXT || cell->type == CELL_BLOB)
		add_field(&t->line, cell->text, cell->len);
	else
		cell_exact(&t->line, cell);
	if (c->unit != UNIT_TIME || column_time_name(c) == strlen(c->name))
		return;
	add_comma(&t->line, first);
	if (cell->type == CELL_INT)
		text_add(&t->line, buf, time_rfc3339(cell->i, t->offset_s, buf));
}

static int csv_row(struct table *t, const struct cell *cells)
{
	bool first = true;
	int rc = 0;

	for (size_t i = 0; i < t->n && !rc; i++)
		if (t->columns[i].unit != UNIT_OFFSET) {
			add_cell(t, &t->columns[i], &cells[i], &first);
			rc = table_flush_long(t);
		}
	text_puts(&t->line, "\n");
	return rc ? rc : table_flush_line(t);
}

static int csv_tail(struct table *t)
{
	return output_status(t->out);
}

const struct table_writer table_csv = {csv_head, csv_row, csv_tail};
