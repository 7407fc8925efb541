/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c - the container manager: which containers there are, and the memory they take.
 *
 * A container is idle, running (its invocation holds it) or condemned (unhealthy, until the monitor removes it). Its
 * memory is taken before it is made and given back after it is removed. The lock is never held while sleeping or
 * logging. */
#define ILU_TARGET "iluvatar_worker_library::services::containers::container_pool"
#include "sim.h"

#include <errno.h>
#include <stdlib.h>

#define COMPUTE "Compute(CPU)"

/* ---- what moves are logged as ---- */

static void log_insert(const ilu_tid *tid, const struct container *c, const char *to)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "add_container", tid);

	ilu_debug(tid, "Inserting container into pool", KV("container_id", c->id), KV("name", COMPUTE),
	          KV("pool_type", to));
}

static void log_remove(const ilu_tid *tid, const struct container *c, const char *from)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "remove_container_pool", tid);

	ilu_debug(tid, "Removing container from pool", KV("container_id", c->id), KV("name", COMPUTE),
	          KV("pool_type", from));
}

static void log_activate(const ilu_tid *tid, const struct container *c)
{
	ilu_debug(tid, "Removing random container from pool", KV("container_id", c->id), KV("name", COMPUTE),
	          KV("pool_type", "Idle"));
	log_insert(tid, c, "Running");
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::containers::containermanager"

/* ---- the lists ---- */

static struct container *take_idle(struct pool *p, const struct function *fn)
{
	ilu_mutex_lock(&p->lock);
	struct container *c = idle_take(&p->idle, fn);
	ilu_mutex_unlock(&p->lock);
	return c;
}

/* Without memory for the list it is lost: its memory stays taken. */
static void put_idle(struct pool *p, struct container *c)
{
	ilu_mutex_lock(&p->lock);
	if (idle_put(&p->idle, c)) {
		c->next = p->lost;
		p->lost = c;
	}
	ilu_mutex_unlock(&p->lock);
}

static void put(struct pool *p, struct container **list, struct container *c)
{
	ilu_mutex_lock(&p->lock);
	c->next = *list;
	*list = c;
	ilu_mutex_unlock(&p->lock);
}

static struct container *take_condemned(struct pool *p)
{
	ilu_mutex_lock(&p->lock);
	struct container *c = p->condemned;
	if (c)
		p->condemned = c->next;
	ilu_mutex_unlock(&p->lock);
	return c;
}

enum container_state pool_expect(struct pool *p, const struct function *fn)
{
	ilu_mutex_lock(&p->lock);
	const struct container *c = p->idle.stack[fn->index];
	enum container_state state = c ? c->state : STATE_COLD;
	ilu_mutex_unlock(&p->lock);
	return state;
}

/* ---- memory ---- */

/* Takes the function's memory. Returns 0 or how many MB are missing. */
static int64_t reserve(struct pool *p, const ilu_tid *tid, const struct function *fn)
{
	ilu_mutex_lock(&p->lock);
	int64_t used = p->used_mb, missing = used + fn->mem_mb - p->total_mb;
	if (missing <= 0) {
		p->used_mb += fn->mem_mb;
		p->count++;
	}
	ilu_mutex_unlock(&p->lock);
	if (missing <= 0)
		return 0;
	ilu_debug(tid, "Can't launch container due to insufficient memory", KV("needed", fn->mem_mb), KV("used", used),
	          KV("available", p->total_mb - used));
	return missing;
}

static void release(struct pool *p, const struct function *fn)
{
	ilu_mutex_lock(&p->lock);
	p->used_mb -= fn->mem_mb;
	p->count--;
	ilu_mutex_unlock(&p->lock);
}

static void remove_idle(struct worker *w, const ilu_tid *tid, struct container *c)
{
	const struct function *fn = c->fn;

	log_remove(tid, c, "Idle");
	container_remove(w, tid, c);
	release(&w->pool, fn);
}

/* Removes idle containers until so many MB are free or none is left. */
static void reclaim(struct worker *w, const ilu_tid *tid, int64_t amount_mb)
{
	struct pool *p = &w->pool;

	ilu_debug(tid, "Trying to reclaim memory to cold-start a container", KV("amount", amount_mb));
	while (amount_mb > 0) {
		ilu_mutex_lock(&p->lock);
		struct container *c = idle_evict(&p->idle);
		ilu_mutex_unlock(&p->lock);
		if (!c)
			return;
		amount_mb -= c->fn->mem_mb;
		remove_idle(w, tid, c);
	}
}

/* ---- acquiring and returning ---- */

/* Returns 0, -ENOMEM with *missing_mb set, or -EIO. */
static int try_launch(struct worker *w, const ilu_tid *tid, const struct function *fn, const struct start *how,
                      struct container **out, int64_t *missing_mb, struct failure *why)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "try_launch_container", tid);
	int rc;

	*missing_mb = reserve(&w->pool, tid, fn);
	if (*missing_mb)
		return -ENOMEM;
	rc = container_create(w, tid, fn, how, out, why);
	if (rc) {
		release(&w->pool, fn);
		return rc;
	}
	ilu_info(tid, "Container was launched", KV("image", fn->image), KV("container_id", (*out)->id));
	return 0;
}

