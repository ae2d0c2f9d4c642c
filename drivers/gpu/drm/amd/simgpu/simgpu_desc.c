// SPDX-License-Identifier: MIT
/*
 * The generations that can be simulated.
 *
 * Facts: the tables of IP versions in amdgpu_discovery.c, gmc_v*_0.c for the
 * VMIDs, gfx_v*_0.c for compute units, v*_structs.h for MQDs,
 * kfd_mqd_manager_v*.c for what of them is the driver's,
 * *_sdma_pkt_open.h for packets, amdgpu_doorbell.h for doorbells.
 */
#include <linux/export.h>
#include <kunit/visibility.h>

#include "amdgpu.h"
#include "amdgpu_mes.h"
#include "soc15_ih_clientid.h"
#include "v9_structs.h"
#include "v10_structs.h"
#include "v11_structs.h"
#include "v12_structs.h"

#include "simgpu_desc.h"

/**
 * DOC: simgpu generations
 *
 * A generation is a row of a table: versions by which the drivers choose their
 * code, the layout of what they share with hardware, and numbers of units.
 * Firmware versions are recent enough for every check in KFD and in libhsakmt.
 *
 * ``9.0.1``
 *	SDMA 4.0.0.
 *
 * ``9.4.0``
 *	SDMA 4.2.0.  The default.
 *
 * ``9.4.2``
 *	SDMA 4.4.0.  No graphics: KFD has VMIDs 3 to 15, and another format of
 *	MAP_PROCESS.
 *
 * ``9.4.3``
 *	SDMA 4.4.2.  2 to 8 XCCs (``simgpu_xccs``), each with a MQD of its own for
 *	a compute queue and with two SDMA engines, as one partition or as many as
 *	there are XCCs (``simgpu_partitions``).  In a partition, the first XCC
 *	executes the packets of a queue, and all have workgroups of its kernels;
 *	the MQDs of the others are checked, and get the progress of the queue.
 *
 * ``10.3.0``
 *	SDMA 5.2.0.  Another format of page table entries and of SDMA MQDs;
 *	waves of 32 threads.
 *
 * ``11.0.0``
 *	SDMA 6.0.0.  MES in the place of the HIQ, another SDMA MQD, other
 *	interrupt clients.
 *
 * ``12.0.0``
 *	SDMA 7.0.0.  MES; page table entries have to say that they are
 *	entries, another SDMA MQD.
 *
 * All of these have 4 compute units for each XCC, in one shader array.  A
 * product has as many as are sold, and thus the control stack and the save
 * area of that size: what fits a small one need not fit it.
 *
 * ==============  ======  ====  =======  ======  =========================
 * name            GC      XCCs  engines  arrays  compute units of each XCC
 * ==============  ======  ====  =======  ======  =========================
 * ``mi100``       9.4.1   1     8        1       120 of 128
 * ``mi210``       9.4.2   1     8        1       104 of 112
 * ``mi300x``      9.4.3   8     4        1       38 of 40
 * ``rx6900xt``    10.3.0  1     4        2       80
 * ``rx7900xtx``   11.0.0  1     6        2       96
 * ``rx9070``      12.0.1  1     4        2       56 of 64, in pairs
 * ==============  ======  ====  =======  ======  =========================
 *
 * Which of the units are disabled is another matter on each die, see
 * ``simgpu_die``.  SDMA engines are two for each XCC whatever the product.
 */

#define MQD_DWORD(type, field)	(offsetof(struct type, field) / sizeof(u32))

/* Layouts that are the same but for the offsets. */
#define COMPUTE_MQD(type, ...) {							\
	.active = MQD_DWORD(type, cp_hqd_active),					\
	.vmid = MQD_DWORD(type, cp_hqd_vmid),						\
	.base_lo = MQD_DWORD(type, cp_hqd_pq_base_lo),					\
	.base_hi = MQD_DWORD(type, cp_hqd_pq_base_hi),					\
	.rptr = MQD_DWORD(type, cp_hqd_pq_rptr),					\
	.rptr_addr_lo = MQD_DWORD(type, cp_hqd_pq_rptr_report_addr_lo),			\
	.rptr_addr_hi = MQD_DWORD(type, cp_hqd_pq_rptr_report_addr_hi),			\
	.wptr_addr_lo = MQD_DWORD(type, cp_hqd_pq_wptr_poll_addr_lo),			\
	.wptr_addr_hi = MQD_DWORD(type, cp_hqd_pq_wptr_poll_addr_hi),			\
	.doorbell_control = MQD_DWORD(type, cp_hqd_pq_doorbell_control),		\
	.control = MQD_DWORD(type, cp_hqd_pq_control),					\
	.ib_base_lo = MQD_DWORD(type, cp_hqd_ib_base_addr_lo),				\
	.ib_base_hi = MQD_DWORD(type, cp_hqd_ib_base_addr_hi),				\
	.ib_rptr = MQD_DWORD(type, cp_hqd_ib_rptr),					\
	.ib_control = MQD_DWORD(type, cp_hqd_ib_control),				\
	.aql_control = MQD_DWORD(type, cp_hqd_aql_control),				\
	.eop_base_lo = MQD_DWORD(type, cp_hqd_eop_base_addr_lo),			\
	.eop_base_hi = MQD_DWORD(type, cp_hqd_eop_base_addr_hi),			\
	.eop_control = MQD_DWORD(type, cp_hqd_eop_control),				\
	.pipe_priority = MQD_DWORD(type, cp_hqd_pipe_priority),				\
	.queue_priority = MQD_DWORD(type, cp_hqd_queue_priority),			\
	.save_size = MQD_DWORD(type, cp_hqd_ctx_save_size),				\
	.stuck_queue = MQD_DWORD(type, queue_doorbell_id0),				\
	__VA_ARGS__									\
}

