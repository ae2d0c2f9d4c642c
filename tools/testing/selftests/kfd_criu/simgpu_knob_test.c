// SPDX-License-Identifier: GPL-2.0
/*
 * The knobs and counters of the simulated GPU: a failure asked for happens to
 * one operation, in a way that its program sees, and not to the next one.
 *
 * Nothing else may use the GPUs meanwhile: it would take the failure.
 */
#define _GNU_SOURCE
#include <drm/amdgpu_drm.h>
#include "kfd_test.h"
#include "simgpu_knobs.h"

#define BUF		(64 * KIB)
/* Address that shares no page table with anything that the library places. */
#define FAR_VA		0x100000000000ULL
#define FENCE_DELAY_US	500000
#define MAX_DELAY_US	1000000
/* Between two looks at a GPU that is to come to rest. */
#define SETTLE_MS	50
#define HANG_MS		1000
#define SDMA_COPY	1
#define SDMA_WRITE	2
/* Until memory equals a value, and the same of PM4. */
#define SDMA_POLL_EQUAL	0xb0000008
#define PM4_WAIT_MEM	0xc0053c00
#define PM4_WAIT_EQUAL	0x13
#define PM4_WRITE_DATA	0xc0033700
#define PM4_WRITE_MEMORY (5 << 8)
/* Two dwords in PM4, one in SDMA, and no packet that either of them knows. */
#define UNKNOWN_PACKET	0xc000ff7f

/* --- queues and rings --- */

/* Is there a queue with its ring at @va on the hardware; one that @runs, and is not halted? */
static bool queue_line(const char *dir, uint64_t va, bool runs)
{
	char path[128], line[256], address[32];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/queues", dir);
	snprintf(address, sizeof(address), "%#llx ", (unsigned long long)va);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, address) && !(runs && strstr(line, " halted"));
	fclose(f);
	return found;
}

static bool queue_listed(const char *dir, uint64_t va)
{
	return queue_line(dir, va, false);
}

/* A hardware scheduler takes a queue when it comes to it; gives it back before KFD goes on. */
static bool queue_appears(const char *dir, uint64_t va)
{
	uint64_t end = clock_ms() + WAIT_MS;

	while (!queue_listed(dir, va)) {
		if (clock_ms() > end)
			return false;
		sleep_ms(1);
	}
	return true;
}

/*
 * Wait until the GPU has nothing to do: memory of processes that are gone is
 * cleared by its rings in the background, and would take a failed fence.
 */
static int settle(const char *dir)
{
	uint64_t end = clock_ms() + WAIT_MS;
	int64_t was = -1, is;

	while ((is = knob_get(dir, "packets")) != was) {
		if (is < 0)
			return is;
		if (clock_ms() > end)
			return -ETIMEDOUT;
		was = is;
		sleep_ms(SETTLE_MS);
	}
	return 0;
}

/* --- command submission of DRM, without libdrm --- */

struct drm_bo {
	uint32_t handle;
	uint64_t va;
	uint32_t *cpu;
};

/**
 * struct drm - a process of DRM with one copy to submit
 * @fd: render node, not that of KFD
 * @ip: AMDGPU_HW_IP_DMA for the copy, or another kind of ring for other jobs
 * @ctx: context
 * @src: where from
 * @dst: where to
 * @ib: command buffer
 */
struct drm {
	int fd;
	unsigned int ip;
	uint32_t ctx;
	struct drm_bo src, dst, ib;
};

static int drm_bo_create(struct drm *d, struct drm_bo *bo, uint64_t va)
{
	union drm_amdgpu_gem_create create = {
		.in.bo_size = BUF,
		.in.alignment = KFD_PAGE,
		.in.domains = AMDGPU_GEM_DOMAIN_GTT,
	};
	struct drm_amdgpu_gem_va map = {
		.operation = AMDGPU_VA_OP_MAP,
		.flags = AMDGPU_VM_PAGE_READABLE | AMDGPU_VM_PAGE_WRITEABLE |
			 AMDGPU_VM_PAGE_EXECUTABLE,
		.va_address = va,
		.map_size = BUF,
	};
	union drm_amdgpu_gem_mmap offset = { 0 };

	if (ioctl(d->fd, DRM_IOCTL_AMDGPU_GEM_CREATE, &create))
		return -errno;
	bo->handle = create.out.handle;
	bo->va = va;
	map.handle = bo->handle;
	offset.in.handle = bo->handle;
	if (ioctl(d->fd, DRM_IOCTL_AMDGPU_GEM_VA, &map) ||
	    ioctl(d->fd, DRM_IOCTL_AMDGPU_GEM_MMAP, &offset))
		return -errno;
	bo->cpu = mmap(NULL, BUF, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd,
		       offset.out.addr_ptr);
	return bo->cpu == MAP_FAILED ? -errno : 0;
}

static int drm_context(struct drm *d)
{
	union drm_amdgpu_ctx ctx = { .in.op = AMDGPU_CTX_OP_ALLOC_CTX };

	if (ioctl(d->fd, DRM_IOCTL_AMDGPU_CTX, &ctx))
		return -errno;
	d->ctx = ctx.out.alloc.ctx_id;
	return 0;
}

static int drm_context_free(struct drm *d)
{
	union drm_amdgpu_ctx ctx = { .in.op = AMDGPU_CTX_OP_FREE_CTX, .in.ctx_id = d->ctx };

	return ioctl(d->fd, DRM_IOCTL_AMDGPU_CTX, &ctx) ? -errno : 0;
}

static int drm_open(struct drm *d, const struct kfd_gpu *gpu)
{
	char path[64];
	int r;

	memset(d, 0, sizeof(*d));
	snprintf(path, sizeof(path), "/dev/dri/renderD%d", gpu->render_minor);
	d->fd = open(path, O_RDWR | O_CLOEXEC);
	if (d->fd < 0)
		return -errno;
	d->ip = AMDGPU_HW_IP_DMA;
	r = drm_context(d);
	if (!r)
		r = drm_bo_create(d, &d->src, 0x10000000);
	if (!r)
		r = drm_bo_create(d, &d->dst, 0x20000000);
	if (!r)
		r = drm_bo_create(d, &d->ib, 0x30000000);
	return r;
}

