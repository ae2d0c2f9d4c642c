// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * KUnit tests of the image of a compute process.
 *
 * The verifier is tested check by check: each case of refused_cases names the
 * complaint that it has to lead to, so that a check that is gone is noticed
 * even if another one refuses the image as well.
 */
#include <kunit/test.h>
#include <kunit/visibility.h>
#include <linux/crc32.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <uapi/linux/kfd_ioctl.h>

#include "../kfd_criu_image.h"

/* Room for every image here, the one with 65 devices included. */
#define ROOM		SZ_16K

#define GPU0		0x1111
#define GPU1		0x2222
#define GPU2		0x3333
#define PAGE_SLOTS	(KFD_CRIU_EVENT_SLOTS * 8)

/* The image that all tests begin with. No two fields of an object are equal if they can differ. */
static const struct kfd_criu_process_record process = {
	.flags = KFD_CRIU_PROCESS_XNACK | KFD_CRIU_PROCESS_RUNTIME | KFD_CRIU_PROCESS_TTMP |
		 KFD_CRIU_PROCESS_PAGE_BO | KFD_CRIU_PROCESS_EVENT_LIMIT,
	.signal_size = PAGE_SLOTS,
	.signal_handle = (u64)GPU1 << 32 | 3,
	.r_debug = 0x7f0000001000,
	.exception_status = 0x8000000000000001,
};

static const struct kfd_criu_process_record kernel_page = {
	.flags = KFD_CRIU_PROCESS_PAGE_KERNEL,
	.signal_size = PAGE_SLOTS,
};

static const struct kfd_criu_device_record devices[] = {
	{
		.user_gpu_id = GPU0,
		.flags = KFD_CRIU_DEVICE_VM | KFD_CRIU_DEVICE_DOORBELLS | KFD_CRIU_DEVICE_IDENTITY,
		.gc_version = 0x090403,
		.sdma_version = 0x040402,
		.xcc_count = 2,
		.mqd_size = 60,
		.sdma_mqd_size = 12,
		.doorbell_size = 8192,
		.ctl_stack_size = 4096,
		.cwsr_size = 0x900000,
		.sdma_engines = 3,
		.xgmi_engines = 6,
		.engine_queues = 8,
		.cu_count = 76,
		.partitions = 4,
		.partition = 3,
		.mec_interface = 50,
		.sdma_interface = 51,
		.tba = 0x7f0000002000,
		.tma = 0x7f0000003000,
		.scratch_va = 0x7f0000004000,
		.exception_status = 0x10,
	}, {
		.user_gpu_id = GPU1,
		.flags = KFD_CRIU_DEVICE_VM | KFD_CRIU_DEVICE_DOORBELLS | KFD_CRIU_DEVICE_RESET,
	}, {
		.user_gpu_id = GPU2,
	},
};

static const struct kfd_criu_bo_record bos[] = {
	{ .gpus = 3, .handle = 1, .bucket = 0x12345678, .device = 0 },
	{ .gpus = 1, .user_addr = 0x7f0000005010, .handle = 2, .bucket = 0x23456789, .device = 0 },
	{ .gpus = 0, .handle = KFD_CRIU_LAST_HANDLE, .bucket = 0x3456789a, .device = 0 },
	{ .gpus = 2, .handle = 1, .bucket = 0x456789ab, .device = 1 },
	{ .gpus = 3, .handle = 3, .bucket = 0x56789abc, .device = 1 },
};

static const struct kfd_criu_queue_record queues[] = {
	{
		.ring = 0x7f0000010000,
		.ring_size = SZ_64K,
		.rptr = 0x7f0000020000,
		.wptr = 0x7f0000020038,
		.eop = 0x7f0000030000,
		.cwsr = 0x7f0000040000,
		.exception_status = 0x100000000,
		.eop_size = 4096,
		.cwsr_size = 0x901000,
		.ctl_stack_size = 0x1001,
		.device = 0,
		.type = KFD_CRIU_QUEUE_COMPUTE,
		.format = KFD_CRIU_QUEUE_AQL,
		.queue_id = 0,
		.doorbell_id = 3,
		.sdma_id = 17,
		.priority = 15,
		.percent = 100,
		.pm4_target_xcc = 255,
		.flags = KFD_CRIU_QUEUE_GWS | KFD_CRIU_QUEUE_CU_MASK | KFD_CRIU_QUEUE_CWSR_RANGE,
		.xccs = 2,
		.mqd_size = 60,
		.ctl_size = 12,
	}, {
		.ring = 0x7f0000110000,
		.ring_size = SZ_1K,
		.rptr = 0x7f0000120000,
		.wptr = 0x7f0000120008,
		.device = 0,
		.type = KFD_CRIU_QUEUE_SDMA,
		.format = KFD_CRIU_QUEUE_PM4,
		.queue_id = 1,
		.doorbell_id = 3,
		.sdma_id = 5,
		.priority = 7,
		.percent = 50,
		.xccs = 1,
		.mqd_size = 12,
	}, {
		.ring = 0x7f0000210000,
		.ring_size = SZ_4G,
		.rptr = 0x7f0000220000,
		.wptr = 0x7f0000220008,
		.eop = 0x7f0000230000,
		.cwsr = 0x7f0000240000,
		.eop_size = 2048,
		.cwsr_size = 0x902000,
		.ctl_stack_size = 8,
		.device = 1,
		.type = KFD_CRIU_QUEUE_COMPUTE,
		.format = KFD_CRIU_QUEUE_PM4,
		.queue_id = 1023,
		.doorbell_id = 3,
		.percent = 1,
		.flags = KFD_CRIU_QUEUE_GWS,
		.xccs = 1,
		.mqd_size = 20,
		.ctl_size = 8,
	}, {
		.rptr = 0x7f0000320000,
		.wptr = 0x7f0000320008,
		.device = 1,
		.type = KFD_CRIU_QUEUE_SDMA_XGMI,
		.queue_id = 2,
		.doorbell_id = 1023,
		.sdma_id = 9,
		.xccs = 1,
		.mqd_size = 24,
	},
};

static const struct kfd_criu_event_record events[] = {
	{ .id = 1, .type = KFD_CRIU_EVENT_TYPE_SIGNAL, .age = 1, .slot = U64_MAX,
	  .flags = KFD_CRIU_EVENT_AUTO_RESET | KFD_CRIU_EVENT_SIGNALED },
	{ .id = 9, .type = KFD_CRIU_EVENT_TYPE_DEBUG, .age = U64_MAX, .slot = U64_MAX,
	  .flags = KFD_CRIU_EVENT_SIGNALED },
	{ .id = 4095, .type = KFD_CRIU_EVENT_TYPE_SIGNAL, .age = 2, .slot = U64_MAX },
	{ .id = KFD_CRIU_EVENT_FIRST_OTHER, .type = KFD_CRIU_EVENT_TYPE_HW_EXCEPTION, .age = 1,
	  .slot = U64_MAX, .flags = KFD_CRIU_EVENT_AUTO_RESET, .data = { [0] = 1, [15] = 2 } },
	{ .id = KFD_CRIU_EVENT_LAST_OTHER, .type = KFD_CRIU_EVENT_TYPE_MEMORY, .age = 1,
	  .slot = U64_MAX, .data = { [0] = 3, [31] = 4 } },
};

static const struct kfd_criu_range_record ranges[] = {
	{ .start = 0, .pages = 16, .access = 1, .in_place = 2, .preferred = GPU0,
	  .prefetch = KFD_CRIU_LOCATION_NONE, .actual = GPU1, .svm_flags = 0x53,
	  .granularity = 0x3f },
	{ .start = 16, .pages = KFD_CRIU_RANGE_LAST_PAGE - 15, .access = 2, .preferred = 0,
	  .prefetch = GPU1, .actual = 0, .svm_flags = 0xac, .granularity = 9 },
};

/* One for each device. */
static const struct kfd_criu_die_record dies[ARRAY_SIZE(devices)] = {
	[0 ... ARRAY_SIZE(devices) - 1] = {
		.handler_size = 0x1000,
		.handler_crc = 0x9e3779b9,
		.mec_firmware = 107,
		.sdma_firmware = 18,
		.engines = KFD_CRIU_DIE_ENGINES,
		.arrays = KFD_CRIU_DIE_ARRAYS,
		.cus = { [0] = { [0] = { 0x3fff, 0xfffe } }, [7] = { [7] = { 1, 2 } } },
	},
};

struct fixture {
	void *buf;
	size_t size;
	struct kfd_criu_writer w;
	struct kfd_criu_image img;
	struct kfd_criu_complaint why;
};

static void write_queue(struct kfd_criu_writer *w, const struct kfd_criu_queue_record *q)
{
	size_t data = kfd_criu_queue_data_size(q->xccs, q->mqd_size, q->ctl_size);
	struct kfd_criu_queue_record *to;
	u32 xcc;

	to = kfd_criu_write(w, KFD_CRIU_RECORD_QUEUE, 1, sizeof(*q), data);
	if (!to)
		return;
	*to = *q;
	for (xcc = 0; xcc < q->xccs; xcc++) {
		memset((void *)kfd_criu_queue_mqd(to, xcc), 0x40 + 2 * xcc, q->mqd_size);
		if (q->ctl_size)
			memset((void *)kfd_criu_queue_ctl_stack(to, xcc), 0x41 + 2 * xcc,
			       q->ctl_size);
	}
}

static void write_copy(struct kfd_criu_writer *w, enum kfd_criu_record_type type, u32 count,
		       u32 stride, const void *from)
{
	void *to = kfd_criu_write(w, type, count, stride, 0);

	if (to)
		memcpy(to, from, (size_t)count * stride);
}

static void write_record(struct kfd_criu_writer *w, char letter)
{
	struct kfd_criu_device_record *dev;
	struct kfd_criu_record *rec;
	u32 i;

	switch (letter) {
	case 'P':
		write_copy(w, KFD_CRIU_RECORD_PROCESS, 1, sizeof(process), &process);
		break;
	case 'K':	/* with a signal page that the kernel allocated */
		write_copy(w, KFD_CRIU_RECORD_PROCESS, 1, sizeof(kernel_page), &kernel_page);
		break;
	case 'D':
		write_copy(w, KFD_CRIU_RECORD_DEVICES, ARRAY_SIZE(devices), sizeof(*devices),
			   devices);
		break;
	case 'd':	/* only those with a VM */
		write_copy(w, KFD_CRIU_RECORD_DEVICES, 2, sizeof(*devices), devices);
		break;
	case 'm':	/* as many as there can be */
	case 'M':	/* and one more */
		i = letter == 'm' ? KFD_CRIU_MAX_DEVICES : KFD_CRIU_MAX_DEVICES + 1;
		dev = kfd_criu_write(w, KFD_CRIU_RECORD_DEVICES, i, sizeof(*dev), 0);
		while (dev && i--)
			dev[i].user_gpu_id = GPU0 + i;
		break;
	case 'I':
	case 'i':	/* one too few */
		write_copy(w, KFD_CRIU_RECORD_DIES,
			   letter == 'I' ? ARRAY_SIZE(dies) : ARRAY_SIZE(dies) - 1,
			   sizeof(*dies), dies);
		break;
	case 'B':
		write_copy(w, KFD_CRIU_RECORD_BOS, ARRAY_SIZE(bos), sizeof(*bos), bos);
		break;
	case 'E':
		write_copy(w, KFD_CRIU_RECORD_EVENTS, ARRAY_SIZE(events), sizeof(*events),
			   events);
		break;
	case 'O':	/* only those without a slot */
		write_copy(w, KFD_CRIU_RECORD_EVENTS, 2, sizeof(*events), &events[3]);
		break;
	case 'R':
		write_copy(w, KFD_CRIU_RECORD_RANGES, ARRAY_SIZE(ranges), sizeof(*ranges),
			   ranges);
		break;
	case 'x':	/* unknown, optional */
	case 'X':	/* unknown, required */
		rec = kfd_criu_write(w, 0x1000, 3, 8, 16);
		if (rec && letter == 'x')
			rec[-1].flags = KFD_CRIU_RECORD_OPTIONAL;
		break;
	default:
		write_queue(w, &queues[letter - '0']);
		break;
	}
}

#define ORDER "PDB01E2R3"

static void build(struct fixture *f, const char *order)
{
	kfd_criu_writer_init(&f->w, f->buf, ROOM);
	while (*order)
		write_record(&f->w, *order++);
	kfd_criu_writer_seal(&f->w);
	f->size = f->w.pos;
}

/* The checksum, computed in another way than by the code under test. */
static void fix_crc(struct fixture *f)
{
	struct kfd_criu_image_header *header = f->buf;

	header->crc = 0;
	header->crc = crc32_le(~0, f->buf, f->size);
}

/* Opens a copy that ends where the memory does, so that KASAN sees any access behind it. */
static int open_exactly(struct fixture *f, const void *image, size_t size)
{
	struct kfd_criu_image img;
	void *copy = kmalloc(size, GFP_KERNEL);
	int ret;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, image, size);
	ret = kfd_criu_image_open(&img, copy, size, &f->why);
	kfree(copy);
	return ret;
}

static void *find_record(struct fixture *f, u32 number)
{
	void *rec = f->buf + sizeof(struct kfd_criu_image_header);

	while (number--)
		rec += sizeof(struct kfd_criu_record) + ((struct kfd_criu_record *)rec)->size;
	return rec;
}

/* What a poke changes: in which object, and there what. */
enum place {
	AT_image_header,
	AT_record,
	AT_process_record,
	AT_device_record,
	AT_bo_record,
	AT_queue_record,
	AT_event_record,
	AT_range_record,
	AT_die_record,
};

