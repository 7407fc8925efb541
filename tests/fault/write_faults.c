/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write_faults.c - the commands that write, while memory runs out, the disk is full, or SQLite fails: one call in turn.
 *
 * Whatever fails, the command ends with 0 and has done its work, or with 4 and a message; the database is then as it
 * was, passes `check`, and no file lies beside it. How many of the calls are tried, tests/README.md says. */
#include "base/sql.h"
#include "faults.h"
#include "../unit/tries.h"
#include "shell/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/ilu-writes-XXXXXX";

static const char *in_folder(const char *name)
{
	static char paths[8][96];
	static unsigned n;
	char *p = paths[n++ % 8];

	snprintf(p, sizeof *paths, "%s/%s", folder, name);
	return p;
}

/* ---- what fails ---- */

/* Kinds of faults.h, then those inside SQLite; the last is a file that may not grow beyond n KiB. */
enum {
	SQLITE_MEMORY = FAULT_KINDS,
	FILE_READ,
	FILE_OPEN,
	FILE_WRITE_FULL,
	FILE_WRITE,
	FILE_SYNC,
	FILE_TRUNCATE,
	SQLITE_STEP,
	SQLITE_PREPARE,
	FILE_SIZE,
	KINDS
};

static const char *const names[KINDS] = {[FAULT_MALLOC] = "an allocation",
                                         [FAULT_OPEN] = "open",
                                         [FAULT_WRITE] = "write: full",
                                         [FAULT_THREAD] = "a thread",
                                         [SQLITE_MEMORY] = "an allocation of SQLite's",
                                         [FILE_READ] = "SQLite's read",
                                         [FILE_OPEN] = "SQLite's open",
                                         [FILE_WRITE_FULL] = "SQLite's write: full",
                                         [FILE_WRITE] = "SQLite's write",
                                         [FILE_SYNC] = "SQLite's sync",
                                         [FILE_TRUNCATE] = "SQLite's truncate",
                                         [SQLITE_STEP] = "a step",
                                         [SQLITE_PREPARE] = "a statement",
                                         [FILE_SIZE] = "files may not grow"};

static struct {
	int kind;
	unsigned armed, calls, at;
} plan;

static bool fails(int kind)
{
	return __atomic_load_n(&plan.armed, __ATOMIC_ACQUIRE) && plan.kind == kind &&
	       __atomic_add_fetch(&plan.calls, 1, __ATOMIC_RELAXED) == plan.at;
}

/* ---- SQLite's functions, whatever it is that they fail of ---- */

int __real_sqlite3_step(sqlite3_stmt *st);
int __wrap_sqlite3_step(sqlite3_stmt *st);
int __real_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **st, const char **rest);
int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **st, const char **rest);
int __real_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **st,
                              const char **rest);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **st,
                              const char **rest);

int __wrap_sqlite3_step(sqlite3_stmt *st)
{
	return fails(SQLITE_STEP) ? SQLITE_IOERR : __real_sqlite3_step(st);
}

int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **st, const char **rest)
{
	if (!fails(SQLITE_PREPARE))
		return __real_sqlite3_prepare_v2(db, sql, n, st, rest);
	*st = NULL;
	return SQLITE_NOMEM;
}

int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **st, const char **rest)
{
	if (!fails(SQLITE_PREPARE))
		return __real_sqlite3_prepare_v3(db, sql, n, flags, st, rest);
	*st = NULL;
	return SQLITE_NOMEM;
}

/* ---- its memory and files ---- */

static sqlite3_mem_methods memory;

static void *memory_get(int n)
{
	return fails(SQLITE_MEMORY) ? NULL : memory.xMalloc(n);
}

static void *memory_more(void *old, int n)
{
	return fails(SQLITE_MEMORY) ? NULL : memory.xRealloc(old, n);
}

static sqlite3_io_methods real_io, io;

static int io_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	return fails(FILE_WRITE_FULL) ? SQLITE_FULL
	       : fails(FILE_WRITE)    ? SQLITE_IOERR_WRITE
	                              : real_io.xWrite(f, p, n, at);
}

static int io_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return fails(FILE_READ) ? SQLITE_IOERR_READ : real_io.xRead(f, p, n, at);
}

static int io_sync(sqlite3_file *f, int flags)
{
	return fails(FILE_SYNC) ? SQLITE_IOERR_FSYNC : real_io.xSync(f, flags);
}

