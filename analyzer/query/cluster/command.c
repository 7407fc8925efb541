/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command.c - see command.h */
#include "query/cluster/command.h"
#include "query/cluster/lines.h"
#include "query/cluster/need.h"
#include "query/cluster/report.h"
#include "query/cluster/sql.h"
#include "query/core/complain.h"
#include "query/core/match.h"
#include "remote/drop.h"
#include "remote/fetch.h"
#include "remote/partial.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

void remote_failed(struct query *q, int rc, const char *why)
{
	enum status status = SYSTEM;

	if (rc >= 0)
		return;
	if (rc == -EINTR) {
		query_stop(q, INTERRUPTED);
		return;
	}
	if (rc == -EINVAL || rc == -EACCES || rc == -EEXIST || rc == -ENOENT || rc == -ESTALE)
		status = USAGE;
	else if (rc == -EBADMSG)
		status = DAMAGED;
	query_fail(q, status, "%s", why ? why : strerror(-rc));
}

void remote_open(struct query *q, const char *url, const struct http_manner *m, enum remote_for what, struct cluster *c)
{
	char *why = NULL;
	int rc = cluster_open(url, m, c, &why);

	c->partial = what == REMOTE_ASK_PARTIAL;
	if (!rc && what >= REMOTE_CHANGE)
		rc = cluster_each(c, &why);
	if (!rc && what == REMOTE_CREATE)
		rc = cluster_create(c, &why);
	if (!rc)
		rc = cluster_check(c, &why);
	remote_failed(q, rc, why);
	free(why);
}

/* Told also with --quiet: what a part of the shards says must not look like all of it. */
static void say_what_is_missing(struct query *q, struct cluster *c)
{
	double share = 0;
	char *why = NULL;
	size_t away = 0;
	int rc;

	for (size_t i = 0; i < c->n; i++) {
		away += c->shard[i].away != NULL;
		if (c->shard[i].away)
			complain(-1, "%s", c->shard[i].away);
	}
	if (!away)
		return;
	rc = partial_share(c, &share, &why);
	remote_failed(q, rc, why);
	if (!q->status)
		complain(-1, "a partial answer: %zu of %zu shards %s not there, and with %s %.1f %% of the lines", away,
		         c->n, away == 1 ? "is" : "are", away == 1 ? "it" : "them", share * 100);
	free(why);
}

static void drop(struct query *q, struct cluster *c)
{
	const char *word = q->args->words[0];
	char *why = NULL;
	int rc = drop_source(c, word, args_value(q->args, "run"), &why);

	remote_failed(q, rc, why);
	free(why);
	if (!q->status)
		query_note(q, "%s: dropped", word);
}

/* ---- which commands ---- */

enum about {
	ABOUT_CLUSTER,  /* it has a function of its own */
	ABOUT_TID,      /* lines of the first word */
	ABOUT_LINES,    /* of --tid, else what its options leave */
	ABOUT_MESSAGE,  /* of --tid, else those of the first word */
	ABOUT_SPANS,    /* those of spans */
	ABOUT_ALL,      /* all lines, and results */
	ABOUT_FOLDED,   /* the tables of the model, as fold has written them */
	ABOUT_RUNS,     /* those of all runs also with --run: which phase is before which all of them say */
	ABOUT_GAPS,     /* what lies between the lines of invocations */
	ABOUT_FINDINGS, /* with findings, and the lines that are their evidence */
	ABOUT_VERDICT,  /* with findings, and of a run the lines of level warning and above */
	ABOUT_REQUESTS, /* of lines what need says */
	ABOUT_REPORT,   /* those that its sections read, and with them the tables and findings */
	ABOUT_SOURCES,  /* the ledger */
	ABOUT_ENERGY,   /* the same, which tells whether there is any to be asked for */
};

