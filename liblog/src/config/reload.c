/* SPDX-License-Identifier: Apache-2.0 */
/* reload.c - what a reload starts from; see reload.h. */
#include "config/reload.h"

#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *file;
static char **variables;
static uint32_t possible, wanted; /* atomic */

static void forget(void)
{
	__atomic_store_n(&possible, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&wanted, 0, __ATOMIC_RELAXED);
	for (size_t i = 0; variables && variables[i]; i++)
		free(variables[i]);
	free(variables);
	free(file);
	variables = NULL;
	file = NULL;
}

static int copy_variables(char *const *environment)
{
	size_t count = 0, n = 0;

	while (environment && environment[count])
		count++;
	variables = calloc(count + 1, sizeof *variables);
	if (!variables)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(environment[i], CONFIG_ENV_PREFIX, strlen(CONFIG_ENV_PREFIX)) != 0)
			continue;
		variables[n] = strdup(environment[i]);
		if (!variables[n++])
			return -ENOMEM;
	}
	return 0;
}

int reload_remember(const char *path, char *const *environment)
{
	int rc;

	forget();
	if (!path)
		return 0;
	rc = path_absolute(path, &file); /* the program may change its directory */
	if (!rc)
		rc = copy_variables(environment);
	if (rc)
		forget();
	else
		__atomic_store_n(&possible, 1, __ATOMIC_RELEASE);
	return rc;
}

int reload_request(void)
{
	if (!__atomic_load_n(&possible, __ATOMIC_ACQUIRE))
		return -ENOENT;
	__atomic_store_n(&wanted, 1, __ATOMIC_RELEASE);
	return 0;
}

bool reload_wanted(void)
{
	return __atomic_load_n(&wanted, __ATOMIC_ACQUIRE);
}

void reload_begin(void)
{
	__atomic_store_n(&wanted, 0, __ATOMIC_RELEASE);
}

int reload_read(struct config *config, struct config_error *error)
{
	return config_parse_file(config, file, variables, error);
}
