// SPDX-License-Identifier: GPL-2.0
/*
 * Kernels in AQL queues: grids by their effect on memory, queues that leave
 * the hardware in the middle of one, and waves that can't go on.
 *
 * The kernels are in kernels/, assembled for each generation of GPUs.
 */
#include "kfd_kernel.h"

#define WORDS		(64 * 10000)

/* As the kernels have it. */
struct args {
	uint64_t words;
	uint32_t group;
	uint32_t turns;
	uint64_t gate;
};

FIXTURE(kfd_dispatch)
{
	struct env e;
	struct kfd_queue q;
	struct kfd_bo page;
	struct kfd_bo sig_bo;
	struct kfd_bo out;
	struct hsa_signal *sig;
	struct kernel count, exchange, gate, illegal;
};

static uint64_t sig_va(struct _test_data_kfd_dispatch *self, unsigned int i)
{
	return self->sig_bo.va + i * sizeof(struct hsa_signal);
}

FIXTURE_SETUP(kfd_dispatch)
{
	struct kfd *k = &self->e.k;
	unsigned int i;
	int r;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	r = kernel_load(k, &self->count, 0, "count");
	if (r == -ENOENT)
		SKIP(return, "no kernels for this GPU: no LLVM that has it when they were built");
	ASSERT_EQ(0, r);
	ASSERT_EQ(0, kernel_load(k, &self->exchange, 0, "exchange"));
	ASSERT_EQ(0, kernel_load(k, &self->gate, 0, "gate"));
	ASSERT_EQ(0, kernel_load(k, &self->illegal, 0, "illegal"));
	ASSERT_EQ(0, kfd_event_page(k, &self->page, 0));
	ASSERT_EQ(0, kfd_bo_create(k, &self->sig_bo, 0, 0, 64 * KIB, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_bo_create(k, &self->out, 0, 0, (WORDS * 4 + KFD_PAGE), KFD_BO_GTT, 1));
	memset(self->out.cpu, 0, self->out.size);
	self->sig = self->sig_bo.cpu;
	for (i = 0; i < 64; i++)
		hsa_signal_init(&self->sig[i], 1, NULL, NULL);
	ASSERT_EQ(0, kfd_queue_create(k, &self->q, KFD_Q_AQL, 0, 0));
}

FIXTURE_TEARDOWN(kfd_dispatch)
{
	struct kfd *k = &self->e.k;

	if (self->q.ring.cpu)
		EXPECT_EQ(0, kfd_queue_destroy(k, &self->q));
	env_close(&self->e);
}

static bool wait_signal(struct hsa_signal *s, int64_t value)
{
	return kfd_wait64((volatile uint64_t *)&s->value, value, WAIT_MS);
}

static void dispatch(struct _test_data_kfd_dispatch *self, struct kernel *kernel,
		     unsigned int slot, uint32_t grid, uint16_t group, uint32_t turns)
{
	struct args args = { self->out.va, group, turns, cell_va(&self->e, 0) };

	kernel_dispatch(&self->q, kernel, kernel_args(kernel, slot, &args, sizeof(args)), grid,
			group, sig_va(self, slot));
}

/* Each work-item runs once, and nothing behind the last one does. */
TEST_F(kfd_dispatch, grid)
{
	static const struct {
		uint32_t grid;
		uint16_t group;
	} sizes[] = {
		{ 1, 1 }, { 31, 31 }, { 32, 32 }, { 33, 33 }, { 64, 64 }, { 65, 64 }, { 1000, 64 },
		{ 1024, 1024 }, { 3000, 1024 }, { 4096, 256 }, { 777, 1 },
	};
	const uint32_t *out = self->out.cpu;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(self->out.cpu, 0, self->out.size);
		dispatch(self, &self->count, i, sizes[i].grid, sizes[i].group, 1);
		kfd_queue_submit(&self->q);
		ASSERT_TRUE(wait_signal(&self->sig[i], 0)) {
			TH_LOG("grid %u, workgroups of %u", sizes[i].grid, sizes[i].group);
		}
		EXPECT_EQ(0, words_bad(out, sizes[i].grid * 4, 1)) {
			TH_LOG("grid %u, workgroups of %u", sizes[i].grid, sizes[i].group);
		}
		EXPECT_EQ(0, words_bad(out + sizes[i].grid, 4096, 0));
	}
	EXPECT_EQ(0, kfd_queue_drain(&self->q, WAIT_MS));
}

/* A packet begins when the one before it has ended, and tells when it has. */
TEST_F(kfd_dispatch, one_after_the_other)
{
	unsigned int i;

	for (i = 0; i < 20; i++)
		dispatch(self, &self->count, i, 256, 64, 1);
	kfd_queue_submit(&self->q);
	ASSERT_TRUE(wait_signal(&self->sig[19], 0));
	for (i = 0; i < 20; i++)
		EXPECT_EQ(0, self->sig[i].value);
	EXPECT_EQ(0, words_bad(self->out.cpu, 256 * 4, 20));
}

