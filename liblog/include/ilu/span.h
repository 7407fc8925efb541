/* SPDX-License-Identifier: Apache-2.0 */
/* ilu/span.h - spans: named intervals that events happen in, one inside another, across queues and threads.
 *
 *	ILU_SPAN(span, "invoke", tid, KV("fqdn", inv->fqdn));   enters; leaves when the scope ends
 *	inv->span = ilu_span_share(span);                       a reference travels with the item ...
 *
 *	ILU_ENTER_TAKE(inv->span);                              ... another thread enters it, and drops it at the end
 *	ilu_info(ilu_span_tid(inv->span), "Item starting to execute");
 *
 * A handle is a value of 8 bytes. References are counted: a span closes when the last one goes, after all spans opened
 * inside it. A handle used after that is harmless: it is counted, and the count is logged. The zero handle stands for
 * no span. Handles work, and ilu_span_tid answers, whether or not the filter lets the span into the log, and with
 * -DILU_NO_SPANS, which compiles all spans out.
 *
 * The scope ends at its brace, return, break or a goto out of it; not by longjmp, pthread_exit or exit. A goto or a
 * switch into it does not compile. */
#ifndef ILU_SPAN_H
#define ILU_SPAN_H

#include <stdbool.h>

#include "detail/site.h"
#include "detail/pairs.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ilu_span {
	uint64_t handle_;
} ilu_span;

#ifdef __cplusplus
#define ILU_SPAN_NONE (ilu_span{0})
#else
#define ILU_SPAN_NONE ((ilu_span){0})
#endif

/* Open a span inside the current one and enter it until the end of the scope; `span` is its handle.
 *
 *   ILU_SPAN(span, "name", tid, KV(...)...)               at level info
 *   ILU_SPAN_AT(level, span, "name", tid, KV(...)...)
 *   ILU_SPAN_FN(span, tid, KV(...)...)                    named after the function
 *   ILU_SPAN_REMOTE(span, "name", traceparent, KV(...)...)  continues a W3C traceparent ("00-<trace>-<parent>-01"):
 *                                                         its trace is the tid; a wrong one, or NULL: a new tid */
#define ILU_SPAN(span, ...)    ILU_SPAN_AT(ILU_INFO, span, __VA_ARGS__)
#define ILU_SPAN_FN(span, ...) ILU_SPAN_OPEN_(ILU_INFO, span, __func__, ilu_span_open_, ILU_TID_, __VA_ARGS__)
#define ILU_SPAN_AT(level, span, name, ...) \
	ILU_SPAN_OPEN_(level, span, ILU_TEXT_(name), ilu_span_open_, ILU_TID_, __VA_ARGS__)
#define ILU_SPAN_REMOTE(span, name, ...) \
	ILU_SPAN_OPEN_(ILU_INFO, span, ILU_TEXT_(name), ilu_span_open_remote_, ILU_TRACEPARENT_, __VA_ARGS__)

/* Enter a span until the end of the scope. ILU_ENTER borrows the reference, ILU_ENTER_TAKE drops it at the end. */
#define ILU_ENTER(h)      ILU_ENTER_(ILU_GLUE_(ilu_enter_, __COUNTER__), h, ilu_span_leave_)
#define ILU_ENTER_TAKE(h) ILU_ENTER_(ILU_GLUE_(ilu_enter_, __COUNTER__), h, ilu_span_finish_)

/* One more reference, yours: enter it by ILU_ENTER_TAKE, or drop it by ilu_span_release. */
ILU_API ilu_span ilu_span_share(ilu_span span);
ILU_API void ilu_span_release(ilu_span span);

/* The span's transaction id; valid while you hold a reference. */
ILU_API const ilu_tid *ilu_span_tid(ilu_span span);

/* The innermost span this thread is in, borrowed; ILU_SPAN_NONE outside all. */
ILU_API ilu_span ilu_span_current(void);

/* Whether this is no span: the zero handle, as ilu_span_current gives it outside all. A span that has closed is not
 * none. */
static inline bool ilu_span_is_none(ilu_span span)
{
	return !span.handle_;
}

/* Add fields to a span, or set them anew: ilu_span_record(span, KV("status", 200)). Later lines show them. */
#define ilu_span_record(...) ILU_RECORD_N_(ILU_COUNT_(__VA_ARGS__), __VA_ARGS__)