/* Submit a command buffer; @seq is what to wait for. */
static int drm_submit_packets(struct drm *d, const uint32_t *packets, unsigned int dwords,
			      uint64_t *seq)
{
	struct drm_amdgpu_bo_list_entry bos[] = {
		{ .bo_handle = d->src.handle },
		{ .bo_handle = d->dst.handle },
		{ .bo_handle = d->ib.handle },
	};
	struct drm_amdgpu_bo_list_in list = {
		.operation = ~0,
		.list_handle = ~0,
		.bo_number = ARRAY_SIZE(bos),
		.bo_info_size = sizeof(bos[0]),
		.bo_info_ptr = (uintptr_t)bos,
	};
	struct drm_amdgpu_cs_chunk_ib ib = {
		.va_start = d->ib.va,
		.ib_bytes = dwords * 4,
		.ip_type = d->ip,
	};
	struct drm_amdgpu_cs_chunk chunks[] = {
		{ AMDGPU_CHUNK_ID_BO_HANDLES, sizeof(list) / 4, (uintptr_t)&list },
		{ AMDGPU_CHUNK_ID_IB, sizeof(ib) / 4, (uintptr_t)&ib },
	};
	uint64_t pointers[] = { (uintptr_t)&chunks[0], (uintptr_t)&chunks[1] };
	union drm_amdgpu_cs cs = {
		.in.ctx_id = d->ctx,
		.in.num_chunks = ARRAY_SIZE(chunks),
		.in.chunks = (uintptr_t)pointers,
	};

	memcpy(d->ib.cpu, packets, dwords * 4);
	if (ioctl(d->fd, DRM_IOCTL_AMDGPU_CS, &cs))
		return -errno;
	*seq = cs.out.handle;
	return 0;
}

/* Submit the copy of a new pattern. */
static int drm_submit(struct drm *d, uint32_t seed, uint64_t *seq)
{
	const uint32_t packet[8] = {
		SDMA_COPY, BUF - 1, 0, d->src.va, d->src.va >> 32, d->dst.va, d->dst.va >> 32,
	};

	pattern_fill(d->src.cpu, BUF, seed);
	memset(d->dst.cpu, 0, BUF);
	return drm_submit_packets(d, packet, ARRAY_SIZE(packet), seq);
}

/* 0 when it is over, 1 when it is still outstanding, or its error. */
static int drm_wait(struct drm *d, uint64_t seq, unsigned int ms)
{
	union drm_amdgpu_wait_cs wait = {
		.in.handle = seq,
		.in.timeout = ms ? (clock_ms() + ms) * 1000000 : 0,
		.in.ip_type = d->ip,
		.in.ctx_id = d->ctx,
	};
	int r;

	do {
		r = ioctl(d->fd, DRM_IOCTL_AMDGPU_WAIT_CS, &wait);
	} while (r && errno == EINTR);
	return r ? -errno : (int)wait.out.status;
}

/* Submit a copy and see it done, with every byte. */
static int drm_copy(struct drm *d, uint32_t seed)
{
	uint64_t seq;
	int r = drm_submit(d, seed, &seq);

	if (!r)
		r = drm_wait(d, seq, WAIT_MS);
	if (!r)
		r = pattern_bad(d->dst.cpu, BUF, seed) ? -EILSEQ : 0;
	return r;
}

static bool drm_has_rings(struct drm *d, unsigned int ip)
{
	struct drm_amdgpu_info_hw_ip info = { 0 };
	struct drm_amdgpu_info args = {
		.return_pointer = (uintptr_t)&info,
		.return_size = sizeof(info),
		.query = AMDGPU_INFO_HW_IP_INFO,
		.query_hw_ip.type = ip,
	};

	return !ioctl(d->fd, DRM_IOCTL_AMDGPU_INFO, &args) && info.available_rings;
}

/* The packet that writes dword @word of the destination. */
static unsigned int drm_write(struct drm *d, uint32_t *packet, unsigned int word, uint32_t value)
{
	uint64_t va = d->dst.va + word * 4;
	const uint32_t sdma[] = { SDMA_WRITE, va, va >> 32, 0, value };
	const uint32_t pm4[] = { PM4_WRITE_DATA, PM4_WRITE_MEMORY, va, va >> 32, value };

	if (d->ip == AMDGPU_HW_IP_DMA) {
		memcpy(packet, sdma, sizeof(sdma));
		return ARRAY_SIZE(sdma);
	}
	memcpy(packet, pm4, sizeof(pm4));
	return ARRAY_SIZE(pm4);
}

/* And the one that waits until it is 1. */
static unsigned int drm_wait_word(struct drm *d, uint32_t *packet, unsigned int word)
{
	uint64_t va = d->dst.va + word * 4;
	const uint32_t sdma[] = { SDMA_POLL_EQUAL, va, va >> 32, 1, ~0u, 4 };
	const uint32_t pm4[] = { PM4_WAIT_MEM, PM4_WAIT_EQUAL, va, va >> 32, 1, ~0u, 4 };

	if (d->ip == AMDGPU_HW_IP_DMA) {
		memcpy(packet, sdma, sizeof(sdma));
		return ARRAY_SIZE(sdma);
	}
	memcpy(packet, pm4, sizeof(pm4));
	return ARRAY_SIZE(pm4);
}

/* A job that waits for dword 0 if asked to, and writes dword 1. */
static int drm_submit_write(struct drm *d, bool wait, uint32_t value, uint64_t *seq)
{
	unsigned int dwords = 0;
	uint32_t packets[16];

	d->dst.cpu[0] = 0;
	d->dst.cpu[1] = 0;
	if (wait)
		dwords = drm_wait_word(d, packets, 0);
	dwords += drm_write(d, packets + dwords, 1, value);
	return drm_submit_packets(d, packets, dwords, seq);
}

/* A job of a new context, to its end. */
static int drm_write_anew(struct drm *d, uint32_t value)
{
	uint64_t seq;
	int r;

	r = drm_context_free(d);
	if (!r)
		r = drm_context(d);
	if (!r)
		r = drm_submit_write(d, false, value, &seq);
	if (!r)
		r = drm_wait(d, seq, WAIT_MS);
	if (!r)
		r = d->dst.cpu[1] == value ? 0 : -EILSEQ;
	return r;
}

static const unsigned int drm_ips[] = {
	AMDGPU_HW_IP_GFX, AMDGPU_HW_IP_COMPUTE, AMDGPU_HW_IP_DMA,
};

/*
 * Without a hardware scheduler: KFD frees the MQD of a queue that could not be
 * loaded under its dqm lock, which takes a reservation there and closes a cycle
 * of locks.  It is the base driver's, and known.
 */
static int queue_create_fails(struct kfd *k, enum kfd_queue_kind kind, unsigned int gpu)
{
	int prove = kfd_prove_locking(0);
	struct kfd_queue q;
	int r;

	r = kfd_queue_create(k, &q, kind, gpu, 0);
	if (prove)
		kfd_prove_locking(prove);
	return r;
}

/* --- the tests --- */

FIXTURE(simgpu_knob)
{
	struct env e;
	unsigned int gpu;
	char dir[96], other[96];
};

FIXTURE_VARIANT(simgpu_knob)
{
	unsigned int gpu;
};

FIXTURE_VARIANT_ADD(simgpu_knob, gpu0) { .gpu = 0 };
FIXTURE_VARIANT_ADD(simgpu_knob, gpu1) { .gpu = 1 };

