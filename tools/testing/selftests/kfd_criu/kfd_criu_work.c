// SPDX-License-Identifier: GPL-2.0
/*
 * Work for two GPUs that can be interrupted anywhere: CRIU dumps it while it
 * runs and restores it on another machine, where it must go on as if nothing
 * had happened and come to the same result.
 *
 * Each GPU holds blocks of data in VRAM.  In a round, the SDMA queue of each
 * GPU copies all of its blocks, in an order that looks random, to new places
 * on the other GPU; some go by way of a GTT buffer, a user pointer or an SVM
 * range.  Where they arrive, SDMA adds to, fills and writes some words, then
 * the PM4 queue writes some more.  Barriers on the AQL queues wait for all of
 * that, and for each other.  If asked for, a kernel on each AQL queue makes numbers
 * of a part of the data that the round reads, and has them in registers and LDS while
 * the round is held up.  Which blocks, which words and which values
 * follows from the checksum of the data in the round before, so that one
 * wrong byte makes all that comes after it different.
 *
 * The CPU does the same on a copy in its own memory, the model, and compares
 * both in each round.  Hence there is no need to know the right result in
 * advance: what is wrong is found in the round in which it goes wrong.
 *
 * Nothing here depends on ids of GPUs, addresses or time, and once everything
 * is set up, nothing is asked of the machine any more: it may be another one.
 */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#define KFD_TEST_NO_HARNESS
#include "kfd_kernel.h"
#include "kfd_test.h"

#define EXIT_USAGE	2

/* A wait is this many tries, not until a time: clocks jump when a process is restored. */
#define GPU_TRIES	20u
#define GPU_TRY_MS	1000u
#define OTHER_TRIES	12000u
#define OTHER_TRY_MS	10u
/* How often a job that is held up in its last round looks if it may go on. */
#define HOLD_MS		20u

#define BLOCK_SIZE	(64 * KIB)
/* All packets of a round must fit into a ring that stands still at a gate. */
#define MAX_BLOCKS	256u
#define MAX_EXTRAS	2048u

/* Of so many blocks that are sent in a row, one goes by each of the detours. */
#define ROUTE_CYCLE	8u
/* Extra BOs are stirred and checked each so many rounds. */
#define EXTRA_CYCLE	4u
#define EXTRA_SIZE	(16 * KIB)
#define BALLASTS	4

/* A kernel has so many work-items, more than a GPU of four compute units can hold at once. */
#define KERNEL_ITEMS	16384u
#define KERNEL_GROUP	256u
#define KERNEL_FACTOR	0x9e3779b1u
/* How many words each of them reads, and how many bytes all together. */
#define KERNEL_WORDS	8u
#define KERNEL_BYTES	(KERNEL_ITEMS * KERNEL_WORDS * 4)

/* Where in the BO of indirect buffers each queue's is. */
#define IB_SIZE		(64 * KIB)
#define IB_PM4		(32 * KIB)

enum { A, B, GPUS };
#define ON_AB		(1u << A | 1u << B)

enum route { DIRECT, BY_GTT, BY_USERPTR, BY_SVM };

/* The block at @from of one GPU becomes the block at @to of the other. */
struct move {
	uint16_t from, to;
};

enum change_kind { ADD, FILL, WRITE, PUT };

/**
 * struct change - what a packet does to some words of a half
 * @kind: 64-bit add; fill with one value; write different words; write 64 bits
 * @at: offset of the first byte
 * @words: 32-bit words, for FILL and WRITE
 * @value: what is added or written, or the first of it
 */
struct change {
	enum change_kind kind;
	uint32_t at, words;
	uint64_t value;
};

#define WRITE_WORDS	64u
#define FILL_WORDS	1024u		/* at most */

/* What is done to one GPU's data in each round, in this order: first by SDMA, then by PM4. */
static const enum change_kind sdma_kinds[] = {
	ADD, FILL, ADD, WRITE, ADD, FILL, ADD, ADD, WRITE, FILL,
	ADD, ADD, WRITE, FILL, ADD, WRITE, ADD, FILL, ADD, ADD,
};

static const enum change_kind pm4_kinds[] = { WRITE, PUT, WRITE, WRITE, PUT, WRITE, WRITE, PUT };

/* How the data of one GPU comes to be what it is after a round. */
struct plan {
	struct move move[MAX_BLOCKS];
	struct change sdma[ARRAY_SIZE(sdma_kinds)];
	struct change pm4[ARRAY_SIZE(pm4_kinds)];
};

/* The signals of one GPU; the links are a chain of AQL barriers. */
#define LINKS		4
enum { SIG_SDMA, SIG_PM4, SIG_KERNEL, SIG_LINK, SIG_LAST = SIG_LINK + LINKS - 1, SIGNALS };

/**
 * struct cell - what one GPU tells the CPU and the other GPU, in GTT
 * @gate: SDMA stops in the middle of a round until this is the round's number
 * @sent: the round whose blocks have all left this GPU
 * @landed: the round whose blocks have all arrived here, and were changed by SDMA
 * @signal: become 0 in each round
 */
struct cell {
	volatile uint32_t gate, sent, landed;
	uint32_t unused[13];		/* signals are 64-byte aligned */
	struct hsa_signal signal[SIGNALS];
};

/**
 * struct gpu - all that is on one GPU
 * @name: how people call it
 * @vram: its data, in two halves: what one round reads, the next one writes
 * @ib: indirect buffers of SDMA and PM4
 * @queue: by enum kfd_queue_kind
 * @done: the event of each queue
 * @cell: in memory that all share
 * @kernel: makes numbers of what the round reads
 * @numbers: these numbers, in GTT
 * @model: what @vram must hold
 * @model_numbers: what @numbers must hold
 * @plan: what this round does to @vram
 * @ballast: buffers that are there to be large
 */
struct gpu {
	const char *name;
	struct kfd_bo vram, ib, ballast[BALLASTS];
	struct kfd_queue queue[3];
	struct kfd_event done[3];
	struct cell *cell;
	struct kernel kernel;
	struct kfd_bo numbers;
	uint8_t *model;
	uint32_t *model_numbers;
	struct plan plan;
};

/**
 * struct extra - a small BO that is there to be one more
 * @bo: GTT or VRAM, mapped on one GPU or both
 * @model: what it must hold
 * @fill, @add: what happens to it next
 */
struct extra {
	struct kfd_bo bo;
	uint8_t *model;
	struct change fill, add;
};

struct options {
	unsigned int rounds, pace, vram, bos, ballast, tree, kernels;
	const char *until, *hold;
};

/**
 * struct side - what one of two processes tells the other
 * @arrived: the round in which its parcel is ready
 * @checked: the last round in which everything was right; one more at the end
 * @sum: checksums of odd and of even rounds
 */
struct side {
	uint32_t arrived, checked;
	uint64_t sum[2];
};

