/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format.h - what a log looks like, as data: schema/formats/NAME.json and users' own files.
 *
 * A format says how its lines are recognised (a pattern, or keys with their types) and where in them time, level,
 * message, target and transaction stand; what it does not say, the format "default" says (docs/formats.md).
 * An envelope is a format whose rest is opened again by other formats. schema/format.schema.json has each key. */
#ifndef INGEST_FORMAT_H
#define INGEST_FORMAT_H

#include "ingest/level.h"
#include "ingest/repair.h"
#include "ingest/spelling.h"

/* The first five become parts of the reading; of the others the reading names the field that they stand in. */
enum role {
	ROLE_TIME,
	ROLE_LEVEL,
	ROLE_MESSAGE,
	ROLE_TARGET,
	ROLE_TID,
	ROLE_SPAN,   /* the id of the span that the line is about */
	ROLE_PARENT, /* of the span around that */
	ROLE_SPAN_NAME,
	ROLE_DURATION,
	ROLE_SPAN_UNTIL, /* the time of its end */
	ROLE_ERROR,      /* what went wrong, as text */
	ROLE_WORKER,     /* who wrote the line */
	ROLE_PAIR,       /* the id that a message has where it is sent, and where it is received */
	ROLES
};
#define ROLES_OF_READING ROLE_SPAN /* roles before it */

#define FORMATS_MAX       256 /* in a set; more are refused by name */
#define PATTERN_LINES_MAX 64  /* of a record; a pattern of more is refused */

/* A path is a key, or keys with dots between them: into nested objects, or a key with dots. Of the roles of a reading
 * also a text with paths in it, "{date} {clock}": it is there where all of them are. */
struct paths {
	char **all;
	size_t n, room;
};

enum capture_kind {
	CAPTURE_LITERAL,
	CAPTURE_BLANKS,
	CAPTURE_WORD,
	CAPTURE_INT,
	CAPTURE_NUMBER,
	CAPTURE_NAME,
	CAPTURE_WORDS,
	CAPTURE_ONE_OF,
	CAPTURE_UNTIL,
	CAPTURE_LAST,
	CAPTURE_REST
};

/* One piece of a pattern. */
struct piece {
	enum capture_kind kind;
	char *name; /* of a capture; NULL: none */
	char *text; /* of a literal; of CAPTURE_ONE_OF the choices with '|' between them; of words and what goes up to
	             * something the literal that ends it, NULL: a blank */
	unsigned words;    /* of CAPTURE_WORDS */
	bool blank_behind; /* a blank must follow the literal that ends it */
	bool blank_before; /* of CAPTURE_LAST: and be before it */
};

struct pattern {
	struct piece *pieces;
	size_t n, room;
	unsigned lines; /* that it is of: one more than there are line ends in its fixed texts */
};

struct format_key {
	char *path;
	char kind; /* 's'tring, 'n'umber, 'o'bject, 'a'rray, '*' any; "=text" in value: that text */
	char *value;
};

enum duration_unit { DURATION_SECONDS, DURATION_MILLIS, DURATION_MICROS, DURATION_NANOS };

/* The level by another field than the one that is called so. */
struct field_levels {
	char *path;
	struct level_map map;
};

/* A value that patterns take apart: what they capture are fields beside it. */
struct field_split {
	char *path;
	struct pattern *patterns; /* the first that fits */
	size_t n, room;
};

struct log_format {
	char *name, *title;
	bool own;                 /* a user's: it goes before those that are built in */
	struct pattern *patterns; /* any of them */
	size_t npatterns, patterns_room;
	bool of_line, of_lines;  /* some are of one line; of several */
	bool dated;              /* times begin with a digit or with the name of a month or day */
	struct format_key *keys; /* all of them, in an object */
	size_t nkeys;
	struct paths
	    columns; /* names of those of its lines, ":int" behind numbers, "?" behind one that need not be there */
	size_t columns_least;
	struct paths roles[ROLES];
	struct paths open;                        /* objects whose members count as the record's own */
	struct format_key *span_begin, *span_end; /* lines that begin or end a span have these keys, all of them */
	size_t nspan_begin, nspan_end;
	struct format_key *sent, *received; /* lines where a message leaves a host, or comes to one */
	size_t nsent, nreceived;
	enum duration_unit duration_unit; /* of durations that are numbers */
	bool time_is_start;               /* of a span that is whole on a line: its time is that of its start */
	char *rest;        /* of an envelope: the capture or key that holds the record inside; NULL: no envelope */
	bool only_records; /* of an envelope: it is none around plain text */
	char *partial;     /* capture or key ... */
	char *partial_is;  /* ... that has this value where the record goes on in the next line */
	char *partial_end; /* or: a rest without this text at its end goes on */
	struct level_map levels;
	struct field_levels *level_of; /* go before the level's own field */
	size_t nlevel_of;
	struct field_split *splits;
	size_t nsplits;
	struct paths files; /* names of files that it is for, as patterns of glob(7); none: any */
	enum level_scheme scheme;
	enum time_unit unit;
	bool day_first;
	struct paths time_formats; /* how times are written (time_by_format); none: in any way that is known */
	bool time_wins;            /* of an envelope: its time goes before the record's */
	unsigned no_repair;        /* bits of enum repair: lines that would need one are rejected */
	char *samples;             /* JSON text of "samples" */
	char *source;              /* the whole file, for `formats NAME` */
};

