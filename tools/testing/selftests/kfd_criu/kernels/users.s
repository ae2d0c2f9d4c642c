/* SPDX-License-Identifier: GPL-2.0 */
//
// Stores the registers that a wave begins with: those that the dispatch sets, and the number of
// the workgroup behind them.
//
// arguments: u64 words, 12 for each workgroup

.include "common.inc"

.macro USERS_KERNEL name
.rodata
.p2align 6
.globl \name
.if UNIFIED
.amdhsa_kernel \name
	.amdhsa_user_sgpr_dispatch_ptr 1
	.amdhsa_user_sgpr_queue_ptr 1
	.amdhsa_user_sgpr_kernarg_segment_ptr 1
	.amdhsa_user_sgpr_dispatch_id 1
	.amdhsa_user_sgpr_private_segment_size 1
	.amdhsa_system_sgpr_workgroup_id_x 1
	.amdhsa_next_free_vgpr 8
	.amdhsa_next_free_sgpr 24
	.amdhsa_accum_offset 8
.end_amdhsa_kernel
.else
.amdhsa_kernel \name
	.amdhsa_user_sgpr_dispatch_ptr 1
	.amdhsa_user_sgpr_queue_ptr 1
	.amdhsa_user_sgpr_kernarg_segment_ptr 1
	.amdhsa_user_sgpr_dispatch_id 1
	.amdhsa_user_sgpr_private_segment_size 1
	.amdhsa_system_sgpr_workgroup_id_x 1
	.amdhsa_next_free_vgpr 8
	.amdhsa_next_free_sgpr 24
.end_amdhsa_kernel
.endif
.text
.p2align 8
.type \name,@function
\name:
.if GFX >= 12
	s_mov_b32	s9, ttmp9
.endif
.endm

.macro KEEP number
	v_mov_b32	v1, s\number
	global_store_dword	v0, v1, s[12:13] offset:4 * \number
.endm

USERS_KERNEL users
	s_load_dwordx2	s[12:13], s[4:5], 0x0
	WAIT_SCALAR
	s_mul_i32	s14, s9, 48
	v_mov_b32	v0, s14
	KEEP		0
	KEEP		1
	KEEP		2
	KEEP		3
	KEEP		4
	KEEP		5
	KEEP		6
	KEEP		7
	KEEP		8
	KEEP		9
	s_endpgm
