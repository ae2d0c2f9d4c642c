// SPDX-License-Identifier: MIT
/*
 * The kernel's rings of graphics and of compute: jobs of DRM's clients.
 *
 * Facts: gfx_v*_0.c for the order of packets around a job and for the generations that have
 * graphics, soc15d.h and nvd.h for the packets.  On hardware the rings of compute are queues of
 * MEC, which amdkfd does without; here work items execute them, and amdkfd has all queues.
 */
#include "amdgpu.h"
#include "soc15d.h"
#include "vega10_enum.h"

#include "simgpu_ip.h"
#include "simgpu_packet.h"
#include "simgpu_ring.h"

#define CP_NOP			PACKET3(PACKET3_NOP, 0x3fff)
#define CP_WRITE_DWORDS		5
#define CP_WAIT_DWORDS		7
#define CP_RELEASE_DWORDS	8
#define CP_IB_DWORDS		4
#define CP_IB_ALIGN		8
#define CP_IB_VMID(vmid)	((vmid) << 24)
#define CP_WAIT_GREATER_EQUAL	(WAIT_REG_MEM_MEM_SPACE(1) | WAIT_REG_MEM_FUNCTION(5))
#define CP_WAIT_INTERVAL	4
#define CP_WRITE_MEMORY		(WRITE_DATA_DST_SEL(5) | WR_CONFIRM)
#define CP_END_OF_PIPE		(EVENT_TYPE(CACHE_FLUSH_AND_INV_TS_EVENT) | EVENT_INDEX(5))

/* What a test finds in memory before and after. */
#define CP_TEST_BEFORE		0xcafedead
#define CP_TEST_AFTER		0xdeadbeef
/* A virtual machine on a busy host takes longer than the driver allows hardware. */
#define CP_TEST_TIMEOUT		(10 * HZ)

static void simgpu_cp_emit_ib(struct amdgpu_ring *ring, struct amdgpu_job *job,
			      struct amdgpu_ib *ib, u32 flags)
{
	u32 vmid = AMDGPU_JOB_GET_VMID(job);

	amdgpu_ring_write(ring, PACKET3(PACKET3_INDIRECT_BUFFER, CP_IB_DWORDS - 2));
	simgpu_ring_emit_address(ring, ib->gpu_addr);
	amdgpu_ring_write(ring, ib->length_dw | CP_IB_VMID(vmid));
}

static void simgpu_cp_emit_fence(struct amdgpu_ring *ring, u64 address, u64 seq,
				 unsigned int flags)
{
	amdgpu_ring_write(ring, PACKET3(PACKET3_RELEASE_MEM, CP_RELEASE_DWORDS - 2));
	amdgpu_ring_write(ring, CP_END_OF_PIPE);
	amdgpu_ring_write(ring, DATA_SEL(flags & AMDGPU_FENCE_FLAG_64BIT ? 2 : 1) |
				INT_SEL(flags & AMDGPU_FENCE_FLAG_INT ? 2 : 0));
	simgpu_ring_emit_address(ring, address);
	simgpu_ring_emit_address(ring, seq);
	amdgpu_ring_write(ring, 0);
}

/* Wait for the fence of the job before, or for a later one: a reset writes the last of all. */
static void simgpu_cp_emit_pipeline_sync(struct amdgpu_ring *ring)
{
	amdgpu_ring_write(ring, PACKET3(PACKET3_WAIT_REG_MEM, CP_WAIT_DWORDS - 2));
	amdgpu_ring_write(ring, CP_WAIT_GREATER_EQUAL);
	simgpu_ring_emit_address(ring, ring->fence_drv.gpu_addr);
	amdgpu_ring_write(ring, ring->fence_drv.sync_seq);
	amdgpu_ring_write(ring, U32_MAX);
	amdgpu_ring_write(ring, CP_WAIT_INTERVAL);
}

static void simgpu_cp_emit_vm_flush(struct amdgpu_ring *ring, unsigned int vmid, u64 pd_address)
{
	amdgpu_ring_write(ring, PACKET3(SIMGPU_PM4_OP_VM_FLUSH, SIMGPU_PM4_VM_FLUSH_DWORDS - 2));
	amdgpu_ring_write(ring, vmid);
	simgpu_ring_emit_address(ring, pd_address | AMDGPU_PTE_VALID);
}

static void simgpu_cp_emit_write(u32 *packet, u64 address, u32 value)
{
	packet[0] = PACKET3(PACKET3_WRITE_DATA, CP_WRITE_DWORDS - 2);
	packet[1] = CP_WRITE_MEMORY;
	packet[2] = lower_32_bits(address);
	packet[3] = upper_32_bits(address);
	packet[4] = value;
}

