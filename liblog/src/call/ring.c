/* SPDX-License-Identifier: Apache-2.0 */
/* ring.c - the slow half of putting records into rings, and the reading end; see ring.h. */
#include "call/ring.h"
#include <ilu/log.h>

#include "config/config.h"
#include "base/lock.h"
#include "call/early.h"
#include "call/state.h"
#include "base/now.h"
#include "call/site.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

__thread struct ilu_producer_ ilu_producer_;
static __thread char thread_name[RING_NAME];

static struct {
	struct lock lock; /* of what follows */
	struct ring *ring;
	uint32_t max, count, owned;
	struct ring *free;
	struct ring *cold; /* free, without memory */
	pthread_key_t key;
	int policy[RING_LEVELS];
	bool drops;          /* some level's */
	uint64_t shared;     /* records of threads without one */
	uint64_t unrecorded; /* calls for the recorder that found no room */
} rings;

/* Ring 0. */
static struct {
	struct lock lock;
	struct ilu_producer_ producer;
	uint32_t thread_id; /* whose name the ring was told last */
} shared;

#define HEAD_BYTES 4096 /* of a ring: a page */
#define KEEP_WARM  16   /* free rings for threads to come */

static const uint32_t always = ILU_BELL_SLOW_ | ILU_BELL_RING_;

/* ---- making and owning ---- */

/* The next one; false: no memory. */
static bool ring_make(void)
{
	const struct region_header *h = region.header;
	uint32_t i = rings.count;
	struct ring *ring = rings.ring + i;
	char *at = region.base + h->rings_at + i * h->ring_stride;

	if (!region_reach(REGION_RINGS, (i + 1) * h->ring_stride))
		return false;
	ring->shared = (struct region_ring *)(void *)at;
	ring->base = ring->at = at + sizeof *ring->shared;
	ring->bytes = h->ring_bytes;
	__atomic_store_n(&rings.count, i + 1, __ATOMIC_RELEASE);
	return true;
}

/* Of the next record of a ring that nobody has. */
static uint64_t position(const struct ring *ring)
{
	return ring->lap + (uint64_t)(ring->at - ring->base);
}

/* All of a ring's memory but the page that its head is in. */
static uint64_t body_of(const struct ring *ring, uint64_t *bytes)
{
	*bytes = region.header->ring_stride - HEAD_BYTES;
	return (uint64_t)(ring - rings.ring) * region.header->ring_stride + HEAD_BYTES;
}

static bool open_body(const struct ring *ring)
{
	uint64_t bytes, at = body_of(ring, &bytes);

	return region_open(REGION_RINGS, at, bytes);
}

/* One that has memory, and that nobody has: an old one, or a new one. With the lock. */
static struct ring *ring_warm(void)
{
	struct ring *ring = rings.cold;

	if (ring && open_body(ring)) {
		rings.cold = ring->next_free;
		__atomic_store_n(&ring->cold, false, __ATOMIC_RELEASE);
		return ring;
	}
	return rings.count < rings.max && ring_make() ? rings.ring + rings.count - 1 : NULL;
}

void rings_spare(void)
{
	struct ring *ring;

	if (__atomic_load_n(&rings.free, __ATOMIC_RELAXED) || lock_take(&rings.lock))
		return;
	ring = rings.free ? NULL : ring_warm();
	if (ring) {
		ring->next_free = NULL;
		__atomic_store_n(&rings.free, ring, __ATOMIC_RELAXED);
	}
	lock_drop(&rings.lock);
}

bool rings_cool(void)
{
	struct ring **link = &rings.free, *ring;
	uint64_t bytes, at;

	if (!__atomic_load_n(&rings.free, __ATOMIC_RELAXED) || lock_take(&rings.lock))
		return false;
	for (int i = 0; i < KEEP_WARM && *link; i++)
		link = &(*link)->next_free;
	while (*link && ((*link)->read != (*link)->published || position(*link) != (*link)->read))
		link = &(*link)->next_free;
	ring = *link;
	if (ring) {
		*link = ring->next_free;
		at = body_of(ring, &bytes);
		region_close(REGION_RINGS, at, bytes);
		__atomic_store_n(&ring->cold, true, __ATOMIC_RELEASE);
		ring->next_free = rings.cold;
		rings.cold = ring;
	}
	lock_drop(&rings.lock);
	return ring != NULL;
}

