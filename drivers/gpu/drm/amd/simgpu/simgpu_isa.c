// SPDX-License-Identifier: MIT
/*
 * Decoding of instructions: what all families share.
 *
 * Facts: AMD's instruction set documents of "Vega", MI300, RDNA 2, 3 and 4.  The selftest in
 * tools/testing/selftests/kfd_criu/isa compares decoded operations with LLVM's.
 *
 * Whatever an instruction asks for beyond what the interpreter does makes it illegal, here and
 * before anything of it is done: modifiers, SDWA, DPP, registers that the wave does not have.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "simgpu_isa.h"

#define SIMGPU_LATER_SAME		{ NULL, 0 }
#define SIMGPU_LATER_SINCE(n, text)	{ text, n }

const struct simgpu_operation_info simgpu_operations[SIMGPU_OPS] = {
#define OP(name, later, kind, function, dst, a, b, c)					\
	[SIMGPU_OP_##name] = {								\
		#name, SIMGPU_LATER_##later, SIMGPU_KIND_##kind, SIMGPU_FN_##function,	\
		SIMGPU_T_##dst, { SIMGPU_T_##a, SIMGPU_T_##b, SIMGPU_T_##c },		\
	},
#include "simgpu_isa_ops.h"
#undef OP
};

static const char *const format_names[SIMGPU_FORMATS] = {
	[SIMGPU_SOP2] = "SOP2", [SIMGPU_SOPK] = "SOPK", [SIMGPU_SOP1] = "SOP1",
	[SIMGPU_SOPC] = "SOPC", [SIMGPU_SOPP] = "SOPP", [SIMGPU_SMEM] = "SMEM",
	[SIMGPU_VOP2] = "VOP2", [SIMGPU_VOP1] = "VOP1", [SIMGPU_VOPC] = "VOPC",
	[SIMGPU_VOP3] = "VOP3", [SIMGPU_VOP3P] = "VOP3P", [SIMGPU_FLAT] = "FLAT",
	[SIMGPU_DS] = "DS", [SIMGPU_MUBUF] = "MUBUF",
};

static const char *const segment_names[] = {
	[SIMGPU_SEGMENT_FLAT] = "flat", [SIMGPU_SEGMENT_SCRATCH] = "scratch",
	[SIMGPU_SEGMENT_GLOBAL] = "global",
};

/* Packed with LLVM's and the header's numbers: major, minor, stepping of the GC block. */
static const struct {
	u32 version;
	const struct simgpu_isa *isa;
} versions[] = {
	/* 9.0 is told by two numbers, steppings do not matter. */
	{ 0x090000, &simgpu_isa_gfx900 },
	{ 0x090400, &simgpu_isa_gfx906 },
	{ 0x090401, &simgpu_isa_gfx908 },
	{ 0x090402, &simgpu_isa_gfx90a },
	{ 0x090403, &simgpu_isa_gfx942 },
	{ 0x0a0300, &simgpu_isa_gfx1030 },
	{ 0x0b0000, &simgpu_isa_gfx1100 },
	{ 0x0c0000, &simgpu_isa_gfx1200 },
};

/**
 * simgpu_isa_find - the instruction set of a generation
 * @gc_version: IP version of the graphics and compute block, as IP_VERSION() makes it
 *
 * Of 9.4, each revision is an instruction set of its own (906, 908, 90a, 942); of the others, all
 * revisions of a major and minor number have one as far as the interpreter knows it.
 *
 * Context: any.
 * Return: instruction set, or NULL.
 */
const struct simgpu_isa *simgpu_isa_find(u32 gc_version)
{
	u32 version = gc_version >> 8;
	unsigned int i;

	if (version >> 8 != 0x0904)
		version &= ~0xffu;
	for (i = 0; i < ARRAY_SIZE(versions); i++)
		if (versions[i].version == version)
			return versions[i].isa;
	return NULL;
}

/**
 * simgpu_isa_has_lanes - does the hardware have waves of this size?
 * @isa: instruction set
 * @lanes: size
 *
 * Context: any.
 * Return: true for 64, and for 32 from GFX 10 on.
 */
bool simgpu_isa_has_lanes(const struct simgpu_isa *isa, unsigned int lanes)
{
	return lanes == 64 || (lanes == 32 && isa->wave32);
}

/**
 * simgpu_isa_unified - are accumulation registers in one file with vector registers?
 * @isa: instruction set
 *
 * Context: any.
 * Return: true on MI200 and MI300; false where they have a file of their own, or are not there.
 */
bool simgpu_isa_unified(const struct simgpu_isa *isa)
{
	return simgpu_isa_has(isa, SIMGPU_ROW_90A);
}

