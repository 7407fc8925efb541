/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recipe.c - lines of other programs by guessing.
 *
 * Recipes are a tree: a node is some text and the value behind it, and lines go down it as far as they fit. Messages
 * are mostly where the ways part. Of a node's branches the one that fitted last is tried first. */
#include "parse/recipe.h"
#include "base/arena.h"
#include "base/array.h"
#include "base/scan.h"
#include "ingest/parts.h"
#include "ingest/stamp.h"
#include "ingest/form.h"

#include <errno.h>
#include <stdlib.h>

#define BRANCHES  512 /* of a node; lines that are on none of them are read one by one */
#define OUTERS    2   /* times of envelopes in a line */
#define OUTER_LEN 24  /* bytes of one as a number */

struct recipe {
	struct record_parts parts;
	const struct shape *head, *tail;
	uint16_t *slot;   /* of each part in the head; NO_SLOT: it has none */
	struct slice tid; /* where no part is it */
	unsigned time;    /* the part that is the line's time */
	unsigned outer;   /* parts of the envelope; they come first */
	bool sure;        /* the line it was made of came out right */
};

#define NO_SLOT UINT16_MAX

/* A text as it is compared: most are short, and those of one node's branches often begin alike. */
struct needle {
	struct slice text;
	uint64_t first, mask; /* its first eight bytes, and which of them there are */
	uint64_t last;        /* of a longer one the last eight */
};

/* Text, then a value; or text up to the end of the line. */
struct node {
	struct needle text;
	struct record_part part;
	struct needle value;  /* of SCAN_CONST: part.value */
	struct recipe *whole; /* the line ends here */
	struct node **branches;
	unsigned n, room;
};

struct recipes {
	struct node root;
	struct arena memory;
	unsigned n;
	struct record_part parts[RECORD_PARTS]; /* of the line that is learned */
	struct slice values[RECORD_PARTS];      /* of the line that is looked at */
	int64_t times[RECORD_PARTS];
	struct time_memory memories[2]; /* of the record's time and of the envelope's */
	char outer[OUTERS][OUTER_LEN];
	uint8_t digits[2][TIME_STYLES]; /* that a time's fraction had first, and 1: as `memories` */
	struct bytes exact, family;
};

/* ---- text ---- */

static struct needle needle_of(struct slice text)
{
	struct needle n = {.text = text};

	memset(&n.mask, 0xff, text.len < 8 ? text.len : 8);
	memcpy(&n.first, text.ptr, text.len < 8 ? text.len : 8);
	if (text.len > 8)
		memcpy(&n.last, text.ptr + text.len - 8, 8);
	return n;
}

