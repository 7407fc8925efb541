/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table_text.c - columns that line up, for people.
 *
 * Up to HELD rows, and HELD_BYTES of them, wait until their widths are known; a longer table goes on with these widths,
 * and a later cell that is wider pushes its row to the right rather than being cut, as does one that nobody would look
 * along to its end. Only the width of the terminal cuts: the widest shrinkable columns give way first, down to LEAST
 * columns each; then columns are left out from the right, those first that people miss least, and named in a last line.
 * --columns all leaves none out. */
#include "render/number.h"
#include "render/table_writer.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HELD = 1000, LEAST = 14, GAP = 2, WIDEST = 500 };

#define HELD_BYTES (16u << 20)

struct held_cell {
	char *text; /* safe for a terminal */
	size_t len;
	bool right;
};

struct held {
	struct held_cell *cells; /* rows * columns */
	int64_t *offsets;        /* of each row */
	size_t rows, columns;
	size_t bytes; /* of the cells of these rows */
	int *widths;
	bool *left_out;
	bool *zoned; /* a time column whose rows differ in their offset: each names its own */
	bool placed; /* widths are final and the head is out */
};

static void drop_cells(struct held_cell *cells, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(cells[i].text);
}

void table_text_done(struct held *h)
{
	if (!h)
		return;
	if (h->cells)
		drop_cells(h->cells, h->rows * h->columns);
	free(h->cells);
	free(h->offsets);
	free(h->widths);
	free(h->left_out);
	free(h->zoned);
	free(h);
}

static int text_head(struct table *t)
{
	struct held *h = calloc(1, sizeof *h);
	size_t n = t->n ? t->n : 1;

	if (!h)
		return -ENOMEM;
	t->held = h;
	h->columns = t->n;
	h->cells = calloc(HELD * n, sizeof *h->cells);
	h->offsets = calloc(HELD, sizeof *h->offsets);
	h->widths = calloc(n, sizeof *h->widths);
	h->left_out = calloc(n, sizeof *h->left_out);
	h->zoned = calloc(n, sizeof *h->zoned);
	return h->cells && h->offsets && h->widths && h->left_out && h->zoned ? 0 : -ENOMEM;
}

/* A byte of a name that is no plain letter becomes four at most, a character ten. */
enum { NAME_ROOM = 128, HEADING_ROOM = 4 * NAME_ROOM + NUMBER_MAX };

/* A name comes from the user's SQL or, of a series, from a log: it is escaped as values are. */
static size_t heading(struct table *t, size_t i, char buf[HEADING_ROOM])
{
	const struct held *h = t->held;
	char name[NAME_ROOM], zone[NUMBER_MAX];
	struct text safe = {0};
	int n;

	text_add_terminal(&safe, name, column_heading(&t->columns[i], name, sizeof name));
	if (t->columns[i].unit == UNIT_TIME && !h->zoned[i] && h->rows) {
		time_offset(h->offsets[0], zone);
		text_printf(&safe, " (%s)", zone);
	}
	n = snprintf(buf, HEADING_ROOM, "%s", text_str(&safe));
	t->line.failed |= safe.failed;
	text_done(&safe);
	return (size_t)n < HEADING_ROOM ? (size_t)n : HEADING_ROOM - 1;
}

/* A number or an id that is cut becomes a lie. */
static bool shrinks(const struct table *t, size_t i)
{
	enum unit unit = t->columns[i].unit;

	if (unit != UNIT_NONE && unit != UNIT_JSON && unit != UNIT_TARGET && unit != UNIT_PATH)
		return false;
	for (size_t r = 0; r < t->held->rows; r++)
		if (t->held->cells[r * t->n + i].right)
			return false;
	return true;
}

static bool is_out(const struct table *t, size_t i)
{
	return t->held->left_out[i] || column_hidden(t, i);
}

/* The most that others are padded for: a cell may have 64 MiB. What a terminal has room for is in any case. */
static int widest(const struct table *t)
{
	return t->out->width > WIDEST ? t->out->width : WIDEST;
}

/* What all columns take that are shown, the gaps between them included. */
static int natural_widths(struct table *t)
{
	struct held *h = t->held;
	char buf[HEADING_ROOM];
	int total = 0, most = widest(t);

	for (size_t i = 0; i < t->n; i++) {
		if (is_out(t, i))
			continue;
		h->widths[i] = text_columns(buf, heading(t, i, buf));
		for (size_t r = 0; r < h->rows; r++) {
			const struct held_cell *c = &h->cells[r * t->n + i];
			int w = text_columns(c->text, c->len);

			if (w > h->widths[i])
				h->widths[i] = w < most ? w : most;
		}
		total += h->widths[i] + GAP;
	}
	return total - GAP;
}

