/* SPDX-License-Identifier: Apache-2.0 */
/* rotate_faults.c - a daemon's log is rotated while the n-th call of each kind fails. The daemon goes on; its files in
 * their order have each number of `seq` on a line or in the range of one gap, and every record that it made after the
 * faults. Where the kind of call that failed loses nothing, as a name that cannot be changed, none is missing at all.
 */
#define ILU_TARGET "faulty"
#include <ilu/log.h>

#include "faults.h"

#include <dirent.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { EACH = 400, LOG_BYTES = 4 << 20 };

/* What the child tells: shared memory. */
static struct report {
	unsigned calls; /* of the kind that fails */
	int start;      /* first try's result */
	char complaint[FAULT_COMPLAINT];
} * report;

static char directory[64];

/* ---- the daemon ---- */

static void complain(const char *what, int rc)
{
	fault_complain(report->complaint, what, rc);
}

static int begin(void)
{
	char config[300];

	snprintf(config, sizeof config,
	         "{\"directory\":\"%s\",\"basename\":\"log\",\"black_box\":\"off\",\"ring_bytes\":65536,"
	         "\"rotate\":{\"bytes\":65536}}",
	         directory);
	return ilu_log_start(config);
}

static void say(int phase)
{
	ilu_tid tid = ilu_tid_named("Work");
	char text[600];

	memset(text, 'x', sizeof text);
	for (int i = 0; i < EACH; i++) {
		ilu_info(&tid, "Step", KV("phase", phase), KV("i", i), KV_STR("text", text, 500));
		if (i % 10 == 9)
			ilu_log_flush(ILU_ACK_KERNEL, -1);
	}
}

static int daemon_main(enum fault_kind kind, unsigned first, unsigned count)
{
	fault_arm(kind, first, count);
	report->start = begin();
	say(1);
	report->calls = fault_disarm();
	if (report->start)
		complain("a second start, without faults", begin());
	say(2);
	complain("a flush without faults", ilu_log_flush(ILU_ACK_DISK, -1));
	complain("the stop", ilu_log_stop());
	return *report->complaint != '\0';
}

/* ---- its files ---- */

struct tally {
	long long seq, lost, early;
	int next[3]; /* of the Steps of each phase */
	int said[3];
};

static void tally_line(struct tally *t, char *line, const char *what)
{
	json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, NULL), *fields = json_object_get(event, "fields");
	const char *message = json_string_value(json_object_get(fields, "message"));
	long long lost = json_integer_value(json_object_get(fields, "lost")),
	          seq = json_integer_value(json_object_get(event, "seq"));
	int phase = (int)json_integer_value(json_object_get(fields, "phase")),
	    i = (int)json_integer_value(json_object_get(fields, "i"));

	if (!message)
		fail_msg("%s: no event line: %.300s", what, line);
	if (seq != t->seq + (lost ? lost : 1))
		fail_msg("%s: after %lld comes %lld: %.300s", what, t->seq, seq, line);
	if (!strcmp(message, "Step")) {
		if (i < t->next[phase])
			fail_msg("%s: out of order: %.300s", what, line);
		t->next[phase] = i + 1;
		t->said[phase]++;
	}
	if (!strcmp(message, "Logger initialized"))
		t->early = json_integer_value(json_object_get(fields, "calls_before"));
	t->seq = seq;
	t->lost += lost;
	json_decref(event);
}

static size_t file_read(const char *name, char *to)
{
	char path[400];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(to, 1, LOG_BYTES, f);
	fclose(f);
	return n;
}

/* Old ones by their time, and log.log behind them. */
static int by_age(const struct dirent **a, const struct dirent **b)
{
	size_t n = strlen((*a)->d_name), m = strlen((*b)->d_name);

	if (n == 7 || m == 7)
		return (n == 7) - (m == 7);
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_log(const struct dirent *e)
{
	return !strncmp(e->d_name, "log.log", 7);
}

static int check_files(const char *what, bool none_lost)
{
	static char text[LOG_BYTES + 1];
	struct tally t = {.seq = 0};
	struct dirent **names;
	int n = scandir(directory, &names, is_log, by_age);

	for (int i = 0; i < n; i++) {
		char *at = text, *newline;

		text[file_read(names[i]->d_name, text)] = '\0';
		for (; (newline = strchr(at, '\n')); at = newline + 1) {
			*newline = '\0';
			tally_line(&t, at, what);
		}
		if (*at)
			fail_msg("%s: %s: cut: %.300s", what, names[i]->d_name, at);
		free(names[i]);
	}
	free(names);
	if (t.said[2] != EACH)
		fail_msg("%s: after the faults %d lines of %d", what, t.said[2], EACH);
	if (t.said[1] + t.early + (none_lost ? 0 : t.lost) < EACH)
		fail_msg("%s: %d lines of %d, %lld before the start, %lld lost", what, t.said[1], EACH, t.early,
		         t.lost);
	return n;
}

static void remove_files(void)
{
	char command[100];

	snprintf(command, sizeof command, "rm -rf %s/*log*", directory);
	assert_int_equal(system(command), 0);
}

/* ---- every n ---- */

/* What may lose lines: memory, and the log's own writes. */
static bool may_lose(enum fault_kind kind)
{
	return kind == FAULT_MALLOC || kind == FAULT_WRITE || kind == FAULT_WRITE_EIO || kind == FAULT_MMAP;
}

static void test_kind(void **state)
{
	enum fault_kind kind = *(enum fault_kind *)*state;
	unsigned n = 1, runs = 0, rotated = 0;
	char what[60];

	do {
		memset(report, 0, sizeof *report);
		remove_files();
		fault_try(daemon_main, kind, n, 1 + n % 3, report->complaint);
		snprintf(what, sizeof what, "%s %u", fault_names[kind], n);
		rotated += (unsigned)check_files(what, !may_lose(kind)) - 1;
		n += n > 60 ? 7 : 1;
		runs++;
	} while (n <= report->calls + 1);
	assert_true(rotated > runs);
	print_message("%s: failed in %u runs; %u calls in the last; %u rotations\n", fault_names[kind], runs - 1,
	              report->calls, rotated);
}

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/rotate_faults.XXXXXX");
	report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return report == MAP_FAILED || !mkdtemp(directory) ? -1 : 0;
}

static int teardown(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", directory);
	return system(command);
}

int main(void)
{
	static enum fault_kind kinds[] = {FAULT_OPEN,  FAULT_RENAME,    FAULT_SHORT, FAULT_THREAD,
	                                  FAULT_WRITE, FAULT_WRITE_EIO, FAULT_MMAP,  FAULT_MALLOC};
	enum { KINDS = sizeof kinds / sizeof *kinds };
	struct CMUnitTest tests[KINDS];

	unsetenv("ILU_LOG__black_box");
	for (size_t i = 0; i < KINDS; i++)
		tests[i] = (struct CMUnitTest){fault_names[kinds[i]], test_kind, NULL, NULL, &kinds[i]};
	return _cmocka_run_group_tests("rotate_faults", tests, KINDS, setup, teardown);
}
