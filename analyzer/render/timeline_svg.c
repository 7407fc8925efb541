/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeline_svg.c - see timeline.h: the bars of a timeline as a drawing, each with its name and length as a tooltip. */
#include "render/number.h"
#include "render/timeline.h"
#include <string.h>

enum { WIDTH = 1000, LABELS = 300, TIMES = 80, ROW = 18, BAR = 11, CHARS = 46, RULER = 20 };

static double x_of(const struct timeline *t, int64_t ns)
{
	double total = (double)(t->end_ns - t->start_ns);
	double at = total > 0 ? (double)(ns - t->start_ns) / total : 0;

	return LABELS + (at < 0 ? 0 : at > 1 ? 1 : at) * (WIDTH - LABELS - TIMES);
}

static const char *class_of(enum timeline_look look)
{
	static const char *const names[] = {[LOOK_WORK] = "work",
	                                    [LOOK_WAIT] = "wait",
	                                    [LOOK_CONTAINER] = "container",
	                                    [LOOK_UNKNOWN] = "unknown",
	                                    [LOOK_SPAN] = "span"};

	return names[look];
}

static void add_label(struct text *out, const struct timeline_row *r, int y)
{
	struct text safe = {0}, cut = {0};
	int indent = r->depth > 10 ? 10 : r->depth;

	text_add_terminal(&safe, r->label ? r->label : "", r->label ? strlen(r->label) : 0);
	text_add_cut(&cut, text_str(&safe), safe.len, CHARS - 2 * indent, true);
	text_printf(out, "<text x=\"%d\" y=\"%d\">", 12 * indent, y + 13);
	text_add_html(out, text_str(&cut), cut.len);
	text_puts(out, "</text>");
	text_done(&safe);
	text_done(&cut);
}

static void add_bar(struct text *out, const struct timeline *t, const struct timeline_row *r, int y)
{
	int64_t takes = r->total_ns ? r->total_ns : r->end_ns - r->start_ns;
	double from = x_of(t, r->start_ns), to = x_of(t, r->end_ns);
	char length[NUMBER_MAX], offset[NUMBER_MAX];

	number_duration(takes, "µ", length);
	number_duration(r->start_ns - t->start_ns, "µ", offset);
	add_label(out, r, y);
	text_printf(out, "<rect class=\"%s%s\" x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" rx=\"2\"><title>",
	            class_of(r->look), r->open ? " open" : "", from, y + (ROW - BAR) / 2,
	            to - from < 1.5 ? 1.5 : to - from, BAR);
	text_add_html(out, r->label ? r->label : "", r->label ? strlen(r->label) : 0);
	text_printf(out, ": %s from %s on</title></rect>", r->open ? "not closed," : length, offset);
	text_printf(out, "<text class=\"time\" x=\"%d\" y=\"%d\">%s</text>\n", WIDTH, y + 13,
	            r->open ? "open" : length);
}

static void add_ruler(struct text *out, const struct timeline *t, int height)
{
	char at[NUMBER_MAX];

	for (int i = 0; i <= 4; i++) {
		double x = x_of(t, t->start_ns + (t->end_ns - t->start_ns) / 4 * i);

		number_duration((t->end_ns - t->start_ns) / 4 * i, "µ", at);
		text_printf(out, "<line class=\"grid\" x1=\"%.2f\" y1=\"%d\" x2=\"%.2f\" y2=\"%d\"/>", x, RULER - 4, x,
		            height);
		text_printf(out, "<text class=\"tick\" x=\"%.2f\" y=\"12\">%s</text>\n", x, i ? at : "0");
	}
}

void timeline_svg(struct text *out, const struct timeline *t, const char *id)
{
	int height = RULER, y = RULER;

	for (size_t i = 0; i < t->nrows; i++)
		height += t->rows[i].kind == TIMELINE_BAR ? ROW : t->rows[i].kind == TIMELINE_HEADING ? 4 : 0;
	text_printf(
	    out, "<svg class=\"timeline\" viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s\"><title id=\"%s\">",
	    WIDTH, height + 2, id, id);
	text_add_html(out, t->title ? t->title : "", t->title ? strlen(t->title) : 0);
	text_puts(out, "</title>\n");
	add_ruler(out, t, height);
	for (size_t i = 0; i < t->nrows; i++) {
		if (t->rows[i].kind == TIMELINE_BAR)
			add_bar(out, t, &t->rows[i], y);
		y += t->rows[i].kind == TIMELINE_BAR ? ROW : t->rows[i].kind == TIMELINE_HEADING ? 4 : 0;
	}
	text_puts(out, "</svg>\n");
}
