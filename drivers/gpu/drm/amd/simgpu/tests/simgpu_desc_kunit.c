// SPDX-License-Identifier: MIT
/*
 * KUnit tests of the generations and of their page table entries.
 */
#include <kunit/test.h>
#include <kunit/visibility.h>
#include <linux/bits.h>
#include <linux/module.h>
#include <linux/string.h>

#include "../simgpu_desc.h"

#define PTE_VALID	BIT_ULL(0)
#define PTE_SYSTEM	BIT_ULL(1)
#define PTE_EXECUTABLE	BIT_ULL(4)
#define PTE_READABLE	BIT_ULL(5)
#define PTE_WRITEABLE	BIT_ULL(6)
#define PTE_COMMON	(PTE_VALID | PTE_SYSTEM | PTE_EXECUTABLE | PTE_READABLE | PTE_WRITEABLE)
#define PTE_ADDRESS	GENMASK_ULL(47, 12)
#define SDMA_MQD_DWORDS	130

static void simgpu_desc_get_test(struct kunit *test)
{
	const struct simgpu_desc *desc, *other;
	unsigned int i, j;

	KUNIT_ASSERT_NOT_NULL(test, simgpu_desc_get(0));
	KUNIT_EXPECT_STREQ(test, simgpu_desc_get(0)->name, "9.4.0");
	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		for (j = 0; j < i; j++) {
			other = simgpu_desc_get(j);
			if (desc->product && other->product)
				KUNIT_EXPECT_STRNEQ(test, desc->product, other->product);
			if (desc->product || other->product)
				continue;
			KUNIT_EXPECT_STRNEQ(test, desc->name, other->name);
			KUNIT_EXPECT_NE(test, desc->gc_version, other->gc_version);
		}
	}
	KUNIT_EXPECT_NULL(test, simgpu_desc_get(i + 1));
	KUNIT_EXPECT_NULL(test, simgpu_desc_get(UINT_MAX));
}

static void simgpu_desc_find_test(struct kunit *test)
{
	const struct simgpu_desc *desc;
	unsigned int i, major, minor, revision;
	char name[16];

	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		major = desc->gc_version >> 24;
		minor = desc->gc_version >> 16 & 0xff;
		revision = desc->gc_version >> 8 & 0xff;
		snprintf(name, sizeof(name), "%u.%u.%u", major, minor, revision);
		KUNIT_EXPECT_STREQ(test, desc->name, name);
		if (desc->product)
			continue;
		KUNIT_EXPECT_PTR_EQ(test, simgpu_desc_find(major, minor, revision), desc);
	}
	KUNIT_EXPECT_NULL(test, simgpu_desc_find(0, 0, 0));
	KUNIT_EXPECT_NULL(test, simgpu_desc_find(8, 0, 3));
	KUNIT_EXPECT_NULL(test, simgpu_desc_find(9, 4, 99));
}

static void simgpu_desc_find_product_test(struct kunit *test)
{
	const struct simgpu_desc *desc;
	unsigned int i, products = 0;

	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		if (!desc->product)
			continue;
		products++;
		KUNIT_EXPECT_PTR_EQ(test, desc,
				    simgpu_desc_find_product(desc->product,
							     strlen(desc->product)));
		KUNIT_EXPECT_NULL(test, simgpu_desc_find_product(desc->product,
								 strlen(desc->product) - 1));
	}
	KUNIT_EXPECT_EQ(test, products, 6);
	KUNIT_EXPECT_NULL(test, simgpu_desc_find_product("", 0));
	KUNIT_EXPECT_NULL(test, simgpu_desc_find_product("mi50", 4));
	KUNIT_EXPECT_NOT_NULL(test, simgpu_desc_find_product("mi100,9.4.0", 5));
}

