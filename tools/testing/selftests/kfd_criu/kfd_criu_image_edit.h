/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading and forging images of version 2, for tests.
 *
 * The layout is written down in Documentation/gpu/amdgpu/amdkfd-criu.rst;
 * what the tests touch of it is named here by offset, so that a change of the
 * layout, which is an ABI, is noticed.
 */
#ifndef KFD_CRIU_IMAGE_EDIT_H
#define KFD_CRIU_IMAGE_EDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kfd_lib.h"

#define IMG_MAGIC		0x4344464bu
#define IMG_MAX			(256ULL << 20)

/* header of an image */
#define IMG_VERSION		0
#define IMG_MAGIC_AT		4
#define IMG_SIZE		8
#define IMG_HEADER_SIZE		16
#define IMG_RECORDS		20
#define IMG_REQUIRED		24
#define IMG_CRC			40

/* header of a record */
#define REC_HEADER		16
#define REC_TYPE		0
#define REC_FLAGS		2
#define REC_SIZE		4
#define REC_COUNT		8
#define REC_STRIDE		12

enum img_type {
	IMG_PROCESS = 1, IMG_DEVICES, IMG_BOS, IMG_QUEUE, IMG_EVENTS, IMG_RANGES, IMG_DIES
};

/* process */
#define PROC_FLAGS		0
#define PROC_SIGNAL_SIZE	4
#define PROC_FLAG_XNACK		0x01
#define PROC_FLAG_EVENT_LIMIT	0x20
/* GPU */
#define DEV_ID			0
#define DEV_FLAGS		4
#define DEV_FLAG_IDENTITY	0x04
#define DEV_GC_VERSION		8
#define DEV_SDMA_VERSION	12
#define DEV_XCC_COUNT		16
#define DEV_CU_COUNT		52
#define DEV_PARTITIONS		56
#define DEV_MEC_INTERFACE	64
#define DEV_SDMA_INTERFACE	68
#define DEV_TBA			72
#define DEV_SCRATCH_VA		88
/* buffer object */
#define BO_USER_ADDR		8
#define BO_HANDLE		16
#define BO_BUCKET		20
#define BO_DEVICE		24
/* event: its id is the first field */
#define EVENT_FIRST_OTHER	0x40000000u
/* queue */
#define Q_RING			0
#define Q_RING_SIZE		8
#define Q_RPTR			16
#define Q_CWSR			40
#define Q_CTL_STACK_SIZE	64
#define Q_DEVICE		68
#define Q_TYPE			72
#define Q_FORMAT		76
#define Q_ID			80
#define Q_DOORBELL		84
#define Q_SDMA_ID		88
#define Q_PRIORITY		92
#define Q_PERCENT		96
#define Q_FLAGS			104
#define Q_XCCS			108
#define Q_MQD_SIZE		112
#define Q_CTL_SIZE		116
#define Q_SIZE			120
#define Q_FLAG_GWS		0x1
#define Q_FLAG_CU_MASK		0x2
/* die of a GPU: its CUs by XCC, shader engine and array */
#define DIE_HANDLER_SIZE	0
#define DIE_HANDLER_CRC		4
#define DIE_MEC_FIRMWARE	8
#define DIE_SDMA_FIRMWARE	12
#define DIE_ENGINES		16
#define DIE_ARRAYS		20
#define DIE_CUS			32
#define DIE_MAX_ENGINES		8
#define DIE_MAX_ARRAYS		2
/* SVM range */
#define RANGE_START		0
#define RANGE_ACTUAL		40

static inline uint32_t img_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t img_get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void img_put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void img_put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline bool img_is_v2(const struct kfd_image *img)
{
	return img->info.priv_data_size >= 48 && img_get32(img->priv + IMG_VERSION) == 2 &&
	       img_get32(img->priv + IMG_MAGIC_AT) == IMG_MAGIC;
}

