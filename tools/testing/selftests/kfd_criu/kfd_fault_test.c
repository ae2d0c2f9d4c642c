// SPDX-License-Identifier: GPL-2.0
/*
 * GPU page faults: each kind of queue, on an address that is not mapped and on
 * a mapping that is read-only, becomes a memory exception event of the process
 * that did it, and of no other.
 */
#include "kfd_test.h"

FIXTURE(kfd_fault)
{
	struct env e;
	struct kfd_queue q, same_gpu, other_gpu;
	struct kfd_bo ro;		/* the GPU may only read it */
	struct kfd_event fault;
	uint64_t hole;			/* nothing is mapped here */
};

FIXTURE_VARIANT(kfd_fault)
{
	enum kfd_queue_kind kind;
};

FIXTURE_VARIANT_ADD(kfd_fault, sdma)
{
	.kind = KFD_Q_SDMA,
};

FIXTURE_VARIANT_ADD(kfd_fault, aql)
{
	.kind = KFD_Q_AQL,
};

FIXTURE_VARIANT_ADD(kfd_fault, pm4)
{
	.kind = KFD_Q_PM4,
};

FIXTURE_SETUP(kfd_fault)
{
	struct kfd *k = &self->e.k;
	void *p;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	ASSERT_EQ(0, kfd_event_create(k, &self->fault, KFD_IOC_EVENT_MEMORY, true, NULL));
	ASSERT_EQ(0, kfd_queue_create(k, &self->q, variant->kind, 0, 0));
	ASSERT_EQ(0, kfd_queue_create(k, &self->same_gpu, KFD_Q_SDMA, 0, 0));
	ASSERT_EQ(0, kfd_queue_create(k, &self->other_gpu, KFD_Q_SDMA, k->ngpu - 1, 0));
	ASSERT_EQ(0, kfd_bo_create(k, &self->ro, 0, 0, 64 * KIB,
				   KFD_BO_VRAM & ~KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE, 1));
	p = mmap(NULL, 64 * KIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	self->hole = (uintptr_t)p;
}

FIXTURE_TEARDOWN(kfd_fault)
{
	struct kfd *k = &self->e.k;

	/* all of it can be taken down after the fault as before */
	EXPECT_EQ(0, kfd_queue_destroy(k, &self->q));
	EXPECT_EQ(0, kfd_queue_destroy(k, &self->same_gpu));
	EXPECT_EQ(0, kfd_queue_destroy(k, &self->other_gpu));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->ro));
	env_close(&self->e);
}

static const uint32_t data[4] = { 0xbad0bad0, 0xbad1bad1, 0xbad2bad2, 0xbad3bad3 };

/* A write of the queue's own kind to @va, and a mark in cell 0 behind it. */
static void emit_write(struct _test_data_kfd_fault *self, uint64_t va)
{
	struct hsa_signal *mark = (void *)cell64(&self->e, 0);
	uint64_t none[5] = { 0 };
	uint32_t v = 0;

	hsa_signal_init(mark, 1, NULL, NULL);
	switch (self->q.kind) {
	case KFD_Q_SDMA:
		sdma_write(&self->q, va, data, 4);
		sdma_fence(&self->q, (uintptr_t)&mark->value, 0);
		break;
	case KFD_Q_PM4:
		pm4_write_data(&self->q, va, data, 4);
		pm4_write_data(&self->q, (uintptr_t)&mark->value, &v, 1);
		break;
	case KFD_Q_AQL:
		/* the completion signal is what a barrier packet writes */
		aql_barrier_and(&self->q, none, va);
		aql_barrier_and(&self->q, none, (uintptr_t)mark);
		break;
	}
	kfd_queue_submit(&self->q);
}

/* Nothing behind the packet that faulted has run. */
static void check_stopped(struct __test_metadata *_metadata, struct _test_data_kfd_fault *self)
{
	ASSERT_EQ(0, others_turn());
	EXPECT_EQ(1, (int64_t)*cell64(&self->e, 1));
	/* one fault, one event */
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(&self->e.k, &self->fault, 0, NULL));
}

TEST_F(kfd_fault, unmapped)
{
	struct kfd_memory_exception_failure how = { 0 };

	emit_write(self, self->hole + 3 * KFD_PAGE);
	ASSERT_EQ(0, wait_fault(&self->e, &self->fault, 0, self->hole + 3 * KFD_PAGE, &how));
	EXPECT_EQ(1, how.NotPresent);
	check_stopped(_metadata, self);
}

TEST_F(kfd_fault, read_only)
{
	struct kfd_memory_exception_failure how = { 0 };

	/* for AQL the target is a signal that has some value */
	pattern_fill(self->ro.cpu, 64 * KIB, 1);
	/* it can be read */
	ASSERT_EQ(0, gpu_copy(&self->e, &self->same_gpu, self->e.cell.va + 8 * KIB, self->ro.va,
			      8 * KIB));
	EXPECT_EQ(0, pattern_bad((char *)self->e.cell.cpu + 8 * KIB, 8 * KIB, 1));
	emit_write(self, self->ro.va + 5 * KFD_PAGE);
	ASSERT_EQ(0, wait_fault(&self->e, &self->fault, 0, self->ro.va + 5 * KFD_PAGE, &how));
	EXPECT_EQ(1, how.ReadOnly);
	EXPECT_EQ(0, pattern_bad(self->ro.cpu, 64 * KIB, 1));
	check_stopped(_metadata, self);
}

