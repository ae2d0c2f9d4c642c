// SPDX-License-Identifier: MIT
/*
 * Waves: state, and scalar instructions.
 *
 * Facts: AMD's instruction set documents of "Vega", MI300, RDNA 2, 3 and 4; gc_*_sh_mask.h for the
 * bits of SQ_WAVE_* registers; the kernel's trap handlers for what a trap leaves in TTMP0 and 1.
 */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <kunit/visibility.h>

#include "simgpu_isa.h"

/**
 * DOC: simgpu waves
 *
 * Kernels are executed instruction by instruction, in order, one wave at a time. Each family has
 * tables of the opcodes that the interpreter knows: GFX 9 (900, 906, 908, 90a, 942), 10.3, 11.0 and
 * 12.0, with waves of 32 lanes where the hardware has them.
 *
 * What there is: scalar and vector instructions on integers of 16, 32 and 64 bits, with literal
 * and inline constants; scalar loads and, on GFX 9, stores; FLAT, GLOBAL and SCRATCH loads, stores
 * and integer atomics; LDS; barriers, also the split ones of GFX 12; accumulation registers;
 * messages, traps and global wave sync, which are for the dispatcher.
 *
 * What there is not: floating point arithmetic, SDWA, DPP, the dual instructions of GFX 11,
 * modifiers of operands and results, packed arithmetic, matrix instructions, buffer and image
 * instructions, indexed registers.
 *
 * An instruction that is not there, or that asks for more than is there, is never executed as
 * something else: the wave stops in front of it and its name or opcode is reported. So does a wave
 * whose memory cannot be accessed; nothing of such an instruction is done, and it can be repeated.
 *
 * All that a wave is can be written to memory as an array of dwords, between any two
 * instructions, and read back.
 */

/* Bits of registers SQ_WAVE_*. */
#define STATUS_SCC		BIT(0)
#define STATUS_EXECZ		BIT(9)
#define STATUS_VCCZ		BIT(10)
#define STATUS_HALT		BIT(13)
#define STATE_PRIV_SCC		BIT(9)
#define STATE_PRIV_HALT		BIT(14)
#define SHADER_CYCLES		0xfffff

/* What a packed wave or workgroup begins with. */
#define WAVE_MAGIC		0x65766177
#define GROUP_MAGIC		0x70756f72

#define STATE_DWORDS		((offsetof(struct simgpu_wave, line) - \
				  offsetof(struct simgpu_wave, pc)) / sizeof(u32))
#define WAVE_HEADER		4
#define GROUP_HEADER		5

/* Behind @ended is a dword of padding at most, and no member of a wave's state crosses it. */
static_assert(offsetof(struct simgpu_wave, pc) % sizeof(u32) == 0);
static_assert(offsetof(struct simgpu_wave, line) % sizeof(u32) == 0);

/**
 * simgpu_wave_init - begin with a wave
 * @wave: wave of which everything before @pc is set
 *
 * Registers become 0.  Whoever launches a wave sets those that a program expects something in.
 *
 * Context: any.
 * Return: 0; -EINVAL if hardware has no such wave.
 */
int simgpu_wave_init(struct simgpu_wave *wave)
{
	const struct simgpu_isa *isa = wave->isa;

	if (!isa || !wave->ops || !wave->group || !simgpu_isa_has_lanes(isa, wave->lanes) ||
	    !wave->vgpr || wave->vgprs > 256 || wave->agprs > 256 ||
	    (wave->agprs && !simgpu_isa_has(isa, SIMGPU_ROW_908)))
		return -EINVAL;
	memset(&wave->pc, 0, STATE_DWORDS * sizeof(u32));
	wave->line_address = 1;
	memset(wave->vgpr, 0, sizeof(u32) * wave->lanes * (wave->vgprs + wave->agprs));
	wave->barrier_passed = wave->group->passed;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_wave_init);

/**
 * simgpu_wave_set_scratch - tell a wave where its scratch is
 * @wave: wave
 * @address: address of this wave's scratch
 *
 * Context: any.
 */
void simgpu_wave_set_scratch(struct simgpu_wave *wave, u64 address)
{
	if (wave->isa->generation == 9)
		simgpu_wave_set_pair(wave, SIMGPU_S_FLAT_SCRATCH, address);
	else
		wave->flat_scratch = address;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_wave_set_scratch);

/**
 * simgpu_wave_mask - all lanes of a wave
 * @wave: wave
 *
 * Context: any.
 * Return: a bit for each.
 */
u64 simgpu_wave_mask(const struct simgpu_wave *wave)
{
	return wave->lanes == 64 ? ~0ULL : 0xffffffff;
}

/**
 * simgpu_wave_exec - the active lanes
 * @wave: wave
 *
 * Context: any.
 * Return: EXEC, without what is not there in a wave of 32 lanes.
 */
u64 simgpu_wave_exec(const struct simgpu_wave *wave)
{
	return simgpu_wave_pair(wave, SIMGPU_S_EXEC) & simgpu_wave_mask(wave);
}

