/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outcomes.c - see outcomes.h
 *
 * In this order: a field of the end message that is called as a status is; one of whose values stands where error lines
 * do; an end message of its own kind; error lines after which nothing was tried again. */
#include "infer/outcomes.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct judging {
	const struct sample *s;
	const struct requests *r;
	unsigned kind;
	const struct steps *steps;
	struct failures *out;
	bool *error; /* by transaction: its last attempt has an error line */
};

/* Of lines in two files with one time the order is not known. */
static bool at_once_elsewhere(const struct sample_line *a, const struct sample_line *b)
{
	return a->time_ns == b->time_ns && a->source != b->source;
}

/* An error at the time at which it is tried again is the end of the attempt before. */
static bool last_attempt_has_error(const struct judging *j, uint32_t tid)
{
	const struct sample *s = j->s;
	uint32_t begins = 0, begin = 0;
	bool error = false;

	for (uint32_t i = s->first[tid]; i < s->first[tid + 1]; i++) {
		if (s->line[i].key == j->steps->retry.key) {
			error = false;
			begin = i;
			begins++;
		}
		if (s->key[s->line[i].key].severity == 2 &&
		    !(begins > 1 && at_once_elsewhere(&s->line[i], &s->line[begin])))
			error = true;
	}
	return error;
}

static void add(struct judging *j, struct failure f)
{
	if (f.requests && j->out->n < OUTCOMES_MAX)
		j->out->v[j->out->n++] = f;
}

/* ---- a status ---- */

static bool has_word(struct slice v, const char *const *words)
{
	char buf[SAMPLE_VALUE_MAX + 1];
	size_t n = v.len < SAMPLE_VALUE_MAX ? v.len : SAMPLE_VALUE_MAX;

	for (size_t i = 0; i < n; i++)
		buf[i] = (char)(v.ptr[i] >= 'A' && v.ptr[i] <= 'Z' ? v.ptr[i] + 32 : v.ptr[i]);
	buf[n] = '\0';
	for (; *words; words++)
		if (strstr(buf, *words))
			return true;
	return false;
}

static bool named(struct slice name, const char *const *list)
{
	for (; *list; list++)
		if (slice_is(name, *list))
			return true;
	return false;
}

enum says { SAYS_NOTHING, SAYS_WELL, SAYS_FAILED };

/* What a value of a field of this name says of the end. */
static enum says said_by(struct slice name, struct slice v)
{
	static const char *const codes[] = {"status", "status_code", "http_status", "http.status_code",
	                                    "code",   "statusCode",  NULL};
	static const char *const results[] = {"status", "result", "outcome", "state", NULL};
	static const char *const good[] = {"success", "ok", "succeeded", NULL};
	static const char *const exits[] = {"exit_code", "exitcode", "rc", "ret", "exit", NULL};
	static const char *const bad[] = {"fail",   "error", "timeout", "timed out", "abort",
	                                  "cancel", "crash", "killed",  "panic",     NULL};
	static const char *const fine[] = {"ok", "success", "succeeded", "completed", "done", NULL};
	bool number = v.len > 0;

	for (size_t i = 0; i < v.len; i++)
		number = number && ((v.ptr[i] >= '0' && v.ptr[i] <= '9') || (!i && v.ptr[i] == '-' && v.len > 1));
	if (named(name, codes) && number && v.len == 3)
		return v.ptr[0] == '5' ? SAYS_FAILED : v.ptr[0] == '2' ? SAYS_WELL : SAYS_NOTHING;
	if (named(name, exits) && number)
		return slice_is(v, "0") ? SAYS_WELL : SAYS_FAILED;
	if (named(name, good))
		return slice_is(v, "false") ? SAYS_FAILED : slice_is(v, "true") ? SAYS_WELL : SAYS_NOTHING;
	if (!named(name, results) || number)
		return SAYS_NOTHING;
	return has_word(v, bad) ? SAYS_FAILED : named(v, fine) ? SAYS_WELL : SAYS_NOTHING;
}

static bool says_failed(struct slice name, struct slice v)
{
	return said_by(name, v) == SAYS_FAILED;
}

static const struct sample_value *value_at_end(const struct judging *j, uint32_t tid, uint32_t field)
{
	const struct sample *s = j->s;

	for (uint32_t k = s->fields[tid]; k < s->fields[tid + 1]; k++)
		if (s->value[k].field == field && s->value[k].value != SAMPLE_NONE)
			return &s->value[k];
	return NULL;
}