FIXTURE_SETUP(simgpu_knob)
{
	struct kfd *k = &self->e.k;

	ASSERT_EQ(0, env_open(&self->e, 2));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	self->gpu = variant->gpu;
	if (!knob_dir(&k->gpu[self->gpu], self->dir, sizeof(self->dir)) ||
	    !knob_dir(&k->gpu[!self->gpu], self->other, sizeof(self->other)))
		SKIP(return, "no simulated GPU, or no debugfs");
	if (kfd_node_property(k->gpu[0].node, "unique_id") ==
	    kfd_node_property(k->gpu[1].node, "unique_id"))
		SKIP(return, "partitions of one GPU, which share its knobs");
	ASSERT_EQ(0, knobs_reset(self->dir));
	ASSERT_EQ(0, knobs_reset(self->other));
	ASSERT_EQ(0, settle(self->dir));
}

FIXTURE_TEARDOWN(simgpu_knob)
{
	EXPECT_EQ(0, knobs_reset(self->dir));
	EXPECT_EQ(0, knobs_reset(self->other));
	env_close(&self->e);
}

/* A signal behind sdma_sync()'s page and the cells. */
#define SIGNAL_OFFSET	(32 * KIB)

/* Have an AQL queue count a signal down; returns the signal. */
static struct hsa_signal *aql_start(struct env *e, struct kfd_queue *q)
{
	struct hsa_signal *signal = (void *)((char *)e->cell.cpu + SIGNAL_OFFSET);
	const uint64_t no_deps[5] = { 0 };

	hsa_signal_init(signal, 1, NULL, NULL);
	aql_barrier_and(q, no_deps, e->cell.va + SIGNAL_OFFSET);
	kfd_queue_submit(q);
	return signal;
}

/* The signal has been counted down: the proof that a queue runs. */
static int aql_run(struct env *e, struct kfd_queue *q)
{
	struct hsa_signal *signal = aql_start(e, q);

	return kfd_wait64((void *)&signal->value, 0, WAIT_MS) ? 0 : -ETIMEDOUT;
}

/* A queue that the hardware has not, or has refused: what is submitted to it stays where it is. */
static bool aql_is_out(struct env *e, const char *dir, struct kfd_queue *q)
{
	struct hsa_signal *signal = aql_start(e, q);

	return !queue_line(dir, q->ring.va, true) && signal->value == 1;
}

/* Let the GPU copy a pattern into @bo, and look at every byte. */
static int bo_use(struct env *e, struct kfd_queue *q, struct kfd_bo *bo, uint32_t seed)
{
	struct kfd_bo src;
	int r, r2;

	r = kfd_bo_create(&e->k, &src, q->gpu, 0, BUF, KFD_BO_GTT, e->all);
	if (r)
		return r;
	pattern_fill(src.cpu, BUF, seed);
	memset(bo->cpu, 0, BUF);
	r = gpu_copy(e, q, bo->va, src.va, BUF);
	if (!r)
		r = pattern_bad(bo->cpu, BUF, seed) ? -EILSEQ : 0;
	r2 = kfd_bo_destroy(&e->k, &src);
	return r ? r : r2;
}

static const uint32_t domains[] = { KFD_BO_VRAM, KFD_BO_GTT };

TEST_F(simgpu_knob, fail_bo_alloc)
{
	struct kfd *k = &self->e.k;
	struct kfd_queue q;
	struct kfd_bo bo;
	unsigned int i;

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_SDMA, self->gpu, 0));
	for (i = 0; i < ARRAY_SIZE(domains); i++) {
		ASSERT_EQ(0, knob_set(self->dir, "fail_bo_alloc", 1));
		EXPECT_EQ(1, knob_get(self->dir, "fail_bo_alloc"));
		EXPECT_EQ(-ENOMEM, kfd_bo_alloc(k, &bo, self->gpu, 0, BUF, domains[i]));
		EXPECT_EQ(0, knob_get(self->dir, "fail_bo_alloc"));

		ASSERT_EQ(0, kfd_bo_create(k, &bo, self->gpu, 0, BUF, domains[i], self->e.all));
		EXPECT_EQ(0, bo_use(&self->e, &q, &bo, i + 1));
		EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
	}
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
}

/* As many as were asked for, no more and no less. */
TEST_F(simgpu_knob, failures_are_counted)
{
	struct kfd *k = &self->e.k;
	struct kfd_bo bo;
	int i;

	ASSERT_EQ(0, knob_set(self->dir, "fail_bo_alloc", 3));
	for (i = 2; i >= 0; i--) {
		EXPECT_EQ(-ENOMEM, kfd_bo_alloc(k, &bo, self->gpu, 0, BUF, KFD_BO_VRAM));
		EXPECT_EQ(i, knob_get(self->dir, "fail_bo_alloc"));
	}
	ASSERT_EQ(0, kfd_bo_alloc(k, &bo, self->gpu, 0, BUF, KFD_BO_VRAM));
	EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
}

TEST_F(simgpu_knob, failures_are_of_one_gpu)
{
	struct kfd *k = &self->e.k;
	struct kfd_bo bo;

	ASSERT_EQ(0, knob_set(self->dir, "fail_bo_alloc", 1));
	EXPECT_EQ(0, knob_get(self->other, "fail_bo_alloc"));
	ASSERT_EQ(0, kfd_bo_create(k, &bo, !self->gpu, 0, BUF, KFD_BO_VRAM, 0));
	EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
	EXPECT_EQ(1, knob_get(self->dir, "fail_bo_alloc"));
	EXPECT_EQ(-ENOMEM, kfd_bo_alloc(k, &bo, self->gpu, 0, BUF, KFD_BO_VRAM));
}

/* What fail_nth has let fail, as the name of the knob that does the same. */
static const char *failed(const char *dir)
{
	int i = knob_failed(dir);

	return i < 0 ? strerror(-i) : failures[i];
}

/* The one that it says, whatever it is, and no other one. */
TEST_F(simgpu_knob, fail_nth)
{
	struct kfd *k = &self->e.k;
	struct kfd_bo bo[2], refused;

	ASSERT_EQ(0, knob_set(self->dir, "fail_nth", 3));
	EXPECT_EQ(3, knob_get(self->dir, "fail_nth"));
	EXPECT_EQ(-ENOENT, knob_failed(self->dir));
	ASSERT_EQ(0, kfd_bo_alloc(k, &bo[0], self->gpu, 0, BUF, KFD_BO_GTT));
	ASSERT_EQ(0, kfd_bo_alloc(k, &bo[1], self->gpu, FAR_VA, BUF, KFD_BO_GTT));
	EXPECT_EQ(1, knob_get(self->dir, "fail_nth"));
	EXPECT_EQ(-ENOMEM, kfd_bo_alloc(k, &refused, self->gpu, 0, BUF, KFD_BO_GTT));
	EXPECT_EQ(0, knob_get(self->dir, "fail_nth"));
	EXPECT_STREQ("fail_bo_alloc", failed(self->dir));

	ASSERT_EQ(0, knob_set(self->dir, "fail_nth", 1));
	EXPECT_EQ(-ENOENT, knob_failed(self->dir));
	EXPECT_EQ(-ENOMEM, kfd_bo_map(k, &bo[1], 1u << self->gpu));
	EXPECT_STREQ("fail_map", failed(self->dir));
	EXPECT_EQ(0, kfd_bo_map(k, &bo[1], 1u << self->gpu));

	EXPECT_EQ(0, kfd_bo_destroy(k, &bo[1]));
	EXPECT_EQ(0, kfd_bo_destroy(k, &bo[0]));
}

