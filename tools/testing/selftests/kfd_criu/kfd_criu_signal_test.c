// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint and restore of GPU processes: a caller that is killed.  RESTORE and RESUME of a
 * process with many objects take long, and a caller that is killed must not be kept until the
 * end.  The driver's tracepoints tell how far an operation came.
 */
#define _GNU_SOURCE
#define CRIU_ROWS		criu_signal_rows
#include "kfd_criu_row.h"
#include "kfd_criu_log.h"

/* So many objects that each operation takes much longer than a kill. */
#define CROWD			1000u
#define CROWD_VA		SCENE_VA(64)
#define CROWD_STEP		(2ULL * KFD_PAGE)
#define CROWD_BYTES		(CROWD * CROWD_STEP)
/* On a busy machine the kill may come after the end. */
#define KILL_TIMES		30
#define TRACE			TRACING "/trace"
#define TRACE_OP		TRACE_EVENTS "/kfd_criu_op/enable"
#define TRACE_OBJECT		TRACE_EVENTS "/kfd_criu_object/enable"

static int build_bos(struct ctx *c, uint32_t flags)
{
	struct kfd_bo bo;
	unsigned int i;

	TRY(c, kfd_open_all(&c->k));
	for (i = 0; i < CROWD; i++)
		TRY(c, kfd_bo_alloc(&c->k, &bo, GPU_A, CROWD_VA + i * CROWD_STEP, KFD_PAGE, flags));
	return 0;
}

static int call_build_bos(struct ctx *c)
{
	return build_bos(c, KFD_BO_GTT);
}

static int call_build_events(struct ctx *c)
{
	struct kfd_event e;
	unsigned int i;

	TRY(c, kfd_open_all(&c->k));
	for (i = 0; i < CROWD; i++)
		TRY(c, kfd_event_create(&c->k, &e, KFD_IOC_EVENT_MEMORY, true, NULL));
	return 0;
}

static int crowd_memory(struct ctx *c)
{
	NEED(c, map_pages(c, CROWD_VA, CROWD_BYTES, -1) != MAP_FAILED, "mmap: %s",
	     strerror(errno));
	return 0;
}

static int call_build_userptrs(struct ctx *c)
{
	return crowd_memory(c) || build_bos(c, KFD_BO_USERPTR) ? -1 : 0;
}

static int call_build_ranges(struct ctx *c)
{
	struct kfd_ioctl_svm_attribute attr = { .type = KFD_IOCTL_SVM_ATTR_ACCESS };
	unsigned int i;

	TRY(c, kfd_open_all(&c->k));
	if (crowd_memory(c))
		return -1;
	attr.value = c->k.gpu[GPU_A].gpu_id;
	for (i = 0; i < CROWD; i++)
		TRY(c, kfd_svm_set(&c->k, CROWD_VA + i * CROWD_STEP, KFD_PAGE, &attr, 1));
	return 0;
}

static int call_restore_crowd(struct ctx *c)
{
	return crowd_memory(c) || call_restore(c) ? -1 : 0;
}

/* Of what CRIU's main process does, in a process of its own.  arg[0]: whom it resumes */
static int call_resume(struct ctx *c)
{
	int fd = open("/dev/kfd", O_RDWR | O_CLOEXEC), r;

	NEED(c, fd >= 0, "/dev/kfd: %s", strerror(errno));
	r = kfd_criu_resume(fd, c->arg[0]);
	close(fd);
	return r;
}

/**
 * struct deed - an operation whose caller is to be killed
 * @op: its name in the trace
 * @object: what the trace says of each object that it makes, or NULL if it says nothing
 * @caller: the process that calls it
 * @call: what that process does
 * @signal: what kills it
 */
struct deed {
	const char *op, *object;
	struct proc *caller;
	call_fn call;
	int signal;
};

/*
 * Kill the caller when the first object is there, or @late_us after the call.  Returns the
 * result of the operation, or 1 if it did not begin.
 */
