/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helper library of the KFD selftests: a KFD process, its GPUs, buffer
 * objects, queues, events and SVM ranges, through the ioctls alone.
 *
 * Nothing in here knows whether the GPUs are simulated: it must work the same
 * on ROCm hardware.  Functions return 0 or a negative errno unless they say
 * otherwise; they never exit and never print.
 */
#ifndef KFD_LIB_H
#define KFD_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/kfd_ioctl.h>

#define KFD_MAX_GPUS		8
#define KFD_PAGE		4096UL

/**
 * struct kfd_gpu - one KFD node of type GPU, as seen in the topology
 * @node: node number in the topology
 * @gpu_id: id the kernel knows it by
 * @render_minor: minor of its render node
 * @drm_fd: open render node whose VM this process acquired, or -1
 * @gfx_version: gfx_target_version, e.g. 90006
 * @num_xcc: XCCs behind the node
 * @partition: which part of a divided GPU the node is, from 0
 * @cwsr_size: bytes of context save area one queue needs, header included,
 *	debugger area excluded
 * @ctl_stack_size: bytes of control stack within @cwsr_size
 * @debug_size: bytes of debugger area behind it, over all XCCs
 * @vram_size: bytes of local memory
 * @num_sdma: SDMA engines
 * @num_sdma_queues: queues that all of them can have
 * @aperture: limits of the GPUVM aperture
 */
struct kfd_gpu {
	int node;
	uint32_t gpu_id;
	int render_minor;
	int drm_fd;
	uint32_t gfx_version;
	uint32_t num_xcc;
	uint32_t partition;
	uint32_t cwsr_size;
	uint32_t ctl_stack_size;
	uint64_t debug_size;
	uint64_t vram_size;
	uint32_t num_sdma, num_sdma_queues;
	uint64_t gpuvm_base, gpuvm_limit;
	uint64_t lds_base, scratch_base;
};

/* A process' view of KFD: the fd and every GPU in topology order. */
struct kfd {
	int fd;
	unsigned int ngpu;
	struct kfd_gpu gpu[KFD_MAX_GPUS];
};

/* Topology alone, without opening anything: what a dumper does. */
int kfd_topology(struct kfd *k);
/* Value of one line of a node's properties file; 0 when it is not there. */
uint64_t kfd_node_property(int node, const char *name);
/* The same of any file of that form. */
uint64_t kfd_file_property(const char *path, const char *name);
/* Open /dev/kfd, read topology and apertures; no VM acquired yet. */
int kfd_open(struct kfd *k);
/* Open the render node of GPU @g and acquire its VM. */
int kfd_acquire(struct kfd *k, unsigned int g);
/*
 * Of so many GPUs, how many a process is to acquire: all, or as many as the
 * environment variable KFD_TEST_GPUS says.  KFD knows of the others what it knows of a
 * GPU that a process has not used yet.
 */
unsigned int kfd_test_gpus(unsigned int there);
/* kfd_open() and kfd_acquire() of kfd_test_gpus(); the process sees no others. */
int kfd_open_all(struct kfd *k);
void kfd_close(struct kfd *k);
/* Index of a gpu id, or -1. */
int kfd_gpu_index(const struct kfd *k, uint32_t gpu_id);

/* --- buffer objects --- */

#define KFD_BO_VRAM	(KFD_IOC_ALLOC_MEM_FLAGS_VRAM | KFD_IOC_ALLOC_MEM_FLAGS_PUBLIC | \
			 KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE | KFD_IOC_ALLOC_MEM_FLAGS_EXECUTABLE)
#define KFD_BO_GTT	(KFD_IOC_ALLOC_MEM_FLAGS_GTT | KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE | \
			 KFD_IOC_ALLOC_MEM_FLAGS_EXECUTABLE | KFD_IOC_ALLOC_MEM_FLAGS_COHERENT)
#define KFD_BO_USERPTR	(KFD_IOC_ALLOC_MEM_FLAGS_USERPTR | KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE | \
			 KFD_IOC_ALLOC_MEM_FLAGS_EXECUTABLE | KFD_IOC_ALLOC_MEM_FLAGS_COHERENT)
#define KFD_BO_DOORBELL	(KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL | KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE | \
			 KFD_IOC_ALLOC_MEM_FLAGS_COHERENT)
#define KFD_BO_MMIO	(KFD_IOC_ALLOC_MEM_FLAGS_MMIO_REMAP | KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE | \
			 KFD_IOC_ALLOC_MEM_FLAGS_COHERENT)

