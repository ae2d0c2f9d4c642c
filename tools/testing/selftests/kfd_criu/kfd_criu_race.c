// SPDX-License-Identifier: GPL-2.0
/*
 * Races: each operation of checkpoint and restore while the target, or somebody
 * else, does what the operation is about.  A row is one such pair.
 *
 * A call may say that it could not, with one of the errors that the uapi
 * header has for it.  An image that was made is restored and compared, queues run
 * after UNPAUSE and RESUME, and nothing stays behind.  A row in which the
 * two sides did not meet has shown nothing and fails.
 *
 * KFD_CRIU_SEED repeats the delays of a run, KFD_CRIU_SOAK=1 makes it a long one.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <sys/stat.h>
#define ROW_SECONDS	1800
#define CRIU_ROWS	criu_race_rows
#include "kfd_criu_race.h"

#define MAX_ERRORS	8

/* --- foes: what a process does to itself --- */

struct foe;
typedef int (*foe_fn)(struct foe *f);

/**
 * struct foe - a thread of the target
 * @side: where its calls are counted
 * @k: as it sees KFD: through a file of its own until the process is restored
 * @settled: @k is the process' own
 * @va: addresses that are its own
 * @n: how many times it was through
 * @bo: what it keeps from one time to the next
 */
struct foe {
	struct ctx *c;
	foe_fn fn;
	const char *name;
	unsigned int side;
	struct kfd k;
	bool settled;
	uint64_t va;
	uint32_t rng, n;
	struct kfd_bo bo;
	pthread_t thread;
};

static struct foe foes[FOES];

#define FOE_PAGES	16
#define FOE_SIZE	(FOE_PAGES * KFD_PAGE)
/* Words of BO_CELL that are a foe's. */
#define FOE_CELL(f)	(4096 + (f)->side * 64)

static void *foe_page(struct foe *f, unsigned int i)
{
	return (void *)(uintptr_t)(f->va + i * KFD_PAGE);
}

static int foe_bos(struct foe *f)
{
	static const uint32_t flags[] = { KFD_BO_VRAM, KFD_BO_GTT, KFD_BO_USERPTR };
	uint32_t kind = flags[f->n % ARRAY_SIZE(flags)], bad;
	uint64_t size = (1 + rnd(&f->rng) % FOE_PAGES) * KFD_PAGE;
	struct kfd_bo bo;
	int r, r2;

	if (kind == KFD_BO_USERPTR)
		map_pages(f->c, f->va, size, -1);
	r = DO(f->side, kfd_bo_alloc(&f->k, &bo, f->n / 3 % 2, f->va, size, kind));
	if (r)
		return r;
	dawdle(&f->rng);
	r = DO(f->side, kfd_bo_map(&f->k, &bo, ON_AB));
	if (!r && !bo.cpu && f->settled)
		r = kfd_bo_mmap(&f->k, &bo);
	if (!r && bo.cpu)
		scene_fill(bo.cpu, size, f->n);
	dawdle(&f->rng);
	if (!r)
		r = DO(f->side, kfd_bo_unmap(&f->k, &bo, 1u << f->n % 2));
	if (!r && bo.cpu) {
		bad = scene_bad(bo.cpu, size, f->n);
		NEED(f->c, !bad, "%u words wrong in a BO that comes and goes", bad);
	}
	r2 = DO(f->side, kfd_bo_destroy(&f->k, &bo));
	return r ? r : r2;
}

/* True when the queue does what it is told. */
static bool foe_queue_runs(struct foe *f, struct kfd_queue *q)
{
	const uint64_t none[5] = { 0 };
	uint32_t value = 0xf0e00000u + f->n;
	unsigned int at = FOE_CELL(f);

	switch (q->kind) {
	case KFD_Q_SDMA:
		sdma_fence(q, cell_va(f->c, at), value);
		break;
	case KFD_Q_PM4:
		pm4_write_data(q, cell_va(f->c, at), &value, 1);
		break;
	case KFD_Q_AQL:
		hsa_signal_init((void *)(uintptr_t)cell_va(f->c, at + 8), 1, NULL, NULL);
		aql_barrier_and(q, none, cell_va(f->c, at + 8));
		break;
	}
	kfd_queue_submit(q);
	if (q->kind == KFD_Q_AQL)
		return kfd_wait64(cell(f->c, at + 9), 0, f->c->s->wait_ms);
	return kfd_wait32(cell32(f->c, at), value, f->c->s->wait_ms);
}

static int foe_queues(struct foe *f)
{
	struct kfd_queue q = f->c->sdma;
	int r, r2;

	/* one of the restored process, with the values that it has */
	if (!f->settled)
		return DO(f->side, kfd_queue_update(&f->k, &q, 100, 7));
	r = DO(f->side, kfd_queue_create(&f->k, &q, f->n % 3, f->n / 3 % 2, f->va));
	if (r)
		return r;
	dawdle(&f->rng);
	r = DO(f->side, kfd_queue_update(&f->k, &q, 0, rnd(&f->rng) % 16));
	dawdle(&f->rng);
	if (!r)
		r = DO(f->side, kfd_queue_update(&f->k, &q, 100, rnd(&f->rng) % 16));
	if (!r && f->n & 1)
		NEED(f->c, foe_queue_runs(f, &q), "a new queue of kind %d does not run", q.kind);
	r2 = DO(f->side, kfd_queue_destroy(&f->k, &q));
	if (q.doorbell_page)
		munmap(q.doorbell_page, 8192);
	return r ? r : r2;
}

static int foe_events(struct foe *f)
{
	uint32_t type = f->settled ? KFD_IOC_EVENT_SIGNAL : KFD_IOC_EVENT_MEMORY;
	struct kfd_event e;
	int r, r2;

	r = DO(f->side, kfd_event_create(&f->k, &e, type, true, NULL));
	if (r)
		return r;
	dawdle(&f->rng);
	if (type == KFD_IOC_EVENT_SIGNAL) {
		r = kfd_event_wait(&f->k, &e, 1, NULL);
		NEED(f->c, r == -ETIMEDOUT, "an event that did not happen: %d", r);
		r = DO(f->side, kfd_event_set(&f->k, &e));
		if (!r)
			r = DO(f->side, kfd_event_wait(&f->k, &e, f->c->s->wait_ms, NULL));
	}
	r2 = DO(f->side, kfd_event_destroy(&f->k, &e));
	return r ? r : r2;
}

