/* SPDX-License-Identifier: Apache-2.0 */
/* appender.c - carries records from many callers to the sinks.
 *
 * Callers commit binary records into rings of their own; this thread merges them by time, encodes and writes.
 *
 * Order. A pass notes the time, then looks at all rings, then takes what is older than that by the grace time. Whoever
 * commits after it looked took his stamp, or could have known of a record we have seen, only later than the noted time:
 * so what follows from something is never written before it. The grace time is for callers that were interrupted
 * between taking the stamp and committing. A ring that is half full, a flush or the stop do without grace. Records of
 * one caller keep their order.
 *
 * With another source of time (now.h) one caller logs at a time, and records say in which turn they were written. Then
 * a pass notes the turn, and takes all records up to it: whatever was written in an earlier turn has been committed.
 *
 * Room in a ring is given back when the lines have been written, not before.
 *
 * Sleep. While records come it naps for a millisecond between passes; nobody wakes it but a ring that fills up. After
 * some empty passes it parks: it sets the bell, on which the next commit wakes it. Commit and bell are a Dekker pair;
 * the fence that the caller would need is done here instead, for all callers at once, by membarrier(2). Where the
 * kernel has none, parking is a nap of 20 ms. */
#include "appender/appender.h"

#include "appender/audit.h"
#include "box/box.h"
#include "call/limit.h"
#include "base/lock.h"
#include "call/state.h"
#include "base/now.h"
#include "base/thread.h"
#include "config/reload.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define BATCH_BYTES    (256 * 1024)
#define NAP_NS         1000000
#define PARK_AFTER     16 /* empty naps */
#define BLIND_PARK_NS  20000000
#define COOL_EVERY     256
#define RETRY_NS       1000000000
#define PAUSE_PATIENCE 10
#define STACK_BYTES    (1024 * 1024) /* deep JSON in a configuration */

static bool have_membarrier;

/* ---- writing ---- */

/* In the black box: what is about to be written, and how far that took the rings. A batch that is not in there
 * (text_bytes is 0) is noted when it is written: killed in between, we would say it twice rather than not. */
static bool note_batch(struct appender *a, uint64_t text_bytes)
{
	struct region_note note = {
	    .next_seq = a->enc.seq, .text_bytes = text_bytes, .lines = a->enc.lines, .last_stamp = ilu_stamp_()};
	struct stat st;
	int fd = a->enc.boxed ? outlet_file(&a->outlet) : -1;

	if (!a->enc.boxed || (a->enc.out.len && !text_bytes))
		return false;
	if (fd >= 0 && !fstat(fd, &st)) {
		note.dev = st.st_dev;
		note.ino = st.st_ino;
		note.size = (uint64_t)st.st_size;
	}
	rings_note(box_note_slot());
	box_note(&note);
	return true;
}

/* Hand the batches to the sinks, and the rings their room back. `rest`: nothing more is taken in this pass. Returns the
 * first error. */
static int write_out(struct appender *a, bool rest)
{
	bool noted = note_batch(a, encoder_in_box(&a->enc));
	int rc = outlet_write(&a->outlet, &a->enc, &a->own.lost);

	if (!noted)
		noted = note_batch(a, 0);
	if (noted)
		box_written();
	encoder_back_to_box(&a->enc);
	for (uint32_t i = 0, n = rings_count(); i < n; i++)
		ring_publish(rings_at(i), rest);
	return rc;
}

int appender_empty(struct appender *a)
{
	int rc;

	if (a->enc.out.len < BATCH_BYTES)
		return 0;
	rc = write_out(a, false);
	own_files(&a->own);
	return rc;
}

/* The first error of a pass is the one that flushes get. */
static void note_error(int *rc, int error)
{
	*rc = *rc ? *rc : error;
}

/* ---- merging ---- */

/* What records are merged by. `record` is the ring's next. */
static uint64_t stamp_of(const struct ring *ring, const struct ilu_record_ *record, uint64_t now, uint64_t second)
{
	uint64_t stamp = record->stamp;

	if (now_replaced())
		return ring->turn_read;
	/* a stamp from the future would wait there: some clock is broken, or was */
	return (int64_t)(stamp - now) > (int64_t)second ? now : stamp;
}

