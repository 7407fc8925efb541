/* SPDX-License-Identifier: GPL-3.0-or-later */
/* causes.c - see causes.h
 *
 * Everything that is wanted of a value adds up over its columns: a column is one value of a name, or one step of a
 * condition; "at least" and "less than" are sums of steps. Attributes have nothing to do with each other until their
 * tests are put together: threads share them. */
#include "query/why/causes.h"
#include "base/array.h"
#include "base/threads.h"
#include "query/why/chance.h"
#include "query/why/expected.h"
#include "query/why/stretches.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What explains the same as something that was there before it ranks behind it. */
static const double weights[] = {
    [ATTRIBUTE_GIVEN] = 1, [ATTRIBUTE_CONDITION] = 0.75, [ATTRIBUTE_COMPANY] = 0.65, [ATTRIBUTE_OUTCOME] = 0.5};

/* Of the slow requests that have a cause, this share makes it another's. */
#define UNDER 0.7

struct test {
	struct cause cause;
	double p;
};

/* What was tested of one attribute, and then of all. */
struct tests {
	struct test *v;
	size_t n, room;
	size_t hypotheses; /* tests, and those that too few requests spoke for */
};

struct finder {
	const struct requests *r;
	const struct excess *e;
	const struct attributes *as;
	struct stretches s;
	struct spreads spreads;
	double excess;    /* of all slow requests that took longer than the others, ns */
	uint8_t *stratum; /* by request */
	double *beyond;   /* by request: slow or not, minus its stratum's share of slow ones */
	struct tests *of; /* by attribute */
	struct tests all;
};

/* One attribute's columns. */
struct columns {
	const struct attribute *a;
	uint32_t *of;               /* by code: column + 1; 0: none */
	uint32_t n;                 /* columns */
	uint32_t *code;             /* by column */
	uint32_t *all, *slow;       /* by column */
	double *excess;             /* by column */
	uint32_t *in_all, *in_slow; /* by stratum, then column */
	double *sum;                /* by stretch, then column */
	double *expected;           /* by function; NULL: not the function's own */
};

static void columns_done(struct columns *c)
{
	free(c->of);
	free(c->code);
	free(c->all);
	free(c->slow);
	free(c->excess);
	free(c->in_all);
	free(c->in_slow);
	free(c->sum);
	free(c->expected);
}

/* Which values have enough slow requests to be looked at; the others count as hypotheses, so that what was chosen by
 * its slow requests is not taken for what was chosen before. */
static int choose(const struct finder *f, struct tests *to, struct columns *c)
{
	uint32_t n = c->a->ncodes, *all = calloc((size_t)n + 1, sizeof *all),
	         *slow = calloc((size_t)n + 1, sizeof *slow);

	c->of = calloc((size_t)n + 1, sizeof *c->of);
	c->code = calloc((size_t)n + 1, sizeof *c->code);
	for (uint32_t i = 0; all && slow && i < f->r->n; i++) {
		uint32_t code = attribute_at(c->a, i);

		all[code]++;
		slow[code] += f->e->slow[i];
	}
	for (uint32_t k = 1; all && slow && c->of && c->code && k < n; k++) {
		to->hypotheses += !c->a->steps && all[k] >= CAUSE_LEAST && all[k] < f->r->n;
		if (c->a->steps || (slow[k] >= CAUSE_LEAST && all[k] < f->r->n)) {
			c->code[c->n] = k;
			c->of[k] = ++c->n;
		}
	}
	to->hypotheses += c->a->steps ? (size_t)c->a->ncuts : 0;
	n = all && slow && c->of && c->code ? 0 : 1;
	free(all);
	free(slow);
	return n ? -ENOMEM : 0;
}

/* What each function would come to, of an attribute that is its own. */
static int expect(const struct finder *f, struct columns *c)
{
	uint32_t n = f->r->functions.n, *value = calloc((size_t)n + 1, sizeof *value);

	c->expected = calloc((size_t)n + 1, sizeof *c->expected);
	if (value && c->expected) {
		for (uint32_t i = 0; i < f->r->n; i++)
			value[request_function(f->r, i)] = attribute_at(c->a, i);
		spreads_expect(&f->spreads, f->e->over_ns, value, c->expected);
	}
	free(value);
	return value && c->expected ? 0 : -ENOMEM;
}

