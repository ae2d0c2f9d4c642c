// SPDX-License-Identifier: GPL-2.0
/*
 * One input of libFuzzer: an image is opened as RESTORE does, and if it is accepted,
 * all of it is used as RESTORE, debugfs and the writer of version 1 do.
 *
 * AddressSanitizer sees an access that leaves the image, UBSan one that is no
 * access of C. What else must hold is asserted here: what the rest of the driver takes
 * for granted about an image that was accepted, and that an image which is written
 * again stays what it is.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "kernel.h"
#include "fuzz.h"
#include "kfd_criu.h"
#include "kfd_criu_mqd.h"
#include "v9_structs.h"
#include "v10_structs.h"
#include "v11_structs.h"
#include "v12_structs.h"

u64 *counters;

/* In memory of its own for each part, as RESTORE copies it. */
struct input {
	struct call call;
	struct kfd_criu_device_bucket *devices;
	struct kfd_criu_bo_bucket *bos;
	void *image;
	size_t size;
};

void *copy(const void *from, size_t size)
{
	void *to = malloc(size);

	MUST(to);
	/* An empty image has no address. */
	return size ? memcpy(to, from, size) : to;
}

static bool take_input(struct input *in, const u8 *data, size_t size)
{
	if (size < sizeof(in->call))
		return false;
	memcpy(&in->call, data, sizeof(in->call));
	data += sizeof(in->call);
	size -= sizeof(in->call);

	in->call.num_devices = min_t(size_t, in->call.num_devices, size / DEVICE_SIZE);
	in->devices = copy(data, in->call.num_devices * DEVICE_SIZE);
	data += in->call.num_devices * DEVICE_SIZE;
	size -= in->call.num_devices * DEVICE_SIZE;

	in->call.num_bos = min_t(size_t, in->call.num_bos, size / BO_SIZE);
	in->bos = copy(data, in->call.num_bos * BO_SIZE);
	data += in->call.num_bos * BO_SIZE;
	size -= in->call.num_bos * BO_SIZE;

	in->image = copy(data, size);
	in->size = size;
	return true;
}

/* --- what opening says --- */

static void check_complaint(const struct opened *o)
{
	const struct kfd_criu_image *img = &o->img;

	if (!o->err) {
		MUST(!o->why.what);
		return;
	}
	/* Nobody can use what was refused, and it says why. */
	MUST(o->why.what && *o->why.what);
	MUST(!memchr_inv(img, 0, offsetofend(struct kfd_criu_image, num_ranges)));
	/* Of what is documented, -EMSGSIZE is for images that no fuzzer makes. */
	MUST(o->err == -EINVAL || o->err == -EEXIST || o->err == -EPROTONOSUPPORT ||
	     (o->err == -ENOMEM && fuzz_has_failed()));
}

void open_version_2(struct opened *o, const void *image, size_t size)
{
	count(VERIFIED);
	o->err = kfd_criu_image_open(&o->img, image, size, &o->why);
	check_complaint(o);
}

static bool is_version_1(const struct input *in)
{
	return in->size >= sizeof(u32) && *(u32 *)in->image == KFD_CRIU_IMAGE_VERSION_1;
}

/* As open_image() in kfd_criu.c: of what version ever, version 2 afterwards. */
static void open_image(struct input *in, struct opened *o)
{
	size_t size;
	void *image;

	memset(o, 0, sizeof(*o));
	if (is_version_1(in)) {
		o->err = kfd_criu_v1_read(in->image, in->size, in->devices,
					  in->call.num_devices, in->bos, in->call.num_bos,
					  in->call.num_objects, &image, &size, &o->why);
		check_complaint(o);
		MUST(o->err != -EEXIST);
		if (o->err)
			return;
		/* A byte behind the new image would be one that nobody looks at. */
		MUST(fuzz_last_size() == size);
		free(in->image);
		in->image = copy(image, size);
		in->size = size;
		kvfree(image);
	}
	open_version_2(o, in->image, in->size);
}