/* CRC-32 as crc32_le() of the kernel computes it, bit by bit. */
static inline uint32_t img_crc(uint32_t crc, const void *data, uint64_t size)
{
	const uint8_t *p = data;
	unsigned int bit;

	while (size--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return crc;
}

/* Have the checksum say that all is well. */
static inline void img_seal(struct kfd_image *img)
{
	img_put32(img->priv + IMG_CRC, 0);
	img_put32(img->priv + IMG_CRC, img_crc(~0u, img->priv, img->info.priv_data_size));
}

/*
 * The record header of the @n-th record of a type; NULL when there are fewer.
 * Reads honest images only.
 */
static inline uint8_t *img_record(const struct kfd_image *img, enum img_type type, unsigned int n)
{
	uint64_t pos = img_get32(img->priv + IMG_HEADER_SIZE);
	uint8_t *rec;

	while (pos + REC_HEADER <= img->info.priv_data_size) {
		rec = img->priv + pos;
		if ((img_get32(rec + REC_TYPE) & 0xffff) == type && !n--)
			return rec;
		pos += REC_HEADER + img_get32(rec + REC_SIZE);
	}
	return NULL;
}

/* The @n-th entry of the table of a type, or the @n-th queue. */
static inline uint8_t *img_entry(const struct kfd_image *img, enum img_type type, unsigned int n)
{
	uint8_t *rec = img_record(img, type, type == IMG_QUEUE ? n : 0);

	if (!rec || (type != IMG_QUEUE && n >= img_get32(rec + REC_COUNT)))
		return NULL;
	return rec + REC_HEADER + (type == IMG_QUEUE ? 0 : n * img_get32(rec + REC_STRIDE));
}

/* The first queue of a type and format; an SDMA queue has no format. */
static inline uint8_t *img_queue(const struct kfd_image *img, uint32_t type, uint32_t format)
{
	unsigned int n;
	uint8_t *q;

	for (n = 0; (q = img_entry(img, IMG_QUEUE, n)); n++)
		if (img_get32(q + Q_TYPE) == type && (type || img_get32(q + Q_FORMAT) == format))
			return q;
	return NULL;
}

/* Is the byte at @at one of a queue's MQDs and control stacks? */
static inline bool img_in_mqd(const struct kfd_image *img, uint64_t at)
{
	const uint8_t *q, *p = img->priv + at;
	unsigned int n;

	for (n = 0; (q = img_entry(img, IMG_QUEUE, n)); n++)
		if (p >= q + Q_SIZE && p < q + img_get32(q - REC_HEADER + REC_SIZE))
			return true;
	return false;
}

/* Is the byte at @at one of what is told of dies? */
static inline bool img_in_dies(const struct kfd_image *img, uint64_t at)
{
	const uint8_t *die = img_entry(img, IMG_DIES, 0), *p = img->priv + at;

	return die && p >= die && p < die + img_get32(die - REC_HEADER + REC_SIZE);
}

/* The CUs of an array of a shader engine, on the first XCC. */
static inline uint8_t *img_cus(uint8_t *die, unsigned int engine, unsigned int array)
{
	return die + DIE_CUS + 4 * (DIE_MAX_ARRAYS * engine + array);
}

/*
 * Have the @n-th record of a type be @size bytes long, with the rest of the image behind
 * it; a copy has room for some more.
 */
static inline void img_resize(struct kfd_image *img, enum img_type type, unsigned int n,
			      uint32_t size)
{
	uint8_t *rec = img_record(img, type, n), *behind;
	uint32_t was = img_get32(rec + REC_SIZE);

	behind = rec + REC_HEADER + was;
	memmove(rec + REC_HEADER + size, behind, img->priv + img->info.priv_data_size - behind);
	img_put32(rec + REC_SIZE, size);
	img->info.priv_data_size += (uint64_t)size - was;
	img_put64(img->priv + IMG_SIZE, img->info.priv_data_size);
}

/* As in version 1, the image does not say what GPUs it was made on. */
static inline void img_forget_gpus(struct kfd_image *img)
{
	uint8_t *dev;
	uint32_t i;

	for (i = 0; (dev = img_entry(img, IMG_DEVICES, i)); i++) {
		img_put32(dev + DEV_FLAGS, img_get32(dev + DEV_FLAGS) & ~DEV_FLAG_IDENTITY);
		memset(dev + DEV_GC_VERSION, 0, DEV_TBA - DEV_GC_VERSION);
	}
}

/* Have BO @i's record say that the bucket belongs to it. */
static inline void img_seal_bucket(struct kfd_image *img, uint32_t i)
{
	const struct kfd_criu_bo_bucket *b = &img->bos[i];
	uint8_t *rec = img_entry(img, IMG_BOS, i), said[24];

	memcpy(said, &b->addr, 8);
	memcpy(said + 8, &b->size, 8);
	memcpy(said + 16, &b->gpu_id, 4);
	memcpy(said + 20, &b->alloc_flags, 4);
	if (rec)
		img_put32(rec + BO_BUCKET, img_crc(~0u, said, sizeof(said)));
}

/*
 * A copy of an image to be forged, in memory of the caller's own; img_drop()
 * frees it.  Contents are not copied.
 */
static inline bool img_copy(struct kfd_image *to, const struct kfd_image *from)
{
	uint64_t devices = from->info.num_devices * sizeof(*from->devices);
	uint64_t bos = from->info.num_bos * sizeof(*from->bos);

	*to = *from;
	to->contents = NULL;
	to->devices = malloc(devices + 1);
	to->bos = malloc(bos + 1);
	/* room for what a test may want to append */
	to->priv = calloc(1, from->info.priv_data_size + 4096);
	if (!to->devices || !to->bos || !to->priv)
		return false;
	memcpy(to->devices, from->devices, devices);
	memcpy(to->bos, from->bos, bos);
	memcpy(to->priv, from->priv, from->info.priv_data_size);
	return true;
}

static inline void img_drop(struct kfd_image *img)
{
	free(img->devices);
	free(img->bos);
	free(img->priv);
	memset(img, 0, sizeof(*img));
}

/* Which record, for messages. */
static inline void img_where(const struct kfd_image *img, uint64_t at, char *text, size_t len)
{
	static const char * const names[] = {
		"?", "process", "device", "bo", "queue", "event", "range", "die",
	};
	uint64_t pos = img_get32(img->priv + IMG_HEADER_SIZE), end;
	uint32_t type, stride;

	snprintf(text, len, "byte %llu", (unsigned long long)at);
	if (!img_is_v2(img))
		return;
	if (at < pos) {
		snprintf(text, len, "byte %llu of the header", (unsigned long long)at);
		return;
	}
	for (; pos + REC_HEADER <= img->info.priv_data_size; pos = end) {
		end = pos + REC_HEADER + img_get32(img->priv + pos + REC_SIZE);
		if (at >= end)
			continue;
		type = img_get32(img->priv + pos) & 0xffff;
		stride = img_get32(img->priv + pos + REC_STRIDE);
		at -= pos + REC_HEADER;
		if (type == IMG_QUEUE)
			stride = 0;
		snprintf(text, len, "%s %llu, byte %llu", names[type <= IMG_DIES ? type : 0],
			 (unsigned long long)(stride ? at / stride : 0),
			 (unsigned long long)(stride ? at % stride : at));
		return;
	}
}

/*
 * True when two images say the same.  Buckets: all but descriptors and mmap
 * offsets, which are those of new objects.  Images: each byte.
 */
static inline bool img_same(const struct kfd_image *a, const struct kfd_image *b, char *text,
			    size_t len)
{
	char where[64];
	uint64_t at;
	uint32_t i;

	if (a->info.num_devices != b->info.num_devices || a->info.num_bos != b->info.num_bos ||
	    a->info.num_objects != b->info.num_objects ||
	    a->info.priv_data_size != b->info.priv_data_size) {
		snprintf(text, len,
			 "%u GPUs, %u BOs, %u objects, %llu bytes became %u, %u, %u, %llu",
			 a->info.num_devices, a->info.num_bos, a->info.num_objects,
			 (unsigned long long)a->info.priv_data_size, b->info.num_devices,
			 b->info.num_bos, b->info.num_objects,
			 (unsigned long long)b->info.priv_data_size);
		return false;
	}
	for (i = 0; i < a->info.num_devices; i++) {
		if (a->devices[i].user_gpu_id == b->devices[i].user_gpu_id)
			continue;
		snprintf(text, len, "GPU %u: %#x became %#x", i, a->devices[i].user_gpu_id,
			 b->devices[i].user_gpu_id);
		return false;
	}
	for (i = 0; i < a->info.num_bos; i++) {
		const struct kfd_criu_bo_bucket *x = &a->bos[i], *y = &b->bos[i];

		if (x->addr == y->addr && x->size == y->size && x->gpu_id == y->gpu_id &&
		    x->alloc_flags == y->alloc_flags)
			continue;
		snprintf(text, len, "BO %u at %#llx is another one", i,
			 (unsigned long long)x->addr);
		return false;
	}
	for (at = 0; at < a->info.priv_data_size; at++) {
		/* the checksum differs when anything else does */
		if (img_is_v2(a) && at >= IMG_CRC && at < IMG_CRC + 4)
			continue;
		if (a->priv[at] == b->priv[at])
			continue;
		img_where(a, at, where, sizeof(where));
		snprintf(text, len, "%s: %#x became %#x", where, a->priv[at], b->priv[at]);
		return false;
	}
	return true;
}

#endif
