// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint and restore on simulated GPUs that fail: each thing that an
 * operation asks of a GPU is refused once, on one GPU and then on the other.
 *
 * Nothing else may use the GPUs meanwhile: it would take the failure.
 */
#define _GNU_SOURCE
#define ROW_SECONDS		7200
#define CRIU_ROWS		criu_simgpu_fault_rows
#include "kfd_criu_sweep.h"
#include "simgpu_knobs.h"

static char dir[96];
static const struct proc *bystander;

/*
 * A hardware scheduler takes queues when it comes to it, all of them at a time, and the
 * bystander has one on each GPU: as long as none is loaded, it has not come to it.
 */
static int gpu_rest(void)
{
	uint64_t end = scene_clock() + REST_MS;
	char path[128], line[256];
	bool rests = !kfd_has_hws() || !bystander->pid;
	FILE *f;

	snprintf(path, sizeof(path), "%s/queues", dir);
	while (!rests) {
		f = fopen(path, "re");
		if (!f)
			return -errno;
		while (fgets(line, sizeof(line), f))
			rests |= strncmp(line, "hiq", 3);
		fclose(f);
		if (!rests && scene_clock() > end)
			return -ETIME;
		if (!rests)
			usleep(1000);
	}
	return 0;
}

static int gpu_arm(unsigned int n)
{
	int r = gpu_rest();

	return r ? r : knob_set(dir, "fail_nth", n);
}

static int gpu_disarm(unsigned int *left, unsigned int *kind)
{
	int64_t now;
	int r;

	r = gpu_rest();
	if (r)
		return r;
	now = knob_get(dir, "fail_nth");
	if (now < 0)
		return now;
	*left = now;
	if (!now) {
		r = knob_failed(dir);
		if (r < 0)
			return r;
		*kind = r;
	}
	return knob_set(dir, "fail_nth", 0);
}

/* In the order of @failures. */
static bool is(unsigned int kind, const char *name)
{
	return !strcmp(failures[kind], name);
}

/* What the manager of queues says goes through as it is. */
static bool gpu_fits(unsigned int kind, int err)
{
	if (is(kind, "fail_queue_load"))
		return err == -EIO;
	if (is(kind, "fail_preempt") || is(kind, "fail_preempt_sdma"))
		return err == -ETIME;
	return err == -ENOMEM;
}

static bool gpu_late(unsigned int kind, int err)
{
	return false;
}

/*
 * A queue that a hardware scheduler cannot get rid of is reset, and one that it does not
 * take is stopped: the work is lost, and the process is told by an exception.
 */
static bool gpu_harms(unsigned int kind)
{
	return kfd_has_hws() && (is(kind, "fail_preempt") || is(kind, "fail_queue_load"));
}

static void gpu_loud(bool on)
{
}

static struct injector injector = {
	.what = "GPU failure",
	.kinds = {
		"fail_bo_alloc", "fail_map", "fail_queue_load", "fail_preempt",
		"fail_preempt_sdma", "fail_fence",
	},
	.arm = gpu_arm,
	.disarm = gpu_disarm,
	.fits = gpu_fits,
	.late = gpu_late,
	.harms = gpu_harms,
	.loud = gpu_loud,
};

/* What there has to be of @kinds, the names of knobs, MES has but for preemption. */
static unsigned int must_fail(struct scene *s, const char * const *kinds, unsigned int gpu)
{
	bool mes = kfd_has_hws() && s->here.gpu[gpu].gfx_version >= 110000;
	unsigned int k, must = 0;

	for (; *kinds; kinds++)
		for (k = 0; injector.kinds[k]; k++)
			if (!strcmp(*kinds, injector.kinds[k]) &&
			    !(mes && is(k, "fail_preempt")))
				must |= 1u << k;
	return must;
}

static void failures_of(struct scene *s, uint32_t op, unsigned int gpu, const char * const *kinds)
{
	REQUIRE(knob_dir(&s->here.gpu[gpu], dir, sizeof(dir)), "no simulated GPU, or no debugfs");
	REQUIRE(kfd_node_property(s->here.gpu[0].node, "unique_id") !=
		kfd_node_property(s->here.gpu[1].node, "unique_id"),
		"partitions of one GPU, which share its knobs");
	SETUP(!knobs_reset(dir), "knobs");
	bystander = THIRD;
	sweep(s, &sweep_ops[op], must_fail(s, kinds, gpu), 60);
}

/* On one GPU and on the other; then the knobs of which one at least has to come. */
#define BOTH(name, op, ...)							\
	static const char * const name##_kinds[] = { __VA_ARGS__ };		\
	static const uint32_t name##_op = (op);					\
										\
	ROW(name##_survives_gpu_a, 0)						\
	{									\
		failures_of(s, name##_op, GPU_A, name##_kinds);			\
	}									\
										\
	ROW(name##_survives_gpu_b, 0)						\
	{									\
		failures_of(s, name##_op, GPU_B, name##_kinds);			\
	}

BOTH(process_info, KFD_CRIU_OP_PROCESS_INFO, "fail_preempt", NULL)
/* it asks nothing of a GPU: the queues are stopped already */
BOTH(checkpoint, KFD_CRIU_OP_CHECKPOINT, NULL)
BOTH(unpause, KFD_CRIU_OP_UNPAUSE, "fail_queue_load", NULL)
BOTH(restore, KFD_CRIU_OP_RESTORE, "fail_bo_alloc", "fail_map", NULL)
BOTH(resume, KFD_CRIU_OP_RESUME, "fail_map", "fail_queue_load", NULL)

TEST_HARNESS_MAIN