#define WAVE_MQD(type) {								\
	.base_lo = MQD_DWORD(type, cp_hqd_ctx_save_base_addr_lo),			\
	.base_hi = MQD_DWORD(type, cp_hqd_ctx_save_base_addr_hi),			\
	.stack_size = MQD_DWORD(type, cp_hqd_cntl_stack_size),				\
	.stack_offset = MQD_DWORD(type, cp_hqd_cntl_stack_offset),			\
	.offset = MQD_DWORD(type, cp_hqd_wg_state_offset),				\
}

#define SDMA_MQD(type) {								\
	.rptr_addr_lo = MQD_DWORD(type, sdmax_rlcx_rb_rptr_addr_lo),			\
	.rptr_addr_hi = MQD_DWORD(type, sdmax_rlcx_rb_rptr_addr_hi),			\
	.ib_base_lo = MQD_DWORD(type, sdmax_rlcx_ib_base_lo),				\
	.ib_base_hi = MQD_DWORD(type, sdmax_rlcx_ib_base_hi),				\
	.ib_size = MQD_DWORD(type, sdmax_rlcx_ib_size),					\
	.ib_offset = MQD_DWORD(type, sdmax_rlcx_ib_offset),				\
	.midcmd_lo = MQD_DWORD(type, sdmax_rlcx_midcmd_data0),				\
	.midcmd_hi = MQD_DWORD(type, sdmax_rlcx_midcmd_data1),				\
	.midcmd_control = MQD_DWORD(type, sdmax_rlcx_midcmd_cntl),			\
	.doorbell_offset = MQD_DWORD(type, sdmax_rlcx_doorbell_offset),			\
	.engine_id = MQD_DWORD(type, sdma_engine_id),					\
}

/*
 * Whose the bits of a MQD are.  What init_mqd() or update_mqd() assign as a whole is the
 * driver's as a whole; of what they change bit by bit, those bits.  What nobody has here is
 * firmware's.
 */
#define MQD_BITS(type, field, bits, whose) \
	{ .mask = (bits), .dword = MQD_DWORD(type, field), .owner = (whose) }
#define MQD_DRIVER(type, field) MQD_BITS(type, field, U32_MAX, SIMGPU_MQD_DRIVER)
#define MQD_IDENTITY(type, field) MQD_BITS(type, field, U32_MAX, SIMGPU_MQD_IDENTITY)
#define MQD_PROGRESS(type, field) MQD_BITS(type, field, U32_MAX, SIMGPU_MQD_PROGRESS)
#define MQD_PROGRESS_FROM(type, field, begin) \
	{ .mask = U32_MAX, .dword = MQD_DWORD(type, field), .owner = SIMGPU_MQD_PROGRESS, \
	  .fresh = MQD_DWORD(type, begin) }

#define MQD_ORDER_BITS(type, field, bits) MQD_BITS(type, field, bits, SIMGPU_MQD_ORDER)
#define MQD_ORDER(type, field) MQD_ORDER_BITS(type, field, U32_MAX)
#define MQD_ORDERS(type, from, to) \
	{ .mask = U32_MAX, .dword = MQD_DWORD(type, from), .last = MQD_DWORD(type, to), \
	  .owner = SIMGPU_MQD_ORDER }

/* COMPUTE_PGM_RSRC1: waves with the rights of the kernel */
#define RSRC1_PRIV		BIT(20)
/* CP_HQD_EOP_RPTR: commands to the fetcher of the end of pipe buffer */
#define EOP_INIT_FETCHER	BIT(28)
#define EOP_RESET_FETCHER	BIT(31)
/* RB_AQL_CNTL of SDMA: enable, packet size, step */
#define SDMA_AQL		GENMASK(15, 0)
/* IB_CNTL of SDMA: the VMID of a buffer, and on 4.4.2 its privilege */
#define SDMA_IB_VMID		GENMASK(19, 16)
#define SDMA_IB_PRIV		BIT(31)

/* GWS puts this on the SIMDs of all shader engines, see COMPUTE_RESOURCE_LIMITS */
#define FORCE_SIMD_DIST		BIT(23)
/* COMPUTE_PGM_RSRC2 */
#define TRAP_PRESENT		BIT(6)

/*
 * cp_hqd_ib_control has progress, too, but each update of a queue writes it: what it says of
 * an indirect buffer is as good as lost then, and must be for hardware as well.
 */
