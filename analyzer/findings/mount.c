/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mount.c - container creations that failed at the mount of their snapshot, and why.
 *
 * A snapshot is prepared (containerd: "prepare snapshot" of the container's id), mounted, and used. Nothing refers to
 * it until its container is there, so a garbage collection between prepare and mount may remove it: then "remove
 * snapshot" of the same key stands between the two, and the mount fails with ENOENT. The worker's error line has the
 * snapshot's directory and the transaction, but not the container's id; at debug "got mounts" has all three, and the
 * clean-up after the failure names the container in the same transaction. Else only the function's name and the time
 * join the two logs, and the finding says so. */
#include "findings/finding.h"
#include "findings/reads.h"
#include "base/array.h"
#include "base/intern.h"
#include "base/sql.h"
#include "ingest/line.h"
#include "model/parts.h"
#include "store/chunk.h"
#include "store/chunks.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOIN_NS    2000000000  /* a clean-up or a preparation this near may belong to a failure */
#define PREPARE_NS 60000000000 /* no preparation is older than that */

enum kind { PREPARE, REMOVE, COLLECTED, MOUNTS, CLEAN_UP, FAILED, PARENT_MISSING, USER_ERROR, KINDS };

static const struct {
	const char *message;
	enum kind kind;
} messages[] = {
    {"prepare snapshot", PREPARE},
    {"remove snapshot", REMOVE},
    {"snapshot garbage collected", COLLECTED},
    {"got mounts", MOUNTS},
    {"Removing container", CLEAN_UP},
    {"Create task failed", FAILED},
    {"Failed to prepare snapshot and load mounts", PARENT_MISSING},
    {"A user code error occured in the container", USER_ERROR},
};

struct item {
	int64_t time_ns, id;
	enum kind kind;
	uint32_t tid;    /* words, or INTERN_NONE */
	uint32_t key;    /* container id or snapshot key */
	uint32_t parent; /* of PREPARE; of PARENT_MISSING the missing one */
	uint32_t error;  /* of FAILED: the errno's text */
	uint32_t worker;
	int64_t dir; /* number of the snapshot's directory, or -1 */
};

struct mounts {
	struct store *store;
	int64_t run;
	struct item *v;
	size_t n, room;
	struct intern words;
	bool has_containerd;    /* some line of preparing: containerd's debug log is there */
	bool has_user_error;    /* some container that answers as if its files were gone */
	sqlite3_stmt *function; /* of a transaction, once one is asked for */
};

/* What the rows of a head need: those of LOOK_FAILED only where their transaction failed. */
enum look { LOOK_NOT, LOOK_EACH, LOOK_FAILED };
enum { TID_UNKNOWN, TID_OTHER, TID_FAILED };

/* A part of the sources: by one thread, and then joined to what others read. */
struct reading {
	struct mounts m;             /* of these sources alone */
	const struct mounts *failed; /* all that failed; NULL: it is read now, and what may explain it afterwards */
	uint8_t *look;               /* by local number of a head in this chunk */
	size_t look_room;
	int64_t chunk;                  /* that of_tid is of */
	uint8_t of_tid[CHUNK_ROWS + 1]; /* by number of the transaction */
};

/* ---- reading ---- */

static int kind_of(struct slice message)
{
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
		if (slice_is(message, messages[i].message))
			return (int)messages[i].kind;
	return -1;
}

static bool is_failure(int kind)
{
	return kind == FAILED || kind == PARENT_MISSING || kind == USER_ERROR;
}

const char *mount_message(size_t i, bool *fails)
{
	if (i >= sizeof messages / sizeof *messages)
		return NULL;
	*fails = is_failure((int)messages[i].kind);
	return messages[i].message;
}

/* Mounts and clean-ups of transactions that did not fail are most of a log, and explain nothing. But where a container
 * lost its files, a clean-up is of any transaction. */
static bool needs_failure(const struct reading *r, int kind)
{
	return kind == MOUNTS || (kind == CLEAN_UP && !r->failed->has_user_error);
}

/* First what failed is read; what may explain it afterwards, where there is any. */
static enum look look_of(const struct reading *r, const struct shape *head)
{
	int kind = kind_of(head->message);

	if (head->span_line || (head->message_slot < 0 && (kind < 0 || is_failure(kind) == !!r->failed)))
		return LOOK_NOT;
	return head->message_slot < 0 && r->failed && needs_failure(r, kind) ? LOOK_FAILED : LOOK_EACH;
}

static bool want(const struct shape *head, void *arg)
{
	return look_of(arg, head) != LOOK_NOT;
}

static int intern_field(struct mounts *m, const struct event *e, const char *name, uint32_t *out)
{
	struct slice v;

	*out = INTERN_NONE;
	return event_field(e, name, &v) ? intern_add(&m->words, v, out) : 0;
}

static bool of_failures(const struct reading *r, struct slice word)
{
	return word.ptr && intern_find(&r->failed->words, word) != INTERN_NONE;
}

/* Whether a row is of a transaction that failed, or of none: asked once for each transaction of a chunk. 1, 0 or a
 * negative errno. */
static int tid_of_failures(struct reading *r, int64_t id, struct chunk *c, int number)
{
	char text[3 * LINE_MAX_TID];
	struct slice tid;
	int rc;

	if (number <= 0)
		return number ? number : 1;
	if (r->chunk != id >> 16)
		memset(r->of_tid, TID_UNKNOWN, sizeof r->of_tid);
	r->chunk = id >> 16;
	if (r->of_tid[number] == TID_UNKNOWN) {
		rc = chunk_tid(c, (uint16_t)number, &tid);
		if (!rc)
			rc = chunk_tid_meaning(c, tid, text, &tid);
		if (rc)
			return rc;
		r->of_tid[number] = of_failures(r, tid) ? TID_FAILED : TID_OTHER;
	}
	return r->of_tid[number] == TID_FAILED;
}

/* Whether a line that is no failure is kept: 1, 0 or a negative errno. */
static int explains(struct reading *r, const struct event *e, int kind)
{
	struct slice container;
	int rc = kind == MOUNTS || kind == CLEAN_UP ? tid_of_failures(r, e->id, e->chunk, event_tid_number(e)) : 1;

	if (rc || needs_failure(r, kind))
		return rc;
	return event_field(e, "container_id", &container) ? of_failures(r, container) : event_error(e);
}

static struct slice find_text(struct slice in, const char *text)
{
	const char *p = in.ptr ? memmem(in.ptr, in.len, text, strlen(text)) : NULL;

	return p ? (struct slice){p, (size_t)(in.ptr + in.len - p)} : SLICE_NONE;
}

/* The N of upperdir=.../snapshots/N/fs, or -1. */
static int64_t snapshot_dir(struct slice text)
{
	static const char marker[] = "/snapshots/";
	struct slice at = find_text(text, "upperdir=");
	int64_t n = -1;

	at = find_text(at, marker);
	for (size_t i = sizeof marker - 1; i < at.len && at.ptr[i] >= '0' && at.ptr[i] <= '9' && n < 1000000000; i++)
		n = (n < 0 ? 0 : n * 10) + (at.ptr[i] - '0');
	return n;
}

/* What stands between "]}: " and the next colon or quote: the errno in words. */
static struct slice errno_text(struct slice error)
{
	struct slice at = find_text(error, "]}: ");
	size_t n = 4;

	if (!at.ptr)
		return SLICE_NONE;
	while (n < at.len && at.ptr[n] != ':' && at.ptr[n] != '"' && at.ptr[n] != '\\')
		n++;
	return (struct slice){at.ptr + 4, n - 4};
}

static const char *errno_name(struct slice text)
{
	static const struct {
		const char *text, *name;
	} known[] = {
	    {"no such file or directory", "ENOENT"},
	    {"stale file handle", "ESTALE"},
	    {"stale NFS file handle", "ESTALE"},
	    {"invalid argument", "EINVAL"},
	    {"device or resource busy", "EBUSY"},
	    {"structure needs cleaning", "EUCLEAN"},
	    {"input/output error", "EIO"},
	    {"no space left on device", "ENOSPC"},
	    {"permission denied", "EACCES"},
	    {"operation not permitted", "EPERM"},
	    {"no such device", "ENODEV"},
	    {"not a directory", "ENOTDIR"},
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (slice_is(text, known[i].text))
			return known[i].name;
	return "unknown";
}

/* The text of a snapshot that is said not to exist. */
static int read_missing_parent(struct mounts *m, const struct event *e, uint32_t *out)
{
	struct slice v, at;
	size_t n = 16;

	*out = INTERN_NONE;
	if (!event_field(e, "response", &v) && !event_field(e, "error", &v))
		return 0;
	at = find_text(v, "parent snapshot ");
	if (!at.ptr || !find_text(at, " does not exist").ptr)
		return 0;
	while (n < at.len && at.ptr[n] != ' ')
		n++;
	return intern_add(&m->words, (struct slice){at.ptr + 16, n - 16}, out);
}

/* A snapshot's key; where --tid says so, or load found it so in containerd's log alone, it is the line's transaction.
 */
static int intern_key(struct mounts *m, const struct event *e, uint32_t *out)
{
	int rc = intern_field(m, e, "key", out);

	return rc || *out != INTERN_NONE || !e->tid.ptr ? rc : intern_add(&m->words, e->tid, out);
}

/* Fills an item from its line. 1: keep it, 0: it says nothing of a mount. */
static int read_item(struct mounts *m, const struct event *e, struct item *x)
{
	struct slice v;
	int rc = 0;

	switch (x->kind) {
	case PREPARE:
		m->has_containerd = true;
		rc = intern_key(m, e, &x->key);
		return rc ? rc : (rc = intern_field(m, e, "parent", &x->parent)) ? rc : 1;
	case REMOVE:
		rc = intern_key(m, e, &x->key);
		return rc ? rc : 1;
	case COLLECTED:
		return 1;
	case MOUNTS:
		if (event_field(e, "mounts", &v))
			x->dir = snapshot_dir(v);
		rc = intern_field(m, e, "container_id", &x->key);
		return rc ? rc : x->dir >= 0;
	case CLEAN_UP:
		rc = intern_field(m, e, "container_id", &x->key);
		return rc ? rc : x->key != INTERN_NONE;
	case FAILED:
		if (!event_field(e, "error", &v) ||
		    (!find_text(v, "failed to mount").ptr && !find_text(v, "rootfs/dev: no such file").ptr))
			return 0;
		x->dir = snapshot_dir(v);
		rc = errno_text(v).ptr ? intern_add(&m->words, errno_text(v), &x->error) : 0;
		if (!rc)
			rc = intern_field(m, e, "container_id", &x->key);
		return rc ? rc : 1;
	case PARENT_MISSING:
		rc = read_missing_parent(m, e, &x->parent);
		return rc ? rc : x->parent != INTERN_NONE;
	case USER_ERROR:
		if (!event_field(e, "result", &v) || !find_text(v, "ModuleNotFoundError: No module named 'main'").ptr)
			return 0;
		m->has_user_error = true;
		rc = intern_field(m, e, "container_id", &x->key);
		return rc ? rc : x->key != INTERN_NONE;
	default:
		return 0;
	}
}

static int take(struct reading *r, const struct event *e)
{
	struct mounts *m = &r->m;
	int kind = kind_of(event_message(e)), rc;
	struct item x = {.id = e->id,
	                 .tid = INTERN_NONE,
	                 .key = INTERN_NONE,
	                 .parent = INTERN_NONE,
	                 .error = INTERN_NONE,
	                 .worker = INTERN_NONE,
	                 .dir = -1};

	if (kind < 0 || is_failure(kind) == !!r->failed)
		return 0;
	rc = r->failed ? explains(r, e, kind) : 1;
	if (rc != 1 || (rc = event_complete(e)))
		return rc;
	x.kind = (enum kind)kind;
	x.time_ns = e->time_ns;
	if ((e->tid.ptr && (rc = intern_add(&m->words, e->tid, &x.tid))) ||
	    (e->worker.ptr && (rc = intern_add(&m->words, e->worker, &x.worker))))
		return rc;
	rc = read_item(m, e, &x);
	if (rc <= 0)
		return rc;
	if (array_reserve(m->v, m->room, m->n + 1))
		return -ENOMEM;
	m->v[m->n++] = x;
	return 0;
}

static int chunk_begin(struct reading *r, const struct event_rows *rows)
{
	unsigned heads = chunk_heads(rows->chunk) + CHUNK_FIRST_HEAD;

	if (array_reserve(r->look, r->look_room, heads))
		return -ENOMEM;
	for (unsigned i = 0; i < heads; i++)
		r->look[i] = i >= CHUNK_FIRST_HEAD ? look_of(r, chunk_head(rows->chunk, (uint16_t)i))
		             : chunk_is_event(i)   ? LOOK_EACH
		                                   : LOOK_NOT;
	return 0;
}

static int row_take(struct reading *r, const struct event_rows *rows, uint32_t i)
{
	enum look look = r->look[rows->columns.head[i]];
	const struct event *e;
	int rc = look == LOOK_FAILED ? tid_of_failures(r, rows->id, rows->chunk, rows->columns.tid[i]) : 1;

	if (rc == 1)
		rc = event_get_brief(r->m.store, rows->id + i, &e);
	if (rc <= 0 || e->head->span_line)
		return rc < 0 ? rc : 0;
	rc = take(r, e);
	return rc ? rc : event_error(e);
}

static int rows_take(struct reading *r, const struct event_rows *rows)
{
	int rc = rows->group ? 0 : chunk_begin(r, rows);

	for (uint32_t i = 0; i < rows->columns.n && !rc; i++)
		if (r->look[rows->columns.head[i]] != LOOK_NOT)
			rc = row_take(r, rows, i);
	return rc;
}

static int read_lines(struct reading *r, const struct source_part *of)
{
	struct event_query q = {
	    .run = of->run, .source = of->first, .last_source = of->last, .want = want, .want_arg = r};
	struct event_cursor *c;
	struct event_rows rows;
	int rc = event_cursor_open(r->m.store, &q, &c);

	if (rc)
		return rc;
	while ((rc = event_cursor_rows(c, CHUNK_COLUMN_HEAD | (r->failed ? CHUNK_COLUMN_TID : 0), &rows)) == 1 &&
	       !(rc = rows_take(r, &rows)))
		;
	event_cursor_close(c);
	return rc;
}

/* ---- reading in parts ---- */

struct parts {
	const struct mounts *failed;
	struct source_part of[PARTS_OF_SOURCES];
	struct mounts read[PARTS_OF_SOURCES];
};

static int read_part(void *arg, struct store *store, size_t i)
{
	struct parts *p = arg;
	struct reading *r = calloc(1, sizeof *r);
	int rc;

	if (!r)
		return -ENOMEM;
	r->m.store = store;
	r->failed = p->failed;
	r->chunk = -1;
	rc = read_lines(r, &p->of[i]);
	p->read[i] = r->m;
	free(r->look);
	free(r);
	return rc;
}

static int join_word(struct mounts *m, const struct mounts *part, uint32_t *word)
{
	return *word == INTERN_NONE ? 0 : intern_add(&m->words, part->words.text[*word], word);
}

/* As if m had read the part's lines as well. */
static int mounts_join(struct mounts *m, const struct mounts *part)
{
	int rc = array_reserve(m->v, m->room, m->n + part->n);

	m->has_containerd |= part->has_containerd;
	m->has_user_error |= part->has_user_error;
	for (size_t i = 0; i < part->n && !rc; i++) {
		struct item *x = &m->v[m->n++];
		uint32_t *const words[] = {&x->tid, &x->key, &x->parent, &x->error, &x->worker};

		*x = part->v[i];
		for (size_t k = 0; k < sizeof words / sizeof *words && !rc; k++)
			rc = join_word(m, part, words[k]);
	}
	return rc;
}

static void mounts_done(struct mounts *m)
{
	sqlite3_finalize(m->function);
	intern_done(&m->words);
	free(m->v);
}

/* What failed, or where that is there what may explain it. */
static int read_all(struct mounts *m, const struct mounts *failed)
{
	struct parts *p = calloc(1, sizeof *p);
	int n = p ? parts_of_sources(m->store, m->run, p->of) : -ENOMEM, rc = n < 0 ? n : 0;

	if (!rc) {
		p->failed = failed;
		rc = parts_read(m->store, (size_t)n, read_part, p);
	}
	for (int i = 0; i < n; i++) {
		rc = rc ? rc : mounts_join(m, &p->read[i]);
		mounts_done(&p->read[i]);
	}
	free(p);
	return rc;
}

static int compare_items(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

static int collect(struct mounts *m)
{
	int rc = read_all(m, NULL);

	if (rc || !m->n)
		return rc;
	rc = read_all(m, m);
	if (!rc)
		qsort(m->v, m->n, sizeof *m->v, compare_items);
	return rc;
}

/* ---- joining ---- */

enum certainty { BY_ID, BY_NAME_AND_TIME, NOT_JOINED };

struct story {
	const struct item *failed, *prepare, *mounts, *remove, *parent_remove, *collected, *clean_up;
	uint32_t container;
	enum certainty certainty;
};

static const struct item *last_before(const struct mounts *m, const struct item *x, enum kind kind, uint32_t key,
                                      int64_t within_ns)
{
	for (const struct item *p = x; p-- > m->v && x->time_ns - p->time_ns <= within_ns;)
		if (p->kind == kind && (key == INTERN_NONE || p->key == key))
			return p;
	return NULL;
}

/* Is it a container of the function that the transaction called? Another may have been evicted on its behalf. */
static bool is_of_function(const struct mounts *m, uint32_t container, struct slice function)
{
	struct slice id = intern_text(&m->words, container);

	return !function.len ||
	       (id.len > function.len && !memcmp(id.ptr, function.ptr, function.len) && id.ptr[function.len] == '-');
}

/* The clean-up of the failed container: before the failure, but not before the failure of an earlier attempt; else
 * after it. */
static const struct item *clean_up_of(const struct mounts *m, const struct item *x, struct slice function)
{
	const struct item *end = m->v + m->n;

	for (const struct item *p = x; p-- > m->v && x->time_ns - p->time_ns <= PREPARE_NS;) {
		if (p->tid != x->tid)
			continue;
		if (p->kind == FAILED)
			break;
		if (p->kind == CLEAN_UP && is_of_function(m, p->key, function))
			return p;
	}
	for (const struct item *p = x + 1; p < end && p->time_ns - x->time_ns <= JOIN_NS; p++)
		if (p->kind == CLEAN_UP && p->tid == x->tid && is_of_function(m, p->key, function))
			return p;
	return NULL;
}

/* Which container failed: the line itself, the mounts of the same directory, the clean-up of the same transaction. */
static void join_by_id(const struct mounts *m, struct story *s, struct slice function)
{
	const struct item *x = s->failed;

	for (const struct item *p = x; p-- > m->v && x->time_ns - p->time_ns <= PREPARE_NS && !s->mounts;)
		if (p->kind == MOUNTS && p->tid == x->tid && (x->dir < 0 || p->dir == x->dir))
			s->mounts = p;
	s->clean_up = clean_up_of(m, x, function);
	s->container = x->key != INTERN_NONE ? x->key
	               : s->mounts           ? s->mounts->key
	               : s->clean_up         ? s->clean_up->key
	                                     : INTERN_NONE;
	s->certainty = s->container != INTERN_NONE ? BY_ID : NOT_JOINED;
}

/* Else the newest preparation of a container of that function, whose snapshot was removed before the failure. */
static void join_by_name(const struct mounts *m, struct story *s, struct slice function)
{
	const struct item *x = s->failed;

	for (const struct item *p = x; function.len && p-- > m->v && x->time_ns - p->time_ns <= JOIN_NS;) {
		struct slice key = intern_text(&m->words, p->key);

		if (p->kind != PREPARE || key.len <= function.len || memcmp(key.ptr, function.ptr, function.len) ||
		    key.ptr[function.len] != '-')
			continue;
		s->container = p->key;
		s->certainty = BY_NAME_AND_TIME;
		return;
	}
}

static void look_around(const struct mounts *m, struct story *s)
{
	const struct item *x = s->failed;

	if (s->container == INTERN_NONE)
		return;
	s->prepare = last_before(m, x, PREPARE, s->container, PREPARE_NS);
	s->remove = last_before(m, x, REMOVE, s->container, PREPARE_NS);
	if (s->remove && s->prepare && s->remove->time_ns < s->prepare->time_ns)
		s->remove = NULL;
	if (s->prepare && s->prepare->parent != INTERN_NONE)
		s->parent_remove = last_before(m, x, REMOVE, s->prepare->parent, PREPARE_NS);
	if (s->remove)
		for (const struct item *p = s->remove;
		     p < m->v + m->n && p->time_ns - s->remove->time_ns <= JOIN_NS && !s->collected; p++)
			if (p->kind == COLLECTED)
				s->collected = p;
}

/* The function's name and whether the invocation was well in the end; "" and no where there is none. */
static int function_of(struct mounts *m, struct slice tid, char *buf, size_t size, bool *recovered)
{
	static const char sql[] =
	    "SELECT coalesce(fqdn, function_name), status FROM invocation WHERE run = ? AND tid = ?";
	int rc = m->function ? 0 : sql_prepare(store_db(m->store), sql, &m->function);

	buf[0] = '\0';
	*recovered = false;
	if (rc)
		return rc;
	sqlite3_bind_int64(m->function, 1, m->run);
	bind_slice(m->function, 2, tid);
	rc = sql_next(m->function);
	if (rc == 1) {
		const char *name = (const char *)sqlite3_column_text(m->function, 0);

		snprintf(buf, size, "%s", name ? name : "");
		*recovered = slice_is(column_slice(m->function, 1), "ok");
	}
	sqlite3_reset(m->function);
	return rc < 0 ? rc : 0;
}

/* ---- judging ---- */

static const char workaround[] = "label the snapshot containerd.io/gc.root when preparing it (and remove it yourself), "
                                 "or hold a lease while the container is made";

static const char repair[] =
    "look for the disk's errors in the kernel's log, check the file system, and pull the image again";

struct verdict {
	const char *cause, *text, *missing;
};

/* What the kernel said comes first: a snapshot that is gone gives ENOENT, also where the store is damaged; and a
 * damaged store gives its own errors, also where the collector came between. */
static struct verdict judge(const struct mounts *m, const struct story *s, bool recovered)
{
	const char *name = s->failed->error == INTERN_NONE ? "" : errno_name(intern_text(&m->words, s->failed->error));

	if (!strcmp(name, "EIO") || !strcmp(name, "EUCLEAN"))
		return (struct verdict){"store damage", "the file system below the snapshots reports damage", NULL};
	if (s->remove)
		return (struct verdict){"collected", "its snapshot was removed between prepare and mount", NULL};
	if (s->failed->kind == PARENT_MISSING || s->parent_remove)
		return (struct verdict){"parent removed", "the snapshot it is made from was gone",
		                        s->parent_remove ? NULL : "the line in which containerd removes the parent"};
	if (!m->has_containerd)
		return (struct verdict){"unknown", "nothing tells what became of its snapshot",
		                        "containerd's log at level debug"};
	if (s->certainty == NOT_JOINED)
		return (struct verdict){"unknown", "the container cannot be told",
		                        "the worker's log at level debug (\"got mounts\")"};
	return recovered
	           ? (struct verdict){"transient", "its snapshot was not removed, and a later attempt succeeded", NULL}
	           : (struct verdict){"unknown", "its snapshot was not removed before the failure", "the kernel's log"};
}

static void add_details(const struct mounts *m, const struct story *s, const struct verdict *v, struct finding *f)
{
	static const char *const certainties[] = {"by id", "by name and time", "none"};
	struct slice error = intern_text(&m->words, s->failed->error);

	finding_detail(f, "certainty", "%s", certainties[s->certainty]);
	finding_detail_text(f, "worker", intern_text(&m->words, s->failed->worker));
	finding_detail_text(f, "container_id", intern_text(&m->words, s->container));
	if (s->failed->dir >= 0)
		finding_detail(f, "snapshot_dir", "%lld", (long long)s->failed->dir);
	if (error.ptr)
		finding_detail(f, "errno", "%s", errno_name(error));
	if (s->remove)
		finding_detail(f, "removed_before_ms", "%.3f", (double)(s->failed->time_ns - s->remove->time_ns) / 1e6);
	if (v->missing)
		finding_detail(f, "missing", "%s", v->missing);
	finding_detail(f, "workaround", "%s", strcmp(v->cause, "store damage") ? workaround : repair);
}

struct piece {
	const struct item *x;
	const char *remark;
};

static int compare_pieces(const void *pa, const void *pb)
{
	return compare_items(((const struct piece *)pa)->x, ((const struct piece *)pb)->x);
}

/* The two logs merged: what is known, in order of time. */
static void add_evidence(const struct story *s, struct finding *f)
{
	const struct piece all[] = {
	    {s->prepare, "containerd prepares the snapshot"},
	    {s->mounts, "the worker has its mounts"},
	    {s->parent_remove, "containerd removes the parent"},
	    {s->remove, "containerd removes the snapshot"},
	    {s->collected, "a garbage collection"},
	    {s->failed, "the failure"},
	    {s->clean_up, "the worker cleans up after it"},
	};
	struct piece known[sizeof all / sizeof *all];
	size_t n = 0;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i].x)
			known[n++] = all[i];
	qsort(known, n, sizeof *known, compare_pieces);
	for (size_t i = 0; i < n; i++)
		finding_evidence(f, known[i].x->id, known[i].remark);
}

static int add_failure(struct mounts *m, const struct item *x, struct findings *out)
{
	struct story s = {.failed = x, .container = INTERN_NONE, .certainty = NOT_JOINED};
	struct slice tid = intern_text(&m->words, x->tid);
	char function[256];
	struct verdict v;
	struct finding *f;
	bool recovered;
	int rc = function_of(m, tid, function, sizeof function, &recovered);

	if (rc)
		return rc;
	join_by_id(m, &s, (struct slice){function, strlen(function)});
	if (s.certainty == NOT_JOINED)
		join_by_name(m, &s, (struct slice){function, strlen(function)});
	look_around(m, &s);
	v = judge(m, &s, recovered);
	f = finding_add(out, "mount", FINDING_ERROR, m->run);
	finding_tid(f, tid);
	finding_cause(f, "%s", v.cause);
	f->count = 1;
	f->first_ns = s.prepare ? s.prepare->time_ns : x->time_ns;
	f->last_ns = x->time_ns;
	finding_message(f, "%s%s%s could not be mounted: %s",
	                x->kind == PARENT_MISSING ? "the snapshot of a container" : "a container",
	                function[0] ? " of " : "", function, v.text);
	add_details(m, &s, &v, f);
	add_evidence(&s, f);
	return 0;
}

/* A container whose files went away while it ran answers as if its own code were missing. */
static void add_lost_files(struct mounts *m, const struct item *x, struct findings *out)
{
	struct story s = {.failed = x, .container = x->key, .certainty = BY_ID};
	struct slice tid = intern_text(&m->words, x->tid), container = intern_text(&m->words, x->key);
	const struct item *removed_by_worker = last_before(m, x, CLEAN_UP, x->key, INT64_MAX);
	struct finding *f;

	s.prepare = last_before(m, x, PREPARE, x->key, INT64_MAX);
	s.remove = last_before(m, x, REMOVE, x->key, INT64_MAX);
	if (!s.prepare || !s.remove || s.remove->time_ns < s.prepare->time_ns ||
	    (removed_by_worker && removed_by_worker->time_ns < s.remove->time_ns))
		return;
	f = finding_add(out, "mount", FINDING_ERROR, m->run);
	finding_tid(f, tid);
	finding_cause(f, "removed after the mount");
	finding_message(f, "container %.*s answers that its module is missing: its snapshot was removed while it ran",
	                (int)container.len, container.ptr);
	finding_detail(f, "certainty", "by id");
	finding_detail_text(f, "container_id", container);
	finding_detail(f, "workaround", "%s", workaround);
	f->count = 1;
	f->first_ns = s.prepare->time_ns;
	f->last_ns = x->time_ns;
	add_evidence(&s, f);
}

/* A failure is logged by two levels of the call: the first line counts. */
static bool told_before(const struct mounts *m, const struct item *x)
{
	for (const struct item *p = x; p-- > m->v && x->time_ns - p->time_ns <= JOIN_NS;)
		if (p->kind == x->kind && p->tid == x->tid && p->dir == x->dir && p->parent == x->parent &&
		    (x->kind != USER_ERROR || p->key == x->key))
			return true;
	return false;
}

static int find_in_run(struct mounts *m, struct findings *out)
{
	int rc = collect(m);

	for (size_t i = 0; !rc && i < m->n; i++) {
		const struct item *x = &m->v[i];

		if ((x->kind == FAILED || x->kind == PARENT_MISSING) && !told_before(m, x))
			rc = add_failure(m, x, out);
		else if (x->kind == USER_ERROR)
			add_lost_files(m, x, out);
	}
	return rc;
}

static int find_run(struct store *s, int64_t run, struct findings *out)
{
	struct mounts m = {.store = s, .run = run};
	int rc = find_in_run(&m, out);

	mounts_done(&m);
	return rc;
}

int find_mount_failures(struct store *s, int64_t run, struct findings *out)
{
	sqlite3_stmt *st;
	bool kept;
	int rc = findings_kept(s, "mount", run, out, &kept), step = SQLITE_DONE;

	if (rc || kept)
		return rc;
	rc = sql_prepare(store_db(s), "SELECT id FROM run WHERE ?1 = 0 OR id = ?1 ORDER BY id", &st);
	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, run);
	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW)
		rc = find_run(s, sqlite3_column_int64(st, 0), out);
	sqlite3_finalize(st);
	if (!rc)
		rc = sql_errno(step);
	return rc ? rc : out->rc;
}
