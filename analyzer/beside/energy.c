/* SPDX-License-Identifier: GPL-3.0-or-later */
/* energy.c - see energy.h. A value is taken only where the whole line is as its file's lines are: a counter that lost
 * its last digits would look like one that wrapped around. */
#include "beside/energy.h"
#include "ingest/stamp.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define FIELDS  16
#define STARTED "# started on "

/* Tables, by the name of their first value. */
static const struct {
	enum energy_kind kind;
	const char *names[ENERGY_VALUES];
} tables[] = {
    {ENERGY_RAPL, {"rapl_uj"}},
    {ENERGY_IPMI, {"ipmi"}},
    {ENERGY_PROCESS, {"cpu_pct", "cpu_time"}},
};

static struct slice trim(struct slice s)
{
	while (s.len && strchr(" \t\r", s.ptr[s.len - 1]))
		s.len--;
	while (s.len && strchr(" \t", *s.ptr)) {
		s.ptr++;
		s.len--;
	}
	return s;
}

/* The fields of a line, at most FIELDS of them; how many there are. */
static unsigned split(struct slice line, struct slice *field)
{
	unsigned n = 0;

	for (;;) {
		const char *comma = line.len ? memchr(line.ptr, ',', line.len) : NULL;
		size_t len = comma ? (size_t)(comma - line.ptr) : line.len;

		if (n < FIELDS)
			field[n] = trim((struct slice){line.ptr, len});
		n++;
		if (!comma)
			return n;
		line.ptr += len + 1;
		line.len -= len + 1;
	}
}

/* ---- numbers ---- */

static bool read_real(struct slice in, double *out)
{
	char buf[64], *end;

	if (!in.len || in.len >= sizeof buf || (!isdigit((unsigned char)*in.ptr) && *in.ptr != '.'))
		return false;
	memcpy(buf, in.ptr, in.len);
	buf[in.len] = '\0';
	*out = strtod(buf, &end);
	return !*end && isfinite(*out) && !strpbrk(buf, "xXpP");
}

static bool read_whole(struct slice in, double *out)
{
	for (size_t i = 0; i < in.len; i++)
		if (!isdigit((unsigned char)in.ptr[i]))
			return false;
	return in.len <= 38 && read_real(in, out);
}

/* [[days-]hours:]minutes:seconds, in seconds. */
static bool read_duration(struct slice in, double *out)
{
	static const unsigned units[] = {1, 60, 3600};
	unsigned part[4], n = 0;
	bool days = false;

	for (size_t i = 0; i < in.len;) {
		unsigned digits = 0, v = 0;

		for (; i < in.len && isdigit((unsigned char)in.ptr[i]) && digits < 6; i++, digits++)
			v = v * 10 + (unsigned)(in.ptr[i] - '0');
		if (!digits || n == 4)
			return false;
		part[n++] = v;
		if (i == in.len)
			break;
		if (in.ptr[i] == '-' ? n != 1 : in.ptr[i] != ':')
			return false;
		days |= in.ptr[i] == '-';
		if (++i == in.len)
			return false;
	}
	if (n < 2 || (days ? n != 4 : n > 3))
		return false;
	*out = days ? part[0] * 86400.0 : 0;
	for (unsigned i = days; i < n; i++) {
		if (part[i] > 59 && i > days)
			return false;
		*out += (double)part[i] * units[n - 1 - i];
	}
	return true;
}

/* "Mon Aug 29 15:04:17 2022" */
static bool read_ctime(struct slice in, int64_t *ns)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char buf[40], month[4] = "", iso[40];
	unsigned day, hour, minute, second, year;
	const char *at;
	bool canonical;

	if (in.len >= sizeof buf)
		return false;
	memcpy(buf, in.ptr, in.len);
	buf[in.len] = '\0';
	if (sscanf(buf, "%*3s %3s %2u %2u:%2u:%2u %4u", month, &day, &hour, &minute, &second, &year) != 6)
		return false;
	at = strlen(month) == 3 ? strstr(months, month) : NULL;
	if (!at || (at - months) % 3)
		return false;
	snprintf(iso, sizeof iso, "%04u-%02u-%02u %02u:%02u:%02u.0", year, (unsigned)(at - months) / 3 + 1, day, hour,
	         minute, second);
	return !stamp_parse_iluvatar((struct slice){iso, strlen(iso)}, ns, &canonical);
}

/* ---- tables ---- */

static bool recognise_table(struct slice header, struct energy_format *out)
{
	struct slice field[FIELDS];
	unsigned n = split(header, field);
	bool time = false;

	if (n > FIELDS)
		return false;
	out->columns = n;
	for (unsigned i = 0; i < n && !time; i++)
		if ((time = slice_is(field[i], "timestamp")))
			out->time = i;
	for (size_t t = 0; time && t < sizeof tables / sizeof *tables; t++) {
		unsigned found = 0, names = tables[t].names[1] ? 2 : 1;

		for (unsigned v = 0; v < names; v++)
			for (unsigned i = 0; i < n; i++)
				if (slice_is(field[i], tables[t].names[v])) {
					out->value[v] = i;
					found |= 1u << v;
				}
		if (found == (1u << names) - 1) {
			out->kind = tables[t].kind;
			return true;
		}
	}
	return false;
}

