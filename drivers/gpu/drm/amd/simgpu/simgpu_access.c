// SPDX-License-Identifier: MIT
/*
 * Waves: instructions that access memory, the local data share or other lanes by way of it.
 *
 * Facts: AMD's instruction set documents of "Vega", MI300, RDNA 2, 3 and 4; LLVM's description of
 * the address spaces of AMDGPU for apertures and for how scratch is interleaved.
 *
 * What is read goes to the wave's buffer first, and to registers when all lanes have it. What is
 * written is probed for all lanes before the first one writes.
 */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "simgpu_isa.h"

#define PAGE_BITS	12

enum space {
	SPACE_MEMORY,
	SPACE_LDS,
	SPACE_SCRATCH,
};

enum direction {
	READ_DATA,
	WRITE_DATA,
	PROBE_READ,
	PROBE_WRITE,
};

/**
 * struct place - where a lane accesses memory
 * @space: which memory
 * @lane: the lane
 * @address: address in it
 */
struct place {
	enum space space;
	unsigned int lane;
	u64 address;
};

static u32 *vector_register(const struct simgpu_wave *wave, unsigned int number, bool acc)
{
	return wave->vgpr + (number + (acc ? wave->vgprs : 0)) * wave->lanes;
}

static u64 lane_pair(const struct simgpu_wave *wave, unsigned int number, unsigned int lane)
{
	return vector_register(wave, number, false)[lane] |
	       (u64)vector_register(wave, number + 1, false)[lane] << 32;
}

static u64 scratch_base(const struct simgpu_wave *wave)
{
	if (wave->isa->generation == 9)
		return simgpu_wave_pair(wave, SIMGPU_S_FLAT_SCRATCH);
	return wave->flat_scratch;
}

static void find_place(const struct simgpu_wave *wave, const struct simgpu_instruction *inst,
		       unsigned int lane, struct place *place)
{
	u64 address = (s64)inst->offset;

	place->space = SPACE_MEMORY;
	place->lane = lane;
	switch (inst->segment) {
	case SIMGPU_SEGMENT_SCRATCH:
		if (inst->address != SIMGPU_CODE_OFF)
			address += vector_register(wave, inst->address, false)[lane];
		if (inst->saddr != SIMGPU_CODE_OFF)
			address += wave->scalar[inst->saddr];
		place->space = SPACE_SCRATCH;
		place->address = (u32)address;
		return;
	case SIMGPU_SEGMENT_GLOBAL:
		if (inst->saddr != SIMGPU_CODE_OFF)
			address += simgpu_wave_pair(wave, inst->saddr) +
				   vector_register(wave, inst->address, false)[lane];
		else
			address += lane_pair(wave, inst->address, lane);
		place->address = address;
		return;
	default:
		address += lane_pair(wave, inst->address, lane);
		place->address = address;
		break;
	}
	/* An aperture of 4 GiB each. Nobody has one at 0: that is one that was not set up. */
	if (wave->shared_base && address >> 32 == wave->shared_base >> 32)
		place->space = SPACE_LDS;
	else if (wave->private_base && address >> 32 == wave->private_base >> 32)
		place->space = SPACE_SCRATCH;
	else
		return;
	place->address = (u32)address;
}

/* Out of range, reads give 0 and writes are dropped. */
static void access_lds(struct simgpu_workgroup *group, enum direction direction, u64 address,
		       void *data, unsigned int bytes)
{
	bool outside = address >= group->lds_size || bytes > group->lds_size - address;

	switch (direction) {
	case READ_DATA:
		if (outside)
			memset(data, 0, bytes);
		else
			memcpy(data, group->lds + address, bytes);
		break;
	case WRITE_DATA:
		if (!outside)
			memcpy(group->lds + address, data, bytes);
		break;
	default:
		break;
	}
}

static int access_memory(struct simgpu_wave *wave, enum direction direction, u64 address,
			 void *data, unsigned int bytes, struct simgpu_wave_event *event)
{
	const struct simgpu_wave_ops *ops = wave->ops;
	bool writes = direction == WRITE_DATA || direction == PROBE_WRITE;
	int ret;

	switch (direction) {
	case READ_DATA:
		ret = ops->read(wave->context, address, data, bytes);
		break;
	case WRITE_DATA:
		ret = ops->write(wave->context, address, data, bytes);
		break;
	default:
		ret = ops->probe(wave->context, address, bytes, writes);
		break;
	}
	if (ret) {
		event->address = address;
		event->write = writes;
		event->error = ret;
	} else if (direction == READ_DATA || direction == WRITE_DATA) {
		event->moved += bytes;
	}
	return ret;
}

