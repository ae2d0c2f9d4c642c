// SPDX-License-Identifier: GPL-2.0
/*
 * Accepted images that are written again, in version 2 and in version 1.
 */
#include "kernel.h"
#include "fuzz.h"

static void put(struct kfd_criu_writer *w, enum kfd_criu_record_type type, u32 n, u32 stride,
		const void *from, size_t extra)
{
	void *to;

	if (!n)
		return;
	to = kfd_criu_write(w, type, n, stride, extra);
	if (to)
		memcpy(to, from, (size_t)n * stride + extra);
}

/* In the order in which CHECKPOINT writes. */
static void write_image(struct kfd_criu_writer *w, const struct kfd_criu_image *img, void *buf,
			size_t size)
{
	const struct kfd_criu_queue_record *q;

	kfd_criu_writer_init(w, buf, size);
	put(w, KFD_CRIU_RECORD_PROCESS, 1, sizeof(*img->process), img->process, 0);
	put(w, KFD_CRIU_RECORD_DEVICES, img->num_devices, sizeof(*img->devices), img->devices, 0);
	put(w, KFD_CRIU_RECORD_DIES, img->dies ? img->num_devices : 0, sizeof(*img->dies),
	    img->dies, 0);
	put(w, KFD_CRIU_RECORD_BOS, img->num_bos, sizeof(*img->bos), img->bos, 0);
	put(w, KFD_CRIU_RECORD_EVENTS, img->num_events, sizeof(*img->events), img->events, 0);
	put(w, KFD_CRIU_RECORD_RANGES, img->num_ranges, sizeof(*img->ranges), img->ranges, 0);
	for (q = first_queue(img); q; q = kfd_criu_image_next_queue(img, q))
		put(w, KFD_CRIU_RECORD_QUEUE, 1, sizeof(*q), q,
		    kfd_criu_queue_data_size(q->xccs, q->mqd_size, q->ctl_size));
}

/* Is it, to the last bit, what CHECKPOINT would have written? */
static bool is_canonical(const struct kfd_criu_image *img)
{
	static const u8 rank[] = { 0, 1, 2, 4, 7, 5, 6, 3 };
	const struct kfd_criu_image_header *header = img->buf;
	const struct kfd_criu_record *rec = (const void *)(header + 1);
	u32 i, last = 0;

	if (header->optional)
		return false;
	for (i = 0; i < header->records; i++) {
		if (rec->flags || rec->type >= ARRAY_SIZE(rank) || rank[rec->type] < last)
			return false;
		last = rank[rec->type];
		rec = (const void *)(rec + 1) + rec->size;
	}
	return true;
}

static void expect_same(const struct kfd_criu_image *a, const struct kfd_criu_image *b)
{
	const struct kfd_criu_queue_record *x, *y;

	MUST(a->num_devices == b->num_devices && a->num_bos == b->num_bos);
	MUST(a->num_queues == b->num_queues && a->num_events == b->num_events);
	MUST(a->num_ranges == b->num_ranges);
	MUST(!memcmp(a->process, b->process, sizeof(*a->process)));
	MUST(!memcmp(a->devices, b->devices, a->num_devices * sizeof(*a->devices)));
	MUST(!a->dies == !b->dies);
	MUST(!a->dies || !memcmp(a->dies, b->dies, a->num_devices * sizeof(*a->dies)));
	MUST(!a->num_bos || !memcmp(a->bos, b->bos, a->num_bos * sizeof(*a->bos)));
	MUST(!a->num_events ||
	     !memcmp(a->events, b->events, a->num_events * sizeof(*a->events)));
	MUST(!a->num_ranges ||
	     !memcmp(a->ranges, b->ranges, a->num_ranges * sizeof(*a->ranges)));
	y = first_queue(b);
	for (x = first_queue(a); x; x = kfd_criu_image_next_queue(a, x)) {
		MUST(!memcmp(x, y, sizeof(*x) + kfd_criu_queue_data_size(x->xccs, x->mqd_size,
									 x->ctl_size)));
		y = kfd_criu_image_next_queue(b, y);
	}
	MUST(!y);
}