static int foe_svm_set(struct foe *f, unsigned int page, unsigned int pages, uint32_t type,
		       uint32_t value)
{
	struct kfd_ioctl_svm_attribute attr = { type, value };

	return DO(f->side, kfd_svm_set(&f->k, f->va + page * KFD_PAGE, pages * KFD_PAGE, &attr, 1));
}

/* A range in FOE_PAGES of the foe, with access for both GPUs. */
static int foe_range(struct foe *f)
{
	struct kfd_ioctl_svm_attribute attr[] = {
		{ KFD_IOCTL_SVM_ATTR_ACCESS, f->k.gpu[GPU_A].gpu_id },
		{ KFD_IOCTL_SVM_ATTR_ACCESS, f->k.gpu[GPU_B].gpu_id },
		{ KFD_IOCTL_SVM_ATTR_SET_FLAGS, KFD_IOCTL_SVM_FLAG_COHERENT },
	};

	if (map_pages(f->c, f->va, FOE_SIZE, -1) == MAP_FAILED)
		return -errno;
	return DO(f->side, kfd_svm_set(&f->k, f->va, FOE_SIZE, attr, ARRAY_SIZE(attr)));
}

/* One range that is split, asked, and gone. */
static int foe_attributes(struct foe *f)
{
	struct kfd_ioctl_svm_attribute attr = { KFD_IOCTL_SVM_ATTR_GRANULARITY, 0 };
	unsigned int page = rnd(&f->rng) % (FOE_PAGES / 2), pages = 1 + rnd(&f->rng) % 8;
	unsigned int value = 1 + f->n % 9;
	int r = foe_range(f);

	dawdle(&f->rng);
	if (!r)
		r = foe_svm_set(f, page, pages, KFD_IOCTL_SVM_ATTR_GRANULARITY, value);
	if (!r)
		r = foe_svm_set(f, page, 1, KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, 0);
	dawdle(&f->rng);
	if (!r)
		r = kfd_svm_get(&f->k, f->va + page * KFD_PAGE, pages * KFD_PAGE, &attr, 1);
	if (!r)
		NEED(f->c, attr.value == value, "granularity %u became %u", value, attr.value);
	munmap(foe_page(f, 0), FOE_SIZE);
	return r;
}

/* To VRAM of one GPU after the other, and back, by the CPU that looks or on request. */
static int foe_migration(struct foe *f)
{
	uint32_t to = f->k.gpu[f->n % 2].gpu_id, bad;
	int r = 0;

	if (!f->settled)
		return -EAGAIN;
	if (!f->bo.size) {
		r = foe_range(f);
		if (r)
			return r;
		scene_fill(foe_page(f, 0), FOE_SIZE, f->side);
		f->bo.size = FOE_SIZE;
	}
	r = foe_svm_set(f, 0, FOE_PAGES, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC, to);
	dawdle(&f->rng);
	if (f->n & 1) {
		bad = scene_bad(foe_page(f, 0), FOE_SIZE, f->side);
		NEED(f->c, !bad, "%u words of a range were lost on their way", bad);
	} else if (!r) {
		r = foe_svm_set(f, 0, FOE_PAGES, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC, 0);
	}
	return r;
}

/*
 * Pages below a user pointer and a range, replaced, protected and unmapped; and, between
 * RESTORE and RESUME, those of a user pointer that was restored.
 */
static int foe_memory(struct foe *f)
{
	char *p = foe_page(f, FOE_PAGES - 4), *q;
	int r = 0;

	if (f->settled && !f->bo.size) {
		if (f->side & 1)
			r = foe_range(f);
		else if (map_pages(f->c, f->va, FOE_SIZE, -1) == MAP_FAILED)
			r = -errno;
		else
			r = kfd_bo_create(&f->k, &f->bo, GPU_A, f->va, FOE_SIZE, KFD_BO_USERPTR,
					  ON_AB);
		if (r)
			return r;
		f->bo.size = FOE_SIZE;
	}
	for (q = p; q; q = q == p && f->settled && !race->strict ?
		(char *)(uintptr_t)f->c->bo[BO_UPTR_AB].va + BO_SIZE - 4 * KFD_PAGE : NULL) {
		r |= DO(f->side, map_pages(f->c, (uintptr_t)q, 4 * KFD_PAGE, -1) == MAP_FAILED);
		*(volatile char *)q = 1;
		dawdle(&f->rng);
		r |= DO(f->side, mprotect(q, KFD_PAGE, PROT_READ));
		r |= DO(f->side, mprotect(q, KFD_PAGE, PROT_READ | PROT_WRITE));
		r |= DO(f->side, munmap(q + KFD_PAGE, KFD_PAGE));
		dawdle(&f->rng);
		r |= map_pages(f->c, (uintptr_t)q + KFD_PAGE, KFD_PAGE, -1) == MAP_FAILED;
	}
	return r ? -ENOMEM : 0;
}

#define DROPS	64

/*
 * The pages of a user pointer go again and again, more than once before the driver has looked
 * for new ones.
 */
static int foe_pages(struct foe *f)
{
	unsigned int i;
	int r;

	if (!f->bo.size) {
		if (map_pages(f->c, f->va, FOE_SIZE, -1) == MAP_FAILED)
			return -errno;
		r = kfd_bo_create(&f->k, &f->bo, GPU_A, f->va, FOE_SIZE, KFD_BO_USERPTR, ON_AB);
		if (r)
			return r;
		f->bo.size = FOE_SIZE;
	}
	for (i = 0; i < DROPS; i++) {
		r = DO(f->side, madvise(foe_page(f, 0), KFD_PAGE, MADV_DONTNEED));
		if (r)
			return -errno;
		*(volatile char *)foe_page(f, 0) = 1;
		if (rnd(&f->rng) & 1)
			usleep(rnd(&f->rng) % 1500);
	}
	return 0;
}

/* So much longer than a fork takes is it until the next one. */
#define FORK_REST	5

static int fork_and_look(struct foe *f, bool look)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(look && scene_bad(f->c->bo[BO_UPTR_AB].cpu, HALF, SEED_BO(BO_UPTR_AB)));
	if (pid < 0)
		return -errno;
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return status ? -EIO : 0;
}

/*
 * A fork takes the pages of user pointers away, and queues stand still until the driver
 * has them again. That takes longer where a fork takes longer.
 */
