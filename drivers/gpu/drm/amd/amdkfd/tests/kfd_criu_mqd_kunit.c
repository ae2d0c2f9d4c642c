// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * KUnit tests of what a checkpoint keeps of an MQD, and what it leaves to the driver.
 *
 * The MQD managers of the driver fill in MQDs of a GPU that is made up: they read no
 * more of it than versions, sizes and settings. What they write has to be known to the
 * table of the layout, bit by bit.
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <kunit/visibility.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "amdgpu.h"
#include "kfd_criu.h"
#include "kfd_criu_mqd.h"
#include "kfd_criu_testing.h"
#include "kfd_device_queue_manager.h"
#include "kfd_mqd_manager.h"
#include "kfd_priv.h"
#include "kfd_topology.h"
#include "v9_structs.h"
#include "v10_structs.h"
#include "v11_structs.h"
#include "v12_structs.h"

/* More than any MQD has. */
#define DWORDS		(PAGE_SIZE / sizeof(u32))
/* Room for an MQD and a control stack on each XCC. */
#define ROOM		SZ_256K
#define XCC_MASK	0x3
/* More than a register holds, but the driver writes all of it. */
#define CTL_STACK	0xfffc

/* --- GPUs --- */

/* Which tables of names below are for a GPU. */
#define V9	BIT(0)
#define V9_4_2	BIT(1)		/* and 9.4.3 */
#define V9_4_3	BIT(2)		/* and 9.4.4 */
#define V10	BIT(3)
#define V11	BIT(4)
#define V12	BIT(5)

struct generation {
	const char *name;
	u32 gc_version;
	u32 tables;
};

static const struct generation generations[] = {
	{ "9.0.1", IP_VERSION(9, 0, 1), V9 },
	{ "9.1.0", IP_VERSION(9, 1, 0), V9 },
	{ "9.2.1", IP_VERSION(9, 2, 1), V9 },
	{ "9.2.2", IP_VERSION(9, 2, 2), V9 },
	{ "9.3.0", IP_VERSION(9, 3, 0), V9 },
	{ "9.4.0", IP_VERSION(9, 4, 0), V9 },
	{ "9.4.1", IP_VERSION(9, 4, 1), V9 },
	{ "9.4.2", IP_VERSION(9, 4, 2), V9 | V9_4_2 },
	{ "9.4.3", IP_VERSION(9, 4, 3), V9 | V9_4_2 | V9_4_3 },
	{ "9.4.4", IP_VERSION(9, 4, 4), V9 | V9_4_2 | V9_4_3 },
	{ "10.1.10", IP_VERSION(10, 1, 10), V10 },
	{ "10.3.0", IP_VERSION(10, 3, 0), V10 },
	{ "10.3.6", IP_VERSION(10, 3, 6), V10 },
	{ "11.0.0", IP_VERSION(11, 0, 0), V11 },
	{ "11.0.3", IP_VERSION(11, 0, 3), V11 },
	{ "11.5.0", IP_VERSION(11, 5, 0), V11 },
	{ "12.0.0", IP_VERSION(12, 0, 0), V12 },
	{ "12.0.1", IP_VERSION(12, 0, 1), V12 },
};

static const u32 types[] = { KFD_QUEUE_TYPE_COMPUTE, KFD_QUEUE_TYPE_SDMA };

static void generation_name(const struct generation *gen, char *name)
{
	strscpy(name, gen->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(generation, generations, generation_name);

/**
 * struct gpu - a GPU that is made up, as far as MQD managers look
 * @node: the node
 * @kfd: its settings
 * @dqm: its device queue manager
 * @adev: versions and CUs
 * @mm: the MQD manager of the driver
 * @layout: of its MQDs
 * @mem: %ROOM bytes for MQDs
 * @driver: for each dword of an MQD, bits that are the driver's
 * @starts: and those that the driver only begins with
 * @written: and those that it has been seen to write
 */
struct gpu {
	struct kfd_node node;
	struct kfd_dev kfd;
	struct device_queue_manager dqm;
	struct amdgpu_device *adev;
	struct mqd_manager *mm;
	const struct kfd_criu_mqd_layout *layout;
	u8 *mem;
	u32 driver[DWORDS];
	u32 starts[DWORDS];
	u32 written[DWORDS];
};

KUNIT_DEFINE_ACTION_WRAPPER(free_large, kvfree, const void *);
KUNIT_DEFINE_ACTION_WRAPPER(free_small, kfree, const void *);

static void *allocate(struct kunit *test, size_t size)
{
	void *mem = kvzalloc(size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_large, mem), 0);
	return mem;
}

/* As many CUs as the tables of the driver have room for. */
static void make_cus(struct gpu *gpu, u32 gc_version)
{
	struct amdgpu_cu_info *cus = &gpu->adev->gfx.cu_info;
	struct amdgpu_gfx_config *config = &gpu->adev->gfx.config;
	bool few = IP_VERSION_MAJ(gc_version) == 10 || gc_version == IP_VERSION(9, 4, 3) ||
		   gc_version == IP_VERSION(9, 4, 4);
	u32 *bitmap = &cus->bitmap[0][0][0];
	u32 i;

	config->max_shader_engines = few ? 4 : 8;
	config->max_sh_per_se = 2;
	for (i = 0; i < sizeof(cus->bitmap) / sizeof(*bitmap); i++)
		bitmap[i] = 0xffff;
	cus->number = config->max_shader_engines * config->max_sh_per_se * 16 * 2;
}

static u32 last_of(const struct kfd_criu_mqd_words *words)
{
	return max(words->first, words->last);
}

static struct gpu *make_gpu(struct kunit *test, u32 gc_version, u32 type)
{
	bool xccs = gc_version == IP_VERSION(9, 4, 3) || gc_version == IP_VERSION(9, 4, 4);
	const struct kfd_criu_mqd_words *words;
	struct gpu *gpu = allocate(test, sizeof(*gpu));
	u32 i;

	gpu->adev = allocate(test, sizeof(*gpu->adev));
	gpu->mem = allocate(test, ROOM);
	gpu->adev->ip_versions[GC_HWIP][0] = gc_version;
	gpu->node.adev = gpu->adev;
	gpu->node.kfd = &gpu->kfd;
	gpu->node.dqm = &gpu->dqm;
	gpu->node.xcc_mask = xccs ? XCC_MASK : 1;
	gpu->kfd.adev = gpu->adev;
	gpu->kfd.num_nodes = 1;
	make_cus(gpu, gc_version);

	gpu->mm = kfd_criu_testing_mqd_manager(type == KFD_QUEUE_TYPE_COMPUTE ?
					       KFD_MQD_TYPE_CP : KFD_MQD_TYPE_SDMA, &gpu->node);
	KUNIT_ASSERT_NOT_NULL(test, gpu->mm);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_small, gpu->mm), 0);

	gpu->layout = kfd_criu_mqd_layout(&gpu->node, type);
	KUNIT_ASSERT_NOT_NULL(test, gpu->layout);
	KUNIT_ASSERT_EQ(test, gpu->layout->size, gpu->mm->mqd_size);
	for (words = gpu->layout->words; words < gpu->layout->words + gpu->layout->num_words;
	     words++) {
		KUNIT_ASSERT_LT(test, last_of(words), DWORDS);
		for (i = words->first; i <= last_of(words); i++) {
			gpu->driver[i] |= ~words->image;
			if (words->starts)
				gpu->starts[i] |= words->image;
		}
	}
	return gpu;
}