/* Behind it, page aligned: the parcels, for odd and even rounds, of each side. */
struct tree {
	struct side side[2];
};

enum { PARENT, CHILD };

/**
 * struct work - the whole of a process
 * @who: begins each message; empty if there is only one process
 * @round: counts from 1
 * @now: the half that holds the data; the round writes the other one
 * @seed: decides about a round
 * @rng: state of rnd()
 * @block: bytes of a block
 * @blocks: number of blocks in a half
 * @half: bytes of a half
 * @peer: each GPU can write the other's VRAM
 * @kernels: there are kernels for both GPUs
 * @tree: memory shared by two processes, or NULL
 * @side: PARENT or CHILD
 * @other: pid of the other process, 0 when it has ended
 * @other_status: how the child has ended
 * @shared: user pointer to the parcels
 */
struct work {
	struct options opt;
	const char *who;
	unsigned int round, now;
	uint64_t seed, rng;
	uint32_t block, blocks, half;
	bool peer, kernels;
	struct kfd k;
	struct kfd_bo page, cells, gtt, userptr, shared;
	uint64_t svm, svm_size;
	struct gpu gpu[GPUS];
	struct extra *extra;
	struct tree *tree;
	unsigned int side;
	pid_t other;
	int other_status;
};

static struct work work;
static volatile sig_atomic_t told_to_go_on;

static void go_on(int sig)
{
	told_to_go_on = sig;
}

static const char *const queue_names[] = { "SDMA", "AQL", "PM4" };

/* --- the end --- */

static void __attribute__((noreturn, format(printf, 3, 4)))
stop(const struct work *w, const char *verdict, const char *fmt, ...)
{
	va_list ap;

	printf("%s%s in round %u: ", w->who, verdict, w->round);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	exit(KSFT_FAIL);
}

/* Stand still between two calls, until somebody says so by SIGUSR1. */
static void hold(const struct work *w, unsigned int step, const char *what)
{
	printf("%sheld behind step %u, %s\n", w->who, step, what);
	while (!told_to_go_on)
		usleep(10000);
}

/* Of calls that have no reason to fail. */
static void need(const struct work *w, int r, const char *what)
{
	static unsigned int steps;

	if (r)
		stop(w, "FAILED", "%s: %s", what, strerror(-r));
	steps++;
	if (w->opt.hold && !told_to_go_on &&
	    (!strcmp(w->opt.hold, what) || strtoul(w->opt.hold, NULL, 0) == steps))
		hold(w, steps, what);
}

static void *alloc(const struct work *w, uint64_t bytes)
{
	void *p = calloc(1, bytes ? bytes : 1);

	need(w, p ? 0 : -ENOMEM, "memory for the model");
	return p;
}

/* --- numbers --- */

