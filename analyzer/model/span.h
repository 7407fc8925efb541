/* SPDX-License-Identifier: GPL-3.0-or-later */
/* span.h - new, enter, exit and close lines become spans.
 *
 * Lines of our own log name their span by id. Ilúvatar's do not: there a close line belongs to the last opened span of
 * the same log, target, name and fields that had the same ancestors; how sure that is, each span says. Span lines of
 * another worker are passed over. */
#ifndef MODEL_SPAN_H
#define MODEL_SPAN_H

#include "store/store.h"

enum span_certainty {
	SPAN_BY_ID,    /* the lines name it */
	SPAN_BY_STACK, /* the printed stack leaves one choice */
	SPAN_BY_ORDER, /* several open spans fit: the last opened one was taken */
	SPAN_GUESS     /* the stack fits none: taken by name and fields alone, or an end without a beginning */
};

/* Texts but tid live as long as the reader. */
struct span_row {
	int64_t run, source, id; /* id of its first line's event */
	struct slice tid, worker, target, name, level;
	int64_t start_ns, end_ns; /* times of its lines; INT64_MIN: not known (an open span has no end) */
	int64_t busy_ns, idle_ns; /* as its close line says: wall-clock, also in a simulated log; INT64_MIN: unsaid */
	int64_t parent;           /* id of the span around it; INT64_MIN: none or not known */
	enum span_certainty certainty;
	uint64_t mark[2]; /* the user's own; zeros when it opens */
};

struct span_query {
	struct slice tid;                /* ptr NULL: all */
	int64_t run, source;             /* 0: all */
	bool open_only;                  /* only spans that were never closed */
	const struct place_list *places; /* as in struct event_query */
	/* Each line of the transaction, before what it says of spans, those of other workers too; of the event only
	 * ids, line and head are there until event_complete. 1: lines that are no span's need not come any more; or a
	 * negative errno. NULL: lines of spans alone are read. */
	int (*each)(void *arg, const struct event *e);
	void *each_arg;
	/* Each span as it opens, with the one around it where that is open (NULL: none): only their marks may be
	 * changed. tid is not there. 0 or a negative errno. NULL: nobody asks. */
	int (*opened)(void *arg, struct span_row *row, struct slice tid, struct span_row *parent);
	void *opened_arg;
};

struct span_reader;
int span_reader_open(struct store *s, const struct span_query *q, struct span_reader **out);
/* 1: *out is a span, valid until the next call; 0: no more; or a negative errno. Spans come as they close, open ones
 * last. */
int span_reader_next(struct span_reader *r, struct span_row *out);
/* From now on, spans that began later and were closed are not given; some of them as open ones. */
void span_reader_until(struct span_reader *r, int64_t start_ns);
/* Of one transaction's spans: whether lines of others could say another parent, end or certainty of those that were
 * given so far. Then reading the whole log tells. */
bool span_reader_doubts(const struct span_reader *r);
void span_reader_close(struct span_reader *r);

const char *span_certainty_name(enum span_certainty c);

#endif
