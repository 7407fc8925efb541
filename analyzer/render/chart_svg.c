/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chart_svg.c - see chart.h: areas, lines and the heat map behind them, each a path of its colour. */
#include "render/chart_draw.h"
#include <math.h>
#include <string.h>

enum { SHADES = 5 };

/* A number that is easy to read, not below v. */
static double rounded_up(double v)
{
	double unit = pow(10, floor(log10(v)));
	static const double steps[] = {1, 2, 3, 4, 5, 6, 8, 10};

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (v <= steps[i] * unit * (1 + 1e-9))
			return steps[i] * unit;
	return 10 * unit;
}

static double stacked(const struct chart *c, size_t upto, size_t k)
{
	double sum = 0;

	for (size_t i = 0; i <= upto; i++)
		sum += isnan(c->series[i].v[k]) ? 0 : c->series[i].v[k];
	return sum;
}

static void reach(struct chart_scale *s, double v)
{
	if (isnan(v) || (s->log && v <= 0))
		return;
	s->high = v > s->high ? v : s->high;
	s->low = v < s->low ? v : s->low;
}

static void reach_heat(struct chart_scale *s, const struct chart *c)
{
	for (size_t k = 0; c->heat.v && k < c->n * c->heat.rows; k++)
		if (c->heat.v[k] > 0) {
			double row = (double)(k % c->heat.rows);

			reach(s, c->heat.low * pow(c->heat.factor, row));
			reach(s, c->heat.low * pow(c->heat.factor, row + 1));
		}
}

struct chart_scale chart_scale_of(const struct chart *c)
{
	struct chart_scale s = {.low = INFINITY, .high = 0, .log = c->log};

	for (size_t k = 0; k < c->n; k++)
		for (size_t i = 0; i < c->nseries; i++)
			reach(&s, c->kind == CHART_STACK ? stacked(c, i, k) : c->series[i].v[k]);
	reach_heat(&s, c);
	if (!s.log) {
		s.low = 0;
		s.high = s.high > 0 ? rounded_up(s.high) : 1;
	} else {
		s.high = s.high > 0 ? pow(10, ceil(log10(s.high) - 1e-9)) : 10;
		s.low = isinf(s.low) ? 1 : pow(10, floor(log10(s.low) + 1e-9));
		s.high = s.high <= s.low ? s.low * 10 : s.high;
	}
	return s;
}

static double y_of(const struct chart_scale *s, double v)
{
	double share = s->log ? log(v > s->low ? v / s->low : 1) / log(s->high / s->low) : v / s->high;

	return CHART_HEIGHT * (1 - (share < 0 ? 0 : share > 1 ? 1 : share));
}

static double x_of(const struct chart *c, size_t column)
{
	return (double)CHART_WIDTH * (double)column / (double)c->n;
}

/* A series between what stands below it and its own top, column by column. */
static void add_area(struct text *out, const struct chart *c, const struct chart_scale *s, size_t i)
{
	text_printf(out, "<path class=\"k-%s\" d=\"", c->series[i].colour);
	for (size_t k = 0; k < c->n; k++) {
		double top = stacked(c, i, k), below = i ? stacked(c, i - 1, k) : 0;

		if (top > below)
			text_printf(out, "M%.1f %.1fV%.1fH%.1fV%.1fZ", x_of(c, k), y_of(s, below), y_of(s, top),
			            x_of(c, k + 1), y_of(s, below));
	}
	text_puts(out, "\"/>\n");
}

static void add_line(struct text *out, const struct chart *c, const struct chart_scale *s, size_t i)
{
	const double *v = c->series[i].v;
	double half = (x_of(c, 1) - x_of(c, 0)) / 2;
	bool down = false;

	text_printf(out, "<path class=\"line s-%s\" d=\"", c->series[i].colour);
	for (size_t k = 0; k < c->n; k++) {
		bool alone = !down && (k + 1 == c->n || isnan(v[k + 1]));

		if (!isnan(v[k]))
			text_printf(out, "%c%.1f %.1f", down ? 'L' : 'M', x_of(c, k) + (alone ? 0 : half),
			            y_of(s, v[k]));
		if (!isnan(v[k]) && alone)
			text_printf(out, "H%.1f", x_of(c, k + 1));
		down = !isnan(v[k]);
	}
	text_puts(out, "\"/>\n");
}

static void add_heat(struct text *out, const struct chart *c, const struct chart_scale *s)
{
	const struct chart_heat *h = &c->heat;
	double most = 1;

	for (size_t k = 0; k < c->n * h->rows; k++)
		most = h->v[k] > most ? h->v[k] : most;
	for (int shade = 1; shade <= SHADES; shade++) {
		text_printf(out, "<path class=\"heat h%d\" d=\"", shade);
		for (size_t i = 0; i < c->n; i++)
			for (size_t k = 0; k < h->rows; k++) {
				double v = h->v[i * h->rows + k], low = h->low * pow(h->factor, (double)k);

				if (v > 0 && (int)ceil(log1p(v) / log1p(most) * SHADES) == shade)
					text_printf(out, "M%.1f %.1fV%.1fH%.1fV%.1fZ", x_of(c, i), y_of(s, low),
					            y_of(s, low * h->factor), x_of(c, i + 1), y_of(s, low));
			}
		text_puts(out, "\"/>\n");
	}
}

void chart_svg(struct text *out, const struct chart *c, const struct chart_scale *s)
{
	text_printf(out, "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"",
	            CHART_WIDTH, CHART_HEIGHT);
	text_add_html(out, c->title, strlen(c->title));
	text_printf(out, "\">\n<path class=\"grid\" d=\"M0 0H%d M0 %dH%d M0 %dH%d\"/>\n", CHART_WIDTH, CHART_HEIGHT / 2,
	            CHART_WIDTH, CHART_HEIGHT, CHART_WIDTH);
	if (c->heat.v)
		add_heat(out, c, s);
	for (size_t i = 0; i < c->nseries; i++)
		if (c->kind == CHART_STACK)
			add_area(out, c, s, i);
		else
			add_line(out, c, s, i);
	text_puts(out, "</svg>");
}
