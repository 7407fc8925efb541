/* SPDX-License-Identifier: Apache-2.0 */
/* boxed.c - the black box of a start; see boxed.h. */
#include "life/boxed.h"

#include "base/now.h"
#include "box/box.h"
#include "call/memory.h"
#include "call/state.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *log_name; /* NULL: no file, or none that has a name */

/* The directory may be a link: boxes are found by the name that all processes with this log come to. */
static char *resolve(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("."), *whole, *resolved = NULL;

	whole = directory ? realpath(directory, NULL) : NULL;
	if (whole && asprintf(&resolved, "%s/%s", whole[1] ? whole : "", name) < 0)
		resolved = NULL;
	free(directory);
	free(whole);
	return resolved;
}

void boxed_forget(void)
{
	free(log_name);
	log_name = NULL;
}

static const char *name_of(const struct config *config)
{
	if (!log_name && *config->basename)
		log_name = resolve(config->sinks.sink[0].to.text);
	return log_name;
}

/* Virtual time makes the same bytes of the same run; a run in it has nothing that should outlive it. */
static bool wanted(const struct appender *a, const struct config *config)
{
	return strcmp(config->black_box, "off") != 0 && !now_replaced() && name_of(config) &&
	       outlet_file(&a->outlet) >= 0;
}

const char *boxed_begin(struct appender *a, const struct config *config, const char *run)
{
	static char why[BOX_WHY];
	char boot_id[40];
	struct box_of of = {
	    .place = config->black_box,
	    .log = name_of(config),
	    .run = run,
	    .boot_id = boot_id,
	    .spanning = a->enc.spanning,
	    .list = a->enc.list,
	    .iluvatar = a->enc.iluvatar,
	    .tsc = logger.tsc,
	    .offset_s = a->enc.offset_s,
	};

	if (!wanted(a, config))
		return "";
	box_read_boot_id(boot_id);
	if (memory_box(&of, why))
		return why;
	encoder_use_box(&a->enc);
	return "";
}
