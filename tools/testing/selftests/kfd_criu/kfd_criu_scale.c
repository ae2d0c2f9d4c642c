// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint and restore of a large process: many of everything, on all GPUs.
 *
 * Beside the process lives a neighbour, which notices what holds it up: a timer,
 * and calls of its own to KFD.  Dumper and restored process live in memory cgroups,
 * which tell what they are charged for, and what happens when that is too much.
 *
 * KFD_CRIU_SOAK=1 in the environment makes the process as large as promised:
 * KFD_SCALE_BOS, _EVENTS, _QUEUES and _RANGES set a number each.
 */
#define _GNU_SOURCE
#include <sys/mount.h>
#include "kfd_criu_image_edit.h"
#include "kfd_criu_large.h"

#define MAX_EVENTS	4000u

/* Beside the addresses of the scene, whose objects are not made here. */
#define SMALL_VA(i)	(0x1000000000ULL + (uint64_t)(i) * KFD_PAGE)
#define FENCE_VA	0x1900000000ULL
#define SIGNAL_VA	0x1a00000000ULL
#define PAGE_VA		0x1b00000000ULL
#define RANGE_VA(i)	(0x1c00000000ULL + (uint64_t)(i) * 2 * KFD_PAGE)
#define COPY_VA		0x2000000000ULL

/* BOs and ranges that are looked at. */
#define SAMPLES		128u
#define SEED_SMALL(i)	(7000u + (i))
#define SEED_RANGE(i)	(900000u + (i))

/* Memory of GPUs that the neighbour may have taken. */
#define NEIGHBOUR	(8ULL << 20)
/* The neighbour's timer, and what may hold up an emulated machine on a busy host. */
#define TICK_MS		50u
#define LATE_MS		10000u
#define LATE_DEBUG_MS	60000u

enum phase { BUILD, OVER_LIMIT, CHECKPOINT, RESTORE, RESUME, VERIFY, PHASES };

static const char * const phase_names[PHASES] = {
	"build", "over the limit", "CHECKPOINT", "RESTORE", "RESUME", "verify"
};

/**
 * struct scale - what the processes tell each other
 * @bos, @events, @queues, @ranges: how many there are to be, and then are
 * @small: those of the BOs that are of a page
 * @step, @range_step: one of so many is a sample
 * @tag: what queues write
 * @phase, @late, @slow: the neighbour's: longest delay of the timer and of a call in ms
 * @laps: how often it got round
 */
struct scale {
	unsigned int bos, events, queues, ranges, small, step, range_step;
	struct many_queues made;
	struct kfd_event ev[MAX_EVENTS];
	struct kfd_bo fences, signals, page, copy;
	uint32_t tag;
	volatile enum phase phase;
	volatile unsigned int late[PHASES], slow[PHASES], laps;
	volatile bool stop, broken;
	void *samples[SAMPLES + 1];
};

static struct scale *m;
static uint64_t began[PHASES], took[PHASES];

static unsigned int number(const char *name, unsigned int bounded, unsigned int full)
{
	const char *soak = getenv("KFD_CRIU_SOAK"), *s = getenv(name);

	return s && *s ? strtoul(s, NULL, 0) : soak && atoi(soak) ? full : bounded;
}

static bool debug_kernel(void)
{
	const char *debug = getenv("KFD_CRIU_DEBUG");

	return debug && atoi(debug);
}

/* --- the process --- */

static int make_small(struct ctx *c, unsigned int i)
{
	unsigned int gpu = i % c->k.ngpu;
	bool sample = i % m->step == 0;
	struct kfd_bo bo;

	TRY(c, kfd_bo_alloc(&c->k, &bo, gpu, SMALL_VA(i), KFD_PAGE,
			    i / c->k.ngpu % 2 ? KFD_BO_GTT : KFD_BO_VRAM));
	TRY(c, kfd_bo_map(&c->k, &bo, 1u << gpu));
	if (!sample)
		return 0;
	TRY(c, kfd_bo_mmap(&c->k, &bo));
	scene_fill(bo.cpu, KFD_PAGE, SEED_SMALL(i));
	return 0;
}

static int make_shared(struct ctx *c)
{
	unsigned int all = (1u << c->k.ngpu) - 1;

	TRY(c, kfd_bo_create(&c->k, &m->fences, 0, FENCE_VA, MAX_QUEUES * 8, KFD_BO_GTT, all));
	TRY(c, kfd_bo_create(&c->k, &m->signals, 0, SIGNAL_VA, MAX_QUEUES * 64, KFD_BO_GTT, all));
	TRY(c, kfd_bo_create(&c->k, &m->copy, 0, COPY_VA, (SAMPLES + 1) * KFD_PAGE, KFD_BO_GTT,
			     all));
	TRY(c, kfd_event_page(&c->k, &m->page, PAGE_VA));
	return make_queue_buffers(c, &m->made);
}

