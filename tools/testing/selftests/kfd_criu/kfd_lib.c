// SPDX-License-Identifier: GPL-2.0
/*
 * Helper library of the KFD selftests, see kfd_lib.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <drm/amdgpu_drm.h>
#include <drm/drm.h>
#include "kfd_lib.h"

#define NODES			"/sys/devices/virtual/kfd/kfd/topology/nodes"

/* mmap offsets of /dev/kfd: type in the top two bits, gpu id below */
#define MMAP_TYPE_DOORBELL	(3ULL << 62)
#define MMAP_GPU_ID(id)		(((uint64_t)(id) & 0xffff) << 46)

/* How long a packet function waits for room in the ring. */
#define ROOM_MS			20000

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

/* @a is a power of two */
static uint64_t align_up(uint64_t x, uint64_t a)
{
	return (x + a - 1) & ~(a - 1);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

static void nap(void)
{
	usleep(100);
}

static int xioctl(int fd, unsigned long cmd, void *arg)
{
	int r;

	do {
		r = ioctl(fd, cmd, arg);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

/* --- topology, open, close --- */

uint64_t kfd_file_property(const char *path, const char *name)
{
	unsigned long long value, found = 0;
	char key[64], line[160];
	FILE *f = fopen(path, "re");

	if (!f)
		return 0;
	/* there may be a unit behind the value */
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %llu", key, &value) == 2 && !strcmp(key, name)) {
			found = value;
			break;
		}
	}
	fclose(f);
	return found;
}

uint64_t kfd_node_property(int node, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), NODES "/%d/properties", node);
	return kfd_file_property(path, name);
}

static uint64_t node_vram(int node)
{
	uint64_t heap, sum = 0;
	char path[128];
	int i;

	for (i = 0; ; i++) {
		snprintf(path, sizeof(path), NODES "/%d/mem_banks/%d/properties", node, i);
		if (access(path, R_OK))
			return sum;
		heap = kfd_file_property(path, "heap_type");
		if (heap == 1 || heap == 2)	/* local memory, visible to the CPU or not */
			sum += kfd_file_property(path, "size_in_bytes");
	}
}

static void node_read(struct kfd_gpu *g, int node)
{
	uint64_t simd_per_cu = kfd_node_property(node, "simd_per_cu");
	uint64_t arrays_per_engine = kfd_node_property(node, "simd_arrays_per_engine");
	uint64_t cus, waves, location;

	g->node = node;
	g->drm_fd = -1;
	g->render_minor = kfd_node_property(node, "drm_render_minor");
	g->gfx_version = kfd_node_property(node, "gfx_target_version");
	g->num_xcc = kfd_node_property(node, "num_xcc");
	if (!g->num_xcc)
		g->num_xcc = 1;
	/* In the place of the PCI function, which GPUs have 0 of, or above all of PCI's bits. */
	location = kfd_node_property(node, "location_id");
	g->partition = location >> 28 ? location >> 28 : location & 7;
	g->cwsr_size = kfd_node_property(node, "cwsr_size");
	g->ctl_stack_size = kfd_node_property(node, "ctl_stack_size");
	g->num_sdma = kfd_node_property(node, "num_sdma_engines");
	g->num_sdma_queues = g->num_sdma * kfd_node_property(node, "num_sdma_queues_per_engine");
	g->vram_size = node_vram(node);

	/* The debugger's area has no property: 32 bytes for every wave there can be. */
	cus = simd_per_cu ? kfd_node_property(node, "simd_count") / simd_per_cu / g->num_xcc : 0;
	if (g->gfx_version < 100100) {
		uint64_t limit = arrays_per_engine ?
			kfd_node_property(node, "array_count") / arrays_per_engine * 512 : 0;

		waves = cus * 40 < limit ? cus * 40 : limit;
	} else {
		waves = cus * 32;
	}
	g->debug_size = align_up(waves * 32, 64) * g->num_xcc;
}

int kfd_topology(struct kfd *k)
{
	char path[128];
	unsigned int id;
	int node, n;
	FILE *f;

	memset(k, 0, sizeof(*k));
	k->fd = -1;
	for (node = 0; k->ngpu < KFD_MAX_GPUS; node++) {
		snprintf(path, sizeof(path), NODES "/%d", node);
		if (access(path, F_OK))
			break;
		snprintf(path, sizeof(path), NODES "/%d/gpu_id", node);
		f = fopen(path, "re");
		if (!f)
			continue;
		n = fscanf(f, "%u", &id);
		fclose(f);
		/* a CPU has id 0, and a GPU that this process may not use cannot be read */
		if (n != 1 || !id)
			continue;
		k->gpu[k->ngpu].gpu_id = id;
		node_read(&k->gpu[k->ngpu], node);
		k->ngpu++;
	}
	return node ? 0 : -ENODEV;
}

static int read_apertures(struct kfd *k)
{
	struct kfd_ioctl_get_process_apertures_new_args args = { 0 };
	struct kfd_process_device_apertures *ap;
	unsigned int i;
	int g, r;

	/* asked with no room, it says how many there are */
	r = xioctl(k->fd, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &args);
	if (r || !args.num_of_nodes)
		return r;
	ap = calloc(args.num_of_nodes, sizeof(*ap));
	if (!ap)
		return -ENOMEM;
	args.kfd_process_device_apertures_ptr = (uintptr_t)ap;
	r = xioctl(k->fd, AMDKFD_IOC_GET_PROCESS_APERTURES_NEW, &args);
	for (i = 0; !r && i < args.num_of_nodes; i++) {
		g = kfd_gpu_index(k, ap[i].gpu_id);
		if (g < 0)
			continue;
		k->gpu[g].gpuvm_base = ap[i].gpuvm_base;
		k->gpu[g].gpuvm_limit = ap[i].gpuvm_limit;
		k->gpu[g].lds_base = ap[i].lds_base;
		k->gpu[g].scratch_base = ap[i].scratch_base;
	}
	free(ap);
	return r;
}

int kfd_open(struct kfd *k)
{
	int r = kfd_topology(k);

	if (r)
		return r;
	k->fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
	if (k->fd < 0)
		return -errno;
	r = read_apertures(k);
	if (r)
		kfd_close(k);
	return r;
}

int kfd_acquire(struct kfd *k, unsigned int g)
{
	struct kfd_ioctl_acquire_vm_args args = { 0 };
	char path[64];
	int fd, r;

	if (g >= k->ngpu)
		return -ENODEV;
	snprintf(path, sizeof(path), "/dev/dri/renderD%d", k->gpu[g].render_minor);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	args.drm_fd = fd;
	args.gpu_id = k->gpu[g].gpu_id;
	r = xioctl(k->fd, AMDKFD_IOC_ACQUIRE_VM, &args);
	if (r) {
		close(fd);
		return r;
	}
	k->gpu[g].drm_fd = fd;
	return 0;
}

unsigned int kfd_test_gpus(unsigned int there)
{
	const char *limit = getenv("KFD_TEST_GPUS");
	unsigned int n = limit ? strtoul(limit, NULL, 0) : there;

	return n && n < there ? n : there;
}

int kfd_open_all(struct kfd *k)
{
	unsigned int g;
	int r = kfd_open(k);

	k->ngpu = kfd_test_gpus(k->ngpu);
	for (g = 0; !r && g < k->ngpu; g++)
		r = kfd_acquire(k, g);
	if (r)
		kfd_close(k);
	return r;
}

