/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inputs that are being changed.
 */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include "kernel.h"
#include "fuzz.h"

#define MAX_DEVICES	80
#define MAX_BOS		512
#define MAX_RECORDS	1200
#define ROOM		(4 * SZ_64K)

/**
 * struct draft - an input that is being changed
 * @call: numbers of the next two
 * @devices: buckets
 * @bos: buckets
 * @image: the image
 * @size: its bytes
 * @at: where its records begin, or in version 1 its objects
 * @records: how many
 */
struct draft {
	struct call call;
	struct kfd_criu_device_bucket devices[MAX_DEVICES];
	struct kfd_criu_bo_bucket bos[MAX_BOS];
	u8 image[ROOM] __attribute__((aligned(8)));
	size_t size;
	u32 at[MAX_RECORDS];
	u32 records;
};

struct field {
	u16 offset;
	u16 size;
};

#define FIELD(record, member)						\
	{ offsetof(struct kfd_criu_##record, member),			\
	  sizeof_field(struct kfd_criu_##record, member) }

/* mutate.c */
u32 chance(u32 n);
u64 near(u64 limit);
u64 get(const void *object, struct field field);
void set(void *object, struct field field, u64 value);
void change(void *object, struct field field);
bool insert(struct draft *d, size_t at, const void *from, size_t size);
void cut(struct draft *d, size_t at, size_t size);
bool repeat(struct draft *d, size_t at, size_t size, size_t to);
void move(struct draft *d, size_t at, size_t size, size_t to);
void mutate_bytes(struct draft *d);
void mutate_end(struct draft *d);
void mutate_call(struct draft *d);
void mutate_mqd(void *mqd, size_t size, u64 ring_size, u32 ctl_stack_size, u32 cwsr_size);
void set_devices(struct draft *d, u32 n);

void mutate_version_1(struct draft *d);
void mutate_version_2(struct draft *d);
void cross_version_2(struct draft *d, struct draft *from);

#endif
