/* SPDX-License-Identifier: GPL-2.0 */
//
// A trap handler, for kfd_set_trap_handler().  S_TRAP 3 returns at once.  After S_TRAP 2, or
// an instruction that is not known, the driver is told the queue's doorbell and the exception, and
// the wave is halted.
//
// The kernel's handler comes first, and leaves STATUS, or STATE_PRIV, in ttmp12.

.include "common.inc"

.set ABORT,	1 << 10
.set ILLEGAL,	8 << 10

.macro SET_STATUS value
.if GFX >= 12
	s_setreg_b32	hwreg(HW_REG_STATE_PRIV), \value
.else
	s_setreg_b32	hwreg(HW_REG_STATUS), \value
.endif
.endm

KERNEL handler
.if GFX >= 12
	s_lshr_b32	ttmp2, ttmp1, 28
.else
	s_bfe_u32	ttmp2, ttmp1, 0x80010
.endif
	s_cmp_eq_u32	ttmp2, 3
	s_cbranch_scc1	return
	s_mov_b32	ttmp3, ABORT
	s_cmp_eq_u32	ttmp2, 2
	s_cbranch_scc1	tell
	s_mov_b32	ttmp3, ILLEGAL
tell:
.if GFX >= 11
	s_sendmsg_rtn_b32	ttmp2, sendmsg(MSG_RTN_GET_DOORBELL)
	WAIT_SCALAR
.else
	s_mov_b32	exec_lo, 0x80000000
	s_sendmsg	sendmsg(MSG_GET_DOORBELL)
1:
	s_nop		7
	s_bitcmp0_b32	exec_lo, 31
	s_cbranch_scc0	1b
	s_mov_b32	ttmp2, exec_lo
.endif
	s_and_b32	ttmp2, ttmp2, 0x3ff
	s_or_b32	m0, ttmp2, ttmp3
	s_nop		0
	s_sendmsg	sendmsg(MSG_INTERRUPT)
.if GFX >= 12
	s_or_b32	ttmp12, ttmp12, 1 << 14
.else
	s_or_b32	ttmp12, ttmp12, 1 << 13
.endif
	SET_STATUS	ttmp12
	s_rfe_b64	[ttmp0, ttmp1]
return:
	// behind the instruction
	s_add_u32	ttmp0, ttmp0, 4
	s_addc_u32	ttmp1, ttmp1, 0
	s_and_b32	ttmp1, ttmp1, 0xffff
	SET_STATUS	ttmp12
	s_rfe_b64	[ttmp0, ttmp1]