/* A hardware scheduler takes queues when it comes to it. */
static bool knob_comes_to_0(const char *dir, const char *knob)
{
	uint64_t end = clock_ms() + WAIT_MS;

	while (knob_get(dir, knob) && clock_ms() < end)
		sleep_ms(1);
	return !knob_get(dir, knob);
}

/*
 * Changing a queue takes it from the hardware and gives it back.  Each of both is an
 * operation that can be the one to fail, but for leaving MES.
 */
TEST_F(simgpu_knob, fail_nth_queue)
{
	struct kfd *k = &self->e.k;
	bool mes = kfd_has_hws() && k->gpu[self->gpu].gfx_version >= 110000;
	struct kfd_queue q;

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_AQL, self->gpu, 0));
	ASSERT_EQ(0, aql_run(&self->e, &q));
	ASSERT_EQ(0, knob_set(self->dir, "fail_nth", mes ? 1 : 2));
	EXPECT_EQ(kfd_has_hws() ? 0 : -EIO, kfd_queue_update(k, &q, 100, 5));
	EXPECT_TRUE(knob_comes_to_0(self->dir, "fail_nth"));
	EXPECT_STREQ("fail_queue_load", failed(self->dir));
	EXPECT_TRUE(aql_is_out(&self->e, self->dir, &q));
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
	if (mes)
		return;

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_AQL, self->gpu, 0));
	ASSERT_EQ(0, aql_run(&self->e, &q));
	ASSERT_EQ(0, knob_set(self->dir, "fail_nth", 1));
	EXPECT_EQ(kfd_has_hws() ? -EACCES : -ETIME, kfd_queue_update(k, &q, 100, 5));
	EXPECT_STREQ("fail_preempt", failed(self->dir));
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
}

TEST_F(simgpu_knob, fail_map)
{
	struct kfd *k = &self->e.k;
	struct kfd_queue q;
	struct kfd_bo bo;
	unsigned int i;

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_SDMA, self->gpu, 0));
	for (i = 0; i < ARRAY_SIZE(domains); i++) {
		/* a level below the root for each */
		uint64_t va = FAR_VA + i * 0x8000000000ULL;

		ASSERT_EQ(0, kfd_bo_alloc(k, &bo, self->gpu, va, BUF, domains[i]));
		ASSERT_EQ(0, kfd_bo_mmap(k, &bo));
		ASSERT_EQ(0, knob_set(self->dir, "fail_map", 1));
		EXPECT_EQ(-ENOMEM, kfd_bo_map(k, &bo, 1u << self->gpu));
		EXPECT_EQ(0, bo.mapped);
		EXPECT_EQ(0, knob_get(self->dir, "fail_map"));

		ASSERT_EQ(0, kfd_bo_map(k, &bo, 1u << self->gpu));
		EXPECT_EQ(1u << self->gpu, bo.mapped);
		EXPECT_EQ(0, bo_use(&self->e, &q, &bo, i + 1));
		EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
	}
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
}

/*
 * Without a hardware scheduler the program learns at once; with one, its queue
 * exists and does not run.
 */
TEST_F(simgpu_knob, fail_queue_load_aql)
{
	struct kfd *k = &self->e.k;
	struct kfd_queue q;

	ASSERT_EQ(0, knob_set(self->dir, "fail_queue_load", 1));
	if (!kfd_has_hws()) {
		EXPECT_EQ(-EIO, queue_create_fails(k, KFD_Q_AQL, self->gpu));
	} else {
		ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_AQL, self->gpu, 0));
		EXPECT_TRUE(knob_comes_to_0(self->dir, "fail_queue_load"));
		EXPECT_TRUE(aql_is_out(&self->e, self->dir, &q));
		EXPECT_EQ(0, *q.rptr);
		EXPECT_EQ(0, kfd_queue_destroy(k, &q));
	}
	EXPECT_EQ(0, knob_get(self->dir, "fail_queue_load"));

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_AQL, self->gpu, 0));
	EXPECT_EQ(0, aql_run(&self->e, &q));
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
}

TEST_F(simgpu_knob, fail_queue_load_sdma)
{
	struct env *e = &self->e;
	struct kfd *k = &e->k;
	struct kfd_queue q;

	ASSERT_EQ(0, knob_set(self->dir, "fail_queue_load", 1));
	if (!kfd_has_hws()) {
		EXPECT_EQ(-EIO, queue_create_fails(k, KFD_Q_SDMA, self->gpu));
	} else {
		ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_SDMA, self->gpu, 0));
		sdma_fence(&q, cell_va(e, 0), 7);
		EXPECT_TRUE(knob_comes_to_0(self->dir, "fail_queue_load"));
		kfd_queue_submit(&q);
		EXPECT_FALSE(queue_line(self->dir, q.ring.va, true));
		EXPECT_NE(7, *cell32(e, 0));
		EXPECT_EQ(0, *q.rptr);
		EXPECT_EQ(0, kfd_queue_destroy(k, &q));
	}
	EXPECT_EQ(0, knob_get(self->dir, "fail_queue_load"));

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_SDMA, self->gpu, 0));
	sdma_fence(&q, cell_va(e, 0), 8);
	EXPECT_EQ(0, sdma_sync(e, &q));
	EXPECT_EQ(8, *cell32(e, 0));
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
}

/* KFD gives up a queue that does not leave, and says so. */
TEST_F(simgpu_knob, fail_preempt_no_hws)
{
	struct kfd *k = &self->e.k;
	struct kfd_queue q;

	if (kfd_has_hws())
		SKIP(return, "there is a hardware scheduler");

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_AQL, self->gpu, 0));
	ASSERT_EQ(0, aql_run(&self->e, &q));
	ASSERT_EQ(0, knob_set(self->dir, "fail_preempt", 1));
	EXPECT_EQ(-ETIME, kfd_queue_update(k, &q, 100, 5));
	EXPECT_EQ(0, knob_get(self->dir, "fail_preempt"));
	EXPECT_EQ(0, kfd_queue_update(k, &q, 100, 5));
	EXPECT_EQ(0, aql_run(&self->e, &q));

	ASSERT_EQ(0, knob_set(self->dir, "fail_preempt", 1));
	EXPECT_EQ(-ETIME, kfd_queue_destroy(k, &q));
	EXPECT_EQ(0, knob_get(self->dir, "fail_preempt"));

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_AQL, self->gpu, 0));
	EXPECT_EQ(0, aql_run(&self->e, &q));
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
}