static void add_up(const struct finder *f, struct columns *c)
{
	const uint8_t *slow = f->e->slow;

	for (uint32_t i = 0; i < f->r->n; i++) {
		uint32_t k = c->of[attribute_at(c->a, i)];
		double *sum = &c->sum[(size_t)f->s.of[i] * c->n];
		size_t in = (size_t)f->stratum[i] * c->n;

		if (!k--)
			continue;
		c->all[k]++;
		c->in_all[in + k]++;
		if (slow[i]) {
			c->slow[k]++;
			c->excess[k] += f->e->ns[i];
			c->in_slow[in + k]++;
		}
		if (!c->expected)
			sum[k] += f->beyond[i];
		else if (!isnan(c->expected[request_function(f->r, i)]))
			sum[k] += slow[i] - c->expected[request_function(f->r, i)];
	}
}

static int fill(const struct finder *f, struct columns *c)
{
	size_t n = (size_t)c->n + 1;
	const struct stretches *s = &f->s;

	c->all = calloc(n, sizeof *c->all);
	c->slow = calloc(n, sizeof *c->slow);
	c->excess = calloc(n, sizeof *c->excess);
	c->in_all = calloc(n * (s->nstrata + 1), sizeof *c->in_all);
	c->in_slow = calloc(n * (s->nstrata + 1), sizeof *c->in_slow);
	c->sum = calloc(n * s->n, sizeof *c->sum);
	if (!c->all || !c->slow || !c->excess || !c->in_all || !c->in_slow || !c->sum)
		return -ENOMEM;
	add_up(f, c);
	return 0;
}

/* The columns from `from` to before `to` as one value. */
struct value {
	uint32_t from, to;
	uint32_t all, slow;
	double excess;
	double same; /* its share among the others, each function's weighing as among the slow */
};

static void add_columns(const struct finder *f, const struct columns *c, struct value *v, double *share)
{
	const struct stretches *s = &f->s;
	double weighed = 0;

	for (uint32_t k = v->from; k < v->to; k++) {
		v->all += c->all[k];
		v->slow += c->slow[k];
		v->excess += c->excess[k];
	}
	for (uint32_t t = 0; t < s->nstrata; t++) {
		uint32_t all = 0, slow = 0;

		for (uint32_t k = v->from; k < v->to; k++) {
			all += c->in_all[(size_t)t * c->n + k];
			slow += c->in_slow[(size_t)t * c->n + k];
		}
		share[t] = s->count[t] ? (double)all / s->count[t] : 0;
		if (s->count[t] == s->slow[t] || c->expected)
			continue;
		weighed += s->slow[t];
		v->same += s->slow[t] * (double)(all - slow) / (s->count[t] - s->slow[t]);
	}
	v->same = weighed > 0 ? v->same / weighed : 0;
}

/* Of an attribute that is the function's own: which share of the slow ones it would have by the other functions'
 * spread. */
static double expected_share(const struct finder *f, const struct columns *c, const struct value *v)
{
	double sum = 0;

	for (uint32_t b = 0; b < f->s.n; b++)
		for (uint32_t k = v->from; k < v->to; k++)
			sum += c->sum[(size_t)b * c->n + k];
	return (v->slow - sum) / (f->e->nslow ? f->e->nslow : 1);
}

/* The sum over the stretches of what they have beyond expectation, and how surely it is not zero. */
static double p_value(const struct finder *f, const struct columns *c, const struct value *v, const double *share)
{
	const struct stretches *s = &f->s;
	double sum = 0, size = 0, squares = 0;

	for (uint32_t b = 0; b < s->n; b++) {
		double u = 0;

		for (uint32_t k = v->from; k < v->to; k++)
			u += c->sum[(size_t)b * c->n + k];
		for (uint32_t t = 0; t < s->nstrata && !c->expected; t++)
			u -= share[t] * s->beyond[(size_t)b * s->nstrata + t];
		sum += u;
		size += fabs(u);
		squares += u * u;
	}
	if (squares <= 0 || size * size / squares < 2)
		return 1;
	return chance_t_above(sum / sqrt(squares), size * size / squares - 1);
}

static int test(const struct finder *f, struct tests *tests, const struct columns *c, uint32_t from, uint32_t to,
                struct cause cause)
{
	uint32_t nslow = f->e->nslow, others = f->r->n - nslow;
	double share[f->s.nstrata + 1], raw;
	struct value v = {.from = from, .to = to};
	struct test *t;

