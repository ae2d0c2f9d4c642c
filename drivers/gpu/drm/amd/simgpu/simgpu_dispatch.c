// SPDX-License-Identifier: MIT
/*
 * Dispatches: a grid becomes workgroups, which compute units execute.
 *
 * Facts: gc_*_offset.h and gc_*_sh_mask.h for registers, the code object and
 * kernel descriptor of LLVM's "User Guide for AMDGPU Backend", HSA Platform
 * System Architecture for the packet, and for scratch memory the queue
 * structure of the ROCm runtime.
 */
#include <linux/bitfield.h>
#include <linux/slab.h>

#include "amdgpu.h"

#include "simgpu_dispatch.h"
#include "simgpu_mqd.h"
#include "simgpu_packet.h"
#include "simgpu_queue.h"

/**
 * DOC: simgpu dispatch
 *
 * A kernel dispatch of AQL and one of PM4 become the same: registers, which
 * are kept in the MQD at their places on hardware.  From these, workgroups are
 * launched on the compute units that the CU mask leaves, as many as have room
 * for their waves, registers and LDS.  With several XCCs, each launches every
 * n-th workgroup of an AQL queue; a PM4 queue has one of them.
 *
 * Waves run in turns of some instructions each, for as long as the queue's
 * turn lasts.  One that waits at a barrier has none, and one that sleeps again
 * and again, because it polls, has them less and less often.
 *
 * When a queue leaves the hardware, no more workgroups are
 * launched, and those on the units are put on a stack: state of the waves into
 * the save area behind the control stack, and an entry for each wave onto the
 * control stack, which is at the beginning of that area, or behind the MQD on
 * GFX 9.  Where the launch goes on is in the registers RESTART and
 * THREADGROUP_ID.  After a load, workgroups come off the stack before others
 * are launched.
 *
 * The format of both is the simulator's own.
 *
 * Resources of global wave sync are the queue's that the driver gives them to,
 * and go into its MQD, which has words for them from GFX 11 on.  Where older
 * firmware leaves them is not known; here it is the same place.  To queues of
 * 9.4.3 and of MES, amdkfd gives GWS for the sake of form, and what hardware
 * does then is not known either; here they have it like all others.
 *
 * A trap, an instruction that is not known, and an address that no memory can
 * have lead to the trap handler that the process has set for the GPU, by way
 * of the kernel's own, which is not executed but does nothing else here.  Of
 * the latter two there is also an interrupt.  The handler can have the wave go
 * on, or tell the driver and halt it; without a handler, a trap does nothing,
 * and otherwise the wave is halted, with a line in the log.  With the first wave
 * that is halted, the queue stops.
 *
 * An access that the page tables do not allow stops the queue with a page
 * fault, without a handler.
 */

#define SHARE_RELAUNCH		BIT(31)
#define SHARE_SPREAD		BIT(30)
/* bytes of LDS in a step of COMPUTE_PGM_RSRC2.LDS_SIZE, and what a compute unit has */
#define LDS_GRANULE		512
#define LDS_BYTES		SZ_64K
#define WAVE_TURN		256
/* a wave that sleeps after so few instructions polls; it is left alone for 2^n - 1 turns */
#define POLL_INSTRUCTIONS	32
#define MAX_NAPS		3
#define AT_BARRIER		0xff
/* a resource of GWS: how many may still pass or come, and which of two times it is */
#define GWS_COUNTER		GENMASK(11, 0)
#define GWS_FLAG		BIT(15)
/* a wave at a barrier: it came at the time that the flag says */
#define GWS_WAITS		BIT(0)
#define GROUP_MAGIC		0x47444d41
#define GROUP_HEADER		8
#define ENTRY_MAGIC		0x57000000
/* Apertures of all GPUs from GFX 9 on: kfd_flat_memory.c */
#define SHARED_BASE		BIT_ULL(48)
#define PRIVATE_BASE		BIT_ULL(49)

/* COMPUTE_PGM_RSRC1 */
#define RSRC1_VGPRS		GENMASK(5, 0)
#define RSRC1_FLOAT_MODE	GENMASK(19, 12)
#define RSRC1_PRIV		BIT(20)
#define RSRC1_DX10_CLAMP	BIT(21)
#define RSRC1_IEEE_MODE		BIT(23)
/* COMPUTE_PGM_RSRC2 */
#define RSRC2_SCRATCH		BIT(0)
#define RSRC2_USER_SGPRS	GENMASK(5, 1)
#define RSRC2_TGID_X		BIT(7)
#define RSRC2_TGID_Y		BIT(8)
#define RSRC2_TGID_Z		BIT(9)
#define RSRC2_TG_SIZE		BIT(10)
#define RSRC2_TIDIG		GENMASK(12, 11)
#define RSRC2_LDS_SIZE		GENMASK(23, 15)
/* COMPUTE_PGM_RSRC3 of 9.4.2 and 9.4.3 */
#define RSRC3_ACCUM_OFFSET	GENMASK(5, 0)
/* COMPUTE_TMPRING_SIZE */
#define TMPRING_WAVES		GENMASK(11, 0)
#define TMPRING_WAVESIZE	GENMASK(24, 12)

/* The kernel descriptor. */
struct kernel_descriptor {
	__le32 group_size;
	__le32 private_size;
	__le32 kernarg_size;
	__le32 reserved0;
	__le64 entry;
	__le32 reserved1[5];
	__le32 rsrc3;
	__le32 rsrc1;
	__le32 rsrc2;
	__le16 properties;
	__le16 preload;
	__le32 reserved2;
};

static_assert(sizeof(struct kernel_descriptor) == 64);

#define KERNEL_PRIVATE_BUFFER	BIT(0)
#define KERNEL_DISPATCH_PTR	BIT(1)
#define KERNEL_QUEUE_PTR	BIT(2)
#define KERNEL_KERNARG		BIT(3)
#define KERNEL_DISPATCH_ID	BIT(4)
#define KERNEL_FLAT_SCRATCH	BIT(5)
#define KERNEL_PRIVATE_SIZE	BIT(6)
#define KERNEL_WAVE32		BIT(10)
#define KERNEL_DYNAMIC_STACK	BIT(11)
#define KERNEL_KNOWN		(GENMASK(6, 0) | KERNEL_WAVE32 | KERNEL_DYNAMIC_STACK)
/* dwords of the arguments that go into user SGPRs, and the first one */
#define PRELOAD_LENGTH		GENMASK(6, 0)
#define PRELOAD_OFFSET		GENMASK(15, 7)
/* behind what a kernel has for firmware that loads none */
#define PRELOAD_ENTRY		256

/* A kernel dispatch packet. */
struct dispatch_packet {
	__le16 header;
	__le16 setup;
	__le16 size[3];
	__le16 reserved0;
	__le32 grid[3];
	__le32 private_size;
	__le32 group_size;
	__le64 kernel;
	__le64 kernarg;
	__le64 reserved1;
	__le64 completion;
};

static_assert(sizeof(struct dispatch_packet) == 64);

/* The runtime's queue structure, from where the GPU reports its rptr on. */
#define QUEUE_RPTR_OFFSET	8
#define QUEUE_TMPRING		12
#define QUEUE_SCRATCH_BUFFER	16
#define QUEUE_SCRATCH_BASE	32

static struct simgpu *to_sim(const struct simgpu_dispatch *dispatch)
{
	return dispatch->queue->sim;
}

static unsigned int generation(const struct simgpu_desc *desc)
{
	return IP_VERSION_MAJ(desc->gc_version);
}

static bool unified(const struct simgpu_desc *desc)
{
	return desc->gc_version == IP_VERSION(9, 4, 2) || desc->gc_version == IP_VERSION(9, 4, 3);
}

/* Scratch has its address in a register that hardware sets, and no buffer descriptor. */
static bool own_scratch(const struct simgpu_desc *desc)
{
	return generation(desc) >= 11 || desc->gc_version == IP_VERSION(9, 4, 3);
}

/* Registers that are at another place in each generation; 0 where there is none. */
static unsigned int reg_rsrc3(const struct simgpu_desc *desc)
{
	if (generation(desc) >= 10)
		return 41;
	return unified(desc) ? 46 : 0;
}

static unsigned int reg_relaunch(const struct simgpu_desc *desc)
{
	switch (generation(desc)) {
	case 9:
		return 35;
	case 10:
		return 44;
	default:
		return 49;
	}
}

/* COMPUTE_STATIC_THREAD_MGMT of a shader engine, where the driver writes it. */
static unsigned int reg_cu_mask(const struct simgpu_desc *desc, unsigned int engine)
{
	static const u8 first[] = {
		SIMGPU_REG_SE0, SIMGPU_REG_SE1, SIMGPU_REG_SE2, SIMGPU_REG_SE3
	};

	if (engine < ARRAY_SIZE(first))
		return first[engine];
	return (generation(desc) == 9 ? 39 : 44) + engine - ARRAY_SIZE(first);
}