static int make_ranges(struct ctx *c)
{
	struct kfd_ioctl_svm_attribute attr[2];
	uint64_t size = RANGE_VA(m->ranges) - RANGE_VA(0);
	unsigned int i;

	NEED(c, map_pages(c, RANGE_VA(0), size, -1) != MAP_FAILED, "mmap: %s", strerror(errno));
	for (i = 0; i < m->ranges; i++) {
		scene_fill((void *)(uintptr_t)RANGE_VA(i), KFD_PAGE, SEED_RANGE(i));
		attr[0].type = KFD_IOCTL_SVM_ATTR_ACCESS;
		attr[0].value = c->k.gpu[i % c->k.ngpu].gpu_id;
		attr[1].type = KFD_IOCTL_SVM_ATTR_SET_FLAGS;
		attr[1].value = KFD_IOCTL_SVM_FLAG_COHERENT |
				KFD_IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED;
		TRY(c, kfd_svm_set(&c->k, RANGE_VA(i), KFD_PAGE, attr, 2));
	}
	return 0;
}

static int call_build_scale(struct ctx *c)
{
	unsigned int i, taken;
	int r = 0;

	TRY(c, kfd_open_all(&c->k));
	if (make_shared(c))
		return -1;
	for (i = 0; i < m->queues && !r; i++) {
		r = make_queue(c, &m->made, i);
		if (r < 0)
			return r;
	}
	/* as many as the driver gives; the two BOs of the one too many stay */
	taken = 4 + 3 * c->k.ngpu + 2 * i;
	m->queues = r ? i - 1 : i;
	for (i = 0; i < m->events; i++)
		TRY(c, kfd_event_create(&c->k, &m->ev[i], KFD_IOC_EVENT_SIGNAL, true,
					i ? NULL : &m->page));
	m->small = m->bos - taken;
	m->step = (m->small + SAMPLES - 1) / SAMPLES;
	for (i = 0; i < m->small; i++)
		if (make_small(c, i))
			return -1;
	return make_ranges(c);
}

/* Each queue writes a word of its own. */
static int call_all_queues_work(struct ctx *c)
{
	const uint64_t none[5] = { 0 };
	unsigned int i;

	m->tag++;
	for (i = 0; i < m->queues; i++) {
		struct kfd_queue *q = &m->made.q[i];
		struct hsa_signal *s = (struct hsa_signal *)m->signals.cpu + i;

		if (q->kind == KFD_Q_SDMA) {
			sdma_fence(q, FENCE_VA + i * 8, m->tag);
		} else if (q->kind == KFD_Q_PM4) {
			pm4_release_mem(q, FENCE_VA + i * 8, m->tag, 0);
		} else {
			hsa_signal_init(s, 1, NULL, NULL);
			aql_barrier_and(q, none, SIGNAL_VA + i * 64);
		}
		kfd_queue_submit(q);
	}
	for (i = 0; i < m->queues; i++) {
		struct kfd_queue *q = &m->made.q[i];
		struct hsa_signal *s = (struct hsa_signal *)m->signals.cpu + i;
		bool ok = q->kind == KFD_Q_AQL ?
			  kfd_wait64((uint64_t *)&s->value, 0, c->s->wait_ms) :
			  kfd_wait32((uint32_t *)((char *)m->fences.cpu + i * 8), m->tag,
				     c->s->wait_ms);

		NEED(c, ok, "queue %u of %u, of kind %u, does not run", i, m->queues, q->kind);
	}
	return 0;
}

/* Mapped anew, where the samples' mappings were. */
static int call_read_bos(struct ctx *c)
{
	unsigned int i, bad;

	for (i = 0; i < m->small; i += m->step) {
		bad = scene_bad((void *)(uintptr_t)SMALL_VA(i), KFD_PAGE, SEED_SMALL(i));
		NEED(c, !bad, "%u words wrong in BO %u", bad, i);
	}
	return 0;
}

static struct kfd_queue *sdma_of(unsigned int gpu)
{
	unsigned int i;

	for (i = gpu; i < m->queues; i++)
		if (m->made.q[i].gpu == gpu && m->made.q[i].kind == KFD_Q_SDMA)
			return &m->made.q[i];
	return NULL;
}

