/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A row of the table of what checkpoint and restore preserve: a test of the
 * kselftest harness that starts from nothing, and whose outcome is compared
 * with what kfd_criu_expect.h says of the running kernel.  A row that behaves
 * otherwise than written there fails, also when it is better.
 *
 * The program defines CRIU_ROWS, the list of its rows in kfd_criu_expect.h.
 */
#ifndef KFD_CRIU_ROW_H
#define KFD_CRIU_ROW_H

#include <dirent.h>
#include "../kselftest_harness.h"
#include "kfd_criu_expect.h"
#include "kfd_criu_scene.h"

FIXTURE(criu) {
};

FIXTURE_SETUP(criu)
{
}

FIXTURE_TEARDOWN(criu)
{
}

enum verdict { PASSED, FAILED, BROKEN, UNFIT };

static enum verdict verdict;

/* What a row that passes has to tell. */
static char said[200];

/* How long a row may take. */
#ifndef ROW_SECONDS
#define ROW_SECONDS		300
#endif

#define STOP(v, cond, ...)				\
	do {						\
		if (!(cond)) {				\
			verdict = (v);			\
			note(s, __VA_ARGS__);		\
			return;				\
		}					\
	} while (0)

/* What the row is about. */
#define CHECK(cond, ...)	STOP(FAILED, cond, __VA_ARGS__)
/* What it needs: never an expected failure. */
#define SETUP(cond, ...)	STOP(BROKEN, cond, __VA_ARGS__)
/* What this machine may not have. */
#define REQUIRE(cond, ...)	STOP(UNFIT, cond, __VA_ARGS__)
/*
 * A feature that hardware or its kernel may lack, and that simulated GPUs of this kind have:
 * there, a failure has another reason, and must not become a row that is not run.
 */
#define REQUIRE_HW(cond, ...)	STOP(kfd_simulated() ? BROKEN : UNFIT, cond, __VA_ARGS__)
/* The image of the last CHECKPOINT must be of version 2. */
#define REQUIRE_V2(s)									\
	do {										\
		REQUIRE(!criu_stock_code(), "images of the base kernel are of version 1");	\
		REQUIRE_HW(img_is_v2(&(s)->img), "the image is not of version 2");	\
	} while (0)

#define SRC			(&s->p[0])
#define DST			(&s->p[1])
#define THIRD			(&s->p[2])

/*
 * A line of the table, for whoever collects them: what the row is, what the
 * stock code is expected to do with it, what happened now, and why.  Before that, the row
 * names the code that it judges, so that a collector that booted another one can complain.
 */
static void table(const char *row, const char *stock, const char *result, const char *why)
{
	static bool begun;

	if (!begun)
		printf("# KERNEL: %s\n# TABLE: row | stock | this run | reason\n",
		       criu_code_name());
	begun = true;
	printf("# TABLE: %s | %s | %s | %s\n", row, stock, result, why);
	fflush(stdout);
}

static const struct criu_expect *criu_expectation(const char *row)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(CRIU_ROWS); i++)
		if (!strcmp(CRIU_ROWS[i].row, row))
			return &CRIU_ROWS[i];
	return NULL;
}

/* Does @why begin like one of what @seen has, with | in between? */
static bool was_expected(const char *seen, const char *why)
{
	size_t len;

	for (;; seen += len + 1) {
		len = strcspn(seen, "|");
		if (!strncmp(why, seen, len))
			return true;
		if (!seen[len])
			return false;
	}
}

/* --- a witness --- */

/**
 * struct witness - memory that a row shares with its witness
 * @patience: of the row's processes, for waits that are to be given up
 * @asked: how many times somebody has asked for a turn of the machine
 * @answered: how many of them have been answered
 * @result: the last answer
 * @stop: the row is over, set before the last question
 * @pid: the witness
 *
 * On demand, the witness starts a process that lets all GPUs have their turn, see kfd_turns(),
 * and ends.  The processes of the row cannot do this: they may be paused, or have met a fault.
 */
struct witness {
	struct kfd_patience patience;
	uint32_t asked, answered;
	int result;
	bool stop;
	pid_t pid;
};

static struct witness *witness;

