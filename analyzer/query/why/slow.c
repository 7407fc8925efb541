/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slow.c - why the slow requests are slow: where their excess is, what they have in common, a typical one beside a fast
 * one. */
#include "query/why/slow.h"
#include "base/textduration.h"
#include "base/threads.h"
#include "model/parts.h"
#include "query/core/command.h"
#include "query/core/quantile.h"
#include "query/whole/gathered.h"
#include "query/requests/arrivals.h"
#include "render/fold.h"
#include "render/number.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_UNDER = 6 }; /* causes that are shown under one; programs get all */
enum { SHORT_ID = 12 };
enum { ENOUGH_SLOW = 50 }; /* without --over, so many are to be slow, as far as the tenth slowest goes */

/* ---- what is slow ---- */

static int64_t quantile(struct query *q, const struct requests *r, double share)
{
	struct sample s = {0};
	int64_t ns = 0;
	int rc = 0;

	for (uint32_t i = 0; i < r->n && !rc; i++)
		rc = sample_add(&s, request_ns(r, i));
	if (query_ok(q, rc, q->command) && s.n) {
		sample_sort(&s);
		ns = sample_quantile(&s, share);
	}
	sample_done(&s);
	return ns;
}

/* "p99", "p99.9" */
static bool parse_quantile(const char *text, double *share)
{
	char *end;
	double x;

	if (*text != 'p' || text[1] < '0' || text[1] > '9')
		return false;
	x = strtod(text + 1, &end);
	*share = x / 100;
	return !*end && x > 0 && x < 100;
}

static void choose_over(struct slow *s)
{
	static const char *const quantiles[] = {"p99", "p95", "p90"};
	static const double shares[] = {0.01, 0.05, 0.1};
	size_t i = 0;

	while (i < 2 && s->r.n * shares[i] < ENOUGH_SLOW)
		i++;
	snprintf(s->over, sizeof s->over, "%s", quantiles[i]);
}

static int64_t over(struct query *q, struct slow *s)
{
	const char *word = args_value(q->args, "over");
	double share;
	int64_t ns = 0;

	if (word)
		snprintf(s->over, sizeof s->over, "%s", word);
	else
		choose_over(s);
	if (parse_quantile(s->over, &share))
		return quantile(q, &s->r, share);
	if (duration_parse((struct slice){word, strlen(word)}, &ns) || ns < 0)
		query_fail(q, USAGE,
		           "--over %s: write a duration (5s, 250ms) or a quantile between p0 and p100 (p99, p99.9)",
		           word);
	return ns;
}

/* ---- what they have in common ---- */

/* What does not depend on each other is found by several threads. */
struct found {
	const struct requests *r;
	int64_t run;
	struct fields *fields;
	struct said_values *said;
	struct arrivals arrivals;
	struct attributes given, company, series;
};

enum { OF_FIELDS, OF_SERIES, OF_REQUESTS, FINDS }; /* what takes longest first */

static int find_one(void *arg, struct store *store, size_t i)
{
	struct found *f = arg;

	if (i == OF_FIELDS)
		return fields_read(store, f->run, f->r, &f->fields);
	return i == OF_SERIES ? said_read(store, f->run, f->r, &f->arrivals, &f->said)
	                      : attributes_of_requests(f->r, &f->given);
}

/* The order is that in which what is as strong is told. */
static int append(struct attributes *to, struct found *f, struct attributes *functions)
{
	struct attributes *from[] = {&f->given, functions, &f->company, &f->series};
	int rc = 0;

	for (size_t i = 0; i < sizeof from / sizeof *from && !rc; i++)
		rc = attributes_append(to, from[i]);
	return rc ? rc : attributes_of_fields(f->fields, to);
}

