/* SPDX-License-Identifier: GPL-3.0-or-later */
/* partial.c - see partial.h */
#include "remote/partial.h"
#include "base/intern.h"
#include <errno.h>
#include <stdlib.h>

struct sums {
	struct intern sources; /* run, a NUL, path */
	struct text key;
	int64_t should, are;
};

static struct slice key_of(struct sums *s, const struct slice *v)
{
	text_reset(&s->key);
	text_add(&s->key, v[0].ptr, v[0].len);
	text_add(&s->key, "", 1);
	text_add(&s->key, v[1].ptr, v[1].len);
	return (struct slice){text_str(&s->key), s->key.len};
}

static int take_source(void *arg, const struct slice *v)
{
	struct sums *s = arg;
	uint32_t i;

	s->should += tsv_int(v[2]);
	return intern_add(&s->sources, key_of(s, v), &i);
}

static int take_count(void *arg, const struct slice *v)
{
	struct sums *s = arg;

	if (intern_find(&s->sources, key_of(s, v)) != INTERN_NONE)
		s->are += tsv_int(v[2]);
	return s->key.failed ? -ENOMEM : 0;
}

static int ask_all(struct cluster *c, const char *sql, int (*row)(void *arg, const struct slice *v), struct sums *s,
                   char **why)
{
	int rc = 0;

	for (size_t i = 0; i < c->n && !rc; i++) {
		struct tsv t = {.columns = 3, .row = row, .arg = s};

		rc = cluster_ask(c, i, sql, &t, why);
		tsv_done(&t);
	}
	return rc;
}

int partial_share(struct cluster *c, double *out, char **why)
{
	struct sums s = {0};
	size_t away = 0;
	int rc;

	for (size_t i = 0; i < c->n; i++)
		away += c->shard[i].away != NULL;
	*out = (double)away / (double)c->n;
	intern_init(&s.sources);
	rc = ask_all(c, "SELECT run, path, events FROM $source FINAL WHERE whole = 1 FORMAT TabSeparated", take_source,
	             &s, why);
	if (!rc && s.should)
		rc = ask_all(c, "SELECT run, source, count() FROM $event GROUP BY run, source FORMAT TabSeparated",
		             take_count, &s, why);
	if (!rc && s.should)
		*out = 1 - (double)s.are / (double)s.should;
	intern_done(&s.sources);
	text_done(&s.key);
	return rc;
}