static const u32 floats[] = {
	0x3f000000, 0xbf000000, 0x3f800000, 0xbf800000, 0x40000000, 0xc0000000, 0x40800000,
	0xc0800000, 0x3e22f983,
};

static const u64 doubles[] = {
	0x3fe0000000000000, 0xbfe0000000000000, 0x3ff0000000000000, 0xbff0000000000000,
	0x4000000000000000, 0xc000000000000000, 0x4010000000000000, 0xc010000000000000,
	0x3fc45f306dc9c882,
};

/**
 * simgpu_wave_read_scalar - value of a scalar operand
 * @wave: wave
 * @inst: instruction, for its literal
 * @code: code of the operand, which simgpu_isa_decode() has checked
 * @type: its type
 *
 * Context: any.
 * Return: value, extended to 64 bits.
 */
u64 simgpu_wave_read_scalar(const struct simgpu_wave *wave, const struct simgpu_instruction *inst,
			    unsigned int code, unsigned int type)
{
	bool wide = (type & SIMGPU_T_BITS) == 64;
	u64 value;

	switch (code) {
	case SIMGPU_CODE_NULL:
		value = 0;
		break;
	case 0 ... SIMGPU_CODE_NULL - 1:
	case SIMGPU_S_EXEC ... SIMGPU_CODE_EXEC_HI:
		value = wide ? simgpu_wave_pair(wave, code) : wave->scalar[code];
		break;
	case 128 ... 192:
		value = code - 128;
		break;
	case 193 ... 208:
		value = 192 - (s64)code;
		break;
	case 235:
		value = wave->shared_base;
		break;
	case 237:
		value = wave->private_base;
		break;
	case 240 ... 248:
		value = wide ? doubles[code - 240] : floats[code - 240];
		break;
	case SIMGPU_CODE_VCCZ:
		value = !(simgpu_wave_pair(wave, SIMGPU_S_VCC) & simgpu_wave_mask(wave));
		break;
	case SIMGPU_CODE_EXECZ:
		value = !simgpu_wave_exec(wave);
		break;
	case SIMGPU_CODE_SCC:
		value = wave->scc;
		break;
	default:
		/* A literal has 32 bits, extended as the type of the operand says. */
		value = inst->literal;
		if (type & SIMGPU_T_SIGNED)
			value = (s32)inst->literal;
		break;
	}
	return simgpu_extend(type, value);
}

/**
 * simgpu_wave_write_scalar - write scalar registers
 * @wave: wave
 * @code: the first one, which simgpu_isa_decode() has checked
 * @dwords: 1 or 2
 * @value: value
 *
 * Context: any.
 */
void simgpu_wave_write_scalar(struct simgpu_wave *wave, unsigned int code, unsigned int dwords,
			      u64 value)
{
	if (code == SIMGPU_CODE_NULL)
		return;
	wave->scalar[code] = (u32)value;
	if (dwords == 2)
		wave->scalar[code + 1] = value >> 32;
}

/**
 * simgpu_wave_write_mask - write a mask of lanes
 * @wave: wave
 * @code: register
 * @mask: a bit for each lane; a wave of 32 lanes writes one register
 *
 * Context: any.
 */
void simgpu_wave_write_mask(struct simgpu_wave *wave, unsigned int code, u64 mask)
{
	simgpu_wave_write_scalar(wave, code, wave->lanes / 32, mask);
}

/* ------------------------------------------------------------------ hardware registers */

/**
 * simgpu_wave_status - register STATUS
 * @wave: wave
 *
 * Context: any.
 * Return: all of it.
 */
u32 simgpu_wave_status(const struct simgpu_wave *wave)
{
	u32 status = wave->status & ~(STATUS_EXECZ | STATUS_VCCZ);

	if (!simgpu_wave_exec(wave))
		status |= STATUS_EXECZ;
	if (!(simgpu_wave_pair(wave, SIMGPU_S_VCC) & simgpu_wave_mask(wave)))
		status |= STATUS_VCCZ;
	if (wave->isa->generation < 12)
		status = (status & ~STATUS_SCC) | (wave->scc ? STATUS_SCC : 0);
	return status;
}

/**
 * simgpu_wave_state_priv - register STATE_PRIV of GFX 12
 * @wave: wave
 *
 * Context: any.
 * Return: all of it.
 */
u32 simgpu_wave_state_priv(const struct simgpu_wave *wave)
{
	return (wave->state_priv & ~STATE_PRIV_SCC) | (wave->scc ? STATE_PRIV_SCC : 0);
}

