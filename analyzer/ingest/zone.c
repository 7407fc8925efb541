/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zone.c - what a zone's clock showed.
 *
 * libc can only tell it of the process's own zone, so the zone's file is read here (TZif, RFC 8536): a list of moments
 * from which an offset holds, and a rule ("EST5EDT,M3.2.0,M11.1.0") for the years after the last of them. The rule is
 * unrolled for the years about the one asked for; then one list answers. */
#include "ingest/zone.h"
#include "ingest/stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX (1024 * 1024)
#define DAY_S    86400
#define NS_PER_S INT64_C(1000000000)
#define UNROLLED 8 /* changes of the rule that are added: four years */

/* From `from` (seconds since 1970 UTC) on, the clock is `east` seconds ahead of UTC. */
struct change {
	int64_t from;
	int64_t east;
};

struct zone {
	struct change *changes; /* by time; the first is from INT64_MIN */
	size_t n;
};

/* ---- numbers: "+02:00", "-0400", "-4" ---- */

/* Up to max digits. */
static const char *number(const char *p, int max, int *out)
{
	const char *start = p;

	for (*out = 0; *p >= '0' && *p <= '9' && p - start < max; p++)
		*out = *out * 10 + (*p - '0');
	return p == start ? NULL : p;
}

/* Returns whether text is an offset in figures, seconds ahead of UTC. */
static bool in_figures(const char *text, int64_t *east)
{
	const char *p = text + 1, *end;
	int hour, minute = 0;

	if (*text != '+' && *text != '-')
		return false;
	end = number(p, 2, &hour);
	if (!end)
		return false;
	if (*end) {
		end += *end == ':';
		p = number(end, 2, &minute);
		if (!p || p - end != 2 || *p)
			return false;
	}
	if (hour > 23 || minute > 59)
		return false;
	*east = (*text == '-' ? -1 : 1) * (hour * 3600 + minute * 60);
	return true;
}

/* ---- the rule for later years ---- */

struct rule_day {
	char kind; /* 'M': month, week (5: last), weekday; 'J': day 1 to 365, no leap days; 'N': day 0 to 365 */
	int month, week, day;
	int64_t at; /* seconds of the local day */
};

struct rule {
	int64_t std_east, dst_east;
	bool has_dst;
	struct rule_day start, end; /* of summer time */
};

/* A name: letters, or anything in <>. */
static const char *rule_name(const char *p)
{
	const char *start = p;

	if (*p == '<') {
		p = strchr(p, '>');
		return p ? p + 1 : NULL;
	}
	while ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z'))
		p++;
	return p - start >= 3 ? p : NULL;
}

/* [+-]h[hh][:mm[:ss]] */
static const char *rule_time(const char *p, int64_t *seconds)
{
	int sign = *p == '-' ? -1 : 1, part, unit;

	if (*p == '-' || *p == '+')
		p++;
	p = number(p, 3, &part);
	if (!p)
		return NULL;
	*seconds = part * 3600;
	for (unit = 60; *p == ':' && unit; unit /= 60) {
		p = number(p + 1, 2, &part);
		if (!p)
			return NULL;
		*seconds += part * unit;
	}
	*seconds *= sign;
	return p;
}

static const char *rule_day_read(const char *p, struct rule_day *d)
{
	*d = (struct rule_day){.kind = *p == 'M' || *p == 'J' ? *p : 'N', .at = 2 * 3600};
	if (d->kind != 'N')
		p++;
	if (d->kind != 'M') {
		p = number(p, 3, &d->day);
	} else {
		p = number(p, 2, &d->month);
		p = p && *p == '.' ? number(p + 1, 1, &d->week) : NULL;
		p = p && *p == '.' ? number(p + 1, 1, &d->day) : NULL;
		if (!p || d->month < 1 || d->month > 12 || d->week < 1 || d->week > 5 || d->day > 6)
			return NULL;
	}
	return p && *p == '/' ? rule_time(p + 1, &d->at) : p;
}

static bool rule_read(const char *p, struct rule *r)
{
	int64_t west;

	*r = (struct rule){0};
	p = rule_name(p);
	p = p ? rule_time(p, &west) : NULL;
	if (!p)
		return false;
	r->std_east = -west;
	if (!*p)
		return true;
	r->has_dst = true;
	r->dst_east = r->std_east + 3600;
	p = rule_name(p);
	if (p && *p && *p != ',') {
		p = rule_time(p, &west);
		r->dst_east = -west;
	}
	p = p && *p == ',' ? rule_day_read(p + 1, &r->start) : NULL;
	p = p && *p == ',' ? rule_day_read(p + 1, &r->end) : NULL;
	return p && !*p;
}

