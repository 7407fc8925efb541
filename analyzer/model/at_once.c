/* SPDX-License-Identifier: GPL-3.0-or-later */
/* at_once.c - see at_once.h */
#include "model/at_once.h"
#include "base/array.h"
#include "base/sql.h"
#include <errno.h>
#include <stdlib.h>

/* ---- files ---- */

static int compare_chunks(const void *pa, const void *pb)
{
	const struct chunk_source *a = pa, *b = pb;

	return (a->chunk > b->chunk) - (a->chunk < b->chunk);
}

int chunk_sources_read(sqlite3 *db, struct chunk_sources *out)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, "SELECT id, source FROM chunk", &st); /* an index has both */

	while (!rc && (rc = sql_next(st)) == 1) {
		struct chunk_source *c = array_add(out->v, out->n, out->room);

		rc = c ? 0 : -ENOMEM;
		if (c)
			*c = (struct chunk_source){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1)};
	}
	sqlite3_finalize(st);
	if (!rc && out->n)
		qsort(out->v, out->n, sizeof *out->v, compare_chunks);
	return rc;
}

void chunk_sources_done(struct chunk_sources *c)
{
	free(c->v);
	*c = (struct chunk_sources){0};
}

static int64_t source_of(const struct chunk_sources *c, int64_t id)
{
	struct chunk_source key = {id >> 16, 0};
	const struct chunk_source *found = c->n ? bsearch(&key, c->v, c->n, sizeof key, compare_chunks) : NULL;

	return found ? found->source : 0;
}

/* ---- lines ---- */

size_t at_once_facts(const struct fact *v, size_t n)
{
	size_t k = 1;

	while (k < n && v[k].time_ns == v->time_ns)
		k++;
	return k;
}

/* By file, in each as they stand. */
static int compare_lines(const void *pa, const void *pb)
{
	const struct at_once_line *a = pa, *b = pb;

	return a->source != b->source ? (a->source > b->source) - (a->source < b->source)
	                              : (a->v->id > b->v->id) - (a->v->id < b->v->id);
}

/* Where the lines of each file are. */
static int find_files(struct at_once *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct at_once_file *f = a->nfiles ? &a->file[a->nfiles - 1] : NULL;

		if (!f || a->line[i].source != a->line[i - 1].source) {
			f = array_add(a->file, a->nfiles, a->files_room);
			if (!f)
				return -ENOMEM;
			f->next = i;
		}
		f->end = i + 1;
	}
	return 0;
}

int at_once_take(struct at_once *a, const struct chunk_sources *files, const struct fact *v, size_t n)
{
	bool several = false;

	a->n = a->nfiles = 0;
	if (v[0].id >> 16 == v[n - 1].id >> 16)
		return 0;
	for (size_t i = 0, end; i < n; i = end) {
		struct at_once_line *line = array_add(a->line, a->n, a->room);

		if (!line)
			return -ENOMEM;
		for (end = i; end < n && v[end].id == v[i].id; end++)
			;
		*line = (struct at_once_line){v + i, end - i, source_of(files, v[i].id)};
		several |= line->source != a->line->source;
	}
	if (!several)
		return 0;
	qsort(a->line, a->n, sizeof *a->line, compare_lines);
	return find_files(a) ? -ENOMEM : 1;
}

const struct at_once_line *at_once_next(struct at_once *a, at_once_rank_of *rank, void *arg)
{
	struct at_once_file *best = NULL;
	enum at_once_rank least = AT_ONCE_ENDS_FAILED;

	for (size_t i = 0; i < a->nfiles; i++) {
		struct at_once_file *f = &a->file[i];
		const struct at_once_line *line = &a->line[f->next];
		enum at_once_rank r = rank(arg, line);

		if (!best || r < least || (r == least && line->v->id < a->line[best->next].v->id)) {
			best = f;
			least = r;
		}
	}
	if (!best)
		return NULL;
	const struct at_once_line *taken = &a->line[best->next++];

	if (best->next == best->end)
		*best = a->file[--a->nfiles];
	return taken;
}

void at_once_done(struct at_once *a)
{
	free(a->line);
	free(a->file);
	*a = (struct at_once){0};
}
