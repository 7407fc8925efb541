/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chart.h - values over time as a part of a page: a drawing that is there without a script, and the numbers behind it,
 * of which the page's script makes one that answers to the pointer.
 *
 * The drawing stretches, what is written does not: texts stand around it as HTML, so that they can be read on a phone.
 */
#ifndef RENDER_CHART_H
#define RENDER_CHART_H

#include "render/text.h"
#include <stddef.h>

enum chart_kind {
	CHART_STACK, /* areas on one another */
	CHART_LINES,
};

/* How values are spoken. */
enum chart_unit { CHART_COUNT, CHART_NS, CHART_VALUE, CHART_PERCENT, CHART_MEGABYTES };

struct chart_series {
	const char *name;   /* as in the log; made safe here */
	const char *colour; /* class "k-NAME" and variable --k-NAME of the page's style: ok, bad, wait, a ... h */
	const double *v;    /* n of them; NAN: none */
};

/* How many values fell into a cell; n columns of `rows` cells, the lowest first. */
struct chart_heat {
	const double *v;
	size_t rows;
	double low, factor; /* row i reaches from low * factor^i to low * factor^(i+1) */
};

struct chart {
	const char *id; /* of the page's own making: letters, digits, hyphens */
	const char *title;
	const char *says; /* one sentence with numbers; NULL: none; made safe here */
	enum chart_kind kind;
	enum chart_unit unit;
	const char *unit_name; /* of CHART_VALUE, may be NULL */
	bool log;              /* the values' axis is logarithmic */
	const struct chart_series *series;
	size_t nseries;
	struct chart_heat heat; /* v NULL: none */
	size_t n;
	int64_t start_ns, step_ns, offset_s;
};

/* A <figure>. Where all values are missing nothing is added. */
void chart_html(struct text *out, const struct chart *c);

/* A value as people read it, safe. */
void chart_value(struct text *out, const struct chart *c, double v);

/* Horizontal bars of one row each: names, parts that add up, a text behind. */
struct chart_bar {
	const char *name; /* made safe here */
	const char *said; /* behind the bar, safe already */
	const double *part;
};

struct chart_bars {
	const char *id, *title, *says;
	const struct chart_series *parts; /* v NULL: name and colour alone */
	size_t nparts;
	const struct chart_bar *bars;
	size_t nbars;
};

void chart_bars_html(struct text *out, const struct chart_bars *c);

/* Where values of each row lie, on a logarithmic axis: from p50 to p99 with marks, in ns. */
struct chart_range {
	const char *name;
	double least, p50, p90, p99, most;
};

void chart_ranges_html(struct text *out, const char *id, const char *title, const char *says,
                       const struct chart_range *ranges, size_t n);

/* Colours by number, for what has none of its own: "a" to "h", again from the first. */
const char *chart_colour(size_t i);

#endif