/* One packet for all but one dword of it: a ring is filled up after each job. */
static void simgpu_cp_insert_nop(struct amdgpu_ring *ring, u32 count)
{
	if (count > 1) {
		amdgpu_ring_write(ring, PACKET3(PACKET3_NOP, count - 2));
		count--;
	}
	amdgpu_ring_insert_nop(ring, count);
}

static void simgpu_cp_pad_ib(struct amdgpu_ring *ring, struct amdgpu_ib *ib)
{
	while (ib->length_dw % CP_IB_ALIGN)
		ib->ptr[ib->length_dw++] = CP_NOP;
}

/* Does the ring write to memory, from the ring itself? */
static int simgpu_cp_test_ring(struct amdgpu_ring *ring)
{
	struct amdgpu_device *adev = ring->adev;
	u32 packet[CP_WRITE_DWORDS], word;
	int ret;

	ret = amdgpu_device_wb_get(adev, &word);
	if (ret)
		return ret;
	WRITE_ONCE(adev->wb.wb[word], CP_TEST_BEFORE);
	ret = amdgpu_ring_alloc(ring, CP_WRITE_DWORDS);
	if (ret)
		goto out;
	simgpu_cp_emit_write(packet, adev->wb.gpu_addr + word * sizeof(u32), CP_TEST_AFTER);
	amdgpu_ring_write_multiple(ring, packet, CP_WRITE_DWORDS);
	amdgpu_ring_commit(ring);
	simgpu_ring_wait(ring);
	if (READ_ONCE(adev->wb.wb[word]) != CP_TEST_AFTER)
		ret = -EIO;
out:
	amdgpu_device_wb_free(adev, word);
	return ret;
}

/* Does it from a command buffer, and does the fence signal? */
static int simgpu_cp_test_ib(struct amdgpu_ring *ring, long timeout)
{
	struct amdgpu_device *adev = ring->adev;
	struct dma_fence *fence = NULL;
	struct amdgpu_ib ib = { };
	long ret;
	u32 word;

	ret = amdgpu_device_wb_get(adev, &word);
	if (ret)
		return ret;
	WRITE_ONCE(adev->wb.wb[word], CP_TEST_BEFORE);
	ret = amdgpu_ib_get(adev, NULL, CP_IB_ALIGN * sizeof(u32), AMDGPU_IB_POOL_DIRECT, &ib);
	if (ret)
		goto out;
	simgpu_cp_emit_write(ib.ptr, adev->wb.gpu_addr + word * sizeof(u32), CP_TEST_AFTER);
	ib.length_dw = CP_WRITE_DWORDS;
	simgpu_cp_pad_ib(ring, &ib);
	ret = amdgpu_ib_schedule(ring, 1, &ib, NULL, &fence);
	if (ret)
		goto out_ib;
	ret = dma_fence_wait_timeout(fence, false, max_t(long, timeout, CP_TEST_TIMEOUT));
	if (ret > 0)
		ret = READ_ONCE(adev->wb.wb[word]) == CP_TEST_AFTER ? 0 : -EIO;
	else if (!ret)
		ret = -ETIMEDOUT;
out_ib:
	amdgpu_ib_free(adev, &ib, NULL);
	dma_fence_put(fence);
out:
	amdgpu_device_wb_free(adev, word);
	return ret;
}

#define SIMGPU_CP_RING_FUNCS							\
	.align_mask = 0xff,							\
	.nop = CP_NOP,								\
	.support_64bit_ptrs = true,						\
	.get_rptr = simgpu_ring_get_rptr,					\
	.get_wptr = simgpu_ring_get_wptr,					\
	.set_wptr = simgpu_ring_set_wptr,					\
	/* up to three fences: job, user and VM */				\
	.emit_frame_size = CP_WAIT_DWORDS + SIMGPU_PM4_VM_FLUSH_DWORDS +	\
			   3 * CP_RELEASE_DWORDS,				\
	.emit_ib_size = CP_IB_DWORDS,						\
	.emit_ib = simgpu_cp_emit_ib,						\
	.emit_fence = simgpu_cp_emit_fence,					\
	.emit_pipeline_sync = simgpu_cp_emit_pipeline_sync,			\
	.emit_vm_flush = simgpu_cp_emit_vm_flush,				\
	.emit_hdp_flush = simgpu_ring_nothing,					\
	.test_ring = simgpu_cp_test_ring,					\
	.test_ib = simgpu_cp_test_ib,						\
	.insert_nop = simgpu_cp_insert_nop,					\
	.pad_ib = simgpu_cp_pad_ib

