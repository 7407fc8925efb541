/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeline_text.c - see timeline.h
 *
 *     offset     takes                          0 ms                        812 ms
 *       0 ns   3.20 ms  worker queue            #
 *    3.20 ms    701 ms  container acquisition   ##########################
 *
 * A moment has its time on the log's clock instead of a bar. */
#include "render/fold.h"
#include "render/timeline.h"
#include "render/number.h"
#include <errno.h>
#include <string.h>

enum {
	OFFSET_LEAST = 10,
	TAKES_LEAST = 10,
	CLOCK = 18,
	LABEL_MOST = 44,
	LABEL_LEAST = 12,
	BAR_FEW = 10,
	BAR_LEAST = 20,
	BAR_MOST = 60,
	WIDTH = 110
};

struct layout {
	struct output *out;
	const struct timeline *t;
	struct text line;
	int offset, takes, label, bar; /* columns; of takes with the blank before it */
};

static const char *micro(const struct layout *l)
{
	return l->out->utf8 ? "µ" : "u";
}

static void add_padded(struct text *line, const char *safe, size_t len, int columns, bool right)
{
	int pad = columns - text_columns(safe, len);

	for (int i = 0; right && i < pad; i++)
		text_puts(line, " ");
	text_add(line, safe, len);
	for (int i = 0; !right && i < pad; i++)
		text_puts(line, " ");
}

static void add_duration(struct layout *l, int64_t ns, int columns, const char *sign)
{
	char buf[NUMBER_MAX + 4];
	size_t n = strlen(sign);

	memcpy(buf, sign, n);
	number_duration(ns, micro(l), buf + n);
	add_padded(&l->line, buf, strlen(buf), columns, true);
}

static void flush(struct layout *l)
{
	while (l->line.len && l->line.ptr[l->line.len - 1] == ' ')
		l->line.len--;
	text_puts(&l->line, "\n");
	fwrite(text_str(&l->line), 1, l->line.len, l->out->file);
	text_reset(&l->line);
}

static int label_columns(struct layout *l, const struct timeline_row *r)
{
	struct text safe = {0};
	int n;

	text_add_terminal(&safe, r->label ? r->label : "", r->label ? strlen(r->label) : 0);
	n = 2 * r->depth + text_columns(text_str(&safe), safe.len);
	l->line.failed |= safe.failed;
	text_done(&safe);
	return n;
}

static int64_t takes_of(const struct timeline_row *r)
{
	return r->total_ns ? r->total_ns : r->end_ns - r->start_ns;
}

/* Columns for durations: mostly ten, more where it takes hours. */
static void make_room_for_durations(struct layout *l)
{
	char buf[NUMBER_MAX];

	l->offset = OFFSET_LEAST;
	l->takes = TAKES_LEAST;
	for (size_t i = 0; i < l->t->nrows; i++) {
		const struct timeline_row *r = &l->t->rows[i];
		int n = 0;

		if (r->kind == TIMELINE_BAR || r->kind == TIMELINE_MOMENT)
			n = text_columns(buf, number_duration(r->start_ns - l->t->start_ns, micro(l), buf));
		l->offset = n > l->offset ? n : l->offset;
		n = r->kind == TIMELINE_BAR ? 1 + text_columns(buf, number_duration(takes_of(r), micro(l), buf)) : 0;
		l->takes = n > l->takes ? n : l->takes;
	}
}

static void lay_out(struct layout *l)
{
	int width = l->out->width ? l->out->width : WIDTH;

	make_room_for_durations(l);
	for (size_t i = 0; i < l->t->nrows; i++) {
		int n = l->t->rows[i].kind == TIMELINE_BAR ? label_columns(l, &l->t->rows[i]) : 0;

		l->label = n > l->label ? n : l->label;
	}
	l->label = l->label > LABEL_MOST ? LABEL_MOST : l->label;
	l->bar = width - l->offset - l->takes - l->label - 6;
	if (l->bar < BAR_LEAST && l->label > LABEL_LEAST) {
		l->label -= BAR_LEAST - l->bar;
		l->label = l->label < LABEL_LEAST ? LABEL_LEAST : l->label;
		l->bar = width - l->offset - l->takes - l->label - 6;
	}
	l->bar = l->bar < BAR_FEW ? BAR_FEW : l->bar > BAR_MOST ? BAR_MOST : l->bar;
}

static enum ink ink_of_look(enum timeline_look look)
{
	static const enum ink inks[] = {[LOOK_WORK] = INK_INFO,
	                                [LOOK_WAIT] = INK_WARN,
	                                [LOOK_CONTAINER] = INK_TRACE,
	                                [LOOK_UNKNOWN] = INK_DIM,
	                                [LOOK_SPAN] = INK_BAR};

	return inks[look];
}

