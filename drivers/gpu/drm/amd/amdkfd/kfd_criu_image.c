// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The image of a compute process: writer, verifier, reader.
 *
 * Nothing in this file knows a process or a GPU: it is about bytes, so that
 * KUnit can try all of them.
 */
#include <linux/align.h>
#include <linux/array_size.h>
#include <linux/bitmap.h>
#include <linux/crc32.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/wordpart.h>
#include <kunit/visibility.h>
#include <uapi/linux/kfd_ioctl.h>

#include "kfd_criu_image.h"

/* The format has numbers of its own.  They are those of the UAPI, and stay so. */
static_assert(KFD_CRIU_EVENT_SLOTS == KFD_SIGNAL_EVENT_LIMIT);
static_assert(KFD_CRIU_MAX_PRIORITY == KFD_MAX_QUEUE_PRIORITY);
static_assert(KFD_CRIU_MAX_PERCENT == KFD_MAX_QUEUE_PERCENTAGE);
static_assert(KFD_CRIU_LOCATION_NONE == (u32)KFD_IOCTL_SVM_LOCATION_UNDEFINED);
static_assert(KFD_CRIU_LOCATION_SYSTEM == KFD_IOCTL_SVM_LOCATION_SYSMEM);
static_assert(KFD_CRIU_RANGE_SVM_FLAGS == 2 * KFD_IOCTL_SVM_FLAG_EXT_COHERENT - 1);
static_assert(sizeof(struct kfd_hsa_memory_exception_data) <=
	      sizeof_field(struct kfd_criu_event_record, data));

/**
 * kfd_criu_alloc - allocate what an image or a caller decides the size of
 * @n: number of elements
 * @size: of each
 *
 * It is charged to the caller. If there is not so much memory, or it is more than the
 * caller's cgroup may have, that is the caller's error and nobody is killed for it. Nothing
 * of more than eight contiguous pages is asked for.
 *
 * Context: process context; sleeps.
 * Return: zeroed memory for kvfree(), or NULL
 */
void *kfd_criu_alloc(size_t n, size_t size)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN | __GFP_ZERO;
	size_t bytes = size_mul(n, size);

	if (bytes == SIZE_MAX)
		return NULL;
	/* kvmalloc() would try contiguous memory of any size first. */
	if (bytes <= PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)
		return kmalloc(bytes, gfp);
	return __vmalloc(bytes, gfp);
}

/* A checksum goes on for long enough to let others run now and then. */
#define CRC_CHUNK	SZ_1M

static u32 image_crc(const void *buf, size_t size)
{
	size_t pos = offsetofend(struct kfd_criu_image_header, crc);
	static const u32 zero;
	u32 crc = ~0U;

	crc = crc32_le(crc, buf, offsetof(struct kfd_criu_image_header, crc));
	crc = crc32_le(crc, (const void *)&zero, sizeof(zero));
	while (pos < size) {
		size_t chunk = min_t(size_t, size - pos, CRC_CHUNK);

		crc = crc32_le(crc, buf + pos, chunk);
		pos += chunk;
		cond_resched();
	}
	return crc;
}

/**
 * kfd_criu_bucket_crc - checksum of what a bucket says about its BO
 * @bucket: the bucket
 *
 * Only what stays the same from CHECKPOINT to RESTORE goes in: offsets and file
 * descriptors are other ones by then.
 *
 * Context: any.
 * Return: CRC-32 of address, size, GPU and allocation flags, in this order.
 */
u32 kfd_criu_bucket_crc(const struct kfd_criu_bo_bucket *bucket)
{
	const struct {
		u64 addr;
		u64 size;
		u32 gpu_id;
		u32 alloc_flags;
	} said = {
		.addr = bucket->addr,
		.size = bucket->size,
		.gpu_id = bucket->gpu_id,
		.alloc_flags = bucket->alloc_flags,
	};

	static_assert(sizeof(said) == 24);
	return crc32_le(~0U, (const void *)&said, sizeof(said));
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_bucket_crc);

/**
 * kfd_criu_record_size - bytes that a record takes in an image
 * @count: entries
 * @stride: bytes of each
 * @extra: bytes behind them
 *
 * Context: any.
 * Return: bytes including the record's header and padding; %SIZE_MAX if that
 * is more than there can be.
 */
size_t kfd_criu_record_size(u32 count, u32 stride, size_t extra)
{
	size_t size = size_add(size_mul(count, stride), extra);

	/* Rounded up with care: a sum that saturated must not become a small one. */
	size = size_add(size, KFD_CRIU_IMAGE_ALIGN - 1);
	return size_add(sizeof(struct kfd_criu_record), ALIGN_DOWN(size, KFD_CRIU_IMAGE_ALIGN));
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_record_size);

/**
 * kfd_criu_writer_init - begin an image
 * @w: the writer
 * @buf: where to, aligned to 8 bytes
 * @size: of @buf, in bytes
 *
 * All of @buf is zeroed, so that what nobody fills in is 0 and not what the
 * kernel had there before.
 *
 * Context: any.
 */
void kfd_criu_writer_init(struct kfd_criu_writer *w, void *buf, size_t size)
{
	*w = (struct kfd_criu_writer) {
		.buf = buf,
		.size = size,
		.pos = sizeof(struct kfd_criu_image_header),
	};
	memset(buf, 0, size);
	if (size < w->pos)
		w->err = -ENOSPC;
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_writer_init);

/**
 * kfd_criu_write - append a record
 * @w: the writer
 * @type: of the record
 * @count: entries, at least 1: an empty table is not written
 * @stride: bytes of each, a multiple of 8
 * @extra: bytes behind them
 *
 * An error sticks to the writer, so that one check at the end is enough for
 * those who do not use what this returns.
 *
 * Context: any.
 * Return: the zeroed contents of the record, or NULL if there is no room or
 * has been none before.
 */