/* The same dword of all lanes is in one row; what a lane has in a row is its own dword. */
static int access_scratch(struct simgpu_wave *wave, enum direction direction,
			  const struct place *place, u8 *data, unsigned int bytes,
			  struct simgpu_wave_event *event)
{
	u64 at = place->address;
	unsigned int done = 0, part;
	int ret;

	while (done < bytes) {
		u64 row = at / 4 * wave->lanes + place->lane;

		part = min_t(unsigned int, bytes - done, 4 - at % 4);
		ret = access_memory(wave, direction, scratch_base(wave) + row * 4 + at % 4,
				    data ? data + done : NULL, part, event);
		if (ret)
			return ret;
		done += part;
		at += part;
	}
	return 0;
}

static int access_place(struct simgpu_wave *wave, enum direction direction,
			const struct place *place, void *data, unsigned int bytes,
			struct simgpu_wave_event *event)
{
	switch (place->space) {
	case SPACE_LDS:
		access_lds(wave->group, direction, place->address, data, bytes);
		return 0;
	case SPACE_SCRATCH:
		return access_scratch(wave, direction, place, data, bytes, event);
	default:
		return access_memory(wave, direction, place->address, data, bytes, event);
	}
}

/* Can all lanes write?  A page that the lane before was allowed to write is not asked for again. */
static int probe_lanes(struct simgpu_wave *wave, const struct simgpu_instruction *inst,
		       unsigned int bytes, struct simgpu_wave_event *event)
{
	u64 page = ~0ULL, rest;
	unsigned int lane;
	struct place place;
	int ret;

	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);) {
		find_place(wave, inst, lane, &place);
		if (place.space == SPACE_MEMORY && place.address >> PAGE_BITS == page &&
		    (place.address + bytes - 1) >> PAGE_BITS == page)
			continue;
		ret = access_place(wave, PROBE_WRITE, &place, NULL, bytes, event);
		if (ret)
			return ret;
		if (place.space == SPACE_MEMORY)
			page = (place.address + bytes - 1) >> PAGE_BITS;
	}
	return 0;
}

/* Registers of a lane, as they stand in memory. */
static void get_data(const struct simgpu_wave *wave, unsigned int number, bool acc,
		     unsigned int lane, unsigned int bytes, bool upper, u32 *data)
{
	unsigned int i;

	for (i = 0; i < DIV_ROUND_UP(bytes, 4); i++)
		data[i] = vector_register(wave, number + i, acc)[lane];
	if (upper)
		data[0] >>= 16;
}

static u64 get_number(const struct simgpu_wave *wave, unsigned int number, bool acc,
		      unsigned int lane, unsigned int bytes)
{
	u32 data[2] = {};

	get_data(wave, number, acc, lane, bytes, false, data);
	return data[0] | (u64)data[1] << 32;
}

/* What was loaded by all lanes is in the buffer, 4 dwords for each. */
static void put_data(struct simgpu_wave *wave, const struct simgpu_instruction *inst,
		     enum simgpu_function function, unsigned int bytes)
{
	unsigned int type = 8 * bytes, lane, i;
	u64 rest;
	u32 *to;

	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);) {
		const u32 *from = wave->buffer + 4 * lane;
		u32 value = *from;

		to = vector_register(wave, inst->dst, inst->acc) + lane;
		if (bytes >= 4) {
			for (i = 0; i < bytes / 4; i++)
				to[i * wave->lanes] = from[i];
			continue;
		}
		if (function == SIMGPU_FN_LOAD_SIGNED || function == SIMGPU_FN_LOAD_D16_SIGNED ||
		    function == SIMGPU_FN_LOAD_D16_HI_SIGNED)
			value = simgpu_extend(type | SIMGPU_T_SIGNED, value);
		else
			value = simgpu_extend(type, value);
		switch (function) {
		case SIMGPU_FN_LOAD_D16:
		case SIMGPU_FN_LOAD_D16_SIGNED:
			*to = (*to & 0xffff0000) | (value & 0xffff);
			break;
		case SIMGPU_FN_LOAD_D16_HI:
		case SIMGPU_FN_LOAD_D16_HI_SIGNED:
			*to = (*to & 0xffff) | value << 16;
			break;
		default:
			*to = value;
			break;
		}
	}
}