/**
 * struct kfd_bo - a buffer object of KFD
 * @va: address on the GPUs, and of the CPU mapping (they are equal)
 * @cpu: CPU mapping, or NULL
 * @mapped: bit mask of GPU indices it is mapped on
 * @reserved: the library chose va, and gives the address range back on destroy
 */
struct kfd_bo {
	uint64_t va, size, handle, mmap_offset;
	uint32_t flags;
	unsigned int gpu;
	unsigned int mapped;
	bool reserved;
	void *cpu;
};

/*
 * Allocate at @va (0: the library picks an address that is free on CPU and GPU).
 * For USERPTR the memory behind va is mapped privately by the library when
 * @va is 0, else it must exist.
 */
int kfd_bo_alloc(struct kfd *k, struct kfd_bo *bo, unsigned int gpu, uint64_t va,
		 uint64_t size, uint32_t flags);
/* Map on the GPUs whose bits are set in @mask / unmap from them. */
int kfd_bo_map(struct kfd *k, struct kfd_bo *bo, unsigned int mask);
int kfd_bo_unmap(struct kfd *k, struct kfd_bo *bo, unsigned int mask);
/* mmap at va through the render node (doorbell, MMIO: through /dev/kfd). */
int kfd_bo_mmap(struct kfd *k, struct kfd_bo *bo);
/* alloc + map(mask) + mmap (not for USERPTR, whose cpu is va) */
int kfd_bo_create(struct kfd *k, struct kfd_bo *bo, unsigned int gpu, uint64_t va,
		  uint64_t size, uint32_t flags, unsigned int mask);
/* Unmap everywhere and free; the CPU mapping stays. */
int kfd_bo_free(struct kfd *k, struct kfd_bo *bo);
/* The same, and munmap. */
int kfd_bo_destroy(struct kfd *k, struct kfd_bo *bo);
/* dma-buf of the BO, or negative errno. */
int kfd_bo_export(struct kfd *k, struct kfd_bo *bo);
/* CPU mapping of a dma-buf through a render node (CRIU's way to contents). */
void *kfd_dmabuf_mmap(int drm_fd, int dmabuf_fd, uint64_t size);

/* --- queues --- */

enum kfd_queue_kind { KFD_Q_SDMA, KFD_Q_AQL, KFD_Q_PM4 };

/**
 * struct kfd_queue - a user mode queue and the BOs it lives in
 * @put: wptr to be submitted next; bytes for SDMA, dwords for PM4, packets for AQL
 * @rptr/@wptr: the words the GPU reads and writes, in @ptrs
 * @gfx_version: of the GPU; some packets differ between generations
 * @overrun: a packet was dropped because the GPU did not make room in time
 */
struct kfd_queue {
	enum kfd_queue_kind kind;
	unsigned int gpu;
	uint32_t id;
	uint32_t priority, percentage;
	struct kfd_bo ring, ptrs, eop, cwsr;
	uint64_t doorbell_offset;
	volatile uint64_t *doorbell;
	void *doorbell_page;
	volatile uint64_t *rptr, *wptr;
	uint64_t put;
	uint32_t gfx_version;
	bool overrun;
};

#define KFD_RING_SIZE	65536u

/*
 * All BOs at va .. va + kfd_queue_span(); @va 0: library picks.  Mapped on
 * every GPU, but for the EOP buffer, which is VRAM mapped on its own GPU.
 */
int kfd_queue_create(struct kfd *k, struct kfd_queue *q, enum kfd_queue_kind kind,
		     unsigned int gpu, uint64_t va);
uint64_t kfd_queue_span(struct kfd *k, enum kfd_queue_kind kind, unsigned int gpu);
int kfd_queue_update(struct kfd *k, struct kfd_queue *q, uint32_t percentage, uint32_t priority);
int kfd_queue_set_cu_mask(struct kfd *k, struct kfd_queue *q, const uint32_t *mask, uint32_t bits);
/* Destroy the queue and its BOs. */
int kfd_queue_destroy(struct kfd *k, struct kfd_queue *q);
/* Map the doorbell of a restored queue anew from @doorbell_offset. */
int kfd_queue_map_doorbell(struct kfd *k, struct kfd_queue *q);
/* Publish wptr and ring the doorbell. */
void kfd_queue_submit(struct kfd_queue *q);
/*
 * Wait until the GPU has consumed all that was submitted; -ETIMEDOUT.
 * -EOVERFLOW when packets had to be dropped before.
 */
int kfd_queue_drain(struct kfd_queue *q, unsigned int ms);

/**
 * struct kfd_patience - memory that waiting processes share with a watcher
 * @waits: how many waits have begun
 * @waiting: the number of the last wait, until it ends; else 0
 * @given_up: the number of a wait that is to end now
 *
 * The event that somebody waits for may never come.  A watcher may know this before the time
 * is over.
 */
