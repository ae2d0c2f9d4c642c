// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint and restore on simulated GPUs that fail on demand: what fails
 * half way is undone, and whoever was refused can go on or try again.
 *
 * Nothing else may use the GPUs meanwhile: it would take the failure.
 */
#define _GNU_SOURCE
#define CRIU_ROWS		criu_simgpu_rows
#include <signal.h>
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

/* As the driver was told; unless it is told, that depends on how much of VRAM the CPU can see. */
static bool page_tables_by_sdma(void)
{
	return !kfd_parameter("vm_update_mode", -1);
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

/* --- a signal in the middle of RESTORE --- */

/**
 * struct interrupter - a thread of the test that sends a signal to a process in RESTORE
 * @target: the process; it asks for late fences before it calls RESTORE
 * @dir: knobs of the GPU whose fences these are
 * @end: when to give up, see scene_clock()
 * @thread: the thread
 */
struct interrupter {
	pid_t target;
	char dir[96];
	uint64_t end;
	pthread_t thread;
};

/* So late that the process is seen while it sleeps, and before amdgpu takes a ring for dead. */
#define LATE_FENCE_US		1000000

static volatile sig_atomic_t handled;

static void count_signal(int signal)
{
	handled = handled + 1;
}

/* Sleeping so that a signal wakes it: its state in the text of /proc, behind its name. */
static bool sleeps_lightly(pid_t pid)
{
	char path[64], text[256] = "";
	const char *name_end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	name_end = strrchr(text, ')');
	return name_end && name_end[1] == ' ' && name_end[2] == 'S';
}

static void *interrupter_main(void *arg)
{
	struct interrupter *me = arg;
	bool sent = false;

	while (!sent && scene_clock() < me->end) {
		if (knob_get(me->dir, "fence_delay_us") > 0 && sleeps_lightly(me->target))
			sent = !kill(me->target, SIGUSR1);
		else
			usleep(1000);
	}
	knob_set(me->dir, "fence_delay_us", 0);
	return NULL;
}

static int call_restore_interrupted(struct ctx *c)
{
	struct sigaction action = { .sa_handler = count_signal };
	char dir[96];

	NEED(c, knob_dir(&c->s->here.gpu[GPU_B], dir, sizeof(dir)), "knobs");
	NEED(c, !sigaction(SIGUSR1, &action, NULL), "signal");
	handled = 0;
	NEED(c, !knob_set(dir, "fence_delay_us", LATE_FENCE_US), "fences");
	if (call_restore(c))
		return -1;
	NEED(c, handled == 1, "%d signals, not the one that came in RESTORE", handled);
	return 0;
}

/*
 * Where page tables are written by SDMA, RESTORE waits for them.  A signal that is handled comes
 * when RESTORE is done: a caller that gets them all the time would never see its end.
 */
ROW(restore_despite_a_signal, 0)
{
	struct interrupter interrupter;
	char dir[2][96];

	REQUIRE(page_tables_by_sdma(), "the driver writes page tables itself");
	if (!find_knobs(s, dir))
		return;
	START();
	SETUP(!dump(s, SRC) && !reap(SRC) && !spawn(s, DST), "dump");
	DST->c = SRC->c;
	DST->c.arg[0] = 0;
	interrupter.target = DST->pid;
	interrupter.end = scene_clock() + s->wait_ms;
	memcpy(interrupter.dir, dir[GPU_B], sizeof(interrupter.dir));
	SETUP(!pthread_create(&interrupter.thread, NULL, interrupter_main, &interrupter), "thread");
	CHECK(!call(DST, call_restore_interrupted), "RESTORE with a signal");
	pthread_join(interrupter.thread, NULL);
	CHECK(!resume(s, DST), "RESUME");
	CHECK(!call(DST, call_finish_sdma_job) && !call(DST, call_finish_aql_job), "jobs");
}

/* --- PROCESS_INFO --- */

/* Jobs stand where they stood. */
static int call_still_half_done(struct ctx *c)
{
	if (machine_turns(c))
		return -1;
	NEED(c, *cell32(c, CELL_AFTER) == 0 && cell_signal(c, SIG_FIRST)->value == 1,
	     "a job ran through its gate");
	return 0;
}

/* The queues of the jobs wait for their gates: whether queues run, new ones tell. */
static int call_new_queues_run(struct ctx *c)
{
	unsigned int g;

	for (g = 0; g < 2; g++) {
		TRY(c, kfd_queue_create(&c->k, &c->other, KFD_Q_SDMA, g, SCENE_VA(SLOT_SDMA_B)));
		use_doorbell_bo(c, &c->other);
		sdma_fence(&c->other, cell_va(c, CELL_FENCE), ++c->fence);
		kfd_queue_submit(&c->other);
		NEED(c, kfd_wait32(cell32(c, CELL_FENCE), c->fence, c->s->wait_ms),
		     "a new queue of GPU %c does not run", 'A' + g);
		TRY(c, kfd_queue_destroy(&c->k, &c->other));
	}
	return 0;
}

/* A queue does not leave the hardware: nobody is paused, and the next one may try. */
ROW(process_info_when_preemption_fails, 0)
{
	char dir[2][96];
	int r;

	if (!find_knobs(s, dir))
		return;
	REQUIRE(!kfd_has_hws(), "a hardware scheduler resets the queue");
	START();
	SETUP(!knob_set(dir[GPU_B], "fail_preempt", 1), "knob");
	r = pause_queues(SRC);
	CHECK(r == -ETIME, "PROCESS_INFO: %s", strerror(-r));
	CHECK(!knob_get(dir[GPU_B], "fail_preempt"), "nothing failed");
	CHECK(!call(SRC, call_still_half_done), "the jobs after a refused PROCESS_INFO");
	CHECK(!call(SRC, call_new_queues_run), "queues after a refused PROCESS_INFO");
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
	if (machine_turns(c))
		return -1;
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
	REQUIRE(kfd_has_hws(), "only a hardware scheduler resets queues");
	REQUIRE(s->here.gpu[GPU_B].gfx_version < 110000, "MES resets no single queue");
	START();
	SETUP(!call(SRC, call_reset_queue) && !call(SRC, call_queue_is_reset), "reset");
	r = pause_queues(SRC);
	if (r == -EOPNOTSUPP) {
		CHECK(!call(SRC, call_queue_is_reset), "reset");
		CHECK(!call(SRC, call_sdma_works), "the other queue");
		return;
	}
	CHECK(!r, "PROCESS_INFO: %s", strerror(-r));
	CHECK(!unpause_queues(SRC), "UNPAUSE");
	CHECK(!call(SRC, call_queue_is_reset), "reset, after a pause");
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
	REQUIRE(!kfd_has_hws(), "a hardware scheduler does not say so");
	START();
	CHECK(!dump(s, SRC) && !reap(SRC) && !restore(s, SRC, DST, false), "restore");
	SETUP(!knob_set(dir[GPU_A], "fail_queue_load", 1), "knob");
	r = resume(s, DST);
	/* one that does the work later may not have come to the queues yet */
	left = knob_get(dir[GPU_A], "fail_queue_load");
	knob_set(dir[GPU_A], "fail_queue_load", 0);
	CHECK(r, "RESUME succeeds with a queue that is not loaded");
	CHECK(!left, "nothing failed");
	CHECK(!resume(s, DST), "another RESUME");
	CHECK(!call(DST, call_sdma_works) && !call(DST, call_aql_works), "queues");
}

/* --- resets --- */

/* A new process from the image, with its job done to the end. */
static void image_is_good(struct scene *s)
{
	CHECK(!restore(s, SRC, THIRD, false), "RESTORE after a reset");
	CHECK(!resume(s, THIRD), "RESUME after a reset");
	if (!(s->flags & S_NO_JOB)) {
		CHECK(!call(THIRD, call_finish_sdma_job), "SDMA job");
		CHECK(!call(THIRD, call_finish_aql_job), "AQL job");
	}
	CHECK(!call(THIRD, call_sdma_works) && !call(THIRD, call_aql_works), "queues");
}

/* There is an image, and its source runs. */
static bool dump_and_go_on(struct scene *s)
{
	return !dump(s, SRC) && !kfd_release(SRC->pid) && !unpause_queues(SRC);
}

/* What the queues did is lost, and no image says otherwise. */
ROW(reset_refuses_checkpoint, S_NO_JOB)
{
	struct kfd_image img;
	char dir[2][96];
	int fd, r;

	if (!find_knobs(s, dir))
		return;
	START();
	SETUP(dump_and_go_on(s), "dump");
	r = gpu_reset(&s->here.gpu[GPU_B]);
	SETUP(!r, "the reset: %s", strerror(-r));
	r = pause_queues(SRC);
	CHECK(r == -EIO, "PROCESS_INFO after a reset: %s", strerror(-r));
	fd = grab(SRC);
	SETUP(fd >= 0, "no KFD fd from the source: %s", strerror(-fd));
	r = kfd_criu_checkpoint(fd, &img);
	CHECK(r == -EIO, "another one: %s", strerror(-r));
	r = kfd_criu_unpause(fd);
	CHECK(r == -EINVAL, "a refused PROCESS_INFO has paused: %s", strerror(-r));
	let_go(SRC, fd);
	CHECK(!call(SRC, call_sdma_stays), "a queue that was lost");
	CHECK(!reap(SRC), "KFD keeps the process");
	image_is_good(s);
}

/* Paused before, the dumper is told all the same, and that the queues do not run. */
ROW(reset_refuses_paused_process, 0)
{
	struct kfd_ioctl_criu_args args;
	char dir[2][96];
	int fd, r, i;

	if (!find_knobs(s, dir))
		return;
	START();
	SETUP(!dump(s, SRC), "dump");
	kfd_release(SRC->pid);
	fd = grab(SRC);
	SETUP(fd >= 0, "no KFD fd from the source: %s", strerror(-fd));
	r = gpu_reset(&s->here.gpu[GPU_B]);
	SETUP(!r, "the reset: %s", strerror(-r));
	args = s->img.info;
	args.op = KFD_CRIU_OP_CHECKPOINT;
	r = ioctl(fd, AMDKFD_IOC_CRIU_OP, &args) ? -errno : 0;
	CHECK(r == -EIO, "CHECKPOINT after a reset: %s", strerror(-r));
	r = kfd_criu_process_info(fd, &args);
	CHECK(r == -EIO, "PROCESS_INFO after a reset: %s", strerror(-r));
	for (i = 0; i < 2; i++) {
		r = kfd_criu_unpause(fd);
		CHECK(r == -EIO, "UNPAUSE after a reset: %s", strerror(-r));
	}
	let_go(SRC, fd);
	CHECK(!reap(SRC), "KFD keeps the process");
	image_is_good(s);
}

static int call_restore_after_reset(struct ctx *c)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (attempt(c, &c->s->img, -EIO, "a GPU was reset"))
			return -1;
	return 0;
}

