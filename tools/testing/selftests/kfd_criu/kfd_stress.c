// SPDX-License-Identifier: GPL-2.0
/*
 * Mixed stress: two processes work on all GPUs with every kind of queue,
 * events and SVM migration, while a third one fills the VRAM of one GPU after
 * the other and so forces evictions.  Every byte is checked.
 *
 * kfd_stress [ROUNDS [SECONDS]]; KFD_STRESS_ROUNDS, KFD_STRESS_SECONDS and
 * KFD_STRESS_SEED do the same from the environment.  KFD_STRESS_SVM=0 leaves
 * the SVM part out, KFD_STRESS_HOG=0 the evictions.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#define KFD_TEST_NO_HARNESS
#include "kfd_test.h"

#define WORKERS		2
#define DEFAULT_ROUNDS	6
/* for one step, evicted over and over, under a debug kernel */
#define STEP_MS		60000u
#define HOG_PAUSE_MS	150

#define VRAM_SIZE	(2 * MIB)	/* of each worker on each GPU */
#define HOST_SIZE	(2 * MIB)
#define SVM_SIZE	(2 * MIB)

/* What the processes tell the parent. */
struct worker_report {
	volatile uint32_t rounds;
	volatile uint32_t evictions;
	char error[200];
};

struct report {
	volatile uint32_t stop;
	volatile uint32_t hogged;
	char hog_error[200];
	struct worker_report worker[WORKERS];
};

/* All that one process has on one GPU. */
struct gpu {
	struct kfd_queue q[3];		/* by enum kfd_queue_kind */
	struct kfd_event ev[3];
	struct kfd_bo vram;		/* lower half: work; upper half: stays for rounds */
	struct kfd_bo ib;
	uint32_t kept;			/* pattern of the upper half */
	int smi;
};

struct worker {
	struct env e;
	struct kfd_bo page, in, out, user;
	struct gpu gpu[KFD_MAX_GPUS];
	uint64_t svm;
	uint32_t rng;
	unsigned int svm_on;
	unsigned int index, round;
	struct worker_report *rep;
};

static unsigned int env_number(const char *name, unsigned int value)
{
	const char *s = getenv(name);

	return s && *s ? strtoul(s, NULL, 0) : value;
}

static uint32_t rnd(struct worker *w)
{
	w->rng = w->rng * 1664525u + 1013904223u;
	return w->rng >> 8;
}

/* A size and an offset that are multiples of 4 within @size. */
static void piece(struct worker *w, uint32_t size, uint32_t *off, uint32_t *len)
{
	*off = rnd(w) % (size / 2) & ~3u;
	*len = (rnd(w) % (size / 2 - 4) & ~3u) + 4;
}

static int failed(struct worker *w, const char *fmt, ...)
{
	char what[120];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (!w->rep->error[0])
		snprintf(w->rep->error, sizeof(w->rep->error), "worker %u, round %u: %s", w->index,
			 w->round, what);
	return -1;
}

/* Submit, and wait for the queue's own event. */
static int run(struct worker *w, struct gpu *g, enum kfd_queue_kind kind, const char *what)
{
	struct kfd_queue *q = &g->q[kind];
	struct kfd_event *ev = &g->ev[kind];
	struct hsa_signal *sig = (void *)cell64(&w->e, 512 + q->gpu * 8);
	uint64_t none[5] = { 0 };
	int r;

	switch (kind) {
	case KFD_Q_SDMA:
		sdma_signal(q, &w->page, ev);
		break;
	case KFD_Q_PM4:
		pm4_release_mem(q, kfd_event_slot(&w->page, ev), ev->id, ev->id);
		break;
	case KFD_Q_AQL:
		hsa_signal_init(sig, 1, &w->page, ev);
		aql_barrier_and(q, none, cell_va(&w->e, 512 + q->gpu * 8));
		break;
	}
	kfd_queue_submit(q);
	if (q->overrun)
		return failed(w, "%s: ring of GPU %u stays full", what, q->gpu);
	r = kfd_event_wait(&w->e.k, ev, STEP_MS, NULL);
	if (r)
		return failed(w, "%s: no event from GPU %u: %d", what, q->gpu, r);
	return 0;
}