void *kfd_criu_write(struct kfd_criu_writer *w, enum kfd_criu_record_type type,
		     u32 count, u32 stride, size_t extra)
{
	size_t size = kfd_criu_record_size(count, stride, extra);
	struct kfd_criu_record *rec;

	if (w->err)
		return NULL;
	/* The limit of an image keeps the size within the 32 bits of its field as well. */
	if (size > w->size - w->pos || size > KFD_CRIU_IMAGE_MAX) {
		w->err = -ENOSPC;
		return NULL;
	}

	rec = w->buf + w->pos;
	*rec = (struct kfd_criu_record) {
		.type = type,
		.size = size - sizeof(*rec),
		.count = count,
		.stride = stride,
	};
	w->pos += size;
	w->records++;
	if (type == KFD_CRIU_RECORD_DIES)
		w->required |= KFD_CRIU_FEATURE_DIES;
	return rec + 1;
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_write);

/**
 * kfd_criu_writer_seal - fill in the header
 * @w: a writer without an error
 *
 * What is in the image is not looked at: that is for kfd_criu_writer_finish(),
 * or for the reader.
 *
 * Context: process context, may reschedule.
 */
void kfd_criu_writer_seal(struct kfd_criu_writer *w)
{
	struct kfd_criu_image_header *header = w->buf;

	*header = (struct kfd_criu_image_header) {
		.version = KFD_CRIU_IMAGE_VERSION,
		.magic = KFD_CRIU_IMAGE_MAGIC,
		.size = w->pos,
		.header_size = sizeof(*header),
		.records = w->records,
		.required = w->required,
	};
	header->crc = image_crc(w->buf, w->pos);
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_writer_seal);

/*
 * The verifier.  One function per kind of record, called in order of
 * dependency: each may rely on what those before it have found to be true, and
 * on nothing else.  @type and @index are what is being looked at, for the
 * complaint; @vms and @doorbells are the devices that have them.
 */
struct verifier {
	struct kfd_criu_image *img;
	struct kfd_criu_complaint *why;
	u32 type;
	u32 index;
	u64 vms;
	u64 doorbells;
};

static int refuse(struct verifier *v, int err, const char *what, u64 found, u64 wanted)
{
	return kfd_criu_complain(v->why, err, v->type, v->index, what, found, wanted);
}

static int invalid(struct verifier *v, const char *what, u64 found, u64 wanted)
{
	return refuse(v, -EINVAL, what, found, wanted);
}

static int find_device(const struct kfd_criu_image *img, u32 user_gpu_id)
{
	u32 i;

	for (i = 0; i < img->num_devices; i++)
		if (img->devices[i].user_gpu_id == user_gpu_id)
			return i;
	return -ENOENT;
}

/* What must not be shared: a key (start and last are the same), or a range. */
struct span {
	u64 start;
	u64 last;
	u32 index;
};

typedef struct span (*span_fn)(const struct kfd_criu_image *img, u32 index);

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a;
	const struct span *y = b;

	/* The order of millions of entries takes a while. */
	cond_resched();
	return (x->start > y->start) - (x->start < y->start);
}

/*
 * No two entries may share a key or an address.  The tables of an honest image
 * are in ascending order, and then one look is enough; only others are sorted,
 * in memory that is less than what the table takes.
 */
static int check_disjoint(struct verifier *v, u32 count, span_fn get, const char *what)
{
	struct span *spans, span, prev;
	int ret = 0;
	u32 i;

	if (!count)
		return 0;
	prev = get(v->img, 0);
	for (i = 1; i < count; i++, prev = span) {
		span = get(v->img, i);
		if (span.start <= prev.last)
			break;
	}
	if (i == count)
		return 0;

	spans = kfd_criu_alloc(count, sizeof(*spans));
	if (!spans)
		return refuse(v, -ENOMEM, "no memory to sort a table", count, 0);
	for (i = 0; i < count; i++)
		spans[i] = get(v->img, i);
	sort(spans, count, sizeof(*spans), compare_spans, NULL);
	for (i = 1; i < count; i++) {
		if (spans[i].start > spans[i - 1].last)
			continue;
		v->index = max(spans[i].index, spans[i - 1].index);
		ret = refuse(v, -EEXIST, what, spans[i].start, spans[i - 1].last);
		break;
	}
	kvfree(spans);
	return ret;
}

static int check_header(struct verifier *v)
{
	const struct kfd_criu_image_header *header = v->img->buf;
	size_t size = v->img->size;
	u32 crc;

	if (size > KFD_CRIU_IMAGE_MAX)
		return refuse(v, -EMSGSIZE, "image larger than the limit", size,
			      KFD_CRIU_IMAGE_MAX);
	/* The version comes first: what follows it may be anything in another one. */
	if (size < sizeof(header->version))
		return invalid(v, "image shorter than its version", size, sizeof(header->version));
	if (header->version != KFD_CRIU_IMAGE_VERSION)
		return refuse(v, -EPROTONOSUPPORT, "unknown version", header->version,
			      KFD_CRIU_IMAGE_VERSION);
	if (size < sizeof(*header))
		return invalid(v, "image shorter than its header", size, sizeof(*header));
	if (header->magic != KFD_CRIU_IMAGE_MAGIC)
		return invalid(v, "wrong magic number", header->magic, KFD_CRIU_IMAGE_MAGIC);
	if (header->size != size)
		return invalid(v, "image of another size than its header says", size,
			       header->size);
	if (header->header_size != sizeof(*header))
		return invalid(v, "header of another size", header->header_size, sizeof(*header));
	crc = image_crc(header, size);
	if (header->crc != crc)
		return invalid(v, "wrong checksum", header->crc, crc);
	if (header->required & ~KFD_CRIU_FEATURES)
		return refuse(v, -EPROTONOSUPPORT, "unknown feature required", header->required,
			      KFD_CRIU_FEATURES);
	if (header->reserved)
		return invalid(v, "reserved field of the header in use", header->reserved, 0);
	return 0;
}

