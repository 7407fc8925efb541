/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http.h - one ClickHouse server, asked over HTTP by libcurl.
 *
 * A connection is kept from one request to the next. No proxy is asked. The password comes from the file that
 * $ILU_LOGQ_PASSWORD_FILE names, from $ILU_LOGQ_PASSWORD or from ~/.netrc; certificates are checked against
 * $CURL_CA_BUNDLE, else what libcurl has. One thread at a time. */
#ifndef REMOTE_HTTP_H
#define REMOTE_HTTP_H

#include "base/bytes.h"
#include "remote/url.h"
#include <signal.h>

struct http;

/* What all servers of a cluster have in common. Zero-initialise. */
struct http_manner {
	const volatile sig_atomic_t *stop; /* asked while a request runs: not 0 ends it with -EINTR; NULL: never */
	unsigned retry_s;                  /* how long a server that is away is tried again; 0: not at all */
	/* A server is away and will be tried again; NULL: nobody wants to know. Called by whichever thread waits, but
	 * never by two at a time. */
	void (*waiting)(void *arg, const char *why);
	void *arg;
};

/* u and m are borrowed. 0, -ENOMEM, or with *why -EINVAL, -ELIBACC: no libcurl. */
int http_new(const struct remote_url *u, size_t host, const struct http_manner *m, struct http **out, char **why);
void http_free(struct http *h);

/* "host:port", for messages. */
const char *http_name(const struct http *h);
/* Whether this is a name of the loopback, which is another one on each machine. */
bool http_is_this_machine(const char *name);

/* The answer's bytes as they come: 0 to go on; anything else ends the request and is returned. */
typedef int http_take(void *arg, const char *p, size_t n);

/* Asks one statement. The server makes the whole answer before it sends its first byte, so that an error never looks
 * like the end of an answer. take may be NULL; it sees nothing of an answer that is an error.
 *
 * 0, or with *why a sentence that names the server (yours): -EHOSTDOWN, it cannot be reached, or is too busy, also
 * after retries; -EREMOTEIO, it refused the statement, for http_code; -EACCES, the user or password is wrong. Also
 * -EINTR, -ENOMEM, and what take returned. */
int http_ask(struct http *h, const char *sql, http_take *take, void *arg, char **why);

/* The same of a statement that somebody else wrote: database is that of tables without one (NULL: the user's own), and
 * the answer is in TabSeparatedWithNamesAndTypes unless the statement says FORMAT. Unless it may write, it is asked by
 * GET: then a server changes nothing, and whoever may only read needs no setting for it. */
int http_query(struct http *h, const char *database, bool write, const char *sql, http_take *take, void *arg,
               char **why);

/* Gives data to a statement that ends with FORMAT. id names the request: a server runs no two of one id at a time.
 * Tried once: whether it was done where the answer got lost only the caller can find out. As http_ask otherwise. */
int http_give(struct http *h, const char *sql, const char *id, const struct bytes *data, char **why);

/* How long to wait before try n, from 0, of something that began at start (time_ns): 0, -EINTR, or -EHOSTDOWN: it was
 * tried for long enough. */
int http_wait(const struct http *h, unsigned n, int64_t start_ns, const char *why);
int64_t http_now(void);
/* m->waiting, if there is one, in its turn. */
void http_tell(const struct http_manner *m, const char *why);

/* The `Code: N` of the last -EREMOTEIO; 0: it had none. */
enum { CODE_UNKNOWN_TABLE = 60, CODE_UNKNOWN_DATABASE = 81, CODE_READONLY = 164 };
int http_code(const struct http *h);

#endif
