// SPDX-License-Identifier: GPL-2.0
/*
 * Topology, apertures and buffer objects: what a BO holds is seen by exactly
 * those GPUs that it is mapped on, and by the CPU.
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "kfd_test.h"

#define BO_SIZE		(2 * MIB + 8 * KIB)
#define DRM_MAJOR	226

/* True when the topology has a link over which GPU @a can reach GPU @b's memory. */
static bool linked(const struct kfd *k, unsigned int a, unsigned int b)
{
	static const char * const kind[] = { "io_links", "p2p_links" };
	unsigned int i, to, n;
	char path[160], key[64];
	unsigned long long v;
	FILE *f;

	for (i = 0; i < ARRAY_SIZE(kind); i++) {
		for (n = 0; ; n++) {
			snprintf(path, sizeof(path),
				 "/sys/devices/virtual/kfd/kfd/topology/nodes/%d/%s/%u/properties",
				 k->gpu[a].node, kind[i], n);
			f = fopen(path, "re");
			if (!f)
				break;
			to = ~0u;
			while (fscanf(f, "%63s %llu", key, &v) == 2)
				if (!strcmp(key, "node_to"))
					to = v;
			fclose(f);
			if (to == (unsigned int)k->gpu[b].node)
				return true;
		}
	}
	return false;
}

static uint64_t available(struct kfd *k, unsigned int g)
{
	struct kfd_ioctl_get_available_memory_args args = { .gpu_id = k->gpu[g].gpu_id };

	return ioctl(k->fd, AMDKFD_IOC_AVAILABLE_MEMORY, &args) ? ~0ULL : args.available;
}

FIXTURE(kfd_mem)
{
	struct env e;
	struct kfd_queue q[KFD_MAX_GPUS];
	struct kfd_bo gtt;		/* where copies go to and come from, on every GPU */
	struct kfd_event fault;
};

FIXTURE_SETUP(kfd_mem)
{
	struct kfd *k = &self->e.k;
	unsigned int g;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	ASSERT_EQ(0, kfd_bo_create(k, &self->gtt, 0, 0, BO_SIZE, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_event_create(k, &self->fault, KFD_IOC_EVENT_MEMORY, true, NULL));
	for (g = 0; g < k->ngpu; g++)
		ASSERT_EQ(0, kfd_queue_create(k, &self->q[g], KFD_Q_SDMA, g, 0));
}

FIXTURE_TEARDOWN(kfd_mem)
{
	struct kfd *k = &self->e.k;
	unsigned int g;

	for (g = 0; g < k->ngpu; g++)
		EXPECT_EQ(0, kfd_queue_destroy(k, &self->q[g]));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->gtt));
	env_close(&self->e);
}

TEST_F(kfd_mem, topology)
{
	struct kfd *k = &self->e.k;
	unsigned int g, h;
	struct stat st;
	char path[64];

	for (g = 0; g < k->ngpu; g++) {
		struct kfd_gpu *a = &k->gpu[g];

		EXPECT_NE(0, a->gpu_id);
		EXPECT_LT(0, a->gfx_version);
		EXPECT_LT(0, a->num_sdma);
		EXPECT_LT(0, a->cwsr_size);
		EXPECT_LT(a->ctl_stack_size, a->cwsr_size);
		EXPECT_LT(0, a->vram_size);
		snprintf(path, sizeof(path), "/dev/dri/renderD%d", a->render_minor);
		ASSERT_EQ(0, stat(path, &st));
		EXPECT_TRUE(S_ISCHR(st.st_mode));
		EXPECT_EQ(DRM_MAJOR, major(st.st_rdev));
		EXPECT_EQ(a->render_minor, minor(st.st_rdev));
		EXPECT_EQ(g, kfd_gpu_index(k, a->gpu_id));
		for (h = 0; h < g; h++) {
			EXPECT_NE(k->gpu[h].gpu_id, a->gpu_id);
			EXPECT_NE(k->gpu[h].render_minor, a->render_minor);
		}
	}
}

