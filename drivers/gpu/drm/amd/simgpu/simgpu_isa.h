/* SPDX-License-Identifier: MIT */
/*
 * Instruction sets: what a word means in each family, and what the interpreter makes of it.
 *
 * Internal to the interpreter; simgpu_wave.h is what others see.
 */
#ifndef SIMGPU_ISA_H
#define SIMGPU_ISA_H

#include <linux/bitops.h>

#include "simgpu_wave.h"

/* Operations of all families, each once, by the name that the earliest family gives it. */
enum simgpu_operation {
	SIMGPU_OP_NONE,
#define OP(name, ...)	SIMGPU_OP_##name,
#include "simgpu_isa_ops.h"
#undef OP
	SIMGPU_OPS,
};

/**
 * enum simgpu_kind - how an operation is decoded and executed
 * @SIMGPU_KIND_NOP: nothing to do in a machine without caches and in order
 * @SIMGPU_KIND_SALU: scalar, SCC stays
 * @SIMGPU_KIND_SALUZ: scalar, SCC tells whether the result is not 0
 * @SIMGPU_KIND_SALU_SCC: scalar, with an SCC of its own
 * @SIMGPU_KIND_SCMP: scalar comparison into SCC
 * @SIMGPU_KIND_SAVEEXEC: EXEC goes to the destination, then it is combined with the source
 * @SIMGPU_KIND_WREXEC: EXEC is combined with the source, then it goes to the destination
 * @SIMGPU_KIND_SPECIAL: scalar, one by one
 * @SIMGPU_KIND_SLOAD: scalar load
 * @SIMGPU_KIND_SSTORE: scalar store
 * @SIMGPU_KIND_VALU: vector, each lane for itself
 * @SIMGPU_KIND_VCNDMASK: vector, one source or the other by a mask
 * @SIMGPU_KIND_VCARRY: vector, with a mask of carries
 * @SIMGPU_KIND_VCARRYIN: that, and one that comes in
 * @SIMGPU_KIND_VMAD64: vector multiplication and addition in 64 bits, with a mask of carries
 * @SIMGPU_KIND_VCMP: vector comparison into a mask
 * @SIMGPU_KIND_VCMPX: that, into EXEC
 * @SIMGPU_KIND_VLANE: vector, but lanes matter
 * @SIMGPU_KIND_VACC: moves between vector and accumulation registers
 * @SIMGPU_KIND_VLOAD: FLAT, GLOBAL or SCRATCH load
 * @SIMGPU_KIND_VSTORE: FLAT, GLOBAL or SCRATCH store
 * @SIMGPU_KIND_VATOMIC: FLAT or GLOBAL atomic
 * @SIMGPU_KIND_LLOAD: LDS load
 * @SIMGPU_KIND_LSTORE: LDS store
 * @SIMGPU_KIND_LLOAD2: LDS load from two places
 * @SIMGPU_KIND_LSTORE2: LDS store to two places
 * @SIMGPU_KIND_LATOMIC: LDS atomic
 * @SIMGPU_KIND_LATOMIC_RTN: LDS atomic that returns what was there
 * @SIMGPU_KIND_LSWIZZLE: DS_SWIZZLE, a pattern of lanes
 * @SIMGPU_KIND_LPERMUTE: DS_PERMUTE, lanes push
 * @SIMGPU_KIND_LBPERMUTE: DS_BPERMUTE, lanes pull
 * @SIMGPU_KIND_GWS: global wave sync
 */