#define COMPUTE_MQD_BITS(type, ...) {							\
	MQD_DRIVER(type, header),							\
	MQD_DRIVER(type, compute_pipelinestat_enable),					\
	MQD_DRIVER(type, compute_static_thread_mgmt_se0),				\
	MQD_DRIVER(type, compute_static_thread_mgmt_se1),				\
	MQD_DRIVER(type, compute_static_thread_mgmt_se2),				\
	MQD_DRIVER(type, compute_static_thread_mgmt_se3),				\
	MQD_DRIVER(type, cp_mqd_base_addr_lo),						\
	MQD_DRIVER(type, cp_mqd_base_addr_hi),						\
	MQD_DRIVER(type, cp_mqd_control),						\
	MQD_DRIVER(type, cp_hqd_persistent_state),					\
	MQD_DRIVER(type, cp_hqd_vmid),							\
	MQD_DRIVER(type, cp_hqd_pipe_priority),						\
	MQD_DRIVER(type, cp_hqd_queue_priority),					\
	MQD_DRIVER(type, cp_hqd_quantum),						\
	MQD_DRIVER(type, cp_hqd_pq_base_lo),						\
	MQD_DRIVER(type, cp_hqd_pq_base_hi),						\
	MQD_DRIVER(type, cp_hqd_pq_control),						\
	MQD_DRIVER(type, cp_hqd_pq_wptr_poll_addr_lo),					\
	MQD_DRIVER(type, cp_hqd_pq_wptr_poll_addr_hi),					\
	MQD_DRIVER(type, cp_hqd_pq_doorbell_control),					\
	MQD_DRIVER(type, cp_hqd_ib_control),						\
	MQD_DRIVER(type, cp_hqd_iq_timer),						\
	MQD_DRIVER(type, cp_hqd_aql_control),						\
	MQD_DRIVER(type, cp_hqd_eop_base_addr_lo),					\
	MQD_DRIVER(type, cp_hqd_eop_base_addr_hi),					\
	MQD_DRIVER(type, cp_hqd_eop_control),						\
	MQD_DRIVER(type, cp_hqd_ctx_save_base_addr_lo),					\
	MQD_DRIVER(type, cp_hqd_ctx_save_base_addr_hi),					\
	MQD_DRIVER(type, cp_hqd_ctx_save_control),					\
	MQD_DRIVER(type, cp_hqd_ctx_save_size),						\
	MQD_DRIVER(type, cp_hqd_cntl_stack_size),					\
	/* where the rptr is reported is said once, when the queue is made */		\
	MQD_IDENTITY(type, cp_hqd_pq_rptr_report_addr_lo),				\
	MQD_IDENTITY(type, cp_hqd_pq_rptr_report_addr_hi),				\
	MQD_PROGRESS(type, cp_hqd_pq_rptr),						\
	MQD_PROGRESS(type, cp_hqd_ib_base_addr_lo),					\
	MQD_PROGRESS(type, cp_hqd_ib_base_addr_hi),					\
	MQD_PROGRESS(type, cp_hqd_ib_rptr),						\
	MQD_PROGRESS_FROM(type, cp_hqd_cntl_stack_offset, cp_hqd_cntl_stack_size),	\
	MQD_PROGRESS_FROM(type, cp_hqd_wg_state_offset, cp_hqd_cntl_stack_size),	\
	MQD_BITS(type, cp_hqd_active, U32_MAX, SIMGPU_MQD_LOADED),			\
	MQD_ORDER_BITS(type, compute_pgm_rsrc1, RSRC1_PRIV),				\
	MQD_ORDER(type, compute_vmid),							\
	MQD_ORDER(type, disable_queue),							\
	MQD_ORDERS(type, ctx_save_base_addr_lo, ctx_save_base_addr_hi),			\
	MQD_ORDER(type, cp_hqd_dequeue_request),					\
	MQD_ORDER(type, cp_hqd_msg_type),						\
	MQD_ORDER_BITS(type, cp_hqd_eop_rptr, EOP_INIT_FETCHER | EOP_RESET_FETCHER),	\
	/* packets that firmware executes with its own rights */			\
	MQD_ORDERS(type, iqtimer_pkt_header, iqtimer_pkt_dw31),				\
	MQD_ORDERS(type, set_resources_header, set_resources_dw7),			\
	MQD_ORDERS(type, queue_doorbell_id0, queue_doorbell_id15),			\
	__VA_ARGS__,									\
	{ }										\
}

/* Where the global data share, which processes do not have, is saved; what of it is granted. */
#define MQD_GDS_SAVE(type)	MQD_ORDERS(type, gds_save_base_addr_lo, gds_save_mask_hi)
#define MQD_GDS_STATE(type)	MQD_ORDER(type, cp_hqd_gds_resource_state)

#define V9_MQD_BITS(...)								\
	COMPUTE_MQD_BITS(v9_mqd,							\
			 MQD_GDS_SAVE(v9_mqd),						\
			 MQD_GDS_STATE(v9_mqd),						\
			 MQD_ORDERS(v9_mqd, dynamic_cu_mask_addr_lo, dynamic_cu_mask_addr_hi), \
			 MQD_DRIVER(v9_mqd, cp_hqd_hq_status0),				\
			 MQD_BITS(v9_mqd, compute_pgm_rsrc2, TRAP_PRESENT, SIMGPU_MQD_DRIVER), \
			 __VA_ARGS__)

static const struct simgpu_mqd_bits simgpu_v9_bits[] =
	V9_MQD_BITS(MQD_DRIVER(v9_mqd, compute_static_thread_mgmt_se4),
		    MQD_DRIVER(v9_mqd, compute_static_thread_mgmt_se5),
		    MQD_DRIVER(v9_mqd, compute_static_thread_mgmt_se6),
		    MQD_DRIVER(v9_mqd, compute_static_thread_mgmt_se7));

