// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Version 1 of the image, to and from version 2.
 */
#include <linux/align.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wordpart.h>
#include <asm/page.h>
#include <kunit/visibility.h>
#include <uapi/linux/kfd_ioctl.h>

#include "kfd_criu_image.h"

/**
 * DOC: Version 1
 *
 * What Linux 5.18 to 6.12 write is one object behind the other, without a
 * header, without lengths and without padding between objects: the process, the
 * devices, the BOs, then queues, events and SVM ranges, each with a word in
 * front that tells which of the three it is. How many there are is not in the image,
 * but in the arguments and buckets that come with it.
 *
 * kfd_criu_v1_read() turns such an image into one of version 2, which is then
 * verified like any other. What version 1 does not say becomes: no identity of
 * the GPUs, age 1 for events, system memory as the place where ranges are, and
 * for a signal page that the kernel allocated, empty slots. A control stack is as large
 * as what was saved of it, which is 0 on GPUs that keep it in the save area.
 *
 * BOs have room for 64 GPUs since Linux 6.5, for 16 before that. Which of the
 * two it is shows in the image's size.
 *
 * kfd_criu_v1_write() goes the other way. What version 1 has no place for is lost,
 * as it is when a kernel of that time makes the image:
 *
 * - trap handlers, scratch memory's address and pending exceptions of GPUs, queues and
 *   the process; the runtime's debugger interface; that a queue has been reset
 * - that a CU mask was set by the user (the mask itself is in the MQD), and the
 *   PM4 target XCC
 * - the size of a control stack of which nothing or only a part was saved
 * - the age of events, and that the limit of signal events was hit
 * - where ranges were, and which queues' buffers they hold
 * - what the GPUs are, and what saved waves and CU masks depend on
 *
 * A kernel of that time refuses or restores what it gets, and the second can be wrong.
 * Images that it would restore to something else than was saved are not written: queues on
 * more than one XCC (all but the first MQD would be lost), a device without a VM (it
 * would get one, and the process could no longer acquire its own), a signal
 * page without an event that brings it back, more signal events than fit before the
 * page is mapped again, and signals that stand in a slot and are not yet seen.
 */

/* The layout, with the holes that compilers for 64 bit machines leave in it. */

struct kfd_criu_v1_process {
	u32 version;
	u32 xnack;
};

struct kfd_criu_v1_device {
	u64 reserved;
};

/* Behind this the user_gpu_ids of those it is mapped on, ended by a 0 if there is room. */
struct kfd_criu_v1_bo {
	u64 user_addr;
	u32 handle;
};

#define V1_BO_SIZE(gpus)	ALIGN(12 + 4 * (gpus), 8)
#define V1_GPUS			64
#define V1_GPUS_OLD		16

enum kfd_criu_v1_object {
	KFD_CRIU_V1_QUEUE,
	KFD_CRIU_V1_EVENT,
	KFD_CRIU_V1_RANGE,
};

/* Behind this the MQD, then the control stack. */
struct kfd_criu_v1_queue {
	u32 object;
	u32 hole;
	u64 ring;
	u64 ring_size;
	u64 rptr;
	u64 wptr;
	u64 doorbell_off;	/* never set, never read */
	u64 eop;
	u64 cwsr;
	u32 gpu_id;
	u32 type;
	u32 format;
	u32 queue_id;
	u32 priority;
	u32 percent;
	u32 doorbell_id;
	u32 gws;
	u32 sdma_id;
	u32 eop_size;
	u32 cwsr_size;
	u32 ctl_size;
	u32 mqd_size;
	u32 hole2;
};

struct kfd_criu_v1_event {
	u32 object;
	u32 hole;
	u64 signal_handle;	/* with the first event only */
	u32 id;
	u32 auto_reset;
	u32 type;
	u32 signaled;
	u8 data[32];
};

/* Behind this the attributes: V1_ATTRS, then the access of each device. */
struct kfd_criu_v1_range {
	u32 object;
	u32 hole;
	u64 start;		/* both in pages of the machine */
	u64 pages;
};

struct kfd_criu_v1_attr {
	u32 type;
	u32 value;
};

static_assert(sizeof(struct kfd_criu_v1_process) == 8);
static_assert(sizeof(struct kfd_criu_v1_device) == 8);
static_assert(offsetofend(struct kfd_criu_v1_bo, handle) == 12);
static_assert(V1_BO_SIZE(V1_GPUS) == 272);
static_assert(V1_BO_SIZE(V1_GPUS_OLD) == 80);
static_assert(sizeof(struct kfd_criu_v1_queue) == 120);
static_assert(offsetof(struct kfd_criu_v1_queue, ring) == 8);
static_assert(offsetof(struct kfd_criu_v1_queue, gpu_id) == 64);
static_assert(offsetof(struct kfd_criu_v1_queue, mqd_size) == 112);
static_assert(sizeof(struct kfd_criu_v1_event) == 64);
static_assert(offsetof(struct kfd_criu_v1_event, signal_handle) == 8);
static_assert(offsetof(struct kfd_criu_v1_event, data) == 32);
static_assert(sizeof(struct kfd_criu_v1_range) == 24);
static_assert(offsetof(struct kfd_criu_v1_range, start) == 8);
static_assert(sizeof(struct kfd_criu_v1_attr) == 8);

