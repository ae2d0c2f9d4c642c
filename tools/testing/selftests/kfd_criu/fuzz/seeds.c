// SPDX-License-Identifier: GPL-2.0
/*
 * Images of many shapes to begin with, made by the writer of the kernel: every kind
 * of object, each generation of GPU, the largest and the smallest, and the same in
 * version 1. Real ones, of processes that ran, are in the folder images.
 */
#include "kernel.h"
#include "fuzz.h"
#include "kfd_criu_mqd.h"

#define ROOM		SZ_64K
#define GPU(i)		(0x1000 * ((i) + 1) + 7)
#define NO_GENERATION	U32_MAX

static const struct generation {
	const char *name;
	u32 gc_version;
	u32 xccs;
	const struct kfd_criu_mqd_layout *compute;
	const struct kfd_criu_mqd_layout *sdma;
} generations[] = {
	{ "9.0.1", IP_VERSION(9, 0, 1), 1, &kfd_criu_mqd_v9, &kfd_criu_mqd_sdma_v9 },
	{ "9.4.2", IP_VERSION(9, 4, 2), 1, &kfd_criu_mqd_v9_4_2, &kfd_criu_mqd_sdma_v9 },
	{ "9.4.3", IP_VERSION(9, 4, 3), 2, &kfd_criu_mqd_v9_4_3, &kfd_criu_mqd_sdma_v9_4_3 },
	{ "10.3.0", IP_VERSION(10, 3, 0), 1, &kfd_criu_mqd_v10, &kfd_criu_mqd_sdma_v10 },
	{ "11.0.0", IP_VERSION(11, 0, 0), 1, &kfd_criu_mqd_v11, &kfd_criu_mqd_sdma_v11 },
	{ "12.0.0", IP_VERSION(12, 0, 0), 1, &kfd_criu_mqd_v12, &kfd_criu_mqd_sdma_v12 },
};

/**
 * struct shape - how much of each an image has
 * @name: of the file
 * @generation: of all GPUs, or NO_GENERATION for those of version 1 without an identity
 * @devices: GPUs; without a VM from the third on if there are less than 5
 * @bos: BOs on each of the first two
 * @queues: queues, compute and SDMA in turn
 * @small: their MQDs are of 4 bytes, which no GPU has
 * @events: events, the first half of them signal events; all if there are many
 * @ranges: SVM ranges
 * @page: KFD_CRIU_PROCESS_PAGE_*
 * @backwards: tables in descending order
 * @unknown: records that nobody knows
 * @dies: what their queues depend on is told of all GPUs
 */
struct shape {
	const char *name;
	u32 generation;
	u32 devices;
	u32 bos;
	u32 queues;
	bool small;
	u32 events;
	u32 ranges;
	u32 page;
	bool backwards;
	bool unknown;
	bool dies;
};

#define BO		KFD_CRIU_PROCESS_PAGE_BO
#define KERNEL		KFD_CRIU_PROCESS_PAGE_KERNEL

static const struct shape shapes[] = {
	{ "minimal", NO_GENERATION, 1 },
	{ "devices", 0, 3 },
	{ "most-devices", NO_GENERATION, 64, .bos = 1, .ranges = 1 },
	{ "bos", NO_GENERATION, 2, .bos = 4 },
	{ "bos-backwards", NO_GENERATION, 2, .bos = 4, .backwards = true },
	{ "queue", NO_GENERATION, 1, .queues = 1, .small = true },
	{ "queues", NO_GENERATION, 2, .queues = 6, .small = true },
	{ "events", NO_GENERATION, 1, .bos = 1, .events = 6, .page = BO },
	{ "events-kernel", NO_GENERATION, 1, .events = 6, .page = KERNEL },
	{ "most-events", NO_GENERATION, 1, .events = 256, .page = KERNEL },
	{ "events-backwards", NO_GENERATION, 1, .events = 6, .page = KERNEL, .backwards = true },
	{ "page", NO_GENERATION, 1, .page = KERNEL },
	{ "ranges", NO_GENERATION, 2, .ranges = 4 },
	{ "ranges-backwards", NO_GENERATION, 2, .ranges = 4, .backwards = true },
	{ "unknown", NO_GENERATION, 1, .unknown = true },
	{ "all", NO_GENERATION, 4, 2, 4, true, 4, 3, BO, .unknown = true },
	{ "all-9.0.1", 0, 2, 3, 2, false, 5, 3, BO },
	{ "all-9.4.2", 1, 2, 3, 2, false, 5, 3, BO, .dies = true },
	{ "all-9.4.3", 2, 2, 3, 2, false, 5, 3, BO, .dies = true },
	{ "all-10.3.0", 3, 2, 3, 2, false, 5, 3, KERNEL, .dies = true },
	{ "all-11.0.0", 4, 2, 3, 2, false, 5, 3, BO, .dies = true },
	{ "all-12.0.0", 5, 2, 3, 2, false, 5, 3, KERNEL, .dies = true },
};

