/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sorter.c - see sorter.h. A record stands in memory and in a run behind its length. */
#include "base/sorter.h"
#include "base/array.h"
#include "base/bytes.h"
#include "base/heap.h"
#include "base/keyed.h"
#include "base/tempfile.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { OUT = 1 << 18 }; /* bytes written at once */

struct run {
	off_t begin, end;
	struct tempfile_in in;
	struct slice cur;
	uint64_t key; /* of cur */
};

struct sorter {
	sorter_compare *compare;
	sorter_key *key; /* NULL: all have the same */
	char *beside;
	size_t memory;
	struct bytes text; /* records in memory */
	uint32_t *at, n, room;
	int fd; /* of the runs; -1: there are none */
	off_t end;
	struct run *run;
	uint32_t nruns, runs_room;
	uint32_t *heap, heaped; /* runs by their next record */
	uint32_t next;          /* record of those in memory */
	bool taken;             /* the record on top of the heap has been given */
};

int sorter_new(const char *beside, size_t memory, sorter_compare *compare, struct sorter **out)
{
	struct sorter *s = calloc(1, sizeof *s);

	*out = NULL;
	if (!s || (beside && !(s->beside = strdup(beside)))) {
		free(s);
		return -ENOMEM;
	}
	s->compare = compare;
	s->memory = memory ? memory : SORTER_MEMORY;
	s->fd = -1;
	*out = s;
	return 0;
}

void sorter_by_key(struct sorter *s, sorter_key *key)
{
	s->key = key;
}

void sorter_free(struct sorter *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->nruns; i++)
		tempfile_done(&s->run[i].in);
	if (s->fd >= 0)
		close(s->fd);
	bytes_free(&s->text);
	free(s->beside);
	free(s->at);
	free(s->run);
	free(s->heap);
	free(s);
}

/* ---- in memory ---- */

static struct slice record_at(const struct sorter *s, uint32_t at)
{
	uint32_t len;

	memcpy(&len, s->text.ptr + at, sizeof len);
	return (struct slice){s->text.ptr + at + sizeof len, len};
}

static int compare_records(const void *pa, const void *pb, void *arg)
{
	const struct sorter *s = arg;
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	int c = s->compare(record_at(s, a), record_at(s, b));

	return c ? c : (a > b) - (a < b);
}

/* Those that have one key stand beside each other. */
static void sort_alike(struct sorter *s, const struct keyed *v)
{
	for (uint32_t i = 0, end; i < s->n; i = end) {
		for (end = i + 1; end < s->n && v[end].key == v[i].key; end++)
			;
		if (end - i > 1)
			qsort_r(s->at + i, end - i, sizeof *s->at, compare_records, s);
	}
}

static int sort_by_key(struct sorter *s)
{
	struct keyed *v = malloc(s->n * sizeof *v);
	int rc = v ? 0 : -ENOMEM;

	for (uint32_t i = 0; !rc && i < s->n; i++)
		v[i] = (struct keyed){s->key(record_at(s, s->at[i])), s->at[i]};
	if (!rc)
		rc = keyed_sort(v, s->n);
	for (uint32_t i = 0; !rc && i < s->n; i++)
		s->at[i] = v[i].value;
	if (!rc)
		sort_alike(s, v);
	free(v);
	return rc;
}

static int sort(struct sorter *s)
{
	if (s->n && s->key)
		return sort_by_key(s);
	if (s->n)
		qsort_r(s->at, s->n, sizeof *s->at, compare_records, s);
	return 0;
}

/* ---- runs ---- */

static int write_run(struct sorter *s)
{
	struct bytes out = {0};
	struct run *r = array_add(s->run, s->nruns, s->runs_room);
	int rc = 0;

	if (!r)
		return -ENOMEM;
	*r = (struct run){.begin = s->end, .end = s->end};
	if (s->fd < 0 && (s->fd = tempfile_open(s->beside)) < 0)
		return s->fd;
	rc = sort(s);
	for (uint32_t i = 0; i < s->n && !rc; i++) {
		struct slice x = record_at(s, s->at[i]);

		bytes_add(&out, x.ptr - sizeof(uint32_t), x.len + sizeof(uint32_t));
		if (out.failed)
			rc = -ENOMEM;
		else if (out.len >= OUT || i + 1 == s->n)
			rc = tempfile_write(s->fd, &s->end, out.ptr, out.len), out.len = 0;
	}
	bytes_free(&out);
	r->end = s->end;
	s->text.len = 0;
	s->n = 0;
	return rc;
}

int sorter_add(struct sorter *s, struct slice record)
{
	uint32_t len = (uint32_t)record.len, *at;
	int rc = 0;

	if (record.len > UINT32_MAX / 2 - s->memory)
		return -EOVERFLOW;
	if (s->n && s->text.len + record.len > s->memory)
		rc = write_run(s);
	at = rc ? NULL : array_add(s->at, s->n, s->room);
	if (!at)
		return rc ? rc : -ENOMEM;
	*at = (uint32_t)s->text.len;
	bytes_add(&s->text, &len, sizeof len);
	bytes_add(&s->text, record.ptr, record.len);
	return s->text.failed ? -ENOMEM : 0;
}

/* ---- merging ---- */

static int compare_runs(const void *of, uint32_t a, uint32_t b)
{
	const struct sorter *s = of;
	const struct run *x = &s->run[a], *y = &s->run[b];
	int c = x->key != y->key ? (x->key < y->key ? -1 : 1) : s->compare(x->cur, y->cur);

	return c ? c : (a > b) - (a < b);
}

/* The next record of a run; 1, 0: it is at its end. */
static int run_next(const struct sorter *s, struct run *r)
{
	const char *p;
	uint32_t len;
	int rc;

	if (tempfile_at_end(&r->in))
		return 0;
	if ((rc = tempfile_take(&r->in, sizeof len, &p)))
		return rc;
	memcpy(&len, p, sizeof len);
	if ((rc = tempfile_take(&r->in, len, &p)))
		return rc;
	r->cur = (struct slice){p, len};
	r->key = s->key ? s->key(r->cur) : 0;
	return 1;
}

int sorter_rewind(struct sorter *s)
{
	int rc = s->nruns && s->n ? write_run(s) : 0;

	s->next = s->heaped = 0;
	s->taken = false;
	if (!s->nruns)
		rc = sort(s);
	if (rc || !s->nruns)
		return rc;
	bytes_free(&s->text);
	free(s->heap);
	s->heap = malloc(s->nruns * sizeof *s->heap);
	if (!s->heap)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->nruns && rc >= 0; i++) {
		struct run *r = &s->run[i];

		r->in.fd = s->fd;
		r->in.at = r->begin;
		r->in.end = r->end;
		r->in.from = r->in.n = 0;
		rc = run_next(s, r);
		if (rc == 1)
			s->heap[s->heaped++] = i;
	}
	heap_make(s->heap, s->heaped, compare_runs, s);
	return rc < 0 ? rc : 0;
}

int sorter_next(struct sorter *s, struct slice *out)
{
	if (!s->nruns) {
		if (s->next == s->n)
			return 0;
		*out = record_at(s, s->at[s->next++]);
		return 1;
	}
	if (s->taken) {
		int rc = run_next(s, &s->run[s->heap[0]]);

		if (rc < 0)
			return rc;
		if (!rc)
			s->heap[0] = s->heap[--s->heaped];
		heap_sift(s->heap, s->heaped, 0, compare_runs, s);
	}
	s->taken = s->heaped > 0;
	if (s->taken)
		*out = s->run[s->heap[0]].cur;
	return s->taken;
}