static u32 reg(const struct simgpu_share *share, unsigned int number)
{
	return number ? share->regs[number] : 0;
}

static void set_reg(struct simgpu_share *share, unsigned int number, u32 value)
{
	share->regs[number] = value;
	share->live[number / 32] |= BIT(number % 32);
}

static void forget_reg(struct simgpu_share *share, unsigned int number)
{
	if (!(share->live[number / 32] & BIT(number % 32)))
		return;
	share->regs[number] = 0;
	share->live[number / 32] &= ~BIT(number % 32);
}

static void forget_regs(struct simgpu_share *share)
{
	unsigned int i;

	for (i = 0; i < SIMGPU_REGS; i++)
		forget_reg(share, i);
}

/* ---- memory of waves ---- */

static struct simgpu_space *wave_space(void *context)
{
	return simgpu_queue_space(context);
}

static int wave_fetch(void *context, u64 address, void *data, unsigned int bytes)
{
	return simgpu_fetch(wave_space(context), address, data, bytes);
}

static int wave_read(void *context, u64 address, void *data, unsigned int bytes)
{
	return simgpu_read(wave_space(context), address, data, bytes);
}

static int wave_write(void *context, u64 address, const void *data, unsigned int bytes)
{
	return simgpu_write(wave_space(context), address, data, bytes);
}

static int wave_probe(void *context, u64 address, unsigned int bytes, bool write)
{
	return simgpu_probe(wave_space(context), address, bytes, write);
}

struct wave_atomic {
	enum simgpu_atomic operation;
	u64 data, compare;
};

static u64 wave_atomic_result(void *context, unsigned int bytes, u64 memory)
{
	const struct wave_atomic *atomic = context;

	return simgpu_atomic_result(atomic->operation, bytes, memory, atomic->data,
				    atomic->compare);
}

static int wave_atomic(void *context, u64 address, enum simgpu_atomic operation,
		       unsigned int bytes, u64 data, u64 compare, u64 *old)
{
	struct wave_atomic atomic = { .operation = operation, .data = data, .compare = compare };

	return simgpu_update(wave_space(context), address, bytes, wave_atomic_result, &atomic,
			     old);
}

static u64 wave_clock(void *context)
{
	return simgpu_clock();
}

static const struct simgpu_wave_ops wave_ops = {
	.fetch = wave_fetch,
	.read = wave_read,
	.write = wave_write,
	.probe = wave_probe,
	.atomic = wave_atomic,
	.clock = wave_clock,
};

/* ---- what registers say ---- */

/**
 * struct shape - a dispatch in numbers
 * @size: threads of a workgroup
 * @partial: threads of the last workgroup
 * @start: number of the first workgroup
 * @groups: workgroups
 * @lanes: threads of a wave
 * @waves: waves of a workgroup
 * @vgprs: vector registers of a wave
 * @agprs: and accumulation registers
 * @file: registers that it takes from the SIMD's file
 * @lds: bytes of LDS of a workgroup
 * @slot: bytes of scratch of a wave
 * @slots: waves that have scratch; 0 when they need none
 */
struct shape {
	u32 size[3], partial[3], start[3], groups[3];
	u32 lanes, waves;
	u32 vgprs, agprs, file;
	u32 lds;
	u32 slot, slots;
};

/* Waves of this shape that fit a compute unit. */
static u32 unit_waves(const struct simgpu_desc *desc, const struct shape *shape)
{
	/* registers of a lane of a SIMD, for waves of 64 or of 32 threads */
	u32 file = generation(desc) >= 11 ? 1536 : generation(desc) == 10 ? 1024 :
		   unified(desc) ? 512 : 256;
	u32 each = generation(desc) >= 10 && shape->lanes == 64 ? 2 * shape->file : shape->file;

	return desc->simd_per_cu * min_t(u32, desc->max_waves_per_simd, file / each);
}

static bool shape_of(const struct simgpu_dispatch *dispatch, const struct simgpu_share *share,
		     struct shape *shape)
{
	const struct simgpu_desc *desc = to_sim(dispatch)->desc;
	u32 initiator = reg(share, SIMGPU_REG_INITIATOR), rsrc1 = reg(share, SIMGPU_REG_RSRC1);
	u32 rsrc2 = reg(share, SIMGPU_REG_RSRC2), granule;
	u64 threads = 1;
	unsigned int i;

	memset(shape, 0, sizeof(*shape));
	for (i = 0; i < 3; i++) {
		u32 dim = reg(share, SIMGPU_REG_DIM_X + i);
		u32 size = reg(share, SIMGPU_REG_NUM_THREAD_X + i) & 0xffff;
		u32 partial = reg(share, SIMGPU_REG_NUM_THREAD_X + i) >> 16;

		if (!size || !dim)
			return false;
		shape->size[i] = size;
		if (initiator & SIMGPU_INITIATOR_THREADS) {
			shape->groups[i] = DIV_ROUND_UP(dim, size);
			shape->partial[i] = dim % size ?: size;
		} else {
			shape->groups[i] = dim;
			shape->partial[i] = partial ?: size;
		}
		if (!(initiator & SIMGPU_INITIATOR_START0))
			shape->start[i] = reg(share, SIMGPU_REG_START_X + i);
		if (shape->start[i] >= shape->groups[i] || shape->partial[i] > size)
			return false;
		threads *= size;
	}
	if (threads > 1024)
		return false;
	shape->lanes = generation(desc) >= 10 && initiator & SIMGPU_INITIATOR_W32 ? 32 : 64;
	shape->waves = DIV_ROUND_UP(threads, shape->lanes);

	granule = unified(desc) || shape->lanes == 32 ? 8 : 4;
	shape->file = (FIELD_GET(RSRC1_VGPRS, rsrc1) + 1) * granule;
	shape->vgprs = shape->file;
	if (unified(desc)) {
		shape->vgprs = (FIELD_GET(RSRC3_ACCUM_OFFSET, reg(share, reg_rsrc3(desc))) + 1) * 4;
		if (shape->vgprs > shape->file)
			shape->vgprs = shape->file;
		shape->agprs = shape->file - shape->vgprs;
	} else if (desc->gc_version == IP_VERSION(9, 4, 1)) {
		shape->agprs = shape->vgprs;
	}
	if (shape->vgprs > 256 || shape->agprs > 256)
		return false;
	shape->lds = FIELD_GET(RSRC2_LDS_SIZE, rsrc2) * LDS_GRANULE;
	if (rsrc2 & RSRC2_SCRATCH) {
		u32 tmpring = reg(share, SIMGPU_REG_TMPRING);

		shape->slots = FIELD_GET(TMPRING_WAVES, tmpring);
		shape->slot = FIELD_GET(TMPRING_WAVESIZE, tmpring) *
			      (generation(desc) >= 11 ? 256 : 1024);
		if (!shape->slots || !shape->slot)
			return false;
	}
	return shape->lds <= LDS_BYTES && shape->waves <= unit_waves(desc, shape);
}

/* Workgroups that an XCC launches, and which is the nth of them. */
static u64 share_groups(const struct simgpu_dispatch *dispatch, const struct simgpu_share *share,
			const struct shape *shape)
{
	u64 all = (u64)(shape->groups[0] - shape->start[0]) *
		  (shape->groups[1] - shape->start[1]) * (shape->groups[2] - shape->start[2]);

	if (!dispatch->spread)
		return share->xcc == dispatch->target ? all : 0;
	return all / dispatch->xccs + (share->logical < all % dispatch->xccs);
}

static u64 share_group(const struct simgpu_dispatch *dispatch, const struct simgpu_share *share,
		       u64 nth)
{
	return dispatch->spread ? nth * dispatch->xccs + share->logical : nth;
}

static void group_place(const struct shape *shape, u64 id, u32 *place)
{
	u32 x = shape->groups[0] - shape->start[0], y = shape->groups[1] - shape->start[1];

	place[0] = shape->start[0] + do_div(id, x);
	place[1] = shape->start[1] + do_div(id, y);
	place[2] = shape->start[2] + id;
}

/* ---- compute units ---- */

/* HW_ID of GFX 9, or HW_ID1, but for the wave */
static u32 unit_hw_id(const struct simgpu_desc *desc, u32 engine, u32 array, u32 cu)
{
	if (generation(desc) == 9)
		return engine << 13 | array << 12 | cu << 8;
	return engine << 18 | array << 16 | cu / 2 << 10;
}

/*
 * Which shader engine, array and place a unit has, of those that work.  The CU mask counts those
 * of each array that work, not places.
 */
