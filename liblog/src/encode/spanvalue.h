/* SPDX-License-Identifier: Apache-2.0 */
/* spanvalue.h - the fields of a span as directives see them, read back from its text. */
#ifndef SPANVALUE_H
#define SPANVALUE_H

#include "base/buf.h"
#include "config/directive.h"
#include "encode/spantext.h"

#define SPAN_VALUES 128 /* further fields are not seen */

struct span_values {
	struct directive_value value[SPAN_VALUES];
	const char *key[SPAN_VALUES]; /* the same keys, for directive_site */
	size_t count;
	struct buf text; /* what they point into */
};

/* Fields set at the start and recorded later, the tid among them. false: no memory. To be initialized with zeros, used
 * any number of times, and ended with buf_done of its text. */
bool span_values_read(struct span_values *values, const struct span_text *span);

#endif