/* What is the size of an entry, 0 for types that we do not know. */
static u32 known_stride(u32 type)
{
	switch (type) {
	case KFD_CRIU_RECORD_PROCESS:
		return sizeof(struct kfd_criu_process_record);
	case KFD_CRIU_RECORD_DEVICES:
		return sizeof(struct kfd_criu_device_record);
	case KFD_CRIU_RECORD_BOS:
		return sizeof(struct kfd_criu_bo_record);
	case KFD_CRIU_RECORD_QUEUE:
		return sizeof(struct kfd_criu_queue_record);
	case KFD_CRIU_RECORD_EVENTS:
		return sizeof(struct kfd_criu_event_record);
	case KFD_CRIU_RECORD_RANGES:
		return sizeof(struct kfd_criu_range_record);
	case KFD_CRIU_RECORD_DIES:
		return sizeof(struct kfd_criu_die_record);
	default:
		return 0;
	}
}

/*
 * A record by itself, of which only the header is known to lie in the image.
 * @room: bytes of the image behind that header
 */
static int check_record(struct verifier *v, const struct kfd_criu_record *rec, size_t room)
{
	u64 entries = (u64)rec->count * rec->stride;
	u32 stride = known_stride(rec->type);

	if (!rec->type)
		return invalid(v, "record without a type", 0, 1);
	if (rec->flags & ~KFD_CRIU_RECORD_FLAGS)
		return invalid(v, "record with unknown flags", rec->flags, KFD_CRIU_RECORD_FLAGS);
	if (!stride && !(rec->flags & KFD_CRIU_RECORD_OPTIONAL))
		return refuse(v, -EPROTONOSUPPORT, "unknown record required", rec->type,
			      KFD_CRIU_RECORD_DIES);
	if (rec->size > room)
		return invalid(v, "record leaves the image", rec->size, room);
	if (!IS_ALIGNED(rec->size, KFD_CRIU_IMAGE_ALIGN))
		return invalid(v, "record of unaligned size", rec->size, KFD_CRIU_IMAGE_ALIGN);
	if (!rec->count)
		return invalid(v, "record without an entry", 0, 1);
	if (!rec->stride || !IS_ALIGNED(rec->stride, KFD_CRIU_IMAGE_ALIGN))
		return invalid(v, "record with entries of unaligned size", rec->stride,
			       KFD_CRIU_IMAGE_ALIGN);
	if (entries > rec->size)
		return invalid(v, "record shorter than its entries", rec->size, entries);
	if (stride && rec->stride != stride)
		return invalid(v, "record with entries of another size", rec->stride, stride);
	if (stride && rec->type != KFD_CRIU_RECORD_QUEUE && rec->size != entries)
		return invalid(v, "table longer than its entries", rec->size, entries);
	if ((rec->type == KFD_CRIU_RECORD_PROCESS || rec->type == KFD_CRIU_RECORD_QUEUE) &&
	    rec->count != 1)
		return invalid(v, "more than one entry in a record for one", rec->count, 1);
	return 0;
}

/* A record among others: @number is its position, @pos the offset of its header. */
static int place_record(struct verifier *v, const struct kfd_criu_record *rec, u32 number,
			size_t pos)
{
	bool process = rec->type == KFD_CRIU_RECORD_PROCESS;
	bool devices = rec->type == KFD_CRIU_RECORD_DEVICES;
	struct kfd_criu_image *img = v->img;
	bool second = number == 1;
	bool first = number == 0;

	if (process != first)
		return invalid(v, "the process is not the first record and only there", number, 0);
	if (devices != second)
		return invalid(v, "the devices are not the second record and only there", number,
			       1);

	switch (rec->type) {
	case KFD_CRIU_RECORD_PROCESS:
		img->process = (const void *)(rec + 1);
		break;
	case KFD_CRIU_RECORD_DEVICES:
		img->devices = (const void *)(rec + 1);
		img->num_devices = rec->count;
		break;
	case KFD_CRIU_RECORD_BOS:
		if (img->bos)
			return invalid(v, "second table of BOs", number, 0);
		img->bos = (const void *)(rec + 1);
		img->num_bos = rec->count;
		break;
	case KFD_CRIU_RECORD_QUEUE:
		if (!img->num_queues++)
			img->first_queue = pos;
		break;
	case KFD_CRIU_RECORD_EVENTS:
		if (img->events)
			return invalid(v, "second table of events", number, 0);
		img->events = (const void *)(rec + 1);
		img->num_events = rec->count;
		break;
	case KFD_CRIU_RECORD_RANGES:
		if (img->ranges)
			return invalid(v, "second table of ranges", number, 0);
		img->ranges = (const void *)(rec + 1);
		img->num_ranges = rec->count;
		break;
	case KFD_CRIU_RECORD_DIES:
		if (img->dies)
			return invalid(v, "second table of dies", number, 0);
		/* The devices came before. */
		if (rec->count != img->num_devices)
			return invalid(v, "not as many dies as devices", rec->count,
				       img->num_devices);
		img->dies = (const void *)(rec + 1);
		break;
	}
	return 0;
}

/* Invariant of the walk: @pos is a multiple of 8 and at most the image's size. */
static int check_records(struct verifier *v)
{
	const struct kfd_criu_image_header *header = v->img->buf;
	size_t pos = sizeof(*header), size = v->img->size;
	const struct kfd_criu_record *rec;
	int ret;
	u32 i;

	for (i = 0; i < header->records; i++) {
		v->type = 0;
		v->index = i;
		if (size - pos < sizeof(*rec))
			return invalid(v, "fewer records than the header says", i,
				       header->records);
		rec = v->img->buf + pos;
		v->type = rec->type;
		ret = check_record(v, rec, size - pos - sizeof(*rec));
		if (ret)
			return ret;
		ret = place_record(v, rec, i, pos);
		if (ret)
			return ret;
		pos += sizeof(*rec) + rec->size;
	}
	v->type = 0;
	v->index = i;
	if (pos != size)
		return invalid(v, "bytes behind the last record", size, pos);
	if (!v->img->devices)
		return invalid(v, "no process or no devices", header->records, 2);
	return 0;
}

