// SPDX-License-Identifier: MIT
/*
 * Waves: vector instructions on registers.
 *
 * Facts: AMD's instruction set documents of "Vega", MI300, RDNA 2, 3 and 4.
 */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/kernel.h>

#include "simgpu_isa.h"

/**
 * struct operand - a source, for all lanes
 * @low: lower dword of the first lane, or of all lanes
 * @high: upper dword
 * @stride: dwords from lane to lane: 1, or 0 for a scalar
 * @scalar: where a scalar is
 * @type: type
 */
struct operand {
	const u32 *low;
	const u32 *high;
	unsigned int stride;
	u32 scalar[2];
	unsigned int type;
};

static u32 *vector_register(const struct simgpu_wave *wave, unsigned int number)
{
	return wave->vgpr + number * wave->lanes;
}

static u32 *accumulation_register(const struct simgpu_wave *wave, unsigned int number)
{
	return vector_register(wave, wave->vgprs + number);
}

static void get_operand(const struct simgpu_wave *wave, const struct simgpu_instruction *inst,
			unsigned int index, struct operand *operand)
{
	unsigned int code = inst->src[index];
	unsigned int type = inst->info->src[index];
	u64 value;

	operand->type = type;
	if (code >= SIMGPU_CODE_VGPR && type != SIMGPU_T_NONE) {
		operand->low = vector_register(wave, code - SIMGPU_CODE_VGPR);
		operand->high = operand->low + wave->lanes;
		operand->stride = 1;
		return;
	}
	value = type == SIMGPU_T_NONE ? 0 : simgpu_wave_read_scalar(wave, inst, code, type);
	operand->scalar[0] = (u32)value;
	operand->scalar[1] = value >> 32;
	operand->low = &operand->scalar[0];
	operand->high = &operand->scalar[1];
	operand->stride = 0;
}

static u64 lane_value(const struct operand *operand, unsigned int lane)
{
	u64 value = operand->low[lane * operand->stride];

	if ((operand->type & SIMGPU_T_BITS) == 64)
		return value | (u64)operand->high[lane * operand->stride] << 32;
	return simgpu_extend(operand->type, value);
}

static void put_lane(struct simgpu_wave *wave, const struct simgpu_instruction *inst,
		     unsigned int lane, u64 value)
{
	u32 *to = vector_register(wave, inst->dst) + lane;

	switch (inst->info->dst & SIMGPU_T_BITS) {
	case 64:
		to[wave->lanes] = value >> 32;
		fallthrough;
	case 32:
		*to = (u32)value;
		break;
	default:
		/* 16 bits: GFX 9 clears the upper half, later ones leave it. */
		*to = (u16)value | (wave->isa->generation == 9 ? 0 : *to & 0xffff0000);
		break;
	}
}

static void vector_alu(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	const struct simgpu_operation_info *info = inst->info;
	struct operand a, b, c;
	bool counts;
	unsigned int lane;
	u64 rest, result;

	get_operand(wave, inst, 0, &a);
	get_operand(wave, inst, 1, &b);
	get_operand(wave, inst, 2, &c);
	counts = simgpu_alu_count(info->function, a.type, 0, 0, &result);
	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);) {
		if (counts)
			simgpu_alu_count(info->function, a.type, lane_value(&a, lane), 0, &result);
		else
			result = simgpu_alu(info->function, info->dst, lane_value(&a, lane),
					    lane_value(&b, lane), lane_value(&c, lane));
		put_lane(wave, inst, lane, result);
	}
}

static u64 read_mask(const struct simgpu_wave *wave, unsigned int code)
{
	u64 mask = wave->scalar[code];

	if (wave->lanes == 64)
		mask |= (u64)wave->scalar[code + 1] << 32;
	return mask;
}

static void vector_select(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	u64 mask = read_mask(wave, inst->src[2]), rest;
	struct operand a, b;
	unsigned int lane;

	get_operand(wave, inst, 0, &a);
	get_operand(wave, inst, 1, &b);
	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);)
		vector_register(wave, inst->dst)[lane] =
			(u32)lane_value(mask >> lane & 1 ? &b : &a, lane);
}

/* Carries of lanes that are not active become 0. */
static void vector_carry(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	const struct simgpu_operation_info *info = inst->info;
	u64 in = 0, out = 0, rest, result, carry;
	struct operand a, b;
	unsigned int lane;

	get_operand(wave, inst, 0, &a);
	get_operand(wave, inst, 1, &b);
	if (info->kind == SIMGPU_KIND_VCARRYIN)
		in = read_mask(wave, inst->src[2]);
	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);) {
		u64 first = lane_value(&a, lane), second = lane_value(&b, lane);

		carry = in >> lane & 1;
		if (info->function == SIMGPU_FN_ADD)
			result = first + second + carry;
		else if (info->function == SIMGPU_FN_SUB)
			result = first - second - carry;
		else
			result = second - first - carry;
		out |= (result >> 32 & 1) << lane;
		put_lane(wave, inst, lane, result);
	}
	simgpu_wave_write_mask(wave, inst->sdst, out);
}

