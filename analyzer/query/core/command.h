/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command.h - a row of the table of commands: name, words, options, help and function of one command.
 *
 * Each row stands in the file of the command it is of, as `const struct command command_NAME = {`; the build gathers
 * them, in the order of COMMAND_SRC in the Makefile. Dispatch, help, completion and the manual page read the same row.
 */
#ifndef QUERY_COMMAND_H
#define QUERY_COMMAND_H

#include "query/core/query.h"

/* What a command wants of the database before it starts. */
enum need { NEED_NOTHING, NEED_READ, NEED_WRITE };

/* The headings of the help, in their order. */
enum command_group { GROUP_DATA, GROUP_LINES, GROUP_ANSWERS, GROUP_FINDINGS, GROUP_DOCUMENTS, GROUP_DATABASE, GROUPS };

/* `most` of words: any number. */
enum { ANY_NUMBER = -1 };

/* What a command's first word may be, with a line of help. */
struct choice {
	const char *name, *help;
};

struct command {
	const char *name;
	enum command_group group;
	const char *words;                 /* what follows, for the usage line; NULL: nothing */
	int least, most;                   /* words */
	enum hint hint;                    /* of its words */
	const char *help;                  /* one line */
	const char *more;                  /* paragraphs parted by an empty line; may be NULL */
	const char *examples;              /* lines without "ilu-logq"; "  # " parts a remark; may be NULL */
	const struct option_spec *options; /* ends with name NULL; may be NULL */
	const struct column *columns;      /* of its table, for the help; NULL: none, or they are not the same always */
	size_t ncolumns, column_stride;    /* bytes from one to the next */
	const struct choice *choices;      /* of its first word; NULL: anything */
	size_t nchoices, choice_stride;    /* bytes from one to the next */
	int64_t limit;                     /* --limit where it is not given; 0: all */
	bool own_limit;                    /* --limit does not count rows: the command sees to it by itself */
	bool own_pager;                    /* the pager waits until the command calls for it: output.page */
	enum need need;
	bool gives_back;  /* large arrays at once, as they are freed: it has few, as long as the log is */
	bool of_requests; /* rests on what requests are: where that was found in the log itself it says so */
	command_fn *run;  /* NULL: not available in this version, and says so */
};

/* The columns of a row's table, of an array of them. */
#define COLUMNS_OF(array) \
	.columns = (array), .ncolumns = sizeof(array) / sizeof *(array), .column_stride = sizeof *(array)

/* The choice number i of a row. */
static inline const struct choice *command_choice(const struct command *c, size_t i)
{
	return (const void *)((const char *)c->choices + i * c->choice_stride);
}

/* Options that several commands take, with the same meaning. */
#define OPTION_LIMIT                                                                           \
	{                                                                                      \
		.name = "limit", .letter = 'n', .value = "N", .help = "at most N rows; 0: all" \
	}
#define OPTION_RUN                                                     \
	{                                                              \
		.name = "run", .value = "RUN", .hint = HINT_RUN,       \
		.help = "only this run: its number or path (see runs)" \
	}
#define OPTION_WORKER                                                       \
	{                                                                   \
		.name = "worker", .value = "NAME", .help = "of this worker" \
	}
#define OPTION_FUNCTION                                                                                     \
	{                                                                                                   \
		.name = "function", .value = "NAME", .help = "of this function; * and ? stand for anything" \
	}
#define OPTION_TID                                                                        \
	{                                                                                 \
		.name = "tid", .letter = 't', .value = "TID", .hint = HINT_TID,           \
		.help = "of this transaction; as much of its id as tells it from others", \
	}
#define OPTION_TARGET                                                                                  \
	{                                                                                              \
		.name = "target", .value = "TARGET", .hint = HINT_TARGET,                              \
		.help = "of this target, or one of its segments: cpu_q_invoke; * stands for anything", \
	}
#define OPTION_SINCE                                                                          \
	{                                                                                     \
		.name = "since", .value = "TIME",                                             \
		.help = "not before: as in the log, RFC 3339, or +90s after the run's start", \
	}
#define OPTION_UNTIL                                                         \
	{                                                                    \
		.name = "until", .value = "TIME", .help = "before this time" \
	}

/* Says on stderr that requests were found in the log itself, where they were and c rests on it; the database is open.
 */
void command_note(struct query *q, const struct command *c);
/* Makes q ready for one command line: options that need others, --limit. A failure is latched. */
void command_start(struct query *q, const struct command *c, const struct args *args);

#endif
