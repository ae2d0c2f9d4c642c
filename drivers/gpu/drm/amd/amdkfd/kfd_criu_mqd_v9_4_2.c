// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: MQDs of GFX 9.4.1 and 9.4.2.
 *
 * Layout: v9_structs.h; masks: gc_9_4_2_sh_mask.h, also for 9.4.1, whose own header has no
 * queue's registers. Those of gc_9_0_sh_mask.h do not hold the 0x9000 bytes of its control
 * stack (see kfd_queue_ctx_save_restore_size()), where the driver starts the offset.
 */

#include "amdgpu_amdkfd.h"
#include "gc/gc_9_4_2_sh_mask.h"
#include "kfd_criu_mqd.h"
#include "v9_structs.h"

#define MQD_PERSISTENT_STATE	\
	(CP_HQD_PERSISTENT_STATE__RESTORE_ACTIVE_MASK | \
	 CP_HQD_PERSISTENT_STATE__RELAUNCH_WAVES_MASK | \
	 CP_HQD_PERSISTENT_STATE__DISP_ACTIVE_MASK)
#define MQD_EOP_CONTROL	\
	(CP_HQD_EOP_CONTROL__PROCESSING_EOP_MASK | \
	 CP_HQD_EOP_CONTROL__PROCESSING_EOPIB_MASK | \
	 CP_HQD_EOP_CONTROL__SIG_SEM_RESULT_MASK | \
	 CP_HQD_EOP_CONTROL__PEND_SIG_SEM_MASK)
/* a bit that init sets, and messages to the scheduler */
#define MQD_HQ_STATUS0	\
	MQD_DRIVER_BITS(v9_mqd, cp_hqd_hq_status0, MQD_HQ_QUEUE_DEBUG_EN | \
			CP_HQD_HQ_STATUS0__DB_UPDATED_MSG_EN_MASK)
#define MQD_GDS_RESOURCE_STATE	MQD_DRIVER(v9_mqd, cp_hqd_gds_resource_state)
#define MQD_XCC

#define MQD_LIMITS
static const struct kfd_criu_mqd_words words_9_4_1[] = {
#include "kfd_criu_mqd_dispatch_v9.h"
#define MQD v9_mqd
#include "kfd_criu_mqd_compute.h"
#undef MQD
};

#undef MQD_LIMITS
/* with GWS: update, from 9.4.2 on */
#define MQD_LIMITS	\
	MQD_DRIVER_BITS(v9_mqd, compute_resource_limits, \
			COMPUTE_RESOURCE_LIMITS__FORCE_SIMD_DIST_MASK),
static const struct kfd_criu_mqd_words words_9_4_2[] = {
#include "kfd_criu_mqd_dispatch_v9.h"
#define MQD v9_mqd
#include "kfd_criu_mqd_compute.h"
#undef MQD
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_v9_4_1 = {
	.size = sizeof(struct v9_mqd),
	.words = words_9_4_1,
	.num_words = ARRAY_SIZE(words_9_4_1),
	.ctl_stack = true,
	.rptr = MQD_DWORD(v9_mqd, cp_hqd_pq_rptr),
	.ctl_stack_offset = MQD_FIELD(v9_mqd, cp_hqd_cntl_stack_offset,
				      CP_HQD_CNTL_STACK_OFFSET__OFFSET_MASK),
	.wg_state_offset = MQD_FIELD(v9_mqd, cp_hqd_wg_state_offset,
				     CP_HQD_WG_STATE_OFFSET__OFFSET_MASK),
	.busy = MQD_FIELD(v9_mqd, cp_hqd_persistent_state,
			  CP_HQD_PERSISTENT_STATE__RESTORE_ACTIVE_MASK |
			  CP_HQD_PERSISTENT_STATE__RELAUNCH_WAVES_MASK |
			  CP_HQD_PERSISTENT_STATE__DISP_ACTIVE_MASK),
	.cu_mask = {
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se0),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se1),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se2),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se3),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se4),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se5),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se6),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se7),
	},
	.num_cu_mask = 8,
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_v9_4_2 = {
	.size = sizeof(struct v9_mqd),
	.words = words_9_4_2,
	.num_words = ARRAY_SIZE(words_9_4_2),
	.ctl_stack = true,
	.rptr = MQD_DWORD(v9_mqd, cp_hqd_pq_rptr),
	.ctl_stack_offset = MQD_FIELD(v9_mqd, cp_hqd_cntl_stack_offset,
				      CP_HQD_CNTL_STACK_OFFSET__OFFSET_MASK),
	.wg_state_offset = MQD_FIELD(v9_mqd, cp_hqd_wg_state_offset,
				     CP_HQD_WG_STATE_OFFSET__OFFSET_MASK),
	.busy = MQD_FIELD(v9_mqd, cp_hqd_persistent_state,
			  CP_HQD_PERSISTENT_STATE__RESTORE_ACTIVE_MASK |
			  CP_HQD_PERSISTENT_STATE__RELAUNCH_WAVES_MASK |
			  CP_HQD_PERSISTENT_STATE__DISP_ACTIVE_MASK),
	.cu_mask = {
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se0),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se1),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se2),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se3),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se4),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se5),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se6),
		MQD_DWORD(v9_mqd, compute_static_thread_mgmt_se7),
	},
	.num_cu_mask = 8,
};
