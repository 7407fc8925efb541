/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fold.c - see fold.h */
#include "render/fold.h"
#include "render/text.h"
#include <string.h>

static void new_line(struct fold *f)
{
	text_puts(f->out, "\n");
	for (f->column = 0; f->column < f->indent; f->column++)
		text_puts(f->out, " ");
	f->lines++;
	f->begun = false;
}

/* As many bytes as fit into columns, one code point at least. A colour sequence takes none, but no word has one that is
 * longer than a line. */
static size_t bytes_within(const char *safe, size_t len, int columns)
{
	size_t n = 0;

	for (int k = 0; n < len;) {
		uint32_t code;
		size_t bytes = utf8_decode(safe + n, len - n, &code);

		k += bytes ? utf8_columns(code) : 1;
		if (n && k > columns)
			break;
		n += bytes ? bytes : 1;
	}
	return n;
}

void fold_word(struct fold *f, const char *safe, size_t len, int blanks, const char *ink, const char *end)
{
	int columns = text_columns(safe, len), room = f->width - f->indent;

	if (f->begun && f->width && f->column + blanks + columns > f->width)
		new_line(f);
	for (; f->begun && blanks > 0; blanks--, f->column++)
		text_puts(f->out, " ");
	text_puts(f->out, ink);
	while (f->width && room > 0 && f->column + columns > f->width) {
		size_t n = bytes_within(safe, len, f->width - f->column);

		text_add(f->out, safe, n);
		new_line(f);
		safe += n;
		len -= n;
		columns = text_columns(safe, len);
	}
	text_add(f->out, safe, len);
	text_puts(f->out, end);
	f->column += columns;
	f->begun = true;
}

void fold_words(struct fold *f, const char *safe, size_t len, const char *ink, const char *end)
{
	const char *stop = safe + len;

	while (safe < stop) {
		size_t blanks = strspn(safe, " "), n;

		safe += blanks;
		for (; blanks && !f->begun; blanks--, f->column++)
			text_puts(f->out, " ");
		n = strcspn(safe, " \n");
		if (!strncmp(safe + n, " %", 2))
			n += 1 + strcspn(safe + n + 1, " \n");
		if (n)
			fold_word(f, safe, n, blanks ? (int)blanks : 1, ink, end);
		safe += n;
		if (safe < stop && *safe == '\n') {
			text_puts(f->out, "\n");
			f->column = 0;
			f->lines++;
			f->begun = false;
			safe++;
		}
	}
}

void text_add_folded(struct text *t, const char *safe, size_t len, int width, int indent)
{
	struct fold f = {.out = t, .width = width, .indent = indent, .lines = 1};

	if (width)
		fold_words(&f, safe, len, "", "");
	else
		text_add(t, safe, len);
}
