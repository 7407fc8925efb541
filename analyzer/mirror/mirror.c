/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mirror.c - see mirror.h
 *
 * The lines are written into a file for each source and loaded like any other log. What the cluster left out is empty
 * lines there, so that the numbers stay. What a load finds out from a whole file, the ledger knows better: it is put
 * over what this load thought, and the model is built anew. */
#include "mirror/mirror.h"
#include "mirror/ledger.h"
#include "mirror/timed.h"
#include "base/array.h"
#include "base/sql.h"
#include "base/tempfile.h"
#include "beside/result_set.h"
#include "build/model.h"
#include "ingest/zone.h"
#include "load/load.h"
#include "remote/say.h"
#include "store/vtab_event.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

/* A source of which there are lines. */
struct part {
	struct slice run, path; /* mirror_work.texts' */
	char *file;
	FILE *to;
	int64_t line; /* the last one that was written */
	int64_t lines;
	uint64_t times;     /* their sum */
	bool has_tids;      /* one of them is of a transaction */
	int64_t leads;      /* of them so many are ours, and say when the next one is */
	int64_t came;       /* so many events came of them */
	bool lost;          /* they are not what they were */
	struct timed timed; /* where they close up */
	struct part *was;   /* the same, when all was made before */
};

struct work {
	struct mirror *m;
	const struct mirror_from *from;
	char **why;
	struct arena texts;
	struct part *part;
	size_t nparts, parts_room;
	struct part *was; /* parts, as all was made before: some lines had other times here */
	size_t nwas;
	bool again;            /* it is to be made once more, with lines that say when those are */
	size_t nfiles;         /* that were written */
	size_t nloaded;        /* parts that are in the database */
	struct result_set set; /* results of the run result_run that wait for their pack */
	int64_t result_run;
	struct slice (*source)[FETCH_SOURCE_COLUMNS]; /* the ledger */
	size_t nsources, sources_room;
	sqlite3 *db;
};

static struct slice kept(struct work *w, struct slice s)
{
	char *p = s.ptr ? arena_text(&w->texts, s.ptr, s.len) : NULL;

	return (struct slice){p, p ? s.len : 0};
}

/* ---- lines into files ---- */

/* The file's name is the end of the path: what a load makes of names is the ledger's to say. */
static int part_open(struct work *w, struct part *p)
{
	const char *base = memrchr(p->path.ptr, '/', p->path.len);
	size_t n;

	base = base ? base + 1 : p->path.ptr;
	n = p->path.len - (size_t)(base - p->path.ptr);
	if (n > 4 && !memcmp(base + n - 4, ".zst", 4)) /* it is not packed here */
		n -= 4;
	else if (n > 3 && !memcmp(base + n - 3, ".gz", 3))
		n -= 3;
	if (asprintf(&p->file, "%s/%zu", w->m->dir.path, ++w->nfiles) < 0) {
		p->file = NULL;
		return -ENOMEM;
	}
	if (mkdir(p->file, 0700))
		return -errno;
	free(p->file);
	if (asprintf(&p->file, "%s/%zu/%.*s", w->m->dir.path, w->nfiles, n > 200 ? 200 : (int)n, base) < 0) {
		p->file = NULL;
		return -ENOMEM;
	}
	p->to = fopen(p->file, "we");
	if (!p->to)
		return -errno;
	/* where lines close up, two sources may have the same few: a load would take one for a copy of the other */
	for (size_t i = 0; w->from->close_up && i < w->nparts; i++)
		putc('\n', p->to);
	return 0;
}

static int by_run_and_path(const void *pa, const void *pb)
{
	const struct slice *a = pa, *b = pb;
	int c = slice_compare(a[0], b[0]);

	return c ? c : slice_compare(a[1], b[1]);
}

/* What the ledger says of it; NONE where it does not know it. */
static struct slice part_says(const struct work *w, const struct part *p, int column)
{
	const struct slice key[] = {p->run, p->path};
	const struct slice *v =
	    w->nsources ? bsearch(key, w->source, w->nsources, sizeof *w->source, by_run_and_path) : NULL;

	return v ? v[column] : SLICE_NONE;
}

/* A file is as old as its last line: that tells the year of times without one, and when lines without any were. Where a
 * file system has no such time, lines are seen to have other times. */
