/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source.h - one log file into chunks, by several threads. */
#ifndef LOAD_SOURCE_H
#define LOAD_SOURCE_H

#include "parse/parse.h"
#include "load/progress.h"
#include "store/place.h"
#include "store/chunks.h"

/* What became of a file; the numbers go to table source. */
struct source_load {
	/* in */
	struct store *store;
	struct place_set *places;
	struct progress *progress;
	int64_t id; /* of table source */
	const char *path;
	struct reader *reader; /* not NULL: path is only its name. source_load's to close */
	struct parser
	    *spare; /* a parser that was used before, or a zeroed one; the caller's to parser_done. NULL: none */
	unsigned threads;
	int64_t skip_bytes;       /* of text: loaded before */
	int64_t next_line;        /* of the first line that is read now, from 1 */
	int64_t *next_chunk;      /* id of the next chunk */
	int64_t progress_base;    /* file bytes of the sources before */
	volatile const int *stop; /* not 0: read no more */
	struct energy_format
	    *energy; /* NULL: a log. Else one thread reads it, however large: a line may set what the next ones mean */
	const struct record_options *record; /* how lines of other programs are read */
	bool no_text;                        /* the file is no log by its beginning */
	bool passes;                         /* a plain file's text is not to stay in memory (load/passing.h) */
	bool foreign;                        /* it is a log of another program; packed, one thread reads it */
	/* out */
	struct parse_counts counts;
	int64_t bytes, lines; /* of text that was read now */
	int64_t file_bytes;   /* of the file that were used, from its start */
	bool saw_local, saw_utc, saw_event;
	int64_t first_stamp;
	bool has_stamp;
	int64_t min_stamp, max_stamp;
	char *workers[2]; /* the first two that occur under enter_worker; ours: source_load_done */
	bool has_workers;
	bool saw_foreign;
	int64_t first_offset_s;
	struct record_use uses[RECORD_USES];
	unsigned nuses;
	uint64_t tracing; /* records of tracing's own shape */
	struct record_hints hints;
	uint64_t no_time, odd_time, assumed_zone, assumed_year, either_day;
	bool unterminated; /* the last line has no line end */
	char *damage;      /* what was wrong with the file as a whole, or NULL; ours */
	struct {
		int64_t line, offset;
		const char *reason;
	} first_rejects[3];
	unsigned nfirst_rejects;
};

/* Reads the file and writes chunks and rejects, inside the caller's transaction. 0 also where the file is damaged
 * (damage); negative: it can't be opened (-ENOENT, -EACCES, ...; *why is set, static) or the system failed (-ENOMEM,
 * -ENOSPC, ...). */
int source_load(struct source_load *l, const char **why);
void source_load_done(struct source_load *l);

#endif
