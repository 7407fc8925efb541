/* SPDX-License-Identifier: Apache-2.0 */
/* config_value.c - values that several keys have: directives. */
#include "config/config_value.h"

#include "config/directive.h"

#include <errno.h>
#include <string.h>

int config_set_filter(const struct setting_source *source, const char *name, char **slot, const char *text)
{
	struct directive_error error = {.text = "out of memory"};
	struct directive_set *set;
	int rc = directive_parse(text, strlen(text), &set, &error);

	if (rc == -ENOMEM)
		return rc;
	if (rc)
		return setting_fail(source, "key \"%s\": %s", name, error.text);
	directive_free(set);
	return setting_string(slot, text);
}
