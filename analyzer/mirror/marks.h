/* SPDX-License-Identifier: GPL-3.0-or-later */
/* marks.h - which lines a fold by the built-in rules has a use for, as column fact of the events on a cluster says it
 * (remote/schema.c): found when they are pushed, so that the first step of a fold reads only those. */
#ifndef MIRROR_MARKS_H
#define MIRROR_MARKS_H

#include "model/fact.h"

/* In which way it is folded. Of what was made or marked in another one, nothing stands: to be raised where the same
 * lines come to other rows, or others are of use. */
enum { FOLD_VERSION = 2 };

struct marks {
	struct rules *rules;
	struct facts facts;
};

/* 0 or a negative errno; marks_done in any case. Its events are of one store. */
int marks_init(struct marks *m);
void marks_done(struct marks *m);
/* The column's value; marks is a struct marks. */
uint32_t marks_of(void *marks, const struct event *e);
/* What it is for a line that no built-in rule speaks of. */
uint32_t marks_passed(void);

#endif
