// SPDX-License-Identifier: GPL-2.0
/*
 * Runs programs on the instruction interpreter, for isa.py, which has made them and knows what
 * they must leave in memory.
 *
 * usage: isa run <version> <lanes> <waves> <agprs> <mode> <code> <data in> <data out>
 *        isa speed <version> <lanes> <code> <instructions>
 *        isa fuzz <version> <seed> <instructions>
 *
 * A program finds the address of its data in s[0:1], the number of its wave in s2 and of its work
 * item in v0. The data is 1 MiB; scratch of the waves is in its last quarter.
 */
#include <stdlib.h>
#include <time.h>

#include "stand_in.h"
#include "simgpu_isa.h"

#define CODE_BASE	0x100000000ULL
#define DATA_BASE	0x7f0012000000ULL
#define DATA_SIZE	0x100000
#define SCRATCH		0xc0000
#define SCRATCH_WAVE	0x8000
#define SHARED_BASE	0x0001000000000000ULL
#define PRIVATE_BASE	0x0002000000000000ULL
#define LDS_SIZE	0x2000
#define MAX_WAVES	4
#define VGPRS		64
#define RUN_LIMIT	2000000

static u8 data[DATA_SIZE], lds[LDS_SIZE];
static u32 *code;
static size_t code_bytes;
static u64 now;

static void die(const char *what)
{
	fprintf(stderr, "isa: %s\n", what);
	exit(2);
}

static void *data_at(u64 address, unsigned int bytes)
{
	if (address < DATA_BASE || address - DATA_BASE > DATA_SIZE - bytes)
		return NULL;
	return data + (address - DATA_BASE);
}

static int op_fetch(void *context, u64 address, void *to, unsigned int bytes)
{
	if (address < CODE_BASE || address - CODE_BASE >= code_bytes)
		return -EFAULT;
	memcpy(to, (u8 *)code + (address - CODE_BASE), bytes);
	return 0;
}

static int op_read(void *context, u64 address, void *to, unsigned int bytes)
{
	void *from = data_at(address, bytes);

	if (!from)
		return -EFAULT;
	memcpy(to, from, bytes);
	return 0;
}

static int op_write(void *context, u64 address, const void *from, unsigned int bytes)
{
	void *to = data_at(address, bytes);

	if (!to)
		return -EFAULT;
	memcpy(to, from, bytes);
	return 0;
}

static int op_probe(void *context, u64 address, unsigned int bytes, bool write)
{
	return data_at(address, bytes) ? 0 : -EFAULT;
}

static int op_atomic(void *context, u64 address, enum simgpu_atomic operation, unsigned int bytes,
		     u64 operand, u64 compare, u64 *old)
{
	void *at = data_at(address, bytes);
	u64 new;

	if (!at)
		return -EFAULT;
	*old = 0;
	memcpy(old, at, bytes);
	new = simgpu_atomic_result(operation, bytes, *old, operand, compare);
	memcpy(at, &new, bytes);
	return 0;
}

static u64 op_clock(void *context)
{
	return ++now;
}

static const struct simgpu_wave_ops ops = {
	.fetch = op_fetch,
	.read = op_read,
	.write = op_write,
	.probe = op_probe,
	.atomic = op_atomic,
	.clock = op_clock,
};

static size_t load(const char *path, void *to, size_t size)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		die(path);
	n = fread(to, 1, size, f);
	fclose(f);
	return n;
}

/* In whole cache lines, as memory that can be executed is whole pages. */
static void load_code(const char *path)
{
	size_t size = 0x100000;

	code = calloc(1, size);
	if (!code)
		die("memory");
	code_bytes = load(path, code, size);
	code_bytes = (code_bytes + 63) / 64 * 64;
}

static const struct simgpu_isa *find(const char *version)
{
	const struct simgpu_isa *isa = simgpu_isa_find(strtoul(version, NULL, 0));

	if (!isa)
		die("no such instruction set");
	return isa;
}

