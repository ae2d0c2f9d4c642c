// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint and restore of GPU processes, row by row: what a process has must
 * be there, and work, in its restored copy; and what must be refused is
 * refused without a trace.
 *
 * State that stock code loses is in kfd_criu_state_test.c, what must be
 * refused, and how, in kfd_criu_refuse_test.c.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#define CRIU_ROWS		criu_move_rows
#include "kfd_criu_row.h"

/* --- pause and unpause --- */

static int call_aql_stays(struct ctx *c)
{
	const uint64_t none[5] = { 0 };

	hsa_signal_init(cell_signal(c, SIG_DONE), 1, NULL, NULL);
	aql_barrier_and(&c->aql, none, signal_va(c, SIG_DONE));
	kfd_queue_submit(&c->aql);
	if (machine_turns(c))
		return -1;
	NEED(c, cell_signal(c, SIG_DONE)->value == 1, "the AQL queue runs");
	return 0;
}

static int call_aql_catches_up(struct ctx *c)
{
	NEED(c, kfd_wait64((uint64_t *)&cell_signal(c, SIG_DONE)->value, 0, c->s->wait_ms),
	     "work that was submitted while paused is lost");
	return 0;
}

ROW(paused_sdma_queue_does_not_run, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_sdma_works), "the queue");
	CHECK(!pause_queues(SRC), "PROCESS_INFO");
	CHECK(!call(SRC, call_sdma_stays), "pause");
}

ROW(paused_aql_queue_does_not_run, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_aql_works), "the queue");
	CHECK(!pause_queues(SRC), "PROCESS_INFO");
	CHECK(!call(SRC, call_aql_stays), "pause");
}

ROW(unpaused_sdma_queue_catches_up, S_NO_JOB)
{
	START();
	SETUP(!pause_queues(SRC) && !call(SRC, call_sdma_stays), "pause");
	CHECK(!unpause_queues(SRC), "UNPAUSE");
	CHECK(!call(SRC, call_sdma_catches_up), "after UNPAUSE");
}

ROW(unpaused_aql_queue_catches_up, S_NO_JOB)
{
	START();
	SETUP(!pause_queues(SRC) && !call(SRC, call_aql_stays), "pause");
	CHECK(!unpause_queues(SRC), "UNPAUSE");
	CHECK(!call(SRC, call_aql_catches_up), "after UNPAUSE");
}

static int call_sdma_event(struct ctx *c)
{
	TRY(c, kfd_event_wait(&c->k, &c->ev[EV_SDMA], c->s->wait_ms, NULL));
	return 0;
}

static int call_aql_event(struct ctx *c)
{
	TRY(c, kfd_event_wait(&c->k, &c->ev[EV_AQL], c->s->wait_ms, NULL));
	return 0;
}

/* criu dump --leave-running */
ROW(leave_running, 0)
{
	int fd;

	START();
	CHECK(!dump(s, SRC), "dump");
	fd = kfd_steal_fd(SRC->pid, SRC->c.k.fd);
	SETUP(fd >= 0, "KFD fd");
	CHECK(!kfd_criu_unpause(fd), "UNPAUSE");
	let_go(SRC, fd);
	CHECK(!call(SRC, call_finish_sdma_job), "SDMA job");
	CHECK(!call(SRC, call_finish_aql_job), "AQL job");
	CHECK(!call(SRC, call_sdma_event) && !call(SRC, call_aql_event), "events");
}

ROW(pause_twice_unpause_once, S_NO_JOB)
{
	START();
	CHECK(!pause_queues(SRC) && !pause_queues(SRC), "PROCESS_INFO");
	CHECK(!unpause_queues(SRC), "UNPAUSE");
	CHECK(!call(SRC, call_sdma_works), "after UNPAUSE");
}

ROW(unpause_of_running_process_refused, S_NO_JOB)
{
	START();
	CHECK(unpause_queues(SRC) == -EINVAL, "UNPAUSE was not refused");
	CHECK(!call(SRC, call_sdma_works), "after a refused UNPAUSE");
	/* and it left no debt: a pause pauses, an unpause ends it */
	CHECK(!pause_queues(SRC) && !call(SRC, call_sdma_stays), "pause");
	CHECK(!unpause_queues(SRC) && !call(SRC, call_sdma_catches_up), "unpause");
}

/* A dumper that is killed between PROCESS_INFO and UNPAUSE. */
ROW(dumper_death_lets_queues_run, S_NO_JOB)
{
	struct kfd_ioctl_criu_args args;
	int fd, status;
	pid_t pid;

	START();
	pid = fork();
	if (!pid) {
		fd = grab(SRC);
		_exit(fd < 0 || kfd_criu_process_info(fd, &args));
	}
	SETUP(pid > 0 && waitpid(pid, &status, 0) == pid && !status, "the dumper");
	CHECK(!call(SRC, call_sdma_works), "the dumper is gone");
}

/* --- what CHECKPOINT refuses --- */

static int raw_checkpoint(int fd, struct kfd_ioctl_criu_args *args)
{
	args->op = KFD_CRIU_OP_CHECKPOINT;
	return ioctl(fd, AMDKFD_IOC_CRIU_OP, args) ? -errno : 0;
}

#define GUARD		0x5a
#define ARENA		(4UL << 20)

/* True when nothing was written to the arena. */
static bool untouched(const uint8_t *p)
{
	size_t i;

	for (i = 0; i < ARENA; i++)
		if (p[i] != GUARD)
			return false;
	return true;
}

static void arena_args(struct kfd_ioctl_criu_args *args, uint8_t *arena)
{
	memset(arena, GUARD, ARENA);
	args->devices = (uintptr_t)arena;
	args->bos = (uintptr_t)arena + 0x10000;
	args->priv_data = (uintptr_t)arena + 0x100000;
}

ROW(checkpoint_of_running_process_refused, 0)
{
	uint8_t *arena = malloc(ARENA);
	struct kfd_ioctl_criu_args args;
	int fd, r;

	START();
	fd = grab(SRC);
	SETUP(arena && fd >= 0, "KFD fd");
	SETUP(!kfd_criu_process_info(fd, &args) && !kfd_criu_unpause(fd), "counts");
	arena_args(&args, arena);
	r = raw_checkpoint(fd, &args);
	CHECK(r == -EINVAL, "CHECKPOINT of a running process says %s", strerror(-r));
	CHECK(untouched(arena), "a refused CHECKPOINT wrote to the caller's memory");
	let_go(SRC, fd);
	CHECK(!call(SRC, call_finish_sdma_job), "after a refused CHECKPOINT");
}

ROW(checkpoint_with_wrong_counts_refused, 0)
{
	uint8_t *arena = malloc(ARENA);
	struct kfd_ioctl_criu_args args, bad;
	unsigned int i, fds;
	int fd, r[5];

	START();
	fd = grab(SRC);
	SETUP(arena && fd >= 0 && !kfd_criu_process_info(fd, &args), "counts");
	arena_args(&args, arena);
	fds = open_fds();
	for (i = 0; i < ARRAY_SIZE(r); i++) {
		bad = args;
		bad.num_devices -= i == 0;
		bad.num_bos -= i == 1;
		bad.num_objects -= i == 2;
		bad.priv_data_size -= i == 3 ? 8 : 0;
		bad.priv_data_size = i == 4 ? 0 : bad.priv_data_size;
		r[i] = raw_checkpoint(fd, &bad);
		CHECK(r[i], "CHECKPOINT with a wrong count was not refused (%u)", i);
		CHECK(untouched(arena), "a refused CHECKPOINT wrote to memory (%u)", i);
	}
	CHECK(open_fds() == fds, "a refused CHECKPOINT left file descriptors");
	let_go(SRC, fd);
	/* still paused, and a good one works */
	CHECK(!dump(s, SRC), "dump");
	for (i = 0; i < ARRAY_SIZE(r); i++)
		CHECK(r[i] == -ENOSPC, "CHECKPOINT with a wrong count says %s (%u)",
		      strerror(-r[i]), i);
}

/* A caller that guesses too much, or that objects were destroyed under. */
ROW(checkpoint_says_needed_size, S_NO_JOB)
{
	uint8_t *arena = malloc(ARENA);
	struct kfd_ioctl_criu_args args, bad;
	int fd, r;

	START();
	fd = grab(SRC);
	SETUP(arena && fd >= 0 && !kfd_criu_process_info(fd, &args), "counts");
	arena_args(&args, arena);
	bad = args;
	bad.priv_data_size = 8;
	r = raw_checkpoint(fd, &bad);
	CHECK(r, "a buffer of 8 bytes was enough");
	CHECK(bad.priv_data_size == args.priv_data_size, "the needed size is not told");
	CHECK(r == -ENOSPC, "CHECKPOINT into 8 bytes says %s", strerror(-r));
	let_go(SRC, fd);
}