static bool is_of_end(const struct judging *j, const struct sample_field *f, bool steps)
{
	const struct request_kind *k = &j->r->kind[j->kind];

	for (unsigned i = 0; i < k->nends; i++)
		if (k->end[i].key == f->key && !f->in_span && !f->many)
			return true;
	/* what is said just before the end counts, too */
	for (int i = 0; steps && i < j->steps->n; i++)
		if (j->steps->step[i].key == f->key && !f->in_span && !f->many)
			return true;
	return false;
}

/* Whether a status of its end says that a request went well, whatever errors it has. */
static bool ends_well(const struct judging *j, uint32_t tid)
{
	const struct sample *s = j->s;
	bool well = false;

	for (uint32_t k = s->fields[tid]; k < s->fields[tid + 1]; k++) {
		const struct sample_value *v = &s->value[k];
		const struct sample_field *f = &s->field[v->field];

		if (v->value != SAMPLE_NONE && is_of_end(j, f, false))
			well |= said_by(s->names.text[f->name], s->values.text[v->value]) == SAYS_WELL;
	}
	return well;
}

static void by_status(struct judging *j, uint32_t field)
{
	const struct sample *s = j->s;
	const struct sample_field *f = &s->field[field];
	struct slice name = s->names.text[f->name];
	bool five = false;
	uint32_t n = 0;

	for (uint32_t t = 0; t < s->tids.n; t++) {
		const struct sample_value *v = j->r->of[t].kind == (int)j->kind ? value_at_end(j, t, field) : NULL;
		struct slice text = v ? s->values.text[v->value] : SLICE_NONE;
		struct failure one = {f->key, f->name, "", "a status that says so", 1};
		bool there = false;

		if (!v || !says_failed(name, text))
			continue;
		n++;
		if (text.len == 3 && text.ptr[0] == '5') {
			five = true;
			continue;
		}
		for (int i = 0; i < j->out->n; i++)
			if (j->out->v[i].key == f->key && j->out->v[i].name == f->name &&
			    slice_is(text, j->out->v[i].value)) {
				j->out->v[i].requests++;
				there = true;
			}
		if (!there && text.len < sizeof one.value) {
			memcpy(one.value, text.ptr, text.len);
			add(j, one);
		}
	}
	if (five)
		add(j, (struct failure){f->key, f->name, ">=500", "a status that says so", n});
}

/* ---- a value that stands where errors do ---- */

struct best {
	uint32_t right; /* errors that it tells of */
};

struct counts {
	uint32_t value, n, errors;
};

