/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libcurl.c - see libcurl.h */
#include "remote/libcurl.h"
#include "base/slice.h"
#include "remote/say.h"
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

static struct libcurl functions;
const struct libcurl *const curl = &functions;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char missing[256]; /* why it is not there; empty: it is */

/* Of Debian's two, which differ in the library for TLS, any will do. */
static void *library(void)
{
	void *lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

	return lib ? lib : dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
}

static bool find(void *lib, const char *name, void *slot)
{
	void *function = dlsym(lib, name);

	memcpy(slot, &function, sizeof function);
	return function;
}

static void load(void)
{
	const struct {
		const char *name;
		void *slot;
	} wanted[] = {
	    {"curl_global_init", &functions.global_init},
	    {"curl_easy_init", &functions.easy_init},
	    {"curl_easy_cleanup", &functions.easy_cleanup},
	    {"curl_easy_setopt", &functions.easy_setopt},
	    {"curl_easy_getinfo", &functions.easy_getinfo},
	    {"curl_easy_perform", &functions.easy_perform},
	    {"curl_easy_escape", &functions.easy_escape},
	    {"curl_easy_strerror", &functions.easy_strerror},
	    {"curl_free", &functions.free},
	    {"curl_slist_append", &functions.slist_append},
	    {"curl_slist_free_all", &functions.slist_free_all},
	};
	void *lib = library();
	bool whole = lib;

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted && whole; i++)
		whole = find(lib, wanted[i].name, wanted[i].slot);
	if (!lib)
		snprintf(missing, sizeof missing, "it is not there");
	else if (!whole || functions.global_init(CURL_GLOBAL_ALL))
		snprintf(missing, sizeof missing, "it cannot be used");
}

int libcurl_load(char **why)
{
	pthread_once(&once, load);
	if (!*missing)
		return 0;
	say(why, "a ClickHouse server is asked by libcurl (Debian's package libcurl4), and %s", missing);
	return -ELIBACC;
}
