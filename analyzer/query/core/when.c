/* SPDX-License-Identifier: GPL-3.0-or-later */
/* when.c - instants as users type them: as the log writes them, as RFC 3339, or counted from the run's start. */
#include "base/textduration.h"
#include "query/core/query.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct base {
	struct query *q;
	int64_t run, first_ns;
};

/* The clock and the start of the run, or of the first one. */
static struct base find_base(struct query *q, int64_t run)
{
	sqlite3_stmt *stmt = query_prepare(
	    q, "SELECT id, first_ns FROM run WHERE (?1 = 0 OR id = ?1) AND first_ns IS NOT NULL ORDER BY id");
	struct base base = {.q = q};

	sqlite3_bind_int64(stmt, 1, run);
	if (query_next(q, stmt))
		base = (struct base){q, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1)};
	sqlite3_finalize(stmt);
	return base;
}

/* ".5", up to nine digits, at *p: nanoseconds. */
static int64_t take_fraction(const char **p)
{
	int64_t ns = 0, unit = 100000000;

	if (**p != '.')
		return 0;
	for (++*p; isdigit((unsigned char)**p); ++*p, unit /= 10)
		ns += (**p - '0') * unit;
	return ns;
}

static bool take_digits(const char **p, int most, int *out)
{
	int n = 0;

	for (*out = 0; n < most && isdigit((unsigned char)**p); n++)
		*out = *out * 10 + (*(*p)++ - '0');
	return n > 0;
}

/* "HH:MM[:SS[.f]]" */
static bool take_clock(const char **p, struct tm *tm, int64_t *ns)
{
	*ns = 0;
	if (!take_digits(p, 2, &tm->tm_hour) || *(*p)++ != ':' || !take_digits(p, 2, &tm->tm_min))
		return false;
	if (**p == ':') {
		++*p;
		if (!take_digits(p, 2, &tm->tm_sec))
			return false;
		*ns = take_fraction(p);
	}
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 61;
}

static bool take_date(const char **p, struct tm *tm)
{
	int year;

	if (!take_digits(p, 4, &year) || *(*p)++ != '-' || !take_digits(p, 2, &tm->tm_mon) || *(*p)++ != '-' ||
	    !take_digits(p, 2, &tm->tm_mday))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon--;
	return tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday > 0 && tm->tm_mday < 32;
}

/* "Z" or "+05:30" at *p sets the offset, and whether one stands there. */
static bool take_zone(const char **p, int64_t *offset_s, bool *zone)
{
	int sign = **p == '-' ? -1 : 1, hours, minutes;

	*zone = **p != '\0';
	if (**p == 'Z' || **p == 'z') {
		++*p;
		*offset_s = 0;
	} else if (**p == '+' || **p == '-') {
		++*p;
		if (!take_digits(p, 2, &hours) || *(*p)++ != ':' || !take_digits(p, 2, &minutes))
			return false;
		*offset_s = -sign * (hours * 3600 + minutes * 60);
	}
	return true;
}

/* "90s", "1h30m", or a number of seconds, after the run's start; what is beyond all times is the last one. */
static bool parse_after(const char *text, const struct base *base, int64_t *out)
{
	int64_t ns = 0;
	char *end;
	double s;
	int rc = duration_parse((struct slice){text, strlen(text)}, &ns);

	if (rc == -EINVAL) {
		s = strtod(text, &end);
		if (end == text || (*end && strcmp(end, "s") != 0) || isnan(s))
			return false;
		ns = fabs(s) < 9e9 ? (int64_t)(s * 1e9) : s < 0 ? INT64_MIN : INT64_MAX;
	} else if (rc) {
		ns = *text == '-' ? INT64_MIN : INT64_MAX;
	}
	if (__builtin_add_overflow(base->first_ns, ns, out))
		*out = ns < 0 ? INT64_MIN : INT64_MAX;
	return true;
}

static bool parse(const char *text, const struct base *base, int64_t *out)
{
	const char *p = text;
	int64_t offset_s = 0, ns = 0, local_s;
	struct tm tm = {0};
	bool zone = false;

	if (*text == '+')
		return parse_after(text + 1, base, out);
	if (strlen(text) >= 16 && strspn(text, "0123456789") == strlen(text)) {
		*out = strtoll(text, NULL, 10);
		return true;
	}
	if (strchr(text, '-') && text[0] != '-' && (size_t)(strchr(text, '-') - text) == 4) {
		if (!take_date(&p, &tm))
			return false;
		if (*p == ' ' || *p == 'T' || *p == 't') {
			p++;
			if (!take_clock(&p, &tm, &ns) || !take_zone(&p, &offset_s, &zone))
				return false;
		}
	} else {
		/* A time alone: on the day the run began. */
		time_t day = (time_t)(base->first_ns / 1000000000 - query_clock(base->q, base->run, base->first_ns));
		struct tm first;

		gmtime_r(&day, &first);
		tm.tm_year = first.tm_year;
		tm.tm_mon = first.tm_mon;
		tm.tm_mday = first.tm_mday;
		if (!take_clock(&p, &tm, &ns) || !take_zone(&p, &offset_s, &zone))
			return false;
	}
	local_s = (int64_t)timegm(&tm);
	if (local_s > INT64_MAX / 1000000000 - 200000)
		local_s = INT64_MAX / 1000000000 - 200000; /* 2262: nothing is later */
	if (!zone && base->q->store &&
	    !query_ok(base->q, store_clock_shown(base->q->store, base->run, local_s * 1000000000, &offset_s),
	              base->q->command))
		return true; /* told */
	*out = (local_s + offset_s) * 1000000000 + ns;
	return !*p;
}

int64_t query_instant(struct query *q, int64_t run, const char *option, const char *text)
{
	struct base base = find_base(q, run);
	int64_t ns = 0;

	if (!parse(text, &base, &ns))
		query_fail(q, USAGE,
		           "--%s %s: write 2026-11-23T00:51:54Z, '2026-11-23 00:51:54.5' or 00:51:54.5 on the "
		           "log's clock, or +90s after the run's start",
		           option, text);
	return ns;
}

void query_between(struct query *q, int64_t run, int64_t *since_ns, int64_t *until_ns)
{
	const char *since = args_value(q->args, "since"), *until = args_value(q->args, "until");

	if (since)
		*since_ns = query_instant(q, run, "since", since);
	if (until)
		*until_ns = query_instant(q, run, "until", until);
	if (since && until && !q->status && *since_ns >= *until_ns)
		query_fail(q, USAGE, "--since %s is not before --until %s", since, until);
}