struct kfd_patience {
	uint32_t waits, waiting, given_up;
};

/* NULL: only the event or the time limit ends a wait.  Child processes inherit it. */
extern struct kfd_patience *kfd_patience;

/* True once *p == v; polls up to @ms, or until given up. */
bool kfd_wait32(const volatile uint32_t *p, uint32_t v, unsigned int ms);
bool kfd_wait64(const volatile uint64_t *p, uint64_t v, unsigned int ms);
/*
 * Let each GPU in the mask @gpus have its turn: when it returns 0, new queues, one for each
 * SDMA engine and one for compute, have done a job; else -ETIMEDOUT or another error.  By then,
 * schedulers have dealt with all queues anew, and engines have dealt with theirs, so that other
 * queues had the chance to run.  Hardware promises no order between queues: a queue that must
 * not run may still run later, unseen, but a queue that does not run is never taken for one
 * that does.
 */
int kfd_turns(struct kfd *k, unsigned int gpus);

/*
 * Packets.  They wrap at the ring's end as the hardware wants (NOPs for SDMA
 * and PM4, which may not straddle).  When the ring is full, what is in it is
 * submitted and the call waits for room.  The payload of NOPs is garbage on
 * purpose: an engine that loses step is found out.
 */
void sdma_nop(struct kfd_queue *q, unsigned int dwords);
void sdma_copy(struct kfd_queue *q, uint64_t dst, uint64_t src, uint32_t bytes);
void sdma_copy_broadcast(struct kfd_queue *q, uint64_t dst1, uint64_t dst2, uint64_t src,
			 uint32_t bytes);
void sdma_write(struct kfd_queue *q, uint64_t dst, const uint32_t *data, uint32_t dwords);
void sdma_fill(struct kfd_queue *q, uint64_t dst, uint32_t value, uint32_t bytes);
void sdma_fence(struct kfd_queue *q, uint64_t dst, uint32_t value);
void sdma_trap(struct kfd_queue *q, uint32_t event_id);
void sdma_timestamp(struct kfd_queue *q, uint64_t dst);
void sdma_atomic_add64(struct kfd_queue *q, uint64_t dst, uint64_t value);
/* Stall the queue until (*addr & mask) == value. */
void sdma_poll_equal(struct kfd_queue *q, uint64_t addr, uint32_t value, uint32_t mask);
/* @ib: 32-byte aligned */
void sdma_indirect(struct kfd_queue *q, uint64_t ib, uint32_t dwords);
/* Any packet at all, @dwords long. */
void sdma_raw(struct kfd_queue *q, const uint32_t *pkt, unsigned int dwords);

void pm4_nop(struct kfd_queue *q, unsigned int dwords);
void pm4_write_data(struct kfd_queue *q, uint64_t dst, const uint32_t *data, uint32_t dwords);
void pm4_acquire_mem(struct kfd_queue *q);
/* 64-bit data write at the end of pipe, and an interrupt with @event_id when it is not 0 */
void pm4_release_mem(struct kfd_queue *q, uint64_t dst, uint64_t value, uint32_t event_id);
void pm4_wait_equal(struct kfd_queue *q, uint64_t addr, uint32_t value, uint32_t mask);
void pm4_indirect(struct kfd_queue *q, uint64_t ib, uint32_t dwords);
/* @reg: which one of those that a process may set; its address, less that of the first */
void pm4_set_sh_reg(struct kfd_queue *q, uint32_t reg, const uint32_t *values, uint32_t count);
/* @initiator says whether @dim counts workgroups or work-items */
void pm4_dispatch_direct(struct kfd_queue *q, const uint32_t dim[3], uint32_t initiator);
/* the same with three dwords at the address @dim */
void pm4_dispatch_indirect(struct kfd_queue *q, uint64_t dim, uint32_t initiator);
void pm4_raw(struct kfd_queue *q, const uint32_t *pkt, unsigned int dwords);

/*
 * A stand-in queue to build packets into an indirect buffer: the packet
 * functions above write to @buf, @put counts what they wrote.
 */
void kfd_ib_begin(struct kfd_queue *ib, enum kfd_queue_kind kind, uint32_t gfx_version, void *buf);
uint32_t kfd_ib_dwords(const struct kfd_queue *ib);

/* The part of an HSA signal that the packet processor uses; 64 bytes, in GPU-visible memory. */
struct hsa_signal {
	int64_t kind;
	volatile int64_t value;
	uint64_t mailbox;
	uint32_t event_id, reserved0;
	uint64_t start_ts, end_ts, reserved[2];
};

