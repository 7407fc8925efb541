/* SPDX-License-Identifier: Apache-2.0 */
/* logger.c - the life of the process's one logger: start, flush, filter, stop, and fork.
 *
 * Whoever changes its state holds `control`. Callers never do: they look at the gates of their sites, and, in the slow
 * paths, at logger.state. A stop closes all gates, waits for callers that are in the middle of a record, and lets the
 * appender drain the rings; the region stays, so that a late caller touches nothing that is gone.
 *
 * Fork. The parent's appender comes to rest with all rings read, between two batches, so that what the child inherits
 * is whole: files, the spans' texts, empty rings. The child has no appender; its first call starts one, and its first
 * line says so with its own pid. */
#include "life/logger.h"

#include "appender/appender.h"
#include "appender/audit.h"
#include "config/config.h"
#include "config/directive.h"
#include "call/limit.h"
#include "base/lock.h"
#include "base/now.h"
#include "config/reload.h"
#include "call/ring.h"
#include "control/server.h"
#include "call/site.h"
#include "box/slab.h"
#include "base/stamp.h"
#include "base/tid.h"

#include <fcntl.h>
#include <ilu/log.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_RING_BYTES (1 << 20)
#define ALL_RINGS_BYTES    (256u << 20)
#define RINGS_MIN          16
#define RINGS_MAX          4096
#define DEFAULT_SLOTS      65536
#define FORK_PAUSE_NS      1000000000

struct logger logger;

static struct lock control;
static struct appender *appender;
static uint32_t users; /* of the appender, without the lock */
static struct config config;
static const char *clock_reason = "";
static bool clock_chosen;
static struct server *server; /* NULL: no run_directory */
static struct {
	char *text;        /* in force */
	char *base;        /* in force again from then on; NULL: it stays */
	uint64_t until_ns; /* now_machine_ns */
} filter;
static uint64_t past_lines, past_lost, past_cut, past_wakeups;

static __thread char last_error[512];

const char *ilu_log_error(void)
{
	return last_error;
}

/* ---- waking the appender ---- */

void logger_wake(void)
{
	__atomic_store_n(&logger.bell, 0, __ATOMIC_RELAXED);
	__atomic_add_fetch(&logger.wake, 1, __ATOMIC_RELEASE);
	futex_wake(&logger.wake, 1);
}

void logger_wake_from_nap(void)
{
	if (__atomic_load_n(&logger.naps, __ATOMIC_RELAXED) && __atomic_exchange_n(&logger.naps, 0, __ATOMIC_RELAXED))
		logger_wake();
}

/* ---- memory ---- */

static uint64_t rings_for(uint64_t ring_bytes)
{
	uint64_t rings = ALL_RINGS_BYTES / ring_bytes;

	return rings < RINGS_MIN ? RINGS_MIN : rings > RINGS_MAX ? RINGS_MAX : rings;
}

/* rings 0: as many as are usual. */
static int prepare(uint64_t ring_bytes, uint64_t rings, uint64_t slots)
{
	int rc;

	if (logger.ready)
		return 0;
	rc = region_make(ring_bytes, rings ? rings : rings_for(ring_bytes), slots);
	if (!rc)
		rc = sites_tell_region();
	if (!rc)
		rc = rings_init();
	if (rc)
		return rc;
	slab_init();
	__atomic_store_n(&logger.ready, 1, __ATOMIC_RELEASE);
	return 0;
}

int logger_prepare(void)
{
	int rc = lock_take(&control);

	if (rc)
		return rc;
	rc = prepare(DEFAULT_RING_BYTES, 0, DEFAULT_SLOTS);
	lock_drop(&control);
	return rc;
}

/* ---- starting ---- */

static void read_boot_id(char out[40])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, 36);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
}