ROW(checkpoint_fds_close_on_exec, 0)
{
	uint32_t i, n = 0;
	int fd, r;

	START();
	fd = grab(SRC);
	SETUP(fd >= 0, "KFD fd");
	r = kfd_criu_checkpoint(fd, &s->img);
	CHECK(!r, "CHECKPOINT: %s", strerror(-r));
	let_go(SRC, fd);
	for (i = 0; i < s->img.info.num_bos; i++) {
		if (s->img.bos[i].dmabuf_fd == (uint32_t)-1)
			continue;
		n++;
		r = fcntl(s->img.bos[i].dmabuf_fd, F_GETFD);
		CHECK(r >= 0 && r & FD_CLOEXEC, "a dma-buf fd survives exec");
	}
	CHECK(n, "no contents at all");
}

/* --- permissions --- */

static int drop_caps(unsigned int keep)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };

	if (keep != -1u) {
		d[keep / 32].effective = 1u << keep % 32;
		d[keep / 32].permitted = 1u << keep % 32;
	}
	return syscall(SYS_capset, &h, d) ? -errno : 0;
}

static int call_pause_without_rights(struct ctx *c)
{
	struct kfd_ioctl_criu_args args;
	int r;

	TRY(c, drop_caps(-1u));
	r = kfd_criu_process_info(c->k.fd, &args);
	NEED(c, r == -EACCES, "PROCESS_INFO without capability says %s", strerror(-r));
	return 0;
}

ROW(capability_needed, S_NO_JOB)
{
	START();
	CHECK(!call(SRC, call_pause_without_rights), "rights");
	CHECK(!call(SRC, call_sdma_works), "after a refused PROCESS_INFO");
}

/* --- a whole move: jobs --- */

ROW(restore_and_resume, 0)
{
	unsigned int before, after;

	START();
	before = queues_of(SRC->pid);
	SETUP(before == 2, "KFD shows %u queues of the source", before);
	MOVE(false);
	after = queues_of(DST->pid);
	CHECK(after == before, "KFD shows %u queues, %u before", after, before);
}

ROW(sdma_job_finishes, 0)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_finish_sdma_job), "SDMA job");
}

ROW(aql_job_finishes, 0)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_finish_aql_job), "AQL job");
}

/* A PM4 queue whose packets wait in the ring at the time of the checkpoint. */
static int call_pm4_create(struct ctx *c)
{
	TRY(c, kfd_queue_create(&c->k, &c->other, KFD_Q_PM4, GPU_B, SCENE_VA(SLOT_PM4)));
	use_doorbell_bo(c, &c->other);
	pm4_release_mem(&c->other, cell_va(c, CELL_FENCE_B), 1, 0);
	kfd_queue_submit(&c->other);
	NEED(c, kfd_wait32(cell32(c, CELL_FENCE_B), 1, 20000), "the PM4 queue does not start");
	return 0;
}

static int call_pm4_submit(struct ctx *c)
{
	const uint32_t data[2] = { 0x01234567, 0x89abcdef };

	pm4_write_data(&c->other, cell_va(c, CELL_RESULT), data, 2);
	pm4_release_mem(&c->other, cell_va(c, CELL_FENCE_B), 2, 0);
	kfd_queue_submit(&c->other);
	if (machine_turns(c))
		return -1;
	NEED(c, *cell32(c, CELL_FENCE_B) == 1, "the PM4 queue runs while paused");
	return 0;
}

static int call_pm4_done(struct ctx *c)
{
	NEED(c, kfd_wait32(cell32(c, CELL_FENCE_B), 2, c->s->wait_ms),
	     "the PM4 job does not finish");
	NEED(c, *cell(c, CELL_RESULT) == 0x89abcdef01234567ULL, "the PM4 job wrote %#llx",
	     (unsigned long long)*cell(c, CELL_RESULT));
	return 0;
}

ROW(pm4_job_finishes, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_pm4_create), "PM4 queue");
	SETUP(!pause_queues(SRC) && !call(SRC, call_pm4_submit), "PM4 job");
	MOVE(false);
	CHECK(!call(DST, call_pm4_done), "PM4 job");
}

/* The same for SDMA: nothing of it has been fetched at the time of the checkpoint. */
ROW(sdma_work_submitted_while_paused, S_NO_JOB)
{
	START();
	SETUP(!pause_queues(SRC) && !call(SRC, call_sdma_stays), "pause");
	MOVE(false);
	CHECK(!call(DST, call_sdma_catches_up), "restored queue");
}

ROW(queues_stopped_until_resume, 0)
{
	START();
	CHECK(!dump(s, SRC) && !reap(SRC) && !restore(s, SRC, DST, false), "restore");
	CHECK(!call(DST, call_sdma_stays), "before RESUME");
	CHECK(!resume(s, DST), "RESUME");
}

ROW(restored_process_moves_again, 0)
{
	START();
	MOVE(false);
	if (!moved(s, DST, THIRD, false))
		return;
	CHECK(!call(THIRD, call_finish_sdma_job), "SDMA job");
}

/* A process that has a compute queue on each GPU, and no SDMA queue. */
static int call_build_other(struct ctx *c)
{
	TRY(c, kfd_open_all(&c->k));
	TRY(c, kfd_queue_create(&c->k, &c->aql, KFD_Q_AQL, GPU_B, SCENE_VA(SLOT_AQL)));
	TRY(c, kfd_queue_create(&c->k, &c->other, KFD_Q_PM4, GPU_A, SCENE_VA(SLOT_PM4)));
	return 0;
}

/* Between the end of the source and the restore, someone else takes what it had on the GPUs. */
static bool moved_beside_other(struct scene *s)
{
	bool ok;

	if (dump(s, SRC) || reap(SRC)) {
		verdict = FAILED;
		return false;
	}
	if (spawn(s, THIRD) || call(THIRD, call_build_other)) {
		verdict = BROKEN;
		return false;
	}
	ok = !restore(s, SRC, DST, false) && !resume(s, DST);
	if (!ok)
		verdict = FAILED;
	return ok;
}

ROW(sdma_job_finishes_beside_other_process, 0)
{
	START();
	if (!moved_beside_other(s))
		return;
	CHECK(!call(DST, call_finish_sdma_job), "SDMA job");
}

ROW(aql_job_finishes_beside_other_process, 0)
{
	START();
	if (!moved_beside_other(s))
		return;
	CHECK(!call(DST, call_finish_aql_job), "AQL job");
}

/* --- events --- */

ROW(sdma_event_fires, 0)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_finish_sdma_job), "SDMA job");
	CHECK(!call(DST, call_sdma_event), "event");
}

ROW(aql_event_fires, 0)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_finish_aql_job), "AQL job");
	CHECK(!call(DST, call_aql_event), "event");
}

static int call_events_by_id(struct ctx *c)
{
	struct kfd_event e;
	unsigned int i;

	for (i = EV_SDMA; i <= EV_STATE; i++) {
		NEED(c, kfd_event_wait(&c->k, &c->ev[i], 0, NULL) == -ETIMEDOUT,
		     "event %u is not as it was", c->ev[i].id);
		TRY(c, kfd_event_set(&c->k, &c->ev[i]));
		TRY(c, kfd_event_wait(&c->k, &c->ev[i], 1000, NULL));
	}
	TRY(c, kfd_event_create(&c->k, &e, KFD_IOC_EVENT_SIGNAL, true, NULL));
	for (i = 0; i < NUM_EV; i++)
		NEED(c, e.id != c->ev[i].id, "a new event got the id of an old one");
	return 0;
}

ROW(event_ids_preserved, 0)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_events_by_id), "events");
}

static int call_event_signal(struct ctx *c)
{
	TRY(c, kfd_event_set(&c->k, &c->ev[EV_STATE]));
	return 0;
}

