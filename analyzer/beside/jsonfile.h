/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jsonfile.h - a file that is one JSON array, element by element: files of a hundred megabytes have no tree. */
#ifndef BESIDE_JSONFILE_H
#define BESIDE_JSONFILE_H

#include "base/jsontext.h"
#include "ingest/reader.h"

/* The elements of one array that is a whole file, one at a time. */
struct json_file {
	struct reader *reader;
	char *buf;
	size_t n, at, room;
	bool end, entered, done;
	int64_t line;   /* of the element, from 1 */
	int64_t offset; /* of buf[0] in the text */
};
int jsonfile_open(struct json_file *f, const char *path, const char **why);
void jsonfile_close(struct json_file *f);
/* 1: *out is the next element, valid until the next call; 0: the array ended; -EBADMSG with *why: damage. */
int jsonfile_next(struct json_file *f, struct json_value *out, const char **why);

#endif