/**
 * simgpu_isa_bad - refuse an instruction
 * @inst: instruction
 * @why: what is wrong with it
 *
 * Context: any.
 * Return: -EINVAL.
 */
int simgpu_isa_bad(struct simgpu_instruction *inst, const char *why)
{
	inst->why = why;
	return -EINVAL;
}

/**
 * simgpu_isa_name - what an instruction is called
 * @isa: instruction set
 * @inst: instruction that simgpu_isa_decode() has accepted or refused
 * @name: where to
 * @size: bytes of @name
 *
 * Its name is LLVM's, without what LLVM adds for the encoding.  One that is not known has the
 * encoding and the opcode in that place.
 *
 * Context: any.
 */
void simgpu_isa_name(const struct simgpu_isa *isa, const struct simgpu_instruction *inst,
		     char *name, size_t size)
{
	const struct simgpu_operation_info *info = inst->info;
	const char *text;

	if (!info) {
		if (inst->format >= SIMGPU_FORMATS)
			snprintf(name, size, "%s", inst->why ? inst->why : "unknown encoding");
		else
			snprintf(name, size, "%s opcode 0x%x%s%s", format_names[inst->format],
				 inst->opcode, inst->why ? ": " : "", inst->why ? inst->why : "");
		return;
	}
	text = info->later.name && isa->generation >= info->later.since ? info->later.name :
									  info->name;
	/* The one opcode that means something else on a later model, though nothing else here. */
	if (inst->operation == SIMGPU_OP_buffer_invl2 && simgpu_isa_has(isa, SIMGPU_ROW_942))
		text = "buffer_inv";
	snprintf(name, size, "%s%s%s%s%s",
		 inst->format == SIMGPU_FLAT ? segment_names[inst->segment] : "",
		 inst->format == SIMGPU_FLAT ? "_" : "", text,
		 inst->why ? ": " : "", inst->why ? inst->why : "");
}

static int look_up(const struct simgpu_isa *isa, struct simgpu_instruction *inst)
{
	u16 row, operation;

	if (inst->opcode >= isa->tables[inst->format].count)
		return -EINVAL;
	row = isa->tables[inst->format].rows[inst->opcode];
	operation = row & SIMGPU_ROW_OPERATION;
	if (!operation || (row & SIMGPU_ROW_SINCE & ~isa->models))
		return -EINVAL;
	inst->operation = operation;
	inst->info = &simgpu_operations[operation];
	return 0;
}

/* M0 and the null register have changed places with GFX 11. */
static unsigned int scalar_code(const struct simgpu_isa *isa, unsigned int code)
{
	if (isa->generation < 11)
		return code;
	if (code == SIMGPU_S_M0)
		return SIMGPU_CODE_NULL;
	return code == SIMGPU_CODE_NULL ? SIMGPU_S_M0 : code;
}

static unsigned int type_dwords(unsigned int type)
{
	return (type & SIMGPU_T_BITS) > 32 ? 2 : 1;
}

/* Registers that are there: SGPRs and what follows them, without what is written alone. */
static bool scalar_registers(unsigned int code, unsigned int dwords)
{
	unsigned int last = code + dwords - 1;

	if (dwords > 1 && code & (dwords > 2 ? 3 : 1))
		return false;
	if (code < SIMGPU_S_VCC)
		return last < SIMGPU_S_VCC;
	if (code < SIMGPU_S_TTMP)
		return last < SIMGPU_S_TTMP;
	if (code < SIMGPU_S_M0)
		return last < SIMGPU_S_M0;
	if (code == SIMGPU_S_M0)
		return dwords == 1;
	return code >= SIMGPU_S_EXEC && last <= SIMGPU_CODE_EXEC_HI;
}

/**
 * simgpu_isa_scalar_destination - may a wave write these scalar registers?
 * @wave: wave
 * @code: the first one
 * @dwords: how many
 *
 * Trap temporaries are written in a trap handler alone.
 *
 * Context: any.
 * Return: true if it may.
 */
bool simgpu_isa_scalar_destination(const struct simgpu_wave *wave, unsigned int code,
				   unsigned int dwords)
{
	if (code == SIMGPU_CODE_NULL)
		return wave->isa->generation >= 10;
	if (code >= SIMGPU_S_TTMP && code < SIMGPU_S_M0 && !(wave->status & SIMGPU_STATUS_PRIV))
		return false;
	return code <= SIMGPU_CODE_EXEC_HI && scalar_registers(code, dwords);
}

