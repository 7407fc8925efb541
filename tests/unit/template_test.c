/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Templates: what one message loses, what many lose together, and that it is the same in any order and from parts. */
#include "base/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 512 };

static void masks(void **state)
{
	static const struct {
		const char *text, *masked;
	} rows[] = {
	    {"", ""},
	    {"  ", ""},
	    {"nothing varies here", "nothing varies here"},
	    {"a  few\tblanks\nare one ", "a few blanks are one"},
	    {"snapshots/1149/work", "<*>"},
	    {"len: 31 popped: 74549e254e top: None", "len: <*> popped: <*> top: None"},
	    {"took 83.1µs.", "took <*>."},
	    {"uid=0 euid=0 tty=NODEVssh ruser= rhost=zummit.com  user=root",
	     "uid=<*> euid=<*> tty=NODEVssh ruser= rhost=<*> user=root"},
	    {"mask=ffffffff deadbeef decade", "mask=<*> <*> decade"},
	    {"10.0.0.1:5070,10.0.0.2:80 is up", "<*> is up"},
	    {"at 12:00:38, 2607:f140::1c57 and 64:d9:89:6b:b5:33", "at <*>, <*> and <*>"},
	    {"open /var/log/messages: no such file", "open <*>: no such file"},
	    {"\"GET /v2/servers?all=True&since=2017-05-16T00:00 HTTP/1.1\"", "\"GET <*> <*>\""},
	    {"connection from host () at noon", "connection from host <*> at noon"},
	    {"connection from host (11-22.dsl) at noon", "connection from host <*> at noon"},
	    {"github.com:443 through SOCKS5", "<*> through SOCKS5"},
	    {"sent 1314 bytes (1.28 KB), lifetime <1 sec", "sent <*> bytes, lifetime <*>"},
	    {"sent 0 bytes, lifetime 00:01", "sent <*> bytes, lifetime <*>"},
	    {"state.clipTopAmount:103", "state.clipTopAmount:<*>"},
	    {"((((", "(((("},
	    {"<", "<"},
	    {"/", "/"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[TEMPLATE_ROOM(MOST)];
		size_t n = template_mask(rows[i].text, strlen(rows[i].text), out);

		if (n != strlen(rows[i].masked) || memcmp(out, rows[i].masked, n))
			fail_msg("\"%s\":\n  %.*s\n  expected %s", rows[i].text, (int)n, out, rows[i].masked);
	}
}

/* The worst there is: every byte a value of its own. */
static void keeps_in_its_room(void **state)
{
	char text[3 * TEMPLATE_TEXT_MAX], *out = malloc(TEMPLATE_ROOM(sizeof text));

	(void)state;
	assert_non_null(out);
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 2 ? '=' : '7';
	assert_true(template_mask(text, sizeof text, out) <= TEMPLATE_ROOM(TEMPLATE_TEXT_MAX));
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 2 ? ' ' : '7';
	assert_true(template_mask(text, sizeof text, out) <= TEMPLATE_ROOM(TEMPLATE_TEXT_MAX));
	free(out);
}

/* Masked texts with the template of each; kind 0. */
static const struct {
	const char *text, *template;
} merged[] = {
    /* many names at one place */
    {"session opened for user root now", "session opened for user <*> now"},
    {"session opened for user news now", "session opened for user <*> now"},
    {"session opened for user cyrus now", "session opened for user <*> now"},
    {"session opened for user test now", "session opened for user <*> now"},
    {"session opened for user ftp now", "session opened for user <*> now"},
    /* too few */
    {"the machine was started again", "the machine was started again"},
    {"the machine was stopped again", "the machine was stopped again"},
    /* many, but little besides */
    {"cupsd started", "cupsd started"},
    {"crond started", "crond started"},
    {"gpm started", "gpm started"},
    {"xinetd started", "xinetd started"},
    {"syslogd started", "syslogd started"},
    /* a value is there already; what is around it stays */
    {"synchronized to <*>, stratum <*>", "synchronized to <*>, stratum <*>"},
    {"synchronized to LOCAL(<*>), stratum <*>", "synchronized to <*>, stratum <*>"},
    {"take lock name=\"<*>\", now", "take lock name=\"<*>\", now"},
    /* units */
    {"free <*> KB)", "free <*> <*>)"},
    {"free <*> MB)", "free <*> <*>)"},
    {"on Mon Jun <*>", "on <*> <*> <*>"},
    {"on Tue Jun <*>", "on <*> <*> <*>"},
    {"on Mon Jul <*>", "on <*> <*> <*>"},
    {"on Tue Jul <*>", "on <*> <*> <*>"},
    {"", ""},
};

enum { MERGED = sizeof merged / sizeof *merged };

static void check_merge(const unsigned *order)
{
	struct intern texts, out;
	struct template_text v[MERGED];
	uint32_t of[MERGED];

	intern_init(&texts);
	intern_init(&out);
	for (unsigned i = 0; i < MERGED; i++) {
		const char *t = merged[order[i]].text;

		v[i].kind = 0;
		assert_int_equal(intern_add(&texts, (struct slice){t, strlen(t)}, &v[i].text), 0);
	}
	assert_int_equal(template_merge(&texts, v, MERGED, &out, of), 0);
	for (unsigned i = 0; i < MERGED; i++) {
		struct slice t = intern_text(&out, of[i]);

		if (!slice_same(t, (struct slice){merged[order[i]].template, strlen(merged[order[i]].template)}))
			fail_msg("\"%s\":\n  %.*s\n  expected %s", merged[order[i]].text, (int)t.len, t.ptr,
			         merged[order[i]].template);
	}
	intern_done(&texts);
	intern_done(&out);
}

static void merges_in_any_order(void **state)
{
	unsigned order[MERGED], seed = 1;

	(void)state;
	for (unsigned i = 0; i < MERGED; i++)
		order[i] = i;
	for (int round = 0; round < 100; round++) {
		check_merge(order);
		for (unsigned i = MERGED; i-- > 1;) {
			unsigned k = (seed = seed * 1103515245 + 12345) / 65536 % (i + 1), was = order[i];

			order[i] = order[k];
			order[k] = was;
		}
	}
}

static void keeps_kinds_apart(void **state)
{
	static const char *const names[] = {"root", "news", "cyrus", "test", "ftp"};
	struct intern texts, out;
	struct template_text v[5];
	uint32_t of[5];
	char text[64];

	(void)state;
	intern_init(&texts);
	intern_init(&out);
	for (uint32_t i = 0; i < 5; i++) {
		v[i].kind = i;
		snprintf(text, sizeof text, "session opened for user %s", names[i]);
		assert_int_equal(intern_add(&texts, (struct slice){text, strlen(text)}, &v[i].text), 0);
	}
	assert_int_equal(template_merge(&texts, v, 5, &out, of), 0);
	for (uint32_t i = 0; i < 5; i++)
		assert_true(slice_same(intern_text(&out, of[i]), intern_text(&texts, v[i].text)));
	intern_done(&texts);
	intern_done(&out);
}

static void leaves_long_texts(void **state)
{
	struct intern texts, out;
	struct template_text v[6] = {0};
	uint32_t of[6];
	char text[300];

	(void)state;
	intern_init(&texts);
	intern_init(&out);
	for (uint32_t i = 0; i < 6; i++) {
		size_t n = 0;

		for (int w = 0; w < 100; w++)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%c", w ? " " : "", w ? 'x' : 'a' + (int)i);
		assert_int_equal(intern_add(&texts, (struct slice){text, n}, &v[i].text), 0);
	}
	assert_int_equal(template_merge(&texts, v, 6, &out, of), 0);
	for (uint32_t i = 0; i < 6; i++)
		assert_true(slice_same(intern_text(&out, of[i]), intern_text(&texts, v[i].text)));
	intern_done(&texts);
	intern_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(masks),
	    cmocka_unit_test(keeps_in_its_room),
	    cmocka_unit_test(merges_in_any_order),
	    cmocka_unit_test(keeps_kinds_apart),
	    cmocka_unit_test(leaves_long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