/* In this order. */
enum {
	V1_PREFERRED,
	V1_PREFETCH,
	V1_SET_FLAGS,
	V1_GRANULARITY,
	V1_ATTRS,
};

static const u32 v1_attr_types[V1_ATTRS] = {
	[V1_PREFERRED] = KFD_IOCTL_SVM_ATTR_PREFERRED_LOC,
	[V1_PREFETCH] = KFD_IOCTL_SVM_ATTR_PREFETCH_LOC,
	[V1_SET_FLAGS] = KFD_IOCTL_SVM_ATTR_SET_FLAGS,
	[V1_GRANULARITY] = KFD_IOCTL_SVM_ATTR_GRANULARITY,
};

/* A page that the kernel allocates begins with as many slots, until it is mapped. */
#define V1_FIRST_SLOTS		256

/* Version 2 counts in 4 KiB. */
#define V1_PAGE			(PAGE_SIZE / SZ_4K)

static size_t v1_range_size(u32 num_devices)
{
	return sizeof(struct kfd_criu_v1_range) +
	       (V1_ATTRS + num_devices) * sizeof(struct kfd_criu_v1_attr);
}

static bool is_signal(u32 event_type)
{
	return event_type == KFD_CRIU_EVENT_TYPE_SIGNAL ||
	       event_type == KFD_CRIU_EVENT_TYPE_DEBUG;
}

/*
 * An image of version 1 that is being read. Objects stand at any address,
 * because an MQD can have any size: they are copied out before they are looked at.
 * @bo_gpus is how many GPUs a BO has room for. @pos is the cursor; @index, the number of
 * the object, is for complaints. From the count that the first pass has made,
 * @queues is the number of bytes that queues take in version 2.
 */
struct v1_reader {
	const void *buf;
	size_t size;
	size_t pos;
	u32 bo_gpus;
	u32 index;
	const struct kfd_criu_device_bucket *devices;
	const struct kfd_criu_bo_bucket *buckets;
	u32 num_devices;
	u32 num_bos;
	u32 num_objects;
	u32 num_events;
	u32 num_ranges;
	size_t queues;
	struct kfd_criu_process_record *process;
	struct kfd_criu_bo_record *bos;
	struct kfd_criu_complaint *why;
};

static int refuse(struct v1_reader *r, u32 type, const char *what, u64 found, u64 wanted)
{
	return kfd_criu_complain(r->why, -EINVAL, type, r->index, what, found, wanted);
}

static bool take(struct v1_reader *r, void *to, size_t size)
{
	if (size > r->size - r->pos)
		return false;
	memcpy(to, r->buf + r->pos, size);
	r->pos += size;
	return true;
}

static bool skip(struct v1_reader *r, size_t size)
{
	if (size > r->size - r->pos)
		return false;
	r->pos += size;
	return true;
}

static int find_device(const struct v1_reader *r, u32 user_gpu_id)
{
	u32 i;

	for (i = 0; i < r->num_devices; i++)
		if (r->devices[i].user_gpu_id == user_gpu_id)
			return i;
	return -ENOENT;
}

static int v1_check_process(struct v1_reader *r, struct kfd_criu_v1_process *process)
{
	r->index = 0;
	if (!take(r, process, sizeof(*process)))
		return refuse(r, KFD_CRIU_RECORD_PROCESS, "image ends within the process",
			      r->size, sizeof(*process));
	if (process->version != KFD_CRIU_IMAGE_VERSION_1)
		return kfd_criu_complain(r->why, -EPROTONOSUPPORT, 0, 0, "not version 1",
					 process->version, KFD_CRIU_IMAGE_VERSION_1);
	if (process->xnack > 1)
		return refuse(r, KFD_CRIU_RECORD_PROCESS, "XNACK neither on nor off",
			      process->xnack, 1);
	if (!r->num_devices || r->num_devices > KFD_CRIU_MAX_DEVICES)
		return refuse(r, KFD_CRIU_RECORD_DEVICES, "no or too many devices",
			      r->num_devices, KFD_CRIU_MAX_DEVICES);
	return 0;
}