/* What the others were at comes before the lines: it takes little time, but memory that these want as well. */
static int find_all(struct query *q, struct slow *s, struct found *f, struct attributes *functions)
{
	int rc = arrivals_make(f->r, &f->arrivals);

	if (!rc)
		rc = conditions_of_requests(f->r, &f->arrivals, &f->company);
	if (!rc)
		rc = parts_read(q->store, FINDS, find_one, f);
	if (!rc)
		rc = conditions_of_series(f->said, &f->series);
	return rc ? rc : append(&s->a, f, functions);
}

static void find_attributes(struct query *q, struct slow *s)
{
	struct found f = {.r = &s->r, .run = query_run(q)};
	struct attributes functions = {0};

	attributes_of_functions(q, &s->r, &functions);
	if (!q->status)
		query_ok(q, find_all(q, s, &f, &functions), q->command);
	attributes_done(&functions);
	attributes_done(&f.given);
	attributes_done(&f.company);
	attributes_done(&f.series);
	arrivals_done(&f.arrivals);
	said_free(f.said);
	fields_free(f.fields);
}

/* ---- asking ---- */

/* Both are of the same requests, and have nothing else to do with each other. */
static int conclude(void *arg, size_t i)
{
	struct slow *s = arg;

	return i ? typical_find(&s->r, &s->e, &s->slow, &s->fast) : causes_find(&s->r, &s->e, &s->a, &s->c);
}

/* What is to be said of the requests that were read. */
static void find(struct query *q, struct slow *s)
{
	int64_t over_ns = q->status ? 0 : over(q, s);

	if (q->status || !query_ok(q, excess_make(&s->r, over_ns, &s->e), q->command))
		return;
	find_attributes(q, s);
	if (!q->status)
		query_ok(q, threads_each(2, conclude, s), q->command);
}

static void ask(struct query *q, struct slow *s)
{
	const char *function = args_value(q->args, "function");

	requests_read(q, function, &s->r);
	if (!q->status && !s->r.n && function)
		query_no_function(q, function, "no answered request is of it");
	find(q, s);
}

static void slow_done(struct slow *s)
{
	requests_cancel(s->reading);
	causes_done(&s->c);
	attributes_done(&s->a);
	excess_done(&s->e);
	requests_done(&s->r);
}

/* ---- beside other questions ---- */

struct slow *slow_new(struct query *q)
{
	struct slow *s = malloc(sizeof *s);

	if (!query_ok(q, s ? 0 : -ENOMEM, q->command)) {
		free(s);
		return NULL;
	}
	*s = SLOW_INIT;
	s->reading = requests_begin(q, &s->r);
	return s;
}

int slow_take(void *slow, const struct invocation_read *of, const struct phases *phases)
{
	struct slow *s = slow;

	if (s->reading && requests_taken(s->reading) == SLOW_BESIDE_MOST) {
		slow_done(s);
		*s = SLOW_INIT;
		s->too_many = true;
	}
	return s->reading ? requests_take(s->reading, of, phases) : 0;
}

void slow_finish(struct query *q, struct slow *s)
{
	if (!s || !s->reading)
		return;
	requests_end(q, s->reading);
	s->reading = NULL;
	find(q, s);
}

void slow_free(struct slow *s)
{
	if (s)
		slow_done(s);
	free(s);
}

/* ---- numbers ---- */

double slow_share_of(const struct slow *s, double ns)
{
	return s->e.total_ns > 0 ? ns / (double)s->e.total_ns : 0;
}

/* Phases, the largest excess first. */
size_t slow_order_phases(const struct slow *s, uint32_t *order)
{
	size_t n = 0;

	for (uint32_t k = 0; k < s->r.phases.n; k++) {
		size_t at = n++;

		for (; at && s->e.phase_ns[order[at - 1]] < s->e.phase_ns[k]; at--)
			order[at] = order[at - 1];
		order[at] = k;
	}
	return n;
}

/* ---- for programs ---- */

static void put_real(struct text *t, const char *key, double x)
{
	char buf[NUMBER_MAX];

	number_shortest(x, buf);
	text_printf(t, ",\"%s\":%s", key, buf);
}

