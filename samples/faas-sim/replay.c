/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - --from DIR: what `ilu-logq export faas-sim` learned from a log (docs/what-if.md).
 *
 *   functions.csv  function,memory_mb            functions, and the memory of their containers
 *   times.csv      function,part,mean_ms,p0_ms…  how the times of each part are spread
 *   requests.csv   sent_ms,function,…            each request, and what it took
 *   prewarms.csv   function,worker,count         containers made before the first request
 *   settings.csv   setting,value                 read with the options (options.c)
 *
 * Columns are found by name, more may be there, and each of them may be edited by hand. Where something is wrong the
 * file, the line and the cause are said. */
#include "sim.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A file of the directory, with the columns that are asked for. */
struct input {
	struct csv csv;
	char path[4096];
	int column[16];
};

/* 0 or a negative errno, which has been said; input_close in any case. A column whose name begins with ? may be
 * missing. */
static int input_open(struct input *in, const struct sim *sim, const char *name, const char *const *columns)
{
	int rc;

	snprintf(in->path, sizeof in->path, "%s/%s", sim->opt.from, name);
	rc = csv_open(&in->csv, in->path);
	for (int i = 0; !rc && columns[i]; i++) {
		const char *column = columns[i] + (*columns[i] == '?');

		in->column[i] = csv_column(&in->csv, column);
		if (in->column[i] >= 0 || *columns[i] == '?')
			continue;
		fprintf(stderr, "faas-sim: %s:1: no column %s\n", in->path, column);
		rc = -EINVAL;
	}
	return rc;
}

static void input_close(struct input *in)
{
	csv_close(&in->csv);
}

static const char *text_of(const struct input *in, int i)
{
	return csv_text(&in->csv, in->column[i]);
}

static int wrong(const struct input *in, const char *format, const char *what)
{
	fprintf(stderr, "faas-sim: %s:%ld: ", in->path, in->csv.line);
	fprintf(stderr, format, what); /* of this file */
	fputc('\n', stderr);
	return -EINVAL;
}

static int number_of(const struct input *in, int i, double *out)
{
	return csv_number(&in->csv, in->column[i], out);
}

/* Milliseconds; -1 ns where nothing stands there. */
static int ms_of(const struct input *in, int i, int64_t *out_ns)
{
	double ms;

	*out_ns = -1;
	if (!*text_of(in, i))
		return 0;
	if (number_of(in, i, &ms))
		return -EINVAL;
	*out_ns = llround(ms * (double)MS);
	return 0;
}

static int whole_of(const struct input *in, int i, int most, int *out)
{
	double x = 0;

	if (*text_of(in, i) && number_of(in, i, &x))
		return -EINVAL;
	if (x > most || x != floor(x))
		return wrong(in, "\"%s\" is no whole number, or too large", text_of(in, i));
	*out = (int)x;
	return 0;
}

/* ---- functions and their times ---- */

static struct function *find(const struct sim *sim, const char *name)
{
	for (int i = 0; i < sim->nloaded; i++)
		if (!strcmp(sim->loaded[i].name, name))
			return &sim->loaded[i];
	return NULL;
}

static int read_function(struct sim *sim, const struct input *in)
{
	const char *name = text_of(in, 0);
	struct function *fn;
	int64_t code_ns;
	int memory = 0, rc;

	if (!*name)
		return wrong(in, "%s", "no name");
	if (find(sim, name))
		return wrong(in, "function \"%s\" is there twice", name);
	rc = whole_of(in, 1, 1 << 20, &memory);
	if (!rc)
		rc = ms_of(in, 3, &code_ns);
	if (!rc)
		rc = function_add(sim, name, text_of(in, 2), &fn);
	if (rc)
		return rc;
	fn->mem_mb = memory;
	fn->first.exec = (double)code_ns / 1e9; /* -1: as it executes */
	fn->spread = calloc(PARTS, sizeof *fn->spread);
	if (!fn->spread)
		return -ENOMEM;
	for (int i = 0; i < PARTS; i++)
		fn->spread[i].mean_ms = -1; /* nothing read yet */
	return 0;
}

