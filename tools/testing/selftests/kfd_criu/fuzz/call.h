/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The form of a fuzzer's input, and those who change it: mutate.c has the mutations, for
 * libFuzzer in user space and for kfd_criu_fuzz.c in front of the ioctl.
 */
#ifndef FUZZ_CALL_H
#define FUZZ_CALL_H

#include <stddef.h>
#include <stdint.h>
#include <linux/types.h>

/**
 * struct call - an input: what RESTORE is given
 * @num_devices: buckets of devices that follow
 * @num_bos: buckets of BOs that follow these
 * @num_objects: queues, events and ranges, as the caller says
 * @chance: bits 0 to 2, which allocation is to fail when the image is opened first, 0 for
 *	none; bits 3 to 5, a machine with pages of 64 KiB if 0; modulo the size of the
 *	image, how much room it finds when it is written
 *
 * What is left of the input is the image. Numbers that the input is too short for
 * mean as many as there are.
 */
struct call {
	__u32 num_devices;
	__u32 num_bos;
	__u32 num_objects;
	__u32 chance;
};

/* What libFuzzer calls, */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max_size, unsigned int seed);
/* and what it offers: mutations that know nothing of images. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#endif
