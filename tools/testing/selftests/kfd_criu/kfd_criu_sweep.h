/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sweeps: an operation is tried on a process with everything while the first
 * thing that it needs fails, then the second, and so on until nothing is left
 * that could fail.  What it is that fails is the program's, see struct injector.
 *
 * After an attempt that is refused the process is what it was and nothing of
 * the attempt is left.  One that succeeds all the same, because there was
 * another way, has the effect that it has without a failure.
 *
 * A whole sweep takes long on an emulated machine.  Without KFD_CRIU_SOAK=1 in
 * the environment each row tries the first few, the last one, and then, by
 * a stride that soon comes by near everywhere, as many as there is time for; and
 * says how many that were.  KFD_CRIU_SWEEP=<n> tries that one alone.
 */
#ifndef KFD_CRIU_SWEEP_H
#define KFD_CRIU_SWEEP_H

#include "kfd_criu_fresh.h"

/* One that does not come. */
#define NEVER			1000000000u
#define MAX_KINDS		8
/* So many from the first on are tried in any case. */
#define HEAD			12
/* After so many defects a row has said enough. */
#define MAX_BAD			8
/* Each so many attempts also what takes long to look at. */
#define CLOSE_LOOK		16
/* So many looks until a GPU that is slow has written down how far its queues are. */
#define RESTS			25
/* What an attempt had is given back by workers and fences. */
#define REST_MS			5000u

/**
 * struct injector - what makes things fail
 * @what: a name for one failure
 * @kinds: names of the kinds of failures
 * @arm: let the @n-th thing fail that the calling thread asks for
 * @disarm: none any more; how many things were @left until the one that was to
 *	fail, 0 if it did, of which @kind it was
 * @fits: may the operation say @err after such a failure?
 * @late: did the failure come when all was done, so that only the caller does
 *	not know?
 * @harms: does the process lose something by such a failure, by design?  Then it
 *	only has to be gone without a trace
 * @loud: have the kernel's log say where each failure comes
 *
 * @arm and @disarm give 0 or a negative errno.
 */
struct injector {
	const char *what;
	const char *kinds[MAX_KINDS];
	int (*arm)(unsigned int n);
	int (*disarm)(unsigned int *left, unsigned int *kind);
	bool (*fits)(unsigned int kind, int err);
	bool (*late)(unsigned int kind, int err);
	bool (*harms)(unsigned int kind);
	void (*loud)(bool on);
};

static struct injector injector;

/**
 * struct sweep_op - an operation in its sweep
 * @name: for messages
 * @last: the last thing that is of interest, 0: all are
 * @ready: a process to try it on, the one of the last time if that has not changed
 * @attempt: try it; the result is in @attempt
 * @unchanged: after a refusal; @closely: look at what takes long, too
 * @done: after success: the effect is there; what comes next has to be ready()
 */
struct sweep_op {
	const char *name;
	unsigned int last;
	bool (*ready)(struct scene *s);
	bool (*attempt)(struct scene *s);
	bool (*unchanged)(struct scene *s, bool closely);
	bool (*done)(struct scene *s, bool closely);
};

/**
 * struct attempt - one attempt, in memory that all processes share
 * @n: which thing is to fail
 * @closely: look at what takes long, too
 * @err: what the operation said
 * @again: it was refused, then tried once more, and is done now
 * @left: how many things there still were before that one
 * @kind: what has failed, if @left is 0
 * @broken: the injector did not work
 * @source: what the process of the image knew of its GPUs
 */
struct attempt {
	unsigned int n;
	int err, broken;
	bool closely, again;
	unsigned int left, kind;
	struct kfd source;
};

/* What all rows together have done. */
struct sweep_sum {
	unsigned int kinds[MAX_KINDS];
	unsigned int attempts;
};

static struct attempt *attempt_now;
static struct sweep_sum *sweep_sum;