static int check_process(struct verifier *v)
{
	const struct kfd_criu_process_record *process = v->img->process;
	u32 flags = process->flags;

	v->type = KFD_CRIU_RECORD_PROCESS;
	v->index = 0;
	if (flags & ~KFD_CRIU_PROCESS_FLAGS)
		return invalid(v, "process with unknown flags", flags, KFD_CRIU_PROCESS_FLAGS);
	if ((flags & KFD_CRIU_PROCESS_TTMP) && !(flags & KFD_CRIU_PROCESS_RUNTIME))
		return invalid(v, "process with TTMP setup without a runtime", flags,
			       flags | KFD_CRIU_PROCESS_RUNTIME);
	return 0;
}

/* Without an identity there is nothing that could be compared, hence nothing given. */
static bool identity_empty(const struct kfd_criu_device_record *dev)
{
	size_t start = offsetof(struct kfd_criu_device_record, gc_version);
	size_t end = offsetofend(struct kfd_criu_device_record, sdma_interface);

	return !memchr_inv((const u8 *)dev + start, 0, end - start);
}

static int check_devices(struct verifier *v)
{
	const struct kfd_criu_device_record *dev = v->img->devices;
	u32 i, j;

	v->type = KFD_CRIU_RECORD_DEVICES;
	v->index = 0;
	/* From here on a device is a bit of a 64 bit mask. */
	if (v->img->num_devices > KFD_CRIU_MAX_DEVICES)
		return invalid(v, "too many devices", v->img->num_devices, KFD_CRIU_MAX_DEVICES);

	for (i = 0; i < v->img->num_devices; i++, dev++) {
		v->index = i;
		/* Both would be taken for a location of a range that is no GPU. */
		if (dev->user_gpu_id == KFD_CRIU_LOCATION_SYSTEM ||
		    dev->user_gpu_id == KFD_CRIU_LOCATION_NONE)
			return invalid(v, "device with an id that none can have",
				       dev->user_gpu_id, 0);
		for (j = 0; j < i; j++)
			if (v->img->devices[j].user_gpu_id == dev->user_gpu_id)
				return refuse(v, -EEXIST, "two devices with the same id",
					      dev->user_gpu_id, j);
		if (dev->flags & ~KFD_CRIU_DEVICE_FLAGS)
			return invalid(v, "device with unknown flags", dev->flags,
				       KFD_CRIU_DEVICE_FLAGS);
		if ((dev->flags & KFD_CRIU_DEVICE_DOORBELLS) &&
		    !(dev->flags & KFD_CRIU_DEVICE_VM))
			return invalid(v, "device with doorbells without a VM", dev->flags,
				       dev->flags | KFD_CRIU_DEVICE_VM);
		if ((dev->flags & KFD_CRIU_DEVICE_IDENTITY) && !dev->xcc_count)
			return invalid(v, "device without an XCC", 0, 1);
		if (!(dev->flags & KFD_CRIU_DEVICE_IDENTITY) && !identity_empty(dev))
			return invalid(v, "device with parts of an identity", dev->flags,
				       dev->flags | KFD_CRIU_DEVICE_IDENTITY);

		if (dev->flags & KFD_CRIU_DEVICE_VM)
			v->vms |= BIT_ULL(i);
		if (dev->flags & KFD_CRIU_DEVICE_DOORBELLS)
			v->doorbells |= BIT_ULL(i);
	}
	return 0;
}

static int check_dies(struct verifier *v)
{
	const struct kfd_criu_image_header *header = v->img->buf;
	const struct kfd_criu_die_record *die = v->img->dies;
	u32 i;

	v->type = KFD_CRIU_RECORD_DIES;
	v->index = 0;
	if (!(header->required & KFD_CRIU_FEATURE_DIES) != !die)
		return invalid(v, "table of dies without its feature, or the other way round",
			       header->required, KFD_CRIU_FEATURE_DIES);
	for (i = 0; die && i < v->img->num_devices; i++, die++) {
		v->index = i;
		if (die->engines > KFD_CRIU_DIE_ENGINES)
			return invalid(v, "die with too many shader engines", die->engines,
				       KFD_CRIU_DIE_ENGINES);
		if (die->arrays > KFD_CRIU_DIE_ARRAYS)
			return invalid(v, "die with too many shader arrays", die->arrays,
				       KFD_CRIU_DIE_ARRAYS);
		if (die->reserved)
			return invalid(v, "reserved field of a die in use", die->reserved, 0);
	}
	return 0;
}

static struct span bo_span(const struct kfd_criu_image *img, u32 index)
{
	const struct kfd_criu_bo_record *bo = &img->bos[index];
	u64 key = (u64)bo->device << 32 | bo->handle;

	return (struct span) { .start = key, .last = key, .index = index };
}

