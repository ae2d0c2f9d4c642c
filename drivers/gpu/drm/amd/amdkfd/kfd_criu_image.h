/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The image of a compute process: what stands in priv_data of
 * AMDKFD_IOC_CRIU_OP.
 */
#ifndef KFD_CRIU_IMAGE_H
#define KFD_CRIU_IMAGE_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/sizes.h>
#include <linux/stddef.h>
#include <linux/types.h>

struct kfd_criu_bo_bucket;
struct kfd_criu_device_bucket;

/**
 * DOC: The image
 *
 * An image is a header and a sequence of records, all little endian and each
 * aligned to 8 bytes, without implicit padding. The first word is the version:
 * a kernel that only knows version 1 reads it there and refuses the image
 * before it looks at anything else.
 *
 * The contract: a structure never changes. State that is new comes in a new
 * record. A record that a reader has to understand in order to restore the
 * process correctly comes with a bit in &kfd_criu_image_header.required; one
 * that it may ignore is marked %KFD_CRIU_RECORD_OPTIONAL and skipped by who does
 * not know it. A reader refuses required bits and records that it does not
 * know. The version only moves if that contract has to be broken.
 *
 * What is in an image is not trusted. kfd_criu_image_open() checks all that can
 * be checked without a GPU, in order of dependency, before anything is used; the
 * writer's result goes through it as well.
 *
 * GPUs are named by their position in the table of devices (fields called
 * device, bits of access masks) or by the id that the process knows,
 * user_gpu_id. An image holds no id and no address of the machine that it was
 * made on.
 */

/* Larger images are refused before they are read. */
#define KFD_CRIU_IMAGE_MAX	SZ_256M

#define KFD_CRIU_IMAGE_VERSION	2
/* What Linux 5.18 to 6.12 write and read. */
#define KFD_CRIU_IMAGE_VERSION_1	1
#define KFD_CRIU_IMAGE_MAGIC	0x4344464bU	/* "KFDC" */
#define KFD_CRIU_IMAGE_ALIGN	8

/* As many GPUs as fit into an access mask; the driver has fewer or as many. */
#define KFD_CRIU_MAX_DEVICES	64

/* Features that a reader has to know: a table of dies, see &struct kfd_criu_die_record. */
#define KFD_CRIU_FEATURE_DIES	0x1ULL
#define KFD_CRIU_FEATURES	0x1ULL

/**
 * struct kfd_criu_image_header - the first bytes of an image
 * @version: %KFD_CRIU_IMAGE_VERSION, at the place where version 1 has its own
 * @magic: %KFD_CRIU_IMAGE_MAGIC
 * @size: of the whole image in bytes, this header included
 * @header_size: of this header; the first record starts there
 * @records: how many follow
 * @required: features without which the image can't be restored
 * @optional: features that a reader may do without
 * @crc: CRC-32 (crc32_le(), seed ~0) of the whole image with this field 0
 * @reserved: 0
 */
struct kfd_criu_image_header {
	u32 version;
	u32 magic;
	u64 size;
	u32 header_size;
	u32 records;
	u64 required;
	u64 optional;
	u32 crc;
	u32 reserved;
};

/**
 * enum kfd_criu_record_type - what a record holds
 * @KFD_CRIU_RECORD_PROCESS: one &struct kfd_criu_process_record, exactly once
 * @KFD_CRIU_RECORD_DEVICES: table of &struct kfd_criu_device_record, exactly once
 * @KFD_CRIU_RECORD_BOS: table of &struct kfd_criu_bo_record, at most once
 * @KFD_CRIU_RECORD_QUEUE: one &struct kfd_criu_queue_record and its MQDs
 * @KFD_CRIU_RECORD_EVENTS: table of &struct kfd_criu_event_record, at most once
 * @KFD_CRIU_RECORD_RANGES: table of &struct kfd_criu_range_record, at most once
 * @KFD_CRIU_RECORD_DIES: table of &struct kfd_criu_die_record, at most once, and with
 *	%KFD_CRIU_FEATURE_DIES alone
 *
 * 0 is no type, so that zeroes are noticed. PROCESS comes first, DEVICES
 * second; of the rest the order is free, but the queues' order is the order in
 * which they are created anew.
 */
