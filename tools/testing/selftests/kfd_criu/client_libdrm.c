// SPDX-License-Identifier: GPL-2.0
/*
 * What CRIU's amdgpu plugin needs from the DRM side of a GPU, made with
 * libdrm_amdgpu: device queries, BOs of KFD by dma-buf, user memory, and copies
 * by command submission on an SDMA ring.  Every copied byte is checked.  And what other
 * clients need: jobs on all rings of graphics, compute and SDMA.
 *
 * GPUs are found by the KFD topology: the numbers of render nodes say nothing.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/kfd_ioctl.h>
#include <amdgpu.h>
#include <amdgpu_drm.h>
#include "../kselftest.h"

#define NODES		"/sys/class/kfd/kfd/topology/nodes"
#define MAX_GPUS	8
#define PAGE		4096UL
#define BUF_SIZE	0x800000UL
#define WAIT_NS		20000000000ULL
/* CRIU's plugin splits copies at this size. */
#define CHUNK		0x200000UL
#define IN_FLIGHT	16
/* Any free address will do: nothing is mapped on the GPU's KFD VM. */
#define KFD_VA		0x300000000ULL
/* Dwords of the command buffer that one submission gets. */
#define IB_DWORDS	64

#define SDMA_NOP	0
#define SDMA_COPY	1
#define SDMA_WRITE	2
/* Until a dword of memory equals a value, for as long as it takes. */
#define SDMA_POLL_EQUAL	(8 | 3U << 28 | 1U << 31)
#define SDMA_POLL_EVER	(0xfffU << 16 | 4)

#define PM4_FILLER	0x80000000u
#define PM4(op, dwords)	(3U << 30 | ((dwords) - 2) << 16 | (op) << 8)
#define PM4_NOP		0x10
/* A NOP of one dword. */
#define PM4_NOP_SHORT	0xffff1000u
#define PM4_WRITE_DATA	0x37
#define PM4_WRITE_MEMORY (5 << 8 | 1 << 20)
#define PM4_WAIT_MEM	0x3c
#define PM4_WAIT_EQUAL	(3 | 1 << 4)
#define PM4_RELEASE_MEM	0x49
#define PM4_DMA_DATA	0x50
/* From memory to memory; from the packet to memory; and wait for it. */
#define PM4_DMA_COPY	0x80000000u
#define PM4_DMA_FILL	0xc0000000u
/* The event of a fence, its caches written back. */
#define PM4_END_OF_PIPE	(0x14 | 5 << 8)
#define PM4_RELEASE_64	(2U << 29)

/* What jobs on rings write. */
#define JOB_WORDS	16
#define MAX_RINGS	16

