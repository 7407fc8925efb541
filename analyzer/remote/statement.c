/* SPDX-License-Identifier: GPL-3.0-or-later */
/* statement.c - see statement.h
 *
 * A statement is read as words, quoted pieces, comments and single characters; nothing more of the language is known
 * here. */
#include "remote/statement.h"
#include "remote/cluster.h"
#include "remote/schema.h"
#include <string.h>
#include <strings.h>

enum token_kind { TOKEN_END, TOKEN_BLANK, TOKEN_WORD, TOKEN_QUOTED, TOKEN_OTHER };

struct token {
	enum token_kind kind;
	struct slice text;
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static size_t quoted(const char *p, size_t n)
{
	size_t i = 1;

	while (i < n && p[i] != p[0])
		i += p[i] == '\\' ? 2 : 1;
	return i < n ? i + 1 : n;
}

static size_t comment(const char *p, size_t n)
{
	const char *end = p[0] == '-' ? memchr(p, '\n', n) : n > 3 ? memmem(p + 2, n - 2, "*/", 2) : NULL;

	return end ? (size_t)(end - p) + (p[0] == '-' ? 1 : 2) : n;
}

static struct token next(struct slice *s)
{
	const char *p = s->ptr;
	size_t n = s->len, i = 1;
	enum token_kind kind = TOKEN_OTHER;

	if (!n)
		return (struct token){TOKEN_END, *s};
	if (strchr(" \t\r\n", p[0]) && p[0]) {
		kind = TOKEN_BLANK;
	} else if (n > 1 && (!memcmp(p, "--", 2) || !memcmp(p, "/*", 2))) {
		kind = TOKEN_BLANK;
		i = comment(p, n);
	} else if (p[0] == '\'' || p[0] == '"' || p[0] == '`') {
		kind = TOKEN_QUOTED;
		i = quoted(p, n);
	} else if (is_word(p[0])) {
		kind = TOKEN_WORD;
		while (i < n && is_word(p[i]))
			i++;
	}
	*s = (struct slice){p + i, n - i};
	return (struct token){kind, {p, i}};
}

static bool is(const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && t->text.len == strlen(word) && !strncasecmp(t->text.ptr, word, t->text.len);
}

struct slice statement_first(const char *sql, const char **rest)
{
	struct slice left = {sql, strlen(sql)}, out = SLICE_NONE;
	struct token t;

	for (;;) {
		t = next(&left);
		if (t.kind == TOKEN_BLANK)
			continue;
		if (t.kind == TOKEN_END || (t.text.ptr[0] == ';' && out.ptr))
			break;
		if (t.text.ptr[0] == ';')
			continue;
		if (!out.ptr)
			out.ptr = t.text.ptr;
		out.len = (size_t)(t.text.ptr - out.ptr) + t.text.len;
	}
	*rest = left.ptr;
	return out;
}

bool statement_has_format(struct slice sql)
{
	struct token t, last[2] = {{0}};

	while ((t = next(&sql)).kind != TOKEN_END)
		if (t.kind != TOKEN_BLANK) {
			last[0] = last[1];
			last[1] = t;
		}
	return is(&last[0], "FORMAT") && last[1].kind == TOKEN_WORD;
}

/* Behind the blanks. */
static struct token next_said(struct slice *s)
{
	struct token t;

	do {
		t = next(s);
	} while (t.kind == TOKEN_BLANK);
	return t;
}

/* A table of ours by its name, as schema.c has it; else NONE. */
static struct slice table_named(struct slice name)
{
	for (const char *const *s = schema_tables; *s; s++) {
		const char *at = strchr(*s, '$');
		size_t n = at ? strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;

		if (n && slice_same((struct slice){at + 1, n}, name))
			return (struct slice){at + 1, n};
	}
	for (const struct schema_folded *f = schema_folded; f->name; f++)
		if (slice_is(name, f->name))
			return (struct slice){f->name, strlen(f->name)};
	return SLICE_NONE;
}

/* What a word or a quoted piece names; NONE: nothing. */
static struct slice name_of(const struct token *t)
{
	if (t->kind == TOKEN_WORD)
		return t->text;
	if (t->kind == TOKEN_QUOTED && t->text.ptr[0] != '\'' && t->text.len > 2)
		return (struct slice){t->text.ptr + 1, t->text.len - 2};
	return SLICE_NONE;
}

/* Whether `.` comes next, of which *s is behind then. */
static bool skip_dot(struct slice *s)
{
	struct slice at = *s;
	struct token t = next_said(&at);

	if (t.kind != TOKEN_OTHER || t.text.ptr[0] != '.')
		return false;
	*s = at;
	return true;
}

static bool is_database(const struct token *t, const char *database)
{
	struct slice name = name_of(t);

	return name.len == strlen(database) && !strncasecmp(name.ptr, database, name.len);
}

/* The table of ours that s begins with, of which *s is behind then; else NONE. */
static struct slice table_at(struct slice *s, const char *database)
{
	struct slice at = *s, before, table;
	struct token t = next_said(&at);

	if (is_database(&t, database) && skip_dot(&at))
		t = next_said(&at);
	table = table_named(name_of(&t));
	before = at;
	t = next_said(&at);
	if (!table.ptr || slice_is(t.text, ".") || slice_is(t.text, "("))
		return SLICE_NONE;
	*s = before;
	return table;
}

/* Whether t and what follows it are a table of ours by its whole name. */
static bool is_whole_name(const struct token *t, struct slice rest, const char *database)
{
	struct token name;

	if (!is_database(t, database) || !skip_dot(&rest))
		return false;
	name = next_said(&rest);
	return table_named(name_of(&name)).ptr;
}

static bool is_any(const struct token *t, const char *const *words)
{
	while (*words && !is(t, *words))
		words++;
	return *words;
}

/* How much of s are the arguments in brackets of a function that says itself which shards it means; 0: none such. */
static size_t own_shards(const struct token *t, struct slice s)
{
	static const char *const functions[] = {"cluster", "clusterAllReplicas", "remote", "remoteSecure", NULL};
	struct slice at = s;
	struct token x;
	unsigned open = 1;

	if (!is_any(t, functions) || (x = next_said(&at), !slice_is(x.text, "(")))
		return 0;
	while (open && (x = next_said(&at)).kind != TOKEN_END) {
		open += slice_is(x.text, "(");
		open -= slice_is(x.text, ")");
	}
	return (size_t)(at.ptr - s.ptr);
}

/* Whether it asks how a table is made, which is the same on all shards. */
static bool is_of_any_shard(struct slice sql)
{
	static const char *const words[] = {"DESC", "DESCRIBE", "EXISTS", "SHOW", NULL};
	struct token t = next_said(&sql);

	return is_any(&t, words);
}

bool statement_of_all(struct slice sql, const char *database, const char *cluster, struct text *out)
{
	bool any = is_of_any_shard(sql);
	struct token t;
	struct slice table;

	while ((t = next(&sql)).kind != TOKEN_END) {
		size_t own = own_shards(&t, sql);

		if (!any && is_whole_name(&t, sql, database))
			return false;
		text_add(out, t.text.ptr, t.text.len);
		text_add(out, sql.ptr, own);
		sql = (struct slice){sql.ptr + own, sql.len - own};
		if (!is(&t, "FROM") && !is(&t, "JOIN"))
			continue;
		table = table_at(&sql, database);
		if (!table.ptr)
			continue;
		text_puts(out, " cluster(");
		cluster_quote(out, (struct slice){cluster, strlen(cluster)});
		text_printf(out, ", %s, %.*s)", database, (int)table.len, table.ptr);
	}
	return true;
}