enum kfd_criu_record_type {
	KFD_CRIU_RECORD_PROCESS = 1,
	KFD_CRIU_RECORD_DEVICES,
	KFD_CRIU_RECORD_BOS,
	KFD_CRIU_RECORD_QUEUE,
	KFD_CRIU_RECORD_EVENTS,
	KFD_CRIU_RECORD_RANGES,
	KFD_CRIU_RECORD_DIES,
};

#define KFD_CRIU_RECORD_OPTIONAL	0x1	/* skip it if its type is unknown */
#define KFD_CRIU_RECORD_FLAGS		0x1

/**
 * struct kfd_criu_record - the header of each record
 * @type: one of &enum kfd_criu_record_type
 * @flags: KFD_CRIU_RECORD_*
 * @size: bytes that follow this header, a multiple of 8
 * @count: entries in it; only tables have another number than 1
 * @stride: bytes of one entry, a multiple of 8
 *
 * A table has @size == @count * @stride. A queue's record has one entry, and
 * @size - @stride bytes of data behind it.
 */
struct kfd_criu_record {
	u16 type;
	u16 flags;
	u32 size;
	u32 count;
	u32 stride;
};

#define KFD_CRIU_PROCESS_XNACK		0x01
#define KFD_CRIU_PROCESS_RUNTIME	0x02	/* RUNTIME_ENABLE was done */
#define KFD_CRIU_PROCESS_TTMP		0x04	/* with TTMP setup */
#define KFD_CRIU_PROCESS_PAGE_BO	0x08	/* signal page in a BO, @signal_handle */
#define KFD_CRIU_PROCESS_PAGE_KERNEL	0x10	/* signal page allocated by the kernel */
#define KFD_CRIU_PROCESS_EVENT_LIMIT	0x20	/* has once hit the limit of signal events */
#define KFD_CRIU_PROCESS_FLAGS		0x3f

/**
 * struct kfd_criu_process_record - state of the process as a whole
 * @flags: KFD_CRIU_PROCESS_*
 * @signal_size: bytes of the signal page that the process may use, or 0
 * @signal_handle: the signal page's BO as the process names it: user_gpu_id in
 *	the upper, handle in the lower half; 0 without PAGE_BO
 * @r_debug: address given to RUNTIME_ENABLE, opaque to the kernel
 * @exception_status: KFD_EC_MASK() bits that are pending for the process
 */
struct kfd_criu_process_record {
	u32 flags;
	u32 signal_size;
	u64 signal_handle;
	u64 r_debug;
	u64 exception_status;
};

#define KFD_CRIU_DEVICE_VM		0x01	/* the process has acquired its VM */
#define KFD_CRIU_DEVICE_DOORBELLS	0x02	/* and has doorbells */
#define KFD_CRIU_DEVICE_IDENTITY	0x04	/* gc_version to sdma_interface are known */
#define KFD_CRIU_DEVICE_RESET		0x08	/* one of its queues was reset by the driver */
#define KFD_CRIU_DEVICE_FLAGS		0x0f

/**
 * struct kfd_criu_device_record - a GPU that the process can see
 * @user_gpu_id: the id that the process knows it by
 * @flags: KFD_CRIU_DEVICE_*
 * @gc_version: IP version of the graphics core, as IP_VERSION() packs it
 * @sdma_version: IP version of the SDMA engines
 * @xcc_count: graphics cores of this node
 * @mqd_size: bytes of a compute queue's MQD on one XCC, control stack not included
 * @sdma_mqd_size: bytes of an SDMA queue's MQD
 * @doorbell_size: bytes of doorbells that a process has
 * @ctl_stack_size: bytes of control stack that a compute queue has to have
 * @cwsr_size: bytes of save area that a compute queue has to have at least
 * @sdma_engines: number of SDMA engines of general use
 * @xgmi_engines: number of SDMA engines for XGMI
 * @engine_queues: user queues per SDMA engine
 * @cu_count: compute units
 * @partitions: nodes that the GPU is divided into, 1 if it is not
 * @partition: which of them this one is, from 0; may differ if no queue minds
 * @mec_interface: version of the interface of the firmware that runs compute queues,
 *	called feature version by the driver
 * @sdma_interface: and of the firmware of the SDMA engines
 * @tba: address of the process' own (second-level) trap handler, or 0
 * @tma: and of that handler's memory
 * @scratch_va: argument of SET_SCRATCH_BACKING_VA
 * @exception_status: KFD_EC_MASK() bits that are pending for this GPU
 *
 * From @gc_version to @sdma_interface, what two GPUs must have in common for one to take over
 * from the other. Version 1 has none of it: see %KFD_CRIU_DEVICE_IDENTITY.
 */