static int check_bos(struct verifier *v)
{
	const struct kfd_criu_bo_record *bo = v->img->bos;
	u32 i;

	v->type = KFD_CRIU_RECORD_BOS;
	for (i = 0; i < v->img->num_bos; i++, bo++) {
		v->index = i;
		if (bo->device >= v->img->num_devices)
			return invalid(v, "BO of a device that is not there", bo->device,
				       v->img->num_devices);
		if (!(v->vms & BIT_ULL(bo->device)))
			return invalid(v, "BO of a device without a VM", bo->device, v->vms);
		if (bo->gpus & ~v->vms)
			return invalid(v, "BO mapped on a device without a VM", bo->gpus, v->vms);
		if (bo->handle > KFD_CRIU_LAST_HANDLE)
			return invalid(v, "BO with a handle that none can have", bo->handle,
				       KFD_CRIU_LAST_HANDLE);
		if (bo->flags & ~KFD_CRIU_BO_FLAGS)
			return invalid(v, "BO with unknown flags", bo->flags, KFD_CRIU_BO_FLAGS);
		if (bo->flags & KFD_CRIU_BO_NO_PAGES && !bo->user_addr)
			return invalid(v, "no pages below no user pointer", bo->flags, 0);
		if (bo->reserved)
			return invalid(v, "reserved field of a BO in use", bo->reserved, 0);
	}
	return check_disjoint(v, v->img->num_bos, bo_span, "two BOs with the same handle");
}

/* The signal page belongs to the process, but names a BO. */
static int check_signal_page(struct verifier *v)
{
	const struct kfd_criu_process_record *process = v->img->process;
	u32 page = process->flags & (KFD_CRIU_PROCESS_PAGE_BO | KFD_CRIU_PROCESS_PAGE_KERNEL);
	const struct kfd_criu_bo_record *bo = v->img->bos;
	u64 whole = KFD_CRIU_EVENT_SLOTS * sizeof(u64);
	int device;
	u32 i;

	v->type = KFD_CRIU_RECORD_PROCESS;
	v->index = 0;
	if (!page && process->signal_size)
		return invalid(v, "size of a signal page that is not there", process->signal_size,
			       0);
	if (!(page & KFD_CRIU_PROCESS_PAGE_BO) && process->signal_handle)
		return invalid(v, "handle of a signal page that is no BO",
			       process->signal_handle, 0);
	if (!page)
		return 0;
	if (!process->signal_size || !IS_ALIGNED(process->signal_size, sizeof(u64)))
		return invalid(v, "signal page of an odd size", process->signal_size,
			       sizeof(u64));
	switch (page) {
	case KFD_CRIU_PROCESS_PAGE_KERNEL:
		if (process->signal_size > whole)
			return invalid(v, "more slots than a signal page has",
				       process->signal_size, whole);
		return 0;
	case KFD_CRIU_PROCESS_PAGE_BO:
		if (process->signal_size < whole)
			return invalid(v, "BO too small for a signal page",
				       process->signal_size, whole);
		break;
	default:
		return invalid(v, "two signal pages", process->flags, KFD_CRIU_PROCESS_PAGE_BO);
	}

	device = find_device(v->img, upper_32_bits(process->signal_handle));
	if (device < 0)
		return invalid(v, "signal page on a device that is not there",
			       process->signal_handle, 0);
	for (i = 0; i < v->img->num_bos; i++, bo++)
		if (bo->device == device && bo->handle == lower_32_bits(process->signal_handle))
			return 0;
	return invalid(v, "signal page in a BO that is not there", process->signal_handle, 0);
}

static size_t queue_xcc_size(u32 mqd_size, u32 ctl_size)
{
	return ALIGN((size_t)mqd_size, KFD_CRIU_IMAGE_ALIGN) +
	       ALIGN((size_t)ctl_size, KFD_CRIU_IMAGE_ALIGN);
}

/**
 * kfd_criu_queue_data_size - bytes behind a queue in its record
 * @xccs: number of MQDs
 * @mqd_size: bytes of each
 * @ctl_size: bytes of control stack behind each
 *
 * Context: any.
 * Return: bytes, with padding; %SIZE_MAX if that is more than there can be.
 */
size_t kfd_criu_queue_data_size(u32 xccs, u32 mqd_size, u32 ctl_size)
{
	return size_mul(xccs, queue_xcc_size(mqd_size, ctl_size));
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_queue_data_size);

/**
 * kfd_criu_queue_mqd - a queue's MQD on one XCC
 * @q: queue of a verified image, or one that is being written
 * @xcc: below the queue's number of XCCs
 *
 * Context: any.
 * Return: the MQD, aligned to 8 bytes.
 */
const void *kfd_criu_queue_mqd(const struct kfd_criu_queue_record *q, u32 xcc)
{
	return (const u8 *)(q + 1) + xcc * queue_xcc_size(q->mqd_size, q->ctl_size);
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_queue_mqd);

/**
 * kfd_criu_queue_ctl_stack - a queue's control stack on one XCC
 * @q: queue of a verified image, or one that is being written
 * @xcc: below the queue's number of XCCs
 *
 * Context: any.
 * Return: the control stack, aligned to 8 bytes, or NULL if the image has none.
 */
const void *kfd_criu_queue_ctl_stack(const struct kfd_criu_queue_record *q, u32 xcc)
{
	if (!q->ctl_size)
		return NULL;
	return kfd_criu_queue_mqd(q, xcc) + ALIGN((size_t)q->mqd_size, KFD_CRIU_IMAGE_ALIGN);
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_queue_ctl_stack);

static const struct kfd_criu_record *record_of(const struct kfd_criu_queue_record *q)
{
	return (const struct kfd_criu_record *)q - 1;
}

/**
 * kfd_criu_image_next_queue - the queue behind another one
 * @img: the image
 * @prev: a queue of it, or NULL for the first
 *
 * Context: any.
 * Return: a queue, or NULL behind the last.
 */
const struct kfd_criu_queue_record *
kfd_criu_image_next_queue(const struct kfd_criu_image *img,
			  const struct kfd_criu_queue_record *prev)
{
	const void *end = img->buf + img->size;
	const struct kfd_criu_record *rec;

	if (!img->num_queues)
		return NULL;
	if (!prev)
		return img->buf + img->first_queue + sizeof(*rec);

	/* The walk has seen that records end exactly where the image does. */
	rec = (const void *)prev + record_of(prev)->size;
	while ((const void *)rec < end) {
		if (rec->type == KFD_CRIU_RECORD_QUEUE)
			return (const void *)(rec + 1);
		rec = (const void *)(rec + 1) + rec->size;
	}
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_image_next_queue);

