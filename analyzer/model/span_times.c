/* SPDX-License-Identifier: GPL-3.0-or-later */
/* span_times.c - see span_times.h
 *
 * What a line does is told by its head; which span it is about, by a number in its tail's column of ids. Open spans
 * are found by that number, the newest first: it is the one that an end belongs to, as in span.c. */
#include "model/span_times.h"
#include "base/array.h"
#include "base/hash.h"
#include "base/jsontext.h"
#include "base/sql.h"
#include "base/textduration.h"
#include "model/chains.h"
#include "store/chunks.h"
#include <errno.h>
#include <stdlib.h>

enum { NO_SPAN = -1 };

/* What the lines of a head do. */
struct head_does {
	enum { NOTHING, OPENS, CLOSES, ENTERS, EXITS, MUST_LOOK, CAN_NOT } what;
	bool moved;                  /* their times are of the source's clock */
	bool printed;                /* how long it was busy is a duration as text; else nanoseconds */
	unsigned busy;               /* the slot that says so, of a close line */
	const struct segment *times; /* the slot's values in this group of rows; NULL: not read yet */
	const struct shape *shape;
};

struct tail_names {
	bool foreign;
	int id;                    /* the slot of the span's id; -1: none */
	const struct segment *ids; /* its values in this group of rows; NULL: not read yet */
	int pid;                   /* the slot of the process; -1: none */
	const struct shape *shape;
};

struct open_time {
	int64_t start_ns;
	const struct shape *head, *tail;
	struct chain_link link; /* by id; of a free one, `older` is the next free one */
	bool used, from_enter;
};

struct times {
	struct store *store;
	int64_t source;
	uint64_t process; /* whose lines the source's are, a hash; 0: not known yet */
	int (*take)(void *arg, const struct span_time *t);
	void *arg;
	struct head_does *heads; /* by local number in this chunk */
	struct tail_names *tails;
	size_t heads_room, tails_room;
	struct open_time *open;
	int32_t nopen, room, free_list;
	struct chains by_id;
};

/* ---- open spans ---- */

static struct chain_links links_of(const struct times *t)
{
	return CHAIN_LINKS(t->open, link);
}

static int open_add(struct times *t, const struct open_time *o, uint64_t id)
{
	int32_t i = t->free_list;

	if (chains_reserve(&t->by_id, links_of(t), t->by_id.n + 1))
		return -ENOMEM;
	if (i == NO_SPAN) {
		if (array_reserve(t->open, t->room, t->nopen + 1))
			return -ENOMEM;
		i = t->nopen++;
	} else {
		t->free_list = t->open[i].link.older;
	}
	t->open[i] = *o;
	t->open[i].used = true;
	chains_add(&t->by_id, links_of(t), i, id);
	return 0;
}

/* The newest open span with an id, or NO_SPAN. */
static int32_t open_find(const struct times *t, uint64_t id)
{
	return chains_first(&t->by_id, links_of(t), id);
}

static void open_remove(struct times *t, int32_t i)
{
	chains_remove(&t->by_id, links_of(t), i);
	t->open[i].used = false;
	t->open[i].link.older = t->free_list;
	t->free_list = i;
}

/* ---- what shapes say ---- */

/* The first slot of `fields` with a key, or -1. */
static int field_slot(const struct shape *head, const char *key)
{
	for (unsigned i = 0; i < head->nslots; i++)
		if (head->slots[i].section == SECTION_FIELDS && slice_is(head->slots[i].key, key))
			return (int)i;
	return -1;
}

static bool has_slot(const struct shape *sh, const char *key)
{
	for (unsigned i = 0; i < sh->nslots; i++)
		if (slice_is(sh->slots[i].key, key))
			return true;
	return false;
}

/* Where a close line says how long its span was busy: false where a column does not tell. */
static bool busy_of(const struct shape *head, struct head_does *out)
{
	int exact = field_slot(head, "busy_ns"), printed = field_slot(head, "time.busy");

	out->printed = exact < 0;
	if (exact >= 0) {
		out->busy = (unsigned)exact;
		return head->slots[exact].kind == SLOT_SCALAR;
	}
	out->busy = (unsigned)printed;
	return !has_slot(head, "busy_ns") && printed >= 0 && slot_is_stored(head->slots[printed].kind);
}

