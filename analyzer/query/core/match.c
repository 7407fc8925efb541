/* SPDX-License-Identifier: GPL-3.0-or-later */
/* match.c - see match.h */
#include "query/core/match.h"
#include <strings.h>

bool match_glob(const char *pattern, struct slice text)
{
	const char *star = NULL;
	size_t i = 0, back = 0;

	/* Only the last * seen has to be tried again: an earlier one that took more would leave it less. */
	while (i < text.len) {
		if (*pattern == '*') {
			star = pattern++;
			back = i;
		} else if (*pattern && *pattern == text.ptr[i]) {
			pattern++;
			i++;
		} else if (star) {
			pattern = star + 1;
			i = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

bool match_target(const char *pattern, struct slice target)
{
	size_t n = strlen(pattern);

	if (strchr(pattern, '*'))
		return match_glob(pattern, target);
	for (size_t i = 0; n && i + n <= target.len; i++) {
		bool begins = !i || target.ptr[i - 1] == ':';
		bool ends = i + n == target.len || target.ptr[i + n] == ':';

		if (begins && ends && !memcmp(target.ptr + i, pattern, n))
			return true;
	}
	return false;
}

int level_rank(struct slice level)
{
	static const char *const names[] = {"error", "warn", "info", "debug", "trace"};

	for (int i = 0; i < 5; i++)
		if (strlen(names[i]) == level.len && !strncasecmp(names[i], level.ptr, level.len))
			return i;
	if (slice_is(level, "warning") || slice_is(level, "WARNING"))
		return 1;
	return slice_is(level, "fatal") || slice_is(level, "panic") ? 0 : -1;
}
