/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program beside damage: databases with changed bytes are read without a crash and without being written, and what
 * is answered with exit status 0 by check and cat is right; a load that is killed leaves the old database or the new; a
 * log may end anywhere.
 *
 * How often, tests/README.md says. Needs ilu-logq in PATH, as tests/run has it. */
#include "own_dir.h"
#include "random_lines.h"
#include "tries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static struct random_lines rnd = {20261123, 0, 0};

/* ---- files ---- */

static char *file_read(const char *path, size_t *n)
{
	FILE *f = fopen(path, "r");
	struct stat st;
	char *p;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	p = malloc((size_t)st.st_size + 1);
	*n = fread(p, 1, (size_t)st.st_size, f);
	fclose(f);
	return p;
}

static void file_write(const char *path, const char *p, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static bool file_is(const char *path, const char *want, size_t n)
{
	size_t got;
	char *p = file_read(path, &got);
	bool same = got == n && !memcmp(p, want, n);

	free(p);
	return same;
}

static unsigned files_in_dir(void)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* ---- the program ---- */

static pid_t start(const char *db, const char *const *args)
{
	const char *argv[16] = {"ilu-logq", "-q", "-d", db};
	pid_t pid = fork();

	if (pid)
		return pid;
	for (int i = 0; args[i]; i++)
		argv[4 + i] = args[i];
	if (open(in_dir("out"), O_WRONLY | O_CREAT | O_TRUNC, 0644) < 0 ||
	    dup2(open(in_dir("out"), O_WRONLY | O_TRUNC), 1) < 0 ||
	    dup2(open(in_dir("err"), O_WRONLY | O_CREAT | O_TRUNC, 0644), 2) < 0)
		_exit(120);
	execvp(argv[0], (char **)argv);
	_exit(errno == ENOENT ? 127 : 126);
}

/* Its exit status; minus the signal where one ended it. */
static int run(const char *db, const char *const *args)
{
	pid_t pid = start(db, args);
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#define RUN(db, ...) run(db, (const char *const[]){__VA_ARGS__, NULL})

static bool have_program(void)
{
	if (RUN(in_dir("none"), "help") == 0)
		return true;
	print_message("skipped: no ilu-logq in PATH\n");
	return false;
}

/* Each start of the program takes as long as ten without. */
#ifdef __SANITIZE_ADDRESS__
#define SLOW 3
#else
#define SLOW 1
#endif

/* ---- changed bytes ---- */

static const char *const commands[][5] = {
    {"check"},
    {"cat", "1"},
    {"events"},
    {"--format", "json", "events"},
    {"events", "--level", "warn"},
    {"events", "--tid", "CtrMrgWorker"},
    {"invocations"},
    {"timeline", "0"},
    {"phases"},
    {"gaps"},
    {"spans"},
    {"errors", "--level", "info"},
    {"describe"},
    {"functions"},
    {"containers"},
    {"runs"},
    {"sources"},
    {"sql", "SELECT count(*), sum(length(raw)), count(field(event, 'fqdn')), min(time_ns) FROM event"},
    {"sql", "SELECT * FROM reject"},
    {"sql", "SELECT tid FROM event WHERE message = 'Item enqueued' GROUP BY tid"},
    {"sql", "SELECT * FROM span, phase LIMIT 50"},
    {"series"},
    {"patterns"},
    {"tree", "0"},
};

static void mutate(char *p, size_t *n)
{
	unsigned how = random_below(&rnd, 20);

	if (how == 0) {
		*n = random_below(&rnd, (unsigned)*n);
	} else if (how == 1) {
		size_t page = random_below(&rnd, (unsigned)(*n / 4096));

		memset(p + page * 4096, random_below(&rnd, 2) ? 0 : 0xff, 4096);
	} else if (how == 2) {
		memmove(p + random_below(&rnd, (unsigned)*n / 2), p + random_below(&rnd, (unsigned)*n / 2),
		        1 + random_below(&rnd, 5000));
	} else {
		for (unsigned k = 1 + random_below(&rnd, 4); k; k--)
			p[random_below(&rnd, (unsigned)*n)] ^= (char)(1u << random_below(&rnd, 8));
	}
}

static void changed_databases(void **state)
{
	const char *db = in_dir("good.db"), *bad = in_dir("bad.db");
	size_t n, log_len, wrong = 0, found = 0, silent = 0;
	unsigned rounds = tries(40 / SLOW, 120 / SLOW, 1000), most = sizeof commands / sizeof *commands;
	char *good, *log, *copy;

	(void)state;
	if (!have_program())
		skip();
	assert_int_equal(RUN(db, "load", "samples/logs/iluvatar"), 0);
	good = file_read(db, &n);
	assert_int_equal(RUN(db, "cat", "worker.log"), 0);
	log = file_read(in_dir("out"), &log_len);
	copy = malloc(n + 8192);
	for (unsigned i = 0; i < rounds; i++) {
		size_t len = n;
		int check = -1;
		unsigned files;

		memcpy(copy, good, n);
		mutate(copy, &len);
		file_write(bad, copy, len);
		files = files_in_dir();
		for (unsigned k = 0; k < (rounds > 500 ? 8 : 6); k++) {
			const char *const *command = commands[k < 1 ? 0 : random_below(&rnd, most)];
			int status = k == 1 ? RUN(bad, "cat", "worker.log") : run(bad, command);

			if (k == 0)
				check = status;
			if (status < 0 || status > 4)
				fail_msg("round %u: %s %s: exit status %d", i, k == 1 ? "cat" : command[0],
				         command[1] ? command[1] : "", status);
			if (!file_is(bad, copy, len) || files_in_dir() != files)
				fail_msg("round %u: %s wrote", i, command[0]);
			if (k == 1 && status == 0 && !file_is(in_dir("out"), log, log_len)) {
				print_message("# round %u: cat is wrong, check says %d\n", i, check);
				wrong++;
				silent += check == 0;
			}
		}
		found += check == 3;
	}
	print_message("# check found %zu of %u; cat was wrong %zu times, %zu of them unseen by check\n", found, rounds,
	              wrong, silent);
	assert_int_equal(silent, 0);
	assert_int_equal(wrong, 0);
	assert_true(found > rounds / (rounds < 40 ? 6 : 3)); /* few rounds vary more */
	free(good);
	free(log);
	free(copy);
}

/* ---- killed loads ---- */

static size_t make_log(const char *path, unsigned lines)
{
	struct random_lines r = {lines, 0, 3};
	char *buf = malloc((size_t)lines * 4000), *o = buf;
	size_t n;

	for (unsigned i = 0; i < lines; i++) {
		o += random_line(&r, o);
		*o++ = '\n';
	}
	n = (size_t)(o - buf);
	file_write(path, buf, n);
	free(buf);
	return n;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A load of path into db, killed after so long; whether it was not through. */
static bool load_killed(const char *db, const char *path, double after)
{
	pid_t pid = start(db, (const char *const[]){"load", path, NULL});
	struct timespec t = {(time_t)after, (long)((after - (double)(time_t)after) * 1e9)};
	int status;

	nanosleep(&t, NULL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status);
}

/* What a database says, or "none" where there is none. */
static const char *answer(const char *db, char *buf, size_t room)
{
	size_t n;
	char *p;
	int status;

	if (access(db, F_OK))
		return strcpy(buf, "none");
	status = RUN(db, "sql",
	             "SELECT id, bytes, ok, rejected, (SELECT count(*) FROM event), (SELECT sum(events) FROM place), "
	             "(SELECT count(*) FROM invocation) FROM source");
	p = file_read(in_dir(status ? "err" : "out"), &n);
	snprintf(buf, room, "%d %.*s", status, (int)(n < room - 20 ? n : room - 20), p);
	free(p);
	return buf;
}

static void killed_loads(void **state)
{
	const char *log = in_dir("killed.log"), *db = in_dir("killed.db"), *old_db = in_dir("old.db");
	char before[600], after[600], fresh[600], now[600], *old;
	size_t whole, old_len;
	unsigned rounds = tries(12 / SLOW, 30 / SLOW, 200), killed = 0;
	double took;

	(void)state;
	if (!have_program())
		skip();
	whole = make_log(log, 30000);
	assert_int_equal(truncate(log, (off_t)whole / 2), 0);
	assert_int_equal(RUN(old_db, "load", log), 3);
	answer(old_db, before, sizeof before);
	old = file_read(old_db, &old_len);
	make_log(log, 30000);
	took = seconds();
	assert_int_equal(RUN(old_db, "load", log), 3);
	took = seconds() - took;
	answer(old_db, after, sizeof after);
	assert_int_equal(RUN(db, "load", log), 3);
	answer(db, fresh, sizeof fresh);
	for (unsigned i = 0; i < rounds; i++) {
		bool append = i % 2;

		unlink(db);
		unlink(in_dir("killed.db-journal"));
		if (append)
			file_write(db, old, old_len);
		killed += load_killed(db, log, took * (double)random_below(&rnd, 1100) / 1000);
		answer(db, now, sizeof now);
		if (strcmp(now, append ? before : "none") && strcmp(now, append ? after : fresh))
			fail_msg("round %u, %s: %s\nnot: %s\nnor: %s", i, append ? "append" : "new", now,
			         append ? before : "none", append ? after : fresh);
		if (i % 5 < 2 && strcmp(now, "none"))
			assert_int_equal(RUN(db, "check"), 0);
	}
	print_message("# %u of %u loads were killed before they were through\n", killed, rounds);
	assert_true(killed > rounds / 4);
	unlink(db);
	assert_int_equal(RUN(db, "load", log), 3); /* what a killed load left is not in the way */
	free(old);
}

/* ---- logs that end anywhere ---- */

/* The second line of what was printed: the value below its name. */
static void answer_line(char *buf, size_t room)
{
	size_t n;
	char *p = file_read(in_dir("out"), &n), *line = memchr(p, '\n', n),
	     *end = line ? memchr(line + 1, '\n', n - (size_t)(line + 1 - p)) : NULL;

	snprintf(buf, room, "%.*s", end ? (int)(end - line - 1) : 0, end ? line + 1 : "");
	free(p);
}

static void cut_logs(void **state)
{
	const char *log = in_dir("cut.log"), *db = in_dir("cut.db");
	size_t n, from, step = tries(31, 13, 1);
	char *text, want[100], got[600];
	unsigned lines;

	(void)state;
	if (!have_program())
		skip();
	text = file_read("samples/logs/iluvatar/worker.log", &n);
	from = n;
	for (unsigned k = 0; k < 4; k++)
		while (from && text[--from] != '\n')
			;
	for (size_t end = from + 1; end <= n; end += end + step < n - 2 ? step : 1) {
		bool whole = text[end - 1] == '\n' || text[end] == '\n';
		int status;

		lines = 0;
		for (size_t i = 0; i < end; i++)
			lines += text[i] == '\n';
		file_write(log, text, end);
		unlink(db);
		status = RUN(db, "load", log);
		assert_int_equal(status, whole ? 0 : 3);
		snprintf(want, sizeof want, "%zu|%u|%d|%zu", end, lines + (text[end - 1] != '\n' && whole), !whole,
		         end);
		assert_int_equal(RUN(db, "--format", "csv", "sql",
		                     "SELECT bytes || '|' || ok || '|' || rejected || '|' || (ok_bytes + "
		                     "repaired_bytes + rejected_bytes) FROM source"),
		                 0);
		answer_line(got, sizeof got);
		if (strcmp(got, want))
			fail_msg("%zu of %zu bytes: %s, not %s", end, n, got, want);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(changed_databases), cmocka_unit_test(killed_loads),
	                                   cmocka_unit_test(cut_logs)};

	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