static int foe_fork(struct foe *f)
{
	uint64_t begun = scene_clock();
	bool look = race->strict;
	int r = DO(f->side, fork_and_look(f, look));

	/* as if nothing had been shared */
	if (look)
		*(volatile uint32_t *)f->c->bo[BO_UPTR_AB].cpu = scene_word(SEED_BO(BO_UPTR_AB), 0);
	usleep(FORK_REST * (scene_clock() - begun) * 1000);
	return r;
}

/* The process dumps itself.  It need not be paused any more, or may be by somebody else. */
static int foe_dumps(struct foe *f)
{
	struct kfd_image img;
	uint32_t i;
	int r;

	r = DO(f->side, kfd_criu_checkpoint(f->k.fd, &img));
	NEED(f->c, !r || r == -EINVAL || r == -EOPNOTSUPP, "CHECKPOINT by itself: %s",
	     strerror(-r));
	if (!r) {
		for (i = 0; i < img.info.num_bos; i++)
			if (img.bos[i].dmabuf_fd != (uint32_t)-1)
				close(img.bos[i].dmabuf_fd);
		kfd_image_free(&img);
	}
	dawdle(&f->rng);
	r = DO(f->side, kfd_criu_unpause(f->k.fd));
	NEED(f->c, !r || r == -EINVAL, "UNPAUSE by itself: %s", strerror(-r));
	return 0;
}

/* Not its own file: RESTORE opens that late. */
static void foe_opens(struct foe *f)
{
	f->k = f->c->s->here;
	f->k.fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
}

static void *foe_main(void *arg)
{
	struct foe *f = arg;
	int r;

	while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE)) {
		bool strict;

		if (!f->settled && __atomic_load_n(&race->restored, __ATOMIC_ACQUIRE)) {
			if (f->k.fd > 0)
				close(f->k.fd);
			f->k = f->c->k;
			f->settled = true;
		}
		if (!f->settled && f->k.fd <= 0)
			foe_opens(f);
		dawdle(&f->rng);
		strict = f->settled && __atomic_load_n(&race->strict, __ATOMIC_ACQUIRE);
		r = f->fn(f);
		if (r && strict)
			note(f->c->s, "%s: %s", f->name, strerror(-r));
		if (r)
			usleep(200);
		/* a RESTORE is refused until all threads are at rest for once while it runs */
		if (!f->settled && rnd(&f->rng) & 1)
			usleep(rnd(&f->rng) % (FOES * race->restore_ms * 1000 + 1));
		f->n++;
	}
	return NULL;
}

static const struct {
	const char *name;
	foe_fn fn;
} foe_kinds[] = {
	{ "BOs", foe_bos },
	{ "queues", foe_queues },
	{ "events", foe_events },
	{ "attributes", foe_attributes },
	{ "migration", foe_migration },
	{ "memory", foe_memory },
	{ "pages", foe_pages },
	{ "fork", foe_fork },
	{ "dumps", foe_dumps },
};

enum { BOS, QUEUES, EVENTS, ATTRIBUTES, MIGRATION, MEMORY, PAGES, FORK, DUMPS, NONE };

/* arg[0]: which kind, arg[1]: how many */
static int call_start_foes(struct ctx *c)
{
	unsigned int i;

	memset(foes, 0, sizeof(foes));
	for (i = 0; i < c->arg[1]; i++) {
		struct foe *f = &foes[i];

		f->c = c;
		f->fn = foe_kinds[c->arg[0]].fn;
		f->name = foe_kinds[c->arg[0]].name;
		f->side = FOE + i;
		f->va = RACE_VA(i);
		f->rng = rnd_of(f->side);
		NEED(c, !pthread_create(&f->thread, NULL, foe_main, f), "thread");
	}
	return 0;
}

static int call_stop_foes(struct ctx *c)
{
	unsigned int i;

	__atomic_store_n(&race->stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < FOES; i++)
		if (foes[i].thread)
			pthread_join(foes[i].thread, NULL);
	race->stop = false;
	return 0;
}

static bool start_foes(struct scene *s, struct proc *p, unsigned int kind, unsigned int n)
{
	p->c.arg[0] = kind;
	p->c.arg[1] = n;
	if (call(p, call_start_foes)) {
		note(s, "no threads");
		verdict = BROKEN;
		return false;
	}
	return true;
}

/* --- the dumper's side --- */

static bool one_of(int r, const int *errors)
{
	for (; *errors; errors++)
		if (r == -*errors)
			return true;
	return !r;
}

static const int no_error[] = { 0 };

static void close_dmabufs(struct kfd_image *img)
{
	uint32_t i;

	for (i = 0; i < img->info.num_bos; i++)
		if (img->bos[i].dmabuf_fd != (uint32_t)-1)
			close(img->bos[i].dmabuf_fd);
}

/* An image that its own checksum holds for good. */
static bool image_good(const struct kfd_image *img)
{
	uint32_t said_crc = img_get32(img->priv + IMG_CRC);
	bool good;

	img_put32(img->priv + IMG_CRC, 0);
	good = img_is_v2(img) && img_crc(~0u, img->priv, img->info.priv_data_size) == said_crc &&
	       img_get64(img->priv + IMG_SIZE) == img->info.priv_data_size;
	img_put32(img->priv + IMG_CRC, said_crc);
	return good;
}

/* What no foe touches. */
static int call_bytes_right(struct ctx *c)
{
	unsigned int i, bad;

	for (i = 0; i < NUM_BO; i++) {
		if (!scene_bo_kinds[i].pattern)
			continue;
		bad = scene_bad(c->bo[i].cpu, HALF, SEED_BO(i));
		NEED(c, !bad, "%u words wrong in %s", bad, scene_bo_kinds[i].name);
	}
	bad = scene_bad((void *)(uintptr_t)c->svm, HALF, SEED_SVM);
	NEED(c, !bad, "%u words wrong in the SVM range", bad);
	return 0;
}

static int call_queues_run(struct ctx *c)
{
	return call_sdma_works(c) || call_aql_works(c) ? -1 : 0;
}

/* There has to be memory where objects of foes may be. */
static int call_restore_all(struct ctx *c)
{
	NEED(c, mmap((void *)(uintptr_t)RACE_VA(0), RACE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_FIXED_NOREPLACE | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		     0) != MAP_FAILED, "mmap: %s", strerror(errno));
	return call_restore(c);
}

