// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint and restore of GPU processes: state that is easily lost, state
 * that cannot be preserved and makes a checkpoint be refused, and what
 * happens between PROCESS_INFO and RESUME when others do not stand still.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#define CRIU_ROWS		criu_state_rows
#include "kfd_criu_row.h"
#include "kfd_criu_image_edit.h"
#include "kfd_criu_log.h"

/* The process goes on as if nobody had asked. */
static bool unharmed(struct scene *s, struct proc *p)
{
	if (!call(p, call_sdma_works) && !call(p, call_aql_works))
		return true;
	note(s, "the process does not go on");
	verdict = FAILED;
	return false;
}

#define UNHARMED(p)	do { if (!unharmed(s, p)) return; } while (0)

/* --- a process that uses one of two GPUs --- */

static int call_build_one_gpu(struct ctx *c)
{
	struct kfd_bo *cells = &c->bo[BO_CELL];

	TRY(c, kfd_open(&c->k));
	TRY(c, kfd_acquire(&c->k, GPU_A));
	TRY(c, kfd_bo_create(&c->k, cells, GPU_A, SCENE_VA(BO_CELL), BO_SIZE, KFD_BO_GTT, ON_A));
	memset(cells->cpu, 0, BO_SIZE);
	if (make_bo(c, BO_VRAM_A) || make_bo(c, BO_DOORBELL_A))
		return -1;
	TRY(c, kfd_queue_create(&c->k, &c->sdma, KFD_Q_SDMA, GPU_A, SCENE_VA(SLOT_SDMA)));
	use_doorbell_bo(c, &c->sdma);
	return call_sdma_works(c);
}

static int call_read_vram_a(struct ctx *c)
{
	return gpu_reads(c, &c->sdma, c->bo[BO_VRAM_A].va, SEED_BO(BO_VRAM_A), "VRAM");
}

/* The GPU that it did not use is one that it may begin to use. */
static int call_use_second_gpu(struct ctx *c)
{
	if (c->k.gpu[GPU_B].drm_fd >= 0)
		close(c->k.gpu[GPU_B].drm_fd);
	c->k.gpu[GPU_B].drm_fd = -1;
	TRY(c, kfd_acquire(&c->k, GPU_B));
	TRY(c, kfd_bo_map(&c->k, &c->bo[BO_CELL], ON_B));
	if (make_bo(c, BO_DOORBELL_B))
		return -1;
	TRY(c, kfd_queue_create(&c->k, &c->other, KFD_Q_SDMA, GPU_B, SCENE_VA(SLOT_SDMA_B)));
	use_doorbell_bo(c, &c->other);
	TRY(c, kfd_bo_map(&c->k, &c->bo[BO_VRAM_A], ON_B));
	return gpu_reads(c, &c->other, c->bo[BO_VRAM_A].va, SEED_BO(BO_VRAM_A), "VRAM");
}

ROW(checkpoint_of_process_on_one_gpu, S_NO_JOB)
{
	SETUP(!spawn(s, SRC) && !call(SRC, call_build_one_gpu), "source");
	MOVE(false);
	CHECK(!call(DST, call_sdma_works), "queue");
	CHECK(!call(DST, call_read_vram_a), "VRAM");
	CHECK(!call(DST, call_use_second_gpu), "the second GPU");
}

ROW(pause_of_process_on_one_gpu, S_NO_JOB)
{
	SETUP(!spawn(s, SRC) && !call(SRC, call_build_one_gpu), "source");
	CHECK(!pause_queues(SRC) && !call(SRC, call_sdma_stays), "pause");
	CHECK(!unpause_queues(SRC) && !call(SRC, call_sdma_catches_up), "unpause");
}

/* --- sharing --- */

/* Another handle of the same memory, at @va, which is in c->result. */
static int import_bo(struct ctx *c, struct kfd_bo *bo, uint64_t va)
{
	struct kfd_ioctl_import_dmabuf_args args = {
		.va_addr = va,
		.gpu_id = c->k.gpu[GPU_A].gpu_id,
	};
	int r, fd = kfd_bo_export(&c->k, bo);

	NEED(c, fd >= 0, "export: %s", strerror(-fd));
	args.dmabuf_fd = fd;
	r = ioctl(c->k.fd, AMDKFD_IOC_IMPORT_DMABUF, &args) ? errno : 0;
	close(fd);
	NEED(c, !r, "import: %s", strerror(r));
	c->result = args.handle;
	return 0;
}

/* One BO at two addresses, by a dma-buf. */
static int call_import_alias(struct ctx *c)
{
	struct kfd_bo alias = { 0 };

	if (import_bo(c, &c->bo[BO_VRAM_A], SCENE_VA(SLOT_SPARE)))
		return -1;
	alias.handle = c->result;
	TRY(c, kfd_bo_map(&c->k, &alias, ON_A));
	return 0;
}

static int call_alias_is_one(struct ctx *c)
{
	/* another word in each generation: the old one is in the contents */
	const uint32_t word = getpid();

	sdma_write(&c->sdma, SCENE_VA(SLOT_SPARE) + HALF, &word, 1);
	sdma_fence(&c->sdma, cell_va(c, CELL_FENCE), ++c->fence);
	kfd_queue_submit(&c->sdma);
	NEED(c, kfd_wait32(cell32(c, CELL_FENCE), c->fence, c->s->wait_ms), "the write is lost");
	NEED(c, *(volatile uint32_t *)((char *)c->bo[BO_VRAM_A].cpu + HALF) == word,
	     "sharing is lost: one BO became two");
	return 0;
}

/* Preserved, or refused: the one thing that must not happen is a silent copy. */
ROW(dmabuf_import_stays_shared, S_NO_JOB)
{
	int r;

	START();
	SETUP(!call(SRC, call_import_alias) && !call(SRC, call_alias_is_one), "alias");
	r = pause_queues(SRC);
	if (r == -EOPNOTSUPP) {
		UNHARMED(SRC);
		CHECK(!call(SRC, call_alias_is_one), "alias");
		return;
	}
	CHECK(!r, "PROCESS_INFO: %s", strerror(-r));
	MOVE(false);
	CHECK(!call(DST, call_alias_is_one), "alias");
}

/* The one handle of memory that was another BO's, which is no more. */
static int call_import_alone(struct ctx *c)
{
	struct kfd_bo bo;

	TRY(c, kfd_bo_create(&c->k, &bo, GPU_A, SCENE_VA(SLOT_SPARE), BO_SIZE, KFD_BO_VRAM, ON_A));
	if (import_bo(c, &bo, SCENE_VA(SLOT_PM4)))
		return -1;
	TRY(c, kfd_bo_destroy(&c->k, &bo));
	return 0;
}

static int call_free_import(struct ctx *c)
{
	struct kfd_bo bo = { .handle = c->result };

	TRY(c, kfd_bo_free(&c->k, &bo));
	return 0;
}

ROW(imported_bo_refused, S_NO_JOB)
{
	int r;

	START();
	SETUP(!call(SRC, call_import_alone), "import");
	r = pause_queues(SRC);
	CHECK(r == -EOPNOTSUPP, "a checkpoint with an imported BO is not refused: %d", r);
	UNHARMED(SRC);
	SETUP(!call(SRC, call_free_import), "the end of the import");
	MOVE(false);
	UNHARMED(DST);
}

static int call_import_and_free(struct ctx *c)
{
	if (import_bo(c, &c->bo[BO_VRAM_A], SCENE_VA(SLOT_SPARE)))
		return -1;
	return call_free_import(c);
}

static int call_free_exported(struct ctx *c)
{
	TRY(c, kfd_bo_destroy(&c->k, &c->bo[BO_VRAM_A]));
	return 0;
}

/* As many as to fill the gaps in whatever the driver gives numbers from. */
#define PEER_BOS	64u
#define PEER_VA(i)	(0x1000000000ULL + (uint64_t)(i) * KFD_PAGE)

/* In the memory of the process. */
static struct kfd_bo peer_bo[PEER_BOS];

static int call_bos_for_peer(struct ctx *c)
{
	unsigned int i;

	for (i = 0; i < PEER_BOS; i++) {
		TRY(c, kfd_bo_create(&c->k, &peer_bo[i], GPU_A, PEER_VA(i), KFD_PAGE, KFD_BO_VRAM,
				     ON_A));
		scene_fill(peer_bo[i].cpu, KFD_PAGE, i);
	}
	TRY(c, kfd_queue_create(&c->k, &c->other, KFD_Q_SDMA, GPU_B, SCENE_VA(SLOT_SDMA_B)));
	use_doorbell_bo(c, &c->other);
	return 0;
}

static int call_peer_reads_bos(struct ctx *c)
{
	unsigned int i;
	int r;

	for (i = 0; i < PEER_BOS; i++) {
		r = kfd_bo_map(&c->k, &peer_bo[i], ON_B);
		NEED(c, !r, "no mapping of BO %u on another GPU: %s", i, strerror(-r));
		if (gpu_reads(c, &c->other, PEER_VA(i), i, "a BO"))
			return -1;
	}
	return 0;
}

/*
 * A stranger imports its own BO, frees that, and then the BO: it must not have taken
 * anything along that is somebody else's by then.
 */
ROW(import_is_freed_alone, S_NO_JOB)
{
	START();
	SETUP(!spawn(s, DST) && !call(DST, call_build_one_gpu), "the stranger");
	SETUP(!call(DST, call_import_and_free), "its import");
	SETUP(!call(SRC, call_bos_for_peer), "BOs");
	SETUP(!call(DST, call_free_exported), "the end of what was imported");
	CHECK(!call(SRC, call_peer_reads_bos), "BOs");
	CHECK(!reap(DST), "KFD keeps the stranger");
	MOVE(false);
	UNHARMED(DST);
}

static int call_export(struct ctx *c)
{
	int fd = kfd_bo_export(&c->k, &c->bo[BO_VRAM_A]);

	NEED(c, fd >= 0, "export: %s", strerror(-fd));
	c->result = fd;
	return 0;
}

static int call_close_export(struct ctx *c)
{
	close(c->result);
	return 0;
}

/* Somebody has, or may get, the memory of a BO by its dma-buf. */
ROW(exported_bo_refused, S_NO_JOB)
{
	int other, r;

	START();
	SETUP(!call(SRC, call_export), "export");
	r = pause_queues(SRC);
	CHECK(r == -EOPNOTSUPP, "a checkpoint with an exported BO is not refused: %d", r);
	UNHARMED(SRC);

	other = kfd_steal_fd(SRC->pid, SRC->c.result);
	SETUP(other >= 0 && !call(SRC, call_close_export), "descriptor");
	r = pause_queues(SRC);
	CHECK(r == -EOPNOTSUPP, "another process' share is not noticed: %d", r);
	UNHARMED(SRC);
	close(other);

	/* what is over is over; and what begins during the pause counts */
	r = pause_queues(SRC);
	CHECK(!r, "PROCESS_INFO after the export has ended: %s", strerror(-r));
	SETUP(!call(SRC, call_export), "export");
	r = grab(SRC);
	SETUP(r >= 0, "KFD fd");
	other = r;
	r = kfd_criu_checkpoint(other, &s->img);
	CHECK(r == -EOPNOTSUPP, "CHECKPOINT with an exported BO is not refused: %d", r);
	let_go(SRC, other);
	SETUP(!call(SRC, call_close_export), "descriptor");
	MOVE(false);
	UNHARMED(DST);
}

/* --- debugger --- */