/* Nothing would run in a process that was there; it has nothing of the attempt. */
ROW(reset_refuses_restore, 0)
{
	struct snap before;
	char dir[2][96], text[200];
	int r;

	if (!find_knobs(s, dir))
		return;
	SETUP(!start(s, SRC) && !dump(s, SRC) && !reap(SRC) && !spawn(s, DST), "processes");
	DST->c = SRC->c;
	SETUP(!call(DST, call_open_fresh), "process");
	r = gpu_reset(&s->here.gpu[GPU_A]);
	SETUP(!r, "the reset: %s", strerror(-r));
	SETUP(!snap_settled(s, &before, DST, false), "snapshot");
	CHECK(!call(DST, call_restore_after_reset), "attempts");
	CHECK(!snap_compare(s, &before, DST, text, sizeof(text)), "the failed RESTORE left: %s",
	      text);
	snap_drop(&before);
	CHECK(!reap(DST), "KFD keeps the process");
	image_is_good(s);
}

static int call_make_exception(struct ctx *c)
{
	int r = kfd_event_create(&c->k, &c->hw, KFD_IOC_EVENT_HW_EXCEPTION, true, NULL);

	NEED(c, !r, "event: %s", strerror(-r));
	return 0;
}

static int call_exception_comes(struct ctx *c)
{
	int r = kfd_event_wait(&c->k, &c->hw, c->s->wait_ms, NULL);

	NEED(c, !r, "hardware exception: %s", strerror(-r));
	return 0;
}

