/* SPDX-License-Identifier: Apache-2.0 */
/* tail.h - what of a dead process's lines its log has already: the part of the file behind where it was before the
 * batch that the process was writing when it died. */
#ifndef TAIL_H
#define TAIL_H

#include "recover/dead.h"

#define TAIL_MAX (64u << 20) /* bytes at a time; a batch is in the first ones */

struct tail {
	uint64_t lines;   /* of the batch, whole, and recovered ones */
	const char *half; /* the file ends with the beginning of a line */
	size_t half_len;
	char *bytes;
};

/* Is this descriptor (-1: none) of the file that is called `path`, and can it be read? */
bool tail_is_log(int fd, const char *path);

/* `path`: the log as it is called now; `open_fd`: a descriptor of it, or of something else, for who may not open it,
 * -1: none. 0, also when there is no log, or a negative errno: it cannot be read. */
int tail_read(const struct dead *dead, const char *path, int open_fd, struct tail *out);
void tail_done(struct tail *tail);

#endif