static void vector_mad64(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	bool is_signed = inst->info->dst & SIMGPU_T_SIGNED;
	u64 out = 0, rest;
	struct operand a, b, c;
	unsigned int lane;

	get_operand(wave, inst, 0, &a);
	get_operand(wave, inst, 1, &b);
	get_operand(wave, inst, 2, &c);
	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);) {
		u64 product = lane_value(&a, lane) * lane_value(&b, lane);
		u64 addend = lane_value(&c, lane);
		u64 result = product + addend;
		bool carry = result < product;

		/* Bit 64 of the sum of two numbers that were extended by their signs. */
		if (is_signed)
			carry ^= product >> 63 ^ addend >> 63;
		out |= (u64)carry << lane;
		put_lane(wave, inst, lane, result);
	}
	simgpu_wave_write_mask(wave, inst->sdst, out);
}

static void vector_compare(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	const struct simgpu_operation_info *info = inst->info;
	bool is_signed = info->src[0] & SIMGPU_T_SIGNED;
	struct operand a, b;
	unsigned int lane;
	u64 out = 0, rest;

	get_operand(wave, inst, 0, &a);
	get_operand(wave, inst, 1, &b);
	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);)
		out |= (u64)simgpu_alu_compare(info->function, is_signed, lane_value(&a, lane),
					       lane_value(&b, lane)) << lane;
	simgpu_wave_write_mask(wave, inst->dst, out);
	if (info->kind == SIMGPU_KIND_VCMPX)
		simgpu_wave_write_mask(wave, SIMGPU_S_EXEC, out);
}

static void vector_lanes(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	u64 exec = simgpu_wave_exec(wave), rest;
	struct operand a, b;
	unsigned int lane;
	u32 *to, *from, value;

	get_operand(wave, inst, 0, &a);
	get_operand(wave, inst, 1, &b);
	switch (inst->info->function) {
	case SIMGPU_FN_READFIRST:
		lane = exec ? __ffs64(exec) : 0;
		simgpu_wave_write_scalar(wave, inst->dst, 1, lane_value(&a, lane));
		break;
	case SIMGPU_FN_READ:
		lane = lane_value(&b, 0) & (wave->lanes - 1);
		simgpu_wave_write_scalar(wave, inst->dst, 1, lane_value(&a, lane));
		break;
	case SIMGPU_FN_WRITE:
		/* Whatever EXEC says. */
		lane = lane_value(&b, 0) & (wave->lanes - 1);
		vector_register(wave, inst->dst)[lane] = (u32)lane_value(&a, 0);
		break;
	case SIMGPU_FN_SWAP:
		to = vector_register(wave, inst->dst);
		from = vector_register(wave, inst->src[0] - SIMGPU_CODE_VGPR);
		for (rest = exec; simgpu_next_lane(&rest, &lane);) {
			value = to[lane];
			to[lane] = from[lane];
			from[lane] = value;
		}
		break;
	default:
		/* MBCNT: bits of a mask below the lane, of its lower or its upper half */
		for (rest = exec; simgpu_next_lane(&rest, &lane);) {
			u64 below = BIT_ULL(lane) - 1;

			if (inst->info->function == SIMGPU_FN_MBCNT_HI)
				below >>= 32;
			value = hweight32((u32)(lane_value(&a, lane) & below));
			put_lane(wave, inst, lane, value + lane_value(&b, lane));
		}
		break;
	}
}

static void vector_accumulation(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	unsigned int number = inst->src[0] - SIMGPU_CODE_VGPR, lane;
	enum simgpu_function function = inst->info->function;
	struct operand a;
	u64 rest;
	u32 *to;

	if (function == SIMGPU_FN_WRITE) {
		get_operand(wave, inst, 0, &a);
	} else {
		a.low = accumulation_register(wave, number);
		a.stride = 1;
		a.type = SIMGPU_T_U32;
	}
	to = function == SIMGPU_FN_READ ? vector_register(wave, inst->dst) :
					  accumulation_register(wave, inst->dst);
	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);)
		to[lane] = (u32)lane_value(&a, lane);
}

/**
 * simgpu_vector_execute - execute a vector instruction on registers
 * @wave: wave
 * @inst: instruction that simgpu_isa_decode() has accepted for this wave
 *
 * Context: any.
 */
void simgpu_vector_execute(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	switch (inst->info->kind) {
	case SIMGPU_KIND_VALU:
		vector_alu(wave, inst);
		break;
	case SIMGPU_KIND_VCNDMASK:
		vector_select(wave, inst);
		break;
	case SIMGPU_KIND_VCARRY:
	case SIMGPU_KIND_VCARRYIN:
		vector_carry(wave, inst);
		break;
	case SIMGPU_KIND_VMAD64:
		vector_mad64(wave, inst);
		break;
	case SIMGPU_KIND_VCMP:
	case SIMGPU_KIND_VCMPX:
		vector_compare(wave, inst);
		break;
	case SIMGPU_KIND_VLANE:
		vector_lanes(wave, inst);
		break;
	default:
		vector_accumulation(wave, inst);
		break;
	}
}
