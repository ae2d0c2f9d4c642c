// SPDX-License-Identifier: GPL-2.0
/*
 * What checkpoint and restore of many objects of one kind cost: no test, a measurement.
 *
 * Each line "# BENCH:" is a figure: kernel, objects, GPUs, number, name, and a sample of each
 * round, or "-" and why there is none.  Costs are CPU time of whoever calls and, behind a
 * plus, of the kernel's workers until they have come to rest.  On a machine whose clock
 * counts instructions (vmtest.sh -b) they are instructions, and repeat; elsewhere they are
 * nanoseconds.
 *
 * usage: kfd_criu_bench [case [number]...]
 * KFD_BENCH_FULL=1 in the environment measures all cases, KFD_BENCH_ROUNDS sets how often;
 * with KFD_BENCH_ALONE=1, nobody but workers and hardware interrupts whoever is measured.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include "kfd_criu_expect.h"
#include "kfd_criu_large.h"

#define KIB		1024ULL
#define MIB		(1024 * KIB)

/* More than the rest of the machine may want of it, and page tables. */
#define SPARE		(48 * MIB)

/* Of a process, for compute and SDMA. */
#define GPU_QUEUES	127u

/* Slots of the signal page, but for that of id 0, which the driver keeps. */
#define SIGNALS		(KFD_SIGNAL_EVENT_LIMIT - 1)

#define BO_VA(size, i)	(0x1000000000ULL + (uint64_t)(i) * (size))
#define USER_VA		0x4000000000ULL
#define PAGE_VA		0x1b00000000ULL
#define RANGE_VA(i)	(0x1c00000000ULL + (uint64_t)(i) * 2 * KFD_PAGE)

/* A traced round comes first, and warms up. */
#define ROUNDS		5u
#define MAX_ROUNDS	9u

enum kind { BOS, QUEUES, EVENTS, RANGES };

/**
 * struct subject - what a process has many of
 * @name: as in the table; GPUs are added
 * @arg: as an argument
 * @flags, @size: of BOs, which are mapped on all GPUs
 * @bounded: the most of them without KFD_BENCH_FULL, on one GPU and on several
 * @numbers: how many, ended by 0
 */
static const struct subject {
	const char *name, *arg;
	enum kind kind;
	uint32_t flags;
	uint64_t size;
	unsigned int bounded, bounded_many;
	unsigned int numbers[5];
} subjects[] = {
	{ "VRAM 4 KiB", "vram4k", BOS, KFD_BO_VRAM, KFD_PAGE, 10000, 1000,
	  { 100, 1000, 10000, 100000 } },
	{ "GTT 4 KiB", "gtt4k", BOS, KFD_BO_GTT, KFD_PAGE, 10000, 1000,
	  { 100, 1000, 10000, 100000 } },
	{ "userptr 4 KiB", "userptr4k", BOS, KFD_BO_USERPTR, KFD_PAGE, 10000, 1000,
	  { 100, 1000, 10000, 100000 } },
	{ "VRAM 2 MiB", "vram2m", BOS, KFD_BO_VRAM, 2 * MIB, 100, 100,
	  { 100, 1000, 10000, 100000 } },
	{ "GTT 2 MiB", "gtt2m", BOS, KFD_BO_GTT, 2 * MIB, 100, 100,
	  { 100, 1000, 10000, 100000 } },
	{ "userptr 2 MiB", "userptr2m", BOS, KFD_BO_USERPTR, 2 * MIB, 100, 100,
	  { 100, 1000, 10000, 100000 } },
	{ "queue", "queues", QUEUES, 0, 0, 0, 0, { 128 } },
	{ "event", "events", EVENTS, 0, 0, 4096, 0, { 4096 } },
	{ "SVM range", "ranges", RANGES, 0, 0, 10000, 0, { 10000 } },
};

/* CPU time in ns. */
struct cost {
	uint64_t caller, workers;
};

