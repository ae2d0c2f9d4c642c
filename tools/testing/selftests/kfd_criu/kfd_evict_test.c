// SPDX-License-Identifier: GPL-2.0
/*
 * Queues that are taken off the GPU and come back: disabled by their owner, or
 * evicted because another process needs the VRAM.  Whatever they were doing,
 * they go on where they were.
 */
#include "kfd_test.h"

/* Enough for the move of all of VRAM under an emulator with debug options. */
#define EVICT_TIMEOUT	600
#define EVICT_MS	120000u

/* A process that fills all of @gpu's VRAM, once; waits for its end. */
static int hog(struct kfd *k, unsigned int gpu, uint32_t seed)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(-kfd_vram_hog(k->gpu[gpu].render_minor, k->gpu[gpu].vram_size, seed));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

/* --- a queue that is stalled in a wait --- */

FIXTURE(kfd_stalled)
{
	struct env e;
	struct kfd_queue q;
	struct kfd_queue other;		/* proves that the GPU as such runs */
	struct kfd_bo vram, ib_bo, out;
	struct hsa_signal *stall, *before, *after;
	uint64_t va;			/* of *stall; the others follow */
};

FIXTURE_VARIANT(kfd_stalled)
{
	enum kfd_queue_kind kind;
	bool ib;
};

FIXTURE_VARIANT_ADD(kfd_stalled, sdma)
{
	.kind = KFD_Q_SDMA,
};

FIXTURE_VARIANT_ADD(kfd_stalled, sdma_ib)
{
	.kind = KFD_Q_SDMA,
	.ib = true,
};

FIXTURE_VARIANT_ADD(kfd_stalled, aql)
{
	.kind = KFD_Q_AQL,
};

FIXTURE_VARIANT_ADD(kfd_stalled, pm4)
{
	.kind = KFD_Q_PM4,
};

FIXTURE_VARIANT_ADD(kfd_stalled, pm4_ib)
{
	.kind = KFD_Q_PM4,
	.ib = true,
};

#define VRAM_SIZE	(8 * MIB)

FIXTURE_SETUP(kfd_stalled)
{
	struct kfd *k = &self->e.k;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	self->stall = (void *)cell64(&self->e, 0);
	self->before = self->stall + 1;
	self->after = self->stall + 2;
	self->va = cell_va(&self->e, 0);
	hsa_signal_init(self->stall, 1, NULL, NULL);
	hsa_signal_init(self->before, 1, NULL, NULL);
	hsa_signal_init(self->after, 1, NULL, NULL);
	ASSERT_EQ(0, kfd_queue_create(k, &self->q, variant->kind, 0, 0));
	ASSERT_EQ(0, kfd_queue_create(k, &self->other, KFD_Q_SDMA, 0, 0));
	ASSERT_EQ(0, kfd_bo_create(k, &self->vram, 0, 0, VRAM_SIZE, KFD_BO_VRAM, 1));
	ASSERT_EQ(0, kfd_bo_create(k, &self->out, 0, 0, VRAM_SIZE, KFD_BO_GTT, self->e.all));
	/* the buffer that the stalled queue is in moves, too */
	ASSERT_EQ(0, kfd_bo_create(k, &self->ib_bo, 0, 0, 64 * KIB, KFD_BO_VRAM, 1));
	pattern_fill(self->vram.cpu, VRAM_SIZE, 1);
}

FIXTURE_TEARDOWN(kfd_stalled)
{
	struct kfd *k = &self->e.k;

	EXPECT_EQ(0, kfd_queue_destroy(k, &self->q));
	EXPECT_EQ(0, kfd_queue_destroy(k, &self->other));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->vram));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->ib_bo));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->out));
	env_close(&self->e);
}

static uint64_t value_va(struct _test_data_kfd_stalled *self, unsigned int i)
{
	return self->va + i * sizeof(struct hsa_signal) + offsetof(struct hsa_signal, value);
}

