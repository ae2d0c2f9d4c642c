// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: which words of an MQD are a
 * queue's progress.
 *
 * Everything else in an MQD the driver builds anew from the queue's properties:
 * addresses of its own, the VMID, privileges, sizes, the doorbell. An image can't set
 * those. What it can set, a process could set by packets on its own queue just as well.
 */

#include <linux/align.h>
#include <linux/bits.h>
#include "amdgpu_amdkfd.h"
#include "gc/gc_9_0_sh_mask.h"
#include "kfd_criu.h"
#include "kfd_priv.h"
#include "sdma0/sdma0_4_0_sh_mask.h"
#include "v9_structs.h"

#define DWORD(type, member)		(offsetof(struct type, member) / sizeof(u32))
#define FIELD(type, member, mask)	{ DWORD(type, member), (u32)(mask) }

/*
 * GFX9 compute. Layout: v9_structs.h; masks: gc_9_0_sh_mask.h. With compute wave
 * save and restore, preemption in the middle of a dispatch leaves the
 * dispatch's registers in the MQD, and where in control stack and save area its waves are.
 */
static const struct kfd_criu_mqd_field v9_fields[] = {
	/* the dispatch that is under way */
	FIELD(v9_mqd, compute_dispatch_initiator, ~0U),
	FIELD(v9_mqd, compute_dim_x, ~0U),
	FIELD(v9_mqd, compute_dim_y, ~0U),
	FIELD(v9_mqd, compute_dim_z, ~0U),
	FIELD(v9_mqd, compute_start_x, ~0U),
	FIELD(v9_mqd, compute_start_y, ~0U),
	FIELD(v9_mqd, compute_start_z, ~0U),
	FIELD(v9_mqd, compute_num_thread_x, ~0U),
	FIELD(v9_mqd, compute_num_thread_y, ~0U),
	FIELD(v9_mqd, compute_num_thread_z, ~0U),
	FIELD(v9_mqd, compute_pgm_lo, ~0U),
	FIELD(v9_mqd, compute_pgm_hi, 0xff),
	FIELD(v9_mqd, compute_pgm_rsrc1, ~COMPUTE_PGM_RSRC1__PRIV_MASK),
	/* whether there is a trap handler, the driver knows */
	FIELD(v9_mqd, compute_pgm_rsrc2, ~COMPUTE_PGM_RSRC2__TRAP_PRESENT_MASK),
	/* and this one goes with GWS */
	FIELD(v9_mqd, compute_resource_limits, ~COMPUTE_RESOURCE_LIMITS__FORCE_SIMD_DIST_MASK),
	FIELD(v9_mqd, compute_tmpring_size, ~0U),
	FIELD(v9_mqd, compute_restart_x, ~0U),
	FIELD(v9_mqd, compute_restart_y, ~0U),
	FIELD(v9_mqd, compute_restart_z, ~0U),
	FIELD(v9_mqd, compute_dispatch_id, ~0U),
	FIELD(v9_mqd, compute_threadgroup_id, ~0U),
	FIELD(v9_mqd, compute_relaunch, ~0U),
	FIELD(v9_mqd, compute_wave_restore_addr_lo, ~0U),
	FIELD(v9_mqd, compute_wave_restore_addr_hi, 0xffff),
	FIELD(v9_mqd, compute_wave_restore_control, ~0U),
	FIELD(v9_mqd, compute_user_data_0, ~0U),
	FIELD(v9_mqd, compute_user_data_1, ~0U),
	FIELD(v9_mqd, compute_user_data_2, ~0U),
	FIELD(v9_mqd, compute_user_data_3, ~0U),
	FIELD(v9_mqd, compute_user_data_4, ~0U),
	FIELD(v9_mqd, compute_user_data_5, ~0U),
	FIELD(v9_mqd, compute_user_data_6, ~0U),
	FIELD(v9_mqd, compute_user_data_7, ~0U),
	FIELD(v9_mqd, compute_user_data_8, ~0U),
	FIELD(v9_mqd, compute_user_data_9, ~0U),
	FIELD(v9_mqd, compute_user_data_10, ~0U),
	FIELD(v9_mqd, compute_user_data_11, ~0U),
	FIELD(v9_mqd, compute_user_data_12, ~0U),
	FIELD(v9_mqd, compute_user_data_13, ~0U),
	FIELD(v9_mqd, compute_user_data_14, ~0U),
	FIELD(v9_mqd, compute_user_data_15, ~0U),
	/* the CU mask */
	FIELD(v9_mqd, compute_static_thread_mgmt_se0, ~0U),
	FIELD(v9_mqd, compute_static_thread_mgmt_se1, ~0U),
	FIELD(v9_mqd, compute_static_thread_mgmt_se2, ~0U),
	FIELD(v9_mqd, compute_static_thread_mgmt_se3, ~0U),
	/* the ring and the indirect buffer in it */
	FIELD(v9_mqd, cp_hqd_pq_rptr, ~0U),
	FIELD(v9_mqd, cp_hqd_pq_wptr_lo, ~0U),
	FIELD(v9_mqd, cp_hqd_pq_wptr_hi, ~0U),
	FIELD(v9_mqd, cp_hqd_ib_base_addr_lo, ~0U),
	FIELD(v9_mqd, cp_hqd_ib_base_addr_hi, 0xffff),
	FIELD(v9_mqd, cp_hqd_ib_rptr, CP_HQD_IB_RPTR__CONSUMED_OFFSET_MASK),
	FIELD(v9_mqd, cp_hqd_ib_control, CP_HQD_IB_CONTROL__IB_SIZE_MASK |
					 CP_HQD_IB_CONTROL__PROCESSING_IB_MASK),
	FIELD(v9_mqd, cp_hqd_atomic0_preop_lo, ~0U),
	FIELD(v9_mqd, cp_hqd_atomic0_preop_hi, ~0U),
	FIELD(v9_mqd, cp_hqd_atomic1_preop_lo, ~0U),
	FIELD(v9_mqd, cp_hqd_atomic1_preop_hi, ~0U),
	/* the end-of-pipe buffer */
	FIELD(v9_mqd, cp_hqd_eop_rptr, CP_HQD_EOP_RPTR__RPTR_MASK),
	FIELD(v9_mqd, cp_hqd_eop_wptr, CP_HQD_EOP_WPTR__WPTR_MASK |
				       CP_HQD_EOP_WPTR__EOP_EMPTY_MASK |
				       CP_HQD_EOP_WPTR__EOP_AVAIL_MASK),
	FIELD(v9_mqd, cp_hqd_eop_wptr_mem, CP_HQD_EOP_WPTR_MEM__WPTR_MASK),
	FIELD(v9_mqd, cp_hqd_eop_done_events, CP_HQD_EOP_EVENTS__EVENT_COUNT_MASK |
					      CP_HQD_EOP_EVENTS__CS_PARTIAL_FLUSH_PEND_MASK),
	/* the saved waves */
	FIELD(v9_mqd, cp_hqd_cntl_stack_offset, CP_HQD_CNTL_STACK_OFFSET__OFFSET_MASK),
	FIELD(v9_mqd, cp_hqd_wg_state_offset, CP_HQD_WG_STATE_OFFSET__OFFSET_MASK),
};