/* Units of an XCC of a die.  Those that work are as many as the product has. */
static unsigned int count_units(struct kunit *test, const struct simgpu_desc *desc,
				unsigned int die, unsigned int xcc, u32 *units)
{
	unsigned int engine, array, bit, count = 0;

	for (engine = 0; engine < desc->engines; engine++) {
		for (array = 0; array < desc->arrays; array++) {
			u32 mask = simgpu_desc_cus(desc, die, xcc, engine, array);

			KUNIT_EXPECT_EQ_MSG(test, mask >> desc->array_cus, 0, "%s", desc->name);
			KUNIT_EXPECT_NE_MSG(test, mask, 0, "%s", desc->name);
			*units++ = mask;
			count += hweight32(mask);
			/* pairs work or do not work together */
			for (bit = 0; desc->cu_granule == 2 && bit < desc->array_cus; bit += 2)
				KUNIT_EXPECT_EQ(test, !(mask & BIT(bit)), !(mask & BIT(bit + 1)));
		}
	}
	return count;
}

/* Other dies, and other XCCs of a die, have other units disabled, if there are any. */
static void simgpu_desc_cus_test(struct kunit *test)
{
	u32 units[16], first[16];
	const struct simgpu_desc *desc;
	unsigned int i, die, xcc, different;

	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		unsigned int all = desc->engines * desc->arrays * desc->array_cus;
		bool harvested = desc->product && desc->cus < all;

		KUNIT_ASSERT_LE(test, desc->engines * desc->arrays, ARRAY_SIZE(units));
		memset(units, 0, sizeof(units));
		different = 0;
		for (die = 0; die < 100; die++) {
			for (xcc = 0; xcc < desc->max_xcc; xcc++) {
				KUNIT_EXPECT_EQ_MSG(test, count_units(test, desc, die, xcc, units),
						    desc->cus, "%s die %u XCC %u",
						    desc->product ?: desc->name, die, xcc);
				if (!die && !xcc)
					memcpy(first, units, sizeof(units));
				different += !!memcmp(first, units, sizeof(units));
			}
			if (die == 1)
				KUNIT_EXPECT_EQ_MSG(test, !!different, harvested, "%s",
						    desc->product ?: desc->name);
		}
		KUNIT_EXPECT_EQ(test, different > 90, harvested);
		/* and always the same ones */
		count_units(test, desc, 0, 0, units);
		KUNIT_EXPECT_EQ(test, memcmp(first, units, sizeof(units)), 0);
	}
}