static u8 image[ROOM] __attribute__((aligned(8)));

static void write_process(struct kfd_criu_writer *w, const struct shape *s)
{
	struct kfd_criu_process_record *process;

	process = kfd_criu_write(w, KFD_CRIU_RECORD_PROCESS, 1, sizeof(*process), 0);
	process->flags = s->page | KFD_CRIU_PROCESS_RUNTIME | KFD_CRIU_PROCESS_XNACK;
	process->r_debug = 0x7f0000001000;
	if (s->page)
		process->signal_size = KFD_CRIU_EVENT_SLOTS * sizeof(u64);
	if (s->page == BO)
		process->signal_handle = (u64)GPU(0) << 32 | 1;
}

static void write_devices(struct kfd_criu_writer *w, const struct shape *s)
{
	struct kfd_criu_device_record *dev;
	u32 i;

	dev = kfd_criu_write(w, KFD_CRIU_RECORD_DEVICES, s->devices, sizeof(*dev), 0);
	for (i = 0; i < s->devices; i++, dev++) {
		dev->user_gpu_id = GPU(i);
		if (i < 2 || s->devices > 4)
			dev->flags = KFD_CRIU_DEVICE_VM | KFD_CRIU_DEVICE_DOORBELLS |
				     (i ? KFD_CRIU_DEVICE_RESET : 0);
		dev->tba = 0x7f0000002000;
		if (s->generation == NO_GENERATION)
			continue;
		dev->flags |= KFD_CRIU_DEVICE_IDENTITY;
		dev->gc_version = generations[s->generation].gc_version;
		dev->xcc_count = generations[s->generation].xccs;
		dev->mqd_size = generations[s->generation].compute->size;
		dev->sdma_mqd_size = generations[s->generation].sdma->size;
		dev->doorbell_size = 2 * SZ_4K;
		dev->ctl_stack_size = SZ_4K;
		dev->cwsr_size = 16 * SZ_1M;
		dev->sdma_engines = 2;
		dev->engine_queues = 8;
		dev->cu_count = 60;
		dev->partitions = 1 + i;
		dev->partition = i;
	}
}

static void write_dies(struct kfd_criu_writer *w, const struct shape *s)
{
	struct kfd_criu_die_record *die;
	u32 i;

	die = kfd_criu_write(w, KFD_CRIU_RECORD_DIES, s->devices, sizeof(*die), 0);
	for (i = 0; i < s->devices; i++, die++) {
		die->handler_size = SZ_4K;
		die->handler_crc = 0x12345678;
		die->mec_firmware = 100;
		die->engines = 4;
		die->arrays = 1;
		die->cus[0][0][0] = 0xfff7;
		die->cus[0][3][0] = 0xffff;
	}
}

static void write_bos(struct kfd_criu_writer *w, const struct shape *s)
{
	u32 i, devices = s->devices < 2 ? 1 : 2, n = s->bos * devices;
	struct kfd_criu_bo_record *bo;

	bo = n ? kfd_criu_write(w, KFD_CRIU_RECORD_BOS, n, sizeof(*bo), 0) : NULL;
	for (i = 0; i < n; i++) {
		u32 at = s->backwards ? n - 1 - i : i;

		bo[at].device = i / s->bos;
		bo[at].handle = 1 + i % s->bos;
		bo[at].gpus = i % 3 + 1;
		if (s->devices == 1)
			bo[at].gpus &= 1;
		if (i % 4 == 3)
			bo[at].user_addr = 0x7f0000005000;
	}
}

