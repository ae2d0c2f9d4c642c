// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint and restore of processes whose kernels are in the middle: waves are on compute
 * units, workgroups have not begun yet.  All that a kernel has must be there when it goes on.
 *
 * A kernel stops where it is told to, by words in memory that it reads again and again.  Other
 * words say how far it is; an interruption is where these say, and not after some time.
 *
 * The kernels are in kernels/, assembled for each generation of GPUs.
 */
#define _GNU_SOURCE
#define CRIU_ROWS		criu_kernel_rows
#include "kfd_criu_row.h"
#include "kfd_criu_image_edit.h"
#include "kfd_kernel.h"

/* A GPU may have hundreds of MiB of save area for a queue. */
#define KERNEL_VA		SCENE_VA(64)
#define OUT_VA			SCENE_VA(65)
#define SCRATCH_VA		SCENE_VA(66)
#define QUEUE_VA(i)		SCENE_VA(68 + 2 * (i))
#define QUEUES			2

/* What a kernel is controlled by: words of BO_CELL, for each queue 64 bytes of its own. */
#define CELL_CONTROL		256
enum { LIMIT, TAKEN, THERE, GATE1 = LIMIT, GATE2 = TAKEN, DONE = THERE };

/* As the kernels have it. */
struct args {
	uint64_t out, control;
	uint32_t number[2];
};

/**
 * struct job - what the processes of a row know of their kernel, in memory that they share
 * @name: the kernel
 * @bytes: what it writes to
 * @queues: how many queues it runs in; each has its part of these bytes
 * @limit: how far it may go, for the next call
 * @rest: the next call is to return when it has come so far
 * @absent: there is no such kernel for the GPU
 */
struct job {
	const char *name;
	uint64_t bytes;
	unsigned int queues;
	uint32_t limit;
	bool rest;
	bool absent;
	struct kernel kernel;
	struct kfd_bo out;
	struct kernel_scratch scratch;
};

static struct job *job;

/* --- what the processes do --- */

static struct kfd_queue *queue(struct ctx *c, unsigned int i)
{
	return i ? &c->other : &c->aql;
}

static uint64_t control_va(struct ctx *c, unsigned int i)
{
	return cell_va(c, CELL_CONTROL + 8 * i);
}

static volatile uint32_t *control(struct ctx *c, unsigned int i)
{
	return cell32(c, CELL_CONTROL + 8 * i);
}

static const uint32_t *out(unsigned int i)
{
	return (const uint32_t *)((const char *)job->out.cpu + job->bytes / job->queues * i);
}

static int call_build_kernel(struct ctx *c)
{
	unsigned int i;
	int r;

	TRY(c, kfd_open_all(&c->k));
	r = kernel_load_at(&c->k, &job->kernel, GPU_B, job->name, KERNEL_VA);
	job->absent = r == -ENOENT;
	NEED(c, !job->absent, "no kernels for this GPU: no LLVM that has it when they were built");
	NEED(c, !r, "kernel: %s", strerror(-r));
	if (make_bo(c, BO_CELL) || make_bo(c, BO_DOORBELL_B))
		return -1;
	TRY(c, kfd_bo_create(&c->k, &job->out, GPU_B, OUT_VA,
			     (job->bytes / KFD_PAGE + 2) * KFD_PAGE, KFD_BO_GTT, ON_B));
	memset(job->out.cpu, 0, job->out.size);
	for (i = 0; i < job->queues; i++) {
		TRY(c, kfd_queue_create(&c->k, queue(c, i), KFD_Q_AQL, GPU_B, QUEUE_VA(i)));
		use_doorbell_bo(c, queue(c, i));
	}
	return 0;
}

