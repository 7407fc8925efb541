/* SPDX-License-Identifier: GPL-3.0-or-later */
/* secret.c - see secret.h */
#include "findings/secret.h"
#include "base/slice.h"
#include <stdio.h>
#include <string.h>

static bool ends_in(struct slice name, const char *word)
{
	size_t n = strlen(word);

	return name.len >= n && !strncasecmp(name.ptr + name.len - n, word, n);
}

static bool is_secret_name(struct slice key)
{
	static const char *const secrets[] = {"password",     "passwd",     "secret",        "api_key",    "apikey",
	                                      "access_token", "auth_token", "authorization", "private_key"};

	for (size_t k = 0; k < sizeof secrets / sizeof *secrets; k++)
		if (ends_in(key, secrets[k]))
			return true;
	return false;
}

enum secret_kind secret_kind_of(const struct shape *head)
{
	for (unsigned i = 0; i < head->nslots; i++) {
		struct slice key = head->slots[i].key;

		if (head->slots[i].section != SECTION_FIELDS)
			continue;
		if (slice_is(key, "environment") || slice_is(key, "environ"))
			return SECRET_ENVIRONMENT;
		if (is_secret_name(key))
			return SECRET_NAMED;
	}
	return SECRET_NONE;
}

/* A value that is none, or was hidden on purpose: null, Rust's None, Some({}), our [redacted], stars. */
static bool shows_nothing(struct slice v)
{
	static const char *const nothing[] = {"null",     "None",     "{}",         "[]",
	                                      "Some({})", "Some([])", "[redacted]", "<redacted>"};
	size_t stars = 0;

	for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
		if (slice_is(v, nothing[i]))
			return true;
	while (stars < v.len && v.ptr[stars] == '*')
		stars++;
	return stars == v.len;
}

bool secret_field(const struct event *e, char name[static SECRET_NAME])
{
	for (unsigned i = 0; i < e->head->nslots; i++) {
		struct slice key = e->head->slots[i].key, v;

		if (e->head->slots[i].section != SECTION_FIELDS || !is_secret_name(key))
			continue;
		snprintf(name, SECRET_NAME, "%.*s", (int)key.len, key.ptr);
		if (event_field(e, name, &v) && !shows_nothing(v))
			return true;
	}
	return false;
}

/* Whether an environment holds something that looks like a secret. */
static bool has_secret(struct slice v)
{
	static const char *const words[] = {"PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (memmem(v.ptr, v.len, words[i], strlen(words[i])))
			return true;
	return false;
}

bool secret_environment(const struct event *e, bool *secret)
{
	struct slice v;

	if ((!event_field(e, "environment", &v) && !event_field(e, "environ", &v)) || shows_nothing(v))
		return false;
	*secret = has_secret(v);
	return true;
}
