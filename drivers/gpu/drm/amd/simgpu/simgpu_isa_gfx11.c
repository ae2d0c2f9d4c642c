// SPDX-License-Identifier: MIT
/*
 * Instruction set of GFX 11.0: RDNA 3.
 *
 * Opcodes and encodings are facts of AMD's instruction set documents; the selftest in
 * tools/testing/selftests/kfd_criu/isa compares all of them with LLVM.
 */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include "simgpu_isa.h"

#define OP(name)	SIMGPU_OP_##name

static const u16 sop2[] = {
	[0x00] = OP(s_add_u32), [0x01] = OP(s_sub_u32), [0x02] = OP(s_add_i32),
	[0x03] = OP(s_sub_i32), [0x04] = OP(s_addc_u32), [0x05] = OP(s_subb_u32),
	[0x06] = OP(s_absdiff_i32), [0x08] = OP(s_lshl_b32), [0x09] = OP(s_lshl_b64),
	[0x0a] = OP(s_lshr_b32), [0x0b] = OP(s_lshr_b64), [0x0c] = OP(s_ashr_i32),
	[0x0d] = OP(s_ashr_i64), [0x0e] = OP(s_lshl1_add_u32), [0x0f] = OP(s_lshl2_add_u32),
	[0x10] = OP(s_lshl3_add_u32), [0x11] = OP(s_lshl4_add_u32), [0x12] = OP(s_min_i32),
	[0x13] = OP(s_min_u32), [0x14] = OP(s_max_i32), [0x15] = OP(s_max_u32),
	[0x16] = OP(s_and_b32), [0x17] = OP(s_and_b64), [0x18] = OP(s_or_b32),
	[0x19] = OP(s_or_b64), [0x1a] = OP(s_xor_b32), [0x1b] = OP(s_xor_b64),
	[0x1c] = OP(s_nand_b32), [0x1d] = OP(s_nand_b64), [0x1e] = OP(s_nor_b32),
	[0x1f] = OP(s_nor_b64), [0x20] = OP(s_xnor_b32), [0x21] = OP(s_xnor_b64),
	[0x22] = OP(s_andn2_b32), [0x23] = OP(s_andn2_b64), [0x24] = OP(s_orn2_b32),
	[0x25] = OP(s_orn2_b64), [0x26] = OP(s_bfe_u32), [0x27] = OP(s_bfe_i32),
	[0x28] = OP(s_bfe_u64), [0x29] = OP(s_bfe_i64), [0x2a] = OP(s_bfm_b32),
	[0x2b] = OP(s_bfm_b64), [0x2c] = OP(s_mul_i32), [0x2d] = OP(s_mul_hi_u32),
	[0x2e] = OP(s_mul_hi_i32), [0x30] = OP(s_cselect_b32), [0x31] = OP(s_cselect_b64),
	[0x32] = OP(s_pack_ll_b32_b16), [0x33] = OP(s_pack_lh_b32_b16),
	[0x34] = OP(s_pack_hh_b32_b16), [0x35] = OP(s_pack_hl_b32_b16),
};

static const u16 sopk[] = {
	[0x00] = OP(s_movk_i32), [0x01] = OP(s_version), [0x02] = OP(s_cmovk_i32),
	[0x03] = OP(s_cmpk_eq_i32), [0x04] = OP(s_cmpk_lg_i32), [0x05] = OP(s_cmpk_gt_i32),
	[0x06] = OP(s_cmpk_ge_i32), [0x07] = OP(s_cmpk_lt_i32), [0x08] = OP(s_cmpk_le_i32),
	[0x09] = OP(s_cmpk_eq_u32), [0x0a] = OP(s_cmpk_lg_u32), [0x0b] = OP(s_cmpk_gt_u32),
	[0x0c] = OP(s_cmpk_ge_u32), [0x0d] = OP(s_cmpk_lt_u32), [0x0e] = OP(s_cmpk_le_u32),
	[0x0f] = OP(s_addk_i32), [0x10] = OP(s_mulk_i32), [0x11] = OP(s_getreg_b32),
	[0x12] = OP(s_setreg_b32), [0x13] = OP(s_setreg_imm32_b32), [0x14] = OP(s_call_b64),
	[0x18] = OP(s_waitcnt_vscnt), [0x19] = OP(s_waitcnt_vmcnt), [0x1a] = OP(s_waitcnt_expcnt),
	[0x1b] = OP(s_waitcnt_lgkmcnt), [0x1d] = OP(s_mov_b32), [0x1e] = OP(s_cmp_gt_i32),
	[0x1f] = OP(s_sethalt),
};

