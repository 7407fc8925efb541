/* SPDX-License-Identifier: GPL-3.0-or-later */
/* remote_command.c - see remote_command.h */
#include "shell/remote_command.h"
#include "remote/drop.h"
#include "remote/fetch.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void remote_failed(struct query *q, int rc, const char *why)
{
	enum status status = SYSTEM;

	if (rc >= 0)
		return;
	if (rc == -EINTR) {
		query_stop(q, INTERRUPTED);
		return;
	}
	if (rc == -EINVAL || rc == -EACCES || rc == -EEXIST || rc == -ENOENT)
		status = USAGE;
	else if (rc == -EBADMSG)
		status = DAMAGED;
	query_fail(q, status, "%s", why ? why : strerror(-rc));
}

void remote_open(struct query *q, const char *url, const struct http_manner *m, bool create, struct cluster *c)
{
	char *why = NULL;
	int rc = cluster_open(url, m, c, &why);

	if (!rc && create)
		rc = cluster_create(c, &why);
	if (!rc)
		rc = cluster_check(c, &why);
	remote_failed(q, rc, why);
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

/* ---- questions about one transaction, or some lines ---- */

static void find_tid(struct query *q, struct cluster *c, const char *word, struct intern *found, struct slice *tid)
{
	struct slice text = {word, strlen(word)};
	char *why = NULL;
	uint32_t exact;
	int rc = fetch_tids(c, text, found, &why);

	remote_failed(q, rc, why);
	free(why);
	exact = intern_find(found, text);
	if (q->status)
		return;
	if (!found->n)
		query_fail(q, USAGE, "no transaction begins with %s", *word ? word : "nothing");
	else if (exact == INTERN_NONE && found->n > 1)
		query_fail(q, USAGE, "%s begins %u transactions: %s, %s%s", word, found->n, found->text[0].ptr,
		           found->text[1].ptr, found->n > 2 ? ", ..." : "");
	else
		*tid = found->text[exact == INTERN_NONE ? 0 : exact];
}

/* What --level, --errors and --message leave of all lines; what they leave too much the command sees to. level,
 * message: what goes for those that are not given. */
static void narrow(struct query *q, const char *level, const char *message, struct fetch_which *w)
{
	static const char *const names[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

	if (args_has(q->args, "level"))
		level = args_value(q->args, "level");
	if (args_has(q->args, "errors"))
		level = "error";
	if (args_has(q->args, "message"))
		message = args_value(q->args, "message");
	for (size_t i = 0; level && i < sizeof names / sizeof *names; i++)
		if (!strcasecmp(names[i], level))
			w->level = names[i];
	if (level && !w->level)
		query_fail(q, USAGE, "--level %s: ClickHouse is asked for error, warn, info, debug or trace", level);
	if (message && !strpbrk(message, "*?\\"))
		w->message = message;
	if (!w->level && !w->message)
		query_fail(q, USAGE,
		           "%s is asked of ClickHouse of a --tid, a level or a whole message, not of all lines",
		           q->command);
}

static void make_mirror(struct query *q, struct cluster *c, const char *word, struct fetch_which *w, struct mirror *m)
{
	struct intern found;
	char *why = NULL;
	int rc;

	intern_init(&found);
	if (word)
		find_tid(q, c, word, &found, &w->tid);
	if (!q->status) {
		rc = mirror_new(c, w->tid.len || w->level || w->message ? w : NULL, m, &why);
		remote_failed(q, rc, why);
	}
	free(why);
	intern_done(&found);
}

/* ---- which commands ---- */

enum about {
	ABOUT_CLUSTER,
	ABOUT_TID,     /* the first word */
	ABOUT_LINES,   /* of --tid, else of a level or message */
	ABOUT_MESSAGE, /* the first word; of --tid */
	ABOUT_SOURCES,
};

/* The commands that a cluster is asked; the others say so. */
static const struct {
	const char *name;
	enum about about;
	void (*run)(struct query *q, struct cluster *c); /* ABOUT_CLUSTER */
	const char *refused[4];                          /* options that want other lines, too */
	const char *level;                               /* where no other is given */
} asked[] = {
    {"drop-source", ABOUT_CLUSTER, drop, {0}, NULL},
    {"timeline", ABOUT_TID, NULL, {"beside"}, NULL},
    {"tree", ABOUT_TID, NULL, {0}, NULL},
    {"critical-path", ABOUT_TID, NULL, {0}, NULL},
    {"events", ABOUT_LINES, NULL, {"context", "follow"}, NULL},
    {"errors", ABOUT_LINES, NULL, {0}, "error"},
    {"describe", ABOUT_MESSAGE, NULL, {0}, NULL},
    {"sources", ABOUT_SOURCES, NULL, {0}, NULL},
};

static void answer_row(struct query *q, size_t i, struct mirror *m)
{
	const char *first = q->args->nwords ? q->args->words[0] : NULL;
	const char *tid = asked[i].about == ABOUT_TID ? first : args_value(q->args, "tid");
	struct http_manner manner = {.stop = &query_interrupted};
	struct fetch_which which = {0};
	struct cluster c = {0};

	for (const char *const *o = asked[i].refused; *o; o++)
		if (args_has(q->args, *o))
			query_fail(q, USAGE, "--%s is not asked of ClickHouse yet", *o);
	if ((asked[i].about == ABOUT_LINES && !tid) || asked[i].about == ABOUT_MESSAGE)
		narrow(q, asked[i].level, asked[i].about == ABOUT_MESSAGE ? first : NULL, &which);
	if (!q->status)
		remote_open(q, q->path, &manner, false, &c);
	if (!q->status && asked[i].about == ABOUT_CLUSTER)
		asked[i].run(q, &c);
	else if (!q->status)
		make_mirror(q, &c, tid, &which, m);
	cluster_close(&c);
}

void remote_answer(struct query *q, struct mirror *m)
{
	size_t i = 0, n = sizeof asked / sizeof *asked;

	while (i < n && strcmp(asked[i].name, q->command))
		i++;
	if (i == n)
		query_fail(q, USAGE, "%s is not asked of ClickHouse yet; docs/scale.md has what is", q->command);
	else
		answer_row(q, i, m);
}