static void make_wave(struct simgpu_wave *wave, const struct simgpu_isa *isa, u32 lanes, u32 vgprs,
		      u32 agprs, struct simgpu_workgroup *group)
{
	memset(wave, 0, sizeof(*wave));
	wave->isa = isa;
	wave->ops = &ops;
	wave->group = group;
	wave->lanes = lanes;
	wave->vgprs = vgprs;
	wave->agprs = agprs;
	wave->vgpr = calloc((vgprs + agprs) * lanes, sizeof(u32));
	if (!wave->vgpr || simgpu_wave_init(wave))
		die("no such wave");
}

static void launch(struct simgpu_wave *wave, unsigned int number)
{
	u32 lane;

	wave->pc = CODE_BASE;
	simgpu_wave_set_pair(wave, SIMGPU_S_EXEC, simgpu_wave_mask(wave));
	simgpu_wave_set_pair(wave, 0, DATA_BASE);
	wave->scalar[2] = number;
	wave->shared_base = SHARED_BASE;
	wave->private_base = PRIVATE_BASE;
	wave->tba = CODE_BASE + 0x1000;
	wave->tma = DATA_BASE + 0x8000;
	wave->doorbell = 0x123;
	wave->hw_id[0] = 0x01020304;
	wave->hw_id[1] = 0x05060708;
	wave->xcc_id = 3;
	wave->gpr_alloc = 0x10203;
	wave->lds_alloc = 0x456;
	wave->ib_sts = 0x77;
	wave->sh_mem_bases = 0x20001;
	wave->trapsts = 0x20000100;
	wave->excp_priv = 0x81;
	wave->trap_ctrl = 0x42;
	simgpu_wave_set_scratch(wave, DATA_BASE + SCRATCH + number * SCRATCH_WAVE);
	for (lane = 0; lane < wave->lanes; lane++)
		wave->vgpr[lane] = number * wave->lanes + lane;
}

/* A wave and its workgroup go to memory and come back into what has nothing of them. */
static void save_and_load(struct simgpu_wave *wave)
{
	size_t dwords = simgpu_wave_dwords(wave), group_dwords;
	struct simgpu_workgroup *group = wave->group;
	u32 *saved = malloc(dwords * sizeof(u32)), *saved_group;

	group_dwords = simgpu_workgroup_dwords(group);
	saved_group = malloc(group_dwords * sizeof(u32));
	if (!saved || !saved_group)
		die("memory");
	simgpu_wave_pack(wave, saved);
	simgpu_workgroup_pack(group, saved_group);
	memset(&wave->pc, 0xa5, sizeof(*wave) - offsetof(struct simgpu_wave, pc));
	memset(wave->vgpr, 0xa5, sizeof(u32) * wave->lanes * (wave->vgprs + wave->agprs));
	memset(group->lds, 0xa5, group->lds_size);
	group->waves = 77;
	group->arrived = 77;
	group->passed = 77;
	if (simgpu_wave_unpack(wave, saved) || simgpu_workgroup_unpack(group, saved_group))
		die("a saved wave is refused");
	free(saved);
	free(saved_group);
}

static const char *const results[] = {
	[SIMGPU_WAVE_RUNS] = "runs", [SIMGPU_WAVE_ENDED] = "ended",
	[SIMGPU_WAVE_BARRIER] = "barrier", [SIMGPU_WAVE_SLEEPS] = "sleeps",
	[SIMGPU_WAVE_MESSAGE] = "message", [SIMGPU_WAVE_TRAP] = "trap",
	[SIMGPU_WAVE_HALTED] = "halted", [SIMGPU_WAVE_GWS] = "gws",
	[SIMGPU_WAVE_ILLEGAL] = "illegal", [SIMGPU_WAVE_FAULT] = "fault",
};

