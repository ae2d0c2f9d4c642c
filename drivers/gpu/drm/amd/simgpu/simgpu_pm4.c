// SPDX-License-Identifier: MIT
/*
 * Executor of PM4 packets, of compute queues and of the kernel's rings.
 *
 * Packet formats: type 3 packets of GFX 9, as in kfd_pm4_headers_ai.h and
 * soc15d.h.
 */
#include "amdgpu.h"
#include "soc15d.h"

#include "simgpu_dispatch.h"
#include "simgpu_packet.h"

#define PM4_TYPE(h)			((h) >> 30)
#define PM4_OPCODE(h)			(((h) >> 8) & 0xff)
#define PM4_COUNT(h)			(((h) >> 16) & 0x3fff)
/* a type 3 NOP with this count is one dword long */
#define PM4_COUNT_NONE			0x3fff
#define PM4_WRITE_DST(d)		(((d) >> 8) & 0xf)
#define PM4_WRITE_DST_MEMORY		5
#define PM4_WRITE_DST_TC_L2		2
#define PM4_WRITE_ONE_ADDRESS(d)	((d) & BIT(16))
#define PM4_WAIT_FUNCTION(d)		((d) & 7)
#define PM4_WAIT_MEMORY(d)		(((d) >> 4) & 3)
#define PM4_RELEASE_INT(d)		(((d) >> 24) & 7)
#define PM4_RELEASE_DATA(d)		((d) >> 29)
#define PM4_INDIRECT_DWORDS		4
#define PM4_INDIRECT_VMID(d)		(((d) >> 24) & 0xf)
#define PM4_MAX_FIXED			8
#define PM4_SH_REG_OFFSET(d)		((d) & 0xffff)
/* of DMA_DATA; where the count is narrower, bits above it are 0 */
#define PM4_DMA_DST(d)			(((d) >> 20) & 3)
#define PM4_DMA_SRC(d)			(((d) >> 29) & 3)
#define PM4_DMA_BYTES(d)		((d) & GENMASK(25, 0))
/* registers, or an address that stays the same */
#define PM4_DMA_NOT_MEMORY		GENMASK(29, 26)
/* COMPUTE_DISPATCH_INITIATOR, from PACKET3_SET_SH_REG_START on */
#define PM4_SH_REG_COMPUTE		0x200

enum pm4_dma_place {
	PM4_DMA_MEMORY,
	PM4_DMA_GDS,
	PM4_DMA_PACKET,
	PM4_DMA_L2,
};

enum pm4_release_data {
	RELEASE_DATA_NONE,
	RELEASE_DATA_32,
	RELEASE_DATA_64,
	RELEASE_DATA_GPU_CLOCK,
	RELEASE_DATA_CP_CLOCK,
};

enum pm4_release_int {
	RELEASE_INT_NONE,
	RELEASE_INT_ONLY,
	RELEASE_INT_CONFIRM,
};

static u64 pm4_address(const u32 *packet, unsigned int dword)
{
	return packet[dword] | (u64)packet[dword + 1] << 32;
}

static int pm4_write_data(struct simgpu_space *space, const struct simgpu_stream *stream,
			  const u32 *packet, unsigned int dwords)
{
	u64 dst = pm4_address(packet, 2) & ~3ULL;
	unsigned int offset;
	int ret = 0;
	u32 value;

	if (PM4_WRITE_DST(packet[1]) != PM4_WRITE_DST_MEMORY &&
	    PM4_WRITE_DST(packet[1]) != PM4_WRITE_DST_TC_L2)
		return -EINVAL;
	for (offset = 4; offset < dwords && !ret; offset++) {
		ret = simgpu_stream_read(space, stream, offset, &value, 1);
		if (!ret)
			ret = simgpu_write32(space, dst, value);
		if (!PM4_WRITE_ONE_ADDRESS(packet[1]))
			dst += sizeof(u32);
	}
	return ret;
}

static void pm4_interrupt(struct simgpu_pm4 *pm4, struct simgpu_space *space, u32 context)
{
	if (!pm4->kernel)
		simgpu_irq_end_of_pipe(space, context);
	else if (!pm4->ib.end)
		pm4->kernel->trap(pm4->kernel);
}

static int pm4_release_mem(struct simgpu_pm4 *pm4, struct simgpu_space *space, const u32 *packet)
{
	u64 dst = pm4_address(packet, 3), value = pm4_address(packet, 5);
	int ret = 0;

	if (pm4->kernel && !pm4->ib.end)
		pm4->kernel->fence(pm4->kernel);
	switch (PM4_RELEASE_DATA(packet[2])) {
	case RELEASE_DATA_NONE:
		break;
	case RELEASE_DATA_32:
		ret = simgpu_write32(space, dst & ~3ULL, lower_32_bits(value));
		break;
	case RELEASE_DATA_GPU_CLOCK:
	case RELEASE_DATA_CP_CLOCK:
		value = simgpu_clock();
		fallthrough;
	case RELEASE_DATA_64:
		ret = simgpu_write64(space, dst & ~7ULL, value);
		break;
	default:
		ret = -EINVAL;
	}
	if (ret)
		return ret;

	switch (PM4_RELEASE_INT(packet[2])) {
	case RELEASE_INT_ONLY:
	case RELEASE_INT_CONFIRM:
		pm4_interrupt(pm4, space, packet[7]);
		break;
	}
	return 0;
}

