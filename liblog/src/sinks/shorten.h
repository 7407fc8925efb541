/* SPDX-License-Identifier: Apache-2.0 */
/* shorten.h - a line that is too long for where it goes, made shorter, and still the JSON that it was. */
#ifndef SHORTEN_H
#define SHORTEN_H

#include "base/buf.h"
#include "base/lineread.h"

/* The line with each text longer than `max` bytes cut at the end of a character, and "…[N bytes cut]" behind what is
 * left, as the encoder marks what it has cut. Names of members stay. `out` is written anew. false: no memory. */
bool shorten(struct buf *out, struct slice line, size_t max);

/* What is left of a line with too many members: of its fields the message and the transaction, each text of at most
 * `max` bytes, and a field "cut" that says how many bytes are missing; no spans. false: no memory, or no line of ours.
 */
bool shorten_all(struct buf *out, struct slice line, size_t max);

#endif
