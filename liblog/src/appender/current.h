/* SPDX-License-Identifier: Apache-2.0 */
/* current.h - the appender that runs, for whoever asks something of it: a flush, files opened anew, counts.
 *
 * They come from any thread and from signal handlers, where no lock is to be had; so they are counted, and a stop waits
 * until the last has left. */
#ifndef CURRENT_H
#define CURRENT_H

#include "appender/appender.h"

/* With logger.control. NULL: none runs. */
struct appender *current_appender(void);
void current_set(struct appender *a);

/* It has ended: nobody asks it any more when this returns, and its counts are kept. Yours again. */
void current_retire(void);

/* In the child of a fork: nobody asks. */
void current_reset(void);

/* Is the caller the appender's thread? */
bool current_is_self(void);

#endif
