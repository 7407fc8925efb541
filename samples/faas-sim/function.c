/* SPDX-License-Identifier: Apache-2.0 */
/* function.c - the functions that can be invoked. */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTION(n) .name = n, .fqdn = n "-" FUNCTION_VERSION, .image = "docker.io/faas-sim/" n ":latest", .layer = "00000000000000000000000000" n

/* Times are short, so that a run of seconds shows some hundred invocations. */
static const struct function functions[] = {
	{FUNCTION("hello"), .cold_ms = 180, .warm_ms = 4, .mem_mb = 64, .weight = 30, .prewarms = 1},
	{FUNCTION("float"), .cold_ms = 220, .warm_ms = 18, .mem_mb = 96, .weight = 25, .prewarms = 1},
	{FUNCTION("json"), .cold_ms = 260, .warm_ms = 30, .mem_mb = 128, .weight = 20},
	{FUNCTION("aes"), .cold_ms = 240, .warm_ms = 55, .mem_mb = 128, .weight = 15},
	{FUNCTION("gzip"), .cold_ms = 420, .warm_ms = 110, .mem_mb = 256, .weight = 10},
};

#define OURS ((int)(sizeof functions / sizeof *functions))

/* Names that the functions of a metadata file need besides their own: "fqdn", "image" and "layer" in one block. */
static int name_loaded(struct function *fn, const char *name)
{
	size_t len = strlen(name) + 1, size = 4 * len + 128;
	char *block = malloc(size), *at = block;
	ilu_random r;

	if (!block)
		return -ENOMEM;
	fn->name = at;
	at += sprintf(at, "%s", name) + 1;
	fn->fqdn = at;
	at += sprintf(at, "%s-" FUNCTION_VERSION, name) + 1;
	fn->image = at;
	at += sprintf(at, "docker.io/faas-sim/%s:latest", name) + 1;
	fn->layer = at;
	ilu_random_seed(&r, 0, name);
	for (int i = 0; i < 2; i++)
		at += sprintf(at, "%016llx", (unsigned long long)ilu_random_next(&r));
	return 0;
}

static int read_one(struct csv *c, const int column[4], struct function *fn)
{
	double cold, warm, mem;

	if (column[0] >= c->columns || csv_number(c, column[1], &cold) || csv_number(c, column[2], &warm) || csv_number(c, column[3], &mem))
		return -EINVAL;
	*fn = (struct function){.cold_ms = (int)(cold < warm ? warm : cold), .warm_ms = (int)warm, .mem_mb = (int)mem, .weight = 1};
	return name_loaded(fn, c->column[column[0]]);
}

static int load(struct sim *sim)
{
	static const char *const names[] = {"func_name", "cold_dur_ms", "warm_dur_ms", "mem_mb"};
	struct csv c;
	int column[4], n = 0, rc = csv_open(&c, sim->opt.metadata);

	if (rc)
		return rc;
	for (int i = 0; i < 4 && !rc; i++) {
		column[i] = csv_column(&c, names[i]);
		if (column[i] < 0) {
			fprintf(stderr, "faas-sim: %s:1: no column %s\n", c.path, names[i]);
			rc = -EINVAL;
		}
	}
	while (!rc && csv_next(&c)) {
		if (!(n & (n - 1))) {
			struct function *more = realloc(sim->loaded, (size_t)(n ? n * 2 : 1) * sizeof *more);

			if (!more)
				rc = -ENOMEM;
			else
				sim->loaded = more;
		}
		if (!rc)
			rc = read_one(&c, column, &sim->loaded[n]);
		if (!rc)
			n++;
	}
	csv_close(&c);
	sim->nloaded = n;
	if (!rc && !n) {
		fprintf(stderr, "faas-sim: %s: no function\n", sim->opt.metadata);
		rc = -EINVAL;
	}
	return rc;
}

static const struct function *find(const struct function *all, int n, const char *name, size_t len)
{
	for (int i = 0; i < n; i++)
		if (strlen(all[i].name) == len && !memcmp(all[i].name, name, len))
			return &all[i];
	return NULL;
}

/* Those named, by comma; NULL: all. */
static int choose(struct sim *sim, const struct function *all, int total)
{
	const char *names = sim->opt.functions;
	int n = 0, most = total;

	for (const char *at = names ? names : ""; *at; at++)
		most += *at == ',';
	sim->fns = calloc((size_t)most + 1, sizeof *sim->fns);
	if (!sim->fns)
		return -ENOMEM;
	for (int i = 0; i < total && !names; i++)
		sim->fns[n++] = &all[i];
	while (names) {
		size_t len = strcspn(names, ",");

		sim->fns[n] = find(all, total, names, len);
		if (!sim->fns[n++]) {
			fprintf(stderr, "faas-sim: --functions: no function \"%.*s\"\n", (int)len, names);
			return -EINVAL;
		}
		names = names[len] ? names + len + 1 : NULL;
	}
	sim->nfns = n;
	return 0;
}

int functions_load(struct sim *sim)
{
	int rc = sim->opt.metadata ? load(sim) : 0;

	if (rc)
		return rc;
	return sim->opt.metadata ? choose(sim, sim->loaded, sim->nloaded) : choose(sim, functions, OURS);
}

void functions_free(struct sim *sim)
{
	if (sim->loaded)
		for (int i = 0; i < sim->nloaded; i++)
			free((void *)(uintptr_t)sim->loaded[i].name); /* the block of all its names */
	free(sim->loaded);
	free(sim->fns);
}