static bool scalar_source(const struct simgpu_wave *wave, unsigned int code, unsigned int type)
{
	unsigned int generation = wave->isa->generation;
	unsigned int bits = type & SIMGPU_T_BITS;

	if (code == SIMGPU_CODE_NULL)
		return generation >= 10;
	if (code <= SIMGPU_CODE_EXEC_HI)
		return scalar_registers(code, type_dwords(type));
	if (code <= 208)
		return true;
	switch (code) {
	case 235:	/* SHARED_BASE and PRIVATE_BASE have nothing in their lower halves */
	case 237:
		return bits == 64;
	case 240 ... 248:
		return bits != 16;
	case SIMGPU_CODE_VCCZ:
	case SIMGPU_CODE_EXECZ:
		return generation <= 10;
	case SIMGPU_CODE_SCC:
	case SIMGPU_CODE_LITERAL:
		return true;
	default:
		return false;
	}
}

static bool vector_registers(const struct simgpu_wave *wave, unsigned int first,
			     unsigned int dwords, bool acc)
{
	/* MI200 and MI300 want even numbers for 64 bits and more. */
	if (dwords > 1 && first & 1 && simgpu_isa_has(wave->isa, SIMGPU_ROW_90A))
		return false;
	return first + dwords <= (acc ? wave->agprs : wave->vgprs);
}

/* A source of a vector instruction. */
static bool source(const struct simgpu_wave *wave, unsigned int code, unsigned int type)
{
	if (code < SIMGPU_CODE_VGPR)
		return scalar_source(wave, code, type);
	return vector_registers(wave, code - SIMGPU_CODE_VGPR, type_dwords(type), false);
}

/* A mask of lanes. */
static bool mask_register(const struct simgpu_wave *wave, unsigned int code, bool written)
{
	unsigned int dwords = wave->lanes / 32;

	if (written)
		return simgpu_isa_scalar_destination(wave, code, dwords);
	return code <= SIMGPU_CODE_EXEC_HI && code != SIMGPU_CODE_NULL &&
	       scalar_registers(code, dwords);
}

/* All sources are there; a literal follows the instruction. */
static int take_literal(const u32 *words, unsigned int count, struct simgpu_instruction *inst)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(inst->src); i++)
		inst->has_literal |= inst->src[i] == SIMGPU_CODE_LITERAL;
	if (!inst->has_literal)
		return 0;
	if (count <= inst->dwords) {
		inst->dwords++;
		return inst->dwords;
	}
	inst->literal = words[inst->dwords++];
	return 0;
}

static int decode_sopk(const struct simgpu_wave *wave, const u32 *words, unsigned int count,
		       struct simgpu_instruction *inst)
{
	const struct simgpu_operation_info *info = inst->info;
	unsigned int code = scalar_code(wave->isa, words[0] >> 16 & 0x7f);

	inst->imm = (s16)words[0];
	inst->dst = code;
	inst->src[0] = code;
	if (info->function == SIMGPU_FN_SETREG_IMM && info->kind == SIMGPU_KIND_SPECIAL) {
		inst->dwords = 2;
		if (count < 2)
			return 2;
		inst->literal = words[1];
		return 0;
	}
	if (info->dst != SIMGPU_T_NONE &&
	    !simgpu_isa_scalar_destination(wave, code, type_dwords(info->dst)))
		return simgpu_isa_bad(inst, "scalar destination");
	if ((info->src[0] == SIMGPU_T_DST || info->kind == SIMGPU_KIND_SCMP) &&
	    !scalar_source(wave, code, SIMGPU_T_U32))
		return simgpu_isa_bad(inst, "scalar source");
	return 0;
}

static int decode_sop(const struct simgpu_wave *wave, const u32 *words, unsigned int count,
		      struct simgpu_instruction *inst)
{
	const struct simgpu_operation_info *info;
	unsigned int op = words[0] >> 23 & 0x7f;
	unsigned int i, type;

	inst->dwords = 1;
	switch (op) {
	case 0x7f:
		inst->format = SIMGPU_SOPP;
		inst->opcode = words[0] >> 16 & 0x7f;
		break;
	case 0x7e:
		inst->format = SIMGPU_SOPC;
		inst->opcode = words[0] >> 16 & 0x7f;
		break;
	case 0x7d:
		inst->format = SIMGPU_SOP1;
		inst->opcode = words[0] >> 8 & 0xff;
		break;
	case 0x60 ... 0x7c:
		inst->format = SIMGPU_SOPK;
		inst->opcode = op & 0x1f;
		break;
	default:
		inst->format = SIMGPU_SOP2;
		inst->opcode = op;
		break;
	}
	if (look_up(wave->isa, inst))
		return -EINVAL;
	info = inst->info;
	if (inst->format == SIMGPU_SOPK)
		return decode_sopk(wave, words, count, inst);
	if (inst->format == SIMGPU_SOPP) {
		inst->imm = (s16)words[0];
		return 0;
	}

