/* SPDX-License-Identifier: MIT */
/*
 * Waves: the instruction interpreter.  Plain C with no device behind it, integers only.
 *
 * A wave belongs to one thread at a time, and so do all waves of a workgroup.
 */
#ifndef SIMGPU_WAVE_H
#define SIMGPU_WAVE_H

#include <linux/bits.h>
#include <linux/types.h>

#define SIMGPU_WAVE_MAX_LANES	64

/*
 * Places in struct simgpu_wave.scalar.  They are the numbers that GFX 9 and 10 encode; GFX 11
 * encodes M0 as 125, but it is kept here, too.  FLAT_SCRATCH and XNACK_MASK have these places on
 * GFX 9 alone: later ones have plain registers there.
 */
#define SIMGPU_S_FLAT_SCRATCH	102
#define SIMGPU_S_XNACK_MASK	104
#define SIMGPU_S_VCC		106
#define SIMGPU_S_TTMP		108
#define SIMGPU_S_M0		124
#define SIMGPU_S_EXEC		126
#define SIMGPU_SCALARS		128

/* Bits of struct simgpu_wave.status that the interpreter minds; the same on GFX 9 to 12. */
#define SIMGPU_STATUS_PRIV	BIT(5)

struct simgpu_isa;
struct simgpu_wave;

/**
 * enum simgpu_atomic - what an atomic access does with memory
 * @SIMGPU_ATOMIC_SWAP: data
 * @SIMGPU_ATOMIC_CMPSWAP: data if memory is what it is compared with
 * @SIMGPU_ATOMIC_ADD: memory + data
 * @SIMGPU_ATOMIC_SUB: memory - data
 * @SIMGPU_ATOMIC_RSUB: data - memory
 * @SIMGPU_ATOMIC_SMIN: the lesser one, signed
 * @SIMGPU_ATOMIC_UMIN: the lesser one, unsigned
 * @SIMGPU_ATOMIC_SMAX: the greater one, signed
 * @SIMGPU_ATOMIC_UMAX: the greater one, unsigned
 * @SIMGPU_ATOMIC_AND: memory & data
 * @SIMGPU_ATOMIC_OR: memory | data
 * @SIMGPU_ATOMIC_XOR: memory ^ data
 * @SIMGPU_ATOMIC_INC: memory + 1, but 0 from data on
 * @SIMGPU_ATOMIC_DEC: memory - 1, but data at 0 and above data
 * @SIMGPU_ATOMIC_SUB_CLAMP: memory - data, but 0 instead of less
 * @SIMGPU_ATOMIC_MSKOR: (memory & ~data) | the second operand
 */
enum simgpu_atomic {
	SIMGPU_ATOMIC_SWAP,
	SIMGPU_ATOMIC_CMPSWAP,
	SIMGPU_ATOMIC_ADD,
	SIMGPU_ATOMIC_SUB,
	SIMGPU_ATOMIC_RSUB,
	SIMGPU_ATOMIC_SMIN,
	SIMGPU_ATOMIC_UMIN,
	SIMGPU_ATOMIC_SMAX,
	SIMGPU_ATOMIC_UMAX,
	SIMGPU_ATOMIC_AND,
	SIMGPU_ATOMIC_OR,
	SIMGPU_ATOMIC_XOR,
	SIMGPU_ATOMIC_INC,
	SIMGPU_ATOMIC_DEC,
	SIMGPU_ATOMIC_SUB_CLAMP,
	SIMGPU_ATOMIC_MSKOR,
};

u64 simgpu_atomic_result(enum simgpu_atomic operation, unsigned int bytes, u64 memory, u64 data,
			 u64 compare);

/**
 * struct simgpu_wave_ops - memory and time, as the wave's process sees them
 * @fetch: read instructions; @bytes is 4 or 64, an aligned block in which all or nothing can be
 *	executed
 * @read: read 1 to 64 bytes
 * @write: write 1 to 16 bytes
 * @probe: would an access succeed?  Nothing is done.  An access by several lanes that changes
 *	memory is probed for all of them first, so that a fault leaves nothing half done; what a
 *	probe has allowed must not fail in the same step.
 * @atomic: replace 4 or 8 bytes by simgpu_atomic_result(), in one piece for everybody who
 *	accesses that memory with @atomic or from elsewhere; *@old is what was there before
 * @clock: ticks of the constant clock, 100 MHz
 *
 * All return 0 or a negative errno, -EFAULT for what the page tables do not allow.  @context is
 * struct simgpu_wave.context.  Addresses are aligned or not, just as the program has them.
 */
struct simgpu_wave_ops {
	int (*fetch)(void *context, u64 address, void *data, unsigned int bytes);
	int (*read)(void *context, u64 address, void *data, unsigned int bytes);
	int (*write)(void *context, u64 address, const void *data, unsigned int bytes);
	int (*probe)(void *context, u64 address, unsigned int bytes, bool write);
	int (*atomic)(void *context, u64 address, enum simgpu_atomic operation, unsigned int bytes,
		      u64 data, u64 compare, u64 *old);
	u64 (*clock)(void *context);
};