static int io_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return fails(FILE_TRUNCATE) ? SQLITE_IOERR_TRUNCATE : real_io.xTruncate(f, size);
}

static sqlite3_vfs *unix_vfs, vfs;

/* All files of a VFS that have locks have the same methods, those without have others: only the first kind is ours. */
static int vfs_open(sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *out)
{
	int rc = fails(FILE_OPEN) ? SQLITE_CANTOPEN : unix_vfs->xOpen(v, name, f, flags, out);

	if (rc || !f->pMethods)
		return rc;
	if (!io.iVersion) {
		real_io = io = *f->pMethods;
		io.xRead = io_read;
		io.xWrite = io_write;
		io.xSync = io_sync;
		io.xTruncate = io_truncate;
	}
	if (f->pMethods->xWrite == real_io.xWrite && f->pMethods->xLock == real_io.xLock)
		f->pMethods = &io;
	return rc;
}

static void sqlite_prepare(void)
{
	sqlite3_mem_methods ours;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
	ours = memory;
	ours.xMalloc = memory_get;
	ours.xRealloc = memory_more;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
	sqlite3_initialize();
	unix_vfs = sqlite3_vfs_find(NULL);
	vfs = *unix_vfs;
	vfs.zName = "faults";
	vfs.pNext = NULL;
	vfs.xOpen = vfs_open;
	sqlite3_vfs_register(&vfs, 1);
}

static void size_limit(rlim_t bytes)
{
	struct rlimit r;

	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &r);
}

static void arm(int kind, unsigned at)
{
	if (kind < SQLITE_MEMORY) {
		fault_arm((enum fault_kind)kind, at, kind == (int)FAULT_WRITE ? 2 : 1);
	} else if (kind == FILE_SIZE) {
		size_limit(at * 1024);
	} else {
		plan.kind = kind;
		plan.at = at;
		plan.calls = 0;
		__atomic_store_n(&plan.armed, 1, __ATOMIC_RELEASE);
	}
}

static unsigned disarm(int kind)
{
	if (kind < SQLITE_MEMORY)
		return fault_disarm();
	if (kind == FILE_SIZE)
		size_limit(RLIM_INFINITY);
	__atomic_store_n(&plan.armed, 0, __ATOMIC_RELEASE);
	return plan.calls;
}

/* ---- files and commands ---- */

static char *file_get(const char *path, size_t *n)
{
	FILE *f = fopen(path, "r");
	char *p = malloc(8 << 20);

	assert_non_null(f);
	*n = fread(p, 1, 8 << 20, f);
	fclose(f);
	return p;
}

