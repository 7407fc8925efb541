/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heat.c - see heat.h */
#include "blame/heat.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One side of the map: functions by their sums. Number n of the functions is nobody, n + 1 the others. */
struct side {
	struct total {
		int64_t ns;
		uint32_t function;
	} * v;
	uint32_t n, shown;
	uint32_t *place; /* by function: its row or column */
};

struct heat {
	const struct blame_run *b;
	struct blame_sum *sum;
	size_t nsums;
	struct side waiters, holders;
	int64_t *ns, total;
};

static int by_ns(const void *a, const void *b)
{
	const struct total *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	return (x->function > y->function) - (x->function < y->function);
}

static uint32_t function_of(const struct heat *h, uint32_t function)
{
	return function == BLAME_NOBODY ? h->b->functions.n : function;
}

static int lay(struct heat *h, struct side *s, bool holders)
{
	uint32_t all = h->b->functions.n + 1;

	s->v = calloc((size_t)all + 1, sizeof *s->v);
	s->place = calloc((size_t)all + 1, sizeof *s->place);
	if (!s->v || !s->place)
		return -ENOMEM;
	for (uint32_t i = 0; i < all; i++)
		s->v[i].function = i;
	for (size_t i = 0; i < h->nsums; i++)
		s->v[function_of(h, holders ? h->sum[i].holder : h->sum[i].waiter)].ns += h->sum[i].ns;
	qsort(s->v, all, sizeof *s->v, by_ns);
	while (s->n < all && s->v[s->n].ns)
		s->n++;
	s->shown = s->n > HEAT_MOST ? HEAT_MOST + 1 : s->n;
	for (uint32_t i = 0; i < s->n; i++)
		s->place[s->v[i].function] = i < HEAT_MOST ? i : HEAT_MOST;
	return 0;
}

static int fill(struct heat *h)
{
	int rc = lay(h, &h->waiters, false);

	if (!rc)
		rc = lay(h, &h->holders, true);
	if (rc)
		return rc;
	h->ns = calloc((size_t)h->waiters.shown * h->holders.shown + 1, sizeof *h->ns);
	if (!h->ns)
		return -ENOMEM;
	for (size_t i = 0; i < h->nsums; i++) {
		uint32_t row = h->waiters.place[function_of(h, h->sum[i].waiter)],
		         column = h->holders.place[function_of(h, h->sum[i].holder)];

		h->ns[(size_t)row * h->holders.shown + column] += h->sum[i].ns;
		h->total += h->sum[i].ns;
	}
	return 0;
}

static void put_names(const struct heat *h, const struct side *s, const char *key, struct text *out)
{
	text_printf(out, ",\"%s\":[", key);
	for (uint32_t i = 0; i < s->shown; i++) {
		struct slice name = intern_text(&h->b->functions,
		                                s->v[i].function == h->b->functions.n ? INTERN_NONE : s->v[i].function);

		text_puts(out, i ? "," : "");
		if (i == HEAT_MOST)
			text_puts(out, "\"others\"");
		else if (name.ptr)
			text_add_json(out, name.ptr, name.len);
		else
			text_puts(out, "null");
	}
	text_puts(out, "]");
}

static void put(const struct heat *h, const char *phase, struct text *out)
{
	text_printf(out, "{\"run\":%lld,\"phase\":", (long long)h->b->run);
	text_add_json(out, phase, strlen(phase));
	text_printf(out, ",\"total_ns\":%lld", (long long)h->total);
	put_names(h, &h->waiters, "functions", out);
	put_names(h, &h->holders, "holders", out);
	text_puts(out, ",\"ns\":[");
	for (uint32_t i = 0; i < h->waiters.shown; i++) {
		text_puts(out, i ? ",[" : "[");
		for (uint32_t k = 0; k < h->holders.shown; k++)
			text_printf(out, "%s%lld", k ? "," : "", (long long)h->ns[(size_t)i * h->holders.shown + k]);
		text_puts(out, "]");
	}
	text_puts(out, "]}");
}

int blame_heat(const struct blame_run *b, bool cold, struct text *out)
{
	struct heat h = {.b = b};
	struct phase p = {.name = cold ? b->cold_phase : b->phase, .state = cold ? "cold" : NULL};
	char name[PHASE_NAME_MAX] = "";
	int rc = 0;

	if (b->phase)
		rc = blame_sums(b, BLAME_BY_FUNCTION, cold, &h.sum, &h.nsums);
	if (!rc)
		rc = fill(&h);
	if (!rc)
		put(&h, p.name ? phase_name(&p, name) : "", out);
	free(h.sum);
	free(h.waiters.v);
	free(h.waiters.place);
	free(h.holders.v);
	free(h.holders.place);
	free(h.ns);
	return rc ? rc : out->failed ? -ENOMEM : 0;
}
