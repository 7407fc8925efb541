/* SPDX-License-Identifier: Apache-2.0 */
/* spantext.h - what the appender knows of each span: its `span` object as text.
 *
 * Filled by NEW and RECORD records in the order of time; an entry stays after the span is closed, until the slot's next
 * NEW, so that a late event still finds the span it happened in. Only the appender looks at it. */
#ifndef SPANTEXT_H
#define SPANTEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct span_text {
	uint64_t handle; /* whose text it is */
	uint64_t parent; /* handle */
	uint64_t id;
	uint64_t opened; /* stamp */
	uint32_t site;
	struct buf json;  /* {"fqdn":"hello-1","tid":"...","name":"invoke","id":"..."}, then room for PUT_SLACK */
	bool closed;      /* in a box that is read: nothing is to be said of it */
	bool recorded;    /* the recorder has something that happened in it, or in a closed span in it */
	uint32_t tail_at; /* where `"name":` begins: fields are before it */
};

struct span_texts {
	struct span_text *span;
	uint32_t count, used; /* entries from `used` on were never touched */
};

int span_texts_init(struct span_texts *texts, uint32_t slots);
void span_texts_done(struct span_texts *texts);

/* The entry of a handle; NULL when its text is not (or no longer) known. */
struct span_text *span_texts_get(struct span_texts *texts, uint64_t handle);
/* The slot's entry, to be filled for a new handle; its text is empty. */
struct span_text *span_texts_new(struct span_texts *texts, uint64_t handle);

/* Set a field: key and value as JSON, with the key's quotes. Keys keep their order. 0 or -ENOMEM. */
int span_text_set(struct span_text *text, const char *key, size_t key_len, const char *value, size_t value_len);
/* Add a string to the array in field "follows". */
int span_text_follow(struct span_text *text, uint64_t id);

/* One past the JSON value at `at`, which is well-formed, without blanks, and ends in ',' or '}'. */
const char *span_text_past_value(const char *at);

void span_id_put(char out[16], uint64_t id);

#endif
