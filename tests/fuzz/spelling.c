/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a time: it has none or is one within what 64 bits of ns hold, and a form that fits gives the same bytes
 * again. */
#include "base/scan.h"
#include "ingest/spelling.h"
#include "ingest/timeform.h"

#include <assert.h>
#include <stdlib.h>

#define NEAR INT64_C(1795395145000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As formats of users say that times are written. */
static void formats_check(struct slice text)
{
	static const char *const formats[] = {"%d.%m.%Y %H:%M:%S.%f", "%A, %e %B %y %I:%M %p %z", "%s.%f", "%F %T %Z",
	                                      "%Y%m%d%R%%"};
	struct spelt s;

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		assert(time_format_known(formats[i]));
		if (!time_by_format(formats[i], text, &s))
			assert(s.ns > -INT64_MAX && s.ns < INT64_MAX && s.offset_s > -86400 && s.offset_s < 86400);
	}
}

static void form_check(const char *text, const char *end, enum time_style style)
{
	struct time_memory m = {.has_near = true, .near_ns = NEAR};
	struct time_form f, again;
	char buf[TIME_FORM_MAX], written[TIME_FORM_LEN];
	const char *stop;
	int64_t ns, back;

	stop = time_form_find(text, end, style, NEAR, &f, &ns);
	if (!stop)
		return;
	assert(time_form_print(&f, ns, buf) == (size_t)(stop - text) && !memcmp(buf, text, (size_t)(stop - text)));
	time_form_write(&f, written);
	assert(time_form_parse(written, &again) && again.style == f.style && again.digits == f.digits);
	assert(time_form_read(&again, false, text, end, &m, &back) == stop && back == ns);
	assert(time_form_read(&again, false, text, end, &m, &back) == stop && back == ns); /* as remembered */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + SCAN_SLACK);
	struct slice text = {copy, size};
	struct spelt s, with_year;
	int64_t ns;

	if (size)
		memcpy(copy, data, size);
	memset(copy + size, 0, SCAN_SLACK);
	if (!time_text(text, size & 1, &s) && s.no_year) {
		with_year = s;
		with_year.ns = time_with_year(s.ns, NEAR);
		assert(with_year.ns > s.ns || s.ns > INT64_C(1700000000000000000));
	}
	for (int unit = UNIT_BY_SIZE; unit <= UNIT_NANOS; unit++)
		if (!time_number(text, (enum time_unit)unit, &ns))
			assert(ns >= -INT64_MAX);
	formats_check(text);
	for (int style = 0; style < TIME_STYLES; style++)
		form_check(copy, copy + size, (enum time_style)style);
	free(copy);
	return 0;
}
