// SPDX-License-Identifier: MIT
/*
 * What amdkfd calls on the hardware: struct kfd2kgd_calls in software.
 *
 * Without a hardware scheduler KFD loads and unloads every queue through
 * these; with one it loads the HIQ alone, see simgpu_hws.c.
 */
#include "amdgpu.h"
#include "amdgpu_amdkfd.h"
#include "v9_structs.h"

#include "simgpu_queue.h"

#define SDMA_RB_CNTL_VMID(c)	(((c) >> 24) & 0xf)

static void simgpu_program_sh_mem_settings(struct amdgpu_device *adev, u32 vmid, u32 config,
					   u32 ape1_base, u32 ape1_limit, u32 bases, u32 inst)
{
	/* apertures and memory policy are for shaders */
}

static int simgpu_set_pasid_vmid_mapping(struct amdgpu_device *adev, u32 pasid, unsigned int vmid,
					 u32 inst)
{
	simgpu_mmu_set_pasid(adev->simgpu, vmid, pasid);
	return 0;
}

static int simgpu_init_interrupts(struct amdgpu_device *adev, u32 pipe, u32 inst)
{
	return 0;
}

static u32 simgpu_hqd(struct simgpu *sim, u32 pipe, u32 slot)
{
	return pipe * sim->adev->gfx.mec.num_queue_per_pipe + slot;
}

/* Hand a parsed queue over, unless there was an error or one is asked for. */
static int simgpu_kfd_load(struct simgpu *sim, struct simgpu_queue *queue, int error)
{
	if (!error && simgpu_fail(sim, SIMGPU_FAIL_QUEUE_LOAD))
		error = -EIO;
	if (error) {
		kfree(queue);
		return error;
	}
	mutex_lock(&sim->lock);
	simgpu_queue_load(sim, queue);
	mutex_unlock(&sim->lock);
	return 0;
}

static int simgpu_hqd_load(struct amdgpu_device *adev, void *mqd, u32 pipe, u32 slot,
			   u32 __user *wptr, u32 wptr_shift, u32 wptr_mask, struct mm_struct *mm,
			   u32 inst)
{
	struct simgpu *sim = adev->simgpu;
	struct simgpu_queue *queue = simgpu_queue_alloc(sim, mqd, 0);

	if (!queue)
		return -ENOMEM;
	queue->hqd = simgpu_hqd(sim, pipe, slot);
	return simgpu_kfd_load(sim, queue,
			       simgpu_queue_parse_compute(sim, queue,
							  ((struct v9_mqd *)mqd)->cp_hqd_vmid));
}

static int simgpu_hqd_sdma_load(struct amdgpu_device *adev, void *mqd, u32 __user *wptr,
				struct mm_struct *mm)
{
	u32 control = ((struct v9_sdma_mqd *)mqd)->sdmax_rlcx_rb_cntl;
	struct simgpu *sim = adev->simgpu;
	struct simgpu_queue *queue = simgpu_queue_alloc(sim, mqd, 0);

	if (!queue)
		return -ENOMEM;
	return simgpu_kfd_load(sim, queue,
			       simgpu_queue_parse_sdma(sim, queue, SDMA_RB_CNTL_VMID(control),
						       (uintptr_t)wptr));
}

static int simgpu_hiq_mqd_load(struct amdgpu_device *adev, void *mqd, u32 pipe, u32 slot,
			       u32 doorbell_off, u32 inst)
{
	return simgpu_hiq_load(adev->simgpu, mqd);
}

/* KFD gives a queue up when its preemption fails: it leaves the hardware all the same. */
static int simgpu_kfd_unload(struct simgpu *sim, void *mqd)
{
	struct simgpu_queue *queue;
	int ret = 0;

	mutex_lock(&sim->lock);
	queue = simgpu_queue_find(sim, mqd, 0);
	if (queue) {
		if (queue->hqd != SIMGPU_HQD_NONE && simgpu_fail(sim, SIMGPU_FAIL_PREEMPT))
			ret = -ETIME;
		simgpu_queue_unload(sim, queue);
	}
	mutex_unlock(&sim->lock);
	return ret;
}

static int simgpu_hqd_destroy(struct amdgpu_device *adev, void *mqd, enum kfd_preempt_type type,
			      unsigned int timeout, u32 pipe, u32 slot, u32 inst)
{
	return simgpu_kfd_unload(adev->simgpu, mqd);
}

static int simgpu_hqd_sdma_destroy(struct amdgpu_device *adev, void *mqd, unsigned int timeout)
{
	return simgpu_kfd_unload(adev->simgpu, mqd);
}

static bool simgpu_hqd_sdma_is_occupied(struct amdgpu_device *adev, void *mqd)
{
	struct simgpu *sim = adev->simgpu;
	bool occupied;

	mutex_lock(&sim->lock);
	occupied = simgpu_queue_find(sim, mqd, 0);
	mutex_unlock(&sim->lock);
	return occupied;
}

static struct simgpu_queue *simgpu_find_hqd(struct simgpu *sim, u32 pipe, u32 slot)
{
	struct simgpu_queue *queue;

	lockdep_assert_held(&sim->lock);
	list_for_each_entry(queue, &sim->queues, node)
		if (queue->hqd == simgpu_hqd(sim, pipe, slot))
			return queue;
	return NULL;
}