static void put_tid(const struct slow *s, struct text *t, const char *key, uint32_t i)
{
	text_printf(t, "\"%s\":", key);
	if (i == NO_REQUEST)
		text_puts(t, "null");
	else
		text_add_json(t, request_tid(&s->r, i), strlen(request_tid(&s->r, i)));
}

static void put_json_causes(const struct slow *s, struct text *t)
{
	struct text value = {0};

	for (size_t i = 0; i < s->c.n && !s->c.unproven; i++) {
		const struct cause *c = &s->c.v[i];
		const char *v = cause_value(c, &value);

		text_puts(t, i ? ",{\"what\":" : "{\"what\":");
		text_add_json(t, c->of->what, strlen(c->of->what));
		text_puts(t, ",\"value\":");
		text_add_json(t, v, strlen(v));
		put_real(t, "slow_share", c->slow_share);
		put_real(t, "others_share", c->others_share);
		text_printf(t, ",\"explains_ns\":%lld", (long long)c->explains_ns);
		put_real(t, "q", c->q);
		if (c->under == SIZE_MAX)
			text_puts(t, ",\"under\":null}");
		else
			text_printf(t, ",\"under\":%zu}", c->under);
	}
	text_done(&value);
}

static void put_json(struct query *q, const struct slow *s)
{
	uint32_t order[REQUEST_PHASES];
	size_t n = slow_order_phases(s, order);
	struct text t = {0};

	text_printf(&t,
	            "{\"n\":%u,\"over_ns\":%lld,\"excess_ns\":%lld,\"requests\":%u,\"without_others\":%u,\"phases\":[",
	            s->e.nslow, (long long)s->e.over_ns, (long long)s->e.total_ns, s->r.n, s->e.nalone);
	for (size_t i = 0; i < n; i++) {
		struct slice name = s->r.phases.text[order[i]];

		text_puts(&t, i ? ",{\"name\":" : "{\"name\":");
		text_add_json(&t, name.ptr, name.len);
		text_printf(&t, ",\"excess_ns\":%lld", (long long)s->e.phase_ns[order[i]]);
		put_real(&t, "share", slow_share_of(s, (double)s->e.phase_ns[order[i]]));
		text_puts(&t, "}");
	}
	text_puts(&t, "],\"causes\":[");
	put_json_causes(s, &t);
	text_puts(&t, "],\"typical\":{");
	put_tid(s, &t, "slow", s->slow);
	text_puts(&t, ",");
	put_tid(s, &t, "fast", s->fast);
	text_puts(&t, "}}\n");
	if (query_wrote(q, t.failed ? -ENOMEM : 0))
		fwrite(text_str(&t), 1, t.len, q->out->file);
	text_done(&t);
	query_wrote(q, output_status(q->out));
}

static const struct column flat[] = {
    {"kind", UNIT_WHOLE},         {"what", UNIT_NONE},   {"value", UNIT_NONE},
    {"excess_ns", UNIT_NS},       {"share", UNIT_SHARE}, {"slow_share", UNIT_SHARE},
    {"others_share", UNIT_SHARE}, {"q", UNIT_VALUE},     {"under", UNIT_COUNT},
};

enum { FLAT = sizeof flat / sizeof *flat };

static void put_flat(struct query *q, struct table *t, const char *kind, const char *what, struct cell value,
                     struct cell excess, struct cell share)
{
	struct cell c[FLAT] = {cell_of_text(kind), cell_of_text(what), value,        excess,      share,
	                       CELL_OF_NULL,       CELL_OF_NULL,       CELL_OF_NULL, CELL_OF_NULL};

	query_table_row(q, t, c);
}

