/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chart_bars.c - see chart.h: a bar or a range a row, for what is compared by name and not by time. */
#include "render/chart_draw.h"
#include "render/number.h"
#include <math.h>
#include <string.h>

enum { BAR = 14 };

static void begin_row(struct text *out, const char *name)
{
	text_puts(out, "<div class=\"bar\"><span class=\"name\">");
	text_add_html(out, name ? name : "(unknown)", name ? strlen(name) : 9);
	text_printf(out, "</span><svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
	            CHART_WIDTH, BAR);
}

static void end_row(struct text *out, const char *said)
{
	text_printf(out, "</svg><span class=\"said\">%s</span></div>\n", said);
}

static double sum_of(const struct chart_bars *c, const struct chart_bar *b)
{
	double sum = 0;

	for (size_t i = 0; i < c->nparts; i++)
		sum += b->part[i];
	return sum;
}

static void add_bar(struct text *out, const struct chart_bars *c, const struct chart_bar *b)
{
	double at = 0, sum = sum_of(c, b);

	begin_row(out, b->name);
	for (size_t i = 0; i < c->nparts && sum > 0; i++) {
		double width = b->part[i] / sum * CHART_WIDTH;

		if (width < 0.5)
			continue;
		text_printf(out, "<rect class=\"k-%s\" x=\"%.1f\" y=\"1\" width=\"%.1f\" height=\"%d\"><title>",
		            c->parts[i].colour, at, width, BAR - 2);
		text_add_html(out, c->parts[i].name, strlen(c->parts[i].name));
		text_printf(out, ": %.1f %%</title></rect>", b->part[i] / sum * 100);
		at += width;
	}
	end_row(out, b->said);
}

void chart_bars_html(struct text *out, const struct chart_bars *c)
{
	if (!c->nbars)
		return;
	text_printf(out, "<figure class=\"bars\" id=\"%s\">", c->id);
	chart_caption(out, c->title, c->says);
	text_puts(out, "<div class=\"rows\">\n");
	for (size_t i = 0; i < c->nbars; i++)
		add_bar(out, c, &c->bars[i]);
	text_puts(out, "</div>\n");
	chart_legend(out, c->parts, c->nparts, NULL);
	text_puts(out, "</figure>\n");
}

struct axis {
	double low, high;
};

static double x_of(const struct axis *a, double ns)
{
	double share = log((ns > a->low ? ns : a->low) / a->low) / log(a->high / a->low);

	return CHART_WIDTH * (share > 1 ? 1 : share);
}

static void add_range(struct text *out, const struct axis *a, const struct chart_range *r)
{
	char p50[NUMBER_MAX], p99[NUMBER_MAX], said[2 * NUMBER_MAX + 8];
	double from = x_of(a, r->least), mid = x_of(a, r->p50), high = x_of(a, r->p90), end = x_of(a, r->p99),
	       most = x_of(a, r->most);

	number_duration((int64_t)r->p50, "µ", p50);
	number_duration((int64_t)r->p99, "µ", p99);
	snprintf(said, sizeof said, "%s – %s", p50, p99);
	begin_row(out, r->name);
	text_printf(out, "<path class=\"grid\" d=\"M%.1f 7H%.1f\"/>", from, most);
	text_printf(out, "<rect class=\"k-p50\" x=\"%.1f\" y=\"2\" width=\"%.1f\" height=\"10\"/>", from,
	            mid - from < 2 ? 2 : mid - from);
	text_printf(out, "<rect class=\"k-p90\" x=\"%.1f\" y=\"2\" width=\"%.1f\" height=\"10\"/>", mid,
	            high - mid < 2 ? 2 : high - mid);
	text_printf(out, "<rect class=\"k-p99\" x=\"%.1f\" y=\"4\" width=\"%.1f\" height=\"6\"/>", high,
	            end - high < 2 ? 2 : end - high);
	end_row(out, said);
}

void chart_ranges_html(struct text *out, const char *id, const char *title, const char *says,
                       const struct chart_range *ranges, size_t n)
{
	static const struct chart_series parts[] = {
	    {"fastest to p50", "p50", NULL}, {"p50 to p90", "p90", NULL}, {"p90 to p99", "p99", NULL}};
	struct axis a = {INFINITY, 0};
	char from[NUMBER_MAX], to[NUMBER_MAX], more[2 * NUMBER_MAX + 64];

	for (size_t i = 0; i < n; i++) {
		a.low = ranges[i].least < a.low ? ranges[i].least : a.low;
		a.high = ranges[i].most > a.high ? ranges[i].most : a.high;
	}
	if (!n || a.high <= 0)
		return;
	a.low = pow(10, floor(log10(a.low > 1 ? a.low : 1)));
	a.high = pow(10, ceil(log10(a.high)));
	a.high = a.high > a.low ? a.high : a.low * 10;
	number_duration((int64_t)a.low, "µ", from);
	number_duration((int64_t)a.high, "µ", to);
	snprintf(more, sizeof more, "the axis goes from %s to %s, logarithmic; the line to the slowest", from, to);
	text_printf(out, "<figure class=\"bars ranges\" id=\"%s\">", id);
	chart_caption(out, title, says);
	text_puts(out, "<div class=\"rows\">\n");
	for (size_t i = 0; i < n; i++)
		add_range(out, &a, &ranges[i]);
	text_puts(out, "</div>\n");
	chart_legend(out, parts, 3, more);
	text_puts(out, "</figure>\n");
}