/* The fields of the first line. */
static void introduce(char *out, size_t cap)
{
	char boot[40], run[ILU_TID_MAX];
	ilu_tid tid = ilu_tid_generate();
	uint64_t early = __atomic_exchange_n(&logger.early, 0, __ATOMIC_RELAXED);

	logger.early_ever += early;
	if (now_replaced())
		strcpy(boot, VIRTUAL_BOOT_ID);
	else
		read_boot_id(boot);
	snprintf(
	    out, cap,
	    ",\"pid\":%ld,\"boot_id\":\"%s\",\"run\":\"%s\",\"version\":\"%s\",\"clock\":\"%s\",\"clock_reason\":\"%s\""
	    ",\"calls_before\":%llu,\"ring_bytes\":%llu,\"rings\":%llu,\"span_slots\":%llu",
	    now_replaced() ? (long)VIRTUAL_PID : (long)getpid(), boot, ilu_tid_str(&tid, run), ILU_VERSION,
	    now_replaced() ? "virtual"
	    : logger.tsc   ? "tsc"
	                   : "monotonic",
	    clock_reason, (unsigned long long)early, (unsigned long long)region.header->ring_bytes,
	    (unsigned long long)region.header->rings, (unsigned long long)region.header->slots);
}

static void choose_clock(void)
{
	const char *reason;
	bool good;

	if (clock_chosen)
		return; /* stamps of two clocks must not meet */
	good = stamp_tsc_good(&reason);
	logger.tsc =
	    (config.clock == CONFIG_CLOCK_TSC && !now_replaced()) || (config.clock == CONFIG_CLOCK_AUTO && good);
	clock_reason = config.clock == CONFIG_CLOCK_AUTO ? reason : "forced by the configuration";
	stamp_use_tsc(logger.tsc);
	rings_clock(logger.tsc);
	clock_chosen = true;
}

void logger_use_source(const struct now_source *source)
{
	now_replace(source);
	clock_chosen = false;
	stamp_use_tsc(false);
	span_ids_restart();
}

static int open_sinks(struct appender *a, enum sink_file_start how)
{
	char what[sizeof last_error - 64];
	int rc = outlet_open(&a->outlet, &config.sinks, how, what, sizeof what);

	if (rc)
		snprintf(last_error, sizeof last_error, "%s: %s", what, strerror(-rc));
	return rc;
}

static void free_appender(struct appender *a)
{
	if (!a)
		return;
	outlet_close(&a->outlet);
	encoder_done(&a->enc);
	free(a->active);
	free(a->stamps);
	free(a);
}

/* The appender with its sinks, running. */
static int launch(enum sink_file_start how, struct span_texts *inherited)
{
	struct appender *a = calloc(1, sizeof *a);
	char first[512];
	int rc = a ? open_sinks(a, how) : -ENOMEM;

	if (!rc)
		rc = encoder_init(&a->enc, &config, logger.tsc);
	if (!rc && *config.flame) {
		rc = flame_open(&a->enc.flame, config.flame, region.header->rings);
		if (rc)
			snprintf(last_error, sizeof last_error, "%s: %s", config.flame, strerror(-rc));
	}
	if (!rc) {
		a->grace_ns = config.grace_ms * 1000000ull;
		region.header->pid = (uint64_t)getpid();
		region.header->tsc = logger.tsc;
		own_begin(&a->own, &a->enc, &a->outlet);
		if (inherited->span) {
			span_texts_done(&a->enc.spans);
			a->enc.spans = *inherited;
			memset(inherited, 0, sizeof *inherited);
		}
		introduce(first, sizeof first);
		rc = appender_start(a, first);
	}
	if (rc) {
		if (!*last_error)
			snprintf(last_error, sizeof last_error, "cannot start: %s", strerror(-rc));
		free_appender(a);
		return rc;
	}
	appender = a;
	return 0;
}

static int parse_filter(const char *text, struct directive_set **out)
{
	struct directive_error error;
	int rc = directive_parse(text, strlen(text), out, &error);

	if (rc)
		snprintf(last_error, sizeof last_error, "level: %s", rc == -ENOMEM ? "out of memory" : error.text);
	return rc;
}

static void use_config(void)
{
	int policy[RING_LEVELS];

	for (int i = 0; i < RING_LEVELS; i++)
		policy[i] = now_replaced() ? CONFIG_FULL_BLOCK : (int)config.full_ring[i];
	rings_policy(policy);
	logger.spanning = config.spanning | (*config.flame ? CONFIG_SPAN_ACTIVE : 0u);
	logger.timed = (config.spanning & CONFIG_SPAN_CLOSE) != 0;
}

