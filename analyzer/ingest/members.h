/* SPDX-License-Identifier: GPL-3.0-or-later */
/* members.h - the members of a JSON object, one after the other, and values by path. */
#ifndef INGEST_MEMBERS_H
#define INGEST_MEMBERS_H

#include "ingest/line.h"

struct member {
	struct slice key;    /* as it stands in the text, without quotes */
	struct slice value;  /* a string without quotes, with its escapes */
	enum slot_kind kind; /* SLOT_STRING, SLOT_SCALAR or SLOT_JSON */
};

struct members {
	const char *p, *end;
	bool last, high; /* high: a byte above 0x7f occurred */
	bool comma;      /* a comma stood before the closing bracket */
	const char *reason;
};

/* text begins at the bracket; SCAN_SLACK readable bytes follow it. */
void members_start(struct members *m, struct slice text);

/* 1: *out is the next member; 0: the closing bracket was read, m->p is behind it; -1: not JSON, see m->reason. */
int members_next(struct members *m, struct member *out);

/* The value at a path in an object: a key with dots first, else from object to object. False: there is none. */
bool member_at(struct slice object, const char *path, struct member *out);

#endif
