/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeline_make.c - see timeline.h
 *
 * A debug log has hundreds of lines for one invocation. What a person needs to see first are the phases, the spans that
 * took long, the lines that tell what happened and the silences between them. So, unless all is asked for: spans of one
 * name under one parent become one bar; spans shorter than 1 % of the whole go when there are many; lines that repeat
 * become one; and debug lines go when there are many, but for those at the edge of a silence. */
#include "base/intern.h"
#include "query/timelines/critical_path.h"
#include "query/timelines/timeline.h"
#include "base/array.h"
#include "query/events/fields.h"
#include "query/core/match.h"
#include "render/number.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MANY_SPANS = 40, MANY_EVENTS = 45, FOLD_SPANS = 3, DETAIL = 300 };

struct maker {
	struct arena *arena;
	const struct transaction *tx;
	const struct timeline_options *o;
	struct timeline_row *rows; /* grows on the heap, moves to the arena at the end */
	size_t n, room;
	bool failed;
};

static struct timeline_row *add_row(struct maker *m, enum timeline_kind kind, const char *label)
{
	static struct timeline_row nowhere;

	struct timeline_row *row = array_add(m->rows, m->n, m->room);

	if (!row) {
		m->failed = true;
		row = &nowhere;
	}
	*row = (struct timeline_row){.kind = kind, .label = label};
	return row;
}

static const char *keep(struct maker *m, struct text *t)
{
	const char *p = arena_text(m->arena, text_str(t), t->len);

	m->failed |= t->failed;
	text_done(t);
	return p;
}

/* ---- phases ---- */

static enum timeline_look look_of_phase(const char *name)
{
	if (strstr(name, "unexplained"))
		return LOOK_UNKNOWN;
	if (strstr(name, "container"))
		return LOOK_CONTAINER;
	return strstr(name, "queue") || strstr(name, "dispatch") || strstr(name, "wait") ? LOOK_WAIT : LOOK_WORK;
}

static void add_phases(struct maker *m)
{
	const struct transaction *tx = m->tx;
	bool several = tx->attempts > 1;

	if (tx->nphases)
		add_row(m, TIMELINE_HEADING, "phase");
	for (size_t i = 0; i < tx->nphases; i++) {
		const struct tx_phase *p = &tx->phases[i];
		struct text label = {0};
		struct timeline_row *r;

		if (p->start_ns == p->end_ns && !m->o->all)
			continue;
		text_puts(&label, p->name);
		if (several && p->attempt > 0)
			text_printf(&label, " (attempt %lld)", (long long)p->attempt);
		r = add_row(m, TIMELINE_BAR, keep(m, &label));
		r->look = look_of_phase(p->name);
		r->start_ns = p->start_ns;
		r->end_ns = p->end_ns;
	}
}

/* ---- spans ---- */

struct fold {
	bool *taken;      /* by a bar that stands for several spans */
	size_t *like;     /* by span: the next one beside it that is like it; SIZE_MAX: none */
	int64_t least_ns; /* shorter ones are left out */
	int64_t hidden;
};

static int64_t length(const struct tx_span *s)
{
	return s->end_ns - s->start_ns;
}

static void span_row(struct maker *m, const struct tx_span *s, int depth, int times, int64_t total, int64_t end)
{
	struct text label = {0}, detail = {0};
	struct timeline_row *r;

	text_puts(&label, s->name);
	if (times > 1)
		text_printf(&label, m->o->utf8 ? " ×%d" : " x%d", times);
	if (s->certainty && !strcmp(s->certainty, "guess"))
		text_puts(&label, " ?");
	if (s->worker && m->tx->worker && strcmp(s->worker, m->tx->worker))
		text_add_terminal(&detail, s->worker, strlen(s->worker));
	r = add_row(m, TIMELINE_BAR, keep(m, &label));
	r->look = LOOK_SPAN;
	r->depth = depth;
	r->start_ns = s->start_ns;
	r->end_ns = end;
	r->total_ns = times > 1 ? total : 0;
	r->open = s->open && times == 1;
	r->detail = detail.len ? keep(m, &detail) : NULL;
}