/* The commands that a cluster is asked; the others say so. */
static const struct asked {
	const char *name;
	enum about about;
	void (*run)(struct query *q, struct cluster *c); /* ABOUT_CLUSTER */
	unsigned tables;                                 /* ABOUT_FOLDED and behind: enum folded_tables */
	const char *level;                               /* where no other is given */
	const char *refused[2];                          /* options that go with a database here alone */
	const struct remote_need *need;                  /* ABOUT_REQUESTS */
} asked[] = {
    {"drop-source", ABOUT_CLUSTER, drop, 0, NULL, {0}, NULL},
    {"sql", ABOUT_CLUSTER, remote_sql, 0, NULL, {0}, NULL},
    {"timeline", ABOUT_TID, NULL, 0, NULL, {"beside"}, NULL},
    {"tree", ABOUT_TID, NULL, 0, NULL, {0}, NULL},
    {"critical-path", ABOUT_TID, NULL, 0, NULL, {0}, NULL},
    {"events", ABOUT_LINES, NULL, 0, NULL, {"follow"}, NULL},
    {"errors", ABOUT_LINES, NULL, 0, "error", {0}, NULL},
    {"describe", ABOUT_MESSAGE, NULL, 0, NULL, {0}, NULL},
    {"sources", ABOUT_SOURCES, NULL, 0, NULL, {0}, NULL},
    {"runs", ABOUT_FOLDED, NULL, FOLDED_INVOCATION | FOLDED_BRIEF, NULL, {0}, NULL},
    {"invocations", ABOUT_FOLDED, NULL, FOLDED_INVOCATION, NULL, {0}, NULL},
    {"phases", ABOUT_RUNS, NULL, FOLDED_INVOCATION | FOLDED_BRIEF, NULL, {0}, NULL},
    {"functions", ABOUT_FOLDED, NULL, FOLDED_INVOCATION | FOLDED_BRIEF, NULL, {0}, NULL},
    {"containers", ABOUT_FOLDED, NULL, FOLDED_CONTAINER, NULL, {0}, NULL},
    {"batches", ABOUT_FOLDED, NULL, FOLDED_BATCH, NULL, {0}, NULL},
    {"patterns", ABOUT_FOLDED, NULL, FOLDED_PATTERN, NULL, {0}, NULL},
    {"status", ABOUT_FOLDED, NULL, FOLDED_SERIES, NULL, {0}, NULL},
    {"series", ABOUT_FOLDED, NULL, FOLDED_SERIES, NULL, {0}, NULL},
    {"lint", ABOUT_FINDINGS, NULL, FOLDED_NONE, NULL, {0}, NULL},
    {"hangs", ABOUT_FINDINGS, NULL, FOLDED_NONE, NULL, {0}, NULL},
    {"storms", ABOUT_FINDINGS, NULL, FOLDED_NONE, NULL, {0}, NULL},
    {"diagnose", ABOUT_FINDINGS, NULL, FOLDED_NONE, NULL, {0}, NULL},
    {"summary", ABOUT_VERDICT, NULL, FOLDED_INVOCATION | FOLDED_PATTERN, NULL, {0}, NULL},
    {"gaps", ABOUT_GAPS, NULL, FOLDED_NONE, NULL, {0}, NULL},
    {"spans", ABOUT_SPANS, NULL, 0, NULL, {0}, NULL},
    {"blame", ABOUT_REQUESTS, NULL, FOLDED_INVOCATION | FOLDED_CONTAINER, NULL, {0}, &need_blame},
    {"energy", ABOUT_ENERGY, NULL, 0, NULL, {0}, NULL},
    {"slow", ABOUT_REQUESTS, NULL, FOLDED_INVOCATION | FOLDED_FUNCTION, NULL, {0}, &need_slow},
    {"compare", ABOUT_REQUESTS, NULL, FOLDED_INVOCATION, NULL, {0}, &need_compare},
    {"report", ABOUT_REPORT, NULL, 0, NULL, {0}, NULL},
    {"export", ABOUT_ALL, NULL, FOLDED_ALL, NULL, {0}, NULL},
};

