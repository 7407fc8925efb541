/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "build/collect.h"
#include "model/spool.h"
#include "store/chunks.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define CHUNKS_EACH 4 /* fewer are not worth a thread */
#define THREADS_MAX 16

struct part {
	sqlite3 *db;
	struct facts facts;
	struct spool *spool; /* NULL: all are in facts */
	struct patterns *patterns;
	struct event_query query;
	size_t max;
	int rc;
	pthread_t thread;
	bool started;
};

/* Where facts go that are too many. */
struct overflow {
	struct spool **spool;
	const char *beside;
};

static int spool_facts(struct facts *f, void *arg)
{
	const struct overflow *o = arg;
	int rc = *o->spool ? 0 : spool_new(o->beside, o->spool);

	return rc ? rc : spool_put(*o->spool, f);
}

/* As collect_rows. Each chunk is read once, so the store keeps none. */
static int read_events(struct facts *f, struct spool **spool, struct store *s, struct patterns *patterns,
                       struct event_query *q, size_t max)
{
	struct overflow o = {spool, sqlite3_db_filename(store_db(s), "main")};
	int rc;

	f->full = spool_facts;
	f->full_arg = &o;
	store_read_once(s, true);
	rc = collect_rows(f, s, patterns, q, max);
	store_read_once(s, false);
	f->full = NULL;
	return rc;
}

static void *read_thread(void *arg)
{
	struct part *p = arg;
	struct store *s;
	char *why = NULL;
	int rc;

	p->rc = store_attach(p->db, &s, &why);
	free(why);
	if (p->rc)
		return NULL;
	rc = read_events(&p->facts, &p->spool, s, p->patterns, &p->query, p->max);
	p->rc = rc < 0 ? rc : 0;
	store_close(s);
	return NULL;
}

/* ---- stretches ---- */

/* The ids of the chunks at the stretches' starts: n + 1 of them, the last beyond all. Returns n, at most `threads`, or
 * a negative errno. */
static int stretches(sqlite3 *db, unsigned threads, int64_t *start)
{
	sqlite3_stmt *st;
	int64_t chunks = 0;
	unsigned n = 0;
	int rc = sql_prepare(db, "SELECT count(*) FROM chunk", &st), step = SQLITE_DONE;

	if (!rc && (step = sqlite3_step(st)) == SQLITE_ROW)
		chunks = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	if (rc || (rc = sql_errno(step)))
		return rc;
	if (chunks / CHUNKS_EACH < threads)
		threads = chunks < 2 * CHUNKS_EACH ? 1 : (unsigned)(chunks / CHUNKS_EACH);
	rc = sql_prepare(db, "SELECT id FROM chunk ORDER BY id", &st);
	for (int64_t i = 0; !rc && (step = sqlite3_step(st)) == SQLITE_ROW; i++)
		while (!rc && n < threads && i == chunks * n / threads) {
			start[n] = sqlite3_column_int64(st, 0);
			if (start[n] < 0 || start[n] > CHUNK_ID_MAX)
				rc = -EBADMSG;
			n++;
		}
	sqlite3_finalize(st);
	start[n ? n : 1] = INT64_MAX >> 16;
	return rc ? rc : (rc = sql_errno(step)) ? rc : n ? (int)n : 1;
}

static int parts_start(struct part *v, unsigned n, const int64_t *start, const struct facts *f,
                       const struct collect_options *o, struct store *s, size_t max)
{
	int rc = 0;

	for (unsigned i = 0; i < n && !rc; i++) {
		struct part *p = &v[i];

		p->db = store_db(s);
		p->max = max / n;
		p->query.first_id = start[i] << 16;
		p->query.last_id = (start[i + 1] << 16) - 1;
		facts_init(&p->facts, f->rules);
		if (o->patterns && !(p->patterns = patterns_new(NULL)))
			rc = -ENOMEM;
	}
	/* a thread that can't be had is done without: its part is read by the caller, at the end */
	for (unsigned i = 0; i < n && !rc; i++)
		v[i].started = !pthread_create(&v[i].thread, NULL, read_thread, &v[i]);
	return rc;
}

/* What a part has collected goes to the spool of all. */
static int spool_part(struct spool *all, struct facts *f, struct part *p, const char *beside)
{
	struct overflow o = {&p->spool, beside};
	int rc = spool_facts(&p->facts, &o);

	if (!rc) {
		rc = spool_adopt(all, f, p->spool, &p->facts);
		p->spool = NULL;
	}
	return rc;
}

static int parts_join(struct part *v, unsigned n, struct facts *f, struct spool **spool, struct patterns *patterns,
                      int rc)
{
	const char *beside = sqlite3_db_filename(v->db, "main");
	bool spooled = false;

	for (unsigned i = 0; i < n; i++) {
		if (v[i].started)
			pthread_join(v[i].thread, NULL);
		else if (!rc)
			read_thread(&v[i]);
		rc = rc ? rc : v[i].rc;
		spooled |= v[i].spool != NULL;
	}
	if (!rc && spooled)
		rc = spool_new(beside, spool);
	for (unsigned i = 0; i < n && !rc; i++) {
		if (spooled)
			rc = spool_part(*spool, f, &v[i], beside);
		if (!rc && !(rc = facts_join(f, &v[i].facts)) && patterns)
			rc = patterns_join(patterns, v[i].patterns);
		facts_done(&v[i].facts);
	}
	for (unsigned i = 0; i < n; i++) {
		spool_free(v[i].spool);
		facts_done(&v[i].facts);
		patterns_free(v[i].patterns);
	}
	return rc;
}

static int collect_alone(struct facts *f, struct spool **spool, struct store *s, const struct collect_options *o,
                         size_t max)
{
	struct event_query q = {0};
	int rc = o->meanwhile ? o->meanwhile(o->meanwhile_arg) : 0;

	if (!rc)
		rc = read_events(f, spool, s, o->patterns, &q, max);
	return !rc && *spool ? spool_put(*spool, f) : rc;
}

int collect_facts(struct facts *f, struct spool **spool, struct store *s, const struct collect_options *o, size_t max)
{
	int64_t start[THREADS_MAX + 1];
	struct part v[THREADS_MAX] = {0};
	int n = stretches(store_db(s), o->threads < THREADS_MAX ? o->threads : THREADS_MAX, start), rc;

	*spool = NULL;
	if (n < 0)
		return n;
	if (n == 1 || !sqlite3_db_mutex(store_db(s)))
		return collect_alone(f, spool, s, o, max);
	rc = parts_start(v, (unsigned)n, start, f, o, s, max);
	if (!rc && o->meanwhile)
		rc = o->meanwhile(o->meanwhile_arg);
	return parts_join(v, (unsigned)n, f, spool, o->patterns, rc);
}