/* False for a register that is not there, or of which it is not known what it should be. */
static bool read_register(const struct simgpu_wave *wave, unsigned int id, u32 *value)
{
	unsigned int generation = wave->isa->generation;
	bool privileged = wave->status & SIMGPU_STATUS_PRIV;

	switch (id) {
	case 1:
		*value = wave->mode;
		return true;
	case 2:
		*value = simgpu_wave_status(wave);
		return true;
	case 3:
		*value = wave->trapsts;
		return generation < 12;
	case 4:
		*value = generation == 9 ? wave->hw_id[0] : simgpu_wave_state_priv(wave);
		return generation == 9 || generation == 12;
	case 5:
		*value = wave->gpr_alloc;
		return true;
	case 6:
		*value = wave->lds_alloc;
		return true;
	case 7:
		*value = wave->ib_sts;
		return true;
	case 15:
		*value = wave->sh_mem_bases;
		return generation < 12;
	case 16 ... 19:
		if (generation <= 10) {
			*value = (id < 18 ? wave->tba : wave->tma) >> (id & 1 ? 32 : 0);
			return privileged;
		}
		*value = id == 17 ? wave->excp_priv : id == 18 ? wave->trapsts : wave->trap_ctrl;
		return generation == 12 && id > 16;
	case 20:
		*value = generation == 9 ? wave->xcc_id : (u32)wave->flat_scratch;
		return generation >= 10 || simgpu_isa_has(wave->isa, SIMGPU_ROW_942);
	case 21:
		*value = wave->flat_scratch >> 32;
		return generation >= 10;
	case 23:
	case 24:
		*value = wave->hw_id[id - 23];
		return generation >= 10;
	case 29:
		*value = (u32)wave->ops->clock(wave->context);
		if (generation < 12)
			*value &= SHADER_CYCLES;
		return generation >= 10;
	case 30:
		*value = wave->ops->clock(wave->context) >> 32;
		return generation == 12;
	default:
		return false;
	}
}

static bool write_register(struct simgpu_wave *wave, unsigned int id, u32 value)
{
	unsigned int generation = wave->isa->generation;
	bool privileged = wave->status & SIMGPU_STATUS_PRIV;

	switch (id) {
	case 1:
		wave->mode = value;
		return true;
	case 2:
		if (!privileged)
			return false;
		/* a trap handler keeps its privileges until it returns, whatever it writes */
		wave->status = (value & ~(STATUS_EXECZ | STATUS_VCCZ)) | SIMGPU_STATUS_PRIV;
		if (generation < 12) {
			wave->scc = value & STATUS_SCC ? 1 : 0;
			wave->status &= ~STATUS_SCC;
		}
		return true;
	case 3:
		if (generation == 12)
			return false;
		wave->trapsts = value;
		return true;
	case 4:
		if (generation != 12 || !privileged)
			return false;
		wave->scc = value & STATE_PRIV_SCC ? 1 : 0;
		wave->state_priv = value & ~STATE_PRIV_SCC;
		return true;
	case 7:
		if (privileged)
			wave->ib_sts = value;
		return privileged;
	case 17:
		if (generation != 12 || !privileged)
			return false;
		wave->excp_priv = value;
		return true;
	case 18:
		if (generation != 12)
			return false;
		wave->trapsts = value;
		return true;
	case 19:
		if (generation != 12 || !privileged)
			return false;
		wave->trap_ctrl = value;
		return true;
	case 20:
	case 21:
		if (generation < 10)
			return false;
		/*
		 * A kernel sets it up itself on GFX 10; later it is there when a wave begins, and
		 * nobody but a trap handler changes it. Kernels that are the same for all of these
		 * try it all the same.
		 */
		if (generation > 10 && !privileged)
			return true;
		if (id == 20)
			wave->flat_scratch = (wave->flat_scratch & ~0xffffffffULL) | value;
		else
			wave->flat_scratch = (u32)wave->flat_scratch | (u64)value << 32;
		return true;
	default:
		return false;
	}
}

/* ------------------------------------------------------------------ barriers */

static void open_barrier(struct simgpu_workgroup *group)
{
	if (group->waves && group->arrived >= group->waves) {
		group->arrived = 0;
		group->passed++;
	}
}

/* Does it stand at the barrier of now, not at one that has opened meanwhile? */
static bool has_arrived(const struct simgpu_wave *wave)
{
	return wave->barrier_arrived && wave->barrier_passed == wave->group->passed;
}

static void arrive(struct simgpu_wave *wave)
{
	if (has_arrived(wave))
		return;
	wave->barrier_arrived = 1;
	wave->group->arrived++;
	open_barrier(wave->group);
}

static bool pass_barrier(struct simgpu_wave *wave)
{
	if (wave->barrier_passed == wave->group->passed)
		return false;
	wave->barrier_passed = wave->group->passed;
	wave->barrier_arrived = 0;
	return true;
}

static void end_wave(struct simgpu_wave *wave)
{
	struct simgpu_workgroup *group = wave->group;

	/* The others do not wait for a wave that has ended. */
	if (has_arrived(wave) && group->arrived)
		group->arrived--;
	if (group->waves)
		group->waves--;
	open_barrier(group);
	wave->ended = 1;
}

/**
 * simgpu_wave_waits - would a run only find that the barrier is closed?
 * @wave: wave that returned SIMGPU_WAVE_BARRIER the last time
 *
 * Context: any.
 * Return: true if so.
 */
bool simgpu_wave_waits(const struct simgpu_wave *wave)
{
	return !wave->ended && wave->barrier_passed == wave->group->passed;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_wave_waits);

/* ------------------------------------------------------------------ scalar instructions */