struct format_set {
	struct log_format *all;
	size_t n, room;
	const struct log_format *fallback; /* "default" */
	_Atomic bool later;                /* it is ours alone, and was not read yet */
};

/* The formats that are built in. 0 or -ENOMEM. */
int formats_built_in(struct format_set *set);

/* One of them alone. 0, -ENOENT or -ENOMEM; format_done(out) in any case. */
int format_built_in(const char *name, struct log_format *out);

/* Adds one from JSON text, before the others; it takes the place of one of the same name. 0, -EINVAL with a sentence in
 * *why (yours: free()), -E2BIG (FORMATS_MAX) or -ENOMEM. name: for the sentence. */
int formats_add(struct format_set *set, const char *name, const char *text, size_t len, char **why);
/* Fills set with all that a user has: ours, then $XDG_CONFIG_HOME/ilulog/formats (or ~/.config), then files; later ones
 * go before earlier ones. Where there are none but ours, they are read when somebody needs them. say is told what is
 * wrong with a file. 0, -EINVAL (told) or -ENOMEM; formats_done in any case. */
typedef void formats_say_fn(void *arg, const char *text);
int formats_known(struct format_set *set, char *const *files, size_t nfiles, formats_say_fn *say, void *arg);

/* Before the set is looked at: reads what was left for later, once, whichever thread asks. A reader of records does it
 * itself. 0 or -ENOMEM. */
int formats_need(struct format_set *set);

void formats_done(struct format_set *set);
const struct log_format *formats_find(const struct format_set *set, const char *name); /* NULL: none */

/* format_read.c: one format from its JSON, for format.c. Reads what schema/format.schema.json describes, and refuses
 * what it does not. 0, -EINVAL with a sentence in *why (yours: free()): name, the place in the JSON, what is wrong
 * there; or -ENOMEM. format_done(f) in any case. */
int format_read(const char *name, const char *text, size_t len, struct log_format *f, char **why);
void format_done(struct log_format *f);

/* Whether f is for a file of that name; a directory before it, or a packer's ending, does not matter. NULL: no file. */
bool format_for_file(const struct log_format *f, const char *path);

/* "a,b" as paths. */
int paths_parse(const char *text, struct paths *out);
void paths_done(struct paths *p);

/* Compiles a pattern: literals, `{name}` (up to a blank or to what follows it), `{name:int}`, `{name:number}` (digits,
 * perhaps with a fraction), `{name:3}` (three words), `{name:a|b}`, `{name:until}` (blanks and all, up to what follows
 * it), `{name:last}` (up to the last place where that stands), `{name:rest}`; a blank is any number of blanks, and a
 * line end begins the next line of a record of several. -EINVAL: a bracket without end, or two captures side by side.
 */
int pattern_parse(const char *text, struct pattern *out);
void pattern_done(struct pattern *p);

/* Holds text against a pattern; calls found for each capture. True where all of the text is matched. captures: at least
 * p->n. */
bool pattern_match(const struct pattern *p, struct slice text, struct slice *captures);

/* Whether a line fits the first line of a pattern of several; captures of what is behind it are SLICE_NONE. */
bool pattern_begins(const struct pattern *p, struct slice line, struct slice *captures);

/* The end of what a piece takes, with p at its start; NULL: it does not fit. */
const char *pattern_piece_end(const struct piece *piece, const char *p, const char *end);

/* How much of text a pattern fits, from its start; *piece: where it ends to. */
size_t pattern_reach(const struct pattern *p, struct slice text, const struct piece **piece);

/* Whether p does not fit text for a reason that stands before limit, and would be the same with other digits there and
 * with anything behind it. */
bool pattern_fails_before(const struct pattern *p, struct slice text, const char *limit);

#endif
