/* SPDX-License-Identifier: Apache-2.0 */
/* duration.h - busy and idle time as tracing-subscriber writes them: 83.1µs. */
#ifndef DURATION_H
#define DURATION_H

#include <stddef.h>
#include <stdint.h>

#define DURATION_MAX 24 /* room for any */

/* Three digits and a unit, ns to s: what printf's %.*f makes of the nanoseconds, as a double divided by 1000 for each
 * unit
 * (`TimingDisplay` of tracing-subscriber). Returns the length; no NUL. */
size_t duration_text(uint64_t ns, char out[DURATION_MAX]);

#endif