	inst->dst = scalar_code(wave->isa, words[0] >> 16 & 0x7f);
	if (info->dst != SIMGPU_T_NONE &&
	    !simgpu_isa_scalar_destination(wave, inst->dst, type_dwords(info->dst)))
		return simgpu_isa_bad(inst, "scalar destination");
	inst->src[0] = scalar_code(wave->isa, words[0] & 0xff);
	if (inst->format != SIMGPU_SOP1)
		inst->src[1] = scalar_code(wave->isa, words[0] >> 8 & 0xff);
	for (i = 0; i < 2; i++) {
		type = info->src[i];
		if (type == SIMGPU_T_NONE) {
			inst->src[i] = 0;
			continue;
		}
		if (type == SIMGPU_T_KSRC) {
			inst->imm = words[0] & 0xff;
			inst->src[i] = 0;
			continue;
		}
		if (type == SIMGPU_T_BARRIER) {
			/* -1 is the workgroup's; -2 the trap handler's, others have names. */
			if (inst->src[i] != 193)
				return simgpu_isa_bad(inst, "barrier");
			continue;
		}
		if (!scalar_source(wave, inst->src[i], type))
			return simgpu_isa_bad(inst, "scalar source");
		/* Where to go is in registers. */
		if (info->kind == SIMGPU_KIND_SPECIAL && type_dwords(type) == 2 &&
		    (inst->src[i] > SIMGPU_CODE_EXEC_HI || inst->src[i] == SIMGPU_CODE_NULL))
			return simgpu_isa_bad(inst, "scalar source");
	}
	return take_literal(words, count, inst);
}

/* The operands of a vector instruction are in @inst; are they there, and do they fit? */
static int check_vector(const struct simgpu_wave *wave, struct simgpu_instruction *inst)
{
	const struct simgpu_operation_info *info = inst->info;
	bool half = wave->isa->generation >= 11 && inst->format != SIMGPU_VOP3;
	unsigned int i, bits;

	for (i = 0; i < ARRAY_SIZE(inst->src); i++) {
		if (info->src[i] == SIMGPU_T_NONE)
			continue;
		if (info->kind == SIMGPU_KIND_VACC && info->function != SIMGPU_FN_WRITE) {
			if (inst->src[i] < SIMGPU_CODE_VGPR ||
			    !vector_registers(wave, inst->src[i] - SIMGPU_CODE_VGPR, 1, true))
				return simgpu_isa_bad(inst, "source");
			continue;
		}
		if (!source(wave, inst->src[i], info->src[i]))
			return simgpu_isa_bad(inst, "source");
		/* Accumulation registers are written from vector registers and inline constants. */
		if (info->kind == SIMGPU_KIND_VACC && (inst->src[i] <= SIMGPU_CODE_EXEC_HI ||
						       (inst->src[i] > 248 &&
							inst->src[i] < SIMGPU_CODE_VGPR)))
			return simgpu_isa_bad(inst, "source");
		/* Register 128 and so on is the upper half of register 0 there. */
		bits = info->src[i] & SIMGPU_T_BITS;
		if (half && bits == 16 && inst->src[i] >= SIMGPU_CODE_VGPR + 128)
			return simgpu_isa_bad(inst, "upper half of a register");
	}
	switch (info->kind) {
	case SIMGPU_KIND_NOP:
		return 0;
	case SIMGPU_KIND_VCMP:
		if (!mask_register(wave, inst->dst, true))
			return simgpu_isa_bad(inst, "mask");
		return 0;
	case SIMGPU_KIND_VCMPX:
		/* The mask goes to EXEC, and on GFX 9 to another place, too. */
		if (wave->isa->generation >= 10) {
			if (inst->dst != SIMGPU_S_EXEC)
				return simgpu_isa_bad(inst, "mask");
		} else if (!mask_register(wave, inst->dst, true)) {
			return simgpu_isa_bad(inst, "mask");
		}
		return 0;
	case SIMGPU_KIND_VCARRYIN:
	case SIMGPU_KIND_VCNDMASK:
		if (!mask_register(wave, inst->src[2], false))
			return simgpu_isa_bad(inst, "mask");
		break;
	case SIMGPU_KIND_VLANE:
		if (info->function == SIMGPU_FN_READ || info->function == SIMGPU_FN_READFIRST) {
			if (inst->src[0] < SIMGPU_CODE_VGPR)
				return simgpu_isa_bad(inst, "source");
			if (!simgpu_isa_scalar_destination(wave, inst->dst, 1))
				return simgpu_isa_bad(inst, "scalar destination");
		}
		if (info->function == SIMGPU_FN_SWAP && inst->src[0] < SIMGPU_CODE_VGPR)
			return simgpu_isa_bad(inst, "source");
		if ((info->function == SIMGPU_FN_READ || info->function == SIMGPU_FN_WRITE) &&
		    inst->src[1] >= SIMGPU_CODE_VGPR)
			return simgpu_isa_bad(inst, "lane");
		if (info->function == SIMGPU_FN_WRITE && inst->src[0] >= SIMGPU_CODE_VGPR)
			return simgpu_isa_bad(inst, "source");
		if (info->function == SIMGPU_FN_READ || info->function == SIMGPU_FN_READFIRST)
			return 0;
		break;
	case SIMGPU_KIND_VACC:
		if (!vector_registers(wave, inst->dst, 1, info->function != SIMGPU_FN_READ))
			return simgpu_isa_bad(inst, "destination");
		return 0;
	default:
		break;
	}
	if ((info->kind == SIMGPU_KIND_VCARRY || info->kind == SIMGPU_KIND_VCARRYIN ||
	     info->kind == SIMGPU_KIND_VMAD64) && !mask_register(wave, inst->sdst, true))
		return simgpu_isa_bad(inst, "mask");
	if (!vector_registers(wave, inst->dst, type_dwords(info->dst), false))
		return simgpu_isa_bad(inst, "destination");
	if (half && (info->dst & SIMGPU_T_BITS) == 16 && inst->dst >= 128)
		return simgpu_isa_bad(inst, "upper half of a register");
	return 0;
}

