/* SPDX-License-Identifier: Apache-2.0 */
/* pause.c - time and waiting, in one place. */
#include "sim.h"

#include <string.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

int64_t now_ns(void)
{
	return ilu_clock_wall();
}

/* Since when, and how long a step of time is. */
static struct {
	int64_t since_ns, step_ns;
} tick;

void pause_tick(int64_t step_ns)
{
	tick.since_ns = now_ns();
	tick.step_ns = step_ns;
}

static int64_t up(int64_t ns, int64_t step_ns)
{
	return (ns + step_ns - 1) / step_ns * step_ns;
}

int64_t pause_end(int64_t at_ns)
{
	return tick.step_ns ? tick.since_ns + up(up(at_ns - tick.since_ns, MS), tick.step_ns) : at_ns;
}

void pause_ns(int64_t ns)
{
	if (ns > 0 && tick.step_ns)
		ns = pause_end(now_ns() + ns) - now_ns();
	if (ns > 0)
		ilu_clock_sleep(ns);
}

static char *put_digits(char *at, uint64_t x, int digits)
{
	for (int i = digits; i-- > 0; x /= 10)
		at[i] = (char)('0' + x % 10);
	return at + digits;
}

/* Years to seconds change once a second, and there are thousands of times in each. */
void format_time(int64_t ns, char out[32])
{
	static __thread int64_t last = -1;
	static __thread char text[24];
	time_t seconds = ns / NS_PER_S;
	struct tm tm;

	if (seconds != last) {
		gmtime_r(&seconds, &tm);
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S.", &tm);
		last = seconds;
	}
	memcpy(out, text, 20);
	*put_digits(out + 20, (uint64_t)(ns % NS_PER_S), 9) = '\0';
}

void format_seconds(int64_t ns, int digits, char out[32])
{
	uint64_t x = ns < 0 ? 0 : (uint64_t)ns, whole = x / NS_PER_S, rest = x % NS_PER_S;
	int width = 1;

	for (uint64_t w = whole; w >= 10; w /= 10)
		width++;
	for (int i = digits; i < 9; i++)
		rest /= 10;
	out = put_digits(out, whole, width);
	*out++ = '.';
	*put_digits(out, rest, digits) = '\0';
}

void stop_init(struct stop *s, const char *name)
{
	ilu_mutex_init(&s->lock, name);
	ilu_cond_init(&s->cond, name);
	s->told = false;
}

/* Who waits for it on virtual time and is not told by the condition sees it at his next look, which is soon. */
void stop_tell(struct stop *s)
{
	bool locked = !ilu_mutex_lock(&s->lock);

	__atomic_store_n(&s->told, true, __ATOMIC_RELEASE);
	ilu_cond_broadcast(&s->cond);
	if (locked)
		ilu_mutex_unlock(&s->lock);
}

bool stop_told(const struct stop *s)
{
	return __atomic_load_n(&s->told, __ATOMIC_ACQUIRE);
}

bool stop_wait(struct stop *s, int64_t ns)
{
	int64_t until = ilu_clock_after(ns);
	int rc = 0;

	ilu_mutex_lock(&s->lock);
	while (!stop_told(s) && !rc)
		rc = ilu_cond_wait_until(&s->cond, &s->lock, until);
	ilu_mutex_unlock(&s->lock);
	return stop_told(s);
}