/* One grid for each queue, or one more. */
static void dispatch(struct ctx *c, unsigned int i, const struct aql_grid *size, uint32_t number0,
		     uint32_t number1)
{
	struct args args = { OUT_VA + job->bytes / job->queues * i, control_va(c, i),
			     { number0, number1 } };
	struct aql_grid grid = *size;

	hsa_signal_init(cell_signal(c, SIG_FIRST + i), 1, NULL, NULL);
	grid.kernel = job->kernel.descriptor;
	grid.args = kernel_args(&job->kernel, i, &args, sizeof(args));
	grid.lds = job->kernel.group_size;
	grid.scratch = job->kernel.info.private_size;
	grid.completion = signal_va(c, SIG_FIRST + i);
	aql_dispatch_grid(queue(c, i), &grid);
	kfd_queue_submit(queue(c, i));
}

static void dispatch_groups(struct ctx *c, unsigned int i, uint32_t groups, uint16_t group,
			    uint32_t number)
{
	const struct aql_grid grid = { .size = { groups * group }, .group = { group } };

	dispatch(c, i, &grid, number, 0);
}

static int ends(struct ctx *c, unsigned int i)
{
	NEED(c, kfd_wait64((uint64_t *)&cell_signal(c, SIG_FIRST + i)->value, 0, c->s->wait_ms),
	     "the kernel does not end");
	return 0;
}

/* All of them have come to where they wait, and not one is behind that. */
static int waits(struct ctx *c, uint32_t there)
{
	unsigned int bad;

	NEED(c, kfd_wait32(&control(c, 0)[THERE], there, c->s->wait_ms),
	     "%u work-items are where %u should be", control(c, 0)[THERE], there);
	if (machine_turns(c))
		return -1;
	bad = words_not(out(0), job->bytes, 0);
	NEED(c, control(c, 0)[THERE] == there && !bad && cell_signal(c, SIG_FIRST)->value == 1,
	     "waves do not wait at their gate: %u of %u are there, %u words written",
	     control(c, 0)[THERE], there, bad);
	return 0;
}

/* Nothing was written behind what the kernel is to write, and the queue goes on. */
static int all_is_over(struct ctx *c)
{
	const uint64_t none[5] = { 0 };
	unsigned int i, bad;

	bad = words_not((char *)job->out.cpu + job->bytes, job->out.size - job->bytes, 0);
	NEED(c, !bad, "%u words behind the last one are written", bad);
	for (i = 0; i < job->queues; i++) {
		hsa_signal_init(cell_signal(c, SIG_DONE), 1, NULL, NULL);
		aql_barrier_and(queue(c, i), none, signal_va(c, SIG_DONE));
		kfd_queue_submit(queue(c, i));
		NEED(c, kfd_wait64((uint64_t *)&cell_signal(c, SIG_DONE)->value, 0,
				   c->s->wait_ms), "the queue does not go on");
	}
	return 0;
}

/* --- the test's side --- */

