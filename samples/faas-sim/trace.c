/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - arrivals from a trace file: func_name,invoke_time_ms. */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct function *find(const struct sim *sim, const char *name)
{
	for (int i = 0; i < sim->nfns; i++)
		if (!strcmp(sim->fns[i]->name, name))
			return sim->fns[i];
	return NULL;
}

/* Equal times keep the order of the file. */
static int compare(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int read_one(const struct sim *sim, const struct csv *c, int name, int time, struct arrival *out)
{
	double ms;

	*out = (struct arrival){0};
	if (csv_number(c, time, &ms))
		return -EINVAL;
	out->at_ns = (int64_t)(ms * (double)MS);
	out->fn = name < c->columns ? find(sim, c->column[name]) : NULL;
	if (out->fn)
		return 0;
	fprintf(stderr, "faas-sim: %s:%ld: no function \"%s\"\n", c->path, c->line,
	        name < c->columns ? c->column[name] : "");
	return -EINVAL;
}

int trace_add(struct arrival **list, size_t *n, const struct arrival *a)
{
	if (!(*n & (*n - 1))) {
		struct arrival *more = realloc(*list, (*n ? *n * 2 : 1) * sizeof *more);

		if (!more)
			return -ENOMEM;
		*list = more;
	}
	(*list)[(*n)++] = *a;
	return 0;
}

void trace_sort(struct arrival *list, size_t n)
{
	bool sorted = true;

	for (size_t i = 1; i < n; i++)
		sorted &= list[i - 1].at_ns <= list[i].at_ns;
	if (!sorted)
		qsort(list, n, sizeof *list, compare);
}

int trace_load(struct sim *sim)
{
	struct arrival *list = NULL, a;
	struct csv c;
	int name, time, rc = csv_open(&c, sim->opt.trace);
	size_t count = 0;

	if (rc)
		return rc;
	name = csv_column(&c, "func_name");
	time = csv_column(&c, "invoke_time_ms");
	if (name < 0 || time < 0) {
		fprintf(stderr, "faas-sim: %s:1: no column %s\n", c.path, name < 0 ? "func_name" : "invoke_time_ms");
		rc = -EINVAL;
	}
	while (!rc && csv_next(&c) && !(rc = read_one(sim, &c, name, time, &a)))
		rc = trace_add(&list, &count, &a);
	csv_close(&c);
	if (rc) {
		free(list);
		return rc;
	}
	trace_sort(list, count);
	sim->trace = list;
	sim->ntrace = count;
	return 0;
}