static int debug_trap(struct ctx *c, struct kfd_ioctl_dbg_trap_args *args, uint32_t op)
{
	args->pid = getpid();
	args->op = op;
	return ioctl(c->k.fd, AMDKFD_IOC_DBG_TRAP, args) ? -errno : 0;
}

/* A process can be its own debugger; the descriptor is where exceptions are announced. */
static int attach_debugger(struct ctx *c, struct kfd_runtime_info *info)
{
	struct kfd_ioctl_dbg_trap_args args = { 0 };
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	memset(info, 0, sizeof(*info));
	args.enable.rinfo_ptr = (uintptr_t)info;
	args.enable.rinfo_size = sizeof(*info);
	args.enable.dbg_fd = fd;
	r = debug_trap(c, &args, KFD_IOC_DBG_TRAP_ENABLE);
	close(fd);
	return r;
}

static int detach_debugger(struct ctx *c)
{
	struct kfd_ioctl_dbg_trap_args args = { 0 };

	return debug_trap(c, &args, KFD_IOC_DBG_TRAP_DISABLE);
}

static int call_attach(struct ctx *c)
{
	struct kfd_runtime_info info;
	int r = attach_debugger(c, &info);

	NEED(c, !r, "no debugger here: %s", strerror(-r));
	return 0;
}

static int call_detach(struct ctx *c)
{
	TRY(c, detach_debugger(c));
	return 0;
}

ROW(debug_session_preserved, S_NO_JOB)
{
	int r;

	START();
	REQUIRE(kfd_has_hws(), "debuggers need a hardware scheduler");
	REQUIRE_HW(!call(SRC, call_attach), "DBG_TRAP");
	r = pause_queues(SRC);
	CHECK(r == -EOPNOTSUPP, "a checkpoint of a debugged process is not refused: %d", r);
	UNHARMED(SRC);
	CHECK(!call(SRC, call_detach), "the session is over");
	MOVE(false);
	UNHARMED(DST);
}

/* A debugger has one more process that it stops and looks into. */
static int call_debug_another(struct ctx *c)
{
	struct kfd_ioctl_dbg_trap_args args = { 0 };
	struct kfd_runtime_info info = { 0 };
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC), r;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	c->result = pid;
	NEED(c, fd >= 0 && pid > 0, "no process to debug");
	TRY(c, kfd_seize(pid));
	args.pid = pid;
	args.op = KFD_IOC_DBG_TRAP_ENABLE;
	args.enable.rinfo_ptr = (uintptr_t)&info;
	args.enable.rinfo_size = sizeof(info);
	args.enable.dbg_fd = fd;
	r = ioctl(c->k.fd, AMDKFD_IOC_DBG_TRAP, &args) ? -errno : 0;
	close(fd);
	NEED(c, !r, "no debugger here: %s", strerror(-r));
	return 0;
}

static int call_end_another(struct ctx *c)
{
	struct kfd_ioctl_dbg_trap_args args = { 0 };
	pid_t pid = c->result;
	int status;

	args.pid = pid;
	args.op = KFD_IOC_DBG_TRAP_DISABLE;
	NEED(c, !ioctl(c->k.fd, AMDKFD_IOC_DBG_TRAP, &args), "DBG_TRAP_DISABLE: %s",
	     strerror(errno));
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		;
	return 0;
}

ROW(debugger_refused, S_NO_JOB)
{
	int r;

	START();
	REQUIRE(kfd_has_hws(), "debuggers need a hardware scheduler");
	REQUIRE_HW(!call(SRC, call_debug_another), "DBG_TRAP");
	r = pause_queues(SRC);
	CHECK(r == -EOPNOTSUPP, "a checkpoint of a debugger is not refused: %d", r);
	UNHARMED(SRC);
	CHECK(!call(SRC, call_end_another), "the session is over");
	MOVE(false);
	UNHARMED(DST);
}

#define R_DEBUG		0x123456789000ULL

static int call_build_with_ttmp(struct ctx *c)
{
	TRY(c, kfd_open_all(&c->k));
	TRY(c, kfd_runtime_enable(&c->k, R_DEBUG, true));
	return call_build_objects(c);
}

static int call_runtime_info(struct ctx *c)
{
	struct kfd_runtime_info info;
	int r = attach_debugger(c, &info);

	NEED(c, !r, "no debugger here: %s", strerror(-r));
	TRY(c, detach_debugger(c));
	NEED(c, info.r_debug == R_DEBUG, "a debugger finds r_debug %#llx",
	     (unsigned long long)info.r_debug);
	NEED(c, info.ttmp_setup == 1, "a debugger finds TTMP setup %u", info.ttmp_setup);
	return 0;
}

/* -1 asks for the mode. */
static int xnack_mode(struct ctx *c, int mode)
{
	struct kfd_ioctl_set_xnack_mode_args args = { .xnack_enabled = mode };

	return ioctl(c->k.fd, AMDKFD_IOC_SET_XNACK_MODE, &args) ? -errno : args.xnack_enabled;
}

static int call_build_with_xnack(struct ctx *c)
{
	int r;

	TRY(c, kfd_open_all(&c->k));
	/* the mode that the process would not have by itself */
	r = xnack_mode(c, -1);
	NEED(c, r >= 0, "XNACK: %s", strerror(-r));
	c->result = !r;
	r = xnack_mode(c, c->result);
	NEED(c, r == (int)c->result, "XNACK is not possible on these GPUs: %s", strerror(-r));
	return call_build_objects(c);
}

static int call_xnack_is_same(struct ctx *c)
{
	int r = xnack_mode(c, -1);

	NEED(c, r == (int)c->result, "the XNACK mode is lost: %d", r);
	return 0;
}

ROW(xnack_mode_preserved, S_NO_JOB)
{
	SETUP(!spawn(s, SRC), "source");
	REQUIRE(!call(SRC, call_build_with_xnack), "XNACK");
	MOVE(false);
	CHECK(!call(DST, call_xnack_is_same), "XNACK");
	UNHARMED(DST);
}

/* What a debugger is told when it attaches to the process. */
ROW(runtime_info_for_debugger, S_NO_JOB)
{
	SETUP(!spawn(s, SRC) && !call(SRC, call_build_with_ttmp), "runtime");
	REQUIRE(kfd_has_hws(), "debuggers need a hardware scheduler");
	REQUIRE_HW(!call(SRC, call_runtime_info), "DBG_TRAP");
	MOVE(false);
	CHECK(!call(DST, call_runtime_info), "runtime info");
}

/* A debugger that attaches learns which queues are new to it; detaching settles all. */
static int pending_queue(struct ctx *c)
{
	struct kfd_ioctl_dbg_trap_args args = { 0 };
	struct kfd_runtime_info info;
	int r = attach_debugger(c, &info);

	if (r)
		return r;
	args.set_exceptions_enabled.exception_mask = KFD_EC_MASK(EC_QUEUE_NEW);
	r = debug_trap(c, &args, KFD_IOC_DBG_TRAP_SET_EXCEPTIONS_ENABLED);
	memset(&args, 0, sizeof(args));
	if (!r)
		r = debug_trap(c, &args, KFD_IOC_DBG_TRAP_QUERY_DEBUG_EVENT);
	detach_debugger(c);
	return r;
}

static int call_queue_is_new(struct ctx *c)
{
	int r = pending_queue(c);

	NEED(c, !r, "no debugger here, or none of the queues is new to it: %s", strerror(-r));
	return 0;
}

static int call_no_queue_is_new(struct ctx *c)
{
	int r = pending_queue(c);

	NEED(c, r == -EAGAIN, "a debugger finds a new queue: %d", r);
	return 0;
}

ROW(pending_exceptions_preserved, S_NO_JOB)
{
	START();
	REQUIRE(kfd_has_hws(), "debuggers need a hardware scheduler");
	REQUIRE_HW(!call(SRC, call_queue_is_new), "DBG_TRAP");
	SETUP(!call(SRC, call_no_queue_is_new), "after the debugger");
	MOVE(false);
	CHECK(!call(DST, call_no_queue_is_new), "restored queues");
}

/* --- GPU --- */

/* the driver keeps 32 bits of it */
#define SCRATCH_VA		0x12340000u

static int call_scratch(struct ctx *c)
{
	struct kfd_ioctl_set_scratch_backing_va_args args = {
		.va_addr = SCRATCH_VA, .gpu_id = c->k.gpu[GPU_A].gpu_id,
	};

	NEED(c, !ioctl(c->k.fd, AMDKFD_IOC_SET_SCRATCH_BACKING_VA, &args), "scratch: %s",
	     strerror(errno));
	return 0;
}

static int call_cu_mask_aql(struct ctx *c)
{
	const uint32_t mask[1] = { 0x33 };

	TRY(c, kfd_queue_set_cu_mask(&c->k, &c->aql, mask, 32));
	return 0;
}

static uint64_t scratch_in_image(const struct kfd_image *img)
{
	uint8_t *rec = img_is_v2(img) ? img_entry(img, IMG_DEVICES, GPU_A) : NULL;

	/* ours stores the address as the kernel keeps it */
	return rec ? img_get64(rec + DEV_SCRATCH_VA) : 0;
}

/*
 * No generation that runs here uses the address any more.  That it is still
 * known after the restore is seen in the next checkpoint.
 */
ROW(scratch_backing_va_preserved, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_scratch), "scratch");
	MOVE(false);
	CHECK(scratch_in_image(&s->img) == SCRATCH_VA,
	      "the scratch address is not in the image: %#llx",
	      (unsigned long long)scratch_in_image(&s->img));
	CHECK(!dump(s, DST), "second dump");
	CHECK(scratch_in_image(&s->img) == SCRATCH_VA, "the scratch address is lost: %#llx",
	      (unsigned long long)scratch_in_image(&s->img));
}

static int user_cu_mask_in_image(const struct kfd_image *img)
{
	uint8_t *q = img_is_v2(img) ? img_queue(img, 0, 1) : NULL;

	return q ? !!(img_get32(q + Q_FLAGS) & Q_FLAG_CU_MASK) : -1;
}

/* A debugger's workaround must not take over a mask that the process has set. */
ROW(user_cu_mask_flag_preserved, S_NO_JOB)
{
	START();
	CHECK(!dump(s, SRC), "dump");
	CHECK(user_cu_mask_in_image(&s->img) == 0, "the mask's owner is not in the image");
	kfd_release(SRC->pid);
	SETUP(!call(SRC, call_cu_mask_aql), "CU mask");
	MOVE(false);
	CHECK(user_cu_mask_in_image(&s->img) == 1, "the mask's owner is not in the image");
	CHECK(!dump(s, DST), "second dump");
	CHECK(user_cu_mask_in_image(&s->img) == 1, "the mask's owner is lost");
}

static int alloc_gws(struct ctx *c, struct kfd_queue *q)
{
	struct kfd_ioctl_alloc_queue_gws_args args = { .queue_id = q->id, .num_gws = 1 };

	return ioctl(c->k.fd, AMDKFD_IOC_ALLOC_QUEUE_GWS, &args) ? -errno : 0;
}

static int call_gws(struct ctx *c)
{
	int r = alloc_gws(c, &c->aql);

	NEED(c, !r, "no GWS: %s", strerror(-r));
	return 0;
}

/* One queue of a process on each GPU may have it. */
static int call_gws_is_taken(struct ctx *c)
{
	int r;

	TRY(c, kfd_queue_create(&c->k, &c->other, KFD_Q_PM4, GPU_B, SCENE_VA(SLOT_PM4)));
	r = alloc_gws(c, &c->other);
	NEED(c, r == -EBUSY, "another queue gets the GWS: %d", r);
	return 0;
}

