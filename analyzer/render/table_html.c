/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table_html.c - a table as a part of an HTML page; the page's style is in report_style.c. */
#include "render/number.h"
#include "render/table_writer.h"
#include <string.h>

static void add_head(struct table *t, const struct cell *cells)
{
	char name[128], zone[NUMBER_MAX];
	size_t len;

	text_puts(&t->line, "<div class=\"scroll\"><table>\n<thead><tr>");
	for (size_t i = 0; i < t->n; i++) {
		if (column_hidden(t, i))
			continue;
		text_printf(&t->line, "<th scope=\"col\"%s>",
		            cells && column_is_right(t->columns[i].unit, cells[i].type) ? " class=\"n\"" : "");
		len = column_heading(&t->columns[i], name, sizeof name);
		for (size_t j = 0; j < len; j++)
			if (name[j] == '_')
				name[j] = ' ';
		text_add_html(&t->line, name, len);
		if (t->columns[i].unit == UNIT_TIME) {
			time_offset(t->head_offset_s, zone);
			text_printf(&t->line, " <small>%s</small>", zone);
		}
		text_puts(&t->line, "</th>");
	}
	text_puts(&t->line, "</tr></thead>\n<tbody>\n");
}

static int html_head(struct table *t)
{
	(void)t;
	return 0;
}

static void add_time(struct table *t, const struct cell *c)
{
	char exact[NUMBER_MAX], clock[NUMBER_MAX], zone[NUMBER_MAX];

	time_rfc3339(c->i, t->offset_s, exact);
	time_of_log(c->i, t->offset_s, clock);
	time_offset(t->offset_s, zone);
	text_printf(&t->line, "<td><time datetime=\"%s\">%s%s</time>", exact, clock,
	            t->offset_s == t->head_offset_s ? "" : zone);
}

static void add_text(struct table *t, enum unit unit, const struct cell *c)
{
	size_t from = c->len;

	if (unit == UNIT_LEVEL) {
		text_puts(&t->line, "<td class=\"level ");
		text_add_html(&t->line, c->text, c->len);
		text_puts(&t->line, "\">");
		text_add_html(&t->line, c->text, c->len);
	} else if (unit == UNIT_TARGET) {
		while (from > 0 && c->text[from - 1] != ':')
			from--;
		text_puts(&t->line, "<td title=\"");
		text_add_html(&t->line, c->text, c->len);
		text_puts(&t->line, "\">");
		text_add_html(&t->line, c->text + from, c->len - from);
	} else {
		text_puts(&t->line, unit == UNIT_ID      ? "<td class=\"id\">"
		                    : unit == UNIT_WHOLE ? "<td>"
		                                         : "<td class=\"text\">");
		text_add_html(&t->line, c->text, c->len);
	}
}

static void add_number(struct table *t, enum unit unit, const struct cell *c)
{
	if (unit == UNIT_SHARE && c->type == CELL_REAL)
		text_printf(&t->line, "<td class=\"n share\" style=\"--share:%.1f%%\">",
		            c->r * 100 > 0 ? c->r * 100 : 0.0);
	else
		text_puts(&t->line, column_is_right(unit, c->type) ? "<td class=\"n\">" : "<td>");
	cell_human(&t->line, t->out, unit, c, t->offset_s);
}

static int html_row(struct table *t, const struct cell *cells)
{
	if (!t->rows) {
		t->head_offset_s = t->offset_s;
		add_head(t, cells);
	}
	text_puts(&t->line, "<tr>");
	for (size_t i = 0; i < t->n; i++) {
		if (column_hidden(t, i))
			continue;
		if (cells[i].type == CELL_TEXT)
			add_text(t, t->columns[i].unit, &cells[i]);
		else if (cells[i].type == CELL_INT && t->columns[i].unit == UNIT_TIME)
			add_time(t, &cells[i]);
		else
			add_number(t, t->columns[i].unit, &cells[i]);
		text_puts(&t->line, "</td>");
	}
	text_puts(&t->line, "</tr>\n");
	return table_flush_line(t);
}

static int html_tail(struct table *t)
{
	text_puts(&t->line, t->rows ? "</tbody></table></div>\n" : "<p class=\"none\">None.</p>\n");
	return table_flush_line(t);
}

const struct table_writer table_html = {html_head, html_row, html_tail};
