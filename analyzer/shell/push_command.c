/* SPDX-License-Identifier: GPL-3.0-or-later */
/* push_command.c - the command `push`: what load makes of files, or a database that is there, onto a cluster. */
#include "base/tempfile.h"
#include "beside/beside.h"
#include "load/progress.h"
#include "mirror/marks.h"
#include "mirror/seen.h"
#include "query/cluster/command.h"
#include "remote/push.h"
#include "shell/load_command.h"
#include "shell/session.h"
#include "shell/shown.h"
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A database that is made for the push of files, and goes with it. */
struct passing_db {
	struct tempdir dir;
	char *path; /* NULL: there is none */
};

static void passing_done(struct passing_db *d)
{
	tempdir_done(&d->dir);
	free(d->path);
}

static int passing_new(struct passing_db *d)
{
	int rc = tempdir_new("ilu-logq-push", &d->dir);

	if (!rc && asprintf(&d->path, "%s/db", d->dir.path) < 0) {
		d->path = NULL;
		rc = -ENOMEM;
	}
	return rc;
}

/* The database of the files named; 0, or the load's exit status where nothing of it is to be pushed. A load that found
 * damage goes on, and is told at the end. */
static void load_files(struct query *q, struct passing_db *d, bool *damaged)
{
	struct load_words w;
	int status;

	query_ok(q, passing_new(d), "a temporary database");
	load_options_of(q, 1, &w);
	w.o.db = d->path;
	w.o.quiet = true;
	w.o.passing = true;
	if (!q->status) {
		session_loading(true);
		status = load_run(&w.o);
		session_loading(false);
		*damaged = status == DAMAGED;
		if (status && status != DAMAGED)
			query_stop(q, (enum status)status);
	}
	free(w.zones);
}

static void push_store(struct query *q, struct cluster *c, const char *path, struct shown *shown)
{
	struct marks marks;
	struct push_options o = {.run = args_value(q->args, "run"),
	                         .host = args_value(q->args, "host"),
	                         .mark = marks_of,
	                         .mark_arg = &marks,
	                         .seen = seen_of_source,
	                         .progress = shown_progress,
	                         .arg = shown};
	struct push_sum sum = {0};
	struct store *s = NULL;
	char *why = NULL;
	int rc = store_open(path, STORE_READ, &s, &why);

	query_ok(q, marks_init(&marks), "the built-in rules");
	if (rc)
		query_fail(q, rc == -ENOENT ? USAGE : DAMAGED, "%s: %s", path, why ? why : strerror(-rc));
	if (!rc) {
		o.store = s;
		o.db = store_db(s);
		query_ok(q, beside_register(o.db, s), path);
	}
	if (!q->status) {
		rc = push_all(c, &o, &sum, &why);
		progress_clear(&shown->line);
		if (rc && !why && rc != -EINTR && rc != -ENOMEM)
			query_fail(q, DAMAGED, "%s: %s", path, sqlite3_errmsg(o.db));
		remote_failed(q, rc, why);
	}
	if (!q->status && !q->quiet)
		fprintf(q->out->file,
		        "%" PRId64 " lines of %" PRId64 " %s in %s on %zu %s; %" PRId64 " were there already\n",
		        sum.events, sum.sources, sum.sources == 1 ? "source" : "sources", c->url.database, c->n,
		        c->n == 1 ? "shard" : "shards", sum.events - sum.sent);
	marks_done(&marks);
	store_close(s);
	free(why);
}

static bool is_there(const char *word)
{
	glob_t g;
	bool any = !strcmp(word, "-") || !access(word, F_OK);

	if (!any && !glob(word, GLOB_TILDE_CHECK | GLOB_BRACE, NULL, &g)) {
		any = g.gl_pathc > 0;
		globfree(&g);
	}
	return any;
}

/* Whether there is anything to push, before a server that is away is waited for. */
static void look_for_files(struct query *q)
{
	bool any = q->args->nwords < 2;

	for (size_t i = 1; i < q->args->nwords && !any; i++)
		any = is_there(q->args->words[i]);
	if (!any)
		query_fail(q, USAGE, "%s: %s", q->args->words[1], strerror(ENOENT));
}

static void run(struct query *q)
{
	struct http_manner m;
	struct shown shown;
	struct passing_db d = {0};
	struct cluster c = {0};
	bool files = q->args->nwords > 1, damaged = false;

	shown_init(&shown, q, &m);
	if (!q->status)
		look_for_files(q);
	if (!q->status)
		remote_open(q, q->args->words[0], &m, args_has(q->args, "create") ? REMOTE_CREATE : REMOTE_ASK, &c);
	if (!files && remote_is_url(q->path))
		query_fail(q, USAGE, "-d %s: push takes files, or a database here", q->path);
	if (!q->status && files)
		load_files(q, &d, &damaged);
	if (!q->status && (files || !args_has(q->args, "create") || !access(q->path, F_OK)))
		push_store(q, &c, files ? d.path : q->path, &shown);
	if (damaged)
		query_stop(q, DAMAGED);
	cluster_close(&c);
	passing_done(&d);
}

static const struct option_spec options[] = {
    {.name = "create", .help = "make the database and its tables first, where they are not there; alone: only that"},
    {.name = "host",
     .value = "NAME",
     .help =
         "the files are of this host: NAME and a colon stand before their paths, so that they are told from others"},
    {.name = "retry", .value = "SECONDS", .help = "how long a server that is away is tried again; default 60"},
    LOAD_OPTIONS,
    {0},
};

const struct command command_push = {
    .name = "push",
    .group = GROUP_DATA,
    .words = "URL [PATH...]",
    .least = 1,
    .most = ANY_NUMBER,
    .hint = HINT_FILE,
    .help = "put what load makes of files, or the database of -d, onto a ClickHouse cluster",
    .more =
        "URL is clickhouse://[user@]host[:port][,host[:port]...]/database[?cluster=NAME&secure=1]; several hosts are "
        "the shards, in order.\n"
        "The password comes from the file that $ILU_LOGQ_PASSWORD_FILE names, from $ILU_LOGQ_PASSWORD or from "
        "~/.netrc.\n\n"
        "Every line goes to one shard, by its transaction. A push that was broken off goes on where it stopped, and "
        "one that is done again\n"
        "makes nothing twice. At the end the lines of each source are counted on the shards, and compared.",
    .examples = "push --create clickhouse://c1,c2,c3/logs\npush clickhouse://c1,c2,c3/logs --run monday --host w1 "
                "worker.log\n-d monday.db push clickhouse://c1,c2,c3/logs",
    .options = options,
    .gives_back = true,
    .run = run,
};
