// SPDX-License-Identifier: GPL-2.0
/*
 * Kernels in AQL and PM4 queues: grids by their effect on memory, queues that
 * leave the hardware in the middle of one, and waves that can't go on.
 *
 * The kernels are in kernels/, assembled for each generation of GPUs.
 */
#include "kfd_kernel.h"
#include "kfd_test.h"

#define WORDS		(64 * 10000)

/* As the kernels have it. */
struct args {
	uint64_t words;
	uint32_t group;
	uint32_t turns;
	uint64_t gate;
};

/* And the one of a grid in three dimensions. */
struct place_args {
	uint64_t words;
	uint32_t grid[2];
	uint32_t group[3];
};

FIXTURE(kfd_dispatch)
{
	struct env e;
	struct kfd_queue q;
	struct kfd_bo page;
	struct kfd_bo sig_bo;
	struct kfd_bo out;
	struct hsa_signal *sig;
	struct kernel count, exchange, gate, illegal, place, preload, scratch, users, gws;
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
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->exchange, 0, "exchange"));
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->gate, 0, "gate"));
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->illegal, 0, "illegal"));
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->place, 0, "place"));
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->preload, 0, "preload"));
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->scratch, 0, "scratch"));
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->users, 0, "users"));
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->gws, 0, "gws"));
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

/* How fast waves are executed, for whoever reads the summary of a run. */
TEST_F(kfd_dispatch, speed)
{
	enum { GROUPS = 64, TURNS = 2000, OTHERS = 10, TURN = 3 };
	uint64_t start, took, waves = GROUPS;

	if (self->count.info.properties & KERNEL_WAVE32)
		waves *= 2;
	start = clock_ms();
	dispatch(self, &self->count, 0, GROUPS * 64, 64, TURNS);
	kfd_queue_submit(&self->q);
	ASSERT_TRUE(wait_signal(&self->sig[0], 0));
	took = clock_ms() - start;
	EXPECT_EQ(0, words_bad(self->out.cpu, GROUPS * 64 * 4, 1));
	printf("# SPEED: %llu instructions of %llu waves in %llu ms, %llu in a second\n",
	       (unsigned long long)(waves * (TURNS * TURN + OTHERS)), (unsigned long long)waves,
	       (unsigned long long)took,
	       (unsigned long long)(waves * (TURNS * TURN + OTHERS) * 1000 / (took + !took)));
	fflush(stdout);
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

/* Each work-item of a grid in three dimensions runs once, also in groups that are not full. */
TEST_F(kfd_dispatch, three_dimensions)
{
	static const struct {
		uint32_t grid[3];
		uint16_t group[3];
	} sizes[] = {
		{ { 64, 4, 4 }, { 16, 4, 4 } }, { { 70, 9, 5 }, { 16, 4, 2 } },
		{ { 1, 100, 1 }, { 1, 64, 1 } }, { { 1, 1, 77 }, { 1, 1, 10 } },
		{ { 5, 7, 3 }, { 8, 8, 8 } },
	};
	const uint32_t *out = self->out.cpu;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		const uint32_t *grid = sizes[i].grid;
		const uint16_t *group = sizes[i].group;
		uint32_t items = grid[0] * grid[1] * grid[2];
		struct place_args args = {
			self->out.va, { grid[0], grid[1] }, { group[0], group[1], group[2] },
		};

		memset(self->out.cpu, 0, self->out.size);
		kernel_dispatch_3d(&self->q, &self->place,
				   kernel_args(&self->place, i, &args, sizeof(args)), grid, group,
				   sig_va(self, i));
		kfd_queue_submit(&self->q);
		ASSERT_TRUE(wait_signal(&self->sig[i], 0));
		EXPECT_EQ(0, words_bad(out, items * 4, 1)) {
			TH_LOG("grid %u x %u x %u", grid[0], grid[1], grid[2]);
		}
		EXPECT_EQ(0, words_bad(out + items, 4096, 0));
	}
}

