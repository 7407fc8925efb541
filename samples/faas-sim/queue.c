/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c - items wait here until a core is free, in the order of the queue's policy, under Ilúvatar's names:
 *
 *   fcfs        in order of arrival
 *   minheap     the shortest job first: by the function's average time in execution (sjf)
 *   minheap_ed  the earliest deadline first: that average after its arrival (edf)
 *
 * The monitor is the only one that takes from the front. An item it hands out holds a core until queue_finish, and goes
 * to the second line, from which a runner takes it; its span goes with it. */
#define ILU_TARGET "iluvatar_worker_library::services::invocation::cpu_q_invoke"
#include "sim.h"

#include <stdlib.h>

static void wake(struct queue *q)
{
	q->woken = true;
	ilu_cond_signal(&q->changed);
}

/* ---- the heap ---- */

static bool before(const struct item *a, const struct item *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->seq < b->seq;
}

/* A skew heap: its nodes are the items, and merging is all there is to it. */
static struct item *merge(struct item *a, struct item *b)
{
	struct item *root, **at = &root;

	while (a && b) {
		if (before(b, a)) {
			struct item *c = a;

			a = b;
			b = c;
		}
		struct item *right = a->right;

		*at = a;
		a->right = a->left;
		at = &a->left;
		a = right;
	}
	*at = a ? a : b;
	return root;
}

/* A new item of equal rank comes after the others, one that comes back before them. fcfs: all ranks are equal. */
static double rank(const struct queue *q, const struct item *it)
{
	double exec = q->estimates[it->fn->index].exec;

	switch (q->policy) {
	case POLICY_SJF:
		return exec;
	case POLICY_EDF:
		return exec + (double)(now_ns() - q->since_ns) / 1e9;
	default:
		return 0;
	}
}

static void add(struct worker *w, struct item *it)
{
	struct queue *q = &w->queue;

	it->est_s = estimate_time(&q->estimates[it->fn->index], it->expected);
	it->rank = rank(q, it);
	it->left = it->right = NULL;
	if (!it->seq)
		it->seq = ++q->pushed;
	q->load_s += it->est_s;
	q->heap = merge(q->heap, it);
	q->len++;
	wake(q);
}

void queue_push(struct worker *w, struct item *it)
{
	it->expected = pool_expect(&w->pool, it->fn);
	ilu_mutex_lock(&w->queue.lock);
	add(w, it);
	ilu_mutex_unlock(&w->queue.lock);
}

void queue_push_again(struct worker *w, struct item *it)
{
	it->expected = pool_expect(&w->pool, it->fn);
	ilu_mutex_lock(&w->queue.lock);
	w->queue.running--;
	add(w, it);
	ilu_mutex_unlock(&w->queue.lock);
}

static struct item *queue_head(struct queue *q)
{
	ilu_mutex_lock(&q->lock);
	struct item *it = q->heap;
	ilu_mutex_unlock(&q->lock);
	return it;
}

/* The time that handing out takes, if there is a core. */
static void take_time(struct queue *q)
{
	ilu_mutex_lock(&q->lock);
	bool may = q->running < q->cores;
	ilu_mutex_unlock(&q->lock);
	if (may && q->dispatch_ns)
		pause_ns(q->dispatch_ns);
}

/* The first item, now with a core; NULL where all cores are taken. */
static struct item *queue_pop(struct queue *q, const char **top)
{
	struct item *it = NULL;

	ilu_mutex_lock(&q->lock);
	if (q->heap && q->running < q->cores) {
		it = q->heap;
		q->heap = merge(it->left, it->right);
		q->len--;
		*top = q->heap ? q->heap->fn->name : "empty";
		q->load_s = q->heap ? q->load_s - it->est_s : 0;
		q->running++;
	}
	ilu_mutex_unlock(&q->lock);
	return it;
}

/* Gives the item to a runner. */
static void launch(struct queue *q, struct item *it)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "spawn_tokio_worker", &it->tid);

	it->remove_ns = now_ns();
	truth_removed(it);
	ilu_mutex_lock(&q->lock);
	it->next = NULL;
	*q->run_tail = it;
	q->run_tail = &it->next;
	ilu_cond_signal(&q->launched);
	ilu_mutex_unlock(&q->lock);
}

static void hand_out(struct queue *q, const ilu_tid *me)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "monitor_queue", me);
	struct item *it;
	const char *top;

	while ((it = queue_head(q))) {
		ilu_debug(&it->tid, "checking resources");
		take_time(q);
		struct item *popped = queue_pop(q, &top);
		if (!popped) {
			ilu_debug(&it->tid, "Insufficient resources to run item");
			return;
		}
		ilu_debug(&popped->tid, "Popped item from queue", KV("len", q->len), KV("popped", popped->fn->name),
		          KV("top", top));
		launch(q, popped);
	}
}

static int queue_monitor(void *arg)
{
	struct queue *q = &((struct worker *)arg)->queue;
	const ilu_tid me = ilu_tid_named("InvokerCPUQueue");
	bool closed;

	do {
		ilu_mutex_lock(&q->lock);
		while (!q->woken && !q->closed)
			ilu_cond_wait(&q->changed, &q->lock);
		q->woken = false;
		closed = q->closed;
		ilu_mutex_unlock(&q->lock);
		ilu_debug(&me, "Invoker waken up by signal");
		hand_out(q, &me);
	} while (!closed);
	return 0;
}

struct item *queue_take_launched(struct queue *q)
{
	ilu_mutex_lock(&q->lock);
	while (!q->run_head && !q->closed)
		ilu_cond_wait(&q->launched, &q->lock);
	struct item *it = q->run_head;
	if (it) {
		q->run_head = it->next;
		if (!q->run_head)
			q->run_tail = &q->run_head;
	}
	ilu_mutex_unlock(&q->lock);
	return it;
}

void queue_finish(struct queue *q, struct item *it)
{
	ilu_mutex_lock(&q->lock);
	it->done = true;
	q->running--;
	q->completed++;
	ilu_cond_signal(&it->answered);
	wake(q);
	ilu_mutex_unlock(&q->lock);
}

void queue_await(struct queue *q, struct item *it)
{
	ilu_mutex_lock(&q->lock);
	while (!it->done)
		ilu_cond_wait(&it->answered, &q->lock);
	ilu_mutex_unlock(&q->lock);
}

int queue_start(struct worker *w)
{
	const ilu_tid startup = ilu_tid_named("Startup");
	struct queue *q = &w->queue;
	int rc = estimates_new(w->sim, &q->estimates);

	if (rc)
		return rc;
	ilu_mutex_init(&q->lock, "queue");
	ilu_cond_init(&q->changed, "queue changed");
	ilu_cond_init(&q->launched, "item launched");
	q->run_tail = &q->run_head;
	q->cores = w->sim->opt.cores;
	q->policy = w->sim->opt.policy;
	q->dispatch_ns = w->sim->opt.dispatch_ns;
	q->since_ns = now_ns();
	ilu_debug(&startup, "Created CpuQueueingInvoker");
	return worker_task(w, &q->monitor, "queue-monitor", queue_monitor);
}

void queue_stop(struct worker *w)
{
	struct queue *q = &w->queue;

	ilu_mutex_lock(&q->lock);
	q->closed = true;
	ilu_cond_broadcast(&q->changed);
	ilu_cond_broadcast(&q->launched);
	ilu_mutex_unlock(&q->lock);
	ilu_join(q->monitor, NULL);
	free(q->estimates);
}
