/* SPDX-License-Identifier: GPL-3.0-or-later */
/* formats.c - which formats a load knows: ours, those in the user's folder, those that an option names; and what is
 * said of them afterwards. */
#include "load/pass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const role_options[ROLES_OF_READING] = {"time", "level", "message", "target", "tid"};

static int options_take(struct pass *p)
{
	const struct load_options *o = p->o;
	int rc = 0;

	for (int i = 0; i < ROLES_OF_READING; i++) {
		if (!o->roles[i])
			continue;
		rc = paths_parse(o->roles[i], &p->given[i]);
		if (!rc && !p->given[i].n)
			rc = -EINVAL;
		if (rc == -EINVAL)
			say_error(p, "--%s '%s': a path, or several with commas between them, is expected",
			          role_options[i], o->roles[i]);
		if (rc)
			return rc;
		p->record.roles[i] = &p->given[i];
	}
	if (o->format && (rc = formats_need(&p->formats)))
		return rc;
	if (o->format && !(p->record.only = formats_find(&p->formats, o->format))) {
		say_error(p, "--format %s: no such format; ilu-logq formats lists them", o->format);
		return -EINVAL;
	}
	return 0;
}

static void say_it(void *arg, const char *text)
{
	say_error(arg, "%s", text);
}

int pass_formats(struct pass *p)
{
	int rc = formats_known(&p->formats, p->o->format_files, p->o->nformat_files, say_it, p);

	p->record = (struct record_options){.formats = &p->formats};
	if (!rc && p->o->no_repair && !repair_names(p->o->no_repair, &p->record.no_repair)) {
		say_error(p, "--no-repair %s: it is all, or some of nuls, colours, comma, pieces, bracket and utf8",
		          p->o->no_repair);
		return -EINVAL;
	}
	return rc ? rc : options_take(p);
}

void pass_formats_done(struct pass *p)
{
	for (int i = 0; i < ROLES; i++)
		paths_done(&p->given[i]);
	formats_done(&p->formats);
}

static void name_add(struct bytes *b, const struct record_use *u)
{
	if (b->len)
		bytes_str(b, ", ");
	if (u->outer) {
		bytes_str(b, u->outer->name);
		bytes_str(b, ": ");
	}
	bytes_str(b, u->inner ? u->inner->name : "default");
}

static int by_name(const struct log_format *a, const struct log_format *b)
{
	return strcmp(a ? a->name : "", b ? b->name : "");
}

/* Most records first; which worker met a format first does not matter. */
static int by_records(const void *a, const void *b)
{
	const struct record_use *x = a, *y = b;

	if (x->records != y->records)
		return x->records < y->records ? 1 : -1;
	return by_name(x->outer, y->outer) ? by_name(x->outer, y->outer) : by_name(x->inner, y->inner);
}

char *formats_used(const struct source_load *l)
{
	struct record_use uses[RECORD_USES];
	struct bytes b = {0};

	memcpy(uses, l->uses, sizeof uses);
	qsort(uses, l->nuses, sizeof *uses, by_records);
	if (l->tracing)
		bytes_str(&b, "tracing");
	for (unsigned i = 0; i < l->nuses; i++)
		if (!l->tracing || uses[i].outer || !uses[i].inner || strcmp(uses[i].inner->name, "tracing") != 0)
			name_add(&b, &uses[i]);
	bytes_add(&b, "", 1);
	if (!b.failed && b.len > 1)
		return b.ptr;
	bytes_free(&b);
	return NULL;
}

/* What is said of records without a time that is understood, and what to do about it. */
static void timeless_say(struct pass *p, const char *path, const struct source_load *l)
{
	const struct record_hints *h = &l->hints;
	uint64_t n = l->no_time + l->odd_time, all = l->tracing;
	const char *where = "at the time of the one before";

	for (unsigned i = 0; i < l->nuses; i++)
		all += l->uses[i].records;
	if (n >= all)
		where = "at the time when the file was written";
	if (l->no_time)
		say_note(p, "%s: no timestamp in %llu record%s, %s; keys that were seen: %s (--time %s%s)", path,
		         (unsigned long long)l->no_time, l->no_time == 1 ? "" : "s", where, h->keys,
		         h->time_path[0] ? h->time_path : "PATH", h->time_path[0] ? "?" : " names one");
	if (l->odd_time)
		say_note(p, "%s: the time of %llu record%s is not understood, as \"%s\"; %s", path,
		         (unsigned long long)l->odd_time, l->odd_time == 1 ? "" : "s", h->odd_time, where);
}

void pass_levels_say(struct pass *p)
{
	struct bytes b = {0};

	for (unsigned i = 0; i < p->hints.nlevels; i++) {
		bytes_str(&b, i ? ", " : "");
		bytes_str(&b, p->hints.levels[i]);
	}
	bytes_str(&b, p->hints.more_levels ? ", ..." : "");
	bytes_add(&b, "", 1);
	if (p->hints.nlevels && !b.failed)
		say_note(p,
		         "levels that are not known, so that their events have none: %s (\"levels\" of a format says "
		         "what they mean)",
		         b.ptr);
	bytes_free(&b);
}

void pass_guesses_say(struct pass *p, const char *path, const struct source_load *l)
{
	char *format = l->saw_foreign ? formats_used(l) : NULL;

	if (format && l->nuses)
		say_note(p, "%s: read as %s", path, format);
	free(format);
	if (l->assumed_zone)
		say_note(p, "%s: %llu times name no offset, UTC is assumed (--timezone says which)", path,
		         (unsigned long long)l->assumed_zone);
	if (l->assumed_year)
		say_note(p, "%s: %llu times have no year, the nearest is assumed", path,
		         (unsigned long long)l->assumed_year);
	if (l->either_day)
		say_note(
		    p,
		    "%s: %llu dates can be read with the day or the month first, the month is assumed (a format with "
		    "\"day_first\" says otherwise)",
		    path, (unsigned long long)l->either_day);
	timeless_say(p, path, l);
	hints_add(&p->hints, &l->hints);
}