/* More of the CU mask. */
static const struct kfd_criu_mqd_field v9_cu_mask[] = {
	FIELD(v9_mqd, compute_static_thread_mgmt_se4, ~0U),
	FIELD(v9_mqd, compute_static_thread_mgmt_se5, ~0U),
	FIELD(v9_mqd, compute_static_thread_mgmt_se6, ~0U),
	FIELD(v9_mqd, compute_static_thread_mgmt_se7, ~0U),
};

/* On 9.4.3 at the same place, what each XCC has of the dispatch; its number is the driver's. */
static const struct kfd_criu_mqd_field v9_4_3_xcc[] = {
	FIELD(v9_mqd, compute_restart_cg_tg_id, ~0U),
	FIELD(v9_mqd, compute_tg_chunk_size, ~0U),
	FIELD(v9_mqd, compute_restore_tg_chunk_size, ~0U),
};

static int v9_check(const u32 *mqd, const struct kfd_criu_queue_record *q)
{
	u64 rptr = (u64)mqd[DWORD(v9_mqd, cp_hqd_pq_rptr)] * sizeof(u32);

	/* That of an AQL queue is taken modulo the ring. */
	if (q->format == KFD_QUEUE_FORMAT_PM4 && rptr && rptr >= q->ring_size)
		return -EINVAL;
	if ((mqd[DWORD(v9_mqd, cp_hqd_cntl_stack_offset)] &
	     CP_HQD_CNTL_STACK_OFFSET__OFFSET_MASK) > q->ctl_stack_size)
		return -EINVAL;
	if ((mqd[DWORD(v9_mqd, cp_hqd_wg_state_offset)] &
	     CP_HQD_WG_STATE_OFFSET__OFFSET_MASK) > q->cwsr_size)
		return -EINVAL;
	return 0;
}

