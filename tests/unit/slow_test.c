/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `slow` rests on: exact sums of the excess, probabilities, what is a cause and what is not. */
#include "query/requests/arrivals.h"
#include "query/why/causes.h"
#include "query/why/chance.h"
#include "query/why/typical.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint64_t state = 88172645463325252u;

static double unit(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) / 9007199254740992.0;
}

/* ---- requests that are made up ---- */

enum { N = 8000, PHASES = 3 };

static void put(struct requests *r, enum request_column column, uint32_t i, int64_t x)
{
	assert_int_equal(narrow_put(&r->column[column], i, x), 0);
}

static void put_moment(struct requests *r, enum request_column which, uint32_t i, int64_t ns)
{
	put(r, which, i, moment_code(ns, moments_from(request_began(r, i))));
}

/* n requests of so many functions, a second apart, in three phases. */
static void make(struct requests *r, uint32_t n, uint32_t functions)
{
	static const char *const phases[PHASES] = {"queue", "start", "run"};
	char name[16];
	uint32_t number;

	*r = (struct requests){.kind = calloc(functions, sizeof *r->kind), .n = n};
	for (uint32_t k = 0; k < PHASES; k++)
		assert_int_equal(intern_add(&r->phases, (struct slice){phases[k], strlen(phases[k])}, &number), 0);
	for (uint32_t f = 0; f < functions; f++) {
		r->kind[f].function = f;
		assert_int_equal(
		    intern_add(&r->functions, (struct slice){name, (size_t)sprintf(name, "f%u", f)}, &number), 0);
	}
	assert_int_equal(intern_add(&r->runs, SLICE("1"), &number), 0);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t function = (uint32_t)(unit() * functions);
		int64_t sum = 0;

		put(r, REQUEST_KIND, i, function);
		put(r, REQUEST_BEGAN, i, moment_code((int64_t)i * 1000000000, r->base_ns));
		put_moment(r, REQUEST_ARRIVED, i, (int64_t)i * 1000000000);
		for (enum request_column c = REQUEST_REMOVED; c <= REQUEST_ENDED; c++)
			put_moment(r, c, i, 0);
		put(r, REQUEST_LOAD, i, 0);
		put(r, REQUEST_TID, i, (int64_t)r->tids.len);
		text_add(&r->tids, name, (size_t)sprintf(name, "t%u", i) + 1);
		for (uint32_t k = 0; k < PHASES; k++) {
			put(r, REQUEST_OF_PHASE + k, i,
			    (int64_t)((k + 1) * (function + 1) * 1e6 * (0.8 + 0.4 * unit())));
			sum += request_phase(r, i, k);
		}
		put(r, REQUEST_NS, i, sum);
	}
}

static void longer(struct requests *r, uint32_t i, int64_t ns)
{
	put(r, REQUEST_OF_PHASE + 2, i, request_phase(r, i, 2) + ns);
	put(r, REQUEST_NS, i, request_ns(r, i) + ns);
}

/* What a moment is told by, whichever it is and counts from. */
static void moments_come_back(void **unused)
{
	static const int64_t ns[] = {NO_NS, NO_NS + 1, -7, 0, 1, 1700000000000000000, INT64_MAX};

	(void)unused;
	for (size_t i = 0; i < sizeof ns / sizeof *ns; i++)
		for (size_t k = 1; k < sizeof ns / sizeof *ns; k++)
			assert_true(moment_of_code(moment_code(ns[i], ns[k]), ns[k]) == ns[i]);
}

static void excess_adds_up(void **unused)
{
	struct requests r;
	struct excess e;
	int64_t sum = 0;
	double exact = 0;

	(void)unused;
	make(&r, 999, 3);
	for (uint32_t i = 0; i < 999; i += 10)
		longer(&r, i, 7654321);
	assert_int_equal(excess_make(&r, 10000000, &e), 0);
	for (uint32_t k = 0; k < PHASES; k++)
		sum += e.phase_ns[k];
	assert_true(sum == e.total_ns);
	for (uint32_t i = 0; i < 999; i++)
		exact += e.ns[i];
	assert_true(fabs(exact - (double)e.total_ns) <= 3);
	excess_done(&e);
	requests_done(&r);
}

