// SPDX-License-Identifier: MIT
/*
 * Arithmetic of instructions: functions of numbers, without state.
 *
 * Facts: the pseudo code in AMD's instruction set documents.
 */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "simgpu_isa.h"

/**
 * simgpu_extend - extend an operand to 64 bits
 * @type: its type
 * @value: the operand, with anything above its bits
 *
 * Context: any.
 * Return: its value, extended by its sign or by zeros.
 */
u64 simgpu_extend(unsigned int type, u64 value)
{
	unsigned int shift = 64 - (type & SIMGPU_T_BITS);

	if (shift >= 64)
		return value;
	if (type & SIMGPU_T_SIGNED)
		return (s64)(value << shift) >> shift;
	return value << shift >> shift;
}

/**
 * simgpu_alu_compare - compare two numbers
 * @function: SIMGPU_FN_F to SIMGPU_FN_BIT1
 * @is_signed: the numbers are signed
 * @a: the first, extended to 64 bits
 * @b: the second
 *
 * Context: any.
 * Return: true or false.
 */
bool simgpu_alu_compare(enum simgpu_function function, bool is_signed, u64 a, u64 b)
{
	bool less = is_signed ? (s64)a < (s64)b : a < b;

	switch (function) {
	case SIMGPU_FN_LT:
		return less;
	case SIMGPU_FN_EQ:
		return a == b;
	case SIMGPU_FN_LE:
		return less || a == b;
	case SIMGPU_FN_GT:
		return !less && a != b;
	case SIMGPU_FN_NE:
		return a != b;
	case SIMGPU_FN_GE:
		return !less;
	case SIMGPU_FN_T:
		return true;
	default:
		return false;
	}
}

static u64 reverse(u64 a, unsigned int bits)
{
	u64 out = 0;
	unsigned int i;

	for (i = 0; i < bits; i++)
		if (a & BIT_ULL(i))
			out |= BIT_ULL(bits - 1 - i);
	return out;
}

/* Nibbles of which any bit is set, as all ones (WQM) or as one bit each (QUADMASK). */
static u64 quads(u64 a, unsigned int bits, bool whole)
{
	u64 out = 0;
	unsigned int i;

	for (i = 0; i < bits / 4; i++)
		if (a >> 4 * i & 0xf)
			out |= whole ? 0xfULL << 4 * i : BIT_ULL(i);
	return out;
}

/* How many bits from the top are like the sign, or -1 if all are. */
static u64 sign_bits(u64 a, unsigned int bits)
{
	u64 sign = a >> (bits - 1) & 1;
	unsigned int i;

	for (i = 1; i < bits; i++)
		if ((a >> (bits - 1 - i) & 1) != sign)
			return i;
	return ~0ULL;
}

static u64 permute_bytes(u32 a, u32 b, u32 selectors)
{
	u64 both = (u64)a << 32 | b;
	u32 out = 0;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		unsigned int selector = selectors >> 8 * i & 0xff;
		u32 byte;

		if (selector < 8)
			byte = both >> 8 * selector & 0xff;
		else if (selector < 12)	/* the signs of the bytes 1, 3, 5, 7 */
			byte = both >> (16 * (selector - 8) + 15) & 1 ? 0xff : 0;
		else
			byte = selector == 12 ? 0 : 0xff;
		out |= byte << 8 * i;
	}
	return out;
}

static u64 field(u64 a, unsigned int offset, unsigned int width, unsigned int bits, bool is_signed)
{
	if (!width)
		return 0;
	width = min(width, bits - offset);
	return simgpu_extend(width | (is_signed ? SIMGPU_T_SIGNED : 0), a >> offset);
}

static u64 least(u64 a, u64 b, bool is_signed)
{
	return simgpu_alu_compare(SIMGPU_FN_LT, is_signed, a, b) ? a : b;
}

static u64 most(u64 a, u64 b, bool is_signed)
{
	return simgpu_alu_compare(SIMGPU_FN_LT, is_signed, a, b) ? b : a;
}

/**
 * simgpu_alu - compute
 * @function: what
 * @type: type of the result; its sign tells whether the operands are signed
 * @a: first operand, extended to 64 bits by its own type
 * @b: second operand
 * @c: third operand
 *
 * Context: any.
 * Return: the result, with anything above its bits.
 */