/* A copy of the target, from s->img, has what it should have, and runs. @then: the target's */
static void copy_is_good(struct scene *s, const struct ctx *then)
{
	int r;

	SETUP(!spawn(s, DST), "fork");
	DST->c = *then;
	DST->c.arg[0] = 0;
	DST->c.arg[1] = 0;
	CHECK(!call(DST, call_restore_all), "an image cannot be restored");
	r = resume(s, DST);
	CHECK(!r, "RESUME of the copy: %s", strerror(-r));
	CHECK(!call(DST, call_bytes_right), "the copy's bytes");
	CHECK(!call(DST, call_queues_run), "the copy's queues");
	CHECK(!reap(DST), "KFD keeps the copy");
}

static int save_target(struct scene *s, struct proc *p)
{
	int r = kfd_criu_save_contents(&s->here, &s->img);

	if (!r)
		r = save_pages(s, p->pid, SCENE_VA(BO_UPTR_AB), BO_SIZE);
	if (!r)
		r = save_pages(s, p->pid, SCENE_VA(BO_UPTR_A), BO_SIZE);
	if (!r)
		r = save_pages(s, p->pid, p->c.svm, BO_SIZE);
	return r;
}

/**
 * struct dump_rules - what the dumper's calls may say while the foes are there
 * @info: errors of PROCESS_INFO
 * @checkpoint: errors of CHECKPOINT
 * @unpause: errors of UNPAUSE
 */
struct dump_rules {
	int info[MAX_ERRORS], checkpoint[MAX_ERRORS], unpause[MAX_ERRORS];
};

/* PROCESS_INFO, CHECKPOINT, UNPAUSE; now and then the image is kept and restored. */
static void dump_once(struct scene *s, const struct dump_rules *rules, bool keep)
{
	uint32_t rng = rnd_of(US), tries;
	const struct ctx then = SRC->c;
	struct kfd_ioctl_criu_args args;
	bool kept = false;
	int fd = grab(SRC), r;

	CHECK(fd >= 0, "no KFD fd from the target: %s", strerror(-fd));
	drop_image(s);
	for (tries = 0; tries < 3 && !kept; tries++) {
		r = DO(US, kfd_criu_process_info(fd, &args));
		if (!one_of(r, rules->info))
			break;
		dawdle(&rng);
		r = DO(US, kfd_criu_checkpoint(fd, &s->img));
		if (!one_of(r, rules->checkpoint))
			break;
		if (!r && !image_good(&s->img)) {
			note(s, "an image that does not verify");
			break;
		}
		if (!r && keep) {
			r = save_target(s, SRC);
			kept = !r;
			if (r)
				break;
		} else if (!r) {
			close_dmabufs(&s->img);
			kfd_image_free(&s->img);
		}
		r = 0;
	}
	if (r)
		note(s, "the dumper's call: %s", strerror(-r));
	r = DO(US, kfd_criu_unpause(fd));
	if (!one_of(r, rules->unpause))
		note(s, "UNPAUSE: %s", strerror(-r));
	let_go(SRC, fd);
	CHECK(!s->why[0], "dump");
	CHECK(!call(SRC, call_queues_run), "the target after UNPAUSE");
	if (kept)
		copy_is_good(s, &then);
}

static void race_dump(struct scene *s, unsigned int kind, unsigned int n,
		      const struct dump_rules *rules)
{
	START();
	race->restored = true;
	race->strict = true;
	if (kind != NONE && !start_foes(s, SRC, kind, n))
		return;
	while (verdict == PASSED && race_goes_on(s))
		dump_once(s, rules, race->rounds % 4 == 1);
	if (kind != NONE && verdict == PASSED)
		CHECK(!call(SRC, call_stop_foes), "the target's threads do not end");
	if (verdict == PASSED)
		CHECK(!call(SRC, call_bytes_right), "the target's bytes");
}

static const struct dump_rules counts_change = { .checkpoint = { ENOSPC } };
static const struct dump_rules counts_stay = { };

RACE(dump_against_bos, S_NO_JOB)
{
	race_dump(s, BOS, FOES, &counts_change);
}

RACE(dump_against_queues, S_NO_JOB)
{
	race_dump(s, QUEUES, FOES, &counts_change);
}

RACE(dump_against_events, S_NO_JOB)
{
	race_dump(s, EVENTS, FOES, &counts_change);
}

RACE(dump_against_svm_attributes, S_NO_JOB)
{
	race_dump(s, ATTRIBUTES, FOES, &counts_change);
}

RACE(dump_against_migration, S_NO_JOB)
{
	race_dump(s, MIGRATION, FOES, &counts_change);
}

RACE(dump_against_memory, S_NO_JOB)
{
	race_dump(s, MEMORY, FOES, &counts_change);
}

RACE(dump_against_fork, S_NO_JOB)
{
	race_dump(s, FORK, FOES, &counts_stay);
}

#define LOOKS	20

/*
 * CHECKPOINT gets the pages of user pointers when the driver's worker may be about to. Who has
 * to wait for the other one must not go on with what was true before.
 */
RACE(dump_against_lost_pages, S_NO_JOB)
{
	struct kfd_ioctl_criu_args args;
	unsigned int i;
	int fd, r;

	START();
	race->restored = true;
	race->strict = true;
	if (!start_foes(s, SRC, PAGES, FOES))
		return;
	while (verdict == PASSED && race_goes_on(s)) {
		fd = grab(SRC);
		CHECK(fd >= 0, "no KFD fd from the target: %s", strerror(-fd));
		r = DO(US, kfd_criu_process_info(fd, &args));
		CHECK(!r, "PROCESS_INFO: %s", strerror(-r));
		for (i = 0; i < LOOKS && !r; i++) {
			drop_image(s);
			r = DO(US, kfd_criu_checkpoint(fd, &s->img));
			if (!r)
				close_dmabufs(&s->img);
		}
		/* in the first round, the threads' own BOs may come after PROCESS_INFO */
		CHECK(!r || r == -ENOSPC, "CHECKPOINT: %s", strerror(-r));
		CHECK(!DO(US, kfd_criu_unpause(fd)), "UNPAUSE");
		let_go(SRC, fd);
		CHECK(!call(SRC, call_queues_run), "the target after UNPAUSE");
	}
	CHECK(!call(SRC, call_stop_foes), "the target's threads do not end");
	CHECK(!call(SRC, call_bytes_right), "the target's bytes");
}