static int decode_vop(const struct simgpu_wave *wave, const u32 *words, unsigned int count,
		      struct simgpu_instruction *inst)
{
	unsigned int op = words[0] >> 25;
	unsigned int src0 = words[0] & 0x1ff;
	int ret;

	inst->dwords = 1;
	switch (op) {
	case 0x3f:
		inst->format = SIMGPU_VOP1;
		inst->opcode = words[0] >> 9 & 0xff;
		break;
	case 0x3e:
		inst->format = SIMGPU_VOPC;
		inst->opcode = words[0] >> 17 & 0xff;
		break;
	default:
		inst->format = SIMGPU_VOP2;
		inst->opcode = op;
		break;
	}
	if (look_up(wave->isa, inst))
		return -EINVAL;
	if (inst->info->kind == SIMGPU_KIND_NOP)
		return 0;
	inst->src[0] = src0 < SIMGPU_CODE_VGPR ? scalar_code(wave->isa, src0) : src0;
	inst->dst = words[0] >> 17 & 0xff;
	inst->sdst = SIMGPU_S_VCC;
	if (inst->format != SIMGPU_VOP1)
		inst->src[1] = SIMGPU_CODE_VGPR + (words[0] >> 9 & 0xff);
	if (inst->format == SIMGPU_VOPC) {
		inst->dst = SIMGPU_S_VCC;
		if (inst->info->kind == SIMGPU_KIND_VCMPX && wave->isa->generation >= 10)
			inst->dst = SIMGPU_S_EXEC;
	}
	if (inst->info->kind == SIMGPU_KIND_VCARRYIN || inst->info->kind == SIMGPU_KIND_VCNDMASK)
		inst->src[2] = SIMGPU_S_VCC;
	if (inst->info->function == SIMGPU_FN_READFIRST && inst->info->kind == SIMGPU_KIND_VLANE)
		inst->dst = inst->dst < 128 ? scalar_code(wave->isa, inst->dst) : inst->dst;
	ret = check_vector(wave, inst);
	return ret ? ret : take_literal(words, count, inst);
}

/* The bits of a VOP3 instruction that change operands or results. */
static bool modified(const struct simgpu_instruction *inst, const u32 *words)
{
	u32 bits = 0xff00;

	switch (inst->info->kind) {
	case SIMGPU_KIND_VCARRY:
	case SIMGPU_KIND_VCARRYIN:
	case SIMGPU_KIND_VMAD64:
		bits = 0x8000;
		break;
	case SIMGPU_KIND_VACC:
		/* Always the same: the packed encoding's defaults. */
		return (words[0] & 0xff00) != 0x4000 || words[1] >> 27 != 3;
	default:
		break;
	}
	return words[0] & bits || words[1] >> 27;
}

static int decode_vop3(const struct simgpu_wave *wave, const u32 *words, unsigned int count,
		       struct simgpu_instruction *inst)
{
	const struct simgpu_isa *isa = wave->isa;
	const struct simgpu_operation_info *info;
	unsigned int op = words[0] >> 16 & 0x3ff;
	unsigned int i, code;
	int ret;

