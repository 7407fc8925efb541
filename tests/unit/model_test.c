/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model_test.c - facts made by hand become invocations and attempts; moments become phases. */
#include "model/fold.h"
#include "model/phase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- fold ---- */

/* A fact in a line: time, meaning, and its texts or times. */
struct given {
	int64_t time;
	enum meaning means;
	const char *a, *b;      /* text arguments */
	int64_t insert, remove; /* of MEANS_STARTED */
};

#define FACTS 12

static const struct {
	const char *name;
	struct given v[FACTS];
	bool has_result, success;
	/* expected */
	bool none; /* no invocation */
	const char *status;
	int64_t attempts, insert, remove, start, end;
	const char *function, *outcomes; /* outcomes of the attempts, joined by commas */
} folds[] = {
    {"nothing but a prewarm", {{1, MEANS_PREWARMED, "f-1", "CPU", 0, 0}}, .none = true},
    {"warm",
     {{10, MEANS_ARRIVED, 0, 0, 0, 0},
      {12, MEANS_STARTED, 0, 0, 10, 11},
      {20, MEANS_RETURNING, 0, 0, 0, 0},
      {21, MEANS_COMPLETED, "f-1", "CPU", 0, 0}},
     .status = "ok",
     .attempts = 1,
     .insert = 10,
     .remove = 11,
     .start = 12,
     .end = 21,
     .function = "f",
     .outcomes = "ok"},
    {"the result knows better",
     {{10, MEANS_ARRIVED, 0, 0, 0, 0}, {12, MEANS_STARTED, 0, 0, 10, 11}, {21, MEANS_COMPLETED, "f-1", "CPU", 0, 0}},
     .has_result = true,
     .status = "failed",
     .attempts = 1,
     .insert = 10,
     .remove = 11,
     .start = 12,
     .end = 21,
     .function = "r",
     .outcomes = "failed"},
    {"failed by its completion",
     {{10, MEANS_ARRIVED, 0, 0, 0, 0},
      {12, MEANS_ERROR, "no", 0, 0, 0},
      {12, MEANS_ABANDONED, 0, 0, 0, 0},
      {13, MEANS_COMPLETED, "f-1", "", 0, 0}},
     .status = "failed",
     .attempts = 1,
     .insert = NO_NS,
     .remove = NO_NS,
     .start = NO_NS,
     .end = 13,
     .function = "f",
     .outcomes = "failed"},
    {"retried once",
     {{10, MEANS_ARRIVED, 0, 0, 0, 0},
      {12, MEANS_ERROR, "no", 0, 0, 0},
      {14, MEANS_STARTED, 0, 0, 10, 13},
      {20, MEANS_RETURNING, 0, 0, 0, 0},
      {21, MEANS_COMPLETED, "f-1", "CPU", 0, 0}},
     .status = "ok",
     .attempts = 2,
     .insert = 10,
     .remove = 13,
     .start = 14,
     .end = 21,
     .function = "f",
     .outcomes = "error,ok"},
    {"started twice",
     {{10, MEANS_ARRIVED, 0, 0, 0, 0},
      {12, MEANS_STARTED, 0, 0, 10, 11},
      {13, MEANS_ERROR, "no", 0, 0, 0},
      {14, MEANS_STARTED, 0, 0, 10, 13},
      {21, MEANS_COMPLETED, "f-1", "CPU", 0, 0}},
     .status = "ok",
     .attempts = 2,
     .insert = 10,
     .remove = 13,
     .start = 14,
     .end = 21,
     .function = "f",
     .outcomes = "error,ok"},
    {"hangs",
     {{10, MEANS_ARRIVED, 0, 0, 0, 0}, {12, MEANS_STARTED, 0, 0, 10, 11}, {12, MEANS_FUNCTION, "f-0.0.1", 0, 0, 0}},
     .status = "unfinished",
     .attempts = 1,
     .insert = 10,
     .remove = 11,
     .start = 12,
     .end = NO_NS,
     .function = "f",
     .outcomes = "unfinished"},
    {"refused",
     {{10, MEANS_ARRIVED, 0, 0, 0, 0}, {12, MEANS_ANSWERED, 0, 0, 0, 0}},
     .status = "failed",
     .attempts = 1,
     .insert = NO_NS,
     .remove = NO_NS,
     .start = NO_NS,
     .end = NO_NS,
     .outcomes = "failed"},
    {"waits",
     {{10, MEANS_ARRIVED, 0, 0, 0, 0}},
     .status = "unfinished",
     .attempts = 1,
     .insert = NO_NS,
     .remove = NO_NS,
     .start = NO_NS,
     .end = NO_NS,
     .outcomes = "unfinished"},
    {"result alone",
     {{0}},
     .has_result = true,
     .success = true,
     .status = "ok",
     .attempts = 1,
     .insert = NO_NS,
     .remove = NO_NS,
     .start = NO_NS,
     .end = NO_NS,
     .function = "r",
     .outcomes = "ok"},
};

