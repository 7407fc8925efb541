/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cluster.c - see cluster.h */
#include "remote/cluster.h"
#include "base/array.h"
#include "remote/gather.h"
#include "remote/say.h"
#include "remote/schema.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ---- SQL ---- */

void cluster_quote(struct text *sql, struct slice value)
{
	text_puts(sql, "'");
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c == '\'' || c == '\\')
			text_add(sql, "\\", 1);
		if (c)
			text_add(sql, &c, 1);
		else
			text_puts(sql, "\\0");
	}
	text_puts(sql, "'");
}

void cluster_of_runs(struct text *sql, struct slice run, struct slice other)
{
	if (!run.len) {
		text_puts(sql, "1");
		return;
	}
	text_puts(sql, "run IN (");
	cluster_quote(sql, run);
	if (other.len) {
		text_puts(sql, ", ");
		cluster_quote(sql, other);
	}
	text_puts(sql, ")");
}

static void quote(struct text *sql, const char *value)
{
	cluster_quote(sql, (struct slice){value, strlen(value)});
}

void cluster_where(struct text *sql, const char *run, const char *column, const char *value)
{
	text_puts(sql, " WHERE run = ");
	quote(sql, run);
	text_printf(sql, " AND %s = ", column);
	quote(sql, value);
}

/* A table of shard i, by which remote() it is reached. The database's name is a plain one (url.h), those of tables are
 * ours. */
static void put_table(const struct cluster *c, size_t i, const char *remote, const char *database, const char *table,
                      struct text *sql)
{
	const struct shard *s = &c->shard[i];

	if (!s->at) {
		text_printf(sql, "%s.%s", database, table);
		return;
	}
	text_printf(sql, "%s(", remote);
	quote(sql, s->at);
	text_printf(sql, ", %s, %s", database, table);
	if (c->url.user) {
		text_puts(sql, ", ");
		quote(sql, c->url.user);
	}
	text_puts(sql, ")");
}

void cluster_table(const struct cluster *c, size_t i, const char *table, bool insert, struct text *sql)
{
	put_table(c, i, insert ? "FUNCTION remote" : "remote", c->url.database, table, sql);
}

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

/* The letters at *p, which goes on behind them. */
static void take_word(const char **p, char *word, size_t room)
{
	size_t n = 0;

	for (; is_letter(**p) && n + 1 < room; ++*p)
		word[n++] = **p;
	word[n] = '\0';
}

/* The table behind $, which may be one of the server's own: $system.parts. */
static void put_named(const struct cluster *c, size_t i, const char **p, struct text *out)
{
	char table[32];

	take_word(p, table, sizeof table);
	if (**p != '.' || strcmp(table, "system")) {
		cluster_table(c, i, table, false, out);
		return;
	}
	++*p;
	take_word(p, table, sizeof table);
	put_table(c, i, "remote", "system", table, out);
}

/* sql with the tables of shard i in the place of their names behind $. */
static void on_shard(const struct cluster *c, size_t i, const char *sql, struct text *out)
{
	for (const char *p = sql; *p;) {
		size_t n = strcspn(p, "$'");

		text_add(out, p, n);
		p += n;
		if (*p == '\'') { /* a literal stays as it is */
			n = 1;
			while (p[n] && p[n] != '\'')
				n += p[n] == '\\' && p[n + 1] ? 2 : 1;
			n += p[n] == '\'';
			text_add(out, p, n);
			p += n;
		} else if (*p) {
			p++;
			put_named(c, i, &p, out);
		}
	}
}

int cluster_write(struct cluster *c, size_t i, const char *sql, http_take *take, void *arg, char **why)
{
	struct http *h = c->shard[i].http;
	struct text on = {0};
	int rc;

	if (c->shard[i].away)
		return 0;
	on_shard(c, i, sql, &on);
	rc = on.failed ? -ENOMEM : http_ask(h, text_str(&on), take, arg, why);
	if (rc == -EREMOTEIO && (http_code(h) == CODE_UNKNOWN_DATABASE || http_code(h) == CODE_UNKNOWN_TABLE)) {
		free(*why);
		*why = NULL;
		say(why, "%s: there are no tables of ilu-logq in database %s; `ilu-logq push --create` makes them",
		    c->shard[i].name, c->url.database);
	}
	text_done(&on);
	return rc;
}