static const u16 sop1[] = {
	[0x00] = OP(s_mov_b32), [0x01] = OP(s_mov_b64), [0x02] = OP(s_cmov_b32),
	[0x03] = OP(s_cmov_b64), [0x04] = OP(s_brev_b32), [0x05] = OP(s_brev_b64),
	[0x08] = OP(s_ff1_i32_b32), [0x09] = OP(s_ff1_i32_b64), [0x0a] = OP(s_flbit_i32_b32),
	[0x0b] = OP(s_flbit_i32_b64), [0x0c] = OP(s_flbit_i32), [0x0d] = OP(s_flbit_i32_i64),
	[0x0e] = OP(s_sext_i32_i8), [0x0f] = OP(s_sext_i32_i16), [0x10] = OP(s_bitset0_b32),
	[0x11] = OP(s_bitset0_b64), [0x12] = OP(s_bitset1_b32), [0x13] = OP(s_bitset1_b64),
	[0x14] = OP(s_bitreplicate_b64_b32), [0x15] = OP(s_abs_i32), [0x16] = OP(s_bcnt0_i32_b32),
	[0x17] = OP(s_bcnt0_i32_b64), [0x18] = OP(s_bcnt1_i32_b32), [0x19] = OP(s_bcnt1_i32_b64),
	[0x1a] = OP(s_quadmask_b32), [0x1b] = OP(s_quadmask_b64), [0x1c] = OP(s_wqm_b32),
	[0x1d] = OP(s_wqm_b64), [0x1e] = OP(s_not_b32), [0x1f] = OP(s_not_b64),
	[0x20] = OP(s_and_saveexec_b32), [0x21] = OP(s_and_saveexec_b64),
	[0x22] = OP(s_or_saveexec_b32), [0x23] = OP(s_or_saveexec_b64),
	[0x24] = OP(s_xor_saveexec_b32), [0x25] = OP(s_xor_saveexec_b64),
	[0x26] = OP(s_nand_saveexec_b32), [0x27] = OP(s_nand_saveexec_b64),
	[0x28] = OP(s_nor_saveexec_b32), [0x29] = OP(s_nor_saveexec_b64),
	[0x2a] = OP(s_xnor_saveexec_b32), [0x2b] = OP(s_xnor_saveexec_b64),
	[0x2c] = OP(s_andn1_saveexec_b32), [0x2d] = OP(s_andn1_saveexec_b64),
	[0x2e] = OP(s_orn1_saveexec_b32), [0x2f] = OP(s_orn1_saveexec_b64),
	[0x30] = OP(s_andn2_saveexec_b32), [0x31] = OP(s_andn2_saveexec_b64),
	[0x32] = OP(s_orn2_saveexec_b32), [0x33] = OP(s_orn2_saveexec_b64),
	[0x34] = OP(s_andn1_wrexec_b32), [0x35] = OP(s_andn1_wrexec_b64),
	[0x36] = OP(s_andn2_wrexec_b32), [0x37] = OP(s_andn2_wrexec_b64), [0x47] = OP(s_getpc_b64),
	[0x48] = OP(s_setpc_b64), [0x49] = OP(s_swappc_b64), [0x4a] = OP(s_rfe_b64),
	[0x4c] = OP(s_sendmsg_rtn_b32), [0x4d] = OP(s_sendmsg_rtn_b64),
};

