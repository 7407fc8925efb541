/* SPDX-License-Identifier: Apache-2.0 */
/* truth.c - what the invocations' time really went into: with --truth a line each in truth.jsonl, after the faults.
 *
 * The moments are taken where things happen, not where they are logged. The phases have the names that the rules of the
 * analyzer give them (docs/tables.md, "phase") and sum to the time from sent to returned. */
#include "sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static const char *const acquisitions[] = {
    [STATE_ERROR] = "container acquisition (cold)", /* its creation failed */
    [STATE_UNHEALTHY] = "container acquisition (unhealthy)", [STATE_COLD] = "container acquisition (cold)",
    [STATE_PREWARM] = "container acquisition (prewarm)",     [STATE_WARM] = "container acquisition (warm)",
};

int truth_prepare(const struct sim *sim, struct item *it)
{
	if (!sim->opt.truth)
		return 0;
	it->moments = calloc(1, sizeof *it->moments + ((size_t)sim->opt.retries + 1) * sizeof *it->moments->tries);
	return it->moments ? 0 : -ENOMEM;
}

void truth_at_controller(struct item *it)
{
	if (it->moments)
		it->moments->controller_ns = now_ns();
}

void truth_dispatched(struct item *it)
{
	if (it->moments)
		it->moments->dispatched_ns = now_ns();
}

void truth_arrived(struct item *it)
{
	if (it->moments)
		it->moments->arrived_ns = now_ns();
}

/* The attempt that is under way, begun by its removal from the queue: again where it had to wait for memory. */
static struct try *current(struct item *it)
{
	if (!it->moments)
		return NULL;
	it->moments->ntries = it->attempts + 1;
	return &it->moments->tries[it->attempts];
}

void truth_removed(struct item *it)
{
	struct try *t = current(it);

	if (t)
		*t = (struct try){.remove_ns = now_ns(), .refused_ns = t->refused_ns};
}

void truth_refused(struct item *it, int64_t at_ns)
{
	struct try *t = current(it);

	if (t && !t->refused_ns)
		t->refused_ns = at_ns;
}

void truth_started(struct item *it, enum container_state state)
{
	struct try *t = current(it);

	if (!t)
		return;
	t->state = state;
	t->start_ns = now_ns();
}

void truth_ended(struct item *it)
{
	struct try *t = current(it);

	if (t)
		t->end_ns = now_ns();
}

/* Time is cut from the first moment on: what lies between a phase's end and the next one's begin is unexplained. */
struct cut {
	FILE *f;
	int64_t now, unexplained;
	bool more, open; /* open: the invocation got no further */
};

/* attempt 0: of none. A phase that did not begin, or whose predecessor did not end, is left out; one without end has
 * null. */
static void phase(struct cut *c, const char *name, int attempt, int64_t from, int64_t to)
{
	if (!from || c->open)
		return;
	fprintf(c->f, "%s{\"name\":\"%s\"", c->more ? "," : "", name);
	c->more = true;
	if (attempt)
		fprintf(c->f, ",\"attempt\":%d", attempt);
	c->unexplained += from - c->now;
	c->now = to ? to : from;
	c->open = !to;
	if (to)
		fprintf(c->f, ",\"ns\":%" PRId64 "}", to - from);
	else
		fputs(",\"ns\":null}", c->f);
}

static const char *status(const struct item *it)
{
	return !it->done ? "unfinished" : it->compute == COMPUTE_NONE ? "failed" : "ok";
}

static void write_one(const struct item *it, struct ledger *held, FILE *f)
{
	const struct moments *m = it->moments;
	struct cut c = {.f = f, .now = it->sent_ns};
	int64_t returned = it->done ? it->sent_ns + it->latency_ns : 0, last = 0, after;
	char tid[ILU_TID_MAX];

	fprintf(f,
	        "{\"invocation\":\"%s\",\"function\":\"%s\",\"worker\":\"%s\",\"status\":\"%s\",\"attempts\":%d,\"sent_"
	        "ns\":%" PRId64,
	        ilu_tid_str(&it->tid, tid), it->fn->name, it->worker->name, status(it), m->ntries, it->sent_ns);
	if (it->done)
		fprintf(f, ",\"e2e_ns\":%" PRId64, it->latency_ns);
	fputs(",\"phases\":[", f);
	phase(&c, "controller queue", 0, m->controller_ns, m->dispatched_ns);
	phase(&c, "dispatch", 0, m->controller_ns ? m->dispatched_ns : it->sent_ns, m->arrived_ns);
	for (int i = 0; i < m->ntries; i++) {
		const struct try *t = &m->tries[i];

		after = i ? m->tries[i - 1].end_ns : it->insert_ns;
		phase(&c, "worker queue", i + 1, after, t->remove_ns);
		phase(&c, acquisitions[t->state], i + 1, t->remove_ns, t->start_ns ? t->start_ns : t->end_ns);
		phase(&c, "execution", i + 1, t->start_ns, t->end_ns);
		last = t->end_ns;
	}
	if (!m->ntries)
		phase(&c, "worker queue", 1, it->insert_ns, 0);
	phase(&c, "return", 0, last, returned);
	fprintf(f, "%s{\"name\":\"unexplained\",\"ns\":%" PRId64 "}]", c.more ? "," : "", c.unexplained);
	held_write(held, it, f);
	fputs("}\n", f);
}

int truth_write(const struct sim *sim)
{
	struct ledger *held = NULL;

	if (!sim->opt.truth)
		return 0;
	if (sim->opt.truth_blame && held_new(sim, &held)) {
		held_free(held);
		return -ENOMEM;
	}
	for (size_t i = 0; i < sim->nitems; i++)
		write_one(sim->items[i], held, sim->opt.faults.truth);
	held_free(held);
	return 0;
}
