/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record.c - one record after the other: envelopes opened, roles found, the reading written. */
#include "ingest/layer.h"
#include "base/scan.h"
#include "ingest/repair.h"
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

	r->nof_lines = 0;
	for (size_t i = 0; !rc && o->formats && i < o->formats->n; i++) {
		const struct log_format *f = &o->formats->all[i];

		r->usable[i] = f == o->only || format_for_file(f, o->file);
		if (r->usable[i] && f->of_lines)
			r->of_lines[r->nof_lines++] = f;
	}
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
	bytes_free(&r->joined);
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

	*out = (struct record_result){.verdict = v, .quoted = r->quoted, .lines = r->lines, .reason = r->reason};
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
	r->no_memory = r->composed = r->quoted = r->several = false;
	r->lines = 0;
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

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* A line as those of one line are read, without what stands around it; of the last what it says is kept to its end. */
static void line_add(struct bytes *room, const char *at, size_t len, bool last)
{
	size_t from = room->len, cut;

	if (!from && len >= 3 && !memcmp(at, "\xef\xbb\xbf", 3))
		at += 3, len -= 3;
	for (; !from && len && (!*at || *at == '\x1e'); len--)
		at++;
	bytes_add(room, at, len);
	if (room->failed)
		return;
	cut = repair_colours_cut(room->ptr + from, len);
	while (cut && (last ? room->ptr[from + cut - 1] == '\r' : is_blank(room->ptr[from + cut - 1])))
		cut--;
	room->len = from + cut;
}

/* The first n lines of text, in room; ptr NULL: there are fewer, or no memory. */
static struct slice lines_first(struct slice text, unsigned n, bool last, struct bytes *room, const char **stop)
{
	const char *at = text.ptr, *end = at + text.len;

	room->len = 0;
	for (unsigned i = 0; i < n; i++) {
		const char *nl = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;

		if (!nl && (!last || at == end))
			return SLICE_NONE;
		bytes_add(room, "\n", i > 0);
		line_add(room, at, (size_t)((nl ? nl : end) - at), i + 1 == n);
		at = nl ? nl + 1 : end;
	}
	*stop = at;
	bytes_add(room, (char[SCAN_SLACK]){0}, SCAN_SLACK);
	return room->failed ? SLICE_NONE : (struct slice){room->ptr, room->len - SCAN_SLACK};
}

int record_read_lines(struct record_reader *rr, struct slice text, unsigned lines, bool last, const char **stop,
                      struct record_result *out)
{
	struct slice inside;
	int rc = 0;

	*out = (struct record_result){.verdict = RECORD_TEXT};
	for (unsigned n = lines; n > 1 && !rc && out->verdict != RECORD_EVENT; n--) {
		struct slice joined = lines_first(text, n, last, &rr->joined, stop);

		if (rr->joined.failed)
			return -ENOMEM;
		if (!joined.ptr && !last) {
			out->verdict = RECORD_OPEN;
			return 0;
		}
		if (!joined.ptr)
			continue;
		clear(rr->r);
		rr->r->several = true;
		rc = result(rr, layers_read(rr, rr->r, joined, &inside), out);
	}
	return rc;
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
