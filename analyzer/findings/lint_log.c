/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lint_log.c - see lint_log.h */
#include "findings/lint_log.h"
#include "model/extent.h"
#include "render/number.h"
#include <stdlib.h>

#define BACK_WARNING_NS 1000000000 /* neighbouring lines of threads may be milliseconds apart */

/* ---- examples ---- */

void examples_add(struct examples *x, int64_t id)
{
	if (x->count < EXAMPLES)
		x->id[x->count] = id;
	x->count++;
}

static void examples_show(struct finding *f, const struct examples *x)
{
	f->count = x->count;
	for (int i = 0; i < EXAMPLES && i < x->count; i++)
		finding_evidence(f, x->id[i], NULL);
}

static void examples_join(struct examples *x, const struct examples *more)
{
	for (int64_t i = 0; i < more->count && i < EXAMPLES && x->count + i < EXAMPLES; i++)
		x->id[x->count + i] = more->id[i];
	x->count += more->count;
}

/* ---- a log ---- */

static void tell_jump(const struct log *l, struct findings *out)
{
	const char *path = l->path ? l->path : "a log";
	struct finding *f;

	if (!l->jump.count)
		return;
	f = finding_add(out, "clock-jump", FINDING_WARNING, l->run);
	finding_message(f, "%s time%s the clock of %s jumps by more than a year, by up to %.1f years",
	                number_count_text(l->jump.count).text, l->jump.count == 1 ? "" : "s", path,
	                (double)l->jump_ns / (double)CLOCK_JUMP_NS);
	finding_cause(f, "%s", "the clock was not set yet, or its battery is empty");
	examples_show(f, &l->jump);
}

void log_tell(const struct log *l, struct findings *out)
{
	bool far = l->back_ns >= BACK_WARNING_NS;
	const char *path = l->path ? l->path : "a log";
	struct finding *f;

	tell_jump(l, out);
	if (l->back.count) {
		f = finding_add(out, "time-backwards", far ? FINDING_WARNING : FINDING_NOTE, l->run);
		finding_message(f, "%s time%s a line of %s is earlier than the line before, by up to %s",
		                number_count_text(l->back.count).text, l->back.count == 1 ? "" : "s", path,
		                number_duration_text(l->back_ns, "µ").text);
		finding_cause(f, "%s",
		              far ? "the clock was set back, or two processes write one file"
		                  : "threads that write at the same time");
		examples_show(f, &l->back);
	}
	if (l->timeless.count) {
		f = finding_add(out, "no-time", FINDING_NOTE, l->run);
		finding_message(f, "%s record%s of %s ha%s no time that is understood",
		                number_count_text(l->timeless.count).text, l->timeless.count == 1 ? "" : "s", path,
		                l->timeless.count == 1 ? "s" : "ve");
		finding_cause(f, "they stand at the time of the record before, the first ones at that of the next; "
		                 "load --time names a key");
		examples_show(f, &l->timeless);
	}
	if (l->foreign.count) {
		f = finding_add(out, "foreign-span-lines", FINDING_NOTE, l->run);
		finding_message(f, "%s span line%s of %s %s of another worker and %s not counted",
		                number_count_text(l->foreign.count).text, l->foreign.count == 1 ? "" : "s", path,
		                l->foreign.count == 1 ? "is" : "are", l->foreign.count == 1 ? "is" : "are");
		finding_cause(f, "every worker of a simulated cluster writes all span lines");
		examples_show(f, &l->foreign);
	}
	if (l->hole.count) {
		f = finding_add(out, "sequence-gap", FINDING_WARNING, l->run);
		finding_message(f, "%s lacks lines: its sequence numbers leave some out, %s time%s", path,
		                number_count_text(l->hole.count).text, l->hole.count == 1 ? "" : "s");
		finding_cause(f, "lines were lost between the process and this file");
		examples_show(f, &l->hole);
	}
	if (l->lost.count) {
		f = finding_add(out, "records-lost", FINDING_WARNING, l->run);
		finding_message(f, "the process of %s could not write some of its lines, %s time%s", path,
		                number_count_text(l->lost.count).text, l->lost.count == 1 ? "" : "s");
		finding_cause(f, "the log says so: a full ring or disk");
		examples_show(f, &l->lost);
	}
}

void log_done(struct log *l)
{
	free(l->path);
	free(l->numbered);
}

/* ---- secrets ---- */

void secrets_join(struct secrets *all, const struct secrets *more)
{
	examples_join(&all->environment, &more->environment);
	examples_join(&all->secret, &more->secret);
	if (more->environment.count || more->secret.count)
		all->run = more->run;
	if (!all->name[0])
		strcpy(all->name, more->name);
}

void secrets_tell(const struct secrets *s, struct findings *out)
{
	struct finding *f;

	if (s->environment.count) {
		f = finding_add(out, "environment", FINDING_NOTE, s->run);
		finding_message(f, "a process's environment is dumped, %s time%s",
		                number_count_text(s->environment.count).text, s->environment.count == 1 ? "" : "s");
		finding_cause(f, "whatever secret is in it stands in the log");
		examples_show(f, &s->environment);
	}
	if (s->secret.count) {
		f = finding_add(out, "secret", FINDING_WARNING, s->run);
		finding_message(f, "a field looks like a secret, %s time%s: %s",
		                number_count_text(s->secret.count).text, s->secret.count == 1 ? "" : "s", s->name);
		finding_cause(f, "its value stands in the log");
		examples_show(f, &s->secret);
	}
}
