/* SPDX-License-Identifier: Apache-2.0 */
/* limit.h - how often call sites may speak: by the calls themselves (ILU_RATE), or by the configuration's rules, which
 * overrule that.
 *
 * A limit of a site is asked by its callers, before they evaluate an argument: one compare-and-swap on one word. Its
 * gate is ILU_GATE_ASK_ for that, so that sites without a limit pay nothing. What it withholds is counted; the caller
 * that is let through again says so in its ring, right before its record (ILU_OP_WITHHELD_).
 *
 * A limit by the value of a key is asked by the appender, which has the values: a record over it makes no line. It
 * keeps a table of a fixed number of values; a new one takes the place of the one that has been quiet the longest.
 *
 * What was withheld is told in the next line of the site (of the key's value), as the field `suppressed`; when none
 * comes for ten seconds, and at the stop, in a line of its own. In virtual time only at the stop: how long the
 * appender waits must not matter there. */
#ifndef LIMIT_H
#define LIMIT_H

#include "config/config.h"
#include "base/stamp.h"

#include <ilu/log.h>
#include <stdbool.h>

#define LIMIT_KEYS 1024 /* values in a table, where nothing else is said */

struct site;
struct limit;

extern uint64_t limit_quiet_ns; /* the ten seconds, which tests make shorter */

/* Use these rules from now on; they are copied. With the lock of the sites, as the next one. 0 or -ENOMEM. */
int limits_use(const struct config_limits *rules);

/* Find the limit of a site, by the rules or by its call. Without memory it has none, nor has a record without the key.
 */
void limit_attach(struct site *site);
/* Do its callers have to ask? */
bool limit_asks(const struct limit *limit);

/* By a caller: may it speak now? Says first, in the ring, how many calls could not. Safe in signal handlers. */
bool limit_pass(struct limit *limit, uint32_t number);

/* By the appender, of a record of the site: shall it be a line? */
bool limit_wants(struct limit *limit, const struct ilu_record_ *record, const struct stamp_scale *scale);
/* What callers said of withheld calls. */
void limit_add(struct limit *limit, uint64_t withheld);
/* Write `,"suppressed":N` if there is anything to tell; at most 40 bytes. Returns one past it. */
char *limit_put(const struct limit *limit, const char *key, char *at);
/* The line with that was made. */
void limit_told(struct limit *limit);

/* Is there anything that a line of its own may have to tell? After how many nanoseconds to look; -1: no need. */
int64_t limits_wait_ns(void);

/* What is to be told in a line of its own: sites in turn. */
struct limit_news {
	const struct site *site;
	uint64_t suppressed;
	uint64_t values; /* of a limit by key: of so many; 0: not by key */
};
/* The next site of which something is to be told now (`all`: whatever it is); false: none. Begin with *at = NULL. */
bool limits_next(struct limit **at, bool all, struct limit_news *out);

/* Calls withheld since the process began. */
uint64_t limits_suppressed(void);

/* In the child of a fork: the parent tells of its own. */
void limits_reset(void);

#endif