/* No generation lacks a number without which a driver would divide by 0 or read nothing. */
static void simgpu_desc_complete_test(struct kunit *test)
{
	const struct simgpu_desc *desc;
	unsigned int i, j;

	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		KUNIT_EXPECT_NE_MSG(test, desc->sdma_version, 0, "%s", desc->name);
		KUNIT_EXPECT_NE_MSG(test, desc->family, 0, "%s", desc->name);
		KUNIT_EXPECT_NOT_NULL_MSG(test, desc->pte, "%s", desc->name);
		KUNIT_EXPECT_GE_MSG(test, desc->sdma_per_xcc, 1, "%s", desc->name);
		KUNIT_EXPECT_GE_MSG(test, desc->max_xcc, 1, "%s", desc->name);
		KUNIT_EXPECT_GE_MSG(test, desc->cus, 1, "%s", desc->name);
		KUNIT_EXPECT_GE_MSG(test, desc->cu_granule, 1, "%s", desc->name);
		/* KFD has places for so many, and masks of 16 bits for an array */
		KUNIT_EXPECT_LE_MSG(test, desc->engines, 8, "%s", desc->name);
		KUNIT_EXPECT_LE_MSG(test, desc->arrays, 2, "%s", desc->name);
		KUNIT_EXPECT_LE_MSG(test, desc->array_cus, 16, "%s", desc->name);
		KUNIT_EXPECT_LE_MSG(test, desc->cus,
				    desc->engines * desc->arrays * desc->array_cus, "%s",
				    desc->name);
		KUNIT_EXPECT_LE_MSG(test, desc->xccs, desc->max_xcc, "%s", desc->name);
		KUNIT_EXPECT_NOT_NULL_MSG(test, desc->mqd_layout, "%s", desc->name);
		KUNIT_EXPECT_NOT_NULL_MSG(test, desc->sdma_mqd_layout, "%s", desc->name);
		KUNIT_EXPECT_GE_MSG(test, desc->simd_per_cu, 1, "%s", desc->name);
		KUNIT_EXPECT_GE_MSG(test, desc->max_waves_per_simd, 1, "%s", desc->name);
		KUNIT_EXPECT_GE_MSG(test, desc->wave_front_size, 32, "%s", desc->name);
		KUNIT_EXPECT_GE_MSG(test, desc->first_kfd_vmid, 1, "%s", desc->name);
		KUNIT_EXPECT_LE_MSG(test, desc->first_kfd_vmid, 8, "%s", desc->name);
		KUNIT_EXPECT_NE_MSG(test, desc->mec_fw_version, 0, "%s", desc->name);
		KUNIT_EXPECT_NE_MSG(test, desc->sdma_fw_version, 0, "%s", desc->name);
		KUNIT_EXPECT_TRUE_MSG(test, desc->doorbell_index_init, "%s", desc->name);
		KUNIT_EXPECT_NE_MSG(test, desc->sdma_trap_source, 0, "%s", desc->name);
		KUNIT_EXPECT_NE_MSG(test, desc->fault_client, 0, "%s", desc->name);
		for (j = 0; j < SIMGPU_SDMA_CLIENTS; j++)
			KUNIT_EXPECT_NE_MSG(test, desc->sdma_client[j], 0, "%s", desc->name);
		/* contiguous from bit 0 on, and enough for 4 MiB */
		KUNIT_EXPECT_EQ_MSG(test, desc->sdma_count_mask & (desc->sdma_count_mask + 1), 0,
				    "%s", desc->name);
		KUNIT_EXPECT_GE_MSG(test, desc->sdma_count_mask, 0x3fffff, "%s", desc->name);
	}
}

/* MI100 and later products of their kind have no graphics, and the driver no ring for it. */
static void simgpu_desc_graphics_test(struct kunit *test)
{
	const struct simgpu_desc *desc;
	unsigned int i;

	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		bool compute_only = strstarts(desc->name, "9.4.") && strcmp(desc->name, "9.4.0");

		KUNIT_EXPECT_EQ_MSG(test, desc->graphics, !compute_only, "%s", desc->name);
	}
}

/* No two fields of the compute MQD are the same dword, and all are in the MQD. */
static void simgpu_desc_mqd_test(struct kunit *test)
{
	const struct simgpu_desc *desc;
	unsigned int i, j, k;
	const u8 *dwords;

	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		dwords = (const u8 *)&desc->mqd;
		/* GFX 9 alone has a control stack of its own, and has all of it */
		KUNIT_EXPECT_EQ_MSG(test, !desc->mqd.stack_size, !desc->mqd.stack_offset, "%s",
				    desc->name);
		for (j = 0; j < sizeof(desc->mqd); j++) {
			if (!desc->mqd.stack_size && !dwords[j] &&
			    (j == offsetof(struct simgpu_compute_mqd, stack_size) ||
			     j == offsetof(struct simgpu_compute_mqd, stack_offset)))
				continue;
			KUNIT_EXPECT_NE_MSG(test, dwords[j], 0, "%s", desc->name);
			for (k = 0; k < j; k++)
				KUNIT_EXPECT_NE_MSG(test, dwords[j], dwords[k], "%s", desc->name);
		}
	}
}

/* Whoever has several XCCs has their fields in the MQD, and nobody else. */
static void simgpu_desc_xcc_mqd_test(struct kunit *test)
{
	const struct simgpu_desc *desc;
	unsigned int i, j, k;
	const u8 *dwords;

	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		dwords = (const u8 *)&desc->xcc_mqd;
		for (j = 0; j < sizeof(desc->xcc_mqd); j++) {
			KUNIT_EXPECT_EQ_MSG(test, !!dwords[j], desc->max_xcc > 1, "%s",
					    desc->name);
			for (k = 0; dwords[j] && k < sizeof(desc->mqd); k++)
				KUNIT_EXPECT_NE_MSG(test, dwords[j], ((const u8 *)&desc->mqd)[k],
						    "%s", desc->name);
		}
	}
}

