/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stream.h - why a stream could not be written. */
#ifndef RENDER_STREAM_H
#define RENDER_STREAM_H

#include <stdio.h>

/* Of a stream since it was opened: 0, or why a write failed, as a negative errno. A stream drops what it could not
 * write, so a later flush succeeds, and errno may be another call's: then the file is asked what it would say now, and
 * else it is -EIO. */
int stream_status(FILE *f);

/* Writes what is buffered; then as stream_status. */
int stream_flush(FILE *f);

#endif