/* Each image once, also if it is opened more often. */
static void count_image(const struct opened *o, bool version_1)
{
	count(IMAGES);
	if (version_1)
		count(VERSION_1);
	switch (o->err) {
	case 0:
		count(version_1 ? ACCEPTED_VERSION_1 : ACCEPTED);
		break;
	case -EINVAL:
		count(INVALID);
		break;
	case -EEXIST:
		count(EXISTS);
		break;
	case -EPROTONOSUPPORT:
		count(UNKNOWN);
		break;
	}
}

static size_t offset(const struct kfd_criu_image *img, const void *p)
{
	return p ? p - img->buf : 0;
}

/* Whatever stands behind it in memory, an image is the same one. */
static void open_again(const struct input *in, const struct opened *first)
{
	void *image = copy(in->image, in->size);
	const struct kfd_criu_image *a = &first->img;
	struct opened second;
	const struct kfd_criu_image *b = &second.img;

	open_version_2(&second, image, in->size);
	MUST(second.err == first->err);
	MUST(second.why.what == first->why.what);
	MUST(second.why.type == first->why.type && second.why.index == first->why.index);
	MUST(second.why.found == first->why.found && second.why.wanted == first->why.wanted);
	MUST(a->size == b->size && a->first_queue == b->first_queue);
	MUST(a->num_devices == b->num_devices && a->num_bos == b->num_bos);
	MUST(a->num_queues == b->num_queues && a->num_events == b->num_events);
	MUST(a->num_ranges == b->num_ranges);
	MUST(offset(a, a->process) == offset(b, b->process));
	MUST(offset(a, a->devices) == offset(b, b->devices));
	MUST(offset(a, a->bos) == offset(b, b->bos));
	MUST(offset(a, a->events) == offset(b, b->events));
	MUST(offset(a, a->ranges) == offset(b, b->ranges));
	/* The verifier has read it, and that is all. */
	MUST(!memcmp(image, in->image, in->size));
	free(image);
}

/* --- progress of queues --- */

/* A word of an MQD, and bits that decide what the GPU may do, and for whom. */
struct own {
	u16 dword;
	u32 mask;
};

#define OWN(type, member)		{ MQD_DWORD(type, member), ~0U }
#define OWN_BITS(type, member, bits)	{ MQD_DWORD(type, member), bits }

#define SDMA_WORDS(type) {						\
	OWN(type, sdmax_rlcx_rb_cntl),					\
	OWN(type, sdmax_rlcx_rb_base),					\
	OWN(type, sdmax_rlcx_rb_base_hi),				\
	OWN(type, sdmax_rlcx_rb_rptr_addr_lo),				\
	OWN(type, sdmax_rlcx_rb_rptr_addr_hi),				\
	OWN(type, sdmax_rlcx_rb_wptr_poll_addr_lo),			\
	OWN(type, sdmax_rlcx_rb_wptr_poll_addr_hi),			\
	/* the VMID */							\
	OWN_BITS(type, sdmax_rlcx_ib_cntl, 0xf0000),			\
	OWN(type, sdmax_rlcx_doorbell),					\
	OWN(type, sdmax_rlcx_doorbell_offset),				\
	OWN(type, sdmax_rlcx_csa_addr_lo),				\
	OWN(type, sdmax_rlcx_csa_addr_hi),				\
	OWN(type, sdma_engine_id),					\
	OWN(type, sdma_queue_id),					\
}