static u64 scalar_address(const struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	u64 address = simgpu_wave_pair(wave, inst->src[0]) + (s64)inst->offset;

	if (inst->saddr != SIMGPU_CODE_OFF)
		address += wave->scalar[inst->saddr];
	/* Dwords are aligned whatever the program says. */
	return inst->info->dst >= 4 ? address & ~3ULL : address;
}

static int scalar_load(struct simgpu_wave *wave, const struct simgpu_instruction *inst,
		       struct simgpu_wave_event *event)
{
	unsigned int bytes = inst->info->dst, type = 8 * bytes, i;
	int ret;

	wave->buffer[0] = 0;
	ret = access_memory(wave, READ_DATA, scalar_address(wave, inst), wave->buffer, bytes,
			    event);
	if (ret)
		return ret;
	if (bytes < 4) {
		if (inst->info->function == SIMGPU_FN_LOAD_SIGNED)
			type |= SIMGPU_T_SIGNED;
		wave->buffer[0] = (u32)simgpu_extend(type, wave->buffer[0]);
	}
	for (i = 0; i < DIV_ROUND_UP(bytes, 4); i++)
		wave->scalar[inst->dst + i] = wave->buffer[i];
	return 0;
}

static int vector_load(struct simgpu_wave *wave, const struct simgpu_instruction *inst,
		       struct simgpu_wave_event *event)
{
	unsigned int bytes = inst->info->dst, lane;
	struct place place;
	u64 rest;
	int ret;

	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);) {
		find_place(wave, inst, lane, &place);
		ret = access_place(wave, READ_DATA, &place, wave->buffer + 4 * lane, bytes, event);
		if (ret)
			return ret;
	}
	put_data(wave, inst, inst->info->function, bytes);
	return 0;
}

static int vector_store(struct simgpu_wave *wave, const struct simgpu_instruction *inst,
			struct simgpu_wave_event *event)
{
	bool upper = inst->info->function == SIMGPU_FN_STORE_HI;
	unsigned int bytes = inst->info->dst, lane;
	struct place place;
	u64 rest;
	int ret;

	ret = probe_lanes(wave, inst, bytes, event);
	if (ret)
		return ret;
	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);) {
		u32 data[4];

		get_data(wave, inst->data[0], inst->acc, lane, bytes, upper, data);
		find_place(wave, inst, lane, &place);
		ret = access_place(wave, WRITE_DATA, &place, data, bytes, event);
		if (ret)
			return ret;
	}
	return 0;
}

static u64 lds_atomic(struct simgpu_workgroup *group, enum simgpu_atomic operation, u64 address,
		      unsigned int bytes, u64 data, u64 compare)
{
	u64 old = 0, new;

	access_lds(group, READ_DATA, address, &old, bytes);
	new = simgpu_atomic_result(operation, bytes, old, data, compare);
	access_lds(group, WRITE_DATA, address, &new, bytes);
	return old;
}

/* No atomic reaches scratch: a lane that tries makes the instruction illegal. */
static bool atomic_in_scratch(const struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	unsigned int lane;
	struct place place;
	u64 rest;

	if (inst->segment == SIMGPU_SEGMENT_GLOBAL)
		return false;
	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);) {
		find_place(wave, inst, lane, &place);
		if (place.space == SPACE_SCRATCH)
			return true;
	}
	return false;
}

static int vector_atomic(struct simgpu_wave *wave, const struct simgpu_instruction *inst,
			 struct simgpu_wave_event *event)
{
	const struct simgpu_operation_info *info = inst->info;
	unsigned int bytes = info->dst, lane;
	struct place place;
	u64 rest;
	int ret;

