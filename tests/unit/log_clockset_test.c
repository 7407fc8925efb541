/* SPDX-License-Identifier: Apache-2.0 */
/* The wall clock is set while the process runs: the log says so, and durations are what they were. */
#define ILU_TARGET "test::clockset"
#include "log_util.h"

#include <sys/syscall.h>
#include <time.h>

#define HOUR 3600

static long shift; /* seconds; atomic: the appender's thread asks, too */

/* In the place of the C library's, for the library that is in this program. */
int clock_gettime(clockid_t clock, struct timespec *out)
{
	long rc = syscall(SYS_clock_gettime, clock, out);

	if (clock == CLOCK_REALTIME)
		out->tv_sec += __atomic_load_n(&shift, __ATOMIC_RELAXED);
	return (int)rc;
}

/* Until the log tells it: the library reads the clock again within a second. */
static json_t *wait_for(const char *message)
{
	for (;;) {
		json_t *lines;

		ilu_log_flush(ILU_ACK_KERNEL, -1);
		lines = log_lines();
		if (log_find(lines, message, 0))
			return lines;
		json_decref(lines);
		usleep(5000);
	}
}

static void test_back_and_forward(void **state)
{
	const ilu_tid tid = ilu_tid_generate();
	json_t *lines, *line;
	long long by;

	(void)state;
	log_begin("\"spanning\":\"CLOSE\"");
	{
		ILU_SPAN(span, "long", &tid);

		ilu_info(&tid, "before");
		json_decref(wait_for("before"));
		__atomic_store_n(&shift, -HOUR, __ATOMIC_RELAXED);
		json_decref(wait_for("Clock set back"));
		ilu_info(&tid, "after");
	}
	__atomic_store_n(&shift, 0, __ATOMIC_RELAXED);
	json_decref(wait_for("Clock set forward"));
	lines = log_end();
	line = log_find(lines, "Clock set back", 0);
	by = json_integer_value(log_field(line, "by_ns"));
	assert_true(by < -(HOUR - 60) * 1000000000ll && by > -(HOUR + 60) * 1000000000ll);
	assert_true(json_integer_value(log_field(log_find(lines, "Clock set forward", 0), "by_ns")) > 0);
	assert_int_equal(log_count(lines, "Clock set back"), 1);
	assert_int_equal(log_count(lines, "Clock set forward"), 1);
	assert_true(strcmp(json_string_value(json_object_get(log_find(lines, "after", 0), "timestamp")),
	                   json_string_value(json_object_get(log_find(lines, "before", 0), "timestamp"))) < 0);
	line = log_find(lines, "close", 0);
	assert_true(json_integer_value(log_field(line, "busy_ns")) > 0);
	assert_true(json_integer_value(log_field(line, "busy_ns")) < HOUR * 1000000000ll / 2);
	assert_true(json_integer_value(log_field(line, "idle_ns")) >= 0);
	assert_int_equal(log_check_numbers(lines, "log"), 0);
	json_decref(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_back_and_forward)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
