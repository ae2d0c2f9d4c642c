// SPDX-License-Identifier: GPL-2.0
/*
 * Contents of BOs through SDMA, see copy.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <amdgpu.h>
#include <amdgpu_drm.h>
#include "copy.h"
#include "files.h"

#define PAGE		4096UL
#define HALVES		2
/* One packet's count field has 22 bits; some engines stop a little below. */
#define PACKET_BYTES	(2U << 20)
/* Packets of one piece, 7 dwords each, in units of 8 dwords. */
#define IB_DWORDS	16
#define TRY_NS		1000000ULL
#define TRIES		60000

#define SDMA_NOP	0
#define SDMA_COPY	1

/* A BO and the address it has for the engine. */
struct mapping {
	amdgpu_bo_handle bo;
	amdgpu_va_handle range;
	uint64_t va, size;
	bool mapped;
};

/**
 * struct copier - what copies on one GPU need
 * @stage: the staging buffer, mapped at @data
 * @ib: packets for both halves, mapped at @cmd
 * @wide: the count field of a packet is the size, not the size minus one
 */
struct copier {
	amdgpu_device_handle dev;
	amdgpu_context_handle ctx;
	struct mapping stage, ib;
	uint8_t *data;
	uint32_t *cmd;
	bool wide;
};

static int unmap(struct mapping *m)
{
	int err = 0;

	if (m->mapped)
		err = amdgpu_bo_va_op(m->bo, 0, m->size, m->va, 0, AMDGPU_VA_OP_UNMAP);
	if (m->range)
		amdgpu_va_range_free(m->range);
	if (m->bo)
		amdgpu_bo_free(m->bo);
	memset(m, 0, sizeof(*m));
	return err;
}

/* Takes @bo over, also when it fails. */
static int map(struct copier *c, struct mapping *m, amdgpu_bo_handle bo, uint64_t size)
{
	int err;

	*m = (struct mapping) { .bo = bo, .size = size };
	err = amdgpu_va_range_alloc(c->dev, amdgpu_gpu_va_range_general, size, PAGE, 0, &m->va,
				    &m->range, AMDGPU_VA_RANGE_HIGH);
	if (err)
		err = amdgpu_va_range_alloc(c->dev, amdgpu_gpu_va_range_general, size, PAGE, 0,
					    &m->va, &m->range, 0);
	if (!err)
		err = amdgpu_bo_va_op(bo, 0, size, m->va, 0, AMDGPU_VA_OP_MAP);
	m->mapped = !err;
	if (err)
		unmap(m);
	return err;
}

static int make(struct copier *c, struct mapping *m, uint64_t size, void *cpu)
{
	struct amdgpu_bo_alloc_request request = {
		.alloc_size = size,
		.phys_alignment = PAGE,
		.preferred_heap = AMDGPU_GEM_DOMAIN_GTT,
	};
	amdgpu_bo_handle bo;
	int err;

	err = amdgpu_bo_alloc(c->dev, &request, &bo);
	if (!err)
		err = map(c, m, bo, size);
	if (!err) {
		err = amdgpu_bo_cpu_map(bo, cpu);
		if (err)
			unmap(m);
	}
	return err;
}

void copier_close(struct copier *c)
{
	if (c->cmd)
		amdgpu_bo_cpu_unmap(c->ib.bo);
	unmap(&c->ib);
	if (c->data)
		amdgpu_bo_cpu_unmap(c->stage.bo);
	unmap(&c->stage);
	if (c->ctx)
		amdgpu_cs_ctx_free(c->ctx);
	if (c->dev)
		amdgpu_device_deinitialize(c->dev);
	free(c);
}

int copier_open(int drm_fd, struct copier **cp)
{
	struct drm_amdgpu_info_hw_ip dma = { 0 };
	uint32_t major, minor;
	struct copier *c;
	int err;

	c = calloc(1, sizeof(*c));
	if (!c)
		return img_fail(ENOMEM, "no memory");
	err = amdgpu_device_initialize(drm_fd, &major, &minor, &c->dev);
	if (!err)
		err = amdgpu_query_hw_ip_info(c->dev, AMDGPU_HW_IP_DMA, 0, &dma);
	if (!err && !dma.available_rings)
		err = -EOPNOTSUPP;
	if (!err)
		err = amdgpu_cs_ctx_create(c->dev, &c->ctx);
	if (!err)
		err = make(c, &c->stage, HALVES * COPY_CHUNK, &c->data);
	if (!err)
		err = make(c, &c->ib, PAGE, &c->cmd);
	if (err) {
		copier_close(c);
		return img_fail(-err, "SDMA can't be made ready: %s", strerror(-err));
	}
	/* The field changed with SDMA 4. */
	c->wide = dma.hw_ip_version_major < 4;
	*cp = c;
	return 0;
}

