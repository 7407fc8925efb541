/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outfile.h - what a command writes with -o: a file that appears at its place only when it is whole. */
#ifndef QUERY_OUTFILE_H
#define QUERY_OUTFILE_H

#include "query/core/query.h"

struct outfile {
	FILE *file;
	char *path, *temporary; /* owned; temporary NULL: written as it stands */
};

/* Whether it is open; a failure is q's. Of a link the file it leads to is written; a device or a pipe is written to. */
bool outfile_open(struct query *q, struct outfile *f, const char *path);
/* Puts the file in place; where anything went wrong it is removed. */
void outfile_close(struct query *q, struct outfile *f);

#endif
