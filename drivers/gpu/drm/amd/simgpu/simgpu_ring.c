// SPDX-License-Identifier: MIT
/*
 * The kernel's rings, and those of SDMA: command submission, TTM moves and clears, page tables.
 *
 * A ring is executed by a work item of its own, not in the submitter: fences
 * stay outstanding until it has run, and for as much longer as the knobs say.
 * Those of graphics and of compute are in simgpu_cp.c.
 */
#include <linux/delay.h>
#include <linux/workqueue.h>

#include "amdgpu.h"
#include "vega10_sdma_pkt_open.h"

#include "simgpu_ip.h"
#include "simgpu_packet.h"
#include "simgpu_ring.h"

#define SIMGPU_RING_SLICE	64
#define SIMGPU_RING_POLL_US	100
#define SIMGPU_COPY_MAX_BYTES	0x400000
#define SIMGPU_COPY_DWORDS	7
#define SIMGPU_FILL_DWORDS	5
#define SIMGPU_FENCE_DWORDS	4
#define SIMGPU_TRAP_DWORDS	2
#define SIMGPU_IB_DWORDS	6
/* a fill of whole dwords */
#define SDMA_FILL_UNIT_DWORD	(2U << 30)

/**
 * struct simgpu_ring - one kernel ring on its engine
 * @kernel: what its executor calls
 * @sdma: executor of a ring of SDMA; used by @work alone
 * @pm4: executor of the others, likewise
 * @ring: amdgpu's ring
 * @wptr: dwords that amdgpu has submitted, counts on and on
 * @rptr: dwords that have been executed
 * @stopping: the engine is off
 * @draining: somebody waits for it to be through
 * @irq_lock: held while fences are processed, which an interrupt handler does on hardware
 * @irq_off: the driver has turned interrupts off, under @irq_lock
 * @irq_pending: an interrupt was raised meanwhile, under @irq_lock
 * @queue: ordered workqueue
 * @work: executes what is between @rptr and @wptr
 */
struct simgpu_ring {
	struct simgpu_kernel kernel;
	union {
		struct simgpu_sdma sdma;
		struct simgpu_pm4 pm4;
	};
	struct amdgpu_ring *ring;
	u64 wptr;
	u64 rptr;
	bool stopping, draining;
	/* @irq_off and @irq_pending */
	spinlock_t irq_lock;
	bool irq_off, irq_pending;
	struct workqueue_struct *queue;
	struct work_struct work;
};

static bool simgpu_ring_is_sdma(const struct simgpu_ring *sring)
{
	return sring->ring->funcs->type == AMDGPU_RING_TYPE_SDMA;
}

static struct simgpu_stream *simgpu_ring_stream(struct simgpu_ring *sring)
{
	return simgpu_ring_is_sdma(sring) ? &sring->sdma.ring : &sring->pm4.ring;
}

static struct simgpu_stream *simgpu_ring_ib(struct simgpu_ring *sring)
{
	return simgpu_ring_is_sdma(sring) ? &sring->sdma.ib : &sring->pm4.ib;
}

/* Hold the fence back, before its value is in memory and anybody can see it. */
static void simgpu_ring_fence(struct simgpu_kernel *kernel)
{
	struct simgpu_ring *sring = container_of(kernel, struct simgpu_ring, kernel);
	struct simgpu *sim = sring->ring->adev->simgpu;
	u32 delay = READ_ONCE(sim->fence_delay_us);

	if (delay)
		fsleep(delay);
	while (READ_ONCE(sim->rings_paused) && !READ_ONCE(sring->stopping) &&
	       !READ_ONCE(sring->draining))
		fsleep(SIMGPU_RING_POLL_US);
	if (simgpu_fail(sim, SIMGPU_FAIL_FENCE))
		amdgpu_fence_driver_set_error(sring->ring, -EIO);
}

static void simgpu_ring_trap(struct simgpu_kernel *kernel)
{
	struct simgpu_ring *sring = container_of(kernel, struct simgpu_ring, kernel);

	spin_lock(&sring->irq_lock);
	if (sring->irq_off)
		sring->irq_pending = true;
	else
		amdgpu_fence_process(sring->ring);
	spin_unlock(&sring->irq_lock);
}

/*
 * A command buffer that cannot be executed is given up, what follows it in
 * the ring is not: its fence comes, with an error.
 */