	add_columns(f, c, &v, share);
	if (v.slow < CAUSE_LEAST)
		return 0;
	t = array_add(tests->v, tests->n, tests->room);
	if (!t)
		return -ENOMEM;
	raw = others ? (double)(v.all - v.slow) / others : 0;
	if (c->expected)
		v.same = expected_share(f, c, &v);
	cause.of = c->a;
	cause.slow = v.slow;
	cause.slow_share = (double)v.slow / nslow;
	cause.others_share = raw > v.same ? raw : v.same;
	cause.explains_ns =
	    cause.slow_share > cause.others_share ? v.excess * (1 - cause.others_share / cause.slow_share) : 0;
	cause.weight = cause.explains_ns * weights[c->a->order];
	cause.under = SIZE_MAX;
	*t = (struct test){cause, p_value(f, c, &v, share)};
	return 0;
}

/* A cut parts the requests in two: one side has more of the slow ones, and two chances to do so. */
static int test_cut(const struct finder *f, struct tests *to, const struct columns *c, uint32_t cut)
{
	size_t before = to->n;
	int rc = test(f, to, c, cut + 1, c->n, (struct cause){.code = cut});
	double p = to->n > before ? to->v[to->n - 1].p : 1;

	if (!rc && p > 0.5) {
		to->n = before;
		rc = test(f, to, c, 0, cut + 1, (struct cause){.code = cut, .less = true});
	}
	if (!rc && to->n > before)
		to->v[to->n - 1].p = fmin(1, 2 * to->v[to->n - 1].p);
	return rc;
}

static int test_attribute(void *arg, size_t i)
{
	const struct finder *f = arg;
	const struct attribute *a = &f->as->v[i];
	struct tests *to = &f->of[i];
	struct columns c = {.a = a};
	int rc = choose(f, to, &c);

	if (!rc && c.n && a->of_function)
		rc = expect(f, &c);
	if (!rc && c.n)
		rc = fill(f, &c);
	for (uint32_t k = 0; c.n && !rc && k < (a->steps ? (uint32_t)a->ncuts : c.n); k++)
		rc = a->steps ? test_cut(f, to, &c, k) : test(f, to, &c, k, k + 1, (struct cause){.code = c.code[k]});
	columns_done(&c);
	return rc;
}

/* The tests of all attributes, in the order of these. */
static int gather(struct finder *f)
{
	for (size_t i = 0; i < f->as->n; i++) {
		const struct tests *of = &f->of[i];

		f->all.hypotheses += of->hypotheses;
		if (array_reserve(f->all.v, f->all.room, f->all.n + of->n))
			return -ENOMEM;
		if (of->n)
			memcpy(f->all.v + f->all.n, of->v, of->n * sizeof *of->v);
		f->all.n += of->n;
	}
	return 0;
}

/* What all of them need of each request. */
static int place_requests(struct finder *f)
{
	const struct stretches *s = &f->s;

	f->stratum = malloc((size_t)f->r->n + 1);
	f->beyond = malloc(((size_t)f->r->n + 1) * sizeof *f->beyond);
	if (!f->stratum || !f->beyond)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->r->n; i++) {
		uint32_t t = s->stratum[request_function(f->r, i)];

		f->stratum[i] = (uint8_t)t;
		f->beyond[i] = f->e->slow[i] - (double)s->slow[t] / s->count[t];
	}
	return 0;
}

static int test_all(struct finder *f)
{
	int rc = place_requests(f);

	f->of = rc ? NULL : calloc(f->as->n + 1, sizeof *f->of);
	if (!f->of)
		return -ENOMEM;
	rc = threads_each(f->as->n, test_attribute, f);
	return rc ? rc : gather(f);
}

static void finder_done(struct finder *f)
{
	for (size_t i = 0; f->of && i < f->as->n; i++)
		free(f->of[i].v);
	free(f->of);
	free(f->all.v);
	free(f->stratum);
	free(f->beyond);
	stretches_done(&f->s);
	spreads_done(&f->spreads);
}

/* ---- which of them are causes ---- */

static bool claimed(const struct finder *f, const struct cause *c, bool unproven)
{
	double lift = c->of->of_function ? CAUSE_LIFT_OF_FUNCTION : CAUSE_LIFT;

	return (unproven || c->q <= CAUSE_Q) && c->slow_share >= lift * c->others_share && c->explains_ns > 0 &&
	       c->explains_ns >= CAUSE_EXPLAINS * f->excess;
}

/* Of a condition only its best cut. */
static bool better_cut(const struct causes *out, const struct cause *c)
{
	for (size_t i = 0; i < out->n; i++) {
		struct cause *other = &out->v[i];

		if (other->of != c->of || !c->of->steps)
			continue;
		if (c->weight > other->weight)
			*other = *c;
		return false;
	}
	return true;
}

