/* SPDX-License-Identifier: Apache-2.0 */
/* ilu/log.h - structured logging with transaction ids and spans.
 *
 *	#define ILU_TARGET "worker::queue"
 *	#include <ilu/log.h>
 *
 *	ilu_info(tid, "Item starting to execute", KV("queue_len", q->len), KV("warm", inv->warm));
 *
 * writes, through a thread of its own, one JSON line. A call costs about as much as reading the clock: no lock, no
 * allocation, no system call, no formatting. It never fails: what could not be written is counted, and the count is
 * in the log. errno is kept. Signal handlers may log.
 *
 *   tid      a `const ilu_tid *` (ilu/tid.h)
 *   message  a string literal that is not empty; what varies goes into pairs
 *   KV(...)  up to 16 pairs of a literal key and a value: any integer type, enum, bit-field, float, double, bool, char
 **, NULL. Strings are copied. Keys `message` and `tid` are taken, and no key may come twice.
 *
 * Anything else does not compile. Arguments of a call that is filtered out are not evaluated.
 *
 *   KV_BOOL(key, v)         true or false: in C `true` and `a == b` are int
 *   KV_STR(key, p, len)     text that does not end in NUL
 *   KV_JSON(key, text)      JSON as it is; text that is not JSON becomes a string
 *   KV_ERRNO(key, e)        the number, and its name: "errno":2,"errno_name":"ENOENT". KV_ERRNO(e): key "errno"
 *   KV_SECRET(key, v)       the key only: the value is not even copied
 *
 * A call that may come too often has a limit, and the next line that it may write says how many it did not
 *("suppressed"):
 *
 *   ilu_warn_limited(ILU_RATE(10, 20), tid, "Login refused", KV("client", address));
 *
 *   ILU_RATE(n, burst)          so many a second, and at first, or after a rest, so many at once
 *   ILU_RATE_BY(key, n, burst)  the same for each value of that pair ("tid": for each transaction) by itself
 *
 * n is a constant number of at least 0.001, not necessarily whole. The configuration limits calls by target, level and
 * message, and overrules these: `rate_limits` in ilulog.json(5).
 *
 * ILU_TARGET names who speaks, "app" unless defined before the include. -DILU_MIN_LEVEL=ILU_INFO compiles less severe
 * calls out, -DILU_NO_SPANS spans, -DILU_NO_SHORT_NAMES leaves ILU_KV... without the aliases KV.... With
 *ILU_OUT_OF_LINE defined before the include, calls of the file copy their values by a function: for code that runs
 *once, such as that of a start, which is to be small.
 *
 * Needs gcc or clang: C11 and later (in C, inline functions that log are static), or C++17 and later. */
#ifndef ILU_LOG_H
#define ILU_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tid.h"
#include "span.h"
#include "version.h"

#ifndef ILU_TARGET
#define ILU_TARGET "app"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Start the logger.
 *
 * config_json  an object with the keys of ilulog.json(5); borrowed. NULL: info and above to stderr, no file.
 *              Environment variables ILU_LOG__a__b=value go over it.
 *
 * Returns 0, -EINVAL (an unknown key, a wrong type, a bad filter: said on stderr, and by ilu_log_error), -EALREADY
 * when it runs, or a negative errno (directory, file, memory, thread). Until it has started, and after ilu_log_stop,
 * calls from WARN up go to stderr; others are counted, and the next start tells the count. */
ILU_API int ilu_log_start(const char *config_json);

/* The same with the object in a file. SIGHUP handlers may call ilu_log_reload, or ilu_log_reopen. */
ILU_API int ilu_log_start_file(const char *path);

/* Why the calling thread's last ilu_log_start, ..._start_file or ..._set_filter failed; "" when it did not. */
ILU_API const char *ilu_log_error(void);

/* How far what was logged before has come. */
enum ilu_ack {
	ILU_ACK_RING,   /* in the ring, where the appender will find it */
	ILU_ACK_KERNEL, /* written to every sink: survives the death of the process */
	ILU_ACK_DISK,   /* and fdatasync'ed: survives loss of power */
};

