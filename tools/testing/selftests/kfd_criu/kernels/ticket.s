/* SPDX-License-Identifier: GPL-2.0 */
//
// Each workgroup takes a number, waits until the limit is above it, and adds 1 to the word of each
// of its work-items, of which there are at most 32, and to the count of those that are done.
//
// arguments: u64 words, u64 control (u32 limit, u32 numbers taken, u32 done), u32 work-items of a
// workgroup

.include "common.inc"

KERNEL ticket
	s_load_dwordx4	s[4:7], s[0:1], 0x0
	s_load_dword	s8, s[0:1], 0x10
	GROUP		s9
	WAIT_SCALAR
	s_mul_i32	s8, s9, s8
	ADD		v1, s8, v0
	v_lshlrev_b32	v1, 2, v1
	v_mov_b32	v2, 1
	v_mov_b32	v3, 0
	v_mov_b32	v4, 4
	v_mov_b32	v6, 8
	s_mov_b32	s10, exec_lo
	s_mov_b32	exec_lo, 1		// the first work-item
	ADD_NOW		v5, v4, v2, s[6:7]
	v_readfirstlane_b32	s11, v5
	LIMIT		s11, v3, v3, v5, s12, s[6:7]
	s_mov_b32	exec_lo, s10
	global_atomic_add	v1, v2, s[4:5]
	s_mov_b32	exec_lo, 1
	global_atomic_add	v6, v2, s[6:7]
	s_endpgm
