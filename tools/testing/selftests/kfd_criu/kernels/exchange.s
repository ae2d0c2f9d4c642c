/* SPDX-License-Identifier: GPL-2.0 */
//
// The work-items of a workgroup pass numbers on through LDS: in each turn, one gets what its
// neighbour had, and adds 1.  The neighbour of the last one is the first.
//
// arguments: u64 words, u32 work-items of a workgroup (a power of two), u32 turns

.include "common.inc"

KERNEL exchange, 8, 4096
	s_load_dwordx2	s[4:5], s[0:1], 0x0
	s_load_dwordx2	s[6:7], s[0:1], 0x8
	GROUP		s9
	WAIT_SCALAR
	v_mov_b32	v1, v0			// the number
	v_lshlrev_b32	v2, 2, v0		// own place
	ADD		v3, 1, v0
	s_add_u32	s10, s6, -1
	v_and_b32	v3, s10, v3
	v_lshlrev_b32	v3, 2, v3		// the neighbour's
1:
	ds_write_b32	v2, v1
	WAIT_LDS
	BARRIER
	ds_read_b32	v1, v3
	WAIT_LDS
	BARRIER
	ADD		v1, 1, v1
	s_add_u32	s7, s7, -1
	s_cmp_gt_i32	s7, 0
	s_cbranch_scc1	1b
	s_mul_i32	s8, s9, s6
	ADD		v4, s8, v0
	v_lshlrev_b32	v4, 2, v4
	global_store_dword	v4, v1, s[4:5]
	s_endpgm
