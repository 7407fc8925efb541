/* SPDX-License-Identifier: Apache-2.0 */
/* Spans: lines, parents, lists, times, hand-over to another thread, fields that come later, misuse. */
#define ILU_TARGET "test::span"
#include "log_util.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static json_t *span_of(json_t *line)
{
	return json_object_get(line, "span");
}

static const char *span_text(json_t *line, const char *key)
{
	return json_string_value(json_object_get(span_of(line), key));
}

static void nest(const ilu_tid *tid)
{
	ILU_SPAN(outer, "outer", tid, KV("z", 1), KV("a", "x"));
	ilu_info(tid, "in outer");
	{
		ILU_SPAN_AT(ILU_WARN, inner, "inner", tid);

		ilu_info(tid, "in inner");
	}
	ilu_info(tid, "in outer again");
}

static void test_lines_of_all_kinds(void **state)
{
	ilu_tid tid = ilu_tid_generate();
	json_t *lines, *line;

	(void)state;
	log_begin("\"spanning\":\"FULL\",\"include_spans_json\":true");
	nest(&tid);
	ilu_info(&tid, "outside");
	lines = log_end();
	assert_string_equal(
	    log_messages(lines),
	    "Logger initialized new:outer enter:outer in outer:outer new:inner enter:inner in inner:inner "
	    "exit:inner close:inner in outer again:outer exit:outer close:outer outside");
	/* `spans`, as tracing gives them: ancestors only at new, exit and close */
	assert_string_equal(log_stack(log_find(lines, "new", 0)), "");
	assert_string_equal(log_stack(log_find(lines, "enter", 0)), "outer");
	assert_string_equal(log_stack(log_find(lines, "in outer", 0)), "outer");
	assert_string_equal(log_stack(log_find(lines, "new", 1)), "outer");
	assert_string_equal(log_stack(log_find(lines, "enter", 1)), "outer,inner");
	assert_string_equal(log_stack(log_find(lines, "in inner", 0)), "outer,inner");
	assert_string_equal(log_stack(log_find(lines, "exit", 0)), "outer");
	assert_string_equal(log_stack(log_find(lines, "close", 0)), "outer");
	assert_string_equal(log_stack(log_find(lines, "exit", 1)), "");
	assert_string_equal(log_stack(log_find(lines, "close", 1)), "");
	assert_string_equal(log_stack(log_find(lines, "outside", 0)), "-");
	line = log_find(lines, "new", 1);
	assert_string_equal(json_string_value(json_object_get(line, "level")), "WARN");
	assert_string_equal(span_text(line, "parent"), span_text(log_find(lines, "new", 0), "id"));
	assert_null(json_object_get(span_of(log_find(lines, "new", 0)), "parent"));
	line = log_find(lines, "close", 1);
	assert_true(json_is_integer(log_field(line, "busy_ns")) && json_is_integer(log_field(line, "idle_ns")));
	assert_true(json_is_string(log_field(line, "time.busy")) && json_is_string(log_field(line, "time.idle")));
	assert_null(log_field(line, "tid"));
	json_decref(lines);
}

static void test_fields_are_sorted(void **state)
{
	static const char *const order[] = {"a", "name_", "tid", "u", "z", "name", "id"};
	ilu_tid tid = ilu_tid_generate();
	json_t *lines;
	int n = 0;

	(void)state;
	log_begin("\"spanning\":\"NEW\"");
	{
		ILU_SPAN(span, "sorted", &tid, KV("z", 1), KV("u", 2.5), KV("a", "x"), KV("name", "taken"));
	}
	lines = log_end();
	for (void *it = json_object_iter(span_of(log_find(lines, "new", 0))); it;
	     it = json_object_iter_next(span_of(log_find(lines, "new", 0)), it))
		assert_string_equal(json_object_iter_key(it), order[n++]);
	assert_int_equal(n, 7);
	json_decref(lines);
}

