// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint and restore of GPU processes: who may do it, and to whom.  Each
 * row is one who tries, with certain rights, all that he can try; what is allowed
 * has its effect, and what is refused has none.
 *
 * What the rows find is the table in Documentation/gpu/amdgpu/amdkfd-criu.rst.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#define CRIU_ROWS		criu_perm_rows
#include "kfd_criu_fresh.h"

#define CAP(name)		(1ULL << CAP_##name)
/* For whoever opens device nodes, whatever their mode is here. */
#define BARE			CAP(DAC_OVERRIDE)
#define WITH_CR			(BARE | CAP(CHECKPOINT_RESTORE))
#define WITH_ADMIN		(BARE | CAP(SYS_ADMIN))
#define WITH_PTRACE		(BARE | CAP(SYS_PTRACE))
#define WITH_CR_PTRACE		(WITH_CR | CAP(SYS_PTRACE))
#define EVERYTHING		((1ULL << (CAP_LAST_CAP + 1)) - 1)

/* Ids that own nothing. */
#define USER			54321u
#define OTHER_USER		54322u

enum space {
	INIT_SPACE,		/* the machine's user namespace */
	OWN_SPACE,		/* a new one, with all capabilities there */
	SHARED_SPACE,		/* that of the process m->space */
};

/**
 * struct who - what a process turns into
 * @uid: user and group
 * @caps: all its capabilities, in the machine's user namespace
 * @space: its user namespace
 * @closed: it can't be traced by its own user (PR_SET_DUMPABLE 0)
 */
struct who {
	unsigned int uid;
	uint64_t caps;
	enum space space;
	bool closed;
};

static const struct who user = { .uid = USER, .caps = BARE };
static const struct who closed = { .uid = USER, .caps = BARE, .closed = true };
static const struct who other = { .uid = OTHER_USER, .caps = BARE };
static const struct who in_space = { .uid = USER, .space = OWN_SPACE };
static const struct who in_same_space = { .uid = USER, .space = SHARED_SPACE };

/**
 * struct perm - what the processes of a row tell each other
 * @who: what the next one turns into
 * @space: whose user namespace, for SHARED_SPACE
 * @target: on whom the operation is tried
 * @target_fd: which of its descriptors is /dev/kfd
 * @op: the operation
 * @k: GPUs and own files of the one who tries; its fd is his own /dev/kfd
 * @given: the target's /dev/kfd, that he was given and did not take as a tracer, or -1
 * @self: he is the target
 * @untraced: he does not try to trace the target
 * @pair: sockets for @given
 * @seized: what came of tracing
 * @err: what came of the operation
 */
struct perm {
	struct who who;
	pid_t space, target;
	int target_fd;
	enum kfd_criu_op op;
	struct kfd k;
	int given, pair[2];
	bool self, untraced;
	int seized, err;
};

static struct perm *m;

/* --- what the processes do --- */

static int enter_space(struct ctx *c, const struct who *who)
{
	char text[64];
	int fd;

	if (who->space == OWN_SPACE) {
		NEED(c, !unshare(CLONE_NEWUSER), "user namespace: %s", strerror(errno));
		TRY(c, kfd_write_text("/proc/self/setgroups", "deny"));
		snprintf(text, sizeof(text), "0 %u 1", who->uid);
		TRY(c, kfd_write_text("/proc/self/uid_map", text));
		TRY(c, kfd_write_text("/proc/self/gid_map", text));
	} else if (who->space == SHARED_SPACE) {
		snprintf(text, sizeof(text), "/proc/%d/ns/user", m->space);
		fd = open(text, O_RDONLY | O_CLOEXEC);
		NEED(c, fd >= 0 && !setns(fd, CLONE_NEWUSER), "user namespace of another: %s",
		     strerror(errno));
		close(fd);
	}
	return 0;
}

