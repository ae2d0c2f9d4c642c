/* SPDX-License-Identifier: GPL-2.0 */
//
// Waves of all workgroups of an XCC count together and meet at a barrier of global wave sync, for
// as many turns as they are told: after each, a wave finds that all have counted, and none twice.
// For no turns at all, it is the barrier that is set up.
//
// arguments: u64 words (for each XCC: count, mistakes, waves that ended, 0), u32 waves of an XCC
// less 1, u32 turns, u64 XCCs less 1

.include "common.inc"

KERNEL gws
.if GFX >= 12
	// there is no such instruction: the next one is none either
	.long 0xffffffff
	.long 0xffffffff
	s_endpgm
.else
	s_load_dwordx2	s[4:5], s[0:1], 0x0
	s_load_dwordx2	s[6:7], s[0:1], 0x8
	s_load_dword	s12, s[0:1], 0x10
	GROUP		s9
	WAIT_SCALAR
	s_mov_b32	m0, 0
	s_mov_b64	exec, 1
	v_mov_b32	v0, s6
	s_cmp_eq_u32	s7, 0
	s_cbranch_scc1	3f
	s_and_b32	s9, s9, s12
	s_lshl_b32	s9, s9, 4
	v_mov_b32	v2, s9			// places of this XCC
	ADD		v3, 4, v2
	ADD		v4, 8, v2
	v_mov_b32	v5, 1
	v_mov_b32	v7, 0
	s_add_u32	s9, s6, 1		// waves
	s_mov_b32	s8, 0			// what has been counted so far
1:
	ADD_NOW		v6, v2, v5, s[4:5]
	s_add_u32	s8, s8, s9
	ds_gws_barrier	v0 gds
	WAIT_LDS
	READ_NOW	v6, v2, v7, s[4:5]
	v_readfirstlane_b32	s10, v6
	s_sub_u32	s10, s10, s8
	s_cmp_lt_u32	s10, s9
	s_cbranch_scc1	2f
	global_atomic_add	v3, v5, s[4:5]
2:
	s_sub_u32	s7, s7, 1
	s_cmp_lg_u32	s7, 0
	s_cbranch_scc1	1b
	global_atomic_add	v4, v5, s[4:5]
	s_endpgm
3:
	ds_gws_init	v0 gds
	WAIT_LDS
	s_endpgm
.endif