TEST_F(kfd_mem, apertures)
{
	struct kfd *k = &self->e.k;
	unsigned int g;

	for (g = 0; g < k->ngpu; g++) {
		struct kfd_gpu *a = &k->gpu[g];

		/* the whole of user space is GPU address space too */
		EXPECT_LT(a->gpuvm_base, self->gtt.va);
		EXPECT_LT(self->gtt.va + BO_SIZE, a->gpuvm_limit);
		/* LDS and scratch live where no BO can be */
		EXPECT_LT(a->gpuvm_limit, a->lds_base);
		EXPECT_LT(a->gpuvm_limit, a->scratch_base);
		EXPECT_NE(a->lds_base, a->scratch_base);
	}
}

/* The GPUs of one machine do not share memory by accident. */
TEST_F(kfd_mem, vram_of_two_gpus_is_distinct)
{
	struct kfd *k = &self->e.k;
	struct kfd_bo bo[KFD_MAX_GPUS];
	unsigned int g;

	for (g = 0; g < k->ngpu; g++) {
		ASSERT_EQ(0, kfd_bo_create(k, &bo[g], g, 0, 64 * KIB, KFD_BO_VRAM, 1u << g));
		pattern_fill(bo[g].cpu, 64 * KIB, 100 + g);
	}
	for (g = 0; g < k->ngpu; g++) {
		ASSERT_EQ(0, gpu_copy(&self->e, &self->q[g], self->gtt.va, bo[g].va, 64 * KIB));
		EXPECT_EQ(0, pattern_bad(self->gtt.cpu, 64 * KIB, 100 + g));
		EXPECT_EQ(0, pattern_bad(bo[g].cpu, 64 * KIB, 100 + g));
	}
	for (g = 0; g < k->ngpu; g++)
		EXPECT_EQ(0, kfd_bo_destroy(k, &bo[g]));
}

TEST_F(kfd_mem, peer_vram)
{
	struct kfd *k = &self->e.k;
	struct kfd_bo bo;
	unsigned int a, b, pairs = 0;

	for (a = 0; a < k->ngpu; a++) {
		for (b = 0; b < k->ngpu; b++) {
			if (a == b || !linked(k, b, a))
				continue;
			pairs++;
			ASSERT_EQ(0, kfd_bo_create(k, &bo, a, 0, BO_SIZE, KFD_BO_VRAM,
						   1u << a | 1u << b));
			memset(bo.cpu, 0, BO_SIZE);
			/* written by the peer, read by the owner, and the other way round */
			pattern_fill(self->gtt.cpu, BO_SIZE, a << 8 | b);
			ASSERT_EQ(0, gpu_copy(&self->e, &self->q[b], bo.va, self->gtt.va, BO_SIZE));
			memset(self->gtt.cpu, 0, BO_SIZE);
			ASSERT_EQ(0, gpu_copy(&self->e, &self->q[a], self->gtt.va, bo.va, BO_SIZE));
			EXPECT_EQ(0, pattern_bad(self->gtt.cpu, BO_SIZE, a << 8 | b));
			sdma_fill(&self->q[a], bo.va, a, BO_SIZE);
			ASSERT_EQ(0, sdma_sync(&self->e, &self->q[a]));
			ASSERT_EQ(0, gpu_copy(&self->e, &self->q[b], self->gtt.va, bo.va, BO_SIZE));
			EXPECT_EQ(0, words_bad(self->gtt.cpu, BO_SIZE, a));
			EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
		}
	}
	if (!pairs)
		SKIP(return, "no GPU can reach another one's memory");
}