/* The GPU that has access to the range reads it. */
static int call_read_ranges(struct ctx *c)
{
	volatile uint32_t *fence = m->fences.cpu;
	unsigned int i, n = 0, bad;
	struct kfd_queue *q;

	for (i = 0; i < m->ranges; i += m->range_step, n++) {
		q = sdma_of(i % c->k.ngpu);
		NEED(c, q, "no SDMA queue");
		memset((char *)m->copy.cpu + n * KFD_PAGE, 0, KFD_PAGE);
		sdma_copy(q, COPY_VA + n * KFD_PAGE, RANGE_VA(i), KFD_PAGE);
		sdma_fence(q, FENCE_VA, ++m->tag);
		kfd_queue_submit(q);
		NEED(c, kfd_wait32(fence, m->tag, c->s->wait_ms), "no copy from range %u", i);
		bad = scene_bad((char *)m->copy.cpu + n * KFD_PAGE, KFD_PAGE, SEED_RANGE(i));
		NEED(c, !bad, "%u words wrong in range %u", bad, i);
	}
	return 0;
}

static int call_events_fire(struct ctx *c)
{
	struct kfd_queue *q = sdma_of(0);
	unsigned int i;

	NEED(c, q, "no SDMA queue");
	for (i = 0; i < m->events; i += m->events / 20 + 1) {
		NEED(c, kfd_event_wait(&c->k, &m->ev[i], 0, NULL) == -ETIMEDOUT,
		     "event %u is signalled", i);
		sdma_signal(q, &m->page, &m->ev[i]);
		kfd_queue_submit(q);
		NEED(c, !kfd_event_wait(&c->k, &m->ev[i], c->s->wait_ms, NULL),
		     "event %u does not fire", i);
	}
	return 0;
}

/* --- its restored copy --- */

static int call_restore_scale(struct ctx *c)
{
	static const unsigned int straight[KFD_MAX_GPUS] = { 0, 1, 2, 3, 4, 5, 6, 7 };

	TRY(c, kfd_criu_restore(&c->k, &c->s->img, straight));
	return 0;
}

static bool is_sample(const struct kfd_criu_bo_bucket *b)
{
	uint64_t i = (b->addr - SMALL_VA(0)) / KFD_PAGE;

	return b->addr >= SMALL_VA(0) && i < m->small && i % m->step == 0;
}

static void *bo_window(struct ctx *c, const struct kfd_criu_bo_bucket *b, int drm_fd)
{
	bool doorbell = b->alloc_flags & KFD_IOC_ALLOC_MEM_FLAGS_DOORBELL;

	return mmap((void *)(uintptr_t)b->addr, b->size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, doorbell ? c->k.fd : drm_fd, b->restored_offset);
}

/* Contents of samples, mappings and contents of all that is not small; ranges' memory. */
static int call_load_scale(struct ctx *c)
{
	struct kfd_image *img = &c->s->img;
	unsigned int i, d;
	uint64_t size;
	void *p;

	for (i = 0; i < img->info.num_bos; i++) {
		struct kfd_criu_bo_bucket *b = &img->bos[i];

		if (b->dmabuf_fd != (uint32_t)-1)
			close(b->dmabuf_fd);
		if (b->addr >= SMALL_VA(0) && b->addr < SMALL_VA(m->small) && !is_sample(b))
			continue;
		for (d = 0; d < c->k.ngpu && c->k.gpu[d].gpu_id != b->gpu_id; d++)
			;
		NEED(c, d < c->k.ngpu, "a BO of no GPU");
		p = bo_window(c, b, c->k.gpu[d].drm_fd);
		NEED(c, p != MAP_FAILED, "mapping of BO %u: %s", i, strerror(errno));
		if (img->contents[i])
			memcpy(p, img->contents[i], b->size);
	}
	size = RANGE_VA(m->ranges) - RANGE_VA(0);
	NEED(c, map_pages(c, RANGE_VA(0), size, -1) != MAP_FAILED, "mmap: %s", strerror(errno));
	for (i = 0; i < m->ranges; i++)
		scene_fill((void *)(uintptr_t)RANGE_VA(i), KFD_PAGE, SEED_RANGE(i));
	return 0;
}

/* --- the neighbour --- */

static unsigned int ms_since(uint64_t then)
{
	return scene_clock() - then;
}

static void worst(volatile unsigned int *max, unsigned int ms)
{
	if (ms > *max)
		*max = ms;
}