static void part_date(const struct work *w, const struct part *p)
{
	struct slice last = part_says(w, p, FETCH_SOURCE_LAST);
	int64_t ns = last.ptr ? tsv_int(last) : 0, behind = ns % NS_PER_S;
	struct timespec at = {ns / NS_PER_S - (behind < 0), behind + (behind < 0) * NS_PER_S};

	if (last.ptr)
		utimensat(AT_FDCWD, p->file, (struct timespec[]){at, at}, 0);
}

static int part_close(const struct work *w, struct part *p)
{
	int rc = 0;

	if (p->to) {
		rc = fclose(p->to) ? -errno : 0;
		part_date(w, p);
	}
	p->to = NULL;
	return rc;
}

/* The zone of its times that name none, as it was loaded with; NULL: none, or one that is not known here. */
static char *part_zone(const struct work *w, const struct part *p)
{
	struct slice from = part_says(w, p, FETCH_SOURCE_OFFSET_FROM);
	char *zone = from.len && !slice_is(from, "stamp") && !slice_is(from, "option") && !slice_is(from, "result") &&
	                     !slice_is(from, "assumed")
	                 ? strndup(from.ptr, from.len)
	                 : NULL;
	int64_t offset_s;

	if (zone && zone_offset(zone, 0, &offset_s, NULL)) {
		free(zone);
		zone = NULL;
	}
	return zone;
}

static bool same_clock(const struct work *w, const struct part *a, const struct part *b)
{
	struct slice x = part_says(w, a, FETCH_SOURCE_OFFSET_FROM), y = part_says(w, b, FETCH_SOURCE_OFFSET_FROM);

	return slice_same(a->run, b->run) && slice_same(x, y);
}

/* Loads the files of the run and clock that part i is the first of. *n: their number, which stand behind one another.
 */
static int load_of_run(struct work *w, size_t i, char **paths, size_t *n)
{
	char *said = NULL, *zone = part_zone(w, &w->part[i]);
	size_t len;
	FILE *err = open_memstream(&said, &len);
	struct load_options o = {.db = w->m->path,
	                         .paths = paths,
	                         .run = w->part[i].run.ptr,
	                         .timezones = &zone,
	                         .ntimezones = zone != NULL,
	                         .quiet = true,
	                         .apart = true,
	                         .passing = true,
	                         .no_model = true,
	                         .no_tids = true,
	                         .threads = w->from->threads};
	int status = 4;

	for (*n = 0; i + *n < w->nparts && same_clock(w, &w->part[i], &w->part[i + *n]); ++*n) {
		paths[*n] = w->part[i + *n].file;
		o.no_tids &= !w->part[i + *n].has_tids;
	}
	o.npaths = *n;
	o.out = o.err = err;
	if (err) {
		status = load_run(&o);
		fclose(err);
	}
	if (status == 4 || status == 2)
		say(w->why, "what was fetched of run %s could not be loaded: %s", o.run, said ? said : "no memory");
	free(said);
	free(zone);
	/* 3: a line that was repaired there may be told here, too */
	return !status || status == 3 ? 0 : status == 130 ? -EINTR : -EIO;
}

/* Those that are not in the database yet, run by run. */
static int load_parts(struct work *w)
{
	char **paths = calloc(w->nparts + 1, sizeof *paths);
	int rc = paths ? 0 : -ENOMEM;

	for (size_t n; w->nloaded < w->nparts && !rc; w->nloaded += n)
		rc = load_of_run(w, w->nloaded, paths, &n);
	free(paths);
	return rc;
}

/* The part before is whole. */
static int part_end(struct work *w)
{
	int rc = w->nparts ? part_close(w, &w->part[w->nparts - 1]) : 0;

	if (!rc && w->from->piecewise && w->nloaded < w->nparts) {
		rc = load_parts(w);
		unlink(w->part[w->nparts - 1].file);
	}
	return rc;
}

static struct part *part_before(const struct work *w, struct slice run, struct slice path)
{
	for (size_t i = 0; i < w->nwas; i++)
		if (slice_same(w->was[i].path, path) && slice_same(w->was[i].run, run))
			return &w->was[i];
	return NULL;
}

