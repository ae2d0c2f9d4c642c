/* SPDX-License-Identifier: GPL-2.0 */
//
// Each work-item of a grid of three dimensions adds 1 to its word.
//
// arguments: u64 words, u32 work-items of the grid in X, u32 in Y, u32 work-items of a workgroup
// in X, u32 in Y, u32 in Z

.include "common.inc"

.macro PLACE_KERNEL name
.rodata
.p2align 6
.globl \name
.if UNIFIED
.amdhsa_kernel \name
	.amdhsa_user_sgpr_kernarg_segment_ptr 1
	.amdhsa_system_sgpr_workgroup_id_x 1
	.amdhsa_system_sgpr_workgroup_id_y 1
	.amdhsa_system_sgpr_workgroup_id_z 1
	.amdhsa_system_vgpr_workitem_id 2
	.amdhsa_next_free_vgpr 8
	.amdhsa_next_free_sgpr 24
	.amdhsa_accum_offset 8
.end_amdhsa_kernel
.else
.amdhsa_kernel \name
	.amdhsa_user_sgpr_kernarg_segment_ptr 1
	.amdhsa_system_sgpr_workgroup_id_x 1
	.amdhsa_system_sgpr_workgroup_id_y 1
	.amdhsa_system_sgpr_workgroup_id_z 1
	.amdhsa_system_vgpr_workitem_id 2
	.amdhsa_next_free_vgpr 8
	.amdhsa_next_free_sgpr 24
.end_amdhsa_kernel
.endif
.text
.p2align 8
.type \name,@function
\name:
.if GFX >= 12
	s_mov_b32	s2, ttmp9
	s_and_b32	s3, ttmp7, 0xffff
	s_lshr_b32	s4, ttmp7, 16
.endif
// all three in one register, or each in its own
.if GFX >= 11 || UNIFIED
	v_bfe_u32	v2, v0, 20, 10
	v_bfe_u32	v1, v0, 10, 10
	v_and_b32	v0, 0x3ff, v0
.endif
.endm

PLACE_KERNEL place
	s_load_dwordx2	s[8:9], s[0:1], 0x0
	s_load_dwordx4	s[12:15], s[0:1], 0x8
	s_load_dword	s16, s[0:1], 0x18
	WAIT_SCALAR
	s_mul_i32	s2, s2, s14
	s_mul_i32	s3, s3, s15
	s_mul_i32	s4, s4, s16
	ADD		v0, s2, v0
	ADD		v1, s3, v1
	ADD		v2, s4, v2
	v_mul_lo_u32	v2, v2, s13		// (z * Y + y) * X + x
	ADD		v1, v1, v2
	v_mul_lo_u32	v1, v1, s12
	ADD		v0, v0, v1
	v_lshlrev_b32	v0, 2, v0
	v_mov_b32	v1, 1
	global_atomic_add	v0, v1, s[8:9]
	s_endpgm
