/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inputs.c - one input into the database: a log as a source with chunks, another file to the model. */
#include "ingest/reader.h"
#include "base/sql.h"
#include "load/pass.h"
#include "load/passing.h"

#include <errno.h>
#include <stdlib.h>

/* Of an INSERT ... RETURNING id; the connection's last rowid may be that of a result. */
static int row_id_step(sqlite3_stmt *q, int64_t *id)
{
	int rc = sql_next(q);

	if (rc == 1) {
		*id = sqlite3_column_int64(q, 0);
		return sql_finish(q);
	}
	sqlite3_finalize(q);
	return rc;
}

/* The run of an input, made when its first file is loaded. */
static int run_id(struct pass *p, const struct input *in, int64_t *out)
{
	const struct input_run *run = &p->found.runs[in->run];
	sqlite3_stmt *q;
	int rc;

	if ((*out = p->run_ids[in->run]))
		return 0;
	rc = sql_prepare(store_db(p->store), "SELECT id FROM run WHERE path = ?", &q);
	if (rc)
		return rc;
	sqlite3_bind_text(q, 1, run->real, -1, SQLITE_STATIC);
	rc = sql_next(q);
	if (rc == 1)
		*out = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	if (rc < 0)
		return rc;
	if (!rc) {
		rc = sql_prepare(store_db(p->store), "INSERT INTO run (path, kind) VALUES (?, 'other') RETURNING id",
		                 &q);
		if (rc)
			return rc;
		sqlite3_bind_text(q, 1, run->real, -1, SQLITE_STATIC);
		if ((rc = row_id_step(q, out)))
			return rc;
	}
	p->run_ids[in->run] = *out;
	return 0;
}

static int source_insert(struct pass *p, const struct input *in, int64_t run, int64_t *out)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(p->store),
	                     "INSERT INTO source (run, path, kind, worker) VALUES (?, ?, ?, ?) RETURNING id", &q);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, run);
	sqlite3_bind_text(q, 2, in->real, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 3, input_kind_name(in->kind), -1, SQLITE_STATIC);
	/* an energy log is of the machine, whose worker is known when the others are loaded */
	sqlite3_bind_text(q, 4, in->kind == INPUT_ENERGY ? NULL : in->worker, -1, SQLITE_STATIC);
	return row_id_step(q, out);
}

static void bind_counts(sqlite3_stmt *q, int at, const struct parse_counts *c)
{
	sqlite3_bind_int64(q, at, (int64_t)c->ok);
	sqlite3_bind_int64(q, at + 1, (int64_t)c->repaired);
	sqlite3_bind_int64(q, at + 2, (int64_t)c->rejected);
	sqlite3_bind_int64(q, at + 3, (int64_t)c->ok_bytes);
	sqlite3_bind_int64(q, at + 4, (int64_t)c->repaired_bytes);
	sqlite3_bind_int64(q, at + 5, (int64_t)c->rejected_bytes);
}

/* What this load has counted and what stood there before. */
static struct parse_counts counts_all(const struct source_load *l, const struct resume *r)
{
	return (struct parse_counts){.ok = l->counts.ok + r->kept.ok,
	                             .repaired = l->counts.repaired + r->kept.repaired,
	                             .rejected = l->counts.rejected + r->kept.rejected,
	                             .blank = l->counts.blank + r->kept.blank,
	                             .ok_bytes = l->counts.ok_bytes + r->kept.ok_bytes,
	                             .repaired_bytes = l->counts.repaired_bytes + r->kept.repaired_bytes,
	                             .rejected_bytes = l->counts.rejected_bytes + r->kept.rejected_bytes};
}