struct kfd_criu_device_record {
	u32 user_gpu_id;
	u32 flags;
	u32 gc_version;
	u32 sdma_version;
	u32 xcc_count;
	u32 mqd_size;
	u32 sdma_mqd_size;
	u32 doorbell_size;
	u32 ctl_stack_size;
	u32 cwsr_size;
	u32 sdma_engines;
	u32 xgmi_engines;
	u32 engine_queues;
	u32 cu_count;
	u32 partitions;
	u32 partition;
	u32 mec_interface;
	u32 sdma_interface;
	u64 tba;
	u64 tma;
	u64 scratch_va;
	u64 exception_status;
};

#define KFD_CRIU_BO_NO_PAGES		0x01	/* the process had no memory below a user pointer */
#define KFD_CRIU_BO_FLAGS		0x01

/**
 * struct kfd_criu_bo_record - a buffer object
 * @gpus: the devices that it is mapped on
 * @user_addr: address in the process of a user pointer's memory, else 0
 * @handle: lower half of the handle that the process has, up to %KFD_CRIU_LAST_HANDLE
 * @bucket: CRC-32 of what its bucket says, see kfd_criu_bucket_crc(), so that
 *	image and buckets of different checkpoints are not mixed up
 * @device: the GPU that it was allocated on
 * @flags: %KFD_CRIU_BO_NO_PAGES or 0
 * @reserved: 0
 *
 * The n-th record belongs to the n-th bucket, which tells address, size and
 * allocation flags.
 */
struct kfd_criu_bo_record {
	u64 gpus;
	u64 user_addr;
	u32 handle;
	u32 bucket;
	u16 device;
	u16 flags;
	u32 reserved;
};

#define KFD_CRIU_QUEUE_GWS		0x01	/* ALLOC_QUEUE_GWS was done */
#define KFD_CRIU_QUEUE_CU_MASK		0x02	/* SET_CU_MASK was done */
#define KFD_CRIU_QUEUE_CWSR_RANGE	0x04	/* save area in an SVM range, not in a BO */
#define KFD_CRIU_QUEUE_RESET		0x08	/* the driver has reset it, it never runs again */
#define KFD_CRIU_QUEUE_FLAGS		0x0f

/* Types and formats as in &enum kfd_queue_type and &enum kfd_queue_format. */
#define KFD_CRIU_QUEUE_COMPUTE		0
#define KFD_CRIU_QUEUE_SDMA		1
#define KFD_CRIU_QUEUE_SDMA_XGMI	4
#define KFD_CRIU_QUEUE_PM4		0
#define KFD_CRIU_QUEUE_AQL		1

/**
 * struct kfd_criu_queue_record - a user queue
 * @ring: address of the ring buffer; 0 if UPDATE_QUEUE took it away
 * @ring_size: its bytes, a power of 2 or 0
 * @rptr: address where the GPU reports its read pointer
 * @wptr: address where the process keeps its write pointer
 * @eop: address of the end-of-pipe buffer, or 0
 * @cwsr: address of the context save area, or 0
 * @exception_status: KFD_EC_MASK() bits that are pending for the queue
 * @eop_size: bytes of the end-of-pipe buffer
 * @cwsr_size: bytes of the context save area on one XCC
 * @ctl_stack_size: bytes of its control stack
 * @device: the GPU
 * @type: KFD_CRIU_QUEUE_COMPUTE, _SDMA or _SDMA_XGMI
 * @format: KFD_CRIU_QUEUE_PM4 or _AQL
 * @queue_id: the id that the process has
 * @doorbell_id: index of its doorbell among the process' doorbells
 * @sdma_id: the SDMA queue slot that it had; tells the engine
 * @priority: 0 to 15
 * @percent: 0 to 100; 0 stops the queue
 * @pm4_target_xcc: the XCC that PM4 packets go to
 * @flags: KFD_CRIU_QUEUE_*
 * @xccs: how many MQDs follow
 * @mqd_size: bytes of each
 * @ctl_size: bytes of control stack behind each; 0 where it is kept in the save area
 *
 * Behind this: for each XCC the MQD, then the control stack, each padded to 8
 * bytes. Of an MQD the image has all but what is the driver's, which is 0: the driver
 * builds that anew from the properties above. Which words and bits these are, is in
 * kfd_criu_mqd_v*.c.
 */
