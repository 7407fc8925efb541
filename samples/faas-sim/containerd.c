/* SPDX-License-Identifier: Apache-2.0 */
/* containerd.c - how one container is made, started and removed, and what sometimes fails there.
 *
 * The failure is the one that Ilúvatar's users meet: containerd's garbage collector removed the snapshot between its
 * preparation and the mount, and one unreadable string is all that the worker sees of it. */
#define ILU_TARGET "iluvatar_worker_library::services::containers::containerd"
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SNAPSHOTS "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots"

/* The three options of an overlay mount for a snapshot directory: the layers below are those of the image. */
static void overlay_options(char *out, size_t size, int snapshot, const char *quote, const char *separator)
{
	snprintf(out, size, "%sindex=off%s%s%sworkdir=" SNAPSHOTS "/%d/work%s%s%supperdir=" SNAPSHOTS "/%d/fs%s%s%slowerdir=" SNAPSHOTS "/3/fs:" SNAPSHOTS "/1/fs%s",
		 quote, quote, separator, quote, snapshot, quote, separator, quote, snapshot, quote, separator, quote, quote);
}

static void log_mounts(const ilu_tid *tid, const struct container *c, int snapshot)
{
	char options[600], mounts[800];

	overlay_options(options, sizeof options, snapshot, "\"", ", ");
	snprintf(mounts, sizeof mounts, "[Mount { r#type: \"overlay\", source: \"overlay\", target: \"\", options: [%s] }]", options);
	ilu_debug(tid, "got mounts", KV("container_id", c->id), KV("mounts", mounts));
	ilu_debug(tid, "Mounts loaded");
}

void container_remove(const ilu_tid *tid, struct container *c)
{
	{
		ILU_SPAN(span, "remove_container_internal", tid, KV("container_id", c->id), KV("ctd_namespace", "default"));

		ilu_info(tid, "Removing container", KV("container_id", c->id));
		pause_ns(12 * MS);
		ilu_info(tid, "Container deleted", KV("container_id", c->id));
	}
	free(c);
}

/* The snapshot is gone when its mount comes. */
static void mount_failed(const ilu_tid *tid, struct container *c, int snapshot, struct failure *why)
{
	char options[600], error[1000];

	ilu_debug(tid, "Dropped containerd containerd creation semaphore after error");
	container_remove(tid, c);
	overlay_options(options, sizeof options, snapshot, "", " ");
	snprintf(error, sizeof error,
		 "status: Unknown, message: \"failed to create shim task: failed to mount rootfs component &{overlay overlay [%s]}: no such file or directory: unknown\", details: []",
		 options);
	ilu_error(tid, "Create task failed", KV("error", error));
	snprintf(why->text, sizeof why->text, "Create task failed");
}

static int next_snapshot(struct pool *p)
{
	ilu_mutex_lock(&p->lock);
	int n = ++p->snapshots;
	ilu_mutex_unlock(&p->lock);
	return n;
}

static int64_t start_time_ns(struct sim *sim, const struct function *fn)
{
	return (int64_t)((fn->cold_ms - fn->warm_ms) * (0.8 + 0.4 * sim_random(sim)) * (double)MS);
}

/* Creates the task. Takes c where it fails. */
static int run_container(struct sim *sim, const ilu_tid *tid, struct container *c, int64_t time_ns, struct failure *why)
{
	ILU_SPAN(span, "run_container", tid, KV("compute", "Compute(CPU)"), KV("device_resource", "None"), KV("iso", "Isolation(CONTAINERD)"));
	int snapshot = next_snapshot(&sim->pool);

	ilu_info(tid, "Creating container from image", KV("image", c->fn->image), KV("namespace", "default"));
	pause_ns(time_ns / 4);
	log_mounts(tid, c, snapshot);
	pause_ns(5 * MS);
	if (sim_random(sim) < sim->opt.fail_rate) {
		mount_failed(tid, c, snapshot, why);
		return -EIO;
	}
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

int container_create(struct sim *sim, const ilu_tid *tid, const struct function *fn, struct container **out, struct failure *why)
{
	struct container *c = calloc(1, sizeof *c);
	int64_t time_ns = start_time_ns(sim, fn);
	char guid[37];
	int rc;

	if (!c) {
		snprintf(why->text, sizeof why->text, "out of memory");
		return -EIO;
	}
	sim_guid(sim, guid);
	snprintf(c->id, sizeof c->id, "%s-%s", fn->fqdn, guid);
	c->fn = fn;
	c->healthy = true;
	c->state = STATE_COLD;
	rc = run_container(sim, tid, c, time_ns, why);
	if (rc)
		return rc;
	wait_startup(tid, c, time_ns / 2);
	*out = c;
	return 0;
}