static int claim(struct finder *f, struct causes *out)
{
	double *p = malloc((f->all.n + 1) * sizeof *p), *q = malloc((f->all.n + 1) * sizeof *q);
	size_t *order = malloc((f->all.n + 1) * sizeof *order);
	int rc = p && q && order ? 0 : -ENOMEM;

	for (size_t i = 0; i < f->all.n && !rc; i++)
		p[i] = f->all.v[i].p;
	if (!rc)
		chance_adjust(p, f->all.n, f->all.hypotheses, q, order);
	for (size_t i = 0; i < f->all.n && !rc; i++) {
		struct cause *c = &f->all.v[i].cause;

		c->q = q[i];
		if (!claimed(f, c, out->unproven) || !better_cut(out, c))
			continue;
		if (array_reserve(out->v, out->room, out->n + 1))
			rc = -ENOMEM;
		else
			out->v[out->n++] = *c;
	}
	free(p);
	free(q);
	free(order);
	return rc;
}

/* How many of the slow requests a cold start of one thing would have if those of the other functions told how far cold
 * starts lie from a function's median. */
static int expect_cold(const struct finder *f, const struct cause *c, double *out)
{
	uint32_t n = f->r->functions.n, *value = calloc((size_t)n + 1, sizeof *value);
	double *share = calloc((size_t)n + 1, sizeof *share);
	struct spreads cold;
	int rc = spreads_make(f->r, c->of, &cold);

	*out = 0;
	if (!value || !share)
		rc = -ENOMEM;
	for (uint32_t i = 0; i < f->r->n && !rc; i++)
		if (attribute_at(c->of, i))
			value[request_function(f->r, i)] = attribute_at(c->of, i);
	if (!rc) {
		memcpy(cold.median, f->spreads.median, n * sizeof *cold.median);
		spreads_expect(&cold, f->e->over_ns, value, share);
	}
	for (uint32_t k = 0; k < n && !rc; k++)
		if (value[k] == c->code && !isnan(share[k]))
			*out += share[k] * (cold.begin[k + 1] - cold.begin[k]);
	spreads_done(&cold);
	free(value);
	free(share);
	return rc;
}

/* A cold start of one thing is a cause of its own where it is worse than cold starts of others; else it follows from
 * what made them cold. */
static int weigh_cold(const struct finder *f, struct causes *out)
{
	int rc = 0;

	for (size_t i = 0; i < out->n && !rc; i++) {
		struct cause *c = &out->v[i];
		double expected;

		if (!c->of->cold)
			continue;
		rc = expect_cold(f, c, &expected);
		if (c->slow < CAUSE_LIFT * expected)
			c->weight = c->explains_ns * weights[ATTRIBUTE_OUTCOME];
	}
	return rc;
}

static int by_weight(const void *a, const void *b)
{
	const struct cause *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	if (x->others_share != y->others_share)
		return x->others_share < y->others_share ? -1 : 1;
	return x->of != y->of ? (x->of > y->of) - (x->of < y->of) : (x->code > y->code) - (x->code < y->code);
}

bool cause_holds(const struct cause *c, uint32_t i)
{
	uint32_t code = attribute_at(c->of, i);

	if (!c->of->steps)
		return code == c->code;
	return code && (code > c->code + 1) != c->less;
}

/* Whether a has most of the slow requests of b. slow: which n are slow. */
static bool covers(const struct cause *a, const struct cause *b, const uint32_t *slow, uint32_t n)
{
	uint32_t both = 0;

	for (uint32_t i = 0; i < n; i++)
		both += cause_holds(a, slow[i]) && cause_holds(b, slow[i]);
	return both >= UNDER * b->slow;
}

static void find_covered(const uint32_t *slow, uint32_t n, struct causes *out)
{
	for (size_t i = 0; i < out->n; i++) {
		out->v[i].under = SIZE_MAX;
		for (size_t j = 0; j < i && out->v[i].under == SIZE_MAX; j++)
			if (out->v[j].under == SIZE_MAX && covers(&out->v[j], &out->v[i], slow, n))
				out->v[i].under = j;
	}
}

/* ---- what has a limit ----
 *
 * What runs out makes requests wait, and changes what else can be counted: where memory is short there are few
 * containers. Both are true at nearly the same moments, and which of them explains more is chance. So what is near its
 * limit goes before what has none, unless the latter explains more beyond chance. */

static bool near_limit(const struct cause *c)
{
	return c->of->limited && !c->less;
}