static size_t make_facts(struct facts *f, const struct given *g, struct fact *v)
{
	size_t n = 0;

	for (; n < FACTS && g[n].means; n++) {
		v[n] = (struct fact){
		    .time_ns = g[n].time, .id = (int64_t)n, .worker = UINT16_MAX, .means = (uint8_t)g[n].means};
		v[n].arg[0].text = v[n].arg[1].text = INTERN_NONE;
		if (g[n].means == MEANS_STARTED) {
			v[n].arg[0].ns = g[n].insert;
			v[n].arg[1].ns = g[n].remove;
		}
		if (g[n].a)
			assert_int_equal(
			    intern_add(&f->texts, (struct slice){g[n].a, strlen(g[n].a)}, &v[n].arg[0].text), 0);
		if (g[n].b)
			assert_int_equal(
			    intern_add(&f->texts, (struct slice){g[n].b, strlen(g[n].b)}, &v[n].arg[1].text), 0);
	}
	return n;
}

static const struct result no_result = {
    .was_cold = NO_NS,
    .worker_duration_us = NO_NS,
    .e2e_duration_us = NO_NS,
    .compute = NO_NS,
    .container_state = NO_NS,
    .sent_ns = NO_NS,
    .client_latency_us = NO_NS,
    .code_duration_sec = NAN,
};

static void check_fold(size_t i, struct facts *f, struct fold *fold)
{
	struct result result = no_result;
	char outcomes[64] = "";
	struct fact v[FACTS];
	struct invocation o;
	size_t n = make_facts(f, folds[i].v, v);
	int rc;

	result.success = folds[i].success;
	result.function_name = SLICE("r");
	rc = fold_invocation(fold, f, v, n, folds[i].has_result ? &result : NULL, 0, &o);
	if (rc != !folds[i].none)
		fail_msg("%s: returned %d", folds[i].name, rc);
	if (!rc)
		return;
	for (int64_t a = 0; a < o.nattempts; a++) {
		strcat(outcomes, a ? "," : "");
		strcat(outcomes, o.attempt[a].outcome);
	}
	if (strcmp(o.status, folds[i].status) || o.nattempts != folds[i].attempts ||
	    strcmp(outcomes, folds[i].outcomes) || o.insert_ns != folds[i].insert || o.remove_ns != folds[i].remove ||
	    o.start_ns != folds[i].start || o.end_ns != folds[i].end ||
	    (folds[i].function ? !slice_is(o.function_name, folds[i].function) : o.function_name.ptr != NULL))
		fail_msg("%s: %s, %lld attempts (%s), insert %lld remove %lld start %lld end %lld, function %.*s",
		         folds[i].name, o.status, (long long)o.nattempts, outcomes, (long long)o.insert_ns,
		         (long long)o.remove_ns, (long long)o.start_ns, (long long)o.end_ns, (int)o.function_name.len,
		         o.function_name.ptr ? o.function_name.ptr : "");
}

static void folds_facts(void **state)
{
	struct fold fold = {0};
	struct facts f;

	(void)state;
	facts_init(&f, NULL);
	for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
		check_fold(i, &f, &fold);
	fold_done(&fold);
	facts_done(&f);
}

static void names_functions(void **state)
{
	(void)state;
	assert_true(slice_is(fold_function_of(SLICE("hello-0.0.1")), "hello"));
	assert_true(slice_is(fold_function_of(SLICE("a-b-0.0.1")), "a-b"));
	assert_true(slice_is(fold_function_of(SLICE("hello")), "hello"));
}

/* ---- phases ---- */

