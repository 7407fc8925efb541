/* SPDX-License-Identifier: Apache-2.0 */
/* squeeze.h - a file packed by zstd so that a reader can begin anywhere.
 *
 * Frames of about a MiB that end with a line and know nothing of each other, each with its checksum; behind them, in a
 * frame that decoders pass over, their sizes: zstd's "seekable format". libzstd is looked for while the program runs:
 * the library needs it for nothing else. */
#ifndef SQUEEZE_H
#define SQUEEZE_H

#include "base/keep.h"

#include <stdbool.h>

/* Once, before there are threads. false: there is no libzstd. */
bool squeeze_ready(void);

/* From one descriptor, read from its start, to another, which is looked at before each write: -EBADF, when it has
 * become something else. `stop`: atomic, not 0: leave off, -ECANCELED. 0 or a negative errno. */
int squeeze(int from, const struct keep *to, const char *stop);

#endif
