/* SPDX-License-Identifier: GPL-3.0-or-later */
/* retry.c - see retry.h */
#include "infer/retry.h"
#include <errno.h>
#include <stdlib.h>

/* What a repeated stretch can begin with: no close of a span, which belongs to what was before. */
static bool may_begin(const struct sample_key *k)
{
	return !k->severity && !k->enters && k->text.len && !(k->span_line && slice_is(k->text, "close"));
}

/* After an error line a stretch comes again: the first message of it, in this transaction, but those that come again
 * anyway. */
static uint32_t repeated_first(const struct sample *s, uint32_t tid, const struct request *r, const bool *recurs)
{
	uint32_t line, error = SAMPLE_NONE;

	for (uint32_t i = r->start_line + 1; i < s->first[tid + 1]; i++) {
		const struct sample_key *k = &s->key[s->line[i].key];

		if (k->severity && error == SAMPLE_NONE)
			error = i;
		if (error == SAMPLE_NONE || !may_begin(k) || recurs[s->line[i].key])
			continue;
		if (lines_of_key(s, tid, s->line[i].key, &line) > 1 && line < error)
			return s->line[i].key;
	}
	return SAMPLE_NONE;
}

static bool all_is_well(const struct sample *s, uint32_t tid)
{
	for (uint32_t i = s->first[tid]; i < s->first[tid + 1]; i++)
		if (s->key[s->line[i].key].severity)
			return false;
	return true;
}

/* By key; of requests in which nothing went wrong, or of all. */
struct recurring {
	uint32_t *once, *again; /* so many have it once, or several times */
	uint32_t *seen;         /* lines of the request at hand; zeros in between */
	uint32_t *votes;        /* so many have a stretch that begins with it again behind an error */
	bool *recurs;           /* it comes again anyway, or hardly stands there at all: no retry begins with it */
};

static void count_request(const struct sample *s, uint32_t tid, struct recurring *r)
{
	for (uint32_t i = s->first[tid]; i < s->first[tid + 1]; i++)
		r->seen[s->line[i].key]++;
	for (uint32_t i = s->first[tid]; i < s->first[tid + 1]; i++) {
		uint32_t key = s->line[i].key, n = r->seen[key];

		r->seen[key] = 0;
		if (n)
			(n > 1 ? r->again : r->once)[key]++;
	}
}

static void find_recurring(const struct sample *s, const struct requests *r, unsigned kind, struct recurring *re)
{
	for (uint32_t t = 0; t < s->tids.n; t++)
		if (r->of[t].kind == (int)kind && r->of[t].end >= 0 && all_is_well(s, t))
			count_request(s, t, re);
	for (uint32_t k = 0; k < s->nkeys; k++)
		re->recurs[k] = re->once[k] < 5 || re->again[k] * 10 > re->once[k];
}

static void find_among(struct retry *out, const struct sample *s, const struct requests *r, unsigned kind,
                       struct recurring *re)
{
	uint32_t all = 0, best = 0;
	uint64_t ill = 0;

	for (uint32_t t = 0; t < s->tids.n; t++) {
		uint32_t key = SAMPLE_NONE;

		if (r->of[t].kind != (int)kind)
			continue;
		ill += !all_is_well(s, t);
		key = repeated_first(s, t, &r->of[t], re->recurs);
		if (key != SAMPLE_NONE) {
			re->votes[key]++;
			all++;
		}
	}
	for (uint32_t k = 0; k < s->nkeys; k++)
		if (re->votes[k] > re->votes[best])
			best = k;
	/* ten times as many as where nothing is wrong, where a line may stand twice, too */
	if (all && re->votes[best] * 2 >= all &&
	    ill * re->again[best] * 10 <= (uint64_t)re->votes[best] * (re->once[best] + re->again[best]))
		*out = (struct retry){best, re->votes[best]};
}

int retry_find(struct retry *out, const struct sample *s, const struct requests *r, unsigned kind)
{
	size_t n = (size_t)s->nkeys + 1;
	struct recurring re = {.once = calloc(4 * n, sizeof *re.once), .recurs = calloc(n, sizeof *re.recurs)};
	int rc = re.once && re.recurs ? 0 : -ENOMEM;

	*out = (struct retry){SAMPLE_NONE, 0};
	if (!rc) {
		re.again = re.once + n;
		re.seen = re.again + n;
		re.votes = re.seen + n;
		find_recurring(s, r, kind, &re);
		find_among(out, s, r, kind, &re);
	}
	free(re.once);
	free(re.recurs);
	return rc;
}
