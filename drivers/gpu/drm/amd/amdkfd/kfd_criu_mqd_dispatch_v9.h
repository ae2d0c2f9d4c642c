/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Checkpoint and restore of compute processes: what is the driver's in the first
 * 128 words of a compute MQD of GFX9, which are the registers of a dispatch from
 * COMPUTE_DISPATCH_INITIATOR on, in the order of their addresses.
 *
 * Included in the middle of a table, where the masks are those of its generation, MQD_LIMITS
 * is an entry for compute_resource_limits or nothing, and MQD_HAS_XCCS is defined if
 * words 39 to 42 are each XCC's part of a dispatch.
 */

/* init */
MQD_DRIVER(v9_mqd, header),
MQD_STARTS(v9_mqd, compute_pipelinestat_enable),
/* privileged waves */
MQD_DRIVER_BITS(v9_mqd, compute_pgm_rsrc1, COMPUTE_PGM_RSRC1__PRIV_MASK),
/* whether there is a trap handler, init */
MQD_DRIVER_BITS(v9_mqd, compute_pgm_rsrc2, COMPUTE_PGM_RSRC2__TRAP_PRESENT_MASK),
MQD_DRIVER(v9_mqd, compute_vmid),
MQD_LIMITS
/* the CU mask, init and update */
MQD_STARTS_RANGE(v9_mqd, compute_static_thread_mgmt_se0, compute_static_thread_mgmt_se1),
MQD_STARTS_RANGE(v9_mqd, compute_static_thread_mgmt_se2, compute_static_thread_mgmt_se3),
#ifdef MQD_HAS_XCCS
/*
 * The XCC's number and the chunks in which it takes workgroups; how far it has come. Each queue
 * begins with another number, and the number says which workgroups of a grid are the XCC's.
 */
MQD_STARTS(v9_mqd, compute_current_logic_xcc_id),
MQD_STARTS(v9_mqd, compute_restart_cg_tg_id),
MQD_DRIVER(v9_mqd, compute_tg_chunk_size),
MQD_STARTS(v9_mqd, compute_restore_tg_chunk_size),
#else
MQD_STARTS_RANGE(v9_mqd, compute_static_thread_mgmt_se4, compute_static_thread_mgmt_se7),
#endif
/* a switch of who schedules */
MQD_DRIVER(v9_mqd, disable_queue),
/* where and what firmware saves of GDS, which processes do not have, and of a context */
MQD_DRIVER_RANGE(v9_mqd, gds_save_base_addr_lo, ctx_save_base_addr_hi),
/* an address that firmware reads a CU mask from */
MQD_DRIVER_RANGE(v9_mqd, dynamic_cu_mask_addr_lo, dynamic_cu_mask_addr_hi),