/* The offset of the source's clock and where it is from, at two parameters; NULL where the lines do not tell. */
static void bind_offset(sqlite3_stmt *q, int at, struct pass *p, const struct input *in, const struct source_load *l)
{
	const char *zone = pass_zone_of(p, in->path);

	if (l->saw_foreign && !l->tracing) {
		sqlite3_bind_int64(q, at, l->first_offset_s);
		sqlite3_bind_text(q, at + 1, zone ? zone : l->assumed_zone ? "assumed" : "stamp", -1, SQLITE_STATIC);
	} else if (l->saw_utc && !l->saw_local) {
		sqlite3_bind_int64(q, at, 0);
		sqlite3_bind_text(q, at + 1, "stamp", -1, SQLITE_STATIC);
	}
}

/* The ledger's row, and what else a later load and the readers need. */
static int source_update(struct pass *p, const struct input *in, struct source_load *l, const struct resume *r,
                         const struct piped *piped)
{
	struct parse_counts c = counts_all(l, r);
	struct known_source now = {.id = l->id, .path = {in->real, strlen(in->real)}};
	int64_t bytes = l->skip_bytes + l->bytes, hash = 0;
	sqlite3_stmt *q;
	size_t got = 0;
	char *format;
	int rc = sql_prepare(
	    store_db(p->store),
	    "UPDATE source SET bytes = ?2, file_bytes = ?3, lines = ?4, bytes_done = ?5, damage = ?6, head_hash = ?7, "
	    "ok = ?8, repaired = ?9, rejected = ?10, ok_bytes = ?11, repaired_bytes = ?12, rejected_bytes = ?13, "
	    "cluster = max(cluster, ?14), offset_s = coalesce(offset_s, ?15), offset_from = coalesce(offset_from, "
	    "?16), "
	    "blank = ?17, format = coalesce(?18, format), kind = coalesce(?19, kind), worker = CASE ?19 WHEN 'energy' "
	    "THEN NULL ELSE worker END WHERE id = ?1",
	    &q);

	if (rc)
		return rc;
	if (piped)
		hash = head_hash_of(piped->head, piped->n < (size_t)bytes ? piped->n : (size_t)bytes);
	else
		head_hash(in->path, (size_t)(bytes < HEAD_BYTES ? bytes : HEAD_BYTES), &hash, &got);
	sqlite3_bind_int64(q, 1, l->id);
	sqlite3_bind_int64(q, 2, bytes);
	sqlite3_bind_int64(q, 3, l->file_bytes);
	sqlite3_bind_int64(q, 4, l->next_line - 1);
	sqlite3_bind_int64(q, 5, bytes);
	sqlite3_bind_text(q, 6, l->damage, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 7, hash);
	bind_counts(q, 8, &c);
	sqlite3_bind_int(q, 14, l->workers[1] != NULL);
	bind_offset(q, 15, p, in, l);
	sqlite3_bind_int64(q, 17, (int64_t)c.blank);
	if ((format = formats_used(l)))
		sqlite3_bind_text(q, 18, format, -1, free);
	if (in->kind != INPUT_STREAM &&
	    in->kind != INPUT_EMPTY) /* what it is may not have been seen before: it was empty */
		sqlite3_bind_text(q, 19, input_kind_name(in->kind), -1, SQLITE_STATIC);
	now.bytes = bytes;
	now.head_hash = hash;
	rc = sql_finish(q);
	return rc ? rc : known_note(&p->known, &now);
}

/* The last line of a file that is being written: its rest comes, and then it is read again. */
static bool is_half_line(const struct source_load *l, unsigned reject)
{
	return l->unterminated && l->first_rejects[reject].line == l->next_line - 1;
}

/* "x.log: 3 lines repaired: 2 colours, 1 comma". */
static void say_repaired(struct pass *p, const char *path, const struct parse_counts *c)
{
	char all[256] = "";

	for (unsigned r = REPAIR_NONE + 1; r < REPAIRS; r++) {
		size_t at = strlen(all);

		if (c->repairs[r])
			snprintf(all + at, sizeof all - at, "%s%llu %s", at ? ", " : ": ",
			         (unsigned long long)c->repairs[r], repair_name((enum repair)r));
	}
	say_note(p, "%s: %llu line%s repaired%s", path, (unsigned long long)c->repaired, c->repaired == 1 ? "" : "s",
	         all);
}