/* Rings with records, and whether one of them fills up. */
static size_t look_at_rings(struct appender *a, uint64_t now, bool *pressed)
{
	uint64_t second = stamp_ticks(&a->enc.scale, 1000000000);
	size_t n = 0;

	*pressed = false;
	for (uint32_t i = 0, count = rings_count(); i < count; i++) {
		struct ring *ring = rings_at(i);
		const struct ilu_record_ *record = ring_peek(ring);

		if (!record)
			continue;
		*pressed |= ring_presses(ring);
		a->active[n] = ring;
		a->stamps[n++] = stamp_of(ring, record, now, second);
	}
	return n;
}

/* The oldest of n, and the oldest of the others or the horizon. */
static size_t oldest(const struct appender *a, size_t n, uint64_t *bound)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++) {
		if (a->stamps[i] < a->stamps[best]) {
			if (a->stamps[best] < *bound)
				*bound = a->stamps[best];
			best = i;
		} else if (a->stamps[i] < *bound) {
			*bound = a->stamps[i];
		}
	}
	return best;
}

/* Take everything up to the horizon. Returns how many records; `rc`: the last error of writing. */
static uint64_t merge(struct appender *a, size_t n, uint64_t horizon, int *rc)
{
	uint64_t second = stamp_ticks(&a->enc.scale, 1000000000), taken = 0;
	bool by_turn = now_replaced() != NULL;

	while (n) {
		uint64_t bound = horizon;
		size_t i = oldest(a, n, &bound);
		struct ring *ring = a->active[i];
		const struct ilu_record_ *record = ring_peek(ring);

		if (a->stamps[i] > horizon)
			break;
		do {
			encode_record(&a->enc, ring, record);
			if (outlet_picks(&a->outlet))
				outlet_take(&a->outlet, &a->enc, record, a->enc.begin);
			ring_take(ring, record);
			taken++;
			note_error(rc, appender_empty(a));
			record = ring_peek(ring);
		} while (record && (by_turn ? ring->turn_read : record->stamp) <= bound);
		if (record)
			a->stamps[i] = stamp_of(ring, record, horizon, second);
		else {
			a->active[i] = a->active[--n];
			a->stamps[i] = a->stamps[n];
		}
	}
	return taken;
}

/* ---- reading the configuration again ---- */

static void reload(struct appender *a)
{
	char said[512];
	bool whole = true;
	int rc;

	if (!encode_own_room(&a->enc))
		return;
	rc = a->reload(said, sizeof said);
	if (rc == -EBUSY)
		return; /* the next pass tries again, if it is still wanted */
	if (!rc) {
		write_out(a, false); /* what is there so far is of the old files */
		outlet_request_reopen(&a->outlet);
		whole = own_files(&a->own);
	}
	if (!encode_own_room(&a->enc))
		return;
	if (rc)
		own_tell(&a->own, "WARN", "Configuration not reloaded", "error", said);
	else if (whole)
		own_tell(&a->own, "INFO", "Configuration reloaded", "level", said);
	else
		own_tell(&a->own, "WARN", "Level reloaded, but files not opened anew", "level", said);
}

/* ---- passes ---- */

/* For who forks: wanted by him, there, and gone on with by him again; and the wish's number, times four. */
enum { PAUSE_NONE, PAUSE_WANTED, PAUSE_THERE, PAUSE_EACH = 4 };

static bool pause_wanted(const struct appender *a)
{
	return __atomic_load_n(&a->pause, __ATOMIC_ACQUIRE) % PAUSE_EACH;
}

struct pass {
	uint32_t asked[2];
	bool everything; /* a flush, a reload, a pause or the end: without grace */
	bool pressed;
	bool left; /* records were too young */
	uint64_t taken;
	int rc;
};

static bool is_asked(const struct appender *a, const struct pass *pass)
{
	return pass->asked[0] != a->done[0] || pass->asked[1] != a->done[1];
}

/* For flushes, and at the end. What was lost since the last flush is the error of this one. */
static void write_flame(struct appender *a, struct pass *pass)
{
	struct flame *flame = &a->enc.flame;
	bool asked = is_asked(a, pass);

	if (!flame->sink)
		return;
	if (asked || __atomic_load_n(&a->stop, __ATOMIC_ACQUIRE)) {
		flame_flush(flame);
		note_error(&pass->rc, flame->error);
	}
	if (asked)
		flame->error = 0;
	if (flame->sink->stats.lost_lines == a->flame_lost)
		return;
	a->own.lost += flame->sink->stats.lost_lines - a->flame_lost;
	a->flame_lost = flame->sink->stats.lost_lines;
	outlet_complain(flame->sink, "flame", -flame->sink->stats.last_errno, &a->flame_complained_ns);
}