/* A doorbell BO is the page of doorbells itself: ringing through it makes the queue run. */
TEST_F(kfd_mem, doorbell)
{
	volatile uint64_t *own = self->q[0].doorbell;
	struct kfd *k = &self->e.k;
	struct kfd_bo bo, bad;

	EXPECT_EQ(-EINVAL, kfd_bo_alloc(k, &bad, 0, 0, 4096, KFD_BO_DOORBELL));
	ASSERT_EQ(0, kfd_bo_create(k, &bo, 0, 0, 8192, KFD_BO_DOORBELL, 1));
	self->q[0].doorbell = (void *)((char *)bo.cpu + (self->q[0].doorbell_offset & 8191));
	pattern_fill(self->gtt.cpu, 64 * KIB, 5);
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va + MIB, self->gtt.va, 64 * KIB));
	EXPECT_EQ(0, pattern_bad((char *)self->gtt.cpu + MIB, 64 * KIB, 5));
	self->q[0].doorbell = own;
	EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
	/* the queue's own mapping is not touched by that */
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va + MIB, self->gtt.va, 64 * KIB));
}

/* The remapped page holds the HDP flush registers: CPU writes to VRAM are visible after it. */
TEST_F(kfd_mem, mmio_remap)
{
	struct kfd *k = &self->e.k;
	struct kfd_bo mmio, vram, bad;
	unsigned int i;

	EXPECT_EQ(-EINVAL, kfd_bo_alloc(k, &bad, 0, 0, 2 * KFD_PAGE, KFD_BO_MMIO));
	ASSERT_EQ(0, kfd_bo_create(k, &mmio, 0, 0, KFD_PAGE, KFD_BO_MMIO, 1));
	ASSERT_EQ(0, kfd_bo_create(k, &vram, 0, 0, 64 * KIB, KFD_BO_VRAM, 1));
	for (i = 0; i < 8; i++) {
		pattern_fill(vram.cpu, 64 * KIB, i);
		((volatile uint32_t *)mmio.cpu)[KFD_MMIO_REMAP_HDP_MEM_FLUSH_CNTL / 4] = 1;
		ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, vram.va, 64 * KIB));
		EXPECT_EQ(0, pattern_bad(self->gtt.cpu, 64 * KIB, i));
	}
	EXPECT_EQ(0, kfd_bo_destroy(k, &vram));
	EXPECT_EQ(0, kfd_bo_destroy(k, &mmio));
}

/* Pages that the kernel replaces behind a user pointer are followed by the GPU. */
TEST_F(kfd_mem, userptr_follows_new_pages)
{
	struct kfd *k = &self->e.k;
	const uint64_t size = 256 * KIB;
	struct kfd_bo bo;
	unsigned int i;

	ASSERT_EQ(0, kfd_bo_create(k, &bo, 0, 0, size, KFD_BO_USERPTR, self->e.all));
	for (i = 0; i < 4; i++) {
		pattern_fill(bo.cpu, size, i);
		ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, bo.va, size));
		ASSERT_EQ(0, pattern_bad(self->gtt.cpu, size, i));
		ASSERT_EQ(bo.cpu, mmap(bo.cpu, size, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		pattern_fill(bo.cpu, size, 50 + i);
		ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, bo.va, size));
		ASSERT_EQ(0, pattern_bad(self->gtt.cpu, size, 50 + i));
		/* and what the GPU writes is in the new pages, too */
		sdma_fill(&self->q[0], bo.va, i, size);
		ASSERT_EQ(0, sdma_sync(&self->e, &self->q[0]));
		ASSERT_EQ(0, words_bad(bo.cpu, size, i));
	}
	EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
}

/*
 * One address, a new BO behind it each time.  A GPU that kept the translation
 * of the old one would read the old BO's memory, which still holds its bytes.
 */
