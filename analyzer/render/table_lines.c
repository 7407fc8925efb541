/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table_lines.c - a record on several lines, a column each: for rows that are wider than any terminal. */
#include "render/number.h"
#include "render/table_writer.h"
#include <string.h>

static int lines_head(struct table *t)
{
	(void)t;
	return 0;
}

static void add_heading(struct table *t, size_t i, int width)
{
	char name[128];
	struct text safe = {0};

	text_add_terminal(&safe, name, column_heading(&t->columns[i], name, sizeof name));
	for (int pad = width - text_columns(text_str(&safe), safe.len); pad > 0; pad--)
		text_puts(&t->line, " ");
	text_printf(&t->line, "%s%s%s  ", output_ink(t->out, INK_HEAD), text_str(&safe), output_ink(t->out, INK_NONE));
	t->line.failed |= safe.failed;
	text_done(&safe);
}

static int widest_heading(struct table *t)
{
	char name[128];
	struct text safe = {0};
	int widest = 0, n;

	for (size_t i = 0; i < t->n; i++) {
		if (column_hidden(t, i))
			continue;
		text_reset(&safe);
		text_add_terminal(&safe, name, column_heading(&t->columns[i], name, sizeof name));
		n = text_columns(text_str(&safe), safe.len);
		widest = n > widest ? n : widest;
	}
	t->line.failed |= safe.failed;
	text_done(&safe);
	return widest;
}

static int lines_row(struct table *t, const struct cell *cells)
{
	int width = widest_heading(t);
	char zone[NUMBER_MAX];

	text_printf(&t->line, "%s%s record %lld%s\n", output_ink(t->out, INK_DIM), t->out->utf8 ? "──" : "--",
	            (long long)t->rows + 1, output_ink(t->out, INK_NONE));
	for (size_t i = 0; i < t->n; i++) {
		enum unit unit = t->columns[i].unit;

		if (column_hidden(t, i))
			continue;
		add_heading(t, i, width);
		cell_human(&t->line, t->out, unit, &cells[i], t->offset_s);
		if (unit == UNIT_TIME && cells[i].type == CELL_INT) {
			time_offset(t->offset_s, zone);
			text_printf(&t->line, " (%s)", zone);
		}
		while (t->line.len && t->line.ptr[t->line.len - 1] == ' ')
			t->line.len--;
		text_puts(&t->line, "\n");
	}
	return table_flush_line(t);
}

static int lines_tail(struct table *t)
{
	return output_status(t->out);
}

const struct table_writer table_lines = {lines_head, lines_row, lines_tail};