/* Nobody waits for a ring of the kernel in the middle of a packet, so it is done at once. */
static int pm4_dma_data(struct simgpu_pm4 *pm4, struct simgpu_space *space, const u32 *packet)
{
	u64 src = pm4_address(packet, 2), dst = pm4_address(packet, 4);
	u32 bytes = PM4_DMA_BYTES(packet[6]);

	if (!pm4->kernel || packet[6] & PM4_DMA_NOT_MEMORY ||
	    PM4_DMA_DST(packet[1]) == PM4_DMA_GDS || PM4_DMA_DST(packet[1]) == PM4_DMA_PACKET)
		return -EINVAL;
	switch (PM4_DMA_SRC(packet[1])) {
	case PM4_DMA_MEMORY:
	case PM4_DMA_L2:
		return simgpu_copy(space, dst, src, bytes);
	case PM4_DMA_PACKET:
		if (!IS_ALIGNED(dst | bytes, sizeof(u32)))
			return -EINVAL;
		return simgpu_fill(space, dst, packet[2], sizeof(u32), bytes);
	default:
		return -EINVAL;
	}
}

static int pm4_wait_reg_mem(struct simgpu_space *space, const u32 *packet)
{
	u32 value;
	int ret;

	/* there are no registers that a queue could wait for */
	if (!PM4_WAIT_MEMORY(packet[1]))
		return -EINVAL;
	ret = simgpu_read32(space, pm4_address(packet, 2) & ~3ULL, &value);
	if (ret)
		return ret;
	return simgpu_compare(PM4_WAIT_FUNCTION(packet[1]), value & packet[5], packet[4]) ?
	       0 : -EAGAIN;
}

static int pm4_indirect(struct simgpu_pm4 *pm4, const u32 *packet)
{
	if (pm4->ib.end)
		return -EINVAL;
	pm4->ib = (struct simgpu_stream) {
		.base = pm4_address(packet, 1) & ~3ULL,
		.end = packet[3] & 0xfffff,
	};
	/* jobs of the kernel name the VMID that they run under */
	if (pm4->kernel)
		pm4->ib_space.id = PM4_INDIRECT_VMID(packet[3]);
	/* an empty buffer is through at once */
	if (!pm4->ib.end)
		pm4->ring.pos += PM4_INDIRECT_DWORDS;
	return 0;
}

static int pm4_vm_flush(struct simgpu_pm4 *pm4, const u32 *packet)
{
	u32 vmid = packet[1] % SIMGPU_NUM_VMID;

	if (!pm4->kernel || pm4->ib.end)
		return -EINVAL;
	simgpu_mmu_set_root(pm4->space.sim, vmid, pm4_address(packet, 2));
	simgpu_mmu_flush_space(pm4->space.sim, vmid);
	return 0;
}

static int pm4_set_sh_reg(struct simgpu_pm4 *pm4, const struct simgpu_stream *stream,
			  const u32 *packet, unsigned int dwords)
{
	u32 number = PM4_SH_REG_OFFSET(packet[1]) - PM4_SH_REG_COMPUTE + SIMGPU_REG_INITIATOR;
	unsigned int offset;
	int ret = 0;
	u32 value;

	if (!pm4->dispatch)
		return -EINVAL;
	for (offset = 2; offset < dwords && !ret; offset++) {
		ret = simgpu_stream_read(&pm4->space, stream, offset, &value, 1);
		ret = ret ?: simgpu_dispatch_set(pm4->dispatch, number++, value);
	}
	return ret;
}

/* Returns 1 as long as the kernel is running: the position stays here. */
static int pm4_dispatch(struct simgpu_pm4 *pm4, const u32 *dim, u32 initiator)
{
	int ret = 0;

	if (!pm4->dispatch)
		return -EINVAL;
	if (!pm4->dispatch->active)
		ret = simgpu_dispatch_direct(pm4->dispatch, dim, initiator);
	if (!ret && pm4->dispatch->active)
		ret = simgpu_dispatch_run(pm4->dispatch, &pm4->left);
	if (ret == -EINVAL)
		pm4->error = pm4->dispatch->exception;
	return ret;
}

static int pm4_dispatch_indirect(struct simgpu_pm4 *pm4, const u32 *packet)
{
	u32 dim[3] = { };
	int ret = 0;

	if (!pm4->dispatch)
		return -EINVAL;
	/* it is read once: the registers have it from then on */
	if (!pm4->dispatch->active)
		ret = simgpu_read(&pm4->space, pm4_address(packet, 1) & ~3ULL, dim, sizeof(dim));
	return ret ?: pm4_dispatch(pm4, dim, packet[3]);
}

