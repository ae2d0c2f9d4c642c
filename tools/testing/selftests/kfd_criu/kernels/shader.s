/* SPDX-License-Identifier: GPL-2.0 */
//
// Kernels of the kind that test suites of the driver dispatch in PM4 queues: no descriptor and no
// arguments in memory, but two addresses in s[0:1] and s[2:3], where scratch memory is in s[4:5]
// if there is any, and the number of the workgroup behind these registers.  One work-item is
// enough for each of them.
//
// The first kernel does nothing.  256 bytes behind it are the distances of all kernels from it.

.include "common.inc"

// What the CPU or another GPU sees, and what they have written.
.macro FLAT verb, a, b
.if GFX >= 12
	flat_\verb\()_b32	\a, \b scope:SCOPE_SYS
.elseif GFX942
	flat_\verb\()_dword	\a, \b sc0 sc1 nt
.else
	flat_\verb\()_dword	\a, \b glc slc
.endif
.endm

.macro SCALAR_LOAD to, from, offset=0
.if GFX >= 12
	s_load_b32	\to, \from, \offset scope:SCOPE_SYS
.else
	s_load_dword	\to, \from, \offset glc
.endif
	WAIT_SCALAR
.endm

// A scalar register to s[\to:\to + 1] and an offset.  Newer GPUs store no scalar registers.
.macro SCALAR_STORE from, to, offset=0
.if GFX >= 10
	s_add_u32	s20, s\to, \offset
	s_addc_u32	s21, s[\to + 1], 0
	v_mov_b32	v16, s20
	v_mov_b32	v17, s21
	v_mov_b32	v18, \from
	FLAT	store, v[16:17], v18
.else
	s_store_dword	\from, s[\to:\to + 1], \offset glc
.endif
.endm

.macro WAIT_ALL
.if GFX >= 12
	s_wait_loadcnt	0x0
	s_wait_storecnt	0x0
	s_wait_dscnt	0x0
	s_wait_kmcnt	0x0
.else
	s_waitcnt	vmcnt(0) & lgkmcnt(0)
.if GFX >= 10
	s_waitcnt_vscnt	null, 0x0
.endif
.endif
.endm

// Caches: what this GPU has written goes to memory, and what others have written is seen.
.macro WRITE_BACK
.if GFX >= 12
	global_wb	scope:SCOPE_SYS
	s_wait_storecnt	0x0
.elseif GFX942
	buffer_wbl2	sc0 sc1
	s_waitcnt	vmcnt(0)
.elseif UNIFIED
	buffer_wbl2
	s_waitcnt	vmcnt(0)
.endif
.endm

.macro INVALIDATE
.if GFX >= 12
	global_inv	scope:SCOPE_SYS
	s_wait_loadcnt	0x0
.elseif GFX >= 10
	buffer_gl0_inv
	buffer_gl1_inv
.elseif GFX942
	buffer_inv	sc0 sc1
.elseif UNIFIED
	buffer_invl2
	buffer_wbinvl1_vol
.else
	buffer_wbinvl1
.endif
.endm

.macro ADD_CARRY to, a, b
.if GFX >= 10
	v_add_co_u32	\to, vcc_lo, \a, \b
.else
	v_add_co_u32	\to, vcc, \a, \b
.endif
.endm

.macro ADD_CARRIED to
.if GFX >= 10
	v_add_co_ci_u32	\to, vcc_lo, 0, \to, vcc_lo
.else
	v_addc_co_u32	\to, vcc, 0, \to, vcc
.endif
.endm

// The number of the workgroup, in a vector register.
.macro WORKGROUP to
.if GFX >= 12
	v_mov_b32	\to, ttmp9
.else
	v_mov_b32	\to, s4
.endif
.endm

.macro ADDRESS to, from
	v_mov_b32	v\to, s\from
	v_mov_b32	v[\to + 1], s[\from + 1]
.endm

.macro SHADER name
.p2align 8
\name:
.endm

.macro DISTANCE name
	.long		\name - shader
.endm

KERNEL shader
	s_endpgm
