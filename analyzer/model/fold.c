/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fold.c - one transaction's facts, in order of time, become its row.
 *
 * The last line of a kind wins, as in the reference. An attempt begins with the first fact of looking for a container
 * or executing and ends with an error or with the container's return; an error that nobody gave up upon begins the next
 * attempt, so that attempts are one more than the retried errors. */
#include "model/fold.h"
#include "base/array.h"
#include <errno.h>
#include <stdlib.h>

static const char *const states[] = {"failed", "unhealthy", "cold", "prewarm", "warm"};

void fold_done(struct fold *fold)
{
	free(fold->attempt);
	free(fold->moment);
	at_once_done(&fold->at_once);
	*fold = (struct fold){0};
}

struct slice fold_function_of(struct slice fqdn)
{
	size_t n = fqdn.len;

	while (n && fqdn.ptr[n - 1] != '-')
		n--;
	return n > 1 ? (struct slice){fqdn.ptr, n - 1} : fqdn;
}

static void clear(struct invocation *o)
{
	*o = (struct invocation){.success = NO_NS, .was_cold = NO_NS};
	o->sent_ns = o->controller_ns = o->dispatched_ns = o->arrived_ns = o->insert_ns = o->remove_ns = NO_NS;
	o->start_ns = o->end_ns = o->return_ns = o->worker_duration_us = o->e2e_duration_us = NO_NS;
	o->code_duration_sec = NAN;
	o->cpu_est_queue_sec = o->cpu_est_runtime_sec = o->gpu_est_queue_sec = o->gpu_est_runtime_sec = NAN;
	o->cpu_est_sec = o->gpu_est_sec = o->insert_cpu_load = o->insert_gpu_load = NAN;
	o->warm_sec = o->base_sec = o->share = NAN;
	o->first_ns = o->first_id = INT64_MAX;
}

/* The attempt that is under way; a new one where the last ended in an error. */
static struct attempt *current(struct fold *fold)
{
	struct attempt *last = fold->n ? &fold->attempt[fold->n - 1] : NULL;

	if (last && !(last->outcome && !strcmp(last->outcome, "error")))
		return last;
	if (array_reserve(fold->attempt, fold->room, fold->n + 1))
		return NULL;
	last = &fold->attempt[fold->n++];
	*last = (struct attempt){.insert_ns = NO_NS,
	                         .remove_ns = NO_NS,
	                         .start_ns = NO_NS,
	                         .end_ns = NO_NS,
	                         .queued_ns = NO_NS,
	                         .dequeued_ns = NO_NS};
	return last;
}

/* A moment of the rules' own belongs to the attempt that is under way; the last line that gives it counts. */
static int fold_moment(struct fold *fold, const struct fact *x)
{
	unsigned moment = (unsigned)(x->arg[0].ns & (FACT_BEGINS - 1));
	struct named_moment *m;

	if (x->arg[0].ns & FACT_BEGINS) {
		struct attempt *last = fold->n ? &fold->attempt[fold->n - 1] : NULL;

		if (last && fold->begun) {
			last->outcome = "error";
			last->end_ns = last->end_ns == NO_NS ? x->time_ns : last->end_ns;
		}
		last = current(fold);
		if (!last)
			return -ENOMEM;
		last->start_ns = x->time_ns;
		fold->begun = true;
		fold->outcome = OUTCOME_NONE; /* what was wrong is tried again */
	}
	int attempt = fold->n ? (int)fold->n - 1 : 0;

	for (size_t i = fold->nmoments; i-- > 0 && fold->moment[i].attempt == attempt;)
		if (fold->moment[i].moment == moment) {
			fold->moment[i].ns = x->arg[1].ns;
			return 0;
		}
	m = array_add(fold->moment, fold->nmoments, fold->moment_room);
	if (!m)
		return -ENOMEM;
	*m = (struct named_moment){moment, attempt, x->arg[1].ns};
	return 0;
}