TEST_F(kfd_mem, remap_needs_tlb_flush)
{
	struct kfd *k = &self->e.k;
	const uint64_t size[] = { KFD_PAGE, 64 * KIB, 2 * MIB };
	struct kfd_bo a[2];
	unsigned int i, s, g;
	uint32_t *out = self->gtt.cpu;
	char *va;

	/* large pages as well as small ones */
	va = mmap(NULL, 4 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, va);
	va = (char *)(((uintptr_t)va + 2 * MIB - 1) & ~(2 * MIB - 1));
	for (s = 0; s < ARRAY_SIZE(size); s++) {
		for (g = 0; g < k->ngpu; g++) {
			/* two BOs take turns at the address, so that both stay alive */
			for (i = 0; i < 2; i++) {
				ASSERT_EQ(0, kfd_bo_alloc(k, &a[i], g, (uintptr_t)va, size[s],
							  i ? KFD_BO_GTT : KFD_BO_VRAM));
				ASSERT_EQ(0, kfd_bo_mmap(k, &a[i]));
				pattern_fill(a[i].cpu, size[s], 70 + i);
			}
			for (i = 0; i < 12; i++) {
				struct kfd_bo *bo = &a[i & 1];

				ASSERT_EQ(0, kfd_bo_map(k, bo, 1u << g));
				memset(out, 0, size[s]);
				ASSERT_EQ(0, gpu_copy(&self->e, &self->q[g], self->gtt.va, bo->va,
						      size[s]));
				ASSERT_EQ(0, pattern_bad(out, size[s], 70 + (i & 1))) {
					TH_LOG("GPU %u, size %#lx, round %u: %s", g,
					       (unsigned long)size[s], i,
					       pattern_bad(out, size[s], 70 + !(i & 1)) ?
					       "wrong data" : "data of the BO before");
				}
				ASSERT_EQ(0, kfd_bo_unmap(k, bo, 1u << g));
			}
			for (i = 0; i < 2; i++)
				ASSERT_EQ(0, kfd_bo_destroy(k, &a[i]));
		}
	}
}

/* The same when the old BO is freed: nothing that is written ends up in its old memory. */
TEST_F(kfd_mem, free_and_reuse_address)
{
	struct kfd *k = &self->e.k;
	struct kfd_bo old, other, fresh;
	uint64_t va;

	ASSERT_EQ(0, kfd_bo_create(k, &old, 0, 0, 64 * KIB, KFD_BO_VRAM, 1));
	va = old.va;
	sdma_fill(&self->q[0], va, 1, 64 * KIB);
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q[0]));
	ASSERT_EQ(0, kfd_bo_destroy(k, &old));
	/* likely the memory that was just freed, at another address */
	ASSERT_EQ((void *)(uintptr_t)va,
		  mmap((void *)(uintptr_t)va, 64 * KIB, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	ASSERT_EQ(0, kfd_bo_create(k, &other, 0, 0, 64 * KIB, KFD_BO_VRAM, 1));
	ASSERT_EQ(0, kfd_bo_create(k, &fresh, 0, va, 64 * KIB, KFD_BO_VRAM, 1));
	memset(other.cpu, 0x22, 64 * KIB);
	memset(fresh.cpu, 0x33, 64 * KIB);
	sdma_fill(&self->q[0], va, 4, 64 * KIB);
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q[0]));
	EXPECT_EQ(0, words_bad(fresh.cpu, 64 * KIB, 4));
	EXPECT_EQ(0, words_bad(other.cpu, 64 * KIB, 0x22222222));
	EXPECT_EQ(0, kfd_bo_destroy(k, &other));
	EXPECT_EQ(0, kfd_bo_destroy(k, &fresh));
}