/* Say that this span was caused by another that need not be its parent: its id goes into the field "follows". */
ILU_API void ilu_span_follows(ilu_span span, ilu_span from);

/* "00-<tid>-<span id>-01" for another process, with its NUL. 0, or -EINVAL: a closed span, or a tid that is a name. */
#define ILU_TRACEPARENT_MAX 56
ILU_API int ilu_span_traceparent(ilu_span span, char out[ILU_TRACEPARENT_MAX]);

/* The spans a thread is in. A scheduler of tasks or coroutines keeps one of these for each and swaps it with the task;
 * all zero is "in no span". */
typedef struct ilu_context {
	uint64_t current_;
	uint64_t reserved_;
} ilu_context;

/* Make `next` the calling thread's context; returns the one it had. */
ILU_API ilu_context ilu_context_swap(ilu_context next);

/* ---- what the macros use ---- */

struct ilu_scope_ {
	uint64_t handle;
	uint64_t previous;
};

ILU_API uint64_t ilu_span_open_(const struct ilu_site_ *site, uint32_t gate, const ilu_tid *tid);
ILU_API uint64_t ilu_span_open_remote_(const struct ilu_site_ *site, uint32_t gate, const char *traceparent);
/* Begin the record of a span that is opened (ILU_OP_NEW_) or gets fields (ILU_OP_RECORD_). */
ILU_API struct ilu_writing_ ilu_span_begin_(uint32_t word, uint64_t handle, size_t size);
/* The NEW record could not be written: the span lives on, but not in the log. */
ILU_API ILU_COLD_ uint64_t ilu_span_unsay_(uint64_t handle);
/* Ask the dynamic directives about the fields of a span of ILU_GATE_WATCH_. */
ILU_API ILU_COLD_ void ilu_span_watch_(uint64_t handle, const struct ilu_site_ *site, const struct ilu_arg_ *args);
ILU_API struct ilu_scope_ ilu_span_enter_(uint64_t handle);
ILU_API void ilu_span_leave_(struct ilu_scope_ *scope);  /* exit */
ILU_API void ilu_span_finish_(struct ilu_scope_ *scope); /* exit, and drop the reference */
ILU_API extern const unsigned char ilu_one_;

/* Set in handles of spans that the log knows. */
#define ILU_SPAN_SAID_ (UINT64_C(1) << 31)

#ifdef __cplusplus
}
#endif

#define ILU_TEXT_(text)     "" text ""
#define ILU_TRACEPARENT_(t) (t)

/* A type that depends on a variable: no jump may enter its scope. */
#ifdef __cplusplus
#define ILU_NO_JUMP_(name)  \
	const int name = 0; \
	(void)name
#else
#define ILU_NO_JUMP_(name)                                                                        \
	_Pragma("GCC diagnostic push")                                                            \
	    _Pragma("GCC diagnostic ignored \"-Wvla\"") __extension__ typedef char name[ilu_one_] \
	    __attribute__((unused));                                                              \
	_Pragma("GCC diagnostic pop")
#endif

/* The record of `operation` about the span `h`, with the pairs. `h` loses ILU_SPAN_SAID_ when it could not be kept. */
#define ILU_SPAN_SAY_(gate, operation, h, lost, n, ...)                                                                \
	do {                                                                                                           \
		ILU_EVALUATE_(n, __VA_ARGS__)                                                                          \
		if (ILU_UNLIKELY_(((gate)&ILU_GATE_MASK_) == ILU_GATE_WATCH_)) {                                       \
			struct ilu_arg_ ilu_seen_[] = {ILU_EACH_(ILU_LIST_, n, __VA_ARGS__) ilu_arg_none_(ILU_NULL_)}; \
			ilu_span_watch_(h, &ilu_site_, ilu_seen_);                                                     \
		}                                                                                                      \
		struct ilu_writing_ ilu_w_ =                                                                           \
		    ilu_span_begin_(((gate) & ~ILU_CAST_(uint32_t, ILU_GATE_MASK_)) | operation, h, ilu_size_);        \
		if (ILU_LIKELY_(ilu_w_.at != ILU_NULL_)) {                                                             \
			char *ilu_at_ = ilu_w_.at;                                                                     \
			ILU_EACH_(ILU_PUT_, n, __VA_ARGS__)                                                            \
			ilu_commit_(ilu_w_.producer, ilu_at_);                                                         \
		} else {                                                                                               \
			lost;                                                                                          \
		}                                                                                                      \
	} while (0)