static void rejects_say(struct pass *p, const struct input *in, const struct source_load *l)
{
	pass_guesses_say(p, in->path, l);
	for (unsigned i = 0; i < l->nfirst_rejects; i++) {
		if (p->o->follow && is_half_line(l, i))
			continue;
		say_error(p, "%s:%lld: %s", in->path, (long long)l->first_rejects[i].line, l->first_rejects[i].reason);
	}
	if (l->counts.rejected > l->nfirst_rejects)
		say_error(p, "%s: %llu more lines rejected (they are kept; table reject tells which)", in->path,
		          (unsigned long long)(l->counts.rejected - l->nfirst_rejects));
	if (l->damage)
		say_error(p, "%s: %s; what came before it is loaded", in->path, l->damage);
	if (in->kind == INPUT_BINARY && !l->damage)
		say_error(p, "%s: a binary file, not a log", in->path);
	if (l->counts.repaired)
		say_repaired(p, in->path, &l->counts);
	if (!l->bytes && !l->damage && !l->skip_bytes && !load_stopped)
		say_note(p, "%s: empty", in->path);
	p->damaged |= l->counts.rejected || l->damage || in->kind == INPUT_BINARY;
}

static int input_unopened(struct pass *p, const struct input *in, int rc, const char *why)
{
	say_error(p, "%s: %s", in->path, why ? why : strerror(-rc));
	if (rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE) { /* that is not the input's fault */
		p->failed = true;
		return rc;
	}
	p->unopened = true;
	return 0;
}

/* What is known to hold no lines is not read: each would be a reject, or worse, an event. */
static void input_refuse(struct pass *p, const struct input *in, const char *instead)
{
	say_error(p, "%s: %s", in->path, instead);
	p->damaged = true;
}

/* What of a text is another source's: in the ledger, and no events. */
static int copy_note(struct pass *p, const struct input *in, const struct resume *r)
{
	struct known_source now = {.id = r->source, .path = {in->real, strlen(in->real)}, .copy = true};
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(p->store),
	                     "UPDATE source SET same_as = o.id, bytes = ?3, file_bytes = ?4, lines = ?5, duplicate = "
	                     "?5, duplicate_bytes "
	                     "= ?3, bytes_done = ?3, head_hash = CASE WHEN ?3 >= 1024 OR ?3 = o.bytes THEN o.head_hash "
	                     "END FROM source o "
	                     "WHERE o.id = ?2 AND source.id = ?1",
	                     &q);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, r->source);
	sqlite3_bind_int64(q, 2, r->same_as);
	sqlite3_bind_int64(q, 3, r->skip_bytes);
	sqlite3_bind_int64(q, 4, in->file_bytes);
	sqlite3_bind_int64(q, 5, r->next_line - 1);
	if (r->unchanged)
		say_note(p, "%s: the same text as source %lld: counted as duplicate", in->path, (long long)r->same_as);
	else
		say_note(p, "%s: begins with the text of source %lld, which is counted as duplicate", in->path,
		         (long long)r->same_as);
	rc = sql_finish(q);
	return rc ? rc : known_note(&p->known, &now);
}

static int copy_add(struct pass *p, const struct input *in, struct resume *r)
{
	int64_t run;
	int rc = run_id(p, in, &run);

	if (!rc && !r->source)
		rc = source_insert(p, in, run, &r->source);
	return rc ? rc : copy_note(p, in, r);
}

/* A text that has all of a source's, and more. */
static int taker_add(struct pass *p, const struct input *in, struct resume *r)
{
	int64_t run;
	int rc = run_id(p, in, &run);

	if (!rc && !r->source && !(rc = source_insert(p, in, run, &r->source))) {
		struct known_source now = {.id = r->source, .path = {in->real, strlen(in->real)}};

		rc = known_note(&p->known, &now);
	}
	return rc ? rc : source_take_over(p, r);
}

