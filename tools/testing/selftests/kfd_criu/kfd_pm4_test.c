// SPDX-License-Identifier: GPL-2.0
/*
 * PM4 user queues without shaders: every packet that a runtime puts between
 * its dispatches, by its effect on memory.
 */
#include "kfd_test.h"

#define BUF		(256 * KIB)

FIXTURE(kfd_pm4)
{
	struct env e;
	struct kfd_queue q;
	struct kfd_bo src, dst, vram;
	struct kfd_bo page;
	uint64_t seq;
};

FIXTURE_SETUP(kfd_pm4)
{
	struct kfd *k = &self->e.k;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	ASSERT_EQ(0, kfd_queue_create(k, &self->q, KFD_Q_PM4, 0, 0));
	ASSERT_EQ(0, kfd_bo_create(k, &self->src, 0, 0, BUF, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_bo_create(k, &self->dst, 0, 0, BUF, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_bo_create(k, &self->vram, 0, 0, BUF, KFD_BO_VRAM, 1));
	ASSERT_EQ(0, kfd_event_page(k, &self->page, 0));
	pattern_fill(self->src.cpu, BUF, 1);
	pattern_fill(self->dst.cpu, BUF, 2);
	pattern_fill(self->vram.cpu, BUF, 3);
}

FIXTURE_TEARDOWN(kfd_pm4)
{
	struct kfd *k = &self->e.k;

	EXPECT_EQ(0, kfd_queue_destroy(k, &self->q));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->src));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->dst));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->vram));
	env_close(&self->e);
}

/* Submit, and wait for the end of pipe. */
static int finish(struct _test_data_kfd_pm4 *self)
{
	pm4_release_mem(&self->q, self->e.cell.va, ++self->seq, 0);
	kfd_queue_submit(&self->q);
	if (self->q.overrun)
		return -EOVERFLOW;
	return kfd_wait64(self->e.cell.cpu, self->seq, WAIT_MS) ? 0 : -ETIMEDOUT;
}

TEST_F(kfd_pm4, nop)
{
	static const unsigned int len[] = { 1, 2, 3, 7, 64, 1000, 4000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(len); i++) {
		uint32_t v = 100 + i;

		pm4_nop(&self->q, len[i]);
		pm4_write_data(&self->q, cell_va(&self->e, i), &v, 1);
	}
	ASSERT_EQ(0, finish(self));
	for (i = 0; i < ARRAY_SIZE(len); i++)
		EXPECT_EQ(100 + i, *cell64(&self->e, i));
}

TEST_F(kfd_pm4, write_data)
{
	static const unsigned int len[] = { 1, 2, 3, 31, 60, 61, 100, 1023, 1024, 5000 };
	struct kfd_bo *where[] = { &self->dst, &self->vram };
	const uint32_t *src = self->src.cpu;
	unsigned int i, w, at;

	for (w = 0; w < ARRAY_SIZE(where); w++) {
		const uint32_t *dst = where[w]->cpu;

		for (i = 0, at = 1; i < ARRAY_SIZE(len); i++) {
			pm4_write_data(&self->q, where[w]->va + at * 4, src + at, len[i]);
			at += len[i] + 1;
		}
		ASSERT_EQ(0, finish(self));
		EXPECT_EQ(pattern(2 + w, 0), dst[0]);
		for (i = 0, at = 1; i < ARRAY_SIZE(len); i++) {
			EXPECT_EQ(0, memcmp(dst + at, src + at, len[i] * 4));
			at += len[i] + 1;
			EXPECT_EQ(pattern(2 + w, at - 1), dst[at - 1]);
		}
	}
}

TEST_F(kfd_pm4, release_mem_writes_64_bits)
{
	*cell64(&self->e, 0) = ~0ULL;
	*cell64(&self->e, 1) = ~0ULL;
	*cell64(&self->e, 2) = ~0ULL;
	pm4_release_mem(&self->q, cell_va(&self->e, 1), 0x0123456789abcdefULL, 0);
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(~0ULL, *cell64(&self->e, 0));
	EXPECT_EQ(0x0123456789abcdefULL, *cell64(&self->e, 1));
	EXPECT_EQ(~0ULL, *cell64(&self->e, 2));
}