static void put_flat_cause(struct query *q, struct table *t, const struct slow *s, const struct cause *c,
                           struct text *value)
{
	struct cell cells[FLAT] = {cell_of_text("cause"),
	                           cell_of_text(c->of->what),
	                           cell_of_text(cause_value(c, value)),
	                           CELL_OF_INT((int64_t)c->explains_ns),
	                           CELL_OF_REAL(slow_share_of(s, c->explains_ns)),
	                           CELL_OF_REAL(c->slow_share),
	                           CELL_OF_REAL(c->others_share),
	                           CELL_OF_REAL(c->q),
	                           c->under == SIZE_MAX ? CELL_OF_NULL : CELL_OF_INT((int64_t)c->under)};

	query_table_row(q, t, cells);
}

static struct cell tid_cell(const struct slow *s, uint32_t i)
{
	return i == NO_REQUEST ? CELL_OF_NULL : cell_of_text(request_tid(&s->r, i));
}

static void put_table(struct query *q, const struct slow *s)
{
	struct table *t = query_table_open(q, flat, FLAT);
	uint32_t order[REQUEST_PHASES];
	size_t n = slow_order_phases(s, order);
	struct text value = {0};

	put_flat(q, t, "slow", "requests", CELL_OF_INT(s->e.nslow), CELL_OF_INT(s->e.total_ns), CELL_OF_NULL);
	put_flat(q, t, "over", "ns", CELL_OF_INT(s->e.over_ns), CELL_OF_NULL, CELL_OF_NULL);
	for (size_t i = 0; i < n; i++)
		put_flat(q, t, "phase", s->r.phases.text[order[i]].ptr, CELL_OF_NULL,
		         CELL_OF_INT(s->e.phase_ns[order[i]]),
		         CELL_OF_REAL(slow_share_of(s, (double)s->e.phase_ns[order[i]])));
	for (size_t i = 0; i < s->c.n && !s->c.unproven; i++)
		put_flat_cause(q, t, s, &s->c.v[i], &value);
	put_flat(q, t, "typical", "slow", tid_cell(s, s->slow), CELL_OF_NULL, CELL_OF_NULL);
	put_flat(q, t, "typical", "fast", tid_cell(s, s->fast), CELL_OF_NULL, CELL_OF_NULL);
	text_done(&value);
	query_table_close(q, t);
}

/* ---- for people ---- */

static void put_heading(struct query *q, const char *text)
{
	if (q->out->format == FORMAT_MARKDOWN)
		fprintf(q->out->file, "\n### %s\n\n", text);
	else if (q->out->format == FORMAT_HTML)
		fprintf(q->out->file, "<h3>%s</h3>\n", text);
	else
		fprintf(q->out->file, "\n%s%s%s\n", output_ink(q->out, INK_HEAD), text, output_ink(q->out, INK_NONE));
}

/* Sentences: lines of text, a paragraph of a page. */
static void put_words(struct query *q, struct text *t)
{
	bool html = q->out->format == FORMAT_HTML;
	struct text lines = {0};

	text_add_folded(&lines, text_str(t), t->len, q->out->format == FORMAT_TEXT ? q->out->width : 0, 0);
	if (query_wrote(q, t->failed || lines.failed ? -ENOMEM : 0))
		fprintf(q->out->file, html ? "<p>%s</p>\n" : "%s\n", text_str(&lines));
	text_done(&lines);
	text_done(t);
}

static void say_ns(const struct query *q, struct text *t, int64_t ns)
{
	char buf[NUMBER_MAX];

	text_add(t, buf, number_duration(ns, q->out->utf8 ? "µ" : "u", buf));
}

static void say_count(struct text *t, int64_t n)
{
	char buf[NUMBER_MAX];

	text_add(t, buf, number_count(n, buf));
}

static void put_head(struct query *q, const struct slow *s)
{
	struct text t = {0};

	say_count(&t, s->e.nslow);
	text_puts(&t, " of ");
	say_count(&t, s->r.n);
	text_puts(&t, " requests took longer than ");
	say_ns(q, &t, s->e.over_ns);
	if (*s->over == 'p')
		text_printf(&t, " (%s)", s->over);
	if (s->e.nslow > s->e.nalone) {
		text_puts(&t, ": ");
		say_ns(q, &t, s->e.total_ns / (s->e.nslow - s->e.nalone));
		text_puts(&t, " more on average than the others of the same function");
	}
	text_puts(&t, ".");
	if (s->e.nalone) {
		text_puts(&t, "\n");
		say_count(&t, s->e.nalone);
		text_puts(&t, " of them are of functions of which no request was quicker: what they have in excess is "
		              "not known.");
	}
	put_words(q, &t);
}

