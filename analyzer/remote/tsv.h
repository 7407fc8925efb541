/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tsv.h - rows of an answer in ClickHouse's format TabSeparated, as they come. */
#ifndef REMOTE_TSV_H
#define REMOTE_TSV_H

#include "base/slice.h"
#include "base/text.h"

enum { TSV_COLUMNS = 512 };

/* Zero-initialise, set columns, row and arg; tsv_done in any case. */
struct tsv {
	unsigned columns; /* of each row, at most TSV_COLUMNS; 0: as many as the first has, which is set then */
	/* A row; values are without escapes, NONE for NULL, and borrowed for the call. 0 to go on; anything else ends
	 * the answer and is returned. */
	int (*row)(void *arg, const struct slice *value);
	void *arg;
	/* private */
	struct text line; /* what has come of the row at hand */
};

/* An http_take. -EBADMSG: the answer does not look like that. */
int tsv_take(void *tsv, const char *p, size_t n);
/* After the last byte: -EBADMSG where a row is not whole, -ENOMEM. */
int tsv_end(struct tsv *t);
void tsv_done(struct tsv *t);

/* What the character behind a backslash stands for. */
char tsv_meant(char c);
/* A whole number; 0 where it is none. */
int64_t tsv_int(struct slice value);

#endif
