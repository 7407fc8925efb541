/* SPDX-License-Identifier: Apache-2.0 */
/* ilu/detail/pairs.h - key-value pairs: what KV makes, and the macros that walk over up to 16 of them.
 *
 * A pair travels through the preprocessor as (how, key, value, length); ILU_..._OF_ pick a part of it. */
#ifndef ILU_DETAIL_PAIRS_H
#define ILU_DETAIL_PAIRS_H

#ifdef __cplusplus
#include "value_cxx.h"
#else
#include "value_c.h"
#endif

#define ILU_KV(key, value)             (ilu_any, key, value, 0)
#define ILU_KV_BOOL(key, value)        (ilu_bool, key, value, 0)
#define ILU_KV_STR(key, text, len)     (ilu_str, key, text, len)
#define ILU_KV_JSON(key, text)         (ilu_json, key, text, 0)
#define ILU_KV_SECRET(key, value)      (ilu_secret, key, value, 0)
#define ILU_KV_ERRNO(...)              ILU_KV_ERRNO_(__VA_ARGS__, ILU_KV_ERRNO2_, ILU_KV_ERRNO1_, ~)(__VA_ARGS__)
#define ILU_KV_ERRNO_(a, b, pick, ...) pick
#define ILU_KV_ERRNO1_(number)         (ilu_errno, "errno", number, 0)
#define ILU_KV_ERRNO2_(key, number)    (ilu_errno, key, number, 0)

#ifndef ILU_NO_SHORT_NAMES
#define KV        ILU_KV
#define KV_BOOL   ILU_KV_BOOL
#define KV_STR    ILU_KV_STR
#define KV_JSON   ILU_KV_JSON
#define KV_SECRET ILU_KV_SECRET
#define KV_ERRNO  ILU_KV_ERRNO
#endif

/* The key, if it is a string literal. */
#define ILU_KEY_OF_(how, key, value, len) "" key ""
/* The enum ilu_type_. */
#define ILU_TYPE_OF_(how, key, value, len) ILU_TYPE_##how##_(value)
#define ILU_TYPE_ilu_any_(value)           ILU_TYPE_OF_VALUE_(value)
#define ILU_TYPE_ilu_bool_(value)          ILU_T_BOOL_
#define ILU_TYPE_ilu_str_(value)           ILU_T_STR_
#define ILU_TYPE_ilu_json_(value)          ILU_T_JSON_
#define ILU_TYPE_ilu_secret_(value)        ILU_T_SECRET_
#define ILU_TYPE_ilu_errno_(value)         ILU_T_ERRNO_
/* The struct ilu_arg_, the value evaluated once (a secret is not even read). */
#define ILU_ARG_OF_(how, key, value, len) ILU_ARG_##how##_(value, len)
#define ILU_ARG_ilu_any_(value, len)      ILU_ARG_OF_VALUE_(value)
#define ILU_ARG_ilu_bool_(value, len)     ilu_arg_b_(!!(value))
#define ILU_ARG_ilu_str_(value, len)      ilu_arg_text_(value, len)
#define ILU_ARG_ilu_json_(value, len)     ilu_arg_s_(value)
#define ILU_ARG_ilu_secret_(value, len)   ((void)sizeof(value), ilu_arg_none_(ILU_NULL_))
#define ILU_ARG_ilu_errno_(value, len)    ilu_arg_i_(value)

/* F for ILU_MAP_n_: what each pair becomes. */
#define ILU_KEY_(i, pair)                    ILU_KEY_OF_ pair,
#define ILU_TYPE_(i, pair)                   ILU_CAST_(unsigned char, ILU_TYPE_OF_ pair),
#define ILU_KNOWN_(i, pair)                  &&ILU_TYPE_OF_ pair != ILU_T_BAD_
#define ILU_EVAL_(i, pair)                   struct ilu_arg_ ilu_a##i##_ = ILU_ARG_OF_ pair;
#define ILU_ARG_(i, pair)                    ILU_ARG_OF_ pair,
#define ILU_SIZE_(i, pair)                   +ilu_a##i##_.size
#define ILU_LIST_(i, pair)                   ilu_a##i##_,
#define ILU_UNLIST_(i, pair)                 ilu_a##i##_ = ilu_list_[sizeof ilu_list_ / sizeof *ilu_list_ - 1 - i];
#define ILU_UNUSED_(i, pair)                 (void)sizeof(ILU_UNUSED_OF_ pair);
#define ILU_UNUSED_OF_(how, key, value, len) (ILU_ARG_##how##_(value, len))

#define ILU_PUT_(i, pair) ilu_at_ = ilu_put_(ilu_at_, ILU_CAST_(unsigned char, ILU_TYPE_OF_ pair), ilu_a##i##_);

