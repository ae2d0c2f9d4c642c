// SPDX-License-Identifier: MIT
/*
 * KUnit tests of what the simulated hardware finds wrong with a MQD.
 */
#include <kunit/test.h>
#include <kunit/visibility.h>
#include <linux/bits.h>
#include <linux/module.h>
#include <linux/string.h>

#include "../simgpu_mqd.h"

#define DOORBELLS	0x80000
#define XCCS		4
#define STRIDE		(4 * SIMGPU_MQD_BYTES)
#define NO_UPDATE	BIT(27)
#define STACK		0x3000

/* by a scheduler, by KFD itself, and on several XCCs */
static const struct simgpu_mqd_place mapped = {
	.doorbells = DOORBELLS, .xccs = 1,
};

static const struct simgpu_mqd_place loaded = {
	.first_vmid = 8, .last_vmid = 15, .doorbells = DOORBELLS, .xccs = 1,
};

static const struct simgpu_mqd_place shared = {
	.doorbells = DOORBELLS, .xccs = XCCS,
};

/* A ring of 1024 dwords at 0x7f0000123400. */
static void make_mqd(const struct simgpu_desc *desc, u32 *mqd, bool aql, u32 vmid)
{
	const struct simgpu_compute_mqd *at = &desc->mqd;

	memset(mqd, 0, SIMGPU_MQD_DWORDS * sizeof(u32));
	mqd[0] = 0xc0310800;
	mqd[at->vmid] = vmid;
	mqd[at->base_lo] = 0x00001234;
	mqd[at->base_hi] = 0x0000007f;
	mqd[at->rptr] = 1000;
	mqd[at->rptr_addr_lo] = 0x1000;
	mqd[at->wptr_addr_lo] = 0x1038;
	mqd[at->doorbell_control] = 0x802 << 2;
	mqd[at->control] = 9 | (aql ? NO_UPDATE : 0);
	mqd[at->aql_control] = aql;
	if (!at->stack_size)
		return;
	mqd[at->stack_size] = STACK;
	mqd[at->stack_offset] = STACK;
}

static void make_xcc_mqd(const struct simgpu_desc *desc, u32 *mqd, bool aql, unsigned int xcc)
{
	make_mqd(desc, mqd, aql, 0);
	mqd[desc->xcc_mqd.stride] = STRIDE;
	if (!aql)
		return;
	if (!xcc)
		mqd[desc->mqd.control] &= ~NO_UPDATE;
	/* the first need not have the first part of the work */
	mqd[desc->xcc_mqd.logical] = (3 + xcc) % XCCS;
}

static void expect_valid(struct kunit *test, const struct simgpu_desc *desc,
			 const struct simgpu_mqd_place *place, const u32 *mqd)
{
	struct simgpu_mqd_error error = { };

	KUNIT_EXPECT_TRUE_MSG(test, simgpu_mqd_valid(desc, place, mqd, &error),
			      "%s: %s is %#llx, want %#llx", desc->name, error.field, error.is,
			      error.want);
}

/* Another value of one dword is refused, with the name of the field. */
static void expect_refused(struct kunit *test, const struct simgpu_desc *desc,
			   const struct simgpu_mqd_place *place, u32 *mqd, unsigned int dword,
			   u32 value, const char *field)
{
	struct simgpu_mqd_error error = { .field = "" };
	u32 was = mqd[dword];

	mqd[dword] = value;
	KUNIT_EXPECT_FALSE_MSG(test, simgpu_mqd_valid(desc, place, mqd, &error), "%s: %s %#x",
			       desc->name, field, value);
	KUNIT_EXPECT_STREQ(test, error.field, field);
	mqd[dword] = was;
}

static void expect_xcc_refused(struct kunit *test, const struct simgpu_desc *desc,
			       const u32 *first, u32 *mqd, unsigned int xcc, unsigned int dword,
			       u32 value, const char *field)
{
	struct simgpu_mqd_error error = { .field = "" };
	u32 was = mqd[dword];

	mqd[dword] = value;
	KUNIT_EXPECT_FALSE_MSG(test, simgpu_mqd_xcc_valid(desc, &shared, first, mqd, xcc, &error),
			       "XCC %u: %s %#x", xcc, field, value);
	KUNIT_EXPECT_STREQ(test, error.field, field);
	mqd[dword] = was;
}

static void simgpu_mqd_valid_test(struct kunit *test)
{
	u32 *mqd = kunit_kcalloc(test, SIMGPU_MQD_DWORDS, sizeof(u32), GFP_KERNEL);
	const struct simgpu_desc *desc;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, mqd);
	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		const struct simgpu_compute_mqd *at = &desc->mqd;

		make_mqd(desc, mqd, true, 0);
		/* the rptr of an AQL queue counts on and on */
		mqd[at->rptr] = U32_MAX;
		expect_valid(test, desc, &mapped, mqd);
		make_mqd(desc, mqd, false, 0);
		expect_valid(test, desc, &mapped, mqd);

		expect_refused(test, desc, &mapped, mqd, 0, 0, "header");
		expect_refused(test, desc, &mapped, mqd, at->rptr, 1024, "rptr");
		expect_refused(test, desc, &mapped, mqd, at->vmid, 8, "VMID");
		expect_refused(test, desc, &mapped, mqd, at->doorbell_control, 0x801 << 2,
			       "doorbell");
		expect_refused(test, desc, &mapped, mqd, at->doorbell_control, DOORBELLS << 2,
			       "doorbell");
		if (at->stack_size) {
			expect_refused(test, desc, &mapped, mqd, at->stack_offset, STACK - 4,
				       "saved waves");
			mqd[at->stack_offset] = STACK - sizeof(struct simgpu_saved_wave);
			expect_valid(test, desc, &mapped, mqd);
		}
		mqd[at->base_hi] = 0;
		expect_valid(test, desc, &mapped, mqd);
		expect_refused(test, desc, &mapped, mqd, at->base_lo, 0, "base");
	}
}

