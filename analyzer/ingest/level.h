/* SPDX-License-Identifier: GPL-3.0-or-later */
/* level.h - the five levels, and how programs spell them. */
#ifndef INGEST_LEVEL_H
#define INGEST_LEVEL_H

#include "base/slice.h"

enum level { LEVEL_NONE, LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO, LEVEL_DEBUG, LEVEL_TRACE };

enum level_scheme {
	LEVEL_COMMON, /* words, letters, the numbers of pino and bunyan (10 to 60) and slog's offsets ("ERROR+2") */
	LEVEL_SYSLOG, /* besides: 0 to 7, as journald's PRIORITY and GELF's level */
};

/* The level of a word or number as a log has it, unescaped; blanks and colours around it do not count. LEVEL_NONE:
 * nobody knows that word, or a number means something else in each program. */
enum level level_read(struct slice text, enum level_scheme scheme);

/* "ERROR" ... "TRACE"; NONE for LEVEL_NONE. Static. */
struct slice level_name(enum level level);

#endif
