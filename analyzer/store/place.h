/* SPDX-License-Identifier: GPL-3.0-or-later */
/* place.h - where a transaction's lines are: table place.
 *
 * A transaction is what its id means, not how lines spell it: "a/b" and "a\/b" are one row. It has a list of (chunk,
 * which of its eight 8,192-row blocks). Written as pairs of numbers, seven bits a byte: twice the difference to the
 * chunk before, one more where a line there spells the id in another way; then the bits. */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include "store/store.h"

struct place_list {
	struct place_entry {
		int64_t chunk;
		unsigned blocks;
		bool respelled; /* a line of it there spells the id in another way than it is kept here */
	} * list;               /* by chunk */
	size_t n;
	int64_t id; /* of the row in table place; 0: there is none */
};

/* The places of one transaction; an unknown one has none. 0, -EBADMSG, -ENOMEM, ... */
int place_read(struct store *s, struct slice tid, struct place_list *out);
/* The same of a row that was read already: its column `places`. NULL: none. */
int place_parse(const void *places, size_t bytes, struct place_list *out);
void place_list_free(struct place_list *l);
/* The entry of a chunk, NULL where it is not in the list. */
const struct place_entry *place_find(const struct place_list *l, int64_t chunk);

/* Takes a chunk that is going away out of a transaction's places; events: how many of its lines are in it. */
int place_remove(struct store *s, struct slice tid, int64_t chunk, uint32_t events);

/* ---- collecting them during a load ---- */

#define PLACE_ID_MAX (INT64_C(1) << 48) /* of a row of table place: beyond, and below 1, it is damage */

struct place_set;

/* So many transactions are held; what is known of more waits in files without a name in the directory of the file
 * `beside` (base/tempfile.h), until it is written or compared. */
int place_set_new(const char *beside, struct place_set **out);
void place_set_free(struct place_set *p);
/* One chunk after the other, ids ascending. */
int place_set_add(struct place_set *p, struct slice tid, int64_t chunk, uint32_t events, unsigned blocks);
/* All transactions of a chunk that is in the database. */
struct chunk;
int place_set_add_chunk(struct place_set *p, struct chunk *c, int64_t id);
/* Whether no transaction was added since it was made or written. */
bool place_set_is_empty(const struct place_set *p);
/* Adds all to table place, inside the caller's transaction. The set is empty then. */
int place_set_write(struct place_set *p, struct store *s);
/* Holds that many transactions at most, and those of one chunk more; 16,384 unless set. */
void place_set_most(struct place_set *p, size_t most);

/* Compares with the table: *wrong counts the transactions whose row is another or missing, and rows too many. The set
 * may be compared or written again, but not added to. */
int place_set_compare(struct place_set *p, struct store *s, int64_t *wrong);

#endif
