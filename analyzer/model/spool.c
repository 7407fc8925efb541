/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool.c - see spool.h
 *
 * A run is transaction after transaction: the lengths of its key and of its list, the key, the facts. A fact stands as
 * it is in memory, its texts replaced by their lengths, and the texts stand behind it.
 *
 * A worker removes all its containers in one transaction, which has as many facts as there were containers. Those that
 * its fold can do without are loose: they have runs of their own, which are read one after the other. */
#include "model/spool.h"
#include "base/array.h"
#include "base/bytes.h"
#include "base/heap.h"
#include "base/tempfile.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { OUT = 1 << 20 }; /* bytes written at once */

/* Where a run's bytes and the numbers of its workers are from. */
struct origin {
	int fd;
	uint16_t *worker; /* number there -> here; NULL: the same */
	size_t workers;
};

struct run {
	uint32_t origin;
	off_t begin, end;
	bool loose;
	/* while it is read */
	struct tempfile_in in;
	char *key; /* of the transaction that is next; len 0: none */
	size_t key_len, key_room;
	uint32_t left; /* its facts */
};

struct spool {
	char *beside;
	struct origin *origin;
	uint32_t norigins, origins_room;
	struct run *run;
	uint32_t nruns, runs_room;
	uint32_t *heap, heaped; /* runs by their next key */
	uint32_t loose;         /* run: no loose one before it is left to be read */
	off_t end;              /* of our own file, which is origin 0 */
};

/* ---- writing ---- */

int spool_new(const char *beside, struct spool **out)
{
	struct spool *s = calloc(1, sizeof *s);

	if (!s || (beside && !(s->beside = strdup(beside)))) {
		free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->norigins; i++) {
		if (s->origin[i].fd >= 0)
			close(s->origin[i].fd);
		free(s->origin[i].worker);
	}
	for (uint32_t i = 0; i < s->nruns; i++) {
		tempfile_done(&s->run[i].in);
		free(s->run[i].key);
	}
	free(s->beside);
	free(s->origin);
	free(s->run);
	free(s->heap);
	free(s);
}

static int own_file(struct spool *s)
{
	struct origin *o;
	int fd;

	if (s->norigins)
		return 0;
	fd = tempfile_open(s->beside);
	if (fd < 0)
		return fd;
	o = array_add(s->origin, s->norigins, s->origins_room);
	if (!o) {
		close(fd);
		return -ENOMEM;
	}
	*o = (struct origin){fd, NULL, 0};
	return 0;
}

static int write_out(struct spool *s, struct bytes *out)
{
	int rc = tempfile_write(s->origin[0].fd, &s->end, out->ptr, out->len);

	out->len = 0;
	return rc;
}

static void put_fact(struct bytes *out, const struct facts *f, const struct fact *in)
{
	const struct meaning_arg *arg = meaning_info(in->means)->arg + in->part * 2;
	struct slice text[2] = {SLICE_NONE, SLICE_NONE};
	struct fact x = *in;

	for (int i = 0; i < 2; i++)
		if (arg[i].kind == ARG_TEXT && in->arg[i].text != INTERN_NONE) {
			text[i] = fact_text(f, in->arg[i].text);
			x.arg[i].text = (uint32_t)text[i].len;
		}
	bytes_add(out, &x, sizeof x);
	for (int i = 0; i < 2; i++)
		if (text[i].len)
			bytes_add(out, text[i].ptr, text[i].len);
}

/* Of a removal a fold asks nothing but the worker, and that of the last fact that has one. A removal is loose where
 * another one follows that has a worker, if it has one itself: so each transaction keeps facts. */
static bool is_loose(const struct fact *x, const struct fact *end)
{
	return x + 1 < end && x[0].means == MEANS_REMOVED && x[1].means == MEANS_REMOVED &&
	       (x[1].worker != UINT16_MAX || x[0].worker == UINT16_MAX);
}

/* The facts of one transaction, those that are loose or the others. */
static int put_transaction(struct spool *s, const struct facts *f, const struct fact *x, const struct fact *end,
                           bool loose, struct bytes *out)
{
	struct slice key = f->keys.text[f->by_rank[x->key]];
	uint32_t n = 0;
	int rc = 0;

	for (const struct fact *y = x; y < end; y++)
		n += is_loose(y, end) == loose;
	if (!n)
		return 0;
	bytes_u32(out, (uint32_t)key.len);
	bytes_u32(out, n);
	bytes_add(out, key.ptr, key.len);
	for (; x < end && !rc; x++) {
		if (is_loose(x, end) != loose)
			continue;
		put_fact(out, f, x);
		rc = out->failed ? -ENOMEM : out->len < OUT ? 0 : write_out(s, out);
	}
	return rc;
}