static int setup(struct worker *w)
{
	struct kfd *k = &w->e.k;
	unsigned int i, kind;
	int r;

	r = env_open(&w->e, 1);
	if (r || w->e.skip)
		return failed(w, "open: %d", r);
	r = kfd_event_page(k, &w->page, 0);
	if (!r)
		r = kfd_bo_create(k, &w->in, 0, 0, HOST_SIZE, KFD_BO_GTT, w->e.all);
	if (!r)
		r = kfd_bo_create(k, &w->out, 0, 0, HOST_SIZE, KFD_BO_GTT, w->e.all);
	if (!r)
		r = kfd_bo_create(k, &w->user, 0, 0, HOST_SIZE, KFD_BO_USERPTR, w->e.all);
	for (i = 0; !r && i < k->ngpu; i++) {
		struct gpu *g = &w->gpu[i];

		for (kind = KFD_Q_SDMA; !r && kind <= KFD_Q_PM4; kind++) {
			r = kfd_queue_create(k, &g->q[kind], kind, i, 0);
			if (!r)
				r = kfd_event_create(k, &g->ev[kind], KFD_IOC_EVENT_SIGNAL, true,
						     i || kind ? NULL : &w->page);
		}
		if (!r)
			r = kfd_bo_create(k, &g->vram, i, 0, VRAM_SIZE, KFD_BO_VRAM, 1u << i);
		if (!r)
			r = kfd_bo_create(k, &g->ib, i, 0, 64 * KIB, KFD_BO_VRAM, 1u << i);
		if (!r) {
			g->kept = w->index << 16 | i;
			pattern_fill((char *)g->vram.cpu + VRAM_SIZE / 2, VRAM_SIZE / 2, g->kept);
			g->smi = smi_open(k, i);
			if (g->smi < 0)
				r = g->smi;
		}
	}
	if (!r && w->svm_on)
		r = kfd_svm_create(k, &w->svm, SVM_SIZE, w->e.all);
	return r ? failed(w, "cannot start: %d", r) : 0;
}

/* User pointer, to VRAM, on to GTT: in pieces that are aligned to nothing but words. */
static int step_sdma(struct worker *w, unsigned int i)
{
	const uint32_t half = VRAM_SIZE / 2, seed = rnd(w);
	struct gpu *g = &w->gpu[i];
	struct kfd_queue *q = &g->q[KFD_Q_SDMA];
	uint32_t at = 0, n, off, len;

	pattern_fill(w->user.cpu, half, seed);
	memset(w->out.cpu, 0, HOST_SIZE);
	while (at < half) {
		n = (rnd(w) % 60000 & ~3u) + 4;
		if (n > half - at)
			n = half - at;
		sdma_copy(q, g->vram.va + at, w->user.va + at, n);
		at += n;
	}
	/* one piece is different */
	piece(w, half, &off, &len);
	sdma_fill(q, g->vram.va + off, ~seed, len);
	sdma_copy_broadcast(q, w->out.va, w->out.va + half, g->vram.va, half);
	if (run(w, g, KFD_Q_SDMA, "SDMA"))
		return -1;
	for (n = 0; n < 2; n++) {
		const uint32_t *p = (uint32_t *)((char *)w->out.cpu + n * half);

		for (at = 0; at < half / 4; at++) {
			uint32_t want = at * 4 - off < len ? ~seed : pattern(seed, at);

			if (p[at] != want)
				return failed(w, "SDMA on GPU %u, copy %u: %#x is %#x, not %#x",
					      i, n, at, p[at], want);
		}
	}
	return 0;
}