struct poke {
	u8 place;
	u8 index;
	u8 size;
	u8 offset;
	u64 value;
};

#define POKE(object, number, member, val) {				\
	.place = AT_##object,						\
	.index = (number),						\
	.size = sizeof_field(struct kfd_criu_##object, member),		\
	.offset = offsetof(struct kfd_criu_##object, member),		\
	.value = (val),							\
}

#define H(member, value)	POKE(image_header, 0, member, value)
#define REC(n, member, value)	POKE(record, n, member, value)
#define P(member, value)	POKE(process_record, 0, member, value)
#define D(n, member, value)	POKE(device_record, n, member, value)
#define B(n, member, value)	POKE(bo_record, n, member, value)
#define Q(n, member, value)	POKE(queue_record, n, member, value)
#define E(n, member, value)	POKE(event_record, n, member, value)
#define R(n, member, value)	POKE(range_record, n, member, value)
#define I(n, member, value)	POKE(die_record, n, member, value)

static void *find_object(struct fixture *f, const struct poke *poke)
{
	static const u32 types[] = {
		[AT_process_record] = KFD_CRIU_RECORD_PROCESS,
		[AT_device_record] = KFD_CRIU_RECORD_DEVICES,
		[AT_bo_record] = KFD_CRIU_RECORD_BOS,
		[AT_queue_record] = KFD_CRIU_RECORD_QUEUE,
		[AT_event_record] = KFD_CRIU_RECORD_EVENTS,
		[AT_range_record] = KFD_CRIU_RECORD_RANGES,
		[AT_die_record] = KFD_CRIU_RECORD_DIES,
	};
	struct kfd_criu_image_header *header = f->buf;
	struct kfd_criu_record *rec;
	u32 i, n = poke->index;

	if (poke->place == AT_image_header)
		return header;
	if (poke->place == AT_record)
		return find_record(f, n);
	for (i = 0; i < header->records; i++) {
		rec = find_record(f, i);
		if (rec->type != types[poke->place])
			continue;
		if (poke->place != AT_queue_record)
			return (void *)(rec + 1) + n * rec->stride;
		if (!n--)
			return rec + 1;
	}
	return NULL;
}

static void poke_value(void *to, u8 size, u64 value)
{
	if (size == 8)
		put_unaligned(value, (u64 *)to);
	else if (size == 4)
		put_unaligned((u32)value, (u32 *)to);
	else if (size == 2)
		put_unaligned((u16)value, (u16 *)to);
	else
		*(u8 *)to = value;
}

#define POKES	5

static void do_pokes(struct kunit *test, struct fixture *f, const struct poke *pokes)
{
	u32 i;

	for (i = 0; i < POKES && pokes[i].size; i++) {
		void *object = find_object(f, &pokes[i]);

		KUNIT_ASSERT_NOT_NULL(test, object);
		/* A byte array is poked at its first byte. */
		poke_value(object + pokes[i].offset, pokes[i].size > 8 ? 1 : pokes[i].size,
			   pokes[i].value);
	}
	fix_crc(f);
}

/*
 * One case: an image, what is changed in it, and the complaint that follows, or
 * NULL if it is still good.
 */
struct refused_case {
	const char *what;
	int err;
	const char *order;
	struct poke pokes[POKES];
};

#define CASE(complaint, ...)	{ complaint, -EINVAL, ORDER, { __VA_ARGS__ } }
#define TWICE(complaint, ...)	{ complaint, -EEXIST, ORDER, { __VA_ARGS__ } }
#define UNKNOWN(complaint, ...)	{ complaint, -EPROTONOSUPPORT, ORDER, { __VA_ARGS__ } }
#define GOOD(...)		{ NULL, 0, ORDER, { __VA_ARGS__ } }
#define KERNEL(complaint, ...)	{ complaint, -EINVAL, "KDB01E2R3", { __VA_ARGS__ } }
#define KERNEL_GOOD(...)	{ NULL, 0, "KDB01E2R3", { __VA_ARGS__ } }
#define DIES(complaint, ...)	{ complaint, -EINVAL, "PDIB01E2R3", { __VA_ARGS__ } }
#define DIES_GOOD(...)		{ NULL, 0, "PDIB01E2R3", { __VA_ARGS__ } }

static const struct refused_case refused_cases[] = {
	/* header */
	UNKNOWN("unknown version", H(version, 0)),
	UNKNOWN("unknown version", H(version, 1)),
	UNKNOWN("unknown version", H(version, 3)),
	CASE("wrong magic number", H(magic, KFD_CRIU_IMAGE_MAGIC + 1)),
	CASE("image of another size than its header says", H(size, 0)),
	CASE("image of another size than its header says", H(size, U64_MAX)),
	CASE("header of another size", H(header_size, 40)),
	CASE("header of another size", H(header_size, 56)),
	UNKNOWN("unknown feature required", H(required, KFD_CRIU_FEATURE_DIES << 1)),
	UNKNOWN("unknown feature required", H(required, BIT_ULL(63))),
	GOOD(H(optional, 1)),
	GOOD(H(optional, U64_MAX)),
	CASE("reserved field of the header in use", H(reserved, 1)),

	/* records by themselves; 2 is the table of BOs, 3 the first queue */
	CASE("record without a type", REC(2, type, 0)),
	CASE("record with unknown flags", REC(2, flags, 2)),
	CASE("record with unknown flags", REC(2, flags, 0x8001)),
	GOOD(REC(2, flags, KFD_CRIU_RECORD_OPTIONAL)),
	UNKNOWN("unknown record required", REC(2, type, KFD_CRIU_RECORD_DIES + 1)),
	UNKNOWN("unknown record required", REC(2, type, U16_MAX)),
	CASE("record leaves the image", REC(8, size, 152)),
	CASE("record leaves the image", REC(2, size, 0xfffffff8)),
	CASE("record leaves the image", REC(8, size, U32_MAX)),
	CASE("record of unaligned size", REC(2, size, 161)),
	CASE("record of unaligned size", REC(2, size, 164)),
	CASE("record without an entry", REC(2, count, 0)),
	CASE("record without an entry", REC(3, count, 0)),
	CASE("record with entries of unaligned size", REC(2, stride, 0)),
	CASE("record with entries of unaligned size", REC(2, stride, 28)),
	CASE("record shorter than its entries", REC(2, count, 6)),
	CASE("record shorter than its entries", REC(2, count, U32_MAX)),
	CASE("record shorter than its entries", REC(2, count, 0x80000000),
	     REC(2, stride, 0x80000000)),
	CASE("record with entries of another size", REC(2, count, 4), REC(2, stride, 40)),
	CASE("record with entries of another size", REC(3, stride, 128)),
	CASE("table longer than its entries", REC(2, count, 4)),
	CASE("more than one entry in a record for one", REC(0, count, 2), REC(0, size, 64)),
	CASE("more than one entry in a record for one", REC(3, count, 2)),

	/* records among others */
	{ "the process is not the first record and only there", -EINVAL, "DPB" },
	{ "the process is not the first record and only there", -EINVAL, "BPD" },
	{ "the process is not the first record and only there", -EINVAL, "xPD" },
	{ "the process is not the first record and only there", -EINVAL, "PPDB" },
	{ "the process is not the first record and only there", -EINVAL, "PDBP" },
	{ "the devices are not the second record and only there", -EINVAL, "PBD" },
	{ "the devices are not the second record and only there", -EINVAL, "PxDB" },
	{ "the devices are not the second record and only there", -EINVAL, "PDDB" },
	{ "second table of BOs", -EINVAL, "PDBB" },
	{ "second table of events", -EINVAL, "PDBEE" },
	{ "second table of ranges", -EINVAL, "PDBR0R" },
	{ "fewer records than the header says", -EINVAL, ORDER, { H(records, 10) } },
	{ "fewer records than the header says", -EINVAL, ORDER, { H(records, U32_MAX) } },
	{ "bytes behind the last record", -EINVAL, ORDER, { H(records, 8) } },
	{ "bytes behind the last record", -EINVAL, ORDER, { H(records, 0) } },
	{ "no process or no devices", -EINVAL, "" },
	{ "no process or no devices", -EINVAL, "P" },
	{ "unknown record required", -EPROTONOSUPPORT, "PDBX" },
	{ "unknown record required", -EPROTONOSUPPORT, "PDXB" },
	{ NULL, 0, "PDxBx" },
	{ NULL, 0, "PDx0x1xB2xxE" },
	{ NULL, 0, "PD0123BER" },
	{ NULL, 0, "PDBRE" },
	{ NULL, 0, "PD", { P(flags, 0), P(signal_size, 0), P(signal_handle, 0) } },

	/* process */
	CASE("process with unknown flags", P(flags, process.flags | 0x40)),
	CASE("process with unknown flags", P(flags, 0x80000000)),
	CASE("process with TTMP setup without a runtime",
	     P(flags, KFD_CRIU_PROCESS_PAGE_BO | KFD_CRIU_PROCESS_TTMP)),
	GOOD(P(flags, KFD_CRIU_PROCESS_PAGE_BO | KFD_CRIU_PROCESS_RUNTIME)),
	CASE("size of a signal page that is not there", P(flags, 0), P(signal_handle, 0)),
	CASE("handle of a signal page that is no BO", P(flags, 0), P(signal_size, 0)),
	CASE("handle of a signal page that is no BO", P(flags, KFD_CRIU_PROCESS_PAGE_KERNEL)),
	CASE("signal page of an odd size", P(signal_size, 0)),
	CASE("signal page of an odd size", P(signal_size, PAGE_SLOTS + 4)),
	KERNEL("signal page of an odd size", P(signal_size, 0)),
	KERNEL("more slots than a signal page has", P(signal_size, PAGE_SLOTS + 8)),
	KERNEL_GOOD(P(signal_size, PAGE_SLOTS)),
	CASE("BO too small for a signal page", P(signal_size, PAGE_SLOTS - 8)),
	GOOD(P(signal_size, PAGE_SLOTS + 8)),
	CASE("two signal pages",
	     P(flags, KFD_CRIU_PROCESS_PAGE_BO | KFD_CRIU_PROCESS_PAGE_KERNEL)),
	CASE("signal page on a device that is not there", P(signal_handle, 3)),
	CASE("signal page on a device that is not there",
	     P(signal_handle, 0x4444ULL << 32 | 3)),
	CASE("signal page in a BO that is not there", P(signal_handle, (u64)GPU1 << 32)),
	CASE("signal page in a BO that is not there", P(signal_handle, (u64)GPU1 << 32 | 2)),
	CASE("signal page in a BO that is not there", P(signal_handle, (u64)GPU0 << 32 | 3)),
	CASE("signal page in a BO that is not there", P(signal_handle, (u64)GPU2 << 32 | 3)),
	{ "signal page in a BO that is not there", -EINVAL, "PD" },

	/* devices */
	{ "too many devices", -EINVAL, "PM" },
	{ NULL, 0, "Pm", { P(flags, 0), P(signal_size, 0), P(signal_handle, 0) } },
	CASE("device with an id that none can have", D(2, user_gpu_id, 0)),
	CASE("device with an id that none can have", D(2, user_gpu_id, U32_MAX)),
	TWICE("two devices with the same id", D(2, user_gpu_id, GPU0)),
	TWICE("two devices with the same id", D(0, user_gpu_id, GPU1)),
	CASE("device with unknown flags", D(1, flags, 0x13)),
	CASE("device with unknown flags", D(1, flags, 0x80000003)),
	CASE("device with doorbells without a VM", D(2, flags, KFD_CRIU_DEVICE_DOORBELLS)),
	GOOD(D(2, flags, KFD_CRIU_DEVICE_VM)),
	CASE("device without an XCC", D(0, xcc_count, 0)),
	CASE("device with parts of an identity", D(1, gc_version, 1)),
	CASE("device with parts of an identity", D(1, sdma_version, 1)),
	CASE("device with parts of an identity", D(1, xcc_count, 1)),
	CASE("device with parts of an identity", D(1, mqd_size, 1)),
	CASE("device with parts of an identity", D(1, sdma_mqd_size, 1)),
	CASE("device with parts of an identity", D(1, doorbell_size, 1)),
	CASE("device with parts of an identity", D(1, ctl_stack_size, 1)),
	CASE("device with parts of an identity", D(1, cwsr_size, 1)),
	CASE("device with parts of an identity", D(1, sdma_engines, 1)),
	CASE("device with parts of an identity", D(1, xgmi_engines, 1)),
	CASE("device with parts of an identity", D(1, engine_queues, 1)),
	CASE("device with parts of an identity", D(2, cu_count, 0x80000000)),
	CASE("device with parts of an identity", D(1, sdma_interface, 1)),
	GOOD(D(1, tba, 1), D(1, tma, 1), D(1, scratch_va, 1), D(1, exception_status, 1)),

	/* BOs */
	CASE("BO of a device that is not there", B(4, device, 3)),
	CASE("BO of a device that is not there", B(0, device, U16_MAX)),
	CASE("BO of a device without a VM", B(4, device, 2)),
	CASE("BO mapped on a device without a VM", B(0, gpus, 4)),
	CASE("BO mapped on a device without a VM", B(4, gpus, BIT_ULL(63) | 1)),
	GOOD(B(0, handle, 0)),
	CASE("BO with a handle that none can have", B(2, handle, INT_MAX)),
	GOOD(B(1, flags, KFD_CRIU_BO_NO_PAGES)),
	CASE("BO with unknown flags", B(1, flags, KFD_CRIU_BO_FLAGS + 1)),
	CASE("no pages below no user pointer", B(0, flags, KFD_CRIU_BO_NO_PAGES)),
	CASE("reserved field of a BO in use", B(1, reserved, 1)),
	TWICE("two BOs with the same handle", B(1, handle, 1)),
	TWICE("two BOs with the same handle", B(2, handle, 1)),
	TWICE("two BOs with the same handle", B(4, device, 0), B(4, handle, 2),
	      P(signal_handle, (u64)GPU0 << 32 | 2)),
	GOOD(B(0, handle, 3), B(2, handle, 1)),
	GOOD(B(0, device, 1), B(0, handle, 7)),

	/* queues; 0 and 2 are for compute */
	CASE("queue of a device that is not there", Q(1, device, 3)),
	CASE("queue of a device that is not there", Q(3, device, U32_MAX)),
	CASE("queue of a device without doorbells", Q(3, device, 2)),
	CASE("queue of a device without doorbells", D(1, flags, KFD_CRIU_DEVICE_VM)),
	CASE("queue of unknown type", Q(0, type, 2)),
	CASE("queue of unknown type", Q(0, type, 3)),
	CASE("queue of unknown type", Q(1, type, 5)),
	CASE("queue of unknown type", Q(2, type, U32_MAX)),
	CASE("queue of unknown format", Q(0, format, 2)),
	CASE("queue with unknown flags", Q(2, flags, 16)),
	CASE("SDMA queue of another format", Q(1, format, KFD_CRIU_QUEUE_AQL)),
	CASE("SDMA queue of another format", Q(3, format, KFD_CRIU_QUEUE_AQL)),
	CASE("SDMA queue with flags of a compute queue", Q(1, flags, KFD_CRIU_QUEUE_GWS)),
	CASE("SDMA queue with flags of a compute queue", Q(1, flags, KFD_CRIU_QUEUE_CU_MASK)),
	CASE("SDMA queue with flags of a compute queue", Q(3, flags, KFD_CRIU_QUEUE_CWSR_RANGE)),
	CASE("SDMA queue with flags of a compute queue", Q(3, flags, KFD_CRIU_QUEUE_RESET)),
	CASE("queue that was reset on a device where none was", Q(0, flags, KFD_CRIU_QUEUE_RESET)),
	CASE("queue with an id that none can have", Q(3, queue_id, 1024)),
	CASE("queue with an id that none can have", Q(0, queue_id, U32_MAX)),
	CASE("queue with a doorbell that none can have", Q(0, doorbell_id, 1024)),
	CASE("queue with a doorbell that none can have", Q(3, doorbell_id, U32_MAX)),
	CASE("queue of too high a priority", Q(1, priority, 16)),
	CASE("queue with too high a percentage", Q(1, percent, 101)),
	CASE("queue for an XCC that none can name", Q(0, pm4_target_xcc, 256)),
	CASE("ring buffer of a size that none can have", Q(0, ring_size, SZ_64K - 1)),
	CASE("ring buffer of a size that none can have", Q(0, ring_size, SZ_512)),
	CASE("ring buffer of a size that none can have", Q(0, ring_size, SZ_8G)),
	CASE("ring buffer of a size that none can have", Q(1, ring_size, BIT_ULL(63))),
	CASE("ring buffer at an unaligned address", Q(1, ring, 128)),
	CASE("ring buffer at an unaligned address", Q(2, ring, 0x7f0000010001)),
	CASE("MQD of a size that none has", Q(3, mqd_size, 0)),
	CASE("MQD of a size that none has", Q(3, mqd_size, 22)),
	CASE("MQD of a size that none has", Q(3, mqd_size, SZ_64K + 4)),
	CASE("MQD of a size that none has", Q(3, mqd_size, U32_MAX)),
	CASE("queue on no XCC", Q(2, xccs, 0)),
	CASE("queue on no XCC", Q(3, xccs, 0)),
	CASE("more control stack than the queue has", Q(0, ctl_size, 0x2001)),
	CASE("more control stack than the queue has", Q(2, ctl_stack_size, 0)),
	CASE("queue with more or less data than it says", Q(0, ctl_size, 0x2000)),
	CASE("queue on another number of XCCs than its device has", Q(0, xccs, 1)),
	CASE("queue on another number of XCCs than its device has", D(0, xcc_count, 3)),
	CASE("MQD of another size than its device has", Q(0, mqd_size, 64)),
	CASE("MQD of another size than its device has", D(0, mqd_size, 12)),
	CASE("SDMA queue with a control stack", Q(3, ctl_size, 8)),
	CASE("SDMA queue with more than one MQD", Q(1, xccs, 2)),
	CASE("SDMA queue with more than one MQD", Q(3, xccs, 2)),
	CASE("SDMA MQD of another size than its device has", Q(1, mqd_size, 16)),
	CASE("SDMA MQD of another size than its device has", D(0, sdma_mqd_size, 60)),
	CASE("queue with more or less data than it says", Q(2, mqd_size, 28)),
	CASE("queue with more or less data than it says", Q(2, ctl_size, 0)),
	CASE("queue with more or less data than it says", Q(2, ctl_size, U32_MAX),
	     Q(2, ctl_stack_size, U32_MAX)),
	CASE("queue with more or less data than it says", Q(2, xccs, U32_MAX)),
	CASE("queue with more or less data than it says", Q(2, xccs, U32_MAX),
	     Q(2, ctl_size, U32_MAX), Q(2, ctl_stack_size, U32_MAX)),
	TWICE("two queues with the same id", Q(1, queue_id, 0)),
	TWICE("two queues with the same id", Q(3, queue_id, 1023)),
	TWICE("two queues with the same doorbell", Q(3, type, KFD_CRIU_QUEUE_COMPUTE),
	      Q(3, doorbell_id, 3)),
	CASE("two queues with the GWS of a device", Q(3, type, KFD_CRIU_QUEUE_COMPUTE),
	     Q(3, flags, KFD_CRIU_QUEUE_GWS)),
	GOOD(Q(3, type, KFD_CRIU_QUEUE_COMPUTE)),
	GOOD(Q(0, ring, 0), Q(0, ring_size, 0)),
	GOOD(Q(2, ctl_stack_size, 1)),
	GOOD(Q(3, doorbell_id, 3)),
	GOOD(Q(1, doorbell_id, 0), Q(1, priority, 15), Q(1, percent, 100)),
	GOOD(Q(2, flags, 0), Q(2, format, KFD_CRIU_QUEUE_AQL)),

	/* events; 0 to 2 are signals, 3 is a hardware, 4 a memory exception */
	CASE("event of unknown type", E(0, type, 1)),
	CASE("event of unknown type", E(4, type, U32_MAX)),
	CASE("signal event without a signal page", P(flags, 0), P(signal_size, 0),
	     P(signal_handle, 0)),
	CASE("signal event with an id that none can have", E(0, id, 0)),
	CASE("signal event with an id that none can have", E(1, id, 4096)),
	CASE("signal event with an id that none can have", E(2, id, 4096)),
	CASE("signal event with an id that none can have", E(4, type, KFD_CRIU_EVENT_TYPE_DEBUG)),
	KERNEL("signal event behind the signal page", P(signal_size, PAGE_SLOTS - 8)),
	KERNEL("signal event behind the signal page", P(signal_size, 9 * 8)),
	KERNEL_GOOD(P(signal_size, 10 * 8), E(2, id, 2)),
	CASE("contents of a slot that a BO has", E(0, slot, 1)),
	KERNEL_GOOD(E(0, slot, 1), E(2, slot, 0)),
	CASE("event with an id that none can have", E(3, id, KFD_CRIU_EVENT_FIRST_OTHER - 1)),
	CASE("event with an id that none can have", E(4, id, INT_MAX)),
	CASE("event with an id that none can have", E(2, type, KFD_CRIU_EVENT_TYPE_MEMORY)),
	CASE("event with an id that none can have", E(2, type, KFD_CRIU_EVENT_TYPE_HW_EXCEPTION)),
	CASE("contents of a slot that the event does not have", E(3, slot, 1)),
	KERNEL("contents of a slot that the event does not have", E(4, slot, 0)),
	CASE("event with unknown flags", E(1, flags, 4)),
	CASE("event with unknown flags", E(4, flags, 0x80000000)),
	CASE("reserved field of an event in use", E(0, reserved, 1)),
	CASE("event without an age", E(0, age, 0)),
	CASE("event without an age", E(4, age, 0)),
	CASE("data that the event does not have", E(0, data, 1)),
	CASE("data that the event does not have", E(1, data, 1)),
	CASE("data that the event does not have", E(4, type, KFD_CRIU_EVENT_TYPE_HW_EXCEPTION)),
	TWICE("two events with the same id", E(1, id, 1)),
	TWICE("two events with the same id", E(0, id, 4095)),
	TWICE("two events with the same id", E(4, id, KFD_CRIU_EVENT_FIRST_OTHER)),
	GOOD(E(0, id, 3000), E(2, id, 1)),

	/* dies */
	DIES_GOOD(),
	DIES_GOOD(I(0, engines, 0), I(1, arrays, 0), I(2, handler_size, 0)),
	{ NULL, 0, "PDB01E2R3I" },
	{ "second table of dies", -EINVAL, "PDIBI" },
	{ "not as many dies as devices", -EINVAL, "PDiB" },
	CASE("table of dies without its feature, or the other way round",
	     H(required, KFD_CRIU_FEATURE_DIES)),
	DIES("table of dies without its feature, or the other way round", H(required, 0)),
	DIES("die with too many shader engines", I(0, engines, KFD_CRIU_DIE_ENGINES + 1)),
	DIES("die with too many shader engines", I(2, engines, U32_MAX)),
	DIES("die with too many shader arrays", I(1, arrays, KFD_CRIU_DIE_ARRAYS + 1)),
	DIES("reserved field of a die in use", I(2, reserved, BIT_ULL(63))),

	/* ranges */
	CASE("range without a page", R(0, pages, 0)),
	CASE("range leaves the address space", R(1, pages, KFD_CRIU_RANGE_LAST_PAGE - 14)),
	CASE("range leaves the address space", R(1, start, BIT_ULL(52) + 1)),
	CASE("range leaves the address space", R(1, start, BIT_ULL(52))),
	CASE("range leaves the address space", R(1, start, U64_MAX)),
	CASE("range leaves the address space", R(0, pages, U64_MAX)),
	CASE("range with two kinds of access for a device", R(0, access, 3)),
	CASE("range with two kinds of access for a device", R(1, in_place, 2)),
	CASE("range with access for a device without a VM", R(0, access, 5)),
	CASE("range with access for a device without a VM", R(1, in_place, BIT_ULL(63))),
	CASE("range that prefers a device without a VM", R(0, preferred, GPU2)),
	CASE("range that prefers a device without a VM", R(1, preferred, 1)),
	CASE("range prefetched to a device without a VM", R(0, prefetch, GPU2)),
	CASE("range prefetched to a device without a VM", R(1, prefetch, 2)),
	CASE("range on a device without a VM", R(0, actual, GPU2)),
	CASE("range on a device without a VM", R(1, actual, 3)),
	CASE("range that is nowhere", R(0, actual, KFD_CRIU_LOCATION_NONE)),
	CASE("range with unknown flags", R(0, svm_flags, 0x100)),
	CASE("range with too large a granularity", R(1, granularity, 0x40)),
	CASE("reserved field of a range in use", R(1, reserved, 1)),
	TWICE("two ranges overlap", R(1, start, 15), R(1, pages, 1)),
	TWICE("two ranges overlap", R(0, pages, 17)),
	TWICE("two ranges overlap", R(0, start, 20)),
	TWICE("two ranges overlap", R(0, start, KFD_CRIU_RANGE_LAST_PAGE), R(0, pages, 1)),
	GOOD(R(0, start, 100), R(1, pages, 84)),
	GOOD(R(0, preferred, KFD_CRIU_LOCATION_NONE), R(1, prefetch, 0), R(1, svm_flags, 0xff)),
};

static void refused_case_name(const struct refused_case *param, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %zu", param->what ?: "good",
		 (size_t)(param - refused_cases));
}

