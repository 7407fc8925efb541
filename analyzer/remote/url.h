/* SPDX-License-Identifier: GPL-3.0-or-later */
/* url.h - where a ClickHouse cluster is: clickhouse://[user@]host[:port][,host[:port]...]/database[?cluster=NAME&...]
 */
#ifndef REMOTE_URL_H
#define REMOTE_URL_H

#include <stdbool.h>
#include <stddef.h>

struct remote_host {
	char *name; /* as it is written; an IPv6 address without its brackets */
	unsigned port;
};

struct remote_url {
	char *user;     /* NULL: none is named */
	char *database; /* a plain name: letters, digits and underscores */
	char *cluster;  /* NULL: none is named */
	bool secure;    /* TLS */
	bool gzip;      /* packed bodies also to this very machine */
	struct remote_host *host;
	size_t nhosts; /* at least one */
};

/* Whether text is meant as such a URL. */
bool remote_is_url(const char *text);

/* Takes a URL apart. 0, -ENOMEM, or -EINVAL with *why a sentence that names what is wrong with it, without any
 * password; yours to free(). remote_url_done in any case. */
int remote_url_parse(const char *text, struct remote_url *out, char **why);
void remote_url_done(struct remote_url *u);

#endif