TEST_F(simgpu_knob, fail_preempt_sdma_no_hws)
{
	struct env *e = &self->e;
	struct kfd *k = &e->k;
	struct kfd_queue q;

	if (kfd_has_hws())
		SKIP(return, "there is a hardware scheduler");

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_SDMA, self->gpu, 0));
	ASSERT_EQ(0, sdma_sync(e, &q));
	ASSERT_EQ(0, knob_set(self->dir, "fail_preempt_sdma", 1));
	EXPECT_EQ(-ETIME, kfd_queue_update(k, &q, 100, 5));
	EXPECT_EQ(0, knob_get(self->dir, "fail_preempt_sdma"));
	EXPECT_EQ(0, kfd_queue_update(k, &q, 100, 5));
	EXPECT_EQ(0, sdma_sync(e, &q));
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
}

/* A process with a queue that works and can be updated; 0 when so. */
static int healthy_process(unsigned int gpu)
{
	struct kfd_queue q;
	struct env e;

	if (env_open(&e, 2) || e.skip)
		return 1;
	if (kfd_queue_create(&e.k, &q, KFD_Q_AQL, gpu, 0))
		return 2;
	if (aql_run(&e, &q))
		return 3;
	if (kfd_queue_update(&e.k, &q, 100, 5))
		return 4;
	if (aql_run(&e, &q))
		return 5;
	if (kfd_queue_destroy(&e.k, &q))
		return 6;
	env_close(&e);
	return 0;
}

/*
 * The scheduler names the queue that does not leave, KFD resets it: the process
 * gets an exception and cannot touch the queue any more, other processes go on.
 */
TEST_F(simgpu_knob, fail_preempt_hws)
{
	struct kfd *k = &self->e.k;
	struct kfd_event_data data;
	struct hsa_signal *signal;
	struct kfd_event reset;
	struct kfd_queue q;
	int status;
	pid_t pid;

	if (!kfd_has_hws())
		SKIP(return, "there is no hardware scheduler");
	if (k->gpu[self->gpu].gfx_version >= 110000)
		SKIP(return, "MES always gets its queues back");

	ASSERT_EQ(0, kfd_event_create(k, &reset, KFD_IOC_EVENT_HW_EXCEPTION, true, NULL));
	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_AQL, self->gpu, 0));
	ASSERT_EQ(0, aql_run(&self->e, &q));
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &reset, 0, NULL));

	ASSERT_EQ(0, knob_set(self->dir, "fail_preempt", 1));
	EXPECT_EQ(-EACCES, kfd_queue_update(k, &q, 100, 5));
	EXPECT_EQ(0, knob_get(self->dir, "fail_preempt"));
	ASSERT_EQ(0, kfd_event_wait(k, &reset, WAIT_MS, &data));
	EXPECT_EQ(k->gpu[self->gpu].gpu_id, data.hw_exception_data.gpu_id);
	EXPECT_EQ(KFD_HW_EXCEPTION_GPU_HANG, data.hw_exception_data.reset_cause);

	/* the mark stays on the queue, and it never runs again */
	EXPECT_EQ(-EACCES, kfd_queue_update(k, &q, 100, 5));
	signal = aql_start(&self->e, &q);
	EXPECT_FALSE(queue_listed(self->dir, q.ring.va));

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(healthy_process(self->gpu));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_EQ(1, signal->value);
	EXPECT_FALSE(queue_listed(self->dir, q.ring.va));
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &reset, 0, NULL));
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
}

/* The waiter gets the error; a context of its own has nothing to do with it. */
TEST_F(simgpu_knob, fail_fence)
{
	struct drm d;
	uint64_t seq;

	ASSERT_EQ(0, drm_open(&d, &self->e.k.gpu[self->gpu]));
	ASSERT_EQ(0, drm_copy(&d, 1));
	ASSERT_EQ(0, settle(self->dir));
	ASSERT_EQ(0, knob_set(self->dir, "fail_fence", 1));
	ASSERT_EQ(0, drm_submit(&d, 2, &seq));
	EXPECT_EQ(-EIO, drm_wait(&d, seq, WAIT_MS));
	EXPECT_EQ(0, knob_get(self->dir, "fail_fence"));

	EXPECT_EQ(0, drm_context_free(&d));
	ASSERT_EQ(0, drm_context(&d));
	EXPECT_EQ(0, drm_copy(&d, 3));
	close(d.fd);
}

TEST_F(simgpu_knob, fence_delay)
{
	uint64_t seq, start, slow, fast;
	unsigned int tries = 0;
	struct drm d;

	ASSERT_EQ(0, drm_open(&d, &self->e.k.gpu[self->gpu]));
	ASSERT_EQ(0, drm_copy(&d, 1));

	ASSERT_EQ(0, knob_set(self->dir, "fence_delay_us", FENCE_DELAY_US));
	EXPECT_EQ(FENCE_DELAY_US, knob_get(self->dir, "fence_delay_us"));
	start = clock_ms();
	ASSERT_EQ(0, drm_submit(&d, 2, &seq));
	EXPECT_EQ(1, drm_wait(&d, seq, 0));
	EXPECT_EQ(0, drm_wait(&d, seq, WAIT_MS));
	slow = clock_ms() - start;
	EXPECT_GE(slow, FENCE_DELAY_US / 1000);
	EXPECT_EQ(0, drm_wait(&d, seq, 0));
	EXPECT_EQ(0, pattern_bad(d.dst.cpu, BUF, 2));

	ASSERT_EQ(0, knob_set(self->dir, "fence_delay_us", 0));
	/* on a busy machine one may be slow for another reason */
	do {
		start = clock_ms();
		ASSERT_EQ(0, drm_copy(&d, 3));
		fast = clock_ms() - start;
	} while (fast >= FENCE_DELAY_US / 1000 && ++tries < 10);
	EXPECT_LT(fast, FENCE_DELAY_US / 1000);

	EXPECT_EQ(-EINVAL, knob_set(self->dir, "fence_delay_us", MAX_DELAY_US + 1));
	EXPECT_EQ(0, knob_get(self->dir, "fence_delay_us"));
	close(d.fd);
}

