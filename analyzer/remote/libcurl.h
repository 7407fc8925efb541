/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libcurl.h - libcurl, which is loaded when a server is asked for the first time: with the twenty-five libraries that
 * it wants it takes longer to load than most questions to a database here.
 *
 * The functions are those of curl.h by the same names, behind `curl->`. */
#ifndef REMOTE_LIBCURL_H
#define REMOTE_LIBCURL_H

#include <curl/curl.h>
#undef curl_easy_getinfo /* macros that check types, of the same names */
#undef curl_easy_setopt

struct libcurl {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_getinfo) *easy_getinfo;
	__typeof__(curl_easy_perform) *easy_perform;
	__typeof__(curl_easy_escape) *easy_escape;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_free) *free;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
};

/* Before libcurl_load has been 0 nothing of it may be called. */
extern const struct libcurl *const curl;

/* Loads it, once. 0; -ELIBACC, with a sentence in *why: it is not there, or too old. */
int libcurl_load(char **why);

#endif