static int call_event_states(struct ctx *c)
{
	/* manual reset: stays signalled */
	NEED(c, !kfd_event_wait(&c->k, &c->ev[EV_STATE], 0, NULL), "a signalled event is not");
	NEED(c, !kfd_event_wait(&c->k, &c->ev[EV_STATE], 0, NULL), "manual reset became automatic");
	NEED(c, kfd_event_wait(&c->k, &c->ev[EV_AQL], 0, NULL) == -ETIMEDOUT,
	     "an event is signalled that was not");
	TRY(c, kfd_event_reset(&c->k, &c->ev[EV_STATE]));
	NEED(c, kfd_event_wait(&c->k, &c->ev[EV_STATE], 0, NULL) == -ETIMEDOUT, "reset");
	/* automatic reset: one wait takes it */
	TRY(c, kfd_event_set(&c->k, &c->ev[EV_AQL]));
	TRY(c, kfd_event_wait(&c->k, &c->ev[EV_AQL], 1000, NULL));
	NEED(c, kfd_event_wait(&c->k, &c->ev[EV_AQL], 0, NULL) == -ETIMEDOUT,
	     "automatic reset became manual");
	return 0;
}

ROW(event_states_preserved, 0)
{
	START();
	SETUP(!call(SRC, call_event_signal), "event");
	MOVE(false);
	CHECK(!call(DST, call_event_states), "events");
}

static int wait_with_age(struct ctx *c, struct kfd_event *e, uint64_t *age)
{
	struct kfd_event_data d = { .event_id = e->id };
	struct kfd_ioctl_wait_events_args args = {
		.events_ptr = (uintptr_t)&d, .num_events = 1, .wait_for_all = 1, .timeout = 0,
	};

	d.signal_event_data.last_event_age = *age;
	if (ioctl(c->k.fd, AMDKFD_IOC_WAIT_EVENTS, &args))
		return -errno;
	*age = d.signal_event_data.last_event_age;
	return args.wait_result == KFD_IOC_WAIT_RESULT_COMPLETE ? 0 : -ETIMEDOUT;
}

/* Raise an event a few times, then see that no news is no news. */
static int call_event_grow_old(struct ctx *c)
{
	struct kfd_event *e = &c->ev[EV_SDMA];
	uint64_t age = 1;
	int i;

	for (i = 0; i < 5; i++) {
		TRY(c, kfd_event_set(&c->k, e));
		TRY(c, wait_with_age(c, e, &age));
	}
	c->result = age;
	NEED(c, age > 2, "events have no age here");
	NEED(c, wait_with_age(c, e, &age) == -ETIMEDOUT, "an old event is news");
	return 0;
}

static int call_event_is_old(struct ctx *c)
{
	uint64_t age = c->result;

	NEED(c, wait_with_age(c, &c->ev[EV_SDMA], &age) == -ETIMEDOUT,
	     "an event that did not happen wakes the waiter");
	TRY(c, kfd_event_set(&c->k, &c->ev[EV_SDMA]));
	TRY(c, wait_with_age(c, &c->ev[EV_SDMA], &age));
	NEED(c, age > c->result, "the age went backwards");
	return 0;
}

ROW(event_age_preserved, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_event_grow_old), "event");
	MOVE(false);
	CHECK(!call(DST, call_event_is_old), "event");
}

static int call_destroy_events(struct ctx *c)
{
	unsigned int i;

	for (i = 0; i < NUM_EV; i++)
		TRY(c, kfd_event_destroy(&c->k, &c->ev[i]));
	return 0;
}

/* The page was given to KFD with the first event; no event is left of it. */
static int call_new_event_on_old_page(struct ctx *c)
{
	struct kfd_event *e = &c->ev[EV_SDMA];

	TRY(c, kfd_event_create(&c->k, e, KFD_IOC_EVENT_SIGNAL, true, NULL));
	sdma_signal(&c->sdma, &c->bo[BO_PAGE], e);
	kfd_queue_submit(&c->sdma);
	NEED(c, !kfd_event_wait(&c->k, e, c->s->wait_ms, NULL), "a new event does not fire");
	return 0;
}

ROW(signal_page_without_events, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_destroy_events), "events");
	MOVE(false);
	CHECK(!call(DST, call_new_event_on_old_page), "event");
}

/* What a GPU leaves in a slot; the driver looks there with the next interrupt. */
#define SLOT_WORD		0x5107ULL

/* Slots in memory of the kernel, as their process sees them; c->result is their offset. */
static volatile uint64_t *map_slots(struct ctx *c)
{
	void *p = mmap(NULL, KFD_SIGNAL_EVENT_LIMIT * 8, PROT_READ | PROT_WRITE, MAP_SHARED,
		       c->k.fd, c->result);

	return p == MAP_FAILED ? NULL : p;
}

static int call_leave_signal(struct ctx *c)
{
	struct kfd_ioctl_create_event_args args = {
		.event_type = KFD_IOC_EVENT_SIGNAL, .auto_reset = true,
	};
	volatile uint64_t *slots;

	NEED(c, !ioctl(c->k.fd, AMDKFD_IOC_CREATE_EVENT, &args), "event: %s", strerror(errno));
	c->ev[EV_SDMA].id = args.event_id;
	c->result = args.event_page_offset;
	slots = map_slots(c);
	NEED(c, slots, "mmap: %s", strerror(errno));
	slots[args.event_id] = SLOT_WORD;
	munmap((void *)slots, KFD_SIGNAL_EVENT_LIMIT * 8);
	return 0;
}

static int call_signal_is_there(struct ctx *c)
{
	volatile uint64_t *slots = map_slots(c);

	NEED(c, slots, "mmap: %s", strerror(errno));
	NEED(c, slots[c->ev[EV_SDMA].id] == SLOT_WORD,
	     "the signal that waits in its slot is lost");
	return 0;
}

ROW(signal_in_slot_preserved, S_NO_SIGNALS | S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_leave_signal), "signal");
	MOVE(false);
	CHECK(!call(DST, call_signal_is_there), "signal");
}

ROW(process_without_events, S_NO_SIGNALS | S_NO_EVENTS)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_finish_sdma_job), "SDMA job");
}

/* --- buffer objects --- */

static int second_sdma(struct ctx *c)
{
	TRY(c, kfd_queue_create(&c->k, &c->other, KFD_Q_SDMA, GPU_B, SCENE_VA(SLOT_SDMA_B)));
	return 0;
}

/* Each BO through each GPU that it was mapped on. */
static int call_mapped_sets(struct ctx *c)
{
	unsigned int i;

	use_doorbell_bo(c, &c->sdma);
	for (i = 0; i < NUM_BO; i++)
		if (scene_bo_kinds[i].pattern && scene_bo_kinds[i].mask & ON_A &&
		    gpu_reads(c, &c->sdma, c->bo[i].va, SEED_BO(i), scene_bo_kinds[i].name))
			return -1;
	if (second_sdma(c))
		return -1;
	use_doorbell_bo(c, &c->other);
	for (i = 0; i < NUM_BO; i++)
		if (scene_bo_kinds[i].pattern && scene_bo_kinds[i].mask & ON_B &&
		    gpu_reads(c, &c->other, c->bo[i].va, SEED_BO(i), scene_bo_kinds[i].name))
			return -1;
	return 0;
}

ROW(mapped_gpus_preserved, S_NO_JOB)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_mapped_sets), "mappings");
}

/*
 * A GPU that a BO was not mapped on must not get at it.  Whether the copy
 * stops or goes on with zeros is the hardware's business; but the process is told, and that
 * comes after the attempt.
 */
static int try_access(struct ctx *c)
{
	struct kfd_queue *q = &c->sdma;

	if (c->arg[1] == GPU_B) {
		if (second_sdma(c))
			return -1;
		use_doorbell_bo(c, &c->other);
		q = &c->other;
	}
	memset((void *)cell(c, CELL_RESULT), 0, KFD_PAGE);
	sdma_copy(q, cell_va(c, CELL_RESULT), c->bo[c->arg[0]].va, KFD_PAGE);
	kfd_queue_submit(q);
	return 0;
}

static int has_read_nothing(struct ctx *c)
{
	unsigned int i = c->arg[0];

	NEED(c, scene_bad((void *)cell(c, CELL_RESULT), KFD_PAGE, SEED_BO(i)) == KFD_PAGE / 4,
	     "GPU %c reads %s", (char)('A' + c->arg[1]), scene_bo_kinds[i].name);
	return 0;
}

static int is_told(struct ctx *c, struct kfd_event_data *d)
{
	NEED(c, !kfd_event_wait(&c->k, &c->ev[EV_MEMORY], c->s->wait_ms, d),
	     "no memory exception event");
	return 0;
}

