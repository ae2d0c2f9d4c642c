/* SPDX-License-Identifier: GPL-2.0 */
//
// Registers of each kind have values that depend on the work-item or the workgroup, through two
// gates, in either branch of a condition, and are stored behind them.  Workgroups have 16 * 2 * 2
// work-items.
//
// arguments: u64 records of 128 words, u64 control (u32 first gate, u32 second gate, u32 there),
// u32 workgroups in X, u32 in Y

.include "common.inc"

.macro PUT word, vector
	global_store_dword	v2, \vector, s[16:17] offset:4 * (\word)
.endm

.macro PUT_SCALAR word, scalar
	v_mov_b32	v9, \scalar
	PUT		\word, v9
.endm

KERNEL registers, vgprs=48, sgprs=96, ids=1
	s_load_dwordx4	s[16:19], s[2:3], 0x0
	s_load_dwordx2	s[10:11], s[2:3], 0x10
	GROUPS		s12, s13, s14
	ITEM		v4
	WAIT_SCALAR
	s_mul_i32	s20, s14, s11
	s_add_u32	s20, s20, s13
	s_mul_i32	s20, s20, s10
	s_add_u32	s20, s20, s12		// number of the workgroup
	s_mul_i32	s21, s20, 0x10001
.set i, 24
.rept 64
	s_add_u32	s[i], s21, i * 0x01000193
.set i, i + 1
.endr
	v_and_b32	v1, 0x3ff, v4
	v_bfe_u32	v2, v4, 10, 10
	v_lshlrev_b32	v2, 4, v2
	ADD		v1, v1, v2
	v_lshrrev_b32	v2, 20, v4
	v_lshlrev_b32	v2, 5, v2
	ADD		v1, v1, v2
	s_lshl_b32	s21, s20, 6
	ADD		v1, s21, v1		// number of the work-item
	v_lshlrev_b32	v2, 9, v1		// its record
	s_mov_b32	s21, 0x01000193
	v_mul_lo_u32	v3, v1, s21
.set i, 10
.rept 30
	ADD		v[i], i, v3
.set i, i + 1
.endr
	s_mul_i32	s21, s20, 0x11
	s_add_u32	s21, s21, 0x4d30
	s_mov_b32	m0, s21
	v_mov_b32	v5, 0
	v_mov_b32	v6, 1
	v_mov_b32	v7, 8
	v_mov_b32	v43, 4
	v_mov_b32	v40, 11
	v_mov_b32	v41, 22

	// odd ones wait at the first gate with VCC as it is
	v_and_b32	v8, 1, v1
	COMPARE		v_cmp_eq_u32, 1, v8
	IF		22
	v_and_b32	v8, 6, v1
	COMPARE		v_cmp_eq_u32, 2, v8
	global_atomic_add	v7, v6, s[18:19]
	GATE		v5, v5, v9, s21, s[18:19]
	PICK		v44, v40, v41

	// even ones wait at the second gate with SCC as it is: set in workgroups with an odd number
	ELSE		22
	global_atomic_add	v7, v6, s[18:19]
	s_and_b32	s21, s20, 1
1:
	s_sleep		1
	READ_NOW	v9, v43, v5, s[18:19]
	COMPARE		v_cmp_eq_u32, 0, v9
	s_cbranch_vccnz	1b
	s_cselect_b32	s21, 33, 44
	v_mov_b32	v44, s21
	ENDIF		22

	PUT_SCALAR	0, s12
	PUT_SCALAR	1, s13
	PUT_SCALAR	2, s14
	PUT		3, v4
.set i, 0
.rept 6
	PUT_SCALAR	4 + i, s[i]
.set i, i + 1
.endr
	PUT		10, v44
	PUT_SCALAR	11, m0
.set i, 24
.rept 64
	PUT_SCALAR	i - 8, s[i]
.set i, i + 1
.endr
.set i, 10
.rept 30
	PUT		i + 70, v[i]
.set i, i + 1
.endr
	s_endpgm
