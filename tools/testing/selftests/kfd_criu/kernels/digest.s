/* SPDX-License-Identifier: GPL-2.0 */
//
// Each work-item makes a number of every n-th word of the data, where n is the number of
// work-items, gives it to its neighbour through LDS, waits at the gate, and then stores its
// own number plus the one that the neighbour gave.  The workgroup has 256 work-items.
//
// arguments: u64 data, u64 numbers, u64 gate, u32 words for each, u32 bytes between them,
// u32 value of the open gate

.include "common.inc"

KERNEL digest, 12, 1024
	s_load_dwordx2	s[4:5], s[0:1], 0x0
	s_load_dwordx2	s[6:7], s[0:1], 0x8
	s_load_dwordx2	s[10:11], s[0:1], 0x10
	s_load_dwordx2	s[12:13], s[0:1], 0x18
	s_load_dword	s14, s[0:1], 0x20
	GROUP		s9
	WAIT_SCALAR
	s_lshl_b32	s8, s9, 8
	ADD		v1, s8, v0		// number of the work-item,
	v_mov_b32	v2, v1			// with which its own number begins
	v_lshlrev_b32	v1, 2, v1		// where its words are
	v_mov_b32	v6, 0x9e3779b1
1:
	global_load_dword	v3, v1, s[4:5]
	WAIT_VECTOR
	v_xor_b32	v2, v2, v3
	v_mul_lo_u32	v2, v2, v6
	v_lshrrev_b32	v4, 15, v2
	v_xor_b32	v2, v2, v4
	s_add_u32	s4, s4, s13
	s_addc_u32	s5, s5, 0
	s_add_u32	s12, s12, -1
	s_cmp_lg_u32	s12, 0
	s_cbranch_scc1	1b

	v_lshlrev_b32	v5, 2, v0
	ds_write_b32	v5, v2
	ADD		v7, 1, v0		// the neighbour of the last one is the first
	v_and_b32	v7, 0xff, v7
	v_lshlrev_b32	v7, 2, v7
	WAIT_LDS
	BARRIER

	v_mov_b32	v8, 0
2:
	s_sleep		1
	READ_NOW	v9, v8, v8, s[10:11]
	v_readfirstlane_b32	s15, v9
	s_cmp_lg_u32	s15, s14
	s_cbranch_scc1	2b

	ds_read_b32	v10, v7
	WAIT_LDS
	ADD		v2, v2, v10
	global_store_dword	v1, v2, s[6:7]
	s_endpgm