/* Each lets the queues run on the other, and sees dma-bufs that are the other's. */
RACE(dump_against_dump, S_NO_JOB)
{
	static const struct dump_rules two = {
		.info = { EOPNOTSUPP }, .checkpoint = { EINVAL, EOPNOTSUPP }, .unpause = { EINVAL },
	};

	race_dump(s, DUMPS, 1, &two);
}

/* --- somebody who takes the VRAM away --- */

static pid_t hog_start(struct scene *s)
{
	uint32_t n = 0;
	pid_t pid = fork();
	int r;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;; n++) {
		struct kfd_gpu *g = &s->here.gpu[n % 2];

		r = DO(FOE, kfd_vram_hog(g->render_minor, g->vram_size, n));
		if (r)
			note(s, "VRAM of GPU %c: %s", 'A' + n % 2, strerror(-r));
		usleep(20000);
	}
}

static void hog_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int smi[2];
static unsigned int evicted;

/* What the driver says of evictions, of any process. */
static int evictions_open(struct scene *s, unsigned int g)
{
	struct kfd_ioctl_smi_events_args args = { .gpuid = s->here.gpu[g].gpu_id };
	uint64_t mask = KFD_SMI_EVENT_MASK_FROM_INDEX(KFD_SMI_EVENT_QUEUE_EVICTION) |
			KFD_SMI_EVENT_MASK_FROM_INDEX(KFD_SMI_EVENT_ALL_PROCESS);
	int fd = open("/dev/kfd", O_RDWR | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = ioctl(fd, AMDKFD_IOC_SMI_EVENTS, &args) ? -errno : 0;
	close(fd);
	if (!r && write(args.anon_fd, &mask, sizeof(mask)) != sizeof(mask))
		r = -EIO;
	if (r)
		return r;
	fcntl(args.anon_fd, F_SETFL, O_NONBLOCK);
	return args.anon_fd;
}

/* Lines that end with the reason TTM. */
static unsigned int evictions_read(int fd)
{
	static char text[65536];
	ssize_t len = 0, got;
	unsigned int n = 0;
	char *line, *save, *last;

	while (len < (ssize_t)sizeof(text) - 1) {
		got = read(fd, text + len, sizeof(text) - 1 - len);
		if (got <= 0)
			break;
		len += got;
	}
	text[len] = 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		last = strrchr(line, ' ');
		n += last && strtoul(line, NULL, 16) == KFD_SMI_EVENT_QUEUE_EVICTION &&
		     strtoul(last, NULL, 10) == KFD_QUEUE_EVICTION_TRIGGER_TTM;
	}
	return n;
}

static bool enough_evictions(void)
{
	evicted += evictions_read(smi[0]) + evictions_read(smi[1]);
	return evicted;
}

/* A row beside a hog; evictions are what it is about. */
static void beside_hog(struct scene *s, void (*fn)(struct scene *s))
{
	pid_t hog;

	smi[0] = evictions_open(s, GPU_A);
	smi[1] = evictions_open(s, GPU_B);
	SETUP(smi[0] >= 0 && smi[1] >= 0, "SMI events");
	hog = hog_start(s);
	SETUP(hog > 0, "fork");
	race_enough = enough_evictions;
	fn(s);
	hog_stop(hog);
	enough_evictions();
	close(smi[0]);
	close(smi[1]);
	if (verdict == PASSED)
		CHECK(evicted, "no eviction");
}

static void dumps_only(struct scene *s)
{
	race_dump(s, NONE, 0, &counts_stay);
}

RACE(dump_against_eviction, S_NO_JOB)
{
	beside_hog(s, dumps_only);
}

/* --- the end of somebody --- */

/**
 * struct killer - a thread that ends a process, some time from now
 * @pid: which one
 * @after_us: how long from now
 */
struct killer {
	pid_t pid;
	uint32_t after_us;
	pthread_t thread;
};

static void *killer_main(void *arg)
{
	struct killer *k = arg;
	uint32_t seen[SIDES];
	int r;

	usleep(k->after_us);
	__atomic_store_n(&race->killed, true, __ATOMIC_RELEASE);
	enter(FOE, seen);
	r = kill(k->pid, SIGKILL);
	leave(FOE, seen, r);
	return NULL;
}

static bool killer_start(struct killer *k, pid_t pid, uint32_t after_us)
{
	k->pid = pid;
	k->after_us = after_us;
	race->killed = false;
	return !pthread_create(&k->thread, NULL, killer_main, k);
}

/*
 * Until the target is dead, and a little longer.  Before that everything works.  Then the
 * target is dying, has no GPU any more, or nobody traces it; it is not paused, or has less to
 * save than PROCESS_INFO told.
 */
static void dump_until_killed(struct scene *s, int fd)
{
	static const int dead_info[] = { ESRCH, ENODEV, EBADF, 0 };
	static const int dead_image[] = { ESRCH, ENODEV, EBADF, EINVAL, ENOSPC, 0 };
	static const int dead_unpause[] = { ESRCH, EBADF, EINVAL, 0 };
	struct kfd_ioctl_criu_args args;
	struct kfd_image img;
	unsigned int after = 0;
	bool killed;
	int r[3];

	while (after < 3) {
		r[0] = DO(US, kfd_criu_process_info(fd, &args));
		r[1] = DO(US, kfd_criu_checkpoint(fd, &img));
		if (!r[1]) {
			if (!image_good(&img))
				note(s, "an image that does not verify");
			close_dmabufs(&img);
			kfd_image_free(&img);
		}
		r[2] = DO(US, kfd_criu_unpause(fd));
		killed = __atomic_load_n(&race->killed, __ATOMIC_ACQUIRE);
		CHECK(one_of(r[0], killed ? dead_info : no_error), "PROCESS_INFO: %s",
		      strerror(-r[0]));
		CHECK(one_of(r[1], killed ? dead_image : no_error), "CHECKPOINT: %s",
		      strerror(-r[1]));
		CHECK(one_of(r[2], killed ? dead_unpause : no_error), "UNPAUSE: %s",
		      strerror(-r[2]));
		after += killed;
	}
}

