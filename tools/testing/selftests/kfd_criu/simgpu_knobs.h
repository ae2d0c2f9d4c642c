/* SPDX-License-Identifier: GPL-2.0 */
/* Knobs of the simulated GPU, see Documentation/gpu/amdgpu/simgpu.rst. */
#ifndef SIMGPU_KNOBS_H
#define SIMGPU_KNOBS_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../kselftest.h"
#include "kfd_reset.h"

/* Directory of a GPU's knobs. */
static inline bool knob_dir(const struct kfd_gpu *gpu, char *dir, size_t len)
{
	return gpu_debugfs(gpu, "simgpu", dir, len);
}

static inline int64_t knob_get(const char *dir, const char *name)
{
	char path[256];
	long long value;
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	n = fscanf(f, "%lld", &value);
	fclose(f);
	return n == 1 ? value : -EIO;
}

static inline int knob_set(const char *dir, const char *name, uint64_t value)
{
	char path[256], text[24];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)value);
	return kfd_write_text(path, text);
}

static const char * const failures[] = {
	"fail_bo_alloc", "fail_map", "fail_queue_load", "fail_preempt", "fail_preempt_sdma",
	"fail_fence", "fail_nth",
};

/* Which of them the one of fail_nth was: its number, -ENOENT for none, or another errno. */
static inline int knob_failed(const char *dir)
{
	char path[256], name[32];
	unsigned int i;
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "%s/fail_nth", dir);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	n = fscanf(f, "%*u %31s", name);
	fclose(f);
	if (n != 1)
		return -ENOENT;
	for (i = 0; i < ARRAY_SIZE(failures); i++)
		if (!strcmp(failures[i], name))
			return i;
	return -EINVAL;
}

static inline int knobs_reset(const char *dir)
{
	unsigned int i;
	int r = knob_set(dir, "rings_paused", 0);

	if (!r)
		r = knob_set(dir, "fence_delay_us", 0);
	if (!r)
		r = knob_set(dir, "reset_held", 0);
	for (i = 0; !r && i < ARRAY_SIZE(failures); i++)
		r = knob_set(dir, failures[i], 0);
	return r;
}

/**
 * struct held_reset - a reset that stands in the middle
 * @gpu: of which GPU
 * @dir: its knobs
 * @result: how it went
 * @over: it is done
 * @thread: sits in it
 */
struct held_reset {
	const struct kfd_gpu *gpu;
	const char *dir;
	int result;
	bool over;
	pthread_t thread;
};

static inline void *held_reset_main(void *arg)
{
	struct held_reset *reset = arg;

	reset->result = gpu_reset(reset->gpu);
	__atomic_store_n(&reset->over, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static inline bool held_reset_over(struct held_reset *reset)
{
	return __atomic_load_n(&reset->over, __ATOMIC_SEQ_CST);
}

/* Let go of it, and wait for its end.  Return what gpu_reset() did. */
static inline int held_reset_end(struct held_reset *reset)
{
	int r = knob_set(reset->dir, "reset_held", 0);

	pthread_join(reset->thread, NULL);
	return r ? r : reset->result;
}

/* Have a reset of @gpu begin and wait for it to be in the middle: 0 or an errno. */
static inline int held_reset_begin(struct held_reset *reset, const struct kfd_gpu *gpu,
				   const char *dir, unsigned int wait_ms)
{
	int64_t before = knob_get(dir, "resets");
	unsigned int ms;
	int r;

	if (before < 0)
		return before;
	*reset = (struct held_reset) { .gpu = gpu, .dir = dir };
	r = knob_set(dir, "reset_held", 1);
	if (r)
		return r;
	r = -pthread_create(&reset->thread, NULL, held_reset_main, reset);
	if (r) {
		knob_set(dir, "reset_held", 0);
		return r;
	}
	for (ms = 0; ms < wait_ms && !held_reset_over(reset); ms++) {
		if (knob_get(dir, "resets") > before)
			return 0;
		usleep(1000);
	}
	r = held_reset_end(reset);
	return r ? r : -ETIMEDOUT;
}

#endif
