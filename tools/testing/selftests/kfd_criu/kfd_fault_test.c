// SPDX-License-Identifier: GPL-2.0
/*
 * GPU page faults: each kind of queue, on an address that is not mapped and on
 * a mapping that is read-only, becomes a memory exception event of the process
 * that did it, and of no other.  Waves that can't go on: their trap handler has
 * the runtime, or a debugger, hear of it.
 */
#include <poll.h>

#include "kfd_kernel.h"
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

/* --- waves --- */

#define NUMBER_BEFORE	7
#define NUMBER_BEHIND	8

/* As the kernels have it. */
struct wave_args {
	uint64_t words;
	uint32_t abort;
};

FIXTURE(kfd_wave)
{
	struct env e;
	struct kfd_queue q, other;
	struct kfd_bo page, sig_bo, out;
	struct hsa_signal *sig;
	struct kfd_event error;
	volatile uint64_t *payload;
	struct kernel handler, illegal, trap;
	int debug[2];
};

FIXTURE_VARIANT(kfd_wave)
{
	bool handler, runtime, debugger;
};

FIXTURE_VARIANT_ADD(kfd_wave, no_handler)
{
	.runtime = true,
};

FIXTURE_VARIANT_ADD(kfd_wave, no_runtime)
{
	.handler = true,
};

FIXTURE_VARIANT_ADD(kfd_wave, runtime)
{
	.handler = true,
	.runtime = true,
};

FIXTURE_VARIANT_ADD(kfd_wave, debugger)
{
	.handler = true,
	.runtime = true,
	.debugger = true,
};

/* The code of a kernel: its descriptor says how far away it is. */
static uint64_t entry(const struct kernel *kernel)
{
	int64_t distance;

	memcpy(&distance, (char *)kernel->bo.cpu + (kernel->descriptor - kernel->bo.va) + 16,
	       sizeof(distance));
	return kernel->descriptor + distance;
}

static void say_where(const struct kfd_queue *q, volatile uint64_t *payload,
		      const struct kfd_event *event)
{
	struct kfd_context_save_area_header *header = q->cwsr.cpu;

	header->err_payload_addr = (uintptr_t)payload;
	header->err_event_id = event->id;
}

FIXTURE_SETUP(kfd_wave)
{
	struct kfd *k = &self->e.k;
	unsigned int i;
	int r;

	self->debug[0] = -1;
	self->debug[1] = -1;
	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	if (variant->debugger && !kfd_has_hws())
		SKIP(return, "debuggers need a hardware scheduler");
	r = kernel_load(&self->e.k, &self->handler, 0, "handler");
	if (r == -ENOENT)
		SKIP(return, "no kernels for this GPU: no LLVM that has it when they were built");
	ASSERT_EQ(0, r);
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->illegal, 0, "illegal"));
	ASSERT_EQ(0, kernel_load(&self->e.k, &self->trap, 0, "trap"));
	if (variant->runtime)
		ASSERT_EQ(0, kfd_runtime_enable(k, 0, false));
	if (variant->handler)
		ASSERT_EQ(0, kfd_set_trap_handler(k, 0, entry(&self->handler), 0));
	ASSERT_EQ(0, kfd_event_page(k, &self->page, 0));
	ASSERT_EQ(0, kfd_bo_create(k, &self->sig_bo, 0, 0, 64 * KIB, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_bo_create(k, &self->out, 0, 0, KFD_PAGE, KFD_BO_GTT, 1));
	memset(self->out.cpu, 0, KFD_PAGE);
	self->sig = self->sig_bo.cpu;
	for (i = 0; i < 8; i++)
		hsa_signal_init(&self->sig[i], 1, NULL, NULL);
	ASSERT_EQ(0, kfd_event_create(k, &self->error, KFD_IOC_EVENT_SIGNAL, true, &self->page));
	ASSERT_EQ(0, kfd_queue_create(k, &self->other, KFD_Q_AQL, 0, 0));
	ASSERT_EQ(0, kfd_queue_create(k, &self->q, KFD_Q_AQL, 0, 0));
	self->payload = cell64(&self->e, 0);
	say_where(&self->q, self->payload, &self->error);
	say_where(&self->other, cell64(&self->e, 1), &self->error);
	if (variant->debugger) {
		ASSERT_EQ(0, pipe(self->debug));
		ASSERT_EQ(0, kfd_debug_begin(k, self->debug[1],
					     KFD_EC_MASK(EC_QUEUE_WAVE_ILLEGAL_INSTRUCTION) |
					     KFD_EC_MASK(EC_QUEUE_WAVE_ABORT) |
					     KFD_EC_MASK(EC_QUEUE_PACKET_UNSUPPORTED)));
	}
}