/* What a wave finds in its first registers: the packet, the queue, the arguments. */
TEST_F(kfd_dispatch, user_registers)
{
	enum { PACKETS = 3, GROUPS = 4, WORDS_OF_GROUP = 12 };
	static const uint16_t group[] = { 1, 1, 1 };
	static const uint32_t grid[] = { GROUPS, 1, 1 };
	struct kernel_scratch scratch;
	unsigned int i, j;

	ASSERT_EQ(0, kernel_scratch_create(&self->e.k, &scratch, 0, 0, 32, 64));
	kernel_scratch_set(&self->q, &scratch);
	for (i = 0; i < PACKETS; i++) {
		uint64_t at = self->q.ring.va + i * 64;
		uint64_t out = self->out.va + i * GROUPS * WORDS_OF_GROUP * 4;
		uint64_t args = kernel_args(&self->users, i, &out, sizeof(out));
		const uint64_t want[] = { at, kernel_queue_va(&self->q), args, i };
		const uint32_t *got = (uint32_t *)self->out.cpu + i * GROUPS * WORDS_OF_GROUP;

		kernel_dispatch_3d(&self->q, &self->users, args, grid, group, sig_va(self, i));
		kfd_queue_submit(&self->q);
		ASSERT_TRUE(wait_signal(&self->sig[i], 0));
		for (j = 0; j < GROUPS; j++, got += WORDS_OF_GROUP) {
			EXPECT_EQ(0, memcmp(want, got, sizeof(want)));
			EXPECT_EQ(self->users.info.private_size, got[8]);
			EXPECT_EQ(j, got[9]);
		}
	}
	EXPECT_EQ(0, kfd_bo_destroy(&self->e.k, &scratch.bo));
}

/* Arguments that a kernel finds in registers, where GPUs load them; else it loads them itself. */
TEST_F(kfd_dispatch, preloaded_arguments)
{
	enum { GROUPS = 70 };
	struct {
		uint64_t words;
		uint32_t number[3];
	} args = { self->out.va, { 0x12345678, 0x9abcdef0, 0x0f1e2d3c } };
	const uint32_t *got = self->out.cpu;
	unsigned int i;

	kernel_dispatch(&self->q, &self->preload,
			kernel_args(&self->preload, 0, &args, sizeof(args)), GROUPS, 1,
			sig_va(self, 0));
	kfd_queue_submit(&self->q);
	ASSERT_TRUE(wait_signal(&self->sig[0], 0));
	for (i = 0; i < GROUPS; i++, got += 4) {
		EXPECT_EQ(0, memcmp(args.number, got, sizeof(args.number)));
		/* of firmware on hardware, it is not known whether it can */
		if (kfd_simulated())
			EXPECT_EQ(!self->preload.info.preload, got[3]);
	}
}

/*
 * Have the queue leave the hardware and come back until *@word is @value.  It stays there for as
 * long as it takes to leave and to come back: a large GPU would do nothing else otherwise.
 */
static void interrupt(struct __test_metadata *_metadata, struct kfd *k, struct kfd_queue *q,
		      const volatile uint64_t *word, uint64_t value)
{
	uint64_t begin = clock_ms(), start, took, all = 0;
	unsigned int updates = 0;

	while (*word != value) {
		start = clock_ms();
		ASSERT_EQ(0, kfd_queue_update(k, q, 100, 7 + updates % 2));
		took = clock_ms() - start;
		all += took;
		ASSERT_GT(100000, ++updates);
		usleep(1000 + took * 1000);
	}
	TH_LOG("left %u times, which took %llu ms of %llu", updates, (unsigned long long)all,
	       (unsigned long long)(clock_ms() - begin));
}

static volatile uint64_t *sig_word(struct _test_data_kfd_dispatch *self, unsigned int slot)
{
	return (volatile uint64_t *)&self->sig[slot].value;
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
	interrupt(_metadata, &self->e.k, &self->q, sig_word(self, 0), 0);
	EXPECT_EQ(0, words_bad(self->out.cpu, WORDS * 4, 1));
	EXPECT_EQ(WORDS, gate[1]);
	EXPECT_EQ(0, *((uint32_t *)self->out.cpu + WORDS));
	EXPECT_EQ(0, kfd_queue_drain(&self->q, WAIT_MS));
}

TEST_F(kfd_dispatch, interrupted)
{
	dispatch(self, &self->count, 0, WORDS, 64, 5);
	kfd_queue_submit(&self->q);
	interrupt(_metadata, &self->e.k, &self->q, sig_word(self, 0), 0);
	EXPECT_EQ(0, words_bad(self->out.cpu, WORDS * 4, 1));
	EXPECT_EQ(0, *((uint32_t *)self->out.cpu + WORDS));
}

