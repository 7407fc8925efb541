/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that the public headers offer, in words that are C and C++, and that draw no warning of their own. */
#define ILU_TARGET "headers"
#include <ilu/box.h>
#include <ilu/clock.h>
#include <ilu/log.h>

#ifdef __cplusplus
#include <string>
#endif

enum colour { RED };
struct bits {
	unsigned few : 3;
};

bool all(const ilu_tid *tid, ilu_span other, int n, const char *text, double d, struct bits bits);

bool all(const ilu_tid *tid, ilu_span other, int n, const char *text, double d, struct bits bits)
{
	const char none[] = {'n', 'o'};
	const short small = 3;
	const signed char tiny = -1;
	struct ilu_kv list[] = {ILU_PAIR(KV("a", 1)), ILU_PAIR(KV_STR("b", text, 3))};
	ilu_span kept;

	ILU_SPAN(span, "order", tid, KV("items", n));
	ILU_SPAN_AT(ILU_DEBUG, at, "at a level", tid);
	ILU_SPAN_FN(fn, tid, KV("text", text));
	ILU_SPAN_REMOTE(remote, "remote", text, KV("n", n));
	ilu_info(tid, "Values", KV("text", text), KV("n", n), KV("d", d), KV("f", 1.5f), KV("c", 'c'), KV("tiny", tiny),
	         KV("bits", bits.few), KV("colour", RED), KV("u", 1ull), KV("small", small), KV("none", none),
	         KV_STR("part", text, 3));
	ilu_info(tid, "Kinds", KV_JSON("j", "{}"), KV_ERRNO(n), KV_ERRNO("cause", n), KV_SECRET("password", text),
	         KV_BOOL("b", n > 1));
	ilu_error(tid, "Error");
	ilu_warn_limited(ILU_RATE(10, 20), tid, "Limited", KV("n", n));
	ilu_debug_limited(ILU_RATE_BY("n", 1, 10), tid, "Limited by n", KV("n", n));
	ilu_trace(tid, "Trace", KV("n", n));
	ilu_span_record(span, KV("weight", 750), KV("small", small), KV("letter", text[0]));
	ilu_log_array(ILU_INFO, tid, "Array", list, 2);
#ifdef __cplusplus
	enum class shape : short { round };
	const std::string string("C++");

	ilu_info(tid, "C++", KV("string", string), KV("null", nullptr), KV("shape", shape::round), KV("true", true));
#else
	ilu_info(tid, "C", KV("null", NULL));
#endif
	kept = ilu_span_share(span);
	{
		ILU_ENTER_TAKE(kept);
	}
	{
		ILU_ENTER(other);
		ilu_info(ilu_span_tid(other), "Inside");
	}
	other = ILU_SPAN_NONE;
	return ilu_span_current().handle_ == other.handle_;
}
