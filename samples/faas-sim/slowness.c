/* SPDX-License-Identifier: Apache-2.0 */
/* slowness.c - faults that only make things slow: of a worker, of a function's or an image's cold starts, of an hour,
 * of memory that others take. What each strikes is drawn once, at the start, and told in truth.jsonl then. */
#include "sim.h"

#include <math.h>
#include <string.h>

/* How many times as long. */
#define SLOW_WORKER 5
#define SLOW_START  10
#define SLOW_HOUR   5

#define HOUR (INT64_C(3600000) * MS)

/* Memory is short for a hundredth of the run on average, then not for a thirtieth, and so on. */
#define PRESSED_SHARE (1 / 100.0)
#define RELIEF_SHARE  (1 / 30.0)

static int draw(struct sim *sim, enum fault kind, int n)
{
	return n > 0 ? (int)(ilu_random_unit(&sim->opt.faults.random[kind]) * n) : 0;
}

static void choose_worker(struct sim *sim, struct slowness *s)
{
	s->worker = &sim->workers[draw(sim, FAULT_SLOW_WORKER, sim->nworkers)];
	fault_tell_target(sim, FAULT_SLOW_WORKER, now_ns(), "worker", s->worker->name);
}

static void choose_function(struct sim *sim, struct slowness *s)
{
	s->function = sim->fns[draw(sim, FAULT_SLOW_START, sim->nfns)];
	fault_tell_target(sim, FAULT_SLOW_START, now_ns(), "function", s->function->name);
}

static void choose_image(struct sim *sim, struct slowness *s)
{
	s->image = sim->fns[draw(sim, FAULT_SLOW_IMAGE, sim->nfns)]->image;
	fault_tell_target(sim, FAULT_SLOW_IMAGE, now_ns(), "image", s->image);
}

/* A whole hour of the clock, of those that the requests come in; in a run without one a sixth of its time. */
static void choose_hour(struct sim *sim, struct slowness *s)
{
	int64_t begin = now_ns(), length = (int64_t)(sim->opt.seconds * 1e9), first = (begin / HOUR + 1) * HOUR;
	int hours = begin + length > first ? (int)((begin + length - first) / HOUR) : 0;
	char text[32];

	s->from_ns = hours ? first + draw(sim, FAULT_SLOW_HOUR, hours) * HOUR
	                   : begin + draw(sim, FAULT_SLOW_HOUR, 6) * (length / 6);
	s->to_ns = s->from_ns + (hours ? HOUR : length / 6);
	format_time(s->from_ns, text);
	fault_tell_target(sim, FAULT_SLOW_HOUR, s->from_ns, "from", text);
}

/* When the memory's next turn comes: exponential about a share of the run. */
static int64_t next_turn(struct sim *sim, double share)
{
	double u = ilu_random_unit(&sim->opt.faults.random[FAULT_MEMORY_PRESSURE]);

	return now_ns() + (int64_t)(-log1p(-u) * share * sim->opt.seconds * 1e9) + 1;
}

void slowness_start(struct sim *sim)
{
	const struct faults *f = &sim->opt.faults;
	struct slowness *s = &sim->slowness;

	if (f->on[FAULT_SLOW_WORKER])
		choose_worker(sim, s);
	if (f->on[FAULT_SLOW_START])
		choose_function(sim, s);
	if (f->on[FAULT_SLOW_IMAGE])
		choose_image(sim, s);
	if (f->on[FAULT_SLOW_HOUR])
		choose_hour(sim, s);
	if (f->on[FAULT_MEMORY_PRESSURE])
		__atomic_store_n(&s->turn_ns, next_turn(sim, RELIEF_SHARE), __ATOMIC_RELEASE);
}

int64_t slowness_of_call(const struct worker *w, int64_t ns)
{
	const struct slowness *s = &w->sim->slowness;
	int64_t now = now_ns();

	if (s->worker == w && fault_strikes(w->sim, FAULT_SLOW_WORKER))
		ns *= SLOW_WORKER;
	if (now >= s->from_ns && now < s->to_ns && fault_strikes(w->sim, FAULT_SLOW_HOUR))
		ns *= SLOW_HOUR;
	return ns;
}

int64_t slowness_of_start(const struct worker *w, const struct function *fn, int64_t ns)
{
	const struct slowness *s = &w->sim->slowness;

	if (s->function == fn && fault_strikes(w->sim, FAULT_SLOW_START))
		ns *= SLOW_START;
	if (s->image && !strcmp(s->image, fn->image) && fault_strikes(w->sim, FAULT_SLOW_IMAGE))
		ns *= SLOW_START;
	return ns;
}

/* The first worker's monitor turns it for all. */
static void turn(struct sim *sim, struct slowness *s)
{
	bool pressed = !s->pressed;

	__atomic_store_n(&s->pressed, pressed, __ATOMIC_RELAXED);
	if (pressed)
		fault_tell(sim, FAULT_MEMORY_PRESSURE, NULL, NULL, NULL, NULL);
	s->turn_ns = next_turn(sim, pressed ? PRESSED_SHARE : RELIEF_SHARE);
}

int64_t slowness_memory_mb(const struct worker *w)
{
	struct sim *sim = w->sim;
	struct slowness *s = &sim->slowness;

	if (w == sim->workers) {
		int64_t at = __atomic_load_n(&s->turn_ns, __ATOMIC_ACQUIRE);

		if (at && now_ns() >= at)
			turn(sim, s);
	}
	return __atomic_load_n(&s->pressed, __ATOMIC_RELAXED)
	           ? (int64_t)(sim->opt.faults.rate[FAULT_MEMORY_PRESSURE] * sim->opt.memory_mb)
	           : 0;
}