static const char *const part_names[PARTS] = {"start", "acquire", "cold", "prewarm", "warm"};

static int read_spread(const struct sim *sim, const struct input *in)
{
	struct function *fn = find(sim, text_of(in, 0));
	struct spread *s;
	int part = 0;

	if (!fn)
		return wrong(in, "no function \"%s\" in functions.csv", text_of(in, 0));
	while (part < PARTS && strcmp(part_names[part], text_of(in, 1)))
		part++;
	if (part == PARTS)
		return wrong(in, "\"%s\" is none of start, acquire, cold, prewarm, warm", text_of(in, 1));
	s = &fn->spread[part];
	if (s->mean_ms >= 0)
		return wrong(in, "part \"%s\" of this function is there twice", text_of(in, 1));
	if (number_of(in, 2, &s->mean_ms))
		return -EINVAL;
	for (int i = 0; i < SPREAD; i++) {
		if (number_of(in, 3 + i, &s->ms[i]))
			return -EINVAL;
		if (i && s->ms[i] < s->ms[i - 1])
			return wrong(in, "%s is less than the quantile before it", in->csv.name[in->column[3 + i]]);
	}
	return 0;
}

/* What the worker takes for usual before it has seen any, and what its metadata would say. */
static int settle_function(const struct sim *sim, struct function *fn)
{
	const struct spread *s = fn->spread;

	for (int i = 0; i < PARTS; i++) {
		if (s[i].mean_ms >= 0)
			continue;
		fprintf(stderr, "faas-sim: %s/times.csv: no part \"%s\" of function \"%s\"\n", sim->opt.from,
		        part_names[i], fn->name);
		return -EINVAL;
	}
	fn->warm_ms = (int)s[PART_WARM].mean_ms;
	fn->cold_ms = (int)(s[PART_START].mean_ms + s[PART_COLD].mean_ms);
	if (fn->cold_ms < fn->warm_ms)
		fn->cold_ms = fn->warm_ms;
	fn->first = (struct estimate){.cold = (s[PART_START].mean_ms + s[PART_COLD].mean_ms) / 1e3,
	                              .prewarm = s[PART_PREWARM].mean_ms / 1e3,
	                              .warm = s[PART_WARM].mean_ms / 1e3,
	                              .exec = fn->first.exec >= 0 ? fn->first.exec : s[PART_WARM].mean_ms / 1e3};
	return 0;
}

int replay_functions(struct sim *sim)
{
	static const char *const columns[] = {"function", "memory_mb", "?image", "?code_ms", NULL};
	static const char *const time_columns[] = {"function", "part",   "mean_ms", "p0_ms",  "p10_ms",  "p25_ms",
	                                           "p50_ms",   "p75_ms", "p90_ms",  "p99_ms", "p100_ms", NULL};
	struct input in = {0};
	int rc = input_open(&in, sim, "functions.csv", columns);

	while (!rc && csv_next(&in.csv))
		rc = read_function(sim, &in);
	input_close(&in);
	if (!rc && !sim->nloaded) {
		fprintf(stderr, "faas-sim: %s: no function\n", in.path);
		rc = -EINVAL;
	}
	if (rc)
		return rc;
	rc = input_open(&in, sim, "times.csv", time_columns);
	while (!rc && csv_next(&in.csv))
		rc = read_spread(sim, &in);
	input_close(&in);
	for (int i = 0; i < sim->nloaded && !rc; i++)
		rc = settle_function(sim, &sim->loaded[i]);
	return rc;
}

/* ---- workers: their names in order are their numbers ---- */

struct names {
	char *name[MOST_WORKERS];
	int n, number[MOST_WORKERS]; /* by place in name */
};

static int name_worker(struct names *l, const struct input *in, const char *name, int *out)
{
	for (*out = 0; *out < l->n; ++*out)
		if (!strcmp(l->name[*out], name))
			return 0;
	if (l->n == MOST_WORKERS)
		return wrong(in, "worker \"%s\": there are more than 64", name);
	l->name[l->n] = strdup(name);
	return l->name[l->n] ? (l->n++, 0) : -ENOMEM;
}