static const struct simgpu_mqd_bits simgpu_v9_4_2_bits[] =
	V9_MQD_BITS(MQD_DRIVER(v9_mqd, compute_static_thread_mgmt_se4),
		    MQD_DRIVER(v9_mqd, compute_static_thread_mgmt_se5),
		    MQD_DRIVER(v9_mqd, compute_static_thread_mgmt_se6),
		    MQD_DRIVER(v9_mqd, compute_static_thread_mgmt_se7),
		    MQD_BITS(v9_mqd, compute_resource_limits, FORCE_SIMD_DIST, SIMGPU_MQD_DRIVER));

static const struct simgpu_mqd_bits simgpu_v9_4_3_bits[] =
	V9_MQD_BITS(MQD_BITS(v9_mqd, compute_resource_limits, FORCE_SIMD_DIST, SIMGPU_MQD_DRIVER),
		    MQD_DRIVER(v9_mqd, cp_mqd_stride_size),
		    MQD_DRIVER(v9_mqd, pm4_target_xcc_in_xcp),
		    /* said once, and it decides which workgroups are this XCC's */
		    MQD_IDENTITY(v9_mqd, compute_current_logic_xcc_id),
		    MQD_DRIVER(v9_mqd, compute_tg_chunk_size),
		    /* the driver means shader engines 5 and 7, which there are not */
		    MQD_BITS(v9_mqd, compute_restart_cg_tg_id, U32_MAX, SIMGPU_MQD_PRESET),
		    MQD_BITS(v9_mqd, compute_restore_tg_chunk_size, U32_MAX, SIMGPU_MQD_PRESET));

static const struct simgpu_mqd_bits simgpu_v10_bits[] =
	COMPUTE_MQD_BITS(v10_compute_mqd,
			 MQD_GDS_SAVE(v10_compute_mqd),
			 MQD_GDS_STATE(v10_compute_mqd),
			 MQD_DRIVER(v10_compute_mqd, cp_hqd_hq_scheduler0));

#define SOC21_MQD_BITS(type, ...)							\
	COMPUTE_MQD_BITS(type,								\
			 /* buffers that firmware writes to */				\
			 MQD_ORDERS(type, control_buf_addr_lo, draw_ring_addr_hi),	\
			 MQD_DRIVER(type, cp_hqd_hq_status0),				\
			 MQD_DRIVER(type, compute_static_thread_mgmt_se4),		\
			 MQD_DRIVER(type, compute_static_thread_mgmt_se5),		\
			 MQD_DRIVER(type, compute_static_thread_mgmt_se6),		\
			 MQD_DRIVER(type, compute_static_thread_mgmt_se7),		\
			 __VA_ARGS__)

static const struct simgpu_mqd_bits simgpu_v11_bits[] =
	SOC21_MQD_BITS(v11_compute_mqd,
		       MQD_GDS_SAVE(v11_compute_mqd),
		       MQD_GDS_STATE(v11_compute_mqd));

static const struct simgpu_mqd_bits simgpu_v12_bits[] =
	SOC21_MQD_BITS(v12_compute_mqd,
		       /* CP_HQD_GDS_RESOURCE_STATE, of which there is only the register any more */
		       MQD_ORDER(v12_compute_mqd, reserved_178),
		       MQD_ORDERS(v12_compute_mqd, dfwx_flags, dfwx_client_data_addr_hi));

#define SDMA_MQD_BITS(type, ...) {							\
	MQD_DRIVER(type, sdmax_rlcx_rb_cntl),						\
	MQD_DRIVER(type, sdmax_rlcx_rb_base),						\
	MQD_DRIVER(type, sdmax_rlcx_rb_base_hi),					\
	MQD_DRIVER(type, sdmax_rlcx_doorbell_offset),					\
	MQD_DRIVER(type, sdmax_rlcx_dummy_reg),						\
	MQD_DRIVER(type, sdma_engine_id),						\
	MQD_DRIVER(type, sdma_queue_id),						\
	MQD_IDENTITY(type, sdmax_rlcx_rb_rptr_addr_lo),					\
	MQD_IDENTITY(type, sdmax_rlcx_rb_rptr_addr_hi),					\
	MQD_PROGRESS(type, sdmax_rlcx_rb_rptr),						\
	MQD_PROGRESS(type, sdmax_rlcx_rb_rptr_hi),					\
	MQD_PROGRESS(type, sdmax_rlcx_rb_wptr),						\
	MQD_PROGRESS(type, sdmax_rlcx_rb_wptr_hi),					\
	MQD_PROGRESS(type, sdmax_rlcx_ib_base_lo),					\
	MQD_PROGRESS(type, sdmax_rlcx_ib_base_hi),					\
	MQD_PROGRESS(type, sdmax_rlcx_ib_size),						\
	MQD_PROGRESS(type, sdmax_rlcx_ib_offset),					\
	MQD_PROGRESS(type, sdmax_rlcx_midcmd_data0),					\
	MQD_PROGRESS(type, sdmax_rlcx_midcmd_data1),					\
	MQD_PROGRESS(type, sdmax_rlcx_midcmd_cntl),					\
	MQD_ORDER_BITS(type, sdmax_rlcx_ib_cntl, SDMA_IB_VMID),				\
	MQD_ORDER(type, sdmax_rlcx_doorbell),						\
	MQD_ORDERS(type, sdmax_rlcx_csa_addr_lo, sdmax_rlcx_csa_addr_hi),		\
	MQD_ORDER(type, sdmax_rlcx_preempt),						\
	MQD_ORDER_BITS(type, sdmax_rlcx_rb_aql_cntl, SDMA_AQL),				\
	MQD_ORDER(type, sdmax_rlcx_minor_ptr_update),					\
	__VA_ARGS__,									\
	{ }										\
}