ROW(gws_preserved, S_NO_JOB)
{
	START();
	REQUIRE(kfd_node_property(s->here.gpu[GPU_B].node, "num_gws"), "GPUs without GWS");
	REQUIRE_HW(!call(SRC, call_gws), "GWS");
	MOVE(false);
	CHECK(!call(DST, call_gws_is_taken), "GWS");
	CHECK(!call(DST, call_aql_works), "queue with GWS");
}

/* --- buffer objects --- */

/* What may be asked of memory; the first is not for writing. */
static const uint32_t asked[] = {
	KFD_BO_VRAM & ~KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE,
	KFD_BO_VRAM & ~KFD_IOC_ALLOC_MEM_FLAGS_EXECUTABLE,
	KFD_BO_GTT & ~KFD_IOC_ALLOC_MEM_FLAGS_COHERENT,
	KFD_BO_GTT | KFD_IOC_ALLOC_MEM_FLAGS_UNCACHED,
	KFD_BO_GTT | KFD_IOC_ALLOC_MEM_FLAGS_NO_SUBSTITUTE,
};

#define ASKED_VA(i)	(0x1000000000ULL + (uint64_t)(i) * KFD_PAGE)

static int call_bos_with_flags(struct ctx *c)
{
	struct kfd_bo bo;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		TRY(c, kfd_bo_create(&c->k, &bo, GPU_A, ASKED_VA(i), KFD_PAGE, asked[i], ON_A));
		scene_fill(bo.cpu, KFD_PAGE, i);
	}
	return 0;
}

/* How many BOs have the flags that were asked for. */
static unsigned int flags_in_image(const struct kfd_image *img)
{
	unsigned int i, n = 0;
	uint32_t b;

	for (i = 0; i < ARRAY_SIZE(asked); i++)
		for (b = 0; b < img->info.num_bos; b++)
			n += img->bos[b].addr == ASKED_VA(i) && img->bos[b].alloc_flags == asked[i];
	return n;
}

static int call_read_only(struct ctx *c)
{
	if (gpu_reads(c, &c->sdma, ASKED_VA(0), 0, "memory that is not for writing"))
		return -1;
	sdma_fill(&c->sdma, ASKED_VA(0), 0x5a5a5a5a, KFD_PAGE);
	kfd_queue_submit(&c->sdma);
	if (machine_turns(c))
		return -1;
	NEED(c, !scene_bad((void *)(uintptr_t)ASKED_VA(0), KFD_PAGE, 0),
	     "GPU A writes to memory that is not for writing");
	return 0;
}

ROW(bo_flags_preserved, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_bos_with_flags), "BOs");
	MOVE(false);
	CHECK(flags_in_image(&s->img) == ARRAY_SIZE(asked), "flags are not in the image");
	CHECK(!dump(s, DST), "second dump");
	CHECK(flags_in_image(&s->img) == ARRAY_SIZE(asked), "flags are lost");
	SETUP(!kfd_release(DST->pid) && !unpause_queues(DST), "UNPAUSE");
	CHECK(!call(DST, call_read_only), "memory");
}

/* --- queues --- */

static int call_ring_is_kept(struct ctx *c)
{
	int r = kfd_bo_unmap(&c->k, &c->sdma.ring, ON_A);

	NEED(c, r, "the ring of a live queue can be unmapped");
	r = kfd_bo_unmap(&c->k, &c->aql.cwsr, ON_B);
	NEED(c, r, "the save area of a live queue can be unmapped");
	return 0;
}

ROW(queue_buffers_stay_mapped, S_NO_JOB)
{
	START();
	REQUIRE_HW(!call(SRC, call_ring_is_kept), "buffers of queues are not protected here");
	MOVE(false);
	CHECK(!call(DST, call_ring_is_kept), "buffers");
	UNHARMED(DST);
}

/* Each queue stands before a gate in the middle of an indirect buffer. */
static int call_stop_in_buffers(struct ctx *c)
{
	char *buffers = (char *)c->bo[BO_GTT_AB].cpu + HALF;
	uint64_t va = c->bo[BO_GTT_AB].va + HALF;
	const uint32_t one = 1;
	struct kfd_queue ib;

	kfd_ib_begin(&ib, KFD_Q_SDMA, c->sdma.gfx_version, buffers);
	sdma_atomic_add64(&ib, cell_va(c, CELL_COUNT), COUNT_STEP);
	sdma_poll_equal(&ib, cell_va(c, CELL_GATE), 1, ~0u);
	sdma_atomic_add64(&ib, cell_va(c, CELL_COUNT), COUNT_STEP);
	while (kfd_ib_dwords(&ib) % 8)
		sdma_nop(&ib, 1);
	sdma_indirect(&c->sdma, va, kfd_ib_dwords(&ib));
	sdma_fence(&c->sdma, cell_va(c, CELL_FENCE), ++c->fence);
	kfd_queue_submit(&c->sdma);

	TRY(c, kfd_queue_create(&c->k, &c->other, KFD_Q_PM4, GPU_B, SCENE_VA(SLOT_PM4)));
	use_doorbell_bo(c, &c->other);
	kfd_ib_begin(&ib, KFD_Q_PM4, c->other.gfx_version, buffers + KFD_PAGE);
	pm4_write_data(&ib, cell_va(c, CELL_BEFORE), &one, 1);
	pm4_wait_equal(&ib, cell_va(c, CELL_GATE), 1, ~0u);
	pm4_write_data(&ib, cell_va(c, CELL_AFTER), &one, 1);
	pm4_indirect(&c->other, va + KFD_PAGE, kfd_ib_dwords(&ib));
	kfd_queue_submit(&c->other);

	NEED(c, kfd_wait64(cell(c, CELL_COUNT), COUNT_STEP, 20000),
	     "the SDMA queue does not start");
	NEED(c, kfd_wait32(cell32(c, CELL_BEFORE), 1, 20000), "the PM4 queue does not start");
	/* a buffer that begins anew writes it again */
	*cell32(c, CELL_BEFORE) = 0;
	return 0;
}

static int call_leave_buffers(struct ctx *c)
{
	if (machine_turns(c))
		return -1;
	NEED(c, !*cell32(c, CELL_AFTER), "the PM4 queue runs through its gate");
	*cell32(c, CELL_GATE) = 1;
	NEED(c, kfd_wait32(cell32(c, CELL_FENCE), c->fence, c->s->wait_ms),
	     "the SDMA queue does not leave its indirect buffer");
	NEED(c, kfd_wait32(cell32(c, CELL_AFTER), 1, c->s->wait_ms),
	     "the PM4 queue does not leave its indirect buffer");
	NEED(c, *cell(c, CELL_COUNT) == 2 * COUNT_STEP, "SDMA added %llu times",
	     (unsigned long long)(*cell(c, CELL_COUNT) / COUNT_STEP));
	NEED(c, !*cell32(c, CELL_BEFORE), "the indirect buffer of PM4 began anew");
	return 0;
}

ROW(indirect_buffers_go_on, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_stop_in_buffers), "indirect buffers");
	MOVE(false);
	CHECK(!call(DST, call_leave_buffers), "indirect buffers");
}

/*
 * A compute queue whose save area is an SVM range, as libhsakmt makes it.  It
 * is c->other, the range is saved with the process' memory.
 */
static int call_build_range_queue(struct ctx *c)
{
	struct kfd_gpu *g = &c->k.gpu[GPU_B];
	struct kfd_context_save_area_header *h;
	struct kfd_ioctl_create_queue_args args = { 0 };
	struct kfd_ioctl_destroy_queue_args gone = { 0 };
	struct kfd_queue *q = &c->other;

	/* a queue of the library, whose BOs are kept and whose save area is replaced */
	TRY(c, kfd_queue_create(&c->k, q, KFD_Q_AQL, GPU_B, SCENE_VA(SLOT_PM4)));
	gone.queue_id = q->id;
	NEED(c, !ioctl(c->k.fd, AMDKFD_IOC_DESTROY_QUEUE, &gone), "destroy: %s",
	     strerror(errno));
	args.ring_base_address = q->ring.va;
	args.ring_size = KFD_RING_SIZE;
	args.write_pointer_address = (uintptr_t)q->wptr;
	args.read_pointer_address = (uintptr_t)q->rptr;
	args.gpu_id = g->gpu_id;
	args.queue_percentage = 100;
	args.queue_priority = 7;
	args.queue_type = KFD_IOC_QUEUE_TYPE_COMPUTE_AQL;
	args.eop_buffer_address = q->eop.va;
	args.eop_buffer_size = q->eop.size;
	args.ctx_save_restore_size = g->cwsr_size;
	args.ctl_stack_size = g->ctl_stack_size;
	c->range_size = q->cwsr.size;
	TRY(c, kfd_bo_destroy(&c->k, &q->cwsr));
	c->range = SCENE_VA(SLOT_SPARE);
	TRY(c, kfd_svm_create(&c->k, &c->range, c->range_size, ON_B));
	h = (void *)(uintptr_t)c->range;
	h->debug_offset = g->cwsr_size;
	h->debug_size = g->debug_size;
	args.ctx_save_restore_address = c->range;
	NEED(c, !ioctl(c->k.fd, AMDKFD_IOC_CREATE_QUEUE, &args), "queue with an SVM range: %s",
	     strerror(errno));
	q->id = args.queue_id;
	q->doorbell_offset = args.doorbell_offset;
	use_doorbell_bo(c, q);
	return 0;
}

static int submit_other(struct ctx *c)
{
	const uint64_t none[5] = { 0 };

	hsa_signal_init(cell_signal(c, SIG_DONE), 1, NULL, NULL);
	aql_barrier_and(&c->other, none, signal_va(c, SIG_DONE));
	kfd_queue_submit(&c->other);
	return 0;
}

static int call_other_works(struct ctx *c)
{
	submit_other(c);
	NEED(c, kfd_wait64((uint64_t *)&cell_signal(c, SIG_DONE)->value, 0, c->s->wait_ms),
	     "the queue with its save area in an SVM range does not run");
	return 0;
}

static int call_range_is_same(struct ctx *c)
{
	struct kfd_context_save_area_header *h = (void *)(uintptr_t)c->range;

	NEED(c, h->debug_offset == c->k.gpu[GPU_B].cwsr_size, "the save area's header is lost");
	return 0;
}

/* A save area that goes takes the process' queues off the hardware before. */
static int call_unmap_range(struct ctx *c)
{
	NEED(c, !munmap((void *)(uintptr_t)c->range, c->range_size), "munmap: %s",
	     strerror(errno));
	submit_other(c);
	if (machine_turns(c))
		return -1;
	NEED(c, cell_signal(c, SIG_DONE)->value == 1,
	     "a queue runs whose save area was unmapped");
	return 0;
}

ROW(cwsr_in_svm_range, S_NO_JOB | S_NO_SVM)
{
	START();
	REQUIRE_HW(!call(SRC, call_build_range_queue), "queue");
	SETUP(!call(SRC, call_other_works), "queue");
	MOVE(false);
	CHECK(!call(DST, call_range_is_same), "range");
	CHECK(!call(DST, call_other_works), "restored queue");
	UNHARMED(DST);
	CHECK(!call(DST, call_unmap_range), "munmap of the save area");
}

/* Bits beside the doorbell's offset; an AQL queue's doorbell must not be dropped when idle. */
#define DOORBELL_FLAGS		0xf0000003u

