/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table_json.c - one array, an object a row. Integers keep all 64 bits; a double keeps its point; blobs are hex. */
#include "render/number.h"
#include "render/table_writer.h"
#include <math.h>
#include <string.h>

static void add_key(struct text *line, const char *name, size_t len, bool *first)
{
	text_puts(line, *first ? "{" : ",");
	*first = false;
	text_add_json(line, name, len);
	text_puts(line, ":");
}

static void add_value(struct text *line, enum unit unit, const struct cell *c)
{
	switch (c->type) {
	case CELL_NULL:
		text_puts(line, "null");
		break;
	case CELL_TEXT:
		if (unit == UNIT_JSON)
			text_add_json_value(line, c->text, c->len);
		else
			text_add_json(line, c->text, c->len);
		break;
	case CELL_BLOB:
		text_puts(line, "\"");
		for (size_t i = 0; i < c->len; i++)
			text_printf(line, "%02x", (unsigned char)c->text[i]);
		text_puts(line, "\"");
		break;
	case CELL_REAL:
		if (!isfinite(c->r)) {
			text_puts(line, "null");
			break;
		}
		cell_exact(line, c);
		break;
	case CELL_INT:
		if (unit == UNIT_BOOL)
			text_puts(line, c->i ? "true" : "false");
		else
			cell_exact(line, c);
	}
}

static int json_head(struct table *t)
{
	text_puts(&t->line, "[");
	return table_flush_line(t);
}

static int json_row(struct table *t, const struct cell *cells)
{
	char buf[NUMBER_MAX];
	bool first = true;
	int rc = 0;

	text_puts(&t->line, t->rows ? ",\n" : "\n");
	for (size_t i = 0; i < t->n && !rc; i++) {
		const struct column *c = &t->columns[i];

		if (c->unit == UNIT_OFFSET)
			continue;
		add_key(&t->line, c->name, strlen(c->name), &first);
		add_value(&t->line, c->unit, &cells[i]);
		rc = table_flush_long(t);
		if (c->unit != UNIT_TIME || column_time_name(c) == strlen(c->name))
			continue;
		add_key(&t->line, c->name, column_time_name(c), &first);
		if (cells[i].type == CELL_INT)
			text_add_json(&t->line, buf, time_rfc3339(cells[i].i, t->offset_s, buf));
		else
			text_puts(&t->line, "null");
	}
	text_puts(&t->line, first ? "{}" : "}");
	return rc ? rc : table_flush_line(t);
}

static int json_tail(struct table *t)
{
	text_puts(&t->line, t->rows ? "\n]\n" : "]\n");
	return table_flush_line(t);
}

const struct table_writer table_json = {json_head, json_row, json_tail};
