/* SPDX-License-Identifier: MIT */
/*
 * A simulated GPU under amdgpu and amdkfd: what its files share.
 */
#ifndef SIMGPU_H
#define SIMGPU_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <drm/ttm/ttm_resource.h>

#include "simgpu_config.h"
#include "simgpu_desc.h"

/* PCI device id: not one of AMD's, amdgpu's table gets it with AMD_IS_SIMGPU. */
#define SIMGPU_DEVICE_ID	0x51d0

#define SIMGPU_MAX_SDMA		16
/* Rings of the kernel for jobs of DRM's clients, beside those of SDMA; see simgpu_cp.c. */
#define SIMGPU_GFX_RINGS	1
#define SIMGPU_COMPUTE_RINGS	2
#define SIMGPU_MAX_RINGS	(SIMGPU_MAX_SDMA + SIMGPU_GFX_RINGS + SIMGPU_COMPUTE_RINGS)
/* VMIDs of the hardware; 0 is the kernel's. */
#define SIMGPU_NUM_VMID		16
/*
 * Address spaces: the VMIDs, then one for each process that the HIQ or MES has
 * mapped.  Real firmware swaps processes in and out of a few VMIDs; here each
 * has one of its own for as long as it is mapped.
 */
#define SIMGPU_NUM_SPACES	(SIMGPU_NUM_VMID + 256)
#define SIMGPU_TLB_ENTRIES	1024
/* Dwords of the largest MQD, see struct simgpu_mqd_layout. */
#define SIMGPU_MAX_MQD_DWORDS	512

struct amdgpu_device;
struct amdgpu_ring;
struct dentry;
struct kfd2kgd_calls;
struct pci_dev;
struct simgpu_queue;
struct simgpu_ring;

/**
 * struct simgpu_tlb_entry - one cached translation of a page of 4 KiB
 * @page: number of the virtual page
 * @space: address space, or U32_MAX for an empty entry
 * @pte: flags of the leaf
 * @kva: kernel address of the page behind it
 */
struct simgpu_tlb_entry {
	u64 page;
	u32 space;
	u64 pte;
	void *kva;
};

/**
 * struct simgpu_mmu - page tables and software TLB
 * @lock: held from a translation until the access through it is over, so that
 *	whoever invalidates has waited for accesses under the old translation.
 *	Innermost lock but for the bus registry's.
 * @root: page directory entry that each address space starts from
 * @pasid: process that an address space belongs to, 0 for none
 * @partition: partition of the GPU that an address space is on
 * @tma: memory of the trap handler of that process, 0 for none
 * @retry: an access of that process waits for a page that is not there (XNACK)
 * @tlb: direct mapped cache
 * @hits: translations found in @tlb
 * @misses: translations that walked the page tables
 * @flushes: invalidations asked for by the driver
 * @faults: accesses that were refused
 */
struct simgpu_mmu {
	/* a translation and the access through it, see above */
	spinlock_t lock;
	u64 root[SIMGPU_NUM_SPACES];
	u32 pasid[SIMGPU_NUM_SPACES];
	u8 partition[SIMGPU_NUM_SPACES];
	u64 tma[SIMGPU_NUM_SPACES];
	bool retry[SIMGPU_NUM_SPACES];
	struct simgpu_tlb_entry tlb[SIMGPU_TLB_ENTRIES];
	u64 hits, misses, flushes, faults;
};

/**
 * struct simgpu_retry - the page that the driver is asked for
 * @work: asks it
 * @pending: until it has answered
 * @pasid: process
 * @vmid: VMID of the process, or one of its partition
 * @node: number of the part of the GPU that the access came from
 * @va: address of the page
 * @write: it was a write
 *
 * Only @work looks at it while @pending is set.
 */
struct simgpu_retry {
	struct work_struct work;
	bool pending;
	u32 pasid;
	u32 vmid;
	u32 node;
	u64 va;
	bool write;
};

/**
 * enum simgpu_knob - failures on demand, each for one operation
 * @SIMGPU_FAIL_BO_ALLOC: the next buffer object gets no memory
 * @SIMGPU_FAIL_MAP: the next page table gets no memory
 * @SIMGPU_FAIL_QUEUE_LOAD: the next user queue is not taken by the hardware
 * @SIMGPU_FAIL_PREEMPT: the next compute queue does not leave the hardware
 * @SIMGPU_FAIL_PREEMPT_SDMA: nor does the next SDMA queue
 * @SIMGPU_FAIL_FENCE: the next fence of a kernel ring signals an error
 * @SIMGPU_NUM_KNOBS: number of knobs
 */
enum simgpu_knob {
	SIMGPU_FAIL_BO_ALLOC,
	SIMGPU_FAIL_MAP,
	SIMGPU_FAIL_QUEUE_LOAD,
	SIMGPU_FAIL_PREEMPT,
	SIMGPU_FAIL_PREEMPT_SDMA,
	SIMGPU_FAIL_FENCE,
	SIMGPU_NUM_KNOBS,
};

/**
 * struct simgpu_manager - a memory manager that a knob can make fail
 * @original: functions of the real one
 * @wrapped: the same, but for the allocation
 */
struct simgpu_manager {
	const struct ttm_resource_manager_func *original;
	struct ttm_resource_manager_func wrapped;
};