#define COMPUTE_WORDS(type) {						\
	OWN(type, header),						\
	/* privileged waves */						\
	OWN_BITS(type, compute_pgm_rsrc1, 0x100000),			\
	OWN(type, compute_vmid),					\
	OWN(type, ctx_save_base_addr_lo),				\
	OWN(type, ctx_save_base_addr_hi),				\
	OWN(type, cp_mqd_base_addr_lo),					\
	OWN(type, cp_mqd_base_addr_hi),					\
	OWN(type, cp_hqd_active),					\
	OWN(type, cp_hqd_vmid),						\
	/* all but what firmware does at the time */			\
	OWN_BITS(type, cp_hqd_persistent_state, 0x4fffff7f),		\
	OWN(type, cp_hqd_pipe_priority),				\
	OWN(type, cp_hqd_queue_priority),				\
	OWN(type, cp_hqd_pq_base_lo),					\
	OWN(type, cp_hqd_pq_base_hi),					\
	OWN(type, cp_hqd_pq_rptr_report_addr_lo),			\
	OWN(type, cp_hqd_pq_rptr_report_addr_hi),			\
	OWN(type, cp_hqd_pq_wptr_poll_addr_lo),				\
	OWN(type, cp_hqd_pq_wptr_poll_addr_hi),				\
	OWN(type, cp_hqd_pq_doorbell_control),				\
	/* all but whether the ring is empty, and carries */		\
	OWN_BITS(type, cp_hqd_pq_control, 0xffff7f3f),			\
	/* the privilege of indirect buffers, and how they are read */	\
	OWN_BITS(type, cp_hqd_ib_control, 0x7ff00000),			\
	OWN(type, cp_hqd_iq_timer),					\
	OWN(type, cp_hqd_dequeue_request),				\
	OWN(type, cp_mqd_control),					\
	OWN(type, cp_hqd_eop_base_addr_lo),				\
	OWN(type, cp_hqd_eop_base_addr_hi),				\
	/* the size */							\
	OWN_BITS(type, cp_hqd_eop_control, 0x3f),			\
	OWN(type, cp_hqd_ctx_save_base_addr_lo),			\
	OWN(type, cp_hqd_ctx_save_base_addr_hi),			\
	OWN(type, cp_hqd_ctx_save_control),				\
	OWN(type, cp_hqd_cntl_stack_size),				\
	OWN(type, cp_hqd_ctx_save_size),				\
	OWN(type, cp_hqd_aql_control),					\
	OWN(type, iqtimer_pkt_header),					\
	OWN(type, iqtimer_pkt_dw0),					\
	OWN(type, iqtimer_pkt_dw31),					\
	OWN(type, set_resources_header),				\
	OWN(type, set_resources_dw1),					\
	OWN(type, set_resources_dw7),					\
	OWN(type, queue_doorbell_id0),					\
	OWN(type, queue_doorbell_id15),					\
}

static const struct generation {
	u32 gc_version;
	struct own compute[42];
	struct own sdma[14];
} generations[] = {
	{ IP_VERSION(9, 0, 1), COMPUTE_WORDS(v9_mqd), SDMA_WORDS(v9_sdma_mqd) },
	{ IP_VERSION(9, 4, 1), COMPUTE_WORDS(v9_mqd), SDMA_WORDS(v9_sdma_mqd) },
	{ IP_VERSION(9, 4, 2), COMPUTE_WORDS(v9_mqd), SDMA_WORDS(v9_sdma_mqd) },
	{ IP_VERSION(9, 4, 3), COMPUTE_WORDS(v9_mqd), SDMA_WORDS(v9_sdma_mqd) },
	{ IP_VERSION(9, 4, 4), COMPUTE_WORDS(v9_mqd), SDMA_WORDS(v9_sdma_mqd) },
	{ IP_VERSION(10, 3, 0), COMPUTE_WORDS(v10_compute_mqd),
	  SDMA_WORDS(v10_sdma_mqd) },
	{ IP_VERSION(11, 0, 0), COMPUTE_WORDS(v11_compute_mqd),
	  SDMA_WORDS(v11_sdma_mqd) },
	{ IP_VERSION(12, 0, 0), COMPUTE_WORDS(v12_compute_mqd),
	  SDMA_WORDS(v12_sdma_mqd) },
	/* one that can't be restored */
	{ IP_VERSION(8, 0, 3) },
};