/* Those functions that have a condition code of their own. */
static u64 scalar_scc(struct simgpu_wave *wave, enum simgpu_function function, unsigned int type,
		      u64 a, u64 b, u64 old)
{
	bool is_signed = type & SIMGPU_T_SIGNED;
	unsigned int bits = type & SIMGPU_T_BITS;
	unsigned int shift;
	u64 result;

	switch (function) {
	case SIMGPU_FN_S_ADD_U32:
	case SIMGPU_FN_S_ADDC:
		result = a + b + (function == SIMGPU_FN_S_ADDC ? wave->scc : 0);
		wave->scc = result >> 32 != 0;
		return result;
	case SIMGPU_FN_S_SUB_U32:
	case SIMGPU_FN_S_SUBB:
		result = a - b - (function == SIMGPU_FN_S_SUBB ? wave->scc : 0);
		wave->scc = result >> 32 != 0;
		return result;
	case SIMGPU_FN_S_ADD_I32:
		result = a + b;
		wave->scc = ((a ^ result) & (b ^ result)) >> 31 & 1;
		return result;
	case SIMGPU_FN_S_SUB_I32:
		result = a - b;
		wave->scc = ((a ^ b) & (a ^ result)) >> 31 & 1;
		return result;
	case SIMGPU_FN_S_MIN:
		wave->scc = simgpu_alu_compare(SIMGPU_FN_LT, is_signed, a, b);
		return wave->scc ? a : b;
	case SIMGPU_FN_S_MAX:
		/*
		 * 0 for equal numbers. Documents of RDNA 3 and 4 have 1; what other emulators
		 * found when they were compared with hardware is 0, as older documents have it.
		 */
		wave->scc = simgpu_alu_compare(SIMGPU_FN_GT, is_signed, a, b);
		return wave->scc ? a : b;
	case SIMGPU_FN_S_CSELECT:
		return wave->scc ? a : b;
	case SIMGPU_FN_S_CMOV:
		return wave->scc ? a : old;
	case SIMGPU_FN_S_BITSET0:
		return old & ~BIT_ULL(a & (bits - 1));
	case SIMGPU_FN_S_BITSET1:
		return old | BIT_ULL(a & (bits - 1));
	default:
		shift = function - SIMGPU_FN_S_LSHL1_ADD + 1;
		result = (a << shift) + b;
		wave->scc = result >> 32 != 0;
		return result;
	}
}

static void scalar_alu(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	const struct simgpu_operation_info *info = inst->info;
	unsigned int dwords = (info->dst & SIMGPU_T_BITS) == 64 ? 2 : 1;
	unsigned int i;
	u64 in[2] = {}, result, old = 0;

	/* Only the null register, whose value nobody gets, has no place of its own. */
	if (inst->dst != SIMGPU_CODE_NULL)
		old = dwords == 2 ? simgpu_wave_pair(wave, inst->dst) : wave->scalar[inst->dst];
	for (i = 0; i < 2; i++) {
		if (info->src[i] == SIMGPU_T_K16)
			in[i] = (u32)inst->imm;
		else if (info->src[i] == SIMGPU_T_DST)
			in[i] = (u32)old;
		else if (info->src[i] != SIMGPU_T_NONE)
			in[i] = simgpu_wave_read_scalar(wave, inst, inst->src[i], info->src[i]);
	}
	if (info->kind == SIMGPU_KIND_SALU_SCC)
		result = scalar_scc(wave, info->function, info->dst, in[0], in[1], old);
	else if (!simgpu_alu_count(info->function, info->src[0], in[0], in[1], &result))
		result = simgpu_alu(info->function, info->dst, in[0], in[1], 0);
	result = simgpu_extend(info->dst & SIMGPU_T_BITS, result);
	if (info->kind == SIMGPU_KIND_SALUZ)
		wave->scc = result != 0;
	simgpu_wave_write_scalar(wave, inst->dst, dwords, result);
}

static void scalar_compare(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	const struct simgpu_operation_info *info = inst->info;
	unsigned int type = info->src[0];
	u64 a = simgpu_wave_read_scalar(wave, inst, inst->src[0], type), b;

	if (info->src[1] == SIMGPU_T_K16)
		b = (s64)inst->imm;
	else if (info->src[1] == SIMGPU_T_KU16)
		b = (u16)inst->imm;
	else
		b = simgpu_wave_read_scalar(wave, inst, inst->src[1], info->src[1]);
	switch (info->function) {
	case SIMGPU_FN_BIT0:
	case SIMGPU_FN_BIT1:
		b &= (type & SIMGPU_T_BITS) - 1;
		wave->scc = (a >> b & 1) == (info->function == SIMGPU_FN_BIT1);
		break;
	default:
		wave->scc = simgpu_alu_compare(info->function, type & SIMGPU_T_SIGNED, a, b);
		break;
	}
}