static void thread_ends(void *unused);

int rings_init(void)
{
	if (rings.ring)
		return 0;
	rings.max = (uint32_t)region.header->rings;
	rings.ring = aligned_alloc(REGION_LINE, rings.max * sizeof *rings.ring);
	if (!rings.ring)
		return -ENOMEM;
	memset(rings.ring, 0, rings.max * sizeof *rings.ring);
	if (pthread_key_create(&rings.key, thread_ends)) {
		free(rings.ring);
		rings.ring = NULL;
		return -ENOMEM;
	}
	if (!ring_make()) {
		pthread_key_delete(rings.key);
		free(rings.ring);
		rings.ring = NULL;
		return -ENOMEM;
	}
	shared.producer.ring = rings.ring;
	shared.producer.at = rings.ring->base;
	shared.producer.bell = &always;
	return 0;
}

void rings_policy(const int policy[RING_LEVELS])
{
	bool drops = false;

	for (int i = 0; i < RING_LEVELS; i++) {
		__atomic_store_n(&rings.policy[i], policy[i], __ATOMIC_RELAXED);
		drops |= policy[i] == CONFIG_FULL_DROP;
	}
	__atomic_store_n(&rings.drops, drops, __ATOMIC_RELAXED);
}

uint32_t rings_count(void)
{
	return __atomic_load_n(&rings.count, __ATOMIC_ACQUIRE);
}

struct ring *rings_at(uint32_t i)
{
	return rings.ring + i;
}

uint32_t rings_owned(void)
{
	return __atomic_load_n(&rings.owned, __ATOMIC_RELAXED);
}

uint64_t rings_shared(void)
{
	return __atomic_load_n(&rings.shared, __ATOMIC_RELAXED);
}

uint64_t rings_unrecorded(void)
{
	return __atomic_load_n(&rings.unrecorded, __ATOMIC_RELAXED);
}

size_t ring_values_max(void)
{
	uint64_t quarter = region.base ? region.header->ring_bytes / 4 : 16384;

	return (quarter < 1 << 20 ? quarter : 1 << 20) - RING_OVERHEAD;
}

static void name_thread(struct ring *ring, uint32_t thread_id)
{
	if (*thread_name)
		memcpy(ring->name, thread_name, sizeof thread_name);
	else
		prctl(PR_GET_NAME, ring->name);
	ring->thread_id = thread_id;
	ring->told = false;
}

/* A ring for the calling thread; false: none is left. */
static bool attach(struct ilu_producer_ *p)
{
	struct ring *ring;

	if (lock_take(&rings.lock))
		return false;
	ring = rings.free;
	if (ring)
		__atomic_store_n(&rings.free, ring->next_free, __ATOMIC_RELAXED);
	else
		ring = ring_warm();
	if (ring) {
		ring->owner = p;
		__atomic_store_n(&rings.owned, rings.owned + 1, __ATOMIC_RELAXED);
	}
	lock_drop(&rings.lock);
	if (!ring)
		return false;
	name_thread(ring, lock_self());
	p->ring = ring;
	p->at = p->limit = ring->at;
	if (p->bell != &logger_urged)
		p->bell = logger.bell;
	p->clock = !logger.tsc;
	pthread_setspecific(rings.key, p);
	return true;
}