int cluster_ask(struct cluster *c, size_t i, const char *sql, struct tsv *t, char **why)
{
	int rc;

	text_reset(&t->line);
	rc = cluster_write(c, i, sql, tsv_take, t, why);
	rc = rc ? rc : tsv_end(t);
	if (rc == -EBADMSG)
		say(why, "%s: an answer that is no table of %u columns", c->shard[i].name, t->columns);
	return rc;
}

int cluster_rows(struct cluster *c, size_t i, struct text *sql, unsigned columns, fetch_row *row, void *arg, char **why)
{
	struct tsv t = {.columns = columns, .row = row, .arg = arg};
	int rc;

	text_puts(sql, " FORMAT TabSeparated");
	rc = sql->failed ? -ENOMEM : cluster_ask(c, i, text_str(sql), &t, why);
	tsv_done(&t);
	text_reset(sql);
	return rc;
}

struct numbers {
	int64_t *out;
	unsigned n;
	bool there;
};

static int take_numbers(void *arg, const struct slice *value)
{
	struct numbers *x = arg;

	for (unsigned i = 0; i < x->n && !x->there; i++)
		x->out[i] = tsv_int(value[i]);
	x->there = true;
	return 0;
}

int cluster_numbers(struct cluster *c, size_t i, const char *sql, int64_t *out, unsigned n, char **why)
{
	struct numbers x = {out, n, false};
	struct tsv t = {.columns = n, .row = take_numbers, .arg = &x};
	int rc;

	memset(out, 0, n * sizeof *out);
	rc = cluster_ask(c, i, sql, &t, why);
	tsv_done(&t);
	return rc;
}

int cluster_do(struct cluster *c, size_t i, const char *sql, char **why)
{
	struct text on = {0};
	int rc;

	on_shard(c, i, sql, &on);
	rc = on.failed ? -ENOMEM : http_ask(c->shard[i].http, text_str(&on), NULL, NULL, why);
	text_done(&on);
	return rc;
}

/* ---- giving ---- */

void cluster_insert(const struct cluster *c, size_t i, const char *table, const char *columns, const char *format,
                    struct text *sql)
{
	text_puts(sql, "INSERT INTO ");
	cluster_table(c, i, table, true, sql);
	/* 18.16 takes no columns behind remote(): they are given in the table's order */
	if (!c->shard[i].at)
		text_printf(sql, " (%s)", columns);
	text_printf(sql, " FORMAT %s", format);
}

int cluster_give(struct cluster *c, size_t i, const char *table, const char *columns, const struct bytes *data,
                 char **why)
{
	struct http *h = c->shard[i].http;
	struct text sql = {0};
	int64_t start = http_now();
	char id[64];
	int rc;

	cluster_insert(c, i, table, columns, "RowBinary", &sql);
	for (unsigned n = 0;; n++) {
		snprintf(id, sizeof id, "ilu-logq-%" PRId64 "-%p", http_now(), (void *)&sql);
		free(*why);
		*why = NULL;
		rc = data->failed || sql.failed ? -ENOMEM : http_give(h, text_str(&sql), id, data, why);
		if (rc != -EHOSTDOWN || (rc = http_wait(h, n, start, *why)))
			break;
	}
	text_done(&sql);
	return rc;
}

bool cluster_stopped(const struct cluster *c)
{
	return c->manner.stop && *c->manner.stop;
}

/* ---- which shard ---- */

uint64_t cluster_hash(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.ptr[i]) * 1099511628211u;
	return h;
}

size_t cluster_shard_of(const struct cluster *c, struct slice tid, struct slice source, int64_t line)
{
	uint64_t h = CLUSTER_HASH;
	char number[8];

	if (tid.len) {
		h = cluster_hash(h, tid);
	} else {
		for (int i = 0; i < 8; i++)
			number[i] = (char)((uint64_t)line >> 8 * i);
		h = cluster_hash(cluster_hash(h, source), (struct slice){number, sizeof number});
	}
	return (size_t)((h ^ h >> 32) % c->n);
}