void kfd_close(struct kfd *k)
{
	unsigned int g;

	for (g = 0; g < k->ngpu; g++) {
		if (k->gpu[g].drm_fd >= 0)
			close(k->gpu[g].drm_fd);
		k->gpu[g].drm_fd = -1;
	}
	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
}

int kfd_gpu_index(const struct kfd *k, uint32_t gpu_id)
{
	unsigned int g;

	for (g = 0; g < k->ngpu; g++)
		if (k->gpu[g].gpu_id == gpu_id)
			return g;
	return -1;
}

/* All GPUs whose VM this process acquired. */
static unsigned int acquired(const struct kfd *k)
{
	unsigned int g, mask = 0;

	for (g = 0; g < k->ngpu; g++)
		if (k->gpu[g].drm_fd >= 0)
			mask |= 1u << g;
	return mask;
}

/* --- buffer objects --- */

/*
 * An address range that nothing else uses.  GPU and CPU addresses are equal,
 * so a mapping without access is enough to keep it ours on both.
 */
static uint64_t reserve_va(uint64_t size)
{
	uint64_t align = size >= 0x200000 ? 0x200000 : 0x10000, va, end;
	char *p = mmap(NULL, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	if (p == MAP_FAILED)
		return 0;
	/* give back what alignment did not need: large BOs get large pages */
	va = align_up((uintptr_t)p, align);
	end = (uintptr_t)p + size + align;
	if (va > (uintptr_t)p)
		munmap(p, va - (uintptr_t)p);
	if (end > va + size)
		munmap((void *)(uintptr_t)(va + size), end - va - size);
	return va;
}

int kfd_bo_alloc(struct kfd *k, struct kfd_bo *bo, unsigned int gpu, uint64_t va,
		 uint64_t size, uint32_t flags)
{
	struct kfd_ioctl_alloc_memory_of_gpu_args args = { 0 };
	bool userptr = flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR;
	int r;

	memset(bo, 0, sizeof(*bo));
	if (gpu >= k->ngpu)
		return -ENODEV;
	bo->gpu = gpu;
	bo->size = size;
	bo->flags = flags;
	bo->va = va;
	if (!va && size) {
		bo->va = reserve_va(size);
		if (!bo->va)
			return -ENOMEM;
		bo->reserved = true;
		if (userptr && mprotect((void *)(uintptr_t)bo->va, size, PROT_READ | PROT_WRITE)) {
			r = -errno;
			goto undo;
		}
	}
	args.va_addr = bo->va;
	args.size = size;
	args.gpu_id = k->gpu[gpu].gpu_id;
	args.flags = flags;
	args.mmap_offset = userptr ? bo->va : 0;
	r = xioctl(k->fd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &args);
	if (r)
		goto undo;
	bo->handle = args.handle;
	bo->mmap_offset = args.mmap_offset;
	if (flags & KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL)
		bo->mmap_offset = MMAP_TYPE_DOORBELL | MMAP_GPU_ID(k->gpu[gpu].gpu_id);
	if (userptr)
		bo->cpu = (void *)(uintptr_t)bo->va;
	return 0;
undo:
	if (bo->reserved)
		munmap((void *)(uintptr_t)bo->va, size);
	memset(bo, 0, sizeof(*bo));
	return r;
}

/* Indices and ids of the GPUs in @mask; returns how many. */
static unsigned int mask_ids(struct kfd *k, unsigned int mask, uint32_t *ids, unsigned int *index)
{
	unsigned int g, n = 0;

	for (g = 0; g < k->ngpu; g++) {
		if (!(mask & 1u << g))
			continue;
		index[n] = g;
		ids[n++] = k->gpu[g].gpu_id;
	}
	return n;
}

int kfd_bo_map(struct kfd *k, struct kfd_bo *bo, unsigned int mask)
{
	struct kfd_ioctl_map_memory_to_gpu_args args = { 0 };
	unsigned int index[KFD_MAX_GPUS], i;
	uint32_t ids[KFD_MAX_GPUS];
	int r;

	args.handle = bo->handle;
	args.device_ids_array_ptr = (uintptr_t)ids;
	args.n_devices = mask_ids(k, mask, ids, index);
	r = xioctl(k->fd, AMDKFD_IOC_MAP_MEMORY_TO_GPU, &args);
	for (i = 0; i < args.n_success && i < args.n_devices; i++)
		bo->mapped |= 1u << index[i];
	return r;
}

int kfd_bo_unmap(struct kfd *k, struct kfd_bo *bo, unsigned int mask)
{
	struct kfd_ioctl_unmap_memory_from_gpu_args args = { 0 };
	unsigned int index[KFD_MAX_GPUS], i;
	uint32_t ids[KFD_MAX_GPUS];
	int r;

	args.handle = bo->handle;
	args.device_ids_array_ptr = (uintptr_t)ids;
	args.n_devices = mask_ids(k, mask, ids, index);
	r = xioctl(k->fd, AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU, &args);
	for (i = 0; i < args.n_success && i < args.n_devices; i++)
		bo->mapped &= ~(1u << index[i]);
	return r;
}

int kfd_bo_mmap(struct kfd *k, struct kfd_bo *bo)
{
	bool chardev = bo->flags & (KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL |
				    KFD_IOC_ALLOC_MEM_FLAGS_MMIO_REMAP);
	void *p = mmap((void *)(uintptr_t)bo->va, bo->size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, chardev ? k->fd : k->gpu[bo->gpu].drm_fd,
		       bo->mmap_offset);

	if (p == MAP_FAILED)
		return -errno;
	bo->cpu = p;
	return 0;
}

int kfd_bo_create(struct kfd *k, struct kfd_bo *bo, unsigned int gpu, uint64_t va,
		  uint64_t size, uint32_t flags, unsigned int mask)
{
	int r = kfd_bo_alloc(k, bo, gpu, va, size, flags);

	if (r)
		return r;
	if (mask)
		r = kfd_bo_map(k, bo, mask);
	if (!r && !bo->cpu)
		r = kfd_bo_mmap(k, bo);
	if (r)
		kfd_bo_destroy(k, bo);
	return r;
}

int kfd_bo_free(struct kfd *k, struct kfd_bo *bo)
{
	struct kfd_ioctl_free_memory_of_gpu_args args = { .handle = bo->handle };
	int r = 0, r2;

	if (!bo->handle)
		return 0;
	if (bo->mapped)
		r = kfd_bo_unmap(k, bo, bo->mapped);
	r2 = xioctl(k->fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args);
	bo->handle = 0;
	return r ? r : r2;
}

int kfd_bo_destroy(struct kfd *k, struct kfd_bo *bo)
{
	int r = kfd_bo_free(k, bo);

	/* memory that the caller gave for a user pointer stays the caller's */
	if (bo->reserved || (bo->cpu && !(bo->flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR)))
		munmap((void *)(uintptr_t)bo->va, bo->size);
	memset(bo, 0, sizeof(*bo));
	return r;
}

int kfd_bo_export(struct kfd *k, struct kfd_bo *bo)
{
	struct kfd_ioctl_export_dmabuf_args args = { .handle = bo->handle, .flags = O_CLOEXEC };
	int r = xioctl(k->fd, AMDKFD_IOC_EXPORT_DMABUF, &args);

	return r ? r : (int)args.dmabuf_fd;
}

static void *gem_mmap(int drm_fd, uint32_t handle, uint64_t size)
{
	union drm_amdgpu_gem_mmap args = { .in = { .handle = handle } };
	int r = xioctl(drm_fd, DRM_IOCTL_AMDGPU_GEM_MMAP, &args);

	if (r) {
		errno = -r;
		return MAP_FAILED;
	}
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, drm_fd, args.out.addr_ptr);
}