/* At the end of a thread. Destructors that run later and log attach again, and come here again. */
static void thread_ends(void *unused)
{
	struct ilu_producer_ *p = &ilu_producer_;
	struct ring *ring = p->ring;

	(void)unused;
	if (!ring)
		return;
	__atomic_store_n(&p->busy, 1, __ATOMIC_RELAXED); /* a signal handler now takes the shared ring */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	ring->at = p->at;
	p->ring = p->at = p->limit = NULL;
	lock_take(&rings.lock);
	ring->owner = NULL;
	ring->next_free = rings.free;
	__atomic_store_n(&rings.free, ring, __ATOMIC_RELAXED);
	__atomic_store_n(&rings.owned, rings.owned - 1, __ATOMIC_RELAXED);
	lock_drop(&rings.lock);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&p->busy, 0, __ATOMIC_RELAXED);
}

void ilu_log_thread_name(const char *name)
{
	struct ilu_producer_ *p = &ilu_producer_;
	size_t len = name ? strnlen(name, RING_NAME - 1) : 0;

	memset(thread_name, 0, sizeof thread_name);
	if (len)
		memcpy(thread_name, name, len);
	if (p->ring) {
		name_thread(p->ring, ((struct ring *)p->ring)->thread_id);
		p->limit = p->at; /* the next call goes the slow way, and tells */
	}
}

/* ---- room ---- */

static char *ring_end(const struct ring *ring)
{
	return ring->base + ring->bytes;
}

static uint64_t unread(const struct ring *ring, const char *at)
{
	return ring->lap + (uint64_t)(at - ring->base) - __atomic_load_n(&ring->shared->head, __ATOMIC_ACQUIRE);
}

/* Nothing fits before the end: fill it up, go on at the beginning. */
static void wrap(struct ilu_producer_ *p, struct ring *ring)
{
	struct ilu_record_ *pad = (struct ilu_record_ *)(void *)p->at;

	__atomic_store_n((uint32_t *)(void *)ring->base, 0, __ATOMIC_RELAXED);
	pad->word = ILU_OP_PAD_;
	__atomic_store_n(&pad->size, (uint32_t)(ring_end(ring) - p->at), __ATOMIC_RELEASE);
	p->at = ring->base;
	ring->lap += ring->bytes;
}

/* Is there room at p->at for values of `size` bytes, with `reserve` left over? Sets the limit for calls to come; at
 * least every quarter of the ring they come here, so that an appender that naps is woken before it is full. */
static bool find_room(struct ilu_producer_ *p, struct ring *ring, size_t size, uint64_t reserve)
{
	uint64_t need = size + RING_OVERHEAD, used = unread(ring, p->at), free = ring->bytes - used;
	uint64_t tail = (uint64_t)(ring_end(ring) - p->at), step = ring->bytes / 4;

	p->limit = p->at;
	if (used > ring->bytes / 2) {
		__atomic_store_n(&ring->shared->pressed, 1, __ATOMIC_RELAXED);
		logger_wake_from_nap();
	}
	if (need > tail) {
		if (tail + need + reserve > free)
			return false;
		wrap(p, ring);
		free -= tail;
		tail = ring->bytes;
	}
	if (need + reserve > free)
		return false;
	free -= reserve;
	if (step < need)
		step = need;
	if (step > free)
		step = free;
	if (step > tail)
		step = tail;
	p->limit = p->at + step - (RING_OVERHEAD - 1);
	return true;
}

/* What levels that drop leave free for the graver ones; without such levels there is nothing to keep free. */
static uint64_t reserve(const struct ring *ring)
{
	return __atomic_load_n(&rings.drops, __ATOMIC_RELAXED) ? ring->bytes / 8 : 0;
}

/* Room for this one record, out of what is left over for the graver ones: the next call has to ask again. */
static bool find_last_room(struct ilu_producer_ *p, struct ring *ring, size_t size)
{
	if (!find_room(p, ring, size, 0))
		return false;
	if (reserve(ring))
		p->limit = p->at;
	return true;
}