static uint64_t scramble(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static uint64_t rnd(struct work *w)
{
	w->rng += 0x9e3779b97f4a7c15ULL;
	return scramble(w->rng);
}

/* In words, because there are megabytes in each round and the CPU may be an emulated one. */
static uint64_t hash(uint64_t h, const void *p, uint64_t bytes)
{
	const uint64_t *word = p;
	uint64_t i;

	for (i = 0; i < bytes / sizeof(*word); i++) {
		h = (h ^ word[i]) * 0x9e3779b97f4a7c15ULL;
		h = h << 29 | h >> 35;
	}
	return scramble(h);
}

static void fill_random(struct work *w, void *p, uint64_t bytes)
{
	uint64_t *word = p, i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		word[i] = rnd(w);
}

/* --- addresses: a BO has the same one on the CPU and on the GPUs --- */

static uint64_t va(const volatile void *p)
{
	return (uintptr_t)p;
}

/* The half that the round reads, and the one that it writes. */
static uint8_t *now(const struct work *w, void *halves)
{
	return (uint8_t *)halves + (uint64_t)w->now * w->half;
}

static uint8_t *next(const struct work *w, void *halves)
{
	return (uint8_t *)halves + (uint64_t)!w->now * w->half;
}

/* Which part of what the round reads is for the kernel. */
static uint8_t *kernel_part(const struct work *w, void *halves)
{
	return now(w, halves) + w->seed % (w->half / KERNEL_BYTES) * KERNEL_BYTES;
}

/* How a block goes, by its place in the order of sending. */
static enum route route_of(const struct work *w, unsigned int i)
{
	switch (i % ROUTE_CYCLE) {
	case ROUTE_CYCLE - 3:
		return BY_GTT;
	case ROUTE_CYCLE - 2:
		return BY_USERPTR;
	case ROUTE_CYCLE - 1:
		return BY_SVM;
	default:
		return w->peer ? DIRECT : BY_GTT;
	}
}

/* Blocks for which a detour has room, on the way to one GPU. */
static unsigned int detour_slots(const struct work *w, enum route route)
{
	if (route == BY_GTT && !w->peer)
		return w->blocks;
	return (w->blocks + ROUTE_CYCLE - 1) / ROUTE_CYCLE;
}

static uint64_t detour_size(const struct work *w, enum route route)
{
	return (uint64_t)GPUS * detour_slots(w, route) * w->block;
}

/* Where block @i on its way to GPU @to stops over; NULL if it does not. */
static uint8_t *detour(const struct work *w, unsigned int to, unsigned int i)
{
	enum route route = route_of(w, i);
	unsigned int slots = detour_slots(w, route);
	uint64_t slot = to * slots + (slots == w->blocks ? i : i / ROUTE_CYCLE);
	uint8_t *const base[] = {
		[BY_GTT] = w->gtt.cpu,
		[BY_USERPTR] = w->userptr.cpu,
		[BY_SVM] = (void *)(uintptr_t)w->svm,
	};

	return route == DIRECT ? NULL : base[route] + slot * w->block;
}

/* The parcel that @side makes in this round. */
static uint8_t *parcel(const struct work *w, unsigned int side)
{
	return (uint8_t *)w->tree + KFD_PAGE + (w->round % 2 * 2 + side) * (uint64_t)w->block;
}

/* --- what a round does: by the numbers alone --- */

static void shuffle(struct work *w, uint16_t *order)
{
	unsigned int i, j;
	uint16_t swap;

	for (i = 0; i < w->blocks; i++)
		order[i] = i;
	for (i = w->blocks - 1; i > 0; i--) {
		j = rnd(w) % (i + 1);
		swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
}

static void plan_change(struct work *w, struct change *c, enum change_kind kind, uint32_t size)
{
	c->kind = kind;
	c->words = kind == FILL ? 1 + rnd(w) % FILL_WORDS : kind == WRITE ? WRITE_WORDS : 2;
	c->at = rnd(w) % ((size - c->words * 4) / 8 + 1) * 8;
	c->value = rnd(w);
}

static void plan_gpu(struct work *w, struct plan *plan)
{
	uint16_t from[MAX_BLOCKS], to[MAX_BLOCKS];
	unsigned int i;

	shuffle(w, from);
	shuffle(w, to);
	for (i = 0; i < w->blocks; i++)
		plan->move[i] = (struct move){ from[i], to[i] };
	for (i = 0; i < ARRAY_SIZE(sdma_kinds); i++)
		plan_change(w, &plan->sdma[i], sdma_kinds[i], w->half);
	for (i = 0; i < ARRAY_SIZE(pm4_kinds); i++)
		plan_change(w, &plan->pm4[i], pm4_kinds[i], w->half);
}

/* Is it the turn of extra BO @i? */
static bool turn(const struct work *w, unsigned int i)
{
	return (w->round + i) % EXTRA_CYCLE == 0;
}

static void plan_round(struct work *w)
{
	unsigned int g, i;

	w->rng = w->seed;
	for (g = 0; g < GPUS; g++)
		plan_gpu(w, &w->gpu[g].plan);
	for (i = 0; i < w->opt.bos; i++) {
		if (!turn(w, i))
			continue;
		plan_change(w, &w->extra[i].fill, FILL, EXTRA_SIZE);
		plan_change(w, &w->extra[i].add, ADD, EXTRA_SIZE);
	}
}

static void write_words(const struct change *c, uint32_t data[WRITE_WORDS])
{
	unsigned int i;

	for (i = 0; i < WRITE_WORDS; i++)
		data[i] = (c->value >> 16) + i * (uint32_t)c->value;
}

/* --- the CPU does it to the model --- */

static void model_change(uint8_t *base, const struct change *c)
{
	uint64_t *wide = (uint64_t *)(base + c->at);
	uint32_t *word = (uint32_t *)(base + c->at);
	unsigned int i;

	switch (c->kind) {
	case ADD:
		*wide += c->value;
		break;
	case FILL:
		for (i = 0; i < c->words; i++)
			word[i] = c->value;
		break;
	case WRITE:
		write_words(c, word);
		break;
	case PUT:
		*wide = c->value;
		break;
	}
}

/* What kernels/digest.s does. */
static void model_numbers(const uint8_t *data, uint32_t *numbers)
{
	uint32_t word, first = 0, i;

	for (i = 0; i < KERNEL_ITEMS; i++)
		numbers[i] = i;
	for (i = 0; i < KERNEL_ITEMS * KERNEL_WORDS; i++) {
		uint32_t *number = &numbers[i % KERNEL_ITEMS];

		memcpy(&word, data + i * sizeof(word), sizeof(word));
		*number = (*number ^ word) * KERNEL_FACTOR;
		*number ^= *number >> 15;
	}
	/* from the first on, so that the neighbour's number is not yet a sum */
	for (i = 0; i < KERNEL_ITEMS; i++) {
		if (i % KERNEL_GROUP == 0)
			first = numbers[i];
		numbers[i] += (i + 1) % KERNEL_GROUP ? numbers[i + 1] : first;
	}
}

static void model_round(struct work *w)
{
	unsigned int g, i;

	for (g = 0; w->kernels && g < GPUS; g++)
		model_numbers(kernel_part(w, w->gpu[g].model), w->gpu[g].model_numbers);

	for (g = 0; g < GPUS; g++) {
		const struct plan *plan = &w->gpu[g].plan;
		uint8_t *src = now(w, w->gpu[!g].model), *dst = next(w, w->gpu[g].model);

		for (i = 0; i < w->blocks; i++)
			memcpy(dst + (uint64_t)plan->move[i].to * w->block,
			       src + (uint64_t)plan->move[i].from * w->block, w->block);
		for (i = 0; i < ARRAY_SIZE(sdma_kinds); i++)
			model_change(dst, &plan->sdma[i]);
		for (i = 0; i < ARRAY_SIZE(pm4_kinds); i++)
			model_change(dst, &plan->pm4[i]);
	}
	for (i = 0; i < w->opt.bos; i++) {
		if (!turn(w, i))
			continue;
		model_change(w->extra[i].model, &w->extra[i].fill);
		model_change(w->extra[i].model, &w->extra[i].add);
	}
}

/* --- the GPUs do it to their memory --- */

static void sdma_change(struct kfd_queue *q, uint64_t base, const struct change *c)
{
	uint32_t data[WRITE_WORDS];

	switch (c->kind) {
	case ADD:
		sdma_atomic_add64(q, base + c->at, c->value);
		break;
	case FILL:
		sdma_fill(q, base + c->at, c->value, c->words * 4);
		break;
	case WRITE:
		write_words(c, data);
		sdma_write(q, base + c->at, data, WRITE_WORDS);
		break;
	case PUT:		/* for PM4 alone */
		break;
	}
}

static void pm4_change(struct kfd_queue *q, uint64_t base, const struct change *c)
{
	uint32_t data[WRITE_WORDS];

	if (c->kind == PUT) {
		pm4_release_mem(q, base + c->at, c->value, 0);
	} else {
		write_words(c, data);
		pm4_write_data(q, base + c->at, data, WRITE_WORDS);
	}
}

/* The last packets of a round's work on SDMA: the signal is for AQL, the event for the CPU. */
static void sdma_done(struct work *w, struct gpu *gpu)
{
	struct kfd_queue *q = &gpu->queue[KFD_Q_SDMA];

	sdma_atomic_add64(q, va(&gpu->cell->signal[SIG_SDMA].value), -1);
	sdma_signal(q, &w->page, &gpu->done[KFD_Q_SDMA]);
	kfd_queue_submit(q);
}

/* Blocks @i to @end leave GPU @g. */
static void sdma_send(struct work *w, unsigned int g, unsigned int i, unsigned int end)
{
	struct gpu *to = &w->gpu[!g];
	uint8_t *src = now(w, w->gpu[g].vram.cpu), *dst = next(w, to->vram.cpu), *stop_over;

	for (; i < end; i++) {
		const struct move *m = &to->plan.move[i];

		stop_over = detour(w, !g, i);
		if (!stop_over)
			stop_over = dst + (uint64_t)m->to * w->block;
		sdma_copy(&w->gpu[g].queue[KFD_Q_SDMA], va(stop_over),
			  va(src + (uint64_t)m->from * w->block), w->block);
	}
}

/* GPU @g fetches what did not come directly, and changes some of all. */
static void sdma_receive(struct work *w, unsigned int g)
{
	struct kfd_queue *q = &w->gpu[g].queue[KFD_Q_SDMA], ib;
	struct gpu *gpu = &w->gpu[g];
	uint8_t *dst = next(w, gpu->vram.cpu), *stop_over;
	unsigned int i;

	kfd_ib_begin(&ib, KFD_Q_SDMA, q->gfx_version, gpu->ib.cpu);
	sdma_poll_equal(&ib, va(&w->gpu[!g].cell->sent), w->round, ~0u);
	for (i = 0; i < w->blocks; i++) {
		stop_over = detour(w, g, i);
		if (stop_over)
			sdma_copy(&ib, va(dst + (uint64_t)gpu->plan.move[i].to * w->block),
				  va(stop_over), w->block);
	}
	for (i = 0; i < ARRAY_SIZE(sdma_kinds); i++)
		sdma_change(&ib, va(dst), &gpu->plan.sdma[i]);
	while (kfd_ib_dwords(&ib) % 8)
		sdma_nop(&ib, 1);
	sdma_indirect(q, gpu->ib.va, kfd_ib_dwords(&ib));
	sdma_fence(q, va(&gpu->cell->landed), w->round);
}

/* Which of the GPUs that have it mapped stirs an extra BO in this round. */
static unsigned int stirrer(const struct work *w, const struct extra *e)
{
	if (e->bo.mapped == ON_AB)
		return w->round / EXTRA_CYCLE % 2;
	return e->bo.mapped == 1u << B ? B : A;
}

static void sdma_stir(struct work *w, unsigned int g)
{
	struct kfd_queue *q = &w->gpu[g].queue[KFD_Q_SDMA];
	unsigned int i;

	for (i = 0; i < w->opt.bos; i++) {
		if (!turn(w, i) || stirrer(w, &w->extra[i]) != g)
			continue;
		sdma_change(q, w->extra[i].bo.va, &w->extra[i].fill);
		sdma_change(q, w->extra[i].bo.va, &w->extra[i].add);
	}
}

static void queue_sdma(struct work *w, unsigned int g)
{
	struct kfd_queue *q = &w->gpu[g].queue[KFD_Q_SDMA];

	/* up to the gate it runs at once, the rest stays in the ring until the CPU opens it */
	sdma_send(w, g, 0, w->blocks / 2);
	kfd_queue_submit(q);
	sdma_poll_equal(q, va(&w->gpu[g].cell->gate), w->round, ~0u);
	sdma_stir(w, g);
	sdma_send(w, g, w->blocks / 2, w->blocks);
	sdma_fence(q, va(&w->gpu[g].cell->sent), w->round);
	kfd_queue_submit(q);
	sdma_receive(w, g);
	sdma_done(w, &w->gpu[g]);
}

static void queue_pm4(struct work *w, struct gpu *gpu)
{
	struct kfd_queue *q = &gpu->queue[KFD_Q_PM4], ib;
	struct kfd_event *done = &gpu->done[KFD_Q_PM4];
	uint64_t dst = va(next(w, gpu->vram.cpu));
	unsigned int i;

	pm4_wait_equal(q, va(&gpu->cell->landed), w->round, ~0u);
	pm4_acquire_mem(q);
	/* some of it straight from the ring, the rest from an indirect buffer */
	for (i = 0; i < ARRAY_SIZE(pm4_kinds) / 2; i++)
		pm4_change(q, dst, &gpu->plan.pm4[i]);
	kfd_ib_begin(&ib, KFD_Q_PM4, q->gfx_version, (char *)gpu->ib.cpu + IB_PM4);
	for (; i < ARRAY_SIZE(pm4_kinds); i++)
		pm4_change(&ib, dst, &gpu->plan.pm4[i]);
	pm4_indirect(q, gpu->ib.va + IB_PM4, kfd_ib_dwords(&ib));
	pm4_release_mem(q, va(&gpu->cell->signal[SIG_PM4].value), 0, 0);
	pm4_release_mem(q, kfd_event_slot(&w->page, done), done->id, done->id);
	kfd_queue_submit(q);
}

/* The kernel reads what this round leaves alone, and waits for the gate like SDMA. */
static void aql_kernel(struct work *w, struct gpu *gpu)
{
	const struct {
		uint64_t data, numbers, gate;
		uint32_t words, step, open;
	} args = {
		va(kernel_part(w, gpu->vram.cpu)), gpu->numbers.va, va(&gpu->cell->gate),
		KERNEL_WORDS, KERNEL_ITEMS * 4, w->round,
	};

	memset(gpu->numbers.cpu, 0, KERNEL_ITEMS * 4);
	kernel_dispatch(&gpu->queue[KFD_Q_AQL], &gpu->kernel,
			kernel_args(&gpu->kernel, 0, &args, sizeof(args)), KERNEL_ITEMS,
			KERNEL_GROUP, va(&gpu->cell->signal[SIG_KERNEL]));
}

/*
 * A chain on each GPU.  It begins when the kernel, SDMA and PM4 are done; each further
 * link needs the one before on both GPUs.  The last one raises the event.
 */
static void queue_aql(struct work *w, unsigned int g)
{
	struct kfd_queue *q = &w->gpu[g].queue[KFD_Q_AQL];
	struct hsa_signal *own = w->gpu[g].cell->signal, *other = w->gpu[!g].cell->signal;
	const uint64_t first[5] = {
		va(&own[SIG_SDMA]), va(&own[SIG_PM4]), w->kernels ? va(&own[SIG_KERNEL]) : 0
	};
	unsigned int i;

	if (w->kernels)
		aql_kernel(w, &w->gpu[g]);
	else
		own[SIG_KERNEL].value = 0;
	aql_barrier_and(q, first, va(&own[SIG_LINK]));
	for (i = SIG_LINK; i < SIG_LAST; i++) {
		const uint64_t before[5] = { va(&own[i]), va(&other[i]) };

		aql_barrier_and(q, before, va(&own[i + 1]));
	}
	kfd_queue_submit(q);
}

static void reset_signals(struct work *w)
{
	unsigned int g, i;

	for (g = 0; g < GPUS; g++) {
		struct gpu *gpu = &w->gpu[g];

		for (i = 0; i < SIGNALS; i++)
			hsa_signal_init(&gpu->cell->signal[i], 1,
					i == SIG_LAST ? &w->page : NULL,
					i == SIG_LAST ? &gpu->done[KFD_Q_AQL] : NULL);
	}
}

static void queue_round(struct work *w)
{
	unsigned int g;

	/* before the first packet of either GPU, as they use each other's */
	reset_signals(w);
	for (g = 0; g < GPUS; g++) {
		queue_aql(w, g);
		queue_pm4(w, &w->gpu[g]);
		queue_sdma(w, g);
	}
}

/* --- the CPU and the GPUs meet --- */

static void open_gate(struct work *w, unsigned int g)
{
	struct cell *cell = w->gpu[g].cell;

	if (cell->sent == w->round)
		stop(w, "WRONG", "GPU %s ran through a closed gate", w->gpu[g].name);
	cell->gate = w->round;
}

/* The GPUs wait for the CPU here: most of the time they are found with work half done. */
static void open_gates(struct work *w)
{
	unsigned int first = w->round % GPUS;

	sleep_ms(w->opt.pace / 2);
	/* for who has to interrupt the work, however long that takes */
	while (w->opt.until && w->round == w->opt.rounds && access(w->opt.until, F_OK))
		sleep_ms(HOLD_MS);
	open_gate(w, first);
	/* now that one has sent its blocks, and waits for those of the other */
	sleep_ms(w->opt.pace - w->opt.pace / 2);
	open_gate(w, !first);
}

static void __attribute__((noreturn))
stuck(struct work *w, const struct gpu *gpu, enum kfd_queue_kind kind, bool done)
{
	const struct kfd_queue *q = &gpu->queue[kind];
	const struct cell *cell = gpu->cell;

	if (done)
		stop(w, "STUCK", "%s of GPU %s is done, but its event does not come",
		     queue_names[kind], gpu->name);
	stop(w, "STUCK",
	     "%s of GPU %s is at %llu of %llu; gate %u, sent %u, landed %u; signals %lld %lld %lld %lld %lld",
	     queue_names[kind], gpu->name, (unsigned long long)*q->rptr,
	     (unsigned long long)*q->wptr, cell->gate, cell->sent, cell->landed,
	     (long long)cell->signal[SIG_SDMA].value, (long long)cell->signal[SIG_PM4].value,
	     (long long)cell->signal[SIG_KERNEL].value,
	     (long long)cell->signal[SIG_LINK].value, (long long)cell->signal[SIG_LAST].value);
}

/* One event at a time: a wait for all of many loses those that came when it ends early. */
static void wait_queue(struct work *w, struct gpu *gpu, enum kfd_queue_kind kind)
{
	static const unsigned int last[] = { SIG_SDMA, SIG_LAST, SIG_PM4 };
	struct hsa_signal *s = &gpu->cell->signal[last[kind]];
	unsigned int i;
	int r;

	for (i = 0; i < GPU_TRIES; i++) {
		r = kfd_event_wait(&w->k, &gpu->done[kind], GPU_TRY_MS, NULL);
		/* an event may come for nothing, but not nothing when the work is done */
		if (!r && !s->value)
			return;
		if (r && r != -ETIMEDOUT)
			need(w, r, "wait for an event");
	}
	stuck(w, gpu, kind, !s->value);
}

static void wait_round(struct work *w)
{
	unsigned int g, i;

	for (g = 0; g < GPUS; g++) {
		wait_queue(w, &w->gpu[g], KFD_Q_SDMA);
		wait_queue(w, &w->gpu[g], KFD_Q_PM4);
		wait_queue(w, &w->gpu[g], KFD_Q_AQL);
	}
	for (g = 0; g < GPUS; g++)
		for (i = 0; i < SIGNALS; i++)
			if (w->gpu[g].cell->signal[i].value)
				stop(w, "WRONG", "signal %u of GPU %s: found %lld, wanted 0", i,
				     w->gpu[g].name, (long long)w->gpu[g].cell->signal[i].value);
}

/* --- two processes --- */

static bool other_is_gone(struct work *w)
{
	if (w->side == CHILD)
		return getppid() != w->other;
	if (w->other && waitpid(w->other, &w->other_status, WNOHANG) == w->other)
		w->other = 0;
	return !w->other;
}

static void __attribute__((noreturn)) lost_other(struct work *w)
{
	if (w->side == CHILD)
		stop(w, "ALONE", "the parent has ended");
	if (WIFSIGNALED(w->other_status))
		stop(w, "ALONE", "the child was killed by signal %d", WTERMSIG(w->other_status));
	stop(w, "ALONE", "the child has ended with exit status %d",
	     WEXITSTATUS(w->other_status));
}

/* Wait until @count, which the other process counts up, is @value. */
static void wait_other(struct work *w, uint32_t *count, uint32_t value)
{
	unsigned int i;
	bool gone;

	for (i = 0; i < OTHER_TRIES; i++) {
		/* in this order, as it may count and then end */
		gone = other_is_gone(w);
		if (__atomic_load_n(count, __ATOMIC_ACQUIRE) >= value)
			return;
		if (gone)
			lost_other(w);
		sleep_ms(OTHER_TRY_MS);
	}
	stop(w, "STUCK", "the other process does not come to this round");
}

/* SDMA of @gpu copies a block, and the CPU waits. */
static void copy_and_wait(struct work *w, struct gpu *gpu, const void *dst, const void *src)
{
	hsa_signal_init(&gpu->cell->signal[SIG_SDMA], 1, NULL, NULL);
	sdma_copy(&gpu->queue[KFD_Q_SDMA], va(dst), va(src), w->block);
	sdma_done(w, gpu);
	wait_queue(w, gpu, KFD_Q_SDMA);
}

/*
 * A block of GPU A goes to the other process, and one from there to GPU B, by
 * memory that both processes have as a user pointer.  A parcel stays for one
 * more round: a process that is ahead does not touch what the other one reads.
 */
static void exchange(struct work *w)
{
	uint64_t out = rnd(w) % w->blocks * w->block, in = rnd(w) % w->blocks * w->block;
	struct side *own = &w->tree->side[w->side], *other = &w->tree->side[!w->side];
	struct gpu *a = &w->gpu[A], *b = &w->gpu[B];

	copy_and_wait(w, a, parcel(w, w->side), next(w, a->vram.cpu) + out);
	if (memcmp(parcel(w, w->side), next(w, a->model) + out, w->block))
		stop(w, "WRONG", "the block for the other process is not that of GPU A");
	__atomic_store_n(&own->arrived, w->round, __ATOMIC_RELEASE);
	wait_other(w, &other->arrived, w->round);
	copy_and_wait(w, b, next(w, b->vram.cpu) + in, parcel(w, !w->side));
	memcpy(next(w, b->model) + in, parcel(w, !w->side), w->block);
}

/* For both sides: the one of the parent and the one of the child in it. */
static uint64_t combine(uint64_t parent, uint64_t child)
{
	return scramble(parent + scramble(child));
}

/* Tell that all was right until @round; what to print of it. */
static uint64_t report(struct work *w, unsigned int round, uint64_t sum)
{
	struct tree *t = w->tree;

	if (!t)
		return sum;
	t->side[w->side].sum[round % 2] = sum;
	__atomic_store_n(&t->side[w->side].checked, round, __ATOMIC_RELEASE);
	if (w->side == CHILD)
		return sum;
	wait_other(w, &t->side[CHILD].checked, round);
	return combine(sum, t->side[CHILD].sum[round % 2]);
}

static void end_tree(struct work *w)
{
	unsigned int i;

	if (!w->tree || w->side == CHILD)
		return;
	for (i = 0; i < OTHER_TRIES && !other_is_gone(w); i++)
		sleep_ms(OTHER_TRY_MS);
	if (w->other)
		stop(w, "STUCK", "the child does not end");
	if (w->other_status)
		lost_other(w);
}

/* --- is everything as it must be? --- */

/* Byte offset of the first difference, in words of 64 bits; both are whole words. */
static uint64_t first_difference(const void *found, const void *wanted)
{
	const uint64_t *f = found, *x = wanted;
	uint64_t i = 0;

	while (f[i] == x[i])
		i++;
	return i * sizeof(*f);
}

static uint64_t word_at(const void *p, uint64_t at)
{
	return *(const uint64_t *)((const char *)p + at);
}

/* How the block at offset @at of the half that was written came there. */
static void tell_route(struct work *w, const struct gpu *gpu, uint64_t at, char *text, size_t len)
{
	static const char *const by[] = {
		"directly", "through GTT", "through the user pointer", "through the SVM range",
	};
	unsigned int i, block = at / w->block;

	for (i = 0; i < w->blocks; i++)
		if (gpu->plan.move[i].to == block)
			snprintf(text, len, "block %u, which came %s from block %u", block,
				 by[route_of(w, i)], gpu->plan.move[i].from);
}

static void check_gpu(struct work *w, const struct gpu *gpu)
{
	char where[100] = "in the half that nobody wrote";
	uint64_t at;

	if (!memcmp(gpu->vram.cpu, gpu->model, 2ULL * w->half))
		return;
	at = first_difference(gpu->vram.cpu, gpu->model);
	if (at / w->half != w->now)
		tell_route(w, gpu, at % w->half, where, sizeof(where));
	stop(w, "WRONG", "VRAM of GPU %s, byte %#llx, %s: found %016llx, wanted %016llx",
	     gpu->name, (unsigned long long)at, where,
	     (unsigned long long)word_at(gpu->vram.cpu, at),
	     (unsigned long long)word_at(gpu->model, at));
}

static void check_extra(struct work *w, unsigned int i)
{
	const struct extra *e = &w->extra[i];
	uint64_t at;

	if (!memcmp(e->bo.cpu, e->model, EXTRA_SIZE))
		return;
	at = first_difference(e->bo.cpu, e->model);
	stop(w, "WRONG", "extra buffer %u, byte %#llx: found %016llx, wanted %016llx", i,
	     (unsigned long long)at, (unsigned long long)word_at(e->bo.cpu, at),
	     (unsigned long long)word_at(e->model, at));
}

static void check_numbers(struct work *w, const struct gpu *gpu)
{
	const uint32_t *found = gpu->numbers.cpu;
	unsigned int i = 0;

	if (!memcmp(found, gpu->model_numbers, KERNEL_ITEMS * sizeof(*found)))
		return;
	while (found[i] == gpu->model_numbers[i])
		i++;
	stop(w, "WRONG", "work-item %u of the kernel on GPU %s: found %08x, wanted %08x", i,
	     gpu->name, found[i], gpu->model_numbers[i]);
}

/*
 * Compare all that the round touched, and what it left alone on the GPUs.  The
 * checksum is taken of the model: it is the same by then, and faster to read.
 */
static uint64_t check_round(struct work *w)
{
	uint64_t sum = w->seed;
	unsigned int g, i;

	for (g = 0; g < GPUS; g++) {
		check_gpu(w, &w->gpu[g]);
		if (w->kernels)
			check_numbers(w, &w->gpu[g]);
		sum = hash(sum, next(w, w->gpu[g].model), w->half);
	}
	for (i = 0; i < w->opt.bos; i++) {
		if (!turn(w, i))
			continue;
		check_extra(w, i);
		sum = hash(sum, w->extra[i].model, EXTRA_SIZE);
	}
	return sum;
}

static void do_round(struct work *w)
{
	plan_round(w);
	queue_round(w);
	model_round(w);
	open_gates(w);
	wait_round(w);
	if (w->tree)
		exchange(w);
	w->seed = check_round(w);
	w->now = !w->now;
}

/* --- the beginning --- */

static void open_gpus(struct work *w)
{
	unsigned int g;

	need(w, kfd_open(&w->k), "/dev/kfd");
	for (g = 0; g < GPUS; g++)
		need(w, kfd_acquire(&w->k, g), "render node");
	need(w, kfd_event_page(&w->k, &w->page, 0), "page of the events");
	need(w, kfd_bo_create(&w->k, &w->cells, 0, 0, GPUS * KFD_PAGE, KFD_BO_GTT, ON_AB),
	     "GTT buffer for signals");
	memset(w->cells.cpu, 0, w->cells.size);
}

/* Both GPUs' data; it is mapped on the other GPU, too, where that is possible. */
static void make_vram(struct work *w)
{
	unsigned int g;

	w->peer = true;
	for (g = 0; g < GPUS; g++) {
		struct gpu *gpu = &w->gpu[g];

		need(w, kfd_bo_create(&w->k, &gpu->vram, g, 0, 2ULL * w->half, KFD_BO_VRAM,
				      1u << g), "VRAM");
		if (kfd_bo_map(&w->k, &gpu->vram, 1u << !g))
			w->peer = false;
		gpu->model = alloc(w, 2ULL * w->half);
		fill_random(w, gpu->model, 2ULL * w->half);
		memcpy(gpu->vram.cpu, gpu->model, 2ULL * w->half);
	}
}

static void make_detours(struct work *w)
{
	struct kfd *k = &w->k;

	w->svm_size = detour_size(w, BY_SVM);
	need(w, kfd_bo_create(k, &w->gtt, 0, 0, detour_size(w, BY_GTT), KFD_BO_GTT, ON_AB),
	     "GTT buffer");
	need(w, kfd_bo_create(k, &w->userptr, 0, 0, detour_size(w, BY_USERPTR), KFD_BO_USERPTR,
			      ON_AB), "user pointer");
	need(w, kfd_svm_create(k, &w->svm, w->svm_size, ON_AB), "SVM range");
	if (w->tree)
		need(w, kfd_bo_create(k, &w->shared, 0, va(w->tree) + KFD_PAGE, 4ULL * w->block,
				      KFD_BO_USERPTR, ON_AB), "user pointer to shared memory");
}

static void make_queues(struct work *w, unsigned int g)
{
	struct gpu *gpu = &w->gpu[g];
	struct kfd *k = &w->k;
	unsigned int kind;

	gpu->name = g == A ? "A" : "B";
	gpu->cell = (struct cell *)((char *)w->cells.cpu + g * KFD_PAGE);
	need(w, kfd_bo_create(k, &gpu->ib, g, 0, IB_SIZE, KFD_BO_GTT, 1u << g),
	     "indirect buffers");
	for (kind = KFD_Q_SDMA; kind <= KFD_Q_PM4; kind++) {
		need(w, kfd_queue_create(k, &gpu->queue[kind], kind, g, 0), queue_names[kind]);
		need(w, kfd_event_create(k, &gpu->done[kind], KFD_IOC_EVENT_SIGNAL, true,
					 g || kind ? NULL : &w->page), "event");
	}
}

/* Without them, the AQL queues have nothing but barriers, and the result is the same. */
static void make_kernels(struct work *w)
{
	unsigned int g;
	int r;

	if (!w->opt.kernels)
		return;
	w->kernels = true;
	for (g = 0; g < GPUS; g++) {
		struct gpu *gpu = &w->gpu[g];

		r = kernel_load(&w->k, &gpu->kernel, g, "digest");
		if (r == -ENOENT)
			w->kernels = false;
		else
			need(w, r, "kernel");
		need(w, kfd_bo_create(&w->k, &gpu->numbers, g, 0, KERNEL_ITEMS * 4, KFD_BO_GTT,
				      1u << g), "GTT buffer for the kernel");
		gpu->model_numbers = alloc(w, KERNEL_ITEMS * sizeof(*gpu->model_numbers));
	}
}

/* GTT and VRAM by turns; two on GPU A, two on B, two on both. */
static void make_extra(struct work *w, unsigned int i)
{
	static const unsigned int sets[] = { 1u << A, 1u << B, ON_AB };
	unsigned int set = sets[i / 2 % ARRAY_SIZE(sets)];
	unsigned int home = set == ON_AB ? i / 6 % GPUS : set == 1u << B ? B : A;
	struct extra *e = &w->extra[i];

	if (i % 2 && !w->peer)
		set = 1u << home;
	need(w, kfd_bo_create(&w->k, &e->bo, home, 0, EXTRA_SIZE, i % 2 ? KFD_BO_VRAM : KFD_BO_GTT,
			      set), "extra buffer");
	e->model = alloc(w, EXTRA_SIZE);
	fill_random(w, e->model, EXTRA_SIZE);
	memcpy(e->bo.cpu, e->model, EXTRA_SIZE);
}

static const uint32_t ballast_kinds[BALLASTS] = {
	KFD_BO_VRAM, KFD_BO_GTT, KFD_BO_GTT, KFD_BO_GTT,
};

/* Any two words of all ballast are different. */
static uint64_t ballast_word(unsigned int g, unsigned int kind, uint64_t i)
{
	return (i * BALLASTS * GPUS + kind * GPUS + g + 1) * 0x9e3779b97f4a7c15ULL;
}

static void make_ballast(struct work *w, unsigned int g, unsigned int kind)
{
	struct kfd_bo *bo = &w->gpu[g].ballast[kind];
	uint64_t i;

	need(w, kfd_bo_create(&w->k, bo, g, 0, w->opt.ballast * MIB / (GPUS * BALLASTS),
			      ballast_kinds[kind], 1u << g), "ballast");
	for (i = 0; i < bo->size / sizeof(uint64_t); i++)
		((uint64_t *)bo->cpu)[i] = ballast_word(g, kind, i);
}

static void check_ballast(struct work *w, unsigned int g, unsigned int kind)
{
	const struct kfd_bo *bo = &w->gpu[g].ballast[kind];
	uint64_t i = 0, n = bo->size / sizeof(i);

	while (i < n && word_at(bo->cpu, i * sizeof(i)) == ballast_word(g, kind, i))
		i++;
	if (i < n)
		stop(w, "WRONG", "ballast %u of GPU %s, byte %#llx: found %016llx, wanted %016llx",
		     kind, w->gpu[g].name, (unsigned long long)i * sizeof(i),
		     (unsigned long long)word_at(bo->cpu, i * sizeof(i)),
		     (unsigned long long)ballast_word(g, kind, i));
}

typedef void (*ballast_fn)(struct work *w, unsigned int g, unsigned int kind);

static void for_ballast(struct work *w, ballast_fn fn)
{
	unsigned int g, kind;

	for (g = 0; w->opt.ballast && g < GPUS; g++)
		for (kind = 0; kind < BALLASTS; kind++)
			fn(w, g, kind);
}

static void drop_ballast(struct work *w, unsigned int g, unsigned int kind)
{
	need(w, kfd_bo_destroy(&w->k, &w->gpu[g].ballast[kind]), "end of ballast");
}

static void set_up(struct work *w)
{
	const uint64_t shape[] = { w->opt.vram, w->opt.bos, w->opt.tree };
	unsigned int i;

	/* two processes do the same with different data */
	w->rng = hash(w->side, shape, sizeof(shape));
	open_gpus(w);
	make_vram(w);
	make_detours(w);
	for (i = 0; i < GPUS; i++)
		make_queues(w, i);
	make_kernels(w);
	w->extra = alloc(w, w->opt.bos * sizeof(*w->extra));
	for (i = 0; i < w->opt.bos; i++)
		make_extra(w, i);
	for_ballast(w, make_ballast);
	w->seed = rnd(w);
}

/* What a restored process has can be destroyed like what it had at first. */
static void tear_down(struct work *w)
{
	struct kfd_bo *bos[] = {
		&w->gpu[A].vram, &w->gpu[B].vram, &w->gpu[A].ib, &w->gpu[B].ib, &w->gtt,
		&w->userptr, &w->shared, &w->cells, &w->gpu[A].numbers, &w->gpu[B].numbers,
		&w->gpu[A].kernel.bo, &w->gpu[B].kernel.bo,
	};
	unsigned int g, i;

	for (g = 0; g < GPUS; g++) {
		for (i = 0; i < ARRAY_SIZE(queue_names); i++) {
			need(w, kfd_queue_destroy(&w->k, &w->gpu[g].queue[i]), "end of a queue");
			need(w, kfd_event_destroy(&w->k, &w->gpu[g].done[i]), "end of an event");
		}
	}
	for (i = 0; i < w->opt.bos; i++)
		need(w, kfd_bo_destroy(&w->k, &w->extra[i].bo), "end of an extra buffer");
	for_ballast(w, drop_ballast);
	for (i = 0; i < ARRAY_SIZE(bos); i++) {
		need(w, kfd_bo_free(&w->k, bos[i]), "free of a buffer");
		need(w, kfd_bo_destroy(&w->k, bos[i]), "end of a buffer");
	}
	/* the page of the events goes with the process, the kernel does not let it go before */
	kfd_close(&w->k);
	need(w, 0, "end of the files");
}

static void tell(const struct work *w)
{
	const struct kfd_gpu *a = &w->k.gpu[A], *b = &w->k.gpu[B];
	const char *each = w->tree ? "in each process, " : "";

	printf("Process %d works on two GPUs for %u round%s and checks every byte on them.\n",
	       getpid(), w->opt.rounds, w->opt.rounds == 1 ? "" : "s");
	if (w->tree)
		printf("Process %d, its child, does so too; they exchange blocks in each round.\n",
		       w->other);
	printf("GPU A is %u (gfx %u), GPU B is %u (gfx %u); %s.\n", a->gpu_id, a->gfx_version,
	       b->gpu_id, b->gfx_version,
	       w->peer ? "each can write the other's VRAM" :
	       "neither can write the other's VRAM, all goes through the host");
	printf("Memory: %s%u MiB of VRAM on each GPU, %llu KiB of GTT,\n", each, w->opt.vram,
	       (unsigned long long)(w->gtt.size / KIB));
	printf("        %llu KiB of user pointer, %llu KiB of SVM, %u extra buffers of %lu KiB%s\n",
	       (unsigned long long)(w->userptr.size / KIB),
	       (unsigned long long)(w->svm_size / KIB), w->opt.bos, EXTRA_SIZE / KIB,
	       w->tree ? "," : ".");
	if (w->tree)
		printf("        %llu KiB of user pointer to memory that both processes share.\n",
		       (unsigned long long)(w->shared.size / KIB));
	printf("Queues: %son each GPU one SDMA, one PM4 and one AQL, with an event each.\n", each);
	if (w->kernels)
		printf("Kernels: %son each GPU one of %u work-items in each round.\n", each,
		       KERNEL_ITEMS);
	else if (w->opt.kernels)
		printf("Kernels: none, for these GPUs none were built.\n");
}

static void check_machine(void)
{
	struct kfd k;

	if (kfd_topology(&k))
		k.ngpu = 0;
	if (k.ngpu >= GPUS)
		return;
	printf("SKIP: two GPUs are needed, %u found.\n", k.ngpu);
	exit(KSFT_SKIP);
}

/* Before anything of KFD is open: each process has its own. */
static void split(struct work *w)
{
	pid_t parent = getpid(), pid;

	w->tree = mmap(NULL, KFD_PAGE + 4ULL * w->block, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(w, w->tree == MAP_FAILED ? -errno : 0, "shared memory");
	fflush(stdout);
	pid = fork();
	need(w, pid < 0 ? -errno : 0, "fork");
	w->side = pid ? PARENT : CHILD;
	w->other = pid ? pid : parent;
	w->who = pid ? "parent: " : "child: ";
}

static void print_usage(FILE *f)
{
	fprintf(f,
		"usage: kfd_criu_work [option]...\n"
		"Work for two GPUs that checks itself; to be dumped and restored in the middle.\n"
		"  -r, --rounds N   rounds (default 40)\n"
		"  -p, --pace MS    milliseconds that the GPUs are held up in each round (default 200)\n"
		"  -v, --vram MIB   MiB of VRAM on each GPU (default 4)\n"
		"  -n, --bos N      extra buffer objects (default 0)\n"
		"  -b, --ballast MIB  so many MiB of buffers more, a quarter of them VRAM, written once\n"
		"                   and looked at in the end (default 0)\n"
		"  -t, --tree       two processes that exchange data\n"
		"  -k, --kernels    a kernel on each GPU in each round, too\n"
		"  -u, --until FILE hold the GPUs up in the last round until there is such a file\n"
		"  -o, --hold STEP  stand still behind a step of the beginning or the end, until SIGUSR1:\n"
		"                   its number, or what is told when it fails\n"
		"  -h, --help       this text\n"
		"The result depends on the rounds, the VRAM, the extra buffers and the number of\n"
		"processes, and on nothing else.\n"
		"Exit status: 0 right, 1 wrong, 2 wrong arguments, 4 not enough GPUs.\n");
}

static unsigned int parse_number(const char *what, const char *s, unsigned long min,
				 unsigned long max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(s, &end, 0);
	/* strtoul() takes a minus sign, and white space before it */
	if (s[0] >= '0' && s[0] <= '9' && !*end && !errno && value >= min && value <= max)
		return value;
	fprintf(stderr, "kfd_criu_work: --%s needs a number from %lu to %lu, not '%s'\n", what,
		min, max, s);
	exit(EXIT_USAGE);
}

static void parse(struct options *opt, int argc, char **argv)
{
	static const struct option names[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "pace", required_argument, NULL, 'p' },
		{ "vram", required_argument, NULL, 'v' },
		{ "bos", required_argument, NULL, 'n' },
		{ "ballast", required_argument, NULL, 'b' },
		{ "tree", no_argument, NULL, 't' },
		{ "kernels", no_argument, NULL, 'k' },
		{ "until", required_argument, NULL, 'u' },
		{ "hold", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	int c;

	*opt = (struct options){ .rounds = 40, .pace = 200, .vram = 4 };
	while ((c = getopt_long(argc, argv, "r:p:v:n:b:tku:o:h", names, NULL)) != -1) {
		switch (c) {
		case 'r':
			opt->rounds = parse_number("rounds", optarg, 1, 1000000);
			break;
		case 'p':
			opt->pace = parse_number("pace", optarg, 0, 60000);
			break;
		case 'v':
			opt->vram = parse_number("vram", optarg, 1, 1024);
			break;
		case 'n':
			opt->bos = parse_number("bos", optarg, 0, MAX_EXTRAS);
			break;
		case 'b':
			opt->ballast = parse_number("ballast", optarg, 0, 1 << 20);
			break;
		case 't':
			opt->tree = 1;
			break;
		case 'k':
			opt->kernels = 1;
			break;
		case 'u':
			opt->until = optarg;
			break;
		case 'o':
			opt->hold = optarg;
			break;
		case 'h':
			print_usage(stdout);
			exit(KSFT_PASS);
		default:		/* getopt_long() has said what is wrong */
			print_usage(stderr);
			exit(EXIT_USAGE);
		}
	}
	if (optind == argc)
		return;
	fprintf(stderr, "kfd_criu_work: what is '%s'? There are options only.\n", argv[optind]);
	print_usage(stderr);
	exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	struct work *w = &work;
	unsigned int i;
	uint64_t sum;

	setvbuf(stdout, NULL, _IOLBF, 0);
	parse(&w->opt, argc, argv);
	signal(SIGUSR1, go_on);
	w->who = "";
	w->half = w->opt.vram * (MIB / 2);
	w->blocks = w->half / BLOCK_SIZE < MAX_BLOCKS ? w->half / BLOCK_SIZE : MAX_BLOCKS;
	w->block = w->half / w->blocks;
	check_machine();
	if (w->opt.tree)
		split(w);
	set_up(w);
	if (w->side == PARENT)
		tell(w);
	for (w->round = 1; w->round <= w->opt.rounds; w->round++) {
		do_round(w);
		sum = report(w, w->round, w->seed);
		if (w->side == PARENT)
			printf("round %u of %u: checksum %016llx, GPUs and CPU agree\n", w->round,
			       w->opt.rounds, (unsigned long long)sum);
	}
	w->round = w->opt.rounds;
	/* those whose turn it was not in the last rounds, too */
	for (i = 0; i < w->opt.bos; i++)
		check_extra(w, i);
	for_ballast(w, check_ballast);
	tear_down(w);
	sum = report(w, w->opt.rounds + 1, w->seed);
	end_tree(w);
	if (w->side == PARENT)
		printf("result %016llx\n", (unsigned long long)sum);
	return KSFT_PASS;
}
