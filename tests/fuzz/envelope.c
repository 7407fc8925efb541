/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any lines, one after the other, through the opener of envelopes: what comes of each is an event line of ours, alone
 * or joined of pieces. The input may be put into envelopes first, so that what is inside is any bytes too. */
#include "base/scan.h"
#include "ingest/line.h"
#include "ingest/record.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void result_check(const struct record_result *r, struct line *l)
{
	enum line_verdict v;

	if (r->verdict != RECORD_EVENT && !(r->verdict == RECORD_TEXT && r->reading.ptr))
		return;
	assert(!line_parse_reading(l, r->reading.ptr, r->reading.len, &v) && v != LINE_REJECTED);
	assert(l->stamp == r->time_ns && slice_same(l->tid, r->tid));
	assert(!memchr(r->reading.ptr, '\n', r->reading.len));
}

static void line_read(struct record_reader *reader, const char *before, struct slice text, struct line *l)
{
	size_t n = strlen(before);
	char *copy = malloc(n + text.len + SCAN_SLACK);
	struct record_result r;

	memcpy(copy, before, n);
	if (text.len)
		memcpy(copy + n, text.ptr, text.len);
	memset(copy + n + text.len, 0, SCAN_SLACK);
	assert(!record_read(reader, (struct slice){copy, n + text.len}, &r));
	result_check(&r, l);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const envelopes[] = {"",
	                                        "2026-06-01T10:00:00.5Z stdout P ",
	                                        "2026-06-01T10:00:00.5Z stderr F ",
	                                        "<34>1 2026-06-01T10:00:00Z host app 1 - - ",
	                                        "[pod/a/b] ",
	                                        "web-1  | "};
	static struct format_set formats;
	struct record_options o = {.formats = &formats};
	struct record_reader reader;
	struct record_result r;
	struct line l;
	const char *at = (const char *)data, *end = at + size;

	assert(formats.n || !formats_built_in(&formats));
	assert(!record_reader_init(&reader, &o));
	line_init(&l);
	l.any_length = true;
	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		struct slice text = {at + 1, (size_t)((nl ? nl : end) - at)};

		/* the first byte says which */
		if (text.len) {
			text.len--;
			line_read(&reader, envelopes[(unsigned char)*at % (sizeof envelopes / sizeof *envelopes)], text,
			          &l);
		}
		at = nl ? nl + 1 : end;
	}
	for (assert(!record_flush(&reader, &r)); r.verdict != RECORD_PARTIAL; assert(!record_flush(&reader, &r)))
		result_check(&r, &l);
	line_done(&l);
	record_reader_done(&reader);
	return 0;
}
