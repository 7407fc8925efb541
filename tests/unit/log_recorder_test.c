/* SPDX-License-Identifier: Apache-2.0 */
/* The flight recorder: what the filter leaves out is in the log where an error asks for it, once, in order, of every
 * thread, in the spans it was in; what is not there any more is said. */
#define ILU_TARGET "test::recorder"
#include "log_util.h"

#include "call/ring.h"

#include <ilu/clock.h>
#include <errno.h>
#include <pthread.h>

static bool is_recorded(json_t *line)
{
	return json_is_true(json_object_get(line, "recorded"));
}

static int count_recorded(json_t *lines)
{
	json_t *line;
	size_t i;
	int n = 0;

	json_array_foreach(lines, i, line) n += is_recorded(line);
	return n;
}

static int place(json_t *lines, const char *message, int n)
{
	json_t *line = log_find(lines, message, n), *at;
	size_t i;

	json_array_foreach(lines, i, at) if (at == line) return (int)i;
	fail_msg("no %s %d", message, n);
	return -1;
}

/* The transaction's, before the error, in order, and nobody else's; the second error has only what came since. */
static void test_of_the_transaction(void **state)
{
	const ilu_tid a = ilu_tid_generate(), b = ilu_tid_generate(), named = ilu_tid_named("Background");
	json_t *lines;
	int error;

	(void)state;
	log_begin("\"recorder\":{\"level\":\"debug\"}");
	ilu_debug(&a, "first", KV("n", 1), KV("text", "of the call"));
	ilu_info(&a, "said");
	ilu_debug(&b, "of another");
	ilu_trace(&a, "below the recorder");
	ilu_debug(&named, "of a name");
	ilu_debug(&a, "second");
	ilu_error(&a, "broken");
	ilu_debug(&a, "third");
	ilu_warn(&a, "not grave enough");
	ilu_error(&a, "again");
	ilu_error(&named, "broken, too");
	lines = log_end();
	assert_int_equal(log_check_numbers(lines, "log"), 0);
	error = place(lines, "broken", 0);
	assert_int_equal(place(lines, "first", 0), error - 2);
	assert_int_equal(place(lines, "second", 0), error - 1);
	assert_int_equal(place(lines, "again", 0) - 1, place(lines, "third", 0));
	assert_int_equal(place(lines, "broken, too", 0) - 1, place(lines, "of a name", 0));
	assert_int_equal(count_recorded(lines), 4);
	assert_true(is_recorded(log_find(lines, "first", 0)));
	assert_string_equal(json_string_value(log_field(log_find(lines, "first", 0), "text")), "of the call");
	assert_string_equal(json_string_value(json_object_get(log_find(lines, "first", 0), "level")), "DEBUG");
	assert_false(is_recorded(log_find(lines, "said", 0)));
	assert_null(log_find(lines, "of another", 0));
	assert_null(log_find(lines, "below the recorder", 0));
	assert_int_equal(log_count(lines, "Recorded lines left out"), 0);
	json_decref(lines);
}

static void *speak(void *arg)
{
	const ilu_tid *tid = arg;

	ilu_log_thread_name("helper");
	for (int i = 0; i < 100; i++)
		ilu_debug(tid, "step", KV("i", i));
	return NULL;
}

/* Of every thread, under its name. */
static void test_of_every_thread(void **state)
{
	const ilu_tid tid = ilu_tid_generate();
	pthread_t thread[4];
	json_t *lines, *line;
	size_t i;

	(void)state;
	log_begin("\"recorder\":{\"level\":\"debug\",\"on\":\"warn\"}");
	for (int t = 0; t < 4; t++)
		assert_int_equal(pthread_create(&thread[t], NULL, speak, (void *)&tid), 0);
	for (int t = 0; t < 4; t++)
		pthread_join(thread[t], NULL);
	ilu_warn(&tid, "slow");
	lines = log_end();
	assert_int_equal(log_check_numbers(lines, "log"), 0);
	assert_int_equal(log_count(lines, "step"), 400);
	assert_int_equal(place(lines, "slow", 0) - 1, place(lines, "step", 399));
	json_array_foreach(lines, i, line) if (is_recorded(line))
	{
		assert_string_equal(json_string_value(json_object_get(line, "threadName")), "helper");
		if (i && is_recorded(json_array_get(lines, i - 1)))
			assert_true(
			    strcmp(json_string_value(json_object_get(line, "timestamp")),
			           json_string_value(json_object_get(json_array_get(lines, i - 1), "timestamp"))) >= 0);
	}
	json_decref(lines);
}