static struct head_does head_does(const struct event_rows *r, const struct shape *head)
{
	enum event_clock clock = event_head_clock(head);
	struct head_does d = {.what = NOTHING, .moved = clock == EVENT_CLOCK_SOURCE, .shape = head};

	if (head->as_span)
		d.what = CAN_NOT;
	if (head->as_span || !head->span_line)
		return d;
	d.what = slice_is(head->message, "new")     ? OPENS
	         : slice_is(head->message, "close") ? CLOSES
	         : slice_is(head->message, "enter") ? ENTERS
	                                            : EXITS;
	if (head->as_worker || (clock == EVENT_CLOCK_LINE && r->offset_ns) || (d.what == CLOSES && !busy_of(head, &d)))
		d.what = CAN_NOT;
	return d;
}

static int tail_names(struct times *t, const struct shape *tail, struct tail_names *out)
{
	int foreign = event_tail_is_foreign(t->store, t->source, tail);

	*out = (struct tail_names){.foreign = foreign > 0, .id = -1, .pid = -1, .shape = tail};
	for (unsigned i = 0; i < tail->nslots && out->pid < 0; i++)
		if (tail->slots[i].section == SECTION_TOP && slice_is(tail->slots[i].key, "pid") &&
		    slot_is_stored(tail->slots[i].kind))
			out->pid = (int)i;
	for (unsigned i = 0; i < tail->nslots && out->id < 0; i++)
		if (tail->slots[i].section == SECTION_SPAN && slice_is(tail->slots[i].key, "id"))
			out->id = (int)i;
	if (!tail->span_name.ptr || (out->id >= 0 && !slot_is_stored(tail->slots[out->id].kind)))
		out->id = -1;
	return foreign < 0 ? foreign : 0;
}

static int chunk_begin(struct times *t, const struct event_rows *r)
{
	unsigned heads = chunk_heads(r->chunk) + CHUNK_FIRST_HEAD, tails = chunk_tails(r->chunk);
	int rc = 0;

	if (array_reserve(t->heads, t->heads_room, heads) || array_reserve(t->tails, t->tails_room, tails + 1))
		return -ENOMEM;
	for (unsigned i = 0; i < CHUNK_FIRST_HEAD; i++)
		t->heads[i] = (struct head_does){.what = chunk_is_event(i) ? MUST_LOOK : NOTHING};
	for (unsigned i = CHUNK_FIRST_HEAD; i < heads && !rc; i++)
		t->heads[i] = head_does(r, chunk_head(r->chunk, (uint16_t)i));
	for (unsigned i = 0; i < tails && !rc; i++)
		rc = tail_names(t, chunk_tail(r->chunk, (uint16_t)i), &t->tails[i]);
	return rc;
}

/* ---- rows ---- */

