/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gather.c - see gather.h */
#include "remote/gather.h"
#include "remote/say.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

typedef int gather_work(struct cluster *c, size_t i, void *arg, char **why);

struct task {
	struct cluster *c;
	size_t shard;
	gather_work *work;
	void *arg;
	char *why;
	int rc;
	pthread_t thread;
	bool runs;
};

static void *run(void *arg)
{
	struct task *t = arg;

	t->rc = t->work(t->c, t->shard, t->arg, &t->why);
	return NULL;
}

/* The last shard is the caller's own; what has no thread is done here. */
static void run_all(struct task *task, size_t n, bool apart)
{
	for (size_t i = 0; apart && i + 1 < n; i++)
		task[i].runs = !pthread_create(&task[i].thread, NULL, run, &task[i]);
	for (size_t i = 0; i < n; i++)
		if (!task[i].runs)
			run(&task[i]);
	for (size_t i = 0; i < n; i++)
		if (task[i].runs)
			pthread_join(task[i].thread, NULL);
}

int gather_each(struct cluster *c, gather_work *work, void *arg, char **why)
{
	struct task *task = calloc(c->n, sizeof *task);
	int rc = 0;

	if (!task)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++)
		task[i] = (struct task){.c = c, .shard = i, .work = work, .arg = arg};
	run_all(task, c->n, !c->url.cluster);
	for (size_t i = 0; i < c->n; i++) {
		if (task[i].rc && !rc) {
			rc = task[i].rc;
			free(*why);
			*why = task[i].why;
			task[i].why = NULL;
		}
		free(task[i].why);
	}
	free(task);
	return rc;
}

/* ---- rows ---- */

struct asked {
	const char *sql;
	struct bytes *answer; /* by shard */
};

static int keep(void *arg, const char *p, size_t n)
{
	struct bytes *b = arg;

	bytes_add(b, p, n);
	return b->failed ? -ENOMEM : 0;
}

static int ask(struct cluster *c, size_t i, void *arg, char **why)
{
	const struct asked *a = arg;

	return cluster_write(c, i, a->sql, keep, &a->answer[i], why);
}

static int give_rows(struct cluster *c, size_t i, const struct bytes *answer, struct tsv *t, char **why)
{
	int rc;

	text_reset(&t->line);
	rc = answer->len ? tsv_take(t, answer->ptr, answer->len) : 0;
	rc = rc ? rc : tsv_end(t);
	if (rc == -EBADMSG)
		say(why, "%s: an answer that is no table of %u columns", c->shard[i].name, t->columns);
	return rc;
}

int gather_rows(struct cluster *c, struct text *sql, unsigned columns, fetch_row *row, void *arg, size_t *shard,
                char **why)
{
	struct tsv t = {.columns = columns, .row = row, .arg = arg};
	struct asked a = {.answer = calloc(c->n, sizeof *a.answer)};
	int rc;

	text_puts(sql, " FORMAT TabSeparated");
	a.sql = text_str(sql);
	rc = sql->failed || !a.answer ? -ENOMEM : gather_each(c, ask, &a, why);
	for (size_t i = 0; i < c->n && !rc; i++) {
		if (shard)
			*shard = i;
		rc = give_rows(c, i, &a.answer[i], &t, why);
	}
	for (size_t i = 0; a.answer && i < c->n; i++)
		bytes_free(&a.answer[i]);
	free(a.answer);
	tsv_done(&t);
	text_reset(sql);
	return rc;
}
