/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h - the lines of a dead process: those of the batch it was writing, of the records that were still in its
 * rings, merged by time, and a `close` for each span that was open. They have its pid, and its numbers go on. */
#ifndef REPLAY_H
#define REPLAY_H

#include "recover/dead.h"

struct replay {
	uint64_t skip; /* the first so many lines are in the log already: of the batch, then recovered ones */
	const char
	    *half; /* the log ends with half_len bytes of a line; NULL: it does not. Ours goes on there if it is it */
	size_t half_len;
	/* Bytes of so many whole lines, but for the first, which may go on with `half`. 0 or a negative errno. */
	int (*write)(void *to, const char *bytes, size_t len, size_t lines);
	void *to;
	/* out */
	uint64_t lines, spans;
	bool completed; /* `half` was ours */
};

#define REPLAY_MARK ",\"recovered\":true"

/* 0, -ENOMEM, or what `write` said. */
int replay(struct dead *dead, struct replay *r);

#endif
