/* SPDX-License-Identifier: Apache-2.0 */
/* appender.h - the one thread that carries records from rings to sinks. */
#ifndef APPENDER_H
#define APPENDER_H

#include "appender/outlet.h"
#include "appender/own.h"
#include "base/lock.h"
#include "encode/encode.h"

#include <pthread.h>
#include <stdbool.h>

struct appender {
	pthread_t thread;
	uint32_t thread_id; /* atomic */
	struct encoder enc;
	struct outlet outlet;
	struct own own;
	uint64_t grace_ns;
	/* Read the configuration again: 0 and the new directives in `said`, a negative errno and the reason there, or
	 * -EBUSY: try again. It must not wait for logger.control, whose holder waits for this thread. */
	int (*reload)(char *said, size_t cap);
	/* Now and then, with room for a line: did another process with this log die? NULL: no black box is wanted. */
	void (*look)(struct appender *a);
	uint64_t look_ns;                 /* next time */
	void (*tell)(struct appender *a); /* behind the first lines: what else there is to say; NULL: nothing */
	uint64_t clock_told;              /* stamp of the line that the region has */
	uint64_t flame_lost;              /* lines of the file "flame", in own.lost already */
	uint64_t flame_complained_ns;
	uint64_t passes_idle, passes_busy;
	uint64_t wakeups;
	struct {
		uint64_t lines, lost, cut, wakeups, refused;
	} shown;              /* copies that other threads may read */
	struct ring **active; /* rings with records, and the stamps of these */
	uint64_t *stamps;
	/* asked by others */
	uint32_t asked[2], done[2]; /* flushes: kernel, disk; counters */
	int flush_error;
	uint32_t done_word; /* futex: changes when something is done */
	uint32_t stop;
	uint32_t pause; /* futex: wanted by who forks, and there; numbered */
	uint32_t begun; /* futex: it runs, and its black box has its name */
	uint32_t ended; /* futex: the thread is at its end */
	bool refused;   /* the thread could not be made */
	/* without a thread: callers do its work, one at a time */
	bool single;
	struct lock working;
};

#define APPENDER_RECOVERED "Records of dead processes recovered"
#define APPENDER_LOOK_NS   UINT64_C(10000000000) /* between two looks for dead processes */

/* In its thread, between two lines: write the batch, if it is full. 0 or the error. */
int appender_empty(struct appender *a);

/* Start the thread. Sinks are taken. `initialized`: fields of the first
 * line; `without`: why there is no control socket, `unboxed`: why there is no black box, or ""; `recovered`: fields of
 * a line that tells of it, or NULL. 0 or a negative errno. */
int appender_start(struct appender *a, const char *initialized, const char *without, const char *unboxed,
                   const char *recovered);
/* After that could not make one (`refused`): without a thread, called by logger_wake(). */
int appender_start_single(struct appender *a);

/* Write all there is, end the thread. When no sink got on for timeout_ms, the one that hangs is given up, and the
 * others end properly; then *hangs is true: a thread is left that may come back, and what it uses must stay. Returns
 * the last error in that. */
int appender_stop(struct appender *a, uint32_t timeout_ms, bool *hangs);

/* Wait until what was committed is written (and synced, when `disk`). 0, -ETIMEDOUT or the sink's error. */
int appender_flush(struct appender *a, bool disk, int64_t timeout_ns);

/* After the stop: send flushes that came too late home. */
void appender_dismiss(struct appender *a);

/* Fork: stop between two batches, with all rings read; go on. false: it did not come: for timeout_ns a sink that it
 * was in took nothing, or it was slow for ten times as long. */
bool appender_pause(struct appender *a, int64_t timeout_ns);
void appender_resume(struct appender *a);

#endif
