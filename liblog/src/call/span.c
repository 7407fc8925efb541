/* SPDX-License-Identifier: Apache-2.0 */
/* span.c - opening, entering, sharing and closing spans.
 *
 * Two kinds: spans that are said in the log, whose life is told to the appender in records (NEW with the fields, CLOSE
 * with the times), and all others, which are just a slot with a tid. The current span of a thread is always a said one
 * or none: inside a span that is not said one stays in the nearest said one around it.
 *
 * A span holds a reference on its parent, so that a parent closes after its children. Busy time is the time in which at
 * least one thread is inside. */
#include <ilu/log.h>

#include "config/config.h"
#include "base/lock.h"
#include "box/region.h"
#include "call/memory.h"
#include "call/ring.h"
#include "call/span.h"
#include "call/state.h"
#include "base/now.h"
#include "call/site.h"
#include "box/slab.h"
#include "base/tid.h"

#include <string.h>

const unsigned char ilu_one_ = 1;

static uint64_t last_id;

void span_ids_restart(void)
{
	__atomic_store_n(&last_id, 0, __ATOMIC_RELAXED);
}

static void close_with_parents(uint64_t handle, const void *by);

/* ---- records ---- */

/* Begin a record about a span with its own words before the values. */
static struct ilu_writing_ begin_with(uint32_t word, uint64_t handle, const ilu_tid *tid, const uint64_t *words,
                                      size_t count, size_t size)
{
	struct ilu_writing_ w = ilu_begin_(word, handle, tid, size + count * 8);

	if (w.at && count) {
		memcpy(w.at, words, count * 8);
		w.at += count * 8;
	}
	return w;
}

static bool say(uint32_t operation, const struct slot *slot, uint64_t handle, const uint64_t *words, size_t count)
{
	struct ilu_writing_ w = begin_with(slot->site << 8 | operation, handle, NULL, words, count, 0);

	if (w.at)
		ilu_commit_(w.producer, w.at);
	return w.at != NULL;
}

struct ilu_writing_ ilu_span_begin_(uint32_t word, uint64_t handle, size_t size)
{
	struct slot *slot = slab_get(handle);

	if (!slot)
		return (struct ilu_writing_){NULL, NULL};
	if ((word & ILU_OP_MASK_) == ILU_OP_NEW_) {
		uint64_t words[] = {slot->id, slot->parent, slot->remote};

		return begin_with(word, handle, &slot->tid, words, 3, size);
	}
	return begin_with(word, handle, NULL, NULL, 0, size);
}

/* ---- opening ---- */

static uint64_t no_room(void)
{
	slab_count_overflow();
	return (uint64_t)1 << 32; /* slot 0, see slab.h */
}

static uint64_t open_slot(const struct ilu_site_ *site, uint32_t gate, const ilu_tid *tid, uint64_t remote)
{
	uint64_t current = ilu_producer_.span, parent = current && slab_hold(current) ? current : 0;
	/* the first call of a forked child may be this one */
	bool said = (gate & ILU_GATE_MASK_) && (ILU_LIKELY_(logger_state() == LOGGER_RUNNING) || logger_revive());
	uint32_t index = 0;
	struct slot *slot = slab_take(said, &index);

	if (!slot && said && now_replaced()) { /* how far the appender is must not matter there */
		ilu_log_flush(ILU_ACK_KERNEL, -1);
		slot = slab_take(said, &index);
	}
	if (!slot && said) {
		slab_count_overflow();
		said = false;
		slot = slab_take(false, &index);
	}
	if (!slot) {
		if (parent && slab_drop(parent))
			close_with_parents(parent, NULL);
		return no_room();
	}
	slot->id = said ? __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED) : 0;
	slot->parent = parent;
	slot->remote = remote;
	slot->site = gate >> 8;
	slot->level = site ? site->level : ILU_INFO;
	slot->entered = 0;
	slot->busy = 0;
	slot->tid = *tid;
	__atomic_store_n(&slot->enabled, parent ? slab_enabled(parent) : 0, __ATOMIC_RELAXED);
	slot->opened = said && logger.timed ? ilu_stamp_() : 0;
	return (slot->state & ~(uint64_t)0xffffffff) | (said ? ILU_SPAN_SAID_ : 0) | index;
}

static bool ready(void)
{
	return __atomic_load_n(&logger.ready, __ATOMIC_ACQUIRE) || !memory_prepare();
}

