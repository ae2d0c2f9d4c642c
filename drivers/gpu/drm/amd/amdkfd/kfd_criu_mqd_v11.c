// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: MQDs of GFX11 and SDMA 6.
 *
 * Layout: v11_structs.h; masks: gc_11_0_0_sh_mask.h.
 */

#include "amdgpu_amdkfd.h"
#include "gc/gc_11_0_0_sh_mask.h"
#include "kfd_criu_mqd.h"
#include "v11_structs.h"

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
/* two bits that init sets, and how MES schedules the queue */
#define MQD_HQ_STATUS0	\
	MQD_DRIVER_BITS(v11_compute_mqd, cp_hqd_hq_status0, MQD_HQ_QUEUE_DEBUG_EN | \
			MQD_HQ_PCIE_ATOMICS | \
			CP_HQD_HQ_STATUS0__STATIC_QUEUE_MASK | \
			CP_HQD_HQ_STATUS0__QUEUE_RUN_ONCE_MASK | \
			CP_HQD_HQ_STATUS0__C_INHERIT_VMID_MASK | \
			CP_HQD_HQ_STATUS0__QUEUE_SCHEDULER_TYPE_MASK | \
			CP_HQD_HQ_STATUS0__C_QUEUE_USE_GWS_MASK | \
			CP_HQD_HQ_STATUS0__MES_INTERRUPT_ENABLED_MASK | \
			CP_HQD_HQ_STATUS0__MES_INTERRUPT_PIPE_MASK | \
			CP_HQD_HQ_STATUS0__CONCURRENT_PROCESS_COUNT_MASK | \
			CP_HQD_HQ_STATUS0__DB_UPDATED_MSG_EN_MASK)
#define MQD_GDS_RESOURCE_STATE	MQD_DRIVER(v11_compute_mqd, cp_hqd_gds_resource_state)
#define MQD_XCC

static const struct kfd_criu_mqd_words words[] = {
	/* the registers of a dispatch, from COMPUTE_DISPATCH_INITIATOR on; header: init */
	MQD_DRIVER(v11_compute_mqd, header),
	MQD_STARTS(v11_compute_mqd, compute_pipelinestat_enable),
	/* privileged waves */
	MQD_DRIVER_BITS(v11_compute_mqd, compute_pgm_rsrc1, COMPUTE_PGM_RSRC1__PRIV_MASK),
	MQD_DRIVER(v11_compute_mqd, compute_vmid),
	/* the CU mask, init and update */
	MQD_STARTS_RANGE(v11_compute_mqd, compute_static_thread_mgmt_se0,
			 compute_static_thread_mgmt_se1),
	MQD_STARTS_RANGE(v11_compute_mqd, compute_static_thread_mgmt_se2,
			 compute_static_thread_mgmt_se3),
	MQD_STARTS_RANGE(v11_compute_mqd, compute_static_thread_mgmt_se4,
			 compute_static_thread_mgmt_se7),
	/* a switch of who schedules */
	MQD_DRIVER(v11_compute_mqd, disable_queue),
	/* where and what firmware saves of GDS, which processes do not have, and of a context */
	MQD_DRIVER_RANGE(v11_compute_mqd, gds_save_base_addr_lo, ctx_save_base_addr_hi),
#define MQD v11_compute_mqd
#include "kfd_criu_mqd_compute.h"
#undef MQD
	/* buffers that firmware writes to, by their addresses */
	MQD_DRIVER_RANGE(v11_compute_mqd, control_buf_addr_lo, draw_ring_addr_hi),
};