/* The size of the data comes from fields that have been checked just before. */
static int check_queue_data(struct verifier *v, const struct kfd_criu_queue_record *q)
{
	const struct kfd_criu_device_record *dev = &v->img->devices[q->device];
	bool compute = q->type == KFD_CRIU_QUEUE_COMPUTE;
	size_t data = record_of(q)->size - sizeof(*q);
	size_t size;

	if (q->mqd_size < KFD_CRIU_MIN_MQD_SIZE || q->mqd_size > KFD_CRIU_MAX_MQD_SIZE ||
	    !IS_ALIGNED(q->mqd_size, sizeof(u32)))
		return invalid(v, "MQD of a size that none has", q->mqd_size,
			       KFD_CRIU_MAX_MQD_SIZE);
	if (!q->xccs)
		return invalid(v, "queue on no XCC", 0, 1);
	if (compute) {
		if (q->ctl_size > ALIGN((u64)q->ctl_stack_size, SZ_4K))
			return invalid(v, "more control stack than the queue has", q->ctl_size,
				       q->ctl_stack_size);
		if ((dev->flags & KFD_CRIU_DEVICE_IDENTITY) && q->xccs != dev->xcc_count)
			return invalid(v, "queue on another number of XCCs than its device has",
				       q->xccs, dev->xcc_count);
		if ((dev->flags & KFD_CRIU_DEVICE_IDENTITY) && q->mqd_size != dev->mqd_size)
			return invalid(v, "MQD of another size than its device has", q->mqd_size,
				       dev->mqd_size);
	} else {
		if (q->ctl_size)
			return invalid(v, "SDMA queue with a control stack", q->ctl_size, 0);
		if (q->xccs != 1)
			return invalid(v, "SDMA queue with more than one MQD", q->xccs, 1);
		if ((dev->flags & KFD_CRIU_DEVICE_IDENTITY) && q->mqd_size != dev->sdma_mqd_size)
			return invalid(v, "SDMA MQD of another size than its device has",
				       q->mqd_size, dev->sdma_mqd_size);
	}

	size = kfd_criu_queue_data_size(q->xccs, q->mqd_size, q->ctl_size);
	if (data != size)
		return invalid(v, "queue with more or less data than it says", data, size);
	return 0;
}

static int check_queue(struct verifier *v, const struct kfd_criu_queue_record *q)
{
	bool compute = q->type == KFD_CRIU_QUEUE_COMPUTE;

	if (q->device >= v->img->num_devices)
		return invalid(v, "queue of a device that is not there", q->device,
			       v->img->num_devices);
	if (!(v->vms & v->doorbells & BIT_ULL(q->device)))
		return invalid(v, "queue of a device without doorbells", q->device, v->doorbells);
	if (!compute && q->type != KFD_CRIU_QUEUE_SDMA && q->type != KFD_CRIU_QUEUE_SDMA_XGMI)
		return invalid(v, "queue of unknown type", q->type, KFD_CRIU_QUEUE_SDMA_XGMI);
	if (q->format != KFD_CRIU_QUEUE_PM4 && q->format != KFD_CRIU_QUEUE_AQL)
		return invalid(v, "queue of unknown format", q->format, KFD_CRIU_QUEUE_AQL);
	if (q->flags & ~KFD_CRIU_QUEUE_FLAGS)
		return invalid(v, "queue with unknown flags", q->flags, KFD_CRIU_QUEUE_FLAGS);
	/* What SDMA queues have is PM4 to the driver, and none of the flags is for them. */
	if (!compute && q->format != KFD_CRIU_QUEUE_PM4)
		return invalid(v, "SDMA queue of another format", q->format, KFD_CRIU_QUEUE_PM4);
	if (!compute && q->flags)
		return invalid(v, "SDMA queue with flags of a compute queue", q->flags, 0);
	if ((q->flags & KFD_CRIU_QUEUE_RESET) &&
	    !(v->img->devices[q->device].flags & KFD_CRIU_DEVICE_RESET))
		return invalid(v, "queue that was reset on a device where none was", q->flags,
			       v->img->devices[q->device].flags);
	if (q->queue_id >= KFD_CRIU_MAX_QUEUES)
		return invalid(v, "queue with an id that none can have", q->queue_id,
			       KFD_CRIU_MAX_QUEUES);
	if (q->doorbell_id >= KFD_CRIU_MAX_QUEUES)
		return invalid(v, "queue with a doorbell that none can have", q->doorbell_id,
			       KFD_CRIU_MAX_QUEUES);
	if (q->priority > KFD_CRIU_MAX_PRIORITY)
		return invalid(v, "queue of too high a priority", q->priority,
			       KFD_CRIU_MAX_PRIORITY);
	if (q->percent > KFD_CRIU_MAX_PERCENT)
		return invalid(v, "queue with too high a percentage", q->percent,
			       KFD_CRIU_MAX_PERCENT);
	if (q->pm4_target_xcc > KFD_CRIU_MAX_TARGET_XCC)
		return invalid(v, "queue for an XCC that none can name", q->pm4_target_xcc,
			       KFD_CRIU_MAX_TARGET_XCC);
	if (q->ring_size && (!is_power_of_2(q->ring_size) ||
			     q->ring_size < KFD_CRIU_MIN_RING_SIZE ||
			     q->ring_size > KFD_CRIU_MAX_RING_SIZE))
		return invalid(v, "ring buffer of a size that none can have", q->ring_size,
			       KFD_CRIU_MAX_RING_SIZE);
	/* An MQD has the address without its lowest bits. */
	if (!IS_ALIGNED(q->ring, KFD_CRIU_RING_ALIGN))
		return invalid(v, "ring buffer at an unaligned address", q->ring,
			       KFD_CRIU_RING_ALIGN);
	return check_queue_data(v, q);
}

