/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Facts that went through a spool come back as if they had been sorted in memory: the same, in the same order, each
 * transaction whole in one share. Loose ones come back, too, and what is left of their transaction has its last
 * worker. */
#include "model/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { FACTS = 6000, HELD = 700, SHARE = 300, PARTS = 3 };

/* The i-th fact, always the same: some with a text, one of them very long, some with numbers, some with nothing. */
static void add_fact(struct facts *f, unsigned i)
{
	static const enum meaning means[] = {MEANS_CONTROLLER, MEANS_CPU_ESTIMATE, MEANS_ARRIVED, MEANS_ERROR,
	                                     MEANS_STARTED};
	unsigned r = i * 2654435761u >> 7;
	struct fact x = {.time_ns = r % 97, .id = i, .worker = UINT16_MAX, .means = (uint8_t)means[i % 5]};
	char tid[32], buf[64], *text = malloc(300000);
	uint32_t worker;

	assert_non_null(text);
	snprintf(tid, sizeof tid, "t%u", r % 301);
	if (r % 11 == 0)
		tid[0] = '\0';
	assert_int_equal(intern_add(&f->keys, fact_key(1 + r % 3, (struct slice){tid, strlen(tid)}, buf), &x.key), 0);
	if (r % 7) {
		snprintf(buf, sizeof buf, "worker_%u", r % 5);
		assert_int_equal(intern_add(&f->workers, (struct slice){buf, strlen(buf)}, &worker), 0);
		x.worker = (uint16_t)worker;
	}
	switch (means[i % 5]) {
	case MEANS_CONTROLLER:
	case MEANS_ERROR:
		memset(text, 'x', 300000);
		snprintf(text, 100, "text %u", r % 1000);
		x.arg[0].text = INTERN_NONE;
		if (r % 13)
			assert_int_equal(intern_add(&f->texts, (struct slice){text, i == 4003 ? 300000 : strlen(text)},
			                            &x.arg[0].text),
			                 0);
		break;
	case MEANS_CPU_ESTIMATE:
		x.arg[0].real = r;
		x.arg[1].real = 0.5;
		break;
	case MEANS_STARTED:
		x.arg[0].ns = FACT_NO_STAMP;
		x.arg[1].ns = -5;
		break;
	default:
		break;
	}
	free(text);
	assert_int_equal(facts_push(f, &x), 0);
}

static void check_same(const struct facts *a, const struct fact *x, const struct facts *b, const struct fact *y)
{
	const struct meaning_arg *arg = meaning_info(x->means)->arg;
	bool no_worker = x->worker == UINT16_MAX;

	assert_int_equal(x->id, y->id);
	assert_int_equal(x->time_ns, y->time_ns);
	assert_int_equal(x->means, y->means);
	assert_int_equal(no_worker, y->worker == UINT16_MAX);
	assert_true(no_worker || slice_same(a->workers.text[x->worker], b->workers.text[y->worker]));
	assert_true(slice_same(a->keys.text[a->by_rank[x->key]], b->keys.text[b->by_rank[y->key]]));
	for (int i = 0; i < 2; i++)
		if (arg[i].kind == ARG_TEXT) {
			assert_int_equal(x->arg[i].text == INTERN_NONE, y->arg[i].text == INTERN_NONE);
			assert_true(slice_same(fact_text(a, x->arg[i].text), fact_text(b, y->arg[i].text)));
		} else {
			assert_int_equal(x->arg[i].ns, y->arg[i].ns);
		}
}