/* ---- opening ---- */

static struct shard *add_shard(struct cluster *c, size_t *room, struct http *http, const char *name)
{
	struct shard *s = array_add(c->shard, c->n, *room);

	if (!s)
		return NULL;
	*s = (struct shard){.http = http, .name = strdup(name)};
	return s->name ? s : NULL;
}

struct found {
	struct cluster *c;
	size_t room;
};

/* One shard of system.clusters: its host, native port and the host's name. */
static int take_shard(void *arg, const struct slice *value)
{
	struct found *f = arg;
	struct shard *s;
	char *at;

	/* an IPv6 address has colons of its own */
	if (asprintf(&at, memchr(value[0].ptr, ':', value[0].len) ? "[%.*s]:%d" : "%.*s:%d", (int)value[0].len,
	             value[0].ptr, (int)tsv_int(value[1])) < 0)
		return -ENOMEM;
	s = add_shard(f->c, &f->room, f->c->http[0], at);
	if (!s) {
		free(at);
		return -ENOMEM;
	}
	s->at = at;
	s->host = strndup(value[2].ptr, value[2].len);
	return s->host ? 0 : -ENOMEM;
}

static int shards_of_cluster(struct cluster *c, char **why)
{
	struct found f = {c, 0};
	struct tsv t = {.columns = 3, .row = take_shard, .arg = &f};
	struct text sql = {0};
	int rc;

	text_puts(&sql, "SELECT any(host_address), any(port), any(host_name) FROM system.clusters WHERE cluster = ");
	quote(&sql, c->url.cluster);
	text_puts(&sql, " AND replica_num = 1 GROUP BY shard_num ORDER BY shard_num FORMAT TabSeparated");
	rc = sql.failed ? -ENOMEM : http_ask(c->http[0], text_str(&sql), tsv_take, &t, why);
	rc = rc ? rc : tsv_end(&t);
	if (rc == -EBADMSG)
		say(why, "%s: system.clusters is not as expected", http_name(c->http[0]));
	if (!rc && !c->n)
		rc = say(why, "%s: no cluster %s in system.clusters", http_name(c->http[0]), c->url.cluster);
	text_done(&sql);
	tsv_done(&t);
	return rc;
}

int cluster_open(const char *url, const struct http_manner *m, struct cluster *c, char **why)
{
	size_t room = 0;
	int rc;

	*c = (struct cluster){.manner = *m};
	rc = remote_url_parse(url, &c->url, why);
	if (!rc && c->url.cluster && c->url.nhosts > 1)
		rc = say(why, "cluster=%s goes with one host; several hosts are the shards themselves", c->url.cluster);
	if (!rc && !(c->http = calloc(c->url.nhosts, sizeof *c->http)))
		rc = -ENOMEM;
	for (size_t i = 0; i < c->url.nhosts && !rc; i++) {
		rc = http_new(&c->url, i, &c->manner, &c->http[i], why);
		if (!rc && !c->url.cluster && !add_shard(c, &room, c->http[i], http_name(c->http[i])))
			rc = -ENOMEM;
	}
	return !rc && c->url.cluster ? shards_of_cluster(c, why) : rc;
}

/* What shard i's host is called here: the loopback of a server that is elsewhere is not ours. */
static const char *name_of_host(const struct cluster *c, size_t i)
{
	const char *asked = c->url.host[0].name, *host = c->shard[i].host;

	return http_is_this_machine(host) && !http_is_this_machine(asked) ? asked : host;
}