static void neighbour(void)
{
	struct kfd_event_data d;
	struct kfd_event ev;
	struct timespec t;
	struct kfd_bo bo, page;
	uint64_t then;
	struct kfd k;
	bool ok;

	ok = !kfd_open(&k) && !kfd_acquire(&k, 0) && !kfd_event_page(&k, &page, PAGE_VA) &&
	     !kfd_event_create(&k, &ev, KFD_IOC_EVENT_SIGNAL, true, &page);
	clock_gettime(CLOCK_MONOTONIC, &t);
	while (ok && !m->stop) {
		enum phase phase = m->phase;

		then = scene_clock() + TICK_MS;
		t.tv_sec = then / 1000;
		t.tv_nsec = then % 1000 * 1000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		worst(&m->late[phase], ms_since(then));

		then = scene_clock();
		ok = !kfd_event_create(&k, &ev, KFD_IOC_EVENT_SIGNAL, true, NULL) &&
		     !kfd_event_set(&k, &ev) && !kfd_event_wait(&k, &ev, 60000, &d) &&
		     !kfd_event_destroy(&k, &ev) &&
		     !kfd_bo_create(&k, &bo, 0, 0, KFD_PAGE, KFD_BO_GTT, 1) &&
		     !kfd_bo_destroy(&k, &bo);
		worst(&m->slow[phase], ms_since(then));
		m->laps += ok;
	}
	m->broken = !ok;
	_exit(0);
}

/* --- memory cgroups --- */

#define CGROUPS		"/tmp/kfd_criu_scale.cgroup"

static bool have_memcg;

static int cgroup_put(const char *group, const char *file, long long value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), CGROUPS "/%s/%s", group, file);
	snprintf(text, sizeof(text), "%lld", value);
	return kfd_write_text(path, text);
}

/* A number from a file of lines "name number", or of a number alone. */
static long long cgroup_get(const char *group, const char *file, const char *name)
{
	char path[128], line[128];
	long long v = -1;
	size_t n = name ? strlen(name) : 0;
	FILE *f;

	snprintf(path, sizeof(path), CGROUPS "/%s/%s", group, file);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!n || (!strncmp(line, name, n) && line[n] == ' '))
			v = strtoll(line + n, NULL, 10);
	if (f)
		fclose(f);
	return v;
}

static void cgroup_begin(void)
{
	char path[128];
	unsigned int i;
	static const char * const groups[] = { "dumper", "restored", "limited" };

	mkdir(CGROUPS, 0700);
	if (mount("none", CGROUPS, "cgroup2", 0, NULL) ||
	    kfd_write_text(CGROUPS "/cgroup.subtree_control", "+memory"))
		return;
	have_memcg = true;
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		snprintf(path, sizeof(path), CGROUPS "/%s", groups[i]);
		if (mkdir(path, 0700) && errno != EEXIST)
			have_memcg = false;
	}
}

static void cgroup_end(void)
{
	kfd_write_text(CGROUPS "/cgroup.procs", "0");
	rmdir(CGROUPS "/dumper");
	rmdir(CGROUPS "/restored");
	rmdir(CGROUPS "/limited");
	umount2(CGROUPS, MNT_DETACH);
	rmdir(CGROUPS);
}

/* Kernel memory that a group is charged for, once the kernel has added it up. */
static long long charged(const char *group)
{
	if (!have_memcg)
		return 0;
	usleep(2500000);
	return cgroup_get(group, "memory.stat", "kernel");
}

/* --- allocations of more than eight pages --- */

#define TRACING		"/sys/kernel/tracing/instances/kfd_criu_scale"
#define TRACED		TRACING "/events/kmem/mm_page_alloc"
#define FAIL		"/sys/kernel/debug/fail_page_alloc"
/* The files tell in times how many failures are left. */
#define TIMES		1000000000

static bool traced, failing;

/* Watch the calling process and @pid; where the kernel can, none of theirs succeeds. */
static void watch_orders(pid_t pid)
{
	char text[128];

	mkdir(TRACING, 0700);
	snprintf(text, sizeof(text), "order > 3 && (common_pid == %d || common_pid == %d)",
		 getpid(), pid);
	traced = !kfd_write_text(TRACED "/filter", text) &&
		 !kfd_write_text(TRACED "/enable", "1");
	failing = !access(FAIL, W_OK) &&
		  !kfd_write_text(FAIL "/task-filter", "1") &&
		  !kfd_write_text(FAIL "/min-order", "4") &&
		  !kfd_write_text(FAIL "/ignore-gfp-wait", "0") &&
		  !kfd_write_text(FAIL "/ignore-gfp-highmem", "0") &&
		  !kfd_write_text(FAIL "/probability", "100") &&
		  !kfd_write_text(FAIL "/interval", "1") &&
		  !kfd_write_text(FAIL "/verbose", "0") &&
		  !kfd_write_text(FAIL "/times", "1000000000");
	kfd_write_text("/proc/self/make-it-fail", "1");
	snprintf(text, sizeof(text), "/proc/%d/make-it-fail", pid);
	kfd_write_text(text, "1");
}