struct kfd_criu_queue_record {
	u64 ring;
	u64 ring_size;
	u64 rptr;
	u64 wptr;
	u64 eop;
	u64 cwsr;
	u64 exception_status;
	u32 eop_size;
	u32 cwsr_size;
	u32 ctl_stack_size;
	u32 device;
	u32 type;
	u32 format;
	u32 queue_id;
	u32 doorbell_id;
	u32 sdma_id;
	u32 priority;
	u32 percent;
	u32 pm4_target_xcc;
	u32 flags;
	u32 xccs;
	u32 mqd_size;
	u32 ctl_size;
};

/* As many queues as a process can have, and doorbells of one GPU. */
#define KFD_CRIU_MAX_QUEUES		1024
#define KFD_CRIU_MAX_PRIORITY		15
#define KFD_CRIU_MAX_PERCENT		100
#define KFD_CRIU_MAX_TARGET_XCC		255
#define KFD_CRIU_MIN_RING_SIZE		SZ_1K
#define KFD_CRIU_MAX_RING_SIZE		SZ_4G
#define KFD_CRIU_RING_ALIGN		SZ_256
#define KFD_CRIU_MIN_MQD_SIZE		4
#define KFD_CRIU_MAX_MQD_SIZE		SZ_64K

#define KFD_CRIU_EVENT_AUTO_RESET	0x1
#define KFD_CRIU_EVENT_SIGNALED		0x2
#define KFD_CRIU_EVENT_FLAGS		0x3

/* Types of events as in kfd_events.h, which are those of the UAPI. */
#define KFD_CRIU_EVENT_TYPE_SIGNAL	0
#define KFD_CRIU_EVENT_TYPE_HW_EXCEPTION	3
#define KFD_CRIU_EVENT_TYPE_DEBUG	5
#define KFD_CRIU_EVENT_TYPE_MEMORY	8

/*
 * Handles and ids are those of an IDR, up to INT_MAX. The driver goes through it with
 * idr_for_each_entry(), whose index overflows behind an entry there, with a warning: as no
 * process comes that far, it is refused.
 */
#define KFD_CRIU_LAST_HANDLE		0x7ffffffeU

/* Ids of signal events are slots of the signal page, the others' start here. */
#define KFD_CRIU_EVENT_SLOTS		4096
#define KFD_CRIU_EVENT_FIRST_OTHER	0x40000000U
#define KFD_CRIU_EVENT_LAST_OTHER	KFD_CRIU_LAST_HANDLE

/**
 * struct kfd_criu_event_record - an event
 * @id: the id that the process has
 * @type: KFD_CRIU_EVENT_TYPE_*
 * @age: how often it was set, from 1
 * @slot: contents of its slot in a signal page that the kernel allocated, else ~0
 * @flags: KFD_CRIU_EVENT_*
 * @reserved: 0
 * @data: of a memory or hardware exception, &struct kfd_hsa_memory_exception_data
 *	or &struct kfd_hsa_hw_exception_data, else 0
 */
struct kfd_criu_event_record {
	u32 id;
	u32 type;
	u64 age;
	u64 slot;
	u32 flags;
	u32 reserved;
	u8 data[32];
};

#define KFD_CRIU_RANGE_SVM_FLAGS	0xff
#define KFD_CRIU_RANGE_GRANULARITY	0x3f	/* the largest */
#define KFD_CRIU_RANGE_LAST_PAGE	(BIT_ULL(52) - 1)

/* Locations of a range: none, system memory, else a user_gpu_id. */
#define KFD_CRIU_LOCATION_NONE		0xffffffffU
#define KFD_CRIU_LOCATION_SYSTEM	0U

