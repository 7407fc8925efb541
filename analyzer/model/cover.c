/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cover.c - see cover.h: first the facts are folded as the model folds them, then the lines are counted. */
#include "model/cover.h"
#include "base/array.h"
#include "base/bytes.h"
#include "base/template.h"
#include "model/fold.h"
#include "model/phase.h"
#include <errno.h>
#include <stdlib.h>

struct covering {
	struct cover *out;
	const struct rules *rules;
	struct intern requests, tids; /* keys of fact_key */
	struct intern around;         /* of transactions that requests are inside of */
	int64_t *inside;              /* of each how many */
	size_t inside_room;
	struct table at; /* of unknown messages */
	struct bytes masked;
};

static int add_key(struct intern *to, int64_t run, struct slice tid, uint32_t *out)
{
	char small[256], *buf = small;
	int rc;

	if (8 + tid.len > sizeof small && !(buf = malloc(8 + tid.len)))
		return -ENOMEM;
	rc = intern_add(to, fact_key(run, tid, buf), out);
	if (buf != small)
		free(buf);
	return rc;
}

/* ---- requests ---- */

/* Its lines are not read yet: what it is inside of may be nowhere. */
static int note_parent(struct covering *c, int64_t run, struct slice parent)
{
	uint32_t before = c->around.n, i;
	int rc = add_key(&c->around, run, parent, &i);

	if (!rc)
		rc = array_reserve(c->inside, c->inside_room, (size_t)i + 1);
	if (rc)
		return rc;
	c->inside[i] = (i == before ? 0 : c->inside[i]) + 1;
	c->out->nested++;
	return 0;
}

static void count_parents(struct covering *c)
{
	for (uint32_t i = 0; i < c->around.n; i++)
		if (intern_find(&c->tids, c->around.text[i]) != INTERN_NONE)
			c->out->parents += c->inside[i];
}

/* Of attempts once for each request. */
static bool was_before(const struct phases *p, int i)
{
	for (int k = 0; k < i; k++)
		if (p->v[k].name == p->v[i].name)
			return true;
	return false;
}

static void count_phases(struct covering *c, const struct phases *p)
{
	for (int i = 0; i < p->n; i++) {
		const struct phase *x = &p->v[i];

		c->out->time_ns += x->end_ns - x->start_ns;
		for (unsigned k = 0; k < c->rules->nphases; k++)
			if (c->rules->phase[k].name == x->name) {
				struct cover_phase *of = &c->out->phase[k];

				of->requests += !was_before(p, i);
				of->rows++;
				of->backwards += x->lost == PHASE_BACKWARDS;
				of->covered += x->lost == PHASE_COVERED;
				c->out->explained_ns += x->end_ns - x->start_ns;
				break;
			}
	}
}

static int count_request(struct covering *c, const struct invocation *o, struct phases *p)
{
	struct phase_attempt *v = calloc((size_t)o->nattempts + 1, sizeof *v);
	struct phase_input in = {
	    o->sent_ns,        o->controller_ns, o->dispatched_ns, o->arrived_ns,           o->end_ns, o->return_ns, v,
	    (int)o->nattempts, o->moment,        o->nmoments,      !strcmp(o->status, "ok")};
	int rc = v ? 0 : -ENOMEM;

	for (int64_t i = 0; !rc && i < o->nattempts; i++) {
		const struct attempt *a = &o->attempt[i];

		v[i] = (struct phase_attempt){a->insert_ns, a->remove_ns, a->start_ns, a->end_ns, a->state};
	}
	if (!rc)
		rc = phases_make(c->rules, &in, p);
	if (!rc)
		count_phases(c, p);
	c->out->requests++;
	c->out->ended += strcmp(o->status, "unfinished") != 0;
	c->out->failed += !strcmp(o->status, "failed");
	free(v);
	return rc;
}