static const u16 sopc[] = {
	[0x00] = OP(s_cmp_eq_i32), [0x01] = OP(s_cmp_lg_i32), [0x02] = OP(s_cmp_gt_i32),
	[0x03] = OP(s_cmp_ge_i32), [0x04] = OP(s_cmp_lt_i32), [0x05] = OP(s_cmp_le_i32),
	[0x06] = OP(s_cmp_eq_u32), [0x07] = OP(s_cmp_lg_u32), [0x08] = OP(s_cmp_gt_u32),
	[0x09] = OP(s_cmp_ge_u32), [0x0a] = OP(s_cmp_lt_u32), [0x0b] = OP(s_cmp_le_u32),
	[0x0c] = OP(s_bitcmp0_b32), [0x0d] = OP(s_bitcmp1_b32), [0x0e] = OP(s_bitcmp0_b64),
	[0x0f] = OP(s_bitcmp1_b64), [0x10] = OP(s_cmp_eq_u64), [0x11] = OP(s_cmp_lg_u64),
};

static const u16 sopp[] = {
	[0x00] = OP(s_nop), [0x02] = OP(s_sethalt), [0x03] = OP(s_sleep),
	[0x04] = OP(s_inst_prefetch), [0x05] = OP(s_clause), [0x07] = OP(s_delay_alu),
	[0x08] = OP(s_waitcnt_depctr), [0x09] = OP(s_waitcnt), [0x0a] = OP(s_wait_idle),
	[0x0b] = OP(s_wait_event), [0x10] = OP(s_trap), [0x11] = OP(s_round_mode),
	[0x12] = OP(s_denorm_mode), [0x20] = OP(s_branch), [0x21] = OP(s_cbranch_scc0),
	[0x22] = OP(s_cbranch_scc1), [0x23] = OP(s_cbranch_vccz), [0x24] = OP(s_cbranch_vccnz),
	[0x25] = OP(s_cbranch_execz), [0x26] = OP(s_cbranch_execnz), [0x30] = OP(s_endpgm),
	[0x31] = OP(s_endpgm_saved), [0x34] = OP(s_wakeup), [0x35] = OP(s_setprio),
	[0x36] = OP(s_sendmsg), [0x37] = OP(s_sendmsghalt), [0x38] = OP(s_incperflevel),
	[0x39] = OP(s_decperflevel), [0x3a] = OP(s_ttracedata), [0x3b] = OP(s_ttracedata_imm),
	[0x3c] = OP(s_icache_inv), [0x3d] = OP(s_barrier),
};

static const u16 smem[] = {
	[0x00] = OP(s_load_dword), [0x01] = OP(s_load_dwordx2), [0x02] = OP(s_load_dwordx4),
	[0x03] = OP(s_load_dwordx8), [0x04] = OP(s_load_dwordx16), [0x20] = OP(s_gl1_inv),
	[0x21] = OP(s_dcache_inv),
};

static const u16 vop2[] = {
	[0x01] = OP(v_cndmask_b32), [0x09] = OP(v_mul_i32_i24), [0x0a] = OP(v_mul_hi_i32_i24),
	[0x0b] = OP(v_mul_u32_u24), [0x0c] = OP(v_mul_hi_u32_u24), [0x11] = OP(v_min_i32),
	[0x12] = OP(v_max_i32), [0x13] = OP(v_min_u32), [0x14] = OP(v_max_u32),
	[0x18] = OP(v_lshlrev_b32), [0x19] = OP(v_lshrrev_b32), [0x1a] = OP(v_ashrrev_i32),
	[0x1b] = OP(v_and_b32), [0x1c] = OP(v_or_b32), [0x1d] = OP(v_xor_b32),
	[0x1e] = OP(v_xnor_b32), [0x20] = OP(v_addc_co_u32), [0x21] = OP(v_subb_co_u32),
	[0x22] = OP(v_subbrev_co_u32), [0x25] = OP(v_add_u32), [0x26] = OP(v_sub_u32),
	[0x27] = OP(v_subrev_u32),
};

static const u16 vop1[] = {
	[0x01] = OP(v_mov_b32), [0x02] = OP(v_readfirstlane_b32), [0x37] = OP(v_not_b32),
	[0x38] = OP(v_bfrev_b32), [0x39] = OP(v_ffbh_u32), [0x3a] = OP(v_ffbl_b32),
	[0x3b] = OP(v_ffbh_i32), [0x65] = OP(v_swap_b32), [0x6a] = OP(v_cvt_i32_i16),
	[0x6b] = OP(v_cvt_u32_u16),
};

