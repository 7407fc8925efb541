/* SPDX-License-Identifier: GPL-3.0-or-later */
/* layer.h - a record while it is read: layers of fields, private to record.c and its neighbours.
 *
 * A line is a pile of layers: the envelope that a container runtime put around it, perhaps another one that a collector
 * put around that, and the record that the program wrote. Nothing is copied but texts that have to be unescaped before
 * what is inside them can be read. */
#ifndef INGEST_LAYER_H
#define INGEST_LAYER_H

#include "ingest/members.h"
#include "ingest/record.h"

#define RECORD_TOO_MANY "more than 4096 keys" /* RECORD_MAX_KEYS, LINE_MAX_KEYS */

enum field_kind { FIELD_STRING, FIELD_SCALAR, FIELD_JSON, FIELD_TEXT };

struct field {
	struct slice key, value; /* FIELD_STRING with its JSON escapes, FIELD_TEXT without */
	uint8_t kind;
	bool used;      /* it has a role, or was opened */
	bool plain_key; /* the key is no inside of a JSON string */
	uint8_t looked; /* bits of the roles that it was looked at for, or into; only where the record is watched */
	uint8_t taken;  /* of those that it is the value of, as a whole */
	bool pointed;   /* the reading names it for a role of spans, error or worker */
};

struct layer {
	struct field *fields;
	size_t n, room;
	const struct log_format *format; /* NULL: none fits */
	const struct pattern *pattern;   /* that the text fits; NULL: it is no such layer */
	struct slice message;            /* of a layer whose rest is plain text */
	struct slice escaped,
	    plain; /* the JSON text in one of its fields that was opened, as it is there and unescaped */
};

/* A value that was found by its path. */
struct found {
	enum field_kind kind;
	struct slice value;
	struct field *field; /* the one that it is, or is in */
	bool whole;          /* it is that field */
};

struct record {
	struct layer layers[RECORD_LAYERS];
	unsigned n;
	char **texts; /* unescaped ones */
	size_t ntexts, texts_room;
	bool no_memory;
	const char *reason;
	bool quoted;    /* of RECORD_OPEN: it is a text in quotes that goes on */
	unsigned lines; /* of RECORD_OPEN: at most so many, as a pattern has them */
	bool several;   /* in: it is of several lines, and only patterns of so many count */
	bool composed;  /* time, message or transaction are no stretch of the line, or fields are taken apart */
	bool watched;   /* in: fields remember who looked at them */
	enum role looking;
};

/* layer.c. Where memory or a limit ends, the record remembers: no_memory, reason. */
struct layer *layer_add(struct record *r, const struct log_format *f);
bool layer_field(struct record *r, struct layer *l, struct field f);
enum field_kind field_kind_of(enum slot_kind kind);
/* The value at a path; the first field of that name counts. */
bool layer_find(struct layer *l, const char *path, struct found *out);
static inline bool path_is_template(const char *path)
{
	return strchr(path, '{') != NULL;
}
/* Empty, null or all zeros: as if it was not there. */
bool found_is_nothing(const struct found *v);
/* Texts that live as long as the record, with slack behind them; ptr NULL: no memory. */
char *record_text_room(struct record *r, size_t len);
struct slice record_text_copy(struct record *r, struct slice text);
struct slice record_text_unescape(struct record *r, struct slice escaped);

/* open.c: text as layers, from the outside to the record inside. *inside: of an envelope, what is in it. */
enum record_verdict layers_read(struct record_reader *rr, struct record *r, struct slice text, struct slice *inside);

/* pairs.c: key=value at *p, which moves behind it; false: there is none, and *p may be anywhere. */
bool pair_read(const char **p, const char *end, struct field *f);
bool pair_key_char(char c);
/* The members of an object become fields of the layer; false: as layer_field. */
bool object_open(struct record *r, struct layer *l, struct slice object);
/* A captured text that ends in pairs, or in an object behind a tab: they become fields, and the text is what stands
 * before them, without its quotes if it is in some. One with too many of them stays as it is. Of spans the fields.
 * False: no memory. */
bool tail_open(struct record *r, struct layer *l, const char *path);