.p2align 8
	DISTANCE	shader
	DISTANCE	forever
	DISTANCE	copy
	DISTANCE	increment
	DISTANCE	scratch_copy
	DISTANCE	wait_word
	DISTANCE	copy_when_told
	DISTANCE	take
	DISTANCE	give
	DISTANCE	write_three
	DISTANCE	release
	DISTANCE	acquire
	DISTANCE	iterate
	DISTANCE	read_pages
	DISTANCE	gws_init
	DISTANCE	gws_add
	DISTANCE	trapped
	DISTANCE	trap_handler

SHADER forever
	s_nop		15
	s_branch	forever

// A word from the one address to the other.
SHADER copy
	ADDRESS		2, 0
	ADDRESS		6, 2
	FLAT	load, v5, v[2:3]
	WAIT_ALL
	FLAT	store, v[6:7], v5
	s_endpgm

// Each wave adds 1, and has what was there before.
SHADER increment
	ADDRESS		8, 0
	v_mov_b32	v4, 1
.if GFX >= 12
	flat_atomic_add_u32	v5, v[8:9], v4 th:TH_ATOMIC_RETURN scope:SCOPE_SYS
.elseif GFX942
	flat_atomic_add	v5, v[8:9], v4 sc0 sc1 nt
.else
	flat_atomic_add	v5, v[8:9], v4 glc slc
.endif
	WAIT_ALL
	s_endpgm

// The same copy, but one of the addresses is in the aperture of scratch.  Newer GPUs know where
// scratch is, and ignore what a kernel wants to change there.
SHADER scratch_copy
.if GFX >= 12
	s_setreg_b32	hwreg(HW_REG_SCRATCH_BASE_LO), s4
	s_setreg_b32	hwreg(HW_REG_SCRATCH_BASE_HI), s5
.elseif GFX >= 10
	s_setreg_b32	hwreg(HW_REG_FLAT_SCR_LO), s4
	s_setreg_b32	hwreg(HW_REG_FLAT_SCR_HI), s5
.else
	s_mov_b32	flat_scratch_lo, s4
	s_mov_b32	flat_scratch_hi, s5
.endif
	ADDRESS		2, 0
	ADDRESS		6, 2
	flat_load_dword	v5, v[2:3]
	WAIT_ALL
	flat_store_dword	v[6:7], v5
	s_endpgm

// Wait for a number, and write it elsewhere.
SHADER wait_word
	s_movk_i32	s9, 0x5678
1:
	SCALAR_LOAD	s8, s[0:1]
	s_cmp_eq_i32	s8, s9
	s_cbranch_scc0	1b
	SCALAR_STORE	s9, 2
	s_endpgm

// The second word to the third when the first one says so.
SHADER copy_when_told
	s_mov_b32	s9, 0xcafe
1:
	SCALAR_LOAD	s8, s[0:1]
	s_cmp_eq_i32	s9, s8
	s_cbranch_scc0	1b
	SCALAR_LOAD	s10, s[0:1], 4
	SCALAR_STORE	s10, 0, 8
	WAIT_ALL
	s_endpgm

// The receiver of what the next one gives, by vector registers and a branch on VCC.
SHADER take
	ADDRESS		2, 0
	v_mov_b32	v4, 1
1:
	FLAT	load, v5, v[2:3]
	WAIT_ALL
	COMPARE		v_cmp_eq_i32, v5, v4
	s_cbranch_vccz	1b
	INVALIDATE
	SCALAR_LOAD	s8, s[0:1], 4
	SCALAR_STORE	s8, 2
	WAIT_ALL
	WRITE_BACK
	s_endpgm

// A word of the second buffer becomes the second one of the first; then its first word is 1.
SHADER give
	SCALAR_LOAD	s8, s[2:3]
	SCALAR_STORE	s8, 0, 4
	WAIT_ALL
	WRITE_BACK
	ADDRESS		2, 0
	v_mov_b32	v4, 1
	FLAT	store, v[2:3], v4
	s_endpgm

