/* SPDX-License-Identifier: Apache-2.0 */
/* fd.c - a descriptor that the program, or who started it, has opened. */
#include "sinks/kind.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

static int parse(const struct setting_source *source, const char *key, const json_t *value, struct sink_settings *out)
{
	json_int_t fd = json_integer_value(value);

	if (!json_is_integer(value))
		return setting_wrong_type(source, key, "an integer", value);
	if (fd < 0 || fd > INT_MAX)
		return setting_fail(source, "key \"%s\": %" JSON_INTEGER_FORMAT " is not between 0 and %d", key, fd,
		                    INT_MAX);
	out->number = (int)fd;
	return 0;
}

static int open_fd(const struct sink_settings *settings, enum sink_file_start start, struct sink **out, char *what,
                   size_t cap)
{
	(void)start;
	snprintf(what, cap, "fd %d", settings->number);
	return fcntl(settings->number, F_GETFD) < 0 ? -errno : sink_fd_open(settings->number, false, out);
}

const struct sink_kind sink_kind_fd = {.name = "fd", .parse = parse, .open = open_fd};
