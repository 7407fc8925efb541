/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.c - see sweep.h */
#include "sweep.h"
#include "sqlite_faults.h"
#include "../unit/tries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct sweep {
	const struct sweep_of *of;
	size_t subject;
	int kind;
	char title[2 * SWEEP_TITLE];
};

static size_t prepared; /* the subject before it; 0: none */

/* What of it is asked for: all, or what ILU_FAULT names, of which ILU_FAULT_PART is a part. */
struct asked {
	bool sweep;        /* this subject and kind */
	unsigned at;       /* one call of them; 0: all */
	unsigned part, of; /* part 0 ... of - 1 of the calls */
};

static struct asked asked_for(const struct sweep *s)
{
	const char *which = getenv("ILU_FAULT"), *part = getenv("ILU_FAULT_PART");
	struct asked a = {.of = 1};
	unsigned subject = (unsigned)s->subject, kind = (unsigned)s->kind;

	if (which)
		sscanf(which, "%u %u %u", &subject, &kind, &a.at);
	if (part && (sscanf(part, "%u/%u", &a.part, &a.of) != 2 || a.part >= a.of))
		fail_msg("ILU_FAULT_PART is no PART/PARTS: %s", part);
	a.sweep = subject == s->subject && (int)kind == s->kind;
	return a;
}

static void sweep(void **state)
{
	const struct sweep *s = *state;
	struct asked a = asked_for(s);
	unsigned share = tries(s->of->few, s->of->more, UINT32_MAX), all, n, tried = 0,
	         seed = 20261128 + 7919 * (unsigned)(s->subject * SQL_FAULT_KINDS) + (unsigned)s->kind;

	if (!a.sweep)
		return;
	if (prepared != s->subject + 1)
		s->of->prepare(s->subject);
	prepared = s->subject + 1;
	if (a.at) {
		s->of->one(s->subject, s->kind, a.at);
		return;
	}
	all = s->of->calls(s->subject, s->kind);
	n = all < share ? all : share;
	for (unsigned k = 0; k < n; k++) {
		seed = seed * 1103515245 + 12345;
		if (k % a.of != a.part)
			continue;
		tried++;
		s->of->one(s->subject, s->kind, n == all ? k + 1 : 1 + (seed >> 8) % all);
	}
	print_message("%s: %u of %u\n", s->title, tried, all);
}

int sweep_run(const struct sweep_of *of)
{
	struct CMUnitTest *tests = calloc(of->n * SQL_FAULT_KINDS, sizeof *tests);
	struct sweep *sweeps = calloc(of->n * SQL_FAULT_KINDS, sizeof *sweeps);
	size_t n = 0;
	int failed = 1;

	for (size_t i = 0; tests && sweeps && i < of->n; i++)
		for (int kind = 0; kind < SQL_FAULT_KINDS; kind++) {
			struct sweep *s = &sweeps[n];
			char subject[SWEEP_TITLE];

			if (!sql_fault_names[kind] || (of->takes && !of->takes(kind)))
				continue;
			of->title(i, subject);
			*s = (struct sweep){.of = of, .subject = i, .kind = kind};
			snprintf(s->title, sizeof s->title, "%s, %s", subject, sql_fault_names[kind]);
			tests[n++] = (struct CMUnitTest){s->title, sweep, NULL, NULL, s};
		}
	unsetenv("ILU_LOGQ_DB");
	sql_faults_prepare();
	if (n)
		failed = _cmocka_run_group_tests(of->name, tests, n, of->setup, of->teardown);
	free(tests);
	free(sweeps);
	return failed;
}