/* The shards' hosts in the URL's place, on its port. */
static int name_hosts(struct cluster *c, char **why)
{
	struct remote_host *host = calloc(c->n, sizeof *host);
	unsigned port = c->url.host[0].port;
	int rc = host ? 0 : -ENOMEM;

	for (size_t i = 0; i < c->n && !rc; i++) {
		host[i] = (struct remote_host){strdup(name_of_host(c, i)), port};
		rc = host[i].name ? 0 : -ENOMEM;
		for (size_t k = 0; k < i && !rc; k++)
			if (!strcmp(host[k].name, host[i].name))
				rc = say(
				    why,
				    "cluster=%s: shards %zu and %zu are both on %s: here every host is wanted in the "
				    "URL, with its port",
				    c->url.cluster, k + 1, i + 1, host[i].name);
	}
	for (size_t i = 0; host && rc && i < c->n; i++)
		free(host[i].name);
	if (rc) {
		free(host);
		return rc;
	}
	free(c->url.host[0].name);
	free(c->url.host);
	c->url.host = host;
	return 0;
}

static int open_shard(struct cluster *c, size_t i, struct http *h)
{
	struct shard *s = &c->shard[i];
	char *name = strdup(http_name(h));

	if (!name)
		return -ENOMEM;
	free(s->name);
	free(s->at);
	s->name = name;
	s->at = NULL;
	s->http = h;
	return 0;
}

int cluster_each(struct cluster *c, char **why)
{
	struct http **http = c->url.cluster ? calloc(c->n, sizeof *http) : NULL;
	int rc = !c->url.cluster ? 0 : http ? name_hosts(c, why) : -ENOMEM;

	if (rc || !c->url.cluster) {
		free(http);
		return rc;
	}
	http_free(c->http[0]);
	free(c->http);
	c->http = http;
	c->url.nhosts = c->n;
	free(c->url.cluster);
	c->url.cluster = NULL;
	for (size_t i = 0; i < c->n && !rc; i++) {
		rc = http_new(&c->url, i, &c->manner, &c->http[i], why);
		rc = rc ? rc : open_shard(c, i, c->http[i]);
	}
	return rc;
}

void cluster_close(struct cluster *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->shard[i].at);
		free(c->shard[i].host);
		free(c->shard[i].away);
		free(c->shard[i].name);
	}
	for (size_t i = 0; c->http && i < c->url.nhosts; i++)
		http_free(c->http[i]);
	free(c->shard);
	free(c->http);
	remote_url_done(&c->url);
	*c = (struct cluster){0};
}

/* ---- tables ---- */

static int has_column(struct cluster *c, size_t i, const struct schema_later *l, int64_t *there, char **why)
{
	struct text sql = {0};
	int rc;

	text_printf(&sql,
	            "SELECT count() FROM system.columns WHERE table = '%s' AND name = '%s' AND database = ", l->table,
	            l->column);
	quote(&sql, c->url.database);
	text_puts(&sql, " FORMAT TabSeparated");
	rc = sql.failed ? -ENOMEM : cluster_numbers(c, i, text_str(&sql), there, 1, why);
	text_done(&sql);
	return rc;
}

/* Refused is what somebody else has done meanwhile, or a try before of which the answer was lost: then it is there. */
static int add_column(struct cluster *c, size_t i, const struct schema_later *l, char **why)
{
	char *unsaid = NULL;
	int64_t there = 0;
	int rc = cluster_do(c, i, l->sql, why);

	if (rc == -EREMOTEIO && !has_column(c, i, l, &there, &unsaid) && there) {
		free(*why);
		*why = NULL;
		rc = 0;
	}
	free(unsaid);
	return rc;
}

/* Brings older tables up to date. Who is killed in between does it again: the format is the last that is written. */
static int renew(struct cluster *c, size_t i, char **why)
{
	struct text sql = {0};
	int rc = 0;

	for (const struct schema_later *l = schema_later; l->table && !rc; l++) {
		int64_t there = 0;

		rc = has_column(c, i, l, &there, why);
		if (!rc && !there)
			rc = add_column(c, i, l, why);
	}
	text_printf(&sql, "INSERT INTO $shard SELECT %d, max(number), max(shards) FROM $shard", SCHEMA_FORMAT);
	if (!rc)
		rc = sql.failed ? -ENOMEM : cluster_do(c, i, text_str(&sql), why);
	text_done(&sql);
	return rc;
}

