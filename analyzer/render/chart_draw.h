/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chart_draw.h - private to the charts: what they share. */
#ifndef RENDER_CHART_DRAW_H
#define RENDER_CHART_DRAW_H

#include "render/chart.h"

enum { CHART_WIDTH = 1000, CHART_HEIGHT = 200 };

/* What the drawing's height stands for; low is 0 unless log. */
struct chart_scale {
	double low, high;
	bool log;
};

struct chart_scale chart_scale_of(const struct chart *c);
void chart_svg(struct text *out, const struct chart *c, const struct chart_scale *s);
void chart_caption(struct text *out, const char *title, const char *says);
/* more: one entry more, without a colour; safe already; NULL: none. */
void chart_legend(struct text *out, const struct chart_series *s, size_t n, const char *more);

#endif