/* The same, by the policy of the level: wait, or give up. */
static bool make_room(struct ilu_producer_ *p, struct ring *ring, size_t size, unsigned level)
{
	int policy = __atomic_load_n(&rings.policy[level], __ATOMIC_RELAXED);

	if (ILU_LIKELY_(find_room(p, ring, size, reserve(ring))))
		return true;
	if (policy != CONFIG_FULL_DROP && find_last_room(p, ring, size))
		return true;
	if (policy == CONFIG_FULL_BLOCK)
		__atomic_store_n(&ring->blocked, ring->blocked + 1, __ATOMIC_RELAXED);
	while (policy == CONFIG_FULL_BLOCK && logger_state() == LOGGER_RUNNING) {
		__atomic_store_n(&ring->shared->waiting, 1, __ATOMIC_SEQ_CST);
		if (find_last_room(p, ring, size)) {
			__atomic_store_n(&ring->shared->waiting, 0, __ATOMIC_RELAXED);
			return true;
		}
		logger_wake();
		futex_wait(&ring->shared->waiting, 1, 100000000);
		if (find_last_room(p, ring, size))
			return true;
	}
	return false;
}

/* Put a record of the ring's own. */
static bool tell(struct ilu_producer_ *p, struct ring *ring, unsigned level, uint32_t operation, const void *what,
                 size_t len)
{
	char *at;

	if (!make_room(p, ring, len, level))
		return false;
	at = ilu_head_(p->at, operation, ilu_stamp_(), 0, NULL);
	memcpy(at, what, len);
	at += len;
	size_t size = ((size_t)(at - p->at) + 7) & ~(size_t)7;
	char *next = p->at + size;

	__atomic_store_n((uint32_t *)(void *)next, 0, __ATOMIC_RELAXED);
	__atomic_store_n((uint32_t *)(void *)p->at, (uint32_t)size, __ATOMIC_RELEASE);
	p->at = next;
	return true;
}

/* Say in the ring whose records follow. */
static bool tell_owner(struct ilu_producer_ *p, struct ring *ring, unsigned level)
{
	struct ring_owner owner = {.thread_id = ring->thread_id};

	memcpy(owner.name, ring->name, sizeof owner.name);
	ring->told = tell(p, ring, level, ILU_OP_OWNER_, &owner, sizeof owner);
	return ring->told;
}

/* Say in the ring in which turn the records that follow were written. */
static bool tell_turn(struct ilu_producer_ *p, struct ring *ring, unsigned level)
{
	const struct now_source *source = now_replaced();
	uint64_t turn = source ? source->turns() : ring->turn;

	if (turn == ring->turn)
		return true;
	if (!tell(p, ring, level, ILU_OP_TURN_, &turn, sizeof turn))
		return false;
	ring->turn = turn;
	return true;
}

void ring_turned(void)
{
	struct ilu_producer_ *p = &ilu_producer_;

	if (p->ring)
		p->limit = p->at; /* the next call goes the slow way, and tells */
}

/* The record is committed, or there was no room for it. */
static void tell_urgent(struct ilu_producer_ *p)
{
	if (p->bell != &logger_urged)
		return;
	p->bell = logger.bell;
	__atomic_store_n(&logger.urgent, 1, __ATOMIC_RELEASE);
	logger_wake();
}

void rings_clock(bool tsc)
{
	logger_stamps(tsc);
	if (lock_take(&rings.lock))
		return;
	for (uint32_t i = 0; i < rings.count; i++)
		if (rings.ring[i].owner)
			rings.ring[i].owner->clock = !tsc;
	lock_drop(&rings.lock);
}

/* What the filter leaves out is no line, and not lost. */
static void count_lost(struct ring *ring, uint32_t word)
{
	if (word & ILU_RECORDED_)
		__atomic_fetch_add(&rings.unrecorded, 1, __ATOMIC_RELAXED);
	else
		__atomic_fetch_add(&ring->lost[site_level(word >> 8)], 1, __ATOMIC_RELAXED);
}

static struct ilu_writing_ begin_in(struct ilu_producer_ *p, uint32_t word, uint64_t span, const ilu_tid *tid,
                                    size_t size)
{
	struct ilu_writing_ w = {NULL, NULL};
	struct ring *ring = p->ring;
	unsigned level = site_level(word >> 8);

	if (!tell_turn(p, ring, level) || (!ring->told && !tell_owner(p, ring, level)) ||
	    !make_room(p, ring, size, level)) {
		count_lost(ring, word);
		return w;
	}
	w.at = ilu_head_(p->at, word, ilu_stamp_(), span, tid);
	w.producer = p;
	return w;
}