#define CHECK(cond)								\
	({									\
		bool cond_ = (cond);						\
										\
		if (!cond_)							\
			ksft_print_msg("line %d: not %s (errno %d)\n", __LINE__, #cond, errno); \
		cond_;								\
	})

/**
 * struct gpu - one GPU of KFD, opened twice
 * @id: gpu id
 * @gfx_version: 90402 for gfx942
 * @fd: render node of libdrm's device
 * @kfd_fd: render node whose VM KFD has
 * @dev: libdrm's device
 * @ctx: for submissions
 * @handle: KFD's handle of the VRAM BO
 * @dmabuf: the VRAM BO as a dma-buf
 * @cpu: KFD's CPU mapping of the VRAM BO
 * @vram: the VRAM BO, imported
 * @user: memory of this process
 * @userptr: @user as a BO
 */
struct gpu {
	uint32_t id, gfx_version;
	int fd, kfd_fd;
	amdgpu_device_handle dev;
	amdgpu_context_handle ctx;
	uint64_t handle;
	int dmabuf;
	uint32_t *cpu;
	amdgpu_bo_handle vram;
	uint32_t *user;
	amdgpu_bo_handle userptr;
};

/* A BO with an address in libdrm's VM; the page behind it is never mapped. */
struct mapping {
	amdgpu_bo_handle bo;
	amdgpu_va_handle va_handle;
	uint64_t va, size;
};

static struct gpu gpus[MAX_GPUS];
static unsigned int num_gpus;
static int kfd;

/* --- patterns --- */

static uint32_t pattern(uint32_t seed, size_t i)
{
	return seed * 0x9e3779b1u ^ (uint32_t)i * 0x01000193u;
}

static void pattern_fill(uint32_t *p, uint32_t seed)
{
	size_t i;

	for (i = 0; i < BUF_SIZE / 4; i++)
		p[i] = pattern(seed, i);
}

static bool pattern_ok(const uint32_t *p, uint32_t seed)
{
	size_t i;

	for (i = 0; i < BUF_SIZE / 4; i++) {
		if (p[i] != pattern(seed, i)) {
			ksft_print_msg("byte %#zx: %#x, should be %#x\n", i * 4, p[i],
				       pattern(seed, i));
			return false;
		}
	}
	return true;
}

/* --- address space and submission --- */

static bool map(struct gpu *gpu, struct mapping *m, amdgpu_bo_handle bo, uint64_t size)
{
	m->bo = bo;
	m->size = size;
	return CHECK(!amdgpu_va_range_alloc(gpu->dev, amdgpu_gpu_va_range_general, size + PAGE,
					    PAGE, 0, &m->va, &m->va_handle, 0)) &&
	       CHECK(!amdgpu_bo_va_op(bo, 0, size, m->va, 0, AMDGPU_VA_OP_MAP));
}

static bool unmap(struct mapping *m)
{
	return CHECK(!amdgpu_bo_va_op(m->bo, 0, m->size, m->va, 0, AMDGPU_VA_OP_UNMAP)) &&
	       CHECK(!amdgpu_va_range_free(m->va_handle));
}

/**
 * struct copy - a copy between two BOs, in one or more submissions
 * @src: where from
 * @dst: where to
 * @ib: command buffer of one page
 * @cmd: its CPU mapping
 * @list: the three BOs
 */
struct copy {
	struct mapping src, dst, ib;
	uint32_t *cmd;
	amdgpu_bo_list_handle list;
};

static bool copy_begin(struct gpu *gpu, struct copy *c, amdgpu_bo_handle dst, amdgpu_bo_handle src)
{
	struct amdgpu_bo_alloc_request request = {
		.alloc_size = IN_FLIGHT * IB_DWORDS * 4,
		.phys_alignment = PAGE,
		.preferred_heap = AMDGPU_GEM_DOMAIN_GTT,
	};
	amdgpu_bo_handle bos[3] = { src, dst };

	memset(c, 0, sizeof(*c));
	return CHECK(!amdgpu_bo_alloc(gpu->dev, &request, &bos[2])) &&
	       map(gpu, &c->src, src, BUF_SIZE) && map(gpu, &c->dst, dst, BUF_SIZE) &&
	       map(gpu, &c->ib, bos[2], request.alloc_size) &&
	       CHECK(!amdgpu_bo_cpu_map(bos[2], (void **)&c->cmd)) &&
	       CHECK(!amdgpu_bo_list_create(gpu->dev, 3, bos, NULL, &c->list));
}

static bool copy_end(struct copy *c)
{
	return CHECK(!amdgpu_bo_list_destroy(c->list)) && unmap(&c->src) && unmap(&c->dst) &&
	       unmap(&c->ib) && CHECK(!amdgpu_bo_cpu_unmap(c->ib.bo)) &&
	       CHECK(!amdgpu_bo_free(c->ib.bo));
}

/*
 * Submit the copy of a part, as submission number @slot.  The count field of
 * the packet is the size minus one, and minus @bias.
 */
static bool copy_submit(struct gpu *gpu, struct copy *c, unsigned int slot, uint64_t offset,
			uint64_t size, int bias, struct amdgpu_cs_fence *fence)
{
	uint32_t *start = c->cmd + slot * IB_DWORDS, *p = start;
	struct amdgpu_cs_ib_info ib = { 0 };
	struct amdgpu_cs_request request = {
		.ip_type = AMDGPU_HW_IP_DMA,
		.resources = c->list,
		.number_of_ibs = 1,
		.ibs = &ib,
	};
	uint64_t done, n;

	for (done = 0; done < size; done += n) {
		uint64_t src = c->src.va + offset + done, dst = c->dst.va + offset + done;

		n = size - done < CHUNK ? size - done : CHUNK;
		*p++ = SDMA_COPY;
		*p++ = n - 1 - bias;
		*p++ = 0;
		*p++ = src;
		*p++ = src >> 32;
		*p++ = dst;
		*p++ = dst >> 32;
	}
	while ((p - start) % 8)
		*p++ = SDMA_NOP;

	ib.ib_mc_address = c->ib.va + slot * IB_DWORDS * 4;
	ib.size = p - start;
	if (!CHECK(!amdgpu_cs_submit(gpu->ctx, 0, &request, 1)))
		return false;
	*fence = (struct amdgpu_cs_fence) {
		.context = gpu->ctx,
		.ip_type = AMDGPU_HW_IP_DMA,
		.fence = request.seq_no,
	};
	return true;
}

static bool fence_wait(struct amdgpu_cs_fence *fence)
{
	uint32_t expired = 0;

	return CHECK(!amdgpu_cs_query_fence_status(fence, WAIT_NS, 0, &expired)) && CHECK(expired);
}

static bool copy(struct gpu *gpu, amdgpu_bo_handle dst, amdgpu_bo_handle src, int bias)
{
	struct amdgpu_cs_fence fence;
	struct copy c;

	return copy_begin(gpu, &c, dst, src) &&
	       copy_submit(gpu, &c, 0, 0, BUF_SIZE, bias, &fence) && fence_wait(&fence) &&
	       copy_end(&c);
}

/* --- jobs on rings --- */

/**
 * struct ring - a ring that a client can name
 * @ip: AMDGPU_HW_IP_GFX, AMDGPU_HW_IP_COMPUTE or AMDGPU_HW_IP_DMA
 * @number: its number among those
 */
struct ring {
	unsigned int ip, number;
};

static const unsigned int ring_ips[] = {
	AMDGPU_HW_IP_GFX, AMDGPU_HW_IP_COMPUTE, AMDGPU_HW_IP_DMA,
};

/* All rings of the kinds above: more than those of SDMA, which come last. */
static bool rings_find(struct gpu *gpu, struct ring *rings, unsigned int *count)
{
	struct drm_amdgpu_info_hw_ip info;
	unsigned int i, number;

	*count = 0;
	for (i = 0; i < ARRAY_SIZE(ring_ips); i++) {
		memset(&info, 0, sizeof(info));
		if (!CHECK(!amdgpu_query_hw_ip_info(gpu->dev, ring_ips[i], 0, &info)))
			return false;
		for (number = 0; number < 32 && *count < MAX_RINGS; number++)
			if (info.available_rings & 1u << number)
				rings[(*count)++] = (struct ring) { ring_ips[i], number };
	}
	return CHECK(*count) && CHECK(rings[0].ip != AMDGPU_HW_IP_DMA);
}

/**
 * struct job - a job of one ring, with a context and with memory of its own
 * @gtt: BO that it writes to, in the memory of the machine
 * @vram: another, in that of the GPU
 * @ib: command buffer
 * @gtt_cpu: CPU mapping of @gtt
 * @vram_cpu: of @vram
 * @cmd: of @ib
 * @end: where the next packet goes
 * @list: the three BOs, and those of another job if need be
 * @ctx: context
 * @ring: where it runs
 * @fence: of its last submission
 */
struct job {
	struct mapping gtt, vram, ib;
	uint32_t *gtt_cpu, *vram_cpu, *cmd, *end;
	amdgpu_bo_list_handle list;
	amdgpu_context_handle ctx;
	struct ring ring;
	struct amdgpu_cs_fence fence;
};

/* A BO of DRM's own that the CPU sees, too. */
static bool bo_alloc(struct gpu *gpu, uint64_t size, uint32_t domain, amdgpu_bo_handle *bo,
		     void **cpu)
{
	struct amdgpu_bo_alloc_request request = {
		.alloc_size = size,
		.phys_alignment = PAGE,
		.preferred_heap = domain,
		.flags = AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED,
	};

	return CHECK(!amdgpu_bo_alloc(gpu->dev, &request, bo)) &&
	       CHECK(!amdgpu_bo_cpu_map(*bo, cpu));
}

static bool bo_make(struct gpu *gpu, struct mapping *m, uint32_t domain, uint32_t **cpu)
{
	amdgpu_bo_handle bo;

	if (!bo_alloc(gpu, PAGE, domain, &bo, (void **)cpu) || !map(gpu, m, bo, PAGE))
		return false;
	memset(*cpu, 0, PAGE);
	return true;
}

static bool bo_unmake(struct mapping *m)
{
	return unmap(m) && CHECK(!amdgpu_bo_cpu_unmap(m->bo)) && CHECK(!amdgpu_bo_free(m->bo));
}

/* @with: NULL, or another job whose memory this one uses as well. */
static bool job_make(struct gpu *gpu, struct job *job, struct ring ring, const struct job *with)
{
	amdgpu_bo_handle bos[5];

	memset(job, 0, sizeof(*job));
	job->ring = ring;
	if (!bo_make(gpu, &job->gtt, AMDGPU_GEM_DOMAIN_GTT, &job->gtt_cpu) ||
	    !bo_make(gpu, &job->vram, AMDGPU_GEM_DOMAIN_VRAM, &job->vram_cpu) ||
	    !bo_make(gpu, &job->ib, AMDGPU_GEM_DOMAIN_GTT, &job->cmd))
		return false;
	bos[0] = job->gtt.bo;
	bos[1] = job->vram.bo;
	bos[2] = job->ib.bo;
	if (with) {
		bos[3] = with->gtt.bo;
		bos[4] = with->vram.bo;
	}
	job->end = job->cmd;
	return CHECK(!amdgpu_bo_list_create(gpu->dev, with ? 5 : 3, bos, NULL, &job->list)) &&
	       CHECK(!amdgpu_cs_ctx_create(gpu->dev, &job->ctx));
}

static bool job_unmake(struct job *job)
{
	return CHECK(!amdgpu_cs_ctx_free(job->ctx)) &&
	       CHECK(!amdgpu_bo_list_destroy(job->list)) && bo_unmake(&job->gtt) &&
	       bo_unmake(&job->vram) && bo_unmake(&job->ib);
}

static void job_add(struct job *job, uint32_t dword)
{
	*job->end++ = dword;
}

static void job_add_address(struct job *job, uint64_t address)
{
	job_add(job, address);
	job_add(job, address >> 32);
}

/* Each form of a NOP; what one skips would be a wrong packet. */
static void job_add_nops(struct job *job)
{
	if (job->ring.ip == AMDGPU_HW_IP_DMA) {
		job_add(job, SDMA_NOP);
		job_add(job, SDMA_NOP | 1 << 16);
		job_add(job, ~0u);
		return;
	}
	job_add(job, PM4_NOP_SHORT);
	job_add(job, PM4(PM4_NOP, 3));
	job_add(job, 0x12345678);
	job_add(job, 0x12345678);
	job_add(job, PM4_FILLER);
}

static void job_add_write(struct job *job, uint64_t va, uint32_t seed, unsigned int words)
{
	unsigned int i;

	if (job->ring.ip == AMDGPU_HW_IP_DMA) {
		job_add(job, SDMA_WRITE);
		job_add_address(job, va);
		job_add(job, words - 1);
	} else {
		job_add(job, PM4(PM4_WRITE_DATA, 4 + words));
		job_add(job, PM4_WRITE_MEMORY);
		job_add_address(job, va);
	}
	for (i = 0; i < words; i++)
		job_add(job, pattern(seed, i));
}

/* Wait until there is @value. */
static void job_add_wait(struct job *job, uint64_t va, uint32_t value)
{
	if (job->ring.ip == AMDGPU_HW_IP_DMA) {
		job_add(job, SDMA_POLL_EQUAL);
		job_add_address(job, va);
		job_add(job, value);
		job_add(job, ~0u);
		job_add(job, SDMA_POLL_EVER);
		return;
	}
	job_add(job, PM4(PM4_WAIT_MEM, 7));
	job_add(job, PM4_WAIT_EQUAL);
	job_add_address(job, va);
	job_add(job, value);
	job_add(job, ~0u);
	job_add(job, 4);
}

/* Submit what was added, behind the fence @after if there is one, and begin anew. */
static bool job_submit(struct job *job, struct amdgpu_cs_fence *after)
{
	struct amdgpu_cs_ib_info ib = { .ib_mc_address = job->ib.va };
	struct amdgpu_cs_request request = {
		.ip_type = job->ring.ip,
		.ring = job->ring.number,
		.resources = job->list,
		.number_of_dependencies = !!after,
		.dependencies = after,
		.number_of_ibs = 1,
		.ibs = &ib,
	};

	while ((job->end - job->cmd) % 8)
		job_add(job, job->ring.ip == AMDGPU_HW_IP_DMA ? SDMA_NOP : PM4_NOP_SHORT);
	ib.size = job->end - job->cmd;
	job->end = job->cmd;
	if (!CHECK(!amdgpu_cs_submit(job->ctx, 0, &request, 1)))
		return false;
	job->fence = (struct amdgpu_cs_fence) {
		.context = job->ctx,
		.ip_type = job->ring.ip,
		.ring = job->ring.number,
		.fence = request.seq_no,
	};
	return true;
}

static bool words_ok(const uint32_t *p, uint32_t seed)
{
	unsigned int i;

	for (i = 0; i < JOB_WORDS; i++) {
		if (p[i] != pattern(seed, i)) {
			ksft_print_msg("word %u: %#x, should be %#x\n", i, p[i], pattern(seed, i));
			return false;
		}
	}
	/* and nothing behind them */
	return CHECK(!p[JOB_WORDS]);
}

/* --- tests --- */

static bool test_device(struct gpu *gpu)
{
	struct drm_amdgpu_info_hw_ip dma = { 0 };
	struct amdgpu_gpu_info info = { 0 };
	uint32_t major, minor, accel = 0;

	return CHECK(!amdgpu_device_initialize(gpu->fd, &major, &minor, &gpu->dev)) &&
	       CHECK(major == 3) && CHECK(!amdgpu_query_gpu_info(gpu->dev, &info)) &&
	       CHECK(info.asic_id) && CHECK(info.family_id) && CHECK(info.cu_active_number) &&
	       CHECK(!amdgpu_query_info(gpu->dev, AMDGPU_INFO_ACCEL_WORKING, sizeof(accel),
					&accel)) && CHECK(accel) &&
	       CHECK(!amdgpu_query_hw_ip_info(gpu->dev, AMDGPU_HW_IP_DMA, 0, &dma)) &&
	       CHECK(dma.available_rings) && CHECK(!amdgpu_cs_ctx_create(gpu->dev, &gpu->ctx));
}

/* The heaps say how much there is, and that an allocation uses it. */
static bool test_heaps(struct gpu *gpu)
{
	struct amdgpu_bo_alloc_request request = {
		.alloc_size = BUF_SIZE,
		.phys_alignment = PAGE,
		.preferred_heap = AMDGPU_GEM_DOMAIN_VRAM,
	};
	struct amdgpu_heap_info before = { 0 }, after = { 0 }, gtt = { 0 };
	amdgpu_bo_handle bo;

	return CHECK(!amdgpu_query_heap_info(gpu->dev, AMDGPU_GEM_DOMAIN_VRAM, 0, &before)) &&
	       CHECK(before.heap_size >= 2 * BUF_SIZE) &&
	       CHECK(before.heap_usage < before.heap_size) &&
	       CHECK(!amdgpu_query_heap_info(gpu->dev, AMDGPU_GEM_DOMAIN_GTT, 0, &gtt)) &&
	       CHECK(gtt.heap_size) && CHECK(!amdgpu_bo_alloc(gpu->dev, &request, &bo)) &&
	       CHECK(!amdgpu_query_heap_info(gpu->dev, AMDGPU_GEM_DOMAIN_VRAM, 0, &after)) &&
	       CHECK(after.heap_size == before.heap_size) &&
	       CHECK(after.heap_usage >= before.heap_usage + BUF_SIZE) &&
	       CHECK(!amdgpu_bo_free(bo));
}

/* A BO of KFD, and the same memory as a BO of the other file. */
static bool test_import(struct gpu *gpu)
{
	struct kfd_ioctl_acquire_vm_args acquire = { .drm_fd = gpu->kfd_fd, .gpu_id = gpu->id };
	struct kfd_ioctl_alloc_memory_of_gpu_args alloc = {
		.va_addr = KFD_VA,
		.size = BUF_SIZE,
		.gpu_id = gpu->id,
		.flags = KFD_IOC_ALLOC_MEM_FLAGS_VRAM | KFD_IOC_ALLOC_MEM_FLAGS_PUBLIC |
			 KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
	};
	struct kfd_ioctl_export_dmabuf_args export = { .flags = O_RDWR | O_CLOEXEC };
	struct amdgpu_bo_import_result imported = { 0 };

	if (!CHECK(!ioctl(kfd, AMDKFD_IOC_ACQUIRE_VM, &acquire)) ||
	    !CHECK(!ioctl(kfd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &alloc)))
		return false;
	gpu->handle = alloc.handle;
	gpu->cpu = mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, gpu->kfd_fd,
			alloc.mmap_offset);
	export.handle = alloc.handle;
	if (!CHECK(gpu->cpu != MAP_FAILED) ||
	    !CHECK(!ioctl(kfd, AMDKFD_IOC_EXPORT_DMABUF, &export)))
		return false;
	gpu->dmabuf = export.dmabuf_fd;
	if (!CHECK(!amdgpu_bo_import(gpu->dev, amdgpu_bo_handle_type_dma_buf_fd, gpu->dmabuf,
				     &imported)) ||
	    !CHECK(imported.alloc_size == BUF_SIZE))
		return false;
	gpu->vram = imported.buf_handle;
	return true;
}

