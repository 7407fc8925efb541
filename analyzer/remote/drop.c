/* SPDX-License-Identifier: GPL-3.0-or-later */
/* drop.c - see drop.h */
#include "remote/drop.h"
#include "remote/say.h"
#include <errno.h>
#include <string.h>
#include <time.h>

struct meant {
	const char *word, *run;
	char *is_run, *is_path; /* of the one that is meant */
	int exact;              /* that one's path is the word itself */
	unsigned others;        /* that are meant as well */
};

static bool ends_with(struct slice path, const char *word)
{
	size_t n = strlen(word);

	return path.len > n && !memcmp(path.ptr + path.len - n, word, n) &&
	       (path.ptr[path.len - n - 1] == '/' || path.ptr[path.len - n - 1] == ':');
}

static int take_source(void *arg, const struct slice *value)
{
	struct meant *m = arg;
	int exact = slice_is(value[1], m->word);

	if (!exact && !ends_with(value[1], m->word))
		return 0;
	if (m->run && !slice_is(value[0], m->run))
		return 0;
	if (m->is_run && exact <= m->exact) {
		m->others += exact == m->exact;
		return 0;
	}
	free(m->is_run);
	free(m->is_path);
	m->others = 0;
	m->exact = exact;
	m->is_run = strndup(value[0].ptr, value[0].len);
	m->is_path = strndup(value[1].ptr, value[1].len);
	return m->is_run && m->is_path ? 0 : -ENOMEM;
}

static int find(struct cluster *c, struct meant *m, char **why)
{
	int rc = 0;

	for (size_t i = 0; i < c->n && !rc; i++) {
		struct tsv t = {.columns = 2, .row = take_source, .arg = m};

		rc = cluster_ask(c, i, "SELECT run, path FROM $source GROUP BY run, path FORMAT TabSeparated", &t, why);
		tsv_done(&t);
	}
	if (!rc && !m->is_path) {
		say(why, "%s: no such source", m->word);
		rc = -ENOENT;
	} else if (!rc && m->others) {
		say(why, "%s: several sources; name it by its whole path, and by --run", m->word);
		rc = -EEXIST;
	}
	return rc;
}

/* Before look k, from 0, at rows that are to go: 20 ms, then twice as long each time, at most 1.28 s. */
static int pause_before(const struct cluster *c, unsigned k)
{
	struct timespec step = {0, 20000000};

	for (unsigned n = k < 6 ? 1u << k : 64; n && !cluster_stopped(c); n--)
		nanosleep(&step, NULL);
	return cluster_stopped(c) ? -EINTR : 0;
}

static int take_reason(void *arg, const struct slice *value)
{
	struct text *reason = arg;

	text_reset(reason);
	text_add(reason, value[0].ptr, value[0].len);
	return reason->failed ? -ENOMEM : 0;
}

/* Whether the server tried to take rows out, and can't. One that does not tell such a thing is waited for. */
static int check_failed(struct cluster *c, size_t i, const char *table, char **why)
{
	struct text sql = {0}, reason = {0};
	struct tsv t = {.columns = 1, .row = take_reason, .arg = &reason};
	char *refused = NULL;
	int rc;

	text_puts(&sql,
	          "SELECT latest_fail_reason FROM system.mutations WHERE NOT is_done AND latest_fail_reason != '' AND "
	          "database = ");
	cluster_quote(&sql, (struct slice){c->url.database, strlen(c->url.database)});
	text_printf(&sql, " AND table = '%s' LIMIT 1 FORMAT TabSeparated", table);
	rc = sql.failed ? -ENOMEM : cluster_ask(c, i, text_str(&sql), &t, &refused);
	rc = rc == -EREMOTEIO ? 0 : rc;
	if (!rc && reason.len) {
		say(why, "%s: rows of table %s can't be taken out: %s", c->shard[i].name, table, text_str(&reason));
		rc = -EREMOTEIO;
	} else if (rc && refused) {
		say(why, "%s", refused);
	}
	free(refused);
	tsv_done(&t);
	text_done(&sql);
	text_done(&reason);
	return rc;
}

/* A server takes rows out behind the answer: they are waited for. */
static int drop_rows(struct cluster *c, size_t i, const struct meant *m, const char *table, const char *column,
                     char **why)
{
	enum { WAITED = 5 }; /* looks */
	struct text sql = {0}, count = {0};
	int64_t n = 0;
	int rc;

	text_printf(&count, "SELECT count() FROM $%s", table);
	cluster_where(&count, m->is_run, column, m->is_path);
	text_puts(&count, " FORMAT TabSeparated");
	text_printf(&sql, "ALTER TABLE $%s DELETE", table);
	cluster_where(&sql, m->is_run, column, m->is_path);
	rc = sql.failed || count.failed ? -ENOMEM : cluster_numbers(c, i, text_str(&count), &n, 1, why);
	if (!rc && n)
		rc = cluster_do(c, i, text_str(&sql), why);
	for (unsigned k = 0; !rc && n; k++) {
		rc = pause_before(c, k);
		rc = rc ? rc : cluster_numbers(c, i, text_str(&count), &n, 1, why);
		if (!rc && n && k >= WAITED)
			rc = check_failed(c, i, table, why);
	}
	text_done(&sql);
	text_done(&count);
	return rc;
}

int drop_source(struct cluster *c, const char *word, const char *run, char **why)
{
	struct meant m = {.word = word, .run = run};
	int rc = find(c, &m, why);

	for (size_t i = 0; i < c->n && !rc; i++) {
		rc = drop_rows(c, i, &m, "event", "source", why);
		if (!rc)
			rc = drop_rows(c, i, &m, "reject", "source", why);
	}
	/* the ledger last: where it was broken off the source can still be named */
	for (size_t i = 0; i < c->n && !rc; i++)
		rc = drop_rows(c, i, &m, "source", "path", why);
	free(m.is_run);
	free(m.is_path);
	return rc;
}
