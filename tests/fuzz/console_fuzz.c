/* SPDX-License-Identifier: Apache-2.0 */
/* console_fuzz.c - any bytes at all come through the console sink, line for line. */
#include "sinks/sink.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sink *sink;
	size_t lines = 0, written;

	if (!sink && sink_console_open(open("/dev/null", O_WRONLY), SINK_COLOUR_ALWAYS, &sink))
		abort();
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || i + 1 == size;
	if (sink_write(sink, (const char *)data, size, lines, &written) || written != lines)
		abort();
	return 0;
}
