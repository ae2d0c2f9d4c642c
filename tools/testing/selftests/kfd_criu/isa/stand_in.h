/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel as the instruction interpreter of simulated GPUs needs, in user space.
 * The Makefile puts this in place of the kernel's headers that its files include.
 */
#ifndef ISA_KERNEL_H
#define ISA_KERNEL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define static_assert(what)	_Static_assert(what, #what)
#define fallthrough		__attribute__((fallthrough))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof(*(a)))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK(h, l)		GENMASK_ULL(h, l)
#define GENMASK_ULL(h, l)	((~0ULL >> (63 - (h))) & (~0ULL << (l)))
#define EXPORT_SYMBOL_IF_KUNIT(symbol)

#define min_t(type, a, b)	({ type a_ = (a), b_ = (b); a_ < b_ ? a_ : b_; })
#define min(a, b)		min_t(typeof(a), a, b)
#define clamp_t(type, a, low, high)					\
	({ type v_ = (a); v_ < (type)(low) ? (type)(low) :		\
	   v_ > (type)(high) ? (type)(high) : v_; })
#define swap(a, b)		do { typeof(a) s_ = (a); (a) = (b); (b) = s_; } while (0)

static inline unsigned long __ffs64(u64 word)
{
	return __builtin_ctzll(word);
}

static inline int fls64(u64 word)
{
	return word ? 64 - __builtin_clzll(word) : 0;
}

static inline unsigned int hweight32(u32 word)
{
	return __builtin_popcount(word);
}

static inline unsigned long hweight64(u64 word)
{
	return __builtin_popcountll(word);
}

static inline s32 sign_extend32(u32 value, int index)
{
	return (s32)(value << (31 - index)) >> (31 - index);
}

static inline s64 sign_extend64(u64 value, int index)
{
	return (s64)(value << (63 - index)) >> (63 - index);
}

#endif
