/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Checkpoint and restore of compute processes: progress in the MQD of an SDMA
 * queue, as all generations from SDMA 4 on have it, each at its own place.
 *
 * Included in the middle of a table, where MQD is the structure, and SDMA_MASK()
 * makes the name of a mask. An engine that is preempted in the middle of a
 * command leaves the rest of it in midcmd_data.
 */

MQD_FIELD(MQD, sdmax_rlcx_rb_rptr, ~0U),
MQD_FIELD(MQD, sdmax_rlcx_rb_rptr_hi, ~0U),
MQD_FIELD(MQD, sdmax_rlcx_rb_wptr, ~0U),
MQD_FIELD(MQD, sdmax_rlcx_rb_wptr_hi, ~0U),
/* not the VMID that the buffer is fetched with */
MQD_FIELD(MQD, sdmax_rlcx_ib_cntl, SDMA_MASK(IB_CNTL__IB_ENABLE_MASK) |
		SDMA_MASK(IB_CNTL__SWITCH_INSIDE_IB_MASK)),
MQD_FIELD(MQD, sdmax_rlcx_ib_rptr, SDMA_MASK(IB_RPTR__OFFSET_MASK)),
MQD_FIELD(MQD, sdmax_rlcx_ib_offset, SDMA_MASK(IB_OFFSET__OFFSET_MASK)),
MQD_FIELD(MQD, sdmax_rlcx_ib_base_lo, SDMA_MASK(IB_BASE_LO__ADDR_MASK)),
MQD_FIELD(MQD, sdmax_rlcx_ib_base_hi, SDMA_MASK(IB_BASE_HI__ADDR_MASK)),
MQD_FIELD(MQD, sdmax_rlcx_ib_size, SDMA_MASK(IB_SIZE__SIZE_MASK)),
MQD_FIELD(MQD, sdmax_rlcx_ib_sub_remain, SDMA_MASK(IB_SUB_REMAIN__SIZE_MASK)),
MQD_FIELD(MQD, sdmax_rlcx_midcmd_data0, ~0U),
MQD_FIELD(MQD, sdmax_rlcx_midcmd_data1, ~0U),
MQD_FIELD(MQD, sdmax_rlcx_midcmd_data2, ~0U),
MQD_FIELD(MQD, sdmax_rlcx_midcmd_data3, ~0U),
MQD_FIELD(MQD, sdmax_rlcx_midcmd_data4, ~0U),
MQD_FIELD(MQD, sdmax_rlcx_midcmd_data5, ~0U),
MQD_FIELD(MQD, sdmax_rlcx_midcmd_data6, ~0U),
MQD_FIELD(MQD, sdmax_rlcx_midcmd_data7, ~0U),
MQD_FIELD(MQD, sdmax_rlcx_midcmd_data8, ~0U),
MQD_FIELD(MQD, sdmax_rlcx_midcmd_cntl, SDMA_MASK(MIDCMD_CNTL__DATA_VALID_MASK) |
		SDMA_MASK(MIDCMD_CNTL__COPY_MODE_MASK) |
		SDMA_MASK(MIDCMD_CNTL__SPLIT_STATE_MASK) |
		SDMA_MASK(MIDCMD_CNTL__ALLOW_PREEMPT_MASK)),