static void gem_close(int drm_fd, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	xioctl(drm_fd, DRM_IOCTL_GEM_CLOSE, &args);
}

void *kfd_dmabuf_mmap(int drm_fd, int dmabuf_fd, uint64_t size)
{
	struct drm_prime_handle args = { .fd = dmabuf_fd };
	int err, r = xioctl(drm_fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);
	void *p;

	if (r) {
		errno = -r;
		return MAP_FAILED;
	}
	/* the mapping holds the object, the handle is not needed any more */
	p = gem_mmap(drm_fd, args.handle, size);
	err = errno;
	gem_close(drm_fd, args.handle);
	errno = err;
	return p;
}

/* --- pressure from outside --- */

int gem_vram_create(int drm_fd, struct gem_bo *bo, uint64_t size)
{
	union drm_amdgpu_gem_create args = { 0 };
	int r;

	args.in.bo_size = size;
	args.in.alignment = KFD_PAGE;
	args.in.domains = AMDGPU_GEM_DOMAIN_VRAM;
	args.in.domain_flags = AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED;
	r = xioctl(drm_fd, DRM_IOCTL_AMDGPU_GEM_CREATE, &args);
	if (r)
		return r;
	bo->handle = args.out.handle;
	bo->size = size;
	bo->cpu = gem_mmap(drm_fd, bo->handle, size);
	if (bo->cpu == MAP_FAILED) {
		r = -errno;
		gem_close(drm_fd, bo->handle);
	}
	return r;
}

void gem_destroy(int drm_fd, struct gem_bo *bo)
{
	munmap(bo->cpu, bo->size);
	gem_close(drm_fd, bo->handle);
	memset(bo, 0, sizeof(*bo));
}

int kfd_vram_hog(int render_minor, uint64_t bytes, uint32_t seed)
{
	/* words of the pattern: enough to see every 64 KiB, cheap enough for an emulator */
	const uint64_t step = 0x10000 / sizeof(uint32_t);
	uint64_t chunk = bytes / 32 > 0x800000 ? align_up(bytes / 32, 0x200000) : 0x800000;
	unsigned int n = 0, i, max = (bytes + chunk - 1) / chunk;
	volatile uint32_t *p;
	struct gem_bo *bo;
	char path[64];
	uint64_t w;
	int fd, r = 0;

	snprintf(path, sizeof(path), "/dev/dri/renderD%d", render_minor);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	bo = calloc(max, sizeof(*bo));
	if (!bo)
		r = -ENOMEM;
	while (!r && n < max) {
		r = gem_vram_create(fd, &bo[n], chunk);
		if (r)
			break;
		p = bo[n].cpu;
		for (w = 0; w < chunk / sizeof(uint32_t); w += step)
			p[w] = seed ^ (n << 20) ^ w;
		n++;
	}
	for (i = 0; i < n; i++) {
		p = bo[i].cpu;
		for (w = 0; w < chunk / sizeof(uint32_t); w += step)
			if (p[w] != (uint32_t)(seed ^ (i << 20) ^ w))
				r = -EILSEQ;
	}
	for (i = 0; i < n; i++)
		gem_destroy(fd, &bo[i]);
	free(bo);
	close(fd);
	return r;
}

/* --- queues --- */

/* Both pointers in one page, on cache lines of their own, where an AQL queue has them. */
#define WPTR_OFFSET		0x38
#define RPTR_OFFSET		0x80
#define EOP_SIZE		4096u
#define AQL_PACKET		64u
#define AQL_INVALID		1
#define DEFAULT_PRIORITY	7

static uint64_t cwsr_bytes(const struct kfd_gpu *g)
{
	return align_up((uint64_t)g->cwsr_size * g->num_xcc + g->debug_size, KFD_PAGE);
}

uint64_t kfd_queue_span(struct kfd *k, enum kfd_queue_kind kind, unsigned int gpu)
{
	uint64_t span = KFD_RING_SIZE + KFD_PAGE;

	if (kind != KFD_Q_SDMA)
		span += EOP_SIZE + cwsr_bytes(&k->gpu[gpu]);
	return span;
}

/* Each XCC has a header at the start of its save area that says where the debugger's area is. */
static void init_cwsr(const struct kfd_gpu *g, struct kfd_bo *cwsr)
{
	unsigned int i;

	for (i = 0; i < g->num_xcc; i++) {
		struct kfd_context_save_area_header *h =
			(void *)((char *)cwsr->cpu + (uint64_t)i * g->cwsr_size);

		memset(h, 0, sizeof(*h));
		h->debug_offset = (g->num_xcc - i) * g->cwsr_size;
		h->debug_size = g->debug_size;
	}
}

static int queue_bos(struct kfd *k, struct kfd_queue *q, uint64_t va, unsigned int all)
{
	struct kfd_gpu *g = &k->gpu[q->gpu];
	unsigned int own = 1u << q->gpu;
	uint32_t i;
	int r;

	r = kfd_bo_create(k, &q->ring, q->gpu, va, KFD_RING_SIZE, KFD_BO_GTT, all);
	if (r)
		return r;
	va += KFD_RING_SIZE;
	memset(q->ring.cpu, 0, KFD_RING_SIZE);
	if (q->kind == KFD_Q_AQL)
		for (i = 0; i < KFD_RING_SIZE; i += AQL_PACKET)
			*(uint16_t *)((char *)q->ring.cpu + i) = AQL_INVALID;

	r = kfd_bo_create(k, &q->ptrs, q->gpu, va, KFD_PAGE, KFD_BO_GTT, all);
	if (r)
		return r;
	va += KFD_PAGE;
	memset(q->ptrs.cpu, 0, KFD_PAGE);
	q->wptr = (void *)((char *)q->ptrs.cpu + WPTR_OFFSET);
	q->rptr = (void *)((char *)q->ptrs.cpu + RPTR_OFFSET);
	if (q->kind == KFD_Q_SDMA)
		return 0;

	r = kfd_bo_create(k, &q->eop, q->gpu, va, EOP_SIZE, KFD_BO_VRAM, own);
	if (r)
		return r;
	va += EOP_SIZE;
	r = kfd_bo_create(k, &q->cwsr, q->gpu, va, cwsr_bytes(g), KFD_BO_GTT, all);
	if (!r)
		init_cwsr(g, &q->cwsr);
	return r;
}

static int free_queue_bos(struct kfd *k, struct kfd_queue *q)
{
	int r = 0, r2;

	r2 = kfd_bo_destroy(k, &q->cwsr);
	r = r ? r : r2;
	r2 = kfd_bo_destroy(k, &q->eop);
	r = r ? r : r2;
	r2 = kfd_bo_destroy(k, &q->ptrs);
	r = r ? r : r2;
	r2 = kfd_bo_destroy(k, &q->ring);
	return r ? r : r2;
}

int kfd_queue_map_doorbell(struct kfd *k, struct kfd_queue *q)
{
	/* a process has one frame of doorbells on each GPU: 1024 of 8 bytes */
	const uint64_t frame = 8192;
	char *p = mmap(NULL, frame, PROT_READ | PROT_WRITE, MAP_SHARED, k->fd,
		       q->doorbell_offset & ~(frame - 1));

	if (p == MAP_FAILED)
		return -errno;
	q->doorbell_page = p;
	q->doorbell = (void *)(p + (q->doorbell_offset & (frame - 1)));
	return 0;
}