/* Lines come in the order of their sources. */
static struct part *part_of(struct work *w, struct slice run, struct slice path, int *rc)
{
	struct part *p = w->nparts ? &w->part[w->nparts - 1] : NULL;

	if (p && slice_same(p->path, path) && slice_same(p->run, run))
		return p;
	if ((*rc = part_end(w)))
		return NULL;
	p = array_add(w->part, w->nparts, w->parts_room);
	*rc = p ? 0 : -ENOMEM;
	if (!p)
		return NULL;
	*p = (struct part){.run = kept(w, run), .path = kept(w, path), .was = part_before(w, run, path)};
	*rc = w->texts.failed ? -ENOMEM : part_open(w, p);
	return *rc ? NULL : p;
}

/* Lines that are not here are empty ones. */
static int pad(struct part *p, int64_t line)
{
	for (; p->line + 1 < line; p->line++)
		if (putc('\n', p->to) == EOF)
			return -errno;
	return 0;
}

/* What goes before a line. */
static int put_before(const struct work *w, struct part *p, int64_t line, int64_t time_ns)
{
	if (!w->from->close_up)
		return pad(p, line);
	if (!w->nwas)
		return timed_add(&p->timed, line, time_ns);
	if (!p->was || !timed_is_led(&p->was->timed, line))
		return 0;
	p->lines++;
	p->leads++;
	p->times += (uint64_t)time_ns;
	return timed_lead(p->to, time_ns);
}

static int take_line(void *arg, const struct slice *v)
{
	struct work *w = arg;
	int64_t line = tsv_int(v[FETCH_LINE]), time_ns = tsv_int(v[FETCH_TIME]);
	int rc = 0;
	struct part *p = part_of(w, v[FETCH_RUN], v[FETCH_SOURCE], &rc);

	if (!p)
		return rc;
	if (line <= p->line)
		return -EBADMSG;
	rc = put_before(w, p, line, time_ns);
	if (!rc &&
	    (fwrite(v[FETCH_RAW].ptr, 1, v[FETCH_RAW].len, p->to) != v[FETCH_RAW].len || putc('\n', p->to) == EOF))
		rc = -errno;
	p->line = line;
	for (size_t i = 0; i < v[FETCH_RAW].len; i++)
		p->line += v[FETCH_RAW].ptr[i] == '\n'; /* a record of several lines */
	p->lines++;
	p->times += (uint64_t)time_ns;
	p->has_tids |= tsv_int(v[FETCH_HAS_TID]) != 0;
	return rc;
}

static int take_source(void *arg, const struct slice *v)
{
	struct work *w = arg;
	struct slice(*s)[FETCH_SOURCE_COLUMNS] = array_add(w->source, w->nsources, w->sources_room);

	if (!s)
		return -ENOMEM;
	for (int i = 0; i < FETCH_SOURCE_COLUMNS; i++)
		(*s)[i] = kept(w, v[i]);
	return w->texts.failed ? -ENOMEM : 0;
}

/* ---- a database ---- */

static const struct part *part_of_source(const struct work *w, const struct slice *v)
{
	for (size_t i = 0; i < w->nparts; i++)
		if (slice_same(w->part[i].run, v[0]) && slice_same(w->part[i].path, v[1]))
			return &w->part[i];
	return NULL;
}

/* How the ledger is written, source by source, in the order of their runs: there may be very many. */
struct putting {
	sqlite3_stmt *add, *set;
	struct slice run; /* the last one; NONE: there was none */
	int64_t run_id;
};

static int putting_open(struct work *w, struct putting *p)
{
	int rc = sql_prepare(w->db, "INSERT INTO source (run, path, kind) VALUES (?1, ?2, '')", &p->add);

	return rc ? rc
	          : sql_prepare(
	                w->db,
	                "UPDATE source SET path = ?1, kind = ?2, worker = ?3, bytes = ?4, file_bytes = ?5, lines = ?6, "
	                "ok = ?7, blank = ?8, repaired = ?9, rejected = ?10, duplicate = ?11, ok_bytes = ?12, "
	                "repaired_bytes = ?13, rejected_bytes = ?14, duplicate_bytes = ?15, offset_s = ?16, "
	                "offset_from = ?17, format = ?18, first_ns = ?19, last_ns = ?20, cluster = ?21, damage = ?22 "
	                "WHERE run = ?23 AND path = ?24",
	                &p->set);
}