KUNIT_ARRAY_PARAM(refused, refused_cases, refused_case_name);

static void kfd_criu_image_refused_test(struct kunit *test)
{
	const struct refused_case *param = test->param_value;
	struct fixture *f = test->priv;
	int ret;

	build(f, param->order);
	do_pokes(test, f, param->pokes);
	ret = open_exactly(f, f->buf, f->size);
	KUNIT_EXPECT_EQ(test, ret, param->err);
	KUNIT_EXPECT_STREQ(test, f->why.what ?: "good", param->what ?: "good");
}

/* Who reads a complaint learns where, what is there, and what should be. */
static void kfd_criu_image_complaint_test(struct kunit *test)
{
	static const struct poke percent[POKES] = { Q(3, percent, 101) };
	static const struct poke handle[POKES] = { B(0, handle, 2) };
	struct fixture *f = test->priv;

	do_pokes(test, f, percent);
	KUNIT_EXPECT_EQ(test, kfd_criu_image_open(&f->img, f->buf, f->size, &f->why), -EINVAL);
	KUNIT_EXPECT_EQ(test, f->why.type, KFD_CRIU_RECORD_QUEUE);
	KUNIT_EXPECT_EQ(test, f->why.index, 3);
	KUNIT_EXPECT_EQ(test, f->why.found, 101);
	KUNIT_EXPECT_EQ(test, f->why.wanted, 100);
	/* and nobody can use what was refused */
	KUNIT_EXPECT_PTR_EQ(test, f->img.process, NULL);
	KUNIT_EXPECT_EQ(test, f->img.num_devices, 0);
	KUNIT_EXPECT_EQ(test, f->img.size, 0);

	build(f, ORDER);
	do_pokes(test, f, handle);
	KUNIT_EXPECT_EQ(test, kfd_criu_image_open(&f->img, f->buf, f->size, &f->why), -EEXIST);
	KUNIT_EXPECT_EQ(test, f->why.type, KFD_CRIU_RECORD_BOS);
	KUNIT_EXPECT_EQ(test, f->why.index, 1);
	KUNIT_EXPECT_EQ(test, f->why.found, 2);
}

