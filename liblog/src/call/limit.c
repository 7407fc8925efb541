/* SPDX-License-Identifier: Apache-2.0 */
/* limit.c - rate limits of call sites; see limit.h.
 *
 * A token bucket is one number (GCRA): the time at which the bucket would be full again. A call is let through if that
 * is not further away than the burst allows, and then puts it off by one interval. Callers measure in nanoseconds of
 * now_steady_ns, which the virtual clock replaces; the appender in ticks of the records' stamps, so that a record gets
 * the same answer whenever it is looked at.
 *
 * A limit, once made, stays with its site for ever: a caller may be asking it. */
#include "call/limit.h"

#include "base/dtoa.h"
#include "call/state.h"
#include "base/now.h"
#include "call/site.h"

#include <errno.h>
#include <ilu/log.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define WAYS      8              /* values that compete for a place */
#define FUTURE_NS 60000000000ull /* a stamp that far ahead was wrong */

enum { KEY_ABSENT = -2, KEY_TID = -1 /* else its number */ };

struct limit_value {
	uint64_t hash;
	uint64_t full_at; /* ticks */
	uint64_t held;
};

struct limit {
	const struct site *site;
	struct limit *next;
	/* callers: */
	uint64_t interval_ns; /* 0: no limit of this kind */
	uint64_t slack_ns;    /* burst - 1 intervals */
	uint64_t full_at_ns;
	uint64_t held; /* withheld, and said to nobody yet */
	/* the appender's: */
	char *key;
	int where; /* KEY_... */
	uint64_t key_interval_ns, key_slack_ns;
	uint32_t places;           /* a multiple of WAYS */
	struct limit_value *value; /* made when the first record comes */
	uint64_t values_held;      /* sum over `value` */
	uint64_t untold;           /* said by callers, or of values that lost their place */
	uint64_t telling;          /* of these, in the line that is being made */
	uint64_t since_ns;         /* when something was first seen to be untold; 0: nothing is */
};

static struct {
	struct limit *first; /* added in front, never removed */
	uint32_t waiting;    /* something may be untold */
	uint64_t suppressed; /* ever */
	uint64_t seed;       /* of hashes: who chooses values must not choose places */
	struct config_limits rules;
} limits;

uint64_t limit_quiet_ns = 10000000000;

/* ---- rules ---- */

int limits_use(const struct config_limits *rules)
{
	struct config_limits copy;
	int rc = config_limits_copy(&copy, rules);

	if (rc)
		return rc;
	config_limits_done(&limits.rules);
	limits.rules = copy;
	limits.seed = 0;
	if (!now_replaced() && getrandom(&limits.seed, sizeof limits.seed, GRND_NONBLOCK) < 0)
		limits.seed = (uint64_t)now_wall_ns();
	return 0;
}

static int find_key(const struct site *site, const char *key)
{
	if (!strcmp(key, "tid"))
		return KEY_TID;
	for (int i = 0; i < site->count; i++) {
		if (!strcmp(site->keys[i], key))
			return i;
	}
	return KEY_ABSENT;
}

static bool fits(const struct config_limit *rule, const struct site *site)
{
	if (rule->level && rule->level != site->level)
		return false;
	if (strncmp(rule->target, site->target, strlen(rule->target)) != 0)
		return false;
	if (rule->message && strcmp(rule->message, site->text) != 0)
		return false;
	/* the keys of ilu_log_array are not known before its records */
	return !rule->key || !site->count || find_key(site, rule->key) != KEY_ABSENT;
}

static const struct config_limit *find_rule(const struct site *site, bool by_key)
{
	for (size_t i = 0; i < limits.rules.count; i++) {
		const struct config_limit *rule = &limits.rules.limit[i];

		if (!rule->key == !by_key && fits(rule, site))
			return rule;
	}
	return NULL;
}

/* A rule in the words of a rule, if the call has one of this kind. */
static const struct config_limit *rule_of(const struct ilu_rate_ *rate, bool by_key, struct config_limit *room)
{
	if (!rate || !rate->key == by_key)
		return NULL;
	*room = (struct config_limit){.key = (char *)(uintptr_t)rate->key,
	                              .per_second = rate->per_second,
	                              .burst = rate->burst ? rate->burst : 1,
	                              .keys = LIMIT_KEYS};
	if (!(room->per_second >= CONFIG_LIMIT_SLOWEST))
		room->per_second = CONFIG_LIMIT_SLOWEST;
	if (room->burst > CONFIG_LIMIT_BURST_MAX)
		room->burst = CONFIG_LIMIT_BURST_MAX;
	return room;
}