/* ---- a queue between two threads ---- */

struct item {
	ilu_span span;
	int number;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct item item[64];
	int len;
	bool closed;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

static void enqueue(const ilu_tid *tid, int number)
{
	ILU_SPAN(span, "invoke", tid, KV("n", number));

	ilu_info(tid, "Item enqueued");
	pthread_mutex_lock(&queue.lock);
	queue.item[queue.len++] = (struct item){ilu_span_share(span), number};
	pthread_cond_signal(&queue.cond);
	pthread_mutex_unlock(&queue.lock);
}

static bool run_next(void)
{
	struct item item;

	pthread_mutex_lock(&queue.lock);
	while (!queue.len && !queue.closed)
		pthread_cond_wait(&queue.cond, &queue.lock);
	if (!queue.len) {
		pthread_mutex_unlock(&queue.lock);
		return false;
	}
	item = queue.item[--queue.len];
	pthread_mutex_unlock(&queue.lock);
	ILU_ENTER_TAKE(item.span);
	ilu_info(ilu_span_tid(item.span), "Item starting to execute", KV("n", item.number));
	ilu_span_record(item.span, KV("status", 200));
	ilu_info(ilu_span_tid(item.span), "Item done");
	return true;
}

static void *worker(void *unused)
{
	ilu_log_thread_name("worker-7");
	while (run_next())
		;
	return unused;
}

static void test_through_a_queue(void **state)
{
	pthread_t thread;
	json_t *lines;

	(void)state;
	log_begin("\"spanning\":\"NEW+CLOSE\"");
	queue.closed = false;
	pthread_create(&thread, NULL, worker, NULL);
	for (int i = 0; i < 50; i++) {
		ilu_tid tid = ilu_tid_generate();

		enqueue(&tid, i);
	}
	pthread_mutex_lock(&queue.lock);
	queue.closed = true;
	pthread_cond_broadcast(&queue.cond);
	pthread_mutex_unlock(&queue.lock);
	pthread_join(thread, NULL);
	lines = log_end();
	assert_int_equal(log_count(lines, "new"), 50);
	assert_int_equal(log_count(lines, "close"), 50);
	for (int i = 0; i < 50; i++) {
		json_t *start = log_find(lines, "Item starting to execute", i), *done = log_find(lines, "Item done", i);

		assert_string_equal(json_string_value(json_object_get(start, "threadName")), "worker-7");
		assert_int_equal(json_integer_value(log_field(start, "n")),
		                 json_integer_value(json_object_get(span_of(start), "n")));
		assert_string_equal(json_string_value(log_field(start, "tid")), span_text(start, "tid"));
		assert_null(json_object_get(span_of(start), "status"));
		assert_int_equal(json_integer_value(json_object_get(span_of(done), "status")), 200);
	}
	json_decref(lines);
}

static void test_recorded_fields(void **state)
{
	ilu_tid tid = ilu_tid_generate();
	json_t *lines;
	char *text;

	(void)state;
	log_begin("\"spanning\":\"CLOSE\"");
	{
		ILU_SPAN(span, "s", &tid, KV("m", 1), KV_JSON("j", "{\"x\":[\"},\"]}"));
		ILU_SPAN(other, "other", &tid);

		ilu_span_record(span, KV("z", "last"), KV("a", true), KV("m", "replaced, \"}"));
		ilu_span_record(span, KV_ERRNO("e", ENOENT), KV("j", NULL));
		ilu_span_follows(span, other);
		ilu_span_follows(span, other);
	}
	lines = log_end();
	json_object_del(span_of(log_find(lines, "close", 1)), "tid");
	text = json_dumps(span_of(log_find(lines, "close", 1)), JSON_COMPACT);
	assert_non_null(strstr(text, "\"a\":1,\"e\":2,\"e_name\":\"ENOENT\",\"follows\":[\""));
	assert_non_null(strstr(text, "],\"j\":null,\"m\":\"replaced, \\\"}\",\"z\":\"last\",\"name\":\"s\",\"id\":"));
	free(text);
	json_decref(lines);
}

static void sleep_ms(long ms)
{
	struct timespec ts = {0, ms * 1000000};

	nanosleep(&ts, NULL);
}

static json_int_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void test_busy_and_idle(void **state)
{
	json_int_t begin = now_ns(), passed;
	ilu_tid tid = ilu_tid_generate();
	ilu_span kept;
	json_t *lines;
	json_int_t busy, idle;

	(void)state;
	log_begin("\"spanning\":\"CLOSE\"");
	{
		ILU_SPAN(span, "s", &tid);

		kept = ilu_span_share(span);
		sleep_ms(20);
	}
	sleep_ms(30);
	{
		ILU_ENTER_TAKE(kept);
		sleep_ms(20);
	}
	passed = now_ns() - begin;
	lines = log_end();
	busy = json_integer_value(log_field(log_find(lines, "close", 0), "busy_ns"));
	idle = json_integer_value(log_field(log_find(lines, "close", 0), "idle_ns"));
	assert_true(busy >= 39000000 && idle >= 29000000);
	assert_true(busy + idle <= passed);
	json_decref(lines);
}

/* ---- several threads in one span ---- */

static struct {
	ilu_span span;
	const ilu_tid *tid;
	pthread_barrier_t inside;
} together;

static void *be_inside(void *unused)
{
	ilu_span mine = ilu_span_share(together.span);

	pthread_barrier_wait(&together.inside); /* all have a reference */
	{
		ILU_ENTER_TAKE(mine);
		pthread_barrier_wait(&together.inside); /* all are in it */
		ilu_info(together.tid, "together");
		sleep_ms(20);
		pthread_barrier_wait(&together.inside);
	}
	return unused;
}

/* The time in which all of them are inside counts once; the last one to leave closes the span, once. */
static void test_threads_in_one_span(void **state)
{
	enum { THREADS = 6 };
	ilu_tid tid = ilu_tid_generate();
	pthread_t thread[THREADS];
	json_int_t busy, idle;
	json_t *lines, *line;

	(void)state;
	log_begin("\"spanning\":\"FULL\"");
	pthread_barrier_init(&together.inside, NULL, THREADS);
	together.tid = &tid;
	{
		ILU_SPAN(span, "shared", &tid);

		together.span = span;
		for (int i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&thread[i], NULL, be_inside, NULL), 0);
		sleep_ms(5);
		for (int i = 0; i < THREADS; i++)
			pthread_join(thread[i], NULL);
	}
	lines = log_end();
	assert_int_equal(log_count(lines, "new"), 1);
	assert_int_equal(log_count(lines, "enter"), THREADS + 1);
	assert_int_equal(log_count(lines, "exit"), THREADS + 1);
	assert_int_equal(log_count(lines, "close"), 1);
	assert_int_equal(log_count(lines, "together"), THREADS);
	for (int i = 0; i < THREADS; i++)
		assert_string_equal(log_stack(log_find(lines, "together", i)), "shared");
	line = log_find(lines, "close", 0);
	assert_ptr_equal(line, json_array_get(lines, json_array_size(lines) - 1));
	busy = json_integer_value(log_field(line, "busy_ns"));
	idle = json_integer_value(log_field(line, "idle_ns"));
	/* it was never empty: all the time was busy, and no more than passed */
	assert_true(busy >= 20000000 && busy < 5000000000);
	assert_true(idle < busy / 10);
	json_decref(lines);
	pthread_barrier_destroy(&together.inside);
}

