// SPDX-License-Identifier: GPL-2.0
/*
 * Kernels as test suites of the driver have them, and dispatched as these do it: all registers
 * in an indirect buffer of a PM4 queue, two addresses in user registers, a fence in memory
 * behind the dispatch, and an event in the end.
 *
 * The kernels are in kernels/shader.s, assembled for each generation of GPUs.
 */
#include "kfd_kernel.h"
#include "kfd_test.h"

#define BUF		(64 * KIB)
/* Words for the fence of each buffer, and for the end of a job that tells no event. */
#define FENCE_CELL	500u
#define END_CELL	510u

/* In the order of the table behind the first of the kernels. */
enum shader {
	NOTHING, FOREVER, COPY, INCREMENT, SCRATCH_COPY, WAIT_WORD, COPY_WHEN_TOLD, TAKE, GIVE,
	WRITE_THREE, RELEASE, ACQUIRE, ITERATE, READ_PAGES, GWS_INIT, GWS_ADD, TRAPPED,
	TRAP_HANDLER
};

/* What they wait for. */
#define WORD_GO		0x5678u
#define COPY_GO		0xcafeu
#define ITERATE_STOP	0x12345678u

/* Registers of a dispatch, besides those that kfd_kernel.h has. */
#define REG_RESTART_X	0x21bu
#define REG_LIMITS	0x215u

FIXTURE(kfd_shader)
{
	struct env e;
	struct kfd_queue q, other;
	struct kernel code;
	struct kfd_bo ib_bo, a, b, page;
	struct kfd_event done;
	uint32_t fence;
};

