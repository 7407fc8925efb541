/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a format file: it is refused with a sentence, or it is a format, and then its own text and a few lines
 * are read by it without harm. */
#include "base/scan.h"
#include "ingest/record.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void line_read(struct record_reader *reader, const char *text, size_t len)
{
	char *copy = malloc(len + SCAN_SLACK);
	struct record_result r;
	const char *stop;

	if (len)
		memcpy(copy, text, len);
	memset(copy + len, 0, SCAN_SLACK);
	assert(!record_read(reader, (struct slice){copy, strcspn(copy, "\n")}, &r));
	if (r.verdict == RECORD_OPEN && r.lines)
		assert(!record_read_lines(reader, (struct slice){copy, len}, r.lines, true, &stop, &r));
	else
		assert(!record_read(reader, (struct slice){copy, len}, &r));
	assert(r.verdict != RECORD_EVENT || r.reading.ptr);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char line[] =
	    "{\"time\":\"2026-06-01T10:00:00Z\",\"level\":\"info\",\"msg\":\"m\",\"a\":{\"b\":1}}";
	struct record_options o = {0};
	struct record_reader reader;
	struct format_set set;
	char *why = NULL;
	int rc;

	assert(!formats_built_in(&set));
	rc = formats_add(&set, "fuzz", (const char *)data, size, &why);
	assert(rc == 0 || rc == -ENOMEM || why);
	free(why);
	if (!rc) {
		o = (struct record_options){.formats = &set, .only = &set.all[0]};
		assert(!record_reader_init(&reader, &o));
		line_read(&reader, (const char *)data, memchr(data, '\n', size) ? 0 : size);
		line_read(&reader, line, sizeof line - 1);
		line_read(&reader, line + 10, 20);
		record_reader_done(&reader);
	}
	formats_done(&set);
	return 0;
}