static const u16 vopc[] = {
	[0x31] = OP(v_cmp_lt_i16), [0x32] = OP(v_cmp_eq_i16), [0x33] = OP(v_cmp_le_i16),
	[0x34] = OP(v_cmp_gt_i16), [0x35] = OP(v_cmp_ne_i16), [0x36] = OP(v_cmp_ge_i16),
	[0x39] = OP(v_cmp_lt_u16), [0x3a] = OP(v_cmp_eq_u16), [0x3b] = OP(v_cmp_le_u16),
	[0x3c] = OP(v_cmp_gt_u16), [0x3d] = OP(v_cmp_ne_u16), [0x3e] = OP(v_cmp_ge_u16),
	[0x40] = OP(v_cmp_f_i32), [0x41] = OP(v_cmp_lt_i32), [0x42] = OP(v_cmp_eq_i32),
	[0x43] = OP(v_cmp_le_i32), [0x44] = OP(v_cmp_gt_i32), [0x45] = OP(v_cmp_ne_i32),
	[0x46] = OP(v_cmp_ge_i32), [0x47] = OP(v_cmp_t_i32), [0x48] = OP(v_cmp_f_u32),
	[0x49] = OP(v_cmp_lt_u32), [0x4a] = OP(v_cmp_eq_u32), [0x4b] = OP(v_cmp_le_u32),
	[0x4c] = OP(v_cmp_gt_u32), [0x4d] = OP(v_cmp_ne_u32), [0x4e] = OP(v_cmp_ge_u32),
	[0x4f] = OP(v_cmp_t_u32), [0x50] = OP(v_cmp_f_i64), [0x51] = OP(v_cmp_lt_i64),
	[0x52] = OP(v_cmp_eq_i64), [0x53] = OP(v_cmp_le_i64), [0x54] = OP(v_cmp_gt_i64),
	[0x55] = OP(v_cmp_ne_i64), [0x56] = OP(v_cmp_ge_i64), [0x57] = OP(v_cmp_t_i64),
	[0x58] = OP(v_cmp_f_u64), [0x59] = OP(v_cmp_lt_u64), [0x5a] = OP(v_cmp_eq_u64),
	[0x5b] = OP(v_cmp_le_u64), [0x5c] = OP(v_cmp_gt_u64), [0x5d] = OP(v_cmp_ne_u64),
	[0x5e] = OP(v_cmp_ge_u64), [0x5f] = OP(v_cmp_t_u64), [0xb1] = OP(v_cmpx_lt_i16),
	[0xb2] = OP(v_cmpx_eq_i16), [0xb3] = OP(v_cmpx_le_i16), [0xb4] = OP(v_cmpx_gt_i16),
	[0xb5] = OP(v_cmpx_ne_i16), [0xb6] = OP(v_cmpx_ge_i16), [0xb9] = OP(v_cmpx_lt_u16),
	[0xba] = OP(v_cmpx_eq_u16), [0xbb] = OP(v_cmpx_le_u16), [0xbc] = OP(v_cmpx_gt_u16),
	[0xbd] = OP(v_cmpx_ne_u16), [0xbe] = OP(v_cmpx_ge_u16), [0xc0] = OP(v_cmpx_f_i32),
	[0xc1] = OP(v_cmpx_lt_i32), [0xc2] = OP(v_cmpx_eq_i32), [0xc3] = OP(v_cmpx_le_i32),
	[0xc4] = OP(v_cmpx_gt_i32), [0xc5] = OP(v_cmpx_ne_i32), [0xc6] = OP(v_cmpx_ge_i32),
	[0xc7] = OP(v_cmpx_t_i32), [0xc8] = OP(v_cmpx_f_u32), [0xc9] = OP(v_cmpx_lt_u32),
	[0xca] = OP(v_cmpx_eq_u32), [0xcb] = OP(v_cmpx_le_u32), [0xcc] = OP(v_cmpx_gt_u32),
	[0xcd] = OP(v_cmpx_ne_u32), [0xce] = OP(v_cmpx_ge_u32), [0xcf] = OP(v_cmpx_t_u32),
	[0xd0] = OP(v_cmpx_f_i64), [0xd1] = OP(v_cmpx_lt_i64), [0xd2] = OP(v_cmpx_eq_i64),
	[0xd3] = OP(v_cmpx_le_i64), [0xd4] = OP(v_cmpx_gt_i64), [0xd5] = OP(v_cmpx_ne_i64),
	[0xd6] = OP(v_cmpx_ge_i64), [0xd7] = OP(v_cmpx_t_i64), [0xd8] = OP(v_cmpx_f_u64),
	[0xd9] = OP(v_cmpx_lt_u64), [0xda] = OP(v_cmpx_eq_u64), [0xdb] = OP(v_cmpx_le_u64),
	[0xdc] = OP(v_cmpx_gt_u64), [0xdd] = OP(v_cmpx_ne_u64), [0xde] = OP(v_cmpx_ge_u64),
	[0xdf] = OP(v_cmpx_t_u64),
};

