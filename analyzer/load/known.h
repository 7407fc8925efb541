/* SPDX-License-Identifier: GPL-3.0-or-later */
/* known.h - the sources a database has, by path and by their first bytes. */
#ifndef LOAD_KNOWN_H
#define LOAD_KNOWN_H

#include "base/arena.h"
#include "base/table.h"
#include "store/store.h"

#define HEAD_BYTES 1024 /* of a text: by their hash a source is found again */

/* A row of table source, as far as files are compared with it. */
struct known_source {
	int64_t id;
	struct slice path;
	int64_t bytes, head_hash;
	bool copy; /* nothing but another source's text: whoever looks for a text finds that one */
};

/* Zero-initialise. */
struct known {
	struct known_source *v; /* by id */
	size_t n, room;
	struct table by_path, by_head;
	uint32_t heads[HEAD_BYTES + 1]; /* how many sources have so many bytes that are hashed */
	struct arena paths;
};

/* All rows of table source. 0 or negative. known_done in any case. */
int known_read(struct known *k, struct store *s);
void known_done(struct known *k);

/* A row that is new, or has changed. 0 or -ENOMEM. */
int known_note(struct known *k, const struct known_source *source);

/* The youngest source of that path, or NULL. Until the next known_note. */
const struct known_source *known_path(const struct known *k, const char *path);

/* 0: there is none of that id. */
bool known_id(const struct known *k, int64_t id, struct known_source *out);

/* Sources that are no copies and whose first bytes are those of a text that begins with head: at most room of them, the
 * longest first, of these the youngest. Their number. */
#define KNOWN_TRIES 64
size_t known_heads(const struct known *k, const void *head, size_t len, struct known_source *out, size_t room);

/* The hash of a text's first bytes. */
int64_t head_hash_of(const void *p, size_t n);

#endif
