// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint and restore on simulated GPUs that fail on demand: what fails
 * half way is undone, and whoever was refused can go on or try again.
 *
 * Nothing else may use the GPUs meanwhile: it would take the failure.
 */
#define _GNU_SOURCE
#define CRIU_ROWS		criu_simgpu_rows
#include "kfd_criu_fresh.h"
#include "simgpu_knobs.h"

/* Directories of both GPUs; knobs at rest. */
static bool find_knobs(struct scene *s, char dir[2][96])
{
	unsigned int g;

	for (g = 0; g < 2; g++) {
		if (!knob_dir(&s->here.gpu[g], dir[g], sizeof(dir[g]))) {
			note(s, "no simulated GPU, or no debugfs");
			verdict = UNFIT;
			return false;
		}
		if (knobs_reset(dir[g])) {
			note(s, "knobs of GPU %u", g);
			verdict = BROKEN;
			return false;
		}
	}
	return true;
}

/* --- RESTORE --- */

/* What an attempt of the fresh process turns before it. */
static struct {
	const char *knob;
	char dir[96];
} turn;

/*
 * One RESTORE after another, each of which fails at another place: on the
 * first GPU at once, on the second after everything on the first is done.
 */
static int call_restore_with_failure(struct ctx *c)
{
	unsigned int g;

	for (g = 0; g < 2; g++) {
		NEED(c, knob_dir(&c->s->here.gpu[g], turn.dir, sizeof(turn.dir)), "knobs");
		NEED(c, !knob_set(turn.dir, turn.knob, 1), "%s", turn.knob);
		if (attempt(c, &c->s->img, -ENOMEM, turn.knob))
			return -1;
		NEED(c, !knob_get(turn.dir, turn.knob), "nothing failed for %s of GPU %c",
		     turn.knob, 'A' + g);
	}
	return 0;
}

/* And then several in a row, for what only the second failure shows. */
static int call_restore_with_failures(struct ctx *c)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (call_restore_with_failure(c))
			return -1;
	return 0;
}

static void failing_restore(struct scene *s, const char *knob)
{
	struct snap before;
	char dir[2][96];

	if (!find_knobs(s, dir))
		return;
	turn.knob = knob;
	if (!fresh(s, &before))
		return;
	refused(s, &before, call_restore_with_failures);
}

ROW(restore_when_bo_fails, 0)
{
	failing_restore(s, "fail_bo_alloc");
}

ROW(restore_when_map_fails, 0)
{
	failing_restore(s, "fail_map");
}

/* --- PROCESS_INFO --- */

/* Jobs stand where they stood. */
static int call_still_half_done(struct ctx *c)
{
	scene_quiet();
	NEED(c, *cell32(c, CELL_AFTER) == 0 && cell_signal(c, SIG_FIRST)->value == 1,
	     "a job ran through its gate");
	return 0;
}

/* A queue does not leave the hardware: nobody is paused, and the next one may try. */
ROW(process_info_when_preemption_fails, 0)
{
	char dir[2][96];
	int r;

	if (!find_knobs(s, dir))
		return;
	REQUIRE(!criu_hws(), "a hardware scheduler resets the queue");
	START();
	SETUP(!knob_set(dir[GPU_B], "fail_preempt", 1), "knob");
	r = pause_queues(SRC);
	CHECK(r == -ETIME, "PROCESS_INFO: %s", strerror(-r));
	CHECK(!knob_get(dir[GPU_B], "fail_preempt"), "nothing failed");
	CHECK(!call(SRC, call_still_half_done), "the jobs after a refused PROCESS_INFO");
	CHECK(unpause_queues(SRC) == -EINVAL, "a refused PROCESS_INFO has paused");
	MOVE(false);
	CHECK(!call(DST, call_finish_sdma_job), "SDMA job");
	CHECK(!call(DST, call_finish_aql_job), "AQL job");
}

static int call_reset_queue(struct ctx *c)
{
	char dir[96];
	int r;

	NEED(c, knob_dir(&c->s->here.gpu[GPU_B], dir, sizeof(dir)), "knobs");
	NEED(c, !knob_set(dir, "fail_preempt", 1), "fail_preempt");
	r = kfd_queue_update(&c->k, &c->aql, 100, 5);
	NEED(c, r == -EACCES, "the queue is not reset: %d", r);
	return 0;
}

static int call_queue_is_reset(struct ctx *c)
{
	const uint64_t none[5] = { 0 };
	int r = kfd_queue_update(&c->k, &c->aql, 100, 5);

	NEED(c, r == -EACCES, "a queue that was reset looks healthy: %d", r);
	hsa_signal_init(cell_signal(c, SIG_DONE), 1, NULL, NULL);
	aql_barrier_and(&c->aql, none, signal_va(c, SIG_DONE));
	kfd_queue_submit(&c->aql);
	scene_quiet();
	NEED(c, cell_signal(c, SIG_DONE)->value == 1, "a queue that was reset runs");
	return 0;
}

/* Lost work must not look as if it were still to be done. */
ROW(queue_reset_preserved, S_NO_JOB)
{
	char dir[2][96];
	int r;

	if (!find_knobs(s, dir))
		return;
	REQUIRE(criu_hws(), "only a hardware scheduler resets queues");
	START();
	SETUP(!call(SRC, call_reset_queue) && !call(SRC, call_queue_is_reset), "reset");
	r = pause_queues(SRC);
	if (r == -EOPNOTSUPP) {
		CHECK(!call(SRC, call_queue_is_reset), "reset");
		CHECK(!call(SRC, call_sdma_works), "the other queue");
		return;
	}
	CHECK(!r, "PROCESS_INFO: %s", strerror(-r));
	MOVE(false);
	CHECK(!call(DST, call_queue_is_reset), "reset");
	CHECK(!call(DST, call_sdma_works), "the other queue");
}

/* --- RESUME --- */

/* Without a hardware scheduler the driver knows at once that a queue was not taken. */
ROW(resume_when_queue_load_fails, S_NO_JOB)
{
	char dir[2][96];
	int r, left;

	if (!find_knobs(s, dir))
		return;
	REQUIRE(!criu_hws(), "a hardware scheduler does not say so");
	START();
	CHECK(!dump(s, SRC) && !reap(SRC) && !restore(s, SRC, DST, false), "restore");
	SETUP(!knob_set(dir[GPU_A], "fail_queue_load", 1), "knob");
	r = resume(s, DST);
	/* one that does the work later may not have come to the queues yet */
	left = knob_get(dir[GPU_A], "fail_queue_load");
	knob_set(dir[GPU_A], "fail_queue_load", 0);
	CHECK(r, "RESUME succeeds with a queue that is not loaded");
	CHECK(!left, "nothing failed");
	CHECK(!call(DST, call_aql_works), "the other GPU's queue");
}

TEST_HARNESS_MAIN