/* What load_progress() of kfd_criu_queue.c does, to an MQD of the driver's own. */
static void load_progress(const struct kfd_criu_mqd_layout *layout, const u32 *from,
			  const struct kfd_criu_queue_record *q, u32 ctl_stack_size,
			  const struct own *own, u32 num_own)
{
	u32 i, *mqd = malloc(layout->size);

	MUST(mqd);
	memset(mqd, 0x5a, layout->size);
	kfd_criu_mqd_copy(layout, mqd, from);
	for (i = 0; i < num_own; i++)
		MUST(!((mqd[own[i].dword] ^ 0x5a5a5a5a) & own[i].mask));
	MUST(mqd[layout->rptr] == from[layout->rptr]);
	if (layout->ctl_stack_offset.mask) {
		/* The registers of a dispatch that a process sets by its packets. */
		for (i = MQD_DWORD(v9_mqd, compute_user_data_0);
		     i <= MQD_DWORD(v9_mqd, compute_user_data_15); i++)
			MUST(mqd[i] == from[i]);
		MUST(mqd[layout->ctl_stack_offset.dword] <= ctl_stack_size);
		MUST(mqd[layout->wg_state_offset.dword] <= q->cwsr_size);
	}
	count(MQDS);
	free(mqd);
}

/* What an image of version 1 does not say, the GPU does: ctl_stack_size() of kfd_criu_queue.c. */
static u32 ctl_stack_size(const struct kfd_criu_image *img, const struct kfd_criu_queue_record *q)
{
	if (q->ctl_stack_size || !q->cwsr ||
	    (img->devices[q->device].flags & KFD_CRIU_DEVICE_IDENTITY))
		return q->ctl_stack_size;
	return GPU_CTL_STACK_SIZE;
}

/* verify_one() of kfd_criu_queue.c, as far as it needs no GPU. */
static void restore_queue(const struct kfd_criu_image *img, const struct kfd_criu_queue_record *q,
			  const struct generation *gen)
{
	struct kfd_node node = { .gc_version = gen->gc_version };
	const struct kfd_criu_mqd_layout *layout = kfd_criu_mqd_layout(&node, q->type);
	bool compute = q->type == KFD_CRIU_QUEUE_COMPUTE;
	u32 xcc, stack = ctl_stack_size(img, q);

	if (!layout || q->mqd_size != layout->size ||
	    (q->ctl_size && (!layout->ctl_stack || q->ctl_size > q->ctl_stack_size)))
		return;
	for (xcc = 0; xcc < q->xccs; xcc++)
		if (kfd_criu_mqd_check(layout, kfd_criu_queue_mqd(q, xcc), q, stack))
			return;
	for (xcc = 0; xcc < q->xccs; xcc++)
		load_progress(layout, kfd_criu_queue_mqd(q, xcc), q, stack,
			      compute ? gen->compute : gen->sdma,
			      compute ? ARRAY_SIZE(gen->compute) : ARRAY_SIZE(gen->sdma));
}

static u32 count_bits(const u32 *masks)
{
	u32 i, n = 0;

	for (i = 0; i < KFD_CRIU_DIE_ENGINES; i++)
		n += hweight32(masks[i]);
	return n;
}

/* The CU mask of a queue, on each GPU of the image as if it were the one that is here. */
static void move_cu_masks(const struct kfd_criu_image *img, const struct kfd_criu_queue_record *q,
			  const struct generation *gen)
{
	const struct kfd_criu_die_record *from = &img->dies[q->device], *to;
	struct kfd_node node = { .gc_version = gen->gc_version };
	const struct kfd_criu_mqd_layout *layout = kfd_criu_mqd_layout(&node, q->type);
	u32 old[KFD_CRIU_DIE_ENGINES], masks[KFD_CRIU_DIE_ENGINES], i, xcc;

	if (!layout || q->mqd_size != layout->size)
		return;
	for (xcc = 0; xcc < q->xccs; xcc++) {
		kfd_criu_mqd_busy(layout, kfd_criu_queue_mqd(q, xcc), q->ctl_stack_size);
		kfd_criu_mqd_get_cu_mask(layout, kfd_criu_queue_mqd(q, xcc), old);
		for (i = 0; i < img->num_devices; i++) {
			u32 *mqd = copy(kfd_criu_queue_mqd(q, xcc), layout->size);

			to = &img->dies[i];
			MUST(kfd_criu_die_same_cus(from, to) ==
			     (from->engines == to->engines && from->arrays == to->arrays &&
			      !memcmp(from->cus, to->cus, sizeof(to->cus))));
			memcpy(masks, old, sizeof(masks));
			if (kfd_criu_die_translate(from, to, gen->gc_version, xcc, masks)) {
				/* WGPs are whole, whatever the image says */
				MUST(count_bits(masks) <= 2 * count_bits(old));
				MUST(gen->gc_version >= IP_VERSION(10, 0, 0) || from != to ||
				     !memcmp(masks, old, sizeof(masks)));
				kfd_criu_mqd_set_cu_mask(layout, mqd, masks);
			}
			free(mqd);
		}
	}
}

