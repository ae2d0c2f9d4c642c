// SPDX-License-Identifier: MIT
/*
 * Executor of SDMA packets.
 *
 * Packet formats: SDMA 4.x as in vega10_sdma_pkt_open.h; later engines kept
 * those of the packets here, but for the width of byte counts.  A packet that is not
 * known stops the queue: an engine that skips what it does not understand
 * loses step and executes data.
 */
#include "amdgpu.h"
#include "vega10_enum.h"
#include "vega10_sdma_pkt_open.h"

#include "simgpu_packet.h"

#define SDMA_HEADER_OP(h)		((h) & 0xff)
#define SDMA_HEADER_SUB_OP(h)		(((h) >> 8) & 0xff)
#define SDMA_NOP_COUNT(h)		(((h) >> 16) & 0x3fff)
#define SDMA_COPY_BROADCAST(h)		((h) & BIT(27))
#define SDMA_FILL_UNIT(h)		((h) >> 30)
#define SDMA_POLL_FUNCTION(h)		(((h) >> 28) & 7)
#define SDMA_POLL_MEMORY(h)		((h) & BIT(31))
#define SDMA_ATOMIC_OP(h)		((h) >> 25)
#define SDMA_IB_VMID(h)			(((h) >> 16) & 0xf)
#define SDMA_VM_FLUSH_VMID(h)		(((h) >> 16) & 0xf)
#define SDMA_DWORD_COUNT(d)		(((d) & 0xfffff) + 1)
#define SDMA_TRAP_CONTEXT(d)		((d) & 0xfffffff)
#define SDMA_TIMESTAMP_GET_GLOBAL	2
#define SDMA_PTE_COUNT(d)		(((d) & 0x7ffff) + 1)
#define SDMA_INDIRECT_DWORDS		6
#define SDMA_PTES_DWORDS		10
#define SDMA_MAX_PACKET			SDMA_PTES_DWORDS
/* Bytes that a queue moves in one turn, and the least that it moves at all. */
#define SDMA_SLICE			SZ_1M
#define SDMA_LEAST			SZ_4K

static u64 sdma_address(const u32 *packet, unsigned int dword)
{
	return packet[dword] | (u64)packet[dword + 1] << 32;
}

/* Newer engines count further. */
static u64 sdma_byte_count(struct simgpu_space *space, u32 dword)
{
	return (dword & space->sim->desc->sdma_count_mask) + 1ULL;
}

/*
 * How much of a packet of @len bytes to do now.  Others wait for the GPU while a packet is
 * executed, so a large one takes several turns, and the queue can leave the hardware in between.
 */
static int sdma_part(const struct simgpu_sdma *sdma, u64 len, u64 *part)
{
	/* the MQD said so */
	if (sdma->done >= len)
		return -EINVAL;
	*part = min(len - sdma->done, max_t(u64, sdma->slice & ~(SDMA_LEAST - 1ULL), SDMA_LEAST));
	return 0;
}

/* Returns 0 at the end of the packet, else 1. */
static int sdma_advance(struct simgpu_sdma *sdma, u64 len, u64 part)
{
	sdma->slice -= min(sdma->slice, part);
	sdma->done += part;
	if (sdma->done < len)
		return 1;
	sdma->done = 0;
	return 0;
}

static int sdma_copy(struct simgpu_sdma *sdma, struct simgpu_space *space, const u32 *packet)
{
	u64 len = sdma_byte_count(space, packet[1]), src = sdma_address(packet, 3), part;
	int ret;

	ret = sdma_part(sdma, len, &part);
	if (ret)
		return ret;
	src += sdma->done;
	ret = simgpu_copy(space, sdma_address(packet, 5) + sdma->done, src, part);
	if (!ret && SDMA_COPY_BROADCAST(packet[0]))
		ret = simgpu_copy(space, sdma_address(packet, 7) + sdma->done, src, part);
	return ret ?: sdma_advance(sdma, len, part);
}

/* The data of a WRITE packet can be longer than any buffer that we would keep for it. */
static int sdma_write(struct simgpu_space *space, const struct simgpu_stream *stream,
		      const u32 *packet, u64 *dwords)
{
	u64 dst = sdma_address(packet, 1), left = SDMA_DWORD_COUNT(packet[3]), offset = 4;
	u32 data[32];
	int ret;

	*dwords = offset + left;
	if (stream->pos + *dwords > stream->end)
		return stream->mask ? -EAGAIN : -EINVAL;
	while (left) {
		unsigned int part = min_t(u64, left, ARRAY_SIZE(data));

		ret = simgpu_stream_read(space, stream, offset, data, part);
		if (!ret)
			ret = simgpu_write(space, dst, data, part * sizeof(u32));
		if (ret)
			return ret;
		dst += part * sizeof(u32);
		offset += part;
		left -= part;
	}
	return 0;
}

