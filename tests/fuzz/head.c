/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as the head of a file, as its name and as a stamp: what is printed of a stamp reads back the same. */
#include "ingest/stamp.h"
#include "load/discover.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stamps(struct slice in)
{
	char buf[STAMP_MAX];
	int64_t ns, back, offset;
	bool canonical;

	if (!stamp_parse_iluvatar(in, &ns, &canonical)) {
		size_t len = stamp_print_iluvatar(ns, buf);

		assert(canonical == slice_same(in, (struct slice){buf, len}));
		assert(!stamp_parse_iluvatar((struct slice){buf, len}, &back, &canonical) && back == ns && canonical);
	}
	if (!stamp_parse_rfc3339(in, &ns, &offset, &canonical)) {
		size_t len = stamp_print_rfc3339(ns, buf);

		assert(canonical == slice_same(in, (struct slice){buf, len}));
		stamp_print_local(ns, offset, buf);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = strndup((const char *)data, size < 100 ? size : 100), *copy = malloc(size + !size);

	/* Memory that ends where the bytes end. */
	memcpy(copy, data, size);
	stamps((struct slice){copy, size});
	input_instead(input_classify(name, copy, size, NULL), copy, size);
	assert(input_stem(name) <= strlen(name));
	free(input_worker(name));
	free(copy);
	free(name);
	return 0;
}
