/* SPDX-License-Identifier: Apache-2.0 */
/* clock_log_test.c - the log of a simulation: its times are the clock's, and the same seed makes the same bytes.
 *
 * ILU_SEEDS says how many seeds are run twice (default 20). */
#include "log_util.h"

#include <errno.h>
#include <ilu/clock.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define S  INT64_C(1000000000)
#define MS INT64_C(1000000)

static ilu_queue queue;

struct item {
	ilu_span span;
	int number;
};

/* Spans travel through a queue, between threads and tasks. */
static int serve(void *arg)
{
	ilu_random r;
	void *taken;

	ilu_random_init(&r, arg);
	while (!ilu_queue_pop(&queue, &taken)) {
		struct item *item = taken;
		const ilu_tid *tid = ilu_span_tid(item->span);

		ILU_ENTER_TAKE(item->span);
		ilu_info(tid, "Taken", KV("number", item->number));
		ilu_clock_sleep((int64_t)ilu_random_below(&r, 4) * MS);
		ilu_debug(tid, "Done", KV("by", (const char *)arg));
		free(item);
	}
	return 0;
}

static int request(void *arg)
{
	struct item *item = malloc(sizeof *item);
	ilu_tid tid = ilu_tid_generate();

	ILU_SPAN(span, "request", &tid, KV("number", (int)(intptr_t)arg));
	ilu_info(&tid, "Arrived");
	item->number = (int)(intptr_t)arg;
	item->span = ilu_span_share(span);
	ilu_queue_push(&queue, item);
	ilu_clock_sleep(2 * MS);
	ilu_info(&tid, "Left");
	return 0;
}

static void beat(void *arg)
{
	ilu_tid tid = ilu_tid_named("Heart");

	ilu_debug(&tid, "Beats");
	ilu_timer_set(*(ilu_timer **)arg, ilu_clock_after(7 * MS));
}

static void simulate(uint64_t seed)
{
	static const char *const names[] = {"one", "two", "three", "four"};
	struct ilu_clock_options o = {.kind = ILU_CLOCK_VIRTUAL, .seed = seed, .order_seed = seed % 3};
	ilu_timer *timer;
	ilu_thread *t[4];
	ilu_random r;

	if (ilu_clock_start(&o))
		_exit(1);
	log_begin("\"level\":\"trace\",\"spanning\":\"FULL\",\"include_spans_json\":true");
	ilu_queue_init(&queue, "queue", 3);
	ilu_random_init(&r, "arrivals");
	for (int i = 0; i < 4; i++) {
		if (i & 1)
			ilu_thread_start(&t[i], names[i], 0, serve, (void *)(uintptr_t)names[i]);
		else
			ilu_task_start(&t[i], names[i], 0, 64 << 10, serve, (void *)(uintptr_t)names[i]);
	}
	ilu_timer_new(&timer, "heart", ILU_DAEMON, beat, &timer);
	ilu_timer_set(timer, 0);
	for (intptr_t i = 0; i < 60; i++) {
		if (ilu_random_below(&r, 2))
			ilu_thread_start(NULL, NULL, 0, request, (void *)i);
		else
			ilu_task_start(NULL, NULL, 0, 64 << 10, request, (void *)i);
		ilu_clock_sleep((int64_t)ilu_random_below(&r, 3) * MS);
	}
	ilu_clock_sleep(S);
	ilu_queue_close(&queue);
	for (int i = 0; i < 4; i++)
		ilu_join(t[i], NULL);
	if (ilu_clock_stop())
		_exit(2);
}