/* Whether b, which stands under a, may lead their group instead. */
static bool may_lead(const struct cause *b, const struct cause *a, const uint32_t *slow, uint32_t n)
{
	return near_limit(b) && b->of->order == a->of->order && covers(b, a, slow, n);
}

static int explains_more(const struct finder *f, const struct cause *a, const struct cause *b, bool *more)
{
	uint8_t *has = malloc((size_t)f->r->n + 1);
	int rc;

	if (!has)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->r->n; i++)
		has[i] = (uint8_t)(cause_holds(a, i) | cause_holds(b, i) << 1);
	rc = stretches_more(&f->s, f->r, f->e, has, more);
	free(has);
	return rc;
}

static void move(struct causes *c, size_t from, size_t to)
{
	struct cause x = c->v[from];

	memmove(&c->v[to + 1], &c->v[to], (from - to) * sizeof x);
	c->v[to] = x;
}

/* Of the group that cause i leads: the first that may lead it. */
static int find_leader(const struct finder *f, const uint32_t *slow, struct causes *c, size_t i)
{
	const struct cause *a = &c->v[i];
	int rc = 0;

	if (a->under != SIZE_MAX || !a->of->steps || near_limit(a))
		return 0;
	for (size_t k = i + 1; k < c->n && !rc; k++) {
		bool more;

		if (c->v[k].under != i || !may_lead(&c->v[k], a, slow, f->e->nslow))
			continue;
		rc = explains_more(f, a, &c->v[k], &more);
		if (!rc && !more) {
			move(c, k, i);
			break;
		}
	}
	return rc;
}

/* From the last group to the first: what is moved is behind those that are still to be looked at. */
static int put_limits_first(const struct finder *f, const uint32_t *slow, struct causes *c)
{
	int rc = 0;

	find_covered(slow, f->e->nslow, c);
	for (size_t i = c->n; i-- && !rc;)
		rc = find_leader(f, slow, c, i);
	return rc;
}

/* Those that a stronger one covers stand under it, behind it. */
static int group(const uint32_t *slow, uint32_t nslow, struct causes *out)
{
	struct cause *v = malloc((out->n + 1) * sizeof *v);
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	find_covered(slow, nslow, out);
	for (size_t i = 0; i < out->n; i++) {
		size_t head = n;

		if (out->v[i].under != SIZE_MAX)
			continue;
		v[n++] = out->v[i];
		for (size_t j = i + 1; j < out->n; j++)
			if (out->v[j].under == i) {
				v[n] = out->v[j];
				v[n++].under = head;
			}
	}
	free(out->v);
	out->v = v;
	return 0;
}

static int rank(const struct finder *f, struct causes *out)
{
	uint32_t *slow = malloc(((size_t)f->e->nslow + 1) * sizeof *slow), n = 0;
	int rc;

	if (!slow)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->r->n; i++)
		if (f->e->slow[i])
			slow[n++] = i;
	qsort(out->v, out->n, sizeof *out->v, by_weight);
	rc = put_limits_first(f, slow, out);
	if (!rc)
		rc = group(slow, n, out);
	free(slow);
	return rc;
}

int causes_find(const struct requests *r, const struct excess *e, const struct attributes *as, struct causes *out)
{
	struct finder f = {.r = r, .e = e, .as = as};
	int rc = stretches_make(r, e, &f.s);

	*out = (struct causes){.stretches = f.s.with_slow, .stretch_ns = f.s.ns};
	if (!rc)
		rc = spreads_make(r, NULL, &f.spreads);
	for (uint32_t i = 0; i < r->n && !rc; i++)
		f.excess += e->ns[i] > 0 ? e->ns[i] : 0;
	if (!rc && e->nslow >= CAUSE_LEAST)
		rc = test_all(&f);
	if (!rc)
		rc = claim(&f, out);
	if (!rc && !out->n && out->stretches < CAUSE_STRETCHES) {
		out->unproven = true;
		rc = claim(&f, out);
	}
	if (!rc)
		rc = weigh_cold(&f, out);
	if (!rc && out->n)
		rc = rank(&f, out);
	out->tests = (uint32_t)f.all.hypotheses;
	finder_done(&f);
	return rc;
}

void causes_done(struct causes *c)
{
	free(c->v);
}

const char *cause_value(const struct cause *c, struct text *buf)
{
	text_reset(buf);
	if (!c->of->steps)
		return c->of->values.text[c->code - 1].ptr;
	text_printf(buf, "%s %.6g", c->less ? "<" : ">=", c->of->cut[c->code]);
	return text_str(buf);
}
