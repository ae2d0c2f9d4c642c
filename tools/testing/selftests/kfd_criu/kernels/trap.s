/* SPDX-License-Identifier: GPL-2.0 */
//
// Stores a number, executes S_TRAP 3 or S_TRAP 2, and stores another one.
//
// arguments: u64 words, u32 not 0 for S_TRAP 2

.include "common.inc"

KERNEL trap
	s_load_dwordx2	s[4:5], s[0:1], 0x0
	s_load_dword	s6, s[0:1], 0x8
	WAIT_SCALAR
	v_mov_b32	v1, 0
	v_mov_b32	v2, 7
	v_mov_b32	v3, 8
	global_store_dword	v1, v2, s[4:5]
	s_cmp_eq_u32	s6, 0
	s_cbranch_scc0	abort
	s_trap		3
	global_store_dword	v1, v3, s[4:5] offset:4
	s_endpgm
abort:
	s_trap		2
	global_store_dword	v1, v3, s[4:5] offset:4
	s_endpgm
