/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fact.c - events in, facts out.
 *
 * The store asks once for each shape whether its lines are wanted; the answer (no, or the first rule that may fit) is
 * kept in the shape. Lines whose message is a column of their shape are looked up one by one. */
#include "model/fact.h"
#include "model/compose.h"
#include "base/array.h"
#include "ingest/stamp.h"
#include "base/hash.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define MARK_NO      1u /* shape.mark: no rule */
#define MARK_LOOK_UP 2u /* its message is in a slot */
#define MARK_RULE    3u /* plus the number of the first rule */

void facts_init(struct facts *f, const struct rules *rules)
{
	*f = (struct facts){.rules = rules};
	intern_init(&f->keys);
	intern_init(&f->texts);
	intern_init(&f->workers);
}

void facts_clear(struct facts *f)
{
	f->n = 0;
	free(f->by_rank);
	f->by_rank = NULL;
	intern_done(&f->keys);
}

void facts_forget_texts(struct facts *f)
{
	intern_done(&f->texts);
}

void facts_done(struct facts *f)
{
	facts_clear(f);
	facts_forget_texts(f);
	if (f->runs)
		facts_done(f->runs);
	free(f->runs);
	free(f->v);
	intern_done(&f->workers);
	*f = (struct facts){0};
}

/* ---- keys ---- */

struct slice fact_key(int64_t run, struct slice tid, char *buf)
{
	for (int i = 0; i < 8; i++)
		buf[i] = (char)((uint64_t)run >> (56 - 8 * i));
	if (tid.len)
		memcpy(buf + 8, tid.ptr, tid.len);
	return (struct slice){buf, 8 + tid.len};
}

int64_t fact_run(const struct facts *f, uint32_t key)
{
	const unsigned char *p = (const unsigned char *)f->keys.text[key].ptr;
	uint64_t run = 0;

	for (int i = 0; i < 8; i++)
		run = run << 8 | p[i];
	return (int64_t)run;
}

struct slice fact_tid(const struct facts *f, uint32_t key)
{
	struct slice k = f->keys.text[key];

	return (struct slice){k.ptr + 8, k.len - 8};
}

/* ---- from one event ---- */

bool facts_speak_of(struct facts *f, const struct shape *head)
{
	struct shape *shape = (struct shape *)head; /* the mark is ours to write */
	int rule;

	if (!shape->mark && shape->message_slot >= 0)
		shape->mark = rules_may_match(f->rules, head->target, head->level) ? MARK_LOOK_UP : MARK_NO;
	if (!shape->mark) {
		rule = rules_find(f->rules, head->message, head->target, head->level);
		shape->mark = rule < 0 ? MARK_NO : MARK_RULE + (unsigned)rule;
	}
	return shape->mark != MARK_NO;
}

static bool rule_gives_more(const struct rule *r)
{
	return r->moment || r->outcome || r->function.name || r->parent.name || r->time[0].moment;
}

static bool want(const struct shape *head, void *arg)
{
	return facts_speak_of(arg, head);
}

static int intern_unescaped(struct facts *f, enum slot_kind kind, struct slice in, uint32_t *out)
{
	char small[1024], *buf = small;
	int rc;

	if (kind != SLOT_STRING || !memchr(in.ptr, '\\', in.len))
		return intern_add(&f->texts, in, out);
	if (in.len * 3 > sizeof small && !(buf = malloc(in.len * 3)))
		return -ENOMEM;
	rc = intern_add(&f->texts, (struct slice){buf, json_unescape(in, buf)}, out);
	if (buf != small)
		free(buf);
	return rc;
}

static double parse_real(struct slice in)
{
	char buf[64], *end;

	if (!in.len || in.len >= sizeof buf)
		return NAN;
	memcpy(buf, in.ptr, in.len);
	buf[in.len] = '\0';
	double v = strtod(buf, &end);

	return *end ? NAN : v;
}

/* A time on the log's clock, as UTC. */
static int64_t parse_stamp(const struct event *e, struct slice in)
{
	int64_t ns, offset_s;
	bool canonical;

	if (!stamp_parse_iluvatar(in, &ns, &canonical))
		return ns + (e->time_ns - e->stamp);
	if (!stamp_parse_rfc3339(in, &ns, &offset_s, &canonical))
		return ns;
	return FACT_NO_STAMP;
}

static enum slot_kind read_field(const struct event *e, const struct rule_field *field, struct slice *out)
{
	enum slot_kind got = 0;

	if (field->name)
		got = field->in_span ? event_span_field(e, field->name, out) : event_field(e, field->name, out);
	return got == SLOT_SCALAR && slice_is(*out, "null") ? 0 : got;
}

