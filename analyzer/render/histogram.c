/* SPDX-License-Identifier: GPL-3.0-or-later */
/* histogram.c - see histogram.h */
#include "render/histogram.h"
#include "render/number.h"
#include <string.h>

enum { WIDTH = 1000, HEIGHT = 150, TOP = 18, BOTTOM = 130, LEFT = 10 };

static void add_column(struct text *out, const struct histogram *h, size_t i, int64_t most)
{
	double width = (double)(WIDTH - 2 * LEFT) / (double)h->n;
	double x = LEFT + width * (double)i, scale = (double)(BOTTOM - TOP) / (double)most;
	double good = (double)h->good[i] * scale, bad = (double)h->bad[i] * scale;

	if (!h->good[i] && !h->bad[i])
		return;
	text_printf(out, "<g><title>%lld ok, %lld not</title>", (long long)h->good[i], (long long)h->bad[i]);
	if (h->good[i])
		text_printf(out, "<rect class=\"work\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>", x,
		            BOTTOM - good, width * 0.9, good);
	if (h->bad[i])
		text_printf(out, "<rect class=\"failed\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>", x,
		            BOTTOM - good - bad, width * 0.9, bad);
	text_puts(out, "</g>\n");
}

void histogram_svg(struct text *out, const struct histogram *h, const char *id)
{
	char from[NUMBER_MAX], to[NUMBER_MAX], bin[NUMBER_MAX];
	int64_t most = 1;

	for (size_t i = 0; i < h->n; i++)
		most = h->good[i] + h->bad[i] > most ? h->good[i] + h->bad[i] : most;
	time_of_log(h->start_ns, h->offset_s, from);
	time_of_log(h->end_ns, h->offset_s, to);
	number_duration((h->end_ns - h->start_ns) / (int64_t)(h->n ? h->n : 1), "µ", bin);
	text_printf(
	    out, "<svg class=\"histogram\" viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s\"><title id=\"%s\">",
	    WIDTH, HEIGHT, id, id);
	text_add_html(out, h->title, strlen(h->title));
	text_printf(out, "</title>\n<text x=\"%d\" y=\"12\">up to %lld in %s</text>", LEFT, (long long)most, bin);
	text_printf(out, "<line class=\"grid\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", LEFT, BOTTOM, WIDTH - LEFT,
	            BOTTOM);
	for (size_t i = 0; i < h->n; i++)
		add_column(out, h, i, most);
	text_printf(out,
	            "<text x=\"%d\" y=\"%d\">%.19s</text><text class=\"time\" x=\"%d\" y=\"%d\">%.19s</text></svg>\n",
	            LEFT, HEIGHT - 4, from, WIDTH - LEFT, HEIGHT - 4, to);
}
