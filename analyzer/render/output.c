/* SPDX-License-Identifier: GPL-3.0-or-later */
/* output.c - see output.h */
#include "render/output.h"
#include "render/stream.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

const char *output_ink(const struct output *o, enum ink ink)
{
	static const char *const codes[INK_COUNT] = {
	    [INK_NONE] = "\033[0m",   [INK_HEAD] = "\033[1m",   [INK_DIM] = "\033[2m",
	    [INK_ERROR] = "\033[31m", [INK_WARN] = "\033[33m",  [INK_INFO] = "\033[32m",
	    [INK_DEBUG] = "\033[34m", [INK_TRACE] = "\033[35m", [INK_BAR] = "\033[36m",
	};

	return o->color ? codes[ink] : "";
}

enum ink ink_of_level(const char *level, size_t len)
{
	static const struct {
		const char *name;
		enum ink ink;
	} inks[] = {
	    {"ERROR", INK_ERROR}, {"WARN", INK_WARN},    {"INFO", INK_INFO},   {"DEBUG", INK_DEBUG},
	    {"TRACE", INK_TRACE}, {"WARNING", INK_WARN}, {"FATAL", INK_ERROR}, {"PANIC", INK_ERROR},
	};

	for (size_t i = 0; i < sizeof inks / sizeof *inks; i++)
		if (strlen(inks[i].name) == len && !strncasecmp(inks[i].name, level, len))
			return inks[i].ink;
	return INK_NONE;
}

int output_status(const struct output *o)
{
	return stream_status(o->file);
}