/* What a dispatcher would do. False if the wave does not go on. */
static bool serve(struct simgpu_wave *wave, unsigned int number, enum simgpu_wave_result result,
		  const struct simgpu_wave_event *event)
{
	switch (result) {
	case SIMGPU_WAVE_RUNS:
	case SIMGPU_WAVE_SLEEPS:
	case SIMGPU_WAVE_BARRIER:
		return true;
	case SIMGPU_WAVE_MESSAGE:
		printf("wave %u message 0x%x m0 0x%x\n", number, event->value, event->data);
		return true;
	case SIMGPU_WAVE_GWS:
		printf("wave %u gws %u resource %u data %u\n", number, event->value,
		       event->resource, event->data);
		simgpu_wave_pass(wave, event);
		return true;
	case SIMGPU_WAVE_TRAP:
		printf("wave %u trap %u\n", number, event->value);
		simgpu_wave_trap(wave, event->value);
		return true;
	case SIMGPU_WAVE_FAULT:
		printf("wave %u fault at 0x%llx data+0x%llx write %u error %d %s\n", number,
		       (unsigned long long)(wave->pc - CODE_BASE),
		       (unsigned long long)(event->address - DATA_BASE), event->write,
		       event->error, event->name);
		return false;
	case SIMGPU_WAVE_ILLEGAL:
		printf("wave %u illegal at 0x%llx %s\n", number,
		       (unsigned long long)(wave->pc - CODE_BASE), event->name);
		return false;
	default:
		printf("wave %u %s\n", number, results[result]);
		return false;
	}
}

static int run(int argc, char **argv)
{
	const struct simgpu_isa *isa = find(argv[0]);
	u32 lanes = strtoul(argv[1], NULL, 0), waves = strtoul(argv[2], NULL, 0);
	u32 agprs = strtoul(argv[3], NULL, 0), i, left;
	bool step = !strcmp(argv[4], "step");
	struct simgpu_workgroup group = { .lds = lds, .lds_size = LDS_SIZE, .waves = waves };
	static struct simgpu_wave wave[MAX_WAVES];
	struct simgpu_wave_event event;
	enum simgpu_wave_result result;
	bool done[MAX_WAVES] = {};
	u64 executed = 0;
	FILE *f;

	if (waves > MAX_WAVES)
		die("too many waves");
	load_code(argv[5]);
	load(argv[6], data, sizeof(data));
	for (i = 0; i < waves; i++) {
		make_wave(&wave[i], isa, lanes, VGPRS, agprs, &group);
		launch(&wave[i], i);
	}
	for (left = waves; left && executed < RUN_LIMIT;) {
		for (i = 0; i < waves; i++) {
			if (done[i])
				continue;
			result = simgpu_wave_run(&wave[i], step ? 1 : 50 + 7 * i, &event);
			executed += event.executed + (result == SIMGPU_WAVE_BARRIER);
			if (!serve(&wave[i], i, result, &event)) {
				done[i] = true;
				left--;
			}
			if (step)
				save_and_load(&wave[i]);
		}
	}
	if (left)
		printf("does not end\n");
	f = fopen(argv[7], "wb");
	if (!f || fwrite(data, 1, sizeof(data), f) != sizeof(data) || fclose(f))
		die(argv[7]);
	for (i = 0; i < waves; i++)
		free(wave[i].vgpr);
	free(code);
	return 0;
}

