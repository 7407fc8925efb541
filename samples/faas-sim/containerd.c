/* SPDX-License-Identifier: Apache-2.0 */
/* containerd.c - how one container is made, started and removed, and what sometimes fails there.
 *
 * The failure is the one that Ilúvatar's users meet: containerd's garbage collector removed the snapshot between its
 * preparation and the mount, and one unreadable string is all that the worker sees of it. */
#define ILU_TARGET "iluvatar_worker_library::services::containers::containerd"
#include "sim.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define OPEN_NS   (15 * MS) /* from the mount until all that a container needs is open */
#define SNAPSHOTS "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots"

/* The options of an overlay mount for a snapshot directory: the layers below are those of the image. */
static void overlay_options(char *out, size_t size, int snapshot, const char *quote, const char *separator)
{
	snprintf(out, size,
	         "%sindex=off%s%s%sworkdir=" SNAPSHOTS "/%d/work%s%s%supperdir=" SNAPSHOTS
	         "/%d/fs%s%s%slowerdir=" SNAPSHOTS "/3/fs:" SNAPSHOTS "/1/fs%s",
	         quote, quote, separator, quote, snapshot, quote, separator, quote, snapshot, quote, separator, quote,
	         quote);
}

static void log_mounts(const ilu_tid *tid, const struct container *c, int snapshot)
{
	char options[600], mounts[800];

	overlay_options(options, sizeof options, snapshot, "\"", ", ");
	snprintf(mounts, sizeof mounts,
	         "[Mount { r#type: \"overlay\", source: \"overlay\", target: \"\", options: [%s] }]", options);
	ilu_debug(tid, "got mounts", KV("container_id", c->id), KV("mounts", mounts));
	ilu_debug(tid, "Mounts loaded");
}

static void delete_container(const ilu_tid *tid, const struct container *c, int64_t takes_ns)
{
	ILU_SPAN(span, "remove_container_internal", tid, KV("container_id", c->id), KV("ctd_namespace", "default"));

	ilu_info(tid, "Removing container", KV("container_id", c->id));
	pause_ns(takes_ns);
	ilu_info(tid, "Container deleted", KV("container_id", c->id));
}

void container_remove(struct worker *w, const ilu_tid *tid, struct container *c)
{
	if (w->sim->opt.backend == BACKEND_CONTAINERD)
		delete_container(tid, c, 12 * MS);
	else if (w->sim->opt.from)
		delete_container(tid, c, 0); /* no log tells how long */
	snapshot_release(w->sim, c->snapshot);
	free(c);
}

/* The snapshot is gone when its mount comes, or the layers below it cannot be read. */
static void mount_failed(struct worker *w, const ilu_tid *tid, struct container *c, const char *errno_text,
                         struct failure *why)
{
	char options[600], error[1000];
	int snapshot = c->snapshot->number;

	ilu_debug(tid, "Dropped containerd containerd creation semaphore after error");
	container_remove(w, tid, c);
	overlay_options(options, sizeof options, snapshot, "", " ");
	snprintf(error, sizeof error,
	         "status: Unknown, message: \"failed to create shim task: failed to mount rootfs component &{overlay "
	         "overlay [%s]}: %s: unknown\", details: []",
	         options, errno_text);
	ilu_error(tid, "Create task failed", KV("error", error));
	why->text = "Create task failed";
}

/* What a cold start adds; of benchmarked functions three quarters of the average, in whole seconds, as Ilúvatar's
 * simulation does. */
static int64_t start_time_ns(struct worker *w, const struct function *fn)
{
	if (fn->spread)
		return spread_ns(&fn->spread[PART_START], sim_random(w->sim));
	if (!fn->code)
		return (int64_t)((fn->cold_ms - fn->warm_ms) * (0.8 + 0.4 * sim_random(w->sim)) * (double)MS);
	ilu_mutex_lock(&w->queue.lock);
	double cold_s = w->queue.estimates[fn->index].cold;
	ilu_mutex_unlock(&w->queue.lock);
	return llround(cold_s * 0.75) * 1000 * MS;
}

