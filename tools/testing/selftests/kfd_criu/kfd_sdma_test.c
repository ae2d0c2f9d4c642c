// SPDX-License-Identifier: GPL-2.0
/*
 * SDMA user queues: every packet that a compute runtime uses, by its effect
 * on memory.
 */
#include "kfd_test.h"

#define BUF		(256 * KIB)

FIXTURE(kfd_sdma)
{
	struct env e;
	struct kfd_queue q;
	struct kfd_bo src, dst, vram;
	struct kfd_bo page;
};

FIXTURE_SETUP(kfd_sdma)
{
	struct kfd *k = &self->e.k;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	ASSERT_EQ(0, kfd_queue_create(k, &self->q, KFD_Q_SDMA, 0, 0));
	ASSERT_EQ(0, kfd_bo_create(k, &self->src, 0, 0, BUF, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_bo_create(k, &self->dst, 0, 0, BUF, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_bo_create(k, &self->vram, 0, 0, BUF, KFD_BO_VRAM, 1));
	ASSERT_EQ(0, kfd_event_page(k, &self->page, 0));
	pattern_fill(self->src.cpu, BUF, 1);
	pattern_fill(self->dst.cpu, BUF, 2);
	pattern_fill(self->vram.cpu, BUF, 3);
}

FIXTURE_TEARDOWN(kfd_sdma)
{
	struct kfd *k = &self->e.k;

	EXPECT_EQ(0, kfd_queue_destroy(k, &self->q));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->src));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->dst));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->vram));
	env_close(&self->e);
}

TEST_F(kfd_sdma, nop)
{
	static const unsigned int len[] = { 1, 2, 3, 7, 64, 1000, 4000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(len); i++) {
		sdma_nop(&self->q, len[i]);
		sdma_fence(&self->q, cell_va(&self->e, i), 100 + i);
	}
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
	for (i = 0; i < ARRAY_SIZE(len); i++)
		EXPECT_EQ(100 + i, *cell32(&self->e, i));
}

TEST_F(kfd_sdma, fence_writes_one_dword)
{
	*cell64(&self->e, 0) = ~0ULL;
	*cell64(&self->e, 1) = ~0ULL;
	sdma_fence(&self->q, cell_va(&self->e, 0) + 4, 0x12345678);
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
	EXPECT_EQ(0x12345678ffffffffULL, *cell64(&self->e, 0));
	EXPECT_EQ(~0ULL, *cell64(&self->e, 1));
}

TEST_F(kfd_sdma, write)
{
	static const unsigned int len[] = { 1, 2, 3, 31, 100, 1023, 1024, 5000 };
	const uint32_t *src = self->src.cpu, *dst = self->dst.cpu;
	unsigned int i, at = 1;

	/* a gap of one word behind each */
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		sdma_write(&self->q, self->dst.va + at * 4, src + at, len[i]);
		at += len[i] + 1;
	}
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
	EXPECT_EQ(pattern(2, 0), dst[0]);
	for (i = 0, at = 1; i < ARRAY_SIZE(len); i++) {
		EXPECT_EQ(0, memcmp(dst + at, src + at, len[i] * 4));
		at += len[i] + 1;
		EXPECT_EQ(pattern(2, at - 1), dst[at - 1]);
	}
}

/* Sizes and alignments that are no multiple of anything, against memmove(). */
TEST_F(kfd_sdma, copy_linear_any_alignment)
{
	static const uint32_t size[] = {
		1, 2, 3, 4, 5, 7, 63, 64, 65, 255, 4095, 4096, 4097, 20001
	};
	static const uint32_t soff[] = { 0, 1, 3, 4094 }, doff[] = { 0, 2, 5, 4093 };
	const uint32_t slot = 32 * KIB;
	char *want = malloc(BUF);
	unsigned int i, s, d;

	ASSERT_NE(NULL, want);
	for (s = 0; s < ARRAY_SIZE(soff); s++) {
		for (d = 0; d < ARRAY_SIZE(doff); d++) {
			pattern_fill(self->dst.cpu, BUF, 2);
			memcpy(want, self->dst.cpu, BUF);
			for (i = 0; i < ARRAY_SIZE(size); i++) {
				uint32_t at = i % 8 * slot + (i >= 8 ? 8192 : 0);

				if (at + doff[d] + size[i] > BUF)
					continue;
				sdma_copy(&self->q, self->dst.va + at + doff[d],
					  self->src.va + soff[s], size[i]);
				memcpy(want + at + doff[d], (char *)self->src.cpu + soff[s],
				       size[i]);
			}
			ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
			ASSERT_EQ(0, memcmp(want, self->dst.cpu, BUF)) {
				TH_LOG("source offset %u, destination offset %u", soff[s], doff[d]);
			}
		}
	}
	free(want);
}

