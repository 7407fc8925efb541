/* SPDX-License-Identifier: Apache-2.0 */
/* Rate limits: by the call and by the configuration, of sites and of the values of a key. Every call is on a line or in
 * the count of one, whatever the threads do. */
#define ILU_TARGET "test::limit"
#include "call/limit.h"
#include "log_util.h"

#include <ilu/clock.h>
#include <pthread.h>

static ilu_tid tid;

/* Lines with the message, and what they and the line of the end say was suppressed. */
struct account {
	int lines, own;
	long long suppressed;
};

static struct account account_of(json_t *lines, const char *message)
{
	struct account a = {0, 0, 0};
	json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		const char *of = json_string_value(log_field(line, "of_message"));
		bool own = of && !strcmp(of, message);

		if (!own && strcmp(log_message(line), message) != 0)
			continue;
		a.lines += !own;
		a.own += own;
		a.suppressed += json_integer_value(log_field(line, "suppressed"));
	}
	return a;
}

static void expect(json_t *lines, const char *message, int written, int own, int suppressed)
{
	struct account a = account_of(lines, message);

	if (a.lines != written || a.own != own || a.suppressed != suppressed)
		fail_msg("%s: %d lines and %d at the end tell of %lld; expected %d, %d, %d", message, a.lines, a.own,
		         a.suppressed, written, own, suppressed);
}

static int evaluated;

static int evaluate(void)
{
	return ++evaluated;
}

/* The burst, then nothing for longer than the test takes; arguments of suppressed calls are not evaluated. */
static void test_of_the_call(void **state)
{
	struct ilu_log_stats stats = {.size = sizeof stats};
	json_t *lines, *line;

	(void)state;
	log_begin("");
	evaluated = 0;
	for (int i = 0; i < 100; i++) {
		ilu_info_limited(ILU_RATE(0.001, 3), &tid, "seldom", KV("n", evaluate()));
		ilu_info(&tid, "always", KV("i", i));
	}
	ilu_debug_limited(ILU_RATE(0.001, 3), &tid, "off", KV("n", evaluate()));
	assert_int_equal(evaluated, 3);
	ilu_log_stats(&stats);
	assert_int_equal(stats.suppressed, 97);
	lines = log_end();
	expect(lines, "always", 100, 0, 0);
	expect(lines, "seldom", 3, 1, 97);
	line = log_find(lines, "Calls suppressed", 0);
	assert_string_equal(json_string_value(log_field(line, "of_target")), "test::limit");
	assert_string_equal(json_string_value(log_field(line, "of_level")), "INFO");
	assert_string_equal(json_string_value(json_object_get(line, "level")), "WARN");
	json_decref(lines);
}

/* A token comes back, and the line that it lets through has the count of all before it. */
static void test_next_line_has_the_count(void **state)
{
	struct ilu_clock_options virtual = {.kind = ILU_CLOCK_VIRTUAL, .seed = 7};
	json_t *lines, *line;

	(void)state;
	assert_int_equal(ilu_clock_start(&virtual), 0);
	log_begin("");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 11; i++)
			ilu_warn_limited(ILU_RATE(5, 1), &tid, "slow", KV("round", round), KV("i", i));
		ilu_clock_sleep(500000000);
	}
	lines = log_end();
	ilu_clock_stop();
	line = log_find(lines, "slow", 1);
	assert_null(log_field(log_find(lines, "slow", 0), "suppressed"));
	assert_int_equal(json_integer_value(log_field(line, "round")), 1);
	assert_int_equal(json_integer_value(log_field(line, "i")), 0);
	assert_int_equal(json_integer_value(log_field(line, "suppressed")), 10);
	expect(lines, "slow", 2, 1, 20);
	json_decref(lines);
}

static void call_as(const char *client, const ilu_tid *id)
{
	ilu_info_limited(ILU_RATE_BY("client", 0.001, 2), id, "refused", KV("n", 1), KV("client", client),
	                 KV_BOOL("suppressed", true));
}

