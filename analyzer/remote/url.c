/* SPDX-License-Identifier: GPL-3.0-or-later */
/* url.c - see url.h */
#include "remote/url.h"
#include "base/array.h"
#include "remote/say.h"
#include <stdlib.h>
#include <string.h>

#define SCHEME "clickhouse://"

enum { PORT = 8123, PORT_SECURE = 8443 };

bool remote_is_url(const char *text)
{
	return !strncmp(text, SCHEME, strlen(SCHEME));
}

/* n bytes of a part of a URL, %XX decoded; NULL: no memory, or a NUL in it. */
static char *decoded(const char *p, size_t n)
{
	char *out = malloc(n + 1), *w = out;

	for (size_t i = 0; out && i < n; i++) {
		char hex[3] = {0}, *end = hex;
		long v = 0;

		if (p[i] == '%' && n - i > 2) {
			memcpy(hex, p + i + 1, 2);
			v = strtol(hex, &end, 16);
		}
		*w++ = end == hex + 2 && v > 0 ? (char)v : p[i];
		i += end == hex + 2 && v > 0 ? 2 : 0;
	}
	if (out)
		*w = '\0';
	return out;
}

static bool is_name(const char *s)
{
	return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(s) &&
	       !(*s >= '0' && *s <= '9');
}

/* A host, with or without a port. */
static int take_host(struct remote_url *u, size_t *room, const char *p, size_t n, char **why)
{
	const char *end = p + n, *colon = NULL, *close = n && *p == '[' ? memchr(p, ']', n) : NULL;
	struct remote_host *h;
	char *rest = NULL;
	unsigned long port = 0;

	if (close)
		colon = close + 1 < end ? close + 1 : NULL;
	else
		colon = memchr(p, ':', n);
	if ((colon && *colon != ':') || (colon ? colon : end) == p)
		return n ? say(why, "%.*s: no host in it", (int)n, p)
		         : say(why, "a host is missing: " SCHEME "HOST[,HOST...]/DATABASE");
	if (colon) {
		port = colon + 1 < end ? strtoul(colon + 1, &rest, 10) : 0;
		if (port < 1 || port > 65535 || rest != end)
			return say(why, "%.*s: a port is a number from 1 to 65535", (int)n, p);
	}
	h = array_add(u->host, u->nhosts, *room);
	if (!h)
		return -ENOMEM;
	*h = (struct remote_host){.port = (unsigned)port};
	h->name = close ? decoded(p + 1, (size_t)(close - p) - 1) : decoded(p, (size_t)((colon ? colon : end) - p));
	return h->name ? 0 : -ENOMEM;
}

static int take_hosts(struct remote_url *u, const char *p, const char *end, char **why)
{
	size_t room = 0;
	int rc = 0;

	for (;;) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma ? comma : end;

		rc = take_host(u, &room, p, (size_t)(stop - p), why);
		if (rc || !comma)
			return rc;
		p = comma + 1;
	}
}

static int take_switch(bool *out, const char *name, const char *value, char **why)
{
	if (strcmp(value, "0") && strcmp(value, "1"))
		return say(why, "%s=%s: it is 0 or 1", name, value);
	*out = *value == '1';
	return 0;
}

/* One NAME=VALUE behind the question mark. */
static int take_parameter(struct remote_url *u, const char *p, size_t n, char **why)
{
	const char *equals = memchr(p, '=', n);
	size_t name = equals ? (size_t)(equals - p) : n;
	char *value = equals ? decoded(equals + 1, n - name - 1) : strdup("");
	int rc = value ? 0 : -ENOMEM;

	if (!rc && name == 7 && !memcmp(p, "cluster", 7)) {
		free(u->cluster);
		u->cluster = value;
		return *value ? 0 : say(why, "cluster=: it is the name of a cluster, as in system.clusters");
	}
	if (!rc && name == 6 && !memcmp(p, "secure", 6))
		rc = take_switch(&u->secure, "secure", value, why);
	else if (!rc && name == 4 && !memcmp(p, "gzip", 4))
		rc = take_switch(&u->gzip, "gzip", value, why);
	else if (!rc)
		rc = say(why, "%.*s: no parameter of a clickhouse URL; there are cluster, secure and gzip", (int)name,
		         p);
	free(value);
	return rc;
}

static int take_parameters(struct remote_url *u, const char *p, char **why)
{
	int rc = 0;

	while (p && *p && !rc) {
		size_t n = strcspn(p, "&");

		rc = n ? take_parameter(u, p, n, why) : 0;
		p += n + (p[n] == '&');
	}
	return rc;
}

/* user@, where there is one: what follows it. */
static int take_user(struct remote_url *u, const char **p, const char *end, char **why)
{
	const char *at = memrchr(*p, '@', (size_t)(end - *p));

	if (!at)
		return 0;
	if (memchr(*p, ':', (size_t)(at - *p)))
		return say(why, "a password does not belong into the URL, where others can read it: put it into a "
		                "file that $ILU_LOGQ_PASSWORD_FILE names, into $ILU_LOGQ_PASSWORD, or into ~/.netrc");
	u->user = decoded(*p, (size_t)(at - *p));
	*p = at + 1;
	return u->user ? 0 : -ENOMEM;
}

static int take_all(struct remote_url *u, const char *p, char **why)
{
	const char *slash, *question;
	int rc;

	if (!remote_is_url(p))
		return say(why, "%s: it begins with " SCHEME, p);
	p += strlen(SCHEME);
	slash = p + strcspn(p, "/?#");
	rc = take_user(u, &p, slash, why);
	if (!rc)
		rc = take_hosts(u, p, slash, why);
	question = slash + strcspn(slash, "?");
	if (!rc && *slash == '/' && !(u->database = decoded(slash + 1, (size_t)(question - slash) - 1)))
		rc = -ENOMEM;
	if (!rc && (!u->database || !*u->database))
		rc = say(why, "the database is missing: " SCHEME "HOST[,HOST...]/DATABASE");
	if (!rc && !is_name(u->database))
		rc = say(why, "%s: behind the hosts stands /DATABASE, a name of letters, digits and underscores",
		         u->database);
	return rc ? rc : take_parameters(u, *question ? question + 1 : NULL, why);
}

int remote_url_parse(const char *text, struct remote_url *out, char **why)
{
	int rc;

	*out = (struct remote_url){0};
	*why = NULL;
	rc = take_all(out, text, why);
	for (size_t i = 0; !rc && i < out->nhosts; i++) {
		if (!out->host[i].port)
			out->host[i].port = out->secure ? PORT_SECURE : PORT;
		for (size_t k = 0; k < i && !rc; k++)
			if (out->host[k].port == out->host[i].port && !strcmp(out->host[k].name, out->host[i].name))
				rc = say(why, "%s:%u stands there twice; each host is one shard", out->host[i].name,
				         out->host[i].port);
	}
	return rc;
}

void remote_url_done(struct remote_url *u)
{
	for (size_t i = 0; i < u->nhosts; i++)
		free(u->host[i].name);
	free(u->host);
	free(u->user);
	free(u->database);
	free(u->cluster);
	*u = (struct remote_url){0};
}
