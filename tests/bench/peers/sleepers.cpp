/* SPDX-License-Identifier: Apache-2.0 */
/* sleepers.cpp - the sleepers of clock_bench on SimGrid: sleepers N WAKEUPS MEAN_S [--cfg=...]. Prints wakeups and
 * simulated seconds per second. */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <simgrid/s4u.hpp>

namespace sg4 = simgrid::s4u;

static long left;
static double mean, begun_at;
static std::mt19937_64 draw(1);
static std::chrono::steady_clock::time_point begun;
static long wakeups;

static void sleeper()
{
	std::uniform_real_distribution<double> delay(0, 2 * mean);

	for (;;) {
		sg4::this_actor::sleep_for(delay(draw));
		if (!--left) {
			double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();

			printf("%g %g\n", wakeups / took, (sg4::Engine::get_clock() - begun_at) / took);
			fflush(stdout);
			_Exit(0);
		}
	}
}

static void begin()
{
	sg4::this_actor::sleep_for(2 * mean);
	left = wakeups;
	begun = std::chrono::steady_clock::now();
	begun_at = sg4::Engine::get_clock();
}

int main(int argc, char **argv)
{
	sg4::Engine e(&argc, argv);
	auto *zone = sg4::create_full_zone("zone");
	auto *host = zone->create_host("host", 1e9);

	if (argc < 4)
		return 2;
	zone->seal();
	wakeups = atol(argv[2]);
	mean = atof(argv[3]);
	left = 1L << 60;
	sg4::Actor::create("begin", host, begin);
	for (long i = 0; i < atol(argv[1]); i++)
		sg4::Actor::create("sleeper", host, sleeper);
	e.run();
	return 1;
}
