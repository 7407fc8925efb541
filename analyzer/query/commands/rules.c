/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules.c - the command `rules`: what a rules file explains of what is loaded, and rules found in it. */
#include "infer/infer.h"
#include "model/condition.h"
#include "model/cover.h"
#include "query/core/command.h"
#include "query/core/outfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGES 20 /* that no rule knows, where --limit does not say */

static struct cell share_of(int64_t part, int64_t all)
{
	return all ? CELL_OF_REAL((double)part / (double)all) : CELL_OF_NULL;
}

/* Rows of one answer: explained NO_NS: not counted. */
static void put(struct query *q, struct table *t, const char *what, struct cell name, int64_t explained, int64_t of,
                struct cell note)
{
	query_table_row(q, t,
	                (struct cell[]){cell_of_text(what), name, CELL_OF_INT(explained), CELL_OF_INT(of),
	                                share_of(explained, of), note});
}

static struct cell said_of_phase(const struct cover_phase *p)
{
	if (!p->requests)
		return cell_of_text("not in this log");
	if (p->backwards == p->rows)
		return cell_of_text("it always ends before it begins: from and to are the wrong way round");
	if (p->covered == p->rows)
		return cell_of_text("a phase that stands before it in the file always has its time");
	return CELL_OF_NULL;
}

static void put_phases(struct query *q, struct table *t, const struct rules *r, const struct cover *c)
{
	static const char *const why[] = {
	    [COVER_NOT_GIVEN] = "no message gives \"%s\"",
	    [COVER_OF_ATTEMPT] = "\"%s\" is each attempt's, and the phase is not \"of\": \"attempt\"",
	    [COVER_WITHOUT] = "it needs \"%s\", and is to be without it",
	};

	for (unsigned i = 0; i < r->nphases; i++) {
		const char *moment = "";
		enum cover_cause never = cover_never(r, &r->phase[i], &moment);
		char note[300];
		int n = snprintf(note, sizeof note, "can never be found: ");

		if (never)
			snprintf(note + n, sizeof note - (size_t)n, why[never], moment);
		q->alarm |= never != COVER_CAN_BE;
		put(q, t, "phase", cell_of_text(r->phase[i].name), c->phase[i].requests, c->requests,
		    never ? cell_of_text(note) : said_of_phase(&c->phase[i]));
	}
}

/* Rules that speak of no line: a word that is misspelt, or what did not happen. */
static void put_silent(struct query *q, struct table *t, const struct rules *r, const struct cover *c)
{
	int64_t shown = 0;

	for (unsigned i = 0; i < r->nrules && shown < q->limit; i++) {
		const struct rule *rule = &r->rule[i];
		struct slice which = !rule->any        ? rule->template.ptr ? rule->template : rule->message
		                     : rule->level.ptr ? rule->level
		                     : rule->span.ptr  ? rule->span
		                                       : rule->target;

		if (c->rule[i])
			continue;
		put(q, t, "rule",
		    which.ptr ? cell_of_bytes(which.ptr, which.len) : cell_of_text(rule->where->field.name), 0,
		    c->lines, cell_of_text(rule->nwhere ? "no line, or none for which \"where\" holds" : "no line"));
		shown++;
	}
}

static void put_unknown(struct query *q, struct table *t, const struct cover *c)
{
	for (uint32_t i = 0; i < c->nunknown && i < q->limit; i++) {
		const struct cover_unknown *u = &c->unknown[i];
		struct slice name = intern_text(&c->texts, u->template), example = intern_text(&c->texts, u->example);

		put(q, t, "unknown message", cell_of_bytes(name.ptr, name.len), 0, u->lines,
		    cell_of_bytes(example.ptr, example.len));
	}
}