#define SOC15_SDMA_MQD_BITS(type, ...)							\
	SDMA_MQD_BITS(type,								\
		      MQD_ORDER(type, sdmax_rlcx_rb_wptr_poll_cntl),			\
		      MQD_ORDERS(type, sdmax_rlcx_rb_wptr_poll_addr_hi,			\
				 sdmax_rlcx_rb_wptr_poll_addr_lo),			\
		      __VA_ARGS__)

#define SOC21_SDMA_MQD_BITS(type, ...)							\
	SDMA_MQD_BITS(type,								\
		      MQD_DRIVER(type, sdmax_rlcx_rb_wptr_poll_addr_lo),		\
		      MQD_DRIVER(type, sdmax_rlcx_rb_wptr_poll_addr_hi),		\
		      MQD_DRIVER(type, sdmax_rlcx_sched_cntl),				\
		      __VA_ARGS__)

/* the bit is there on 4.4.2 alone */
static const struct simgpu_mqd_bits simgpu_v9_sdma_bits[] =
	SOC15_SDMA_MQD_BITS(v9_sdma_mqd,
			    MQD_ORDER_BITS(v9_sdma_mqd, sdmax_rlcx_ib_cntl, SDMA_IB_PRIV));

static const struct simgpu_mqd_bits simgpu_v10_sdma_bits[] =
	SOC15_SDMA_MQD_BITS(v10_sdma_mqd, { });

static const struct simgpu_mqd_bits simgpu_v11_sdma_bits[] =
	SOC21_SDMA_MQD_BITS(v11_sdma_mqd, MQD_ORDER(v11_sdma_mqd, sdmax_rlcx_rb_preempt));

static const struct simgpu_mqd_bits simgpu_v12_sdma_bits[] =
	SOC21_SDMA_MQD_BITS(v12_sdma_mqd,
			    MQD_ORDERS(v12_sdma_mqd, sdmax_rlcx_mqd_base_addr_lo,
				       sdmax_rlcx_mqd_control));

/* Dwords 441 to 447 of a compute MQD, and 90 to 125 of an SDMA MQD, have no name in any version. */
#define COMPUTE_LAYOUT(list) \
	{ .bits = (list), .dwords = 512, .nonce = 446, .check = 447, .live = 442 }
#define SDMA_LAYOUT(list) { .bits = (list), .dwords = 128, .nonce = 124, .check = 125 }

static const struct simgpu_mqd_layout simgpu_v9_layout = COMPUTE_LAYOUT(simgpu_v9_bits);
static const struct simgpu_mqd_layout simgpu_v9_4_2_layout = COMPUTE_LAYOUT(simgpu_v9_4_2_bits);
static const struct simgpu_mqd_layout simgpu_v9_4_3_layout = COMPUTE_LAYOUT(simgpu_v9_4_3_bits);
static const struct simgpu_mqd_layout simgpu_v10_layout = COMPUTE_LAYOUT(simgpu_v10_bits);
static const struct simgpu_mqd_layout simgpu_v11_layout = COMPUTE_LAYOUT(simgpu_v11_bits);
static const struct simgpu_mqd_layout simgpu_v12_layout = COMPUTE_LAYOUT(simgpu_v12_bits);
static const struct simgpu_mqd_layout simgpu_v9_sdma_layout = SDMA_LAYOUT(simgpu_v9_sdma_bits);
static const struct simgpu_mqd_layout simgpu_v10_sdma_layout = SDMA_LAYOUT(simgpu_v10_sdma_bits);
static const struct simgpu_mqd_layout simgpu_v11_sdma_layout = SDMA_LAYOUT(simgpu_v11_sdma_bits);
static const struct simgpu_mqd_layout simgpu_v12_sdma_layout = SDMA_LAYOUT(simgpu_v12_sdma_bits);

/* Doorbells of GFX 10 and later, as far as KFD and MES look at them. */
static void simgpu_navi_doorbell_index_init(struct amdgpu_device *adev)
{
	struct amdgpu_doorbell_index *index = &adev->doorbell_index;

	index->kiq = AMDGPU_NAVI10_DOORBELL_KIQ;
	index->mec_ring0 = AMDGPU_NAVI10_DOORBELL_MEC_RING0;
	index->userqueue_start = AMDGPU_NAVI10_DOORBELL_USERQUEUE_START;
	index->userqueue_end = AMDGPU_NAVI10_DOORBELL_USERQUEUE_END;
	index->mes_ring0 = AMDGPU_NAVI10_DOORBELL_MES_RING0;
	index->mes_ring1 = AMDGPU_NAVI10_DOORBELL_MES_RING1;
	index->sdma_engine[0] = AMDGPU_NAVI10_DOORBELL_sDMA_ENGINE0;
	index->sdma_engine[1] = AMDGPU_NAVI10_DOORBELL_sDMA_ENGINE1;
	index->ih = AMDGPU_NAVI10_DOORBELL_IH;
	index->first_non_cp = AMDGPU_NAVI10_DOORBELL64_FIRST_NON_CP;
	index->last_non_cp = AMDGPU_NAVI10_DOORBELL64_LAST_NON_CP;
	index->max_assignment = AMDGPU_NAVI10_DOORBELL_MAX_ASSIGNMENT << 1;
	/* dwords that belong to an engine */
	index->sdma_doorbell_range = 20;
}

