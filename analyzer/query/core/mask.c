/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mask.c - see mask.h */
#include "query/core/mask.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Length of the id at the start of a word, 0 where there is none. */
static size_t hex_id(const char *p, size_t len)
{
	size_t n = 0;
	bool digit = false;

	while (n < len && is_hex(p[n]))
		digit |= is_digit(p[n++]);
	return n >= 8 && digit && (n == len || !is_word(p[n])) ? n : 0;
}

void mask_numbers(struct text *out, const char *text, size_t len)
{
	size_t from = 0; /* what stands as it is */

	for (size_t i = 0; i < len;) {
		size_t n = i && is_word(text[i - 1]) ? 0 : hex_id(text + i, len - i);

		if (!n)
			while (i + n < len && is_digit(text[i + n]))
				n++;
		if (!n) {
			i++;
			continue;
		}
		text_add(out, text + from, i - from);
		text_add(out, "*", 1);
		from = i += n;
	}
	text_add(out, text + from, len - from);
}