static const struct {
	const char *name;
	int64_t sent, controller, dispatched, arrived, completed, returned;
	struct phase_attempt attempt[2];
	int nattempts;
	const char *expected; /* name@attempt start-end; ... */
} cuts[] = {
    {"nothing known", NO_NS, NO_NS, NO_NS, NO_NS, NO_NS, NO_NS, {{0}}, 0, ""},
    {"one worker",
     0,
     NO_NS,
     NO_NS,
     1,
     30,
     31,
     {{2, 5, 10, 29, "cold"}},
     1,
     "dispatch 0-1;unexplained 1-2;worker queue@1 2-5;container acquisition (cold)@1 5-10;execution@1 10-29;return "
     "29-31;"},
    {"no gap",
     0,
     NO_NS,
     NO_NS,
     0,
     9,
     9,
     {{0, 0, 0, 9, "warm"}},
     1,
     "dispatch 0-0;worker queue@1 0-0;container acquisition (warm)@1 0-0;execution@1 0-9;return 9-9;unexplained 9-9;"},
    {"a controller",
     0,
     1,
     3,
     4,
     20,
     25,
     {{4, 6, 7, 19, NULL}},
     1,
     "unexplained 0-1;controller queue 1-3;dispatch 3-4;worker queue@1 4-6;container acquisition@1 6-7;execution@1 "
     "7-19;return 19-25;"},
    {"tried twice",
     NO_NS,
     NO_NS,
     NO_NS,
     0,
     30,
     NO_NS,
     {{0, 2, NO_NS, 5, "cold"}, {0, 8, 10, 28, "warm"}},
     2,
     "worker queue@1 0-2;container acquisition (cold)@1 2-5;worker queue@2 5-8;container acquisition (warm)@2 "
     "8-10;execution@2 10-28;return 28-30;"
     "unexplained 30-30;"},
    {"waits for ever",
     NO_NS,
     NO_NS,
     NO_NS,
     7,
     NO_NS,
     NO_NS,
     {{NO_NS, NO_NS, NO_NS, NO_NS, NULL}},
     1,
     "worker queue, never left@1 7-7;unexplained 7-7;"},
    {"waits until nobody does any more",
     3,
     NO_NS,
     NO_NS,
     7,
     NO_NS,
     23,
     {{8, NO_NS, NO_NS, NO_NS, NULL}},
     1,
     "dispatch 3-7;unexplained 7-8;worker queue, never left@1 8-23;"},
    {"is not seen any more",
     3,
     NO_NS,
     NO_NS,
     7,
     NO_NS,
     23,
     {{NO_NS, NO_NS, NO_NS, NO_NS, NULL}},
     1,
     "dispatch 3-7;worker queue, never left@1 7-23;unexplained 23-23;"},
    {"never gets a container at the second try",
     3,
     NO_NS,
     NO_NS,
     7,
     NO_NS,
     23,
     {{7, 8, NO_NS, 9, "cold"}, {9, 11, NO_NS, NO_NS, "cold"}},
     2,
     "dispatch 3-7;worker queue@1 7-8;container acquisition (cold)@1 8-9;worker queue@2 9-11;container acquisition "
     "(cold), never left@2 11-23;unexplained 23-23;"},
    {"is lost on the way",
     NO_NS,
     3,
     7,
     NO_NS,
     NO_NS,
     23,
     {{0}},
     0,
     "controller queue 3-7;dispatch, never left 7-23;unexplained 23-23;"},
    {"of a lost log", 3, NO_NS, NO_NS, NO_NS, NO_NS, 23, {{NO_NS, NO_NS, NO_NS, NO_NS, NULL}}, 1, "unexplained 3-23;"},
    {"never returns",
     NO_NS,
     NO_NS,
     NO_NS,
     7,
     NO_NS,
     NO_NS,
     {{7, 8, 9, NO_NS, NULL}},
     1,
     "worker queue@1 7-8;container acquisition@1 8-9;execution, never left@1 9-9;unexplained 9-9;"},
    {"clocks disagree",
     10,
     NO_NS,
     NO_NS,
     5,
     18,
     17,
     {{5, 6, 12, 20, NULL}},
     1,
     "dispatch 10-10;worker queue@1 10-10;container acquisition@1 10-12;execution@1 12-17;return 17-17;unexplained "
     "17-17;"},
};

static void check_cut(size_t i, const struct rules *r, struct phases *p)
{
	struct phase_input in = {cuts[i].sent,
	                         cuts[i].controller,
	                         cuts[i].dispatched,
	                         cuts[i].arrived,
	                         cuts[i].completed,
	                         cuts[i].returned,
	                         cuts[i].attempt,
	                         cuts[i].nattempts,
	                         NULL,
	                         0,
	                         false};
	char got[1024] = "";
	size_t n = 0;

	assert_int_equal(phases_make(r, &in, p), 0);
	for (int k = 0; k < p->n; k++) {
		const struct phase *x = &p->v[k];
		char attempt[16] = "", name[PHASE_NAME_MAX];

		if (x->attempt)
			snprintf(attempt, sizeof attempt, "@%d", x->attempt);
		n += (size_t)snprintf(got + n, sizeof got - n, "%s%s %lld-%lld;", phase_name(x, name), attempt,
		                      (long long)x->start_ns, (long long)x->end_ns);
		if (k && x->start_ns != p->v[k - 1].end_ns)
			fail_msg("%s: phase %d does not begin where the one before ends: %s", cuts[i].name, k, got);
	}
	if (strcmp(got, cuts[i].expected))
		fail_msg("%s:\n  %s\n  expected %s", cuts[i].name, got, cuts[i].expected);
}

static void cuts_phases(void **state)
{
	struct phases p = {0};
	struct rules *r = NULL;
	char *why = NULL;

	(void)state;
	assert_int_equal(rules_builtin(&r, &why), 0);
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
		check_cut(i, r, &p);
	free(p.v);
	rules_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(folds_facts),
	    cmocka_unit_test(names_functions),
	    cmocka_unit_test(cuts_phases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
