/* SPDX-License-Identifier: Apache-2.0 */
/* stamp.c - stamps and the wall clock; the idea is in stamp.h. */
#include "base/stamp.h"

#include "base/now.h"

#include <fcntl.h>
#include <ilu/detail/record.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define HAVE_TSC 1
#else
#define HAVE_TSC 0
#endif

#define FIRST_STEP_NS    10000000   /* 10 ms, then twice as long each time, */
#define LAST_STEP_NS     1000000000 /* up to 1 s */
#define CLOCK_WAS_SET_NS 5000000    /* a drift no crystal has */

static bool use_tsc;

void stamp_use_tsc(bool tsc)
{
	use_tsc = tsc;
}

uint64_t ilu_stamp_(void)
{
#if HAVE_TSC
	if (use_tsc)
		return __rdtsc();
#endif
	return now_steady_ns();
}

#if HAVE_TSC
/* The kernel watches the TSC against other clocks, and drops it as its own clock source when it misbehaves. */
static bool kernel_trusts_tsc(void)
{
	char text[16] = "";
	int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	return n >= 3 && !strncmp(text, "tsc", 3);
}
#endif

bool stamp_tsc_good(const char **reason)
{
#if HAVE_TSC
	unsigned a, b, c, d;

	if (now_replaced()) {
		*reason = "the clock is virtual";
		return false;
	}
	if (!__get_cpuid(0x80000007, &a, &b, &c, &d) || !(d & 1u << 8)) {
		*reason = "the TSC is not constant and non-stop";
		return false;
	}
	if (!kernel_trusts_tsc()) {
		*reason = "the kernel does not use the TSC";
		return false;
	}
	*reason = "the TSC is constant, non-stop and used by the kernel";
	return true;
#else
	*reason = "no TSC on this machine";
	return false;
#endif
}

/* Both clocks at one instant: the closest pair of a few, so that being descheduled in between does not count. */
static void read_both(uint64_t *stamp, int64_t *wall_ns)
{
	uint64_t best = UINT64_MAX;

	*stamp = 0;
	*wall_ns = 0;
	for (int i = 0; i < 4; i++) {
		uint64_t before = ilu_stamp_();
		int64_t wall = now_wall_ns();
		uint64_t after = ilu_stamp_();

		if (after - before < best) {
			best = after - before;
			*stamp = before + best / 2;
			*wall_ns = wall;
		}
	}
}

void stamp_init(struct stamp_scale *scale, bool tsc)
{
	uint64_t stamp, begin = now_steady_ns();
	int64_t wall_ns;

	memset(scale, 0, sizeof *scale);
	scale->tsc = tsc;
	read_both(&scale->first_stamp, &scale->first_wall_ns);
	scale->ns_per_tick = 1;
	if (tsc) {
		while (now_steady_ns() - begin < 1000000)
			;
		read_both(&stamp, &wall_ns);
		if (wall_ns > scale->first_wall_ns && stamp > scale->first_stamp)
			scale->ns_per_tick =
			    (double)(wall_ns - scale->first_wall_ns) / (double)(stamp - scale->first_stamp);
	}
	scale->step_ns = FIRST_STEP_NS;
	scale->next_ns = begin + scale->step_ns;
	for (int i = 0; i < STAMP_LINES; i++)
		scale->lines[i] = (struct stamp_line){scale->first_stamp, scale->first_wall_ns, scale->ns_per_tick};
}

void stamp_from(struct stamp_scale *scale, bool tsc, uint64_t stamp, int64_t wall_ns, double ns_per_tick)
{
	memset(scale, 0, sizeof *scale);
	scale->tsc = tsc;
	scale->ns_per_tick = ns_per_tick > 1e-6 && ns_per_tick < 1e6 ? ns_per_tick : 1;
	for (int i = 0; i < STAMP_LINES; i++)
		scale->lines[i] = (struct stamp_line){stamp, wall_ns, scale->ns_per_tick};
}