/* A span that is closed, and whose slot has another one, is there as it was. */
static void test_closed_spans(void **state)
{
	const ilu_tid tid = ilu_tid_generate();
	json_t *lines, *line;

	(void)state;
	log_begin("\"spanning\":\"CLOSE\",\"recorder\":{\"level\":\"debug\"}");
	{
		ILU_SPAN(outer, "outer", &tid, KV("size", 7));
		{
			ILU_SPAN(inner, "inner", &tid, KV("try", 1));

			ilu_debug(&tid, "inside");
		}
		ilu_log_flush(ILU_ACK_KERNEL, -1);
		{
			ILU_SPAN(other, "other", &tid, KV("try", 2));

			ilu_log_flush(ILU_ACK_KERNEL, -1);
		}
	}
	for (int i = 0; i < 3; i++) {
		ILU_SPAN(more, "more", &tid);

		ilu_log_flush(ILU_ACK_KERNEL, -1);
	}
	ilu_error(&tid, "broken");
	lines = log_end();
	line = log_find(lines, "inside", 0);
	assert_non_null(line);
	assert_string_equal(log_stack(line), "outer,inner");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "span"), "try")), 1);
	assert_int_equal(log_check_numbers(lines, "log"), 0);
	json_decref(lines);
}

/* Of more than `lines` the latest, and how many are left out. */
static void test_at_most_so_many(void **state)
{
	const ilu_tid tid = ilu_tid_generate();
	json_t *lines, *line;

	(void)state;
	log_begin("\"recorder\":{\"level\":\"debug\",\"lines\":10}");
	for (int i = 0; i < 35; i++)
		ilu_debug(&tid, "step", KV("i", i));
	ilu_error(&tid, "broken");
	ilu_error(&tid, "again");
	lines = log_end();
	assert_int_equal(log_count(lines, "step"), 10);
	assert_int_equal(json_integer_value(log_field(log_find(lines, "step", 0), "i")), 25);
	assert_int_equal(log_count(lines, "Recorded lines left out"), 1);
	line = log_find(lines, "Recorded lines left out", 0);
	assert_int_equal(json_integer_value(log_field(line, "over_lines")), 25);
	assert_int_equal(json_integer_value(log_field(line, "given_up")), 0);
	assert_int_equal(log_check_numbers(lines, "log"), 0);
	json_decref(lines);
}

/* What had to give way is counted, to the last record, and of each transaction by itself; the same run makes the same
 * bytes. */
static char *give_way(void)
{
	struct ilu_clock_options virtual = {.kind = ILU_CLOCK_VIRTUAL, .seed = 3};
	ilu_tid tid[3];
	FILE *f;
	char *text = NULL;
	size_t cap = 0;

	assert_int_equal(ilu_clock_start(&virtual), 0);
	log_begin("\"recorder\":{\"level\":\"trace\",\"bytes\":65536}");
	for (int t = 0; t < 3; t++)
		tid[t] = ilu_tid_generate();
	for (int i = 0; i < 3000; i++) {
		const ilu_tid *whose = &tid[i % 3];
		ILU_SPAN(span, "step", whose, KV("i", i));

		ilu_trace(whose, "step", KV("i", i));
		ilu_clock_sleep(1000);
	}
	for (int t = 0; t < 3; t++)
		ilu_error(&tid[t], "broken");
	assert_int_equal(ilu_log_stop(), 0);
	ilu_clock_stop();
	f = fopen(log_file(), "r");
	assert_true(f && getdelim(&text, &cap, 0, f) > 0);
	fclose(f);
	return text;
}

