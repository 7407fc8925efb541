/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - a function runs in its container: the worker sleeps as long as the function would take.
 *
 * Three layers, each with a span of its own as in Ilúvatar: the lock on the container, the container, its HTTP client.
 */
#include "sim.h"

#include <errno.h>
#include <stdio.h>

/* How long the function takes: around its usual time, and sometimes three times that. Of a benchmarked one what the
 * benchmark measured. */
static int64_t function_time_ns(struct sim *sim, const struct function *fn, bool cold)
{
	if (fn->code && cold)
		return (int64_t)(fn->cold_s * 1e9);
	if (fn->code)
		return (int64_t)(fn->sample_s[(int)(sim_random(sim) * fn->samples)] * 1e9);

	double ms = fn->warm_ms * (0.8 + 0.4 * sim_random(sim));

	if (sim_random(sim) < 0.03)
		ms *= 3;
	return (int64_t)(ms * (double)MS);
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::containers::structs"

/* The container answered with an error page instead of JSON. */
static void not_json(struct item *it)
{
	ilu_error(&it->tid, "Failed to parse json from invocation return",
	          KV("error", "expected value at line 1 column 1"),
	          KV("value", "<!doctype html>\n<title>500 Internal Server Error</title>\n"));
	it->why.text = "Failed to parse json from invocation return";
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::containers::clients::http_client"

/* Its snapshot went while it started: what was not open by then is missing for ever. */
static int no_module(struct item *it, const struct container *c)
{
	static const char result[] = "{\"user_error\":\"Traceback (most recent call last):\\n  File "
	                             "\\\"/app/server.py\\\", line 22, in <module>\\n"
	                             "    from main import main\\nModuleNotFoundError: No module named 'main'\\n\"}";

	ilu_warn(&it->tid, "A user code error occured in the container", KV("status", 500), KV("result", result),
	         KV("container_id", c->id));
	it->why.text = "A user code error occured in the container";
	return -EIO;
}

/* The function never returns, and holds what it has. */
static void hang(struct sim *sim, struct item *it, const struct container *c)
{
	if (!fault_strikes(sim, FAULT_HANG))
		return;
	fault_tell(sim, FAULT_HANG, &it->tid, it->fn, c->id, NULL);
	for (;;)
		ilu_clock_sleep(ILU_FOREVER);
}

static bool crashes(struct sim *sim, struct item *it, const struct container *c)
{
	if (it->poisoned || (it->own.is && own_fails(it)))
		return true;
	if (!fault_strikes(sim, FAULT_INVOKE_ERROR))
		return false;
	fault_tell(sim, FAULT_INVOKE_ERROR, &it->tid, it->fn, c->id, NULL);
	return true;
}

/* Two may be in one container, see --faults double-lock. */
static enum container_state state_of(const struct container *c)
{
	return __atomic_load_n(&c->state, __ATOMIC_RELAXED);
}

/* One that goes wrong takes hardly any time, unless a log says how much. */
static int64_t call_time_ns(struct worker *w, const struct item *it, const struct container *c, bool bad,
                            int64_t *code_ns)
{
	if (it->own.is)
		return slowness_of_call(w, own_execute_ns(it, state_of(c), code_ns));
	*code_ns = bad ? 3 * MS : slowness_of_call(w, function_time_ns(w->sim, it->fn, state_of(c) == STATE_COLD));
	return *code_ns;
}

/* On real time a sleep takes somewhat longer than it should: what the function says of itself tells how long it really
 * was. */
static int run_function(struct worker *w, struct item *it, struct container *c)
{
	struct sim *sim = w->sim;
	bool bad = crashes(sim, it, c), cold = state_of(c) == STATE_COLD;
	int64_t begin = now_ns(), takes_ns, code_ns;

	hang(sim, it, c);
	takes_ns = call_time_ns(w, it, c, bad || c->hollow, &code_ns);
	pause_ns(takes_ns);
	if (c->hollow)
		return no_module(it, c);
	if (bad || it->fn->crashes) {
		not_json(it);
		return -EIO;
	}
	if (it->own.end == OWN_ERROR)
		it->why.text = "an error, in the log that is replayed";
	it->body_start_ns = begin;
	it->body_end_ns = now_ns();
	it->body_cold = it->fn->code ? cold : state_of(c) != STATE_WARM;
	it->duration_ns = code_ns;
	return 0;
}

static int http_invoke(struct worker *w, struct item *it, struct container *c)
{
	ILU_SPAN(span, "HttpContainerClient::invoke", &it->tid);

	return run_function(w, it, c);
}

static int settle(struct item *it, struct container *c, int rc)
{
	__atomic_store_n(&c->state, STATE_WARM, __ATOMIC_RELAXED);
	if (rc) {
		__atomic_store_n(&c->healthy, false, __ATOMIC_RELAXED);
		ilu_warn(&it->tid, "Marking container unhealthy", KV("container_id", c->id));
	}
	return rc;
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::containers::containerd::containerdstructs"

static int containerd_invoke(struct worker *w, struct item *it, struct container *c)
{
	ILU_SPAN(span, "ContainerdContainer::invoke", &it->tid, KV("fqdn", it->fn->fqdn));

	return settle(it, c, http_invoke(w, it, c));
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::containers::simulator::simstructs"

#define SIMULATED_NETWORK (MS * 14 / 10)

static int simulator_invoke(struct worker *w, struct item *it, struct container *c)
{
	ILU_SPAN(span, "SimulatorContainer::invoke", &it->tid, KV("fqdn", it->fn->fqdn));

	if (!it->own.is)
		pause_ns(SIMULATED_NETWORK);
	return settle(it, c, run_function(w, it, c));
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::containers::structs"

static int lock_invoke(struct worker *w, struct item *it, struct container *c)
{
	ILU_SPAN(span, "ContainerLock::invoke", &it->tid);
	int64_t begin = now_ns();
	int rc;

	if (w->sim->opt.backend == BACKEND_SIMULATION)
		return simulator_invoke(w, it, c);
	rc = containerd_invoke(w, it, c);
	it->duration_ns = now_ns() - begin;
	return rc;
}

static void lock_drop(const ilu_tid *tid, const struct container *c)
{
	ilu_debug(tid, "Dropping container lock", KV("container_id", c->id));
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::invocation"

static int invoke_on_container(struct worker *w, struct item *it, struct container *c)
{
	ILU_SPAN_AT(ILU_DEBUG, outer, "invoke_on_container", &it->tid);
	ILU_SPAN_AT(ILU_DEBUG, inner, "invoke_on_container_2", &it->tid);
	char insert[32], removed[32];

	format_time(it->insert_ns, insert);
	format_time(it->remove_ns, removed);
	ilu_info(&it->tid, "Item starting to execute", KV("insert_time", insert), KV("remove_time", removed));
	return lock_invoke(w, it, c);
}

int container_call(struct worker *w, struct item *it, struct container *c)
{
	int rc = invoke_on_container(w, it, c);

	lock_drop(&it->tid, c);
	return rc;
}
