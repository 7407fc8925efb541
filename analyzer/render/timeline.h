/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeline.h - bars and moments over time, drawn on a terminal or as a part of a page.
 *
 * The rows come in the order in which they are shown, under their headings. Text in them is as it stood in the log: the
 * renderers make it safe. */
#ifndef RENDER_TIMELINE_H
#define RENDER_TIMELINE_H

#include "render/output.h"
#include "render/text.h"
#include <stddef.h>

enum timeline_kind {
	TIMELINE_HEADING, /* label: of the rows that follow */
	TIMELINE_BAR,     /* from start to end */
	TIMELINE_MOMENT,  /* a line of a log at start */
	TIMELINE_GAP,     /* from start to end nothing was logged; label: said behind it */
	TIMELINE_REST,    /* label: what was left out here */
};

/* How a bar is drawn. */
enum timeline_look { LOOK_WORK, LOOK_WAIT, LOOK_CONTAINER, LOOK_UNKNOWN, LOOK_SPAN };

struct timeline_row {
	enum timeline_kind kind;
	enum timeline_look look;
	int depth;          /* indentation */
	const char *label;  /* NULL: "" */
	const char *level;  /* of a moment */
	const char *detail; /* behind the label: safe already, made by whoever knows it; NULL: none */
	int64_t start_ns, end_ns;
	int64_t total_ns; /* of several bars in one row: what they add up to; 0: end - start */
	bool open;        /* the end is not known */
};

struct timeline_fact {
	const char *name, *value;
	enum ink ink;
};

struct timeline {
	const char *title;                 /* as HTML and Markdown head it */
	const struct timeline_fact *facts; /* shown above */
	size_t nfacts;
	const struct timeline_row *rows;
	size_t nrows;
	/* What the end waited for, step by step, the last one first; npath 0: not known. Their labels, start_ns and
	 * end_ns alone count. */
	const struct timeline_row *path;
	size_t npath;
	int64_t start_ns, end_ns; /* the bars' ruler; a bar beyond it is cut with a mark */
	int64_t offset_s;         /* of the log's clock */
};

/* Bars, offsets and clock times on a terminal; 0 or a negative errno. */
int timeline_text(struct output *out, const struct timeline *t);

/* Facts, a ruler, a row a bar, moments as marks, and the lines as a table: a part of a page. Each row has a drawing of
 * its own that stretches, 1000 units for the whole, so that the page's script zooms by changing what each shows. What
 * lies beyond the ruler is drawn up to its end, and said. */
void timeline_html(struct text *out, const struct timeline *t);

#endif
