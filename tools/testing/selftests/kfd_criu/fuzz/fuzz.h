/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the fuzzer share: what it checks with, and its counters.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <linux/types.h>
#include <uapi/linux/kfd_ioctl.h>
#include "kfd_criu_image.h"
#include "call.h"

/* Says what does not hold, and is an input to keep. */
#define MUST(what) do {							\
	if (!(what)) {							\
		fprintf(stderr, "%s:%d: %s: this does not hold: %s\n",	\
			__FILE__, __LINE__, __func__, #what);		\
		abort();						\
	}								\
} while (0)

/* Bytes of control stack that a compute queue has on the GPU that an image is restored on. */
#define GPU_CTL_STACK_SIZE	(7 * SZ_4K)

#define DEVICE_SIZE	sizeof(struct kfd_criu_device_bucket)
#define BO_SIZE		sizeof(struct kfd_criu_bo_bucket)

enum counter {
	IMAGES,
	VERSION_1,
	VERIFIED,
	ACCEPTED,
	ACCEPTED_VERSION_1,
	CONSISTENT,
	WRITTEN_VERSION_1,
	MQDS,
	INVALID,
	EXISTS,
	UNKNOWN,
	NO_MEMORY,
	COUNTERS,
};

/* In a file that all processes of a run map, KFD_FUZZ_COUNTERS. */
extern u64 *counters;

static inline void count(enum counter counter)
{
	if (counters)
		__atomic_fetch_add(&counters[counter], 1, __ATOMIC_RELAXED);
}

/* An image that was opened, or refused. */
struct opened {
	struct kfd_criu_image img;
	struct kfd_criu_complaint why;
	int err;
};

static inline const struct kfd_criu_queue_record *first_queue(const struct kfd_criu_image *img)
{
	return kfd_criu_image_next_queue(img, NULL);
}

/* harness.c */
void *copy(const void *from, size_t size);
void open_version_2(struct opened *o, const void *image, size_t size);

/* contract.c */
void check_contract(const struct kfd_criu_image *img);

/* rewrite.c */
void finish_as_opened(const void *image, size_t size, const struct opened *o);
size_t write_again(const struct kfd_criu_image *img);
void write_short(const struct kfd_criu_image *img, size_t size);
void write_version_1(const struct kfd_criu_image *img);

/* seeds.c */
void seeds_write(const char *folder);

/* What libFuzzer calls, beside the mutations. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#endif