/* False: nothing can be said about the row. */
static bool built(struct scene *s, const char *name, unsigned int queues, uint64_t bytes)
{
	job = mmap(NULL, sizeof(*job), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	verdict = BROKEN;
	if (job == MAP_FAILED)
		return false;
	job->name = name;
	job->queues = queues;
	job->bytes = bytes;
	if (spawn(s, SRC))
		return false;
	if (!call(SRC, call_build_kernel)) {
		verdict = PASSED;
		return true;
	}
	if (job->absent)
		verdict = UNFIT;
	return false;
}

#define BUILD(...)	do { if (!built(s, __VA_ARGS__)) return; } while (0)

#define MOVE_FROM(from, to)	do { if (!moved(s, from, to, false)) return; } while (0)

/* A word that was in memory at the checkpoint. */
static uint32_t image_word(const struct scene *s, uint64_t va)
{
	const struct kfd_criu_bo_bucket *b = s->img.bos;
	uint32_t i, word = 0;

	for (i = 0; i < s->img.info.num_bos; i++)
		if (s->img.contents[i] && va - b[i].addr < b[i].size)
			memcpy(&word, (char *)s->img.contents[i] + (va - b[i].addr), sizeof(word));
	return word;
}

/* --- grids that are interrupted again and again --- */

/* Let each kernel go as far as it may, and further. */
static int call_go_on(struct ctx *c)
{
	volatile uint32_t *word;
	unsigned int i;

	for (i = 0; i < job->queues; i++) {
		word = control(c, i);
		NEED(c, kfd_wait32(&word[DONE], word[LIMIT], c->s->wait_ms),
		     "the grid does not go on: %u of %u are done", word[DONE], word[LIMIT]);
		word[LIMIT] = job->limit;
	}
	for (i = 0; job->rest && i < job->queues; i++)
		NEED(c, kfd_wait32(&control(c, i)[DONE], job->limit, c->s->wait_ms),
		     "the grid does not go on: %u of %u are done", control(c, i)[DONE], job->limit);
	return 0;
}

/*
 * Move the process so many times before its kernels have done all that they have to do.  Every
 * other time, what they may do is done, and waves wait; else they may be anywhere.  Returns the
 * process, or NULL after a failure.
 */
static struct proc *moved_in_the_middle(struct scene *s, uint32_t all, unsigned int times)
{
	struct proc *p = SRC, *next = DST, *old;
	unsigned int i, middle = 0, busy = 0;
	uint32_t done, limit, q;

	for (i = 1; i <= times; i++) {
		job->limit = (uint64_t)all * i / (times + 1);
		job->rest = i % 2;
		verdict = FAILED;
		if (call(p, call_go_on))
			return NULL;
		verdict = PASSED;
		if (!moved(s, p, next, false))
			return NULL;
		for (q = 0; q < job->queues; q++) {
			done = image_word(s, control_va(&p->c, q) + 4 * DONE);
			limit = image_word(s, control_va(&p->c, q) + 4 * LIMIT);
			middle += done && done < all && limit == job->limit;
			busy += done < limit;
			if (done > limit) {
				note(s, "%u are done of the %u that may be", done, limit);
				verdict = FAILED;
				return NULL;
			}
		}
		old = p;
		p = next;
		next = old;
	}
	snprintf(said, sizeof(said), "%u of %u interruptions in the middle, %u while waves ran",
		 middle, times * job->queues, busy);
	if (middle >= times * job->queues / 2)
		return p;
	note(s, "only %s", said);
	verdict = BROKEN;
	return NULL;
}

static int each_ran_once(struct ctx *c, unsigned int i, uint32_t all, uint32_t words)
{
	volatile uint32_t *word = control(c, i);
	unsigned int bad;

	if (ends(c, i))
		return -1;
	bad = words_not(out(i), words * 4, 1);
	NEED(c, !bad, "%u of %u did not run exactly once", bad, words);
	NEED(c, word[TAKEN] == all && word[DONE] == all, "%u have begun, %u have ended, not %u",
	     word[TAKEN], word[DONE], all);
	return 0;
}

#define GRID_GROUPS		10000u
#define GRID_GROUP		16u
#define GRID_STOPS		20u

static int call_grid(struct ctx *c)
{
	dispatch_groups(c, 0, GRID_GROUPS, GRID_GROUP, GRID_GROUP);
	return 0;
}

static int call_grid_ends(struct ctx *c)
{
	job->limit = GRID_GROUPS;
	job->rest = false;
	if (call_go_on(c) || each_ran_once(c, 0, GRID_GROUPS, GRID_GROUPS * GRID_GROUP))
		return -1;
	return all_is_over(c);
}

ROW(kernel_grid_runs_once, S_NO_JOB)
{
	struct proc *p;

	BUILD("ticket", 1, GRID_GROUPS * GRID_GROUP * 4);
	SETUP(!call(SRC, call_grid), "grid");
	p = moved_in_the_middle(s, GRID_GROUPS, GRID_STOPS);
	if (!p)
		return;
	CHECK(!call(p, call_grid_ends), "grid");
}

#define NUMBER_GROUPS		32u
#define NUMBER_TURNS		100u
#define NUMBERS			(NUMBER_GROUPS * NUMBER_TURNS)
#define NUMBER_STOPS		6u

static int call_numbers(struct ctx *c)
{
	dispatch_groups(c, 0, NUMBER_GROUPS, 1, NUMBER_TURNS);
	return 0;
}

static int call_numbers_end(struct ctx *c)
{
	job->limit = NUMBERS;
	job->rest = false;
	if (call_go_on(c) || each_ran_once(c, 0, NUMBERS, NUMBERS))
		return -1;
	return all_is_over(c);
}

/* An atomic that has changed memory has given its wave the number, and is not done again. */
ROW(kernel_atomic_not_twice, S_NO_JOB)
{
	struct proc *p;

	BUILD("numbers", 1, NUMBERS * 4);
	SETUP(!call(SRC, call_numbers), "grid");
	p = moved_in_the_middle(s, NUMBERS, NUMBER_STOPS);
	if (!p)
		return;
	CHECK(!call(p, call_numbers_end), "numbers");
}

#define PAIR_GROUPS		1500u
#define PAIR_STOPS		4u

static int call_grids_of_two(struct ctx *c)
{
	unsigned int i;

	TRY(c, kfd_queue_update(&c->k, queue(c, 0), 100, 15));
	TRY(c, kfd_queue_update(&c->k, queue(c, 1), 100, 0));
	for (i = 0; i < 2; i++)
		dispatch_groups(c, i, PAIR_GROUPS, GRID_GROUP, GRID_GROUP);
	return 0;
}

static int call_grids_of_two_end(struct ctx *c)
{
	unsigned int i;

	job->limit = PAIR_GROUPS;
	job->rest = false;
	if (call_go_on(c))
		return -1;
	for (i = 0; i < 2; i++)
		if (each_ran_once(c, i, PAIR_GROUPS, PAIR_GROUPS * GRID_GROUP))
			return -1;
	return all_is_over(c);
}

ROW(kernel_two_queues_priorities, S_NO_JOB)
{
	uint32_t before[MQD_DWORDS], after[MQD_DWORDS];
	struct proc *p;

	BUILD("ticket", 2, 2 * PAIR_GROUPS * GRID_GROUP * 4);
	SETUP(!call(SRC, call_grids_of_two), "grids");
	REQUIRE_HW(read_mqd(SRC->pid, before), "no debugfs of KFD");
	p = moved_in_the_middle(s, PAIR_GROUPS, PAIR_STOPS);
	if (!p)
		return;
	SETUP(read_mqd(p->pid, after), "debugfs");
	CHECK(after[MQD_PIPE_PRIORITY] == before[MQD_PIPE_PRIORITY] &&
	      after[MQD_QUEUE_PRIORITY] == before[MQD_QUEUE_PRIORITY],
	      "priority %u, %u became %u, %u", before[MQD_PIPE_PRIORITY],
	      before[MQD_QUEUE_PRIORITY], after[MQD_PIPE_PRIORITY], after[MQD_QUEUE_PRIORITY]);
	CHECK(!call(p, call_grids_of_two_end), "grids");
}

/* --- registers --- */

#define MAGIC			0x01000193u

#define REG_X			3u
#define REG_Y			2u
#define REG_GROUPS		(REG_X * REG_Y * 2)
#define REG_ITEMS		(REG_GROUPS * 64)
#define REG_WORDS		128u
/* Packets in front, so that the packet's number is not 0. */
#define REG_PACKETS		5u

static int call_registers(struct ctx *c)
{
	const struct aql_grid grid = {
		.size = { REG_X * 16, REG_Y * 2, 2 * 2 },
		.group = { 16, 2, 2 },
	};
	const uint64_t none[5] = { 0 };
	unsigned int i;

	for (i = 0; i < REG_PACKETS; i++)
		aql_barrier_and(&c->aql, none, 0);
	dispatch(c, 0, &grid, REG_X, REG_Y);
	return waits(c, REG_ITEMS / 2);
}

static int call_registers_second_gate(struct ctx *c)
{
	if (waits(c, REG_ITEMS / 2))
		return -1;
	control(c, 0)[GATE1] = 1;
	return waits(c, REG_ITEMS);
}

static void registers_wanted(struct ctx *c, uint32_t item, uint32_t *r)
{
	const uint64_t user[3] = {
		QUEUE_VA(0) + REG_PACKETS * 64, job->kernel.bo.va + job->kernel.args, REG_PACKETS
	};
	uint32_t group = item / 64, l = item % 64, i;

	memset(r, 0, REG_WORDS * 4);
	r[0] = group % REG_X;
	r[1] = group / REG_X % REG_Y;
	r[2] = group / REG_X / REG_Y;
	r[3] = l % 16 | l / 16 % 2 << 10 | l / 32 << 20;
	memcpy(r + 4, user, sizeof(user));
	if (item % 2)
		r[10] = (item & 6) == 2 ? 22 : 11;
	else
		r[10] = group % 2 ? 33 : 44;
	r[11] = group * 0x11 + 0x4d30;
	for (i = 24; i < 88; i++)
		r[i - 8] = group * 0x10001 + i * MAGIC;
	for (i = 10; i < 40; i++)
		r[i + 70] = item * MAGIC + i;
}

static int call_registers_end(struct ctx *c)
{
	uint32_t wanted[REG_WORDS], item, i;
	const uint32_t *r = out(0);

	if (waits(c, REG_ITEMS))
		return -1;
	control(c, 0)[GATE2] = 1;
	if (ends(c, 0))
		return -1;
	for (item = 0; item < REG_ITEMS; item++, r += REG_WORDS) {
		registers_wanted(c, item, wanted);
		for (i = 0; i < REG_WORDS; i++)
			NEED(c, r[i] == wanted[i], "word %u of work-item %u is %#x, not %#x", i,
			     item, r[i], wanted[i]);
	}
	return all_is_over(c);
}

/*
 * At the first gate, VCC has a meaning and EXEC is that of a branch; at the second one, it is
 * that of the other branch, and SCC has a meaning.
 */
ROW(kernel_registers_survive, S_NO_JOB)
{
	BUILD("registers", 1, REG_ITEMS * REG_WORDS * 4);
	SETUP(!call(SRC, call_registers), "kernel");
	MOVE_FROM(SRC, DST);
	CHECK(!call(DST, call_registers_second_gate), "the first gate");
	MOVE_FROM(DST, SRC);
	CHECK(!call(SRC, call_registers_end), "the second gate");
}

#define AGPR_GROUPS		8u
#define AGPR_ITEMS		(AGPR_GROUPS * 64)
#define AGPR_WORDS		64u

static int call_agprs(struct ctx *c)
{
	dispatch_groups(c, 0, AGPR_GROUPS, 64, 0);
	return waits(c, AGPR_ITEMS);
}

/* Each record is the number of its work-item, multiplied, and then one more from word to word. */
static int records_end(struct ctx *c, uint32_t items, uint32_t words)
{
	const uint32_t *r = out(0);
	uint32_t item, i;

	if (waits(c, items))
		return -1;
	control(c, 0)[GATE1] = 1;
	if (ends(c, 0))
		return -1;
	for (item = 0; item < items; item++, r += words)
		for (i = 0; i < words; i++)
			NEED(c, r[i] == item * MAGIC + i, "word %u of work-item %u is %#x, not %#x",
			     i, item, r[i], item * MAGIC + i);
	return all_is_over(c);
}

static int call_agprs_end(struct ctx *c)
{
	return records_end(c, AGPR_ITEMS, AGPR_WORDS);
}

static bool has_agprs(const struct kfd_gpu *g)
{
	return g->gfx_version == 90008 || g->gfx_version == 90010 || g->gfx_version / 100 == 904;
}

ROW(kernel_agprs_survive, S_NO_JOB)
{
	REQUIRE(has_agprs(&s->here.gpu[GPU_B]), "GPUs without accumulation registers");
	BUILD("agprs", 1, AGPR_ITEMS * AGPR_WORDS * 4);
	SETUP(!call(SRC, call_agprs), "kernel");
	MOVE_FROM(SRC, DST);
	CHECK(!call(DST, call_agprs_end), "accumulation registers");
}

/* --- memory of workgroups and of work-items --- */

#define LDS_GROUPS		6u
#define LDS_GROUP		256u
#define LDS_ITEMS		(LDS_GROUPS * LDS_GROUP)

static int call_lds(struct ctx *c)
{
	dispatch_groups(c, 0, LDS_GROUPS, LDS_GROUP, 0);
	return waits(c, LDS_ITEMS);
}

static int call_lds_second_gate(struct ctx *c)
{
	if (waits(c, LDS_ITEMS))
		return -1;
	control(c, 0)[GATE1] = 1;
	return waits(c, 2 * LDS_ITEMS);
}

static int call_lds_ends(struct ctx *c)
{
	const uint32_t *r = out(0);
	uint32_t item, wanted[2];

	if (waits(c, 2 * LDS_ITEMS))
		return -1;
	control(c, 0)[GATE2] = 1;
	if (ends(c, 0))
		return -1;
	for (item = 0; item < LDS_ITEMS; item++, r += 2) {
		wanted[0] = (item ^ 0x41) * MAGIC;
		wanted[1] = ((item ^ 0x41 ^ 0x82) * MAGIC ^ 0x5a5a) + (item ^ 0x82);
		NEED(c, r[0] == wanted[0] && r[1] == wanted[1],
		     "work-item %u has %#x, %#x of LDS, not %#x, %#x", item, r[0], r[1], wanted[0],
		     wanted[1]);
	}
	return all_is_over(c);
}

/* Of the waves of each workgroup, one half is at a barrier, the other at a gate. */
ROW(kernel_lds_survives, S_NO_JOB)
{
	BUILD("lds", 1, LDS_ITEMS * 8);
	SETUP(!call(SRC, call_lds), "kernel");
	MOVE_FROM(SRC, DST);
	CHECK(!call(DST, call_lds_second_gate), "the first barrier");
	MOVE_FROM(DST, SRC);
	CHECK(!call(SRC, call_lds_ends), "the second barrier");
}

#define SCRATCH_GROUPS		24u
#define SCRATCH_ITEMS		(SCRATCH_GROUPS * 64)
#define SCRATCH_WORDS		16u
/* More than there are, so that none has to wait for another one's. */
#define SCRATCH_WAVES		64u

static int call_scratch(struct ctx *c)
{
	TRY(c, kernel_scratch_create(&c->k, &job->scratch, GPU_B, SCRATCH_VA, SCRATCH_WAVES,
				     job->kernel.info.private_size));
	kernel_scratch_set(&c->aql, &job->scratch);
	dispatch_groups(c, 0, SCRATCH_GROUPS, 64, 0);
	return waits(c, SCRATCH_ITEMS);
}

static int call_scratch_ends(struct ctx *c)
{
	return records_end(c, SCRATCH_ITEMS, SCRATCH_WORDS);
}

ROW(kernel_scratch_survives, S_NO_JOB)
{
	BUILD("spill", 1, SCRATCH_ITEMS * SCRATCH_WORDS * 4);
	SETUP(!call(SRC, call_scratch), "kernel");
	MOVE_FROM(SRC, DST);
	CHECK(!call(DST, call_scratch_ends), "scratch memory");
}

/* --- compute units --- */

#define PLACE_GROUPS		1000u
#define PLACES_MAX		512u

static unsigned int cus_of(const struct kfd_gpu *g)
{
	uint64_t simds = kfd_node_property(g->node, "simd_per_cu");

	return simds ? kfd_node_property(g->node, "simd_count") / simds : 0;
}

/* Half of them, and on each XCC whole WGPs. */
static unsigned int half_of_cus(const struct kfd_gpu *g)
{
	return cus_of(g) / 2 / (2 * g->num_xcc) * (2 * g->num_xcc);
}

static int call_place_grid(struct ctx *c)
{
	uint64_t end = scene_clock() + c->s->wait_ms;

	control(c, 0)[GATE1] = 0;
	control(c, 0)[THERE] = 0;
	memset(job->out.cpu, 0, job->bytes);
	dispatch_groups(c, 0, PLACE_GROUPS, 1, 0);
	while (!control(c, 0)[THERE] && scene_clock() < end)
		usleep(1000);
	NEED(c, control(c, 0)[THERE], "the kernel does not begin");
	return machine_turns(c);
}

/* As many as ran there, in memory of a process. */
static uint64_t places[PLACES_MAX];

/* Where a wave was, without the place on its compute unit. */
static void add_place(uint32_t gfx_version, uint32_t hw_id, uint32_t xcc, unsigned int *n)
{
	uint64_t place = hw_id & (gfx_version < 100000 ? 0xff00 : 0x1d3c00);
	unsigned int i;

	place |= (uint64_t)xcc << 32;
	for (i = 0; i < *n && places[i] != place; i++)
		;
	if (i == *n && i < PLACES_MAX)
		places[(*n)++] = place;
}

static int call_place_ends(struct ctx *c)
{
	const uint32_t *r = out(0);
	unsigned int i, n = 0;

	control(c, 0)[GATE1] = 1;
	if (ends(c, 0))
		return -1;
	for (i = 0; i < PLACE_GROUPS; i++, r += 4) {
		NEED(c, r[3] == 1, "workgroup %u did not run", i);
		add_place(c->aql.gfx_version, r[0], r[2], &n);
		add_place(c->aql.gfx_version, r[1], r[2], &n);
	}
	c->result = n;
	return 0;
}

static int call_place_mask(struct ctx *c)
{
	uint32_t mask[PLACES_MAX / 32] = { 0 };
	unsigned int i, half = half_of_cus(&c->k.gpu[GPU_B]);

	for (i = 0; i < half; i++)
		mask[i / 32] |= 1u << i % 32;
	TRY(c, kfd_queue_set_cu_mask(&c->k, &c->aql, mask, PLACES_MAX));
	return 0;
}

/* Waves that were saved come back to these compute units, and others begin there. */
ROW(kernel_on_cu_mask, S_NO_JOB)
{
	const struct kfd_gpu *g = &s->here.gpu[GPU_B];
	unsigned int all = cus_of(g), half = half_of_cus(g);

	REQUIRE(half && all < PLACES_MAX, "GPUs of %u compute units", all);
	if (g->gfx_version >= 100000) {
		all /= 2;
		half /= 2;
	}
	BUILD("unit", 1, PLACE_GROUPS * 16);
	SETUP(!call(SRC, call_place_grid) && !call(SRC, call_place_ends), "grid");
	SETUP(SRC->c.result > half, "without a mask, %u of %u compute units work",
	      (unsigned int)SRC->c.result, all);
	SETUP(!call(SRC, call_place_mask) && !call(SRC, call_place_grid), "grid");
	MOVE_FROM(SRC, DST);
	CHECK(!call(DST, call_place_ends), "grid");
	CHECK(DST->c.result == half, "waves are on %u compute units, not %u",
	      (unsigned int)DST->c.result, half);
	CHECK(!call(DST, call_place_grid) && !call(DST, call_place_ends), "one more grid");
	CHECK(DST->c.result == half, "later waves are on %u compute units, not %u",
	      (unsigned int)DST->c.result, half);
}

#define MANY_GROUPS		800u
#define MANY_ITEMS		(MANY_GROUPS * 64)

static uint32_t waves_of(const struct kfd_gpu *g)
{
	return kfd_node_property(g->node, "simd_count") *
	       kfd_node_property(g->node, "max_waves_per_simd");
}

/* The kernel "gate" has its count in the second word. */
static int many_wait(struct ctx *c, uint32_t items)
{
	NEED(c, kfd_wait32(&control(c, 0)[1], items, c->s->wait_ms),
	     "%u work-items are where %u should be", control(c, 0)[1], items);
	if (machine_turns(c))
		return -1;
	NEED(c, control(c, 0)[1] == items && !words_not(out(0), job->bytes, 0),
	     "waves do not wait at their gate");
	return 0;
}

/* That kernel has other arguments. */
static void dispatch_gate(struct ctx *c, uint32_t groups)
{
	struct { uint64_t out; uint32_t group, unused; uint64_t gate; } args = {
		OUT_VA, 64, 0, control_va(c, 0)
	};

	control(c, 0)[0] = 0;
	control(c, 0)[1] = 0;
	hsa_signal_init(cell_signal(c, SIG_FIRST), 1, NULL, NULL);
	kernel_dispatch(&c->aql, &job->kernel, kernel_args(&job->kernel, 0, &args, sizeof(args)),
			groups * 64, 64, signal_va(c, SIG_FIRST));
	kfd_queue_submit(&c->aql);
}

static int gate_ends(struct ctx *c, uint32_t items)
{
	unsigned int bad;

	if (many_wait(c, items))
		return -1;
	control(c, 0)[0] = 1;
	if (ends(c, 0))
		return -1;
	bad = words_not(out(0), items * 4, 1);
	NEED(c, !bad, "%u of %u work-items did not run exactly once", bad, items);
	return all_is_over(c);
}

static int call_many(struct ctx *c)
{
	dispatch_gate(c, MANY_GROUPS);
	return many_wait(c, MANY_ITEMS);
}

static int call_many_end(struct ctx *c)
{
	return gate_ends(c, MANY_ITEMS);
}

/* More waves than small GPUs have at once, on more of the control stack than the mask of one. */
ROW(kernel_full_control_stack, S_NO_JOB)
{
	uint32_t waves = waves_of(&s->here.gpu[GPU_B]);

	REQUIRE(waves >= 2 * MANY_GROUPS, "GPUs of %u waves", waves);
	BUILD("gate", 1, MANY_ITEMS * 4);
	SETUP(!call(SRC, call_many), "kernel");
	MOVE_FROM(SRC, DST);
	CHECK(!call(DST, call_many_end), "waves");
}

/* --- other dies --- */

#define DIE_GROUPS		10u
#define DIE_ITEMS		(DIE_GROUPS * 64)

static int call_die_waits(struct ctx *c)
{
	memset(job->out.cpu, 0, job->bytes);
	dispatch_gate(c, DIE_GROUPS);
	return many_wait(c, DIE_ITEMS);
}

static int call_die_ends(struct ctx *c)
{
	return gate_ends(c, DIE_ITEMS);
}

static int call_restore_refused(struct ctx *c)
{
	unsigned int remap[KFD_MAX_GPUS], i;
	int r;

	for (i = 0; i < KFD_MAX_GPUS; i++)
		remap[i] = i < 2 ? !i : i;
	r = restore_objects(c, remap);
	NEED(c, r == -EXDEV, "RESTORE of waves to another die says %s", strerror(-r));
	return 0;
}

static bool dies_differ(const struct kfd_image *img)
{
	const uint8_t *a = img_entry(img, IMG_DIES, GPU_A), *b = img_entry(img, IMG_DIES, GPU_B);

	return a && b && memcmp(a + DIE_CUS, b + DIE_CUS,
				img_get32(img_record(img, IMG_DIES, 0) + REC_STRIDE) - DIE_CUS);
}

ROW(kernel_waves_need_same_die, S_NO_JOB)
{
	if (!swappable(s))
		return;
	BUILD("gate", 1, DIE_ITEMS * 4);
	SETUP(!call(SRC, call_die_waits), "kernel");
	SETUP(!dump(s, SRC), "dump");
	REQUIRE_V2(s);
	REQUIRE(dies_differ(&s->img), "both GPUs have the same compute units");
	SETUP(!reap(SRC) && !spawn(s, DST), "process");
	DST->c = SRC->c;
	CHECK(!call(DST, call_restore_refused), "waves on another die");
	CHECK(!reap(DST) && !restore(s, SRC, DST, false) && !resume(s, DST), "the same die");
	CHECK(!call(DST, call_die_ends), "the same die");
	/* without waves, the process goes there, and has waves there */
	if (!moved(s, DST, SRC, true))
		return;
	CHECK(!call(SRC, call_die_waits) && !call(SRC, call_die_ends), "another die");
}

TEST_HARNESS_MAIN