/* One that is sure to be seen: a huge page. */
static void ask_for_huge_page(void)
{
	const size_t huge = 2 << 20;
	char *p = mmap(NULL, 2 * huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return;
	madvise(p, 2 * huge, MADV_HUGEPAGE);
	*(volatile char *)((uintptr_t)(p + huge - 1) & ~(huge - 1)) = 1;
	munmap(p, 2 * huge);
}

/*
 * Lines of the trace with allocations that are meant: what may fail, because
 * something smaller does as well, says so.  @seen: all lines.
 */
static unsigned int large_orders(unsigned int *seen, char *first, size_t len)
{
	FILE *f = fopen(TRACING "/trace", "re");
	unsigned int n = 0;
	char line[512];

	*seen = 0;
	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, "mm_page_alloc:"))
			continue;
		++*seen;
		if (strstr(line, "__GFP_NORETRY") || strstr(line, "GFP_TRANSHUGE"))
			continue;
		if (!n++)
			snprintf(first, len, "%s", strstr(line, "mm_page_alloc:"));
	}
	if (f)
		fclose(f);
	return n;
}

static void unwatch_orders(void)
{
	kfd_write_text(TRACED "/enable", "0");
	if (failing)
		kfd_write_text(FAIL "/probability", "0");
	kfd_write_text("/proc/self/make-it-fail", "0");
}

/* --- the test --- */

static void enter(enum phase phase)
{
	uint64_t now = scene_clock();

	took[m->phase] += now - began[m->phase];
	began[phase] = now;
	m->phase = phase;
}

static double seconds(enum phase phase)
{
	return took[phase] / 1000.0;
}

/* A result; what it is about stands in s->why when it is not good. */
static bool judge(struct scene *s, bool ok, const char *what)
{
	if (!ok && s->why[0])
		ksft_print_msg("%s\n", s->why);
	ksft_test_result(ok, "%s\n", what);
	fflush(stdout);
	s->why[0] = 0;
	return ok;
}

static void skip(const char *what, const char *why)
{
	ksft_cnt.ksft_xskip++;
	printf("ok %u %s # SKIP %s\n", ksft_test_num(), what, why);
}

/* Entries of an image's records of one type; each queue has a record. */
static unsigned int entries(const struct kfd_image *img, unsigned int type)
{
	const uint8_t *p = img->priv + img_get32(img->priv + IMG_HEADER_SIZE);
	const uint8_t *end = img->priv + img->info.priv_data_size;
	unsigned int n = 0;

	for (; p < end; p += REC_HEADER + img_get32(p + REC_SIZE))
		if ((img_get32(p + REC_TYPE) & 0xffff) == type)
			n += img_get32(p + REC_COUNT);
	return n;
}

static bool all_there(struct scene *s, const struct kfd_image *img)
{
	unsigned int bos = entries(img, IMG_BOS), queues = entries(img, IMG_QUEUE);
	unsigned int events = entries(img, IMG_EVENTS), ranges = entries(img, IMG_RANGES);

	if (img_is_v2(img) && bos == m->bos && queues == m->queues && events == m->events &&
	    ranges == m->ranges && entries(img, IMG_DEVICES) == s->here.ngpu)
		return true;
	note(s, "%u BOs, %u queues, %u events, %u ranges", bos, queues, events, ranges);
	return false;
}

/* Contents of samples and of what the process needs to go on. */
static int save_contents(struct scene *s)
{
	struct kfd_image *img = &s->img;
	unsigned int i;
	int r = 0;

	for (i = 0; i < img->info.num_bos; i++) {
		struct kfd_criu_bo_bucket *b = &img->bos[i];
		bool small = b->addr >= SMALL_VA(0) && b->addr < SMALL_VA(m->small);
		unsigned int g;
		void *p;

		if (b->dmabuf_fd == (uint32_t)-1)
			continue;
		for (g = 0; g < s->here.ngpu && s->here.gpu[g].gpu_id != b->gpu_id; g++)
			;
		if (!r && (!small || is_sample(b))) {
			p = kfd_dmabuf_mmap(s->here.gpu[g].drm_fd, b->dmabuf_fd, b->size);
			img->contents[i] = mmap(NULL, b->size, PROT_READ | PROT_WRITE,
						MAP_SHARED | MAP_ANONYMOUS, -1, 0);
			if (p == MAP_FAILED || img->contents[i] == MAP_FAILED) {
				r = -errno;
				img->contents[i] = NULL;
			} else {
				memcpy(img->contents[i], p, b->size);
			}
			if (p != MAP_FAILED)
				munmap(p, b->size);
		}
		close(b->dmabuf_fd);
		b->dmabuf_fd = -1;
	}
	return r;
}