static void write_queue(struct kfd_criu_writer *w, const struct shape *s, u32 i)
{
	const struct generation *gen = &generations[s->generation == NO_GENERATION ? 0 :
						    s->generation];
	bool compute = i % 2 == 0;
	const struct kfd_criu_mqd_layout *layout = compute ? gen->compute : gen->sdma;
	u32 mqd_size = s->small ? KFD_CRIU_MIN_MQD_SIZE : layout->size;
	u32 xcc, xccs = compute && !s->small ? gen->xccs : 1;
	u32 ctl_size = compute && layout->ctl_stack ? 40 + i : 0;
	struct kfd_criu_queue_record *q;

	q = kfd_criu_write(w, KFD_CRIU_RECORD_QUEUE, 1, sizeof(*q),
			   kfd_criu_queue_data_size(xccs, mqd_size, ctl_size));
	q->device = i / 2 % s->devices % 2;
	q->type = compute ? KFD_CRIU_QUEUE_COMPUTE :
		  i % 4 == 1 ? KFD_CRIU_QUEUE_SDMA : KFD_CRIU_QUEUE_SDMA_XGMI;
	q->format = compute && i % 4 == 0 ? KFD_CRIU_QUEUE_AQL : KFD_CRIU_QUEUE_PM4;
	q->queue_id = i;
	q->doorbell_id = 3 * i;
	q->ring = 0x7f0000100000 + i * (u64)SZ_64K;
	q->ring_size = SZ_64K;
	q->rptr = 0x7f0000200000;
	q->wptr = 0x7f0000200008;
	q->percent = 100;
	q->priority = 7;
	q->xccs = xccs;
	q->mqd_size = mqd_size;
	q->ctl_size = ctl_size;
	if (compute) {
		q->cwsr = 0x7f0000300000;
		q->cwsr_size = 16 * SZ_1M;
		q->ctl_stack_size = SZ_4K;
		q->flags = i < 4 ? KFD_CRIU_QUEUE_GWS : KFD_CRIU_QUEUE_CU_MASK;
		if (q->device == 1)
			q->flags |= KFD_CRIU_QUEUE_RESET;
	}
	for (xcc = 0; xcc < xccs && !s->small; xcc++) {
		u32 *mqd = (u32 *)kfd_criu_queue_mqd(q, xcc);

		/* in the middle of its work */
		if (compute) {
			mqd[layout->ctl_stack_offset.dword] = SZ_4K;
			mqd[layout->wg_state_offset.dword] = SZ_1M;
			mqd[layout->cu_mask[0]] = 0xfff;
			mqd[layout->cu_mask[3]] = 0x3;
		}
		mqd[layout->rptr] = 64 * (xcc + 1);
	}
}

static void write_events(struct kfd_criu_writer *w, const struct shape *s)
{
	static const u32 others[] = {
		KFD_CRIU_EVENT_TYPE_MEMORY, KFD_CRIU_EVENT_TYPE_HW_EXCEPTION,
	};
	static const u32 signals[] = {
		KFD_CRIU_EVENT_TYPE_SIGNAL, KFD_CRIU_EVENT_TYPE_DEBUG,
	};
	struct kfd_criu_event_record *event;
	u32 i;

	event = s->events ?
		kfd_criu_write(w, KFD_CRIU_RECORD_EVENTS, s->events, sizeof(*event), 0) : NULL;
	for (i = 0; i < s->events; i++) {
		u32 at = s->backwards ? s->events - 1 - i : i;
		bool signal = i < (s->events + 1) / 2 || s->events > 100;

		event[at].id = signal ? 1 + 7 * i : KFD_CRIU_EVENT_FIRST_OTHER + i;
		event[at].type = signal ? signals[i % 2] : others[i % 2];
		event[at].age = 1 + i;
		event[at].slot = U64_MAX;
		event[at].flags = i % 4;
		if (!signal)
			event[at].data[0] = 1;
	}
}

static void write_ranges(struct kfd_criu_writer *w, const struct shape *s)
{
	struct kfd_criu_range_record *range;
	u32 i;

	range = s->ranges ?
		kfd_criu_write(w, KFD_CRIU_RECORD_RANGES, s->ranges, sizeof(*range), 0) : NULL;
	for (i = 0; i < s->ranges; i++) {
		u32 at = s->backwards ? s->ranges - 1 - i : i;

		range[at].start = 0x7f0000000 + 256 * i;
		range[at].pages = 256;
		range[at].access = 1;
		range[at].in_place = s->devices > 1 ? 2 : 0;
		range[at].preferred = i % 2 ? GPU(0) : KFD_CRIU_LOCATION_NONE;
		range[at].prefetch = i % 2 ? KFD_CRIU_LOCATION_SYSTEM : GPU(0);
		range[at].actual = i % 2 ? GPU(0) : KFD_CRIU_LOCATION_SYSTEM;
		range[at].svm_flags = i;
		range[at].granularity = 9;
	}
}