/* Into ring 0. The lock is held until the commit, which rings the bell, see ilu_ring_bell_. */
static struct ilu_writing_ begin_shared(uint32_t word, uint64_t span, const ilu_tid *tid, size_t size)
{
	struct ilu_writing_ w = {NULL, NULL};
	uint32_t self = lock_self();

	if (lock_take(&shared.lock)) {
		/* a handler interrupted a call that was here: nothing is left but to count */
		count_lost(rings.ring, word);
		return w;
	}
	if (shared.thread_id != self) {
		shared.thread_id = self;
		name_thread(rings.ring, self);
	}
	w = begin_in(&shared.producer, word, span, tid, size);
	if (!w.at)
		lock_drop(&shared.lock);
	return w;
}

static struct ilu_writing_ begin_slow(uint32_t word, uint64_t span, const ilu_tid *tid, size_t size)
{
	struct ilu_producer_ *p = &ilu_producer_;
	struct ilu_writing_ w;

	if (ILU_UNLIKELY_(logger_state() != LOGGER_RUNNING) && !logger_revive())
		return early_begin(word, span, tid, size);
	if (p->busy)
		return begin_shared(word, span, tid, size);
	__atomic_store_n(&p->busy, 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (p->ring || attach(p)) {
		w = begin_in(p, word, span, tid, size);
		if (w.at)
			return w; /* busy until the commit */
		__atomic_store_n(&p->busy, 0, __ATOMIC_RELAXED);
		return w;
	}
	__atomic_store_n(&p->busy, 0, __ATOMIC_RELAXED);
	__atomic_fetch_add(&rings.shared, 1, __ATOMIC_RELAXED);
	return begin_shared(word, span, tid, size);
}

/* Is a call here for its stamp alone? Then all else is as in ilu_begin_. */
static inline bool wants_stamp(const struct ilu_producer_ *p, size_t size)
{
	return !p->busy && p->limit - p->at > (ptrdiff_t)size &&
	       (__atomic_load_n(p->bell, __ATOMIC_RELAXED) & ILU_BELL_SLOW_);
}

struct ilu_writing_ ilu_begin_slow_(uint32_t word, uint64_t span, const ilu_tid *tid, size_t size)
{
	struct ilu_producer_ *p = &ilu_producer_;
	struct ilu_writing_ w;
	int saved;

