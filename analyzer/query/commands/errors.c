/* SPDX-License-Identifier: GPL-3.0-or-later */
/* errors.c - what went wrong, by message: how often, since when, for whom, with an example.
 *
 * Lines are one group when level and target agree, and message and `error` field have the same template
 * (base/template.h). */
#include "base/table.h"
#include "base/hash.h"
#include "base/array.h"
#include "query/commands/gathering.h"
#include "query/core/command.h"
#include "query/events/event_filter.h"
#include "base/template.h"
#include "query/core/match.h"
#include "query/events/mask.h"
#include "ingest/line.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct group {
	char *key; /* run, level, target, message, error, the last two masked, with a NUL between them */
	size_t key_len;
	char *level, *target, *message, *error, *tid; /* of the first line */
	char *last_tid;                               /* lines of one transaction mostly follow each other */
	int64_t run, offset_s, lines, transactions, first_ns, last_ns;
};

struct errors {
	struct group **all; /* in order of their first line read */
	size_t n, room;
	struct table at; /* by key */
	struct text key;
};

/* NULL where there is none. False: no memory. */
static bool plain(struct slice escaped, char **out)
{
	char *p = escaped.ptr ? malloc(3 * escaped.len + 1) : NULL;

	if (p)
		p[json_unescape(escaped, p)] = 0;
	*out = p;
	return p || !escaped.ptr;
}

static void group_free(struct group *g)
{
	if (!g)
		return;
	free(g->key);
	free(g->level);
	free(g->target);
	free(g->message);
	free(g->error);
	free(g->tid);
	free(g->last_tid);
	free(g);
}

void errors_free(struct errors *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++)
		group_free(g->all[i]);
	free(g->all);
	table_done(&g->at);
	text_done(&g->key);
	free(g);
}

/* What went wrong: the field of that name, or the one that the format names. */
static bool error_of(const struct event *e, struct slice *out)
{
	return event_field(e, "error", out) || (e->head->as_error && event_as_value(e, "as_error", out));
}

static void make_key(struct text *key, const struct event *e)
{
	struct slice parts[] = {e->head->level, e->head->target}, error;

	text_printf(key, "%lld", (long long)e->run);
	for (size_t i = 0; i < 2; i++) {
		text_add(key, "", 1);
		text_add(key, parts[i].ptr ? parts[i].ptr : "", parts[i].len);
	}
	text_add(key, "", 1);
	mask_escaped(key, event_message(e), TEMPLATE_VALUE);
	text_add(key, "", 1);
	if (error_of(e, &error))
		mask_escaped(key, error, TEMPLATE_VALUE);
}

static struct group *group_new(struct errors *gs, const struct event *e, const struct text *key)
{
	struct group *g = calloc(1, sizeof *g);
	struct slice error = SLICE_NONE;

	if (!g || array_reserve(gs->all, gs->room, gs->n + 1)) {
		free(g);
		return NULL;
	}
	if (!error_of(e, &error) && !event_field(e, "msg", &error))
		error = SLICE_NONE;
	g->tid = e->tid.ptr ? strndup(e->tid.ptr, e->tid.len) : NULL;
	g->key = malloc(key->len);
	if (!plain(e->head->level, &g->level) || !plain(e->head->target, &g->target) ||
	    !plain(event_message(e), &g->message) || !plain(error, &g->error) || (e->tid.ptr && !g->tid) || !g->key) {
		group_free(g);
		return NULL;
	}
	memcpy(g->key, text_str(key), key->len);
	g->key_len = key->len;
	g->run = e->run;
	g->first_ns = g->last_ns = e->time_ns;
	gs->all[gs->n++] = g;
	return g;
}

static struct group *find(const struct errors *gs, uint64_t hash, const struct text *key)
{
	struct table_walk w;

	for (uint32_t i = table_first(&w, &gs->at, hash); i != TABLE_NONE; i = table_next(&w))
		if (gs->all[i]->key_len == key->len && !memcmp(gs->all[i]->key, text_str(key), key->len))
			return gs->all[i];
	return NULL;
}

static int add(void *arg, const struct event *e)
{
	struct errors *gs = arg;
	struct text *key = &gs->key;
	struct group *g;
	uint64_t hash;

	text_reset(key);
	make_key(key, e);
	if (key->failed || event_error(e))
		return key->failed ? -ENOMEM : event_error(e);
	hash = hash_bytes(text_str(key), key->len, 0);
	g = find(gs, hash, key);
	if (!g) {
		g = group_new(gs, e, key);
		if (!g || table_add(&gs->at, hash, (uint32_t)gs->n - 1))
			return -ENOMEM;
	}
	g->lines++;
	g->first_ns = e->time_ns < g->first_ns ? e->time_ns : g->first_ns;
	g->last_ns = e->time_ns > g->last_ns ? e->time_ns : g->last_ns;
	if (e->tid.ptr &&
	    (!g->last_tid || strlen(g->last_tid) != e->tid.len || memcmp(g->last_tid, e->tid.ptr, e->tid.len))) {
		free(g->last_tid);
		g->last_tid = strndup(e->tid.ptr, e->tid.len);
		g->transactions++;
		if (!g->last_tid)
			return -ENOMEM;
	}
	return event_error(e);
}

