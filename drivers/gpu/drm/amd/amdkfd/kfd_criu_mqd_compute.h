/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Checkpoint and restore of compute processes: what is the driver's in a compute
 * MQD from word 128 on, where all generations from GFX9 on have the registers of a
 * hardware queue in the order of their addresses, from CP_MQD_BASE_ADDR to
 * CP_HQD_PQ_WPTR_HI, and what the scheduler's firmware has behind them.
 *
 * Included in the middle of a table, where MQD is the structure, the masks are
 * those of its generation, and these are bits of words of which the rest is the driver's:
 *
 *	MQD_PERSISTENT_STATE	of cp_hqd_persistent_state
 *	MQD_EOP_CONTROL		of cp_hqd_eop_control
 *
 * and these are entries, for words that do not have the same name everywhere:
 *
 *	MQD_HQ_STATUS0		for CP_HQD_HQ_STATUS0, also called CP_HQD_HQ_SCHEDULER0
 *	MQD_GDS_RESOURCE_STATE	for CP_HQD_GDS_RESOURCE_STATE
 *	MQD_XCC			for what GFX 9.4.3 has in front of set_resources_header
 *
 * "Init" and "update" are init_mqd() and update_mqd() of kfd_mqd_manager_v*.c.
 */

/* addresses and the VMID, update but for the MQD's own, which is of init */
MQD_DRIVER_RANGE(MQD, cp_mqd_base_addr_lo, cp_mqd_base_addr_hi),
/* whether it is on the hardware; hqd_load() of the driver and firmware set it */
MQD_DRIVER(MQD, cp_hqd_active),
MQD_DRIVER(MQD, cp_hqd_vmid),
/* init; how far a save or a restore of waves has come is firmware's */
MQD_DRIVER_BUT(MQD, cp_hqd_persistent_state, MQD_PERSISTENT_STATE),
/* priorities, update */
MQD_DRIVER_RANGE(MQD, cp_hqd_pipe_priority, cp_hqd_queue_priority),
/* the time slice, init; whether it runs is the hardware's */
MQD_DRIVER_BUT(MQD, cp_hqd_quantum, CP_HQD_QUANTUM__QUANTUM_ACTIVE_MASK),
/* the ring and where its pointers are reported and polled, update */
MQD_DRIVER_RANGE(MQD, cp_hqd_pq_base_lo, cp_hqd_pq_base_hi),
MQD_STARTS(MQD, cp_hqd_pq_rptr),
MQD_DRIVER_RANGE(MQD, cp_hqd_pq_rptr_report_addr_lo, cp_hqd_pq_wptr_poll_addr_hi),
/* update, which writes all of it */
MQD_DRIVER(MQD, cp_hqd_pq_doorbell_control),
/* the ring's size, its format, privilege, TMZ: init and update */
MQD_DRIVER_BUT(MQD, cp_hqd_pq_control, CP_HQD_PQ_CONTROL__WPTR_CARRY_MASK |
	       CP_HQD_PQ_CONTROL__RPTR_CARRY_MASK | CP_HQD_PQ_CONTROL__PQ_EMPTY_MASK),
/* update; the indirect buffer that is being executed is firmware's, its privilege is not */
MQD_DRIVER_BUT(MQD, cp_hqd_ib_control, CP_HQD_IB_CONTROL__IB_SIZE_MASK |
	       CP_HQD_IB_CONTROL__PROCESSING_IB_MASK),
/* update; it would execute the iqtimer packets */
MQD_DRIVER(MQD, cp_hqd_iq_timer),
/* asks for the queue to be taken off: a request of who schedules, and none is pending */
MQD_DRIVER(MQD, cp_hqd_dequeue_request),
/* likewise what goes with the request */
MQD_DRIVER(MQD, cp_hqd_msg_type),
/* settings, init or the scheduler's when it is given the queue */
MQD_HQ_STATUS0,
/* how the MQD itself is accessed, with PRIV_STATE, VMID, MTYPE: init */
MQD_DRIVER(MQD, cp_mqd_control),
/* the end-of-pipe buffer, update */
MQD_DRIVER_RANGE(MQD, cp_hqd_eop_base_addr_lo, cp_hqd_eop_base_addr_hi),
MQD_DRIVER_BUT(MQD, cp_hqd_eop_control, MQD_EOP_CONTROL),
/* commands of who loads the queue, hqd_load() gives one */
MQD_DRIVER_BITS(MQD, cp_hqd_eop_rptr, CP_HQD_EOP_RPTR__RESET_FETCHER_MASK |
		CP_HQD_EOP_RPTR__INIT_FETCHER_MASK),
/* save area and control stack, init; control: update */
MQD_DRIVER_RANGE(MQD, cp_hqd_ctx_save_base_addr_lo, cp_hqd_ctx_save_control),
MQD_STARTS(MQD, cp_hqd_cntl_stack_offset),
MQD_DRIVER(MQD, cp_hqd_cntl_stack_size),
MQD_STARTS(MQD, cp_hqd_wg_state_offset),
MQD_DRIVER(MQD, cp_hqd_ctx_save_size),
/* CP_HQD_GDS_RESOURCE_STATE: which part of GWS the queue has been granted */
MQD_GDS_RESOURCE_STATE,
/* the format of packets, init */
MQD_DRIVER(MQD, cp_hqd_aql_control),
MQD_STARTS_RANGE(MQD, cp_hqd_pq_wptr_lo, cp_hqd_pq_wptr_hi),
/* packets that firmware executes with its own rights */
MQD_DRIVER_RANGE(MQD, iqtimer_pkt_header, iqtimer_pkt_dw31),
MQD_XCC
MQD_DRIVER_RANGE(MQD, set_resources_header, set_resources_dw7),
/* doorbells of queues that could not be taken off, in the MQD of the scheduler */
MQD_DRIVER_RANGE(MQD, queue_doorbell_id0, queue_doorbell_id15),