/* What concerns an attempt. 0 or -ENOMEM. */
static int fold_attempt(struct fold *fold, const struct facts *f, const struct fact *x)
{
	struct attempt *a;

	/* Giving up comes after the error it gives up upon, and opens no attempt of its own. */
	if (x->means == MEANS_ABANDONED) {
		if (fold->n)
			fold->attempt[fold->n - 1].outcome = "failed";
		return 0;
	}
	if (x->means == MEANS_COMPLETED)
		return 0;
	a = current(fold);
	if (!a)
		return -ENOMEM;
	if (x->worker != UINT16_MAX)
		a->worker = f->workers.text[x->worker];
	switch ((enum meaning)x->means) {
	case MEANS_QUEUED:
		a->queued_ns = x->time_ns;
		break;
	case MEANS_DEQUEUED:
		a->dequeued_ns = x->time_ns;
		break;
	case MEANS_STARTED:
		a->insert_ns = x->arg[0].ns;
		a->remove_ns = x->arg[1].ns;
		a->start_ns = x->time_ns;
		a->end_ns = NO_NS;
		break;
	case MEANS_COLD_COMPLETED:
	case MEANS_CREATED:
		a->cold = true;
		a->container_id = fact_text(f, x->arg[0].text);
		break;
	case MEANS_ACQUIRED:
	case MEANS_LOCK_DROPPED:
		a->container_id = fact_text(f, x->arg[0].text);
		break;
	case MEANS_RETURNING:
		a->end_ns = x->time_ns;
		break;
	case MEANS_ERROR:
		a->end_ns = x->time_ns;
		a->error = fact_text(f, x->arg[0].text);
		a->outcome = "error";
		break;
	default:
		break;
	}
	return 0;
}

static void fold_function(const struct facts *f, const struct fact *x, struct invocation *o)
{
	struct slice fqdn = fact_text(f, x->arg[0].text), name = fact_text(f, x->arg[1].text);

	if (name.len) {
		o->function_name = name;
		o->function_source = f->rules->inferred ? "inferred" : "rules";
	}
	if (fqdn.len)
		o->fqdn = fqdn;
}

static void fold_completed(struct fold *fold, const struct facts *f, const struct fact *x, struct invocation *o)
{
	struct slice fqdn = fact_text(f, x->arg[0].text), compute = fact_text(f, x->arg[1].text);

	o->end_ns = x->time_ns;
	if (fqdn.len)
		o->fqdn = fqdn;
	fold->completed = true;
	fold->failed = compute.ptr && !compute.len;
	o->compute = fold->failed               ? "failed"
	             : slice_is(compute, "CPU") ? "cpu"
	             : slice_is(compute, "GPU") ? "gpu"
	                                        : NULL;
}

/* What concerns the invocation as a whole. */
static void fold_whole(struct fold *fold, const struct facts *f, const struct fact *x, struct invocation *o)
{
	switch ((enum meaning)x->means) {
	case MEANS_CONTROLLER:
		o->controller_ns = x->time_ns;
		o->fqdn = fact_text(f, x->arg[0].text);
		break;
	case MEANS_DISPATCHED:
		o->dispatched_ns = x->time_ns;
		o->worker = fact_text(f, x->arg[1].text);
		break;
	case MEANS_ARRIVED:
		o->arrived_ns = x->time_ns;
		break;
	case MEANS_FUNCTION:
		fold_function(f, x, o);
		break;
	case MEANS_COLD_STARTED:
		o->fqdn = fact_text(f, x->arg[0].text);
		break;
	case MEANS_CPU_ESTIMATE:
		o->cpu_est_queue_sec = x->arg[0].real;
		o->cpu_est_runtime_sec = x->arg[1].real;
		break;
	case MEANS_GPU_ESTIMATE:
		o->gpu_est_queue_sec = x->arg[0].real;
		o->gpu_est_runtime_sec = x->arg[1].real;
		break;
	case MEANS_ESTIMATE:
		*(x->part ? &o->insert_cpu_load : &o->cpu_est_sec) = x->arg[0].real;
		*(x->part ? &o->insert_gpu_load : &o->gpu_est_sec) = x->arg[1].real;
		break;
	case MEANS_COMPLETED:
		fold_completed(fold, f, x, o);
		break;
	case MEANS_ANSWERED:
		fold->answered = true;
		break;
	case MEANS_PARENT:
		o->parent = fact_text(f, x->arg[0].text);
		break;
	case MEANS_OUTCOME:
		fold->outcome = (enum outcome)x->arg[0].ns;
		break;
	default:
		break;
	}
}

static bool is_arrival(enum meaning m)
{
	return m == MEANS_ARRIVED || m == MEANS_CONTROLLER;
}

static bool is_of_attempt(enum meaning m)
{
	return m >= MEANS_QUEUED && m <= MEANS_COMPLETED;
}

/* What a transaction comes to while its facts are read. */
struct folding {
	struct fold *fold;
	const struct facts *f;
	struct invocation *o;
	struct slice worker; /* of the last line that has one */
	bool arrived;
	/* when the instant at hand began */
	size_t attempts;
	bool failed; /* it had */
};

