/* SPDX-License-Identifier: Apache-2.0 */
/* gap.c - the account of lines lost by one sink; see gap.h. */
#include "appender/gap.h"

#include <stdio.h>

void gap_fields(const struct gap *gap, char out[GAP_FIELDS])
{
	snprintf(out, GAP_FIELDS,
	         ",\"lost\":%llu,\"reason\":\"write failed\",\"errno\":%d,\"from_seq\":%llu,\"to_seq\":%llu",
	         (unsigned long long)gap->lost, gap->error, (unsigned long long)gap->from, (unsigned long long)gap->to);
}

uint64_t gap_count(struct gap *gap, size_t lines, size_t written, uint64_t next, int rc)
{
	size_t own = gap->in_batch ? 1 : 0, lost = lines - (written > own ? written : own);

	if (gap->in_batch && written)
		*gap = (struct gap){0};
	gap->in_batch = false;
	if (!lost)
		return 0;
	if (!gap->lost)
		gap->from = next - lost;
	gap->lost += lost;
	gap->to = next - 1;
	gap->error = -rc;
	return lost;
}