/* PM4, with a wait inside an indirect buffer that is let go late. */
static int step_pm4(struct worker *w, unsigned int i)
{
	struct gpu *g = &w->gpu[i];
	struct kfd_queue *q = &g->q[KFD_Q_PM4], ib;
	const uint32_t n = 500 + rnd(w) % 2000, seed = rnd(w);
	volatile uint32_t *gate = cell32(&w->e, i);
	uint32_t *data = w->in.cpu;

	pattern_fill(data, n * 4, seed);
	*gate = 0;
	kfd_ib_begin(&ib, KFD_Q_PM4, q->gfx_version, g->ib.cpu);
	pm4_write_data(&ib, g->vram.va, data, n);
	pm4_wait_equal(&ib, cell_va(&w->e, i), w->round + 1, ~0u);
	pm4_write_data(&ib, g->vram.va + n * 4, data, n);
	pm4_indirect(q, g->ib.va, kfd_ib_dwords(&ib));
	kfd_queue_submit(q);
	sleep_ms(rnd(w) % 8);
	*gate = w->round + 1;
	if (run(w, g, KFD_Q_PM4, "PM4"))
		return -1;
	if (pattern_bad(g->vram.cpu, n * 4, seed) ||
	    pattern_bad((char *)g->vram.cpu + n * 4, n * 4, seed))
		return failed(w, "PM4 on GPU %u: wrong bytes", i);
	return 0;
}

/* A chain of barriers through the AQL queues of all GPUs. */
static int step_aql(struct worker *w)
{
	enum { LINKS = 24 };
	const unsigned int base = 1024;
	struct hsa_signal *sig = (void *)cell64(&w->e, base);
	uint64_t va = cell_va(&w->e, base);
	struct kfd *k = &w->e.k;
	unsigned int i;

	for (i = 0; i <= LINKS; i++)
		hsa_signal_init(&sig[i], 1, NULL, NULL);
	for (i = 0; i < LINKS; i++) {
		uint64_t dep[5] = { va + i * sizeof(*sig) };
		struct kfd_queue *q = &w->gpu[i % k->ngpu].q[KFD_Q_AQL];

		if (i & 2)
			aql_barrier_or(q, dep, va + (i + 1) * sizeof(*sig));
		else
			aql_barrier_and(q, dep, va + (i + 1) * sizeof(*sig));
	}
	for (i = 0; i < k->ngpu; i++)
		kfd_queue_submit(&w->gpu[i].q[KFD_Q_AQL]);
	sleep_ms(rnd(w) % 4);
	if (sig[1].value != 1)
		return failed(w, "AQL: a barrier did not wait");
	sig[0].value = 0;
	for (i = 0; i < k->ngpu; i++)
		if (run(w, &w->gpu[i], KFD_Q_AQL, "AQL"))
			return -1;
	for (i = 0; i <= LINKS; i++)
		if (sig[i].value)
			return failed(w, "AQL: signal %u of the chain is %lld", i,
				      (long long)sig[i].value);
	return 0;
}

/* To a GPU's VRAM and back, a part written there. */
static int step_svm(struct worker *w, unsigned int i)
{
	struct gpu *g = &w->gpu[i];
	struct kfd_queue *q = &g->q[KFD_Q_SDMA];
	uint32_t *p = (void *)(uintptr_t)w->svm, seed = rnd(w), off, len, at;
	int r;

	pattern_fill(p, SVM_SIZE, seed);
	r = kfd_svm_prefetch(&w->e.k, w->svm, SVM_SIZE, w->e.k.gpu[i].gpu_id);
	if (r)
		return failed(w, "SVM: prefetch to GPU %u: %d", i, r);
	piece(w, SVM_SIZE, &off, &len);
	sdma_fill(q, w->svm + off, ~seed, len);
	sdma_copy(q, w->out.va, w->svm, SVM_SIZE);
	if (run(w, g, KFD_Q_SDMA, "SVM"))
		return -1;
	for (at = 0; at < SVM_SIZE / 4; at++) {
		uint32_t want = at * 4 - off < len ? ~seed : pattern(seed, at);

		if (((uint32_t *)w->out.cpu)[at] != want)
			return failed(w, "SVM: GPU %u sees %#x at word %#x, not %#x", i,
				      ((uint32_t *)w->out.cpu)[at], at, want);
		if (p[at] != want)
			return failed(w, "SVM: CPU sees %#x at word %#x, not %#x", p[at], at, want);
	}
	return 0;
}