enum figure { CREATE, PROCESS_INFO, CHECKPOINT, UNPAUSE, RESTORE, RESUME, FIGURES };

static const char * const figure_names[FIGURES] = {
	"create", "PROCESS_INFO", "CHECKPOINT", "UNPAUSE", "RESTORE", "RESUME"
};

/**
 * struct bench - what the processes share
 * @what, @n: of the process that is measured now
 * @round: from 0, which is the one that is traced, if @traced
 * @cost: of each round but the traced one
 * @error: of an operation that failed
 * @image: bytes
 * @peak, @left: bytes of kernel memory of CHECKPOINT and RESTORE, -1: not known
 * @args: of the operation that comes next
 */
static struct bench {
	const struct subject *what;
	unsigned int n, round, rounds;
	bool traced;
	struct cost cost[FIGURES][MAX_ROUNDS];
	int error[FIGURES];
	uint64_t image;
	long long peak[FIGURES], left[FIGURES];
	struct kfd_ioctl_criu_args args;
	struct many_queues made;
	struct kfd_bo page;
	int done[2];
} *m;

/* --- what an operation costs --- */

static uint64_t cpu_time(clockid_t id)
{
	struct timespec t;

	return clock_gettime(id, &t) ? 0 : t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Is a task of that number a worker? */
static bool is_worker(const char *pid)
{
	char path[64], name[16];
	int fd, r;

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	r = read(fd, name, 8);
	close(fd);
	return r == 8 && !memcmp(name, "kworker/", 8);
}

/*
 * With one CPU, others that wake up in the middle of a long system call have their turn at
 * its next cond_resched(), and the time since they woke up may be charged to them.  So who
 * is measured is a realtime task; and for the workers' sake, which are a part of what is
 * measured, the rest of the machine are batch jobs, which don't take anybody's place.
 */
static bool alone;

static void be_alone(void)
{
	static const struct sched_param param;
	DIR *dir = opendir("/proc");
	struct dirent *e;

	alone = true;
	while (dir && (e = readdir(dir)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && !is_worker(e->d_name))
			sched_setscheduler(atoi(e->d_name), SCHED_BATCH, &param);
	if (dir)
		closedir(dir);
}

static void be_first(bool first)
{
	const struct sched_param param = { .sched_priority = first };

	if (alone)
		sched_setscheduler(0, first ? SCHED_FIFO : SCHED_BATCH, &param);
}

/* Workers that were seen, each a process of its own, and what those had that have ended. */
static struct worker {
	int pid;
	uint64_t time;
	bool here;
} workers[512];

static unsigned int num_workers;
static uint64_t ended_workers;

static void see_worker(int pid)
{
	struct worker *w = workers;
	clockid_t id;

	while (w < workers + num_workers && w->pid != pid)
		w++;
	if (w == workers + ARRAY_SIZE(workers) || clock_getcpuclockid(pid, &id))
		return;
	if (w == workers + num_workers)
		num_workers++;
	w->pid = pid;
	w->time = cpu_time(id);
	w->here = true;
}

/* All of the time that workers have had. */
static uint64_t workers_time(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	unsigned int i;
	uint64_t sum;

	for (i = 0; i < num_workers; i++)
		workers[i].here = false;
	while (dir && (e = readdir(dir)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && is_worker(e->d_name))
			see_worker(atoi(e->d_name));
	if (dir)
		closedir(dir);
	for (i = 0; i < num_workers; i++) {
		if (!workers[i].here) {
			ended_workers += workers[i].time;
			workers[i--] = workers[--num_workers];
		}
	}
	for (i = 0, sum = ended_workers; i < num_workers; i++)
		sum += workers[i].time;
	return sum;
}

/* Until workers have had nothing to do for a while. */
static uint64_t settle(void)
{
	uint64_t now = workers_time(), before;
	unsigned int quiet = 0, i;

	for (i = 0; i < 1000 && quiet < 2; i++) {
		before = now;
		usleep(QUIET_MS * 1000);
		now = workers_time();
		/* what comes round once in a while is small */
		quiet = now - before < 30000 ? quiet + 1 : 0;
	}
	return now;
}

/*
 * The tick costs what a short operation costs.  That the same number of them is in it each
 * time, it begins at the same distance from one.
 */
static void wait_for_tick(void)
{
	const long tick = 4000000, behind = 500000;
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec = (t.tv_nsec / tick + 2) * tick + behind;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void begin(struct cost *c)
{
	c->workers = settle();
	wait_for_tick();
	be_first(true);
	c->caller = cpu_time(CLOCK_THREAD_CPUTIME_ID);
}

/* @figure: of this round, unless it is the traced one */
static void end(struct cost *c, enum figure figure)
{
	c->caller = cpu_time(CLOCK_THREAD_CPUTIME_ID) - c->caller;
	be_first(false);
	c->workers = settle() - c->workers;
	if (m->round)
		m->cost[figure][m->round - 1] = *c;
}

/* --- kernel memory, from the trace of its pages --- */

#define TRACING		"/sys/kernel/tracing/instances/kfd_criu_bench"
#define EVENTS_OF(what)	TRACING "/events/kmem/" what

static bool trace_open(unsigned int n)
{
	char text[16];

	mkdir(TRACING, 0700);
	snprintf(text, sizeof(text), "%u", n < 16000 ? 16000 : n > 128000 ? 128000 : n);
	return !kfd_write_text(TRACING "/buffer_size_kb", text) &&
	       !access(EVENTS_OF("mm_page_free"), F_OK);
}

static void trace_close(void)
{
	rmdir(TRACING);
}

static void trace_begin(void)
{
	char text[32];

	snprintf(text, sizeof(text), "common_pid == %d", getpid());
	kfd_write_text(EVENTS_OF("mm_page_alloc/filter"), text);
	kfd_write_text(EVENTS_OF("mm_page_free/filter"), text);
	/* it is empty then: the file is truncated */
	kfd_write_text(TRACING "/trace", "");
	kfd_write_text(EVENTS_OF("mm_page_alloc/enable"), "1");
	kfd_write_text(EVENTS_OF("mm_page_free/enable"), "1");
}

static void trace_end(void)
{
	kfd_write_text(EVENTS_OF("mm_page_alloc/enable"), "0");
	kfd_write_text(EVENTS_OF("mm_page_free/enable"), "0");
}

/* Bytes that a process had at most, and has at the end: of the kernel's, not of its own. */
static bool trace_read(long long *peak, long long *left)
{
	long long now = 0, most = 0;
	unsigned long long pfn;
	unsigned int order;
	char line[512], *p;
	uint8_t *mine;
	FILE *f;

	/* of 64 GiB */
	mine = mmap(NULL, 1 << 24, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	f = fopen(TRACING "/trace", "re");
	while (mine != MAP_FAILED && f && fgets(line, sizeof(line), f)) {
		bool alloc = strstr(line, " mm_page_alloc: ");

		if (strstr(line, "LOST")) {
			most = -1;
			break;
		}
		p = strstr(line, " pfn=");
		if (!p || sscanf(p, " pfn=%llx order=%u", &pfn, &order) != 2 || pfn >= 1 << 24)
			continue;
		if (alloc && !strstr(line, "HIGHUSER_MOVABLE")) {
			mine[pfn] = 1;
			now += KFD_PAGE << order;
		} else if (!alloc && mine[pfn]) {
			mine[pfn] = 0;
			now -= KFD_PAGE << order;
		}
		if (now > most)
			most = now;
	}
	if (f)
		fclose(f);
	if (mine != MAP_FAILED)
		munmap(mine, 1 << 24);
	*peak = most;
	*left = now;
	return f && mine != MAP_FAILED && most >= 0;
}

/* An operation: its cost, or what it allocates. */
static int measure(int fd, enum figure figure)
{
	bool traced = m->traced && !m->round && (figure == CHECKPOINT || figure == RESTORE);
	struct cost c;
	int r;

	begin(&c);
	if (traced)
		trace_begin();
	r = ioctl(fd, AMDKFD_IOC_CRIU_OP, &m->args) ? -errno : 0;
	if (traced)
		trace_end();
	end(&c, figure);
	if (traced && !trace_read(&m->peak[figure], &m->left[figure]))
		m->peak[figure] = -1;
	if (r) {
		m->error[figure] = r;
		m->peak[figure] = -1;
	}
	return r;
}

/* --- the process --- */

static void *map_touched(uint64_t va, uint64_t size)
{
	return mmap((void *)(uintptr_t)va, size, PROT_READ | PROT_WRITE,
		    MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
}

/* Memory of the process' own that its objects need. */
static int own_memory(struct ctx *c)
{
	uint64_t va = 0, size = 0;

	if (m->what->flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR) {
		va = USER_VA;
		size = m->n * m->what->size;
	} else if (m->what->kind == RANGES) {
		va = RANGE_VA(0);
		size = RANGE_VA(m->n) - va;
	}
	NEED(c, !size || map_touched(va, size) != MAP_FAILED, "mmap: %s", strerror(errno));
	return 0;
}

static int make_bos(struct ctx *c)
{
	bool user = m->what->flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR;
	unsigned int i, all = (1u << c->k.ngpu) - 1;
	uint64_t size = m->what->size;
	struct kfd_bo bo;

	for (i = 0; i < m->n; i++) {
		TRY(c, kfd_bo_alloc(&c->k, &bo, i % c->k.ngpu,
				    user ? USER_VA + i * size : BO_VA(size, i), size,
				    m->what->flags));
		TRY(c, kfd_bo_map(&c->k, &bo, all));
	}
	return 0;
}

static int make_queues(struct ctx *c)
{
	unsigned int i;
	int r = make_queue_buffers(c, &m->made);

	for (i = 0; !r && i < m->n; i++)
		r = make_queue(c, &m->made, i);
	NEED(c, r <= 0, "the driver gives only %u queues", i - 1);
	return r;
}

static int make_many_events(struct ctx *c)
{
	struct kfd_event ev;
	unsigned int i;

	TRY(c, kfd_event_page(&c->k, &m->page, PAGE_VA));
	for (i = 0; i < m->n; i++)
		TRY(c, kfd_event_create(&c->k, &ev, i < SIGNALS ? KFD_IOC_EVENT_SIGNAL :
					KFD_IOC_EVENT_MEMORY, true, i ? NULL : &m->page));
	return 0;
}

static int make_ranges(struct ctx *c)
{
	struct kfd_ioctl_svm_attribute attr[2];
	unsigned int i;

	attr[0].type = KFD_IOCTL_SVM_ATTR_ACCESS;
	attr[1].type = KFD_IOCTL_SVM_ATTR_SET_FLAGS;
	attr[1].value = KFD_IOCTL_SVM_FLAG_COHERENT | KFD_IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED;
	for (i = 0; i < m->n; i++) {
		attr[0].value = c->k.gpu[i % c->k.ngpu].gpu_id;
		TRY(c, kfd_svm_set(&c->k, RANGE_VA(i), KFD_PAGE, attr, 2));
	}
	return 0;
}

static int build(struct ctx *c)
{
	static int (* const make[])(struct ctx *c) = {
		[BOS] = make_bos, [QUEUES] = make_queues, [EVENTS] = make_many_events,
		[RANGES] = make_ranges,
	};
	struct cost cost;
	int r;

	TRY(c, kfd_open_all(&c->k));
	r = own_memory(c);
	if (r)
		return r;
	begin(&cost);
	r = make[m->what->kind](c);
	end(&cost, CREATE);
	return r;
}

static int restore_here(struct ctx *c)
{
	static const unsigned int straight[KFD_MAX_GPUS] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct kfd_image *img = &c->s->img;
	unsigned int i;
	int r;

	TRY(c, kfd_criu_restore_open(&c->k, img, straight));
	kfd_criu_restore_args(img, &m->args);
	r = measure(c->k.fd, RESTORE);
	if (r)
		return r;
	kfd_criu_restore_done(&c->k);
	for (i = 0; i < img->info.num_bos; i++)
		if (img->bos[i].dmabuf_fd != (uint32_t)-1)
			close(img->bos[i].dmabuf_fd);
	return own_memory(c);
}

/*
 * A process that waits for another looks at it from time to time, which costs the other one
 * some of its time: here it sleeps until it is told.
 */
static int told(struct ctx *c, call_fn fn)
{
	int r = fn(c);

	if (write(m->done[1], "", 1) != 1)
		_exit(1);
	return r;
}

static int call_build_here(struct ctx *c)
{
	return told(c, build);
}

static int call_restore_here(struct ctx *c)
{
	return told(c, restore_here);
}

static int call_quietly(struct proc *p, call_fn fn)
{
	struct pollfd poll_fd[2] = { { .fd = m->done[0], .events = POLLIN } };
	char told;

	poll_fd[1].fd = syscall(SYS_pidfd_open, p->pid, 0);
	poll_fd[1].events = POLLIN;
	p->call = fn;
	proc_is_busy(p, true);
	poll(poll_fd, 2, -1);
	close(poll_fd[1].fd);
	if (!(poll_fd[0].revents & POLLIN) || read(m->done[0], &told, 1) != 1) {
		note(p->c.s, "a process died");
		return -ESRCH;
	}
	while (proc_sleep(p, true, 10000))
		;
	return p->ret;
}

/* --- a round --- */

/* Buffers whose pages are there. */
static int buffers(struct kfd_image *img)
{
	const int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE;
	const int prot = PROT_READ | PROT_WRITE;
	size_t bos = img->info.num_bos * sizeof(*img->bos);

	img->devices = mmap(NULL, KFD_PAGE, prot, flags, -1, 0);
	img->bos = mmap(NULL, bos ? bos : 1, prot, flags, -1, 0);
	img->priv = mmap(NULL, img->info.priv_data_size, prot, flags, -1, 0);
	return img->devices == MAP_FAILED || img->bos == MAP_FAILED || img->priv == MAP_FAILED ?
	       -ENOMEM : 0;
}

static void drop_buffers(struct kfd_image *img)
{
	size_t bos = img->info.num_bos * sizeof(*img->bos);

	if (img->devices)
		munmap(img->devices, KFD_PAGE);
	if (img->bos)
		munmap(img->bos, bos ? bos : 1);
	if (img->priv)
		munmap(img->priv, img->info.priv_data_size);
	memset(img, 0, sizeof(*img));
}

static void close_dmabufs(struct kfd_image *img)
{
	unsigned int i;

	for (i = 0; i < img->info.num_bos; i++)
		if (img->bos[i].dmabuf_fd != (uint32_t)-1)
			close(img->bos[i].dmabuf_fd);
}

static int save(struct scene *s)
{
	struct kfd_image *img = &s->img;
	int fd = grab(&s->p[0]), r;

	if (fd < 0)
		return fd;
	memset(&m->args, 0, sizeof(m->args));
	m->args.op = KFD_CRIU_OP_PROCESS_INFO;
	r = measure(fd, PROCESS_INFO);
	img->info = m->args;
	if (!r)
		r = buffers(img);
	if (!r) {
		m->args.devices = (uintptr_t)img->devices;
		m->args.bos = (uintptr_t)img->bos;
		m->args.priv_data = (uintptr_t)img->priv;
		m->args.op = KFD_CRIU_OP_CHECKPOINT;
		r = measure(fd, CHECKPOINT);
		img->info = m->args;
		m->image = img->info.priv_data_size;
	}
	if (!r) {
		close_dmabufs(img);
		memset(&m->args, 0, sizeof(m->args));
		m->args.op = KFD_CRIU_OP_UNPAUSE;
		r = measure(fd, UNPAUSE);
	}
	close(fd);
	return r;
}

/* As CRIU does it: the process stands still. */
static int resume_it(struct proc *p)
{
	int fd = open("/dev/kfd", O_RDWR | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	kill(p->pid, SIGSTOP);
	waitpid(p->pid, NULL, WUNTRACED);
	memset(&m->args, 0, sizeof(m->args));
	m->args.op = KFD_CRIU_OP_RESUME;
	m->args.pid = p->pid;
	r = measure(fd, RESUME);
	close(fd);
	return r;
}

static int end_of(struct scene *s, struct proc *p, unsigned long long before)
{
	int r = reap(p);

	r = r ? r : wait_for_end(s, before);
	if (r)
		note(s, "a process does not end");
	return r;
}

static int one_round(struct scene *s, unsigned long long before)
{
	int r = spawn(s, &s->p[0]);

	r = r ? r : call_quietly(&s->p[0], call_build_here);
	r = r ? r : save(s);
	r = end_of(s, &s->p[0], before) ? : r;
	if (r)
		return r;
	r = spawn(s, &s->p[1]);
	s->p[1].c = s->p[0].c;
	r = r ? r : call_quietly(&s->p[1], call_restore_here);
	r = r ? r : resume_it(&s->p[1]);
	r = end_of(s, &s->p[1], before) ? : r;
	return r;
}

/* --- all of it --- */

static void figure_head(struct scene *s, const char *figure)
{
	printf("# BENCH: %s | %s | %u | %u | %s |", criu_code_name(), m->what->name,
	       s->here.ngpu, m->n, figure);
}

static void tell(struct scene *s)
{
	unsigned int i, j;

	for (i = 0; i < FIGURES; i++) {
		figure_head(s, figure_names[i]);
		if (m->error[i]) {
			printf(" - %s\n", strerror(-m->error[i]));
			break;
		}
		for (j = 0; j < m->rounds; j++)
			printf(" %llu+%llu", (unsigned long long)m->cost[i][j].caller,
			       (unsigned long long)m->cost[i][j].workers);
		printf("\n");
	}
	if (m->image) {
		figure_head(s, "image");
		printf(" %llu\n", (unsigned long long)m->image);
	}
	for (i = CHECKPOINT; i <= RESTORE; i++) {
		char name[32];

		if (m->peak[i] < 0)
			continue;
		snprintf(name, sizeof(name), "%s peak", figure_names[i]);
		figure_head(s, name);
		printf(" %lld\n", m->peak[i]);
		snprintf(name, sizeof(name), "%s left", figure_names[i]);
		figure_head(s, name);
		printf(" %lld\n", m->left[i]);
	}
}

static bool failed(void)
{
	unsigned int i;

	for (i = 0; i < FIGURES; i++)
		if (m->error[i])
			return true;
	return false;
}

static unsigned long long available(void)
{
	return kfd_file_property("/proc/meminfo", "MemAvailable:") * KIB;
}

/* Why there can't be so many; NULL if there can. */
static const char *impossible(struct scene *s)
{
	uint64_t bytes = m->n * m->what->size;
	static char why[64];

	if (m->what->kind == QUEUES) {
		snprintf(why, sizeof(why), "%u queues are all that a GPU has", GPU_QUEUES);
		return m->n > GPU_QUEUES * s->here.ngpu ? why : NULL;
	}
	if (m->what->kind != BOS)
		return NULL;
	if (m->what->flags & KFD_IOC_ALLOC_MEM_FLAGS_VRAM) {
		uint64_t vram = s->here.gpu[0].vram_size * s->here.ngpu;

		snprintf(why, sizeof(why), "%llu of %llu MiB of VRAM",
			 (unsigned long long)(bytes / MIB), (unsigned long long)(vram / MIB));
		return bytes + SPARE * s->here.ngpu > vram ? why : NULL;
	}
	/* TTM lets GPUs have a half of it */
	snprintf(why, sizeof(why), "%llu of %llu MiB of memory",
		 (unsigned long long)(bytes / MIB), (unsigned long long)(available() / MIB));
	return bytes + SPARE > available() / 2 ? why : NULL;
}

static void one_case(struct scene *s, const struct subject *what, unsigned int n)
{
	unsigned long long before;
	const char *why;
	unsigned int i;
	int r = 0;

	m->what = what;
	m->n = n;
	why = impossible(s);
	if (why) {
		figure_head(s, "all");
		printf(" - %s\n", why);
		ksft_test_result_skip("%s, %u\n", what->name, n);
		return;
	}
	before = used(s);
	m->image = 0;
	for (i = 0; i < FIGURES; i++) {
		m->error[i] = 0;
		m->peak[i] = -1;
	}
	m->traced = trace_open(n);
	for (m->round = 0; !r && m->round <= m->rounds; m->round++) {
		r = one_round(s, before);
		drop_buffers(&s->img);
		if (!m->round)
			trace_close();
	}
	if (r && s->why[0])
		ksft_print_msg("%s\n", s->why);
	s->why[0] = 0;
	if (r && !failed())
		m->error[CREATE] = r;
	tell(s);
	/* what the stock kernel can't restore is no mistake of this program */
	if (r && criu_stock_code())
		ksft_test_result_skip("%s, %u: %s\n", what->name, n, strerror(-r));
	else
		ksft_test_result(!r, "%s, %u\n", what->name, n);
	fflush(stdout);
}

static bool wanted(struct scene *s, const struct subject *what, unsigned int n, char **argv)
{
	const char *full = getenv("KFD_BENCH_FULL");
	unsigned int i;

	if (argv[1] && strcmp(argv[1], what->arg))
		return false;
	for (i = 2; argv[1] && argv[i]; i++)
		if (strtoul(argv[i], NULL, 0) == n)
			return true;
	if (argv[1])
		return !argv[2];
	/* with a scheduler, what is measured is waiting for it: the cell for queues has none */
	if (what->kind == QUEUES)
		return false;
	return (full && atoi(full)) || n <= (s->here.ngpu > 1 ? what->bounded_many : what->bounded);
}

int main(int argc, char **argv)
{
	struct scene *s = scene_new(0);
	const char *rounds = getenv("KFD_BENCH_ROUNDS");
	unsigned int i, j, g;

	ksft_print_header();
	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!s || m == MAP_FAILED || pipe(m->done))
		ksft_exit_fail_msg("no memory\n");
	if (!s->here.ngpu || access("/dev/kfd", R_OK | W_OK) || geteuid())
		ksft_exit_skip("no KFD on this machine, or not root\n");
	m->rounds = rounds ? strtoul(rounds, NULL, 0) : ROUNDS;
	if (!m->rounds || m->rounds > MAX_ROUNDS)
		ksft_exit_fail_msg("KFD_BENCH_ROUNDS: from 1 to %u\n", MAX_ROUNDS);
	limits();
	if (getenv("KFD_BENCH_ALONE"))
		be_alone();
	for (i = 0, j = 0; i < ARRAY_SIZE(subjects); i++)
		for (g = 0; g < 4 && subjects[i].numbers[g]; g++)
			j += wanted(s, &subjects[i], subjects[i].numbers[g], argv);
	if (!j)
		ksft_exit_fail_msg("no such case\n");
	ksft_set_plan(j);
	for (i = 0; i < ARRAY_SIZE(subjects); i++)
		for (g = 0; g < 4 && subjects[i].numbers[g]; g++)
			if (wanted(s, &subjects[i], subjects[i].numbers[g], argv))
				one_case(s, &subjects[i], subjects[i].numbers[g]);
	scene_free(s);
	ksft_finished();
}