/*
 * What queues must not share.  @taken: one bit per queue id, then one per
 * doorbell of each device; @gws: devices whose GWS is taken.
 */
static int check_queue_shares(struct verifier *v, const struct kfd_criu_queue_record *q,
			      unsigned long *taken, u64 *gws)
{
	u32 doorbell = (q->device + 1) * KFD_CRIU_MAX_QUEUES + q->doorbell_id;

	if (__test_and_set_bit(q->queue_id, taken))
		return refuse(v, -EEXIST, "two queues with the same id", q->queue_id, 0);
	if (q->type != KFD_CRIU_QUEUE_COMPUTE)
		return 0;
	if (__test_and_set_bit(doorbell, taken))
		return refuse(v, -EEXIST, "two queues with the same doorbell", q->doorbell_id, 0);
	if (!(q->flags & KFD_CRIU_QUEUE_GWS))
		return 0;
	if (*gws & BIT_ULL(q->device))
		return invalid(v, "two queues with the GWS of a device", q->device, 0);
	*gws |= BIT_ULL(q->device);
	return 0;
}

static int check_queues(struct verifier *v)
{
	const struct kfd_criu_queue_record *q;
	unsigned long *taken;
	int ret = 0;
	u64 gws = 0;

	v->type = KFD_CRIU_RECORD_QUEUE;
	v->index = 0;
	if (!v->img->num_queues)
		return 0;
	taken = bitmap_zalloc((v->img->num_devices + 1) * KFD_CRIU_MAX_QUEUES,
			      GFP_KERNEL_ACCOUNT);
	if (!taken)
		return refuse(v, -ENOMEM, "no memory for a map of ids", v->img->num_devices, 0);

	/* Ends after KFD_CRIU_MAX_QUEUES + 1 rounds at most: then ids have run out. */
	for (q = kfd_criu_image_next_queue(v->img, NULL); q;
	     q = kfd_criu_image_next_queue(v->img, q)) {
		ret = check_queue(v, q);
		if (!ret)
			ret = check_queue_shares(v, q, taken, &gws);
		if (ret)
			break;
		v->index++;
	}
	bitmap_free(taken);
	return ret;
}

static struct span event_span(const struct kfd_criu_image *img, u32 index)
{
	u64 id = img->events[index].id;

	return (struct span) { .start = id, .last = id, .index = index };
}

static int check_signal_event(struct verifier *v, const struct kfd_criu_event_record *event)
{
	const struct kfd_criu_process_record *process = v->img->process;
	u32 slots = process->signal_size / sizeof(u64);

	if (!slots)
		return invalid(v, "signal event without a signal page", event->id, 0);
	/* The driver keeps 0 for itself. */
	if (!event->id || event->id >= KFD_CRIU_EVENT_SLOTS)
		return invalid(v, "signal event with an id that none can have", event->id,
			       KFD_CRIU_EVENT_SLOTS);
	if (event->id >= slots)
		return invalid(v, "signal event behind the signal page", event->id, slots);
	if (!(process->flags & KFD_CRIU_PROCESS_PAGE_KERNEL) && event->slot != U64_MAX)
		return invalid(v, "contents of a slot that a BO has", event->slot, U64_MAX);
	return 0;
}

static int check_other_event(struct verifier *v, const struct kfd_criu_event_record *event)
{
	if (event->id < KFD_CRIU_EVENT_FIRST_OTHER || event->id > KFD_CRIU_EVENT_LAST_OTHER)
		return invalid(v, "event with an id that none can have", event->id,
			       KFD_CRIU_EVENT_FIRST_OTHER);
	if (event->slot != U64_MAX)
		return invalid(v, "contents of a slot that the event does not have", event->slot,
			       U64_MAX);
	return 0;
}

static int check_events(struct verifier *v)
{
	const struct kfd_criu_event_record *event = v->img->events;
	size_t data;
	int ret;
	u32 i;

	v->type = KFD_CRIU_RECORD_EVENTS;
	for (i = 0; i < v->img->num_events; i++, event++) {
		v->index = i;
		data = 0;
		switch (event->type) {
		case KFD_CRIU_EVENT_TYPE_SIGNAL:
		case KFD_CRIU_EVENT_TYPE_DEBUG:
			ret = check_signal_event(v, event);
			break;
		case KFD_CRIU_EVENT_TYPE_MEMORY:
			data = sizeof(struct kfd_hsa_memory_exception_data);
			ret = check_other_event(v, event);
			break;
		case KFD_CRIU_EVENT_TYPE_HW_EXCEPTION:
			data = sizeof(struct kfd_hsa_hw_exception_data);
			ret = check_other_event(v, event);
			break;
		default:
			return invalid(v, "event of unknown type", event->type,
				       KFD_CRIU_EVENT_TYPE_MEMORY);
		}
		if (ret)
			return ret;
		if (event->flags & ~KFD_CRIU_EVENT_FLAGS)
			return invalid(v, "event with unknown flags", event->flags,
				       KFD_CRIU_EVENT_FLAGS);
		if (event->reserved)
			return invalid(v, "reserved field of an event in use", event->reserved, 0);
		if (!event->age)
			return invalid(v, "event without an age", 0, 1);
		if (memchr_inv(event->data + data, 0, sizeof(event->data) - data))
			return invalid(v, "data that the event does not have", event->type, 0);
	}
	return check_disjoint(v, v->img->num_events, event_span, "two events with the same id");
}

static struct span range_span(const struct kfd_criu_image *img, u32 index)
{
	const struct kfd_criu_range_record *range = &img->ranges[index];

	return (struct span) {
		.start = range->start,
		.last = range->start + range->pages - 1,
		.index = index,
	};
}

