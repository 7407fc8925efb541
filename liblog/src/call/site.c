/* SPDX-License-Identifier: Apache-2.0 */
/* site.c - the registry of call sites, and the filter over their gates; see site.h. */
#include "call/site.h"

#include "call/limit.h"
#include "base/lock.h"
#include "call/state.h"
#include "box/region.h"
#include "box/slab.h"
#include "base/tid.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK   1024
#define BUCKETS 4096

#define SITE_VERSION_BEFORE 2 /* its calls would write what they are to record */

static struct {
	struct lock lock;
	struct site *chunk[SITES_MAX / CHUNK]; /* read without the lock */
	uint32_t count;                        /* numbers given; 0 is none */
	uint32_t told;                         /* up to here they are in the region, */
	uint32_t changes;                      /* as it is since then */
	struct site *bucket[BUCKETS];
	struct directive_set *filter;
	bool running, dynamic;
	unsigned urgent;   /* of this level, and graver: to be written at once; 0: none */
	unsigned recorded; /* events up to this level are for the recorder where they are off; 0: there is none */
} sites = {.count = 1, .told = 1};

struct site *site_get(uint32_t number)
{
	struct site *chunk;

	if (!number || number >= __atomic_load_n(&sites.count, __ATOMIC_ACQUIRE))
		return NULL;
	chunk = __atomic_load_n(&sites.chunk[number / CHUNK], __ATOMIC_ACQUIRE);
	return chunk + number % CHUNK;
}

unsigned site_level(uint32_t number)
{
	struct site *site = site_get(number);

	return site ? site->level : ILU_INFO;
}