static int speed(int argc, char **argv)
{
	const struct simgpu_isa *isa = find(argv[0]);
	struct simgpu_workgroup group = { .lds = lds, .lds_size = LDS_SIZE, .waves = 1 };
	u64 budget = strtoull(argv[3], NULL, 0);
	static struct simgpu_wave wave;
	struct simgpu_wave_event event;
	struct timespec before, after;
	double seconds;

	load_code(argv[2]);
	make_wave(&wave, isa, strtoul(argv[1], NULL, 0), VGPRS, 0, &group);
	launch(&wave, 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	simgpu_wave_run(&wave, budget, &event);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	if (event.executed != budget)
		die("the program ended early");
	seconds = after.tv_sec - before.tv_sec + (after.tv_nsec - before.tv_nsec) / 1e9;
	printf("%.0f\n", budget / seconds);
	free(wave.vgpr);
	free(code);
	return 0;
}

/* ------------------------------------------------------------------ fuzzing */

static u64 random_state;

static u64 random64(void)
{
	/* SplitMix64, Steele, Lea and Flood 2014 */
	u64 z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Half of all first words have an encoding and an opcode that are known. */
static u32 random_word(const struct simgpu_isa *isa)
{
	u32 word = random64(), opcode;
	bool gfx9 = isa->generation == 9, gfx12 = isa->generation == 12;
	enum simgpu_format format = random64() % SIMGPU_FORMATS;

	if (random64() & 1 || !isa->tables[format].count)
		return word;
	do {
		opcode = random64() % isa->tables[format].count;
	} while (!isa->tables[format].rows[opcode]);
	switch (format) {
	case SIMGPU_SOP2:
		return (word & 0x007fffff) | 2u << 30 | opcode << 23;
	case SIMGPU_SOPK:
		return (word & 0x007fffff) | 0xbu << 28 | opcode << 23;
	case SIMGPU_SOP1:
		return (word & 0x007f00ff) | 0x17du << 23 | opcode << 8;
	case SIMGPU_SOPC:
		return (word & 0x0000ffff) | 0x17eu << 23 | opcode << 16;
	case SIMGPU_SOPP:
		return (word & 0x0000000f) | 0x17fu << 23 | opcode << 16;
	case SIMGPU_VOP2:
		return (word & 0x01ffffff) | opcode << 25;
	case SIMGPU_VOP1:
		return (word & 0x01fe01ff) | 0x3fu << 25 | opcode << 9;
	case SIMGPU_VOPC:
		return (word & 0x0001ffff) | 0x3eu << 25 | opcode << 17;
	case SIMGPU_VOP3:
		return (word & 0xff) | (gfx9 ? 0x34u : 0x35u) << 26 | opcode << 16;
	case SIMGPU_VOP3P:
		return (word & 0xff) | 0x4000 | 0x34u << 26 | (0x380 + opcode) << 16;
	case SIMGPU_SMEM:
		word &= gfx9 ? 0x00021fff : 0x00001fff;
		return word | (gfx9 ? 0x30u : 0x3du) << 26 | opcode << (gfx12 ? 13 : 18);
	case SIMGPU_FLAT:
		if (gfx12)
			return (word & 0x0300007f) | 0x3bu << 26 | opcode << 14;
		return (word & 0x0003dfff) | 0x37u << 26 | opcode << 18;
	case SIMGPU_DS:
		return (word & 0x0000ffff) | 0x36u << 26 | opcode << (gfx9 ? 17 : 18);
	default:
		return word;
	}
}

static void random_wave(struct simgpu_wave *wave)
{
	u64 address;
	u32 i, lane;

	wave->pc = CODE_BASE;
	wave->scc = random64() & 1;
	/* Pairs of registers with addresses, so that accesses often succeed. */
	for (i = 0; i < SIMGPU_S_M0; i += 2) {
		address = DATA_BASE + random64() % 0x4000;
		simgpu_wave_set_pair(wave, i, random64() & 3 ? address : random64());
	}
	wave->scalar[SIMGPU_S_M0] = random64();
	simgpu_wave_set_pair(wave, SIMGPU_S_EXEC, random64() & 7 ? random64() : 0);
	for (i = 0; i + 1 < wave->vgprs + wave->agprs; i += 2) {
		bool good = random64() & 7, small = random64() & 1;

		for (lane = 0; lane < wave->lanes; lane++) {
			address = small ? random64() % 0x4000 : DATA_BASE + random64() % 0x4000;
			if (!good)
				address = random64();
			if (!(random64() & 0x3f))
				address = (random64() & 1 ? SHARED_BASE : PRIVATE_BASE) +
					  random64() % 0x4000;
			wave->vgpr[i * wave->lanes + lane] = address;
			wave->vgpr[(i + 1) * wave->lanes + lane] = address >> 32;
		}
	}
	wave->shared_base = SHARED_BASE;
	wave->private_base = PRIVATE_BASE;
	wave->status = random64() & 1 ? SIMGPU_STATUS_PRIV : 0;
	simgpu_wave_set_scratch(wave, DATA_BASE);
}

/*
 * Random instructions: nothing that a sanitizer objects to, and whatever is not executed has
 * changed nothing.
 */
static int fuzz(int argc, char **argv)
{
	const struct simgpu_isa *isa = find(argv[0]);
	struct simgpu_workgroup group = { .lds = lds, .lds_size = LDS_SIZE, .waves = 1 };
	u64 count[ARRAY_SIZE(results)] = {}, n, instructions = strtoull(argv[2], NULL, 0);
	u32 lanes = isa->wave32 ? 32 : 64, i;
	struct simgpu_wave_event event;
	enum simgpu_wave_result result;
	static struct simgpu_wave wave;
	static u8 before_data[0x10000];
	u32 *before, *after;
	size_t dwords;
	int words;

	random_state = strtoull(argv[1], NULL, 0);
	code_bytes = 64;
	code = calloc(1, code_bytes);
	for (n = 0; n < instructions; n++) {
		/* Rarely another size of wave: an allocation of exactly its registers. */
		if (n % 4096 == 0) {
			free(wave.vgpr);
			if (isa->wave32)
				lanes = random64() & 1 ? 32 : 64;
			i = isa->models & SIMGPU_ROW_908 ? random64() % 33 : 0;
			make_wave(&wave, isa, lanes, 8 + random64() % 249, i, &group);
		}
		random_wave(&wave);
		wave.ended = 0;
		wave.state_priv = 0;
		wave.barrier_arrived = 0;
		wave.barrier_passed = group.passed;
		group.waves = 1 + (random64() & 1);
		group.arrived = 0;
		for (i = 0; i < 8; i++)
			code[i] = random64();
		code[0] = random_word(isa);
		/* Operands that are registers of small numbers, and no modifiers. */
		if (random64() & 1)
			code[1] &= code[0] >> 26 == 0x34 || code[0] >> 26 == 0x35 ? 0x07fdfeff :
								    0x3f3f3f3f;
		words = 0;
		dwords = simgpu_wave_dwords(&wave);
		before = malloc(2 * dwords * sizeof(u32));
		if (!before)
			die("memory");
		after = before + dwords;
		simgpu_wave_pack(&wave, before);
		memcpy(before_data, data, sizeof(before_data));
		result = simgpu_wave_run(&wave, 1, &event);
		count[result]++;
		simgpu_wave_pack(&wave, after);
		switch (result) {
		case SIMGPU_WAVE_ILLEGAL:
			if (!event.name[0])
				words = -1;
			fallthrough;
		case SIMGPU_WAVE_FAULT:
		case SIMGPU_WAVE_GWS:
		case SIMGPU_WAVE_TRAP:
			if (words || memcmp(before, after, dwords * sizeof(u32)) ||
			    memcmp(before_data, data, sizeof(before_data))) {
				printf("%s: %08x %08x %08x %s has changed something\n",
				       results[result], code[0], code[1], code[2], event.name);
				return 1;
			}
			break;
		default:
			break;
		}
		if (simgpu_wave_unpack(&wave, after))
			die("a saved wave is refused");
		free(before);
	}
	for (i = 0; i < ARRAY_SIZE(results); i++)
		printf("%s%s %llu", i ? ", " : "", results[i], (unsigned long long)count[i]);
	printf("\n");
	free(wave.vgpr);
	free(code);
	return 0;
}

/* ------------------------------------------------------------------ compared with LLVM */

/* What the decoder has found, in the order of FIELDS in decode.py. */
static void tell_fields(const struct simgpu_instruction *inst, s32 *fields)
{
	const struct simgpu_operation_info *info = inst->info;
	s32 all[] = {
		inst->format, info->kind, info->function, info->dst, info->src[0], info->src[1],
		info->src[2], inst->dst, inst->sdst, inst->src[0], inst->src[1], inst->src[2],
		inst->literal, inst->offset, inst->offsets[0], inst->offsets[1], inst->address,
		inst->saddr, inst->data[0], inst->data[1], inst->acc, inst->returns, inst->segment,
	};

	memcpy(fields, all, sizeof(all));
}

/* Decodes one instruction: 0, or why not; its name, its length and its fields. */
int isa_decode(u32 version, u32 lanes, const u32 *words, char *name, size_t size, u32 *dwords,
	       s32 *fields)
{
	struct simgpu_wave wave = {
		.isa = simgpu_isa_find(version),
		.lanes = lanes,
		.vgprs = 256,
		.agprs = 256,
		/* A trap handler may do all that there is. */
		.status = SIMGPU_STATUS_PRIV,
	};
	struct simgpu_instruction inst;
	int ret = 1;
	u32 count;

	for (count = 1; ret > 0; count = ret) {
		ret = simgpu_isa_decode(&wave, words, count, &inst);
		if (ret > 4)
			return -ENOSPC;
	}
	simgpu_isa_name(wave.isa, &inst, name, size);
	*dwords = inst.dwords;
	if (!ret)
		tell_fields(&inst, fields);
	return ret;
}

/* The number of a kind of operations, by its name. */
int isa_kind(const char *name)
{
	static const struct {
		const char *name;
		enum simgpu_kind kind;
	} kinds[] = {
		{ "NOP", SIMGPU_KIND_NOP }, { "VCNDMASK", SIMGPU_KIND_VCNDMASK },
		{ "VCARRY", SIMGPU_KIND_VCARRY }, { "VCARRYIN", SIMGPU_KIND_VCARRYIN },
		{ "VMAD64", SIMGPU_KIND_VMAD64 }, { "VCMP", SIMGPU_KIND_VCMP },
		{ "VCMPX", SIMGPU_KIND_VCMPX }, { "VLOAD", SIMGPU_KIND_VLOAD },
		{ "VSTORE", SIMGPU_KIND_VSTORE }, { "VATOMIC", SIMGPU_KIND_VATOMIC },
		{ "LLOAD", SIMGPU_KIND_LLOAD }, { "LSTORE", SIMGPU_KIND_LSTORE },
		{ "LLOAD2", SIMGPU_KIND_LLOAD2 }, { "LSTORE2", SIMGPU_KIND_LSTORE2 },
		{ "LATOMIC", SIMGPU_KIND_LATOMIC }, { "LATOMIC_RTN", SIMGPU_KIND_LATOMIC_RTN },
		{ "LSWIZZLE", SIMGPU_KIND_LSWIZZLE }, { "LPERMUTE", SIMGPU_KIND_LPERMUTE },
		{ "LBPERMUTE", SIMGPU_KIND_LBPERMUTE }, { "SLOAD", SIMGPU_KIND_SLOAD },
		{ "SSTORE", SIMGPU_KIND_SSTORE },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return kinds[i].kind;
	return -1;
}

/* What the tables have: the name of an opcode in a segment that has it, or false. */
bool isa_entry(u32 version, u32 format, u32 opcode, u32 segment, char *name, size_t size)
{
	const struct simgpu_isa *isa = simgpu_isa_find(version);
	struct simgpu_instruction inst = { .format = format, .opcode = opcode, .segment = segment };
	u16 row;

	if (opcode >= isa->tables[format].count)
		return false;
	row = isa->tables[format].rows[opcode];
	inst.operation = row & SIMGPU_ROW_OPERATION;
	if (!inst.operation || (row & SIMGPU_ROW_SINCE & ~isa->models))
		return false;
	inst.info = &simgpu_operations[inst.operation];
	if (format == SIMGPU_FLAT && segment != SIMGPU_SEGMENT_GLOBAL &&
	    (inst.info->kind == SIMGPU_KIND_NOP || inst.operation == SIMGPU_OP_atomic_csub))
		return false;
	if (format == SIMGPU_FLAT && segment == SIMGPU_SEGMENT_SCRATCH &&
	    inst.info->kind == SIMGPU_KIND_VATOMIC)
		return false;
	simgpu_isa_name(isa, &inst, name, size);
	return true;
}

int main(int argc, char **argv)
{
	if (argc == 10 && !strcmp(argv[1], "run"))
		return run(argc - 2, argv + 2);
	if (argc == 6 && !strcmp(argv[1], "speed"))
		return speed(argc - 2, argv + 2);
	if (argc == 5 && !strcmp(argv[1], "fuzz"))
		return fuzz(argc - 2, argv + 2);
	die("run, speed or fuzz");
}
