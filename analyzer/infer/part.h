/* SPDX-License-Identifier: GPL-3.0-or-later */
/* part.h - parts of an event as inference looks at them. */
#ifndef INFER_PART_H
#define INFER_PART_H

#include "base/bytes.h"
#include "store/store.h"

/* Zero-initialise; free(text). One section at a time. */
struct part {
	char *text;
	size_t room;
};

/* A copy of the section, which can be scanned: members look a little beyond the end. *out is borrowed until the next
 * call, and empty where the event has no such object (of spans: list), or one of more bytes than PART_LONGEST. 0 or
 * -ENOMEM. */
#define PART_LONGEST (16u << 20)
int part_read(struct part *p, const struct event *e, enum section section, struct slice *out);

/* The event's message with what varies masked (base/template.h), at the start of an empty buffer. 0 or -ENOMEM. */
int part_template(const struct event *e, struct bytes *out);

#endif
