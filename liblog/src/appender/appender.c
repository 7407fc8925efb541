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
#include "base/escape.h"
#include "call/limit.h"
#include "base/lock.h"
#include "life/logger.h"
#include "base/now.h"
#include "config/reload.h"
#include "call/site.h"
#include "encode/sitetext.h"
#include "box/slab.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#define BATCH_BYTES   (256 * 1024)
#define NAP_NS        1000000
#define PARK_AFTER    16 /* empty naps */
#define BLIND_PARK_NS 20000000
#define RETRY_NS      1000000000
#define TELL_NS       1000000000
#define STACK_BYTES   (1024 * 1024) /* deep JSON in a configuration */

static bool have_membarrier;

/* ---- writing ---- */

static void tell_gap(struct appender *a)
{
	char fields[GAP_FIELDS];

	if (!a->gap.lost || a->enc.out.len || !encode_own_room(&a->enc))
		return;
	gap_fields(&a->gap, fields);
	/* it stands for the lines it tells of, and has the number of the last */
	encode_own(&a->enc, "WARN", "Records lost", "ilulog", fields, a->gap.to);
	a->gap.in_batch = true;
}

/* A line of the library itself, for all sinks. */
static void say(struct appender *a, const char *level, const char *message, const char *tid, const char *fields,
                uint64_t seq)
{
	size_t begin = a->enc.out.len;

	encode_own(&a->enc, level, message, tid, fields, seq);
	routes_take_own(&a->routes, &a->enc, begin);
}

/* Hand the batches to the sinks, and the rings their room back. `rest`: nothing more is taken in this pass. Returns the
 * first sink's error, else a route's. */
