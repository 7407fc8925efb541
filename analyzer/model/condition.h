/* SPDX-License-Identifier: GPL-3.0-or-later */
/* condition.h - what a field of a line must be for a rule to speak of it ("where" in a rules file).
 *
 *     "status": ">=500"           a number; also > <= <, and 500..599
 *     "status": 404               the same number, however it is written
 *     "result": "timeout"         this text; "" is the empty one
 *     "result": "!=ok"            there, and not this text
 *     "result": ["late", "lost"]  one of these
 *     "final": true, "error": null    true; absent or null */
#ifndef MODEL_CONDITION_H
#define MODEL_CONDITION_H

#include "ingest/line.h"
#include "model/rules.h"

struct condition {
	struct rule_field field;
	enum { CONDITION_TEXT, CONDITION_NOT, CONDITION_RANGE, CONDITION_ABSENT, CONDITION_ANY } kind;
	struct slice text;
	double least, most; /* both inclusive: "<5" ends at the last number below 5 */
	json_t *list;       /* CONDITION_ANY; the file's */
};

/* false: v is none of the forms above. The texts stay v's. */
bool condition_read(json_t *v, struct condition *out);
/* Does it hold for this value of its field? kind 0: the line has none. A string's value as it stands in the line. */
bool condition_holds(const struct condition *c, enum slot_kind kind, struct slice value);

#endif
