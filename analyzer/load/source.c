/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source.c - one log file into chunks, by several threads.
 *
 * The file is cut into pieces at line ends (load/piece.h). A worker takes the next piece, parses it into a chunk or
 * two, packs them, and waits for its turn to write: pieces are written in the order of the file, so line numbers and
 * offsets are known then. A plain file is read by each worker itself, half a MiB at a time, so that the text stays in
 * the cache; what must be unpacked first, or comes through a pipe, is handed out in memory.
 *
 * A record of another program may depend on what was before it: text on the record that it follows, a piece of a record
 * on the other pieces, a time without a year. A worker reads its piece as if it was the first, and notes where that
 * mattered. When its turn comes, it is known where the piece before ended and what its parser knew then. Where that
 * makes a difference, the piece is read once more from there; of a stream, with what the piece before left over.
 *
 * A line that is longer than LINE_MAX_BYTES is rejected, and kept all the same, a stretch at a time: memory does not
 * grow with it, and the text can be given back and is known again when it comes under another name. */
#include "load/source_job.h"
#include "base/sql.h"
#include "base/scan.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- pieces of a plain file ---- */

/* Its lines are read by one worker: where a file is no log. */
static bool in_one(const struct job *j)
{
	return j->l->no_text;
}

static bool plain_take(struct worker *w, int64_t *from, int64_t *to)
{
	struct job *j = w->job;
	bool any;

	pthread_mutex_lock(&j->take);
	any = j->next_from < j->size && !j->rc && !*j->l->stop;
	if (any) {
		*from = j->next_from;
		*to = in_one(j) ? j->size : *from + piece_next(j->piece, j->size - *from);
		j->next_from = *to;
		w->ticket = j->next_ticket++;
		turn_progress(j, *from);
	}
	pthread_mutex_unlock(&j->take);
	return any;
}

/* Where the line begins that contains the byte before `at`: pieces start behind a line end. It is not looked for behind
 * `limit`, which is said then. */
static int line_start(struct worker *w, int64_t at, int64_t limit, int64_t *out)
{
	struct job *j = w->job;
	int rc = lines_room(w, READER_BLOCK);

	for (int64_t off = at - 1; !rc;) {
		ssize_t got = off < limit ? lines_at(j->fd, w->buf, READER_BLOCK, off) : 0;
		char *nl, *more;

		if (got <= 0) {
			*out = limit;
			return got < 0 ? (int)got : 0;
		}
		nl = memchr(w->buf, '\n', (size_t)got);
		/* one that goes on with the line before is no good start */
		for (more = nl; more && more + 1 < w->buf + got && piece_continues(more[1]);)
			more = memchr(more + 1, '\n', (size_t)(w->buf + got - more - 1));
		nl = more && more + 1 < w->buf + got ? more : nl;
		if (nl) {
			*out = off + (nl - w->buf) + 1;
			return 0;
		}
		off += got;
	}
	return rc;
}

/* The lines that begin in [w->at, w->to), which are starts of lines. A record that does not end there is read to its
 * end: w->at is then behind it. */
static int plain_lines(struct worker *w)
{
	int64_t size = w->job->size;
	size_t have = 0;
	bool end = false;
	int rc = 0;

	while (!rc && !end && (w->at < w->to || have)) {
		/* of a long line as much again as there is: it is looked through from its start each time */
		size_t want = have > READER_BLOCK ? have : READER_BLOCK;
		ssize_t got = 0;

		if (have > LINE_ALONE && (rc = turn_take(w)))
			return rc;
		if (have >= LINE_LIMIT && !memchr(w->buf, '\n', have)) {
			rc = lines_give_up(w, &have);
			continue;
		}
		w->parser.no_more = have >= LINE_LIMIT;
		want = have + want > LINE_LIMIT ? LINE_LIMIT - have : want;
		if ((rc = lines_room(w, have + want)))
			return rc;
		if (want && (got = lines_more(w, w->buf + have, want)) < 0)
			return (int)got;
		have += (size_t)got;
		end = (want && !got) || w->at == w->to;
		memset(w->buf + have, 0, SCAN_SLACK);
		rc = lines_of_buffer(w, &have, end && w->to == size);
		if (!rc && end && have && w->parser.wants_more && w->to < size) {
			int64_t more = have > READER_BLOCK ? (int64_t)have : READER_BLOCK;

			w->to = size - w->to < more ? size : w->to + more;
			end = false;
		}
	}
	w->at -= (int64_t)have;
	return rc;
}