/* The writer refuses what a reader would refuse, for the same reason, and nothing else. */
void finish_as_opened(const void *image, size_t size, const struct opened *o)
{
	const struct kfd_criu_image_header *header = image;
	struct kfd_criu_complaint why;
	struct kfd_criu_image img;
	struct kfd_criu_writer w;
	int err;

	/* Checksums agree if they are about the same header. */
	if (!o->err || size < sizeof(*header))
		return;
	w = (struct kfd_criu_writer) {
		.buf = copy(image, size),
		.size = size,
		.pos = size,
		.records = header->records,
	};
	err = kfd_criu_writer_finish(&w, &img, &why);
	MUST(!err == !!img.buf);
	if (!memcmp(w.buf, header, sizeof(*header))) {
		MUST(err == -EOPNOTSUPP && why.what == o->why.what);
		MUST(why.type == o->why.type && why.index == o->why.index);
		MUST(why.found == o->why.found && why.wanted == o->why.wanted);
	}
	free(w.buf);
}

/* What the verifier accepts, the writer can write, and it is accepted again. Returns its size. */
size_t write_again(const struct kfd_criu_image *img)
{
	struct kfd_criu_complaint why;
	struct kfd_criu_image written;
	struct kfd_criu_writer w;
	struct opened again;
	void *buf = malloc(img->size);

	write_image(&w, img, buf, img->size);
	MUST(!kfd_criu_writer_finish(&w, &written, &why) && !why.what);
	expect_same(img, &written);
	open_version_2(&again, buf, w.pos);
	MUST(!again.err);
	expect_same(img, &again.img);
	if (is_canonical(img)) {
		MUST(w.pos == img->size);
		MUST(!memcmp(buf, img->buf, img->size));
	}
	free(buf);
	return w.pos;
}

/* In too little memory, and then that is said, whatever was tried afterwards. */
void write_short(const struct kfd_criu_image *img, size_t size)
{
	struct kfd_criu_complaint why;
	struct kfd_criu_image written;
	struct kfd_criu_writer w;
	void *buf = malloc(size);

	write_image(&w, img, buf, size);
	MUST(kfd_criu_writer_finish(&w, &written, &why) == -ENOSPC && why.what);
	free(buf);
}

/* Buckets for it: version 1 has in them what version 2 has in the image. */
static void make_buckets(const struct kfd_criu_image *img, struct kfd_criu_device_bucket *devices,
			 struct kfd_criu_bo_bucket *bos)
{
	u32 i;

	memset(devices, 0, img->num_devices * sizeof(*devices));
	memset(bos, 0, img->num_bos * sizeof(*bos));
	for (i = 0; i < img->num_devices; i++)
		devices[i].user_gpu_id = img->devices[i].user_gpu_id;
	for (i = 0; i < img->num_bos; i++) {
		bos[i].gpu_id = img->devices[img->bos[i].device].user_gpu_id;
		bos[i].size = img->process->signal_size;
	}
}