/* ---- groups that are one ---- */

enum { KEY_MESSAGE = 3, KEY_ERROR, KEY_PARTS }; /* before them run, level, target */

static void key_parts(const struct group *g, struct slice *out)
{
	const char *p = g->key, *end = g->key + g->key_len;

	for (int i = 0; i < KEY_PARTS; i++) {
		const char *nul = i + 1 < KEY_PARTS ? memchr(p, 0, (size_t)(end - p)) : NULL;

		out[i] = (struct slice){p, (size_t)((nul ? nul : end) - p)};
		p = nul ? nul + 1 : end;
	}
}

/* Of each group the template of a part of its key, among groups of the same kind. */
static int templates_of(const struct errors *gs, int part, const uint32_t *kind, uint32_t *of)
{
	struct intern texts, pairs, templates;
	struct template_text *v = malloc((gs->n + 1) * sizeof *v);
	uint32_t *pair = malloc((gs->n + 1) * sizeof *pair), *merged = malloc((gs->n + 1) * sizeof *merged);
	int rc = v && pair && merged ? 0 : -ENOMEM;

	intern_init(&texts);
	intern_init(&pairs);
	intern_init(&templates);
	for (size_t i = 0; i < gs->n && !rc; i++) {
		struct slice parts[KEY_PARTS];
		struct template_text t = {kind[i], 0};

		key_parts(gs->all[i], parts);
		if (!(rc = intern_add(&texts, parts[part], &t.text)) &&
		    !(rc = intern_add(&pairs, (struct slice){(const char *)&t, sizeof t}, &pair[i])))
			v[pair[i]] = t;
	}
	if (!rc)
		rc = template_merge(&texts, v, pairs.n, &templates, merged);
	for (size_t i = 0; i < gs->n && !rc; i++)
		of[i] = merged[pair[i]];
	intern_done(&texts);
	intern_done(&pairs);
	intern_done(&templates);
	free(v);
	free(pair);
	free(merged);
	return rc;
}

static void unite(struct group *to, const struct group *from)
{
	to->lines += from->lines;
	to->transactions += from->transactions;
	to->first_ns = from->first_ns < to->first_ns ? from->first_ns : to->first_ns;
	to->last_ns = from->last_ns > to->last_ns ? from->last_ns : to->last_ns;
}

/* Groups of the same run, level, target and templates become the first of them. */
static int unite_same(struct errors *gs, const uint32_t *kind, const uint32_t *message, const uint32_t *error)
{
	struct intern same;
	size_t kept = 0;
	int rc = 0;

	intern_init(&same);
	for (size_t i = 0; i < gs->n && !rc; i++) {
		uint32_t key[] = {kind[i], message[i], error[i]}, number;

		rc = intern_add(&same, (struct slice){(const char *)key, sizeof key}, &number);
		if (rc || number == kept) {
			gs->all[kept++] = gs->all[i];
			continue;
		}
		unite(gs->all[number], gs->all[i]);
		group_free(gs->all[i]);
	}
	gs->n = kept;
	intern_done(&same);
	return rc;
}

static int merge(struct errors *gs)
{
	uint32_t *kind = malloc((gs->n + 1) * sizeof *kind), *message = malloc((gs->n + 1) * sizeof *message),
	         *error = malloc((gs->n + 1) * sizeof *error);
	struct intern kinds;
	int rc = kind && message && error ? 0 : -ENOMEM;

	intern_init(&kinds);
	for (size_t i = 0; i < gs->n && !rc; i++) {
		struct slice parts[KEY_PARTS];

		key_parts(gs->all[i], parts);
		rc = intern_add(&kinds,
		                (struct slice){parts[0].ptr, (size_t)(parts[KEY_MESSAGE].ptr - 1 - parts[0].ptr)},
		                &kind[i]);
	}
	if (!rc)
		rc = templates_of(gs, KEY_MESSAGE, kind, message);
	if (!rc)
		rc = templates_of(gs, KEY_ERROR, kind, error);
	if (!rc)
		rc = unite_same(gs, kind, message, error);
	intern_done(&kinds);
	free(kind);
	free(message);
	free(error);
	return rc;
}