static void put_phases(struct query *q, const struct slow *s)
{
	static const struct column columns[] = {
	    {"phase", UNIT_WHOLE}, {"excess_ns", UNIT_NS}, {"share", UNIT_SHARE}, {"each_ns", UNIT_NS}};
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);
	uint32_t order[REQUEST_PHASES], slow = s->e.nslow - s->e.nalone;
	size_t n = slow_order_phases(s, order);

	for (size_t i = 0; i < n; i++) {
		int64_t ns = s->e.phase_ns[order[i]];

		if (!ns && q->out->format == FORMAT_HTML)
			continue;
		struct cell c[] = {cell_of_text(s->r.phases.text[order[i]].ptr), CELL_OF_INT(ns),
		                   CELL_OF_REAL(slow_share_of(s, (double)ns)), CELL_OF_INT(ns / (slow ? slow : 1))};

		query_table_row(q, t, c);
	}
	query_table_close(q, t);
}

static void put_causes(struct query *q, const struct slow *s)
{
	static const struct column columns[] = {{"what", UNIT_WHOLE},       {"value", UNIT_NONE},
	                                        {"slow_share", UNIT_SHARE}, {"others_share", UNIT_SHARE},
	                                        {"explains_ns", UNIT_NS},   {"of_excess", UNIT_SHARE},
	                                        {"q", UNIT_VALUE}};
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);
	struct text value = {0}, what = {0}, more = {0};
	size_t under = 0, left_out = 0;

	for (size_t i = 0; i < s->c.n; i++) {
		const struct cause *c = &s->c.v[i];

		under = c->under == SIZE_MAX ? 0 : under + 1;
		left_out += under > MOST_UNDER;
		if (under > MOST_UNDER)
			continue;
		text_reset(&what);
		text_printf(&what, "%s%s", c->under == SIZE_MAX ? "" : "with it: ", c->of->what);
		struct cell cells[] = {cell_of_text(text_str(&what)),
		                       cell_of_text(cause_value(c, &value)),
		                       CELL_OF_REAL(c->slow_share),
		                       CELL_OF_REAL(c->others_share),
		                       CELL_OF_INT((int64_t)c->explains_ns),
		                       CELL_OF_REAL(slow_share_of(s, c->explains_ns)),
		                       CELL_OF_REAL(c->q)};

		query_table_row(q, t, cells);
	}
	text_done(&what);
	text_done(&value);
	query_table_close(q, t);
	if (!left_out || q->status)
		return;
	text_printf(&more, "and %zu more that go with these", left_out);
	if (!s->c.unproven)
		text_puts(&more, q->out->format == FORMAT_HTML
		                     ? ": <code class=\"copy\">ilu-logq --format csv slow</code>"
		                     : ": --format csv slow");
	put_words(q, &more);
}

static void say_begin(const struct slow *s, struct text *t, uint32_t i)
{
	char buf[NUMBER_MAX];

	text_add(t, buf, time_of_log(request_began(&s->r, i), request_kind(&s->r, i)->offset_s, buf));
}

/* When the first and the last slow one began, on the clock of the log. */
static void say_when(const struct slow *s, struct text *t)
{
	uint32_t first = NO_REQUEST, last = NO_REQUEST;

	for (uint32_t i = 0; i < s->r.n; i++) {
		int64_t began = request_began(&s->r, i);

		if (!s->e.slow[i])
			continue;
		first = first == NO_REQUEST || began < request_began(&s->r, first) ? i : first;
		last = last == NO_REQUEST || began > request_began(&s->r, last) ? i : last;
	}
	text_puts(t, "They began from ");
	say_begin(s, t, first);
	text_puts(t, " to ");
	say_begin(s, t, last);
}

