/* SPDX-License-Identifier: Apache-2.0 */
/* ilu/detail/api.h - what every public header needs. */
#ifndef ILU_DETAIL_API_H
#define ILU_DETAIL_API_H

/* Symbols that leave the shared library. */
#define ILU_API __attribute__((visibility("default")))

/* Levels, as in the filter language: a site speaks when its level <= the filter's. */
#define ILU_OFF   0
#define ILU_ERROR 1
#define ILU_WARN  2
#define ILU_INFO  3
#define ILU_DEBUG 4
#define ILU_TRACE 5

/* Calls less severe than this are compiled out: -DILU_MIN_LEVEL=ILU_INFO leaves no trace of ilu_debug and ilu_trace. */
#ifndef ILU_MIN_LEVEL
#define ILU_MIN_LEVEL ILU_TRACE
#endif

/* Inlined everywhere, so also usable in inline functions that are not static. */
#ifdef __cplusplus
#define ILU_INLINE_ inline __attribute__((always_inline, unused))
#else
#define ILU_INLINE_ extern __inline__ __attribute__((gnu_inline, always_inline, unused))
#endif
#define ILU_COLD_        __attribute__((cold, noinline))
#define ILU_LIKELY_(x)   __builtin_expect(!!(x), 1)
#define ILU_UNLIKELY_(x) __builtin_expect(!!(x), 0)

/* Casts and the null pointer in the words of either language: a warning that a program asks for is never about us. */
#ifdef __cplusplus
#define ILU_CAST_(type, v)    static_cast<type>(v)
#define ILU_POINTER_(type, p) static_cast<type>(static_cast<void *>(p))
#define ILU_WORD_(p)          reinterpret_cast<uintptr_t>(p)
#define ILU_ADDRESS_(word)    reinterpret_cast<const char *>(static_cast<uintptr_t>(word))
#define ILU_NULL_             nullptr
#else
#define ILU_CAST_(type, v)    ((type)(v))
#define ILU_POINTER_(type, p) ((type)(void *)(p))
#define ILU_WORD_(p)          ((uintptr_t)(p))
#define ILU_ADDRESS_(word)    ((const char *)(uintptr_t)(word))
#define ILU_NULL_             ((void *)0)
#endif

#define ILU_GLUE_(a, b)  ILU_GLUE2_(a, b)
#define ILU_GLUE2_(a, b) a##b

#endif