/* The smallest and the largest MQD. */
static void kfd_criu_image_mqd_size_test(struct kunit *test)
{
	static const u32 sizes[] = { KFD_CRIU_MIN_MQD_SIZE, KFD_CRIU_MAX_MQD_SIZE };
	struct kfd_criu_queue_record q = queues[2];
	struct fixture *f = test->priv;
	u32 i;

	f->buf = kunit_kzalloc(test, 2 * KFD_CRIU_MAX_MQD_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->buf);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		q.mqd_size = sizes[i];
		kfd_criu_writer_init(&f->w, f->buf, 2 * KFD_CRIU_MAX_MQD_SIZE);
		write_record(&f->w, 'P');
		write_record(&f->w, 'D');
		write_record(&f->w, 'B');
		write_queue(&f->w, &q);
		KUNIT_EXPECT_EQ(test, kfd_criu_writer_finish(&f->w, &f->img, &f->why), 0);
		KUNIT_EXPECT_STREQ(test, f->why.what ?: "good", "good");
	}
}

static void expect_queue(struct kunit *test, const struct kfd_criu_queue_record *q,
			 const struct kfd_criu_queue_record *wanted)
{
	u32 xcc;

	KUNIT_ASSERT_NOT_NULL(test, q);
	KUNIT_EXPECT_MEMEQ(test, q, wanted, sizeof(*q));
	for (xcc = 0; xcc < q->xccs; xcc++) {
		const u8 *mqd = kfd_criu_queue_mqd(q, xcc);
		const u8 *ctl = kfd_criu_queue_ctl_stack(q, xcc);

		KUNIT_EXPECT_EQ(test, (unsigned long)mqd % 8, 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(mqd, 0x40 + 2 * xcc, q->mqd_size));
		KUNIT_EXPECT_EQ(test, !ctl, !q->ctl_size);
		if (!ctl)
			continue;
		KUNIT_EXPECT_EQ(test, (unsigned long)ctl % 8, 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(ctl, 0x41 + 2 * xcc, q->ctl_size));
	}
}

/* What is written is read, field by field. */
static void kfd_criu_image_round_trip_test(struct kunit *test)
{
	const struct kfd_criu_queue_record *q = NULL;
	struct fixture *f = test->priv;
	struct kfd_criu_image *img = &f->img;
	u32 i;

	KUNIT_ASSERT_EQ(test, kfd_criu_image_open(img, f->buf, f->size, &f->why), 0);
	KUNIT_EXPECT_NULL(test, f->why.what);
	KUNIT_EXPECT_EQ(test, img->size, f->size);
	KUNIT_EXPECT_MEMEQ(test, img->process, &process, sizeof(process));
	KUNIT_ASSERT_EQ(test, img->num_devices, ARRAY_SIZE(devices));
	KUNIT_EXPECT_MEMEQ(test, img->devices, devices, sizeof(devices));
	KUNIT_ASSERT_EQ(test, img->num_bos, ARRAY_SIZE(bos));
	KUNIT_EXPECT_MEMEQ(test, img->bos, bos, sizeof(bos));
	KUNIT_ASSERT_EQ(test, img->num_events, ARRAY_SIZE(events));
	KUNIT_EXPECT_MEMEQ(test, img->events, events, sizeof(events));
	KUNIT_ASSERT_EQ(test, img->num_ranges, ARRAY_SIZE(ranges));
	KUNIT_EXPECT_MEMEQ(test, img->ranges, ranges, sizeof(ranges));
	KUNIT_EXPECT_EQ(test, img->num_queues, ARRAY_SIZE(queues));
	for (i = 0; i < ARRAY_SIZE(queues); i++) {
		q = kfd_criu_image_next_queue(img, q);
		expect_queue(test, q, &queues[i]);
	}
	KUNIT_EXPECT_NULL(test, kfd_criu_image_next_queue(img, q));

	/* queues in another order come in that order, whatever stands between them */
	build(f, "PD3xB1xx20x");
	KUNIT_ASSERT_EQ(test, kfd_criu_image_open(img, f->buf, f->size, &f->why), 0);
	KUNIT_EXPECT_EQ(test, img->num_queues, ARRAY_SIZE(queues));
	i = 0;
	for (q = kfd_criu_image_next_queue(img, NULL); q;
	     q = kfd_criu_image_next_queue(img, q))
		expect_queue(test, q, &queues["3120"[i++] - '0']);
	KUNIT_EXPECT_EQ(test, i, 4);

	build(f, "PDB");
	KUNIT_ASSERT_EQ(test, kfd_criu_image_open(img, f->buf, f->size, &f->why), 0);
	KUNIT_EXPECT_NULL(test, kfd_criu_image_next_queue(img, NULL));
	KUNIT_EXPECT_PTR_EQ(test, img->events, NULL);
	KUNIT_EXPECT_PTR_EQ(test, img->ranges, NULL);
}

/* What other kernels and programs find at which byte. */
static void kfd_criu_image_layout_test(struct kunit *test)
{
	struct fixture *f = test->priv;
	const u8 *image = f->buf;

	KUNIT_EXPECT_EQ(test, get_unaligned_le32(image), 2);
	KUNIT_EXPECT_MEMEQ(test, image + 4, "KFDC", 4);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(image + 8), f->size);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(image + 16), 48);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(image + 20), 9);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(image + 24), 0);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(image + 32), 0);
	/* the first record, and the first field in it */
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(image + 48), 1);
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(image + 50), 0);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(image + 52), 32);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(image + 56), 1);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(image + 60), 32);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(image + 64), process.flags);
	/* the second begins where the first ends */
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(image + 96), 2);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(image + 100), 3 * 104);
	/* the first queue: 2 times an MQD of 60 and a control stack of 12 bytes, padded */
	KUNIT_EXPECT_EQ(test, get_unaligned_le16(image + 600), 4);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(image + 604), 120 + 2 * (64 + 16));
	KUNIT_EXPECT_EQ(test, image[616 + 120 + 59], 0x40);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(image + 616 + 120 + 60), 0);
	KUNIT_EXPECT_EQ(test, image[616 + 120 + 64], 0x41);
	KUNIT_EXPECT_EQ(test, image[616 + 120 + 80], 0x42);
	KUNIT_EXPECT_EQ(test, image[616 + 120 + 144], 0x43);
	KUNIT_EXPECT_EQ(test, image[616 + 120 + 155], 0x43);

	/* the field of the checksum counts as 0 */
	memcpy(f->buf + ROOM / 2, image, f->size);
	memset(f->buf + ROOM / 2 + 40, 0, 4);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(image + 40),
			crc32_le(~0, f->buf + ROOM / 2, f->size));
}

/* No part of an image is an image. */
static void kfd_criu_image_truncated_test(struct kunit *test)
{
	struct kfd_criu_image_header *header;
	struct fixture *f = test->priv;
	size_t size, whole = f->size;

	for (size = 0; size < whole; size++) {
		if (open_exactly(f, f->buf, size) != -EINVAL || !f->why.what)
			KUNIT_FAIL(test, "the first %zu bytes of %zu", size, whole);
	}
	KUNIT_EXPECT_EQ(test, open_exactly(f, f->buf, whole), 0);
	KUNIT_EXPECT_EQ(test, open_exactly(f, f->buf, whole + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, open_exactly(f, f->buf, whole + 8), -EINVAL);

	/* Not if the header is made to match, either: a record is missing or incomplete. */
	header = f->buf;
	for (size = sizeof(*header); size < whole; size++) {
		f->size = size;
		header->size = size;
		fix_crc(f);
		if (open_exactly(f, f->buf, size) != -EINVAL || !f->why.what)
			KUNIT_FAIL(test, "the first %zu bytes, with a header that matches", size);
	}

	KUNIT_EXPECT_EQ(test, open_exactly(f, f->buf, 3), -EINVAL);
	KUNIT_EXPECT_STREQ(test, f->why.what, "image shorter than its version");
	KUNIT_EXPECT_EQ(test, open_exactly(f, f->buf, 4), -EINVAL);
	KUNIT_EXPECT_STREQ(test, f->why.what, "image shorter than its header");
	KUNIT_EXPECT_EQ(test, open_exactly(f, f->buf, 47), -EINVAL);
	KUNIT_EXPECT_STREQ(test, f->why.what, "image shorter than its header");
}

/* Images of a size that nobody should read are not read. */
static void kfd_criu_image_limit_test(struct kunit *test)
{
	struct fixture *f = test->priv;
	int ret;

	ret = kfd_criu_image_open(&f->img, f->buf, (size_t)KFD_CRIU_IMAGE_MAX + 1, &f->why);
	KUNIT_EXPECT_EQ(test, ret, -EMSGSIZE);
	KUNIT_EXPECT_STREQ(test, f->why.what, "image larger than the limit");
	ret = kfd_criu_image_open(&f->img, f->buf, SIZE_MAX, &f->why);
	KUNIT_EXPECT_EQ(test, ret, -EMSGSIZE);
}

/* One bit is enough to be noticed. */
static void kfd_criu_image_flip_test(struct kunit *test)
{
	struct fixture *f = test->priv;
	u8 *image = f->buf;
	size_t bit;
	int ret;

	for (bit = 0; bit < f->size * 8; bit++) {
		image[bit / 8] ^= 1 << bit % 8;
		ret = open_exactly(f, image, f->size);
		if (ret != (bit < 32 ? -EPROTONOSUPPORT : -EINVAL) || !f->why.what)
			KUNIT_FAIL(test, "bit %zu of byte %zu: %d", bit % 8, bit / 8, ret);
		image[bit / 8] ^= 1 << bit % 8;
	}
	/* a wrong checksum is one, and is seen before what it is about */
	image[f->size - 1] ^= 1;
	KUNIT_EXPECT_EQ(test, open_exactly(f, image, f->size), -EINVAL);
	KUNIT_EXPECT_STREQ(test, f->why.what, "wrong checksum");
}

/* Reads everything that is in an image, as one would who restores it. */
static u32 read_all(const struct kfd_criu_image *img)
{
	const struct kfd_criu_queue_record *q;
	u32 sum = crc32_le(0, (const void *)img->process, sizeof(*img->process));
	u32 xcc;

	sum = crc32_le(sum, (const void *)img->devices,
		       img->num_devices * sizeof(*img->devices));
	if (img->bos)
		sum = crc32_le(sum, (const void *)img->bos, img->num_bos * sizeof(*img->bos));
	if (img->events)
		sum = crc32_le(sum, (const void *)img->events,
			       img->num_events * sizeof(*img->events));
	if (img->ranges)
		sum = crc32_le(sum, (const void *)img->ranges,
			       img->num_ranges * sizeof(*img->ranges));
	for (q = kfd_criu_image_next_queue(img, NULL); q;
	     q = kfd_criu_image_next_queue(img, q)) {
		sum = crc32_le(sum, (const void *)q, sizeof(*q));
		for (xcc = 0; xcc < q->xccs; xcc++) {
			sum = crc32_le(sum, kfd_criu_queue_mqd(q, xcc), q->mqd_size);
			if (q->ctl_size)
				sum = crc32_le(sum, kfd_criu_queue_ctl_stack(q, xcc),
					       q->ctl_size);
		}
	}
	return sum;
}

/*
 * With a checksum that matches, a flipped bit can make another good image, but
 * nothing in it leads out of it. KASAN watches the end of the memory.
 */
static void kfd_criu_image_flip_crc_test(struct kunit *test)
{
	struct fixture *f = test->priv;
	size_t bit, good = 0, crc = offsetof(struct kfd_criu_image_header, crc);
	struct fixture copy = *f;
	u8 *image;
	int ret;

	image = kunit_kmalloc(test, f->size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, image);
	memcpy(image, f->buf, f->size);
	copy.buf = image;
	for (bit = 0; bit < f->size * 8; bit++) {
		if (bit / 8 >= crc && bit / 8 < crc + 4)
			continue;
		image[bit / 8] ^= 1 << bit % 8;
		fix_crc(&copy);
		ret = kfd_criu_image_open(&copy.img, image, copy.size, &copy.why);
		if (!ret) {
			good++;
			read_all(&copy.img);
		}
		if (!ret != !copy.why.what)
			KUNIT_FAIL(test, "bit %zu of byte %zu: %d", bit % 8, bit / 8, ret);
		image[bit / 8] ^= 1 << bit % 8;
	}
	kunit_info(test, "%zu of %zu images are good", good, copy.size * 8);
	KUNIT_EXPECT_GT(test, good, 0);
	fix_crc(&copy);
	KUNIT_EXPECT_EQ(test, kfd_criu_image_open(&copy.img, image, copy.size, &copy.why), 0);
}

/* Tables of many entries in the worst order, and one duplicate at its ends. */
static void kfd_criu_image_order_test(struct kunit *test)
{
	const u32 count = 200;
	struct fixture *f = test->priv;
	struct kfd_criu_bo_record *bo;
	u32 i;

	kfd_criu_writer_init(&f->w, f->buf, ROOM);
	write_record(&f->w, 'P');
	write_record(&f->w, 'D');
	bo = kfd_criu_write(&f->w, KFD_CRIU_RECORD_BOS, count, sizeof(*bo), 0);
	KUNIT_ASSERT_NOT_NULL(test, bo);
	for (i = 0; i < count; i++) {
		bo[i].device = i % 2;
		bo[i].handle = (count - i) * 77 % 211 + 1;
	}
	/* the signal page */
	bo[117].device = 1;
	bo[117].handle = 3;
	KUNIT_EXPECT_EQ(test, kfd_criu_writer_finish(&f->w, &f->img, &f->why), 0);
	KUNIT_EXPECT_NULL(test, f->why.what);

	bo[198].handle = bo[0].handle;
	KUNIT_EXPECT_EQ(test, kfd_criu_writer_finish(&f->w, &f->img, &f->why), -EOPNOTSUPP);
	KUNIT_EXPECT_STREQ(test, f->why.what, "two BOs with the same handle");
	KUNIT_EXPECT_EQ(test, f->why.index, 198);
	KUNIT_EXPECT_EQ(test, f->why.found, bo[0].handle);
}

static void kfd_criu_image_writer_test(struct kunit *test)
{
	struct fixture *f = test->priv;
	size_t room, whole = f->size;
	struct kfd_criu_writer w;
	const char *order;
	u8 *small;

	/* Too small by any number of bytes: an error at the end, and no byte behind. */
	for (room = 0; room < whole; room++) {
		small = kmalloc(room, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, small);
		kfd_criu_writer_init(&w, small, room);
		for (order = ORDER; *order; order++)
			write_record(&w, *order);
		if (w.err != -ENOSPC || kfd_criu_writer_finish(&w, &f->img, &f->why) != -ENOSPC ||
		    !f->why.what)
			KUNIT_FAIL(test, "room for %zu bytes of %zu", room, whole);
		if (kfd_criu_write(&w, KFD_CRIU_RECORD_PROCESS, 1, 8, 0))
			KUNIT_FAIL(test, "a record after an error, with %zu bytes", room);
		kfree(small);
	}

	/* Exactly enough is enough, and what was there before is gone. */
	small = kunit_kmalloc(test, whole, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, small);
	memset(small, 0xff, whole);
	kfd_criu_writer_init(&w, small, whole);
	KUNIT_EXPECT_NULL(test, memchr_inv(small, 0, whole));
	for (order = ORDER; *order; order++)
		write_record(&w, *order);
	KUNIT_EXPECT_EQ(test, kfd_criu_writer_finish(&w, &f->img, &f->why), 0);
	KUNIT_EXPECT_NULL(test, f->why.what);
	KUNIT_EXPECT_EQ(test, w.pos, whole);
	KUNIT_EXPECT_MEMEQ(test, small, f->buf, whole);

	/* A record that no image could hold is refused whatever room there is said to be. */
	kfd_criu_writer_init(&w, small, whole);
	w.size = SIZE_MAX;
	KUNIT_EXPECT_NULL(test, kfd_criu_write(&w, KFD_CRIU_RECORD_BOS, U32_MAX, 32, 0));
	KUNIT_EXPECT_EQ(test, w.err, -ENOSPC);
	kfd_criu_writer_init(&w, small, whole);
	w.pos = KFD_CRIU_IMAGE_MAX + 8;
	KUNIT_EXPECT_EQ(test, kfd_criu_writer_finish(&w, &f->img, &f->why), -EMSGSIZE);
	KUNIT_EXPECT_NOT_NULL(test, f->why.what);

	/* The state of a process is not trusted either. */
	build(f, ORDER);
	((struct kfd_criu_process_record *)(find_record(f, 0) + 16))->signal_size = 4;
	KUNIT_EXPECT_EQ(test, kfd_criu_writer_finish(&f->w, &f->img, &f->why), -EOPNOTSUPP);
	KUNIT_EXPECT_STREQ(test, f->why.what, "signal page of an odd size");
}

static void kfd_criu_image_sizes_test(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kfd_criu_record_size(1, 32, 0), 48);
	KUNIT_EXPECT_EQ(test, kfd_criu_record_size(3, 88, 0), 280);
	KUNIT_EXPECT_EQ(test, kfd_criu_record_size(1, 120, 1), 144);
	KUNIT_EXPECT_EQ(test, kfd_criu_record_size(1, 120, 8), 144);
	KUNIT_EXPECT_EQ(test, kfd_criu_record_size(1, 120, 9), 152);
	KUNIT_EXPECT_EQ(test, kfd_criu_record_size(1, 8, SIZE_MAX), SIZE_MAX);
	KUNIT_EXPECT_EQ(test, kfd_criu_record_size(1, 8, SIZE_MAX - 8), SIZE_MAX);
	KUNIT_EXPECT_EQ(test, kfd_criu_record_size(1, 8, SIZE_MAX - 15), SIZE_MAX);
	KUNIT_EXPECT_EQ(test, kfd_criu_record_size(1, 8, SIZE_MAX - 40), SIZE_MAX - 15);

	KUNIT_EXPECT_EQ(test, kfd_criu_queue_data_size(1, 8, 0), 8);
	KUNIT_EXPECT_EQ(test, kfd_criu_queue_data_size(2, 60, 12), 160);
	KUNIT_EXPECT_EQ(test, kfd_criu_queue_data_size(8, 2048, 4096), 8 * 6144);
	KUNIT_EXPECT_EQ(test, kfd_criu_queue_data_size(1, U32_MAX, U32_MAX), 2 * SZ_4G);
	KUNIT_EXPECT_EQ(test, kfd_criu_queue_data_size(U32_MAX, U32_MAX, U32_MAX), SIZE_MAX);
}