static void hooks(void);

static const char *filter_text(void)
{
	return filter.text ? filter.text : config.level;
}

/* The set is in use after 0, else still yours. `who`: to be noted in the log; NULL: nobody. */
static int use_filter(const char *text, struct directive_set *set, uint64_t for_ms, const struct audit_who *who)
{
	char *copy = strdup(text);
	int rc = copy ? sites_filter(set) : -ENOMEM;

	if (rc) {
		free(copy);
		return rc;
	}
	if (who && logger.state == LOGGER_RUNNING)
		audit_filter(who, filter_text(), text, for_ms);
	if (for_ms && !filter.base) {
		filter.base = filter.text;
	} else {
		free(filter.text);
		if (!for_ms) {
			free(filter.base);
			filter.base = NULL;
		}
	}
	filter.text = copy;
	filter.until_ns = now_machine_ns() + for_ms * 1000000;
	return 0;
}

static int start_server(void)
{
	return *config.run_directory ? server_start(config.run_directory, &server, last_error, sizeof last_error) : 0;
}

/* To be joined without the lock. */
static struct server *dismiss_server(void)
{
	struct server *s = server;

	server_stop(s);
	server = NULL;
	return s;
}

static int start_locked(struct config *fresh, struct directive_set *set)
{
	struct span_texts none = {0};
	int rc;

	config_done(&config);
	config = *fresh;
	memset(fresh, 0, sizeof *fresh);
	rc = prepare(config.ring_bytes, config.rings, config.span_slots);
	if (rc) {
		directive_free(set);
		snprintf(last_error, sizeof last_error, "no memory for rings");
		return rc;
	}
	rings_spare();
	hooks();
	choose_clock();
	use_config();
	rc = sites_limit(&config.rate_limits);
	if (!rc)
		rc = start_server();
	if (!rc)
		rc = launch(SINK_FILE_FRESH, &none);
	if (rc) {
		directive_free(set);
		return rc;
	}
	__atomic_store_n(&logger.state, LOGGER_RUNNING, __ATOMIC_RELEASE);
	if (use_filter(config.level, set, 0, NULL)) { /* no memory for its text, which is for ilu-logctl to show */
		free(filter.text);
		filter.text = NULL;
		sites_filter(set);
	}
	return 0;
}

static int start_with(struct config *fresh, const char *path)
{
	struct directive_set *set = NULL;
	struct server *dismissed = NULL;
	int rc = parse_filter(fresh->level, &set);

	if (!rc)
		rc = lock_take(&control);
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
				dismissed = dismiss_server();
		}
		lock_drop(&control);
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

/* ---- while it runs ---- */

/* The appender cannot go away until leave_appender. Usable in signal handlers, where a lock is not. */
static bool use_appender(void)
{
	__atomic_add_fetch(&users, 1, __ATOMIC_SEQ_CST);
	if (logger_state() == LOGGER_RUNNING && appender)
		return true;
	__atomic_sub_fetch(&users, 1, __ATOMIC_RELEASE);
	return false;
}

static void leave_appender(void)
{
	__atomic_sub_fetch(&users, 1, __ATOMIC_RELEASE);
}

int ilu_log_flush(enum ilu_ack level, int64_t timeout_ns)
{
	int saved = errno, rc;

	if (logger_state() == LOGGER_FORKED)
		return 0; /* nothing was logged since */
	if (!use_appender())
		return -ESRCH;
	rc = level == ILU_ACK_RING ? 0 : appender_flush(appender, level == ILU_ACK_DISK, timeout_ns);
	leave_appender();
	errno = saved;
	return rc;
}

int ilu_log_reopen(void)
{
	if (!use_appender())
		return -ESRCH;
	outlet_request_reopen(&appender->outlet);
	leave_appender();
	return 0;
}

int ilu_log_reload(void)
{
	int rc;

	if (!use_appender())
		return -ESRCH;
	rc = reload_request();
	if (!rc)
		logger_wake();
	leave_appender();
	return rc;
}