static void check_table(struct kunit *test, struct gpu *gpu, u32 type)
{
	const struct kfd_criu_mqd_words *words = gpu->layout->words;
	bool compute = type == KFD_QUEUE_TYPE_COMPUTE;
	u32 i, behind = 0;

	KUNIT_EXPECT_LE(test, gpu->layout->size, PAGE_SIZE);
	for (i = 0; i < gpu->layout->num_words; i++) {
		KUNIT_EXPECT_GE_MSG(test, words[i].first, behind, "entry %u", i);
		/* without an entry, all bits are the image's, and the driver writes none */
		KUNIT_EXPECT_TRUE_MSG(test, words[i].starts || words[i].image != U32_MAX,
				      "entry %u", i);
		KUNIT_EXPECT_TRUE_MSG(test, !words[i].starts || words[i].image, "entry %u", i);
		if (words[i].last)
			KUNIT_EXPECT_GT_MSG(test, words[i].last, words[i].first, "entry %u", i);
		behind = last_of(&words[i]) + 1;
	}
	KUNIT_EXPECT_LE(test, behind * sizeof(u32), gpu->layout->size);
	KUNIT_EXPECT_EQ(test, gpu->driver[gpu->layout->rptr], 0);
	KUNIT_EXPECT_EQ(test, !!gpu->layout->ctl_stack_offset.mask, compute);
	KUNIT_EXPECT_EQ(test, !!gpu->layout->wg_state_offset.mask, compute);
}

/* The tables are in order, and say one thing about each bit. */
static void kfd_criu_mqd_table_test(struct kunit *test)
{
	const struct generation *gen = test->param_value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		check_table(test, make_gpu(test, gen->gc_version, types[i]), types[i]);
}

/* --- what the driver writes --- */

struct properties {
	u32 type;
	bool ones;
	bool aql;
	u64 ring_size;
	u32 eop_size;
};

static void fill(struct queue_properties *qp, const struct properties *p)
{
	u64 ones = p->ones ? U64_MAX : 0;

	*qp = (struct queue_properties) {
		.type = p->type,
		.format = p->aql ? KFD_QUEUE_FORMAT_AQL : KFD_QUEUE_FORMAT_PM4,
		.queue_address = ones,
		.queue_size = p->ring_size,
		.priority = p->ones ? KFD_CRIU_MAX_PRIORITY : 0,
		.queue_percent = 100,
		.read_ptr = (void __user *)(uintptr_t)ones,
		.write_ptr = (void __user *)(uintptr_t)ones,
		/* of as many bits as doorbells of a GPU are counted with */
		.doorbell_off = ones & 0x3ffffff,
		.pm4_target_xcc = ones & KFD_CRIU_MAX_TARGET_XCC,
		.vmid = ones & 0xf,
		.sdma_engine_id = ones,
		.sdma_queue_id = ones,
		.eop_ring_buffer_address = ones,
		.eop_ring_buffer_size = p->eop_size,
		.ctx_save_restore_area_address = ones,
		.ctx_save_restore_area_size = ones,
		.ctl_stack_size = ones & CTL_STACK,
		.tba_addr = ones,
		.tma_addr = ones,
	};
}

/* One bit for each that is not what was there before. */
static void note(struct gpu *gpu, struct queue_properties *qp, u32 before)
{
	u64 stride = gpu->mm->mqd_stride(gpu->mm, qp);
	u32 xccs = qp->type == KFD_QUEUE_TYPE_COMPUTE ? NUM_XCC(gpu->node.xcc_mask) : 1;
	u32 xcc, i;

	for (xcc = 0; xcc < xccs; xcc++) {
		const u32 *mqd = (const u32 *)(gpu->mem + xcc * stride);

		for (i = 0; i < gpu->layout->size / sizeof(u32); i++)
			gpu->written[i] |= mqd[i] ^ before;
	}
}

