/* SPDX-License-Identifier: Apache-2.0 */
/* fork.c - what becomes of the logger when the process forks.
 *
 * The parent's appender comes to rest with all rings read, between two batches, so that what the child inherits is
 * whole: files, the spans' texts, empty rings. The child has no appender; its first call starts one, which goes on with
 * the descriptors that are open, and its first line says so with its own pid. Where it may have no thread, its callers
 * carry the records themselves.
 *
 * A fork without handlers (clone(2), _Fork) is noticed by the child's first call; what the parent's appender was doing
 * is then not known, and its sinks are opened anew.
 *
 * Whatever must be made anew in a child, because its holder or its thread is gone, is a row of one table. */
#include "life/fork.h"

#include "appender/audit.h"
#include "appender/current.h"
#include "base/now.h"
#include "box/box.h"
#include "call/early.h"
#include "call/limit.h"
#include "call/ring.h"
#include "call/site.h"
#include "call/state.h"
#include "life/launch.h"
#include "life/present.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_NS 1000000000

static bool paused;

static const struct part {
	void (*hold)(void); /* before the fork: nobody is in the middle of it; NULL: need not be */
	void (*release)(void);
	void (*reset)(void); /* in the child */
} parts[] = {
    {NULL, NULL, box_leave}, /* first: the others write there */
    {sites_hold, sites_release, sites_reset},
    {rings_hold, rings_release, rings_reset},
    {NULL, NULL, early_reset},
    {NULL, NULL, audit_reset},
    {NULL, NULL, limits_reset},
    {NULL, NULL, current_reset},
    {NULL, NULL, served_reset},
    {NULL, NULL, logger_reset}, /* last: it gives back the lock */
};

#define PARTS (sizeof parts / sizeof *parts)

static void before(void)
{
	lock_take(&logger.control);
	if (logger.state == LOGGER_RUNNING) {
		paused = appender_pause(current_appender(), PAUSE_NS);
		outlet_share(&current_appender()->outlet);
	}
	for (size_t i = 0; i < PARTS; i++)
		if (parts[i].hold)
			parts[i].hold();
}

static void after_in_parent(void)
{
	for (size_t i = PARTS; i-- > 0;)
		if (parts[i].release)
			parts[i].release();
	if (logger.state == LOGGER_RUNNING)
		appender_resume(current_appender());
	paused = false;
	lock_drop(&logger.control);
}

static void reset(void)
{
	for (size_t i = 0; i < PARTS; i++)
		parts[i].reset();
}

static void after_in_child(void)
{
	now_own_thread();
	if (!logger_fork_known()) /* else somebody logged before this handler's turn */
		reset();
}

/* The child takes over what it inherited: the sinks, and, where the parent was at rest, the texts of open spans. It
 * opens nothing: it may have given up the right to, or have another root. */
static int relaunch(void)
{
	struct appender *old = current_appender();
	struct inheritance from = {.spans = {.span = NULL}};
	int rc;

	current_set(NULL);
	if (!old)
		return -ESRCH;
	rc = outlet_inherit(&from.outlet, &old->outlet, &present_config.sinks);
	if (paused) {
		from.spans = old->enc.spans;
		memset(&old->enc.spans, 0, sizeof old->enc.spans);
		flame_forget(&old->enc.flame);
		launch_free(old);
	} /* else it was in the middle of something: leave it alone */
	if (!rc)
		rc = launch(&present_config, "", &from);
	span_texts_done(&from.spans);
	return rc;
}

/* The first call in a child. */
static bool revive(void)
{
	bool running;
	int rc;

	if (logger_state() != LOGGER_FORKED || lock_take(&logger.control))
		return false;
	if (logger.state == LOGGER_FORKED) {
		rc = relaunch();
		if (!rc) {
			served_again();
			__atomic_store_n(&logger.state, LOGGER_RUNNING, __ATOMIC_RELEASE);
		} else {
			__atomic_store_n(&logger.state, LOGGER_OFF, __ATOMIC_RELEASE);
			fprintf(stderr, "ilulog: process %ld, a forked child, cannot log: %s\n", (long)getpid(),
			        strerror(-rc));
		}
	}
	running = logger.state == LOGGER_RUNNING;
	lock_drop(&logger.control);
	return running;
}

void fork_watch(void)
{
	if (logger.revive)
		return;
	logger.revive = revive;
	logger.forked = reset;
	logger_watch_forks();
	pthread_atfork(before, after_in_parent, after_in_child);
}
