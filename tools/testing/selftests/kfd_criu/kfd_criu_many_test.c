// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint and restore of a process on four GPUs: which GPU each buffer
 * object is mapped on must survive, wherever the GPUs of the image end up.
 * With two GPUs, a restore that takes one for the other and one that maps on
 * all can look right.
 *
 * There is a BO of each kind for each of the sixteen sets of GPUs.  After the
 * restore, a GPU of the set reads what was in it, and any other GPU faults.
 */
#define _GNU_SOURCE
#define CRIU_ROWS		criu_many_rows
#include "kfd_criu_row.h"

#define GPUS		4u
#define SETS		(1u << GPUS)

/* VRAM of each of the four, then: */
enum { KIND_GTT = GPUS, KIND_USERPTR, KINDS };

#define BOS		(KINDS * SETS)
#define BO_OF(kind, set)	((kind) * SETS + (set))
#define KIND_OF(i)	((i) / SETS)
#define SET_OF(i)	((i) % SETS)
#define SEED_OF(i)	(1000u + (i))

/* Beside the addresses of the scene, whose objects are not made here. */
#define BO_STEP		0x10000ULL
#define BO_VA(i)	(SCENE_VA(64) + (i) * BO_STEP)
#define USERPTR_VA	BO_VA(BO_OF(KIND_USERPTR, 0))
#define USERPTR_BYTES	(SETS * BO_STEP)
#define RESULT_VA	SCENE_VA(65)
#define DOORBELL_VA(g)	(SCENE_VA(66) + (g) * 0x2000ULL)
#define QUEUE_VA(g)	SCENE_VA(67 + (g))

/* What a GPU reads from BO i goes here, fences behind all of it. */
#define RESULT_STEP	0x4000u
#define RESULT_BYTES	(BOS * RESULT_STEP)
#define FENCE(g)	(RESULT_BYTES + (g) * 8)

/*
 * Of one restored process each GPU can fault once, because its queues stop
 * then.  So a process is restored as often as there are BOs that a GPU must
 * not get at, for half of the sets; or where that takes long, as often as it
 * takes to try each kind of BO on each GPU.
 */
#define ROUNDS		(KINDS * SETS / 2)
#define ROUNDS_MS	15000u

/*
 * The processes' knowledge of their objects, in memory that they share.
 * @order: GPU i of the source is GPU order[i] of the restored copy
 */
struct many {
	struct kfd_bo bo[BOS], result, doorbell[GPUS];
	struct kfd_queue q[GPUS];
	struct kfd_event fault;
	uint32_t fence;
	unsigned int order[KFD_MAX_GPUS];
};

static struct many *m;

/* --- what the processes do --- */

static uint32_t bo_size(unsigned int i)
{
	/* each GPU another size, so that VRAM on a wrong one shows in the sum */
	return (KIND_OF(i) % GPUS + 1) * KFD_PAGE;
}

static int make(struct ctx *c, unsigned int i)
{
	unsigned int kind = KIND_OF(i), set = SET_OF(i);
	unsigned int home = kind < GPUS ? kind : set % GPUS;
	uint32_t flags = kind < GPUS ? KFD_BO_VRAM : kind == KIND_GTT ? KFD_BO_GTT :
			 KFD_BO_USERPTR;

	TRY(c, kfd_bo_create(&c->k, &m->bo[i], home, BO_VA(i), bo_size(i), flags, set));
	scene_fill(m->bo[i].cpu, bo_size(i), SEED_OF(i));
	return 0;
}

static int call_build_many(struct ctx *c)
{
	const unsigned int all = SETS - 1;
	unsigned int i, g;

	TRY(c, kfd_open_all(&c->k));
	NEED(c, map_pages(c, USERPTR_VA, USERPTR_BYTES, -1) != MAP_FAILED, "mmap: %s",
	     strerror(errno));
	for (i = 0; i < BOS; i++)
		if (make(c, i))
			return -1;
	TRY(c, kfd_bo_create(&c->k, &m->result, 0, RESULT_VA, RESULT_BYTES + KFD_PAGE, KFD_BO_GTT,
			     all));
	memset(m->result.cpu, 0, m->result.size);
	TRY(c, kfd_event_create(&c->k, &m->fault, KFD_IOC_EVENT_MEMORY, true, NULL));
	for (g = 0; g < GPUS; g++) {
		struct kfd_queue *q = &m->q[g];

		TRY(c, kfd_bo_create(&c->k, &m->doorbell[g], g, DOORBELL_VA(g), 8192,
				     KFD_BO_DOORBELL, 1u << g));
		TRY(c, kfd_queue_create(&c->k, q, KFD_Q_SDMA, g, QUEUE_VA(g)));
		/* the mapping that is restored */
		q->doorbell = (volatile uint64_t *)(uintptr_t)(DOORBELL_VA(g) +
							       (q->doorbell_offset & 8191));
	}
	return 0;
}

