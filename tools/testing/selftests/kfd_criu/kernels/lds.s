/* SPDX-License-Identifier: GPL-2.0 */
//
// A workgroup of 256 work-items in LDS, with two barriers.  Waves of the first half wait at the
// first gate while the others are at the first barrier already; at the second gate, the other way
// round.  Each work-item gets what two others have left in LDS.
//
// arguments: u64 pairs of words, u64 control (u32 first gate, u32 second gate, u32 there)

.include "common.inc"

KERNEL lds, vgprs=16, lds=8192
	s_load_dwordx4	s[4:7], s[0:1], 0x0
	GROUP		s9
	v_readfirstlane_b32	s11, v0		// the first work-item of the wave
	WAIT_SCALAR
	s_lshl_b32	s8, s9, 8
	ADD		v1, s8, v0		// number of the work-item
	s_mov_b32	s8, 0x01000193
	v_mul_lo_u32	v2, v1, s8
	v_lshlrev_b32	v3, 2, v0		// own place
	v_xor_b32	v4, 0x104, v3		// that of one in another wave
	v_mov_b32	v5, 0
	v_mov_b32	v6, 1
	v_mov_b32	v7, 8
	v_mov_b32	v8, 4
	ds_write_b32	v3, v2
	ds_write_b32	v3, v1 offset:4096
	WAIT_LDS
	global_atomic_add	v7, v6, s[6:7]
	s_cmp_ge_u32	s11, 128
	s_cbranch_scc1	1f
	GATE		v5, v5, v9, s10, s[6:7]
1:
	BARRIER
	ds_read_b32	v10, v4
	WAIT_LDS
	v_xor_b32	v11, 0x5a5a, v10
	ds_write_b32	v3, v11 offset:1024
	WAIT_LDS
	global_atomic_add	v7, v6, s[6:7]
	s_cmp_lt_u32	s11, 128
	s_cbranch_scc1	2f
	GATE		v8, v5, v9, s10, s[6:7]
2:
	BARRIER
	v_xor_b32	v12, 0x208, v3
	ds_read_b32	v13, v12 offset:1024
	ds_read_b32	v14, v12 offset:4096
	WAIT_LDS
	ADD		v13, v13, v14
	v_lshlrev_b32	v15, 3, v1
	global_store_dword	v15, v10, s[4:5]
	global_store_dword	v15, v13, s[4:5] offset:4
	s_endpgm