static void file_put(const char *path, const char *p, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

static void folder_empty(void)
{
	char path[400];
	DIR *d = opendir(folder);

	for (const struct dirent *e; (e = readdir(d));)
		if (*e->d_name != '.') {
			snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
			unlink(path);
		}
	closedir(d);
}

/* What lies there: names with blanks between. */
static void folder_list(char *out, size_t room)
{
	DIR *d = opendir(folder);

	*out = 0;
	for (const struct dirent *e; (e = readdir(d));)
		if (*e->d_name != '.')
			snprintf(out + strlen(out), room - strlen(out), "%s ", e->d_name);
	closedir(d);
}

/* The command's status; what it said is in the file `said`. */
static int command_run(const char *const *words)
{
	struct session s = {.settings = settings_default()};
	char *argv[12];
	int n = 0, status, out, err, file = open(in_folder(".said"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	while ((argv[n] = (char *)words[n]))
		n++;
	fflush(stdout);
	fflush(stderr);
	out = dup(1);
	err = dup(2);
	dup2(file, 1);
	dup2(file, 2);
	status = session_run(&s, n, argv, "");
	session_done(&s);
	fflush(stdout);
	fflush(stderr);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(file);
	return status;
}

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
	text[n] = 0;
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
struct want {
	uint64_t before, after;
	char *made;
	size_t nmade;
	char files[200], files_after[200];
};

static void want_find(size_t i, struct want *w)
{
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

static void one_try(size_t i, int kind, unsigned at, const struct want *w)
{
	char files[200], *said;
	size_t n;
	int status;

	subject_prepare(i);
	arm(kind, at);
	status = subject_run(i);
	disarm(kind);
	said = file_get(in_folder(".said"), &n);
	if (status != 0 && status != 4 && !(status == 2 && kind == FILE_OPEN)) /* a database that cannot be opened */
		fail_msg("%s, %s %u (%zu %d): status %d: %.*s", subjects[i].name, names[kind], at, i, kind, status,
		         (int)n, said);
	if (status && !n)
		fail_msg("%s, %s %u (%zu %d): status 4 without a word", subjects[i].name, names[kind], at, i, kind);
	if (signature() != (status ? w->before : w->after))
		fail_msg("%s, %s %u (%zu %d): status %d, and the database says otherwise: %.*s", subjects[i].name,
		         names[kind], at, i, kind, status, (int)n, said);
	free(said);
	folder_list(files, sizeof files);
	if (strcmp(files, status ? w->files : w->files_after))
		fail_msg("%s, %s %u (%zu %d): status %d, and these files: %s", subjects[i].name, names[kind], at, i,
		         kind, status, files);
	if (!status && w->made) {
		said = file_get(in_folder(subjects[i].makes), &n);
		if (n != w->nmade)
			fail_msg("%s, %s %u (%zu %d): no error, and half a file", subjects[i].name, names[kind], at, i,
			         kind);
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
	arm(kind, UINT32_MAX);
	subject_run(i);
	return disarm(kind);
}

/* ILU_FAULT="SUBJECT KIND CALL", numbers: that one alone, for a debugger. */
static bool one_alone(size_t subject, int fault, const struct want *w)
{
	const char *which = getenv("ILU_FAULT");
	unsigned i, kind, at;

	if (!which || sscanf(which, "%u %u %u", &i, &kind, &at) != 3)
		return false;
	if (i == subject && (int)kind == fault)
		one_try(i, fault, at, w);
	return true;
}

/* A test: one kind of fault in one subject, so that what is found in one hides nothing of the others. */
struct sweep {
	size_t subject;
	int kind;
};

static void sweep(void **state)
{
	static struct want wants[NSUBJECTS];
	const struct sweep *s = *state;
	struct want *w = &wants[s->subject];
	unsigned share = tries(6, 25, UINT32_MAX),
	         seed = 20261128 + 7919 * (unsigned)(s->subject * KINDS) + (unsigned)s->kind;
	unsigned all, n;

	if (!w->files_after[0])
		want_find(s->subject, w);
	if (one_alone(s->subject, s->kind, w))
		return;
	all = calls_count(s->subject, s->kind);
	n = all < share ? all : share;
	for (unsigned k = 0; k < n; k++) {
		seed = seed * 1103515245 + 12345;
		one_try(s->subject, s->kind, n == all ? k + 1 : 1 + (seed >> 8) % all, w);
	}
	print_message("%s, %s: %u of %u\n", subjects[s->subject].name, names[s->kind], n, all);
}

/* ---- a small database ---- */

static int setup(void **state)
{
	FILE *f = fopen("samples/logs/iluvatar/worker.log", "r");
	const char *load[] = {"-d", NULL, "-q", "load", NULL, NULL},
	           *drop[] = {"-d", NULL, "-q", "sql", "--write", "DELETE FROM run WHERE 0", NULL};
	char line[8192];

	(void)state;
	if (!f || !mkdtemp(folder))
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
	folder_empty();
	unlink(in_folder(".said"));
	free(base);
	free(log_text);
	free(more_text);
	return rmdir(folder);
}

int main(void)
{
	static struct CMUnitTest tests[NSUBJECTS * KINDS];
	static struct sweep sweeps[NSUBJECTS * KINDS];
	static char titles[NSUBJECTS * KINDS][80];
	size_t n = 0;

	for (size_t i = 0; i < NSUBJECTS; i++)
		for (int kind = 0; kind < KINDS; kind++)
			if (names[kind]) {
				sweeps[n] = (struct sweep){i, kind};
				snprintf(titles[n], sizeof titles[n], "%s, %s", subjects[i].name, names[kind]);
				tests[n] = (struct CMUnitTest){titles[n], sweep, NULL, NULL, &sweeps[n]};
				n++;
			}
	signal(SIGXFSZ, SIG_IGN);
	unsetenv("ILU_LOGQ_DB");
	sqlite_prepare();
	return _cmocka_run_group_tests("write_faults", tests, n, setup, teardown);
}
