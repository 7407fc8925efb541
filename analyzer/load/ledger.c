/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ledger.c - what a load says: errors and notes while it goes, the account at its end. */
#include "load/pass.h"
#include "base/sql.h"

#include <stdarg.h>
#include <stdlib.h>

static void say(struct pass *p, const char *format, va_list args)
{
	char *text;

	if (p->told)
		return;
	progress_clear(&p->progress);
	if (vasprintf(&text, format, args) < 0)
		return;
	/* paths and reasons may hold anything: nothing of it reaches the terminal as a control character */
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	if (p->o->say)
		p->o->say(p->o->say_arg, text);
	else
		fprintf(p->o->err, "ilu-logq: %s\n", text);
	free(text);
}

void say_error(struct pass *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(p, format, args);
	va_end(args);
}

void say_note(struct pass *p, const char *format, ...)
{
	va_list args;

	if (p->o->quiet)
		return;
	va_start(args, format);
	say(p, format, args);
	va_end(args);
}

/* 12345678 as 12,345,678 */
static const char *grouped(uint64_t v, char *buf)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)v), k = 0;

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			buf[k++] = ',';
		buf[k++] = digits[i];
	}
	buf[k] = 0;
	return buf;
}

static int64_t count(struct pass *p, const char *sql)
{
	int64_t n = 0;

	sql_number(store_db(p->store), sql, &n);
	return n;
}

void pass_ledger(struct pass *p)
{
	char lines[32], bytes[32], rejected[32], grouped_invocations[32];
	int64_t invocations;

	if (p->o->quiet)
		return;
	if (!p->files && p->unchanged) {
		fprintf(p->o->out, "%u file%s already loaded, nothing new\n", p->unchanged,
		        p->unchanged == 1 ? "" : "s");
		return;
	}
	fprintf(p->o->out, "%s line%s, %s bytes of %u file%s in %.2f s", grouped(p->lines, lines),
	        p->lines == 1 ? "" : "s", grouped(p->bytes, bytes), p->files, p->files == 1 ? "" : "s", p->seconds);
	if (p->unchanged)
		fprintf(p->o->out, "; %u unchanged", p->unchanged);
	invocations = count(p, "SELECT count(*) FROM invocation");
	fprintf(p->o->out, "; rejected %s; %s invocation%s in %s\n", grouped(p->rejected, rejected),
	        grouped((uint64_t)invocations, grouped_invocations), invocations == 1 ? "" : "s", p->o->db);
	if (invocations && count(p, "SELECT count(*) FROM run WHERE rules = 'inferred'"))
		fprintf(p->o->out, "requests and phases are inferred from the log itself; rules infer shows how\n");
	if (count(p, "SELECT count(*) FROM source WHERE offset_from = 'assumed'"))
		fprintf(p->o->out, "the logs' clock is assumed to show UTC; --timezone ZONE says otherwise\n");
}
