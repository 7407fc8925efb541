/* SPDX-License-Identifier: GPL-3.0-or-later */
/* template.c - see template.h
 *
 * Masking reads a word at a time; a word is made of atoms with marks like '=' and '(' between them, and each atom is a
 * value or is not.
 *
 * Merging takes all texts of a kind with as many words. Those that are the same but for one word stand together, and
 * that word is a value where there are many of them, or where one of them is a value already, or where all are units or
 * names of days. What was merged may merge again, a few rounds long. A round is one pass over the texts for each place,
 * with a table of hashes: linear in words. */
#include "base/template.h"
#include "base/array.h"
#include "base/hash.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes ---- */

enum {
	DIGIT = 1,
	HEX = 2,
	UPPER = 4,
	LOWER = 8,
	BLANK = 16,
	MARK = 32,  /* parts words into atoms */
	EDGE = 64,  /* does not belong to an address at whose end it stands */
	STOP = 128, /* ends a sentence */
	PATH = 256, /* of names of files */
};

static const unsigned short kinds[256] = {
    ['0' ... '9'] = DIGIT | HEX,
    ['A' ... 'F'] = UPPER | HEX,
    ['G' ... 'Z'] = UPPER,
    ['a' ... 'f'] = LOWER | HEX,
    ['g' ... 'z'] = LOWER,
    ['\t' ... '\r'] = BLANK,
    [' '] = BLANK,
    ['/'] = PATH,
    ['\\'] = PATH,
    ['='] = MARK,
    [':'] = MARK,
    ['|'] = MARK,
    [','] = MARK | EDGE,
    [';'] = MARK | EDGE,
    ['('] = MARK | EDGE,
    [')'] = MARK | EDGE,
    ['['] = MARK | EDGE,
    [']'] = MARK | EDGE,
    ['{'] = MARK | EDGE,
    ['}'] = MARK | EDGE,
    ['<'] = MARK | EDGE,
    ['>'] = MARK | EDGE,
    ['"'] = MARK | EDGE,
    ['\''] = MARK | EDGE,
    ['.'] = EDGE | STOP,
    ['!'] = STOP,
    ['?'] = STOP,
};

static inline bool is(char c, unsigned kind)
{
	return kinds[(unsigned char)c] & kind;
}

/* ---- one atom ---- */

/* What bytes are: of some of them, and of all. */
struct looks {
	unsigned some, all;
};

static inline struct looks look_at(const char *p, size_t n)
{
	struct looks l = {0, ~0u};

	for (size_t i = 0; i < n; i++) {
		unsigned k = kinds[(unsigned char)p[i]];

		l.some |= k;
		l.all &= k;
	}
	return l;
}

/* Names that end in a digit: SOCKS5, UTF8. */
static bool is_name(const char *p, size_t n)
{
	return n >= 4 && is(p[n - 1], DIGIT) && look_at(p, n - 1).all & UPPER;
}

static bool has_two_slashes(const char *p, size_t n)
{
	const char *first = memchr(p, '/', n);

	return first && memchr(first + 1, '/', (size_t)(p + n - first - 1));
}

/* A dot with something before and behind it. */
static bool has_inner_dot(const char *p, size_t n)
{
	return n > 2 && memchr(p + 1, '.', n - 2);
}

/* Whether an atom is a value; of_key: it stands behind a '='; port: a ':' and a digit follow. */
static bool is_value(const char *p, size_t n, bool of_key, bool port)
{
	struct looks l = look_at(p, n);

	if (!n)
		return false;
	if (l.some & DIGIT)
		return !is_name(p, n);
	if (n >= 8 && l.all & HEX)
		return true;
	if (l.some & PATH && ((n > 1 && is(*p, PATH)) || has_two_slashes(p, n)))
		return true;
	return (of_key || (port && !(l.some & UPPER))) && has_inner_dot(p, n);
}

/* ---- one word ---- */

/* Hex digits with colons between them: a time, a hardware or network address. */
static bool is_address(const char *p, size_t n)
{
	size_t colons = 0, digits = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is(p[i], HEX) && p[i] != ':')
			return false;
		colons += p[i] == ':';
		digits += is(p[i], DIGIT);
	}
	return colons >= 2 && digits;
}

