// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: progress in MQDs of GFX10 and SDMA 5.
 *
 * Layout: v10_structs.h; masks: gc_10_1_0_sh_mask.h.
 */

#include "amdgpu_amdkfd.h"
#include "gc/gc_10_1_0_sh_mask.h"
#include "kfd_criu_mqd.h"
#include "v10_structs.h"

static const struct kfd_criu_mqd_field fields[] = {
#define MQD v10_compute_mqd
#include "kfd_criu_mqd_compute.h"
#undef MQD
};

static const struct kfd_criu_mqd_field more[] = {
	/* whether there is a trap handler, the driver knows */
	MQD_FIELD(v10_compute_mqd, compute_pgm_rsrc2, ~COMPUTE_PGM_RSRC2__TRAP_PRESENT_MASK),
};

static const struct kfd_criu_mqd_field sdma_fields[] = {
#define MQD v10_sdma_mqd
#define SDMA_MASK(name) SDMA0_RLC0_##name
#include "kfd_criu_mqd_sdma.h"
#undef MQD
};

static const struct kfd_criu_mqd_field sdma_more[] = {
	MQD_FIELD(v10_sdma_mqd, sdmax_rlcx_skip_cntl, SDMA_MASK(SKIP_CNTL__SKIP_COUNT_MASK)),
	MQD_FIELD(v10_sdma_mqd, sdmax_rlcx_context_status,
		  SDMA_MASK(CONTEXT_STATUS__PREEMPTED_MASK)),
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_v10 = {
	.size = sizeof(struct v10_compute_mqd),
	.fields = fields,
	.num_fields = ARRAY_SIZE(fields),
	.more = more,
	.num_more = ARRAY_SIZE(more),
	.rptr = MQD_DWORD(v10_compute_mqd, cp_hqd_pq_rptr),
	.ctl_stack_offset = MQD_FIELD(v10_compute_mqd, cp_hqd_cntl_stack_offset,
				      CP_HQD_CNTL_STACK_OFFSET__OFFSET_MASK),
	.wg_state_offset = MQD_FIELD(v10_compute_mqd, cp_hqd_wg_state_offset,
				     CP_HQD_WG_STATE_OFFSET__OFFSET_MASK),
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_sdma_v10 = {
	.size = sizeof(struct v10_sdma_mqd),
	.fields = sdma_fields,
	.num_fields = ARRAY_SIZE(sdma_fields),
	.more = sdma_more,
	.num_more = ARRAY_SIZE(sdma_more),
	.rptr = MQD_DWORD(v10_sdma_mqd, sdmax_rlcx_rb_rptr),
};