static bool test_dmabuf_size(struct gpu *gpu)
{
	return CHECK(lseek(gpu->dmabuf, 0, SEEK_END) == BUF_SIZE) &&
	       CHECK(lseek(gpu->dmabuf, 0, SEEK_SET) == 0);
}

static bool test_userptr(struct gpu *gpu)
{
	gpu->user = mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	return CHECK(gpu->user != MAP_FAILED) &&
	       CHECK(!amdgpu_create_bo_from_user_mem(gpu->dev, gpu->user, BUF_SIZE,
						     &gpu->userptr));
}

static bool test_copy_from_vram(struct gpu *gpu)
{
	pattern_fill(gpu->cpu, gpu->id);
	memset(gpu->user, 0, BUF_SIZE);
	return copy(gpu, gpu->userptr, gpu->vram, 0) && pattern_ok(gpu->user, gpu->id) &&
	       pattern_ok(gpu->cpu, gpu->id);
}

static bool test_copy_to_vram(struct gpu *gpu)
{
	pattern_fill(gpu->user, gpu->id + 1);
	return copy(gpu, gpu->vram, gpu->userptr, 0) && pattern_ok(gpu->cpu, gpu->id + 1) &&
	       pattern_ok(gpu->user, gpu->id + 1);
}

/*
 * CRIU's plugin puts the size into the count field where the size minus one
 * belongs: the last packet reaches one byte over the end of both BOs, where
 * nothing is mapped.  It has always worked, and has to go on doing so.
 */