static int launch(struct worker *w, const ilu_tid *tid, const struct function *fn, const struct start *how,
                  struct container **out, struct failure *why)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "launch_container_internal", tid, KV("compute", COMPUTE));
	int64_t missing_mb;
	int rc = try_launch(w, tid, fn, how, out, &missing_mb, why);

	if (rc != -ENOMEM)
		return rc;
	reclaim(w, tid, missing_mb);
	return try_launch(w, tid, fn, how, out, &missing_mb, why);
}

static void lock_container(const ilu_tid *tid, const struct container *c)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "try_lock_container", tid);

	ilu_debug(tid, "Container acquired", KV("container_id", c->id));
}

static int cold_start(struct worker *w, struct item *it, struct container **out)
{
	const ilu_tid *tid = &it->tid;
	ILU_SPAN_AT(ILU_DEBUG, span, "cold_start", tid, KV("compute", COMPUTE));
	struct start how;
	int rc;

	ilu_debug(tid, "Trying to cold start a new container", KV("fqdn", it->fn->fqdn));
	if (it->own.is)
		own_start(it, &how);
	rc = launch(w, tid, it->fn, it->own.is ? &how : NULL, out, &it->why);
	if (rc)
		return rc;
	log_insert(tid, *out, "Running");
	ilu_info(tid, "Container cold start completed", KV("container_id", (*out)->id));
	lock_container(tid, *out);
	return 0;
}

static struct container *try_acquire(struct pool *p, const ilu_tid *tid, const struct function *fn)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "try_acquire_container", tid, KV("compute", COMPUTE));
	struct container *c = take_idle(p, fn);

	if (c) {
		log_activate(tid, c);
		lock_container(tid, c);
	}
	return c;
}

static struct container *acquire_idle(struct pool *p, const ilu_tid *tid, const struct function *fn)
{
	ILU_SPAN(span, "acquire_container", tid);

	return try_acquire(p, tid, fn);
}

/* The fault: nobody will find it any more, and its memory stays taken. */
static void lose(struct pool *p, struct container *c)
{
	ilu_mutex_lock(&p->lock);
	c->next = p->lost;
	p->lost = c;
	ilu_mutex_unlock(&p->lock);
}

/* ---- who runs ---- */

static void begin_running(struct pool *p, struct container *c)
{
	ilu_mutex_lock(&p->lock);
	c->holders++;
	c->next_running = p->running[c->fn->index];
	p->running[c->fn->index] = c;
	ilu_mutex_unlock(&p->lock);
}

/* Is it nobody's any more? */
static bool end_running(struct pool *p, struct container *c)
{
	struct container **at = &p->running[c->fn->index];
	bool last;

	ilu_mutex_lock(&p->lock);
	last = !--c->holders;
	while (last && *at && *at != c)
		at = &(*at)->next_running;
	if (last && *at)
		*at = c->next_running;
	ilu_mutex_unlock(&p->lock);
	return last;
}

/* The fault: a container that somebody has is given to another, too. */
static struct container *lock_again(struct worker *w, const ilu_tid *tid, const struct function *fn)
{
	struct pool *p = &w->pool;
	struct container *c;

	if (!fault_strikes(w->sim, FAULT_DOUBLE_LOCK))
		return NULL;
	ilu_mutex_lock(&p->lock);
	c = p->running[fn->index];
	if (c)
		c->holders++;
	ilu_mutex_unlock(&p->lock);
	if (c) {
		lock_container(tid, c);
		fault_tell(w->sim, FAULT_DOUBLE_LOCK, tid, fn, c->id, NULL);
	}
	return c;
}

int pool_acquire(struct worker *w, struct item *it, struct container **out)
{
	int rc = 0;

	*out = lock_again(w, &it->tid, it->fn);
	if (*out)
		return 0;
	*out = acquire_idle(&w->pool, &it->tid, it->fn);
	if (*out && it->own.is)
		pause_ns(own_acquire_ns(it));
	if (!*out)
		rc = cold_start(w, it, out);
	if (!rc)
		begin_running(&w->pool, *out);
	return rc;
}

