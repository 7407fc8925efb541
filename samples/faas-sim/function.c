/* SPDX-License-Identifier: Apache-2.0 */
/* function.c - the functions that can be invoked. */
#include "sim.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTION(n)                                                                            \
	.name = n, .fqdn = n "-" FUNCTION_VERSION, .image = "docker.io/faas-sim/" n ":latest", \
	.layer = "00000000000000000000000000" n

/* Times are short, so that a run of seconds shows some hundred invocations. */
static const struct function functions[] = {
    {FUNCTION("hello"), .cold_ms = 180, .warm_ms = 4, .mem_mb = 64, .weight = 30, .prewarms = 1},
    {FUNCTION("float"), .cold_ms = 220, .warm_ms = 18, .mem_mb = 96, .weight = 25, .prewarms = 1},
    {FUNCTION("json"), .cold_ms = 260, .warm_ms = 30, .mem_mb = 128, .weight = 20},
    {FUNCTION("aes"), .cold_ms = 240, .warm_ms = 55, .mem_mb = 128, .weight = 15},
    {FUNCTION("gzip"), .cold_ms = 420, .warm_ms = 110, .mem_mb = 256, .weight = 10},
};

#define OURS ((int)(sizeof functions / sizeof *functions))

/* Names that the functions of a metadata file need besides their own: "fqdn", "image" (unless it is given) and "layer"
 * in one block. */
static int name_loaded(struct function *fn, const char *name, const char *image)
{
	size_t size = 4 * (strlen(name) + 1) + strlen(image) + 128;
	char *at = fn->block = malloc(size);
	ilu_random r;

	if (!at)
		return -ENOMEM;
	fn->name = at;
	at += sprintf(at, "%s", name) + 1;
	fn->fqdn = at;
	at += sprintf(at, "%s-" FUNCTION_VERSION, name) + 1;
	fn->image = at;
	at += (*image ? sprintf(at, "%s", image) : sprintf(at, "docker.io/faas-sim/%s:latest", name)) + 1;
	fn->layer = at;
	ilu_random_seed(&r, 0, name);
	for (int i = 0; i < 2; i++)
		at += sprintf(at, "%016llx", (unsigned long long)ilu_random_next(&r));
	return 0;
}

enum { NAME, COLD, WARM, MEMORY, IMAGE, ARGS, IAT, PREWARMS, COLUMNS };

static const struct {
	const char *name;
	bool optional;
} columns[COLUMNS] = {
    {"func_name", false}, {"cold_dur_ms", false}, {"warm_dur_ms", false}, {"mem_mb", false},
    {"image_name", true}, {"args", true},         {"mean_iat", true},     {"prewarms", true},
};

static int find_columns(const struct csv *c, int column[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++) {
		column[i] = csv_column(c, columns[i].name);
		if (column[i] >= 0 || columns[i].optional)
			continue;
		fprintf(stderr, "faas-sim: %s:1: no column %s\n", c->path, columns[i].name);
		return -EINVAL;
	}
	return 0;
}

static const char *text_of(const struct csv *c, int column)
{
	return column >= 0 && column < c->columns ? c->column[column] : "";
}

/* 0 where the column may be missing, and is. */
static int number_of(const struct csv *c, const int column[COLUMNS], int which, double *out)
{
	*out = 0;
	if (columns[which].optional && !*text_of(c, column[which]))
		return 0;
	return csv_number(c, column[which], out);
}

/* Arguments that tell what a function does: "mode=exit;ms=300" ends its process after so long. */
static void take_args(struct function *fn, const char *args)
{
	const char *ms = strstr(args, "ms=");

	fn->crashes = strstr(args, "mode=exit");
	if (!ms || (ms != args && ms[-1] != ';'))
		return;
	fn->cold_ms += atoi(ms + 3) - fn->warm_ms;
	fn->warm_ms = atoi(ms + 3);
}

static int read_one(struct csv *c, const int column[COLUMNS], struct function *fn)
{
	double x[COLUMNS];

	if (!*text_of(c, column[NAME])) {
		fprintf(stderr, "faas-sim: %s:%ld: no name\n", c->path, c->line);
		return -EINVAL;
	}
	for (int i = COLD; i < COLUMNS; i++)
		if (i != IMAGE && i != ARGS && number_of(c, column, i, &x[i]))
			return -EINVAL;
	*fn = (struct function){.cold_ms = (int)(x[COLD] < x[WARM] ? x[WARM] : x[COLD]),
	                        .warm_ms = (int)x[WARM],
	                        .mem_mb = (int)x[MEMORY],
	                        .weight = 1,
	                        .iat_ms = x[IAT],
	                        .prewarms = (int)x[PREWARMS],
	                        .own_image = *text_of(c, column[IMAGE]) != '\0'};
	take_args(fn, text_of(c, column[ARGS]));
	return name_loaded(fn, c->column[column[NAME]], text_of(c, column[IMAGE]));
}