/* Count "before" down, wait for "stall" to be 0, count "after" down. */
static void emit(struct _test_data_kfd_stalled *self, struct kfd_queue *q)
{
	uint64_t none[5] = { 0 }, dep[5] = { self->va };
	const uint32_t zero[2] = { 0 };

	switch (q->kind) {
	case KFD_Q_SDMA:
		sdma_atomic_add64(q, value_va(self, 1), -1ULL);
		sdma_poll_equal(q, value_va(self, 0), 0, ~0u);
		sdma_atomic_add64(q, value_va(self, 2), -1ULL);
		break;
	case KFD_Q_PM4:
		pm4_write_data(q, value_va(self, 1), zero, 2);
		pm4_wait_equal(q, value_va(self, 0), 0, ~0u);
		pm4_write_data(q, value_va(self, 2), zero, 2);
		break;
	case KFD_Q_AQL:
		aql_barrier_and(q, none, self->va + sizeof(struct hsa_signal));
		aql_barrier_and(q, dep, self->va + 2 * sizeof(struct hsa_signal));
		break;
	}
}

static void start(struct _test_data_kfd_stalled *self, bool indirect)
{
	struct kfd_queue ib;

	if (indirect) {
		kfd_ib_begin(&ib, self->q.kind, self->q.gfx_version, self->ib_bo.cpu);
		emit(self, &ib);
		while (ib.kind == KFD_Q_SDMA && kfd_ib_dwords(&ib) % 8)
			sdma_nop(&ib, 1);
		if (ib.kind == KFD_Q_SDMA)
			sdma_indirect(&self->q, self->ib_bo.va, kfd_ib_dwords(&ib));
		else
			pm4_indirect(&self->q, self->ib_bo.va, kfd_ib_dwords(&ib));
	} else {
		emit(self, &self->q);
	}
	kfd_queue_submit(&self->q);
}

static bool fell(struct hsa_signal *s, unsigned int ms)
{
	return kfd_wait64((volatile uint64_t *)&s->value, 0, ms);
}

TEST_F_TIMEOUT(kfd_stalled, survives_disable, EVICT_TIMEOUT)
{
	struct kfd *k = &self->e.k;
	unsigned int i;

	start(self, variant->ib);
	EXPECT_TRUE(fell(self->before, WAIT_MS));
	/* off and on again changes nothing */
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, kfd_queue_update(k, &self->q, 0, i));
		ASSERT_EQ(0, kfd_turns(k, 1));
		EXPECT_EQ(1, self->after->value);
		ASSERT_EQ(0, kfd_queue_update(k, &self->q, 100, 15 - i));
		ASSERT_EQ(0, kfd_turns(k, 1));
		EXPECT_EQ(1, self->after->value);
		EXPECT_EQ(0, self->before->value);
	}
	/* what it waits for happens while it is off: it must stay off */
	ASSERT_EQ(0, kfd_queue_update(k, &self->q, 0, 7));
	self->stall->value = 0;
	ASSERT_EQ(0, kfd_turns(k, 1));
	EXPECT_EQ(1, self->after->value);
	/* as must what is submitted in the meantime */
	kfd_queue_submit(&self->q);
	ASSERT_EQ(0, kfd_turns(k, 1));
	EXPECT_EQ(1, self->after->value);
	ASSERT_EQ(0, gpu_copy(&self->e, &self->other, self->out.va, self->vram.va, 64 * KIB));
	EXPECT_EQ(0, pattern_bad(self->out.cpu, 64 * KIB, 1));
	ASSERT_EQ(0, kfd_queue_update(k, &self->q, 100, 7));
	ASSERT_TRUE(fell(self->after, WAIT_MS));
	EXPECT_EQ(0, self->before->value);
	EXPECT_EQ(0, kfd_queue_drain(&self->q, WAIT_MS));
}