static int call_restore_many(struct ctx *c)
{
	return restore_onto(c, m->order);
}

/* Each GPU reads all of each BO that it was mapped on. */
static int call_read(struct ctx *c)
{
	unsigned int i, g, bad;

	for (i = 0; i < BOS; i++) {
		bad = scene_bad(m->bo[i].cpu, bo_size(i), SEED_OF(i));
		NEED(c, !bad, "the CPU reads %u wrong words of kind %u, set %#x", bad, KIND_OF(i),
		     SET_OF(i));
	}
	for (g = 0; g < GPUS; g++) {
		volatile uint32_t *fence = (uint32_t *)((char *)m->result.cpu + FENCE(g));

		memset(m->result.cpu, 0, RESULT_BYTES);
		for (i = 0; i < BOS; i++)
			if (SET_OF(i) & 1u << g)
				sdma_copy(&m->q[g], RESULT_VA + i * RESULT_STEP, BO_VA(i),
					  bo_size(i));
		sdma_fence(&m->q[g], RESULT_VA + FENCE(g), ++m->fence);
		kfd_queue_submit(&m->q[g]);
		NEED(c, kfd_wait32(fence, m->fence, c->s->wait_ms), "GPU %u does not read", g);
		for (i = 0; i < BOS; i++) {
			if (!(SET_OF(i) & 1u << g))
				continue;
			bad = scene_bad((char *)m->result.cpu + i * RESULT_STEP, bo_size(i),
					SEED_OF(i));
			NEED(c, !bad, "GPU %u reads %u wrong words of kind %u, set %#x", g, bad,
			     KIND_OF(i), SET_OF(i));
		}
	}
	return 0;
}

/* The @n-th BO, of ROUNDS, that GPU @g must not get at. */
static unsigned int foreign_bo(unsigned int g, unsigned int n)
{
	unsigned int low = n / KINDS;
	/* the bits of the set, with a 0 put in for @g */
	unsigned int set = (low >> g) << (g + 1) | (low & ((1u << g) - 1));

	return BO_OF(n % KINDS, set);
}

/* Each GPU tries one. Whether the copy stops or goes on with zeros is the hardware's business. */
static int call_fault(struct ctx *c)
{
	unsigned int g, i, other, round = c->arg[0];
	struct kfd_event_data d;
	uint64_t va;
	void *got;

	for (g = 0; g < GPUS; g++) {
		/* kind and set change with each round, until all have been there */
		i = foreign_bo(g, (round * 11 + g * 5) % ROUNDS);
		got = (char *)m->result.cpu + i * RESULT_STEP;
		memset(got, 0, KFD_PAGE);
		sdma_copy(&m->q[g], RESULT_VA + i * RESULT_STEP, BO_VA(i), KFD_PAGE);
		kfd_queue_submit(&m->q[g]);
		NEED(c, !kfd_event_wait(&c->k, &m->fault, c->s->wait_ms, &d),
		     "no memory event when GPU %u reads kind %u, set %#x", g, KIND_OF(i),
		     SET_OF(i));
		NEED(c, scene_bad(got, KFD_PAGE, SEED_OF(i)) == KFD_PAGE / 4,
		     "GPU %u reads kind %u, set %#x", g, KIND_OF(i), SET_OF(i));
		for (other = 0; other < c->k.ngpu; other++)
			if (c->k.gpu[other].gpu_id == d.memory_exception_data.gpu_id)
				break;
		NEED(c, other == g, "the event names GPU %u instead of %u", other, g);
		va = d.memory_exception_data.va;
		NEED(c, va >= BO_VA(i) && va < BO_VA(i) + KFD_PAGE, "the event names address %#llx",
		     (unsigned long long)va);
	}
	return 0;
}

/* --- rows --- */

/*
 * The source, saved and gone; GPU i of the image is to become GPU @order[i].
 * @vram: what it had on each GPU.  Look at the verdict before going on.
 */
