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
#include "../kselftest_harness.h"
#include "kfd_criu_expect.h"
#include "kfd_criu_scene.h"

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

/* see kfd_criu_expect.h */
static const struct criu_expect expectations[] = {
	{ "four_rotated_gpus_fault", CRIU_FAIL, CRIU_FAIL, "the event names GPU",
	  "the interrupt handler puts the actual id, now another GPU's, into the event's data" },
	{ "four_reversed_gpus_fault", CRIU_FAIL, CRIU_FAIL, "the event names GPU",
	  "the interrupt handler puts the actual id, now another GPU's, into the event's data" },
};

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

#define SRC		(&s->p[0])
#define DST		(&s->p[1])

/* What the row needs, and what it is about. */
enum verdict { PASSED, FAILED, BROKEN };

/* Bytes of VRAM that KFD accounts to a process. */
static long long vram_usage(pid_t pid, uint32_t gpu_id)
{
	long long v = -1;
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/virtual/kfd/kfd/proc/%d/vram_%u", pid, gpu_id);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%lld", &v) != 1)
		v = -1;
	fclose(f);
	return v;
}

/* The source, saved and gone; @vram: what it had on each GPU. */
static enum verdict save_source(struct scene *s, long long vram[GPUS])
{
	unsigned int g;

	if (spawn(s, SRC) || call(SRC, call_build_many) || call(SRC, call_read)) {
		note(s, "the source cannot be built");
		return BROKEN;
	}
	for (g = 0; g < GPUS; g++)
		vram[g] = vram_usage(SRC->pid, s->here.gpu[g].gpu_id);
	if (dump(s, SRC) || save_pages(s, SRC->pid, USERPTR_VA, USERPTR_BYTES) || reap(SRC)) {
		note(s, "the source cannot be saved");
		return FAILED;
	}
	return PASSED;
}

static enum verdict restore_copy(struct scene *s)
{
	if (spawn(s, DST))
		return BROKEN;
	DST->c = SRC->c;
	if (call(DST, call_restore_many) || resume(s, DST)) {
		note(s, "the copy cannot be restored");
		return FAILED;
	}
	return PASSED;
}

/* All that was mapped can be read, and VRAM is on the GPU that took the place of its own. */
static enum verdict row_read(struct scene *s)
{
	long long before[GPUS], after;
	enum verdict v = save_source(s, before);
	unsigned int g;

	if (v == PASSED)
		v = restore_copy(s);
	if (v != PASSED)
		return v;
	for (g = 0; g < GPUS; g++) {
		after = vram_usage(DST->pid, s->here.gpu[m->order[g]].gpu_id);
		if (after != before[g]) {
			note(s, "%lld bytes of VRAM became %lld", before[g], after);
			return FAILED;
		}
	}
	return call(DST, call_read) ? FAILED : PASSED;
}

/* What was not mapped cannot. */
static enum verdict row_fault(struct scene *s)
{
	long long vram[GPUS];
	enum verdict v = save_source(s, vram);
	uint64_t end = scene_clock() + ROUNDS_MS;
	unsigned int round;

	for (round = 0; round < ROUNDS && v == PASSED; round++) {
		if (round >= KINDS && scene_clock() > end)
			break;
		v = restore_copy(s);
		if (v != PASSED)
			break;
		DST->c.arg[0] = round;
		if (call(DST, call_fault) || reap(DST)) {
			note(s, "the copy does not end");
			v = FAILED;
		}
	}
	printf("# each GPU faulted %u times\n", round);
	return v;
}

/* As in kfd_criu_row.h: what the stock code is expected to do stands beside the result. */
static void table(const char *row, const char *stock, const char *result, const char *why)
{
	static bool begun;

	if (!begun)
		printf("# TABLE: row | stock | this run | reason\n");
	begun = true;
	printf("# TABLE: %s | %s | %s | %s\n", row, stock, result, why);
	fflush(stdout);
}

static void run_row(struct __test_metadata *_metadata, const char *row,
		    const unsigned int order[GPUS], enum verdict (*fn)(struct scene *s))
{
	enum criu_outcome want = CRIU_PASS;
	const char *reason = "", *seen = "", *stock = criu_stock_says(NULL);
	struct scene *s = scene_new(0);
	unsigned int i, ngpu;
	enum verdict v;
	char why[256];
	int prove = 0;

	ASSERT_NE(NULL, s);
	ngpu = s->here.ngpu;
	if (ngpu < GPUS) {
		scene_free(s);
		SKIP(return, "four GPUs needed, %u found", ngpu);
	}
	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, m);
	for (i = 0; i < KFD_MAX_GPUS; i++)
		m->order[i] = i < GPUS ? order[i] : i;
	for (i = 0; i < ARRAY_SIZE(expectations); i++) {
		if (strcmp(expectations[i].row, row))
			continue;
		want = criu_wanted(&expectations[i]);
		stock = criu_stock_says(&expectations[i]);
		reason = expectations[i].reason;
		seen = expectations[i].seen;
	}
	/* it takes topology_lock under a dqm lock, which closes a cycle of locks */
	if (criu_stock_code())
		prove = kfd_prove_locking(0);
	v = fn(s);
	snprintf(why, sizeof(why), "%s", s->why);
	scene_free(s);
	if (prove)
		kfd_prove_locking(prove);

	if (v == BROKEN) {
		TH_LOG("no result: %s", why);
		_metadata->exit_code = KSFT_FAIL;
	} else if (v == PASSED) {
		table(row, stock, "pass", criu_stock_code() ? "" : reason);
		if (want == CRIU_FAIL) {
			TH_LOG("passed, but was expected to fail: %s", reason);
			_metadata->exit_code = KSFT_FAIL;
		}
	} else if (want == CRIU_FAIL && !strncmp(why, seen, strlen(seen))) {
		table(row, stock, "fail", reason);
		snprintf(_metadata->results->reason, sizeof(_metadata->results->reason),
			 "%s (%s)", reason, why);
		_metadata->exit_code = KSFT_XFAIL;
	} else {
		table(row, stock, "FAIL", why);
		TH_LOG("failed: %s", why);
		_metadata->exit_code = KSFT_FAIL;
	}
}

FIXTURE(criu_many) {
};

/* @name: as in the row's name; GPU i of the image becomes GPU @order[i] */
FIXTURE_VARIANT(criu_many)
{
	const char *name;
	unsigned int order[GPUS];
};

FIXTURE_VARIANT_ADD(criu_many, same_order)
{
	.name = "four_gpus",
	.order = { 0, 1, 2, 3 },
};

FIXTURE_VARIANT_ADD(criu_many, rotated)
{
	.name = "four_rotated_gpus",
	.order = { 1, 2, 3, 0 },
};

FIXTURE_VARIANT_ADD(criu_many, reversed)
{
	.name = "four_reversed_gpus",
	.order = { 3, 2, 1, 0 },
};

FIXTURE_SETUP(criu_many)
{
}

FIXTURE_TEARDOWN(criu_many)
{
}

TEST_F_TIMEOUT(criu_many, read, 300)
{
	char row[64];

	snprintf(row, sizeof(row), "%s_read", variant->name);
	run_row(_metadata, row, variant->order, row_read);
}

TEST_F_TIMEOUT(criu_many, fault, 300)
{
	char row[64];

	snprintf(row, sizeof(row), "%s_fault", variant->name);
	run_row(_metadata, row, variant->order, row_fault);
}

TEST_HARNESS_MAIN