/* Before the harness forks. */
static void __attribute__((constructor)) sweep_share(void)
{
	void *p = mmap(NULL, KFD_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	attempt_now = p;
	sweep_sum = (void *)(attempt_now + 1);
}

/* The name that the thread has meanwhile is in whatever report the kernel makes. */
static void sweep_try(const char *name, int fd, struct kfd_ioctl_criu_args *args, uint32_t op)
{
	struct attempt *a = attempt_now;
	char was[16], now[16];

	snprintf(now, sizeof(now), "%.8s.%u", name, a->n);
	prctl(PR_GET_NAME, was);
	prctl(PR_SET_NAME, now);
	args->op = op;
	a->broken = injector.arm(a->n);
	if (!a->broken) {
		a->err = ioctl(fd, AMDKFD_IOC_CRIU_OP, args) ? -errno : 0;
		a->broken = injector.disarm(&a->left, &a->kind);
	}
	prctl(PR_SET_NAME, was);
}

/* What the injector opens, it has opened from now on. */
static int sweep_begin(void)
{
	unsigned int left, kind;
	int r = injector.arm(NEVER);

	return r ? r : injector.disarm(&left, &kind);
}

/* --- what is looked at --- */

/**
 * struct look - how things were before an attempt
 * @text: of the process
 * @memory: of the GPUs
 * @img: what a checkpoint said
 * @moved: what a checkpoint said of the process that is restored
 * @fds: descriptors of the test itself
 * @has_memory: @memory is there; it stays for a new process of the same kind
 * @spare_works: the spare queue has been given something since @moved
 * @kfd: descriptor of the source's KFD
 */
static struct look {
	struct snap text, memory;
	struct kfd_image img, moved;
	unsigned int fds;
	bool has_memory, spare_works;
	int kfd;
} look;

static int look_at_memory(struct scene *s, struct snap *p)
{
	memset(p, 0, sizeof(*p));
	p->text = malloc(SNAP_SIZE);
	if (!p->text)
		return -ENOMEM;
	p->text[0] = 0;
	snap_memory(p, &s->here);
	return 0;
}

/* GPUs that nobody works on: twice the same, with some time in between. */
static bool memory_at_rest(struct scene *s, struct snap *p)
{
	uint64_t end = scene_clock() + REST_MS;
	struct snap again;
	char text[200];
	bool differs;

	if (look_at_memory(s, p))
		return false;
	do {
		scene_quiet();
		if (look_at_memory(s, &again))
			return false;
		differs = snap_differs(p, &again, false, text, sizeof(text));
		snap_drop(p);
		*p = again;
	} while (differs && scene_clock() < end);
	return !differs;
}

static bool memory_is_back(struct scene *s)
{
	uint64_t end = scene_clock() + REST_MS;
	struct snap now;
	char text[200];
	bool differs;

	for (;;) {
		if (look_at_memory(s, &now))
			return false;
		differs = snap_differs(&look.memory, &now, true, text, sizeof(text));
		/* when less is in use than was, that is what counts from now on */
		snap_drop(differs ? &now : &look.memory);
		if (!differs) {
			look.memory = now;
			return true;
		}
		if (scene_clock() > end)
			break;
		usleep(1000);
	}
	note(s, "memory: %s", text);
	return false;
}

/* Its MQDs are not among that: the hardware writes to them when it likes. */
static int look_at_process(struct proc *p, struct snap *snap)
{
	char path[64];

	memset(snap, 0, sizeof(*snap));
	snap->text = malloc(SNAP_SIZE);
	if (!snap->text)
		return -ENOMEM;
	snap->text[0] = 0;
	snap_descriptors(snap, p->pid);
	snap_maps(snap, p->pid);
	snprintf(path, sizeof(path), "/sys/devices/virtual/kfd/kfd/proc/%d", p->pid);
	snap_folder(snap, path);
	return 0;
}

static bool text_is_same(struct scene *s, struct proc *p)
{
	struct snap now;
	char text[200];
	bool differs;

	if (look_at_process(p, &now)) {
		note(s, "no second look");
		return false;
	}
	differs = snap_differs(&look.text, &now, false, text, sizeof(text));
	snap_drop(&now);
	if (differs)
		note(s, "%s", text);
	return !differs;
}

/* Checkpoint of a process that is traced, by the descriptor of its KFD, which then goes on. */
static int image_of(int fd, struct kfd_image *img, bool unpause)
{
	int r = kfd_criu_checkpoint(fd, img), r2 = 0;
	uint32_t i;

	for (i = 0; !r && i < img->info.num_bos; i++)
		if (img->bos[i].dmabuf_fd != (uint32_t)-1)
			close(img->bos[i].dmabuf_fd);
	if (unpause)
		r2 = kfd_criu_unpause(fd);
	if (!r && r2)
		kfd_image_free(img);
	return r ? r : r2;
}

/* What a checkpoint says of queues that have come as far as they will. */
static bool image_at_rest(int fd, struct kfd_image *img)
{
	unsigned int i;

	for (i = 0; i < RESTS; i++) {
		if (i)
			kfd_image_free(img);
		if (image_of(fd, img, true))
			return false;
		scene_quiet();
	}
	return true;
}

/* An event by which a process was told something is another one afterwards. */
static void forget_events(struct kfd_image *img)
{
	uint8_t *rec = img_is_v2(img) ? img_record(img, IMG_EVENTS, 0) : NULL;

	if (rec)
		memset(rec + REC_HEADER, 0, img_get32(rec + REC_SIZE));
}

#define ANY_QUEUE		UINT32_MAX

/* How far a queue is, or how far all are, as of a process that is just like another one. */
static void forget_progress(struct kfd_image *img, uint32_t queue)
{
	uint8_t *rec, *q;
	uint32_t n;

	for (n = 0; img_is_v2(img) && (rec = img_record(img, IMG_QUEUE, n)); n++) {
		q = rec + REC_HEADER;
		if (queue == ANY_QUEUE || queue == img_get32(q + Q_ID))
			memset(q + Q_SIZE, 0, img_get32(rec + REC_SIZE) - Q_SIZE);
	}
}

/*
 * Is a checkpoint what @was was, but for the events if it has been @told something?  A
 * GPU knows how far a queue is when it has looked at it, so that one that runs again in
 * between may take some time.
 */
static bool image_is(struct scene *s, int fd, const struct kfd_image *was, bool unpause, bool told)
{
	uint64_t end = scene_clock() + REST_MS;
	struct kfd_image now, then;
	char text[160];
	bool same;
	int r;

	for (;;) {
		r = image_of(fd, &now, unpause);
		if (r) {
			note(s, "a checkpoint afterwards: %s", strerror(-r));
			return false;
		}
		if (!img_copy(&then, was)) {
			kfd_image_free(&now);
			note(s, "no memory for an image");
			return false;
		}
		if (told) {
			forget_events(&then);
			forget_events(&now);
		}
		if (look.spare_works) {
			forget_progress(&then, DST->c.spare.id);
			forget_progress(&now, DST->c.spare.id);
		}
		same = img_same(&then, &now, text, sizeof(text));
		img_drop(&then);
		kfd_image_free(&now);
		if (same || !unpause || scene_clock() > end)
			break;
		scene_quiet();
	}
	if (!same)
		note(s, "image: %s", text);
	return same;
}

static bool image_is_same(struct scene *s, int fd, bool unpause)
{
	return image_is(s, fd, &look.img, unpause, false);
}

/* No process any more, and nothing known of one. */
static void look_away(struct scene *s)
{
	unsigned int i;

	if (look.kfd >= 0)
		close(look.kfd);
	look.kfd = -1;
	for (i = 0; i < 3; i++)
		reap(&s->p[i]);
	snap_drop(&look.text);
	if (look.img.bos)
		kfd_image_free(&look.img);
}

static bool own_fds(struct scene *s)
{
	unsigned int n = open_fds();

	if (n == look.fds)
		return true;
	note(s, "%d descriptors of the caller", (int)(n - look.fds));
	return false;
}

/* --- the process with everything, and queues of both GPUs that have nothing to do --- */

static int call_build_idle_queues(struct ctx *c)
{
	TRY(c, kfd_queue_create(&c->k, &c->other, KFD_Q_PM4, GPU_A, SCENE_VA(SLOT_PM4)));
	TRY(c, kfd_queue_create(&c->k, &c->spare, KFD_Q_SDMA, GPU_B, SCENE_VA(SLOT_SDMA_B)));
	use_doorbell_bo(c, &c->other);
	use_doorbell_bo(c, &c->spare);
	return 0;
}

static int call_build_everything(struct ctx *c)
{
	TRY(c, kfd_open_all(&c->k));
	TRY(c, kfd_event_create(&c->k, &c->hw, KFD_IOC_EVENT_HW_EXCEPTION, false, NULL));
	return call_build_objects(c) ? -1 : call_build_idle_queues(c);
}

static int call_queues_run(struct ctx *c)
{
	pm4_release_mem(&c->other, cell_va(c, CELL_FENCE_B), ++c->fence, 0);
	sdma_fence(&c->spare, cell_va(c, CELL_FENCE), c->fence);
	kfd_queue_submit(&c->other);
	kfd_queue_submit(&c->spare);
	NEED(c, kfd_wait64((uint64_t *)cell(c, CELL_FENCE_B), c->fence, c->s->wait_ms),
	     "the queues of GPU A do not run");
	NEED(c, kfd_wait32(cell32(c, CELL_FENCE), c->fence, c->s->wait_ms),
	     "the queues of GPU B do not run");
	return 0;
}

/*
 * Somebody else on the same GPUs, who has nothing to do with all this.  His queues are
 * why a scheduler has to be told what is left whenever others stop.
 */
static int call_build_bystander(struct ctx *c)
{
	TRY(c, kfd_open_all(&c->k));
	if (make_bo(c, BO_CELL) || make_bo(c, BO_DOORBELL_A) || make_bo(c, BO_DOORBELL_B))
		return -1;
	return call_build_idle_queues(c);
}

static bool bystander_ready(struct scene *s)
{
	return THIRD->pid || (!spawn(s, THIRD) && !call(THIRD, call_build_bystander));
}

/* The process goes on for a moment, and its queues with it. */
static bool queues_run(struct scene *s)
{
	int r;

	if (kfd_release(SRC->pid))
		return false;
	r = call(SRC, call_queues_run);
	return !kfd_seize(SRC->pid) && !r;
}

static bool jobs_finish(struct scene *s, struct proc *p)
{
	return !call(p, call_queues_run) && !call(p, call_finish_sdma_job) &&
	       !call(p, call_finish_aql_job);
}

/* As things are now, they are to stay; of a process that is traced. */
static bool look_closely(struct scene *s, bool pause)
{
	snap_drop(&look.text);
	if (look.img.bos)
		kfd_image_free(&look.img);
	scene_quiet();
	if (image_of(look.kfd, &look.img, !pause) || look_at_process(SRC, &look.text)) {
		note(s, "cannot look at the process");
		return false;
	}
	look.fds = open_fds();
	return true;
}

static bool source_ready(struct scene *s, bool pause)
{
	if (SRC->pid)
		return true;
	if (!bystander_ready(s) || spawn(s, SRC) || call(SRC, call_build_everything))
		return false;
	look.kfd = grab(SRC);
	if (look.kfd < 0)
		return false;
	if (!look.has_memory && !memory_at_rest(s, &look.memory))
		return false;
	look.has_memory = true;
	return memory_is_back(s) && look_closely(s, pause);
}

/* --- PROCESS_INFO --- */

static bool info_ready(struct scene *s)
{
	return source_ready(s, false);
}

static bool info_attempt(struct scene *s)
{
	struct kfd_ioctl_criu_args args = { 0 };

	sweep_try("INFO", look.kfd, &args, KFD_CRIU_OP_PROCESS_INFO);
	return true;
}

/* It runs, as it did before. */
static bool source_runs(struct scene *s, bool closely)
{
	if (!own_fds(s) || !text_is_same(s, SRC) || !memory_is_back(s) ||
	    !image_is_same(s, look.kfd, true))
		return false;
	return !closely || (queues_run(s) && look_closely(s, false));
}

static bool info_done(struct scene *s, bool closely)
{
	struct kfd_ioctl_criu_args args = { 0 };
	int r;

	/* a second one says the same and does not count */
	r = kfd_criu_process_info(look.kfd, &args);
	if (r || args.num_bos != look.img.info.num_bos) {
		note(s, "second PROCESS_INFO: %s, %u BOs", strerror(-r), args.num_bos);
		return false;
	}
	r = kfd_criu_unpause(look.kfd);
	if (r) {
		note(s, "UNPAUSE: %s", strerror(-r));
		return false;
	}
	return source_runs(s, closely);
}

static bool info_unchanged(struct scene *s, bool closely)
{
	int r = kfd_criu_unpause(look.kfd);

	if (r != -EINVAL && !(!r && injector.late(attempt_now->kind, attempt_now->err))) {
		note(s, "UNPAUSE of a process that was not paused: %s", strerror(-r));
		return false;
	}
	return source_runs(s, closely);
}

/* --- CHECKPOINT --- */

static bool checkpoint_ready(struct scene *s)
{
	return source_ready(s, true);
}

/*
 * A process that nobody has looked at yet: the first checkpoint makes the dma-bufs of
 * its BOs, and they stay.  What another one said that is just like it is known.
 */
static bool unseen_ready(struct scene *s)
{
	struct kfd_ioctl_criu_args args;

	if (!look.img.bos && !source_ready(s, true))
		return false;
	close(look.kfd);
	look.kfd = -1;
	if (reap(SRC) || spawn(s, SRC) || call(SRC, call_build_everything))
		return false;
	look.kfd = grab(SRC);
	if (look.kfd < 0 || kfd_criu_process_info(look.kfd, &args))
		return false;
	snap_drop(&look.text);
	look.fds = open_fds();
	return !look_at_process(SRC, &look.text) && memory_is_back(s);
}

/* Buffers of a checkpoint; they live for one attempt. */
static struct kfd_image taken;

#define UNTOUCHED	0xa5

static void fill_buffers(void)
{
	const struct kfd_ioctl_criu_args *args = &taken.info;

	memset(taken.devices, UNTOUCHED, args->num_devices * sizeof(*taken.devices));
	memset(taken.bos, UNTOUCHED, args->num_bos * sizeof(*taken.bos));
	memset(taken.priv, UNTOUCHED, args->priv_data_size);
}

static void take_checkpoint(void)
{
	struct kfd_ioctl_criu_args args = taken.info;

	args.devices = (uintptr_t)taken.devices;
	args.bos = (uintptr_t)taken.bos;
	args.priv_data = (uintptr_t)taken.priv;
	sweep_try("CHECKPOINT", look.kfd, &args, KFD_CRIU_OP_CHECKPOINT);
}

static bool checkpoint_attempt(struct scene *s)
{
	if (!img_copy(&taken, &look.img))
		return false;
	fill_buffers();
	take_checkpoint();
	return true;
}

static bool untouched(const void *p, size_t size)
{
	const uint8_t *b = p;

	while (size && *b == UNTOUCHED) {
		b++;
		size--;
	}
	return !size;
}

static bool paused_still(struct scene *s, bool closely)
{
	int r;

	if (!own_fds(s) || !text_is_same(s, SRC) || !memory_is_back(s) ||
	    !image_is_same(s, look.kfd, false))
		return false;
	if (!closely)
		return true;
	r = kfd_criu_unpause(look.kfd);
	if (r) {
		note(s, "UNPAUSE: %s", strerror(-r));
		return false;
	}
	return queues_run(s) && look_closely(s, true);
}

static void close_taken(struct scene *s)
{
	uint32_t i;

	for (i = 0; i < taken.info.num_bos; i++)
		if (taken.bos[i].dmabuf_fd != (uint32_t)-1 && close(taken.bos[i].dmabuf_fd))
			note(s, "BO %u: descriptor %u does not exist", i, taken.bos[i].dmabuf_fd);
	img_drop(&taken);
}

static bool checkpoint_done(struct scene *s, bool closely)
{
	char text[160];

	if (!img_same(&look.img, &taken, text, sizeof(text)))
		note(s, "image: %s", text);
	close_taken(s);
	return !s->why[0] && paused_still(s, closely);
}

/* The caller has nothing of it, unless all was done when it failed. */
static bool nothing_taken(struct scene *s)
{
	struct kfd_ioctl_criu_args *info = &taken.info;

	if (open_fds() != look.fds && injector.late(attempt_now->kind, attempt_now->err)) {
		close_taken(s);
		return !s->why[0];
	}
	/* after EFAULT nothing is said about them */
	if (attempt_now->err != -EFAULT &&
	    (!untouched(taken.devices, info->num_devices * sizeof(*taken.devices)) ||
	     !untouched(taken.bos, info->num_bos * sizeof(*taken.bos)) ||
	     !untouched(taken.priv, info->priv_data_size)))
		note(s, "the caller's buffers were written to");
	img_drop(&taken);
	return !s->why[0];
}

static bool checkpoint_unchanged(struct scene *s, bool closely)
{
	return nothing_taken(s) && paused_still(s, closely);
}

/* The process is paused no longer, and not looked at once more. */
static bool unseen_still(struct scene *s)
{
	return own_fds(s) && text_is_same(s, SRC) && memory_is_back(s) &&
	       image_is_same(s, look.kfd, true) && queues_run(s);
}

static bool unseen_unchanged(struct scene *s, bool closely)
{
	return nothing_taken(s) && unseen_still(s);
}

static bool unseen_done(struct scene *s, bool closely)
{
	struct kfd_image was;
	char text[160];

	if (!img_copy(&was, &look.img))
		return false;
	forget_progress(&was, ANY_QUEUE);
	forget_progress(&taken, ANY_QUEUE);
	if (!img_same(&was, &taken, text, sizeof(text)))
		note(s, "image: %s", text);
	img_drop(&was);
	close_taken(s);
	return !s->why[0] && unseen_still(s);
}

/* The same for version 1, whose image is read by restore_v1_survives_faults only. */
static bool checkpoint_v1_attempt(struct scene *s)
{
	struct kfd_ioctl_criu_args args;
	bool ok;

	if (!write_version("1"))
		return false;
	ok = !kfd_criu_process_info(look.kfd, &args) && img_copy(&taken, &look.img);
	if (ok) {
		free(taken.priv);
		taken.priv = malloc(args.priv_data_size);
		taken.info = args;
		fill_buffers();
		take_checkpoint();
	}
	return write_version("2") && ok;
}

static bool checkpoint_v1_done(struct scene *s, bool closely)
{
	if (img_get32(taken.priv) != 1)
		note(s, "the image says version %u", img_get32(taken.priv));
	close_taken(s);
	return !s->why[0] && paused_still(s, closely);
}

/* --- UNPAUSE --- */

static bool unpause_ready(struct scene *s)
{
	struct kfd_ioctl_criu_args args;
	int r;

	if (!source_ready(s, false))
		return false;
	r = kfd_criu_process_info(look.kfd, &args);
	if (r)
		note(s, "PROCESS_INFO: %s", strerror(-r));
	return !r;
}

static bool unpause_attempt(struct scene *s)
{
	struct kfd_ioctl_criu_args args = { 0 };

	sweep_try("UNPAUSE", look.kfd, &args, KFD_CRIU_OP_UNPAUSE);
	return true;
}

static bool unpause_done(struct scene *s, bool closely)
{
	int r = kfd_criu_unpause(look.kfd);

	if (r != -EINVAL) {
		note(s, "UNPAUSE of a process that runs: %s", strerror(-r));
		return false;
	}
	return queues_run(s) && look_closely(s, false) && source_runs(s, false);
}

/* The pause is not over, and the next one ends it. */
static bool unpause_unchanged(struct scene *s, bool closely)
{
	int r = kfd_criu_unpause(look.kfd);

	if (r && !(r == -EINVAL && injector.late(attempt_now->kind, attempt_now->err))) {
		note(s, "second UNPAUSE: %s", strerror(-r));
		return false;
	}
	return unpause_done(s, closely);
}

/* --- RESTORE --- */

static int call_open_to_restore(struct ctx *c)
{
	attempt_now->source = c->k;
	if (call_open_fresh(c))
		return -1;
	TRY(c, sweep_begin());
	return 0;
}

/*
 * On render nodes of its own: what the page tables of a node have grown by goes with
 * the node.  Now and then the same nodes have to do once more at once; and when all may
 * have been done before the failure, that tells.
 */
static int call_try_restore(struct ctx *c)
{
	struct attempt *a = attempt_now;
	struct kfd_ioctl_criu_args args;
	struct kfd k;
	bool late;

	TRY(c, kfd_criu_restore_open(&k, &c->s->img, straight));
	kfd_criu_restore_args(&c->s->img, &args);
	sweep_try("RESTORE", k.fd, &args, KFD_CRIU_OP_RESTORE);
	late = a->err && injector.late(a->kind, a->err);
	a->again = a->err && (a->closely || late);
	if (a->again && ioctl(k.fd, AMDKFD_IOC_CRIU_OP, &args) && !(late && errno == EBUSY)) {
		note(c->s, "once more on the same nodes: %s", strerror(errno));
		kfd_close(&k);
		return -1;
	}
	if (a->err && !a->again) {
		kfd_close(&k);
		return 0;
	}
	close(c->k.fd);
	c->k = k;
	kfd_criu_restore_done(&c->k);
	return 0;
}

static int call_restored(struct ctx *c)
{
	keep_apertures(&c->k, &attempt_now->source);
	return restore_memory(c);
}

/* An image with contents, once; its source is gone then. */
static bool image_ready(struct scene *s, bool v1)
{
	bool ok;
	int fd;

	if (s->img.bos)
		return true;
	if (spawn(s, SRC) || call(SRC, call_build_everything))
		return false;
	fd = grab(SRC);
	if (fd < 0)
		return false;
	scene_quiet();
	/* version 1 loses something: there, the first restored process says what comes of it */
	ok = v1 || !image_of(fd, &look.moved, true);
	let_go(SRC, fd);
	if (v1 && !write_version("1"))
		return false;
	ok = ok && !dump(s, SRC);
	if (v1)
		write_version("2");
	return !reap(SRC) && ok;
}

static bool fresh_image(struct scene *s, bool first)
{
	int fd = grab(DST), r = 0;

	if (fd < 0)
		return false;
	if (first)
		r = image_of(fd, &look.img, true);
	else
		image_is_same(s, fd, true);
	let_go(DST, fd);
	if (r)
		note(s, "a checkpoint of a fresh process: %s", strerror(-r));
	return !s->why[0];
}

/* A process that has opened /dev/kfd, and that is all. */
static bool fresh_ready_for(struct scene *s, bool v1)
{
	if (DST->pid)
		return true;
	if (!bystander_ready(s) || !image_ready(s, v1) || spawn(s, DST))
		return false;
	DST->c = SRC->c;
	if (call(DST, call_open_to_restore))
		return false;
	if (!look.has_memory && !memory_at_rest(s, &look.memory))
		return false;
	look.has_memory = true;
	/* that includes what all processes before have had */
	if (!memory_is_back(s))
		return false;
	snap_drop(&look.text);
	if (look_at_process(DST, &look.text))
		return false;
	look.fds = open_fds();
	/* of one of them also what a checkpoint says, the next ones have to say the same */
	return look.img.bos || fresh_image(s, true);
}

static bool fresh_ready(struct scene *s)
{
	return fresh_ready_for(s, false);
}

static bool restore_v1_ready(struct scene *s)
{
	return fresh_ready_for(s, true);
}

static bool restore_attempt(struct scene *s)
{
	return !call(DST, call_try_restore);
}

/*
 * The restored process is the source, but for its events if it has been told of
 * a RESUME that failed; and goes.
 */
static bool moved_here(struct scene *s, bool told, bool closely)
{
	int fd = grab(DST);
	bool same;

	if (fd < 0)
		return false;
	if (look.moved.bos)
		same = image_is(s, fd, &look.moved, true, told);
	else
		same = image_at_rest(fd, &look.moved);
	let_go(DST, fd);
	return same && (!closely || jobs_finish(s, DST)) && !reap(DST);
}

static bool restore_done(struct scene *s, bool closely)
{
	int r;

	if (call(DST, call_restored))
		return false;
	r = resume(s, DST);
	if (r) {
		note(s, "RESUME: %s", strerror(-r));
		return false;
	}
	return moved_here(s, false, closely);
}

static bool restore_unchanged(struct scene *s, bool closely)
{
	if (attempt_now->again)
		return restore_done(s, closely);
	return own_fds(s) && text_is_same(s, DST) && memory_is_back(s) && fresh_image(s, false);
}

/* --- RESUME --- */

static bool restored_ready(struct scene *s)
{
	if (!fresh_ready(s))
		return false;
	attempt_now->n = NEVER;
	if (call(DST, call_try_restore) || attempt_now->err) {
		note(s, "RESTORE: %s", strerror(-attempt_now->err));
		return false;
	}
	return !call(DST, call_restored);
}

static bool resume_attempt(struct scene *s)
{
	struct kfd_ioctl_criu_args args = { .pid = DST->pid };
	int fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return false;
	sweep_try("RESUME", fd, &args, KFD_CRIU_OP_RESUME);
	close(fd);
	return true;
}

static bool resumed(struct scene *s, bool told, bool closely)
{
	int r = resume(s, DST);

	if (r != -EINVAL) {
		note(s, "RESUME of a process that runs: %s", strerror(-r));
		return false;
	}
	/* what is in the queues now would be in the image, too */
	return moved_here(s, told, closely);
}

static bool resume_done(struct scene *s, bool closely)
{
	return resumed(s, false, closely);
}

/* The process hears of it, if that is to be so, and its queues do not run. */
static int call_told_and_stopped(struct ctx *c)
{
	int r = kfd_event_wait(&c->k, &c->hw, 0, NULL);
	bool told = !r;

	NEED(c, told || r == -ETIMEDOUT, "hardware exception: %s", strerror(-r));
	NEED(c, told == c->arg[0], told ? "a hardware exception, though RESUME may be tried again" :
					  "no hardware exception");
	sdma_fence(&c->spare, cell_va(c, CELL_FENCE), ++c->fence);
	kfd_queue_submit(&c->spare);
	if (machine_turns(c))
		return -1;
	NEED(c, *cell32(c, CELL_FENCE) != c->fence, "a queue runs after a RESUME that was refused");
	return 0;
}

static int call_spare_catches_up(struct ctx *c)
{
	NEED(c, kfd_wait32(cell32(c, CELL_FENCE), c->fence, c->s->wait_ms),
	     "work that was submitted before the second RESUME is lost");
	return 0;
}

/* Ranges of the first attempt may exist; what counts is that another one completes it. */
static bool resume_unchanged(struct scene *s, bool closely)
{
	struct kfd_ioctl_criu_args args;
	int fd, r;

	fd = grab(DST);
	if (fd < 0)
		return false;
	r = kfd_criu_process_info(fd, &args);
	if (!r)
		kfd_criu_unpause(fd);
	let_go(DST, fd);
	if (!r && injector.late(attempt_now->kind, attempt_now->err))
		return resume_done(s, closely);
	if (r != -EBUSY) {
		note(s, "PROCESS_INFO of a process that waits for RESUME: %s", strerror(-r));
		return false;
	}
	/* whoever has no memory at the moment is to try again, and nobody else hears of it */
	DST->c.arg[0] = attempt_now->err != -ENOMEM && attempt_now->err != -EAGAIN &&
			attempt_now->err != -EINTR;
	if (closely && call(DST, call_told_and_stopped))
		return false;
	r = resume(s, DST);
	if (r) {
		note(s, "second RESUME: %s", strerror(-r));
		return false;
	}
	if (closely && call(DST, call_spare_catches_up))
		return false;
	look.spare_works = closely;
	return resumed(s, true, closely);
}

static const struct sweep_op sweep_ops[] = {
	[KFD_CRIU_OP_PROCESS_INFO] = {
		.name = "PROCESS_INFO",
		.ready = info_ready,
		.attempt = info_attempt,
		.unchanged = info_unchanged,
		.done = info_done,
	},
	[KFD_CRIU_OP_CHECKPOINT] = {
		.name = "CHECKPOINT",
		.ready = checkpoint_ready,
		.attempt = checkpoint_attempt,
		.unchanged = checkpoint_unchanged,
		.done = checkpoint_done,
	},
	[KFD_CRIU_OP_UNPAUSE] = {
		.name = "UNPAUSE",
		.ready = unpause_ready,
		.attempt = unpause_attempt,
		.unchanged = unpause_unchanged,
		.done = unpause_done,
	},
	[KFD_CRIU_OP_RESTORE] = {
		.name = "RESTORE",
		.ready = fresh_ready,
		.attempt = restore_attempt,
		.unchanged = restore_unchanged,
		.done = restore_done,
	},
	[KFD_CRIU_OP_RESUME] = {
		.name = "RESUME",
		.ready = restored_ready,
		.attempt = resume_attempt,
		.unchanged = resume_unchanged,
		.done = resume_done,
	},
};

static const struct sweep_op sweep_first_checkpoint UNUSED = {
	.name = "first CHECKPOINT",
	.ready = unseen_ready,
	.attempt = checkpoint_attempt,
	.unchanged = unseen_unchanged,
	.done = unseen_done,
};

static const struct sweep_op sweep_checkpoint_v1 UNUSED = {
	.name = "CHECKPOINT of version 1",
	.ready = checkpoint_ready,
	.attempt = checkpoint_v1_attempt,
	.unchanged = checkpoint_unchanged,
	.done = checkpoint_v1_done,
};

/* What is behind the reading of the image is the same for all versions. */
static const struct sweep_op sweep_restore_v1 UNUSED = {
	.name = "RESTORE of version 1",
	.last = 40,
	.ready = restore_v1_ready,
	.attempt = restore_attempt,
	.unchanged = restore_unchanged,
	.done = restore_done,
};

/* --- the sweep --- */

enum sweep_result {
	SWEEP_DONE,		/* there was another way */
	SWEEP_REFUSED,
	SWEEP_HARMED,		/* the process has lost something */
	SWEEP_NOTHING,		/* nothing has failed: there are not so many */
	SWEEP_BAD,
	SWEEP_LOST,		/* no attempt */
};

static enum sweep_result sweep_one(struct scene *s, const struct sweep_op *op, unsigned int n,
				   bool closely)
{
	struct attempt *a = attempt_now;

	if (!op->ready(s)) {
		note(s, "no process to try it on");
		return SWEEP_LOST;
	}
	a->n = n;
	a->closely = closely;
	look.spare_works = false;
	if (!op->attempt(s) || a->broken) {
		note(s, "no attempt: %s", strerror(-a->broken));
		return SWEEP_LOST;
	}
	sweep_sum->attempts++;
	if (!a->left)
		sweep_sum->kinds[a->kind]++;
	if (!a->left && injector.harms(a->kind)) {
		look_away(s);
		return SWEEP_HARMED;
	}
	if (call(THIRD, call_queues_run)) {
		note(s, "somebody else's queues do not run");
		return SWEEP_BAD;
	}
	if (!a->err) {
		if (!op->done(s, closely))
			return SWEEP_BAD;
		return a->left ? SWEEP_NOTHING : SWEEP_DONE;
	}
	if (a->left || !injector.fits(a->kind, a->err)) {
		note(s, "the wrong error");
		return SWEEP_BAD;
	}
	return op->unchanged(s, closely) ? SWEEP_REFUSED : SWEEP_BAD;
}

static unsigned int sweep_number(const char *name)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 0) : 0;
}