static void restore_queues(const struct kfd_criu_image *img)
{
	const struct kfd_criu_queue_record *q;
	void *stack;
	u32 i, xcc;

	for (q = first_queue(img); q; q = kfd_criu_image_next_queue(img, q)) {
		for (i = 0; i < ARRAY_SIZE(generations); i++) {
			restore_queue(img, q, &generations[i]);
			if (img->dies)
				move_cu_masks(img, q, &generations[i]);
		}
		for (xcc = 0; q->ctl_size && xcc < q->xccs; xcc++) {
			stack = copy(kfd_criu_queue_ctl_stack(q, xcc), q->ctl_size);
			free(stack);
		}
	}
}

/* --- the image in words --- */

static struct task_struct task = { .pid = 4194304 };
static struct kfd_process process = { .lead_thread = &task };
static struct kfd_criu_process state = { .process = &process };
static char words[SZ_64K];

static void show(void)
{
	struct seq_file m = { .buf = words, .size = sizeof(words), .private = &state };

	MUST(!state.dentry->fops->show(&m, NULL));
	MUST(m.count);
}

/* The arguments are those of RESTORE: they have to say the same as the image. */
static void use_buckets(struct input *in, const struct kfd_criu_image *img)
{
	u32 i;

	if (in->call.num_devices != img->num_devices || in->call.num_bos != img->num_bos ||
	    in->call.num_objects != img->num_queues + img->num_events + img->num_ranges)
		return;
	count(CONSISTENT);
	for (i = 0; i < img->num_bos; i++) {
		struct kfd_criu_bo_bucket bucket = in->bos[i];
		u32 crc = kfd_criu_bucket_crc(&bucket);

		/* What may differ from CHECKPOINT to RESTORE, and what may not. */
		bucket.offset++;
		bucket.restored_offset++;
		bucket.dmabuf_fd++;
		MUST(kfd_criu_bucket_crc(&bucket) == crc);
		bucket.size ^= BIT_ULL(i % 64);
		MUST(kfd_criu_bucket_crc(&bucket) != crc);
	}
	state.image = *img;
	state.image_buf = in->image;
	state.buckets = in->bos;
	show();
	state.image_buf = NULL;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	bool version_1;
	struct input in;
	struct opened o;
	size_t written;

	if (!take_input(&in, data, size))
		return 0;

	version_1 = is_version_1(&in);
	fuzz_page_size = in.call.chance / 8 % 8 ? SZ_4K : SZ_64K;
	/* A failed allocation is an error that is told, and the next try is as the first. */
	fuzz_fail_nth(in.call.chance % 8);
	open_image(&in, &o);
	MUST(fuzz_has_failed() == (o.err == -ENOMEM));
	fuzz_fail_nth(0);
	if (o.err == -ENOMEM) {
		count(NO_MEMORY);
		open_image(&in, &o);
	}
	count_image(&o, version_1);

	/* What has become of version 1 is an image like any other. */
	if (!is_version_1(&in)) {
		open_again(&in, &o);
		finish_as_opened(in.image, in.size, &o);
	}
	if (!o.err) {
		check_contract(&o.img);
		restore_queues(&o.img);
		use_buckets(&in, &o.img);
		written = write_again(&o.img);
		write_short(&o.img, in.call.chance % written);
		write_version_1(&o.img);
	}
	free(in.image);
	free(in.bos);
	free(in.devices);
	MUST(!fuzz_outstanding());
	return 0;
}