static void kfd_criu_image_bucket_test(struct kunit *test)
{
	struct kfd_criu_bo_bucket other, bucket = {
		.addr = 0x7f0000000000, .size = SZ_2M, .offset = 1, .restored_offset = 2,
		.gpu_id = GPU0, .alloc_flags = 0xd0000001, .dmabuf_fd = 3, .pad = 4,
	};
	u32 crc = kfd_criu_bucket_crc(&bucket);
	u8 said[24];

	put_unaligned_le64(bucket.addr, said);
	put_unaligned_le64(bucket.size, said + 8);
	put_unaligned_le32(bucket.gpu_id, said + 16);
	put_unaligned_le32(bucket.alloc_flags, said + 20);
	KUNIT_EXPECT_EQ(test, crc, crc32_le(~0, said, sizeof(said)));

	/* what another checkpoint or machine changes does not count */
	other = bucket;
	other.offset = 0;
	other.restored_offset = 0;
	other.dmabuf_fd = 0;
	other.pad = 0;
	KUNIT_EXPECT_EQ(test, kfd_criu_bucket_crc(&other), crc);
	other = bucket;
	other.addr++;
	KUNIT_EXPECT_NE(test, kfd_criu_bucket_crc(&other), crc);
	other = bucket;
	other.size++;
	KUNIT_EXPECT_NE(test, kfd_criu_bucket_crc(&other), crc);
	other = bucket;
	other.gpu_id++;
	KUNIT_EXPECT_NE(test, kfd_criu_bucket_crc(&other), crc);
	other = bucket;
	other.alloc_flags++;
	KUNIT_EXPECT_NE(test, kfd_criu_bucket_crc(&other), crc);
}

/*
 * Version 1. What follows is the image that Linux 6.12 writes on a 64 bit
 * machine, byte by byte, so that reader and writer can't agree on a mistake.
 */
#define V1_BO		(8 + 2 * 8)
#define V1_COMPUTE	(V1_BO + 3 * 272)
#define V1_COMPUTE_MQD	(V1_COMPUTE + 120)
#define V1_SDMA		(V1_COMPUTE_MQD + 20 + 8)
#define V1_SDMA_MQD	(V1_SDMA + 120)
#define V1_EVENT	(V1_SDMA_MQD + 16)
#define V1_RANGE	(V1_EVENT + 3 * 64)
#define V1_SIZE		(V1_RANGE + 24 + (4 + 2) * 8)
#define V1_OBJECTS	6

struct v1_value {
	u16 offset;
	u8 size;
	u64 value;
};

static const struct v1_value v1_golden[] = {
	/* process: version, xnack_mode; two devices have nothing */
	{ 0, 4, 1 }, { 4, 4, 1 },
	/* BO 0: user_addr, idr_handle, mapped_gpuids */
	{ V1_BO, 8, 0 }, { V1_BO + 8, 4, 1 },
	{ V1_BO + 12, 4, GPU0 }, { V1_BO + 16, 4, GPU1 },
	/* BO 1, a user pointer on the second GPU only */
	{ V1_BO + 272, 8, 0x7f0000005010 }, { V1_BO + 280, 4, 2 }, { V1_BO + 284, 4, GPU1 },
	/* BO 2, of the second GPU, the signal page */
	{ V1_BO + 544, 8, 0 }, { V1_BO + 552, 4, 1 }, { V1_BO + 556, 4, GPU1 },
	/* queue: object_type, then from 8 on */
	{ V1_COMPUTE, 4, 0 },
	{ V1_COMPUTE + 8, 8, 0x7f0000010000 },		/* q_address */
	{ V1_COMPUTE + 16, 8, 0x10000 },		/* q_size */
	{ V1_COMPUTE + 24, 8, 0x7f0000020000 },		/* read_ptr_addr */
	{ V1_COMPUTE + 32, 8, 0x7f0000020038 },		/* write_ptr_addr */
	{ V1_COMPUTE + 40, 8, 0 },			/* doorbell_off */
	{ V1_COMPUTE + 48, 8, 0x7f0000030000 },		/* eop_ring_buffer_address */
	{ V1_COMPUTE + 56, 8, 0x7f0000040000 },		/* ctx_save_restore_area_address */
	{ V1_COMPUTE + 64, 4, GPU0 },			/* gpu_id */
	{ V1_COMPUTE + 68, 4, 0 },			/* type */
	{ V1_COMPUTE + 72, 4, 1 },			/* format */
	{ V1_COMPUTE + 76, 4, 4 },			/* q_id */
	{ V1_COMPUTE + 80, 4, 7 },			/* priority */
	{ V1_COMPUTE + 84, 4, 100 },			/* q_percent */
	{ V1_COMPUTE + 88, 4, 5 },			/* doorbell_id */
	{ V1_COMPUTE + 92, 4, 1 },			/* gws */
	{ V1_COMPUTE + 96, 4, 6 },			/* sdma_id */
	{ V1_COMPUTE + 100, 4, 0x1000 },		/* eop_ring_buffer_size */
	{ V1_COMPUTE + 104, 4, 0x901000 },		/* ctx_save_restore_area_size */
	{ V1_COMPUTE + 108, 4, 8 },			/* ctl_stack_size */
	{ V1_COMPUTE + 112, 4, 20 },			/* mqd_size */
	{ V1_COMPUTE_MQD, 8, 0x0706050403020100 },
	{ V1_COMPUTE_MQD + 8, 8, 0x0f0e0d0c0b0a0908 },
	{ V1_COMPUTE_MQD + 16, 4, 0x13121110 },
	{ V1_COMPUTE_MQD + 20, 8, 0x2726252423222120 },
	/* an SDMA queue for XGMI, which after that MQD stands at an odd address */
	{ V1_SDMA, 4, 0 },
	{ V1_SDMA + 8, 8, 0x7f0000110000 },
	{ V1_SDMA + 16, 8, 0x400 },
	{ V1_SDMA + 24, 8, 0x7f0000120000 },
	{ V1_SDMA + 32, 8, 0x7f0000120008 },
	{ V1_SDMA + 64, 4, GPU1 },
	{ V1_SDMA + 68, 4, 4 },
	{ V1_SDMA + 76, 4, 1023 },
	{ V1_SDMA + 80, 4, 15 },
	{ V1_SDMA + 84, 4, 50 },
	{ V1_SDMA + 88, 4, 1022 },
	{ V1_SDMA + 96, 4, 11 },
	{ V1_SDMA + 112, 4, 16 },
	{ V1_SDMA_MQD, 8, 0x3736353433323130 },
	{ V1_SDMA_MQD + 8, 8, 0x3f3e3d3c3b3a3938 },
	/* event: object_type, user_handle, event_id, auto_reset, type, signaled */
	{ V1_EVENT, 4, 1 }, { V1_EVENT + 8, 8, (u64)GPU1 << 32 | 1 },
	{ V1_EVENT + 16, 4, 1000 }, { V1_EVENT + 20, 4, 1 },
	{ V1_EVENT + 24, 4, 0 }, { V1_EVENT + 28, 4, 1 },
	/* a memory exception with failure, va, gpu_id, ErrorType */
	{ V1_EVENT + 64, 4, 1 }, { V1_EVENT + 80, 4, 0x40000000 }, { V1_EVENT + 84, 4, 0 },
	{ V1_EVENT + 88, 4, 8 }, { V1_EVENT + 92, 4, 1 },
	{ V1_EVENT + 96, 8, 0x0000000200000001 }, { V1_EVENT + 104, 8, 0x0000000400000003 },
	{ V1_EVENT + 112, 8, 0x7f0000006000 }, { V1_EVENT + 120, 8, 0x00000005ULL << 32 | GPU0 },
	/* a hardware exception with reset_type, reset_cause, memory_lost, gpu_id */
	{ V1_EVENT + 128, 4, 1 }, { V1_EVENT + 144, 4, 0x40000001 }, { V1_EVENT + 148, 4, 1 },
	{ V1_EVENT + 152, 4, 3 }, { V1_EVENT + 156, 4, 0 },
	{ V1_EVENT + 160, 8, 0x0000000700000006 },
	{ V1_EVENT + 168, 8, (u64)GPU1 << 32 | 8 },
	/* range: object_type, start_addr, size, attributes of type and value */
	{ V1_RANGE, 4, 2 }, { V1_RANGE + 8, 8, 0x7f0000010 }, { V1_RANGE + 16, 8, 512 },
	{ V1_RANGE + 24, 4, 0 }, { V1_RANGE + 28, 4, GPU1 },		/* PREFERRED_LOC */
	{ V1_RANGE + 32, 4, 1 }, { V1_RANGE + 36, 4, 0xffffffff },	/* PREFETCH_LOC */
	{ V1_RANGE + 40, 4, 5 }, { V1_RANGE + 44, 4, 0x13 },		/* SET_FLAGS */
	{ V1_RANGE + 48, 4, 7 }, { V1_RANGE + 52, 4, 9 },		/* GRANULARITY */
	{ V1_RANGE + 56, 4, 2 }, { V1_RANGE + 60, 4, GPU0 },		/* ACCESS */
	{ V1_RANGE + 64, 4, 3 }, { V1_RANGE + 68, 4, GPU1 },		/* ACCESS_IN_PLACE */
};