enum simgpu_kind {
	SIMGPU_KIND_NOP,
	SIMGPU_KIND_SALU,
	SIMGPU_KIND_SALUZ,
	SIMGPU_KIND_SALU_SCC,
	SIMGPU_KIND_SCMP,
	SIMGPU_KIND_SAVEEXEC,
	SIMGPU_KIND_WREXEC,
	SIMGPU_KIND_SPECIAL,
	SIMGPU_KIND_SLOAD,
	SIMGPU_KIND_SSTORE,
	SIMGPU_KIND_VALU,
	SIMGPU_KIND_VCNDMASK,
	SIMGPU_KIND_VCARRY,
	SIMGPU_KIND_VCARRYIN,
	SIMGPU_KIND_VMAD64,
	SIMGPU_KIND_VCMP,
	SIMGPU_KIND_VCMPX,
	SIMGPU_KIND_VLANE,
	SIMGPU_KIND_VACC,
	SIMGPU_KIND_VLOAD,
	SIMGPU_KIND_VSTORE,
	SIMGPU_KIND_VATOMIC,
	SIMGPU_KIND_LLOAD,
	SIMGPU_KIND_LSTORE,
	SIMGPU_KIND_LLOAD2,
	SIMGPU_KIND_LSTORE2,
	SIMGPU_KIND_LATOMIC,
	SIMGPU_KIND_LATOMIC_RTN,
	SIMGPU_KIND_LSWIZZLE,
	SIMGPU_KIND_LPERMUTE,
	SIMGPU_KIND_LBPERMUTE,
	SIMGPU_KIND_GWS,
};