	if (wants_stamp(p, size)) {
		__atomic_store_n(&p->busy, 1, __ATOMIC_RELAXED);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		return (struct ilu_writing_){ilu_head_(p->at, word, ilu_stamp_(), span, tid), p};
	}
	saved = errno;
	w = begin_slow(word, span, tid, size);
	errno = saved;
	return w;
}

void ilu_ring_bell_(struct ilu_producer_ *p)
{
	int saved = errno;

	if (p == &shared.producer)
		lock_drop(&shared.lock);
	else if (early_commit(p))
		goto out;
	tell_urgent(&ilu_producer_);
	if ((__atomic_load_n(logger.bell, __ATOMIC_RELAXED) & ILU_BELL_RING_) &&
	    (__atomic_exchange_n(logger.bell, logger.quiet, __ATOMIC_RELAXED) & ILU_BELL_RING_))
		logger_wake();
out:
	errno = saved;
}

bool rings_busy(void)
{
	bool busy = __atomic_load_n(&shared.lock.word, __ATOMIC_ACQUIRE) != 0;

	lock_take(&rings.lock);
	for (uint32_t i = 1; i < rings.count && !busy; i++)
		busy = rings.ring[i].owner && __atomic_load_n(&rings.ring[i].owner->busy, __ATOMIC_ACQUIRE);
	lock_drop(&rings.lock);
	return busy;
}

/* ---- the reading end ---- */

const struct ilu_record_ *ring_peek(struct ring *ring)
{
	for (;;) {
		const char *at = ring->base + (ring->read & (ring->bytes - 1));
		const struct ilu_record_ *record = (const struct ilu_record_ *)(const void *)at;
		uint32_t size = __atomic_load_n(&record->size, __ATOMIC_ACQUIRE);

		if (!size)
			return NULL;
		if ((record->word & ILU_OP_MASK_) == ILU_OP_TURN_)
			memcpy(&ring->turn_read, record + 1, sizeof ring->turn_read);
		else if ((record->word & ILU_OP_MASK_) != ILU_OP_PAD_)
			return record;
		ring->read += size;
	}
}

void ring_take(struct ring *ring, const struct ilu_record_ *record)
{
	ring->read += record->size;
}

void ring_publish(struct ring *ring, bool rest)
{
	if (ring->published != ring->read) {
		ring->published = ring->read;
		__atomic_store_n(&ring->shared->head, ring->read, __ATOMIC_SEQ_CST);
	}
	if (!rest && ring->read - ring->woken < ring->bytes / 4)
		return;
	ring->woken = ring->read;
	if (__atomic_load_n(&ring->shared->waiting, __ATOMIC_SEQ_CST)) {
		__atomic_store_n(&ring->shared->waiting, 0, __ATOMIC_RELAXED);
		futex_wake(&ring->shared->waiting, 1);
	}
}

static void note(const struct ring *ring, unsigned slot)
{
	struct region_taken *to = &ring->shared->taken[slot];

	*to = ring->owner_read;
	to->at = ring->read;
}

void rings_note(unsigned slot)
{
	for (uint32_t i = 0, n = rings_count(); i < n; i++)
		note(rings.ring + i, slot);
}

bool rings_box(void)
{
	for (uint32_t i = 0, n = rings_count(); i < n; i++) {
		if (!region_open(REGION_RINGS, i * region.header->ring_stride, HEAD_BYTES))
			return false;
		if (!rings.ring[i].cold && !open_body(&rings.ring[i]))
			return false;
	}
	return region_kept(REGION_RINGS);
}

void rings_told_anew(void)
{
	for (uint32_t i = 0, n = rings_count(); i < n; i++)
		rings.ring[i].shared->head = rings.ring[i].read;
	rings_note(0);
	rings_note(1);
}

bool ring_presses(struct ring *ring)
{
	bool presses = __atomic_load_n(&ring->shared->pressed, __ATOMIC_RELAXED);

	if (presses)
		__atomic_store_n(&ring->shared->pressed, 0, __ATOMIC_RELAXED);
	return presses;
}

/* ---- fork ---- */

void rings_hold(void)
{
	lock_take(&rings.lock);
	lock_take(&shared.lock);
}

void rings_release(void)
{
	lock_drop(&shared.lock);
	lock_drop(&rings.lock);
}

void rings_reset(void)
{
	lock_reset(&rings.lock);
	lock_reset(&shared.lock);
	shared.thread_id = 0;
	rings.free = rings.cold = NULL;
	rings.owned = 0;
	for (uint32_t i = rings.count; i-- > 0;) {
		struct ring *ring = rings.ring + i;

		ring->lap = ring->read = ring->published = ring->woken = ring->shared->head = 0;
		ring->at = ring->base;
		ring->shared->waiting = ring->shared->pressed = 0;
		memset(ring->base, 0, 8);
		memset(ring->lost, 0, sizeof ring->lost);
		ring->lost_told = 0;
		ring->told = ring->cold = false;
		ring->owner = NULL;
		memset(&ring->owner_read, 0, sizeof ring->owner_read);
	}
	if (rings.count)
		rings.count = 1; /* the others are made again, where they are needed */
	if (rings.ring)
		region_shrink(REGION_RINGS, region.header->ring_stride);
	shared.producer.at = shared.producer.limit = rings.ring ? rings.ring->base : NULL;
	shared.producer.busy = 0;
	ilu_producer_.ring = ilu_producer_.at = ilu_producer_.limit = NULL;
}
