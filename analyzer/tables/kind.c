/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind.c - a kind's fields as a string of bytes: equal kinds are equal bytes, and so have one number. */
#include "tables/kind.h"
#include "base/array.h"
#include "tables/write.h"
#include <errno.h>
#include <stdlib.h>

/* Texts are numbers of kinds.texts, of containers of kinds.containers, or INTERN_NONE. There is no padding. */
struct invocation_key {
	int64_t run, attempts, success, was_cold;
	double warm_sec, base_sec, share;
	uint32_t worker, function_name, function_source, fqdn, status, compute, state, zero;
};

struct work_key {
	int64_t run;
	uint32_t worker, function_name, container_id, state, outcome, zero;
};

void kinds_init(struct kinds *k, sqlite3 *db)
{
	*k = (struct kinds){.db = db, .held = KINDS_HELD};
}

static void set_done(struct kind_set *s)
{
	intern_done(&s->keys);
	free(s->base_ns);
	*s = (struct kind_set){0};
}

void kinds_done(struct kinds *k)
{
	intern_done(&k->texts);
	intern_done(&k->containers);
	set_done(&k->invocation);
	set_done(&k->work);
}

static int number_of_text(struct intern *texts, struct slice text, uint32_t *out)
{
	*out = INTERN_NONE;
	return text.ptr ? intern_add(texts, text, out) : 0;
}

static int text_of(struct kinds *k, struct slice text, uint32_t *out)
{
	return number_of_text(&k->texts, text, out);
}

static int word_of(struct kinds *k, const char *word, uint32_t *out)
{
	return text_of(k, word ? (struct slice){word, strlen(word)} : SLICE_NONE, out);
}

static int number_of(struct kind_set *s, const void *key, size_t size, int64_t *base_ns, uint32_t *out)
{
	uint32_t before = s->keys.n, i;
	int rc;

	if (array_reserve(s->base_ns, s->room, before + 1))
		return -ENOMEM;
	rc = intern_add(&s->keys, (struct slice){key, size}, &i);
	if (rc)
		return rc;
	if (s->keys.n > before)
		s->base_ns[i] = *base_ns;
	*base_ns = s->base_ns[i];
	*out = i + 1;
	return 0;
}

int kind_of_invocation(struct kinds *k, const struct invocation *o, int64_t *base_ns, uint32_t *out)
{
	struct invocation_key key = {.run = o->run,
	                             .attempts = o->nattempts,
	                             .success = o->success,
	                             .was_cold = o->was_cold,
	                             .warm_sec = o->warm_sec,
	                             .base_sec = o->base_sec,
	                             .share = o->share};

	if (text_of(k, o->worker, &key.worker) || text_of(k, o->function_name, &key.function_name) ||
	    word_of(k, o->function_source, &key.function_source) || text_of(k, o->fqdn, &key.fqdn) ||
	    word_of(k, o->status, &key.status) || word_of(k, o->compute, &key.compute) ||
	    word_of(k, o->state, &key.state))
		return -ENOMEM;
	return number_of(&k->invocation, &key, sizeof key, base_ns, out);
}

int kind_with_function(struct kinds *k, uint32_t kind, struct slice function_name, uint32_t *out)
{
	struct invocation_key key;
	int64_t base_ns = k->invocation.base_ns[kind - 1];

	memcpy(&key, k->invocation.keys.text[kind - 1].ptr, sizeof key);
	if (text_of(k, function_name, &key.function_name) || word_of(k, "trace", &key.function_source))
		return -ENOMEM;
	return number_of(&k->invocation, &key, sizeof key, &base_ns, out);
}

/* ---- writing ---- */

static void bind_text(sqlite3_stmt *st, int i, const struct kinds *k, uint32_t text)
{
	bind_slice(st, i, intern_text(&k->texts, text));
}