/* Makes room for one more. */
static int grow(struct sim *sim)
{
	int n = sim->nloaded;

	if (n & (n - 1))
		return 0;
	struct function *more = realloc(sim->loaded, (size_t)(n ? n * 2 : 1) * sizeof *more);

	if (!more)
		return -ENOMEM;
	sim->loaded = more;
	return 0;
}

int function_add(struct sim *sim, const char *name, const char *image, struct function **out)
{
	struct function *fn;

	if (grow(sim))
		return -ENOMEM;
	fn = &sim->loaded[sim->nloaded];
	*fn = (struct function){.weight = 1};
	if (name_loaded(fn, name, image))
		return -ENOMEM;
	sim->nloaded++;
	*out = fn;
	return 0;
}

static int load(struct sim *sim)
{
	struct csv c;
	int column[COLUMNS], rc = csv_open(&c, sim->opt.metadata);

	if (rc)
		return rc;
	rc = find_columns(&c, column);
	while (!rc && csv_next(&c)) {
		rc = grow(sim);
		if (!rc)
			rc = read_one(&c, column, &sim->loaded[sim->nloaded]);
		if (!rc)
			sim->nloaded++;
	}
	csv_close(&c);
	if (!rc && !sim->nloaded) {
		fprintf(stderr, "faas-sim: %s: no function\n", sim->opt.metadata);
		rc = -EINVAL;
	}
	return rc;
}

static int take_ours(struct sim *sim)
{
	sim->loaded = malloc(sizeof functions);
	if (!sim->loaded)
		return -ENOMEM;
	memcpy(sim->loaded, functions, sizeof functions);
	sim->nloaded = OURS;
	return 0;
}

static int generate(struct sim *sim)
{
	struct rng r = {sim->opt.seed ^ 0x66756e63};
	char name[16];
	int rc = 0;

	sim->loaded = calloc((size_t)sim->opt.generate, sizeof *sim->loaded);
	if (!sim->loaded)
		return -ENOMEM;
	for (; sim->nloaded < sim->opt.generate && !rc; sim->nloaded++) {
		snprintf(name, sizeof name, "f%04d", sim->nloaded);
		load_draw_function(&r, &sim->loaded[sim->nloaded]);
		rc = name_loaded(&sim->loaded[sim->nloaded], name, "");
	}
	return rc;
}

/* As many containers as its requests would keep busy, but no more than --prewarms. */
static int prewarms(const struct function *fn, int most)
{
	double busy_ms = fn->cold_ms > fn->warm_ms ? fn->cold_ms : fn->warm_ms;
	int n = fn->iat_ms > 0 ? (int)ceil(busy_ms / fn->iat_ms) : most;

	return n < most ? n : most;
}

static struct function *find(struct function *all, int n, const char *name, size_t len)
{
	for (int i = 0; i < n; i++)
		if (strlen(all[i].name) == len && !memcmp(all[i].name, name, len))
			return &all[i];
	return NULL;
}

/* Those named, by comma; NULL: all. */
static int choose(struct sim *sim, const char *names)
{
	int n = 0, most = sim->nloaded;

	for (const char *at = names ? names : ""; *at; at++)
		most += *at == ',';
	sim->fns = calloc((size_t)most + 1, sizeof *sim->fns);
	if (!sim->fns)
		return -ENOMEM;
	for (int i = 0; i < sim->nloaded && !names; i++) {
		sim->loaded[i].index = n;
		sim->fns[n++] = &sim->loaded[i];
	}
	while (names) {
		size_t len = strcspn(names, ",");
		struct function *fn = find(sim->loaded, sim->nloaded, names, len);

		if (!fn) {
			fprintf(stderr, "faas-sim: --functions: no function \"%.*s\"\n", (int)len, names);
			return -EINVAL;
		}
		fn->index = n;
		sim->fns[n++] = fn;
		names = names[len] ? names + len + 1 : NULL;
	}
	sim->nfns = n;
	return 0;
}

int functions_load(struct sim *sim)
{
	int rc = sim->opt.from       ? replay_functions(sim)
	         : sim->opt.metadata ? load(sim)
	         : sim->opt.generate ? generate(sim)
	                             : take_ours(sim);

	if (!rc && sim->opt.benchmark)
		rc = benchmark_apply(sim);
	for (int i = 0; i < sim->nloaded && !rc; i++) {
		struct function *fn = &sim->loaded[i];

		if (sim->opt.prewarms >= 0)
			fn->prewarms = prewarms(fn, sim->opt.prewarms);
		if (!fn->code && !fn->spread)
			fn->first = (struct estimate){.cold = fn->cold_ms / 1e3,
			                              .prewarm = fn->warm_ms / 1e3,
			                              .warm = fn->warm_ms / 1e3,
			                              .exec = fn->warm_ms / 1e3};
	}
	return rc ? rc : choose(sim, sim->opt.functions);
}

void functions_free(struct sim *sim)
{
	for (int i = 0; i < sim->nloaded; i++) {
		free(sim->loaded[i].block);
		free(sim->loaded[i].code);
		free(sim->loaded[i].sample_s);
		free(sim->loaded[i].spread);
	}
	free(sim->loaded);
	free(sim->fns);
}