static bool unit_find(const struct simgpu *sim, const struct simgpu_share *share,
		      unsigned int xcc, unsigned int unit, u32 *hw_id)
{
	const struct simgpu_desc *desc = sim->desc;
	unsigned int engine, array, nth;

	for (engine = 0; engine < desc->engines; engine++) {
		for (array = 0; array < desc->arrays; array++) {
			u32 works = simgpu_desc_cus(desc, sim->die, xcc, engine, array);
			u32 mask = reg(share, reg_cu_mask(desc, engine)) >> (array * 16);

			/* several XCCs: there are 4 shader engines, and other words behind */
			for (nth = 0; works; works &= works - 1, nth++) {
				if (unit--)
					continue;
				*hw_id = unit_hw_id(desc, engine, array, __ffs(works));
				return mask & BIT(nth);
			}
		}
	}
	return false;
}

static int unit_take(const struct simgpu_dispatch *dispatch, struct simgpu_share *share,
		     const struct shape *shape, u32 *hw_id)
{
	struct simgpu *sim = to_sim(dispatch);
	unsigned int cus = min_t(unsigned int, sim->desc->cus, SIMGPU_MAX_UNITS), i, unit;
	unsigned int xcc = dispatch->queue->partition * dispatch->xccs + share->xcc;
	u32 waves = unit_waves(sim->desc, shape);

	for (i = 0; i < cus; i++) {
		unit = (share->turn + i) % cus;
		if (share->units[unit].waves + shape->waves > waves ||
		    share->units[unit].lds + shape->lds > LDS_BYTES ||
		    !unit_find(sim, share, xcc, unit, hw_id))
			continue;
		share->turn = unit + 1;
		return unit;
	}
	return -EBUSY;
}

/* ---- workgroups ---- */

static void group_free(struct simgpu_share *share, struct simgpu_group *group)
{
	unsigned int i;

	for (i = 0; i < group->waves; i++) {
		if (group->slot[i] < SIMGPU_MAX_SLOTS)
			clear_bit(group->slot[i], share->slots);
		if (group->wave[i])
			kfree(group->wave[i]->vgpr);
		kfree(group->wave[i]);
	}
	kfree(group->group.lds);
	kfree(group);
}

/* Bytes of a workgroup on the control stack, and in the save area. */
static u32 entry_bytes(const struct simgpu_dispatch *dispatch)
{
	return generation(to_sim(dispatch)->desc) == 9 ? 8 : 12;
}

static u32 group_bytes(const struct simgpu_group *group)
{
	u32 dwords = GROUP_HEADER + simgpu_workgroup_dwords(&group->group);
	unsigned int i;

	for (i = 0; i < group->waves; i++)
		dwords += 1 + simgpu_wave_dwords(group->wave[i]);
	return dwords * sizeof(u32);
}

/*
 * Memory of a workgroup.  The engine must neither wait for memory nor take the last of it: what
 * it does not get now it gets later, when others have ended.
 */
static struct simgpu_group *group_alloc(const struct simgpu_dispatch *dispatch,
					struct simgpu_share *share, const struct shape *shape,
					u64 id)
{
	const gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN | __GFP_NOMEMALLOC;
	const struct simgpu_isa *isa = simgpu_isa_find(to_sim(dispatch)->desc->gc_version);
	struct simgpu_group *group = kzalloc(sizeof(*group), gfp);
	unsigned int i;

	if (!group)
		return NULL;
	memset(group->slot, 0xff, sizeof(group->slot));
	group->id = id;
	group->waves = shape->waves;
	group->group.waves = shape->waves;
	group->group.lds_size = shape->lds;
	if (shape->lds) {
		group->group.lds = kzalloc(shape->lds, gfp);
		if (!group->group.lds)
			goto fail;
	}
	for (i = 0; i < shape->waves; i++) {
		/* simgpu_wave_init() clears its state, and its registers */
		struct simgpu_wave *wave = kmalloc(sizeof(*wave), gfp);

		if (!wave)
			goto fail;
		group->wave[i] = wave;
		wave->isa = isa;
		wave->ops = &wave_ops;
		wave->context = dispatch->queue;
		wave->group = &group->group;
		wave->lanes = shape->lanes;
		wave->vgprs = shape->vgprs;
		wave->agprs = shape->agprs;
		wave->vgpr = kmalloc_array(shape->vgprs + shape->agprs,
					   shape->lanes * sizeof(u32), gfp);
		if (!wave->vgpr || simgpu_wave_init(wave))
			goto fail;
	}
	return group;
fail:
	group_free(share, group);
	return NULL;
}

/* All waves of a workgroup get their scratch, or none does. */
static bool group_slots(struct simgpu_share *share, const struct shape *shape,
			struct simgpu_group *group)
{
	unsigned int i, slot;

	for (i = 0; shape->slots && i < group->waves; i++) {
		slot = find_first_zero_bit(share->slots, shape->slots);
		if (slot >= shape->slots)
			return false;
		set_bit(slot, share->slots);
		group->slot[i] = slot;
	}
	return true;
}

static void group_enter(struct simgpu_dispatch *dispatch, struct simgpu_share *share,
			struct simgpu_group *group, const struct shape *shape, unsigned int unit)
{
	group->unit = unit;
	share->units[unit].waves += group->waves;
	share->units[unit].lds += shape->lds;
	share->reserved += group_bytes(group);
	share->reserved_stack += group->waves * entry_bytes(dispatch);
	list_add_tail(&group->node, &share->groups);
}

static void group_leave(struct simgpu_dispatch *dispatch, struct simgpu_share *share,
			struct simgpu_group *group)
{
	share->units[group->unit].waves -= group->waves;
	share->units[group->unit].lds -= group->group.lds_size;
	share->reserved -= group_bytes(group);
	share->reserved_stack -= group->waves * entry_bytes(dispatch);
	list_del(&group->node);
	group_free(share, group);
}

/* Can it be saved, beside all others? */
static bool group_fits(const struct simgpu_dispatch *dispatch, const struct simgpu_share *share,
		       const struct simgpu_group *group)
{
	u32 stack = share->reserved_stack + group->waves * entry_bytes(dispatch);
	u32 least = generation(to_sim(dispatch)->desc) == 9 ? 0 : SZ_64;

	return (u64)share->area_pos + share->reserved + group_bytes(group) <= share->area_size &&
	       stack + least <= share->stack_pos;
}

/* ---- the first registers of a wave ---- */

static void wave_vgprs(const struct simgpu_desc *desc, const struct simgpu_share *share,
		       const struct shape *shape, const u32 *place, struct simgpu_wave *wave,
		       unsigned int number)
{
	u32 dims = FIELD_GET(RSRC2_TIDIG, reg(share, SIMGPU_REG_RSRC2)), size[3], lane, i;
	bool packed = generation(desc) >= 11 || unified(desc);
	u64 exec = 0;

	for (i = 0; i < 3; i++)
		size[i] = place[i] + 1 == shape->groups[i] ? shape->partial[i] : shape->size[i];
	for (lane = 0; lane < shape->lanes; lane++) {
		u32 flat = number * shape->lanes + lane, x, y, z;

		if (flat >= size[0] * size[1] * size[2])
			break;
		exec |= BIT_ULL(lane);
		x = flat % size[0];
		y = flat / size[0] % size[1];
		z = flat / size[0] / size[1];
		if (packed) {
			wave->vgpr[lane] = x | y << 10 | z << 20;
			continue;
		}
		wave->vgpr[lane] = x;
		if (dims >= 1 && shape->vgprs > 1)
			wave->vgpr[shape->lanes + lane] = y;
		if (dims >= 2 && shape->vgprs > 2)
			wave->vgpr[2 * shape->lanes + lane] = z;
	}
	simgpu_wave_set_pair(wave, SIMGPU_S_EXEC, exec);
}

static void wave_sgprs(const struct simgpu_dispatch *dispatch, const struct simgpu_share *share,
		       const struct shape *shape, const u32 *place, struct simgpu_wave *wave,
		       unsigned int number, unsigned int slot)
{
	const struct simgpu_desc *desc = to_sim(dispatch)->desc;
	u32 rsrc2 = reg(share, SIMGPU_REG_RSRC2);
	u32 users = min_t(u32, FIELD_GET(RSRC2_USER_SGPRS, rsrc2), SIMGPU_USER_DATA_REGS);
	u64 scratch = (reg(share, SIMGPU_REG_SCRATCH_LO) |
		       (u64)reg(share, SIMGPU_REG_SCRATCH_HI) << 32) << 8;
	u64 offset = (u64)slot * shape->slot;
	u32 *next = wave->scalar, i;

	/*
	 * Each XCC has a part of the scratch memory of an AQL queue.  The registers of PM4 are of
	 * one XCC, and what they say is this one's.
	 */
	if (dispatch->spread)
		offset += (u64)share->xcc * shape->slots * shape->slot;
	for (i = 0; i < users; i++)
		*next++ = reg(share, SIMGPU_REG_USER_DATA + i);
	if (generation(desc) == 12) {
		wave->scalar[SIMGPU_S_TTMP + 9] = place[0];
		wave->scalar[SIMGPU_S_TTMP + 7] = place[1] | place[2] << 16;
		wave->scalar[SIMGPU_S_TTMP + 8] = number << 25;
	} else {
		if (rsrc2 & RSRC2_TGID_X)
			*next++ = place[0];
		if (rsrc2 & RSRC2_TGID_Y)
			*next++ = place[1];
		if (rsrc2 & RSRC2_TGID_Z)
			*next++ = place[2];
		if (rsrc2 & RSRC2_TG_SIZE)
			*next++ = shape->waves | (number ? 0 : BIT(31));
	}
	if (!shape->slots)
		return;
	if (own_scratch(desc))
		simgpu_wave_set_scratch(wave, scratch + offset);
	else
		*next++ = offset;
}

