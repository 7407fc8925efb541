/* SPDX-License-Identifier: GPL-3.0-or-later */
/* histogram.h - counts over time as an SVG: one column a bin, the good at the bottom, the bad on top of it. */
#ifndef RENDER_HISTOGRAM_H
#define RENDER_HISTOGRAM_H

#include "render/text.h"

struct histogram {
	const char *title;
	int64_t start_ns, end_ns, offset_s;
	const int64_t *good, *bad; /* n counts each */
	size_t n;
};

void histogram_svg(struct text *out, const struct histogram *h, const char *id);

#endif