ROW(aql_doorbell_flags_preserved, S_NO_JOB)
{
	uint32_t before[MQD_DWORDS], after[MQD_DWORDS];

	START();
	REQUIRE_HW(read_mqd(SRC->pid, before), "no debugfs of KFD");
	MOVE(false);
	SETUP(read_mqd(DST->pid, after), "debugfs");
	CHECK((before[MQD_PQ_DOORBELL] & DOORBELL_FLAGS) ==
	      (after[MQD_PQ_DOORBELL] & DOORBELL_FLAGS), "doorbell control %#x became %#x",
	      before[MQD_PQ_DOORBELL], after[MQD_PQ_DOORBELL]);
}

/* Another process with a queue of the same kind, which takes what the source had. */
static int call_build_same_queue(struct ctx *c)
{
	TRY(c, kfd_open_all(&c->k));
	TRY(c, kfd_queue_create(&c->k, &c->aql, KFD_Q_AQL, GPU_B, SCENE_VA(SLOT_AQL)));
	return 0;
}

ROW(mqd_knows_its_own_address, S_NO_JOB)
{
	uint32_t mine[MQD_DWORDS], other[MQD_DWORDS];

	START();
	REQUIRE_HW(read_mqd(SRC->pid, mine), "no debugfs of KFD");
	CHECK(!dump(s, SRC) && !reap(SRC), "dump");
	SETUP(!spawn(s, THIRD) && !call(THIRD, call_build_same_queue), "another process");
	CHECK(!restore(s, SRC, DST, false) && !resume(s, DST), "restore");
	SETUP(read_mqd(DST->pid, mine) && read_mqd(THIRD->pid, other), "debugfs");
	CHECK(mine[MQD_BASE_LO] != other[MQD_BASE_LO] || mine[MQD_BASE_HI] != other[MQD_BASE_HI],
	      "two live queues have one MQD address");
}

/* Compute queues of a process as debugfs shows them: one per XCC. */
static unsigned int count_mqds(pid_t pid)
{
	FILE *f = fopen("/sys/kernel/debug/kfd/mqds", "re");
	unsigned int id, n = 0;
	bool mine = false;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Process %u PASID", &id) == 1)
			mine = id == (unsigned int)pid;
		else if (mine && strstr(line, "00000000: ") == line + strspn(line, " \t"))
			n++;
	}
	if (f)
		fclose(f);
	return n;
}

/* The simulator stops the run when an XCC's MQD is not what the others' are. */
ROW(every_xcc_preserved, 0)
{
	unsigned int before;

	REQUIRE(s->here.gpu[GPU_B].num_xcc > 1, "GPUs of one XCC");
	START();
	before = count_mqds(SRC->pid);
	MOVE(false);
	CHECK(count_mqds(DST->pid) == before, "%u MQDs became %u", before,
	      count_mqds(DST->pid));
	CHECK(!call(DST, call_finish_aql_job), "AQL job");
}

/*
 * Give each XCC in the image a progress of its own, as if each had saved other waves:
 * offsets in its MQD, and a pattern on its control stack.
 */
static uint32_t xcc_saved(unsigned int xcc)
{
	return 64 * (xcc + 1);
}

static uint8_t xcc_pattern(unsigned int xcc)
{
	return 0xa1 + 0x11 * xcc;
}

static void make_xccs_differ(uint8_t *q)
{
	uint32_t mqd_size = (img_get32(q + Q_MQD_SIZE) + 7) & ~7u;
	uint32_t ctl_size = img_get32(q + Q_CTL_SIZE);
	unsigned int xcc;
	uint8_t *mqd;

	for (xcc = 0; xcc < img_get32(q + Q_XCCS); xcc++) {
		mqd = q + Q_SIZE + (size_t)xcc * (mqd_size + ((ctl_size + 7) & ~7u));
		img_put32(mqd + MQD_CTL_STACK_OFFSET * 4, ctl_size - xcc_saved(xcc));
		img_put32(mqd + MQD_WG_STATE_OFFSET * 4, ctl_size + 2 * xcc_saved(xcc));
		memset(mqd + mqd_size + ctl_size - xcc_saved(xcc), xcc_pattern(xcc),
		       xcc_saved(xcc));
	}
}

/* A queue that is not loaded any more: what was saved of it stays where it is. */
static int call_stop_aql(struct ctx *c)
{
	TRY(c, kfd_queue_update(&c->k, &c->aql, 0, 7));
	return 0;
}

/* What the driver itself says to a debugger about each XCC. */
static int call_look_at_xccs(struct ctx *c)
{
	uint32_t ctl_size = c->k.gpu[GPU_B].ctl_stack_size, size = c->k.gpu[GPU_B].cwsr_size;
	unsigned int xcc, i, xccs = c->k.gpu[GPU_B].num_xcc;
	struct kfd_ioctl_get_queue_wave_state_args args = { .queue_id = c->aql.id };
	struct kfd_context_save_area_header header;
	uint8_t *area = calloc(xccs, size);

	NEED(c, area, "memory");
	args.ctl_stack_address = (uintptr_t)area;
	NEED(c, !ioctl(c->k.fd, AMDKFD_IOC_GET_QUEUE_WAVE_STATE, &args), "wave state: %s",
	     strerror(errno));
	for (xcc = 0; xcc < xccs; xcc++) {
		memcpy(&header, area + (size_t)xcc * size, sizeof(header.wave_state));
		NEED(c, header.wave_state.control_stack_size == xcc_saved(xcc) &&
		     header.wave_state.wave_state_size == 2 * xcc_saved(xcc),
		     "XCC %u has %u bytes of control stack and %u of waves", xcc,
		     header.wave_state.control_stack_size, header.wave_state.wave_state_size);
		for (i = 1; i <= xcc_saved(xcc); i++)
			NEED(c, area[(size_t)xcc * size + ctl_size - i] == xcc_pattern(xcc),
			     "the control stack of XCC %u is not its own", xcc);
	}
	free(area);
	return 0;
}

ROW(each_xcc_has_its_own_state, S_NO_JOB)
{
	struct kfd_image first;
	char text[160];
	uint8_t *q;

	START();
	CHECK(!call(SRC, call_stop_aql) && !dump(s, SRC) && !reap(SRC), "dump");
	REQUIRE_V2(s);
	q = img_queue(&s->img, 0, 1);
	SETUP(q, "no AQL queue in the image");
	REQUIRE(img_get32(q + Q_CTL_SIZE), "the control stack is in the memory of the process");
	make_xccs_differ(q);
	img_seal(&s->img);
	CHECK(!restore(s, SRC, DST, false) && !resume(s, DST), "restore");
	CHECK(!call(DST, call_look_at_xccs), "the restored queue");
	SETUP(img_copy(&first, &s->img), "memory");
	CHECK(!dump(s, DST), "the second dump");
	CHECK(img_same(&first, &s->img, text, sizeof(text)), "%s", text);
	img_drop(&first);
}

#define MQD_LOGICAL_XCC		39

/* The word with the number of an XCC among those that share the grids of a queue. */
static uint8_t *xcc_number(uint8_t *q, unsigned int xcc)
{
	uint32_t mqd_size = (img_get32(q + Q_MQD_SIZE) + 7) & ~7u;
	uint32_t ctl_size = (img_get32(q + Q_CTL_SIZE) + 7) & ~7u;

	return q + Q_SIZE + (size_t)xcc * (mqd_size + ctl_size) + MQD_LOGICAL_XCC * 4;
}

static int call_restore_forged(struct ctx *c)
{
	unsigned int remap[KFD_MAX_GPUS], i;
	int r;

	for (i = 0; i < KFD_MAX_GPUS; i++)
		remap[i] = i;
	r = restore_objects(c, remap);
	NEED(c, r == -EINVAL, "RESTORE of two XCCs with one number: %s", strerror(-r));
	return 0;
}

/*
 * The driver gives the XCCs of each queue other numbers than those of the one before.  In the
 * middle of a grid, the number says which workgroups are left to do.
 */
ROW(xccs_keep_their_numbers, S_NO_JOB)
{
	unsigned int xcc, xccs = s->here.gpu[GPU_B].num_xcc;
	uint32_t numbers[8];
	uint8_t *q;

	REQUIRE(xccs > 1, "GPUs of one XCC");
	START();
	CHECK(!dump(s, SRC) && !reap(SRC), "dump");
	REQUIRE_V2(s);
	q = img_queue(&s->img, 0, 1);
	SETUP(q && xccs <= ARRAY_SIZE(numbers), "no AQL queue in the image");
	for (xcc = 0; xcc < xccs; xcc++)
		numbers[xcc] = img_get32(xcc_number(q, xcc));
	img_put32(xcc_number(q, 1), numbers[0]);
	img_seal(&s->img);
	SETUP(!spawn(s, DST), "process");
	DST->c = SRC->c;
	CHECK(!call(DST, call_restore_forged), "forged numbers");
	img_put32(xcc_number(q, 1), numbers[1]);
	img_seal(&s->img);
	CHECK(!reap(DST) && !restore(s, SRC, DST, false) && !resume(s, DST), "restore");
	CHECK(!dump(s, DST), "the second dump");
	q = img_queue(&s->img, 0, 1);
	SETUP(q, "no AQL queue in the second image");
	for (xcc = 0; xcc < xccs; xcc++)
		CHECK(img_get32(xcc_number(q, xcc)) == numbers[xcc], "XCC number %u became %u",
		      numbers[xcc], img_get32(xcc_number(q, xcc)));
}

/* --- other dies --- */

/* Of all that waves depend on, a queue without any depends on nothing. */
ROW(idle_queue_goes_to_other_die, 0)
{
	uint8_t *die, *other;

	START();
	CHECK(!dump(s, SRC) && !reap(SRC), "dump");
	REQUIRE_V2(s);
	/* the SDMA queue is between two commands, of which the next one waits */
	other = img_entry(&s->img, IMG_DIES, GPU_A);
	die = img_entry(&s->img, IMG_DIES, GPU_B);
	SETUP(die && other, "no dies in the image");
	img_put32(other + DIE_SDMA_FIRMWARE, img_get32(other + DIE_SDMA_FIRMWARE) + 1);
	img_put32(die + DIE_HANDLER_CRC, ~img_get32(die + DIE_HANDLER_CRC));
	img_put32(die + DIE_HANDLER_SIZE, img_get32(die + DIE_HANDLER_SIZE) + 4);
	img_put32(die + DIE_MEC_FIRMWARE, img_get32(die + DIE_MEC_FIRMWARE) + 1);
	img_put32(img_cus(die, 0, 0), img_get32(img_cus(die, 0, 0)) << 1);
	img_seal(&s->img);
	CHECK(!restore(s, SRC, DST, false) && !resume(s, DST), "restore");
	CHECK(!call(DST, call_finish_sdma_job), "SDMA job");
	CHECK(!call(DST, call_finish_aql_job), "AQL job");
}

/* CUs number 0, 1, 4 and 5, which are two WGPs. */
static int call_mask_cus(struct ctx *c)
{
	const uint32_t mask[1] = { 0x33 };

	TRY(c, kfd_queue_set_cu_mask(&c->k, &c->aql, mask, 32));
	return 0;
}