RACE(dump_against_exit, S_NO_JOB)
{
	uint32_t rng = race->seed;
	struct killer k;
	int fd;

	while (verdict == PASSED && race_goes_on(s)) {
		START();
		fd = grab(SRC);
		CHECK(fd >= 0, "no KFD fd from the target: %s", strerror(-fd));
		SETUP(killer_start(&k, SRC->pid, rnd(&rng) % 30000), "thread");
		dump_until_killed(s, fd);
		pthread_join(k.thread, NULL);
		close(fd);
		CHECK(!reap(SRC), "KFD keeps the killed process");
	}
}

/* A dumper that has the target as soon as the one before is gone, until it is killed. */
static void __attribute__((noreturn)) dumper_main(struct scene *s)
{
	/* the dumper before this one is not quite gone, and still has dma-bufs */
	static const int exported[] = { EOPNOTSUPP, 0 };
	struct kfd_ioctl_criu_args args;
	int fd, r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		fd = grab(SRC);
		if (fd < 0) {
			usleep(100);
			continue;
		}
		/* as long as it lives to say so, each of its calls is as good as anybody's */
		r = DO(US_TOO, kfd_criu_process_info(fd, &args));
		if (r)
			note(s, "PROCESS_INFO by a dumper: %s", strerror(-r));
		r = DO(US_TOO, kfd_criu_checkpoint(fd, &s->img));
		if (!one_of(r, exported))
			note(s, "CHECKPOINT by a dumper: %s", strerror(-r));
		if (s->img.bos)
			close_dmabufs(&s->img);
		r = DO(US_TOO, kfd_criu_unpause(fd));
		if (r)
			note(s, "UNPAUSE by a dumper: %s", strerror(-r));
		let_go(SRC, fd);
	}
}

/* Each dumper is killed in the middle of something, while the next one waits. */
RACE(dump_against_end_of_dumper, S_NO_JOB)
{
	uint32_t rng = race->seed;
	struct killer k;
	pid_t pid;
	int status;

	START();
	while (verdict == PASSED && race_goes_on(s)) {
		race->side[US_TOO].seq = 0;
		pid = fork();
		if (!pid)
			dumper_main(s);
		SETUP(pid > 0, "fork");
		SETUP(killer_start(&k, pid, 5000 + rnd(&rng) % 60000), "thread");
		pthread_join(k.thread, NULL);
		/* without waiting for its end */
		if (race->rounds & 1) {
			int fd = grab(SRC);

			while (fd == -EPERM) {
				usleep(100);
				fd = grab(SRC);
			}
			CHECK(fd >= 0, "the next dumper: %s", strerror(-fd));
			memset(&s->img, 0, sizeof(s->img));
			status = DO(US, kfd_criu_checkpoint(fd, &s->img));
			CHECK(!status || status == -EOPNOTSUPP, "CHECKPOINT by the next one: %s",
			      strerror(-status));
			if (!status) {
				CHECK(image_good(&s->img), "an image that does not verify");
				close_dmabufs(&s->img);
				kfd_image_free(&s->img);
			}
			status = DO(US, kfd_criu_unpause(fd));
			CHECK(!status, "UNPAUSE by the next one: %s", strerror(-status));
			let_go(SRC, fd);
		}
		SETUP(waitpid(pid, &status, 0) == pid, "the end of a dumper");
		memset(&s->img, 0, sizeof(s->img));
		CHECK(!call(SRC, call_queues_run), "the target after its dumper's end");
	}
	if (verdict == PASSED)
		CHECK(!call(SRC, call_bytes_right), "the target's bytes");
}

/* --- RESTORE and RESUME --- */

/*
 * What a foe has in the process makes it one that is not fresh, and an id that it
 * has just taken cannot be the image's: so again, until it succeeds.
 */
static int call_restore_racing(struct ctx *c)
{
	static const int again[] = { EBUSY, EEXIST, 0 };
	static const unsigned int straight[KFD_MAX_GPUS] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	uint64_t end = scene_clock() + PATIENCE_MS;
	uint32_t rng = rnd_of(US_TOO);
	uint64_t begun;
	int r;

	do {
		dawdle(&rng);
		begun = scene_clock();
		r = DO(US_TOO, restore_objects(c, straight));
		race->restore_ms = scene_clock() - begun;
	} while (r && c->arg[0] && one_of(r, again) && scene_clock() < end);
	NEED(c, !r, "RESTORE: %s", strerror(-r));
	NEED(c, !restore_memory(c), "memory");
	__atomic_store_n(&race->restored, true, __ATOMIC_RELEASE);
	return 0;
}

static int call_repair_memory(struct ctx *c)
{
	uint64_t tail = c->bo[BO_UPTR_AB].va + BO_SIZE - 4 * KFD_PAGE;

	NEED(c, map_pages(c, tail, 4 * KFD_PAGE, -1) != MAP_FAILED, "mmap: %s", strerror(errno));
	return 0;
}

/* The image that all rounds of a row begin with: a job that is half done. */
static bool restore_begin(struct scene *s)
{
	if (!started(s))
		return false;
	if (dump(s, SRC) || reap(SRC)) {
		verdict = BROKEN;
		return false;
	}
	return true;
}

static bool fresh_copy(struct scene *s)
{
	race->restored = false;
	race->strict = false;
	race->stop = false;
	race->side[US_TOO].seq = 0;
	if (spawn(s, DST)) {
		verdict = BROKEN;
		note(s, "fork");
		return false;
	}
	DST->c = SRC->c;
	DST->c.k.fd = -1;
	DST->c.arg[0] = 0;
	DST->c.arg[1] = 0;
	return true;
}

/* The half done job of a copy that runs is done to the end. */
static void copy_finishes(struct scene *s)
{
	CHECK(!call(DST, call_bytes_right), "the copy's bytes");
	CHECK(!call(DST, call_finish_sdma_job), "the copy's SDMA job");
	CHECK(!call(DST, call_finish_aql_job), "the copy's AQL job");
	CHECK(!call(DST, call_queues_run), "the copy's queues");
	CHECK(!reap(DST), "KFD keeps the copy");
}

#define FOE_MS		20000

/* A copy is there for short; what a row is about shall have the time to happen to it. */
static void wait_for_foe(void)
{
	uint32_t calls = __atomic_load_n(&race->side[FOE].calls, __ATOMIC_SEQ_CST) + 2;
	uint64_t end = scene_clock() + FOE_MS;

	while (!race_enough() && scene_clock() < end &&
	       (int)(calls - __atomic_load_n(&race->side[FOE].calls, __ATOMIC_SEQ_CST)) > 0)
		usleep(1000);
}

