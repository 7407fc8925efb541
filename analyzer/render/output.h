/* SPDX-License-Identifier: GPL-3.0-or-later */
/* output.h - where answers go, and in which form. */
#ifndef RENDER_OUTPUT_H
#define RENDER_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* FORMAT_HTML is for parts of a report: a table without a page around it. */
enum format { FORMAT_TEXT, FORMAT_CSV, FORMAT_JSON, FORMAT_MARKDOWN, FORMAT_HTML };

/* Where the page of a report tells more of a transaction: of an id the anchor on the same page. */
struct output_links {
	/* Sets href, "#..." that needs no escaping; false: the page has nothing of it. run 0: of any. */
	bool (*find)(const void *arg, int64_t run, const char *tid, size_t len, char href[32]);
	const void *arg;
};

struct output {
	FILE *file; /* borrowed */
	enum format format;
	int width;           /* columns that text has to fit into; 0: as wide as it gets */
	const char *columns; /* of tables: names parted by commas, "all", or NULL: what fits; borrowed */
	bool records;        /* FORMAT_TEXT: each row of a table on several lines, a column each */
	bool color;
	bool terminal; /* what is written is interpreted: no bytes of a log may go there as they are */
	bool utf8;     /* bars and ellipses may be more than ASCII */
	bool quiet;    /* no notes, no summaries */
	bool one_run;  /* which run a row is of goes without saying */
	const struct output_links *links; /* FORMAT_HTML: NULL: none; borrowed */
	/* Puts a pager before file, for a command that calls it itself before it writes (command.own_pager) so many
	 * lines. marks: the beginning of those to be marked, as an extended regular expression; NULL: none. NULL: there
	 * is no pager. */
	void (*page)(struct output *o, const char *marks, size_t lines);
	const void *page_arg;
};

/* What a piece of text is about: picks its colour. */
enum ink { INK_NONE, INK_HEAD, INK_DIM, INK_ERROR, INK_WARN, INK_INFO, INK_DEBUG, INK_TRACE, INK_BAR, INK_COUNT };

/* The escape sequence that starts an ink, "" without colour; INK_NONE ends one. */
const char *output_ink(const struct output *o, enum ink ink);
/* The ink of a level's name. */
enum ink ink_of_level(const char *level, size_t len);

/* 0, or the negative errno of the first write that failed. */
int output_status(const struct output *o);

#endif