/* A century of waiting a million times is more than 64 bits hold; a function without others has no excess. */
static void excess_at_the_ends(void **unused)
{
	struct requests r;
	struct excess e;

	(void)unused;
	make(&r, 10, 1);
	for (uint32_t i = 0; i < 5; i++)
		longer(&r, i, INT64_MAX / 4);
	assert_int_equal(excess_make(&r, 1000000000, &e), 0);
	assert_true(e.nslow == 5 && e.total_ns == INT64_MAX);
	excess_done(&e);
	assert_int_equal(excess_make(&r, 0, &e), 0);
	assert_true(e.nslow == 10 && e.nalone == 10 && e.total_ns == 0);
	excess_done(&e);
	requests_done(&r);
}

static void typical_is_in_the_middle(void **unused)
{
	struct requests r;
	struct excess e;
	uint32_t slow, fast;

	(void)unused;
	make(&r, 300, 1);
	for (uint32_t i = 0; i < 5; i++)
		longer(&r, i * 60, (int64_t)(i + 1) * 1000000000);
	assert_int_equal(excess_make(&r, 500000000, &e), 0);
	assert_int_equal(typical_find(&r, &e, &slow, &fast), 0);
	assert_int_equal(slow, 120);
	assert_false(e.slow[fast]);
	assert_string_equal(request_tid(&r, slow), "t120");
	excess_done(&e);
	requests_done(&r);
}

/* ---- chance ---- */

static void tails_are_students(void **unused)
{
	static const struct {
		double x, df, p;
	} rows[] = {{0, 5, 0.5},
	            {1, 1, 0.25},
	            {6.313751514675, 1, 0.05},
	            {2.015048372669, 5, 0.05},
	            {2.763769457447, 10, 0.01},
	            {-1, 1, 0.75},
	            {3.2905267, 1e7, 0.0005}};

	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		double p = chance_t_above(rows[i].x, rows[i].df);

		if (fabs(p - rows[i].p) > 1e-6)
			fail_msg("row %zu: %g instead of %g", i, p, rows[i].p);
	}
}

static void claims_are_adjusted(void **unused)
{
	static const double p[] = {0.04, 0.001, 0.02, 0.5}, want[] = {0.08 * 5 / 6, 0.005, 0.05, 0.625};
	double q[4];
	size_t order[4];

	(void)unused;
	chance_adjust(p, 4, 5, q, order);
	for (int i = 0; i < 4; i++)
		assert_true(fabs(q[i] - want[i]) < 1e-12);
}

/* ---- causes ---- */

/* An attribute with as many values, drawn. */
static struct attribute *drawn(struct attributes *a, const char *what, uint32_t n, int values)
{
	struct attribute *x = attribute_add(a, what, ATTRIBUTE_GIVEN, n);
	char name[16];

	assert_non_null(x);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(
		    attribute_put(x, i,
		                  (struct slice){name, (size_t)sprintf(name, "%s%d", what, (int)(unit() * values))}),
		    0);
	return x;
}

static void find(struct requests *r, struct attributes *a, int64_t over_ns, struct causes *c)
{
	struct excess e;

	assert_int_equal(excess_make(r, over_ns, &e), 0);
	assert_int_equal(causes_find(r, &e, a, c), 0);
	excess_done(&e);
}

/* Half of what one worker does is slow, and a condition goes with the worker. */
static void a_cause_is_found(void **unused)
{
	struct requests r;
	struct attributes a = {0};
	struct causes c;
	struct attribute *worker;
	float *load = calloc(N, sizeof *load);
	struct text buf = {0};

	(void)unused;
	make(&r, N, 4);
	worker = drawn(&a, "worker", N, 8);
	for (uint32_t i = 0; i < N; i++) {
		bool bad = slice_is(worker->values.text[attribute_at(worker, i) - 1], "worker3");

		load[i] = (float)(unit() + (bad ? 0.5 : 0));
		if (bad && unit() < 0.5)
			longer(&r, i, 900000000);
	}
	drawn(&a, "color", N, 6);
	assert_int_equal(attribute_add_condition(&a, "load", ATTRIBUTE_CONDITION, load, N), 0);
	find(&r, &a, 500000000, &c);
	assert_true(c.n >= 1);
	assert_string_equal(c.v[0].of->what, "worker");
	assert_string_equal(cause_value(&c.v[0], &buf), "worker3");
	assert_true(c.v[0].slow_share == 1 && c.v[0].others_share < 0.1 && c.v[0].q < 1e-6 && c.v[0].under == SIZE_MAX);
	for (size_t i = 1; i < c.n; i++) {
		assert_string_equal(c.v[i].of->what, "load");
		assert_true(c.v[i].under == 0);
	}
	text_done(&buf);
	causes_done(&c);
	attributes_done(&a);
	requests_done(&r);
	free(load);
}