// A word, something that is no memory perhaps, and a flag, in this order.
SHADER write_three
	s_mov_b32	s8, 0xbeef
	SCALAR_STORE	s8, 0, 4
	s_mov_b32	s8, 1
	SCALAR_STORE	s8, 2
	s_mov_b32	s8, 0xcafe
	SCALAR_STORE	s8, 0
	s_endpgm

.macro LINE_STORE number, base
	v_mov_b32	v4, 0x40 * \number
	v_mov_b32	v5, 10 + \number
	global_store_dword	v4, v5, \base
.endm

// Five cache lines, and then a flag that tells of them.
SHADER release
	LINE_STORE	1, s[0:1]
	LINE_STORE	2, s[0:1]
	LINE_STORE	3, s[0:1]
	LINE_STORE	4, s[0:1]
	LINE_STORE	5, s[0:1]
	WAIT_ALL
.if GFX == 9
	s_dcache_wb
.endif
	WRITE_BACK
	s_mov_b32	s8, 1
	SCALAR_STORE	s8, 0
	WAIT_ALL
	s_endpgm

.macro LINE_COPY number
	v_mov_b32	v4, 0x40 * \number
	global_load_dword	v[5 + \number], v4, s[0:1]
	WAIT_ALL
	global_store_dword	v4, v[5 + \number], s[2:3]
.endm

SHADER acquire
1:
	SCALAR_LOAD	s8, s[0:1]
	s_cmp_eq_i32	s8, 1
	s_cbranch_scc0	1b
	INVALIDATE
	LINE_COPY	1
	LINE_COPY	2
	LINE_COPY	3
	LINE_COPY	4
	SCALAR_LOAD	s9, s[0:1], 0x140
	SCALAR_STORE	s9, 2, 0x140
	WAIT_ALL
	s_endpgm

// Each workgroup has a word in the second buffer, and writes again and again what it has found
// there, with one more bit set, until the first buffer says that it is enough.
SHADER iterate
	WORKGROUP	v2
	v_lshlrev_b32	v2, 2, v2
	ADD_CARRY	v4, s2, v2
	v_mov_b32	v5, s3
	ADD_CARRIED	v5
	FLAT	load, v6, v[4:5]
	WAIT_ALL
	v_or_b32	v6, 0x8000, v6
	v_mov_b32	v7, 0
1:
	flat_store_dword	v[4:5], v6
	ADD_CARRY	v7, 1, v7
	SCALAR_LOAD	s8, s[0:1]
	s_cmp_eq_i32	s8, 0x12345678
	s_cbranch_scc0	1b
	s_endpgm

// Each workgroup has an address in the first buffer and a number of bytes in the second, and reads
// of each page there, until the first word says that it is enough; then it says so in its turn.
SHADER read_pages
	WORKGROUP	v2
	v_lshlrev_b32	v2, 2, v2
	ADD_CARRY	v4, s2, v2
	v_mov_b32	v5, s3
	ADD_CARRIED	v5
	v_lshlrev_b32	v2, 1, v2
	ADD_CARRY	v8, s0, v2
	v_mov_b32	v9, s1
	ADD_CARRIED	v9
	FLAT	load, v3, v[4:5]
	flat_load_dwordx2	v[6:7], v[8:9] offset:8
	WAIT_ALL
	s_movk_i32	s9, 0x5678
	v_mov_b32	v10, 0x1000
1:
	SCALAR_LOAD	s8, s[0:1]
	s_cmp_eq_i32	s8, s9
	s_cbranch_scc1	3f
	v_mov_b32	v11, 0
	v_mov_b32	v12, v6
	v_mov_b32	v13, v7
2:
	flat_load_dwordx2	v[14:15], v[12:13]
	ADD_CARRY	v11, v11, v10
	ADD_CARRY	v12, v12, v10
	ADD_CARRIED	v13
	COMPARE		v_cmp_lt_u32, v11, v3
	s_cbranch_vccnz	2b
	s_branch	1b
3:
	WAIT_ALL
	// the last number that was read
	flat_store_dword	v[4:5], v14
	WAIT_ALL
	s_endpgm