/* The number of a span: what its id says where that is 16 hexadecimal digits, as ours are; else a hash of it. */
static uint64_t number_of(struct slice id)
{
	uint64_t v = 0;

	for (size_t i = 0; i < id.len && id.len == 16; i++) {
		char c = id.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return hash_slice(id, 11);
		v = v << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return id.len == 16 ? v : hash_slice(id, 11);
}

/* Each process counts its spans by itself: where several write to a log it is for the pairing of lines. 0, -EAGAIN or
 * another negative errno. */
static int one_process(struct times *t, const struct tail_names *n, const struct event_rows *r, uint16_t tail)
{
	const struct segment *s;
	struct segment_text text;
	char buf[SEGMENT_TEXT];
	uint32_t count;
	int rc = n->pid < 0 ? 0 : chunk_tail_segment(r->chunk, tail, (unsigned)n->pid, r->group, &s);

	if (rc || n->pid < 0)
		return rc;
	count = segment_texts(s, &text) && text.entries == 1 && s->n ? 1 : s->n; /* all the same, as a rule */
	for (uint32_t i = 0; i < count; i++) {
		uint64_t process = hash_slice(segment_get(s, i, buf), 11) | 1;

		if (t->process && t->process != process)
			return -EAGAIN;
		t->process = process;
	}
	return 0;
}

static int row_id(struct tail_names *n, const struct event_rows *r, uint32_t i, uint64_t *out)
{
	uint32_t ord = r->columns.tail_ord[i];
	char buf[SEGMENT_TEXT];
	const int64_t *words;
	int rc = n->ids ? 0 : chunk_tail_segment(r->chunk, r->columns.tail[i], (unsigned)n->id, r->group, &n->ids);

	if (rc)
		return rc;
	if (ord >= n->ids->n)
		return -EBADMSG;
	words = segment_words(n->ids);
	*out = words ? (uint64_t)words[ord] : number_of(segment_get(n->ids, ord, buf));
	return 0;
}

static int64_t nanoseconds(struct slice v)
{
	int64_t ns = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (v.ptr[i] < '0' || v.ptr[i] > '9' || ns > INT64_MAX / 10 - 1)
			return NO_NS;
		ns = ns * 10 + (v.ptr[i] - '0');
	}
	return ns;
}

static int64_t duration(const struct segment *s, uint32_t ord)
{
	char buf[SEGMENT_TEXT], text[3 * 64];
	struct slice v;
	int64_t ns;

	if (segment_duration(s, ord, &ns))
		return ns;
	v = segment_get(s, ord, buf);
	return v.len < 64 && !duration_parse(json_text(v, text), &ns) ? ns : NO_NS;
}

/* How long the span of a close line was busy. */
static int row_busy(struct head_does *d, const struct event_rows *r, uint32_t i, int64_t *out)
{
	uint32_t ord = r->columns.head_ord[i];
	const int64_t *numbers;
	char buf[SEGMENT_TEXT];
	int rc = d->times ? 0 : chunk_segment(r->chunk, r->columns.head[i], d->busy, r->group, &d->times);

	if (rc)
		return rc;
	if (ord >= d->times->n)
		return -EBADMSG;
	numbers = segment_integers(d->times);
	if (d->printed)
		*out = duration(d->times, ord);
	else if (!numbers)
		*out = nanoseconds(segment_get(d->times, ord, buf));
	else
		*out = numbers[ord] < 0 || numbers[ord] / 10 > INT64_MAX / 10 - 1 ? NO_NS : numbers[ord];
	return 0;
}

static int give(struct times *t, const struct open_time *o, int64_t end_ns, int64_t busy_ns)
{
	return t->take(t->arg, &(struct span_time){.name = o->tail->span_name,
	                                           .target = o->head->target,
	                                           .start_ns = o->start_ns,
	                                           .end_ns = end_ns,
	                                           .busy_ns = busy_ns});
}

/* A line that was kept whole and is about a span is not for us. */
static int look(struct times *t, int64_t id)
{
	const struct event *e;
	int rc = event_get(t->store, id, &e);

	if (rc != 1)
		return rc;
	return e->head->span_line || e->head->as_span ? -EAGAIN : 0;
}

/* A close or exit line: of an open span, or of one whose beginning is not there. */
static int end_take(struct times *t, struct head_does *d, const struct event_rows *r, uint32_t i,
                    const struct open_time *line, uint64_t id)
{
	int32_t open = open_find(t, id);
	struct open_time began = *line;
	int64_t busy_ns = NO_NS;
	int rc = 0;

	if (d->what == EXITS && (open == NO_SPAN || !t->open[open].from_enter))
		return 0;
	if (d->what == CLOSES && (rc = row_busy(d, r, i, &busy_ns)))
		return rc;
	began.start_ns = NO_NS;
	if (open != NO_SPAN) {
		began = t->open[open];
		open_remove(t, open);
	}
	return give(t, &began, line->start_ns, busy_ns);
}

