/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h - the memory that callers write to: the region with sites, slab and rings, made once. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdint.h>

#define MEMORY_RING_BYTES (1 << 20)
#define MEMORY_SLOTS      65536

/* Make it if it is not there, with logger.control. rings 0: as many as are usual. 0 or -ENOMEM, -EDEADLK. */
int memory_make(uint64_t ring_bytes, uint64_t rings, uint64_t slots);

/* Make it with the defaults if it is not there: for a span before the start. 0 or -ENOMEM, -EDEADLK. */
int memory_prepare(void);

struct box_of;

/* A black box for them (box.h), or the end of it, while the logger does not run. 0, or a negative errno and the reason
 * in `why` of BOX_WHY bytes. */
int memory_box(const struct box_of *of, char *why);
void memory_unbox(void);

#endif