/* Chance alone claims nothing in nineteen of twenty; nor does one event, though it has a hundred slow requests of one
 * worker. */
static void chance_is_no_cause(void **unused)
{
	int claims = 0;

	(void)unused;
	for (int round = 0; round < 40; round++) {
		struct requests r;
		struct attributes a = {0};
		struct causes c;
		struct attribute *worker;

		make(&r, N / 4, 4);
		worker = drawn(&a, "worker", r.n, 4);
		drawn(&a, "color", r.n, 10);
		for (uint32_t i = 0; i < r.n; i++)
			if (round % 2 ? unit() < 0.05 : i >= 400 && i < 480 && attribute_at(worker, i) < 3)
				longer(&r, i, INT64_C(9000000000));
		find(&r, &a, 500000000, &c);
		claims += c.n > 0 && !c.unproven;
		assert_true(!c.unproven || c.stretches < CAUSE_STRETCHES);
		causes_done(&c);
		attributes_done(&a);
		requests_done(&r);
	}
	assert_in_range(claims, 0, 2);
}

/* The function that is longest is no cause; one that is longer than the others' spread makes it is. */
static void a_function_is_judged_by_the_others(void **unused)
{
	(void)unused;
	for (int bad = 0; bad < 2; bad++) {
		struct requests r;
		struct attributes a = {0};
		struct causes c;
		struct attribute *function;

		make(&r, N, 4);
		function = attribute_add(&a, "function", ATTRIBUTE_GIVEN, N);
		function->of_function = true;
		for (uint32_t i = 0; i < N; i++) {
			assert_int_equal(attribute_put(function, i, r.functions.text[request_function(&r, i)]), 0);
			if (unit() < 0.03 || (bad && !request_function(&r, i) && unit() < 0.2))
				longer(&r, i, request_ns(&r, i) * (bad && !request_function(&r, i) ? 20 : 2));
		}
		find(&r, &a, 40000000, &c);
		assert_int_equal(c.n, bad);
		causes_done(&c);
		attributes_done(&a);
		requests_done(&r);
	}
}

/* Where memory is short there are few containers, and who comes then is slow now and then. Of so many it is not seen by
 * the memory: it explains less, which is chance or not. */
static void what_has_a_limit_goes_first(void **unused)
{
	static const struct {
		bool limited;
		double unseen;
		const char *first;
	} rows[] = {{false, 0.03, "containers"}, {true, 0.03, "memory"}, {true, 0.2, "containers"}};

	(void)unused;
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		float *memory = calloc(N, sizeof *memory), *containers = calloc(N, sizeof *containers);
		struct attributes a = {0};
		struct requests r;
		struct causes c;

		state = 88172645463325252u;
		make(&r, N, 4);
		for (uint32_t i = 0; i < N; i++) {
			bool scarce = i % 200 < 40;

			containers[i] = scarce && unit() >= 0.02 ? 2 : 5;
			memory[i] = scarce && unit() >= rows[k].unseen ? 90 : 50;
			if (scarce && unit() < 0.3)
				longer(&r, i, 900000000);
		}
		assert_int_equal(attribute_add_condition(&a, "containers", ATTRIBUTE_CONDITION, containers, N), 0);
		assert_int_equal(attribute_add_condition(&a, "memory", ATTRIBUTE_CONDITION, memory, N), 0);
		a.v[1].limited = rows[k].limited;
		find(&r, &a, 500000000, &c);
		if (c.n != 2 || strcmp(c.v[0].of->what, rows[k].first) || c.v[1].under != 0)
			fail_msg("row %zu: %zu causes, %s first", k, c.n, c.n ? c.v[0].of->what : "nothing");
		causes_done(&c);
		attributes_done(&a);
		requests_done(&r);
		free(memory);
		free(containers);
	}
}

