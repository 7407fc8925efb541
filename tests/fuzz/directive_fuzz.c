/* SPDX-License-Identifier: Apache-2.0 */
/* directive_fuzz.c - any text is a filter or an error; what was parsed prints, and parses again to the same. */
#include "config/directive.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = {"tid", "n"};
	const struct directive_value values[] = {{.key = "tid", .key_len = 3, .type = DIRECTIVE_STR, .s = {"t1", 2}},
	                                         {.key = "n", .key_len = 1, .type = DIRECTIVE_I64, .i = 5}};
	struct directive_site site = {"app::queue", 10, "invoke", 6, keys, 2, 3, true};
	struct directive_set *set, *again;
	struct directive_error error;
	char text[4096], second[4096];
	size_t len;

	if (size > 512 || directive_parse((const char *)data, size, &set, &error))
		return 0;
	directive_site(set, &site);
	directive_span_level(set, &site, values, 2);
	len = directive_print(set, text, sizeof text);
	if (len < sizeof text && !directive_parse(text, len, &again, &error)) {
		directive_print(again, second, sizeof second);
		if (strcmp(text, second))
			abort();
		directive_free(again);
	}
	directive_free(set);
	return 0;
}