/* What lies in VRAM from the rounds before, moved out and in any number of times. */
static int step_kept(struct worker *w, unsigned int i)
{
	const uint32_t half = VRAM_SIZE / 2;
	struct gpu *g = &w->gpu[i];

	memset(w->out.cpu, 0, half);
	sdma_copy(&g->q[KFD_Q_SDMA], w->out.va, g->vram.va + half, half);
	if (run(w, g, KFD_Q_SDMA, "kept"))
		return -1;
	if (pattern_bad(w->out.cpu, half, g->kept))
		return failed(w, "GPU %u lost the contents of its VRAM", i);
	if (pattern_bad((char *)g->vram.cpu + half, half, g->kept))
		return failed(w, "CPU sees other VRAM than GPU %u", i);
	if (w->round % 4 == 3) {
		g->kept = rnd(w);
		pattern_fill((char *)g->vram.cpu + half, half, g->kept);
	}
	return 0;
}

/* BOs that come and go, of every kind, and a queue that does. */
static int step_churn(struct worker *w, unsigned int i)
{
	static const uint32_t flags[] = { KFD_BO_VRAM, KFD_BO_GTT, KFD_BO_USERPTR };
	const uint32_t size = (1 + rnd(w) % 64) * KFD_PAGE, seed = rnd(w);
	struct kfd *k = &w->e.k;
	struct gpu *g = &w->gpu[i];
	unsigned int kind = w->round % 3;
	struct kfd_queue *q = &g->q[KFD_Q_SDMA];
	struct kfd_bo bo;
	int r;

	r = kfd_bo_create(k, &bo, i, 0, size, flags[rnd(w) % ARRAY_SIZE(flags)], 1u << i);
	if (r)
		return failed(w, "churn: BO of %u bytes on GPU %u: %d", size, i, r);
	pattern_fill(bo.cpu, size, seed);
	sdma_copy(q, w->out.va, bo.va, size);
	sdma_fill(q, bo.va, seed, size);
	if (run(w, g, KFD_Q_SDMA, "churn"))
		return -1;
	if (pattern_bad(w->out.cpu, size, seed) || words_bad(bo.cpu, size, seed))
		return failed(w, "churn: wrong bytes on GPU %u", i);
	r = kfd_bo_destroy(k, &bo);
	if (r)
		return failed(w, "churn: free on GPU %u: %d", i, r);

	r = kfd_queue_update(k, &g->q[kind], 0, w->round % 16);
	if (!r)
		r = kfd_queue_update(k, &g->q[kind], 100, 7);
	if (!r && w->round % 5 == 4) {
		r = kfd_queue_destroy(k, &g->q[kind]);
		if (!r)
			r = kfd_queue_create(k, &g->q[kind], kind, i, 0);
	}
	return r ? failed(w, "churn: queue of GPU %u: %d", i, r) : 0;
}

static int one_round(struct worker *w)
{
	struct kfd *k = &w->e.k;
	unsigned int i;

	for (i = 0; i < k->ngpu; i++) {
		if (step_sdma(w, i) || step_pm4(w, i) || step_kept(w, i) || step_churn(w, i))
			return -1;
		if (w->svm_on && step_svm(w, i))
			return -1;
		w->rep->evictions += smi_count(w->gpu[i].smi, KFD_SMI_EVENT_QUEUE_EVICTION,
					       KFD_QUEUE_EVICTION_TRIGGER_TTM);
	}
	return step_aql(w);
}

static int work(struct worker *w, struct report *rep, unsigned int rounds, unsigned int seconds)
{
	uint64_t end = clock_ms() + seconds * 1000ULL;

	if (setup(w))
		return -1;
	for (w->round = 0; w->round < rounds; w->round++) {
		if (rep->stop || (seconds && clock_ms() > end))
			break;
		if (one_round(w))
			return -1;
		w->rep->rounds++;
	}
	return 0;
}

/* Never ends by itself. */
static void hog(struct report *rep, struct kfd *k)
{
	unsigned int i;
	int r;

	for (i = 0; !rep->stop; i++) {
		struct kfd_gpu *g = &k->gpu[i % k->ngpu];

		r = kfd_vram_hog(g->render_minor, g->vram_size, i);
		if (r) {
			snprintf(rep->hog_error, sizeof(rep->hog_error),
				 "VRAM of GPU %u: %d", i % k->ngpu, r);
			return;
		}
		rep->hogged++;
		sleep_ms(HOG_PAUSE_MS);
	}
}

