// SPDX-License-Identifier: GPL-2.0
/*
 * Mutations that know what an image is made of: fields, entries of tables, records,
 * and objects of version 1. What they would break on the way is mended most of the
 * time, lengths, numbers and the checksum: else the verifier would say no to the first
 * word of nearly all that it gets, and nothing behind it would be tried.
 */
#include "mutate.h"
#include "kfd_criu_mqd.h"

static struct draft draft, other;
static u64 state;

/* xorshift64*: below @n */
u32 chance(u32 n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dULL >> 32) % n;
}

static u64 any_u64(void)
{
	return (u64)chance(U32_MAX) << 32 | chance(U32_MAX);
}

/* Limits of the format, and of the machine. */
static const u64 limits[] = {
	0, 1, 2, 3, 4, 7, 8, 9, 12, 15, 16, 24, 32, 48, 56, 63, 64, 65, 100, 101, 104, 120, 127,
	128, 255, 256, 257, 511, 512, 520, 1023, 1024, 1025, 2047, 2048, 4095, 4096, 4097, 8192,
	32760, 32768, 32776, 65535, 65536, 65537, 0x3fffffff, 0x40000000, 0x40000001,
	0x7ffffffe, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffff8, 0xffffffff, 0x100000000,
	0x100000001,
	0x7f0000000000, 0x7ffffffff000, BIT_ULL(51), BIT_ULL(52) - 1, BIT_ULL(52),
	BIT_ULL(52) + 1, BIT_ULL(63), U64_MAX - 7, U64_MAX,
};

static u64 new_value(u64 old, u32 size)
{
	switch (chance(9)) {
	case 0:
	case 1:
		return limits[chance(ARRAY_SIZE(limits))];
	case 2:
		return old + 1;
	case 3:
		return old - 1;
	case 4:
		return old ^ BIT_ULL(chance(8 * size));
	case 5:
		return chance(16);
	case 6:
		return BIT_ULL(chance(64)) + chance(3) - 1;
	case 7:
		return chance(2) ? old * 2 : old / 2;
	default:
		return any_u64();
	}
}

/* Near a limit that another field sets. */
u64 near(u64 limit)
{
	return limit + chance(3) - 1;
}

u64 get(const void *object, struct field field)
{
	u64 value = 0;

	memcpy(&value, object + field.offset, field.size);
	return value;
}

void set(void *object, struct field field, u64 value)
{
	memcpy(object + field.offset, &value, field.size);
}

void change(void *object, struct field field)
{
	set(object, field, new_value(get(object, field), field.size));
}

/* --- inputs as bytes, and as parts --- */

static bool decode(struct draft *d, const u8 *data, size_t size)
{
	if (size < sizeof(d->call) || size > ROOM / 2)
		return false;
	memcpy(&d->call, data, sizeof(d->call));
	data += sizeof(d->call);
	size -= sizeof(d->call);
	d->call.num_devices = min_t(size_t, d->call.num_devices, size / DEVICE_SIZE);
	d->call.num_devices = min_t(u32, d->call.num_devices, MAX_DEVICES);
	memcpy(d->devices, data, d->call.num_devices * DEVICE_SIZE);
	data += d->call.num_devices * DEVICE_SIZE;
	size -= d->call.num_devices * DEVICE_SIZE;
	d->call.num_bos = min_t(size_t, d->call.num_bos, size / BO_SIZE);
	d->call.num_bos = min_t(u32, d->call.num_bos, MAX_BOS);
	memcpy(d->bos, data, d->call.num_bos * BO_SIZE);
	data += d->call.num_bos * BO_SIZE;
	size -= d->call.num_bos * BO_SIZE;
	memcpy(d->image, data, size);
	d->size = size;
	return true;
}

static size_t encode(const struct draft *d, u8 *data, size_t max_size)
{
	size_t devices = d->call.num_devices * DEVICE_SIZE, bos = d->call.num_bos * BO_SIZE;
	size_t size = sizeof(d->call) + devices + bos + d->size;

	if (size > max_size)
		return 0;
	memcpy(data, &d->call, sizeof(d->call));
	data += sizeof(d->call);
	memcpy(data, d->devices, devices);
	data += devices;
	memcpy(data, d->bos, bos);
	data += bos;
	memcpy(data, d->image, d->size);
	return size;
}

bool insert(struct draft *d, size_t at, const void *from, size_t size)
{
	if (at > d->size || size > ROOM - d->size)
		return false;
	memmove(d->image + at + size, d->image + at, d->size - at);
	if (from)
		memcpy(d->image + at, from, size);
	else
		memset(d->image + at, 0, size);
	d->size += size;
	return true;
}

void cut(struct draft *d, size_t at, size_t size)
{
	memmove(d->image + at, d->image + at + size, d->size - at - size);
	d->size -= size;
}

/* The same bytes once more, at another place, which may be behind the old one. */
bool repeat(struct draft *d, size_t at, size_t size, size_t to)
{
	static u8 buf[ROOM];

	memcpy(buf, d->image + at, size);
	return insert(d, to, buf, size);
}

void move(struct draft *d, size_t at, size_t size, size_t to)
{
	if (repeat(d, at, size, to))
		cut(d, to <= at ? at + size : at, size);
}

/* Changes for any version. */
void mutate_bytes(struct draft *d)
{
	d->size = LLVMFuzzerMutate(d->image, d->size, min_t(size_t, d->size + 64, ROOM));
}

void mutate_end(struct draft *d)
{
	size_t n = 1 + chance(chance(4) ? 16 : 1024);

	if (chance(2))
		d->size -= min_t(size_t, n, d->size);
	else
		insert(d, d->size, NULL, n);
}