static int v1_measure_object(struct v1_reader *r)
{
	struct kfd_criu_v1_queue queue;
	size_t size;
	u32 object;

	if (!take(r, &object, sizeof(object)))
		return refuse(r, 0, "image ends before its last object", r->index,
			      r->num_objects);
	r->pos -= sizeof(object);

	switch (object) {
	case KFD_CRIU_V1_QUEUE:
		if (!take(r, &queue, sizeof(queue)))
			return refuse(r, KFD_CRIU_RECORD_QUEUE, "image ends within a queue",
				      r->size - r->pos, sizeof(queue));
		if (!skip(r, queue.mqd_size) || !skip(r, queue.ctl_size))
			return refuse(r, KFD_CRIU_RECORD_QUEUE, "image ends within an MQD",
				      r->size - r->pos, queue.ctl_size);
		size = kfd_criu_queue_data_size(1, queue.mqd_size, queue.ctl_size);
		size = kfd_criu_record_size(1, sizeof(struct kfd_criu_queue_record), size);
		r->queues = size_add(r->queues, size);
		return 0;
	case KFD_CRIU_V1_EVENT:
		if (!skip(r, sizeof(struct kfd_criu_v1_event)))
			return refuse(r, KFD_CRIU_RECORD_EVENTS, "image ends within an event",
				      r->size - r->pos, sizeof(struct kfd_criu_v1_event));
		r->num_events++;
		return 0;
	case KFD_CRIU_V1_RANGE:
		size = v1_range_size(r->num_devices);
		if (!skip(r, size))
			return refuse(r, KFD_CRIU_RECORD_RANGES, "image ends within a range",
				      r->size - r->pos, size);
		r->num_ranges++;
		return 0;
	default:
		return refuse(r, 0, "object of unknown type", object, KFD_CRIU_V1_RANGE);
	}
}

/* Do the objects end exactly where the image does, and how much is there of each? */
static int v1_measure(struct v1_reader *r, u32 bo_gpus)
{
	size_t tables = size_add(size_mul(r->num_devices, sizeof(struct kfd_criu_v1_device)),
				 size_mul(r->num_bos, V1_BO_SIZE(bo_gpus)));
	int ret;

	r->bo_gpus = bo_gpus;
	r->num_events = 0;
	r->num_ranges = 0;
	r->queues = 0;
	r->index = 0;
	r->pos = sizeof(struct kfd_criu_v1_process);
	if (!skip(r, tables))
		return refuse(r, KFD_CRIU_RECORD_BOS, "image ends within devices or BOs",
			      r->size - r->pos, tables);
	for (r->index = 0; r->index < r->num_objects; r->index++) {
		ret = v1_measure_object(r);
		if (ret)
			return ret;
	}
	if (r->pos != r->size)
		return refuse(r, 0, "bytes behind the last object", r->size, r->pos);
	return 0;
}

static int v1_read_bo(struct v1_reader *r, struct kfd_criu_bo_record *bo)
{
	const struct kfd_criu_bo_bucket *bucket = &r->buckets[r->index];
	const u32 type = KFD_CRIU_RECORD_BOS;
	u32 gpus[V1_GPUS] = { };
	struct kfd_criu_v1_bo v1;
	int device;
	u32 i;

	take(r, &v1, offsetofend(struct kfd_criu_v1_bo, handle));
	take(r, gpus, r->bo_gpus * sizeof(*gpus));
	skip(r, V1_BO_SIZE(r->bo_gpus) - offsetofend(struct kfd_criu_v1_bo, handle) -
		r->bo_gpus * sizeof(*gpus));

	device = find_device(r, bucket->gpu_id);
	if (device < 0)
		return refuse(r, type, "BO of a device without a bucket", bucket->gpu_id, 0);
	bo->device = device;
	bo->user_addr = v1.user_addr;
	/* Version 1 does not tell, and its kernels resume such processes. */
	bo->flags = v1.user_addr ? KFD_CRIU_BO_NO_PAGES : 0;
	bo->handle = v1.handle;
	bo->bucket = kfd_criu_bucket_crc(bucket);
	for (i = 0; i < r->bo_gpus && gpus[i]; i++) {
		device = find_device(r, gpus[i]);
		if (device < 0)
			return refuse(r, type, "BO mapped on a device without a bucket",
				      gpus[i], 0);
		if (bo->gpus & BIT_ULL(device))
			return refuse(r, type, "BO mapped twice on a device", gpus[i], 0);
		bo->gpus |= BIT_ULL(device);
	}
	return 0;
}

static int v1_read_queue(struct v1_reader *r, struct kfd_criu_writer *w)
{
	const u32 type = KFD_CRIU_RECORD_QUEUE;
	struct kfd_criu_queue_record *q;
	struct kfd_criu_v1_queue v1;
	int device;
	size_t data;

	take(r, &v1, sizeof(v1));
	device = find_device(r, v1.gpu_id);
	if (device < 0)
		return refuse(r, type, "queue of a device without a bucket", v1.gpu_id, 0);
	if (v1.gws > 1)
		return refuse(r, type, "GWS neither there nor not", v1.gws, 1);

	data = kfd_criu_queue_data_size(1, v1.mqd_size, v1.ctl_size);
	q = kfd_criu_write(w, type, 1, sizeof(*q), data);
	if (!q)
		return w->err;
	*q = (struct kfd_criu_queue_record) {
		.ring = v1.ring,
		.ring_size = v1.ring_size,
		.rptr = v1.rptr,
		.wptr = v1.wptr,
		.eop = v1.eop,
		.cwsr = v1.cwsr,
		.eop_size = v1.eop_size,
		.cwsr_size = v1.cwsr_size,
		.ctl_stack_size = v1.ctl_size,
		.device = device,
		.type = v1.type,
		.format = v1.format,
		.queue_id = v1.queue_id,
		.doorbell_id = v1.doorbell_id,
		.sdma_id = v1.sdma_id,
		.priority = v1.priority,
		.percent = v1.percent,
		.flags = v1.gws ? KFD_CRIU_QUEUE_GWS : 0,
		.xccs = 1,
		.mqd_size = v1.mqd_size,
		.ctl_size = v1.ctl_size,
	};
	take(r, (void *)kfd_criu_queue_mqd(q, 0), v1.mqd_size);
	take(r, (void *)kfd_criu_queue_mqd(q, 0) + ALIGN((size_t)v1.mqd_size, 8), v1.ctl_size);
	return 0;
}