static int write_invocation_kind(const struct kinds *k, sqlite3_stmt *st, uint32_t i)
{
	struct invocation_key key;

	memcpy(&key, k->invocation.keys.text[i].ptr, sizeof key);
	sqlite3_bind_int64(st, 1, i + 1);
	sqlite3_bind_int64(st, 2, key.run);
	sqlite3_bind_int64(st, 3, k->invocation.base_ns[i]);
	bind_text(st, 4, k, key.worker);
	bind_text(st, 5, k, key.function_name);
	bind_text(st, 6, k, key.function_source);
	bind_text(st, 7, k, key.fqdn);
	bind_text(st, 8, k, key.status);
	sqlite3_bind_int64(st, 9, key.attempts);
	bind_ns(st, 10, key.success);
	bind_ns(st, 11, key.was_cold);
	bind_text(st, 12, k, key.compute);
	bind_text(st, 13, k, key.state);
	bind_real(st, 14, key.warm_sec);
	bind_real(st, 15, key.base_sec);
	bind_real(st, 16, key.share);
	return sql_step_reset(st);
}

static int write_work_kind(const struct kinds *k, sqlite3_stmt *st, uint32_t i)
{
	struct work_key key;

	memcpy(&key, k->work.keys.text[i].ptr, sizeof key);
	sqlite3_bind_int64(st, 1, k->written + (int64_t)i + 1);
	sqlite3_bind_int64(st, 2, key.run);
	sqlite3_bind_int64(st, 3, k->work.base_ns[i]);
	bind_text(st, 4, k, key.worker);
	bind_text(st, 5, k, key.function_name);
	bind_slice(st, 6, intern_text(&k->containers, key.container_id));
	bind_text(st, 7, k, key.state);
	bind_text(st, 8, k, key.outcome);
	return sql_step_reset(st);
}

static int write_set(const struct kinds *k, const char *sql, uint32_t n,
                     int (*row)(const struct kinds *, sqlite3_stmt *, uint32_t))
{
	sqlite3_stmt *st;
	int rc = sql_prepare(k->db, sql, &st);

	for (uint32_t i = 0; !rc && i < n; i++)
		rc = row(k, st, i);
	sqlite3_finalize(st);
	return rc;
}

static int write_work(const struct kinds *k)
{
	return write_set(k, "INSERT INTO work_kind VALUES(?,?,?,?,?,?,?,?)", k->work.keys.n, write_work_kind);
}

int kinds_write(const struct kinds *k)
{
	int rc = write_set(
	    k,
	    "INSERT INTO "
	    "invocation_kind(id,run,base_ns,worker,function_name,function_source,fqdn,status,attempts,success,was_cold,"
	    "compute,state,warm_sec,base_sec,share) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	    k->invocation.keys.n, write_invocation_kind);

	return rc ? rc : write_work(k);
}

/* ---- kinds of work ---- */

/* What is held is written; numbers go on. */
static int make_room(struct kinds *k)
{
	int rc = k->work.keys.n > UINT32_MAX / 2 - k->written ? -ENOMEM : write_work(k);

	if (rc)
		return rc;
	k->written += k->work.keys.n;
	set_done(&k->work);
	intern_done(&k->containers);
	return 0;
}

static bool is_full(const struct kinds *k, const struct work_key *key)
{
	return k->work.keys.n >= k->held &&
	       intern_find(&k->work.keys, (struct slice){(const char *)key, sizeof *key}) == INTERN_NONE;
}

int kind_of_work(struct kinds *k, const struct work *w, int64_t *base_ns, uint32_t *out)
{
	struct work_key key = {.run = w->run};
	int rc;

	if (text_of(k, w->worker, &key.worker) || text_of(k, w->function_name, &key.function_name) ||
	    number_of_text(&k->containers, w->container_id, &key.container_id) || word_of(k, w->state, &key.state) ||
	    word_of(k, w->outcome, &key.outcome))
		return -ENOMEM;
	if (is_full(k, &key) &&
	    ((rc = make_room(k)) || (rc = number_of_text(&k->containers, w->container_id, &key.container_id))))
		return rc;
	rc = number_of(&k->work, &key, sizeof key, base_ns, out);
	if (!rc)
		*out += k->written;
	return rc;
}
