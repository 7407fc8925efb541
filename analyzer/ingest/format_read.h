/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format_read.h - a format from its JSON; private to format.c. */
#ifndef INGEST_FORMAT_READ_H
#define INGEST_FORMAT_READ_H

#include "ingest/format.h"

/* Reads what schema/format.schema.json describes, and refuses what it does not. 0, -EINVAL with a sentence in *why
 * (yours: free()): name, the place in the JSON, what is wrong there; or -ENOMEM. format_done(f) in any case. */
int format_read(const char *name, const char *text, size_t len, struct log_format *f, char **why);
void format_done(struct log_format *f);

#endif