static int read_text(struct facts *f, const struct event *e, const struct rule_field *field, uint32_t *out)
{
	struct bytes b = {0};
	struct slice v;
	enum slot_kind got;
	int rc = 0;

	*out = INTERN_NONE;
	if (!field->pattern)
		return (got = read_field(e, field, &v)) ? intern_unescaped(f, got, v, out) : 0;
	if (compose(e, field->name, &b) && !(rc = b.failed ? -ENOMEM : 0))
		rc = intern_unescaped(f, SLOT_STRING, (struct slice){b.ptr, b.len}, out);
	bytes_free(&b);
	return rc;
}

static int read_arg(struct facts *f, const struct event *e, const struct rule *r, int i, union fact_arg *out)
{
	enum arg_kind kind = meaning_info(r->means)->arg[i].kind;
	struct slice v = SLICE_NONE;
	enum slot_kind got;

	if (kind == ARG_TEXT)
		return read_text(f, e, &r->arg[i], &out->text);
	got = read_field(e, &r->arg[i], &v);
	switch (kind) {
	case ARG_REAL:
		out->real = got ? parse_real(v) : NAN;
		return 0;
	case ARG_STAMP:
		out->ns = got ? parse_stamp(e, v) : FACT_NO_STAMP;
		return 0;
	default:
		return 0;
	}
}

/* Exactly that many, where it is known. */
static int reserve(struct fact **v, size_t *room, size_t n)
{
	struct fact *p = n > *room ? realloc(*v, n * sizeof *p) : *v;

	if (!p)
		return n ? -ENOMEM : 0;
	*room = n > *room ? n : *room;
	*v = p;
	return 0;
}

int facts_push(struct facts *f, const struct fact *fact)
{
	struct fact *p = array_add(f->v, f->n, f->room);

	if (!p)
		return -ENOMEM;
	*p = *fact;
	return 0;
}

/* Those of containers go with their transaction. */
static bool is_of_run(enum meaning m)
{
	return m == MEANS_BATCH || m == MEANS_CACHE_INSERTION || m == MEANS_BENCHMARK_NAME;
}

static struct facts *of_runs(struct facts *f)
{
	if (!f->runs && (f->runs = calloc(1, sizeof *f->runs)))
		facts_init(f->runs, f->rules);
	return f->runs;
}

/* A meaning's facts: one for each two of its arguments. */
static int add_meaning(struct facts *f, const struct event *e, const struct rule *r, struct fact *fact)
{
	const struct meaning_info *info = meaning_info(r->means);
	int rc = 0;

	fact->means = (uint8_t)r->means;
	for (int i = 0; !rc && i < RULE_ARGS && info->arg[i].kind; i += 2) {
		fact->part = (uint8_t)(i / 2);
		if (!(rc = read_arg(f, e, r, i, &fact->arg[0])) && info->arg[i + 1].kind)
			rc = read_arg(f, e, r, i + 1, &fact->arg[1]);
		if (!rc)
			rc = facts_push(f, fact);
	}
	if (!rc && !info->arg[0].kind)
		rc = facts_push(f, fact);
	fact->part = 0;
	return rc;
}

static int add_moment(struct facts *f, struct fact *fact, unsigned moment, int64_t ns)
{
	fact->means = MEANS_MOMENT;
	fact->arg[0].ns = moment;
	fact->arg[1].ns = ns;
	return facts_push(f, fact);
}

/* Another transaction's id: not empty, not all zeros, not its own. */
static bool is_parent(struct slice id, struct slice tid)
{
	size_t zeros = 0;

	while (zeros < id.len && id.ptr[zeros] == '0')
		zeros++;
	return zeros < id.len && !slice_same(id, tid);
}

static int add_parent(struct facts *f, const struct event *e, const struct rule *r, struct fact *fact)
{
	uint32_t id;
	int rc = read_text(f, e, &r->parent, &id);

	if (rc || id == INTERN_NONE || !is_parent(fact_text(f, id), e->tid))
		return rc;
	fact->means = MEANS_PARENT;
	fact->arg[0].text = id;
	return facts_push(f, fact);
}