/* Smallest number of dwords that a packet may have; 0 when it is not known. */
static unsigned int pm4_min_dwords(u32 opcode)
{
	switch (opcode) {
	case PACKET3_NOP:
		return 1;
	case PACKET3_WRITE_DATA:
		return 5;
	case PACKET3_WAIT_REG_MEM:
		return 7;
	case PACKET3_INDIRECT_BUFFER:
		return PM4_INDIRECT_DWORDS;
	case PACKET3_RELEASE_MEM:
		return 8;
	case PACKET3_ACQUIRE_MEM:
	case PACKET3_DMA_DATA:
		return 7;
	case PACKET3_SET_SH_REG:
		return 3;
	case PACKET3_DISPATCH_DIRECT:
		return 5;
	case PACKET3_DISPATCH_INDIRECT:
		return 4;
	case SIMGPU_PM4_OP_VM_FLUSH:
		return SIMGPU_PM4_VM_FLUSH_DWORDS;
	default:
		return 0;
	}
}

static int pm4_packet(struct simgpu_pm4 *pm4)
{
	struct simgpu_stream *stream = pm4->ib.end ? &pm4->ib : &pm4->ring;
	struct simgpu_space *space = pm4->kernel && pm4->ib.end ? &pm4->ib_space : &pm4->space;
	unsigned int dwords, least;
	u32 packet[PM4_MAX_FIXED];
	int ret;

	ret = simgpu_stream_read(space, stream, 0, packet, 1);
	if (ret)
		return ret;
	/* type 2 is a filler of one dword, type 0 and 1 write registers */
	if (PM4_TYPE(packet[0]) == PACKET_TYPE2) {
		stream->pos++;
		return 0;
	}
	if (PM4_TYPE(packet[0]) != PACKET_TYPE3)
		return -EINVAL;

	dwords = PM4_COUNT(packet[0]) + 2;
	if (PM4_OPCODE(packet[0]) == PACKET3_NOP && PM4_COUNT(packet[0]) == PM4_COUNT_NONE)
		dwords = 1;
	least = pm4_min_dwords(PM4_OPCODE(packet[0]));
	if (!least || dwords < least)
		return -EINVAL;
	if (stream->pos + dwords > stream->end)
		return stream->mask ? -EAGAIN : -EINVAL;
	ret = simgpu_stream_read(space, stream, 0, packet, least);
	if (ret)
		return ret;

	switch (PM4_OPCODE(packet[0])) {
	case PACKET3_SET_SH_REG:
		ret = pm4_set_sh_reg(pm4, stream, packet, dwords);
		break;
	case PACKET3_DISPATCH_DIRECT:
		ret = pm4_dispatch(pm4, packet + 1, packet[4]);
		break;
	case PACKET3_DISPATCH_INDIRECT:
		ret = pm4_dispatch_indirect(pm4, packet);
		break;
	case PACKET3_WRITE_DATA:
		ret = pm4_write_data(space, stream, packet, dwords);
		break;
	case PACKET3_DMA_DATA:
		ret = pm4_dma_data(pm4, space, packet);
		break;
	case PACKET3_WAIT_REG_MEM:
		ret = pm4_wait_reg_mem(space, packet);
		break;
	case PACKET3_RELEASE_MEM:
		ret = pm4_release_mem(pm4, space, packet);
		break;
	case PACKET3_INDIRECT_BUFFER:
		/* the position stays here until the buffer is through */
		return pm4_indirect(pm4, packet);
	case SIMGPU_PM4_OP_VM_FLUSH:
		ret = pm4_vm_flush(pm4, packet);
		break;
	default:
		/* NOP; ACQUIRE_MEM: all memory is coherent here */
		break;
	}
	if (!ret) {
		stream->pos += dwords;
		simgpu_take_steps(&pm4->left, dwords);
	}
	return ret;
}

/**
 * simgpu_pm4_run - execute packets of a PM4 queue, for a turn
 * @pm4: queue
 *
 * A turn is %SIMGPU_TURN_STEPS long, and the last packet of it may be longer.
 *
 * Context: process context, one caller at a time.
 * Return: as simgpu_sdma_run().
 */
int simgpu_pm4_run(struct simgpu_pm4 *pm4)
{
	int ret;

	pm4->error = EC_QUEUE_PACKET_UNSUPPORTED;
	pm4->left = SIMGPU_TURN_STEPS;
	while (pm4->left) {
		if (pm4->ib.end && pm4->ib.pos >= pm4->ib.end) {
			pm4->ib = (struct simgpu_stream) { };
			pm4->ring.pos += PM4_INDIRECT_DWORDS;
		}
		if (!pm4->ib.end && pm4->ring.pos >= pm4->ring.end)
			return 0;
		ret = pm4_packet(pm4);
		if (ret)
			return ret;
		simgpu_take_steps(&pm4->left, SIMGPU_PACKET_STEPS);
		atomic64_inc(&pm4->space.sim->packets);
	}
	return 1;
}