/* What is computed.  The same function serves scalar and vector operations of all widths. */
enum simgpu_function {
	SIMGPU_FN_NONE,
	/* simgpu_alu() */
	SIMGPU_FN_MOV, SIMGPU_FN_ADD, SIMGPU_FN_SUB, SIMGPU_FN_SUBREV, SIMGPU_FN_MUL,
	SIMGPU_FN_MUL_HI, SIMGPU_FN_MAD, SIMGPU_FN_MIN, SIMGPU_FN_MAX, SIMGPU_FN_AND,
	SIMGPU_FN_OR, SIMGPU_FN_XOR, SIMGPU_FN_NOT, SIMGPU_FN_NAND, SIMGPU_FN_NOR,
	SIMGPU_FN_XNOR, SIMGPU_FN_ANDN1, SIMGPU_FN_ANDN2, SIMGPU_FN_ORN1, SIMGPU_FN_ORN2,
	SIMGPU_FN_LSHL, SIMGPU_FN_LSHR, SIMGPU_FN_ASHR, SIMGPU_FN_LSHLREV, SIMGPU_FN_LSHRREV,
	SIMGPU_FN_ASHRREV, SIMGPU_FN_BFM, SIMGPU_FN_BFE, SIMGPU_FN_BFI, SIMGPU_FN_BREV,
	SIMGPU_FN_BCNT, SIMGPU_FN_BCNT_ADD, SIMGPU_FN_FF1, SIMGPU_FN_FFBH, SIMGPU_FN_FFBH_I,
	SIMGPU_FN_SEXT8, SIMGPU_FN_SEXT16, SIMGPU_FN_ALIGNBIT, SIMGPU_FN_ALIGNBYTE,
	SIMGPU_FN_PERM, SIMGPU_FN_MIN3, SIMGPU_FN_MAX3, SIMGPU_FN_MED3, SIMGPU_FN_MAXMIN,
	SIMGPU_FN_MINMAX, SIMGPU_FN_SAD, SIMGPU_FN_ADD3, SIMGPU_FN_LSHL_ADD,
	SIMGPU_FN_LSHL_ADD64, SIMGPU_FN_ADD_LSHL, SIMGPU_FN_LSHL_OR, SIMGPU_FN_AND_OR,
	SIMGPU_FN_OR3, SIMGPU_FN_XAD, SIMGPU_FN_XOR3, SIMGPU_FN_PK_I16, SIMGPU_FN_PK_U16,
	SIMGPU_FN_S_BFE, SIMGPU_FN_S_ABS, SIMGPU_FN_S_ABSDIFF, SIMGPU_FN_S_BCNT0,
	SIMGPU_FN_S_FF0, SIMGPU_FN_S_WQM, SIMGPU_FN_S_QUADMASK, SIMGPU_FN_S_BITREPLICATE,
	SIMGPU_FN_S_PACK_LL, SIMGPU_FN_S_PACK_LH, SIMGPU_FN_S_PACK_HL, SIMGPU_FN_S_PACK_HH,
	/* with SCC */
	SIMGPU_FN_S_ADD_U32, SIMGPU_FN_S_SUB_U32, SIMGPU_FN_S_ADD_I32, SIMGPU_FN_S_SUB_I32,
	SIMGPU_FN_S_ADDC, SIMGPU_FN_S_SUBB, SIMGPU_FN_S_MIN, SIMGPU_FN_S_MAX,
	SIMGPU_FN_S_CSELECT, SIMGPU_FN_S_CMOV, SIMGPU_FN_S_BITSET0, SIMGPU_FN_S_BITSET1,
	SIMGPU_FN_S_LSHL1_ADD, SIMGPU_FN_S_LSHL2_ADD, SIMGPU_FN_S_LSHL3_ADD,
	SIMGPU_FN_S_LSHL4_ADD,
	/* comparisons */
	SIMGPU_FN_F, SIMGPU_FN_LT, SIMGPU_FN_EQ, SIMGPU_FN_LE, SIMGPU_FN_GT, SIMGPU_FN_NE,
	SIMGPU_FN_GE, SIMGPU_FN_T, SIMGPU_FN_BIT0, SIMGPU_FN_BIT1,
	/* lanes, accumulation registers */
	SIMGPU_FN_READ, SIMGPU_FN_WRITE, SIMGPU_FN_READFIRST, SIMGPU_FN_SWAP, SIMGPU_FN_MBCNT_LO,
	SIMGPU_FN_MBCNT_HI, SIMGPU_FN_MOVE,
	/* SIMGPU_KIND_SPECIAL */
	SIMGPU_FN_ENDPGM, SIMGPU_FN_BRANCH, SIMGPU_FN_BRANCH_SCC0, SIMGPU_FN_BRANCH_SCC1,
	SIMGPU_FN_BRANCH_VCCZ, SIMGPU_FN_BRANCH_VCCNZ, SIMGPU_FN_BRANCH_EXECZ,
	SIMGPU_FN_BRANCH_EXECNZ, SIMGPU_FN_CALL, SIMGPU_FN_GETPC, SIMGPU_FN_SETPC,
	SIMGPU_FN_SWAPPC, SIMGPU_FN_RFE, SIMGPU_FN_GETREG, SIMGPU_FN_SETREG,
	SIMGPU_FN_SETREG_IMM, SIMGPU_FN_ROUND_MODE, SIMGPU_FN_DENORM_MODE, SIMGPU_FN_BARRIER,
	SIMGPU_FN_BARRIER_SIGNAL, SIMGPU_FN_BARRIER_SIGNAL_ISFIRST, SIMGPU_FN_BARRIER_WAIT,
	SIMGPU_FN_SETHALT, SIMGPU_FN_SLEEP, SIMGPU_FN_SLEEP_VAR,
	SIMGPU_FN_SENDMSG, SIMGPU_FN_SENDMSGHALT, SIMGPU_FN_SENDMSG_RTN, SIMGPU_FN_TRAP,
	SIMGPU_FN_MEMTIME,
	/* loads and stores */
	SIMGPU_FN_LOAD, SIMGPU_FN_LOAD_SIGNED, SIMGPU_FN_LOAD_D16, SIMGPU_FN_LOAD_D16_SIGNED,
	SIMGPU_FN_LOAD_D16_HI, SIMGPU_FN_LOAD_D16_HI_SIGNED, SIMGPU_FN_STORE,
	SIMGPU_FN_STORE_HI, SIMGPU_FN_PAIR, SIMGPU_FN_PAIR_ST64,
};