/* The function, the parent, the moments and the outcome that a rule gives beside its meaning. */
static int add_rest(struct facts *f, const struct event *e, const struct rule *r, struct fact *fact)
{
	int rc = 0;

	for (int i = 0; !rc && i < RULE_TIMES && r->time[i].moment; i++) {
		struct slice v;
		int64_t ns = read_field(e, &r->time[i].field, &v) ? parse_stamp(e, v) : FACT_NO_STAMP;

		if (ns != FACT_NO_STAMP)
			rc = add_moment(f, fact, r->time[i].moment, ns);
	}
	if (!rc && r->moment)
		rc = add_moment(f, fact, r->begins_attempt ? r->moment | FACT_BEGINS : r->moment, e->time_ns);
	if (!rc && r->function.name) {
		fact->means = MEANS_FUNCTION;
		fact->arg[0].text = INTERN_NONE;
		if (!(rc = read_text(f, e, &r->function, &fact->arg[1].text)) && fact->arg[1].text != INTERN_NONE)
			rc = facts_push(f, fact);
	}
	if (!rc && r->parent.name)
		rc = add_parent(f, e, r, fact);
	if (!rc && r->outcome) {
		fact->means = MEANS_OUTCOME;
		fact->arg[0].ns = r->outcome;
		fact->arg[1].ns = 0;
		rc = facts_push(f, fact);
	}
	return rc;
}

/* What a rule makes of an event; meaning: the rule's meaning counts, too. */
static int add(struct facts *f, const struct event *e, const struct rule *r, bool meaning)
{
	struct fact fact = {e->time_ns, e->id, 0, UINT16_MAX, 0, 0, {{0}, {0}}};
	bool of_run = meaning && is_of_run(r->means);
	char small[256], *buf = small;
	uint32_t worker = INTERN_NONE;
	struct slice tid = of_run || !e->tid.ptr ? SLICE("") : e->tid;
	int rc = 0;

	if (of_run && !(f = of_runs(f)))
		return -ENOMEM;
	if (8 + tid.len > sizeof small && !(buf = malloc(8 + tid.len)))
		return -ENOMEM;
	struct slice key = fact_key(e->run, tid, buf);

	if ((rc = intern_add(&f->keys, key, &fact.key)))
		goto out;
	if (e->worker.ptr && (rc = intern_add(&f->workers, e->worker, &worker)))
		goto out;
	fact.worker = worker < UINT16_MAX ? (uint16_t)worker : UINT16_MAX;
	if (meaning && r->means)
		rc = add_meaning(f, e, r, &fact);
	if (!rc && tid.len)
		rc = add_rest(f, e, r, &fact);
out:
	if (buf != small)
		free(buf);
	return rc;
}

/* What the rules make of an event. Of those that fit, the first with a meaning gives it; moments and outcomes are given
 * by all. */
static int add_all(struct facts *f, const struct event *e)
{
	const struct shape *head = e->head;
	struct slice message = event_message(e);
	bool meant = false;
	int rc = 0, i;

	i = head->mark == MARK_LOOK_UP ? rules_find(f->rules, message, head->target, head->level)
	                               : (int)(head->mark - MARK_RULE);
	for (; i >= 0 && !rc; i = rules_find_next(f->rules, i, message, head->target, head->level)) {
		const struct rule *r = &f->rules->rule[i];

		if ((meant && r->means && !rule_gives_more(r)) || !rule_holds(r, e))
			continue;
		rc = add(f, e, r, !meant);
		meant |= r->means != MEANS_NOTHING;
	}
	return rc;
}

int facts_take(struct facts *f, const struct event *e, size_t max)
{
	int rc = event_complete(e);

	if (!rc && !e->foreign)
		rc = add_all(f, e);
	if (!rc)
		rc = event_error(e);
	return !rc && max && f->n >= max ? f->full(f, f->full_arg) : rc;
}

bool facts_want(struct facts *f, const struct event *e)
{
	const struct shape *head = e->head;

	if (e->foreign || !facts_speak_of(f, head))
		return false;
	return head->mark != MARK_LOOK_UP || rules_find(f->rules, event_message(e), head->target, head->level) >= 0;
}

int facts_collect(struct facts *f, struct store *s, struct event_query *q, size_t max)
{
	struct event_cursor *c;
	const struct event *e;
	int rc;

	q->want = want;
	q->want_arg = f;
	rc = event_cursor_open(s, q, &c);
	if (rc)
		return rc;
	while ((rc = event_cursor_next(c, &e)) == 1 && !(rc = facts_take(f, e, max)))
		;
	event_cursor_close(c);
	return rc;
}

/* ---- joining ---- */

/* The numbers of from's texts among to's; yours. */
static int intern_join(struct intern *to, const struct intern *from, uint32_t **out)
{
	uint32_t *map = malloc((from->n + 1) * sizeof *map);
	int rc = map ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < from->n && !rc; i++)
		rc = intern_add(to, from->text[i], &map[i]);
	*out = map;
	return rc;
}

struct join {
	uint32_t *key, *text, *worker;
};

static struct fact renumbered(const struct join *j, const struct fact *in)
{
	const struct meaning_arg *arg = meaning_info(in->means)->arg + in->part * 2;
	struct fact f = *in;