/* Does a piece take spans as tracing prints them, `outer{a=1}:inner{b=2`, up to the last brace? And is what it has
 * captured such spans, the last of which that brace closes? */
bool piece_is_spans(const struct piece *piece);
bool spans_are(struct slice captured);

/* csv.c: a line as the columns of a format. RECORD_EVENT; RECORD_OPEN: in quotes it goes on behind the end of text;
 * RECORD_TEXT: it is of no such format. */
enum record_verdict csv_read(struct record_reader *rr, struct record *r, struct slice text);

/* Whether a pattern of f is the first that fits a text without blanks around it, as layers_read goes through them.
 * captures: of that pattern, LAYER_CAPTURES of them. */
#define LAYER_CAPTURES 64
bool layers_pattern_first(const struct record_reader *rr, const struct log_format *f, const struct pattern *p,
                          struct slice text, struct slice *captures);

/* Whether a text in an envelope is surely no record: neither JSON, logfmt nor columns, and no pattern fits. */
bool layers_no_record(const struct record_reader *rr, struct slice text);

/* Whether that is so for every text that differs from this one in digits before limit and in what is behind it. */
bool layers_pattern_sure(const struct record_reader *rr, const struct log_format *f, const struct pattern *p,
                         struct slice text, const char *limit);

/* role.c: what the fields mean. */
struct roles_found;
typedef bool take_fn(struct record_reader *rr, const struct layer *l, const struct found *v, void *out);
/* Notes that a layer's field v, or those that a path leads into, were looked at for r->looking. */
void look_note(struct record_reader *rr, struct layer *l, const char *path, const struct found *v);
/* The text of a template, "{date} {clock}", added to b; false: one of its values is not there, or no text or number.
 * used: its fields have a role from now on. */
bool layer_compose(struct record_reader *rr, struct layer *l, const char *template, bool used, struct bytes *b);
/* open.c: whether a layer has all of these keys, for r->looking. */
bool layer_has_keys(struct record_reader *rr, struct layer *l, const struct format_key *keys, size_t n);
/* pointed.c: spans, errors and workers, behind the roles of the reading. text: it is no record, and no span's. */
void pointed_find(struct record_reader *rr, bool text, struct roles_found *out);
struct time_found {
	bool there, odd;
	bool since_start; /* there is one that counts from a start, inside of something that may know better ... */
	bool any;         /* ... and that does */
	int64_t ns, offset_s;
	struct slice odd_text; /* that stood where the time should be */
};

struct level_found {
	enum level level;
	struct slice text; /* as written */
	bool there, json;
};

struct text_found {
	struct slice text;
	enum field_kind kind;
	bool there;
};

enum span_line { SPAN_LINE_NONE, SPAN_LINE_BEGIN, SPAN_LINE_END, SPAN_LINE_WHOLE };

struct roles_found {
	struct time_found time;
	struct level_found level;
	struct text_found message, target, tid;
	enum span_line span_line;
	const struct log_format *span_format; /* by which it is one */
	const char *pair;                     /* "sent" or "received"; NULL: neither */
	const char *pointed[ROLES];           /* from ROLES_OF_READING on: where it stands; NULL: nowhere */
};

/* A text as a time, by the format's own ways of writing one; else by all that are known. As time_text. */
int time_of_format(const struct log_format *f, struct slice text, struct spelt *out);

/* UTC minus the zone's clock when it showed ns. In the hour that comes twice the order of the file decides. */
int64_t record_zone_at(struct record_reader *rr, int64_t ns);
/* Fields that have a role are marked as used. text: plain text in an envelope, which is the message. */
void roles_find(struct record_reader *rr, bool text, struct roles_found *out);

/* Is field k of a layer among the reading's fields? They stand there from the innermost layer to the outermost. */
bool reading_has(const struct record *r, unsigned layer, size_t k);

/* reading.c: the event line that says the same, in rr->reading; out's reading, tid and time. Of more keys than a line
 * may have *out becomes RECORD_BROKEN. 0 or -ENOMEM. */
int reading_write(struct record_reader *rr, struct record_result *out);

#endif