/**
 * struct kfd_criu_range_record - a range of shared virtual memory
 * @start: first address, in pages of 4 KiB
 * @pages: length in pages of 4 KiB
 * @access: devices with access by migration or mapping
 * @in_place: devices with access in place
 * @preferred: preferred location
 * @prefetch: location of the last prefetch
 * @actual: where (some of) its pages were
 * @svm_flags: KFD_IOCTL_SVM_FLAG_*
 * @granularity: of migration, log2 of pages
 * @reserved: 0
 */
struct kfd_criu_range_record {
	u64 start;
	u64 pages;
	u64 access;
	u64 in_place;
	u32 preferred;
	u32 prefetch;
	u32 actual;
	u32 svm_flags;
	u32 granularity;
	u32 reserved;
};

/* As many as the driver knows of. */
#define KFD_CRIU_DIE_XCCS		8
#define KFD_CRIU_DIE_ENGINES		8
#define KFD_CRIU_DIE_ARRAYS		2

/**
 * struct kfd_criu_die_record - what the state of a queue on a GPU depends on
 * @handler_size: bytes of the kernel's own, first-level trap handler, which saves and
 *	restores waves; 0 without one
 * @handler_crc: CRC-32 of it (crc32_le(), seed ~0)
 * @mec_firmware: version of the firmware that runs compute queues
 * @sdma_firmware: and of the firmware of the SDMA engines
 * @engines: shader engines of an XCC, at most %KFD_CRIU_DIE_ENGINES
 * @arrays: shader arrays of an engine, at most %KFD_CRIU_DIE_ARRAYS
 * @reserved: 0
 * @cus: the CUs of each array of each engine of each XCC of the node, a bit for each: a CU
 *	that is broken is missing, and is another one on each die
 *
 * The n-th record belongs to the n-th device. There is a table of them if the process has
 * queues. Waves that were saved are restored by the same handler, to the same CUs and by
 * the same firmware, or not at all. A CU mask names CUs of a die, and is made to name
 * those of another one. A queue without either goes to any GPU that its device may go to.
 */
struct kfd_criu_die_record {
	u32 handler_size;
	u32 handler_crc;
	u32 mec_firmware;
	u32 sdma_firmware;
	u32 engines;
	u32 arrays;
	u64 reserved;
	u32 cus[KFD_CRIU_DIE_XCCS][KFD_CRIU_DIE_ENGINES][KFD_CRIU_DIE_ARRAYS];
};

static_assert(sizeof(struct kfd_criu_image_header) == 48);
static_assert(offsetof(struct kfd_criu_image_header, version) == 0);
static_assert(offsetof(struct kfd_criu_image_header, crc) == 40);
static_assert(sizeof(struct kfd_criu_record) == 16);
static_assert(sizeof(struct kfd_criu_process_record) == 32);
static_assert(offsetof(struct kfd_criu_process_record, exception_status) == 24);
static_assert(sizeof(struct kfd_criu_device_record) == 104);
static_assert(offsetof(struct kfd_criu_device_record, tba) == 72);
static_assert(sizeof(struct kfd_criu_bo_record) == 32);
static_assert(offsetof(struct kfd_criu_bo_record, device) == 24);
static_assert(sizeof(struct kfd_criu_queue_record) == 120);
static_assert(offsetof(struct kfd_criu_queue_record, eop_size) == 56);
static_assert(offsetof(struct kfd_criu_queue_record, ctl_size) == 116);
static_assert(sizeof(struct kfd_criu_event_record) == 64);
static_assert(offsetof(struct kfd_criu_event_record, data) == 32);
static_assert(sizeof(struct kfd_criu_range_record) == 56);
static_assert(offsetof(struct kfd_criu_range_record, granularity) == 48);
static_assert(sizeof(struct kfd_criu_die_record) == 544);
static_assert(offsetof(struct kfd_criu_die_record, cus) == 32);

/**
 * struct kfd_criu_writer - an image that is being written
 * @buf: where to; zeroed by kfd_criu_writer_init()
 * @size: of @buf in bytes
 * @pos: bytes written so far
 * @records: records written so far
 * @required: features of the records written so far
 * @err: the first error; later calls do nothing
 */
struct kfd_criu_writer {
	void *buf;
	size_t size;
	size_t pos;
	u32 records;
	u64 required;
	int err;
};

