/* SPDX-License-Identifier: Apache-2.0 */
/* runner.c - threads that run the items to which the queue gave a core.
 *
 * The item brings the span it was enqueued in. The runner enters it, so that all that happens here is below the request
 * that asked for it, and drops the reference when the attempt is over. */
#define ILU_TARGET "iluvatar_worker_library::services::invocation::cpu_q_invoke"
#include "sim.h"

#include <errno.h>
#include <stdio.h>

/* One attempt: find a container, run the function, give the container back. */
static int attempt(struct worker *w, struct item *it)
{
	ILU_SPAN(span, "invoke", &it->tid);
	struct container *c;
	int64_t begin;
	int rc;

	ilu_debug(&it->tid, "Internal invocation starting");
	begin = now_ns();
	rc = pool_acquire(w, it, &c);
	if (rc == -ENOMEM)
		truth_refused(it, begin);
	if (rc) {
		truth_ended(it);
		return rc;
	}
	it->state = __atomic_load_n(&c->state, __ATOMIC_RELAXED);
	truth_started(it, it->state);
	rc = container_call(w, it, c);
	truth_ended(it);
	if (!rc)
		estimate_learn(w, it, now_ns() - begin);
	pool_return(w, &it->tid, c);
	return rc;
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::invocation::queueing"

static void mark_successful(struct item *it)
{
	it->compute = COMPUTE_CPU;
	ilu_debug(&it->tid, "queued invocation completed successfully");
}

static bool mark_error(struct worker *w, struct item *it)
{
	if (it->attempts < w->sim->opt.retries) {
		it->attempts++;
		return true;
	}
	ilu_error(&it->tid, "Abandoning attempt to run invocation after error", KV("attempts", it->attempts));
	return false;
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::invocation::cpu_q_invoke"

/* Whether the attempt is to be repeated at once. */
static bool handle_invocation_error(struct worker *w, struct item *it, int rc)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "handle_invocation_error", &it->tid);

	if (rc == -ENOMEM) {
		ilu_warn(&it->tid, "Insufficient memory to run item right now");
		return false;
	}
	ilu_error(&it->tid, "Encountered unknown error while trying to run queued invocation",
	          KV("error", it->why.text));
	return mark_error(w, it);
}

static int run(struct worker *w, struct item *it)
{
	ilu_debug(&it->tid, "Launching invocation thread for queued item");

	ILU_SPAN_AT(ILU_DEBUG, span, "invocation_worker_thread", &it->tid);
	int rc;

	while ((rc = attempt(w, it)) && handle_invocation_error(w, it, rc)) {
		it->remove_ns = now_ns();
		truth_removed(it);
	}
	if (!rc)
		mark_successful(it);
	return rc;
}

/* Returns -ENOMEM where the item must wait for memory; it then holds its span again. */
static int serve(struct worker *w, struct item *it)
{
	ILU_ENTER_TAKE(it->span);
	int rc = run(w, it);

	if (rc == -ENOMEM)
		it->span = ilu_span_share(it->span);
	return rc;
}

static int runner(void *arg)
{
	struct worker *w = arg;
	struct item *it;

	while ((it = queue_take_launched(&w->queue))) {
		if (serve(w, it) == -ENOMEM) {
			pause_ns(20 * MS); /* another item has to return its container first */
			queue_push_again(w, it);
		} else {
			queue_finish(&w->queue, it);
		}
	}
	return 0;
}

int runners_start(struct worker *w)
{
	while (w->nrunners < w->sim->opt.cores) {
		char name[32];
		int rc;

		snprintf(name, sizeof name, "worker-%d", w->nrunners + 1);
		rc = ilu_task_start(&w->runners[w->nrunners], name, 0, STACK, runner, w);
		if (rc)
			return rc;
		w->nrunners++;
	}
	return 0;
}

void runners_join(struct worker *w)
{
	while (w->nrunners > 0)
		ilu_join(w->runners[--w->nrunners], NULL);
}
