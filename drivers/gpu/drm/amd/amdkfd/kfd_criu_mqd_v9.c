// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: progress in MQDs of GFX9 and SDMA 4.
 *
 * Layout: v9_structs.h; masks: gc_9_0_sh_mask.h and sdma0_4_0_sh_mask.h.
 */

#include "amdgpu_amdkfd.h"
#include "gc/gc_9_0_sh_mask.h"
#include "kfd_criu_mqd.h"
#include "sdma0/sdma0_4_0_sh_mask.h"
#include "v9_structs.h"

static const struct kfd_criu_mqd_field fields[] = {
#define MQD v9_mqd
#include "kfd_criu_mqd_compute.h"
#undef MQD
};

static const struct kfd_criu_mqd_field more[] = {
	/* whether there is a trap handler, the driver knows */
	MQD_FIELD(v9_mqd, compute_pgm_rsrc2, ~COMPUTE_PGM_RSRC2__TRAP_PRESENT_MASK),
	/* more of the CU mask */
	MQD_FIELD(v9_mqd, compute_static_thread_mgmt_se4, ~0U),
	MQD_FIELD(v9_mqd, compute_static_thread_mgmt_se5, ~0U),
	MQD_FIELD(v9_mqd, compute_static_thread_mgmt_se6, ~0U),
	MQD_FIELD(v9_mqd, compute_static_thread_mgmt_se7, ~0U),
};

/* 9.4.3 has each XCC's part of the dispatch there; the XCC's number is the driver's. */
static const struct kfd_criu_mqd_field more_9_4_3[] = {
	/* whether there is a trap handler, the driver knows */
	MQD_FIELD(v9_mqd, compute_pgm_rsrc2, ~COMPUTE_PGM_RSRC2__TRAP_PRESENT_MASK),
	MQD_FIELD(v9_mqd, compute_restart_cg_tg_id, ~0U),
	MQD_FIELD(v9_mqd, compute_tg_chunk_size, ~0U),
	MQD_FIELD(v9_mqd, compute_restore_tg_chunk_size, ~0U),
};

static const struct kfd_criu_mqd_field sdma_fields[] = {
#define MQD v9_sdma_mqd
#define SDMA_MASK(name) SDMA0_RLC0_##name
#include "kfd_criu_mqd_sdma.h"
#undef MQD
};

static const struct kfd_criu_mqd_field sdma_more[] = {
	MQD_FIELD(v9_sdma_mqd, sdmax_rlcx_skip_cntl, SDMA_MASK(SKIP_CNTL__SKIP_COUNT_MASK)),
	MQD_FIELD(v9_sdma_mqd, sdmax_rlcx_context_status,
		  SDMA_MASK(CONTEXT_STATUS__PREEMPTED_MASK)),
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_v9 = {
	.size = sizeof(struct v9_mqd),
	.fields = fields,
	.num_fields = ARRAY_SIZE(fields),
	.more = more,
	.num_more = ARRAY_SIZE(more),
	.ctl_stack = true,
	.rptr = MQD_DWORD(v9_mqd, cp_hqd_pq_rptr),
	.ctl_stack_offset = MQD_FIELD(v9_mqd, cp_hqd_cntl_stack_offset,
				      CP_HQD_CNTL_STACK_OFFSET__OFFSET_MASK),
	.wg_state_offset = MQD_FIELD(v9_mqd, cp_hqd_wg_state_offset,
				     CP_HQD_WG_STATE_OFFSET__OFFSET_MASK),
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_v9_4_3 = {
	.size = sizeof(struct v9_mqd),
	.fields = fields,
	.num_fields = ARRAY_SIZE(fields),
	.more = more_9_4_3,
	.num_more = ARRAY_SIZE(more_9_4_3),
	.ctl_stack = true,
	.rptr = MQD_DWORD(v9_mqd, cp_hqd_pq_rptr),
	.ctl_stack_offset = MQD_FIELD(v9_mqd, cp_hqd_cntl_stack_offset,
				      CP_HQD_CNTL_STACK_OFFSET__OFFSET_MASK),
	.wg_state_offset = MQD_FIELD(v9_mqd, cp_hqd_wg_state_offset,
				     CP_HQD_WG_STATE_OFFSET__OFFSET_MASK),
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_sdma_v9 = {
	.size = sizeof(struct v9_sdma_mqd),
	.fields = sdma_fields,
	.num_fields = ARRAY_SIZE(sdma_fields),
	.more = sdma_more,
	.num_more = ARRAY_SIZE(sdma_more),
	.rptr = MQD_DWORD(v9_sdma_mqd, sdmax_rlcx_rb_rptr),
};