/* Between RESTORE and RESUME: the process is told by each of both. */
ROW(reset_refuses_resume, 0)
{
	char dir[2][96];
	int r, i;

	if (!find_knobs(s, dir))
		return;
	START();
	SETUP(!dump(s, SRC) && !reap(SRC) && !restore(s, SRC, DST, false), "restore");
	SETUP(!call(DST, call_make_exception), "event");
	r = gpu_reset(&s->here.gpu[GPU_B]);
	SETUP(!r, "the reset: %s", strerror(-r));
	SETUP(!call(DST, call_exception_comes), "the event of the reset");
	for (i = 0; i < 2; i++) {
		r = resume(s, DST);
		CHECK(r == -EIO, "RESUME after a reset: %s", strerror(-r));
		CHECK(!call(DST, call_exception_comes), "the event of a RESUME that fails");
	}
	CHECK(!reap(DST), "KFD keeps the process");
	image_is_good(s);
}

/* In the middle of a reset, which stops the queue managers that queues are taken from. */
ROW(process_ends_in_reset, 0)
{
	struct held_reset reset;
	char dir[2][96];
	bool ended, over;
	int status, r;

	if (!find_knobs(s, dir))
		return;
	START();
	SETUP(dump_and_go_on(s), "dump");
	r = held_reset_begin(&reset, &s->here.gpu[GPU_A], dir[GPU_A], s->wait_ms);
	SETUP(!r, "the middle of a reset: %s", strerror(-r));
	kill(SRC->pid, SIGKILL);
	ended = waitpid(SRC->pid, &status, __WALL) == SRC->pid;
	over = held_reset_over(&reset);
	/* whatever came of it: nobody else would let it go on */
	r = held_reset_end(&reset);
	SETUP(ended, "the end of the process");
	CHECK(!over, "the reset was over before the process was");
	CHECK(!r, "the reset: %s", strerror(-r));
	CHECK(!reap(SRC), "KFD keeps the process");
	image_is_good(s);
}

