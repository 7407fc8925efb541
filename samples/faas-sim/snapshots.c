/* SPDX-License-Identifier: Apache-2.0 */
/* snapshots.c - containerd's snapshots and its garbage collector, with a log as containerd's at debug: containerd.log.
 *
 * A snapshot is prepared, mounted a few milliseconds later, and used. The worker makes it without a lease, and its
 * container does not refer to it, so nothing keeps it: every run of the collector removes it. The collector is
 * scheduled by the deletion of a container, and rests 50 times as long as it runs, 245 ms at least. What its run means
 * depends on how far the snapshot is:
 *
 *   prepared, not mounted   the mount fails: no such file or directory
 *   mounted, not started    the container starts, and finds its files gone: it fails each call
 *   started                 all that it needs is open already: nothing
 *
 * With --gc label the worker marks its snapshots with containerd.io/gc.root, with --gc off the collector never runs.
 * The other cause of such a message is damage of the image store: then a layer below cannot be read, for all containers
 * of the image, and nothing was removed. */
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COLLECT_NS   (5 * MS)   /* a run takes */
#define REST_NS      (245 * MS) /* at least between two runs */
#define FIRST_NUMBER 10

static void log_line(struct sim *sim, const char *rest_format, const char *a, const char *b)
    __attribute__((format(printf, 2, 0)));

/* containerd's JSON: sorted keys, the time last. */
static void log_line(struct sim *sim, const char *rest_format, const char *a, const char *b)
{
	FILE *log = sim->snapshots.log;
	int64_t now = now_ns();
	time_t seconds = now / 1000000000;
	struct tm tm;
	char stamp[32];

	if (!log)
		return;
	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	fputc('{', log);
	fprintf(log, rest_format, a, b);
	fprintf(log, ",\"time\":\"%s.%09dZ\"}\n", stamp, (int)(now % 1000000000));
}

/* ---- the collector ---- */

static void collect(struct sim *sim)
{
	struct snapshots *s = &sim->snapshots;

	for (struct snapshot *n = s->first; n; n = n->next) {
		if (n->removed || sim->opt.gc == GC_LABEL)
			continue;
		n->removed = true;
		log_line(sim, "\"key\":\"%s\",\"level\":\"debug\",\"msg\":\"remove snapshot\",\"snapshotter\":\"%s\"",
		         n->key, "overlayfs");
		if (n->state != SNAPSHOT_STARTED)
			fault_tell(sim, FAULT_GC_RACE, &n->tid, n->fn, n->key,
			           n->state == SNAPSHOT_PREPARED ? "prepared" : "mounted");
	}
	log_line(sim, "\"level\":\"debug\",\"msg\":\"%s\",\"snapshotter\":\"%s\"", "schedule snapshotter cleanup",
	         "overlayfs");
}

static int collector(void *arg)
{
	struct sim *sim = arg;
	struct snapshots *s = &sim->snapshots;

	ilu_mutex_lock(&s->lock);
	while (!s->ends) {
		if (!s->deletions) {
			ilu_cond_wait(&s->deleted, &s->lock);
			continue;
		}
		s->deletions = 0;
		ilu_mutex_unlock(&s->lock);
		pause_ns(COLLECT_NS);
		ilu_mutex_lock(&s->lock);
		collect(sim);
		log_line(sim, "\"d\":\"%s\",\"level\":\"debug\",\"msg\":\"%s\"", "5ms", "snapshot garbage collected");
		ilu_mutex_unlock(&s->lock);
		stop_wait(&sim->silence, REST_NS);
		ilu_mutex_lock(&s->lock);
	}
	ilu_mutex_unlock(&s->lock);
	return 0;
}

/* ---- what the worker asks for ---- */

static int take_number(struct sim *sim)
{
	return FIRST_NUMBER + ++sim->snapshots.count;
}

struct snapshot *snapshot_prepare(struct sim *sim, const ilu_tid *tid, const struct function *fn, const char *key)
{
	struct snapshots *s = &sim->snapshots;
	struct snapshot *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
	n->fn = fn;
	n->tid = *tid;
	snprintf(n->key, sizeof n->key, "%s", key);
	ilu_mutex_lock(&s->lock);
	n->number = take_number(sim);
	n->next = s->first;
	s->first = n;
	log_line(sim, "\"key\":\"%s\",\"level\":\"debug\",\"msg\":\"prepare snapshot\",\"parent\":\"sha256:%s\"", key,
	         fn->layer);
	ilu_mutex_unlock(&s->lock);
	return n;
}