static const u16 vop3[] = {
	[0x180] = OP(v_nop), [0x20a] = OP(v_mad_i32_i24), [0x20b] = OP(v_mad_u32_u24),
	[0x210] = OP(v_bfe_u32), [0x211] = OP(v_bfe_i32), [0x212] = OP(v_bfi_b32),
	[0x216] = OP(v_alignbit_b32), [0x217] = OP(v_alignbyte_b32), [0x21a] = OP(v_min3_i32),
	[0x21b] = OP(v_min3_u32), [0x21d] = OP(v_max3_i32), [0x21e] = OP(v_max3_u32),
	[0x220] = OP(v_med3_i32), [0x221] = OP(v_med3_u32), [0x225] = OP(v_sad_u32),
	[0x240] = OP(v_xor3_b32), [0x244] = OP(v_perm_b32), [0x245] = OP(v_xad_u32),
	[0x246] = OP(v_lshl_add_u32), [0x247] = OP(v_add_lshl_u32), [0x255] = OP(v_add3_u32),
	[0x256] = OP(v_lshl_or_b32), [0x257] = OP(v_and_or_b32), [0x258] = OP(v_or3_b32),
	[0x259] = OP(v_mad_u32_u16), [0x25a] = OP(v_mad_i32_i16), [0x262] = OP(v_maxmin_u32),
	[0x263] = OP(v_minmax_u32), [0x264] = OP(v_maxmin_i32), [0x265] = OP(v_minmax_i32),
	[0x2fe] = OP(v_mad_u64_u32), [0x2ff] = OP(v_mad_i64_i32), [0x300] = OP(v_add_co_u32),
	[0x301] = OP(v_sub_co_u32), [0x302] = OP(v_subrev_co_u32), [0x303] = OP(v_add_u16),
	[0x304] = OP(v_sub_u16), [0x305] = OP(v_mul_lo_u16), [0x309] = OP(v_max_u16),
	[0x30a] = OP(v_max_i16), [0x30b] = OP(v_min_u16), [0x30c] = OP(v_min_i16),
	[0x31d] = OP(v_bfm_b32), [0x31e] = OP(v_bcnt_u32_b32), [0x31f] = OP(v_mbcnt_lo_u32_b32),
	[0x320] = OP(v_mbcnt_hi_u32_b32), [0x323] = OP(v_cvt_pk_u16_u32),
	[0x324] = OP(v_cvt_pk_i16_i32), [0x325] = OP(v_sub_i32), [0x326] = OP(v_add_i32),
	[0x32c] = OP(v_mul_lo_u32), [0x32d] = OP(v_mul_hi_u32), [0x32e] = OP(v_mul_hi_i32),
	[0x338] = OP(v_lshlrev_b16), [0x339] = OP(v_lshrrev_b16), [0x33a] = OP(v_ashrrev_i16),
	[0x33c] = OP(v_lshlrev_b64), [0x33d] = OP(v_lshrrev_b64), [0x33e] = OP(v_ashrrev_i64),
	[0x360] = OP(v_readlane_b32), [0x361] = OP(v_writelane_b32),
};