/* Those that go by 32 bits have that half of EXEC; hardware has them for waves of 32 lanes. */
static void scalar_exec(struct simgpu_wave *wave, const struct simgpu_instruction *inst)
{
	const struct simgpu_operation_info *info = inst->info;
	unsigned int dwords = (info->dst & SIMGPU_T_BITS) == 64 ? 2 : 1;
	u64 source = simgpu_wave_read_scalar(wave, inst, inst->src[0], info->src[0]);
	u64 exec = simgpu_extend(info->src[0], simgpu_wave_pair(wave, SIMGPU_S_EXEC));
	u64 result = simgpu_alu(info->function, info->dst, source, exec, 0);

	result = simgpu_extend(info->dst, result);
	wave->scc = result != 0;
	if (info->kind == SIMGPU_KIND_SAVEEXEC) {
		simgpu_wave_write_scalar(wave, inst->dst, dwords, exec);
		simgpu_wave_write_scalar(wave, SIMGPU_S_EXEC, dwords, result);
	} else {
		simgpu_wave_write_scalar(wave, SIMGPU_S_EXEC, dwords, result);
		simgpu_wave_write_scalar(wave, inst->dst, dwords, result);
	}
}

static bool branches(const struct simgpu_wave *wave, enum simgpu_function function)
{
	u64 vcc = simgpu_wave_pair(wave, SIMGPU_S_VCC) & simgpu_wave_mask(wave);

	switch (function) {
	case SIMGPU_FN_BRANCH:
		return true;
	case SIMGPU_FN_BRANCH_SCC0:
		return !wave->scc;
	case SIMGPU_FN_BRANCH_SCC1:
		return wave->scc;
	case SIMGPU_FN_BRANCH_VCCZ:
		return !vcc;
	case SIMGPU_FN_BRANCH_VCCNZ:
		return vcc;
	case SIMGPU_FN_BRANCH_EXECZ:
		return !simgpu_wave_exec(wave);
	default:
		return simgpu_wave_exec(wave);
	}
}

static bool halted(const struct simgpu_wave *wave)
{
	return wave->isa->generation < 12 ? wave->status & STATUS_HALT :
					    wave->state_priv & STATE_PRIV_HALT;
}

/**
 * simgpu_wave_halt - have a wave stop, or go on
 * @wave: wave
 * @halt: stop, else go on
 *
 * Context: any.
 */
void simgpu_wave_halt(struct simgpu_wave *wave, bool halt)
{
	u32 *where = wave->isa->generation < 12 ? &wave->status : &wave->state_priv;
	u32 bit = wave->isa->generation < 12 ? STATUS_HALT : STATE_PRIV_HALT;

	*where = (*where & ~bit) | (halt ? bit : 0);
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_wave_halt);

/* The immediate of S_GETREG and S_SETREG: register, lowest bit, number of bits less 1. */
static u32 register_field(s32 imm, unsigned int *id, unsigned int *shift)
{
	*id = imm & 0x3f;
	*shift = imm >> 6 & 0x1f;
	return (u32)(BIT_ULL((imm >> 11 & 0x1f) + 1) - 1);
}

static bool set_register(struct simgpu_wave *wave, s32 imm, u32 value)
{
	unsigned int id, shift;
	u32 mask = register_field(imm, &id, &shift);
	u32 old;

	if (!read_register(wave, id, &old))
		return false;
	return write_register(wave, id, (old & ~(mask << shift)) | (value & mask) << shift);
}

static bool message_result(const struct simgpu_wave *wave, unsigned int message, u64 *value)
{
	switch (message) {
	case 0x80:	/* GET_DOORBELL */
		*value = wave->doorbell;
		return true;
	case 0x82:	/* GET_TMA */
		*value = wave->tma;
		return true;
	case 0x83:	/* GET_REALTIME */
		*value = wave->ops->clock(wave->context);
		return true;
	case 0x85:	/* GET_TBA */
		*value = wave->tba;
		return true;
	default:
		return false;
	}
}

static enum simgpu_wave_result illegal(struct simgpu_wave *wave, struct simgpu_instruction *inst,
				       struct simgpu_wave_event *event, const char *why)
{
	if (why)
		inst->why = why;
	simgpu_isa_name(wave->isa, inst, event->name, sizeof(event->name));
	return SIMGPU_WAVE_ILLEGAL;
}

/* The PC is at the next instruction already. */
static enum simgpu_wave_result special(struct simgpu_wave *wave, struct simgpu_instruction *inst,
				       struct simgpu_wave_event *event)
{
	const struct simgpu_operation_info *info = inst->info;
	unsigned int dwords = (info->dst & SIMGPU_T_BITS) == 64 ? 2 : 1;
	u64 value = 0, next = wave->pc;
	unsigned int id, shift;
	u32 mask, reg;

