/* SPDX-License-Identifier: Apache-2.0 */
/* kind.c - the table of the kinds of sinks; see kind.h. */
#include "sinks/kind.h"

#include <stdio.h>
#include <string.h>

#define SINK(kind) extern const struct sink_kind kind;
#include "sink_list.h"
#undef SINK

#define SINK(kind) &kind,
static const struct sink_kind *const sink_kinds[] = {
#include "sink_list.h"
};

#define KINDS (sizeof sink_kinds / sizeof *sink_kinds)

const struct sink_kind *sink_kind_find(const char *name)
{
	for (size_t i = 0; i < KINDS; i++)
		if (!strcmp(sink_kinds[i]->name, name))
			return sink_kinds[i];
	return NULL;
}

void sink_kind_names(char *out, size_t cap, bool quoted)
{
	size_t len = 0;

	for (size_t i = 0; i < KINDS && len < cap; i++) {
		const char *between = !i ? "" : !quoted ? " " : i + 1 < KINDS ? ", " : " and ";

		len +=
		    (size_t)snprintf(out + len, cap - len, quoted ? "%s\"%s\"" : "%s%s", between, sink_kinds[i]->name);
	}
}
