/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text.h - a text that grows. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A growing string; zero-initialise. A failed allocation is remembered and makes it an empty one. */
struct text {
	char *ptr; /* NUL-terminated once anything was added */
	size_t len, room;
	bool failed;
};

void text_add(struct text *t, const char *bytes, size_t len);
/* Room for so many more bytes, which the caller writes and adds to t->len; NULL: no memory. No NUL is put behind them
 * before the next call. */
char *text_space(struct text *t, size_t len);
void text_puts(struct text *t, const char *s);
void text_add_int(struct text *t, int64_t v);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds what a stream has left. 0, -EFBIG: more than `most` bytes, -EINTR: a handler of a signal ran meanwhile, so that
 * Ctrl-C ends it on a pipe that nobody writes to; -ENOMEM, -EISDIR, -EIO, ... */
int text_add_stream(struct text *t, FILE *in, size_t most);
/* The same of a file, also where it can't be opened. */
int text_add_file(struct text *t, const char *path, size_t most);
void text_reset(struct text *t);
void text_done(struct text *t);
/* Never NULL. */
const char *text_str(const struct text *t);

/* v in decimal, without a NUL behind it: its length. buf has TEXT_DECIMAL bytes. */
#define TEXT_DECIMAL 24
size_t text_decimal(int64_t v, char *buf);

#endif