static const u16 flat[] = {
	[0x10] = OP(load_ubyte), [0x11] = OP(load_sbyte), [0x12] = OP(load_ushort),
	[0x13] = OP(load_sshort), [0x14] = OP(load_dword), [0x15] = OP(load_dwordx2),
	[0x16] = OP(load_dwordx3), [0x17] = OP(load_dwordx4), [0x18] = OP(store_byte),
	[0x19] = OP(store_short), [0x1a] = OP(store_dword), [0x1b] = OP(store_dwordx2),
	[0x1c] = OP(store_dwordx3), [0x1d] = OP(store_dwordx4), [0x1e] = OP(load_ubyte_d16),
	[0x1f] = OP(load_sbyte_d16), [0x20] = OP(load_short_d16), [0x21] = OP(load_ubyte_d16_hi),
	[0x22] = OP(load_sbyte_d16_hi), [0x23] = OP(load_short_d16_hi),
	[0x24] = OP(store_byte_d16_hi), [0x25] = OP(store_short_d16_hi), [0x33] = OP(atomic_swap),
	[0x34] = OP(atomic_cmpswap), [0x35] = OP(atomic_add), [0x36] = OP(atomic_sub),
	[0x37] = OP(atomic_csub), [0x38] = OP(atomic_smin), [0x39] = OP(atomic_umin),
	[0x3a] = OP(atomic_smax), [0x3b] = OP(atomic_umax), [0x3c] = OP(atomic_and),
	[0x3d] = OP(atomic_or), [0x3e] = OP(atomic_xor), [0x3f] = OP(atomic_inc),
	[0x40] = OP(atomic_dec), [0x41] = OP(atomic_swap_x2), [0x42] = OP(atomic_cmpswap_x2),
	[0x43] = OP(atomic_add_x2), [0x44] = OP(atomic_sub_x2), [0x45] = OP(atomic_smin_x2),
	[0x46] = OP(atomic_umin_x2), [0x47] = OP(atomic_smax_x2), [0x48] = OP(atomic_umax_x2),
	[0x49] = OP(atomic_and_x2), [0x4a] = OP(atomic_or_x2), [0x4b] = OP(atomic_xor_x2),
	[0x4c] = OP(atomic_inc_x2), [0x4d] = OP(atomic_dec_x2),
};

