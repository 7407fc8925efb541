/* SPDX-License-Identifier: Apache-2.0 */
/* gap.h - lines that were numbered and then lost by a sink: told as soon as it takes lines again.
 *
 * A line that tells of a gap stands for the lines lost and has the number of the last of them. It goes out by itself,
 * before anything else: while it cannot, what comes after it is lost too and makes the gap longer. */
#ifndef GAP_H
#define GAP_H

#include <stddef.h>
#include <stdint.h>

#define GAP_FIELDS 160 /* room for its fields */

struct gap {
	uint64_t lost;
	uint64_t from, to; /* their numbers */
	int error;         /* errno */
};

/* The fields of the line, with a comma in front. */
void gap_fields(const struct gap *gap, char out[GAP_FIELDS]);

/* Of a batch `lost` lines, its last ones, were lost; `next` is the number of the line after it, `rc` the sink's answer.
 */
void gap_add(struct gap *gap, uint64_t lost, uint64_t next, int rc);

#endif