static void putting_close(struct putting *p)
{
	sqlite3_finalize(p->add);
	sqlite3_finalize(p->set);
}

static int putting_run(struct work *w, struct putting *p, struct slice run)
{
	if (p->run.ptr && slice_same(p->run, run))
		return 0;
	p->run = run;
	return ledger_run(w->db, run, &p->run_id);
}

/* What the ledger says of a source: kind and all behind it. */
static int put_source(struct work *w, struct putting *to, const struct slice *v)
{
	const struct part *p = part_of_source(w, v);
	int rc = putting_run(w, to, v[0]);

	if (!rc && !p) {
		sqlite3_bind_int64(to->add, 1, to->run_id);
		bind_slice(to->add, 2, v[1]);
		rc = sql_step_reset(to->add);
	}
	bind_slice(to->set, 1, v[1]);
	for (int i = FETCH_SOURCE_KIND; i < FETCH_SOURCE_COLUMNS;
	     i++) /* the columns are of a kind: numbers come as such */
		bind_slice(to->set, i - FETCH_SOURCE_KIND + 2, v[i]);
	sqlite3_bind_int64(to->set, 23, to->run_id);
	if (p)
		bind_word(to->set, 24, p->file);
	else
		bind_slice(to->set, 24, v[1]);
	return rc ? rc : sql_step_reset(to->set);
}

static int put_sources(struct work *w)
{
	struct putting p = {0};
	int rc = putting_open(w, &p);

	for (size_t i = 0; i < w->nsources && !rc; i++)
		rc = put_source(w, &p, w->source[i]);
	putting_close(&p);
	return rc;
}

/* Lines whose source is in no ledger that answers (a shard is away): their path at least is known. */
static int name_parts(struct work *w)
{
	sqlite3_stmt *st = NULL;
	int rc = 0;

	for (size_t i = 0; i < w->nparts && !rc; i++) {
		rc = sql_prepare(w->db, "UPDATE source SET path = ?1 WHERE path = ?2", &st);
		bind_slice(st, 1, w->part[i].path);
		bind_word(st, 2, w->part[i].file);
		rc = rc ? rc : sql_finish(st);
	}
	return rc;
}

static double real_of(struct slice v)
{
	return v.ptr ? strtod(v.ptr, NULL) : NAN;
}

/* The results that wait become the next pack of their run. */
static int results_flush(struct work *w)
{
	int64_t part = 0;
	int rc = w->set.tids.n
	             ? sql_number_of(w->db, "SELECT count(*) FROM result_pack WHERE run = ?1", w->result_run, &part)
	             : 0;

	if (!rc)
		rc = result_set_write(&w->set, w->db, w->result_run, (uint32_t)part);
	result_set_done(&w->set);
	return rc;
}

static int put_result(struct work *w, const struct slice *v)
{
	int64_t number[FETCH_RESULT_COLUMNS];
	struct result_row *r;
	int rc = result_set_row(&w->set, v[1], &r, NULL);

	if (rc)
		return rc;
	for (int i = 0; i < FETCH_RESULT_COLUMNS; i++)
		number[i] = v[i].ptr ? tsv_int(v[i]) : NO_NS;
	*r = (struct result_row){.ord = number[2],
	                         .success = number[3],
	                         .was_cold = number[5],
	                         .worker_duration_us = number[6],
	                         .code_duration_sec = real_of(v[7]),
	                         .e2e_duration_us = number[8],
	                         .compute = number[9],
	                         .container_state = number[10],
	                         .sent = number[11],
	                         .client_latency_us = number[12],
	                         .body_start = real_of(v[13]),
	                         .function_name = INTERN_NONE};
	return v[4].ptr ? intern_add(&w->set.names, v[4], &r->function_name) : 0;
}

static int take_result(void *arg, const struct slice *v)
{
	struct work *w = arg;
	int64_t run = 0;
	int rc = ledger_run(w->db, v[0], &run);

	if (!rc && (run != w->result_run || w->set.tids.n == RESULT_PART))
		rc = results_flush(w);
	w->result_run = run;
	return rc ? rc : put_result(w, v);
}

