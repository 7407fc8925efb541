/* SPDX-License-Identifier: Apache-2.0 */
/* launch.c - sets an appender going: the clock of stamps, the sinks, the first line; see launch.h. */
#include "life/launch.h"

#include "appender/current.h"
#include "appender/flight.h"
#include "base/lasterror.h"
#include "base/now.h"
#include "base/stamp.h"
#include "box/box.h"
#include "call/memory.h"
#include "call/ring.h"
#include "call/state.h"
#include "control/reread.h"
#include "life/boxed.h"

#include <errno.h>
#include <ilu/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *clock_reason = "";
static bool clock_chosen;

/* The fields of the first line. */
static void introduce(struct own *own, char *out, size_t cap, const char *run)
{
	char boot[40];
	uint64_t early = __atomic_exchange_n(&logger.early, 0, __ATOMIC_RELAXED);

	logger.early_ever += early;
	if (now_replaced())
		strcpy(boot, VIRTUAL_BOOT_ID);
	else
		box_read_boot_id(boot);
	snprintf(own->who, sizeof own->who, ",\"pid\":%ld,\"boot_id\":\"%s\",\"run\":\"%s\"",
	         now_replaced() ? (long)VIRTUAL_PID : (long)getpid(), boot, run);
	snprintf(out, cap,
	         "%s,\"version\":\"%s\",\"clock\":\"%s\",\"clock_reason\":\"%s\""
	         ",\"calls_before\":%llu,\"ring_bytes\":%llu,\"rings\":%llu,\"span_slots\":%llu",
	         own->who, ILU_VERSION,
	         now_replaced() ? "virtual"
	         : logger.tsc   ? "tsc"
	                        : "monotonic",
	         clock_reason, (unsigned long long)early, (unsigned long long)region.header->ring_bytes,
	         (unsigned long long)region.header->rings, (unsigned long long)region.header->slots);
}

void launch_clock(const struct config *config)
{
	const char *reason;
	bool good;

	if (clock_chosen)
		return; /* stamps of two clocks must not meet */
	good = stamp_tsc_good(&reason);
	logger.tsc =
	    (config->clock == CONFIG_CLOCK_TSC && !now_replaced()) || (config->clock == CONFIG_CLOCK_AUTO && good);
	clock_reason = config->clock == CONFIG_CLOCK_AUTO ? reason : "forced by the configuration";
	stamp_use_tsc(logger.tsc);
	rings_clock(logger.tsc);
	clock_chosen = true;
}

void launch_clock_anew(void)
{
	clock_chosen = false;
	stamp_use_tsc(false);
}

static int open_sinks(struct appender *a, const struct config *config)
{
	char what[sizeof last_error - 64];
	int rc = outlet_open(&a->outlet, &config->sinks, config->at_start, what, sizeof what);

	if (rc)
		snprintf(last_error, sizeof last_error, "%s: %s", what, strerror(-rc));
	return rc;
}

static int open_flame(struct appender *a, const struct config *config)
{
	int rc = flame_open(&a->enc.flame, config->flame, region.header->rings);

	if (rc)
		snprintf(last_error, sizeof last_error, "%s: %s", config->flame, strerror(-rc));
	return rc;
}

static void inherit(struct appender *a, struct inheritance *from)
{
	if (!from->spans.span)
		return;
	span_texts_done(&a->enc.spans);
	a->enc.spans = from->spans;
	memset(&from->spans, 0, sizeof from->spans);
}

void launch_free(struct appender *a)
{
	if (!a)
		return;
	outlet_close(&a->outlet);
	encoder_done(&a->enc);
	memory_unbox();
	free(a->active);
	free(a->stamps);
	free(a);
}

/* A child that may have no thread (RLIMIT_NPROC, a seccomp filter): its callers do the appender's work. It has no black
 * box, which a thread would have to hold. */
static int start_without_thread(struct appender *a)
{
	int rc = encoder_leave_box(&a->enc);

	memory_unbox();
	a->look = NULL;
	return rc ? rc : appender_start_single(a);
}

/* The appender with its sinks, running. */
int launch(const struct config *config, const char *without, struct inheritance *from)
{
	struct appender *a = calloc(1, sizeof *a);
	char first[512], run[ILU_TID_MAX], news[BOXED_NEWS];
	ilu_tid tid = ilu_tid_generate();
	int rc = a ? 0 : -ENOMEM;

	boxed_find(config, !from && config->at_start == SINK_FILE_NEW, from ? &from->outlet : NULL);
	if (!rc && from)
		a->outlet = from->outlet;
	else if (!rc)
		rc = open_sinks(a, config);
	if (!rc)
		boxed_recover(a, config);
	if (!rc)
		rc = encoder_init(&a->enc, config, logger.tsc);
	if (!rc)
		rc = flight_begin(a, &config->recorder);
	if (!rc && *config->flame && !from) /* a child leaves the file to its parent */
		rc = open_flame(a, config);
	if (!rc) {
		a->reload = reread;
		a->grace_ns = config->grace_ms * 1000000ull;
		a->tell = from ? NULL : boxed_tell;
		own_begin(&a->own, &a->enc, &a->outlet);
		if (from)
			inherit(a, from);
		ilu_tid_str(&tid, run);
		introduce(&a->own, first, sizeof first, run);
		rc = appender_start(a, first, without, boxed_begin(a, config, run),
		                    boxed_news(news, sizeof news) ? news : NULL);
		if (a->refused && from)
			rc = start_without_thread(a);
	}
	if (rc) {
		if (!*last_error)
			snprintf(last_error, sizeof last_error, "cannot start: %s", strerror(-rc));
		launch_free(a);
		return rc;
	}
	current_set(a);
	return 0;
}