/* Functions of atomics and of GWS are the numbers of simgpu_wave.h. */
#define SIMGPU_FN_ATOMIC_SWAP		SIMGPU_ATOMIC_SWAP
#define SIMGPU_FN_ATOMIC_CMPSWAP	SIMGPU_ATOMIC_CMPSWAP
#define SIMGPU_FN_ATOMIC_ADD		SIMGPU_ATOMIC_ADD
#define SIMGPU_FN_ATOMIC_SUB		SIMGPU_ATOMIC_SUB
#define SIMGPU_FN_ATOMIC_RSUB		SIMGPU_ATOMIC_RSUB
#define SIMGPU_FN_ATOMIC_SMIN		SIMGPU_ATOMIC_SMIN
#define SIMGPU_FN_ATOMIC_UMIN		SIMGPU_ATOMIC_UMIN
#define SIMGPU_FN_ATOMIC_SMAX		SIMGPU_ATOMIC_SMAX
#define SIMGPU_FN_ATOMIC_UMAX		SIMGPU_ATOMIC_UMAX
#define SIMGPU_FN_ATOMIC_AND		SIMGPU_ATOMIC_AND
#define SIMGPU_FN_ATOMIC_OR		SIMGPU_ATOMIC_OR
#define SIMGPU_FN_ATOMIC_XOR		SIMGPU_ATOMIC_XOR
#define SIMGPU_FN_ATOMIC_INC		SIMGPU_ATOMIC_INC
#define SIMGPU_FN_ATOMIC_DEC		SIMGPU_ATOMIC_DEC
#define SIMGPU_FN_ATOMIC_SUB_CLAMP	SIMGPU_ATOMIC_SUB_CLAMP
#define SIMGPU_FN_ATOMIC_MSKOR		SIMGPU_ATOMIC_MSKOR
#define SIMGPU_FN_GWS_INIT		SIMGPU_GWS_INIT
#define SIMGPU_FN_GWS_BARRIER		SIMGPU_GWS_BARRIER
#define SIMGPU_FN_GWS_SEMA_V		SIMGPU_GWS_SEMA_V
#define SIMGPU_FN_GWS_SEMA_BR		SIMGPU_GWS_SEMA_BR
#define SIMGPU_FN_GWS_SEMA_P		SIMGPU_GWS_SEMA_P
#define SIMGPU_FN_GWS_SEMA_RELEASE_ALL	SIMGPU_GWS_SEMA_RELEASE_ALL

/* Types of operands: bits, and whether they are extended by the sign.  Below 8: other things. */
#define SIMGPU_T_NONE		0
#define SIMGPU_T_0		SIMGPU_T_NONE
#define SIMGPU_T_K16		1	/* the immediate, extended by its sign */
#define SIMGPU_T_KU16		2	/* the immediate */
#define SIMGPU_T_DST		3	/* the 32 bits of the destination */
#define SIMGPU_T_KSRC		4	/* the number in the place of a source */
#define SIMGPU_T_BARRIER	5	/* a barrier, -1: that of the workgroup */
#define SIMGPU_T_CMP_FIRST	6	/* of LDS atomics: the first data is compared */
#define SIMGPU_T_SIGNED		0x80
#define SIMGPU_T_BITS		0x7f
#define SIMGPU_T_U16		16
#define SIMGPU_T_U24		24
#define SIMGPU_T_U32		32
#define SIMGPU_T_U64		64
#define SIMGPU_T_S16		(16 | SIMGPU_T_SIGNED)
#define SIMGPU_T_S24		(24 | SIMGPU_T_SIGNED)
#define SIMGPU_T_S32		(32 | SIMGPU_T_SIGNED)
#define SIMGPU_T_S64		(64 | SIMGPU_T_SIGNED)
/* In the place of a destination's type: the bytes of an access to memory. */
#define SIMGPU_T_B1		1
#define SIMGPU_T_B2		2
#define SIMGPU_T_B4		4
#define SIMGPU_T_B8		8
#define SIMGPU_T_B12		12
#define SIMGPU_T_B16		16
#define SIMGPU_T_B32		32
#define SIMGPU_T_B64		64

