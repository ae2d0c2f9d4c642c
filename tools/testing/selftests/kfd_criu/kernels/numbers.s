/* SPDX-License-Identifier: GPL-2.0 */
//
// Each work-item takes a number as often as it is told to, waits until the limit is above it, and
// adds 1 to the word with that number, and to the count of those that are done.  Workgroups have
// one work-item.
//
// arguments: u64 words, u64 control (u32 limit, u32 numbers taken, u32 done), u32 turns

.include "common.inc"

KERNEL numbers
	s_load_dwordx4	s[4:7], s[0:1], 0x0
	s_load_dword	s8, s[0:1], 0x10
	v_mov_b32	v2, 1
	v_mov_b32	v3, 0
	v_mov_b32	v4, 4
	v_mov_b32	v6, 8
	WAIT_SCALAR
1:
	ADD_NOW		v5, v4, v2, s[6:7]
	v_lshlrev_b32	v1, 2, v5
	v_readfirstlane_b32	s11, v5
	LIMIT		s11, v3, v3, v5, s12, s[6:7]
	global_atomic_add	v1, v2, s[4:5]
	global_atomic_add	v6, v2, s[6:7]
	s_add_u32	s8, s8, -1
	s_cmp_gt_i32	s8, 0
	s_cbranch_scc1	1b
	s_endpgm
