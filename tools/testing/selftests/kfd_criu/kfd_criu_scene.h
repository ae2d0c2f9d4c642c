/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes of the checkpoint/restore tests: one that has objects of
 * every kind on two GPUs and a job that is half done, and its restored copy.
 *
 * The test itself is the dumper and CRIU.  Each process is a fork that obeys
 * calls; what a process knows of its objects (struct ctx) lies in memory that
 * all share, so that handing it to the restored copy is what CRIU does with a
 * process' memory.
 */
#ifndef KFD_CRIU_SCENE_H
#define KFD_CRIU_SCENE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/futex.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "../kselftest.h"
#include "kfd_lib.h"

#define UNUSED			__attribute__((unused))

/* How long something that must not happen is given to happen. */
#define QUIET_MS		100u
/* How long a process may take for one call before the row is given up; on a debug kernel. */
#define CALL_MS			120000u
#define CALL_DEBUG_MS		240000u

/* The two GPUs of every test, in topology order. */
enum { GPU_A, GPU_B };

#define ON_A			(1u << GPU_A)
#define ON_B			(1u << GPU_B)
#define ON_AB			(ON_A | ON_B)

/*
 * Addresses are fixed, because a restored process needs the same ones, and
 * far from where the kernel places anything of a small static program.
 */
#define SCENE_VA(slot)		(0x200000000ULL + (slot) * 0x10000000ULL)

/* Lower half of each BO: a pattern of its own.  Upper half: what the job works on. */
#define HALF			0x10000u
#define BO_SIZE			(2 * HALF)

enum scene_bo {
	BO_CELL,		/* fences, signals, gates, and room for results */
	BO_VRAM_A, BO_VRAM_AB, BO_VRAM_PEER,
	BO_GTT_AB, BO_GTT_B,
	BO_UPTR_AB, BO_UPTR_A,
	BO_NOWHERE,
	BO_DOORBELL_A, BO_DOORBELL_B,
	BO_PAGE,		/* signal page */
	NUM_BO,
	SLOT_SVM = NUM_BO, SLOT_SDMA, SLOT_AQL, SLOT_PM4, SLOT_SDMA_B, SLOT_SPARE
};

static const struct scene_bo_kind {
	const char *name;
	unsigned int gpu, mask;
	uint32_t size, flags;
	bool pattern;
} scene_bo_kinds[NUM_BO] = {
	[BO_CELL] = {
		"cells", GPU_A, ON_AB, BO_SIZE, KFD_BO_GTT, false
	},
	[BO_VRAM_A] = {
		"VRAM mapped on its own GPU", GPU_A, ON_A, BO_SIZE, KFD_BO_VRAM, true
	},
	[BO_VRAM_AB] = {
		"VRAM mapped on both GPUs", GPU_B, ON_AB, BO_SIZE, KFD_BO_VRAM, true
	},
	[BO_VRAM_PEER] = {
		"VRAM mapped on the other GPU alone", GPU_A, ON_B, BO_SIZE, KFD_BO_VRAM, true
	},
	[BO_GTT_AB] = {
		"GTT mapped on both GPUs", GPU_A, ON_AB, BO_SIZE, KFD_BO_GTT, true
	},
	[BO_GTT_B] = {
		"GTT mapped on the other GPU alone", GPU_A, ON_B, BO_SIZE, KFD_BO_GTT, true
	},
	[BO_UPTR_AB] = {
		"user pointer mapped on both GPUs", GPU_A, ON_AB, BO_SIZE, KFD_BO_USERPTR, true
	},
	[BO_UPTR_A] = {
		"user pointer mapped on one GPU", GPU_A, ON_A, BO_SIZE, KFD_BO_USERPTR, true
	},
	[BO_NOWHERE] = {
		"GTT mapped on no GPU", GPU_A, 0, BO_SIZE, KFD_BO_GTT, true
	},
	[BO_DOORBELL_A] = {
		"doorbells of GPU A", GPU_A, ON_A, 8192, KFD_BO_DOORBELL, false
	},
	[BO_DOORBELL_B] = {
		"doorbells of GPU B", GPU_B, ON_B, 8192, KFD_BO_DOORBELL, false
	},
	[BO_PAGE] = {
		"signal page", GPU_A, ON_AB, KFD_SIGNAL_EVENT_LIMIT * 8, KFD_BO_GTT, false
	},
};

