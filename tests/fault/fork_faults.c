/* SPDX-License-Identifier: Apache-2.0 */
/* fork_faults.c - a master forks workers, the system refuses this and that to both: forks, threads, what a black box
 * needs. Where a fork is refused the master does the worker's work. Every line of each of them is in the log once, and
 * no box is left; without memory a line may be lost, which the log says. */
#define ILU_TARGET "faulty"
#include <ilu/log.h>

#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { WORKERS = 4, EACH = 30 };

/* What master and workers tell: shared memory. */
static struct report {
	unsigned calls; /* of the kind that fails, by any of them at most */
	unsigned refused;
	bool mute[WORKERS]; /* that found no memory to log, and said so */
	char complaint[FAULT_COMPLAINT];
} * report;

static char directory[64];
static bool memory_fails;

static char *path_of(const char *name)
{
	static char path[2][400];
	static int n;

	n = (n + 1) % 2;
	snprintf(path[n], sizeof path[n], "%s/%s", directory, name);
	return path[n];
}

/* ---- master and workers ---- */

static void complain(const char *what, int rc)
{
	fault_complain(report->complaint, what, rc);
}

static void work(int worker)
{
	ilu_tid tid = ilu_tid_named("Work");
	ILU_SPAN(span, "work", &tid, KV("worker", worker));

	for (int i = 0; i < EACH; i++)
		ilu_info(&tid, "Step", KV("worker", worker), KV("i", i));
}

static void count_calls(void)
{
	unsigned calls = fault_disarm();

	if (calls > report->calls)
		report->calls = calls;
}

/* What the worker says on stderr goes into a file without a name, and then where it belongs. */
static bool says(const char *words, int file, int real)
{
	char text[1024] = "";
	ssize_t n = pread(file, text, sizeof text - 1, 0);

	dup2(real, STDERR_FILENO);
	if (n > 0 && !strstr(text, words))
		fputs(text, stderr);
	return strstr(text, words) != NULL;
}

static void be_worker(int worker)
{
	int real = dup(STDERR_FILENO), file = memfd_create("stderr", MFD_CLOEXEC), stopped;
	bool said;

	dup2(file, STDERR_FILENO);
	work(worker);
	count_calls();
	stopped = ilu_log_stop();
	said = says("a forked child, cannot log: ", file, real);
	report->mute[worker] = stopped == -ESRCH && memory_fails && said;
	complain("a worker's stop", report->mute[worker] ? 0 : stopped);
	_exit(0);
}

static void hire(int worker)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid)
		be_worker(worker);
	if (pid < 0) {
		report->refused++;
		work(worker);
		return;
	}
	waitpid(pid, &status, 0);
	complain("a worker's status", status);
}

/* Root has no limit to its processes. */
static void give_up_root(void)
{
	if (!geteuid() && (setgid(65534) || setuid(65534)))
		complain("no other user", 1);
}

static int be_master(enum fault_kind kind, unsigned first, unsigned count)
{
	char config[300];
	ilu_tid tid = ilu_tid_named("Master");

	give_up_root();
	snprintf(config, sizeof config,
	         "{\"directory\":\"%s\",\"basename\":\"log\",\"black_box\":\"%s/box\",\"ring_bytes\":65536,\"rings\":8,"
	         "\"span_slots\":1024}",
	         directory, directory);
	complain("the start", ilu_log_start(config));
	memory_fails = kind == FAULT_MALLOC;
	fault_arm(kind, first, count);
	for (int w = 0; w < WORKERS; w++) {
		hire(w);
		ilu_info(&tid, "Hired", KV("worker", w));
	}
	count_calls();
	complain("the stop", ilu_log_stop());
	return *report->complaint != '\0';
}

/* ---- what is left ---- */

struct tally {
	int steps[WORKERS], next[WORKERS], hired;
	long long lost; /* as lines of the library say */
};

