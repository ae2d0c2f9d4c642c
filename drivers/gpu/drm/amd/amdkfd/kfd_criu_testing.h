/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Checkpoint and restore of compute processes: what the unit tests need of the rest of
 * the driver.
 */
#ifndef KFD_CRIU_TESTING_H_INCLUDED
#define KFD_CRIU_TESTING_H_INCLUDED

#include "kfd_priv.h"

struct kfd_topology_device;
struct mqd_manager;

struct mqd_manager *kfd_criu_testing_mqd_manager(enum KFD_MQD_TYPE type, struct kfd_node *node);
void kfd_criu_testing_save_sizes(struct kfd_topology_device *dev);

#endif