/* What version 1 has a place for. */
static void expect_same_but_lost(const struct kfd_criu_image *old,
				 const struct kfd_criu_image *new)
{
	const u32 process_flags = KFD_CRIU_PROCESS_XNACK | KFD_CRIU_PROCESS_PAGE_BO |
				  KFD_CRIU_PROCESS_PAGE_KERNEL;
	const struct kfd_criu_queue_record *x, *y;
	u32 i;

	MUST(new->num_devices == old->num_devices && new->num_bos == old->num_bos);
	MUST(new->num_queues == old->num_queues && new->num_events == old->num_events);
	MUST(new->num_ranges == old->num_ranges);
	MUST(new->process->flags == (old->process->flags & process_flags));
	MUST(new->process->signal_handle == old->process->signal_handle);
	/* One of the kernel's comes back with as many slots as its events need. */
	MUST(new->process->signal_size == old->process->signal_size ||
	     old->process->flags & KFD_CRIU_PROCESS_PAGE_KERNEL);
	for (i = 0; i < old->num_devices; i++)
		MUST(new->devices[i].user_gpu_id == old->devices[i].user_gpu_id);
	for (i = 0; i < old->num_bos; i++) {
		struct kfd_criu_bo_record bo = old->bos[i];

		bo.bucket = new->bos[i].bucket;
		bo.flags = bo.user_addr ? KFD_CRIU_BO_NO_PAGES : 0;
		MUST(!memcmp(&bo, &new->bos[i], sizeof(bo)));
	}
	for (i = 0; i < old->num_events; i++) {
		struct kfd_criu_event_record event = old->events[i];

		event.age = 1;
		MUST(!memcmp(&event, &new->events[i], sizeof(event)));
	}
	for (i = 0; i < old->num_ranges; i++) {
		struct kfd_criu_range_record range = old->ranges[i];

		range.actual = KFD_CRIU_LOCATION_SYSTEM;
		MUST(!memcmp(&range, &new->ranges[i], sizeof(range)));
	}
	y = first_queue(new);
	for (x = first_queue(old); x; x = kfd_criu_image_next_queue(old, x)) {
		struct kfd_criu_queue_record q = *x;

		q.exception_status = 0;
		q.ctl_stack_size = q.ctl_size;
		q.pm4_target_xcc = 0;
		q.flags &= KFD_CRIU_QUEUE_GWS;
		MUST(!memcmp(&q, y, sizeof(q)));
		MUST(!memcmp(kfd_criu_queue_mqd(x, 0), kfd_criu_queue_mqd(y, 0), q.mqd_size));
		MUST(!q.ctl_size || !memcmp(kfd_criu_queue_ctl_stack(x, 0),
					    kfd_criu_queue_ctl_stack(y, 0), q.ctl_size));
		y = kfd_criu_image_next_queue(new, y);
	}
}

/* From version 2 to 1, back, and to 1 again: the second time it is the same bytes. */
void write_version_1(const struct kfd_criu_image *img)
{
	u32 objects = img->num_queues + img->num_events + img->num_ranges;
	struct kfd_criu_device_bucket *devices;
	size_t back_size, size = kfd_criu_v1_size(img);
	struct kfd_criu_complaint why;
	struct kfd_criu_bo_bucket *bos;
	void *v1 = malloc(size), *again, *back;
	struct opened opened;
	int err;

	MUST(v1);
	memset(v1, 0x55, size);
	MUST(kfd_criu_v1_write(img, v1, size - 1, &why) == -ENOSPC && why.what);
	err = kfd_criu_v1_write(img, v1, size, &why);
	MUST(err ? err == -EOPNOTSUPP && why.what : !why.what);
	if (err) {
		free(v1);
		return;
	}
	count(WRITTEN_VERSION_1);

	devices = malloc(img->num_devices * sizeof(*devices));
	bos = malloc(img->num_bos * sizeof(*bos));
	make_buckets(img, devices, bos);
	MUST(!kfd_criu_v1_read(v1, size, devices, img->num_devices, bos, img->num_bos, objects,
			       &back, &back_size, &why));
	open_version_2(&opened, back, back_size);
	MUST(!opened.err);
	expect_same_but_lost(img, &opened.img);
	MUST(kfd_criu_v1_size(&opened.img) == size);
	again = malloc(size);
	MUST(again);
	/* Holes that nobody fills would have what stood there before. */
	memset(again, 0xaa, size);
	MUST(!kfd_criu_v1_write(&opened.img, again, size, &why));
	MUST(!memcmp(v1, again, size));
	kvfree(back);
	free(again);
	free(devices);
	free(bos);
	free(v1);
}