static int call_no_access(struct ctx *c)
{
	struct kfd_event_data d;

	return try_access(c) || is_told(c, &d) || has_read_nothing(c) ? -1 : 0;
}

/* The process is told of the fault, and what it is told is right. */
static int call_is_told_right(struct ctx *c)
{
	uint64_t va = c->bo[c->arg[0]].va;
	struct kfd_event_data d;
	uint32_t gpu_id;

	if (is_told(c, &d))
		return -1;
	gpu_id = d.memory_exception_data.gpu_id;
	NEED(c, gpu_id == c->k.gpu[c->arg[1]].gpu_id, "the event names %s",
	     gpu_id == c->k.gpu[!c->arg[1]].gpu_id ? "the other GPU" : "no GPU of the process");
	NEED(c, d.memory_exception_data.va >= va && d.memory_exception_data.va < va + BO_SIZE,
	     "the event names address %#llx", (unsigned long long)d.memory_exception_data.va);
	return 0;
}

static int call_fault_event(struct ctx *c)
{
	return try_access(c) || call_is_told_right(c) || has_read_nothing(c) ? -1 : 0;
}

static void no_access_row(struct scene *s, unsigned int i, unsigned int gpu, bool swap, bool event)
{
	START();
	MOVE(swap);
	DST->c.arg[0] = i;
	DST->c.arg[1] = gpu;
	CHECK(!call(DST, event ? call_fault_event : call_no_access), "access");
}

ROW(vram_not_reachable_from_other_gpu, S_NO_JOB)
{
	no_access_row(s, BO_VRAM_A, GPU_B, false, false);
}

ROW(peer_vram_not_reachable_from_own_gpu, S_NO_JOB)
{
	no_access_row(s, BO_VRAM_PEER, GPU_A, false, false);
}

ROW(gtt_not_reachable_from_other_gpu, S_NO_JOB)
{
	no_access_row(s, BO_GTT_B, GPU_A, false, false);
}

ROW(userptr_not_reachable_from_other_gpu, S_NO_JOB)
{
	no_access_row(s, BO_UPTR_A, GPU_B, false, false);
}

ROW(unmapped_bo_not_reachable, S_NO_JOB)
{
	no_access_row(s, BO_NOWHERE, GPU_A, false, false);
}

static int call_unmap_vram_ab(struct ctx *c)
{
	TRY(c, kfd_bo_unmap(&c->k, &c->bo[BO_VRAM_AB], ON_A));
	return 0;
}

ROW(unmapped_again_not_reachable, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_unmap_vram_ab), "unmap");
	MOVE(false);
	DST->c.arg[0] = BO_VRAM_AB;
	DST->c.arg[1] = GPU_A;
	CHECK(!call(DST, call_no_access), "access");
}

ROW(fault_raises_memory_event, S_NO_JOB)
{
	no_access_row(s, BO_GTT_B, GPU_A, false, true);
}

/* The fault is over, and the process has not yet asked for its event. */
static int call_fault_is_over(struct ctx *c)
{
	struct kfd_event last;

	/* events are raised in the order of their ids: this one after that of the scene */
	TRY(c, kfd_event_create(&c->k, &last, KFD_IOC_EVENT_MEMORY, true, NULL));
	if (try_access(c))
		return -1;
	TRY(c, kfd_event_wait(&c->k, &last, c->s->wait_ms, NULL));
	if (has_read_nothing(c))
		return -1;
	/* nothing is left that could fault again */
	TRY(c, kfd_queue_destroy(&c->k, &c->sdma));
	return 0;
}

ROW(raised_memory_event_preserved, S_NO_JOB)
{
	START();
	SRC->c.arg[0] = BO_GTT_B;
	SRC->c.arg[1] = GPU_A;
	SETUP(!call(SRC, call_fault_is_over), "fault");
	/* these are arguments of the restore, too */
	SRC->c.arg[0] = 0;
	SRC->c.arg[1] = 0;
	MOVE(false);
	DST->c.arg[0] = BO_GTT_B;
	DST->c.arg[1] = GPU_A;
	CHECK(!call(DST, call_is_told_right), "event");
}

static int call_contents(struct ctx *c)
{
	unsigned int i = c->arg[0], bad;

	bad = scene_bad(c->bo[i].cpu, HALF, SEED_BO(i));
	NEED(c, !bad, "%u words differ in %s", bad, scene_bo_kinds[i].name);
	return 0;
}

static int call_gpu_contents(struct ctx *c)
{
	unsigned int i = c->arg[0];

	return gpu_reads(c, &c->sdma, c->bo[i].va, SEED_BO(i), scene_bo_kinds[i].name);
}

/* By the CPU, and by GPU A where it is mapped there. */
static bool contents(struct scene *s, struct proc *p, unsigned int i)
{
	p->c.arg[0] = i;
	if (!call(p, call_contents) &&
	    (!(scene_bo_kinds[i].mask & ON_A) || !call(p, call_gpu_contents)))
		return true;
	verdict = FAILED;
	return false;
}

ROW(contents_vram, S_NO_JOB)
{
	START();
	MOVE(false);
	CHECK(contents(s, DST, BO_VRAM_A) && contents(s, DST, BO_VRAM_AB) &&
	      contents(s, DST, BO_VRAM_PEER), "contents");
}

ROW(contents_gtt, S_NO_JOB)
{
	START();
	MOVE(false);
	CHECK(contents(s, DST, BO_GTT_AB) && contents(s, DST, BO_GTT_B) &&
	      contents(s, DST, BO_NOWHERE), "contents");
}

ROW(contents_userptr, S_NO_JOB)
{
	START();
	MOVE(false);
	CHECK(contents(s, DST, BO_UPTR_AB) && contents(s, DST, BO_UPTR_A), "contents");
}

/* Each handle still names its BO. */
static int call_handles(struct ctx *c)
{
	unsigned int i, bad;
	int fd;
	void *p;

	for (i = 0; i < NUM_BO; i++) {
		const struct scene_bo_kind *kind = &scene_bo_kinds[i];
		struct kfd_bo *bo = &c->bo[i];

		if (!bo->handle)
			continue;
		if (kind->mask) {
			TRY(c, kfd_bo_unmap(&c->k, bo, kind->mask));
			TRY(c, kfd_bo_map(&c->k, bo, kind->mask));
		}
		if (!kind->pattern || kind->flags & KFD_IOC_ALLOC_MEM_FLAGS_USERPTR)
			continue;
		fd = kfd_bo_export(&c->k, bo);
		NEED(c, fd >= 0, "export of %s: %s", kind->name, strerror(-fd));
		p = kfd_dmabuf_mmap(c->k.gpu[kind->gpu].drm_fd, fd, bo->size);
		close(fd);
		NEED(c, p != MAP_FAILED, "dma-buf of %s: %s", kind->name, strerror(errno));
		bad = scene_bad(p, HALF, SEED_BO(i));
		munmap(p, bo->size);
		NEED(c, !bad, "the handle of %s names another BO", kind->name);
	}
	return 0;
}

/* Handles are given out in ascending order: then one is missing in the middle. */
static int call_leave_gap(struct ctx *c)
{
	TRY(c, kfd_bo_destroy(&c->k, &c->bo[BO_VRAM_A]));
	return 0;
}

ROW(bo_handles_preserved, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_leave_gap), "a handle that is not in use");
	MOVE(false);
	CHECK(!call(DST, call_handles), "handles");
	CHECK(!call(DST, call_sdma_works), "after mapping all anew");
}

static int call_new_objects(struct ctx *c)
{
	struct kfd_bo bo;
	unsigned int i;

	TRY(c, kfd_bo_create(&c->k, &bo, GPU_A, SCENE_VA(SLOT_SPARE), BO_SIZE, KFD_BO_VRAM, ON_AB));
	for (i = 0; i < NUM_BO; i++)
		NEED(c, bo.handle != c->bo[i].handle, "a new BO got the handle of an old one");
	scene_fill(bo.cpu, BO_SIZE, 55);
	if (second_sdma(c))
		return -1;
	NEED(c, c->other.id != c->sdma.id && c->other.id != c->aql.id,
	     "a new queue got the id of an old one");
	return gpu_reads(c, &c->other, bo.va, 55, "a new BO");
}

ROW(new_objects_after_restore, S_NO_JOB)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_new_objects), "new objects");
}

ROW(destroy_after_restore, S_NO_JOB)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_destroy_restored), "destroy");
}