/* Makes the widest narrower until all fit, none below least; returns what they take then. */
static int shrink(struct table *t, int total, int least)
{
	struct held *h = t->held;

	for (; total > t->out->width; total--) {
		size_t widest = t->n;

		for (size_t i = 0; i < t->n; i++)
			if (!is_out(t, i) && shrinks(t, i) && h->widths[i] > least &&
			    (widest == t->n || h->widths[i] > h->widths[widest]))
				widest = i;
		if (widest == t->n)
			break;
		h->widths[widest]--;
	}
	return total;
}

/* The next one to go: t->n where there is none. The first goes only where it is among the less wanted. */
static size_t least_missed(const struct table *t)
{
	size_t first = 0, last = t->n;

	while (first < t->n && is_out(t, first))
		first++;
	for (size_t i = first + (first < t->n && !t->less[first]); i < t->n; i++)
		if (!is_out(t, i) && (last == t->n || t->less[i] >= t->less[last]))
			last = i;
	return last;
}

static void measure(struct table *t)
{
	struct held *h = t->held;
	int total = natural_widths(t);
	size_t out;

	if (!t->out->width)
		return;
	total = shrink(t, total, LEAST);
	while (total > t->out->width && !t->out->columns && (out = least_missed(t)) < t->n) {
		h->left_out[out] = true;
		total = shrink(t, natural_widths(t), LEAST);
	}
	shrink(t, total, 1);
}

/* "+2 columns: target, error: --columns all" */
static int put_left_out(struct table *t)
{
	struct text names = {0}, head = {0};
	char name[HEADING_ROOM];
	int n = 0, room;

	for (size_t i = 0; i < t->n; i++) {
		if (!t->held->left_out[i])
			continue;
		column_heading(&t->columns[i], name, sizeof name);
		text_puts(&names, n++ ? ", " : "");
		text_add_terminal(&names, name, strlen(name));
	}
	if (n && !t->out->quiet) {
		text_printf(&head, "+%d column%s: ", n, n == 1 ? "" : "s");
		room = t->out->width - (int)head.len - (int)strlen(": --columns all");
		text_puts(&t->line, output_ink(t->out, INK_DIM));
		text_puts(&t->line, text_str(&head));
		text_add_cut(&t->line, text_str(&names), names.len, room < 8 ? 8 : room, t->out->utf8);
		text_printf(&t->line, ": --columns all%s\n", output_ink(t->out, INK_NONE));
	}
	t->line.failed |= names.failed | head.failed;
	text_done(&names);
	text_done(&head);
	return table_flush_line(t);
}

static void add_spaces(struct text *line, int n)
{
	for (; n > 0; n--)
		text_puts(line, " ");
}

/* As much of the end of safe text as columns have room for, behind what says that something is missing. */
static void add_end(struct text *line, const char *safe, size_t len, int columns, bool utf8)
{
	size_t from = 0;
	int over = text_columns(safe, len) - columns + (utf8 ? 1 : 2);

	while (from < len && over > 0) {
		uint32_t code;
		size_t n = utf8_decode(safe + from, len - from, &code);

		over -= n ? utf8_columns(code) : 1;
		from += n ? n : 1;
	}
	text_puts(line, utf8 ? "…" : "..");
	text_add(line, safe + from, len - from);
}

/* One cell, padded; ink is the colour of the whole cell. */
static void add_cell(struct table *t, size_t i, const char *text, size_t len, bool right, enum ink ink, bool last)
{
	int width = t->held->widths[i];
	int pad = width - text_columns(text, len);

	if (right)
		add_spaces(&t->line, pad);
	if (ink != INK_NONE)
		text_puts(&t->line, output_ink(t->out, ink));
	if (pad < 0 && t->out->width && t->columns[i].unit == UNIT_PATH)
		add_end(&t->line, text, len, width, t->out->utf8);
	else if (pad < 0 && t->out->width && shrinks(t, i))
		text_add_cut(&t->line, text, len, width, t->out->utf8);
	else
		text_add(&t->line, text, len);
	if (ink != INK_NONE)
		text_puts(&t->line, output_ink(t->out, INK_NONE));
	if (!right && !last)
		add_spaces(&t->line, pad);
	if (!last)
		add_spaces(&t->line, GAP);
}

