// SPDX-License-Identifier: GPL-2.0
/*
 * What the rest of the driver takes for granted about an image that was accepted.
 */
#include "kernel.h"
#include "fuzz.h"

static void check_inside(const struct kfd_criu_image *img, const void *p, size_t n, size_t size)
{
	size_t start = p - img->buf;

	MUST(p >= img->buf && start <= img->size && start % 8 == 0);
	MUST(size_mul(n, size) <= img->size - start);
}

/* A set of names. */
struct names {
	u64 *of;
	u32 n;
};

static void add_name(struct names *names, u64 name)
{
	names->of[names->n++] = name;
}

static int compare(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void check_unique(struct names *names)
{
	u32 i;

	qsort(names->of, names->n, sizeof(*names->of), compare);
	for (i = 1; i < names->n; i++)
		MUST(names->of[i - 1] != names->of[i]);
	names->n = 0;
}

static u64 check_devices(const struct kfd_criu_image *img, struct names *names)
{
	u64 vms = 0;
	u32 i;

	check_inside(img, img->devices, img->num_devices, sizeof(*img->devices));
	MUST(img->num_devices && img->num_devices <= 64);
	for (i = 0; i < img->num_devices; i++) {
		const struct kfd_criu_device_record *dev = &img->devices[i];

		MUST(dev->user_gpu_id && dev->user_gpu_id != U32_MAX);
		add_name(names, dev->user_gpu_id);
		if (dev->flags & KFD_CRIU_DEVICE_VM)
			vms |= BIT_ULL(i);
		else
			MUST(!(dev->flags & KFD_CRIU_DEVICE_DOORBELLS));
		MUST(!(dev->flags & KFD_CRIU_DEVICE_IDENTITY) || dev->xcc_count);
	}
	check_unique(names);
	return vms;
}

static void check_bos(const struct kfd_criu_image *img, u64 vms, struct names *names)
{
	u32 i;

	if (img->num_bos)
		check_inside(img, img->bos, img->num_bos, sizeof(*img->bos));
	for (i = 0; i < img->num_bos; i++) {
		const struct kfd_criu_bo_record *bo = &img->bos[i];

		MUST(bo->device < img->num_devices && vms & BIT_ULL(bo->device));
		MUST(!(bo->gpus & ~vms));
		MUST(bo->handle < INT_MAX);
		add_name(names, (u64)bo->device << 32 | bo->handle);
	}
	check_unique(names);
}

/* The kernel writes to the signal page by these, without another look. */
static void check_signal_page(const struct kfd_criu_image *img)
{
	const struct kfd_criu_process_record *process = img->process;
	bool in_bo = process->flags & KFD_CRIU_PROCESS_PAGE_BO;
	bool of_kernel = process->flags & KFD_CRIU_PROCESS_PAGE_KERNEL;
	u32 i, device = 0;

	check_inside(img, process, 1, sizeof(*process));
	MUST(!(in_bo && of_kernel));
	MUST(!!process->signal_size == (in_bo || of_kernel));
	MUST(!of_kernel || process->signal_size <= 4096 * 8);
	MUST(in_bo == !!process->signal_handle);
	if (!in_bo)
		return;
	MUST(process->signal_size >= 4096 * 8);
	while (device < img->num_devices &&
	       img->devices[device].user_gpu_id != process->signal_handle >> 32)
		device++;
	for (i = 0; i < img->num_bos; i++)
		if (img->bos[i].device == device &&
		    img->bos[i].handle == (u32)process->signal_handle)
			return;
	MUST(!"the signal page is one of the BOs");
}

static void check_queues(const struct kfd_criu_image *img, struct names *ids)
{
	const struct kfd_criu_queue_record *q;
	struct names doorbells = { .of = malloc(img->size) };
	u32 n = 0, xcc;
	u64 gws = 0;

	for (q = first_queue(img); q; q = kfd_criu_image_next_queue(img, q)) {
		check_inside(img, q, 1, sizeof(*q));
		n++;
		MUST(q->device < img->num_devices);
		MUST(img->devices[q->device].flags & KFD_CRIU_DEVICE_DOORBELLS);
		MUST(q->type == KFD_CRIU_QUEUE_COMPUTE || q->type == KFD_CRIU_QUEUE_SDMA ||
		     q->type == KFD_CRIU_QUEUE_SDMA_XGMI);
		MUST(q->queue_id < 1024 && q->doorbell_id < 1024);
		MUST(q->priority <= 15 && q->percent <= 100);
		MUST(!q->ring_size || is_power_of_2(q->ring_size));
		add_name(ids, q->queue_id);
		if (q->type == KFD_CRIU_QUEUE_COMPUTE)
			add_name(&doorbells, (u64)q->device << 32 | q->doorbell_id);
		if (q->flags & KFD_CRIU_QUEUE_GWS) {
			MUST(!(gws & BIT_ULL(q->device)));
			gws |= BIT_ULL(q->device);
		}
		MUST(q->xccs && q->mqd_size % 4 == 0);
		for (xcc = 0; xcc < q->xccs; xcc++) {
			check_inside(img, kfd_criu_queue_mqd(q, xcc), 1, q->mqd_size);
			MUST(!q->ctl_size == !kfd_criu_queue_ctl_stack(q, xcc));
			if (q->ctl_size)
				check_inside(img, kfd_criu_queue_ctl_stack(q, xcc), 1,
					     q->ctl_size);
		}
	}
	MUST(n == img->num_queues);
	check_unique(ids);
	check_unique(&doorbells);
	free(doorbells.of);
}

static void check_events(const struct kfd_criu_image *img, struct names *names)
{
	u32 i;

	if (img->num_events)
		check_inside(img, img->events, img->num_events, sizeof(*img->events));
	for (i = 0; i < img->num_events; i++) {
		const struct kfd_criu_event_record *event = &img->events[i];

		add_name(names, event->id);
		switch (event->type) {
		case KFD_CRIU_EVENT_TYPE_SIGNAL:
		case KFD_CRIU_EVENT_TYPE_DEBUG:
			MUST(event->id && event->id < 4096);
			MUST((event->id + 1) * 8 <= img->process->signal_size);
			break;
		default:
			MUST(event->type == KFD_CRIU_EVENT_TYPE_MEMORY ||
			     event->type == KFD_CRIU_EVENT_TYPE_HW_EXCEPTION);
			MUST(event->id >= 0x40000000 && event->id < INT_MAX);
			MUST(event->slot == U64_MAX);
		}
	}
	check_unique(names);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct kfd_criu_range_record *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void check_ranges(const struct kfd_criu_image *img, u64 vms)
{
	struct kfd_criu_range_record *ranges;
	u32 i;

	if (!img->num_ranges)
		return;
	check_inside(img, img->ranges, img->num_ranges, sizeof(*img->ranges));
	ranges = copy(img->ranges, img->num_ranges * sizeof(*ranges));
	qsort(ranges, img->num_ranges, sizeof(*ranges), compare_ranges);
	for (i = 0; i < img->num_ranges; i++) {
		MUST(ranges[i].pages && ranges[i].start < BIT_ULL(52));
		MUST(ranges[i].pages <= BIT_ULL(52) - ranges[i].start);
		MUST(!i || ranges[i - 1].start + ranges[i - 1].pages <= ranges[i].start);
		MUST(!(ranges[i].access & ranges[i].in_place));
		MUST(!((ranges[i].access | ranges[i].in_place) & ~vms));
		MUST(ranges[i].granularity < 64);
	}
	free(ranges);
}

static void check_dies(const struct kfd_criu_image *img)
{
	u32 i;

	if (!img->dies)
		return;
	check_inside(img, img->dies, img->num_devices, sizeof(*img->dies));
	for (i = 0; i < img->num_devices; i++)
		MUST(img->dies[i].engines <= 8 && img->dies[i].arrays <= 2);
}

void check_contract(const struct kfd_criu_image *img)
{
	/* No name takes less than 8 bytes in the image. */
	struct names names = { .of = malloc(img->size) };
	u64 vms;

	MUST(names.of);
	vms = check_devices(img, &names);
	check_dies(img);
	check_bos(img, vms, &names);
	check_signal_page(img);
	check_queues(img, &names);
	check_events(img, &names);
	check_ranges(img, vms);
	free(names.of);
}