/**
 * struct simgpu - one simulated GPU
 * @adev: the device of amdgpu
 * @desc: its generation
 * @gpu: its number in the configuration
 * @die: number of its die
 * @num_xcc: XCCs
 * @num_partitions: partitions, each with the same number of XCCs, and a node of KFD's
 * @num_sdma: SDMA engines
 * @doorbell: doorbell BAR, as the CPU's user space sees it
 * @mmu: address translation
 * @retry: the last retry fault, under @lock
 * @lock: the user queues and their execution.  Taken below KFD's queue manager
 *	lock and above @mmu.lock.  The engine needs it to make progress while
 *	others wait for the GPU in reclaim: nothing may allocate under it in a
 *	way that enters reclaim.
 * @queues: loaded user queues and the HIQ, under @lock
 * @suspended: no user queue is executed, under @lock
 * @round: turns of all queues so far, under @lock
 * @signatures: firmware leaves signatures in MQDs, see simgpu_mqd_sign()
 * @mqd_bits: firmware's bits of a compute MQD, constant
 * @sdma_mqd_bits: the same of an SDMA MQD
 * @mqd_words: a MQD that is being signed, under @lock
 * @wave_words: a wave or workgroup that is being saved or loaded, under @lock
 * @mqd_nonces: counts what leaves the hardware, for the nonces of MQDs; under @lock
 * @thread: executes the queues
 * @wake: wakes @thread when a queue is loaded
 * @rings: kernel rings: one for each SDMA engine, then those of graphics and of compute
 * @rings_paused: kernel rings do not move
 * @fence_delay_us: how long a fence of a kernel ring is held back
 * @reset_held: a reset waits until this is 0, with KFD stopped
 * @resets: how many resets have got to where @reset_held stops them
 * @knobs: failures asked for and not yet delivered
 * @nth: how many operations until the one that fails, 0 for none
 * @nth_failed: the kind of the one that did, %SIMGPU_NUM_KNOBS before
 * @packets: packets executed
 * @instructions: instructions of waves executed
 * @debugfs: directory of the knobs
 * @managers: GTT's and VRAM's memory managers, constant while user space is there
 */
struct simgpu {
	struct amdgpu_device *adev;
	const struct simgpu_desc *desc;
	unsigned int gpu;
	unsigned int die;
	unsigned int num_xcc, num_partitions, num_sdma;
	void *doorbell;
	struct simgpu_mmu mmu;
	struct simgpu_retry retry;

	/* @queues and the execution of user queues */
	struct mutex lock;
	struct list_head queues;
	bool suspended;
	u32 round;
	bool signatures;
	u32 mqd_bits[SIMGPU_MAX_MQD_DWORDS];
	u32 sdma_mqd_bits[SIMGPU_MAX_MQD_DWORDS];
	u32 mqd_words[SIMGPU_MAX_MQD_DWORDS];
	u32 mqd_nonces;
	u32 *wave_words;
	struct task_struct *thread;
	wait_queue_head_t wake;

	struct simgpu_ring *rings[SIMGPU_MAX_RINGS];
	bool rings_paused;
	u32 fence_delay_us;
	u32 reset_held;
	u32 resets;

	atomic_t knobs[SIMGPU_NUM_KNOBS];
	atomic_t nth;
	enum simgpu_knob nth_failed;
	atomic64_t packets;
	atomic64_t instructions;
	struct dentry *debugfs;
	struct simgpu_manager managers[2];
};

/**
 * simgpu_xccs - XCCs that run a queue together
 * @sim: GPU
 *
 * Context: any.
 * Return: XCCs of a partition.
 */
static inline unsigned int simgpu_xccs(const struct simgpu *sim)
{
	return sim->num_xcc / sim->num_partitions;
}

/* simgpu_bus.c */
#if IS_ENABLED(CONFIG_DRM_AMDGPU_SIMGPU)
void simgpu_bus_init(void);
void simgpu_bus_exit(void);
#else
static inline void simgpu_bus_init(void) {}
static inline void simgpu_bus_exit(void) {}
#endif
const struct simgpu_config *simgpu_bus_config(void);
int simgpu_bus_gpu(const struct pci_dev *pdev);
int simgpu_bus_attach(struct simgpu *sim);
void simgpu_bus_detach(struct simgpu *sim);
void *simgpu_bus_kva(u64 address);

/* simgpu_ip.c, simgpu_kfd.c, simgpu_ring.c */
#if IS_ENABLED(CONFIG_DRM_AMDGPU_SIMGPU)
int simgpu_set_ip_blocks(struct amdgpu_device *adev);
void simgpu_rings_irq(struct simgpu *sim, bool on);
const struct kfd2kgd_calls *simgpu_kfd2kgd_calls(void);
#else
static inline int simgpu_set_ip_blocks(struct amdgpu_device *adev)
{
	return -ENODEV;
}

static inline const struct kfd2kgd_calls *simgpu_kfd2kgd_calls(void)
{
	return NULL;
}

static inline void simgpu_rings_irq(struct simgpu *sim, bool on) {}
#endif

/* simgpu_debugfs.c */
void simgpu_debugfs_init(struct simgpu *sim);
void simgpu_debugfs_fini(struct simgpu *sim);
void simgpu_wrap_memory_managers(struct simgpu *sim);
void simgpu_unwrap_memory_managers(struct simgpu *sim);

/**
 * simgpu_fail - is a failure due
 * @sim: GPU
 * @knob: which one
 *
 * Context: any.
 * Return: true once for each failure that was asked for by its kind, and for
 * the operation that was asked for by its number.
 */
static inline bool simgpu_fail(struct simgpu *sim, enum simgpu_knob knob)
{
	if (!atomic_dec_if_positive(&sim->nth)) {
		WRITE_ONCE(sim->nth_failed, knob);
		return true;
	}
	return atomic_dec_if_positive(&sim->knobs[knob]) >= 0;
}

#endif
