/* SPDX-License-Identifier: GPL-3.0-or-later */
/* maintain.h - a database that is there already: taking a source out, making it smaller. */
#ifndef LOAD_MAINTAIN_H
#define LOAD_MAINTAIN_H

#include "store/store.h"

/* Takes a source out, with its lines and what only it told; the model is built again. One transaction. -ENOENT: no such
 * source; -EBUSY: a copy of it is a source, too, which would be empty then. *why (yours, may be NULL) says more. */
int maintain_drop_source(struct store *s, int64_t source, char **why);

/* Joins small chunks of each source into full ones, forgets shapes' and transactions' rows that nothing uses, and gives
 * the pages back. *before and *after: bytes of the database. */
int maintain_compact(struct store *s, int64_t *before, int64_t *after, char **why);

#endif