/* Whatever was there before, a new MQD begins with zeroes. */
static void create(struct gpu *gpu, const struct properties *p, u8 pattern)
{
	struct kfd_mem_obj mem = {
		.gpu_addr = p->ones ? U64_MAX : 0,
		.cpu_ptr = (u32 *)gpu->mem,
	};
	struct queue_properties qp;
	u64 gart_addr;
	void *mqd;

	fill(&qp, p);
	memset(gpu->mem, pattern, ROOM);
	gpu->mm->init_mqd(gpu->mm, &mqd, &mem, &gart_addr, &qp);
	note(gpu, &qp, 0);
}

static void update(struct gpu *gpu, const struct properties *p, u8 pattern,
		   struct mqd_update_info *info)
{
	struct queue_properties qp;

	fill(&qp, p);
	memset(gpu->mem, pattern, ROOM);
	gpu->mm->update_mqd(gpu->mm, gpu->mem, &qp, info);
	note(gpu, &qp, pattern ? U32_MAX : 0);
}

static void write_all(struct gpu *gpu, const struct properties *p)
{
	static u32 none[32], all[32] = { [0 ... 31] = U32_MAX };
	struct mqd_update_info infos[] = {
		{ .cu_mask = { .count = 32 * ARRAY_SIZE(none), .ptr = none } },
		{ .cu_mask = { .count = 32 * ARRAY_SIZE(all), .ptr = all } },
		{ .update_flag = UPDATE_FLAG_IS_GWS },
		{ .update_flag = UPDATE_FLAG_DBG_WA_ENABLE },
		{ .update_flag = UPDATE_FLAG_DBG_WA_DISABLE },
		{ .update_flag = 0 },
	};
	static const u8 patterns[] = { 0, 0xff };
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		create(gpu, p, patterns[i]);
		update(gpu, p, patterns[i], NULL);
		for (n = 0; n < ARRAY_SIZE(infos); n++)
			update(gpu, p, patterns[i], &infos[n]);
	}
}

static void check_written(struct kunit *test, struct gpu *gpu, u32 type)
{
	static const u64 ring_sizes[] = { 0, SZ_1K, SZ_64K, SZ_1M, SZ_2G, SZ_4G };
	static const u32 eop_sizes[] = { 0, SZ_4K, SZ_2G };
	struct properties p = { .type = type };
	u32 settings, ring, eop, i, count = 0;

	for (settings = 0; settings < 16; settings++) {
		gpu->kfd.cwsr_enabled = settings & 1;
		gpu->kfd.shared_resources.enable_mes = settings & 2;
		gpu->adev->have_atomics_support = settings & 2;
		p.ones = settings & 4;
		p.aql = settings & 8;
		for (ring = 0; ring < ARRAY_SIZE(ring_sizes); ring++) {
			for (eop = 0; eop < ARRAY_SIZE(eop_sizes); eop++) {
				p.ring_size = ring_sizes[ring];
				p.eop_size = eop_sizes[eop];
				write_all(gpu, &p);
			}
		}
	}
	for (i = 0; i < gpu->layout->size / sizeof(u32); i++) {
		KUNIT_EXPECT_EQ_MSG(test, gpu->written[i] & ~(gpu->driver[i] | gpu->starts[i]), 0,
				    "type %u, dword %u", type, i);
		count += !!gpu->written[i];
	}
	/* Was it the driver that wrote? */
	KUNIT_EXPECT_GE(test, count, type == KFD_QUEUE_TYPE_COMPUTE ? 36 : 8);
}

/* Each bit that the driver writes is its own, or one that it begins with. */
static void kfd_criu_mqd_written_test(struct kunit *test)
{
	const struct generation *gen = test->param_value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		check_written(test, make_gpu(test, gen->gc_version, types[i]), types[i]);
}

/* --- what comes from an image --- */

static void check_copy(struct kunit *test, struct gpu *gpu)
{
	u32 *from = allocate(test, PAGE_SIZE), *to = allocate(test, PAGE_SIZE);
	u32 i, n = gpu->layout->size / sizeof(u32);

	for (i = 0; i < DWORDS; i++) {
		from[i] = 0x9e3779b9 * (i + 1);
		to[i] = ~from[i];
	}
	kfd_criu_mqd_copy(gpu->layout, to, from);
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ_MSG(test, to[i] ^ from[i], gpu->driver[i], "dword %u", i);
	/* and nothing behind it */
	for (i = n; i < DWORDS; i++)
		KUNIT_EXPECT_EQ_MSG(test, to[i], ~from[i], "dword %u", i);

	/* An image holds zeroes in place of what is not in it. */
	memset(to, 0, PAGE_SIZE);
	memset(from, 0xff, PAGE_SIZE);
	kfd_criu_mqd_copy(gpu->layout, to, from);
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ_MSG(test, to[i] ^ from[i], gpu->driver[i], "dword %u", i);
}

/* All bits but the driver's, whatever they are. */
static void kfd_criu_mqd_copy_test(struct kunit *test)
{
	const struct generation *gen = test->param_value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		check_copy(test, make_gpu(test, gen->gc_version, types[i]));
}

/**
 * struct named - bits of an MQD that decide what a queue may do, and for whom
 * @tables: the generations that have it
 * @type: of the queue
 * @name: of the member, or of the register
 * @dword: its place
 * @mask: the bits, by numbers: they are not to follow a mistake in what the engine includes
 */
struct named {
	u32 tables;
	u32 type;
	const char *name;
	u16 dword;
	u32 mask;
};