/* Closed, with nothing below it. */
static bool is_leaf(const struct tx_span *s)
{
	return !s->open && s->child == SIZE_MAX;
}

/* Leaves of one name under one parent are alike. A span's number stands for these two. */
static int number_like(struct intern *names, struct intern *pairs, const struct tx_span *s, uint32_t *out)
{
	size_t key[2] = {s->parent, 0};
	uint32_t name;
	int rc = intern_add(names, (struct slice){s->name, strlen(s->name)}, &name);

	key[1] = name;
	return rc ? rc : intern_add(pairs, (struct slice){(const char *)key, sizeof key}, out);
}

/* Each leaf's next one beside it. Siblings stand in the order of the array. */
static int link_alike(const struct transaction *tx, size_t *like)
{
	size_t *last = malloc((tx->nspans + 1) * sizeof *last); /* by number */
	struct intern names, pairs;
	int rc = last && like ? 0 : -ENOMEM;

	intern_init(&names);
	intern_init(&pairs);
	for (size_t i = 0; i < tx->nspans && !rc; i++) {
		uint32_t before = pairs.n, number;

		like[i] = SIZE_MAX;
		if (!is_leaf(&tx->spans[i]) || (rc = number_like(&names, &pairs, &tx->spans[i], &number)))
			continue;
		if (number < before)
			like[last[number]] = i;
		last[number] = i;
	}
	intern_done(&names);
	intern_done(&pairs);
	free(last);
	return rc;
}

/* Leaves beside span i that are like it, itself included, and what they add up to. Where there are enough for one bar,
 * they are taken. */
static int take_alike(const struct transaction *tx, struct fold *f, size_t i, int64_t *total, int64_t *end)
{
	int n = 0;

	*total = 0;
	*end = tx->spans[i].end_ns;
	for (size_t j = i; j != SIZE_MAX; j = f->like[j]) {
		n++;
		*total += length(&tx->spans[j]);
		*end = tx->spans[j].end_ns > *end ? tx->spans[j].end_ns : *end;
	}
	for (size_t j = i; n >= FOLD_SPANS && j != SIZE_MAX; j = f->like[j])
		f->taken[j] = true;
	return n;
}

/* Siblings from first on, each with what is below it. Depth is bounded: deeper trees are no tree a person reads. */
static void add_siblings(struct maker *m, struct fold *f, size_t first, int depth)
{
	const struct transaction *tx = m->tx;

	for (size_t i = first; i != SIZE_MAX; i = tx->spans[i].sibling) {
		const struct tx_span *s = &tx->spans[i];
		int64_t total = length(s), end = s->end_ns;
		int n = 1;

		if (f->taken[i])
			continue;
		if (!m->o->all && is_leaf(s))
			n = take_alike(tx, f, i, &total, &end);
		if (n < FOLD_SPANS) {
			n = 1;
			end = s->end_ns;
		}
		if (!s->open && (n > 1 ? total : length(s)) < f->least_ns) {
			f->hidden++;
			continue;
		}
		span_row(m, s, depth, n, total, end);
		if (depth < 100)
			add_siblings(m, f, s->child, depth + 1);
	}
}

static void add_spans(struct maker *m)
{
	const struct transaction *tx = m->tx;
	struct fold f = {.taken = calloc(tx->nspans + 1, 1), .like = calloc(tx->nspans + 1, sizeof *f.like)};
	size_t at = m->n;
	struct text rest = {0};

	m->failed |= !f.taken || link_alike(tx, f.like);
	if (tx->nspans && !m->failed) {
		add_row(m, TIMELINE_HEADING, "span");
		add_siblings(m, &f, tx->root, 0);
		if (!m->o->all && m->n - at > MANY_SPANS) {
			m->n = at + 1;
			f.least_ns = (tx->end_ns - tx->start_ns) / 100;
			f.hidden = 0;
			memset(f.taken, 0, tx->nspans);
			add_siblings(m, &f, tx->root, 0);
		}
	}
	if (f.hidden) {
		text_printf(&rest, "%lld spans shorter than 1 %% of the whole, with what is in them; -v shows them",
		            (long long)f.hidden);
		add_row(m, TIMELINE_REST, keep(m, &rest));
	}
	if (tx->more_spans) {
		text_printf(&rest, "and more than %d spans that are not shown", TRANSACTION_SPANS);
		add_row(m, TIMELINE_REST, keep(m, &rest));
	}
	free(f.taken);
	free(f.like);
}