static void wave_begin(const struct simgpu_dispatch *dispatch, const struct simgpu_share *share,
		       const struct shape *shape, struct simgpu_group *group, unsigned int number,
		       u32 hw_id)
{
	const struct simgpu_desc *desc = to_sim(dispatch)->desc;
	u32 rsrc1 = reg(share, SIMGPU_REG_RSRC1), place[3];
	struct simgpu_wave *wave = group->wave[number];

	group_place(shape, group->id, place);
	wave->pc = (reg(share, SIMGPU_REG_PGM_LO) |
		    (u64)reg(share, SIMGPU_REG_PGM_HI) << 32) << 8;
	wave->mode = FIELD_GET(RSRC1_FLOAT_MODE, rsrc1);
	if (rsrc1 & RSRC1_DX10_CLAMP)
		wave->mode |= BIT(8);
	if (rsrc1 & RSRC1_IEEE_MODE)
		wave->mode |= BIT(9);
	wave->shared_base = SHARED_BASE;
	wave->private_base = PRIVATE_BASE;
	wave->sh_mem_bases = (SHARED_BASE >> 48) << 16 | PRIVATE_BASE >> 48;
	wave->hw_id[0] = hw_id | number % 10;
	wave->xcc_id = dispatch->queue->partition * dispatch->xccs + share->xcc;
	wave->lds_alloc = shape->lds / LDS_GRANULE << 12;
	wave->doorbell = dispatch->queue->doorbell / 2 % 1024;
	wave_vgprs(desc, share, shape, place, wave, number);
	wave_sgprs(dispatch, share, shape, place, wave, number, group->slot[number]);
}

/* ---- launch ---- */

/* Returns 0 after a workgroup was launched, -EBUSY when there is no room for one. */
static int share_launch(struct simgpu_dispatch *dispatch, struct simgpu_share *share,
			const struct shape *shape)
{
	struct simgpu_group *group;
	unsigned int i;
	u32 hw_id;
	int unit;

	unit = unit_take(dispatch, share, shape, &hw_id);
	if (unit < 0)
		return unit;
	group = group_alloc(dispatch, share, shape, share_group(dispatch, share, share->next));
	if (!group)
		return -EBUSY;
	if (!group_fits(dispatch, share, group) || !group_slots(share, shape, group)) {
		group_free(share, group);
		/* what does not fit alone never does */
		return list_empty(&share->groups) ? -ENOSPC : -EBUSY;
	}
	for (i = 0; i < group->waves; i++)
		wave_begin(dispatch, share, shape, group, i, hw_id);
	group_enter(dispatch, share, group, shape, unit);
	share->next++;
	return 0;
}

/* ---- the stack of saved workgroups ---- */

static int stack_access(const struct simgpu_dispatch *dispatch, const struct simgpu_share *share,
			u32 pos, u32 *entry, bool write)
{
	u32 bytes = entry_bytes(dispatch);

	if (bytes == 8)
		return simgpu_queue_stack(dispatch->queue, share->xcc, pos, entry, bytes, write);
	return write ? simgpu_write(simgpu_queue_space(dispatch->queue), share->area + pos, entry,
				    bytes) :
		       simgpu_read(simgpu_queue_space(dispatch->queue), share->area + pos, entry,
				   bytes);
}

static int area_access(const struct simgpu_dispatch *dispatch, const struct simgpu_share *share,
		       u32 pos, u32 *data, u32 dwords, bool write)
{
	struct simgpu_space *space = simgpu_queue_space(dispatch->queue);

	return write ? simgpu_write(space, share->area + pos, data, dwords * sizeof(u32)) :
		       simgpu_read(space, share->area + pos, data, dwords * sizeof(u32));
}

/* Entries of a workgroup, that of its first wave on top. */
static int group_push_entries(struct simgpu_dispatch *dispatch, struct simgpu_share *share,
			      const struct simgpu_group *group)
{
	u32 entry[3];
	int i, ret;

	for (i = group->waves - 1; i >= 0; i--) {
		entry[0] = ENTRY_MAGIC | i << 8 | group->waves;
		entry[1] = i ? simgpu_wave_dwords(group->wave[i]) : group_bytes(group);
		entry[2] = group->id;
		share->stack_pos -= entry_bytes(dispatch);
		ret = stack_access(dispatch, share, share->stack_pos, entry, true);
		if (ret)
			return ret;
	}
	return 0;
}

/* A workgroup's own record: what it is, and LDS. */
static u32 group_head_dwords(const struct simgpu_group *group)
{
	return GROUP_HEADER + simgpu_workgroup_dwords(&group->group);
}

static int group_push(struct simgpu_dispatch *dispatch, struct simgpu_share *share,
		      struct simgpu_group *group)
{
	u32 *words = to_sim(dispatch)->wave_words, dwords = group_head_dwords(group);
	u32 pos = share->area_pos, i;
	int ret;

	memset(words, 0, GROUP_HEADER * sizeof(u32));
	words[0] = GROUP_MAGIC;
	words[1] = group->id;
	words[2] = group->waves;
	words[3] = share->xcc;
	words[4] = group_bytes(group);
	simgpu_workgroup_pack(&group->group, words + GROUP_HEADER);
	ret = area_access(dispatch, share, pos, words, dwords, true);
	for (i = 0; i < group->waves && !ret; i++) {
		pos += dwords * sizeof(u32);
		dwords = 1 + simgpu_wave_dwords(group->wave[i]);
		words[0] = group->slot[i] | group->gws[i] << 16;
		simgpu_wave_pack(group->wave[i], words + 1);
		ret = area_access(dispatch, share, pos, words, dwords, true);
	}
	ret = ret ?: group_push_entries(dispatch, share, group);
	if (!ret)
		share->area_pos += group_bytes(group);
	return ret;
}

/* Read a workgroup back, from @pos on.  @group has the shape that it had. */
static int group_read(struct simgpu_dispatch *dispatch, struct simgpu_share *share,
		      struct simgpu_group *group, u32 pos)
{
	u32 *words = to_sim(dispatch)->wave_words, dwords = group_head_dwords(group), i;
	int ret;

	ret = area_access(dispatch, share, pos, words, dwords, false);
	if (ret)
		return ret;
	if (words[0] != GROUP_MAGIC || words[2] != group->waves || words[3] != share->xcc ||
	    words[4] != group_bytes(group))
		return -EINVAL;
	group->id = words[1];
	ret = simgpu_workgroup_unpack(&group->group, words + GROUP_HEADER);
	for (i = 0; i < group->waves && !ret; i++) {
		pos += dwords * sizeof(u32);
		dwords = 1 + simgpu_wave_dwords(group->wave[i]);
		ret = area_access(dispatch, share, pos, words, dwords, false);
		if (ret)
			break;
		group->gws[i] = words[0] >> 16;
		words[0] &= 0xffff;
		if (words[0] < SIMGPU_MAX_SLOTS) {
			if (test_and_set_bit(words[0], share->slots))
				return -EINVAL;
			group->slot[i] = words[0];
		}
		ret = simgpu_wave_unpack(group->wave[i], words + 1);
	}
	return ret;
}

/* Returns 0 after a workgroup came off the stack, -EBUSY when there is no room for it yet. */
static int share_pop(struct simgpu_dispatch *dispatch, struct simgpu_share *share,
		     const struct shape *shape)
{
	u32 bytes = entry_bytes(dispatch), entry[3], hw_id, i;
	struct simgpu_group *group;
	int ret, unit;

	ret = stack_access(dispatch, share, share->stack_pos, entry, false);
	if (ret)
		return ret;
	if (entry[0] != (ENTRY_MAGIC | shape->waves) ||
	    entry[1] > share->area_pos - share->stack_size ||
	    shape->waves * bytes > share->stack_bottom - share->stack_pos)
		return -EINVAL;
	unit = unit_take(dispatch, share, shape, &hw_id);
	if (unit < 0)
		return unit;
	group = group_alloc(dispatch, share, shape, 0);
	if (!group)
		return -EBUSY;
	ret = entry[1] == group_bytes(group) ? 0 : -EINVAL;
	ret = ret ?: group_read(dispatch, share, group, share->area_pos - entry[1]);
	if (ret) {
		group_free(share, group);
		return ret;
	}
	/* the unit and the queue's doorbell may be others than before */
	for (i = 0; i < group->waves; i++) {
		group->wave[i]->hw_id[0] = hw_id | i % 10;
		group->wave[i]->doorbell = dispatch->queue->doorbell / 2 % 1024;
	}
	share->stack_pos += shape->waves * bytes;
	share->area_pos -= entry[1];
	group_enter(dispatch, share, group, shape, unit);
	return 0;
}

