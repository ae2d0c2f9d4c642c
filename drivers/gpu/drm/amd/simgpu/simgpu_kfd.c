// SPDX-License-Identifier: MIT
/*
 * What amdkfd calls on the hardware: struct kfd2kgd_calls in software.
 *
 * Without a hardware scheduler KFD loads and unloads every queue through
 * these; with one it loads the HIQ alone, see simgpu_hws.c, or nothing, see
 * simgpu_mes.c.
 */
#include "amdgpu.h"
#include "amdgpu_amdkfd.h"

#include "simgpu_queue.h"

#define SDMA_RB_CNTL_VMID(c)	(((c) >> 24) & 0xf)

static void simgpu_program_sh_mem_settings(struct amdgpu_device *adev, u32 vmid, u32 config,
					   u32 ape1_base, u32 ape1_limit, u32 bases, u32 inst)
{
	/* apertures and memory policy are the same for all */
	simgpu_mmu_set_retry(adev->simgpu, vmid, config);
}

static int simgpu_set_pasid_vmid_mapping(struct amdgpu_device *adev, u32 pasid, unsigned int vmid,
					 u32 inst)
{
	simgpu_mmu_set_pasid(adev->simgpu, inst / simgpu_xccs(adev->simgpu), vmid, pasid);
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
		simgpu_queue_free(queue);
		return error;
	}
	mutex_lock(&sim->lock);
	simgpu_queue_load(sim, queue);
	mutex_unlock(&sim->lock);
	return 0;
}

/**
 * simgpu_hqd_load_xcc - load the MQD of another XCC, the first has been loaded
 * @sim: GPU
 * @mqd: MQD
 * @partition: partition
 * @xcc: number of the XCC in its partition, not the first
 *
 * Context: process context.
 * Return: 0 or a negative errno.
 */
int simgpu_hqd_load_xcc(struct simgpu *sim, void *mqd, u32 partition, unsigned int xcc)
{
	struct simgpu_queue *queue;
	int ret = -EINVAL;

	mutex_lock(&sim->lock);
	queue = simgpu_queue_find_xcc(sim, partition, mqd, xcc);
	if (queue)
		ret = simgpu_queue_add_xcc(sim, queue, xcc);
	else
		dev_err(sim->adev->dev, "simgpu: MQD of XCC %u is not where the first expects it\n",
			xcc);
	mutex_unlock(&sim->lock);
	return ret;
}

/* A VMID that nobody has, or has no more, leads to the page tables of somebody else. */
static int simgpu_kfd_check_vmid(struct simgpu *sim, u32 vmid)
{
	if (simgpu_mmu_pasid(sim, vmid))
		return 0;
	dev_err(sim->adev->dev, "simgpu: MQD has VMID %u, which no process has\n", vmid);
	return -EINVAL;
}

static int simgpu_hqd_load(struct amdgpu_device *adev, void *mqd, u32 pipe, u32 slot,
			   u32 __user *wptr, u32 wptr_shift, u32 wptr_mask, struct mm_struct *mm,
			   u32 inst)
{
	struct simgpu *sim = adev->simgpu;
	u32 partition = inst / simgpu_xccs(sim), xcc = inst % simgpu_xccs(sim);
	u32 vmid = ((u32 *)mqd)[sim->desc->mqd.vmid];
	struct simgpu_queue *queue;
	int ret;

	if (xcc)
		return simgpu_hqd_load_xcc(sim, mqd, partition, xcc);
	queue = simgpu_queue_alloc(sim, partition, mqd, 0);
	if (!queue)
		return -ENOMEM;
	queue->hqd = simgpu_hqd(sim, pipe, slot);
	ret = simgpu_queue_parse_compute(sim, queue, vmid);
	return simgpu_kfd_load(sim, queue, ret ?: simgpu_kfd_check_vmid(sim, vmid));
}

static int simgpu_hqd_sdma_load(struct amdgpu_device *adev, void *mqd, u32 __user *wptr,
				struct mm_struct *mm)
{
	/* the first dword in all versions */
	u32 vmid = SDMA_RB_CNTL_VMID(*(u32 *)mqd);
	struct simgpu *sim = adev->simgpu;
	struct simgpu_queue *queue;
	int ret;

	queue = simgpu_queue_alloc(sim, simgpu_mmu_partition(sim, vmid), mqd, 0);
	if (!queue)
		return -ENOMEM;
	ret = simgpu_queue_parse_sdma(sim, queue, vmid, (uintptr_t)wptr);
	return simgpu_kfd_load(sim, queue, ret ?: simgpu_kfd_check_vmid(sim, vmid));
}

static int simgpu_hiq_mqd_load(struct amdgpu_device *adev, void *mqd, u32 pipe, u32 slot,
			       u32 doorbell_off, u32 inst)
{
	return simgpu_hiq_load(adev->simgpu, mqd, inst);
}

/*
 * KFD gives a queue up when its preemption fails: it leaves the hardware all
 * the same.  With several XCCs, it leaves all of them with the first.
 */
static int simgpu_kfd_unload(struct simgpu *sim, void *mqd)
{
	struct simgpu_queue *queue;
	enum simgpu_knob knob;
	int ret = 0;

	mutex_lock(&sim->lock);
	queue = simgpu_queue_find(sim, mqd, 0);
	if (queue) {
		knob = queue->hqd != SIMGPU_HQD_NONE ? SIMGPU_FAIL_PREEMPT :
						       SIMGPU_FAIL_PREEMPT_SDMA;
		if (simgpu_fail(sim, knob))
			ret = -ETIME;
		if (queue->hqd != SIMGPU_HQD_NONE &&
		    queue->xccs != GENMASK(simgpu_xccs(sim) - 1, 0))
			dev_err(sim->adev->dev, "simgpu: MQD was loaded on XCCs %#x of %u\n",
				queue->xccs, simgpu_xccs(sim));
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

static struct simgpu_queue *simgpu_find_hqd(struct simgpu *sim, u32 inst, u32 pipe, u32 slot)
{
	struct simgpu_queue *queue;

	lockdep_assert_held(&sim->lock);
	/* what holds for the first XCC of a partition holds for the others */
	if (inst % simgpu_xccs(sim))
		return NULL;
	list_for_each_entry(queue, &sim->queues, node)
		if (queue->partition == inst / simgpu_xccs(sim) &&
		    queue->hqd == simgpu_hqd(sim, pipe, slot))
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
	queue = simgpu_find_hqd(sim, inst, pipe, slot);
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
	queue = simgpu_find_hqd(sim, inst, pipe, slot);
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
	queue = simgpu_find_hqd(sim, inst, pipe, slot);
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

static u32 simgpu_set_wave_launch_trap_override(struct amdgpu_device *adev, u32 vmid,
						u32 override, u32 bits, u32 request, u32 *previous,
						u32 control_previous)
{
	*previous = 0;
	return 0;
}

static int simgpu_validate_trap_override(struct amdgpu_device *adev, u32 override, u32 *supported)
{
	*supported = 0;
	return override == KFD_DBG_TRAP_OVERRIDE_OR ? 0 : -EINVAL;
}

static u32 simgpu_set_address_watch(struct amdgpu_device *adev, u64 address, u32 mask, u32 watch,
				    u32 mode, u32 vmid, u32 inst)
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
	simgpu_mmu_set_tma(adev->simgpu, vmid, tma);
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
	.validate_trap_override_request = simgpu_validate_trap_override,
	.set_wave_launch_trap_override = simgpu_set_wave_launch_trap_override,
	.set_wave_launch_mode = simgpu_set_wave_launch_mode,
	.set_address_watch = simgpu_set_address_watch,
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
