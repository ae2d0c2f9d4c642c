// SPDX-License-Identifier: GPL-2.0
/*
 * KFD events: set and waited for by the CPU, raised by every kind of queue.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include "kfd_test.h"

FIXTURE(kfd_event)
{
	struct env e;
	struct kfd_bo page;
	struct kfd_event first;
};

FIXTURE_SETUP(kfd_event)
{
	struct kfd *k = &self->e.k;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	ASSERT_EQ(0, kfd_event_page(k, &self->page, 0));
	ASSERT_EQ(0, kfd_event_create(k, &self->first, KFD_IOC_EVENT_SIGNAL, true, &self->page));
}

FIXTURE_TEARDOWN(kfd_event)
{
	env_close(&self->e);
}

TEST_F(kfd_event, auto_reset)
{
	struct kfd *k = &self->e.k;

	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &self->first, 10, NULL));
	ASSERT_EQ(0, kfd_event_set(k, &self->first));
	/* set twice is set once */
	ASSERT_EQ(0, kfd_event_set(k, &self->first));
	EXPECT_EQ(0, kfd_event_wait(k, &self->first, 0, NULL));
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &self->first, 10, NULL));
	ASSERT_EQ(0, kfd_event_set(k, &self->first));
	ASSERT_EQ(0, kfd_event_reset(k, &self->first));
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &self->first, 10, NULL));
}

TEST_F(kfd_event, manual_reset)
{
	struct kfd *k = &self->e.k;
	struct kfd_event ev;

	ASSERT_EQ(0, kfd_event_create(k, &ev, KFD_IOC_EVENT_SIGNAL, false, NULL));
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &ev, 10, NULL));
	ASSERT_EQ(0, kfd_event_set(k, &ev));
	EXPECT_EQ(0, kfd_event_wait(k, &ev, 0, NULL));
	EXPECT_EQ(0, kfd_event_wait(k, &ev, 0, NULL));
	ASSERT_EQ(0, kfd_event_reset(k, &ev));
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &ev, 10, NULL));
	EXPECT_EQ(0, kfd_event_destroy(k, &ev));
}

TEST_F(kfd_event, wait_any_and_all)
{
	enum { N = 8 };
	struct kfd_event_data data[N];
	struct kfd *k = &self->e.k;
	struct kfd_event ev[N];
	unsigned int i;

	for (i = 0; i < N; i++)
		ASSERT_EQ(0, kfd_event_create(k, &ev[i], KFD_IOC_EVENT_SIGNAL, false, NULL));
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait_many(k, ev, N, false, 10, data));
	for (i = 0; i < N; i++) {
		/* all only with the last one, any from the first one on */
		EXPECT_EQ(-ETIMEDOUT, kfd_event_wait_many(k, ev, N, true, 10, data));
		ASSERT_EQ(0, kfd_event_set(k, &ev[(i * 3) % N]));
		EXPECT_EQ(0, kfd_event_wait_many(k, ev, N, false, 0, data));
	}
	EXPECT_EQ(0, kfd_event_wait_many(k, ev, N, true, 0, data));
	ASSERT_EQ(0, kfd_event_reset(k, &ev[4]));
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait_many(k, ev, N, true, 10, data));
}

TEST_F(kfd_event, ids_that_are_none)
{
	struct kfd *k = &self->e.k;
	struct kfd_event none = { .id = 4095 }, ev;

	EXPECT_EQ(-EINVAL, kfd_event_set(k, &none));
	EXPECT_EQ(-EINVAL, kfd_event_reset(k, &none));
	EXPECT_EQ(-EINVAL, kfd_event_destroy(k, &none));
	EXPECT_EQ(-EINVAL, kfd_event_wait(k, &none, 0, NULL));
	ASSERT_EQ(0, kfd_event_create(k, &ev, KFD_IOC_EVENT_SIGNAL, true, NULL));
	ASSERT_EQ(0, kfd_event_destroy(k, &ev));
	EXPECT_EQ(-EINVAL, kfd_event_destroy(k, &ev));
	EXPECT_EQ(-EINVAL, kfd_event_set(k, &ev));
	/* one bad id in a list does not take the good one's signal away */
	ASSERT_EQ(0, kfd_event_set(k, &self->first));
	EXPECT_EQ(0, kfd_event_wait(k, &self->first, 0, NULL));
}

/* The page is pinned for the process' life, and there is one only. */
TEST_F(kfd_event, signal_page_stays)
{
	struct kfd_ioctl_free_memory_of_gpu_args args = { .handle = self->page.handle };
	struct kfd *k = &self->e.k;
	struct kfd_queue q;
	struct kfd_event ev;

	EXPECT_EQ(-1, ioctl(k->fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args));
	EXPECT_EQ(EPERM, errno);
	EXPECT_GT(0, kfd_event_create(k, &ev, KFD_IOC_EVENT_SIGNAL, true, &self->page));
	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_SDMA, 0, 0));
	sdma_signal(&q, &self->page, &self->first);
	kfd_queue_submit(&q);
	EXPECT_EQ(0, kfd_event_wait(k, &self->first, WAIT_MS, NULL));
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
}

