/* SPDX-License-Identifier: GPL-3.0-or-later */
/* attribute.c - see attribute.h */
#include "query/why/attribute.h"
#include "base/array.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 20000 }; /* of a condition's values, to find its cuts */

void attributes_done(struct attributes *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].what);
		narrow_done(&a->v[i].code);
		free(a->v[i].step);
		intern_done(&a->v[i].values);
	}
	free(a->v);
}

int attributes_append(struct attributes *to, struct attributes *from)
{
	if (array_reserve(to->v, to->room, to->n + from->n))
		return -ENOMEM;
	if (from->n)
		memcpy(to->v + to->n, from->v, from->n * sizeof *from->v);
	to->n += from->n;
	from->n = 0;
	return 0;
}

struct attribute *attribute_add(struct attributes *as, const char *what, enum attribute_order order, uint32_t n)
{
	struct attribute *a = array_add(as->v, as->n, as->room);

	if (!a)
		return NULL;
	*a = (struct attribute){.what = strdup(what), .order = order, .ncodes = 1};
	if (a->what && !narrow_put(&a->code, n, 0))
		return a;
	free(a->what);
	as->n--;
	return NULL;
}

int attribute_code(struct attribute *a, struct slice value, uint32_t *out)
{
	uint32_t number;
	int rc = intern_add(&a->values, value, &number);

	if (rc)
		return rc;
	*out = number + 1;
	a->ncodes = a->values.n + 1;
	return 0;
}

int attribute_set(struct attribute *a, uint32_t i, uint32_t code)
{
	return narrow_put(&a->code, i, code);
}

int attribute_put(struct attribute *a, uint32_t i, struct slice value)
{
	uint32_t code = 0;
	int rc = attribute_code(a, value, &code);

	return rc ? rc : attribute_set(a, i, code);
}

int attribute_put_number(struct attribute *a, uint32_t i, const struct intern *in, uint32_t number, uint32_t *codes)
{
	int rc = codes[number] ? 0 : attribute_code(a, in->text[number], &codes[number]);

	return rc ? rc : attribute_set(a, i, codes[number]);
}

/* What is left of sums that should be zero is zero. */
#define NOTHING 1e-9f

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void add_cut(struct attribute *a, double x)
{
	int at = a->ncuts;

	while (at && a->cut[at - 1] > x)
		at--;
	if (at && a->cut[at - 1] == x)
		return;
	memmove(&a->cut[at + 1], &a->cut[at], (size_t)(a->ncuts - at) * sizeof *a->cut);
	a->cut[at] = x;
	a->ncuts++;
}

/* Where the steps of a condition begin: at quantiles of its values that are not the least, and above the widest gap. */
static int find_cuts(struct attribute *a, float *sample, size_t n)
{
	static const double quantiles[] = {0.05, 0.1, 0.25, 0.5, 0.75, 0.85, 0.9, 0.95, 0.99};
	size_t widest = 0;

	_Static_assert(sizeof quantiles / sizeof *quantiles < CUTS_MAX, "one more for the gap");
	qsort(sample, n, sizeof *sample, by_value);
	for (size_t k = 0; k < sizeof quantiles / sizeof *quantiles; k++) {
		double x = sample[(size_t)(quantiles[k] * (double)(n - 1) + 0.5)];

		if (x > sample[0])
			add_cut(a, x);
	}
	for (size_t i = n / 100 + 1; i + n / 100 < n; i++)
		if (!widest || sample[i] - sample[i - 1] > sample[widest] - sample[widest - 1])
			widest = i;
	if (widest && sample[widest] > sample[widest - 1])
		add_cut(a, sample[widest]);
	return a->ncuts;
}

/* A condition whose cuts are found; it has no steps yet. false: it is the same for all. */
static bool sample_cuts(struct attribute *a, const float *value, uint32_t n, float *sample)
{
	size_t taken = 0;

	for (uint32_t i = 0; i < n; i += n / SAMPLE + 1)
		if (!isnan(value[i]))
			sample[taken++] = fabsf(value[i]) < NOTHING ? 0 : value[i];
	return taken && find_cuts(a, sample, taken);
}

static void put_steps(struct attribute *a, const float *value, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (isnan(value[i]))
			continue;
		a->step[i] = 1;
		for (int k = 0; k < a->ncuts; k++)
			a->step[i] += value[i] >= a->cut[k];
	}
}

int attribute_add_condition(struct attributes *as, const char *what, enum attribute_order order, const float *value,
                            uint32_t n)
{
	float *sample = malloc(((size_t)n / (n / SAMPLE + 1) + 1) * sizeof *sample);
	struct attribute a = {.order = order, .steps = true}, *to;
	bool differs = sample && sample_cuts(&a, value, n, sample);

	free(sample);
	if (!sample)
		return -ENOMEM;
	if (!differs)
		return 0;
	a.ncodes = (uint32_t)a.ncuts + 2;
	a.what = strdup(what);
	a.step = calloc((size_t)n + 1, 1);
	to = a.what && a.step ? array_add(as->v, as->n, as->room) : NULL;
	if (!to) {
		free(a.what);
		free(a.step);
		return -ENOMEM;
	}
	put_steps(&a, value, n);
	*to = a;
	return 0;
}
