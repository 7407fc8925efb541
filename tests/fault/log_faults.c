/* SPDX-License-Identifier: Apache-2.0 */
/* log_faults.c - a daemon logs while the system refuses this and that: it goes on, and the log tells what is missing.
 *
 * For each kind of call, for n = 1, 2, 3 ... a child runs the same little daemon with the n-th such call failing (and a
 * few after it), until n is more than the daemon makes. The child must live, end well, and find logging resumed as soon
 * as the faults are over. Then its log is read: whole lines only, and each number of `seq` either on a line or within
 * the range of exactly one gap record; and every record that the daemon made is on a line or counted in a gap.
 *
 * The same with more sinks, a file and a journal, each of which must account for every record by itself, and with the
 * configuration read again under the faults. The journal is a thread of the test. */
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
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define THREADS 2
#define EACH    (rich ? 50 : 150)

/* What the child tells: shared memory. */
static struct report {
	unsigned calls;                  /* of the kind that fails */
	int start;                       /* first try's result */
	int flushed;                     /* under faults */
	int reloads;                     /* that were accepted */
	char complaint[FAULT_COMPLAINT]; /* why the child is not content */
} * report;

static char directory[64];
static bool rich; /* with sinks and a reload */

static char *path_of(const char *name)
{
	static char path[100];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

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
	fault_complain(report->complaint, what, rc);
}

static int begin(void)
{
	char config[200];

	if (rich)
		return ilu_log_start_file(path_of("config"));
	snprintf(config, sizeof config,
	         "{\"directory\":\"%s\",\"basename\":\"log\",\"black_box\":\"off\",\"ring_bytes\":65536}", directory);
	return ilu_log_start(config);
}

static int daemon_main(enum fault_kind kind, unsigned first, unsigned count)
{
	int rc;

	fault_arm(kind, first, count);
	report->start = begin();
	if (rich)
		report->reloads += ilu_log_reload() == 0;
	run_phase(1);
	report->flushed = ilu_log_flush(ILU_ACK_DISK, -1);
	report->calls = fault_disarm();
	if (report->start) {
		rc = begin();
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
	return *report->complaint != '\0';
}

/* ---- the log ---- */

struct tally {
	long long seq;     /* the last number accounted for */
	long long events;  /* of the daemon */
	long long resumed; /* of them, from after the faults */
	long long lost;
	long long early; /* made before a start that worked */
	long long own;   /* lines of the library that are no gaps */
	bool
	    of_sink; /* which also has the main log's gaps, with the numbers there, for records that never were lines */
};

/* What a line says, from wherever it was read. */
struct said {
	const char *message;
	long long seq, lost, from_seq, to_seq, phase, calls_before;
};

static const char *tally_said(struct tally *t, const struct said *s)
{
	if (s->lost && t->of_sink && s->seq == t->seq + 1 && s->to_seq != s->seq) {
		t->lost += s->lost;
		t->seq++;
		return NULL;
	}
	if (s->lost && (s->from_seq != t->seq + 1 || s->to_seq != s->seq || s->seq - t->seq != s->lost))
		return "a gap that does not fit";
	if (!s->lost && s->seq != t->seq + 1)
		return "a hole in seq";
	if (!strcmp(s->message, "Step")) {
		t->events++;
		t->resumed += s->phase == 2;
	} else if (!s->lost) {
		t->own++;
	}
	if (!strcmp(s->message, "Logger initialized"))
		t->early = s->calls_before;
	t->lost += s->lost;
	t->seq = s->seq;
	return NULL;
}

static long long integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *tally_line(struct tally *t, const char *line, size_t len)
{
	json_t *event = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL), *fields = json_object_get(event, "fields");
	struct said said = {json_string_value(json_object_get(fields, "message")),
	                    integer(event, "seq"),
	                    integer(fields, "lost"),
	                    integer(fields, "from_seq"),
	                    integer(fields, "to_seq"),
	                    integer(fields, "phase"),
	                    integer(fields, "calls_before")};
	const char *wrong = event && said.message ? tally_said(t, &said) : "not an event line";

	json_decref(event);
	return wrong;
}