TEST_F(kfd_event, as_many_as_there_are_slots)
{
	static struct kfd_event ev[KFD_SIGNAL_EVENT_LIMIT];
	static struct kfd_event_data data[KFD_SIGNAL_EVENT_LIMIT];
	static bool seen[KFD_SIGNAL_EVENT_LIMIT];
	static const unsigned int probe[] = { 0, 1, 255, 256, 257, 1000, 2047, 2048 };
	struct kfd *k = &self->e.k;
	struct kfd_queue q;
	unsigned int n, i;
	int r = 0;

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_SDMA, 0, 0));
	for (n = 0; n < KFD_SIGNAL_EVENT_LIMIT; n++) {
		r = kfd_event_create(k, &ev[n], KFD_IOC_EVENT_SIGNAL, true, NULL);
		if (r)
			break;
		ASSERT_LT(ev[n].id, KFD_SIGNAL_EVENT_LIMIT);
		ASSERT_FALSE(seen[ev[n].id]);
		seen[ev[n].id] = true;
	}
	EXPECT_EQ(-ENOSPC, r);
	/* id 0 is never given out, and one event is in the fixture */
	EXPECT_EQ(KFD_SIGNAL_EVENT_LIMIT - 2, n);
	for (i = 0; i <= ARRAY_SIZE(probe); i++) {
		struct kfd_event *hit = i < ARRAY_SIZE(probe) ? &ev[probe[i]] : &ev[n - 1];
		struct kfd_event *next = hit == &ev[n - 1] ? hit - 1 : hit + 1;

		sdma_signal(&q, &self->page, hit);
		kfd_queue_submit(&q);
		EXPECT_EQ(0, kfd_event_wait(k, hit, WAIT_MS, NULL));
		EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, next, 0, NULL));
	}
	/* a wait for all of them at once */
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait_many(k, ev, n, false, 1, data));
	sdma_signal(&q, &self->page, &ev[n / 2]);
	kfd_queue_submit(&q);
	EXPECT_EQ(0, kfd_event_wait_many(k, ev, n, false, WAIT_MS, data));
	/* a slot that is given back can be had again */
	ASSERT_EQ(0, kfd_event_destroy(k, &ev[300]));
	EXPECT_EQ(0, kfd_event_create(k, &ev[300], KFD_IOC_EVENT_SIGNAL, true, NULL));
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
}

struct waiter {
	struct kfd *k;
	struct kfd_event *ev;
	unsigned int n;
	bool all;
	int result;
	pid_t tid;
};

static void *wait_thread(void *arg)
{
	struct kfd_event_data data[4];
	struct waiter *w = arg;

	__atomic_store_n(&w->tid, gettid(), __ATOMIC_SEQ_CST);
	/* without an end, or the end would look at the events once more and find them as good */
	w->result = kfd_event_wait_many(w->k, w->ev, w->n, w->all, UINT32_MAX, data);
	return NULL;
}

/* A thread that sleeps has nothing else to do than to wait; false if it never does. */
static bool is_waiting(struct waiter *w)
{
	uint64_t end = clock_ms() + WAIT_MS;
	char path[64], state = 0;
	FILE *f;

	do {
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat",
			 __atomic_load_n(&w->tid, __ATOMIC_SEQ_CST));
		f = fopen(path, "re");
		if (f) {
			if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
				state = 0;
			fclose(f);
		}
	} while (state != 'S' && clock_ms() < end && !usleep(1000));
	return state == 'S';
}

TEST_F(kfd_event, set_wakes_a_waiter)
{
	struct waiter w = { .k = &self->e.k, .ev = &self->first, .n = 1, .result = 1 };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_thread, &w));
	ASSERT_TRUE(is_waiting(&w));
	ASSERT_EQ(0, kfd_event_set(&self->e.k, &self->first));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, w.result);
	/* the waiter took it */
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(&self->e.k, &self->first, 0, NULL));
}

TEST_F(kfd_event, destroy_while_waited_for)
{
	struct kfd *k = &self->e.k;
	struct kfd_event ev[2];
	struct waiter w = { .k = k, .ev = ev, .n = 2, .result = 1 };
	pthread_t thread;

	ASSERT_EQ(0, kfd_event_create(k, &ev[0], KFD_IOC_EVENT_SIGNAL, true, NULL));
	ASSERT_EQ(0, kfd_event_create(k, &ev[1], KFD_IOC_EVENT_SIGNAL, true, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_thread, &w));
	ASSERT_TRUE(is_waiting(&w));
	ASSERT_EQ(0, kfd_event_destroy(k, &ev[0]));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(-EIO, w.result);
	/* the other one works as before */
	ASSERT_EQ(0, kfd_event_set(k, &ev[1]));
	EXPECT_EQ(0, kfd_event_wait(k, &ev[1], 0, NULL));
}

