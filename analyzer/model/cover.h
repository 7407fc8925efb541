/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cover.h - how much of a log some rules explain. */
#ifndef MODEL_COVER_H
#define MODEL_COVER_H

#include "model/fact.h"

/* A message that no rule speaks of, as a template. */
struct cover_unknown {
	uint32_t level, template, example; /* texts; level INTERN_NONE: none */
	int64_t lines;
};

struct cover {
	int64_t lines, known;                   /* of all; those that a rule, a series or the background speaks of */
	int64_t of_requests, known_of_requests; /* the same of lines of requests */
	int64_t transactions, requests;         /* with a tid; those that begin as the rules say */
	int64_t ended, failed;                  /* of the requests */
	int64_t nested, parents;                /* requests inside others; of these, those whose parent has lines */
	int64_t time_ns, explained_ns;          /* of the requests, from end to end; in phases with a name */
	struct cover_phase {
		int64_t requests;           /* that have it */
		int64_t rows;               /* of all their attempts */
		int64_t backwards, covered; /* of these: see enum phase_lost */
	} * phase;                          /* by number of the rule */
	int64_t *rule;                      /* lines that it speaks of, by its number */
	struct cover_unknown *unknown;      /* of lines of requests, the most frequent first */
	uint32_t nunknown, room;
	struct intern texts;
};

/* Reads all lines of a store twice, by rules that need not be the database's own. 0 or a negative errno; cover_done in
 * any case. */
int cover_read(struct store *s, const struct rules *r, struct cover *out);
void cover_done(struct cover *c);

/* Why a phase can never be found, whatever the log says. */
enum cover_cause {
	COVER_CAN_BE,
	COVER_NOT_GIVEN,  /* no message gives the moment that it is to begin or end with */
	COVER_OF_ATTEMPT, /* that moment is each attempt's, and the phase is not of an attempt */
	COVER_WITHOUT     /* it is to be without that moment, too */
};
/* *moment: which one, where it can't be. */
enum cover_cause cover_never(const struct rules *r, const struct phase_rule *p, const char **moment);

#endif