/* How many others of the same worker came before request i, or at least began then, and are not over. */
static float under_way(const struct requests *r, uint32_t i, bool failing)
{
	int64_t at = request_moment(r, i, REQUEST_ARRIVED);
	int n = 0;

	for (uint32_t k = 0; k < r->n; k++)
		n += request_kind(r, k)->worker == request_kind(r, i)->worker &&
		     (!failing || request_kind(r, k)->attempts > 1) && request_moment(r, k, REQUEST_ARRIVED) < at &&
		     request_moment(r, k, REQUEST_ENDED) >= at;
	return (float)n;
}

static const struct attribute *condition(const struct attributes *a, const char *what)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->v[i].what, what))
			return &a->v[i];
	fail_msg("no condition %s", what);
	return NULL;
}

/* Those of one worker are not counted with the next one's, whichever of them is over last. */
static void company_is_of_the_same_worker(void **unused)
{
	static const char *const what[] = {"requests under way", "failures under way"};
	struct arrivals arrivals;
	struct attributes a = {0};
	struct requests r;

	(void)unused;
	make(&r, 600, 6);
	for (uint32_t k = 0; k < 6; k++)
		r.kind[k] = (struct request_kind){.worker = k % 3, .attempts = k < 3 ? 1 : 2};
	for (uint32_t i = 0; i < r.n; i++) {
		int64_t arrived = request_began(&r, i) + (i % 7 ? 0 : (int64_t)(unit() * 1e10));

		put(&r, REQUEST_KIND, i, (i < 500 && unit() < 0.3) * 3 + (int64_t)(unit() * 3));
		for (enum request_column c = REQUEST_ARRIVED; c <= REQUEST_STARTED; c++)
			put_moment(&r, c, i, arrived);
		put_moment(&r, REQUEST_ENDED, i, arrived + (int64_t)(unit() * 2e10));
	}
	assert_int_equal(arrivals_make(&r, &arrivals), 0);
	assert_int_equal(conditions_of_requests(&r, &arrivals, &a), 0);
	for (int k = 0; k < 2; k++) {
		const struct attribute *c = condition(&a, what[k]);

		for (uint32_t i = 0; i < r.n; i++) {
			float others = under_way(&r, i, k);
			uint8_t step = 1;

			for (int cut = 0; cut < c->ncuts; cut++)
				step += others >= c->cut[cut];
			if (c->step[i] != step)
				fail_msg("%s: request %u, %g others, is in step %u", what[k], i, others, c->step[i]);
		}
	}
	arrivals_done(&arrivals);
	attributes_done(&a);
	requests_done(&r);
}

static void cuts_are_in_order(void **unused)
{
	struct attributes a = {0};
	float v[1000], same[1000];

	(void)unused;
	for (int i = 0; i < 1000; i++) {
		v[i] = i < 800 ? (float)(i % 10) : 100;
		same[i] = 3;
	}
	v[5] = NAN;
	assert_int_equal(attribute_add_condition(&a, "same", ATTRIBUTE_CONDITION, same, 1000), 0);
	assert_int_equal(a.n, 0);
	assert_int_equal(attribute_add_condition(&a, "v", ATTRIBUTE_CONDITION, v, 1000), 0);
	for (int k = 1; k < a.v[0].ncuts; k++)
		assert_true(a.v[0].cut[k] > a.v[0].cut[k - 1]);
	assert_true(a.v[0].cut[a.v[0].ncuts - 1] == 100);
	assert_true(a.v[0].step[5] == 0 && a.v[0].step[0] == 1 && a.v[0].step[999] == a.v[0].ncuts + 1);
	attributes_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(moments_come_back),
	    cmocka_unit_test(excess_adds_up),
	    cmocka_unit_test(excess_at_the_ends),
	    cmocka_unit_test(typical_is_in_the_middle),
	    cmocka_unit_test(tails_are_students),
	    cmocka_unit_test(claims_are_adjusted),
	    cmocka_unit_test(a_cause_is_found),
	    cmocka_unit_test(chance_is_no_cause),
	    cmocka_unit_test(a_function_is_judged_by_the_others),
	    cmocka_unit_test(what_has_a_limit_goes_first),
	    cmocka_unit_test(company_is_of_the_same_worker),
	    cmocka_unit_test(cuts_are_in_order),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
