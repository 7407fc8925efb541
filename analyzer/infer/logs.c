/* SPDX-License-Identifier: GPL-3.0-or-later */
/* logs.c - see logs.h
 *
 * A message points to one below it that is of the same log, the least of all to itself; a file brings together what
 * stands in it. */
#include "infer/logs.h"
#include "base/array.h"
#include "base/hash.h"
#include <errno.h>
#include <stdlib.h>

/* A message of each file. */
struct files {
	struct table at;
	struct file {
		int64_t source;
		uint32_t key;
	} * v;
	uint32_t n, room;
};

static uint32_t least_of(struct logs *l, uint32_t key)
{
	while (l->of[key] != key)
		key = l->of[key] = l->of[l->of[key]];
	return key;
}

static void join(struct logs *l, uint32_t a, uint32_t b)
{
	a = least_of(l, a);
	b = least_of(l, b);
	l->of[a < b ? b : a] = a < b ? a : b;
}

/* The message that was found in the line's file first. NULL: no memory. */
static const struct file *file_of(struct files *f, const struct sample_line *line)
{
	uint64_t hash = hash_pair((uint64_t)line->source, 0);
	struct table_walk w;
	struct file *new;

	for (uint32_t i = table_first(&w, &f->at, hash); i != TABLE_NONE; i = table_next(&w))
		if (f->v[i].source == line->source)
			return &f->v[i];
	new = array_add(f->v, f->n, f->room);
	if (!new || table_add(&f->at, hash, f->n - 1))
		return NULL;
	*new = (struct file){line->source, line->key};
	return new;
}

static int bring_together(struct logs *l, const struct sample *s, const uint32_t *tids, uint32_t n)
{
	struct files files = {0};
	int rc = 0;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = s->first[tids[i]]; k < s->first[tids[i] + 1] && !rc; k++) {
			const struct file *f = file_of(&files, &s->line[k]);

			rc = f ? 0 : -ENOMEM;
			if (f)
				join(l, f->key, s->line[k].key);
		}
	table_done(&files.at);
	free(files.v);
	return rc;
}

/* seen: by key, zeros. */
static void count_requests(struct logs *l, const struct sample *s, const uint32_t *tids, uint32_t n, uint32_t *seen)
{
	for (uint32_t k = 0; k < s->nkeys; k++)
		l->of[k] = least_of(l, k);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = s->first[tids[i]]; k < s->first[tids[i] + 1]; k++) {
			uint32_t log = l->of[s->line[k].key];

			l->requests[log] += seen[log] != i + 1;
			seen[log] = i + 1;
		}
}

int logs_find(struct logs *out, const struct sample *s, const uint32_t *tids, uint32_t n)
{
	size_t keys = (size_t)s->nkeys + 1;
	uint32_t *seen = calloc(keys, sizeof *seen);
	int rc;

	*out = (struct logs){calloc(keys, sizeof *out->of), calloc(keys, sizeof *out->requests)};
	for (uint32_t k = 0; out->of && k < s->nkeys; k++)
		out->of[k] = k;
	rc = seen && out->of && out->requests ? bring_together(out, s, tids, n) : -ENOMEM;
	if (!rc)
		count_requests(out, s, tids, n, seen);
	free(seen);
	return rc;
}

void logs_done(struct logs *l)
{
	free(l->of);
	free(l->requests);
	*l = (struct logs){0};
}
