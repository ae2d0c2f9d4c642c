/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Checkpoint and restore of compute processes: progress in a compute MQD, as all
 * generations from GFX9 on have it, each at its own place.
 *
 * Included in the middle of a table, where MQD is the structure, and the masks
 * are those of its generation. With compute wave save and restore, preemption in
 * the middle of a dispatch leaves the dispatch's registers in the MQD, and where in
 * control stack and save area its waves are.
 */

/* the dispatch that is under way */
MQD_FIELD(MQD, compute_dispatch_initiator, ~0U),
MQD_FIELD(MQD, compute_dim_x, ~0U),
MQD_FIELD(MQD, compute_dim_y, ~0U),
MQD_FIELD(MQD, compute_dim_z, ~0U),
MQD_FIELD(MQD, compute_start_x, ~0U),
MQD_FIELD(MQD, compute_start_y, ~0U),
MQD_FIELD(MQD, compute_start_z, ~0U),
MQD_FIELD(MQD, compute_num_thread_x, ~0U),
MQD_FIELD(MQD, compute_num_thread_y, ~0U),
MQD_FIELD(MQD, compute_num_thread_z, ~0U),
MQD_FIELD(MQD, compute_pgm_lo, ~0U),
MQD_FIELD(MQD, compute_pgm_hi, 0xff),
MQD_FIELD(MQD, compute_pgm_rsrc1, ~COMPUTE_PGM_RSRC1__PRIV_MASK),
/* and this one goes with GWS */
MQD_FIELD(MQD, compute_resource_limits, ~COMPUTE_RESOURCE_LIMITS__FORCE_SIMD_DIST_MASK),
MQD_FIELD(MQD, compute_tmpring_size, ~0U),
MQD_FIELD(MQD, compute_restart_x, ~0U),
MQD_FIELD(MQD, compute_restart_y, ~0U),
MQD_FIELD(MQD, compute_restart_z, ~0U),
MQD_FIELD(MQD, compute_dispatch_id, ~0U),
MQD_FIELD(MQD, compute_threadgroup_id, ~0U),
MQD_FIELD(MQD, compute_relaunch, ~0U),
MQD_FIELD(MQD, compute_wave_restore_addr_lo, ~0U),
MQD_FIELD(MQD, compute_wave_restore_addr_hi, 0xffff),
MQD_FIELD(MQD, compute_wave_restore_control, ~0U),
MQD_FIELD(MQD, compute_user_data_0, ~0U),
MQD_FIELD(MQD, compute_user_data_1, ~0U),
MQD_FIELD(MQD, compute_user_data_2, ~0U),
MQD_FIELD(MQD, compute_user_data_3, ~0U),
MQD_FIELD(MQD, compute_user_data_4, ~0U),
MQD_FIELD(MQD, compute_user_data_5, ~0U),
MQD_FIELD(MQD, compute_user_data_6, ~0U),
MQD_FIELD(MQD, compute_user_data_7, ~0U),
MQD_FIELD(MQD, compute_user_data_8, ~0U),
MQD_FIELD(MQD, compute_user_data_9, ~0U),
MQD_FIELD(MQD, compute_user_data_10, ~0U),
MQD_FIELD(MQD, compute_user_data_11, ~0U),
MQD_FIELD(MQD, compute_user_data_12, ~0U),
MQD_FIELD(MQD, compute_user_data_13, ~0U),
MQD_FIELD(MQD, compute_user_data_14, ~0U),
MQD_FIELD(MQD, compute_user_data_15, ~0U),
/* the CU mask */
MQD_FIELD(MQD, compute_static_thread_mgmt_se0, ~0U),
MQD_FIELD(MQD, compute_static_thread_mgmt_se1, ~0U),
MQD_FIELD(MQD, compute_static_thread_mgmt_se2, ~0U),
MQD_FIELD(MQD, compute_static_thread_mgmt_se3, ~0U),
/* the ring and the indirect buffer in it */
MQD_FIELD(MQD, cp_hqd_pq_rptr, ~0U),
MQD_FIELD(MQD, cp_hqd_pq_wptr_lo, ~0U),
MQD_FIELD(MQD, cp_hqd_pq_wptr_hi, ~0U),
MQD_FIELD(MQD, cp_hqd_ib_base_addr_lo, ~0U),
MQD_FIELD(MQD, cp_hqd_ib_base_addr_hi, 0xffff),
MQD_FIELD(MQD, cp_hqd_ib_rptr, CP_HQD_IB_RPTR__CONSUMED_OFFSET_MASK),
MQD_FIELD(MQD, cp_hqd_ib_control, CP_HQD_IB_CONTROL__IB_SIZE_MASK |
		CP_HQD_IB_CONTROL__PROCESSING_IB_MASK),
MQD_FIELD(MQD, cp_hqd_atomic0_preop_lo, ~0U),
MQD_FIELD(MQD, cp_hqd_atomic0_preop_hi, ~0U),
MQD_FIELD(MQD, cp_hqd_atomic1_preop_lo, ~0U),
MQD_FIELD(MQD, cp_hqd_atomic1_preop_hi, ~0U),
/* the end-of-pipe buffer */
MQD_FIELD(MQD, cp_hqd_eop_rptr, CP_HQD_EOP_RPTR__RPTR_MASK),
MQD_FIELD(MQD, cp_hqd_eop_wptr, CP_HQD_EOP_WPTR__WPTR_MASK |
		CP_HQD_EOP_WPTR__EOP_EMPTY_MASK |
		CP_HQD_EOP_WPTR__EOP_AVAIL_MASK),
MQD_FIELD(MQD, cp_hqd_eop_wptr_mem, CP_HQD_EOP_WPTR_MEM__WPTR_MASK),
MQD_FIELD(MQD, cp_hqd_eop_done_events, CP_HQD_EOP_EVENTS__EVENT_COUNT_MASK |
		CP_HQD_EOP_EVENTS__CS_PARTIAL_FLUSH_PEND_MASK),
/* the saved waves */
MQD_FIELD(MQD, cp_hqd_cntl_stack_offset, CP_HQD_CNTL_STACK_OFFSET__OFFSET_MASK),
MQD_FIELD(MQD, cp_hqd_wg_state_offset, CP_HQD_WG_STATE_OFFSET__OFFSET_MASK),