/* ---- requests inside it ---- */

/* "GET /stock 3a294129", "3a294129": as much of the id as tells it from others, mostly. */
static void nested_row(struct maker *m, const struct tx_nested *n)
{
	struct text label = {0};
	struct timeline_row *r;
	size_t len = strlen(n->tid);

	if (n->function)
		text_printf(&label, "%s ", n->function);
	text_add(&label, n->tid, !m->o->all && len == 32 ? 8 : len);
	r = add_row(m, TIMELINE_BAR, keep(m, &label));
	r->look = LOOK_WORK;
	r->depth = n->depth - 1;
	r->start_ns = n->start_ns;
	r->end_ns = n->end_ns;
	r->open = n->open;
	r->detail = n->status && strcmp(n->status, "ok") ? n->status : NULL;
}

static void add_nested(struct maker *m)
{
	const struct transaction *tx = m->tx;
	struct text rest = {0};

	if (tx->nnested)
		add_row(m, TIMELINE_HEADING, "request inside");
	for (size_t i = 0; i < tx->nnested; i++)
		nested_row(m, &tx->nested[i]);
	if (tx->more_nested) {
		text_printf(&rest, "and more than %d that are not shown; `ilu-logq invocations --inside %s` shows all",
		            TRANSACTION_NESTED, tx->tid);
		add_row(m, TIMELINE_REST, keep(m, &rest));
	}
}

/* ---- events ---- */

static const char *short_fields(struct maker *m, const struct tx_event *e)
{
	struct slice object = {e->fields, e->fields ? strlen(e->fields) : 0};
	struct text t = {0};
	struct field f;
	size_t at = 0;

	while (fields_next(object, &at, &f) && (m->o->all || t.len < DETAIL)) {
		if (slice_is(f.key, "message") || slice_is(f.key, "tid"))
			continue;
		text_puts(&t, t.len ? "  " : "");
		text_add_terminal(&t, f.key.ptr, f.key.len);
		text_puts(&t, "=");
		field_show(&t, &f);
	}
	return t.len || t.failed ? keep(m, &t) : (text_done(&t), NULL);
}

static bool same_line(const struct maker *m, const struct tx_event *a, const struct tx_event *b)
{
	if (m->tx->several_workers && strcmp(a->worker ? a->worker : "", b->worker ? b->worker : ""))
		return false;
	return a->message && b->message && !strcmp(a->message, b->message) &&
	       !strcmp(a->level ? a->level : "", b->level ? b->level : "");
}

static void event_row(struct maker *m, const struct tx_event *e, int times)
{
	struct text label = {0};
	struct timeline_row *r;

	if (m->tx->several_workers && e->worker) {
		text_add_terminal(&label, e->worker, strlen(e->worker));
		text_puts(&label, ": ");
	}
	text_puts(&label, e->message ? e->message : "(no message)");
	if (e->span)
		text_printf(&label, " %s", e->span);
	if (times > 1)
		text_printf(&label, m->o->utf8 ? "  ×%d" : "  x%d", times);
	r = add_row(m, TIMELINE_MOMENT, keep(m, &label));
	r->level = e->level;
	r->start_ns = r->end_ns = e->time_ns;
	r->detail = times > 1 ? NULL : short_fields(m, e);
}

struct events {
	bool drop_debug;
	int64_t gap_ns; /* a silence worth a row */
	size_t dropped; /* since the last row */
	size_t shown;
};

static int rank_of(const struct tx_event *e)
{
	struct slice level = {e->level, e->level ? strlen(e->level) : 0};

	return level.ptr ? level_rank(level) : 2;
}

static void put_dropped(struct maker *m, struct events *ev)
{
	struct text t = {0};

	if (!ev->dropped)
		return;
	text_printf(&t, "%zu line%s of level debug and below", ev->dropped, ev->dropped == 1 ? "" : "s");
	add_row(m, TIMELINE_REST, keep(m, &t));
	ev->dropped = 0;
}