/* Wait until everything logged before this call, by any thread, has come that far.
 *
 * timeout_ns  how long at most; < 0: for ever
 *
 * Returns 0, -ETIMEDOUT, -ESRCH (the logger is not running) or the sink's negative errno (-ENOSPC, -EIO ...): then some
 * lines were lost, and a gap record tells how many as soon as the sink takes lines again. */
ILU_API int ilu_log_flush(enum ilu_ack level, int64_t timeout_ns);

/* Open log files anew by their names, as logrotate wants. Safe in signal handlers. 0, or -ESRCH when not running. */
ILU_API int ilu_log_reopen(void);

/* Read the file given to ilu_log_start_file again, use its `level`, and open files anew; all other keys stay as they
 * were. Safe in signal handlers: it only asks, the appender does it soon, and the log says what came of it
 * ("Configuration reloaded", or "... not reloaded" and why; then nothing has changed); a stop does not wait for it.
 * The library installs no handler.
 * Returns 0, -ENOENT (not started from a file) or -ESRCH (the logger does not run). */
ILU_API int ilu_log_reload(void);

/* Replace the directives (ilulog.json(5), `level`) while running. 0, -EINVAL (the old ones stay), -ENOMEM or -ESRCH. */
ILU_API int ilu_log_set_filter(const char *directives);

/* Write everything, close the sinks. Also done at exit. 0, -ESRCH, or the sink's negative errno. */
ILU_API int ilu_log_stop(void);

/* Name the calling thread in the log: `threadName`. Default: the name the system has for it. Cut at 63 bytes. */
ILU_API void ilu_log_thread_name(const char *name);

/* What the logger did so far. Fields are only ever added, at the end. */
struct ilu_log_stats {
	size_t size;              /* sizeof(struct ilu_log_stats), set by you: so far, and no further, is written */
	uint64_t lines;           /* that are in the log file, or, without one, in the first sink */
	uint64_t lost;            /* by full rings, and by each sink the lines it did not take */
	uint64_t early;           /* calls below WARN before the start or after the stop */
	uint64_t cut;             /* values and records that were too long, and were cut and marked */
	uint64_t span_misuse;     /* handles used after their span was closed */
	uint64_t span_overflow;   /* spans that found the slab full, and have only their tid */
	uint64_t wakeups;         /* of the appender */
	uint64_t blocked;         /* times a caller waited for room */
	uint64_t rings, threads;  /* rings made; threads that have one now */
	uint64_t suppressed;      /* calls over their rate limits */
	uint64_t reopen_failures; /* times a file that was moved or deleted could not be opened anew */
};
/* Fill *out:
 *
 *	struct ilu_log_stats stats = {.size = sizeof stats};
 *
 * A library that is older than the caller's headers knows fewer fields and leaves the others alone; `size` becomes what
 * was filled. 0, or -EINVAL when `size` was not set: then nothing is written. */
ILU_API int ilu_log_stats(struct ilu_log_stats *out);

/* A pair made at run time: struct ilu_kv list[] = { ILU_PAIR(KV("a", 1)), ILU_PAIR(KV_STR("b", p, len)) }. Keys and
 * text are borrowed for the call that takes the list. `key` may be replaced by any string of up to 256 bytes. */
struct ilu_kv {
	const char *key;
	struct ilu_arg_ value_;
	unsigned char type_;
};
#define ILU_PAIR(pair)                                                                          \
	{                                                                                       \
		ILU_KEY_OF_ pair, ILU_ARG_OF_ pair, ILU_CAST_(unsigned char, ILU_TYPE_OF_ pair) \
	}

/* Log with more than 16 pairs, or with keys made at run time; at most 256. A reserved or repeated key gets "_" after
 * it.
 *
 *   ilu_log_array(ILU_INFO, tid, "message", list, n) */