/* With the lock, while it runs. */
static int reload_locked(char *said, size_t cap)
{
	struct config_error error = {""};
	const struct audit_who who = {.by = AUDIT_RELOAD};
	struct directive_set *set = NULL;
	struct config fresh;
	int rc = reload_read(&fresh, &error);

	if (rc) {
		snprintf(said, cap, "%s", *error.text ? error.text : strerror(-rc));
		return rc;
	}
	rc = parse_filter(fresh.level, &set);
	if (!rc)
		rc = use_filter(fresh.level, set, 0, strcmp(filter_text(), fresh.level) ? &who : NULL);
	if (rc)
		directive_free(set);
	snprintf(said, cap, "%s", rc ? strerror(-rc) : fresh.level);
	config_done(&fresh);
	return rc;
}

/* Whoever stops or forks has the lock and waits for this thread, which so must not wait for the lock. */
int logger_reload(char *said, size_t cap)
{
	int rc = lock_try(&control);

	if (rc)
		return rc;
	reload_begin();
	rc = logger.state == LOGGER_RUNNING ? reload_locked(said, cap) : -EBUSY;
	lock_drop(&control);
	return rc;
}

int ilu_log_set_filter(const char *directives)
{
	const struct audit_who who = {.by = AUDIT_PROGRAM};

	return directives ? logger_filter_for(directives, 0, &who) : -EINVAL;
}

int logger_filter_for(const char *directives, uint64_t for_ms, const struct audit_who *who)
{
	struct directive_set *set = NULL;
	int rc;

	*last_error = '\0';
	rc = parse_filter(directives, &set);
	if (rc)
		return rc;
	if (now_replaced()) /* the line about it has its place between records, wherever the appender is */
		ilu_log_flush(ILU_ACK_KERNEL, -1);
	rc = lock_take(&control);
	if (!rc) {
		rc = logger.state == LOGGER_OFF ? -ESRCH : use_filter(directives, set, for_ms, who);
		lock_drop(&control);
	}
	if (rc)
		directive_free(set);
	else if (now_replaced())
		ilu_log_flush(ILU_ACK_KERNEL, -1);
	return rc;
}

/* With the lock. 0 or -ENOMEM, -EDEADLK: try again. */
static int revert_filter(void)
{
	const struct audit_who who = {.by = AUDIT_REVERT};
	struct directive_set *set = NULL;
	int rc = parse_filter(filter.base, &set);

	if (!rc)
		rc = use_filter(filter.base, set, 0, &who);
	if (rc)
		directive_free(set);
	return rc;
}

int logger_filter_revert(void)
{
	int wait = -1;

	if (lock_take(&control))
		return wait;
	if (filter.base && logger.state == LOGGER_RUNNING) {
		uint64_t now = now_machine_ns();
		uint64_t left = now < filter.until_ns ? (filter.until_ns - now) / 1000000 + 1 : 0;

		if (left)
			wait = left < INT_MAX ? (int)left : INT_MAX;
		else if (revert_filter())
			wait = 1000;
	}
	lock_drop(&control);
	return wait;
}

int logger_filter_now(struct logger_filter *out)
{
	uint64_t now = now_machine_ns();
	int rc = lock_take(&control);

	if (rc)
		return rc;
	out->text = strdup(filter_text());
	out->base = filter.base ? strdup(filter.base) : NULL;
	out->left_ms = filter.base && now < filter.until_ns ? (filter.until_ns - now) / 1000000 : 0;
	lock_drop(&control);
	return out->text ? 0 : -ENOMEM;
}

