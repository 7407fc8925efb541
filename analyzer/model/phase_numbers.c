/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_numbers.c - see phase_numbers.h */
#include "model/phase_numbers.h"
#include <string.h>

int phase_number_of(struct phases_known *known, struct intern *names, const struct phase *p, uint32_t *out)
{
	char name[PHASE_NAME_MAX];
	size_t i = 0;
	int rc;

	while (i < known->n &&
	       (known->v[i].name != p->name || known->v[i].state != p->state || known->v[i].open != p->open))
		i++;
	if (i < known->n) {
		*out = known->v[i].number;
		return 0;
	}
	phase_name(p, name);
	rc = intern_add(names, (struct slice){name, strlen(name)}, out);
	if (!rc && i < sizeof known->v / sizeof *known->v)
		known->v[known->n++] = (struct phase_known){p->name, p->state, p->open, *out};
	return rc;
}

int phase_number(struct phase_numbers *n, const struct phase *p, uint32_t *out)
{
	return phase_number_of(&n->known, &n->names, p, out);
}

void phase_numbers_done(struct phase_numbers *n)
{
	intern_done(&n->names);
	*n = (struct phase_numbers){0};
}