static bool location_valid(const struct verifier *v, u32 location)
{
	int device;

	if (location == KFD_CRIU_LOCATION_NONE || location == KFD_CRIU_LOCATION_SYSTEM)
		return true;
	device = find_device(v->img, location);
	return device >= 0 && (v->vms & BIT_ULL(device));
}

static int check_ranges(struct verifier *v)
{
	const struct kfd_criu_range_record *range = v->img->ranges;
	u64 limit = KFD_CRIU_RANGE_LAST_PAGE + 1;
	u32 i;

	v->type = KFD_CRIU_RECORD_RANGES;
	for (i = 0; i < v->img->num_ranges; i++, range++) {
		v->index = i;
		if (!range->pages)
			return invalid(v, "range without a page", 0, 1);
		if (range->start > limit || range->pages > limit - range->start)
			return invalid(v, "range leaves the address space", range->start, limit);
		if (range->access & range->in_place)
			return invalid(v, "range with two kinds of access for a device",
				       range->access & range->in_place, 0);
		if ((range->access | range->in_place) & ~v->vms)
			return invalid(v, "range with access for a device without a VM",
				       range->access | range->in_place, v->vms);
		if (!location_valid(v, range->preferred))
			return invalid(v, "range that prefers a device without a VM",
				       range->preferred, v->vms);
		if (!location_valid(v, range->prefetch))
			return invalid(v, "range prefetched to a device without a VM",
				       range->prefetch, v->vms);
		if (!location_valid(v, range->actual))
			return invalid(v, "range on a device without a VM", range->actual,
				       v->vms);
		if (range->actual == KFD_CRIU_LOCATION_NONE)
			return invalid(v, "range that is nowhere", range->actual,
				       KFD_CRIU_LOCATION_SYSTEM);
		if (range->svm_flags & ~KFD_CRIU_RANGE_SVM_FLAGS)
			return invalid(v, "range with unknown flags", range->svm_flags,
				       KFD_CRIU_RANGE_SVM_FLAGS);
		if (range->granularity > KFD_CRIU_RANGE_GRANULARITY)
			return invalid(v, "range with too large a granularity",
				       range->granularity, KFD_CRIU_RANGE_GRANULARITY);
		if (range->reserved)
			return invalid(v, "reserved field of a range in use", range->reserved, 0);
	}
	return check_disjoint(v, v->img->num_ranges, range_span, "two ranges overlap");
}

/* All but the header. */
static int check_contents(struct verifier *v)
{
	static int (* const checks[])(struct verifier *v) = {
		check_records,
		check_process,
		check_devices,
		check_dies,		/* needs devices */
		check_bos,
		check_signal_page,	/* needs devices and BOs */
		check_queues,		/* needs devices */
		check_events,		/* needs the signal page */
		check_ranges,		/* needs devices */
	};
	u32 i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		ret = checks[i](v);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * kfd_criu_image_open - verify an image, all of it
 * @img: where everything is, filled on success, else cleared
 * @buf: the image, aligned to 8 bytes; nobody else may change it
 * @size: its bytes
 * @why: what is wrong with it, if something is
 *
 * What is found to be true here are the statements of kfd_criu_image.h, and no
 * more: that a GPU or the process of today can take what the image says is for
 * others to see.
 *
 * Context: process context, may sleep.
 * Return: 0, or
 *
 * * -EPROTONOSUPPORT: the version, a required feature or a record is unknown
 * * -EMSGSIZE: larger than %KFD_CRIU_IMAGE_MAX
 * * -EEXIST: two objects have the same name, or two ranges overlap
 * * -ENOMEM: no memory
 * * -EINVAL: anything else
 */
int kfd_criu_image_open(struct kfd_criu_image *img, const void *buf, size_t size,
			struct kfd_criu_complaint *why)
{
	struct verifier v = { .img = img, .why = why };
	int ret;

	*why = (struct kfd_criu_complaint) { };
	*img = (struct kfd_criu_image) { .buf = buf, .size = size };
	ret = check_header(&v);
	if (!ret)
		ret = check_contents(&v);
	if (ret)
		*img = (struct kfd_criu_image) { };
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_image_open);

/**
 * kfd_criu_writer_finish - fill in the header and verify what was written
 * @w: the writer; the image is the first @w->pos bytes of @w->buf
 * @img: where everything is, filled on success, else cleared
 * @why: what is wrong with it, if something is
 *
 * A process can bring itself into states that the image has no place for. That
 * is found here, while it still runs, and not by whoever wants to restore it.
 *
 * Context: process context, may sleep.
 * Return: 0, or
 *
 * * -ENOSPC: there was no room for a record
 * * -EMSGSIZE: larger than %KFD_CRIU_IMAGE_MAX
 * * -ENOMEM: no memory
 * * -EOPNOTSUPP: the verifier refuses the image
 */
int kfd_criu_writer_finish(struct kfd_criu_writer *w, struct kfd_criu_image *img,
			   struct kfd_criu_complaint *why)
{
	struct verifier v = { .img = img, .why = why };
	int ret;

	*why = (struct kfd_criu_complaint) { };
	*img = (struct kfd_criu_image) { };
	if (w->err)
		return refuse(&v, w->err, "no room for the image", w->size, w->pos);
	if (w->pos > KFD_CRIU_IMAGE_MAX)
		return refuse(&v, -EMSGSIZE, "written image larger than the limit", w->pos,
			      KFD_CRIU_IMAGE_MAX);

	kfd_criu_writer_seal(w);
	/* The header is ours of this moment, and a second checksum would prove nothing. */
	*img = (struct kfd_criu_image) { .buf = w->buf, .size = w->pos };
	ret = check_contents(&v);
	if (ret)
		*img = (struct kfd_criu_image) { };
	return !ret || ret == -ENOMEM ? ret : -EOPNOTSUPP;
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_writer_finish);
