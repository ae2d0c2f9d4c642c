// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint and restore of GPU processes: what must be refused is refused,
 * with the errno that says why, and leaves no trace; damaged and forged images
 * first of all.  The process that was refused can go on, or try again.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <sys/resource.h>
#define CRIU_ROWS		criu_refuse_rows
#include "kfd_criu_fresh.h"
#include "kfd_criu_log.h"

/* --- why --- */

#define TRACE_REFUSE	TRACE_EVENTS "/kfd_criu_refuse/enable"

/*
 * Can a refusal be told from another one?  The stock code has no tracepoint, and one errno for
 * most of what it refuses.
 */
static bool tells_why(void)
{
	return traces() && !criu_stock_code();
}

/* The one refusal since the trace was emptied. */
static int said_because(struct ctx *c, int err, const char *why, const char *what)
{
	char reason[96], error[16];

	snprintf(reason, sizeof(reason), ": %s (found ", why);
	snprintf(error, sizeof(error), " err=%d\n", err);
	NEED(c, lines_with(TRACING "/trace", reason, error) == 1,
	     "the trace does not say \"%s\": %s", why, what);
	NEED(c, lines_with(TRACING "/trace", "kfd_criu_refuse: ", "") == 1,
	     "the trace has more than one reason: %s", what);
	return 0;
}

/* An attempt that is refused with this errno, for this reason and no other. */
static int attempt_because(struct ctx *c, struct kfd_image *bad, int err, const char *why,
			   const char *what)
{
	if (tells_why())
		kfd_write_text(TRACING "/trace", "");
	if (attempt(c, bad, criu_stock_code() ? 0 : err, what))
		return -1;
	return tells_why() ? said_because(c, err, why, what) : 0;
}

/* As refused(), with the reasons in the trace. */
static void refused_because(struct scene *s, struct snap *before, call_fn attempts)
{
	SETUP(!tells_why() || !kfd_write_text(TRACE_REFUSE, "1"), "no tracepoint for refusals");
	refused(s, before, attempts);
	if (tells_why())
		kfd_write_text(TRACE_REFUSE, "0");
}

/* --- RESTORE of damaged images --- */

enum damage {
	SHORT_IMAGE, LONG_IMAGE, FEWER_BOS, FEWER_OBJECTS, MORE_OBJECTS, WRONG_VERSION,
	UNKNOWN_GPU, SAME_GPU_TWICE, BAD_RENDER_FD, UNKNOWN_BO_GPU, FEWER_DEVICES
};

static const struct {
	int err;
	const char *why;
} damages[] = {
	[SHORT_IMAGE] = { -EINVAL, "image of another size than its header says" },
	[LONG_IMAGE] = { -EINVAL, "image of another size than its header says" },
	[FEWER_BOS] = { -EINVAL, "number of BOs" },
	[FEWER_OBJECTS] = { -EINVAL, "number of objects" },
	[MORE_OBJECTS] = { -EINVAL, "number of objects" },
	[WRONG_VERSION] = { -EPROTONOSUPPORT, "unknown version" },
	[UNKNOWN_GPU] = { -ENODEV, "no such GPU here" },
	[SAME_GPU_TWICE] = { -ENODEV, "no bucket for it" },
	[BAD_RENDER_FD] = { -EBADF, "not a render node of amdgpu" },
	[UNKNOWN_BO_GPU] = { -EINVAL, "bucket names another GPU" },
	[FEWER_DEVICES] = { -EINVAL, "number of devices" },
};

/* With the arguments as they are: kfd_criu_restore() would put GPUs and nodes right. */
static int raw_restore(struct ctx *c, struct kfd_ioctl_criu_args *args)
{
	args->op = KFD_CRIU_OP_RESTORE;
	return ioctl(c->k.fd, AMDKFD_IOC_CRIU_OP, args) ? -errno : 0;
}

/* RESTORE of an image with one thing wrong, and all else as it has to be. */
static int restore_damaged(struct ctx *c, enum damage what, int *result)
{
	struct kfd_ioctl_criu_args args;
	struct kfd_image bad;
	struct kfd k;

	NEED(c, img_copy(&bad, &c->s->img), "memory");
	TRY(c, kfd_criu_restore_open(&k, &bad, straight));
	switch (what) {
	case SHORT_IMAGE:
		bad.info.priv_data_size -= 8;
		break;
	case LONG_IMAGE:
		bad.info.priv_data_size += 64;
		break;
	case FEWER_BOS:
		bad.info.num_bos--;
		break;
	case FEWER_OBJECTS:
		bad.info.num_objects--;
		break;
	case MORE_OBJECTS:
		bad.info.num_objects++;
		break;
	case WRONG_VERSION:
		img_put32(bad.priv + IMG_VERSION, ~img_get32(bad.priv + IMG_VERSION));
		break;
	case UNKNOWN_GPU:
		bad.devices[0].actual_gpu_id = 1;
		break;
	case SAME_GPU_TWICE:
		bad.devices[1].user_gpu_id = bad.devices[0].user_gpu_id;
		break;
	case BAD_RENDER_FD:
		bad.devices[0].drm_fd = 0x7fff;
		break;
	case UNKNOWN_BO_GPU:
		bad.bos[0].gpu_id = ~bad.bos[0].gpu_id;
		break;
	case FEWER_DEVICES:
		bad.info.num_devices--;
		break;
	}
	kfd_criu_restore_args(&bad, &args);
	*result = raw_restore(c, &args);
	kfd_close(&k);
	img_drop(&bad);
	return 0;
}

static int call_damaged(struct ctx *c)
{
	unsigned int fds = open_fds(), what = c->arg[0];
	int r;

	if (tells_why())
		kfd_write_text(TRACING "/trace", "");
	if (restore_damaged(c, what, &r))
		return -1;
	NEED(c, r, "RESTORE of a damaged image succeeds");
	NEED(c, open_fds() == fds, "the failed RESTORE left %s: %d", last_fd_kind(),
	     (int)(open_fds() - fds));
	NEED(c, criu_stock_code() || r == damages[what].err, "RESTORE says %s, not %s",
	     strerror(-r), strerror(-damages[what].err));
	return tells_why() ? said_because(c, r, damages[what].why, "a damaged image") : 0;
}

static void damaged_row(struct scene *s, enum damage damage)
{
	FRESH();
	DST->c.arg[0] = damage;
	refused_because(s, &before, call_damaged);
}

ROW(restore_short_image, S_NO_SIGNALS)
{
	damaged_row(s, SHORT_IMAGE);
}

ROW(restore_long_image, S_NO_SIGNALS)
{
	damaged_row(s, LONG_IMAGE);
}

ROW(restore_fewer_bos, S_NO_SIGNALS)
{
	damaged_row(s, FEWER_BOS);
}

ROW(restore_fewer_objects, S_NO_SIGNALS)
{
	damaged_row(s, FEWER_OBJECTS);
}

ROW(restore_more_objects, S_NO_SIGNALS)
{
	damaged_row(s, MORE_OBJECTS);
}

ROW(restore_fewer_devices, S_NO_SIGNALS)
{
	damaged_row(s, FEWER_DEVICES);
}

ROW(restore_wrong_version, S_NO_SIGNALS)
{
	damaged_row(s, WRONG_VERSION);
}

ROW(restore_unknown_gpu, S_NO_SIGNALS)
{
	damaged_row(s, UNKNOWN_GPU);
}

ROW(restore_same_gpu_twice, S_NO_SIGNALS)
{
	damaged_row(s, SAME_GPU_TWICE);
}

ROW(restore_bad_render_fd, S_NO_SIGNALS)
{
	damaged_row(s, BAD_RENDER_FD);
}

ROW(restore_bo_of_unknown_gpu, S_NO_SIGNALS)
{
	damaged_row(s, UNKNOWN_BO_GPU);
}

/* A count that no image can hold. */
static int call_huge(struct ctx *c)
{
	struct kfd_image bad = c->s->img;

	bad.info.num_bos = 0x7fffffff;
	if (attempt_because(c, &bad, -EINVAL, "more BOs than fit into it", "two billion BOs"))
		return -1;
	bad = c->s->img;
	bad.info.num_objects = 0x7fffffff;
	if (attempt_because(c, &bad, -EINVAL, "number of objects", "two billion objects"))
		return -1;
	bad = c->s->img;
	bad.info.priv_data_size = 1ULL << 62;
	return attempt_because(c, &bad, -EMSGSIZE, "too large", "an image of exabytes");
}

ROW(restore_huge_count, S_NO_SIGNALS)
{
	FRESH();
	refused_because(s, &before, call_huge);
}

/* --- RESTORE that runs out of something half way --- */