static const struct asked *asked_named(const char *name)
{
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
		if (!strcmp(asked[i].name, name))
			return &asked[i];
	return NULL;
}

static void refuse(struct query *q, const struct asked *a)
{
	for (size_t i = 0; i < sizeof a->refused / sizeof *a->refused && a->refused[i]; i++)
		if (args_has(q->args, a->refused[i]))
			query_fail(q, USAGE, "--%s is not asked of ClickHouse", a->refused[i]);
}

static const char *tid_of(const struct query *q, const struct asked *a)
{
	if (a->about == ABOUT_TID || (a->need && a->need->of_tid))
		return q->args->nwords ? q->args->words[0] : NULL;
	return a->about == ABOUT_LINES || a->about == ABOUT_MESSAGE ? args_value(q->args, "tid") : NULL;
}

/* All lines of what the ledger knows, twice, must have room: better said before than found out. */
static void check_room(struct query *q, struct cluster *c, const char *run)
{
	const char *tmp = getenv("TMPDIR");
	struct statvfs room;
	int64_t bytes = 0;
	char *why = NULL;
	int rc = fetch_bytes(c, run, &bytes, &why);

	remote_failed(q, rc, why);
	free(why);
	tmp = tmp && *tmp ? tmp : "/tmp";
	if (!q->status && !statvfs(tmp, &room) && (double)room.f_bavail * (double)room.f_frsize < 2.2 * (double)bytes)
		query_fail(q, SYSTEM,
		           "%s looks at all lines, which are fetched: that takes %lld MB in %s, and %lld MB are free; "
		           "--run or $TMPDIR help",
		           q->command, (long long)(2.2 * (double)bytes / 1e6) + 1, tmp,
		           (long long)((double)room.f_bavail * (double)room.f_frsize / 1e6));
}

struct energy_logs {
	struct slice run; /* NONE: of all */
	int64_t n;
};

static int take_energy_log(void *arg, const struct slice *v)
{
	struct energy_logs *e = arg;

	e->n += slice_is(v[FETCH_SOURCE_KIND], "energy") && (!e->run.len || slice_same(e->run, v[FETCH_SOURCE_RUN]));
	return 0;
}

/* Lines of energy logs are no events, and not on the cluster. */
static void check_energy(struct query *q, struct cluster *c, struct slice run)
{
	struct energy_logs e = {.run = run};
	char *why = NULL;
	int rc = q->status ? 0 : fetch_sources(c, take_energy_log, &e, &why);

	remote_failed(q, rc, why);
	free(why);
	if (!q->status && e.n)
		query_fail(q, USAGE,
		           "%" PRId64 " energy log%s pushed by name alone: energy is asked of a database here", e.n,
		           e.n == 1 ? " was" : "s were");
}

static bool narrows(const struct fetch_which *w)
{
	return w->only || w->leveled || w->message || w->target || w->since_ns || w->until_ns || w->spans;
}

/* Of the lines which, where they are not of one transaction. */
static void choose_lines(struct query *q, const struct asked *a, const struct remote_where *where,
                         struct fetch_which *which)
{
	const char *message = a->about == ABOUT_MESSAGE && q->args->nwords ? q->args->words[0] : NULL;

	which->run = (struct slice){where->run, where->run ? strlen(where->run) : 0};
	which->spans = a->about == ABOUT_SPANS;
	if (a->about == ABOUT_LINES || a->about == ABOUT_MESSAGE) {
		which->since_ns = where->since_ns;
		which->until_ns = where->until_ns;
		remote_narrow(q, a->level, message, which);
	} else if (a->about == ABOUT_VERDICT) {
		which->leveled = true;
		which->level = level_rank(SLICE("warn"));
	}
}

/* Of a question about one transaction others are part, too. */
static void choose_needed(struct query *q, struct cluster *c, const struct asked *a, struct fetch_which *which,
                          struct remote_asking *asking)
{
	asking->run = which->run;
	asking->tid = which->tid;
	a->need->lines(q, c, asking);
	query_ok(q, asking->lines.failed ? -ENOMEM : 0, q->command);
	which->only = text_str(&asking->lines);
	which->tid = SLICE_NONE;
	which->runs = NULL;
}

