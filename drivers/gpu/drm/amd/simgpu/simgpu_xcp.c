// SPDX-License-Identifier: MIT
/*
 * Partitions of a simulated GPU with several XCCs.
 *
 * Facts: aqua_vanjaram.c for the modes, amdgpu_xcp.h for the interface.  The
 * mode is given when amdgpu is loaded, and stays.  There is one memory
 * partition, shared by all.
 */
#include <drm/drm_managed.h>

#include "amdgpu.h"
#include "amdgpu_xcp.h"

#include "simgpu.h"
#include "simgpu_ip.h"

static int simgpu_xcp_mode(const struct simgpu *sim)
{
	return sim->num_partitions > 1 ? AMDGPU_CPX_PARTITION_MODE : AMDGPU_SPX_PARTITION_MODE;
}

static int simgpu_xcp_query_mode(struct amdgpu_xcp_mgr *manager)
{
	return simgpu_xcp_mode(manager->adev->simgpu);
}

static int simgpu_xcp_ip_details(struct amdgpu_xcp_mgr *manager, int partition,
				 enum AMDGPU_XCP_IP_BLOCK id, struct amdgpu_xcp_ip *ip)
{
	struct simgpu *sim = manager->adev->simgpu;
	unsigned int units;

	switch (id) {
	case AMDGPU_XCP_GFXHUB:
	case AMDGPU_XCP_GFX:
		units = simgpu_xccs(sim);
		break;
	case AMDGPU_XCP_SDMA:
		units = sim->num_sdma / sim->num_partitions;
		break;
	default:
		return -EINVAL;
	}
	*ip = (struct amdgpu_xcp_ip) {
		.ip_id = id,
		.inst_mask = GENMASK(units - 1, 0) << (units * partition),
	};
	return 0;
}

static int simgpu_xcp_memory(struct amdgpu_xcp_mgr *manager, struct amdgpu_xcp *xcp, u8 *memory)
{
	*memory = 0;
	return 0;
}

/* The kernel's rings belong to no partition: each may use all. */
static int simgpu_xcp_select_scheds(struct amdgpu_device *adev, u32 ip, u32 priority,
				    struct amdgpu_fpriv *fpriv, unsigned int *count,
				    struct drm_gpu_scheduler ***scheds)
{
	*count = adev->gpu_sched[ip][priority].num_scheds;
	*scheds = adev->gpu_sched[ip][priority].sched;
	/* amdgpu_xcp_release_sched() takes it from the partition of the ring */
	atomic_inc(&adev->xcp_mgr->xcp[0].ref_cnt);
	return 0;
}

static struct amdgpu_xcp_mgr_funcs simgpu_xcp_funcs = {
	.query_partition_mode = simgpu_xcp_query_mode,
	.get_ip_details = simgpu_xcp_ip_details,
	.get_xcp_mem_id = simgpu_xcp_memory,
	.select_scheds = simgpu_xcp_select_scheds,
};

static enum amdgpu_pkg_type simgpu_xcp_package(struct amdgpu_device *adev)
{
	return AMDGPU_PKG_TYPE_OAM;
}

static const struct amdgpu_smuio_funcs simgpu_smuio_funcs = {
	.get_pkg_type = simgpu_xcp_package,
};

/**
 * simgpu_xcp_init - make the partitions of a GPU that has several XCCs
 * @adev: device
 *
 * amdgpu frees the manager, and the DRM device of each partition.
 *
 * Context: process context, before amdgpu makes schedulers and KFD nodes.
 * Return: 0 or a negative errno.
 */
int simgpu_xcp_init(struct amdgpu_device *adev)
{
	struct simgpu *sim = adev->simgpu;
	struct amdgpu_mem_partition_info *memory;

	memory = drmm_kzalloc(adev_to_drm(adev), sizeof(*memory), GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	memory->size = pci_resource_len(adev->pdev, 0);
	memory->range.lpfn = (memory->size >> AMDGPU_GPU_PAGE_SHIFT) - 1;
	adev->gmc.mem_partitions = memory;
	adev->gmc.num_mem_partitions = 1;
	adev->smuio.funcs = &simgpu_smuio_funcs;
	return amdgpu_xcp_mgr_init(adev, simgpu_xcp_mode(sim), sim->num_partitions,
				   &simgpu_xcp_funcs);
}
