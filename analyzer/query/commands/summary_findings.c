/* SPDX-License-Identifier: GPL-3.0-or-later */
/* summary_findings.c - storms, hangs, silence, failed mounts and broken rules as one sentence each, however many there
 * are of a kind. */
#include "query/commands/summary.h"
#include "base/sql.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Findings of one rule and one run; of some rules also of one cause. The first is the one that is told. */
struct kind {
	const struct finding *first;
	int64_t n;
};

typedef void say_fn(struct query *q, const struct kind *k, struct text *t);

static const char *detail(const struct finding *f, const char *name)
{
	for (size_t i = 0; i < f->ndetails; i++)
		if (!strcmp(f->detail[i].name, name))
			return f->detail[i].value ? f->detail[i].value : "";
	return NULL;
}

/* The part of a cycle that says why: the first message with a word of failure, else the first. */
static struct slice telling_part(const char *cause)
{
	static const char *const words[] = {"can't",  "cannot",  "could not", "insufficient", "fail",
	                                    "unable", "refused", "denied",    "timed out",    "error"};
	const char *from = cause ? cause : "", *end;
	struct slice first = {from, strcspn(from, ">")};

	for (; *from; from = end) {
		size_t len;

		end = strstr(from, " > ");
		len = end ? (size_t)(end - from) : strlen(from);
		end = end ? end + 3 : from + len;
		if (from == cause)
			first.len = len;
		for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
			const char *at = strcasestr(from, words[w]);

			if (at && at < from + len)
				return (struct slice){from, len};
		}
	}
	return first;
}

static void say_storm(struct query *q, const struct kind *k, struct text *t)
{
	const struct finding *f = k->first;
	const char *share = detail(f, "share_of_lines");
	struct slice part = telling_part(f->cause);

	text_puts(t, "A storm: one transaction went round ");
	say_count(t, f->count);
	text_puts(t, " times in ");
	say_duration(q, t, f->last_ns - f->first_ns);
	text_puts(t, " without progress, ");
	say_quoted(t, part.ptr, part.len);
	if (share) {
		text_puts(t, " (");
		say_share(t, strtod(share, NULL));
		text_puts(t, " of all lines)");
	}
	if (k->n > 1) {
		text_puts(t, "; ");
		say_several(t, k->n - 1, "more transaction");
		text_puts(t, " did so");
	}
}

static int64_t longest_completed(struct query *q, int64_t run)
{
	return query_number(q,
	                    "SELECT coalesce(max(end_ns - start_ns), 0) FROM invocation WHERE run = ?1 AND status <> "
	                    "'unfinished'",
	                    run);
}

static void say_hang(struct query *q, const struct kind *k, struct text *t)
{
	const struct finding *f = k->first;
	const char *function = detail(f, "function_name"), *worker = detail(f, "worker");

	say_several(t, k->n, "function");
	text_puts(t, " never returned and hold");
	text_printf(t, "%s %s of ", k->n == 1 ? "s" : "", k->n == 1 ? "a slot" : "their slots");
	text_puts(t, worker ? worker : "their worker");
	if (f->count) {
		text_puts(t, "; ");
		say_several(t, f->count, "invocation");
		text_printf(t, " wait%s behind %s", f->count == 1 ? "s" : "", k->n == 1 ? "it" : "them");
	}
	text_printf(t, " (%s for ", function ? function : "one");
	say_duration(q, t, f->last_ns - f->first_ns);
	text_puts(t, "; the longest that completed took ");
	say_duration(q, t, longest_completed(q, f->run));
	text_puts(t, ")");
}

static void say_cut_off(struct query *q, const struct kind *k, struct text *t)
{
	(void)q;
	say_several(t, k->n, "invocation");
	text_printf(t, " %s executing when the log ended", k->n == 1 ? "was" : "were");
}

static void say_silence(struct query *q, const struct kind *k, struct text *t)
{
	const struct finding *f = k->first;
	const char *worker = detail(f, "worker");

	text_printf(t, "%s fell silent ", worker ? worker : "a log");
	say_duration(q, t, f->last_ns - f->first_ns);
	text_puts(t, " before the last line of its run");
	if (f->count) {
		text_puts(t, ", with ");
		say_several(t, f->count, "span");
		text_puts(t, " open");
	}
	if (k->n > 1) {
		text_puts(t, "; ");
		say_several(t, k->n - 1, "more log");
		text_puts(t, " did so");
	}
}

static void say_mount(struct query *q, const struct kind *k, struct text *t)
{
	const struct finding *f = k->first;
	const char *certainty = detail(f, "certainty");

	(void)q;
	text_puts(t, f->message ? f->message : "");
	if (certainty)
		text_printf(t, " (%s)", certainty);
	if (k->n > 1) {
		text_puts(t, "; ");
		say_several(t, k->n - 1, "more");
		text_puts(t, " of the same cause");
	}
}

/* Of how many, and for how long somebody waited for them. */
static void say_given_up(struct query *q, const struct kind *k, struct text *t)
{
	static const char of[] = " of the load generator ";
	const char *message = k->first->message ? k->first->message : "", *at = strstr(message, of),
	           *gave_up = detail(k->first, "gave_up_after_s");
	int64_t all = query_number(q, "SELECT count(*) FROM invocation WHERE run = ?1", k->first->run);

	say_count(t, k->first->count);
	text_puts(t, " of ");
	say_several(t, all, "invocation");
	text_printf(t, " %s: %s", at ? at + sizeof of - 1 : message, k->first->cause ? k->first->cause : "");
	if (gave_up) {
		text_puts(t, " (after ");
		say_duration(q, t, (int64_t)(strtod(gave_up, NULL) * 1e9));
		text_puts(t, ")");
	}
}