static int put_facts(struct spool *s, const struct facts *f, bool loose)
{
	struct bytes out = {0};
	int rc = 0;

	for (size_t i = 0, end; i < f->n && !rc; i = end) {
		for (end = i; end < f->n && f->v[end].key == f->v[i].key; end++)
			;
		rc = put_transaction(s, f, f->v + i, f->v + end, loose, &out);
	}
	rc = rc ? rc : out.failed ? -ENOMEM : write_out(s, &out);
	bytes_free(&out);
	return rc;
}

static int put_run(struct spool *s, const struct facts *f, bool loose)
{
	off_t begin = s->end;
	int rc = put_facts(s, f, loose);
	struct run *r;

	if (rc || s->end == begin)
		return rc;
	r = array_add(s->run, s->nruns, s->runs_room);
	if (!r)
		return -ENOMEM;
	*r = (struct run){.begin = begin, .end = s->end, .loose = loose};
	return 0;
}

int spool_put(struct spool *s, struct facts *f)
{
	int rc = facts_sort(f);

	if (!rc && f->n && !(rc = own_file(s)) && !(rc = put_run(s, f, false)))
		rc = put_run(s, f, true);
	facts_clear(f);
	facts_forget_texts(f);
	return rc;
}

static int adopt(struct spool *to, struct facts *to_facts, struct spool *from, const struct facts *f)
{
	uint32_t number = to->norigins;
	struct origin *o;
	int rc = own_file(to); /* ours is the first */

	if (rc || !from->nruns)
		return rc;
	number = to->norigins;
	o = array_add(to->origin, to->norigins, to->origins_room);
	if (!o)
		return -ENOMEM;
	*o = (struct origin){from->origin[0].fd, NULL, f->workers.n};
	from->origin[0].fd = -1;
	o->worker = malloc((f->workers.n + 1) * sizeof *o->worker);
	if (!o->worker)
		return -ENOMEM;
	for (uint32_t i = 0, w; i < f->workers.n && !rc; i++) {
		rc = intern_add(&to_facts->workers, f->workers.text[i], &w);
		o->worker[i] = !rc && w < UINT16_MAX ? (uint16_t)w : UINT16_MAX;
	}
	for (uint32_t i = 0; i < from->nruns && !rc; i++) {
		struct run *r = array_add(to->run, to->nruns, to->runs_room);

		if (!r)
			return -ENOMEM;
		*r = from->run[i];
		r->origin = number;
	}
	return rc;
}

int spool_adopt(struct spool *to, struct facts *to_facts, struct spool *from, const struct facts *f)
{
	int rc = from ? adopt(to, to_facts, from, f) : 0;

	spool_free(from);
	return rc;
}

/* ---- reading ---- */

/* Reads the head of the next transaction. */
static int take_head(struct run *r)
{
	uint32_t lengths[2];
	const char *p;
	int rc;

	r->key_len = 0;
	if (tempfile_at_end(&r->in))
		return 0;
	if ((rc = tempfile_take(&r->in, sizeof lengths, &p)))
		return rc;
	memcpy(lengths, p, sizeof lengths);
	if ((rc = tempfile_take(&r->in, lengths[0], &p)))
		return rc;
	if (array_reserve(r->key, r->key_room, lengths[0]))
		return -ENOMEM;
	memcpy(r->key, p, lengths[0]);
	r->key_len = lengths[0];
	r->left = lengths[1];
	return 0;
}

static int compare_runs(const void *of, uint32_t a, uint32_t b)
{
	const struct spool *s = of;
	const struct run *x = &s->run[a], *y = &s->run[b];
	int c = memcmp(x->key, y->key, x->key_len < y->key_len ? x->key_len : y->key_len);

	return c                          ? c
	       : x->key_len != y->key_len ? (x->key_len > y->key_len) - (x->key_len < y->key_len)
	                                  : (a > b) - (a < b);
}