/* Each value by itself; another key, whose value comes first; and a key that is missing. */
static void test_by_key(void **state)
{
	ilu_tid other = ilu_tid_generate();
	json_t *lines;

	(void)state;
	log_begin("");
	for (int i = 0; i < 10; i++) {
		call_as("a", &tid);
		call_as("b", &tid);
		call_as(i ? "c" : NULL, &other);
		ilu_info_limited(ILU_RATE_BY("tid", 0.001, 1), i % 2 ? &tid : &other, "by tid");
		ilu_info_limited(ILU_RATE_BY("absent", 0.001, 1), &tid, "no such key", KV("i", i));
	}
	lines = log_end();
	expect(lines, "refused", 7, 1, 8 + 8 + 7);
	assert_int_equal(json_integer_value(log_field(log_find(lines, "Calls suppressed", 0), "values")), 3);
	expect(lines, "by tid", 2, 1, 8);
	expect(lines, "no such key", 10, 0, 0);
	json_decref(lines);
}

static void log_list(const char *client, int n)
{
	struct ilu_kv list[] = {ILU_PAIR(KV("n", n)), ILU_PAIR(KV_JSON("j", "[1]")), ILU_PAIR(KV("client", client)),
	                        ILU_PAIR(KV("suppressed", 1.5))};

	ilu_log_array(ILU_INFO, &tid, "list", list, 4);
}

/* Rules of the configuration: by target, level and message; the first that fits; 0 lifts what the call says. */
static void test_rules(void **state)
{
	json_t *lines;

	(void)state;
	log_begin("\"level\":\"debug\",\"rate_limits\":["
	          "{\"target\":\"other\",\"per_second\":0.001},"
	          "{\"target\":\"test\",\"message\":\"lifted\",\"per_second\":0},"
	          "{\"target\":\"test\",\"level\":\"debug\",\"per_second\":0.001,\"burst\":4},"
	          "{\"message\":\"chatter\",\"per_second\":0.001,\"burst\":2},"
	          "{\"message\":\"list\",\"key\":\"client\",\"per_second\":0.001},"
	          "{\"key\":\"user\",\"per_second\":0.001,\"burst\":3}]");
	for (int i = 0; i < 20; i++) {
		ilu_info(&tid, "free", KV("i", i));
		ilu_info_limited(ILU_RATE(0.001, 1), &tid, "lifted", KV("i", i));
		ilu_debug(&tid, "quiet", KV("i", i));
		ilu_info(&tid, "chatter", KV("i", i));
		ilu_info(&tid, "of users", KV("user", i % 2));
		log_list(i % 2 ? "a" : "b", i);
		ilu_info(&tid, "bare");
	}
	lines = log_end();
	expect(lines, "free", 20, 0, 0);
	expect(lines, "lifted", 20, 0, 0);
	expect(lines, "quiet", 4, 1, 16);
	expect(lines, "chatter", 2, 1, 18);
	expect(lines, "of users", 6, 1, 14);
	expect(lines, "list", 2, 1, 18);
	expect(lines, "bare", 20, 0, 0);
	json_decref(lines);
}

/* More values than the table has places: it forgets, but counts on. */
static void test_many_values(void **state)
{
	struct ilu_log_stats stats = {.size = sizeof stats};
	json_t *lines;
	struct account a;

	(void)state;
	log_begin("\"rate_limits\":[{\"key\":\"client\",\"per_second\":0.001,\"keys\":16}]");
	for (int i = 0; i < 6000; i++)
		ilu_info(&tid, "many", KV("client", i % 3 ? i % 1000 : -1));
	ilu_log_flush(ILU_ACK_KERNEL, -1);
	ilu_log_stats(&stats);
	lines = log_end();
	a = account_of(lines, "many");
	assert_int_equal(a.lines + a.suppressed, 6000);
	assert_true(stats.suppressed > 1000); /* since -1 is never quiet for long enough to lose its place often */
	json_decref(lines);
}

/* A limit works inside spans that a directive names, and not at all where the filter is off. */
static void test_with_filters(void **state)
{
	json_t *lines;

	(void)state;
	log_begin("\"level\":\"info,[deep]=trace\"");
	for (int i = 0; i < 10; i++) {
		ilu_trace_limited(ILU_RATE(0.001, 2), &tid, "in a span", KV("i", i));
		if (i % 2) {
			ILU_SPAN(span, "deep", &tid);
			for (int j = 0; j < 2; j++)
				ilu_trace_limited(ILU_RATE(0.001, 2), &tid, "deeper", KV("i", i));
		}
	}
	lines = log_end();
	expect(lines, "in a span", 0, 0, 0);
	expect(lines, "deeper", 2, 1, 8);
	json_decref(lines);
}

