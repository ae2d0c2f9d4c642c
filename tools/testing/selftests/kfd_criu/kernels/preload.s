/* SPDX-License-Identifier: GPL-2.0 */
//
// Stores three arguments, which are in registers when the kernel begins; and where it began.
//
// arguments: u64 words, 4 for each workgroup; u32, u32, u32

.include "common.inc"

// Firmware that loads arguments into registers begins 256 bytes behind the entry, other firmware
// at the entry.
.if UNIFIED
.rodata
.p2align 6
.globl preload
.amdhsa_kernel preload
	.amdhsa_user_sgpr_kernarg_segment_ptr 1
	.amdhsa_user_sgpr_kernarg_preload_length 3
	.amdhsa_user_sgpr_kernarg_preload_offset 2
	.amdhsa_system_sgpr_workgroup_id_x 1
	.amdhsa_next_free_vgpr 8
	.amdhsa_next_free_sgpr 24
	.amdhsa_accum_offset 8
.end_amdhsa_kernel
.text
.p2align 8
.type preload,@function
preload:
	s_load_dwordx2	s[2:3], s[0:1], 0x8
	s_load_dword	s4, s[0:1], 0x10
	s_mov_b32	s9, 1
	s_waitcnt	lgkmcnt(0)
	s_branch	1f
.p2align 8
	s_mov_b32	s9, 0
1:
.else
KERNEL preload
	GROUP		s5
	s_load_dwordx2	s[6:7], s[0:1], 0x8
	s_load_dword	s4, s[0:1], 0x10
	WAIT_SCALAR
	s_mov_b32	s2, s6
	s_mov_b32	s3, s7
	s_mov_b32	s9, 1
.endif
	s_load_dwordx2	s[6:7], s[0:1], 0x0
	WAIT_SCALAR
	s_lshl_b32	s8, s5, 4
	v_mov_b32	v0, s8
	v_mov_b32	v1, s2
	global_store_dword	v0, v1, s[6:7]
	v_mov_b32	v1, s3
	global_store_dword	v0, v1, s[6:7] offset:4
	v_mov_b32	v1, s4
	global_store_dword	v0, v1, s[6:7] offset:8
	v_mov_b32	v1, s9
	global_store_dword	v0, v1, s[6:7] offset:12
	s_endpgm