/* 64-bit words of BO_CELL */
enum {
	CELL_BEFORE, CELL_GATE, CELL_AFTER, CELL_COUNT, CELL_FENCE, CELL_FENCE_B,
	CELL_SIGNAL = 64,	/* struct hsa_signal each: gate, three completions */
	CELL_RESULT = 512
};

enum { SIG_GATE, SIG_DONE, SIG_FIRST, SIG_LAST };

enum { EV_SDMA, EV_AQL, EV_STATE, EV_MEMORY, NUM_EV };

/* what a scene leaves out or does otherwise */
#define S_NO_SIGNALS		0x01	/* no signal events, no signal page */
#define S_NO_EVENTS		0x02	/* no event at all */
#define S_NO_SVM		0x04
#define S_MEMFD			0x08	/* user pointers over a memory file */
#define S_NO_JOB		0x10

struct scene;

/**
 * struct ctx - what a process knows of itself
 * @other: one more queue, where a row makes one
 * @spare: and another
 * @hw: an event for hardware exceptions, where a row makes one
 * @range: more memory of its own that a dump has to save, or 0
 * @arg: argument of the next call
 * @result: answer of the last one
 */
struct ctx {
	struct scene *s;
	struct kfd k;
	struct kfd_bo bo[NUM_BO];
	struct kfd_queue sdma, aql, other, spare;
	struct kfd_event ev[NUM_EV], hw;
	uint64_t svm;
	uint64_t range, range_size;
	uint32_t fence;
	uint64_t arg[2], result;
};

typedef int (*call_fn)(struct ctx *c);

struct proc {
	pid_t pid;
	call_fn volatile call;
	volatile int ret;
	uint32_t busy;
	struct ctx c;
};

/* Memory of the source that is no BO's own: what CRIU saves page by page. */
struct pages {
	uint64_t va, size;
	void *data;
};

struct scene {
	unsigned int flags;
	unsigned int wait_ms;
	unsigned int call_ms;		/* for one call, if not 0 */
	struct kfd here;
	struct proc p[3];
	struct kfd_image img;
	struct pages pages[4];
	unsigned int npages;
	int memfd[2];
	bool stop;			/* threads of a process look at it */
	char why[256];
};