/**
 * struct simgpu_operation_info - what an operation is
 * @name: its name in the earliest family that has it
 * @later: its name from a later generation on
 * @later.name: that name, NULL: the same
 * @later.since: generation, 10 to 12
 * @kind: enum simgpu_kind
 * @function: enum simgpu_function, an enum simgpu_atomic or an enum simgpu_wave_gws
 * @dst: type of the destination; of memory operations the bytes of an element
 * @src: types of the sources
 */
struct simgpu_operation_info {
	const char *name;
	struct {
		const char *name;
		u8 since;
	} later;
	u8 kind;
	u8 function;
	u8 dst;
	u8 src[3];
};

extern const struct simgpu_operation_info simgpu_operations[SIMGPU_OPS];

enum simgpu_format {
	SIMGPU_SOP2,
	SIMGPU_SOPK,
	SIMGPU_SOP1,
	SIMGPU_SOPC,
	SIMGPU_SOPP,
	SIMGPU_SMEM,
	SIMGPU_VOP2,
	SIMGPU_VOP1,
	SIMGPU_VOPC,
	SIMGPU_VOP3,
	SIMGPU_VOP3P,
	SIMGPU_FLAT,
	SIMGPU_DS,
	SIMGPU_MUBUF,
	SIMGPU_FORMATS,
};

enum simgpu_segment {
	SIMGPU_SEGMENT_FLAT,
	SIMGPU_SEGMENT_SCRATCH,
	SIMGPU_SEGMENT_GLOBAL,
};

/* Codes of scalar operands, after a family's decoder has brought them to those of GFX 10. */
#define SIMGPU_CODE_NULL	125
#define SIMGPU_CODE_EXEC_HI	127
#define SIMGPU_CODE_VCCZ	251
#define SIMGPU_CODE_EXECZ	252
#define SIMGPU_CODE_SCC		253
#define SIMGPU_CODE_LITERAL	255
#define SIMGPU_CODE_VGPR	256
#define SIMGPU_CODE_OFF		0xffff

/**
 * struct simgpu_instruction - an instruction, decoded
 * @info: what it is; NULL if that is not known
 * @operation: the same as a number
 * @format: its encoding
 * @segment: of FLAT instructions
 * @opcode: number in its encoding
 * @dwords: its length
 * @dst: destination register, scalar or vector; of a VOP3 comparison the mask
 * @sdst: the mask of carries
 * @src: sources, as codes
 * @literal: the literal constant
 * @imm: immediate of SOPP and SOPK, extended by its sign
 * @offset: offset of an access to memory
 * @offsets: the two offsets of an LDS access to two places
 * @address: vector register of the address, or SIMGPU_CODE_OFF
 * @saddr: scalar code of the address or offset, or SIMGPU_CODE_OFF
 * @data: vector registers with what is stored
 * @acc: destination and data are accumulation registers
 * @returns: an atomic returns what was there
 * @has_literal: there is a literal constant
 * @why: what is wrong with it, for an instruction that is not executed
 */
struct simgpu_instruction {
	const struct simgpu_operation_info *info;
	u16 operation;
	u8 format;
	u8 segment;
	u16 opcode;
	u8 dwords;
	u8 dst;
	u8 sdst;
	u16 src[3];
	u32 literal;
	s32 imm;
	s32 offset;
	u8 offsets[2];
	u16 address;
	u16 saddr;
	u8 data[2];
	bool acc;
	bool returns;
	bool has_literal;
	const char *why;
};

/* Bits of a row of an opcode table beside the operation: the models of GFX 9 that have it. */
#define SIMGPU_ROW_OPERATION	0x0fff
#define SIMGPU_ROW_SINCE	0xf000
#define SIMGPU_ROW_906		0x1000
#define SIMGPU_ROW_908		0x2000
#define SIMGPU_ROW_90A		0x4000
#define SIMGPU_ROW_942		0x8000