static int ioctl_create_queue(struct kfd *k, struct kfd_queue *q)
{
	struct kfd_ioctl_create_queue_args args = { 0 };
	struct kfd_gpu *g = &k->gpu[q->gpu];
	int r;

	args.ring_base_address = q->ring.va;
	args.ring_size = KFD_RING_SIZE;
	args.write_pointer_address = q->ptrs.va + WPTR_OFFSET;
	args.read_pointer_address = q->ptrs.va + RPTR_OFFSET;
	args.gpu_id = g->gpu_id;
	args.queue_percentage = q->percentage;
	args.queue_priority = q->priority;
	if (q->kind == KFD_Q_SDMA) {
		args.queue_type = KFD_IOC_QUEUE_TYPE_SDMA;
	} else {
		args.queue_type = q->kind == KFD_Q_AQL ? KFD_IOC_QUEUE_TYPE_COMPUTE_AQL :
							 KFD_IOC_QUEUE_TYPE_COMPUTE;
		args.eop_buffer_address = q->eop.va;
		args.eop_buffer_size = EOP_SIZE;
		args.ctx_save_restore_address = q->cwsr.va;
		args.ctx_save_restore_size = g->cwsr_size;
		args.ctl_stack_size = g->ctl_stack_size;
	}
	r = xioctl(k->fd, AMDKFD_IOC_CREATE_QUEUE, &args);
	if (r)
		return r;
	q->id = args.queue_id;
	q->doorbell_offset = args.doorbell_offset;
	return 0;
}

static int ioctl_destroy_queue(struct kfd *k, struct kfd_queue *q)
{
	struct kfd_ioctl_destroy_queue_args args = { .queue_id = q->id };

	return xioctl(k->fd, AMDKFD_IOC_DESTROY_QUEUE, &args);
}

int kfd_queue_create(struct kfd *k, struct kfd_queue *q, enum kfd_queue_kind kind,
		     unsigned int gpu, uint64_t va)
{
	bool reserved = !va;
	uint64_t span;
	int r;

	memset(q, 0, sizeof(*q));
	if (gpu >= k->ngpu)
		return -ENODEV;
	q->kind = kind;
	q->gpu = gpu;
	q->gfx_version = k->gpu[gpu].gfx_version;
	q->percentage = KFD_MAX_QUEUE_PERCENTAGE;
	q->priority = DEFAULT_PRIORITY;

	span = kfd_queue_span(k, kind, gpu);
	if (reserved) {
		va = reserve_va(span);
		if (!va)
			return -ENOMEM;
	}
	r = queue_bos(k, q, va, acquired(k));
	if (!r)
		r = ioctl_create_queue(k, q);
	if (!r) {
		r = kfd_queue_map_doorbell(k, q);
		if (r)
			ioctl_destroy_queue(k, q);
	}
	if (r) {
		free_queue_bos(k, q);
		if (reserved)
			munmap((void *)(uintptr_t)va, span);
	}
	return r;
}

int kfd_queue_update(struct kfd *k, struct kfd_queue *q, uint32_t percentage, uint32_t priority)
{
	struct kfd_ioctl_update_queue_args args = { 0 };
	int r;

	args.ring_base_address = q->ring.va;
	args.ring_size = KFD_RING_SIZE;
	args.queue_id = q->id;
	args.queue_percentage = percentage;
	args.queue_priority = priority;
	r = xioctl(k->fd, AMDKFD_IOC_UPDATE_QUEUE, &args);
	if (r)
		return r;
	q->percentage = percentage;
	q->priority = priority;
	return 0;
}

int kfd_queue_set_cu_mask(struct kfd *k, struct kfd_queue *q, const uint32_t *mask, uint32_t bits)
{
	struct kfd_ioctl_set_cu_mask_args args = { 0 };

	args.queue_id = q->id;
	args.num_cu_mask = bits;
	args.cu_mask_ptr = (uintptr_t)mask;
	return xioctl(k->fd, AMDKFD_IOC_SET_CU_MASK, &args);
}

int kfd_queue_destroy(struct kfd *k, struct kfd_queue *q)
{
	int r = ioctl_destroy_queue(k, q), r2;

	if (q->doorbell_page)
		munmap(q->doorbell_page, 8192);
	r2 = free_queue_bos(k, q);
	memset(q, 0, sizeof(*q));
	return r ? r : r2;
}

