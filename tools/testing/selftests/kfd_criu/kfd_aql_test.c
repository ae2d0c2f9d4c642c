// SPDX-License-Identifier: GPL-2.0
/*
 * AQL user queues without shaders: barrier packets and their signals, and how
 * a queue refuses what it cannot run.
 */
#include "kfd_test.h"

#define SLOTS		(KFD_RING_SIZE / 64)
#define AQL_INVALID	1

FIXTURE(kfd_aql)
{
	struct env e;
	struct kfd_queue q;
	struct kfd_bo page;
	struct kfd_bo sig_bo;
	struct hsa_signal *sig;
};

static uint64_t sig_va(struct _test_data_kfd_aql *self, unsigned int i)
{
	return self->sig_bo.va + i * sizeof(struct hsa_signal);
}

FIXTURE_SETUP(kfd_aql)
{
	struct kfd *k = &self->e.k;
	unsigned int i;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	ASSERT_EQ(0, kfd_event_page(k, &self->page, 0));
	ASSERT_EQ(0, kfd_bo_create(k, &self->sig_bo, 0, 0, 64 * KIB, KFD_BO_GTT, self->e.all));
	self->sig = self->sig_bo.cpu;
	for (i = 0; i < 64; i++)
		hsa_signal_init(&self->sig[i], 1, NULL, NULL);
	ASSERT_EQ(0, kfd_queue_create(k, &self->q, KFD_Q_AQL, 0, 0));
}

FIXTURE_TEARDOWN(kfd_aql)
{
	struct kfd *k = &self->e.k;

	EXPECT_EQ(0, kfd_queue_destroy(k, &self->q));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->sig_bo));
	env_close(&self->e);
}

static bool wait_signal(struct hsa_signal *s, int64_t value)
{
	return kfd_wait64((volatile uint64_t *)&s->value, value, WAIT_MS);
}

TEST_F(kfd_aql, barrier_and_waits_for_all)
{
	unsigned int n, i;
	uint64_t dep[5];

	/* with 0 to 5 dependencies, which are fulfilled one by one, the last slot first */
	for (n = 0; n <= 5; n++) {
		struct hsa_signal *done = &self->sig[10 + n];

		hsa_signal_init(done, 3, NULL, NULL);
		for (i = 0; i < 5; i++) {
			hsa_signal_init(&self->sig[i], 1, NULL, NULL);
			dep[i] = i >= 5 - n ? sig_va(self, i) : 0;
		}
		aql_barrier_and(&self->q, dep, sig_va(self, 10 + n));
		kfd_queue_submit(&self->q);
		for (i = 5; i-- > 5 - n;) {
			ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
			EXPECT_EQ(3, done->value);
			self->sig[i].value = 0;
		}
		EXPECT_TRUE(wait_signal(done, 2));
	}
	EXPECT_EQ(0, kfd_queue_drain(&self->q, WAIT_MS));
}

TEST_F(kfd_aql, barrier_or_waits_for_any)
{
	unsigned int n, i;
	uint64_t dep[5];

	for (n = 0; n < 5; n++) {
		struct hsa_signal *done = &self->sig[10 + n];

		for (i = 0; i < 5; i++) {
			hsa_signal_init(&self->sig[i], 1 + i, NULL, NULL);
			dep[i] = sig_va(self, i);
		}
		aql_barrier_or(&self->q, dep, sig_va(self, 10 + n));
		kfd_queue_submit(&self->q);
		ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
		EXPECT_EQ(1, done->value);
		self->sig[n].value = 0;
		ASSERT_TRUE(wait_signal(done, 0));
	}
	EXPECT_EQ(0, kfd_queue_drain(&self->q, WAIT_MS));
}

TEST_F(kfd_aql, packets_run_in_order)
{
	uint64_t none[5] = { 0 }, dep[5] = { sig_va(self, 0) };
	unsigned int i;

	aql_barrier_and(&self->q, dep, sig_va(self, 1));
	for (i = 2; i < 20; i++)
		aql_barrier_and(&self->q, none, sig_va(self, i));
	kfd_queue_submit(&self->q);
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	for (i = 1; i < 20; i++)
		EXPECT_EQ(1, self->sig[i].value);
	self->sig[0].value = 0;
	EXPECT_TRUE(wait_signal(&self->sig[19], 0));
	for (i = 1; i < 20; i++)
		EXPECT_EQ(0, self->sig[i].value);
}