	inst->dwords = 2;
	if (count < 2)
		return 2;
	inst->format = SIMGPU_VOP3;
	inst->opcode = op;
	if (isa->generation == 9 && op >= 0x380) {
		inst->format = SIMGPU_VOP3P;
		inst->opcode = op & 0x7f;
		if (look_up(isa, inst))
			return -EINVAL;
	} else if (op < 0x100) {
		inst->format = SIMGPU_VOPC;
		ret = look_up(isa, inst);
		inst->format = SIMGPU_VOP3;
		if (ret)
			return ret;
	} else if (look_up(isa, inst)) {
		/* What the short encodings have, the long one has at an offset. */
		if (op < 0x140) {
			inst->format = SIMGPU_VOP2;
			inst->opcode = op - 0x100;
		} else if (op >= isa->vop1_in_vop3 && op < isa->vop1_in_vop3 + 0x80) {
			inst->format = SIMGPU_VOP1;
			inst->opcode = op - isa->vop1_in_vop3;
		} else {
			return -EINVAL;
		}
		ret = look_up(isa, inst);
		inst->format = SIMGPU_VOP3;
		inst->opcode = op;
		if (ret)
			return ret;
		/* These have no long encoding. */
		if ((inst->info->kind == SIMGPU_KIND_VLANE &&
		     (inst->info->function == SIMGPU_FN_READFIRST ||
		      inst->info->function == SIMGPU_FN_SWAP)) ||
		    inst->info->kind == SIMGPU_KIND_VACC) {
			inst->info = NULL;
			return -EINVAL;
		}
	}
	info = inst->info;
	if (info->kind == SIMGPU_KIND_NOP)
		return words[0] & 0xffff || words[1] ? simgpu_isa_bad(inst, "operand") : 0;
	if (modified(inst, words))
		return simgpu_isa_bad(inst, "modifier");
	inst->dst = words[0] & 0xff;
	inst->sdst = scalar_code(isa, words[0] >> 8 & 0x7f);
	for (i = 0; i < ARRAY_SIZE(inst->src); i++) {
		code = words[1] >> 9 * i & 0x1ff;
		if (info->src[i] != SIMGPU_T_NONE ||
		    (i == 2 && (info->kind == SIMGPU_KIND_VCARRYIN ||
				info->kind == SIMGPU_KIND_VCNDMASK)))
			inst->src[i] = code < SIMGPU_CODE_VGPR ? scalar_code(isa, code) : code;
		else if (code)
			return simgpu_isa_bad(inst, "operand");
	}
	if (info->kind == SIMGPU_KIND_VCMP || info->kind == SIMGPU_KIND_VCMPX ||
	    (info->kind == SIMGPU_KIND_VLANE && info->function == SIMGPU_FN_READ)) {
		if (inst->dst > SIMGPU_CODE_EXEC_HI)
			return simgpu_isa_bad(inst, "scalar destination");
		inst->dst = scalar_code(isa, inst->dst);
	}
	ret = check_vector(wave, inst);
	if (ret)
		return ret;
	if (isa->generation == 9 && (inst->src[0] == SIMGPU_CODE_LITERAL ||
				     inst->src[1] == SIMGPU_CODE_LITERAL ||
				     inst->src[2] == SIMGPU_CODE_LITERAL))
		return simgpu_isa_bad(inst, "literal");
	return take_literal(words, count, inst);
}

