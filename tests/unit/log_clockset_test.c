/* SPDX-License-Identifier: Apache-2.0 */
/* The wall clock is set while the process runs: the log says so, and durations are what they were. */
#define ILU_TARGET "test::clockset"
#include "log_util.h"

#include "base/now.h"
#include "base/stamp.h"

#include <ilu/detail/record.h>

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

static bool before(json_t *lines, const char *a, const char *b)
{
	size_t i, at[2] = {0, 0};
	json_t *line;

	json_array_foreach(lines, i, line)
	{
		if (!strcmp(log_message(line), a))
			at[0] = i + 1;
		if (!strcmp(log_message(line), b))
			at[1] = i + 1;
	}
	if (!at[0] || !at[1])
		fail_msg("%s", log_messages(lines));
	return at[0] < at[1];
}

static void read_clocks(struct stamp_scale *scale, int times)
{
	while (times-- > 0) {
		scale->next_ns = 0;
		stamp_follow(scale);
	}
}

/* What was recorded before the clock was set, and is written long after, has the time it was made at. */
static void test_old_stamps(void **state)
{
	struct stamp_scale scale;
	uint64_t stamp[4];
	int64_t wall_ns[4];

	(void)state;
	stamp_init(&scale, false);
	for (int i = 0; i < 4; i++) {
		stamp[i] = ilu_stamp_();
		wall_ns[i] = now_wall_ns();
		read_clocks(&scale, i % 2 ? 1 : 2 * STAMP_LINES);
		__atomic_fetch_add(&shift, i % 2 ? 3 * HOUR : -HOUR, __ATOMIC_RELAXED);
		read_clocks(&scale, 1);
	}
	read_clocks(&scale, 2 * STAMP_LINES);
	assert_int_equal(scale.steps, 4);
	for (int i = 0; i < 4; i++)
		assert_true(llabs(stamp_wall_ns(&scale, stamp[i]) - wall_ns[i]) < 60 * 1000000000ll);
	__atomic_store_n(&shift, 0, __ATOMIC_RELAXED);
}

/* Lines of the old time stand before the one that says that there is a new one. */
static void test_order(void **state)
{
	const ilu_tid tid = ilu_tid_generate();
	struct ilu_log_stats stats = {.size = sizeof stats};
	uint64_t had;
	json_t *lines;

	(void)state;
	ilu_log_stats(&stats);
	had = stats.lines;
	log_begin("\"grace_ms\":1000");
	usleep(30000); /* the clock is read again in 20 ms */
	ilu_info(&tid, "old");
	__atomic_store_n(&shift, -HOUR, __ATOMIC_RELAXED);
	while (stats.lines < had + 3) { /* without a flush, which would not wait */
		usleep(1000);
		ilu_log_stats(&stats);
	}
	lines = log_end();
	assert_true(before(lines, "old", "Clock set back"));
	json_decref(lines);
	__atomic_store_n(&shift, 0, __ATOMIC_RELAXED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_back_and_forward), cmocka_unit_test(test_old_stamps),
	                                   cmocka_unit_test(test_order)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
