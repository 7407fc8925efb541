/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reads.h - which lines those who find look at, besides those that rules speak of: for who brings them a part of a log.
 *
 * lint: lint_seen.h, and of a container that is leaked those of leaks_message; all of a transaction whose spans are
 * told of, and those of the instant of a lock, or of the arrival of what completed and never began. hangs: the last of
 * a transaction that failed or did not end; of a log that falls silent those about spans, and those of its last
 * millisecond. storms: all of a transaction that has enough of them. mount: those of mount_message. */
#ifndef FINDINGS_READS_H
#define FINDINGS_READS_H

#include <stdbool.h>
#include <stddef.h>

#define STORM_ROUNDS     1000 /* a transaction of fewer lines has no storm */
#define LAST_LINES       5    /* of a transaction or log, as evidence */
#define LOCK_LINES       3    /* of such an instant */
#define LAST_NS          1000000
#define SILENCE_LEAST_NS 30000000000

/* The i-th message; NULL: there are no more. fails: without one of these the others are of no use. */
const char *leaks_message(size_t i);
const char *mount_message(size_t i, bool *fails);

#endif
