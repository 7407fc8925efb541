/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write_faults.c - the commands that write, while memory runs out, the disk is full, or SQLite fails: one call in turn.
 *
 * Whatever fails, the command ends with 0 and has done its work, or with 4 and a message; the database is then as it
 * was, passes `check`, and no file lies beside it. How many of the calls are tried, tests/README.md says. */
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
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* What the database says, put together: 0 where there is none. */
static uint64_t signature(void)
{
	static const char sql[] = "SELECT (SELECT coalesce(sum(bytes * 31 + lines + id), 0) FROM source) + "
	                          "1000003 * (SELECT count(*) FROM event) + 17 * (SELECT count(*) FROM invocation) + "
	                          "(SELECT count(*) FROM place) + (SELECT count(*) FROM run WHERE path = 'x')";
	const char *check[] = {"-d", in_folder("db"), "-q", "check", NULL},
	           *ask[] = {"-d", in_folder("db"), "-q", "--format", "csv", "sql", sql, NULL};
	size_t n;
	char *text;
	uint64_t v;

	if (access(in_folder("db"), F_OK))
		return 0;
	if (command_run(check)) {
		text = file_get(in_folder(".said"), &n);
		fail_msg("check: %.*s", (int)n, text);
	}
	assert_int_equal(command_run(ask), 0);
	text = file_get(in_folder(".said"), &n);
	v = strtoull(strchr(text, '\n'), NULL, 10);
	free(text);
	return v;
}

/* ---- subjects ---- */

static char *base, *log_text, *more_text;
static size_t nbase, nlog, nmore;

static const struct {
	const char *name;
	bool fresh; /* no database is there */
	const char *words[4];
	const char *makes; /* a file that is whole or is not there */
} subjects[] = {{"load into a new database", true, {"load", "a.log"}, NULL},
                {"load into one", false, {"load", "b.log"}, NULL},
                {"drop-source", false, {"drop-source", "1"}, NULL},
                {"compact", false, {"compact"}, NULL},
                {"sql --write", false, {"sql", "--write", "UPDATE run SET path = 'x'"}, NULL},
                {"report -o", false, {"report", "-o", "r.html"}, "r.html"}};
#define NSUBJECTS (sizeof subjects / sizeof *subjects)

static int subject_run(size_t i)
{
	const char *words[8] = {"-d", in_folder("db"), "-q"};

	for (int k = 0; k < 4 && subjects[i].words[k]; k++) {
		const char *w = subjects[i].words[k];

		words[3 + k] = strstr(w, ".log") || strstr(w, ".html") ? in_folder(w) : w;
	}
	return command_run(words);
}

static void subject_prepare(size_t i)
{
	folder_empty();
	file_put(in_folder("a.log"), log_text, nlog);
	file_put(in_folder("b.log"), more_text, nmore);
	if (!subjects[i].fresh)
		file_put(in_folder("db"), base, nbase);
}

/* What the subject comes to when nothing fails. */
static struct want {
	uint64_t before, after;
	char *made;
	size_t nmade;
	char files[200], files_after[200];
} want;

static void want_find(size_t i)
{
	struct want *w = &want;

	free(w->made);
	*w = (struct want){0};
	subject_prepare(i);
	w->before = signature();
	folder_list(w->files, sizeof w->files);
	assert_int_equal(subject_run(i), 0);
	w->after = signature();
	folder_list(w->files_after, sizeof w->files_after);
	if (subjects[i].makes)
		w->made = file_get(in_folder(subjects[i].makes), &w->nmade);
}

/* A database that cannot be opened, a place that a file may not be put in: the user can do something about it. */
static bool is_refused(int kind)
{
	return kind == FILE_OPEN || kind == FAULT_RENAME;
}

static void one_try(size_t i, int kind, unsigned at)
{
	const struct want *w = &want;
	char files[200], *said;
	size_t n;
	int status;

	subject_prepare(i);
	sql_fault_arm(kind, at);
	status = subject_run(i);
	sql_fault_disarm(kind);
	said = file_get(in_folder(".said"), &n);
	if (status != 0 && status != 4 && !(status == 2 && is_refused(kind)))
		fail_msg("%s, %s %u (%zu %d): status %d: %.*s", subjects[i].name, sql_fault_names[kind], at, i, kind,
		         status, (int)n, said);
	if (status && !n)
		fail_msg("%s, %s %u (%zu %d): status 4 without a word", subjects[i].name, sql_fault_names[kind], at, i,
		         kind);
	if (signature() != (status ? w->before : w->after))
		fail_msg("%s, %s %u (%zu %d): status %d, and the database says otherwise: %.*s", subjects[i].name,
		         sql_fault_names[kind], at, i, kind, status, (int)n, said);
	free(said);
	folder_list(files, sizeof files);
	if (strcmp(files, status ? w->files : w->files_after))
		fail_msg("%s, %s %u (%zu %d): status %d, and these files: %s", subjects[i].name, sql_fault_names[kind],
		         at, i, kind, status, files);
	if (!status && w->made) {
		said = file_get(in_folder(subjects[i].makes), &n);
		if (n != w->nmade || memcmp(said, w->made, n))
			fail_msg("%s, %s %u (%zu %d): no error, and another file", subjects[i].name,
			         sql_fault_names[kind], at, i, kind);
		free(said);
	}
}

/* Calls of a kind that the subject makes; of a file's size the KiB that it comes to. */
static unsigned calls_count(size_t i, int kind)
{
	struct stat st;

	subject_prepare(i);
	if (kind == FILE_SIZE) {
		subject_run(i);
		return stat(in_folder(subjects[i].makes ? subjects[i].makes : "db"), &st)
		           ? 0
		           : (unsigned)(st.st_size / 1024);
	}
	sql_fault_arm(kind, UINT32_MAX);
	subject_run(i);
	return sql_fault_disarm(kind);
}

static void title(size_t i, char out[SWEEP_TITLE])
{
	snprintf(out, SWEEP_TITLE, "%s", subjects[i].name);
}

/* ---- a small database ---- */

static int setup(void **state)
{
	FILE *f = fopen("samples/logs/iluvatar/worker.log", "r");
	const char *load[] = {"-d", NULL, "-q", "load", NULL, NULL},
	           *drop[] = {"-d", NULL, "-q", "sql", "--write", "DELETE FROM run WHERE 0", NULL};
	char line[8192];

	(void)state;
	if (!f || folder_make())
		return -1;
	log_text = calloc(1, 1 << 20);
	more_text = calloc(1, 1 << 20);
	for (int i = 0; i < 80 && fgets(line, sizeof line, f); i++) {
		char *to = i < 50 ? log_text : more_text;

		strcat(to, line);
	}
	fclose(f);
	nlog = strlen(log_text);
	nmore = strlen(more_text);
	file_put(in_folder("a.log"), log_text, nlog);
	load[1] = drop[1] = in_folder("db");
	load[4] = in_folder("a.log");
	if (command_run(load) || command_run(drop))
		return -1;
	base = file_get(in_folder("db"), &nbase);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove();
	free(want.made);
	free(base);
	free(log_text);
	free(more_text);
	return 0;
}

int main(void)
{
	static const struct sweep_of of = {.name = "write_faults",
	                                   .n = NSUBJECTS,
	                                   .title = title,
	                                   .prepare = want_find,
	                                   .calls = calls_count,
	                                   .one = one_try,
	                                   .few = 6,
	                                   .more = 25,
	                                   .setup = setup,
	                                   .teardown = teardown};

	signal(SIGXFSZ, SIG_IGN);
	return sweep_run(&of);
}