TEST_F(kfd_aql, completion_raises_event)
{
	uint64_t dep[5] = { sig_va(self, 0) };
	struct kfd *k = &self->e.k;
	struct kfd_event a, b, last;
	unsigned int i;

	ASSERT_EQ(0, kfd_event_create(k, &a, KFD_IOC_EVENT_SIGNAL, true, &self->page));
	ASSERT_EQ(0, kfd_event_create(k, &b, KFD_IOC_EVENT_SIGNAL, true, NULL));
	ASSERT_EQ(0, kfd_event_create(k, &last, KFD_IOC_EVENT_SIGNAL, true, NULL));
	for (i = 0; i < 8; i++) {
		struct kfd_event *hit = i & 1 ? &a : &b, *other = i & 1 ? &b : &a;

		self->sig[0].value = 1;
		hsa_signal_init(&self->sig[1], 1, &self->page, hit);
		aql_barrier_and(&self->q, dep, sig_va(self, 1));
		kfd_queue_submit(&self->q);
		ASSERT_EQ(0, kfd_turns(k, 1));
		EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, hit, 0, NULL));
		self->sig[0].value = 0;
		EXPECT_EQ(0, kfd_event_wait(k, hit, WAIT_MS, NULL));
		EXPECT_EQ(0, self->sig[1].value);
		/* interrupts of a GPU are dealt with in their order: none came before this one */
		hsa_signal_init(&self->sig[2], 1, &self->page, &last);
		aql_barrier_and(&self->q, dep, sig_va(self, 2));
		kfd_queue_submit(&self->q);
		ASSERT_EQ(0, kfd_event_wait(k, &last, WAIT_MS, NULL));
		EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, other, 0, NULL));
		EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, hit, 0, NULL));
	}
}

/* A producer that has reserved its slot and not yet written its packet holds up the queue. */
TEST_F(kfd_aql, invalid_packet_waits_for_producer)
{
	uint64_t none[5] = { 0 };
	uint16_t *header, valid;
	unsigned int slot = self->q.put % SLOTS;

	aql_barrier_and(&self->q, none, sig_va(self, 0));
	aql_barrier_and(&self->q, none, sig_va(self, 1));
	header = (uint16_t *)((char *)self->q.ring.cpu + slot * 64);
	valid = *header;
	__atomic_store_n(header, AQL_INVALID, __ATOMIC_SEQ_CST);
	kfd_queue_submit(&self->q);
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	EXPECT_EQ(1, self->sig[0].value);
	EXPECT_EQ(1, self->sig[1].value);
	EXPECT_EQ(0, *self->q.rptr);
	__atomic_store_n(header, valid, __ATOMIC_SEQ_CST);
	kfd_queue_submit(&self->q);
	EXPECT_TRUE(wait_signal(&self->sig[0], 0));
	EXPECT_TRUE(wait_signal(&self->sig[1], 0));
	/* a consumed packet leaves its slot invalid, else the next lap would run it again */
	EXPECT_TRUE(kfd_queue_drain(&self->q, WAIT_MS) == 0);
	EXPECT_EQ(AQL_INVALID, *(volatile uint16_t *)header & 0xff);
}

TEST_F(kfd_aql, ring_wrap)
{
	const unsigned int n = 5 * SLOTS + 17;
	uint64_t none[5] = { 0 };
	unsigned int i;

	hsa_signal_init(&self->sig[0], n, NULL, NULL);
	hsa_signal_init(&self->sig[1], n, NULL, NULL);
	for (i = 0; i < n; i++)
		aql_barrier_and(&self->q, none, sig_va(self, i & 1));
	kfd_queue_submit(&self->q);
	ASSERT_EQ(0, kfd_queue_drain(&self->q, WAIT_MS));
	EXPECT_TRUE(wait_signal(&self->sig[0], n - (n + 1) / 2));
	EXPECT_TRUE(wait_signal(&self->sig[1], n - n / 2));
	EXPECT_EQ(n, *self->q.rptr);
}