static void sweep_say(struct scene *s, const struct sweep_op *op, unsigned int n)
{
	const struct attempt *a = attempt_now;

	printf("# %s, %s %u (%s), %s: %s\n", op->name, injector.what, n,
	       a->left ? "did not come" : injector.kinds[a->kind],
	       a->err ? strerror(-a->err) : "success", s->why);
	fflush(stdout);
}

/* Once more, for the log, and with another process. */
static void sweep_again(struct scene *s, const struct sweep_op *op, unsigned int n)
{
	look_away(s);
	s->why[0] = 0;
	injector.loud(true);
	sweep_one(s, op, n, true);
	injector.loud(false);
	look_away(s);
	s->why[0] = 0;
}

/**
 * struct sweep - a sweep under way
 * @op: of what
 * @counts: how the attempts ended
 * @tried: how many attempts
 * @bad: how many defects
 * @why: the first one
 */
struct sweep {
	const struct sweep_op *op;
	unsigned int counts[SWEEP_LOST + 1];
	unsigned int tried, bad;
	char why[200];
};

/* False when there is no point in going on. */
static bool sweep_at(struct scene *s, struct sweep *w, unsigned int n, enum sweep_result *r)
{
	bool closely = ++w->tried % CLOSE_LOOK == 0 || sweep_number("KFD_CRIU_SWEEP");

	*r = sweep_one(s, w->op, n, closely);
	w->counts[*r]++;
	if (*r == SWEEP_BAD || *r == SWEEP_LOST) {
		sweep_say(s, w->op, n);
		if (!w->bad++)
			snprintf(w->why, sizeof(w->why), "%u: %.180s", n, s->why);
		sweep_again(s, w->op, n);
	}
	return w->bad < MAX_BAD;
}

