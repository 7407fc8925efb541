/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store.h - the database: opening it, and reading events back.
 *
 * One SQLite file (schema/store.sql). Lines live in chunks of up to 65,536, as columns (chunk.h); what follows
 * reads them. All functions return 0 or a negative errno unless they say otherwise; -EBADMSG is a damaged
 * database, -EPROTONOSUPPORT one of another format, -EMEDIUMTYPE a file that is not ours. A store and all that is read
 * from it belong to one thread; the connection of one that may be written is locked by SQLite, so that others may
 * prepare statements of their own on it (and go by what a step returns: the connection's last error may be somebody
 * else's). */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "ingest/line.h"
#include <sqlite3.h>

struct store;

enum store_mode {
	STORE_READ,   /* must exist and be ours */
	STORE_WRITE,  /* must exist and be ours */
	STORE_CREATE, /* made if absent or empty; a file that is not ours is an error and stays untouched */
};

/* Opens path. On error *why (never NULL) is a sentence for the user, static or yours: free() it where *why_owned. */
int store_open(const char *path, enum store_mode mode, struct store **out, char **why);
void store_close(struct store *s);

/* How others that write are waited for: step(arg, n) is asked before the n-th wait, from 0, and waits a little itself;
 * 0: no longer. */
struct store_wait {
	int (*step)(void *arg, int n);
	void *arg;
};

/* As store_open. wait is borrowed until store_close; NULL: ten seconds, in silence. */
int store_open_waiting(const char *path, enum store_mode mode, const struct store_wait *wait, struct store **out,
                       char **why);
/* A store on a connection that is open already; store_close leaves it open. For the loadable extension. */
int store_attach(sqlite3 *db, struct store **out, char **why);

/* on: whoever reads with a store that is one of many (chunks.h) is stopped, with -EINTR, until it is off again: what
 * sqlite3_interrupt is for a connection that one has. A handler of signals may say so. */
void store_stop_many(bool on);

/* The text of a store error, for messages. */
const char *store_error(int rc);

/* What SQLite's last failure on db was, or ours where it was none of SQLite's: a sentence for the user, yours; NULL
 * where there was none, or no memory. A disk that is full is "no space left", whoever met it. */
char *store_cause(sqlite3 *db, int rc);

/* Is a database of this format (its user_version) one we read? 0, or -EPROTONOSUPPORT with a sentence for the user in
 * *why, yours to free(). */
int store_format_check(int64_t format, char **why);

/* The connection: virtual tables event, span and phase are registered on it where their modules are linked in. */
sqlite3 *store_db(struct store *s);

/* Between a log's clock and UTC a year is the most there is: what a database says beyond it is damage, -EBADMSG. */
#define OFFSET_MAX_S (366 * 86400)
int store_offset_ns(int64_t offset_s, int64_t *out);

/* Forgets what is cached of chunks and sources and reads new shapes, after somebody wrote to the database. 0 or
 * negative. */
int store_refresh(struct store *s);

/* What a sum or mean met that is no number, since this was asked last: false where there was none. *function is static,
 * *first the first such text, borrowed until the next query. */
bool store_sums_texts(struct store *s, int64_t *n, const char **function, const char **first);

/* Whether statements that are prepared from now on may have a LEFT JOIN; at first not. Conditions on the table `event`
 * are looked at more closely then. */
void store_left_joins(struct store *s, bool may);

/* UTC minus the clock that the run's log showed at ns (of UTC): its offset, or where its times were read by a zone what
 * that had then. 0 for a run that is not there. 0 or a negative errno. */
int store_clock(struct store *s, int64_t run, int64_t ns, int64_t *offset_s);
/* The same for the moment when that clock showed local_ns; the earlier one where it did twice. */
int store_clock_shown(struct store *s, int64_t run, int64_t local_ns, int64_t *offset_s);

/* Of a database that is worth nothing unless it gets done, from here on to the close: no journal, no waiting for the
 * disk, and nobody else in it. */
int store_hasten(struct store *s);

/* Runs sql without results. */
int store_exec(struct store *s, const char *sql);

/* ---- shapes ---- */

/* A line without its values (kinds of value: enum slot_kind in ingest/line.h). A line is two shapes, head ({"timestamp"
 * ... "target":"x") and tail (,"span" ... }). Pointers live as long as the store, until store_refresh. */
struct slot {
	enum slot_kind kind;
	uint8_t section;  /* enum section: where in the line */
	uint16_t stored;  /* how many of the slots before it have columns of their own in a chunk */
	struct slice key; /* "" in an array */
};

struct form;

struct shape {
	uint32_t id;              /* shape.id */
	uint8_t part;             /* 0 head, 1 tail */
	uint32_t sum;             /* of the skeleton: chunks know it, so that damage to a shape is seen */
	struct slice skeleton;    /* the text with one byte enum slot_kind for each value */
	const struct slot *slots; /* in the order of the text */
	unsigned nslots;
	unsigned nline;               /* those that are in the skeleton's line; the others are of its form alone */
	const struct form *form;      /* the line is another program's, and this its reading's shape; else NULL */
	const struct slice *literals; /* nline + 1: the text before, between and behind the values */
	/* Head only; ptr NULL where the line has none or the value is in a slot (message_slot >= 0). */
	struct slice level;      /* "ERROR" ... "TRACE"; NONE: none, or one that nobody knows */
	struct slice level_text; /* as it is written */
	struct slice target, message;
	int message_slot;
	bool span_line; /* message is new, enter, exit or close */
	/* Of another program's line, by its format: it is about a span; it names its worker; it says what went wrong;
	 * a message is sent or received. */
	bool as_span, as_worker, as_error, as_pair;
	/* Tail only: key-value pairs that are the same in every line of the shape are in the skeleton. */
	struct slice worker;    /* of the innermost enter_worker in spans, or of span itself; else NONE */
	struct slice span_name; /* span.name, else NONE */
	unsigned depth;         /* elements of spans */
	/* For the user of the store: the model keeps what its rules say of this shape here (0: not looked up yet). */
	uint32_t mark;
};

/* ---- events ---- */

struct chunk;

/* One line of a chunk. Valid until the next event is read. */
struct event {
	struct store *store;
	struct chunk *chunk;
	int64_t id; /* event.id: chunk id << 16 | row */
	int64_t run, source;
	int64_t line;  /* from 1 */
	int64_t stamp; /* ns as written; time_ns = stamp + the source's offset_s * 10^9 */
	int64_t time_ns;
	struct slice tid;                /* what it means, without escapes; NONE where the line has none */
	struct slice source_worker;      /* source.worker */
	struct slice worker;             /* the tail's worker, else the source's */
	bool foreign;                    /* a span line of another worker */
	const struct shape *head, *tail; /* of a line kept raw: made for it alone */
	/* private */
	const char *raw;
	size_t raw_len;
	uint32_t row, head_ord, tail_ord;
};

/* Which events. Zero-initialise, set what matters. */
struct event_query {
	struct slice tid; /* only this transaction, however lines spell it; ptr NULL: all */
	const struct place_list
	    *places;                /* tid's, borrowed while the cursor is opened; NULL: the cursor looks them up */
	int64_t run, source;        /* 0: all */
	int64_t last_source;        /* with those from source up to this one; 0: that one alone */
	int64_t since_ns, until_ns; /* since <= time_ns < until; until 0: no end */
	int64_t first_id, last_id;  /* event ids, inclusive; last 0: no end */
	struct slice search; /* only lines with this text in their message or a string of their fields, however it is
	                        spelled; ptr NULL: all */
	bool search_fields;  /* instead: in the bytes of the line's `fields`, as they stand there */
	/* Called once for each head shape (cache the answer in shape->mark if it is costly); NULL: all. */
	bool (*want)(const struct shape *head, void *arg);
	void *want_arg;
	bool chained; /* the parts of a log of ours that was rotated come one after the other, as they were written: see
	                 event_cursor_chain */
	bool brief; /* of an event only ids, line and head are there until event_time or event_complete; functions that
	             read values see to that */
};

/* Reads events in order of (source, line): chunk by chunk as stored. Time order is the caller's to make: sort by
 * (time_ns, id). Rejected lines are not events. */
struct event_cursor;
int event_cursor_open(struct store *s, const struct event_query *q, struct event_cursor **out);
/* 1: *out is the next event, borrowed until the next call; 0: no more; negative: error. */
int event_cursor_next(struct event_cursor *c, const struct event **out);
/* From the next chunk on, only lines of these head shapes. */
void event_cursor_narrow(struct event_cursor *c, bool (*want)(const struct shape *head, void *arg), void *arg);
/* The same of chunks whose lines are all later than after_ns, and all those behind them in their source; want is asked
 * anew for each. */
void event_cursor_narrow_later(struct event_cursor *c, int64_t after_ns,
                               bool (*want)(const struct shape *head, void *arg), void *arg);
/* Of the line given last, with `chained`: the first source of those that its own is a part of; all but logs of ours are
 * their own only part. */
int64_t event_cursor_chain(const struct event_cursor *c);
void event_cursor_close(struct event_cursor *c);

/* Of a brief event: stamp and time_ns; all of it. 0 or negative (and event_error then). */
int event_time(const struct event *e);
int event_complete(const struct event *e);
/* The number of its transaction among those of its chunk, which is id >> 16: below 65,536, 0 where it has none, or
 * negative. A number means one transaction; one that is spelled in several ways has several. */
int event_tid_number(const struct event *e);

/* One event by its id: 1, 0 (no such event) or negative. It stays valid until the next call on this store. */
int event_get(struct store *s, int64_t id, const struct event **out);
/* The same, brief: see event_query. */
int event_get_brief(struct store *s, int64_t id, const struct event **out);

/* The value of fields.NAME (the first, where the key occurs twice), as it stands in the line: a string's inside with
 * its JSON escapes, number, true/false/null, or nested JSON. Returns its kind, or 0 where there is none. *out is
 * borrowed until the next event is read. "message" reads the message. */
enum slot_kind event_field(const struct event *e, const char *name, struct slice *out);
/* The same as a duration ("830ms") in nanoseconds, rounded towards zero; false where it is none. */
bool event_duration(const struct event *e, const char *name, int64_t *ns);
/* The same for a field of `span` (the innermost span; "name" too). */
enum slot_kind event_span_field(const struct event *e, const char *name, struct slice *out);
/* A value of the top level, before or behind the span: our own pid and seq. Texts that belong to the shape are none. */
enum slot_kind event_top_field(const struct event *e, const char *name, struct slice *out);
/* The message, escapes as in the line; NONE where the line has none. */
struct slice event_message(const struct event *e);

/* The level as the log has it: "warning", "30"; NONE: there is none. */
struct slice event_level_text(const struct event *e);
/* A line that is no record: text between records (event.kind). */
bool event_is_text(const struct event *e);
/* A record of another program whose own time was missing or not understood. */
bool event_is_timeless(const struct event *e);

/* What the format of another program's line says of it (enum role, ingest/format.h): a word for "as_line", "as_time"
 * and "as_unit" and "as_pair"; for "as_id", "as_span", "as_parent", "as_name", "as_duration", "as_until", "as_error"
 * and "as_worker" the name of a field, or ":tid", ":message", ":target". NONE: nothing. */
struct slice event_as(const struct event *e, const char *key);
/* The value that such a name stands for, as event_field; 0: there is none. */
enum slot_kind event_as_value(const struct event *e, const char *key, struct slice *out);

/* 0, or why a value or part of this event could not be read, of which the functions that give it said that there is
 * none: -EBADMSG, -ENOMEM. */
int event_error(const struct event *e);

/* The line itself, byte for byte, without its line end. Borrowed until the next event is read. */
int event_line(const struct event *e, struct slice *out);
/* Parts of the line: "fields", "span", "spans" as JSON text; NONE where absent. */
struct slice event_part(const struct event *e, enum section section);
/* Offset of the line's first byte in the decompressed source; costs a decoded block. */
int event_offset(const struct event *e, int64_t *out);

/* ---- whole sources ---- */

/* A source's text as it was loaded, byte for byte, rejected lines included, in pieces. put returns 0 to go on; anything
 * else ends it and is returned. -ENOENT: no such source. */
int store_cat(struct store *s, int64_t source, int (*put)(void *arg, const void *p, size_t n), void *arg);

/* Looks at everything: SQLite's own check, every block's checksum, every line put together again, and whether the
 * ledger adds up. Each fault is told as a sentence. Returns the number of faults, or a negative errno of the system.
 * progress (may be NULL): chunks done, of all. */
int store_check(struct store *s, void (*fault)(void *arg, const char *text),
                void (*progress)(void *arg, int64_t done, int64_t total), void *arg);

#endif