static int sdma_fill(struct simgpu_sdma *sdma, struct simgpu_space *space, const u32 *packet)
{
	static const u8 units[] = { 1, 2, 4 };
	unsigned int unit = SDMA_FILL_UNIT(packet[0]);
	u64 len, part;
	int ret;

	if (unit >= ARRAY_SIZE(units))
		return -EINVAL;
	unit = units[unit];
	len = round_up(sdma_byte_count(space, packet[4]), unit);
	ret = sdma_part(sdma, len, &part);
	if (ret)
		return ret;
	ret = simgpu_fill(space, sdma_address(packet, 1) + sdma->done, packet[3], unit, part);
	return ret ?: sdma_advance(sdma, len, part);
}

/*
 * Entries of a page table: an address that grows from entry to entry, and the same flags in each.
 * A packet with more than a slice of them ends the turn, but is not done in parts: the driver asks
 * for those of a BO in one table, and a table is a page.
 *
 * Facts: vega10_sdma_pkt_open.h has the opcode, and the dwords as those of WRITE_INCR. There, the
 * flags are a mask. The driver puts them there to be added to each address.
 */
static int sdma_write_ptes(struct simgpu_sdma *sdma, struct simgpu_space *space, const u32 *packet)
{
	u64 dst = sdma_address(packet, 1), flags = sdma_address(packet, 3);
	u64 address = sdma_address(packet, 5), step = sdma_address(packet, 7);
	u64 left = SDMA_PTE_COUNT(packet[9]);
	u64 entries[32];
	int ret;

	sdma->slice -= min(sdma->slice, left * sizeof(u64));
	while (left) {
		unsigned int i, part = min_t(u64, left, ARRAY_SIZE(entries));

		for (i = 0; i < part; i++, address += step)
			entries[i] = address | flags;
		ret = simgpu_write(space, dst, entries, part * sizeof(u64));
		if (ret)
			return ret;
		dst += part * sizeof(u64);
		left -= part;
	}
	return 0;
}

static int sdma_poll(struct simgpu_space *space, const u32 *packet)
{
	u32 value;
	int ret;

	/* a register: the HDP flush acknowledge, which is always there */
	if (!SDMA_POLL_MEMORY(packet[0]))
		return 0;
	ret = simgpu_read32(space, sdma_address(packet, 1), &value);
	if (ret)
		return ret;
	if (!simgpu_compare(SDMA_POLL_FUNCTION(packet[0]), value & packet[4], packet[3]))
		return -EAGAIN;
	return 0;
}

static int sdma_atomic(struct simgpu_space *space, const u32 *packet)
{
	switch (SDMA_ATOMIC_OP(packet[0])) {
	case TC_OP_ATOMIC_ADD_RTN_64:
	case TC_OP_ATOMIC_ADD_64:
		return simgpu_atomic_add64(space, sdma_address(packet, 1),
					   sdma_address(packet, 3), NULL);
	default:
		return -EINVAL;
	}
}

static int sdma_indirect(struct simgpu_sdma *sdma, const u32 *packet)
{
	if (sdma->ib.end)
		return -EINVAL;
	sdma->ib = (struct simgpu_stream) {
		.base = sdma_address(packet, 1) & ~31ULL,
		.end = packet[3] & 0xfffff,
	};
	/* jobs of the kernel name the VMID that they run under */
	if (sdma->kernel)
		sdma->ib_space.id = SDMA_IB_VMID(packet[0]);
	/* an empty buffer is through at once */
	if (!sdma->ib.end)
		sdma->ring.pos += SDMA_INDIRECT_DWORDS;
	return 0;
}

static int sdma_trap(struct simgpu_sdma *sdma, struct simgpu_space *space, const u32 *packet)
{
	if (!sdma->kernel)
		simgpu_irq_sdma_trap(space, sdma->engine, SDMA_TRAP_CONTEXT(packet[1]));
	else if (!sdma->ib.end)
		sdma->kernel->trap(sdma->kernel);
	return 0;
}

static int sdma_fence(struct simgpu_sdma *sdma, struct simgpu_space *space, const u32 *packet)
{
	if (sdma->kernel && !sdma->ib.end)
		sdma->kernel->fence(sdma->kernel);
	return simgpu_write32(space, sdma_address(packet, 1), packet[3]);
}

static int sdma_vm_flush(struct simgpu_sdma *sdma, const u32 *packet)
{
	u32 vmid = SDMA_VM_FLUSH_VMID(packet[0]);

	if (!sdma->kernel || sdma->ib.end)
		return -EINVAL;
	simgpu_mmu_set_root(sdma->space.sim, vmid, sdma_address(packet, 1));
	simgpu_mmu_flush_space(sdma->space.sim, vmid);
	return 0;
}