static bool test_copy_one_byte_more(struct gpu *gpu)
{
	pattern_fill(gpu->cpu, gpu->id + 2);
	memset(gpu->user, 0, BUF_SIZE);
	if (!copy(gpu, gpu->userptr, gpu->vram, -1) || !pattern_ok(gpu->user, gpu->id + 2))
		return false;
	pattern_fill(gpu->user, gpu->id + 3);
	return copy(gpu, gpu->vram, gpu->userptr, -1) && pattern_ok(gpu->cpu, gpu->id + 3) &&
	       /* and the ring is good for more */
	       test_copy_from_vram(gpu);
}

/* Many submissions before the first wait: fences come in order, none is lost. */
static bool test_fences_in_flight(struct gpu *gpu)
{
	const uint64_t part = BUF_SIZE / IN_FLIGHT;
	struct amdgpu_cs_fence fences[IN_FLIGHT];
	uint32_t expired, outstanding = 0;
	struct copy c;
	unsigned int i;

	pattern_fill(gpu->cpu, gpu->id + 4);
	memset(gpu->user, 0, BUF_SIZE);
	if (!copy_begin(gpu, &c, gpu->userptr, gpu->vram))
		return false;
	for (i = 0; i < IN_FLIGHT; i++)
		if (!copy_submit(gpu, &c, i, i * part, part, 0, &fences[i]) ||
		    !CHECK(!i || fences[i].fence > fences[i - 1].fence))
			return false;
	for (i = 0; i < IN_FLIGHT; i++) {
		expired = 0;
		if (!CHECK(!amdgpu_cs_query_fence_status(&fences[i], 0, 0, &expired)))
			return false;
		outstanding += !expired;
	}
	ksft_print_msg("%u of %u fences outstanding after submission\n", outstanding, IN_FLIGHT);
	if (!fence_wait(&fences[IN_FLIGHT - 1]))
		return false;
	/* the last one was waited for, so the others are over without waiting */
	for (i = 0; i < IN_FLIGHT; i++) {
		expired = 0;
		if (!CHECK(!amdgpu_cs_query_fence_status(&fences[i], 0, 0, &expired)) ||
		    !CHECK(expired))
			return false;
	}
	return pattern_ok(gpu->user, gpu->id + 4) && copy_end(&c);
}