TEST_F(kfd_event, every_queue_kind_on_every_gpu)
{
	enum { PER_GPU = 3, MAX = PER_GPU * KFD_MAX_GPUS };
	struct kfd *k = &self->e.k;
	struct kfd_queue q[MAX];
	struct kfd_event ev[MAX];
	struct kfd_event_data data[MAX];
	struct hsa_signal *sig = (void *)cell64(&self->e, 0);
	uint64_t none[5] = { 0 };
	unsigned int i, j, n = 0, g, r;

	for (g = 0; g < k->ngpu; g++) {
		for (i = 0; i < PER_GPU; i++, n++) {
			ASSERT_EQ(0, kfd_queue_create(k, &q[n], KFD_Q_SDMA + i, g, 0));
			ASSERT_EQ(0, kfd_event_create(k, &ev[n], KFD_IOC_EVENT_SIGNAL, true, NULL));
		}
	}
	for (r = 0; r < 3; r++) {
		for (i = 0; i < n; i++) {
			switch (q[i].kind) {
			case KFD_Q_SDMA:
				sdma_signal(&q[i], &self->page, &ev[i]);
				break;
			case KFD_Q_AQL:
				hsa_signal_init(&sig[i], 1, &self->page, &ev[i]);
				aql_barrier_and(&q[i], none,
						cell_va(&self->e, 0) + i * sizeof(*sig));
				break;
			case KFD_Q_PM4:
				pm4_release_mem(&q[i], kfd_event_slot(&self->page, &ev[i]),
						ev[i].id, ev[i].id);
				break;
			}
			/* one at a time: nobody else's event comes */
			kfd_queue_submit(&q[i]);
			ASSERT_EQ(0, kfd_event_wait(k, &ev[i], WAIT_MS, NULL)) {
				TH_LOG("queue kind %d on GPU %u", q[i].kind, q[i].gpu);
			}
			for (j = 0; j < n; j++)
				ASSERT_EQ(-ETIMEDOUT, kfd_event_wait(k, &ev[j], 0, NULL));
		}
	}
	/* and all at once */
	for (i = 0; i < n; i++) {
		if (q[i].kind == KFD_Q_SDMA)
			sdma_signal(&q[i], &self->page, &ev[i]);
		else if (q[i].kind == KFD_Q_PM4)
			pm4_release_mem(&q[i], kfd_event_slot(&self->page, &ev[i]),
					ev[i].id, ev[i].id);
		else
			aql_barrier_and(&q[i], none, cell_va(&self->e, 0) + i * sizeof(*sig));
	}
	for (i = 0; i < n; i++)
		kfd_queue_submit(&q[i]);
	EXPECT_EQ(0, kfd_event_wait_many(k, ev, n, true, WAIT_MS, data));
	for (i = 0; i < n; i++)
		EXPECT_EQ(0, kfd_queue_destroy(k, &q[i]));
}

/* The GPU raises it many times, faster than anyone waits: none is lost for good. */
TEST_F(kfd_event, raised_in_a_row)
{
	struct kfd *k = &self->e.k;
	struct kfd_event last;
	struct kfd_queue q;
	unsigned int i;

	ASSERT_EQ(0, kfd_queue_create(k, &q, KFD_Q_SDMA, 0, 0));
	for (i = 0; i < 200; i++)
		sdma_signal(&q, &self->page, &self->first);
	ASSERT_EQ(0, sdma_sync(&self->e, &q));
	EXPECT_EQ(0, kfd_event_wait(k, &self->first, WAIT_MS, NULL));
	/* interrupts of a GPU are dealt with in their order: this is the last one */
	ASSERT_EQ(0, kfd_event_create(k, &last, KFD_IOC_EVENT_SIGNAL, true, NULL));
	sdma_signal(&q, &self->page, &last);
	kfd_queue_submit(&q);
	EXPECT_EQ(0, kfd_event_wait(k, &last, WAIT_MS, NULL));
	kfd_event_wait(k, &self->first, 0, NULL);
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(k, &self->first, 0, NULL));
	for (i = 0; i < 50; i++) {
		sdma_signal(&q, &self->page, &self->first);
		kfd_queue_submit(&q);
		ASSERT_EQ(0, kfd_event_wait(k, &self->first, WAIT_MS, NULL));
	}
	EXPECT_EQ(0, kfd_queue_destroy(k, &q));
}

TEST_HARNESS_MAIN