/* The kernel's rings stand still, user queues do not. */
TEST_F(simgpu_knob, rings_paused)
{
	struct env *e = &self->e;
	struct drm d, other;
	struct kfd_queue q;
	uint64_t seq[3];
	int i;

	ASSERT_EQ(0, drm_open(&d, &e->k.gpu[self->gpu]));
	ASSERT_EQ(0, drm_open(&other, &e->k.gpu[!self->gpu]));
	ASSERT_EQ(0, drm_copy(&d, 1));
	ASSERT_EQ(0, kfd_queue_create(&e->k, &q, KFD_Q_SDMA, self->gpu, 0));

	ASSERT_EQ(0, knob_set(self->dir, "rings_paused", 1));
	EXPECT_EQ(1, knob_get(self->dir, "rings_paused"));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, drm_submit(&d, 2, &seq[i]));
	sdma_fence(&q, cell_va(e, 0), 9);
	EXPECT_EQ(0, sdma_sync(e, &q));
	EXPECT_EQ(9, *cell32(e, 0));
	ASSERT_EQ(0, drm_copy(&other, 1));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(1, drm_wait(&d, seq[i], 0));

	ASSERT_EQ(0, knob_set(self->dir, "rings_paused", 0));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, drm_wait(&d, seq[i], WAIT_MS));
	EXPECT_EQ(0, pattern_bad(d.dst.cpu, BUF, 2));
	EXPECT_EQ(0, drm_copy(&d, 3));
	EXPECT_EQ(0, kfd_queue_destroy(&e->k, &q));
	close(other.fd);
	close(d.fd);
}

/* Translations are cached until the driver flushes them. */
TEST_F(simgpu_knob, tlb_counters)
{
	const unsigned int rounds = 32;
	struct env *e = &self->e;
	struct kfd *k = &e->k;
	int64_t hits, misses, flushes;
	struct kfd_bo src, dst;
	struct kfd_queue q;
	unsigned int i;

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_SDMA, self->gpu, 0));
	ASSERT_EQ(0, kfd_bo_create(k, &src, self->gpu, 0, BUF, KFD_BO_GTT, e->all));
	ASSERT_EQ(0, kfd_bo_create(k, &dst, self->gpu, 0, BUF, KFD_BO_VRAM, e->all));
	pattern_fill(src.cpu, BUF, 1);

	/* every page is new */
	misses = knob_get(self->dir, "tlb_misses");
	ASSERT_EQ(0, gpu_copy(e, &q, dst.va, src.va, BUF));
	EXPECT_LE(misses + (int64_t)(2 * BUF / KFD_PAGE), knob_get(self->dir, "tlb_misses"));

	/* and is known from then on, but for pages that happen to share a slot */
	hits = knob_get(self->dir, "tlb_hits");
	misses = knob_get(self->dir, "tlb_misses");
	for (i = 0; i < rounds; i++)
		sdma_copy(&q, dst.va, src.va, BUF);
	ASSERT_EQ(0, sdma_sync(e, &q));
	hits = knob_get(self->dir, "tlb_hits") - hits;
	misses = knob_get(self->dir, "tlb_misses") - misses;
	EXPECT_GE(hits, (int64_t)(rounds * BUF / KFD_PAGE));
	EXPECT_LT(misses, hits / 2);
	EXPECT_EQ(0, pattern_bad(dst.cpu, BUF, 1));

	flushes = knob_get(self->dir, "tlb_flushes");
	ASSERT_LE(0, flushes);
	ASSERT_EQ(0, kfd_bo_unmap(k, &dst, 1u << self->gpu));
	misses = knob_get(self->dir, "tlb_misses");
	ASSERT_EQ(0, kfd_bo_map(k, &dst, 1u << self->gpu));
	/* KFD does it now on some generations, and has done it before on others */
	EXPECT_LT(flushes, knob_get(self->dir, "tlb_flushes"));
	pattern_fill(src.cpu, BUF, 2);
	ASSERT_EQ(0, gpu_copy(e, &q, dst.va, src.va, BUF));
	EXPECT_LE(misses + (int64_t)(BUF / KFD_PAGE), knob_get(self->dir, "tlb_misses"));
	EXPECT_EQ(0, pattern_bad(dst.cpu, BUF, 2));

	EXPECT_EQ(0, kfd_bo_destroy(k, &src));
	EXPECT_EQ(0, kfd_bo_destroy(k, &dst));
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
}

TEST_F(simgpu_knob, queues)
{
	static const enum kfd_queue_kind kinds[] = { KFD_Q_SDMA, KFD_Q_AQL, KFD_Q_PM4 };
	struct kfd *k = &self->e.k;
	struct kfd_queue q;
	unsigned int i;
	uint64_t ring;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ASSERT_EQ(0, kfd_queue_create(k, &q, kinds[i], self->gpu, 0));
		ring = q.ring.va;
		EXPECT_TRUE(queue_appears(self->dir, ring));
		EXPECT_FALSE(queue_listed(self->other, ring));
		/* without a share of the GPU it is not loaded */
		EXPECT_EQ(0, kfd_queue_update(k, &q, 0, 7));
		EXPECT_FALSE(queue_listed(self->dir, ring));
		EXPECT_EQ(0, kfd_queue_update(k, &q, 100, 7));
		EXPECT_TRUE(queue_appears(self->dir, ring));
		EXPECT_EQ(0, kfd_queue_destroy(k, &q));
		EXPECT_FALSE(queue_listed(self->dir, ring));
	}
}

TEST_F(simgpu_knob, packets)
{
	const unsigned int n = 100;
	struct env *e = &self->e;
	int64_t packets, other;
	struct kfd_queue q;
	unsigned int i;

	ASSERT_EQ(0, kfd_queue_create(&e->k, &q, KFD_Q_SDMA, self->gpu, 0));
	ASSERT_EQ(0, settle(self->other));
	packets = knob_get(self->dir, "packets");
	other = knob_get(self->other, "packets");
	ASSERT_LE(0, packets);
	for (i = 0; i < n; i++)
		sdma_fence(&q, cell_va(e, i), i + 1);
	ASSERT_EQ(0, sdma_sync(e, &q));
	/* and the fence of sdma_sync() */
	EXPECT_LE(packets + n + 1, knob_get(self->dir, "packets"));
	EXPECT_EQ(other, knob_get(self->other, "packets"));
	for (i = 0; i < n; i++)
		EXPECT_EQ(i + 1, *cell32(e, i));
	EXPECT_EQ(0, kfd_queue_destroy(&e->k, &q));
}

/* --- resets --- */

/* Work that is submitted now is not done. */
static bool queue_is_dead(struct env *e, struct kfd_queue *q)
{
	unsigned int i = 1024 + q->gpu;

	*cell32(e, i) = 0;
	sdma_fence(q, cell_va(e, i), 1);
	kfd_queue_submit(q);
	return !others_turn() && !*cell32(e, i);
}

/* A new process runs queues on both GPUs. */
static int new_processes(void)
{
	int status = 0;
	unsigned int g;
	pid_t pid;

	for (g = 0; g < 2 && !status; g++) {
		pid = fork();
		if (!pid)
			_exit(healthy_process(g));
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return -errno;
	}
	return status;
}

