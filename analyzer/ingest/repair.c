/* SPDX-License-Identifier: GPL-3.0-or-later */
/* repair.c - see repair.h. */
#include "ingest/repair.h"

#include <string.h>

#define OFF(name, what) name, what, what "; the repair `" name "` is off"

static const struct {
	const char *name, *what, *off;
} repairs[REPAIRS] = {
    [REPAIR_NULS] = {OFF("nuls", "NUL bytes before the record")},
    [REPAIR_COLOURS] = {OFF("colours", "colours in the line")},
    [REPAIR_COMMA] = {OFF("comma", "a comma behind the record")},
    [REPAIR_PIECES] = {OFF("pieces", "whole records in a broken line")},
    [REPAIR_BRACKET] = {OFF("bracket", "extra bracket after fields")},
    [REPAIR_UTF8] = {OFF("utf8", "invalid UTF-8")},
};

const char *repair_name(enum repair r)
{
	return repairs[r].name;
}

const char *repair_what(enum repair r)
{
	return repairs[r].what;
}

const char *repair_is_off(enum repair r)
{
	return repairs[r].off;
}

static bool one_name(const char *text, size_t len, unsigned *bits)
{
	if (len == 3 && !memcmp(text, "all", 3)) {
		*bits = REPAIRS_ALL;
		return true;
	}
	for (unsigned r = REPAIR_NONE + 1; r < REPAIRS; r++)
		if (strlen(repairs[r].name) == len && !memcmp(text, repairs[r].name, len)) {
			*bits |= 1u << r;
			return true;
		}
	return false;
}

size_t repair_colour_len(struct slice s)
{
	size_t n = 2;

	if (s.len < 3 || s.ptr[0] != '\x1b' || s.ptr[1] != '[')
		return 0;
	while (n < s.len && ((s.ptr[n] >= '0' && s.ptr[n] <= '9') || s.ptr[n] == ';'))
		n++;
	return n < s.len && (s.ptr[n] == 'm' || s.ptr[n] == 'K') ? n + 1 : 0;
}

size_t repair_colours_cut(char *text, size_t len)
{
	size_t to = 0;

	for (size_t i = 0; i < len;) {
		size_t n = text[i] == '\x1b' ? repair_colour_len((struct slice){text + i, len - i}) : 0;

		if (!n)
			text[to++] = text[i++];
		i += n;
	}
	memset(text + to, 0, len - to);
	return to;
}

bool repair_names(const char *text, unsigned *bits)
{
	unsigned all = *bits;

	do {
		size_t len = strcspn(text, ",");

		if (!one_name(text, len, &all))
			return false;
		text += len;
	} while (*text++ == ',');
	*bits = all;
	return true;
}