FIXTURE_SETUP(kfd_shader)
{
	struct kfd *k = &self->e.k;
	int r;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	r = kernel_load(k, &self->code, 0, "shader");
	if (r == -ENOENT)
		SKIP(return, "no kernels for this GPU: no LLVM that has it when they were built");
	ASSERT_EQ(0, r);
	ASSERT_EQ(0, kfd_bo_create(k, &self->ib_bo, 0, 0, 2 * KFD_PAGE, KFD_BO_GTT, 1));
	ASSERT_EQ(0, kfd_bo_create(k, &self->a, 0, 0, BUF, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_bo_create(k, &self->b, 0, 0, BUF, KFD_BO_VRAM, 1));
	memset(self->a.cpu, 0, BUF);
	memset(self->b.cpu, 0, BUF);
	ASSERT_EQ(0, kfd_event_page(k, &self->page, 0));
	ASSERT_EQ(0, kfd_event_create(k, &self->done, KFD_IOC_EVENT_SIGNAL, true, &self->page));
	ASSERT_EQ(0, kfd_queue_create(k, &self->other, KFD_Q_PM4, 0, 0));
	ASSERT_EQ(0, kfd_queue_create(k, &self->q, KFD_Q_PM4, 0, 0));
}

FIXTURE_TEARDOWN(kfd_shader)
{
	struct kfd *k = &self->e.k;

	if (self->q.ring.cpu)
		EXPECT_EQ(0, kfd_queue_destroy(k, &self->q));
	if (self->other.ring.cpu)
		EXPECT_EQ(0, kfd_queue_destroy(k, &self->other));
	env_close(&self->e);
}

static uint64_t shader_va(struct _test_data_kfd_shader *self, enum shader shader)
{
	uint64_t first = self->code.descriptor + self->code.info.entry;
	const uint32_t *distance;

	distance = (uint32_t *)((char *)self->code.bo.cpu + (first - self->code.bo.va) + 256);
	return first + distance[shader];
}

/**
 * struct job - one dispatch
 * @shader: which kernel
 * @first: address for s[0:1]
 * @second: address for s[2:3]
 * @groups: workgroups of one work-item
 * @scratch: its scratch memory, or NULL
 */
struct job {
	enum shader shader;
	uint64_t first, second;
	uint32_t groups;
	const struct kernel_scratch *scratch;
};

/*
 * The packets: 32 vector registers or so, user registers, the number of the workgroup, two of the
 * numbers of a work-item, exceptions of memory; waves of 32 where there are some.
 */
static void put_job(struct _test_data_kfd_shader *self, struct kfd_queue *q,
		    unsigned int number, const struct job *job)
{
	const uint64_t fence = cell_va(&self->e, FENCE_CELL + number);
	const uint64_t code = shader_va(self, job->shader) >> 8;
	const uint64_t scratch = job->scratch ? job->scratch->bo.va : 0;
	const uint32_t version = self->q.gfx_version;
	const uint32_t start[] = { 0, 0, 0, 1, 1, 1, 0, 0 };
	const uint32_t program[] = {
		(uint32_t)code, code >> 32, 0, 0, (uint32_t)(scratch >> 8), scratch >> 40
	};
	const uint32_t users = scratch ? 6 : 4;
	const uint32_t rsrc[] = {
		0xc0 << 12 | (version < 120000 ? 2 << 6 : 0) | 4,
		(scratch ? 1 : 0) | users << 1 | (version < 120000 ? 1 << 6 : 0) | 1 << 7 |
		1 << 11 | 1 << 13
	};
	const uint32_t rsrc3 = 9, limits = 0;
	const uint32_t tmpring = job->scratch ? job->scratch->tmpring : 0;
	const uint32_t restart[4] = { 0 };
	const uint32_t user[16] = {
		(uint32_t)job->first, job->first >> 32, (uint32_t)job->second, job->second >> 32,
		(uint32_t)scratch, scratch >> 32
	};
	const uint32_t dim[] = { job->groups, 1, 1 };

	pm4_acquire_mem(q);
	pm4_set_sh_reg(q, REG_START_X, start, ARRAY_SIZE(start));
	pm4_set_sh_reg(q, REG_PGM_LO, program, ARRAY_SIZE(program));
	pm4_set_sh_reg(q, REG_RSRC1, rsrc, ARRAY_SIZE(rsrc));
	if (version >= 90010 && version < 100000)
		pm4_set_sh_reg(q, REG_RSRC3_GFX90A, &rsrc3, 1);
	pm4_set_sh_reg(q, REG_LIMITS, &limits, 1);
	pm4_set_sh_reg(q, REG_TMPRING, &tmpring, 1);
	pm4_set_sh_reg(q, REG_RESTART_X, restart, ARRAY_SIZE(restart));
	pm4_set_sh_reg(q, REG_USER_DATA, user, ARRAY_SIZE(user));
	pm4_dispatch_direct(q, dim, INITIATOR_SHADER | INITIATOR_THREADS |
			    (version >= 100000 ? INITIATOR_WAVE32 : 0));
	pm4_nop(q, 2);
	/* what comes next waits for the end of the kernel */
	pm4_release_mem(q, fence, ++self->fence, 0);
	pm4_wait_equal(q, fence, self->fence, ~0u);
}

/* Have a queue dispatch it from buffer @number; then the event is told, or else a word set. */
static void submit(struct _test_data_kfd_shader *self, struct kfd_queue *q, unsigned int number,
		   const struct job *job, bool event)
{
	uint64_t ib_va = self->ib_bo.va + number * KFD_PAGE;
	struct kfd_queue ib;

	kfd_ib_begin(&ib, KFD_Q_PM4, self->q.gfx_version,
		     (char *)self->ib_bo.cpu + number * KFD_PAGE);
	put_job(self, &ib, number, job);
	pm4_indirect(q, ib_va, kfd_ib_dwords(&ib));
	if (event)
		pm4_release_mem(q, kfd_event_slot(&self->page, &self->done), self->done.id,
				self->done.id);
	else
		pm4_release_mem(q, cell_va(&self->e, END_CELL), self->fence, 0);
	kfd_queue_submit(q);
}

/*
 * The same in the ring itself, for a queue that is updated meanwhile: the driver then forgets how
 * far an indirect buffer has been executed, and it begins anew.
 */
static void submit_in_ring(struct _test_data_kfd_shader *self, const struct job *job)
{
	put_job(self, &self->q, 0, job);
	pm4_release_mem(&self->q, kfd_event_slot(&self->page, &self->done), self->done.id,
			self->done.id);
	kfd_queue_submit(&self->q);
}

static int finish(struct _test_data_kfd_shader *self)
{
	return kfd_event_wait(&self->e.k, &self->done, WAIT_MS, NULL);
}

static int run(struct _test_data_kfd_shader *self, enum shader shader, uint64_t first,
	       uint64_t second, uint32_t groups)
{
	const struct job job = { shader, first, second, groups, NULL };

	submit(self, &self->q, 0, &job, true);
	return finish(self);
}

/* Have a queue leave the hardware and come back, some times. */
static int leave(struct _test_data_kfd_shader *self, struct kfd_queue *q, unsigned int times)
{
	int r = 0;

	for (; times && !r; times--)
		r = kfd_queue_update(&self->e.k, q, 100, 7 + times % 2);
	return r;
}

/* How many words in a row become numbers that follow each other. */
static unsigned int words_counted(const volatile uint32_t *words, uint32_t first,
				  unsigned int count)
{
	unsigned int i = 0;

	while (i < count && kfd_wait32(&words[i], first + i, WAIT_MS))
		i++;
	return i;
}

TEST_F(kfd_shader, nothing)
{
	unsigned int i;

	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, run(self, NOTHING, 0, 0, 1 + 10 * i));
	/* and none of it is left for later */
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(&self->e.k, &self->done, 0, NULL));
}

