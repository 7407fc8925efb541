/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fold.h - sentences in lines of a width: they break between words. */
#ifndef RENDER_FOLD_H
#define RENDER_FOLD_H

#include "base/text.h"

struct fold {
	struct text *out; /* borrowed */
	int width;        /* 0: a line is as long as it gets */
	int indent;       /* of the lines after the first */
	int column;       /* where the next word goes; of what stands in out before the first word, its columns */
	int lines;
	bool begun; /* a word stands in the line: the next is parted from it by blanks */
};

/* A word of its own, between ink and end (see output_ink), blanks before it where it does not begin a line. What is
 * longer than a line goes on in the next. */
void fold_word(struct fold *f, const char *safe, size_t len, int blanks, const char *ink, const char *end);
/* All words of text that is safe for a terminal already and ends with NUL, as far apart as they are there; a line end
 * in it is one. A percent sign stays with its number. */
void fold_words(struct fold *f, const char *safe, size_t len, const char *ink, const char *end);
/* The same in one go: the lines of safe, those that a line goes on in indented; as they are where width is 0. */
void text_add_folded(struct text *t, const char *safe, size_t len, int width, int indent);

#endif
