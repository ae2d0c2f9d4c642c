/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of kfd_criu_race.c: the reset of a GPU.
 *
 * The queues of a process that is there when a GPU is reset never run again, and what
 * they did is lost.  Operations say so, with EIO: there is no image of such a process,
 * and no process that looks restored and stands still.  An image from before is as good as
 * ever, and processes that come afterwards have nothing of it.
 *
 * Nobody wants a reset of a GPU that others use: KFD_CRIU_RESET=1 asks for it.
 */
#ifndef KFD_CRIU_RESET_RACE_H
#define KFD_CRIU_RESET_RACE_H

#include "kfd_reset.h"

static bool reset_wanted(struct scene *s)
{
	const char *wanted = getenv("KFD_CRIU_RESET");

	if (wanted && atoi(wanted))
		return true;
	verdict = UNFIT;
	note(s, "GPUs are reset with KFD_CRIU_RESET=1 only");
	return false;
}

/**
 * struct resetter - a thread that resets a GPU
 * @gpu: which one
 * @after: when this side has begun its first call, or, if it is the foe, from now on
 * @after_us: so much later
 * @result: how it went
 * @begun: it may be under way
 * @done: it has been
 */
struct resetter {
	const struct kfd_gpu *gpu;
	unsigned int after;
	uint32_t after_us;
	int result;
	bool begun, done;
	pthread_t thread;
};