	ret = probe_lanes(wave, inst, bytes, event);
	if (ret)
		return ret;
	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);) {
		u64 data = get_number(wave, inst->data[0], inst->acc, lane, bytes);
		u64 compare = 0, old = 0;

		if (info->function == SIMGPU_ATOMIC_CMPSWAP)
			compare = get_number(wave, inst->data[0] + bytes / 4, inst->acc, lane,
					     bytes);
		find_place(wave, inst, lane, &place);
		if (place.space == SPACE_LDS) {
			old = lds_atomic(wave->group, info->function, place.address, bytes, data,
					 compare);
		} else {
			ret = wave->ops->atomic(wave->context, place.address, info->function,
						bytes, data, compare, &old);
			if (ret) {
				event->address = place.address;
				event->write = true;
				event->error = ret;
				return ret;
			}
			event->moved += bytes;
		}
		wave->buffer[4 * lane] = (u32)old;
		wave->buffer[4 * lane + 1] = old >> 32;
	}
	if (inst->returns)
		put_data(wave, inst, SIMGPU_FN_LOAD, bytes);
	return 0;
}

static u64 lds_address(const struct simgpu_wave *wave, const struct simgpu_instruction *inst,
		       unsigned int lane, unsigned int offset)
{
	return (u64)vector_register(wave, inst->address, false)[lane] + offset;
}

static void lds_load(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	unsigned int bytes = inst->info->dst, lane;
	u64 rest;

	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);)
		access_lds(wave->group, READ_DATA, lds_address(wave, inst, lane, inst->offset),
			   wave->buffer + 4 * lane, bytes);
	put_data(wave, inst, inst->info->function, bytes);
}

static void lds_store(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	bool upper = inst->info->function == SIMGPU_FN_STORE_HI;
	unsigned int bytes = inst->info->dst, lane;
	u32 data[4];
	u64 rest;

	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);) {
		get_data(wave, inst->data[0], inst->acc, lane, bytes, upper, data);
		access_lds(wave->group, WRITE_DATA, lds_address(wave, inst, lane, inst->offset),
			   data, bytes);
	}
}

/* Offsets count elements, or 64 of them. */
static unsigned int pair_offset(const struct simgpu_instruction *inst, unsigned int index)
{
	unsigned int stride = inst->info->dst;

	if (inst->info->function == SIMGPU_FN_PAIR_ST64)
		stride *= 64;
	return inst->offsets[index] * stride;
}

static void lds_load_pair(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	unsigned int bytes = inst->info->dst, lane, i;
	u64 rest;

	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);)
		for (i = 0; i < 2; i++)
			access_lds(wave->group, READ_DATA,
				   lds_address(wave, inst, lane, pair_offset(inst, i)),
				   wave->buffer + 4 * lane + i * bytes / 4, bytes);
	put_data(wave, inst, SIMGPU_FN_LOAD, 2 * bytes);
}

static void lds_store_pair(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	unsigned int bytes = inst->info->dst, lane, i;
	u32 data[4];
	u64 rest;

	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);) {
		for (i = 0; i < 2; i++) {
			get_data(wave, inst->data[i], inst->acc, lane, bytes, false, data);
			access_lds(wave->group, WRITE_DATA,
				   lds_address(wave, inst, lane, pair_offset(inst, i)), data,
				   bytes);
		}
	}
}

static void lds_atomics(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	const struct simgpu_operation_info *info = inst->info;
	unsigned int bytes = info->dst, lane;
	u64 rest;

	for (rest = simgpu_wave_exec(wave); simgpu_next_lane(&rest, &lane);) {
		u64 data = get_number(wave, inst->data[0], inst->acc, lane, bytes);
		u64 compare = 0, old;

		if (info->function == SIMGPU_ATOMIC_CMPSWAP ||
		    info->function == SIMGPU_ATOMIC_MSKOR)
			compare = get_number(wave, inst->data[1], inst->acc, lane, bytes);
		if (info->src[0] == SIMGPU_T_CMP_FIRST)
			swap(data, compare);
		old = lds_atomic(wave->group, info->function,
				 lds_address(wave, inst, lane, inst->offset), bytes, data, compare);
		wave->buffer[4 * lane] = (u32)old;
		wave->buffer[4 * lane + 1] = old >> 32;
	}
	if (info->kind == SIMGPU_KIND_LATOMIC_RTN)
		put_data(wave, inst, SIMGPU_FN_LOAD, bytes);
}

/* From which lane of its neighbours a lane gets its value. */
static unsigned int swizzled_lane(unsigned int lane, unsigned int pattern)
{
	unsigned int low = lane & 31;

	if (pattern & 0x8000)
		return (lane & ~3u) + (pattern >> 2 * (lane & 3) & 3);
	low = ((low & pattern) | (pattern >> 5 & 31)) ^ (pattern >> 10 & 31);
	return (lane & ~31u) + (low & 31);
}

