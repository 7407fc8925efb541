/* SPDX-License-Identifier: Apache-2.0 */
/* function.c - the functions that can be invoked. */
#include "sim.h"

#include <errno.h>
#include <string.h>

#define FUNCTION(n) .name = n, .fqdn = n "-" FUNCTION_VERSION, .image = "docker.io/faas-sim/" n ":latest"

/* Times are short, so that a run of seconds shows some hundred invocations. */
static const struct function functions[] = {
	{FUNCTION("hello"), .cold_ms = 180, .warm_ms = 4, .mem_mb = 64, .weight = 30, .prewarms = 1},
	{FUNCTION("float"), .cold_ms = 220, .warm_ms = 18, .mem_mb = 96, .weight = 25, .prewarms = 1},
	{FUNCTION("json"), .cold_ms = 260, .warm_ms = 30, .mem_mb = 128, .weight = 20},
	{FUNCTION("aes"), .cold_ms = 240, .warm_ms = 55, .mem_mb = 128, .weight = 15},
	{FUNCTION("gzip"), .cold_ms = 420, .warm_ms = 110, .mem_mb = 256, .weight = 10},
};

static const struct function *function_find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		if (strlen(functions[i].name) == len && !memcmp(functions[i].name, name, len))
			return &functions[i];
	return NULL;
}

int functions_select(const char *names, const struct function **out, int max, const char **unknown)
{
	int n = 0;

	if (!names) {
		for (size_t i = 0; i < sizeof functions / sizeof *functions && n < max; i++)
			out[n++] = &functions[i];
		return n;
	}
	while (n < max) {
		size_t len = strcspn(names, ",");

		out[n] = function_find(names, len);
		if (!out[n]) {
			*unknown = names;
			return -EINVAL;
		}
		n++;
		if (!names[len])
			break;
		names += len + 1;
	}
	return n;
}
