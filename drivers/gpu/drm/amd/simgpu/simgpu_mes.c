// SPDX-License-Identifier: MIT
/*
 * Front end of the micro engine scheduler: what its firmware does with the
 * requests of the driver, from GFX 11 on.
 *
 * Interface: struct amdgpu_mes_funcs, which amdgpu's own MES blocks fill with
 * functions that write packets to the firmware's ring.  There is neither a
 * ring nor firmware here.
 */
#include "amdgpu.h"
#include "amdgpu_mes.h"
#include "mes_v11_api_def.h"

#include "simgpu_ip.h"
#include "simgpu_queue.h"

/* First queue of an address space, or NULL. */
static struct simgpu_queue *simgpu_mes_queue_of(struct simgpu *sim, u32 space)
{
	struct simgpu_queue *queue;

	lockdep_assert_held(&sim->lock);
	list_for_each_entry(queue, &sim->queues, node)
		if (simgpu_queue_space(queue)->id == space)
			return queue;
	return NULL;
}

static struct simgpu_queue *simgpu_mes_find(struct simgpu *sim, u32 doorbell)
{
	struct simgpu_queue *queue;

	lockdep_assert_held(&sim->lock);
	list_for_each_entry(queue, &sim->queues, node)
		if (queue->doorbell == doorbell)
			return queue;
	return NULL;
}

/*
 * The driver says most things twice, in the request and in the MQD, and
 * hardware takes some from here and some from there.  The wptr is said three
 * times: firmware reads it through the GART.
 */
static int simgpu_mes_check(struct simgpu *sim, struct simgpu_queue *queue,
			    const struct mes_add_queue_input *input)
{
	struct simgpu_space kernel = { .sim = sim }, *space = simgpu_queue_space(queue);
	bool aql = queue->type == SIMGPU_QUEUE_AQL;
	struct device *dev = sim->adev->dev;
	int ret = 0;

	if (queue->doorbell != input->doorbell_offset) {
		dev_err(dev, "simgpu: MES was told doorbell %#x, the MQD has %#x\n",
			input->doorbell_offset, queue->doorbell);
		ret = -EINVAL;
	}
	if (queue->wptr_va != input->wptr_addr) {
		dev_err(dev, "simgpu: MES was told wptr at %#llx, the MQD has %#llx\n",
			input->wptr_addr, queue->wptr_va);
		ret = -EINVAL;
	}
	if (simgpu_queue_dwords(queue) != input->queue_size) {
		dev_err(dev, "simgpu: MES was told %u dwords of ring, the MQD has %llu\n",
			input->queue_size, simgpu_queue_dwords(queue));
		ret = -EINVAL;
	}
	if (aql != !!input->is_aql_queue) {
		dev_err(dev, "simgpu: MES was told another format of ring than the MQD has\n");
		ret = -EINVAL;
	}
	if (!simgpu_same_memory(&kernel, input->wptr_mc_addr, space, input->wptr_addr)) {
		dev_err(dev, "simgpu: MES was told wptr at %#llx, which is not its alias %#llx\n",
			input->wptr_addr, input->wptr_mc_addr);
		ret = -EINVAL;
	}
	return ret;
}

static int simgpu_mes_add(struct simgpu *sim, struct simgpu_queue *queue,
			  const struct mes_add_queue_input *input)
{
	bool sdma = input->queue_type == MES_QUEUE_TYPE_SDMA;
	int space, ret;

	lockdep_assert_held(&sim->lock);
	if (simgpu_mes_find(sim, input->doorbell_offset)) {
		dev_err(sim->adev->dev, "simgpu: MES was told doorbell %#x twice\n",
			input->doorbell_offset);
		return -EEXIST;
	}
	space = simgpu_mmu_get_space(sim, 0, input->process_id);
	if (space < 0)
		return space;
	/* the TLB of a process that is running is the driver's to flush */
	if (!simgpu_mes_queue_of(sim, space))
		simgpu_mmu_set_root(sim, space, input->page_table_base_addr | AMDGPU_PTE_VALID);
	simgpu_mmu_set_tma(sim, space, input->tma_addr);
	if (sdma)
		ret = simgpu_queue_parse_sdma(sim, queue, space, input->wptr_addr);
	else
		ret = simgpu_queue_parse_compute(sim, queue, space);
	ret = ret ?: simgpu_mes_check(sim, queue, input);
	if (ret) {
		if (!simgpu_mes_queue_of(sim, space))
			simgpu_mmu_put_spaces(sim, 0, input->process_id);
		return ret;
	}
	if (!sdma)
		queue->hqd = simgpu_queue_free_hqd(sim, 0);
	/* this is all that MES is told of it */
	queue->gws = input->exclusively_scheduled;
	simgpu_queue_load(sim, queue);
	if (simgpu_fail(sim, SIMGPU_FAIL_QUEUE_LOAD)) {
		queue->halted = true;
		if (!sdma)
			simgpu_queue_refused(queue, EC_QUEUE_PACKET_UNSUPPORTED);
	}
	return 0;
}

