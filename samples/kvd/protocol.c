/* SPDX-License-Identifier: Apache-2.0 */
/* protocol.c - memcached's text protocol: https://github.com/memcached/memcached/blob/master/doc/protocol.txt
 *
 * Knows no sockets and says nothing: who reads the bytes tells what was wrong with them. */
#include "kvd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const verb_name[] = {"get", "set", "delete", "version", "quit"};

/* Times up to 30 days are from now, as memcached has it. */
enum { RELATIVE_MOST = 60 * 60 * 24 * 30 };

static struct text word_next(struct text *rest)
{
	struct text w;

	while (rest->len && *rest->at == ' ')
		rest->at++, rest->len--;
	w = (struct text){rest->at, 0};
	while (w.len < rest->len && w.at[w.len] != ' ')
		w.len++;
	rest->at += w.len;
	rest->len -= w.len;
	return w;
}

static bool is_word(struct text t, const char *word)
{
	return t.len == strlen(word) && !memcmp(t.at, word, t.len);
}

static bool number(struct text t, int64_t least, int64_t most, int64_t *out)
{
	bool minus = t.len && *t.at == '-';
	int64_t v = 0;

	if (t.len <= minus || t.len > 12)
		return false;
	for (size_t i = minus; i < t.len; i++) {
		if (t.at[i] < '0' || t.at[i] > '9')
			return false;
		v = v * 10 + (t.at[i] - '0');
	}
	*out = minus ? -v : v;
	return *out >= least && *out <= most;
}

static bool is_key(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if ((unsigned char)t.at[i] <= ' ' || t.at[i] == 127)
			return false;
	return t.len > 0 && t.len <= KEY_MOST;
}

static enum parsed wrong(struct parser *p, const char *answer, const char *reason)
{
	p->wrong = answer;
	p->reason = reason;
	return PARSED_WRONG;
}

static enum parsed bad_format(struct parser *p, const char *reason)
{
	return wrong(p, "CLIENT_ERROR bad command line format\r\n", reason);
}

static int64_t expiry(int64_t given)
{
	return given > 0 && given <= RELATIVE_MOST ? time(NULL) + given : given;
}

/* A request with its own copy of what stands at `from`. */
static enum parsed take(struct parser *p, enum verb verb, const char *from, size_t len, struct request **out)
{
	struct request *r = calloc(1, sizeof *r);

	if (r)
		r->bytes = malloc(len + 1);
	if (!r || !r->bytes) {
		free(r);
		return wrong(p, "SERVER_ERROR out of memory\r\n", "no memory");
	}
	memcpy(r->bytes, from, len);
	r->verb = verb;
	*out = r;
	return PARSED_OK;
}

static enum parsed parse_get(struct parser *p, struct text line, struct text rest, struct request **out)
{
	struct text key[KEYS_MOST];
	unsigned n = 0;

	for (struct text w = word_next(&rest); w.len; w = word_next(&rest)) {
		if (n == KEYS_MOST)
			return bad_format(p, "too many keys");
		if (!is_key(w))
			return bad_format(p, "not a key");
		key[n++] = w;
	}
	if (!n)
		return wrong(p, "ERROR\r\n", "no key");
	if (take(p, VERB_GET, line.at, line.len, out) != PARSED_OK)
		return PARSED_WRONG;
	for (unsigned i = 0; i < n; i++)
		(*out)->key[i] = (struct text){(*out)->bytes + (key[i].at - line.at), key[i].len};
	(*out)->nkeys = n;
	return PARSED_OK;
}

/* `in` begins with the line and its end, `all` bytes; the value follows. */
static enum parsed parse_set(struct parser *p, struct buffer *in, struct text rest, size_t all, size_t *used,
                             struct request **out)
{
	struct text key = word_next(&rest), flags = word_next(&rest), exptime = word_next(&rest);
	struct text bytes = word_next(&rest), quiet = word_next(&rest);
	int64_t f, e, n;

	if (!is_key(key) || !number(flags, 0, UINT32_MAX, &f) || !number(exptime, -INT32_MAX, UINT32_MAX, &e) ||
	    !number(bytes, 0, INT32_MAX, &n) || (quiet.len && !is_word(quiet, "noreply")) || word_next(&rest).len)
		return bad_format(p, "set");
	if (n > VALUE_MOST) {
		p->skip = (size_t)n + 2;
		return wrong(p, "SERVER_ERROR object too large for cache\r\n", "value too large");
	}
	if (in->len - all < (size_t)n + 2)
		return PARSED_MORE;
	*used = all + (size_t)n + 2;
	if (memcmp(in->at + all + n, "\r\n", 2))
		return wrong(p, "CLIENT_ERROR bad data chunk\r\n", "value of another length");
	if (take(p, VERB_SET, in->at, *used, out) != PARSED_OK)
		return PARSED_WRONG;
	(*out)->key[0] = (struct text){(*out)->bytes + (key.at - in->at), key.len};
	(*out)->nkeys = 1;
	(*out)->value = (struct text){(*out)->bytes + all, (size_t)n};
	(*out)->flags = (uint32_t)f;
	(*out)->expires = expiry(e);
	(*out)->quiet = quiet.len > 0;
	return PARSED_OK;
}

static enum parsed parse_delete(struct parser *p, struct text line, struct text rest, struct request **out)
{
	struct text key = word_next(&rest), more = word_next(&rest);

	if (is_word(more, "0")) /* an old client's time */
		more = word_next(&rest);
	if (!is_key(key) || (more.len && !is_word(more, "noreply")) || word_next(&rest).len)
		return bad_format(p, "delete");
	if (take(p, VERB_DELETE, line.at, line.len, out) != PARSED_OK)
		return PARSED_WRONG;
	(*out)->key[0] = (struct text){(*out)->bytes + (key.at - line.at), key.len};
	(*out)->nkeys = 1;
	(*out)->quiet = more.len > 0;
	return PARSED_OK;
}

static enum parsed parse_line(struct parser *p, struct buffer *in, struct text line, size_t *used, struct request **out)
{
	struct text rest = line, verb = word_next(&rest);

	if (is_word(verb, "get"))
		return parse_get(p, line, rest, out);
	if (is_word(verb, "set"))
		return parse_set(p, in, rest, *used, used, out);
	if (is_word(verb, "delete"))
		return parse_delete(p, line, rest, out);
	if (is_word(verb, "version") || is_word(verb, "quit"))
		return take(p, *verb.at == 'q' ? VERB_QUIT : VERB_VERSION, line.at, line.len, out);
	return wrong(p, "ERROR\r\n", "unknown command");
}

enum parsed parse(struct parser *p, struct buffer *in, struct request **out)
{
	size_t n = p->skip < in->len ? p->skip : in->len, used;
	enum parsed what;
	char *end;

	*out = NULL;
	p->skip -= n;
	buffer_drop(in, n);
	end = in->len ? memchr(in->at, '\n', in->len < LINE_MOST ? in->len : LINE_MOST) : NULL;
	if (!end) {
		if (in->len < LINE_MOST)
			return PARSED_MORE;
		wrong(p, "CLIENT_ERROR line too long\r\n", "line too long");
		return PARSED_LOST;
	}
	used = (size_t)(end - in->at) + 1;
	what = parse_line(p, in, (struct text){in->at, used - 1 - (end > in->at && end[-1] == '\r')}, &used, out);
	if (what != PARSED_MORE)
		buffer_drop(in, used);
	return what;
}

void request_free(struct request *r)
{
	if (!r)
		return;
	ilu_span_release(r->span);
	buffer_done(&r->reply);
	free(r->bytes);
	free(r);
}