	if (info->src[0] == SIMGPU_T_DST || (info->src[0] & SIMGPU_T_BITS) >= 32)
		value = simgpu_wave_read_scalar(wave, inst, inst->src[0],
						info->src[0] == SIMGPU_T_DST ? SIMGPU_T_U32 :
						info->src[0]);
	switch (info->function) {
	case SIMGPU_FN_ENDPGM:
		end_wave(wave);
		return SIMGPU_WAVE_ENDED;
	case SIMGPU_FN_CALL:
		simgpu_wave_write_scalar(wave, inst->dst, 2, next);
		wave->pc = next + 4 * (s64)inst->imm;
		break;
	case SIMGPU_FN_GETPC:
		simgpu_wave_write_scalar(wave, inst->dst, 2, next);
		break;
	case SIMGPU_FN_SWAPPC:
		simgpu_wave_write_scalar(wave, inst->dst, 2, next);
		fallthrough;
	case SIMGPU_FN_SETPC:
		wave->pc = value & ~3ULL;
		break;
	case SIMGPU_FN_RFE:
		if (!(wave->status & SIMGPU_STATUS_PRIV))
			return illegal(wave, inst, event, "not in a trap handler");
		wave->status &= ~SIMGPU_STATUS_PRIV;
		wave->pc = sign_extend64(value & GENMASK_ULL(47, 2), 47);
		break;
	case SIMGPU_FN_GETREG:
		mask = register_field(inst->imm, &id, &shift);
		if (!read_register(wave, id, &reg))
			return illegal(wave, inst, event, "hardware register");
		simgpu_wave_write_scalar(wave, inst->dst, 1, reg >> shift & mask);
		break;
	case SIMGPU_FN_SETREG:
	case SIMGPU_FN_SETREG_IMM:
		if (info->function == SIMGPU_FN_SETREG_IMM)
			value = inst->literal;
		if (!set_register(wave, inst->imm, value))
			return illegal(wave, inst, event, "hardware register");
		break;
	case SIMGPU_FN_ROUND_MODE:
		wave->mode = (wave->mode & ~0xfu) | (inst->imm & 0xf);
		break;
	case SIMGPU_FN_DENORM_MODE:
		wave->mode = (wave->mode & ~0xf0u) | (inst->imm & 0xf) << 4;
		break;
	case SIMGPU_FN_BARRIER:
		/*
		 * A wave that waited executes the instruction again.  If the barrier has opened
		 * meanwhile, the wave must not count as one that has come to the next barrier.
		 */
		if (!wave->barrier_arrived)
			arrive(wave);
		if (!pass_barrier(wave))
			return SIMGPU_WAVE_BARRIER;
		break;
	case SIMGPU_FN_BARRIER_SIGNAL_ISFIRST:
		wave->scc = !wave->group->arrived;
		fallthrough;
	case SIMGPU_FN_BARRIER_SIGNAL:
		arrive(wave);
		break;
	case SIMGPU_FN_BARRIER_WAIT:
		if (inst->imm != -1)
			return illegal(wave, inst, event, "barrier");
		if (!pass_barrier(wave))
			return SIMGPU_WAVE_BARRIER;
		break;
	case SIMGPU_FN_SETHALT:
		if (inst->imm & ~1)
			return illegal(wave, inst, event, "fatal halt");
		simgpu_wave_halt(wave, inst->imm & 1);
		return inst->imm & 1 ? SIMGPU_WAVE_HALTED : SIMGPU_WAVE_RUNS;
	case SIMGPU_FN_SLEEP:
		event->value = inst->imm & 0x7f;
		return SIMGPU_WAVE_SLEEPS;
	case SIMGPU_FN_SLEEP_VAR:
		event->value = value & 0x7f;
		return SIMGPU_WAVE_SLEEPS;
	case SIMGPU_FN_SENDMSGHALT:
		simgpu_wave_halt(wave, true);
		fallthrough;
	case SIMGPU_FN_SENDMSG:
		event->value = (u16)inst->imm;
		event->data = wave->scalar[SIMGPU_S_M0];
		return SIMGPU_WAVE_MESSAGE;
	case SIMGPU_FN_SENDMSG_RTN:
		if (!message_result(wave, inst->imm, &value))
			return illegal(wave, inst, event, "message");
		simgpu_wave_write_scalar(wave, inst->dst, dwords, value);
		break;
	case SIMGPU_FN_TRAP:
		event->value = inst->imm & 0xff;
		return SIMGPU_WAVE_TRAP;
	case SIMGPU_FN_MEMTIME:
		simgpu_wave_write_scalar(wave, inst->dst, 2, wave->ops->clock(wave->context));
		break;
	default:
		if (branches(wave, info->function))
			wave->pc = next + 4 * (s64)inst->imm;
		break;
	}
	return SIMGPU_WAVE_RUNS;
}

/* ------------------------------------------------------------------ running */

static int fetch(struct simgpu_wave *wave, u64 address, u32 *word)
{
	u64 line = address & ~(u64)(sizeof(wave->line) - 1);
	int ret;

	if (wave->line_address != line) {
		wave->line_address = 1;
		ret = wave->ops->fetch(wave->context, line, wave->line, sizeof(wave->line));
		if (ret)
			return ret;
		wave->line_address = line;
	}
	*word = wave->line[(address - line) / sizeof(u32)];
	return 0;
}

static enum simgpu_wave_result fault(struct simgpu_wave_event *event, u64 address, int error)
{
	event->address = address;
	event->error = error;
	return SIMGPU_WAVE_FAULT;
}