/* Why no cause is claimed. */
static void put_none(struct query *q, const struct slow *s)
{
	struct text t = {0};

	if (s->e.nslow < CAUSE_LEAST) {
		text_printf(&t, "Nothing is claimed on fewer than %d slow requests.", CAUSE_LEAST);
	} else if (s->c.stretches < CAUSE_STRETCHES) {
		say_when(s, &t);
		text_printf(&t,
		            ", in %u stretch%s of time: too few to tell what made them slow from what just happened "
		            "then%s",
		            s->c.stretches, s->c.stretches == 1 ? "" : "es",
		            s->c.n ? ". It goes with them, unproven:" : ".");
	} else {
		text_printf(&t,
		            "Nothing that chance would not do as well: %u values of attributes and conditions were "
		            "looked at.",
		            s->c.tests);
	}
	put_words(q, &t);
}

/* With what leads to each: the page knows whether it has its timeline. */
static void put_typical_rows(struct query *q, const struct slow *s)
{
	static const struct column columns[] = {{"typical", UNIT_WHOLE}, {"tid", UNIT_ID}, {"took_ns", UNIT_NS}};
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);
	const uint32_t of[] = {s->slow, s->fast};

	for (int k = 0; k < 2; k++) {
		if (of[k] == NO_REQUEST)
			continue;
		struct cell c[] = {cell_of_text(k ? "fast" : "slow"), cell_of_text(request_tid(&s->r, of[k])),
		                   CELL_OF_INT(request_ns(&s->r, of[k]))};

		query_table_row(q, t, c);
	}
	query_table_close(q, t);
}

static void put_typical_html(struct query *q, const struct slow *s)
{
	struct text t = {0};

	put_typical_rows(q, s);
	if (s->slow == NO_REQUEST || s->fast == NO_REQUEST)
		return;
	text_puts(&t, "Both, one beside the other: <code class=\"copy\">ilu-logq timeline ");
	text_add_html(&t, request_tid(&s->r, s->slow), strlen(request_tid(&s->r, s->slow)));
	text_puts(&t, " --beside ");
	text_add_html(&t, request_tid(&s->r, s->fast), strlen(request_tid(&s->r, s->fast)));
	text_puts(&t, "</code>");
	put_words(q, &t);
}

static void put_id(struct query *q, struct text *t, const char *tid, bool whole)
{
	text_add_terminal(t, tid, whole ? strlen(tid) : query_tid_short(q, tid, SHORT_ID));
}

/* The command that shows both, in one line however long it is, to be copied: whole ids stand above. */
static void put_both(struct query *q, const struct slow *s)
{
	const char *slow = request_tid(&s->r, s->slow), *fast = request_tid(&s->r, s->fast);
	size_t width = q->out->format == FORMAT_TEXT ? (size_t)q->out->width : 0;
	bool whole = !width || strlen(slow) + strlen(fast) + strlen("> timeline  --beside ") < width;
	struct text t = {0};

	text_puts(&t, q->out->utf8 ? "→ timeline " : "-> timeline ");
	put_id(q, &t, slow, whole);
	text_puts(&t, " --beside ");
	put_id(q, &t, fast, whole);
	if (query_wrote(q, t.failed ? -ENOMEM : 0))
		fprintf(q->out->file, "%s\n", text_str(&t));
	text_done(&t);
}