/* The handle names a BO, and the BO's bucket says how large the page is. */
static int v1_read_signal_page(struct v1_reader *r, u64 handle)
{
	int device = find_device(r, upper_32_bits(handle));
	const u32 type = KFD_CRIU_RECORD_EVENTS;
	u32 i;

	for (i = 0; device >= 0 && i < r->num_bos; i++)
		if (r->bos[i].device == device && r->bos[i].handle == lower_32_bits(handle))
			break;
	if (device < 0 || i == r->num_bos)
		return refuse(r, type, "signal page that is none of the BOs", handle, 0);
	if (r->buckets[i].size > U32_MAX)
		return refuse(r, type, "BO too large for a signal page", r->buckets[i].size,
			      U32_MAX);
	r->process->flags |= KFD_CRIU_PROCESS_PAGE_BO;
	r->process->signal_handle = handle;
	r->process->signal_size = r->buckets[i].size;
	return 0;
}

/* Without a handle a signal event has the kernel allocate the page, as it did before. */
static void v1_need_slot(struct v1_reader *r, u32 id)
{
	u32 slots = id < V1_FIRST_SLOTS ? V1_FIRST_SLOTS : KFD_CRIU_EVENT_SLOTS;

	if (r->process->flags & KFD_CRIU_PROCESS_PAGE_BO)
		return;
	r->process->flags |= KFD_CRIU_PROCESS_PAGE_KERNEL;
	r->process->signal_size = max_t(u32, r->process->signal_size, slots * sizeof(u64));
}

static int v1_read_event(struct v1_reader *r, struct kfd_criu_event_record *event, bool first)
{
	const u32 type = KFD_CRIU_RECORD_EVENTS;
	struct kfd_criu_v1_event v1;
	size_t data = 0;
	int ret;

	take(r, &v1, sizeof(v1));
	if (v1.signal_handle && !first)
		return refuse(r, type, "signal page behind the first event", v1.signal_handle, 0);
	if (v1.auto_reset > 1)
		return refuse(r, type, "event reset neither automatically nor by hand",
			      v1.auto_reset, 1);
	if (v1.signaled > 1)
		return refuse(r, type, "event neither signaled nor not", v1.signaled, 1);
	if (v1.signal_handle) {
		ret = v1_read_signal_page(r, v1.signal_handle);
		if (ret)
			return ret;
	}
	if (is_signal(v1.type))
		v1_need_slot(r, v1.id);
	else if (v1.type == KFD_CRIU_EVENT_TYPE_MEMORY)
		data = sizeof(struct kfd_hsa_memory_exception_data);
	else if (v1.type == KFD_CRIU_EVENT_TYPE_HW_EXCEPTION)
		data = sizeof(struct kfd_hsa_hw_exception_data);

	*event = (struct kfd_criu_event_record) {
		.id = v1.id,
		.type = v1.type,
		.age = 1,
		.slot = U64_MAX,
		.flags = (v1.auto_reset ? KFD_CRIU_EVENT_AUTO_RESET : 0) |
			 (v1.signaled ? KFD_CRIU_EVENT_SIGNALED : 0),
	};
	/* What is behind the data is what the kernel's allocator had there. */
	memcpy(event->data, v1.data, data);
	return 0;
}

static int v1_read_access(struct v1_reader *r, struct kfd_criu_range_record *range)
{
	const u32 type = KFD_CRIU_RECORD_RANGES;
	struct kfd_criu_v1_attr attr;
	u64 seen = 0;
	int device;
	u32 i;

	for (i = 0; i < r->num_devices; i++) {
		take(r, &attr, sizeof(attr));
		device = find_device(r, attr.value);
		if (device < 0)
			return refuse(r, type, "access for a device without a bucket",
				      attr.value, 0);
		if (seen & BIT_ULL(device))
			return refuse(r, type, "access for a device twice", attr.value, 0);
		seen |= BIT_ULL(device);
		switch (attr.type) {
		case KFD_IOCTL_SVM_ATTR_ACCESS:
			range->access |= BIT_ULL(device);
			break;
		case KFD_IOCTL_SVM_ATTR_ACCESS_IN_PLACE:
			range->in_place |= BIT_ULL(device);
			break;
		case KFD_IOCTL_SVM_ATTR_NO_ACCESS:
			break;
		default:
			return refuse(r, type, "unknown kind of access", attr.type,
				      KFD_IOCTL_SVM_ATTR_NO_ACCESS);
		}
	}
	return 0;
}

