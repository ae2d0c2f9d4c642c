// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: MQDs of GFX 9.4.3 and SDMA 4.4.2.
 *
 * Layout: v9_structs.h; masks: gc_9_4_3_sh_mask.h and sdma_4_4_2_sh_mask.h.
 */

#include "amdgpu_amdkfd.h"
#include "gc/gc_9_4_3_sh_mask.h"
#include "kfd_criu_mqd.h"
#include "sdma/sdma_4_4_2_sh_mask.h"
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
/* which XCC this is, what runs on it, where its MQD is: init_mqd_v9_4_3(), and update */
#define MQD_XCC	\
	MQD_DRIVER_RANGE(v9_mqd, pm4_target_xcc_in_xcp, cp_mqd_stride_size),
/* with GWS: update */
#define MQD_LIMITS	\
	MQD_DRIVER_BITS(v9_mqd, compute_resource_limits, \
			COMPUTE_RESOURCE_LIMITS__FORCE_SIMD_DIST_MASK),
/* and more about it in the dispatch: init_mqd_v9_4_3(), update_mqd_v9_4_3() */
#define MQD_HAS_XCCS

static const struct kfd_criu_mqd_words words[] = {
#include "kfd_criu_mqd_dispatch_v9.h"
#define MQD v9_mqd
#include "kfd_criu_mqd_compute.h"
#undef MQD
};

#define MQD_IB_CNTL	\
	(SDMA_RLC0_IB_CNTL__CMD_VMID_MASK | SDMA_RLC0_IB_CNTL__IB_PRIV_MASK)
#define MQD_AQL_CNTL	\
	(SDMA_RLC0_RB_AQL_CNTL__AQL_ENABLE_MASK | \
	 SDMA_RLC0_RB_AQL_CNTL__AQL_PACKET_SIZE_MASK | \
	 SDMA_RLC0_RB_AQL_CNTL__PACKET_STEP_MASK)

static const struct kfd_criu_mqd_words sdma_words[] = {
#define MQD v9_sdma_mqd
#include "kfd_criu_mqd_sdma.h"
#undef MQD
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_v9_4_3 = {
	.size = sizeof(struct v9_mqd),
	.words = words,
	.num_words = ARRAY_SIZE(words),
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
	},
	.num_cu_mask = 4,
	.logical_xcc = MQD_DWORD(v9_mqd, compute_current_logic_xcc_id),
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_sdma_v9_4_3 = {
	.size = sizeof(struct v9_sdma_mqd),
	.words = sdma_words,
	.num_words = ARRAY_SIZE(sdma_words),
	.rptr = MQD_DWORD(v9_sdma_mqd, sdmax_rlcx_rb_rptr),
	.busy = MQD_FIELD(v9_sdma_mqd, sdmax_rlcx_midcmd_cntl,
			  SDMA_RLC0_MIDCMD_CNTL__DATA_VALID_MASK),
};
