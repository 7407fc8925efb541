/* SPDX-License-Identifier: GPL-3.0-or-later */
/* seen.c - see seen.h */
#include "mirror/seen.h"
#include "build/collect.h"
#include "findings/lint_seen.h"
#include <errno.h>

/* What is longer is not worth keeping: all lines are read again. Rows of 64 sources go at a time. */
enum { SEEN_MOST = 512 << 10 };

static int see_patterns(struct store *s, int64_t source, struct bytes *out)
{
	struct patterns *p = patterns_new(s);
	struct event_query q = {.source = source};
	int rc = p ? collect_rows(NULL, s, p, &q, 0) : -ENOMEM;

	rc = rc ? rc : patterns_pack(p, out);
	patterns_free(p);
	return rc;
}

int seen_of_source(struct store *s, int64_t source, struct bytes *out)
{
	struct bytes lint = {0};
	int rc = lint_seen(s, source, &lint);

	if (!rc && lint.len) {
		bytes_u8(out, SEEN_VERSION);
		bytes_slice(out, (struct slice){lint.ptr, lint.len});
		rc = see_patterns(s, source, out);
	}
	if (!rc && (out->failed || lint.failed))
		rc = -ENOMEM;
	if (rc || out->len > SEEN_MOST)
		out->len = 0;
	bytes_free(&lint);
	return rc == -ENODATA ? 0 : rc;
}

int seen_parts(struct slice seen, struct slice *lint, struct peek *patterns)
{
	struct peek k = {(const unsigned char *)seen.ptr, (const unsigned char *)seen.ptr + seen.len, false};

	if (!seen.len || peek_u8(&k) != SEEN_VERSION)
		return -EBADMSG;
	*lint = peek_slice(&k);
	*patterns = k;
	return k.bad ? -EBADMSG : 0;
}