static void restore_once(struct scene *s, unsigned int kind, unsigned int n, bool again)
{
	uint32_t rng = rnd_of(US);
	int r;

	if (!fresh_copy(s) || (kind != NONE && !start_foes(s, DST, kind, n)))
		return;
	DST->c.arg[0] = again;
	DST->c.arg[1] = 0;
	CHECK(!call(DST, call_restore_racing), "RESTORE");
	dawdle(&rng);
	r = DO(US, resume(s, DST));
	CHECK(!r || (kind == MEMORY && (r == -EAGAIN || r == -EFAULT)), "RESUME: %s",
	      strerror(-r));
	if (!r)
		race->strict = kind != MEMORY;
	usleep(5000);
	if (race_enough)
		wait_for_foe();
	if (kind != NONE)
		CHECK(!call(DST, call_stop_foes), "the copy's threads do not end");
	if (kind == MEMORY) {
		SETUP(!call(DST, call_repair_memory), "memory");
		if (r) {
			r = resume(s, DST);
			CHECK(!r, "RESUME with memory that stands still: %s", strerror(-r));
		}
	}
	copy_finishes(s);
}

static void race_restore(struct scene *s, unsigned int kind, unsigned int n, bool again)
{
	if (!restore_begin(s))
		return;
	while (verdict == PASSED && race_goes_on(s))
		restore_once(s, kind, n, again);
}

RACE(restore_against_bos, 0)
{
	race_restore(s, BOS, FOES, false);
}

RACE(restore_against_queues, 0)
{
	race_restore(s, QUEUES, FOES, false);
}

RACE(restore_against_events, 0)
{
	race_restore(s, EVENTS, FOES, true);
}

RACE(restore_against_svm_attributes, 0)
{
	race_restore(s, ATTRIBUTES, FOES, true);
}

RACE(restore_against_migration, 0)
{
	race_restore(s, MIGRATION, FOES, false);
}

RACE(restore_against_memory, 0)
{
	race_restore(s, MEMORY, FOES, false);
}

RACE(restore_against_fork, 0)
{
	race_restore(s, FORK, FOES, false);
}

static void restores_only(struct scene *s)
{
	race_restore(s, NONE, 0, false);
}

RACE(restore_against_eviction, 0)
{
	beside_hog(s, restores_only);
}

#define TRACED		"/sys/kernel/tracing/instances/kfd_criu_race"

/* A buffer of its own for the results of operations; without one, nothing is read from it. */
static void trace_begin(void)
{
	mkdir(TRACED, 0700);
	kfd_write_text(TRACED "/events/kfd_criu/kfd_criu_op/enable", "1");
}

/*
 * The result of the last RESTORE of @pid, which may not have lived to see it; 0 if the kernel
 * tells of none.
 */
static int traced_restore(pid_t pid)
{
	FILE *f = fopen(TRACED "/trace", "re");
	char line[256], key[32], *at;
	int r = 0;

	snprintf(key, sizeof(key), "RESTORE pid=%d ", pid);
	while (f && fgets(line, sizeof(line), f)) {
		at = strstr(line, key);
		at = at ? strstr(at, "err=") : NULL;
		if (at)
			r = atoi(at + 4);
	}
	if (f)
		fclose(f);
	kfd_write_text(TRACED "/trace", "");
	return r;
}

/* The copy dies within RESTORE, or before, within or after RESUME. */
static void restore_until_killed(struct scene *s)
{
	/*
	 * The kill ends waits, with EINTR or the kernel's own ERESTARTSYS, and takes away memory.
	 * The first two are no errors of the interface: a killed process never sees the result.
	 */
	static const int interrupted[] = { EINTR, 512, EFAULT, ENOMEM, 0 };
	uint32_t rng = race->seed, within_us = 20000;
	struct killer k;
	siginfo_t died;
	pid_t pid;
	int r;

	while (verdict == PASSED && race_goes_on(s)) {
		if (!fresh_copy(s))
			return;
		DST->call = call_restore_racing;
		SETUP(killer_start(&k, DST->pid, rnd(&rng) % within_us), "thread");
		__atomic_store_n(&DST->busy, true, __ATOMIC_RELEASE);
		died.si_pid = 0;
		while (__atomic_load_n(&DST->busy, __ATOMIC_ACQUIRE) && !died.si_pid) {
			usleep(100);
			waitid(P_PID, DST->pid, &died, WEXITED | WNOHANG | WNOWAIT);
		}
		r = DO(US, resume(s, DST));
		if (!race->killed)
			CHECK(!r, "RESUME: %s", strerror(-r));
		else
			CHECK(!r || r == -ESRCH || r == -EINVAL || r == -EFAULT || r == -EAGAIN,
			      "RESUME of a process that dies: %s", strerror(-r));
		/* half of them shall come so far */
		if (!race->restored)
			within_us *= 2;
		else if (!r)
			within_us -= within_us / 4;
		pthread_join(k.thread, NULL);
		/* only a living copy reports a result: no error is right */
		CHECK(!s->why[0], "RESTORE");
		pid = DST->pid;
		CHECK(!reap(DST), "KFD keeps the killed process");
		r = traced_restore(pid);
		CHECK(one_of(r, race->killed ? interrupted : no_error),
		      "RESTORE of a process that dies: %s (%d)", strerror(-r), r);
	}
}

RACE(restore_against_exit, 0)
{
	if (!restore_begin(s))
		return;
	trace_begin();
	restore_until_killed(s);
	rmdir(TRACED);
}

/* --- many that want the same --- */

static void *restore_too(void *arg)
{
	static const unsigned int straight[KFD_MAX_GPUS] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct foe *f = arg;
	struct kfd k;
	long r;

	r = DO(f->side, kfd_criu_restore(&k, &f->c->s->img, straight));
	if (!r)
		f->k = k;
	return (void *)r;
}