/* The word under way, and all before it. */
struct masking {
	char *out;
	size_t n, word; /* where the word begins */
};

static void put(struct masking *m, const char *p, size_t n)
{
	memcpy(m->out + m->n, p, n);
	m->n += n;
}

/* Adds a value; with one before it in the word and only separators between, they are one. */
static void put_value(struct masking *m)
{
	size_t at = m->n;

	while (at > m->word && memchr(":,;.|", m->out[at - 1], 5))
		at--;
	if (at >= m->word + 3 && !memcmp(m->out + at - 3, TEMPLATE_VALUE, 3) && at < m->n)
		m->n = at;
	else
		put(m, TEMPLATE_VALUE, 3);
}

/* Where the atom at p ends: a path with a query goes on over marks. */
static const char *atom_end(const char *p, const char *end)
{
	const char *q = p;

	while (q < end && !is(*q, MARK))
		q++;
	if (*p == '/' && memchr(p, '?', (size_t)(q - p)))
		while (q < end && !memchr("\"')]}>", *q, 6))
			q++;
	return q;
}

static void put_atoms(struct masking *m, const char *p, const char *end)
{
	while (p < end) {
		const char *to, *q;
		bool of_key, port;

		if (is(*p, MARK)) {
			put(m, p++, 1);
			continue;
		}
		to = q = atom_end(p, end);
		while (q > p && is(q[-1], STOP))
			q--;
		of_key = m->n > m->word && m->out[m->n - 1] == '=';
		port = to + 1 < end && *to == ':' && is(to[1], DIGIT);
		if (is_value(p, (size_t)(q - p), of_key, port))
			put_value(m);
		else
			put(m, p, (size_t)(q - p));
		put(m, q, (size_t)(to - q));
		p = to;
	}
}

/* seen: kinds of its bytes. */
static void put_word(struct masking *m, const char *p, const char *end, unsigned seen)
{
	const char *b = p, *e = end;

	m->word = m->n;
	if (!(seen & (DIGIT | MARK | PATH)) && !(end - p >= 8 && look_at(p, (size_t)(end - p)).all & HEX)) {
		put(m, p, (size_t)(end - p));
		return;
	}
	while (b < e && is(*b, EDGE))
		b++;
	while (b < e && is(e[-1], EDGE))
		e--;
	if (is_address(b, (size_t)(e - b))) {
		put(m, p, (size_t)(b - p));
		put_value(m);
		put(m, e, (size_t)(end - e));
	} else {
		put_atoms(m, p, end);
	}
	/* brackets around a value or nothing */
	if ((m->n - m->word == 2 && !memcmp(m->out + m->word, "()", 2)) ||
	    (m->n - m->word == 5 && !memcmp(m->out + m->word, "(" TEMPLATE_VALUE ")", 5))) {
		m->n = m->word;
		put_value(m);
	}
}

/* ---- values of more than one word ---- */

static const char *word_end(const char *p, const char *end)
{
	while (p < end && !is(*p, BLANK))
		p++;
	return p;
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && is(*p, BLANK))
		p++;
	return p;
}

/* Where p begins with one of some words that no letter follows: its length, else 0. */
static size_t starts_with(const char *p, const char *end, const char *const *words)
{
	for (; *words; words++) {
		size_t n = strlen(*words);

		if ((size_t)(end - p) >= n && !memcmp(p, *words, n) &&
		    (p + n == end || !is(p[n], DIGIT | UPPER | LOWER)))
			return n;
	}
	return 0;
}

/* "<1 sec": behind it, or NULL. */
static const char *end_of_bound(const char *p, const char *end)
{
	static const char *const units[] = {"sec", "min", "ms", "us", "s", "KB", "MB", "GB", NULL};
	const char *q = word_end(p, end), *unit;
	size_t n;

	if (q - p < 2)
		return NULL;
	for (const char *d = p + 1; d < q; d++)
		if (!is(*d, DIGIT))
			return NULL;
	unit = skip_blanks(q, end);
	n = starts_with(unit, end, units);
	return n ? unit + n : NULL;
}