static char *read_log(const char *name, size_t *len)
{
	static char text[4 << 20];
	FILE *file = fopen(path_of(name), "r");

	*len = 0;
	if (file) {
		*len = fread(text, 1, sizeof text, file);
		fclose(file);
	}
	return text;
}

/* `what`: the fault; `where`: the sink. */
static void check_tally(const struct tally *t, const char *what, unsigned n, const char *where)
{
	long long made = 2 * THREADS * EACH;

	if (t->resumed != THREADS * EACH)
		fail_msg("%s %u: %s: after the faults %lld lines of %d", what, n, where, t->resumed, THREADS * EACH);
	/* "Logger initialized", and what came of a reload, may be among the lost ones */
	if (t->events + t->lost + t->early + t->own != made + 1 + report->reloads)
		fail_msg("%s %u: %s: %lld made and %d reloads, but %lld lines and %lld lost, %lld before the start, "
		         "%lld own",
		         what, n, where, made, report->reloads, t->events, t->lost, t->early, t->own);
}

static void check_log(const char *what, unsigned n, const char *where)
{
	struct tally t = {.of_sink = strcmp(where, "log.log") != 0};
	size_t len;
	char *text = read_log(where, &len);

	for (char *at = text, *end = text + len; at < end;) {
		char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *wrong = newline ? tally_line(&t, at, (size_t)(newline - at)) : "cut";

		if (wrong)
			fail_msg("%s %u: %s: %s: %.300s", what, n, where, wrong, at);
		at = newline + 1;
	}
	check_tally(&t, what, n, where);
}

/* ---- the journal ---- */

static struct {
	pthread_t thread;
	int fd;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned ends; /* empty datagrams */
	struct tally tally;
	char wrong[400];
} journal = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

static struct sockaddr_un journal_address(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof address.sun_path, "%s/journal", directory);
	return address;
}

/* The texts of this daemon have no control characters: "NAME=value" in each line. */
static void tally_entry(char *entry)
{
	struct said said = {.message = ""};
	struct {
		const char *name;
		long long *slot;
	} numbers[] = {
	    {"SEQ=", &said.seq},       {"LOST=", &said.lost},   {"FROM_SEQ=", &said.from_seq},
	    {"TO_SEQ=", &said.to_seq}, {"PHASE=", &said.phase}, {"CALLS_BEFORE=", &said.calls_before},
	};
	const char *wrong;
	char *rest;

	for (char *field = strtok_r(entry, "\n", &rest); field; field = strtok_r(NULL, "\n", &rest)) {
		if (!strncmp(field, "MESSAGE=", 8))
			said.message = field + 8;
		for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
			if (!strncmp(field, numbers[i].name, strlen(numbers[i].name)))
				*numbers[i].slot = atoll(field + strlen(numbers[i].name));
		}
	}
	wrong = tally_said(&journal.tally, &said);
	if (wrong && !*journal.wrong)
		snprintf(journal.wrong, sizeof journal.wrong, "%s: %s, seq %lld", wrong, said.message, said.seq);
}

static void *read_journal(void *unused)
{
	static char entry[65536];
	ssize_t n;

	/* a single byte ends it */
	while ((n = recv(journal.fd, entry, sizeof entry - 1, 0)) >= 0 && n != 1) {
		entry[n] = '\0';
		pthread_mutex_lock(&journal.lock);
		if (n)
			tally_entry(entry);
		else
			journal.ends++;
		pthread_cond_signal(&journal.ended);
		pthread_mutex_unlock(&journal.lock);
	}
	return unused;
}

static bool tell_journal(size_t bytes)
{
	struct sockaddr_un address = journal_address();
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = sendto(fd, "x", bytes, 0, (struct sockaddr *)&address, sizeof address) == (ssize_t)bytes;

	close(fd);
	return done;
}

/* All that the daemon sent is read now. */
static void check_journal(const char *what, unsigned n)
{
	assert_true(tell_journal(0));
	pthread_mutex_lock(&journal.lock);
	while (!journal.ends)
		pthread_cond_wait(&journal.ended, &journal.lock);
	pthread_mutex_unlock(&journal.lock);
	if (*journal.wrong)
		fail_msg("%s %u: journal: %s", what, n, journal.wrong);
	check_tally(&journal.tally, what, n, "journal");
}

/* ---- every n ---- */

