/* SPDX-License-Identifier: Apache-2.0 */
/* benchmark.c - what functions take, from Ilúvatar's benchmark files.
 *
 *	{"data": {"chameleon": {"image_name": "...", "resource_data": {"CPU": {"warm_results_sec": [0.0169, 0.019],
 *...}}}}}
 *
 * A function gets the times of one that was benchmarked, as in Ilúvatar's load generator: of the same name, where its
 *image is given, too; else the one whose mean warm invocation is the longest that is no longer than its own, else the
 *shortest of all. Its simulation then takes for a warm invocation one of the warm results, for a cold one 1.2 times the
 *mean of the cold requests, and starts a container in three quarters of the average cold time, in whole seconds. */
#define ILU_TARGET "iluvatar_load_gen::trace::trace_utils"
#include "sim.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum list { WARM_RESULTS, COLD_RESULTS, WARM_WORKER, COLD_WORKER, WARM_REQUEST, COLD_REQUEST, LISTS };

static const char *const list_names[LISTS] = {"warm_results_sec",        "cold_results_sec",
                                              "warm_worker_duration_us", "cold_worker_duration_us",
                                              "warm_invoke_duration_us", "cold_invoke_duration_us"};

/* A benchmarked function; all of it is the file's. */
struct code {
	const char *name, *image;
	const json_t *list[LISTS];
	double warm_ms, cold_ms; /* of requests, mean */
};

static double mean(const json_t *list)
{
	double sum = 0;

	for (size_t i = 0; i < json_array_size(list); i++)
		sum += json_number_value(json_array_get(list, i));
	return sum / (double)json_array_size(list);
}

static bool is_list(const json_t *list)
{
	bool good = json_array_size(list) > 0;

	for (size_t i = 0; i < json_array_size(list); i++)
		good =
		    good && json_is_number(json_array_get(list, i)) && json_number_value(json_array_get(list, i)) >= 0;
	return good;
}

/* 1: taken, 0: it has nothing for CPUs, -EINVAL: said. */
static int read_one(const char *path, const char *name, const json_t *j, struct code *out)
{
	const json_t *cpu = json_object_get(json_object_get(j, "resource_data"), "CPU");
	const char *image = json_string_value(json_object_get(j, "image_name"));

	if (!cpu)
		return 0;
	*out = (struct code){.name = name, .image = image ? image : ""};
	for (int i = 0; i < LISTS; i++) {
		out->list[i] = json_object_get(cpu, list_names[i]);
		if (is_list(out->list[i]))
			continue;
		fprintf(stderr, "faas-sim: %s: %s: CPU: %s is no list of numbers\n", path, name, list_names[i]);
		return -EINVAL;
	}
	out->warm_ms = mean(out->list[WARM_REQUEST]) / 1e3;
	out->cold_ms = mean(out->list[COLD_REQUEST]) / 1e3;
	return 1;
}

static int read_all(const char *path, json_t *data, struct code **out, size_t *n)
{
	const char *name;
	json_t *j;
	int rc = 0;

	*out = calloc(json_object_size(data) + 1, sizeof **out);
	*n = 0;
	if (!*out)
		return -ENOMEM;
	json_object_foreach(data, name, j)
	{
		rc = read_one(path, name, j, &(*out)[*n]);
		if (rc < 0)
			return rc;
		*n += (size_t)rc;
	}
	if (*n)
		return 0;
	fprintf(stderr, "faas-sim: %s: no function in \"data\"\n", path);
	return -EINVAL;
}

static const struct code *named(const struct code *codes, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(codes[i].name) == len && !memcmp(codes[i].name, name, len))
			return &codes[i];
	return NULL;
}

static const struct code *choose(const struct code *codes, size_t n, const struct function *fn)
{
	const char *hyphen = strrchr(fn->name, '-');
	const struct code *best = NULL;

	if (fn->own_image && hyphen)
		best = named(codes, n, fn->name, (size_t)(hyphen - fn->name));
	if (fn->own_image && !best)
		best = named(codes, n, fn->name, strlen(fn->name));
	if (best)
		return best;
	best = codes;
	for (size_t i = 0; i < n; i++)
		if (codes[i].warm_ms < best->warm_ms)
			best = &codes[i];
	for (size_t i = 0; i < n; i++)
		if (codes[i].warm_ms <= fn->warm_ms && codes[i].warm_ms > best->warm_ms)
			best = &codes[i];
	return best;
}

static void learn(double *avg, const json_t *list, double unit)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		average(avg, json_number_value(json_array_get(list, i)) / unit);
}

static int apply(struct function *fn, const struct code *c)
{
	const json_t *warm = c->list[WARM_RESULTS];

	fn->code = malloc(strlen(c->name) + strlen(c->image) + 2);
	fn->samples = (int)json_array_size(warm);
	fn->sample_s = calloc((size_t)fn->samples, sizeof *fn->sample_s);
	if (!fn->code || !fn->sample_s)
		return -ENOMEM;
	strcpy(fn->code, c->name);
	for (int i = 0; i < fn->samples; i++)
		fn->sample_s[i] = json_number_value(json_array_get(warm, (size_t)i));
	fn->cold_s = (double)(int64_t)c->cold_ms / 1e3 * 1.2;
	if (!fn->own_image) {
		fn->image = strcpy(fn->code + strlen(c->name) + 1, c->image);
		fn->cold_ms = (int)c->cold_ms;
		fn->warm_ms = (int)c->warm_ms;
	}
	learn(&fn->first.exec, c->list[COLD_RESULTS], 1);
	learn(&fn->first.exec, warm, 1);
	learn(&fn->first.cold, c->list[COLD_WORKER], 1e6);
	learn(&fn->first.warm, c->list[WARM_WORKER], 1e6);
	fn->first.prewarm = fn->first.warm;
	return 0;
}

int benchmark_apply(struct sim *sim)
{
	const char *path = sim->opt.benchmark;
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error);
	struct code *codes = NULL;
	size_t n;
	int rc;

	if (!root) {
		if (error.line > 0)
			fprintf(stderr, "faas-sim: %s:%d: %s\n", path, error.line, error.text);
		else
			fprintf(stderr, "faas-sim: %s: %s\n", path, strerror(errno));
		return -EINVAL;
	}
	rc = read_all(path, json_object_get(root, "data"), &codes, &n);
	for (int i = 0; i < sim->nloaded && !rc; i++)
		rc = apply(&sim->loaded[i], choose(codes, n, &sim->loaded[i]));
	free(codes);
	json_decref(root);
	return rc;
}

void benchmark_log(const struct sim *sim)
{
	const ilu_tid me = ilu_tid_named("SimulationStartup");

	for (int i = 0; i < sim->nfns; i++) {
		const struct function *fn = sim->fns[i];

		if (fn->code)
			ilu_info(&me, "Function mapped to benchmark code", KV("function", fn->name),
			         KV("chosen_code", fn->code));
	}
}
