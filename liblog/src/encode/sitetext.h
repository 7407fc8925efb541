/* SPDX-License-Identifier: Apache-2.0 */
/* sitetext.h - the parts of an event line that are the same for all records of a site. */
#ifndef SITETEXT_H
#define SITETEXT_H

#include "call/site.h"

#define SITE_TID 255 /* in `order`: the tid */

/* After each text come PUT_SLACK bytes that may be read. */
struct site_text {
	const char *head; /* Z","level":"INFO","fields":{"message":"...","tid":" -- for spans up to "message":" */
	const char *tail; /* },"target":"..." */
	uint32_t head_len, tail_len;
	const char *key[17]; /* of an event ,"key": -- of a span "key": */
	uint32_t key_len[17];
	const char *name; /* of a span: ,"name":"...","id":" */
	uint32_t name_len;
	const char *frame; /* of a span: target::name */
	uint32_t frame_len;
	uint8_t order[18]; /* of a span: its fields, and SITE_TID, by key */
	size_t room;       /* bytes of all of it */
};

/* Rendered at the first call, then kept with the site. NULL: no memory. */
const struct site_text *site_text(struct site *site);

#endif
