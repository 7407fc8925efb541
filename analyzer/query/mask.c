/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mask.c - see mask.h */
#include "query/mask.h"
#include <ctype.h>

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Length of the id at the start of a word, 0 where there is none. */
static size_t hex_id(const char *p, size_t len)
{
	size_t n = 0;
	bool digit = false;

	while (n < len && is_hex(p[n]))
		digit |= isdigit((unsigned char)p[n++]) != 0;
	return n >= 8 && digit && (n == len || !isalnum((unsigned char)p[n])) ? n : 0;
}

void mask_numbers(struct text *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t from = i;
		size_t id = i && isalnum((unsigned char)text[i - 1]) ? 0 : hex_id(text + i, len - i);

		if (id) {
			text_puts(out, "*");
			i += id;
		} else if (isdigit((unsigned char)text[i])) {
			while (i < len && isdigit((unsigned char)text[i]))
				i++;
			text_puts(out, "*");
		} else {
			i++;
			text_add(out, text + from, 1);
		}
	}
}