/* What has come of a part: n events, the sum of their times. */
static int events_of(struct work *w, const struct part *p, int64_t *n, uint64_t *times)
{
	sqlite3_stmt *st = NULL;
	int rc = sql_prepare(w->db,
	                     "SELECT time_ns FROM event WHERE source = (SELECT s.id FROM source s JOIN run r ON "
	                     "r.id = s.run WHERE s.path = ?1 AND r.path = ?2)",
	                     &st);

	bind_slice(st, 1, p->path);
	bind_slice(st, 2, p->run);
	while (!rc && (rc = sql_next(st)) == 1) {
		++*n;
		*times += (uint64_t)sqlite3_column_int64(st, 0);
		rc = 0;
	}
	sqlite3_finalize(st);
	return rc;
}

/* Whether the database has what was fetched of the part. Where its lines are to be led, that is to be seen again. */
static int verify_part(struct work *w, struct part *p)
{
	uint64_t times = 0;
	bool other = false;
	int rc;

	p->came = 0;
	rc = events_of(w, p, &p->came, &times);
	p->lost = p->came != p->lines || times != p->times;
	if (!rc && p->lost && p->came == p->lines && p->timed.n)
		rc = timed_compare(&p->timed, w->db, p->run, p->path, &other);
	w->again |= other;
	return rc;
}

static int tell_lost(struct work *w, const struct part *p)
{
	int64_t lines = p->lines - p->leads, gone = p->lines - p->came;

	if (w->from->lost) {
		w->from->lost(w->from->arg, p->path.ptr, gone < 0 ? lines : gone, lines);
		return 0;
	}
	if (gone)
		say(w->why, "%s: its lines can't be put together here: %" PRId64 " of %" PRId64 " came back",
		    p->path.ptr, p->came, lines);
	else
		say(w->why, "%s: its lines can't be put together here: they come out with other times", p->path.ptr);
	return -EBADMSG;
}

static int verify(struct work *w, struct store *s)
{
	int rc = vtab_event_register(w->db, s);

	w->again = false;
	for (size_t i = 0; i < w->nparts && !rc; i++)
		rc = verify_part(w, &w->part[i]);
	for (size_t i = 0; i < w->nparts && !rc && !w->again; i++)
		rc = w->part[i].lost ? tell_lost(w, &w->part[i]) : 0;
	return rc;
}

static int put_all(struct work *w, struct store *s)
{
	const struct mirror_from *from = w->from;
	struct model_options o = {
	    .rules = from->rules, .benchmark = from->benchmark, .settled = from->settled, .threads = from->threads};
	int rc = store_exec(s, "BEGIN");

	rc = rc ? rc : put_sources(w);
	rc = rc ? rc : name_parts(w);
	if (!rc && from->results)
		rc = from->results(from->arg, take_result, w, w->why);
	if (!rc)
		rc = results_flush(w);
	if (!rc && from->more)
		rc = from->more(from->arg, w->db, w->why);
	if (!rc)
		rc = sql_exec_all(
		    w->db, "UPDATE run SET offset_s = (SELECT offset_s FROM source WHERE run = run.id AND offset_s IS "
		           "NOT NULL ORDER BY kind = 'energy', offset_from = 'stamp', path LIMIT 1), first_ns = "
		           "(SELECT min(first_ns) FROM source WHERE run = "
		           "run.id), last_ns = (SELECT max(last_ns) FROM source WHERE run = run.id)");
	if (!rc)
		rc = store_refresh(s);
	if (!rc && !from->no_model)
		rc = model_build(s, &o, w->why);
	if (!rc)
		rc = store_exec(s, "COMMIT");
	return rc;
}

/* ---- the whole ---- */

static int open_db(struct work *w, enum store_mode how, struct store **s)
{
	int rc = store_open(w->m->path, how, s, w->why);

	if (!rc && how == STORE_CREATE)
		rc = store_hasten(*s);

	w->db = rc ? NULL : store_db(*s);
	return rc;
}

/* What was loaded, completed by what the ledger and the results say. */
static int complete(struct work *w)
{
	struct store *s = NULL;
	int rc = open_db(w, STORE_CREATE, &s);

	if (!rc)
		rc = put_all(w, s);
	store_close(s);
	s = NULL;
	if (!rc)
		rc = open_db(w, STORE_READ, &s);
	if (!rc) {
		rc = verify(w, s);
		if (rc == -EBADMSG)
			say(w->why, "what was fetched can't be read: %s", sqlite3_errmsg(w->db));
	}
	store_close(s);
	return rc;
}