ROW(vram_accounting_preserved, 0)
{
	long long before[2], after;
	unsigned int g;

	START();
	for (g = 0; g < 2; g++) {
		before[g] = vram_usage(SRC->pid, s->here.gpu[g].gpu_id);
		SETUP(before[g] > 0, "no accounting");
	}
	MOVE(false);
	for (g = 0; g < 2; g++) {
		after = vram_usage(DST->pid, s->here.gpu[g].gpu_id);
		CHECK(after == before[g], "GPU %c: %lld bytes before, %lld after", 'A' + g,
		      before[g], after);
	}
}

/* A ring that is mapped twice in a row, for hardware that reads over the end. */
static int call_twice_mapped(struct ctx *c)
{
	struct kfd_bo bo;

	TRY(c, kfd_bo_alloc(&c->k, &bo, GPU_A, SCENE_VA(SLOT_SPARE), 2 * HALF,
			    KFD_BO_GTT | KFD_IOC_ALLOC_MEM_FLAGS_AQL_QUEUE_MEM));
	TRY(c, kfd_bo_map(&c->k, &bo, ON_A));
	sdma_copy(&c->sdma, bo.va, c->bo[BO_GTT_AB].va, HALF);
	if (call_sdma_works(c))
		return -1;
	return 0;
}

static int call_twice_mapped_reads(struct ctx *c)
{
	uint64_t va = SCENE_VA(SLOT_SPARE);

	if (gpu_reads(c, &c->sdma, va, SEED_BO(BO_GTT_AB), "the ring"))
		return -1;
	return gpu_reads(c, &c->sdma, va + HALF, SEED_BO(BO_GTT_AB), "the ring's second half");
}

ROW(aql_queue_mem_keeps_its_size, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_twice_mapped) && !call(SRC, call_twice_mapped_reads), "the ring");
	MOVE(false);
	CHECK(!call(DST, call_twice_mapped_reads), "the ring");
}

static int call_mmio(struct ctx *c)
{
	struct kfd_bo bo;
	int r = kfd_bo_create(&c->k, &bo, GPU_A, SCENE_VA(SLOT_SPARE), KFD_PAGE, KFD_BO_MMIO, ON_A);

	c->result = bo.handle;
	NEED(c, !r, "no remapped MMIO page: %s", strerror(-r));
	return 0;
}

/* The page must be mapped, and its handle be taken. */
static int call_mmio_restored(struct ctx *c)
{
	struct kfd_bo bo = { .handle = c->result, .gpu = GPU_A, .mapped = ON_A };
	char line[256];
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "re");

	while (f && fgets(line, sizeof(line), f))
		if (strtoull(line, NULL, 16) == SCENE_VA(SLOT_SPARE) && strstr(line, "/dev/kfd"))
			found = true;
	if (f)
		fclose(f);
	NEED(c, found, "the page is not mapped");
	TRY(c, kfd_bo_unmap(&c->k, &bo, ON_A));
	TRY(c, kfd_bo_map(&c->k, &bo, ON_A));
	return 0;
}

ROW(mmio_page_restored, S_NO_JOB)
{
	START();
	REQUIRE_HW(!call(SRC, call_mmio), "MMIO");
	MOVE(false);
	CHECK(!call(DST, call_mmio_restored), "MMIO");
}

/* --- user pointers --- */

static int call_userptr_remap(struct ctx *c)
{
	int memfd = memfd_create("other", 0);
	void *p = c->bo[BO_UPTR_AB].cpu;

	NEED(c, memfd >= 0 && !ftruncate(memfd, BO_SIZE), "memfd: %s", strerror(errno));
	NEED(c, map_pages(c, (uintptr_t)p, BO_SIZE, memfd) == p, "mmap: %s", strerror(errno));
	scene_fill(p, BO_SIZE, 123);
	close(memfd);
	return gpu_reads(c, &c->sdma, c->bo[BO_UPTR_AB].va, 123, "a remapped user pointer");
}

/*
 * The pages behind a user pointer change: the GPU must follow.  The old pages
 * belong to a memory file that stays open, so that a GPU that does not follow
 * does no harm.
 */
ROW(userptr_follows_remap, S_NO_JOB | S_MEMFD)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_userptr_remap), "remap");
}

/* --- doorbells --- */

static int call_doorbell_mmap(struct ctx *c)
{
	/* A queue that is being loaded looks at its pointers anyway: see it at rest first. */
	if (call_sdma_works(c))
		return -1;
	scene_quiet();
	TRY(c, kfd_queue_map_doorbell(&c->k, &c->sdma));
	NEED(c, !call_sdma_works(c), "doorbell");
	return 0;
}

ROW(doorbell_bo_rings, S_NO_JOB)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_sdma_works), "doorbell");
}

ROW(doorbell_mmap_anew, S_NO_JOB)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_doorbell_mmap), "doorbell");
}

/* --- restore onto swapped GPUs --- */

ROW(swap_sdma_job_finishes, S_NO_SIGNALS)
{
	START();
	MOVE(true);
	CHECK(!call(DST, call_finish_sdma_job), "SDMA job");
}

ROW(swap_aql_job_finishes, S_NO_SIGNALS)
{
	START();
	MOVE(true);
	CHECK(!call(DST, call_finish_aql_job), "AQL job");
}

ROW(swap_contents, S_NO_SIGNALS | S_NO_JOB)
{
	unsigned int i;

	START();
	MOVE(true);
	for (i = 0; i < NUM_BO; i++)
		if (scene_bo_kinds[i].pattern)
			CHECK(contents(s, DST, i), "contents");
}

ROW(swap_mapped_gpus_preserved, S_NO_SIGNALS | S_NO_JOB)
{
	START();
	MOVE(true);
	CHECK(!call(DST, call_mapped_sets), "mappings");
}

ROW(swap_vram_not_reachable_from_other_gpu, S_NO_SIGNALS | S_NO_JOB)
{
	no_access_row(s, BO_VRAM_A, GPU_B, true, false);
}

ROW(swap_fault_raises_memory_event, S_NO_SIGNALS | S_NO_JOB)
{
	no_access_row(s, BO_GTT_B, GPU_A, true, true);
}

ROW(swap_vram_is_on_new_gpu, S_NO_SIGNALS | S_NO_JOB)
{
	long long before;

	START();
	before = vram_usage(SRC->pid, s->here.gpu[GPU_A].gpu_id);
	SETUP(before > 0 && before != vram_usage(SRC->pid, s->here.gpu[GPU_B].gpu_id),
	      "accounting");
	MOVE(true);
	CHECK(vram_usage(DST->pid, s->here.gpu[GPU_B].gpu_id) == before, "VRAM did not move");
}

ROW(swap_doorbell_bo_rings, S_NO_SIGNALS | S_NO_JOB)
{
	START();
	MOVE(true);
	CHECK(!call(DST, call_sdma_works), "doorbell");
}

static int call_end_sdma_queue(struct ctx *c)
{
	TRY(c, kfd_queue_destroy(&c->k, &c->sdma));
	return 0;
}

/* Without SDMA queues, partitions of a GPU can take each other's place. */
ROW(swap_partitions_of_compute_queue, S_NO_SIGNALS)
{
	REQUIRE(s->here.gpu[0].gfx_version == s->here.gpu[1].gfx_version &&
		s->here.gpu[0].partition != s->here.gpu[1].partition, "no partitions");
	START();
	CHECK(!call(SRC, call_end_sdma_queue) && !dump(s, SRC) && !reap(SRC), "dump");
	CHECK(!restore(s, SRC, DST, true) && !resume(s, DST), "restore");
	CHECK(!call(DST, call_finish_aql_job), "AQL job");
	CHECK(!call(DST, call_aql_works), "AQL queue");
}

/* By the offset that CREATE_QUEUE told the process, before it moved. */
ROW(swap_doorbell_mmap_anew, S_NO_SIGNALS | S_NO_JOB)
{
	START();
	MOVE(true);
	CHECK(!call(DST, call_doorbell_mmap), "doorbell");
}

ROW(swap_signal_events_fire, 0)
{
	START();
	MOVE(true);
	CHECK(!call(DST, call_finish_sdma_job), "SDMA job");
	CHECK(!call(DST, call_sdma_event), "event");
	CHECK(!reap(DST), "exit");
}

ROW(swap_and_back, S_NO_SIGNALS)
{
	START();
	MOVE(true);
	if (!moved(s, DST, THIRD, false))
		return;
	CHECK(!call(THIRD, call_finish_sdma_job), "SDMA job");
}