static int no_memory(struct container *c, struct failure *why)
{
	free(c);
	why->text = "out of memory";
	return -EIO;
}

/* From the answer with the mounts to the mount itself: containerd starts a shim first. */
static int64_t mount_after_ns(struct sim *sim)
{
	return (int64_t)((8 + 10 * sim_random(sim)) * (double)MS);
}

/* Creates the task. Takes c where it fails. */
static int run_container(struct worker *w, const ilu_tid *tid, struct container *c, int64_t time_ns,
                         struct failure *why)
{
	ILU_SPAN(span, "run_container", tid, KV("compute", "Compute(CPU)"), KV("device_resource", "None"),
	         KV("iso", "Isolation(CONTAINERD)"));
	struct sim *sim = w->sim;

	ilu_info(tid, "Creating container from image", KV("image", c->fn->image), KV("namespace", "default"));
	pause_ns(time_ns / 4);
	c->snapshot = snapshot_prepare(sim, tid, c->fn, c->id);
	if (!c->snapshot)
		return no_memory(c, why);
	pause_ns(5 * MS);
	log_mounts(tid, c, c->snapshot->number);
	pause_ns(mount_after_ns(sim));
	if (snapshot_store_damaged(sim, c->snapshot)) {
		mount_failed(w, tid, c, "structure needs cleaning", why);
		return -EIO;
	}
	if (!snapshot_mount(sim, c->snapshot) || sim_random(sim) < sim->opt.fail_rate) {
		mount_failed(w, tid, c, "no such file or directory", why);
		return -EIO;
	}
	pause_ns(OPEN_NS);
	c->hollow = !snapshot_started(sim, c->snapshot);
	pause_ns(time_ns / 4);
	ilu_debug(tid, "Dropped containerd creation semaphore after success");
	return 0;
}

static void wait_startup(const ilu_tid *tid, const struct container *c, int64_t time_ns)
{
	ILU_SPAN(span, "wait_startup", tid);

	ilu_info(tid, "Waiting for startup of container", KV("container_id", c->id));
	pause_ns(time_ns);
	ilu_info(tid, "container successfully started!", KV("container_id", c->id));
}

/* It ends as it did in the log. */
static int start_failed(const ilu_tid *tid, struct container *c, struct failure *why)
{
	free(c);
	ilu_error(tid, "Create task failed",
	          KV("error", "the container could not be made in the log that is replayed"));
	why->text = "Create task failed";
	return -EIO;
}

/* In containerd's steps, or in one. Takes c where it fails. */
static int start(struct worker *w, const ilu_tid *tid, const struct start *how, struct container *c,
                 struct failure *why)
{
	int64_t time_ns = slowness_of_start(w, c->fn, how ? how->ns : start_time_ns(w, c->fn));
	int rc;

	if (how && how->fails) {
		pause_ns(time_ns);
		return start_failed(tid, c, why);
	}

	if (w->sim->opt.backend == BACKEND_SIMULATION) {
		pause_ns(time_ns);
		return 0;
	}
	rc = run_container(w, tid, c, time_ns, why);
	if (!rc)
		wait_startup(tid, c, time_ns / 2);
	return rc;
}

int container_create(struct worker *w, const ilu_tid *tid, const struct function *fn, const struct start *how,
                     struct container **out, struct failure *why)
{
	struct container *c = calloc(1, sizeof *c);
	char guid[37];
	int rc;

	if (!c)
		return no_memory(NULL, why);
	sim_guid(w->sim, guid);
	snprintf(c->id, sizeof c->id, "%s-%s", fn->fqdn, guid);
	c->fn = fn;
	c->healthy = true;
	c->state = STATE_COLD;
	rc = start(w, tid, how, c, why);
	if (!rc)
		*out = c;
	return rc;
}