static void simgpu_ring_give_up(struct simgpu_ring *sring, int error)
{
	struct simgpu_stream *stream = simgpu_ring_stream(sring), *ib = simgpu_ring_ib(sring);
	struct simgpu_space *space = simgpu_ring_is_sdma(sring) ? &sring->sdma.ib_space :
								   &sring->pm4.ib_space;
	struct device *dev = sring->ring->adev->dev;
	u32 header = 0;

	amdgpu_fence_driver_set_error(sring->ring, error);
	if (simgpu_ring_is_sdma(sring))
		sring->sdma.done = 0;
	if (ib->end) {
		if (simgpu_stream_read(space, ib, 0, &header, 1))
			header = 0;
		dev_dbg(dev, "simgpu: %s: command buffer given up at dword %llu, packet %#010x: %d\n",
			sring->ring->name, ib->pos, header, error);
		ib->pos = ib->end;
	} else {
		/* the driver's own packets are never wrong */
		dev_err(dev, "simgpu: %s: ring stopped at %llu: %d\n", sring->ring->name,
			stream->pos, error);
		stream->pos = stream->end;
	}
}

static int simgpu_ring_run(struct simgpu_ring *sring)
{
	if (simgpu_ring_is_sdma(sring))
		return simgpu_sdma_run(&sring->sdma, SIMGPU_RING_SLICE);
	return simgpu_pm4_run(&sring->pm4);
}

static void simgpu_ring_work(struct work_struct *work)
{
	struct simgpu_ring *sring = container_of(work, struct simgpu_ring, work);
	struct simgpu_stream *stream = simgpu_ring_stream(sring);
	int ret;

	do {
		stream->end = READ_ONCE(sring->wptr);
		/* what is in the ring was written before wptr was */
		smp_rmb();
		ret = simgpu_ring_run(sring);
		if (ret == -EAGAIN && !READ_ONCE(sring->draining))
			fsleep(SIMGPU_RING_POLL_US);
		else if (ret < 0)
			simgpu_ring_give_up(sring, ret);
		WRITE_ONCE(sring->rptr, stream->pos);
		cond_resched();
	} while (stream->pos != READ_ONCE(sring->wptr) && !READ_ONCE(sring->stopping));
}

/* Where the GPU has the state of a ring: rings of a kind are numbered. */
static struct simgpu_ring **simgpu_ring_slot(struct simgpu *sim, const struct amdgpu_ring *ring)
{
	switch (ring->funcs->type) {
	case AMDGPU_RING_TYPE_GFX:
		return &sim->rings[SIMGPU_MAX_SDMA + ring->queue];
	case AMDGPU_RING_TYPE_COMPUTE:
		return &sim->rings[SIMGPU_MAX_SDMA + SIMGPU_GFX_RINGS + ring->queue];
	default:
		return &sim->rings[ring->me];
	}
}

static struct simgpu_ring *to_simgpu_ring(struct amdgpu_ring *ring)
{
	return *simgpu_ring_slot(ring->adev->simgpu, ring);
}

/**
 * simgpu_ring_get_rptr - how far a ring has been executed
 * @ring: ring
 *
 * Context: any.
 * Return: dwords, counted on and on.
 */
u64 simgpu_ring_get_rptr(struct amdgpu_ring *ring)
{
	return READ_ONCE(to_simgpu_ring(ring)->rptr);
}

/**
 * simgpu_ring_get_wptr - how far a ring has been submitted
 * @ring: ring
 *
 * Context: any.
 * Return: dwords, counted on and on.
 */
u64 simgpu_ring_get_wptr(struct amdgpu_ring *ring)
{
	return READ_ONCE(to_simgpu_ring(ring)->wptr);
}

/**
 * simgpu_ring_set_wptr - submit what amdgpu has put into a ring
 * @ring: ring
 *
 * Context: any.
 */
void simgpu_ring_set_wptr(struct amdgpu_ring *ring)
{
	struct simgpu_ring *sring = to_simgpu_ring(ring);

	/* pairs with the barrier in simgpu_ring_work() */
	smp_wmb();
	WRITE_ONCE(sring->wptr, ring->wptr);
	queue_work(sring->queue, &sring->work);
}