#define ILU_SPAN_OPEN_(level, span, name, open, first, ...) \
	ILU_SPAN_N_(level, span, name, open, first, ILU_COUNT_(__VA_ARGS__), __VA_ARGS__)
#define ILU_SPAN_N_(level, span, name, open, first, n, ...) ILU_SPAN_X_(level, span, name, open, first, n, __VA_ARGS__)

#define ILU_FIRST_(first, ...)     ILU_FIRST2_(first, __VA_ARGS__, ~)
#define ILU_FIRST2_(first, a, ...) first(a)

#ifdef ILU_NO_SPANS
#define ILU_SPAN_MAKE_(level, name, open, first, n, ...) \
	ILU_EACH_(ILU_UNUSED_, n, __VA_ARGS__)           \
	ilu_h_ = open(ILU_NULL_, 0, ILU_FIRST_(first, __VA_ARGS__));
#else
#define ILU_SPAN_MAKE_(level, name, open, first, n, ...)                                                 \
	ILU_SITE_(ILU_SITE_SPAN_, level, name, n, __VA_ARGS__)                                           \
	uint32_t ilu_on_ = (level) <= ILU_MIN_LEVEL ? __atomic_load_n(&ilu_gate_, __ATOMIC_RELAXED) : 0; \
	if (ilu_on_ & ILU_GATE_MASK_)                                                                    \
		ilu_on_ = ilu_gate_open_(ilu_on_, &ilu_site_);                                           \
	ilu_h_ = open(&ilu_site_, ilu_on_, ILU_FIRST_(first, __VA_ARGS__));                              \
	if (ilu_h_ & ILU_SPAN_SAID_)                                                                     \
		ILU_SPAN_SAY_(ilu_on_, ILU_OP_NEW_, ilu_h_, ilu_h_ = ilu_span_unsay_(ilu_h_), n, __VA_ARGS__);
#endif

#define ILU_SPAN_X_(level, span, name, open, first, n, ...)                                             \
	ILU_NO_JUMP_(ILU_GLUE_(span, _no_jump_into_));                                                  \
	struct ilu_scope_ ILU_GLUE_(span, _scope_) __attribute__((cleanup(ilu_span_finish_), unused)) = \
	    __extension__({                                                                             \
		    ILU_CHECK_(n, __VA_ARGS__);                                                         \
		    uint64_t ilu_h_;                                                                    \
		    ILU_SPAN_MAKE_(level, name, open, first, n, __VA_ARGS__)                            \
		    ilu_span_enter_(ilu_h_);                                                            \
	    });                                                                                         \
	const ilu_span span __attribute__((unused)) = {ILU_GLUE_(span, _scope_).handle}

#define ILU_ENTER_(name, h, leave)                     \
	ILU_NO_JUMP_(ILU_GLUE_(name, _no_jump_into_)); \
	struct ilu_scope_ name __attribute__((cleanup(leave), unused)) = ilu_span_enter_((h).handle_)

#ifdef ILU_NO_SPANS
#define ILU_RECORD_N_(n, ...)                                \
	do {                                                 \
		ILU_CHECK_(n, __VA_ARGS__);                  \
		ILU_EACH_(ILU_UNUSED_, n, __VA_ARGS__)       \
		(void)ILU_FIRST_(ILU_SPAN_OF_, __VA_ARGS__); \
	} while (0)
#else
#define ILU_RECORD_N_(n, ...)                                                                          \
	do {                                                                                           \
		ILU_CHECK_(n, __VA_ARGS__);                                                            \
		ILU_SITE_(ILU_SITE_RECORD_, ILU_ERROR, "", n, __VA_ARGS__)                             \
		uint64_t ilu_h_ = ILU_FIRST_(ILU_SPAN_OF_, __VA_ARGS__);                               \
		uint32_t ilu_on_ = __atomic_load_n(&ilu_gate_, __ATOMIC_RELAXED);                      \
		if ((ilu_h_ & ILU_SPAN_SAID_) && (ilu_on_ = ilu_gate_open_(ilu_on_, &ilu_site_)) != 0) \
			ILU_SPAN_SAY_(ilu_on_, ILU_OP_RECORD_, ilu_h_, (void)0, n, __VA_ARGS__);       \
	} while (0)
#endif
#define ILU_SPAN_OF_(span) ((span).handle_)

#endif