/* A BO of DRM's own, seen by the CPU and the GPU. */
static bool test_gem(struct gpu *gpu, uint32_t domain)
{
	amdgpu_bo_handle bo;
	void *cpu;

	if (!bo_alloc(gpu, BUF_SIZE, domain, &bo, &cpu))
		return false;
	pattern_fill(cpu, gpu->id + 5);
	memset(gpu->user, 0, BUF_SIZE);
	if (!pattern_ok(cpu, gpu->id + 5) || !copy(gpu, gpu->userptr, bo, 0) ||
	    !pattern_ok(gpu->user, gpu->id + 5))
		return false;
	pattern_fill(gpu->user, gpu->id + 6);
	return copy(gpu, bo, gpu->userptr, 0) && pattern_ok(cpu, gpu->id + 6) &&
	       CHECK(!amdgpu_bo_cpu_unmap(bo)) && CHECK(!amdgpu_bo_free(bo));
}

static bool test_gem_vram(struct gpu *gpu)
{
	return test_gem(gpu, AMDGPU_GEM_DOMAIN_VRAM);
}

static bool test_gem_gtt(struct gpu *gpu)
{
	return test_gem(gpu, AMDGPU_GEM_DOMAIN_GTT);
}

/* The file's handle of the BO behind a dma-buf, or 0. */
static uint32_t import_handle(int fd, int dmabuf)
{
	struct drm_prime_handle args = { .fd = dmabuf };

	return ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args) ? 0 : args.handle;
}

