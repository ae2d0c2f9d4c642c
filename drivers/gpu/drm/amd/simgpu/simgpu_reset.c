// SPDX-License-Identifier: MIT
/*
 * Reset of the simulated GPU.
 */
#include <linux/delay.h>

#include <drm/drm_managed.h>

#include "amdgpu.h"
#include "amdgpu_reset.h"

#include "simgpu_ip.h"
#include "simgpu_mem.h"
#include "simgpu_queue.h"

#define SIMGPU_RESET_POLL_US	1000

/**
 * DOC: simgpu reset
 *
 * Reading ``amdgpu_gpu_recover`` in the GPU's directory in debugfs resets it, as do a
 * hardware scheduler that hangs and a job that takes too long.  It is a reset in
 * place, like mode 2 of hardware: what is loaded on the GPU is lost, with all progress
 * since it was loaded, and so are VMIDs and translations, while memory and page
 * tables stay.  All the rest is what amdgpu and amdkfd do around any reset: jobs of the
 * kernel's rings are cancelled, and no queue of a process of amdkfd that was there runs
 * again, on whatever GPU.  New processes run.
 *
 * Hardware stops somewhere within the jobs that are cancelled.  Here they are executed to
 * the end first, so that the same memory is there afterwards every time.
 *
 * The knob ``reset_held`` stops a reset at that place, for what has to happen in one.
 */

static int simgpu_reset_prepare(struct amdgpu_reset_control *control,
				struct amdgpu_reset_context *context)
{
	struct amdgpu_device *adev = control->handle;
	struct simgpu *sim = adev->simgpu;

	/* amdgpu gives their memory back as soon as its schedulers go on */
	simgpu_rings_drain(sim);
	WRITE_ONCE(sim->resets, sim->resets + 1);
	while (READ_ONCE(sim->reset_held))
		fsleep(SIMGPU_RESET_POLL_US);
	return 0;
}

static int simgpu_reset_perform(struct amdgpu_reset_control *control,
				struct amdgpu_reset_context *context)
{
	struct amdgpu_device *adev = control->handle;

	simgpu_queues_kill(adev->simgpu);
	/* amdgpu does not flush while there is a reset */
	simgpu_mmu_reset(adev->simgpu);
	return 0;
}

static int simgpu_reset_restore(struct amdgpu_reset_control *control,
				struct amdgpu_reset_context *context)
{
	/* amdgpu took it off its list, and leaves the way back to the handler */
	amdgpu_register_gpu_instance(control->handle);
	return 0;
}

static struct amdgpu_reset_handler simgpu_reset_handler = {
	.reset_method = AMD_RESET_METHOD_MODE2,
	.prepare_hwcontext = simgpu_reset_prepare,
	.perform_reset = simgpu_reset_perform,
	.restore_hwcontext = simgpu_reset_restore,
};

static struct amdgpu_reset_handler *simgpu_reset_choose(struct amdgpu_reset_control *control,
							struct amdgpu_reset_context *context)
{
	return &simgpu_reset_handler;
}

/**
 * simgpu_reset_init - have amdgpu reset the GPU our way
 * @sim: GPU
 *
 * Context: process context, from amdgpu's probe.
 * Return: 0 or a negative errno.
 */
int simgpu_reset_init(struct simgpu *sim)
{
	struct amdgpu_device *adev = sim->adev;
	struct amdgpu_reset_control *control;

	control = drmm_kzalloc(adev_to_drm(adev), sizeof(*control), GFP_KERNEL);
	if (!control)
		return -ENOMEM;
	control->handle = adev;
	control->get_reset_handler = simgpu_reset_choose;
	adev->reset_cntl = control;
	return 0;
}