/* --- what is too much for a cgroup --- */

/* A dumper that comes as far as CHECKPOINT. */
static int prepare_checkpoint(struct proc *p, struct kfd_ioctl_criu_args *args)
{
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_ANONYMOUS;
	int fd = grab(p);

	if (fd < 0 || kfd_criu_process_info(fd, args))
		return -1;
	args->devices = (uintptr_t)mmap(NULL, KFD_PAGE, prot, flags, -1, 0);
	args->bos = (uintptr_t)mmap(NULL, args->num_bos * sizeof(struct kfd_criu_bo_bucket), prot,
				    flags, -1, 0);
	args->priv_data = (uintptr_t)mmap(NULL, args->priv_data_size, prot, flags, -1, 0);
	args->op = KFD_CRIU_OP_CHECKPOINT;
	return fd;
}

/* A process with an image that is not in memory of its own. */
static int prepare_restore(const struct kfd_image *huge, struct kfd_ioctl_criu_args *args)
{
	*args = huge->info;
	args->op = KFD_CRIU_OP_RESTORE;
	return open("/dev/kfd", O_RDWR | O_CLOEXEC);
}

/*
 * What the group may have beyond what it has: less than the image, as even what CPUs
 * hold in advance (64 pages) does not suffice for image and buckets.
 */
#define ROOM		0x10000
#define IN_ADVANCE	(64 * KFD_PAGE)
/* What the image has of a BO. */
#define RECORD_SIZE	32

/* Everything before fits. */
static int be_limited(struct proc *p, const struct kfd_image *huge, int to, int from)
{
	struct kfd_ioctl_criu_args args;
	int fd = huge ? prepare_restore(huge, &args) : prepare_checkpoint(p, &args), r;
	char byte = 0;

	if (fd < 0 || write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1)
		return 200;
	r = ioctl(fd, AMDKFD_IOC_CRIU_OP, &args) ? errno : 0;
	if (!huge && (kfd_criu_unpause(fd) || kfd_release(p->pid)))
		return 201;
	return r;
}

/* ENOMEM for who asks for too much, and nobody is killed. */
static bool over_limit(struct scene *s, struct proc *p, const struct kfd_image *huge)
{
	int status = -1, there[2], back[2];
	bool ok = false;
	char byte;
	pid_t pid;

	if (pipe(there) || pipe(back))
		return false;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (cgroup_put("limited", "cgroup.procs", 0))
			_exit(202);
		_exit(be_limited(p, huge, there[1], back[0]));
	}
	close(there[1]);
	if (read(there[0], &byte, 1) == 1 &&
	    !cgroup_put("limited", "memory.max",
			cgroup_get("limited", "memory.current", NULL) + ROOM))
		ok = write(back[1], &byte, 1) == 1;
	ok = waitpid(pid, &status, 0) == pid && ok;
	close(there[0]);
	close(back[0]);
	close(back[1]);
	cgroup_put("limited", "memory.max", 1LL << 40);
	if (ok && WIFEXITED(status) && WEXITSTATUS(status) == ENOMEM &&
	    !cgroup_get("limited", "memory.events", "oom_kill"))
		return true;
	note(s, "wait status %#x, %lld killed", status,
	     cgroup_get("limited", "memory.events", "oom_kill"));
	return false;
}

/* 64 MiB that begin as an image does. */
static bool huge_image(struct kfd_image *img)
{
	const size_t size = 64 << 20;

	memset(img, 0, sizeof(*img));
	img->priv = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (img->priv == MAP_FAILED)
		return false;
	memset(img->priv, 2, size);
	img->info.priv_data = (uintptr_t)img->priv;
	img->info.priv_data_size = size;
	img->info.devices = img->info.priv_data;
	img->info.num_devices = 1;
	return true;
}

/* --- the test --- */

#define RESULTS		16

static void refuse_what_is_too_much(struct scene *s)
{
	struct kfd_image huge;

	if (!have_memcg) {
		skip("CHECKPOINT over the limit", "no memory cgroups");
		skip("RESTORE over the limit", "no memory cgroups");
		return;
	}
	/* Of a small process the kernel's own allocations, for files, are the first too many. */
	if (m->bos * (sizeof(struct kfd_criu_bo_bucket) + RECORD_SIZE) <= ROOM + IN_ADVANCE)
		skip("CHECKPOINT over the limit", "too few BOs for that");
	else
		judge(s, over_limit(s, &s->p[0], NULL) && !call(&s->p[0], call_all_queues_work),
		      "CHECKPOINT over the limit of a cgroup is ENOMEM");
	judge(s, huge_image(&huge) && over_limit(s, NULL, &huge),
	      "RESTORE over the limit of a cgroup is ENOMEM");
	if (huge.priv != MAP_FAILED)
		munmap(huge.priv, huge.info.priv_data_size);
}

