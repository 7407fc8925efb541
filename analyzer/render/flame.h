/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flame.h - a flame graph as a part of a page: who stands on whom, as wide as it took. */
#ifndef RENDER_FLAME_H
#define RENDER_FLAME_H

#include "render/text.h"

/* Of an array whose first is the whole; child and next are indices in it, 0: none. */
struct flame_node {
	const char *name; /* as in the log; made safe here */
	uint32_t number;  /* of the name: alike, alike in colour */
	uint32_t child, next;
	int64_t ns, spans;
};

/* Below the whole what was too narrow to see (a thousandth) is left out. Where children took longer together than what
 * they stand on (they ran at once), they are drawn narrower. */
void flame_html(struct text *out, const struct flame_node *nodes, size_t n);

#endif
