/* SPDX-License-Identifier: Apache-2.0 */
/* site.h - every call site of the process, by number.
 *
 * What the process itself needs (gates, what the encoder rendered) is here; what records mean to somebody who has
 * nothing but the region is in the region, too.
 *
 * A site is copied when it becomes known, texts and all: its object may be unloaded while records of it are still in a
 * ring. It keeps its number for ever; a site that comes back (dlopen of the same library) gets its old number again.
 * Reading by number takes no lock. */
#ifndef SITE_H
#define SITE_H

#include "config/config.h"
#include "config/directive.h"

#include <ilu/detail/site.h>
#include <stdbool.h>

#define SITES_MAX (1u << 20)

struct site {
	uint32_t *gate; /* NULL: its object is gone */
	struct ilu_object_ *object;
	uint32_t number, hash;
	struct site *next; /* of the same hash */
	uint8_t level, kind, count, version;
	uint8_t *types;
	const char **keys;
	uint16_t *key_lens;
	const char *target, *text, *file, *function;
	uint32_t target_len, text_len;
	uint32_t line;
	bool on;                    /* the filter lets it speak wherever it is; atomic */
	struct ilu_rate_ *rate;     /* given by the call; NULL: none */
	struct limit *limit;        /* NULL: none; atomic */
	struct site_text *rendered; /* the encoder's, see encode.c */
	uint64_t lines;             /* that were made of its records; the encoder's, atomic */
};

/* By number; NULL for a number never given. */
struct site *site_get(uint32_t number);
/* The level alone, ILU_INFO where the number is none. */
unsigned site_level(uint32_t number);
/* "ERROR" ... "TRACE". */
const char *site_level_name(unsigned level);
/* Make one site known; 0 or -ENOMEM, -EDEADLK (from a signal handler in the middle of it). */
int site_add(const struct ilu_site_ *site);
uint32_t sites_count(void);
/* The region is there: write all sites down in it (region.h), from now on each as it becomes known. 0 or -EDEADLK. */
int sites_tell_region(void);

/* Does it speak? For people: it may change at once. */
enum site_state {
	SITE_OFF,
	SITE_ON,
	SITE_IN_SPANS /* some */,
	SITE_UNLOADED,
	SITE_RECORDED /* off, but kept a while */
};
enum site_state site_state(const struct site *site);

/* What the filter sees of a site; keys must stay. */
void site_describe(const struct site *site, struct directive_site *out);
/* The same with a tid, which every event and span has and directives may ask for; keys is the caller's. */
#define SITE_KEYS 18
void site_describe_with_tid(const struct site *site, const char *keys[SITE_KEYS], struct directive_site *out);

/* Use other directives, or none (NULL: the logger does not run, every gate asks): all gates in one pass. The old set is
 * freed. 0 or -EDEADLK. */
int sites_filter(struct directive_set *set);

/* Events up to these levels are recorded where the filter does not let them speak, and are written at once where it
 * does; 0: none. Gates are to be set afterwards. */
void sites_levels(unsigned recorded, unsigned urgent);

/* Limit how often sites speak, those that are known and those to come; gates are to be set afterwards. 0, -ENOMEM or
 * -EDEADLK. */
int sites_limit(const struct config_limits *rules);

/* Ask the directives about a span's fields: the level enabled inside. 0 when nothing is. */
unsigned sites_span_level(const struct site *site, const struct ilu_arg_ *args, const ilu_tid *tid);
/* Are there directives about spans? */
bool sites_filter_dynamic(void);

void sites_hold(void);
void sites_release(void);
void sites_reset(void);

#endif
