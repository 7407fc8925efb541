/* SPDX-License-Identifier: Apache-2.0 */
/* early.h - calls in a process whose logger does not run; see early.c. */
#ifndef EARLY_H
#define EARLY_H

#include <ilu/detail/record.h>
#include <stdbool.h>

/* As ilu_begin_. Without room (`at` NULL) the call is counted. */
struct ilu_writing_ early_begin(uint32_t word, uint64_t span, const ilu_tid *tid, size_t size);

/* true: it was such a record, and it is written. */
bool early_commit(struct ilu_producer_ *producer);

void early_reset(void);

#endif