/* What a finding says by itself. */
static void say_message(struct query *q, const struct kind *k, struct text *t)
{
	const struct finding *f = k->first;

	(void)q;
	text_puts(t, f->message ? f->message : "");
	if (f->cause)
		text_printf(t, ": %s", f->cause);
	if (k->n > 1) {
		text_puts(t, "; ");
		say_several(t, k->n - 1, "more finding");
		text_puts(t, " of this kind");
	}
}

/* In the order in which they are told. Rules that are not here are lint's. */
static const struct rule {
	const char *name, *command;
	say_fn *say;
	bool by_cause; /* a sentence for each cause */
	bool grave;    /* an error to whoever waited, however sure its finding is */
} rules[] = {
    {"storm", "storms", say_storm, false, false},        {"hang", "hangs", say_hang, false, false},
    {"silence", "hangs", say_silence, false, false},     {"given-up", "hangs", say_given_up, true, true},
    {"never-started", "hangs", say_message, true, true}, {"mount", "diagnose mount", say_mount, true, false},
    {"never-ended", "hangs", say_message, true, true},   {"cut-off", "hangs", say_cut_off, false, false},
    {NULL, "lint", say_message, false, false},
};

static const struct rule *rule_of(const struct finding *f)
{
	const struct rule *r = rules;

	while (r->name && strcmp(r->name, f->rule))
		r++;
	return r;
}

/* Notes say what is usual, but for one: a secret may have got out. And what hangs is unfinished. */
static bool worth_telling(const struct finding *f)
{
	if (!strcmp(f->rule, "unfinished"))
		return false;
	return f->level > FINDING_NOTE || !strcmp(f->rule, "cut-off") || !strcmp(f->rule, "environment");
}

static bool same_kind(const struct rule *r, const struct finding *a, const struct finding *b)
{
	return a->run == b->run && !strcmp(a->rule, b->rule) &&
	       (!r->by_cause || !strcmp(a->cause ? a->cause : "", b->cause ? b->cause : ""));
}

static bool told_before(const struct findings *fs, size_t i, const struct rule *r)
{
	for (size_t k = 0; k < i; k++)
		if (same_kind(r, &fs->v[k], &fs->v[i]))
			return true;
	return false;
}

static void tell(struct query *q, struct summary *s, const struct findings *fs, size_t i, const struct rule *r)
{
	static const enum verdict_level levels[] = {
	    [FINDING_NOTE] = VERDICT_NOTE, [FINDING_WARNING] = VERDICT_WARNING, [FINDING_ERROR] = VERDICT_ERROR};
	struct kind kind = {&fs->v[i], 0};
	struct verdict *v = summary_add(q, s, r->grave ? VERDICT_ERROR : levels[fs->v[i].level], r->command);

	for (size_t k = i; k < fs->n; k++)
		kind.n += same_kind(r, &fs->v[i], &fs->v[k]);
	if (!v)
		return;
	v->first_ns = fs->v[i].first_ns;
	v->offset_s = query_offset(q, fs->v[i].run);
	if (!q->out->one_run && !query_run(q))
		text_printf(&v->message, "run %lld: ", (long long)fs->v[i].run);
	r->say(q, &kind, &v->message);
}

/* How much a kind is about: victims behind it, rounds. */
static int64_t weight_of(const struct findings *fs, size_t i, const struct rule *r)
{
	int64_t weight = 0;

	for (size_t k = i; k < fs->n; k++)
		weight += same_kind(r, &fs->v[i], &fs->v[k]) ? fs->v[k].count : 0;
	return weight;
}

static bool begins_kind(const struct findings *fs, size_t i, const struct rule *r)
{
	return rule_of(&fs->v[i]) == r && worth_telling(&fs->v[i]) && !told_before(fs, i, r);
}

/* The kind of a rule that is told first: the heaviest of its causes; fs->n: there is none. */
static size_t first_kind(const struct findings *fs, const struct rule *r)
{
	size_t first = fs->n;
	int64_t most = 0;

	for (size_t i = 0; i < fs->n; i++) {
		int64_t weight;

		if (!begins_kind(fs, i, r))
			continue;
		weight = r->by_cause ? weight_of(fs, i, r) : 0;
		if (first == fs->n || weight > most) {
			first = i;
			most = weight;
		}
	}
	return first;
}

/* One kind of each rule comes first: what explains the others is not to stand behind ten of one rule. */
void summary_findings(struct query *q, struct summary *s, const struct findings *fs)
{
	enum { RULES = sizeof rules / sizeof *rules };
	size_t first[RULES];

	for (size_t k = 0; k < RULES; k++) {
		first[k] = first_kind(fs, &rules[k]);
		if (first[k] < fs->n)
			tell(q, s, fs, first[k], &rules[k]);
	}
	for (size_t k = 0; k < RULES; k++)
		for (size_t i = 0; i < fs->n && !q->status; i++)
			if (i != first[k] && begins_kind(fs, i, &rules[k]))
				tell(q, s, fs, i, &rules[k]);
}