/**
 * struct simgpu_workgroup - what the waves of a workgroup share
 * @lds: local data share, or NULL
 * @lds_size: its size in bytes
 * @waves: waves that have not ended; whoever makes the workgroup sets it
 * @arrived: waves that have arrived at the barrier
 * @passed: how often the barrier has opened
 *
 * The interpreter counts @waves down when a wave ends, which may open the barrier.
 */
struct simgpu_workgroup {
	u8 *lds;
	u32 lds_size;
	u32 waves;
	u32 arrived;
	u32 passed;
};

/**
 * struct simgpu_wave - a wave
 * @isa: instructions that it knows
 * @ops: memory and time
 * @context: for @ops
 * @group: the workgroup, always set
 * @lanes: 32 or 64
 * @vgprs: vector registers (v0 to v<@vgprs - 1>).  Where there is one file for both kinds, this is
 *	where the accumulation registers begin, ACCUM_OFFSET.
 * @agprs: accumulation registers after them, 0 where there are none
 * @vgpr: the file: register r of lane l is [r * @lanes + l], a<n> is register @vgprs + n
 * @pc: byte address of the next instruction
 * @scc: scalar condition code, 0 or 1
 * @scalar: SGPRs and what is encoded like one
 * @flat_scratch: address of this wave's scratch, on GFX 10 and later; before, it is in @scalar
 * @shared_base: first address of the LDS aperture, a multiple of 4 GiB
 * @private_base: first address of the scratch aperture, a multiple of 4 GiB
 * @tba: address of the trap handler, bytes
 * @tma: memory of the trap handler, bytes
 * @mode: register MODE
 * @status: register STATUS without what is kept elsewhere: SCC, EXECZ, VCCZ
 * @state_priv: register STATE_PRIV (GFX 12), without SCC
 * @trapsts: register TRAPSTS, EXCP_FLAG_USER on GFX 12
 * @excp_priv: register EXCP_FLAG_PRIV (GFX 12)
 * @trap_ctrl: register TRAP_CTRL (GFX 12)
 * @hw_id: registers HW_ID1 (HW_ID on GFX 9) and HW_ID2
 * @xcc_id: register XCC_ID (9.4.3)
 * @gpr_alloc: register GPR_ALLOC
 * @lds_alloc: register LDS_ALLOC
 * @ib_sts: register IB_STS
 * @sh_mem_bases: register SH_MEM_BASES
 * @doorbell: what a program gets that asks for its queue's doorbell id
 * @barrier_passed: how many openings of the barrier this wave has seen
 * @barrier_arrived: it stands at a barrier that it has arrived at
 * @ended: it has ended
 * @line: instructions fetched in this run
 * @line_address: where they are from, 1 for nowhere
 * @buffer: data of the memory instruction that is being executed
 *
 * Everything from @pc to @ended is state, as are the registers in @vgpr; simgpu_wave_pack() knows
 * all of it.  The rest is given by whoever makes or loads the wave.
 */
struct simgpu_wave {
	const struct simgpu_isa *isa;
	const struct simgpu_wave_ops *ops;
	void *context;
	struct simgpu_workgroup *group;
	u32 lanes;
	u32 vgprs;
	u32 agprs;
	u32 *vgpr;

	u64 pc;
	u32 scc;
	u32 scalar[SIMGPU_SCALARS];
	u64 flat_scratch;
	u64 shared_base;
	u64 private_base;
	u64 tba;
	u64 tma;
	u32 mode;
	u32 status;
	u32 state_priv;
	u32 trapsts;
	u32 excp_priv;
	u32 trap_ctrl;
	u32 hw_id[2];
	u32 xcc_id;
	u32 gpr_alloc;
	u32 lds_alloc;
	u32 ib_sts;
	u32 sh_mem_bases;
	u32 doorbell;
	u32 barrier_passed;
	u32 barrier_arrived;
	u32 ended;

	u32 line[16];
	u64 line_address;
	u32 buffer[SIMGPU_WAVE_MAX_LANES * 4];
};

/**
 * enum simgpu_wave_result - why simgpu_wave_run() has returned
 * @SIMGPU_WAVE_RUNS: the budget is used up
 * @SIMGPU_WAVE_ENDED: S_ENDPGM
 * @SIMGPU_WAVE_BARRIER: the barrier is closed; another run looks at it again.  The PC is at the
 *	instruction that waits.
 * @SIMGPU_WAVE_SLEEPS: S_SLEEP was executed, @value: 64 clocks each
 * @SIMGPU_WAVE_MESSAGE: S_SENDMSG was executed, @value: its immediate, @data: M0
 * @SIMGPU_WAVE_TRAP: S_TRAP, @value: its number; the PC is still there.  simgpu_wave_trap() enters
 *	the handler.
 * @SIMGPU_WAVE_HALTED: the wave has set HALT in its status, and is behind that instruction
 * @SIMGPU_WAVE_GWS: a global wave sync instruction, @value: enum simgpu_wave_gws, @resource, @data;
 *	the PC is still there.  simgpu_wave_pass() goes on behind it, when it is done.
 * @SIMGPU_WAVE_ILLEGAL: an instruction that hardware or the interpreter does not have: @words,
 *	@dwords and @name.  The PC is still there.
 * @SIMGPU_WAVE_FAULT: memory at @address can't be accessed, @error, @write.  The PC is still there,
 *	and nothing of the instruction was done.
 */