static void check(struct query *q, const struct rules *r)
{
	static const struct column columns[] = {{"what", UNIT_NONE}, {"name", UNIT_NONE},   {"explained", UNIT_NONE},
	                                        {"of", UNIT_NONE},   {"share", UNIT_SHARE}, {"note", UNIT_NONE}};
	struct cover c = {0};

	if (query_ok(q, cover_read(q->store, r, &c), "rules check")) {
		struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);

		put(q, t, "lines", CELL_OF_NULL, c.known, c.lines, CELL_OF_NULL);
		put(q, t, "lines of requests", CELL_OF_NULL, c.known_of_requests, c.of_requests, CELL_OF_NULL);
		put(q, t, "transactions", CELL_OF_NULL, c.requests, c.transactions,
		    c.requests ? CELL_OF_NULL : cell_of_text("no line says that a request arrived"));
		put(q, t, "ended requests", CELL_OF_NULL, c.ended, c.requests, CELL_OF_NULL);
		if (rules_name_parents(r))
			put(q, t, "requests inside others", CELL_OF_NULL, c.parents, c.nested,
			    c.parents < c.nested ? cell_of_text("of the others the parent has no line") : CELL_OF_NULL);
		put(q, t, "time of requests, ns", CELL_OF_NULL, c.explained_ns, c.time_ns, CELL_OF_NULL);
		put_phases(q, t, r, &c);
		put_silent(q, t, r, &c);
		put_unknown(q, t, &c);
		query_table_close(q, t);
	}
	cover_done(&c);
}

/* ---- infer ---- */

static void write_rules(struct query *q, const char *path, const char *text)
{
	struct outfile f;

	if (!path || !strcmp(path, "-"))
		fprintf(q->out->file, "%s\n", text);
	else if (outfile_open(q, &f, path)) {
		fprintf(f.file, "%s\n", text);
		outfile_close(q, &f);
	}
}

static void infer(struct query *q)
{
	const char *path = args_value(q->args, "output");
	struct inferred found = {0};

	if (!query_ok(q, infer_rules(q->store, query_run(q), &found), "rules infer") || q->status)
		goto out;
	if (!found.text && !found.why &&
	    !query_ok(q, infer_without_tids(q->store, query_run(q), &found), "rules infer"))
		goto out;
	if (!found.text) {
		query_note(q, "%s", found.why);
		query_stop(q, FINDINGS);
		goto out;
	}
	write_rules(q, path, found.text);
	if (!q->status)
		query_note(q, "%s", found.why);
out:
	inferred_done(&found);
}

static void run(struct query *q)
{
	const struct args *a = q->args;
	char *text = NULL, *why = NULL;
	struct rules *r = NULL;
	size_t len = 0;
	int rc;

	if (!strcmp(a->words[0], "infer") && a->nwords == 1) {
		infer(q);
		return;
	}
	if (strcmp(a->words[0], "check") || a->nwords != 2) {
		query_fail(q, USAGE, "rules %s: it is rules check FILE, or rules infer [-o FILE]", a->words[0]);
		return;
	}
	rc = rules_read_file(a->words[1], &text, &len, &why);
	if (!rc)
		rc = rules_parse(text, len, a->words[1], &r, &why);
	if (rc)
		query_fail(q, rc == -ENOMEM ? SYSTEM : USAGE, "%s", why ? why : a->words[1]);
	else
		check(q, r);
	rules_free(r);
	free(text);
	free(why);
}

static const struct option_spec options[] = {
    {.name = "limit", .letter = 'n', .value = "N", .help = "at most N unknown messages; 0: all"},
    {.name = "output",
     .letter = 'o',
     .value = "FILE",
     .help = "where infer writes; default standard output",
     .hint = HINT_FILE},
    OPTION_RUN,
    {0},
};

const struct command command_rules = {
    .name = "rules",
    .group = GROUP_DATA,
    .words = "check FILE|infer",
    .least = 1,
    .most = 2,
    .hint = HINT_FILE,
    .help = "how much a rules file explains; rules found in the log itself",
    .more = "check FILE: of the lines, of the transactions, of the time of requests; each phase with the number of "
            "times that it\n"
            "was found; rules that speak of no line; messages of requests that the file does not know. The database "
            "keeps its own rules. Exit "
            "status 1 where\n"
            "a phase can never be found, because no message gives a moment of it.\n\n"
            "infer: finds how requests begin and end, their phases, functions and failures in the log itself, and "
            "writes a rules\n"
            "file with the evidence. Exit status 1 where there are no requests.",
    .examples = "rules check shop.json\nrules infer -o mine.json",
    .options = options,
    .limit = MESSAGES,
    .own_limit = true,
    .need = NEED_READ,
    .run = run,
};
