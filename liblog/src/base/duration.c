/* SPDX-License-Identifier: Apache-2.0 */
/* duration.c - a duration in three digits, without doubles where they would come to the same.
 *
 * Each span's end has two of them, and printf took a fifth of the time of a simulation that logs its spans. A double
 * and the exact quotient round alike unless the quotient lies between two results, or is so long that the divisions'
 * own error counts. */
#include "base/duration.h"
#include "base/dtoa.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define EXACT_MAX UINT64_C(1000000000000000) /* ns: half of one is more than a double's error there */

static const char *const unit_text[] = {"ns", "\xc2\xb5s", "ms", "s"};

static size_t by_printf(uint64_t ns, char *out)
{
	char text[32];
	double t = (double)ns;
	int i = 0, n;

	while (i < 3 && t >= 1000) {
		t /= 1000;
		i++;
	}
	n = snprintf(text, sizeof text, "%.*f%s", t < 10 ? 2 : t < 100 ? 1 : 0, t, unit_text[i]);
	memcpy(out, text, (size_t)n);
	return (size_t)n;
}

size_t duration_text(uint64_t ns, char out[DURATION_MAX])
{
	static const uint32_t unit[] = {1, 1000, 1000000, 1000000000}, power[] = {1, 10, 100};
	unsigned i = ns < 1000 ? 0 : ns < 1000000 ? 1 : ns < 1000000000 ? 2 : 3;
	uint64_t whole = ns / unit[i], scaled = ns;
	unsigned decimals = whole < 10 ? 2 : whole < 100 ? 1 : 0;
	size_t n, text = strlen(unit_text[i]);

	if (i) {
		uint32_t step = unit[i] / power[decimals], rest = (uint32_t)(ns % step);

		if (rest * UINT64_C(2) == step || ns > EXACT_MAX)
			return by_printf(ns, out);
		scaled = ns / step + (rest * UINT64_C(2) > step);
	} else {
		scaled = ns * power[decimals];
	}
	n = itoa_u64(scaled, out);
	if (decimals) { /* "0.00ns" too: at least one digit stands before the point */
		while (n <= decimals) {
			memmove(out + 1, out, n++);
			out[0] = '0';
		}
		memmove(out + n - decimals + 1, out + n - decimals, decimals);
		out[n - decimals] = '.';
		n++;
	}
	memcpy(out + n, unit_text[i], text);
	return n + text;
}