static void remove_logs(void)
{
	unlink(path_of("log.log"));
	unlink(path_of("sink.log"));
	journal.tally = (struct tally){.of_sink = true};
	*journal.wrong = '\0';
	journal.ends = 0;
}

static void run_child(enum fault_kind kind, unsigned n, unsigned count)
{
	memset(report, 0, sizeof *report);
	remove_logs();
	fault_try(daemon_main, kind, n, count, report->complaint);
	check_log(fault_names[kind], n, "log.log");
	if (rich) {
		check_log(fault_names[kind], n, "sink.log");
		check_journal(fault_names[kind], n);
	}
}

/* Of the hundreds of datagrams not each: they are all alike. */
static void every(enum fault_kind kind, unsigned count)
{
	unsigned n = 1, runs = 0;

	do {
		run_child(kind, n, count);
		n += kind == FAULT_SOCKET && n > 12 ? 61 : 1;
		runs++;
	} while (n <= report->calls + 1);
	print_message("%s%s: failed in %u runs, %u at a time; %u calls in the last\n", fault_names[kind],
	              rich ? ", with sinks" : "", runs - 1, count, report->calls);
}

static void test_kind(void **state)
{
	enum fault_kind kind = *(enum fault_kind *)*state;

	if (rich) {
		every(kind, 2);
		return;
	}
	every(kind, 1);
	every(kind, 5);
}

static void test_kind_with_sinks(void **state)
{
	rich = true;
	test_kind(state);
	rich = false;
}

/* The disk is broken from the first line to the last: errors, and no waiting for better days. */
static void test_to_the_end(void **state)
{
	char config[200];
	size_t len;
	int status;
	pid_t pid;

	(void)state;
	remove_logs();
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct ilu_log_stats stats = {.size = sizeof stats};

		snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"log\",\"black_box\":\"off\"}",
		         directory);
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
	read_log("log.log", &len);
	assert_int_equal(len, 0);
}

static int setup(void **state)
{
	struct sockaddr_un address;
	FILE *file;

	(void)state;
	unsetenv("ILU_LOG__black_box"); /* box_faults.c has its own */
	strcpy(directory, "/tmp/log_faults.XXXXXX");
	report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED || !mkdtemp(directory))
		return -1;
	file = fopen(path_of("config"), "w");
	if (!file)
		return -1;
	fprintf(file,
	        "{\"directory\":\"%s\",\"basename\":\"log\",\"black_box\":\"off\",\"ring_bytes\":65536,"
	        "\"sinks\":[{\"file\":\"sink.log\"},{\"journald\":\"%s/journal\",\"filter\":\"info\"}]}",
	        directory, directory);
	fclose(file);
	address = journal_address();
	journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(journal.fd, (struct sockaddr *)&address, sizeof address))
		return -1;
	return -pthread_create(&journal.thread, NULL, read_journal, NULL);
}

static int teardown(void **state)
{
	(void)state;
	if (tell_journal(1))
		pthread_join(journal.thread, NULL);
	close(journal.fd);
	remove_logs();
	unlink(path_of("journal"));
	unlink(path_of("config"));
	return rmdir(directory);
}

int main(void)
{
	static enum fault_kind kinds[] = {FAULT_MALLOC, FAULT_OPEN, FAULT_WRITE,  FAULT_WRITE_EIO, FAULT_SHORT,
	                                  FAULT_SYNC,   FAULT_MMAP, FAULT_THREAD, FAULT_SOCKET};
	enum { KINDS = sizeof kinds / sizeof *kinds };
	static char names[KINDS][40];
	struct CMUnitTest tests[2 * KINDS];
	size_t n = 0;

	for (size_t i = 0; i < KINDS; i++) {
		snprintf(names[i], sizeof names[i], "%s, with sinks", fault_names[kinds[i]]);
		if (kinds[i] != FAULT_SOCKET)
			tests[n++] = (struct CMUnitTest){fault_names[kinds[i]], test_kind, NULL, NULL, &kinds[i]};
		tests[n++] = (struct CMUnitTest){names[i], test_kind_with_sinks, NULL, NULL, &kinds[i]};
	}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_to_the_end);
	return _cmocka_run_group_tests("log_faults", tests, n, setup, teardown);
}