/* The bytes of that seed's log: yours, free. */
static char *log_of(uint64_t seed, size_t *len)
{
	char *text = NULL;
	FILE *f;
	int fd[2], status;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (!pid) {
		alarm(120);
		simulate(seed);
		if (write(fd[1], log_dir, sizeof log_dir) < 0)
			_exit(3);
		_exit(0);
	}
	close(fd[1]);
	assert_int_equal(read(fd[0], log_dir, sizeof log_dir), sizeof log_dir);
	close(fd[0]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	f = fopen(log_file(), "r");
	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*len = (size_t)ftell(f);
	rewind(f);
	text = malloc(*len + 1);
	assert_int_equal(fread(text, 1, *len, f), *len);
	text[*len] = '\0';
	fclose(f);
	log_remove();
	return text;
}

static void test_same_bytes(void **state)
{
	const char *seeds = getenv("ILU_SEEDS");
	uint64_t n = seeds ? strtoull(seeds, NULL, 10) : 20;
	char *last = NULL;

	(void)state;
	for (uint64_t seed = 0; seed < n; seed++) {
		size_t len, len2;
		char *a = log_of(seed, &len), *b = log_of(seed, &len2);

		if (len != len2 || memcmp(a, b, len)) {
			size_t i = 0;

			while (i < len && a[i] == b[i])
				i++;
			while (i && a[i - 1] != '\n')
				i--;
			fail_msg("seed %d: two logs of %zu and %zu bytes:\n%.600s\n---\n%.600s", (int)seed, len, len2,
			         a + i, b + i);
		}
		if (last && !strcmp(last, a))
			fail_msg("seeds %d and %d make the same log", (int)seed - 1, (int)seed);
		free(last);
		last = a;
		free(b);
	}
	free(last);
}

/* ---- times ---- */

static void test_times(void **state)
{
	struct ilu_clock_options o = {.kind = ILU_CLOCK_VIRTUAL, .seed = 1};
	ilu_tid tid;
	json_t *lines, *line;

	(void)state;
	assert_int_equal(ilu_clock_start(&o), 0);
	log_begin("\"spanning\":\"CLOSE\"");
	tid = ilu_tid_generate();
	{
		ILU_SPAN(span, "long", &tid);
		ilu_clock_sleep(90 * S + 1);
		ilu_info(&tid, "Here");
		ilu_clock_sleep(S);
	}
	ilu_clock_sleep(24 * 3600 * S);
	ilu_info(&tid, "Next day");
	assert_int_equal(ilu_clock_start(&o), -EALREADY);
	assert_int_equal(ilu_clock_stop(), 0);
	lines = log_lines();
	log_remove();
	line = log_find(lines, "Logger initialized", 0);
	assert_string_equal(json_string_value(json_object_get(line, "timestamp")), "2026-01-01T00:00:00.000000000Z");
	assert_string_equal(json_string_value(log_field(line, "clock")), "virtual");
	line = log_find(lines, "Here", 0);
	assert_string_equal(json_string_value(json_object_get(line, "timestamp")), "2026-01-01T00:01:30.000000001Z");
	line = log_find(lines, "Next day", 0);
	assert_string_equal(json_string_value(json_object_get(line, "timestamp")), "2026-01-02T00:01:31.000000001Z");
	json_decref(lines);
}

/* Whenever in real time a file was written to last, it is rotated by the clock's. */
static void test_rotation(void **state)
{
	struct ilu_clock_options o = {.kind = ILU_CLOCK_VIRTUAL, .seed = 1};
	struct stat before, after;
	char config[300];
	ilu_tid tid;
	FILE *f;

	(void)state;
	log_make_dir();
	f = fopen(log_file(), "w");
	fputs("{}\n", f);
	fclose(f);
	assert_int_equal(stat(log_file(), &before), 0);
	assert_int_equal(ilu_clock_start(&o), 0);
	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"t\",\"rotate\":{\"every\":\"1d\"}}",
	         log_dir);
	assert_int_equal(ilu_log_start(config), 0);
	tid = ilu_tid_generate();
	ilu_info(&tid, "Here");
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	assert_int_equal(stat(log_file(), &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	ilu_clock_sleep(24 * 3600 * S);
	ilu_info(&tid, "Next day");
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	ilu_info(&tid, "Later");
	assert_int_equal(ilu_clock_stop(), 0);
	assert_int_equal(stat(log_file(), &after), 0);
	assert_int_not_equal(after.st_ino, before.st_ino);
	assert_int_equal(log_remove_dir(), 0);
}

static void close_later(void *arg)
{
	ilu_span_release(*(ilu_span *)arg);
}

static void test_span_times(void **state)
{
	struct ilu_clock_options o = {.kind = ILU_CLOCK_VIRTUAL, .seed = 1};
	ilu_tid tid;
	ilu_span kept;
	json_t *lines, *line;

	(void)state;
	assert_int_equal(ilu_clock_start(&o), 0);
	log_begin("\"spanning\":\"CLOSE\"");
	tid = ilu_tid_generate();
	{
		ILU_SPAN(span, "long", &tid);
		kept = ilu_span_share(span);
		ilu_clock_sleep(5 * S);
	}
	ilu_clock_call_at(ilu_clock_after(3 * S), close_later, &kept);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_int_equal(ilu_clock_stop(), 0);
	lines = log_lines();
	log_remove();
	line = log_find(lines, "close", 0);
	assert_non_null(line);
	assert_int_equal(json_integer_value(log_field(line, "busy_ns")), 5 * S);
	assert_int_equal(json_integer_value(log_field(line, "idle_ns")), 3 * S);
	json_decref(lines);
}

/* Real time, virtual time and real time again in one process: the log follows. */
static void test_change(void **state)
{
	struct ilu_clock_options o = {.kind = ILU_CLOCK_VIRTUAL};
	ilu_tid tid = ilu_tid_named("change");
	json_t *lines;

	(void)state;
	for (int i = 0; i < 4; i++) {
		const char *stamp;

		if (i & 1)
			assert_int_equal(ilu_clock_start(&o), 0);
		log_begin("");
		if (!(i & 1))
			assert_int_equal(ilu_clock_start(&o), -EBUSY);
		ilu_info(&tid, "Now");
		if (i & 1)
			assert_int_equal(ilu_clock_stop(), 0);
		else
			assert_int_equal(ilu_log_stop(), 0);
		lines = log_lines();
		log_remove();
		stamp = json_string_value(json_object_get(log_find(lines, "Now", 0), "timestamp"));
		assert_int_equal(!strcmp(stamp, "2026-01-01T00:00:00.000000000Z"), i & 1);
		json_decref(lines);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_times),    cmocka_unit_test(test_span_times),
	    cmocka_unit_test(test_change),     cmocka_unit_test(test_rotation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