/* Where number @n stands in the words of a CU mask: engine * 32 + bit, or -1. */
static int cu_place(uint8_t *die, unsigned int step, unsigned int n)
{
	unsigned int cu, array, engine, number = 0;

	for (cu = 0; cu < 16; cu += step)
		for (array = 0; array < img_get32(die + DIE_ARRAYS); array++)
			for (engine = 0; engine < img_get32(die + DIE_ENGINES); engine++) {
				if (__builtin_popcount(img_get32(img_cus(die, engine, array))) <=
				    (int)cu)
					continue;
				if (number == n / step)
					return engine * 32 + array * 16 + cu + n % step;
				number++;
			}
	return -1;
}

/*
 * The image is made to be of a die with one more engine, and the words of the mask name
 * the same numbers there. Here, they have to name them as the driver did at first.
 */
ROW(cu_mask_goes_to_other_die, S_NO_JOB)
{
	static const unsigned int words[] = { 23, 24, 26, 27 };
	uint32_t before[MQD_DWORDS], after[MQD_DWORDS], masks[DIE_MAX_ENGINES] = {};
	unsigned int i, step, engines;
	uint8_t *die, *q;
	int place;

	START();
	SETUP(!call(SRC, call_mask_cus), "CU mask");
	REQUIRE_HW(read_mqd(SRC->pid, before), "no debugfs of KFD");
	CHECK(!dump(s, SRC) && !reap(SRC), "dump");
	REQUIRE_V2(s);
	q = img_queue(&s->img, 0, 1);
	die = img_entry(&s->img, IMG_DIES, GPU_B);
	SETUP(q && die, "no AQL queue or no dies in the image");
	REQUIRE(img_get32(q + Q_XCCS) == 1, "each XCC has CUs of other numbers");
	engines = img_get32(die + DIE_ENGINES);
	REQUIRE(engines < ARRAY_SIZE(words), "no room for one more shader engine");
	step = img_get32(img_entry(&s->img, IMG_DEVICES, GPU_B) + DEV_GC_VERSION) >> 24 >= 10 ?
	       2 : 1;
	img_put32(die + DIE_ENGINES, engines + 1);
	for (i = 0; i < img_get32(die + DIE_ARRAYS); i++)
		img_put32(img_cus(die, engines, i), img_get32(img_cus(die, 0, i)));
	for (i = 0; i < 32; i++) {
		place = 0x33 & (1u << i) ? cu_place(die, step, i) : -1;
		if (place >= 0)
			masks[place / 32] |= 1u << place % 32;
	}
	for (i = 0; i <= engines; i++)
		img_put32(q + Q_SIZE + 4 * words[i], masks[i]);
	img_seal(&s->img);
	CHECK(!restore(s, SRC, DST, false) && !resume(s, DST), "restore");
	SETUP(read_mqd(DST->pid, after), "debugfs");
	for (i = 0; i < engines; i++)
		CHECK(after[words[i]] == before[words[i]], "engine %u: CU mask %#x became %#x", i,
		      before[words[i]], after[words[i]]);
}

/* --- SVM --- */

/* A range that one GPU alone has access to: nothing forbids VRAM. */
static int call_range_to_vram(struct ctx *c)
{
	c->range = SCENE_VA(SLOT_SPARE);
	c->range_size = BO_SIZE;
	TRY(c, kfd_svm_create(&c->k, &c->range, c->range_size, ON_B));
	scene_fill((void *)(uintptr_t)c->range, BO_SIZE, SEED_SVM);
	TRY(c, kfd_svm_prefetch(&c->k, c->range, BO_SIZE, c->k.gpu[GPU_B].gpu_id));
	return 0;
}

ROW(svm_location_preserved, S_NO_JOB | S_NO_SVM)
{
	int pages = BO_SIZE / sysconf(_SC_PAGESIZE), n;

	START();
	SETUP(!call(SRC, call_range_to_vram), "prefetch");
	n = pages_in_vram(SRC->pid, SRC->c.range, BO_SIZE);
	REQUIRE(n == pages, "%d of %d pages go to VRAM", n, pages);
	MOVE(false);
	n = pages_in_vram(DST->pid, DST->c.range, BO_SIZE);
	CHECK(n == pages, "%d of %d pages are in VRAM", n, pages);
}

static int call_unmap_half_svm(struct ctx *c)
{
	NEED(c, !munmap((void *)(uintptr_t)(c->svm + HALF), HALF), "munmap: %s",
	     strerror(errno));
	return 0;
}

/* KFD learns of it at once, and takes its range away in a worker. */
ROW(checkpoint_after_svm_munmap, S_NO_JOB)
{
	int fd, r, i;

	START();
	for (i = 0; i < 2; i++) {
		if (!i)
			SETUP(!call(SRC, call_unmap_half_svm), "munmap");
		fd = grab(SRC);
		SETUP(fd >= 0, "KFD fd");
		r = kfd_criu_checkpoint(fd, &s->img);
		CHECK(!r, "CHECKPOINT after munmap: %s", strerror(-r));
		r = kfd_criu_save_contents(&s->here, &s->img);
		CHECK(!r, "contents: %s", strerror(-r));
		kfd_image_free(&s->img);
		SETUP(!kfd_criu_unpause(fd), "UNPAUSE");
		let_go(SRC, fd);
	}
	UNHARMED(SRC);
}

/* --- images --- */

ROW(image_has_version_of_its_own, S_NO_JOB)
{
	START();
	CHECK(!dump(s, SRC), "dump");
	CHECK(img_is_v2(&s->img), "the image says version %u", img_get32(s->img.priv));
}

/* A CHECKPOINT of the restored process, which finds what the first one found. */
static void same_image(struct scene *s, struct kfd_image *first, struct proc *p)
{
	struct kfd_image second;
	char text[128];
	int fd, r;
	bool same;

	/* a scheduler knows how far a queue is when it has looked at it */
	SETUP(!call(p, machine_turns), "turns");
	fd = grab(p);
	SETUP(fd >= 0, "KFD fd");
	r = kfd_criu_checkpoint(fd, &second);
	CHECK(!r, "second CHECKPOINT: %s", strerror(-r));
	r = kfd_criu_save_contents(&s->here, &second);
	same = img_same(first, &second, text, sizeof(text));
	kfd_image_free(&second);
	SETUP(!kfd_criu_unpause(fd), "UNPAUSE");
	let_go(p, fd);
	CHECK(same, "%s", text);
	CHECK(!r, "contents at the second CHECKPOINT: %s", strerror(-r));
	UNHARMED(p);
}

#define DIRT		0xa5
#define DIRTY_PIPES	32
#define PIPE_BYTES	(1 << 20)

/*
 * The kernel takes pages first that were given back last, for itself from where it has
 * had its own before: those of pipes, not of a process.
 */
static bool leave_dirt(void)
{
	static char dirt[PIPE_BYTES / 16];
	int fds[DIRTY_PIPES][2], n, i;
	bool ok = true;

	memset(dirt, DIRT, sizeof(dirt));
	for (n = 0; n < DIRTY_PIPES && ok; n++) {
		if (pipe2(fds[n], O_CLOEXEC | O_NONBLOCK))
			return false;
		ok = fcntl(fds[n][1], F_SETPIPE_SZ, PIPE_BYTES) >= 0;
		while (ok && write(fds[n][1], dirt, sizeof(dirt)) > 0)
			;
	}
	for (i = 0; i < n; i++) {
		close(fds[i][0]);
		close(fds[i][1]);
	}
	return ok;
}

/*
 * An image goes to a disk, and to other machines. A control stack is written to from its
 * end on, as far down as waves were saved; what is below has been other people's memory.
 */
ROW(image_has_no_stale_memory, 0)
{
	const uint8_t *q, *mqd, *stack;
	unsigned int n, stacks = 0;
	uint32_t xcc, used, at;

	SETUP(leave_dirt(), "memory");
	START();
	SETUP(!dump(s, SRC), "dump");
	SETUP(img_is_v2(&s->img), "version");
	for (n = 0; (q = img_entry(&s->img, IMG_QUEUE, n)); n++) {
		uint32_t mqd_size = img_get32(q + Q_MQD_SIZE), size = img_get32(q + Q_CTL_SIZE);

		for (xcc = 0; size && xcc < img_get32(q + Q_XCCS); xcc++, stacks++) {
			mqd = q + Q_SIZE + xcc * (mqd_size + size);
			stack = mqd + mqd_size;
			used = img_get32(mqd + 4 * MQD_CTL_STACK_OFFSET);
			CHECK(used < size, "no wave on the control stack of XCC %u", xcc);
			for (at = 0; at < used && !stack[at]; at++)
				;
			CHECK(at == used, "byte %u of a control stack, used from %u on, is %#x",
			      at, used, stack[at]);
		}
	}
	REQUIRE(stacks, "no control stack in the image");
}

/* The job is done, so that no queue moves between two looks at it. */
static bool idle_image(struct scene *s, struct kfd_image *first)
{
	if (!started(s))
		return false;
	verdict = BROKEN;
	if (call(SRC, call_finish_sdma_job) || call(SRC, call_finish_aql_job) || dump(s, SRC) ||
	    !img_copy(first, &s->img))
		return false;
	verdict = PASSED;
	return true;
}

ROW(second_image_equals_first, 0)
{
	struct kfd_image first;

	if (!idle_image(s, &first))
		return;
	CHECK(!reap(SRC) && !restore(s, SRC, DST, false) && !resume(s, DST), "not restored");
	same_image(s, &first, DST);
}

/*
 * GPUs stand in an image in the order of the machine: after one swap it is the
 * same one in another order, after two it is the same.
 */
ROW(swap_twice_image_equals_first, S_NO_SIGNALS)
{
	struct kfd_image first;

	if (!swappable(s) || !idle_image(s, &first))
		return;
	CHECK(!reap(SRC) && !restore(s, SRC, DST, true) && !resume(s, DST), "not restored");
	CHECK(DST->pid, "no process");
	if (!moved(s, DST, THIRD, true))
		return;
	same_image(s, &first, THIRD);
}

/* An image such as stock kernels write and read. */
ROW(version_1_image_restores, 0)
{
	bool parameter;
	int r;

	REQUIRE(kfd_test_gpus(s->here.ngpu) == s->here.ngpu,
		"version 1 restores to a process with the VMs of all GPUs");
	REQUIRE(s->here.gpu[0].num_xcc == 1 && s->here.gpu[1].num_xcc == 1,
		"version 1 has the queue of one XCC");
	parameter = write_version("1");
	r = start(s, SRC) ? -1 : dump(s, SRC);
	if (parameter)
		write_version("2");
	CHECK(!r, "dump");
	CHECK(img_get32(s->img.priv) == 1, "the image says version %u", img_get32(s->img.priv));
	CHECK(!reap(SRC) && !restore(s, SRC, DST, false), "restore");
	CHECK(!resume(s, DST), "RESUME");
	CHECK(!call(DST, call_finish_sdma_job) && !call(DST, call_finish_aql_job), "jobs");
	CHECK(!call(DST, call_sdma_works) && !call(DST, call_aql_works), "queues");
}

/* What version 1 can't say it must not say wrongly. */
static int checkpoint_in_version_1(struct scene *s)
{
	bool parameter = write_version("1");
	int r;

	drop_image(s);
	r = grab(SRC);
	if (r >= 0) {
		int fd = r;

		r = kfd_criu_checkpoint(fd, &s->img);
		kfd_criu_unpause(fd);
		let_go(SRC, fd);
	}
	if (parameter)
		write_version("2");
	return parameter ? r : -ENOENT;
}