static const char *parse_table(const struct energy_format *f, struct slice line, struct energy_line *out)
{
	struct slice field[FIELDS];
	bool canonical;

	if (split(line, field) != f->columns)
		return "another number of fields than the header has";
	if (slice_is(field[f->time], "timestamp"))
		return NULL; /* the header, also where a worker was started again */
	switch (stamp_parse_iluvatar(field[f->time], &out->time_ns, &canonical)) {
	case 0:
		break;
	case -ERANGE:
		return "there is no such time";
	default:
		return "the timestamp is none";
	}
	switch (f->kind) {
	case ENERGY_RAPL:
		if (!read_whole(field[f->value[0]], &out->v[0].value))
			return "rapl_uj is no whole number of microjoules";
		break;
	case ENERGY_IPMI:
		if (!read_real(field[f->value[0]], &out->v[0].value))
			return "ipmi is no number of watts";
		break;
	default:
		if (!read_real(field[f->value[0]], &out->v[0].value))
			return "cpu_pct is no percentage";
		if (!read_duration(field[f->value[1]], &out->v[1].value))
			return "cpu_time is no [[days-]hours:]minutes:seconds";
	}
	for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
		for (unsigned v = 0; tables[t].kind == f->kind && v < ENERGY_VALUES && tables[t].names[v]; v++) {
			out->v[v].name = (struct slice){tables[t].names[v], strlen(tables[t].names[v])};
			out->n = v + 1;
		}
	return NULL;
}

/* ---- perf ---- */

/* The reference's names of the events that it reads; others keep perf's, without :u and the like. */
static struct slice event_name(struct slice event)
{
	static const struct {
		const char *event, *name;
	} known[] = {
	    {"power/energy-pkg/", "energy_pkg"},          {"power/energy-ram/", "energy_ram"},
	    {"power/energy-cores/", "energy_cores"},      {"power/energy-gpu/", "energy_gpu"},
	    {"power/energy-psys/", "energy_psys"},        {"instructions", "retired_instructions"},
	    {"inst_retired.any", "retired_instructions"},
	};
	const char *colon = memchr(event.ptr, ':', event.len);

	if (colon && colon > event.ptr)
		event.len = (size_t)(colon - event.ptr);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (event.len == strlen(known[i].event) && !strncasecmp(event.ptr, known[i].event, event.len))
			return (struct slice){known[i].name, strlen(known[i].name)};
	return event;
}

static const char *parse_perf(struct energy_format *f, struct slice line, struct energy_line *out)
{
	struct slice field[FIELDS];
	double seconds, scale = 1;

	if (line.len >= sizeof STARTED - 1 && !memcmp(line.ptr, STARTED, sizeof STARTED - 1))
		return read_ctime((struct slice){line.ptr + sizeof STARTED - 1, line.len - (sizeof STARTED - 1)},
		                  &f->start_ns)
		           ? NULL
		           : "perf's start is no time";
	if (*line.ptr == '#')
		return NULL;
	if (split(line, field) < 4)
		return "fewer than the four fields seconds, value, unit, event";
	if (!read_real(field[0], &seconds) || seconds > 1e9)
		return "the seconds since perf's start are no number";
	if (!field[3].len)
		return "no event is named";
	out->time_ns = f->start_ns + (int64_t)llrint(seconds * 1e9);
	if (field[1].len && *field[1].ptr == '<')
		return NULL; /* <not counted>, <not supported> */
	if (!read_real(field[1], &out->v[0].value))
		return "the value is no number";
	if (slice_is(field[2], "mJ"))
		scale = 1e-3;
	out->v[0].value *= scale;
	out->v[0].name = event_name(field[3]);
	out->n = 1;
	return NULL;
}

/* ---- any of them ---- */

static struct slice without_mark(struct slice line)
{
	if (line.len >= 3 && !memcmp(line.ptr, "\xef\xbb\xbf", 3))
		line = (struct slice){line.ptr + 3, line.len - 3};
	return trim(line);
}

bool energy_recognise(struct slice first_line, struct energy_format *out)
{
	struct energy_line ignored = {0};
	struct slice line = without_mark(first_line);

	*out = (struct energy_format){0};
	if (line.len >= sizeof STARTED - 1 && !memcmp(line.ptr, STARTED, sizeof STARTED - 1)) {
		out->kind = ENERGY_PERF;
		return !parse_perf(out, line, &ignored);
	}
	return line.len && recognise_table(line, out);
}

const char *energy_parse(struct energy_format *f, struct slice line, struct energy_line *out)
{
	const char *why;

	*out = (struct energy_line){0};
	line = without_mark(line);
	if (!line.len)
		return NULL;
	why = f->kind == ENERGY_PERF ? parse_perf(f, line, out) : parse_table(f, line, out);
	if (why)
		out->n = 0;
	return why;
}
