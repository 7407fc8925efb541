/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c - items wait here, in order of arrival, until a core is free.
 *
 * The monitor is the only one that takes from the front. An item it hands out holds a core until queue_finish, and goes
 * to the second line, from which a worker takes it; its span goes with it. */
#define ILU_TARGET "iluvatar_worker_library::services::invocation::cpu_q_invoke"
#include "sim.h"

static void wake(struct queue *q)
{
	q->woken = true;
	ilu_cond_signal(&q->changed);
}

void queue_push(struct queue *q, struct item *it)
{
	ilu_mutex_lock(&q->lock);
	it->next = NULL;
	*q->tail = it;
	q->tail = &it->next;
	q->len++;
	wake(q);
	ilu_mutex_unlock(&q->lock);
}

void queue_push_front(struct queue *q, struct item *it)
{
	ilu_mutex_lock(&q->lock);
	it->next = q->head;
	q->head = it;
	if (!it->next)
		q->tail = &it->next;
	q->len++;
	q->running--;
	wake(q);
	ilu_mutex_unlock(&q->lock);
}

static struct item *queue_head(struct queue *q)
{
	ilu_mutex_lock(&q->lock);
	struct item *it = q->head;
	ilu_mutex_unlock(&q->lock);
	return it;
}

/* The first item, now with a core; NULL where all cores are taken. */
static struct item *queue_pop(struct queue *q, const char **top)
{
	struct item *it = NULL;

	ilu_mutex_lock(&q->lock);
	if (q->head && q->running < q->cores) {
		it = q->head;
		q->head = it->next;
		if (!q->head)
			q->tail = &q->head;
		*top = q->head ? q->head->fn->name : "empty";
		q->len--;
		q->running++;
	}
	ilu_mutex_unlock(&q->lock);
	return it;
}

/* Gives the item to a worker thread. */
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
		struct item *popped = queue_pop(q, &top);
		if (!popped) {
			ilu_debug(&it->tid, "Insufficient resources to run item");
			return;
		}
		ilu_debug(&popped->tid, "Popped item from queue", KV("len", q->len), KV("popped", popped->fn->name), KV("top", top));
		launch(q, popped);
	}
}

static int queue_monitor(void *arg)
{
	struct queue *q = arg;
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

int queue_start(struct sim *sim)
{
	const ilu_tid startup = ilu_tid_named("Startup");
	struct queue *q = &sim->queue;

	ilu_mutex_init(&q->lock, "queue");
	ilu_cond_init(&q->changed, "queue changed");
	ilu_cond_init(&q->launched, "item launched");
	q->tail = &q->head;
	q->run_tail = &q->run_head;
	q->cores = sim->opt.cores;
	ilu_debug(&startup, "Created CpuQueueingInvoker");
	return ilu_task_start(&q->monitor, "queue-monitor", 0, STACK, queue_monitor, q);
}

void queue_stop(struct sim *sim)
{
	struct queue *q = &sim->queue;

	ilu_mutex_lock(&q->lock);
	q->closed = true;
	ilu_cond_broadcast(&q->changed);
	ilu_cond_broadcast(&q->launched);
	ilu_mutex_unlock(&q->lock);
	ilu_join(q->monitor, NULL);
}
