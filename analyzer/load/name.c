/* SPDX-License-Identifier: GPL-3.0-or-later */
/* name.c - what the name of a file says.
 *
 * worker_0.log.2.zst is worker_0's log (ilu-logq(1)), rotated twice, packed. */
#include "load/discover.h"

#include <stdlib.h>
#include <string.h>

static bool ends(const char *name, size_t len, const char *tail)
{
	size_t n = strlen(tail);

	return len > n && !memcmp(name + len - n, tail, n);
}

/* The bytes of name before a tail of which each byte is a digit or in `also`, and the first a digit; len where there is
 * none. */
static size_t before_digits(const char *name, size_t len, char lead, const char *also)
{
	size_t n = len;

	while (n && ((name[n - 1] >= '0' && name[n - 1] <= '9') || strchr(also, name[n - 1])))
		n--;
	return n > 1 && n < len && name[n - 1] == lead ? n - 1 : len;
}

size_t input_stem(const char *name)
{
	size_t len = strlen(name), cut;

	if (ends(name, len, ".zst"))
		len -= 4;
	else if (ends(name, len, ".gz"))
		len -= 3;
	cut = before_digits(name, len, '.', "-T:Z"); /* .2, .2026-11-23, .20261123T101500Z */
	if (cut == len)
		cut = before_digits(name, len, '-', "");
	/* What is left must still be the name of a log: 10.0.0.1 is not rotated. */
	if (cut < len && (ends(name, cut, ".log") || ends(name, cut, ".ndjson") || ends(name, cut, ".jsonl")))
		return cut;
	return len;
}

static size_t without_extension(const char *name, size_t len)
{
	static const char *const extensions[] = {".log", ".ndjson", ".jsonl", ".json", ".txt"};
	size_t i;

	for (i = 0; i < sizeof extensions / sizeof *extensions; i++)
		if (ends(name, len, extensions[i]))
			return len - strlen(extensions[i]);
	return len;
}

bool input_named_log(const char *name)
{
	size_t len = input_stem(name);

	return ends(name, len, ".log") || ends(name, len, ".ndjson") || ends(name, len, ".jsonl");
}

bool input_is_process(const char *name)
{
	static const char *const names[] = {"worker", "controller", "load_gen"};
	size_t len = input_stem(name), i;

	if (!ends(name, len, ".log"))
		return false;
	len -= 4;
	while (len && ((name[len - 1] >= '0' && name[len - 1] <= '9') || name[len - 1] == '_' || name[len - 1] == '-'))
		len--;
	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (len == strlen(names[i]) && !memcmp(name, names[i], len))
			return true;
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool number_in(const char *p, size_t n, int from, int to)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_digit(p[i]))
			return false;
		v = v * 10 + (p[i] - '0');
	}
	return v >= from && v <= to;
}

/* The length of a day at p, 2026-06-01, 2026_06_01, 2026.06.01 or 20260601, and of the digits behind it: hours, parts.
 * 0: there is none. */
static size_t day_len(const char *p)
{
	size_t sep, n;

	if (!number_in(p, 4, 1970, 2200))
		return 0;
	sep = strchr("-_.", p[4]) && p[4] ? 1 : 0;
	if (!number_in(p + 4 + sep, 2, 1, 12) || (sep && p[7] != p[4]) || !number_in(p + 6 + 2 * sep, 2, 1, 31))
		return 0;
	n = 8 + 2 * sep;
	if (is_digit(p[n]))
		return 0; /* a longer number */
	while (p[n] && (is_digit(p[n]) || (strchr("-_.:TZ", p[n]) && (is_digit(p[n + 1]) || !p[n + 1]))))
		n++;
	return n;
}

/* Takes a day out of a name, with what stands between it and the rest; a name that is nothing else stays. */
static void day_cut(char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++) {
		size_t n = !i || strchr("-_.", name[i - 1]) ? day_len(name + i) : 0, from = i ? i - 1 : 0, to = i + n;

		if (!n)
			continue;
		if (!i && strchr("-_.", name[to]))
			to++;
		if (from || to < len)
			memmove(name + from, name + to, len - to + 1);
		return;
	}
}

/* Takes the number of a rotated part out of a name, app.1: not of one that is numbered throughout, 10.0.0.1. */
static void part_cut(char *name)
{
	size_t len = strlen(name), cut = before_digits(name, len, '.', "");
	bool letter = false;

	for (size_t i = 0; i < cut; i++)
		letter |= !is_digit(name[i]) && name[i] != '.';
	if (cut < len && len - cut <= 5 && letter && before_digits(name, cut, '.', "") == cut)
		name[cut] = '\0';
}

char *input_worker(const char *path)
{
	char *worker;
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	if (!strcmp(path, "-"))
		return strdup("stdin");
	worker = strndup(name, without_extension(name, input_stem(name)));
	if (worker) {
		day_cut(worker);
		part_cut(worker);
	}
	return worker;
}

/* The digits at *p without leading zeros; *p is moved behind them. */
static const char *digits(const char **p, size_t *len)
{
	const char *start;

	while (**p == '0')
		(*p)++;
	start = *p;
	while (**p >= '0' && **p <= '9')
		(*p)++;
	*len = (size_t)(*p - start);
	return start;
}

int natural_compare(const char *a, const char *b)
{
	const char *p = a, *q = b;

	while (*p && *q) {
		size_t n, m;
		const char *x, *y;

		if (!(*p >= '0' && *p <= '9' && *q >= '0' && *q <= '9')) {
			if (*p != *q)
				return (unsigned char)*p - (unsigned char)*q;
			p++;
			q++;
			continue;
		}
		x = digits(&p, &n);
		y = digits(&q, &m);
		if (n != m)
			return n < m ? -1 : 1;
		if (memcmp(x, y, n))
			return memcmp(x, y, n);
	}
	return *p || *q ? (unsigned char)*p - (unsigned char)*q : strcmp(a, b);
}