static const u16 ds[] = {
	[0x00] = OP(ds_add_u32), [0x01] = OP(ds_sub_u32), [0x02] = OP(ds_rsub_u32),
	[0x03] = OP(ds_inc_u32), [0x04] = OP(ds_dec_u32), [0x05] = OP(ds_min_i32),
	[0x06] = OP(ds_max_i32), [0x07] = OP(ds_min_u32), [0x08] = OP(ds_max_u32),
	[0x09] = OP(ds_and_b32), [0x0a] = OP(ds_or_b32), [0x0b] = OP(ds_xor_b32),
	[0x0c] = OP(ds_mskor_b32), [0x0d] = OP(ds_write_b32), [0x0e] = OP(ds_write2_b32),
	[0x0f] = OP(ds_write2st64_b32), [0x10] = OP(ds_cmpstore_b32), [0x14] = OP(ds_nop),
	[0x18] = OP(ds_gws_sema_release_all), [0x19] = OP(ds_gws_init), [0x1a] = OP(ds_gws_sema_v),
	[0x1b] = OP(ds_gws_sema_br), [0x1c] = OP(ds_gws_sema_p), [0x1d] = OP(ds_gws_barrier),
	[0x1e] = OP(ds_write_b8), [0x1f] = OP(ds_write_b16), [0x20] = OP(ds_add_rtn_u32),
	[0x21] = OP(ds_sub_rtn_u32), [0x22] = OP(ds_rsub_rtn_u32), [0x23] = OP(ds_inc_rtn_u32),
	[0x24] = OP(ds_dec_rtn_u32), [0x25] = OP(ds_min_rtn_i32), [0x26] = OP(ds_max_rtn_i32),
	[0x27] = OP(ds_min_rtn_u32), [0x28] = OP(ds_max_rtn_u32), [0x29] = OP(ds_and_rtn_b32),
	[0x2a] = OP(ds_or_rtn_b32), [0x2b] = OP(ds_xor_rtn_b32), [0x2c] = OP(ds_mskor_rtn_b32),
	[0x2d] = OP(ds_wrxchg_rtn_b32), [0x30] = OP(ds_cmpstore_rtn_b32),
	[0x35] = OP(ds_swizzle_b32), [0x36] = OP(ds_read_b32), [0x37] = OP(ds_read2_b32),
	[0x38] = OP(ds_read2st64_b32), [0x39] = OP(ds_read_i8), [0x3a] = OP(ds_read_u8),
	[0x3b] = OP(ds_read_i16), [0x3c] = OP(ds_read_u16), [0x40] = OP(ds_add_u64),
	[0x41] = OP(ds_sub_u64), [0x42] = OP(ds_rsub_u64), [0x43] = OP(ds_inc_u64),
	[0x44] = OP(ds_dec_u64), [0x45] = OP(ds_min_i64), [0x46] = OP(ds_max_i64),
	[0x47] = OP(ds_min_u64), [0x48] = OP(ds_max_u64), [0x49] = OP(ds_and_b64),
	[0x4a] = OP(ds_or_b64), [0x4b] = OP(ds_xor_b64), [0x4c] = OP(ds_mskor_b64),
	[0x4d] = OP(ds_write_b64), [0x4e] = OP(ds_write2_b64), [0x4f] = OP(ds_write2st64_b64),
	[0x50] = OP(ds_cmpstore_b64), [0x60] = OP(ds_add_rtn_u64), [0x61] = OP(ds_sub_rtn_u64),
	[0x62] = OP(ds_rsub_rtn_u64), [0x63] = OP(ds_inc_rtn_u64), [0x64] = OP(ds_dec_rtn_u64),
	[0x65] = OP(ds_min_rtn_i64), [0x66] = OP(ds_max_rtn_i64), [0x67] = OP(ds_min_rtn_u64),
	[0x68] = OP(ds_max_rtn_u64), [0x69] = OP(ds_and_rtn_b64), [0x6a] = OP(ds_or_rtn_b64),
	[0x6b] = OP(ds_xor_rtn_b64), [0x6c] = OP(ds_mskor_rtn_b64), [0x6d] = OP(ds_wrxchg_rtn_b64),
	[0x70] = OP(ds_cmpstore_rtn_b64), [0x76] = OP(ds_read_b64), [0x77] = OP(ds_read2_b64),
	[0x78] = OP(ds_read2st64_b64), [0xa0] = OP(ds_write_b8_d16_hi),
	[0xa1] = OP(ds_write_b16_d16_hi), [0xa2] = OP(ds_read_u8_d16),
	[0xa3] = OP(ds_read_u8_d16_hi), [0xa4] = OP(ds_read_i8_d16), [0xa5] = OP(ds_read_i8_d16_hi),
	[0xa6] = OP(ds_read_u16_d16), [0xa7] = OP(ds_read_u16_d16_hi), [0xb2] = OP(ds_permute_b32),
	[0xb3] = OP(ds_bpermute_b32), [0xde] = OP(ds_write_b96), [0xdf] = OP(ds_write_b128),
	[0xfe] = OP(ds_read_b96), [0xff] = OP(ds_read_b128),
};

static const u16 mubuf[] = {
	[0x2b] = OP(buffer_gl0_inv), [0x2c] = OP(buffer_gl1_inv),
};

/* Scalar operand 124 is none, and 125 M0: the other way round than before. */
static unsigned int scalar_offset(unsigned int code)
{
	if (code == SIMGPU_S_M0)
		return SIMGPU_CODE_OFF;
	return code == SIMGPU_CODE_NULL ? SIMGPU_S_M0 : code;
}

static int decode_smem(const u32 *words, struct simgpu_instruction *inst)
{
	unsigned int dst = words[0] >> 6 & 0x7f;

	inst->format = SIMGPU_SMEM;
	inst->opcode = words[0] >> 18 & 0xff;
	inst->dst = dst;
	/* Neither of them is a place for what is loaded. */
	if (dst == SIMGPU_S_M0)
		inst->dst = SIMGPU_CODE_NULL;
	inst->src[0] = (words[0] & 0x3f) << 1;
	inst->saddr = scalar_offset(words[1] >> 25);
	inst->offset = sign_extend32(words[1] & 0x1fffff, 20);
	return 0;
}

