/* SPDX-License-Identifier: Apache-2.0 */
/* log_faults.c - a daemon logs while the system refuses this and that: it goes on, and the log tells what is missing.
 *
 * For each kind of call, for n = 1, 2, 3 ... a child runs the same little daemon with the n-th such call failing (and a
 * few after it), until n is more than the daemon makes. The child must live, end well, and find logging resumed as soon
 * as the faults are over. Then its log is read: whole lines only, and each number of `seq` either on a line or within
 * the range of exactly one gap record; and every record that the daemon made is on a line or counted in a gap. */
#define ILU_TARGET "faulty"
#include <ilu/log.h>

#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define THREADS 2
#define EACH	150

/* What the child tells: shared memory. */
static struct report {
	unsigned calls;	   /* of the kind that fails */
	int start;	   /* first try's result */
	int flushed;	   /* under faults */
	char complaint[200]; /* why the child is not content */
} *report;

static char directory[64];

/* ---- the daemon ---- */

static void *work(void *arg)
{
	int phase = *(int *)arg;
	ilu_tid tid = ilu_tid_generate();
	char text[600];

	memset(text, 'x', sizeof text);
	ILU_SPAN(span, "work", &tid, KV("phase", phase));
	for (int i = 0; i < EACH; i++) {
		ilu_info(&tid, "Step", KV("phase", phase), KV("i", i), KV_STR("text", text, (size_t)(i * 37 % 600)));
		if (i % 10 == 9)
			ilu_log_flush(ILU_ACK_KERNEL, -1);
	}
	return NULL;
}

/* THREADS * EACH records. */
static void run_phase(int phase)
{
	pthread_t thread[THREADS];
	int started = 0;

	while (started < THREADS && !pthread_create(&thread[started], NULL, work, &phase))
		started++;
	for (int i = started; i < THREADS; i++)
		work(&phase);
	for (int i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
}

static void complain(const char *what, int rc)
{
	if (!*report->complaint)
		snprintf(report->complaint, sizeof report->complaint, "%s: %s (%d)", what, strerror(-rc), rc);
}

static void daemon_main(enum fault_kind kind, unsigned first, unsigned count)
{
	char config[200];
	int rc;

	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"log\",\"ring_bytes\":65536}", directory);
	fault_arm(kind, first, count);
	report->start = ilu_log_start(config);
	run_phase(1);
	report->flushed = ilu_log_flush(ILU_ACK_DISK, -1);
	report->calls = fault_disarm();
	if (report->start) {
		rc = ilu_log_start(config);
		if (rc)
			complain("a second start, without faults", rc);
	}
	run_phase(2);
	rc = ilu_log_flush(ILU_ACK_DISK, -1);
	if (rc)
		complain("a flush without faults", rc);
	rc = ilu_log_stop();
	if (rc)
		complain("the stop", rc);
}

/* ---- the log ---- */

struct tally {
	long long seq;	  /* the last number accounted for */
	long long events; /* of the daemon */
	long long resumed; /* of them, from after the faults */
	long long lost;
	long long early;  /* made before a start that worked */
	long long own;	  /* lines of the library that are no gaps */
};

static long long integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *tally_line(struct tally *t, const char *line, size_t len)
{
	json_t *event = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL), *fields = json_object_get(event, "fields");
	const char *message = json_string_value(json_object_get(fields, "message")), *wrong = NULL;
	long long seq = integer(event, "seq"), lost = integer(fields, "lost");

	if (!event || !message)
		wrong = "not an event line";
	else if (lost && (integer(fields, "from_seq") != t->seq + 1 || integer(fields, "to_seq") != seq || seq - t->seq != lost))
		wrong = "a gap that does not fit";
	else if (!lost && seq != t->seq + 1)
		wrong = "a hole in seq";
	else if (!strcmp(message, "Step")) {
		t->events++;
		t->resumed += integer(fields, "phase") == 2;
	} else if (!lost)
		t->own++;
	if (message && !strcmp(message, "Logger initialized"))
		t->early = integer(fields, "calls_before");
	t->lost += lost;
	t->seq = seq;
	json_decref(event);
	return wrong;
}