static int v1_read_range(struct v1_reader *r, struct kfd_criu_range_record *range)
{
	const u32 type = KFD_CRIU_RECORD_RANGES;
	struct kfd_criu_v1_attr attrs[V1_ATTRS];
	struct kfd_criu_v1_range v1;
	u32 i;

	take(r, &v1, sizeof(v1));
	take(r, attrs, sizeof(attrs));
	for (i = 0; i < V1_ATTRS; i++)
		if (attrs[i].type != v1_attr_types[i])
			return refuse(r, type, "attribute that does not stand there",
				      attrs[i].type, v1_attr_types[i]);
	if (check_mul_overflow(v1.start, (u64)V1_PAGE, &range->start) ||
	    check_mul_overflow(v1.pages, (u64)V1_PAGE, &range->pages))
		return refuse(r, type, "range leaves the address space", v1.start, U64_MAX);
	range->preferred = attrs[V1_PREFERRED].value;
	range->prefetch = attrs[V1_PREFETCH].value;
	range->actual = KFD_CRIU_LOCATION_SYSTEM;
	range->svm_flags = attrs[V1_SET_FLAGS].value;
	range->granularity = attrs[V1_GRANULARITY].value;
	return v1_read_access(r, range);
}

static int v1_read_tables(struct v1_reader *r, struct kfd_criu_writer *w,
			  const struct kfd_criu_v1_process *process)
{
	struct kfd_criu_device_record *devices;
	u32 i;
	int ret;

	r->process = kfd_criu_write(w, KFD_CRIU_RECORD_PROCESS, 1, sizeof(*r->process), 0);
	devices = kfd_criu_write(w, KFD_CRIU_RECORD_DEVICES, r->num_devices, sizeof(*devices), 0);
	if (r->num_bos)
		r->bos = kfd_criu_write(w, KFD_CRIU_RECORD_BOS, r->num_bos, sizeof(*r->bos), 0);
	if (w->err)
		return w->err;

	r->process->flags = process->xnack ? KFD_CRIU_PROCESS_XNACK : 0;
	for (i = 0; i < r->num_devices; i++) {
		devices[i].user_gpu_id = r->devices[i].user_gpu_id;
		devices[i].flags = KFD_CRIU_DEVICE_VM | KFD_CRIU_DEVICE_DOORBELLS;
	}
	r->pos = sizeof(*process) + r->num_devices * sizeof(struct kfd_criu_v1_device);
	for (r->index = 0; r->index < r->num_bos; r->index++) {
		ret = v1_read_bo(r, &r->bos[r->index]);
		if (ret)
			return ret;
		/* Up to 64 GPUs are looked up for each. */
		cond_resched();
	}
	return 0;
}

