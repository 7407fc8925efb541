/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.c - see session.h */
#include "shell/session.h"
#include "base/sql.h"
#include "render/stream.h"
#include "beside/beside.h"
#include "blame/blame.h"
#include "load/load.h"
#include "query/cluster/command.h"
#include "query/cluster/need.h"
#include "query/core/complain.h"
#include "render/text.h"
#include "store/vtab_event.h"
#include "tables/tables.h"
#include <errno.h>
#include <langinfo.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Set while a command runs, so that Ctrl-C can stop SQLite too. */
static sqlite3 *volatile interruptible;

static volatile sig_atomic_t loading;

static void on_interrupt(int signal)
{
	sqlite3 *db = interruptible;

	(void)signal;
	query_interrupted = 1;
	if (loading)
		load_interrupt();
	else
		store_stop_many(true);
	if (db)
		sqlite3_interrupt(db);
}

void session_loading(bool on)
{
	loading = on;
}

void session_catch_interrupt(void)
{
	struct sigaction action = {.sa_handler = on_interrupt};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
}

/* What is made in $TMPDIR for a cluster goes when the program is told to end: as with Ctrl-C, the second time at once.
 * A reader that has enough is an error of the output. */
struct ends {
	struct sigaction before[3];
};

static const int ending[] = {SIGTERM, SIGHUP, SIGPIPE};

static void ends_catch(struct ends *e)
{
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
		struct sigaction a = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};

		if (ending[i] == SIGPIPE)
			a = (struct sigaction){.sa_handler = SIG_IGN};
		sigemptyset(&a.sa_mask);
		sigaction(ending[i], NULL, &e->before[i]);
		if (e->before[i].sa_handler != SIG_IGN) /* nohup */
			sigaction(ending[i], &a, NULL);
	}
}

static void ends_restore(const struct ends *e)
{
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		sigaction(ending[i], &e->before[i], NULL);
}

static bool use_color(const struct settings *s)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (s->color != COLOR_AUTO)
		return s->color == COLOR_ALWAYS;
	return isatty(STDOUT_FILENO) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

static struct output make_output(const struct session *session, const struct settings *s)
{
	FILE *to = session->to;

	return (struct output){
	    .file = to ? to : stdout,
	    .format = s->format,
	    .records = s->records,
	    .columns = s->columns,
	    .width = s->width >= 0      ? s->width
	             : session->to_file ? 0
	                                : terminal_width(STDOUT_FILENO),
	    .terminal = !session->to_file && isatty(STDOUT_FILENO),
	    .color = (!to || s->color == COLOR_ALWAYS) && use_color(s) && (s->format == FORMAT_TEXT),
	    .utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8"),
	    .quiet = s->quiet,
	};
}

const char *session_micro(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8") ? "µ" : "u";
}

int session_width(const struct session *s)
{
	return make_output(s, &s->settings).width;
}

static void close_store(struct session *s)
{
	store_close(s->store);
	free(s->store_path);
	s->store = NULL;
	s->store_path = NULL;
}

static enum status status_of_open(int rc)
{
	if (rc == -EBADMSG || rc == -EPROTONOSUPPORT || rc == -EMEDIUMTYPE)
		return DAMAGED;
	return rc == -ENOMEM || rc == -EIO || rc == -ENOSPC ? SYSTEM : USAGE;
}

static void open_store(struct session *s, struct query *q, enum store_mode mode)
{
	char *why = NULL;
	int rc;

	if (s->store && mode == STORE_READ && !strcmp(s->store_path, q->path))
		return;
	close_store(s);
	rc = store_open(q->path, mode, &s->store, &why);
	if (rc) {
		query_fail(q, status_of_open(rc), "%s: %s", q->path, why ? why : strerror(-rc));
		free(why);
		return;
	}
	s->store_path = strdup(q->path);
	rc = s->store_path ? vtab_event_register(store_db(s->store), s->store) : -ENOMEM;
	if (!rc)
		rc = tables_register(store_db(s->store), s->store);
	if (!rc)
		rc = beside_register(store_db(s->store), s->store);
	if (!rc)
		rc = blame_register(store_db(s->store), s->store);
	query_ok(q, rc, q->path);
}

struct store *session_store(struct session *s)
{
	struct args none = {0};
	struct query q = {.path = s->settings.db, .args = &none};

	if (!access(q.path, R_OK))
		open_store(s, &q, STORE_READ);
	if (q.status)
		close_store(s);
	free(q.error);
	return s->store;
}