static int create_on(struct cluster *c, size_t i, char **why)
{
	struct text sql = {0};
	int64_t format = 0;
	int rc;

	text_printf(&sql, "CREATE DATABASE IF NOT EXISTS %s", c->url.database);
	rc = sql.failed ? -ENOMEM : cluster_do(c, i, text_str(&sql), why);
	for (const char *const *s = schema_tables; *s && !rc; s++)
		rc = cluster_do(c, i, *s, why);
	for (const struct schema_folded *f = schema_folded; f->name && !rc; f++) {
		text_reset(&sql);
		schema_folded_create(f, &sql);
		rc = sql.failed ? -ENOMEM : cluster_do(c, i, text_str(&sql), why);
	}
	if (!rc)
		rc = cluster_numbers(c, i, "SELECT max(format) FROM $shard FORMAT TabSeparated", &format, 1, why);
	text_reset(&sql);
	text_printf(&sql, "INSERT INTO $shard (format, number, shards) VALUES (%d, %zu, %zu)", SCHEMA_FORMAT, i + 1,
	            c->n);
	if (!rc && !format)
		rc = sql.failed ? -ENOMEM : cluster_do(c, i, text_str(&sql), why);
	else if (!rc && format < SCHEMA_FORMAT)
		rc = renew(c, i, why);
	text_done(&sql);
	return rc;
}

int cluster_create(struct cluster *c, char **why)
{
	int rc = 0;

	for (size_t i = 0; i < c->n && !rc; i++)
		rc = create_on(c, i, why);
	return rc;
}

/* Whether shard i is the one that it stands here for. */
static int check_shard(struct cluster *c, size_t i, char **why)
{
	int64_t is[4] = {0};
	int rc = cluster_numbers(
	    c, i, "SELECT max(format), max(number), max(shards), max(format = 0) FROM $shard FORMAT TabSeparated", is,
	    4, why);

	c->shard[i].ruled = is[3];
	if (!rc && is[0] > SCHEMA_FORMAT)
		rc = say(why, "%s: tables of format %lld, which a newer version made", c->shard[i].name,
		         (long long)is[0]);
	else if (!rc && !is[0])
		rc = say(why, "%s: the tables are not whole; `ilu-logq push --create` makes them", c->shard[i].name);
	else if (!rc && is[0] < SCHEMA_FORMAT)
		rc = say(why,
		         "%s: tables of format %lld, which an older version made; `ilu-logq push --create` brings them "
		         "up to date",
		         c->shard[i].name, (long long)is[0]);
	else if (!rc && (is[1] != (int64_t)i + 1 || is[2] != (int64_t)c->n))
		rc = say(why, "%s is shard %lld of %lld, and stands here as shard %zu of %zu", c->shard[i].name,
		         (long long)is[1], (long long)is[2], i + 1, c->n);
	return rc;
}

/* One that is away is left out, where that may be. */
static int look_at(struct cluster *c, size_t i, void *arg, char **why)
{
	int rc = check_shard(c, i, why);

	(void)arg;
	if (rc != -EHOSTDOWN || !c->partial || !*why)
		return rc;
	c->shard[i].away = *why;
	*why = NULL;
	return 0;
}

/* Some must be there. */
static int away_all(struct cluster *c, char **why)
{
	struct shard *last = &c->shard[c->n - 1];

	say(why, "%s", last->away);
	return -EHOSTDOWN;
}

/* Of format 0, which is none: older versions look at the highest. */
int cluster_ruled(struct cluster *c, size_t i, char **why)
{
	int rc = 0;

	if (!c->shard[i].ruled)
		rc = cluster_do(c, i, "INSERT INTO $shard (format, number, shards) VALUES (0, 0, 0)", why);
	c->shard[i].ruled |= !rc;
	return rc;
}

int cluster_check(struct cluster *c, char **why)
{
	int rc = gather_each(c, look_at, NULL, why);
	size_t away = 0;

	for (size_t i = 0; i < c->n; i++)
		away += c->shard[i].away != NULL;
	return !rc && away == c->n ? away_all(c, why) : rc;
}