static void answer_flushes(struct appender *a, struct pass *pass)
{
	bool disk = pass->asked[1] != a->done[1];

	if (!is_asked(a, pass))
		return;
	if (disk)
		note_error(&pass->rc, outlet_sync(&a->outlet));
	__atomic_store_n(&a->flush_error, pass->rc, __ATOMIC_RELAXED);
	__atomic_store_n(&a->done[0], pass->asked[0], __ATOMIC_RELEASE);
	__atomic_store_n(&a->done[1], pass->asked[1], __ATOMIC_RELEASE);
	__atomic_add_fetch(&a->done_word, 1, __ATOMIC_RELEASE);
	futex_wake(&a->done_word, INT32_MAX);
}

static void show(struct appender *a)
{
	__atomic_store_n(&a->shown.lines, outlet_lines(&a->outlet), __ATOMIC_RELAXED);
	__atomic_store_n(&a->shown.refused, outlet_refused(&a->outlet), __ATOMIC_RELAXED);
	__atomic_store_n(&a->shown.lost, a->own.lost, __ATOMIC_RELAXED);
	__atomic_store_n(&a->shown.cut, a->enc.cut, __ATOMIC_RELAXED);
	__atomic_store_n(&a->shown.wakeups, a->wakeups, __ATOMIC_RELAXED);
}

/* What stamps mean, for somebody who reads the region after our death. */
static void tell_clock(struct appender *a)
{
	const struct stamp_line *line = &a->enc.scale.lines[0];

	if (a->clock_told == line->stamp)
		return;
	a->clock_told = line->stamp;
	region_set_clock(&(struct region_clock){line->stamp, line->wall_ns, line->ns_per_tick});
}

/* From now on until the next look for dead processes; negative: never. */
static int64_t look_in_ns(const struct appender *a, uint64_t now)
{
	if (!a->look)
		return -1;
	return now >= a->look_ns ? 0 : (int64_t)(a->look_ns - now);
}

/* The clock was set: records from before that stand before the line that says so. Returns the rings that have more. */
static size_t merge_old_time(struct appender *a, struct pass *pass, size_t n, uint64_t now, uint64_t set)
{
	bool pressed;

	pass->taken = merge(a, n, set, &pass->rc);
	own_tell_clock_set(&a->own);
	return look_at_rings(a, now, &pressed);
}

static void do_pass(struct appender *a, struct pass *pass)
{
	const struct now_source *source = now_replaced();
	uint64_t now, horizon, set, machine_ns = now_machine_ns();
	bool waits;
	size_t n;

	memset(pass, 0, sizeof *pass);
	for (int i = 0; i < 2; i++)
		pass->asked[i] = __atomic_load_n(&a->asked[i], __ATOMIC_ACQUIRE);
	pass->everything = pass->asked[0] != a->done[0] || pass->asked[1] != a->done[1] ||
	                   __atomic_load_n(&a->stop, __ATOMIC_ACQUIRE) || pause_wanted(a) || reload_wanted() ||
	                   a->single || __atomic_exchange_n(&logger.urgent, 0, __ATOMIC_ACQ_REL);
	a->own.crashed = __atomic_load_n(&logger.crash.state, __ATOMIC_ACQUIRE) == LOGGER_CRASH_NOTED;
	if (a->enc.out.len) /* the first line, which is of the file as it is */
		note_error(&pass->rc, write_out(a, false));
	own_files(&a->own);
	stamp_follow(&a->enc.scale);
	tell_clock(a);
	now = source ? source->turns() : ilu_stamp_();
	n = look_at_rings(a, now, &pass->pressed);
	horizon = now - (source || pass->everything || pass->pressed ? 0 : stamp_ticks(&a->enc.scale, a->grace_ns));
	waits = own_clock_set(&a->own, &set) && (int64_t)(horizon - set) < 0;
	if (!waits && own_clock_set(&a->own, &set))
		n = merge_old_time(a, pass, n, now, set);
	pass->taken += merge(a, n, horizon, &pass->rc);
	if (reload_wanted())
		reload(a);
	if ((look_in_ns(a, machine_ns) == 0 || (a->look && __atomic_load_n(&a->stop, __ATOMIC_ACQUIRE))) &&
	    encode_own_room(&a->enc)) {
		a->look(a);
		a->look_ns = machine_ns + APPENDER_LOOK_NS;
	}
	pass->left = (n && !pass->everything) || waits;
	own_news(&a->own, machine_ns, pass->everything, __atomic_load_n(&a->stop, __ATOMIC_ACQUIRE));
	if (a->enc.out.len || pass->taken || (pass->everything && outlet_owes(&a->outlet)))
		note_error(&pass->rc, write_out(a, true));
	write_flame(a, pass);
	show(a);
	answer_flushes(a, pass);
}

