/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c - what goes wrong on purpose, and the file that tells what did: truth.jsonl, an object a line.
 *
 * Each fault draws from a stream of its own, so that switching one on does not change when another strikes. */
#include "sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	double rate; /* unless it is given */
} kinds[FAULTS] = {
    [FAULT_GC_RACE] = {"gc-race", 0},
    [FAULT_STORE_DAMAGE] = {"store-damage", 0.2},
    [FAULT_HANG] = {"hang", 0.002},
    [FAULT_LEAK] = {"leak", 0.02},
    [FAULT_DOUBLE_LOCK] = {"double-lock", 0.05},
    [FAULT_INVOKE_ERROR] = {"invoke-error", 0.02},
    [FAULT_SLOW_WORKER] = {"slow-worker", 1},
    [FAULT_SLOW_START] = {"slow-start", 1},
    [FAULT_SLOW_IMAGE] = {"slow-image", 1},
    [FAULT_SLOW_HOUR] = {"slow-hour", 0.5},
    [FAULT_MEMORY_PRESSURE] = {"memory-pressure", 0.9},
};

const char *fault_name(enum fault f)
{
	return kinds[f].name;
}

/* One "name" or "name=rate" of len bytes. */
static int parse_one(struct faults *f, const char *text, size_t len)
{
	size_t name = strcspn(text, "=");

	for (int i = 0; i < FAULTS; i++) {
		char *end;

		if (name > len)
			name = len;
		if (strlen(kinds[i].name) != name || memcmp(kinds[i].name, text, name))
			continue;
		f->on[i] = true;
		f->rate[i] = kinds[i].rate;
		if (name == len)
			return 0;
		f->rate[i] = strtod(text + name + 1, &end);
		return end == text + len && len > name + 1 && f->rate[i] >= 0 && f->rate[i] <= 1 ? 0 : -EINVAL;
	}
	return -EINVAL;
}

int faults_parse(struct faults *f, const char *list)
{
	for (const char *at = list;; at++) {
		size_t len = strcspn(at, ",");

		if (parse_one(f, at, len)) {
			fprintf(stderr,
			        "faas-sim: --faults: \"%.*s\" is none of gc-race, store-damage, hang, leak, "
			        "double-lock, invoke-error, slow-worker, slow-start, slow-image, slow-hour, "
			        "memory-pressure, with =RATE from 0 to 1\n",
			        (int)len, at);
			return -EINVAL;
		}
		f->any = true;
		at += len;
		if (!*at)
			return 0;
	}
}

int faults_start(struct sim *sim)
{
	struct faults *f = &sim->opt.faults;
	char path[4096];

	ilu_mutex_init(&f->lock, "faults");
	for (int i = 0; i < FAULTS; i++)
		ilu_random_seed(&f->random[i], sim->opt.seed, kinds[i].name);
	if (!f->any && !sim->opt.truth)
		return 0;
	snprintf(path, sizeof path, "%s/truth.jsonl", sim->opt.directory);
	f->truth = fopen(path, "w");
	if (f->truth)
		return 0;
	fprintf(stderr, "faas-sim: %s: %s\n", path, strerror(errno));
	return -errno;
}

int faults_end(struct sim *sim)
{
	struct faults *f = &sim->opt.faults;
	bool bad = f->truth && ferror(f->truth);

	if (f->truth && (fclose(f->truth) || bad))
		return -EIO;
	f->truth = NULL;
	return 0;
}

bool fault_strikes(struct sim *sim, enum fault kind)
{
	struct faults *f = &sim->opt.faults;
	bool strikes;

	if (!f->on[kind] || f->rate[kind] <= 0)
		return false;
	ilu_mutex_lock(&f->lock);
	strikes = ilu_random_unit(&f->random[kind]) < f->rate[kind];
	ilu_mutex_unlock(&f->lock);
	return strikes;
}

void fault_tell(struct sim *sim, enum fault kind, const ilu_tid *tid, const struct function *fn,
                const char *container_id, const char *stage)
{
	fault_tell_at(sim, now_ns(), kind, tid, fn, container_id, stage);
}

void fault_tell_at(struct sim *sim, int64_t at_ns, enum fault kind, const ilu_tid *tid, const struct function *fn,
                   const char *container_id, const char *stage)
{
	struct faults *f = &sim->opt.faults;
	char text[ILU_TID_MAX];

	if (!f->truth)
		return;
	ilu_mutex_lock(&f->lock);
	fprintf(f->truth, "{\"fault\":\"%s\",\"time_ns\":%" PRId64, kinds[kind].name, at_ns);
	if (tid)
		fprintf(f->truth, ",\"tid\":\"%s\"", ilu_tid_str(tid, text));
	if (fn)
		fprintf(f->truth, ",\"function\":\"%s\"", fn->name);
	if (container_id)
		fprintf(f->truth, ",\"container_id\":\"%s\"", container_id);
	if (stage)
		fprintf(f->truth, ",\"stage\":\"%s\"", stage);
	fputs("}\n", f->truth);
	f->told[kind]++;
	ilu_mutex_unlock(&f->lock);
}

void fault_tell_target(struct sim *sim, enum fault kind, int64_t at_ns, const char *key, const char *value)
{
	struct faults *f = &sim->opt.faults;

	if (!f->truth)
		return;
	ilu_mutex_lock(&f->lock);
	fprintf(f->truth, "{\"fault\":\"%s\",\"time_ns\":%" PRId64 ",\"%s\":\"%s\"}\n", kinds[kind].name, at_ns, key,
	        value);
	f->told[kind]++;
	ilu_mutex_unlock(&f->lock);
}
