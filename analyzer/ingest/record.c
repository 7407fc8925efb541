/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record.c - one record after the other: envelopes opened, roles found, the reading written. */
#include "ingest/layer.h"
#include "base/scan.h"
#include "ingest/stamp.h"

#include <errno.h>
#include <stdlib.h>

int record_reader_init(struct record_reader *r, const struct record_options *o)
{
	*r = (struct record_reader){.options = *o, .zone_prev = INT64_MIN};
	r->r = calloc(1, sizeof *r->r);
	return r->r ? 0 : -ENOMEM;
}

/* Many a log has no record of others: formats are read when the first one comes. */
static int begin(struct record_reader *r)
{
	const struct record_options *o = &r->options;
	int rc = o->formats ? formats_need(o->formats) : 0;

	for (size_t i = 0; !rc && o->formats && i < o->formats->n; i++)
		r->usable[i] = &o->formats->all[i] == o->only || format_for_file(&o->formats->all[i], o->file);
	r->began = !rc;
	return rc;
}

static void texts_free(struct record *r)
{
	for (size_t i = 0; i < r->ntexts; i++)
		free(r->texts[i]);
	r->ntexts = 0;
}

void record_reader_done(struct record_reader *r)
{
	if (r->r) {
		texts_free(r->r);
		free(r->r->texts);
		for (unsigned i = 0; i < RECORD_LAYERS; i++)
			free(r->r->layers[i].fields);
	}
	free(r->r);
	for (unsigned i = 0; i < RECORD_PENDING; i++)
		bytes_free(&r->pending[i].text);
	bytes_free(&r->reading);
	*r = (struct record_reader){0};
}

void record_reader_trim(struct record_reader *r, size_t bytes)
{
	if (r->reading.room <= bytes)
		return;
	bytes_free(&r->reading);
	texts_free(r->r);
}

static void use_note(struct record_reader *rr)
{
	const struct record *r = rr->r;
	const struct log_format *inner = r->layers[r->n - 1].format, *outer = r->n > 1 ? r->layers[0].format : NULL;
	unsigned i = 0;

	while (i < rr->nuses && (rr->uses[i].inner != inner || rr->uses[i].outer != outer))
		i++;
	if (i == RECORD_USES)
		return;
	if (i == rr->nuses)
		rr->uses[rr->nuses++] = (struct record_use){inner, outer, 0};
	rr->uses[i].records++;
}

static int result(struct record_reader *rr, enum record_verdict v, struct record_result *out)
{
	struct record *r = rr->r;
	int rc;

	*out = (struct record_result){.verdict = v, .quoted = r->quoted, .reason = r->reason};
	if (r->no_memory)
		return -ENOMEM;
	if (v != RECORD_EVENT && (v != RECORD_TEXT || !r->n))
		return 0;
	out->text = v == RECORD_TEXT;
	for (unsigned i = 0; i < r->n; i++)
		out->no_repair |= r->layers[i].format ? r->layers[i].format->no_repair : 0;
	rc = reading_write(rr, out);
	if (!rc && out->verdict == v)
		use_note(rr);
	return rc;
}

static void clear(struct record *r)
{
	texts_free(r);
	r->n = 0;
	r->no_memory = r->composed = r->quoted = false;
	r->reason = NULL;
}

int record_read(struct record_reader *rr, struct slice text, struct record_result *out)
{
	struct slice inside;
	int rc = rr->began ? 0 : begin(rr);

	if (rc)
		return rc;
	clear(rr->r);
	return result(rr, layers_read(rr, rr->r, text, &inside), out);
}

void record_date(struct record_reader *rr, int64_t ns, struct record_result *out)
{
	static const size_t at = sizeof "{\"timestamp\":\"" - 1;
	char stamp[STAMP_MAX];
	size_t n = stamp_print_rfc3339(ns, stamp);

	if (rr->reading.ptr[at + n] != '"') /* the year has other digits */
		return;
	memcpy(rr->reading.ptr + at, stamp, n);
	out->time_ns = ns;
}

int record_flush(struct record_reader *rr, struct record_result *out)
{
	struct record *r = rr->r;
	struct slice all, inside;
	enum record_verdict v;
	int rc;

	clear(r);
	for (unsigned i = 0; i < RECORD_PENDING; i++) {
		if (!rr->pending[i].text.len)
			continue;
		all = record_text_copy(r, (struct slice){rr->pending[i].text.ptr, rr->pending[i].text.len});
		rr->pending[i].text.len = 0;
		if (!all.ptr)
			return -ENOMEM;
		v = layers_read(rr, r, all, &inside);
		if (v == RECORD_EVENT && ((rc = result(rr, v, out)) || out->verdict == v))
			return rc;
		r->n = 0;
		layer_add(r, NULL)->message = all;
		return result(rr, RECORD_TEXT, out);
	}
	*out = (struct record_result){.verdict = RECORD_PARTIAL};
	return 0;
}

int record_list(struct slice text, int (*each)(void *arg, struct slice object), void *arg)
{
	const char *p = text.ptr, *end = p + text.len, *reason, *stop;
	int rc = 0;

	while (p < end && !rc) {
		bool high = false;

		p = memchr(p, '{', (size_t)(end - p));
		if (!p)
			break;
		stop = scan_nested(p, end, &high, &reason);
		if (stop) {
			rc = each(arg, (struct slice){p, (size_t)(stop - p)});
			p = stop;
		} else {
			p++;
		}
	}
	return rc;
}