static int call_aql_ring(struct ctx *c)
{
	struct kfd_bo bo;

	TRY(c, kfd_bo_alloc(&c->k, &bo, GPU_A, SCENE_VA(SLOT_SPARE), 2 * HALF,
			    KFD_BO_GTT | KFD_IOC_ALLOC_MEM_FLAGS_AQL_QUEUE_MEM));
	return 0;
}

ROW(version_1_without_aql_ring, S_NO_JOB)
{
	int r;

	REQUIRE(!access(IMAGE_VERSION, W_OK), "images are always of version 1");
	START();
	REQUIRE(kfd_test_gpus(s->here.ngpu) == s->here.ngpu, "version 1 gives each GPU a VM");
	SETUP(!call(SRC, call_aql_ring), "a ring that is mapped twice");
	r = checkpoint_in_version_1(s);
	CHECK(r == -EOPNOTSUPP, "a ring of an AQL queue in version 1: %d", r);
	UNHARMED(SRC);
	MOVE(false);
	UNHARMED(DST);
}

ROW(version_1_without_unused_gpu, S_NO_JOB)
{
	int r;

	REQUIRE(!access(IMAGE_VERSION, W_OK), "images are always of version 1");
	SETUP(!spawn(s, SRC) && !call(SRC, call_build_one_gpu), "source");
	r = checkpoint_in_version_1(s);
	CHECK(r == -EOPNOTSUPP, "a GPU without a VM in version 1: %d", r);
	CHECK(!call(SRC, call_sdma_works) && !call(SRC, call_read_vram_a), "the process");
	MOVE(false);
	CHECK(!call(DST, call_sdma_works) && !call(DST, call_read_vram_a), "the copy");
}

/* --- who owns the pause --- */

/**
 * struct first_dumper - has paused the source, and is there until it is told
 * @pid: its process
 * @end: it dies when this is closed
 */
struct first_dumper {
	pid_t pid;
	int end;
};

static bool first_dumper_pauses(struct scene *s, struct first_dumper *d)
{
	struct kfd_ioctl_criu_args args;
	int fd, done[2], end[2];
	char c;

	if (pipe(done) || pipe(end))
		return false;
	d->pid = fork();
	if (!d->pid) {
		close(end[1]);
		fd = grab(SRC);
		c = fd < 0 || kfd_criu_process_info(fd, &args);
		if (fd >= 0)
			let_go(SRC, fd);
		if (write(done[1], &c, 1) != 1)
			_exit(1);
		_exit(read(end[0], &c, 1) < 0);
	}
	close(end[0]);
	close(done[1]);
	d->end = end[1];
	c = d->pid < 0 || read(done[0], &c, 1) != 1 || c;
	close(done[0]);
	return !c;
}

static bool first_dumper_dies(struct first_dumper *d)
{
	int status;

	close(d->end);
	return waitpid(d->pid, &status, 0) == d->pid && !status;
}

/* A first dumper pauses, a second one too, the first dies: the pause is the second's. */
ROW(second_dumper_takes_over, S_NO_JOB)
{
	struct first_dumper first;

	START();
	SETUP(first_dumper_pauses(s, &first), "the first dumper");
	CHECK(!pause_queues(SRC), "the second PROCESS_INFO");
	SETUP(first_dumper_dies(&first), "the end of the first dumper");
	CHECK(!call(SRC, call_sdma_stays), "the second dumper's pause");
	CHECK(!unpause_queues(SRC) && !call(SRC, call_sdma_catches_up), "UNPAUSE");
}

static int call_pause_itself(struct ctx *c)
{
	struct kfd_ioctl_criu_args args;

	TRY(c, kfd_criu_process_info(c->k.fd, &args));
	return 0;
}

static int call_unpause_itself(struct ctx *c)
{
	TRY(c, kfd_criu_unpause(c->k.fd));
	return 0;
}

/* The same, and it is the process that has paused itself. */
ROW(own_pause_outlives_dumper, S_NO_JOB)
{
	struct first_dumper first;

	START();
	SETUP(first_dumper_pauses(s, &first), "the dumper");
	CHECK(!call(SRC, call_pause_itself), "PROCESS_INFO of its own");
	SETUP(first_dumper_dies(&first), "the end of the dumper");
	CHECK(!call(SRC, call_sdma_stays), "its own pause");
	CHECK(!call(SRC, call_unpause_itself) && !call(SRC, call_sdma_catches_up), "UNPAUSE");
}

/* The other way round: it has paused itself, and the dumper that comes later has the pause. */
ROW(dumper_takes_over_own_pause, S_NO_JOB)
{
	struct first_dumper first;

	START();
	CHECK(!call(SRC, call_pause_itself), "PROCESS_INFO of its own");
	SETUP(first_dumper_pauses(s, &first), "the dumper");
	CHECK(!call(SRC, call_sdma_stays), "the dumper's pause");
	SETUP(first_dumper_dies(&first), "the end of the dumper");
	CHECK(!call(SRC, call_sdma_catches_up), "the end of the dumper");
}

/* As many signal events as there can be, and that one more was asked for. */
static int call_events_to_limit(struct ctx *c)
{
	struct kfd_event e;
	unsigned int n = 0;
	int r;

	do {
		r = kfd_event_create(&c->k, &e, KFD_IOC_EVENT_SIGNAL, true, NULL);
	} while (!r && ++n <= KFD_SIGNAL_EVENT_LIMIT);
	NEED(c, r == -ENOSPC, "no limit of events: %s", strerror(-r));
	return 0;
}

static bool says_event_limit(struct scene *s)
{
	const uint8_t *p = img_entry(&s->img, IMG_PROCESS, 0);

	return p && img_get32(p + PROC_FLAGS) & PROC_FLAG_EVENT_LIMIT;
}

/* KFD warns about it once in a process' life. */
ROW(event_limit_preserved, S_NO_JOB | S_NO_SIGNALS)
{
	START();
	CHECK(!dump(s, SRC), "dump");
	REQUIRE_V2(s);
	CHECK(!says_event_limit(s), "the limit is in the image too early");
	SETUP(!kfd_release(SRC->pid) && !unpause_queues(SRC), "UNPAUSE");
	SETUP(!call(SRC, call_events_to_limit), "events");
	MOVE(false);
	CHECK(says_event_limit(s), "the limit is not in the image");
	CHECK(!call(DST, call_sdma_works), "queue");
	CHECK(!dump(s, DST) && says_event_limit(s), "the limit is not in the second image");
}

/* --- a process that does not stand still --- */

#define CHURNERS	2
/* Checkpoints that have to find other counts than they were told. */
#define CHURN_SEEN	3
/* So many are tried at most. */
#define CHURN_TRIES	10000

static void *churn_events(void *arg)
{
	struct ctx *c = arg;
	struct kfd_event e[16];
	unsigned int i, n;

	while (!__atomic_load_n(&c->s->stop, __ATOMIC_ACQUIRE)) {
		for (n = 0; n < ARRAY_SIZE(e); n++)
			if (kfd_event_create(&c->k, &e[n], KFD_IOC_EVENT_SIGNAL, true, NULL))
				break;
		for (i = 0; i < n; i++)
			kfd_event_destroy(&c->k, &e[i]);
	}
	return NULL;
}

static pthread_t churners[CHURNERS];

static int start_threads(struct ctx *c, void *(*fn)(void *), unsigned int n)
{
	unsigned int i;

	c->s->stop = false;
	for (i = 0; i < n; i++)
		NEED(c, !pthread_create(&churners[i], NULL, fn, c), "thread");
	c->result = n;
	return 0;
}

static int call_start_churn(struct ctx *c)
{
	return start_threads(c, churn_events, CHURNERS);
}

static int call_stop_threads(struct ctx *c)
{
	unsigned int i;

	__atomic_store_n(&c->s->stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < c->result; i++)
		pthread_join(churners[i], NULL);
	return 0;
}

/* Buffers of exactly the size that PROCESS_INFO said, each in front of a guard. */
#define GUARD		0x5a
#define GUARD_SIZE	65536

struct guarded {
	uint8_t *p;
	uint64_t size;
};

static bool guarded_alloc(struct guarded *g, uint64_t size)
{
	g->size = size;
	g->p = malloc(size + GUARD_SIZE);
	if (g->p)
		memset(g->p + size, GUARD, GUARD_SIZE);
	return g->p;
}

static bool guard_intact(const struct guarded *g)
{
	unsigned int i;

	for (i = 0; i < GUARD_SIZE; i++)
		if (g->p[g->size + i] != GUARD)
			return false;
	return true;
}

/*
 * One PROCESS_INFO and CHECKPOINT; -EOVERFLOW when it wrote past a buffer, -EPROTO when it
 * was refused for counts that are what they were.
 */
static int checkpoint_guarded(int fd)
{
	struct kfd_criu_bo_bucket *buckets;
	struct guarded devices, bos, priv;
	struct kfd_ioctl_criu_args args;
	uint32_t i, objects;
	int r;

	r = kfd_criu_process_info(fd, &args);
	if (r)
		return r;
	if (!guarded_alloc(&devices, args.num_devices * sizeof(struct kfd_criu_device_bucket)) ||
	    !guarded_alloc(&bos, args.num_bos * sizeof(*buckets)) ||
	    !guarded_alloc(&priv, args.priv_data_size))
		return -ENOMEM;
	args.devices = (uintptr_t)devices.p;
	args.bos = (uintptr_t)bos.p;
	args.priv_data = (uintptr_t)priv.p;
	args.op = KFD_CRIU_OP_CHECKPOINT;
	buckets = (void *)bos.p;
	objects = args.num_objects;
	r = ioctl(fd, AMDKFD_IOC_CRIU_OP, &args) ? -errno : 0;
	if (r == -ENOSPC && args.num_objects == objects)
		r = -EPROTO;
	for (i = 0; !r && i < args.num_bos; i++)
		if (buckets[i].dmabuf_fd != (uint32_t)-1)
			close(buckets[i].dmabuf_fd);
	if (!guard_intact(&devices) || !guard_intact(&bos) || !guard_intact(&priv))
		r = -EOVERFLOW;
	free(devices.p);
	free(bos.p);
	free(priv.p);
	return r;
}

/* Only the thread that is traced stands still; paused are the queues, not the process. */
ROW(checkpoint_counts_while_events_come, S_NO_JOB)
{
	unsigned int changed = 0, tries, fds = open_fds();
	int fd, r;

	START();
	SETUP(!call(SRC, call_start_churn), "threads");
	fd = grab(SRC);
	SETUP(fd >= 0, "KFD fd");
	for (tries = 0; changed < CHURN_SEEN && tries < CHURN_TRIES; tries++) {
		r = checkpoint_guarded(fd);
		CHECK(r != -EOVERFLOW, "CHECKPOINT writes past the caller's buffer");
		CHECK(r != -EPROTO, "CHECKPOINT says ENOSPC, and nothing has changed");
		CHECK(!r || r == -ENOSPC, "CHECKPOINT: %s", strerror(-r));
		changed += r == -ENOSPC;
	}
	CHECK(changed == CHURN_SEEN, "counts changed in %u of %u checkpoints", changed, tries);
	CHECK(!kfd_criu_unpause(fd), "UNPAUSE");
	let_go(SRC, fd);
	SETUP(!call(SRC, call_stop_threads), "threads");
	/* the same with counts that stay */
	fd = grab(SRC);
	SETUP(fd >= 0, "KFD fd");
	r = checkpoint_guarded(fd);
	CHECK(!r, "CHECKPOINT at rest: %s", strerror(-r));
	CHECK(!kfd_criu_unpause(fd), "UNPAUSE");
	let_go(SRC, fd);
	fds = open_fds() - fds;
	CHECK(!fds, "%u descriptors are left", fds);
	UNHARMED(SRC);
}