/* All from @n on, to the first that does not come. */
static void sweep_all(struct scene *s, struct sweep *w, unsigned int n, unsigned int total)
{
	enum sweep_result r;

	do {
		if (!sweep_at(s, w, n, &r))
			return;
	} while (n++ < total || (r != SWEEP_NOTHING && !w->op->last));
}

static unsigned int common_factor(unsigned int a, unsigned int b)
{
	return b ? common_factor(b, a % b) : a;
}

/*
 * A part: the first, the last, and some between.  Not every attempt asks for as many
 * things as another one, so that the last one is looked for.
 */
static void sweep_part(struct scene *s, struct sweep *w, unsigned int total, uint64_t end)
{
	unsigned int n, m, i, stride;
	enum sweep_result r;

	for (n = 1; n <= HEAD && n <= total; n++)
		if (!sweep_at(s, w, n, &r))
			return;
	for (n = total; n > HEAD; n--) {
		if (!sweep_at(s, w, n, &r))
			return;
		if (r != SWEEP_NOTHING)
			break;
	}
	if (n <= HEAD + 1)
		return;
	m = n - 1 - HEAD;
	for (stride = m * 618ULL / 1000 + 1; common_factor(stride, m) > 1; stride++)
		;
	for (i = 0; i < m && scene_clock() < end; i++)
		if (!sweep_at(s, w, HEAD + 1 + (uint64_t)i * stride % m, &r))
			return;
}