/* The first thing that went wrong is what matters. */
static void UNUSED __attribute__((format(printf, 2, 3)))
note(struct scene *s, const char *fmt, ...)
{
	va_list ap;

	if (s->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
}

/* In a called function: complain and return. */
#define NEED(c, cond, ...)				\
	do {						\
		if (!(cond)) {				\
			note((c)->s, __VA_ARGS__);	\
			return -1;			\
		}					\
	} while (0)

#define TRY(c, expr)							\
	do {								\
		int r_ = (expr);					\
									\
		NEED(c, !r_, "%s: %s", #expr, strerror(-r_));		\
	} while (0)

static uint64_t scene_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/*
 * Sleep until somebody wakes those who sleep at @word, for @ms at most; not at all if @word is not
 * @value any more.  Processes share the word.  Whoever looks again and again instead, with a short
 * sleep in between, keeps the timers of an emulated machine busy.
 */
static void UNUSED word_sleep(const uint32_t *word, uint32_t value, unsigned int ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	syscall(SYS_futex, word, FUTEX_WAIT, value, &t, NULL, 0);
}

static void UNUSED word_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void UNUSED scene_quiet(void)
{
	usleep(QUIET_MS * 1000);
}

/* Word @i of the pattern @seed. */
static inline uint32_t scene_word(uint32_t seed, uint32_t i)
{
	return (seed * 0x9e3779b1u) ^ (i * 0x01000193u);
}

static void UNUSED scene_fill(void *p, uint32_t bytes, uint32_t seed)
{
	uint32_t i, *w = p;

	for (i = 0; i < bytes / 4; i++)
		w[i] = scene_word(seed, i);
}

/* Number of words that differ from the pattern. */
static uint32_t UNUSED scene_bad(const void *p, uint32_t bytes, uint32_t seed)
{
	const uint32_t *w = p;
	uint32_t i, bad = 0;

	for (i = 0; i < bytes / 4; i++)
		bad += w[i] != scene_word(seed, i);
	return bad;
}

#define SEED_JOB		77u
#define SEED_SVM		99u
#define SEED_BO(i)		(1u + (i))
#define FILL_WORD		0x5ca1ab1eu
#define COUNT_STEP		0x100000001ULL

static inline volatile uint64_t *cell(struct ctx *c, unsigned int i)
{
	return (volatile uint64_t *)(uintptr_t)c->bo[BO_CELL].va + i;
}

static inline uint64_t cell_va(struct ctx *c, unsigned int i)
{
	return c->bo[BO_CELL].va + i * 8;
}

static inline volatile uint32_t *cell32(struct ctx *c, unsigned int i)
{
	return (volatile uint32_t *)cell(c, i);
}

static inline struct hsa_signal *cell_signal(struct ctx *c, unsigned int i)
{
	return (struct hsa_signal *)(uintptr_t)cell_va(c, CELL_SIGNAL + i * 8);
}

static inline uint64_t signal_va(struct ctx *c, unsigned int i)
{
	return cell_va(c, CELL_SIGNAL + i * 8);
}

/* Doorbells are rung through the doorbell BO of the queue's GPU, as libhsakmt does. */
static void UNUSED use_doorbell_bo(struct ctx *c, struct kfd_queue *q)
{
	unsigned int db = q->gpu == GPU_A ? BO_DOORBELL_A : BO_DOORBELL_B;

	q->doorbell = (volatile uint64_t *)(uintptr_t)(c->bo[db].va + (q->doorbell_offset & 8191));
}

/* --- calls: what the processes do --- */

static void *map_pages(struct ctx *c, uint64_t va, uint64_t size, int memfd)
{
	return mmap((void *)(uintptr_t)va, size, PROT_READ | PROT_WRITE,
		    MAP_FIXED | (memfd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED), memfd, 0);
}

static int make_bo(struct ctx *c, unsigned int i)
{
	const struct scene_bo_kind *kind = &scene_bo_kinds[i];
	struct kfd_bo *bo = &c->bo[i];
	uint64_t va = SCENE_VA(i);

	if (kind->flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR) {
		int memfd = c->s->memfd[i == BO_UPTR_A];

		NEED(c, map_pages(c, va, kind->size, memfd) != MAP_FAILED, "mmap: %s",
		     strerror(errno));
	}
	TRY(c, kfd_bo_create(&c->k, bo, kind->gpu, va, kind->size, kind->flags, kind->mask));
	if (kind->pattern) {
		scene_fill(bo->cpu, HALF, SEED_BO(i));
		memset((char *)bo->cpu + HALF, 0, HALF);
	} else if (i == BO_CELL) {
		memset(bo->cpu, 0, kind->size);
	} else if (i == BO_PAGE) {
		memset(bo->cpu, 0xff, kind->size);
	}
	return 0;
}

static int make_events(struct ctx *c)
{
	const struct kfd_bo *page = &c->bo[BO_PAGE];
	unsigned int i;

	if (!(c->s->flags & S_NO_SIGNALS)) {
		if (make_bo(c, BO_PAGE))
			return -1;
		for (i = EV_SDMA; i <= EV_STATE; i++)
			TRY(c, kfd_event_create(&c->k, &c->ev[i], KFD_IOC_EVENT_SIGNAL,
						i != EV_STATE, i == EV_SDMA ? page : NULL));
	}
	if (!(c->s->flags & S_NO_EVENTS))
		TRY(c, kfd_event_create(&c->k, &c->ev[EV_MEMORY], KFD_IOC_EVENT_MEMORY, true,
					NULL));
	return 0;
}

/*
 * The job of the SDMA queue of GPU A: a part that is done at once, a gate, and
 * behind the gate a chain in which each link needs the one before.
 */
static void queue_sdma_job(struct ctx *c)
{
	struct kfd_queue *q = &c->sdma;
	unsigned int i;

	sdma_copy(q, c->bo[BO_VRAM_A].va + HALF, c->bo[BO_GTT_AB].va + HALF, HALF);
	sdma_fence(q, cell_va(c, CELL_BEFORE), 1);
	sdma_poll_equal(q, cell_va(c, CELL_GATE), 1, 0xffffffff);
	sdma_copy(q, c->bo[BO_VRAM_AB].va + HALF, c->bo[BO_VRAM_A].va + HALF, HALF);
	sdma_copy(q, c->bo[BO_UPTR_AB].va + HALF, c->bo[BO_VRAM_AB].va + HALF, HALF);
	if (c->svm)
		sdma_copy(q, c->svm + HALF, c->bo[BO_UPTR_AB].va + HALF, HALF);
	sdma_fill(q, c->bo[BO_UPTR_A].va + HALF, FILL_WORD, HALF);
	for (i = 0; i < 3; i++)
		sdma_atomic_add64(q, cell_va(c, CELL_COUNT), COUNT_STEP);
	sdma_fence(q, cell_va(c, CELL_AFTER), 2);
	if (!(c->s->flags & S_NO_SIGNALS))
		sdma_signal(q, &c->bo[BO_PAGE], &c->ev[EV_SDMA]);
	kfd_queue_submit(q);
}

/* The job of the AQL queue of GPU B: one packet that is done, one that waits, one behind it. */
static void queue_aql_job(struct ctx *c)
{
	const uint64_t none[5] = { 0 }, gate[5] = { signal_va(c, SIG_GATE) };
	const uint64_t first[5] = { signal_va(c, SIG_FIRST), signal_va(c, SIG_DONE) };
	bool raise = !(c->s->flags & S_NO_SIGNALS);

	hsa_signal_init(cell_signal(c, SIG_GATE), 1, NULL, NULL);
	hsa_signal_init(cell_signal(c, SIG_DONE), 1, NULL, NULL);
	hsa_signal_init(cell_signal(c, SIG_FIRST), 1, NULL, NULL);
	hsa_signal_init(cell_signal(c, SIG_LAST), 1, raise ? &c->bo[BO_PAGE] : NULL,
			raise ? &c->ev[EV_AQL] : NULL);
	aql_barrier_and(&c->aql, none, signal_va(c, SIG_DONE));
	aql_barrier_and(&c->aql, gate, signal_va(c, SIG_FIRST));
	aql_barrier_and(&c->aql, first, signal_va(c, SIG_LAST));
	kfd_queue_submit(&c->aql);
}

static int UNUSED call_jobs_half_done(struct ctx *c)
{
	scene_fill((char *)c->bo[BO_GTT_AB].cpu + HALF, HALF, SEED_JOB);
	queue_sdma_job(c);
	queue_aql_job(c);
	NEED(c, kfd_wait32(cell32(c, CELL_BEFORE), 1, 20000), "the SDMA job did not start");
	NEED(c, kfd_wait64((uint64_t *)&cell_signal(c, SIG_DONE)->value, 0, 20000),
	     "the AQL job did not start");
	scene_quiet();
	NEED(c, *cell32(c, CELL_AFTER) == 0, "the SDMA job did not stop at its gate");
	NEED(c, cell_signal(c, SIG_FIRST)->value == 1, "the AQL job did not wait");
	return 0;
}

/* Create everything in an open KFD. */
static int UNUSED call_build_objects(struct ctx *c)
{
	unsigned int i, flags = c->s->flags;

	for (i = 0; i < NUM_BO; i++)
		if (i != BO_PAGE && make_bo(c, i))
			return -1;
	if (!(flags & S_NO_SVM)) {
		c->svm = SCENE_VA(SLOT_SVM);
		TRY(c, kfd_svm_create(&c->k, &c->svm, BO_SIZE, ON_AB));
		scene_fill((void *)(uintptr_t)c->svm, HALF, SEED_SVM);
		memset((char *)(uintptr_t)c->svm + HALF, 0, HALF);
	}
	if (make_events(c))
		return -1;
	TRY(c, kfd_queue_create(&c->k, &c->sdma, KFD_Q_SDMA, GPU_A, SCENE_VA(SLOT_SDMA)));
	TRY(c, kfd_queue_create(&c->k, &c->aql, KFD_Q_AQL, GPU_B, SCENE_VA(SLOT_AQL)));
	use_doorbell_bo(c, &c->sdma);
	use_doorbell_bo(c, &c->aql);
	return flags & S_NO_JOB ? 0 : call_jobs_half_done(c);
}

static int UNUSED call_build(struct ctx *c)
{
	TRY(c, kfd_open_all(&c->k));
	return call_build_objects(c);
}

static uint32_t words_not(const void *p, uint32_t bytes, uint32_t value)
{
	const uint32_t *w = p;
	uint32_t i, bad = 0;

	for (i = 0; i < bytes / 4; i++)
		bad += w[i] != value;
	return bad;
}

/* Open the gate of the SDMA job; it must finish, with every byte right. */
static int UNUSED call_finish_sdma_job(struct ctx *c)
{
	static const enum scene_bo chain[] = { BO_VRAM_A, BO_VRAM_AB, BO_UPTR_AB };
	unsigned int i, bad;

	scene_quiet();
	NEED(c, *cell32(c, CELL_AFTER) == 0, "the job ran through its closed gate");
	*cell32(c, CELL_GATE) = 1;
	NEED(c, kfd_wait32(cell32(c, CELL_AFTER), 2, c->s->wait_ms),
	     "the SDMA job does not finish");
	for (i = 0; i < ARRAY_SIZE(chain); i++) {
		bad = scene_bad((char *)c->bo[chain[i]].cpu + HALF, HALF, SEED_JOB);
		NEED(c, !bad, "%u words wrong in %s", bad, scene_bo_kinds[chain[i]].name);
	}
	if (c->svm) {
		bad = scene_bad((char *)(uintptr_t)c->svm + HALF, HALF, SEED_JOB);
		NEED(c, !bad, "%u words wrong in the SVM range", bad);
	}
	bad = words_not((char *)c->bo[BO_UPTR_A].cpu + HALF, HALF, FILL_WORD);
	NEED(c, !bad, "%u words wrong in %s", bad, scene_bo_kinds[BO_UPTR_A].name);
	NEED(c, *cell(c, CELL_COUNT) == 3 * COUNT_STEP, "atomics ran %llu times",
	     (unsigned long long)(*cell(c, CELL_COUNT) / COUNT_STEP));
	return 0;
}

static int UNUSED call_finish_aql_job(struct ctx *c)
{
	scene_quiet();
	NEED(c, cell_signal(c, SIG_FIRST)->value == 1, "a packet did not wait for its dependency");
	NEED(c, cell_signal(c, SIG_LAST)->value == 1, "a packet overtook the one before it");
	cell_signal(c, SIG_GATE)->value = 0;
	NEED(c, kfd_wait64((uint64_t *)&cell_signal(c, SIG_LAST)->value, 0, c->s->wait_ms),
	     "the AQL job does not finish");
	NEED(c, cell_signal(c, SIG_FIRST)->value == 0 && cell_signal(c, SIG_DONE)->value == 0,
	     "a completion signal has a wrong value");
	return 0;
}

/* New work on the SDMA queue: a fence. */
static int UNUSED call_sdma_works(struct ctx *c)
{
	sdma_fence(&c->sdma, cell_va(c, CELL_FENCE), ++c->fence);
	kfd_queue_submit(&c->sdma);
	NEED(c, kfd_wait32(cell32(c, CELL_FENCE), c->fence, c->s->wait_ms),
	     "the SDMA queue does not run");
	return 0;
}

static int UNUSED call_aql_works(struct ctx *c)
{
	const uint64_t none[5] = { 0 };

	hsa_signal_init(cell_signal(c, SIG_DONE), 1, NULL, NULL);
	aql_barrier_and(&c->aql, none, signal_va(c, SIG_DONE));
	kfd_queue_submit(&c->aql);
	NEED(c, kfd_wait64((uint64_t *)&cell_signal(c, SIG_DONE)->value, 0, c->s->wait_ms),
	     "the AQL queue does not run");
	return 0;
}

/* RESTORE does not tell where a process sees its GPUs' memory: where it did before. */
static void UNUSED keep_apertures(struct kfd *k, const struct kfd *before)
{
	unsigned int i;

	for (i = 0; i < k->ngpu; i++) {
		k->gpu[i].gpuvm_base = before->gpu[i].gpuvm_base;
		k->gpu[i].gpuvm_limit = before->gpu[i].gpuvm_limit;
	}
}

/* RESTORE, with GPU i of the source becoming GPU @remap[i]. */
static int UNUSED restore_objects(struct ctx *c, const unsigned int *remap)
{
	struct kfd before = c->k;
	int r = kfd_criu_restore(&c->k, &c->s->img, remap);

	if (r) {
		c->k = before;
		c->k.fd = -1;
		return r;
	}
	keep_apertures(&c->k, &before);
	return 0;
}

/* Then contents, doorbells, and the process' own memory. */
static int UNUSED restore_memory(struct ctx *c)
{
	struct scene *s = c->s;
	unsigned int i;
	int r;

	r = kfd_criu_load_contents(&c->k, &s->img);
	NEED(c, !r, "contents after RESTORE: %s", strerror(-r));
	for (i = 0; i < s->npages; i++) {
		struct pages *p = &s->pages[i];
		int memfd = p->va == SCENE_VA(BO_UPTR_AB) ? s->memfd[0] :
			    p->va == SCENE_VA(BO_UPTR_A) ? s->memfd[1] : -1;

		if (c->arg[1] == p->va)		/* a hole that the test wants */
			continue;
		NEED(c, map_pages(c, p->va, p->size, memfd) != MAP_FAILED, "mmap: %s",
		     strerror(errno));
		memcpy((void *)(uintptr_t)p->va, p->data, p->size);
	}
	return 0;
}

/* Start the restored copy. */
static int UNUSED restore_onto(struct ctx *c, const unsigned int *remap)
{
	int r = restore_objects(c, remap);

	NEED(c, !r, "RESTORE: %s", strerror(-r));
	return restore_memory(c);
}

static int UNUSED call_restore(struct ctx *c)
{
	unsigned int remap[KFD_MAX_GPUS], i;

	for (i = 0; i < KFD_MAX_GPUS; i++)
		remap[i] = c->arg[0] && i < 2 ? !i : i;
	return restore_onto(c, remap);
}

/* The objects of a restored copy can be taken down one by one, too. */
static int UNUSED call_destroy_restored(struct ctx *c)
{
	unsigned int i;

	/* mapped by the source: the copy may have anything at these addresses */
	c->sdma.doorbell_page = NULL;
	c->aql.doorbell_page = NULL;
	TRY(c, kfd_queue_destroy(&c->k, &c->sdma));
	TRY(c, kfd_queue_destroy(&c->k, &c->aql));
	for (i = 0; i < NUM_EV; i++)
		TRY(c, kfd_event_destroy(&c->k, &c->ev[i]));
	for (i = 0; i < NUM_BO; i++)
		if (i != BO_PAGE)
			TRY(c, kfd_bo_destroy(&c->k, &c->bo[i]));
	return 0;
}

/* --- the test's side: starting, dumping, killing --- */

static void UNUSED proc_is_busy(struct proc *p, bool busy)
{
	__atomic_store_n(&p->busy, busy, __ATOMIC_SEQ_CST);
	word_wake(&p->busy);
}

/* Sleep while a process is busy, or while it is not.  Returns whether it still is so. */
static bool UNUSED proc_sleep(const struct proc *p, bool busy, unsigned int ms)
{
	if (__atomic_load_n(&p->busy, __ATOMIC_ACQUIRE) == busy)
		word_sleep(&p->busy, busy, ms);
	return __atomic_load_n(&p->busy, __ATOMIC_ACQUIRE) == busy;
}

static void __attribute__((noreturn)) proc_main(struct scene *s, struct proc *p)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	p->c.s = s;
	for (;;) {
		while (proc_sleep(p, false, 10000))
			;
		p->ret = p->call(&p->c);
		proc_is_busy(p, false);
	}
}

static int UNUSED spawn(struct scene *s, struct proc *p)
{
	pid_t pid;

	fflush(stdout);
	p->busy = false;
	pid = fork();
	if (!pid)
		proc_main(s, p);
	if (pid < 0)
		return -errno;
	p->pid = pid;
	return 0;
}

/* Let a process do something and wait for it. */
static int UNUSED call(struct proc *p, call_fn fn)
{
	const char *debug = getenv("KFD_CRIU_DEBUG");
	uint64_t end = scene_clock() + (p->c.s->call_ms ? p->c.s->call_ms :
					debug && atoi(debug) ? CALL_DEBUG_MS : CALL_MS);
	int status;

	p->call = fn;
	proc_is_busy(p, true);
	/* nobody wakes us for a process that has died */
	while (proc_sleep(p, true, 20)) {
		if (waitpid(p->pid, &status, WNOHANG) == p->pid) {
			p->pid = 0;
			note(p->c.s, "a process died, wait status %#x", status);
			return -ESRCH;
		}
		if (scene_clock() > end) {
			note(p->c.s, "a process hangs");
			return -ETIMEDOUT;
		}
	}
	return p->ret;
}

/* The end of what KFD keeps of a process that has ended. */
static int UNUSED gone(pid_t pid)
{
	uint64_t end = scene_clock() + 20000;
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/virtual/kfd/kfd/proc/%d", pid);
	while (!access(path, F_OK)) {
		if (scene_clock() > end)
			return -ETIMEDOUT;
		usleep(500);
	}
	return 0;
}

/* The end of a process, and of what KFD keeps of it. */
static int UNUSED reap(struct proc *p)
{
	pid_t pid = p->pid;
	int status;

	if (!pid)
		return 0;
	p->pid = 0;
	kill(pid, SIGKILL);
	/* what ptrace has still to report comes first */
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		;
	return gone(pid);
}

/* Of an entry of a pagemap, see Documentation/admin-guide/mm/pagemap.rst. */
#define PAGEMAP_PRESENT		(1ULL << 63)
#define PAGEMAP_SWAPPED		(1ULL << 62)
#define PAGEMAP_SWAP_TYPE(e)	((e) & 0x1f)
/* Areas for swap have the first types, what is no swap has the last ones. */
#define PAGEMAP_LAST_AREA	15

/*
 * Pages of @va that are in memory of a device, which the CPU cannot reach: they look like
 * swapped out, to a type that is no area for swap.  A look moves none of them.
 * Returns the number or a negative errno.
 */
static int UNUSED pages_in_vram(pid_t pid, uint64_t va, uint64_t size)
{
	uint64_t entry, at, page = sysconf(_SC_PAGESIZE);
	int fd, n = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (at = va; at < va + size && n >= 0; at += page) {
		if (pread(fd, &entry, sizeof(entry), at / page * sizeof(entry)) != sizeof(entry))
			n = -EIO;
		else if (!(entry & PAGEMAP_PRESENT) && entry & PAGEMAP_SWAPPED &&
			 PAGEMAP_SWAP_TYPE(entry) > PAGEMAP_LAST_AREA)
			n++;
	}
	close(fd);
	return n;
}

/* Queues that KFD shows of a process. */
static unsigned int UNUSED queues_of(pid_t pid)
{
	unsigned int n = 0;
	struct dirent *e;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/sys/devices/virtual/kfd/kfd/proc/%d/queues", pid);
	d = opendir(path);
	if (!d)
		return 0;
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static int save_pages(struct scene *s, pid_t pid, uint64_t va, uint64_t size)
{
	struct pages *p = &s->pages[s->npages];
	char path[32];
	int fd, r = 0;

	p->va = va;
	p->size = size;
	p->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->data == MAP_FAILED)
		return -ENOMEM;
	s->npages++;
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (pread(fd, p->data, size, va) != (ssize_t)size)
		r = -EIO;
	close(fd);
	return r;
}

static void drop_image(struct scene *s)
{
	if (s->img.bos)
		kfd_image_free(&s->img);
	while (s->npages) {
		s->npages--;
		munmap(s->pages[s->npages].data, s->pages[s->npages].size);
	}
}

/* As the dumper: seize, take the KFD fd and return it; the process is stopped. */
static int UNUSED grab(struct proc *p)
{
	int fd, r = kfd_seize(p->pid);

	if (r)
		return r;
	fd = kfd_steal_fd(p->pid, p->c.k.fd);
	if (fd < 0)
		kfd_release(p->pid);
	return fd;
}

static void UNUSED let_go(struct proc *p, int fd)
{
	close(fd);
	kfd_release(p->pid);
}

/* Checkpoint with contents; leaves the process stopped by ptrace and its queues paused. */
static int UNUSED dump(struct scene *s, struct proc *p)
{
	int fd = grab(p), r;

	if (fd < 0) {
		note(s, "no KFD fd from the source: %s", strerror(-fd));
		return fd;
	}
	drop_image(s);
	r = kfd_criu_checkpoint(fd, &s->img);
	if (r) {
		note(s, "CHECKPOINT: %s", strerror(-r));
		goto out;
	}
	r = kfd_criu_save_contents(&s->here, &s->img);
	if (r) {
		note(s, "contents at CHECKPOINT: %s", strerror(-r));
		goto out;
	}
	if (p->c.bo[BO_UPTR_AB].handle)
		r = save_pages(s, p->pid, SCENE_VA(BO_UPTR_AB), BO_SIZE);
	if (!r && p->c.bo[BO_UPTR_A].handle)
		r = save_pages(s, p->pid, SCENE_VA(BO_UPTR_A), BO_SIZE);
	if (!r && p->c.svm)
		r = save_pages(s, p->pid, p->c.svm, BO_SIZE);
	if (!r && p->c.range)
		r = save_pages(s, p->pid, p->c.range, p->c.range_size);
	if (r)
		note(s, "memory of the source: %s", strerror(-r));
out:
	close(fd);
	return r;
}

/* The restored copy of @from; its queues do not run before resume(). */
static int UNUSED restore(struct scene *s, struct proc *from, struct proc *to, bool swap)
{
	int r = spawn(s, to);

	if (r)
		return r;
	to->c = from->c;
	to->c.arg[0] = swap;
	return call(to, call_restore);
}

/* What CRIU's main process does at the end. */
static int UNUSED resume(struct scene *s, struct proc *p)
{
	int fd = open("/dev/kfd", O_RDWR | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = kfd_criu_resume(fd, p->pid);
	close(fd);
	return r;
}

static int UNUSED start(struct scene *s, struct proc *p)
{
	int r = spawn(s, p);

	return r ? r : call(p, call_build);
}

static struct scene UNUSED *scene_new(unsigned int flags)
{
	struct scene *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	if (s == MAP_FAILED)
		return NULL;
	s->flags = flags;
	s->wait_ms = 30000;
	for (i = 0; i < 2; i++) {
		s->memfd[i] = -1;
		if (!(flags & S_MEMFD))
			continue;
		s->memfd[i] = memfd_create("userptr", 0);
		if (s->memfd[i] < 0 || ftruncate(s->memfd[i], BO_SIZE))
			note(s, "memfd: %s", strerror(errno));
	}
	for (i = 0; i < 3; i++)
		s->p[i].c.s = s;
	if (kfd_topology(&s->here))
		s->here.ngpu = 0;
	return s;
}

static void UNUSED scene_free(struct scene *s)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		reap(&s->p[i]);
	for (i = 0; i < 2; i++)
		if (s->memfd[i] >= 0)
			close(s->memfd[i]);
	for (i = 0; i < s->here.ngpu; i++)
		if (s->here.gpu[i].drm_fd >= 0)
			close(s->here.gpu[i].drm_fd);
	drop_image(s);
	munmap(s, sizeof(*s));
}

#endif