FIXTURE_TEARDOWN(kfd_wave)
{
	struct kfd *k = &self->e.k;

	if (self->debug[0] >= 0) {
		EXPECT_EQ(0, kfd_debug_end(k));
		close(self->debug[0]);
		close(self->debug[1]);
	}
	/* a queue with a wave that is halted can be destroyed like any other */
	if (self->q.ring.cpu)
		EXPECT_EQ(0, kfd_queue_destroy(k, &self->q));
	if (self->other.ring.cpu)
		EXPECT_EQ(0, kfd_queue_destroy(k, &self->other));
	env_close(&self->e);
}

static uint64_t wave_sig(struct _test_data_kfd_wave *self, unsigned int i)
{
	return self->sig_bo.va + i * sizeof(struct hsa_signal);
}

/* One wave of @kernel, and a packet behind it. */
static void one_wave(struct _test_data_kfd_wave *self, struct kernel *kernel, uint32_t abort)
{
	struct wave_args args = { self->out.va, abort };
	uint64_t none[5] = { 0 };

	kernel_dispatch(&self->q, kernel, kernel_args(kernel, 0, &args, sizeof(args)), 1, 1,
			wave_sig(self, 0));
	aql_barrier_and(&self->q, none, wave_sig(self, 1));
	kfd_queue_submit(&self->q);
}

/*
 * The queue has stopped at its first packet, and whoever listens knows the exception and no other,
 * if @told: somebody is there who tells it.
 */
static void check_heard(struct __test_metadata *_metadata, struct _test_data_kfd_wave *self,
			const struct _fixture_variant_kfd_wave *variant, uint64_t exception,
			bool told)
{
	uint64_t none[5] = { 0 }, heard;
	struct pollfd p = { self->debug[0], POLLIN, 0 };
	struct kfd *k = &self->e.k;
	uint32_t gpu_id, queue_id;

	if (variant->debugger) {
		ASSERT_EQ(1, poll(&p, 1, FAULT_MS));
		ASSERT_EQ(0, kfd_debug_query(k, &gpu_id, &queue_id, &heard));
		EXPECT_EQ(k->gpu[0].gpu_id, gpu_id);
		EXPECT_EQ(self->q.id, queue_id);
		/* it was new to the debugger as well */
		EXPECT_EQ(exception, heard & ~KFD_EC_MASK(EC_QUEUE_NEW));
	} else if (variant->runtime && told) {
		EXPECT_EQ(0, kfd_event_wait(k, &self->error, FAULT_MS, NULL));
		EXPECT_EQ(exception, *self->payload);
	}
	ASSERT_EQ(0, others_turn());
	/* a scheduler loads the queue again for that, and a packet is refused again then */
	if (!(exception & KFD_EC_MASK_PACKET))
		EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &self->error, 0, NULL));
	if (variant->debugger || !variant->runtime || !told)
		EXPECT_EQ(0, *self->payload);
	EXPECT_EQ(1, self->sig[0].value);
	EXPECT_EQ(1, self->sig[1].value);
	EXPECT_EQ(0, *self->q.rptr);
	/* it is that queue's alone */
	aql_barrier_and(&self->other, none, wave_sig(self, 2));
	kfd_queue_submit(&self->other);
	EXPECT_TRUE(kfd_wait64((volatile uint64_t *)&self->sig[2].value, 0, WAIT_MS));
	EXPECT_EQ(0, *cell64(&self->e, 1));
}

TEST_F(kfd_wave, illegal_instruction)
{
	one_wave(self, &self->illegal, 0);
	ASSERT_TRUE(kfd_wait32(self->out.cpu, NUMBER_BEFORE, WAIT_MS));
	check_heard(_metadata, self, variant, KFD_EC_MASK(EC_QUEUE_WAVE_ILLEGAL_INSTRUCTION),
		    variant->handler);
}

/* The kernel has run to its end, and nobody has heard of anything. */
static void check_passed(struct __test_metadata *_metadata, struct _test_data_kfd_wave *self)
{
	struct pollfd p = { self->debug[0], POLLIN, 0 };
	const volatile uint32_t *out = self->out.cpu;

	ASSERT_TRUE(kfd_wait64((volatile uint64_t *)&self->sig[1].value, 0, WAIT_MS));
	EXPECT_EQ(0, self->sig[0].value);
	EXPECT_EQ(NUMBER_BEFORE, out[0]);
	EXPECT_EQ(NUMBER_BEHIND, out[1]);
	ASSERT_EQ(0, others_turn());
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(&self->e.k, &self->error, 0, NULL));
	EXPECT_EQ(0, *self->payload);
	EXPECT_EQ(0, poll(&p, 1, 0));
}