/*
 * The processes that are there are told, keep their memory, and their queues stop for good
 * on all GPUs; those that come afterwards have nothing of it.
 */
TEST_F(simgpu_knob, reset)
{
	struct env *e = &self->e;
	struct kfd *k = &e->k;
	struct kfd_event exception, memory;
	struct kfd_bo vram, gtt, late;
	struct kfd_event_data data;
	struct kfd_queue q[2];
	unsigned int g;

	ASSERT_EQ(0, kfd_event_create(k, &exception, KFD_IOC_EVENT_HW_EXCEPTION, true, NULL));
	ASSERT_EQ(0, kfd_event_create(k, &memory, KFD_IOC_EVENT_MEMORY, true, NULL));
	ASSERT_EQ(0, kfd_bo_create(k, &vram, self->gpu, 0, BUF, KFD_BO_VRAM, e->all));
	ASSERT_EQ(0, kfd_bo_create(k, &gtt, self->gpu, 0, BUF, KFD_BO_GTT, e->all));
	pattern_fill(gtt.cpu, BUF, 1);
	for (g = 0; g < 2; g++)
		ASSERT_EQ(0, kfd_queue_create(k, &q[g], KFD_Q_SDMA, g, 0));
	/* and one stands before a gate, loaded */
	ASSERT_EQ(0, gpu_copy(e, &q[self->gpu], vram.va, gtt.va, BUF));
	ASSERT_EQ(0, sdma_sync(e, &q[!self->gpu]));
	sdma_poll_equal(&q[self->gpu], cell_va(e, 0), 1, 0xffffffff);
	sdma_fence(&q[self->gpu], cell_va(e, 1), 1);
	kfd_queue_submit(&q[self->gpu]);
	ASSERT_TRUE(queue_appears(self->dir, q[self->gpu].ring.va));
	ASSERT_TRUE(queue_appears(self->other, q[!self->gpu].ring.va));
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &exception, 0, NULL));

	ASSERT_EQ(0, gpu_reset(&k->gpu[self->gpu]));

	ASSERT_EQ(0, kfd_event_wait(k, &exception, WAIT_MS, &data));
	EXPECT_EQ(k->gpu[self->gpu].gpu_id, data.hw_exception_data.gpu_id);
	EXPECT_EQ(KFD_HW_EXCEPTION_GPU_HANG, data.hw_exception_data.reset_cause);
	EXPECT_EQ(1, data.hw_exception_data.memory_lost);
	EXPECT_FALSE(queue_listed(self->dir, q[self->gpu].ring.va));
	EXPECT_FALSE(queue_listed(self->other, q[!self->gpu].ring.va));
	*cell32(e, 0) = 1;
	EXPECT_TRUE(queue_is_dead(e, &q[0]));
	EXPECT_TRUE(queue_is_dead(e, &q[1]));
	EXPECT_EQ(0, *cell32(e, 1));
	/* nobody has made a mistake, only the GPU is gone */
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &memory, 0, NULL));

	/* amdgpu says that memory is lost, but this is a reset that loses none */
	EXPECT_EQ(0, pattern_bad(vram.cpu, BUF, 1));
	EXPECT_EQ(0, pattern_bad(gtt.cpu, BUF, 1));
	ASSERT_EQ(0, kfd_bo_create(k, &late, self->gpu, 0, BUF, KFD_BO_VRAM, e->all));
	pattern_fill(late.cpu, BUF, 2);
	EXPECT_EQ(0, pattern_bad(late.cpu, BUF, 2));
	EXPECT_EQ(0, kfd_bo_destroy(k, &late));

	EXPECT_EQ(0, new_processes());
	/* and once more, with queues there that do not run */
	EXPECT_EQ(0, gpu_reset(&k->gpu[self->gpu]));
	EXPECT_EQ(0, gpu_reset(&k->gpu[!self->gpu]));
	EXPECT_EQ(0, new_processes());
	EXPECT_TRUE(queue_is_dead(e, &q[self->gpu]));

	for (g = 0; g < 2; g++)
		EXPECT_EQ(0, kfd_queue_destroy(k, &q[g]));
	EXPECT_EQ(0, kfd_bo_destroy(k, &vram));
	EXPECT_EQ(0, kfd_bo_destroy(k, &gtt));
}

/* Jobs of the kernel's rings are cancelled, also where they wait; new ones run. */
TEST_F(simgpu_knob, reset_with_jobs)
{
	uint64_t seq[3];
	struct drm d, other;
	int i;

	ASSERT_EQ(0, drm_open(&d, &self->e.k.gpu[self->gpu]));
	ASSERT_EQ(0, drm_open(&other, &self->e.k.gpu[!self->gpu]));
	ASSERT_EQ(0, drm_copy(&d, 1));
	ASSERT_EQ(0, knob_set(self->dir, "rings_paused", 1));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, drm_submit(&d, 2, &seq[i]));
	/* the rings of the other GPU have gone on meanwhile */
	ASSERT_EQ(0, drm_copy(&other, 1));
	EXPECT_EQ(1, drm_wait(&d, seq[0], 0));

	ASSERT_EQ(0, gpu_reset(&self->e.k.gpu[self->gpu]));
	/* the ring has it behind it, in spite of the pause */
	EXPECT_EQ(-ECANCELED, drm_wait(&d, seq[0], WAIT_MS));
	EXPECT_EQ(0, pattern_bad(d.dst.cpu, BUF, 2));
	ASSERT_EQ(0, knob_set(self->dir, "rings_paused", 0));
	for (i = 1; i < 3; i++)
		EXPECT_EQ(-ECANCELED, drm_wait(&d, seq[i], WAIT_MS));

	EXPECT_EQ(0, drm_context_free(&d));
	ASSERT_EQ(0, drm_context(&d));
	EXPECT_EQ(0, drm_copy(&d, 3));
	close(other.fd);
	close(d.fd);
	EXPECT_EQ(0, new_processes());
}

/*
 * The kernel's rings of each kind: a pause holds fences back, and a packet that no engine knows
 * ends the command buffer, for which the fence has an error.
 */