TEST_F(kfd_shader, copy)
{
	uint32_t *a = self->a.cpu, *b = self->b.cpu;

	a[3] = 0x01020304;
	ASSERT_EQ(0, run(self, COPY, self->a.va + 12, self->b.va + 4, 1));
	EXPECT_EQ(0x01020304, b[1]);
	ASSERT_EQ(0, run(self, COPY, self->b.va + 4, self->a.va + 40, 1));
	EXPECT_EQ(0x01020304, a[10]);
	EXPECT_EQ(0, b[0]);
	EXPECT_EQ(0, b[2]);
}

/* A kernel without an end is its queue's affair: others run, and the queue can go. */
TEST_F(kfd_shader, forever)
{
	const struct job job = { FOREVER, 0, 0, 20, NULL };
	uint32_t *a = self->a.cpu;
	unsigned int i;

	submit(self, &self->other, 1, &job, false);
	for (i = 0; i < 4; i++) {
		a[0] = 77 + i;
		ASSERT_EQ(0, run(self, COPY, self->a.va, self->a.va + 4, 1));
		EXPECT_EQ(77 + i, a[1]);
		ASSERT_EQ(0, leave(self, &self->other, 1));
	}
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	EXPECT_EQ(0, *cell32(&self->e, END_CELL));
	EXPECT_EQ(0, kfd_queue_destroy(&self->e.k, &self->other));
	memset(&self->other, 0, sizeof(self->other));
	a[0] = 99;
	ASSERT_EQ(0, run(self, COPY, self->a.va, self->a.va + 4, 1));
	EXPECT_EQ(99, a[1]);
}

TEST_F(kfd_shader, increment)
{
	const struct job job = { INCREMENT, self->a.va + 8, 0, 300, NULL };
	uint32_t *a = self->a.cpu;

	a[2] = 5;
	submit(self, &self->other, 1, &job, false);
	ASSERT_EQ(0, run(self, INCREMENT, self->a.va + 8, 0, 500));
	ASSERT_TRUE(kfd_wait32(&a[2], 805, WAIT_MS));
	EXPECT_EQ(0, a[1]);
	EXPECT_EQ(0, a[3]);
}

/* A word to scratch, and back from there in another dispatch. It is once in all the memory. */
TEST_F(kfd_shader, scratch_copy)
{
	uint64_t aperture = self->e.k.gpu[0].scratch_base;
	struct job job = { SCRATCH_COPY, self->a.va, aperture + 16, 1, NULL };
	uint32_t *a = self->a.cpu, i, found = 0;
	struct kernel_scratch scratch;
	const uint32_t *word;

	ASSERT_NE(0, aperture);
	ASSERT_EQ(0, kernel_scratch_create(&self->e.k, &scratch, 0, 0, 4, 64));
	memset(scratch.bo.cpu, 0, scratch.bo.size);
	word = scratch.bo.cpu;
	job.scratch = &scratch;
	a[0] = 0xa1b2c3d4;
	submit(self, &self->q, 0, &job, true);
	ASSERT_EQ(0, finish(self));
	for (i = 0; i < scratch.bo.size / 4; i++)
		found += word[i] == 0xa1b2c3d4;
	EXPECT_EQ(1, found);
	EXPECT_EQ(scratch.bo.size - 4, words_bad(word, scratch.bo.size, 0xa1b2c3d4) * 4);
	job.first = aperture + 16;
	job.second = self->a.va + 64;
	submit(self, &self->q, 0, &job, true);
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(0xa1b2c3d4, a[16]);
	EXPECT_EQ(0, kfd_bo_destroy(&self->e.k, &scratch.bo));
}

