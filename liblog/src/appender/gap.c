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

void gap_add(struct gap *gap, uint64_t lost, uint64_t next, int rc)
{
	if (!lost)
		return;
	if (!gap->lost)
		gap->from = next - lost;
	gap->lost += lost;
	gap->to = next - 1;
	gap->error = -rc;
}
