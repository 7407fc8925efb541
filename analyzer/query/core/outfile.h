/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outfile.h - what a command writes with -o: a file that appears at its place only when it is whole. */
#ifndef QUERY_OUTFILE_H
#define QUERY_OUTFILE_H

#include "query/core/query.h"

struct outfile {
	FILE *file;
	char *path, *temporary; /* owned */
};

/* Whether it is open; a failure is q's. */
bool outfile_open(struct query *q, struct outfile *f, const char *path);
/* Puts the file in place; where anything went wrong it is removed. */
void outfile_close(struct query *q, struct outfile *f);

#endif
