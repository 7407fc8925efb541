/* SPDX-License-Identifier: Apache-2.0 */
/* ilu/detail/value_c.h - the type of a value, in C, by _Generic.
 *
 * Adding 0LL turns bit-fields, enums and small integers into types that can be named, arrays into pointers, and is an
 * error for structs; bool alone has to be asked for before. In C `true` and `a == b` are int: see KV_BOOL. */
#ifndef ILU_DETAIL_VALUE_C_H
#define ILU_DETAIL_VALUE_C_H

/* The value as a type that can be named; `void *` is dealt with before. */
#define ILU_PLAIN_(v) (_Generic((v), void * : 0, default : (v)) + 0LL)

/* NULL, told from a `void *` variable: only a null pointer constant gives way to the other operand's type. */
struct ilu_null_;
#define ILU_TYPE_OF_POINTER_(v) \
	_Generic((1 ? _Generic((v), void *: (v), default: (void *)&ilu_object_) : (struct ilu_null_ *)0),              \
	    struct ilu_null_ *: ILU_T_NULL_,                                                                           \
	    void *: ILU_T_BAD_)

#define ILU_TYPE_OF_VALUE_(v) \
	_Generic((v),                                                                                                  \
	    _Bool: ILU_T_BOOL_,                                                                                        \
	    void *: ILU_TYPE_OF_POINTER_(v),                                                                           \
	    default: _Generic(ILU_PLAIN_(v),                                                                           \
		long long: ILU_T_I64_,                                                                                 \
		unsigned long long: ILU_T_U64_,                                                                        \
		float: ILU_T_F64_,                                                                                     \
		double: ILU_T_F64_,                                                                                    \
		char *: ILU_T_STR_,                                                                                    \
		const char *: ILU_T_STR_))

#define ILU_ARG_OF_VALUE_(v) \
	_Generic((v),                                                                                                  \
	    _Bool: ilu_arg_b_,                                                                                         \
	    void *: ilu_arg_none_,                                                                                     \
	    default: _Generic(ILU_PLAIN_(v),                                                                           \
		long long: ilu_arg_i_,                                                                                 \
		unsigned long long: ilu_arg_u_,                                                                        \
		float: ilu_arg_f_,                                                                                     \
		double: ilu_arg_f_,                                                                                    \
		char *: ilu_arg_s_,                                                                                    \
		const char *: ilu_arg_s_))(v)

#define ILU_TID_(t) _Generic((t), ilu_tid * : (t), const ilu_tid * : (t))

#endif