#define ILU_UNLIKE_(a, b) (__builtin_strcmp(ILU_KEY_OF_ a, ILU_KEY_OF_ b) != 0)
#define ILU_FREE_(a)                                                                     \
	(sizeof(ILU_KEY_OF_ a) > 1 && __builtin_strcmp(ILU_KEY_OF_ a, "message") != 0 && \
	 __builtin_strcmp(ILU_KEY_OF_ a, "tid") != 0)

/* Pairs are counted and walked by these. ILU_MAP_n_(F, m, pairs): F(number, pair) for each, numbers falling to 1. */
#define ILU_COUNT_(...)                                                                                               \
	ILU_PICK_(__VA_ARGS__, MORE_THAN_16_PAIRS_use_ilu_log_array, MORE_THAN_16_PAIRS_use_ilu_log_array,            \
	          MORE_THAN_16_PAIRS_use_ilu_log_array, MORE_THAN_16_PAIRS_use_ilu_log_array,                         \
	          MORE_THAN_16_PAIRS_use_ilu_log_array, MORE_THAN_16_PAIRS_use_ilu_log_array,                         \
	          MORE_THAN_16_PAIRS_use_ilu_log_array, MORE_THAN_16_PAIRS_use_ilu_log_array, 16, 15, 14, 13, 12, 11, \
	          10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, ~)
#define ILU_PICK_(m, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, \
                  a22, a23, a24, n, ...)                                                                             \
	n
#define ILU_MAP_0_(F, m)
#define ILU_MAP_1_(F, m, a)       F(1, a)
#define ILU_MAP_2_(F, m, a, ...)  F(2, a) ILU_MAP_1_(F, m, __VA_ARGS__)
#define ILU_MAP_3_(F, m, a, ...)  F(3, a) ILU_MAP_2_(F, m, __VA_ARGS__)
#define ILU_MAP_4_(F, m, a, ...)  F(4, a) ILU_MAP_3_(F, m, __VA_ARGS__)
#define ILU_MAP_5_(F, m, a, ...)  F(5, a) ILU_MAP_4_(F, m, __VA_ARGS__)
#define ILU_MAP_6_(F, m, a, ...)  F(6, a) ILU_MAP_5_(F, m, __VA_ARGS__)
#define ILU_MAP_7_(F, m, a, ...)  F(7, a) ILU_MAP_6_(F, m, __VA_ARGS__)
#define ILU_MAP_8_(F, m, a, ...)  F(8, a) ILU_MAP_7_(F, m, __VA_ARGS__)
#define ILU_MAP_9_(F, m, a, ...)  F(9, a) ILU_MAP_8_(F, m, __VA_ARGS__)
#define ILU_MAP_10_(F, m, a, ...) F(10, a) ILU_MAP_9_(F, m, __VA_ARGS__)
#define ILU_MAP_11_(F, m, a, ...) F(11, a) ILU_MAP_10_(F, m, __VA_ARGS__)
#define ILU_MAP_12_(F, m, a, ...) F(12, a) ILU_MAP_11_(F, m, __VA_ARGS__)
#define ILU_MAP_13_(F, m, a, ...) F(13, a) ILU_MAP_12_(F, m, __VA_ARGS__)
#define ILU_MAP_14_(F, m, a, ...) F(14, a) ILU_MAP_13_(F, m, __VA_ARGS__)
#define ILU_MAP_15_(F, m, a, ...) F(15, a) ILU_MAP_14_(F, m, __VA_ARGS__)
#define ILU_MAP_16_(F, m, a, ...) F(16, a) ILU_MAP_15_(F, m, __VA_ARGS__)

