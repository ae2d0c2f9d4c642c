/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KFD capability tests share on top of kfd_lib.h and the kselftest
 * harness: an environment with all GPUs open, data patterns, and running SDMA
 * packets to completion.
 */
#ifndef KFD_TEST_H
#define KFD_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#ifdef KFD_TEST_NO_HARNESS		/* for programs with a main() of their own */
#include "../kselftest.h"
#else
#include "../kselftest_harness.h"
/* The limit of a test is there to end a hang: 30 seconds are little for an emulated machine. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	300
#endif
#include "kfd_lib.h"

/* Long enough for an emulated machine with every debug option, and for an eviction. */
#define WAIT_MS		60000u
/* How long a GPU page fault may take to become an event. */
#define FAULT_MS	60000u

#define KIB		1024UL
#define MIB		(1024UL * KIB)

/**
 * struct env - a KFD process for tests
 * @k: all GPUs open
 * @all: mask of all GPUs
 * @cell: 64 KiB of GTT on every GPU, for fences and other small things; the
 *	first page belongs to sdma_sync()
 * @sync: value of the last fence of sdma_sync()
 * @skip: why the tests cannot run here, or NULL
 */
struct env {
	struct kfd k;
	unsigned int all;
	struct kfd_bo cell;
	uint32_t sync;
	const char *skip;
};

/* 0 with @e->skip set where there is nothing to test with. */
static inline int env_open(struct env *e, unsigned int gpus)
{
	int r;

	memset(e, 0, sizeof(*e));
	r = kfd_open_all(&e->k);
	if (r == -ENOENT || r == -ENODEV || r == -ENXIO) {
		e->skip = "no KFD on this machine";
		return 0;
	}
	if (r)
		return r;
	if (e->k.ngpu < gpus) {
		e->skip = gpus > 1 ? "more GPUs needed" : "no GPU";
		return 0;
	}
	e->all = (1u << e->k.ngpu) - 1;
	r = kfd_bo_create(&e->k, &e->cell, 0, 0, 64 * KIB, KFD_BO_GTT, e->all);
	if (!r)
		memset(e->cell.cpu, 0, e->cell.size);
	return r;
}

static inline void env_close(struct env *e)
{
	kfd_bo_destroy(&e->k, &e->cell);
	kfd_close(&e->k);
}

/* Address and CPU pointer of 64-bit word @i of the cell, behind sdma_sync()'s page. */
static inline uint64_t cell_va(const struct env *e, unsigned int i)
{
	return e->cell.va + KFD_PAGE + i * 8;
}

static inline volatile uint64_t *cell64(const struct env *e, unsigned int i)
{
	return (uint64_t *)((char *)e->cell.cpu + KFD_PAGE) + i;
}

static inline volatile uint32_t *cell32(const struct env *e, unsigned int i)
{
	return (uint32_t *)cell64(e, i);
}

/* Word @i of the pattern @seed; two seeds differ in every word. */
static inline uint32_t pattern(uint32_t seed, uint64_t i)
{
	return (seed * 0x9e3779b1u) ^ (uint32_t)(i * 0x01000193u);
}

static inline void pattern_fill(void *p, uint64_t bytes, uint32_t seed)
{
	uint32_t *w = p;
	uint64_t i;

	for (i = 0; i < bytes / 4; i++)
		w[i] = pattern(seed, i);
}

/* Number of words that are not what pattern_fill() wrote. */
static inline uint64_t pattern_bad(const void *p, uint64_t bytes, uint32_t seed)
{
	const uint32_t *w = p;
	uint64_t i, bad = 0;

	for (i = 0; i < bytes / 4; i++)
		bad += w[i] != pattern(seed, i);
	return bad;
}

/* Number of words that are not @value. */
static inline uint64_t words_bad(const void *p, uint64_t bytes, uint32_t value)
{
	const uint32_t *w = p;
	uint64_t i, bad = 0;

	for (i = 0; i < bytes / 4; i++)
		bad += w[i] != value;
	return bad;
}

/* Submit what was built and wait until all of it has had its effect. */
static inline int sdma_sync(struct env *e, struct kfd_queue *q)
{
	sdma_fence(q, e->cell.va, ++e->sync);
	kfd_queue_submit(q);
	if (q->overrun)
		return -EOVERFLOW;
	return kfd_wait32(e->cell.cpu, e->sync, WAIT_MS) ? 0 : -ETIMEDOUT;
}

/*
 * Another process has each GPU have its turn, see kfd_turns(): for queues of this one that
 * met a fault, which none of its own comes after.
 */
static inline int others_turn(void)
{
	struct kfd k;
	int status, r;
	pid_t pid = fork();

	if (!pid) {
		r = kfd_open_all(&k);
		_exit(r ? -r : -kfd_turns(&k, (1u << k.ngpu) - 1));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

/* Let @q's GPU copy, and wait for it. */
static inline int gpu_copy(struct env *e, struct kfd_queue *q, uint64_t dst, uint64_t src,
			   uint32_t bytes)
{
	sdma_copy(q, dst, src, bytes);
	return sdma_sync(e, q);
}

/*
 * Wait for the memory exception @ev.  0 when it came for @gpu and the page of
 * @va, -ENXIO for another GPU, -EFAULT for another page.
 */
static inline int wait_fault(struct env *e, struct kfd_event *ev, unsigned int gpu, uint64_t va,
			     struct kfd_memory_exception_failure *how)
{
	struct kfd_event_data data;
	int r = kfd_event_wait(&e->k, ev, FAULT_MS, &data);

	if (r)
		return r;
	if (how)
		*how = data.memory_exception_data.failure;
	if (data.memory_exception_data.gpu_id != e->k.gpu[gpu].gpu_id)
		return -ENXIO;
	return (data.memory_exception_data.va ^ va) / KFD_PAGE ? -EFAULT : 0;
}

/* What the driver tells about @gpu: a descriptor for smi_count(), or negative errno. */
static inline int smi_open(struct kfd *k, unsigned int gpu)
{
	struct kfd_ioctl_smi_events_args args = { .gpuid = k->gpu[gpu].gpu_id };
	uint64_t mask = KFD_SMI_EVENT_MASK_FROM_INDEX(KFD_SMI_EVENT_QUEUE_EVICTION) |
			KFD_SMI_EVENT_MASK_FROM_INDEX(KFD_SMI_EVENT_MIGRATE_END);

	if (ioctl(k->fd, AMDKFD_IOC_SMI_EVENTS, &args))
		return -errno;
	if (write(args.anon_fd, &mask, sizeof(mask)) != sizeof(mask)) {
		close(args.anon_fd);
		return -EIO;
	}
	return args.anon_fd;
}

/* Consume what has come in, count events of kind @event whose trigger is @trigger. */
static inline unsigned int smi_count(int fd, unsigned int event, unsigned int trigger)
{
	static char buf[64 * KIB];
	ssize_t len, got = 0;
	unsigned int n = 0;
	char *line, *save;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (got < (ssize_t)sizeof(buf) - 1) {
		len = read(fd, buf + got, sizeof(buf) - 1 - got);
		if (len <= 0)
			break;
		got += len;
	}
	buf[got] = 0;
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		/* the trigger comes last in both kinds that smi_open() asks for */
		char *last = strrchr(line, ' ');

		if (last && strtoul(line, NULL, 16) == event && strtoul(last, NULL, 10) == trigger)
			n++;
	}
	return n;
}

static inline void sleep_ms(unsigned int ms)
{
	usleep(ms * 1000);
}

static inline uint64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

#endif