/* --- SVM --- */

static int svm_access(struct ctx *c, uint32_t gpu, uint32_t *type)
{
	struct kfd_ioctl_svm_attribute attr = {
		KFD_IOCTL_SVM_ATTR_ACCESS, c->k.gpu[gpu].gpu_id
	};
	int r = kfd_svm_get(&c->k, c->svm, BO_SIZE, &attr, 1);

	*type = attr.type;
	return r;
}

/* All that GET_ATTR tells, in one number. */
static int call_svm_hash(struct ctx *c)
{
	struct kfd_ioctl_svm_attribute attr[] = {
		{ KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, 0 }, { KFD_IOCTL_SVM_ATTR_SET_FLAGS, 0 },
		{ KFD_IOCTL_SVM_ATTR_CLR_FLAGS, 0 }, { KFD_IOCTL_SVM_ATTR_GRANULARITY, 0 },
	};
	uint32_t access_a, access_b;
	uint64_t h = 0;
	unsigned int i;

	TRY(c, kfd_svm_get(&c->k, c->svm, BO_SIZE, attr, 4));
	TRY(c, svm_access(c, GPU_A, &access_a));
	TRY(c, svm_access(c, GPU_B, &access_b));
	for (i = 0; i < 4; i++)
		h = h * 1000003 + attr[i].value;
	c->result = (h * 16 + access_a) * 16 + access_b;
	return 0;
}

static int call_svm_special(struct ctx *c)
{
	struct kfd_ioctl_svm_attribute attr[] = {
		{ KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, c->k.gpu[GPU_B].gpu_id },
		{ KFD_IOCTL_SVM_ATTR_NO_ACCESS, c->k.gpu[GPU_B].gpu_id },
		{ KFD_IOCTL_SVM_ATTR_ACCESS_IN_PLACE, c->k.gpu[GPU_A].gpu_id },
		{ KFD_IOCTL_SVM_ATTR_SET_FLAGS, KFD_IOCTL_SVM_FLAG_GPU_READ_MOSTLY },
		/* one that a new range has */
		{ KFD_IOCTL_SVM_ATTR_CLR_FLAGS, KFD_IOCTL_SVM_FLAG_COHERENT },
		{ KFD_IOCTL_SVM_ATTR_GRANULARITY, 5 },
	};

	TRY(c, call_svm_hash(c));
	c->arg[0] = c->result;
	TRY(c, kfd_svm_set(&c->k, c->svm, BO_SIZE, attr, ARRAY_SIZE(attr)));
	TRY(c, call_svm_hash(c));
	NEED(c, c->result != c->arg[0], "attributes do not stick");
	return 0;
}

ROW(svm_attributes_preserved, S_NO_JOB)
{
	uint64_t before;

	START();
	SETUP(!call(SRC, call_svm_special), "SVM");
	before = SRC->c.result;
	MOVE(false);
	CHECK(!call(DST, call_svm_hash), "SVM");
	CHECK(DST->c.result == before, "attributes differ");
}

/* Ids as the process knows them: the swap must not show. */
ROW(swap_svm_attributes_preserved, S_NO_SIGNALS | S_NO_JOB)
{
	uint64_t before;

	START();
	SETUP(!call(SRC, call_svm_special), "SVM");
	before = SRC->c.result;
	MOVE(true);
	CHECK(!call(DST, call_svm_hash), "SVM");
	CHECK(DST->c.result == before, "attributes differ");
}

static int call_svm_contents(struct ctx *c)
{
	unsigned int bad = scene_bad((void *)(uintptr_t)c->svm, HALF, SEED_SVM);

	NEED(c, !bad, "%u words differ in the SVM range", bad);
	return gpu_reads(c, &c->sdma, c->svm, SEED_SVM, "the SVM range");
}

ROW(contents_svm, S_NO_JOB)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_svm_contents), "SVM");
}

ROW(swap_contents_svm, S_NO_SIGNALS | S_NO_JOB)
{
	START();
	MOVE(true);
	CHECK(!call(DST, call_svm_contents), "SVM");
}

static int call_svm_to_gpu(struct ctx *c)
{
	TRY(c, kfd_svm_prefetch(&c->k, c->svm, BO_SIZE, c->k.gpu[GPU_A].gpu_id));
	return 0;
}

/* The driver leaves a range in system memory if a GPU has access that cannot reach the VRAM. */
static int call_svm_to_vram(struct ctx *c)
{
	struct kfd_ioctl_svm_attribute attr = {
		KFD_IOCTL_SVM_ATTR_NO_ACCESS, c->k.gpu[GPU_B].gpu_id
	};

	TRY(c, kfd_svm_set(&c->k, c->svm, BO_SIZE, &attr, 1));
	return call_svm_to_gpu(c);
}

static int call_svm_prefetch_location(struct ctx *c)
{
	struct kfd_ioctl_svm_attribute attr = { KFD_IOCTL_SVM_ATTR_PREFETCH_LOC, 0 };

	TRY(c, kfd_svm_get(&c->k, c->svm, BO_SIZE, &attr, 1));
	NEED(c, attr.value == c->k.gpu[GPU_A].gpu_id, "the range was sent to %#x", attr.value);
	return 0;
}

ROW(contents_svm_in_vram, S_NO_JOB)
{
	int pages = BO_SIZE / sysconf(_SC_PAGESIZE), n;

	START();
	SETUP(!call(SRC, call_svm_to_vram), "prefetch");
	n = pages_in_vram(SRC->pid, SRC->c.svm, BO_SIZE);
	REQUIRE(n == pages, "%d of %d pages go to VRAM", n, pages);
	MOVE(false);
	n = pages_in_vram(DST->pid, DST->c.svm, BO_SIZE);
	CHECK(n == pages, "%d of %d pages are in VRAM", n, pages);
	CHECK(!call(DST, call_svm_contents), "SVM");
}

ROW(svm_prefetch_location_preserved, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_svm_to_gpu) && !call(SRC, call_svm_prefetch_location), "prefetch");
	MOVE(false);
	CHECK(!call(DST, call_svm_prefetch_location), "SVM");
}

/* --- queues --- */

static int call_update_by_id(struct ctx *c)
{
	TRY(c, kfd_queue_update(&c->k, &c->sdma, 100, 3));
	TRY(c, kfd_queue_update(&c->k, &c->aql, 100, 3));
	return 0;
}

ROW(queue_ids_preserved, S_NO_JOB)
{
	START();
	MOVE(false);
	CHECK(!call(DST, call_update_by_id), "queues");
	CHECK(!call(DST, call_sdma_works), "after UPDATE_QUEUE");
}

static int call_stop_sdma(struct ctx *c)
{
	TRY(c, kfd_queue_update(&c->k, &c->sdma, 0, 7));
	return 0;
}

static int call_start_sdma(struct ctx *c)
{
	TRY(c, kfd_queue_update(&c->k, &c->sdma, 100, 7));
	return 0;
}

/* The process itself had stopped the queue; nobody else may start it. */
ROW(stopped_queue_stays_stopped, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_stop_sdma) && !call(SRC, call_sdma_stays), "queue of 0 percent");
	MOVE(false);
	CHECK(!call(DST, call_sdma_stays), "restored queue of 0 percent");
	CHECK(!call(DST, call_start_sdma) && !call(DST, call_sdma_works), "queue started again");
}

static int call_cu_mask(struct ctx *c)
{
	const uint32_t mask[1] = { 0x33 };

	TRY(c, kfd_queue_set_cu_mask(&c->k, &c->aql, mask, 32));
	return 0;
}

static int call_reshape_aql(struct ctx *c)
{
	/* an update of something else must not bring back all CUs */
	TRY(c, kfd_queue_update(&c->k, &c->aql, 100, 2));
	return 0;
}

ROW(cu_mask_preserved, S_NO_JOB)
{
	uint32_t all[MQD_DWORDS], before[MQD_DWORDS], after[MQD_DWORDS];

	START();
	REQUIRE_HW(read_mqd(SRC->pid, all), "no debugfs of KFD");
	SETUP(!call(SRC, call_cu_mask) && read_mqd(SRC->pid, before), "CU mask");
	SETUP(memcmp(all + MQD_CU_MASK_SE0, before + MQD_CU_MASK_SE0, 8), "CU mask not seen");
	MOVE(false);
	SETUP(read_mqd(DST->pid, after), "debugfs");
	CHECK(!memcmp(after + MQD_CU_MASK_SE0, before + MQD_CU_MASK_SE0, 8),
	      "CU mask %#x became %#x", before[MQD_CU_MASK_SE0], after[MQD_CU_MASK_SE0]);
	CHECK(!call(DST, call_reshape_aql) && read_mqd(DST->pid, after), "update");
	CHECK(!memcmp(after + MQD_CU_MASK_SE0, before + MQD_CU_MASK_SE0, 8),
	      "CU mask lost by an update");
}

