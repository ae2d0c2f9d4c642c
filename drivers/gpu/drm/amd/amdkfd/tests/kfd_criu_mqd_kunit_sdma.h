/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What must not come from an image in the MQD of an SDMA queue, as all generations from
 * GFX9 on have it, each at its own place.
 *
 * Included in the middle of a table, where MQD is the structure and TABLE the one of
 * kfd_criu_mqd_kunit.c that a GPU has to have.
 */

SDMA(sdmax_rlcx_rb_cntl, ~0U),
SDMA(sdmax_rlcx_rb_base, ~0U),
SDMA(sdmax_rlcx_rb_base_hi, ~0U),
SDMA(sdmax_rlcx_rb_rptr_addr_lo, ~0U),
SDMA(sdmax_rlcx_rb_rptr_addr_hi, ~0U),
SDMA(sdmax_rlcx_rb_wptr_poll_addr_lo, ~0U),
SDMA(sdmax_rlcx_rb_wptr_poll_addr_hi, ~0U),
/* CMD_VMID */
SDMA(sdmax_rlcx_ib_cntl, 0xf0000U),
SDMA(sdmax_rlcx_doorbell, ~0U),
SDMA(sdmax_rlcx_doorbell_offset, ~0U),
SDMA(sdmax_rlcx_csa_addr_lo, ~0U),
SDMA(sdmax_rlcx_csa_addr_hi, ~0U),
SDMA(sdmax_rlcx_preempt, ~0U),
SDMA(sdmax_rlcx_rb_aql_cntl, 0xffffU),
SDMA(sdmax_rlcx_minor_ptr_update, ~0U),
SDMA(sdma_engine_id, ~0U),
SDMA(sdma_queue_id, ~0U),