static void *resetter_main(void *arg)
{
	uint64_t end = scene_clock() + 20000;
	struct resetter *r = arg;

	while (r->after != FOE && scene_clock() < end &&
	       !__atomic_load_n(&race->side[r->after].seq, __ATOMIC_SEQ_CST))
		usleep(50);
	usleep(r->after_us);
	__atomic_store_n(&r->begun, true, __ATOMIC_SEQ_CST);
	r->result = DO(FOE, gpu_reset(r->gpu));
	__atomic_store_n(&r->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static bool resetter_start(struct scene *s, struct resetter *r, unsigned int after,
			   uint32_t after_us)
{
	memset(r, 0, sizeof(*r));
	r->gpu = &s->here.gpu[race->rounds % 2];
	r->after = after;
	r->after_us = after_us;
	return !pthread_create(&r->thread, NULL, resetter_main, r);
}

static bool reset_begun(struct resetter *r)
{
	return __atomic_load_n(&r->begun, __ATOMIC_SEQ_CST);
}

static bool reset_done(struct resetter *r)
{
	return __atomic_load_n(&r->done, __ATOMIC_SEQ_CST);
}

static const int lost[] = { EIO, 0 };
static const int lost_or_not_paused[] = { EIO, EINVAL, 0 };

/* Success before the reset, EIO after it, and one of both in between. */
static void reset_says(struct scene *s, struct resetter *reset, bool over, const char *name, int r)
{
	CHECK(one_of(r, reset_begun(reset) ? lost : no_error), "%s: %s", name, strerror(-r));
	CHECK(!over || r == -EIO, "%s after a reset: %s", name, strerror(-r));
}

/* Operations one after another, until they have seen the reset from both sides. */
static void dump_until_reset(struct scene *s, int fd, struct resetter *reset)
{
	unsigned int after = 0;
	struct kfd_image img;
	bool over;
	int r;

	while (after < 2 && verdict == PASSED) {
		over = reset_done(reset);
		after += over;
		r = DO(US, kfd_criu_checkpoint(fd, &img));
		reset_says(s, reset, over, "CHECKPOINT", r);
		if (!r) {
			if (!image_good(&img))
				note(s, "an image that does not verify");
			close_dmabufs(&img);
			kfd_image_free(&img);
		}
		/* a pause from before the reset stays, one that was refused is none */
		r = DO(US, kfd_criu_unpause(fd));
		CHECK(one_of(r, reset_begun(reset) ? lost_or_not_paused : no_error), "UNPAUSE: %s",
		      strerror(-r));
		CHECK(!over || r, "UNPAUSE succeeds after a reset");
	}
}

RACE(dump_against_reset, S_NO_JOB)
{
	static struct resetter reset;
	uint32_t rng = race->seed;
	struct ctx then;
	int fd, r;

	if (!reset_wanted(s))
		return;
	while (verdict == PASSED && race_goes_on(s)) {
		START();
		then = SRC->c;
		if (dump(s, SRC)) {
			verdict = BROKEN;
			return;
		}
		/* as the one who has paused it, for the next dumper */
		kfd_release(SRC->pid);
		fd = grab(SRC);
		CHECK(fd >= 0, "no KFD fd from the target: %s", strerror(-fd));
		r = kfd_criu_unpause(fd);
		CHECK(!r, "UNPAUSE: %s", strerror(-r));
		SETUP(resetter_start(s, &reset, FOE, rnd(&rng) % 60000), "thread");
		dump_until_reset(s, fd, &reset);
		pthread_join(reset.thread, NULL);
		CHECK(!reset.result, "the reset: %s", strerror(-reset.result));
		let_go(SRC, fd);
		if (verdict != PASSED)
			return;
		CHECK(!call(SRC, call_sdma_stays), "the target's queues after a reset");
		CHECK(!call(SRC, call_bytes_right), "the target's bytes after a reset");
		CHECK(!reap(SRC), "KFD keeps a process that saw a reset");
		copy_is_good(s, &then);
	}
}

/* As long as there is a reset, nobody can open /dev/kfd. */
static int call_open_kfd(struct ctx *c)
{
	uint64_t end = scene_clock() + c->s->wait_ms;
	int fd;

	do {
		fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
	} while (fd < 0 && errno == EINVAL && scene_clock() < end);
	NEED(c, fd >= 0, "/dev/kfd: %s", strerror(errno));
	/* stays open: the process is one that was there */
	return 0;
}

/* RESTORE with a file of its own each time, until KFD can be opened. */
static int call_restore_in_reset(struct ctx *c)
{
	static const unsigned int straight[KFD_MAX_GPUS] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	uint64_t end = scene_clock() + c->s->wait_ms;
	uint32_t rng = rnd_of(US_TOO);
	struct kfd_ioctl_criu_args args;
	struct kfd before = c->k;
	int r;

	do {
		r = kfd_criu_restore_open(&c->k, &c->s->img, straight);
	} while (r == -EINVAL && scene_clock() < end);
	NEED(c, !r, "/dev/kfd and render nodes: %s", strerror(-r));
	kfd_criu_restore_args(&c->s->img, &args);
	dawdle(&rng);
	r = DO(US_TOO, ioctl(c->k.fd, AMDKFD_IOC_CRIU_OP, &args) ? -errno : 0);
	c->result = r;
	if (r) {
		kfd_close(&c->k);
		c->k = before;
		c->k.fd = -1;
		return 0;
	}
	kfd_criu_restore_done(&c->k);
	keep_apertures(&c->k, &before);
	return restore_memory(c);
}

RACE(restore_against_reset, 0)
{
	static struct resetter reset;
	uint32_t rng = race->seed, within_us = 20000;
	bool over;
	int fd, r, resumed = 0;

	if (!reset_wanted(s) || !restore_begin(s))
		return;
	/* before there is a reset, during which nobody can */
	fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
	SETUP(fd >= 0, "/dev/kfd: %s", strerror(errno));
	while (verdict == PASSED && race_goes_on(s)) {
		if (!fresh_copy(s))
			break;
		CHECK(!call(DST, call_open_kfd), "/dev/kfd");
		SETUP(resetter_start(s, &reset, US_TOO, rnd(&rng) % within_us), "thread");
		over = reset_done(&reset);
		r = call(DST, call_restore_in_reset);
		if (!r)
			reset_says(s, &reset, over, "RESTORE", DST->c.result);
		if (!r && !DST->c.result) {
			over = reset_done(&reset);
			resumed = DO(US, kfd_criu_resume(fd, DST->pid));
			reset_says(s, &reset, over, "RESUME", resumed);
		}
		/* half of them shall come so far */
		if (DST->c.result)
			within_us += within_us / 4;
		else if (!resumed)
			within_us -= within_us / 4;
		pthread_join(reset.thread, NULL);
		CHECK(!r && verdict == PASSED, "the copy that meets the reset");
		CHECK(!reset.result, "the reset: %s", strerror(-reset.result));
		CHECK(!reap(DST), "KFD keeps a process that saw a reset");
		/* and the next one has all of it */
		if (!fresh_copy(s))
			break;
		CHECK(!call(DST, call_restore_racing), "RESTORE after a reset");
		r = kfd_criu_resume(fd, DST->pid);
		CHECK(!r, "RESUME after a reset: %s", strerror(-r));
		copy_finishes(s);
	}
	close(fd);
}

#endif