static int simgpu_mes_add_hw_queue(struct amdgpu_mes *mes, struct mes_add_queue_input *input)
{
	struct simgpu *sim = mes->adev->simgpu;
	struct simgpu_queue *queue = simgpu_queue_alloc(sim, 0, NULL, input->mqd_addr);
	int ret;

	if (!queue)
		return -ENOMEM;
	mutex_lock(&sim->lock);
	ret = simgpu_mes_add(sim, queue, input);
	mutex_unlock(&sim->lock);
	if (ret)
		simgpu_queue_free(queue);
	return ret;
}

/* The process leaves the hardware with its last queue. */
static int simgpu_mes_remove_hw_queue(struct amdgpu_mes *mes, struct mes_remove_queue_input *input)
{
	struct simgpu *sim = mes->adev->simgpu;
	struct simgpu_queue *queue;
	int ret = -ENOENT;
	u32 space;

	mutex_lock(&sim->lock);
	queue = simgpu_mes_find(sim, input->doorbell_offset);
	if (queue) {
		space = simgpu_queue_space(queue)->id;
		simgpu_queue_unload(sim, queue);
		if (!simgpu_mes_queue_of(sim, space))
			simgpu_mmu_put_spaces(sim, 0, simgpu_mmu_pasid(sim, space));
		ret = 0;
	} else {
		dev_err(sim->adev->dev, "simgpu: MES has no queue with doorbell %#x\n",
			input->doorbell_offset);
	}
	mutex_unlock(&sim->lock);
	return ret;
}

/* KFD suspends all gangs or none. */
static int simgpu_mes_suspend_gang(struct amdgpu_mes *mes, struct mes_suspend_gang_input *input)
{
	simgpu_queues_suspend(mes->adev->simgpu, true);
	return 0;
}

static int simgpu_mes_resume_gang(struct amdgpu_mes *mes, struct mes_resume_gang_input *input)
{
	simgpu_queues_suspend(mes->adev->simgpu, false);
	return 0;
}

/* Registers, and the settings of the debugger for shaders. */
static int simgpu_mes_misc_op(struct amdgpu_mes *mes, struct mes_misc_op_input *input)
{
	return 0;
}

/* Rings of the kernel; those that there are do not go through MES. */
static int simgpu_mes_map_legacy(struct amdgpu_mes *mes, struct mes_map_legacy_queue_input *input)
{
	return -EOPNOTSUPP;
}

static int simgpu_mes_unmap_legacy(struct amdgpu_mes *mes,
				   struct mes_unmap_legacy_queue_input *input)
{
	return -EOPNOTSUPP;
}

static const struct amdgpu_mes_funcs simgpu_mes_funcs = {
	.add_hw_queue = simgpu_mes_add_hw_queue,
	.remove_hw_queue = simgpu_mes_remove_hw_queue,
	.map_legacy_queue = simgpu_mes_map_legacy,
	.unmap_legacy_queue = simgpu_mes_unmap_legacy,
	.suspend_gang = simgpu_mes_suspend_gang,
	.resume_gang = simgpu_mes_resume_gang,
	.misc_op = simgpu_mes_misc_op,
};

static int simgpu_mes_early_init(struct amdgpu_ip_block *ip_block)
{
	struct amdgpu_device *adev = ip_block->adev;

	adev->mes.funcs = &simgpu_mes_funcs;
	adev->mes.sched_version = adev->simgpu->desc->mes_version;
	adev->mes.kiq_version = adev->simgpu->desc->mes_version;
	return 0;
}

static int simgpu_mes_sw_init(void *handle)
{
	return amdgpu_mes_init(handle);
}

static int simgpu_mes_sw_fini(void *handle)
{
	amdgpu_mes_fini(handle);
	return 0;
}

const struct amd_ip_funcs simgpu_mes_ip_funcs = {
	.name = "simgpu_mes",
	.early_init = simgpu_mes_early_init,
	.sw_init = simgpu_mes_sw_init,
	.sw_fini = simgpu_mes_sw_fini,
	.hw_init = simgpu_ip_ok,
	.hw_fini = simgpu_ip_ok,
	SIMGPU_IP_FUNCS_COMMON,
};
