/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format.c - the set of formats. */
#include "base/array.h"
#include "formats.h"
#include "ingest/format.h"

#include <errno.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t need_lock = PTHREAD_MUTEX_INITIALIZER; /* of a set that is read for all threads */

const struct log_format *formats_find(const struct format_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (!strcmp(set->all[i].name, name))
			return &set->all[i];
	return NULL;
}

/* As its name is, or without the ending of a packer. */
static bool name_fits(const char *glob, const char *name)
{
	static const char *const endings[] = {".gz", ".zst", ".zstd", NULL};
	size_t len = strlen(name);

	for (int i = 0; endings[i]; i++) {
		size_t n = strlen(endings[i]);
		char bare[256];

		if (len <= n || len - n >= sizeof bare || strcmp(name + len - n, endings[i]) != 0)
			continue;
		memcpy(bare, name, len - n);
		bare[len - n] = '\0';
		if (!fnmatch(glob, bare, 0))
			return true;
	}
	return !fnmatch(glob, name, 0);
}

bool format_for_file(const struct log_format *f, const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (!f->files.n)
		return true;
	for (size_t i = 0; path && i < f->files.n; i++)
		if (name_fits(f->files.all[i], slash ? slash + 1 : path))
			return true;
	return false;
}

static void fallback_find(struct format_set *set)
{
	set->fallback = formats_find(set, "default");
}

void formats_done(struct format_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		format_done(&set->all[i]);
	free(set->all);
	*set = (struct format_set){0};
}

int formats_add(struct format_set *set, const char *name, const char *text, size_t len, char **why)
{
	struct log_format f = {0};
	int rc = format_read(name, text, len, &f, why);
	size_t i = 0;

	if (rc) {
		format_done(&f);
		return rc;
	}
	while (i < set->n && strcmp(set->all[i].name, f.name))
		i++;
	if (i < set->n) {
		format_done(&set->all[i]);
		memmove(set->all + i, set->all + i + 1, (set->n - i - 1) * sizeof *set->all);
		set->n--;
	}
	rc = set->n < FORMATS_MAX ? array_reserve(set->all, set->room, set->n + 1) : -E2BIG;
	if (rc) {
		format_done(&f);
		fallback_find(set);
		return rc;
	}
	memmove(set->all + 1, set->all, set->n * sizeof *set->all);
	f.own = true;
	set->all[0] = f;
	set->n++;
	fallback_find(set);
	return 0;
}

int formats_built_in(struct format_set *set)
{
	char *why = NULL;
	int rc = 0;

	*set = (struct format_set){0};
	for (size_t i = sizeof built_in / sizeof *built_in; i-- && !rc;)
		rc = formats_add(set, built_in[i].name, built_in[i].text, strlen(built_in[i].text), &why);
	for (size_t i = 0; i < set->n; i++)
		set->all[i].own = false;
	free(why);
	if (rc)
		formats_done(set);
	return rc;
}

int format_built_in(const char *name, struct log_format *out)
{
	size_t len = strlen(name);
	char *why = NULL;
	int rc = -ENOENT;

	*out = (struct log_format){0};
	for (size_t i = 0; i < sizeof built_in / sizeof *built_in && rc == -ENOENT; i++)
		if (!strncmp(built_in[i].name, name, len) && !strcmp(built_in[i].name + len, ".json"))
			rc = format_read(built_in[i].name, built_in[i].text, strlen(built_in[i].text), out, &why);
	free(why);
	return rc;
}

int formats_need(struct format_set *set)
{
	struct format_set ours;
	int rc = 0;

	if (!set->later)
		return 0;
	pthread_mutex_lock(&need_lock);
	if (set->later && !(rc = formats_built_in(&ours))) {
		set->all = ours.all;
		set->n = ours.n;
		set->room = ours.room;
		set->fallback = ours.fallback;
		set->later = false;
	}
	pthread_mutex_unlock(&need_lock);
	return rc;
}