enum simgpu_wave_result {
	SIMGPU_WAVE_RUNS,
	SIMGPU_WAVE_ENDED,
	SIMGPU_WAVE_BARRIER,
	SIMGPU_WAVE_SLEEPS,
	SIMGPU_WAVE_MESSAGE,
	SIMGPU_WAVE_TRAP,
	SIMGPU_WAVE_HALTED,
	SIMGPU_WAVE_GWS,
	SIMGPU_WAVE_ILLEGAL,
	SIMGPU_WAVE_FAULT,
};

/**
 * enum simgpu_wave_gws - global wave sync operations
 * @SIMGPU_GWS_INIT: set the resource to data + 1 waves
 * @SIMGPU_GWS_BARRIER: wait until as many waves as data + 1 have arrived
 * @SIMGPU_GWS_SEMA_V: release one
 * @SIMGPU_GWS_SEMA_BR: release data
 * @SIMGPU_GWS_SEMA_P: take one
 * @SIMGPU_GWS_SEMA_RELEASE_ALL: release all that wait
 */
enum simgpu_wave_gws {
	SIMGPU_GWS_INIT,
	SIMGPU_GWS_BARRIER,
	SIMGPU_GWS_SEMA_V,
	SIMGPU_GWS_SEMA_BR,
	SIMGPU_GWS_SEMA_P,
	SIMGPU_GWS_SEMA_RELEASE_ALL,
};

#define SIMGPU_WAVE_NAME	48

/**
 * struct simgpu_wave_event - what simgpu_wave_run() tells beside its result
 * @executed: instructions that were executed
 * @moved: bytes of memory, without LDS, that they read and wrote
 * @value: see enum simgpu_wave_result
 * @data: of a message M0; of a GWS operation the first active lane's data
 * @resource: of a GWS operation: its resource, 0 to 63, from the instruction and M0
 * @address: that could not be accessed
 * @error: negative errno of that access
 * @write: it would have changed memory
 * @dwords: length of the instruction, for all results that leave the PC at one
 * @words: the instruction, as far as it could be read
 * @name: "v_add_f32" or "VOP3 opcode 0x1c3", and what is wrong with it
 */
struct simgpu_wave_event {
	u64 executed;
	u64 moved;
	u32 value;
	u32 data;
	u32 resource;
	u64 address;
	int error;
	bool write;
	u32 dwords;
	u32 words[4];
	char name[SIMGPU_WAVE_NAME];
};

const struct simgpu_isa *simgpu_isa_find(u32 gc_version);
bool simgpu_isa_has_lanes(const struct simgpu_isa *isa, unsigned int lanes);
bool simgpu_isa_unified(const struct simgpu_isa *isa);

int simgpu_wave_init(struct simgpu_wave *wave);
enum simgpu_wave_result simgpu_wave_run(struct simgpu_wave *wave, u64 budget,
					struct simgpu_wave_event *event);
void simgpu_wave_pass(struct simgpu_wave *wave, const struct simgpu_wave_event *event);
void simgpu_wave_trap(struct simgpu_wave *wave, unsigned int number);
u32 simgpu_wave_status(const struct simgpu_wave *wave);
u32 simgpu_wave_state_priv(const struct simgpu_wave *wave);
void simgpu_wave_halt(struct simgpu_wave *wave, bool halt);
bool simgpu_wave_waits(const struct simgpu_wave *wave);

size_t simgpu_wave_dwords(const struct simgpu_wave *wave);
void simgpu_wave_pack(const struct simgpu_wave *wave, u32 *out);
int simgpu_wave_unpack(struct simgpu_wave *wave, const u32 *in);
size_t simgpu_workgroup_dwords(const struct simgpu_workgroup *group);
void simgpu_workgroup_pack(const struct simgpu_workgroup *group, u32 *out);
int simgpu_workgroup_unpack(struct simgpu_workgroup *group, const u32 *in);

static inline u64 simgpu_wave_pair(const struct simgpu_wave *wave, unsigned int place)
{
	return wave->scalar[place] | (u64)wave->scalar[place + 1] << 32;
}

static inline void simgpu_wave_set_pair(struct simgpu_wave *wave, unsigned int place, u64 value)
{
	wave->scalar[place] = (u32)value;
	wave->scalar[place + 1] = (u32)(value >> 32);
}

/* Where the wave's scratch begins, wherever this generation keeps the address. */
void simgpu_wave_set_scratch(struct simgpu_wave *wave, u64 address);

#endif