const char *site_level_name(unsigned level)
{
	static const char *const names[] = {"OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

	return names[level <= 5 ? level : 3];
}

uint32_t sites_count(void)
{
	return __atomic_load_n(&sites.count, __ATOMIC_ACQUIRE) - 1;
}

/* ---- making known ---- */

static uint32_t hash_text(uint32_t h, const char *text)
{
	while (*text)
		h = (h ^ (unsigned char)*text++) * 16777619u;
	return (h ^ 255) * 16777619u;
}

static uint32_t hash_site(const struct ilu_site_ *s)
{
	uint32_t h = 2166136261u;

	h = hash_text(h, s->target);
	h = hash_text(h, s->text);
	h = hash_text(h, s->file);
	h = (h ^ s->line) * 16777619u;
	for (unsigned i = 0; i < s->count; i++)
		h = (hash_text(h, s->keys[i]) ^ s->types[i]) * 16777619u;
	return h;
}

static bool same(const struct site *a, const struct ilu_site_ *b)
{
	if (a->level != b->level || a->kind != b->kind || a->count != b->count || a->line != b->line ||
	    strcmp(a->target, b->target) || strcmp(a->text, b->text) || strcmp(a->file, b->file) ||
	    memcmp(a->types, b->types, a->count))
		return false;
	for (unsigned i = 0; i < a->count; i++) {
		if (strcmp(a->keys[i], b->keys[i]))
			return false;
	}
	return true;
}

static char *put_text(char **at, const char *text)
{
	char *copy = *at;
	size_t len = strlen(text) + 1;

	memcpy(copy, text, len);
	*at += len;
	return copy;
}

/* One allocation holds all copies. */
static int copy_site(struct site *to, const struct ilu_site_ *from)
{
	size_t bytes = strlen(from->target) + strlen(from->text) + strlen(from->file) + strlen(from->function) + 4;
	char *at;

	for (unsigned i = 0; i < from->count; i++)
		bytes += sizeof *to->keys + sizeof *to->key_lens + 1 + strlen(from->keys[i]) + 1;
	if (from->rate)
		bytes += sizeof *to->rate + (from->rate->key ? strlen(from->rate->key) + 1 : 0);
	at = malloc(bytes);
	if (!at)
		return -ENOMEM;
	memset(to, 0, sizeof *to);
	if (from->rate) {
		to->rate = memcpy(at, from->rate, sizeof *to->rate);
		at += sizeof *to->rate;
	}
	to->keys = (const char **)(void *)at;
	at += from->count * sizeof *to->keys;
	to->key_lens = (uint16_t *)(void *)at;
	at += from->count * sizeof *to->key_lens;
	to->types = memcpy(at, from->types, from->count);
	at += from->count;
	for (unsigned i = 0; i < from->count; i++) {
		to->keys[i] = put_text(&at, from->keys[i]);
		to->key_lens[i] = (uint16_t)strnlen(to->keys[i], 65535);
	}
	to->target = put_text(&at, from->target);
	to->text = put_text(&at, from->text);
	to->file = put_text(&at, from->file);
	to->function = put_text(&at, from->function);
	if (from->rate && from->rate->key)
		to->rate->key = put_text(&at, from->rate->key);
	to->target_len = (uint32_t)strlen(to->target);
	to->text_len = (uint32_t)strlen(to->text);
	to->level = from->level;
	to->kind = from->kind;
	to->count = from->count;
	to->version = from->version;
	to->line = from->line;
	return 0;
}

/* Sites become known when objects are loaded, the region is made when the logger starts: those of before follow then.
 */
static void tell_region(void)
{
	if (sites.changes != region.changes)
		sites.told = 1;
	sites.changes = region.changes;
	for (; __atomic_load_n(&region.base, __ATOMIC_ACQUIRE) && sites.told < sites.count; sites.told++) {
		const struct site *site = site_get(sites.told);
		const struct ilu_site_ told = {.target = site->target,
		                               .text = site->text,
		                               .file = site->file,
		                               .function = site->function,
		                               .keys = site->keys,
		                               .types = site->types,
		                               .line = site->line,
		                               .level = site->level,
		                               .kind = site->kind,
		                               .count = site->count};

		region_add_site(&told, sites.told);
	}
}

int sites_tell_region(void)
{
	int rc = lock_take(&sites.lock);

	if (rc)
		return rc;
	tell_region();
	lock_drop(&sites.lock);
	return 0;
}

static struct site *new_site(const struct ilu_site_ *from, uint32_t hash)
{
	uint32_t number = sites.count;
	struct site *chunk, *site;

	if (number >= SITES_MAX)
		return NULL;
	chunk = sites.chunk[number / CHUNK];
	if (!chunk) {
		chunk = calloc(CHUNK, sizeof *chunk);
		if (!chunk)
			return NULL;
		__atomic_store_n(&sites.chunk[number / CHUNK], chunk, __ATOMIC_RELEASE);
	}
	site = chunk + number % CHUNK;
	if (copy_site(site, from))
		return NULL;
	site->number = number;
	site->hash = hash;
	site->next = sites.bucket[hash % BUCKETS];
	sites.bucket[hash % BUCKETS] = site;
	__atomic_store_n(&sites.count, number + 1, __ATOMIC_RELEASE);
	tell_region();
	return site;
}

void site_describe(const struct site *site, struct directive_site *out)
{
	*out = (struct directive_site){.target = site->target,
	                               .target_len = site->target_len,
	                               .name = site->text,
	                               .name_len = site->text_len,
	                               .keys = site->keys,
	                               .key_count = site->count,
	                               .level = site->level,
	                               .is_span = site->kind == ILU_SITE_SPAN_};
}

void site_describe_with_tid(const struct site *site, const char *keys[SITE_KEYS], struct directive_site *out)
{
	site_describe(site, out);
	keys[0] = "tid";
	memcpy(keys + 1, site->keys, site->count * sizeof *keys);
	out->keys = keys;
	out->key_count++;
}

static enum directive_verdict verdict(const struct site *site, bool *watched)
{
	const char *keys[SITE_KEYS];
	struct directive_site seen;

	site_describe_with_tid(site, keys, &seen);
	*watched = seen.is_span && sites.dynamic && directive_watches(sites.filter, &seen);
	return directive_site(sites.filter, &seen);
}

/* What it is where the filter does not let it speak. */
static uint32_t gate_when_off(const struct site *site)
{
	return site->kind == ILU_SITE_EVENT_ && site->level <= __atomic_load_n(&sites.recorded, __ATOMIC_RELAXED) &&
	               site->version == ILU_SITE_VERSION_
	           ? ILU_GATE_RECORD_
	           : ILU_GATE_OFF_;
}

static bool urgent(const struct site *site)
{
	return site->kind == ILU_SITE_EVENT_ && site->level <= __atomic_load_n(&sites.urgent, __ATOMIC_RELAXED);
}

static uint32_t gate_of(struct site *site)
{
	enum directive_verdict says;
	bool watched;

	if (!sites.running)
		return ILU_GATE_ASK_;
	if (site->kind == ILU_SITE_RECORD_)
		return ILU_GATE_ON_;
	says = verdict(site, &watched);
	__atomic_store_n(&site->on, says == DIRECTIVE_ON, __ATOMIC_RELAXED);
	switch (says) {
	case DIRECTIVE_ON:
		if (limit_asks(site->limit) || urgent(site))
			return ILU_GATE_ASK_;
		return watched ? ILU_GATE_WATCH_ : ILU_GATE_ON_;
	case DIRECTIVE_MAYBE:
		return ILU_GATE_ASK_;
	default:
		return gate_when_off(site);
	}
}

static void set_gate(struct site *site)
{
	__atomic_store_n(site->gate, site->number << 8 | gate_of(site), __ATOMIC_RELAXED);
}

static int add_locked(const struct ilu_site_ *from)
{
	uint32_t hash;
	struct site *site;

	if (__atomic_load_n(from->gate, __ATOMIC_RELAXED) >> 8)
		return 0;
	hash = hash_site(from);
	for (site = sites.bucket[hash % BUCKETS]; site; site = site->next) {
		if (site->hash == hash && !site->gate && same(site, from))
			break;
	}
	if (!site)
		site = new_site(from, hash);
	if (!site) {
		/* no memory, or more sites than numbers: it stays silent */
		__atomic_store_n(from->gate, ILU_GATE_OFF_, __ATOMIC_RELAXED);
		return -ENOMEM;
	}
	site->gate = from->gate;
	site->object = from->object;
	if (!site->limit) /* else it is back: the appender may be using its limit */
		limit_attach(site);
	set_gate(site);
	return 0;
}

int site_add(const struct ilu_site_ *site)
{
	int rc;

	logger_state(); /* is this a child of the one whose region it is? */
	rc = lock_take(&sites.lock);

	if (rc)
		return rc;
	rc = add_locked(site);
	lock_drop(&sites.lock);
	return rc;
}

void ilu_object_add_(struct ilu_object_ *object, const struct ilu_site_ *const *site,
                     const struct ilu_site_ *const *end)
{
	logger_state();
	if (lock_take(&sites.lock))
		return;
	object->known = 1;
	for (; site < end; site++) {
		if (*site && ((*site)->version == ILU_SITE_VERSION_ || (*site)->version == SITE_VERSION_BEFORE))
			add_locked(*site);
	}
	lock_drop(&sites.lock);
}

void ilu_object_drop_(struct ilu_object_ *object)
{
	logger_state();
	if (lock_take(&sites.lock))
		return;
	object->known = 0;
	for (uint32_t i = 1; i < sites.count; i++) {
		struct site *site = site_get(i);

		if (site->gate && site->object == object) {
			/* code of the object that still runs (destructors at exit) makes it known again */
			__atomic_store_n(site->gate, ILU_GATE_ASK_, __ATOMIC_RELAXED);
			site->gate = NULL;
		}
	}
	lock_drop(&sites.lock);
}

/* ---- the filter ---- */

int sites_filter(struct directive_set *set)
{
	struct directive_set *old;

	if (lock_take(&sites.lock))
		return -EDEADLK;
	old = sites.filter;
	sites.filter = set;
	sites.running = set != NULL;
	__atomic_store_n(&sites.dynamic, set && directive_has_dynamic(set), __ATOMIC_RELAXED);
	for (uint32_t i = 1; i < sites.count; i++) {
		struct site *site = site_get(i);

		if (site->gate)
			set_gate(site);
	}
	lock_drop(&sites.lock);
	directive_free(old);
	return 0;
}

void sites_levels(unsigned recorded, unsigned urgent)
{
	__atomic_store_n(&sites.recorded, recorded, __ATOMIC_RELAXED);
	__atomic_store_n(&sites.urgent, urgent, __ATOMIC_RELAXED);
}

int sites_limit(const struct config_limits *rules)
{
	int rc = lock_take(&sites.lock);

	if (rc)
		return rc;
	rc = limits_use(rules);
	for (uint32_t i = 1; i < sites.count && !rc; i++)
		limit_attach(site_get(i));
	lock_drop(&sites.lock);
	return rc;
}

enum site_state site_state(const struct site *site)
{
	enum site_state state = SITE_UNLOADED;

	if (lock_take(&sites.lock))
		return state;
	if (site->gate) {
		uint32_t gate = __atomic_load_n(site->gate, __ATOMIC_RELAXED) & ILU_GATE_MASK_;

		state = gate == ILU_GATE_OFF_                ? SITE_OFF
		        : gate == ILU_GATE_RECORD_           ? SITE_RECORDED
		        : gate == ILU_GATE_ASK_ && !site->on ? SITE_IN_SPANS
		                                             : SITE_ON;
	}
	lock_drop(&sites.lock);
	return state;
}

bool sites_filter_dynamic(void)
{
	return __atomic_load_n(&sites.dynamic, __ATOMIC_RELAXED);
}

static void value_of(struct directive_value *v, const struct site *site, unsigned i, const struct ilu_arg_ *a)
{
	v->key = site->keys[i];
	v->key_len = site->key_lens[i];
	v->type = DIRECTIVE_OTHER;
	switch (site->types[i]) {
	case ILU_T_BOOL_:
		v->type = DIRECTIVE_BOOL;
		v->b = a->word != 0;
		break;
	case ILU_T_I64_:
	case ILU_T_ERRNO_:
		v->type = DIRECTIVE_I64;
		v->i = (int64_t)a->word;
		break;
	case ILU_T_U64_:
		v->type = DIRECTIVE_U64;
		v->u = a->word;
		break;
	case ILU_T_F64_:
		v->type = DIRECTIVE_F64;
		memcpy(&v->f, &a->word, 8);
		break;
	case ILU_T_STR_:
		if (a->head == ILU_NO_TEXT_)
			break;
		v->type = DIRECTIVE_STR;
		v->s.text = (const char *)(uintptr_t)a->word;
		v->s.len = a->head & ~ILU_CUT_;
		break;
	default:
		break;
	}
}

unsigned sites_span_level(const struct site *site, const struct ilu_arg_ *args, const ilu_tid *tid)
{
	struct directive_value values[17];
	struct directive_site seen;
	char text[ILU_TID_MAX];
	unsigned level = 0;

	site_describe(site, &seen);
	for (unsigned i = 0; i < site->count; i++)
		value_of(&values[i], site, i, &args[i]);
	values[site->count] = (struct directive_value){.key = "tid", .key_len = 3, .type = DIRECTIVE_STR};
	values[site->count].s.text = text;
	values[site->count].s.len = tid_text(tid, text);
	if (lock_take(&sites.lock))
		return 0;
	if (sites.filter)
		level = directive_span_level(sites.filter, &seen, values, site->count + 1u);
	lock_drop(&sites.lock);
	return level;
}

/* While the logger runs: the filter first, then the rate. */
static uint32_t ask_running(uint32_t gate)
{
	struct site *site = site_get(gate >> 8);
	struct limit *limit;

	if (!site)
		return 0;
	if (!__atomic_load_n(&site->on, __ATOMIC_RELAXED) && slab_enabled(ilu_producer_.span) < site->level) {
		uint32_t off = gate_when_off(site);

		return off ? (gate & ~(uint32_t)ILU_GATE_MASK_) | off : 0;
	}
	limit = __atomic_load_n(&site->limit, __ATOMIC_ACQUIRE);
	if (limit && !limit_pass(limit, gate >> 8))
		return 0;
	if (urgent(site))
		ilu_producer_.bell = &logger_urged;
	return (gate & ~(uint32_t)ILU_GATE_MASK_) | ILU_GATE_ON_;
}

static uint32_t ask(const struct ilu_site_ *site)
{
	uint32_t gate = __atomic_load_n(site->gate, __ATOMIC_RELAXED);

	if (!(gate >> 8)) {
		if (site_add(site))
			return 0;
		gate = __atomic_load_n(site->gate, __ATOMIC_RELAXED);
		if ((gate & ILU_GATE_MASK_) != ILU_GATE_ASK_)
			return gate & ILU_GATE_MASK_ ? gate : 0;
	}
	if (logger_state() == LOGGER_RUNNING || logger_state() == LOGGER_FORKED)
		return ask_running(gate);
	if (site->kind != ILU_SITE_EVENT_)
		return 0;
	if (site->level <= ILU_WARN) {
		/* not into this thread's ring, which nobody reads: no room there, so the slow way */
		ilu_producer_.limit = ilu_producer_.at;
		return (gate & ~(uint32_t)ILU_GATE_MASK_) | ILU_GATE_ON_;
	}
	__atomic_fetch_add(&logger.early, 1, __ATOMIC_RELAXED);
	return 0;
}

uint32_t ilu_ask_(const struct ilu_site_ *site)
{
	int saved = errno;
	uint32_t gate = ask(site);

	errno = saved;
	return gate;
}

void sites_hold(void)
{
	lock_take(&sites.lock);
}

void sites_release(void)
{
	lock_drop(&sites.lock);
}

void sites_reset(void)
{
	lock_reset(&sites.lock);
}