/* Nanoseconds of silence before line i; span lines break a silence too, for they are lines. Of lines that were not
 * read, nothing is known. */
static int64_t silence(const struct transaction *tx, size_t i)
{
	return i && tx->events[i].time_ns <= tx->read_until_ns ? tx->events[i].time_ns - tx->events[i - 1].time_ns : 0;
}

static bool at_edge(const struct transaction *tx, const struct events *ev, size_t i)
{
	return silence(tx, i) >= ev->gap_ns || (i + 1 < tx->nevents && silence(tx, i + 1) >= ev->gap_ns);
}

static void add_gap(struct maker *m, struct events *ev, size_t i)
{
	const struct transaction *tx = m->tx;
	struct timeline_row *r;

	if (!i || silence(tx, i) < ev->gap_ns)
		return;
	put_dropped(m, ev);
	/* Two silences with nothing between would be one: what broke it is shown, be it but a span's line. */
	if (m->n && m->rows[m->n - 1].kind == TIMELINE_GAP)
		event_row(m, &tx->events[i - 1], 1);
	r = add_row(m, TIMELINE_GAP, NULL);
	r->start_ns = tx->events[i - 1].time_ns;
	r->end_ns = tx->events[i].time_ns;
}

/* Nothing until the end: of a call that never came back, say. */
static void add_last_gap(struct maker *m, const struct events *ev)
{
	const struct transaction *tx = m->tx;
	int64_t last = tx->events[tx->nevents - 1].time_ns;
	struct timeline_row *r;

	if (tx->end_ns - last < ev->gap_ns || tx->total_events > (int64_t)tx->nevents)
		return;
	r = add_row(m, TIMELINE_GAP, " up to its end");
	r->start_ns = last;
	r->end_ns = tx->end_ns;
}

static void put_events(struct maker *m, struct events *ev)
{
	const struct transaction *tx = m->tx;

	for (size_t i = 0; i < tx->nevents; i++) {
		const struct tx_event *e = &tx->events[i];
		int times = 1;

		add_gap(m, ev, i);
		if (e->span_line && !m->o->all)
			continue;
		if (ev->drop_debug && rank_of(e) > 2 && !at_edge(tx, ev, i)) {
			ev->dropped++;
			continue;
		}
		put_dropped(m, ev);
		while (!m->o->all && i + 1 < tx->nevents && same_line(m, e, &tx->events[i + 1]) &&
		       silence(tx, i + 1) < ev->gap_ns) {
			times++;
			i++;
		}
		event_row(m, e, times);
		ev->shown++;
	}
	put_dropped(m, ev);
	add_last_gap(m, ev);
}

static void add_events(struct maker *m)
{
	const struct transaction *tx = m->tx;
	struct events ev = {0};
	size_t at = m->n;
	struct text rest = {0};

	if (!tx->nevents)
		return;
	ev.gap_ns = (tx->end_ns - tx->start_ns) / 20;
	ev.gap_ns = ev.gap_ns < 1000000 ? 1000000 : ev.gap_ns;
	add_row(m, TIMELINE_HEADING, "line");
	put_events(m, &ev);
	if (!m->o->all && ev.shown > MANY_EVENTS) {
		m->n = at + 1;
		ev.drop_debug = true;
		ev.shown = ev.dropped = 0;
		put_events(m, &ev);
	}
	if (tx->total_events > (int64_t)tx->nevents) {
		text_printf(&rest, "and %lld lines more; `ilu-logq events --tid %s` shows all",
		            (long long)(tx->total_events - (int64_t)tx->nevents), tx->tid);
		add_row(m, TIMELINE_REST, keep(m, &rest));
	}
}

/* ---- facts ---- */

static void add_fact(struct maker *m, struct timeline *t, const char *name, const char *value, enum ink ink)
{
	struct timeline_fact *facts = (struct timeline_fact *)t->facts;

	(void)m;
	if (value && *value)
		facts[t->nfacts++] = (struct timeline_fact){name, value, ink};
}