static void test_use_after_close_is_counted(void **state)
{
	static const char misused[] = "Span handles used after their span was closed";
	ilu_tid tid = ilu_tid_generate();
	struct ilu_log_stats before = {.size = sizeof before}, after = before;
	ilu_span stale;
	char buf[ILU_TRACEPARENT_MAX], text[ILU_TID_MAX], place[80];
	json_t *lines, *told;
	json_int_t times = 0;
	int opened_at;

	(void)state;
	log_begin("");
	ilu_log_stats(&before);
	ilu_info(&tid, "this thread has a ring");
	{
		opened_at = __LINE__ + 1;
		ILU_SPAN(span, "s", &tid);

		stale = span;
	}
	assert_string_equal(ilu_tid_str(ilu_span_tid(stale), text), "none");
	assert_int_equal(ilu_span_share(stale).handle_, 0);
	ilu_span_release(stale);
	ilu_span_record(stale, KV("x", 1));
	assert_int_equal(ilu_span_traceparent(stale, buf), -EINVAL);
	{
		ILU_ENTER(stale);
		ilu_info(&tid, "still fine");
	}
	{
		ILU_ENTER_TAKE(stale);
	}
	ilu_log_stats(&after);
	assert_int_equal(after.span_misuse - before.span_misuse, 7);
	lines = log_end();
	assert_null(span_of(log_find(lines, "still fine", 0)));
	for (int i = 0; i < log_count(lines, misused); i++) /* it may be told on the way, too */
		times += json_integer_value(log_field(log_find(lines, misused, i), "count"));
	assert_int_equal(times, 7);
	told = log_find(lines, misused, 0);
	assert_string_equal(json_string_value(log_field(told, "of_span")), "s");
	assert_string_equal(json_string_value(log_field(told, "of_target")), ILU_TARGET);
	assert_string_equal(json_string_value(log_field(told, "of_tid")), ilu_tid_str(&tid, text));
	snprintf(place, sizeof place, "%.60s:%d", __FILE__, opened_at);
	assert_string_equal(json_string_value(log_field(told, "opened_at")), place);
	assert_int_equal(strncmp(json_string_value(log_field(told, "closed_at")), "log_span_test+0x", 16), 0);
	assert_int_equal(json_integer_value(log_field(told, "closed_by")), gettid());
	assert_int_equal(json_integer_value(log_field(told, "thread_id")), gettid());
	json_decref(lines);
}