static int fold_one(struct folding *g, const struct fact *x)
{
	if (is_arrival(x->means)) {
		g->arrived = true;
		if (g->o->first_ns == INT64_MAX)
			g->o->first_ns = x->time_ns, g->o->first_id = x->id;
	}
	if (x->means != MEANS_CONTROLLER && x->means != MEANS_DISPATCHED && x->worker != UINT16_MAX)
		g->worker = g->f->workers.text[x->worker];
	fold_whole(g->fold, g->f, x, g->o);
	if (is_of_attempt(x->means) && fold_attempt(g->fold, g->f, x))
		return -ENOMEM;
	return x->means == MEANS_MOMENT ? fold_moment(g->fold, x) : 0;
}

/* Whether the attempt that is under way, and had not failed before this instant, has this already. */
static bool has_already(const struct folding *g, const struct fact *x)
{
	const struct fold *fold = g->fold;
	const struct attempt *a = fold->n ? &fold->attempt[fold->n - 1] : NULL;
	unsigned moment = (unsigned)(x->arg[0].ns & (FACT_BEGINS - 1));
	bool has = false;

	if (!a || a->outcome || (g->failed && fold->n == g->attempts))
		return false;
	if (x->means != MEANS_MOMENT)
		return (x->means == MEANS_QUEUED     ? a->queued_ns
		        : x->means == MEANS_DEQUEUED ? a->dequeued_ns
		                                     : a->start_ns) != NO_NS;
	for (size_t i = fold->nmoments; i-- > 0 && fold->moment[i].attempt == (int)fold->n - 1;)
		has |= fold->moment[i].moment == moment;
	return has;
}

static enum at_once_rank rank_of_fact(const struct folding *g, const struct fact *x)
{
	bool begins = x->means == MEANS_QUEUED || x->means == MEANS_DEQUEUED || x->means == MEANS_STARTED ||
	              (x->means == MEANS_MOMENT && x->arg[0].ns & FACT_BEGINS);

	if (begins || x->means == MEANS_MOMENT)
		return has_already(g, x) ? AT_ONCE_BEGINS_AGAIN : begins ? AT_ONCE_BEGINS : AT_ONCE_OTHER;
	if (x->means == MEANS_COMPLETED || x->means == MEANS_ANSWERED)
		return AT_ONCE_ENDS;
	return x->means == MEANS_ERROR || x->means == MEANS_ABANDONED ||
	               (x->means == MEANS_OUTCOME && x->arg[0].ns == OUTCOME_FAILED)
	           ? AT_ONCE_FAILS
	           : AT_ONCE_OTHER;
}

/* An end before all else it says, a step before what is told with it. */
static enum at_once_rank rank_of_line(void *arg, const struct at_once_line *line)
{
	bool begins = false, fails = false;
	enum at_once_rank most = AT_ONCE_BEGINS;

	for (size_t i = 0; i < line->n; i++) {
		enum at_once_rank r = rank_of_fact(arg, &line->v[i]);

		begins |= r == AT_ONCE_BEGINS;
		fails |= r == AT_ONCE_FAILS;
		most = r > most ? r : most;
	}
	return most == AT_ONCE_ENDS && fails   ? AT_ONCE_ENDS_FAILED
	       : begins && most < AT_ONCE_ENDS ? AT_ONCE_BEGINS
	                                       : most;
}

static int fold_line(struct folding *g, const struct fact *v, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		rc = fold_one(g, &v[i]);
	return rc;
}

/* What is of one time. */
static int fold_instant(struct folding *g, const struct fact *v, size_t n)
{
	struct at_once *a = &g->fold->at_once;
	int rc = n > 1 && g->fold->files ? at_once_take(a, g->fold->files, v, n) : 0;
	const struct at_once_line *line;

	if (!rc)
		return fold_line(g, v, n);
	g->attempts = g->fold->n;
	g->failed = g->fold->outcome == OUTCOME_FAILED;
	while (rc == 1 && (line = at_once_next(a, rank_of_line, g)))
		rc = fold_line(g, line->v, line->n) ? -ENOMEM : 1;
	return rc < 0 ? rc : 0;
}

static int fold_facts(struct folding *g, const struct fact *v, size_t n)
{
	int rc = 0;

	for (size_t i = 0, same; i < n && !rc; i += same) {
		same = at_once_facts(v + i, n - i);
		rc = fold_instant(g, v + i, same);
	}
	if (!rc && !g->o->worker.ptr)
		g->o->worker = g->worker;
	return rc;
}