static int fold_all(struct covering *c, const struct facts *f, const struct chunk_sources *files)
{
	struct fold fold = {.files = files};
	struct phases p = {0};
	struct invocation o;
	int rc = 0;

	for (size_t i = 0, end; rc >= 0 && i < f->n; i = end) {
		uint32_t key = f->by_rank[f->v[i].key], ignored;

		for (end = i; end < f->n && f->v[end].key == f->v[i].key; end++)
			;
		if (!fact_tid(f, key).len)
			continue;
		rc = fold_invocation(&fold, f, f->v + i, end - i, NULL, 0, &o);
		if (rc == 1 && o.parent.len)
			rc = note_parent(c, fact_run(f, key), o.parent) ? -ENOMEM : 1;
		if (rc == 1 && !(rc = count_request(c, &o, &p)))
			rc = intern_add(&c->requests, f->keys.text[key], &ignored);
	}
	fold_done(&fold);
	free(p.v);
	return rc < 0 ? rc : 0;
}

/* ---- lines ---- */

static bool series_speaks(const struct rules *r, struct slice message)
{
	for (size_t i = 0; message.ptr && i < json_array_size(r->series); i++)
		if (slice_is(message, json_string_value(json_object_get(json_array_get(r->series, i), "message"))))
			return true;
	return false;
}

static bool is_known(struct covering *c, const struct event *e, struct slice message)
{
	const struct rules *r = c->rules;
	int i = rules_find(r, message, e->head->target, e->head->level);
	bool known = false;

	for (; i >= 0; i = rules_find_next(r, i, message, e->head->target, e->head->level))
		if (rule_holds(&r->rule[i], e)) {
			c->out->rule[i]++;
			known = true;
		}
	return known || rules_is_progress(r, message) || series_speaks(r, message) || rules_is_background(r, e->tid);
}

static int add_unknown(struct covering *c, const struct event *e, struct slice message)
{
	struct cover *o = c->out;
	uint32_t template, level = INTERN_NONE, example;
	struct table_walk w;
	int rc;

	if (array_reserve(c->masked.ptr, c->masked.room, TEMPLATE_ROOM(message.len)))
		return -ENOMEM;
	struct slice text = {c->masked.ptr, template_mask(message.ptr, message.len, c->masked.ptr)};

	if ((rc = intern_add(&o->texts, text, &template)) ||
	    (e->head->level.ptr && (rc = intern_add(&o->texts, e->head->level, &level))))
		return rc;
	uint64_t hash = (uint64_t) template * 31 + level;

	for (uint32_t i = table_first(&w, &c->at, hash); i != TABLE_NONE; i = table_next(&w))
		if (o->unknown[i].template == template && o->unknown[i].level == level) {
			o->unknown[i].lines++;
			return 0;
		}
	if ((rc = intern_add(&o->texts, message, &example)) || (rc = table_add(&c->at, hash, o->nunknown)))
		return rc;
	struct cover_unknown *u = array_add(o->unknown, o->nunknown, o->room);

	if (!u)
		return -ENOMEM;
	*u = (struct cover_unknown){level, template, example, 1};
	return 0;
}

/* Is it a line of a request? Counts its transaction. 1, 0 or negative. */
static int of_request(struct covering *c, const struct event *e)
{
	uint32_t tid;
	int rc;

	if (!e->tid.ptr || !e->tid.len)
		return 0;
	rc = add_key(&c->tids, e->run, e->tid, &tid);
	return rc ? rc : intern_find(&c->requests, c->tids.text[tid]) != INTERN_NONE;
}

static int count_line(struct covering *c, const struct event *e)
{
	struct slice message = event_message(e);
	bool known = is_known(c, e, message);
	int rc = of_request(c, e);

	c->out->lines++;
	c->out->known += known;
	if (rc > 0) {
		c->out->of_requests++;
		c->out->known_of_requests += known;
	}
	return rc > 0 && !known && message.ptr ? add_unknown(c, e, message) : rc < 0 ? rc : 0;
}

