/* SPDX-License-Identifier: GPL-2.0 */
//
// Each workgroup stores where it is, waits at a gate, and stores that again.  It has one work-item.
//
// arguments: u64 records of 4 words (HW_ID before and after, XCC_ID, 1), u64 control (u32 gate,
// u32 unused, u32 there)

.include "common.inc"

.macro PLACE to
.if GFX == 9
	s_getreg_b32	\to, hwreg(HW_REG_HW_ID)
.else
	s_getreg_b32	\to, hwreg(HW_REG_HW_ID1)
.endif
.endm

KERNEL unit, vgprs=16
	s_load_dwordx4	s[4:7], s[0:1], 0x0
	GROUP		s9
	v_mov_b32	v5, 0
	v_mov_b32	v6, 1
	v_mov_b32	v7, 8
	s_lshl_b32	s8, s9, 4
	v_mov_b32	v2, s8
	WAIT_SCALAR
	PLACE		s8
	v_mov_b32	v3, s8
	global_store_dword	v2, v3, s[4:5]
	global_atomic_add	v7, v6, s[6:7]
	GATE		v5, v5, v9, s10, s[6:7]
	PLACE		s8
	v_mov_b32	v3, s8
	global_store_dword	v2, v3, s[4:5] offset:4
.if GFX942
	s_getreg_b32	s8, hwreg(HW_REG_XCC_ID)
	v_mov_b32	v3, s8
	global_store_dword	v2, v3, s[4:5] offset:8
.endif
	global_store_dword	v2, v6, s[4:5] offset:12
	s_endpgm