/* --- memory that changes --- */

static int call_other_memory(struct ctx *c)
{
	uint64_t va = c->bo[BO_UPTR_AB].va;

	NEED(c, map_pages(c, va, BO_SIZE, -1) != MAP_FAILED, "mmap: %s", strerror(errno));
	scene_fill((void *)(uintptr_t)va, BO_SIZE, c->arg[0]);
	return 0;
}

static int call_gpu_reads_userptr(struct ctx *c)
{
	return gpu_reads(c, &c->sdma, c->bo[BO_UPTR_AB].va, c->arg[0], "a user pointer");
}

/* CRIU moves memory into place late, and in steps. */
ROW(memory_replaced_before_resume, S_NO_JOB)
{
	unsigned int seed;

	START();
	CHECK(!dump(s, SRC) && !reap(SRC) && !restore(s, SRC, DST, false), "restore");
	for (seed = 201; seed < 204; seed++) {
		DST->c.arg[0] = seed;
		SETUP(!call(DST, call_other_memory), "memory");
	}
	CHECK(!resume(s, DST), "RESUME");
	DST->c.arg[0] = 203;
	CHECK(!call(DST, call_gpu_reads_userptr), "user pointer");
}

/*
 * Replaces the last pages of a user pointer, over and over.  There is memory at any moment:
 * RESUME would not try again without.
 */
static void *churn_memory(void *arg)
{
	struct ctx *c = arg;
	char *p = (char *)(uintptr_t)c->bo[BO_UPTR_AB].va + BO_SIZE - 4 * KFD_PAGE;

	while (!__atomic_load_n(&c->s->stop, __ATOMIC_ACQUIRE)) {
		map_pages(c, (uintptr_t)p, 4 * KFD_PAGE, -1);
		*(volatile char *)p = 1;
	}
	return NULL;
}

static int call_start_memory_churn(struct ctx *c)
{
	return start_threads(c, churn_memory, 1);
}

#define TRACE_CLASS	TRACE_EVENTS "/kfd_criu_class/enable"
/* A copy may be resumed at the first try, by luck: so many are made at most. */
#define RETRY_COPIES	20

/* RESUME has found that the memory of a user pointer changed, and tries again. */
static bool resume_retries(void)
{
	return lines_with(TRACING "/trace", "kfd_criu_class: bo resume", " err=-11\n");
}

/*
 * RESUME while the memory of the target changes, until it has had to try again: then the
 * memory comes to rest.  Returns what RESUME says at last, or 1 for a failure of the test.
 */
static int resume_during_churn(struct scene *s, bool *retried)
{
	int status, r;
	pid_t pid;

	if (call(DST, call_start_memory_churn))
		return 1;
	*retried = false;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(-resume(s, DST));
	}
	do {
		usleep(1000);
		r = waitpid(pid, &status, WNOHANG);
		*retried = resume_retries();
	} while (!r && !*retried);
	if (call(DST, call_stop_threads) || r < 0)
		return 1;
	if (!r && waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : 1;
}

ROW(resume_retries_while_memory_changes, S_NO_JOB)
{
	bool retried = false;
	unsigned int i;
	int r;

	REQUIRE(traces(), "a kernel without tracing of events");
	START();
	CHECK(!dump(s, SRC) && !reap(SRC), "dump");
	CHECK(!kfd_write_text(TRACE_CLASS, "1"), "no tracepoint for what RESUME does");
	for (i = 0; i < RETRY_COPIES && !retried; i++) {
		kfd_write_text(TRACING "/trace", "");
		r = 1;
		if (!reap(DST) && !restore(s, SRC, DST, false))
			r = resume_during_churn(s, &retried);
		if (r)
			break;
	}
	kfd_write_text(TRACE_CLASS, "0");
	SETUP(r <= 0, "a copy and its thread");
	CHECK(!r, "RESUME while the memory changes: %s", strerror(-r));
	CHECK(retried, "RESUME succeeded at the first try, %u times", i);
	DST->c.arg[0] = 204;
	SETUP(!call(DST, call_other_memory), "memory");
	CHECK(!call(DST, call_gpu_reads_userptr), "user pointer");
	UNHARMED(DST);
}

/* --- a process whose main thread has gone its own way --- */

#define SEED_PROGRAM		301u
#define SEED_ANEW		302u

/* What such a thread executes has this as its first argument. */
#define PROGRAM			"another-program"

/**
 * struct program - a program that has memory where the process has its SVM range
 * @pid: its process, whose main thread was that of the row's process before
 * @ready: a byte can be read here when the memory is there
 * @look: a byte written here lets the program look at its memory, and end
 */
struct program {
	pid_t pid;
	int ready[2], look[2];
};

static struct program program;

/* This test program, executed again: its exit status says whether its memory is as it was. */
static void __attribute__((constructor)) another_program(int argc, char **argv)
{
	void *mem;
	char c = 0;

	if (argc < 5 || strcmp(argv[1], PROGRAM))
		return;
	mem = mmap((void *)(uintptr_t)strtoull(argv[2], NULL, 0), BO_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (mem == MAP_FAILED)
		_exit(2);
	scene_fill(mem, BO_SIZE, SEED_PROGRAM);
	if (write(atoi(argv[3]), &c, 1) != 1 || read(atoi(argv[4]), &c, 1) != 1)
		_exit(3);
	_exit(scene_bad(mem, BO_SIZE, SEED_PROGRAM) ? 4 : 0);
}

static struct proc *proc_of(struct ctx *c)
{
	return (struct proc *)((char *)c - offsetof(struct proc, c));
}

/* The call ends in a task that is not the one in which it began. */
static void __attribute__((noreturn)) carry_on(struct ctx *c)
{
	struct proc *p = proc_of(c);

	p->ret = 0;
	proc_is_busy(p, false);
	proc_main(c->s, p);
}

static int heir(void *arg)
{
	struct ctx *c = arg;

	/* The program alone holds it: if there is none, the row reads the end of the pipe. */
	close(program.ready[1]);
	proc_of(c)->pid = getpid();
	carry_on(c);
}

/* A clone goes on with the memory, and what was the main thread executes a program. */
static int call_execute(struct ctx *c)
{
	static char stack[65536] __attribute__((aligned(16)));
	char va[24], ready[12], look[12];

	snprintf(va, sizeof(va), "%#llx", (unsigned long long)c->range);
	snprintf(ready, sizeof(ready), "%d", program.ready[1]);
	snprintf(look, sizeof(look), "%d", program.look[0]);
	NEED(c, clone(heir, stack + sizeof(stack), CLONE_VM | CLONE_PARENT | SIGCHLD, c) > 0,
	     "clone: %s", strerror(errno));
	execl("/proc/self/exe", "program", PROGRAM, va, ready, look, NULL);
	_exit(5);
}

static int call_range_as_it_was(struct ctx *c)
{
	unsigned int bad = scene_bad((void *)(uintptr_t)c->range, BO_SIZE, SEED_SVM);

	NEED(c, !bad, "%u words of the range differ", bad);
	return 0;
}

/*
 * RESUME is about the memory that the process was restored into, not about that of a program
 * which its main thread executes meanwhile.
 */
static void resume_beside_program(struct scene *s, int pages)
{
	siginfo_t end = { 0 };
	char c = 0;
	int n;

	SETUP(!pipe(program.ready) && !pipe(program.look), "pipe: %s", strerror(errno));
	CHECK(!restore(s, SRC, DST, false), "restore");
	program.pid = DST->pid;
	SETUP(!call(DST, call_execute), "exec");
	close(program.ready[1]);
	SETUP(read(program.ready[0], &c, 1) == 1, "the program does not begin");
	CHECK(!resume(s, DST), "RESUME");
	SETUP(write(program.look[1], &c, 1) == 1, "the program does not listen");
	SETUP(!waitid(P_PID, program.pid, &end, WEXITED | WNOWAIT), "the program does not end");
	CHECK(end.si_code == CLD_EXITED, "the program dies of %s", strsignal(end.si_status));
	CHECK(!end.si_status, "the program's memory is not as it was (%d)", end.si_status);
	n = pages_in_vram(DST->pid, DST->c.range, BO_SIZE);
	CHECK(n == pages, "%d of %d pages are in VRAM", n, pages);
	CHECK(!call(DST, call_range_as_it_was), "after RESUME");
}

ROW(resume_of_memory_that_main_thread_left, S_NO_JOB | S_NO_SVM)
{
	struct proc main_thread = { 0 };
	int n;

	START();
	SETUP(!call(SRC, call_range_to_vram), "prefetch");
	n = pages_in_vram(SRC->pid, SRC->c.range, BO_SIZE);
	REQUIRE(n > 0, "no page goes to VRAM");
	CHECK(!dump(s, SRC) && !reap(SRC), "dump");
	resume_beside_program(s, n);
	/* KFD has the process under the number of its main thread */
	main_thread.pid = program.pid;
	reap(DST);
	reap(&main_thread);
}

static void *rest_of_the_process(void *arg)
{
	carry_on(arg);
}

static int call_end_main_thread(struct ctx *c)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, rest_of_the_process, c);

	NEED(c, !r, "thread: %s", strerror(r));
	syscall(SYS_exit, 0);
	return -1;
}

/* Other pages below the SVM range: the queues stop until a worker of KFD has mapped them. */
static int call_svm_anew(struct ctx *c)
{
	void *mem = (void *)(uintptr_t)c->svm;

	NEED(c, !madvise(mem, BO_SIZE, MADV_DONTNEED), "madvise: %s", strerror(errno));
	scene_fill(mem, BO_SIZE, SEED_ANEW);
	return gpu_reads(c, &c->sdma, c->svm, SEED_ANEW, "the SVM range");
}

/* The same for a user pointer. */
static int call_userptr_anew(struct ctx *c)
{
	struct kfd_bo *bo = &c->bo[BO_UPTR_AB];

	NEED(c, !madvise(bo->cpu, BO_SIZE, MADV_DONTNEED), "madvise: %s", strerror(errno));
	scene_fill(bo->cpu, BO_SIZE, SEED_ANEW);
	return gpu_reads(c, &c->sdma, bo->va, SEED_ANEW, "the user pointer");
}

/* The threads that go on are the process. */
ROW(main_thread_has_ended, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_end_main_thread), "the end of the main thread");
	CHECK(!call(SRC, call_pause_itself), "PROCESS_INFO");
	CHECK(!call(SRC, call_sdma_stays), "its pause");
	CHECK(!call(SRC, call_unpause_itself) && !call(SRC, call_sdma_catches_up), "UNPAUSE");
	CHECK(!call(SRC, call_svm_anew), "SVM");
}

ROW(userptr_anew_without_main_thread, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_userptr_anew), "new pages with the main thread");
	SETUP(!call(SRC, call_end_main_thread), "the end of the main thread");
	CHECK(!call(SRC, call_userptr_anew), "new pages without it");
}

/* --- between RESTORE and RESUME --- */

ROW(process_info_before_resume_refused, S_NO_JOB)
{
	int r;

	START();
	CHECK(!dump(s, SRC) && !reap(SRC) && !restore(s, SRC, DST, false), "restore");
	r = pause_queues(DST);
	CHECK(r == -EBUSY, "PROCESS_INFO of a process that waits for RESUME: %d", r);
	CHECK(!resume(s, DST), "RESUME");
	UNHARMED(DST);
}

