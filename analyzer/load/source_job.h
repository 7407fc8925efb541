/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source_job.h - the workers that read one file, and the order in which they write; private to source.c and its
 * neighbours. */
#ifndef LOAD_SOURCE_JOB_H
#define LOAD_SOURCE_JOB_H

#include "load/source.h"
#include "load/passing.h"
#include "load/piece.h"
#include "parse/parse_state.h"
#include "ingest/line.h"
#include "ingest/reader.h"

#include <errno.h>
#include <pthread.h>

#define LINE_LIMIT  (LINE_MAX_BYTES + 1u)         /* bytes that must have a line's end among them, or it is given up */
#define LINE_ALONE  (8u << 20)                    /* of a longer line one worker at a time has the text in memory */
#define BUFFER_KEPT (PIECE_MOST + PIECE_MOST / 4) /* bytes of one that other lines need as well */

/* Shared by the workers of one file. */
struct job {
	struct source_load *l;
	struct reader *reader;
	int fd;               /* of a plain file, else -1 */
	int64_t size;         /* of a plain file */
	size_t piece;         /* bytes of a piece, about; of a stream 0 until its beginning is known */
	pthread_mutex_t take; /* pieces */
	int64_t next_from;    /* plain: where the next piece begins */
	uint64_t next_ticket;
	bool drained;
	struct worker *workers;
	unsigned nworkers;
	bool alone;     /* one worker has all pieces */
	int64_t end_at; /* plain: where the piece ended that was written last, and what was known then; its writer's */
	struct passing passing; /* plain; the writer's */
	struct parse_state state;
	char *carry; /* streams: text that belongs to the next piece */
	size_t carry_len, carry_room;
	char *left; /* streams: the beginning of a record that the piece written last did not end; its writer's */
	size_t left_len, left_room;
	uint64_t
	    large; /* streams: 1 and the ticket of the last piece with a line that needed more room than a piece has */
	pthread_mutex_t write;
	pthread_cond_t turned;
	uint64_t turn;
	int64_t next_line;  /* of the source, when the last turn was passed on */
	int rc;             /* first failure: everybody stops */
	const char *reason; /* of damage that ended the reading, static or of the reader */
	struct chunk_writer writer;
	sqlite3_stmt *reject_insert;
};

struct worker {
	struct job *job;
	struct parser parser;
	struct bytes packed;
	char *buf;
	size_t room;
	pthread_t thread;
	uint64_t ticket;
	bool has_turn;
	int64_t at, to; /* of a plain file: what of its piece is still to be read */
	int64_t from;   /* where its piece begins */
	size_t len;     /* of a stream: the piece in buf ... */
	bool last;      /* ... which is the last one */
	bool taken;     /* it has a piece already */
	int rc;         /* of taking it */
	bool guesses;   /* it does not know yet what is before its piece */
	struct parse_mark mark;
};

/* ---- source_turn.c: writing, in the order of the file ---- */

#define READ_AGAIN (-ERESTART) /* the piece must be, from job.end_at and with job.state */

/* 0, READ_AGAIN (once) or -ECANCELED. */
int turn_wait(struct worker *w);
/* To the worker that has the next piece; rc: how this one's went. */
void turn_pass(struct worker *w, int rc);
/* Packs what the parser has and writes it when it is this piece's turn. */
int turn_chunk(struct worker *w);
/* What was parsed is written, and it is this worker's turn. */
int turn_take(struct worker *w);
/* Shows that so many bytes of the file were read. */
void turn_progress(struct job *j, int64_t file_bytes);

/* ---- source_lines.c: lines of a buffer into chunks, also those that are too long ---- */

/* Room for so many bytes, and slack, in the worker's buffer. 0 or -ENOMEM. */
int lines_room(struct worker *w, size_t n);
/* A buffer that a long line has made is no other worker's room: it keeps so many bytes. */
void lines_trim(struct worker *w, size_t keep);
/* Of a plain file: bytes, 0 at its end, or a negative error. */
ssize_t lines_at(int fd, char *buf, size_t n, int64_t off);
/* Of a stream; where it is damaged, it ends, and the job has the reason. */
ssize_t lines_stream(struct job *j, char *buf, size_t n);
/* Text behind what the worker has; 0: there is no more. */
ssize_t lines_more(struct worker *w, char *buf, size_t n);
/* Lines of text into chunks. *used as parser_feed. */
int lines_of_text(struct worker *w, const char *text, size_t len, bool last, size_t *used);
/* Lines of the first *have bytes of the buffer into chunks; what is left of them is at its front then. Where there was
 * a long line, its text goes before its chunk is packed: it would be there twice. */
int lines_of_buffer(struct worker *w, size_t *have, bool last);
/* The buffer has *have bytes of a line, more than a line may have: they and the rest of it go into chunks of their own.
 * *have: bytes behind it, which have moved to the front. */
int lines_give_up(struct worker *w, size_t *have);

/* ---- source_stream.c ---- */

/* The next piece of a stream, into the worker's buffer; false: there is none any more. */
bool stream_take(struct worker *w);
/* What it took into chunks, up to what is left for the next piece. */
int stream_piece(struct worker *w);

#endif