static int check_smem(const struct simgpu_wave *wave, struct simgpu_instruction *inst)
{
	const struct simgpu_operation_info *info = inst->info;
	unsigned int dwords = DIV_ROUND_UP(info->dst, 4);
	bool addressed;

	if (inst->saddr == SIMGPU_CODE_NULL)
		inst->saddr = SIMGPU_CODE_OFF;
	switch (inst->operation) {
	case SIMGPU_OP_s_prefetch_inst_pc_rel:
	case SIMGPU_OP_s_prefetch_data_pc_rel:
		if (inst->src[0])
			return simgpu_isa_bad(inst, "operand");
		fallthrough;
	case SIMGPU_OP_s_prefetch_inst:
	case SIMGPU_OP_s_prefetch_data:
		/* Where others have a destination they have a length. */
		if (inst->dst > 31)
			return simgpu_isa_bad(inst, "operand");
		addressed = true;
		break;
	default:
		addressed = info->kind == SIMGPU_KIND_SLOAD || info->kind == SIMGPU_KIND_SSTORE;
		break;
	}
	if (!addressed && (inst->src[0] || inst->offset || inst->saddr))
		return simgpu_isa_bad(inst, "operand");
	if (addressed && (!scalar_registers(inst->src[0], 2) || inst->src[0] >= SIMGPU_S_M0))
		return simgpu_isa_bad(inst, "address");
	if (addressed && inst->saddr != SIMGPU_CODE_OFF &&
	    (!scalar_registers(inst->saddr, 1) || inst->saddr >= SIMGPU_S_EXEC))
		return simgpu_isa_bad(inst, "offset");
	switch (info->kind) {
	case SIMGPU_KIND_NOP:
		return inst->dst && !addressed ? simgpu_isa_bad(inst, "operand") : 0;
	case SIMGPU_KIND_SPECIAL:	/* S_MEMTIME */
		dwords = 2;
		break;
	default:
		break;
	}
	/* The null register, M0 and EXEC are no place for what is loaded. */
	if (inst->dst >= SIMGPU_S_M0)
		return simgpu_isa_bad(inst, "scalar destination");
	if (info->kind == SIMGPU_KIND_SSTORE ? !scalar_registers(inst->dst, dwords) :
	    !simgpu_isa_scalar_destination(wave, inst->dst, dwords))
		return simgpu_isa_bad(inst, "scalar registers");
	return 0;
}

static int check_flat(const struct simgpu_wave *wave, struct simgpu_instruction *inst)
{
	const struct simgpu_operation_info *info = inst->info;
	bool global = inst->segment == SIMGPU_SEGMENT_GLOBAL;
	unsigned int dwords = DIV_ROUND_UP(info->dst, 4);
	unsigned int data = dwords, wide, last;

	if (info->kind == SIMGPU_KIND_NOP || inst->operation == SIMGPU_OP_atomic_csub) {
		if (!global)
			return simgpu_isa_bad(inst, "segment");
		if (info->kind == SIMGPU_KIND_NOP)
			return inst->address || inst->data[0] || inst->dst || inst->offset ||
			       inst->saddr != SIMGPU_CODE_OFF ?
			       simgpu_isa_bad(inst, "operand") : 0;
		if (!inst->returns)
			return simgpu_isa_bad(inst, "result");
	}
	wide = inst->segment == SIMGPU_SEGMENT_SCRATCH ||
	       (global && inst->saddr != SIMGPU_CODE_OFF) ? 1 : 2;
	if (inst->address != SIMGPU_CODE_OFF && !vector_registers(wave, inst->address, wide, false))
		return simgpu_isa_bad(inst, "address");
	/* An offset in scratch may be in M0, but in no case does EXEC have an address. */
	last = global ? SIMGPU_S_M0 - 1 : SIMGPU_S_M0;
	if (inst->saddr != SIMGPU_CODE_OFF &&
	    (inst->saddr > last || !scalar_registers(inst->saddr, global ? 2 : 1)))
		return simgpu_isa_bad(inst, "scalar address");
	switch (info->kind) {
	case SIMGPU_KIND_VATOMIC:
		if (inst->segment == SIMGPU_SEGMENT_SCRATCH)
			return simgpu_isa_bad(inst, "segment");
		if (info->function == SIMGPU_ATOMIC_CMPSWAP)
			data *= 2;
		if (!vector_registers(wave, inst->data[0], data, inst->acc))
			return simgpu_isa_bad(inst, "data");
		if (!inst->returns)
			return inst->dst ? simgpu_isa_bad(inst, "destination") : 0;
		break;
	case SIMGPU_KIND_VSTORE:
		if (!vector_registers(wave, inst->data[0], data, inst->acc))
			return simgpu_isa_bad(inst, "data");
		return inst->dst ? simgpu_isa_bad(inst, "destination") : 0;
	default:
		if (inst->data[0])
			return simgpu_isa_bad(inst, "data");
		break;
	}
	if (!vector_registers(wave, inst->dst, dwords, inst->acc))
		return simgpu_isa_bad(inst, "destination");
	return 0;
}