static void test_what_gave_way(void **state)
{
	char *once = give_way(), *again;
	json_t *lines = log_lines();
	int kept = 0;

	(void)state;
	log_remove();
	for (int t = 0; t < 3; t++) {
		json_t *line = log_find(lines, "Recorded lines left out", t);
		const char *tid = json_string_value(log_field(line, "tid"));
		int steps = 0;

		for (int n = 0; n < log_count(lines, "step"); n++)
			steps += !strcmp(json_string_value(log_field(log_find(lines, "step", n), "tid")), tid);
		assert_true(steps > 10);
		assert_int_equal(steps + json_integer_value(log_field(line, "given_up")), 1000);
		kept += steps;
	}
	assert_int_equal(log_count(lines, "step"), kept);
	assert_string_equal(log_stack(log_find(lines, "step", 0)), "step");
	assert_int_equal(log_check_numbers(lines, "log"), 0);
	json_decref(lines);
	again = give_way();
	log_remove();
	assert_string_equal(once, again);
	free(once);
	free(again);
}

/* What switches on within spans stays a line there, and is recorded elsewhere; a limit does not count what is recorded;
 * a record that is longer than a quarter of the room is said to be missing. */
static void test_with_filters_and_limits(void **state)
{
	const ilu_tid tid = ilu_tid_generate();
	char *longer = malloc(20000);
	json_t *lines;

	(void)state;
	log_begin("\"level\":\"info,[noisy]=debug\",\"recorder\":{\"level\":\"debug\",\"bytes\":65536},"
	          "\"rate_limits\":[{\"message\":\"limited\",\"per_second\":0.001,\"burst\":1},"
	          "{\"message\":\"refused\",\"key\":\"who\",\"per_second\":0.001,\"burst\":1}]");
	for (int i = 0; i < 2; i++) {
		if (i == 1) {
			ILU_SPAN(span, "noisy", &tid);

			for (int k = 0; k < 3; k++)
				ilu_debug(&tid, "limited", KV("k", k));
			ilu_debug(&tid, "either", KV("i", i));
			continue;
		}
		for (int k = 0; k < 3; k++)
			ilu_debug(&tid, "limited", KV("k", k));
		ilu_debug(&tid, "either", KV("i", i));
	}
	memset(longer, 'x', 20000);
	ilu_debug(&tid, "longer", KV_STR("text", longer, 20000));
	for (int i = 0; i < 3; i++) {
		ilu_debug(&tid, "before", KV("i", i));
		ilu_error(&tid, "refused", KV("who", "a"));
	}
	ilu_error(&tid, "last");
	lines = log_end();
	free(longer);
	assert_int_equal(log_count(lines, "limited"), 4);
	assert_int_equal(log_count(lines, "either"), 2);
	assert_int_equal(json_integer_value(log_field(log_find(lines, "either", 0), "i")), 1);
	assert_false(is_recorded(log_find(lines, "either", 0)));
	assert_true(is_recorded(log_find(lines, "either", 1)));
	assert_null(log_find(lines, "longer", 0));
	assert_int_equal(json_integer_value(log_field(log_find(lines, "Recorded lines left out", 0), "given_up")), 1);
	/* an error that the limit withholds asks for nothing */
	assert_int_equal(place(lines, "refused", 0) - 1, place(lines, "before", 0));
	assert_int_equal(place(lines, "last", 0) - 1, place(lines, "before", 2));
	assert_int_equal(log_check_numbers(lines, "log"), 0);
	json_decref(lines);
}