/* How long somebody waits in vain before the witness lets the GPUs have their turn. */
#define DOUBT_MS		1500u
/* How many turns the GPUs have before the wait is given up. */
#define DOUBT_TURNS		3u

static void __attribute__((noreturn)) witness_turn(void)
{
	struct kfd k;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	kfd_patience = NULL;
	r = kfd_open_all(&k);
	_exit(r ? -r : -kfd_turns(&k, (1u << k.ngpu) - 1));
}

static bool witness_told_to_stop(void)
{
	return __atomic_load_n(&witness->stop, __ATOMIC_ACQUIRE);
}

/* 0, or a negative errno if the GPUs had no turn. */
static int witness_turns(unsigned int n)
{
	struct proc p = { 0 };
	siginfo_t end;
	int r = 0;

	for (; n && !r; n--) {
		p.pid = fork();
		if (!p.pid)
			witness_turn();
		if (p.pid < 0)
			return -errno;
		end.si_pid = 0;
		do {
			usleep(1000);
			waitid(P_PID, p.pid, &end, WEXITED | WNOHANG | WNOWAIT);
		} while (!end.si_pid && !witness_told_to_stop());
		/* KFD has the queues for longer than there is the process */
		r = reap(&p);
		if (!r && end.si_pid)
			r = end.si_code == CLD_EXITED ? -end.si_status : -EIO;
	}
	return r;
}

static void __attribute__((noreturn)) witness_main(void)
{
	uint32_t waiting = 0, now, asked;
	uint64_t since = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		word_sleep(&witness->asked, witness->answered, DOUBT_MS / 10);
		if (witness_told_to_stop())
			_exit(0);
		asked = __atomic_load_n(&witness->asked, __ATOMIC_ACQUIRE);
		if (asked != witness->answered) {
			witness->result = witness_turns(1);
			__atomic_store_n(&witness->answered, asked, __ATOMIC_RELEASE);
			word_wake(&witness->answered);
		}
		now = __atomic_load_n(&witness->patience.waiting, __ATOMIC_SEQ_CST);
		if (now != waiting) {
			waiting = now;
			since = scene_clock();
		}
		if (!waiting || scene_clock() < since + DOUBT_MS)
			continue;
		/* if the GPUs do nothing at all, the wait goes on until its time is over */
		if (!witness_turns(DOUBT_TURNS))
			__atomic_store_n(&witness->patience.given_up, waiting, __ATOMIC_SEQ_CST);
		since = UINT64_MAX - DOUBT_MS;
	}
}