/* 0 for as often as one likes. */
static uint64_t interval_of(const struct config_limit *rule)
{
	if (!rule || rule->per_second <= 0)
		return 0;
	return rule->per_second >= 1e9 ? 1 : (uint64_t)(1e9 / rule->per_second);
}

static int use_key(struct limit *limit, const struct config_limit *rule)
{
	uint64_t interval = interval_of(rule);
	char *key = interval ? strdup(rule->key) : NULL;

	if (interval && !key)
		return -ENOMEM;
	free(limit->key);
	limit->key = key;
	limit->key_interval_ns = interval;
	if (!interval)
		return 0;
	limit->where = find_key(limit->site, key);
	limit->key_slack_ns = interval * (rule->burst - 1);
	if (limit->places != ((rule->keys + WAYS - 1) / WAYS * WAYS)) {
		limit->untold += limit->values_held;
		limit->values_held = 0;
		free(limit->value);
		limit->value = NULL;
		limit->places = (rule->keys + WAYS - 1) / WAYS * WAYS;
	}
	return 0;
}

void limit_attach(struct site *site)
{
	struct config_limit room[2];
	const struct config_limit *whole = NULL, *by_key = NULL;
	struct limit *limit = site->limit;

	if (site->kind != ILU_SITE_EVENT_)
		return;
	whole = find_rule(site, false);
	by_key = find_rule(site, true);
	whole = whole ? whole : rule_of(site->rate, false, &room[0]);
	by_key = by_key ? by_key : rule_of(site->rate, true, &room[1]);
	if (!limit && !interval_of(whole) && !interval_of(by_key))
		return;
	if (!limit) {
		limit = calloc(1, sizeof *limit);
		if (!limit)
			return;
		limit->site = site;
	}
	if (use_key(limit, by_key))
		limit->key_interval_ns = 0;
	__atomic_store_n(&limit->slack_ns, whole ? interval_of(whole) * (whole->burst - 1) : 0, __ATOMIC_RELAXED);
	__atomic_store_n(&limit->interval_ns, interval_of(whole), __ATOMIC_RELAXED);
	if (!site->limit) {
		limit->next = limits.first;
		__atomic_store_n(&limits.first, limit, __ATOMIC_RELEASE);
		__atomic_store_n(&site->limit, limit, __ATOMIC_RELEASE);
	}
}

bool limit_asks(const struct limit *limit)
{
	return limit && __atomic_load_n(&limit->interval_ns, __ATOMIC_RELAXED);
}

/* ---- counting ---- */

uint64_t limits_suppressed(void)
{
	return __atomic_load_n(&limits.suppressed, __ATOMIC_RELAXED);
}

/* The appender may sleep without an end; it is woken once, and then looks by itself until all is told. */
static void withhold(struct limit *limit)
{
	__atomic_fetch_add(&limits.suppressed, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&limit->held, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&limits.waiting, __ATOMIC_SEQ_CST) &&
	    !__atomic_exchange_n(&limits.waiting, 1, __ATOMIC_SEQ_CST))
		logger_wake();
}

/* ---- callers ---- */