/* What a piece has, parsed as if nothing was before it, until it is this worker's turn. */
static int piece_guess(struct worker *w)
{
	int rc;

	parse_state_enter(&w->parser, &(struct parse_state){0});
	parse_mark_set(&w->parser, &w->mark);
	w->parser.is_guess = true;
	rc = w->from < w->to ? plain_lines(w) : 0;
	if (!rc)
		rc = turn_take(w);
	if (rc == READ_AGAIN)
		parse_mark_return(&w->parser, &w->mark);
	return rc;
}

static int plain_piece(struct worker *w, int64_t from, int64_t to)
{
	struct job *j = w->job;
	int rc = from <= j->l->skip_bytes ? 0 : line_start(w, from, to, &from);

	if (!rc && from < to && to < j->size)
		rc = line_start(w, to, j->size, &to);
	if (rc)
		return rc;
	w->at = w->from = from < to ? from : to;
	w->to = to;
	w->guesses = !j->alone && from > j->l->skip_bytes;
	rc = w->guesses ? piece_guess(w) : READ_AGAIN;
	if (rc == READ_AGAIN) {
		parse_state_enter(&w->parser, &j->state);
		w->parser.is_guess = false;
		w->at = j->end_at;
		w->to = to > w->at ? to : w->at;
		rc = w->at < w->to ? plain_lines(w) : 0;
	}
	if (!rc && w->at >= j->size)
		rc = parser_end(&w->parser);
	if (!rc)
		rc = turn_take(w);
	if (!rc) {
		parse_state_leave(&w->parser, &j->state);
		j->end_at = w->at;
		passing_behind(&j->passing, j->end_at);
	}
	return rc;
}

/* ---- workers ---- */

static void *work(void *arg)
{
	struct worker *w = arg;
	struct job *j = w->job;
	int64_t from = 0, to = 0;
	int rc;

	for (;;) {
		if (!w->taken && (j->fd >= 0 ? !plain_take(w, &from, &to) : !stream_take(w)))
			return NULL;
		w->taken = false;
		if (j->fd >= 0)
			rc = plain_piece(w, from, to);
		else
			rc = w->rc ? w->rc : stream_piece(w);
		if (!rc)
			rc = turn_chunk(w);
		if (!rc)
			rc = turn_wait(w);
		turn_pass(w, rc);
		if (rc)
			return NULL;
	}
}

/* The first worker's parser goes on to the next file: making one costs as much as a few thousand lines. */
static int spare_take(struct source_load *l, struct parser *p)
{
	int rc = l->spare->builder ? parser_source(l->spare, l->record)
	                           : parser_init(l->spare, store_shapes(l->store), l->record);

	*p = *l->spare;
	*l->spare = (struct parser){0};
	return rc;
}

static void spare_give(struct source_load *l, struct parser *p)
{
	if (p->builder)
		parser_clear(p);
	p->energy = NULL;
	*l->spare = *p;
}

/* What a worker read, and what it had to guess. */
static void uses_add(struct source_load *l, const struct parser *p)
{
	const struct record_reader *r = &p->records;

	for (unsigned i = 0; i < r->nuses; i++) {
		unsigned k = 0;

		while (k < l->nuses && (l->uses[k].inner != r->uses[i].inner || l->uses[k].outer != r->uses[i].outer))
			k++;
		if (k == RECORD_USES)
			continue;
		if (k == l->nuses)
			l->uses[l->nuses++] = (struct record_use){r->uses[i].inner, r->uses[i].outer, 0};
		l->uses[k].records += r->uses[i].records;
	}
	l->tracing += p->tracing;
	hints_add(&l->hints, &r->hints);
	l->no_time += r->no_time;
	l->odd_time += r->odd_time;
	l->assumed_zone += r->assumed_zone;
	l->assumed_year += r->assumed_year;
	l->either_day += r->either_day;
}

static int worker_init(struct worker *w, struct job *j, bool first)
{
	int rc;

	w->job = j;
	rc = first && j->l->spare ? spare_take(j->l, &w->parser)
	                          : parser_init(&w->parser, store_shapes(j->l->store), j->l->record);
	if (!rc)
		chunk_builder_borrow(w->parser.builder);
	w->parser.energy = j->l->energy;
	w->parser.no_text = j->l->no_text;
	return rc;
}

static void worker_done(struct worker *w, bool first)
{
	if (first && w->job->l->spare)
		spare_give(w->job->l, &w->parser);
	else
		parser_done(&w->parser);
	bytes_free(&w->packed);
	free(w->buf);
}