static uint32_t *map_handle(int fd, uint32_t handle)
{
	union drm_amdgpu_gem_mmap args = { .in.handle = handle };

	if (ioctl(fd, DRM_IOCTL_AMDGPU_GEM_MMAP, &args))
		return MAP_FAILED;
	return mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, args.out.addr_ptr);
}

/*
 * A dma-buf that comes back to its own device is the BO itself, in whichever
 * file: what one writes the other reads, and it is not counted twice.
 */
static bool test_two_files(struct gpu *gpu)
{
	uint32_t a = import_handle(gpu->kfd_fd, gpu->dmabuf);
	uint32_t b = import_handle(gpu->fd, gpu->dmabuf);
	uint32_t *here = MAP_FAILED, *there = MAP_FAILED;
	struct drm_gem_close close_a = { .handle = a };
	bool ok;

	pattern_fill(gpu->cpu, gpu->id + 7);
	ok = CHECK(a) && CHECK(b) && CHECK(a == import_handle(gpu->kfd_fd, gpu->dmabuf));
	if (ok) {
		here = map_handle(gpu->kfd_fd, a);
		there = map_handle(gpu->fd, b);
	}
	ok = ok && CHECK(here != MAP_FAILED) && CHECK(there != MAP_FAILED) &&
	     pattern_ok(here, gpu->id + 7) && pattern_ok(there, gpu->id + 7);
	if (ok) {
		pattern_fill(here, gpu->id + 8);
		ok = pattern_ok(there, gpu->id + 8) && pattern_ok(gpu->cpu, gpu->id + 8);
	}
	if (here != MAP_FAILED)
		munmap(here, BUF_SIZE);
	if (there != MAP_FAILED)
		munmap(there, BUF_SIZE);
	/* b is the handle of libdrm's import: its to close */
	return ok && CHECK(!ioctl(gpu->kfd_fd, DRM_IOCTL_GEM_CLOSE, &close_a));
}

/* Compute everywhere, and graphics but for MI100 and its successors. */
static bool test_rings(struct gpu *gpu)
{
	bool graphics = gpu->gfx_version != 90008 && gpu->gfx_version != 90010 &&
			gpu->gfx_version / 100 != 904 && gpu->gfx_version / 100 != 905;
	struct drm_amdgpu_info_hw_ip info = { 0 };

	return CHECK(!amdgpu_query_hw_ip_info(gpu->dev, AMDGPU_HW_IP_COMPUTE, 0, &info)) &&
	       CHECK(info.available_rings) && CHECK(info.hw_ip_version_major ==
						    gpu->gfx_version / 10000) &&
	       CHECK(!amdgpu_query_hw_ip_info(gpu->dev, AMDGPU_HW_IP_GFX, 0, &info)) &&
	       CHECK(!!info.available_rings == graphics);
}

