/* SPDX-License-Identifier: Apache-2.0 */
/* boxed.h - the black box of a start: whether there is one, and for which log. With logger.control. */
#ifndef BOXED_H
#define BOXED_H

#include "appender/appender.h"
#include "config/config.h"

/* A new start: the log's name is looked up again. Children keep it, whatever became of the directory that one is in. */
void boxed_forget(void);

/* Make the box for an appender that has not begun, where the configuration wants one. "" or why there is none. */
const char *boxed_begin(struct appender *a, const struct config *config, const char *run);

#endif