/*
 * Barrier packet: waits for all (AND) or any (OR) of the signals whose address
 * is not 0, then decrements @completion (0: none).
 */
void aql_barrier_and(struct kfd_queue *q, const uint64_t dep[5], uint64_t completion);
void aql_barrier_or(struct kfd_queue *q, const uint64_t dep[5], uint64_t completion);
/* a dispatch of kernel descriptor @kernel, without arguments; a queue refuses one at address 0 */
void aql_dispatch(struct kfd_queue *q, uint64_t kernel, uint64_t completion);
/**
 * struct aql_grid - what a kernel dispatch says
 * @kernel: address of the kernel descriptor
 * @args: address of the arguments
 * @size: work-items in each dimension; 0 is 1
 * @group: work-items of a workgroup in each dimension; 0 is 1
 * @lds: bytes of LDS of a workgroup
 * @scratch: bytes of scratch memory of a work-item
 * @completion: address of the signal that is decremented at the end, or 0
 */
struct aql_grid {
	uint64_t kernel, args;
	uint32_t size[3];
	uint16_t group[3];
	uint32_t lds, scratch;
	uint64_t completion;
};

void aql_dispatch_grid(struct kfd_queue *q, const struct aql_grid *grid);
/* A packet with the given 16-bit header and 60 bytes behind the first dword. */
void aql_raw(struct kfd_queue *q, uint16_t header, const uint32_t body[15]);

/* --- events --- */

struct kfd_event {
	uint32_t id, slot, trigger, type;
};

/* Where the GPU writes the id of @e before it interrupts. */
static inline uint64_t kfd_event_slot(const struct kfd_bo *page, const struct kfd_event *e)
{
	return page->va + e->slot * sizeof(uint64_t);
}

/* A signal with @value; its completion raises @e when @e is not NULL. */
void hsa_signal_init(struct hsa_signal *s, int64_t value, const struct kfd_bo *page,
		     const struct kfd_event *e);
/* Slot write and trap: what raises @e from an SDMA queue. */
void sdma_signal(struct kfd_queue *q, const struct kfd_bo *page, const struct kfd_event *e);
/* The signal page must exist before signal events: a GTT BO of 32 KiB mapped on every GPU. */
int kfd_event_page(struct kfd *k, struct kfd_bo *page, uint64_t va);
/* @page: only for the first signal event of a process, else NULL */
int kfd_event_create(struct kfd *k, struct kfd_event *e, uint32_t type, bool auto_reset,
		     const struct kfd_bo *page);
int kfd_event_destroy(struct kfd *k, struct kfd_event *e);
int kfd_event_set(struct kfd *k, struct kfd_event *e);
int kfd_event_reset(struct kfd *k, struct kfd_event *e);
/*
 * 0 when it fired, -ETIMEDOUT after @ms, or if given up; @data (may be NULL) gets the
 * event's payload.
 */
int kfd_event_wait(struct kfd *k, struct kfd_event *e, unsigned int ms,
		   struct kfd_event_data *data);
/* Wait for any or all of @n events; @data: n entries whose event_id is set by this call. */
int kfd_event_wait_many(struct kfd *k, const struct kfd_event *e, unsigned int n, bool all,
			unsigned int ms, struct kfd_event_data *data);

/* --- SVM --- */

int kfd_svm_set(struct kfd *k, uint64_t va, uint64_t size,
		const struct kfd_ioctl_svm_attribute *attr, unsigned int nattr);
int kfd_svm_get(struct kfd *k, uint64_t va, uint64_t size,
		struct kfd_ioctl_svm_attribute *attr, unsigned int nattr);
/* Anonymous private memory at va (0: any) with ACCESS for the GPUs in @mask, always mapped. */
int kfd_svm_create(struct kfd *k, uint64_t *va, uint64_t size, unsigned int mask);
int kfd_svm_prefetch(struct kfd *k, uint64_t va, uint64_t size, uint32_t gpu_id);

/* --- other process state --- */
int kfd_set_memory_policy(struct kfd *k, unsigned int gpu, uint32_t default_policy,
			  uint32_t alternate_policy, uint64_t base, uint64_t size);
/* @mode: 1, 0, or -1 to ask.  Returns the mode; -EBUSY with queues. */
int kfd_xnack_mode(struct kfd *k, int mode);
int kfd_set_trap_handler(struct kfd *k, unsigned int gpu, uint64_t tba, uint64_t tma);
int kfd_runtime_enable(struct kfd *k, uint64_t r_debug, bool ttmp);
/*
 * A process can be its own debugger, with a hardware scheduler: of @exceptions, a byte to
 * @fd says that there is one, and a query which, -EAGAIN when there is none.
 */
