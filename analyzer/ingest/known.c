/* SPDX-License-Identifier: GPL-3.0-or-later */
/* known.c - the formats that a user has: those built in, those in the folder of settings, those named. */
#include "ingest/format.h"
#include "base/text.h"

#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FORMAT_FILE_MAX (1u << 20)

struct told {
	struct format_set *set;
	formats_say_fn *say;
	void *arg;
};

__attribute__((format(printf, 2, 3))) static void tell(const struct told *t, const char *form, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, form);
	if (vasprintf(&text, form, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		t->say(t->arg, text);
	free(text);
}

static int format_add(const struct told *t, const char *path)
{
	struct text text = {0};
	char *why = NULL;
	int rc = text_add_file(&text, path, FORMAT_FILE_MAX);

	if (!rc)
		rc = formats_need(t->set);
	if (!rc)
		rc = formats_add(t->set, path, text.ptr, text.len, &why);
	if (rc == -EFBIG)
		tell(t, "%s: larger than 1 MiB, no format", path);
	else if (rc == -E2BIG)
		tell(t, "%s: more than %d formats", path, FORMATS_MAX);
	else if (rc)
		tell(t, "%s%s%s", why ? why : path, why ? "" : ": ", why ? "" : strerror(-rc));
	text_done(&text);
	free(why);
	return rc == -ENOMEM ? rc : rc ? -EINVAL : 0;
}

/* $XDG_CONFIG_HOME/ilulog/formats, else ~/.config. */
static int own_formats(const struct told *t)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *pattern = NULL;
	glob_t g;
	int rc = 0;

	if (config && *config == '/')
		rc = asprintf(&pattern, "%s/ilulog/formats/*.json", config);
	else if (home && *home == '/')
		rc = asprintf(&pattern, "%s/.config/ilulog/formats/*.json", home);
	if (rc < 0)
		return -ENOMEM;
	if (!pattern)
		return 0;
	rc = glob(pattern, 0, NULL, &g) == GLOB_NOSPACE ? -ENOMEM : 0;
	free(pattern);
	for (size_t i = 0; !rc && i < g.gl_pathc; i++)
		rc = format_add(t, g.gl_pathv[i]);
	globfree(&g);
	return rc;
}

int formats_known(struct format_set *set, char *const *files, size_t nfiles, formats_say_fn *say, void *arg)
{
	struct told t = {set, say, arg};
	int rc;

	*set = (struct format_set){.later = true};
	rc = own_formats(&t);
	for (size_t i = 0; !rc && i < nfiles; i++)
		rc = format_add(&t, files[i]);
	return rc;
}
