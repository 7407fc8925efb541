/* SPDX-License-Identifier: Apache-2.0 */
/* random.c - seeded streams: xoshiro256** (Blackman and Vigna), begun by splitmix64 from a seed and a name. */
#include "virtual.h"

#include <string.h>

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void ilu_random_seed(ilu_random *r, uint64_t seed, const char *stream)
{
	uint64_t name = UINT64_C(0xcbf29ce484222325);

	for (const char *c = stream ? stream : ""; *c; c++)
		name = (name ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	seed = splitmix(&seed) ^ name;
	for (int i = 0; i < 4; i++)
		r->s_[i] = splitmix(&seed);
}

void ilu_random_init(ilu_random *r, const char *stream)
{
	ilu_random_seed(r, vt.options.seed, stream);
}

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

uint64_t ilu_random_next(ilu_random *r)
{
	uint64_t *s = r->s_, out = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return out;
}

/* Lemire's method: the high half of a product, with the few values that would be too likely drawn again. */
uint64_t ilu_random_below(ilu_random *r, uint64_t n)
{
	unsigned __int128 product;
	uint64_t least;

	if (!n)
		return 0;
	product = (unsigned __int128)ilu_random_next(r) * n;
	if ((uint64_t)product < n) {
		least = -n % n;
		while ((uint64_t)product < least)
			product = (unsigned __int128)ilu_random_next(r) * n;
	}
	return (uint64_t)(product >> 64);
}

double ilu_random_unit(ilu_random *r)
{
	return (double)(ilu_random_next(r) >> 11) * 0x1p-53;
}