/* The first pass has seen that all objects lie in the image: from here on take() can't fail. */
static int v1_read_objects(struct v1_reader *r, struct kfd_criu_writer *w)
{
	struct kfd_criu_event_record *events = NULL;
	struct kfd_criu_range_record *ranges = NULL;
	u32 event = 0, range = 0, object;
	int ret;

	if (r->num_events)
		events = kfd_criu_write(w, KFD_CRIU_RECORD_EVENTS, r->num_events,
					sizeof(*events), 0);
	if (r->num_ranges)
		ranges = kfd_criu_write(w, KFD_CRIU_RECORD_RANGES, r->num_ranges,
					sizeof(*ranges), 0);
	if (w->err)
		return w->err;

	for (r->index = 0; r->index < r->num_objects; r->index++) {
		take(r, &object, sizeof(object));
		r->pos -= sizeof(object);
		if (object == KFD_CRIU_V1_QUEUE) {
			ret = v1_read_queue(r, w);
		} else if (object == KFD_CRIU_V1_EVENT) {
			ret = v1_read_event(r, &events[event], !event);
			event++;
		} else {
			ret = v1_read_range(r, &ranges[range++]);
		}
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

static size_t size_in_v2(const struct v1_reader *r)
{
	size_t size = sizeof(struct kfd_criu_image_header);

	size = size_add(size, kfd_criu_record_size(1, sizeof(struct kfd_criu_process_record), 0));
	size = size_add(size, kfd_criu_record_size(r->num_devices,
						   sizeof(struct kfd_criu_device_record), 0));
	if (r->num_bos)
		size = size_add(size, kfd_criu_record_size(r->num_bos,
							   sizeof(struct kfd_criu_bo_record), 0));
	if (r->num_events)
		size = size_add(size,
				kfd_criu_record_size(r->num_events,
						     sizeof(struct kfd_criu_event_record), 0));
	if (r->num_ranges)
		size = size_add(size,
				kfd_criu_record_size(r->num_ranges,
						     sizeof(struct kfd_criu_range_record), 0));
	return size_add(size, r->queues);
}

/**
 * kfd_criu_v1_read - make an image of version 2 from one of version 1
 * @v1: the image of version 1
 * @v1_size: its bytes
 * @devices: the device buckets that came with it
 * @num_devices: how many
 * @bos: the BO buckets that came with it
 * @num_bos: how many
 * @num_objects: queues, events and ranges in the image
 * @v2: the new image, to be given to kvfree()
 * @v2_size: its bytes
 * @why: what is wrong with the old one, if something is
 *
 * The structure of the old image is verified here, and all that has another
 * form in the new one. The values are not: whoever gets the new image opens
 * it with kfd_criu_image_open() like any other.
 *
 * Context: process context, may sleep.
 * Return: 0, or
 *
 * * -EPROTONOSUPPORT: not version 1
 * * -EMSGSIZE: one of the images is larger than %KFD_CRIU_IMAGE_MAX
 * * -ENOMEM: no memory
 * * -EINVAL: anything else
 */
int kfd_criu_v1_read(const void *v1, size_t v1_size,
		     const struct kfd_criu_device_bucket *devices, u32 num_devices,
		     const struct kfd_criu_bo_bucket *bos, u32 num_bos, u32 num_objects,
		     void **v2, size_t *v2_size, struct kfd_criu_complaint *why)
{
	struct v1_reader r = {
		.buf = v1,
		.size = v1_size,
		.devices = devices,
		.buckets = bos,
		.num_devices = num_devices,
		.num_bos = num_bos,
		.num_objects = num_objects,
		.why = why,
	};
	struct kfd_criu_v1_process process;
	struct kfd_criu_complaint older;
	struct kfd_criu_writer w;
	size_t size;
	void *buf;
	int ret;

	*why = (struct kfd_criu_complaint) { };
	if (v1_size > KFD_CRIU_IMAGE_MAX)
		return kfd_criu_complain(why, -EMSGSIZE, 0, 0, "image larger than the limit",
					 v1_size, KFD_CRIU_IMAGE_MAX);
	ret = v1_check_process(&r, &process);
	if (ret)
		return ret;
	ret = v1_measure(&r, V1_GPUS);
	if (ret) {
		/* If it is neither, the complaint is about the layout of today. */
		r.why = &older;
		ret = v1_measure(&r, V1_GPUS_OLD);
		r.why = why;
	}
	if (ret)
		return ret;

	size = size_in_v2(&r);
	if (size > KFD_CRIU_IMAGE_MAX)
		return kfd_criu_complain(why, -EMSGSIZE, 0, 0,
					 "image larger than the limit in version 2", size,
					 KFD_CRIU_IMAGE_MAX);
	buf = kfd_criu_alloc(1, size);
	if (!buf)
		return kfd_criu_complain(why, -ENOMEM, 0, 0, "no memory for version 2", size, 0);

	kfd_criu_writer_init(&w, buf, size);
	ret = v1_read_tables(&r, &w, &process);
	if (!ret)
		ret = v1_read_objects(&r, &w);
	if (ret) {
		kvfree(buf);
		return ret;
	}
	kfd_criu_writer_seal(&w);
	*why = (struct kfd_criu_complaint) { };
	*v2 = buf;
	*v2_size = w.pos;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_v1_read);

/**
 * kfd_criu_v1_size_of - bytes that an image of version 1 takes
 * @num_devices: number of devices
 * @num_bos: number of BOs
 * @num_queues: number of queues
 * @queue_data: bytes of all their MQDs and control stacks
 * @num_events: number of events
 * @num_ranges: number of SVM ranges
 *
 * Context: any.
 * Return: bytes; %SIZE_MAX if that is more than there can be.
 */
size_t kfd_criu_v1_size_of(u32 num_devices, u32 num_bos, u32 num_queues,
			   size_t queue_data, u32 num_events, u32 num_ranges)
{
	size_t size = size_add(sizeof(struct kfd_criu_v1_process), queue_data);

	size = size_add(size, size_mul(num_devices, sizeof(struct kfd_criu_v1_device)));
	size = size_add(size, size_mul(num_bos, V1_BO_SIZE(V1_GPUS)));
	size = size_add(size, size_mul(num_queues, sizeof(struct kfd_criu_v1_queue)));
	size = size_add(size, size_mul(num_events, sizeof(struct kfd_criu_v1_event)));
	return size_add(size, size_mul(num_ranges, v1_range_size(num_devices)));
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_v1_size_of);

/**
 * kfd_criu_v1_size - bytes that an image takes in version 1
 * @img: an image that has been opened
 *
 * Context: any.
 * Return: bytes.
 */
size_t kfd_criu_v1_size(const struct kfd_criu_image *img)
{
	const struct kfd_criu_queue_record *q;
	size_t queue_data = 0;

	for (q = kfd_criu_image_next_queue(img, NULL); q;
	     q = kfd_criu_image_next_queue(img, q))
		queue_data += q->mqd_size + q->ctl_size;
	return kfd_criu_v1_size_of(img->num_devices, img->num_bos, img->num_queues, queue_data,
				   img->num_events, img->num_ranges);
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_v1_size);

static int unsupported(struct kfd_criu_complaint *why, u32 type, u32 index, const char *what,
		       u64 found, u64 wanted)
{
	return kfd_criu_complain(why, -EOPNOTSUPP, type, index, what, found, wanted);
}

/*
 * With version 1 the signal page comes back with the first event, or if it is
 * not a BO, with the first signal event: as one that the kernel allocates
 * anew, with empty slots, and with 256 of them until the process' mapping of it is
 * made again. Events are limited by that number, and so one less fits, 0 being taken.
 */
static int v1_check_signal_page(const struct kfd_criu_image *img, struct kfd_criu_complaint *why)
{
	const struct kfd_criu_process_record *process = img->process;
	u32 i, signals = 0;

	if ((process->flags & KFD_CRIU_PROCESS_PAGE_BO) && !img->num_events)
		return unsupported(why, KFD_CRIU_RECORD_PROCESS, 0,
				   "version 1 has a signal page only with an event", 0, 1);
	if (!(process->flags & KFD_CRIU_PROCESS_PAGE_KERNEL))
		return 0;

	for (i = 0; i < img->num_events; i++) {
		const struct kfd_criu_event_record *event = &img->events[i];

		if (!is_signal(event->type))
			continue;
		signals++;
		if (event->slot != U64_MAX)
			return unsupported(why, KFD_CRIU_RECORD_EVENTS, i,
					   "version 1 does not have the contents of a slot",
					   event->slot, U64_MAX);
	}
	if (!signals)
		return unsupported(why, KFD_CRIU_RECORD_PROCESS, 0,
				   "version 1 has a kernel's signal page only with a signal event",
				   0, 1);
	if (signals >= V1_FIRST_SLOTS)
		return unsupported(why, KFD_CRIU_RECORD_EVENTS, signals,
				   "version 1 has no room for so many events without a BO",
				   signals, V1_FIRST_SLOTS - 1);
	return 0;
}

static int v1_check_writable(const struct kfd_criu_image *img, struct kfd_criu_complaint *why)
{
	const struct kfd_criu_queue_record *q;
	u32 i;

	for (i = 0; i < img->num_devices; i++)
		if (!(img->devices[i].flags & KFD_CRIU_DEVICE_VM))
			return unsupported(why, KFD_CRIU_RECORD_DEVICES, i,
					   "version 1 gives each device a VM",
					   img->devices[i].flags, KFD_CRIU_DEVICE_VM);
	i = 0;
	for (q = kfd_criu_image_next_queue(img, NULL); q;
	     q = kfd_criu_image_next_queue(img, q)) {
		if (q->xccs != 1)
			return unsupported(why, KFD_CRIU_RECORD_QUEUE, i,
					   "version 1 has one MQD per queue", q->xccs, 1);
		i++;
	}
	for (i = 0; i < img->num_ranges; i++)
		if (img->ranges[i].start % V1_PAGE || img->ranges[i].pages % V1_PAGE)
			return unsupported(why, KFD_CRIU_RECORD_RANGES, i,
					   "version 1 has ranges of whole pages only",
					   img->ranges[i].start, V1_PAGE);
	return v1_check_signal_page(img, why);
}

static void put(void **pos, const void *from, size_t size)
{
	memcpy(*pos, from, size);
	*pos += size;
}

static void v1_write_bo(const struct kfd_criu_image *img, void **pos,
			const struct kfd_criu_bo_record *bo)
{
	const struct kfd_criu_v1_bo v1 = {
		.user_addr = bo->user_addr,
		.handle = bo->handle,
	};
	u32 gpus[V1_GPUS + 1] = { };	/* with the hole behind */
	u32 i, n = 0;

	for (i = 0; i < img->num_devices; i++)
		if (bo->gpus & BIT_ULL(i))
			gpus[n++] = img->devices[i].user_gpu_id;
	put(pos, &v1, offsetofend(struct kfd_criu_v1_bo, handle));
	put(pos, gpus, sizeof(gpus));
}

static void v1_write_queue(const struct kfd_criu_image *img, void **pos,
			   const struct kfd_criu_queue_record *q)
{
	const struct kfd_criu_v1_queue v1 = {
		.object = KFD_CRIU_V1_QUEUE,
		.ring = q->ring,
		.ring_size = q->ring_size,
		.rptr = q->rptr,
		.wptr = q->wptr,
		.eop = q->eop,
		.cwsr = q->cwsr,
		.gpu_id = img->devices[q->device].user_gpu_id,
		.type = q->type,
		.format = q->format,
		.queue_id = q->queue_id,
		.priority = q->priority,
		.percent = q->percent,
		.doorbell_id = q->doorbell_id,
		.gws = !!(q->flags & KFD_CRIU_QUEUE_GWS),
		.sdma_id = q->sdma_id,
		.eop_size = q->eop_size,
		.cwsr_size = q->cwsr_size,
		.ctl_size = q->ctl_size,
		.mqd_size = q->mqd_size,
	};

	put(pos, &v1, sizeof(v1));
	put(pos, kfd_criu_queue_mqd(q, 0), q->mqd_size);
	if (q->ctl_size)
		put(pos, kfd_criu_queue_ctl_stack(q, 0), q->ctl_size);
}

static void v1_write_event(void **pos, const struct kfd_criu_event_record *event,
			   u64 signal_handle)
{
	struct kfd_criu_v1_event v1 = {
		.object = KFD_CRIU_V1_EVENT,
		.signal_handle = signal_handle,
		.id = event->id,
		.auto_reset = !!(event->flags & KFD_CRIU_EVENT_AUTO_RESET),
		.type = event->type,
		.signaled = !!(event->flags & KFD_CRIU_EVENT_SIGNALED),
	};

	static_assert(sizeof(v1.data) == sizeof(event->data));
	memcpy(v1.data, event->data, sizeof(v1.data));
	put(pos, &v1, sizeof(v1));
}

static void v1_write_range(const struct kfd_criu_image *img, void **pos,
			   const struct kfd_criu_range_record *range)
{
	const struct kfd_criu_v1_range v1 = {
		.object = KFD_CRIU_V1_RANGE,
		.start = range->start / V1_PAGE,
		.pages = range->pages / V1_PAGE,
	};
	const u32 values[V1_ATTRS] = {
		[V1_PREFERRED] = range->preferred,
		[V1_PREFETCH] = range->prefetch,
		[V1_SET_FLAGS] = range->svm_flags,
		[V1_GRANULARITY] = range->granularity,
	};
	struct kfd_criu_v1_attr attr;
	u32 i;

	put(pos, &v1, sizeof(v1));
	for (i = 0; i < V1_ATTRS; i++) {
		attr.type = v1_attr_types[i];
		attr.value = values[i];
		put(pos, &attr, sizeof(attr));
	}
	for (i = 0; i < img->num_devices; i++) {
		attr.value = img->devices[i].user_gpu_id;
		if (range->access & BIT_ULL(i))
			attr.type = KFD_IOCTL_SVM_ATTR_ACCESS;
		else if (range->in_place & BIT_ULL(i))
			attr.type = KFD_IOCTL_SVM_ATTR_ACCESS_IN_PLACE;
		else
			attr.type = KFD_IOCTL_SVM_ATTR_NO_ACCESS;
		put(pos, &attr, sizeof(attr));
	}
}

/**
 * kfd_criu_v1_write - make an image of version 1
 * @img: an image that has been opened, and whose MQDs are complete: version 1
 *	restores them as they are
 * @v1: where to
 * @v1_size: bytes there, exactly kfd_criu_v1_size()
 * @why: what can't be said in version 1, if something can't
 *
 * The number of objects that belongs to the image is that of queues, events
 * and ranges together.
 *
 * Context: process context, may sleep.
 * Return: 0, or
 *
 * * -ENOSPC: the size is another one
 * * -EOPNOTSUPP: version 1 would restore it to something else
 */
int kfd_criu_v1_write(const struct kfd_criu_image *img, void *v1, size_t v1_size,
		      struct kfd_criu_complaint *why)
{
	const struct kfd_criu_v1_process process = {
		.version = KFD_CRIU_IMAGE_VERSION_1,
		.xnack = !!(img->process->flags & KFD_CRIU_PROCESS_XNACK),
	};
	const struct kfd_criu_queue_record *q;
	size_t size = kfd_criu_v1_size(img);
	void *pos = v1;
	int ret;
	u32 i;

	*why = (struct kfd_criu_complaint) { };
	if (v1_size != size)
		return kfd_criu_complain(why, -ENOSPC, 0, 0, "version 1 has another size",
					 v1_size, size);
	ret = v1_check_writable(img, why);
	if (ret)
		return ret;

	memset(v1, 0, v1_size);
	put(&pos, &process, sizeof(process));
	pos += img->num_devices * sizeof(struct kfd_criu_v1_device);
	for (i = 0; i < img->num_bos; i++)
		v1_write_bo(img, &pos, &img->bos[i]);
	for (q = kfd_criu_image_next_queue(img, NULL); q;
	     q = kfd_criu_image_next_queue(img, q))
		v1_write_queue(img, &pos, q);
	/* Only a page that is a BO has a handle. */
	for (i = 0; i < img->num_events; i++)
		v1_write_event(&pos, &img->events[i], i ? 0 : img->process->signal_handle);
	for (i = 0; i < img->num_ranges; i++)
		v1_write_range(img, &pos, &img->ranges[i]);
	cond_resched();
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_v1_write);