/* An instruction that was not executed leaves the PC where it is. */
static bool stays(enum simgpu_wave_result result)
{
	switch (result) {
	case SIMGPU_WAVE_BARRIER:
	case SIMGPU_WAVE_TRAP:
	case SIMGPU_WAVE_GWS:
	case SIMGPU_WAVE_ILLEGAL:
	case SIMGPU_WAVE_FAULT:
		return true;
	default:
		return false;
	}
}

static enum simgpu_wave_result execute(struct simgpu_wave *wave, struct simgpu_instruction *inst,
				       struct simgpu_wave_event *event)
{
	int ret;

	switch (inst->info->kind) {
	case SIMGPU_KIND_NOP:
		break;
	case SIMGPU_KIND_SALU:
	case SIMGPU_KIND_SALUZ:
	case SIMGPU_KIND_SALU_SCC:
		scalar_alu(wave, inst);
		break;
	case SIMGPU_KIND_SCMP:
		scalar_compare(wave, inst);
		break;
	case SIMGPU_KIND_SAVEEXEC:
	case SIMGPU_KIND_WREXEC:
		scalar_exec(wave, inst);
		break;
	case SIMGPU_KIND_SPECIAL:
		return special(wave, inst, event);
	case SIMGPU_KIND_SLOAD:
	case SIMGPU_KIND_SSTORE:
	case SIMGPU_KIND_VLOAD:
	case SIMGPU_KIND_VSTORE:
	case SIMGPU_KIND_VATOMIC:
	case SIMGPU_KIND_LLOAD:
	case SIMGPU_KIND_LSTORE:
	case SIMGPU_KIND_LLOAD2:
	case SIMGPU_KIND_LSTORE2:
	case SIMGPU_KIND_LATOMIC:
	case SIMGPU_KIND_LATOMIC_RTN:
	case SIMGPU_KIND_LSWIZZLE:
	case SIMGPU_KIND_LPERMUTE:
	case SIMGPU_KIND_LBPERMUTE:
	case SIMGPU_KIND_GWS:
		ret = simgpu_access_execute(wave, inst, event);
		if (ret == SIMGPU_WAVE_ILLEGAL)
			return illegal(wave, inst, event, "flat access to scratch");
		return ret;
	default:
		simgpu_vector_execute(wave, inst);
		break;
	}
	return SIMGPU_WAVE_RUNS;
}

static enum simgpu_wave_result step(struct simgpu_wave *wave, struct simgpu_wave_event *event)
{
	struct simgpu_instruction inst;
	enum simgpu_wave_result result;
	unsigned int count = 0, wanted = 1;
	u64 pc = wave->pc;
	int ret;

	do {
		for (; count < wanted; count++) {
			ret = fetch(wave, pc + sizeof(u32) * count, &event->words[count]);
			if (ret) {
				event->dwords = count;
				return fault(event, pc + sizeof(u32) * count, ret);
			}
		}
		ret = simgpu_isa_decode(wave, event->words, count, &inst);
		wanted = ret;
	} while (ret > 0);
	event->dwords = inst.dwords;
	if (ret) {
		event->dwords = count;
		return illegal(wave, &inst, event, NULL);
	}
	wave->pc = pc + sizeof(u32) * inst.dwords;
	result = execute(wave, &inst, event);
	if (stays(result)) {
		wave->pc = pc;
		if (result != SIMGPU_WAVE_ILLEGAL)
			simgpu_isa_name(wave->isa, &inst, event->name, sizeof(event->name));
	}
	return result;
}

/**
 * simgpu_wave_run - execute instructions of a wave
 * @wave: wave
 * @budget: how many
 * @event: what else there is to tell
 *
 * Memory is accessed by @wave->ops, in the order of the program.  Nothing is allocated, nothing
 * sleeps but for what these functions do.
 *
 * Context: any in which @wave->ops may be called.  The caller sees to it that nobody else runs a
 * wave of the same workgroup at the same time.
 * Return: why it does not go on.
 */
enum simgpu_wave_result simgpu_wave_run(struct simgpu_wave *wave, u64 budget,
					struct simgpu_wave_event *event)
{
	enum simgpu_wave_result result;

	memset(event, 0, sizeof(*event));
	/* Memory may have changed since the last run. */
	wave->line_address = 1;
	if (wave->ended)
		return SIMGPU_WAVE_ENDED;
	while (event->executed < budget) {
		if (halted(wave))
			return SIMGPU_WAVE_HALTED;
		result = step(wave, event);
		if (stays(result))
			return result;
		event->executed++;
		if (result != SIMGPU_WAVE_RUNS)
			return result;
	}
	return SIMGPU_WAVE_RUNS;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_wave_run);

/**
 * simgpu_wave_pass - go on behind an instruction that the caller has done
 * @wave: wave whose PC is at that instruction
 * @event: what simgpu_wave_run() has told of it
 *
 * Context: any.
 */
void simgpu_wave_pass(struct simgpu_wave *wave, const struct simgpu_wave_event *event)
{
	wave->pc += sizeof(u32) * event->dwords;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_wave_pass);