/* Sinks number their own lines, and their filters decide about recorded ones as about others; the filter may change. */
static void test_sinks_and_changes(void **state)
{
	const ilu_tid tid = ilu_tid_generate(), other = ilu_tid_generate();
	json_t *lines, *most, *few;

	(void)state;
	log_begin(
	    "\"recorder\":{\"level\":\"debug\",\"per\":\"process\"},"
	    "\"sinks\":[{\"file\":\"most.log\",\"filter\":\"debug\"},{\"file\":\"few.log\",\"filter\":\"info\"}]");
	ilu_debug(&other, "of another", KV("n", 12));
	ilu_debug(&tid, "one");
	assert_int_equal(ilu_log_set_filter("debug"), 0);
	ilu_debug(&tid, "two");
	assert_int_equal(ilu_log_set_filter("off"), 0);
	ilu_info(&tid, "three");
	assert_int_equal(ilu_log_set_filter("error"), 0);
	ilu_error(&tid, "broken");
	assert_int_equal(ilu_log_stop(), 0);
	lines = log_lines();
	most = log_lines_of(log_path("most.log"));
	few = log_lines_of(log_path("few.log"));
	unlink(log_path("most.log"));
	unlink(log_path("few.log"));
	log_remove();
	assert_int_equal(count_recorded(lines), 3);
	assert_false(is_recorded(log_find(lines, "two", 0)));
	assert_true(is_recorded(log_find(lines, "three", 0)));
	assert_int_equal(count_recorded(most), 3);
	assert_int_equal(count_recorded(few), 1);
	assert_int_equal(log_check_numbers(lines, "log"), 0);
	assert_int_equal(log_check_numbers(most, "most"), 0);
	assert_int_equal(log_check_numbers(few, "few"), 0);
	json_decref(lines);
	json_decref(most);
	json_decref(few);
}

/* A dump that is longer than a batch, out of memory that goes round and round. */
static void test_long_ones(void **state)
{
	const ilu_tid tid = ilu_tid_generate(), other = ilu_tid_generate();
	char text[500];
	json_t *lines;

	(void)state;
	memset(text, 'y', sizeof text);
	log_begin("\"recorder\":{\"level\":\"debug\",\"bytes\":\"1MiB\"}");
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 1500; i++)
			ilu_debug(i % 5 ? &tid : &other, "step", KV("round", round), KV("i", i),
			          KV_STR("text", text, (size_t)(i % 500)));
		ilu_error(&tid, "broken");
	}
	lines = log_end();
	assert_int_equal(log_count(lines, "step"), 5 * 1200);
	assert_int_equal(log_check_numbers(lines, "log"), 0);
	json_decref(lines);
}

static void test_refused(void **state)
{
	(void)state;
	assert_int_equal(ilu_log_start("{\"recorder\":{\"level\":\"error\"}}"), -EINVAL);
	assert_non_null(
	    strstr(ilu_log_error(), "\"recorder.on\": \"error\" is not graver than \"recorder.level\", \"error\""));
	assert_int_equal(ilu_log_start("{\"recorder\":{\"level\":\"debug\",\"on\":\"off\"}}"), -EINVAL);
	assert_int_equal(ilu_log_start("{\"recorder\":{\"on\":\"warn\"}}"), -EINVAL);
	assert_non_null(strstr(ilu_log_error(), "key \"recorder.on\": nothing is recorded without \"recorder.level\""));
	assert_int_equal(ilu_log_start("{\"recorder\":{\"level\":\"debug\",\"per\":\"thread\"}}"), -EINVAL);
	assert_int_equal(ilu_log_start("{\"recorder\":{\"level\":\"debug\",\"lines\":0}}"), -EINVAL);
}

/* A call for the recorder that finds no room would have been no line: nothing is lost, and the numbers have no hole. */
static void test_full_ring(void **state)
{
	const ilu_tid tid = ilu_tid_generate();
	struct ilu_log_stats stats = {.size = sizeof stats};
	json_t *lines;

	(void)state;
	log_begin("\"recorder\":{\"level\":\"debug\"},\"full_ring\":{\"debug\":\"drop\"}");
	while (!rings_unrecorded())
		ilu_debug(&tid, "step");
	ilu_info(&tid, "said");
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	ilu_log_stats(&stats);
	assert_int_equal(stats.lost, 0);
	lines = log_end();
	assert_int_equal(log_check_numbers(lines, "log"), 0);
	assert_int_equal(log_count(lines, "Records lost"), 0);
	assert_true(
	    json_integer_value(log_field(log_find(lines, "Calls not recorded: the ring was full", 0), "total")) > 0);
	json_decref(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_of_the_transaction),
	    cmocka_unit_test(test_of_every_thread),
	    cmocka_unit_test(test_closed_spans),
	    cmocka_unit_test(test_at_most_so_many),
	    cmocka_unit_test(test_what_gave_way),
	    cmocka_unit_test(test_with_filters_and_limits),
	    cmocka_unit_test(test_sinks_and_changes),
	    cmocka_unit_test(test_long_ones),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_full_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
