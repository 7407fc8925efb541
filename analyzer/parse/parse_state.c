/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse_state.c - a parser's state handed on, and its counts taken back. */
#include "parse/parse_state.h"
#include "parse/recipe.h"

void parse_state_done(struct parse_state *s)
{
	for (unsigned i = 0; i < RECORD_PENDING; i++)
		bytes_free(&s->pending[i].text);
	*s = (struct parse_state){0};
}

void parse_state_leave(struct parser *p, struct parse_state *s)
{
	static const struct record_pending none[RECORD_PENDING];
	struct record_reader *r = &p->records;

	parse_state_done(s);
	s->in_array = p->in_array;
	s->has_last = p->has_last;
	s->after_record = p->after_record;
	s->continues = p->continues;
	s->last_local = p->last_local;
	s->peeked = p->peeked;
	s->last_stamp = p->last_stamp;
	s->peeked_ns = p->peeked_ns;
	s->group_budget = p->group_budget;
	s->has_tid = p->last_tid.ptr && p->last_tid.len <= sizeof s->tid;
	s->tid_len = s->has_tid ? p->last_tid.len : 0;
	if (s->tid_len)
		memcpy(s->tid, p->last_tid.ptr, s->tid_len);
	s->has_near = r->has_near;
	s->near_local = r->near_local;
	s->near_ns = r->near_ns;
	s->zone_prev = r->zone_prev;
	s->pieces = r->pieces;
	memcpy(s->pending, r->pending, sizeof s->pending);
	memcpy(r->pending, none, sizeof none);
	parse_state_enter(p, &(struct parse_state){0});
}

void parse_state_enter(struct parser *p, struct parse_state *s)
{
	struct record_reader *r = &p->records;

	p->in_array = s->in_array;
	p->has_last = s->has_last;
	p->after_record = s->after_record;
	p->continues = s->continues;
	p->last_local = s->last_local;
	p->peeked = s->peeked;
	p->last_stamp = s->last_stamp;
	p->peeked_ns = s->peeked_ns;
	p->group_budget = s->group_budget;
	p->last_tid = SLICE_NONE;
	if (s->has_tid)
		p->last_tid = (struct slice){memcpy(p->tid_text, s->tid, s->tid_len), s->tid_len};
	p->depended = r->depended = false;
	r->has_near = s->has_near;
	r->near_local = s->near_local;
	r->near_ns = s->near_ns;
	r->zone_prev = s->has_near ? s->zone_prev : INT64_MIN;
	r->pieces = s->pieces;
	for (unsigned i = 0; i < RECORD_PENDING; i++)
		bytes_free(&r->pending[i].text);
	memcpy(r->pending, s->pending, sizeof r->pending);
	*s = (struct parse_state){0};
}

bool parse_state_is_clean(const struct parse_state *s)
{
	for (unsigned i = 0; i < RECORD_PENDING; i++)
		if (s->pending[i].text.len)
			return false;
	return !s->in_array;
}

void parse_mark_set(const struct parser *p, struct parse_mark *m)
{
	const struct record_reader *r = &p->records;

	*m = (struct parse_mark){.nuses = r->nuses,
	                         .no_time = r->no_time,
	                         .odd_time = r->odd_time,
	                         .assumed_zone = r->assumed_zone,
	                         .assumed_year = r->assumed_year,
	                         .either_day = r->either_day,
	                         .tracing = p->tracing,
	                         .hints = r->hints};
	memcpy(m->uses, r->uses, sizeof m->uses);
}

void parse_mark_return(struct parser *p, const struct parse_mark *m)
{
	struct record_reader *r = &p->records;

	memcpy(r->uses, m->uses, sizeof r->uses);
	r->nuses = m->nuses;
	r->no_time = m->no_time;
	r->odd_time = m->odd_time;
	r->assumed_zone = m->assumed_zone;
	r->assumed_year = m->assumed_year;
	r->either_day = m->either_day;
	r->hints = m->hints;
	p->tracing = m->tracing;
	recipes_free(p->recipes); /* they know uses by their place */
	p->recipes = NULL;
	parser_clear(p);
}