TEST_F(kfd_dispatch, interrupted_with_lds)
{
	dispatch(self, &self->exchange, 0, 40 * 256, 256, 200);
	kfd_queue_submit(&self->q);
	interrupt(_metadata, &self->e.k, &self->q, sig_word(self, 0), 0);
	EXPECT_EQ(0, exchange_bad(self->out.cpu, 40, 256, 200));
}

/* Work-items whose scratch is not what they have left there. */
static unsigned int scratch_bad(const uint32_t *out, uint32_t items)
{
	unsigned int bad = 0;
	uint32_t i;

	for (i = 0; i < items; i++)
		bad += out[i] != 16 * i + 0x1000 * (15 * 16 / 2);
	return bad;
}

/* More waves than there are places in scratch memory: they take turns, interrupted or not. */
TEST_F(kfd_dispatch, scratch)
{
	enum { PLACES = 8, ITEMS = 64 * 50 };
	volatile uint32_t *gate = cell32(&self->e, 0);
	static const uint16_t group[] = { 64, 1, 1 };
	static const uint32_t grid[] = { ITEMS, 1, 1 };
	struct args args = { self->out.va, 64, 0, cell_va(&self->e, 0) };
	struct kernel_scratch scratch;
	unsigned int i;

	ASSERT_EQ(0, kernel_scratch_create(&self->e.k, &scratch, 0, 0, PLACES,
					   self->scratch.info.private_size));
	kernel_scratch_set(&self->q, &scratch);
	kernel_dispatch_3d(&self->q, &self->scratch,
			   kernel_args(&self->scratch, 0, &args, sizeof(args)), grid, group,
			   sig_va(self, 0));
	kfd_queue_submit(&self->q);
	while (!gate[1])
		usleep(1000);
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, kfd_queue_update(&self->e.k, &self->q, 100, 7 + i % 2));
	EXPECT_EQ(0, words_bad(self->out.cpu, ITEMS * 4, 0));
	gate[0] = 1;
	interrupt(_metadata, &self->e.k, &self->q, sig_word(self, 0), 0);
	EXPECT_EQ(0, scratch_bad(self->out.cpu, ITEMS));
	EXPECT_EQ(ITEMS, gate[1]);
	EXPECT_EQ(0, kfd_bo_destroy(&self->e.k, &scratch.bo));
}

/* Waves of global wave sync: @turns barriers for @waves waves of each XCC; none: set them up. */
static void dispatch_gws(struct _test_data_kfd_dispatch *self, unsigned int slot, uint32_t waves,
			 uint32_t turns)
{
	uint32_t xccs = self->e.k.gpu[0].num_xcc;
	struct args args = { self->out.va, waves - 1, turns, xccs - 1 };

	kernel_dispatch(&self->q, &self->gws, kernel_args(&self->gws, slot, &args, sizeof(args)),
			turns ? xccs * waves : xccs, 1, sig_va(self, slot));
}

/* No wave passes a barrier of all workgroups before all are there, interrupted or not. */
TEST_F(kfd_dispatch, gws)
{
	enum { WAVES = 12, TURNS = 300 };
	struct kfd_ioctl_alloc_queue_gws_args args = { .queue_id = self->q.id, .num_gws = 1 };
	const struct kfd_gpu *g = &self->e.k.gpu[0];
	const uint32_t *out = self->out.cpu;
	unsigned int i;

	if (!kfd_node_property(g->node, "num_gws"))
		SKIP(return, "GPU without GWS");
	/* amdkfd lets queues ask for it there, but does not say that they have it */
	if (!kfd_simulated() && (g->gfx_version >= 110000 || g->gfx_version / 100 == 904))
		SKIP(return, "GPU may have no GWS");
	if (g->num_xcc & (g->num_xcc - 1))
		SKIP(return, "number of XCCs that the kernel can't divide by");
	ASSERT_EQ(0, ioctl(self->e.k.fd, AMDKFD_IOC_ALLOC_QUEUE_GWS, &args));
	dispatch_gws(self, 0, WAVES, 0);
	kfd_queue_submit(&self->q);
	ASSERT_TRUE(wait_signal(&self->sig[0], 0));
	/* what was set up is still there after that */
	ASSERT_EQ(0, kfd_queue_update(&self->e.k, &self->q, 0, 7));
	ASSERT_EQ(0, kfd_queue_update(&self->e.k, &self->q, 100, 7));
	dispatch_gws(self, 1, WAVES, TURNS);
	kfd_queue_submit(&self->q);
	interrupt(_metadata, &self->e.k, &self->q, sig_word(self, 1), 0);
	for (i = 0; i < g->num_xcc; i++, out += 4) {
		EXPECT_EQ(WAVES * TURNS, out[0]);
		EXPECT_EQ(0, out[1]);
		EXPECT_EQ(WAVES, out[2]);
	}
}

