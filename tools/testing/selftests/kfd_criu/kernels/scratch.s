/* SPDX-License-Identifier: GPL-2.0 */
//
// Each work-item fills its scratch memory with numbers of its own, says that it is there, waits
// until the gate is open, and stores the sum of what it finds.
//
// arguments: u64 words, u32 work-items of a workgroup, u32 unused, u64 gate (u32 open, u32 there)

.include "common.inc"

.set SCRATCH_WORDS, 16

// The address of scratch memory comes in user registers, and the wave has to put it together
// with its own offset; or hardware does all of it.
.macro SCRATCH_KERNEL name
.rodata
.p2align 6
.globl \name
.if GFX >= 11
.amdhsa_kernel \name
	.amdhsa_user_sgpr_kernarg_segment_ptr 1
	.amdhsa_system_sgpr_workgroup_id_x 1
	.amdhsa_private_segment_fixed_size 4 * SCRATCH_WORDS
	.amdhsa_enable_private_segment 1
	.amdhsa_next_free_vgpr 10
	.amdhsa_next_free_sgpr 24
.end_amdhsa_kernel
.elseif GFX942
.amdhsa_kernel \name
	.amdhsa_user_sgpr_kernarg_segment_ptr 1
	.amdhsa_system_sgpr_workgroup_id_x 1
	.amdhsa_private_segment_fixed_size 4 * SCRATCH_WORDS
	.amdhsa_enable_private_segment 1
	.amdhsa_next_free_vgpr 10
	.amdhsa_next_free_sgpr 24
	.amdhsa_accum_offset 12
.end_amdhsa_kernel
.elseif GFX == 9 && .amdgcn.gfx_generation_stepping == 10
.amdhsa_kernel \name
	.amdhsa_user_sgpr_kernarg_segment_ptr 1
	.amdhsa_user_sgpr_flat_scratch_init 1
	.amdhsa_system_sgpr_workgroup_id_x 1
	.amdhsa_private_segment_fixed_size 4 * SCRATCH_WORDS
	.amdhsa_system_sgpr_private_segment_wavefront_offset 1
	.amdhsa_next_free_vgpr 10
	.amdhsa_next_free_sgpr 24
	.amdhsa_accum_offset 12
.end_amdhsa_kernel
.else
.amdhsa_kernel \name
	.amdhsa_user_sgpr_kernarg_segment_ptr 1
	.amdhsa_user_sgpr_flat_scratch_init 1
	.amdhsa_system_sgpr_workgroup_id_x 1
	.amdhsa_private_segment_fixed_size 4 * SCRATCH_WORDS
	.amdhsa_system_sgpr_private_segment_wavefront_offset 1
	.amdhsa_next_free_vgpr 10
	.amdhsa_next_free_sgpr 24
.end_amdhsa_kernel
.endif
.text
.p2align 8
.type \name,@function
\name:
.if GFX >= 12
	s_mov_b32	s9, ttmp9
.elseif GFX == 11 || GFX942
	s_mov_b32	s9, s2
.elseif GFX == 10
	s_add_u32	s2, s2, s5
	s_addc_u32	s3, s3, 0
	s_setreg_b32	hwreg(HW_REG_FLAT_SCR_LO), s2
	s_setreg_b32	hwreg(HW_REG_FLAT_SCR_HI), s3
	s_mov_b32	s9, s4
.else
	s_add_u32	flat_scratch_lo, s2, s5
	s_addc_u32	flat_scratch_hi, s3, 0
	s_mov_b32	s9, s4
.endif
.endm

SCRATCH_KERNEL scratch
	s_load_dwordx2	s[4:5], s[0:1], 0x0
	s_load_dwordx2	s[6:7], s[0:1], 0x8
	s_load_dwordx2	s[10:11], s[0:1], 0x10
	WAIT_SCALAR
	s_mul_i32	s8, s9, s6
	ADD		v1, s8, v0		// number of the work-item
	v_mov_b32	v2, 1
	v_mov_b32	v3, 0
	v_mov_b32	v4, 4
	v_mov_b32	v5, v1
	v_mov_b32	v6, 0			// place in scratch memory
	s_movk_i32	s12, SCRATCH_WORDS
1:
	scratch_store_dword	v6, v5, off
	ADD		v5, 0x1000, v5
	ADD		v6, 4, v6
	s_sub_u32	s12, s12, 1
	s_cmp_lg_u32	s12, 0
	s_cbranch_scc1	1b
	global_atomic_add	v4, v2, s[10:11]
	WAIT_GATE	v7, v3, s[10:11]
	s_movk_i32	s12, SCRATCH_WORDS
	v_mov_b32	v6, 0
	v_mov_b32	v5, 0
2:
	scratch_load_dword	v7, v6, off
	WAIT_VECTOR
	ADD		v5, v7, v5
	ADD		v6, 4, v6
	s_sub_u32	s12, s12, 1
	s_cmp_lg_u32	s12, 0
	s_cbranch_scc1	2b
	v_lshlrev_b32	v1, 2, v1
	global_atomic_add	v1, v5, s[4:5]
	s_endpgm
