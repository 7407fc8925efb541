/* SPDX-License-Identifier: Apache-2.0 */
/* The black box: a process is killed, and what it had logged is in the log exactly once. */
#define ILU_TARGET "test::box"
#include "log_util.h"

#include <ilu/box.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { THREADS = 8 };

/* What the killed process was told to be safe: it counts on after each call that came back. */
static struct shared {
	uint64_t said[THREADS];
	uint32_t started;
} * shared;

static uint64_t seed = 1;

static uint64_t any(uint64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

static char box_dir[64];

static void start_in(const char *keys)
{
	char config[1024];

	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"t\",\"black_box\":\"%s\"%s%s}", log_dir,
	         box_dir, *keys ? "," : "", keys);
	if (ilu_log_start(config))
		_exit(3);
}

/* The box that is there; "" when there is none. */
static const char *find_box(void)
{
	static char path[512];
	DIR *d = opendir(box_dir);

	*path = '\0';
	for (struct dirent *e; d && (e = readdir(d));) {
		size_t len = strlen(e->d_name);

		if (len > 4 && !strcmp(e->d_name + len - 4, ".box"))
			snprintf(path, sizeof path, "%s/%s", box_dir, e->d_name);
	}
	closedir(d);
	return path;
}

static void clean(const char *directory)
{
	DIR *d = opendir(directory);
	char path[512];

	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
		unlink(path);
	}
	closedir(d);
	rmdir(directory);
}

static void begin(void)
{
	log_make_dir();
	strcpy(box_dir, access("/dev/shm", W_OK) ? "/tmp/ilu-box-XXXXXX" : "/dev/shm/ilu-box-XXXXXX");
	assert_non_null(mkdtemp(box_dir));
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
}

static void end(void)
{
	munmap(shared, sizeof *shared);
	clean(log_dir);
	clean(box_dir);
}

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

/* Every number of each thread once, in order, up to what was safe at least; the lines' own numbers have no hole. */
static uint64_t check_lines(int kill_number)
{
	json_t *lines = log_lines(), *line;
	uint64_t next[THREADS] = {0}, recovered = 0;
	size_t i;

	log_check_numbers(lines, "the log");
	json_array_foreach(lines, i, line)
	{
		uint64_t t, n;

		recovered += json_is_true(json_object_get(line, "recovered"));
		if (strcmp(log_message(line), "said") != 0)
			continue;
		t = (uint64_t)json_integer_value(log_field(line, "t"));
		n = (uint64_t)json_integer_value(log_field(line, "i"));
		if (n != next[t])
			fail_msg("kill %d: thread %d: %d follows after %d", kill_number, (int)t, (int)n,
			         (int)next[t] - 1);
		next[t]++;
	}
	for (int t = 0; t < THREADS; t++)
		if (next[t] < shared->said[t])
			fail_msg("kill %d: thread %d: %d of %d are there", kill_number, t, (int)next[t],
			         (int)shared->said[t]);
	json_decref(lines);
	return recovered;
}

static void test_kills(void **state)
{
	int kills = getenv("ILU_TEST_KILLS") ? atoi(getenv("ILU_TEST_KILLS")) : 60, boxes = 0;
	uint64_t recovered = 0, said = 0;

	(void)state;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
