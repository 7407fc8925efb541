/* SPDX-License-Identifier: GPL-3.0-or-later */
/* say.h - what went wrong, as a sentence. */
#ifndef REMOTE_SAY_H
#define REMOTE_SAY_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Sets *why, unless it says something already; yours to free(). Returns -EINVAL. */
static inline int say(char **why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline int say(char **why, const char *format, ...)
{
	va_list ap;

	if (*why)
		return -EINVAL;
	va_start(ap, format);
	if (vasprintf(why, format, ap) < 0)
		*why = NULL;
	va_end(ap);
	return -EINVAL;
}

#endif