/**
 * struct kfd_criu_image - an image that has been verified
 * @buf: the image
 * @size: its bytes
 * @process: the process
 * @devices: table of @num_devices
 * @bos: table of @num_bos, or NULL
 * @events: table of @num_events, or NULL
 * @ranges: table of @num_ranges, or NULL
 * @dies: table of @num_devices, or NULL
 * @first_queue: offset in bytes of the first queue's record header, or 0
 * @num_devices: at least 1
 * @num_bos: buffer objects
 * @num_queues: queues, see kfd_criu_image_next_queue()
 * @num_events: events
 * @num_ranges: SVM ranges
 *
 * All pointers point into the image.
 */
struct kfd_criu_image {
	const void *buf;
	size_t size;
	const struct kfd_criu_process_record *process;
	const struct kfd_criu_device_record *devices;
	const struct kfd_criu_bo_record *bos;
	const struct kfd_criu_event_record *events;
	const struct kfd_criu_range_record *ranges;
	const struct kfd_criu_die_record *dies;
	size_t first_queue;
	u32 num_devices;
	u32 num_bos;
	u32 num_queues;
	u32 num_events;
	u32 num_ranges;
};

/**
 * struct kfd_criu_complaint - what is wrong with an image
 * @what: the check that failed, in words, never NULL after an error
 * @type: type of the record, or 0 for the image as a whole
 * @index: which of the objects of that type
 * @found: the value that is wrong
 * @wanted: the value that it should have, or its limit
 */
struct kfd_criu_complaint {
	const char *what;
	u32 type;
	u32 index;
	u64 found;
	u64 wanted;
};

/**
 * kfd_criu_complain - say what is wrong and why it is refused
 * @why: filled
 * @err: the errno
 * @type: type of the record, or 0
 * @index: which of the objects of that type
 * @what: the check that failed
 * @found: the value that is wrong
 * @wanted: the value that it should have, or its limit
 *
 * Context: any.
 * Return: @err, so that a check is one statement.
 */
static inline int kfd_criu_complain(struct kfd_criu_complaint *why, int err, u32 type, u32 index,
				    const char *what, u64 found, u64 wanted)
{
	*why = (struct kfd_criu_complaint) {
		.what = what,
		.type = type,
		.index = index,
		.found = found,
		.wanted = wanted,
	};
	return err;
}

size_t kfd_criu_record_size(u32 count, u32 stride, size_t extra);
void *kfd_criu_alloc(size_t n, size_t size);

void kfd_criu_writer_init(struct kfd_criu_writer *w, void *buf, size_t size);
void *kfd_criu_write(struct kfd_criu_writer *w, enum kfd_criu_record_type type,
		     u32 count, u32 stride, size_t extra);
void kfd_criu_writer_seal(struct kfd_criu_writer *w);
int kfd_criu_writer_finish(struct kfd_criu_writer *w, struct kfd_criu_image *img,
			   struct kfd_criu_complaint *why);

int kfd_criu_image_open(struct kfd_criu_image *img, const void *buf, size_t size,
			struct kfd_criu_complaint *why);
const struct kfd_criu_queue_record *
kfd_criu_image_next_queue(const struct kfd_criu_image *img,
			  const struct kfd_criu_queue_record *prev);

const void *kfd_criu_queue_mqd(const struct kfd_criu_queue_record *q, u32 xcc);
const void *kfd_criu_queue_ctl_stack(const struct kfd_criu_queue_record *q, u32 xcc);
size_t kfd_criu_queue_data_size(u32 xccs, u32 mqd_size, u32 ctl_size);

u32 kfd_criu_bucket_crc(const struct kfd_criu_bo_bucket *bucket);

/* Version 1 */
int kfd_criu_v1_read(const void *v1, size_t v1_size,
		     const struct kfd_criu_device_bucket *devices, u32 num_devices,
		     const struct kfd_criu_bo_bucket *bos, u32 num_bos, u32 num_objects,
		     void **v2, size_t *v2_size, struct kfd_criu_complaint *why);
size_t kfd_criu_v1_size(const struct kfd_criu_image *img);
int kfd_criu_v1_write(const struct kfd_criu_image *img, void *v1, size_t v1_size,
		      struct kfd_criu_complaint *why);
size_t kfd_criu_v1_size_of(u32 num_devices, u32 num_bos, u32 num_queues,
			   size_t queue_data, u32 num_events, u32 num_ranges);

#endif
