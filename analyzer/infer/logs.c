/* SPDX-License-Identifier: GPL-3.0-or-later */
/* logs.c - see logs.h
 *
 * Files are looked at from the one with the most messages on: each is of the log that has the messages of most of its
 * lines, or is a log of its own. */
#include "infer/logs.h"
#include "base/array.h"
#include "base/hash.h"
#include <errno.h>
#include <stdlib.h>

#define NO_LOG UINT32_MAX

struct file {
	int64_t source;
	uint32_t number, log, messages, lines;
	uint32_t first; /* of its places */
};

/* A message in a file. */
struct place {
	uint32_t file, key, lines;
};

/* A log that has a message; of the message's others the next. */
struct holder {
	uint32_t log, next;
};

struct finding {
	const struct sample *s;
	const uint32_t *tids;
	uint32_t ntids;
	struct table file_at, place_at;
	struct file *file;
	uint32_t nfiles, file_room;
	struct place *place;
	uint32_t nplaces, place_room;
	struct holder *holder;
	uint32_t nholders, holder_room;
	uint32_t *held;  /* by key: its last holder, and one; 0: none */
	uint32_t *lines; /* by log: of the file at hand, so many are of messages that it has */
	uint32_t *seen;  /* by log: the last transaction with lines there, and one */
	uint32_t nlogs;
};

/* ---- what stands where ---- */

/* NULL: no memory. */
static struct file *file_of(struct finding *f, int64_t source)
{
	uint64_t hash = hash_pair((uint64_t)source, 0);
	struct table_walk w;
	struct file *new;

	for (uint32_t i = table_first(&w, &f->file_at, hash); i != TABLE_NONE; i = table_next(&w))
		if (f->file[i].source == source)
			return &f->file[i];
	new = array_add(f->file, f->nfiles, f->file_room);
	if (!new || table_add(&f->file_at, hash, f->nfiles - 1))
		return NULL;
	*new = (struct file){.source = source, .number = f->nfiles - 1, .log = NO_LOG};
	return new;
}

static int count_line(struct finding *f, const struct sample_line *line)
{
	struct file *file = file_of(f, line->source);
	uint64_t hash = file ? hash_pair(file->number, line->key) : 0;
	struct table_walk w;
	struct place *new;

	if (!file)
		return -ENOMEM;
	file->lines++;
	for (uint32_t i = table_first(&w, &f->place_at, hash); i != TABLE_NONE; i = table_next(&w))
		if (f->place[i].file == file->number && f->place[i].key == line->key) {
			f->place[i].lines++;
			return 0;
		}
	new = array_add(f->place, f->nplaces, f->place_room);
	if (!new || table_add(&f->place_at, hash, f->nplaces - 1))
		return -ENOMEM;
	*new = (struct place){file->number, line->key, 1};
	file->messages++;
	return 0;
}

static int compare_places(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return a->key < b->key ? -1 : a->key > b->key;
}

/* The places of each file stand together from then on; they are no longer found by place_at. */
static int count_lines(struct finding *f)
{
	uint32_t first = 0;
	int rc = 0;

	for (uint32_t i = 0; i < f->ntids; i++)
		for (uint32_t k = f->s->first[f->tids[i]]; k < f->s->first[f->tids[i] + 1] && !rc; k++)
			rc = count_line(f, &f->s->line[k]);
	if (f->nplaces)
		qsort(f->place, f->nplaces, sizeof *f->place, compare_places);
	for (uint32_t i = 0; i < f->nfiles; first += f->file[i++].messages)
		f->file[i].first = first;
	return rc;
}

/* ---- logs ---- */

static const struct holder *holder_of(const struct finding *f, uint32_t held)
{
	return held ? &f->holder[held - 1] : NULL;
}

/* The log that has the messages of most lines of a file; NO_LOG: none has. */
static uint32_t log_of(struct finding *f, const struct file *file)
{
	uint32_t best = NO_LOG;

	for (uint32_t log = 0; log < f->nlogs; log++)
		f->lines[log] = 0;
	for (uint32_t i = file->first; i < file->first + file->messages; i++)
		for (const struct holder *h = holder_of(f, f->held[f->place[i].key]); h; h = holder_of(f, h->next))
			f->lines[h->log] += f->place[i].lines;
	for (uint32_t log = 0; log < f->nlogs; log++)
		if (f->lines[log] > file->lines / 2 && (best == NO_LOG || f->lines[log] > f->lines[best]))
			best = log;
	return best;
}