/* Each queue's packet waits for the other's one before: back and forth between GPUs. */
TEST_F(kfd_aql, ping_pong)
{
	enum { ROUNDS = 20 };
	struct kfd *k = &self->e.k;
	struct kfd_queue other;
	unsigned int i;

	ASSERT_EQ(0, kfd_queue_create(k, &other, KFD_Q_AQL, k->ngpu - 1, 0));
	for (i = 0; i < ROUNDS; i++) {
		uint64_t dep[5] = { sig_va(self, i) };

		aql_barrier_and(i & 1 ? &other : &self->q, dep, sig_va(self, i + 1));
	}
	kfd_queue_submit(&self->q);
	kfd_queue_submit(&other);
	ASSERT_EQ(0, kfd_turns(k, 1 | 1u << (k->ngpu - 1)));
	EXPECT_EQ(1, self->sig[ROUNDS].value);
	self->sig[0].value = 0;
	EXPECT_TRUE(wait_signal(&self->sig[ROUNDS], 0));
	for (i = 0; i <= ROUNDS; i++)
		EXPECT_EQ(0, self->sig[i].value);
	EXPECT_EQ(0, kfd_queue_destroy(k, &other));
}

TEST_F(kfd_aql, destroy_while_stalled)
{
	uint64_t dep[5] = { sig_va(self, 0) }, none[5] = { 0 };
	struct kfd *k = &self->e.k;
	struct kfd_queue q;

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_AQL, 0, 0));
	aql_barrier_and(&q, dep, sig_va(self, 1));
	kfd_queue_submit(&q);
	/* it has come to the packet at which it stalls */
	ASSERT_EQ(0, kfd_turns(k, 1));
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
	self->sig[0].value = 0;
	aql_barrier_and(&self->q, none, sig_va(self, 2));
	kfd_queue_submit(&self->q);
	EXPECT_TRUE(wait_signal(&self->sig[2], 0));
	ASSERT_EQ(0, kfd_turns(k, 1));
	EXPECT_EQ(1, self->sig[1].value);
}

/*
 * --- what a queue refuses ---
 *
 * A dispatch whose kernel object is no kernel, and a packet of a type that
 * does not exist: the queue stops there and says why, if somebody listens.
 */
FIXTURE(kfd_aql_error)
{
	struct env e;
	struct kfd_queue q, q2;
	struct kfd_bo page;
	struct kfd_bo sig_bo;
	struct hsa_signal *sig;
	struct kfd_event error;
	volatile uint64_t *payload;
};

FIXTURE_VARIANT(kfd_aql_error)
{
	bool runtime;
};

FIXTURE_VARIANT_ADD(kfd_aql_error, no_runtime)
{
	.runtime = false,
};

FIXTURE_VARIANT_ADD(kfd_aql_error, runtime)
{
	.runtime = true,
};

FIXTURE_SETUP(kfd_aql_error)
{
	struct kfd_context_save_area_header *header;
	struct kfd *k = &self->e.k;
	unsigned int i;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	/* before the first queue, or it is refused */
	if (variant->runtime)
		ASSERT_EQ(0, kfd_runtime_enable(k, 0, false));
	ASSERT_EQ(0, kfd_event_page(k, &self->page, 0));
	ASSERT_EQ(0, kfd_bo_create(k, &self->sig_bo, 0, 0, 64 * KIB, KFD_BO_GTT, self->e.all));
	self->sig = self->sig_bo.cpu;
	for (i = 0; i < 64; i++)
		hsa_signal_init(&self->sig[i], 1, NULL, NULL);
	ASSERT_EQ(0, kfd_event_create(k, &self->error, KFD_IOC_EVENT_SIGNAL, true, &self->page));
	ASSERT_EQ(0, kfd_queue_create(k, &self->q, KFD_Q_AQL, 0, 0));
	ASSERT_EQ(0, kfd_queue_create(k, &self->q2, KFD_Q_AQL, 0, 0));
	self->payload = cell64(&self->e, 0);
	header = self->q.cwsr.cpu;
	header->err_payload_addr = (uintptr_t)self->payload;
	header->err_event_id = self->error.id;
	header = self->q2.cwsr.cpu;
	header->err_payload_addr = (uintptr_t)cell64(&self->e, 1);
	header->err_event_id = self->error.id;
}

FIXTURE_TEARDOWN(kfd_aql_error)
{
	struct kfd *k = &self->e.k;

	/* a queue that stopped can be destroyed like any other */
	EXPECT_EQ(0, kfd_queue_destroy(k, &self->q));
	EXPECT_EQ(0, kfd_queue_destroy(k, &self->q2));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->sig_bo));
	env_close(&self->e);
}

