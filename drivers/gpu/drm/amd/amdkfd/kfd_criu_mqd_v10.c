// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: MQDs of GFX10 and SDMA 5.
 *
 * Layout: v10_structs.h; masks: gc_10_1_0_sh_mask.h.
 */

#include "amdgpu_amdkfd.h"
#include "gc/gc_10_1_0_sh_mask.h"
#include "kfd_criu_mqd.h"
#include "v10_structs.h"

#define MQD_PERSISTENT_STATE	\
	(CP_HQD_PERSISTENT_STATE__SUSPEND_STATUS_MASK | \
	 CP_HQD_PERSISTENT_STATE__RESTORE_ACTIVE_MASK | \
	 CP_HQD_PERSISTENT_STATE__RELAUNCH_WAVES_MASK | \
	 CP_HQD_PERSISTENT_STATE__DISP_ACTIVE_MASK)
#define MQD_EOP_CONTROL	\
	(CP_HQD_EOP_CONTROL__PROCESSING_EOP_MASK | \
	 CP_HQD_EOP_CONTROL__PROCESSING_EOPIB_MASK | \
	 CP_HQD_EOP_CONTROL__SIG_SEM_RESULT_MASK | \
	 CP_HQD_EOP_CONTROL__PEND_SIG_SEM_MASK)
/* a bit that init sets, and messages to the scheduler */
#define MQD_HQ_STATUS0	\
	MQD_DRIVER_BITS(v10_compute_mqd, cp_hqd_hq_scheduler0, MQD_HQ_QUEUE_DEBUG_EN | \
			CP_HQD_HQ_STATUS0__DB_UPDATED_MSG_EN_MASK)
#define MQD_GDS_RESOURCE_STATE	MQD_DRIVER(v10_compute_mqd, cp_hqd_gds_resource_state)
#define MQD_XCC

static const struct kfd_criu_mqd_words words[] = {
	/* the registers of a dispatch, from COMPUTE_DISPATCH_INITIATOR on; header: init */
	MQD_DRIVER(v10_compute_mqd, header),
	MQD_STARTS(v10_compute_mqd, compute_pipelinestat_enable),
	/* privileged waves */
	MQD_DRIVER_BITS(v10_compute_mqd, compute_pgm_rsrc1, COMPUTE_PGM_RSRC1__PRIV_MASK),
	MQD_DRIVER(v10_compute_mqd, compute_vmid),
	/* the CU mask, init and update */
	MQD_STARTS_RANGE(v10_compute_mqd, compute_static_thread_mgmt_se0,
			 compute_static_thread_mgmt_se1),
	MQD_STARTS_RANGE(v10_compute_mqd, compute_static_thread_mgmt_se2,
			 compute_static_thread_mgmt_se3),
	/* a switch of who schedules */
	MQD_DRIVER(v10_compute_mqd, disable_queue),
	/* where and what firmware saves of GDS, which processes do not have, and of a context */
	MQD_DRIVER_RANGE(v10_compute_mqd, gds_save_base_addr_lo, ctx_save_base_addr_hi),
#define MQD v10_compute_mqd
#include "kfd_criu_mqd_compute.h"
#undef MQD
};

#define MQD_IB_CNTL	SDMA0_RLC0_IB_CNTL__CMD_VMID_MASK
#define MQD_AQL_CNTL	\
	(SDMA0_RLC0_RB_AQL_CNTL__AQL_ENABLE_MASK | \
	 SDMA0_RLC0_RB_AQL_CNTL__AQL_PACKET_SIZE_MASK | \
	 SDMA0_RLC0_RB_AQL_CNTL__PACKET_STEP_MASK)

static const struct kfd_criu_mqd_words sdma_words[] = {
#define MQD v10_sdma_mqd
#include "kfd_criu_mqd_sdma.h"
#undef MQD
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_v10 = {
	.size = sizeof(struct v10_compute_mqd),
	.words = words,
	.num_words = ARRAY_SIZE(words),
	.rptr = MQD_DWORD(v10_compute_mqd, cp_hqd_pq_rptr),
	.ctl_stack_offset = MQD_FIELD(v10_compute_mqd, cp_hqd_cntl_stack_offset,
				      CP_HQD_CNTL_STACK_OFFSET__OFFSET_MASK),
	.wg_state_offset = MQD_FIELD(v10_compute_mqd, cp_hqd_wg_state_offset,
				     CP_HQD_WG_STATE_OFFSET__OFFSET_MASK),
	.busy = MQD_FIELD(v10_compute_mqd, cp_hqd_persistent_state,
			  CP_HQD_PERSISTENT_STATE__RESTORE_ACTIVE_MASK |
			  CP_HQD_PERSISTENT_STATE__RELAUNCH_WAVES_MASK |
			  CP_HQD_PERSISTENT_STATE__DISP_ACTIVE_MASK),
	.cu_mask = {
		MQD_DWORD(v10_compute_mqd, compute_static_thread_mgmt_se0),
		MQD_DWORD(v10_compute_mqd, compute_static_thread_mgmt_se1),
		MQD_DWORD(v10_compute_mqd, compute_static_thread_mgmt_se2),
		MQD_DWORD(v10_compute_mqd, compute_static_thread_mgmt_se3),
	},
	.num_cu_mask = 4,
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_sdma_v10 = {
	.size = sizeof(struct v10_sdma_mqd),
	.words = sdma_words,
	.num_words = ARRAY_SIZE(sdma_words),
	.rptr = MQD_DWORD(v10_sdma_mqd, sdmax_rlcx_rb_rptr),
	.busy = MQD_FIELD(v10_sdma_mqd, sdmax_rlcx_midcmd_cntl,
			  SDMA0_RLC0_MIDCMD_CNTL__DATA_VALID_MASK),
};