static int compare_counts(const void *a, const void *b)
{
	const struct counts *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

/* The values that stand where errors do become failures, where they are one or two, tell of most errors, and of more
 * than another field's did. Returns how many errors the best field tells of. */
static uint32_t judge(struct judging *j, uint32_t field, const struct counts *c, uint32_t distinct, uint32_t errors,
                      uint32_t all, const struct best *best)
{
	const struct sample_field *f = &j->s->field[field];
	uint32_t right = 0, bad = 0;
	struct failures found = {0};

	for (uint32_t i = 0; i < distinct; i++) {
		struct slice text = j->s->values.text[c[i].value];
		struct failure one = {f->key, f->name, "", "stands where error lines do", c[i].n};

		if (c[i].n < 2 || c[i].errors * 10 < c[i].n * 8 || c[i].n * 2 > all || text.len >= sizeof one.value)
			continue;
		bad++;
		right += c[i].errors;
		if (found.n < 2) {
			memcpy(one.value, text.ptr, text.len);
			found.v[found.n++] = one;
		}
	}
	if (!bad || bad > 2 || distinct > 20 || right * 10 < errors * 8 || right <= best->right)
		return best->right;
	*j->out = found;
	return right;
}

static int by_errors(struct judging *j, uint32_t field, struct best *best)
{
	const struct sample *s = j->s;
	struct counts *c = calloc((size_t)s->tids.n + 1, sizeof *c);
	uint32_t n = 0, all = 0, distinct = 0, errors = 0;

	if (!c)
		return -ENOMEM;
	for (uint32_t t = 0; t < s->tids.n; t++) {
		const struct sample_value *v = j->r->of[t].kind == (int)j->kind ? value_at_end(j, t, field) : NULL;

		if (v)
			c[n++] = (struct counts){v->value, 1, j->error[t]};
	}
	qsort(c, n, sizeof *c, compare_counts);
	for (uint32_t i = 0; i < n; i++) {
		if (i && c[distinct - 1].value == c[i].value) {
			c[distinct - 1].n++;
			c[distinct - 1].errors += c[i].errors;
		} else {
			c[distinct++] = c[i];
		}
		errors += c[i].errors;
		all++;
	}
	best->right = judge(j, field, c, distinct, errors, all, best);
	free(c);
	return 0;
}

/* ---- messages ---- */

static void by_end(struct judging *j)
{
	const struct request_kind *k = &j->r->kind[j->kind];
	const struct sample_key *key = j->s->key;
	static const char *const bad[] = {"fail",   "error", "timeout", "timed out", "abort",
	                                  "cancel", "crash", "panic",   NULL};

	for (unsigned i = 1; i < k->nends; i++)
		if (key[k->end[i].key].severity > key[k->end[0].key].severity ||
		    (has_word(key[k->end[i].key].text, bad) && !has_word(key[k->end[0].key].text, bad)))
			add(j,
			    (struct failure){k->end[i].key, SAMPLE_NONE, "", "an end of its own", k->end[i].requests});
}

static int by_lines(struct judging *j)
{
	const struct sample *s = j->s;
	uint32_t *n = calloc((size_t)s->nkeys + 1, sizeof *n);

	if (!n)
		return -ENOMEM;
	for (uint32_t t = 0; t < s->tids.n; t++)
		if (j->error[t] && !ends_well(j, t))
			for (uint32_t i = s->first[t]; i < s->first[t + 1]; i++)
				n[s->line[i].key] += s->key[s->line[i].key].severity == 2;
	for (uint32_t k = 0; k < s->nkeys; k++)
		if (n[k] && s->key[k].text.len)
			add(j,
			    (struct failure){k, SAMPLE_NONE, "", "an error line, and nothing was tried again", n[k]});
	free(n);
	return 0;
}

/* ---- error lines of those that do not end ---- */

static bool is_told(const struct judging *j, uint32_t tid, const struct failure *f)
{
	const struct sample *s = j->s;
	uint32_t line;

	if (f->name == SAMPLE_NONE)
		return lines_of_key(s, tid, f->key, &line) > 0;
	for (uint32_t k = s->fields[tid]; k < s->fields[tid + 1]; k++) {
		const struct sample_field *field = &s->field[s->value[k].field];
		struct slice v = s->value[k].value == SAMPLE_NONE ? SLICE_NONE : s->values.text[s->value[k].value];

		if (field->key == f->key && field->name == f->name && v.ptr &&
		    (slice_is(v, f->value) || (!strcmp(f->value, ">=500") && says_failed(s->names.text[f->name], v))))
			return true;
	}
	return false;
}

static bool is_told_of(const struct judging *j, uint32_t tid)
{
	for (int i = 0; i < j->out->n; i++)
		if (is_told(j, tid, &j->out->v[i]))
			return true;
	return false;
}

/* A few fail so early that they have no end: what their error lines say, where no other request has them. */
static int by_lines_of_unfinished(struct judging *j)
{
	const struct sample *s = j->s;
	uint32_t *bad = calloc((size_t)s->nkeys + 1, sizeof *bad), *good = calloc((size_t)s->nkeys + 1, sizeof *good);
	int told = j->out->n, rc = bad && good ? 0 : -ENOMEM;

	for (uint32_t t = 0; !rc && t < s->tids.n; t++) {
		const struct request *r = &j->r->of[t];
		uint32_t *count = r->end < 0 && j->error[t] ? bad : good;

		if (r->kind != (int)j->kind || is_told_of(j, t))
			continue;
		for (uint32_t i = s->first[t]; i < s->first[t + 1]; i++)
			count[s->line[i].key] += s->key[s->line[i].key].severity == 2;
	}
	for (uint32_t k = 0; !rc && k < s->nkeys && j->out->n < told + 4; k++)
		if (bad[k] && !good[k] && s->key[k].text.len)
			add(j, (struct failure){k, SAMPLE_NONE, "", "an error line of those that do not end", bad[k]});
	free(bad);
	free(good);
	return rc;
}

int failures_find(struct failures *out, const struct sample *s, const struct requests *r, unsigned kind,
                  const struct steps *steps, uint32_t function)
{
	struct best best = {0};
	struct judging j = {s, r, kind, steps, out, calloc((size_t)s->tids.n + 1, sizeof *j.error)};
	int rc = j.error ? 0 : -ENOMEM;

	*out = (struct failures){0};
	for (uint32_t t = 0; !rc && t < s->tids.n; t++)
		j.error[t] = r->of[t].kind == (int)kind && last_attempt_has_error(&j, t);
	for (uint32_t f = 0; !rc && f < s->nfields; f++)
		if (is_of_end(&j, &s->field[f], true))
			by_status(&j, f);
	for (uint32_t f = 0; !rc && (!out->n || best.right) && f < s->nfields; f++)
		if (is_of_end(&j, &s->field[f], false) && s->field[f].name != function)
			rc = by_errors(&j, f, &best);
	if (!rc)
		by_end(&j);
	if (!rc)
		rc = out->n ? by_lines_of_unfinished(&j) : by_lines(&j);
	free(j.error);
	return rc;
}