/* What stands beside the lines. */
static void put_needed(struct query *q, struct cluster *c, const struct asked *a, const struct remote_asking *asking,
                       const struct mirror *m)
{
	if (!q->status && a->need && a->need->more)
		a->need->more(q, c, asking, m);
}

static bool has_lines(const struct asked *a, const struct remote_where *where)
{
	return a->about == ABOUT_VERDICT ? where->run != NULL : a->about <= ABOUT_ALL || a->need;
}

void remote_mirror(struct query *q, struct cluster *c, const struct mirror_want *want, struct mirror *out)
{
	char *why = NULL;
	int rc = mirror_ask(c, want, out, &why);

	remote_failed(q, rc, why);
	free(why);
	if (!q->status && out->unfinished)
		query_note(q, "%" PRId64 " %s not whole: the push is under way, or was broken off", out->unfinished,
		           out->unfinished == 1 ? "source is" : "sources are");
}

static void make_mirror(struct query *q, struct cluster *c, const struct asked *a, struct mirror *m)
{
	const char *word = tid_of(q, a);
	struct fetch_which which = {0};
	struct mirror_want want = {.no_model = a->about == ABOUT_LINES || a->about == ABOUT_MESSAGE,
	                           .results = a->about == ABOUT_ALL,
	                           .rejects = a->about == ABOUT_ALL || a->about == ABOUT_VERDICT,
	                           .folded = a->tables,
	                           .gaps = a->about == ABOUT_GAPS,
	                           .findings = a->about == ABOUT_FINDINGS || a->about == ABOUT_VERDICT,
	                           .evidence = a->about == ABOUT_FINDINGS};
	struct remote_where where = {0};
	struct remote_asking asking = {0};
	struct remote_found found;

	remote_found_init(&found);
	if (word)
		remote_find_tid(q, c, word, &found, &which);
	if (!word || a->need) {
		remote_where(q, c, &where);
		choose_lines(q, a, &where, &which);
	}
	if (!q->status && a->need)
		choose_needed(q, c, a, &which, &asking);
	if (a->about == ABOUT_ENERGY)
		check_energy(q, c, which.run);
	want.lines = has_lines(a, &where) ? &which : NULL;
	want.run = a->about == ABOUT_RUNS ? SLICE_NONE : a->need ? asking.run : which.run;
	want.other = asking.other;
	if (!q->status && want.lines && !word && !narrows(&which))
		check_room(q, c, where.run);
	if (!q->status)
		remote_mirror(q, c, &want, m);
	put_needed(q, c, a, &asking, m);
	free(where.run);
	remote_asking_done(&asking);
	remote_found_done(&found);
}

static void answer(struct query *q, struct cluster *c, const struct asked *a, struct mirror *m)
{
	if (a->about == ABOUT_CLUSTER)
		a->run(q, c);
	else if (a->about == ABOUT_REPORT)
		remote_report(q, c, m);
	else
		make_mirror(q, c, a, m);
}

void remote_answer(struct query *q, bool partial, struct mirror *m)
{
	const struct asked *a = asked_named(q->command);
	struct http_manner manner = {.stop = &query_interrupted};
	enum remote_for what = a && a->run == drop ? REMOTE_CHANGE : partial ? REMOTE_ASK_PARTIAL : REMOTE_ASK;
	struct cluster c = {0};

	if (a)
		refuse(q, a);
	else
		query_fail(q, USAGE, "%s is not asked of ClickHouse; docs/scale.md has what is", q->command);
	if (!q->status)
		remote_open(q, q->path, &manner, what, &c);
	if (!q->status)
		answer(q, &c, a, m);
	if (!q->status)
		say_what_is_missing(q, &c);
	cluster_close(&c);
}