static int call_priority(struct ctx *c)
{
	TRY(c, kfd_queue_update(&c->k, &c->aql, 100, 15));
	return 0;
}

ROW(queue_priority_preserved, S_NO_JOB)
{
	uint32_t normal[MQD_DWORDS], before[MQD_DWORDS], after[MQD_DWORDS];

	START();
	REQUIRE_HW(read_mqd(SRC->pid, normal), "no debugfs of KFD");
	SETUP(!call(SRC, call_priority) && read_mqd(SRC->pid, before), "priority");
	SETUP(memcmp(normal + MQD_PIPE_PRIORITY, before + MQD_PIPE_PRIORITY, 8),
	      "priority not seen");
	MOVE(false);
	SETUP(read_mqd(DST->pid, after), "debugfs");
	CHECK(!memcmp(after + MQD_PIPE_PRIORITY, before + MQD_PIPE_PRIORITY, 8),
	      "priority %u/%u became %u/%u", before[MQD_PIPE_PRIORITY], before[MQD_QUEUE_PRIORITY],
	      after[MQD_PIPE_PRIORITY], after[MQD_QUEUE_PRIORITY]);
}

/* --- other process state --- */

/*
 * Where KFD keeps the addresses of the second-level trap handler, readable by
 * the GPU: behind the first page of the trap handler's, which is at the end of
 * the 48-bit address space, below what is reserved for CSA and seq64.
 */
#define TRAP_VA			(0ULL - 0x200000 - 0x200000 - 0x10000)
#define TRAP_TMA_VA		(TRAP_VA + 0x1000 + 0x800)
#define TBA			0x7654321000ULL
#define TMA			0x1234567000ULL

static int call_read_tma(struct ctx *c)
{
	sdma_copy(&c->sdma, cell_va(c, CELL_RESULT), TRAP_TMA_VA, 16);
	if (call_sdma_works(c))
		return -1;
	NEED(c, cell(c, CELL_RESULT)[0] == TBA && cell(c, CELL_RESULT)[1] == TMA,
	     "trap handler %#llx %#llx", (unsigned long long)cell(c, CELL_RESULT)[0],
	     (unsigned long long)cell(c, CELL_RESULT)[1]);
	return 0;
}

static int call_trap_handler(struct ctx *c)
{
	TRY(c, kfd_set_trap_handler(&c->k, GPU_A, TBA, TMA));
	return call_read_tma(c);
}

static int call_clear_result(struct ctx *c)
{
	memset((void *)cell(c, CELL_RESULT), 0, 16);
	return 0;
}

ROW(trap_handler_preserved, S_NO_JOB)
{
	START();
	REQUIRE_HW(!call(SRC, call_trap_handler), "the trap handler's page cannot be seen");
	SETUP(!call(SRC, call_clear_result), "clear");
	MOVE(false);
	CHECK(!call(DST, call_read_tma), "trap handler");
}

/* RUNTIME_ENABLE comes before the first queue, as in the HSA runtime. */
static int call_build_runtime(struct ctx *c)
{
	TRY(c, kfd_open_all(&c->k));
	TRY(c, kfd_runtime_enable(&c->k, 0x1000, false));
	return call_build_objects(c);
}

static int call_runtime_again(struct ctx *c)
{
	int r = kfd_runtime_enable(&c->k, 0x1000, false);

	NEED(c, r == -EBUSY, "the runtime is not enabled any more: %s", strerror(-r));
	return 0;
}

ROW(runtime_enable_preserved, S_NO_JOB)
{
	SETUP(!spawn(s, SRC) && !call(SRC, call_build_runtime), "runtime");
	SETUP(!call(SRC, call_runtime_again), "runtime");
	MOVE(false);
	CHECK(!call(DST, call_runtime_again), "runtime");
}

/* --- RESUME --- */

ROW(second_resume_refused, 0)
{
	int r;

	START();
	MOVE(false);
	r = resume(s, DST);
	CHECK(r == -EINVAL, "a second RESUME says %s", strerror(-r));
}

ROW(second_resume_harmless, S_NO_JOB | S_MEMFD)
{
	START();
	MOVE(false);
	/* the work of the first one has to be over */
	CHECK(!call(DST, call_sdma_works), "after RESUME");
	resume(s, DST);
	CHECK(!call(DST, call_sdma_works), "after a second RESUME");
	CHECK(!call(DST, call_userptr_remap), "remap");
}

ROW(resume_of_running_process_refused, S_NO_JOB)
{
	int r;

	START();
	r = resume(s, SRC);
	CHECK(r == -EINVAL, "RESUME of a process that was not restored says %s", strerror(-r));
}

ROW(resume_of_running_process_harmless, S_NO_JOB | S_MEMFD)
{
	START();
	SETUP(!call(SRC, call_sdma_works), "queue");
	resume(s, SRC);
	CHECK(!call(SRC, call_sdma_works), "after a refused RESUME");
	CHECK(!call(SRC, call_userptr_remap), "remap");
}

ROW(resume_of_process_without_kfd, 0)
{
	int r;

	SETUP(!spawn(s, SRC), "fork");
	r = resume(s, SRC);
	CHECK(r == -ESRCH, "RESUME: %s", strerror(-r));
}

static int call_open_kfd(struct ctx *c)
{
	TRY(c, kfd_open(&c->k));
	return 0;
}

ROW(resume_of_process_without_vm, 0)
{
	int r;

	SETUP(!spawn(s, SRC) && !call(SRC, call_open_kfd), "open");
	r = resume(s, SRC);
	CHECK(r == -EINVAL, "RESUME of a process without a VM says %s", strerror(-r));
}

/* An exit status that is no errno. */
#define NO_STRANGER		255

/* Someone with the capability alone, and no right to trace the target. */
ROW(resume_needs_ptrace_rights, 0)
{
	int status, fd, r;
	pid_t pid;

	START();
	CHECK(!dump(s, SRC) && !reap(SRC) && !restore(s, SRC, DST, false), "restore");
	pid = fork();
	if (!pid) {
		fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
		if (fd < 0 || drop_caps(CAP_CHECKPOINT_RESTORE))
			_exit(NO_STRANGER);
		_exit(-kfd_criu_resume(fd, DST->pid));
	}
	SETUP(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	      WEXITSTATUS(status) != NO_STRANGER, "the stranger");
	r = WEXITSTATUS(status);
	CHECK(r, "a stranger may resume the process");
	CHECK(r == EPERM, "RESUME by a stranger says %s", strerror(r));
	CHECK(!resume(s, DST), "RESUME by the right one");
	CHECK(!call(DST, call_finish_sdma_job), "SDMA job");
}

/* Restore with a hole where the memory of @va should be. */
static bool restored_with_hole(struct scene *s, uint64_t va)
{
	SRC->c.arg[1] = va;
	if (!dump(s, SRC) && !reap(SRC) && !restore(s, SRC, DST, false))
		return true;
	verdict = FAILED;
	return false;
}

ROW(resume_reports_missing_userptr_memory, S_NO_JOB)
{
	int r;

	START();
	if (!restored_with_hole(s, SCENE_VA(BO_UPTR_A)))
		return;
	r = resume(s, DST);
	CHECK(r, "RESUME succeeds with a user pointer to nothing");
	CHECK(r == -EFAULT, "RESUME with a user pointer to nothing says %s", strerror(-r));
}

ROW(queues_stopped_after_failed_resume, S_NO_JOB)
{
	int r;

	START();
	if (!restored_with_hole(s, SCENE_VA(BO_UPTR_A)))
		return;
	r = resume(s, DST);
	CHECK(!call(DST, call_sdma_stays), "user pointer to nothing");
	CHECK(r == -EFAULT, "RESUME with a user pointer to nothing says %s", strerror(-r));
}

static int protect_userptr(struct ctx *c, int prot)
{
	NEED(c, !mprotect((void *)(uintptr_t)c->bo[BO_UPTR_A].va, BO_SIZE, prot), "mprotect: %s",
	     strerror(errno));
	return 0;
}