/* ---- sleeping ---- */

static bool anything_to_do(struct appender *a)
{
	if (__atomic_load_n(&a->asked[0], __ATOMIC_ACQUIRE) != a->done[0] ||
	    __atomic_load_n(&a->asked[1], __ATOMIC_ACQUIRE) != a->done[1] ||
	    __atomic_load_n(&a->stop, __ATOMIC_ACQUIRE) || pause_wanted(a))
		return true;
	if (reload_wanted() || outlet_reopen_requested(&a->outlet) || __atomic_load_n(&logger.urgent, __ATOMIC_ACQUIRE))
		return true;
	for (uint32_t i = 0, n = rings_count(); i < n; i++) {
		if (ring_peek(rings_at(i)))
			return true;
	}
	return false;
}

static void nap(struct appender *a, uint64_t ns)
{
	uint32_t seen = __atomic_load_n(&logger.wake, __ATOMIC_ACQUIRE);

	__atomic_store_n(&logger.naps, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&a->asked[0], __ATOMIC_ACQUIRE) == a->done[0] &&
	    __atomic_load_n(&a->asked[1], __ATOMIC_ACQUIRE) == a->done[1] &&
	    !__atomic_load_n(&a->stop, __ATOMIC_ACQUIRE) && !pause_wanted(a) &&
	    !__atomic_load_n(&logger.urgent, __ATOMIC_ACQUIRE))
		futex_wait(&logger.wake, seen, (int64_t)ns);
	__atomic_store_n(&logger.naps, 0, __ATOMIC_RELAXED);
}

static void park(struct appender *a)
{
	uint32_t seen = __atomic_load_n(&logger.wake, __ATOMIC_ACQUIRE);
	bool owe = outlet_owes(&a->outlet);
	int64_t limit = owe ? RETRY_NS : limits_wait_ns(), look = look_in_ns(a, now_machine_ns());

	if (look >= 0 && (limit < 0 || limit > look))
		limit = look;
	if (outlet_rotates(&a->outlet) && (limit < 0 || limit > RETRY_NS))
		limit = RETRY_NS;
	logger_want_bell(true);
	if (have_membarrier)
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	else
		limit = BLIND_PARK_NS;
	if (!anything_to_do(a)) {
		futex_wait(&logger.wake, seen, limit);
		a->wakeups++;
	}
	logger_want_bell(false);
	if (owe && !anything_to_do(a))
		write_out(a, true); /* is there room on the disk again? */
}

static void rest(struct appender *a, const struct pass *pass)
{
	if (pass->pressed)
		return;
	rings_spare();
	if (pass->taken || pass->left) {
		a->passes_idle = 0;
		if (!(++a->passes_busy % COOL_EVERY))
			rings_cool();
		nap(a, NAP_NS);
	} else if (++a->passes_idle < PARK_AFTER) {
		nap(a, NAP_NS);
	} else if (!rings_cool()) {
		park(a);
	}
}

