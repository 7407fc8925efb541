/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - starts the rooms of a machine, and ends them in reverse.
 *
 * Where there are several, what is logged within the span enter_worker is one's own: by it lines find their file. */
#define ILU_TARGET "iluvatar_worker_library::worker_api::sim_worker"
#include "sim.h"

#include <errno.h>
#include <stdlib.h>

static int start_rooms(struct worker *w)
{
	int rc = queue_start(w);

	if (!rc)
		rc = pool_start(w);
	if (!rc)
		rc = runners_start(w);
	return rc ? rc : status_start(w);
}

int worker_start(struct worker *w)
{
	const ilu_tid startup = ilu_tid_named("Startup");

	if (!w->sim->controller)
		return start_rooms(w);

	ILU_SPAN(span, "enter_worker", &startup, KV("worker", w->name));
	return start_rooms(w);
}

void worker_stop(struct worker *w)
{
	queue_stop(w);
	runners_join(w);
	status_join(w);
	pool_stop(w);
}

/* ---- tasks of one among several ---- */

struct task {
	struct worker *worker;
	int (*run)(void *worker);
};

static int run_inside(void *arg)
{
	const ilu_tid startup = ilu_tid_named("Startup");
	const struct task t = *(struct task *)arg;

	free(arg);

	ILU_SPAN(span, "enter_worker", &startup, KV("worker", t.worker->name));
	return t.run(t.worker);
}

int worker_task(struct worker *w, ilu_thread **out, const char *name, int (*run)(void *worker))
{
	struct task *t;
	int rc;

	if (!w->sim->controller)
		return ilu_task_start(out, name, 0, STACK, run, w);
	t = malloc(sizeof *t);
	if (!t)
		return -ENOMEM;
	*t = (struct task){w, run};
	rc = ilu_task_start(out, name, 0, STACK, run_inside, t);
	if (rc)
		free(t);
	return rc;
}
