/* SPDX-License-Identifier: Apache-2.0 */
/* Kills: at random, and by the kernel for want of memory. What was logged is in the log exactly once. */
#define ILU_TARGET "test::kill"
#include "box_util.h"

#include <ilu/box.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

/* ---- random kills ---- */

static void *talk(void *argument)
{
	uint64_t t = (uint64_t)(uintptr_t)argument;
	ilu_tid tid = ilu_tid_named("Talker");

	for (uint64_t i = 0;; i++) {
		if (i % 16 == 3) {
			ILU_SPAN(span, "part", &tid, KV("of", t));
			ilu_info(ilu_span_tid(span), "said", KV("t", t), KV("i", i), KV("text", "some text of it"));
		} else {
			ilu_info(&tid, "said", KV("t", t), KV("i", i));
		}
		__atomic_store_n(&shared->said[t], i + 1, __ATOMIC_RELEASE);
		if (i % 64 == 63)
			usleep(200);
	}
	return NULL;
}

static void talk_until_killed(void)
{
	pthread_t thread;

	start_in("\"ring_bytes\":65536,\"rings\":16");
	__atomic_store_n(&shared->started, 1, __ATOMIC_RELEASE);
	for (uintptr_t t = 1; t < THREADS; t++)
		pthread_create(&thread, NULL, talk, (void *)t);
	talk(NULL);
}

/* The number behind `key`, which must be there. */
static uint64_t number_of(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	if (!at)
		fail_msg("no %s in %s", key, line);
	return strtoull(at + strlen(key), NULL, 10);
}

/* A whole line. Each sixteenth log is read as JSON, too, which takes most of the time. */
static void check_line(const char *line, size_t len, bool as_json)
{
	json_t *parsed;

	if (len < 100 || strncmp(line, "{\"timestamp\":\"", 14) != 0 || strcmp(line + len - 2, "}\n") != 0)
		fail_msg("no whole line: %s", line);
	if (!as_json)
		return;
	parsed = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (!parsed)
		fail_msg("no JSON: %s", line);
	json_decref(parsed);
}

/* Every number of each thread once, in order, up to what was safe at least; the lines' own numbers have no hole. */
static uint64_t check_lines(int kill_number)
{
	uint64_t next[THREADS] = {0}, recovered = 0, seq = 0;
	FILE *f = fopen(log_file(), "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	assert_non_null(f);
	while ((len = getline(&line, &cap, f)) > 0) {
		uint64_t t, n;

		check_line(line, (size_t)len, kill_number % 16 == 0);
		if (number_of(line, "\"seq\":") != ++seq)
			fail_msg("kill %d: not number %d: %s", kill_number, (int)seq, line);
		recovered += strstr(line, ",\"recovered\":true}\n") != NULL;
		if (!strstr(line, "\"message\":\"said\""))
			continue;
		t = number_of(line, "\"t\":");
		n = number_of(line, "\"i\":");
		assert_true(t < THREADS);
		if (n != next[t])
			fail_msg("kill %d: thread %d: %d follows after %d", kill_number, (int)t, (int)n,
			         (int)next[t] - 1);
		next[t]++;
	}
	free(line);
	fclose(f);
	for (int t = 0; t < THREADS; t++)
		if (next[t] < shared->said[t])
			fail_msg("kill %d: thread %d: %d of %d are there", kill_number, t, (int)next[t],
			         (int)shared->said[t]);
	return recovered;
}

static void test_kills(void **state)
{
	int kills = getenv("ILU_TEST_KILLS") ? atoi(getenv("ILU_TEST_KILLS")) : 60, boxes = 0;
	uint64_t recovered = 0, said = 0;

	(void)state;
	no_tsan();
	if (getenv("ILU_TEST_SEED"))
		seed = (uint64_t)atoll(getenv("ILU_TEST_SEED"));
	for (int i = 0; i < kills; i++) {
		pid_t child;
		int rc;

		begin();
		child = fork();
		if (!child) {
			talk_until_killed();
			_exit(0);
		}
		bool early = !any(8); /* in the middle of the start */

		for (int wait = 0; !early && !__atomic_load_n(&shared->started, __ATOMIC_ACQUIRE) && wait < 5000;
		     wait++)
			usleep(1000);
		usleep((useconds_t)any(20000));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		if (*find_box()) {
			boxes++;
			rc = ilu_box_recover(find_box(), NULL, NULL);
			if (rc)
				fail_msg("kill %d: %s", i, strerror(-rc));
			assert_string_equal(find_box(), "");
			recovered += check_lines(i);
		}
		for (int t = 0; t < THREADS; t++) {
			said += shared->said[t];
			if (!boxes)
				assert_int_equal(shared->said[t], 0);
		}
		end();
	}
	printf("%d of %d kills left a box; %llu records said, %llu lines recovered, 0 lost, 0 twice (seed %s)\n", boxes,
	       kills, (unsigned long long)said, (unsigned long long)recovered,
	       getenv("ILU_TEST_SEED") ? getenv("ILU_TEST_SEED") : "1");
	assert_true(recovered > 0 && boxes > 0);
}

/* ---- the kernel's kill, for want of memory ---- */

/* A cgroup of its own that may have `bytes`: its directory, or "" and nothing is there. */
static struct memory_group {
	char path[600];
	bool second; /* version */
} group;

static bool put_text(const char *name, const char *text)
{
	char path[700];
	int fd;
	bool done;

	snprintf(path, sizeof path, "%s/%s", group.path, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return done;
}

/* Where this process is: "4:memory:/a/b", or "0::/a/b" of version 2. */
static void find_group(void)
{
	FILE *f = fopen("/proc/self/cgroup", "r");
	char line[400], *colon;

	*group.path = '\0';
	while (f && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		colon = strrchr(line, ':');
		group.second = !strncmp(line, "0::", 3);
		if (!group.second && !strstr(line, ":memory:"))
			continue;
		snprintf(group.path, sizeof group.path, "/sys/fs/cgroup%s%s/ilulog-test-%ld",
		         group.second ? "" : "/memory", colon + 1, (long)getpid());
		if (!group.second)
			break;
	}
	if (f)
		fclose(f);
}

static bool make_group(const char *bytes)
{
	find_group();
	if (!*group.path || mkdir(group.path, 0755))
		return false;
	if (group.second ? put_text("memory.max", bytes) && put_text("memory.swap.max", "0")
	                 : put_text("memory.limit_in_bytes", bytes))
		return true;
	rmdir(group.path);
	return false;
}

/* How often the kernel has killed there. */
static long oom_kills(void)
{
	char path[700], line[200];
	long n = -1;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", group.path, group.second ? "memory.events" : "memory.oom_control");
	f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, "oom_kill ", 9))
			n = atol(line + 9);
	if (f)
		fclose(f);
	return n;
}