/* "(1.28 KB)" behind a count of bytes: behind it, or NULL. */
static const char *end_of_said_again(const char *p, const char *end)
{
	static const char *const units[] = {"KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", NULL};
	const char *q = word_end(p, end), *unit = skip_blanks(q, end);
	size_t n;

	if (q - p < 2 || p[0] != '(' || !is(p[1], DIGIT))
		return NULL;
	n = starts_with(unit, end, units);
	return n && unit + n < end && unit[n] == ')' ? unit + n + 1 : NULL;
}

size_t template_mask(const char *text, size_t len, char *out)
{
	static const char *const bytes[] = {"bytes", "B", NULL};
	const char *p, *end = text + (len < TEMPLATE_TEXT_MAX ? len : TEMPLATE_TEXT_MAX);
	struct masking m = {out, 0, 0};
	bool counted = false; /* the word before the last one was a number */

	for (p = skip_blanks(text, end); p < end; p = skip_blanks(p, end)) {
		const char *to = p, *more = *p == '<' ? end_of_bound(p, end) : NULL;
		bool number = is(*p, DIGIT);
		unsigned seen = 0;

		for (unsigned k; to < end && !((k = kinds[(unsigned char)*to]) & BLANK); to++)
			seen |= k;

		if (m.n)
			out[m.n++] = ' ';
		m.word = m.n;
		if (more) {
			put_value(&m);
			to = word_end(more, end);
			put(&m, more, (size_t)(to - more));
		} else {
			put_word(&m, p, to, seen);
		}
		if (counted && starts_with(p, to, bytes) && (more = end_of_said_again(skip_blanks(to, end), end))) {
			to = word_end(more, end);
			put(&m, more, (size_t)(to - more));
		}
		counted = number;
		p = to;
	}
	return m.n;
}

/* ---- fitting ---- */

static bool is_blank(char c)
{
	return is(c, BLANK);
}

bool template_fits(struct slice template, struct slice text)
{
	static const size_t value = sizeof TEMPLATE_VALUE - 1;
	const char *t = template.ptr, *tend = t + template.len, *p = text.ptr, *end = p + text.len;
	const char *behind = NULL, *tried = NULL; /* the last <*>, and how far it reaches */

	p = skip_blanks(p, end);
	while (end > p && is_blank(end[-1]))
		end--;
	for (;;) {
		if ((size_t)(tend - t) >= value && !memcmp(t, TEMPLATE_VALUE, value)) {
			if (p == end || is_blank(*p))
				return false;
			behind = t += value;
			tried = ++p;
		} else if (t < tend && *t == ' ' && p < end && is_blank(*p)) {
			t++;
			p = skip_blanks(p, end);
		} else if (t < tend && *t != ' ' && p < end && *p == *t) {
			t++;
			p++;
		} else if (t == tend && p == end) {
			return true;
		} else {
			if (!behind || tried == end || is_blank(*tried))
				return false;
			t = behind;
			p = ++tried;
		}
	}
}

/* ---- merging ---- */

enum {
	WORDS_MAX = 64, /* of texts that merge */
	ROUNDS = 6,
	MANY = 5,        /* words at one place, to be values ... */
	LEAST_MANY = 3,  /* ... with that many others that are none */
	LEAST_VALUE = 2, /* the same where one of them is a value already */
};