static bool take_token(struct limit *limit, uint64_t interval)
{
	uint64_t now = now_steady_ns(), slack = __atomic_load_n(&limit->slack_ns, __ATOMIC_RELAXED);
	uint64_t full_at = __atomic_load_n(&limit->full_at_ns, __ATOMIC_RELAXED), next;

	do {
		/* what another clock said before it was replaced does not count */
		uint64_t from = full_at > now && full_at - now <= slack + interval ? full_at : now;

		if (from - now > slack)
			return false;
		next = from + interval;
	} while (
	    !__atomic_compare_exchange_n(&limit->full_at_ns, &full_at, next, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

static bool say_withheld(uint32_t number, uint64_t count)
{
	struct ilu_writing_ w = ilu_begin_(number << 8 | ILU_OP_WITHHELD_, 0, NULL, sizeof count);

	if (!w.at)
		return false;
	memcpy(w.at, &count, sizeof count);
	ilu_commit_(w.producer, w.at + sizeof count);
	return true;
}

bool limit_pass(struct limit *limit, uint32_t number)
{
	uint64_t interval = __atomic_load_n(&limit->interval_ns, __ATOMIC_RELAXED), held;

	if (!interval)
		return true;
	if (!take_token(limit, interval)) {
		withhold(limit);
		return false;
	}
	if (!__atomic_load_n(&limit->held, __ATOMIC_RELAXED))
		return true;
	held = __atomic_exchange_n(&limit->held, 0, __ATOMIC_SEQ_CST);
	if (!held || say_withheld(number, held))
		return true;
	/* a full ring took one record fewer: that was this call's */
	__atomic_fetch_add(&limit->held, held, __ATOMIC_SEQ_CST);
	return false;
}

/* ---- values of a key ---- */

static size_t value_bytes(unsigned type, const char *at, const char *end)
{
	uint32_t head;
	size_t len;

	if (type == ILU_T_NULL_ || type == ILU_T_SECRET_)
		return 0;
	if (type != ILU_T_STR_ && type != ILU_T_JSON_)
		return 8;
	if (end - at < 4)
		return (size_t)(end - at);
	memcpy(&head, at, 4);
	if (head == ILU_NO_TEXT_)
		return 4;
	len = 4 + (size_t)(head & ~ILU_CUT_) + (head & ILU_CUT_ ? 4 : 0);
	return len;
}

/* FNV's step over eight bytes, with a better end: places are taken from it. */
static uint64_t mix(uint64_t h, const char *bytes, size_t len)
{
	while (len) {
		uint64_t word = 0;
		size_t n = len < 8 ? len : 8;

		memcpy(&word, bytes, n);
		h = (h ^ word ^ (uint64_t)n << 60) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
		bytes += n;
		len -= n;
	}
	return h;
}

static uint64_t hash_value(unsigned type, const char *at, const char *end)
{
	size_t len = value_bytes(type, at, end);

	if (len > (size_t)(end - at))
		len = (size_t)(end - at);
	return mix(limits.seed ^ type * 0xbf58476d1ce4e5b9ull, at, len);
}

static bool hash_array(const struct limit *limit, const char *at, const char *end, uint64_t *hash)
{
	size_t wanted = strlen(limit->key);

	at += 8; /* how many */
	while (end - at >= 2) {
		unsigned type = (unsigned char)at[0], len = (unsigned char)at[1];
		const char *key = at + 2;

		at = key + len;
		if (at > end)
			break;
		if (len == wanted && !memcmp(key, limit->key, len)) {
			*hash = hash_value(type, at, end);
			return true;
		}
		if (value_bytes(type, at, end) > (size_t)(end - at))
			break;
		at += value_bytes(type, at, end);
	}
	return false;
}

/* Of the key's value; false: the record has none. */
static bool hash_of(const struct limit *limit, const struct ilu_record_ *record, uint64_t *hash)
{
	const char *at = (const char *)(record + 1), *end = (const char *)record + record->size;
	size_t tid = record->word & ILU_NAMED_ ? sizeof(ilu_tid) : 16;

	if (limit->where == KEY_TID) {
		*hash = mix(limits.seed, at, tid);
		return true;
	}
	at += tid;
	if ((record->word & ILU_OP_MASK_) == ILU_OP_ARRAY_)
		return hash_array(limit, at, end, hash);
	for (int i = 0; i < limit->where && at < end; i++)
		at += value_bytes(limit->site->types[i], at, end);
	if (limit->where < 0 || at > end)
		return false;
	*hash = hash_value(limit->site->types[limit->where], at, end);
	return true;
}

/* The value's place, or that of the one which has been quiet the longest. NULL: no memory. */
static struct limit_value *place_of(struct limit *limit, uint64_t hash)
{
	struct limit_value *set, *oldest;

	hash += !hash; /* 0 is a free place */
	if (!limit->value)
		limit->value = calloc(limit->places, sizeof *limit->value);
	if (!limit->value)
		return NULL;
	oldest = set = limit->value + (hash >> 32) % (limit->places / WAYS) * WAYS;
	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].hash == hash)
			return &set[i];
		if (set[i].full_at < oldest->full_at)
			oldest = &set[i];
	}
	limit->untold += oldest->held;
	limit->values_held -= oldest->held;
	*oldest = (struct limit_value){hash, 0, 0};
	return oldest;
}