/* How many waves have come so far with the nth of the words that each XCC has. */
static unsigned int gws_waves(const struct _test_data_kfd_dispatch *self, unsigned int nth)
{
	const volatile uint32_t *words = self->out.cpu;
	unsigned int xcc, waves = 0;

	for (xcc = 0; xcc < self->e.k.gpu[0].num_xcc; xcc++)
		waves += words[4 * xcc + nth];
	return waves;
}

/* A queue that was given none stops, with the first wave that wants it, on any of the XCCs. */
TEST_F(kfd_dispatch, gws_of_another_queue)
{
	dispatch_gws(self, 0, 1, 1);
	kfd_queue_submit(&self->q);
	while (self->e.k.gpu[0].gfx_version < 120000 && !gws_waves(self, 0))
		usleep(1000);
	ASSERT_EQ(0, others_turn());
	EXPECT_EQ(1, self->sig[0].value);
	EXPECT_EQ(0, gws_waves(self, 2));
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

/* --- dispatches of PM4 --- */

FIXTURE(kfd_dispatch_pm4)
{
	struct env e;
	struct kfd_queue q;
	struct kfd_bo out, ib_bo;
	struct kernel count, exchange, gate, place, scratch;
	uint64_t seq;
};

FIXTURE_SETUP(kfd_dispatch_pm4)
{
	struct kfd *k = &self->e.k;
	int r;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	r = kernel_load(&self->e.k, &self->count, 0, "count");
	if (r == -ENOENT)
		SKIP(return, "no kernels for this GPU: no LLVM that has it when they were built");
	ASSERT_EQ(0, r);
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->exchange, 0, "exchange"));
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->gate, 0, "gate"));
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->place, 0, "place"));
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->scratch, 0, "scratch"));
	ASSERT_EQ(0, kfd_bo_create(k, &self->ib_bo, 0, 0, 64 * KIB, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_bo_create(k, &self->out, 0, 0, (WORDS * 4 + KFD_PAGE), KFD_BO_GTT, 1));
	memset(self->out.cpu, 0, self->out.size);
	ASSERT_EQ(0, kfd_queue_create(k, &self->q, KFD_Q_PM4, 0, 0));
}

FIXTURE_TEARDOWN(kfd_dispatch_pm4)
{
	if (self->q.ring.cpu)
		EXPECT_EQ(0, kfd_queue_destroy(&self->e.k, &self->q));
	env_close(&self->e);
}

/* Address of the arguments of kernels of one dimension. */
static uint64_t pm4_args(struct _test_data_kfd_dispatch_pm4 *self, struct kernel *kernel,
			 uint32_t group, uint32_t turns)
{
	struct args args = { self->out.va, group, turns, cell_va(&self->e, 0) };

	return kernel_args(kernel, 0, &args, sizeof(args));
}

static void pm4_submit(struct _test_data_kfd_dispatch_pm4 *self)
{
	pm4_release_mem(&self->q, self->e.cell.va, ++self->seq, 0);
	kfd_queue_submit(&self->q);
}

static bool pm4_done(struct _test_data_kfd_dispatch_pm4 *self)
{
	return kfd_wait64(self->e.cell.cpu, self->seq, WAIT_MS);
}

static void pm4_interrupt(struct __test_metadata *_metadata,
			  struct _test_data_kfd_dispatch_pm4 *self)
{
	interrupt(_metadata, &self->e.k, &self->q, self->e.cell.cpu, self->seq);
}