static void talk_until_there_is_no_memory(void)
{
	pthread_t thread;
	char number[32];

	snprintf(number, sizeof number, "%ld", (long)getpid());
	if (!put_text("cgroup.procs", number))
		_exit(7);
	start_in("\"ring_bytes\":65536,\"rings\":16");
	for (uintptr_t t = 1; t < THREADS; t++)
		pthread_create(&thread, NULL, talk, (void *)t);
	for (;;) {
		char *some = malloc(1 << 20);

		if (!some)
			_exit(6);
		memset(some, 1, 1 << 20);
		usleep(500);
	}
}

static void test_oom_kill(void **state)
{
	pid_t child;
	int status;

	(void)state;
	no_tsan();
	if (!make_group("67108864")) {
		print_message("skipped: no cgroup with a limit of memory can be made here\n");
		skip();
	}
	begin();
	child = fork();
	if (!child)
		talk_until_there_is_no_memory();
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 7) {
		rmdir(group.path);
		end();
		print_message("skipped: the cgroup takes no process\n");
		skip();
	}
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(oom_kills(), 1);
	assert_string_not_equal(find_box(), "");
	assert_int_equal(ilu_box_recover(find_box(), NULL, NULL), 0);
	print_message("the kernel killed it: %llu lines recovered\n", (unsigned long long)check_lines(0));
	end();
	rmdir(group.path);
}

/* ---- a kill with nothing left ---- */

static void die_in_a_span(void)
{
	ilu_tid tid = ilu_tid_named("Worker");
	ILU_SPAN(span, "open", &tid);

	ilu_info(ilu_span_tid(span), "said");
	ilu_log_flush(ILU_ACK_KERNEL, -1);
	raise(SIGKILL);
}

/* One that was killed is told of, though all that it said is in the log. */
static void test_nothing_left(void **state)
{
	pid_t child;
	json_t *lines, *line;

	(void)state;
	no_tsan();
	begin();
	child = fork();
	if (!child) {
		pid_t dies;

		start_in("");
		dies = fork();
		if (!dies)
			die_in_a_span();
		waitpid(dies, NULL, 0);
		look_now();
		_exit(ilu_log_stop() != 0);
	}
	expect_exit(child);
	lines = log_lines();
	line = log_find(lines, APPENDER_RECOVERED, 0);
	assert_int_equal(json_integer_value(log_field(line, "lines")), 0);
	assert_int_equal(json_integer_value(log_field(line, "open_spans")), 1);
	json_decref(lines);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kills),
	    cmocka_unit_test(test_oom_kill),
	    cmocka_unit_test(test_nothing_left),
	};

	unsetenv("ILU_LOG__black_box"); /* the tests say where */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