/* Take a token of the value. */
static bool take_value(struct limit *limit, struct limit_value *v, uint64_t now, const struct stamp_scale *scale)
{
	uint64_t interval = stamp_ticks(scale, limit->key_interval_ns), slack = stamp_ticks(scale, limit->key_slack_ns);
	uint64_t from =
	    v->full_at > now && v->full_at - now <= slack + interval + stamp_ticks(scale, FUTURE_NS) ? v->full_at : now;

	if (from - now > slack)
		return false;
	v->full_at = from + interval;
	return true;
}

bool limit_wants(struct limit *limit, const struct ilu_record_ *record, const struct stamp_scale *scale)
{
	uint64_t hash;
	struct limit_value *v = limit->key_interval_ns && hash_of(limit, record, &hash) ? place_of(limit, hash) : NULL;

	if (v && !take_value(limit, v, record->stamp, scale)) {
		v->held++;
		limit->values_held++;
		__atomic_fetch_add(&limits.suppressed, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&limits.waiting, 1, __ATOMIC_SEQ_CST);
		return false;
	}
	if (v) {
		limit->values_held -= v->held;
		limit->untold += v->held;
		v->held = 0;
	}
	limit->telling = limit->untold;
	return true;
}

/* ---- telling ---- */

void limit_add(struct limit *limit, uint64_t withheld)
{
	limit->untold += withheld;
}

char *limit_put(const struct limit *limit, const char *key, char *at)
{
	size_t len = strlen(key);

	if (!limit->telling)
		return at;
	memcpy(at, ",\"", 2);
	memcpy(at + 2, key, len);
	memcpy(at + 2 + len, "\":", 2);
	at += len + 4;
	return at + itoa_u64(limit->telling, at);
}

void limit_told(struct limit *limit)
{
	limit->untold -= limit->telling;
	limit->telling = 0;
	if (!limit->values_held)
		limit->since_ns = 0;
}

static uint64_t count_values(struct limit *limit)
{
	uint64_t n = 0;

	for (uint32_t i = 0; limit->value && i < limit->places; i++) {
		n += limit->value[i].held > 0;
		limit->value[i].held = 0;
	}
	return n;
}

int64_t limits_wait_ns(void)
{
	return __atomic_load_n(&limits.waiting, __ATOMIC_SEQ_CST) && !now_replaced() ? (int64_t)(limit_quiet_ns / 10)
	                                                                             : -1;
}

/* Is it time to tell of this one? */
static bool due(struct limit *limit, uint64_t now, bool all)
{
	if (!__atomic_load_n(&limit->held, __ATOMIC_SEQ_CST) && !limit->values_held && !limit->untold) {
		limit->since_ns = 0;
		return false;
	}
	if (!limit->since_ns)
		limit->since_ns = now;
	if (all || now - limit->since_ns >= limit_quiet_ns)
		return true;
	__atomic_store_n(&limits.waiting, 1, __ATOMIC_SEQ_CST);
	return false;
}

bool limits_next(struct limit **at, bool all, struct limit_news *out)
{
	uint64_t now = now_machine_ns();

	if (!*at && !__atomic_exchange_n(&limits.waiting, 0, __ATOMIC_SEQ_CST) && !all)
		return false;
	*at = *at ? (*at)->next : __atomic_load_n(&limits.first, __ATOMIC_ACQUIRE);
	for (; *at; *at = (*at)->next) {
		struct limit *limit = *at;

		if (!due(limit, now, all))
			continue;
		out->site = limit->site;
		out->suppressed =
		    limit->untold + limit->values_held + __atomic_exchange_n(&limit->held, 0, __ATOMIC_SEQ_CST);
		out->values = limit->values_held ? count_values(limit) : 0;
		limit->untold = limit->values_held = limit->since_ns = 0;
		return true;
	}
	return false;
}

void limits_reset(void)
{
	for (struct limit *limit = limits.first; limit; limit = limit->next) {
		limit->held = limit->untold = limit->telling = limit->values_held = limit->since_ns = 0;
		count_values(limit);
	}
	limits.waiting = 0;
	limits.suppressed = 0;
}