TEST_F(kfd_dispatch_pm4, grid)
{
	static const struct {
		uint32_t grid;
		uint16_t group;
	} sizes[] = {
		{ 1, 1 }, { 33, 33 }, { 65, 64 }, { 1000, 64 }, { 3000, 1024 }, { 4096, 256 },
		{ 99, 1 },
	};
	const uint32_t *out = self->out.cpu;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(self->out.cpu, 0, self->out.size);
		ASSERT_EQ(0, kernel_dispatch_pm4(&self->q, &self->count,
						 pm4_args(self, &self->count, sizes[i].group, 1),
						 sizes[i].grid, sizes[i].group, NULL));
		pm4_submit(self);
		ASSERT_TRUE(pm4_done(self));
		EXPECT_EQ(0, words_bad(out, sizes[i].grid * 4, 1)) {
			TH_LOG("grid %u, workgroups of %u", sizes[i].grid, sizes[i].group);
		}
		EXPECT_EQ(0, words_bad(out + sizes[i].grid, 4096, 0));
	}
}

/* A grid that is counted in workgroups, of which the last ones are not full, from any one on. */
TEST_F(kfd_dispatch_pm4, workgroups)
{
	static const uint16_t group[] = { 16, 4, 2 }, partial[] = { 6, 0, 1 };
	static const uint32_t dim[] = { 5, 3, 3 }, start[] = { 3, 1, 2 };
	const uint32_t items[] = { 4 * 16 + 6, 3 * 4, 2 * 2 + 1 };
	struct place_args args = {
		self->out.va, { items[0], items[1] }, { group[0], group[1], group[2] },
	};
	uint64_t at = kernel_args(&self->place, 0, &args, sizeof(args));
	const uint32_t *out = self->out.cpu;
	uint32_t x, y, z, bad = 0;
	int initiator;

	initiator = kernel_pm4_registers(&self->q, &self->place, at, group, partial, NULL);
	ASSERT_LT(0, initiator);
	pm4_dispatch_direct(&self->q, dim, initiator);
	/* the registers are still there */
	pm4_set_sh_reg(&self->q, REG_START_X, start, 3);
	pm4_dispatch_direct(&self->q, dim, initiator & ~INITIATOR_START0);
	pm4_submit(self);
	ASSERT_TRUE(pm4_done(self));
	for (z = 0; z < items[2]; z++)
		for (y = 0; y < items[1]; y++)
			for (x = 0; x < items[0]; x++) {
				bool again = x >= start[0] * group[0] && y >= start[1] * group[1] &&
					     z >= start[2] * group[2];

				bad += *out++ != (again ? 2 : 1);
			}
	EXPECT_EQ(0, bad);
	EXPECT_EQ(0, words_bad(out, 4096, 0));
}

/* Sizes that are in memory, those of a grid of nothing, too. */
TEST_F(kfd_dispatch_pm4, indirect)
{
	static const uint32_t sizes[][3] = {
		{ 300, 1, 1 }, { 0, 1, 1 }, { 64, 1, 0 }, { 64, 1, 1 },
	};
	static const uint16_t group[] = { 64, 1, 1 };
	const uint32_t *out = self->out.cpu;
	unsigned int i;
	int initiator;

	memcpy(self->ib_bo.cpu, sizes, sizeof(sizes));
	initiator = kernel_pm4_registers(&self->q, &self->count,
					 pm4_args(self, &self->count, 64, 1), group, NULL, NULL);
	ASSERT_LT(0, initiator);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		pm4_dispatch_indirect(&self->q, self->ib_bo.va + i * sizeof(sizes[0]),
				      initiator | INITIATOR_THREADS);
	pm4_submit(self);
	ASSERT_TRUE(pm4_done(self));
	EXPECT_EQ(0, words_bad(out, 64 * 4, 2));
	EXPECT_EQ(0, words_bad(out + 64, (300 - 64) * 4, 1));
	EXPECT_EQ(0, words_bad(out + 300, 4096, 0));
}

TEST_F(kfd_dispatch_pm4, lds_and_barriers)
{
	ASSERT_EQ(0, kernel_dispatch_pm4(&self->q, &self->exchange,
					 pm4_args(self, &self->exchange, 256, 200), 10 * 256, 256,
					 NULL));
	pm4_submit(self);
	pm4_interrupt(_metadata, self);
	EXPECT_EQ(0, exchange_bad(self->out.cpu, 10, 256, 200));
}

