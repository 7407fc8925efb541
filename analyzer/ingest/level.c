/* SPDX-License-Identifier: GPL-3.0-or-later */
/* level.c - levels by word, by letter and by number.
 *
 * Sources: RFC 5424 for syslog's numbers, pino's and bunyan's manuals for 10 to 60, Go's log/slog for "INFO-4" (its
 * four named levels are -4, 0, 4 and 8). */
#include "ingest/level.h"

#include <stdlib.h>
#include <strings.h>

static const struct word {
	const char *text;
	enum level level;
} words[] = {
    {"trace", LEVEL_TRACE}, {"verbose", LEVEL_TRACE},  {"finest", LEVEL_TRACE},     {"finer", LEVEL_TRACE},
    {"trc", LEVEL_TRACE},   {"t", LEVEL_TRACE},        {"v", LEVEL_TRACE},          {"debug", LEVEL_DEBUG},
    {"dbg", LEVEL_DEBUG},   {"fine", LEVEL_DEBUG},     {"d", LEVEL_DEBUG},          {"info", LEVEL_INFO},
    {"inf", LEVEL_INFO},    {"notice", LEVEL_INFO},    {"information", LEVEL_INFO}, {"informational", LEVEL_INFO},
    {"i", LEVEL_INFO},      {"n", LEVEL_INFO},         {"warn", LEVEL_WARN},        {"warning", LEVEL_WARN},
    {"wrn", LEVEL_WARN},    {"w", LEVEL_WARN},         {"error", LEVEL_ERROR},      {"err", LEVEL_ERROR},
    {"e", LEVEL_ERROR},     {"severe", LEVEL_ERROR},   {"fatal", LEVEL_ERROR},      {"ftl", LEVEL_ERROR},
    {"f", LEVEL_ERROR},     {"critical", LEVEL_ERROR}, {"crit", LEVEL_ERROR},       {"c", LEVEL_ERROR},
    {"alert", LEVEL_ERROR}, {"a", LEVEL_ERROR},        {"emerg", LEVEL_ERROR},      {"emergency", LEVEL_ERROR},
    {"panic", LEVEL_ERROR}, {"pnc", LEVEL_ERROR},      {"dpanic", LEVEL_ERROR},     {"dfatal", LEVEL_ERROR},
};

struct slice level_name(enum level level)
{
	static const char *const names[] = {NULL, "ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

	return names[level] ? (struct slice){names[level], strlen(names[level])} : SLICE_NONE;
}

/* The end of a colour ("ESC [ 31;1 m") at p, or p. */
static const char *colour(const char *p, const char *end)
{
	const char *q = p;

	if (end - q < 3 || q[0] != '\x1b' || q[1] != '[')
		return p;
	for (q += 2; q < end && ((*q >= '0' && *q <= '9') || *q == ';'); q++)
		;
	return q < end && *q == 'm' ? q + 1 : p;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Without blanks, brackets and colours at its ends. */
static struct slice bare(struct slice s)
{
	const char *p = s.ptr, *end = s.ptr + s.len, *q, *stop;

	for (; p < end; p = q) {
		q = is_blank(*p) || *p == '[' || *p == '<' ? p + 1 : colour(p, end);
		if (q == p)
			break;
	}
	for (q = stop = p; q < end;) {
		const char *behind = colour(q, end);

		if (behind != q) {
			q = behind;
			continue;
		}
		if (!is_blank(*q) && *q != ']' && *q != '>' && *q != ':')
			stop = q + 1;
		q++;
	}
	return (struct slice){p, (size_t)(stop - p)};
}

static enum level number(long n, enum level_scheme scheme)
{
	if (scheme == LEVEL_PRIORITY && n >= 0 && n <= 191) {
		n %= 8;
		scheme = LEVEL_SYSLOG;
	}
	if (scheme == LEVEL_SYSLOG && n >= 0 && n <= 7)
		return n <= 3 ? LEVEL_ERROR : n == 4 ? LEVEL_WARN : n <= 6 ? LEVEL_INFO : LEVEL_DEBUG;
	if (n < 10 || n >= 70)
		return LEVEL_NONE;
	return n >= 50   ? LEVEL_ERROR
	       : n >= 40 ? LEVEL_WARN
	       : n >= 30 ? LEVEL_INFO
	       : n >= 20 ? LEVEL_DEBUG
	                 : LEVEL_TRACE;
}

static enum level word(struct slice s)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (s.len == strlen(words[i].text) && !strncasecmp(s.ptr, words[i].text, s.len))
			return words[i].level;
	return LEVEL_NONE;
}

/* slog's distance to a named level. */
static enum level moved(enum level from, long by)
{
	long at = (from == LEVEL_ERROR ? 8 : from == LEVEL_WARN ? 4 : from == LEVEL_INFO ? 0 : -4) + by;