TEST_F(kfd_pm4, release_mem_raises_event)
{
	struct kfd *k = &self->e.k;
	struct kfd_event a, b;
	unsigned int i;

	ASSERT_EQ(0, kfd_event_create(k, &a, KFD_IOC_EVENT_SIGNAL, true, &self->page));
	ASSERT_EQ(0, kfd_event_create(k, &b, KFD_IOC_EVENT_SIGNAL, true, NULL));
	for (i = 0; i < 6; i++) {
		struct kfd_event *hit = i & 1 ? &a : &b, *other = i & 1 ? &b : &a;

		EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, hit, 10, NULL));
		pm4_release_mem(&self->q, kfd_event_slot(&self->page, hit), hit->id, hit->id);
		kfd_queue_submit(&self->q);
		EXPECT_EQ(0, kfd_event_wait(k, hit, WAIT_MS, NULL));
		EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, other, 10, NULL));
	}
}

/* What the CPU wrote before the acquire is what the packets behind it see. */
TEST_F(kfd_pm4, acquire_mem)
{
	unsigned int i;
	uint32_t v;

	for (i = 0; i < 16; i++) {
		v = i;
		pm4_acquire_mem(&self->q);
		pm4_wait_equal(&self->q, cell_va(&self->e, 0), i, ~0u);
		pm4_acquire_mem(&self->q);
		pm4_write_data(&self->q, cell_va(&self->e, 1), &v, 1);
		*cell32(&self->e, 0) = i;
		ASSERT_EQ(0, finish(self));
		EXPECT_EQ(i, *cell32(&self->e, 1));
	}
}

/* As above, but without a packet that a small engine may lack. */
TEST_F(kfd_pm4, acquire_mem_is_skipped_whole)
{
	uint32_t v = 17;

	pm4_write_data(&self->q, cell_va(&self->e, 0), &v, 1);
	pm4_acquire_mem(&self->q);
	v = 18;
	pm4_write_data(&self->q, cell_va(&self->e, 1), &v, 1);
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(17, *cell32(&self->e, 0));
	EXPECT_EQ(18, *cell32(&self->e, 1));
}

TEST_F(kfd_pm4, indirect_buffer)
{
	struct kfd_bo *where[] = { &self->dst, &self->vram };
	struct kfd_queue ib;
	unsigned int i;
	uint32_t v;

	for (i = 0; i < ARRAY_SIZE(where); i++) {
		*cell64(&self->e, 0) = 0;
		*cell64(&self->e, 1) = 0;
		*cell64(&self->e, 2) = 0;
		kfd_ib_begin(&ib, KFD_Q_PM4, self->q.gfx_version, where[i]->cpu);
		pm4_nop(&ib, 5);
		pm4_write_data(&ib, where[i]->va + 128 * KIB, self->src.cpu, 2000);
		v = 11;
		pm4_write_data(&ib, cell_va(&self->e, 0), &v, 1);
		pm4_indirect(&self->q, where[i]->va, kfd_ib_dwords(&ib));
		/* what lies behind the IB's end must not run */
		v = 12;
		pm4_write_data(&ib, cell_va(&self->e, 1), &v, 1);
		pm4_write_data(&self->q, cell_va(&self->e, 2), &v, 1);
		ASSERT_EQ(0, finish(self));
		EXPECT_EQ(11, *cell32(&self->e, 0));
		EXPECT_EQ(0, *cell32(&self->e, 1));
		EXPECT_EQ(12, *cell32(&self->e, 2));
		EXPECT_EQ(0, pattern_bad((char *)where[i]->cpu + 128 * KIB, 8000, 1));
	}
}

TEST_F(kfd_pm4, wait_reg_mem)
{
	volatile uint32_t *word = cell32(&self->e, 0), *after = cell32(&self->e, 1);
	uint32_t v = 1;

	*word = 0xab000000;
	pm4_wait_equal(&self->q, cell_va(&self->e, 0), 0x0042, 0xffff);
	pm4_write_data(&self->q, cell_va(&self->e, 1), &v, 1);
	kfd_queue_submit(&self->q);
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	EXPECT_EQ(0, *after);
	*word = 0xab000043;
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	EXPECT_EQ(0, *after);
	/* the upper half is not under the mask */
	*word = 0xcd000042;
	ASSERT_TRUE(kfd_wait32(after, 1, WAIT_MS));
	EXPECT_EQ(0, kfd_queue_drain(&self->q, WAIT_MS));
}