/* What the generations of GFX 9 share. */
#define SIMGPU_DESC_GFX9								\
	.family = AMDGPU_FAMILY_AI,							\
	.pte = &simgpu_pte_gfx9,							\
	.sdma_per_xcc = 2,								\
	.simd_per_cu = 4,								\
	.wave_front_size = 64,								\
	.sdma_fw_version = 0x96,							\
	.sdma_count_mask = GENMASK(21, 0),						\
	.sdma_client = { SOC15_IH_CLIENTID_SDMA0, SOC15_IH_CLIENTID_SDMA1,		\
			 SOC15_IH_CLIENTID_SDMA2, SOC15_IH_CLIENTID_SDMA3 },		\
	.sdma_trap_source = 224,							\
	.fault_client = SOC15_IH_CLIENTID_UTCL2,					\
	/* later ones have the control stack in the memory of the process */		\
	.mqd = COMPUTE_MQD(v9_mqd,							\
			   .stack_size = MQD_DWORD(v9_mqd, cp_hqd_cntl_stack_size),	\
			   .stack_offset = MQD_DWORD(v9_mqd, cp_hqd_cntl_stack_offset)),\
	.wave_mqd = WAVE_MQD(v9_mqd),							\
	.sdma_mqd = SDMA_MQD(v9_sdma_mqd),						\
	.sdma_mqd_layout = &simgpu_v9_sdma_layout

/* What GFX 11 and 12 share. */
#define SIMGPU_DESC_SOC21								\
	.graphics = true,								\
	.sdma_per_xcc = 2,								\
	.simd_per_cu = 2,								\
	.max_waves_per_simd = 16,							\
	.wave_front_size = 32,								\
	.max_xcc = 1,									\
	.first_kfd_vmid = 8,								\
	/* the second version of the interface has the wptr's alias in the GART */	\
	.mes_version = 2 << AMDGPU_MES_API_VERSION_SHIFT | 0x90,			\
	/* from 509 and 2090 on, it does without PCI atomics */				\
	.mec_fw_version = 0xfff,							\
	.sdma_fw_version = 0x96,							\
	.sdma_count_mask = GENMASK(29, 0),						\
	.doorbell_index_init = simgpu_navi_doorbell_index_init,				\
	.sdma_client = { SOC21_IH_CLIENTID_GFX, SOC21_IH_CLIENTID_GFX,			\
			 SOC21_IH_CLIENTID_GFX, SOC21_IH_CLIENTID_GFX },		\
	.sdma_trap_source = 49,								\
	.fault_client = SOC21_IH_CLIENTID_VMC

/* A GPU that is no product: what a test needs, quickly made and saved. */
#define SIMGPU_DESC_SMALL								\
	.engines = 1,									\
	.arrays = 1,									\
	.array_cus = 16,								\
	.cu_granule = 16,								\
	.cus = 4

#define SIMGPU_DESC_9_4_2								\
	.name = "9.4.2",								\
	.gc_version = IP_VERSION(9, 4, 2),						\
	.sdma_version = IP_VERSION(4, 4, 0),						\
	.max_xcc = 1,									\
	.max_waves_per_simd = 8,							\
	.first_kfd_vmid = 3,								\
	.mec_fw_version = 0x190,							\
	.doorbell_index_init = vega20_doorbell_index_init,				\
	.mqd_layout = &simgpu_v9_4_2_layout,						\
	SIMGPU_DESC_GFX9

#define SIMGPU_DESC_9_4_3								\
	.name = "9.4.3",								\
	.gc_version = IP_VERSION(9, 4, 3),						\
	.sdma_version = IP_VERSION(4, 4, 2),						\
	.rev_id = 1,									\
	.max_xcc = 8,									\
	.max_waves_per_simd = 8,							\
	.first_kfd_vmid = 3,								\
	.mec_fw_version = 0x190,							\
	.doorbell_index_init = aqua_vanjaram_doorbell_index_init,			\
	.mqd_layout = &simgpu_v9_4_3_layout,						\
	.xcc_mqd = {									\
		.stride = MQD_DWORD(v9_mqd, cp_mqd_stride_size),			\
		.target = MQD_DWORD(v9_mqd, pm4_target_xcc_in_xcp),			\
		.logical = MQD_DWORD(v9_mqd, compute_current_logic_xcc_id),		\
	},										\
	SIMGPU_DESC_GFX9

