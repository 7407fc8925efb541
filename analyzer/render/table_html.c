/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table_html.c - a table as a part of an HTML page; the page's style is page/page.css.
 *
 * For the page's script each value that can be sorted has its exact form (data-v), each row its time (data-t to data-u,
 * ns) and run; for narrow pages, where a row is a card, each cell its column's name (data-l). */
#include "render/number.h"
#include "render/table_writer.h"
#include <string.h>

/* A column's name as its heading has it. */
static void add_heading(struct table *t, size_t i)
{
	char name[128];
	size_t len = column_heading(&t->columns[i], name, sizeof name);

	for (size_t j = 0; j < len; j++)
		if (name[j] == '_')
			name[j] = ' ';
	text_add_html(&t->line, name, len);
}

static void add_head(struct table *t, const struct cell *cells)
{
	char zone[NUMBER_MAX];

	text_puts(&t->line, "<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>");
	for (size_t i = 0; i < t->n; i++) {
		if (column_hidden(t, i))
			continue;
		text_printf(&t->line, "<th scope=\"col\"%s>",
		            cells && column_is_right(t->columns[i].unit, cells[i].type) ? " class=\"n\"" : "");
		add_heading(t, i);
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

/* <td ...: its classes, and what it is called where there is no heading. */
static void begin_cell(struct table *t, size_t i, const char *class)
{
	text_printf(&t->line, "<td%s%s%s data-l=\"", *class ? " class=\"" : "", class, *class ? "\"" : "");
	add_heading(t, i);
	text_puts(&t->line, "\"");
}

static void add_time(struct table *t, size_t i, const struct cell *c)
{
	char exact[NUMBER_MAX], clock[NUMBER_MAX], zone[NUMBER_MAX];

	time_rfc3339(c->i, t->offset_s, exact);
	time_of_log(c->i, t->offset_s, clock);
	time_offset(t->offset_s, zone);
	begin_cell(t, i, "");
	text_printf(&t->line, " data-v=\"%lld\"><time datetime=\"%s\">%s%s</time>", (long long)c->i, exact, clock,
	            t->offset_s == t->head_offset_s ? "" : zone);
}

static bool is_tid(const struct column *c)
{
	size_t len = strlen(c->name);

	return len >= 3 && !strcmp(c->name + len - 3, "tid");
}

static int64_t run_of(const struct table *t, const struct cell *cells)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->columns[i].unit == UNIT_RUN && cells[i].type == CELL_INT)
			return cells[i].i;
	return 0;
}

/* A link to what the page has of it, else what to type; the script makes that something to copy. */
static void add_tid(struct table *t, const struct cell *cells, size_t i)
{
	const struct cell *c = &cells[i];
	const struct output_links *links = t->out->links;
	char href[32];

	begin_cell(t, i, "id");
	if (links->find(links->arg, run_of(t, cells), c->text, c->len, href)) {
		text_printf(&t->line, "><a href=\"%s\">", href);
		text_add_html(&t->line, c->text, c->len);
		text_puts(&t->line, "</a>");
		return;
	}
	text_puts(&t->line, "><code class=\"copy\" title=\"ilu-logq timeline ");
	text_add_html(&t->line, c->text, c->len);
	text_puts(&t->line, "\">");
	text_add_html(&t->line, c->text, c->len);
	text_puts(&t->line, "</code>");
}

static void add_text(struct table *t, const struct cell *cells, size_t i)
{
	const struct cell *c = &cells[i];
	enum unit unit = t->columns[i].unit;
	size_t from = c->len;

	if (unit == UNIT_LEVEL) {
		begin_cell(t, i, "level");
		text_puts(&t->line, "><span class=\"");
		text_add_html(&t->line, c->text, c->len);
		text_puts(&t->line, "\">");
		text_add_html(&t->line, c->text, c->len);
		text_puts(&t->line, "</span>");
	} else if (unit == UNIT_TARGET) {
		while (from > 0 && c->text[from - 1] != ':')
			from--;
		begin_cell(t, i, "");
		text_puts(&t->line, " title=\"");
		text_add_html(&t->line, c->text, c->len);
		text_puts(&t->line, "\">");
		text_add_html(&t->line, c->text + from, c->len - from);
	} else if (unit == UNIT_ID && t->out->links && is_tid(&t->columns[i])) {
		add_tid(t, cells, i);
	} else {
		begin_cell(t, i, unit == UNIT_ID ? "id" : unit == UNIT_WHOLE ? "" : "text");
		text_puts(&t->line, ">");
		text_add_html(&t->line, c->text, c->len);
	}
}

static void add_number(struct table *t, size_t i, const struct cell *c)
{
	enum unit unit = t->columns[i].unit;
	bool share = unit == UNIT_SHARE && c->type == CELL_REAL;

	begin_cell(t, i, share ? "n share" : column_is_right(unit, c->type) ? "n" : "");
	if (c->type == CELL_INT || c->type == CELL_REAL) {
		text_puts(&t->line, " data-v=\"");
		cell_exact(&t->line, c);
		text_puts(&t->line, "\"");
	}
	text_puts(&t->line, ">");
	if (share)
		text_printf(&t->line,
		            "<svg viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect "
		            "width=\"%.1f\" height=\"4\"/></svg>",
		            c->r > 0 ? c->r * 100 : 0.0);
	cell_human(&t->line, t->out, unit, c, t->offset_s);
}

/* From its first time to its last: columns first and last are what a row is about from when to when. */
static void begin_row(struct table *t, const struct cell *cells)
{
	int64_t first = 0, last = 0, run = run_of(t, cells);
	bool any = false;

	for (size_t i = 0; i < t->n; i++) {
		if (t->columns[i].unit != UNIT_TIME || cells[i].type != CELL_INT)
			continue;
		first = any && first < cells[i].i ? first : cells[i].i;
		last = any && last > cells[i].i ? last : cells[i].i;
		any = true;
	}
	text_puts(&t->line, "<tr");
	if (any)
		text_printf(&t->line, " data-t=\"%lld\" data-u=\"%lld\"", (long long)first, (long long)last);
	if (run)
		text_printf(&t->line, " data-run=\"%lld\"", (long long)run);
	text_puts(&t->line, ">");
}

static int html_row(struct table *t, const struct cell *cells)
{
	if (!t->rows) {
		t->head_offset_s = t->offset_s;
		add_head(t, cells);
	}
	begin_row(t, cells);
	for (size_t i = 0; i < t->n; i++) {
		if (column_hidden(t, i))
			continue;
		if (cells[i].type == CELL_TEXT)
			add_text(t, cells, i);
		else if (cells[i].type == CELL_INT && t->columns[i].unit == UNIT_TIME)
			add_time(t, i, &cells[i]);
		else
			add_number(t, i, &cells[i]);
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
