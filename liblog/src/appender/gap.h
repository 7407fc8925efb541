/* SPDX-License-Identifier: Apache-2.0 */
/* gap.h - lines that were numbered and then lost by a sink: told as soon as it takes lines again.
 *
 * A line that tells of a gap stands for the lines lost and has the number of the last of them. It is the first of a
 * batch: a batch that fails again makes the gap longer, and the line is made anew for the next. */
#ifndef GAP_H
#define GAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GAP_FIELDS 160 /* room for its fields */

struct gap {
	uint64_t lost;
	uint64_t from, to; /* their numbers */
	int error;         /* errno */
	bool in_batch;     /* the batch begins with the line that tells of it */
};

/* The fields of the line, with a comma in front. */
void gap_fields(const struct gap *gap, char out[GAP_FIELDS]);

/* A batch was written: `written` of its `lines`; `next` is the number of the line after it, `rc` the sink's answer.
 * Returns how many lines are lost now. */
uint64_t gap_count(struct gap *gap, size_t lines, size_t written, uint64_t next, int rc);

#endif
