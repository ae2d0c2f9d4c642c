/* SPDX-License-Identifier: MIT */
/*
 * Packet executors: SDMA, PM4 and AQL.
 *
 * An executor runs packets until its stream is empty, its budget is used up
 * or a packet does not complete.  It owns no lock; its caller sees to it that
 * one thread at a time runs it.
 */
#ifndef SIMGPU_PACKET_H
#define SIMGPU_PACKET_H

#include <linux/kfd_ioctl.h>
#include <linux/minmax.h>

#include "simgpu_mem.h"

/**
 * struct simgpu_stream - dwords to be executed
 * @base: address of the buffer
 * @pos: dword that is executed next; counts on and on in a ring
 * @end: first dword that must not be executed yet
 * @mask: dwords of the ring less 1, or 0 for a linear buffer
 */
struct simgpu_stream {
	u64 base;
	u64 pos;
	u64 end;
	u64 mask;
};

int simgpu_stream_read(struct simgpu_space *space, const struct simgpu_stream *stream,
		       u64 offset, u32 *out, unsigned int dwords);
bool simgpu_compare(unsigned int function, u32 value, u32 reference);
u64 simgpu_clock(void);

/**
 * struct simgpu_kernel - what differs on a ring of the kernel
 * @fence: a fence is about to be written
 * @trap: everything before is done
 */
struct simgpu_kernel {
	void (*fence)(struct simgpu_kernel *kernel);
	void (*trap)(struct simgpu_kernel *kernel);
};

/**
 * struct simgpu_sdma - an SDMA queue being executed
 * @space: address space of the ring
 * @ib_space: address space of the indirect buffer, the same for a user queue
 * @ring: the ring
 * @ib: indirect buffer in progress, @ib.end 0 for none.  The packet in the
 *	ring that started it is passed when the buffer is through.
 * @engine: number of the engine
 * @done: bytes that are done of the packet at the position
 * @slice: bytes that are left of this turn
 * @kernel: set on a ring of the kernel
 */
struct simgpu_sdma {
	struct simgpu_space space;
	struct simgpu_space ib_space;
	struct simgpu_stream ring;
	struct simgpu_stream ib;
	unsigned int engine;
	u64 done;
	u64 slice;
	struct simgpu_kernel *kernel;
};

/* Our own packet on rings of the kernel: VMID takes another page directory, TLB flushed. */
#define SIMGPU_SDMA_OP_VM_FLUSH		0xf0
#define SIMGPU_SDMA_VM_FLUSH_DWORDS	3

int simgpu_sdma_run(struct simgpu_sdma *sdma, unsigned int budget);

struct simgpu_dispatch;

/*
 * The turn of a compute queue is so many steps: one for each instruction of a wave, one for each
 * dword that waves or packets move, and some for each packet whatever it does.
 */
#define SIMGPU_TURN_STEPS		4096
#define SIMGPU_PACKET_STEPS		64

static inline void simgpu_take_steps(u64 *left, u64 steps)
{
	*left -= min(*left, steps);
}

/**
 * struct simgpu_pm4 - a PM4 queue being executed
 * @space: address space; on a ring of the kernel, that of the ring
 * @ib_space: on a ring of the kernel alone: address space of the indirect buffer
 * @ring: the ring
 * @ib: indirect buffer in progress, @ib.end 0 for none
 * @dispatch: what it dispatches, NULL where no kernels run
 * @left: steps that are left of this turn
 * @error: KFD exception code of the packet that was refused
 * @kernel: set on a ring of the kernel
 */
struct simgpu_pm4 {
	struct simgpu_space space;
	struct simgpu_space ib_space;
	struct simgpu_stream ring;
	struct simgpu_stream ib;
	struct simgpu_dispatch *dispatch;
	u64 left;
	u32 error;
	struct simgpu_kernel *kernel;
};

/* Our own packet on rings of the kernel, as that of SDMA: VMID, then the page directory. */
#define SIMGPU_PM4_OP_VM_FLUSH		0xf0
#define SIMGPU_PM4_VM_FLUSH_DWORDS	4

int simgpu_pm4_run(struct simgpu_pm4 *pm4);

/**
 * struct simgpu_aql - an AQL queue being executed
 * @space: address space
 * @base: address of the ring
 * @packets: packets that fit the ring, a power of two
 * @rptr: packet that is executed next; counts on and on
 * @wptr: first packet that the producer has not reserved
 * @dispatch: what it dispatches
 * @left: steps that are left of this turn
 * @error: KFD exception code of the packet that was refused
 */
struct simgpu_aql {
	struct simgpu_space space;
	u64 base;
	u64 packets;
	u64 rptr;
	u64 wptr;
	struct simgpu_dispatch *dispatch;
	u64 left;
	u32 error;
};

int simgpu_aql_run(struct simgpu_aql *aql);

/* simgpu_irq.c: interrupts of user queues, as KFD gets them from the IH ring */
void simgpu_irq_sdma_trap(struct simgpu_space *space, unsigned int engine, u32 context);
void simgpu_irq_end_of_pipe(struct simgpu_space *space, u32 context);
void simgpu_irq_bad_opcode(struct simgpu_space *space, u32 doorbell_id, u32 exception);
/* What hardware says is wrong with a wave: type of an error interrupt. */
enum simgpu_wave_error {
	SIMGPU_WAVE_ERROR_ILLEGAL = 1,
	SIMGPU_WAVE_ERROR_MEMORY,
};

void simgpu_irq_wave_message(struct simgpu_space *space, unsigned int engine, u32 data, bool priv);
void simgpu_irq_wave_error(struct simgpu_space *space, unsigned int engine,
			   enum simgpu_wave_error error, bool priv);
void simgpu_irq_page_fault(struct simgpu_space *space);
bool simgpu_irq_retry_fault(struct simgpu_space *space);
void simgpu_irq_init(struct simgpu *sim);
void simgpu_irq_fini(struct simgpu *sim);

#endif
