/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pattern.c - prefixes of lines as patterns: words between fixed texts, read from left to right without going back. */
#include "ingest/format.h"
#include "base/array.h"

#include <errno.h>
#include <stdlib.h>

void pattern_done(struct pattern *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->pieces[i].name);
		free(p->pieces[i].text);
	}
	free(p->pieces);
	*p = (struct pattern){0};
}

static int piece_add(struct pattern *p, struct piece piece)
{
	struct piece *to = array_add(p->pieces, p->n, p->room);

	if (!to) {
		free(piece.name);
		free(piece.text);
		return -ENOMEM;
	}
	*to = piece;
	return 0;
}

/* What stands between the brackets of a capture. */
static int capture(struct pattern *p, const char *from, size_t len)
{
	const char *colon = memchr(from, ':', len);
	size_t name = colon ? (size_t)(colon - from) : len, how = colon ? len - name - 1 : 0;
	struct piece piece = {.kind = CAPTURE_WORD, .name = strndup(from, name)};

	if (!piece.name)
		return -ENOMEM;
	if (how && memchr(colon + 1, '|', how)) {
		piece.kind = CAPTURE_ONE_OF;
		piece.text = strndup(colon + 1, how);
		if (!piece.text) {
			free(piece.name);
			return -ENOMEM;
		}
	} else if (how == 1 && colon[1] >= '1' && colon[1] <= '9') {
		piece.kind = CAPTURE_WORDS;
		piece.words = (unsigned)(colon[1] - '0');
	} else if (how == 3 && !memcmp(colon + 1, "int", 3)) {
		piece.kind = CAPTURE_INT;
	} else if (how == 6 && !memcmp(colon + 1, "number", 6)) {
		piece.kind = CAPTURE_NUMBER;
	} else if (how == 4 && !memcmp(colon + 1, "name", 4)) {
		piece.kind = CAPTURE_NAME;
	} else if (how == 5 && !memcmp(colon + 1, "until", 5)) {
		piece.kind = CAPTURE_UNTIL;
	} else if (how == 4 && !memcmp(colon + 1, "last", 4)) {
		piece.kind = CAPTURE_LAST;
	} else if (how == 4 && !memcmp(colon + 1, "rest", 4)) {
		piece.kind = CAPTURE_REST;
	} else if (how || !name) {
		free(piece.name);
		return -EINVAL;
	}
	return piece_add(p, piece);
}

static int literal(struct pattern *p, const char *from, size_t len)
{
	struct piece piece = {.kind = CAPTURE_LITERAL, .text = strndup(from, len)};

	for (size_t i = 0; i < len; i++)
		p->lines += from[i] == '\n';
	return piece.text ? piece_add(p, piece) : -ENOMEM;
}

/* The fixed text that ends the i-th piece, where it ends at one: behind a blank, for what goes up to the last of them.
 */
static const struct piece *end_of(const struct pattern *p, size_t i, bool *blank_before, bool *blank_behind)
{
	size_t k = i + 1;

	*blank_before = p->pieces[i].kind == CAPTURE_LAST && k < p->n && p->pieces[k].kind == CAPTURE_BLANKS;
	k += *blank_before;
	*blank_behind = k + 1 < p->n && p->pieces[k + 1].kind == CAPTURE_BLANKS;
	return k < p->n && p->pieces[k].kind == CAPTURE_LITERAL ? &p->pieces[k] : NULL;
}

/* A word ends at what follows it; two captures with nothing between them have no end. */
static int stops(struct pattern *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct piece *a = &p->pieces[i];
		const struct piece *end = end_of(p, i, &a->blank_before, &a->blank_behind);

		if (a->kind == CAPTURE_REST && i + 1 < p->n)
			return -EINVAL;
		if ((a->kind == CAPTURE_UNTIL || a->kind == CAPTURE_LAST) && !end)
			return -EINVAL;
		if (a->kind != CAPTURE_UNTIL && a->kind != CAPTURE_LAST && a->kind != CAPTURE_WORD &&
		    a->kind != CAPTURE_WORDS)
			continue;
		if (!end && i + 1 < p->n && p->pieces[i + 1].kind != CAPTURE_BLANKS)
			return -EINVAL;
		if (end && !(a->text = strdup(end->text)))
			return -ENOMEM;
	}
	return 0;
}

