/* SPDX-License-Identifier: Apache-2.0 */
/* ilu/detail/site.h - a call site: constant facts, and one mutable word that says whether it speaks.
 *
 * In C the words of an object (program or shared library) lie together in the section "ilu_gates", and addresses of
 * the facts in "ilu_sites", so that loading the object makes all its sites known and unloading it takes them out.
 * C++ puts statics of inline functions and templates into sections of their own choice, so there a site makes itself
 * known at its first call. */
#ifndef ILU_DETAIL_SITE_H
#define ILU_DETAIL_SITE_H

#include "record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The gate: number of the site << 8 | one of these. Only the library writes it. */
enum ilu_gate_ {
	ILU_GATE_OFF_ = 0,
	ILU_GATE_ON_ = 1,
	ILU_GATE_ASK_ = 2,   /* not known yet, or it depends on the span, or its rate is limited */
	ILU_GATE_WATCH_ = 3, /* a span that is on and whose fields the filter wants to see */
	ILU_GATE_RECORD_ = ILU_RECORDED_ | ILU_GATE_ON_, /* an event that is off, but the recorder wants it */
	ILU_GATE_MASK_ = 0xff,
};

/* The word of an event's record. */
ILU_INLINE_ uint32_t ilu_word_(uint32_t gate, uint32_t operation)
{
	return (gate & ~ILU_CAST_(uint32_t, ILU_GATE_MASK_ & ~ILU_RECORDED_)) | operation;
}

enum ilu_site_kind_ {
	ILU_SITE_EVENT_,
	ILU_SITE_SPAN_,
	ILU_SITE_RECORD_,
};

struct ilu_object_;

/* A limit given at the call: ILU_RATE. */
struct ilu_rate_ {
	double per_second;
	uint32_t burst;
	const char *key; /* each of its values by itself; NULL: all calls together */
};

struct ilu_site_ {
	uint32_t *gate;
	struct ilu_object_ *object;
	const char *target;
	const char *text; /* message of an event, name of a span */
	const char *file;
	const char *const *keys;
	const unsigned char *types; /* enum ilu_type_ of each key */
	uint32_t line;
	uint8_t level;
	uint8_t kind;
	uint8_t count; /* of keys */
	uint8_t version;
	const char *function;
	const struct ilu_rate_ *rate; /* NULL: none */
};
#define ILU_SITE_VERSION_ 3 /* 2 has no ILU_GATE_RECORD_ */

/* One in each program and shared library that logs. */
struct ilu_object_ {
	int known;
};

ILU_API void ilu_object_add_(struct ilu_object_ *object, const struct ilu_site_ *const *sites,
                             const struct ilu_site_ *const *end);
ILU_API void ilu_object_drop_(struct ilu_object_ *object);

/* What a gate of ILU_GATE_ASK_ means now: the gate to act on, 0 for off. */
ILU_API ILU_COLD_ uint32_t ilu_ask_(const struct ilu_site_ *site);

__attribute__((weak, visibility("hidden"))) struct ilu_object_ ilu_object_;

/* The linker's bounds of this object's section; both 0 where it has none. Hidden, or they would be another object's. */
extern const struct ilu_site_ *const __start_ilu_sites[] __attribute__((weak, visibility("hidden")));
extern const struct ilu_site_ *const __stop_ilu_sites[] __attribute__((weak, visibility("hidden")));

static __attribute__((constructor, unused)) void ilu_object_begin_(void)
{
	if (!ilu_object_.known)
		ilu_object_add_(&ilu_object_, __start_ilu_sites, __stop_ilu_sites);
}

static __attribute__((destructor, unused)) void ilu_object_end_(void)
{
	if (ilu_object_.known)
		ilu_object_drop_(&ilu_object_);
}

ILU_INLINE_ uint32_t ilu_gate_open_(uint32_t gate, const struct ilu_site_ *site)
{
	return ILU_UNLIKELY_((gate & ILU_GATE_MASK_) == ILU_GATE_ASK_) ? ilu_ask_(site) : gate;
}

#ifdef __cplusplus
}
#endif
#endif
