/* SPDX-License-Identifier: GPL-3.0-or-later */
/* seen.h - what a push sees in all lines of a source, for the second step of a fold: column seen of the ledger on a
 * cluster (remote/schema.c). What lint tells of a log, and its messages as texts of patterns: neither can be told from
 * some of its lines.
 *
 * All return 0 or a negative errno; -EBADMSG: it is not that. */
#ifndef MIRROR_SEEN_H
#define MIRROR_SEEN_H

#include "base/bytes.h"
#include "store/store.h"

/* To be raised where the bytes mean something else; those of another version are worth nothing. */
enum { SEEN_VERSION = 1 };

/* For push_options. Nothing where its lines can't do without the others, or there is too much to say. */
int seen_of_source(struct store *s, int64_t source, struct bytes *out);

/* The two parts of it. */
int seen_parts(struct slice seen, struct slice *lint, struct peek *patterns);

#endif