#define NAMED(table, queue_type, struct_type, member, bits)		\
	{ table, queue_type, #member, MQD_DWORD(struct_type, member), bits }
#define CP(member, bits)	NAMED(TABLE, KFD_QUEUE_TYPE_COMPUTE, MQD, member, bits)
#define SDMA(member, bits)	NAMED(TABLE, KFD_QUEUE_TYPE_SDMA, MQD, member, bits)
#define PLACE(name, dword)	{ TABLE, KFD_QUEUE_TYPE_COMPUTE, name, dword, ~0U }

static const struct named privileged[] = {
#define TABLE V9
#define MQD v9_mqd
#include "kfd_criu_mqd_kunit_compute.h"
	CP(gds_save_base_addr_lo, ~0U),
	CP(gds_save_base_addr_hi, ~0U),
	CP(cp_hqd_gds_resource_state, ~0U),
	/* TRAP_PRESENT */
	CP(compute_pgm_rsrc2, 1U << 6),
	CP(dynamic_cu_mask_addr_lo, ~0U),
	CP(dynamic_cu_mask_addr_hi, ~0U),
#undef MQD
#undef TABLE
#define TABLE V9_4_2
#define MQD v9_mqd
	/* FORCE_SIMD_DIST */
	CP(compute_resource_limits, 1U << 23),
#undef MQD
#undef TABLE
#define TABLE V9_4_3
#define MQD v9_mqd
	CP(cp_mqd_stride_size, ~0U),
	CP(pm4_target_xcc_in_xcp, ~0U),
#undef MQD
#undef TABLE
#define TABLE V10
#define MQD v10_compute_mqd
#include "kfd_criu_mqd_kunit_compute.h"
	CP(gds_save_base_addr_lo, ~0U),
	CP(gds_save_base_addr_hi, ~0U),
	CP(cp_hqd_gds_resource_state, ~0U),
#undef MQD
#undef TABLE
#define TABLE V11
#define MQD v11_compute_mqd
#include "kfd_criu_mqd_kunit_compute.h"
	CP(gds_save_base_addr_lo, ~0U),
	CP(gds_save_base_addr_hi, ~0U),
	CP(cp_hqd_gds_resource_state, ~0U),
	/* C_INHERIT_VMID */
	CP(cp_hqd_hq_status0, 1U << 9),
	CP(control_buf_addr_lo, ~0U),
	CP(control_buf_addr_hi, ~0U),
	CP(control_buf_wptr_lo, ~0U),
	CP(control_buf_dptr_hi, ~0U),
	CP(draw_ring_addr_lo, ~0U),
	CP(draw_ring_addr_hi, ~0U),
#undef MQD
#undef TABLE
#define TABLE V12
#define MQD v12_compute_mqd
#include "kfd_criu_mqd_kunit_compute.h"
	/* C_INHERIT_VMID */
	CP(cp_hqd_hq_status0, 1U << 9),
	CP(control_buf_addr_lo, ~0U),
	CP(control_buf_addr_hi, ~0U),
	CP(control_buf_wptr_lo, ~0U),
	CP(control_buf_dptr_hi, ~0U),
	CP(draw_ring_addr_lo, ~0U),
	CP(draw_ring_addr_hi, ~0U),
	CP(dfwx_client_data_addr_lo, ~0U),
	CP(dfwx_client_data_addr_hi, ~0U),
#undef MQD
#undef TABLE
#define TABLE V9
#define MQD v9_sdma_mqd
#include "kfd_criu_mqd_kunit_sdma.h"
	SDMA(sdmax_rlcx_rb_wptr_poll_cntl, ~0U),
#undef MQD
#undef TABLE
#define TABLE V9_4_3
#define MQD v9_sdma_mqd
	/* IB_PRIV */
	SDMA(sdmax_rlcx_ib_cntl, 1U << 31),
#undef MQD
#undef TABLE
#define TABLE V10
#define MQD v10_sdma_mqd
#include "kfd_criu_mqd_kunit_sdma.h"
	SDMA(sdmax_rlcx_rb_wptr_poll_cntl, ~0U),
#undef MQD
#undef TABLE
#define TABLE V11
#define MQD v11_sdma_mqd
#include "kfd_criu_mqd_kunit_sdma.h"
	SDMA(sdmax_rlcx_sched_cntl, ~0U),
#undef MQD
#undef TABLE
#define TABLE V12
#define MQD v12_sdma_mqd
#include "kfd_criu_mqd_kunit_sdma.h"
	SDMA(sdmax_rlcx_sched_cntl, ~0U),
	SDMA(sdmax_rlcx_mqd_base_addr_lo, ~0U),
	SDMA(sdmax_rlcx_mqd_base_addr_hi, ~0U),
	SDMA(sdmax_rlcx_mqd_control, ~0U),
#undef MQD
#undef TABLE
};

/*
 * Registers of a dispatch that structures call otherwise, or do not name, at the distance
 * that they have from COMPUTE_DISPATCH_INITIATOR in gc_*_offset.h, plus 1.
 */
static const struct named kept[] = {
#define TABLE V9
#define MQD v9_mqd
	PLACE("COMPUTE_DISPATCH_PKT_ADDR_LO", 15),
	PLACE("COMPUTE_DISPATCH_PKT_ADDR_HI", 16),
	PLACE("COMPUTE_DISPATCH_SCRATCH_BASE_LO", 17),
	PLACE("COMPUTE_DISPATCH_SCRATCH_BASE_HI", 18),
#undef MQD
#undef TABLE
#define TABLE V9_4_2
#define MQD v9_mqd
	PLACE("COMPUTE_RESTART_X2", 42),
	PLACE("COMPUTE_RESTART_Y2", 43),
	PLACE("COMPUTE_RESTART_Z2", 44),
	PLACE("COMPUTE_SHADER_CHKSUM", 45),
	PLACE("COMPUTE_PGM_RSRC3", 46),
#undef MQD
#undef TABLE
#define TABLE V9_4_3
#define MQD v9_mqd
	CP(compute_restart_cg_tg_id, ~0U),
	CP(compute_restore_tg_chunk_size, ~0U),
#undef MQD
#undef TABLE
#define TABLE V10
#define MQD v10_compute_mqd
	PLACE("COMPUTE_REQ_CTRL", 35),
	PLACE("COMPUTE_USER_ACCUM_0", 37),
	PLACE("COMPUTE_USER_ACCUM_3", 40),
	PLACE("COMPUTE_PGM_RSRC3", 41),
	PLACE("COMPUTE_DDID_INDEX", 42),
	PLACE("COMPUTE_SHADER_CHKSUM", 43),
	PLACE("COMPUTE_RELAUNCH", 44),
	PLACE("COMPUTE_WAVE_RESTORE_ADDR_LO", 45),
	PLACE("COMPUTE_WAVE_RESTORE_ADDR_HI", 46),
	PLACE("COMPUTE_RELAUNCH2", 47),
	PLACE("COMPUTE_DISPATCH_TUNNEL", 126),
#undef MQD
#undef TABLE
#define TABLE V11
#define MQD v11_compute_mqd
	CP(compute_req_ctrl, ~0U),
	CP(compute_pgm_rsrc3, ~0U),
	CP(compute_dispatch_interleave, ~0U),
	CP(compute_relaunch, ~0U),
	PLACE("COMPUTE_RELAUNCH2", 52),
	CP(gws_0_val, ~0U),
	CP(gws_63_val, ~0U),
#undef MQD
#undef TABLE
#define TABLE V12
#define MQD v12_compute_mqd
	PLACE("COMPUTE_STATIC_THREAD_MGMT_SE8", 36),
	CP(compute_pgm_rsrc3, ~0U),
	CP(compute_dispatch_interleave, ~0U),
	PLACE("COMPUTE_RELAUNCH2", 52),
	PLACE("COMPUTE_PRESCALED_DIM_X", 54),
	PLACE("COMPUTE_PRESCALED_DIM_Y", 55),
	PLACE("COMPUTE_PRESCALED_DIM_Z", 56),
	CP(gws_63_val, ~0U),
#undef MQD
#undef TABLE
#define TABLE V9
#define MQD v9_mqd
	/* whether waves are to be launched again */
	CP(cp_hqd_persistent_state, 0xb0000000U),
#undef MQD
#undef TABLE
#define TABLE V10
#define MQD v10_compute_mqd
	/* whether waves are to be launched again */
	CP(cp_hqd_persistent_state, 0xb0000080U),
#undef MQD
#undef TABLE
#define TABLE V11
#define MQD v11_compute_mqd
	/* whether waves are to be launched again */
	CP(cp_hqd_persistent_state, 0xb0000080U),
#undef MQD
#undef TABLE
#define TABLE V12
#define MQD v12_compute_mqd
	/* whether waves are to be launched again */
	CP(cp_hqd_persistent_state, 0xb0000080U),
#undef MQD
#undef TABLE
#define TABLE V9
#define MQD v9_sdma_mqd
	SDMA(sdmax_rlcx_ib_sub_remain, ~0U),
	SDMA(sdmax_rlcx_midcmd_cntl, ~0U),
#undef MQD
#undef TABLE
#define TABLE V10
#define MQD v10_sdma_mqd
	SDMA(sdmax_rlcx_skip_cntl, ~0U),
#undef MQD
#undef TABLE
#define TABLE V11
#define MQD v11_sdma_mqd
	SDMA(sdmax_rlcx_midcmd_data10, ~0U),
#undef MQD
#undef TABLE
#define TABLE V12
#define MQD v12_sdma_mqd
	SDMA(sdmax_rlcx_context_switch_status, ~0U),
#undef MQD
#undef TABLE
};

/* How many were looked at. */
static u32 check_named(struct kunit *test, struct gpu *gpu, u32 type, u32 tables,
		       const struct named *named, u32 n, bool from_image)
{
	u32 *from = allocate(test, PAGE_SIZE), *to = allocate(test, PAGE_SIZE);
	u32 i, found = 0;

	memset(from, 0xff, gpu->layout->size);
	kfd_criu_mqd_copy(gpu->layout, to, from);
	for (i = 0; i < n; i++, named++) {
		if (named->type != type || !(named->tables & tables))
			continue;
		found++;
		KUNIT_EXPECT_EQ_MSG(test, to[named->dword] & named->mask,
				    from_image ? named->mask : 0, "%s", named->name);
	}
	return found;
}

/* No right, no address and no size comes from an image. */
static void kfd_criu_mqd_privileged_test(struct kunit *test)
{
	const struct generation *gen = test->param_value;
	u32 i, found;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		found = check_named(test, make_gpu(test, gen->gc_version, types[i]), types[i],
				    gen->tables, privileged, ARRAY_SIZE(privileged), false);
		KUNIT_EXPECT_GE(test, found, types[i] == KFD_QUEUE_TYPE_COMPUTE ? 46 : 17);
	}
}