#define ilu_log_array(level, tid, message, list, n)                                                                  \
	do {                                                                                                         \
		ILU_CHECK_MESSAGE_(message);                                                                         \
		ILU_SITE_(ILU_SITE_EVENT_, level, ILU_TEXT_(message), 0, ~)                                          \
		uint32_t ilu_on_ = (level) <= ILU_MIN_LEVEL ? __atomic_load_n(&ilu_gate_, __ATOMIC_RELAXED) : 0;     \
		if (ILU_UNLIKELY_(ilu_on_ & ILU_GATE_MASK_) && (ilu_on_ = ilu_gate_open_(ilu_on_, &ilu_site_)) != 0) \
			ilu_log_array_(ilu_on_, ILU_TID_(tid), list, n);                                             \
	} while (0)
/* A call of a file with ILU_OUT_OF_LINE; `args` may be cut. */
ILU_API ILU_COLD_ void ilu_event_(uint32_t gate, const struct ilu_site_ *site, const ilu_tid *tid,
                                  struct ilu_arg_ *args);
ILU_API void ilu_log_array_(uint32_t gate, const ilu_tid *tid, const struct ilu_kv *list, size_t count);

#ifdef __cplusplus
}
#endif

/* ---- the calls ---- */

#define ILU_RATE(per_second, burst)         (ilu_limited, per_second, burst, ILU_NULL_)
#define ILU_RATE_BY(key, per_second, burst) (ilu_limited, per_second, burst, "" key "")

#define ilu_error(tid, ...)               ILU_EVENT_(ILU_ERROR, tid, __VA_ARGS__)
#define ilu_error_limited(rate, tid, ...) ILU_EVENT_RATE_(rate, ILU_ERROR, tid, __VA_ARGS__)
#if ILU_WARN <= ILU_MIN_LEVEL
#define ilu_warn(tid, ...)               ILU_EVENT_(ILU_WARN, tid, __VA_ARGS__)
#define ilu_warn_limited(rate, tid, ...) ILU_EVENT_RATE_(rate, ILU_WARN, tid, __VA_ARGS__)
#else
#define ilu_warn(tid, ...)               ILU_SILENT_(tid, __VA_ARGS__)
#define ilu_warn_limited(rate, tid, ...) ILU_SILENT_(tid, __VA_ARGS__)
#endif
#if ILU_INFO <= ILU_MIN_LEVEL
#define ilu_info(tid, ...)               ILU_EVENT_(ILU_INFO, tid, __VA_ARGS__)
#define ilu_info_limited(rate, tid, ...) ILU_EVENT_RATE_(rate, ILU_INFO, tid, __VA_ARGS__)
#else
#define ilu_info(tid, ...)               ILU_SILENT_(tid, __VA_ARGS__)
#define ilu_info_limited(rate, tid, ...) ILU_SILENT_(tid, __VA_ARGS__)
#endif
#if ILU_DEBUG <= ILU_MIN_LEVEL
#define ilu_debug(tid, ...)               ILU_EVENT_(ILU_DEBUG, tid, __VA_ARGS__)
#define ilu_debug_limited(rate, tid, ...) ILU_EVENT_RATE_(rate, ILU_DEBUG, tid, __VA_ARGS__)
#else
#define ilu_debug(tid, ...)               ILU_SILENT_(tid, __VA_ARGS__)
#define ilu_debug_limited(rate, tid, ...) ILU_SILENT_(tid, __VA_ARGS__)
#endif
#if ILU_TRACE <= ILU_MIN_LEVEL
#define ilu_trace(tid, ...)               ILU_EVENT_(ILU_TRACE, tid, __VA_ARGS__)
#define ilu_trace_limited(rate, tid, ...) ILU_EVENT_RATE_(rate, ILU_TRACE, tid, __VA_ARGS__)
#else
#define ilu_trace(tid, ...)               ILU_SILENT_(tid, __VA_ARGS__)
#define ilu_trace_limited(rate, tid, ...) ILU_SILENT_(tid, __VA_ARGS__)
#endif

