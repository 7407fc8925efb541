/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text.h - a text that grows. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A growing string; zero-initialise. A failed allocation is remembered and makes it an empty one. */
struct text {
	char *ptr; /* NUL-terminated once anything was added */
	size_t len, room;
	bool failed;
};

void text_add(struct text *t, const char *bytes, size_t len);
void text_puts(struct text *t, const char *s);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_reset(struct text *t);
void text_done(struct text *t);
/* Never NULL. */
const char *text_str(const struct text *t);

#endif