// How many may be behind the semaphore, and a number that they count up there.
SHADER gws_init
.if GFX < 12
	s_mov_b32	m0, 0
	SCALAR_LOAD	s8, s[0:1]
	v_mov_b32	v2, s8
	s_nop		0
	ds_gws_init	v2 gds
	s_waitcnt	0
.endif
	s_endpgm

SHADER gws_add
.if GFX < 12
	s_mov_b32	m0, 0
.if GFX >= 10
	s_mov_b32	exec_lo, 1
	ADDRESS		2, 0
	ds_gws_sema_p	gds
	s_waitcnt	0
	flat_load_dword	v4, v[2:3] glc dlc
	s_waitcnt	0
	v_add_nc_u32	v4, 1, v4
	flat_store_dword	v[2:3], v4
	s_waitcnt_vscnt	null, 0
.else
	s_nop		0
	ds_gws_sema_p	gds
	s_waitcnt	0
	SCALAR_LOAD	s8, s[0:1]
	s_add_u32	s8, s8, 1
	SCALAR_STORE	s8, 0
	s_waitcnt	lgkmcnt(0)
.endif
	ds_gws_sema_v	gds
	s_waitcnt	0
.endif
	s_endpgm

// Goes on when the handler of traps has changed a register, and stores what it has left there.
SHADER trapped
	v_mov_b32	v4, 0
	ADDRESS		2, 0
	s_trap		1
1:
	COMPARE		v_cmp_eq_u32, v4, 0
	s_cbranch_vccnz	1b
	flat_store_dword	v[2:3], v4
	WAIT_ALL
	s_endpgm

// Has the driver know, by an interrupt with the doorbell and 2 as the reason, and returns behind
// the instruction.  The kernel's handler has left the status in ttmp12, and of another register in
// ttmp11, by which it is known whether an instruction was to be executed twice.
SHADER trap_handler
.if GFX >= 12
	s_getreg_b32	ttmp14, hwreg(HW_REG_EXCP_FLAG_PRIV)
	s_and_b32	ttmp2, ttmp14, 0x10
.else
	s_getreg_b32	ttmp14, hwreg(HW_REG_TRAPSTS)
	s_and_b32	ttmp2, ttmp14, 0x800
.endif
	s_cbranch_scc1	2f
.if GFX >= 11
	s_sendmsg_rtn_b32	ttmp3, sendmsg(MSG_RTN_GET_DOORBELL)
	WAIT_SCALAR
	s_and_b32	ttmp3, ttmp3, 0x3ff
.else
	s_mov_b32	ttmp2, exec_lo
	s_mov_b32	ttmp3, exec_hi
	s_mov_b32	exec_lo, 0x80000000
	s_sendmsg	10
1:
	s_nop		7
	s_bitcmp0_b32	exec_lo, 31
	s_cbranch_scc0	1b
	s_mov_b32	exec_hi, ttmp3
	s_and_b32	ttmp3, exec_lo, 0xfff
	s_mov_b32	exec_lo, ttmp2
.endif
	s_mov_b32	ttmp2, m0
	s_or_b32	m0, ttmp3, 0x800
	s_nop		0
	s_sendmsg	sendmsg(MSG_INTERRUPT)
	WAIT_SCALAR
	s_mov_b32	m0, ttmp2
	v_mov_b32	v4, ttmp1
	s_add_u32	ttmp0, ttmp0, 4
	s_addc_u32	ttmp1, ttmp1, 0
	s_and_b32	ttmp1, ttmp1, 0xffff
2:
.if GFX < 12
	s_lshr_b32	ttmp2, ttmp11, 11
	s_and_b32	ttmp2, ttmp2, 0x1f8000
	s_setreg_b32	hwreg(HW_REG_IB_STS), ttmp2
	s_and_b64	exec, exec, exec
	s_and_b64	vcc, vcc, vcc
	s_setreg_b32	hwreg(HW_REG_STATUS), ttmp12
.else
	s_setreg_b32	hwreg(HW_REG_STATE_PRIV), ttmp12
.endif
	s_rfe_b64	[ttmp0, ttmp1]