/* Before the first transaction of a run. */
static void run_rewind(const struct spool *s, struct run *r)
{
	r->in.fd = s->origin[r->origin].fd;
	r->in.at = r->begin;
	r->in.end = r->end;
	r->in.from = r->in.n = 0;
	r->key_len = r->left = 0;
}

int spool_rewind(struct spool *s)
{
	free(s->heap);
	s->heaped = s->loose = 0;
	s->heap = malloc((s->nruns + (size_t)1) * sizeof *s->heap);
	if (!s->heap)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->nruns; i++) {
		struct run *r = &s->run[i];
		int rc;

		run_rewind(s, r);
		if (r->loose)
			continue;
		if ((rc = take_head(r)))
			return rc;
		if (r->key_len)
			s->heap[s->heaped++] = i;
	}
	heap_make(s->heap, s->heaped, compare_runs, s);
	return 0;
}

static int take_fact(struct spool *s, struct run *r, struct facts *f, uint32_t key)
{
	const struct origin *o = &s->origin[r->origin];
	const struct meaning_arg *arg;
	const char *p;
	struct fact x;
	int rc = tempfile_take(&r->in, sizeof x, &p);

	if (rc)
		return rc;
	memcpy(&x, p, sizeof x);
	arg = meaning_info(x.means)->arg + x.part * 2;
	x.key = key;
	if (o->worker && x.worker != UINT16_MAX)
		x.worker = o->worker[x.worker];
	for (int i = 0; i < 2; i++)
		if (arg[i].kind == ARG_TEXT && x.arg[i].text != INTERN_NONE) {
			size_t len = x.arg[i].text;

			if ((rc = tempfile_take(&r->in, len, &p)) ||
			    (rc = intern_add(&f->texts, (struct slice){p, len}, &x.arg[i].text)))
				return rc;
		}
	return facts_push(f, &x);
}

/* Facts of the transaction that is next in a run, so many at most. */
static int take_facts(struct spool *s, struct run *r, struct facts *f, size_t most)
{
	uint32_t key;
	int rc = intern_add(&f->keys, (struct slice){r->key, r->key_len}, &key);

	for (; r->left && most && !rc; r->left--, most--)
		rc = take_fact(s, r, f, key);
	return rc || r->left ? rc : take_head(r);
}

/* The facts of the transaction of the run that is on top; others that have it, too, are on top after it. */
static int take_transaction(struct spool *s, struct facts *f)
{
	struct run *r = &s->run[s->heap[0]];
	int rc = take_facts(s, r, f, SIZE_MAX);

	if (!rc && !r->key_len)
		s->heap[0] = s->heap[--s->heaped];
	if (!rc)
		heap_sift(s->heap, s->heaped, 0, compare_runs, s);
	return rc;
}

/* Whether the transaction that is next is the last one that was taken. */
static bool goes_on(const struct spool *s, const struct facts *f)
{
	const struct run *r = s->heaped ? &s->run[s->heap[0]] : NULL;

	return r && f->keys.n && slice_same(f->keys.text[f->keys.n - 1], (struct slice){r->key, r->key_len});
}

int spool_next(struct spool *s, struct facts *f, size_t facts)
{
	int rc = 0;

	facts_clear(f);
	facts_forget_texts(f);
	while (!rc && s->heaped && (f->n < facts || goes_on(s, f)))
		rc = take_transaction(s, f);
	if (!rc && f->n)
		rc = facts_sort(f);
	return rc ? rc : f->n > 0;
}

/* Goes on to the loose run that has facts left: 1, 0: there is none, or a negative errno. */
static int loose_run(struct spool *s)
{
	for (; s->loose < s->nruns; s->loose++) {
		struct run *r = &s->run[s->loose];
		int rc = r->loose && !r->key_len ? take_head(r) : 0;

		if (rc || (r->loose && r->key_len))
			return rc ? rc : 1;
		if (r->loose)
			tempfile_done(&r->in);
	}
	return 0;
}

int spool_next_loose(struct spool *s, struct facts *f, size_t facts)
{
	int rc = 0;

	facts_clear(f);
	facts_forget_texts(f);
	while (!rc && f->n < facts && (rc = loose_run(s)) == 1)
		rc = take_facts(s, &s->run[s->loose], f, facts - f->n);
	if (!rc && f->n)
		rc = facts_sort(f);
	return rc ? rc : f->n > 0;
}
