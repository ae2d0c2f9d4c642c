/* SPDX-License-Identifier: GPL-2.0 */
//
// Each work-item adds 1 to its word, after as many turns of a loop as it is told.
//
// arguments: u64 words, u32 work-items of a workgroup, u32 turns

.include "common.inc"

KERNEL count
	s_load_dwordx2	s[4:5], s[0:1], 0x0
	s_load_dwordx2	s[6:7], s[0:1], 0x8
	GROUP		s9
	WAIT_SCALAR
1:
	s_add_u32	s7, s7, -1
	s_cmp_gt_i32	s7, 0
	s_cbranch_scc1	1b
	s_mul_i32	s8, s9, s6
	ADD		v1, s8, v0
	v_lshlrev_b32	v1, 2, v1
	v_mov_b32	v2, 1
	global_atomic_add	v1, v2, s[4:5]
	s_endpgm
