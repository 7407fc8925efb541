/* SPDX-License-Identifier: Apache-2.0 */
/* ilu/detail/record.h - how a call puts a record into its thread's ring. Not for use by hand: the macros do it.
 *
 * A record is binary: a header, the transaction id (16 bytes, or 48 with ILU_NAMED_), then the values in the order of
 * the site's keys: 8 bytes for a number or bool, u32 length and bytes for text, nothing for null and secrets.
 *
 * It is committed in band: the reader looks at the `size` of the next header and finds 0 until the record is whole.
 * The writer therefore fills everything else first, sets the size of the header *after* this one to 0, and then
 * releases its own size; the reader acquires it. So no index is shared, and the order needs no fence on x86.
 * Reusing the bytes of records that were read is ordered by the ring's read position, which the reader releases and
 * the writer acquires when it looks for room (ring.c).
 *
 * A signal handler may log while its thread is between begin and commit: `busy` then sends it to another ring. */
#ifndef ILU_DETAIL_RECORD_H
#define ILU_DETAIL_RECORD_H

#include <string.h>

#include "../tid.h"

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct ilu_record_ {
	uint32_t size;  /* of the whole record, a multiple of 8; 0: not committed yet */
	uint32_t word;  /* number of the site << 8 | ILU_NAMED_ | operation */
	uint64_t stamp; /* TSC ticks, or nanoseconds of CLOCK_MONOTONIC */
	uint64_t span;  /* handle of the span it is about or happens in; 0: none */
};

enum ilu_operation_ {
	ILU_OP_EVENT_ = 1,
	ILU_OP_ARRAY_, /* an event whose keys are in the record: ilu_log_array */
	ILU_OP_NEW_,   /* spans: values are the span's fields */
	ILU_OP_ENTER_,
	ILU_OP_EXIT_,
	ILU_OP_CLOSE_,
	ILU_OP_RECORD_,
	ILU_OP_FOLLOWS_,
	ILU_OP_OWNER_,    /* the ring changed hands */
	ILU_OP_PAD_,      /* nothing, up to the end of the ring */
	ILU_OP_TURN_,     /* what follows was written in this turn, see now.h */
	ILU_OP_WITHHELD_, /* so many calls of the site were over its limit */
	ILU_OP_MASK_ = 0x1f,
};
#define ILU_NAMED_    0x80u
#define ILU_RECORDED_ 0x20u /* below the filter: for the flight recorder */

enum ilu_type_ {
	ILU_T_NULL_,
	ILU_T_I64_,
	ILU_T_U64_,
	ILU_T_F64_,
	ILU_T_BOOL_,
	ILU_T_STR_,
	ILU_T_JSON_,
	ILU_T_ERRNO_,
	ILU_T_SECRET_,
	ILU_T_BAD_,
};

/* A value on its way into a record. */
struct ilu_arg_ {
	uint64_t word;     /* the number, or the address of the text */
	uint32_t size;     /* bytes it takes in the record */
	uint32_t head;     /* of text: its length in the record, ILU_CUT_, or ILU_NO_TEXT_ */
	uint32_t original; /* of cut text: its length before */
};
#define ILU_CUT_      0x80000000u
#define ILU_NO_TEXT_  0xffffffffu
#define ILU_TEXT_MAX_ 0x7ffffffeu

/* What a caller looks at before and after: the word lies in memory that is zeros in a forked child, whose ring is the
 * parent's. One of QUIET_ and SLOW_ is set everywhere else. */
enum ilu_bell_ {
	ILU_BELL_QUIET_ = 1, /* go on: it is the caller that stamps */
	ILU_BELL_RING_ = 2,  /* somebody wants to be told of a commit */
	ILU_BELL_SLOW_ = 4,  /* the library stamps: not by the TSC */
};

/* The writing end of a ring. */
struct ilu_producer_ {
	char *at;             /* the next record's header */
	char *limit;          /* values of a record may take limit - at bytes */
	uint64_t span;        /* the thread's context: innermost entered span */
	const uint32_t *bell; /* bits of enum ilu_bell_ */
	uint32_t busy;        /* 1 between begin and commit */
	uint32_t clock;       /* 0: read the TSC; callers that were built before the bell said it look here */
	void *ring;
	char *end;
};

/* The producer of each thread; zero until its first call, which finds no room and goes the slow way. */
extern ILU_API __thread struct ilu_producer_ ilu_producer_ __attribute__((tls_model("initial-exec")));

struct ilu_writing_ {
	char *at; /* where values go; NULL: the record is not wanted */
	struct ilu_producer_ *producer;
};

/* Bytes of values past which a call asks what may be that big. */
#define ILU_FIT_ 2048

ILU_API ILU_COLD_ struct ilu_writing_ ilu_begin_slow_(uint32_t word, uint64_t span, const ilu_tid *tid, size_t size);
ILU_API ILU_COLD_ void ilu_ring_bell_(struct ilu_producer_ *producer);
ILU_API uint64_t ilu_stamp_(void);
ILU_API ILU_COLD_ size_t ilu_fit_(struct ilu_arg_ *args, size_t count);