/**
 * simgpu_ring_emit_address - put an address into a packet
 * @ring: ring
 * @address: address, or other value of two dwords
 *
 * Context: amdgpu has allocated the dwords.
 */
void simgpu_ring_emit_address(struct amdgpu_ring *ring, u64 address)
{
	amdgpu_ring_write(ring, lower_32_bits(address));
	amdgpu_ring_write(ring, upper_32_bits(address));
}

static void simgpu_sdma_ring_emit_ib(struct amdgpu_ring *ring, struct amdgpu_job *job,
				     struct amdgpu_ib *ib, u32 flags)
{
	u32 vmid = AMDGPU_JOB_GET_VMID(job);

	amdgpu_ring_write(ring, SDMA_OP_INDIRECT | (vmid & 0xf) << 16);
	simgpu_ring_emit_address(ring, ib->gpu_addr);
	amdgpu_ring_write(ring, ib->length_dw);
	simgpu_ring_emit_address(ring, 0);
}

static void simgpu_sdma_ring_emit_fence_dword(struct amdgpu_ring *ring, u64 address, u32 value)
{
	amdgpu_ring_write(ring, SDMA_OP_FENCE);
	simgpu_ring_emit_address(ring, address);
	amdgpu_ring_write(ring, value);
}

static void simgpu_sdma_ring_emit_fence(struct amdgpu_ring *ring, u64 address, u64 seq,
					unsigned int flags)
{
	/* high half first: the low one is what readers wait for */
	if (flags & AMDGPU_FENCE_FLAG_64BIT)
		simgpu_sdma_ring_emit_fence_dword(ring, address + sizeof(u32), upper_32_bits(seq));
	simgpu_sdma_ring_emit_fence_dword(ring, address, lower_32_bits(seq));
	amdgpu_ring_write(ring, SDMA_OP_TRAP);
	amdgpu_ring_write(ring, 0);
}

static void simgpu_sdma_ring_emit_vm_flush(struct amdgpu_ring *ring, unsigned int vmid,
					   u64 pd_address)
{
	amdgpu_ring_write(ring, SIMGPU_SDMA_OP_VM_FLUSH | vmid << 16);
	simgpu_ring_emit_address(ring, pd_address | AMDGPU_PTE_VALID);
}

/**
 * simgpu_ring_nothing - for what needs no packet here
 * @ring: ring
 *
 * Context: any.
 */
void simgpu_ring_nothing(struct amdgpu_ring *ring)
{
}

static int simgpu_sdma_ring_test(struct amdgpu_ring *ring)
{
	return 0;
}

static void simgpu_sdma_ring_pad_ib(struct amdgpu_ring *ring, struct amdgpu_ib *ib)
{
	while (ib->length_dw % 8)
		ib->ptr[ib->length_dw++] = SDMA_OP_NOP;
}

static const struct amdgpu_ring_funcs simgpu_sdma_ring_funcs = {
	.type = AMDGPU_RING_TYPE_SDMA,
	.align_mask = 0xff,
	.nop = SDMA_OP_NOP,
	.support_64bit_ptrs = true,
	.get_rptr = simgpu_ring_get_rptr,
	.get_wptr = simgpu_ring_get_wptr,
	.set_wptr = simgpu_ring_set_wptr,
	/* flush, then up to three fences of 64 bits: job, user and VM */
	.emit_frame_size = SIMGPU_SDMA_VM_FLUSH_DWORDS +
			   3 * (2 * SIMGPU_FENCE_DWORDS + SIMGPU_TRAP_DWORDS),
	.emit_ib_size = SIMGPU_IB_DWORDS,
	.emit_ib = simgpu_sdma_ring_emit_ib,
	.emit_fence = simgpu_sdma_ring_emit_fence,
	.emit_pipeline_sync = simgpu_ring_nothing,
	.emit_vm_flush = simgpu_sdma_ring_emit_vm_flush,
	.emit_hdp_flush = simgpu_ring_nothing,
	.test_ring = simgpu_sdma_ring_test,
	.insert_nop = amdgpu_ring_insert_nop,
	.pad_ib = simgpu_sdma_ring_pad_ib,
};

static void simgpu_ib_write(struct amdgpu_ib *ib, u32 value)
{
	ib->ptr[ib->length_dw++] = value;
}

