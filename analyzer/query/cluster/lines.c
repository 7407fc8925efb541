/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines.c - see lines.h
 *
 * A run's name and a time on its clock mean what the ledger says: so that is fetched first, and asked as ever. */
#include "query/cluster/lines.h"
#include "query/cluster/command.h"
#include "query/core/match.h"
#include "store/store.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of transactions that a word may mean so many are named. */
enum { NAMED = 4 };

static void read_where(struct query *q, struct remote_where *out)
{
	int64_t run = query_run(q);
	sqlite3_stmt *st;

	query_between(q, run, &out->since_ns, &out->until_ns);
	if (!run)
		return;
	st = query_prepare(q, "SELECT path FROM run WHERE id = ?1");
	sqlite3_bind_int64(st, 1, run);
	if (query_next(q, st))
		out->run = strdup((const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	query_ok(q, out->run ? 0 : -ENOMEM, q->command);
}

void remote_where(struct query *q, struct cluster *c, struct remote_where *out)
{
	struct query ledger = {.command = q->command, .args = q->args, .out = q->out, .quiet = q->quiet};
	struct mirror_want want = {0};
	struct mirror m = {0};
	struct store *s = NULL;
	char *why = NULL;
	int rc;

	*out = (struct remote_where){0};
	if (q->status || !(args_has(q->args, "run") || args_has(q->args, "since") || args_has(q->args, "until")))
		return;
	rc = mirror_ask(c, &want, &m, &why);
	remote_failed(q, rc, why);
	if (!q->status && query_ok(q, store_open(m.path, STORE_READ, &s, &why), q->command)) {
		ledger.path = m.path;
		ledger.store = s;
		ledger.db = store_db(s);
		read_where(&ledger, out);
		q->status = ledger.status;
		q->error = ledger.error;
		free(ledger.detail);
	}
	store_close(s);
	mirror_done(&m);
	free(why);
}

void remote_narrow(struct query *q, const char *level, const char *message, struct fetch_which *out)
{
	if (args_has(q->args, "level"))
		level = args_value(q->args, "level");
	/* a hit is a line of level error; but what stands around it is wanted, too */
	if (args_has(q->args, "errors") && !args_has(q->args, "context") && !args_has(q->args, "level"))
		level = "error";
	out->message = args_has(q->args, "message") ? args_value(q->args, "message") : message;
	out->target = args_value(q->args, "target");
	out->level = level ? level_rank((struct slice){level, strlen(level)}) : 0;
	out->leveled = level && out->level >= 0; /* what is no level the command tells */
}

/* The shard that is away and may have the transactions whose id begins with tid: the one that has tid itself, else any.
 * NULL: none is. */
static const char *away_of(const struct cluster *c, struct slice tid)
{
	const char *away = c->shard[cluster_shard_of(c, tid, SLICE_NONE, 0)].away;

	for (size_t i = 0; i < c->n && !away; i++)
		away = c->shard[i].away;
	return away;
}

void remote_found_init(struct remote_found *f)
{
	intern_init(&f->tids);
	intern_init(&f->runs);
}

void remote_found_done(struct remote_found *f)
{
	intern_done(&f->tids);
	intern_done(&f->runs);
}

/* Says which ones it may be, in the words of query_tid: the first of them by name. */
static void ambiguous(struct query *q, const char *word, const struct intern *tids)
{
	struct text names = {0};
	struct slice last = SLICE_NONE;

	for (int n = 0; n < NAMED; n++) {
		struct slice next = SLICE_NONE;

		for (uint32_t i = 0; i < tids->n; i++)
			if ((!last.ptr || slice_compare(tids->text[i], last) > 0) &&
			    (!next.ptr || slice_compare(tids->text[i], next) < 0))
				next = tids->text[i];
		if (!next.ptr)
			break;
		text_puts(&names, n ? ", " : "");
		text_add(&names, next.ptr, next.len);
		last = next;
	}
	query_fail(q, USAGE, "%s begins %u transactions: %s%s", word, tids->n, text_str(&names),
	           tids->n > NAMED ? ", ..." : "");
	text_done(&names);
}

/* The one whose id begins with word, of those that were found. */
static struct slice choose_tid(struct query *q, const struct cluster *c, const char *word, const struct intern *tids)
{
	struct slice text = {word, strlen(word)};
	uint32_t exact = intern_find(tids, text);
	const char *away = tids->n ? NULL : away_of(c, text);

	if (away)
		query_fail(q, SYSTEM, "no transaction begins with %s where it can be asked; %s", word, away);
	else if (!tids->n)
		query_fail(q, USAGE, "no transaction begins with %s", *word ? word : "nothing");
	else if (exact == INTERN_NONE && tids->n > 1)
		ambiguous(q, word, tids);
	else
		return tids->text[exact == INTERN_NONE ? 0 : exact];
	return SLICE_NONE;
}

static const char *away_with(const struct cluster *c, struct slice tid)
{
	return c->shard[cluster_shard_of(c, tid, SLICE_NONE, 0)].away;
}

/* A whole id is asked of its shard alone: all of them are looked through where it is none. */
void remote_find_tid(struct query *q, struct cluster *c, const char *word, struct remote_found *found,
                     struct fetch_which *out)
{
	struct slice text = {word, strlen(word)};
	uint32_t whole;
	char *why = NULL;
	int rc = text.len ? fetch_runs(c, text, &found->runs, &why) : 0;

	if (!rc && found->runs.n)
		rc = intern_add(&found->tids, text, &whole);
	else if (!rc)
		rc = fetch_tids(c, text, &found->tids, &why);
	remote_failed(q, rc, why);
	if (!q->status)
		out->tid = choose_tid(q, c, word, &found->tids);
	if (!q->status && away_with(c, out->tid))
		query_fail(q, SYSTEM, "%s has the lines of %.*s", away_with(c, out->tid), (int)out->tid.len,
		           out->tid.ptr);
	if (!q->status && !found->runs.n) {
		rc = fetch_runs(c, out->tid, &found->runs, &why);
		remote_failed(q, rc, why);
	}
	out->runs = &found->runs;
	free(why);
}