uint64_t ilu_span_open_(const struct ilu_site_ *site, uint32_t gate, const ilu_tid *tid)
{
	int saved = errno;
	uint64_t handle;
	ilu_tid none;

	if (!ready())
		return 0;
	if (ILU_UNLIKELY_(!tid)) {
		struct slot *around = ilu_producer_.span ? slab_get(ilu_producer_.span) : NULL;

		none = around ? around->tid : ilu_tid_named("none");
		tid = &none;
	}
	handle = open_slot(site, gate, tid, 0);
	errno = saved;
	return handle;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_u64(const char *text, uint64_t *out)
{
	uint64_t v = 0;

	for (int i = 0; i < 16; i++) {
		int digit = hex_digit(text[i]);

		if (digit < 0)
			return false;
		v = v << 4 | (unsigned)digit;
	}
	*out = v;
	return true;
}

/* "00-" 32 digits "-" 16 digits "-" 2 digits; later versions may have more after that. */
static bool read_traceparent(const char *text, ilu_tid *tid, uint64_t *remote)
{
	uint64_t high, low;

	if (!text || strnlen(text, 55) < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-')
		return false;
	if (hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0 || (text[0] == 'f' && text[1] == 'f'))
		return false;
	if (text[0] == '0' && text[1] == '0' && text[55])
		return false;
	return hex_u64(text + 3, &high) && hex_u64(text + 19, &low) && (high || low) &&
	       !ilu_tid_parse(text + 3, 32, tid) && hex_u64(text + 36, remote) && *remote;
}

uint64_t ilu_span_open_remote_(const struct ilu_site_ *site, uint32_t gate, const char *traceparent)
{
	int saved = errno;
	uint64_t remote = 0, handle;
	ilu_tid tid;

	if (!ready())
		return 0;
	if (!read_traceparent(traceparent, &tid, &remote)) {
		tid = ilu_tid_generate();
		remote = 0;
	}
	handle = open_slot(site, gate, &tid, remote);
	errno = saved;
	return handle;
}

uint64_t ilu_span_unsay_(uint64_t handle)
{
	return handle & ~ILU_SPAN_SAID_;
}

void ilu_span_watch_(uint64_t handle, const struct ilu_site_ *site, const struct ilu_arg_ *args)
{
	int saved = errno;
	struct slot *slot = slab_get(handle);
	struct site *known = slot ? site_get(slot->site) : NULL;
	unsigned level;

	(void)site;
	if (known && known->kind == ILU_SITE_SPAN_) {
		level = sites_span_level(known, args, &slot->tid);
		if (level > slot->enabled)
			__atomic_store_n(&slot->enabled, (uint8_t)level, __ATOMIC_RELAXED);
	}
	errno = saved;
}

/* ---- closing ---- */

static bool close_one(uint64_t handle)
{
	uint32_t index = SLAB_INDEX(handle);
	struct slot *slot = (struct slot *)(void *)(region.base + region.header->slots_at) + index;

	if (handle & ILU_SPAN_SAID_ && logger_state() == LOGGER_RUNNING) {
		uint64_t now = logger.timed ? ilu_stamp_() : 0;
		/* stamps of two processors may differ by some ticks */
		uint64_t words[] = {ilu_producer_.span, slot->busy, now > slot->opened ? now - slot->opened : 0};

		if (say(ILU_OP_CLOSE_, slot, handle, words, 3))
			return true; /* the appender gives the slot back */
	}
	slab_give(index);
	return true;
}

/* The last reference of `handle` went, by code at `by`; its parents may follow. */
static void close_with_parents(uint64_t handle, const void *by)
{
	const struct ring *own = ilu_producer_.ring;

	while (handle) {
		uint32_t index = SLAB_INDEX(handle);
		struct slot *slot = (struct slot *)(void *)(region.base + region.header->slots_at) + index;
		uint64_t parent = index ? slot->parent : 0;

		if (index) {
			__atomic_store_n(&slot->closed_at, slab_distance(by), __ATOMIC_RELAXED);
			__atomic_store_n(&slot->closer, own ? own->thread_id : 0, __ATOMIC_RELAXED);
		}
		close_one(handle);
		handle = parent && slab_drop(parent) ? parent : 0;
	}
}

ilu_span ilu_span_share(ilu_span span)
{
	return span.handle_ && slab_hold(span.handle_) ? span : ILU_SPAN_NONE;
}

static void release(uint64_t handle, const void *by)
{
	int saved = errno;

	if (handle && slab_drop(handle))
		close_with_parents(handle, by);
	errno = saved;
}

void ilu_span_release(ilu_span span)
{
	release(span.handle_, __builtin_return_address(0));
}

/* ---- being inside ---- */

/* The said span one is in after entering `handle`. */
static uint64_t said_of(uint64_t handle, const struct slot *slot, uint64_t current)
{
	if (handle & ILU_SPAN_SAID_)
		return handle;
	return slot->parent ? slot->parent : current;
}

static void count_in(struct slot *slot)
{
	uint64_t now = ilu_stamp_();

	if (!__atomic_fetch_add(&slot->entered, 1, __ATOMIC_ACQ_REL))
		__atomic_store_n(&slot->entered_at, now, __ATOMIC_RELAXED);
}

static void count_out(struct slot *slot)
{
	uint64_t since = __atomic_load_n(&slot->entered_at, __ATOMIC_RELAXED), now = ilu_stamp_();

	if (__atomic_fetch_sub(&slot->entered, 1, __ATOMIC_ACQ_REL) == 1 && now > since)
		__atomic_fetch_add(&slot->busy, now - since, __ATOMIC_RELAXED);
}

struct ilu_scope_ ilu_span_enter_(uint64_t handle)
{
	struct ilu_scope_ scope = {handle, ilu_producer_.span};
	struct slot *slot;

	if (!handle)
		return scope;
	slot = slab_get(handle);
	if (!slot) {
		scope.handle = 0;
		return scope;
	}
	ilu_producer_.span = said_of(handle, slot, scope.previous);
	if (handle & ILU_SPAN_SAID_) {
		if (logger.timed)
			count_in(slot);
		if (logger.spanning & CONFIG_SPAN_ENTER) {
			int saved = errno;

			say(ILU_OP_ENTER_, slot, handle, &ilu_producer_.span, 1);
			errno = saved;
		}
	}
	return scope;
}

void ilu_span_leave_(struct ilu_scope_ *scope)
{
	uint64_t handle = scope->handle;
	struct slot *slot;

	ilu_producer_.span = scope->previous;
	if (!(handle & ILU_SPAN_SAID_))
		return;
	slot = slab_get(handle);
	if (!slot)
		return;
	if (logger.timed && __atomic_load_n(&slot->entered, __ATOMIC_RELAXED))
		count_out(slot);
	if (logger.spanning & CONFIG_SPAN_EXIT) {
		int saved = errno;

		say(ILU_OP_EXIT_, slot, handle, &ilu_producer_.span, 1);
		errno = saved;
	}
}

void ilu_span_finish_(struct ilu_scope_ *scope)
{
	ilu_span_leave_(scope);
	release(scope->handle, __builtin_return_address(0));
}

ilu_span ilu_span_current(void)
{
	return (ilu_span){ilu_producer_.span};
}

ilu_context ilu_context_swap(ilu_context next)
{
	ilu_context now = {ilu_producer_.span, 0};

	ilu_producer_.span = next.current_;
	return now;
}

/* ---- asking and telling ---- */

const ilu_tid *ilu_span_tid(ilu_span span)
{
	static const ilu_tid none = {{0x656e6f6e, 0}, "", 4}; /* "none" */
	struct slot *slot = slab_get(span.handle_);

	return slot ? &slot->tid : &none;
}

void ilu_span_follows(ilu_span span, ilu_span from)
{
	int saved = errno;
	struct slot *slot = slab_get(span.handle_), *cause = slab_get(from.handle_);

	if (slot && cause && cause->id && span.handle_ & ILU_SPAN_SAID_)
		say(ILU_OP_FOLLOWS_, slot, span.handle_, &cause->id, 1);
	errno = saved;
}

int ilu_span_traceparent(ilu_span span, char out[ILU_TRACEPARENT_MAX])
{
	static const char hex[] = "0123456789abcdef";
	struct slot *slot = slab_get(span.handle_);
	uint64_t id;

	if (!slot || slot->tid.length_)
		return -EINVAL;
	/* a span that is not in the log has no id: name the nearest that is */
	id = slot->id;
	if (!id && slot->parent) {
		struct slot *parent = slab_get(slot->parent);

		id = parent ? parent->id : 0;
	}
	if (!id)
		id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	memcpy(out, "00-", 3);
	tid_hex(slot->tid.bits_, out + 3);
	out[35] = '-';
	for (int i = 0; i < 16; i++)
		out[36 + i] = hex[id >> (60 - 4 * i) & 15];
	memcpy(out + 52, "-01", 4);
	return 0;
}