TEST_F(kfd_sdma, copy_through_vram)
{
	sdma_copy(&self->q, self->vram.va, self->src.va, BUF);
	sdma_copy(&self->q, self->dst.va, self->vram.va, BUF);
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
	EXPECT_EQ(0, pattern_bad(self->vram.cpu, BUF, 1));
	EXPECT_EQ(0, pattern_bad(self->dst.cpu, BUF, 1));
}

TEST_F(kfd_sdma, copy_broadcast)
{
	const uint32_t n = 10001;
	char *dst = self->dst.cpu, *src = self->src.cpu;
	char before[3];

	memcpy(before, dst + 4096 + 3 + n, 3);
	sdma_copy_broadcast(&self->q, self->dst.va + 4096 + 3, self->vram.va, self->src.va + 1, n);
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
	EXPECT_EQ(0, memcmp(dst + 4096 + 3, src + 1, n));
	EXPECT_EQ(0, memcmp(self->vram.cpu, src + 1, n));
	EXPECT_EQ(0, memcmp(dst + 4096 + 3 + n, before, 3));
}

TEST_F(kfd_sdma, const_fill)
{
	static const uint32_t bytes[] = { 4, 8, 60, 4096, 4100, 65536 };
	const uint32_t *dst = self->dst.cpu;
	uint32_t i, at = 4;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		sdma_fill(&self->q, self->dst.va + at, 0xc0ffee00 + i, bytes[i]);
		at += bytes[i] + 4;
	}
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
	for (i = 0, at = 4; i < ARRAY_SIZE(bytes); i++) {
		EXPECT_EQ(0, words_bad(dst + at / 4, bytes[i], 0xc0ffee00 + i));
		at += bytes[i] + 4;
		EXPECT_EQ(pattern(2, at / 4 - 1), dst[at / 4 - 1]);
	}
}

TEST_F(kfd_sdma, trap_raises_event)
{
	struct kfd *k = &self->e.k;
	struct kfd_event a, b, last;

	ASSERT_EQ(0, kfd_event_create(k, &a, KFD_IOC_EVENT_SIGNAL, true, &self->page));
	ASSERT_EQ(0, kfd_event_create(k, &b, KFD_IOC_EVENT_SIGNAL, true, NULL));
	ASSERT_EQ(0, kfd_event_create(k, &last, KFD_IOC_EVENT_SIGNAL, true, NULL));
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &a, 0, NULL));
	sdma_signal(&self->q, &self->page, &a);
	kfd_queue_submit(&self->q);
	EXPECT_EQ(0, kfd_event_wait(k, &a, WAIT_MS, NULL));
	/* interrupts of a GPU are dealt with in their order: none came before this one */
	sdma_signal(&self->q, &self->page, &last);
	kfd_queue_submit(&self->q);
	EXPECT_EQ(0, kfd_event_wait(k, &last, WAIT_MS, NULL));
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &b, 0, NULL));
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &a, 0, NULL));
}

TEST_F(kfd_sdma, timestamp_monotonic)
{
	/* 32-byte aligned each */
	volatile uint64_t *t = cell64(&self->e, 0);
	unsigned int i;

	for (i = 0; i < 32; i++)
		sdma_timestamp(&self->q, cell_va(&self->e, i * 4));
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
	EXPECT_NE(0, t[0]);
	for (i = 1; i < 32; i++)
		EXPECT_LE(t[(i - 1) * 4], t[i * 4]);
	sleep_ms(2);
	sdma_timestamp(&self->q, cell_va(&self->e, 32 * 4));
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
	EXPECT_LT(t[31 * 4], t[32 * 4]);
}