/* What a dispatch or a command in the middle needs does. */
static void kfd_criu_mqd_kept_test(struct kunit *test)
{
	const struct generation *gen = test->param_value;
	u32 i, found;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		found = check_named(test, make_gpu(test, gen->gc_version, types[i]), types[i],
				    gen->tables, kept, ARRAY_SIZE(kept), true);
		KUNIT_EXPECT_GE(test, found, 1);
	}
}

/* --- sizes --- */

/**
 * struct product - a GPU that one can buy
 * @name: its name
 * @gc_version: IP version
 * @gfxv: gfx_target_version of the topology
 * @cus: compute units of a node
 * @simd_per_cu: SIMDs of each
 * @engines: shader engines of an XCC
 * @arrays: shader arrays of each
 * @xccs: XCCs of a node
 */
struct product {
	const char *name;
	u32 gc_version;
	u32 gfxv;
	u32 cus;
	u32 simd_per_cu;
	u32 engines;
	u32 arrays;
	u32 xccs;
};

static const struct product products[] = {
	{ "Vega 64", IP_VERSION(9, 0, 1), 90000, 64, 4, 4, 1, 1 },
	{ "MI50", IP_VERSION(9, 4, 0), 90006, 60, 4, 4, 1, 1 },
	{ "MI60", IP_VERSION(9, 4, 0), 90006, 64, 4, 4, 1, 1 },
	{ "MI100", IP_VERSION(9, 4, 1), 90008, 120, 4, 8, 1, 1 },
	{ "MI210", IP_VERSION(9, 4, 2), 90010, 104, 4, 8, 1, 1 },
	{ "MI250X", IP_VERSION(9, 4, 2), 90010, 110, 4, 8, 1, 1 },
	{ "MI300X SPX", IP_VERSION(9, 4, 3), 90402, 304, 4, 4, 1, 8 },
	{ "MI300X CPX", IP_VERSION(9, 4, 3), 90402, 38, 4, 4, 1, 1 },
	{ "MI300A", IP_VERSION(9, 4, 3), 90400, 228, 4, 4, 1, 6 },
	{ "RX 5700 XT", IP_VERSION(10, 1, 10), 100100, 40, 2, 2, 2, 1 },
	{ "RX 6900 XT", IP_VERSION(10, 3, 0), 100300, 80, 2, 4, 2, 1 },
	{ "RX 7900 XTX", IP_VERSION(11, 0, 0), 110000, 96, 2, 6, 2, 1 },
	{ "RX 9070 XT", IP_VERSION(12, 0, 1), 120001, 64, 2, 4, 2, 1 },
};