static int row_take(struct times *t, const struct event_rows *r, uint32_t i)
{
	struct head_does *d = &t->heads[r->columns.head[i]];
	struct tail_names *n;
	struct open_time o;
	uint64_t id;
	int rc;

	if (d->what == NOTHING)
		return 0;
	if (d->what == MUST_LOOK || d->what == CAN_NOT)
		return d->what == CAN_NOT ? -EAGAIN : look(t, r->id + i);
	n = &t->tails[r->columns.tail[i]];
	if (n->foreign)
		return 0;
	if (n->id < 0)
		return -EAGAIN;
	o = (struct open_time){.start_ns = d->moved ? ns_moved(r->columns.stamp[i], r->offset_ns) : r->columns.stamp[i],
	                       .head = d->shape,
	                       .tail = n->shape,
	                       .from_enter = d->what == ENTERS};
	rc = n->ids ? 0 : one_process(t, n, r, r->columns.tail[i]);
	if (!rc)
		rc = row_id(n, r, i, &id);
	if (rc)
		return rc;
	if (d->what == OPENS || d->what == ENTERS)
		return d->what == ENTERS && open_find(t, id) != NO_SPAN ? 0 : open_add(t, &o, id);
	return end_take(t, d, r, i, &o, id);
}

static int rows_take(struct times *t, const struct event_rows *r)
{
	int rc = r->group ? 0 : chunk_begin(t, r);

	if (rc)
		return rc;
	for (unsigned i = 0; i < chunk_heads(r->chunk); i++)
		t->heads[i + CHUNK_FIRST_HEAD].times = NULL;
	for (unsigned i = 0; i < chunk_tails(r->chunk); i++)
		t->tails[i].ids = NULL;
	for (uint32_t i = 0; i < r->columns.n && !rc; i++)
		rc = row_take(t, r, i);
	return rc;
}

/* A source ends: those that are still open. */
static int source_end(struct times *t)
{
	int rc = 0;

	for (int32_t i = 0; i < t->nopen && !rc; i++)
		if (t->open[i].used)
			rc = give(t, &t->open[i], NO_NS, NO_NS);
	chains_clear(&t->by_id);
	t->nopen = 0;
	t->free_list = NO_SPAN;
	t->process = 0;
	return rc;
}

static bool is_of_spans(const struct shape *head, void *arg)
{
	(void)arg;
	return head->span_line || head->as_span;
}

static int sources_read(struct times *t, struct event_cursor *c)
{
	const unsigned columns =
	    CHUNK_COLUMN_HEAD | CHUNK_COLUMN_TAIL | CHUNK_COLUMN_STAMP | CHUNK_COLUMN_HEAD_ORD | CHUNK_COLUMN_TAIL_ORD;
	struct event_rows r;
	int rc;

	while ((rc = event_cursor_rows(c, columns, &r)) == 1) {
		rc = r.source != t->source ? source_end(t) : 0;
		t->source = r.source;
		if (rc || (rc = rows_take(t, &r)))
			return rc;
	}
	return rc ? rc : source_end(t);
}

int span_times_apart(struct store *s, int64_t run)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(
	    store_db(s),
	    "SELECT 1 FROM source WHERE kind = 'ilulog' AND (?1 = 0 OR run = ?1) GROUP BY run, worker HAVING "
	    "count(*) > 1 LIMIT 1",
	    &q);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, run);
	rc = sql_next(q);
	sqlite3_finalize(q);
	return rc == 1 ? -EAGAIN : rc;
}

int span_times_read(struct store *s, const struct source_part *of, int (*take)(void *arg, const struct span_time *t),
                    void *arg)
{
	struct times t = {.store = s, .take = take, .arg = arg, .free_list = NO_SPAN};
	struct event_query q = {.run = of->run, .source = of->first, .last_source = of->last, .want = is_of_spans};
	struct event_cursor *c;
	int rc = event_cursor_open(s, &q, &c);

	if (rc)
		return rc;
	rc = sources_read(&t, c);
	event_cursor_close(c);
	free(t.heads);
	free(t.tails);
	free(t.open);
	chains_done(&t.by_id);
	return rc;
}
