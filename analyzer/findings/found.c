/* SPDX-License-Identifier: GPL-3.0-or-later */
/* found.c - all that find, each by itself: they share nothing, so threads may find at once. */
#include "findings/finding.h"

/* What takes longest comes first; `told` is the order in which their findings are told. */
static const struct {
	int (*find)(struct store *, int64_t, struct findings *);
	size_t told;
} finders[FINDERS] = {{find_lint, 3}, {find_mount_failures, 2}, {find_hangs, 1}, {find_storms, 0}};

int found_read(struct found *f, struct store *s, size_t i)
{
	return finders[i].find(s, f->run, &f->by[finders[i].told]);
}

void found_done(struct found *f, struct findings *out)
{
	for (size_t i = 0; i < FINDERS; i++)
		findings_join(out, &f->by[i]);
}
