/* SPDX-License-Identifier: GPL-2.0 */
//
// Each work-item says that it is there, waits until the gate is open, and adds 1 to its word.
//
// arguments: u64 words, u32 work-items of a workgroup, u32 unused, u64 gate (u32 open, u32 there)

.include "common.inc"

KERNEL gate
	s_load_dwordx2	s[4:5], s[0:1], 0x0
	s_load_dwordx2	s[6:7], s[0:1], 0x8
	s_load_dwordx2	s[10:11], s[0:1], 0x10
	GROUP		s9
	WAIT_SCALAR
	s_mul_i32	s8, s9, s6
	ADD		v1, s8, v0
	v_lshlrev_b32	v1, 2, v1
	v_mov_b32	v2, 1
	v_mov_b32	v3, 0
	v_mov_b32	v4, 4
	global_atomic_add	v4, v2, s[10:11]
	WAIT_GATE	v5, v3, s[10:11]
	global_atomic_add	v1, v2, s[4:5]
	s_endpgm