TEST_F(kfd_mem, handles)
{
	enum { N = 64 };
	struct kfd *k = &self->e.k;
	struct kfd_bo bo[N], gone;
	unsigned int i, j;

	for (i = 0; i < N; i++) {
		ASSERT_EQ(0, kfd_bo_create(k, &bo[i], i % k->ngpu, 0, KFD_PAGE,
					   i & 1 ? KFD_BO_GTT : KFD_BO_VRAM, 1u << i % k->ngpu));
		pattern_fill(bo[i].cpu, KFD_PAGE, i);
		for (j = 0; j < i; j++)
			EXPECT_NE(bo[j].handle, bo[i].handle);
	}
	/* a handle that was given back names nothing */
	gone = bo[7];
	ASSERT_EQ(0, kfd_bo_destroy(k, &bo[7]));
	EXPECT_NE(0, kfd_bo_map(k, &gone, 1));
	EXPECT_NE(0, kfd_bo_unmap(k, &gone, 1));
	EXPECT_GT(0, kfd_bo_export(k, &gone));
	gone.cpu = NULL;
	gone.reserved = false;
	gone.mapped = 0;
	EXPECT_EQ(-EINVAL, kfd_bo_destroy(k, &gone));
	/* a new BO may get it again, and is no other BO's alias */
	ASSERT_EQ(0, kfd_bo_create(k, &bo[7], 7 % k->ngpu, 0, KFD_PAGE, KFD_BO_GTT,
				   1u << 7 % k->ngpu));
	pattern_fill(bo[7].cpu, KFD_PAGE, 7);
	for (i = 0; i < N; i++) {
		ASSERT_EQ(0, gpu_copy(&self->e, &self->q[i % k->ngpu], self->gtt.va + i * KFD_PAGE,
				      bo[i].va, KFD_PAGE));
		EXPECT_EQ(0, pattern_bad((char *)self->gtt.cpu + i * KFD_PAGE, KFD_PAGE, i));
		if (i != 7)
			EXPECT_NE(bo[7].handle, bo[i].handle);
	}
	for (i = 0; i < N; i++)
		EXPECT_EQ(0, kfd_bo_destroy(k, &bo[i]));
}

/* A call that is refused leaves everything as it was. */
TEST_F(kfd_mem, refusals_change_nothing)
{
	struct kfd_ioctl_map_memory_to_gpu_args map = { 0 };
	struct kfd *k = &self->e.k, bogus = *k;
	uint64_t before[KFD_MAX_GPUS];
	struct kfd_bo bo, bad;
	uint32_t ids[2];
	unsigned int g;

	ASSERT_EQ(0, kfd_bo_create(k, &bo, 0, 0, 64 * KIB, KFD_BO_VRAM, 1));
	pattern_fill(bo.cpu, 64 * KIB, 8);
	for (g = 0; g < k->ngpu; g++) {
		before[g] = available(k, g);
		EXPECT_LT(0, before[g]);
		EXPECT_GE(k->gpu[g].vram_size, before[g]);
	}

	EXPECT_EQ(-EINVAL, kfd_bo_alloc(k, &bad, 0, bo.va + 4 * MIB, 0, KFD_BO_VRAM));
	EXPECT_EQ(-EINVAL, kfd_bo_alloc(k, &bad, 0, 0, KFD_PAGE, KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE));
	EXPECT_EQ(-ENOMEM, kfd_bo_alloc(k, &bad, 0, 0, k->gpu[0].vram_size * 2, KFD_BO_VRAM));
	bogus.gpu[0].gpu_id = 0xfffffff0;
	EXPECT_EQ(-EINVAL, kfd_bo_alloc(&bogus, &bad, 0, 0, KFD_PAGE, KFD_BO_VRAM));
	EXPECT_EQ(-EINVAL, kfd_bo_map(&bogus, &bo, 1));
	EXPECT_EQ(-EINVAL, kfd_bo_map(k, &bo, 0));
	/* a user pointer to nothing */
	EXPECT_GT(0, kfd_bo_alloc(k, &bad, 0, 0x10000, KFD_PAGE, KFD_BO_USERPTR));

	map.handle = bo.handle;
	map.n_devices = 1;
	EXPECT_EQ(-1, ioctl(k->fd, AMDKFD_IOC_MAP_MEMORY_TO_GPU, &map));
	EXPECT_EQ(EFAULT, errno);
	ids[0] = k->gpu[0].gpu_id;
	map.device_ids_array_ptr = (uintptr_t)ids;
	map.n_success = 2;
	EXPECT_EQ(-1, ioctl(k->fd, AMDKFD_IOC_MAP_MEMORY_TO_GPU, &map));
	EXPECT_EQ(EINVAL, errno);

	/* a second BO at an address that is taken cannot be mapped over the first */
	ASSERT_EQ(0, kfd_bo_alloc(k, &bad, 0, bo.va, 64 * KIB, KFD_BO_GTT));
	EXPECT_NE(0, kfd_bo_map(k, &bad, 1));
	EXPECT_EQ(0, kfd_bo_destroy(k, &bad));

	for (g = 0; g < k->ngpu; g++)
		EXPECT_EQ(before[g], available(k, g));
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, bo.va, 64 * KIB));
	EXPECT_EQ(0, pattern_bad(self->gtt.cpu, 64 * KIB, 8));
	EXPECT_EQ(0, pattern_bad(bo.cpu, 64 * KIB, 8));
	EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
}