/* A dispatch of an indirect buffer leaves in the middle, and so does the one behind it. */
TEST_F(kfd_dispatch_pm4, interrupted)
{
	enum { ITEMS = 64 * 500 };
	volatile uint32_t *gate = cell32(&self->e, 0);
	const uint32_t *out = self->out.cpu, dim[] = { ITEMS, 1, 1 };
	static const uint16_t group[] = { 64, 1, 1 };
	struct kfd_queue ib;
	unsigned int i;
	int initiator;

	kfd_ib_begin(&ib, KFD_Q_PM4, self->q.gfx_version, self->ib_bo.cpu);
	initiator = kernel_pm4_registers(&ib, &self->gate, pm4_args(self, &self->gate, 64, 0),
					 group, NULL, NULL);
	ASSERT_LT(0, initiator);
	pm4_dispatch_direct(&ib, dim, initiator | INITIATOR_THREADS);
	pm4_write_data(&ib, cell_va(&self->e, 1), &dim[0], 1);
	pm4_indirect(&self->q, self->ib_bo.va, kfd_ib_dwords(&ib));
	/* the registers of the buffer are the queue's: this one needs no others */
	memcpy((char *)self->ib_bo.cpu + 32 * KIB, dim, sizeof(dim));
	pm4_dispatch_indirect(&self->q, self->ib_bo.va + 32 * KIB, initiator | INITIATOR_THREADS);
	pm4_submit(self);
	while (!gate[1])
		usleep(1000);
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, kfd_queue_update(&self->e.k, &self->q, 100, 7 + i % 2));
	EXPECT_EQ(0, words_bad(out, ITEMS * 4, 0));
	EXPECT_EQ(0, *cell32(&self->e, 1));
	gate[0] = 1;
	pm4_interrupt(_metadata, self);
	EXPECT_EQ(ITEMS, *cell32(&self->e, 1));
	EXPECT_EQ(0, words_bad(out, ITEMS * 4, 2));
	EXPECT_EQ(0, words_bad(out + ITEMS, 4096, 0));
	EXPECT_EQ(2 * ITEMS, gate[1]);
}

TEST_F(kfd_dispatch_pm4, scratch)
{
	enum { PLACES = 8, ITEMS = 64 * 30 };
	volatile uint32_t *gate = cell32(&self->e, 0);
	struct kernel_scratch scratch;
	unsigned int i;

	ASSERT_EQ(0, kernel_scratch_create(&self->e.k, &scratch, 0, 0, PLACES,
					   self->scratch.info.private_size));
	ASSERT_EQ(0, kernel_dispatch_pm4(&self->q, &self->scratch,
					 pm4_args(self, &self->scratch, 64, 0), ITEMS, 64,
					 &scratch));
	pm4_submit(self);
	while (!gate[1])
		usleep(1000);
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, kfd_queue_update(&self->e.k, &self->q, 100, 7 + i % 2));
	EXPECT_EQ(0, words_bad(self->out.cpu, ITEMS * 4, 0));
	gate[0] = 1;
	pm4_interrupt(_metadata, self);
	EXPECT_EQ(0, scratch_bad(self->out.cpu, ITEMS));
	EXPECT_EQ(0, kfd_bo_destroy(&self->e.k, &scratch.bo));
}

/* Registers that were set before the queue left the hardware are there when it is back. */
TEST_F(kfd_dispatch_pm4, registers_stay)
{
	static const uint16_t group[] = { 64, 1, 1 };
	const uint32_t dim[] = { 640, 1, 1 };
	unsigned int i;
	int initiator;

	initiator = kernel_pm4_registers(&self->q, &self->count,
					 pm4_args(self, &self->count, 64, 1), group, NULL, NULL);
	ASSERT_LT(0, initiator);
	pm4_submit(self);
	ASSERT_TRUE(pm4_done(self));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, kfd_queue_update(&self->e.k, &self->q, i & 1 ? 100 : 0, 7));
		ASSERT_EQ(0, kfd_queue_update(&self->e.k, &self->q, 100, 8));
		pm4_dispatch_direct(&self->q, dim, initiator | INITIATOR_THREADS);
		pm4_submit(self);
		ASSERT_TRUE(pm4_done(self));
	}
	EXPECT_EQ(0, words_bad(self->out.cpu, 640 * 4, 4));
}

TEST_HARNESS_MAIN