TEST_F_TIMEOUT(kfd_stalled, survives_eviction, EVICT_TIMEOUT)
{
	struct kfd *k = &self->e.k;
	int smi = smi_open(k, 0);
	unsigned int i, n = 0;

	ASSERT_LE(0, smi);
	start(self, variant->ib);
	EXPECT_TRUE(fell(self->before, WAIT_MS));
	for (i = 0; i < 3 && !n; i++) {
		ASSERT_EQ(0, hog(k, 0, i));
		n += smi_count(smi, KFD_SMI_EVENT_QUEUE_EVICTION, KFD_QUEUE_EVICTION_TRIGGER_TTM);
	}
	EXPECT_LT(0, n);
	EXPECT_EQ(1, self->after->value);
	/* the process runs again, and this queue still waits */
	ASSERT_EQ(0, gpu_copy(&self->e, &self->other, self->out.va, self->vram.va, VRAM_SIZE));
	EXPECT_EQ(0, pattern_bad(self->out.cpu, VRAM_SIZE, 1));
	EXPECT_EQ(1, self->after->value);
	self->stall->value = 0;
	ASSERT_TRUE(fell(self->after, EVICT_MS));
	EXPECT_EQ(0, self->before->value);
	EXPECT_EQ(0, kfd_queue_drain(&self->q, EVICT_MS));
	EXPECT_EQ(0, pattern_bad(self->vram.cpu, VRAM_SIZE, 1));
	close(smi);
}

/* --- a long job --- */

#define SLOT		(64 * KIB)
#define SLOTS		256
#define LAPS		6

FIXTURE(kfd_evict)
{
	struct env e;
	struct kfd_queue q[KFD_MAX_GPUS];
	struct kfd_bo job[KFD_MAX_GPUS], out;
};

FIXTURE_SETUP(kfd_evict)
{
	struct kfd *k = &self->e.k;
	unsigned int g;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	ASSERT_EQ(0, kfd_bo_create(k, &self->out, 0, 0, SLOTS * SLOT, KFD_BO_GTT, self->e.all));
	for (g = 0; g < k->ngpu; g++) {
		ASSERT_EQ(0, kfd_queue_create(k, &self->q[g], KFD_Q_SDMA, g, 0));
		ASSERT_EQ(0, kfd_bo_create(k, &self->job[g], g, 0, SLOTS * SLOT, KFD_BO_VRAM,
					   1u << g));
		memset(self->job[g].cpu, 0x11, SLOTS * SLOT);
		pattern_fill(self->job[g].cpu, SLOT, 40 + g);
	}
}

FIXTURE_TEARDOWN(kfd_evict)
{
	struct kfd *k = &self->e.k;
	unsigned int g;

	for (g = 0; g < k->ngpu; g++) {
		EXPECT_EQ(0, kfd_queue_destroy(k, &self->q[g]));
		EXPECT_EQ(0, kfd_bo_destroy(k, &self->job[g]));
	}
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->out));
	env_close(&self->e);
}

/*
 * Each slot is copied from the one before, lap after lap, and each copy is
 * counted.  A copy that was left out, or done before its predecessor, leaves a
 * hole in the first lap; one that ran twice spoils the count.
 */
static void start_job(struct _test_data_kfd_evict *self, unsigned int g)
{
	struct kfd_queue *q = &self->q[g];
	uint64_t va = self->job[g].va;
	unsigned int lap, i;

	for (lap = 0; lap < LAPS; lap++) {
		for (i = 1; i < SLOTS; i++) {
			sdma_copy(q, va + i * SLOT, va + (i - 1) * SLOT, SLOT);
			sdma_atomic_add64(q, cell_va(&self->e, g), 1);
		}
	}
	kfd_queue_submit(q);
}

static void check_job(struct __test_metadata *_metadata, struct _test_data_kfd_evict *self,
		      unsigned int g)
{
	const uint64_t steps = LAPS * (SLOTS - 1);
	unsigned int i;

	EXPECT_TRUE(kfd_wait64(cell64(&self->e, g), steps, EVICT_MS));
	EXPECT_EQ(steps, *cell64(&self->e, g));
	EXPECT_EQ(0, kfd_queue_drain(&self->q[g], EVICT_MS));
	for (i = 0; i < SLOTS; i++)
		ASSERT_EQ(0, pattern_bad((char *)self->job[g].cpu + i * SLOT, SLOT, 40 + g)) {
			TH_LOG("GPU %u, slot %u", g, i);
		}
}