/* What was freed can be had again: many times the VRAM in all. */
TEST_F(kfd_mem, vram_is_given_back)
{
	struct kfd *k = &self->e.k;
	uint64_t before = available(k, 0), size = before / 4 & ~(2 * MIB - 1);
	struct kfd_bo bo;
	unsigned int i;

	for (i = 0; i < 12; i++) {
		ASSERT_EQ(0, kfd_bo_alloc(k, &bo, 0, 0, size, KFD_BO_VRAM));
		EXPECT_LE(available(k, 0), before - size);
		ASSERT_EQ(0, kfd_bo_destroy(k, &bo));
	}
	EXPECT_EQ(before, available(k, 0));
}

/* The contents of a BO through its dma-buf, as another process would get at them. */
TEST_F(kfd_mem, dmabuf)
{
	const uint32_t flags[] = { KFD_BO_VRAM, KFD_BO_GTT };
	struct kfd *k = &self->e.k;
	struct kfd_bo bo;
	unsigned int i;
	void *p;
	int fd;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ASSERT_EQ(0, kfd_bo_create(k, &bo, 0, 0, 64 * KIB, flags[i], 1));
		fd = kfd_bo_export(k, &bo);
		ASSERT_LE(0, fd);
		p = kfd_dmabuf_mmap(k->gpu[0].drm_fd, fd, 64 * KIB);
		ASSERT_NE(MAP_FAILED, p);
		close(fd);
		pattern_fill(self->gtt.cpu, 64 * KIB, 60 + i);
		ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], bo.va, self->gtt.va, 64 * KIB));
		EXPECT_EQ(0, pattern_bad(p, 64 * KIB, 60 + i));
		memset(p, 0x44, 64 * KIB);
		EXPECT_EQ(0, words_bad(bo.cpu, 64 * KIB, 0x44444444));
		munmap(p, 64 * KIB);
		EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
	}
}

/* --- each kind of memory, each set of GPUs --- */

FIXTURE(kfd_bo)
{
	struct env e;
	struct kfd_queue q[KFD_MAX_GPUS];
	struct kfd_bo gtt;
	struct kfd_event fault;
};

FIXTURE_VARIANT(kfd_bo)
{
	uint32_t flags;
};

FIXTURE_VARIANT_ADD(kfd_bo, vram)
{
	.flags = KFD_BO_VRAM,
};

FIXTURE_VARIANT_ADD(kfd_bo, gtt)
{
	.flags = KFD_BO_GTT,
};

FIXTURE_VARIANT_ADD(kfd_bo, userptr)
{
	.flags = KFD_BO_USERPTR,
};

FIXTURE_SETUP(kfd_bo)
{
	struct kfd *k = &self->e.k;
	unsigned int g;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	ASSERT_EQ(0, kfd_bo_create(k, &self->gtt, 0, 0, BO_SIZE, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_event_create(k, &self->fault, KFD_IOC_EVENT_MEMORY, true, NULL));
	for (g = 0; g < k->ngpu; g++)
		ASSERT_EQ(0, kfd_queue_create(k, &self->q[g], KFD_Q_SDMA, g, 0));
}

FIXTURE_TEARDOWN(kfd_bo)
{
	struct kfd *k = &self->e.k;
	unsigned int g;

	for (g = 0; g < k->ngpu; g++)
		EXPECT_EQ(0, kfd_queue_destroy(k, &self->q[g]));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->gtt));
	env_close(&self->e);
}