/* Jobs on all rings before the first wait: each writes to memory of both kinds. */
static bool test_ring_writes(struct gpu *gpu)
{
	const uint64_t end_of_pipe = 0x123456789abcdef0ull;
	struct ring rings[MAX_RINGS];
	struct job jobs[MAX_RINGS];
	unsigned int count, i;

	if (!rings_find(gpu, rings, &count))
		return false;
	for (i = 0; i < count; i++) {
		struct job *job = &jobs[i];

		if (!job_make(gpu, job, rings[i], NULL))
			return false;
		job_add_nops(job);
		job_add_write(job, job->gtt.va, 2 * i, JOB_WORDS);
		job_add_write(job, job->vram.va, 2 * i + 1, JOB_WORDS);
		if (!job_submit(job, NULL))
			return false;
	}
	for (i = 0; i < count; i++) {
		ksft_print_msg("IP %u, ring %u\n", rings[i].ip, rings[i].number);
		if (!fence_wait(&jobs[i].fence) || !words_ok(jobs[i].gtt_cpu, 2 * i) ||
		    !words_ok(jobs[i].vram_cpu, 2 * i + 1))
			return false;
	}
	/* and packets of fences in command buffers */
	for (i = 0; i < count; i++) {
		struct job *job = &jobs[i];
		const uint64_t *value = (const uint64_t *)job->gtt_cpu;

		if (rings[i].ip != AMDGPU_HW_IP_DMA) {
			job_add(job, PM4(PM4_RELEASE_MEM, 8));
			job_add(job, PM4_END_OF_PIPE);
			job_add(job, PM4_RELEASE_64);
			job_add_address(job, job->gtt.va);
			job_add_address(job, end_of_pipe);
			job_add(job, 0);
			if (!job_submit(job, NULL) || !fence_wait(&job->fence) ||
			    !CHECK(*value == end_of_pipe))
				return false;
		}
		if (!job_unmake(job))
			return false;
	}
	return true;
}

static void job_add_dma(struct job *job, uint32_t control, uint64_t dst, uint64_t src,
			uint32_t bytes)
{
	job_add(job, PM4(PM4_DMA_DATA, 7));
	job_add(job, control);
	job_add_address(job, src);
	job_add_address(job, dst);
	job_add(job, bytes);
}

/* DMA_DATA, by which drivers of graphics clear and copy: a fill, and a copy of what is there. */
static bool test_ring_dma(struct gpu *gpu)
{
	const uint32_t value = 0x5eed5eed, bytes = JOB_WORDS * 4;
	struct ring rings[MAX_RINGS];
	unsigned int count, i, j;
	struct job job;

	if (!rings_find(gpu, rings, &count))
		return false;
	for (i = 0; i < count; i++) {
		if (rings[i].ip == AMDGPU_HW_IP_DMA)
			continue;
		if (!job_make(gpu, &job, rings[i], NULL))
			return false;
		for (j = 0; j < JOB_WORDS; j++)
			job.vram_cpu[j] = pattern(i, j);
		job_add_dma(&job, PM4_DMA_COPY, job.gtt.va, job.vram.va, bytes);
		job_add_dma(&job, PM4_DMA_FILL, job.vram.va, value, bytes);
		if (!job_submit(&job, NULL) || !fence_wait(&job.fence) ||
		    !words_ok(job.gtt_cpu, i))
			return false;
		for (j = 0; j < JOB_WORDS; j++)
			if (!CHECK(job.vram_cpu[j] == value))
				return false;
		if (!CHECK(!job.vram_cpu[JOB_WORDS]) || !job_unmake(&job))
			return false;
	}
	return true;
}

/* For each pair of rings of two kinds: a job on the first, and two on the second. */
static bool rings_pairs(struct gpu *gpu, bool (*run)(struct job *first, struct job *second,
						     struct job *other))
{
	struct job first, second, other;
	struct ring rings[MAX_RINGS];
	unsigned int count, i, j;

	if (!rings_find(gpu, rings, &count))
		return false;
	for (i = 0; i < count; i++) {
		for (j = 0; j < count; j++) {
			if (rings[i].ip == rings[j].ip)
				continue;
			if (!job_make(gpu, &first, rings[i], NULL) ||
			    !job_make(gpu, &second, rings[j], &first) ||
			    !job_make(gpu, &other, rings[j], NULL))
				return false;
			if (!run(&first, &second, &other)) {
				ksft_print_msg("IP %u, ring %u, and IP %u, ring %u\n", rings[i].ip,
					       rings[i].number, rings[j].ip, rings[j].number);
				return false;
			}
			if (!job_unmake(&first) || !job_unmake(&second) || !job_unmake(&other))
				return false;
		}
	}
	return true;
}

/*
 * The first job waits for the CPU.  The second writes to the same memory, and depends on it.  By
 * then the second ring has done a third job, so it would have done the second as well.
 */
static bool depend_pair(struct job *first, struct job *second, struct job *other)
{
	uint32_t expired = 1;

	job_add_wait(first, first->vram.va, 1);
	job_add_write(first, first->gtt.va, 1, JOB_WORDS);
	job_add_write(second, first->gtt.va, 2, JOB_WORDS);
	job_add_write(other, other->gtt.va, 3, JOB_WORDS);
	if (!job_submit(first, NULL) || !job_submit(second, &first->fence) ||
	    !job_submit(other, NULL) || !fence_wait(&other->fence) ||
	    !CHECK(!amdgpu_cs_query_fence_status(&second->fence, 0, 0, &expired)) ||
	    !CHECK(!expired))
		return false;
	first->vram_cpu[0] = 1;
	return fence_wait(&second->fence) && fence_wait(&first->fence) &&
	       words_ok(first->gtt_cpu, 2) && words_ok(other->gtt_cpu, 3);
}

static bool test_ring_dependency(struct gpu *gpu)
{
	return rings_pairs(gpu, depend_pair);
}