TEST_F(kfd_shader, wait_word)
{
	const struct job job = { WAIT_WORD, self->a.va, self->b.va, 1, NULL };
	volatile uint32_t *a = self->a.cpu, *b = self->b.cpu;

	a[0] = WORD_GO + 1;
	submit_in_ring(self, &job);
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	ASSERT_EQ(0, leave(self, &self->q, 1));
	EXPECT_EQ(0, b[0]);
	a[0] = WORD_GO;
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(WORD_GO, b[0]);
}

TEST_F(kfd_shader, copy_when_told)
{
	const struct job job = { COPY_WHEN_TOLD, self->a.va, 0, 1, NULL };
	volatile uint32_t *a = self->a.cpu;

	a[1] = 0x0badcafe;
	submit(self, &self->q, 0, &job, true);
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	EXPECT_EQ(0, a[2]);
	a[1] = 0x0badf00d;
	a[0] = COPY_GO;
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(0x0badf00d, a[2]);
	EXPECT_EQ(0, a[3]);
}

/* From the one queue to the other, and never the flag before the data. */
TEST_F(kfd_shader, give_and_take)
{
	volatile uint32_t *a = self->a.cpu, *b = self->b.cpu;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		const struct job take = { TAKE, self->a.va, self->b.va + 4 * i, 1, NULL };

		memset(self->a.cpu, 0, 8);
		a[100] = 1000 + i;
		submit(self, &self->other, 1, &take, false);
		ASSERT_EQ(0, run(self, GIVE, self->a.va, self->a.va + 400, 1));
		ASSERT_TRUE(kfd_wait32(&b[i], 1000 + i, WAIT_MS));
		ASSERT_EQ(0, kfd_queue_drain(&self->other, WAIT_MS));
		EXPECT_EQ(1, a[0]);
		EXPECT_EQ(1000 + i, a[1]);
	}
}

/* The second of three stores goes to the flush register of the remapped page. */
TEST_F(kfd_shader, write_three)
{
	volatile uint32_t *a = self->a.cpu, *b = self->b.cpu;
	struct kfd_bo mmio;

	ASSERT_EQ(0, run(self, WRITE_THREE, self->a.va, self->b.va + 8, 1));
	EXPECT_EQ(0xcafe, a[0]);
	EXPECT_EQ(0xbeef, a[1]);
	EXPECT_EQ(0, a[2]);
	EXPECT_EQ(1, b[2]);
	ASSERT_EQ(0, kfd_bo_create(&self->e.k, &mmio, 0, 0, KFD_PAGE, KFD_BO_MMIO, 1));
	ASSERT_EQ(0, run(self, WRITE_THREE, self->b.va + 64,
			 mmio.va + KFD_MMIO_REMAP_HDP_MEM_FLUSH_CNTL, 1));
	EXPECT_EQ(0xcafe, b[16]);
	EXPECT_EQ(0xbeef, b[17]);
	EXPECT_EQ(0, kfd_bo_destroy(&self->e.k, &mmio));
}

TEST_F(kfd_shader, release_and_acquire)
{
	const struct job acquire = { ACQUIRE, self->b.va, self->a.va, 1, NULL };
	volatile uint32_t *a = self->a.cpu, *b = self->b.cpu;
	unsigned int i;

	submit(self, &self->other, 1, &acquire, false);
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	EXPECT_EQ(0, words_bad(self->a.cpu, 0x180, 0));
	ASSERT_EQ(0, run(self, RELEASE, self->b.va, 0, 1));
	ASSERT_TRUE(kfd_wait32(&a[0x140 / 4], 15, WAIT_MS));
	ASSERT_EQ(0, kfd_queue_drain(&self->other, WAIT_MS));
	EXPECT_EQ(1, b[0]);
	for (i = 1; i <= 5; i++)
		EXPECT_EQ(10 + i, a[0x10 * i]);
}

/* All waves have what they had, however often they leave the hardware. */
TEST_F(kfd_shader, iterate)
{
	enum { GROUPS = 64 };
	const struct job job = { ITERATE, self->a.va, self->b.va, GROUPS, NULL };
	volatile uint32_t *a = self->a.cpu, *b = self->b.cpu;
	unsigned int i, round;

	for (i = 0; i < GROUPS; i++)
		b[i] = 0x1000 + i;
	submit_in_ring(self, &job);
	for (round = 0; round < 10; round++) {
		ASSERT_EQ(GROUPS, words_counted(b, 0x9000, GROUPS));
		ASSERT_EQ(0, leave(self, &self->q, 1 + round % 3));
		for (i = 0; i < GROUPS; i++)
			b[i] = 0;
	}
	ASSERT_EQ(GROUPS, words_counted(b, 0x9000, GROUPS));
	a[0] = ITERATE_STOP;
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(0, b[GROUPS]);
}

