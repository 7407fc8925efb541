/* SPDX-License-Identifier: Apache-2.0 */
/* life.h - the logger's life inside the library; the public half is <ilu/log.h>. */
#ifndef LIFE_H
#define LIFE_H

struct now_source;

/* Take time from there (now.h), or from the system again (NULL). Only while the logger is off. */
void life_use_source(const struct now_source *source);

#endif