/* A fault in the middle of something large: what came before is done, nothing after. */
TEST_F(kfd_fault, second_page)
{
	struct kfd *k = &self->e.k;
	struct kfd_bo bo;

	ASSERT_EQ(0, kfd_bo_create(k, &bo, 0, 0, KFD_PAGE, KFD_BO_GTT, 1));
	memset(bo.cpu, 0, KFD_PAGE);
	if (variant->kind == KFD_Q_AQL) {
		struct hsa_signal *s = (void *)((char *)bo.cpu + KFD_PAGE - sizeof(*s));
		uint64_t dep[5] = { bo.va + KFD_PAGE - sizeof(*s), bo.va + KFD_PAGE };

		/* a dependency that cannot be read */
		hsa_signal_init(s, 0, NULL, NULL);
		hsa_signal_init((void *)cell64(&self->e, 0), 1, NULL, NULL);
		aql_barrier_and(&self->q, dep, cell_va(&self->e, 0));
		kfd_queue_submit(&self->q);
		ASSERT_EQ(0, wait_fault(&self->e, &self->fault, 0, bo.va + KFD_PAGE, NULL));
	} else {
		/* two words in the page, two behind it */
		emit_write(self, bo.va + KFD_PAGE - 8);
		ASSERT_EQ(0, wait_fault(&self->e, &self->fault, 0, bo.va + KFD_PAGE, NULL));
		EXPECT_EQ(0, words_bad(bo.cpu, KFD_PAGE - 8, 0));
	}
	check_stopped(_metadata, self);
	EXPECT_EQ(0, kfd_bo_destroy(k, &bo));
}

/* The process' other queues on that GPU stop with it, and those on other GPUs do not. */
TEST_F(kfd_fault, other_queues_of_the_process)
{
	struct kfd *k = &self->e.k;

	emit_write(self, self->hole);
	ASSERT_EQ(0, wait_fault(&self->e, &self->fault, 0, self->hole, NULL));
	sdma_fence(&self->same_gpu, cell_va(&self->e, 20), 1);
	kfd_queue_submit(&self->same_gpu);
	ASSERT_EQ(0, others_turn());
	EXPECT_EQ(0, *cell32(&self->e, 20));
	if (k->ngpu > 1) {
		sdma_fence(&self->other_gpu, cell_va(&self->e, 21), 1);
		kfd_queue_submit(&self->other_gpu);
		EXPECT_TRUE(kfd_wait32(cell32(&self->e, 21), 1, WAIT_MS));
	}
}

/* What another process and a bystander tell each other. */
struct shared {
	volatile uint32_t rounds, stop, errors;
};

/* Copies on GPU 0 and checks, over and over. */
static void bystander(struct shared *s)
{
	const uint32_t size = 64 * KIB;
	struct kfd_queue q;
	struct kfd_bo a, b;
	struct env e;

	if (env_open(&e, 1) || e.skip || kfd_queue_create(&e.k, &q, KFD_Q_SDMA, 0, 0) ||
	    kfd_bo_create(&e.k, &a, 0, 0, size, KFD_BO_GTT, 1) ||
	    kfd_bo_create(&e.k, &b, 0, 0, size, KFD_BO_VRAM, 1)) {
		s->errors++;
		return;
	}
	while (!s->stop && !s->errors) {
		pattern_fill(a.cpu, size, s->rounds);
		if (gpu_copy(&e, &q, b.va, a.va, size) || pattern_bad(b.cpu, size, s->rounds))
			s->errors++;
		s->rounds++;
	}
}

TEST_F(kfd_fault, other_processes_go_on)
{
	struct shared *s = mmap(NULL, KFD_PAGE, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t before;
	int status;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, s);
	/* a KFD process belongs to its mm: the child opens one of its own */
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		bystander(s);
		_exit(!!s->errors);
	}
	while (s->rounds < 3 && !s->errors)
		sleep_ms(1);
	emit_write(self, self->hole);
	EXPECT_EQ(0, wait_fault(&self->e, &self->fault, 0, self->hole, NULL));
	before = s->rounds;
	while (s->rounds < before + 10 && !s->errors)
		sleep_ms(1);
	s->stop = 1;
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, s->errors);
	EXPECT_LE(before + 10, s->rounds);
	/* and a new one can begin */
	memset(s, 0, sizeof(*s));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		bystander(s);
		_exit(!!s->errors);
	}
	while (s->rounds < 3 && !s->errors)
		sleep_ms(1);
	s->stop = 1;
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	munmap(s, KFD_PAGE);
}

TEST_HARNESS_MAIN