/**
 * sweep() - the body of a row
 * @s: scene
 * @op: of which operation
 * @must: kinds, as bits, of which there has to be one at least
 * @seconds: for a part of it
 */
static void sweep(struct scene *s, const struct sweep_op *op, unsigned int must,
		  unsigned int seconds)
{
	uint64_t start = scene_clock(), end = start + seconds * 1000ULL;
	unsigned int only = sweep_number("KFD_CRIU_SWEEP"), total, i;
	struct sweep_sum before = *sweep_sum;
	struct sweep w = { .op = op };
	enum sweep_result r;

	look.kfd = -1;
	SETUP(!sweep_begin(), "no %s can be made", injector.what);
	r = sweep_one(s, op, NEVER, true);
	SETUP(r != SWEEP_LOST, "no process");
	CHECK(r == SWEEP_NOTHING, "%s without any %s", op->name, injector.what);
	total = NEVER - attempt_now->left;
	if (op->last && op->last < total)
		total = op->last;

	if (only)
		sweep_at(s, &w, only, &r);
	else if (sweep_number("KFD_CRIU_SOAK"))
		sweep_all(s, &w, 1, total);
	else
		sweep_part(s, &w, total, end);
	printf("# TRIED: %s: %u of %u %ss in %llu s: ", op->name, w.tried, total,
	       injector.what, (unsigned long long)(scene_clock() - start) / 1000);
	for (i = 0; i < MAX_KINDS && injector.kinds[i]; i++)
		printf("%u %s, ", sweep_sum->kinds[i] - before.kinds[i], injector.kinds[i]);
	printf("%u refused, %u done another way", w.counts[SWEEP_REFUSED], w.counts[SWEEP_DONE]);
	if (w.counts[SWEEP_HARMED])
		printf(", %u with harm to the process", w.counts[SWEEP_HARMED]);
	printf("\n# all rows up to now:");
	for (i = 0; i < MAX_KINDS && injector.kinds[i]; i++)
		printf(" %u %s,", sweep_sum->kinds[i], injector.kinds[i]);
	printf(" in %u operations\n", sweep_sum->attempts);
	fflush(stdout);
	CHECK(!w.bad, "%s with %s %s", op->name, injector.what, w.why);
	for (i = 0; !only && i < MAX_KINDS; i++)
		CHECK(!(must & 1u << i) || sweep_sum->kinds[i] > before.kinds[i],
		      "%s: no %s of the kind %s", op->name, injector.what, injector.kinds[i]);
	CHECK(sweep_one(s, op, NEVER, true) == SWEEP_NOTHING, "%s after all of them", op->name);
	look_away(s);
}

#endif