/* Sizes that are refused before a byte is read: nothing can be read here. */
static void check_limits(void)
{
	const size_t size = KFD_CRIU_IMAGE_MAX + 1;
	void *none = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			  0);
	struct kfd_criu_complaint why;
	struct kfd_criu_image img;
	size_t new_size;
	void *new;

	MUST(none != MAP_FAILED);
	MUST(kfd_criu_image_open(&img, none, size, &why) == -EMSGSIZE && why.what);
	MUST(kfd_criu_v1_read(none, size, NULL, 1, NULL, 0, 0, &new, &new_size, &why) ==
	     -EMSGSIZE && why.what);
	munmap(none, size);
}

/* Who calls these has asked before: the version, and the type of queue. */
static void check_callers(void)
{
	const u64 version_2 = KFD_CRIU_IMAGE_VERSION;
	struct kfd_node node = { .gc_version = IP_VERSION(9, 4, 3) };
	struct kfd_criu_complaint why;
	size_t size;
	void *new;

	MUST(kfd_criu_v1_read(&version_2, sizeof(version_2), NULL, 1, NULL, 0, 0, &new, &size,
			      &why) == -EPROTONOSUPPORT && why.what);
	MUST(!kfd_criu_mqd_layout(&node, KFD_CRIU_QUEUE_SDMA + 1));
}

/* A process' file comes once, however often it is added, and goes. */
static void check_file(void)
{
	struct kfd_criu_process other = { .process = &process };

	kfd_criu_show_init();
	kfd_criu_show_add(&state);
	MUST(state.dentry && !strcmp(state.dentry->name, "4194304"));
	kfd_criu_show_add(&other);
	MUST(!other.dentry);
	show();
	MUST(!strcmp(words, "no image\n"));
	kfd_criu_show_remove(&state);
	kfd_criu_show_exit();
	kfd_criu_show_init();
	kfd_criu_show_add(&state);
}

static void map_counters(const char *path)
{
	size_t size = COUNTERS * sizeof(*counters);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	MUST(fd >= 0 && !ftruncate(fd, size));
	counters = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(counters != MAP_FAILED);
	close(fd);
}

static void print_counters(void)
{
	static const char * const names[COUNTERS] = {
		[IMAGES] = "images",
		[VERSION_1] = "version_1",
		[VERIFIED] = "verified",
		[ACCEPTED] = "accepted",
		[ACCEPTED_VERSION_1] = "accepted_version_1",
		[CONSISTENT] = "consistent",
		[WRITTEN_VERSION_1] = "written_version_1",
		[MQDS] = "mqds",
		[INVALID] = "EINVAL",
		[EXISTS] = "EEXIST",
		[UNKNOWN] = "EPROTONOSUPPORT",
		[NO_MEMORY] = "ENOMEM",
	};
	u32 i;

	for (i = 0; i < COUNTERS; i++)
		printf("%s=%llu\n", names[i], counters[i]);
}

/**
 * LLVMFuzzerInitialize - what libFuzzer calls first
 * @argc: words of the command line
 * @argv: with one more option: "-seeds=<folder>" writes images into it, and "-counters"
 *	prints what was counted, both instead of fuzzing
 */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *path = getenv("KFD_FUZZ_COUNTERS");

	if (path)
		map_counters(path);
	if (*argc == 2 && !strncmp((*argv)[1], "-seeds=", 7)) {
		seeds_write((*argv)[1] + 7);
		exit(0);
	}
	if (*argc == 2 && !strcmp((*argv)[1], "-counters") && counters) {
		print_counters();
		exit(0);
	}
	check_limits();
	check_callers();
	check_file();
	return 0;
}