static void simgpu_emit_copy_buffer(struct amdgpu_ib *ib, u64 src, u64 dst, u32 bytes, u32 flags)
{
	simgpu_ib_write(ib, SDMA_OP_COPY);
	simgpu_ib_write(ib, bytes - 1);
	simgpu_ib_write(ib, 0);
	simgpu_ib_write(ib, lower_32_bits(src));
	simgpu_ib_write(ib, upper_32_bits(src));
	simgpu_ib_write(ib, lower_32_bits(dst));
	simgpu_ib_write(ib, upper_32_bits(dst));
}

static void simgpu_emit_fill_buffer(struct amdgpu_ib *ib, u32 data, u64 dst, u32 bytes)
{
	simgpu_ib_write(ib, SDMA_OP_CONST_FILL | SDMA_FILL_UNIT_DWORD);
	simgpu_ib_write(ib, lower_32_bits(dst));
	simgpu_ib_write(ib, upper_32_bits(dst));
	simgpu_ib_write(ib, data);
	simgpu_ib_write(ib, bytes - 1);
}

static const struct amdgpu_buffer_funcs simgpu_buffer_funcs = {
	.copy_max_bytes = SIMGPU_COPY_MAX_BYTES,
	.copy_num_dw = SIMGPU_COPY_DWORDS,
	.emit_copy_buffer = simgpu_emit_copy_buffer,
	.fill_max_bytes = SIMGPU_COPY_MAX_BYTES,
	.fill_num_dw = SIMGPU_FILL_DWORDS,
	.emit_fill_buffer = simgpu_emit_fill_buffer,
};

static void simgpu_ib_write_address(struct amdgpu_ib *ib, u64 address)
{
	simgpu_ib_write(ib, lower_32_bits(address));
	simgpu_ib_write(ib, upper_32_bits(address));
}

/* Entries that lie somewhere else already. */
static void simgpu_copy_ptes(struct amdgpu_ib *ib, u64 dst, u64 src, unsigned int count)
{
	simgpu_emit_copy_buffer(ib, src, dst, count * sizeof(u64), 0);
}

/* A few entries, flags and all in @value. */
static void simgpu_write_ptes(struct amdgpu_ib *ib, u64 dst, u64 value, unsigned int count,
			      u32 step)
{
	simgpu_ib_write(ib, SDMA_OP_WRITE);
	simgpu_ib_write_address(ib, dst);
	simgpu_ib_write(ib, 2 * count - 1);
	for (; count; count--, value += step)
		simgpu_ib_write_address(ib, value);
}

/* Many that follow each other. */
static void simgpu_set_ptes(struct amdgpu_ib *ib, u64 dst, u64 address, unsigned int count,
			    u32 step, u64 flags)
{
	simgpu_ib_write(ib, SDMA_OP_PTEPDE);
	simgpu_ib_write_address(ib, dst);
	simgpu_ib_write_address(ib, flags);
	simgpu_ib_write_address(ib, address);
	simgpu_ib_write_address(ib, step);
	simgpu_ib_write(ib, count - 1);
}

/* For the driver when it does not write page tables itself, see simgpu_gmc.c. */
static const struct amdgpu_vm_pte_funcs simgpu_pte_funcs = {
	.copy_pte_num_dw = SIMGPU_COPY_DWORDS,
	.copy_pte = simgpu_copy_ptes,
	.write_pte = simgpu_write_ptes,
	.set_pte_pde = simgpu_set_ptes,
};

/**
 * simgpu_rings_irq - turn the interrupts of all kernel rings on or off
 * @sim: GPU
 * @on: what they are to be
 *
 * When this returns with them off, no handler runs, and none begins: the driver takes fences
 * out of the table that the handler looks at. An interrupt that is raised meanwhile is handled
 * when they are on again.
 *
 * Context: any but that of a callback of a fence.
 */
void simgpu_rings_irq(struct simgpu *sim, bool on)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sim->rings); i++) {
		struct simgpu_ring *sring = sim->rings[i];

		if (!sring)
			continue;
		spin_lock(&sring->irq_lock);
		sring->irq_off = !on;
		if (on && sring->irq_pending) {
			sring->irq_pending = false;
			amdgpu_fence_process(sring->ring);
		}
		spin_unlock(&sring->irq_lock);
	}
}

/**
 * simgpu_rings_kick - look at all rings again
 * @sim: GPU
 *
 * Context: any.
 */