static int decode_flat(const u32 *words, struct simgpu_instruction *inst)
{
	inst->format = SIMGPU_FLAT;
	inst->opcode = words[0] >> 18 & 0x7f;
	inst->segment = words[0] >> 16 & 3;
	inst->returns = words[0] & BIT(14);
	inst->address = words[1] & 0xff;
	inst->data[0] = words[1] >> 8 & 0xff;
	inst->saddr = scalar_offset(words[1] >> 16 & 0x7f);
	inst->dst = words[1] >> 24;
	inst->offset = sign_extend32(words[0] & 0x1fff, 12);
	if (inst->segment != SIMGPU_SEGMENT_SCRATCH && words[1] & BIT(23))
		return simgpu_isa_bad(inst, "scratch address");
	switch (inst->segment) {
	case SIMGPU_SEGMENT_FLAT:
		if (inst->offset < 0)
			return simgpu_isa_bad(inst, "negative offset");
		if (inst->saddr != SIMGPU_CODE_OFF)
			return simgpu_isa_bad(inst, "scalar address");
		return 0;
	case SIMGPU_SEGMENT_SCRATCH:
		if (words[1] & BIT(23))
			return 0;
		if (inst->address)
			return simgpu_isa_bad(inst, "address");
		inst->address = SIMGPU_CODE_OFF;
		return 0;
	case SIMGPU_SEGMENT_GLOBAL:
		return 0;
	default:
		return simgpu_isa_bad(inst, "segment");
	}
}

static int decode_memory(const struct simgpu_isa *isa, const u32 *words, unsigned int count,
			 struct simgpu_instruction *inst)
{
	inst->dwords = 2;
	if (count < 2)
		return 2;
	switch (words[0] >> 26) {
	case 0x36:
		inst->format = SIMGPU_DS;
		inst->opcode = words[0] >> 18 & 0xff;
		inst->offset = words[0] & 0xffff;
		inst->offsets[0] = words[0] & 0xff;
		inst->offsets[1] = words[0] >> 8 & 0xff;
		inst->segment = words[0] & BIT(17) ? SIMGPU_SEGMENT_GLOBAL : SIMGPU_SEGMENT_FLAT;
		inst->address = words[1] & 0xff;
		inst->data[0] = words[1] >> 8 & 0xff;
		inst->data[1] = words[1] >> 16 & 0xff;
		inst->dst = words[1] >> 24;
		if (words[0] & BIT(16))
			return simgpu_isa_bad(inst, "reserved bit");
		return 0;
	case 0x37:
		return decode_flat(words, inst);
	case 0x38:
		inst->format = SIMGPU_MUBUF;
		inst->opcode = words[0] >> 18 & 0xff;
		if (words[1] || words[0] & 0x3ffff)
			return simgpu_isa_bad(inst, "operand");
		return 0;
	case 0x3d:
		return decode_smem(words, inst);
	default:
		return simgpu_isa_bad(inst, "unknown encoding");
	}
}

const struct simgpu_isa simgpu_isa_gfx1100 = {
	.name = "gfx1100",
	.generation = 11,
	.wave32 = true,
	.vop1_in_vop3 = 0x180,
	.decode_memory = decode_memory,
	.tables = {
		[SIMGPU_SOP2] = { sop2, ARRAY_SIZE(sop2) },
		[SIMGPU_SOPK] = { sopk, ARRAY_SIZE(sopk) },
		[SIMGPU_SOP1] = { sop1, ARRAY_SIZE(sop1) },
		[SIMGPU_SOPC] = { sopc, ARRAY_SIZE(sopc) },
		[SIMGPU_SOPP] = { sopp, ARRAY_SIZE(sopp) },
		[SIMGPU_SMEM] = { smem, ARRAY_SIZE(smem) },
		[SIMGPU_VOP2] = { vop2, ARRAY_SIZE(vop2) },
		[SIMGPU_VOP1] = { vop1, ARRAY_SIZE(vop1) },
		[SIMGPU_VOPC] = { vopc, ARRAY_SIZE(vopc) },
		[SIMGPU_VOP3] = { vop3, ARRAY_SIZE(vop3) },
		[SIMGPU_FLAT] = { flat, ARRAY_SIZE(flat) },
		[SIMGPU_DS] = { ds, ARRAY_SIZE(ds) },
		[SIMGPU_MUBUF] = { mubuf, ARRAY_SIZE(mubuf) },
	},
};
