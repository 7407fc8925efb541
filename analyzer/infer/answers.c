/* SPDX-License-Identifier: GPL-3.0-or-later */
/* answers.c - see answers.h */
#include "infer/answers.h"
#include <errno.h>
#include <stdlib.h>

#define INSTANT_NS 100000000 /* within this time requests close at once */
#define MANY       10        /* of them; fewer are a coincidence */
#define SAID       60        /* in 100 of the others say it, ... */
#define SILENT     5         /* ... and no more than these lack it and have no error line */
#define SAID_TOO   5         /* in 100 of those that were broken off may say it, too */
#define LEAST      5         /* others */

struct asking {
	const struct sample *s;
	struct requests *r;
	unsigned kind;
	int end;         /* of the kind's: a span that closes */
	int64_t last_ns; /* when the last one closes */
	bool *broken;    /* by transaction */
	uint32_t nbroken;
};

static bool ends_so(const struct asking *a, uint32_t t)
{
	return a->r->of[t].kind == (int)a->kind && a->r->of[t].end == a->end;
}

static int64_t end_ns(const struct asking *a, uint32_t t)
{
	return a->s->line[a->r->of[t].end_line].time_ns;
}

/* It waited, and said nothing when it closed with all others. */
static bool is_broken_off(const struct asking *a, uint32_t t)
{
	const struct sample *s = a->s;
	int64_t instant = a->last_ns - INSTANT_NS;

	if (end_ns(a, t) < instant || s->line[a->r->of[t].start_line].time_ns >= instant - INSTANT_NS)
		return false;
	for (uint32_t i = s->first[t + 1]; i-- > s->first[t] && s->line[i].time_ns >= instant;)
		if (!s->key[s->line[i].key].span_line)
			return false;
	return true;
}

static void find_broken(struct asking *a)
{
	a->last_ns = INT64_MIN;
	for (uint32_t t = 0; t < a->s->tids.n; t++)
		if (ends_so(a, t) && end_ns(a, t) > a->last_ns)
			a->last_ns = end_ns(a, t);
	for (uint32_t t = 0; t < a->s->tids.n; t++) {
		a->broken[t] = ends_so(a, t) && is_broken_off(a, t);
		a->nbroken += a->broken[t];
	}
}

static bool has_error(const struct sample *s, uint32_t t)
{
	for (uint32_t i = s->first[t]; i < s->first[t + 1]; i++)
		if (s->key[s->line[i].key].severity == 2)
			return true;
	return false;
}

/* A request says it once, and closes then. */
static bool says_at_close(const struct asking *a, uint32_t t, uint32_t key)
{
	const struct sample *s = a->s;
	uint32_t line = 0;

	if (lines_of_key(s, t, key, &line) != 1)
		return false;
	int64_t after = end_ns(a, t) - s->line[line].time_ns;

	return after >= 0 && (after * 100 <= end_ns(a, t) - s->line[s->first[t]].time_ns || after <= 1000000);
}

static bool is_other(const struct asking *a, uint32_t t)
{
	return ends_so(a, t) && !a->broken[t];
}

/* Most others say it when they close, the rest of them have failed, and those that were broken off do not say it. */
static bool may_be_answer(const struct asking *a, uint32_t key)
{
	const struct sample_key *k = &a->s->key[key];
	uint32_t others = 0, said = 0, silent = 0, too = 0, line;

	if (k->span_line || !k->text.len || key == a->r->kind[a->kind].start)
		return false;
	for (uint32_t t = 0; t < a->s->tids.n; t++) {
		too += a->broken[t] && lines_of_key(a->s, t, key, &line);
		if (is_other(a, t)) {
			bool here = says_at_close(a, t, key);

			others++;
			said += here;
			silent += !here && !has_error(a->s, t);
		}
	}
	return others >= LEAST && said * 100 >= others * SAID && silent * 100 <= others * SILENT &&
	       too * 100 <= a->nbroken * SAID_TOO;
}

/* Whether each message may be it. Those that few of the others have are not looked at one by one. */
static int find_candidates(const struct asking *a, bool *may)
{
	const struct sample *s = a->s;
	uint32_t *tids = calloc((size_t)s->tids.n + 1, sizeof *tids), *in = NULL, others = 0;
	int rc;

	for (uint32_t t = 0; tids && t < s->tids.n; t++)
		if (is_other(a, t))
			tids[others++] = t;
	if (tids)
		in = sample_count(s, tids, others);
	for (uint32_t k = 0; in && k < s->nkeys; k++)
		may[k] = in[k] * 100 >= others * SAID && may_be_answer(a, k);
	rc = in ? 0 : -ENOMEM;
	free(tids);
	free(in);
	return rc;
}

/* Of several such messages the one that mostly comes last. SAMPLE_NONE: there is none. */
static int find_answer(const struct asking *a, uint32_t *out)
{
	const struct sample *s = a->s;
	uint32_t *last = calloc((size_t)s->nkeys + 1, sizeof *last), best = 0;
	bool *may = calloc((size_t)s->nkeys + 1, sizeof *may);
	int rc = last && may ? find_candidates(a, may) : -ENOMEM;

	*out = SAMPLE_NONE;
	for (uint32_t t = 0; !rc && t < s->tids.n; t++)
		for (uint32_t i = s->first[t + 1]; is_other(a, t) && i-- > s->first[t];)
			if (may[s->line[i].key]) {
				last[s->line[i].key]++;
				break;
			}
	for (uint32_t k = 0; !rc && k < s->nkeys; k++)
		if (last[k] > best) {
			best = last[k];
			*out = k;
		}
	free(last);
	free(may);
	return rc;
}

/* From here on requests of the kind end with the answer; those that close without it have not ended. */
static void take_answer(struct asking *a, uint32_t answer)
{
	struct request_kind *k = &a->r->kind[a->kind];
	uint32_t n = 0;

	k->answered = k->end[a->end].key;
	k->broken = a->nbroken;
	for (uint32_t t = 0; t < a->s->tids.n; t++) {
		struct request *r = &a->r->of[t];
		uint32_t line = 0;

		if (!ends_so(a, t))
			continue;
		if (lines_of_key(a->s, t, answer, &line) && line > r->start_line) {
			r->end_line = line;
			n++;
		} else {
			r->end = -1;
			k->unfinished++;
		}
	}
	k->end[a->end] = (struct request_end){answer, n};
}

int answers_find(struct requests *r, const struct sample *s, unsigned kind)
{
	struct request_kind *k = &r->kind[kind];
	struct asking a = {.s = s, .r = r, .kind = kind};
	uint32_t answer = SAMPLE_NONE;
	int rc = 0;

	while (a.end < (int)k->nends && !s->key[k->end[a.end].key].span_line)
		a.end++;
	if (a.end == (int)k->nends)
		return 0;
	a.broken = calloc((size_t)s->tids.n + 1, sizeof *a.broken);
	if (!a.broken)
		return -ENOMEM;
	find_broken(&a);
	if (a.nbroken >= MANY)
		rc = find_answer(&a, &answer);
	if (answer != SAMPLE_NONE)
		take_answer(&a, answer);
	free(a.broken);
	return rc;
}