	return at >= 8    ? LEVEL_ERROR
	       : at >= 4  ? LEVEL_WARN
	       : at >= 0  ? LEVEL_INFO
	       : at >= -4 ? LEVEL_DEBUG
	                  : LEVEL_TRACE;
}

/* All of s is a number, with a sign before it where sign is set. */
static bool digits(struct slice s, bool sign, long *out)
{
	char buf[8], *end;

	if (!s.len || s.len >= sizeof buf || (sign && s.ptr[0] != '+' && s.ptr[0] != '-'))
		return false;
	for (size_t i = sign; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	memcpy(buf, s.ptr, s.len);
	buf[s.len] = '\0';
	*out = strtol(buf, &end, 10);
	return s.len > (size_t)sign;
}

enum level level_read(struct slice text, enum level_scheme scheme)
{
	struct slice s = text.ptr ? bare(text) : SLICE_NONE, head = s;
	enum level level;
	long n;

	if (!s.len)
		return LEVEL_NONE;
	if (digits(s, false, &n))
		return number(n, scheme);
	level = word(s);
	if (level)
		return level;
	while (head.len && head.ptr[head.len - 1] != '+' && head.ptr[head.len - 1] != '-')
		head.len--;
	if (!head.len || !digits((struct slice){head.ptr + head.len - 1, s.len - head.len + 1}, true, &n))
		return LEVEL_NONE;
	head.len--;
	level = word(head);
	return level && level != LEVEL_TRACE ? moved(level, n) : LEVEL_NONE;
}

/* ---- what a format says ---- */

/* A whole number of at most 18 digits; none where there is no text. */
static bool bound(struct slice s, int64_t none, int64_t *out)
{
	bool minus = s.len && *s.ptr == '-';
	int64_t n = 0;

	if (!s.len) {
		*out = none;
		return true;
	}
	s = (struct slice){s.ptr + minus, s.len - minus};
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		n = n * 10 + (s.ptr[i] - '0');
	}
	*out = minus ? -n : n;
	return s.len && s.len <= 18;
}

void level_word_read(struct level_word *w)
{
	const char *dots = strstr(w->word, "..");

	w->any = !strcmp(w->word, "*");
	w->range = dots && bound((struct slice){w->word, (size_t)(dots - w->word)}, INT64_MIN, &w->from) &&
	           bound((struct slice){dots + 2, strlen(dots + 2)}, INT64_MAX, &w->to);
}

bool level_named(const struct level_map *m, struct slice text)
{
	for (size_t i = 0; i < m->n; i++)
		if (!m->all[i].any && !m->all[i].range && slice_is(text, m->all[i].word))
			return true;
	return false;
}

enum level level_mapped(const struct level_map *m, struct slice text)
{
	const char *point = memchr(text.ptr, '.', text.len);
	struct slice whole = {text.ptr, point ? (size_t)(point - text.ptr) : text.len};
	int64_t n = 0;
	bool number = whole.len && whole.len <= 19 && bound(whole, 0, &n);

	for (size_t i = 0; i < m->n; i++) {
		const struct level_word *w = &m->all[i];

		if (w->any || (w->range ? number && n >= w->from && n <= w->to : slice_is(text, w->word)))
			return w->level;
	}
	return LEVEL_NONE;
}