static const char *fill_of(const struct layout *l, enum timeline_look look)
{
	static const char *const fine[] = {
	    [LOOK_WORK] = "█", [LOOK_WAIT] = "▒", [LOOK_CONTAINER] = "▓", [LOOK_UNKNOWN] = "·", [LOOK_SPAN] = "━"};
	static const char *const plain[] = {
	    [LOOK_WORK] = "#", [LOOK_WAIT] = "-", [LOOK_CONTAINER] = "+", [LOOK_UNKNOWN] = ".", [LOOK_SPAN] = "="};

	return l->out->utf8 ? fine[look] : plain[look];
}

/* Which cell of the bar an instant falls into. */
static int cell_of(const struct layout *l, int64_t ns)
{
	double total = (double)(l->t->end_ns - l->t->start_ns);
	double at = total > 0 ? (double)(ns - l->t->start_ns) / total * l->bar : 0;

	return at < 0 ? 0 : at >= l->bar ? l->bar - 1 : (int)at;
}

static void add_bar(struct layout *l, const struct timeline_row *r)
{
	/* What reaches out by less than one can see does not. */
	int64_t little = (l->t->end_ns - l->t->start_ns) / 100;
	bool before = r->start_ns<l->t->start_ns - little, beyond = r->end_ns> l->t->end_ns + little || r->open;
	int from = cell_of(l, r->start_ns), to = cell_of(l, r->end_ns);
	/* A bar ends in the cell its end falls into only where it reaches some way into it. */
	double exact = l->t->end_ns > l->t->start_ns
	                   ? (double)(r->end_ns - l->t->start_ns) / (double)(l->t->end_ns - l->t->start_ns) * l->bar
	                   : 0;

	double length = l->t->end_ns > l->t->start_ns
	                    ? (double)(r->end_ns - r->start_ns) / (double)(l->t->end_ns - l->t->start_ns) * l->bar
	                    : 0;

	if (to > from && exact - to < 0.5)
		to--;
	for (int i = 0; i < from; i++)
		text_puts(&l->line, " ");
	text_puts(&l->line, output_ink(l->out, ink_of_look(r->look)));
	for (int i = from; i <= to; i++) {
		bool tiny = from == to && length < 0.3 && !r->open;

		if (i == from && before)
			text_puts(&l->line, l->out->utf8 ? "◂" : "<");
		else if (i == to && beyond)
			text_puts(&l->line, l->out->utf8 ? "▸" : ">");
		else
			text_puts(&l->line, tiny ? (l->out->utf8 ? "▏" : "|") : fill_of(l, r->look));
	}
	text_puts(&l->line, output_ink(l->out, INK_NONE));
}

static void add_label(struct layout *l, const struct timeline_row *r)
{
	struct text safe = {0}, cut = {0};
	const char *label = r->label ? r->label : "";

	for (int i = 0; i < r->depth && 2 * i < l->label - 12; i++)
		text_puts(&safe, "  ");
	text_add_terminal(&safe, label, strlen(label));
	text_add_cut(&cut, text_str(&safe), safe.len, l->label, l->out->utf8);
	add_padded(&l->line, text_str(&cut), cut.len, l->label, false);
	l->line.failed |= safe.failed | cut.failed;
	text_done(&safe);
	text_done(&cut);
}

/* Cuts what stands in line behind from to the width of the terminal. */
static void cut_line(struct layout *l, size_t from, int used)
{
	struct text cut = {0};

	if (!l->out->width)
		return;
	if (l->out->width > used)
		text_add_cut(&cut, l->line.ptr + from, l->line.len - from, l->out->width - used, l->out->utf8);
	l->line.len = from;
	text_add(&l->line, text_str(&cut), cut.len);
	l->line.failed |= cut.failed;
	text_done(&cut);
}

static void put_bar(struct layout *l, const struct timeline_row *r)
{
	int64_t takes = takes_of(r);
	size_t from;
	int used;

	add_duration(l, r->start_ns - l->t->start_ns, l->offset, "");
	if (r->open)
		add_padded(&l->line, "open", 4, l->takes, true);
	else
		add_duration(l, takes, l->takes, "");
	text_puts(&l->line, "  ");
	add_label(l, r);
	text_puts(&l->line, "  ");
	add_bar(l, r);
	if (r->detail) {
		text_puts(&l->line, output_ink(l->out, INK_DIM));
		from = l->line.len;
		used = text_columns(text_str(&l->line), l->line.len);
		text_printf(&l->line, "  %s", r->detail);
		cut_line(l, from, used);
		text_puts(&l->line, output_ink(l->out, INK_NONE));
	}
	flush(l);
}

