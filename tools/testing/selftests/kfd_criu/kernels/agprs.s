/* SPDX-License-Identifier: GPL-2.0 */
//
// Accumulation registers have values that depend on the work-item, through a gate, and are stored
// behind it.  Workgroups have 64 work-items.  Where there are no such registers, nothing is done.
//
// arguments: u64 records of 64 words, u64 control (u32 gate, u32 unused, u32 there)

.include "common.inc"

KERNEL agprs, vgprs=16, agprs=64
.if GFX908 || UNIFIED
	s_load_dwordx4	s[4:7], s[0:1], 0x0
	GROUP		s9
	WAIT_SCALAR
	s_lshl_b32	s8, s9, 6
	ADD		v1, s8, v0
	v_lshlrev_b32	v2, 8, v1		// the record
	s_mov_b32	s8, 0x01000193
	v_mul_lo_u32	v3, v1, s8
	v_mov_b32	v5, 0
	v_mov_b32	v6, 1
	v_mov_b32	v7, 8
.set i, 0
.rept 64
	ADD		v8, i, v3
	v_accvgpr_write_b32	a[i], v8
	s_nop		7
.set i, i + 1
.endr
	global_atomic_add	v7, v6, s[6:7]
	GATE		v5, v5, v9, s10, s[6:7]
.set i, 0
.rept 64
	v_accvgpr_read_b32	v8, a[i]
	s_nop		7
	global_store_dword	v2, v8, s[4:5] offset:4 * i
.set i, i + 1
.endr
.endif
	s_endpgm