/* Dwords of the SDMA MQD differ, are behind the fixed ones, and in the MQD. */
static void simgpu_desc_sdma_mqd_test(struct kunit *test)
{
	const struct simgpu_desc *desc;
	unsigned int i, j, k;

	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		const struct simgpu_sdma_mqd *mqd = &desc->sdma_mqd;
		const u8 dwords[] = {
			mqd->rptr_addr_lo, mqd->rptr_addr_hi, mqd->ib_base_lo, mqd->ib_base_hi,
			mqd->ib_size, mqd->ib_offset, mqd->midcmd_lo, mqd->midcmd_hi,
			mqd->midcmd_control, mqd->doorbell_offset, mqd->engine_id,
		};

		for (j = 0; j < ARRAY_SIZE(dwords); j++) {
			KUNIT_EXPECT_GT_MSG(test, dwords[j], 6, "%s", desc->name);
			KUNIT_EXPECT_LT_MSG(test, dwords[j], SDMA_MQD_DWORDS, "%s", desc->name);
			for (k = 0; k < j; k++)
				KUNIT_EXPECT_NE_MSG(test, dwords[j], dwords[k], "%s", desc->name);
		}
	}
}

/* What a format adds shares no bit with the address or with what all formats have. */
static void simgpu_pte_bits_test(struct kunit *test)
{
	const struct simgpu_desc *desc;
	unsigned int i;

	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		const struct simgpu_pte_format *pte = desc->pte;
		u64 own = pte->mtype_mask | pte->pde_leaf | pte->leaf_required | pte->prt;

		KUNIT_EXPECT_EQ_MSG(test, own & (PTE_COMMON | PTE_ADDRESS), 0, "%s", desc->name);
		KUNIT_EXPECT_EQ_MSG(test, pte->mtype_mask & (pte->pde_leaf | pte->prt), 0, "%s",
				    desc->name);
		KUNIT_EXPECT_EQ_MSG(test, pte->prt & pte->pde_leaf, 0, "%s", desc->name);
		KUNIT_EXPECT_NE_MSG(test, pte->pde_leaf, 0, "%s", desc->name);
		KUNIT_EXPECT_EQ_MSG(test, __ffs64(pte->mtype_mask), pte->mtype_shift, "%s",
				    desc->name);
		KUNIT_EXPECT_EQ_MSG(test, simgpu_pte_mtype(pte, true) & ~pte->mtype_mask, 0, "%s",
				    desc->name);
		KUNIT_EXPECT_NE_MSG(test, simgpu_pte_mtype(pte, true),
				    simgpu_pte_mtype(pte, false), "%s", desc->name);
	}
}

static void simgpu_pte_gfx9_test(struct kunit *test)
{
	const struct simgpu_pte_format *pte = &simgpu_pte_gfx9;

	KUNIT_EXPECT_EQ(test, simgpu_pte_mtype(pte, false), 0);
	KUNIT_EXPECT_EQ(test, simgpu_pte_mtype(pte, true), 3ULL << 57);
	KUNIT_EXPECT_EQ(test, simgpu_pte_gart(pte), PTE_EXECUTABLE | 3ULL << 57);
	KUNIT_EXPECT_EQ(test, pte->pde_leaf, BIT_ULL(54));
	KUNIT_EXPECT_TRUE(test, simgpu_pte_leaf_good(pte, PTE_VALID));
	KUNIT_EXPECT_TRUE(test, simgpu_pte_leaf_good(pte, 0));
}

static void simgpu_pte_gfx10_test(struct kunit *test)
{
	const struct simgpu_pte_format *pte = &simgpu_pte_gfx10;

	KUNIT_EXPECT_EQ(test, simgpu_pte_mtype(pte, false), 0);
	KUNIT_EXPECT_EQ(test, simgpu_pte_mtype(pte, true), 3ULL << 48);
	KUNIT_EXPECT_EQ(test, simgpu_pte_gart(pte), PTE_EXECUTABLE | 3ULL << 48);
	KUNIT_EXPECT_EQ(test, pte->pde_leaf, BIT_ULL(54));
	KUNIT_EXPECT_TRUE(test, simgpu_pte_leaf_good(pte, PTE_VALID));
}