static void check_line(const char *line, struct tally *t, const char *what)
{
	json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, NULL), *fields = json_object_get(event, "fields");
	const char *message = json_string_value(json_object_get(fields, "message"));
	int worker = (int)json_integer_value(json_object_get(fields, "worker")),
	    i = (int)json_integer_value(json_object_get(fields, "i"));

	if (!message)
		fail_msg("%s: no event line: %s", what, line);
	if (!strcmp(message, "Step")) {
		if (i < t->next[worker])
			fail_msg("%s: worker %d: out of order: %s", what, worker, line);
		t->next[worker] = i + 1;
		t->steps[worker]++;
	}
	t->hired += !strcmp(message, "Hired");
	t->lost += json_integer_value(json_object_get(fields, "lost"));
	json_decref(event);
}

/* Without memory a line may be lost, which is said, or a worker says at once that it can't log. */
static void check_log(const char *what, bool memory)
{
	struct tally t = {.hired = 0};
	long long missing = WORKERS;
	FILE *f = fopen(path_of("log.log"), "r");
	char *line = NULL;
	size_t cap = 0;

	assert_non_null(f);
	while (getline(&line, &cap, f) > 0)
		check_line(line, &t, what);
	free(line);
	fclose(f);
	for (int w = 0; w < WORKERS; w++) {
		if (!memory && t.steps[w] != EACH)
			fail_msg("%s: worker %d: %d of %d lines", what, w, t.steps[w], EACH);
		missing += report->mute[w] ? 0 : EACH - t.steps[w];
	}
	missing -= t.hired;
	if (missing > (memory ? t.lost : 0))
		fail_msg("%s: %lld lines are missing, %lld are said to be lost", what, missing, t.lost);
}

static void check_boxes(const char *what)
{
	DIR *d = opendir(path_of("box"));

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		if (*e->d_name != '.')
			fail_msg("%s: %s is left", what, e->d_name);
	closedir(d);
}

static void test_kind(void **state)
{
	enum fault_kind kind = *(enum fault_kind *)*state;
	unsigned n = 1, refused = 0;
	char what[60];

	do {
		memset(report, 0, sizeof *report);
		fault_try(be_master, kind, n, 1 + n % 3, report->complaint);
		snprintf(what, sizeof what, "%s %u", fault_names[kind], n);
		check_log(what, kind == FAULT_MALLOC);
		check_boxes(what);
		unlink(path_of("log.log"));
		refused += report->refused;
		n++;
	} while (n <= report->calls + 1);
	assert_true(kind != FAULT_FORK || refused >= WORKERS);
	print_message("%s: failed in %u runs; %u calls in the last\n", fault_names[kind], n - 2, report->calls);
}

static int setup(void **state)
{
	(void)state;
	unsetenv("ILU_LOG__black_box"); /* it would go over ours */
	strcpy(directory, access("/dev/shm", W_OK) ? "/tmp/fork_faults.XXXXXX" : "/dev/shm/fork_faults.XXXXXX");
	report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return report == MAP_FAILED || !mkdtemp(directory) || chmod(directory, 0777) || mkdir(path_of("box"), 0777) ||
	               chmod(path_of("box"), 0777)
	           ? -1
	           : 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path_of("log.log"));
	rmdir(path_of("box"));
	return rmdir(directory);
}

int main(void)
{
	static enum fault_kind kinds[] = {FAULT_FORK,   FAULT_THREAD, FAULT_OPEN,     FAULT_SOCKET,   FAULT_MMAP,
	                                  FAULT_FILTER, FAULT_SHORT,  FAULT_TRUNCATE, FAULT_ALLOCATE, FAULT_POPULATE,
	                                  FAULT_RENAME, FAULT_READ,   FAULT_MALLOC};
	enum { KINDS = sizeof kinds / sizeof *kinds };
	struct CMUnitTest tests[KINDS];

	for (size_t i = 0; i < KINDS; i++)
		tests[i] = (struct CMUnitTest){fault_names[kinds[i]], test_kind, NULL, NULL, &kinds[i]};
	return _cmocka_run_group_tests("fork_faults", tests, KINDS, setup, teardown);
}
