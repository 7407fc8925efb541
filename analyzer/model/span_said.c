/* SPDX-License-Identifier: GPL-3.0-or-later */
/* span_said.c - see span_said.h. */
#include "model/span_said.h"
#include "base/textduration.h"
#include "ingest/spelling.h"

#define NONE_NS   INT64_MIN
#define TEXT_ROOM 128

/* A number is in the format's unit, as text too; a text may have a unit of its own. */
static int64_t duration_of(const struct event *e)
{
	static const char *const names[] = {"ms", "us", "ns"};
	static const enum time_unit units[] = {UNIT_MILLIS, UNIT_MICROS, UNIT_NANOS};
	enum time_unit unit = UNIT_SECONDS;
	struct slice v, said = event_as(e, "as_unit");
	char buf[3 * TEXT_ROOM];
	int64_t ns;

	if (!event_as_value(e, "as_duration", &v) || v.len > TEXT_ROOM)
		return NONE_NS;
	for (int i = 0; i < 3; i++)
		if (slice_is(said, names[i]))
			unit = units[i];
	v = json_text(v, buf);
	return (!time_number(v, unit, &ns) || !duration_parse(v, &ns)) && ns >= 0 ? ns : NONE_NS;
}

static int until_of(const struct event *e, int64_t *ns)
{
	char buf[3 * TEXT_ROOM];
	struct spelt s;
	struct slice v;
	int64_t offset_s;
	int rc;

	*ns = NONE_NS;
	if (!event_as_value(e, "as_until", &v) || v.len > TEXT_ROOM)
		return 0;
	v = json_text(v, buf);
	if (!time_number(v, UNIT_BY_SIZE, ns) || time_text(v, false, &s) || s.no_day || s.no_year || s.uptime)
		return 0;
	if (s.local) {
		rc = store_clock_shown(e->store, e->run, s.ns, &offset_s);
		if (rc || __builtin_add_overflow(s.ns, offset_s * INT64_C(1000000000), &s.ns))
			return rc;
	}
	*ns = s.ns;
	return 0;
}

int span_said_read(const struct event *e, struct span_said *out)
{
	struct slice line = event_as(e, "as_line");
	struct span_said s = {.part = slice_is(line, "begin") ? SPAN_BEGINS
	                              : slice_is(line, "end") ? SPAN_ENDS
	                                                      : SPAN_IS_WHOLE,
	                      .start_ns = NONE_NS,
	                      .end_ns = NONE_NS};
	bool at_start = event_as(e, "as_time").ptr || s.part == SPAN_BEGINS;
	int64_t duration = duration_of(e), until;
	int rc = until_of(e, &until);

	if (rc || event_error(e))
		return rc ? rc : event_error(e);
	*(at_start ? &s.start_ns : &s.end_ns) = e->time_ns;
	if (at_start && until != NONE_NS && until >= s.start_ns)
		s.end_ns = until;
	else if (at_start && duration != NONE_NS && __builtin_add_overflow(s.start_ns, duration, &s.end_ns))
		s.end_ns = NONE_NS;
	else if (!at_start && duration != NONE_NS && __builtin_sub_overflow(s.end_ns, duration, &s.start_ns))
		s.start_ns = NONE_NS;
	event_as_value(e, "as_span", &s.id);
	event_as_value(e, "as_parent", &s.parent);
	if (!event_as_value(e, "as_name", &s.name))
		s.name = event_message(e);
	if (!s.name.ptr)
		s.name = e->head->target;
	*out = s;
	return event_error(e);
}