static void simgpu_pte_gfx12_test(struct kunit *test)
{
	const struct simgpu_pte_format *pte = &simgpu_pte_gfx12;

	KUNIT_EXPECT_EQ(test, simgpu_pte_mtype(pte, false), 0);
	KUNIT_EXPECT_EQ(test, simgpu_pte_mtype(pte, true), 3ULL << 54);
	KUNIT_EXPECT_EQ(test, simgpu_pte_gart(pte), PTE_EXECUTABLE | 3ULL << 54 | BIT_ULL(63));
	KUNIT_EXPECT_EQ(test, pte->pde_leaf, BIT_ULL(63));
	KUNIT_EXPECT_FALSE(test, simgpu_pte_leaf_good(pte, PTE_VALID | PTE_READABLE));
	KUNIT_EXPECT_TRUE(test, simgpu_pte_leaf_good(pte, PTE_VALID | BIT_ULL(63)));
	KUNIT_EXPECT_TRUE(test, simgpu_pte_leaf_good(pte, 0));
	KUNIT_EXPECT_EQ(test, simgpu_pte_map(pte, PTE_VALID, pte->prt), BIT_ULL(56) | BIT_ULL(63));
}

/* A mapping decides about execution and memory type, and about nothing else. */
static void simgpu_pte_map_test(struct kunit *test)
{
	const struct simgpu_desc *desc;
	unsigned int i;

	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		const struct simgpu_pte_format *pte = desc->pte;
		u64 uncached = simgpu_pte_mtype(pte, true), flags;

		flags = PTE_VALID | PTE_SYSTEM | PTE_READABLE | uncached | PTE_EXECUTABLE;
		KUNIT_EXPECT_EQ_MSG(test, simgpu_pte_map(pte, flags, PTE_WRITEABLE),
				    PTE_VALID | PTE_SYSTEM | PTE_READABLE, "%s", desc->name);
		flags = PTE_VALID | PTE_READABLE;
		KUNIT_EXPECT_EQ_MSG(test, simgpu_pte_map(pte, flags, PTE_EXECUTABLE | uncached),
				    flags | PTE_EXECUTABLE | uncached, "%s", desc->name);
		flags = simgpu_pte_map(pte, PTE_VALID, pte->prt);
		KUNIT_EXPECT_EQ_MSG(test, flags & (pte->prt | PTE_VALID), pte->prt, "%s",
				    desc->name);
	}
}

static struct kunit_case simgpu_desc_cases[] = {
	KUNIT_CASE(simgpu_desc_get_test),
	KUNIT_CASE(simgpu_desc_find_test),
	KUNIT_CASE(simgpu_desc_find_product_test),
	KUNIT_CASE(simgpu_desc_cus_test),
	KUNIT_CASE(simgpu_desc_complete_test),
	KUNIT_CASE(simgpu_desc_graphics_test),
	KUNIT_CASE(simgpu_desc_mqd_test),
	KUNIT_CASE(simgpu_desc_xcc_mqd_test),
	KUNIT_CASE(simgpu_desc_sdma_mqd_test),
	KUNIT_CASE(simgpu_pte_bits_test),
	KUNIT_CASE(simgpu_pte_gfx9_test),
	KUNIT_CASE(simgpu_pte_gfx10_test),
	KUNIT_CASE(simgpu_pte_gfx12_test),
	KUNIT_CASE(simgpu_pte_map_test),
	{}
};

static struct kunit_suite simgpu_desc_suite = {
	.name = "simgpu_desc",
	.test_cases = simgpu_desc_cases,
};

kunit_test_suite(simgpu_desc_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("KUnit tests of the simulated GPUs' generations");
MODULE_LICENSE("GPL and additional rights");