/* The kernel's own handler passes over a trap. */
TEST_F(kfd_wave, abort)
{
	const volatile uint32_t *out = self->out.cpu;

	one_wave(self, &self->trap, 1);
	if (!variant->handler) {
		check_passed(_metadata, self);
		return;
	}
	ASSERT_TRUE(kfd_wait32(self->out.cpu, NUMBER_BEFORE, WAIT_MS));
	check_heard(_metadata, self, variant, KFD_EC_MASK(EC_QUEUE_WAVE_ABORT), true);
	EXPECT_EQ(0, out[1]);
}

/* A wave that is halted stays so, and says nothing again, when its queue comes back. */
TEST_F(kfd_wave, comes_back)
{
	unsigned int i;

	one_wave(self, &self->illegal, 0);
	ASSERT_TRUE(kfd_wait32(self->out.cpu, NUMBER_BEFORE, WAIT_MS));
	check_heard(_metadata, self, variant, KFD_EC_MASK(EC_QUEUE_WAVE_ILLEGAL_INSTRUCTION),
		    variant->handler);
	*self->payload = 0;
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, kfd_queue_update(&self->e.k, &self->q, 0, 7));
		ASSERT_EQ(0, kfd_queue_update(&self->e.k, &self->q, 100, 7));
		kfd_queue_submit(&self->q);
		ASSERT_EQ(0, others_turn());
	}
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(&self->e.k, &self->error, 0, NULL));
	EXPECT_EQ(0, *self->payload);
	EXPECT_EQ(1, self->sig[0].value);
	EXPECT_EQ(1, self->sig[1].value);
}

/* What the handler lets pass is no error: the wave goes on behind the trap. */
TEST_F(kfd_wave, handler_returns)
{
	one_wave(self, &self->trap, 0);
	check_passed(_metadata, self);
}

TEST_F(kfd_wave, refused_packet)
{
	uint32_t body[15] = { 0 };
	uint64_t none[5] = { 0 };

	aql_raw(&self->q, 0x1100 | 0x3f, body);
	aql_barrier_and(&self->q, none, wave_sig(self, 1));
	kfd_queue_submit(&self->q);
	check_heard(_metadata, self, variant, KFD_EC_MASK(EC_QUEUE_PACKET_UNSUPPORTED), true);
}

/* A packet of a PM4 queue is told of in the same way. */
TEST_F(kfd_wave, refused_pm4_packet)
{
	/* type 3, two dwords, of an opcode that there is not */
	static const uint32_t unknown[] = { 3u << 30 | 0xff << 8, 0 };
	const uint64_t exception = KFD_EC_MASK(EC_QUEUE_PACKET_UNSUPPORTED);
	volatile uint64_t *payload = cell64(&self->e, 2);
	struct pollfd p = { self->debug[0], POLLIN, 0 };
	struct kfd *k = &self->e.k;
	uint32_t gpu_id, queue_id, one = 1;
	struct kfd_queue pm4;
	uint64_t heard;

	ASSERT_EQ(0, kfd_queue_create(k, &pm4, KFD_Q_PM4, 0, 0));
	say_where(&pm4, payload, &self->error);
	pm4_write_data(&pm4, cell_va(&self->e, 3), &one, 1);
	pm4_raw(&pm4, unknown, ARRAY_SIZE(unknown));
	pm4_write_data(&pm4, cell_va(&self->e, 4), &one, 1);
	kfd_queue_submit(&pm4);
	EXPECT_TRUE(kfd_wait32(cell32(&self->e, 3), 1, WAIT_MS));
	if (variant->debugger) {
		ASSERT_EQ(1, poll(&p, 1, FAULT_MS));
		ASSERT_EQ(0, kfd_debug_query(k, &gpu_id, &queue_id, &heard));
		EXPECT_EQ(k->gpu[0].gpu_id, gpu_id);
		EXPECT_EQ(pm4.id, queue_id);
		EXPECT_EQ(exception, heard & ~KFD_EC_MASK(EC_QUEUE_NEW));
	} else if (variant->runtime) {
		EXPECT_EQ(0, kfd_event_wait(k, &self->error, FAULT_MS, NULL));
		EXPECT_EQ(exception, *payload);
	}
	ASSERT_EQ(0, others_turn());
	if (variant->debugger || !variant->runtime)
		EXPECT_EQ(0, *payload);
	EXPECT_EQ(0, *cell32(&self->e, 4));
	EXPECT_EQ(0, kfd_queue_destroy(k, &pm4));
}

TEST_HARNESS_MAIN