/* Turn into m->who, for good. */
static int call_become(struct ctx *c)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct who *who = &m->who;
	struct __user_cap_data_struct d[2] = {
		{ .effective = who->caps, .permitted = who->caps },
		{ .effective = who->caps >> 32, .permitted = who->caps >> 32 },
	};

	NEED(c, !prctl(PR_SET_KEEPCAPS, 1) && !setgroups(0, NULL) &&
	     !setresgid(who->uid, who->uid, who->uid) && !setresuid(who->uid, who->uid, who->uid) &&
	     !syscall(SYS_capset, &h, d), "another user: %s", strerror(errno));
	/* a change of user takes these away */
	prctl(PR_SET_DUMPABLE, 1);
	if (enter_space(c, who))
		return -1;
	prctl(PR_SET_DUMPABLE, !who->closed);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}

/* While it still may: the files that the one who tries is going to need. */
static int call_prepare(struct ctx *c)
{
	unsigned int g;
	char path[64];

	TRY(c, kfd_open(&m->k));
	for (g = 0; g < m->k.ngpu; g++) {
		snprintf(path, sizeof(path), "/dev/dri/renderD%d", m->k.gpu[g].render_minor);
		m->k.gpu[g].drm_fd = open(path, O_RDWR | O_CLOEXEC);
		NEED(c, m->k.gpu[g].drm_fd >= 0, "%s: %s", path, strerror(errno));
	}
	return 0;
}

static int raw_op(int fd, enum kfd_criu_op op)
{
	struct kfd_ioctl_criu_args args = { .op = op, .pid = m->target };

	return ioctl(fd, AMDKFD_IOC_CRIU_OP, &args) ? -errno : 0;
}

/* All of it, and one BO's bytes from it. */
static int checkpoint(int fd, struct ctx *c)
{
	struct kfd_image img;
	uint32_t i, bad = ~0u;
	int r = kfd_criu_checkpoint(fd, &img);

	if (r)
		return r;
	r = kfd_criu_save_contents(&m->k, &img);
	for (i = 0; !r && i < img.info.num_bos; i++)
		if (img.bos[i].addr == SCENE_VA(BO_VRAM_A))
			bad = scene_bad(img.contents[i], HALF, SEED_BO(BO_VRAM_A));
	kfd_image_free(&img);
	NEED(c, !r && !bad, "contents at CHECKPOINT: %s, %u words wrong", strerror(-r), bad);
	return 0;
}

static int try_op(struct ctx *c, int fd)
{
	int r;

	switch (m->op) {
	case KFD_CRIU_OP_CHECKPOINT:
		/* without buffers: is it the rights that are looked at first? */
		r = raw_op(fd, m->op);
		return r == -EINVAL ? checkpoint(fd, c) : r;
	case KFD_CRIU_OP_RESUME:
		return raw_op(m->self ? c->k.fd : m->k.fd, m->op);
	default:
		return raw_op(fd, m->op);
	}
}

/*
 * m->op on the target, as its tracer if that can be; with a descriptor that was given if not.
 * RESUME does without both.
 */
static int call_try(struct ctx *c)
{
	bool trace = !m->self && !m->untraced && m->op != KFD_CRIU_OP_RESUME;
	int fd = m->self ? c->k.fd : m->given;

	m->seized = trace ? kfd_seize(m->target) : 0;
	if (trace && !m->seized) {
		fd = kfd_steal_fd(m->target, m->target_fd);
		NEED(c, fd >= 0, "a tracer gets no descriptor: %s", strerror(-fd));
	}
	m->err = try_op(c, fd);
	if (trace && !m->seized) {
		close(fd);
		kfd_release(m->target);
	}
	return 0;
}

/* One who has been given the descriptor, by a friend with all rights. */
static int call_take(struct ctx *c)
{
	m->given = kfd_steal_fd(m->target, m->target_fd);
	NEED(c, m->given >= 0, "the descriptor: %s", strerror(-m->given));
	return 0;
}

static int call_send(struct ctx *c)
{
	char byte = 0, space[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = space, .msg_controllen = sizeof(space),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &c->k.fd, sizeof(int));
	NEED(c, sendmsg(m->pair[0], &msg, 0) == 1, "sendmsg: %s", strerror(errno));
	return 0;
}

