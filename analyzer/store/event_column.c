/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_column.c - see event_column.h */
#include "store/event_column.h"

#include "store/event_where.h"

static int integer(struct event_datum *out, int rc, int64_t v)
{
	*out = (struct event_datum){.type = DATUM_INTEGER, .integer = v};
	return rc;
}

/* As it stands; ptr NULL: there is none. */
static void text(struct event_datum *out, struct slice v)
{
	*out = (struct event_datum){.type = v.ptr ? DATUM_TEXT : DATUM_NULL, .text = v};
}

/* A text of a shape lives as long as that; one of a line that is kept whole, or of a column, does not. */
static void shape_text(const struct event *e, enum event_column column, struct event_datum *out)
{
	text(out, event_text(e, column));
	out->escaped = true;
	out->lasting = e->head->id && (column != COL_MESSAGE || e->head->message_slot < 0);
}

static int text_datum(const struct event *e, enum event_column column, struct event_datum *out)
{
	struct slice line = SLICE_NONE;
	int rc = 0;

	switch (column) {
	case COL_KIND:
		text(out, event_is_text(e) ? SLICE("text") : SLICE("record"));
		out->lasting = true;
		break;
	case COL_TID:
		rc = event_complete(e);
		text(out, e->tid);
		break;
	case COL_FIELDS:
	case COL_SPAN:
	case COL_SPANS:
		text(out, event_part(e, SECTION_FIELDS + (enum section)(column - COL_FIELDS)));
		break;
	case COL_RAW:
		rc = event_line(e, &line);
		text(out, line);
		break;
	default:
		shape_text(e, column, out);
	}
	return rc ? rc : event_error(e);
}

int event_datum(const struct event *e, enum event_column column, struct event_datum *out)
{
	int rc;

	switch (column) {
	case COL_ID:
	case COL_EVENT:
		return integer(out, 0, e->id);
	case COL_RUN:
		return integer(out, 0, e->run);
	case COL_SOURCE:
		return integer(out, 0, e->source);
	case COL_LINE:
		return integer(out, 0, e->line);
	case COL_TIME_NS:
		rc = event_time(e);
		return integer(out, rc, e->time_ns);
	case COL_SECOND:
		rc = event_time(e);
		return integer(out, rc, event_second(e->time_ns));
	case COL_FOREIGN:
		rc = event_complete(e);
		return integer(out, rc, e->foreign);
	default:
		return text_datum(e, column, out);
	}
}
