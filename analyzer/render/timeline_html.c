/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeline_html.c - see timeline.h: a waterfall, and the lines of the log below it. */
#include "render/number.h"
#include "render/timeline.h"
#include <string.h>

enum { WIDTH = 1000, BAR = 14, TICKS = 4, PATH_DRAWN = 2000, MARKS_DRAWN = 2000 };

static void add(struct text *out, const char *s)
{
	if (s)
		text_add_html(out, s, strlen(s));
}

static void add_facts(struct text *out, const struct timeline *t)
{
	text_puts(out, "<dl>");
	for (size_t i = 0; i < t->nfacts; i++) {
		text_puts(out, "<div><dt>");
		add(out, t->facts[i].name);
		text_printf(out, "</dt><dd%s>", t->facts[i].ink == INK_ERROR ? " class=\"bad\"" : "");
		add(out, t->facts[i].value);
		text_puts(out, "</dd></div>");
	}
	text_puts(out, "</dl>\n");
}

/* ---- bars ---- */

static double x_of(const struct timeline *t, int64_t ns)
{
	double total = (double)t->end_ns - (double)t->start_ns;
	double at = total > 0 ? ((double)ns - (double)t->start_ns) / total : 0;

	return (at < 0 ? 0 : at > 1 ? 1 : at) * WIDTH;
}

static const char *class_of(enum timeline_look look)
{
	static const char *const names[] = {[LOOK_WORK] = "ok",
	                                    [LOOK_WAIT] = "wait",
	                                    [LOOK_CONTAINER] = "cold",
	                                    [LOOK_UNKNOWN] = "none",
	                                    [LOOK_SPAN] = "a"};

	return names[look];
}

static void begin_drawing(struct text *out)
{
	text_printf(out, "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" aria-hidden=\"true\">", WIDTH, BAR);
}

static void add_rect(struct text *out, const char *class, double from, double to)
{
	double width = to - from < 1.5 ? 1.5 : to - from;

	from = from + width > WIDTH ? WIDTH - width : from;
	text_printf(out, "<rect class=\"%s\" x=\"%.3f\" y=\"2\" width=\"%.3f\" height=\"%d\">", class, from, width,
	            BAR - 4);
}

/* What the bar's drawing can't show, because it is not within the ruler. */
static void add_beyond(struct text *out, const struct timeline *t, const struct timeline_row *r)
{
	char by[NUMBER_MAX];

	if (r->start_ns < t->start_ns) {
		number_duration(t->start_ns - r->start_ns, "µ", by);
		text_printf(out, " <b class=\"beyond\">◂ began %s before</b>", by);
	}
	if (r->end_ns > t->end_ns) {
		number_duration(r->end_ns - t->end_ns, "µ", by);
		text_printf(out, " <b class=\"beyond\">ended %s after ▸</b>", by);
	}
}

static void add_bar(struct text *out, const struct timeline *t, const struct timeline_row *r)
{
	char length[NUMBER_MAX], offset[NUMBER_MAX], class[32];
	bool beyond = r->start_ns < t->start_ns || r->end_ns > t->end_ns;

	number_duration(r->total_ns ? r->total_ns : r->end_ns - r->start_ns, "µ", length);
	number_duration(r->start_ns - t->start_ns, "µ", offset);
	snprintf(class, sizeof class, "k-%s%s%s", class_of(r->look), r->open ? " unended" : "", beyond ? " cut" : "");
	text_printf(out, "<div class=\"row d%d\" data-d=\"%d\"><span class=\"name\">", r->depth > 12 ? 12 : r->depth,
	            r->depth);
	add(out, r->label);
	text_puts(out, "</span>");
	begin_drawing(out);
	add_rect(out, class, x_of(t, r->start_ns), x_of(t, r->end_ns));
	text_puts(out, "<title>");
	add(out, r->label);
	text_printf(out, ": %s from %s on</title></rect></svg><span class=\"said\">%s",
	            r->open ? "not closed," : length, offset, r->open ? "open" : length);
	add_beyond(out, t, r);
	if (r->detail) {
		text_puts(out, " <small>");
		add(out, r->detail);
		text_puts(out, "</small>");
	}
	text_puts(out, "</span></div>\n");
}

static void add_ruler(struct text *out, const struct timeline *t)
{
	char at[NUMBER_MAX];

	text_puts(out, "<div class=\"row ruler\"><span class=\"name\"></span><span class=\"ticks\">");
	for (int i = 0; i <= TICKS; i++) {
		number_duration((t->end_ns - t->start_ns) / TICKS * i, "µ", at);
		text_printf(out, "<span>%s</span>", i ? at : "0");
	}
	text_puts(out, "</span><span class=\"said\"></span></div>\n");
}

/* What the end waited for, in one row: its steps are told apart by gaps and by what the pointer shows. */
static void add_path(struct text *out, const struct timeline *t)
{
	char length[NUMBER_MAX];

	if (!t->npath || t->npath > PATH_DRAWN)
		return;
	text_puts(out, "<div class=\"row path\" data-d=\"0\"><span class=\"name\">critical path</span>");
	begin_drawing(out);
	for (size_t i = t->npath; i-- > 0;) {
		number_duration(t->path[i].end_ns - t->path[i].start_ns, "µ", length);
		add_rect(out, i % 2 ? "k-d" : "k-bad", x_of(t, t->path[i].start_ns), x_of(t, t->path[i].end_ns));
		text_puts(out, "<title>");
		add(out, t->path[i].label);
		text_printf(out, ": %s</title></rect>", length);
	}
	text_printf(out, "</svg><span class=\"said\">%zu step%s</span></div>\n", t->npath, t->npath == 1 ? "" : "s");
}

