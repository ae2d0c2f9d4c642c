/* SPDX-License-Identifier: MIT */
/*
 * Dispatches: workgroups of a grid on the compute units.
 */
#ifndef SIMGPU_DISPATCH_H
#define SIMGPU_DISPATCH_H

#include <linux/bitmap.h>
#include <linux/list.h>

#include "simgpu_mem.h"
#include "simgpu_mqd.h"
#include "simgpu_wave.h"

struct simgpu_queue;

/*
 * Registers of a dispatch, as dwords of the MQD: the address of a register, less that of
 * COMPUTE_DISPATCH_INITIATOR, plus 1.  Facts: gc_*_offset.h.
 */
enum simgpu_reg {
	SIMGPU_REG_INITIATOR = 1,
	SIMGPU_REG_DIM_X = 2,
	SIMGPU_REG_START_X = 5,
	SIMGPU_REG_NUM_THREAD_X = 8,
	SIMGPU_REG_PGM_LO = 13,
	SIMGPU_REG_PGM_HI = 14,
	SIMGPU_REG_PKT_LO = 15,
	SIMGPU_REG_PKT_HI = 16,
	SIMGPU_REG_SCRATCH_LO = 17,
	SIMGPU_REG_SCRATCH_HI = 18,
	SIMGPU_REG_RSRC1 = 19,
	SIMGPU_REG_RSRC2 = 20,
	SIMGPU_REG_SE0 = 23,
	SIMGPU_REG_SE1 = 24,
	SIMGPU_REG_TMPRING = 25,
	SIMGPU_REG_SE2 = 26,
	SIMGPU_REG_SE3 = 27,
	SIMGPU_REG_RESTART_X = 28,
	SIMGPU_REG_DISPATCH_ID = 33,
	SIMGPU_REG_THREADGROUP_ID = 34,
	SIMGPU_REG_USER_DATA = 65,
	SIMGPU_REGS = 128,
};

#define SIMGPU_USER_DATA_REGS	16
/* COMPUTE_DISPATCH_INITIATOR */
#define SIMGPU_INITIATOR_SHADER	BIT(0)
#define SIMGPU_INITIATOR_START0	BIT(2)
#define SIMGPU_INITIATOR_THREADS BIT(5)
#define SIMGPU_INITIATOR_W32	BIT(15)

/* Compute units of an XCC, and places in a queue's scratch memory, see COMPUTE_TMPRING_SIZE. */
#define SIMGPU_MAX_UNITS	128
#define SIMGPU_MAX_SLOTS	4096
#define SIMGPU_MAX_GROUP_WAVES	32
/* As many dwords as a wave with all registers, or a workgroup with all LDS, is packed into. */
#define SIMGPU_WAVE_WORDS	SZ_64K

/**
 * struct simgpu_group - a workgroup on a compute unit
 * @node: in simgpu_share.groups
 * @group: what its waves share
 * @id: its number in the grid, X first
 * @unit: number of the compute unit among those that work
 * @waves: waves, also those that have ended
 * @wave: each of them
 * @slot: place of each in the scratch memory
 * @naps: how often each has slept with next to nothing done in between
 * @rest: turns for which each is left alone
 * @gws: at which barrier of global wave sync each stands, 0 for none
 */
struct simgpu_group {
	struct list_head node;
	struct simgpu_workgroup group;
	u32 id;
	u32 unit;
	u32 waves;
	struct simgpu_wave *wave[SIMGPU_MAX_GROUP_WAVES];
	u16 slot[SIMGPU_MAX_GROUP_WAVES];
	u8 naps[SIMGPU_MAX_GROUP_WAVES];
	u8 rest[SIMGPU_MAX_GROUP_WAVES];
	u16 gws[SIMGPU_MAX_GROUP_WAVES];
};

/**
 * struct simgpu_unit - what a compute unit has given away
 * @waves: waves
 * @lds: bytes of LDS
 */
struct simgpu_unit {
	u16 waves;
	u32 lds;
};

/**
 * struct simgpu_share - the part of a dispatch that an XCC has
 * @xcc: number of the XCC in its partition
 * @logical: its number among those that share the work
 * @regs: registers, in the places that they have in the MQD
 * @live: those of them that have been written
 * @next: how many workgroups of its share it has launched
 * @stack_pos: control stack: what was saved begins here
 * @stack_bottom: and ends here
 * @stack_size: bytes of control stack, and where the save area begins behind it
 * @area: address of both, 0 for none; on GFX 9, the stack is behind the MQD
 * @area_size: bytes of both
 * @area_pos: end of what was saved in the save area
 * @reserved: bytes that the groups on the units will need there
 * @reserved_stack: and on the control stack
 * @groups: workgroups on the units
 * @units: the units
 * @turn: unit that is asked next
 * @slots: places of the scratch memory that waves have
 * @gws: resources of global wave sync; each XCC has its own
 */
struct simgpu_share {
	unsigned int xcc;
	unsigned int logical;
	u32 regs[SIMGPU_REGS];
	u32 live[SIMGPU_REGS / 32];
	u64 next;
	u32 stack_pos, stack_bottom, stack_size;
	u64 area;
	u32 area_size, area_pos;
	u32 reserved, reserved_stack;
	struct list_head groups;
	struct simgpu_unit units[SIMGPU_MAX_UNITS];
	unsigned int turn;
	DECLARE_BITMAP(slots, SIMGPU_MAX_SLOTS);
	u32 gws[SIMGPU_GWS];
};

/**
 * struct simgpu_dispatch - the dispatch of a queue
 * @queue: the queue
 * @xccs: XCCs that share the work
 * @share: their parts
 * @target: XCC that PM4 packets are for
 * @first: XCC that goes first in the next turn: one that has a lot to do would else
 *	use up each turn, and waves of another one that it waits for would get none
 * @active: a dispatch is being executed, on all XCCs or on @target alone
 * @spread: on all of them
 * @exception: KFD exception code after -EINVAL
 */
struct simgpu_dispatch {
	struct simgpu_queue *queue;
	unsigned int xccs;
	struct simgpu_share *share[SIMGPU_MAX_XCCS];
	unsigned int target;
	unsigned int first;
	bool active;
	bool spread;
	u32 exception;
};

struct simgpu_dispatch *simgpu_dispatch_alloc(struct simgpu *sim, struct simgpu_queue *queue);
void simgpu_dispatch_free(struct simgpu_dispatch *dispatch);
int simgpu_dispatch_load(struct simgpu_dispatch *dispatch, unsigned int xcc, const u32 *mqd,
			 u32 stack_bottom);
void simgpu_dispatch_save(struct simgpu_dispatch *dispatch, unsigned int xcc, u32 *mqd);

int simgpu_dispatch_set(struct simgpu_dispatch *dispatch, unsigned int reg, u32 value);
int simgpu_dispatch_direct(struct simgpu_dispatch *dispatch, const u32 *dim, u32 initiator);
int simgpu_dispatch_aql(struct simgpu_dispatch *dispatch, u64 packet, u64 index);
int simgpu_dispatch_run(struct simgpu_dispatch *dispatch, u64 *left);

#endif