/* Write header and id at `at`. */
ILU_INLINE_ char *ilu_head_(char *at, uint32_t word, uint64_t stamp, uint64_t span, const ilu_tid *tid)
{
	struct ilu_record_ *r = ILU_POINTER_(struct ilu_record_ *, at);

	r->stamp = stamp;
	r->span = span;
	at += sizeof *r;
	if (tid && ILU_UNLIKELY_(tid->length_ != 0)) {
		r->word = word | ILU_NAMED_;
		memcpy(at, tid, sizeof *tid);
		return at + sizeof *tid;
	}
	r->word = word;
	if (!tid)
		return at;
	memcpy(at, tid->bits_, sizeof tid->bits_);
	return at + sizeof tid->bits_;
}

/* Reserve room for values of `size` bytes; fills everything before them. */
ILU_INLINE_ struct ilu_writing_ ilu_begin_(uint32_t word, uint64_t span, const ilu_tid *tid, size_t size)
{
	struct ilu_producer_ *p = &ilu_producer_;
	struct ilu_writing_ w;

	if (ILU_UNLIKELY_(__atomic_load_n(&p->busy, __ATOMIC_RELAXED)))
		return ilu_begin_slow_(word, span, tid, size);
	__atomic_store_n(&p->busy, 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (ILU_UNLIKELY_(p->limit - p->at <= ILU_CAST_(ptrdiff_t, size)) ||
	    ILU_UNLIKELY_(!(__atomic_load_n(p->bell, __ATOMIC_RELAXED) & ILU_BELL_QUIET_))) {
		__atomic_store_n(&p->busy, 0, __ATOMIC_RELAXED);
		return ilu_begin_slow_(word, span, tid, size);
	}
#if defined(__x86_64__) || defined(__i386__)
	w.at = ilu_head_(p->at, word, __rdtsc(), span, tid);
#else
	w.at = ilu_head_(p->at, word, ilu_stamp_(), span, tid);
#endif
	w.producer = p;
	return w;
}

/* `end`: one past the last value. */
ILU_INLINE_ void ilu_commit_(struct ilu_producer_ *p, char *end)
{
	char *at = p->at;
	size_t size = (ILU_CAST_(size_t, end - at) + 7) & ~ILU_CAST_(size_t, 7);

	__atomic_store_n(ILU_POINTER_(uint32_t *, at + size), 0, __ATOMIC_RELAXED);
	p->at = at + size;
	__atomic_store_n(ILU_POINTER_(uint32_t *, at), ILU_CAST_(uint32_t, size), __ATOMIC_RELEASE);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&p->busy, 0, __ATOMIC_RELAXED);
	if (ILU_UNLIKELY_(__atomic_load_n(p->bell, __ATOMIC_RELAXED) & ILU_BELL_RING_))
		ilu_ring_bell_(p);
}

ILU_INLINE_ char *ilu_put_(char *at, unsigned char type, struct ilu_arg_ a)
{
	if (type == ILU_T_STR_ || type == ILU_T_JSON_) {
		uint32_t length = a.head == ILU_NO_TEXT_ ? 0 : a.head & ~ILU_CUT_;

		memcpy(at, &a.head, 4);
		at += 4;
		if (length) {
			memcpy(at, ILU_ADDRESS_(a.word), length);
			at += length;
		}
		if (ILU_UNLIKELY_(a.original != 0)) {
			memcpy(at, &a.original, 4);
			at += 4;
		}
		return at;
	}
	if (type == ILU_T_NULL_ || type == ILU_T_SECRET_)
		return at;
	memcpy(at, &a.word, 8);
	return at + 8;
}

ILU_INLINE_ struct ilu_arg_ ilu_arg_make_(uint64_t word, uint32_t size, uint32_t head)
{
	struct ilu_arg_ a;

	a.word = word;
	a.size = size;
	a.head = head;
	a.original = 0;
	return a;
}

ILU_INLINE_ struct ilu_arg_ ilu_arg_i_(long long v)
{
	return ilu_arg_make_(ILU_CAST_(uint64_t, v), 8, 0);
}

ILU_INLINE_ struct ilu_arg_ ilu_arg_u_(unsigned long long v)
{
	return ilu_arg_make_(v, 8, 0);
}

ILU_INLINE_ struct ilu_arg_ ilu_arg_f_(double v)
{
	uint64_t word;

	memcpy(&word, &v, 8);
	return ilu_arg_make_(word, 8, 0);
}

ILU_INLINE_ struct ilu_arg_ ilu_arg_b_(int v)
{
	return ilu_arg_make_(v != 0, 8, 0);
}

ILU_INLINE_ struct ilu_arg_ ilu_arg_none_(const void *v)
{
	(void)v;
	return ilu_arg_make_(0, 0, 0);
}

ILU_INLINE_ struct ilu_arg_ ilu_arg_text_(const char *p, size_t len)
{
	if (ILU_UNLIKELY_(!p))
		return ilu_arg_make_(0, 4, ILU_NO_TEXT_);
	if (ILU_UNLIKELY_(len > ILU_TEXT_MAX_))
		len = ILU_TEXT_MAX_;
	return ilu_arg_make_(ILU_WORD_(p), ILU_CAST_(uint32_t, len) + 4, ILU_CAST_(uint32_t, len));
}

ILU_INLINE_ struct ilu_arg_ ilu_arg_s_(const char *p)
{
	return ilu_arg_text_(p, p ? strlen(p) : 0);
}

#ifdef __cplusplus
}
#endif
#endif