static bool change_pause(struct appender *a, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&a->pause, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Unless he has given up waiting meanwhile; then another wish may be there, of one who logged since this was read. */
static void stay_paused(struct appender *a, uint32_t wanted)
{
	const uint32_t there = wanted - PAUSE_WANTED + PAUSE_THERE;

	if (!change_pause(a, wanted, there))
		return;
	__atomic_add_fetch(&a->done_word, 1, __ATOMIC_RELEASE);
	futex_wake(&a->done_word, INT32_MAX);
	while (__atomic_load_n(&a->pause, __ATOMIC_ACQUIRE) == there)
		futex_wait(&a->pause, there, 100000000);
}

static void carry(struct appender *a)
{
	struct pass pass;

	__atomic_store_n(&a->thread_id, lock_self(), __ATOMIC_RELAXED);
	for (;;) {
		bool stop = __atomic_load_n(&a->stop, __ATOMIC_ACQUIRE);
		uint32_t pause = __atomic_load_n(&a->pause, __ATOMIC_ACQUIRE);

		do_pass(a, &pass);
		if (stop)
			break;
		if (pause % PAUSE_EACH)
			stay_paused(a, pause);
		else if (!pass.everything)
			rest(a, &pass);
	}
	__atomic_store_n(&a->flush_error, pass.rc, __ATOMIC_RELAXED);
}

static void tell_end(struct appender *a)
{
	__atomic_store_n(&a->ended, 1, __ATOMIC_RELEASE);
	futex_wake(&a->ended, 1);
}

static void *run(void *argument)
{
	struct appender *a = argument;

	int rc;

	prctl(PR_SET_NAME, "ilu-appender");
	now_own_thread();
	rc = box_begin();
	if (rc && encode_own_room(&a->enc))
		own_tell(&a->own, "WARN", "No black box", "reason", strerror(-rc));
	__atomic_store_n(&a->begun, 1, __ATOMIC_RELEASE);
	futex_wake(&a->begun, 1);
	carry(a);
	box_end();
	tell_end(a);
	return NULL;
}

/* In the place of one that hangs, which keeps the box. */
static void *run_on(void *argument)
{
	now_own_thread();
	carry(argument);
	tell_end(argument);
	return NULL;
}

/* ---- without a thread ---- */

static struct appender *single; /* whose callers work */

/* A commit during somebody's pass is seen by him when he has dropped the lock, or its caller gets the lock. Not in
 * signal handlers: it takes memory. */
static void work(void)
{
	struct appender *a = single;
	struct pass pass;

	do {
		if (lock_try(&a->working))
			return;
		do_pass(a, &pass);
		lock_drop(&a->working);
		logger_want_bell(true);
	} while (anything_to_do(a));
}

int appender_start_single(struct appender *a)
{
	a->single = true;
	single = a;
	logger.work = work;
	work();
	return 0;
}

static int end_single(struct appender *a)
{
	struct pass pass = {.rc = 0};

	lock_take(&a->working);
	do_pass(a, &pass);
	lock_drop(&a->working);
	logger.work = NULL;
	logger_want_bell(false);
	return pass.rc;
}

/* ---- from outside ---- */

int appender_start(struct appender *a, const char *initialized, const char *without, const char *unboxed,
                   const char *recovered)
{
	int rc;

	a->active = calloc(region.header->rings, sizeof(struct ring *));
	a->stamps = calloc(region.header->rings, sizeof(uint64_t));
	if (!a->active || !a->stamps)
		return -ENOMEM;
	if (!encode_own_room(&a->enc))
		return -ENOMEM;
	have_membarrier = !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	a->clock_told = ~a->enc.scale.lines[0].stamp;
	tell_clock(a);
	own_say(&a->own, "INFO", "Logger initialized", "Startup", initialized);
	if (*without && encode_own_room(&a->enc))
		own_tell(&a->own, "WARN", "No control socket", "reason", without);
	if (*unboxed && encode_own_room(&a->enc))
		own_tell(&a->own, "WARN", "No black box", "reason", unboxed);
	if (recovered && encode_own_room(&a->enc))
		own_say(&a->own, "WARN", APPENDER_RECOVERED, "ilulog", recovered);
	if (a->tell)
		a->tell(a);
	rc = thread_start(&a->thread, STACK_BYTES, run, a);
	a->refused = rc != 0;
	while (!rc && a->enc.boxed && !__atomic_load_n(&a->begun, __ATOMIC_ACQUIRE))
		futex_wait(&a->begun, 0, 100000000); /* what is logged from now on is safe */
	return rc;
}

static bool ends_within(struct appender *a, uint32_t timeout_ms)
{
	uint64_t deadline = now_machine_ns() + timeout_ms * 1000000ull, now;

	while (!__atomic_load_n(&a->ended, __ATOMIC_ACQUIRE)) {
		now = now_machine_ns();
		if (now >= deadline)
			return false;
		futex_wait(&a->ended, 0, (int64_t)(deadline - now));
	}
	return true;
}

/* false: for timeout_ms no sink got on. One that is slow, on a busy disk or a busy machine, is waited for. */
static bool has_ended(struct appender *a, uint32_t timeout_ms)
{
	uint64_t before;

	do {
		before = outlet_got_on(&a->outlet);
		if (ends_within(a, timeout_ms))
			return true;
	} while (outlet_got_on(&a->outlet) != before);
	return false;
}

int appender_stop(struct appender *a, uint32_t timeout_ms, bool *hangs)
{
	bool patient = true;
	int rc = 0;

	__atomic_store_n(&a->stop, 1, __ATOMIC_RELEASE);
	*hangs = false;
	if (a->single)
		return end_single(a);
	logger_wake();
	while (!has_ended(a, timeout_ms)) {
		pthread_t thread = a->thread;

		rc = outlet_give_up(&a->outlet, &a->enc);
		if (rc == -EAGAIN && patient) { /* at work, between two sinks perhaps */
			patient = false;
			continue;
		}
		*hangs = true;
		if (!rc)
			rc = thread_start(&a->thread, STACK_BYTES, run_on, a);
		if (rc)
			break;
		pthread_detach(thread);
	}
	if (rc)
		pthread_detach(a->thread);
	else
		pthread_join(a->thread, NULL);
	if (*hangs)
		return -ETIMEDOUT;
	return a->flush_error;
}

void appender_dismiss(struct appender *a)
{
	for (int i = 0; i < 2; i++)
		__atomic_store_n(&a->done[i], __atomic_load_n(&a->asked[i], __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
	__atomic_add_fetch(&a->done_word, 1, __ATOMIC_RELEASE);
	futex_wake(&a->done_word, INT32_MAX);
}

static int64_t left_until(uint64_t deadline, int64_t timeout_ns)
{
	uint64_t now = now_machine_ns();

	if (timeout_ns < 0)
		return 1000000000;
	return now >= deadline ? 0 : (int64_t)(deadline - now);
}

int appender_flush(struct appender *a, bool disk, int64_t timeout_ns)
{
	uint64_t deadline = now_machine_ns() + (uint64_t)timeout_ns;
	uint32_t ticket = __atomic_add_fetch(&a->asked[disk], 1, __ATOMIC_ACQ_REL);

	logger_wake();
	for (;;) {
		uint32_t seen = __atomic_load_n(&a->done_word, __ATOMIC_ACQUIRE);
		int64_t left;

		if ((int32_t)(__atomic_load_n(&a->done[disk], __ATOMIC_ACQUIRE) - ticket) >= 0)
			return __atomic_load_n(&a->flush_error, __ATOMIC_RELAXED);
		left = left_until(deadline, timeout_ns);
		if (!left)
			return -ETIMEDOUT;
		futex_wait(&a->done_word, seen, left);
	}
}

bool appender_pause(struct appender *a, int64_t timeout_ns)
{
	uint64_t deadline = now_machine_ns() + (uint64_t)timeout_ns;
	uint32_t resting = __atomic_load_n(&a->pause, __ATOMIC_RELAXED) + PAUSE_EACH;
	int patience = PAUSE_PATIENCE;

	if (a->single)
		return !lock_take(&a->working);
	outlet_moves(&a->outlet);
	__atomic_store_n(&a->pause, resting + PAUSE_WANTED, __ATOMIC_RELEASE);
	logger_wake();
	for (;;) {
		uint32_t seen = __atomic_load_n(&a->done_word, __ATOMIC_ACQUIRE);
		int64_t left = left_until(deadline, timeout_ns);

		if (__atomic_load_n(&a->pause, __ATOMIC_ACQUIRE) == resting + PAUSE_THERE)
			return true;
		if (left)
			futex_wait(&a->done_word, seen, left);
		else if (outlet_moves(&a->outlet) && --patience > 0) /* slow, or waiting for a processor */
			deadline += (uint64_t)timeout_ns;
		else
			return !change_pause(a, resting + PAUSE_WANTED, resting);
	}
}

void appender_resume(struct appender *a)
{
	if (a->single) {
		lock_drop(&a->working);
		return;
	}
	__atomic_store_n(&a->pause, a->pause - a->pause % PAUSE_EACH, __ATOMIC_RELEASE);
	futex_wake(&a->pause, 1);
}