static int call_hw_exception(struct ctx *c)
{
	struct kfd_event e;

	TRY(c, kfd_event_create(&c->k, &e, KFD_IOC_EVENT_HW_EXCEPTION, true, NULL));
	c->hw = e;
	NEED(c, kfd_event_wait(&c->k, &c->hw, 0, NULL) == -ETIMEDOUT, "an exception already");
	return 0;
}

static int call_hw_exception_fires(struct ctx *c)
{
	NEED(c, !kfd_event_wait(&c->k, &c->hw, c->s->wait_ms, NULL), "no hardware exception");
	return 0;
}

/* CRIU does not look at the result of RESUME: the process has to learn it. */
ROW(hw_exception_after_failed_resume, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_hw_exception), "event");
	SRC->c.arg[1] = SCENE_VA(BO_UPTR_A);	/* no memory there */
	CHECK(!dump(s, SRC) && !reap(SRC) && !restore(s, SRC, DST, false), "restore");
	resume(s, DST);
	CHECK(!call(DST, call_hw_exception_fires), "hardware exception");
}

static int call_no_hw_exception(struct ctx *c)
{
	NEED(c, kfd_event_wait(&c->k, &c->hw, 0, NULL) == -ETIMEDOUT, "an exception is left");
	return 0;
}

static int call_hw_exception_that_stays(struct ctx *c)
{
	TRY(c, kfd_event_create(&c->k, &c->hw, KFD_IOC_EVENT_HW_EXCEPTION, false, NULL));
	return 0;
}

static int call_fill_userptr(struct ctx *c)
{
	uint64_t va = c->bo[BO_UPTR_A].va;

	NEED(c, map_pages(c, va, BO_SIZE, -1) != MAP_FAILED, "mmap: %s", strerror(errno));
	return 0;
}

/* RESUME is tried again and succeeds: nothing was wrong. */
ROW(no_hw_exception_after_resume, S_NO_JOB)
{
	START();
	SETUP(!call(SRC, call_hw_exception_that_stays), "event");
	SRC->c.arg[1] = SCENE_VA(BO_UPTR_A);	/* no memory there */
	CHECK(!dump(s, SRC) && !reap(SRC) && !restore(s, SRC, DST, false), "restore");
	CHECK(resume(s, DST) == -EFAULT && resume(s, DST) == -EFAULT, "RESUME");
	CHECK(!call(DST, call_hw_exception_fires), "hardware exception");
	SETUP(!call(DST, call_fill_userptr), "memory");
	CHECK(!resume(s, DST), "RESUME with the memory in place");
	CHECK(!call(DST, call_no_hw_exception), "hardware exception");
	UNHARMED(DST);
}

/* Whoever called it knows; a process that does not want to know is left alone. */
ROW(failed_resume_is_not_logged, S_NO_JOB)
{
	char line[512];
	int log;

	START();
	SRC->c.arg[1] = SCENE_VA(BO_UPTR_A);	/* no memory there */
	CHECK(!dump(s, SRC) && !reap(SRC) && !restore(s, SRC, DST, false), "restore");
	log = log_open();
	REQUIRE(log >= 0, "the kernel's log can't be read");
	CHECK(resume(s, DST) == -EFAULT, "RESUME");
	CHECK(!log_has_error(log, line, sizeof(line)), "the log says %s", line);
	close(log);
	SETUP(!call(DST, call_fill_userptr), "memory");
	CHECK(!resume(s, DST), "RESUME with the memory in place");
	UNHARMED(DST);
}

/* --- the end of a process whose user pointers are being restored --- */

#define LISTED_SIZE		(32u << 20)	/* its list of pages has 64 KiB */
#define LISTED_VA		(SCENE_VA(BO_UPTR_A) - LISTED_SIZE)
#define LISTED_WARM		4
#define LISTED_TIMES		24

/*
 * The driver looks for the pages of two user pointers again, gets those of the first, may
 * not have those of the second, and goes on trying, with the list of the first in hand.
 */
static int call_lists_pages(struct ctx *c)
{
	struct kfd_bo *first = &c->bo[BO_UPTR_AB], *second = &c->bo[BO_UPTR_A], other;
	uint64_t end = scene_clock() + c->s->wait_ms;
	unsigned char there = 0;

	TRY(c, kfd_open_all(&c->k));
	NEED(c, map_pages(c, LISTED_VA, LISTED_SIZE + KFD_PAGE, -1) != MAP_FAILED, "mmap: %s",
	     strerror(errno));
	TRY(c, kfd_bo_create(&c->k, first, GPU_A, LISTED_VA, LISTED_SIZE, KFD_BO_USERPTR, ON_A));
	TRY(c, kfd_bo_create(&c->k, second, GPU_A, SCENE_VA(BO_UPTR_A), KFD_PAGE,
			     KFD_BO_USERPTR, ON_A));
	/* both at once, so that they are looked at in the order in which they were made */
	NEED(c, !mprotect(first->cpu, LISTED_SIZE + KFD_PAGE, PROT_READ) &&
	     !madvise(first->cpu, LISTED_SIZE, MADV_DONTNEED) &&
	     !mprotect(first->cpu, LISTED_SIZE, PROT_READ | PROT_WRITE), "protection: %s",
	     strerror(errno));
	/* the driver, looking, is the only one to touch the last page */
	while (!(there & 1) && scene_clock() < end) {
		usleep(1000);
		NEED(c, !mincore((char *)first->cpu + LISTED_SIZE - KFD_PAGE, KFD_PAGE, &there),
		     "mincore: %s", strerror(errno));
	}
	NEED(c, there & 1, "nobody looks for the pages of user pointers");
	/* an allocation waits until this look at both is over, and the list is in its hand */
	TRY(c, kfd_bo_alloc(&c->k, &other, GPU_A, LISTED_VA - KFD_PAGE, KFD_PAGE, KFD_BO_GTT));
	TRY(c, kfd_bo_destroy(&c->k, &other));
	return 0;
}

/* Bytes in slabs and in large allocations. */
static long long kernel_memory(void)
{
	return kfd_file_property("/proc/meminfo", "SUnreclaim:") * 1024;
}

/*
 * What a dead process leaves behind is lost for good.  A debug kernel keeps what was freed
 * for a while, too much to tell it from that by the sum, and has kmemleak instead.
 */
ROW(page_lists_die_with_process, S_NO_JOB)
{
	const char *debug = getenv("KFD_CRIU_DEBUG");
	const bool sum = !debug || !atoi(debug);
	const long long lost = LISTED_TIMES * (LISTED_SIZE / KFD_PAGE) * 8;
	long long before = 0, more = 0;
	uint64_t end;
	int i;

	for (i = 0; i < LISTED_WARM + (sum ? LISTED_TIMES : 0); i++) {
		if (i == LISTED_WARM)
			before = kernel_memory();
		SETUP(!spawn(s, SRC) && !call(SRC, call_lists_pages) && !reap(SRC), "process");
	}
	if (!sum)
		return;
	SETUP(before > 0, "no sum of kernel memory");
	for (end = scene_clock() + s->wait_ms; scene_clock() < end; scene_quiet()) {
		more = kernel_memory() - before;
		if (more < lost / 2)
			break;
	}
	CHECK(more < lost / 2, "dead processes leave memory: %lld bytes, of lists of %lld", more,
	      lost);
}

/* --- what KFD counts of a process --- */

/* RESTORE stops a process before it has a VM, and RESUME starts it when it has. */
ROW(evicted_ms_of_restored_process, S_NO_JOB)
{
	long long begun = scene_clock(), ms;
	unsigned int g;

	START();
	MOVE(false);
	for (g = GPU_A; g <= GPU_B; g++) {
		ms = proc_number(DST->pid, "stats", s->here.gpu[g].gpu_id, "/evicted_ms");
		CHECK(ms >= 0, "no evicted_ms for GPU %u", g);
		CHECK(ms <= (long long)scene_clock() - begun, "evicted for %lld ms from GPU %u",
		      ms, g);
	}
}

/* --- the end of a process of which others still hold the render nodes --- */

#define CLOSE_TIMES		400
#define CLOSE_READY_MS		60000u

/* Words that the processes of a turn share. */
struct closing {
	uint32_t over, ready, go;
};

/* Has the render node of one GPU, and closes it in the moment in which another closes its own. */
static void __attribute__((noreturn)) closer(struct kfd *k, unsigned int mine, struct closing *w)
{
	uint64_t end = scene_clock() + CLOSE_READY_MS;
	unsigned int g;

	prctl(PR_SET_PDEATHSIG, 0);
	close(k->fd);
	/* whoever closes the render node of a process that KFD has still waits a second */
	if (!__atomic_load_n(&w->over, __ATOMIC_ACQUIRE))
		word_sleep(&w->over, 0, CLOSE_READY_MS);
	for (g = 0; g < k->ngpu; g++)
		if (g != mine)
			close(k->gpu[g].drm_fd);
	__atomic_add_fetch(&w->ready, 1, __ATOMIC_SEQ_CST);
	word_wake(&w->ready);
	/* not asleep: both go on at once, on a CPU each.  A row that failed tells nobody to. */
	while (!__atomic_load_n(&w->go, __ATOMIC_ACQUIRE) && scene_clock() < end)
		;
	close(k->gpu[mine].drm_fd);
	_exit(0);
}

/* A process of KFD whose VMs live longer than itself. */
static void __attribute__((noreturn)) leaves_vms(struct closing *w)
{
	unsigned int g;
	struct kfd k;
	pid_t pid;

	if (kfd_open_all(&k) || k.ngpu < 2)
		_exit(1);
	for (g = GPU_A; g <= GPU_B; g++) {
		pid = fork();
		if (!pid)
			closer(&k, g, w);
		if (pid < 0)
			_exit(2);
	}
	_exit(0);
}

/*
 * What all VMs of a process share goes with the last of them.  Two that go at once must not both
 * be the last.
 */
ROW(last_vms_close_at_once, S_NO_JOB)
{
	struct closing *w = mmap(NULL, KFD_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				 -1, 0);
	unsigned int i, n, ready;
	uint64_t end;
	pid_t first;
	int status;

	SETUP(w != MAP_FAILED && !prctl(PR_SET_CHILD_SUBREAPER, 1), "processes");
	for (i = 0; i < CLOSE_TIMES; i++) {
		memset(w, 0, sizeof(*w));
		fflush(stdout);
		status = -1;
		first = fork();
		if (!first)
			leaves_vms(w);
		SETUP(first > 0 && waitpid(first, &status, 0) == first && !status,
		      "a process with VMs: %#x", status);
		SETUP(!gone(first), "the end of the process");
		__atomic_store_n(&w->over, 1, __ATOMIC_RELEASE);
		word_wake(&w->over);
		end = scene_clock() + CLOSE_READY_MS;
		while ((ready = __atomic_load_n(&w->ready, __ATOMIC_ACQUIRE)) < 2) {
			SETUP(scene_clock() < end, "processes with a VM each");
			word_sleep(&w->ready, ready, 100);
		}
		__atomic_store_n(&w->go, 1, __ATOMIC_RELEASE);
		for (n = 0; n < 2; n++)
			SETUP(wait(&status) > 0 && !status, "a process with a VM: %#x", status);
	}
	munmap(w, KFD_PAGE);
	/* nobody has freed what others have now */
	SETUP(!spawn(s, SRC) && !call(SRC, call_build_one_gpu), "another process");
	CHECK(!machine_turns(&SRC->c), "the GPUs");
}

TEST_HARNESS_MAIN
