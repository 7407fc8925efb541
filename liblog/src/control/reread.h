/* SPDX-License-Identifier: Apache-2.0 */
/* reread.h - the configuration's file, read again while the logger runs. */
#ifndef REREAD_H
#define REREAD_H

#include <stddef.h>

/* For the appender (appender.h, `reload`). */
int reread(char *said, size_t cap);

#endif