/* worker_10 comes after worker_9. */
static bool name_before(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	return n != m ? n < m : strcmp(a, b) < 0;
}

static void number_workers(struct names *l)
{
	for (int i = 0; i < l->n; i++)
		for (int k = l->number[i] = 0; k < l->n; k++)
			l->number[i] += name_before(l->name[k], l->name[i]);
}

/* ---- requests ---- */

enum {
	SENT,
	FUNCTION,
	WORKER,
	STATE,
	END,
	TO_CONTROLLER,
	TO_WORKER,
	ACQUIRE,
	EXECUTE,
	CODE,
	RETURN,
	FAILURES,
	FAILED,
	NOT_MADE,
	NOT_MADE_TIME
};

static const char *const request_columns[] = {"sent_ms",     "function",          "?worker",       "?state",
                                              "?end",        "?to_controller_ms", "?to_worker_ms", "?acquire_ms",
                                              "?execute_ms", "?code_ms",          "?return_ms",    "?failures",
                                              "?failed_ms",  "?not_made",         "?not_made_ms",  NULL};

/* The place of a word among others; 0 where there is none. */
static int word_of(const struct input *in, int column, const char *const *words, int n, int *out)
{
	const char *text = text_of(in, column);

	for (*out = 0; *out < n; ++*out)
		if (!strcmp(words[*out], text))
			return 0;
	*out = 0;
	return *text ? wrong(in,
	                     column == STATE ? "state \"%s\" is none of cold, prewarm, warm"
	                                     : "end \"%s\" is none of ok, error, failed, no container, refused",
	                     text)
	             : 0;
}

static int read_own(const struct input *in, struct own *own)
{
	static const char *const states[] = {"warm", "prewarm", "cold"}, *const ends[] = {[OWN_OK] = "ok",
	                                                                                  [OWN_ERROR] = "error",
	                                                                                  [OWN_FAILED] = "failed",
	                                                                                  [OWN_NO_CONTAINER] =
	                                                                                      "no container",
	                                                                                  [OWN_REFUSED] = "refused"};
	int state, end;

	*own = (struct own){.is = true};
	if (word_of(in, STATE, states, 3, &state) || word_of(in, END, ends, 5, &end) ||
	    ms_of(in, TO_CONTROLLER, &own->to_controller_ns) || ms_of(in, TO_WORKER, &own->to_worker_ns) ||
	    ms_of(in, ACQUIRE, &own->acquire_ns) || ms_of(in, EXECUTE, &own->execute_ns) ||
	    ms_of(in, CODE, &own->code_ns) || ms_of(in, RETURN, &own->return_ns) ||
	    ms_of(in, FAILED, &own->failed_ns) || whole_of(in, FAILURES, 100, &own->failures) ||
	    ms_of(in, NOT_MADE_TIME, &own->not_made_ns) || whole_of(in, NOT_MADE, 100, &own->not_made))
		return -EINVAL;
	own->state = (enum container_state)(STATE_WARM - state);
	own->end = (enum own_end)end;
	return 0;
}

static const struct function *chosen(const struct sim *sim, const char *name)
{
	for (int i = 0; i < sim->nfns; i++)
		if (!strcmp(sim->fns[i]->name, name))
			return sim->fns[i];
	return NULL;
}

/* 1: taken, 0: --functions leaves it out, or a negative errno. */
static int read_request(struct sim *sim, const struct input *in, struct names *names, struct arrival *a)
{
	const char *name = text_of(in, FUNCTION);

	*a = (struct arrival){.fn = chosen(sim, name)};
	if (!a->fn && find(sim, name))
		return 0;
	if (!a->fn)
		return wrong(in, "no function \"%s\" in functions.csv", name);
	if (!*text_of(in, SENT))
		return wrong(in, "%s", "no time in sent_ms");
	if (ms_of(in, SENT, &a->at_ns) || read_own(in, &a->own))
		return -EINVAL;
	if (*text_of(in, WORKER) && name_worker(names, in, text_of(in, WORKER), &a->own.worker))
		return -EINVAL;
	/* what a process does not tell takes as long as the network is said to, and an answer no time */
	if (a->own.to_controller_ns < 0)
		a->own.to_controller_ns = sim->opt.network_ns;
	if (a->own.to_worker_ns < 0)
		a->own.to_worker_ns = sim->opt.network_ns;
	return 1;
}