static const struct kfd_criu_mqd_layout v9_compute = {
	.size = sizeof(struct v9_mqd),
	.fields = v9_fields,
	.num_fields = ARRAY_SIZE(v9_fields),
	.more = v9_cu_mask,
	.num_more = ARRAY_SIZE(v9_cu_mask),
	.ctl_stack = true,
	.check = v9_check,
};

static const struct kfd_criu_mqd_layout v9_4_3_compute = {
	.size = sizeof(struct v9_mqd),
	.fields = v9_fields,
	.num_fields = ARRAY_SIZE(v9_fields),
	.more = v9_4_3_xcc,
	.num_more = ARRAY_SIZE(v9_4_3_xcc),
	.ctl_stack = true,
	.check = v9_check,
};

/*
 * SDMA 4. Layout: v9_structs.h; masks: sdma0_4_0_sh_mask.h. An engine that is
 * preempted in the middle of a command leaves the rest of it in midcmd_data.
 */
static const struct kfd_criu_mqd_field v9_sdma_fields[] = {
	FIELD(v9_sdma_mqd, sdmax_rlcx_rb_rptr, ~0U),
	FIELD(v9_sdma_mqd, sdmax_rlcx_rb_rptr_hi, ~0U),
	FIELD(v9_sdma_mqd, sdmax_rlcx_rb_wptr, ~0U),
	FIELD(v9_sdma_mqd, sdmax_rlcx_rb_wptr_hi, ~0U),
	/* not the VMID that the buffer is fetched with */
	FIELD(v9_sdma_mqd, sdmax_rlcx_ib_cntl, SDMA0_RLC0_IB_CNTL__IB_ENABLE_MASK |
					       SDMA0_RLC0_IB_CNTL__SWITCH_INSIDE_IB_MASK),
	FIELD(v9_sdma_mqd, sdmax_rlcx_ib_rptr, SDMA0_RLC0_IB_RPTR__OFFSET_MASK),
	FIELD(v9_sdma_mqd, sdmax_rlcx_ib_offset, SDMA0_RLC0_IB_OFFSET__OFFSET_MASK),
	FIELD(v9_sdma_mqd, sdmax_rlcx_ib_base_lo, SDMA0_RLC0_IB_BASE_LO__ADDR_MASK),
	FIELD(v9_sdma_mqd, sdmax_rlcx_ib_base_hi, SDMA0_RLC0_IB_BASE_HI__ADDR_MASK),
	FIELD(v9_sdma_mqd, sdmax_rlcx_ib_size, SDMA0_RLC0_IB_SIZE__SIZE_MASK),
	FIELD(v9_sdma_mqd, sdmax_rlcx_ib_sub_remain, SDMA0_RLC0_IB_SUB_REMAIN__SIZE_MASK),
	FIELD(v9_sdma_mqd, sdmax_rlcx_skip_cntl, SDMA0_RLC0_SKIP_CNTL__SKIP_COUNT_MASK),
	FIELD(v9_sdma_mqd, sdmax_rlcx_context_status, SDMA0_RLC0_CONTEXT_STATUS__PREEMPTED_MASK),
	FIELD(v9_sdma_mqd, sdmax_rlcx_midcmd_data0, ~0U),
	FIELD(v9_sdma_mqd, sdmax_rlcx_midcmd_data1, ~0U),
	FIELD(v9_sdma_mqd, sdmax_rlcx_midcmd_data2, ~0U),
	FIELD(v9_sdma_mqd, sdmax_rlcx_midcmd_data3, ~0U),
	FIELD(v9_sdma_mqd, sdmax_rlcx_midcmd_data4, ~0U),
	FIELD(v9_sdma_mqd, sdmax_rlcx_midcmd_data5, ~0U),
	FIELD(v9_sdma_mqd, sdmax_rlcx_midcmd_data6, ~0U),
	FIELD(v9_sdma_mqd, sdmax_rlcx_midcmd_data7, ~0U),
	FIELD(v9_sdma_mqd, sdmax_rlcx_midcmd_data8, ~0U),
	FIELD(v9_sdma_mqd, sdmax_rlcx_midcmd_cntl, SDMA0_RLC0_MIDCMD_CNTL__DATA_VALID_MASK |
						   SDMA0_RLC0_MIDCMD_CNTL__COPY_MODE_MASK |
						   SDMA0_RLC0_MIDCMD_CNTL__SPLIT_STATE_MASK |
						   SDMA0_RLC0_MIDCMD_CNTL__ALLOW_PREEMPT_MASK),
};