static void simgpu_mqd_vmid_test(struct kunit *test)
{
	u32 *mqd = kunit_kcalloc(test, SIMGPU_MQD_DWORDS, sizeof(u32), GFP_KERNEL);
	const struct simgpu_desc *desc = simgpu_desc_get(0);
	u32 vmid;

	KUNIT_ASSERT_NOT_NULL(test, mqd);
	for (vmid = 8; vmid < 16; vmid++) {
		make_mqd(desc, mqd, true, vmid);
		expect_valid(test, desc, &loaded, mqd);
	}
	expect_refused(test, desc, &loaded, mqd, desc->mqd.vmid, 0, "VMID");
	expect_refused(test, desc, &loaded, mqd, desc->mqd.vmid, 7, "VMID");
	expect_refused(test, desc, &loaded, mqd, desc->mqd.vmid, 16, "VMID");
}

/* Whatever an XCC has to share with the first, and where they have to differ. */
static void simgpu_mqd_xcc_test(struct kunit *test)
{
	const struct simgpu_desc *desc = simgpu_desc_find(9, 4, 3);
	const struct simgpu_compute_mqd *at = &desc->mqd;
	const u8 equal[] = {
		0, at->base_lo, at->base_hi, at->rptr, at->rptr_addr_lo, at->rptr_addr_hi,
		at->wptr_addr_lo, at->wptr_addr_hi, at->doorbell_control, at->control,
		at->aql_control, at->vmid, at->ib_base_lo, at->ib_base_hi, at->ib_control,
		at->ib_rptr, at->eop_base_lo, at->eop_base_hi, at->eop_control,
		at->pipe_priority, at->queue_priority, at->save_size, at->stack_size,
		at->stack_offset, desc->xcc_mqd.stride,
	};
	u32 *first = kunit_kcalloc(test, 2 * SIMGPU_MQD_DWORDS, sizeof(u32), GFP_KERNEL);
	u32 *mqd = first + SIMGPU_MQD_DWORDS;
	struct simgpu_mqd_error error = { };
	unsigned int xcc, i, aql;

	KUNIT_ASSERT_NOT_NULL(test, first);
	for (aql = 0; aql < 2; aql++) {
		make_xcc_mqd(desc, first, aql, 0);
		expect_valid(test, desc, &shared, first);
		for (xcc = 1; xcc < XCCS; xcc++) {
			make_xcc_mqd(desc, mqd, aql, xcc);
			KUNIT_EXPECT_TRUE_MSG(test, simgpu_mqd_xcc_valid(desc, &shared, first, mqd,
									 xcc, &error),
					      "XCC %u: %s", xcc, error.field);
			for (i = 0; i < ARRAY_SIZE(equal); i++) {
				mqd[equal[i]] ^= BIT(4);
				KUNIT_EXPECT_FALSE_MSG(test,
						       simgpu_mqd_xcc_valid(desc, &shared, first,
									    mqd, xcc, &error),
						       "XCC %u: dword %u", xcc, equal[i]);
				mqd[equal[i]] ^= BIT(4);
			}
			/* an XCC that was forgotten */
			memset(mqd, 0, SIMGPU_MQD_DWORDS * sizeof(u32));
			KUNIT_EXPECT_FALSE(test, simgpu_mqd_xcc_valid(desc, &shared, first, mqd,
								      xcc, &error));
		}
	}
	make_xcc_mqd(desc, mqd, true, 1);
	expect_xcc_refused(test, desc, first, mqd, 1, at->control, 9, "rptr update");
	expect_xcc_refused(test, desc, first, mqd, 1, desc->xcc_mqd.logical, 3, "logical XCC");
	expect_refused(test, desc, &shared, first, at->control, 9 | NO_UPDATE, "rptr update");
	/* each has saved its own */
	first[at->stack_offset] = STACK - sizeof(struct simgpu_saved_wave);
	expect_xcc_refused(test, desc, first, mqd, 1, at->stack_offset, STACK, "saved waves");
	expect_xcc_refused(test, desc, first, mqd, 1, at->stack_offset, first[at->stack_offset],
			   "saved waves");
	mqd[at->stack_offset] = STACK - 2 * sizeof(struct simgpu_saved_wave);
	KUNIT_EXPECT_TRUE(test, simgpu_mqd_xcc_valid(desc, &shared, first, mqd, 1, &error));
	make_xcc_mqd(desc, first, false, 0);
	expect_refused(test, desc, &shared, first, desc->xcc_mqd.target, XCCS, "PM4 target");
	expect_refused(test, desc, &shared, first, desc->xcc_mqd.stride, 0, "stride");
	expect_refused(test, desc, &shared, first, desc->xcc_mqd.stride, STRIDE + 2, "stride");
}

static struct kunit_case simgpu_mqd_cases[] = {
	KUNIT_CASE(simgpu_mqd_valid_test),
	KUNIT_CASE(simgpu_mqd_vmid_test),
	KUNIT_CASE(simgpu_mqd_xcc_test),
	{}
};

static struct kunit_suite simgpu_mqd_suite = {
	.name = "simgpu_mqd",
	.test_cases = simgpu_mqd_cases,
};

kunit_test_suite(simgpu_mqd_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("KUnit tests of the simulated GPUs' checks of MQDs");
MODULE_LICENSE("GPL and additional rights");
