/* SPDX-License-Identifier: Apache-2.0 */
/* own.c - what a request of a log takes, now that it may meet other containers than it did then.
 *
 * Its own measured time, wherever it finds what it found then: a container to be made, or one that is there. Where it
 * finds the other, a time of its function, by how those are spread. What is drawn for a request is always the same:
 * two runs that differ in a setting differ in that alone. */
#include "sim.h"

const double spread_at[SPREAD] = {0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1};

/* Between two quantiles in proportion. */
int64_t spread_ns(const struct spread *s, double u)
{
	int i = 1;

	while (i < SPREAD - 1 && u > spread_at[i])
		i++;
	double share = (u - spread_at[i - 1]) / (spread_at[i] - spread_at[i - 1]);
	return (int64_t)((s->ms[i - 1] + share * (s->ms[i] - s->ms[i - 1])) * (double)MS);
}

/* Each part of a request has a place of its own among the random numbers. */
static int64_t draw(const struct item *it, enum part part)
{
	struct rng r = {it->own.draw + (uint64_t)part};

	return spread_ns(&it->fn->spread[part], rng_unit(&r));
}

static bool was_cold(const struct own *own)
{
	return own->state == STATE_COLD;
}

/* Whether it is the last attempt, and all before it have failed. */
static bool is_last(const struct item *it)
{
	return it->attempts >= it->own.not_made + it->own.failures;
}

static bool was_not_made(const struct item *it)
{
	return it->attempts < it->own.not_made;
}

void own_start(const struct item *it, struct start *out)
{
	const struct own *own = &it->own;
	int64_t ns = was_not_made(it) ? own->not_made_ns : was_cold(own) ? own->acquire_ns : -1;

	*out = (struct start){.ns = ns >= 0 ? ns : draw(it, PART_START),
	                      .fails = was_not_made(it) || (own->end == OWN_NO_CONTAINER && is_last(it))};
}

int64_t own_acquire_ns(const struct item *it)
{
	const struct own *own = &it->own;

	return !was_cold(own) && own->acquire_ns >= 0 ? own->acquire_ns : draw(it, PART_ACQUIRE);
}

static int64_t execute_ns(const struct item *it, enum container_state state)
{
	static const enum part parts[] = {
	    [STATE_COLD] = PART_COLD, [STATE_PREWARM] = PART_PREWARM, [STATE_WARM] = PART_WARM};
	const struct own *own = &it->own;

	if (own_fails(it) && !is_last(it) && own->failed_ns >= 0)
		return own->failed_ns;
	if (own->execute_ns >= 0 && (was_cold(own) == (state == STATE_COLD) || own->end == OWN_FAILED))
		return own->execute_ns;
	return draw(it, parts[state]);
}

int64_t own_execute_ns(const struct item *it, enum container_state state, int64_t *code_ns)
{
	int64_t ns = execute_ns(it, state);

	*code_ns = ns == it->own.execute_ns && it->own.code_ns >= 0 ? it->own.code_ns : ns;
	return ns;
}

/* Where a container is there now for an attempt that got none, it does not fail. */
bool own_fails(const struct item *it)
{
	return is_last(it) ? it->own.end == OWN_FAILED : !was_not_made(it);
}