static size_t terminal_rows(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) || !size.ws_row ? 24 : size.ws_row;
}

/* Whether a command line is one of less. */
static bool is_less(const char *pager)
{
	size_t len = strcspn(pager, " ");
	const char *slash = memrchr(pager, '/', len), *name = slash ? slash + 1 : pager;

	return len - (size_t)(name - pager) == 4 && !strncmp(name, "less", 4);
}

/* As less marks lines: it searches for them, goes back to the first line, and has a column for what was found; `n` goes
 * on to the next. What it is told to do keeps it from leaving where all of it fits the screen. */
static char *with_marks(const char *pager, const char *marks)
{
	char *line;

	return marks && is_less(pager) && asprintf(&line, "%s -J '+/%s' +g", pager, marks) >= 0 ? line : NULL;
}

/* The pager's pipe, or as it was where there is none. */
static void page_now(struct output *out, const char *marks, size_t lines)
{
	enum { MARKS_WIDE = 2, NARROW = 40 };
	const struct session *s = out->page_arg;
	const char *pager = getenv("PAGER");
	char *line;
	FILE *pipe;

	if (s->to || !isatty(STDOUT_FILENO) || (pager && (!*pager || !strcmp(pager, "cat"))))
		return;
	fflush(stdout);
	setenv("LESS", "RFXK", 0);
	pager = pager ? pager : "less -RFXK";
	line = lines > terminal_rows(STDOUT_FILENO) ? with_marks(pager, marks) : NULL;
	pipe = popen(line ? line : pager, "w");
	out->file = pipe ? pipe : out->file;
	out->width -= line && pipe && out->width > NARROW ? MARKS_WIDE : 0;
	free(line);
}

static enum store_mode mode_of(const struct command *c, const struct args *args)
{
	return c->need == NEED_WRITE || args_has(args, "write") ? STORE_WRITE : STORE_READ;
}

/* A table of runs that is damaged says nothing: the command finds out where it needs them. */
static bool has_one_run(struct query *q)
{
	int64_t n = 2;
	int rc = q->db && !q->status ? sql_number(q->db, "SELECT count(*) FROM run", &n) : 0;

	if (rc != -EBADMSG)
		query_ok(q, rc, q->path);
	return !rc && n < 2;
}

/* What malloc does with large pieces that were freed, from now on: left to itself it raises its threshold with each of
 * them, and keeps the next ones between smaller ones. To be kept is cheap, as memory from the system costs a page fault
 * each time, but for what a long line has made, which would be copied where it grows. */
static void settle_memory(bool gives_back)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, gives_back ? 4 << 20 : 16 << 20);
	mallopt(M_TRIM_THRESHOLD, gives_back ? 8 << 20 : 256 << 20);
#else
	(void)gives_back;
#endif
}

/* All statements of an answer see the same rows. SQL of the user's own begins and ends its transactions itself. */
static void run_in_one_state(const struct command *c, struct query *q)
{
	bool own = !q->db || c->need != NEED_READ || c->hint == HINT_SQL;

	if (!own && !q->status)
		query_ok(q, sql_exec_all(q->db, "BEGIN"), q->path);
	if (!q->status)
		c->run(q);
	if (!own)
		sqlite3_exec(q->db, "COMMIT", NULL, NULL, NULL);
}

/* The command with its output around it. */
static void answer(struct session *s, const struct command *c, struct query *q)
{
	struct output *out = q->out;

	q->store = c->need == NEED_NOTHING ? NULL : s->store;
	q->db = q->store ? store_db(q->store) : NULL;
	interruptible = q->db;
	out->one_run = has_one_run(q);
	out->page_arg = s;
	out->page = page_now;
	if (s->interactive && c->need != NEED_NOTHING && !c->own_pager)
		out->page(out, NULL, 0);
	else if (!s->interactive && !args_has(q->args, "pager"))
		out->page = NULL;
	settle_memory(c->gives_back);
	run_in_one_state(c, q);
	query_ok(q, stream_flush(out->file), "output");
	interruptible = NULL;
	if (out->file != stdout && out->file != s->to)
		pclose(out->file);
	command_note(q, c);
}

