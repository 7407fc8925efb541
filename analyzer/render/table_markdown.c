/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table_markdown.c - a table of GitHub's Markdown, values as people read them. The line that tells the alignment has to
 * come before the first row, so it waits for that row's types. */
#include "render/number.h"
#include "render/table_writer.h"
#include <string.h>

static void add_head(struct table *t, const struct cell *cells)
{
	char name[128], zone[NUMBER_MAX];

	for (size_t i = 0; i < t->n; i++) {
		if (column_hidden(t, i))
			continue;
		text_puts(&t->line, "| ");
		text_add_markdown(&t->line, name, column_heading(&t->columns[i], name, sizeof name));
		if (t->columns[i].unit == UNIT_TIME && cells) {
			time_offset(t->offset_s, zone);
			text_printf(&t->line, " (%s)", zone);
		}
		text_puts(&t->line, " ");
	}
	text_puts(&t->line, "|\n");
	for (size_t i = 0; i < t->n; i++)
		if (!column_hidden(t, i))
			text_puts(&t->line,
			          cells && column_is_right(t->columns[i].unit, cells[i].type) ? "|---:" : "|---");
	text_puts(&t->line, "|\n");
}

/* The heading names the first row's offset; a time of another one names its own. */
static void add_value(struct table *t, enum unit unit, const struct cell *cell)
{
	char zone[NUMBER_MAX];

	cell_human(&t->line, t->out, unit, cell, t->offset_s);
	if (unit != UNIT_TIME || cell->type != CELL_INT || t->offset_s == t->head_offset_s)
		return;
	time_offset(t->offset_s, zone);
	text_puts(&t->line, zone);
}

static int markdown_head(struct table *t)
{
	(void)t;
	return 0;
}

static int markdown_row(struct table *t, const struct cell *cells)
{
	if (!t->rows) {
		t->head_offset_s = t->offset_s;
		add_head(t, cells);
	}
	for (size_t i = 0; i < t->n; i++) {
		if (column_hidden(t, i))
			continue;
		text_puts(&t->line, "| ");
		if (cells[i].type == CELL_TEXT)
			text_add_markdown(&t->line, cells[i].text, cells[i].len);
		else
			add_value(t, t->columns[i].unit, &cells[i]);
		text_puts(&t->line, " ");
	}
	text_puts(&t->line, "|\n");
	return table_flush_line(t);
}

static int markdown_tail(struct table *t)
{
	if (!t->rows)
		add_head(t, NULL);
	return table_flush_line(t);
}

const struct table_writer table_markdown = {markdown_head, markdown_row, markdown_tail};