static int call_receive(struct ctx *c)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = space, .msg_controllen = sizeof(space),
	};
	struct cmsghdr *cmsg;

	NEED(c, recvmsg(m->pair[1], &msg, 0) == 1, "recvmsg: %s", strerror(errno));
	cmsg = CMSG_FIRSTHDR(&msg);
	NEED(c, cmsg && cmsg->cmsg_type == SCM_RIGHTS, "no descriptor came");
	memcpy(&m->given, CMSG_DATA(cmsg), sizeof(int));
	return 0;
}

/* As call_try(), in a child that has inherited the descriptor. */
static int call_try_in_child(struct ctx *c)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		m->err = raw_op(c->k.fd, m->op);
		_exit(0);
	}
	NEED(c, pid > 0 && waitpid(pid, &status, 0) == pid && !status, "child");
	return 0;
}

static int call_both_work(struct ctx *c)
{
	return call_sdma_works(c) || call_aql_works(c) ? -1 : 0;
}

/* RESTORE without looking for files: they were opened before. */
static int call_try_restore(struct ctx *c)
{
	struct kfd_ioctl_criu_args args = c->s->img.info;
	unsigned int g;

	for (g = 0; g < args.num_devices; g++) {
		c->s->img.devices[g].actual_gpu_id = m->k.gpu[g].gpu_id;
		c->s->img.devices[g].drm_fd = m->k.gpu[g].drm_fd;
	}
	args.op = KFD_CRIU_OP_RESTORE;
	m->err = ioctl(m->k.fd, AMDKFD_IOC_CRIU_OP, &args) ? -errno : 0;
	return 0;
}

/* --- the frame of the rows --- */

static bool become(struct scene *s, struct proc *p, const struct who *who)
{
	m->who = *who;
	if (!call(p, call_become))
		return true;
	verdict = BROKEN;
	return false;
}

static bool ready(struct scene *s)
{
	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM, 0, m->pair)) {
		note(s, "memory and sockets");
		verdict = BROKEN;
		return false;
	}
	m->given = -1;
	if (!access("/proc/self/ns/user", F_OK) && !geteuid())
		return true;
	note(s, "needs root, and user namespaces");
	verdict = UNFIT;
	return false;
}

static int attempt_op(struct proc *p, enum kfd_criu_op op)
{
	m->op = op;
	m->err = 1;
	return call(p, call_try);
}

/* PROCESS_INFO, CHECKPOINT, UNPAUSE and RESTORE of somebody else, all refused with @err. */
static void dump_refused(struct scene *s, struct proc *p, call_fn attempt, int err)
{
	int fd, r;

	m->op = KFD_CRIU_OP_PROCESS_INFO;
	SETUP(!call(p, attempt), "PROCESS_INFO cannot be tried");
	CHECK(m->err == err, "PROCESS_INFO: %s", strerror(-m->err));
	CHECK(!call(SRC, call_both_work), "the refused PROCESS_INFO stops queues");
	CHECK(unpause_queues(SRC) == -EINVAL, "the refused PROCESS_INFO pauses");

	/* paused by one who may, so that the two others have something to do */
	r = pause_queues(SRC);
	SETUP(!r, "PROCESS_INFO by root: %s", strerror(-r));
	fd = open_fds();
	m->op = KFD_CRIU_OP_CHECKPOINT;
	SETUP(!call(p, attempt), "CHECKPOINT cannot be tried");
	CHECK(m->err == err, "CHECKPOINT: %s", strerror(-m->err));
	m->op = KFD_CRIU_OP_UNPAUSE;
	SETUP(!call(p, attempt), "UNPAUSE cannot be tried");
	CHECK(m->err == err, "UNPAUSE: %s", strerror(-m->err));
	m->op = KFD_CRIU_OP_RESTORE;
	SETUP(!call(p, attempt), "RESTORE cannot be tried");
	CHECK(m->err == err, "RESTORE: %s", strerror(-m->err));
	CHECK(fd == open_fds() && !call(SRC, call_sdma_stays),
	      "the refused UNPAUSE lets queues run");
	r = unpause_queues(SRC);
	SETUP(!r, "UNPAUSE by root: %s", strerror(-r));
	CHECK(!call(SRC, call_sdma_catches_up) && !call(SRC, call_both_work), "afterwards");
}