static int by_count(const void *a, const void *b)
{
	const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;

	if (strcmp(x->level ? x->level : "", y->level ? y->level : ""))
		return strcmp(x->level ? x->level : "", y->level ? y->level : "");
	if (x->lines != y->lines)
		return x->lines < y->lines ? 1 : -1;
	return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

static void find_offsets(struct query *q, struct errors *gs)
{
	for (size_t i = 0; i < gs->n && !q->status; i++)
		gs->all[i]->offset_s = query_clock(q, gs->all[i]->run, gs->all[i]->first_ns);
}

/* For people what tells most; for programs all of it. */
static const struct {
	struct column column;
	bool people;
} known[] = {
    {{"offset_s", UNIT_OFFSET}, true},     {{"run", UNIT_RUN}, true},
    {{"level", UNIT_LEVEL}, true},         {{"lines", UNIT_COUNT}, true},
    {{"transactions", UNIT_COUNT}, false}, {{"first_ns", LESS(UNIT_TIME)}, true},
    {{"last_ns", UNIT_TIME}, false},       {{"example_tid", LESS(UNIT_ID)}, true},
    {{"message", UNIT_NONE}, true},        {{"target", UNIT_TARGET}, false},
    {{"error", UNIT_NONE}, true},
};

enum { KNOWN = sizeof known / sizeof *known };

static bool put_group(struct query *q, struct table *t, const struct group *g, const bool *shown)
{
	struct cell all[KNOWN] = {
	    CELL_OF_INT(g->offset_s),     CELL_OF_INT(g->run),      cell_of_text(g->level),  CELL_OF_INT(g->lines),
	    CELL_OF_INT(g->transactions), CELL_OF_INT(g->first_ns), CELL_OF_INT(g->last_ns), cell_of_text(g->tid),
	    cell_of_text(g->message),     cell_of_text(g->target),  cell_of_text(g->error),
	};
	struct cell cells[KNOWN];
	size_t n = 0;

	for (size_t i = 0; i < KNOWN; i++)
		if (shown[i])
			cells[n++] = all[i];
	return query_table_row(q, t, cells);
}

static void put(struct query *q, const struct errors *gs)
{
	bool people = q->out->format != FORMAT_CSV && q->out->format != FORMAT_JSON;
	struct column columns[KNOWN];
	bool shown[KNOWN];
	struct table *t;
	size_t n = 0;

	for (size_t i = 0; i < KNOWN; i++) {
		shown[i] = !people || known[i].people;
		if (shown[i])
			columns[n++] = known[i].column;
	}
	t = query_table_open(q, columns, n);
	for (size_t i = 0; i < gs->n; i++)
		if (!put_group(q, t, gs->all[i], shown))
			break;
	query_table_close(q, t);
}

int errors_read(struct store *s, int64_t run, const char *level, struct errors **out)
{
	struct errors *gs = calloc(1, sizeof *gs);
	struct event_filter f;
	int rc;

	if (!gs)
		return -ENOMEM;
	event_filter_of_level(&f, run, level_rank((struct slice){level, strlen(level)}));
	f.errors_too = true;
	rc = event_filter_read(s, &f, add, gs);
	event_filter_done(&f);
	if (!rc)
		rc = merge(gs);
	if (rc)
		errors_free(gs);
	else
		*out = gs;
	return rc;
}

/* As the options have it. NULL: failed. */
static struct errors *read_chosen(struct query *q)
{
	struct errors *gs = calloc(1, sizeof *gs);
	struct event_filter f;

	event_filter_init(q, &f);
	if (!args_has(q->args, "level"))
		f.most_verbose = 0;
	f.errors_too = true;
	if (query_ok(q, gs ? 0 : -ENOMEM, q->command))
		event_filter_each(q, &f, add, gs);
	if (!q->status)
		query_ok(q, merge(gs), q->command);
	event_filter_done(&f);
	return gs;
}

static void run(struct query *q)
{
	struct errors *own = q->gathered && q->gathered->errors ? NULL : read_chosen(q), *gs = own ? own
	                                                                                       : q->gathered
	                                                                                           ? q->gathered->errors
	                                                                                           : NULL;

	if (!q->status) {
		find_offsets(q, gs);
		if (gs->n)
			qsort(gs->all, gs->n, sizeof *gs->all, by_count);
		put(q, gs);
		if (!q->status && !gs->n)
			query_note(q, "no line of that level");
	}
	errors_free(own);
}

static const struct option_spec options[] = {
    {.name = "level",
     .letter = 'l',
     .value = "LEVEL",
     .help = "of this level or a graver one; default error",
     .hint = HINT_LEVEL},
    OPTION_TID,
    OPTION_TARGET,
    OPTION_SINCE,
    OPTION_UNTIL,
    OPTION_LIMIT,
    OPTION_RUN,
    {0},
};

const struct command command_errors = {
    .name = "errors",
    .group = GROUP_LINES,
    .help = "what went wrong: errors by message, with counts and an example",
    .more =
        "Lines are one group when level and target agree and message and field `error` differ only in what varies: "
        "numbers, ids, paths, names (table pattern). Of another program's line the field that its format calls `error` "
        "counts, and makes it one of them where it has no level.\n"
        "transactions counts changes of the transaction from one line of the group to the next.",
    .examples = "errors\nerrors --level warn",
    .options = options,
    .need = NEED_READ,
    .run = run,
    .columns = &known[0].column,
    .ncolumns = KNOWN,
    .column_stride = sizeof *known,
};