static int call_protect_userptr(struct ctx *c)
{
	return protect_userptr(c, PROT_READ);
}

static int call_unprotect_userptr(struct ctx *c)
{
	return protect_userptr(c, PROT_READ | PROT_WRITE);
}

/* Memory that the GPU may not write to, below a BO that it may. */
ROW(resume_reports_readonly_userptr_memory, S_NO_JOB)
{
	int r;

	START();
	CHECK(!dump(s, SRC) && !reap(SRC) && !restore(s, SRC, DST, false), "restore");
	SETUP(!call(DST, call_protect_userptr), "memory");
	r = resume(s, DST);
	CHECK(r == -EFAULT, "RESUME over memory that is not for writing says %s", strerror(-r));
	CHECK(!call(DST, call_sdma_stays), "after a refused RESUME");
	SETUP(!call(DST, call_unprotect_userptr), "memory");
	CHECK(!resume(s, DST) && contents(s, DST, BO_UPTR_A), "RESUME with the memory in place");
}

static int call_give_memory_back(struct ctx *c)
{
	NEED(c, !munmap((void *)(uintptr_t)c->bo[BO_UPTR_AB].va, BO_SIZE), "munmap: %s",
	     strerror(errno));
	/* the queues stand still until the driver knows that there are no pages */
	return call_sdma_works(c);
}

static int call_fill_userptr(struct ctx *c)
{
	unsigned int i = c->arg[0];

	NEED(c, map_pages(c, c->bo[i].va, BO_SIZE, -1) != MAP_FAILED, "mmap: %s", strerror(errno));
	scene_fill((void *)(uintptr_t)c->bo[i].va, HALF, SEED_BO(i));
	return 0;
}

static int call_free_userptr(struct ctx *c)
{
	TRY(c, kfd_bo_destroy(&c->k, &c->bo[BO_UPTR_AB]));
	return 0;
}

/*
 * A process may give the memory below a user pointer back and go on.  So does its copy, and
 * yet RESUME misses the memory of another one.
 */
ROW(userptr_without_memory_resumes, S_NO_JOB)
{
	struct kfd_bo bo;
	int r;

	START();
	SETUP(!call(SRC, call_give_memory_back), "munmap");
	bo = SRC->c.bo[BO_UPTR_AB];
	/* there is nothing that CRIU could save */
	SRC->c.bo[BO_UPTR_AB].handle = 0;
	if (!restored_with_hole(s, SCENE_VA(BO_UPTR_A)))
		return;
	r = resume(s, DST);
	CHECK(r == -EFAULT, "RESUME with a hole that was none says %s", strerror(-r));
	DST->c.arg[0] = BO_UPTR_A;
	SETUP(!call(DST, call_fill_userptr), "memory");
	r = resume(s, DST);
	CHECK(!r, "RESUME without the memory that was given back says %s", strerror(-r));
	CHECK(!call(DST, call_sdma_works) && !call(DST, call_aql_works), "queues");
	CHECK(contents(s, DST, BO_UPTR_A), "the other user pointer");
	DST->c.bo[BO_UPTR_AB] = bo;
	CHECK(!call(DST, call_free_userptr), "the BO without memory");
}

#define GIVEN_VA	SCENE_VA(64)
#define FAULT_LOOK_MS	20

/* The pages live on in a file: what the GPU does to them can be seen. */
static int call_write_to_nothing(struct ctx *c)
{
	uint64_t end = scene_clock() + c->s->wait_ms;
	int fd = memfd_create("pages", MFD_CLOEXEC), r;
	volatile uint32_t *pages;
	struct kfd_event fault;
	struct kfd_bo bo;

	NEED(c, fd >= 0 && !ftruncate(fd, KFD_PAGE), "memfd: %s", strerror(errno));
	pages = mmap(NULL, KFD_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(c, pages != MAP_FAILED && map_pages(c, GIVEN_VA, KFD_PAGE, fd) != MAP_FAILED,
	     "mmap: %s", strerror(errno));
	close(fd);
	TRY(c, kfd_event_create(&c->k, &fault, KFD_IOC_EVENT_MEMORY, true, NULL));
	TRY(c, kfd_bo_create(&c->k, &bo, GPU_A, GIVEN_VA, KFD_PAGE, KFD_BO_USERPTR, ON_AB));
	sdma_fence(&c->sdma, GIVEN_VA, 1);
	kfd_queue_submit(&c->sdma);
	NEED(c, kfd_wait32(pages, 1, c->s->wait_ms), "the GPU does not write to a user pointer");
	/* the queues stand still until the driver knows that there are no pages */
	NEED(c, !munmap((void *)GIVEN_VA, KFD_PAGE), "munmap: %s", strerror(errno));
	sdma_fence(&c->sdma, GIVEN_VA, 2);
	kfd_queue_submit(&c->sdma);
	do {
		r = kfd_event_wait(&c->k, &fault, FAULT_LOOK_MS, NULL);
		NEED(c, pages[0] == 1, "the GPU writes to memory that was given back");
	} while (r == -ETIMEDOUT && scene_clock() < end);
	NEED(c, !r, "no fault: %s", strerror(-r));
	munmap((void *)pages, KFD_PAGE);
	return 0;
}

ROW(userptr_without_memory_faults, S_NO_JOB)
{
	START();
	CHECK(!call(SRC, call_write_to_nothing), "memory that was given back");
}

ROW(resume_reports_missing_svm_memory, S_NO_JOB)
{
	int r;

	START();
	if (!restored_with_hole(s, SCENE_VA(SLOT_SVM)))
		return;
	r = resume(s, DST);
	CHECK(r == -EFAULT, "RESUME with an SVM range over nothing says %s", strerror(-r));
}

static int call_fill_hole(struct ctx *c)
{
	NEED(c, map_pages(c, c->svm, BO_SIZE, -1) != MAP_FAILED, "mmap: %s", strerror(errno));
	scene_fill((void *)(uintptr_t)c->svm, HALF, SEED_SVM);
	return 0;
}

ROW(resume_retry_restores_svm, S_NO_JOB)
{
	uint64_t before;
	int r;

	START();
	SETUP(!call(SRC, call_svm_special), "SVM");
	before = SRC->c.result;
	if (!restored_with_hole(s, SCENE_VA(SLOT_SVM)))
		return;
	r = resume(s, DST);
	CHECK(r == -EFAULT, "RESUME with an SVM range over nothing says %s", strerror(-r));
	CHECK(!call(DST, call_fill_hole), "memory");
	CHECK(!resume(s, DST), "RESUME with the memory in place fails");
	CHECK(!call(DST, call_svm_hash), "the SVM range is lost");
	CHECK(DST->c.result == before, "the SVM range's attributes are lost");
}

/* --- RESTORE beside other processes --- */

/* A copy of a process that goes on living. */
ROW(restore_while_source_lives, 0)
{
	int fd;

	START();
	CHECK(!dump(s, SRC), "dump");
	CHECK(!restore(s, SRC, DST, false), "restore");
	CHECK(!resume(s, DST), "RESUME");
	CHECK(!call(DST, call_finish_sdma_job), "the copy's SDMA job");
	fd = kfd_steal_fd(SRC->pid, SRC->c.k.fd);
	CHECK(fd >= 0 && !kfd_criu_unpause(fd), "UNPAUSE");
	let_go(SRC, fd);
	CHECK(!call(SRC, call_finish_sdma_job), "the original's SDMA job");
}

ROW(restore_fds_close_on_exec, 0)
{
	unsigned int i;
	int flags;

	START();
	SETUP(!dump(s, SRC) && !reap(SRC), "dump");
	/* in the test's own process: it has no KFD VM of its own */
	{
		const unsigned int remap[KFD_MAX_GPUS] = { 0, 1, 2, 3, 4, 5, 6, 7 };
		struct kfd k;
		int r = kfd_criu_restore(&k, &s->img, remap);

		CHECK(!r, "RESTORE: %s", strerror(-r));
		for (i = 0; i < s->img.info.num_bos; i++) {
			if (s->img.bos[i].dmabuf_fd == (uint32_t)-1)
				continue;
			flags = fcntl(s->img.bos[i].dmabuf_fd, F_GETFD);
			close(s->img.bos[i].dmabuf_fd);
			CHECK(flags >= 0 && flags & FD_CLOEXEC, "a dma-buf fd survives exec");
		}
		kfd_close(&k);
	}
}

TEST_HARNESS_MAIN