#define SIMGPU_DESC_10_3_0								\
	.name = "10.3.0",								\
	.gc_version = IP_VERSION(10, 3, 0),						\
	.sdma_version = IP_VERSION(5, 2, 0),						\
	.graphics = true,								\
	.family = AMDGPU_FAMILY_NV,							\
	.pte = &simgpu_pte_gfx10,							\
	.sdma_per_xcc = 2,								\
	.max_xcc = 1,									\
	.simd_per_cu = 2,								\
	.max_waves_per_simd = 16,							\
	.wave_front_size = 32,								\
	.first_kfd_vmid = 8,								\
	/* from 92 on, it does without PCI atomics */					\
	.mec_fw_version = 0x190,							\
	.sdma_fw_version = 0x96,							\
	.sdma_count_mask = GENMASK(21, 0),						\
	.doorbell_index_init = simgpu_navi_doorbell_index_init,				\
	.sdma_client = { SOC15_IH_CLIENTID_SDMA0, SOC15_IH_CLIENTID_SDMA1,		\
			 SOC15_IH_CLIENTID_SDMA2, SOC15_IH_CLIENTID_SDMA3 },		\
	.sdma_trap_source = 224,							\
	.fault_client = SOC15_IH_CLIENTID_UTCL2,					\
	.mqd = COMPUTE_MQD(v10_compute_mqd),						\
	.wave_mqd = WAVE_MQD(v10_compute_mqd),						\
	.sdma_mqd = SDMA_MQD(v10_sdma_mqd),						\
	.mqd_layout = &simgpu_v10_layout,						\
	.sdma_mqd_layout = &simgpu_v10_sdma_layout

#define SIMGPU_DESC_11_0_0								\
	.name = "11.0.0",								\
	.gc_version = IP_VERSION(11, 0, 0),						\
	.sdma_version = IP_VERSION(6, 0, 0),						\
	.family = AMDGPU_FAMILY_GC_11_0_0,						\
	.pte = &simgpu_pte_gfx10,							\
	.mqd = COMPUTE_MQD(v11_compute_mqd),						\
	.wave_mqd = WAVE_MQD(v11_compute_mqd),						\
	.sdma_mqd = SDMA_MQD(v11_sdma_mqd),						\
	.mqd_layout = &simgpu_v11_layout,						\
	.sdma_mqd_layout = &simgpu_v11_sdma_layout,					\
	SIMGPU_DESC_SOC21

#define SIMGPU_DESC_GFX12								\
	.family = AMDGPU_FAMILY_GC_12_0_0,						\
	.pte = &simgpu_pte_gfx12,							\
	.mqd = COMPUTE_MQD(v12_compute_mqd),						\
	.wave_mqd = WAVE_MQD(v12_compute_mqd),						\
	.sdma_mqd = SDMA_MQD(v12_sdma_mqd),						\
	.mqd_layout = &simgpu_v12_layout,						\
	.sdma_mqd_layout = &simgpu_v12_sdma_layout,					\
	SIMGPU_DESC_SOC21

static const struct simgpu_desc simgpu_descs[] = {
	{
		.name = "9.4.0",
		.gc_version = IP_VERSION(9, 4, 0),
		.sdma_version = IP_VERSION(4, 2, 0),
		.graphics = true,
		.max_xcc = 1,
		.max_waves_per_simd = 10,
		.first_kfd_vmid = 8,
		.mec_fw_version = 0x1cb,
		.doorbell_index_init = vega20_doorbell_index_init,
		.mqd_layout = &simgpu_v9_layout,
		SIMGPU_DESC_GFX9,
		SIMGPU_DESC_SMALL,
	},
	{
		.name = "9.0.1",
		.gc_version = IP_VERSION(9, 0, 1),
		.sdma_version = IP_VERSION(4, 0, 0),
		.graphics = true,
		.max_xcc = 1,
		.max_waves_per_simd = 10,
		.first_kfd_vmid = 8,
		.mec_fw_version = 0x81cb,
		.doorbell_index_init = vega10_doorbell_index_init,
		.mqd_layout = &simgpu_v9_layout,
		SIMGPU_DESC_GFX9,
		SIMGPU_DESC_SMALL,
	},
	{ SIMGPU_DESC_9_4_2, SIMGPU_DESC_SMALL },
	{ SIMGPU_DESC_9_4_3, SIMGPU_DESC_SMALL },
	{ SIMGPU_DESC_10_3_0, SIMGPU_DESC_SMALL },
	{ SIMGPU_DESC_11_0_0, SIMGPU_DESC_SMALL },
	{
		.name = "12.0.0",
		.gc_version = IP_VERSION(12, 0, 0),
		.sdma_version = IP_VERSION(7, 0, 0),
		SIMGPU_DESC_GFX12,
		SIMGPU_DESC_SMALL,
	},
	/* the products: shader engines, arrays and compute units as rocminfo tells them */
	{
		.product = "mi100",
		.name = "9.4.1",
		.gc_version = IP_VERSION(9, 4, 1),
		.sdma_version = IP_VERSION(4, 2, 2),
		.max_xcc = 1,
		.max_waves_per_simd = 10,
		.first_kfd_vmid = 3,
		.mec_fw_version = 0x190,
		.doorbell_index_init = vega20_doorbell_index_init,
		.mqd_layout = &simgpu_v9_layout,
		SIMGPU_DESC_GFX9,
		.engines = 8,
		.arrays = 1,
		.array_cus = 16,
		.cu_granule = 1,
		.cus = 120,
	},
	{
		.product = "mi210",
		SIMGPU_DESC_9_4_2,
		.engines = 8,
		.arrays = 1,
		.array_cus = 14,
		.cu_granule = 1,
		.cus = 104,
	},
	{
		.product = "mi300x",
		SIMGPU_DESC_9_4_3,
		.xccs = 8,
		.engines = 4,
		.arrays = 1,
		.array_cus = 10,
		.cu_granule = 1,
		.cus = 38,
	},
	{
		.product = "rx6900xt",
		SIMGPU_DESC_10_3_0,
		.engines = 4,
		.arrays = 2,
		.array_cus = 10,
		.cu_granule = 2,
		.cus = 80,
	},
	{
		.product = "rx7900xtx",
		SIMGPU_DESC_11_0_0,
		.engines = 6,
		.arrays = 2,
		.array_cus = 8,
		.cu_granule = 2,
		.cus = 96,
	},
	{
		.product = "rx9070",
		.name = "12.0.1",
		.gc_version = IP_VERSION(12, 0, 1),
		.sdma_version = IP_VERSION(7, 0, 1),
		SIMGPU_DESC_GFX12,
		.engines = 4,
		.arrays = 2,
		.array_cus = 8,
		.cu_granule = 2,
		.cus = 56,
	},
};