u64 simgpu_alu(enum simgpu_function function, unsigned int type, u64 a, u64 b, u64 c)
{
	bool is_signed = type & SIMGPU_T_SIGNED;
	unsigned int bits = type & SIMGPU_T_BITS;
	unsigned int shift = bits - 1;

	switch (function) {
	case SIMGPU_FN_MOV:
		return a;
	case SIMGPU_FN_ADD:
		return a + b;
	case SIMGPU_FN_SUB:
		return a - b;
	case SIMGPU_FN_SUBREV:
		return b - a;
	case SIMGPU_FN_MUL:
		return a * b;
	case SIMGPU_FN_MUL_HI:
		/* 32 bits each, extended: the product fits */
		return is_signed ? (u64)((s64)(a * b) >> 32) : a * b >> 32;
	case SIMGPU_FN_MAD:
		return a * b + c;
	case SIMGPU_FN_MIN:
		return least(a, b, is_signed);
	case SIMGPU_FN_MAX:
		return most(a, b, is_signed);
	case SIMGPU_FN_AND:
		return a & b;
	case SIMGPU_FN_OR:
		return a | b;
	case SIMGPU_FN_XOR:
		return a ^ b;
	case SIMGPU_FN_NOT:
		return ~a;
	case SIMGPU_FN_NAND:
		return ~(a & b);
	case SIMGPU_FN_NOR:
		return ~(a | b);
	case SIMGPU_FN_XNOR:
		return ~(a ^ b);
	case SIMGPU_FN_ANDN1:
		return ~a & b;
	case SIMGPU_FN_ANDN2:
		return a & ~b;
	case SIMGPU_FN_ORN1:
		return ~a | b;
	case SIMGPU_FN_ORN2:
		return a | ~b;
	case SIMGPU_FN_LSHL:
		return a << (b & shift);
	case SIMGPU_FN_LSHR:
		return a >> (b & shift);
	case SIMGPU_FN_ASHR:
		return (s64)a >> (b & shift);
	case SIMGPU_FN_LSHLREV:
		return b << (a & shift);
	case SIMGPU_FN_LSHRREV:
		return b >> (a & shift);
	case SIMGPU_FN_ASHRREV:
		return (s64)b >> (a & shift);
	case SIMGPU_FN_BFM:
		return (BIT_ULL(a & shift) - 1) << (b & shift);
	case SIMGPU_FN_BFE:
		return field(a, b & 31, c & 31, 32, is_signed);
	case SIMGPU_FN_BFI:
		return (a & b) | (~a & c);
	case SIMGPU_FN_BREV:
		return reverse(a, bits);
	case SIMGPU_FN_BCNT:
		return hweight64(a);
	case SIMGPU_FN_BCNT_ADD:
		return hweight64(a) + b;
	case SIMGPU_FN_SEXT8:
		return simgpu_extend(8 | SIMGPU_T_SIGNED, a);
	case SIMGPU_FN_SEXT16:
		return simgpu_extend(SIMGPU_T_S16, a);
	case SIMGPU_FN_ALIGNBIT:
		return (a << 32 | b) >> (c & 31);
	case SIMGPU_FN_ALIGNBYTE:
		return (a << 32 | b) >> 8 * (c & 3);
	case SIMGPU_FN_PERM:
		return permute_bytes(a, b, c);
	case SIMGPU_FN_MIN3:
		return least(least(a, b, is_signed), c, is_signed);
	case SIMGPU_FN_MAX3:
		return most(most(a, b, is_signed), c, is_signed);
	case SIMGPU_FN_MED3:
		return most(least(a, b, is_signed),
			    least(most(a, b, is_signed), c, is_signed), is_signed);
	case SIMGPU_FN_MAXMIN:
		return least(most(a, b, is_signed), c, is_signed);
	case SIMGPU_FN_MINMAX:
		return most(least(a, b, is_signed), c, is_signed);
	case SIMGPU_FN_SAD:
		return (a > b ? a - b : b - a) + c;
	case SIMGPU_FN_ADD3:
		return a + b + c;
	case SIMGPU_FN_LSHL_ADD:
		return (a << (b & 31)) + c;
	case SIMGPU_FN_LSHL_ADD64:
		return (a << (b & 7)) + c;
	case SIMGPU_FN_ADD_LSHL:
		return (a + b) << (c & 31);
	case SIMGPU_FN_LSHL_OR:
		return a << (b & 31) | c;
	case SIMGPU_FN_AND_OR:
		return (a & b) | c;
	case SIMGPU_FN_OR3:
		return a | b | c;
	case SIMGPU_FN_XAD:
		return (a ^ b) + c;
	case SIMGPU_FN_XOR3:
		return a ^ b ^ c;
	case SIMGPU_FN_PK_I16:
		return ((u64)clamp_t(s64, a, -0x8000, 0x7fff) & 0xffff) |
		       ((u64)clamp_t(s64, b, -0x8000, 0x7fff) & 0xffff) << 16;
	case SIMGPU_FN_PK_U16:
		return min_t(u64, a, 0xffff) | min_t(u64, b, 0xffff) << 16;
	case SIMGPU_FN_S_BFE:
		return field(a, b & shift, b >> 16 & 0x7f, bits, is_signed);
	case SIMGPU_FN_S_ABS:
		return (s64)a < 0 ? -a : a;
	case SIMGPU_FN_S_ABSDIFF:
		/* Of a difference of 32 bits, which may have wrapped around. */
		a = simgpu_extend(SIMGPU_T_S32, a - b);
		return (s64)a < 0 ? -a : a;
	default:
		return 0;
	}
}

