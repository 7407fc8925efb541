/* SPDX-License-Identifier: GPL-3.0-or-later */
/* marks.c - see marks.h */
#include "mirror/marks.h"
#include "remote/cluster.h"
#include <errno.h>
#include <stdlib.h>

int marks_init(struct marks *m)
{
	char *why = NULL;
	int rc;

	m->rules = NULL;
	rc = rules_builtin(&m->rules, &why);
	facts_init(&m->facts, m->rules);
	free(why);
	return rc;
}

void marks_done(struct marks *m)
{
	facts_done(&m->facts);
	rules_free(m->rules);
}

/* Rules of another text have another number, and so has another way of folding. 0 is for lines that were pushed without
 * rules. */
uint32_t marks_passed(void)
{
	static uint32_t passed;
	uint64_t h;

	if (!passed) {
		h = cluster_hash(CLUSTER_HASH, (struct slice){(const char[]){FOLD_VERSION}, 1});
		h = cluster_hash(h, rules_builtin_text());
		passed = (uint32_t)(h >> 32 | 2) & ~1u;
	}
	return passed;
}

uint32_t marks_of(void *marks, const struct event *e)
{
	struct marks *m = marks;

	return marks_passed() | facts_want(&m->facts, e);
}