/* Keys differ from `k`; keys differ from each other. */
#define ILU_DIFFER_0_(k, ...)
#define ILU_DIFFER_1_(k, a)       &&ILU_UNLIKE_(k, a)
#define ILU_DIFFER_2_(k, a, ...)  &&ILU_UNLIKE_(k, a) ILU_DIFFER_1_(k, __VA_ARGS__)
#define ILU_DIFFER_3_(k, a, ...)  &&ILU_UNLIKE_(k, a) ILU_DIFFER_2_(k, __VA_ARGS__)
#define ILU_DIFFER_4_(k, a, ...)  &&ILU_UNLIKE_(k, a) ILU_DIFFER_3_(k, __VA_ARGS__)
#define ILU_DIFFER_5_(k, a, ...)  &&ILU_UNLIKE_(k, a) ILU_DIFFER_4_(k, __VA_ARGS__)
#define ILU_DIFFER_6_(k, a, ...)  &&ILU_UNLIKE_(k, a) ILU_DIFFER_5_(k, __VA_ARGS__)
#define ILU_DIFFER_7_(k, a, ...)  &&ILU_UNLIKE_(k, a) ILU_DIFFER_6_(k, __VA_ARGS__)
#define ILU_DIFFER_8_(k, a, ...)  &&ILU_UNLIKE_(k, a) ILU_DIFFER_7_(k, __VA_ARGS__)
#define ILU_DIFFER_9_(k, a, ...)  &&ILU_UNLIKE_(k, a) ILU_DIFFER_8_(k, __VA_ARGS__)
#define ILU_DIFFER_10_(k, a, ...) &&ILU_UNLIKE_(k, a) ILU_DIFFER_9_(k, __VA_ARGS__)
#define ILU_DIFFER_11_(k, a, ...) &&ILU_UNLIKE_(k, a) ILU_DIFFER_10_(k, __VA_ARGS__)
#define ILU_DIFFER_12_(k, a, ...) &&ILU_UNLIKE_(k, a) ILU_DIFFER_11_(k, __VA_ARGS__)
#define ILU_DIFFER_13_(k, a, ...) &&ILU_UNLIKE_(k, a) ILU_DIFFER_12_(k, __VA_ARGS__)
#define ILU_DIFFER_14_(k, a, ...) &&ILU_UNLIKE_(k, a) ILU_DIFFER_13_(k, __VA_ARGS__)
#define ILU_DIFFER_15_(k, a, ...) &&ILU_UNLIKE_(k, a) ILU_DIFFER_14_(k, __VA_ARGS__)
#define ILU_DIFFER_16_(k, a, ...) &&ILU_UNLIKE_(k, a) ILU_DIFFER_15_(k, __VA_ARGS__)
#define ILU_UNIQUE_0_(m)          1
#define ILU_UNIQUE_1_(m, a)       ILU_FREE_(a)
#define ILU_UNIQUE_2_(m, a, ...)  ILU_FREE_(a) ILU_DIFFER_1_(a, __VA_ARGS__) && ILU_UNIQUE_1_(m, __VA_ARGS__)
#define ILU_UNIQUE_3_(m, a, ...)  ILU_FREE_(a) ILU_DIFFER_2_(a, __VA_ARGS__) && ILU_UNIQUE_2_(m, __VA_ARGS__)
#define ILU_UNIQUE_4_(m, a, ...)  ILU_FREE_(a) ILU_DIFFER_3_(a, __VA_ARGS__) && ILU_UNIQUE_3_(m, __VA_ARGS__)
#define ILU_UNIQUE_5_(m, a, ...)  ILU_FREE_(a) ILU_DIFFER_4_(a, __VA_ARGS__) && ILU_UNIQUE_4_(m, __VA_ARGS__)
#define ILU_UNIQUE_6_(m, a, ...)  ILU_FREE_(a) ILU_DIFFER_5_(a, __VA_ARGS__) && ILU_UNIQUE_5_(m, __VA_ARGS__)
#define ILU_UNIQUE_7_(m, a, ...)  ILU_FREE_(a) ILU_DIFFER_6_(a, __VA_ARGS__) && ILU_UNIQUE_6_(m, __VA_ARGS__)
#define ILU_UNIQUE_8_(m, a, ...)  ILU_FREE_(a) ILU_DIFFER_7_(a, __VA_ARGS__) && ILU_UNIQUE_7_(m, __VA_ARGS__)
#define ILU_UNIQUE_9_(m, a, ...)  ILU_FREE_(a) ILU_DIFFER_8_(a, __VA_ARGS__) && ILU_UNIQUE_8_(m, __VA_ARGS__)
#define ILU_UNIQUE_10_(m, a, ...) ILU_FREE_(a) ILU_DIFFER_9_(a, __VA_ARGS__) && ILU_UNIQUE_9_(m, __VA_ARGS__)
#define ILU_UNIQUE_11_(m, a, ...) ILU_FREE_(a) ILU_DIFFER_10_(a, __VA_ARGS__) && ILU_UNIQUE_10_(m, __VA_ARGS__)
#define ILU_UNIQUE_12_(m, a, ...) ILU_FREE_(a) ILU_DIFFER_11_(a, __VA_ARGS__) && ILU_UNIQUE_11_(m, __VA_ARGS__)
#define ILU_UNIQUE_13_(m, a, ...) ILU_FREE_(a) ILU_DIFFER_12_(a, __VA_ARGS__) && ILU_UNIQUE_12_(m, __VA_ARGS__)
#define ILU_UNIQUE_14_(m, a, ...) ILU_FREE_(a) ILU_DIFFER_13_(a, __VA_ARGS__) && ILU_UNIQUE_13_(m, __VA_ARGS__)
#define ILU_UNIQUE_15_(m, a, ...) ILU_FREE_(a) ILU_DIFFER_14_(a, __VA_ARGS__) && ILU_UNIQUE_14_(m, __VA_ARGS__)
#define ILU_UNIQUE_16_(m, a, ...) ILU_FREE_(a) ILU_DIFFER_15_(a, __VA_ARGS__) && ILU_UNIQUE_15_(m, __VA_ARGS__)