static bool can_map(const struct kfd *k, uint32_t flags, unsigned int home, unsigned int gpu)
{
	return home == gpu || !(flags & KFD_IOC_ALLOC_MEM_FLAGS_VRAM) || linked(k, gpu, home);
}

/* Two GPUs, or what there is: home and peer. */
TEST_F(kfd_bo, cpu_and_gpu_see_the_same)
{
	const uint64_t size[] = { KFD_PAGE, BO_SIZE };
	struct kfd *k = &self->e.k;
	struct kfd_bo bo;
	unsigned int g, s;

	for (g = 0; g < k->ngpu; g++) {
		for (s = 0; s < ARRAY_SIZE(size); s++) {
			ASSERT_EQ(0, kfd_bo_create(k, &bo, g, 0, size[s], variant->flags, 1u << g));
			/* CPU to GPU */
			pattern_fill(bo.cpu, size[s], 20 + g);
			memset(self->gtt.cpu, 0, size[s]);
			ASSERT_EQ(0, gpu_copy(&self->e, &self->q[g], self->gtt.va, bo.va, size[s]));
			EXPECT_EQ(0, pattern_bad(self->gtt.cpu, size[s], 20 + g));
			/* GPU to CPU */
			pattern_fill(self->gtt.cpu, size[s], 30 + g);
			ASSERT_EQ(0, gpu_copy(&self->e, &self->q[g], bo.va, self->gtt.va, size[s]));
			EXPECT_EQ(0, pattern_bad(bo.cpu, size[s], 30 + g));
			EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
		}
	}
}

TEST_F(kfd_bo, mapped_on_sets_of_gpus)
{
	struct kfd *k = &self->e.k;
	unsigned int home, g, i, sets[3];
	struct kfd_bo bo;

	for (home = 0; home < k->ngpu; home++) {
		unsigned int peer = (home + 1) % k->ngpu;

		sets[0] = 1u << home;
		sets[1] = 1u << peer;
		sets[2] = self->e.all;
		for (i = 0; i < ARRAY_SIZE(sets); i++) {
			bool possible = true;

			for (g = 0; g < k->ngpu; g++)
				if (sets[i] & 1u << g)
					possible &= can_map(k, variant->flags, home, g);
			if (!possible)
				continue;
			ASSERT_EQ(0, kfd_bo_create(k, &bo, home, 0, 128 * KIB, variant->flags,
						   sets[i]));
			EXPECT_EQ(sets[i], bo.mapped);
			for (g = 0; g < k->ngpu; g++) {
				if (!(sets[i] & 1u << g))
					continue;
				pattern_fill(bo.cpu, 128 * KIB, g);
				ASSERT_EQ(0, gpu_copy(&self->e, &self->q[g], self->gtt.va, bo.va,
						      128 * KIB));
				EXPECT_EQ(0, pattern_bad(self->gtt.cpu, 128 * KIB, g));
				sdma_fill(&self->q[g], bo.va, 0x5000 + g, 128 * KIB);
				ASSERT_EQ(0, sdma_sync(&self->e, &self->q[g]));
				EXPECT_EQ(0, words_bad(bo.cpu, 128 * KIB, 0x5000 + g));
			}
			EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
		}
	}
}

TEST_F(kfd_bo, unmap_and_map_again)
{
	struct kfd *k = &self->e.k;
	struct kfd_bo bo;
	unsigned int i;

	ASSERT_EQ(0, kfd_bo_create(k, &bo, 0, 0, BO_SIZE, variant->flags, 1));
	for (i = 0; i < 4; i++) {
		sdma_fill(&self->q[0], bo.va, i, BO_SIZE);
		ASSERT_EQ(0, sdma_sync(&self->e, &self->q[0]));
		ASSERT_EQ(0, kfd_bo_unmap(k, &bo, 1));
		/* the contents stay */
		EXPECT_EQ(0, words_bad(bo.cpu, BO_SIZE, i));
		ASSERT_EQ(0, kfd_bo_map(k, &bo, 1));
		ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, bo.va, BO_SIZE));
		EXPECT_EQ(0, words_bad(self->gtt.cpu, BO_SIZE, i));
	}
	EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
}