/**
 * simgpu_wave_trap - enter the trap handler
 * @wave: wave, at the instruction to which the handler returns
 * @number: number of the trap, 0 for one that is not of S_TRAP
 *
 * TTMP0 and 1 get the PC and the number, and the wave its privileges.
 *
 * Context: any.
 */
void simgpu_wave_trap(struct simgpu_wave *wave, unsigned int number)
{
	u32 high = wave->pc >> 32 & 0xffff;

	wave->scalar[SIMGPU_S_TTMP] = (u32)wave->pc;
	wave->scalar[SIMGPU_S_TTMP + 1] =
		high | (wave->isa->generation < 12 ? (number & 0xff) << 16 : (number & 0xf) << 28);
	wave->status |= SIMGPU_STATUS_PRIV;
	wave->pc = wave->tba;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_wave_trap);

/* ------------------------------------------------------------------ saving and loading */

/**
 * simgpu_wave_dwords - size of a packed wave
 * @wave: wave
 *
 * Context: any.
 * Return: dwords.
 */
size_t simgpu_wave_dwords(const struct simgpu_wave *wave)
{
	return WAVE_HEADER + STATE_DWORDS + (size_t)wave->lanes * (wave->vgprs + wave->agprs);
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_wave_dwords);

/* What has to be the same in the wave that is packed and the one that is unpacked. */
static void wave_header(const struct simgpu_wave *wave, u32 *header)
{
	header[0] = WAVE_MAGIC;
	header[1] = STATE_DWORDS;
	header[2] = wave->isa->generation << 24 | wave->isa->models << 8 | wave->lanes;
	header[3] = wave->agprs << 16 | wave->vgprs;
}

/**
 * simgpu_wave_pack - write a wave to memory
 * @wave: wave, between two runs
 * @out: simgpu_wave_dwords() dwords
 *
 * Context: any.
 */
void simgpu_wave_pack(const struct simgpu_wave *wave, u32 *out)
{
	wave_header(wave, out);
	out += WAVE_HEADER;
	memcpy(out, &wave->pc, STATE_DWORDS * sizeof(u32));
	out += STATE_DWORDS;
	memcpy(out, wave->vgpr, sizeof(u32) * wave->lanes * (wave->vgprs + wave->agprs));
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_wave_pack);

/**
 * simgpu_wave_unpack - read a wave from memory
 * @wave: wave of which everything before @pc is set, with as many registers
 * @in: what simgpu_wave_pack() has written, simgpu_wave_dwords() dwords
 *
 * Whatever else is there makes a wave that may do anything a program may do, and nothing more.
 *
 * Context: any.
 * Return: 0; -EINVAL if that is another wave, and then nothing was changed.
 */
int simgpu_wave_unpack(struct simgpu_wave *wave, const u32 *in)
{
	u32 header[WAVE_HEADER];

	wave_header(wave, header);
	if (memcmp(header, in, sizeof(header)))
		return -EINVAL;
	in += WAVE_HEADER;
	memcpy(&wave->pc, in, STATE_DWORDS * sizeof(u32));
	in += STATE_DWORDS;
	memcpy(wave->vgpr, in, sizeof(u32) * wave->lanes * (wave->vgprs + wave->agprs));
	wave->pc &= ~3ULL;
	wave->scc = !!wave->scc;
	wave->line_address = 1;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_wave_unpack);

/**
 * simgpu_workgroup_dwords - size of a packed workgroup
 * @group: workgroup
 *
 * Context: any.
 * Return: dwords.
 */
size_t simgpu_workgroup_dwords(const struct simgpu_workgroup *group)
{
	return GROUP_HEADER + DIV_ROUND_UP(group->lds_size, sizeof(u32));
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_workgroup_dwords);

/**
 * simgpu_workgroup_pack - write what the waves of a workgroup share to memory
 * @group: workgroup
 * @out: simgpu_workgroup_dwords() dwords
 *
 * Context: any.
 */
void simgpu_workgroup_pack(const struct simgpu_workgroup *group, u32 *out)
{
	out[0] = GROUP_MAGIC;
	out[1] = group->lds_size;
	out[2] = group->waves;
	out[3] = group->arrived;
	out[4] = group->passed;
	if (!group->lds_size)
		return;
	out[simgpu_workgroup_dwords(group) - 1] = 0;
	memcpy(out + GROUP_HEADER, group->lds, group->lds_size);
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_workgroup_pack);

/**
 * simgpu_workgroup_unpack - read what the waves of a workgroup share from memory
 * @group: workgroup of which @lds and @lds_size are set
 * @in: what simgpu_workgroup_pack() has written, simgpu_workgroup_dwords() dwords
 *
 * Context: any.
 * Return: 0; -EINVAL if the local data share has another size, and then nothing was changed.
 */
int simgpu_workgroup_unpack(struct simgpu_workgroup *group, const u32 *in)
{
	if (in[0] != GROUP_MAGIC || in[1] != group->lds_size)
		return -EINVAL;
	group->waves = in[2];
	group->arrived = in[3];
	group->passed = in[4];
	if (group->lds_size)
		memcpy(group->lds, in + GROUP_HEADER, group->lds_size);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_workgroup_unpack);