static pid_t child(void)
{
	pid_t pid = fork();

	/* whoever kills the parent does not want to leave them behind */
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

int main(int argc, char **argv)
{
	unsigned int rounds = env_number("KFD_STRESS_ROUNDS", DEFAULT_ROUNDS);
	unsigned int seconds = env_number("KFD_STRESS_SECONDS", 0);
	unsigned int hog_on = env_number("KFD_STRESS_HOG", 1);
	unsigned int seed = env_number("KFD_STRESS_SEED", 1);
	unsigned int i, running = WORKERS, done = 0, said = 0;
	pid_t pid[WORKERS], hog_pid = -1, who;
	int status, ok[WORKERS] = { 0 };
	static struct worker w;
	struct report *rep;
	struct kfd k;

	if (argc > 1)
		rounds = strtoul(argv[1], NULL, 0);
	if (argc > 2)
		seconds = strtoul(argv[2], NULL, 0);

	ksft_print_header();
	if (kfd_topology(&k) || !k.ngpu || access("/dev/kfd", R_OK | W_OK))
		ksft_exit_skip("no KFD on this machine\n");
	rep = mmap(NULL, sizeof(*rep), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rep == MAP_FAILED)
		ksft_exit_fail_msg("no memory\n");
	memset(rep, 0, sizeof(*rep));
	ksft_set_plan(WORKERS + 2);
	ksft_print_msg("%u rounds, %u GPUs, seed %u\n", rounds, k.ngpu, seed);
	fflush(stdout);

	for (i = 0; i < WORKERS; i++) {
		pid[i] = child();
		if (!pid[i]) {
			w.index = i;
			w.rng = seed * 7919 + i;
			w.rep = &rep->worker[i];
			w.svm_on = env_number("KFD_STRESS_SVM", 1);
			_exit(work(&w, rep, rounds, seconds) ? 1 : 0);
		}
	}
	if (hog_on) {
		hog_pid = child();
		if (!hog_pid) {
			hog(rep, &k);
			_exit(0);
		}
	}

	while (running) {
		who = waitpid(-1, &status, WNOHANG);
		for (i = 0; who > 0 && i < WORKERS; i++) {
			if (who != pid[i])
				continue;
			running--;
			ok[i] = WIFEXITED(status) && !WEXITSTATUS(status);
			if (!WIFEXITED(status))
				ksft_print_msg("worker %u died of signal %d\n", i,
					       WTERMSIG(status));
			/* one that failed says enough */
			if (!ok[i])
				rep->stop = 1;
		}
		if (who == hog_pid && hog_pid > 0)
			hog_pid = -1;
		if (who <= 0)
			sleep_ms(20);
		done = rep->worker[0].rounds;
		if (done >= said + 10) {
			said = done;
			ksft_print_msg("round %u, %u evictions, VRAM filled %u times\n", done,
				       rep->worker[0].evictions + rep->worker[1].evictions,
				       rep->hogged);
			fflush(stdout);
		}
	}
	rep->stop = 1;
	if (hog_pid > 0)
		waitpid(hog_pid, &status, 0);

	for (i = 0; i < WORKERS; i++) {
		if (rep->worker[i].error[0])
			ksft_print_msg("%s\n", rep->worker[i].error);
		ksft_test_result(ok[i] && rep->worker[i].rounds, "worker %u: %u rounds\n", i,
				 rep->worker[i].rounds);
	}
	if (hog_on) {
		if (rep->hog_error[0])
			ksft_print_msg("%s\n", rep->hog_error);
		ksft_test_result(!rep->hog_error[0] && rep->hogged, "VRAM filled %u times\n",
				 rep->hogged);
		/* without them the stress would not be one */
		ksft_test_result(rep->worker[0].evictions + rep->worker[1].evictions > 0,
				 "%u and %u evictions\n", rep->worker[0].evictions,
				 rep->worker[1].evictions);
	} else {
		ksft_test_result_skip("VRAM not filled\n");
		ksft_test_result_skip("no evictions wanted\n");
	}
	ksft_finished();
}
