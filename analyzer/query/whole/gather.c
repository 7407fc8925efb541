/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gather.c - see gathered.h: the pass. */
#include "query/whole/gathered.h"
#include <errno.h>

void gather_invocations(struct query *q, const struct gather_part *parts, size_t n)
{
	struct phase_reader *reader = NULL;
	const struct phases *phases;
	int rc = q->status ? 0 : phase_reader_open_places(q->db, INT64_MIN, INT64_MAX, &reader);

	while (reader && !rc && (rc = phase_reader_next(reader, &phases)) == 1) {
		rc = query_interrupted ? -EINTR : 0;
		for (size_t i = 0; i < n && !rc; i++)
			rc = parts[i].take(parts[i].arg, phase_reader_at(reader), phases);
	}
	query_ok(q, rc, q->path);
	phase_reader_close(reader);
}