static bool holds(const struct finding *f, uint32_t log, uint32_t key)
{
	for (const struct holder *h = holder_of(f, f->held[key]); h; h = holder_of(f, h->next))
		if (h->log == log)
			return true;
	return false;
}

/* Adds a file's messages to those of its log. */
static int hold(struct finding *f, const struct file *file)
{
	for (uint32_t i = file->first; i < file->first + file->messages; i++) {
		uint32_t key = f->place[i].key;
		struct holder *new;

		if (holds(f, file->log, key))
			continue;
		new = array_add(f->holder, f->nholders, f->holder_room);
		if (!new)
			return -ENOMEM;
		*new = (struct holder){file->log, f->held[key]};
		f->held[key] = f->nholders;
	}
	return 0;
}

static int compare_files(const void *pa, const void *pb)
{
	const struct file *a = *(const struct file *const *)pa, *b = *(const struct file *const *)pb;

	if (a->messages != b->messages)
		return a->messages > b->messages ? -1 : 1;
	if (a->lines != b->lines)
		return a->lines > b->lines ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static int put_together(struct finding *f)
{
	struct file **file = calloc((size_t)f->nfiles + 1, sizeof *file);
	int rc = file ? 0 : -ENOMEM;

	for (uint32_t i = 0; !rc && i < f->nfiles; i++)
		file[i] = &f->file[i];
	if (!rc)
		qsort(file, f->nfiles, sizeof *file, compare_files);
	for (uint32_t i = 0; !rc && i < f->nfiles; i++) {
		file[i]->log = log_of(f, file[i]);
		if (file[i]->log == NO_LOG)
			file[i]->log = f->nlogs++;
		rc = hold(f, file[i]);
	}
	free(file);
	return rc;
}

/* A message of several logs counts with that which most requests have lines in. */
static int count_requests(struct logs *l, struct finding *f)
{
	for (uint32_t i = 0; i < f->ntids; i++)
		for (uint32_t k = f->s->first[f->tids[i]]; k < f->s->first[f->tids[i] + 1]; k++) {
			const struct file *file = file_of(f, f->s->line[k].source);

			if (!file)
				return -ENOMEM;
			l->requests[file->log] += f->seen[file->log] != i + 1;
			f->seen[file->log] = i + 1;
		}
	for (uint32_t k = 0; k < f->s->nkeys; k++) {
		l->of[k] = f->nlogs;
		for (const struct holder *h = holder_of(f, f->held[k]); h; h = holder_of(f, h->next))
			if (l->requests[h->log] > l->requests[l->of[k]])
				l->of[k] = h->log;
	}
	return 0;
}

static int find(struct logs *l, struct finding *f)
{
	int rc = count_lines(f);

	if (rc)
		return rc;
	l->of = calloc((size_t)f->s->nkeys + 1, sizeof *l->of);
	l->requests = calloc((size_t)f->nfiles + 1, sizeof *l->requests);
	f->held = calloc((size_t)f->s->nkeys + 1, sizeof *f->held);
	f->lines = calloc((size_t)f->nfiles + 1, sizeof *f->lines);
	f->seen = calloc((size_t)f->nfiles + 1, sizeof *f->seen);
	if (!l->of || !l->requests || !f->held || !f->lines || !f->seen)
		return -ENOMEM;
	rc = put_together(f);
	return rc ? rc : count_requests(l, f);
}

int logs_find(struct logs *out, const struct sample *s, const uint32_t *tids, uint32_t n)
{
	struct finding f = {.s = s, .tids = tids, .ntids = n};
	int rc;

	*out = (struct logs){0};
	rc = find(out, &f);
	table_done(&f.file_at);
	table_done(&f.place_at);
	free(f.file);
	free(f.place);
	free(f.holder);
	free(f.held);
	free(f.lines);
	free(f.seen);
	return rc;
}

void logs_done(struct logs *l)
{
	free(l->of);
	free(l->requests);
	*l = (struct logs){0};
}
