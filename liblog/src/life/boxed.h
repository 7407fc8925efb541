/* SPDX-License-Identifier: Apache-2.0 */
/* boxed.h - the black box of a start: whether there is one, and for which log. With logger.control. */
#ifndef BOXED_H
#define BOXED_H

#include "appender/appender.h"
#include "config/config.h"

#include <stdbool.h>

/* A new start: the log's name is looked up again. Children keep it, whatever became of the directory that one is in. */
void boxed_forget(void);

/* Before the sinks are opened, and after: what processes with this log left when they died is written there. `removed`:
 * the file that is there is not gone on with. `inherited`: a child's, NULL: none. */
void boxed_find(const struct config *config, bool removed, const struct outlet *inherited);
void boxed_recover(struct appender *a, const struct config *config);
/* With the appender begun: say what that was. */
#define BOXED_NEWS 320
bool boxed_news(char *fields, size_t cap);

/* Make the box for an appender that has not begun, where the configuration wants one. "" or why there is none. */
const char *boxed_begin(struct appender *a, const struct config *config, const char *run);

/* At a start, behind the first lines: boxes of dead processes that had other logs, by name and age. */
void boxed_tell(struct appender *a);

#endif