static const struct amdgpu_ring_funcs simgpu_gfx_ring_funcs = {
	.type = AMDGPU_RING_TYPE_GFX,
	SIMGPU_CP_RING_FUNCS,
};

static const struct amdgpu_ring_funcs simgpu_compute_ring_funcs = {
	.type = AMDGPU_RING_TYPE_COMPUTE,
	SIMGPU_CP_RING_FUNCS,
};

/**
 * simgpu_cp_early_init - say which rings there are
 * @adev: device
 *
 * There is one of graphics where hardware has graphics, and two of compute, whatever the number
 * of XCCs: jobs of two of them can be outstanding at once, and depend on each other, and more
 * rings would show no more than that.
 *
 * Context: process context, before simgpu_cp_sw_init().
 */
void simgpu_cp_early_init(struct amdgpu_device *adev)
{
	struct amdgpu_gfx *gfx = &adev->gfx;
	unsigned int i;

	gfx->num_gfx_rings = adev->simgpu->desc->graphics ? SIMGPU_GFX_RINGS : 0;
	gfx->num_compute_rings = SIMGPU_COMPUTE_RINGS;
	for (i = 0; i < gfx->num_gfx_rings; i++) {
		struct amdgpu_ring *ring = &gfx->gfx_ring[i];

		ring->funcs = &simgpu_gfx_ring_funcs;
		ring->queue = i;
		snprintf(ring->name, sizeof(ring->name), "gfx_0.0.%u", i);
	}
	for (i = 0; i < gfx->num_compute_rings; i++) {
		struct amdgpu_ring *ring = &gfx->compute_ring[i];

		ring->funcs = &simgpu_compute_ring_funcs;
		ring->me = 1;
		ring->queue = i;
		snprintf(ring->name, sizeof(ring->name), "comp_1.0.%u", i);
	}
}

static struct amdgpu_ring *simgpu_cp_ring(struct amdgpu_device *adev, unsigned int i)
{
	struct amdgpu_gfx *gfx = &adev->gfx;

	if (i < gfx->num_gfx_rings)
		return &gfx->gfx_ring[i];
	i -= gfx->num_gfx_rings;
	return i < gfx->num_compute_rings ? &gfx->compute_ring[i] : NULL;
}

/**
 * simgpu_cp_sw_fini - free the rings
 * @handle: device
 *
 * Context: process context.
 * Return: 0.
 */
int simgpu_cp_sw_fini(void *handle)
{
	struct amdgpu_device *adev = handle;
	struct amdgpu_ring *ring;
	unsigned int i;

	for (i = 0; (ring = simgpu_cp_ring(adev, i)); i++)
		simgpu_ring_fini(adev->simgpu, ring);
	return 0;
}

/**
 * simgpu_cp_sw_init - make the rings
 * @handle: device
 *
 * Context: process context.
 * Return: 0 or a negative errno.
 */
int simgpu_cp_sw_init(void *handle)
{
	struct amdgpu_device *adev = handle;
	struct amdgpu_ring *ring;
	unsigned int i;
	int ret;

	for (i = 0; (ring = simgpu_cp_ring(adev, i)); i++) {
		ret = simgpu_ring_init(adev->simgpu, ring);
		if (ret) {
			/* amdgpu calls sw_fini only for blocks whose sw_init succeeded */
			simgpu_cp_sw_fini(adev);
			return ret;
		}
	}
	return 0;
}

/**
 * simgpu_cp_hw_init - turn the rings on
 * @handle: device
 *
 * Context: process context.
 * Return: 0, or a negative errno when one fails its test.
 */
int simgpu_cp_hw_init(void *handle)
{
	struct amdgpu_device *adev = handle;
	struct amdgpu_ring *ring;
	unsigned int i;
	int ret;

	for (i = 0; (ring = simgpu_cp_ring(adev, i)); i++) {
		ret = simgpu_ring_start(ring);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * simgpu_cp_hw_fini - turn the rings off
 * @handle: device
 *
 * Context: process context.
 * Return: 0.
 */
int simgpu_cp_hw_fini(void *handle)
{
	struct amdgpu_device *adev = handle;
	struct amdgpu_ring *ring;
	unsigned int i;

	for (i = 0; (ring = simgpu_cp_ring(adev, i)); i++)
		simgpu_ring_stop(ring);
	return 0;
}
