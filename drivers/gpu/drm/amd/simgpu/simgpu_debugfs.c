// SPDX-License-Identifier: MIT
/*
 * Knobs and counters of the simulated GPU.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "amdgpu.h"

#include "simgpu_ip.h"
#include "simgpu_queue.h"

/**
 * DOC: simgpu knobs
 *
 * Each GPU has a directory ``simgpu`` under its own in debugfs
 * (``/sys/kernel/debug/dri/<PCI name>/simgpu``).  Writing N to one of these
 * makes the next N such operations fail; reading tells how many are left:
 *
 * ``fail_bo_alloc``
 *	A buffer object of a process gets no memory.
 *
 * ``fail_map``
 *	A buffer object of the driver itself gets no VRAM.  Mapping memory at
 *	an address that has no page table yet makes one.
 *
 * ``fail_queue_load``
 *	The hardware does not take a user queue: an error for KFD without a
 *	hardware scheduler, else a queue that is stopped with an exception.
 *
 * ``fail_preempt``
 *	A compute queue does not leave the hardware in time.  MES always gets
 *	its queues back, because KFD's answer to that is a reset of the GPU.
 *
 * ``fail_preempt_sdma``
 *	The same of an SDMA queue, without a hardware scheduler.
 *
 * ``fail_fence``
 *	A fence of a kernel ring signals the error EIO.
 *
 * One counts operations of all these kinds together:
 *
 * ``fail_nth``
 *	The Nth operation from now on fails.  Reading tells how many there are
 *	to go, or 0 and which of the above it was.  Operations that go well are
 *	counted whoever asks for them: a hardware scheduler takes all queues of
 *	all processes anew whenever one of them stops.  What the driver answers
 *	with a reset of the GPU does not exist here: firmware that does not
 *	answer, or refuses a request.
 *
 * And these are read and written at any time, or only read:
 *
 * ``fence_delay_us``
 *	Microseconds for which each fence of a kernel ring is held back.
 *
 * ``rings_paused``
 *	1 keeps all fences of the kernel's rings outstanding until 0 is
 *	written.  amdgpu declares a ring dead after some 10 seconds, one of
 *	compute after 60.
 *
 * ``reset_held``
 *	1 stops a reset of the GPU in the middle until 0 is written: amdkfd has
 *	stopped its queue manager, and jobs are cancelled, the GPU is still as
 *	it was.
 *
 * ``tlb_hits``, ``tlb_misses``, ``tlb_flushes``, ``faults``, ``packets``, ``resets``
 *	Counters.  A reset counts when it is in the middle.
 *
 * ``instructions``
 *	How many instructions waves have executed.
 *
 * ``queues``
 *	One line for each user queue that is loaded.
 */

static const char * const simgpu_knob_names[SIMGPU_NUM_KNOBS] = {
	[SIMGPU_FAIL_BO_ALLOC] = "fail_bo_alloc",
	[SIMGPU_FAIL_MAP] = "fail_map",
	[SIMGPU_FAIL_QUEUE_LOAD] = "fail_queue_load",
	[SIMGPU_FAIL_PREEMPT] = "fail_preempt",
	[SIMGPU_FAIL_PREEMPT_SDMA] = "fail_preempt_sdma",
	[SIMGPU_FAIL_FENCE] = "fail_fence",
};

static int simgpu_fail_nth_show(struct seq_file *m, void *unused)
{
	struct simgpu *sim = m->private;
	unsigned int left = atomic_read(&sim->nth);
	enum simgpu_knob failed = READ_ONCE(sim->nth_failed);

	if (!left && failed < SIMGPU_NUM_KNOBS)
		seq_printf(m, "0 %s\n", simgpu_knob_names[failed]);
	else
		seq_printf(m, "%u\n", left);
	return 0;
}