static int killed_within(const struct deed *deed, pid_t target, unsigned int late_us)
{
	struct proc *p = deed->caller;
	char op[32];
	int err;

	kfd_write_text(TRACE, "");
	snprintf(op, sizeof(op), "%s pid=%d ", deed->op, target);
	p->call = deed->call;
	proc_is_busy(p, true);
	if (!deed->object)
		usleep(late_us);
	while (deed->object && __atomic_load_n(&p->busy, __ATOMIC_ACQUIRE) &&
	       !lines_with(TRACE, "kfd_criu_object", deed->object))
		;
	kill(p->pid, deed->signal);
	if (reap(p))
		return -ETIMEDOUT;
	for (err = EINTR; err >= 0; err -= EINTR)
		if (lines_with(TRACE, op, err ? "err=-4" : "err=0"))
			return -err;
	return 1;
}

static bool trace_on(bool on)
{
	return !kfd_write_text(TRACE_OP, on ? "1" : "0") &&
	       !kfd_write_text(TRACE_OBJECT, on ? "1" : "0");
}

/* An image of a crowd, and what it takes to see how far its RESTORE or RESUME comes. */
static bool crowd_ready(struct scene *s, call_fn build)
{
	if (!traces()) {
		verdict = UNFIT;
		note(s, "a kernel without tracing of events");
		return false;
	}
	if (spawn(s, SRC) || call(SRC, build) || dump(s, SRC) || reap(SRC)) {
		verdict = BROKEN;
		return false;
	}
	if (trace_on(true))
		return true;
	verdict = FAILED;
	note(s, "no tracepoint for objects");
	return false;
}

/* A copy that is left alone is not disturbed by those that were before. */
static void crowd_is_good(struct scene *s)
{
	SETUP(!spawn(s, DST), "fork");
	DST->c = SRC->c;
	DST->c.arg[0] = 0;
	CHECK(!call(DST, call_restore_crowd) && !resume(s, DST), "a copy that is left alone");
}

static void killed_in_restore(struct scene *s, call_fn build, const char *object, int signal)
{
	const struct deed deed = { "RESTORE", object, DST, call_restore_crowd, signal };
	unsigned int i, made = 0;
	int r = 1;

	if (!crowd_ready(s, build))
		return;
	for (i = 0; i < KILL_TIMES && r >= 0; i++) {
		SETUP(!spawn(s, DST), "fork");
		DST->c = SRC->c;
		DST->c.arg[0] = 0;
		r = killed_within(&deed, DST->pid, 0);
		made = lines_with(TRACE, object, "err=0");
	}
	trace_on(false);
	CHECK(r == -EINTR, "killed %u times in RESTORE, the last one ends with %d", i, r);
	CHECK(made && made < CROWD, "RESTORE of one that is killed makes %u of %u objects", made,
	      CROWD);
	crowd_is_good(s);
}

ROW(restore_of_bos_ends_when_killed, S_NO_JOB)
{
	killed_in_restore(s, call_build_bos, "bo create", SIGKILL);
}

/* Not SIGKILL itself, but the end of a process that has no other plans. */
ROW(restore_of_events_ends_when_killed, S_NO_JOB)
{
	killed_in_restore(s, call_build_events, "event create", SIGTERM);
}

/* Somebody else, with its own /dev/kfd, may resume the process that the killed one did not. */
static void killed_in_resume(struct scene *s, call_fn build, const char *object)
{
	const struct deed deed = { "RESUME", object, THIRD, call_resume, SIGKILL };
	unsigned int i;
	int r = 1;

	if (!crowd_ready(s, build))
		return;
	for (i = 0; i < KILL_TIMES && r >= 0; i++) {
		if (!r)
			CHECK(!reap(DST), "KFD keeps a copy");
		if (!DST->pid) {
			SETUP(!spawn(s, DST), "fork");
			DST->c = SRC->c;
			DST->c.arg[0] = 0;
			CHECK(!call(DST, call_restore_crowd), "restore");
		}
		SETUP(!spawn(s, THIRD), "fork");
		THIRD->c.arg[0] = DST->pid;
		r = killed_within(&deed, DST->pid, 500 * i);
	}
	trace_on(false);
	CHECK(r == -EINTR, "killed %u times in RESUME, the last one ends with %d", i, r);
	CHECK(!resume(s, DST), "RESUME after the one whose caller was killed");
}

ROW(resume_of_userptrs_ends_when_killed, S_NO_JOB)
{
	killed_in_resume(s, call_build_userptrs, NULL);
}

ROW(resume_of_ranges_ends_when_killed, S_NO_JOB)
{
	killed_in_resume(s, call_build_ranges, "range create");
}

TEST_HARNESS_MAIN