/* What has become of an input, into the pass and to the user. */
static void rest_say(struct pass *p, const struct input *in, const struct source_load *l, int rc, const char *why)
{
	progress_clear(&p->progress);
	if (rc) {
		say_error(p, "%s: %s", in->path, why ? why : rc == -EINTR ? "interrupted" : strerror(-rc));
		p->failed = true;
	} else {
		rejects_say(p, in, l);
	}
	p->lines += (uint64_t)l->lines;
	p->bytes += (uint64_t)l->bytes;
	p->rejected += l->counts.rejected;
	p->files++;
	p->changed = true;
}

/* What was loaded before is not wholly there again. The transaction is given up: others may rest on those lines. */
static int fell_short(const char **why)
{
	if (load_stopped)
		return -EINTR;
	*why = "it was cut while it was read";
	return -ESTALE;
}

/* Reads what is not loaded yet. piped: standard input, opened; NULL: a file. energy: how an energy log is read; NULL:
 * another log. */
static int rest_load(struct pass *p, const struct input *in, struct resume *r, struct piped *piped,
                     struct energy_format *energy)
{
	static const int never;
	struct record_options record = p->record;
	struct source_load l = {.energy = energy,
	                        .record = &record,
	                        .foreign = input_is_foreign(in->kind),
	                        .no_text =
	                            in->kind == INPUT_TEXT || in->kind == INPUT_BINARY || in->kind == INPUT_OTHER,
	                        .passes = passing_is_worth(p->progress.total_bytes) || passing_is_worth(in->file_bytes),
	                        .store = p->store,
	                        .places = p->places,
	                        .progress = &p->progress,
	                        .path = in->path,
	                        .spare = &p->parser,
	                        .threads = p->o->threads,
	                        .next_chunk = &p->next_chunk,
	                        .progress_base = p->done_bytes,
	                        /* what is kept of a pipe ends where that was stopped */
	                        .stop = piped && piped->fd >= 0 ? &never : &load_stopped};
	const char *why = NULL;
	int64_t run;
	int rc;

	record.zone = pass_zone_of(p, in->path);
	record.file_ns = in->changed_ns;
	record.file = in->path;
	l.id = r->source;
	l.skip_bytes = r->skip_bytes;
	l.next_line = r->next_line;
	if ((rc = run_id(p, in, &run)) || (!l.id && (rc = source_insert(p, in, run, &l.id))))
		return rc;
	p->run_ids[in->run] = run;
	if (piped) {
		l.reader = piped->reader;
		piped->reader = NULL;
	}
	rc = source_load(&l, &why);
	if (piped && piped->damage && !l.damage) {
		l.damage = piped->damage;
		piped->damage = NULL;
	}
	if (!rc && l.skip_bytes + l.bytes < r->had)
		rc = fell_short(&why);
	if (!rc)
		rc = source_update(p, in, &l, r, piped);
	rest_say(p, in, &l, rc, why);
	source_load_done(&l);
	return rc;
}

/* What of an input is to be read, if anything is. */
static int log_resume(struct pass *p, const struct input *in, struct resume *r, struct piped *piped,
                      struct energy_format *energy)
{
	int64_t hash;
	size_t got;
	int rc;

	if (r->failed)
		return input_unopened(p, in, r->failed, NULL);
	if ((r->copied && (rc = copy_add(p, in, r))) || (r->takes && (rc = taker_add(p, in, r))))
		return rc;
	if (r->unchanged) {
		p->unchanged++;
		return 0;
	}
	if (!piped && (rc = head_hash(in->path, 0, &hash, &got))) {
		int unopened = input_unopened(p, in, rc, NULL);

		/* what is read again of it is out of the database by now */
		p->failed |= r->had > 0;
		return !unopened && r->had ? -ESTALE : unopened;
	}
	return rest_load(p, in, r, piped, energy);
}

static int log_load(struct pass *p, const struct input *in, struct energy_format *energy)
{
	struct resume r;
	int rc = resume_find(p, in, energy != NULL, &r);

	return rc ? rc : log_resume(p, in, &r, NULL, energy);
}

