/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What must not come from an image in the MQD of a compute queue, as all generations from
 * GFX9 on have it, each at its own place.
 *
 * Included in the middle of a table, where MQD is the structure and TABLE the one of
 * kfd_criu_mqd_kunit.c that a GPU has to have.
 */

CP(header, ~0U),
/* PRIV */
CP(compute_pgm_rsrc1, 1U << 20),
CP(compute_vmid, ~0U),
CP(disable_queue, ~0U),
CP(ctx_save_base_addr_lo, ~0U),
CP(ctx_save_base_addr_hi, ~0U),
CP(cp_mqd_base_addr_lo, ~0U),
CP(cp_mqd_base_addr_hi, ~0U),
CP(cp_hqd_active, ~0U),
CP(cp_hqd_vmid, ~0U),
/* QSWITCH_MODE, ... */
CP(cp_hqd_persistent_state, 0x4ffffe01U),
CP(cp_hqd_pipe_priority, ~0U),
CP(cp_hqd_queue_priority, ~0U),
CP(cp_hqd_quantum, 0x3f11U),
CP(cp_hqd_pq_base_lo, ~0U),
CP(cp_hqd_pq_base_hi, ~0U),
CP(cp_hqd_pq_rptr_report_addr_lo, ~0U),
CP(cp_hqd_pq_rptr_report_addr_hi, ~0U),
CP(cp_hqd_pq_wptr_poll_addr_lo, ~0U),
CP(cp_hqd_pq_wptr_poll_addr_hi, ~0U),
CP(cp_hqd_pq_doorbell_control, ~0U),
/* KMD_QUEUE, PRIV_STATE, TMZ, EXE_DISABLE, QUEUE_SIZE, ... */
CP(cp_hqd_pq_control, 0xfff07f3fU),
/* IB_PRIV_STATE, IB_EXE_DISABLE, ... */
CP(cp_hqd_ib_control, 0x7ff00000U),
CP(cp_hqd_iq_timer, ~0U),
CP(cp_hqd_dequeue_request, ~0U),
CP(cp_hqd_msg_type, ~0U),
CP(cp_mqd_control, ~0U),
CP(cp_hqd_eop_base_addr_lo, ~0U),
CP(cp_hqd_eop_base_addr_hi, ~0U),
CP(cp_hqd_eop_control, 0x3fU),
CP(cp_hqd_ctx_save_base_addr_lo, ~0U),
CP(cp_hqd_ctx_save_base_addr_hi, ~0U),
CP(cp_hqd_ctx_save_control, ~0U),
CP(cp_hqd_cntl_stack_size, ~0U),
CP(cp_hqd_ctx_save_size, ~0U),
CP(cp_hqd_aql_control, ~0U),
CP(iqtimer_pkt_header, ~0U),
CP(iqtimer_pkt_dw0, ~0U),
CP(iqtimer_pkt_dw31, ~0U),
CP(set_resources_header, ~0U),
CP(set_resources_dw1, ~0U),
CP(set_resources_dw7, ~0U),
CP(queue_doorbell_id0, ~0U),
CP(queue_doorbell_id15, ~0U),
