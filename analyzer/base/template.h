/* SPDX-License-Identifier: GPL-3.0-or-later */
/* template.h - messages that differ only in what varies, as one: "len: 31 popped: 74549e" is "len: <*> popped: <*>".
 *
 * Two steps. template_mask looks at one message alone and takes out what is a value by its looks: numbers, ids, paths,
 * addresses. template_merge looks at all masked texts and takes out what is a value because everything else stays the
 * same. Both know nothing of an order or of how often a text came, so that templates are a function of the set of
 * texts: the same for parts that were masked apart and joined, in any order. */
#ifndef BASE_TEMPLATE_H
#define BASE_TEMPLATE_H

#include "base/intern.h"

#define TEMPLATE_VALUE "<*>"

/* Bytes of a message that are looked at; what is beyond counts as the same. */
#define TEMPLATE_TEXT_MAX 1024

/* Room for what template_mask makes of a text of that many bytes. */
#define TEMPLATE_ROOM(len) (3 * (len) + 16)

/* Writes text (plain, not escaped) with its values as <*> and one blank between words to out, which has
 * TEMPLATE_ROOM(len) bytes; no NUL. Each <*> stands for a stretch without blanks, but "1314 bytes (1.28 KB)" is one
 * value said twice and "<1 sec" one value. Returns the length. */
size_t template_mask(const char *text, size_t len, char *out);

/* Whether a text is one of a template's: each <*> stands for a stretch without blanks that is not empty, one blank for
 * any number of them. */
bool template_fits(struct slice template, struct slice text);

/* A masked text and what it is told apart by, such as level and target. */
struct template_text {
	uint32_t kind, text; /* text: its number in the texts it was interned in */
};

/* For each of v[0..n), all different: the number in out (its texts are added there) of its template. 0 or -ENOMEM. */
int template_merge(const struct intern *texts, const struct template_text *v, uint32_t n, struct intern *out,
                   uint32_t *template_of);

#endif
