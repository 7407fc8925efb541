/* SPDX-License-Identifier: Apache-2.0 */
/* clock_deadlines_test.c - deadlines come back in the order (deadline, arrival), whatever was pushed when.
 *
 * Each row is a pattern of pushes and pops, compared with a plain list that is searched each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../liblog/clock/deadlines.h"

#include <ilu/clock.h>
#include <stdlib.h>

#define MOST 3000

static struct deadline list[MOST];
static size_t len;

static size_t earliest(void)
{
	size_t best = 0;

	for (size_t i = 1; i < len; i++)
		if (list[i].at_ns < list[best].at_ns ||
		    (list[i].at_ns == list[best].at_ns && list[i].arrival < list[best].arrival))
			best = i;
	return best;
}

static void push(struct deadlines *q, int64_t at_ns)
{
	static uint64_t arrivals;
	struct deadline d = {at_ns, ++arrivals, 0};

	d.item = arrivals << 4;
	assert_int_equal(deadlines_reserve(q), 0);
	deadlines_push(q, d);
	list[len++] = d;
}

static struct deadline pop(struct deadlines *q, const char *name)
{
	size_t i = earliest();
	struct deadline d = {0}, top = {0};

	assert_true(deadlines_top(q, &top));
	assert_true(deadlines_pop(q, &d));
	if (d.at_ns != list[i].at_ns || d.arrival != list[i].arrival || top.arrival != d.arrival ||
	    d.item != list[i].item)
		fail_msg("%s: %lld (%llu) instead of %lld (%llu)", name, (long long)d.at_ns,
		         (unsigned long long)d.arrival, (long long)list[i].at_ns, (unsigned long long)list[i].arrival);
	list[i] = list[--len];
	return d;
}

static bool odd(const struct deadline *d)
{
	return d->arrival & 1;
}

static void sweep(struct deadlines *q)
{
	size_t n = 0;

	deadlines_sweep(q, odd);
	for (size_t i = 0; i < len; i++)
		if (odd(&list[i]))
			list[n++] = list[i];
	len = n;
}

static const struct pattern {
	const char *name;
	size_t pending;     /* kept up by a push for each pop */
	uint64_t longest;   /* delays are below, from the last pop on */
	uint64_t step;      /* and multiples of that */
	unsigned short_one; /* each so many-th is a thousandth of that; 0: none */
	unsigned early;     /* each so many-th is before the last pop, as on real time; 0: none */
	bool sweeps;
} patterns[] = {
    {"none but one", 1, 1000, 1, 0, 0, false},
    {"few", 20, 1000000, 1, 0, 0, false},
    {"thirty-three", 33, 1000000000, 1, 0, 0, false},
    {"hundred", 100, 300000000000, 1, 0, 0, false},
    {"many", 2000, 1000000000, 1, 0, 0, false},
    {"all at few instants", 2000, 1000000000, 250000000, 0, 0, false},
    {"all at one instant", 500, 1, 1, 0, 0, false},
    {"ticks", 1000, 60000000000, 1000000, 0, 0, false},
    {"within nanoseconds", 2000, 50, 1, 0, 0, false},
    {"short among long", 1500, 86400000000000, 1, 2, 0, false},
    {"centuries", 1000, UINT64_C(1) << 62, 1, 3, 0, false},
    {"before what was last", 1000, 1000000000, 1, 0, 3, false},
    {"cancelled", 1500, 1000000000, 1, 5, 0, true},
};

static int64_t draw(const struct pattern *p, ilu_random *r, int64_t now, unsigned i)
{
	int64_t delay = (int64_t)(ilu_random_below(r, p->longest) / p->step * p->step), at;

	if (p->short_one && i % p->short_one == 0)
		delay /= 1000;
	if (p->early && i % p->early == 0)
		return now - delay;
	return __builtin_add_overflow(now, delay, &at) ? INT64_MAX : at;
}

static void test_patterns(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof patterns / sizeof *patterns; k++) {
		const struct pattern *p = &patterns[k];
		struct deadlines q = {0};
		int64_t now = 0;
		ilu_random r;

		ilu_random_seed(&r, k, "deadlines");
		for (unsigned i = 0; i < 6000; i++) {
			while (len < p->pending)
				push(&q, draw(p, &r, now, i++));
			now = pop(&q, p->name).at_ns;
			if (p->sweeps && i % 1000 == 999)
				sweep(&q);
			assert_int_equal(deadlines_len(&q), len);
		}
		while (len)
			pop(&q, p->name);
		assert_false(deadlines_pop(&q, &(struct deadline){0}));
		deadlines_done(&q);
	}
}

/* Pushed in order, against it, and the ends of time. */
static void test_orders(void **state)
{
	static const struct {
		const char *name;
		int64_t first, step;
	} rows[] = {
	    {"rising", 0, 7919},
	    {"falling", 1000000000, -100003},
	    {"below zero", -5000000000, 3333333},
	    {"the same", 77, 0},
	    {"last instants", INT64_MAX, -1},
	    {"first instants", INT64_MIN, 1},
	    {"last instant", INT64_MAX, 0},
	};

	(void)state;
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct deadlines q = {0};

		for (int64_t i = 0; i < MOST; i++)
			push(&q, rows[k].first + i * rows[k].step);
		while (len)
			pop(&q, rows[k].name);
		deadlines_done(&q);
	}
}

/* What lies ahead is told as far as it is known, and is true. */
static void test_ahead(void **state)
{
	struct deadlines q = {0};
	struct deadline d;
	uintptr_t next;
	size_t known = 0;
	ilu_random r;

	(void)state;
	ilu_random_seed(&r, 1, "ahead");
	for (int i = 0; i < MOST; i++)
		push(&q, (int64_t)ilu_random_below(&r, 1000000));
	while (len) {
		pop(&q, "ahead");
		next = deadlines_ahead(&q, 0);
		if (!next)
			continue;
		assert_true(deadlines_top(&q, &d));
		assert_int_equal(d.item, next);
		known++;
	}
	assert_true(known > MOST / 2);
	assert_int_equal(deadlines_ahead(&q, 0), 0);
	deadlines_done(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_patterns),
	    cmocka_unit_test(test_orders),
	    cmocka_unit_test(test_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