void ilu_log_stats(struct ilu_log_stats *out)
{
	struct appender *a = use_appender() ? appender : NULL;

	memset(out, 0, sizeof *out);
	out->lines = past_lines;
	out->lost = past_lost;
	out->cut = past_cut;
	out->wakeups = past_wakeups;
	if (a) {
		out->lines += __atomic_load_n(&a->shown.lines, __ATOMIC_RELAXED);
		out->lost += __atomic_load_n(&a->shown.lost, __ATOMIC_RELAXED);
		out->cut += __atomic_load_n(&a->shown.cut, __ATOMIC_RELAXED);
		out->wakeups += __atomic_load_n(&a->shown.wakeups, __ATOMIC_RELAXED);
		leave_appender();
	}
	out->early = logger.early_ever + __atomic_load_n(&logger.early, __ATOMIC_RELAXED);
	out->span_misuse = slab_misuse();
	out->span_overflow = slab_overflow();
	out->suppressed = limits_suppressed();
	if (!logger.ready)
		return;
	out->rings = rings_count();
	out->threads = rings_owned();
	for (uint32_t i = 0; i < out->rings; i++)
		out->blocked += __atomic_load_n(&rings_at(i)->blocked, __ATOMIC_RELAXED);
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
	int rc = lock_take(&control);

	if (rc)
		return rc;
	if (logger.state != LOGGER_RUNNING) {
		rc = logger.state == LOGGER_FORKED ? 0 : -ESRCH;
		__atomic_store_n(&logger.state, LOGGER_OFF, __ATOMIC_RELEASE);
		sites_filter(NULL);
		lock_drop(&control);
		return rc;
	}
	__atomic_store_n(&logger.state, LOGGER_OFF, __ATOMIC_SEQ_CST);
	sites_filter(NULL);
	quiesce();
	a = appender;
	rc = appender_stop(a);
	while (__atomic_load_n(&users, __ATOMIC_SEQ_CST)) {
		appender_dismiss(a);
		sched_yield();
	}
	appender = NULL;
	past_lines += a->enc.written;
	past_lost += a->own.lost;
	past_cut += a->enc.cut;
	past_wakeups += a->wakeups;
	free_appender(a);
	dismissed = dismiss_server();
	lock_drop(&control);
	server_join(dismissed);
	return rc;
}

/* ---- fork and exit ---- */

static bool fork_paused;

static void before_fork(void)
{
	lock_take(&control);
	if (logger.state == LOGGER_RUNNING)
		fork_paused = appender_pause(appender, FORK_PAUSE_NS);
	sites_hold();
	if (logger.ready)
		rings_hold();
}

static void after_fork_in_parent(void)
{
	if (logger.ready)
		rings_release();
	sites_release();
	if (logger.state == LOGGER_RUNNING)
		appender_resume(appender);
	lock_drop(&control);
}

static void after_fork_in_child(void)
{
	if (logger.ready)
		rings_reset();
	sites_reset();
	early_reset();
	audit_reset();
	limits_reset();
	logger.bell = logger.naps = users = 0;
	server_forget(server);
	server = NULL;
	if (logger.state == LOGGER_RUNNING)
		logger.state = LOGGER_FORKED;
	lock_reset(&control);
}

/* The child takes over what it inherited: the sinks where the parent was at rest, the texts of open spans. */
static int relaunch(void)
{
	struct appender *old = appender;
	struct span_texts spans = {0};
	int rc;

	appender = NULL;
	if (old && fork_paused) {
		spans = old->enc.spans;
		memset(&old->enc.spans, 0, sizeof old->enc.spans);
		free_appender(old);
	} /* else it was in the middle of something: leave it alone */
	rc = launch(SINK_FILE_APPEND, &spans);
	span_texts_done(&spans);
	return rc;
}

/* The child may have given up the right to the directory: it logs all the same, and a filter for a while ends now. */
static void relaunch_server(void)
{
	if (!start_server())
		return;
	fprintf(stderr, "ilulog: %s\n", last_error);
	if (filter.base)
		revert_filter();
}

bool logger_revive(void)
{
	bool running;

	if (logger_state() != LOGGER_FORKED || lock_take(&control))
		return false;
	if (logger.state == LOGGER_FORKED) {
		if (!relaunch()) {
			relaunch_server();
			__atomic_store_n(&logger.state, LOGGER_RUNNING, __ATOMIC_RELEASE);
		} else {
			__atomic_store_n(&logger.state, LOGGER_OFF, __ATOMIC_RELEASE);
		}
	}
	running = logger.state == LOGGER_RUNNING;
	lock_drop(&control);
	return running;
}

static void at_exit(void)
{
	ilu_log_stop();
}

/* Once a process. */
static void hooks(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
	atexit(at_exit);
}