/* --- what RESTORE asks of the GPUs --- */

#define TLB_BOS		320u
/* A process with as many is compared with one that has all of them. */
#define TLB_FEW		2u
/* The driver flushes for itself, from workers: not always before RESTORE is over. */
#define TLB_OTHERS	4
#define TLB_VA(i)	(0x1000000000ULL + (uint64_t)(i) * KFD_PAGE)

static int make_bos_for_tlbs(struct ctx *c, unsigned int from, unsigned int to)
{
	struct kfd_bo bo;
	unsigned int i;

	for (i = from; i < to; i++) {
		TRY(c, kfd_bo_create(&c->k, &bo, i % 2, TLB_VA(i), KFD_PAGE, KFD_BO_VRAM, ON_AB));
		scene_fill(bo.cpu, KFD_PAGE, i);
	}
	return 0;
}

static int call_few_bos_for_tlbs(struct ctx *c)
{
	if (make_bos_for_tlbs(c, 0, TLB_FEW))
		return -1;
	TRY(c, kfd_queue_create(&c->k, &c->other, KFD_Q_SDMA, GPU_B, SCENE_VA(SLOT_SDMA_B)));
	use_doorbell_bo(c, &c->other);
	return 0;
}

static int call_more_bos_for_tlbs(struct ctx *c)
{
	return make_bos_for_tlbs(c, TLB_FEW, TLB_BOS);
}

static int call_gpus_read_bos(struct ctx *c)
{
	unsigned int i;

	for (i = 0; i < TLB_BOS; i++)
		if (gpu_reads(c, &c->sdma, TLB_VA(i), i, "a BO") ||
		    gpu_reads(c, &c->other, TLB_VA(i), i, "a BO"))
			return -1;
	return 0;
}

/* How often RESTORE flushes the TLB of each GPU; RESUME follows. */
static bool moved_with_flushes(struct scene *s, char dir[2][96], struct proc *from, struct proc *to,
			       int64_t flushes[2])
{
	unsigned int g;
	int r;

	r = dump(s, from);
	r = r ?: reap(from);
	for (g = 0; g < 2; g++)
		flushes[g] = -knob_get(dir[g], "tlb_flushes");
	r = r ?: restore(s, from, to, false);
	for (g = 0; g < 2; g++)
		flushes[g] += knob_get(dir[g], "tlb_flushes");
	r = r ?: resume(s, to);
	if (!r)
		return true;
	note(s, "not restored: %s", strerror(-r));
	verdict = FAILED;
	return false;
}

/*
 * Once for each GPU, not for each BO: what is flushed has been mapped by then. How often the
 * driver flushes for itself meanwhile depends on the generation and on the number of XCCs, but
 * not on the number of BOs: ten times as many as RESTORE maps at once.
 */
ROW(restore_flushes_tlbs_once, S_NO_JOB)
{
	int64_t few[2], all[2];
	char dir[2][96];
	unsigned int g;

	REQUIRE(!page_tables_by_sdma(), "the driver flushes whenever SDMA writes page tables");
	if (!find_knobs(s, dir) || !started(s))
		return;
	SETUP(!call(SRC, call_few_bos_for_tlbs), "BOs");
	if (!moved_with_flushes(s, dir, SRC, DST, few))
		return;
	SETUP(!call(DST, call_more_bos_for_tlbs), "BOs");
	if (!moved_with_flushes(s, dir, DST, THIRD, all))
		return;
	for (g = 0; g < 2; g++)
		CHECK(all[g] <= few[g] + TLB_OTHERS,
		      "the TLB of GPU %c is flushed %lld times, not %lld", 'A' + g,
		      (long long)all[g], (long long)few[g]);
	CHECK(!call(THIRD, call_gpus_read_bos), "BOs");
}

TEST_HARNESS_MAIN