static void test_filtered_spans_keep_their_tid(void **state)
{
	ilu_tid tid = ilu_tid_generate();
	json_t *lines;

	(void)state;
	log_begin("\"spanning\":\"FULL\",\"level\":\"info\"");
	{
		ILU_SPAN(seen, "seen", &tid);
		ILU_SPAN_AT(ILU_DEBUG, hidden, "hidden", &tid, KV("n", 1));
		ILU_SPAN(below, "below", &tid);

		assert_true(ilu_tid_equal(ilu_span_tid(hidden), &tid));
		ilu_info(ilu_span_tid(hidden), "event");
	}
	{
		ILU_SPAN_AT(ILU_DEBUG, hidden, "hidden", &tid);

		ilu_info(ilu_span_tid(hidden), "alone");
	}
	lines = log_end();
	assert_null(strstr(log_messages(lines), "hidden"));
	assert_string_equal(log_stack(log_find(lines, "event", 0)), "seen,below");
	assert_string_equal(span_text(log_find(lines, "event", 0), "parent"),
	                    span_text(log_find(lines, "new", 0), "id"));
	assert_string_equal(log_stack(log_find(lines, "alone", 0)), "-");
	json_decref(lines);
}

static void test_dynamic_directives(void **state)
{
	ilu_tid tid = ilu_tid_generate();
	json_t *lines;

	(void)state;
	log_begin("\"level\":\"warn,[invoke{fqdn=hello}]=debug\"");
	for (int i = 0; i < 2; i++) {
		ILU_SPAN(span, "invoke", &tid, KV("fqdn", i ? "hello" : "other"));

		ilu_debug(&tid, "maybe", KV("i", i));
		ilu_trace(&tid, "never");
		{
			ILU_SPAN_AT(ILU_DEBUG, deeper, "deeper", &tid);

			ilu_debug(&tid, "deep", KV("i", i));
		}
	}
	ilu_debug(&tid, "outside");
	lines = log_end();
	assert_int_equal(log_count(lines, "maybe"), 1);
	assert_int_equal(json_integer_value(log_field(log_find(lines, "maybe", 0), "i")), 1);
	assert_int_equal(log_count(lines, "deep"), 1);
	assert_string_equal(log_stack(log_find(lines, "deep", 0)), "invoke,deeper");
	assert_null(log_find(lines, "outside", 0));
	assert_null(log_find(lines, "never", 0));
	json_decref(lines);
}