/* LDS and barriers: work-item i ends up with what its turns-th neighbour began with. */
static unsigned int exchange_bad(const uint32_t *out, uint32_t groups, uint32_t group,
				 uint32_t turns)
{
	unsigned int bad = 0;
	uint32_t i, j;

	for (i = 0; i < groups; i++)
		for (j = 0; j < group; j++)
			bad += out[i * group + j] != (j + turns) % group + turns;
	return bad;
}

TEST_F(kfd_dispatch, lds_and_barriers)
{
	static const uint16_t sizes[] = { 1, 2, 32, 64, 128, 512, 1024 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		dispatch(self, &self->exchange, i, 5 * sizes[i], sizes[i], 7);
		kfd_queue_submit(&self->q);
		ASSERT_TRUE(wait_signal(&self->sig[i], 0));
		EXPECT_EQ(0, exchange_bad(self->out.cpu, 5, sizes[i], 7)) {
			TH_LOG("workgroups of %u", sizes[i]);
		}
	}
}

/* Have the queue leave the hardware and come back until signal @slot is 0. */
static void interrupt(struct __test_metadata *_metadata, struct _test_data_kfd_dispatch *self,
		      unsigned int slot)
{
	unsigned int updates = 0;

	while (self->sig[slot].value) {
		ASSERT_EQ(0, kfd_queue_update(&self->e.k, &self->q, 100, 7 + updates % 2));
		ASSERT_GT(100000, ++updates);
		usleep(1000);
	}
	TH_LOG("left %u times", updates);
}

/* Waves that wait leave with the queue, again and again, before any of them goes on. */
TEST_F(kfd_dispatch, interrupted_at_the_gate)
{
	volatile uint32_t *gate = cell32(&self->e, 0);
	unsigned int i;

	dispatch(self, &self->gate, 0, WORDS, 64, 0);
	kfd_queue_submit(&self->q);
	while (!gate[1])
		usleep(1000);
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, kfd_queue_update(&self->e.k, &self->q, 100, 7 + i % 2));
	TH_LOG("%u of %u work-items have been interrupted", gate[1], WORDS);
	EXPECT_EQ(0, words_bad(self->out.cpu, WORDS * 4, 0));
	EXPECT_EQ(1, self->sig[0].value);
	gate[0] = 1;
	interrupt(_metadata, self, 0);
	EXPECT_EQ(0, words_bad(self->out.cpu, WORDS * 4, 1));
	EXPECT_EQ(WORDS, gate[1]);
	EXPECT_EQ(0, *((uint32_t *)self->out.cpu + WORDS));
	EXPECT_EQ(0, kfd_queue_drain(&self->q, WAIT_MS));
}

TEST_F(kfd_dispatch, interrupted)
{
	dispatch(self, &self->count, 0, WORDS, 64, 5);
	kfd_queue_submit(&self->q);
	interrupt(_metadata, self, 0);
	EXPECT_EQ(0, words_bad(self->out.cpu, WORDS * 4, 1));
	EXPECT_EQ(0, *((uint32_t *)self->out.cpu + WORDS));
}

TEST_F(kfd_dispatch, interrupted_with_lds)
{
	dispatch(self, &self->exchange, 0, 40 * 256, 256, 200);
	kfd_queue_submit(&self->q);
	interrupt(_metadata, self, 0);
	EXPECT_EQ(0, exchange_bad(self->out.cpu, 40, 256, 200));
}

/* The grid that does not end is the queue's own affair: it is destroyed, and others run. */
TEST_F(kfd_dispatch, destroy_while_busy)
{
	uint64_t none[5] = { 0 };
	struct kfd_queue other;

	dispatch(self, &self->count, 0, WORDS, 64, INT_MAX);
	kfd_queue_submit(&self->q);
	ASSERT_EQ(0, kfd_queue_create(&self->e.k, &other, KFD_Q_AQL, 0, 0));
	aql_barrier_and(&other, none, sig_va(self, 1));
	kfd_queue_submit(&other);
	EXPECT_TRUE(wait_signal(&self->sig[1], 0));
	EXPECT_EQ(1, self->sig[0].value);
	EXPECT_EQ(0, kfd_queue_destroy(&self->e.k, &self->q));
	memset(&self->q, 0, sizeof(self->q));
	EXPECT_EQ(0, kfd_queue_destroy(&self->e.k, &other));
}

/* What was stored before has its effect, the signal and the packets behind do not come. */
TEST_F(kfd_dispatch, illegal_instruction)
{
	uint64_t none[5] = { 0 }, args = self->out.va;

	kernel_dispatch(&self->q, &self->illegal,
			kernel_args(&self->illegal, 0, &args, sizeof(args)), 1, 1,
			sig_va(self, 0));
	aql_barrier_and(&self->q, none, sig_va(self, 1));
	kfd_queue_submit(&self->q);
	EXPECT_TRUE(kfd_wait32(self->out.cpu, 7, WAIT_MS));
	ASSERT_EQ(0, others_turn());
	EXPECT_EQ(1, self->sig[0].value);
	EXPECT_EQ(1, self->sig[1].value);
}

TEST_HARNESS_MAIN