int pattern_parse(const char *text, struct pattern *out)
{
	struct pattern p = {.lines = 1};
	int rc = 0;

	while (*text && !rc) {
		size_t len = strcspn(text, "{ ");

		if (len) {
			rc = literal(&p, text, len);
		} else if (*text == ' ') {
			len = strspn(text, " ");
			rc = piece_add(&p, (struct piece){.kind = CAPTURE_BLANKS});
		} else {
			const char *end = strchr(text, '}');

			rc = end ? capture(&p, text + 1, (size_t)(end - text - 1)) : -EINVAL;
			len = end ? (size_t)(end - text + 1) : 0;
		}
		text += len;
	}
	if (!rc)
		rc = stops(&p);
	if (rc)
		pattern_done(&p);
	else
		*out = p;
	return rc;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

/* Does the text that ends a piece stand at p? */
static bool ends_at(const struct piece *piece, const char *p, const char *end)
{
	size_t len = strlen(piece->text);

	return (size_t)(end - p) >= len && !memcmp(p, piece->text, len) &&
	       (!piece->blank_behind || (p + len < end && is_blank(p[len])));
}

/* Up to a blank, and of the last one to what ends the piece. */
static const char *word(const struct piece *piece, const char *p, const char *end, bool last)
{
	char stop = last && piece->text ? *piece->text : ' ';

	while (p < end && !is_blank(*p) && (*p != stop || !ends_at(piece, p, end)))
		p++;
	return p;
}

static const char *words(const struct piece *piece, const char *p, const char *end, unsigned n)
{
	for (; n; n--) {
		const char *q = word(piece, p, end, n == 1);

		if (q == p)
			return p;
		p = n > 1 ? blanks(q, end) : q;
	}
	return p;
}

static const char *one_of(const char *p, const char *end, const char *choices)
{
	while (*choices) {
		const char *q = p;

		for (; q < end && *choices && *choices == *q && *choices != '|'; q++)
			choices++;
		if (!*choices || *choices == '|')
			return q;
		while (*choices && *choices++ != '|')
			;
	}
	return p;
}

static const char *integer(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* Digits, perhaps with a fraction. */
static const char *number(const char *p, const char *end)
{
	const char *q = integer(p, end), *fraction;

	if (q == p || q == end || *q != '.')
		return q;
	fraction = integer(q + 1, end);
	return fraction > q + 1 ? fraction : q;
}

/* Letters, digits, "-", "_", ".", ":" and "/", with a letter among them; it begins and ends with a letter or a
 * digit. */
static const char *name(const char *p, const char *end)
{
	const char *q = p;
	bool letter = false;

	for (; q < end; q++) {
		char lower = *q | 0x20;
		bool is_letter = lower >= 'a' && lower <= 'z';

		if (!is_letter && (*q < '0' || *q > '9') && (q == p || !memchr("-_.:/", *q, 5)))
			break;
		letter |= is_letter;
	}
	while (q > p && memchr("-_.:/", q[-1], 5))
		q--;
	return letter ? q : p;
}

/* Where the literal behind it begins; p: nowhere. */
static const char *until(const struct piece *piece, const char *p, const char *end)
{
	size_t len = strlen(piece->text);

	for (const char *at = p; (at = memmem(at, (size_t)(end - at), piece->text, len)); at++)
		if (ends_at(piece, at, end))
			return at;
	return p;
}

/* The same for the last place where it stands; without the blanks before it. */
static const char *last(const struct piece *piece, const char *p, const char *end)
{
	const char *at = end;

	while (at > p && !(ends_at(piece, at, end) && (!piece->blank_before || is_blank(at[-1]))))
		at--;
	while (at > p && piece->blank_before && is_blank(at[-1]))
		at--;
	return at;
}

const char *pattern_piece_end(const struct piece *piece, const char *p, const char *end)
{
	size_t len = piece->kind == CAPTURE_LITERAL ? strlen(piece->text) : 0;
	const char *q;

	switch (piece->kind) {
	case CAPTURE_LITERAL:
		return (size_t)(end - p) >= len && !memcmp(p, piece->text, len) ? p + len : NULL;
	case CAPTURE_REST:
		return end;
	case CAPTURE_BLANKS:
		q = blanks(p, end);
		break;
	case CAPTURE_INT:
		q = integer(p, end);
		break;
	case CAPTURE_NUMBER:
		q = number(p, end);
		break;
	case CAPTURE_NAME:
		q = name(p, end);
		break;
	case CAPTURE_WORDS:
		q = words(piece, p, end, piece->words);
		break;
	case CAPTURE_UNTIL:
		q = until(piece, p, end);
		break;
	case CAPTURE_LAST:
		q = last(piece, p, end);
		break;
	case CAPTURE_ONE_OF:
		q = one_of(p, end, piece->text);
		break;
	default:
		/* where a record begins there is no host or program any more */
		q = end - p > 1 && p[0] == '{' && p[1] == '"' ? p : word(piece, p, end, true);
	}
	return q > p ? q : NULL;
}

static bool has_digit(const char *text)
{
	return strpbrk(text, "0123456789") != NULL;
}

/* Where it ends depends on what stands behind it. */
static bool ends_by_text(const struct piece *piece)
{
	return piece->text && piece->kind != CAPTURE_LITERAL && piece->kind != CAPTURE_ONE_OF;
}

bool pattern_fails_before(const struct pattern *p, struct slice text, const char *limit)
{
	const char *at = text.ptr, *end = text.ptr + text.len;

	for (size_t i = 0; i < p->n; i++) {
		const struct piece *piece = &p->pieces[i];
		const char *behind = pattern_piece_end(piece, at, end);

		/* what it looks for may stand behind the limit */
		if (piece->kind == CAPTURE_LAST || (!behind && piece->kind == CAPTURE_UNTIL))
			return false;
		if (!behind)
			return piece->kind == CAPTURE_LITERAL || piece->kind == CAPTURE_ONE_OF
			           ? !has_digit(piece->text) && at + strlen(piece->text) <= limit
			           : at + 1 < limit;
		if (behind + (ends_by_text(piece) ? strlen(piece->text) + 1 : 0) >= limit)
			return false;
		at = behind;
	}
	return false;
}

size_t pattern_reach(const struct pattern *p, struct slice text, const struct piece **piece)
{
	const char *at = text.ptr, *end = text.ptr + text.len;

	*piece = NULL;
	for (size_t i = 0; i < p->n; i++) {
		const char *behind = pattern_piece_end(&p->pieces[i], at, end);

		if (!behind) {
			*piece = &p->pieces[i];
			break;
		}
		at = behind;
	}
	return (size_t)(at - text.ptr);
}

/* What goes up to the end of its line. */
static bool stops_at_line_end(const struct piece *piece)
{
	return piece->text && *piece->text == '\n' && (piece->kind == CAPTURE_UNTIL || piece->kind == CAPTURE_LAST);
}

bool pattern_begins(const struct pattern *p, struct slice line, struct slice *captures)
{
	const char *at = line.ptr, *end = line.ptr + line.len;

	for (size_t i = 0; i < p->n; i++)
		captures[i] = SLICE_NONE;
	for (size_t i = 0; i < p->n; i++) {
		const struct piece *piece = &p->pieces[i];
		size_t first = piece->kind == CAPTURE_LITERAL ? strcspn(piece->text, "\n") : 0;
		const char *behind;

		if (piece->kind == CAPTURE_LITERAL && piece->text[first])
			return (size_t)(end - at) == first && !memcmp(at, piece->text, first);
		behind = stops_at_line_end(piece) ? (at < end ? end : NULL) : pattern_piece_end(piece, at, end);
		if (!behind)
			return false;
		captures[i] = (struct slice){at, (size_t)(behind - at)};
		at = behind;
	}
	return false;
}

static unsigned lines_of(struct slice text)
{
	unsigned n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == '\n';
	return n;
}

bool pattern_match(const struct pattern *p, struct slice text, struct slice *captures)
{
	const char *at = text.ptr, *end = text.ptr + text.len;

	for (size_t i = 0; i < p->n; i++) {
		const char *behind = pattern_piece_end(&p->pieces[i], at, end);

		if (!behind)
			return false;
		captures[i] = (struct slice){at, (size_t)(behind - at)};
		at = behind;
	}
	return at == end && (p->lines == 1 || lines_of(text) == p->lines);
}