static void product_name(const struct product *product, char *name)
{
	strscpy(name, product->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(product, products, product_name);

/* Offsets of saved waves can stand at any place of a real GPU's save area, and nowhere else. */
static void kfd_criu_mqd_sizes_test(struct kunit *test)
{
	const struct product *product = test->param_value;
	struct gpu *gpu = make_gpu(test, product->gc_version, KFD_QUEUE_TYPE_COMPUTE);
	const struct kfd_criu_mqd_layout *layout = gpu->layout;
	struct kfd_topology_device *dev = allocate(test, sizeof(*dev));
	struct kfd_node_properties *props = &dev->node_props;
	struct kfd_criu_queue_record q = { .type = KFD_CRIU_QUEUE_COMPUTE,
					   .format = KFD_CRIU_QUEUE_AQL };
	u32 *mqd = allocate(test, PAGE_SIZE);
	u32 *stack = &mqd[layout->ctl_stack_offset.dword];
	u32 *waves = &mqd[layout->wg_state_offset.dword];

	gpu->node.xcc_mask = BIT(product->xccs) - 1;
	dev->gpu = &gpu->node;
	props->gfx_target_version = product->gfxv;
	props->simd_count = product->cus * product->simd_per_cu;
	props->simd_per_cu = product->simd_per_cu;
	props->array_count = product->engines * product->arrays;
	props->simd_arrays_per_engine = product->arrays;
	kfd_criu_testing_save_sizes(dev);
	KUNIT_ASSERT_GT(test, props->ctl_stack_size, 0);
	KUNIT_ASSERT_GT(test, props->cwsr_size, props->ctl_stack_size);
	kunit_info(test, "%s: control stack %#x, save area %#x", product->name,
		   props->ctl_stack_size, props->cwsr_size);

	KUNIT_EXPECT_EQ(test, props->ctl_stack_size & ~layout->ctl_stack_offset.mask, 0);
	KUNIT_EXPECT_EQ(test, props->cwsr_size & ~layout->wg_state_offset.mask, 0);

	q.cwsr_size = props->cwsr_size;
	/* of a queue that has saved no wave, of one that has filled both, and all between */
	for (*stack = 0; *stack <= props->ctl_stack_size; *stack += sizeof(u32))
		KUNIT_ASSERT_EQ(test, kfd_criu_mqd_check(layout, mqd, &q, props->ctl_stack_size),
				0);
	KUNIT_EXPECT_EQ(test, kfd_criu_mqd_check(layout, mqd, &q, props->ctl_stack_size),
			-EINVAL);
	*stack = 2;
	KUNIT_EXPECT_EQ(test, kfd_criu_mqd_check(layout, mqd, &q, props->ctl_stack_size),
			-EINVAL);
	*stack = BIT(31);
	KUNIT_EXPECT_EQ(test, kfd_criu_mqd_check(layout, mqd, &q, props->ctl_stack_size),
			-EINVAL);
	*stack = props->ctl_stack_size;
	for (*waves = 0; *waves <= props->cwsr_size; *waves += SZ_4K)
		KUNIT_ASSERT_EQ(test, kfd_criu_mqd_check(layout, mqd, &q, props->ctl_stack_size),
				0);
	*waves = props->cwsr_size + sizeof(u32);
	KUNIT_EXPECT_EQ(test, kfd_criu_mqd_check(layout, mqd, &q, props->ctl_stack_size),
			-EINVAL);
	*waves = BIT(31);
	KUNIT_EXPECT_EQ(test, kfd_criu_mqd_check(layout, mqd, &q, props->ctl_stack_size),
			-EINVAL);
}

/* --- dies --- */

/* Each array has lost other CUs, in pairs where they are WGPs. */
static void harvest(struct kunit *test, struct gpu *gpu, u32 seed)
{
	u32 *bitmap = &gpu->adev->gfx.cu_info.bitmap[0][0][0];
	bool pairs = IP_VERSION_MAJ(gpu->adev->ip_versions[GC_HWIP][0]) >= 10;
	u32 i, lost;

	for (i = 0; i < sizeof(gpu->adev->gfx.cu_info.bitmap) / sizeof(*bitmap); i++) {
		seed = seed * 1664525 + 1013904223;
		lost = seed >> 28;
		bitmap[i] = 0xffff & ~((pairs ? 3 : 1) << (pairs ? lost & ~1 : lost));
	}
}

/*
 * Masks that the driver makes for a die, from a process' own mask, are made into those that
 * it makes for another die from the same one.
 */
static void check_move(struct kunit *test, u32 gc_version, u32 seed)
{
	struct gpu *gpus[2];
	struct kfd_criu_die_record *dies = allocate(test, 2 * sizeof(*dies));
	u32 mask[32], masks[2][KFD_CRIU_DIE_ENGINES], i, n, xcc, xccs, bits;
	const struct properties p = { .type = KFD_QUEUE_TYPE_COMPUTE, .ring_size = SZ_64K };
	struct mqd_update_info info = {
		.cu_mask = { .count = 32 * ARRAY_SIZE(mask), .ptr = mask },
	};
	struct queue_properties qp;
	u64 stride;

	for (i = 0; i < ARRAY_SIZE(mask); i++) {
		bits = 0x9e3779b9 * (i + seed + 1);
		mask[i] = IP_VERSION_MAJ(gc_version) < 10 ? bits :
			  (bits & 0x55555555) | (bits & 0x55555555) << 1;
	}
	fill(&qp, &p);
	for (n = 0; n < 2; n++) {
		gpus[n] = make_gpu(test, gc_version, KFD_QUEUE_TYPE_COMPUTE);
		harvest(test, gpus[n], seed + n);
		kfd_criu_die_describe(&gpus[n]->node, &dies[n]);
		gpus[n]->mm->update_mqd(gpus[n]->mm, gpus[n]->mem, &qp, &info);
	}
	KUNIT_EXPECT_FALSE(test, kfd_criu_die_same_cus(&dies[0], &dies[1]));
	stride = gpus[0]->mm->mqd_stride(gpus[0]->mm, &qp);
	xccs = NUM_XCC(gpus[0]->node.xcc_mask);
	for (xcc = 0; xcc < xccs; xcc++) {
		for (n = 0; n < 2; n++)
			kfd_criu_mqd_get_cu_mask(gpus[n]->layout,
						 (u32 *)(gpus[n]->mem + xcc * stride), masks[n]);
		KUNIT_EXPECT_NOT_NULL(test, memchr_inv(masks[0], 0, sizeof(masks[0])));
		KUNIT_EXPECT_TRUE(test, kfd_criu_die_translate(&dies[0], &dies[1], gc_version, xcc,
							       masks[0]));
		for (i = 0; i < KFD_CRIU_DIE_ENGINES; i++)
			KUNIT_EXPECT_EQ_MSG(test, masks[0][i], masks[1][i], "XCC %u, engine %u",
					    xcc, i);
		/* all bits are not a mask that a process can have set */
		memset(masks[0], 0xff, sizeof(masks[0]));
		KUNIT_EXPECT_FALSE(test, kfd_criu_die_translate(&dies[0], &dies[1], gc_version,
								xcc, masks[0]));
	}
}

static void kfd_criu_mqd_cu_mask_test(struct kunit *test)
{
	const struct generation *gen = test->param_value;
	u32 seed;

	for (seed = 0; seed < 4; seed++)
		check_move(test, gen->gc_version, seed);
}

/* What a die is, and that nothing of it is taken for the same by mistake. */
static void kfd_criu_mqd_die_test(struct kunit *test)
{
	const struct generation *gen = test->param_value;
	struct gpu *gpu = make_gpu(test, gen->gc_version, KFD_QUEUE_TYPE_COMPUTE);
	static const u8 handlers[2][4] = { "one", "two" };
	struct kfd_criu_die_record *dies = allocate(test, 2 * sizeof(*dies));
	u32 masks[KFD_CRIU_DIE_ENGINES] = {};

	gpu->kfd.cwsr_enabled = true;
	gpu->kfd.cwsr_isa = handlers[0];
	gpu->kfd.cwsr_isa_size = sizeof(handlers[0]);
	gpu->adev->gfx.mec_fw_version = 17;
	gpu->adev->sdma.instance[0].fw_version = 18;
	kfd_criu_die_describe(&gpu->node, &dies[0]);
	KUNIT_EXPECT_EQ(test, dies[0].mec_firmware, 17);
	KUNIT_EXPECT_EQ(test, dies[0].sdma_firmware, 18);
	KUNIT_EXPECT_EQ(test, dies[0].handler_size, sizeof(handlers[0]));
	KUNIT_EXPECT_EQ(test, dies[0].engines, gpu->adev->gfx.config.max_shader_engines);
	KUNIT_EXPECT_EQ(test, dies[0].arrays, gpu->adev->gfx.config.max_sh_per_se);
	KUNIT_EXPECT_EQ(test, dies[0].cus[0][0][0], 0xffff);
	KUNIT_EXPECT_EQ(test, dies[0].cus[0][dies[0].engines - 1][1], 0xffff);
	KUNIT_EXPECT_EQ(test, dies[0].reserved, 0);

	gpu->kfd.cwsr_isa = handlers[1];
	kfd_criu_die_describe(&gpu->node, &dies[1]);
	KUNIT_EXPECT_NE(test, dies[0].handler_crc, dies[1].handler_crc);
	KUNIT_EXPECT_TRUE(test, kfd_criu_die_same_cus(&dies[0], &dies[1]));
	dies[1].cus[NUM_XCC(gpu->node.xcc_mask) - 1][dies[1].engines - 1][1] = 0xfffe;
	KUNIT_EXPECT_FALSE(test, kfd_criu_die_same_cus(&dies[0], &dies[1]));
	KUNIT_EXPECT_FALSE(test, kfd_criu_die_translate(&dies[0], &dies[1], gen->gc_version,
							KFD_CRIU_DIE_XCCS, masks));
}

/* A queue is busy with saved waves, and with a dispatch or a command in its middle. */
static void kfd_criu_mqd_busy_test(struct kunit *test)
{
	const struct generation *gen = test->param_value;
	u32 *mqd = allocate(test, PAGE_SIZE);
	const struct kfd_criu_mqd_layout *layout;
	u32 i;

	layout = make_gpu(test, gen->gc_version, KFD_QUEUE_TYPE_COMPUTE)->layout;
	mqd[layout->ctl_stack_offset.dword] = SZ_4K - 8;
	mqd[layout->wg_state_offset.dword] = SZ_4K;
	KUNIT_EXPECT_FALSE(test, kfd_criu_mqd_busy(layout, mqd, SZ_4K));
	mqd[layout->wg_state_offset.dword] = SZ_4K + 4;
	KUNIT_EXPECT_TRUE(test, kfd_criu_mqd_busy(layout, mqd, SZ_4K));
	mqd[layout->wg_state_offset.dword] = SZ_4K;
	/* RESTORE_ACTIVE, RELAUNCH_WAVES, DISP_ACTIVE; and QSWITCH_MODE, which says nothing */
	for (i = 0; i < 32; i++) {
		mqd[MQD_DWORD(v9_mqd, cp_hqd_persistent_state)] = BIT(i);
		KUNIT_EXPECT_EQ_MSG(test, kfd_criu_mqd_busy(layout, mqd, SZ_4K),
				    i == 28 || i == 29 || i == 31, "bit %u", i);
	}

	layout = make_gpu(test, gen->gc_version, KFD_QUEUE_TYPE_SDMA)->layout;
	memset(mqd, 0, PAGE_SIZE);
	KUNIT_EXPECT_FALSE(test, kfd_criu_mqd_busy(layout, mqd, 0));
	mqd[layout->busy.dword] = layout->busy.mask;
	KUNIT_EXPECT_TRUE(test, kfd_criu_mqd_busy(layout, mqd, 0));
}

/* Nothing is known of older ones, nor of queues that are none of a process. */
static void kfd_criu_mqd_unknown_test(struct kunit *test)
{
	struct gpu *gpu = make_gpu(test, IP_VERSION(9, 4, 3), KFD_QUEUE_TYPE_COMPUTE);

	KUNIT_EXPECT_NULL(test, kfd_criu_mqd_layout(&gpu->node, KFD_QUEUE_TYPE_HIQ));
	KUNIT_EXPECT_NULL(test, kfd_criu_mqd_layout(&gpu->node, KFD_QUEUE_TYPE_DIQ));
	gpu->adev->ip_versions[GC_HWIP][0] = IP_VERSION(8, 0, 3);
	KUNIT_EXPECT_NULL(test, kfd_criu_mqd_layout(&gpu->node, KFD_QUEUE_TYPE_COMPUTE));
	KUNIT_EXPECT_NULL(test, kfd_criu_mqd_layout(&gpu->node, KFD_QUEUE_TYPE_SDMA));
	KUNIT_EXPECT_NULL(test, kfd_criu_testing_mqd_manager(KFD_MQD_TYPE_CP, &gpu->node));
	gpu->adev->ip_versions[GC_HWIP][0] = IP_VERSION(13, 0, 0);
	KUNIT_EXPECT_NULL(test, kfd_criu_mqd_layout(&gpu->node, KFD_QUEUE_TYPE_COMPUTE));
}

static struct kunit_case kfd_criu_mqd_cases[] = {
	KUNIT_CASE_PARAM(kfd_criu_mqd_table_test, generation_gen_params),
	KUNIT_CASE_PARAM(kfd_criu_mqd_written_test, generation_gen_params),
	KUNIT_CASE_PARAM(kfd_criu_mqd_copy_test, generation_gen_params),
	KUNIT_CASE_PARAM(kfd_criu_mqd_privileged_test, generation_gen_params),
	KUNIT_CASE_PARAM(kfd_criu_mqd_kept_test, generation_gen_params),
	KUNIT_CASE_PARAM(kfd_criu_mqd_sizes_test, product_gen_params),
	KUNIT_CASE_PARAM(kfd_criu_mqd_cu_mask_test, generation_gen_params),
	KUNIT_CASE_PARAM(kfd_criu_mqd_die_test, generation_gen_params),
	KUNIT_CASE_PARAM(kfd_criu_mqd_busy_test, generation_gen_params),
	KUNIT_CASE(kfd_criu_mqd_unknown_test),
	{}
};

static struct kunit_suite kfd_criu_mqd_suite = {
	.name = "kfd_criu_mqd",
	.test_cases = kfd_criu_mqd_cases,
};

kunit_test_suite(kfd_criu_mqd_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("KUnit tests of what a checkpoint keeps of an MQD");
MODULE_LICENSE("GPL and additional rights");
