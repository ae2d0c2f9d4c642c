/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Checkpoint and restore of compute processes: what is the driver's in the MQD of an
 * SDMA queue of SDMA 4 and 5. An engine that is preempted in the middle of a
 * command leaves the rest of it in midcmd_data.
 *
 * Included in the middle of a table, where MQD is the structure, MQD_IB_CNTL the bits
 * of sdmax_rlcx_ib_cntl that are the driver's, and MQD_AQL_CNTL those of
 * sdmax_rlcx_rb_aql_cntl. "Update" is update_mqd_sdma() of kfd_mqd_manager_v*.c, and
 * "load" is hqd_sdma_load(), which takes a queue that no firmware schedules onto the engine.
 */

/* size, VMID, RB_PRIV, reports; where the ring is: update */
MQD_DRIVER_RANGE(MQD, sdmax_rlcx_rb_cntl, sdmax_rlcx_rb_base_hi),
MQD_STARTS_RANGE(MQD, sdmax_rlcx_rb_rptr, sdmax_rlcx_rb_wptr_hi),
/* whether the write pointer is polled, and where the read pointer is reported: update */
MQD_DRIVER_RANGE(MQD, sdmax_rlcx_rb_wptr_poll_cntl, sdmax_rlcx_rb_rptr_addr_lo),
/* the VMID that an indirect buffer is fetched with, and its privilege */
MQD_DRIVER_BITS(MQD, sdmax_rlcx_ib_cntl, MQD_IB_CNTL),
/* doorbells, load and update */
MQD_DRIVER(MQD, sdmax_rlcx_doorbell),
MQD_DRIVER(MQD, sdmax_rlcx_doorbell_offset),
/* an address where the engine saves its state */
MQD_DRIVER_RANGE(MQD, sdmax_rlcx_csa_addr_lo, sdmax_rlcx_csa_addr_hi),
/* a request of who schedules, and none is pending; the dummy: update */
MQD_DRIVER_RANGE(MQD, sdmax_rlcx_preempt, sdmax_rlcx_dummy_reg),
MQD_DRIVER_RANGE(MQD, sdmax_rlcx_rb_wptr_poll_addr_hi, sdmax_rlcx_rb_wptr_poll_addr_lo),
/* the format of packets */
MQD_DRIVER_BITS(MQD, sdmax_rlcx_rb_aql_cntl, MQD_AQL_CNTL),
/* set by load for as long as it writes the pointers */
MQD_DRIVER(MQD, sdmax_rlcx_minor_ptr_update),
/* where the queue is, update */
MQD_DRIVER_RANGE(MQD, sdma_engine_id, sdma_queue_id),
