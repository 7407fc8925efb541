/* SPDX-License-Identifier: Apache-2.0 */
/* span.h - spans inside the library. The public half is <ilu/span.h>. */
#ifndef SPAN_H
#define SPAN_H

#include <stdint.h>

/* Count the ids of spans from the beginning again. */
void span_ids_restart(void);

#endif