/* Memory that is read while the queues of the process are stopped and go on. */
TEST_F(kfd_shader, read_pages)
{
	enum { GROUPS = 4, PAGES = 64 };
	const struct job job = { READ_PAGES, self->a.va, self->b.va, GROUPS, NULL };
	volatile uint32_t *a = self->a.cpu, *b = self->b.cpu;
	struct kfd_bo big;
	uint64_t *address = (uint64_t *)self->a.cpu + 1;
	unsigned int i;

	ASSERT_EQ(0, kfd_bo_create(&self->e.k, &big, 0, 0, GROUPS * PAGES * KFD_PAGE, KFD_BO_VRAM,
				   1));
	for (i = 0; i < GROUPS * PAGES; i++)
		*(uint32_t *)((char *)big.cpu + i * KFD_PAGE) = 7 * i;
	for (i = 0; i < GROUPS; i++) {
		address[i] = big.va + i * PAGES * KFD_PAGE;
		b[i] = PAGES * KFD_PAGE;
	}
	submit_in_ring(self, &job);
	ASSERT_EQ(0, leave(self, &self->q, 6));
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	EXPECT_EQ(PAGES * KFD_PAGE, b[0]);
	a[0] = WORD_GO;
	ASSERT_EQ(0, finish(self));
	for (i = 0; i < GROUPS; i++)
		EXPECT_EQ(7 * (PAGES * (i + 1) - 1), b[i]);
	EXPECT_EQ(0, kfd_bo_destroy(&self->e.k, &big));
}

/* One at a time is behind the semaphore: none of what is no atomic is lost. */
TEST_F(kfd_shader, gws)
{
	enum { GROUPS = 200 };
	struct kfd_ioctl_alloc_queue_gws_args args = { .queue_id = self->q.id, .num_gws = 1 };
	const struct job job = { GWS_ADD, self->b.va, 0, GROUPS, NULL };
	const struct kfd_gpu *g = &self->e.k.gpu[0];
	volatile uint32_t *a = self->a.cpu, *b = self->b.cpu;

	if (!kfd_node_property(g->node, "num_gws"))
		SKIP(return, "GPU without GWS");
	if (!kfd_simulated() && (g->gfx_version >= 110000 || g->gfx_version / 100 == 904))
		SKIP(return, "GPU may have no GWS");
	ASSERT_EQ(0, ioctl(self->e.k.fd, AMDKFD_IOC_ALLOC_QUEUE_GWS, &args));
	a[0] = 1;
	ASSERT_EQ(0, run(self, GWS_INIT, self->a.va, 0, 1));
	submit_in_ring(self, &job);
	ASSERT_EQ(0, leave(self, &self->q, 6));
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(GROUPS, b[0]);
}

/* The handler of the process changes a register of the wave that waits for it. */
TEST_F(kfd_shader, trapped)
{
	uint64_t code = shader_va(self, TRAPPED);
	volatile uint32_t *a = self->a.cpu;
	struct kfd *k = &self->e.k;

	/* a runtime says that it is there before it has queues */
	ASSERT_EQ(0, kfd_queue_destroy(k, &self->other));
	ASSERT_EQ(0, kfd_queue_destroy(k, &self->q));
	memset(&self->other, 0, sizeof(self->other));
	memset(&self->q, 0, sizeof(self->q));
	ASSERT_EQ(0, kfd_runtime_enable(k, 0, false));
	ASSERT_EQ(0, kfd_set_trap_handler(k, 0, shader_va(self, TRAP_HANDLER), 0));
	ASSERT_EQ(0, kfd_queue_create(k, &self->q, KFD_Q_PM4, 0, 0));
	ASSERT_EQ(0, run(self, TRAPPED, self->a.va, 0, 1));
	/* the upper half of the address, and the number of the trap above */
	EXPECT_EQ(code >> 32, a[0] & 0xffff);
	EXPECT_EQ(1, self->q.gfx_version < 120000 ? a[0] >> 16 & 0xff : a[0] >> 28);
}

TEST_HARNESS_MAIN
