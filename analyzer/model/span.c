/* SPDX-License-Identifier: GPL-3.0-or-later */
/* span.c - pairs the lines of spans.
 *
 * Open spans of one log stand in hash chains, newest first, under four keys: all that a close line prints (target,
 * span, ancestors); the same without the ancestors; the path that the lines of its children print (ancestors and
 * itself); its transaction. So the newest fit is the first one in its chain, and memory grows with the open spans
 * alone. Ids of our own logs take the place of the printed texts.
 *
 * Of other programs' spans, whose formats name ids, a parent's line may come behind its children's, or in another
 * file: who writes one line when a span is over writes the outermost last. So those that are over are kept for a
 * while, KEPT_MAX of them, in the same chains; under BY_NAME they wait for their parent. */
#include "model/span.h"
#include "model/span_keys.h"
#include "model/span_said.h"
#include "model/chains.h"
#include "base/array.h"
#include "base/textduration.h"
#include "base/intern.h"
#include <errno.h>
#include <stdlib.h>

#define NONE_NS INT64_MIN
#define NO_SPAN (-1)

#define TID_ROOM 48    /* of a transaction id that needs no memory of its own */
#define KEPT_MAX 65536 /* spans that are over and may yet find their parent, or be one */

struct open_span {
	struct span_row row;
	char *tid; /* NULL, or the place of one that is longer than tid_room; owned */
	char tid_room[TID_ROOM];
	bool used, from_enter;
	bool said; /* by a format: its ids hold in all files of a run */
	struct chain_link link[SPAN_KEYS];
};

struct span_reader {
	struct event_cursor *cursor;
	const struct event *pending; /* first event of the next log */
	int64_t chain, run;          /* whose spans are open */
	bool end, flush_all;         /* flush_all: the run ended, too */
	int32_t *kept;               /* KEPT_MAX of them, a ring; NULL: none yet */
	uint32_t first_kept, nkept;
	struct open_span *open;
	int32_t nopen, room, free_list; /* free_list: through link[0].older */
	struct chains by[SPAN_KEYS];
	struct intern words; /* targets, names, levels, workers */
	char *scratch;
	size_t scratch_room;
	bool open_only;
	bool doubts; /* a line's like was not found, or may be found by a line of another transaction */
	int (*each)(void *arg, const struct event *e); /* NULL: nobody asks, or no more */
	void *each_arg;
	int (*opened)(void *arg, struct span_row *row, struct slice tid, struct span_row *parent);
	void *opened_arg;
	struct span_keys keys;
	int64_t until_ns;      /* spans that begin later are not asked for */
	struct slice *awaited; /* targets of open spans that are asked for, as they were at awaited_known */
	size_t nawaited, awaited_room;
	bool awaited_known;       /* false: spans were opened or closed since */
	struct slice last_worker; /* of the span before, as the word it is */
	int32_t flush;            /* next open span to give, when a source ended; NO_SPAN: none */
	int32_t given;            /* closed and given: to be freed at the next call */
};

const char *span_certainty_name(enum span_certainty c)
{
	static const char *const names[] = {"id", "stack", "order", "guess"};

	return names[c];
}

/* ---- found by keys ---- */

static struct chain_links links_of(const struct span_reader *r, enum span_key k)
{
	return CHAIN_LINKS(r->open, link[k]);
}

/* The newest open span under a key; *others: whether there are more. */
static int32_t find(const struct span_reader *r, enum span_key k, uint64_t key, bool *others)
{
	int32_t i = chains_first(&r->by[k], links_of(r, k), key);

	*others = i != NO_SPAN && chains_next(links_of(r, k), i) != NO_SPAN;
	return i;
}

static int reserve_one(struct span_reader *r)
{
	int rc = 0;

	for (int k = 0; k < SPAN_KEYS && !rc; k++)
		rc = chains_reserve(&r->by[k], links_of(r, k), r->by[k].n + 1);
	return rc;
}

/* ---- open spans ---- */

static int32_t take_slot(struct span_reader *r)
{
	int32_t i = r->free_list;

	if (i != NO_SPAN) {
		r->free_list = r->open[i].link[0].older;
		return i;
	}
	if (array_reserve(r->open, r->room, r->nopen + 1))
		return -ENOMEM;
	return r->nopen++;
}

static void free_slot(struct span_reader *r, int32_t i)
{
	free(r->open[i].tid);
	r->open[i].tid = NULL;
	r->open[i].used = false;
	r->open[i].link[0].older = r->free_list;
	r->free_list = i;
}