static void save_source(struct scene *s, const unsigned int order[GPUS], long long vram[GPUS])
{
	unsigned int i;

	REQUIRE(s->here.ngpu >= GPUS, "four GPUs needed, %u found", s->here.ngpu);
	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	SETUP(m != MAP_FAILED, "mmap: %s", strerror(errno));
	for (i = 0; i < KFD_MAX_GPUS; i++)
		m->order[i] = i < GPUS ? order[i] : i;
	SETUP(!spawn(s, SRC) && !call(SRC, call_build_many) && !call(SRC, call_read),
	      "the source cannot be built");
	for (i = 0; i < GPUS; i++)
		vram[i] = vram_usage(SRC->pid, s->here.gpu[i].gpu_id);
	CHECK(!dump(s, SRC) && !save_pages(s, SRC->pid, USERPTR_VA, USERPTR_BYTES) && !reap(SRC),
	      "the source cannot be saved");
}

static void restore_copy(struct scene *s)
{
	SETUP(!spawn(s, DST), "fork");
	DST->c = SRC->c;
	CHECK(!call(DST, call_restore_many) && !resume(s, DST), "the copy cannot be restored");
}

/* All that was mapped can be read, and VRAM is on the GPU that took the place of its own. */
static void read_mapped(struct scene *s, const unsigned int order[GPUS])
{
	long long before[GPUS], after;
	unsigned int g;

	save_source(s, order, before);
	if (verdict != PASSED)
		return;
	restore_copy(s);
	if (verdict != PASSED)
		return;
	for (g = 0; g < GPUS; g++) {
		after = vram_usage(DST->pid, s->here.gpu[order[g]].gpu_id);
		CHECK(after == before[g], "%lld bytes of VRAM became %lld", before[g], after);
	}
	CHECK(!call(DST, call_read), "the copy");
}

/* What was not mapped cannot. */
static void fault_on_others(struct scene *s, const unsigned int order[GPUS])
{
	long long vram[GPUS];
	unsigned int round;
	uint64_t end;

	save_source(s, order, vram);
	if (verdict != PASSED)
		return;
	end = scene_clock() + ROUNDS_MS;
	for (round = 0; round < ROUNDS; round++) {
		if (round >= KINDS && scene_clock() > end)
			break;
		restore_copy(s);
		if (verdict != PASSED)
			return;
		DST->c.arg[0] = round;
		CHECK(!call(DST, call_fault) && !reap(DST), "the copy does not end");
	}
	printf("# each GPU faulted %u times\n", round);
}

static const unsigned int same_order[GPUS] = { 0, 1, 2, 3 };

/* GPUs of the kind of GPU @g, and which of them it is. */
static unsigned int kin(const struct scene *s, unsigned int g, unsigned int kin[GPUS],
			unsigned int *which)
{
	unsigned int i, n = 0;

	*which = 0;
	for (i = 0; i < GPUS && i < s->here.ngpu; i++) {
		if (i == g)
			*which = n;
		if (i == g || same_kind(&s->here.gpu[g], &s->here.gpu[i]))
			kin[n++] = i;
	}
	return n;
}

/* Each GPU's place goes to the next of its kind, or to the one as far from the other end. */
static bool permute(struct scene *s, bool reverse, unsigned int order[GPUS])
{
	unsigned int g, n, which, of[GPUS], moved = 0;

	for (g = 0; g < GPUS && g < s->here.ngpu; g++) {
		n = kin(s, g, of, &which);
		order[g] = of[reverse ? n - 1 - which : (which + 1) % n];
		moved += order[g] != g;
	}
	if (moved || s->here.ngpu < GPUS)
		return true;
	note(s, "each GPU is the only one of its kind");
	verdict = UNFIT;
	return false;
}

ROW(four_gpus_read, 0)
{
	read_mapped(s, same_order);
}

ROW(four_gpus_fault, 0)
{
	fault_on_others(s, same_order);
}

ROW(four_rotated_gpus_read, 0)
{
	unsigned int order[GPUS] = {};

	if (permute(s, false, order))
		read_mapped(s, order);
}

ROW(four_rotated_gpus_fault, 0)
{
	unsigned int order[GPUS] = {};

	if (permute(s, false, order))
		fault_on_others(s, order);
}

ROW(four_reversed_gpus_read, 0)
{
	unsigned int order[GPUS] = {};

	if (permute(s, true, order))
		read_mapped(s, order);
}

ROW(four_reversed_gpus_fault, 0)
{
	unsigned int order[GPUS] = {};

	if (permute(s, true, order))
		fault_on_others(s, order);
}

TEST_HARNESS_MAIN