/* SDMA counts bytes in 64 bits, monotonic: any pair of pointers is one of a queue. */
static int v9_sdma_check(const u32 *mqd, const struct kfd_criu_queue_record *q)
{
	return mqd[DWORD(v9_sdma_mqd, sdmax_rlcx_rb_rptr)] % sizeof(u32) ? -EINVAL : 0;
}

static const struct kfd_criu_mqd_layout v9_sdma = {
	.size = sizeof(struct v9_sdma_mqd),
	.fields = v9_sdma_fields,
	.num_fields = ARRAY_SIZE(v9_sdma_fields),
	.check = v9_sdma_check,
};

/**
 * kfd_criu_mqd_layout() - Find what an image keeps of a queue's MQD.
 * @node: the GPU
 * @type: &enum kfd_queue_type
 *
 * Return: the layout, or NULL if there is none for this generation or type
 */
const struct kfd_criu_mqd_layout *kfd_criu_mqd_layout(struct kfd_node *node, u32 type)
{
	if (KFD_GC_VERSION(node) < IP_VERSION(9, 0, 1) ||
	    KFD_GC_VERSION(node) >= IP_VERSION(10, 1, 1))
		return NULL;
	switch (type) {
	case KFD_QUEUE_TYPE_COMPUTE:
		if (KFD_GC_VERSION(node) == IP_VERSION(9, 4, 3) ||
		    KFD_GC_VERSION(node) == IP_VERSION(9, 4, 4))
			return &v9_4_3_compute;
		return &v9_compute;
	case KFD_QUEUE_TYPE_SDMA:
	case KFD_QUEUE_TYPE_SDMA_XGMI:
		return &v9_sdma;
	default:
		return NULL;
	}
}

static void copy_fields(const struct kfd_criu_mqd_field *fields, u32 n, u32 *to, const u32 *from)
{
	u32 i;

	for (i = 0; i < n; i++) {
		const struct kfd_criu_mqd_field *field = &fields[i];

		to[field->dword] = (to[field->dword] & ~field->mask) |
				   (from[field->dword] & field->mask);
	}
}

/**
 * kfd_criu_mqd_copy() - Copy a queue's progress and nothing else.
 * @layout: of both MQDs
 * @to: MQD whose other bits stay as they are
 * @from: MQD
 */
void kfd_criu_mqd_copy(const struct kfd_criu_mqd_layout *layout, u32 *to, const u32 *from)
{
	copy_fields(layout->fields, layout->num_fields, to, from);
	copy_fields(layout->more, layout->num_more, to, from);
}
