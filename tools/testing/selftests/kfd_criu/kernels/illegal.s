/* SPDX-License-Identifier: GPL-2.0 */
//
// Stores a number, and then executes what is no instruction on any generation.
//
// arguments: u64 word

.include "common.inc"

KERNEL illegal
	s_load_dwordx2	s[4:5], s[0:1], 0x0
	WAIT_SCALAR
	v_mov_b32	v1, 0
	v_mov_b32	v2, 7
	global_store_dword	v1, v2, s[4:5]
	.long 0xffffffff
	.long 0xffffffff
	s_endpgm