/* Bytes that compilers leave out, or that nobody ever wrote or read. */
static const struct v1_value v1_holes[] = {
	{ 8, 8 }, { 16, 8 },
	{ V1_BO + 268, 4 }, { V1_BO + 540, 4 }, { V1_BO + 812, 4 },
	{ V1_COMPUTE + 4, 4 }, { V1_COMPUTE + 40, 8 }, { V1_COMPUTE + 116, 4 },
	{ V1_SDMA + 4, 4 }, { V1_SDMA + 40, 8 }, { V1_SDMA + 116, 4 },
	{ V1_EVENT + 4, 4 }, { V1_EVENT + 32, 8 }, { V1_EVENT + 56, 8 },
	{ V1_EVENT + 68, 4 }, { V1_EVENT + 132, 4 },
	{ V1_EVENT + 176, 8 }, { V1_EVENT + 184, 8 },
	{ V1_RANGE + 4, 4 },
};

static const struct kfd_criu_device_bucket v1_devices[] = {
	{ .user_gpu_id = GPU0 }, { .user_gpu_id = GPU1 },
};

static const struct kfd_criu_bo_bucket v1_bos[] = {
	{ .addr = 0x7f0000000000, .size = SZ_2M, .gpu_id = GPU0, .alloc_flags = 0x80000001 },
	{ .addr = 0x7f0000400000, .size = SZ_4K, .gpu_id = GPU0, .alloc_flags = 4 },
	{ .addr = 0x7f0000800000, .size = SZ_64K, .gpu_id = GPU1, .alloc_flags = 2 },
};

static void v1_build(u8 *v1)
{
	u32 i;

	memset(v1, 0, V1_SIZE);
	for (i = 0; i < ARRAY_SIZE(v1_golden); i++)
		poke_value(v1 + v1_golden[i].offset, v1_golden[i].size, v1_golden[i].value);
}

/* Reads the first @size bytes from memory that ends there, and opens the result. */
static int v1_read(struct fixture *f, const u8 *v1, size_t size, void **v2)
{
	u8 *copy = kmalloc(size, GFP_KERNEL);
	size_t v2_size;
	int ret;

	*v2 = NULL;
	if (!copy)
		return -ENOMEM;
	memcpy(copy, v1, size);
	ret = kfd_criu_v1_read(copy, size, v1_devices, ARRAY_SIZE(v1_devices), v1_bos,
			       ARRAY_SIZE(v1_bos), V1_OBJECTS, v2, &v2_size, &f->why);
	kfree(copy);
	if (ret)
		return ret;
	ret = kfd_criu_image_open(&f->img, *v2, v2_size, &f->why);
	if (ret) {
		kvfree(*v2);
		*v2 = NULL;
	}
	return ret;
}

static const struct kfd_criu_queue_record v1_queues[] = {
	{
		.ring = 0x7f0000010000,
		.ring_size = SZ_64K,
		.rptr = 0x7f0000020000,
		.wptr = 0x7f0000020038,
		.eop = 0x7f0000030000,
		.cwsr = 0x7f0000040000,
		.eop_size = 4096,
		.cwsr_size = 0x901000,
		.ctl_stack_size = 8,
		.device = 0,
		.type = KFD_CRIU_QUEUE_COMPUTE,
		.format = KFD_CRIU_QUEUE_AQL,
		.queue_id = 4,
		.doorbell_id = 5,
		.sdma_id = 6,
		.priority = 7,
		.percent = 100,
		.flags = KFD_CRIU_QUEUE_GWS,
		.xccs = 1,
		.mqd_size = 20,
		.ctl_size = 8,
	}, {
		.ring = 0x7f0000110000,
		.ring_size = SZ_1K,
		.rptr = 0x7f0000120000,
		.wptr = 0x7f0000120008,
		.device = 1,
		.type = KFD_CRIU_QUEUE_SDMA_XGMI,
		.queue_id = 1023,
		.doorbell_id = 1022,
		.sdma_id = 11,
		.priority = 15,
		.percent = 50,
		.xccs = 1,
		.mqd_size = 16,
	},
};

/* What they say is the UAPI's, see struct kfd_hsa_memory_exception_data. */
static const u32 v1_memory[8] = { 1, 2, 3, 4, 0x00006000, 0x7f00, GPU0, 5 };
static const u32 v1_hw[8] = { 6, 7, 8, GPU1 };

static void v1_expect(struct kunit *test, const struct kfd_criu_image *img)
{
	const u8 bytes[] = {
		0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
		0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0, 0, 0, 0,
		0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
	};
	const struct kfd_criu_queue_record *q;

	KUNIT_EXPECT_EQ(test, img->process->flags,
			KFD_CRIU_PROCESS_XNACK | KFD_CRIU_PROCESS_PAGE_BO);
	KUNIT_EXPECT_EQ(test, img->process->signal_size, SZ_64K);
	KUNIT_EXPECT_EQ(test, img->process->signal_handle, (u64)GPU1 << 32 | 1);
	KUNIT_EXPECT_EQ(test, img->process->r_debug, 0);
	KUNIT_EXPECT_EQ(test, img->process->exception_status, 0);

	KUNIT_ASSERT_EQ(test, img->num_devices, 2);
	KUNIT_EXPECT_EQ(test, img->devices[0].user_gpu_id, GPU0);
	KUNIT_EXPECT_EQ(test, img->devices[1].user_gpu_id, GPU1);
	KUNIT_EXPECT_EQ(test, img->devices[0].flags,
			KFD_CRIU_DEVICE_VM | KFD_CRIU_DEVICE_DOORBELLS);
	KUNIT_EXPECT_NULL(test, memchr_inv(&img->devices[0].gc_version, 0, 80));
	KUNIT_EXPECT_EQ(test, img->devices[1].flags,
			KFD_CRIU_DEVICE_VM | KFD_CRIU_DEVICE_DOORBELLS);

	KUNIT_ASSERT_EQ(test, img->num_bos, 3);
	KUNIT_EXPECT_EQ(test, img->bos[0].gpus, 3);
	KUNIT_EXPECT_EQ(test, img->bos[0].user_addr, 0);
	KUNIT_EXPECT_EQ(test, img->bos[0].flags, 0);
	KUNIT_EXPECT_EQ(test, img->bos[0].handle, 1);
	KUNIT_EXPECT_EQ(test, img->bos[0].device, 0);
	KUNIT_EXPECT_EQ(test, img->bos[0].bucket, kfd_criu_bucket_crc(&v1_bos[0]));
	KUNIT_EXPECT_EQ(test, img->bos[1].gpus, 2);
	KUNIT_EXPECT_EQ(test, img->bos[1].user_addr, 0x7f0000005010);
	KUNIT_EXPECT_EQ(test, img->bos[1].flags, KFD_CRIU_BO_NO_PAGES);
	KUNIT_EXPECT_EQ(test, img->bos[1].handle, 2);
	KUNIT_EXPECT_EQ(test, img->bos[1].device, 0);
	KUNIT_EXPECT_EQ(test, img->bos[1].bucket, kfd_criu_bucket_crc(&v1_bos[1]));
	KUNIT_EXPECT_EQ(test, img->bos[2].gpus, 2);
	KUNIT_EXPECT_EQ(test, img->bos[2].handle, 1);
	KUNIT_EXPECT_EQ(test, img->bos[2].device, 1);
	KUNIT_EXPECT_EQ(test, img->bos[2].bucket, kfd_criu_bucket_crc(&v1_bos[2]));

	KUNIT_ASSERT_EQ(test, img->num_queues, 2);
	q = kfd_criu_image_next_queue(img, NULL);
	KUNIT_EXPECT_MEMEQ(test, q, &v1_queues[0], sizeof(*q));
	KUNIT_EXPECT_MEMEQ(test, kfd_criu_queue_mqd(q, 0), bytes, 24);
	KUNIT_EXPECT_MEMEQ(test, kfd_criu_queue_ctl_stack(q, 0), bytes + 24, 8);
	q = kfd_criu_image_next_queue(img, q);
	KUNIT_EXPECT_MEMEQ(test, q, &v1_queues[1], sizeof(*q));
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(kfd_criu_queue_mqd(q, 0)), 0x3736353433323130);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(kfd_criu_queue_mqd(q, 0) + 8),
			0x3f3e3d3c3b3a3938);
	KUNIT_EXPECT_PTR_EQ(test, kfd_criu_queue_ctl_stack(q, 0), NULL);

	KUNIT_ASSERT_EQ(test, img->num_events, 3);
	KUNIT_EXPECT_EQ(test, img->events[0].id, 1000);
	KUNIT_EXPECT_EQ(test, img->events[0].type, KFD_CRIU_EVENT_TYPE_SIGNAL);
	KUNIT_EXPECT_EQ(test, img->events[0].age, 1);
	KUNIT_EXPECT_EQ(test, img->events[0].slot, U64_MAX);
	KUNIT_EXPECT_EQ(test, img->events[0].flags,
			KFD_CRIU_EVENT_AUTO_RESET | KFD_CRIU_EVENT_SIGNALED);
	KUNIT_EXPECT_EQ(test, img->events[1].id, 0x40000000);
	KUNIT_EXPECT_EQ(test, img->events[1].type, KFD_CRIU_EVENT_TYPE_MEMORY);
	KUNIT_EXPECT_EQ(test, img->events[1].age, 1);
	KUNIT_EXPECT_EQ(test, img->events[1].slot, U64_MAX);
	KUNIT_EXPECT_EQ(test, img->events[1].flags, KFD_CRIU_EVENT_SIGNALED);
	KUNIT_EXPECT_MEMEQ(test, img->events[1].data, v1_memory, sizeof(v1_memory));
	KUNIT_EXPECT_EQ(test, img->events[2].id, 0x40000001);
	KUNIT_EXPECT_EQ(test, img->events[2].type, KFD_CRIU_EVENT_TYPE_HW_EXCEPTION);
	KUNIT_EXPECT_EQ(test, img->events[2].flags, KFD_CRIU_EVENT_AUTO_RESET);
	KUNIT_EXPECT_MEMEQ(test, img->events[2].data, v1_hw, sizeof(v1_hw));

	KUNIT_ASSERT_EQ(test, img->num_ranges, 1);
	KUNIT_EXPECT_EQ(test, img->ranges[0].start, 0x7f0000010 * (PAGE_SIZE / SZ_4K));
	KUNIT_EXPECT_EQ(test, img->ranges[0].pages, 512 * (PAGE_SIZE / SZ_4K));
	KUNIT_EXPECT_EQ(test, img->ranges[0].access, 1);
	KUNIT_EXPECT_EQ(test, img->ranges[0].in_place, 2);
	KUNIT_EXPECT_EQ(test, img->ranges[0].preferred, GPU1);
	KUNIT_EXPECT_EQ(test, img->ranges[0].prefetch, KFD_CRIU_LOCATION_NONE);
	KUNIT_EXPECT_EQ(test, img->ranges[0].actual, KFD_CRIU_LOCATION_SYSTEM);
	KUNIT_EXPECT_EQ(test, img->ranges[0].svm_flags, 0x13);
	KUNIT_EXPECT_EQ(test, img->ranges[0].granularity, 9);
}

static void kfd_criu_image_v1_golden_test(struct kunit *test)
{
	u8 *v1 = kunit_kzalloc(test, V1_SIZE, GFP_KERNEL);
	u8 *again = kunit_kzalloc(test, V1_SIZE, GFP_KERNEL);
	struct fixture *f = test->priv;
	void *v2;
	u32 i, j;

	KUNIT_ASSERT_NOT_NULL(test, v1);
	KUNIT_ASSERT_NOT_NULL(test, again);
	v1_build(v1);
	KUNIT_ASSERT_EQ(test, v1_read(f, v1, V1_SIZE, &v2), 0);
	KUNIT_EXPECT_NULL(test, f->why.what);
	v1_expect(test, &f->img);

	/* and back, to the same bytes */
	KUNIT_EXPECT_EQ(test, kfd_criu_v1_size(&f->img), V1_SIZE);
	KUNIT_EXPECT_EQ(test, kfd_criu_v1_write(&f->img, again, V1_SIZE, &f->why), 0);
	KUNIT_EXPECT_NULL(test, f->why.what);
	KUNIT_EXPECT_MEMEQ(test, again, v1, V1_SIZE);
	kvfree(v2);

	/* holes say nothing */
	for (i = 0; i < ARRAY_SIZE(v1_holes); i++)
		for (j = 0; j < v1_holes[i].size; j++)
			v1[v1_holes[i].offset + j] = 0xa5;
	KUNIT_ASSERT_EQ(test, v1_read(f, v1, V1_SIZE, &v2), 0);
	v1_expect(test, &f->img);
	kvfree(v2);
}

