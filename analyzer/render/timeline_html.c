/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeline_html.c - see timeline.h: facts, drawing and lines of a timeline as a part of a page. */
#include "render/number.h"
#include "render/timeline.h"
#include <string.h>

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

static void add_moment(struct text *out, const struct timeline *t, const struct timeline_row *r)
{
	char clock[NUMBER_MAX], offset[NUMBER_MAX];

	number_duration(r->start_ns - t->start_ns, "µ", offset);
	time_of_log(r->start_ns, t->offset_s, clock);
	text_printf(out, "<tr><td class=\"n\">%s</td><td>%s</td><td class=\"level ", offset, clock + 11);
	add(out, r->level);
	text_puts(out, "\">");
	add(out, r->level);
	text_puts(out, "</td><td class=\"text\">");
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

/* Rows of the lines' part: moments, silences, and what is left out among them. */
static void add_lines(struct text *out, const struct timeline *t)
{
	char clock[NUMBER_MAX], zone[NUMBER_MAX];
	bool inside = false;

	for (size_t i = 0; i < t->nrows; i++) {
		const struct timeline_row *r = &t->rows[i];

		if (r->kind == TIMELINE_HEADING) {
			bool lines = i + 1 < t->nrows && r[1].kind != TIMELINE_BAR;

			if (lines && !inside) {
				time_of_log(t->start_ns, t->offset_s, clock);
				time_offset(t->offset_s, zone);
				text_printf(out,
				            "<div class=\"scroll\"><table class=\"lines\"><thead><tr><th class=\"n\" "
				            "scope=\"col\">offset</th>"
				            "<th scope=\"col\">%.10s <small>%s</small></th><th "
				            "scope=\"col\">level</th><th scope=\"col\">line</th></tr></thead>"
				            "<tbody>\n",
				            clock, zone);
			}
			inside |= lines;
		} else if (r->kind == TIMELINE_MOMENT) {
			add_moment(out, t, r);
		} else if (r->kind != TIMELINE_BAR && inside) {
			add_between(out, r);
		}
	}
	if (inside)
		text_puts(out, "</tbody></table></div>\n");
}

void timeline_html(struct text *out, const struct timeline *t, const char *id)
{
	add_facts(out, t);
	timeline_svg(out, t, id);
	add_lines(out, t);
}