/* Is there one piece only? Of a stream it is read for that. */
static bool is_small(struct job *j)
{
	if (j->fd >= 0)
		return piece_is_last(j->piece, j->size - j->next_from);
	j->workers[0].taken = stream_take(&j->workers[0]);
	return j->drained;
}

static int workers_run(struct job *j)
{
	unsigned n = j->l->energy || in_one(j) ? 1 : j->l->threads, made = 0, started = 0;
	struct worker *w = calloc(n, sizeof *w);
	int rc = w ? worker_init(&w[made++], j, true) : -ENOMEM;

	j->workers = w;
	j->nworkers = 1;
	/* a small file is not worth threads */
	if (!rc && n > 1 && is_small(j))
		n = 1;
	for (; made < n && !rc; made++)
		rc = worker_init(&w[made], j, false);
	j->nworkers = made;
	j->alone = n == 1;
	for (unsigned i = 1; i < n && !rc; i++, started++)
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			break;
	if (!rc)
		work(&w[0]);
	for (unsigned i = 1; i <= started; i++)
		pthread_join(w[i].thread, NULL);
	for (unsigned i = 0; i < made; i++) {
		if (!rc)
			uses_add(j->l, &w[i].parser);
		worker_done(&w[i], !i);
	}
	free(w);
	return rc ? rc : j->rc;
}

static int statements(struct job *j)
{
	int rc = chunk_writer_open(j->l->store, &j->writer);

	if (rc)
		return rc;
	return sql_prepare(
	    store_db(j->l->store),
	    "INSERT INTO reject (source, line, offset, length, reason, sample) VALUES (?, ?, ?, ?, ?, ?)",
	    &j->reject_insert);
}

static int last_byte(struct job *j)
{
	char c = '\n';

	if (j->fd >= 0 && j->size > j->l->skip_bytes && lines_at(j->fd, &c, 1, j->size - 1) == 1)
		j->l->unterminated = c != '\n';
	return 0;
}

static int start(struct job *j, const char **why)
{
	struct source_load *l = j->l;
	int rc = l->reader ? 0 : reader_open(l->path, &j->reader, why);

	if (rc)
		return rc;
	*why = NULL;
	j->reader = l->reader ? l->reader : j->reader;
	l->reader = NULL;
	if (reader_format(j->reader) == READER_PLAIN && S_ISREG(reader_stat(j->reader)->st_mode) &&
	    strcmp(l->path, "-")) {
		j->fd = open(l->path, O_RDONLY | O_CLOEXEC);
		if (j->fd < 0)
			return -errno;
		j->size = reader_stat(j->reader)->st_size;
		j->next_from = j->end_at = l->skip_bytes;
		if (l->passes)
			passing_begin(&j->passing, j->fd, l->skip_bytes, j->size);
		j->piece = piece_of_file(j->fd, l->skip_bytes, j->size);
		posix_fadvise(j->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
		last_byte(j);
		return 0;
	}
	rc = l->skip_bytes ? reader_skip(j->reader, l->skip_bytes) : 0;
	return rc == -EPIPE ? 0 : rc;
}

int source_load(struct source_load *l, const char **why)
{
	struct job j = {.l = l, .fd = -1, .next_line = l->next_line};
	int64_t total;
	int rc;

	*why = NULL;
	pthread_mutex_init(&j.take, NULL);
	pthread_mutex_init(&j.write, NULL);
	pthread_cond_init(&j.turned, NULL);
	rc = start(&j, why);
	if (!rc)
		rc = statements(&j);
	if (!rc)
		rc = workers_run(&j);
	if (!rc && j.reason && *j.reason && !(l->damage = strdup(j.reason)))
		rc = -ENOMEM;
	if (!rc)
		l->file_bytes = j.fd >= 0 ? l->skip_bytes + l->bytes : reader_file_bytes(j.reader, &total);
	chunk_writer_close(&j.writer);
	sqlite3_finalize(j.reject_insert);
	passing_done(&j.passing);
	if (j.fd >= 0)
		close(j.fd);
	reader_close(j.reader);
	free(j.carry);
	free(j.left);
	parse_state_done(&j.state);
	pthread_cond_destroy(&j.turned);
	pthread_mutex_destroy(&j.write);
	pthread_mutex_destroy(&j.take);
	return rc;
}

void source_load_done(struct source_load *l)
{
	free(l->workers[0]);
	free(l->workers[1]);
	free(l->damage);
	l->workers[0] = l->workers[1] = l->damage = NULL;
}