static bool simgpu_hqd_is_occupied(struct amdgpu_device *adev, u64 address, u32 pipe, u32 slot,
				   u32 inst)
{
	struct simgpu *sim = adev->simgpu;
	struct simgpu_queue *queue;
	bool occupied;

	mutex_lock(&sim->lock);
	queue = simgpu_find_hqd(sim, pipe, slot);
	occupied = queue && simgpu_queue_base(queue) == address;
	mutex_unlock(&sim->lock);
	return occupied;
}

/* Asked after a preemption has failed: the queues that hang. */
static u64 simgpu_hqd_get_pq_addr(struct amdgpu_device *adev, u32 pipe, u32 slot, u32 inst)
{
	struct simgpu *sim = adev->simgpu;
	struct simgpu_queue *queue;
	u64 address = 0;

	mutex_lock(&sim->lock);
	queue = simgpu_find_hqd(sim, pipe, slot);
	if (queue && queue->stuck)
		address = simgpu_queue_base(queue);
	mutex_unlock(&sim->lock);
	return address;
}

static u64 simgpu_hqd_reset(struct amdgpu_device *adev, u32 pipe, u32 slot, u32 inst,
			    unsigned int timeout_us)
{
	struct simgpu *sim = adev->simgpu;
	struct simgpu_queue *queue;
	u64 address = 0;

	mutex_lock(&sim->lock);
	queue = simgpu_find_hqd(sim, pipe, slot);
	if (queue) {
		address = simgpu_queue_base(queue);
		simgpu_queue_kill(sim, queue);
	}
	mutex_unlock(&sim->lock);
	return address;
}

static int simgpu_hqd_dump(struct amdgpu_device *adev, u32 pipe, u32 slot, u32 (**dump)[2],
			   u32 *n_regs, u32 inst)
{
	return -EOPNOTSUPP;
}

static int simgpu_hqd_sdma_dump(struct amdgpu_device *adev, u32 engine, u32 slot,
				u32 (**dump)[2], u32 *n_regs)
{
	return -EOPNOTSUPP;
}

static int simgpu_wave_control_execute(struct amdgpu_device *adev, u32 gfx_index, u32 sq_cmd,
				       u32 inst)
{
	return 0;
}

static bool simgpu_get_atc_vmid_pasid(struct amdgpu_device *adev, u8 vmid, u16 *pasid)
{
	*pasid = simgpu_mmu_pasid(adev->simgpu, vmid);
	return *pasid;
}

static void simgpu_set_page_table_base(struct amdgpu_device *adev, u32 vmid, u64 base)
{
	simgpu_mmu_set_root(adev->simgpu, vmid, base | AMDGPU_PTE_VALID);
}

static u32 simgpu_debug_trap(struct amdgpu_device *adev, bool keep, u32 vmid)
{
	return 0;
}

static u32 simgpu_set_wave_launch_mode(struct amdgpu_device *adev, u8 mode, u32 vmid)
{
	return 0;
}

static u32 simgpu_clear_address_watch(struct amdgpu_device *adev, u32 watch)
{
	return 0;
}

static void simgpu_get_iq_wait_times(struct amdgpu_device *adev, u32 *wait_times, u32 inst)
{
	*wait_times = 0;
}

static void simgpu_grace_period_info(struct amdgpu_device *adev, u32 wait_times, u32 grace_period,
				     u32 *reg_offset, u32 *reg_data)
{
	*reg_offset = 0;
	*reg_data = 0;
}

static void simgpu_program_trap_handler(struct amdgpu_device *adev, u32 vmid, u64 tba, u64 tma,
					u32 inst)
{
	/* there are no waves that could trap */
}

static const struct kfd2kgd_calls simgpu_kfd2kgd = {
	.program_sh_mem_settings = simgpu_program_sh_mem_settings,
	.set_pasid_vmid_mapping = simgpu_set_pasid_vmid_mapping,
	.init_interrupts = simgpu_init_interrupts,
	.hqd_load = simgpu_hqd_load,
	.hiq_mqd_load = simgpu_hiq_mqd_load,
	.hqd_sdma_load = simgpu_hqd_sdma_load,
	.hqd_dump = simgpu_hqd_dump,
	.hqd_sdma_dump = simgpu_hqd_sdma_dump,
	.hqd_is_occupied = simgpu_hqd_is_occupied,
	.hqd_destroy = simgpu_hqd_destroy,
	.hqd_sdma_is_occupied = simgpu_hqd_sdma_is_occupied,
	.hqd_sdma_destroy = simgpu_hqd_sdma_destroy,
	.wave_control_execute = simgpu_wave_control_execute,
	.get_atc_vmid_pasid_mapping_info = simgpu_get_atc_vmid_pasid,
	.set_vm_context_page_table_base = simgpu_set_page_table_base,
	.enable_debug_trap = simgpu_debug_trap,
	.disable_debug_trap = simgpu_debug_trap,
	.set_wave_launch_mode = simgpu_set_wave_launch_mode,
	.clear_address_watch = simgpu_clear_address_watch,
	.get_iq_wait_times = simgpu_get_iq_wait_times,
	.build_grace_period_packet_info = simgpu_grace_period_info,
	.program_trap_handler_settings = simgpu_program_trap_handler,
	.hqd_get_pq_addr = simgpu_hqd_get_pq_addr,
	.hqd_reset = simgpu_hqd_reset,
};

/**
 * simgpu_kfd2kgd_calls - how KFD reaches a simulated GPU
 *
 * Context: any.
 * Return: the functions, the same for every generation.
 */
const struct kfd2kgd_calls *simgpu_kfd2kgd_calls(void)
{
	return &simgpu_kfd2kgd;
}