void simgpu_rings_kick(struct simgpu *sim)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sim->rings); i++)
		if (sim->rings[i])
			queue_work(sim->rings[i]->queue, &sim->rings[i]->work);
}

/**
 * simgpu_rings_drain - have all rings execute what is in them
 * @sim: GPU
 *
 * A pause does not hold this up, and a job that waits for memory to change is given up.
 *
 * Context: process context.  Nothing may be submitted meanwhile.
 */
void simgpu_rings_drain(struct simgpu *sim)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sim->rings); i++) {
		struct simgpu_ring *sring = sim->rings[i];

		if (!sring)
			continue;
		WRITE_ONCE(sring->draining, true);
		flush_work(&sring->work);
		WRITE_ONCE(sring->draining, false);
	}
}

static struct simgpu_ring *simgpu_ring_create(struct simgpu *sim, struct amdgpu_ring *ring)
{
	struct simgpu_ring *sring = kzalloc(sizeof(*sring), GFP_KERNEL);

	if (!sring)
		return NULL;
	/* TTM waits for moves in reclaim, and for jobs that use the memory */
	sring->queue = alloc_ordered_workqueue("simgpu-%s-%s", WQ_MEM_RECLAIM,
					       dev_name(sim->adev->dev), ring->name);
	if (!sring->queue) {
		kfree(sring);
		return NULL;
	}
	INIT_WORK(&sring->work, simgpu_ring_work);
	spin_lock_init(&sring->irq_lock);
	sring->ring = ring;
	sring->kernel.fence = simgpu_ring_fence;
	sring->kernel.trap = simgpu_ring_trap;
	/* jobs go on after a fault, as on hardware with the driver's defaults */
	if (simgpu_ring_is_sdma(sring))
		sring->sdma = (struct simgpu_sdma) {
			.space = { .sim = sim },
			.ib_space = { .sim = sim, .drop_faults = true },
			.engine = ring->me,
			.kernel = &sring->kernel,
		};
	else
		sring->pm4 = (struct simgpu_pm4) {
			.space = { .sim = sim },
			.ib_space = { .sim = sim, .drop_faults = true },
			.kernel = &sring->kernel,
		};
	return sring;
}

/**
 * simgpu_ring_init - make a ring
 * @sim: GPU
 * @ring: ring, with its functions, number and name
 *
 * All rings are on one hub, and so share VMIDs: here a VMID has one page directory.  From GFX 10
 * on, that is how it is on hardware; before, SDMA has a hub and page directories of its own.
 *
 * Context: process context.
 * Return: 0 or a negative errno; simgpu_ring_fini() is needed in any case.
 */
int simgpu_ring_init(struct simgpu *sim, struct amdgpu_ring *ring)
{
	struct simgpu_ring *sring = simgpu_ring_create(sim, ring);

	if (!sring)
		return -ENOMEM;
	*simgpu_ring_slot(sim, ring) = sring;
	ring->ring_obj = NULL;
	ring->use_doorbell = false;
	ring->vm_hub = AMDGPU_GFXHUB(0);
	return amdgpu_ring_init(sim->adev, ring, SIMGPU_RING_DWORDS, NULL, 0,
				AMDGPU_RING_PRIO_DEFAULT, NULL);
}

/**
 * simgpu_ring_fini - free a ring
 * @sim: GPU
 * @ring: ring, which may not have been made
 *
 * Context: process context.
 */
void simgpu_ring_fini(struct simgpu *sim, struct amdgpu_ring *ring)
{
	struct simgpu_ring **slot = simgpu_ring_slot(sim, ring);

	if (*slot) {
		WRITE_ONCE((*slot)->stopping, true);
		destroy_workqueue((*slot)->queue);
		kfree(*slot);
		*slot = NULL;
	}
	amdgpu_ring_fini(ring);
}

/**
 * simgpu_ring_start - turn a ring on, and test it
 * @ring: ring
 *
 * Context: process context.
 * Return: 0 or a negative errno.
 */