/* ---- execution ---- */

/* Bits of TRAPSTS, from GFX 12 on of EXCP_FLAG_PRIV. */
#define TRAPSTS_MEM_VIOL	BIT(8)
#define TRAPSTS_ILLEGAL_INST	BIT(11)
#define EXCP_PRIV_MEM_VIOL	BIT(4)
#define EXCP_PRIV_ILLEGAL_INST	BIT(6)
/* where the kernel's trap handler leaves STATUS, or STATE_PRIV, for that of the process */
#define TTMP_STATUS		12
/* number of the shader engine in what unit_hw_id() returns */
#define HW_ID_ENGINE_GFX9	GENMASK(15, 13)
#define HW_ID_ENGINE		GENMASK(20, 18)

static u32 wave_engine(const struct simgpu_dispatch *dispatch, const struct simgpu_wave *wave)
{
	return generation(to_sim(dispatch)->desc) == 9 ?
	       FIELD_GET(HW_ID_ENGINE_GFX9, wave->hw_id[0]) :
	       FIELD_GET(HW_ID_ENGINE, wave->hw_id[0]);
}

/*
 * Every trap and exception leads to the kernel's trap handler, which finds that of the process in
 * its memory and jumps there.  Returns false without one.
 */
static bool wave_enter_handler(struct simgpu_dispatch *dispatch, struct simgpu_wave *wave,
			       unsigned int trap)
{
	struct simgpu_space *space = simgpu_queue_space(dispatch->queue);
	u64 memory = simgpu_mmu_tma(space->sim, space->id), tba, tma;
	bool gfx12 = generation(to_sim(dispatch)->desc) == 12;

	if (!memory || wave->status & SIMGPU_STATUS_PRIV ||
	    simgpu_read64(space, memory, &tba) || !tba ||
	    simgpu_read64(space, memory + sizeof(tba), &tma))
		return false;
	wave->tba = tba;
	wave->tma = tma;
	wave->scalar[SIMGPU_S_TTMP + TTMP_STATUS] =
		gfx12 ? simgpu_wave_state_priv(wave) : simgpu_wave_status(wave);
	simgpu_wave_trap(wave, trap);
	return true;
}

/* Without a handler of the process, that of the kernel returns behind the instruction. */
static int wave_trap(struct simgpu_dispatch *dispatch, struct simgpu_wave *wave,
		     const struct simgpu_wave_event *event)
{
	if (!wave_enter_handler(dispatch, wave, event->value))
		simgpu_wave_pass(wave, event);
	return 0;
}

/* A wave that cannot go on.  Returns 0 when its process has a handler, else the wave is halted. */
static int wave_stop(struct simgpu_dispatch *dispatch, struct simgpu_wave *wave,
		     const struct simgpu_wave_event *event, u32 exception, const char *why)
{
	if (wave_enter_handler(dispatch, wave, 0))
		return 0;
	dispatch->exception = exception;
	/* the same exception must not come again when the queue is loaded again */
	simgpu_wave_halt(wave, true);
	dev_info_ratelimited(to_sim(dispatch)->adev->dev,
			     "simgpu: wave at %#llx stops: %s %s (%#x %#x)\n", wave->pc, why,
			     event->name, event->words[0], event->words[1]);
	return -EINVAL;
}

/* What hardware itself finds wrong with a wave, it tells by an interrupt. */
static int wave_error(struct simgpu_dispatch *dispatch, struct simgpu_wave *wave,
		      const struct simgpu_wave_event *event, enum simgpu_wave_error error,
		      const char *why)
{
	bool illegal = error == SIMGPU_WAVE_ERROR_ILLEGAL;

	simgpu_irq_wave_error(simgpu_queue_space(dispatch->queue), wave_engine(dispatch, wave),
			      error, wave->status & SIMGPU_STATUS_PRIV);
	if (generation(to_sim(dispatch)->desc) == 12)
		wave->excp_priv |= illegal ? EXCP_PRIV_ILLEGAL_INST : EXCP_PRIV_MEM_VIOL;
	else
		wave->trapsts |= illegal ? TRAPSTS_ILLEGAL_INST : TRAPSTS_MEM_VIOL;
	return wave_stop(dispatch, wave, event, illegal ? EC_QUEUE_WAVE_ILLEGAL_INSTRUCTION :
			 EC_QUEUE_WAVE_APERTURE_VIOLATION, why);
}

#define MESSAGE_INTERRUPT	1
#define MESSAGE_DEALLOC_VGPRS	3
#define MESSAGE_GET_DOORBELL	10

static int wave_message(struct simgpu_dispatch *dispatch, struct simgpu_wave *wave,
			const struct simgpu_wave_event *event)
{
	bool gfx11 = generation(to_sim(dispatch)->desc) >= 11;

	switch (event->value & 0xff) {
	case MESSAGE_INTERRUPT:
		simgpu_irq_wave_message(simgpu_queue_space(dispatch->queue),
					wave_engine(dispatch, wave), event->data,
					wave->status & SIMGPU_STATUS_PRIV);
		return 0;
	case MESSAGE_GET_DOORBELL:
		if (gfx11)
			break;
		/* bit 31, which the program has set, is 0 as soon as the answer is there */
		wave->scalar[SIMGPU_S_EXEC] = wave->doorbell;
		return 0;
	case MESSAGE_DEALLOC_VGPRS:
		if (gfx11)
			return 0;
		break;
	}
	return wave_error(dispatch, wave, event, SIMGPU_WAVE_ERROR_ILLEGAL, "unknown message");
}

/*
 * Global wave sync.  Waves of all workgroups meet at a barrier: all but the last one count the
 * resource down and wait until its flag is another one; the last one turns the flag round and
 * sets the counter for the next time.  Returns 1 when the instruction is done, 0 when the wave
 * waits, or a negative errno.
 */
static int wave_gws(struct simgpu_dispatch *dispatch, struct simgpu_share *share,
		    struct simgpu_group *group, unsigned int number,
		    const struct simgpu_wave_event *event)
{
	u32 *resource = &share->gws[event->resource];
	u16 *waits = &group->gws[number];

	if (!dispatch->queue->gws)
		return wave_error(dispatch, group->wave[number], event,
				  SIMGPU_WAVE_ERROR_MEMORY, "the queue has no GWS");
	switch (event->value) {
	case SIMGPU_GWS_INIT:
		*resource = event->data & GWS_COUNTER;
		return 1;
	case SIMGPU_GWS_BARRIER:
		if (*waits) {
			if (!((*waits ^ *resource) & GWS_FLAG))
				return 0;
			*waits = 0;
			return 1;
		}
		if (*resource & GWS_COUNTER) {
			*waits = GWS_WAITS | (*resource & GWS_FLAG);
			--*resource;
			return 0;
		}
		*resource = (~*resource & GWS_FLAG) | (event->data & GWS_COUNTER);
		return 1;
	case SIMGPU_GWS_SEMA_V:
	case SIMGPU_GWS_SEMA_BR:
		*resource += event->value == SIMGPU_GWS_SEMA_V ? 1 : event->data;
		*resource &= GWS_COUNTER;
		return 1;
	case SIMGPU_GWS_SEMA_P:
		if (!(*resource & GWS_COUNTER))
			return 0;
		--*resource;
		return 1;
	default:
		return wave_error(dispatch, group->wave[number], event,
				  SIMGPU_WAVE_ERROR_ILLEGAL, "illegal instruction");
	}
}

/*
 * Is there nothing to execute for a wave in this turn?  A hundred waves that look at a word of
 * memory without a pause would else take all the time from whoever is to write it.
 */
static bool wave_rests(struct simgpu_group *group, unsigned int number)
{
	const struct simgpu_wave *wave = group->wave[number];

	if (wave->ended)
		return true;
	if (group->naps[number] == AT_BARRIER) {
		if (simgpu_wave_waits(wave))
			return true;
		group->naps[number] = 0;
	}
	if (!group->rest[number])
		return false;
	group->rest[number]--;
	return true;
}

static void wave_sleeps(struct simgpu_group *group, unsigned int number, u64 executed)
{
	u8 *naps = &group->naps[number];

	*naps = executed > POLL_INSTRUCTIONS ? 0 : min(*naps + 1, MAX_NAPS);
	group->rest[number] = BIT(*naps) - 1;
}