static void unlink_span(struct span_reader *r, int32_t i)
{
	for (int k = 0; k < SPAN_KEYS; k++)
		chains_remove(&r->by[k], links_of(r, k), i);
	r->awaited_known = false;
}

static int word(struct span_reader *r, struct slice in, struct slice *out)
{
	uint32_t n;
	int rc;

	*out = SLICE_NONE;
	if (!in.ptr)
		return 0;
	rc = intern_add(&r->words, in, &n);
	if (!rc)
		*out = r->words.text[n];
	return rc;
}

/* Texts of stored shapes live as long as the store; those of lines kept whole do not. */
static int shape_word(struct span_reader *r, const struct shape *of, struct slice in, struct slice *out)
{
	if (!of->id)
		return word(r, in, out);
	*out = in;
	return 0;
}

/* A name without escapes. */
static int name_word(struct span_reader *r, struct slice in, struct slice *out)
{
	if (!in.ptr || json_is_plain(in))
		return word(r, in, out);
	if (array_reserve(r->scratch, r->scratch_room, 3 * in.len))
		return -ENOMEM;
	return word(r, (struct slice){r->scratch, json_unescape(in, r->scratch)}, out);
}

static int worker_word(struct span_reader *r, struct slice in, struct slice *out)
{
	int rc = 0;

	*out = SLICE_NONE;
	if (!in.ptr)
		return 0;
	if (!r->last_worker.ptr || !slice_same(in, r->last_worker))
		rc = word(r, in, &r->last_worker);
	*out = r->last_worker;
	return rc;
}

/* ---- lines ---- */

static int open_row(struct span_reader *r, const struct event *e, const struct span_said *said, struct open_span *o)
{
	struct slice name = e->tail->span_name;
	int rc = 0;

	o->row = (struct span_row){.run = e->run,
	                           .source = e->source,
	                           .id = e->id,
	                           .start_ns = e->time_ns,
	                           .end_ns = NONE_NS,
	                           .busy_ns = NONE_NS,
	                           .idle_ns = NONE_NS,
	                           .parent = NONE_NS};
	if (e->tid.len > TID_ROOM && !(o->tid = malloc(e->tid.len)))
		return -ENOMEM;
	if (e->tid.ptr) {
		o->row.tid = (struct slice){"", e->tid.len}; /* where it stands is told when the row is given */
		memcpy(o->tid ? o->tid : o->tid_room, e->tid.ptr, e->tid.len);
	}
	if (said)
		rc = name_word(r, said->name, &o->row.name);
	else if (name.ptr && e->tail->id)
		o->row.name = name;
	else if (event_span_field(e, "name", &name) && (rc = word(r, name, &o->row.name)))
		return rc;
	if (!rc)
		rc = shape_word(r, e->head, e->head->target, &o->row.target);
	if (!rc)
		rc = shape_word(r, e->head, e->head->level, &o->row.level);
	return rc ? rc : worker_word(r, e->worker, &o->row.worker);
}

/* The open span around a line's; *others: there are more that fit. A forked child goes on in spans of its parent, whose
 * ids are the other process's. */
static int32_t find_parent(const struct span_reader *r, const struct event *e, const struct line_keys *k, bool *others)
{
	int32_t i = NO_SPAN;

	*others = false;
	if (k->has_parent)
		i = find(r, BY_PATH, k->parent, others);
	else if (!k->has_id && !k->has_stack && e->tid.ptr)
		i = find(r, BY_TID, k->key[BY_TID], others);
	if (i == NO_SPAN && k->any_parent) {
		i = find(r, BY_NAME, k->any_parent, others);
		if (i != NO_SPAN && r->open[i].link[BY_TID].key != k->key[BY_TID])
			i = NO_SPAN;
	}
	return i;
}

static int open_one(struct span_reader *r, const struct event *e, struct line_keys *k, bool from_enter)
{
	int32_t i, parent;
	bool others;
	int rc = 0;

	rc = reserve_one(r);
	if (rc)
		return rc;
	i = take_slot(r);
	if (i < 0)
		return i;
	struct open_span *o = &r->open[i];

	*o = (struct open_span){.from_enter = from_enter, .said = k->said};
	rc = open_row(r, e, k->said, o);
	if (!rc)
		rc = line_keys_path(&r->keys, e, k);
	if (rc)
		goto fail;
	parent = find_parent(r, e, k, &others);
	if (parent != NO_SPAN)
		o->row.parent = r->open[parent].row.id;
	if (r->opened &&
	    (rc = r->opened(r->opened_arg, &o->row, e->tid, parent != NO_SPAN ? &r->open[parent].row : NULL)))
		goto fail;
	/* What a span prints names its transaction, mostly: then no other line has the same text. */
	r->doubts |=
	    k->said     ? false
	    : k->has_id ? k->has_parent && parent == NO_SPAN
	                : (k->has_parent && parent == NO_SPAN) || !event_span_field(e, "tid", &(struct slice){NULL, 0});
	o->row.certainty = k->has_id ? SPAN_BY_ID : !k->has_stack || others ? SPAN_BY_ORDER : SPAN_BY_STACK;
	o->used = true;
	r->awaited_known = false;
	for (int n = 0; n < SPAN_KEYS; n++)
		chains_add(&r->by[n], links_of(r, n), i, k->key[n]);
	return 0;
fail:
	free_slot(r, i);
	return rc;
}