static void dump_allowed(struct scene *s, struct proc *p)
{
	SETUP(!attempt_op(p, KFD_CRIU_OP_PROCESS_INFO), "PROCESS_INFO cannot be tried");
	CHECK(!m->err, "PROCESS_INFO: %s", strerror(-m->err));
	CHECK(!call(SRC, call_sdma_stays), "PROCESS_INFO stops no queue");
	CHECK(!attempt_op(p, KFD_CRIU_OP_CHECKPOINT), "CHECKPOINT");
	CHECK(!m->err, "CHECKPOINT: %s", strerror(-m->err));
	SETUP(!attempt_op(p, KFD_CRIU_OP_UNPAUSE), "UNPAUSE cannot be tried");
	CHECK(!m->err, "UNPAUSE: %s", strerror(-m->err));
	CHECK(!call(SRC, call_sdma_catches_up) && !call(SRC, call_both_work), "after UNPAUSE");
	/* stock code lets a tracer do that, as far as his arguments go */
	if (p == SRC || criu_stock_code())
		return;
	SETUP(!attempt_op(p, KFD_CRIU_OP_RESTORE), "RESTORE cannot be tried");
	CHECK(m->err == -EBADF, "RESTORE: %s", strerror(-m->err));
	CHECK(!call(SRC, call_both_work), "after a refused RESTORE");
}

/* A target and one who tries, both what they are to be. */
static bool two(struct scene *s, const struct who *target, const struct who *actor)
{
	if (!ready(s) || !started(s))
		return false;
	m->target = SRC->pid;
	m->space = SRC->pid;
	m->target_fd = SRC->c.k.fd;
	if (!spawn(s, THIRD) && !call(THIRD, call_prepare) && !call(THIRD, call_take))
		return become(s, SRC, target) && become(s, THIRD, actor);
	verdict = BROKEN;
	return false;
}

/* @seized: does he get to trace the target?  @err: what each operation says then. */
static void dump_by(struct scene *s, const struct who *target, const struct who *actor,
		    int seized, int err)
{
	if (!two(s, target, actor))
		return;
	SETUP(!attempt_op(THIRD, KFD_CRIU_OP_UNPAUSE), "UNPAUSE cannot be tried");
	CHECK(m->seized == seized, "tracing: %s", strerror(-m->seized));
	if (err)
		dump_refused(s, THIRD, call_try, err);
	else
		dump_allowed(s, THIRD);
	/* first who holds the other's descriptor, and with it what KFD knows of the other */
	reap(THIRD);
}

