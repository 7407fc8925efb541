/* SPDX-License-Identifier: Apache-2.0 */
/* ilu/detail/value_cxx.h - the type of a value, in C++, by overloads. Strings with data() and size() are taken too. */
#ifndef ILU_DETAIL_VALUE_CXX_H
#define ILU_DETAIL_VALUE_CXX_H

#include <type_traits>

namespace ilu_detail_
{
template <int T> using type = std::integral_constant<int, T>;

template <class V, bool Enum = std::is_enum<V>::value> struct plain {
	using is = V;
};
template <class V> struct plain<V, true> {
	using is = typename std::underlying_type<V>::type;
};

template <class V> constexpr int number()
{
	using N = typename plain<V>::is;

	return std::is_same<N, bool>::value                   ? ILU_T_BOOL_
	       : std::is_floating_point<N>::value             ? (sizeof(N) <= 8 ? ILU_T_F64_ : ILU_T_BAD_)
	       : !std::is_integral<N>::value || sizeof(N) > 8 ? ILU_T_BAD_
	       : std::is_signed<N>::value                     ? ILU_T_I64_
	                                                      : ILU_T_U64_;
}

template <class V, class = decltype(std::declval<const V &>().data()[std::declval<const V &>().size()])>
type<std::is_convertible<decltype(std::declval<const V &>().data()), const char *>::value ? ILU_T_STR_ : ILU_T_BAD_>
text_type(int);
template <class V> type<number<V>()> text_type(...);

template <class V> struct type_of : decltype(text_type<V>(0)) {
};
template <> struct type_of<const char *> : type<ILU_T_STR_> {
};
template <> struct type_of<char *> : type<ILU_T_STR_> {
};
template <> struct type_of<std::nullptr_t> : type<ILU_T_NULL_> {
};

template <class V> ILU_INLINE_ struct ilu_arg_ arg(const V &v)
{
	constexpr int t = type_of<typename std::decay<V>::type>::value;

	if constexpr (t == ILU_T_BOOL_)
		return ilu_arg_b_(static_cast<bool>(v));
	else if constexpr (t == ILU_T_I64_)
		return ilu_arg_i_(static_cast<long long>(v));
	else if constexpr (t == ILU_T_U64_)
		return ilu_arg_u_(static_cast<unsigned long long>(v));
	else if constexpr (t == ILU_T_F64_)
		return ilu_arg_f_(static_cast<double>(v));
	else if constexpr (t == ILU_T_NULL_ || t == ILU_T_BAD_)
		return ilu_arg_none_(nullptr);
	else if constexpr (std::is_convertible<const V &, const char *>::value)
		return ilu_arg_s_(v);
	else
		return ilu_arg_text_(v.data(), v.size());
}

ILU_INLINE_ const ilu_tid *tid(const ilu_tid *t)
{
	return t;
}
const ilu_tid *tid(std::nullptr_t) = delete;
const ilu_tid *tid(long) = delete;
} // namespace ilu_detail_

#define ILU_TYPE_OF_VALUE_(v) (::ilu_detail_::type_of<typename ::std::decay<decltype(v)>::type>::value)
#define ILU_ARG_OF_VALUE_(v)  ::ilu_detail_::arg(v)
#define ILU_TID_(t)           ::ilu_detail_::tid(t)

#endif
