/* SPDX-License-Identifier: Apache-2.0 */
/* directive.h - which call sites speak: the filter language of EnvFilter.
 *
 *   filter     = directive *("," directive)          empty items are ignored
 *   directive  = level | target | [target] ["[" [span] ["{" field *("," field) "}"] "]"] ["=" level]
 *   field      = name ["=" value]
 *   value      = a bool, u64, i64 or f64 literal, else an anchored POSIX extended regular expression
 *   level      = off error warn info debug trace, in any case, or 0..5; absent: trace
 *
 * A directive without "[...]" is static: a target matches by plain string prefix and the most specific
 * (longest) one wins, not the most verbose. One with a span name or fields is dynamic: it switches its
 * level on inside every span that matches, whatever the static ones say; it never switches anything off.
 * A directive with field names alone ("[{tid}]=debug") is both: events that have all these fields, and
 * all spans, are enabled statically.
 *
 * Levels here are numbers, as in the language: 0 off, 1 error, 2 warn, 3 info, 4 debug, 5 trace. A site of
 * level l is enabled by a filter level f when l <= f.
 *
 * How a call-site pass uses it, for each site once whenever the filter changes:
 *
 *   DIRECTIVE_ON     always enabled; for a span this may be because a dynamic directive watches for it
 *   DIRECTIVE_OFF    never enabled
 *   DIRECTIVE_MAYBE  only inside spans whose directive_span_level() reaches the site's level
 *
 * and when a span is made: level = directive_span_level(...), kept with the span; the greatest level of the
 * entered spans is the one to compare with at a DIRECTIVE_MAYBE site. A span for which the function returns
 * 0 changes nothing. */
#ifndef DIRECTIVE_H
#define DIRECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits, named in the error message when hit. */
#define DIRECTIVE_MAX_TEXT      65536 /* bytes of a whole filter */
#define DIRECTIVE_MAX_COUNT     1024  /* directives in a filter */
#define DIRECTIVE_MAX_FIELDS    32    /* fields in a directive */
#define DIRECTIVE_MAX_REGEX     1024  /* bytes of one regular expression */
#define DIRECTIVE_MAX_COPIES    4096  /* characters of it with all repetitions written out */
#define DIRECTIVE_MAX_GROUPS    64    /* groups of it in one another: regcomp takes stack for each, 2.7 kB */
#define DIRECTIVE_MAX_NESTED    2     /* repetitions in one another of what may be empty, as in (x{0,9}*){0,9} */
#define DIRECTIVE_MAX_EMPTY     128   /* copies by them of what may be empty; where they are nested each counts for */
#define DIRECTIVE_NESTED_WEIGHT 16

enum directive_verdict {
	DIRECTIVE_OFF,
	DIRECTIVE_ON,
	DIRECTIVE_MAYBE,
};

/* What a filter is asked about: a call site. All borrowed for the call, none of it need end in NUL but keys. */
struct directive_site {
	const char *target;
	size_t target_len;
	const char *name; /* the span's name; not looked at for an event */
	size_t name_len;
	const char *const *keys; /* keys of the site's own fields ("tid" among them where it has one) */
	size_t key_count;
	uint8_t level; /* 1..5 */
	bool is_span;
};

enum directive_type {
	DIRECTIVE_BOOL,
	DIRECTIVE_I64,
	DIRECTIVE_U64,
	DIRECTIVE_F64,
	DIRECTIVE_STR,
	DIRECTIVE_OTHER, /* null, raw JSON: has the key, equals nothing */
};

/* A field a span was made with. Borrowed for the call. */
struct directive_value {
	const char *key;
	size_t key_len;
	enum directive_type type;
	union {
		bool b;
		int64_t i;
		uint64_t u;
		double f;
		struct {
			const char *text;
			size_t len;
		} s;
	};
};

/* Where and why a filter is wrong. */
struct directive_error {
	unsigned number; /* which directive, from 1; empty items count */
	unsigned column; /* byte of the whole filter at fault, from 1 */
	char text[320];  /* the whole message: `directive 2 ("bogus=xyz"), column 12: unknown level "xyz"` */
};

struct directive_set;

/* Parse a filter.
 *
 * text, len  the filter; borrowed for the call. "" is legal: nothing is logged.
 * out        the set: yours, free with directive_free. It never changes, so any number of threads may ask it.
 * error      filled on -EINVAL (syntax) and -E2BIG (a limit); may be NULL
 *
 * Returns 0, -EINVAL, -E2BIG or -ENOMEM; *out is untouched on error. */
int directive_parse(const char *text, size_t len, struct directive_set **out, struct directive_error *error);
void directive_free(struct directive_set *set);

/* The level that static directives without field names give a target, 0..5. */
unsigned directive_static_level(const struct directive_set *set, const char *target, size_t len);

/* Are there directives that depend on spans? If not, no site is DIRECTIVE_MAYBE and spans need not be asked about. */
bool directive_has_dynamic(const struct directive_set *set);

/* The greatest level any directive of the set can enable: a cheap first test. */
unsigned directive_max_level(const struct directive_set *set);

/* Is a call site on, off, or to be decided inside spans? */
enum directive_verdict directive_site(const struct directive_set *set, const struct directive_site *site);

/* Do dynamic directives watch for the spans of this site? If not, directive_span_level is 0 for all of them. */
bool directive_watches(const struct directive_set *set, const struct directive_site *site);

/* The level enabled inside a span of this site with these values, 0..5. Values of fields recorded later are
 * asked about by calling again with all values known so far. */
unsigned directive_span_level(const struct directive_set *set, const struct directive_site *site,
                              const struct directive_value *values, size_t count);

/* One directive after the other, the last written first; NULL begins and ends. Borrowed from the set. */
struct directive;
const struct directive *directive_next(const struct directive_set *set, const struct directive *after);

/* Has it anything to say about this site, whatever its level and the values of fields? A level alone has of all. */
bool directive_fits(const struct directive *directive, const struct directive_site *site);

/* Its target, and the name of its spans; NULL where it names none. Borrowed. */
const char *directive_names(const struct directive *directive, const char **span);

/* The name of the how manieth field it asks for, from 0; NULL: it asks for no more. Borrowed. */
const char *directive_key(const struct directive *directive, size_t i);

/* One as text, as directive_print. */
size_t directive_show(const struct directive *directive, char *out, size_t cap);

/* The parsed filter as text, most specific directive first, as a diagnostic. Writes at most cap bytes with the
 * final NUL and returns the length it would have, as snprintf does. */
size_t directive_print(const struct directive_set *set, char *out, size_t cap);

/* "info" -> 3, "0" -> 0, in any case; -EINVAL. */
int directive_level_parse(const char *text, size_t len);

#endif