static char *read_log(size_t *len)
{
	static char text[4 << 20];
	char path[100];
	FILE *file;

	snprintf(path, sizeof path, "%s/log.log", directory);
	file = fopen(path, "r");
	*len = 0;
	if (file) {
		*len = fread(text, 1, sizeof text, file);
		fclose(file);
	}
	return text;
}

static void check_log(const char *name, unsigned n)
{
	struct tally t = { 0 };
	size_t len;
	char *text = read_log(&len);
	long long made = 2 * THREADS * EACH;

	for (char *at = text, *end = text + len; at < end;) {
		char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *wrong = newline ? tally_line(&t, at, (size_t)(newline - at)) : "cut";

		if (wrong)
			fail_msg("%s %u: %s: %.300s", name, n, wrong, at);
		at = newline + 1;
	}
	if (t.resumed != THREADS * EACH)
		fail_msg("%s %u: after the faults %lld lines of %d", name, n, t.resumed, THREADS * EACH);
	/* The line "Logger initialized" may be among the lost ones, and then there are no others of the library. */
	if (t.events + t.lost + t.early + t.own != made + 1)
		fail_msg("%s %u: %lld made, but %lld lines and %lld lost, %lld before the start, %lld own", name, n, made,
			 t.events, t.lost, t.early, t.own);
}

/* ---- every n ---- */

static void remove_log(void)
{
	char path[100];

	snprintf(path, sizeof path, "%s/log.log", directory);
	unlink(path);
}

static void run_child(enum fault_kind kind, unsigned n, unsigned count)
{
	int status;
	pid_t pid;

	memset(report, 0, sizeof *report);
	remove_log();
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2); /* what it says before the start */
		daemon_main(kind, n, count);
		_exit(*report->complaint != '\0');
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (*report->complaint)
		fail_msg("%s %u: %s", fault_names[kind], n, report->complaint);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("%s %u: the daemon died: status %d", fault_names[kind], n, status);
	check_log(fault_names[kind], n);
}

static void every(enum fault_kind kind, unsigned count)
{
	unsigned n = 1;

	do {
		run_child(kind, n, count);
	} while (n++ <= report->calls);
	print_message("%s: failed at each of %u calls, %u at a time\n", fault_names[kind], n - 2, count);
}

static void test_kind(void **state)
{
	enum fault_kind kind = *(enum fault_kind *)*state;

	every(kind, 1);
	every(kind, 5);
}

/* The disk is broken from the first line to the last: errors, and no waiting for better days. */
static void test_to_the_end(void **state)
{
	char config[200];
	size_t len;
	int status;
	pid_t pid;

	(void)state;
	remove_log();
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct ilu_log_stats stats;

		snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"log\"}", directory);
		fault_arm(FAULT_WRITE_EIO, 1, 1u << 30);
		if (ilu_log_start(config))
			_exit(1);
		run_phase(1);
		if (ilu_log_flush(ILU_ACK_KERNEL, -1) != -EIO)
			_exit(2);
		ilu_log_stats(&stats);
		if (stats.lost != THREADS * EACH + 1)
			_exit(3);
		_exit(ilu_log_stop() == -EIO ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	read_log(&len);
	assert_int_equal(len, 0);
}

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/log_faults.XXXXXX");
	report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return report == MAP_FAILED || !mkdtemp(directory) ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	remove_log();
	return rmdir(directory);
}

int main(void)
{
	static enum fault_kind kinds[] = { FAULT_MALLOC, FAULT_OPEN, FAULT_WRITE, FAULT_WRITE_EIO, FAULT_SHORT, FAULT_SYNC, FAULT_MMAP, FAULT_THREAD };
	struct CMUnitTest tests[sizeof kinds / sizeof *kinds + 1];

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		tests[i] = (struct CMUnitTest){ fault_names[kinds[i]], test_kind, NULL, NULL, &kinds[i] };
	tests[sizeof kinds / sizeof *kinds] = (struct CMUnitTest)cmocka_unit_test(test_to_the_end);
	return cmocka_run_group_tests_name("log_faults", tests, setup, teardown);
}