#define ILU_CHECK_MESSAGE_(message) \
	ILU_ASSERT_(sizeof(ILU_TEXT_(message)) > 1, "the message is a string literal that is not empty")
#define ILU_MESSAGE_(...)           ILU_MESSAGE2_(__VA_ARGS__, ~)
#define ILU_MESSAGE2_(message, ...) message

#define ILU_EVENT_(level, tid, ...)            ILU_EVENT_RATE_(ILU_UNLIMITED_, level, tid, __VA_ARGS__)
#define ILU_EVENT_RATE_(rate, level, tid, ...) ILU_EVENT_N_(rate, level, tid, ILU_COUNT_(__VA_ARGS__), __VA_ARGS__)
#define ILU_EVENT_N_(rate, level, tid, n, ...) ILU_EVENT_X_(rate, level, tid, n, __VA_ARGS__)
#ifdef ILU_OUT_OF_LINE
#define ILU_EVENT_WRITE_(tid, n, ...)                                                                 \
	struct ilu_arg_ ilu_list_[] = {ILU_EACH_(ILU_ARG_, n, __VA_ARGS__) ilu_arg_none_(ILU_NULL_)}; \
	ilu_event_(ilu_on_, &ilu_site_, tid, ilu_list_);
#else
#define ILU_EVENT_WRITE_(tid, n, ...)                                                               \
	const ilu_tid *ilu_tid_ = tid;                                                              \
	ILU_EVALUATE_(n, __VA_ARGS__)                                                               \
	struct ilu_writing_ ilu_w_ =                                                                \
	    ilu_begin_(ilu_word_(ilu_on_, ILU_OP_EVENT_), ilu_producer_.span, ilu_tid_, ilu_size_); \
	if (ILU_LIKELY_(ilu_w_.at != ILU_NULL_)) {                                                  \
		char *ilu_at_ = ilu_w_.at;                                                          \
		ILU_EACH_(ILU_PUT_, n, __VA_ARGS__)                                                 \
		ilu_commit_(ilu_w_.producer, ilu_at_);                                              \
	}
#endif

#define ILU_EVENT_X_(rate, level, tid, n, ...)                                                                         \
	do {                                                                                                           \
		ILU_CHECK_MESSAGE_(ILU_MESSAGE_(__VA_ARGS__));                                                         \
		ILU_CHECK_(n, __VA_ARGS__);                                                                            \
		ILU_SITE_RATE_(rate, ILU_SITE_EVENT_, level, ILU_TEXT_(ILU_MESSAGE_(__VA_ARGS__)), n, __VA_ARGS__)     \
		uint32_t ilu_on_ = __atomic_load_n(&ilu_gate_, __ATOMIC_RELAXED);                                      \
		if (ILU_UNLIKELY_(ilu_on_ & ILU_GATE_MASK_) && (ilu_on_ = ilu_gate_open_(ilu_on_, &ilu_site_)) != 0) { \
			ILU_EVENT_WRITE_(ILU_TID_(tid), n, __VA_ARGS__)                                                \
		}                                                                                                      \
	} while (0)

/* Compiled out: checked all the same, and what it mentions counts as used. */
#define ILU_SILENT_(tid, ...)      ILU_SILENT_N_(tid, ILU_COUNT_(__VA_ARGS__), __VA_ARGS__)
#define ILU_SILENT_N_(tid, n, ...) ILU_SILENT_X_(tid, n, __VA_ARGS__)
#define ILU_SILENT_X_(tid, n, ...)                             \
	do {                                                   \
		ILU_CHECK_MESSAGE_(ILU_MESSAGE_(__VA_ARGS__)); \
		ILU_CHECK_(n, __VA_ARGS__);                    \
		(void)sizeof(ILU_TID_(tid));                   \
		ILU_EACH_(ILU_UNUSED_, n, __VA_ARGS__)         \
	} while (0)

#endif