/* Words of which each is as good as the other. */
static const char *const classes[][14] = {
    {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
    {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
    {"B", "KB", "MB", "GB", "TB", "kB", "KiB", "MiB", "GiB", "TiB"},
    {"ns", "us", "µs", "ms", "s"},
    {"EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "UTC", "GMT", "CET", "CEST"},
};

/* What is known of a word, once for each. */
struct word {
	uint64_t hash;
	uint8_t classes; /* a bit each */
	bool value;      /* nothing but a value */
	bool fixed;      /* without any */
};

/* A text as the numbers of its words. */
struct row {
	uint32_t kind, n;
	size_t at; /* in words */
	uint64_t sum;
	uint32_t constants;
};

/* Rows that are the same but for the word at one place. */
struct peers {
	uint64_t hash; /* of all else; 0 free */
	uint32_t word; /* of one of them */
	uint32_t n;
	uint32_t prefix, suffix, shortest; /* what all of them have in common, in bytes */
	uint8_t classes;
	bool value;
};

struct merging {
	struct intern words;
	struct word *word;
	uint32_t nword;
	struct row *row;
	uint32_t n;
	uint32_t *old, *now; /* words of all rows, before and after a round */
	size_t nwords;
	struct peers *peers;
	size_t slots;
};

static bool is_value_word(struct slice w)
{
	while (w.len && is(w.ptr[0], MARK | STOP) && w.ptr[0] != '<')
		w.ptr++, w.len--;
	while (w.len && is(w.ptr[w.len - 1], MARK | STOP) && w.ptr[w.len - 1] != '>')
		w.len--;
	return slice_is(w, TEMPLATE_VALUE);
}

static bool has_value(struct slice w)
{
	for (size_t i = 0; i + 3 <= w.len; i++)
		if (!memcmp(w.ptr + i, TEMPLATE_VALUE, 3))
			return true;
	return false;
}

static uint8_t classes_of(struct slice w)
{
	uint8_t got = 0;

	while (w.len && is(w.ptr[0], MARK | STOP))
		w.ptr++, w.len--;
	while (w.len && is(w.ptr[w.len - 1], MARK | STOP))
		w.len--;
	for (size_t c = 0; c < sizeof classes / sizeof *classes; c++)
		for (size_t i = 0; i < sizeof *classes / sizeof **classes && classes[c][i]; i++)
			if (slice_is(w, classes[c][i]))
				got |= (uint8_t)(1u << c);
	return got;
}

/* The number of a word, with what is known of it. */
static int add_word(struct merging *m, struct slice text, uint32_t *out)
{
	uint32_t before = m->words.n;
	int rc = intern_add(&m->words, text, out);

	if (rc || m->words.n == before)
		return rc;
	if (array_reserve(m->word, m->nword, *out + (size_t)1))
		return -ENOMEM;
	text = m->words.text[*out];
	m->word[*out] = (struct word){hash_slice(text, 3), classes_of(text), is_value_word(text), !has_value(text)};
	return 0;
}

static uint32_t count_words(struct slice text)
{
	uint32_t n = 1;

	for (const char *p = text.ptr; (p = memchr(p, ' ', (size_t)(text.ptr + text.len - p))); p++)
		n++;
	return n;
}

static int split(struct merging *m, struct slice text, struct row *r)
{
	const char *p = text.ptr, *end = p + text.len;
	uint32_t *w = m->now + r->at;

	for (uint32_t i = 0; i < r->n; i++) {
		const char *to = i + 1 < r->n ? memchr(p, ' ', (size_t)(end - p)) : end;
		int rc = add_word(m, (struct slice){p, (size_t)(to - p)}, w++);

		if (rc)
			return rc;
		p = to + 1;
	}
	return 0;
}

static int merging_open(struct merging *m, const struct intern *texts, const struct template_text *v, uint32_t n)
{
	size_t words = 0;
	int rc = 0;

	m->row = calloc((size_t)n + 1, sizeof *m->row);
	if (!m->row)
		return -ENOMEM;
	for (m->n = 0; m->n < n; m->n++) {
		struct row *r = &m->row[m->n];

		*r = (struct row){v[m->n].kind, count_words(texts->text[v[m->n].text]), words, 0, 0};
		r->n = r->n > WORDS_MAX ? 1 : r->n; /* a long text is one word, which nothing is like */
		words += r->n;
	}
	for (m->slots = 64; m->slots < 2 * (size_t)n;)
		m->slots *= 2;
	m->nwords = words;
	m->old = calloc(words + 1, sizeof *m->old);
	m->now = calloc(words + 1, sizeof *m->now);
	m->peers = calloc(m->slots, sizeof *m->peers);
	if (!m->old || !m->now || !m->peers)
		return -ENOMEM;
	for (uint32_t i = 0; i < n && !rc; i++)
		rc = split(m, texts->text[v[i].text], &m->row[i]);
	return rc;
}

static void merging_done(struct merging *m)
{
	intern_done(&m->words);
	free(m->word);
	free(m->row);
	free(m->old);
	free(m->now);
	free(m->peers);
}

static uint64_t at_place(uint64_t hash, uint32_t place)
{
	return (hash ^ (place + 1) * 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
}

/* What the texts are made of, as a round finds them. */
static void weigh(struct merging *m, struct row *r)
{
	r->sum = at_place(r->kind, r->n + WORDS_MAX);
	r->constants = 0;
	for (uint32_t i = 0; i < r->n; i++) {
		const struct word *w = &m->word[m->old[r->at + i]];

		r->sum += at_place(w->hash, i);
		r->constants += w->fixed;
	}
}

/* The peers of a row at a place; a free slot where it has none yet. */
static struct peers *peers_of(struct merging *m, const struct row *r, uint32_t place)
{
	uint64_t hash = r->sum - at_place(m->word[m->old[r->at + place]].hash, place);
	size_t i;

	hash += !hash;
	for (i = (hash ^ hash >> 29) & (m->slots - 1); m->peers[i].hash && m->peers[i].hash != hash;)
		i = (i + 1) & (m->slots - 1);
	if (!m->peers[i].hash)
		m->peers[i] = (struct peers){.hash = hash, .word = INTERN_NONE};
	return &m->peers[i];
}

static void meet(struct merging *m, struct peers *p, uint32_t word)
{
	struct slice a = m->words.text[word], b;
	uint32_t n = 0;

	if (p->word == INTERN_NONE) {
		*p = (struct peers){p->hash,
		                    word,
		                    1,
		                    (uint32_t)a.len,
		                    (uint32_t)a.len,
		                    (uint32_t)a.len,
		                    m->word[word].classes,
		                    m->word[word].value};
		return;
	}
	if (p->word == word) /* of a row that has become the same */
		return;
	b = m->words.text[p->word];
	p->shortest = a.len < p->shortest ? (uint32_t)a.len : p->shortest;
	while (n < p->prefix && n < a.len && a.ptr[n] == b.ptr[n])
		n++;
	p->prefix = n;
	for (n = 0; n < p->suffix && n < a.len && a.ptr[a.len - 1 - n] == b.ptr[b.len - 1 - n];)
		n++;
	p->suffix = n;
	p->n++;
	p->classes &= m->word[word].classes;
	p->value |= m->word[word].value;
}

/* Whether the word at a place is a value. */
static bool varies(const struct merging *m, const struct row *r, const struct peers *p, uint32_t word)
{
	uint32_t others = r->constants - m->word[word].fixed;

	return (p->n >= MANY && others >= LEAST_MANY) || (p->n >= 2 && p->value && others >= LEAST_VALUE) ||
	       (p->n >= 2 && p->classes);
}

/* Marks that all have in common stay: name="<*>", */
static int masked_word(struct merging *m, const struct peers *p, uint32_t *out)
{
	struct slice w = m->words.text[p->word];
	uint32_t before = p->prefix, after = p->suffix;
	char buf[3 * TEMPLATE_TEXT_MAX + 32];

	while (before && (!is(w.ptr[before - 1], MARK) || memchr("<>", w.ptr[before - 1], 2)))
		before--;
	while (after && (!is(w.ptr[w.len - after], MARK) || memchr("<>", w.ptr[w.len - after], 2)))
		after--;
	while (before + after && before + after >= p->shortest)
		--*(after ? &after : &before);
	memcpy(buf, w.ptr, before);
	memcpy(buf + before, TEMPLATE_VALUE, 3);
	memcpy(buf + before + 3, w.ptr + w.len - after, after);
	return add_word(m, (struct slice){buf, before + 3 + after}, out);
}

static int merge_place(struct merging *m, uint32_t place, bool *changed)
{
	int rc = 0;

	memset(m->peers, 0, m->slots * sizeof *m->peers);
	for (uint32_t i = 0; i < m->n; i++)
		if (place < m->row[i].n)
			meet(m, peers_of(m, &m->row[i], place), m->old[m->row[i].at + place]);
	for (uint32_t i = 0; i < m->n && !rc; i++) {
		struct row *r = &m->row[i];
		uint32_t *w = &m->now[r->at + place];
		const struct peers *p = place < r->n ? peers_of(m, r, place) : NULL;

		if (p && varies(m, r, p, *w)) {
			uint32_t before = *w;

			rc = masked_word(m, p, w);
			*changed |= *w != before;
		}
	}
	return rc;
}

/* Rows that have become the same are one from here on: else each would count as a peer. */
static int unite(struct merging *m, uint32_t *of, uint32_t n)
{
	struct intern rows;
	uint32_t *number = malloc(((size_t)m->n + 1) * sizeof *number), kept = 0, key[WORDS_MAX + 2];
	int rc = number ? 0 : -ENOMEM;

	intern_init(&rows);
	for (uint32_t i = 0; i < m->n && !rc; i++) {
		const struct row *r = &m->row[i];

		key[0] = r->kind;
		key[1] = r->n;
		memcpy(key + 2, m->now + r->at, r->n * sizeof *key);
		rc = intern_add(&rows, (struct slice){(const char *)key, (r->n + 2) * sizeof *key}, &number[i]);
		if (!rc && number[i] == kept)
			m->row[kept++] = *r;
	}
	for (uint32_t i = 0; i < n && !rc; i++)
		of[i] = number[of[i]];
	if (!rc)
		m->n = kept;
	intern_done(&rows);
	free(number);
	return rc;
}

static int merge_round(struct merging *m, bool *changed)
{
	uint32_t places = 0;
	int rc = 0;

	*changed = false;
	memcpy(m->old, m->now, m->nwords * sizeof *m->old);
	for (uint32_t i = 0; i < m->n; i++) {
		weigh(m, &m->row[i]);
		places = m->row[i].n > places ? m->row[i].n : places;
	}
	for (uint32_t place = 0; place < places && !rc; place++)
		rc = merge_place(m, place, changed);
	return rc;
}

/* The text of a row. */
static int join_words(const struct merging *m, const struct row *r, struct intern *out, uint32_t *number)
{
	size_t n = 0;
	char *buf;
	int rc;

	for (uint32_t i = 0; i < r->n; i++)
		n += m->words.text[m->now[r->at + i]].len + 1;
	buf = malloc(n + 1);
	if (!buf)
		return -ENOMEM;
	n = 0;
	for (uint32_t i = 0; i < r->n; i++) {
		struct slice w = m->words.text[m->now[r->at + i]];

		if (i)
			buf[n++] = ' ';
		if (w.len)
			memcpy(buf + n, w.ptr, w.len);
		n += w.len;
	}
	rc = intern_add(out, (struct slice){buf, n}, number);
	free(buf);
	return rc;
}

int template_merge(const struct intern *texts, const struct template_text *v, uint32_t n, struct intern *out,
                   uint32_t *template_of)
{
	struct merging m = {0};
	uint32_t *of = malloc(((size_t)n + 1) * sizeof *of), *number = NULL;
	bool changed = true;
	int rc = of ? 0 : -ENOMEM;

	intern_init(&m.words);
	for (uint32_t i = 0; i < n && !rc; i++)
		of[i] = i;
	if (!rc)
		rc = merging_open(&m, texts, v, n);
	for (int round = 0; round < ROUNDS && changed && !rc; round++) {
		rc = merge_round(&m, &changed);
		if (!rc && changed)
			rc = unite(&m, of, n);
	}
	if (!rc && !(number = malloc(((size_t)m.n + 1) * sizeof *number)))
		rc = -ENOMEM;
	for (uint32_t i = 0; i < m.n && !rc; i++)
		rc = join_words(&m, &m.row[i], out, &number[i]);
	for (uint32_t i = 0; i < n && !rc; i++)
		template_of[i] = number[of[i]];
	free(number);
	free(of);
	merging_done(&m);
	return rc;
}