/* Mapped on the home GPU alone: another GPU that writes there gets an exception. */
TEST_F(kfd_bo, not_mapped_on_peer_faults)
{
	struct kfd *k = &self->e.k;
	struct kfd_bo bo;

	if (k->ngpu < 2)
		SKIP(return, "2 GPUs needed");
	ASSERT_EQ(0, kfd_bo_create(k, &bo, 0, 0, 64 * KIB, variant->flags, 1));
	pattern_fill(bo.cpu, 64 * KIB, 4);
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, bo.va, 64 * KIB));
	sdma_fill(&self->q[1], bo.va + 8 * KIB, 0xbad, 4 * KIB);
	sdma_fence(&self->q[1], cell_va(&self->e, 0), 1);
	kfd_queue_submit(&self->q[1]);
	EXPECT_EQ(0, wait_fault(&self->e, &self->fault, 1, bo.va + 8 * KIB, NULL));
	EXPECT_EQ(0, *cell32(&self->e, 0));
	EXPECT_EQ(0, pattern_bad(bo.cpu, 64 * KIB, 4));
	EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
}

/* Mapped on the peer alone: the GPU that owns the memory has no access either. */
TEST_F(kfd_bo, not_mapped_on_home_faults)
{
	struct kfd *k = &self->e.k;
	struct kfd_bo bo;

	if (k->ngpu < 2)
		SKIP(return, "2 GPUs needed");
	if (!can_map(k, variant->flags, 0, 1))
		SKIP(return, "no peer access");
	ASSERT_EQ(0, kfd_bo_create(k, &bo, 0, 0, 64 * KIB, variant->flags, 2));
	pattern_fill(bo.cpu, 64 * KIB, 4);
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q[1], self->gtt.va, bo.va, 64 * KIB));
	EXPECT_EQ(0, pattern_bad(self->gtt.cpu, 64 * KIB, 4));
	sdma_fill(&self->q[0], bo.va + 12 * KIB, 0xbad, 4 * KIB);
	kfd_queue_submit(&self->q[0]);
	EXPECT_EQ(0, wait_fault(&self->e, &self->fault, 0, bo.va + 12 * KIB, NULL));
	EXPECT_EQ(0, pattern_bad(bo.cpu, 64 * KIB, 4));
	EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
}

/*
 * A translation that was in use does not outlive the mapping by much: where KFD
 * does not flush the TLB when it unmaps, it does when it maps the next.
 */
TEST_F(kfd_bo, unmapped_faults)
{
	struct kfd *k = &self->e.k;
	struct kfd_bo bo, next;

	ASSERT_EQ(0, kfd_bo_create(k, &bo, 0, 0, 64 * KIB, variant->flags, 1));
	pattern_fill(bo.cpu, 64 * KIB, 4);
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, bo.va, 64 * KIB));
	ASSERT_EQ(0, kfd_bo_unmap(k, &bo, 1));
	ASSERT_EQ(0, kfd_bo_create(k, &next, 0, 0, 4 * KIB, variant->flags, 1));
	sdma_fill(&self->q[0], bo.va, 0xbad, 64 * KIB);
	kfd_queue_submit(&self->q[0]);
	EXPECT_EQ(0, wait_fault(&self->e, &self->fault, 0, bo.va, NULL));
	EXPECT_EQ(0, pattern_bad(bo.cpu, 64 * KIB, 4));
	EXPECT_EQ(0, kfd_bo_destroy(k, &next));
	/* and it can be mapped again, though that process' queues have stopped */
	EXPECT_EQ(0, kfd_bo_map(k, &bo, 1));
	EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
}

TEST_HARNESS_MAIN