/**
 * simgpu_alu_count - those functions whose result has another width than their operand
 * @function: what
 * @type: type of the operand
 * @a: the operand, extended
 * @b: second operand
 * @out: the result
 *
 * Context: any.
 * Return: true; false for another function.
 */
bool simgpu_alu_count(enum simgpu_function function, unsigned int type, u64 a, u64 b, u64 *out)
{
	unsigned int bits = type & SIMGPU_T_BITS;
	u64 whole = bits == 64 ? ~0ULL : BIT_ULL(bits) - 1;
	unsigned int i;

	switch (function) {
	case SIMGPU_FN_FF1:
		*out = a & whole ? __ffs64(a & whole) : ~0ULL;
		return true;
	case SIMGPU_FN_S_FF0:
		*out = ~a & whole ? __ffs64(~a & whole) : ~0ULL;
		return true;
	case SIMGPU_FN_FFBH:
		*out = a & whole ? bits - fls64(a & whole) : ~0ULL;
		return true;
	case SIMGPU_FN_FFBH_I:
		*out = sign_bits(a, bits);
		return true;
	case SIMGPU_FN_S_BCNT0:
		*out = bits - hweight64(a & whole);
		return true;
	case SIMGPU_FN_S_WQM:
		*out = quads(a, bits, true);
		return true;
	case SIMGPU_FN_S_QUADMASK:
		*out = quads(a, bits, false);
		return true;
	case SIMGPU_FN_S_BITREPLICATE:
		for (*out = 0, i = 0; i < 32; i++)
			if (a & BIT_ULL(i))
				*out |= 3ULL << 2 * i;
		return true;
	case SIMGPU_FN_S_PACK_LL:
		*out = (a & 0xffff) | (b & 0xffff) << 16;
		return true;
	case SIMGPU_FN_S_PACK_LH:
		*out = (a & 0xffff) | (b & 0xffff0000);
		return true;
	case SIMGPU_FN_S_PACK_HL:
		*out = (a >> 16 & 0xffff) | (b & 0xffff) << 16;
		return true;
	case SIMGPU_FN_S_PACK_HH:
		*out = (a >> 16 & 0xffff) | (b & 0xffff0000);
		return true;
	default:
		return false;
	}
}

/**
 * simgpu_atomic_result - what an atomic access leaves in memory
 * @operation: what it does
 * @bytes: 4 or 8
 * @memory: what is in memory
 * @data: operand
 * @compare: what memory is compared with, or the second operand of SIMGPU_ATOMIC_MSKOR
 *
 * Whoever implements struct simgpu_wave_ops.atomic has the arithmetic from here.
 *
 * Context: any.
 * Return: the new contents, @bytes wide.
 */
u64 simgpu_atomic_result(enum simgpu_atomic operation, unsigned int bytes, u64 memory, u64 data,
			 u64 compare)
{
	unsigned int type = bytes == 4 ? SIMGPU_T_U32 : SIMGPU_T_U64;
	unsigned int as_signed = type | SIMGPU_T_SIGNED;
	u64 old = simgpu_extend(type, memory);
	u64 new = simgpu_extend(type, data);
	u64 result = old;

	compare = simgpu_extend(type, compare);
	switch (operation) {
	case SIMGPU_ATOMIC_SWAP:
		result = new;
		break;
	case SIMGPU_ATOMIC_CMPSWAP:
		result = old == compare ? new : old;
		break;
	case SIMGPU_ATOMIC_ADD:
		result = old + new;
		break;
	case SIMGPU_ATOMIC_SUB:
		result = old - new;
		break;
	case SIMGPU_ATOMIC_RSUB:
		result = new - old;
		break;
	case SIMGPU_ATOMIC_SMIN:
		result = least(simgpu_extend(as_signed, old), simgpu_extend(as_signed, new), true);
		break;
	case SIMGPU_ATOMIC_UMIN:
		result = least(old, new, false);
		break;
	case SIMGPU_ATOMIC_SMAX:
		result = most(simgpu_extend(as_signed, old), simgpu_extend(as_signed, new), true);
		break;
	case SIMGPU_ATOMIC_UMAX:
		result = most(old, new, false);
		break;
	case SIMGPU_ATOMIC_AND:
		result = old & new;
		break;
	case SIMGPU_ATOMIC_OR:
		result = old | new;
		break;
	case SIMGPU_ATOMIC_XOR:
		result = old ^ new;
		break;
	case SIMGPU_ATOMIC_INC:
		result = old >= new ? 0 : old + 1;
		break;
	case SIMGPU_ATOMIC_DEC:
		result = !old || old > new ? new : old - 1;
		break;
	case SIMGPU_ATOMIC_SUB_CLAMP:
		result = old < new ? 0 : old - new;
		break;
	case SIMGPU_ATOMIC_MSKOR:
		result = (old & ~new) | compare;
		break;
	}
	return simgpu_extend(type, result);
}