/* Before any process of the row is forked: the processes share this memory. */
static bool witness_begin(void)
{
	pid_t pid;

	witness = mmap(NULL, sizeof(*witness), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (witness == MAP_FAILED)
		return false;
	fflush(stdout);
	/* not right into the memory that both share: the child would see what its parent got */
	pid = fork();
	if (!pid)
		witness_main();
	witness->pid = pid;
	return pid > 0;
}

static void witness_end(void)
{
	__atomic_store_n(&witness->stop, true, __ATOMIC_RELEASE);
	__atomic_add_fetch(&witness->asked, 1, __ATOMIC_SEQ_CST);
	word_wake(&witness->asked);
	waitpid(witness->pid, NULL, 0);
}

/* Returns when each GPU has done work that was submitted later than the work before the call. */
static int UNUSED machine_turns(struct ctx *c)
{
	uint32_t asked = __atomic_add_fetch(&witness->asked, 1, __ATOMIC_SEQ_CST), answered;
	uint64_t end = scene_clock() + CALL_MS;

	word_wake(&witness->asked);
	while ((answered = __atomic_load_n(&witness->answered, __ATOMIC_ACQUIRE)) != asked) {
		NEED(c, scene_clock() < end, "no witness");
		word_sleep(&witness->answered, answered, 1000);
	}
	NEED(c, !witness->result, "the GPUs work for nobody else: %s",
	     strerror(-witness->result));
	return 0;
}

static void run_row(struct __test_metadata *_metadata, const char *row, unsigned int flags,
		    void (*fn)(struct scene *s))
{
	const struct criu_expect *e = criu_expectation(row);
	enum criu_outcome want = e ? criu_wanted(e) : CRIU_PASS;
	const char *reason = e ? e->reason : "";
	const char *stock = criu_stock_says(e);
	bool judged;
	int prove = 0;
	struct scene *s;
	char why[256];

	/* for those who work on the reason */
	if (want == CRIU_NOT_RUN && getenv("KFD_CRIU_RUN_ALL"))
		want = CRIU_PASS;
	if (want == CRIU_NOT_RUN) {
		table(row, stock, "not run", reason);
		SKIP(return, "not run: %s", reason);
	}
	s = scene_new(flags);
	ASSERT_NE(NULL, s);
	if (s->here.ngpu < 2) {
		unsigned int n = s->here.ngpu;

		scene_free(s);
		SKIP(return, "two GPUs needed, %u found", n);
	}
	judged = criu_judged(&s->here);
	ASSERT_TRUE(witness_begin());
	/*
	 * The time limit is the same for all kernels.  A row that is expected to fail need not
	 * wait until the limit: the witness begins its work later than the work that the row
	 * waits for, and on a slow machine it is as slow.
	 */
	if ((want == CRIU_FAIL && !e->alone) || !judged)
		kfd_patience = &witness->patience;
	/* stock code takes topology_lock under a dqm lock, which closes a cycle of locks */
	if (criu_stock_code())
		prove = kfd_prove_locking(0);
	verdict = PASSED;
	fn(s);
	snprintf(why, sizeof(why), "%s", s->why);
	witness_end();
	scene_free(s);
	if (prove)
		kfd_prove_locking(prove);

	if (verdict == UNFIT) {
		table(row, stock, "not run", why);
		SKIP(return, "not on this machine: %s", why);
	}
	if (!judged) {
		table(row, "", verdict == PASSED ? "pass" : "fail", why);
		if (verdict == PASSED)
			return;
		snprintf(_metadata->results->reason, sizeof(_metadata->results->reason),
			 "told, not judged: %s", why);
		_metadata->exit_code = KSFT_XFAIL;
		return;
	}
	if (verdict == BROKEN) {
		table(row, stock, "broken", why);
		TH_LOG("no result: %s", why);
		_metadata->exit_code = KSFT_FAIL;
	} else if (verdict == PASSED) {
		table(row, stock, "pass", criu_stock_code() ? "" : *said ? said : reason);
		if (want == CRIU_FAIL) {
			TH_LOG("passed, but was expected to fail: %s", reason);
			_metadata->exit_code = KSFT_FAIL;
		}
	} else if (want == CRIU_FAIL && was_expected(e->seen, why)) {
		table(row, stock, "fail", reason);
		snprintf(_metadata->results->reason, sizeof(_metadata->results->reason),
			 "%s (%s)", reason, why);
		_metadata->exit_code = KSFT_XFAIL;
	} else {
		table(row, stock, "FAIL", why);
		TH_LOG("failed: %s", why);
		if (want == CRIU_FAIL)
			TH_LOG("expected another failure: %s", e->seen);
		_metadata->exit_code = KSFT_FAIL;
	}
}

#define ROW(name, flags)						\
	static void row_##name(struct scene *s);			\
	TEST_F_TIMEOUT(criu, name, ROW_SECONDS)				\
	{								\
		run_row(_metadata, #name, flags, row_##name);		\
	}								\
	static void row_##name(struct scene *s)

/* A source process with everything; false: nothing can be said about the row. */
static bool UNUSED started(struct scene *s)
{
	if (!start(s, SRC))
		return true;
	note(s, "the source cannot be built");
	verdict = BROKEN;
	return false;
}

/*
 * Can GPU @b go on where GPU @a was?  Partitions cannot take each other's place: the
 * doorbell of an SDMA queue says which engine it is of, and they have engines of their own.
 */
static bool UNUSED same_kind(const struct kfd_gpu *a, const struct kfd_gpu *b)
{
	return a->gfx_version == b->gfx_version && a->num_xcc == b->num_xcc &&
	       a->partition == b->partition;
}

/* Can the first two GPUs change places? */
static bool UNUSED swappable(struct scene *s)
{
	if (same_kind(&s->here.gpu[0], &s->here.gpu[1]))
		return true;
	note(s, "GPUs of different kinds, or partitions, cannot take each other's place");
	verdict = UNFIT;
	return false;
}

/* From @from, that ends, to @to, that runs. */
static bool UNUSED moved(struct scene *s, struct proc *from, struct proc *to, bool swap)
{
	int r;

	if (swap && !swappable(s))
		return false;
	r = dump(s, from);
	if (!r) {
		r = reap(from);
		if (r)
			note(s, "KFD keeps the killed process: %s", strerror(-r));
	}
	if (!r)
		r = restore(s, from, to, swap);
	if (!r) {
		r = resume(s, to);
		if (r)
			note(s, "RESUME: %s", strerror(-r));
	}
	if (!r)
		return true;
	note(s, "not restored");
	verdict = FAILED;
	return false;
}

#define START()		do { if (!started(s)) return; } while (0)
#define MOVE(swap)	do { if (!moved(s, SRC, DST, swap)) return; } while (0)

/* PROCESS_INFO from outside; the source goes on running with its queues paused. */
static int UNUSED pause_queues(struct proc *p)
{
	struct kfd_ioctl_criu_args args;
	int fd = grab(p), r;

	if (fd < 0)
		return fd;
	r = kfd_criu_process_info(fd, &args);
	let_go(p, fd);
	return r;
}

static int UNUSED unpause_queues(struct proc *p)
{
	int fd = grab(p), r;

	if (fd < 0)
		return fd;
	r = kfd_criu_unpause(fd);
	let_go(p, fd);
	return r;
}

static unsigned int UNUSED open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* The kind of the newest descriptors of the process: the ones that a failed call has left. */
static const char UNUSED *last_fd_kind(void)
{
	DIR *d = opendir("/proc/self/fd");
	char path[32], target[64] = "";
	struct dirent *e;
	int last = -1;
	ssize_t len;

	while (d && (e = readdir(d)))
		if (atoi(e->d_name) > last && atoi(e->d_name) != dirfd(d))
			last = atoi(e->d_name);
	if (d) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", last);
		len = readlink(path, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = 0;
		closedir(d);
	}
	return strstr(target, "dmabuf") ? "dma-bufs" :
	       strstr(target, "renderD") ? "render nodes" : "descriptors";
}

/* More than a RESTORE opens by itself, for /dev/kfd and each GPU. */
#define NEXT_FDS		16

/*
 * The number of the last of some descriptors that are opened now. One that is reserved, and
 * in no list of open ones, makes it higher.
 */
static int UNUSED next_fd(void)
{
	int fds[NEXT_FDS];
	unsigned int i;

	for (i = 0; i < NEXT_FDS; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (i = 0; i < NEXT_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return fds[NEXT_FDS - 1];
}

/* Submitted work stays where it is.  The fence is left for when the queue runs again. */
static int UNUSED call_sdma_stays(struct ctx *c)
{
	sdma_fence(&c->sdma, cell_va(c, CELL_FENCE), ++c->fence);
	kfd_queue_submit(&c->sdma);
	if (machine_turns(c))
		return -1;
	NEED(c, *cell32(c, CELL_FENCE) != c->fence, "the SDMA queue runs");
	return 0;
}

static int UNUSED call_sdma_catches_up(struct ctx *c)
{
	NEED(c, kfd_wait32(cell32(c, CELL_FENCE), c->fence, c->s->wait_ms),
	     "work that was submitted while paused is lost");
	return 0;
}

/* The queue's GPU reads the first page of what is at @va. */
static int UNUSED gpu_reads(struct ctx *c, struct kfd_queue *q, uint64_t va, uint32_t seed,
			    const char *name)
{
	unsigned int word = q->gpu == GPU_A ? CELL_FENCE : CELL_FENCE_B;
	void *result = (void *)cell(c, CELL_RESULT);

	memset(result, 0, KFD_PAGE);
	sdma_copy(q, cell_va(c, CELL_RESULT), va, KFD_PAGE);
	sdma_fence(q, cell_va(c, word), ++c->fence);
	kfd_queue_submit(q);
	NEED(c, kfd_wait32(cell32(c, word), c->fence, c->s->wait_ms),
	     "GPU %c does not finish a copy from %s", 'A' + q->gpu, name);
	NEED(c, !scene_bad(result, KFD_PAGE, seed), "GPU %c reads wrong data from %s",
	     'A' + q->gpu, name);
	return 0;
}

/* A number that KFD shows of a process and a GPU: file @file of the GPU's @kind, or -1. */
static long long UNUSED proc_number(pid_t pid, const char *kind, uint32_t gpu_id,
				    const char *file)
{
	long long v = -1;
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/virtual/kfd/kfd/proc/%d/%s_%u%s", pid, kind,
		 gpu_id, file);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%lld", &v) != 1)
		v = -1;
	fclose(f);
	return v;
}

/* Bytes of VRAM that KFD accounts to a process. */
static long long UNUSED vram_usage(pid_t pid, uint32_t gpu_id)
{
	return proc_number(pid, "vram", gpu_id, "");
}

static bool UNUSED write_version(const char *version)
{
	return !kfd_write_text(IMAGE_VERSION, version);
}

#define MQD_DWORDS		512

/*
 * The memory queue descriptor of the process' first compute queue, as debugfs
 * shows it.  Dwords up to 150 are laid out alike from gfx9 on.
 */
static bool UNUSED read_mqd(pid_t pid, uint32_t mqd[MQD_DWORDS])
{
	FILE *f = fopen("/sys/kernel/debug/kfd/mqds", "re");
	bool mine = false, compute = false, found = false;
	unsigned int off, n, used, id;
	char line[256], *p;

	memset(mqd, 0, MQD_DWORDS * 4);
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Process %u PASID", &id) == 1) {
			mine = id == (unsigned int)pid;
			continue;
		}
		if (strstr(line, "queue on device")) {
			compute = mine && strstr(line, "Compute") && !found;
			continue;
		}
		if (!compute || sscanf(line, " %x: %n", &off, &used) != 1)
			continue;
		found = true;
		for (p = line + used, n = off / 4; n < MQD_DWORDS; n++) {
			char *end;
			unsigned long v = strtoul(p, &end, 16);

			if (end == p)
				break;
			mqd[n] = v;
			p = end;
		}
	}
	if (f)
		fclose(f);
	return found;
}

/* Names and dwords of what is looked at in an MQD. */
enum {
	MQD_CU_MASK_SE0 = 23, MQD_BASE_LO = 128, MQD_BASE_HI = 129, MQD_ACTIVE = 130,
	MQD_VMID = 131, MQD_PERSISTENT = 132, MQD_PIPE_PRIORITY = 133,
	MQD_QUEUE_PRIORITY = 134, MQD_PQ_BASE_LO = 136, MQD_PQ_BASE_HI = 137,
	MQD_PQ_RPTR = 138, MQD_RPTR_REPORT_LO = 139, MQD_RPTR_REPORT_HI = 140,
	MQD_WPTR_POLL_LO = 141, MQD_WPTR_POLL_HI = 142, MQD_PQ_DOORBELL = 143,
	MQD_PQ_CONTROL = 145, MQD_CTL_STACK_OFFSET = 174, MQD_WG_STATE_OFFSET = 176
};

/* Rows without a test are told here, and every other row of the list must have its test. */
TEST_F(criu, table_names_rows)
{
	struct __fixture_metadata *f = _metadata->fixture;
	struct __test_metadata *t;
	unsigned int i;
	bool found;

	for (i = 0; i < ARRAY_SIZE(CRIU_ROWS); i++) {
		const struct criu_expect *e = &CRIU_ROWS[i];

		for (found = false, t = f->tests; t; t = t->next)
			found |= !strcmp(t->name, e->row);
		EXPECT_EQ(e, criu_expectation(e->row)) {
			TH_LOG("row %s is there twice", e->row);
		}
		if (e->hws == CRIU_NO_TEST) {
			table(e->row, "no test", "no test", e->reason);
			EXPECT_FALSE(found) {
				TH_LOG("row %s has a test after all", e->row);
			}
		} else {
			EXPECT_TRUE(found) {
				TH_LOG("row %s has no test", e->row);
			}
		}
	}
}

#endif
