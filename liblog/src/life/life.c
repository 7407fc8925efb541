/* SPDX-License-Identifier: Apache-2.0 */
/* life.c - the life of the process's one logger: from start to stop.
 *
 * Whoever changes its state holds logger.control. Callers never do: they look at the gates of their sites, and, in the
 * slow paths, at logger.state. A stop closes all gates, waits for callers that are in the middle of a record, and lets
 * the appender drain the rings; the region stays, so that a late caller touches nothing that is gone. */
#include "life/life.h"

#include "appender/current.h"
#include "base/lasterror.h"
#include "base/now.h"
#include "call/memory.h"
#include "call/ring.h"
#include "call/site.h"
#include "call/span.h"
#include "call/state.h"
#include "config/reload.h"
#include "control/filter.h"
#include "control/server.h"
#include "life/boxed.h"
#include "life/crash.h"
#include "life/fork.h"
#include "life/launch.h"
#include "life/present.h"

#include <errno.h>
#include <ilu/log.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void life_use_source(const struct now_source *source)
{
	now_replace(source);
	launch_clock_anew();
	span_ids_restart();
}

/* ---- starting ---- */

static void at_exit(void)
{
	ilu_log_stop();
}

/* Once a process. */
static void end_at_exit(void)
{
	static bool done;

	if (!done)
		atexit(at_exit);
	done = true;
}

static void say_no_memory(int rc)
{
	char rings[32] = "";

	if (present_config.rings)
		snprintf(rings, sizeof rings, "%u ", present_config.rings);
	snprintf(last_error, sizeof last_error,
	         "no memory for %srings of %llu bytes and %u span slots, as the keys \"rings\", \"ring_bytes\" and "
	         "\"span_slots\" have them: %s",
	         rings, (unsigned long long)present_config.ring_bytes, present_config.span_slots, strerror(-rc));
}

static int start_locked(struct config *fresh, struct directive_set *set)
{
	const char *without = "";
	int rc;

	present_use(fresh);
	rc = memory_make(present_config.ring_bytes, present_config.rings, present_config.span_slots);
	if (rc) {
		directive_free(set);
		say_no_memory(rc);
		return rc;
	}
	rings_spare();
	fork_watch();
	end_at_exit();
	launch_clock(&present_config);
	boxed_forget();
	sites_levels(present_config.recorder.level, present_config.flush_on);
	rc = sites_limit(&present_config.rate_limits);
	if (!rc)
		rc = served_start(&without);
	if (!rc)
		rc = launch(&present_config, without, NULL);
	if (rc) {
		directive_free(set);
		return rc;
	}
	__atomic_store_n(&logger.state, LOGGER_RUNNING, __ATOMIC_RELEASE);
	filter_begin(set);
	if (present_config.crash_handler)
		crash_watch();
	return 0;
}

static int start_with(struct config *fresh, const char *path)
{
	struct directive_set *set = NULL;
	struct server *dismissed = NULL;
	int rc = filter_parse(fresh->level, &set);

	if (!rc)
		rc = lock_take(&logger.control);
	if (!rc) {
		if (logger.state == LOGGER_RUNNING || logger.state == LOGGER_FORKED) {
			snprintf(last_error, sizeof last_error, "the logger runs already");
			directive_free(set);
			rc = -EALREADY;
		} else {
			rc = reload_remember(path, environ);
			if (rc)
				directive_free(set);
			else
				rc = start_locked(fresh, set);
			if (rc)
				dismissed = served_dismiss();
		}
		lock_drop(&logger.control);
		server_join(dismissed);
	}
	config_done(fresh);
	if (rc && !*last_error)
		snprintf(last_error, sizeof last_error, "cannot start: %s", strerror(-rc));
	if (rc)
		fprintf(stderr, "ilulog: %s\n", last_error);
	return rc;
}

static int start_from(const char *json, const char *path)
{
	struct config_error error = {""};
	struct config fresh;
	int rc;

	*last_error = '\0';
	if (path)
		rc = config_parse_file(&fresh, path, environ, &error);
	else
		rc = config_parse(&fresh, json, "config", environ, &error);
	if (rc) {
		snprintf(last_error, sizeof last_error, "%s", *error.text ? error.text : strerror(-rc));
		fprintf(stderr, "ilulog: %s\n", last_error);
		return rc;
	}
	return start_with(&fresh, path);
}

int ilu_log_start(const char *config_json)
{
	return start_from(config_json, NULL);
}

int ilu_log_start_file(const char *path)
{
	return path ? start_from(NULL, path) : -EINVAL;
}

/* ---- stopping ---- */

/* Callers that saw an open gate finish their records; new ones find the gates shut. */
static void quiesce(void)
{
	for (int i = 0; i < 10000 && rings_busy(); i++)
		sched_yield();
}

int ilu_log_stop(void)
{
	struct server *dismissed;
	struct appender *a;
	bool hangs;
	int rc;

	logger_state(); /* a child that was not told has nothing to stop */
	rc = lock_take(&logger.control);
	if (rc)
		return rc;
	if (logger.state != LOGGER_RUNNING) {
		rc = logger.state == LOGGER_FORKED ? 0 : -ESRCH;
		__atomic_store_n(&logger.state, LOGGER_OFF, __ATOMIC_RELEASE);
		sites_filter(NULL);
		lock_drop(&logger.control);
		return rc;
	}
	crash_unwatch();
	__atomic_store_n(&logger.state, LOGGER_OFF, __ATOMIC_SEQ_CST);
	sites_filter(NULL);
	quiesce();
	a = current_appender();
	rc = appender_stop(a, present_config.stop_timeout_ms, &hangs);
	current_retire();
	if (!hangs)
		launch_free(a);
	dismissed = served_dismiss();
	lock_drop(&logger.control);
	server_join(dismissed);
	return rc;
}