TEST_F(kfd_pm4, wait_in_indirect_buffer)
{
	volatile uint32_t *word = cell32(&self->e, 0), *before = cell32(&self->e, 1);
	volatile uint32_t *inside = cell32(&self->e, 2), *after = cell32(&self->e, 3);
	struct kfd_queue ib;
	uint32_t v = 1;

	kfd_ib_begin(&ib, KFD_Q_PM4, self->q.gfx_version, self->dst.cpu);
	pm4_write_data(&ib, cell_va(&self->e, 1), &v, 1);
	pm4_wait_equal(&ib, cell_va(&self->e, 0), 5, ~0u);
	pm4_write_data(&ib, cell_va(&self->e, 2), &v, 1);
	pm4_indirect(&self->q, self->dst.va, kfd_ib_dwords(&ib));
	pm4_write_data(&self->q, cell_va(&self->e, 3), &v, 1);
	kfd_queue_submit(&self->q);
	EXPECT_TRUE(kfd_wait32(before, 1, WAIT_MS));
	/* once only, though the wait is looked at again and again */
	*before = 0;
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	EXPECT_EQ(0, *inside);
	EXPECT_EQ(0, *after);
	*word = 5;
	ASSERT_TRUE(kfd_wait32(after, 1, WAIT_MS));
	EXPECT_EQ(1, *inside);
	EXPECT_EQ(0, *before);
}

TEST_F(kfd_pm4, ring_wrap)
{
	const unsigned int n = 12 * KFD_RING_SIZE / (4 * (4 + 61));
	uint32_t data[61], *dst = self->dst.cpu;
	unsigned int i, j, rows = BUF / sizeof(data);

	for (i = 0; i < n; i++) {
		for (j = 0; j < ARRAY_SIZE(data); j++)
			data[j] = i << 8 | j;
		pm4_write_data(&self->q, self->dst.va + i % rows * sizeof(data), data,
			       ARRAY_SIZE(data));
	}
	ASSERT_EQ(0, finish(self));
	EXPECT_LT(10 * KFD_RING_SIZE / 4, self->q.put);
	ASSERT_EQ(0, kfd_queue_drain(&self->q, WAIT_MS));
	EXPECT_EQ(self->q.put % (KFD_RING_SIZE / 4), *self->q.rptr);
	for (i = n - rows; i < n; i++)
		for (j = 0; j < ARRAY_SIZE(data); j++)
			ASSERT_EQ(i << 8 | j, dst[i % rows * ARRAY_SIZE(data) + j]);
}

TEST_F(kfd_pm4, queue_on_every_gpu)
{
	struct kfd *k = &self->e.k;
	struct kfd_queue q[KFD_MAX_GPUS];
	unsigned int g, r;

	for (g = 0; g < k->ngpu; g++)
		ASSERT_EQ(0, kfd_queue_create(k, &q[g], KFD_Q_PM4, g, 0));
	for (r = 0; r < 10; r++) {
		for (g = 0; g < k->ngpu; g++) {
			pm4_write_data(&q[g], self->dst.va + g * 4096,
				       (uint32_t *)self->src.cpu + r, 1000);
			pm4_release_mem(&q[g], cell_va(&self->e, g), r + 1, 0);
		}
		for (g = 0; g < k->ngpu; g++)
			kfd_queue_submit(&q[g]);
		for (g = 0; g < k->ngpu; g++) {
			ASSERT_TRUE(kfd_wait64(cell64(&self->e, g), r + 1, WAIT_MS));
			EXPECT_EQ(0, memcmp((char *)self->dst.cpu + g * 4096,
					    (uint32_t *)self->src.cpu + r, 4000));
		}
	}
	for (g = 0; g < k->ngpu; g++)
		EXPECT_EQ(0, kfd_queue_destroy(k, &q[g]));
}

TEST_HARNESS_MAIN