/* ---- lines ---- */

static void add_marks(struct text *out, const struct timeline *t)
{
	size_t n = 0;

	text_puts(out, "<div class=\"row marks\" data-d=\"0\"><span class=\"name\">log lines</span>");
	begin_drawing(out);
	for (size_t i = 0; i < t->nrows && n < MARKS_DRAWN; i++) {
		const struct timeline_row *r = &t->rows[i];
		double x = x_of(t, r->start_ns);

		if (r->kind != TIMELINE_MOMENT)
			continue;
		n++;
		text_puts(out, "<path class=\"mark ");
		add(out, r->level);
		text_printf(out, "\" d=\"M%.3f 0V%d\"><title>", x, BAR);
		add(out, r->label);
		text_puts(out, "</title></path>");
	}
	text_printf(out, "</svg><span class=\"said\">%zu</span></div>\n", n);
}

static void add_moment(struct text *out, const struct timeline *t, const struct timeline_row *r)
{
	char clock[NUMBER_MAX], offset[NUMBER_MAX];

	number_duration(r->start_ns - t->start_ns, "µ", offset);
	time_of_log(r->start_ns, t->offset_s, clock);
	text_printf(out,
	            "<tr><td class=\"n\" data-l=\"offset\">%s</td><td data-l=\"time\">%s</td><td class=\"level\" "
	            "data-l=\"level\"><span class=\"",
	            offset, clock + 11);
	add(out, r->level);
	text_puts(out, "\">");
	add(out, r->level);
	text_puts(out, "</span></td><td class=\"text\" data-l=\"line\">");
	add(out, r->label);
	if (r->detail) {
		text_puts(out, " <small>");
		add(out, r->detail);
		text_puts(out, "</small>");
	}
	text_puts(out, "</td></tr>\n");
}

static void add_between(struct text *out, const struct timeline_row *r)
{
	char length[NUMBER_MAX];

	number_duration(r->end_ns - r->start_ns, "µ", length);
	text_puts(out, "<tr class=\"between\"><td></td><td colspan=\"3\">");
	if (r->kind == TIMELINE_GAP)
		text_printf(out, "%s without a line", length);
	add(out, r->label);
	text_puts(out, "</td></tr>\n");
}

static void begin_lines(struct text *out, const struct timeline *t)
{
	char clock[NUMBER_MAX], zone[NUMBER_MAX];

	time_of_log(t->start_ns, t->offset_s, clock);
	time_offset(t->offset_s, zone);
	text_printf(
	    out,
	    "<div class=\"scroll\" tabindex=\"0\"><table class=\"lines\"><thead><tr><th class=\"n\" "
	    "scope=\"col\">offset</th><th scope=\"col\">%.10s <small>%s</small></th><th scope=\"col\">level</th>"
	    "<th scope=\"col\">line</th></tr></thead><tbody>\n",
	    clock, zone);
}

/* ---- all of it ---- */

/* Rows come under headings: those whose first row is no bar are the lines'. */
static bool heads_lines(const struct timeline *t, size_t i)
{
	return t->rows[i].kind == TIMELINE_HEADING && i + 1 < t->nrows && t->rows[i + 1].kind != TIMELINE_BAR;
}

static void add_bars(struct text *out, const struct timeline *t)
{
	bool lines = false;

	text_puts(out, "<div class=\"waterfall\">\n");
	add_ruler(out, t);
	for (size_t i = 0; i < t->nrows && !(lines = heads_lines(t, i)); i++) {
		const struct timeline_row *r = &t->rows[i];

		if (r->kind == TIMELINE_BAR) {
			add_bar(out, t, r);
		} else if (r->kind == TIMELINE_HEADING && i) {
			add_path(out, t);
		} else if (r->kind == TIMELINE_REST) {
			text_puts(out, "<p class=\"rest\">");
			add(out, r->label);
			text_puts(out, "</p>\n");
		}
	}
	if (lines)
		add_marks(out, t);
	text_puts(out, "</div>\n");
}

static void add_lines(struct text *out, const struct timeline *t)
{
	size_t i = 0;

	while (i < t->nrows && !heads_lines(t, i))
		i++;
	if (i == t->nrows)
		return;
	begin_lines(out, t);
	for (i++; i < t->nrows; i++) {
		const struct timeline_row *r = &t->rows[i];

		if (r->kind == TIMELINE_MOMENT)
			add_moment(out, t, r);
		else if (r->kind == TIMELINE_GAP || r->kind == TIMELINE_REST)
			add_between(out, r);
	}
	text_puts(out, "</tbody></table></div>\n");
}

void timeline_html(struct text *out, const struct timeline *t)
{
	add_facts(out, t);
	add_bars(out, t);
	add_lines(out, t);
}