static int64_t read_duration(const struct event *e, const char *exact, const char *printed)
{
	struct slice v;
	int64_t ns = 0;

	if (exact && event_field(e, exact, &v) == SLOT_SCALAR) {
		for (size_t i = 0; i < v.len; i++) {
			if (v.ptr[i] < '0' || v.ptr[i] > '9' || ns > INT64_MAX / 10 - 1)
				return NONE_NS;
			ns = ns * 10 + (v.ptr[i] - '0');
		}
		return ns;
	}
	return event_duration(e, printed, &ns) ? ns : NONE_NS;
}

static bool wanted(const struct span_reader *r, const struct span_row *row)
{
	return row->end_ns == NONE_NS || (!r->open_only && row->start_ns <= r->until_ns);
}

static void weaken(enum span_certainty *c, enum span_certainty to)
{
	if (*c < to && *c != SPAN_BY_ID)
		*c = to;
}

/* Finds the open span of a close line (or exit line). */
static int32_t find_open(struct span_reader *r, const struct line_keys *k, bool *others, bool *by_name)
{
	int32_t i = find(r, BY_ALL, k->key[BY_ALL], others);

	r->doubts |= i == NO_SPAN;
	*by_name = i == NO_SPAN && !k->has_id;
	return *by_name ? find(r, BY_NAME, k->key[BY_NAME], others) : i;
}

/* 1: the span is closed and r->given. */
static int close_one(struct span_reader *r, const struct event *e, struct line_keys *k)
{
	bool others, by_name;
	int32_t i = find_open(r, k, &others, &by_name);

	if (i == NO_SPAN) {
		int rc = open_one(r, e, k, false);

		if (rc)
			return rc;
		i = find_open(r, k, &others, &by_name);
		r->open[i].row.start_ns = NONE_NS;
		weaken(&r->open[i].row.certainty, SPAN_GUESS);
	} else {
		/* Of several with the same name and fields under other ancestors, any might be meant. */
		weaken(&r->open[i].row.certainty, by_name && others   ? SPAN_GUESS
		                                  : others || by_name ? SPAN_BY_ORDER
		                                                      : SPAN_BY_ID);
	}
	struct open_span *o = &r->open[i];

	o->row.end_ns = e->time_ns;
	if (wanted(r, &o->row)) {
		struct span_head f = span_head(&r->keys, e->head);

		o->row.busy_ns = read_duration(e, f.busy_ns ? "busy_ns" : NULL, "time.busy");
		o->row.idle_ns = read_duration(e, f.idle_ns ? "idle_ns" : NULL, "time.idle");
	}
	unlink_span(r, i);
	r->given = i;
	/* The one that stays open might have been meant as well. */
	if (others && (i = find(r, by_name ? BY_NAME : BY_ALL, k->key[by_name ? BY_NAME : BY_ALL], &others)) != NO_SPAN)
		weaken(&r->open[i].row.certainty, SPAN_BY_ORDER);
	return 1;
}

/* Where a log has no "new" lines, its enter and exit lines bound spans. */
static int enter_or_exit(struct span_reader *r, const struct event *e, struct line_keys *k, bool enter)
{
	bool others, by_name;
	int32_t i;

	/* An enter line prints the span itself as the last of its stack. */
	i = find_open(r, k, &others, &by_name);
	if (i == NO_SPAN)
		return enter ? open_one(r, e, k, true) : 0;
	if (enter || !r->open[i].from_enter)
		return 0;
	r->open[i].row.end_ns = e->time_ns;
	unlink_span(r, i);
	r->given = i;
	return 1;
}

/* ---- spans of other programs ---- */

static void rekey(struct span_reader *r, int32_t i, enum span_key k, uint64_t key)
{
	chains_remove(&r->by[k], links_of(r, k), i);
	chains_add(&r->by[k], links_of(r, k), i, key);
}