/* Two threads of one process restore it: it is restored once. */
static int call_restore_twice(struct ctx *c)
{
	static const unsigned int straight[KFD_MAX_GPUS] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct kfd_image *img = &c->s->img, copy;
	struct foe f = { .c = c, .side = FOE };
	uint32_t rng = rnd_of(US_TOO), before;
	void *other;
	int r;

	/* each with buckets of its own, or they would share descriptors */
	NEED(c, img_copy(&copy, img), "memory");
	copy.contents = img->contents;
	before = __atomic_load_n(&race->side[FOE].seq, __ATOMIC_SEQ_CST);
	NEED(c, !pthread_create(&f.thread, NULL, restore_too, &f), "thread");
	/* a new thread takes its time: now and then it shall be the first one */
	if (race->rounds % 2)
		while (before == __atomic_load_n(&race->side[FOE].seq, __ATOMIC_SEQ_CST))
			usleep(100);
	if (rnd(&rng) & 1)
		dawdle(&rng);
	r = DO(US_TOO, kfd_criu_restore(&c->k, &copy, straight));
	pthread_join(f.thread, &other);
	NEED(c, (!r && (long)other == -EBUSY) || (r == -EBUSY && !other),
	     "two RESTOREs at once: %d and %ld", r, (long)other);
	if (!r) {
		memcpy(img->bos, copy.bos, img->info.num_bos * sizeof(*img->bos));
		memcpy(img->devices, copy.devices, img->info.num_devices * sizeof(*img->devices));
	} else {
		c->k = f.k;
	}
	free(copy.devices);
	free(copy.bos);
	free(copy.priv);
	return restore_memory(c);
}

RACE(restore_against_restore, 0)
{
	if (!restore_begin(s))
		return;
	while (verdict == PASSED && race_goes_on(s)) {
		if (!fresh_copy(s))
			return;
		CHECK(!call(DST, call_restore_twice), "RESTORE");
		CHECK(!resume(s, DST), "RESUME");
		copy_finishes(s);
	}
}

/* Flips bits of the image and of the buckets, and flips them back. */
static void *flip_bits(void *arg)
{
	struct foe *f = arg;
	struct kfd_image *img = &f->c->s->img;

	while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE)) {
		uint32_t at = rnd(&f->rng) % img->info.priv_data_size;
		uint8_t bit = 1u << rnd(&f->rng) % 8, *p = img->priv + at;
		uint32_t seen[SIDES];

		enter(f->side, seen);
		__atomic_xor_fetch(p, bit, __ATOMIC_SEQ_CST);
		if (rnd(&f->rng) & 1)
			usleep(rnd(&f->rng) % 200);
		__atomic_xor_fetch(p, bit, __ATOMIC_SEQ_CST);
		leave(f->side, seen, 0);
		dawdle(&f->rng);
	}
	return NULL;
}

/* What is restored is what was verified, or it is refused. */
static int call_restore_flipped(struct ctx *c)
{
	static const unsigned int straight[KFD_MAX_GPUS] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	static const int errors[] = { EINVAL, EPROTONOSUPPORT, EOPNOTSUPP, 0 };
	struct foe f = { .c = c, .side = FOE, .rng = rnd_of(FOE) };
	uint64_t end = scene_clock() + c->s->wait_ms;
	int r;

	NEED(c, !pthread_create(&f.thread, NULL, flip_bits, &f), "thread");
	do {
		r = DO(US_TOO, restore_objects(c, straight));
	} while (r && one_of(r, errors) && scene_clock() < end);
	race->stop = true;
	pthread_join(f.thread, NULL);
	NEED(c, !r, "RESTORE of an image that changes: %s", strerror(-r));
	return restore_memory(c);
}

RACE(restore_against_its_image, 0)
{
	if (!restore_begin(s))
		return;
	while (verdict == PASSED && race_goes_on(s)) {
		if (!fresh_copy(s))
			return;
		CHECK(!call(DST, call_restore_flipped), "RESTORE");
		CHECK(!resume(s, DST), "RESUME");
		copy_finishes(s);
	}
}

/* --- RESUME by many, some without the right --- */

static int drop_to(unsigned int cap)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };

	d[cap / 32].effective = 1u << cap % 32;
	d[cap / 32].permitted = 1u << cap % 32;
	return syscall(SYS_capset, &h, d) ? -errno : 0;
}

/*
 * Calls RESUME over and over until told to stop.
 * @who: 0 may do it, 1 may not trace the target, 2 names the wrong process
 */
static void __attribute__((noreturn)) resumer(struct scene *s, unsigned int who)
{
	/* the target may run already, or have gone, or not have come yet */
	static const int errors[3][MAX_ERRORS] = {
		{ EINVAL, ESRCH }, { EPERM, ESRCH }, { EINVAL, ESRCH },
	};
	uint32_t rng = rnd_of(FOE + who);
	int fd = open("/dev/kfd", O_RDWR | O_CLOEXEC), r;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0 || (who == 1 && drop_to(CAP_CHECKPOINT_RESTORE)))
		note(s, "a resumer cannot begin");
	while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE)) {
		/* with the memory half in its place, the queues would run too early */
		if (!who && !__atomic_load_n(&race->restored, __ATOMIC_ACQUIRE)) {
			usleep(100);
			continue;
		}
		/* itself has no VM, and process 1 has no /dev/kfd */
		pid = who < 2 ? DST->pid : rng & 1 ? getpid() : 1;
		r = DO(FOE + who, kfd_criu_resume(fd, pid));
		if (!one_of(r, errors[who]) || (!r && who))
			note(s, "RESUME by %s: %s", who == 1 ? "a stranger" :
			     who ? "somebody of the wrong process" : "a second one", strerror(-r));
		dawdle(&rng);
	}
	_exit(0);
}

/* Of all that RESUME, one does. */
RACE(resume_against_resume, 0)
{
	unsigned int i, good;
	pid_t pid[3];
	int r;

	if (!restore_begin(s))
		return;
	while (verdict == PASSED && race_goes_on(s)) {
		if (!fresh_copy(s))
			return;
		for (i = 0; i < 3; i++) {
			pid[i] = fork();
			if (!pid[i])
				resumer(s, i);
		}
		good = race->side[FOE].good;
		CHECK(!call(DST, call_restore_racing), "RESTORE");
		r = DO(US, resume(s, DST));
		CHECK(!r || r == -EINVAL, "RESUME: %s", strerror(-r));
		race->stop = true;
		for (i = 0; i < 3; i++)
			waitpid(pid[i], NULL, 0);
		race->stop = false;
		good = race->side[FOE].good - good + !r;
		CHECK(good == 1, "RESUME succeeds %u times", good);
		CHECK(!s->why[0], "RESUME");
		copy_finishes(s);
	}
}

#include "kfd_criu_reset_race.h"

TEST_HARNESS_MAIN