static ssize_t simgpu_fail_nth_write(struct file *file, const char __user *buf, size_t count,
				     loff_t *pos)
{
	struct simgpu *sim = file_inode(file)->i_private;
	int ret, n;

	ret = kstrtoint_from_user(buf, count, 0, &n);
	if (ret)
		return ret;
	if (n < 0)
		return -EINVAL;
	WRITE_ONCE(sim->nth_failed, SIMGPU_NUM_KNOBS);
	atomic_set(&sim->nth, n);
	return count;
}
DEFINE_SHOW_STORE_ATTRIBUTE(simgpu_fail_nth);

static int simgpu_fence_delay_get(void *data, u64 *val)
{
	struct simgpu *sim = data;

	*val = sim->fence_delay_us;
	return 0;
}

static int simgpu_fence_delay_set(void *data, u64 val)
{
	struct simgpu *sim = data;

	if (val > SIMGPU_MAX_FENCE_DELAY_US)
		return -EINVAL;
	WRITE_ONCE(sim->fence_delay_us, val);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(simgpu_fence_delay_fops, simgpu_fence_delay_get, simgpu_fence_delay_set,
			 "%llu\n");

static int simgpu_paused_get(void *data, u64 *val)
{
	struct simgpu *sim = data;

	*val = sim->rings_paused;
	return 0;
}

static int simgpu_paused_set(void *data, u64 val)
{
	struct simgpu *sim = data;

	WRITE_ONCE(sim->rings_paused, val);
	simgpu_rings_kick(sim);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(simgpu_paused_fops, simgpu_paused_get, simgpu_paused_set, "%llu\n");

static int simgpu_packets_get(void *data, u64 *val)
{
	struct simgpu *sim = data;

	*val = atomic64_read(&sim->packets);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(simgpu_packets_fops, simgpu_packets_get, NULL, "%llu\n");

static int simgpu_instructions_get(void *data, u64 *val)
{
	struct simgpu *sim = data;

	*val = atomic64_read(&sim->instructions);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(simgpu_instructions_fops, simgpu_instructions_get, NULL, "%llu\n");

static int simgpu_queues_show(struct seq_file *m, void *unused)
{
	static const char * const types[] = {
		[SIMGPU_QUEUE_SDMA] = "sdma",
		[SIMGPU_QUEUE_PM4] = "pm4",
		[SIMGPU_QUEUE_AQL] = "aql",
		[SIMGPU_QUEUE_HIQ] = "hiq",
	};
	struct simgpu *sim = m->private;
	struct simgpu_queue *queue;

	mutex_lock(&sim->lock);
	list_for_each_entry(queue, &sim->queues, node) {
		u32 space = simgpu_queue_space(queue)->id;

		seq_printf(m, "%s ring %#llx partition %u pasid %u space %u doorbell %#x rptr %#llx%s%s\n",
			   types[queue->type], simgpu_queue_base(queue), queue->partition,
			   simgpu_mmu_pasid(sim, space), space, queue->doorbell, queue->reported,
			   queue->halted ? " halted" : "", queue->stuck ? " stuck" : "");
	}
	mutex_unlock(&sim->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(simgpu_queues);

/**
 * simgpu_debugfs_init - show the knobs of a GPU
 * @sim: GPU
 *
 * Context: process context.
 */
void simgpu_debugfs_init(struct simgpu *sim)
{
	struct dentry *dir = debugfs_create_dir("simgpu", adev_to_drm(sim->adev)->debugfs_root);
	unsigned int i;

	sim->debugfs = dir;
	sim->nth_failed = SIMGPU_NUM_KNOBS;
	for (i = 0; i < SIMGPU_NUM_KNOBS; i++)
		debugfs_create_atomic_t(simgpu_knob_names[i], 0600, dir, &sim->knobs[i]);
	debugfs_create_file("fail_nth", 0600, dir, sim, &simgpu_fail_nth_fops);
	debugfs_create_file_unsafe("fence_delay_us", 0600, dir, sim, &simgpu_fence_delay_fops);
	debugfs_create_file_unsafe("rings_paused", 0600, dir, sim, &simgpu_paused_fops);
	debugfs_create_u32("reset_held", 0600, dir, &sim->reset_held);
	debugfs_create_u32("resets", 0400, dir, &sim->resets);
	debugfs_create_file_unsafe("packets", 0400, dir, sim, &simgpu_packets_fops);
	debugfs_create_file_unsafe("instructions", 0400, dir, sim, &simgpu_instructions_fops);
	debugfs_create_u64("tlb_hits", 0400, dir, &sim->mmu.hits);
	debugfs_create_u64("tlb_misses", 0400, dir, &sim->mmu.misses);
	debugfs_create_u64("tlb_flushes", 0400, dir, &sim->mmu.flushes);
	debugfs_create_u64("faults", 0400, dir, &sim->mmu.faults);
	debugfs_create_file("queues", 0400, dir, sim, &simgpu_queues_fops);
}

/**
 * simgpu_debugfs_fini - undo simgpu_debugfs_init(), which may not have run
 * @sim: GPU
 *
 * Context: process context; waits for readers.
 */
void simgpu_debugfs_fini(struct simgpu *sim)
{
	/* once the DRM device has been unregistered its directory is gone, with ours in it */
	if (adev_to_drm(sim->adev)->debugfs_root)
		debugfs_remove_recursive(sim->debugfs);
	sim->debugfs = NULL;
}

/* ---- memory that runs out on demand ---- */

static int simgpu_manager_alloc(struct ttm_resource_manager *man, struct ttm_buffer_object *bo,
				const struct ttm_place *place, struct ttm_resource **res)
{
	struct simgpu *sim = amdgpu_ttm_adev(bo->bdev)->simgpu;
	bool vram = place->mem_type == TTM_PL_VRAM;

	/* -ENOSPC would be answered with an eviction and another try */
	if (bo->type == ttm_bo_type_device && simgpu_fail(sim, SIMGPU_FAIL_BO_ALLOC))
		return -ENOMEM;
	if (bo->type == ttm_bo_type_kernel && vram && simgpu_fail(sim, SIMGPU_FAIL_MAP))
		return -ENOMEM;
	return sim->managers[vram].original->alloc(man, bo, place, res);
}

static void simgpu_wrap_manager(struct simgpu *sim, bool vram)
{
	struct ttm_resource_manager *man;

	man = ttm_manager_type(&sim->adev->mman.bdev, vram ? TTM_PL_VRAM : TTM_PL_TT);
	if (!man)
		return;
	sim->managers[vram].original = man->func;
	sim->managers[vram].wrapped = *man->func;
	sim->managers[vram].wrapped.alloc = simgpu_manager_alloc;
	man->func = &sim->managers[vram].wrapped;
}

static void simgpu_unwrap_manager(struct simgpu *sim, bool vram)
{
	struct ttm_resource_manager *man;

	man = ttm_manager_type(&sim->adev->mman.bdev, vram ? TTM_PL_VRAM : TTM_PL_TT);
	if (man && sim->managers[vram].original)
		man->func = sim->managers[vram].original;
}

/**
 * simgpu_wrap_memory_managers - stand before the managers of VRAM and GTT
 * @sim: GPU whose TTM device has just been made
 *
 * Running out of memory is a matter of the device; nothing else in the way of
 * an allocation is.
 *
 * Context: process context, before the first allocation of user space.
 */
void simgpu_wrap_memory_managers(struct simgpu *sim)
{
	simgpu_wrap_manager(sim, false);
	simgpu_wrap_manager(sim, true);
}

/**
 * simgpu_unwrap_memory_managers - undo simgpu_wrap_memory_managers()
 * @sim: GPU
 *
 * Context: process context, after the last allocation.
 */
void simgpu_unwrap_memory_managers(struct simgpu *sim)
{
	simgpu_unwrap_manager(sim, false);
	simgpu_unwrap_manager(sim, true);
}