/* Packet 0 runs, packet 1 is refused, packet 2 must not run. */
static void check_refused(struct __test_metadata *_metadata, struct _test_data_kfd_aql_error *self,
			  bool runtime, uint64_t reason)
{
	uint64_t none[5] = { 0 };
	struct kfd *k = &self->e.k;

	EXPECT_TRUE(kfd_wait64((volatile uint64_t *)&self->sig[0].value, 0, WAIT_MS));
	if (runtime) {
		EXPECT_EQ(0, kfd_event_wait(k, &self->error, FAULT_MS, NULL));
		EXPECT_EQ(reason, *self->payload);
	} else {
		ASSERT_EQ(0, kfd_turns(k, 1));
		EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &self->error, 0, NULL));
		EXPECT_EQ(0, *self->payload);
	}
	EXPECT_EQ(1, self->sig[1].value);
	EXPECT_EQ(1, self->sig[2].value);
	EXPECT_EQ(1, *self->q.rptr);
	/* ringing again does not get it going */
	kfd_queue_submit(&self->q);
	ASSERT_EQ(0, kfd_turns(k, 1));
	EXPECT_EQ(1, self->sig[1].value);
	EXPECT_EQ(1, self->sig[2].value);
	/* the fault is that queue's alone */
	aql_barrier_and(&self->q2, none,
			self->sig_bo.va + 3 * sizeof(struct hsa_signal));
	kfd_queue_submit(&self->q2);
	EXPECT_TRUE(kfd_wait64((volatile uint64_t *)&self->sig[3].value, 0, WAIT_MS));
	EXPECT_EQ(0, *cell64(&self->e, 1));
}

TEST_F(kfd_aql_error, dispatch)
{
	uint64_t none[5] = { 0 }, va = self->sig_bo.va;

	aql_barrier_and(&self->q, none, va);
	aql_dispatch(&self->q, 0, va + sizeof(struct hsa_signal));
	aql_barrier_and(&self->q, none, va + 2 * sizeof(struct hsa_signal));
	kfd_queue_submit(&self->q);
	check_refused(_metadata, self, variant->runtime,
		      KFD_EC_MASK(EC_QUEUE_PACKET_DISPATCH_CODE_INVALID));
}

TEST_F(kfd_aql_error, unknown_packet)
{
	uint64_t none[5] = { 0 }, va = self->sig_bo.va;
	uint32_t body[15] = { 0 };

	aql_barrier_and(&self->q, none, va);
	va += sizeof(struct hsa_signal);
	memcpy(body + 13, &va, sizeof(va));
	aql_raw(&self->q, 0x1100 | 0x3f, body);
	va += sizeof(struct hsa_signal);
	aql_barrier_and(&self->q, none, va);
	kfd_queue_submit(&self->q);
	check_refused(_metadata, self, variant->runtime, KFD_EC_MASK(EC_QUEUE_PACKET_UNSUPPORTED));
}

/* An eviction and a reload do not make it forget that it stopped, and not run what it refused. */
TEST_F(kfd_aql_error, disable_and_enable)
{
	uint64_t none[5] = { 0 }, va = self->sig_bo.va;
	struct kfd *k = &self->e.k;

	aql_barrier_and(&self->q, none, va);
	aql_dispatch(&self->q, 0, va + sizeof(struct hsa_signal));
	aql_barrier_and(&self->q, none, va + 2 * sizeof(struct hsa_signal));
	kfd_queue_submit(&self->q);
	EXPECT_TRUE(kfd_wait64((volatile uint64_t *)&self->sig[0].value, 0, WAIT_MS));
	ASSERT_EQ(0, kfd_turns(k, 1));
	EXPECT_EQ(0, kfd_queue_update(k, &self->q, 0, 7));
	EXPECT_EQ(0, kfd_queue_update(k, &self->q, 100, 7));
	kfd_queue_submit(&self->q);
	ASSERT_EQ(0, kfd_turns(k, 1));
	EXPECT_EQ(1, self->sig[1].value);
	EXPECT_EQ(1, self->sig[2].value);
	EXPECT_EQ(1, *self->q.rptr);
}

TEST_HARNESS_MAIN