static void named_after_function(const ilu_tid *tid)
{
	ILU_SPAN_FN(span, tid, KV("n", 1));

	ilu_info(tid, "here");
}

static void test_names_and_traceparents(void **state)
{
	static const char parent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
	static const char *const wrong[] = {NULL,
	                                    "",
	                                    "00-xyz",
	                                    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
	                                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
	                                    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"};
	char text[ILU_TRACEPARENT_MAX];
	ilu_tid tid = ilu_tid_generate(), named = ilu_tid_named("LoadMonitor");
	json_t *lines;

	(void)state;
	log_begin("\"spanning\":\"NEW\"");
	named_after_function(&tid);
	{
		ILU_SPAN_REMOTE(remote, "remote", parent, KV("k", 1));
		assert_int_equal(ilu_span_traceparent(remote, text), 0);
		assert_memory_equal(text, parent, 36);
		assert_int_equal(strlen(text), 55);
		ilu_info(ilu_span_tid(remote), "remote event");
	}
	for (int i = 0; i < 6; i++) {
		ILU_SPAN_REMOTE(fresh, "fresh", wrong[i]);
		assert_int_equal(ilu_span_traceparent(fresh, text), 0);
		assert_int_not_equal(memcmp(text, parent, 36), 0);
	}
	{
		ILU_SPAN(background, "background", &named);
		assert_int_equal(ilu_span_traceparent(background, text), -EINVAL);
	}
	lines = log_end();
	assert_string_equal(span_text(log_find(lines, "here", 0), "name"), "named_after_function");
	assert_string_equal(span_text(log_find(lines, "remote event", 0), "parent"), "b7ad6b7169203331");
	assert_string_equal(json_string_value(log_field(log_find(lines, "remote event", 0), "tid")),
	                    "0af7651916cd43dd8448eb211c80319c");
	json_decref(lines);
}

static void test_contexts_are_swapped(void **state)
{
	ilu_tid tid = ilu_tid_generate();
	ilu_context mine, none = {0, 0};
	json_t *lines;

	(void)state;
	log_begin("");
	{
		ILU_SPAN(span, "task", &tid);

		mine = ilu_context_swap(none);
		ilu_info(&tid, "scheduler");
		assert_int_equal(ilu_span_current().handle_, 0);
		none = ilu_context_swap(mine);
		ilu_info(&tid, "task again");
		assert_int_equal(ilu_span_current().handle_, span.handle_);
	}
	lines = log_end();
	assert_string_equal(log_stack(log_find(lines, "scheduler", 0)), "-");
	assert_string_equal(log_stack(log_find(lines, "task again", 0)), "task");
	json_decref(lines);
}

static void test_flame(void **state)
{
	ilu_tid tid = ilu_tid_generate();
	char keys[256], path[64], text[2048] = "";
	unsigned long long outer = 0, inner = 0, again = 0;
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "/tmp/ilu-flame-%ld.folded", (long)getpid());
	snprintf(keys, sizeof keys, "\"flame\":\"%s\",\"spanning\":\"NONE\"", path);
	log_begin(keys);
	ilu_log_thread_name("main");
	{
		ILU_SPAN(a, "outer", &tid);

		sleep_ms(5);
		{
			ILU_SPAN(b, "in;ner", &tid);

			sleep_ms(10);
		}
		sleep_ms(5);
	}
	json_decref(log_end());
	ilu_log_thread_name(NULL);
	f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	unlink(path);
	assert_int_equal(sscanf(text,
	                        "main; test::span::outer %llu main; test::span::outer; test::span::in:ner %llu "
	                        "main; test::span::outer %llu",
	                        &outer, &inner, &again),
	                 3);
	assert_true(outer >= 5000000 && inner >= 10000000 && again >= 5000000);
}