/* Standard input, or a pipe with a name; whoever follows files reads it once. */
static int piped_load(struct pass *p, const struct input *in)
{
	struct piped piped;
	struct resume r;
	const char *why = NULL;
	int rc;

	if (p->again)
		return 0;
	rc = piped_open(p, in->path, &piped, &r, &why);
	if (rc == -EINTR)
		rc = 0; /* before it gave anything: it is not there */
	else if (rc && why)
		rc = input_unopened(p, in, rc, why);
	else if (!rc && piped.instead)
		input_refuse(p, in, piped.instead);
	else if (!rc)
		rc = log_resume(p, in, &r, &piped, NULL);
	if (piped.damage) {
		say_error(p, "%s: %s", in->path, piped.damage);
		p->damaged = true;
	}
	piped_close(&piped);
	return rc;
}

/* By its first line, which is short. */
static int energy_load(struct pass *p, const struct input *in)
{
	struct energy_format format;
	struct reader *r;
	char head[512], *end;
	const char *why = NULL;
	ssize_t n;
	int rc = reader_open(in->path, &r, &why);

	if (rc)
		return input_unopened(p, in, rc, why);
	n = reader_read(r, head, sizeof head);
	reader_close(r);
	end = n > 0 ? memchr(head, '\n', (size_t)n) : NULL;
	if (n > 0 && energy_recognise((struct slice){head, end ? (size_t)(end - head) : (size_t)n}, &format))
		return log_load(p, in, &format);
	say_note(p, "%s: an energy log whose lines have no time of their own, passed over", in->path);
	return 0;
}

static int beside_add(struct pass *p, const struct input *in)
{
	int64_t run;
	int rc = run_id(p, in, &run);

	if (!rc)
		aside_add(p->aside, in, run);
	return rc;
}

/* What became of one of them. */
static int beside_outcome(struct pass *p, const struct aside_file *f)
{
	int rc = f->rc;

	if (rc == -EBADMSG || rc == -EINVAL) {
		say_error(p, "%s", f->why ? f->why : f->in->path);
		p->damaged = true;
		rc = 0;
	} else if (rc == -ENOENT || rc == -EACCES) {
		rc = input_unopened(p, f->in, rc, f->why);
	} else if (rc) {
		say_error(p, "%s", f->why ? f->why : strerror(-rc));
	}
	p->changed |= f->read;
	return rc;
}

int pass_beside(struct pass *p)
{
	size_t n;
	const struct aside_file *v = aside_finish(p->aside, &n);
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		rc = beside_outcome(p, &v[i]);
	return rc;
}

static bool is_beside(enum input_kind kind)
{
	return kind == INPUT_RESULT_CSV || kind == INPUT_RESULT_JSON || kind == INPUT_TRACE || kind == INPUT_METADATA ||
	       kind == INPUT_BENCHMARK;
}

int pass_input(struct pass *p, const struct input *in)
{
	int rc = 0;

	if (in->kind == INPUT_STREAM)
		rc = piped_load(p, in);
	else if (in->instead)
		input_refuse(p, in, in->instead);
	else if (input_is_log(in->kind) || in->kind == INPUT_EMPTY ||
	         ((in->kind == INPUT_TEXT || in->kind == INPUT_BINARY || in->kind == INPUT_OTHER) && in->named))
		rc = log_load(p, in, NULL);
	else if (in->kind == INPUT_ENERGY)
		rc = energy_load(p, in);
	else if (is_beside(in->kind) && p->o->rules && !strcmp(p->o->rules, RULES_NONE))
		say_note(p, "%s: left aside, as --rules none says", in->path);
	else if (is_beside(in->kind))
		rc = beside_add(p, in);
	else
		say_note(p, "%s: not a log, passed over", in->path);
	p->done_bytes += in->file_bytes > 0 ? in->file_bytes : 0;
	return rc;
}