/* One reading of all shares beside the facts in order. */
static void read_all(struct spool *s, struct facts *f, const struct facts *all)
{
	size_t at = 0;
	int rc;

	assert_int_equal(spool_rewind(s), 0);
	while ((rc = spool_next(s, f, SHARE)) == 1) {
		assert_true(f->n >= SHARE || at + f->n == all->n);
		for (size_t i = 0; i < f->n; i++, at++)
			check_same(all, &all->v[at], f, &f->v[i]);
		assert_true(at == all->n || all->v[at].key != all->v[at - 1].key);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(at, all->n);
}

static void comes_back_in_order(void **state)
{
	struct facts all, f, part[PARTS];
	struct spool *s, *of[PARTS];

	(void)state;
	facts_init(&all, NULL);
	facts_init(&f, NULL);
	assert_int_equal(spool_new("", &s), 0);
	for (unsigned p = 0; p < PARTS; p++) {
		facts_init(&part[p], NULL);
		assert_int_equal(spool_new(NULL, &of[p]), 0);
		for (unsigned i = p; i < FACTS; i += PARTS) {
			add_fact(&part[p], i);
			add_fact(&all, i);
			if (part[p].n == HELD)
				assert_int_equal(spool_put(of[p], &part[p]), 0);
		}
		assert_int_equal(spool_put(of[p], &part[p]), 0);
		assert_int_equal(part[p].n, 0);
		assert_int_equal(spool_adopt(s, &f, of[p], &part[p]), 0);
		facts_done(&part[p]);
	}
	assert_int_equal(facts_sort(&all), 0);
	read_all(s, &f, &all);
	read_all(s, &f, &all);
	spool_free(s);
	facts_done(&f);
	facts_done(&all);
}

/* The i-th fact of one transaction that removes containers, and now and then does something else; some know no worker.
 */
static void add_removal(struct facts *f, unsigned i)
{
	unsigned r = i * 2654435761u >> 7;
	struct fact x = {.time_ns = i, .id = i, .worker = UINT16_MAX, .means = i % 50 ? MEANS_REMOVED : MEANS_ARRIVED};
	char buf[64];
	uint32_t worker;

	assert_int_equal(intern_add(&f->keys, fact_key(1, SLICE("manager"), buf), &x.key), 0);
	snprintf(buf, sizeof buf, "worker_%u", r % 5);
	if (r % 7 && i + 3 < FACTS) {
		assert_int_equal(intern_add(&f->workers, (struct slice){buf, strlen(buf)}, &worker), 0);
		x.worker = (uint16_t)worker;
	}
	snprintf(buf, sizeof buf, "container %u", i);
	if (x.means == MEANS_REMOVED)
		assert_int_equal(intern_add(&f->texts, (struct slice){buf, strlen(buf)}, &x.arg[0].text), 0);
	assert_int_equal(facts_push(f, &x), 0);
}

static struct slice last_worker(const struct facts *f)
{
	struct slice last = SLICE_NONE;

	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].worker != UINT16_MAX)
			last = f->workers.text[f->v[i].worker];
	return last;
}

/* Facts whose number is that of their event. */
static void check_each(const struct facts *all, const struct facts *f, bool seen[FACTS])
{
	for (size_t i = 0; i < f->n; i++) {
		size_t id = (size_t)f->v[i].id;

		assert_false(seen[id]);
		seen[id] = true;
		check_same(all, &all->v[id], f, &f->v[i]);
	}
}

static void removals_are_loose(void **state)
{
	bool seen[FACTS] = {false};
	size_t n = 0, kept;
	struct facts all, f;
	struct spool *s;
	int rc;

	(void)state;
	facts_init(&all, NULL);
	facts_init(&f, NULL);
	assert_int_equal(spool_new("", &s), 0);
	for (unsigned i = 0; i < FACTS; i++) {
		add_removal(&all, i);
		add_removal(&f, i);
		if (f.n == HELD)
			assert_int_equal(spool_put(s, &f), 0);
	}
	assert_int_equal(spool_put(s, &f), 0);
	assert_int_equal(facts_sort(&all), 0);
	assert_int_equal(spool_rewind(s), 0);
	assert_int_equal(spool_next(s, &f, SHARE), 1);
	kept = f.n;
	assert_true(kept < FACTS / 5);
	assert_true(slice_same(last_worker(&f), last_worker(&all)));
	check_each(&all, &f, seen);
	assert_int_equal(spool_next(s, &f, SHARE), 0);
	while ((rc = spool_next_loose(s, &f, SHARE)) == 1) {
		assert_true(f.n == SHARE || kept + n + f.n == FACTS);
		check_each(&all, &f, seen);
		n += f.n;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(kept + n, FACTS);
	spool_free(s);
	facts_done(&f);
	facts_done(&all);
}

static void has_nothing(void **state)
{
	struct facts f;
	struct spool *s;

	(void)state;
	facts_init(&f, NULL);
	assert_int_equal(spool_new("", &s), 0);
	assert_int_equal(spool_put(s, &f), 0);
	assert_int_equal(spool_rewind(s), 0);
	assert_int_equal(spool_next(s, &f, SHARE), 0);
	assert_int_equal(spool_next_loose(s, &f, SHARE), 0);
	spool_free(s);
	facts_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(comes_back_in_order),
	    cmocka_unit_test(removals_are_loose),
	    cmocka_unit_test(has_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