static int write_out(struct appender *a, bool rest)
{
	struct buf *out = &a->enc.out;
	size_t lines = a->enc.lines, written = lines;
	int rc = 0, error;

	for (unsigned i = 0; i < a->sinks && out->len; i++) {
		size_t n = lines;

		error = sink_write(a->sink[i], out->text, out->len, lines, &n);

		if (!i) {
			rc = error;
			written = n;
		}
	}
	a->lost += gap_count(&a->gap, lines, written, a->enc.seq, rc);
	out->len = 0;
	a->enc.lines = 0;
	error = routes_write(&a->routes, &a->enc, &a->lost);
	for (uint32_t i = 0, n = rings_count(); i < n; i++)
		ring_publish(rings_at(i), rest);
	return rc ? rc : error;
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
			size_t begin;

			tell_gap(a);
			begin = a->enc.out.len;
			encode_record(&a->enc, ring, record);
			if (a->routes.count)
				routes_take(&a->routes, &a->enc, record, begin);
			ring_take(ring, record);
			taken++;
			if (a->enc.out.len >= BATCH_BYTES)
				note_error(rc, write_out(a, false));
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

/* ---- what the log should know ---- */

/* Lines that could not be encoded get their numbers, and a line that says so, when there is memory again. */
static void tell_unmade(struct appender *a)
{
	uint64_t lost = a->enc.unmade;
	char fields[160];

	tell_gap(a);
	if (!lost || !encode_own_room(&a->enc))
		return;
	a->enc.unmade = 0;
	a->lost += lost;
	a->enc.seq += lost;
	snprintf(fields, sizeof fields, ",\"lost\":%llu,\"reason\":\"no memory\",\"from_seq\":%llu,\"to_seq\":%llu",
	         (unsigned long long)lost, (unsigned long long)(a->enc.seq - lost),
	         (unsigned long long)(a->enc.seq - 1));
	say(a, "WARN", "Records lost", "ilulog", fields, a->enc.seq - 1);
}

static void tell_ring_losses(struct appender *a)
{
	for (uint32_t i = 0, n = rings_count(); i < n; i++) {
		struct ring *ring = rings_at(i);
		uint64_t lost = 0, levels[RING_LEVELS];
		char fields[320];

		for (int l = 0; l < RING_LEVELS; l++)
			lost += levels[l] = __atomic_load_n(&ring->lost[l], __ATOMIC_RELAXED);
		if (lost == ring->lost_told || !encode_own_room(&a->enc))
			continue;
		tell_gap(a);
		lost -= ring->lost_told;
		ring->lost_told += lost;
		a->lost += lost;
		a->enc.seq += lost;
		snprintf(fields, sizeof fields,
		         ",\"lost\":%llu,\"reason\":\"ring "
		         "full\",\"ring\":%u,\"thread_id\":%u,\"from_seq\":%llu,\"to_seq\":%llu"
		         ",\"errors\":%llu,\"warnings\":%llu,\"total\":%llu",
		         (unsigned long long)lost, i, ring->thread_id, (unsigned long long)(a->enc.seq - lost),
		         (unsigned long long)(a->enc.seq - 1), (unsigned long long)levels[ILU_ERROR],
		         (unsigned long long)levels[ILU_WARN], (unsigned long long)a->lost);
		say(a, "WARN", "Records lost", "ilulog", fields, a->enc.seq - 1);
	}
}

static uint64_t span_slots(void)
{
	return region.header->slots;
}

static uint64_t ring_limit(void)
{
	return region.header->rings;
}

/* What callers met and only counted; with the limit that they met, if it was one. */
static const struct trouble {
	uint64_t (*count)(void);
	const char *message;
	const char *limit; /* the key of the configuration */
	uint64_t (*limit_value)(void);
} troubles[APPENDER_TROUBLES] = {
    {slab_misuse, "Span handles used after their span was closed", NULL, NULL},
    {slab_overflow, "Spans left out of the log: the slab is full", "span_slots", span_slots},
    {rings_shared, "More threads than rings: records through the shared one", "rings", ring_limit},
};

void appender_begin(struct appender *a)
{
	for (int i = 0; i < APPENDER_TROUBLES; i++)
		a->told[i] = troubles[i].count();
}

/* Once a second, but at a flush. */
static void tell_troubles(struct appender *a, bool now)
{
	uint64_t ns = now_machine_ns();
	bool soon = !now && ns - a->told_ns < TELL_NS;
	char fields[128];

	for (int i = 0; i < APPENDER_TROUBLES; i++) {
		const struct trouble *t = &troubles[i];
		uint64_t count = t->count();
		size_t len;

		if (soon || count == a->told[i] || !encode_own_room(&a->enc))
			continue;
		tell_gap(a);
		len = (size_t)snprintf(fields, sizeof fields, ",\"count\":%llu,\"total\":%llu",
		                       (unsigned long long)(count - a->told[i]), (unsigned long long)count);
		if (t->limit)
			snprintf(fields + len, sizeof fields - len, ",\"%s\":%llu", t->limit,
			         (unsigned long long)t->limit_value());
		say(a, "WARN", t->message, "ilulog", fields, a->enc.seq++);
		a->told[i] = count;
		a->told_ns = ns;
	}
}

/* `,"key":"text"`, safe and shortened. */
static size_t put_field(char *out, size_t cap, const char *key, const char *text)
{
	size_t len = (size_t)snprintf(out, cap, ",\"%s\":\"", key), used;

	len += escape_json_part(out + len, cap - len - 2, text, strlen(text), &used);
	strcpy(out + len, "\"");
	return len + 1;
}

/* What limits withheld and no line of the site has told: at the end all of it. */
static void tell_suppressed(struct appender *a, bool all)
{
	char fields[ENCODE_OWN_FIELDS];
	struct limit *at = NULL;
	struct limit_news news;
	size_t len;

	while (encode_own_room(&a->enc) && limits_next(&at, all, &news)) {
		tell_gap(a);
		len = (size_t)snprintf(fields, sizeof fields, ",\"suppressed\":%llu",
		                       (unsigned long long)news.suppressed);
		if (news.values)
			len += (size_t)snprintf(fields + len, sizeof fields - len, ",\"values\":%llu",
			                        (unsigned long long)news.values);
		len += put_field(fields + len, 24, "of_level", site_level_name(news.site->level));
		len += put_field(fields + len, 140, "of_target", news.site->target);
		put_field(fields + len, sizeof fields - len, "of_message", news.site->text);
		say(a, "WARN", "Calls suppressed", "ilulog", fields, a->enc.seq++);
	}
}

/* ---- reading the configuration again ---- */

static void reload(struct appender *a)
{
	char said[512], fields[ENCODE_OWN_FIELDS];
	int rc;

	if (!encode_own_room(&a->enc))
		return;
	rc = logger_reload(said, sizeof said);
	if (rc == -EBUSY)
		return; /* the next pass tries again, if it is still wanted */
	for (unsigned i = 0; !rc && i < a->sinks; i++)
		sink_request_reopen(a->sink[i]);
	if (!rc)
		routes_request_reopen(&a->routes);
	tell_gap(a);
	put_field(fields, sizeof fields, rc ? "error" : "level", said);
	if (rc)
		say(a, "WARN", "Configuration not reloaded", "ilulog", fields, a->enc.seq++);
	else
		say(a, "INFO", "Configuration reloaded", "ilulog", fields, a->enc.seq++);
}

static void tell_changes(struct appender *a)
{
	char fields[AUDIT_FIELDS];
	const char *message;

	while (audit_wanted() && encode_own_room(&a->enc) && audit_take(&message, fields)) {
		tell_gap(a);
		say(a, "INFO", message, "ilulog", fields, a->enc.seq++);
	}
}

/* ---- passes ---- */

struct pass {
	uint32_t asked[2];
	bool everything; /* a flush, a reload, a pause or the end: without grace */
	bool pressed;
	bool left; /* records were too young */
	uint64_t taken;
	int rc;
};

static void answer_flushes(struct appender *a, struct pass *pass)
{
	bool disk = pass->asked[1] != a->done[1];

	if (pass->asked[0] == a->done[0] && !disk)
		return;
	flame_flush(&a->enc.flame);
	for (unsigned i = 0; disk && i < a->sinks; i++) {
		int rc = sink_sync(a->sink[i]);

		if (!i)
			note_error(&pass->rc, rc);
	}
	if (disk)
		note_error(&pass->rc, routes_sync(&a->routes));
	__atomic_store_n(&a->flush_error, pass->rc, __ATOMIC_RELAXED);
	__atomic_store_n(&a->done[0], pass->asked[0], __ATOMIC_RELEASE);
	__atomic_store_n(&a->done[1], pass->asked[1], __ATOMIC_RELEASE);
	__atomic_add_fetch(&a->done_word, 1, __ATOMIC_RELEASE);
	futex_wake(&a->done_word, INT32_MAX);
}

static void show(struct appender *a)
{
	__atomic_store_n(&a->shown.lines, a->enc.written, __ATOMIC_RELAXED);
	__atomic_store_n(&a->shown.lost, a->lost, __ATOMIC_RELAXED);
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

static void do_pass(struct appender *a, struct pass *pass)
{
	const struct now_source *source = now_replaced();
	uint64_t now, horizon;
	size_t n;

	memset(pass, 0, sizeof *pass);
	for (int i = 0; i < 2; i++)
		pass->asked[i] = __atomic_load_n(&a->asked[i], __ATOMIC_ACQUIRE);
	pass->everything = pass->asked[0] != a->done[0] || pass->asked[1] != a->done[1] ||
	                   __atomic_load_n(&a->stop, __ATOMIC_ACQUIRE) ||
	                   __atomic_load_n(&a->pause, __ATOMIC_ACQUIRE) || reload_wanted();
	stamp_follow(&a->enc.scale);
	tell_clock(a);
	now = source ? source->turns() : ilu_stamp_();
	n = look_at_rings(a, now, &pass->pressed);
	horizon = now - (source || pass->everything || pass->pressed ? 0 : stamp_ticks(&a->enc.scale, a->grace_ns));
	pass->taken = merge(a, n, horizon, &pass->rc);
	if (reload_wanted())
		reload(a);
	tell_changes(a);
	pass->left = n && !pass->everything;
	tell_ring_losses(a);
	tell_troubles(a, pass->everything);
	if (limits_wait_ns() >= 0 || __atomic_load_n(&a->stop, __ATOMIC_ACQUIRE))
		tell_suppressed(a, __atomic_load_n(&a->stop, __ATOMIC_ACQUIRE));
	if (pass->everything || a->enc.unmade)
		tell_unmade(a);
	if (a->enc.out.len || pass->taken)
		note_error(&pass->rc, write_out(a, true));
	show(a);
	answer_flushes(a, pass);
}

/* ---- sleeping ---- */

static bool anything_to_do(struct appender *a)
{
	if (__atomic_load_n(&a->asked[0], __ATOMIC_ACQUIRE) != a->done[0] ||
	    __atomic_load_n(&a->asked[1], __ATOMIC_ACQUIRE) != a->done[1] ||
	    __atomic_load_n(&a->stop, __ATOMIC_ACQUIRE) || __atomic_load_n(&a->pause, __ATOMIC_ACQUIRE))
		return true;
	if (reload_wanted())
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
	    !__atomic_load_n(&a->stop, __ATOMIC_ACQUIRE) && !__atomic_load_n(&a->pause, __ATOMIC_ACQUIRE))
		futex_wait(&logger.wake, seen, (int64_t)ns);
	__atomic_store_n(&logger.naps, 0, __ATOMIC_RELAXED);
}

static void park(struct appender *a)
{
	uint32_t seen = __atomic_load_n(&logger.wake, __ATOMIC_ACQUIRE);
	bool owe = a->gap.lost || routes_owe(&a->routes);
	int64_t limit = owe ? RETRY_NS : limits_wait_ns();

	__atomic_store_n(&logger.bell, 1, __ATOMIC_SEQ_CST);
	if (have_membarrier)
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	else
		limit = BLIND_PARK_NS;
	if (!anything_to_do(a)) {
		futex_wait(&logger.wake, seen, limit);
		a->wakeups++;
	}
	__atomic_store_n(&logger.bell, 0, __ATOMIC_RELAXED);
	if (owe && !anything_to_do(a)) {
		tell_gap(a); /* is there room on the disk again? */
		write_out(a, true);
	}
}

static void rest(struct appender *a, const struct pass *pass)
{
	if (pass->pressed)
		return;
	rings_spare();
	if (pass->taken || pass->left) {
		a->passes_idle = 0;
		nap(a, NAP_NS);
	} else if (++a->passes_idle < PARK_AFTER) {
		nap(a, NAP_NS);
	} else {
		park(a);
	}
}

static void stay_paused(struct appender *a)
{
	__atomic_store_n(&a->paused, 1, __ATOMIC_RELEASE);
	__atomic_add_fetch(&a->done_word, 1, __ATOMIC_RELEASE);
	futex_wake(&a->done_word, INT32_MAX);
	while (__atomic_load_n(&a->paused, __ATOMIC_ACQUIRE))
		futex_wait(&a->paused, 1, 100000000);
}

static void *run(void *argument)
{
	struct appender *a = argument;
	struct pass pass;

	prctl(PR_SET_NAME, "ilu-appender");
	for (;;) {
		bool stop = __atomic_load_n(&a->stop, __ATOMIC_ACQUIRE);
		bool pause = __atomic_load_n(&a->pause, __ATOMIC_ACQUIRE);

		do_pass(a, &pass);
		if (stop)
			break;
		if (pause)
			stay_paused(a);
		else if (!pass.everything)
			rest(a, &pass);
	}
	__atomic_store_n(&a->flush_error, pass.rc, __ATOMIC_RELAXED);
	return NULL;
}

/* ---- from outside ---- */

int appender_start(struct appender *a, const char *initialized)
{
	sigset_t all, before;
	pthread_attr_t attr;
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
	say(a, "INFO", "Logger initialized", "Startup", initialized, a->enc.seq++);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = -pthread_create(&a->thread, &attr, run, a);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int appender_stop(struct appender *a)
{
	__atomic_store_n(&a->stop, 1, __ATOMIC_RELEASE);
	logger_wake();
	pthread_join(a->thread, NULL);
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

	__atomic_store_n(&a->pause, 1, __ATOMIC_RELEASE);
	logger_wake();
	while (!__atomic_load_n(&a->paused, __ATOMIC_ACQUIRE)) {
		uint32_t seen = __atomic_load_n(&a->done_word, __ATOMIC_ACQUIRE);
		int64_t left = left_until(deadline, timeout_ns);

		if (!left)
			return false;
		if (!__atomic_load_n(&a->paused, __ATOMIC_ACQUIRE))
			futex_wait(&a->done_word, seen, left);
	}
	return true;
}

void appender_resume(struct appender *a)
{
	__atomic_store_n(&a->pause, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&a->paused, 0, __ATOMIC_RELEASE);
	futex_wake(&a->paused, 1);
}