static int count_lines(struct covering *c, struct store *s)
{
	struct event_query q = {0};
	struct event_cursor *cursor;
	const struct event *e;
	int rc = event_cursor_open(s, &q, &cursor);

	if (rc)
		return rc;
	while ((rc = event_cursor_next(cursor, &e)) == 1) {
		rc = e->foreign ? 0 : count_line(c, e);
		if (!rc)
			rc = event_error(e);
		if (rc)
			break;
	}
	event_cursor_close(cursor);
	c->out->transactions = c->tids.n;
	return rc;
}

static int compare_unknown(const void *pa, const void *pb)
{
	const struct cover_unknown *a = pa, *b = pb;

	if (a->lines != b->lines)
		return a->lines > b->lines ? -1 : 1;
	return a->template <b->template ? -1 : a->template > b->template;
}

int cover_read(struct store *s, const struct rules *r, struct cover *out)
{
	struct covering c = {.out = out, .rules = r};
	struct event_query all = {0};
	struct chunk_sources files = {0};
	struct facts f;
	int rc;

	*out = (struct cover){0};
	facts_init(&f, r);
	out->phase = calloc(r->nphases + 1, sizeof *out->phase);
	out->rule = calloc(r->nrules + 1, sizeof *out->rule);
	rc = out->phase && out->rule ? facts_collect(&f, s, &all, 0) : -ENOMEM;
	if (!rc && !(rc = facts_sort(&f)) && !(rc = chunk_sources_read(store_db(s), &files)))
		rc = fold_all(&c, &f, &files);
	chunk_sources_done(&files);
	facts_done(&f);
	if (!rc)
		rc = count_lines(&c, s);
	if (!rc)
		count_parents(&c);
	if (out->nunknown)
		qsort(out->unknown, out->nunknown, sizeof *out->unknown, compare_unknown);
	intern_done(&c.requests);
	intern_done(&c.tids);
	intern_done(&c.around);
	free(c.inside);
	table_done(&c.at);
	free(c.masked.ptr);
	return rc;
}

void cover_done(struct cover *c)
{
	intern_done(&c->texts);
	free(c->phase);
	free(c->rule);
	free(c->unknown);
	*c = (struct cover){0};
}

/* ---- phases that can't be ---- */

static bool is_of_attempt(unsigned moment)
{
	return moment >= MOMENT_INSERT && moment <= MOMENT_END;
}

/* Whether a phase can see this moment: something gives it, and what is each attempt's is known of an attempt alone. */
static bool can_see(const struct rules *r, const struct phase_rule *p, unsigned moment)
{
	return (p->of_attempt || !is_of_attempt(moment)) && rules_gives(r, moment);
}

static unsigned none_of(const struct rules *r, const struct phase_rule *p, const unsigned *moments)
{
	for (int i = 0; i < PHASE_MOMENTS && moments[i]; i++)
		if (can_see(r, p, moments[i]))
			return MOMENT_NONE;
	return moments[0];
}

/* A moment that it needs, as no other of `moments` is seen, and that it is to be without. */
static unsigned needs_what_it_is_without(const struct rules *r, const struct phase_rule *p, const unsigned *moments)
{
	unsigned only = MOMENT_NONE, n = 0;

	for (int i = 0; i < PHASE_MOMENTS && moments[i]; i++)
		if (can_see(r, p, moments[i])) {
			only = moments[i];
			n++;
		}
	for (unsigned i = 0; n == 1 && i < p->nwithout; i++)
		if (p->without[i] == only)
			return only;
	return MOMENT_NONE;
}

enum cover_cause cover_never(const struct rules *r, const struct phase_rule *p, const char **moment)
{
	const unsigned *side[] = {p->from, p->to};
	unsigned m;

	for (int i = 0; i < 2; i++) {
		if ((m = none_of(r, p, side[i]))) {
			*moment = rules_moment(r, m);
			return rules_gives(r, m) ? COVER_OF_ATTEMPT : COVER_NOT_GIVEN;
		}
		if ((m = needs_what_it_is_without(r, p, side[i]))) {
			*moment = rules_moment(r, m);
			return COVER_WITHOUT;
		}
	}
	return COVER_CAN_BE;
}
