/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_numbers.c - see phase_numbers.h */
#include "model/phase_numbers.h"
#include <string.h>

int phase_number(struct phase_numbers *n, const struct phase *p, uint32_t *out)
{
	char name[PHASE_NAME_MAX];
	size_t i = 0;
	int rc;

	while (i < n->nknown &&
	       (n->known[i].name != p->name || n->known[i].state != p->state || n->known[i].open != p->open))
		i++;
	if (i < n->nknown) {
		*out = n->known[i].number;
		return 0;
	}
	phase_name(p, name);
	rc = intern_add(&n->names, (struct slice){name, strlen(name)}, out);
	if (!rc && i < sizeof n->known / sizeof *n->known)
		n->known[n->nknown++] = (struct phase_known){p->name, p->state, p->open, *out};
	return rc;
}

void phase_numbers_done(struct phase_numbers *n)
{
	intern_done(&n->names);
	*n = (struct phase_numbers){0};
}
