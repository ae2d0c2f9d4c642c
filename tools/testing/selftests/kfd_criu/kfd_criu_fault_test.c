// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint and restore while memory is short: each allocation and each copy
 * from and to user space that an operation makes fails once.
 *
 * That is the kernel's fault injection: /proc/thread-self/fail-nth counts
 * what the thread asks for.  What kernel threads ask for on its behalf is not
 * counted.
 */
#define _GNU_SOURCE
#define ROW_SECONDS		7200
#define CRIU_ROWS		criu_fault_rows
#include "kfd_criu_sweep.h"

#define DEBUGFS			"/sys/kernel/debug"
/* So often may each kind of fault come; how often it did is what is missing from that. */
#define MANY			1000000000LL

enum { SLAB, PAGE, USERCOPY, NUM_KINDS };

static const char * const folders[NUM_KINDS] = {
	[SLAB] = "failslab", [PAGE] = "fail_page_alloc", [USERCOPY] = "fail_usercopy",
};

static long long times_before[NUM_KINDS];

static bool put(const char *folder, const char *file, unsigned long long value)
{
	char path[320], text[24];

	snprintf(path, sizeof(path), "%.255s/%.32s", folder, file);
	snprintf(text, sizeof(text), "%llu", value);
	return !kfd_write_text(path, text);
}

static bool put_kind(unsigned int kind, const char *file, unsigned long long value)
{
	char folder[64];

	snprintf(folder, sizeof(folder), DEBUGFS "/%s", folders[kind]);
	return put(folder, file, value);
}

/*
 * kmemleak and the object debugger allocate for each allocation, and do without
 * when they get nothing: no more is to be seen there.
 */
static void spare_checkers(void)
{
	static const char * const checkers[] = { "kmemleak_object", "debug_objects_cache" };
	struct dirent **names;
	char folder[320];
	unsigned int c;
	int i, n;

	n = scandir("/sys/kernel/slab", &names, NULL, NULL);
	if (n < 0)
		return;
	for (i = 0; i < n; i++) {
		snprintf(folder, sizeof(folder), "/sys/kernel/slab/%.255s", names[i]->d_name);
		for (c = 0; c < ARRAY_SIZE(checkers); c++)
			if (!strcmp(names[i]->d_name, checkers[c]))
				break;
		put(folder, "failslab", c == ARRAY_SIZE(checkers));
		free(names[i]);
	}
	free(names);
	put_kind(SLAB, "cache-filter", 1);
}

/* What a failing test can leave to others is nothing: it counts only while it is armed. */
static bool faults_ready(struct scene *s)
{
	unsigned int k;

	for (k = 0; k < NUM_KINDS; k++) {
		if (!access("/proc/thread-self/fail-nth", W_OK) &&
		    put_kind(k, "probability", 0) && put_kind(k, "verbose", 0) &&
		    put_kind(k, "times", MANY))
			continue;
		note(s, "the kernel has no fault injection: %s", folders[k]);
		return false;
	}
	if (!put_kind(SLAB, "ignore-gfp-wait", 0) || !put_kind(PAGE, "ignore-gfp-wait", 0) ||
	    !put_kind(PAGE, "ignore-gfp-highmem", 0) || !put_kind(PAGE, "min-order", 0)) {
		note(s, "allocations that may wait do not fail");
		return false;
	}
	spare_checkers();
	/* where the kernel can filter by stack, it does not */
	for (k = 0; k < NUM_KINDS; k++) {
		put_kind(k, "require-start", 0);
		put_kind(k, "require-end", ~0ULL);
	}
	return true;
}