	f.key = j->key[in->key];
	if (in->worker != UINT16_MAX)
		f.worker = j->worker[in->worker] < UINT16_MAX ? (uint16_t)j->worker[in->worker] : UINT16_MAX;
	for (int i = 0; i < 2; i++)
		if (arg[i].kind == ARG_TEXT && in->arg[i].text != INTERN_NONE)
			f.arg[i].text = j->text[in->arg[i].text];
	return f;
}

static int append(struct facts *f, const struct facts *from)
{
	struct join j = {0};
	int rc;

	if (!(rc = intern_join(&f->keys, &from->keys, &j.key)) && !(rc = intern_join(&f->texts, &from->texts, &j.text)))
		rc = intern_join(&f->workers, &from->workers, &j.worker);
	if (!rc)
		rc = reserve(&f->v, &f->room, f->n + from->n);
	for (size_t i = 0; i < from->n && !rc; i++) {
		struct fact fact = renumbered(&j, &from->v[i]);

		rc = facts_push(f, &fact);
	}
	free(j.key);
	free(j.text);
	free(j.worker);
	return rc;
}

static int join_runs(struct facts *f, struct facts *from)
{
	if (!from->runs)
		return 0;
	if (f->runs)
		return facts_join(f->runs, from->runs);
	f->runs = from->runs;
	from->runs = NULL;
	return 0;
}

int facts_join(struct facts *f, struct facts *from)
{
	struct facts first;
	int rc = join_runs(f, from);

	if (rc || f->n || f->keys.n || f->texts.n || f->workers.n) {
		rc = rc ? rc : append(f, from);
		facts_done(from);
		return rc;
	}
	/* the first to come brings everything */
	first = *from;
	first.runs = f->runs;
	first.full = f->full;
	first.full_arg = f->full_arg;
	free(f->v);
	*f = first;
	facts_init(from, f->rules);
	return 0;
}

/* ---- order ---- */

static int compare_facts(const void *pa, const void *pb)
{
	const struct fact *a = pa, *b = pb;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	if (a->part != b->part || a->means != b->means)
		return a->part != b->part ? a->part - b->part : a->means - b->means;
	/* moments of one line */
	return a->means != MEANS_MOMENT || a->arg[0].ns == b->arg[0].ns ? 0 : a->arg[0].ns < b->arg[0].ns ? -1 : 1;
}

/* The facts of one transaction: nearly always in order already, since one log says what happens to it. */
static void sort_one(struct fact *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (compare_facts(&v[i - 1], &v[i]) > 0) {
			qsort(v, n, sizeof *v, compare_facts);
			return;
		}
}

/* Facts whose key is a rank below n, by (key, time, event, part): each goes where the facts of lower ranks end, then
 * what is of one rank is sorted. */
static int sort_facts(struct fact **v, size_t facts, size_t *room, uint32_t n)
{
	size_t *start = calloc((size_t)n + 2, sizeof *start);
	struct fact *out = malloc((facts + 1) * sizeof *out);

	if (!start || !out) {
		free(start);
		free(out);
		return -ENOMEM;
	}
	for (size_t i = 0; i < facts; i++)
		start[(*v)[i].key + 2]++;
	for (uint32_t k = 1; k <= n; k++)
		start[k + 1] += start[k];
	/* start[k + 1] is where rank k begins; while facts are placed it moves on to where rank k + 1 does */
	for (size_t i = 0; i < facts; i++)
		out[start[(*v)[i].key + 1]++] = (*v)[i];
	for (uint32_t k = 0; k < n; k++)
		sort_one(out + start[k], start[k + 1] - start[k]);
	free(start);
	free(*v);
	*v = out;
	*room = facts + 1;
	return 0;
}

static int compare_keys(const void *pa, const void *pb, void *arg)
{
	const struct facts *f = arg;
	struct slice a = f->keys.text[*(const uint32_t *)pa], b = f->keys.text[*(const uint32_t *)pb];

	return slice_compare(a, b);
}

int facts_sort(struct facts *f)
{
	uint32_t n = f->keys.n, *by_rank = malloc((n + 1) * sizeof *by_rank), *rank = malloc((n + 1) * sizeof *rank);

	if (!by_rank || !rank) {
		free(by_rank);
		free(rank);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		by_rank[i] = i;
	qsort_r(by_rank, n, sizeof *by_rank, compare_keys, f);
	for (uint32_t i = 0; i < n; i++)
		rank[by_rank[i]] = i;
	for (size_t i = 0; i < f->n; i++)
		f->v[i].key = rank[f->v[i].key];
	free(rank);
	free(f->by_rank);
	f->by_rank = by_rank;
	return sort_facts(&f->v, f->n, &f->room, n);
}