static void put_moment(struct layout *l, const struct timeline_row *r)
{
	char clock[NUMBER_MAX];
	const char *level = r->level ? r->level : "";
	size_t from;
	size_t n = time_of_log(r->start_ns, l->t->offset_s, clock);

	add_duration(l, r->start_ns - l->t->start_ns, l->offset, "");
	text_puts(&l->line, "  ");
	/* The date is in the heading. */
	add_padded(&l->line, clock + 11, n - 11, CLOCK, false);
	text_printf(&l->line, " %s", output_ink(l->out, ink_of_level(level, strlen(level))));
	from = l->line.len;
	text_add_terminal(&l->line, level, strlen(level));
	for (size_t i = l->line.len - from; i < 6; i++)
		text_puts(&l->line, " ");
	text_puts(&l->line, output_ink(l->out, INK_NONE));
	from = l->line.len;
	for (int i = 0; i < r->depth; i++)
		text_puts(&l->line, "  ");
	text_add_terminal(&l->line, r->label ? r->label : "", r->label ? strlen(r->label) : 0);
	if (r->detail)
		text_printf(&l->line, "  %s", r->detail);
	cut_line(l, from, l->offset + 2 + CLOCK + 1 + 6);
	flush(l);
}

static void put_gap(struct layout *l, const struct timeline_row *r)
{
	text_puts(&l->line, output_ink(l->out, INK_DIM));
	add_padded(&l->line, l->out->utf8 ? "⋮" : ":", l->out->utf8 ? 3 : 1, l->offset, true);
	text_puts(&l->line, "  ");
	add_duration(l, r->end_ns - r->start_ns, 0, "");
	text_printf(&l->line, " without a line%s", r->label ? r->label : "");
	text_puts(&l->line, output_ink(l->out, INK_NONE));
	flush(l);
}

static void put_rest(struct layout *l, const struct timeline_row *r)
{
	size_t from;

	text_puts(&l->line, output_ink(l->out, INK_DIM));
	add_padded(&l->line, l->out->utf8 ? "⋯" : "...", 3, l->offset, true);
	text_puts(&l->line, "  ");
	from = l->line.len;
	text_add_terminal(&l->line, r->label, strlen(r->label));
	cut_line(l, from, l->offset + 2);
	text_puts(&l->line, output_ink(l->out, INK_NONE));
	flush(l);
}

/* The ruler above the bars: 0 at the left, the whole at the right. */
static void put_heading(struct layout *l, const struct timeline_row *r, bool bars)
{
	char total[NUMBER_MAX], clock[NUMBER_MAX], zone[NUMBER_MAX];

	text_puts(&l->line, "\n");
	text_puts(&l->line, output_ink(l->out, INK_HEAD));
	add_padded(&l->line, "offset", 6, l->offset, true);
	if (bars) {
		add_padded(&l->line, "takes", 5, l->takes, true);
		text_puts(&l->line, "  ");
		add_padded(&l->line, r->label, strlen(r->label), l->label + 2, false);
		number_duration(l->t->end_ns - l->t->start_ns, micro(l), total);
		text_puts(&l->line, "0");
		add_padded(&l->line, total, strlen(total), l->bar - 1, true);
	} else {
		time_of_log(l->t->start_ns, l->t->offset_s, clock);
		time_offset(l->t->offset_s, zone);
		text_printf(&l->line, "  %.10s %s  %s", clock, zone, r->label);
	}
	text_puts(&l->line, output_ink(l->out, INK_NONE));
	flush(l);
}

static void put_facts(struct layout *l)
{
	int widest = 0;

	for (size_t i = 0; i < l->t->nfacts; i++)
		widest = (int)strlen(l->t->facts[i].name) > widest ? (int)strlen(l->t->facts[i].name) : widest;
	for (size_t i = 0; i < l->t->nfacts; i++) {
		const struct timeline_fact *f = &l->t->facts[i];
		struct text safe = {0};
		struct fold fold = {
		    .out = &l->line, .width = l->out->width, .indent = widest + 2, .column = widest + 2};

		text_printf(&l->line, "%-*s  ", widest, f->name);
		if (f->ink != INK_NONE)
			text_puts(&l->line, output_ink(l->out, f->ink));
		text_add_terminal(&safe, f->value, strlen(f->value));
		fold_words(&fold, text_str(&safe), safe.len, "", "");
		l->line.failed |= safe.failed;
		text_done(&safe);
		if (f->ink != INK_NONE)
			text_puts(&l->line, output_ink(l->out, INK_NONE));
		flush(l);
	}
}

int timeline_text(struct output *out, const struct timeline *t)
{
	struct layout l = {.out = out, .t = t};
	bool failed;

	lay_out(&l);
	put_facts(&l);
	for (size_t i = 0; i < t->nrows; i++) {
		const struct timeline_row *r = &t->rows[i];

		if (r->kind == TIMELINE_HEADING)
			put_heading(&l, r, i + 1 < t->nrows && r[1].kind == TIMELINE_BAR);
		else if (r->kind == TIMELINE_BAR)
			put_bar(&l, r);
		else if (r->kind == TIMELINE_MOMENT)
			put_moment(&l, r);
		else if (r->kind == TIMELINE_GAP)
			put_gap(&l, r);
		else
			put_rest(&l, r);
	}
	failed = l.line.failed;
	text_done(&l.line);
	return failed ? -ENOMEM : output_status(out);
}
