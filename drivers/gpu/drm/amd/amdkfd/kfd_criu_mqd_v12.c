// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: progress in MQDs of GFX12 and SDMA 7.
 *
 * Layout: v12_structs.h; masks: gc_12_0_0_sh_mask.h.
 */

#include "amdgpu_amdkfd.h"
#include "gc/gc_12_0_0_sh_mask.h"
#include "kfd_criu_mqd.h"
#include "v12_structs.h"

static const struct kfd_criu_mqd_field fields[] = {
#define MQD v12_compute_mqd
#include "kfd_criu_mqd_compute.h"
#undef MQD
};

static const struct kfd_criu_mqd_field more[] = {
	/* no bit of this one is the driver's any more */
	MQD_FIELD(v12_compute_mqd, compute_pgm_rsrc2, ~0U),
	/* more of the dispatch */
	MQD_FIELD(v12_compute_mqd, compute_dispatch_pkt_addr_lo, ~0U),
	MQD_FIELD(v12_compute_mqd, compute_dispatch_pkt_addr_hi, ~0U),
	MQD_FIELD(v12_compute_mqd, compute_dispatch_scratch_base_lo, ~0U),
	MQD_FIELD(v12_compute_mqd, compute_dispatch_scratch_base_hi, ~0U),
	MQD_FIELD(v12_compute_mqd, compute_user_accum_0, ~0U),
	MQD_FIELD(v12_compute_mqd, compute_user_accum_1, ~0U),
	MQD_FIELD(v12_compute_mqd, compute_user_accum_2, ~0U),
	MQD_FIELD(v12_compute_mqd, compute_user_accum_3, ~0U),
	MQD_FIELD(v12_compute_mqd, compute_pgm_rsrc3, ~0U),
	MQD_FIELD(v12_compute_mqd, compute_ddid_index, ~0U),
	MQD_FIELD(v12_compute_mqd, compute_shader_chksum, ~0U),
	/* and of the CU mask */
	MQD_FIELD(v12_compute_mqd, compute_static_thread_mgmt_se4, ~0U),
	MQD_FIELD(v12_compute_mqd, compute_static_thread_mgmt_se5, ~0U),
	MQD_FIELD(v12_compute_mqd, compute_static_thread_mgmt_se6, ~0U),
	MQD_FIELD(v12_compute_mqd, compute_static_thread_mgmt_se7, ~0U),
};

static const struct kfd_criu_mqd_field sdma_fields[] = {
#define MQD v12_sdma_mqd
#define SDMA_MASK(name) SDMA0_QUEUE0_##name
#include "kfd_criu_mqd_sdma.h"
#undef MQD
};

static const struct kfd_criu_mqd_field sdma_more[] = {
	/* longer commands have longer rests */
	MQD_FIELD(v12_sdma_mqd, sdmax_rlcx_midcmd_data9, ~0U),
	MQD_FIELD(v12_sdma_mqd, sdmax_rlcx_midcmd_data10, ~0U),
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_v12 = {
	.size = sizeof(struct v12_compute_mqd),
	.fields = fields,
	.num_fields = ARRAY_SIZE(fields),
	.more = more,
	.num_more = ARRAY_SIZE(more),
	.rptr = MQD_DWORD(v12_compute_mqd, cp_hqd_pq_rptr),
	.ctl_stack_offset = MQD_FIELD(v12_compute_mqd, cp_hqd_cntl_stack_offset,
				      CP_HQD_CNTL_STACK_OFFSET__OFFSET_MASK),
	.wg_state_offset = MQD_FIELD(v12_compute_mqd, cp_hqd_wg_state_offset,
				     CP_HQD_WG_STATE_OFFSET__OFFSET_MASK),
};

const struct kfd_criu_mqd_layout kfd_criu_mqd_sdma_v12 = {
	.size = sizeof(struct v12_sdma_mqd),
	.fields = sdma_fields,
	.num_fields = ARRAY_SIZE(sdma_fields),
	.more = sdma_more,
	.num_more = ARRAY_SIZE(sdma_more),
	.rptr = MQD_DWORD(v12_sdma_mqd, sdmax_rlcx_rb_rptr),
};