int simgpu_ring_start(struct amdgpu_ring *ring)
{
	struct simgpu_ring *sring = to_simgpu_ring(ring);

	sring->stopping = false;
	ring->wptr = 0;
	sring->wptr = 0;
	sring->rptr = 0;
	if (simgpu_ring_is_sdma(sring))
		sring->sdma.done = 0;
	*simgpu_ring_ib(sring) = (struct simgpu_stream) { };
	*simgpu_ring_stream(sring) = (struct simgpu_stream) {
		.base = ring->gpu_addr, .mask = ring->buf_mask,
	};
	return amdgpu_ring_test_helper(ring);
}

/**
 * simgpu_ring_stop - turn a ring off
 * @ring: ring
 *
 * Context: process context.
 */
void simgpu_ring_stop(struct amdgpu_ring *ring)
{
	struct simgpu_ring *sring = to_simgpu_ring(ring);

	/* a paused ring, or a job that polls for ever, must not hold this up */
	WRITE_ONCE(sring->stopping, true);
	flush_work(&sring->work);
}

/**
 * simgpu_ring_wait - wait until a ring has executed what was submitted before
 * @ring: ring
 *
 * Context: process context.
 */
void simgpu_ring_wait(struct amdgpu_ring *ring)
{
	flush_work(&to_simgpu_ring(ring)->work);
}

static int simgpu_sdma_early_init(struct amdgpu_ip_block *ip_block)
{
	struct amdgpu_device *adev = ip_block->adev;
	struct simgpu *sim = adev->simgpu;
	unsigned int i;

	adev->sdma.num_instances = sim->num_sdma;
	adev->sdma.sdma_mask = GENMASK(sim->num_sdma - 1, 0);
	for (i = 0; i < sim->num_sdma; i++) {
		adev->sdma.instance[i].ring.funcs = &simgpu_sdma_ring_funcs;
		adev->sdma.instance[i].ring.me = i;
		adev->sdma.instance[i].fw_version = sim->desc->sdma_fw_version;
		adev->vm_manager.vm_pte_scheds[i] = &adev->sdma.instance[i].ring.sched;
	}
	adev->vm_manager.vm_pte_funcs = &simgpu_pte_funcs;
	adev->vm_manager.vm_pte_num_scheds = sim->num_sdma;
	adev->mman.buffer_funcs = &simgpu_buffer_funcs;
	adev->mman.buffer_funcs_ring = &adev->sdma.instance[0].ring;
	return 0;
}

static int simgpu_sdma_sw_fini(void *handle)
{
	struct amdgpu_device *adev = handle;
	unsigned int i;

	for (i = 0; i < adev->sdma.num_instances; i++)
		simgpu_ring_fini(adev->simgpu, &adev->sdma.instance[i].ring);
	return 0;
}

static int simgpu_sdma_sw_init(void *handle)
{
	struct amdgpu_device *adev = handle;
	unsigned int i;
	int ret;

	for (i = 0; i < adev->sdma.num_instances; i++) {
		struct amdgpu_ring *ring = &adev->sdma.instance[i].ring;

		snprintf(ring->name, sizeof(ring->name), "sdma%u", i);
		ret = simgpu_ring_init(adev->simgpu, ring);
		if (ret) {
			/* amdgpu calls sw_fini only for blocks whose sw_init succeeded */
			simgpu_sdma_sw_fini(adev);
			return ret;
		}
	}
	return 0;
}

static int simgpu_sdma_hw_init(void *handle)
{
	struct amdgpu_device *adev = handle;
	unsigned int i;
	int ret;

	for (i = 0; i < adev->sdma.num_instances; i++) {
		ret = simgpu_ring_start(&adev->sdma.instance[i].ring);
		if (ret)
			return ret;
	}
	return 0;
}

static int simgpu_sdma_hw_fini(void *handle)
{
	struct amdgpu_device *adev = handle;
	unsigned int i;

	amdgpu_ttm_set_buffer_funcs_status(adev, false);
	for (i = 0; i < adev->sdma.num_instances; i++)
		simgpu_ring_stop(&adev->sdma.instance[i].ring);
	return 0;
}

const struct amd_ip_funcs simgpu_sdma_ip_funcs = {
	.name = "simgpu_sdma",
	.early_init = simgpu_sdma_early_init,
	.sw_init = simgpu_sdma_sw_init,
	.sw_fini = simgpu_sdma_sw_fini,
	.hw_init = simgpu_sdma_hw_init,
	.hw_fini = simgpu_sdma_hw_fini,
	SIMGPU_IP_FUNCS_COMMON,
};