TEST_F(kfd_sdma, atomic_add64)
{
	struct kfd_queue other;
	unsigned int i;

	*cell64(&self->e, 0) = 0xfffffff0;
	*cell64(&self->e, 1) = 77;
	for (i = 0; i < 32; i++)
		sdma_atomic_add64(&self->q, cell_va(&self->e, 0), 1);
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
	EXPECT_EQ(0x100000010ULL, *cell64(&self->e, 0));
	EXPECT_EQ(77, *cell64(&self->e, 1));

	/* two queues at the same word: no increment is lost */
	ASSERT_EQ(0, kfd_queue_create(&self->e.k, &other, KFD_Q_SDMA, 0, 0));
	*(uint64_t *)self->vram.cpu = 0;
	for (i = 0; i < 500; i++) {
		sdma_atomic_add64(&self->q, self->vram.va, 3);
		sdma_atomic_add64(&other, self->vram.va, 0x100000000ULL);
	}
	kfd_queue_submit(&other);
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
	ASSERT_EQ(0, sdma_sync(&self->e, &other));
	EXPECT_EQ(1500 + (500ULL << 32), *(volatile uint64_t *)self->vram.cpu);
	EXPECT_EQ(0, kfd_queue_destroy(&self->e.k, &other));
}

TEST_F(kfd_sdma, poll_stalls_queue)
{
	volatile uint32_t *word = cell32(&self->e, 0), *after = cell32(&self->e, 1);

	*word = 0xab000000;
	*after = 0;
	sdma_poll_equal(&self->q, cell_va(&self->e, 0), 0x0042, 0xffff);
	sdma_fence(&self->q, cell_va(&self->e, 1), 1);
	kfd_queue_submit(&self->q);
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	EXPECT_EQ(0, *after);
	*word = 0xab000043;
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	EXPECT_EQ(0, *after);
	/* the upper half is not under the mask */
	*word = 0xcd000042;
	ASSERT_TRUE(kfd_wait32(after, 1, WAIT_MS));
}

TEST_F(kfd_sdma, indirect)
{
	struct kfd_bo *where[] = { &self->dst, &self->vram };
	struct kfd_queue ib;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(where); i++) {
		*cell64(&self->e, 0) = 0;
		*cell64(&self->e, 1) = 0;
		kfd_ib_begin(&ib, KFD_Q_SDMA, self->q.gfx_version, where[i]->cpu);
		sdma_nop(&ib, 5);
		sdma_copy(&ib, where[i]->va + 128 * KIB, self->src.va, 5000);
		sdma_fence(&ib, cell_va(&self->e, 0), 11);
		while (kfd_ib_dwords(&ib) % 8)
			sdma_nop(&ib, 1);
		/* what lies behind the IB's end must not run */
		sdma_indirect(&self->q, where[i]->va, kfd_ib_dwords(&ib));
		sdma_fence(&ib, cell_va(&self->e, 1), 12);
		sdma_copy(&self->q, where[i]->va + 192 * KIB, where[i]->va + 128 * KIB, 5000);
		ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
		EXPECT_EQ(11, *cell32(&self->e, 0));
		EXPECT_EQ(0, *cell32(&self->e, 1));
		EXPECT_EQ(0, memcmp((char *)where[i]->cpu + 192 * KIB, self->src.cpu, 5000));
	}
}

TEST_F(kfd_sdma, indirect_poll)
{
	volatile uint32_t *word = cell32(&self->e, 0), *inside = cell32(&self->e, 1);
	volatile uint32_t *after = cell32(&self->e, 2);
	struct kfd_queue ib;

	kfd_ib_begin(&ib, KFD_Q_SDMA, self->q.gfx_version, self->dst.cpu);
	sdma_atomic_add64(&ib, cell_va(&self->e, 3), 1);
	sdma_poll_equal(&ib, cell_va(&self->e, 0), 5, ~0u);
	sdma_fence(&ib, cell_va(&self->e, 1), 1);
	while (kfd_ib_dwords(&ib) % 8)
		sdma_nop(&ib, 1);
	sdma_indirect(&self->q, self->dst.va, kfd_ib_dwords(&ib));
	sdma_fence(&self->q, cell_va(&self->e, 2), 1);
	kfd_queue_submit(&self->q);
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	EXPECT_EQ(0, *inside);
	EXPECT_EQ(0, *after);
	*word = 5;
	ASSERT_TRUE(kfd_wait32(after, 1, WAIT_MS));
	EXPECT_EQ(1, *inside);
	/* what came before the poll ran once, not once per look */
	EXPECT_EQ(1, *cell64(&self->e, 3));
}