/* A command of a cluster: where it goes the same way as ever, in what was fetched for it. */
static void remote_run(struct session *s, const struct command *c, bool partial, struct query *q)
{
	const char *url = q->path;
	struct mirror m = {0};

	remote_answer(q, partial, &m);
	if (!q->status && m.path) {
		q->cluster = url;
		q->path = m.path; /* also of files that a command puts beside the database */
		open_store(s, q, STORE_READ);
		if (!q->status)
			answer(s, c, q);
		q->path = url;
		close_store(s);
	}
	mirror_done(&m);
}

/* `compare` opens what its words name by itself: they may be runs of the database of -d. */
static bool asks_cluster(const struct command *c, const struct query *q, const struct args *args)
{
	return remote_is_url(q->path) &&
	       (c->need != NEED_NOTHING || (!strcmp(c->name, "compare") && !remote_is_aside(args)));
}

/* Runs c with everything around it: database, output, pager, the handler of Ctrl-C. */
static int run_command(struct session *s, const struct command *c, const struct settings *settings,
                       const struct args *args, const char *place)
{
	struct output out = make_output(s, settings);
	struct query q = {.path = settings->db, .out = &out, .quiet = settings->quiet, .width = settings->width};
	bool remote = asks_cluster(c, &q, args);
	bool of_cluster = remote || !strcmp(c->name, "push") || !strcmp(c->name, "fold");
	struct ends ends = {0};

	query_interrupted = 0;
	store_stop_many(false);
	command_start(&q, c, args);
	if (of_cluster)
		ends_catch(&ends);
	if (settings->partial && !remote && c->need != NEED_NOTHING)
		query_fail(&q, USAGE, "--partial goes with a database of several shards: -d clickhouse://...");
	if (c->need == NEED_NOTHING)
		close_store(s); /* a load writes behind the store's back */
	else if (!q.status && !remote)
		open_store(s, &q, mode_of(c, args));
	if (!q.status && remote)
		remote_run(s, c, settings->partial, &q);
	else if (!q.status)
		answer(s, c, &q);
	if (of_cluster)
		ends_restore(&ends);
	if (q.store && mode_of(c, args) == STORE_WRITE)
		close_store(s);
	if (q.error && !query_interrupted)
		complain(settings->width, "%s%s", place, q.error);
	if (q.detail && !query_interrupted && !settings->quiet)
		fputs(q.detail, stderr);
	free(q.error);
	free(q.detail);
	return query_interrupted ? INTERRUPTED : (int)query_exit(&q);
}

/* On a terminal a load ends with the verdict on what is there now. */
static void sum_up(struct session *s, const struct invocation *in, int status)
{
	struct args none = {0};

	if (strcmp(in->command->name, "load") || (status != DONE && status != DAMAGED) || in->settings.quiet ||
	    in->settings.format != FORMAT_TEXT || args_has(&in->args, "follow") || !isatty(STDOUT_FILENO))
		return;
	run_command(s, command_find("summary"), &in->settings, &none, "");
}

static int show_help(struct session *s, const struct invocation *in)
{
	struct output out = make_output(s, &in->settings);
	int rc;

	if (in->command)
		help_command(in->command, &out);
	else
		help_all(&out);
	rc = stream_flush(out.file);
	if (rc && rc != -EPIPE)
		complain(in->settings.width, "output: %s", strerror(-rc));
	return rc ? SYSTEM : DONE;
}

static int parse_failed(int rc, char *why, const char *place, int width)
{
	complain(width, "%s%s", place, why ? why : strerror(-rc));
	free(why);
	return rc == -ENOMEM ? SYSTEM : USAGE;
}

int session_run(struct session *s, int n, char *const *argv, const char *place)
{
	struct invocation in;
	char *why;
	int status = DONE;
	int rc = options_parse(n, argv, &s->settings, &in, &why);

	if (rc)
		return parse_failed(rc, why, place, s->settings.width);
	if (in.settings.version) {
		printf("ilu-logq %s\n", ILU_VERSION);
	} else if (in.settings.help || !in.command) {
		status = show_help(s, &in);
	} else if (!in.command->run) {
		fprintf(stderr, "ilu-logq: %s%s is not available in this version\n", place, in.command->name);
		status = USAGE;
	} else {
		status = run_command(s, in.command, &in.settings, &in.args, place);
		sum_up(s, &in, status);
	}
	options_done(&in);
	return status;
}

int session_sql(struct session *s, const char *sql, const char *place)
{
	struct args args = {.words = &sql, .nwords = 1};

	return run_command(s, command_find("sql"), &s->settings, &args, place);
}

void session_done(struct session *s)
{
	close_store(s);
}