/* One turn of a wave, of which @steps are counted.  Returns 0 or a negative errno. */
static int wave_turn(struct simgpu_dispatch *dispatch, struct simgpu_share *share,
		     struct simgpu_group *group, unsigned int number, u64 *steps)
{
	struct simgpu_wave *wave = group->wave[number];
	struct simgpu_wave_event event = { };
	enum simgpu_wave_result result;
	int ret;

	if (wave_rests(group, number))
		return 0;
	result = simgpu_wave_run(wave, WAVE_TURN, &event);
	*steps += event.executed + event.moved / sizeof(u32);
	atomic64_add(event.executed, &to_sim(dispatch)->instructions);
	switch (result) {
	case SIMGPU_WAVE_BARRIER:
		group->naps[number] = AT_BARRIER;
		return 0;
	case SIMGPU_WAVE_SLEEPS:
		wave_sleeps(group, number, event.executed);
		return 0;
	case SIMGPU_WAVE_RUNS:
	case SIMGPU_WAVE_ENDED:
		group->naps[number] = 0;
		return 0;
	case SIMGPU_WAVE_MESSAGE:
		return wave_message(dispatch, wave, &event);
	case SIMGPU_WAVE_TRAP:
		/* it is an instruction that has been executed */
		*steps += 1;
		atomic64_inc(&to_sim(dispatch)->instructions);
		return wave_trap(dispatch, wave, &event);
	case SIMGPU_WAVE_HALTED:
		/* whoever halted it has told why */
		dispatch->exception = EC_QUEUE_WAVE_ABORT;
		return -EINVAL;
	case SIMGPU_WAVE_FAULT:
		return event.error == -EFAULT ? -EFAULT :
		       wave_error(dispatch, wave, &event, SIMGPU_WAVE_ERROR_MEMORY, "bad access");
	case SIMGPU_WAVE_GWS:
		ret = wave_gws(dispatch, share, group, number, &event);
		if (ret <= 0)
			return ret;
		simgpu_wave_pass(wave, &event);
		*steps += 1;
		atomic64_inc(&to_sim(dispatch)->instructions);
		return 0;
	case SIMGPU_WAVE_ILLEGAL:
		break;
	}
	return wave_error(dispatch, wave, &event, SIMGPU_WAVE_ERROR_ILLEGAL,
			  "illegal instruction");
}

/* One turn of the workgroups of an XCC, or of those that the budget is enough for. */
static int share_turn(struct simgpu_dispatch *dispatch, struct simgpu_share *share, u64 budget,
		      u64 *steps)
{
	size_t groups = list_count_nodes(&share->groups);
	struct simgpu_group *group;
	unsigned int i;
	int ret;

	while (groups-- && *steps < budget) {
		group = list_first_entry(&share->groups, struct simgpu_group, node);
		for (i = 0; i < group->waves; i++) {
			ret = wave_turn(dispatch, share, group, i, steps);
			if (ret)
				return ret;
		}
		list_move_tail(&group->node, &share->groups);
		if (group->group.waves)
			continue;
		group_leave(dispatch, share, group);
		/* the place that it has left is taken in the next turn */
		*steps += 1;
	}
	return 0;
}

/* Fill the units.  Returns whether there is anything to execute, now or later. */
static int share_fill(struct simgpu_dispatch *dispatch, struct simgpu_share *share)
{
	struct shape shape;
	int ret = 0;

	if (!shape_of(dispatch, share, &shape)) {
		dispatch->exception = EC_QUEUE_PACKET_DISPATCH_REGISTER_INVALID;
		return -EINVAL;
	}
	while (!ret && share->stack_pos < share->stack_bottom)
		ret = share_pop(dispatch, share, &shape);
	while (!ret && share->next < share_groups(dispatch, share, &shape))
		ret = share_launch(dispatch, share, &shape);
	if (ret && ret != -EBUSY) {
		dispatch->exception = EC_QUEUE_PREEMPTION_ERROR;
		return ret;
	}
	return share->stack_pos < share->stack_bottom || !list_empty(&share->groups) ||
	       share->next < share_groups(dispatch, share, &shape);
}

/**
 * simgpu_dispatch_run - execute a dispatch
 * @dispatch: active dispatch
 * @left: steps that are left of the queue's turn, see %SIMGPU_TURN_STEPS; those that
 *	were done are taken from it
 *
 * Context: the engine, with simgpu.lock held.
 * Return: 0 when the dispatch has ended; 1 when there is more to do, -EAGAIN when
 * all waves wait; -EFAULT with the fault in the space, -EINVAL with
 * @dispatch->exception.
 */
int simgpu_dispatch_run(struct simgpu_dispatch *dispatch, u64 *left)
{
	u64 steps = 0, before;
	unsigned int i, xcc;
	int ret, busy;

	do {
		before = steps;
		busy = 0;
		for (i = 0; i < dispatch->xccs; i++) {
			xcc = (dispatch->first + i) % dispatch->xccs;
			if (!dispatch->spread && xcc != dispatch->target)
				continue;
			ret = share_fill(dispatch, dispatch->share[xcc]);
			if (ret < 0)
				return ret;
			busy |= ret;
			ret = share_turn(dispatch, dispatch->share[xcc], *left, &steps);
			if (ret)
				return ret;
		}
		cond_resched();
	} while (busy && steps > before && steps < *left);
	dispatch->first = (dispatch->first + 1) % dispatch->xccs;
	simgpu_take_steps(left, steps);
	if (busy)
		return steps ? 1 : -EAGAIN;
	dispatch->active = false;
	return 0;
}

static void dispatch_begin(struct simgpu_dispatch *dispatch, bool spread)
{
	unsigned int xcc;

	dispatch->active = true;
	dispatch->spread = spread;
	for (xcc = 0; xcc < dispatch->xccs; xcc++)
		dispatch->share[xcc]->next = 0;
}

/**
 * simgpu_dispatch_set - a packet sets a register
 * @dispatch: dispatch of a PM4 queue, not active
 * @reg: number of the register, from %SIMGPU_REG_INITIATOR on
 * @value: its value
 *
 * Context: the engine, with simgpu.lock held.
 * Return: 0, or -EINVAL for one that does not belong to a dispatch.
 */
int simgpu_dispatch_set(struct simgpu_dispatch *dispatch, unsigned int reg, u32 value)
{
	if (reg < SIMGPU_REG_INITIATOR || reg >= SIMGPU_REGS)
		return -EINVAL;
	set_reg(dispatch->share[dispatch->target], reg, value);
	return 0;
}

/**
 * simgpu_dispatch_direct - a packet starts a dispatch with the registers as they are
 * @dispatch: dispatch of a PM4 queue, not active
 * @dim: size of the grid, in the packet's units
 * @initiator: COMPUTE_DISPATCH_INITIATOR
 *
 * A grid of nothing is no mistake, and @dispatch is not active then.
 *
 * Context: the engine, with simgpu.lock held.
 * Return: 0; -EINVAL with @dispatch->exception.
 */
int simgpu_dispatch_direct(struct simgpu_dispatch *dispatch, const u32 *dim, u32 initiator)
{
	struct simgpu_share *share = dispatch->share[dispatch->target];
	struct shape shape;
	unsigned int i;

	for (i = 0; i < 3; i++)
		set_reg(share, SIMGPU_REG_DIM_X + i, dim[i]);
	set_reg(share, SIMGPU_REG_INITIATOR, initiator);
	if (!dim[0] || !dim[1] || !dim[2])
		return 0;
	if (!(initiator & SIMGPU_INITIATOR_SHADER) || !share->area ||
	    !shape_of(dispatch, share, &shape)) {
		dispatch->exception = EC_QUEUE_PACKET_DISPATCH_REGISTER_INVALID;
		return -EINVAL;
	}
	dispatch_begin(dispatch, false);
	return 0;
}

/* ---- AQL ---- */

static int aql_refuse(struct simgpu_dispatch *dispatch, u32 exception, const char *why)
{
	dev_info_ratelimited(to_sim(dispatch)->adev->dev,
			     "simgpu: kernel dispatch refused: %s\n", why);
	dispatch->exception = exception;
	return -EINVAL;
}