static int check_ds(const struct simgpu_wave *wave, struct simgpu_instruction *inst)
{
	const struct simgpu_operation_info *info = inst->info;
	unsigned int dwords = DIV_ROUND_UP(info->dst, 4), data = 0, second = 0, dst = 0;

	if (info->kind == SIMGPU_KIND_NOP)
		return inst->address || inst->data[0] || inst->data[1] || inst->dst ||
		       inst->offset || inst->acc || inst->segment ?
		       simgpu_isa_bad(inst, "operand") : 0;
	if (inst->segment != (info->kind == SIMGPU_KIND_GWS ? SIMGPU_SEGMENT_GLOBAL :
							      SIMGPU_SEGMENT_FLAT))
		return simgpu_isa_bad(inst, "global data share");
	switch (info->kind) {
	case SIMGPU_KIND_GWS:
		/* The data is where others have the address. */
		if (info->function == SIMGPU_GWS_INIT || info->function == SIMGPU_GWS_BARRIER ||
		    info->function == SIMGPU_GWS_SEMA_BR ?
		    !vector_registers(wave, inst->address, 1, false) : inst->address)
			return simgpu_isa_bad(inst, "data");
		return inst->data[0] || inst->data[1] || inst->dst ?
		       simgpu_isa_bad(inst, "operand") : 0;
	case SIMGPU_KIND_LLOAD:
		dst = dwords;
		break;
	case SIMGPU_KIND_LLOAD2:
		dst = 2 * dwords;
		break;
	case SIMGPU_KIND_LSTORE:
		data = dwords;
		break;
	case SIMGPU_KIND_LSTORE2:
		data = dwords;
		second = dwords;
		break;
	case SIMGPU_KIND_LATOMIC_RTN:
		dst = dwords;
		fallthrough;
	case SIMGPU_KIND_LATOMIC:
		data = dwords;
		if (info->function == SIMGPU_ATOMIC_CMPSWAP ||
		    info->function == SIMGPU_ATOMIC_MSKOR)
			second = dwords;
		break;
	case SIMGPU_KIND_LSWIZZLE:
		/* Rotations and the pattern of FFTs */
		if (inst->offset >= 0xc000)
			return simgpu_isa_bad(inst, "pattern");
		dst = 1;
		break;
	case SIMGPU_KIND_LPERMUTE:
	case SIMGPU_KIND_LBPERMUTE:
		/* Two halves that know nothing of each other, from GFX 10 on. */
		if (wave->isa->generation >= 10 && wave->lanes == 64)
			return simgpu_isa_bad(inst, "64 lanes");
		data = 1;
		dst = 1;
		break;
	default:
		return simgpu_isa_bad(inst, "kind");
	}
	if (!vector_registers(wave, inst->address, 1, false))
		return simgpu_isa_bad(inst, "address");
	/* Fields without a meaning are 0. */
	if (data ? !vector_registers(wave, inst->data[0], data, inst->acc) : inst->data[0])
		return simgpu_isa_bad(inst, "data");
	if (second ? !vector_registers(wave, inst->data[1], second, inst->acc) : inst->data[1])
		return simgpu_isa_bad(inst, "data");
	if (dst ? !vector_registers(wave, inst->dst, dst, inst->acc) : inst->dst)
		return simgpu_isa_bad(inst, "destination");
	return 0;
}

/**
 * simgpu_isa_decode - what is this instruction?
 * @wave: wave that would execute it: its instruction set, registers and rights
 * @words: the instruction, as far as it is known
 * @count: how many words that are, 1 or more
 * @inst: what it is; of one that is refused as much as is known of it
 *
 * Context: any.
 * Return: 0; how many words the instruction has if those are more than @count; -EINVAL for one
 * that is not executed.
 */
int simgpu_isa_decode(const struct simgpu_wave *wave, const u32 *words, unsigned int count,
		      struct simgpu_instruction *inst)
{
	const struct simgpu_isa *isa = wave->isa;
	unsigned int encoding = words[0] >> 26;
	int ret;

	memset(inst, 0, sizeof(*inst));
	inst->format = SIMGPU_FORMATS;
	inst->dwords = 1;
	inst->saddr = SIMGPU_CODE_OFF;
	if (!(words[0] >> 31))
		return decode_vop(wave, words, count, inst);
	if (words[0] >> 30 == 2)
		return decode_sop(wave, words, count, inst);
	if (encoding == (isa->generation == 9 ? 0x34 : 0x35))
		return decode_vop3(wave, words, count, inst);
	ret = isa->decode_memory(isa, words, count, inst);
	if (ret > 0)
		return ret;
	if (inst->format >= SIMGPU_FORMATS)
		return ret;
	if (inst->segment > SIMGPU_SEGMENT_GLOBAL) {
		inst->format = SIMGPU_FORMATS;
		return simgpu_isa_bad(inst, "FLAT segment 3");
	}
	/* The reason is worth more with the name. */
	if (look_up(isa, inst)) {
		inst->why = NULL;
		return -EINVAL;
	}
	if (ret)
		return ret;
	switch (inst->format) {
	case SIMGPU_SMEM:
		return check_smem(wave, inst);
	case SIMGPU_FLAT:
		return check_flat(wave, inst);
	case SIMGPU_DS:
		return check_ds(wave, inst);
	default:
		return 0;
	}
}