#ifdef __cplusplus
#define ILU_ASSERT_ static_assert
#else
#define ILU_ASSERT_ _Static_assert
#endif

/* n pairs after `m`, which is the message, or whatever precedes them. */
#define ILU_CHECK_(n, ...)                                                                                           \
	ILU_ASSERT_(1 ILU_GLUE_(ILU_MAP_, ILU_GLUE_(n, _))(ILU_KNOWN_, __VA_ARGS__), "KV: a value of unknown type"); \
	ILU_ASSERT_(ILU_GLUE_(ILU_UNIQUE_, ILU_GLUE_(n, _))(__VA_ARGS__),                                            \
	            "KV: an empty, duplicate or reserved key (message, tid)")

#define ILU_EACH_(F, n, ...) ILU_GLUE_(ILU_MAP_, ILU_GLUE_(n, _))(F, __VA_ARGS__)

/* Values evaluated, in order, into ilu_a16_ ... ilu_a1_; their size into ilu_size_. */
#define ILU_EVALUATE_(n, ...)                                                                                  \
	ILU_EACH_(ILU_EVAL_, n, __VA_ARGS__)                                                                   \
	size_t ilu_size_ = 0 ILU_EACH_(ILU_SIZE_, n, __VA_ARGS__);                                             \
	if (ILU_UNLIKELY_(ilu_size_ > ILU_FIT_)) {                                                             \
		struct ilu_arg_ ilu_list_[] = {ILU_EACH_(ILU_LIST_, n, __VA_ARGS__) ilu_arg_none_(ILU_NULL_)}; \
		ilu_size_ = ilu_fit_(ilu_list_, sizeof ilu_list_ / sizeof *ilu_list_ - 1);                     \
		ILU_EACH_(ILU_UNLIST_, n, __VA_ARGS__)                                                         \
	}

/* The facts of a site. */
#ifdef __cplusplus
#define ILU_IN_GATES_
#define ILU_IN_SITES_(site)
#else
#define ILU_IN_GATES_ __attribute__((section("ilu_gates"), used))
#define ILU_IN_SITES_(site) \
	static const struct ilu_site_ *const ilu_known_ __attribute__((section("ilu_sites"), used)) = &site;
#endif

#ifdef __clang__ /* a static in an inline function: each copy is a site of its own, which is what we want */
#define ILU_QUIET_ _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wstatic-local-in-inline\"")
#define ILU_LOUD_  _Pragma("clang diagnostic pop")
#else
#define ILU_QUIET_
#define ILU_LOUD_
#endif

/* How often a site may speak: (which of the two, per second, burst, key). */
#define ILU_RATE_MAKE_(which, per_second, burst, key) ILU_RATE_MAKE_##which##_(per_second, burst, key)
#define ILU_RATE_MAKE_ilu_unlimited_(per_second, burst, key)
#define ILU_RATE_MAKE_ilu_limited_(per_second, burst, key) \
	static const struct ilu_rate_ ilu_rate_ = {per_second, burst, key};
#define ILU_RATE_AT_(which, per_second, burst, key) ILU_RATE_AT_##which##_
#define ILU_RATE_AT_ilu_unlimited_                  ILU_NULL_
#define ILU_RATE_AT_ilu_limited_                    &ilu_rate_
#define ILU_UNLIMITED_                              (ilu_unlimited, 0, 0, 0)

#define ILU_SITE_(kind, level, text, n, ...) ILU_SITE_RATE_(ILU_UNLIMITED_, kind, level, text, n, __VA_ARGS__)
#define ILU_SITE_RATE_(rate, kind, level, text, n, ...)                                         \
	ILU_QUIET_                                                                              \
	static uint32_t ilu_gate_ ILU_IN_GATES_ = ILU_GATE_ASK_;                                \
	static const char *const ilu_keys_[] = {ILU_EACH_(ILU_KEY_, n, __VA_ARGS__) ILU_NULL_}; \
	static const unsigned char ilu_types_[] = {ILU_EACH_(ILU_TYPE_, n, __VA_ARGS__) 0};     \
	ILU_RATE_MAKE_ rate static const struct ilu_site_ ilu_site_ = {&ilu_gate_,              \
	                                                               &ilu_object_,            \
	                                                               ILU_TARGET,              \
	                                                               text,                    \
	                                                               __FILE__,                \
	                                                               ilu_keys_,               \
	                                                               ilu_types_,              \
	                                                               __LINE__,                \
	                                                               level,                   \
	                                                               kind,                    \
	                                                               sizeof ilu_types_ - 1,   \
	                                                               ILU_SITE_VERSION_,       \
	                                                               __func__,                \
	                                                               ILU_RATE_AT_ rate};      \
	ILU_IN_SITES_(ilu_site_)                                                                \
	ILU_LOUD_

#endif