static void begin_line(struct stamp_scale *scale, uint64_t stamp, int64_t wall_ns, double ns_per_tick)
{
	memmove(scale->lines + 1, scale->lines, sizeof *scale->lines * (STAMP_LINES - 1));
	scale->lines[0] = (struct stamp_line){stamp, wall_ns, ns_per_tick};
}

static void begin_anew(struct stamp_scale *scale, uint64_t stamp, int64_t wall_ns)
{
	memmove(scale->breaks + 1, scale->breaks, sizeof *scale->breaks * (STAMP_BREAKS - 1));
	scale->breaks[0] = (struct stamp_break){stamp, scale->lines[0]};
	if (scale->broken < STAMP_BREAKS)
		scale->broken++;
	begin_line(scale, stamp, wall_ns, scale->ns_per_tick);
}

/* Lean so that the drift is gone when the next reading is due. */
static void correct(struct stamp_scale *scale, uint64_t stamp, int64_t wall_ns, int64_t expected_ns)
{
	double drift = (double)(wall_ns - expected_ns), lean;

	if (scale->tsc)
		scale->ns_per_tick = (double)(wall_ns - scale->first_wall_ns) / (double)(stamp - scale->first_stamp);
	lean = scale->ns_per_tick * (1 + drift / (double)scale->step_ns);
	if (lean < scale->ns_per_tick / 2)
		lean = scale->ns_per_tick / 2;
	begin_line(scale, stamp, expected_ns, lean);
}

void stamp_follow(struct stamp_scale *scale)
{
	uint64_t stamp, steady_ns = now_steady_ns();
	int64_t wall_ns, expected_ns;

	if (now_replaced() || steady_ns < scale->next_ns)
		return;
	read_both(&stamp, &wall_ns);
	expected_ns = stamp_wall_ns(scale, stamp);
	if (wall_ns - expected_ns > CLOCK_WAS_SET_NS || expected_ns - wall_ns > CLOCK_WAS_SET_NS) {
		scale->steps++;
		scale->stepped_ns += wall_ns - expected_ns;
		scale->first_stamp =
		    stamp - (uint64_t)((double)(steady_ns - scale->next_ns + scale->step_ns) / scale->ns_per_tick);
		scale->first_wall_ns = wall_ns - (int64_t)(scale->ns_per_tick * (double)(stamp - scale->first_stamp));
		begin_anew(scale, stamp, wall_ns);
	} else {
		correct(scale, stamp, wall_ns, expected_ns);
	}
	if (scale->step_ns < LAST_STEP_NS)
		scale->step_ns *= 2;
	scale->next_ns = steady_ns + scale->step_ns;
}

/* Of a stamp that is older than all lines. */
static const struct stamp_line *old_line(const struct stamp_scale *scale, uint64_t stamp)
{
	const struct stamp_line *line = &scale->lines[STAMP_LINES - 1];

	for (unsigned i = 0; i < scale->broken && (int64_t)(stamp - scale->breaks[i].stamp) < 0; i++)
		line = &scale->breaks[i].before;
	return line;
}

int64_t stamp_wall_ns(const struct stamp_scale *scale, uint64_t stamp)
{
	const struct now_source *source = now_replaced();
	const struct stamp_line *line = scale->lines, *last = line + STAMP_LINES - 1;

	if (source)
		return source->wall_at(stamp);
	while (line < last && (int64_t)(stamp - line->stamp) < 0)
		line++;
	if (__builtin_expect((int64_t)(stamp - line->stamp) < 0, 0))
		line = old_line(scale, stamp);
	return line->wall_ns + (int64_t)((double)(int64_t)(stamp - line->stamp) * line->ns_per_tick);
}

uint64_t stamp_duration_ns(const struct stamp_scale *scale, uint64_t ticks)
{
	return scale->tsc ? (uint64_t)((double)ticks * scale->ns_per_tick + 0.5) : ticks;
}

uint64_t stamp_ticks(const struct stamp_scale *scale, uint64_t ns)
{
	return (uint64_t)((double)ns / scale->ns_per_tick);
}