/* Those that wait for i as their parent have it. */
static void adopt(struct span_reader *r, int32_t i)
{
	uint64_t wanted_key = line_keys_waiting(r->open[i].link[BY_PATH].key);
	bool others;

	for (int32_t c; (c = find(r, BY_NAME, wanted_key, &others)) != NO_SPAN;) {
		if (r->open[c].row.parent == NONE_NS && c != i)
			r->open[c].row.parent = r->open[i].row.id;
		rekey(r, c, BY_NAME, line_keys_alone(r->open[c].link[BY_ALL].key));
	}
}

/* A span that is over is kept; 1: another one had to go for it. */
static int keep(struct span_reader *r, int32_t i)
{
	int32_t oldest;

	if (!r->kept && !(r->kept = malloc(KEPT_MAX * sizeof *r->kept)))
		return -ENOMEM;
	if (r->nkept < KEPT_MAX) {
		r->kept[(r->first_kept + r->nkept++) % KEPT_MAX] = i;
		return 0;
	}
	oldest = r->kept[r->first_kept];
	r->kept[r->first_kept] = i;
	r->first_kept = (r->first_kept + 1) % KEPT_MAX;
	unlink_span(r, oldest);
	r->given = oldest;
	return 1;
}

static int said_open(struct span_reader *r, const struct event *e, struct line_keys *k, int32_t *i)
{
	bool others;
	int rc = open_one(r, e, k, false);

	if (rc)
		return rc;
	*i = find(r, BY_ALL, k->key[BY_ALL], &others);
	r->open[*i].row.start_ns = k->said->start_ns;
	if (k->said->part == SPAN_IS_WHOLE)
		r->open[*i].row.certainty = SPAN_BY_ID;
	if (r->open[*i].row.parent != NONE_NS)
		rekey(r, *i, BY_NAME, line_keys_alone(k->key[BY_ALL]));
	adopt(r, *i);
	return 0;
}

/* The newest one that is not over yet. */
static int32_t said_find(const struct span_reader *r, uint64_t key)
{
	int32_t i = chains_first(&r->by[BY_ALL], links_of(r, BY_ALL), key);

	while (i != NO_SPAN && r->open[i].row.end_ns != NONE_NS)
		i = chains_next(links_of(r, BY_ALL), i);
	return i;
}

static int read_said(struct span_reader *r, const struct event *e)
{
	struct span_said s;
	struct line_keys k;
	int32_t i = NO_SPAN;
	int rc = span_said_read(e, &s);

	if (rc)
		return rc;
	line_keys_said(e, &s, &k);
	if (s.part == SPAN_IS_WHOLE && (s.start_ns == NONE_NS || s.end_ns == NONE_NS))
		return 0; /* a duration that is none */
	if (s.part == SPAN_ENDS)
		i = said_find(r, k.key[BY_ALL]);
	if (i == NO_SPAN && (rc = said_open(r, e, &k, &i)))
		return rc;
	if (s.part == SPAN_BEGINS)
		return 0;
	r->open[i].row.end_ns = s.end_ns;
	return s.end_ns == NONE_NS ? 0 : keep(r, i);
}

/* ---- reading ---- */

static bool want(const struct shape *head, void *arg)
{
	(void)arg;
	return head->span_line || head->as_span;
}

int span_reader_open(struct store *s, const struct span_query *q, struct span_reader **out)
{
	struct event_query eq = {.tid = q->tid,
	                         .places = q->places,
	                         .run = q->run,
	                         .source = q->source,
	                         .want = q->each ? NULL : want,
	                         .chained = true,
	                         .brief = q->each};
	struct span_reader *r = calloc(1, sizeof *r);
	int rc;

	if (!r)
		return -ENOMEM;
	intern_init(&r->words);
	r->open_only = q->open_only;
	r->each = q->each;
	r->each_arg = q->each_arg;
	r->opened = q->opened;
	r->opened_arg = q->opened_arg;
	r->until_ns = INT64_MAX;
	r->free_list = r->flush = r->given = NO_SPAN;
	rc = span_keys_init(&r->keys);
	if (!rc)
		rc = event_cursor_open(s, &eq, &r->cursor);
	if (rc) {
		span_reader_close(r);
		return rc;
	}
	*out = r;
	return 0;
}

bool span_reader_doubts(const struct span_reader *r)
{
	return r->doubts;
}

void span_reader_close(struct span_reader *r)
{
	if (!r)
		return;
	event_cursor_close(r->cursor);
	for (int32_t i = 0; i < r->nopen; i++)
		free(r->open[i].tid);
	free(r->open);
	for (int k = 0; k < SPAN_KEYS; k++)
		chains_done(&r->by[k]);
	intern_done(&r->words);
	free(r->scratch);
	free(r->kept);
	span_keys_done(&r->keys);
	free(r->awaited);
	free(r);
}

