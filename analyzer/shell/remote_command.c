/* SPDX-License-Identifier: GPL-3.0-or-later */
/* remote_command.c - see remote_command.h */
#include "shell/remote_command.h"
#include "remote/drop.h"
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

/* The commands that a cluster is asked; the others say so. */
static const struct {
	const char *name;
	void (*run)(struct query *q, struct cluster *c);
} asked[] = {
    {"drop-source", drop},
};

void remote_answer(struct query *q)
{
	struct http_manner m = {.stop = &query_interrupted};
	struct cluster c = {0};
	size_t i = 0, n = sizeof asked / sizeof *asked;

	while (i < n && strcmp(asked[i].name, q->command))
		i++;
	if (i == n) {
		query_fail(q, USAGE, "%s is not asked of ClickHouse yet; docs/scale.md has what is", q->command);
		return;
	}
	remote_open(q, q->path, &m, false, &c);
	if (!q->status)
		asked[i].run(q, &c);
	cluster_close(&c);
}