/* New ones hold nothing of an earlier input: who has the seed can have the same again. */
void set_devices(struct draft *d, u32 n)
{
	for (; d->call.num_devices < n; d->call.num_devices++)
		memset(&d->devices[d->call.num_devices], 0, DEVICE_SIZE);
	d->call.num_devices = n;
}

void mutate_call(struct draft *d)
{
	static const struct field device_bucket[] = {
		FIELD(device_bucket, user_gpu_id), FIELD(device_bucket, actual_gpu_id),
	};
	static const struct field bo_bucket[] = {
		FIELD(bo_bucket, addr), FIELD(bo_bucket, size), FIELD(bo_bucket, gpu_id),
		FIELD(bo_bucket, alloc_flags),
	};

	switch (chance(7)) {
	case 0:
		if (d->call.num_devices)
			change(&d->devices[chance(d->call.num_devices)],
			       device_bucket[chance(ARRAY_SIZE(device_bucket))]);
		break;
	case 1:
	case 2:
		if (d->call.num_bos)
			change(&d->bos[chance(d->call.num_bos)],
			       bo_bucket[chance(ARRAY_SIZE(bo_bucket))]);
		break;
	case 3:
		d->call.num_objects = new_value(d->call.num_objects, 4);
		break;
	case 4:
		if (d->call.num_devices < MAX_DEVICES)
			memset(&d->devices[d->call.num_devices++], chance(256), DEVICE_SIZE);
		break;
	case 5:
		if (d->call.num_bos < MAX_BOS)
			memset(&d->bos[d->call.num_bos++], chance(256), BO_SIZE);
		break;
	case 6:
		set_devices(d, chance(2) * near(KFD_CRIU_MAX_DEVICES));
		break;
	}
}

static const struct kfd_criu_mqd_layout * const layouts[] = {
	&kfd_criu_mqd_v9, &kfd_criu_mqd_v9_4_1, &kfd_criu_mqd_v9_4_2, &kfd_criu_mqd_v9_4_3,
	&kfd_criu_mqd_v10, &kfd_criu_mqd_v11, &kfd_criu_mqd_v12, &kfd_criu_mqd_sdma_v9,
	&kfd_criu_mqd_sdma_v9_4_3, &kfd_criu_mqd_sdma_v10, &kfd_criu_mqd_sdma_v11,
	&kfd_criu_mqd_sdma_v12,
};

/* The first dwords are those of an MQD, and the only ones that a field can name. */
#define MAX_DWORDS	16000

static struct field dword(u32 i)
{
	return (struct field) { 4 * i, 4 };
}

/**
 * mutate_mqd - change a word of an MQD: one that is checked, one that is the driver's, or just any
 * @mqd: the MQD, and perhaps others behind it
 * @size: their bytes
 * @ring_size: the queue's, which limits its progress
 * @ctl_stack_size: likewise, or 0 for that of the GPU
 * @cwsr_size: likewise
 */
void mutate_mqd(void *mqd, size_t size, u64 ring_size, u32 ctl_stack_size, u32 cwsr_size)
{
	const struct kfd_criu_mqd_layout *layout = layouts[chance(ARRAY_SIZE(layouts))];

	if (size < 4)
		return;
	if (size < layout->size || !chance(4)) {
		change(mqd, dword(chance(min_t(size_t, size / 4, MAX_DWORDS))));
		return;
	}
	switch (chance(4)) {
	case 0:
		set(mqd, dword(layout->rptr), near(ring_size / 4));
		break;
	case 1:
		/* offsets are of dwords, in bytes; seldom are they not */
		set(mqd, dword(layout->ctl_stack_offset.dword),
		    4 * near((ctl_stack_size ? ctl_stack_size : GPU_CTL_STACK_SIZE) / 4) +
		    !chance(8));
		break;
	case 2:
		set(mqd, dword(layout->wg_state_offset.dword), 4 * near(cwsr_size / 4));
		break;
	case 3:
		change(mqd, dword(layout->words[chance(layout->num_words)].first));
		break;
	}
}

/* --- what libFuzzer calls --- */

static bool is_version_1(const struct draft *d)
{
	return d->size > sizeof(u64) && *(u32 *)d->image == KFD_CRIU_IMAGE_VERSION_1;
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed)
{
	size_t new_size;

	state = (seed + 1ULL) * 0x9e3779b97f4a7c15ULL;
	if (!decode(&draft, data, size))
		return LLVMFuzzerMutate(data, size, max_size);
	if (is_version_1(&draft))
		mutate_version_1(&draft);
	else if (draft.size >= sizeof(struct kfd_criu_image_header))
		mutate_version_2(&draft);
	else
		mutate_bytes(&draft);
	/* Memory is scarce now and then, and pages are large. */
	draft.call.chance = chance(U32_MAX);
	if (chance(8))
		draft.call.chance &= ~7;
	new_size = encode(&draft, data, max_size);
	return new_size ? new_size : LLVMFuzzerMutate(data, size, max_size);
}

/* Records of another image. */
size_t LLVMFuzzerCustomCrossOver(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out,
				 size_t max_size, unsigned int seed)
{
	state = (seed + 1ULL) * 0x9e3779b97f4a7c15ULL;
	if (!decode(&draft, a, a_size) || !decode(&other, b, b_size) || is_version_1(&draft) ||
	    is_version_1(&other) || draft.size < sizeof(struct kfd_criu_image_header))
		return 0;
	cross_version_2(&draft, &other);
	return encode(&draft, out, max_size);
}
