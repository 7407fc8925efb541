/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source_turn.c - what workers made of their pieces is written in the order of the file. */
#include "load/source_job.h"
#include "base/sql.h"

#include <stdlib.h>

/* Was the piece read as it would have been behind the one before? */
static bool guess_holds(const struct worker *w)
{
	const struct job *j = w->job;

	return j->end_at == w->from && !j->left_len && parse_state_is_clean(&j->state) && w->parser.has_last &&
	       !parser_depended(&w->parser);
}

int turn_wait(struct worker *w)
{
	struct job *j = w->job;

	if (w->has_turn)
		return 0;
	pthread_mutex_lock(&j->write);
	while (j->turn != w->ticket && !j->rc)
		pthread_cond_wait(&j->turned, &j->write);
	w->has_turn = j->turn == w->ticket;
	pthread_mutex_unlock(&j->write);
	if (!w->has_turn)
		return -ECANCELED;
	if (!w->guesses)
		return 0;
	w->guesses = w->parser.is_guess = false;
	return guess_holds(w) ? 0 : READ_AGAIN;
}

void turn_pass(struct worker *w, int rc)
{
	struct job *j = w->job;

	pthread_mutex_lock(&j->write);
	if (rc && rc != -ECANCELED && !j->rc)
		j->rc = rc;
	if (w->has_turn) {
		j->turn++;
		j->next_line = j->l->next_line;
	}
	w->has_turn = false;
	pthread_cond_broadcast(&j->turned);
	pthread_mutex_unlock(&j->write);
}

static int step(sqlite3_stmt *q)
{
	int rc = sql_errno(sqlite3_step(q));

	sqlite3_reset(q);
	return rc;
}

static int rejects_write(struct job *j, const struct parser *p)
{
	struct source_load *l = j->l;
	int rc = 0;

	for (size_t i = 0; i < p->nrejects && !rc; i++) {
		const struct parse_reject *r = &p->rejects[i];
		int64_t line = l->next_line + r->line, offset = l->skip_bytes + l->bytes + r->offset;

		sqlite3_bind_int64(j->reject_insert, 1, l->id);
		sqlite3_bind_int64(j->reject_insert, 2, line);
		sqlite3_bind_int64(j->reject_insert, 3, offset);
		sqlite3_bind_int64(j->reject_insert, 4, (int64_t)r->length);
		sqlite3_bind_text(j->reject_insert, 5, r->reason, -1, SQLITE_STATIC);
		sqlite3_bind_text(j->reject_insert, 6, r->sample, -1, SQLITE_STATIC);
		rc = step(j->reject_insert);
		if (l->nfirst_rejects < 3) {
			l->first_rejects[l->nfirst_rejects].line = line;
			l->first_rejects[l->nfirst_rejects].offset = offset;
			l->first_rejects[l->nfirst_rejects++].reason = r->reason;
		}
	}
	return rc;
}

struct place_arg {
	struct place_set *places;
	int64_t chunk;
};

static int place_one(void *arg, struct slice tid, uint32_t events, unsigned blocks)
{
	const struct place_arg *a = arg;

	return place_set_add(a->places, tid, a->chunk, events, blocks);
}

/* Which workers the spans name: two are enough to know a cluster. */
static int workers_note(struct source_load *l, const struct chunk_builder *b)
{
	const struct shape *tail;

	for (uint32_t i = 0; !l->workers[1] && (tail = chunk_builder_tail(b, &i));) {
		struct slice w = tail->worker;

		if (!w.ptr || (l->workers[0] && slice_is(w, l->workers[0])))
			continue;
		l->has_workers = true;
		if (!(l->workers[l->workers[0] != NULL] = strndup(w.ptr, w.len)))
			return -ENOMEM;
	}
	return 0;
}

static int summary_add(struct source_load *l, const struct parser *p, const struct chunk_summary *s)
{
	if (s->has_stamp) {
		l->min_stamp = !l->has_stamp || s->min_stamp < l->min_stamp ? s->min_stamp : l->min_stamp;
		l->max_stamp = !l->has_stamp || s->max_stamp > l->max_stamp ? s->max_stamp : l->max_stamp;
		l->has_stamp = true;
	}
	if (p->saw_event && !l->saw_event) {
		l->first_stamp = p->first_stamp;
		l->first_offset_s = p->first_offset_s;
	}
	l->saw_foreign |= p->saw_foreign;
	l->saw_event |= p->saw_event;
	l->saw_local |= p->saw_local;
	l->saw_utc |= p->saw_utc;
	l->counts.ok += p->counts.ok;
	l->counts.ok_bytes += p->counts.ok_bytes;
	l->counts.repaired += p->counts.repaired;
	for (int i = 0; i < REPAIRS; i++)
		l->counts.repairs[i] += p->counts.repairs[i];
	l->counts.repaired_bytes += p->counts.repaired_bytes;
	l->counts.rejected += p->counts.rejected;
	l->counts.blank += p->counts.blank;
	l->counts.rejected_bytes += p->counts.rejected_bytes;
	l->bytes += (int64_t)s->bytes;
	l->lines += s->lines;
	l->next_line += s->lines;
	return workers_note(l, p->builder);
}

static int chunk_write(struct worker *w, const struct chunk_summary *s)
{
	struct job *j = w->job;
	struct source_load *l = j->l;
	struct place_arg arg = {l->places, (*l->next_chunk)++};
	int rc = rejects_write(j, &w->parser);

	if (rc ||
	    (rc = chunk_writer_put(l->store, &j->writer, arg.chunk, l->id, l->next_line, l->skip_bytes + l->bytes,
	                           w->parser.builder, &w->packed)) ||
	    (rc = chunk_builder_tids(w->parser.builder, place_one, &arg)))
		return rc;
	return summary_add(l, &w->parser, s);
}

int turn_chunk(struct worker *w)
{
	struct chunk_summary s = chunk_builder_summary(w->parser.builder);
	int rc = 0;

	if (s.rows) {
		w->packed.len = 0;
		rc = chunk_seal_apart(w->parser.builder, CHUNK_LEVEL, &w->packed);
		if (!rc)
			rc = turn_wait(w);
		if (!rc)
			rc = chunk_write(w, &s);
	}
	parser_clear(&w->parser);
	return rc;
}

int turn_take(struct worker *w)
{
	int rc = turn_chunk(w);

	return rc ? rc : turn_wait(w);
}

void turn_progress(struct job *j, int64_t file_bytes)
{
	struct source_load *l = j->l;
	int64_t lines;

	if (!l->progress)
		return;
	pthread_mutex_lock(&j->write);
	lines = j->next_line - 1;
	pthread_mutex_unlock(&j->write);
	progress_show(l->progress, l->progress_base + file_bytes, lines, l->path);
}