/* The result file knows better than the log. */
static void apply_result(struct invocation *o, const struct result *r, int64_t offset_ns)
{
	int64_t latency_ns;

	if (r->success != NO_NS)
		o->status = r->success ? "ok" : "failed";
	o->success = r->success;
	o->was_cold = r->was_cold;
	o->worker_duration_us = r->worker_duration_us;
	o->e2e_duration_us = r->e2e_duration_us;
	o->code_duration_sec = r->code_duration_sec;
	if (r->compute != NO_NS)
		o->compute = r->compute == 1 ? "cpu" : r->compute == 2 ? "gpu" : r->compute == 0 ? "failed" : NULL;
	if (r->container_state >= 0 && r->container_state < 5)
		o->state = states[r->container_state];
	if (r->function_name.ptr) {
		o->function_name = r->function_name;
		o->function_source = "result";
	}
	if (r->sent_ns != NO_NS) {
		o->sent_ns = ns_moved(r->sent_ns, offset_ns);
		if (r->client_latency_us != NO_NS)
			if (__builtin_mul_overflow(r->client_latency_us, INT64_C(1000), &latency_ns) ||
			    __builtin_add_overflow(o->sent_ns, latency_ns, &o->return_ns))
				o->return_ns = NO_NS;
	}
}

/* Each attempt's outcome and state, when all is known; an error of the last one was not followed by another try. */
static void finish_attempts(struct fold *fold, const struct invocation *o)
{
	for (size_t i = 0; i < fold->n; i++) {
		struct attempt *a = &fold->attempt[i];
		bool last = i + 1 == fold->n;

		if (a->start_ns == NO_NS || fold->begun) {
			if (a->insert_ns == NO_NS)
				a->insert_ns = a->queued_ns;
			if (a->remove_ns == NO_NS)
				a->remove_ns = a->dequeued_ns;
		}
		if (last && a->error.ptr)
			a->outcome = "failed";
		else if (last)
			a->outcome = o->status;
		if (last && a->start_ns != NO_NS && a->end_ns == NO_NS)
			a->end_ns = o->end_ns;
		a->state = a->cold                                                                           ? "cold"
		           : last && o->state && strcmp(o->state, "failed") && strcmp(o->state, "unhealthy") ? o->state
		                                                                                             : NULL;
	}
}

/* The columns that follow from others. */
static void derive(struct invocation *o)
{
	/* The reference fills the other kind's estimate with zeros. */
	if (!isnan(o->cpu_est_queue_sec) && isnan(o->gpu_est_queue_sec))
		o->gpu_est_queue_sec = o->gpu_est_runtime_sec = 0;
	if (!isnan(o->gpu_est_queue_sec) && isnan(o->cpu_est_queue_sec))
		o->cpu_est_queue_sec = o->cpu_est_runtime_sec = 0;
	if (!o->function_name.ptr && o->fqdn.ptr) {
		o->function_name = fold_function_of(o->fqdn);
		o->function_source = "log";
	}
}

int fold_invocation(struct fold *fold, const struct facts *f, const struct fact *v, size_t n,
                    const struct result *result, int64_t offset_ns, struct invocation *out)
{
	struct folding g = {.fold = fold, .f = f, .o = out};

	clear(out);
	fold->n = 0;
	fold->nmoments = 0;
	fold->completed = fold->failed = fold->answered = fold->begun = false;
	fold->outcome = OUTCOME_NONE;
	if (fold_facts(&g, v, n))
		return -ENOMEM;
	if (!g.arrived && !result)
		return 0;
	fold->failed |= fold->answered && !fold->completed;
	if (fold->outcome)
		fold->failed = fold->outcome == OUTCOME_FAILED;
	out->status = fold->failed ? "failed" : fold->completed ? "ok" : "unfinished";
	if (fold->completed || fold->failed)
		out->success = !fold->failed;
	if (!fold->n && !current(fold))
		return -ENOMEM;
	if (fold->attempt[fold->n - 1].cold)
		out->state = "cold";
	if (result)
		apply_result(out, result, offset_ns);
	finish_attempts(fold, out);
	for (size_t i = fold->n; i-- > 0;)
		if (fold->attempt[i].start_ns != NO_NS) {
			const struct attempt *a = &fold->attempt[i];

			out->insert_ns = a->insert_ns;
			out->remove_ns = a->remove_ns;
			out->start_ns = a->start_ns;
			break;
		}
	derive(out);
	out->attempt = fold->attempt;
	out->nattempts = (int64_t)fold->n;
	out->moment = fold->moment;
	out->nmoments = fold->nmoments;
	return 1;
}