/* The first job waits for what the second writes, on another ring and submitted later. */
static bool at_once_pair(struct job *first, struct job *second, struct job *other)
{
	job_add_wait(first, first->vram.va, pattern(4, 0));
	job_add_write(first, first->gtt.va, 5, JOB_WORDS);
	job_add_write(second, first->vram.va, 4, 1);
	return job_submit(first, NULL) && job_submit(second, NULL) &&
	       fence_wait(&second->fence) && fence_wait(&first->fence) &&
	       words_ok(first->gtt_cpu, 5);
}

static bool test_ring_two_at_once(struct gpu *gpu)
{
	return rings_pairs(gpu, at_once_pair);
}

/* The contents outlive KFD's handle for as long as somebody has the dma-buf. */
static bool test_free(struct gpu *gpu)
{
	struct kfd_ioctl_free_memory_of_gpu_args args = { .handle = gpu->handle };

	pattern_fill(gpu->cpu, gpu->id + 9);
	memset(gpu->user, 0, BUF_SIZE);
	return CHECK(!munmap(gpu->cpu, BUF_SIZE)) &&
	       CHECK(!ioctl(kfd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args)) &&
	       CHECK(!close(gpu->dmabuf)) && copy(gpu, gpu->userptr, gpu->vram, 0) &&
	       pattern_ok(gpu->user, gpu->id + 9) && CHECK(!amdgpu_bo_free(gpu->vram)) &&
	       CHECK(!amdgpu_bo_free(gpu->userptr)) && CHECK(!munmap(gpu->user, BUF_SIZE)) &&
	       CHECK(!amdgpu_cs_ctx_free(gpu->ctx)) && CHECK(!amdgpu_device_deinitialize(gpu->dev));
}

static const struct {
	const char *name;
	bool (*run)(struct gpu *gpu);
	bool needed;
} tests[] = {
	{ .name = "device", .run = test_device, .needed = true },
	{ .name = "heaps", .run = test_heaps },
	{ .name = "import_kfd_bo", .run = test_import, .needed = true },
	{ .name = "dmabuf_size", .run = test_dmabuf_size },
	{ .name = "userptr", .run = test_userptr, .needed = true },
	{ .name = "copy_from_vram", .run = test_copy_from_vram },
	{ .name = "copy_to_vram", .run = test_copy_to_vram },
	{ .name = "copy_one_byte_more", .run = test_copy_one_byte_more },
	{ .name = "fences_in_flight", .run = test_fences_in_flight },
	{ .name = "gem_vram", .run = test_gem_vram },
	{ .name = "gem_gtt", .run = test_gem_gtt },
	{ .name = "two_files_one_bo", .run = test_two_files },
	{ .name = "rings", .run = test_rings },
	{ .name = "ring_writes", .run = test_ring_writes },
	{ .name = "ring_dma", .run = test_ring_dma },
	{ .name = "ring_dependency", .run = test_ring_dependency },
	{ .name = "ring_two_at_once", .run = test_ring_two_at_once },
	{ .name = "free", .run = test_free },
};

static unsigned long long sysfs_value(const char *node, const char *file, const char *name)
{
	unsigned long long value = 0;
	char path[512], key[64];
	FILE *f;

	snprintf(path, sizeof(path), NODES "/%s/%s", node, file);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (!name) {
		if (fscanf(f, "%llu", &value) != 1)
			value = 0;
	} else {
		while (fscanf(f, "%63s %llu", key, &value) == 2 && strcmp(key, name))
			value = 0;
	}
	fclose(f);
	return value;
}

static void open_gpu(const char *node)
{
	struct gpu *gpu = &gpus[num_gpus];
	char path[64];

	gpu->id = sysfs_value(node, "gpu_id", NULL);
	if (!gpu->id)
		return;
	gpu->gfx_version = sysfs_value(node, "properties", "gfx_target_version");
	snprintf(path, sizeof(path), "/dev/dri/renderD%llu",
		 sysfs_value(node, "properties", "drm_render_minor"));
	gpu->fd = open(path, O_RDWR | O_CLOEXEC);
	gpu->kfd_fd = open(path, O_RDWR | O_CLOEXEC);
	if (gpu->fd < 0 || gpu->kfd_fd < 0)
		ksft_exit_fail_perror(path);
	num_gpus++;
}

int main(void)
{
	struct dirent *d;
	unsigned int g, t;
	DIR *dir;

	ksft_print_header();
	kfd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
	dir = opendir(NODES);
	if (kfd < 0 || !dir)
		ksft_exit_skip("no KFD on this machine\n");
	while ((d = readdir(dir)) && num_gpus < MAX_GPUS)
		if (d->d_name[0] != '.')
			open_gpu(d->d_name);
	closedir(dir);
	if (!num_gpus)
		ksft_exit_skip("no GPU\n");

	ksft_set_plan(num_gpus * ARRAY_SIZE(tests));
	for (g = 0; g < num_gpus; g++) {
		for (t = 0; t < ARRAY_SIZE(tests); t++) {
			bool ok = tests[t].run(&gpus[g]);

			ksft_test_result(ok, "%s.gpu%u\n", tests[t].name, g);
			/* what follows stands on it */
			if (!ok && tests[t].needed)
				ksft_exit_fail_msg("no %s on GPU %u\n", tests[t].name, g);
		}
	}
	ksft_finished();
}