/* One line; 1: it closed a span. */
static int read_line(struct span_reader *r, const struct event *e)
{
	struct line_keys k;
	struct slice m;
	int rc;

	if (!e->head->span_line && !e->head->as_span)
		return 0;
	rc = event_complete(e);
	if (rc || e->foreign)
		return rc;
	if (e->head->as_span)
		return read_said(r, e);
	rc = line_keys_read(&r->keys, e, &k);
	if (rc)
		return rc;
	m = event_message(e);
	if (slice_is(m, "new"))
		return open_one(r, e, &k, false);
	if (slice_is(m, "close"))
		return close_one(r, e, &k);
	return enter_or_exit(r, e, &k, slice_is(m, "enter"));
}

/* The next open span of a log that ended, or 0. What a format's ids name may go on in the run's next file. */
static int flush_one(struct span_reader *r)
{
	while (r->flush != NO_SPAN && r->flush < r->nopen) {
		int32_t i = r->flush++;

		if (r->open[i].used && (!r->open[i].said || r->flush_all)) {
			unlink_span(r, i);
			r->given = i;
			return 1;
		}
	}
	r->flush = NO_SPAN;
	return 0;
}

/* Who asked for each line gets it. */
static int tell(struct span_reader *r, const struct event *e)
{
	int rc = r->each ? r->each(r->each_arg, e) : 0;

	if (rc == 1) {
		r->each = NULL;
		event_cursor_narrow(r->cursor, want, NULL);
	}
	return rc < 0 ? rc : 0;
}

static int advance(struct span_reader *r)
{
	int rc = 0;

	while (!rc) {
		const struct event *e = r->pending;

		if (r->flush != NO_SPAN && (rc = flush_one(r)))
			return rc;
		if (r->end)
			return 0;
		if (!e) {
			rc = event_cursor_next(r->cursor, &e);
			if (rc < 0)
				return rc;
			r->end = !rc;
			rc = rc ? tell(r, e) : 0;
			if (rc < 0)
				return rc;
			if (r->end || event_cursor_chain(r->cursor) != r->chain) {
				r->flush = 0;
				r->flush_all = r->end || e->run != r->run;
				r->nkept = r->flush_all ? 0 : r->nkept;
				r->pending = r->end ? NULL : e;
				continue;
			}
		}
		r->pending = NULL;
		r->chain = event_cursor_chain(r->cursor);
		r->run = e->run;
		rc = read_line(r, e);
		if (rc >= 0 && event_error(e))
			rc = event_error(e);
	}
	return rc;
}

static bool is_awaited(const struct span_reader *r, struct slice target)
{
	for (size_t i = 0; i < r->nawaited; i++)
		if (slice_same(r->awaited[i], target))
			return true;
	return false;
}

static int find_awaited(struct span_reader *r)
{
	r->nawaited = 0;
	for (int32_t i = 0; i < r->nopen; i++) {
		const struct span_row *row = &r->open[i].row;
		struct slice *to;

		if (!r->open[i].used || row->start_ns > r->until_ns || is_awaited(r, row->target))
			continue;
		to = array_add(r->awaited, r->nawaited, r->awaited_room);
		if (!to)
			return -ENOMEM;
		*to = row->target;
	}
	r->awaited_known = true;
	return 0;
}

/* In a chunk where no span begins that is asked for, only the lines that may close one are: those of its target. They
 * pair among themselves as they would among all, because each line that they could be taken for has that target, too.
 */
static bool want_awaited(const struct shape *head, void *arg)
{
	struct span_reader *r = arg;

	if (!head->span_line)
		return false;
	if (!r->awaited_known && find_awaited(r))
		return true; /* no memory: then all */
	return is_awaited(r, head->target);
}

void span_reader_until(struct span_reader *r, int64_t start_ns)
{
	r->until_ns = start_ns;
	r->awaited_known = false;
	if (!r->each)
		event_cursor_narrow_later(r->cursor, start_ns, want_awaited, r);
}

int span_reader_next(struct span_reader *r, struct span_row *out)
{
	int rc;

	do {
		if (r->given != NO_SPAN)
			free_slot(r, r->given);
		r->given = NO_SPAN;
		rc = advance(r);
	} while (rc == 1 && !wanted(r, &r->open[r->given].row));
	if (rc == 1) {
		const struct open_span *o = &r->open[r->given];

		*out = o->row;
		if (out->tid.ptr)
			out->tid.ptr = o->tid ? o->tid : o->tid_room;
	}
	return rc;
}
