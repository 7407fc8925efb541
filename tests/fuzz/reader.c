/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a file: the reader ends, and says why where it is not content. */
#include "ingest/reader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char buf[70000];
	int fd = memfd_create("fuzz", 0);
	char path[64];
	const char *why;
	struct reader *r;
	int64_t text = 0;
	ssize_t n;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (reader_open(path, &r, &why))
		abort();
	while ((n = reader_read(r, buf, 1 + size % sizeof buf)) > 0 && text < 64 << 20)
		text += n;
	assert((n < 0) == (*reader_why(r) != '\0'));
	if (reader_format(r) == READER_PLAIN)
		assert(text == (int64_t)size);
	reader_close(r);
	close(fd);
	return 0;
}
