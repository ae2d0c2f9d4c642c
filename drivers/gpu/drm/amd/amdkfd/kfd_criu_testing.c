// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: what the unit tests need of the rest of
 * the driver, which exports nothing.
 */

#include <kunit/visibility.h>
#include <linux/export.h>
#include "amdgpu_amdkfd.h"
#include "kfd_criu.h"
#include "kfd_criu_testing.h"
#include "kfd_mqd_manager.h"
#include "kfd_priv.h"
#include "kfd_topology.h"

/**
 * kfd_criu_testing_mqd_manager() - Make the MQD manager that the driver has for a GPU.
 * @type: &enum KFD_MQD_TYPE
 * @node: the GPU, of which managers read no more than versions, sizes and settings as long
 *	as they only fill in MQDs
 *
 * Context: process context, may sleep.
 * Return: the manager, to be given to kfree(); NULL without memory or for GFX8 and older
 */
struct mqd_manager *kfd_criu_testing_mqd_manager(enum KFD_MQD_TYPE type, struct kfd_node *node)
{
	switch (IP_VERSION_MAJ(KFD_GC_VERSION(node))) {
	case 9:
		return mqd_manager_init_v9(type, node);
	case 10:
		return mqd_manager_init_v10(type, node);
	case 11:
		return mqd_manager_init_v11(type, node);
	case 12:
		return mqd_manager_init_v12(type, node);
	default:
		return NULL;
	}
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_testing_mqd_manager);

/**
 * kfd_criu_testing_save_sizes() - Have the driver compute the sizes of a queue's save area.
 * @dev: the GPU in the topology; its properties get the sizes, in bytes for each XCC
 *
 * Context: any.
 */
void kfd_criu_testing_save_sizes(struct kfd_topology_device *dev)
{
	kfd_queue_ctx_save_restore_size(dev);
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_testing_save_sizes);
