// SPDX-License-Identifier: GPL-2.0
/*
 * One checkpoint and restore of a GPU process, told in plain words.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include "kfd_criu_expect.h"
#include "kfd_criu_scene.h"

#define KIB		1024ULL

static struct scene *scene;
static uint64_t started;

static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	va_list ap;

	printf("# %6.2f s  ", (scene_clock() - started) / 1000.0);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

static int fail(const char *what)
{
	printf("# FAILED: %s: %s\n", what, scene->why[0] ? scene->why : strerror(errno));
	scene_free(scene);
	return 1;
}

static uint64_t checksum(const void *p, uint64_t bytes, uint64_t h)
{
	const uint8_t *b = p;
	uint64_t i;

	for (i = 0; i < bytes; i++)
		h = (h ^ b[i]) * 0x100000001b3ULL;
	return h;
}

/* Over every byte that the job reads or writes. */
static int call_checksum(struct ctx *c)
{
	uint64_t h = 0xcbf29ce484222325ULL;
	unsigned int i;

	for (i = 0; i < NUM_BO; i++)
		if (scene_bo_kinds[i].pattern)
			h = checksum(c->bo[i].cpu, c->bo[i].size, h);
	h = checksum((void *)(uintptr_t)c->svm, BO_SIZE, h);
	c->result = checksum((void *)cell(c, CELL_COUNT), 8, h);
	return 0;
}

static int call_events(struct ctx *c)
{
	TRY(c, kfd_event_wait(&c->k, &c->ev[EV_SDMA], 20000, NULL));
	TRY(c, kfd_event_wait(&c->k, &c->ev[EV_AQL], 20000, NULL));
	return 0;
}

static void tell_objects(struct proc *p)
{
	char where[32];
	unsigned int i;

	for (i = 0; i < NUM_BO; i++) {
		const struct scene_bo_kind *kind = &scene_bo_kinds[i];

		snprintf(where, sizeof(where), "%s%s", kind->mask & ON_A ? "A" : "",
			 kind->mask & ON_B ? "B" : "");
		printf("#             %-34s %5llu KiB at %#llx, on GPU %s\n", kind->name,
		       kind->size / KIB, (unsigned long long)p->c.bo[i].va,
		       where[0] ? where : "none");
	}
	printf("#             %-34s %5llu KiB at %#llx, on GPU AB\n", "SVM range", BO_SIZE / KIB,
	       (unsigned long long)p->c.svm);
	printf("#             SDMA queue %u on GPU A, AQL queue %u on GPU B, %d events\n",
	       p->c.sdma.id, p->c.aql.id, NUM_EV);
	fflush(stdout);
}

static int finish(struct proc *p, uint64_t *sum)
{
	if (call(p, call_finish_sdma_job) || call(p, call_finish_aql_job) ||
	    call(p, call_events) || call(p, call_checksum))
		return -1;
	*sum = p->c.result;
	return 0;
}

static int demo(void)
{
	struct proc *plain, *src, *dst;
	uint64_t want, got, contents = 0, pages = 0;
	struct kfd_ioctl_criu_args *info;
	unsigned int i;
	pid_t old;
	int r;

	started = scene_clock();
	scene = scene_new(0);
	if (!scene)
		return 1;
	if (scene->here.ngpu < 2) {
		printf("# Two GPUs are needed, %u found.\n", scene->here.ngpu);
		scene_free(scene);
		return KSFT_SKIP;
	}
	plain = &scene->p[0];
	src = &scene->p[1];
	dst = &scene->p[2];
	info = &scene->img.info;

	say("GPU A is %u (gfx %u), GPU B is %u (gfx %u).", scene->here.gpu[0].gpu_id,
	    scene->here.gpu[0].gfx_version, scene->here.gpu[1].gpu_id,
	    scene->here.gpu[1].gfx_version);
	say("First the job without interruption, to know the right answer.");
	if (start(scene, plain) || finish(plain, &want))
		return fail("the uninterrupted job");
	say("Process %d ran the job; checksum of all its memory: %016llx.", plain->pid,
	    (unsigned long long)want);
	if (reap(plain))
		return fail("the end of the first process");

	if (start(scene, src))
		return fail("the process");
	old = src->pid;
	say("Now the same job in process %d, which has", old);
	tell_objects(src);
	say("The job is half done: SDMA stands at a gate with five steps behind it, AQL waits");
	say("for a signal with one more packet behind it.");

	r = dump(scene, src);
	if (r)
		return fail("the checkpoint");
	for (i = 0; i < info->num_bos; i++)
		if (scene->img.contents[i])
			contents += scene->img.bos[i].size;
	for (i = 0; i < scene->npages; i++)
		pages += scene->pages[i].size;
	say("Checkpoint: the process is stopped by ptrace, its queues are paused; %u devices,",
	    info->num_devices);
	say("%u BOs and %u queues, events and ranges make %llu bytes of private data, %llu KiB",
	    info->num_bos, info->num_objects, (unsigned long long)info->priv_data_size,
	    (unsigned long long)(contents / KIB));
	say("of BO contents by dma-buf and %llu KiB of ordinary memory.",
	    (unsigned long long)(pages / KIB));

	if (reap(src))
		return fail("the end of the source");
	say("Process %d is killed; KFD has nothing left of it.", old);

	if (restore(scene, src, dst, false))
		return fail("the restore");
	say("Restore: process %d has the BOs, queues and events under their old names.", dst->pid);
	r = resume(scene, dst);
	if (r) {
		note(scene, "%s", strerror(-r));
		return fail("RESUME");
	}
	say("Resume: user pointers and SVM ranges are back, the queues run.");
	if (finish(dst, &got))
		return fail("the rest of the job");
	say("The gate is opened in process %d: both queues finish and both events fire.", dst->pid);
	say("Checksum of all its memory: %016llx, %s.", (unsigned long long)got,
	    got == want ? "the same as without interruption" : "NOT the same");
	if (reap(dst))
		return fail("the end of the copy");
	scene_free(scene);
	return got != want;
}

/* The story is for people; the line of TAP under it for whoever runs the tests. */
int main(void)
{
	int r;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..1\n");
	/* it takes topology_lock under a dqm lock, which closes a cycle of locks */
	if (criu_stock_code())
		kfd_prove_locking(0);
	r = demo();
	printf("%sok 1 checkpoint_and_restore%s\n", !r || r == KSFT_SKIP ? "" : "not ",
	       r == KSFT_SKIP ? " # SKIP" : "");
	return r;
}