/* When no line of the site comes, the count is told all the same, while the program runs and sleeps. */
static void test_silence(void **state)
{
	json_t *lines = NULL;
	uint64_t before = limit_quiet_ns;
	int told;

	(void)state;
	limit_quiet_ns = 50000000;
	log_begin("");
	for (int i = 0; i < 3; i++) {
		ilu_info_limited(ILU_RATE(0.001, 1), &tid, "silent", KV("i", i));
		ilu_info_limited(ILU_RATE_BY("client", 0.001, 1), &tid, "silent client", KV("client", 7));
	}
	do { /* in one line each, or more if this thread was slow */
		json_decref(lines);
		usleep(20000);
		lines = log_lines();
	} while (account_of(lines, "silent").suppressed < 2 || account_of(lines, "silent client").suppressed < 2);
	assert_int_equal(account_of(lines, "silent").lines, 1);
	assert_int_equal(account_of(lines, "silent client").lines, 1);
	told = log_count(lines, "Calls suppressed");
	json_decref(lines);
	lines = log_end();
	limit_quiet_ns = before;
	assert_int_equal(log_count(lines, "Calls suppressed"), told); /* and not once more at the end */
	assert_int_equal(account_of(lines, "silent").suppressed + account_of(lines, "silent client").suppressed, 4);
	json_decref(lines);
}

/* ---- threads ---- */

enum { THREADS = 4, CALLS = 20000 };

static void *hammer(void *unused)
{
	for (int i = 0; i < CALLS; i++) {
		ilu_info_limited(ILU_RATE(500, 5), &tid, "site", KV("i", i));
		if (i % 4 == 0)
			ilu_info_limited(ILU_RATE_BY("client", 200, 2), &tid, "key", KV("client", i % 7));
	}
	return unused;
}

static void test_threads_count_exactly(void **state)
{
	pthread_t thread[THREADS];
	struct ilu_log_stats before = {.size = sizeof before}, after = before;
	struct account a, b;
	json_t *lines;

	(void)state;
	ilu_log_stats(&before);
	log_begin("");
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, hammer, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	lines = log_end();
	ilu_log_stats(&after);
	a = account_of(lines, "site");
	b = account_of(lines, "key");
	assert_int_equal(a.lines + a.suppressed, THREADS * CALLS);
	assert_int_equal(b.lines + b.suppressed, THREADS * CALLS / 4);
	assert_int_equal(a.suppressed + b.suppressed, after.suppressed - before.suppressed);
	assert_true(a.suppressed > 0 && b.suppressed > 0);
	json_decref(lines);
}

/* ---- virtual time: the same lines in every run, whatever the machine does ---- */

static void wait_and_call(void)
{
	for (int i = 0; i < 60; i++) {
		ilu_info_limited(ILU_RATE(1, 1), &tid, "tick", KV("i", i));
		ilu_info_limited(ILU_RATE_BY("client", 0.5, 1), &tid, "client tick", KV("client", i % 2));
		ilu_clock_sleep(250000000);
	}
}

static void test_virtual_time(void **state)
{
	struct ilu_clock_options virtual = {.kind = ILU_CLOCK_VIRTUAL, .seed = 7};
	json_t *lines;

	(void)state;
	assert_int_equal(ilu_clock_start(&virtual), 0);
	log_begin("");
	wait_and_call();
	lines = log_end();
	ilu_clock_stop();
	expect(lines, "tick", 15, 1, 45);
	for (int i = 0; i < 15; i++) {
		json_t *line = log_find(lines, "tick", i);

		assert_int_equal(json_integer_value(log_field(line, "i")), 4 * i);
		assert_int_equal(json_integer_value(log_field(line, "suppressed")), i ? 3 : 0);
	}
	/* one in two seconds: each client calls every half second, one call in four */
	expect(lines, "client tick", 16, 1, 44);
	json_decref(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_of_the_call),  cmocka_unit_test(test_next_line_has_the_count),
	    cmocka_unit_test(test_by_key),       cmocka_unit_test(test_rules),
	    cmocka_unit_test(test_many_values),  cmocka_unit_test(test_with_filters),
	    cmocka_unit_test(test_silence),      cmocka_unit_test(test_threads_count_exactly),
	    cmocka_unit_test(test_virtual_time),
	};

	tid = ilu_tid_named("Limits");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