/* Lanes that are not active give 0, and get nothing. */
static void exchange_lanes(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	const u32 *address = vector_register(wave, inst->address, false);
	const u32 *data = vector_register(wave, inst->data[0], inst->acc);
	u64 exec = simgpu_wave_exec(wave), rest;
	unsigned int lane, other;

	memset(wave->buffer, 0, sizeof(wave->buffer));
	for (rest = exec; simgpu_next_lane(&rest, &lane);) {
		other = (address[lane] + inst->offset) / 4 & (wave->lanes - 1);
		switch (inst->info->kind) {
		case SIMGPU_KIND_LPERMUTE:
			wave->buffer[4 * other] = data[lane];
			break;
		case SIMGPU_KIND_LBPERMUTE:
			if (exec >> other & 1)
				wave->buffer[4 * lane] = data[other];
			break;
		default:
			other = swizzled_lane(lane, inst->offset);
			if (exec >> other & 1)
				wave->buffer[4 * lane] = address[other];
			break;
		}
	}
	put_data(wave, inst, SIMGPU_FN_LOAD, 4);
}

static void global_wave_sync(const struct simgpu_wave *wave, const struct simgpu_instruction *inst,
			     struct simgpu_wave_event *event)
{
	u64 exec = simgpu_wave_exec(wave);

	event->value = inst->info->function;
	event->resource = (inst->offset + (wave->scalar[SIMGPU_S_M0] >> 16)) & 0x3f;
	switch (inst->info->function) {
	case SIMGPU_GWS_INIT:
	case SIMGPU_GWS_BARRIER:
	case SIMGPU_GWS_SEMA_BR:
		event->data = vector_register(wave, inst->address,
					      false)[exec ? __ffs64(exec) : 0];
		break;
	default:
		break;
	}
}

/**
 * simgpu_access_execute - execute an instruction that accesses memory
 * @wave: wave
 * @inst: instruction that simgpu_isa_decode() has accepted for this wave
 * @event: what is told of a fault or of global wave sync
 *
 * Context: any in which @wave->ops may be called.
 * Return: SIMGPU_WAVE_RUNS, SIMGPU_WAVE_FAULT, SIMGPU_WAVE_GWS, or SIMGPU_WAVE_ILLEGAL for an
 * atomic in scratch; nothing was done in all cases but the first.
 */
int simgpu_access_execute(struct simgpu_wave *wave, const struct simgpu_instruction *inst,
			  struct simgpu_wave_event *event)
{
	int ret = 0;

	switch (inst->info->kind) {
	case SIMGPU_KIND_SLOAD:
		ret = scalar_load(wave, inst, event);
		break;
	case SIMGPU_KIND_SSTORE:
		ret = access_memory(wave, WRITE_DATA, scalar_address(wave, inst),
				    &wave->scalar[inst->dst], inst->info->dst, event);
		break;
	case SIMGPU_KIND_VLOAD:
		ret = vector_load(wave, inst, event);
		break;
	case SIMGPU_KIND_VSTORE:
		ret = vector_store(wave, inst, event);
		break;
	case SIMGPU_KIND_VATOMIC:
		if (atomic_in_scratch(wave, inst))
			return SIMGPU_WAVE_ILLEGAL;
		ret = vector_atomic(wave, inst, event);
		break;
	case SIMGPU_KIND_LLOAD:
		lds_load(wave, inst);
		break;
	case SIMGPU_KIND_LSTORE:
		lds_store(wave, inst);
		break;
	case SIMGPU_KIND_LLOAD2:
		lds_load_pair(wave, inst);
		break;
	case SIMGPU_KIND_LSTORE2:
		lds_store_pair(wave, inst);
		break;
	case SIMGPU_KIND_LATOMIC:
	case SIMGPU_KIND_LATOMIC_RTN:
		lds_atomics(wave, inst);
		break;
	case SIMGPU_KIND_GWS:
		global_wave_sync(wave, inst, event);
		return SIMGPU_WAVE_GWS;
	default:
		exchange_lanes(wave, inst);
		break;
	}
	return ret ? SIMGPU_WAVE_FAULT : SIMGPU_WAVE_RUNS;
}