static void put_typical(struct query *q, const struct slow *s)
{
	struct text t = {0};
	const struct {
		const char *what;
		uint32_t i;
	} of[] = {{"slow", s->slow}, {"fast", s->fast}};

	for (int k = 0; k < 2; k++) {
		if (of[k].i == NO_REQUEST)
			continue;
		text_printf(&t, "%s  ", of[k].what);
		text_add_terminal(&t, request_tid(&s->r, of[k].i), strlen(request_tid(&s->r, of[k].i)));
		text_puts(&t, "  ");
		say_ns(q, &t, request_ns(&s->r, of[k].i));
		text_puts(&t, q->out->format == FORMAT_MARKDOWN ? "  \n" : "\n");
	}
	query_wrote(q, t.failed ? -ENOMEM : 0);
	fwrite(text_str(&t), 1, t.len, q->out->file);
	text_done(&t);
	if (s->slow != NO_REQUEST && s->fast != NO_REQUEST)
		put_both(q, s);
}

static void put_too_many(struct query *q)
{
	struct text t = {0};

	text_puts(&t, "Of so many requests it is not looked for here: ");
	text_puts(&t, q->out->format == FORMAT_HTML ? "<code class=\"copy\">ilu-logq slow</code>" : "`ilu-logq slow`");
	text_puts(&t, " tells it.");
	put_words(q, &t);
}

void slow_tell(struct query *q, const struct slow *s)
{
	if (s->too_many) {
		put_too_many(q);
		return;
	}
	put_head(q, s);
	if (s->e.nslow) {
		put_heading(q, "Where the excess is");
		put_phases(q, s);
		put_heading(q, "What they have in common");
		if (!s->c.n || s->c.unproven)
			put_none(q, s);
		if (s->c.n)
			put_causes(q, s);
		put_heading(q, "The most typical ones");
		(q->out->format == FORMAT_HTML ? put_typical_html : put_typical)(q, s);
	}
	query_wrote(q, output_status(q->out));
}

/* ---- the command ---- */

static void put(struct query *q, const struct slow *s)
{
	if (!q->status && q->out->format == FORMAT_JSON)
		put_json(q, s);
	else if (!q->status && q->out->format == FORMAT_CSV)
		put_table(q, s);
	else if (!q->status && (s->r.n || s->too_many || q->out->format != FORMAT_TEXT || !query_no_requests(q)))
		slow_tell(q, s);
	if (!q->status && s->r.unfinished)
		query_note(q, "%s requests without an answer are left out: hangs tells of them",
		           number_count_text(s->r.unfinished).text);
}

static void run(struct query *q)
{
	const struct slow *before = q->gathered ? q->gathered->slow : NULL;
	struct slow own = SLOW_INIT;

	if (!before)
		ask(q, &own);
	put(q, before ? before : &own);
	slow_done(&own);
}

static const struct option_spec options[] = {
    OPTION_FUNCTION,
    {.name = "over",
     .value = "LIMIT",
     .help = "what took longer is slow: 5s, 250ms, or a quantile of all: p99; default p99, in small runs p95 or p90"},
    OPTION_RUN,
    {0},
};

const struct command command_slow = {
    .name = "slow",
    .group = GROUP_ANSWERS,
    .help = "why the slow requests are slow: where their excess is, what they have in common",
    .more = "The excess is against the others of the same function, phase by phase; the phases add up to it. Looked at "
            "is what a\n"
            "request has once (function and its metadata, worker, state, attempts, hour, fields of its lines) and how "
            "things "
            "stood when it\n"
            "came (requests waiting, cold starts under way, load, memory, ...). A cause rests on 20 slow requests or "
            "more, at most "
            "one claim in twenty\n"
            "is chance (Benjamini-Hochberg over all that was looked at, requests near in time counting as one), it is "
            "1.5 times as\n"
            "frequent among the slow as among the others, and explains 5 % of the excess. Those that a stronger one "
            "covers stand\n"
            "under it; of two that cannot be told apart what has a limit (memory) is the stronger. The exit status is "
            "0 whatever is found.",
    .examples = "slow\nslow --over 5s --function 'big*'\n--format json slow --over p99.9",
    .options = options,
    .need = NEED_READ,
    .gives_back = true,
    .of_requests = true,
    .run = run,
    COLUMNS_OF(flat),
};