/* Runs have the numbers that the ledger gives them, whichever of them there are lines of: a question that a user asks
 * by number is of the same run in every mirror. */
static int name_runs(struct work *w)
{
	struct store *s = NULL;
	int64_t id;
	int rc = open_db(w, STORE_CREATE, &s);

	for (size_t i = 0; i < w->nsources && !rc; i++)
		if (!i || !slice_same(w->source[i - 1][0], w->source[i][0]))
			rc = ledger_run(w->db, w->source[i][0], &id);
	if (!rc && w->from->before)
		rc = w->from->before(w->from->arg, w->db, w->why);
	store_close(s);
	w->db = NULL;
	return rc;
}

static int fetch_ledger_once(struct work *w)
{
	int rc = w->from->sources ? w->from->sources(w->from->arg, take_source, w, w->why) : 0;

	if (w->nsources)
		qsort(w->source, w->nsources, sizeof *w->source, by_run_and_path);
	return rc;
}

static int make(struct work *w)
{
	const struct mirror_from *from = w->from;
	int rc = from->lines ? from->lines(from->arg, take_line, w, w->why) : 0;

	for (size_t i = 0; i < w->nparts; i++) {
		int closed = part_close(w, &w->part[i]);

		rc = rc ? rc : closed;
	}
	if (!rc)
		rc = name_runs(w);
	if (!rc)
		rc = load_parts(w);
	return rc ? rc : complete(w);
}

static int name_db(struct mirror *m, const char *name)
{
	free(m->path);
	if (asprintf(&m->path, "%s/%s", m->dir.path, name) >= 0)
		return 0;
	m->path = NULL;
	return -ENOMEM;
}

/* Lines had other times here. */
static int make_again(struct work *w)
{
	int rc = name_db(w->m, "again");

	w->was = w->part;
	w->nwas = w->nparts;
	w->part = NULL;
	w->nparts = w->parts_room = w->nloaded = 0;
	return rc ? rc : make(w);
}

static void parts_done(struct part *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].to)
			fclose(v[i].to);
		free(v[i].file);
		timed_done(&v[i].timed);
	}
	free(v);
}

int mirror_of(const struct mirror_from *from, struct mirror *m, char **why)
{
	struct work w = {.m = m, .from = from, .why = why};
	int rc;

	*m = (struct mirror){0};
	rc = tempdir_new("ilu-logq-mirror", &m->dir); /* a load knows its files by their real names */
	rc = rc ? rc : name_db(m, "db");
	rc = rc ? rc : fetch_ledger_once(&w);
	rc = rc ? rc : make(&w);
	if (!rc && w.again)
		rc = make_again(&w);
	result_set_done(&w.set);
	parts_done(w.part, w.nparts);
	parts_done(w.was, w.nwas);
	free(w.source);
	arena_done(&w.texts);
	return rc;
}

/* ---- of some lines of a cluster ---- */

struct asked {
	struct cluster *c;
	const struct fetch_which *which;
};

static int asked_lines(void *arg, fetch_row *row, void *to, char **why)
{
	const struct asked *a = arg;

	return fetch_lines(a->c, a->which, row, to, why);
}

static int asked_results(void *arg, fetch_row *row, void *to, char **why)
{
	const struct asked *a = arg;

	return fetch_results(a->c, a->which->tid, row, to, why);
}

static int asked_sources(void *arg, fetch_row *row, void *to, char **why)
{
	const struct asked *a = arg;

	return fetch_sources(a->c, row, to, why);
}

int mirror_new(struct cluster *c, const struct fetch_which *which, struct mirror *m, char **why)
{
	struct asked a = {c, which};
	const struct mirror_from from = {.lines = which ? asked_lines : NULL,
	                                 .results = which && which->tid.len ? asked_results : NULL,
	                                 .sources = asked_sources,
	                                 .arg = &a,
	                                 .threads = 1};

	return mirror_of(&from, m, why);
}

void mirror_done(struct mirror *m)
{
	tempdir_done(&m->dir);
	free(m->path);
	free(m->whole);
	*m = (struct mirror){0};
}
