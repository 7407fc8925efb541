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

static bool one_alone(const struct sweep *s)
{
	const char *which = getenv("ILU_FAULT");
	unsigned subject, kind, at;

	if (!which || sscanf(which, "%u %u %u", &subject, &kind, &at) != 3)
		return false;
	if (subject == s->subject && (int)kind == s->kind)
		s->of->one(s->subject, s->kind, at);
	return true;
}

static void sweep(void **state)
{
	const struct sweep *s = *state;
	unsigned share = tries(s->of->few, s->of->more, UINT32_MAX), all, n,
	         seed = 20261128 + 7919 * (unsigned)(s->subject * SQL_FAULT_KINDS) + (unsigned)s->kind;

	if (prepared != s->subject + 1)
		s->of->prepare(s->subject);
	prepared = s->subject + 1;
	if (one_alone(s))
		return;
	all = s->of->calls(s->subject, s->kind);
	n = all < share ? all : share;
	for (unsigned k = 0; k < n; k++) {
		seed = seed * 1103515245 + 12345;
		s->of->one(s->subject, s->kind, n == all ? k + 1 : 1 + (seed >> 8) % all);
	}
	print_message("%s: %u of %u\n", s->title, n, all);
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