static void judge_charge(struct scene *s, long long before, long long after, const char *what)
{
	/* image and buckets are kept, to be looked at in debugfs */
	long long kept = s->img.info.priv_data_size +
			 s->img.info.num_bos * sizeof(struct kfd_criu_bo_bucket);

	if (!have_memcg) {
		skip(what, "no memory cgroups");
		return;
	}
	if (after - before < kept)
		note(s, "%lld bytes of kernel memory before, %lld after, for %lld", before, after,
		     kept);
	ksft_print_msg("%s: charged for %lld KiB of kernel memory\n", what,
		       (after - before) >> 10);
	judge(s, after - before >= kept, what);
}

static void judge_orders(struct scene *s)
{
	unsigned int seen, large;
	char first[256] = "";
	long long left = failing ? get_number(FAIL "/times") : TIMES;

	unwatch_orders();
	large = large_orders(&seen, first, sizeof(first));
	if (!traced) {
		skip("no allocation above order 3", "a kernel without the tracepoint");
		return;
	}
	if (large)
		note(s, "%u allocations above order 3: %s", large, first);
	/* failures come before the tracepoint: nothing reaches it then */
	if (failing ? left >= TIMES : !seen)
		note(s, "the huge page that was asked for was not seen");
	ksft_print_msg("above order 3: %u tried that may fail, %lld made to fail\n", seen - large,
		       TIMES - left);
	judge(s, !s->why[0], "no allocation above order 3");
	rmdir(TRACING);
}

static void judge_neighbour(struct scene *s)
{
	unsigned int limit = debug_kernel() ? LATE_DEBUG_MS : LATE_MS, i;

	for (i = 0; i < PHASES; i++) {
		ksft_print_msg("%s: %.1f s; a neighbour's timer %u ms late, its calls %u ms\n",
			       phase_names[i], seconds(i), m->late[i], m->slow[i]);
		if (m->late[i] > limit || m->slow[i] > limit)
			note(s, "%s holds the neighbour up", phase_names[i]);
	}
	if (m->broken || !m->laps)
		note(s, "the neighbour failed after %u laps", m->laps);
	judge(s, !s->why[0], "a neighbour is not held up");
}

static int checkpoint(struct proc *p, struct kfd_image *img)
{
	int fd = grab(p), r;

	if (fd < 0)
		return fd;
	r = kfd_criu_checkpoint(fd, img);
	if (r)
		kfd_criu_unpause(fd);
	close(fd);
	return r;
}

static int dump_scale(struct scene *s, unsigned long long before_all)
{
	long long before = charged("dumper"), after;
	int r;

	enter(CHECKPOINT);
	r = checkpoint(&s->p[0], &s->img);
	after = charged("dumper");
	if (r)
		note(s, "CHECKPOINT: %s", strerror(-r));
	if (!judge(s, !r && all_there(s, &s->img), "CHECKPOINT has all objects"))
		return -1;
	judge_charge(s, before, after, "charge of CHECKPOINT");
	r = save_contents(s);
	if (!r)
		r = reap(&s->p[0]);
	if (!r)
		r = wait_for_end(s, before_all + NEIGHBOUR);
	if (r)
		note(s, "contents, and the end of the process: %s", strerror(-r));
	return r;
}

static int restore_scale(struct scene *s)
{
	struct proc *p = &s->p[1];
	long long before, after;
	int r = spawn(s, p);

	if (r)
		return r;
	p->c = s->p[0].c;
	if (have_memcg)
		cgroup_put("restored", "cgroup.procs", p->pid);
	watch_orders(p->pid);
	ask_for_huge_page();
	before = charged("restored");
	enter(RESTORE);
	r = call(p, call_restore_scale);
	after = charged("restored");
	if (!judge(s, !r, "RESTORE"))
		return r;
	judge_charge(s, before, after, "charge of RESTORE");
	r = call(p, call_load_scale);
	enter(RESUME);
	r = r ? r : resume(s, p);
	if (r > 0 || r < -1)
		note(s, "RESUME: %s", strerror(-r));
	enter(VERIFY);
	judge(s, !r, "RESUME");
	return r;
}