void kfd_queue_submit(struct kfd_queue *q)
{
	/* the packets before the pointer, the pointer before the doorbell */
	__atomic_store_n(q->wptr, q->put, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	/* an AQL doorbell names the last packet, the others the pointer behind it */
	*q->doorbell = q->kind == KFD_Q_AQL ? q->put - 1 : q->put;
}

/* What is in the ring and not yet consumed, in the unit of @put. */
static uint64_t ring_used(const struct kfd_queue *q)
{
	uint64_t rptr = __atomic_load_n(q->rptr, __ATOMIC_ACQUIRE);

	/* only PM4 reports its position in the ring instead of a running count */
	if (q->kind == KFD_Q_PM4)
		return (q->put - rptr) % (KFD_RING_SIZE / 4);
	return q->put - rptr;
}

int kfd_queue_drain(struct kfd_queue *q, unsigned int ms)
{
	uint64_t end = now_ms() + ms;

	if (q->overrun)
		return -EOVERFLOW;
	while (ring_used(q)) {
		if (now_ms() > end)
			return ring_used(q) ? -ETIMEDOUT : 0;
		nap();
	}
	return 0;
}

struct kfd_patience *kfd_patience;

/* The number of a wait that begins. */
static uint32_t wait_begin(void)
{
	uint32_t n;

	if (!kfd_patience)
		return 0;
	n = __atomic_add_fetch(&kfd_patience->waits, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&kfd_patience->waiting, n, __ATOMIC_SEQ_CST);
	return n;
}

static bool wait_given_up(uint32_t n)
{
	return n && __atomic_load_n(&kfd_patience->given_up, __ATOMIC_SEQ_CST) == n;
}

static void wait_end(uint32_t n)
{
	if (n)
		__atomic_compare_exchange_n(&kfd_patience->waiting, &n, 0, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

bool kfd_wait32(const volatile uint32_t *p, uint32_t v, unsigned int ms)
{
	uint64_t end = now_ms() + ms;
	uint32_t n = wait_begin();

	while (*p != v && !wait_given_up(n) && now_ms() <= end)
		nap();
	wait_end(n);
	if (*p != v)
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return true;
}

bool kfd_wait64(const volatile uint64_t *p, uint64_t v, unsigned int ms)
{
	uint64_t end = now_ms() + ms;
	uint32_t n = wait_begin();

	while (*p != v && !wait_given_up(n) && now_ms() <= end)
		nap();
	wait_end(n);
	if (*p != v)
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return true;
}

/* --- packets --- */

#define PM4_HEADER(op, dwords)	(3u << 30 | ((dwords) - 2) << 16 | (op) << 8 | 1u << 1)
#define PM4_NOP1		0xffff1000u	/* a NOP of one dword */
#define NOP_BODY		0xdeadbeefu

#define LO(x)			((uint32_t)(x))
#define HI(x)			((uint32_t)((uint64_t)(x) >> 32))

/* Make room for @need units, in the unit of put. */
static bool ring_room(struct kfd_queue *q, uint64_t need)
{
	/* a full ring and an empty one must not look the same */
	uint64_t size = q->kind == KFD_Q_SDMA ? KFD_RING_SIZE - 4 :
			q->kind == KFD_Q_PM4 ? KFD_RING_SIZE / 4 - 1 : KFD_RING_SIZE / AQL_PACKET;
	uint64_t end;

	if (!q->doorbell)		/* an indirect buffer */
		return true;
	if (q->overrun)
		return false;
	if (ring_used(q) + need <= size)
		return true;
	kfd_queue_submit(q);
	end = now_ms() + ROOM_MS;
	while (ring_used(q) + need > size) {
		if (now_ms() > end) {
			q->overrun = true;
			return false;
		}
		nap();
	}
	return true;
}

/* Space for a packet of @dwords in one piece, or NULL. */
static uint32_t *packet(struct kfd_queue *q, uint32_t dwords)
{
	uint32_t unit = q->kind == KFD_Q_SDMA ? 4 : 1;
	uint32_t *ring = q->ring.cpu, pos, rest;

	if (q->doorbell) {
		const uint32_t total = KFD_RING_SIZE / 4;

		pos = q->put / unit % total;
		rest = total - pos;
		if (dwords > rest) {
			if (!ring_room(q, rest * unit))
				return NULL;
			q->put += (uint64_t)rest * unit;
			while (rest--)
				ring[pos++] = q->kind == KFD_Q_SDMA ? 0 : PM4_NOP1;
		}
		if (!ring_room(q, dwords * unit))
			return NULL;
		pos = q->put / unit % total;
	} else {
		pos = q->put / unit;
	}
	q->put += (uint64_t)dwords * unit;
	return ring + pos;
}

static void raw(struct kfd_queue *q, const uint32_t *pkt, uint32_t dwords)
{
	uint32_t *p = packet(q, dwords);

	if (p)
		memcpy(p, pkt, dwords * sizeof(*p));
}

#define EMIT(q, ...)							\
	do {								\
		const uint32_t pkt_[] = { __VA_ARGS__ };		\
									\
		raw(q, pkt_, ARRAY_SIZE(pkt_));		\
	} while (0)

void kfd_ib_begin(struct kfd_queue *ib, enum kfd_queue_kind kind, uint32_t gfx_version, void *buf)
{
	memset(ib, 0, sizeof(*ib));
	ib->kind = kind;
	ib->gfx_version = gfx_version;
	ib->ring.cpu = buf;
}

uint32_t kfd_ib_dwords(const struct kfd_queue *ib)
{
	return ib->kind == KFD_Q_SDMA ? ib->put / 4 : ib->put;
}

enum {
	SDMA_NOP = 0, SDMA_COPY = 1, SDMA_WRITE = 2, SDMA_INDIRECT = 4, SDMA_FENCE = 5,
	SDMA_TRAP = 6, SDMA_POLL_REGMEM = 8, SDMA_ATOMIC = 10, SDMA_CONST_FILL = 11,
	SDMA_TIMESTAMP = 13,
};

#define SDMA_COPY_BROADCAST	0x08000000u
#define SDMA_FILL_DWORDS	(2u << 30)
#define SDMA_GET_GLOBAL_TIME	(2u << 8)
#define SDMA_ADD_RTN_64		(47u << 25)
#define SDMA_POLL_EQUAL_MEM	(0x80000000u | 3u << 28)
#define SDMA_POLL_FOREVER	(0xfffu << 16)

/* The count field of copies and fills has 22 bits on the oldest engines. */
#define SDMA_MAX_BYTES		0x200000u
#define MAX_WRITE_DWORDS	1024u

void sdma_raw(struct kfd_queue *q, const uint32_t *pkt, unsigned int dwords)
{
	raw(q, pkt, dwords);
}

void sdma_nop(struct kfd_queue *q, unsigned int dwords)
{
	while (dwords) {
		uint32_t i, n = dwords < MAX_WRITE_DWORDS ? dwords : MAX_WRITE_DWORDS;
		uint32_t *p = packet(q, n);

		if (!p)
			return;
		p[0] = SDMA_NOP | (n - 1) << 16;
		for (i = 1; i < n; i++)
			p[i] = NOP_BODY;
		dwords -= n;
	}
}

void sdma_copy(struct kfd_queue *q, uint64_t dst, uint64_t src, uint32_t bytes)
{
	while (bytes) {
		uint32_t n = bytes < SDMA_MAX_BYTES ? bytes : SDMA_MAX_BYTES;

		EMIT(q, SDMA_COPY, n - 1, 0, LO(src), HI(src), LO(dst), HI(dst));
		src += n;
		dst += n;
		bytes -= n;
	}
}

void sdma_copy_broadcast(struct kfd_queue *q, uint64_t dst1, uint64_t dst2, uint64_t src,
			 uint32_t bytes)
{
	while (bytes) {
		uint32_t n = bytes < SDMA_MAX_BYTES ? bytes : SDMA_MAX_BYTES;

		EMIT(q, SDMA_COPY | SDMA_COPY_BROADCAST, n - 1, 0, LO(src), HI(src),
		     LO(dst1), HI(dst1), LO(dst2), HI(dst2));
		src += n;
		dst1 += n;
		dst2 += n;
		bytes -= n;
	}
}

void sdma_write(struct kfd_queue *q, uint64_t dst, const uint32_t *data, uint32_t dwords)
{
	while (dwords) {
		uint32_t n = dwords < MAX_WRITE_DWORDS ? dwords : MAX_WRITE_DWORDS;
		uint32_t *p = packet(q, 4 + n);

		if (!p)
			return;
		p[0] = SDMA_WRITE;
		p[1] = LO(dst);
		p[2] = HI(dst);
		p[3] = n - 1;
		memcpy(p + 4, data, n * sizeof(*data));
		dst += n * sizeof(*data);
		data += n;
		dwords -= n;
	}
}

void sdma_fill(struct kfd_queue *q, uint64_t dst, uint32_t value, uint32_t bytes)
{
	while (bytes) {
		uint32_t n = bytes < SDMA_MAX_BYTES ? bytes : SDMA_MAX_BYTES;

		EMIT(q, SDMA_CONST_FILL | SDMA_FILL_DWORDS, LO(dst), HI(dst), value, n - 1);
		dst += n;
		bytes -= n;
	}
}

void sdma_fence(struct kfd_queue *q, uint64_t dst, uint32_t value)
{
	EMIT(q, SDMA_FENCE, LO(dst), HI(dst), value);
}

void sdma_trap(struct kfd_queue *q, uint32_t event_id)
{
	EMIT(q, SDMA_TRAP, event_id & 0xfffffff);
}

void sdma_signal(struct kfd_queue *q, const struct kfd_bo *page, const struct kfd_event *e)
{
	sdma_fence(q, kfd_event_slot(page, e), e->id);
	sdma_trap(q, e->id);
}

void sdma_timestamp(struct kfd_queue *q, uint64_t dst)
{
	EMIT(q, SDMA_TIMESTAMP | SDMA_GET_GLOBAL_TIME, LO(dst), HI(dst));
}

void sdma_atomic_add64(struct kfd_queue *q, uint64_t dst, uint64_t value)
{
	EMIT(q, SDMA_ATOMIC | SDMA_ADD_RTN_64, LO(dst), HI(dst), LO(value), HI(value), 0, 0, 0);
}

void sdma_poll_equal(struct kfd_queue *q, uint64_t addr, uint32_t value, uint32_t mask)
{
	EMIT(q, SDMA_POLL_REGMEM | SDMA_POLL_EQUAL_MEM, LO(addr), HI(addr), value, mask,
	     SDMA_POLL_FOREVER | 10);
}

void sdma_indirect(struct kfd_queue *q, uint64_t ib, uint32_t dwords)
{
	/* the packet has to end on a multiple of eight dwords */
	while ((q->put / 4 + 6) % 8)
		EMIT(q, SDMA_NOP);
	EMIT(q, SDMA_INDIRECT, LO(ib), HI(ib), dwords, 0, 0);
}

enum {
	PM4_NOP = 0x10, PM4_DISPATCH_DIRECT = 0x15, PM4_DISPATCH_INDIRECT = 0x16,
	PM4_WRITE_DATA = 0x37, PM4_WAIT_REG_MEM = 0x3c, PM4_INDIRECT_BUFFER = 0x3f,
	PM4_RELEASE_MEM = 0x49, PM4_ACQUIRE_MEM = 0x58, PM4_SET_SH_REG = 0x76,
};

void pm4_raw(struct kfd_queue *q, const uint32_t *pkt, unsigned int dwords)
{
	raw(q, pkt, dwords);
}

void pm4_nop(struct kfd_queue *q, unsigned int dwords)
{
	while (dwords) {
		uint32_t i, n = dwords < MAX_WRITE_DWORDS ? dwords : MAX_WRITE_DWORDS;
		uint32_t *p = packet(q, n);

		if (!p)
			return;
		p[0] = n == 1 ? PM4_NOP1 : PM4_HEADER(PM4_NOP, n);
		for (i = 1; i < n; i++)
			p[i] = NOP_BODY;
		dwords -= n;
	}
}

void pm4_write_data(struct kfd_queue *q, uint64_t dst, const uint32_t *data, uint32_t dwords)
{
	const uint32_t dst_memory = 5u << 8, confirm = 1u << 20;

	while (dwords) {
		uint32_t n = dwords < MAX_WRITE_DWORDS ? dwords : MAX_WRITE_DWORDS;
		uint32_t *p = packet(q, 4 + n);

		if (!p)
			return;
		p[0] = PM4_HEADER(PM4_WRITE_DATA, 4 + n);
		p[1] = dst_memory | confirm;
		p[2] = LO(dst);
		p[3] = HI(dst);
		memcpy(p + 4, data, n * sizeof(*data));
		dst += n * sizeof(*data);
		data += n;
		dwords -= n;
	}
}

void pm4_acquire_mem(struct kfd_queue *q)
{
	if (q->gfx_version >= 100000) {
		/* the caches are named in a dword of their own: invalidate all, write back L2 */
		const uint32_t gcr = 3u << 0 | 1u << 7 | 1u << 8 | 1u << 9 | 1u << 14 | 1u << 15;

		EMIT(q, PM4_HEADER(PM4_ACQUIRE_MEM, 8), 0, 0xffffffff, 0xff, 0, 0, 10, gcr);
	} else {
		const uint32_t coher = 1u << 18 | 1u << 22 | 1u << 23 | 1u << 27 | 1u << 29;

		EMIT(q, PM4_HEADER(PM4_ACQUIRE_MEM, 7), coher, 0xffffffff, 0xff, 0, 0, 10);
	}
}

void pm4_release_mem(struct kfd_queue *q, uint64_t dst, uint64_t value, uint32_t event_id)
{
	const uint32_t flush_and_inv_ts = 0x14, index = 5u << 8;
	const uint32_t l2 = q->gfx_version < 100000 ? 1u << 15 | 1u << 17 : 1u << 12 | 1u << 14;
	const uint32_t data64 = 2u << 29, irq = event_id ? 2u << 24 : 0;

	EMIT(q, PM4_HEADER(PM4_RELEASE_MEM, 8), flush_and_inv_ts | index | l2, data64 | irq,
	     LO(dst), HI(dst), LO(value), HI(value), event_id);
}

void pm4_wait_equal(struct kfd_queue *q, uint64_t addr, uint32_t value, uint32_t mask)
{
	const uint32_t equal = 3, memory = 1u << 4;

	EMIT(q, PM4_HEADER(PM4_WAIT_REG_MEM, 7), equal | memory, LO(addr), HI(addr), value, mask,
	     4);
}

void pm4_indirect(struct kfd_queue *q, uint64_t ib, uint32_t dwords)
{
	const uint32_t valid = 1u << 23;

	EMIT(q, PM4_HEADER(PM4_INDIRECT_BUFFER, 4), LO(ib), HI(ib), dwords | valid);
}

void pm4_set_sh_reg(struct kfd_queue *q, uint32_t reg, const uint32_t *values, uint32_t count)
{
	uint32_t *p = packet(q, 2 + count);

	if (!p)
		return;
	p[0] = PM4_HEADER(PM4_SET_SH_REG, 2 + count);
	p[1] = reg;
	memcpy(p + 2, values, count * sizeof(*values));
}

void pm4_dispatch_direct(struct kfd_queue *q, const uint32_t dim[3], uint32_t initiator)
{
	EMIT(q, PM4_HEADER(PM4_DISPATCH_DIRECT, 5), dim[0], dim[1], dim[2], initiator);
}

void pm4_dispatch_indirect(struct kfd_queue *q, uint64_t dim, uint32_t initiator)
{
	EMIT(q, PM4_HEADER(PM4_DISPATCH_INDIRECT, 4), LO(dim), HI(dim), initiator);
}

enum { AQL_KERNEL_DISPATCH = 2, AQL_BARRIER_AND = 3, AQL_BARRIER_OR = 5 };

/* after all packets before it, and with system scope on both sides */
#define AQL_HEADER(type)	((type) | 1 << 8 | 2 << 9 | 2 << 11)

static void aql_packet(struct kfd_queue *q, uint16_t header, uint16_t setup,
		       const uint32_t body[15])
{
	uint16_t *p;

	if (!ring_room(q, 1))
		return;
	p = (uint16_t *)((char *)q->ring.cpu + q->put * AQL_PACKET % KFD_RING_SIZE);
	/* the header makes the packet valid, so it goes last */
	memcpy(p + 2, body, 15 * sizeof(*body));
	p[1] = setup;
	__atomic_store_n(p, header, __ATOMIC_RELEASE);
	q->put++;
}

void aql_raw(struct kfd_queue *q, uint16_t header, const uint32_t body[15])
{
	aql_packet(q, header, 0, body);
}

static void aql_barrier(struct kfd_queue *q, uint16_t type, const uint64_t dep[5],
			uint64_t completion)
{
	uint32_t body[15] = { 0 };

	memcpy(body + 1, dep, 5 * sizeof(*dep));
	memcpy(body + 13, &completion, sizeof(completion));
	aql_packet(q, AQL_HEADER(type), 0, body);
}

void aql_barrier_and(struct kfd_queue *q, const uint64_t dep[5], uint64_t completion)
{
	aql_barrier(q, AQL_BARRIER_AND, dep, completion);
}

void aql_barrier_or(struct kfd_queue *q, const uint64_t dep[5], uint64_t completion)
{
	aql_barrier(q, AQL_BARRIER_OR, dep, completion);
}

void aql_dispatch(struct kfd_queue *q, uint64_t kernel, uint64_t completion)
{
	/* one dimension, one work-group of one work-item */
	const uint16_t setup = 1;
	uint32_t body[15] = { 1 | 1 << 16, 1, 1, 1, 1 };

	memcpy(body + 7, &kernel, sizeof(kernel));
	memcpy(body + 13, &completion, sizeof(completion));
	aql_packet(q, AQL_HEADER(AQL_KERNEL_DISPATCH), setup, body);
}

void aql_dispatch_grid(struct kfd_queue *q, const struct aql_grid *grid)
{
	uint32_t body[15] = { 0 }, *size = body + 2;
	uint16_t *group = (uint16_t *)body;
	unsigned int i, dims = 1;

	for (i = 0; i < 3; i++) {
		group[i] = grid->group[i] ? grid->group[i] : 1;
		size[i] = grid->size[i] ? grid->size[i] : 1;
		if (size[i] > 1)
			dims = i + 1;
	}
	body[5] = grid->scratch;
	body[6] = grid->lds;
	memcpy(body + 7, &grid->kernel, sizeof(grid->kernel));
	memcpy(body + 9, &grid->args, sizeof(grid->args));
	memcpy(body + 13, &grid->completion, sizeof(grid->completion));
	aql_packet(q, AQL_HEADER(AQL_KERNEL_DISPATCH), dims, body);
}

void hsa_signal_init(struct hsa_signal *s, int64_t value, const struct kfd_bo *page,
		     const struct kfd_event *e)
{
	memset(s, 0, sizeof(*s));
	s->kind = 1;		/* a user signal */
	s->value = value;
	if (e) {
		s->mailbox = kfd_event_slot(page, e);
		s->event_id = e->id;
	}
}

/* --- turns --- */

/* How long a GPU that works may take for a job of one packet. */
#define TURN_MS			20000u

static int one_job(struct kfd_queue *q, const struct kfd_bo *cell)
{
	const uint64_t none[5] = { 0 };
	struct hsa_signal *done = cell->cpu;

	hsa_signal_init(done, 1, NULL, NULL);
	if (q->kind == KFD_Q_SDMA)
		sdma_fence(q, cell->va + offsetof(struct hsa_signal, value), 0);
	else
		aql_barrier_and(q, none, cell->va);
	kfd_queue_submit(q);
	return kfd_wait64((volatile uint64_t *)&done->value, 0, TURN_MS) ? 0 : -ETIMEDOUT;
}

/* New queues take the SDMA engines one after the other: so many at the same time. */
static int gpu_turn(struct kfd *k, unsigned int gpu, const struct kfd_bo *cell)
{
	unsigned int engines = k->gpu[gpu].num_sdma, i, n;
	struct kfd_queue *q = calloc(engines + 1, sizeof(*q));
	int r = q ? 0 : -ENOMEM;

	for (n = 0; !r && n <= engines; n++) {
		r = kfd_queue_create(k, &q[n], n < engines ? KFD_Q_SDMA : KFD_Q_AQL, gpu, 0);
		if (r)
			break;
		r = one_job(&q[n], cell);
	}
	for (i = 0; i < n; i++)
		kfd_queue_destroy(k, &q[i]);
	free(q);
	return r;
}

int kfd_turns(struct kfd *k, unsigned int gpus)
{
	struct kfd_bo cell = { 0 };
	unsigned int g;
	int r;

	r = kfd_bo_create(k, &cell, 0, 0, KFD_PAGE, KFD_BO_GTT, (1u << k->ngpu) - 1);
	for (g = 0; !r && g < k->ngpu; g++)
		if (gpus & 1u << g)
			r = gpu_turn(k, g, &cell);
	kfd_bo_destroy(k, &cell);
	return r;
}

/* --- events --- */

int kfd_event_page(struct kfd *k, struct kfd_bo *page, uint64_t va)
{
	int r = kfd_bo_create(k, page, 0, va, KFD_SIGNAL_EVENT_LIMIT * 8, KFD_BO_GTT, acquired(k));

	if (!r)
		memset(page->cpu, 0xff, page->size);
	return r;
}

int kfd_event_create(struct kfd *k, struct kfd_event *e, uint32_t type, bool auto_reset,
		     const struct kfd_bo *page)
{
	struct kfd_ioctl_create_event_args args = { 0 };
	int r;

	args.event_page_offset = page ? page->handle : 0;
	args.event_type = type;
	args.auto_reset = auto_reset;
	r = xioctl(k->fd, AMDKFD_IOC_CREATE_EVENT, &args);
	if (r)
		return r;
	e->id = args.event_id;
	e->slot = args.event_slot_index;
	e->trigger = args.event_trigger_data;
	e->type = type;
	return 0;
}

int kfd_event_destroy(struct kfd *k, struct kfd_event *e)
{
	struct kfd_ioctl_destroy_event_args args = { .event_id = e->id };

	return xioctl(k->fd, AMDKFD_IOC_DESTROY_EVENT, &args);
}

int kfd_event_set(struct kfd *k, struct kfd_event *e)
{
	struct kfd_ioctl_set_event_args args = { .event_id = e->id };

	return xioctl(k->fd, AMDKFD_IOC_SET_EVENT, &args);
}

int kfd_event_reset(struct kfd *k, struct kfd_event *e)
{
	struct kfd_ioctl_reset_event_args args = { .event_id = e->id };

	return xioctl(k->fd, AMDKFD_IOC_RESET_EVENT, &args);
}

/* A wait that can be given up leaves the kernel from time to time to look if it was. */
#define SLICE_MS		200u

static int wait_events(struct kfd *k, unsigned int n, bool all, unsigned int ms,
		       struct kfd_event_data *data)
{
	struct kfd_ioctl_wait_events_args args = { 0 };
	int r;

	args.events_ptr = (uintptr_t)data;
	args.num_events = n;
	args.wait_for_all = all;
	args.timeout = ms;
	r = xioctl(k->fd, AMDKFD_IOC_WAIT_EVENTS, &args);
	if (r)
		return r;
	return args.wait_result == KFD_IOC_WAIT_RESULT_COMPLETE ? 0 :
	       args.wait_result == KFD_IOC_WAIT_RESULT_TIMEOUT ? -ETIMEDOUT : -EIO;
}

int kfd_event_wait_many(struct kfd *k, const struct kfd_event *e, unsigned int n, bool all,
			unsigned int ms, struct kfd_event_data *data)
{
	uint32_t number = wait_begin();
	unsigned int i, slice;
	int r;

	memset(data, 0, n * sizeof(*data));
	for (i = 0; i < n; i++)
		data[i].event_id = e[i].id;
	do {
		slice = number && ms > SLICE_MS ? SLICE_MS : ms;
		r = wait_events(k, n, all, slice, data);
		ms -= slice;
	} while (r == -ETIMEDOUT && ms && !wait_given_up(number));
	wait_end(number);
	return r;
}

int kfd_event_wait(struct kfd *k, struct kfd_event *e, unsigned int ms,
		   struct kfd_event_data *data)
{
	struct kfd_event_data own;

	return kfd_event_wait_many(k, e, 1, true, ms, data ? data : &own);
}

/* --- SVM --- */

static int svm_ioctl(struct kfd *k, uint32_t op, uint64_t va, uint64_t size,
		     struct kfd_ioctl_svm_attribute *attr, unsigned int nattr)
{
	size_t bytes = nattr * sizeof(*attr);
	struct kfd_ioctl_svm_args *args = calloc(1, sizeof(*args) + bytes);
	int r;

	if (!args)
		return -ENOMEM;
	args->start_addr = va;
	args->size = size;
	args->op = op;
	args->nattr = nattr;
	memcpy(args->attrs, attr, bytes);
	/* the size that the ioctl number carries includes the attributes */
	r = xioctl(k->fd, AMDKFD_IOC_SVM + (bytes << _IOC_SIZESHIFT), args);
	if (!r && op == KFD_IOCTL_SVM_OP_GET_ATTR)
		memcpy(attr, args->attrs, bytes);
	free(args);
	return r;
}

int kfd_svm_set(struct kfd *k, uint64_t va, uint64_t size,
		const struct kfd_ioctl_svm_attribute *attr, unsigned int nattr)
{
	return svm_ioctl(k, KFD_IOCTL_SVM_OP_SET_ATTR, va, size,
			 (struct kfd_ioctl_svm_attribute *)attr, nattr);
}

int kfd_svm_get(struct kfd *k, uint64_t va, uint64_t size,
		struct kfd_ioctl_svm_attribute *attr, unsigned int nattr)
{
	return svm_ioctl(k, KFD_IOCTL_SVM_OP_GET_ATTR, va, size, attr, nattr);
}

int kfd_svm_create(struct kfd *k, uint64_t *va, uint64_t size, unsigned int mask)
{
	struct kfd_ioctl_svm_attribute attr[KFD_MAX_GPUS + 1];
	unsigned int g, n = 0;
	uint64_t at = *va;
	int r;

	if (at) {
		if (mmap((void *)(uintptr_t)at, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
			return -errno;
	} else {
		at = reserve_va(size);
		if (!at)
			return -ENOMEM;
		if (mprotect((void *)(uintptr_t)at, size, PROT_READ | PROT_WRITE)) {
			r = -errno;
			goto undo;
		}
	}
	for (g = 0; g < k->ngpu; g++) {
		if (!(mask & 1u << g))
			continue;
		attr[n].type = KFD_IOCTL_SVM_ATTR_ACCESS;
		attr[n++].value = k->gpu[g].gpu_id;
	}
	attr[n].type = KFD_IOCTL_SVM_ATTR_SET_FLAGS;
	attr[n++].value = KFD_IOCTL_SVM_FLAG_COHERENT | KFD_IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED;
	r = kfd_svm_set(k, at, size, attr, n);
	if (r)
		goto undo;
	*va = at;
	return 0;
undo:
	munmap((void *)(uintptr_t)at, size);
	return r;
}

int kfd_svm_prefetch(struct kfd *k, uint64_t va, uint64_t size, uint32_t gpu_id)
{
	struct kfd_ioctl_svm_attribute attr = { KFD_IOCTL_SVM_ATTR_PREFETCH_LOC, gpu_id };

	return kfd_svm_set(k, va, size, &attr, 1);
}

/* --- other process state --- */

int kfd_set_memory_policy(struct kfd *k, unsigned int gpu, uint32_t default_policy,
			  uint32_t alternate_policy, uint64_t base, uint64_t size)
{
	struct kfd_ioctl_set_memory_policy_args args = { 0 };

	args.gpu_id = k->gpu[gpu].gpu_id;
	args.default_policy = default_policy;
	args.alternate_policy = alternate_policy;
	args.alternate_aperture_base = base;
	args.alternate_aperture_size = size;
	return xioctl(k->fd, AMDKFD_IOC_SET_MEMORY_POLICY, &args);
}

int kfd_xnack_mode(struct kfd *k, int mode)
{
	struct kfd_ioctl_set_xnack_mode_args args = { .xnack_enabled = mode };
	int r = xioctl(k->fd, AMDKFD_IOC_SET_XNACK_MODE, &args);

	return r ?: args.xnack_enabled;
}

int kfd_set_trap_handler(struct kfd *k, unsigned int gpu, uint64_t tba, uint64_t tma)
{
	struct kfd_ioctl_set_trap_handler_args args = { 0 };

	args.gpu_id = k->gpu[gpu].gpu_id;
	args.tba_addr = tba;
	args.tma_addr = tma;
	return xioctl(k->fd, AMDKFD_IOC_SET_TRAP_HANDLER, &args);
}

int kfd_runtime_enable(struct kfd *k, uint64_t r_debug, bool ttmp)
{
	struct kfd_ioctl_runtime_enable_args args = { 0 };

	args.r_debug = r_debug;
	args.mode_mask = KFD_RUNTIME_ENABLE_MODE_ENABLE_MASK;
	if (ttmp)
		args.mode_mask |= KFD_RUNTIME_ENABLE_MODE_TTMP_SAVE_MASK;
	return xioctl(k->fd, AMDKFD_IOC_RUNTIME_ENABLE, &args);
}

static int debug_trap(struct kfd *k, struct kfd_ioctl_dbg_trap_args *args, uint32_t op)
{
	args->pid = getpid();
	args->op = op;
	return xioctl(k->fd, AMDKFD_IOC_DBG_TRAP, args);
}

int kfd_debug_begin(struct kfd *k, int fd, uint64_t exceptions)
{
	struct kfd_ioctl_dbg_trap_args args = { 0 };
	struct kfd_runtime_info info = { 0 };

	args.enable.exception_mask = exceptions;
	args.enable.rinfo_ptr = (uintptr_t)&info;
	args.enable.rinfo_size = sizeof(info);
	args.enable.dbg_fd = fd;
	return debug_trap(k, &args, KFD_IOC_DBG_TRAP_ENABLE);
}

int kfd_debug_query(struct kfd *k, uint32_t *gpu_id, uint32_t *queue_id, uint64_t *exceptions)
{
	struct kfd_ioctl_dbg_trap_args args = { 0 };
	int r = debug_trap(k, &args, KFD_IOC_DBG_TRAP_QUERY_DEBUG_EVENT);

	*gpu_id = args.query_debug_event.gpu_id;
	*queue_id = args.query_debug_event.queue_id;
	*exceptions = args.query_debug_event.exception_mask;
	return r;
}

int kfd_debug_end(struct kfd *k)
{
	struct kfd_ioctl_dbg_trap_args args = { 0 };

	return debug_trap(k, &args, KFD_IOC_DBG_TRAP_DISABLE);
}

/* --- the kernel under test --- */

int kfd_write_text(const char *path, const char *text)
{
	ssize_t len = strlen(text), n;
	int fd, r = 0;

	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n != len)
		r = n < 0 ? -errno : -EIO;
	close(fd);
	return r;
}

int kfd_parameter(const char *name, int otherwise)
{
	char path[96];
	int value;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/amdgpu/parameters/%s", name);
	f = fopen(path, "re");
	if (!f)
		return otherwise;
	if (fscanf(f, "%d", &value) != 1)
		value = otherwise;
	fclose(f);
	return value;
}

bool kfd_simulated(void)
{
	return kfd_parameter("simgpu_count", 0);
}

bool kfd_has_hws(void)
{
	return kfd_parameter("sched_policy", 0) != 2;
}

int kfd_prove_locking(int prove)
{
	FILE *f = fopen("/sys/module/lockdep/parameters/prove_locking", "r+e");
	int before = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%d", &before) == 1) {
		rewind(f);
		fprintf(f, "%d\n", prove);
	}
	fclose(f);
	return before;
}