/**
 * simgpu_desc_find - the description of a generation as such
 * @major: version of graphics and compute
 * @minor: its second number
 * @revision: its third number
 *
 * Context: any.
 * Return: description, or NULL when there is none.
 */
const struct simgpu_desc *simgpu_desc_find(unsigned int major, unsigned int minor,
					   unsigned int revision)
{
	u32 version = IP_VERSION(major, minor, revision);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(simgpu_descs); i++)
		if (!simgpu_descs[i].product && simgpu_descs[i].gc_version == version)
			return &simgpu_descs[i];
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_desc_find);

/**
 * simgpu_desc_find_product - the description of a product
 * @name: its name, not terminated
 * @len: characters of @name
 *
 * Context: any.
 * Return: description, or NULL when there is none.
 */
const struct simgpu_desc *simgpu_desc_find_product(const char *name, size_t len)
{
	const char *product;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(simgpu_descs); i++) {
		product = simgpu_descs[i].product;
		if (product && strlen(product) == len && !strncmp(product, name, len))
			return &simgpu_descs[i];
	}
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_desc_find_product);

/**
 * simgpu_desc_get - a row of the table
 * @index: from 0 on, which is the default
 *
 * Context: any.
 * Return: description, or NULL behind the last.
 */
const struct simgpu_desc *simgpu_desc_get(unsigned int index)
{
	return index < ARRAY_SIZE(simgpu_descs) ? &simgpu_descs[index] : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_desc_get);

/* A number that looks random, always the same for the same die and shader engine. */
static u32 simgpu_desc_random(unsigned int die, unsigned int xcc, unsigned int engine)
{
	u32 x = (die + 1) * 0x9e3779b1 ^ (xcc + 1) * 0x85ebca6b ^ (engine + 1) * 0xc2b2ae35;

	x ^= x >> 15;
	x *= 0x2c1b3c6d;
	x ^= x >> 12;
	x *= 0x297a2d39;
	return x ^ x >> 15;
}

/* How many granules of a shader engine are disabled: the same for all but for the remainder. */
static unsigned int simgpu_desc_disabled(const struct simgpu_desc *desc, unsigned int die,
					 unsigned int xcc, unsigned int engine)
{
	unsigned int all = desc->engines * desc->arrays * desc->array_cus;
	unsigned int disabled = (all - desc->cus) / desc->cu_granule;
	unsigned int first = simgpu_desc_random(die, xcc, U8_MAX) % desc->engines;
	unsigned int place = (engine + desc->engines - first) % desc->engines;

	return disabled / desc->engines + (place < disabled % desc->engines);
}

/**
 * simgpu_desc_cus - which compute units of a shader array work
 * @desc: description
 * @die: number of the die: each product has units disabled, and each die others
 * @xcc: number of the XCC on the die
 * @engine: shader engine of the XCC
 * @array: shader array of the engine
 *
 * A GPU that is no product has the same units on every die.
 *
 * Context: any.
 * Return: bit mask.
 */
u32 simgpu_desc_cus(const struct simgpu_desc *desc, unsigned int die, unsigned int xcc,
		    unsigned int engine, unsigned int array)
{
	unsigned int granules, at, left;
	u32 disabled = 0;
	u64 mask;

	if (!desc->product)
		return BIT(desc->cus) - 1;
	/* granules of an engine, of all its arrays, from one on around */
	granules = desc->arrays * desc->array_cus / desc->cu_granule;
	at = simgpu_desc_random(die, xcc, engine) % granules;
	for (left = simgpu_desc_disabled(desc, die, xcc, engine); left; left--) {
		disabled |= BIT(at);
		at = (at + 1) % granules;
	}
	for (mask = 0, at = 0; at < granules; at++)
		if (!(disabled & BIT(at)))
			mask |= (BIT(desc->cu_granule) - 1) << (at * desc->cu_granule);
	return mask >> (array * desc->array_cus) & (BIT(desc->array_cus) - 1);
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_desc_cus);