/* Descriptors that may still be opened below a limit. */
static void limit_descriptors(unsigned int more)
{
	struct rlimit limit;
	unsigned int fd;

	getrlimit(RLIMIT_NOFILE, &limit);
	for (fd = 0; more; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			more--;
	limit.rlim_cur = fd;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void unlimit_descriptors(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* BOs that come with a descriptor. */
static unsigned int contents_bos(const struct kfd_image *img)
{
	unsigned int i, n = 0;

	for (i = 0; i < img->info.num_bos; i++)
		n += !!(img->bos[i].alloc_flags & (KFD_IOC_ALLOC_MEM_FLAGS_VRAM |
						   KFD_IOC_ALLOC_MEM_FLAGS_GTT));
	return n;
}

/* The restore needs one for each BO with contents, and ends at the first, in the middle, last. */
static int call_no_descriptors(struct ctx *c)
{
	unsigned int n = contents_bos(&c->s->img), fds = open_fds(), i, left;
	unsigned int have[3] = { 0, n / 2, n - 1 };
	struct kfd k;
	int r;

	for (i = 0; i < 3; i++) {
		/* /dev/kfd and two render nodes come first */
		limit_descriptors(3 + have[i]);
		r = kfd_criu_restore(&k, &c->s->img, straight);
		unlimit_descriptors();
		left = open_fds();
		NEED(c, r, "RESTORE succeeds with %u of %u descriptors", have[i], n);
		NEED(c, left == fds, "the failed RESTORE left %s: %d", last_fd_kind(),
		     (int)(left - fds));
		NEED(c, r == -EMFILE, "RESTORE without descriptors: %s", strerror(-r));
	}
	return 0;
}

ROW(restore_without_descriptors, 0)
{
	FRESH();
	refused(s, &before, call_no_descriptors);
}

/* More than are made and mapped at the same time, on one GPU, the other, and both. */
#define MORE_BOS	100
#define MORE_VA(i)	(0x1000000000ULL + (uint64_t)(i) * KFD_PAGE)

static int call_more_bos(struct ctx *c)
{
	struct kfd_bo bo;
	unsigned int i;

	for (i = 0; i < MORE_BOS; i++)
		TRY(c, kfd_bo_create(&c->k, &bo, i % 2, MORE_VA(i), KFD_PAGE,
				     i % 5 ? KFD_BO_VRAM : KFD_BO_GTT, 1 + i % 3));
	return 0;
}

ROW(restore_fails_after_many_bos, 0)
{
	struct snap before;

	if (!fresh_with(s, &before, call_more_bos))
		return;
	refused(s, &before, call_no_descriptors);
}

/* The last step that can fail: the caller's memory takes no answer. */
static int call_readonly_buckets(struct ctx *c)
{
	struct kfd_image bad = c->s->img;
	uint64_t size = bad.info.num_bos * sizeof(*bad.bos);
	int r;

	bad.bos = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(c, bad.bos != MAP_FAILED, "memory");
	memcpy(bad.bos, c->s->img.bos, size);
	mprotect(bad.bos, size, PROT_READ);
	r = attempt(c, &bad, -EFAULT, "read-only buckets");
	munmap(bad.bos, size);
	return r;
}

ROW(restore_to_readonly_buckets, 0)
{
	FRESH();
	refused(s, &before, call_readonly_buckets);
}

/* Twenty times the same, so that a leak of any kind adds up. */
static int call_fail_often(struct ctx *c)
{
	unsigned int i;

	for (i = 0; i < 20; i++)
		if (call_readonly_buckets(c))
			return -1;
	return 0;
}

ROW(restore_fails_often, 0)
{
	FRESH();
	refused(s, &before, call_fail_often);
}

/* --- errnos: what a caller is told --- */

#define CALL_FORGED(name, error, why, ...)				\
	static int call_##name(struct ctx *c)				\
	{								\
		struct kfd_image bad;					\
		int r;							\
									\
		NEED(c, img_copy(&bad, &c->s->img), "memory");		\
		__VA_ARGS__						\
		r = attempt(c, &bad, error, why);			\
		img_drop(&bad);						\
		return r;						\
	}								\
									\
	ROW(name, 0)							\
	{								\
		FRESH();						\
		refused(s, &before, call_##name);			\
	}

CALL_FORGED(errno_image_too_large, -EMSGSIZE, "an image of more than 256 MiB",
	    bad.info.priv_data_size = IMG_MAX + 1;)

CALL_FORGED(errno_unknown_version, -EPROTONOSUPPORT, "version 77",
	    img_put32(bad.priv + IMG_VERSION, 77);)

CALL_FORGED(errno_truncated, -EINVAL, "8 bytes less",
	    bad.info.priv_data_size -= 8;)

CALL_FORGED(errno_no_version_1, -EINVAL, "version 1, of which only that is there",
	    img_put32(bad.priv + IMG_VERSION, 1);)

/* No memory is there, and none can be mapped. */
#define BAD_ADDRESS		8
/* One more than there are bits in a mask of GPUs. */
#define TOO_MANY_GPUS		65

static int call_bad_arguments(struct ctx *c)
{
	struct kfd_ioctl_criu_args good, args;
	int r;

	kfd_criu_restore_args(&c->s->img, &good);
	/* refused before it looks for them */
	args = good;
	args.devices = BAD_ADDRESS;
	args.num_devices = TOO_MANY_GPUS;
	r = raw_restore(c, &args);
	NEED(c, r == -EINVAL, "RESTORE with 65 GPUs says %s", strerror(-r));
	args = good;
	args.devices = BAD_ADDRESS;
	r = raw_restore(c, &args);
	NEED(c, r == -EFAULT, "RESTORE with GPUs from nowhere says %s", strerror(-r));
	args = good;
	args.bos = BAD_ADDRESS;
	r = raw_restore(c, &args);
	NEED(c, r == -EFAULT, "RESTORE with BOs from nowhere says %s", strerror(-r));
	args = good;
	args.priv_data = BAD_ADDRESS;
	r = raw_restore(c, &args);
	NEED(c, r == -EFAULT, "RESTORE of an image from nowhere says %s", strerror(-r));
	return 0;
}

ROW(errno_bad_arguments, 0)
{
	FRESH();
	refused(s, &before, call_bad_arguments);
}

/* One that does not need a GPU: all else that RESTORE has to look for, it would see first. */
static int call_with_event(struct ctx *c)
{
	struct kfd_event ev;
	int r;

	TRY(c, kfd_event_create(&c->k, &ev, KFD_IOC_EVENT_MEMORY, true, NULL));
	r = attempt(c, &c->s->img, -EBUSY, "to a process with an event");
	TRY(c, kfd_event_destroy(&c->k, &ev));
	return r;
}

ROW(errno_process_with_event, 0)
{
	FRESH();
	refused(s, &before, call_with_event);
}

/* The process has gone, its number is nobody's. */
ROW(errno_resume_of_nobody, 0)
{
	int fd = open("/dev/kfd", O_RDWR | O_CLOEXEC), r;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	SETUP(fd >= 0 && pid > 0 && waitpid(pid, NULL, 0) == pid, "no process");
	r = kfd_criu_resume(fd, pid);
	close(fd);
	CHECK(r == -ESRCH, "RESUME of nobody says %s", strerror(-r));
}

static int open_node(struct ctx *c, unsigned int gpu)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/dri/renderD%d", c->s->here.gpu[gpu].render_minor);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Another process that has acquired the VM of a render node; 0: it could not. */
static pid_t use_node(int drm_fd, uint32_t gpu_id)
{
	struct kfd_ioctl_acquire_vm_args args = { .drm_fd = drm_fd, .gpu_id = gpu_id };
	int fd, done[2];
	char c = 1;
	pid_t pid;

	if (pipe(done))
		return 0;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
		c = !!ioctl(fd, AMDKFD_IOC_ACQUIRE_VM, &args);
		if (write(done[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	close(done[1]);
	if (pid < 0 || read(done[0], &c, 1) != 1 || c) {
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		pid = 0;
	}
	close(done[0]);
	return pid;
}

enum wrong_device { GPU_TWICE, OTHER_NODE, NO_NODE, NO_GPU, USED_NODE };

static int wrong_devices(struct ctx *c, enum wrong_device how, int err)
{
	struct kfd_criu_device_bucket d[KFD_MAX_GPUS];
	struct kfd_ioctl_criu_args args;
	struct kfd *here = &c->s->here;
	unsigned int fds = open_fds(), g;
	pid_t user = 0;
	int r;

	memcpy(d, c->s->img.devices, c->s->img.info.num_devices * sizeof(*d));
	for (g = 0; g < 2; g++) {
		d[g].actual_gpu_id = here->gpu[g].gpu_id;
		d[g].drm_fd = open_node(c, g);
	}
	switch (how) {
	case GPU_TWICE:
		d[1].actual_gpu_id = d[0].actual_gpu_id;
		break;
	case OTHER_NODE:
		r = d[0].drm_fd;
		d[0].drm_fd = d[1].drm_fd;
		d[1].drm_fd = r;
		break;
	case NO_NODE:
		close(d[1].drm_fd);
		d[1].drm_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		break;
	case NO_GPU:
		d[1].actual_gpu_id = 1;
		break;
	case USED_NODE:
		user = use_node(d[1].drm_fd, d[1].actual_gpu_id);
		NEED(c, user, "another process does not get the VM");
		break;
	}
	kfd_criu_restore_args(&c->s->img, &args);
	args.devices = (uintptr_t)d;
	r = raw_restore(c, &args);
	if (user) {
		kill(user, SIGKILL);
		waitpid(user, NULL, 0);
	}
	close(d[0].drm_fd);
	close(d[1].drm_fd);
	NEED(c, r, "RESTORE succeeds");
	NEED(c, open_fds() == fds, "the failed RESTORE left %s: %d", last_fd_kind(),
	     (int)(open_fds() - fds));
	NEED(c, r == err, "RESTORE says %s, not %s", strerror(-r), strerror(-err));
	return 0;
}

#define WRONG_DEVICE(name, how, err)					\
	static int call_##name(struct ctx *c)				\
	{								\
		return wrong_devices(c, how, err);			\
	}								\
									\
	ROW(name, 0)							\
	{								\
		FRESH();						\
		refused(s, &before, call_##name);			\
	}

WRONG_DEVICE(errno_gpu_named_twice, GPU_TWICE, -EEXIST)
WRONG_DEVICE(errno_node_of_other_gpu, OTHER_NODE, -EBADF)
WRONG_DEVICE(errno_no_render_node, NO_NODE, -EBADF)
WRONG_DEVICE(errno_unknown_gpu, NO_GPU, -ENODEV)
WRONG_DEVICE(errno_node_in_use, USED_NODE, -EBUSY)

/*
 * The image of a process that has used no GPU is made to know the first alone, by the id
 * that the second one has in the process.
 */
static int call_id_of_other_gpu(struct ctx *c)
{
	struct kfd_image bad;
	uint8_t *dev;
	int r;

	NEED(c, img_copy(&bad, &c->s->img), "memory");
	bad.devices[0].user_gpu_id = bad.devices[1].user_gpu_id;
	dev = img_entry(&bad, IMG_DEVICES, 0);
	NEED(c, dev && bad.info.num_devices >= 2, "the image has no two GPUs");
	img_put32(dev + DEV_ID, bad.devices[0].user_gpu_id);
	img_put32(dev - REC_HEADER + REC_COUNT, 1);
	img_resize(&bad, IMG_DEVICES, 0, img_get32(dev - REC_HEADER + REC_STRIDE));
	img_seal(&bad);
	bad.info.num_devices = 1;
	r = attempt(c, &bad, -EEXIST, "an id that another GPU has");
	img_drop(&bad);
	return r;
}

ROW(errno_id_of_other_gpu, 0)
{
	SETUP(!spawn(s, SRC) && !call(SRC, call_open_fresh) && !dump(s, SRC) && !reap(SRC),
	      "the image of a process without a VM");
	REQUIRE_V2(s);
	SETUP(!spawn(s, DST) && !call(DST, call_open_fresh), "a fresh process");
	CHECK(!call(DST, call_id_of_other_gpu), "RESTORE");
	CHECK(!reap(DST) && !restore(s, SRC, DST, false), "the honest image");
}

/* --- forged images --- */

/**
 * struct forgery - a field of an image that says something else
 * @what: for people
 * @type: the record's type, 0 for the header of the image
 * @entry: which entry; of queues: 0 the AQL queue, 1 the SDMA queue
 * @at: offset; negative: in the record's header, at this + 16
 * @size: 4 or 8 bytes, or 2
 * @value: what it says then
 * @err: the errno
 * @why: what the tracepoint says of it
 */
struct forgery {
	const char *what;
	unsigned int type, entry;
	int at;
	unsigned int size;
	uint64_t value;
	int err;
	const char *why;
};

static uint8_t *forged_field(struct kfd_image *img, const struct forgery *f)
{
	uint8_t *p;

	if (!f->type)
		return img->priv + f->at;
	if (f->type == IMG_QUEUE)
		p = f->entry ? img_queue(img, 1, 0) : img_queue(img, 0, 1);
	else
		p = img_entry(img, f->type, f->entry);
	return p ? p + f->at : NULL;
}

static int attempt_forgeries(struct ctx *c, const struct forgery *f, unsigned int n)
{
	struct kfd_image bad;
	uint8_t *p;
	int r = 0;

	for (; n && !r; n--, f++) {
		NEED(c, img_copy(&bad, &c->s->img), "memory");
		p = forged_field(&bad, f);
		NEED(c, p, "the image has nothing to forge: %s", f->what);
		memcpy(p, &f->value, f->size);
		img_seal(&bad);
		r = attempt_because(c, &bad, f->err, f->why, f->what);
		img_drop(&bad);
	}
	return r;
}

/* @n: how many there are in @list */
#define FORGERY_ROW(name, list, n)					\
	static int call_##name(struct ctx *c)				\
	{								\
		return attempt_forgeries(c, list, n);			\
	}								\
									\
	ROW(name, 0)							\
	{								\
		FRESH();						\
		REQUIRE_V2(s);						\
		refused_because(s, &before, call_##name);		\
	}

static const struct forgery headers[] = {
	{ "another magic number", 0, 0, IMG_MAGIC_AT, 4, 0x12345678, -EINVAL,
	  "wrong magic number" },
	{ "a larger size", 0, 0, IMG_SIZE, 8, 1 << 20, -EINVAL,
	  "image of another size than its header says" },
	{ "a larger header", 0, 0, IMG_HEADER_SIZE, 4, 56, -EINVAL, "header of another size" },
	{ "more records", 0, 0, IMG_RECORDS, 4, 77, -EINVAL,
	  "fewer records than the header says" },
	{ "no records", 0, 0, IMG_RECORDS, 4, 0, -EINVAL, "bytes behind the last record" },
	{ "an unknown feature", 0, 0, IMG_REQUIRED, 8, 1ULL << 63, -EPROTONOSUPPORT,
	  "unknown feature required" },
	{ "a record of type 0", IMG_PROCESS, 0, REC_TYPE - REC_HEADER, 2, 0, -EINVAL,
	  "record without a type" },
	{ "an unknown record", IMG_EVENTS, 0, REC_TYPE - REC_HEADER, 2, 99, -EPROTONOSUPPORT,
	  "unknown record required" },
	{ "a table of events as one of GPUs", IMG_EVENTS, 0, REC_TYPE - REC_HEADER, 2, IMG_DEVICES,
	  -EINVAL, "record with entries of another size" },
	{ "a record behind the end", IMG_EVENTS, 0, REC_SIZE - REC_HEADER, 4, 0xfffffff8, -EINVAL,
	  "record leaves the image" },
	{ "four billion entries", IMG_BOS, 0, REC_COUNT - REC_HEADER, 4, 0xffffffff, -EINVAL,
	  "record shorter than its entries" },
	{ "entries of no size", IMG_BOS, 0, REC_STRIDE - REC_HEADER, 4, 0, -EINVAL,
	  "record with entries of unaligned size" },
};

FORGERY_ROW(hostile_header_refused, headers, ARRAY_SIZE(headers))

static const struct forgery generations[] = {
	{ "GFX 15.3", IMG_DEVICES, GPU_A, DEV_GC_VERSION, 4, 0x0f030000, -EXDEV, "GC version" },
	{ "SDMA 15.2", IMG_DEVICES, GPU_B, DEV_SDMA_VERSION, 4, 0x0f020000, -EXDEV,
	  "SDMA version" },
	{ "nine XCCs", IMG_DEVICES, GPU_A, DEV_XCC_COUNT, 4, 9, -EXDEV, "number of XCCs" },
	{ "three CUs", IMG_DEVICES, GPU_B, DEV_CU_COUNT, 4, 3, -EXDEV, "number of CUs" },
	{ "nine partitions", IMG_DEVICES, GPU_B, DEV_PARTITIONS, 4, 9, -EXDEV,
	  "number of partitions" },
	{ "another MEC firmware", IMG_DEVICES, GPU_A, DEV_MEC_INTERFACE, 4, 0x7fff, -EXDEV,
	  "MEC firmware interface" },
	{ "another SDMA firmware", IMG_DEVICES, GPU_B, DEV_SDMA_INTERFACE, 4, 0x7fff, -EXDEV,
	  "SDMA firmware interface" },
};

FORGERY_ROW(image_of_other_generation_refused, generations, ARRAY_SIZE(generations))

/* The first two GPUs change places, with SDMA queues on them. */
static int call_other_partition(struct ctx *c)
{
	static const unsigned int crossed[KFD_MAX_GPUS] = { 1, 0, 2, 3, 4, 5, 6, 7 };
	unsigned int fds = open_fds();
	struct kfd k;
	int r = kfd_criu_restore(&k, &c->s->img, crossed);

	NEED(c, r == -EXDEV, "RESTORE says %s", strerror(-r));
	NEED(c, open_fds() == fds, "the failed RESTORE left %s: %d", last_fd_kind(),
	     (int)(open_fds() - fds));
	return 0;
}

ROW(sdma_queue_on_other_partition_refused, 0)
{
	REQUIRE(s->here.gpu[0].gfx_version == s->here.gpu[1].gfx_version &&
		s->here.gpu[0].partition != s->here.gpu[1].partition, "no partitions");
	FRESH();
	refused(s, &before, call_other_partition);
}

static const struct forgery queue_types[] = {
	{ "the kernel's HIQ", IMG_QUEUE, 0, Q_TYPE, 4, 2, -EINVAL, "queue of unknown type" },
	{ "the kernel's DIQ", IMG_QUEUE, 0, Q_TYPE, 4, 3, -EINVAL, "queue of unknown type" },
	{ "a type that does not exist", IMG_QUEUE, 0, Q_TYPE, 4, 6, -EINVAL,
	  "queue of unknown type" },
	{ "a type that overflows", IMG_QUEUE, 0, Q_TYPE, 4, 0xffffffff, -EINVAL,
	  "queue of unknown type" },
	{ "a format that does not exist", IMG_QUEUE, 0, Q_FORMAT, 4, 7, -EINVAL,
	  "queue of unknown format" },
	{ "an SDMA queue as HIQ", IMG_QUEUE, 1, Q_TYPE, 4, 2, -EINVAL, "queue of unknown type" },
};

FORGERY_ROW(hostile_queue_type_refused, queue_types, ARRAY_SIZE(queue_types))

#define IN_THE_KERNEL		0xffff888000000000ULL

static const struct forgery queue_fields[] = {
	{ "a GPU that is not there", IMG_QUEUE, 0, Q_DEVICE, 4, 63, -EINVAL,
	  "queue of a device that is not there" },
	{ "a queue id too large", IMG_QUEUE, 0, Q_ID, 4, 1 << 20, -EINVAL,
	  "queue with an id that none can have" },
	{ "a doorbell too large", IMG_QUEUE, 0, Q_DOORBELL, 4, 1 << 20, -EINVAL,
	  "queue with a doorbell that none can have" },
	{ "a ring of 3000 bytes", IMG_QUEUE, 0, Q_RING_SIZE, 8, 3000, -EINVAL,
	  "ring buffer of a size that none can have" },
	{ "a ring of a terabyte", IMG_QUEUE, 0, Q_RING_SIZE, 8, 1ULL << 40, -EINVAL,
	  "ring buffer of a size that none can have" },
	{ "a ring where there is no BO", IMG_QUEUE, 0, Q_RING, 8, 0x100000, -EINVAL,
	  "can't be created" },
	{ "a ring in the kernel", IMG_QUEUE, 0, Q_RING, 8, IN_THE_KERNEL, -EINVAL, "addresses" },
	{ "a read pointer in the kernel", IMG_QUEUE, 0, Q_RPTR, 8, IN_THE_KERNEL, -EINVAL,
	  "addresses" },
	{ "a read pointer elsewhere", IMG_QUEUE, 0, Q_RPTR, 8, SCENE_VA(SLOT_SPARE), -EINVAL,
	  "can't be created" },
	{ "another number of XCCs", IMG_QUEUE, 0, Q_XCCS, 4, 3, -EINVAL,
	  "queue on another number of XCCs than its device has" },
	{ "no XCC", IMG_QUEUE, 0, Q_XCCS, 4, 0, -EINVAL, "queue on no XCC" },
	{ "an MQD of half a word", IMG_QUEUE, 0, Q_MQD_SIZE, 4, 2, -EINVAL,
	  "MQD of a size that none has" },
	{ "a small MQD", IMG_QUEUE, 0, Q_MQD_SIZE, 4, 8, -EINVAL,
	  "MQD of another size than its device has" },
	{ "a huge MQD", IMG_QUEUE, 0, Q_MQD_SIZE, 4, 0xfffffff8, -EINVAL,
	  "MQD of a size that none has" },
	{ "a huge control stack", IMG_QUEUE, 0, Q_CTL_SIZE, 4, 0x7ffffff8, -EINVAL,
	  "more control stack than the queue has" },
	{ "another control stack", IMG_QUEUE, 0, Q_CTL_STACK_SIZE, 4, 0x40000000, -EINVAL,
	  "can't be created" },
	{ "priority 16", IMG_QUEUE, 0, Q_PRIORITY, 4, 16, -EINVAL,
	  "queue of too high a priority" },
	{ "101 percent", IMG_QUEUE, 0, Q_PERCENT, 4, 101, -EINVAL,
	  "queue with too high a percentage" },
	{ "unknown flags", IMG_QUEUE, 0, Q_FLAGS, 4, 0x80000000, -EINVAL,
	  "queue with unknown flags" },
	{ "an SDMA slot too large", IMG_QUEUE, 1, Q_SDMA_ID, 4, 0xffffffff, -EXDEV,
	  "SDMA queue slot" },
};

FORGERY_ROW(hostile_queue_fields_refused, queue_fields, ARRAY_SIZE(queue_fields))

/* Words of MQDs that no queue can have come to. */
#define MQD_WORD(n)		(Q_SIZE + (n) * 4)
#define SDMA_MQD_RPTR		3

static const struct forgery mqds[] = {
	{ "waves behind the control stack", IMG_QUEUE, 0, MQD_WORD(MQD_CTL_STACK_OFFSET), 4,
	  0x7ffc, -EINVAL, "progress that can't be" },
	{ "waves behind the save area", IMG_QUEUE, 0, MQD_WORD(MQD_WG_STATE_OFFSET), 4,
	  0x03fffffc, -EINVAL, "progress that can't be" },
	{ "half a packet", IMG_QUEUE, 1, MQD_WORD(SDMA_MQD_RPTR), 4, 3, -EINVAL,
	  "progress that can't be" },
};

FORGERY_ROW(hostile_mqd_refused, mqds, ARRAY_SIZE(mqds))

/*
 * Whatever else the MQD of an image says: addresses, privileges and VMID are
 * the driver's.  All of these bits are the image's to choose in version 1.
 */
static const struct {
	unsigned int word;
	uint32_t bits;
} driver_words[] = {
	{ MQD_BASE_LO, ~0u }, { MQD_BASE_HI, ~0u }, { MQD_VMID, ~0u },
	/* not whether waves are being restored, are to be launched again, are suspended */
	{ MQD_PERSISTENT, 0x4fffff7f },
	{ MQD_PQ_BASE_LO, ~0u }, { MQD_PQ_BASE_HI, ~0u },
	{ MQD_RPTR_REPORT_LO, ~0u }, { MQD_RPTR_REPORT_HI, ~0u },
	{ MQD_WPTR_POLL_LO, ~0u }, { MQD_WPTR_POLL_HI, ~0u },
	{ MQD_PQ_DOORBELL, ~0u },
	/* not whether the ring is empty, nor carries of its pointers */
	{ MQD_PQ_CONTROL, 0xffff7f3f },
};

ROW(hostile_mqd_has_no_effect, 0)
{
	uint32_t honest[MQD_DWORDS], mqd[MQD_DWORDS], old, bits;
	unsigned int i, word;
	uint8_t *q;

	START();
	SETUP(read_mqd(SRC->pid, honest), "no debugfs of KFD");
	CHECK(!dump(s, SRC) && !reap(SRC), "dump");
	REQUIRE_V2(s);
	q = img_queue(&s->img, 0, 1);
	SETUP(q, "no AQL queue in the image");
	for (i = 0; i < ARRAY_SIZE(driver_words); i++) {
		word = driver_words[i].word;
		bits = driver_words[i].bits;
		old = img_get32(q + MQD_WORD(word));
		img_put32(q + MQD_WORD(word), (old & ~bits) | (0x5a5a5a58 & bits));
	}
	img_seal(&s->img);
	CHECK(!restore(s, SRC, DST, false) && !resume(s, DST), "restore");
	SETUP(read_mqd(DST->pid, mqd), "debugfs");
	for (i = 0; i < ARRAY_SIZE(driver_words); i++) {
		word = driver_words[i].word;
		bits = driver_words[i].bits;
		CHECK((mqd[word] & bits) != (0x5a5a5a58 & bits),
		      "word %u of the MQD is the image's", word);
		/* the MQD's own address may be another one, all else is as it was */
		CHECK(word == MQD_BASE_LO || word == MQD_BASE_HI || word == MQD_VMID ||
		      !((mqd[word] ^ honest[word]) & bits), "word %u of the MQD: %#x became %#x",
		      word, honest[word], mqd[word]);
	}
	CHECK(!call(DST, call_finish_aql_job), "AQL job");
}

static const struct forgery dies[] = {
	{ "another trap handler", IMG_DIES, GPU_B, DIE_HANDLER_CRC, 4, 0x12345678, -EXDEV,
	  "trap handler that has saved waves" },
	{ "a longer trap handler", IMG_DIES, GPU_B, DIE_HANDLER_SIZE, 4, 0x1ffc, -EXDEV,
	  "size of the trap handler that has saved waves" },
	{ "another MEC firmware", IMG_DIES, GPU_B, DIE_MEC_FIRMWARE, 4, 0x7ffff, -EXDEV,
	  "MEC firmware of waves that were saved" },
	{ "no shader engine", IMG_DIES, GPU_B, DIE_ENGINES, 4, 0, -EXDEV,
	  "shader engines of waves that were saved" },
	{ "no shader array", IMG_DIES, GPU_B, DIE_ARRAYS, 4, 0, -EXDEV,
	  "shader arrays of waves that were saved" },
	{ "other CUs", IMG_DIES, GPU_B, DIE_CUS, 4, 0x8000, -EXDEV,
	  "CUs of waves that were saved" },
	{ "nine shader engines", IMG_DIES, GPU_B, DIE_ENGINES, 4, 9, -EINVAL,
	  "die with too many shader engines" },
	{ "three shader arrays", IMG_DIES, GPU_B, DIE_ARRAYS, 4, 3, -EINVAL,
	  "die with too many shader arrays" },
};

static const struct forgery no_dies = {
	"nothing of dies", IMG_DIES, 0, REC_TYPE - REC_HEADER, 2, 99, -EINVAL,
	"saved waves or CU mask of a die that is not told"
};

static const struct forgery mask_of_all = {
	"a CU mask of CUs that are not there", IMG_DIES, GPU_B, DIE_CUS, 4, 1, -EXDEV,
	"CU mask of CUs that the die did not have"
};

static int attempt_die(struct ctx *c, const struct forgery *f, bool waves)
{
	struct kfd_image bad;
	uint8_t *p, *q;
	int r;

	NEED(c, img_copy(&bad, &c->s->img), "memory");
	q = img_queue(&bad, 0, 1);
	p = forged_field(&bad, f);
	NEED(c, q && p, "the image has nothing to forge: %s", f->what);
	if (waves)
		img_put32(q + MQD_WORD(MQD_WG_STATE_OFFSET),
			  img_get32(q + Q_CTL_STACK_SIZE) + 64);
	else
		img_put32(q + Q_FLAGS, img_get32(q + Q_FLAGS) | Q_FLAG_CU_MASK);
	memcpy(p, &f->value, f->size);
	/* a record that nobody knows, and nobody has to */
	if (f == &no_dies) {
		p[REC_FLAGS] |= 1;
		img_put64(bad.priv + IMG_REQUIRED, 0);
	}
	img_seal(&bad);
	r = attempt_because(c, &bad, f->err, f->why, f->what);
	img_drop(&bad);
	return r;
}

static int call_other_die(struct ctx *c)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < ARRAY_SIZE(dies) && !r; i++)
		r = attempt_die(c, &dies[i], true);
	return r ?: attempt_die(c, &no_dies, true) ?: attempt_die(c, &no_dies, false) ?:
	       attempt_die(c, &mask_of_all, false);
}

/* Waves that were saved go on where everything is as it was, and nowhere else. */
ROW(waves_of_other_die_refused, 0)
{
	FRESH();
	REQUIRE_V2(s);
	refused_because(s, &before, call_other_die);
}

/* A copy that is so long that a queue can be stopped in its middle. */
#define LONG_VA(i)		(0x1100000000ULL + (uint64_t)(i) * 0x10000000ULL)
#define LONG_SIZE		(16ULL << 20)
#define LONG_SEED		55u
#define LONG_ATTEMPTS		50

static int call_stop_in_copy(struct ctx *c)
{
	volatile uint32_t *first, *last, *fence = cell32(c, CELL_FENCE_B);
	struct kfd_queue *q = &c->other;
	struct kfd_bo src, dst;
	uint64_t at, before;
	unsigned int i;

	TRY(c, kfd_bo_create(&c->k, &src, GPU_A, LONG_VA(0), LONG_SIZE, KFD_BO_GTT, ON_A));
	TRY(c, kfd_bo_create(&c->k, &dst, GPU_A, LONG_VA(1), LONG_SIZE, KFD_BO_VRAM, ON_A));
	for (at = 0; at < LONG_SIZE; at += KFD_PAGE)
		scene_fill((char *)src.cpu + at, KFD_PAGE, LONG_SEED);
	TRY(c, kfd_queue_create(&c->k, q, KFD_Q_SDMA, GPU_A, SCENE_VA(SLOT_PM4)));
	use_doorbell_bo(c, q);
	first = dst.cpu;
	last = (uint32_t *)((char *)dst.cpu + LONG_SIZE - 4);
	for (i = 0; i < LONG_ATTEMPTS; i++) {
		*first = *last = 0;
		before = *q->rptr;
		sdma_copy(q, dst.va, src.va, LONG_SIZE);
		sdma_fence(q, cell_va(c, CELL_FENCE_B), ++c->fence);
		kfd_queue_submit(q);
		NEED(c, kfd_wait32(first, scene_word(LONG_SEED, 0), c->s->wait_ms),
		     "the copy does not begin");
		TRY(c, kfd_queue_update(&c->k, q, 0, 7));
		if (*q->rptr == before && !*last)
			return 0;
		/* it was through already */
		TRY(c, kfd_queue_update(&c->k, q, 100, 7));
		NEED(c, kfd_wait32(fence, c->fence, c->s->wait_ms), "the copy does not end");
	}
	NEED(c, false, "no copy of %d was stopped in its middle", LONG_ATTEMPTS);
	return 0;
}

static int call_other_sdma_firmware(struct ctx *c)
{
	struct kfd_image bad;
	uint8_t *die;
	int r;

	NEED(c, img_copy(&bad, &c->s->img), "memory");
	die = img_entry(&bad, IMG_DIES, GPU_A);
	NEED(c, die, "no dies in the image");
	img_put32(die + DIE_SDMA_FIRMWARE, img_get32(die + DIE_SDMA_FIRMWARE) + 1);
	img_seal(&bad);
	r = attempt_because(c, &bad, -EXDEV, "SDMA firmware of a command in its middle",
			    "another SDMA firmware");
	img_drop(&bad);
	return r;
}

static int call_copy_goes_on(struct ctx *c)
{
	static const uint64_t part[] = { 0, 1, 2, 3, 5, 8, 12, 15 };
	unsigned int i;

	NEED(c, *cell32(c, CELL_FENCE_B) != c->fence, "the queue runs that was stopped");
	TRY(c, kfd_queue_update(&c->k, &c->other, 100, 7));
	NEED(c, kfd_wait32(cell32(c, CELL_FENCE_B), c->fence, c->s->wait_ms),
	     "the copy does not end");
	/* and its last page */
	for (i = 0; i <= ARRAY_SIZE(part); i++) {
		uint64_t at = i < ARRAY_SIZE(part) ? part[i] << 20 : LONG_SIZE - KFD_PAGE;

		if (gpu_reads(c, &c->sdma, LONG_VA(1) + at, LONG_SEED, "what was copied"))
			return -1;
	}
	return 0;
}

/* As for waves; idle_queue_goes_to_other_die has a queue that is between commands. */
ROW(sdma_command_of_other_firmware_refused, 0)
{
	struct snap before;

	if (!fresh_with(s, &before, call_stop_in_copy))
		return;
	REQUIRE_V2(s);
	refused_because(s, &before, call_other_sdma_firmware);
	if (verdict == PASSED)
		CHECK(!call(DST, call_copy_goes_on), "the copy");
}

/* --- forged buckets --- */

enum bucket_forgery {
	UNKNOWN_FLAG, TWO_TYPES, NO_TYPE, NO_SIZE, ODD_SIZE, HUGE_SIZE, ODD_ADDRESS, NO_ADDRESS,
	SAME_ADDRESS, KERNEL_ADDRESS, FAR_ADDRESS, LAST_ADDRESS, OTHER_GPU, SMALL_DOORBELLS,
	NUM_BUCKET_FORGERIES
};

static const struct {
	const char *what;
	int err;
	const char *why;
} bucket_forgeries[] = {
	[UNKNOWN_FLAG] = { "an unknown flag", -EINVAL, "unknown flags" },
	[TWO_TYPES] = { "VRAM and GTT at once", -EINVAL, "not of one type" },
	[NO_TYPE] = { "memory of no type", -EINVAL, "not of one type" },
	[NO_SIZE] = { "no size", -EINVAL, "size or address not in pages" },
	[ODD_SIZE] = { "half a page", -EINVAL, "size or address not in pages" },
	[HUGE_SIZE] = { "exabytes", -EINVAL, "address beyond those of the GPU" },
	[ODD_ADDRESS] = { "half a page's address", -EINVAL, "size or address not in pages" },
	[NO_ADDRESS] = { "mapped at no address", -EINVAL, "no address" },
	[SAME_ADDRESS] = { "two BOs at one address", -EEXIST, "address is taken" },
	[KERNEL_ADDRESS] = { "an address of the driver's", -EEXIST, "address is taken" },
	[FAR_ADDRESS] = {
		"an address that no GPU has", -EINVAL, "address beyond those of the GPU"
	},
	[LAST_ADDRESS] = {
		"the last address of all", -EINVAL, "address beyond those of the GPU"
	},
	[OTHER_GPU] = { "another GPU", -EINVAL, "bucket names another GPU" },
	[SMALL_DOORBELLS] = { "one page of doorbells", -EXDEV, "size of doorbells" },
};

static struct kfd_criu_bo_bucket *bucket_of(struct kfd_image *img, uint64_t addr)
{
	uint32_t i;

	for (i = 0; i < img->info.num_bos; i++)
		if (img->bos[i].addr == addr)
			return &img->bos[i];
	return NULL;
}

static void forge_bucket(struct kfd_image *img, enum bucket_forgery how)
{
	const uint32_t vram = KFD_IOC_ALLOC_MEM_FLAGS_VRAM, gtt = KFD_IOC_ALLOC_MEM_FLAGS_GTT;
	struct kfd_criu_bo_bucket *b = bucket_of(img, SCENE_VA(BO_GTT_AB));

	if (how == SMALL_DOORBELLS)
		b = bucket_of(img, SCENE_VA(BO_DOORBELL_A));
	switch (how) {
	case UNKNOWN_FLAG:
		b->alloc_flags |= 1u << 18;
		break;
	case TWO_TYPES:
		b->alloc_flags |= vram;
		break;
	case NO_TYPE:
		b->alloc_flags &= ~gtt;
		break;
	case NO_SIZE:
		b->size = 0;
		break;
	case ODD_SIZE:
		b->size += KFD_PAGE / 2;
		break;
	case HUGE_SIZE:
		b->size = 1ULL << 62;
		break;
	case ODD_ADDRESS:
		b->addr += KFD_PAGE / 2;
		break;
	case NO_ADDRESS:
		b->addr = 0;
		break;
	case SAME_ADDRESS:
		b->addr = SCENE_VA(BO_VRAM_AB);
		break;
	case KERNEL_ADDRESS:
		/* the trap handler's page: the end of GPU address space, see TRAP_VA */
		b->addr = (1ULL << 48) - 0x200000 - 0x200000 - 0x10000;
		break;
	case FAR_ADDRESS:
		b->addr = 1ULL << 57;
		break;
	case LAST_ADDRESS:
		b->addr = 0ULL - 4 * b->size;
		break;
	case OTHER_GPU:
		b->gpu_id = img->devices[1].user_gpu_id;
		break;
	case SMALL_DOORBELLS:
		b->size = KFD_PAGE;
		break;
	case NUM_BUCKET_FORGERIES:
		break;
	}
	img_seal_bucket(img, b - img->bos);
	img_seal(img);
}

static int call_hostile_buckets(struct ctx *c)
{
	int r = 0, log = log_open();
	struct kfd_image bad;
	unsigned int how;
	char line[512];
	bool error;

	for (how = 0; how < NUM_BUCKET_FORGERIES && !r; how++) {
		NEED(c, img_copy(&bad, &c->s->img), "memory");
		forge_bucket(&bad, how);
		r = attempt_because(c, &bad, bucket_forgeries[how].err, bucket_forgeries[how].why,
				    bucket_forgeries[how].what);
		img_drop(&bad);
		/* one that was used before it was looked at is an error to somebody else */
		error = log_has_error(log, line, sizeof(line));
		NEED(c, !error, "%s: the log has %.100s", bucket_forgeries[how].what,
		     line);
	}
	if (log >= 0)
		close(log);
	return r;
}

ROW(hostile_bo_refused, 0)
{
	FRESH();
	REQUIRE_V2(s);
	refused_because(s, &before, call_hostile_buckets);
}

/* Buckets and image are two arguments; each alone is honest. */
static int call_mixed_buckets(struct ctx *c)
{
	struct kfd_criu_bo_bucket *a, *b, t;
	struct kfd_image bad;
	int r;

	NEED(c, img_copy(&bad, &c->s->img), "memory");
	a = bucket_of(&bad, SCENE_VA(BO_VRAM_A));
	b = bucket_of(&bad, SCENE_VA(BO_VRAM_PEER));
	NEED(c, a && b, "buckets");
	t = *a;
	*a = *b;
	*b = t;
	r = attempt_because(c, &bad, -EINVAL, "bucket of another BO",
			    "two buckets changed places");
	img_drop(&bad);
	return r;
}

ROW(bucket_of_another_bo_refused, 0)
{
	FRESH();
	refused_because(s, &before, call_mixed_buckets);
}

/* --- images that nobody would come by without meaning to --- */

/**
 * struct craft - an image that is well formed, and asks for what cannot be
 * @what: for people
 * @why: what the tracepoint says of it
 * @err: the errno
 * @make: change the image; false if the GPUs are not such that it would be wrong
 */
struct craft {
	const char *what, *why;
	int err;
	bool (*make)(struct ctx *c, struct kfd_image *img);
};

/* Of an image that does not say how large the MQDs of its GPUs are. */
static bool small_mqd(struct ctx *c, struct kfd_image *img)
{
	uint8_t *q = img_queue(img, 0, 1);

	img_forget_gpus(img);
	/* that much less is lost in the padding behind it */
	img_put32(q + Q_MQD_SIZE, img_get32(q + Q_MQD_SIZE) - 4);
	return true;
}

static bool one_more_xcc(struct ctx *c, struct kfd_image *img)
{
	uint8_t *q = img_queue(img, 0, 1);
	uint32_t xccs = img_get32(q + Q_XCCS) + 1;
	unsigned int n = 0;

	img_forget_gpus(img);
	while (img_entry(img, IMG_QUEUE, n) != q)
		n++;
	img_put32(q + Q_XCCS, xccs);
	/* the MQDs alone have room in a copy */
	img_put32(q + Q_CTL_SIZE, 0);
	img_resize(img, IMG_QUEUE, n, Q_SIZE + xccs * ((img_get32(q + Q_MQD_SIZE) + 7) & ~7u));
	return true;
}

static bool small_control_stack(struct ctx *c, struct kfd_image *img)
{
	uint8_t *q = img_queue(img, 0, 1);
	uint32_t size = img_get32(q + Q_CTL_SIZE);

	img_put32(q + Q_CTL_STACK_SIZE, size - 8);
	/* other generations keep it in the save area */
	return size;
}

static bool gws_of_none(struct ctx *c, struct kfd_image *img)
{
	uint8_t *q = img_queue(img, 0, 1);

	img_put32(q + Q_FLAGS, img_get32(q + Q_FLAGS) | Q_FLAG_GWS);
	return !kfd_node_property(c->s->here.gpu[GPU_B].node, "num_gws");
}

static bool other_engine(struct ctx *c, struct kfd_image *img)
{
	uint8_t *q = img_queue(img, 1, 0);

	img_put32(q + Q_SDMA_ID, img_get32(q + Q_SDMA_ID) ^ 1);
	return c->s->here.gpu[GPU_A].num_sdma > 1;
}

static bool far_range(struct ctx *c, struct kfd_image *img)
{
	img_put64(img_entry(img, IMG_RANGES, 0) + RANGE_START, 1ULL << 40);
	return true;
}

static bool xnack_of_none(struct ctx *c, struct kfd_image *img)
{
	uint8_t *p = img_entry(img, IMG_PROCESS, 0);
	unsigned int version = c->s->here.gpu[GPU_A].gfx_version;

	img_put32(p + PROC_FLAGS, img_get32(p + PROC_FLAGS) | PROC_FLAG_XNACK);
	/* those on which each process has it as it likes */
	return version != 90010 && version / 100 != 904;
}

static bool large_signal_page(struct ctx *c, struct kfd_image *img)
{
	uint8_t *p = img_entry(img, IMG_PROCESS, 0);

	img_put32(p + PROC_SIGNAL_SIZE, 2 * img_get32(p + PROC_SIGNAL_SIZE));
	return true;
}

static bool double_overflow(struct ctx *c, struct kfd_image *img)
{
	struct kfd_criu_bo_bucket *b = bucket_of(img, SCENE_VA(BO_GTT_AB));

	b->size = 1ULL << 63;
	img_seal_bucket(img, b - img->bos);
	return true;
}

static bool ring_of_doorbells(struct ctx *c, struct kfd_image *img)
{
	struct kfd_criu_bo_bucket *b = bucket_of(img, SCENE_VA(BO_DOORBELL_A));

	b->alloc_flags |= KFD_IOC_ALLOC_MEM_FLAGS_AQL_QUEUE_MEM;
	img_seal_bucket(img, b - img->bos);
	return true;
}

static bool large_mmio(struct ctx *c, struct kfd_image *img)
{
	struct kfd_criu_bo_bucket *b = bucket_of(img, SCENE_VA(BO_GTT_AB));

	b->alloc_flags &= ~KFD_IOC_ALLOC_MEM_FLAGS_GTT;
	b->alloc_flags |= KFD_IOC_ALLOC_MEM_FLAGS_MMIO_REMAP;
	img_seal_bucket(img, b - img->bos);
	return true;
}

static void put_user_addr(struct kfd_image *img, uint64_t va, uint64_t addr)
{
	uint32_t i = bucket_of(img, va) - img->bos;

	img_put64(img_entry(img, IMG_BOS, i) + BO_USER_ADDR, addr);
}

static bool kernel_pointer(struct ctx *c, struct kfd_image *img)
{
	put_user_addr(img, SCENE_VA(BO_UPTR_A), 0xffff888000000000ULL);
	return true;
}

static bool pointer_of_gtt(struct ctx *c, struct kfd_image *img)
{
	put_user_addr(img, SCENE_VA(BO_GTT_AB), SCENE_VA(BO_UPTR_A));
	return true;
}

/* Nothing is behind them: the driver's loops over all objects do not come to their end. */
#define LAST_OF_ALL		0x7fffffffu

static bool last_handle(struct ctx *c, struct kfd_image *img)
{
	uint32_t i = bucket_of(img, SCENE_VA(BO_NOWHERE)) - img->bos;

	img_put32(img_entry(img, IMG_BOS, i) + BO_HANDLE, LAST_OF_ALL);
	return true;
}

static bool last_event(struct ctx *c, struct kfd_image *img)
{
	uint8_t *event;
	unsigned int i;

	for (i = 0; (event = img_entry(img, IMG_EVENTS, i)); i++) {
		if (img_get32(event) < EVENT_FIRST_OTHER)
			continue;
		img_put32(event, LAST_OF_ALL);
		return true;
	}
	return false;
}

/* The events' table becomes a copy of the GPUs'. */
static bool two_gpu_tables(struct ctx *c, struct kfd_image *img)
{
	const uint8_t *gpus = img_record(img, IMG_DEVICES, 0);
	uint32_t size = img_get32(gpus + REC_SIZE);
	uint8_t *events = img_record(img, IMG_EVENTS, 0);

	img_resize(img, IMG_EVENTS, 0, size);
	memcpy(events, gpus, REC_HEADER + size);
	return true;
}

static const struct craft crafts[] = {
	{ "two tables of GPUs", "the devices are not the second record and only there", -EINVAL,
	  two_gpu_tables },
	{ "the last handle of all", "BO with a handle that none can have", -EINVAL,
	  last_handle },
	{ "the last event of all", "event with an id that none can have", -EINVAL, last_event },
	{ "another size of MQDs", "MQD size", -EXDEV, small_mqd },
	{ "a queue on one XCC more", "number of XCCs", -EXDEV, one_more_xcc },
	{ "more control stack than room", "control stack", -EINVAL, small_control_stack },
	{ "GWS of a GPU without", "GPU has no GWS", -EXDEV, gws_of_none },
	{ "the doorbell of another engine", "doorbell of another SDMA engine", -EXDEV,
	  other_engine },
	{ "a range of the kernel's addresses", "behind user memory", -EINVAL, far_range },
	{ "XNACK on a GPU without", "XNACK is not possible on these GPUs", -EXDEV,
	  xnack_of_none },
	{ "a signal page larger than its BO", "no BO for the signal page", -EINVAL,
	  large_signal_page },
	{ "a size that overflows when doubled", "size", -EINVAL, double_overflow },
	{ "doorbells as a ring", "a ring of that type", -EINVAL, ring_of_doorbells },
	{ "many pages of MMIO", "no such MMIO page", -EXDEV, large_mmio },
	{ "a user pointer to the kernel", "user address", -EINVAL, kernel_pointer },
	{ "a user address of GTT", "user address of no user pointer", -EINVAL, pointer_of_gtt },
};

/* The result has a bit for each that these GPUs have nothing against. */
static int call_crafts(struct ctx *c)
{
	struct kfd_image bad;
	unsigned int i;
	bool made;

	c->result = 0;
	for (i = 0; i < ARRAY_SIZE(crafts); i++) {
		NEED(c, img_copy(&bad, &c->s->img), "memory");
		made = crafts[i].make(c, &bad);
		if (!made) {
			c->result |= 1u << i;
			img_drop(&bad);
			continue;
		}
		img_seal(&bad);
		if (attempt_because(c, &bad, crafts[i].err, crafts[i].why, crafts[i].what))
			return -1;
		img_drop(&bad);
	}
	return 0;
}

ROW(crafted_image_refused, 0)
{
	unsigned int i;
	size_t n = 0;

	FRESH();
	REQUIRE_V2(s);
	refused_because(s, &before, call_crafts);
	for (i = 0; i < ARRAY_SIZE(crafts) && n < sizeof(said); i++)
		if (DST->c.result >> i & 1)
			n += snprintf(said + n, sizeof(said) - n, "%s%s", n ? ", " : "not here: ",
				      crafts[i].what);
}

/* What RESTORE cannot know, because memory comes later: RESUME finds the save area nowhere. */
ROW(save_area_in_nothing_refused, S_NO_JOB)
{
	uint8_t *q;

	START();
	CHECK(!dump(s, SRC) && !reap(SRC), "dump");
	REQUIRE_V2(s);
	q = img_queue(&s->img, 0, 1);
	SETUP(q && img_get64(q + Q_CWSR), "no AQL queue with a save area in the image");
	img_put64(q + Q_CWSR, SCENE_VA(SLOT_SPARE));
	img_seal(&s->img);
	CHECK(!restore(s, SRC, DST, false), "restore");
	CHECK(resume(s, DST) == -EFAULT, "RESUME with a save area in nothing");
	CHECK(!call(DST, call_sdma_stays), "after a refused RESUME");
	CHECK(resume(s, DST) == -EFAULT, "the second RESUME");
}

/* --- accidents --- */

#define FLIPS		150
#define CUTS		60

/* Bits flip anywhere in the image, and it ends anywhere. */
static int call_accidents(struct ctx *c)
{
	uint64_t size = c->s->img.info.priv_data_size, at;
	struct kfd_image bad;
	unsigned int i;
	int r = 0;

	for (i = 0; i < FLIPS && !r; i++) {
		NEED(c, img_copy(&bad, &c->s->img), "memory");
		at = size * i / FLIPS;
		bad.priv[at] ^= 1u << i % 8;
		/* the version decides whether there is a checksum */
		if (at < IMG_VERSION + 4)
			r = attempt_because(c, &bad, -EPROTONOSUPPORT, "unknown version",
					    "a bit of the version has flipped");
		else if (at < IMG_RECORDS)
			r = attempt(c, &bad, -EINVAL, "a bit of the header has flipped");
		else
			r = attempt_because(c, &bad, -EINVAL, "wrong checksum",
					    "a bit has flipped");
		img_drop(&bad);
	}
	for (i = 0; i < CUTS && !r; i++) {
		NEED(c, img_copy(&bad, &c->s->img), "memory");
		bad.info.priv_data_size = i < 30 ? i * 4 : size * i / CUTS;
		r = attempt(c, &bad, -EINVAL, "the end is missing");
		img_drop(&bad);
	}
	return r;
}

ROW(damaged_anywhere_refused, 0)
{
	FRESH();
	REQUIRE_V2(s);
	refused_because(s, &before, call_accidents);
}

/* Is all that the image says there, by the names that it gives? */
static bool restored_as_said(struct kfd *k, const struct kfd_image *img)
{
	const uint32_t contents = KFD_IOC_ALLOC_MEM_FLAGS_VRAM | KFD_IOC_ALLOC_MEM_FLAGS_GTT;
	long long vram[KFD_MAX_GPUS] = { 0 };
	struct kfd_event event = { 0 };
	struct kfd_bo bo = { 0 };
	unsigned int i, g;
	uint8_t *rec;
	int r;

	for (i = 0; i < img->info.num_bos; i++) {
		const struct kfd_criu_bo_bucket *b = &img->bos[i];

		if (!(b->alloc_flags & contents))
			continue;
		rec = img_entry(img, IMG_BOS, i);
		bo.handle = (uint64_t)b->gpu_id << 32 | img_get32(rec + BO_HANDLE);
		r = kfd_bo_export(k, &bo);
		if (r < 0 || fcntl(b->dmabuf_fd, F_GETFD) < 0)
			return false;
		close(r);
		for (g = 0; b->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_VRAM && g < k->ngpu; g++)
			vram[g] += b->gpu_id == k->gpu[g].gpu_id ? b->size : 0;
	}
	for (g = 0; g < k->ngpu; g++)
		if (vram_usage(getpid(), img->devices[g].actual_gpu_id) != vram[g])
			return false;
	for (i = 0; (rec = img_entry(img, IMG_EVENTS, i)); i++) {
		event.id = img_get32(rec);
		r = kfd_event_wait(k, &event, 0, NULL);
		if (r && r != -ETIMEDOUT)
			return false;
	}
	for (i = 0; img_entry(img, IMG_QUEUE, i); i++)
		;
	return queues_of(getpid()) == i;
}

/* An exit status that is no errno. */
#define NOT_AS_SAID		255

/*
 * RESTORE in a process of its own, which ends before RESUME: what queues and user pointers
 * of such an image would do is nobody's business.  Returns 0 if all is there that the image
 * says, the errno of a refusal, or -1.  @where: what has flipped, for people
 */
static int restore_and_end(struct ctx *c, struct kfd_image *img, const char *where)
{
	struct proc child = { 0 };
	siginfo_t info = { 0 };
	struct kfd k;
	int r;

	child.pid = fork();
	if (!child.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		r = kfd_criu_restore(&k, img, straight);
		_exit(!r && !restored_as_said(&k, img) ? NOT_AS_SAID : -r);
	}
	NEED(c, child.pid > 0 && !waitid(P_PID, child.pid, &info, WEXITED | WNOWAIT) &&
	     info.si_code == CLD_EXITED, "the process that tries the image");
	TRY(c, reap(&child));
	NEED(c, info.si_status != NOT_AS_SAID, "what is restored is not what the image says: %s",
	     where);
	return info.si_status;
}

/* Every so many bytes one bit flips. */
#define SEALED_STEP		7

/* The result: how many images were restored, and in its lower half, refused. */
static int call_sealed_accidents(struct ctx *c)
{
	unsigned int i = 0, restored = 0, refused = 0;
	const struct kfd_image *img = &c->s->img;
	struct kfd_image bad;
	char where[64];
	uint64_t at;
	int r;

	for (at = 0; at < img->info.priv_data_size; at += SEALED_STEP) {
		/* some bits of those are the driver's, and dies are for who has saved waves */
		if (img_in_mqd(img, at) || img_in_dies(img, at))
			continue;
		NEED(c, img_copy(&bad, img), "memory");
		bad.priv[at] ^= 1u << i++ % 8;
		img_seal(&bad);
		img_where(img, at, where, sizeof(where));
		kfd_write_text(TRACING "/trace", "");
		r = restore_and_end(c, &bad, where);
		if (r < 0)
			return -1;
		restored += !r;
		refused += !!r;
		/* once more in this process, which has to stay as it was */
		if (r && attempt(c, &bad, -r, where))
			return -1;
		NEED(c, !tells_why() || lines_with(TRACING "/trace", "kfd_criu_refuse: ", "") ==
		     (r ? 2 : 0), "a refusal without a reason, or a reason without: %s", where);
		NEED(c, !tells_why() || !lines_with(TRACING "/trace", "wrong checksum", ""),
		     "the checksum is not that of the image: %s", where);
		img_drop(&bad);
	}
	c->result = (uint64_t)restored << 32 | refused;
	return 0;
}

/* Bits flip where the checksum has not seen them. */
ROW(damaged_and_sealed_refused_or_restored, 0)
{
	unsigned int restored, refused;

	FRESH();
	REQUIRE(img_is_v2(&s->img), "the image is not of version 2");
	refused_because(s, &before, call_sealed_accidents);
	if (verdict != PASSED)
		return;
	restored = DST->c.result >> 32;
	refused = DST->c.result;
	CHECK(restored && refused, "%u images were restored, %u refused", restored, refused);
	snprintf(said, sizeof(said), "%u restored, %u refused", restored, refused);
}

/* State that a later kernel adds and that may be ignored. */
ROW(unknown_optional_record_skipped, 0)
{
	struct kfd_image more, honest;
	uint8_t *p;

	START();
	CHECK(!dump(s, SRC) && !reap(SRC), "dump");
	REQUIRE_V2(s);
	SETUP(img_copy(&more, &s->img), "memory");
	p = more.priv + more.info.priv_data_size;
	img_put32(p + REC_TYPE, 99 | 1 << 16);
	img_put32(p + REC_SIZE, 8);
	img_put32(p + REC_COUNT, 1);
	img_put32(p + REC_STRIDE, 8);
	img_put64(p + REC_HEADER, 0x1234);
	more.info.priv_data_size += REC_HEADER + 8;
	img_put64(more.priv + IMG_SIZE, more.info.priv_data_size);
	img_put32(more.priv + IMG_RECORDS, img_get32(more.priv + IMG_RECORDS) + 1);
	img_seal(&more);
	/* a fork of this process restores it: it sees this memory, and fills in the buckets */
	honest = s->img;
	s->img.priv = more.priv;
	s->img.info.priv_data_size = more.info.priv_data_size;
	CHECK(!restore(s, SRC, DST, false) && !resume(s, DST), "restore");
	s->img.priv = honest.priv;
	s->img.info.priv_data_size = honest.info.priv_data_size;
	img_drop(&more);
	CHECK(!call(DST, call_finish_sdma_job) && !call(DST, call_finish_aql_job), "jobs");
}

/* --- refused operations on a live process --- */

/* The process is what it was, in all that can be seen of it and in its image. */
static void left_alone(struct scene *s, struct snap *before)
{
	char text[200];

	CHECK(!snap_compare(s, before, SRC, text, sizeof(text)), "the refused operation left: %s",
	      text);
	snap_drop(before);
	CHECK(!call(SRC, call_finish_sdma_job), "SDMA job");
	CHECK(!call(SRC, call_finish_aql_job), "AQL job");
}

/* A live process in the middle of its work, and all that can be seen of it. */
static bool live(struct scene *s, struct snap *before)
{
	if (!started(s))
		return false;
	if (!snap_settled(s, before, SRC, true))
		return true;
	note(s, "no first checkpoint");
	verdict = BROKEN;
	return false;
}

static int raw_checkpoint(int fd, struct kfd_ioctl_criu_args *args)
{
	args->op = KFD_CRIU_OP_CHECKPOINT;
	return ioctl(fd, AMDKFD_IOC_CRIU_OP, args) ? -errno : 0;
}

/* The attempt that counts a BO more than there is. */
#define MORE_COUNTED		4

ROW(refused_checkpoint_leaves_no_trace, 0)
{
	static const int errors[] = { -EFAULT, -EFAULT, -EFAULT, -EINVAL, -ENOSPC, -EMFILE };
	struct kfd_ioctl_criu_args args, bad;
	unsigned int fds, i;
	uint8_t *arena, *locked;
	struct snap before;
	int fd, next, r, counted = 0;

	if (!live(s, &before))
		return;
	arena = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	locked = mmap(NULL, 4 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = grab(SRC);
	SETUP(arena != MAP_FAILED && locked != MAP_FAILED && fd >= 0, "KFD fd");
	memset(&args, 0, sizeof(args));
	args.devices = (uintptr_t)arena;
	args.bos = (uintptr_t)arena + 0x10000;
	args.priv_data = (uintptr_t)arena + 0x100000;
	bad = args;
	fds = open_fds();
	next = next_fd();
	r = raw_checkpoint(fd, &bad);
	CHECK(r == -EINVAL, "CHECKPOINT without PROCESS_INFO says %s", strerror(-r));

	args.devices = 0;
	SETUP(!kfd_criu_process_info(fd, &args), "PROCESS_INFO");
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		bad = args;
		bad.devices = (uintptr_t)arena;
		bad.bos = (uintptr_t)arena + 0x10000;
		bad.priv_data = (uintptr_t)arena + 0x100000;
		if (i == 0)
			bad.devices = (uintptr_t)locked;
		else if (i == 1)
			bad.bos = (uintptr_t)locked;
		else if (i == 2)
			bad.priv_data = (uintptr_t)locked;
		else if (i == 3)
			bad.bos = 0;
		else if (i == MORE_COUNTED)
			bad.num_bos++;
		if (i == 5)
			limit_descriptors(3);
		r = raw_checkpoint(fd, &bad);
		unlimit_descriptors();
		CHECK(r, "CHECKPOINT %u is not refused", i);
		CHECK(open_fds() == fds, "a refused CHECKPOINT left %d descriptors (%u)",
		      (int)(open_fds() - fds), i);
		CHECK(next_fd() == next, "a refused CHECKPOINT left reserved descriptors (%u)", i);
		/* the one about counts comes last: the stock code has no errno for it */
		if (i == MORE_COUNTED)
			counted = r;
		else
			CHECK(r == errors[i], "CHECKPOINT %u says %s", i, strerror(-r));
	}
	SETUP(!kfd_criu_unpause(fd), "UNPAUSE");
	let_go(SRC, fd);
	munmap(arena, 4 << 20);
	munmap(locked, 4 << 20);
	left_alone(s, &before);
	CHECK(counted == errors[MORE_COUNTED], "CHECKPOINT of a BO more says %s",
	      strerror(-counted));
}

static int call_export_vram(struct ctx *c)
{
	int fd = kfd_bo_export(&c->k, &c->bo[BO_VRAM_A]);

	NEED(c, fd >= 0, "export: %s", strerror(-fd));
	c->result = fd;
	return 0;
}

static int call_close_export(struct ctx *c)
{
	NEED(c, !close(c->result), "close: %s", strerror(errno));
	return 0;
}

/* PROCESS_INFO has nothing against the process, but what it becomes can't be preserved. */
ROW(refused_during_pause_leaves_no_trace, 0)
{
	struct kfd_ioctl_criu_args args;
	struct snap before;
	uint8_t *arena;
	int fd, r;

	if (!live(s, &before))
		return;
	arena = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = grab(SRC);
	SETUP(arena != MAP_FAILED && fd >= 0, "KFD fd");
	memset(&args, 0, sizeof(args));
	SETUP(!kfd_criu_process_info(fd, &args), "PROCESS_INFO");
	let_go(SRC, fd);
	SETUP(!call(SRC, call_export_vram), "export");
	fd = grab(SRC);
	SETUP(fd >= 0, "KFD fd");
	args.devices = (uintptr_t)arena;
	args.bos = (uintptr_t)arena + 0x10000;
	args.priv_data = (uintptr_t)arena + 0x100000;
	r = raw_checkpoint(fd, &args);
	CHECK(r == -EOPNOTSUPP, "CHECKPOINT with an exported BO says %s", strerror(-r));
	SETUP(!kfd_criu_unpause(fd), "UNPAUSE");
	let_go(SRC, fd);
	munmap(arena, 4 << 20);
	SETUP(!call(SRC, call_close_export), "the end of the export");
	left_alone(s, &before);
}

ROW(refused_unpause_leaves_no_trace, 0)
{
	struct snap before;

	if (!live(s, &before))
		return;
	CHECK(unpause_queues(SRC) == -EINVAL, "UNPAUSE of a running process");
	left_alone(s, &before);
}

ROW(refused_resume_leaves_no_trace, 0)
{
	struct snap before;
	int i, r;

	if (!live(s, &before))
		return;
	for (i = 0; i < 2; i++) {
		r = resume(s, SRC);
		CHECK(r == -EINVAL, "RESUME of a running process says %s", strerror(-r));
	}
	left_alone(s, &before);
}

static int call_info_without_caps(struct ctx *c)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };
	struct kfd_ioctl_criu_args args;
	int r;

	NEED(c, !syscall(SYS_capset, &h, d), "capset: %s", strerror(errno));
	r = kfd_criu_process_info(c->k.fd, &args);
	NEED(c, r == -EACCES, "PROCESS_INFO without capability says %s", strerror(-r));
	return 0;
}

ROW(refused_process_info_leaves_no_trace, 0)
{
	struct snap before;

	if (!live(s, &before))
		return;
	CHECK(!call(SRC, call_info_without_caps), "rights");
	left_alone(s, &before);
}

static int call_restore_over(struct ctx *c)
{
	struct kfd k;
	int r = kfd_criu_restore(&k, &c->s->img, straight);

	NEED(c, r, "RESTORE over a live process succeeds");
	c->result = -r;
	return 0;
}

/* Over a process that has a life of its own. */
ROW(restore_over_live_process_refused, S_NO_JOB | S_NO_SIGNALS)
{
	struct snap before;
	char text[200];

	START();
	SETUP(!dump(s, SRC) && !reap(SRC) && !start(s, DST), "two processes");
	SETUP(!snap_settled(s, &before, DST, true), "first checkpoint");
	CHECK(!call(DST, call_restore_over), "RESTORE");
	CHECK(!snap_compare(s, &before, DST, text, sizeof(text)), "the refused RESTORE left: %s",
	      text);
	snap_drop(&before);
	CHECK(!call(DST, call_sdma_works) && !call(DST, call_aql_works),
	      "after a refused RESTORE");
}

ROW(errno_live_process, S_NO_JOB | S_NO_SIGNALS)
{
	START();
	SETUP(!dump(s, SRC) && !reap(SRC) && !start(s, DST), "two processes");
	CHECK(!call(DST, call_restore_over), "RESTORE");
	CHECK(DST->c.result == EBUSY, "RESTORE says %s", strerror(DST->c.result));
}

/* --- telling why --- */

/* The tracepoint names the object and says what is wrong with it. */
ROW(refusal_is_traced, S_NO_JOB)
{
	char handle[32];
	bool told;
	int r;

	/* group and events are there without a kernel that could record them */
	REQUIRE_HW(traces(), "a kernel without tracing of events");
	START();
	SETUP(!call(SRC, call_export_vram), "export");
	CHECK(!kfd_write_text(TRACE_REFUSE, "1"), "no tracepoint for refusals");
	kfd_write_text(TRACING "/trace", "");
	r = pause_queues(SRC);
	snprintf(handle, sizeof(handle), "bo %#llx: ",
		 (unsigned long long)SRC->c.bo[BO_VRAM_A].handle);
	told = lines_with(TRACING "/trace", handle, "is exported");
	kfd_write_text(TRACE_REFUSE, "0");
	CHECK(r == -EOPNOTSUPP && told, "the trace does not name the BO %s", handle);
}

static int call_mismatch_is_traced(struct ctx *c)
{
	struct kfd_image bad;
	char said[128];
	unsigned int i;
	uint8_t *p;

	for (i = 0; i < ARRAY_SIZE(generations); i++) {
		NEED(c, img_copy(&bad, &c->s->img), "memory");
		p = forged_field(&bad, &generations[i]);
		NEED(c, p, "the image has nothing to forge: %s", generations[i].what);
		snprintf(said, sizeof(said), "%s (found 0x%x, wanted 0x%llx)",
			 generations[i].why, img_get32(p),
			 (unsigned long long)generations[i].value);
		img_put32(p, generations[i].value);
		img_seal(&bad);
		kfd_write_text(TRACING "/trace", "");
		if (attempt(c, &bad, -EXDEV, generations[i].what))
			return -1;
		img_drop(&bad);
		NEED(c, lines_with(TRACING "/trace", "device 0x", said) == 1,
		     "the trace does not say: %s", said);
	}
	return 0;
}

ROW(mismatch_is_traced, S_NO_JOB)
{
	int r;

	REQUIRE_HW(traces(), "a kernel without tracing of events");
	FRESH();
	REQUIRE_V2(s);
	CHECK(!kfd_write_text(TRACE_REFUSE, "1"), "no tracepoint for refusals");
	r = call(DST, call_mismatch_is_traced);
	kfd_write_text(TRACE_REFUSE, "0");
	CHECK(!r, "refusals");
	snap_drop(&before);
}

/* The last image of a process in words: as many lines as there are objects. */
static void image_in_words(struct scene *s, struct proc *p)
{
	unsigned int acquired = kfd_test_gpus(s->here.ngpu);
	char path[64], id[32], gpus[32], part[32];

	snprintf(path, sizeof(path), "/sys/kernel/debug/kfd_criu/%d", p->pid);
	snprintf(gpus, sizeof(gpus), "%u GPUs", s->here.ngpu);
	snprintf(part, sizeof(part), "partition %u of ", s->here.gpu[1].partition);
	CHECK(!access(path, R_OK), "no image in words");
	CHECK(lines_with(path, "image: version 2", gpus) == 1, "no line for the image");
	CHECK(lines_with(path, "gpu ", "VM acquired") == acquired &&
	      lines_with(path, "gpu ", "VM none") == s->here.ngpu - acquired,
	      "not a line for each GPU");
	CHECK(!s->here.gpu[1].partition || lines_with(path, "gpu ", part), "no %s", part);
	CHECK(lines_with(path, "bo ", "KiB at 0x") == s->img.info.num_bos,
	      "not a line for each BO");
	CHECK(lines_with(path, "queue ", "AQL") == 1 && lines_with(path, "queue ", "SDMA") == 1,
	      "not a line for each queue");
	CHECK(lines_with(path, "event 0x", "age") == NUM_EV, "not a line for each event");
	snprintf(id, sizeof(id), "range %#llx", (unsigned long long)p->c.svm);
	CHECK(lines_with(path, id, "access by") == 1, "not a line for the range");
}

ROW(image_in_words, 0)
{
	char path[64];

	REQUIRE_HW(!access("/sys/kernel/debug/kfd", F_OK), "no debugfs of KFD");
	START();
	CHECK(!dump(s, SRC), "dump");
	image_in_words(s, SRC);
	if (verdict != PASSED)
		return;
	snprintf(path, sizeof(path), "/sys/kernel/debug/kfd_criu/%d", SRC->pid);
	CHECK(!reap(SRC) && access(path, F_OK), "the words outlive the process");
	CHECK(!restore(s, SRC, DST, false) && !resume(s, DST), "restore");
	image_in_words(s, DST);
}

static int call_kernel_page(struct ctx *c)
{
	struct kfd_event ev;

	/* without a page of its own, the process is given one, which outlives the event */
	TRY(c, kfd_event_create(&c->k, &ev, KFD_IOC_EVENT_SIGNAL, false, NULL));
	TRY(c, kfd_event_destroy(&c->k, &ev));
	return 0;
}

ROW(signal_page_in_words, S_NO_SIGNALS)
{
	char path[64];

	REQUIRE_HW(!access("/sys/kernel/debug/kfd", F_OK), "no debugfs of KFD");
	START();
	snprintf(path, sizeof(path), "/sys/kernel/debug/kfd_criu/%d", SRC->pid);
	CHECK(!pause_queues(SRC) && !unpause_queues(SRC), "pause");
	CHECK(lines_with(path, "no image", "") == 1 && !lines_with(path, "process: ", ""),
	      "words about an image that is not there");
	SETUP(!call(SRC, call_kernel_page), "a signal event");
	CHECK(!dump(s, SRC), "dump");
	CHECK(lines_with(path, "process: ", "signal page of the kernel") == 1,
	      "no word of the kernel's signal page");
	CHECK(!reap(SRC) && !restore(s, SRC, DST, false) && !resume(s, DST), "restore");
	snprintf(path, sizeof(path), "/sys/kernel/debug/kfd_criu/%d", DST->pid);
	CHECK(!dump(s, DST), "second dump");
	CHECK(lines_with(path, "process: ", "signal page of the kernel") == 1,
	      "the restored process has no signal page of the kernel's");
}

TEST_HARNESS_MAIN