TEST_F(kfd_sdma, ring_wrap)
{
	const unsigned int packets = 12 * KFD_RING_SIZE / (4 * (4 + 61));
	uint32_t data[61], *dst = self->dst.cpu;
	unsigned int i, j, rows = BUF / sizeof(data);

	for (i = 0; i < packets; i++) {
		for (j = 0; j < ARRAY_SIZE(data); j++)
			data[j] = i << 8 | j;
		sdma_write(&self->q, self->dst.va + i % rows * sizeof(data), data,
			   ARRAY_SIZE(data));
		sdma_atomic_add64(&self->q, cell_va(&self->e, 0), i);
	}
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
	EXPECT_LT(10 * KFD_RING_SIZE, self->q.put);
	/* each packet once, and the last one for each row stands */
	EXPECT_EQ((uint64_t)packets * (packets - 1) / 2, *cell64(&self->e, 0));
	for (i = packets - rows; i < packets; i++)
		for (j = 0; j < ARRAY_SIZE(data); j++)
			ASSERT_EQ(i << 8 | j, dst[i % rows * ARRAY_SIZE(data) + j]);
}

TEST_F(kfd_sdma, rptr_is_reported)
{
	uint64_t last = 0;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		sdma_nop(&self->q, 1 + i % 7);
		sdma_fence(&self->q, cell_va(&self->e, 0), i);
		kfd_queue_submit(&self->q);
		ASSERT_EQ(0, kfd_queue_drain(&self->q, WAIT_MS));
		EXPECT_EQ(self->q.put, *self->q.rptr);
		EXPECT_LT(last, *self->q.rptr);
		last = *self->q.rptr;
	}
	EXPECT_TRUE(kfd_wait32(cell32(&self->e, 0), 99, WAIT_MS));
}

TEST_F(kfd_sdma, big_copy)
{
	const uint64_t size = 12 * MIB;
	struct kfd *k = &self->e.k;
	struct kfd_bo a, b, c;

	ASSERT_EQ(0, kfd_bo_create(k, &a, 0, 0, size, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_bo_create(k, &b, 0, 0, size, KFD_BO_VRAM, 1));
	ASSERT_EQ(0, kfd_bo_create(k, &c, 0, 0, size, KFD_BO_GTT, self->e.all));
	pattern_fill(a.cpu, size, 9);
	sdma_copy(&self->q, b.va, a.va, size);
	/* back with an odd shift, so that no chunk ends on a page */
	sdma_copy(&self->q, c.va, b.va + 4, size - 4);
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
	EXPECT_EQ(0, memcmp(c.cpu, (char *)a.cpu + 4, size - 4));
	EXPECT_EQ(0, kfd_bo_destroy(k, &a));
	EXPECT_EQ(0, kfd_bo_destroy(k, &b));
	EXPECT_EQ(0, kfd_bo_destroy(k, &c));
}

/* The queue leaves the engine again and again, wherever its commands are. */
TEST_F(kfd_sdma, left_in_the_middle)
{
	enum { COPIES = 4 };
	/* no multiple of a page, and an odd shift: no part ends where a page does */
	const uint64_t size = 8 * MIB + 4 * KIB, copied = size - 20;
	struct kfd *k = &self->e.k;
	unsigned int i, updates = 0, halfway = 0;
	struct kfd_bo a, b;
	uint64_t last;

	ASSERT_EQ(0, kfd_bo_create(k, &a, 0, 0, COPIES * size, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_bo_create(k, &b, 0, 0, COPIES * size, KFD_BO_VRAM, 1));
	pattern_fill(a.cpu, COPIES * size, 5);
	memset(b.cpu, 0, COPIES * size);
	for (i = 0; i < COPIES; i++)
		sdma_copy(&self->q, b.va + i * size + 12, a.va + i * size + 8, copied);
	sdma_fence(&self->q, cell_va(&self->e, 0), 1);
	kfd_queue_submit(&self->q);
	while (!*cell32(&self->e, 0)) {
		last = *self->q.rptr;
		ASSERT_EQ(0, kfd_queue_update(k, &self->q, 100, 7 + updates % 2));
		halfway += last == *self->q.rptr;
		ASSERT_GT(100000, ++updates);
	}
	TH_LOG("updated %u times, %u of them with the rptr where it was", updates, halfway);
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q));
	for (i = 0; i < COPIES; i++) {
		const char *from = (char *)a.cpu + i * size, *to = (char *)b.cpu + i * size;

		EXPECT_EQ(0, memcmp(to + 12, from + 8, copied));
		/* and nothing before or behind it */
		EXPECT_EQ(0, *(uint32_t *)(to + 8));
		EXPECT_EQ(0, *(uint32_t *)(to + 12 + copied));
	}
	EXPECT_EQ(0, kfd_bo_destroy(k, &a));
	EXPECT_EQ(0, kfd_bo_destroy(k, &b));
}