/* A device that takes nothing. The log itself is whole. */
static void test_flame_lost(void **state)
{
	ilu_tid tid = ilu_tid_generate();
	struct ilu_log_stats stats = {.size = sizeof stats};
	int rc;

	(void)state;
	log_begin("\"flame\":\"/dev/full\"");
	for (int i = 0; i < 3; i++) {
		ILU_SPAN(a, "outer", &tid);

		sleep_ms(1);
	}
	rc = ilu_log_flush(ILU_ACK_KERNEL, -1);
	ilu_log_stats(&stats);
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(stats.lost, 3);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0); /* nothing more */
	{
		ILU_SPAN(a, "outer", &tid);
	}
	assert_int_equal(ilu_log_stop(), -ENOSPC);
	log_remove();
}

static void test_children_close_first(void **state)
{
	ilu_tid tid = ilu_tid_generate();
	ilu_span child;
	json_t *lines;

	(void)state;
	log_begin("\"spanning\":\"CLOSE\"");
	{
		ILU_SPAN(outer, "outer", &tid);
		{
			ILU_SPAN(inner, "inner", &tid);

			child = ilu_span_share(inner);
		}
	}
	ilu_info(&tid, "both open");
	ilu_span_release(child);
	lines = log_end();
	assert_string_equal(log_messages(lines), "Logger initialized both open close:inner close:outer");
	json_decref(lines);
}

static void test_full_slab(void **state)
{
	enum { N = 70000 };
	ilu_tid tid = ilu_tid_generate();
	ilu_span *kept = malloc(N * sizeof *kept);
	struct ilu_log_stats stats = {.size = sizeof stats};
	json_t *lines;

	(void)state;
	log_begin("\"spanning\":\"NEW+CLOSE\"");
	for (int i = 0; i < N; i++) {
		ILU_SPAN(span, "s", &tid);

		kept[i] = ilu_span_share(span);
	}
	ilu_log_stats(&stats);
	assert_in_range(stats.span_overflow, N - 65536, N);
	for (int i = 0; i < N; i++)
		ilu_span_release(kept[i]);
	lines = log_end();
	assert_int_equal(log_count(lines, "new"), log_count(lines, "close"));
	assert_non_null(log_find(lines, "Spans left out of the log: the slab is full", 0));
	json_decref(lines);
	log_begin("\"spanning\":\"NEW+CLOSE\"");
	{
		ILU_SPAN(span, "again", &tid);
	}
	lines = log_end();
	assert_string_equal(log_messages(lines), "Logger initialized new:again close:again");
	json_decref(lines);
	free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines_of_all_kinds),
	    cmocka_unit_test(test_fields_are_sorted),
	    cmocka_unit_test(test_through_a_queue),
	    cmocka_unit_test(test_recorded_fields),
	    cmocka_unit_test(test_busy_and_idle),
	    cmocka_unit_test(test_threads_in_one_span),
	    cmocka_unit_test(test_use_after_close_is_counted),
	    cmocka_unit_test(test_filtered_spans_keep_their_tid),
	    cmocka_unit_test(test_dynamic_directives),
	    cmocka_unit_test(test_names_and_traceparents),
	    cmocka_unit_test(test_contexts_are_swapped),
	    cmocka_unit_test(test_flame),
	    cmocka_unit_test(test_flame_lost),
	    cmocka_unit_test(test_children_close_first),
	    cmocka_unit_test(test_full_slab),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