static size_t last_column(const struct table *t)
{
	size_t last = t->n;

	while (last > 0 && is_out(t, last - 1))
		last--;
	return last ? last - 1 : 0;
}

static int put_head(struct table *t)
{
	char buf[HEADING_ROOM];
	size_t last = last_column(t);

	for (size_t i = 0; i < t->n; i++) {
		size_t len = heading(t, i, buf);
		bool right = t->held->rows && t->held->cells[i].right;

		for (size_t r = 0; r < t->held->rows && !right; r++)
			right = t->held->cells[r * t->n + i].right;
		if (!is_out(t, i))
			add_cell(t, i, buf, len, right, INK_HEAD, i == last);
	}
	text_puts(&t->line, "\n");
	return table_flush_line(t);
}

static enum ink ink_of(const struct table *t, size_t i, const struct held_cell *c)
{
	return t->columns[i].unit == UNIT_LEVEL ? ink_of_level(c->text, c->len) : INK_NONE;
}

static int put_row(struct table *t, const struct held_cell *cells)
{
	size_t last = last_column(t);

	for (size_t i = 0; i < t->n; i++)
		if (!is_out(t, i))
			add_cell(t, i, cells[i].text, cells[i].len, cells[i].right, ink_of(t, i, &cells[i]), i == last);
	while (t->line.len && t->line.ptr[t->line.len - 1] == ' ')
		t->line.len--;
	text_puts(&t->line, "\n");
	return table_flush_line(t);
}

/* Takes a cell's text out of the struct that made it. */
static int hold(struct table *t, size_t i, const struct cell *cell, struct held_cell *out)
{
	struct text text = {0};
	char zone[NUMBER_MAX];

	cell_human(&text, t->out, t->columns[i].unit, cell, t->offset_s);
	if (t->columns[i].unit == UNIT_TIME && cell->type == CELL_INT &&
	    (t->held->zoned[i] || (t->held->placed && t->offset_s != t->held->offsets[0]))) {
		time_offset(t->offset_s, zone);
		text_puts(&text, zone);
	}
	text_puts(&text, "");
	if (text.failed)
		return -ENOMEM;
	*out = (struct held_cell){text.ptr, text.len, column_is_right(t->columns[i].unit, cell->type)};
	return 0;
}

/* Offsets that differ are written into each time, since the heading cannot name one. */
static void name_zones(struct table *t)
{
	struct held *h = t->held;
	bool differ = false;

	for (size_t r = 1; r < h->rows; r++)
		differ |= h->offsets[r] != h->offsets[0];
	for (size_t i = 0; differ && i < t->n; i++) {
		if (t->columns[i].unit != UNIT_TIME)
			continue;
		h->zoned[i] = true;
		for (size_t r = 0; r < h->rows; r++) {
			struct held_cell *c = &h->cells[r * t->n + i];
			struct text text = {0};
			char zone[NUMBER_MAX];

			if (!c->len)
				continue;
			time_offset(h->offsets[r], zone);
			text_add(&text, c->text, c->len);
			text_puts(&text, zone);
			if (text.failed)
				continue;
			free(c->text);
			*c = (struct held_cell){text.ptr, text.len, c->right};
		}
	}
}

static int place(struct table *t)
{
	struct held *h = t->held;
	int rc;

	name_zones(t);
	measure(t);
	h->placed = true;
	rc = put_head(t);
	for (size_t r = 0; r < h->rows; r++) {
		if (!rc)
			rc = put_row(t, h->cells + r * t->n);
		drop_cells(h->cells + r * t->n, t->n);
	}
	h->rows = 0;
	return rc;
}

static int text_row(struct table *t, const struct cell *cells)
{
	struct held *h = t->held;
	struct held_cell *row;
	int rc = 0;

	if (!h->placed && (h->rows == HELD || h->bytes > HELD_BYTES)) {
		rc = place(t);
		if (rc)
			return rc;
	}
	row = h->cells + h->rows * t->n;
	memset(row, 0, t->n * sizeof *row);
	for (size_t i = 0; i < t->n && !rc; i++)
		if (!(rc = hold(t, i, &cells[i], &row[i])))
			h->bytes += row[i].len;
	if (!h->placed && !rc) {
		h->offsets[h->rows++] = t->offset_s;
		return 0;
	}
	if (!rc)
		rc = put_row(t, row);
	drop_cells(row, t->n);
	return rc;
}

static int text_tail(struct table *t)
{
	int rc = t->held->placed ? output_status(t->out) : place(t);

	return rc ? rc : put_left_out(t);
}

const struct table_writer table_text = {text_head, text_row, text_tail};
