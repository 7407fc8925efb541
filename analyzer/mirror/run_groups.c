/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_groups.c - see run_groups.h */
#include "mirror/run_groups.h"
#include "base/array.h"
#include "remote/gather.h"
#include <errno.h>
#include <stdlib.h>

/* Partitions of a group, of the tables that have one for each run and day. A run alone may have more. */
enum { GROUP_PARTITIONS = 16 };

struct counted {
	struct slice run;
	int64_t partitions;
};

struct counting {
	struct run_groups *to;
	struct counted *v; /* of each shard */
	size_t n, room;
};

static int take_run(void *arg, const struct slice *v)
{
	struct counting *k = arg;
	struct counted *o = array_add(k->v, k->n, k->room);

	if (!o)
		return -ENOMEM;
	*o = (struct counted){{arena_text(&k->to->texts, v[0].ptr, v[0].len), v[0].len}, tsv_int(v[1])};
	return k->to->texts.failed ? -ENOMEM : 0;
}

static int by_run(const void *pa, const void *pb)
{
	const struct counted *a = pa, *b = pb;

	return slice_compare(a->run, b->run);
}

/* The partitions of the run that *i is the first of, on the shard that has most; *i goes behind it. */
static int64_t partitions_of(const struct counting *k, size_t *i)
{
	struct slice run = k->v[*i].run;
	int64_t most = 0;

	for (; *i < k->n && slice_same(k->v[*i].run, run); ++*i)
		if (k->v[*i].partitions > most)
			most = k->v[*i].partitions;
	return most;
}

static int cut(const struct counting *k)
{
	struct run_groups *s = k->to;
	int64_t here = 0;

	for (size_t i = 0, first = 0; i < k->n; first = i) {
		int64_t more = partitions_of(k, &i);

		if (here && here + more > GROUP_PARTITIONS) {
			struct slice *end = array_add(s->end, s->n, s->room);

			if (!end)
				return -ENOMEM;
			*end = k->v[first - 1].run;
			here = 0;
		}
		here += more;
	}
	return 0;
}

int run_groups_of(struct cluster *c, struct run_groups *out, char **why)
{
	struct counting k = {.to = out};
	struct text sql = {0};
	int rc;

	text_puts(&sql, "SELECT run, count() FROM $fold FINAL GROUP BY run");
	rc = gather_rows(c, &sql, 2, take_run, &k, NULL, why);
	if (k.n)
		qsort(k.v, k.n, sizeof *k.v, by_run);
	rc = rc ? rc : cut(&k);
	text_done(&sql);
	free(k.v);
	return rc;
}

void run_groups_done(struct run_groups *s)
{
	arena_done(&s->texts);
	free(s->end);
	*s = (struct run_groups){0};
}

void run_groups_where(const struct run_groups *s, size_t i, struct text *sql)
{
	if (i) {
		text_puts(sql, " WHERE run > ");
		cluster_quote(sql, s->end[i - 1]);
	}
	if (i < s->n) {
		text_puts(sql, i ? " AND run <= " : " WHERE run <= ");
		cluster_quote(sql, s->end[i]);
	}
}