TEST_F(simgpu_knob, rings_of_each_kind)
{
	uint32_t packets[16];
	unsigned int i, n;
	struct drm d;
	uint64_t seq;

	ASSERT_EQ(0, drm_open(&d, &self->e.k.gpu[self->gpu]));
	EXPECT_TRUE(drm_has_rings(&d, AMDGPU_HW_IP_COMPUTE));
	for (i = 0; i < ARRAY_SIZE(drm_ips); i++) {
		d.ip = drm_ips[i];
		if (!drm_has_rings(&d, d.ip))
			continue;
		ASSERT_EQ(0, drm_write_anew(&d, 1));

		ASSERT_EQ(0, knob_set(self->dir, "rings_paused", 1));
		ASSERT_EQ(0, drm_submit_write(&d, false, 2, &seq));
		EXPECT_EQ(1, drm_wait(&d, seq, 0));
		ASSERT_EQ(0, knob_set(self->dir, "rings_paused", 0));
		EXPECT_EQ(0, drm_wait(&d, seq, WAIT_MS));
		EXPECT_EQ(2, d.dst.cpu[1]);

		n = drm_write(&d, packets, 2, 3);
		packets[n++] = UNKNOWN_PACKET;
		packets[n++] = 0;
		n += drm_write(&d, packets + n, 3, 4);
		d.dst.cpu[3] = 0;
		ASSERT_EQ(0, drm_submit_packets(&d, packets, n, &seq));
		EXPECT_EQ(-EINVAL, drm_wait(&d, seq, WAIT_MS));
		EXPECT_EQ(3, d.dst.cpu[2]);
		EXPECT_EQ(0, d.dst.cpu[3]);
		EXPECT_EQ(0, drm_write_anew(&d, 5));
	}
	close(d.fd);
}

/* A job that waits for ever is cancelled on rings of each kind, and they go on. */
TEST_F(simgpu_knob, reset_with_waiting_jobs)
{
	struct drm d[ARRAY_SIZE(drm_ips)];
	uint64_t seq[ARRAY_SIZE(drm_ips)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(drm_ips); i++) {
		ASSERT_EQ(0, drm_open(&d[i], &self->e.k.gpu[self->gpu]));
		d[i].ip = drm_ips[i];
		if (!drm_has_rings(&d[i], d[i].ip))
			continue;
		ASSERT_EQ(0, drm_write_anew(&d[i], 1));
		ASSERT_EQ(0, drm_submit_write(&d[i], true, 2, &seq[i]));
		EXPECT_EQ(1, drm_wait(&d[i], seq[i], 0));
	}
	ASSERT_EQ(0, gpu_reset(&self->e.k.gpu[self->gpu]));
	for (i = 0; i < ARRAY_SIZE(drm_ips); i++) {
		if (drm_has_rings(&d[i], d[i].ip)) {
			EXPECT_EQ(-ECANCELED, drm_wait(&d[i], seq[i], WAIT_MS));
			EXPECT_EQ(0, d[i].dst.cpu[1]);
			EXPECT_EQ(0, drm_write_anew(&d[i], 3));
		}
		close(d[i].fd);
	}
}

/* It stays in the middle for as long as it takes, and does what it does afterwards. */
TEST_F(simgpu_knob, reset_held)
{
	int64_t resets = knob_get(self->dir, "resets");
	struct env *e = &self->e;
	struct held_reset reset;
	struct kfd_queue q;
	struct drm other;

	ASSERT_EQ(0, drm_open(&other, &e->k.gpu[!self->gpu]));
	ASSERT_EQ(0, kfd_queue_create(&e->k, &q, KFD_Q_SDMA, self->gpu, 0));
	ASSERT_EQ(0, sdma_sync(e, &q));
	ASSERT_EQ(0, held_reset_begin(&reset, &e->k.gpu[self->gpu], self->dir, WAIT_MS));
	EXPECT_EQ(1, knob_get(self->dir, "reset_held"));
	EXPECT_EQ(resets + 1, knob_get(self->dir, "resets"));
	/* firmware is not asked any more, its queues are lost with it */
	if (!kfd_has_hws())
		EXPECT_FALSE(queue_listed(self->dir, q.ring.va));
	/* amdgpu goes on with the other GPU */
	ASSERT_EQ(0, drm_copy(&other, 1));
	EXPECT_FALSE(held_reset_over(&reset));

	EXPECT_EQ(0, held_reset_end(&reset));
	EXPECT_EQ(0, knob_get(self->dir, "reset_held"));
	EXPECT_EQ(resets + 1, knob_get(self->dir, "resets"));
	EXPECT_FALSE(queue_listed(self->dir, q.ring.va));
	EXPECT_TRUE(queue_is_dead(e, &q));
	EXPECT_EQ(0, new_processes());

	/* the next one is not stopped */
	EXPECT_EQ(0, gpu_reset(&e->k.gpu[self->gpu]));
	EXPECT_EQ(resets + 2, knob_get(self->dir, "resets"));
	EXPECT_EQ(0, new_processes());
	EXPECT_EQ(0, kfd_queue_destroy(&e->k, &q));
	close(other.fd);
}

/* Have KFD put a packet into the HIQ that stops the scheduler. */
static int hang_scheduler(uint32_t gpu_id)
{
	return knob_set("/sys/kernel/debug/kfd", "hang_hws", gpu_id);
}

/* A scheduler that does not answer is found out, and its GPU is reset without being asked to. */
TEST_F(simgpu_knob, reset_of_scheduler_that_hangs)
{
	static const char params[] = "/sys/module/amdgpu/parameters";
	struct env *e = &self->e;
	struct kfd_event exception;
	struct kfd_event_data data;
	struct kfd_queue q;
	int64_t timeout;

	if (!kfd_has_hws())
		SKIP(return, "there is no hardware scheduler");
	if (e->k.gpu[self->gpu].gfx_version >= 110000)
		SKIP(return, "MES has no HIQ");

	ASSERT_EQ(0, kfd_event_create(&e->k, &exception, KFD_IOC_EVENT_HW_EXCEPTION, true, NULL));
	ASSERT_EQ(0, kfd_queue_create(&e->k, &q, KFD_Q_SDMA, self->gpu, 0));
	ASSERT_EQ(0, sdma_sync(e, &q));
	timeout = knob_get(params, "queue_preemption_timeout_ms");
	ASSERT_LT(0, timeout);
	ASSERT_EQ(0, knob_set(params, "queue_preemption_timeout_ms", HANG_MS));
	EXPECT_EQ(0, hang_scheduler(e->k.gpu[self->gpu].gpu_id));
	EXPECT_EQ(0, kfd_event_wait(&e->k, &exception, WAIT_MS, &data));
	EXPECT_EQ(0, knob_set(params, "queue_preemption_timeout_ms", timeout));
	EXPECT_EQ(e->k.gpu[self->gpu].gpu_id, data.hw_exception_data.gpu_id);
	EXPECT_EQ(KFD_HW_EXCEPTION_GPU_HANG, data.hw_exception_data.reset_cause);
	/* it comes before the GPU is reset; another reset has to wait until this one is over */
	EXPECT_EQ(0, gpu_reset(&e->k.gpu[self->gpu]));
	EXPECT_TRUE(queue_is_dead(e, &q));
	EXPECT_EQ(0, new_processes());
	EXPECT_EQ(0, kfd_queue_destroy(&e->k, &q));
}

TEST_HARNESS_MAIN