/* BOs of kernels before 6.5 have room for 16 GPUs: 80 bytes each. */
static void kfd_criu_image_v1_old_test(struct kunit *test)
{
	u8 *v1 = kunit_kzalloc(test, V1_SIZE, GFP_KERNEL);
	struct fixture *f = test->priv;
	size_t size = V1_SIZE - 3 * 192;
	void *v2;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, v1);
	v1_build(v1);
	for (i = 1; i < 3; i++)
		memmove(v1 + V1_BO + i * 80, v1 + V1_BO + i * 272, 80);
	memmove(v1 + V1_BO + 3 * 80, v1 + V1_COMPUTE, V1_SIZE - V1_COMPUTE);
	KUNIT_ASSERT_EQ(test, v1_read(f, v1, size, &v2), 0);
	KUNIT_EXPECT_NULL(test, f->why.what);
	v1_expect(test, &f->img);
	kvfree(v2);

	for (i = 0; i < size; i++)
		if (v1_read(f, v1, i, &v2) != -EINVAL || !f->why.what)
			KUNIT_FAIL(test, "the first %u bytes of %zu", i, size);
	KUNIT_EXPECT_EQ(test, v1_read(f, v1, size + 1, &v2), -EINVAL);
}

static void kfd_criu_image_v1_truncated_test(struct kunit *test)
{
	u8 *v1 = kunit_kzalloc(test, V1_SIZE + 8, GFP_KERNEL);
	struct fixture *f = test->priv;
	size_t size;
	void *v2;

	KUNIT_ASSERT_NOT_NULL(test, v1);
	v1_build(v1);
	for (size = 0; size < V1_SIZE; size++) {
		if (v1_read(f, v1, size, &v2) != -EINVAL || !f->why.what)
			KUNIT_FAIL(test, "the first %zu bytes of %d", size, V1_SIZE);
		kvfree(v2);
	}
	for (size = V1_SIZE + 1; size <= V1_SIZE + 8; size++) {
		KUNIT_EXPECT_EQ(test, v1_read(f, v1, size, &v2), -EINVAL);
		KUNIT_EXPECT_STREQ(test, f->why.what, "bytes behind the last object");
	}
}

/* Version 1 has no checksum: most flips make another good image, none does harm. */
static void kfd_criu_image_v1_flip_test(struct kunit *test)
{
	u8 *v1 = kunit_kzalloc(test, V1_SIZE, GFP_KERNEL);
	struct fixture *f = test->priv;
	size_t bit, good = 0;
	void *v2;
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, v1);
	v1_build(v1);
	for (bit = 0; bit < V1_SIZE * 8; bit++) {
		v1[bit / 8] ^= 1 << bit % 8;
		ret = v1_read(f, v1, V1_SIZE, &v2);
		if (!ret) {
			good++;
			read_all(&f->img);
		}
		if (!ret != !f->why.what)
			KUNIT_FAIL(test, "bit %zu of byte %zu: %d", bit % 8, bit / 8, ret);
		kvfree(v2);
		v1[bit / 8] ^= 1 << bit % 8;
	}
	kunit_info(test, "%zu of %d images are good", good, V1_SIZE * 8);
	KUNIT_EXPECT_GT(test, good, 0);
}

struct v1_case {
	const char *what;
	int err;
	struct v1_value values[2];
};

#define V1(complaint, ...)	{ complaint, -EINVAL, { __VA_ARGS__ } }

static const struct v1_case v1_cases[] = {
	{ "not version 1", -EPROTONOSUPPORT, { { 0, 4, 0 } } },
	{ "not version 1", -EPROTONOSUPPORT, { { 0, 4, 2 } } },
	V1("XNACK neither on nor off", { 4, 4, 2 }),
	V1("BO mapped on a device without a bucket", { V1_BO + 16, 4, GPU2 }),
	V1("BO mapped twice on a device", { V1_BO + 16, 4, GPU0 }),
	V1("object of unknown type", { V1_COMPUTE, 4, 3 }),
	V1("object of unknown type", { V1_RANGE, 4, U32_MAX }),
	V1("image ends within an MQD", { V1_COMPUTE + 112, 4, U32_MAX }),
	V1("image ends within an MQD", { V1_SDMA + 108, 4, U32_MAX }),
	V1("image ends within an MQD", { V1_COMPUTE + 112, 4, U32_MAX },
	   { V1_COMPUTE + 108, 4, 29 }),
	V1("image ends within a queue", { V1_RANGE, 4, 0 }),
	/* events are shorter than ranges here, and nothing may be left over */
	V1("bytes behind the last object", { V1_RANGE, 4, 1 }),
	V1("queue of a device without a bucket", { V1_COMPUTE + 64, 4, GPU2 }),
	V1("GWS neither there nor not", { V1_COMPUTE + 92, 4, 2 }),
	V1("signal page that is none of the BOs", { V1_EVENT + 8, 8, (u64)GPU1 << 32 | 2 }),
	V1("signal page that is none of the BOs", { V1_EVENT + 8, 8, (u64)GPU2 << 32 | 1 }),
	V1("signal page that is none of the BOs", { V1_EVENT + 8, 8, 1 }),
	V1("signal page behind the first event", { V1_EVENT + 72, 8, (u64)GPU1 << 32 | 1 }),
	V1("event reset neither automatically nor by hand", { V1_EVENT + 20, 4, 2 }),
	V1("event neither signaled nor not", { V1_EVENT + 28, 4, 2 }),
	V1("attribute that does not stand there", { V1_RANGE + 24, 4, 1 }),
	V1("attribute that does not stand there", { V1_RANGE + 32, 4, 0 }),
	V1("attribute that does not stand there", { V1_RANGE + 40, 4, 6 }),
	V1("attribute that does not stand there", { V1_RANGE + 48, 4, 8 }),
	V1("access for a device without a bucket", { V1_RANGE + 60, 4, GPU2 }),
	V1("access for a device twice", { V1_RANGE + 60, 4, GPU1 }),
	V1("unknown kind of access", { V1_RANGE + 56, 4, 1 }),
	V1("unknown kind of access", { V1_RANGE + 64, 4, 5 }),
	/* what has the same form in both versions is left to the verifier */
	V1("BO with a handle that none can have", { V1_BO + 8, 4, 0x80000000 }),
	V1("queue of unknown type", { V1_COMPUTE + 68, 4, 2 }),
	V1("ring buffer at an unaligned address", { V1_SDMA + 8, 8, 1 }),
	V1("event of unknown type", { V1_EVENT + 88, 4, 7 }),
	V1("range with unknown flags", { V1_RANGE + 44, 4, 0x100 }),
	V1("range without a page", { V1_RANGE + 16, 8, 0 }),
	V1("range that prefers a device without a VM", { V1_RANGE + 28, 4, GPU2 }),
	{ "two BOs with the same handle", -EEXIST, { { V1_BO + 280, 4, 1 } } },
	V1("signal page that is none of the BOs", { V1_EVENT + 8, 8, (u64)GPU0 << 32 | 3 }),
	{ NULL, 0, { { V1_EVENT + 8, 8, (u64)GPU0 << 32 | 1 } } },
	{ NULL, 0, { { 4, 4, 0 } } },
	{ NULL, 0, { { V1_RANGE + 56, 4, 4 } } },
};

static void v1_case_name(const struct v1_case *param, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %zu", param->what ?: "good",
		 (size_t)(param - v1_cases));
}

KUNIT_ARRAY_PARAM(v1_refused, v1_cases, v1_case_name);

static void kfd_criu_image_v1_refused_test(struct kunit *test)
{
	const struct v1_case *param = test->param_value;
	u8 *v1 = kunit_kzalloc(test, V1_SIZE, GFP_KERNEL);
	struct fixture *f = test->priv;
	void *v2;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, v1);
	v1_build(v1);
	for (i = 0; i < ARRAY_SIZE(param->values) && param->values[i].size; i++)
		poke_value(v1 + param->values[i].offset, param->values[i].size,
			   param->values[i].value);
	KUNIT_EXPECT_EQ(test, v1_read(f, v1, V1_SIZE, &v2), param->err);
	KUNIT_EXPECT_STREQ(test, f->why.what ?: "good", param->what ?: "good");
	kvfree(v2);
}

/* What version 1 does not have in the image, but in the arguments beside it. */
struct v1_arguments {
	size_t size;
	u32 devices;
	u32 objects;
	struct kfd_criu_bo_bucket bos[ARRAY_SIZE(v1_bos)];
};

static void v1_expect_read(struct kunit *test, const u8 *v1, const struct v1_arguments *args,
			   int err, const char *what)
{
	struct fixture *f = test->priv;
	void *v2 = NULL;
	size_t size;
	int ret;

	ret = kfd_criu_v1_read(v1, args->size, v1_devices, args->devices, args->bos,
			       ARRAY_SIZE(args->bos), args->objects, &v2, &size, &f->why);
	KUNIT_EXPECT_EQ(test, ret, err);
	KUNIT_EXPECT_STREQ(test, f->why.what ?: "good", what);
	KUNIT_EXPECT_EQ(test, !v2, !!err);
	kvfree(v2);
}

static void kfd_criu_image_v1_arguments_test(struct kunit *test)
{
	const struct v1_arguments good = {
		.size = V1_SIZE, .devices = 2, .objects = V1_OBJECTS,
		.bos = { v1_bos[0], v1_bos[1], v1_bos[2] },
	};
	u8 *v1 = kunit_kzalloc(test, V1_SIZE, GFP_KERNEL);
	struct fixture *f = test->priv;
	struct v1_arguments args;
	size_t size;
	void *v2;

	KUNIT_ASSERT_NOT_NULL(test, v1);
	v1_build(v1);
	v1_expect_read(test, v1, &good, 0, "good");

	args = good;
	args.size = (size_t)KFD_CRIU_IMAGE_MAX + 1;
	v1_expect_read(test, v1, &args, -EMSGSIZE, "image larger than the limit");
	args = good;
	args.devices = 0;
	v1_expect_read(test, v1, &args, -EINVAL, "no or too many devices");
	args.devices = KFD_CRIU_MAX_DEVICES + 1;
	v1_expect_read(test, v1, &args, -EINVAL, "no or too many devices");
	args = good;
	args.objects = V1_OBJECTS - 1;
	v1_expect_read(test, v1, &args, -EINVAL, "bytes behind the last object");
	args.objects = V1_OBJECTS + 1;
	v1_expect_read(test, v1, &args, -EINVAL, "image ends before its last object");
	args.objects = U32_MAX;
	v1_expect_read(test, v1, &args, -EINVAL, "image ends before its last object");
	args = good;
	args.bos[1].gpu_id = GPU2;
	v1_expect_read(test, v1, &args, -EINVAL, "BO of a device without a bucket");
	args = good;
	args.bos[2].size = SZ_4G;
	v1_expect_read(test, v1, &args, -EINVAL, "BO too large for a signal page");
	args.bos[2].size = U32_MAX;
	v1_expect_read(test, v1, &args, 0, "good");

	KUNIT_EXPECT_EQ(test, kfd_criu_v1_read(v1, V1_SIZE, v1_devices, 2, good.bos, U32_MAX,
					       V1_OBJECTS, &v2, &size, &f->why), -EINVAL);
	KUNIT_EXPECT_STREQ(test, f->why.what, "image ends within devices or BOs");
}

/* As many devices as there can be, and a BO that is mapped on all of them. */
static void kfd_criu_image_v1_many_devices_test(struct kunit *test)
{
	size_t size = 8 + KFD_CRIU_MAX_DEVICES * 8 + 272, v2_size;
	struct kfd_criu_bo_bucket bucket = { .gpu_id = GPU0 + 63 };
	struct kfd_criu_device_bucket *buckets;
	u8 *v1 = kunit_kzalloc(test, size, GFP_KERNEL);
	u8 *again = kunit_kzalloc(test, size, GFP_KERNEL);
	struct fixture *f = test->priv;
	void *v2;
	u32 i;

	buckets = kunit_kzalloc(test, KFD_CRIU_MAX_DEVICES * sizeof(*buckets), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, v1);
	KUNIT_ASSERT_NOT_NULL(test, again);
	KUNIT_ASSERT_NOT_NULL(test, buckets);
	put_unaligned((u32)1, (u32 *)v1);
	put_unaligned((u32)7, (u32 *)(v1 + 8 + KFD_CRIU_MAX_DEVICES * 8 + 8));
	for (i = 0; i < KFD_CRIU_MAX_DEVICES; i++) {
		buckets[i].user_gpu_id = GPU0 + i;
		put_unaligned(GPU0 + i, (u32 *)(v1 + 8 + KFD_CRIU_MAX_DEVICES * 8 + 12) + i);
	}
	KUNIT_ASSERT_EQ(test, kfd_criu_v1_read(v1, size, buckets, KFD_CRIU_MAX_DEVICES, &bucket,
					       1, 0, &v2, &v2_size, &f->why), 0);
	KUNIT_ASSERT_EQ(test, kfd_criu_image_open(&f->img, v2, v2_size, &f->why), 0);
	KUNIT_EXPECT_EQ(test, f->img.num_devices, KFD_CRIU_MAX_DEVICES);
	KUNIT_EXPECT_EQ(test, f->img.devices[63].user_gpu_id, GPU0 + 63);
	KUNIT_EXPECT_EQ(test, f->img.bos[0].gpus, U64_MAX);
	KUNIT_EXPECT_EQ(test, f->img.bos[0].device, 63);
	KUNIT_EXPECT_EQ(test, f->img.bos[0].handle, 7);
	KUNIT_EXPECT_EQ(test, kfd_criu_v1_write(&f->img, again, size, &f->why), 0);
	KUNIT_EXPECT_MEMEQ(test, again, v1, size);
	kvfree(v2);
}

