/* SPDX-License-Identifier: GPL-3.0-or-later */
/* args.c - see args.h */
#include "query/core/args.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *args_value(const struct args *a, const char *name)
{
	for (size_t i = a->noptions; i-- > 0;)
		if (!strcmp(a->options[i].spec->name, name))
			return a->options[i].value;
	return NULL;
}

bool args_has(const struct args *a, const char *name)
{
	return args_value(a, name) != NULL;
}

int args_number(const char *text, int64_t *out)
{
	char *end;
	long long value;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return -EINVAL;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno)
		return -ERANGE;
	*out = value;
	return 0;
}