/* Seconds since 1970, by the local clock, of the change in this year. */
static int64_t rule_moment(const struct rule_day *d, int64_t year)
{
	int64_t days = stamp_days(year, 1, 1), weekday;
	bool leap = stamp_is_leap(year);

	if (d->kind == 'N')
		return (days + d->day) * DAY_S + d->at;
	if (d->kind == 'J')
		return (days + d->day - 1 + (leap && d->day >= 60)) * DAY_S + d->at;
	days = stamp_days(year, (unsigned)d->month, 1);
	weekday = ((days + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
	days += (d->day - weekday + 7) % 7 + 7 * (d->week - 1);
	if (days >= (d->month < 12 ? stamp_days(year, (unsigned)d->month + 1, 1) : stamp_days(year + 1, 1, 1)))
		days -= 7;
	return days * DAY_S + d->at;
}

static int by_time(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* Adds the rule's changes from two years before the year of near to one after it, as far as they follow the list. */
static void rule_unroll(struct zone *z, const struct rule *r, int64_t near)
{
	int64_t year, last = z->changes[z->n - 1].from, y;
	struct change more[UNROLLED];
	size_t n = 0, i;
	unsigned month, day;

	if (!r->has_dst) {
		if (z->changes[z->n - 1].east != r->std_east) /* a list that ends before the rule begins */
			z->changes[z->n++] = (struct change){last == INT64_MIN ? last + 1 : last, r->std_east};
		return;
	}
	stamp_date(near / DAY_S, &year, &month, &day);
	for (y = year - 2; y <= year + 1; y++) {
		more[n++] = (struct change){rule_moment(&r->start, y) - r->std_east, r->dst_east};
		more[n++] = (struct change){rule_moment(&r->end, y) - r->dst_east, r->std_east};
	}
	qsort(more, n, sizeof *more, by_time);
	for (i = 0; i < n; i++)
		if (more[i].from > last)
			z->changes[z->n++] = more[i];
}

/* ---- the file ---- */

struct bytes {
	const unsigned char *p;
	size_t len;
};

static const unsigned char *take(struct bytes *b, size_t n)
{
	const unsigned char *p = b->p;

	if (n > b->len)
		return NULL;
	b->p += n;
	b->len -= n;
	return p;
}

static int64_t big_endian(const unsigned char *p, size_t n)
{
	uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;

	while (n--)
		v = v << 8 | *p++;
	return (int64_t)v;
}

struct header {
	char version;
	uint32_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

static bool header_read(struct bytes *b, struct header *h)
{
	const unsigned char *p = take(b, 44);
	uint32_t *counts[] = {&h->isutcnt, &h->isstdcnt, &h->leapcnt, &h->timecnt, &h->typecnt, &h->charcnt};
	size_t i;

	if (!p || memcmp(p, "TZif", 4))
		return false;
	h->version = (char)p[4];
	for (i = 0; i < 6; i++) {
		*counts[i] = (uint32_t)big_endian(p + 20 + 4 * i, 4);
		if (*counts[i] > FILE_MAX)
			return false;
	}
	return h->typecnt > 0;
}

static size_t after_types(const struct header *h, size_t time_size)
{
	return h->charcnt + h->leapcnt * (time_size + 4) + h->isstdcnt + h->isutcnt;
}

static bool types_read(struct zone *z, const struct header *h, struct bytes *b, size_t size)
{
	const unsigned char *times = take(b, h->timecnt * size), *kinds = take(b, h->timecnt),
	                    *types = take(b, h->typecnt * 6);
	size_t i;

	if (!times || !kinds || !types)
		return false;
	z->changes = malloc((h->timecnt + 1 + UNROLLED) * sizeof *z->changes);
	if (!z->changes)
		return false;
	z->changes[z->n++] = (struct change){INT64_MIN, big_endian(types, 4)};
	for (i = 0; i < h->timecnt; i++) {
		struct change c = {big_endian(times + i * size, size), 0};

		if (kinds[i] >= h->typecnt || c.from < z->changes[z->n - 1].from)
			return false;
		c.east = big_endian(types + 6 * kinds[i], 4);
		z->changes[z->n++] = c;
	}
	return true;
}

/* Reads the list and, for the time near (seconds), what the rule adds. */
static bool zone_read(struct zone *z, struct bytes b, int64_t near)
{
	struct header h;
	const unsigned char *end;
	struct rule rule;
	char text[256];
	size_t size = 4;

	if (!header_read(&b, &h))
		return false;
	if (h.version >= '2') { /* the same again with 64 bits */
		if (!take(&b, h.timecnt * 5 + h.typecnt * 6 + after_types(&h, 4)) || !header_read(&b, &h))
			return false;
		size = 8;
	}
	if (h.leapcnt || !types_read(z, &h, &b, size) || !take(&b, after_types(&h, size)))
		return false;
	if (h.version < '2' || !b.len || *b.p != '\n')
		return true;
	take(&b, 1);
	end = memchr(b.p, '\n', b.len);
	if (!end || (size_t)(end - b.p) >= sizeof text)
		return false;
	memcpy(text, b.p, (size_t)(end - b.p));
	text[end - b.p] = '\0';
	if (!*text)
		return true;
	if (strlen(text) != (size_t)(end - b.p) || !rule_read(text, &rule))
		return false;
	rule_unroll(z, &rule, near);
	return true;
}

/* The offset when the clock showed local; see the header for folds and gaps. */
static int64_t zone_east(const struct zone *z, int64_t local)
{
	int64_t before_gap = z->changes[0].east;
	size_t i;

	for (i = 0; i < z->n; i++) {
		int64_t t = local - z->changes[i].east;

		if (t >= z->changes[i].from) {
			if (i + 1 == z->n || t < z->changes[i + 1].from)
				return z->changes[i].east;
			before_gap = z->changes[i].east;
		}
	}
	return before_gap;
}

/* The offset at a moment of UTC. */
static int64_t zone_east_utc(const struct zone *z, int64_t utc)
{
	int64_t east = z->changes[0].east;

	for (size_t i = 0; i < z->n && z->changes[i].from <= utc; i++)
		east = z->changes[i].east;
	return east;
}

/* A name that stays inside the folder. */
static bool is_name(const char *zone)
{
	size_t i;

	for (i = 0; zone[i]; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/", zone[i]))
			return false;
	return i && i < 200 && zone[0] != '/';
}

static ssize_t file_read(const char *zone, unsigned char *buf)
{
	const char *folder = getenv("TZDIR");
	char path[PATH_MAX];
	ssize_t got, len = 0;
	int fd;

	if (snprintf(path, sizeof path, "%s/%s", folder && *folder ? folder : "/usr/share/zoneinfo", zone) >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		got = read(fd, buf + len, (size_t)(FILE_MAX - len));
		len += got > 0 ? got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0)
		len = errno == EISDIR ? -ENOENT : -errno;
	close(fd);
	return len;
}

typedef int64_t east_fn(const struct zone *z, int64_t t);

static int named(const char *zone, int64_t t, east_fn *east_at, int64_t *east, const char **why)
{
	struct zone z = {0};
	unsigned char *buf;
	ssize_t len;

	*why = "no such time zone (a name such as America/New_York, which needs tzdata, or an offset such as -04:00)";
	if (!is_name(zone))
		return -ENOENT;
	buf = malloc(FILE_MAX);
	len = buf ? file_read(zone, buf) : -ENOMEM;
	if (len < 0) {
		if (len != -ENOENT)
			*why = strerror((int)-len);
		free(buf);
		return (int)len;
	}
	*why = "the time zone's file is not one";
	if (zone_read(&z, (struct bytes){buf, (size_t)len}, t))
		*east = east_at(&z, t);
	else
		len = -EBADMSG;
	free(z.changes);
	free(buf);
	return len < 0 ? (int)len : 0;
}

static int offset_at(const char *zone, int64_t ns, east_fn *east_at, int64_t *offset_s, const char **why)
{
	int64_t east = 0, t = ns / NS_PER_S - (ns % NS_PER_S < 0);
	const char *unused;
	int rc = 0;

	if (strcmp(zone, "UTC") && strcmp(zone, "Z") && strcmp(zone, "z") && !in_figures(zone, &east))
		rc = named(zone, t, east_at, &east, why ? why : &unused);
	if (!rc)
		*offset_s = -east;
	return rc;
}

int zone_offset(const char *zone, int64_t local_ns, int64_t *offset_s, const char **why)
{
	return offset_at(zone, local_ns, zone_east, offset_s, why);
}

int zone_offset_utc(const char *zone, int64_t ns, int64_t *offset_s, const char **why)
{
	return offset_at(zone, ns, zone_east_utc, offset_s, why);
}