bool snapshot_mount(struct sim *sim, struct snapshot *n)
{
	struct snapshots *s = &sim->snapshots;
	bool there;

	ilu_mutex_lock(&s->lock);
	if (!n->removed && fault_strikes(sim, FAULT_GC_RACE))
		collect(sim); /* it came just now */
	there = !n->removed;
	n->state = there ? SNAPSHOT_MOUNTED : SNAPSHOT_STARTED;
	ilu_mutex_unlock(&s->lock);
	return there;
}

bool snapshot_started(struct sim *sim, struct snapshot *n)
{
	struct snapshots *s = &sim->snapshots;
	bool there;

	ilu_mutex_lock(&s->lock);
	there = !n->removed;
	n->state = SNAPSHOT_STARTED;
	ilu_mutex_unlock(&s->lock);
	return there;
}

static void unlink_snapshot(struct snapshots *s, const struct snapshot *n)
{
	struct snapshot **at = &s->first;

	while (*at && *at != n)
		at = &(*at)->next;
	if (*at)
		*at = n->next;
}

/* The end of the worker: no container is deleted, and the collector, which may run once more, is not to see it. */
void snapshot_forget(struct sim *sim, struct snapshot *n)
{
	if (!n)
		return;
	ilu_mutex_lock(&sim->snapshots.lock);
	unlink_snapshot(&sim->snapshots, n);
	ilu_mutex_unlock(&sim->snapshots.lock);
	free(n);
}

/* Its container is deleted: the worker forgets the snapshot, which stays in the store until the collector runs. */
void snapshot_release(struct sim *sim, struct snapshot *n)
{
	struct snapshots *s = &sim->snapshots;

	if (!n)
		return;
	ilu_mutex_lock(&s->lock);
	unlink_snapshot(s, n);
	s->deletions++;
	log_line(sim, "\"level\":\"debug\",\"msg\":\"%s\",\"ns\":\"default\",\"topic\":\"%s\"", "event published",
	         "/containers/delete");
	ilu_cond_signal(&s->deleted);
	ilu_mutex_unlock(&s->lock);
	free(n);
}

bool snapshot_store_damaged(struct sim *sim, struct snapshot *n)
{
	struct snapshots *s = &sim->snapshots;

	if (!s->damaged || now_ns() < s->damaged_ns)
		return false;
	for (int i = 0; i < sim->nfns; i++) {
		if (sim->fns[i] != n->fn || !s->damaged[i])
			continue;
		ilu_mutex_lock(&s->lock);
		n->state = SNAPSHOT_STARTED; /* whatever the collector does to it now, it failed before */
		ilu_mutex_unlock(&s->lock);
		return true;
	}
	return false;
}

/* ---- begin and end ---- */

/* Which images lose a layer when a third of the time is over. */
static int choose_damage(struct sim *sim)
{
	struct snapshots *s = &sim->snapshots;

	s->damaged_ns = now_ns() + (int64_t)(sim->opt.seconds / 3 * 1e9);
	s->damaged = calloc((size_t)sim->nfns, sizeof *s->damaged);
	if (!s->damaged)
		return -ENOMEM;
	for (int i = 0; i < sim->nfns; i++) {
		s->damaged[i] = fault_strikes(sim, FAULT_STORE_DAMAGE);
		if (s->damaged[i])
			fault_tell_at(sim, s->damaged_ns, FAULT_STORE_DAMAGE, NULL, sim->fns[i], NULL, NULL);
	}
	return 0;
}

int snapshots_start(struct sim *sim)
{
	struct snapshots *s = &sim->snapshots;
	char path[4096];

	ilu_mutex_init(&s->lock, "snapshots");
	ilu_cond_init(&s->deleted, "container deleted");
	if (!sim->opt.faults.on[FAULT_GC_RACE] && !sim->opt.faults.on[FAULT_STORE_DAMAGE])
		return 0;
	snprintf(path, sizeof path, "%s/containerd.log", sim->opt.directory);
	s->log = fopen(path, "w");
	if (!s->log) {
		fprintf(stderr, "faas-sim: %s: %s\n", path, strerror(errno));
		return -errno;
	}
	if (choose_damage(sim))
		return -ENOMEM;
	if (!sim->opt.faults.on[FAULT_GC_RACE] || sim->opt.gc == GC_OFF)
		return 0;
	return ilu_task_start(&s->collector, "collector", 0, STACK, collector, sim);
}

void snapshots_stop(struct sim *sim)
{
	struct snapshots *s = &sim->snapshots;

	ilu_mutex_lock(&s->lock);
	s->ends = true;
	ilu_cond_signal(&s->deleted);
	ilu_mutex_unlock(&s->lock);
	if (s->collector)
		ilu_join(s->collector, NULL);
	if (s->log)
		fclose(s->log);
	free(s->damaged);
}