/* Start a copy of @bytes that uses half @half of the packets. */
static int submit(struct copier *c, amdgpu_bo_list_handle list, unsigned int half, uint64_t dst,
		  uint64_t src, uint32_t bytes, struct amdgpu_cs_fence *fence)
{
	uint32_t *start = c->cmd + half * IB_DWORDS, *p = start, n;
	struct amdgpu_cs_ib_info ib = { 0 };
	struct amdgpu_cs_request request = {
		.ip_type = AMDGPU_HW_IP_DMA,
		.resources = list,
		.number_of_ibs = 1,
		.ibs = &ib,
	};
	int err;

	for (; bytes; bytes -= n, src += n, dst += n) {
		n = bytes < PACKET_BYTES ? bytes : PACKET_BYTES;
		*p++ = SDMA_COPY;
		*p++ = c->wide ? n : n - 1;
		*p++ = 0;
		*p++ = src;
		*p++ = src >> 32;
		*p++ = dst;
		*p++ = dst >> 32;
	}
	while ((p - start) % 8)
		*p++ = SDMA_NOP;
	ib.ib_mc_address = c->ib.va + half * IB_DWORDS * sizeof(*p);
	ib.size = p - start;
	err = amdgpu_cs_submit(c->ctx, 0, &request, 1);
	*fence = (struct amdgpu_cs_fence) {
		.context = c->ctx,
		.ip_type = AMDGPU_HW_IP_DMA,
		.fence = request.seq_no,
	};
	return err ? img_fail(-err, "SDMA takes no work: %s", strerror(-err)) : 0;
}

/*
 * The kernel wants to know when to give up in time of the machine, and a process
 * that is being restored may live in its own.  So a wait can be shorter than asked
 * for, or longer; what ends all of them is the driver's own limit for a hung ring.
 */
static int wait(struct amdgpu_cs_fence *fence)
{
	uint32_t over = 0;
	int err = 0, i;

	for (i = 0; i < TRIES && !err && !over; i++) {
		err = amdgpu_cs_query_fence_status(fence, TRY_NS, 0, &over);
		if (i && !over)
			usleep(TRY_NS / 1000);
	}
	return !err && !over ? -ETIMEDOUT : err;
}

static int unfinished(int err)
{
	return err ? img_fail(-err, "SDMA does not finish: %s", strerror(-err)) : 0;
}

/* A BO behind a dma-buf, between begin() and end(). */
struct job {
	struct mapping bo;
	amdgpu_bo_list_handle list;
};

static void end(struct job *j)
{
	if (j->list)
		amdgpu_bo_list_destroy(j->list);
	unmap(&j->bo);
}

static int begin(struct copier *c, struct job *j, int dmabuf_fd, uint64_t size)
{
	amdgpu_bo_handle bos[] = { c->stage.bo, c->ib.bo, NULL };
	struct amdgpu_bo_import_result bo = { 0 };
	int err;

	memset(j, 0, sizeof(*j));
	err = amdgpu_bo_import(c->dev, amdgpu_bo_handle_type_dma_buf_fd, dmabuf_fd, &bo);
	if (!err)
		err = map(c, &j->bo, bo.buf_handle, size);
	bos[2] = bo.buf_handle;
	if (!err)
		err = amdgpu_bo_list_create(c->dev, 3, bos, NULL, &j->list);
	if (err) {
		end(j);
		return img_fail(-err, "the BO can't be mapped for SDMA: %s", strerror(-err));
	}
	return 0;
}

static uint32_t piece(uint64_t size, uint64_t offset)
{
	return size - offset < COPY_CHUNK ? size - offset : COPY_CHUNK;
}

int copier_save(struct copier *c, int dmabuf_fd, uint64_t size, copy_piece sink, void *arg)
{
	struct amdgpu_cs_fence fence[HALVES];
	uint64_t asked = 0, done = 0;
	unsigned int half;
	struct job j;
	int err;

	err = begin(c, &j, dmabuf_fd, size);
	while (!err && done < size) {
		/* one ahead, so that the engine works while the sink does */
		while (!err && asked < size && asked - done < HALVES * (uint64_t)COPY_CHUNK) {
			half = asked / COPY_CHUNK % HALVES;
			err = submit(c, j.list, half, c->stage.va + half * COPY_CHUNK,
				     j.bo.va + asked, piece(size, asked), &fence[half]);
			if (!err)
				asked += piece(size, asked);
		}
		half = done / COPY_CHUNK % HALVES;
		if (!err)
			err = unfinished(wait(&fence[half]));
		if (!err)
			err = sink(arg, done, c->data + half * COPY_CHUNK, piece(size, done));
		done += piece(size, done);
	}
	/*
	 * What was begun must not go on into memory that is somebody else's by then.
	 * The reason to stop is told already.
	 */
	for (; done < asked; done += piece(size, done))
		wait(&fence[done / COPY_CHUNK % HALVES]);
	end(&j);
	return err;
}

int copier_load(struct copier *c, int dmabuf_fd, uint64_t size, copy_piece source, void *arg)
{
	struct amdgpu_cs_fence fence[HALVES];
	uint64_t asked = 0, done = 0;
	unsigned int half;
	struct job j;
	int err, late;

	err = begin(c, &j, dmabuf_fd, size);
	while (!err && asked < size) {
		half = asked / COPY_CHUNK % HALVES;
		if (asked - done == HALVES * (uint64_t)COPY_CHUNK) {
			err = unfinished(wait(&fence[half]));
			done += COPY_CHUNK;
		}
		if (!err)
			err = source(arg, asked, c->data + half * COPY_CHUNK, piece(size, asked));
		if (!err)
			err = submit(c, j.list, half, j.bo.va + asked,
				     c->stage.va + half * COPY_CHUNK, piece(size, asked),
				     &fence[half]);
		if (!err)
			asked += piece(size, asked);
	}
	for (; done < asked; done += piece(size, done)) {
		late = wait(&fence[done / COPY_CHUNK % HALVES]);
		if (!err)
			err = unfinished(late);
	}
	end(&j);
	return err;
}