static void write_unknown(struct kfd_criu_writer *w)
{
	struct kfd_criu_record *rec = kfd_criu_write(w, 1000, 2, 8, 24);

	rec[-1].flags = KFD_CRIU_RECORD_OPTIONAL;
}

/* --- the files --- */

static void save(const char *folder, const char *name, const char *suffix,
		 const struct kfd_criu_image *img, const struct kfd_criu_bo_bucket *bos,
		 const void *bytes, size_t size)
{
	struct kfd_criu_device_bucket device = { .drm_fd = 3 };
	struct call call = {
		.num_devices = img->num_devices,
		.num_bos = img->num_bos,
		.num_objects = img->num_queues + img->num_events + img->num_ranges,
		.chance = 8,
	};
	char path[4096];
	FILE *f;
	u32 i;

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, suffix);
	f = fopen(path, "we");
	MUST(f);
	fwrite(&call, sizeof(call), 1, f);
	for (i = 0; i < img->num_devices; i++) {
		device.user_gpu_id = img->devices[i].user_gpu_id;
		device.actual_gpu_id = 0x7777 + i;
		fwrite(&device, sizeof(device), 1, f);
	}
	fwrite(bos, sizeof(*bos), img->num_bos, f);
	fwrite(bytes, 1, size, f);
	MUST(!ferror(f) && !fclose(f));
}

/* Kernels before 6.5 have BOs of 80 bytes, with room for 16 GPUs. */
static size_t shorten_bos(const struct kfd_criu_image *img, u8 *v1, size_t size)
{
	size_t at = 8 + 8 * img->num_devices;
	u32 i;

	for (i = 0; i < img->num_bos; i++) {
		at += 80;
		size -= 272 - 80;
		memmove(v1 + at, v1 + at + 272 - 80, size - at);
	}
	return size;
}

static void write_shape(const char *folder, const struct shape *s)
{
	struct kfd_criu_bo_bucket bos[128] = { };
	struct kfd_criu_complaint why;
	struct kfd_criu_image img;
	struct kfd_criu_writer w;
	size_t size;
	u8 *v1;
	u32 i;

	kfd_criu_writer_init(&w, image, sizeof(image));
	write_process(&w, s);
	write_devices(&w, s);
	if (s->dies)
		write_dies(&w, s);
	if (s->unknown)
		write_unknown(&w);
	write_bos(&w, s);
	write_events(&w, s);
	write_ranges(&w, s);
	for (i = 0; i < s->queues; i++)
		write_queue(&w, s, i);
	if (s->unknown)
		write_unknown(&w);
	if (kfd_criu_writer_finish(&w, &img, &why)) {
		fprintf(stderr, "seed %s: %s, type %u, index %u, %#llx instead of %#llx\n",
			s->name, why.what, why.type, why.index, why.found, why.wanted);
		exit(1);
	}
	for (i = 0; i < img.num_bos; i++) {
		bos[i].addr = 0x7f0001000000 + i * (u64)SZ_64K;
		bos[i].size = SZ_64K;
		bos[i].gpu_id = img.devices[img.bos[i].device].user_gpu_id;
		bos[i].alloc_flags = 1 << i % 5;
		((struct kfd_criu_bo_record *)img.bos)[i].bucket = kfd_criu_bucket_crc(&bos[i]);
	}
	kfd_criu_writer_seal(&w);
	save(folder, s->name, "", &img, bos, image, w.pos);

	size = kfd_criu_v1_size(&img);
	v1 = malloc(size);
	if (!kfd_criu_v1_write(&img, v1, size, &why)) {
		save(folder, s->name, ".v1", &img, bos, v1, size);
		if (img.num_bos && img.num_devices <= 16)
			save(folder, s->name, ".v1-old", &img, bos, v1,
			     shorten_bos(&img, v1, size));
	}
	free(v1);
}

/**
 * seeds_write - write the images that fuzzing begins with
 * @folder: where to, one file for each
 */
void seeds_write(const char *folder)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		write_shape(folder, &shapes[i]);
	printf("%u\n", i);
}