static inline uint64_t eight_at(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* Whether it stands at p, behind which there are some bytes more than up to end. */
static inline bool needle_fits(const struct needle *n, const char *p, const char *end)
{
	size_t len = n->text.len;

	if ((eight_at(p) ^ n->first) & n->mask || (size_t)(end - p) < len)
		return false;
	return len <= 8 ||
	       (eight_at(p + len - 8) == n->last && (len <= 16 || !memcmp(p + 8, n->text.ptr + 8, len - 16)));
}

/* ---- one value ---- */

static bool is_outer_time(const struct record_part *p)
{
	return p->role == PART_OUTER_TIME;
}

static bool is_scalar(struct slice s)
{
	return s.len && (*s.ptr <= '9' || strchr("tfn", *s.ptr)) && scan_scalar(s.ptr, s.ptr + s.len) == s.ptr + s.len;
}

static const char *string_end(const char *p, const char *end)
{
	bool high = false;
	const char *q = scan_string(p, end, &high);

	return q && high && !scan_utf8(p, (size_t)(q - p)) ? NULL : q;
}

/* Up to \" in a string: the end of one inside. */
static const char *escaped_end(const char *p, const char *end)
{
	bool high = false;
	const char *q = scan_special(p, end, &high);

	if (end - q < 2 || q[0] != '\\' || q[1] != '"')
		return NULL;
	return high && !scan_utf8(p, (size_t)(q - p)) ? NULL : q;
}

static const char *nested_end(const char *p, const char *end, char first)
{
	const char *reason, *q;
	bool high = false;

	if (p >= end || *p != first)
		return NULL;
	q = scan_nested(p, end, &high, &reason);
	return q && high && !scan_utf8(p, (size_t)(q - p)) ? NULL : q;
}

/* An unquoted value of logfmt: a word that is no number. */
static const char *word_end(const char *p, const char *end)
{
	const char *q = scan_plain(p, end);

	return (q == end || (unsigned char)*q <= ' ') && !is_scalar((struct slice){p, (size_t)(q - p)}) ? q : NULL;
}

static const char *piece_end(const struct piece *piece, const char *p, const char *end)
{
	const char *q = pattern_piece_end(piece, p, end);
	bool high = false;

	return !q || scan_special(p, q, &high) != q || (high && !scan_utf8(p, (size_t)(q - p))) ? NULL : q;
}

static bool guards_hold(unsigned guards, struct slice v)
{
	size_t i = 0;

	if (guards & GUARD_NOTHING) {
		while (i < v.len && (v.ptr[i] == '0' || v.ptr[i] == '-'))
			i++;
		if (i == v.len)
			return false;
	}
	if ((guards & GUARD_OBJECT && *v.ptr == '{') || (guards & GUARD_TAIL && record_has_tail(v)))
		return false;
	return !(guards & GUARD_TID) || (v.len <= RECORD_MAX_TID && !slice_is(v, "true") && !slice_is(v, "false"));
}

/* p is at a digit; behind a zero there is none. */
static const char *digits_end(const char *p, const char *end)
{
	bool zero = *p == '0';

	do
		p++;
	while (p < end && *p >= '0' && *p <= '9' && !zero);
	return p;
}

/* The end of the value at p, which is the k-th of the line; NULL: it is none that may stand there. */
static const char *value_end(struct recipes *rs, const struct node *n, unsigned k, const char *p, const char *end)
{
	const struct record_part *part = &n->part;
	const char *q;

	switch ((enum part_scan)part->scan) {
	case SCAN_CONST:
		q = needle_fits(&n->value, p, end) ? p + part->value.len : NULL;
		break;
	case SCAN_STRING:
		q = string_end(p, end);
		break;
	case SCAN_ESCAPED:
		q = escaped_end(p, end);
		break;
	case SCAN_NUMBER:
		q = p < end && (*p == '-' || (*p >= '0' && *p <= '9')) ? scan_scalar(p, end) : NULL;
		break;
	case SCAN_SCALAR:
		q = scan_scalar(p, end);
		break;
	case SCAN_DIGITS:
		q = p < end && *p >= '0' && *p <= '9' ? digits_end(p, end) : NULL;
		break;
	case SCAN_OBJECT:
		q = nested_end(p, end, '{');
		break;
	case SCAN_ARRAY:
		q = nested_end(p, end, '[');
		break;
	case SCAN_WORD:
		q = word_end(p, end);
		break;
	case SCAN_PIECE:
		q = piece_end(part->piece, p, end);
		break;
	default:
		q = time_form_read(&part->form, part->by_size, p, end, &rs->memories[is_outer_time(part)],
		                   &rs->times[k]);
	}
	if (!q)
		return NULL;
	rs->values[k] = (struct slice){p, (size_t)(q - p)};
	return guards_hold(part->guards, rs->values[k]) ? q : NULL;
}

/* ---- the tree ---- */

static void to_front(struct node *n, unsigned i)
{
	struct node *hit = n->branches[i];

	memmove(n->branches + 1, n->branches, i * sizeof(struct node *));
	n->branches[0] = hit;
}

static const struct recipe *walk(struct recipes *rs, struct node *at, unsigned depth, const char *p, const char *end)
{
	for (unsigned i = 0; i < at->n; i++) {
		struct node *n = at->branches[i];
		const struct recipe *found;
		const char *q = p + n->text.text.len;

		if (!needle_fits(&n->text, p, end))
			continue;
		if (n->whole) {
			found = q == end && n->whole->sure ? n->whole : NULL;
		} else {
			q = value_end(rs, n, depth, q, end);
			found = q ? walk(rs, n, depth + 1, q, end) : NULL;
		}
		if (!found)
			continue;
		if (i)
			to_front(at, i);
		return found;
	}
	return NULL;
}

static bool part_same(const struct record_part *a, const struct record_part *b)
{
	return a->scan == b->scan && a->guards == b->guards && a->by_size == b->by_size && a->outer == b->outer &&
	       (a->scan != SCAN_PIECE || a->piece == b->piece) &&
	       (a->scan != SCAN_CONST || slice_same(a->value, b->value)) &&
	       (a->scan != SCAN_TIME || (a->form.style == b->form.style && a->form.digits == b->form.digits &&
	                                 a->form.comma == b->form.comma && a->form.offset_s == b->form.offset_s));
}

static void node_done(struct node *n)
{
	for (unsigned i = 0; i < n->n; i++)
		node_done(n->branches[i]);
	free(n->branches);
}

/* Takes away the branch of one text that was followed least lately, for a branch of any text. */
static void branch_drop(struct node *at)
{
	for (unsigned i = at->n; i--;) {
		struct node *n = at->branches[i];

		if (n->whole || n->part.scan != SCAN_CONST)
			continue;
		node_done(n);
		memmove(at->branches + i, at->branches + i + 1, (--at->n - i) * sizeof(struct node *));
		return;
	}
}

/* Whether there was memory for it. */
static bool text_keep(struct recipes *rs, struct slice *text)
{
	if (!text->len)
		*text = SLICE("");
	else
		text->ptr = arena_copy(&rs->memory, *text);
	return text->ptr != NULL;
}

/* The branch with this text and part (NULL: the line's end), made if new. NULL: there is no room for it, or no memory.
 */
static struct node *branch(struct recipes *rs, struct node *at, struct slice text, const struct record_part *part)
{
	struct slice value = part && part->scan == SCAN_CONST ? part->value : SLICE("");
	struct node *n;

	for (unsigned i = 0; i < at->n; i++) {
		n = at->branches[i];
		if (slice_same(n->text.text, text) && !n->whole == (part != NULL) &&
		    (!part || part_same(&n->part, part)))
			return n;
	}
	if (at->n == BRANCHES && part && part->scan != SCAN_CONST)
		branch_drop(at);
	if (at->n == BRANCHES || array_reserve(at->branches, at->room, at->n + 1) ||
	    !(n = arena_take(&rs->memory, sizeof *n)) || !text_keep(rs, &text) || !text_keep(rs, &value))
		return NULL;
	n->text = needle_of(text);
	if (part) {
		n->part = *part;
		if (part->scan == SCAN_CONST) {
			n->part.value = value;
			n->value = needle_of(value);
		}
	}
	return at->branches[at->n++] = n;
}

void recipes_free(struct recipes *r)
{
	if (!r)
		return;
	node_done(&r->root);
	arena_done(&r->memory);
	bytes_free(&r->exact);
	bytes_free(&r->family);
	free(r);
}

void recipes_trim(struct recipes *r, size_t bytes)
{
	if (r && r->exact.room > bytes)
		bytes_free(&r->exact);
	if (r && r->family.room > bytes)
		bytes_free(&r->family);
}

/* The way of a line through the tree, made where it is new. */
static bool tree_add(struct recipes *rs, struct slice text, const struct record_parts *p, struct recipe *whole)
{
	const char *at = text.ptr, *end = text.ptr + text.len;
	struct node *n = &rs->root;

	for (unsigned i = 0; i < p->n && n; i++) {
		const struct record_part *part = &p->all[i];

		n = branch(rs, n, (struct slice){at, (size_t)(part->value.ptr - at)}, part);
		at = part->value.ptr + part->value.len;
	}
	if (n && (n = branch(rs, n, (struct slice){at, (size_t)(end - at)}, NULL)) && !n->whole)
		n->whole = whole;
	return n && n->whole == whole && !rs->memory.failed;
}

/* ---- skeletons ---- */

/* Which slots of the reading's head the line's values are. */
struct slots {
	unsigned n, fields, message, field[RECORD_PARTS];
	bool too_long; /* the skeleton is, for a shape */
};

/* Text that stays in the skeleton. */
static void literal_add(struct slots *s, struct bytes *out, const char *p, size_t n)
{
	s->too_long |= n > SHAPE_MAX_BYTES || out->len + n > SHAPE_MAX_BYTES;
	if (!s->too_long)
		bytes_add(out, p, n);
}

/* The head of the reading that l has taken apart. False: it has more than a recipe can say. */
static bool head_write(const struct line *l, const struct record_parts *p, bool message_slot, struct slots *s,
                       struct bytes *out)
{
	const char *at = l->text;

	for (unsigned i = 0; i < l->ntokens; i++) {
		const struct token *t = &l->tokens[i];
		const char *value = l->text + t->off;
		unsigned kind = t->kind == SLOT_STAMP_Z ? SLOT_STAMP_Z : 0;

		if (t->section > SECTION_FIELDS || s->n == SHAPE_MAX_SLOTS - RECORD_PARTS)
			return false;
		if (value == l->tid.ptr) {
			kind = SLOT_TID;
		} else if (value == l->message.ptr && message_slot) {
			kind = SLOT_STRING;
			s->message = s->n;
		} else if (t->section == SECTION_FIELDS) {
			if (s->fields == p->fields)
				return false;
			kind = t->kind;
			s->field[s->fields++] = s->n;
		}
		if (!kind)
			continue;
		literal_add(s, out, at, (size_t)(value - at));
		bytes_add(out, (char[]){(char)kind}, 1);
		at = value + t->len;
		s->n++;
	}
	literal_add(s, out, at, (size_t)(l->text + l->len - at));
	return s->fields == p->fields;
}

/* The form of the line. */
static void form_write(struct slice text, const struct record_parts *p, bool message_slot, struct slots *s,
                       struct bytes *out)
{
	const char *at = text.ptr;

	for (unsigned i = 0; i < p->n; i++) {
		const struct record_part *part = &p->all[i];

		literal_add(s, out, at, (size_t)(part->value.ptr - at));
		at = part->value.ptr + part->value.len;
		if (part->role == PART_FIELD)
			form_put_slot(out, s->field[part->field]);
		else if (part->role == PART_MESSAGE && message_slot)
			form_put_slot(out, s->message);
		else if (part->role == PART_TIME || part->role == PART_OUTER_TIME)
			form_put_time(out, part->role == PART_TIME ? FORM_TIME : FORM_OUTER, &part->form);
		else if (part->role == PART_TID)
			bytes_add(out, (char[]){FORM_MARK, FORM_TID}, 2);
		else if (part->role == PART_HIDDEN)
			form_put_more(out, (enum slot_kind)part->kind);
		else
			literal_add(s, out, part->value.ptr, part->value.len);
	}
	literal_add(s, out, at, (size_t)(text.ptr + text.len - at));
}

static bool skeleton(const struct line *l, struct slice text, const struct record_parts *p, bool message_slot,
                     struct bytes *out)
{
	struct slots s = {0};

	out->len = 0;
	if (!head_write(l, p, message_slot, &s, out))
		return false;
	bytes_add(out, (char[]){FORM_START}, 1);
	form_write(text, p, message_slot, &s, out);
	return !out->failed && !s.too_long && out->len <= SHAPE_MAX_BYTES;
}

/* The shapes of the line. *head NULL: it can't be stored so. */
static int shapes_find(struct parser *p, struct slice text, const struct record_parts *parts, const struct shape **head,
                       const struct shape **tail)
{
	struct recipes *rs = p->recipes;
	struct slice exact = SLICE_NONE, family = SLICE_NONE;
	bool message = false;
	int rc;

	*head = NULL;
	for (unsigned i = 0; i < parts->n; i++)
		message |= parts->all[i].role == PART_MESSAGE;
	if (skeleton(&p->line, text, parts, false, &rs->exact)) /* not one with a long message */
		exact = (struct slice){rs->exact.ptr, rs->exact.len};
	if (message && skeleton(&p->line, text, parts, true, &rs->family))
		family = (struct slice){rs->family.ptr, rs->family.len};
	if (rs->exact.failed || rs->family.failed)
		return -ENOMEM;
	if ((!exact.ptr && !family.ptr) || (message && !family.ptr))
		return 0;
	rc = shape_set_find(p->set, &p->line, 1, tail);
	return rc || !*tail ? rc : shape_set_find_form(p->set, exact, family, head);
}

/* ---- a recipe ---- */

/* Which slot each part's value goes to, in the order in which the form names them. */
static bool slots_assign(struct recipe *r)
{
	unsigned k = 0, outers = 0;

	for (unsigned i = 0; i < r->parts.n; i++) {
		const struct record_part *part = &r->parts.all[i];

		r->slot[i] = NO_SLOT;
		outers += part->role == PART_OUTER_TIME;
		r->outer += part->outer;
		if (outers > OUTERS || (part->outer && r->outer != i + 1))
			return false;
		if (part->role == PART_TIME)
			r->time = i;
		if (part->role != PART_FIELD && part->role != PART_OUTER_TIME && part->role != PART_HIDDEN &&
		    !(part->role == PART_MESSAGE && r->head->message_slot >= 0))
			continue;
		while (k < r->head->form->n &&
		       (r->head->form->pieces[k].kind == FORM_TEXT || r->head->form->pieces[k].kind == FORM_TID ||
		        r->head->form->pieces[k].kind == FORM_TIME))
			k++;
		if (k == r->head->form->n)
			return false;
		r->slot[i] = r->head->form->pieces[k++].slot;
	}
	return true;
}

static struct recipe *recipe_new(struct recipes *rs, const struct record_parts *parts, const struct shape *head,
                                 const struct shape *tail, struct slice tid)
{
	struct recipe *r = arena_take(&rs->memory, sizeof *r);
	bool has_tid = false;

	if (!r)
		return NULL;
	*r = (struct recipe){.parts = *parts, .head = head, .tail = tail};
	r->parts.all = arena_take(&rs->memory, (parts->n + 1) * sizeof *parts->all);
	r->slot = arena_take(&rs->memory, (parts->n + 1) * sizeof *r->slot);
	if (!r->parts.all || !r->slot)
		return NULL;
	memcpy(r->parts.all, parts->all, parts->n * sizeof *parts->all);
	for (unsigned i = 0; i < parts->n; i++)
		has_tid |= parts->all[i].role == PART_TID;
	if (tid.ptr && !has_tid)
		r->tid = (struct slice){arena_copy(&rs->memory, tid), tid.len};
	return r;
}

/* In decimal, at the end of buf. */
static struct slice number_print(int64_t v, char buf[OUTER_LEN])
{
	uint64_t left = v < 0 ? -(uint64_t)v : (uint64_t)v;
	char *p = buf + OUTER_LEN;

	do
		*--p = (char)('0' + left % 10);
	while (left /= 10);
	if (v < 0)
		*--p = '-';
	return (struct slice){p, (size_t)(buf + OUTER_LEN - p)};
}

/* Values, transaction and time of the line that `walk` has gone through, as the chunk takes them. */
static int line_add(struct parser *p, const struct recipe *r, const struct row *row)
{
	struct recipes *rs = p->recipes;
	struct slice tid = r->tid;
	int64_t stamp = rs->times[r->time];
	unsigned outers = 0;
	int rc;

	if (array_reserve(p->values[0], p->room[0], r->head->nslots + 1))
		return -ENOMEM;
	for (unsigned i = 0; i < r->parts.n; i++) {
		const struct record_part *part = &r->parts.all[i];
		struct slice v = rs->values[i];

		if (part->role == PART_TID)
			tid = v;
		if (part->role == PART_OUTER_TIME) {
			v = number_print((int64_t)((uint64_t)rs->times[i] - (uint64_t)stamp), rs->outer[outers++]);
		}
		if (r->slot[i] != NO_SLOT)
			p->values[0][r->slot[i]] = v;
	}
	rc = chunk_add_line(p->builder, r->head, p->values[0], r->tail, NULL, tid, stamp, row->bytes);
	p->counts.ok++;
	p->counts.ok_bytes += row->bytes;
	if (!p->saw_event) {
		p->first_stamp = stamp;
		p->first_offset_s = r->parts.all[r->time].form.offset_s;
	}
	p->saw_event = p->saw_utc = p->saw_foreign = true;
	parse_event_seen(p, tid, stamp, false);
	return rc;
}

/* Of times without a year. */
static void near_note(struct parser *p)
{
	for (int i = 0; i < 2; i++) {
		p->recipes->memories[i].has_near = p->records.has_near;
		p->recipes->memories[i].near_ns = p->records.near_ns;
	}
}

int recipe_take(struct parser *p, const struct row *row, bool *taken)
{
	struct recipes *rs = p->recipes;
	const struct recipe *r;

	*taken = false;
	if (!rs || p->in_array || row->text.len > LINE_MAX_BYTES)
		return 0;
	near_note(p);
	r = walk(rs, &rs->root, 0, row->text.ptr, row->text.ptr + row->text.len);
	if (!r || (r->parts.pieces && record_in_pieces(&p->records)) ||
	    (r->parts.inner_time && time_is_since_start(rs->times[r->time])) ||
	    (r->parts.pattern && !r->parts.sure &&
	     !record_pattern_same(&p->records, &r->parts, row->text, rs->values, r->outer)) ||
	    !record_told(&p->records, &r->parts, r->parts.all[r->time].form.offset_s, rs->times[r->time]))
		return 0;
	if (!r->head->level.ptr && r->head->level_text.ptr)
		hint_level(&p->records.hints, r->head->level_text);
	*taken = true;
	return line_add(p, r, row);
}

/* Where fractions have other lengths from line to line, zeros at the end are cut. */
static void digits_note(struct recipes *rs, struct record_part *p)
{
	uint8_t *first = &rs->digits[is_outer_time(p)][p->form.style];

	if (!*first)
		*first = (uint8_t)(p->form.digits + 1);
	else if (*first != p->form.digits + 1 && (!p->form.digits || p->value.ptr[p->value.len - 1] != '0'))
		p->form.digits = TIME_TRIMMED;
}

/* Whether the line's values, put together again, are the reading that its format gave. */
static bool reading_same(struct recipes *rs, const struct recipe *r, struct slice reading, struct slice tid)
{
	const char *at = reading.ptr, *end = at + reading.len;
	const struct shape *h = r->head;
	char stamp[STAMP_MAX];

	for (unsigned i = 0;; i++) {
		struct slice v = h->literals[i];

		if ((size_t)(end - at) < v.len || memcmp(at, v.ptr, v.len))
			return false;
		at += v.len;
		if (i == h->nline)
			return at == end;
		if (h->slots[i].kind == SLOT_STAMP_Z)
			v = (struct slice){stamp, stamp_print_rfc3339(rs->times[r->time], stamp)};
		else if (h->slots[i].kind == SLOT_TID)
			v = tid;
		else
			for (unsigned k = 0; k < r->parts.n; k++)
				if (r->slot[k] == i)
					v = rs->values[k];
		if ((size_t)(end - at) < v.len || memcmp(at, v.ptr, v.len))
			return false;
		at += v.len;
	}
}

static int room_make(struct parser *p)
{
	if (!p->recipes && !(p->recipes = calloc(1, sizeof *p->recipes)))
		return -ENOMEM;
	return 0;
}

int recipe_learn(struct parser *p, const struct row *row, const struct record_result *res, bool *taken)
{
	struct record_parts parts;
	const struct shape *head, *tail;
	struct recipes *rs;
	struct recipe *r;
	enum line_verdict v;
	int rc = room_make(p);

	*taken = false;
	if (rc || (rs = p->recipes)->n == RECIPES_MAX)
		return rc;
	parts.all = rs->parts;
	if (!record_parts(&p->records, row->text, res, &parts))
		return 0;
	for (unsigned i = 0; i < parts.n; i++)
		if (parts.all[i].scan == SCAN_TIME)
			digits_note(rs, &parts.all[i]);
	rc = line_parse_reading(&p->line, res->reading.ptr, res->reading.len, &v);
	if (rc || v != LINE_OK || p->line.odd_order || p->line.tail_off != p->line.len)
		return rc;
	rc = shapes_find(p, row->text, &parts, &head, &tail);
	if (rc || !head || !tail)
		return rc;
	for (unsigned i = 0; i < parts.n; i++)
		if (parts.all[i].role == PART_MESSAGE && head->message_slot < 0)
			parts.all[i].scan = SCAN_CONST;
	r = recipe_new(rs, &parts, head, tail, res->tid);
	if (!r)
		return -ENOMEM;
	if (!slots_assign(r) || !tree_add(rs, row->text, &parts, r))
		return rs->memory.failed ? -ENOMEM : 0;
	rs->n++;
	r->sure = true;
	near_note(p);
	if (walk(rs, &rs->root, 0, row->text.ptr, row->text.ptr + row->text.len) != r ||
	    rs->times[r->time] != res->time_ns || !reading_same(rs, r, res->reading, res->tid)) {
		r->sure = false;
		return 0;
	}
	record_reader_trim(&p->records, PARSE_ROOM); /* a long reading goes before its values are kept */
	*taken = true;
	return line_add(p, r, row);
}