/* What of the packet does not depend on the kernel. */
static int aql_grid(struct simgpu_dispatch *dispatch, const struct dispatch_packet *packet)
{
	u32 dims = le16_to_cpu(packet->setup) & 3, threads = 1, i;

	if (!dims)
		return aql_refuse(dispatch, EC_QUEUE_PACKET_DISPATCH_DIM_INVALID, "dimensions");
	for (i = 0; i < 3; i++) {
		u32 size = le16_to_cpu(packet->size[i]);

		if (!packet->grid[i] || (i >= dims && le32_to_cpu(packet->grid[i]) != 1))
			return aql_refuse(dispatch, EC_QUEUE_PACKET_DISPATCH_DIM_INVALID, "grid");
		if (!size || size > 1024 || (i >= dims && size != 1))
			return aql_refuse(dispatch,
					  EC_QUEUE_PACKET_DISPATCH_WORK_GROUP_SIZE_INVALID,
					  "workgroup");
		threads *= size;
		if (threads > 1024)
			return aql_refuse(dispatch,
					  EC_QUEUE_PACKET_DISPATCH_WORK_GROUP_SIZE_INVALID,
					  "workgroup");
	}
	if (le32_to_cpu(packet->group_size) > LDS_BYTES)
		return aql_refuse(dispatch, EC_QUEUE_PACKET_DISPATCH_GROUP_SEGMENT_SIZE_INVALID,
				  "group segment");
	return 0;
}

/**
 * struct aql_scratch - what the runtime has set aside for the private segments of a queue
 * @queue: address of the queue structure
 * @tmpring: COMPUTE_TMPRING_SIZE
 * @buffer: buffer descriptor
 * @base: address of the memory
 */
struct aql_scratch {
	u64 queue;
	u32 tmpring;
	u32 buffer[4];
	u64 base;
};

static int aql_scratch(struct simgpu_dispatch *dispatch, struct aql_scratch *scratch)
{
	struct simgpu_space *space = simgpu_queue_space(dispatch->queue);
	u64 rptr_va = dispatch->queue->rptr_va;
	u32 offset;
	int ret;

	ret = simgpu_read32(space, rptr_va + QUEUE_RPTR_OFFSET, &offset);
	ret = ret ?: simgpu_read32(space, rptr_va + QUEUE_TMPRING, &scratch->tmpring);
	ret = ret ?: simgpu_read(space, rptr_va + QUEUE_SCRATCH_BUFFER, scratch->buffer,
				 sizeof(scratch->buffer));
	ret = ret ?: simgpu_read64(space, rptr_va + QUEUE_SCRATCH_BASE, &scratch->base);
	scratch->queue = rptr_va - offset;
	return ret;
}

static u32 *put64(u32 *user, u64 value)
{
	*user++ = lower_32_bits(value);
	*user++ = upper_32_bits(value);
	return user;
}

/* The user SGPRs of a kernel.  Returns how many. */
static unsigned int aql_user_data(const struct dispatch_packet *packet, u32 properties,
				  const struct aql_scratch *scratch, u64 at, u64 index, u32 *user)
{
	u32 *next = user;

	if (properties & KERNEL_PRIVATE_BUFFER) {
		memcpy(next, scratch->buffer, sizeof(scratch->buffer));
		next += ARRAY_SIZE(scratch->buffer);
	}
	if (properties & KERNEL_DISPATCH_PTR)
		next = put64(next, at);
	if (properties & KERNEL_QUEUE_PTR)
		next = put64(next, scratch->queue);
	if (properties & KERNEL_KERNARG)
		next = put64(next, le64_to_cpu(packet->kernarg));
	if (properties & KERNEL_DISPATCH_ID)
		next = put64(next, index);
	if (properties & KERNEL_FLAT_SCRATCH)
		next = put64(next, scratch->base);
	if (properties & KERNEL_PRIVATE_SIZE)
		*next++ = le32_to_cpu(packet->private_size);
	return next - user;
}

static int aql_registers(struct simgpu_dispatch *dispatch, struct simgpu_share *share,
			 const struct dispatch_packet *packet,
			 const struct kernel_descriptor *kernel,
			 const struct aql_scratch *scratch, u64 at, u64 index)
{
	const struct simgpu_desc *desc = to_sim(dispatch)->desc;
	u64 entry = le64_to_cpu(packet->kernel) + le64_to_cpu(kernel->entry);
	u32 properties = le16_to_cpu(kernel->properties), rsrc2 = le32_to_cpu(kernel->rsrc2);
	u32 preload = FIELD_GET(PRELOAD_LENGTH, le16_to_cpu(kernel->preload));
	u32 initiator = SIMGPU_INITIATOR_SHADER | SIMGPU_INITIATOR_START0 |
			SIMGPU_INITIATOR_THREADS;
	u32 user[SIMGPU_USER_DATA_REGS + 4] = { };
	unsigned int users, i;
	struct shape shape;
	int ret;

	users = aql_user_data(packet, properties, scratch, at, index, user);
	if (users + preload > SIMGPU_USER_DATA_REGS ||
	    users + preload > FIELD_GET(RSRC2_USER_SGPRS, rsrc2))
		return aql_refuse(dispatch, EC_QUEUE_PACKET_DISPATCH_CODE_INVALID, "user SGPRs");
	if (preload) {
		u64 from = FIELD_GET(PRELOAD_OFFSET, le16_to_cpu(kernel->preload)) * sizeof(u32);

		ret = simgpu_read(simgpu_queue_space(dispatch->queue),
				  le64_to_cpu(packet->kernarg) + from, user + users,
				  preload * sizeof(u32));
		if (ret)
			return ret;
		entry += PRELOAD_ENTRY;
	}
	if (properties & KERNEL_WAVE32)
		initiator |= SIMGPU_INITIATOR_W32;
	rsrc2 &= ~RSRC2_LDS_SIZE;
	rsrc2 |= FIELD_PREP(RSRC2_LDS_SIZE, DIV_ROUND_UP(le32_to_cpu(packet->group_size),
							 LDS_GRANULE));
	if (packet->private_size)
		rsrc2 |= RSRC2_SCRATCH;

	set_reg(share, SIMGPU_REG_INITIATOR, initiator);
	for (i = 0; i < 3; i++) {
		set_reg(share, SIMGPU_REG_DIM_X + i, le32_to_cpu(packet->grid[i]));
		set_reg(share, SIMGPU_REG_START_X + i, 0);
		set_reg(share, SIMGPU_REG_NUM_THREAD_X + i, le16_to_cpu(packet->size[i]));
	}
	set_reg(share, SIMGPU_REG_PGM_LO, lower_32_bits(entry >> 8));
	set_reg(share, SIMGPU_REG_PGM_HI, upper_32_bits(entry >> 8));
	set_reg(share, SIMGPU_REG_PKT_LO, lower_32_bits(at));
	set_reg(share, SIMGPU_REG_PKT_HI, upper_32_bits(at));
	set_reg(share, SIMGPU_REG_SCRATCH_LO, lower_32_bits(scratch->base >> 8));
	set_reg(share, SIMGPU_REG_SCRATCH_HI, upper_32_bits(scratch->base >> 8));
	set_reg(share, SIMGPU_REG_TMPRING, scratch->tmpring);
	set_reg(share, SIMGPU_REG_RSRC1, le32_to_cpu(kernel->rsrc1));
	set_reg(share, SIMGPU_REG_RSRC2, rsrc2);
	if (reg_rsrc3(desc))
		set_reg(share, reg_rsrc3(desc), le32_to_cpu(kernel->rsrc3));
	set_reg(share, SIMGPU_REG_DISPATCH_ID, lower_32_bits(index));
	for (i = 0; i < SIMGPU_USER_DATA_REGS; i++)
		set_reg(share, SIMGPU_REG_USER_DATA + i, user[i]);
	if (entry % 256 || !shape_of(dispatch, share, &shape))
		return aql_refuse(dispatch, EC_QUEUE_PACKET_DISPATCH_CODE_INVALID,
				  "entry, registers or scratch");
	if (packet->private_size && le32_to_cpu(packet->private_size) * shape.lanes > shape.slot)
		return aql_refuse(dispatch, EC_QUEUE_PACKET_DISPATCH_CODE_INVALID, "scratch");
	return 0;
}

/**
 * simgpu_dispatch_aql - a kernel dispatch packet starts a dispatch
 * @dispatch: dispatch of an AQL queue, not active
 * @packet: address of the packet
 * @index: its number in the queue
 *
 * Context: the engine, with simgpu.lock held.
 * Return: 0; -EFAULT with the fault in the space, -EINVAL with
 * @dispatch->exception.
 */