TEST_F_TIMEOUT(kfd_evict, job_survives_disable, EVICT_TIMEOUT)
{
	struct kfd *k = &self->e.k;
	uint64_t now;
	unsigned int i;

	start_job(self, 0);
	for (i = 0; i < 6; i++) {
		sleep_ms(3);
		ASSERT_EQ(0, kfd_queue_update(k, &self->q[0], 0, 7));
		now = *cell64(&self->e, 0);
		ASSERT_EQ(0, kfd_turns(k, 1));
		EXPECT_EQ(now, *cell64(&self->e, 0));
		ASSERT_EQ(0, kfd_queue_update(k, &self->q[0], 100, 7));
	}
	check_job(_metadata, self, 0);
}

TEST_F_TIMEOUT(kfd_evict, job_survives_eviction, EVICT_TIMEOUT)
{
	struct kfd *k = &self->e.k;
	unsigned int g, n = 0, i;
	pid_t pid[KFD_MAX_GPUS];
	int smi[KFD_MAX_GPUS], status;

	for (g = 0; g < k->ngpu; g++) {
		smi[g] = smi_open(k, g);
		ASSERT_LE(0, smi[g]);
	}
	/* hogs on all GPUs at once, while all work */
	for (i = 0; i < 3 && n < k->ngpu; i++) {
		for (g = 0; g < k->ngpu; g++) {
			*cell64(&self->e, g) = 0;
			pid[g] = fork();
			ASSERT_LE(0, pid[g]);
			if (!pid[g])
				_exit(!!kfd_vram_hog(k->gpu[g].render_minor, k->gpu[g].vram_size,
						     g));
		}
		for (g = 0; g < k->ngpu; g++)
			start_job(self, g);
		for (g = 0; g < k->ngpu; g++) {
			ASSERT_EQ(pid[g], waitpid(pid[g], &status, 0));
			EXPECT_EQ(0, status);
		}
		for (g = 0; g < k->ngpu; g++) {
			check_job(_metadata, self, g);
			n += !!smi_count(smi[g], KFD_SMI_EVENT_QUEUE_EVICTION,
					 KFD_QUEUE_EVICTION_TRIGGER_TTM);
		}
	}
	EXPECT_LE(k->ngpu, n);
	for (g = 0; g < k->ngpu; g++)
		close(smi[g]);
}

/* New work and new BOs while the process' memory is being pushed out again and again. */
TEST_F_TIMEOUT(kfd_evict, work_goes_on_under_pressure, EVICT_TIMEOUT)
{
	const uint32_t size = MIB + 4 * KIB;
	struct kfd *k = &self->e.k;
	unsigned int rounds = 0;
	struct kfd_bo bo;
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int i, r = 0;

		for (i = 0; i < 2 && !r; i++)
			r = kfd_vram_hog(k->gpu[0].render_minor, k->gpu[0].vram_size, i);
		_exit(!!r);
	}
	do {
		uint32_t seed = ++rounds;

		ASSERT_EQ(0, kfd_bo_create(k, &bo, 0, 0, size, KFD_BO_VRAM, 1));
		pattern_fill(bo.cpu, size, seed);
		memset(self->out.cpu, 0, size);
		sdma_copy(&self->q[0], self->job[0].va + MIB, bo.va, size);
		sdma_copy(&self->q[0], self->out.va, self->job[0].va + MIB, size);
		sdma_fence(&self->q[0], cell_va(&self->e, 8), seed);
		kfd_queue_submit(&self->q[0]);
		ASSERT_TRUE(kfd_wait32(cell32(&self->e, 8), seed, EVICT_MS));
		ASSERT_EQ(0, pattern_bad(self->out.cpu, size, seed));
		ASSERT_EQ(0, kfd_bo_destroy(k, &bo));
	} while (waitpid(pid, &status, WNOHANG) == 0);
	EXPECT_EQ(0, status);
	EXPECT_LT(1, rounds);
	EXPECT_EQ(0, pattern_bad(self->job[0].cpu, SLOT, 40));
}

TEST_HARNESS_MAIN