static const struct kfd_criu_mqd_words sdma_words[] = {
	/* size, VMID, RB_PRIV, reports; where the ring is: update_mqd_sdma() */
	MQD_DRIVER_RANGE(v11_sdma_mqd, sdmax_rlcx_rb_cntl, sdmax_rlcx_rb_base_hi),
	MQD_STARTS_RANGE(v11_sdma_mqd, sdmax_rlcx_rb_rptr, sdmax_rlcx_rb_wptr_hi),
	/* where the read pointer is reported: update */
	MQD_DRIVER_RANGE(v11_sdma_mqd, sdmax_rlcx_rb_rptr_addr_hi, sdmax_rlcx_rb_rptr_addr_lo),
	/* the VMID that an indirect buffer is fetched with */
	MQD_DRIVER_BITS(v11_sdma_mqd, sdmax_rlcx_ib_cntl, SDMA0_QUEUE0_IB_CNTL__CMD_VMID_MASK),
	/* doorbells: hqd_sdma_load(), update */
	MQD_DRIVER(v11_sdma_mqd, sdmax_rlcx_doorbell),
	MQD_DRIVER(v11_sdma_mqd, sdmax_rlcx_doorbell_offset),
	/* an address where the engine saves its state; the time slice: update */
	MQD_DRIVER_RANGE(v11_sdma_mqd, sdmax_rlcx_csa_addr_lo, sdmax_rlcx_sched_cntl),
	/* a request of who schedules, and none is pending; the dummy and the address: update */
	MQD_DRIVER_RANGE(v11_sdma_mqd, sdmax_rlcx_preempt, sdmax_rlcx_rb_wptr_poll_addr_lo),
	/* the format of packets */
	MQD_DRIVER_BITS(v11_sdma_mqd, sdmax_rlcx_rb_aql_cntl,
			SDMA0_QUEUE0_RB_AQL_CNTL__AQL_ENABLE_MASK |
			SDMA0_QUEUE0_RB_AQL_CNTL__AQL_PACKET_SIZE_MASK |
			SDMA0_QUEUE0_RB_AQL_CNTL__PACKET_STEP_MASK),
	/* set for as long as somebody writes the pointers, and another request */
	MQD_DRIVER_RANGE(v11_sdma_mqd, sdmax_rlcx_minor_ptr_update, sdmax_rlcx_rb_preempt),
	/* where the queue is, update */
	MQD_DRIVER_RANGE(v11_sdma_mqd, sdma_engine_id, sdma_queue_id),
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_v11 = {
	.size = sizeof(struct v11_compute_mqd),
	.words = words,
	.num_words = ARRAY_SIZE(words),
	.rptr = MQD_DWORD(v11_compute_mqd, cp_hqd_pq_rptr),
	.ctl_stack_offset = MQD_FIELD(v11_compute_mqd, cp_hqd_cntl_stack_offset,
				      CP_HQD_CNTL_STACK_OFFSET__OFFSET_MASK),
	.wg_state_offset = MQD_FIELD(v11_compute_mqd, cp_hqd_wg_state_offset,
				     CP_HQD_WG_STATE_OFFSET__OFFSET_MASK),
	.busy = MQD_FIELD(v11_compute_mqd, cp_hqd_persistent_state,
			  CP_HQD_PERSISTENT_STATE__RESTORE_ACTIVE_MASK |
			  CP_HQD_PERSISTENT_STATE__RELAUNCH_WAVES_MASK |
			  CP_HQD_PERSISTENT_STATE__DISP_ACTIVE_MASK),
	.cu_mask = {
		MQD_DWORD(v11_compute_mqd, compute_static_thread_mgmt_se0),
		MQD_DWORD(v11_compute_mqd, compute_static_thread_mgmt_se1),
		MQD_DWORD(v11_compute_mqd, compute_static_thread_mgmt_se2),
		MQD_DWORD(v11_compute_mqd, compute_static_thread_mgmt_se3),
		MQD_DWORD(v11_compute_mqd, compute_static_thread_mgmt_se4),
		MQD_DWORD(v11_compute_mqd, compute_static_thread_mgmt_se5),
		MQD_DWORD(v11_compute_mqd, compute_static_thread_mgmt_se6),
		MQD_DWORD(v11_compute_mqd, compute_static_thread_mgmt_se7),
	},
	.num_cu_mask = 8,
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_sdma_v11 = {
	.size = sizeof(struct v11_sdma_mqd),
	.words = sdma_words,
	.num_words = ARRAY_SIZE(sdma_words),
	.rptr = MQD_DWORD(v11_sdma_mqd, sdmax_rlcx_rb_rptr),
	.busy = MQD_FIELD(v11_sdma_mqd, sdmax_rlcx_midcmd_cntl,
			  SDMA0_QUEUE0_MIDCMD_CNTL__DATA_VALID_MASK),
};