/*
 * Without a handle the page is one that the kernel allocates, with as many slots as
 * it begins with, or all if events need them.
 */
static void kfd_criu_image_v1_kernel_page_test(struct kunit *test)
{
	u8 *v1 = kunit_kzalloc(test, V1_SIZE, GFP_KERNEL);
	u8 *again = kunit_kzalloc(test, V1_SIZE, GFP_KERNEL);
	struct fixture *f = test->priv;
	void *v2;

	KUNIT_ASSERT_NOT_NULL(test, v1);
	KUNIT_ASSERT_NOT_NULL(test, again);
	v1_build(v1);
	put_unaligned((u64)0, (u64 *)(v1 + V1_EVENT + 8));
	KUNIT_ASSERT_EQ(test, v1_read(f, v1, V1_SIZE, &v2), 0);
	KUNIT_EXPECT_EQ(test, f->img.process->flags,
			KFD_CRIU_PROCESS_XNACK | KFD_CRIU_PROCESS_PAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, f->img.process->signal_size, PAGE_SLOTS);
	KUNIT_EXPECT_EQ(test, f->img.process->signal_handle, 0);
	KUNIT_EXPECT_EQ(test, f->img.events[0].slot, U64_MAX);
	KUNIT_EXPECT_EQ(test, kfd_criu_v1_write(&f->img, again, V1_SIZE, &f->why), 0);
	KUNIT_EXPECT_MEMEQ(test, again, v1, V1_SIZE);
	kvfree(v2);

	put_unaligned((u32)255, (u32 *)(v1 + V1_EVENT + 16));
	KUNIT_ASSERT_EQ(test, v1_read(f, v1, V1_SIZE, &v2), 0);
	KUNIT_EXPECT_EQ(test, f->img.process->signal_size, 256 * 8);
	kvfree(v2);

	/* no signal event, no page */
	put_unaligned((u32)8, (u32 *)(v1 + V1_EVENT + 24));
	put_unaligned((u32)0x40000002, (u32 *)(v1 + V1_EVENT + 16));
	KUNIT_ASSERT_EQ(test, v1_read(f, v1, V1_SIZE, &v2), 0);
	KUNIT_EXPECT_EQ(test, f->img.process->flags, KFD_CRIU_PROCESS_XNACK);
	KUNIT_EXPECT_EQ(test, f->img.process->signal_size, 0);
	kvfree(v2);
}

/* From version 2 to version 1 and back: what version 1 can hold is what it was. */
static void kfd_criu_image_v1_round_trip_test(struct kunit *test)
{
	const struct kfd_criu_queue_record *q, *other;
	struct kfd_criu_bo_bucket buckets[ARRAY_SIZE(bos)] = { };
	struct fixture *f = test->priv;
	struct kfd_criu_image img;
	size_t size, v2_size;
	void *v1, *v2;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bos); i++) {
		buckets[i].gpu_id = devices[bos[i].device].user_gpu_id;
		buckets[i].size = PAGE_SLOTS;
	}
	build(f, "PdB1R23E");
	KUNIT_ASSERT_EQ(test, kfd_criu_image_open(&f->img, f->buf, f->size, &f->why), 0);
	size = kfd_criu_v1_size(&f->img);
	v1 = kunit_kmalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, v1);
	memset(v1, 0xff, size);
	KUNIT_ASSERT_EQ(test, kfd_criu_v1_write(&f->img, v1, size, &f->why), 0);
	KUNIT_ASSERT_EQ(test, kfd_criu_v1_read(v1, size, v1_devices, 2, buckets,
					       ARRAY_SIZE(buckets), 3 + 5 + 2, &v2, &v2_size,
					       &f->why), 0);
	KUNIT_ASSERT_EQ(test, kfd_criu_image_open(&img, v2, v2_size, &f->why), 0);

	KUNIT_EXPECT_EQ(test, img.process->flags,
			KFD_CRIU_PROCESS_XNACK | KFD_CRIU_PROCESS_PAGE_BO);
	KUNIT_EXPECT_EQ(test, img.process->signal_size, PAGE_SLOTS);
	KUNIT_EXPECT_EQ(test, img.process->signal_handle, process.signal_handle);
	KUNIT_ASSERT_EQ(test, img.num_devices, 2);
	KUNIT_ASSERT_EQ(test, img.num_bos, ARRAY_SIZE(bos));
	for (i = 0; i < ARRAY_SIZE(bos); i++) {
		KUNIT_EXPECT_EQ(test, img.bos[i].gpus, bos[i].gpus);
		KUNIT_EXPECT_EQ(test, img.bos[i].user_addr, bos[i].user_addr);
		KUNIT_EXPECT_EQ(test, img.bos[i].handle, bos[i].handle);
		KUNIT_EXPECT_EQ(test, img.bos[i].device, bos[i].device);
		KUNIT_EXPECT_EQ(test, img.bos[i].bucket, kfd_criu_bucket_crc(&buckets[i]));
	}
	KUNIT_ASSERT_EQ(test, img.num_queues, 3);
	other = NULL;
	for (q = kfd_criu_image_next_queue(&f->img, NULL); q;
	     q = kfd_criu_image_next_queue(&f->img, q)) {
		other = kfd_criu_image_next_queue(&img, other);
		/* none of these has a field that version 1 has not */
		expect_queue(test, other, q);
	}
	KUNIT_ASSERT_EQ(test, img.num_events, ARRAY_SIZE(events));
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		KUNIT_EXPECT_EQ(test, img.events[i].id, events[i].id);
		KUNIT_EXPECT_EQ(test, img.events[i].type, events[i].type);
		KUNIT_EXPECT_EQ(test, img.events[i].flags, events[i].flags);
		KUNIT_EXPECT_MEMEQ(test, img.events[i].data, events[i].data, 32);
	}
	KUNIT_ASSERT_EQ(test, img.num_ranges, ARRAY_SIZE(ranges));
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		struct kfd_criu_range_record range = ranges[i];

		range.actual = KFD_CRIU_LOCATION_SYSTEM;
		KUNIT_EXPECT_MEMEQ(test, &img.ranges[i], &range, sizeof(range));
	}
	kvfree(v2);
}

/* What version 1 would restore to something else. */
static const struct refused_case unwritable_cases[] = {
	{ "version 1 gives each device a VM", -EOPNOTSUPP, "PDBE" },
	{ NULL, 0, "PDBE", { D(2, flags, KFD_CRIU_DEVICE_VM) } },
	{ "version 1 has one MQD per queue", -EOPNOTSUPP, "PdB10E" },
	{ "version 1 has a signal page only with an event", -EOPNOTSUPP, "PdB12" },
	{ NULL, 0, "PdB12", { P(flags, 0), P(signal_size, 0), P(signal_handle, 0) } },
	{ NULL, 0, "KdBE" },
	{ "version 1 has a kernel's signal page only with a signal event", -EOPNOTSUPP, "KdB1" },
	{ "version 1 has a kernel's signal page only with a signal event", -EOPNOTSUPP, "KdBO" },
	{ "version 1 does not have the contents of a slot", -EOPNOTSUPP, "KdBE",
	  { E(2, slot, 1) } },
};

static void unwritable_case_name(const struct refused_case *param, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %zu", param->what ?: "good",
		 (size_t)(param - unwritable_cases));
}

KUNIT_ARRAY_PARAM(unwritable, unwritable_cases, unwritable_case_name);

static void kfd_criu_image_v1_unwritable_test(struct kunit *test)
{
	const struct refused_case *param = test->param_value;
	struct fixture *f = test->priv;
	size_t size;
	void *v1;

	build(f, param->order);
	do_pokes(test, f, param->pokes);
	KUNIT_ASSERT_EQ(test, kfd_criu_image_open(&f->img, f->buf, f->size, &f->why), 0);
	size = kfd_criu_v1_size(&f->img);
	v1 = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, v1);
	KUNIT_EXPECT_EQ(test, kfd_criu_v1_write(&f->img, v1, size, &f->why), param->err);
	KUNIT_EXPECT_STREQ(test, f->why.what ?: "good", param->what ?: "good");

	KUNIT_EXPECT_EQ(test, kfd_criu_v1_write(&f->img, v1, size - 1, &f->why), -ENOSPC);
	KUNIT_EXPECT_STREQ(test, f->why.what, "version 1 has another size");
	KUNIT_EXPECT_EQ(test, kfd_criu_v1_write(&f->img, v1, size + 1, &f->why), -ENOSPC);
}

/* Id 0 is taken, so that the 256th event finds no slot in a page that is not mapped yet. */
static void kfd_criu_image_v1_many_events_test(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct kfd_criu_event_record *event;
	size_t size;
	void *v1;
	u32 i, count;

	for (count = 255; count <= 256; count++) {
		kfd_criu_writer_init(&f->w, f->buf, 2 * ROOM);
		write_record(&f->w, 'K');
		write_record(&f->w, 'd');
		event = kfd_criu_write(&f->w, KFD_CRIU_RECORD_EVENTS, count, sizeof(*event), 0);
		KUNIT_ASSERT_NOT_NULL(test, event);
		for (i = 0; i < count; i++) {
			event[i] = events[0];
			event[i].id = i + 1;
		}
		kfd_criu_writer_seal(&f->w);
		f->size = f->w.pos;
		KUNIT_ASSERT_EQ(test, kfd_criu_image_open(&f->img, f->buf, f->size, &f->why), 0);
		size = kfd_criu_v1_size(&f->img);
		v1 = kunit_kzalloc(test, size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, v1);
		KUNIT_EXPECT_EQ(test, kfd_criu_v1_write(&f->img, v1, size, &f->why),
				count < 256 ? 0 : -EOPNOTSUPP);
	}
	KUNIT_EXPECT_STREQ(test, f->why.what,
			   "version 1 has no room for so many events without a BO");
}

static void kfd_criu_image_v1_sizes_test(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kfd_criu_v1_size_of(1, 0, 0, 0, 0, 0), 8 + 8);
	KUNIT_EXPECT_EQ(test, kfd_criu_v1_size_of(2, 3, 0, 0, 0, 0), 8 + 16 + 3 * 272);
	KUNIT_EXPECT_EQ(test, kfd_criu_v1_size_of(1, 0, 2, 2048, 0, 0), 16 + 240 + 2048);
	KUNIT_EXPECT_EQ(test, kfd_criu_v1_size_of(1, 0, 0, 0, 5, 0), 16 + 320);
	KUNIT_EXPECT_EQ(test, kfd_criu_v1_size_of(1, 0, 0, 0, 0, 2), 16 + 2 * 64);
	KUNIT_EXPECT_EQ(test, kfd_criu_v1_size_of(8, 0, 0, 0, 0, 2), 8 + 64 + 2 * 120);
	KUNIT_EXPECT_EQ(test, kfd_criu_v1_size_of(1, 0, 0, SIZE_MAX, 0, 0), SIZE_MAX);
}

static int kfd_criu_image_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->buf = kunit_kzalloc(test, 2 * ROOM, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->buf);
	build(f, ORDER);
	test->priv = f;
	return 0;
}

static struct kunit_case kfd_criu_image_cases[] = {
	KUNIT_CASE(kfd_criu_image_sizes_test),
	KUNIT_CASE(kfd_criu_image_layout_test),
	KUNIT_CASE(kfd_criu_image_bucket_test),
	KUNIT_CASE(kfd_criu_image_round_trip_test),
	KUNIT_CASE(kfd_criu_image_writer_test),
	KUNIT_CASE_PARAM(kfd_criu_image_refused_test, refused_gen_params),
	KUNIT_CASE(kfd_criu_image_complaint_test),
	KUNIT_CASE(kfd_criu_image_mqd_size_test),
	KUNIT_CASE(kfd_criu_image_order_test),
	KUNIT_CASE(kfd_criu_image_limit_test),
	KUNIT_CASE(kfd_criu_image_truncated_test),
	KUNIT_CASE(kfd_criu_image_flip_test),
	KUNIT_CASE(kfd_criu_image_flip_crc_test),
	KUNIT_CASE(kfd_criu_image_v1_sizes_test),
	KUNIT_CASE(kfd_criu_image_v1_golden_test),
	KUNIT_CASE(kfd_criu_image_v1_old_test),
	KUNIT_CASE(kfd_criu_image_v1_truncated_test),
	KUNIT_CASE(kfd_criu_image_v1_flip_test),
	KUNIT_CASE_PARAM(kfd_criu_image_v1_refused_test, v1_refused_gen_params),
	KUNIT_CASE(kfd_criu_image_v1_arguments_test),
	KUNIT_CASE(kfd_criu_image_v1_many_devices_test),
	KUNIT_CASE(kfd_criu_image_v1_kernel_page_test),
	KUNIT_CASE(kfd_criu_image_v1_round_trip_test),
	KUNIT_CASE_PARAM(kfd_criu_image_v1_unwritable_test, unwritable_gen_params),
	KUNIT_CASE(kfd_criu_image_v1_many_events_test),
	{}
};

static struct kunit_suite kfd_criu_image_suite = {
	.name = "kfd_criu_image",
	.init = kfd_criu_image_init,
	.test_cases = kfd_criu_image_cases,
};

kunit_test_suite(kfd_criu_image_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("KUnit tests of the image of a compute process");
MODULE_LICENSE("GPL and additional rights");
