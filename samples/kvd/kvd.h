/* SPDX-License-Identifier: Apache-2.0 */
/* kvd.h - a key-value server that speaks memcached's text protocol (get, set, delete), to show how a daemon with an
 * event loop and worker threads is instrumented.
 *
 *	socket -> loop.c (one thread) -> protocol.c -> work.c (a queue, several threads) -> store.c -> loop.c -> socket
 *
 * A connection is a transaction, and a span that is entered whenever the loop works for it. Each request is a
 * transaction of its own, with a span inside the connection's; the reference travels with the request through the queue
 * into a worker, which drops it when the answer is ready. A connection has one request in the workers at a time, so
 * that answers come in the order of the questions. What a request has done is logged before it is answered. */
#ifndef KVD_H
#define KVD_H

#include <ilu/log.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KEY_MOST = 250,       /* bytes of a key: the protocol's limit */
	KEYS_MOST = 64,       /* of one get */
	VALUE_MOST = 1 << 20, /* bytes of a value: memcached's limit unless it is told another */
	LINE_MOST = 16 << 10, /* bytes of a command's line */
	REPLY_MOST =
	    8 << 20, /* bytes of an answer, and of what a client has not read: it is asked nothing more until it has */
	OPEN_MOST = 64 << 10, /* connections that may be asked for */
};

struct options {
	const char *address; /* borrowed from the command line, as all texts here */
	int port;            /* 0: any that is free */
	const char *config;  /* of the logger; NULL: what main.c says */
	int workers, connections;
	size_t memory; /* bytes of keys and values */
	int sweep_ms;  /* between looks for values that have expired */
	int status_ms; /* between lines of how things stand */
};

struct text {
	const char *at;
	size_t len;
};

/* Bytes that grow. After a failed append the buffer is as it was. */
struct buffer {
	char *at;
	size_t len, room;
};
int buffer_append(struct buffer *b, const void *p, size_t n); /* 0 or -ENOMEM */
int buffer_room(struct buffer *b, size_t n);                  /* room for n more; 0 or -ENOMEM */
void buffer_drop(struct buffer *b, size_t n);                 /* the first n bytes */
void buffer_done(struct buffer *b);

/* ---- protocol.c: bytes to requests ---- */

enum verb { VERB_GET, VERB_SET, VERB_DELETE, VERB_VERSION, VERB_QUIT };
extern const char *const verb_name[];

struct connection;

struct request {
	enum verb verb;
	char *bytes; /* its own copy of the command and, of a set, the value; the texts point into it */
	struct text key[KEYS_MOST];
	unsigned nkeys;
	uint32_t flags;
	int64_t expires; /* seconds of CLOCK_REALTIME; 0 never, < 0 at once */
	struct text value;
	bool quiet; /* noreply */

	ilu_tid tid;
	ilu_span span; /* a reference, the worker's once it has taken the request */
	struct connection *connection;
	const char *status; /* what became of it, a constant */
	struct buffer reply;
	struct request *next;
};

enum parsed {
	PARSED_MORE,  /* the command is not whole yet */
	PARSED_OK,    /* *out is the caller's, for request_free */
	PARSED_WRONG, /* p->wrong is the answer */
	PARSED_LOST,  /* likewise, and nothing that follows can be understood */
};

struct parser {
	size_t skip;        /* bytes of a value that is too large, still to come */
	const char *wrong;  /* a constant, with its line end */
	const char *reason; /* the same for the log */
};

/* Take the next command off the front of `in`. */
enum parsed parse(struct parser *p, struct buffer *in, struct request **out);
void request_free(struct request *r);

/* ---- store.c: keys to values; every call may come from any thread ---- */

struct store;
struct store_size {
	uint64_t items, bytes;
};
struct store *store_new(size_t bytes_most);
void store_free(struct store *s);
/* "STORED", or why not: a constant for the answer. */
const char *store_set(struct store *s, const struct request *r);
/* Appends memcached's VALUE lines; how many keys were there, or -ENOMEM. */
int store_get(struct store *s, const struct request *r, struct buffer *reply);
bool store_delete(struct store *s, const struct request *r);
/* Remove what has expired, one part of the store after the other; how many values that was. */
size_t store_sweep(struct store *s);
struct store_size store_size(struct store *s);

/* ---- work.c: the queue and the threads that serve it ---- */

struct work;
/* `wake` is an eventfd that is written when a request is done. NULL with errno. */
struct work *work_start(struct store *s, int workers, int wake);
/* The request is the workers' until work_done gives it back. */
void work_put(struct work *w, struct request *r);
/* What is done, as a list; NULL: nothing. */
struct request *work_done(struct work *w);
unsigned work_waiting(struct work *w);
/* What was put is done before; then the threads end. */
void work_stop(struct work *w);

/* ---- loop.c: the sockets ---- */

/* Serve until SIGTERM or SIGINT; SIGHUP reopens the log. 0, or an exit status. */
int loop_run(const struct options *o);

#endif