int kfd_debug_begin(struct kfd *k, int fd, uint64_t exceptions);
int kfd_debug_query(struct kfd *k, uint32_t *gpu_id, uint32_t *queue_id, uint64_t *exceptions);
int kfd_debug_end(struct kfd *k);

/* --- pressure from outside --- */

/* A plain GEM BO in VRAM, not of any KFD process, with a CPU mapping. */
struct gem_bo {
	uint32_t handle;
	uint64_t size;
	void *cpu;
};

int gem_vram_create(int drm_fd, struct gem_bo *bo, uint64_t size);
void gem_destroy(int drm_fd, struct gem_bo *bo);
/*
 * Fill @bytes of VRAM with patterned GEM BOs through a render node of its own, check every
 * pattern, free all.  The GPU must move older BOs out of the way, those of KFD processes
 * included; but never those of the caller's own mm, so run it in another process.
 * -EILSEQ when a pattern was wrong.
 */
int kfd_vram_hog(int render_minor, uint64_t bytes, uint32_t seed);

/* --- the kernel under test --- */

/*
 * Are the GPUs simulated?  Tests do the same on both kinds; but hardware may lack a feature that
 * a test needs, and a simulated GPU is known to have it.
 */
bool kfd_simulated(void);

/* A parameter of amdgpu, or @otherwise where there is no such number. */
int kfd_parameter(const char *name, int otherwise);
/* Does a hardware scheduler, or MES, load queues, and not amdkfd itself? */
bool kfd_has_hws(void);

/*
 * Have lockdep prove lock orders (1) or not (0): around what is known to close
 * a cycle, so that the report of it does not end the proof of all the rest.
 * Returns what was set before, for the second call; 0 without lockdep.
 */
int kfd_prove_locking(int prove);

/**
 * kfd_write_text - write a file that means something by it, such as a parameter
 * @path: the file, which has to be there
 * @text: all that it says then; tracefs takes "" for an order to empty the file
 *
 * Return: 0 or a negative errno, -EIO if the file took only a part.
 */
int kfd_write_text(const char *path, const char *text);

/* --- AMDKFD_IOC_CRIU_OP --- */

/**
 * struct kfd_image - what a dumper holds between CHECKPOINT and RESTORE
 * @contents: one buffer per BO (NULL: no contents of its own)
 *
 * Lives in ordinary memory of the caller; kfd_image_alloc_shared() puts all
 * of it into MAP_SHARED memory so that a forked restorer can read it.
 */
struct kfd_image {
	struct kfd_ioctl_criu_args info;
	struct kfd_criu_device_bucket *devices;
	struct kfd_criu_bo_bucket *bos;
	uint8_t *priv;
	void **contents;
};

int kfd_criu_process_info(int kfd_fd, struct kfd_ioctl_criu_args *args);
/* PROCESS_INFO + CHECKPOINT; buffers in shared memory. The process stays paused. */
int kfd_criu_checkpoint(int kfd_fd, struct kfd_image *img);
/*
 * Contents of every VRAM and GTT BO by dma-buf through @k's render nodes (k: the
 * dumper's own view, drm_fd opened by it).  Closes the dmabuf fds.
 */
int kfd_criu_save_contents(struct kfd *k, struct kfd_image *img);
int kfd_criu_unpause(int kfd_fd);
/*
 * RESTORE in this process: opens /dev/kfd and render nodes into @k.  @remap[i]
 * is the index of the GPU (in this machine's order) that image device i goes to.
 */
int kfd_criu_restore(struct kfd *k, struct kfd_image *img, const unsigned int *remap);
/*
 * The same in pieces, for who tries the ioctl more than once: open everything,
 * the arguments, and what is left to do when it has succeeded.
 */
int kfd_criu_restore_open(struct kfd *k, struct kfd_image *img, const unsigned int *remap);
void kfd_criu_restore_args(const struct kfd_image *img, struct kfd_ioctl_criu_args *args);
void kfd_criu_restore_done(struct kfd *k);
/* Write contents back and map each BO at its address, as CRIU's UPDATE_VMA_MAP does. */
int kfd_criu_load_contents(struct kfd *k, struct kfd_image *img);
int kfd_criu_resume(int kfd_fd, pid_t pid);
void kfd_image_free(struct kfd_image *img);

/* ptrace-seize and interrupt @pid; let it go; a duplicate of its descriptor @remote_fd. */
int kfd_seize(pid_t pid);
int kfd_release(pid_t pid);
int kfd_steal_fd(pid_t pid, int remote_fd);

#endif