static const char *outcome(struct maker *m)
{
	const struct transaction *tx = m->tx;
	struct text t = {0};
	char buf[NUMBER_MAX];

	text_puts(&t, tx->status ? tx->status : "");
	if (tx->attempts > 1)
		text_printf(&t, " after %lld attempts", (long long)tx->attempts);
	if (tx->duration_ns >= 0) {
		number_duration(tx->duration_ns, m->o->utf8 ? "µ" : "u", buf);
		text_printf(&t, ", %s end to end", buf);
	} else if (tx->open_ns >= 0) {
		number_duration(tx->open_ns, m->o->utf8 ? "µ" : "u", buf);
		text_printf(&t, ", for %s when the log ended", buf);
	}
	return keep(m, &t);
}

static const char *clock_of(struct maker *m)
{
	char zone[NUMBER_MAX];
	struct text t = {0};

	time_offset(m->tx->offset_s, zone);
	text_printf(&t, "of the log, %s%s%s%s", zone, m->tx->offset_from ? " (" : "",
	            m->tx->offset_from ? m->tx->offset_from : "", m->tx->offset_from ? ")" : "");
	return keep(m, &t);
}

static const char *container_of(struct maker *m)
{
	const struct transaction *tx = m->tx;
	struct text t = {0};

	text_puts(&t, tx->state ? tx->state : "");
	if (tx->container)
		text_printf(&t, "%s%s", t.len ? " " : "", tx->container);
	if (tx->compute && strcmp(tx->compute, "failed"))
		text_printf(&t, "%s%s", t.len ? ", " : "", tx->compute);
	return keep(m, &t);
}

static void add_facts(struct maker *m, struct timeline *t)
{
	const struct transaction *tx = m->tx;
	bool bad = tx->status && strcmp(tx->status, "ok");
	struct text title = {0};

	t->facts = arena_take(m->arena, 12 * sizeof *t->facts);
	if (!t->facts)
		return;
	text_printf(&title, "%s  %s", tx->function ? tx->function : "transaction", tx->tid);
	t->title = keep(m, &title);
	add_fact(m, t, "transaction", tx->tid, INK_HEAD);
	add_fact(m, t, tx->nruns > 1 ? "runs" : "run", tx->run_path, INK_NONE);
	add_fact(m, t, "inside", tx->parent, INK_NONE);
	add_fact(m, t, "function", tx->function, INK_NONE);
	add_fact(m, t, "outcome", tx->invocation ? outcome(m) : NULL, bad ? INK_ERROR : INK_INFO);
	add_fact(m, t, "container", container_of(m), INK_NONE);
	add_fact(m, t, "worker", tx->worker, INK_NONE);
	add_fact(m, t, "error", tx->error, INK_ERROR);
	add_fact(m, t, "clock", clock_of(m), INK_NONE);
}

static void add_path(struct maker *m, struct timeline *t)
{
	struct critical_path p;
	struct timeline_row *rows;

	m->failed |= critical_path_find(m->tx, &p) != 0;
	rows = arena_take(m->arena, (p.n + 1) * sizeof *rows);
	for (size_t i = 0; rows && i < p.n; i++)
		rows[i] = (struct timeline_row){.kind = TIMELINE_BAR,
		                                .label = m->tx->spans[p.steps[i].span].name,
		                                .start_ns = p.steps[i].from_ns,
		                                .end_ns = p.steps[i].to_ns};
	t->path = rows;
	t->npath = rows ? p.n : 0;
	critical_path_done(&p);
}

int timeline_make(struct arena *arena, const struct transaction *tx, const struct timeline_options *o,
                  struct timeline *out)
{
	struct maker m = {.arena = arena, .tx = tx, .o = o};

	*out = (struct timeline){.start_ns = tx->start_ns, .end_ns = tx->end_ns, .offset_s = tx->offset_s};
	add_facts(&m, out);
	add_phases(&m);
	add_nested(&m);
	add_spans(&m);
	if (!o->bars)
		add_events(&m);
	if (o->path)
		add_path(&m, out);
	out->rows = arena_take(arena, (m.n + 1) * sizeof *m.rows);
	if (out->rows && m.n)
		memcpy((void *)out->rows, m.rows, m.n * sizeof *m.rows);
	out->nrows = m.n;
	free(m.rows);
	return m.failed || arena->failed ? -ENOMEM : 0;
}
