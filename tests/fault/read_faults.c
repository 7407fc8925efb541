/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read_faults.c - the commands that read, while memory runs out, SQLite or a file fails: one call in turn.
 *
 * Whatever fails, the command gives the answer that it gives otherwise, to the byte, or ends with 4 and a message:
 * never a shorter answer. The database has something for each of them to find: mounts that failed, a storm, broken
 * locks, energy. How many of the calls are tried, tests/README.md says. */
#include "run_command.h"
#include "sqlite_faults.h"
#include "sweep.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define TID "6e42433c01cb56fc3f034f91f12ad6f1"

#define PAGE "page.html" /* in the folder: a link to what is said */

static const char *const subjects[][8] = {
    {"summary"},
    {"lint"},
    {"hangs"},
    {"storms"},
    {"diagnose", "mount"},
    {"functions"},
    {"phases"},
    {"spans"},
    {"spans", "--slowest", "5"},
    {"errors", "--level", "info"},
    {"patterns"},
    {"gaps"},
    {"containers"},
    {"energy"},
    {"series", "--limit", "20"},
    {"invocations"},
    {"timeline", TID},
    {"tree", TID},
    {"blame"},
    {"slow"},
    {"clocks"},
    {"batches"},
    {"events", "--limit", "40"},
    {"events", "--grep", "snapshot"},
    {"runs"},
    {"sources"},
    {"check"},
    {"cat", "1"},
    {"sql", "SELECT * FROM event LIMIT 60"},
    {"sql", "SELECT message, count(*) FROM event GROUP BY 1"},
    {"sql", "SELECT * FROM span JOIN phase USING (tid) LIMIT 60"},
    {"sql", "SELECT field(event, 'container_id') FROM event WHERE has(event, 'fqdn=*')"},
    {"sql", "SELECT count(*) FROM event WHERE tid IN (SELECT tid FROM invocation) AND message IN ('new', 'close') "
            "AND (event MATCH 'a' OR event MATCH 'e')"},
    {"export", "perfetto"},
    {"report"},
    {"report", "-o", PAGE},
    {"sql", "SELECT count(*) FROM event e LEFT JOIN span s ON s.tid IN (e.tid, 'x') AND e.message LIKE '%q'"},
};
#define NSUBJECTS (sizeof subjects / sizeof *subjects)

static int subject_run(size_t i)
{
	const char *words[12] = {"-d", in_folder("db"), "-q"};

	for (int k = 0; k < 8 && subjects[i][k]; k++)
		words[3 + k] = strcmp(subjects[i][k], PAGE) ? subjects[i][k] : in_folder(PAGE);
	return command_run(words);
}

/* What the subject comes to when nothing fails. */
static struct {
	int status;
	char *said;
	size_t n;
} want;

static void one_try(size_t i, int kind, unsigned at)
{
	const char *name = sql_fault_names[kind];
	size_t n;
	char *said;
	int status;

	sql_fault_arm(kind, at);
	status = subject_run(i);
	sql_fault_disarm(kind);
	said = file_get(in_folder(".said"), &n);
	if (status == 4 ||
	    (status == 2 && (kind == FILE_OPEN || kind == FAULT_RENAME))) { /* what cannot be opened, or put there */
		if (!n)
			fail_msg("%s, %s %u (%zu %d): status %d without a word", subjects[i][0], name, at, i, kind,
			         status);
	} else if (kind == FILE_READ && strstr(said, "unable to get the page")) {
		; /* SQLite's own check takes a page that cannot be read for a fault, and says so */
	} else if (status != want.status || n != want.n || memcmp(said, want.said, n)) {
		fail_msg("%s, %s %u (%zu %d): status %d, and another answer: %.*s", subjects[i][0], name, at, i, kind,
		         status, n < 2000 ? (int)n : 2000, said);
	}
	free(said);
}

/* ---- the sweep ---- */

static void title(size_t i, char out[SWEEP_TITLE])
{
	snprintf(out, SWEEP_TITLE, "%s %s", subjects[i][0], subjects[i][1] ? subjects[i][1] : "");
}

static bool takes(int kind)
{
	return kind != FILE_SIZE;
}

static void prepare(size_t i)
{
	free(want.said);
	want.status = subject_run(i);
	want.said = file_get(in_folder(".said"), &want.n);
	assert_true(want.status == 0 || want.status == 1);
}

static unsigned calls_count(size_t i, int kind)
{
	sql_fault_arm(kind, UINT32_MAX);
	subject_run(i);
	return sql_fault_disarm(kind);
}

/* ---- a small database ---- */

/* One transaction goes round without progress. */
static void storm_write(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (int i = 0; i < 2200; i++)
		fprintf(f,
		        "{\"timestamp\":\"2026-11-23 00:%02d:%02d.0\",\"level\":\"DEBUG\",\"fields\":{\"message\":"
		        "\"%s\",\"tid\":\"spins\"},\"target\":\"w\"}\n",
		        i / 60, i % 60, i % 2 ? "checking resources" : "Insufficient resources to run item");
	fclose(f);
}

static int setup(void **state)
{
	const char *load[] = {"-d",
	                      NULL,
	                      "-q",
	                      "load",
	                      "--timezone",
	                      "UTC",
	                      "samples/logs/iluvatar",
	                      "tests/data/lint",
	                      "tests/data/energy/energy-perf.log",
	                      "tests/data/energy/energy-ipmi.log",
	                      "samples/logs/damaged.log",
	                      NULL,
	                      NULL};
	int status;

	(void)state;
	if (folder_make())
		return -1;
	storm_write(in_folder("storm.log"));
	if (symlink(".said", in_folder(PAGE)))
		return -1;
	load[1] = in_folder("db");
	load[11] = in_folder("storm.log");
	status = command_run(load);
	return status == 3 ? 0 : status; /* 3: some lines were rejected */
}

static int teardown(void **state)
{
	(void)state;
	folder_remove();
	free(want.said);
	return 0;
}

int main(void)
{
	static const struct sweep_of of = {.name = "read_faults",
	                                   .n = NSUBJECTS,
	                                   .title = title,
	                                   .takes = takes,
	                                   .prepare = prepare,
	                                   .calls = calls_count,
	                                   .one = one_try,
	                                   .few = 2,
	                                   .more = 12,
	                                   .setup = setup,
	                                   .teardown = teardown};

	return sweep_run(&of);
}