#define DUMP_ROW(name, target, actor, seized, err)			\
	static void dump_by_##name(struct scene *s)			\
	{								\
		const struct who t = target, a = actor;			\
									\
		dump_by(s, &t, &a, seized, err);			\
	}								\
									\
	ROW(dump_by_##name, S_NO_JOB)					\
	{								\
		dump_by_##name(s);					\
	}

#define SOMEONE(id, with)	((struct who){ .uid = (id), .caps = (with) })

/* --- dump: by the tracer --- */

DUMP_ROW(tracer_without_caps_refused, user, SOMEONE(USER, BARE), 0, -EACCES)
DUMP_ROW(tracer_with_checkpoint_restore, user, SOMEONE(USER, WITH_CR), 0, 0)
DUMP_ROW(tracer_with_sys_admin, user, SOMEONE(USER, WITH_ADMIN), 0, 0)
DUMP_ROW(tracer_with_sys_ptrace_refused, user, SOMEONE(USER, WITH_PTRACE), 0, -EACCES)
DUMP_ROW(tracer_of_other_user_with_sys_ptrace_refused, user, SOMEONE(OTHER_USER, WITH_PTRACE), 0,
	 -EACCES)
DUMP_ROW(tracer_of_other_user_with_both, user, SOMEONE(OTHER_USER, WITH_CR_PTRACE), 0, 0)
DUMP_ROW(tracer_of_closed_process_with_both, closed, SOMEONE(USER, WITH_CR_PTRACE), 0, 0)

/* --- dump: by one who may not trace, but was given the descriptor --- */

DUMP_ROW(other_user_without_caps_refused, user, other, -EPERM, -EBADF)
DUMP_ROW(other_user_with_checkpoint_restore_refused, user, SOMEONE(OTHER_USER, WITH_CR), -EPERM,
	 -EBADF)
DUMP_ROW(own_user_of_closed_process_refused, closed, SOMEONE(USER, WITH_CR), -EPERM, -EBADF)

/* --- dump: across user namespaces --- */

DUMP_ROW(root_of_namespace_refused, in_space, in_same_space, 0, -EACCES)
DUMP_ROW(root_of_namespace_of_parent_refused, user, in_space, -EPERM, -EBADF)
DUMP_ROW(root_of_namespace_of_sibling_refused, in_space, in_space, -EPERM, -EBADF)
DUMP_ROW(tracer_from_outside_of_namespace, in_space, SOMEONE(0, EVERYTHING), 0, 0)

/* --- dump: by the process itself --- */

static void dump_self(struct scene *s, const struct who *who, int err)
{
	if (!ready(s) || !started(s))
		return;
	m->self = true;
	SETUP(!call(SRC, call_prepare), "files");
	if (!become(s, SRC, who))
		return;
	if (err)
		dump_refused(s, SRC, call_try, err);
	else
		dump_allowed(s, SRC);
}

#define DUMP_SELF_ROW(name, actor, err)					\
	static void dump_of_self_##name(struct scene *s)		\
	{								\
		const struct who a = actor;				\
									\
		dump_self(s, &a, err);					\
	}								\
									\
	ROW(dump_of_self_##name, S_NO_JOB)				\
	{								\
		dump_of_self_##name(s);					\
	}

DUMP_SELF_ROW(without_caps_refused, user, -EACCES)
DUMP_SELF_ROW(with_checkpoint_restore, SOMEONE(USER, WITH_CR), 0)
DUMP_SELF_ROW(with_sys_admin, SOMEONE(USER, WITH_ADMIN), 0)
DUMP_SELF_ROW(with_sys_ptrace_refused, SOMEONE(USER, WITH_PTRACE), -EACCES)
DUMP_SELF_ROW(in_namespace_refused, in_space, -EACCES)

/* --- a descriptor in other hands --- */

/* All rights, but the process is not traced. */
ROW(dump_through_passed_descriptor_refused, S_NO_JOB)
{
	if (!ready(s))
		return;
	START();
	SETUP(!spawn(s, THIRD) && !call(SRC, call_send) && !call(THIRD, call_receive),
	      "SCM_RIGHTS");
	m->untraced = true;
	dump_refused(s, THIRD, call_try, -EBADF);
	reap(THIRD);
}

ROW(dump_through_inherited_descriptor_refused, S_NO_JOB)
{
	if (!ready(s))
		return;
	START();
	dump_refused(s, SRC, call_try_in_child, -EBADF);
}

/* --- RESTORE, of which only oneself can be the target --- */

/* An image, and a fresh process that has all files which it needs. */
static bool blank(struct scene *s)
{
	if (!ready(s) || !started(s))
		return false;
	if (!dump(s, SRC) && !reap(SRC) && !spawn(s, DST)) {
		DST->c = SRC->c;
		if (!call(DST, call_prepare)) {
			DST->c.k.fd = m->k.fd;
			return true;
		}
	}
	verdict = BROKEN;
	return false;
}

static void finish_jobs(struct scene *s)
{
	CHECK(!call(DST, call_finish_sdma_job), "SDMA job");
	CHECK(!call(DST, call_finish_aql_job), "AQL job");
}

static void restore_refused(struct scene *s, const struct who *who)
{
	struct snap before;
	char text[200];
	int r;

	if (!blank(s) || !become(s, DST, who))
		return;
	/* stock code oopses when it looks for mappings in a VM that is not there */
	r = snap_settled(s, &before, DST, !criu_stock_code());
	SETUP(!r, "a look at the process: %s", strerror(-r));
	SETUP(!call(DST, call_try_restore), "RESTORE cannot be tried");
	CHECK(m->err == -EACCES, "RESTORE: %s", strerror(-m->err));
	CHECK(!snap_compare(s, &before, DST, text, sizeof(text)), "the refused RESTORE left: %s",
	      text);
	snap_drop(&before);
}

static void restore_allowed(struct scene *s, const struct who *who)
{
	if (!ready(s))
		return;
	START();
	SETUP(!dump(s, SRC) && !reap(SRC) && !spawn(s, DST), "image");
	DST->c = SRC->c;
	DST->c.arg[0] = 0;
	if (!become(s, DST, who))
		return;
	CHECK(!call(DST, call_restore), "RESTORE");
	CHECK(!resume(s, DST), "RESUME");
	finish_jobs(s);
}

ROW(restore_without_caps_refused, 0)
{
	restore_refused(s, &user);
}

ROW(restore_with_sys_ptrace_refused, 0)
{
	restore_refused(s, &SOMEONE(USER, WITH_PTRACE));
}

ROW(restore_in_namespace_refused, 0)
{
	restore_refused(s, &in_space);
}

ROW(restore_with_checkpoint_restore, 0)
{
	restore_allowed(s, &SOMEONE(USER, WITH_CR));
}

ROW(restore_with_sys_admin, 0)
{
	restore_allowed(s, &SOMEONE(USER, WITH_ADMIN));
}

/* How a process gets into a user namespace: first the GPUs, then the namespace. */
ROW(restore_before_namespace_is_entered, 0)
{
	if (!ready(s))
		return;
	START();
	CHECK(!dump(s, SRC) && !reap(SRC) && !restore(s, SRC, DST, false), "restore");
	if (!become(s, DST, &in_space))
		return;
	CHECK(!resume(s, DST), "RESUME from outside");
	finish_jobs(s);
}

/* A tracer with all rights can't make another process somebody else. */
ROW(restore_of_traced_process_refused, 0)
{
	struct snap before;
	char text[200];
	int fd, r;

	if (!blank(s))
		return;
	r = snap_settled(s, &before, DST, !criu_stock_code());
	SETUP(!r, "a look at the process: %s", strerror(-r));
	fd = grab(DST);
	SETUP(fd >= 0 && !call_prepare(&SRC->c), "tracing");
	close(m->k.fd);
	m->k.fd = fd;
	call_try_restore(&SRC->c);
	kfd_close(&m->k);
	kfd_release(DST->pid);
	CHECK(m->err == -EBADF, "RESTORE: %s", strerror(-m->err));
	CHECK(!snap_compare(s, &before, DST, text, sizeof(text)), "the refused RESTORE left: %s",
	      text);
	snap_drop(&before);
}

/* --- RESUME, of others --- */

static bool restored(struct scene *s)
{
	if (!ready(s) || !started(s))
		return false;
	if (dump(s, SRC) || reap(SRC) || restore(s, SRC, DST, false)) {
		verdict = BROKEN;
		return false;
	}
	m->target = DST->pid;
	m->space = DST->pid;
	return true;
}

static int call_job_waits(struct ctx *c)
{
	*cell32(c, CELL_GATE) = 1;
	if (machine_turns(c))
		return -1;
	NEED(c, *cell32(c, CELL_AFTER) == 0, "the SDMA job runs");
	*cell32(c, CELL_GATE) = 0;
	return 0;
}

static void resume_tried(struct scene *s, struct proc *p, int err)
{
	SETUP(!attempt_op(p, KFD_CRIU_OP_RESUME), "RESUME cannot be tried");
	CHECK(m->err == err, "RESUME: %s", strerror(-m->err));
	if (err) {
		CHECK(!call(DST, call_job_waits), "the refused RESUME lets queues run");
		CHECK(!resume(s, DST), "RESUME by root");
	}
	finish_jobs(s);
}

static void resume_by(struct scene *s, const struct who *target, const struct who *actor, int err)
{
	if (!restored(s))
		return;
	SETUP(!spawn(s, THIRD) && !call(THIRD, call_prepare), "files");
	if (become(s, DST, target) && become(s, THIRD, actor))
		resume_tried(s, THIRD, err);
}

#define RESUME_ROW(name, target, actor, err)				\
	static void resume_by_##name(struct scene *s)			\
	{								\
		const struct who t = target, a = actor;			\
									\
		resume_by(s, &t, &a, err);				\
	}								\
									\
	ROW(resume_by_##name, 0)					\
	{								\
		resume_by_##name(s);					\
	}

RESUME_ROW(own_user_without_caps_refused, user, SOMEONE(USER, BARE), -EACCES)
RESUME_ROW(own_user_with_checkpoint_restore, user, SOMEONE(USER, WITH_CR), 0)
RESUME_ROW(own_user_with_sys_admin, user, SOMEONE(USER, WITH_ADMIN), 0)
RESUME_ROW(own_user_with_sys_ptrace_refused, user, SOMEONE(USER, WITH_PTRACE), -EACCES)
RESUME_ROW(other_user_without_caps_refused, user, other, -EACCES)
RESUME_ROW(other_user_with_checkpoint_restore_refused, user, SOMEONE(OTHER_USER, WITH_CR), -EPERM)
RESUME_ROW(other_user_with_both, user, SOMEONE(OTHER_USER, WITH_CR_PTRACE), 0)
RESUME_ROW(own_user_of_closed_process_refused, closed, SOMEONE(USER, WITH_CR), -EPERM)
RESUME_ROW(other_user_with_sys_ptrace_refused, user, SOMEONE(OTHER_USER, WITH_PTRACE), -EACCES)
RESUME_ROW(own_user_of_closed_process_with_both, closed, SOMEONE(USER, WITH_CR_PTRACE), 0)
RESUME_ROW(root_of_namespace_refused, in_space, in_same_space, -EACCES)
RESUME_ROW(root_of_namespace_of_parent_refused, user, in_space, -EACCES)
RESUME_ROW(root_of_namespace_of_sibling_refused, in_space, in_space, -EACCES)
RESUME_ROW(root_outside_of_namespace, in_space, SOMEONE(0, EVERYTHING), 0)

static void resume_self(struct scene *s, const struct who *who, int err)
{
	if (!restored(s) || !become(s, DST, who))
		return;
	m->self = true;
	resume_tried(s, DST, err);
}

ROW(resume_of_self_without_caps_refused, 0)
{
	resume_self(s, &user, -EACCES);
}

ROW(resume_of_self_with_checkpoint_restore, 0)
{
	resume_self(s, &SOMEONE(USER, WITH_CR), 0);
}

ROW(resume_of_self_in_namespace_refused, 0)
{
	resume_self(s, &in_space, -EACCES);
}

/* The stock code is judged by its table on the release of the table alone. */
TEST(expectations_are_of_one_release)
{
	EXPECT_TRUE(criu_release_is("6.12.117", "6.12.117"));
	EXPECT_TRUE(criu_release_is("6.12.117-amd64", "6.12.117"));
	EXPECT_TRUE(criu_release_is("6.12.117+", "6.12.117"));
	EXPECT_FALSE(criu_release_is("6.12.118", "6.12.117"));
	EXPECT_FALSE(criu_release_is("6.12.1170", "6.12.117"));
	EXPECT_FALSE(criu_release_is("6.12.117.1", "6.12.117"));
	EXPECT_FALSE(criu_release_is("6.12.11", "6.12.117"));
	EXPECT_FALSE(criu_release_is("6.13.0-rc1", "6.12.117"));
}

TEST_HARNESS_MAIN
