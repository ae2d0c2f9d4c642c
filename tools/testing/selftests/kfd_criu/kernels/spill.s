/* SPDX-License-Identifier: GPL-2.0 */
//
// Each work-item leaves words in its scratch memory, waits at a gate, and stores what is there
// then.  Workgroups have 64 work-items.
//
// arguments: u64 records of 16 words, u64 control (u32 gate, u32 unused, u32 there)

.include "common.inc"

KERNEL spill, vgprs=16, scratch=64
	SCRATCH		s9, 10
	s_load_dwordx4	s[4:7], s[0:1], 0x0
	WAIT_SCALAR
	s_lshl_b32	s8, s9, 6
	ADD		v1, s8, v0
	v_lshlrev_b32	v2, 6, v1		// the record
	s_mov_b32	s8, 0x01000193
	v_mul_lo_u32	v3, v1, s8
	v_mov_b32	v5, 0
	v_mov_b32	v6, 1
	v_mov_b32	v7, 8
.set i, 0
.rept 16
	ADD		v8, i, v3
	v_mov_b32	v9, 4 * i
	scratch_store_dword	v9, v8, off
.set i, i + 1
.endr
	global_atomic_add	v7, v6, s[6:7]
	GATE		v5, v5, v9, s10, s[6:7]
.set i, 0
.rept 16
	v_mov_b32	v9, 4 * i
	scratch_load_dword	v8, v9, off
	WAIT_VECTOR
	global_store_dword	v2, v8, s[4:5] offset:4 * i
.set i, i + 1
.endr
	s_endpgm