static int times_get(long long times[NUM_KINDS])
{
	char path[64], text[24];
	unsigned int k;
	ssize_t n;
	int fd;

	for (k = 0; k < NUM_KINDS; k++) {
		snprintf(path, sizeof(path), DEBUGFS "/%s/times", folders[k]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		if (n <= 0)
			return -EIO;
		text[n] = 0;
		times[k] = strtoll(text, NULL, 10);
	}
	return 0;
}

/* fail-nth of the calling thread; each process has a descriptor of its own. */
static int fail_nth(void)
{
	static pid_t owner;
	static int fd;

	if (owner != getpid()) {
		owner = getpid();
		fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	}
	return fd;
}

static int fault_arm(unsigned int n)
{
	int fd = fail_nth(), r, len;
	char text[16];

	if (fd < 0)
		return -errno;
	r = times_get(times_before);
	if (r)
		return r;
	len = snprintf(text, sizeof(text), "%u", n);
	return pwrite(fd, text, len, 0) == len ? 0 : -errno;
}

/* Which kind has come since fault_arm(). */
static int fault_kind(unsigned int *kind)
{
	long long now[NUM_KINDS];
	unsigned int k;
	int r = times_get(now);

	for (k = 0; !r && k < NUM_KINDS; k++) {
		if (now[k] == times_before[k])
			continue;
		*kind = k;
		return 0;
	}
	return r ? r : -ENODATA;
}

static int fault_disarm(unsigned int *left, unsigned int *kind)
{
	int fd = fail_nth();
	char text[16];
	ssize_t n;

	n = pread(fd, text, sizeof(text) - 1, 0);
	/* to read and to reset it are copies themselves, one of which may be the one to fail */
	while (pwrite(fd, "0", 1, 0) != 1)
		if (errno != EFAULT)
			return -errno;
	if (n < 0) {
		*left = 1;
		return errno == EFAULT ? 0 : -errno;
	}
	text[n] = 0;
	*left = strtoul(text, NULL, 10);
	return *left ? 0 : fault_kind(kind);
}

static bool fault_fits(unsigned int kind, int err)
{
	return err == (kind == USERCOPY ? -EFAULT : -ENOMEM);
}

/* The arguments, which have gone in and come out again. */
static bool fault_late(unsigned int kind, int err)
{
	return kind == USERCOPY && err == -EFAULT;
}

static bool fault_harms(unsigned int kind)
{
	return false;
}

/* The stack of each fault. */
static void fault_loud(bool on)
{
	unsigned int k;

	for (k = 0; k < NUM_KINDS; k++) {
		put_kind(k, "verbose_ratelimit_interval_ms", 0);
		put_kind(k, "verbose", on ? 2 : 0);
	}
}

static struct injector injector = {
	.what = "fault",
	.kinds = { [SLAB] = "slab", [PAGE] = "page", [USERCOPY] = "user copy" },
	.arm = fault_arm,
	.disarm = fault_disarm,
	.fits = fault_fits,
	.late = fault_late,
	.harms = fault_harms,
	.loud = fault_loud,
};

#define KIND(k)		(1u << (k))
#define ALL_KINDS	(KIND(SLAB) | KIND(PAGE) | KIND(USERCOPY))

/* vm/debug.config has fault injection, so that it can't get lost there without a word. */
static int without_faults(void)
{
	const char *debug = getenv("KFD_CRIU_DEBUG");

	return debug && *debug == '1' ? BROKEN : UNFIT;
}

static void faults(struct scene *s, const struct sweep_op *op, unsigned int must,
		   unsigned int seconds)
{
	STOP(without_faults(), faults_ready(s), "no fault injection");
	sweep(s, op, must, seconds);
}

ROW(process_info_survives_faults, 0)
{
	faults(s, &sweep_ops[KFD_CRIU_OP_PROCESS_INFO], KIND(SLAB) | KIND(USERCOPY), 15);
}

ROW(checkpoint_survives_faults, 0)
{
	faults(s, &sweep_ops[KFD_CRIU_OP_CHECKPOINT], ALL_KINDS, 15);
}

ROW(first_checkpoint_survives_faults, 0)
{
	faults(s, &sweep_first_checkpoint, ALL_KINDS, 25);
}

#define REQUIRE_V1()								\
	REQUIRE(s->here.gpu[0].num_xcc == 1 && s->here.gpu[1].num_xcc == 1,	\
		"version 1 has the queue of one XCC")

ROW(checkpoint_v1_survives_faults, 0)
{
	REQUIRE_V1();
	faults(s, &sweep_checkpoint_v1, ALL_KINDS, 15);
}

ROW(unpause_survives_faults, 0)
{
	faults(s, &sweep_ops[KFD_CRIU_OP_UNPAUSE], KIND(SLAB) | KIND(USERCOPY), 15);
}

ROW(restore_survives_faults, 0)
{
	faults(s, &sweep_ops[KFD_CRIU_OP_RESTORE], ALL_KINDS, 60);
}

ROW(restore_v1_survives_faults, 0)
{
	REQUIRE_V1();
	faults(s, &sweep_restore_v1, ALL_KINDS, 15);
}

/* Memory that a user pointer has not got is memory that is not there. */
static bool resume_fits(unsigned int kind, int err)
{
	return fault_fits(kind, err) || (kind != USERCOPY && (err == -EFAULT || err == -EAGAIN));
}

ROW(resume_survives_faults, 0)
{
	injector.fits = resume_fits;
	faults(s, &sweep_ops[KFD_CRIU_OP_RESUME], KIND(SLAB) | KIND(USERCOPY), 40);
}

/* --- FREE, which a caller repeats when it has failed --- */

#define FREED_VA	SCENE_VA(64)
/* No FREE asks for so much. */
#define FREED_FAULTS	100u

static int free_once(struct ctx *c, uint64_t handle)
{
	struct kfd_ioctl_free_memory_of_gpu_args args = { .handle = handle };

	return ioctl(c->k.fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args) ? -errno : 0;
}

/* The GPU writes to the BO, for a user pointer to the pages that are there now. */
static int bo_works(struct ctx *c, struct kfd_bo *bo)
{
	TRY(c, kfd_bo_map(&c->k, bo, 1u << GPU_B));
	if (bo->flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR)
		NEED(c, !madvise(bo->cpu, KFD_PAGE, MADV_DONTNEED), "madvise: %s",
		     strerror(errno));
	sdma_fence(&c->spare, bo->va, ++c->fence);
	kfd_queue_submit(&c->spare);
	NEED(c, kfd_wait32(bo->cpu, c->fence, c->s->wait_ms),
	     "what the GPU writes does not get to a BO whose FREE has failed");
	TRY(c, kfd_bo_unmap(&c->k, bo, 1u << GPU_B));
	return 0;
}

/* arg[0]: flags, arg[1]: which fault; c->result: what FREE says, 0 if the fault did not come */
static int call_free_with_fault(struct ctx *c)
{
	const bool doorbell = c->arg[0] & KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL;
	unsigned int left = 0, kind = SLAB;
	struct kfd_bo bo;
	int r;

	if (c->arg[0] & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR)
		NEED(c, map_pages(c, FREED_VA, KFD_PAGE, -1) != MAP_FAILED, "mmap: %s",
		     strerror(errno));
	TRY(c, kfd_bo_create(&c->k, &bo, GPU_B, FREED_VA, doorbell ? 2 * KFD_PAGE : KFD_PAGE,
			     c->arg[0], 1u << GPU_B));
	TRY(c, kfd_bo_unmap(&c->k, &bo, 1u << GPU_B));
	TRY(c, fault_arm(c->arg[1]));
	r = free_once(c, bo.handle);
	TRY(c, fault_disarm(&left, &kind));
	NEED(c, !r || (!left && fault_fits(kind, r)), "FREE: %s", strerror(-r));
	c->arg[1] = left;
	c->result = r;
	if (r && kind != USERCOPY) {
		if (!doorbell && bo_works(c, &bo))
			return -1;
		TRY(c, free_once(c, bo.handle));
	} else if (r) {
		/* of the arguments, which go in before FREE and come out after it */
		r = free_once(c, bo.handle);
		NEED(c, !r || r == -EINVAL, "FREE after a failed copy: %s", strerror(-r));
	}
	NEED(c, free_once(c, bo.handle) == -EINVAL, "a BO that is free can be freed again");
	if (bo.cpu)
		munmap(bo.cpu, bo.size);
	return 0;
}

static int call_build_for_free(struct ctx *c)
{
	TRY(c, kfd_open_all(&c->k));
	return make_bo(c, BO_DOORBELL_A) || make_bo(c, BO_DOORBELL_B) ||
	       call_build_idle_queues(c) ? -1 : 0;
}

/* A FREE that fails, of which a signal is the usual reason, leaves the BO as it was. */
ROW(free_survives_faults, S_NO_JOB)
{
	static const uint32_t flags[] = {
		KFD_BO_GTT, KFD_BO_VRAM, KFD_BO_USERPTR, KFD_BO_DOORBELL,
	};
	unsigned int i, n, failed;

	STOP(without_faults(), faults_ready(s), "no fault injection");
	SETUP(!spawn(s, SRC) && !call(SRC, call_build_for_free), "process");
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		failed = 0;
		for (n = 1; n < FREED_FAULTS; n++) {
			SRC->c.arg[0] = flags[i];
			SRC->c.arg[1] = n;
			CHECK(!call(SRC, call_free_with_fault), "FREE of BO %u, fault %u", i, n);
			if (SRC->c.arg[1])
				break;
			failed += SRC->c.result == -ENOMEM;
		}
		CHECK(n < FREED_FAULTS, "FREE of BO %u asks for memory without end", i);
		CHECK(failed, "no FREE of BO %u failed for want of memory", i);
	}
}

TEST_HARNESS_MAIN