int simgpu_dispatch_aql(struct simgpu_dispatch *dispatch, u64 packet, u64 index)
{
	struct simgpu_space *space = simgpu_queue_space(dispatch->queue);
	struct aql_scratch scratch = { };
	struct kernel_descriptor kernel;
	struct dispatch_packet read;
	unsigned int xcc;
	int ret;

	ret = simgpu_read(space, packet, &read, sizeof(read));
	ret = ret ?: aql_grid(dispatch, &read);
	if (ret)
		return ret;
	if (!read.kernel || read.kernel & cpu_to_le64(63))
		return aql_refuse(dispatch, EC_QUEUE_PACKET_DISPATCH_CODE_INVALID, "no kernel");
	ret = simgpu_read(space, le64_to_cpu(read.kernel), &kernel, sizeof(kernel));
	if (ret)
		return ret;
	if (!kernel.entry)
		return aql_refuse(dispatch, EC_QUEUE_PACKET_DISPATCH_CODE_INVALID, "no entry");
	if (!simgpu_isa_find(to_sim(dispatch)->desc->gc_version))
		return aql_refuse(dispatch, EC_QUEUE_PACKET_DISPATCH_CODE_INVALID, "no such ISA");
	if (le16_to_cpu(kernel.properties) & ~KERNEL_KNOWN ||
	    (kernel.preload && !unified(to_sim(dispatch)->desc)))
		return aql_refuse(dispatch, EC_QUEUE_PACKET_DISPATCH_CODE_INVALID,
				  "kernel code properties");
	if (le32_to_cpu(kernel.rsrc1) & RSRC1_PRIV)
		return aql_refuse(dispatch, EC_QUEUE_PACKET_DISPATCH_CODE_INVALID, "privilege");
	if (read.private_size ||
	    le16_to_cpu(kernel.properties) & (KERNEL_PRIVATE_BUFFER | KERNEL_QUEUE_PTR |
					      KERNEL_FLAT_SCRATCH))
		ret = aql_scratch(dispatch, &scratch);
	if (ret)
		return ret;
	for (xcc = 0; xcc < dispatch->xccs; xcc++) {
		if (!dispatch->share[xcc]->area)
			return aql_refuse(dispatch, EC_QUEUE_PACKET_DISPATCH_CODE_INVALID,
					  "the queue has no save area");
		ret = aql_registers(dispatch, dispatch->share[xcc], &read, &kernel, &scratch,
				    packet, index);
		if (ret)
			return ret;
	}
	dispatch_begin(dispatch, true);
	return 0;
}

/* ---- MQD ---- */

/**
 * simgpu_dispatch_alloc - memory for what a queue dispatches
 * @sim: GPU
 * @queue: compute queue
 *
 * Context: process context; may be the engine.
 * Return: the dispatch, to be freed with simgpu_dispatch_free(), or NULL.
 */
struct simgpu_dispatch *simgpu_dispatch_alloc(struct simgpu *sim, struct simgpu_queue *queue)
{
	struct simgpu_dispatch *dispatch = kzalloc(sizeof(*dispatch), GFP_NOIO);
	unsigned int xcc;

	if (!dispatch)
		return NULL;
	dispatch->queue = queue;
	dispatch->xccs = simgpu_xccs(sim);
	for (xcc = 0; xcc < dispatch->xccs; xcc++) {
		struct simgpu_share *share = kzalloc(sizeof(*share), GFP_NOIO);

		if (!share) {
			simgpu_dispatch_free(dispatch);
			return NULL;
		}
		share->xcc = xcc;
		INIT_LIST_HEAD(&share->groups);
		dispatch->share[xcc] = share;
	}
	return dispatch;
}

/**
 * simgpu_dispatch_free - forget a dispatch, with all workgroups on the units
 * @dispatch: dispatch, or NULL
 *
 * Context: any.
 */
void simgpu_dispatch_free(struct simgpu_dispatch *dispatch)
{
	struct simgpu_group *group, *next;
	unsigned int xcc;

	if (!dispatch)
		return;
	for (xcc = 0; xcc < dispatch->xccs && dispatch->share[xcc]; xcc++) {
		list_for_each_entry_safe(group, next, &dispatch->share[xcc]->groups, node)
			group_free(dispatch->share[xcc], group);
		kfree(dispatch->share[xcc]);
	}
	kfree(dispatch);
}

/**
 * simgpu_dispatch_load - read an XCC's part of a dispatch from its MQD
 * @dispatch: dispatch of a queue that is being loaded
 * @xcc: number of the XCC in its partition
 * @mqd: MQD, which has been checked
 * @stack_bottom: end of the saved waves on the control stack
 *
 * Context: any.
 * Return: 0, or -EINVAL for what no save has left there.
 */
int simgpu_dispatch_load(struct simgpu_dispatch *dispatch, unsigned int xcc, const u32 *mqd,
			 u32 stack_bottom)
{
	const struct simgpu_desc *desc = to_sim(dispatch)->desc;
	const struct simgpu_wave_mqd *at = &desc->wave_mqd;
	struct simgpu_share *share = dispatch->share[xcc];
	u32 relaunch, i;

	memcpy(share->live, mqd + desc->mqd_layout->live, sizeof(share->live));
	/* the CU mask is the driver's, and always there */
	for (i = 0; i < SIMGPU_REGS; i++)
		if (share->live[i / 32] & BIT(i % 32))
			share->regs[i] = mqd[i];
	for (i = 0; i < desc->engines; i++)
		share->regs[reg_cu_mask(desc, i)] = mqd[reg_cu_mask(desc, i)];
	share->logical = desc->max_xcc > 1 ? mqd[desc->xcc_mqd.logical] : 0;
	dispatch->target = desc->max_xcc > 1 ? mqd[desc->xcc_mqd.target] : 0;
	share->stack_size = mqd[at->stack_size];
	/* above what each XCC leaves there, also when it has not done so yet */
	share->stack_bottom = stack_bottom;
	share->stack_pos = min(mqd[at->stack_offset], stack_bottom);
	share->area = mqd[at->base_lo] | (u64)mqd[at->base_hi] << 32;
	share->area_size = mqd[desc->mqd.save_size];
	share->area_pos = mqd[at->offset];
	if (mqd[desc->mqd_layout->live] & SIMGPU_MQD_LIVE_GWS)
		memcpy(share->gws, mqd + SIMGPU_MQD_GWS, sizeof(share->gws));
	relaunch = share->regs[reg_relaunch(desc)];
	if (relaunch & SHARE_RELAUNCH) {
		dispatch->active = true;
		dispatch->spread = relaunch & SHARE_SPREAD;
		share->next = share->regs[SIMGPU_REG_THREADGROUP_ID];
	} else if (share->stack_pos < stack_bottom) {
		return -EINVAL;
	}
	return share->area_pos >= share->stack_size || !share->area ? 0 : -EINVAL;
}

/**
 * simgpu_dispatch_save - put an XCC's part of a dispatch into its MQD
 * @dispatch: dispatch of a queue that leaves the hardware
 * @xcc: number of the XCC in its partition
 * @mqd: MQD, to be written back
 *
 * Context: any, with simgpu.lock held.
 */
void simgpu_dispatch_save(struct simgpu_dispatch *dispatch, unsigned int xcc, u32 *mqd)
{
	struct simgpu *sim = to_sim(dispatch);
	const struct simgpu_wave_mqd *at = &sim->desc->wave_mqd;
	struct simgpu_share *share = dispatch->share[xcc];
	bool active = dispatch->active && (dispatch->spread || xcc == dispatch->target);
	struct simgpu_group *group, *next;
	struct shape shape;
	u32 place[3], i;

	list_for_each_entry_safe(group, next, &share->groups, node) {
		if (group_push(dispatch, share, group))
			dev_err(sim->adev->dev, "simgpu: waves of workgroup %u are lost\n",
				group->id);
		group_leave(dispatch, share, group);
	}
	if (active) {
		set_reg(share, reg_relaunch(sim->desc), SHARE_RELAUNCH |
			(dispatch->spread ? SHARE_SPREAD : 0));
		set_reg(share, SIMGPU_REG_THREADGROUP_ID, share->next);
		if (shape_of(dispatch, share, &shape)) {
			group_place(&shape, share_group(dispatch, share, share->next), place);
			for (i = 0; i < 3; i++)
				set_reg(share, SIMGPU_REG_RESTART_X + i, place[i]);
		}
	} else {
		/* an AQL packet brings all registers; those of PM4 are the process' */
		if (dispatch->queue->type == SIMGPU_QUEUE_AQL)
			forget_regs(share);
		forget_reg(share, reg_relaunch(sim->desc));
		forget_reg(share, SIMGPU_REG_THREADGROUP_ID);
		for (i = 0; i < 3; i++)
			forget_reg(share, SIMGPU_REG_RESTART_X + i);
	}
	for (i = 0; i < SIMGPU_REGS; i++)
		if (share->live[i / 32] & BIT(i % 32))
			mqd[i] = (mqd[i] & ~sim->mqd_bits[i]) | (share->regs[i] & sim->mqd_bits[i]);
	memcpy(mqd + sim->desc->mqd_layout->live, share->live, sizeof(share->live));
	if (memchr_inv(share->gws, 0, sizeof(share->gws))) {
		memcpy(mqd + SIMGPU_MQD_GWS, share->gws, sizeof(share->gws));
		mqd[sim->desc->mqd_layout->live] |= SIMGPU_MQD_LIVE_GWS;
	} else {
		mqd[sim->desc->mqd_layout->live] &= ~SIMGPU_MQD_LIVE_GWS;
	}
	mqd[at->stack_offset] = share->stack_pos;
	mqd[at->offset] = share->area_pos;
}
