/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes with many objects, for tests that ask what happens then.
 */
#ifndef KFD_CRIU_LARGE_H
#define KFD_CRIU_LARGE_H

#include <sys/resource.h>
#include <sys/stat.h>
#include "kfd_criu_scene.h"

#define MAX_QUEUES	1024u

/* Beside the addresses of the scene, whose objects are not made here. */
#define RING_VA(i)	(0x1800000000ULL + (uint64_t)(i) * 2 * KFD_PAGE)
#define DOORBELL_VA(g)	(0x1e00000000ULL + (g) * 0x10000ULL)
#define EOP_VA(g)	(0x1e80000000ULL + (g) * 0x10000ULL)
#define CWSR_VA(g)	(0x1f00000000ULL + (g) * 0x10000000ULL)

struct many_queues {
	struct kfd_queue q[MAX_QUEUES];
	struct kfd_bo doorbell[KFD_MAX_GPUS], eop[KFD_MAX_GPUS], cwsr[KFD_MAX_GPUS];
};

/* What the queues of each GPU share; the first thing that make_queue() needs. */
static int UNUSED make_queue_buffers(struct ctx *c, struct many_queues *m)
{
	unsigned int g;
	uint64_t span;

	for (g = 0; g < c->k.ngpu; g++) {
		span = kfd_queue_span(&c->k, KFD_Q_AQL, g) -
		       kfd_queue_span(&c->k, KFD_Q_SDMA, g) - KFD_PAGE;
		TRY(c, kfd_bo_create(&c->k, &m->doorbell[g], g, DOORBELL_VA(g), 8192,
				     KFD_BO_DOORBELL, 1u << g));
		TRY(c, kfd_bo_create(&c->k, &m->eop[g], g, EOP_VA(g), KFD_PAGE, KFD_BO_VRAM,
				     1u << g));
		TRY(c, kfd_bo_create(&c->k, &m->cwsr[g], g, CWSR_VA(g), span, KFD_BO_GTT,
				     1u << g));
	}
	return 0;
}

/* Save areas are shared, as nothing is ever saved: each takes more than a megabyte. */
static int UNUSED make_queue(struct ctx *c, struct many_queues *m, unsigned int i)
{
	struct kfd_ioctl_create_queue_args args = { 0 };
	unsigned int gpu = i % c->k.ngpu, on = i / c->k.ngpu;
	struct kfd_gpu *g = &c->k.gpu[gpu];
	struct kfd_queue *q = &m->q[i];
	unsigned int j;

	q->kind = on < g->num_sdma_queues ? KFD_Q_SDMA : on % 2 ? KFD_Q_AQL : KFD_Q_PM4;
	q->gpu = gpu;
	q->gfx_version = g->gfx_version;
	TRY(c, kfd_bo_create(&c->k, &q->ring, gpu, RING_VA(i), KFD_PAGE, KFD_BO_GTT, 1u << gpu));
	TRY(c, kfd_bo_create(&c->k, &q->ptrs, gpu, RING_VA(i) + KFD_PAGE, KFD_PAGE, KFD_BO_GTT,
			     1u << gpu));
	memset(q->ring.cpu, 0, KFD_PAGE);
	memset(q->ptrs.cpu, 0, KFD_PAGE);
	for (j = 0; q->kind == KFD_Q_AQL && j < KFD_PAGE; j += 64)
		*((uint8_t *)q->ring.cpu + j) = 1;
	q->wptr = (void *)((char *)q->ptrs.cpu + 0x38);
	q->rptr = (void *)((char *)q->ptrs.cpu + 0x80);
	args.ring_base_address = q->ring.va;
	args.ring_size = KFD_PAGE;
	args.write_pointer_address = (uintptr_t)q->wptr;
	args.read_pointer_address = (uintptr_t)q->rptr;
	args.gpu_id = g->gpu_id;
	args.queue_percentage = KFD_MAX_QUEUE_PERCENTAGE;
	args.queue_priority = 7;
	args.queue_type = q->kind == KFD_Q_SDMA ? KFD_IOC_QUEUE_TYPE_SDMA :
			  q->kind == KFD_Q_AQL ? KFD_IOC_QUEUE_TYPE_COMPUTE_AQL :
						 KFD_IOC_QUEUE_TYPE_COMPUTE;
	if (q->kind != KFD_Q_SDMA) {
		args.eop_buffer_address = m->eop[gpu].va;
		args.eop_buffer_size = KFD_PAGE;
		args.ctx_save_restore_address = m->cwsr[gpu].va;
		args.ctx_save_restore_size = g->cwsr_size;
		args.ctl_stack_size = g->ctl_stack_size;
	}
	if (ioctl(c->k.fd, AMDKFD_IOC_CREATE_QUEUE, &args)) {
		c->result = errno;
		return 1;
	}
	q->id = args.queue_id;
	q->doorbell_offset = args.doorbell_offset;
	q->doorbell = (volatile uint64_t *)(uintptr_t)(DOORBELL_VA(gpu) +
						       (q->doorbell_offset & 8191));
	return 0;
}

static long long UNUSED get_number(const char *path)
{
	long long v = -1;
	FILE *f = fopen(path, "re");

	if (f && fscanf(f, "%lld", &v) != 1)
		v = -1;
	if (f)
		fclose(f);
	return v;
}

/* Bytes of memory of all GPUs, and of the system for them, that anybody uses. */
static unsigned long long UNUSED used(struct scene *s)
{
	static const char * const files[] = { "vram", "gtt" };
	unsigned long long sum = 0;
	unsigned int g, i;
	char path[96];

	for (g = 0; g < s->here.ngpu; g++) {
		for (i = 0; i < ARRAY_SIZE(files); i++) {
			snprintf(path, sizeof(path),
				 "/sys/class/drm/renderD%d/device/mem_info_%s_used",
				 s->here.gpu[g].render_minor, files[i]);
			sum += get_number(path);
		}
	}
	return sum;
}

/*
 * The driver takes a process down in a worker, and whoever opens /dev/kfd waits for
 * that.  It is not RESTORE's time, and on a debug kernel it is minutes.  @others: what
 * is used by who goes on.
 */
static int UNUSED wait_for_end(struct scene *s, unsigned long long others)
{
	uint64_t end = scene_clock() + 600000;

	while (used(s) > others) {
		if (scene_clock() > end)
			return -ETIMEDOUT;
		usleep(20000);
	}
	return 0;
}

/* Descriptors for dma-bufs, and mappings. */
static void UNUSED limits(void)
{
	struct rlimit files = { 1 << 18, 1 << 18 };

	setrlimit(RLIMIT_NOFILE, &files);
	/* a mapping for each queue's ring and pointers, and for samples */
	kfd_write_text("/proc/sys/vm/max_map_count", "262144");
}

#endif