/**
 * struct simgpu_isa - an instruction set
 * @name: as LLVM calls the processor
 * @generation: 9 to 12
 * @models: SIMGPU_ROW_906 and so on: extensions that it has
 * @wave32: it has waves of 32 lanes
 * @tables: for each format a table of opcodes
 * @tables.rows: for each opcode the operation and SIMGPU_ROW_SINCE, 0 for none
 * @tables.count: how many
 * @vop1_in_vop3: opcode at which those of VOP1 begin when they are encoded as VOP3
 * @decode_memory: take apart an instruction that is none of SOP and VOP: format, opcode, fields;
 *	returns 0, or how many words it needs when it got less, or -EINVAL
 */
struct simgpu_isa {
	const char *name;
	u8 generation;
	u16 models;
	bool wave32;
	struct {
		const u16 *rows;
		u16 count;
	} tables[SIMGPU_FORMATS];
	u16 vop1_in_vop3;
	int (*decode_memory)(const struct simgpu_isa *isa, const u32 *words, unsigned int count,
			     struct simgpu_instruction *inst);
};

extern const struct simgpu_isa simgpu_isa_gfx900, simgpu_isa_gfx906, simgpu_isa_gfx908;
extern const struct simgpu_isa simgpu_isa_gfx90a, simgpu_isa_gfx942;
extern const struct simgpu_isa simgpu_isa_gfx1030, simgpu_isa_gfx1100, simgpu_isa_gfx1200;

/* simgpu_isa.c */
int simgpu_isa_decode(const struct simgpu_wave *wave, const u32 *words, unsigned int count,
		      struct simgpu_instruction *inst);
void simgpu_isa_name(const struct simgpu_isa *isa, const struct simgpu_instruction *inst,
		     char *name, size_t size);
bool simgpu_isa_scalar_destination(const struct simgpu_wave *wave, unsigned int code,
				   unsigned int dwords);
int simgpu_isa_bad(struct simgpu_instruction *inst, const char *why);

/* simgpu_alu.c */
u64 simgpu_alu(enum simgpu_function function, unsigned int type, u64 a, u64 b, u64 c);
bool simgpu_alu_count(enum simgpu_function function, unsigned int type, u64 a, u64 b, u64 *out);
bool simgpu_alu_compare(enum simgpu_function function, bool is_signed, u64 a, u64 b);
u64 simgpu_extend(unsigned int type, u64 value);

/* simgpu_wave.c */
u64 simgpu_wave_mask(const struct simgpu_wave *wave);
u64 simgpu_wave_exec(const struct simgpu_wave *wave);
u64 simgpu_wave_read_scalar(const struct simgpu_wave *wave, const struct simgpu_instruction *inst,
			    unsigned int code, unsigned int type);
void simgpu_wave_write_scalar(struct simgpu_wave *wave, unsigned int code, unsigned int dwords,
			      u64 value);
void simgpu_wave_write_mask(struct simgpu_wave *wave, unsigned int code, u64 mask);

/* simgpu_vector.c */
void simgpu_vector_execute(struct simgpu_wave *wave, const struct simgpu_instruction *inst);

/* simgpu_access.c */
int simgpu_access_execute(struct simgpu_wave *wave, const struct simgpu_instruction *inst,
			  struct simgpu_wave_event *event);

/* The lowest lane of a mask, which loses it; false when none is left. */
static inline bool simgpu_next_lane(u64 *rest, unsigned int *lane)
{
	if (!*rest)
		return false;
	*lane = __ffs64(*rest);
	*rest &= *rest - 1;
	return true;
}

static inline bool simgpu_isa_has(const struct simgpu_isa *isa, u16 model)
{
	return isa->models & model;
}

#endif