void pool_return(struct worker *w, const ilu_tid *tid, struct container *c)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "return_container", tid);

	ilu_info(tid, "returning container");
	if (!end_running(&w->pool, c))
		return;
	if (fault_strikes(w->sim, FAULT_LEAK)) {
		fault_tell(w->sim, FAULT_LEAK, tid, c->fn, c->id, NULL);
		lose(&w->pool, c);
		return;
	}
	if (!c->healthy) {
		ilu_warn(tid, "Returned container is unhealthy, sending for removal", KV("container_id", c->id));
		put(&w->pool, &w->pool.condemned, c);
		return;
	}
	log_remove(tid, c, "Running");
	log_insert(tid, c, "Idle");
	put_idle(&w->pool, c);
}

int pool_prewarm(struct worker *w, const ilu_tid *tid, const struct function *fn)
{
	ILU_SPAN(span, "prewarm", tid, KV("compute", COMPUTE));
	struct failure why;
	struct container *c;
	int rc = launch(w, tid, fn, NULL, &c, &why);

	if (rc)
		return rc;
	c->state = STATE_PREWARM;
	log_insert(tid, c, "Idle");
	put_idle(&w->pool, c);
	ilu_info(tid, "function was successfully prewarmed", KV("fqdn", fn->fqdn), KV("compute", "CPU"));
	return 0;
}

/* ---- the monitor ---- */

static void remove_unhealthy(struct worker *w)
{
	const ilu_tid me = ilu_tid_named("CtrMrgUnhealthyRemoved");
	struct container *c;

	while ((c = take_condemned(&w->pool))) {
		const struct function *fn = c->fn;

		ilu_warn(&me, "Removing an unhealthy container", KV("container_id", c->id), KV("stdout", ""),
		         KV("stderr", "worker timeout (pid:7)\n"));
		container_remove(w, &me, c);
		release(&w->pool, fn);
	}
}

static struct container *take_expired(struct pool *p)
{
	ilu_mutex_lock(&p->lock);
	struct container *c = idle_take_before(&p->idle, now_ns() - p->keep_alive_ns);
	ilu_mutex_unlock(&p->lock);
	return c;
}

static void monitor_once(struct worker *w, const ilu_tid *me)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "monitor_pool", me);
	struct pool *p = &w->pool;
	struct container *c;
	int64_t foreign = slowness_memory_mb(w);

	while ((c = take_expired(p)))
		remove_idle(w, me, c);
	ilu_mutex_lock(&p->lock);
	p->used_mb += foreign - p->foreign_mb;
	p->foreign_mb = foreign;
	int64_t used = p->used_mb;
	int count = p->count;
	ilu_mutex_unlock(&p->lock);
	if (foreign && used > p->total_mb)
		reclaim(w, me, used - p->total_mb);
	ilu_info(me, "Container manager info", KV("used_mem", used), KV("total_mem", p->total_mb),
	         KV("num_containers", count));
}

static int pool_monitor(void *arg)
{
	const ilu_tid me = ilu_tid_named("CtrMrgWorker");
	struct worker *w = arg;

	do {
		remove_unhealthy(w);
		monitor_once(w, &me);
	} while (!stop_wait(&w->sim->silence, 300 * MS));
	return 0;
}

int pool_start(struct worker *w)
{
	const struct sim *sim = w->sim;
	struct pool *p = &w->pool;

	ilu_mutex_init(&p->lock, "pool");
	p->total_mb = sim->opt.memory_mb;
	p->keep_alive_ns = sim->opt.keep_alive_ms * MS;
	p->running = calloc((size_t)sim->nfns, sizeof *p->running);
	if (!p->running || idle_init(&p->idle, sim))
		return -ENOMEM;
	return worker_task(w, &p->monitor, "pool-monitor", pool_monitor);
}

static void free_all(struct sim *sim, struct container *c)
{
	while (c) {
		struct container *next = c->next;

		snapshot_forget(sim, c->snapshot);
		free(c);
		c = next;
	}
}

void pool_stop(struct worker *w)
{
	ilu_join(w->pool.monitor, NULL);
	for (int i = 0; i < w->sim->nfns; i++)
		free_all(w->sim, w->pool.idle.stack[i]);
	idle_done(&w->pool.idle);
	free_all(w->sim, w->pool.condemned);
	free_all(w->sim, w->pool.lost);
	free(w->pool.running);
}