/* Two queues for every engine of every GPU, where it has them, all busy at once. */
TEST_F(kfd_sdma, many_queues)
{
	enum { MAX = 32, ROUNDS = 8 };
	struct kfd *k = &self->e.k;
	static struct kfd_queue q[MAX];
	const uint32_t size = 32 * KIB;
	unsigned int n = 0, g, i, r;
	struct kfd_bo src, dst;

	for (g = 0; g < k->ngpu; g++) {
		unsigned int want = k->gpu[g].num_sdma * 2;

		/* one is there already */
		if (!g && want > k->gpu[g].num_sdma_queues - 1)
			want = k->gpu[g].num_sdma_queues - 1;
		for (i = 0; i < want && i < 4 && n < MAX; i++, n++)
			ASSERT_EQ(0, kfd_queue_create(k, &q[n], KFD_Q_SDMA, g, 0));
	}
	ASSERT_LT(1, n);
	ASSERT_EQ(0, kfd_bo_create(k, &src, 0, 0, n * size, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_bo_create(k, &dst, 0, 0, n * size, KFD_BO_GTT, self->e.all));
	for (r = 0; r < ROUNDS; r++) {
		for (i = 0; i < n; i++)
			pattern_fill((char *)src.cpu + i * size, size, r << 8 | i);
		memset(dst.cpu, 0, n * size);
		for (i = 0; i < n; i++) {
			sdma_copy(&q[i], dst.va + i * size, src.va + i * size, size);
			sdma_fence(&q[i], cell_va(&self->e, i), r + 1);
		}
		for (i = 0; i < n; i++)
			kfd_queue_submit(&q[i]);
		for (i = 0; i < n; i++) {
			ASSERT_TRUE(kfd_wait32(cell32(&self->e, i), r + 1, WAIT_MS)) {
				TH_LOG("queue %u of %u, round %u", i, n, r);
			}
			ASSERT_EQ(0, pattern_bad((char *)dst.cpu + i * size, size, r << 8 | i));
		}
	}
	for (i = 0; i < n; i++)
		EXPECT_EQ(0, kfd_queue_destroy(k, &q[i]));
	EXPECT_EQ(0, kfd_bo_destroy(k, &src));
	EXPECT_EQ(0, kfd_bo_destroy(k, &dst));
}

TEST_F(kfd_sdma, destroy_while_stalled)
{
	struct kfd *k = &self->e.k;
	struct kfd_queue q;

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_SDMA, 0, 0));
	sdma_poll_equal(&q, cell_va(&self->e, 0), 1, ~0u);
	sdma_fence(&q, cell_va(&self->e, 1), 1);
	kfd_queue_submit(&q);
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
	/* nothing looks at the word any more, and the other queue goes on */
	*cell32(&self->e, 0) = 1;
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q, self->dst.va, self->src.va, BUF));
	EXPECT_EQ(0, pattern_bad(self->dst.cpu, BUF, 1));
	ASSERT_EQ(0, kfd_turns(&self->e.k, 1));
	EXPECT_EQ(0, *cell32(&self->e, 1));
}

TEST_F(kfd_sdma, destroy_while_busy)
{
	struct kfd *k = &self->e.k;
	struct kfd_queue q;
	unsigned int i, r;

	for (r = 0; r < 4; r++) {
		ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_SDMA, 0, 0));
		for (i = 0; i < 400; i++)
			sdma_copy(&q, self->vram.va, self->src.va, BUF);
		kfd_queue_submit(&q);
		EXPECT_EQ(0, kfd_queue_destroy(k, &q));
		/* its copies are over: what is written now stays */
		ASSERT_EQ(0, gpu_copy(&self->e, &self->q, self->vram.va, self->dst.va, BUF));
		ASSERT_EQ(0, kfd_turns(k, 1));
		EXPECT_EQ(0, pattern_bad(self->vram.cpu, BUF, 2));
	}
}

TEST_HARNESS_MAIN