static void verify_scale(struct scene *s)
{
	struct proc *p = &s->p[1];
	struct kfd_image again = {};
	unsigned int i;
	int r;

	judge(s, !call(p, call_read_bos), "bytes of BOs");
	judge(s, !call(p, call_read_ranges), "bytes of SVM ranges");
	judge(s, !call(p, call_all_queues_work), "every queue runs");
	judge(s, !call(p, call_events_fire), "events fire");
	r = checkpoint(p, &again);
	if (r)
		note(s, "second CHECKPOINT: %s", strerror(-r));
	judge(s, !r && all_there(s, &again), "all objects are there");
	for (i = 0; !r && i < again.info.num_bos; i++)
		if (again.bos[i].dmabuf_fd != (uint32_t)-1)
			close(again.bos[i].dmabuf_fd);
	kfd_image_free(&again);
}

static void all_of_it(struct scene *s, unsigned long long before)
{
	int r = spawn(s, &s->p[0]);

	r = r ? r : call(&s->p[0], call_build_scale);
	r = r ? r : call(&s->p[0], call_all_queues_work);
	if (!judge(s, !r, "a large process"))
		return;
	ksft_print_msg("TRIED: %u BOs, %u queues, %u events, %u SVM ranges on %u GPUs\n",
		       m->bos, m->queues, m->events, m->ranges, s->here.ngpu);
	enter(OVER_LIMIT);
	refuse_what_is_too_much(s);
	if (dump_scale(s, before)) {
		judge(s, false, "dump");
		return;
	}
	ksft_print_msg("image of %llu KiB, buckets of %zu KiB\n",
		       (unsigned long long)s->img.info.priv_data_size >> 10,
		       s->img.info.num_bos * sizeof(struct kfd_criu_bo_bucket) >> 10);
	if (restore_scale(s)) {
		unwatch_orders();
		return;
	}
	verify_scale(s);
	judge_orders(s);
}

/* Workers and fences give it back. */
static void judge_rest(struct scene *s, unsigned long long before)
{
	uint64_t end = scene_clock() + 60000;
	unsigned int i;

	for (i = 0; i < 3; i++)
		if (reap(&s->p[i]))
			note(s, "KFD keeps a process");
	while (used(s) > before && scene_clock() < end)
		usleep(20000);
	if (used(s) > before)
		note(s, "%llu bytes of GPU memory in use, %llu before", used(s), before);
	judge(s, !s->why[0], "nothing is left");
}

int main(void)
{
	struct scene *s = scene_new(0);
	unsigned long long before;
	unsigned int g, was;
	pid_t pid;

	ksft_print_header();
	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!s || m == MAP_FAILED)
		ksft_exit_fail_msg("no memory\n");
	if (!s->here.ngpu || access("/dev/kfd", R_OK | W_OK) || geteuid())
		ksft_exit_skip("no KFD on this machine, or not root\n");
	ksft_set_plan(RESULTS);
	s->wait_ms = 60000;
	s->call_ms = 1200000;
	m->bos = number("KFD_SCALE_BOS", debug_kernel() ? 500 : 5000, 100000);
	m->events = number("KFD_SCALE_EVENTS", 200, 1000);
	m->queues = number("KFD_SCALE_QUEUES", 64, MAX_QUEUES);
	m->ranges = number("KFD_SCALE_RANGES", 500, 10000);
	m->range_step = (m->ranges + SAMPLES - 1) / SAMPLES;
	if (m->events > MAX_EVENTS || m->queues > MAX_QUEUES)
		ksft_exit_fail_msg("so many there can't be\n");
	was = get_number("/proc/sys/vm/max_map_count");
	limits();
	cgroup_begin();
	if (have_memcg)
		cgroup_put("dumper", "cgroup.procs", 0);
	for (g = 0; g < s->here.ngpu; g++) {
		char path[64];

		snprintf(path, sizeof(path), "/dev/dri/renderD%d", s->here.gpu[g].render_minor);
		s->here.gpu[g].drm_fd = open(path, O_RDWR | O_CLOEXEC);
	}
	before = used(s);
	began[BUILD] = scene_clock();
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		neighbour();
	}
	all_of_it(s, before);
	enter(VERIFY);
	m->stop = true;
	waitpid(pid, NULL, 0);
	judge_neighbour(s);
	judge_rest(s, before);
	scene_free(s);
	if (have_memcg)
		cgroup_end();
	if (was) {
		char text[16];

		snprintf(text, sizeof(text), "%u", was);
		kfd_write_text("/proc/sys/vm/max_map_count", text);
	}
	ksft_finished();
}