/* Dwords of a packet but for the data of WRITE and NOP; 0 when it is not known. */
static unsigned int sdma_packet_dwords(u32 header)
{
	switch (SDMA_HEADER_OP(header)) {
	case SDMA_OP_NOP:
		return 1;
	case SDMA_OP_COPY:
		if (SDMA_HEADER_SUB_OP(header) != SDMA_SUBOP_COPY_LINEAR)
			return 0;
		return SDMA_COPY_BROADCAST(header) ? 9 : 7;
	case SDMA_OP_WRITE:
		return SDMA_HEADER_SUB_OP(header) == SDMA_SUBOP_WRITE_LINEAR ? 4 : 0;
	case SDMA_OP_INDIRECT:
		return SDMA_INDIRECT_DWORDS;
	case SDMA_OP_FENCE:
		return 4;
	case SDMA_OP_TRAP:
		return 2;
	case SDMA_OP_POLL_REGMEM:
		return SDMA_HEADER_SUB_OP(header) ? 0 : 6;
	case SDMA_OP_ATOMIC:
		return 8;
	case SDMA_OP_CONST_FILL:
		return 5;
	case SDMA_OP_PTEPDE:
		return SDMA_HEADER_SUB_OP(header) == SDMA_SUBOP_PTEPDE_GEN ? SDMA_PTES_DWORDS : 0;
	case SDMA_OP_TIMESTAMP:
		return SDMA_HEADER_SUB_OP(header) == SDMA_TIMESTAMP_GET_GLOBAL ? 3 : 0;
	case SIMGPU_SDMA_OP_VM_FLUSH:
		return SIMGPU_SDMA_VM_FLUSH_DWORDS;
	default:
		return 0;
	}
}

/*
 * Execute the packet at the stream's position and move the position past it.  Returns 1 when there
 * is more of it to do, and the position is still there.
 */
static int sdma_packet(struct simgpu_sdma *sdma)
{
	struct simgpu_stream *stream = sdma->ib.end ? &sdma->ib : &sdma->ring;
	struct simgpu_space *space = sdma->ib.end ? &sdma->ib_space : &sdma->space;
	u32 packet[SDMA_MAX_PACKET];
	u64 dwords;
	int ret;

	ret = simgpu_stream_read(space, stream, 0, packet, 1);
	if (ret)
		return ret;
	dwords = sdma_packet_dwords(packet[0]);
	if (!dwords)
		return -EINVAL;
	ret = simgpu_stream_read(space, stream, 0, packet, dwords);
	if (ret)
		return ret;

	switch (SDMA_HEADER_OP(packet[0])) {
	case SDMA_OP_NOP:
		dwords += SDMA_NOP_COUNT(packet[0]);
		if (stream->pos + dwords > stream->end)
			ret = stream->mask ? -EAGAIN : -EINVAL;
		break;
	case SDMA_OP_COPY:
		ret = sdma_copy(sdma, space, packet);
		break;
	case SDMA_OP_WRITE:
		ret = sdma_write(space, stream, packet, &dwords);
		if (!ret)
			sdma->slice -= min(sdma->slice, dwords * sizeof(u32));
		break;
	case SDMA_OP_INDIRECT:
		/* the position stays here until the buffer is through */
		return sdma_indirect(sdma, packet);
	case SDMA_OP_FENCE:
		ret = sdma_fence(sdma, space, packet);
		break;
	case SDMA_OP_TRAP:
		ret = sdma_trap(sdma, space, packet);
		break;
	case SDMA_OP_POLL_REGMEM:
		ret = sdma_poll(space, packet);
		break;
	case SDMA_OP_ATOMIC:
		ret = sdma_atomic(space, packet);
		break;
	case SDMA_OP_CONST_FILL:
		ret = sdma_fill(sdma, space, packet);
		break;
	case SDMA_OP_PTEPDE:
		ret = sdma_write_ptes(sdma, space, packet);
		break;
	case SDMA_OP_TIMESTAMP:
		ret = simgpu_write64(space, sdma_address(packet, 1), simgpu_clock());
		break;
	case SIMGPU_SDMA_OP_VM_FLUSH:
		ret = sdma_vm_flush(sdma, packet);
		break;
	}
	if (!ret)
		stream->pos += dwords;
	return ret;
}

/**
 * simgpu_sdma_run - execute packets of an SDMA queue
 * @sdma: queue
 * @budget: how many packets at most; what they move also ends at 1 MiB, in
 *	the middle of a copy or of a fill if need be
 *
 * Context: process context, one caller at a time.
 * Return: 1 when there is more to do, 0 when the ring is empty, -EAGAIN when
 * a packet waits for memory; -EFAULT with the fault in the space, -EINVAL for
 * a packet that cannot be executed.  The position is then at that packet.
 */
int simgpu_sdma_run(struct simgpu_sdma *sdma, unsigned int budget)
{
	int ret;

	sdma->slice = SDMA_SLICE;
	while (budget-- && sdma->slice) {
		if (sdma->ib.end && sdma->ib.pos >= sdma->ib.end) {
			sdma->ib = (struct simgpu_stream) { };
			sdma->ring.pos += SDMA_INDIRECT_DWORDS;
		}
		if (!sdma->ib.end && sdma->ring.pos >= sdma->ring.end)
			return 0;
		ret = sdma_packet(sdma);
		if (ret)
			return ret;
		atomic64_inc(&sdma->space.sim->packets);
	}
	return 1;
}