static int read_requests(struct sim *sim, struct names *names)
{
	struct input in = {0};
	struct arrival a;
	int rc = input_open(&in, sim, "requests.csv", request_columns), taken;
	struct rng draws = {sim->opt.seed};

	while (!rc && csv_next(&in.csv)) {
		taken = read_request(sim, &in, names, &a);
		a.own.draw = rng_next(&draws);
		rc = taken < 0 ? taken : taken ? trace_add(&sim->trace, &sim->ntrace, &a) : 0;
	}
	input_close(&in);
	return rc;
}

/* ---- containers before the first request ---- */

static int read_prewarm(struct sim *sim, const struct input *in, struct names *names)
{
	struct prewarms p = {.fn = chosen(sim, text_of(in, 0))}, *more;
	size_t n = sim->nprewarms;

	if (!p.fn && find(sim, text_of(in, 0)))
		return 0;
	if (!p.fn)
		return wrong(in, "no function \"%s\" in functions.csv", text_of(in, 0));
	if (whole_of(in, 2, 10000, &p.count) || (*text_of(in, 1) && name_worker(names, in, text_of(in, 1), &p.worker)))
		return -EINVAL;
	more = realloc(sim->prewarms, (n + 1) * sizeof *more);
	if (!more)
		return -ENOMEM;
	sim->prewarms = more;
	sim->prewarms[sim->nprewarms++] = p;
	return 0;
}

static int read_prewarms(struct sim *sim, struct names *names)
{
	static const char *const columns[] = {"function", "?worker", "count", NULL};
	struct input in = {0};
	int rc = input_open(&in, sim, "prewarms.csv", columns);

	while (!rc && csv_next(&in.csv))
		rc = read_prewarm(sim, &in, names);
	input_close(&in);
	return rc;
}

/* ---- all of it ---- */

static int check_workers(const struct sim *sim, const struct names *names)
{
	int workers = sim->opt.workers ? sim->opt.workers : 1;

	if (sim->opt.balance != BALANCE_RECORDED || names->n <= workers)
		return 0;
	fprintf(stderr,
	        "faas-sim: %s/requests.csv: %d workers had requests, and there are to be %d: --balance says who "
	        "gets them\n",
	        sim->opt.from, names->n, workers);
	return -EINVAL;
}

/* How often a function is invoked, which --prewarms goes by. */
static void count_requests(struct sim *sim)
{
	int64_t span_ns = sim->ntrace ? sim->trace[sim->ntrace - 1].at_ns : 0;

	for (int i = 0; i < sim->nloaded; i++) {
		size_t n = 0;

		for (size_t k = 0; k < sim->ntrace; k++)
			n += sim->trace[k].fn == &sim->loaded[i];
		sim->loaded[i].iat_ms = n ? (double)span_ns / (double)MS / (double)n : 0;
	}
}

int replay_requests(struct sim *sim)
{
	struct names names = {0};
	int rc = read_requests(sim, &names);

	if (!rc)
		rc = read_prewarms(sim, &names);
	if (!rc)
		rc = check_workers(sim, &names);
	number_workers(&names);
	for (size_t i = 0; i < sim->ntrace && names.n; i++)
		sim->trace[i].own.worker = names.number[sim->trace[i].own.worker];
	for (size_t i = 0; i < sim->nprewarms && names.n; i++)
		sim->prewarms[i].worker = names.number[sim->prewarms[i].worker];
	for (int i = 0; i < names.n; i++)
		free(names.name[i]);
	trace_sort(sim->trace, sim->ntrace);
	count_requests(sim);
	return rc;
}
