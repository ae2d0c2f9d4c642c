// SPDX-License-Identifier: MIT
/*
 * KUnit tests of the simulated GPUs' configuration.
 */
#include <kunit/test.h>
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/module.h>
#include <linux/string.h>

#include "../simgpu_config.h"

static const struct simgpu_config good = {
	.count = 2, .base = 0x40000000, .vram_mb = 256, .xccs = 2,
};

static void expect_refused(struct kunit *test, const struct simgpu_config *config,
			   const char *parameter)
{
	char why[128] = "";

	KUNIT_EXPECT_EQ(test, simgpu_config_check(config, why, sizeof(why)), -EINVAL);
	KUNIT_EXPECT_TRUE_MSG(test, str_has_prefix(why, parameter),
			      "message \"%s\" should begin with %s", why, parameter);
}

static void expect_accepted(struct kunit *test, const struct simgpu_config *config)
{
	char why[128] = "";

	KUNIT_EXPECT_EQ(test, simgpu_config_check(config, why, sizeof(why)), 0);
	KUNIT_EXPECT_STREQ(test, why, "");
}

static void simgpu_config_count_test(struct kunit *test)
{
	struct simgpu_config config = good;
	unsigned int count;

	for (count = 1; count <= SIMGPU_MAX_COUNT; count++) {
		config.count = count;
		expect_accepted(test, &config);
	}
	config.count = SIMGPU_MAX_COUNT + 1;
	expect_refused(test, &config, "simgpu_count=9 ");
	config.count = UINT_MAX;
	expect_refused(test, &config, "simgpu_count=");
	/* the defaults, amdgpu on a machine that simulates nothing */
	config = (struct simgpu_config) { };
	expect_accepted(test, &config);
}

static void simgpu_config_vram_test(struct kunit *test)
{
	static const unsigned int wrong[] = { 0, 1, 16, 33, 96, 255, 257, 8192, UINT_MAX };
	struct simgpu_config config = good;
	unsigned int i;

	for (i = SIMGPU_MIN_VRAM_MB; i <= SIMGPU_MAX_VRAM_MB; i *= 2) {
		config.vram_mb = i;
		config.base = 0x100000000UL;
		expect_accepted(test, &config);
	}
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		config.vram_mb = wrong[i];
		expect_refused(test, &config, "simgpu_vram_mb=");
	}
}

static void simgpu_config_base_test(struct kunit *test)
{
	static const unsigned long wrong[] = {
		0, 1, 0x40000001, 0x48000000, 0x40001000, -0x10000000UL,
	};
	struct simgpu_config config = good;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		config.base = wrong[i];
		expect_refused(test, &config, "simgpu_base=");
	}
}

static void simgpu_config_rotate_test(struct kunit *test)
{
	struct simgpu_config config = good;

	config.rotate = 1;
	expect_accepted(test, &config);
	config.rotate = 2;
	expect_refused(test, &config, "simgpu_rotate=2 ");
}

static void simgpu_config_fence_delay_test(struct kunit *test)
{
	struct simgpu_config config = good;

	config.fence_delay_us = SIMGPU_MAX_FENCE_DELAY_US;
	expect_accepted(test, &config);
	config.fence_delay_us++;
	expect_refused(test, &config, "simgpu_fence_delay_us=");
}

static const char *name_of(const struct simgpu_config *config, unsigned int gpu)
{
	return simgpu_config_desc(config, gpu)->name;
}

static void simgpu_config_gc_test(struct kunit *test)
{
	static const char * const wrong[] = {
		"", ",", "9", "9.4.", "9.4.0.", "9.4.0.0", "9.4.0,", ",9.4.0", "9.4.0,,9.4.0",
		"9.4.0 ", " 9.4.0", "9.4.0;9.4.0", "-9.4.0", "9.4.0x", "8.0.3", "9.4.256",
		"4294967305.4.0", "gfx940", "9.4.0,9.4.0,9.4.0", "9.4.0,9.9.9",
		"9.4.1", "mi", "mi100x", "mi100,", "mi100;mi210", "MI100", "mi100 ", "9mi100",
	};
	struct simgpu_config config = good;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		config.gc = wrong[i];
		expect_refused(test, &config, "simgpu_gc=");
	}
	config.gc = NULL;
	expect_accepted(test, &config);
	KUNIT_EXPECT_STREQ(test, name_of(&config, 0), "9.4.0");
	KUNIT_EXPECT_STREQ(test, name_of(&config, 7), "9.4.0");
	config.gc = "9.0.1";
	expect_accepted(test, &config);
	KUNIT_EXPECT_STREQ(test, name_of(&config, 0), "9.0.1");
	KUNIT_EXPECT_STREQ(test, name_of(&config, 1), "9.0.1");
	config.gc = "9.4,9.0.1";
	expect_accepted(test, &config);
	KUNIT_EXPECT_STREQ(test, name_of(&config, 0), "9.4.0");
	config.gc = "9.4.2,9.0.1";
	expect_accepted(test, &config);
	config.count = 8;
	KUNIT_EXPECT_STREQ(test, name_of(&config, 0), "9.4.2");
	for (i = 1; i < config.count; i++)
		KUNIT_EXPECT_STREQ(test, name_of(&config, i), "9.0.1");
}

static void simgpu_config_product_test(struct kunit *test)
{
	struct simgpu_config config = good;

	config.gc = "mi300x,9.4.3";
	expect_accepted(test, &config);
	KUNIT_EXPECT_STREQ(test, simgpu_config_desc(&config, 0)->product, "mi300x");
	KUNIT_EXPECT_STREQ(test, name_of(&config, 0), "9.4.3");
	KUNIT_EXPECT_NULL(test, simgpu_config_desc(&config, 1)->product);
	/* the one is sold with 8 of them */
	KUNIT_EXPECT_EQ(test, simgpu_config_num_xcc(&config, 0), 8);
	KUNIT_EXPECT_EQ(test, simgpu_config_num_xcc(&config, 1), 2);
	config.partitions = "cpx";
	KUNIT_EXPECT_EQ(test, simgpu_config_num_partitions(&config, 0), 8);
	config.gc = "10.3,rx9070";
	expect_accepted(test, &config);
	KUNIT_EXPECT_STREQ(test, name_of(&config, 1), "12.0.1");
	KUNIT_EXPECT_EQ(test, simgpu_config_num_xcc(&config, 1), 1);
}

static void simgpu_config_die_test(struct kunit *test)
{
	struct simgpu_config config = good;

	config.die = SIMGPU_MAX_DIE;
	expect_accepted(test, &config);
	config.die++;
	expect_refused(test, &config, "simgpu_die=10000 ");
}

static void simgpu_config_xccs_test(struct kunit *test)
{
	struct simgpu_config config = good;

	config.gc = "9.4.0,9.4.3";
	for (config.xccs = SIMGPU_MIN_XCCS; config.xccs <= SIMGPU_MAX_XCCS; config.xccs++) {
		expect_accepted(test, &config);
		KUNIT_EXPECT_EQ(test, simgpu_config_num_xcc(&config, 0), 1);
		KUNIT_EXPECT_EQ(test, simgpu_config_num_xcc(&config, 1), config.xccs);
	}
	expect_refused(test, &config, "simgpu_xccs=9 ");
	config.xccs = 1;
	expect_refused(test, &config, "simgpu_xccs=1 ");
	config.xccs = UINT_MAX;
	expect_refused(test, &config, "simgpu_xccs=");
}

static void simgpu_config_partitions_test(struct kunit *test)
{
	static const char * const wrong[] = { "", "SPX", "cp", "cpxx", "dpx", "1", "spx,cpx" };
	struct simgpu_config config = good;
	unsigned int i;

	config.gc = "9.4.0,9.4.3";
	config.xccs = 6;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		config.partitions = wrong[i];
		expect_refused(test, &config, "simgpu_partitions=");
	}
	config.partitions = NULL;
	expect_accepted(test, &config);
	KUNIT_EXPECT_EQ(test, simgpu_config_num_partitions(&config, 1), 1);
	config.partitions = "spx";
	expect_accepted(test, &config);
	KUNIT_EXPECT_EQ(test, simgpu_config_num_partitions(&config, 1), 1);
	config.partitions = "cpx";
	expect_accepted(test, &config);
	KUNIT_EXPECT_EQ(test, simgpu_config_num_partitions(&config, 0), 1);
	KUNIT_EXPECT_EQ(test, simgpu_config_num_partitions(&config, 1), 6);
}

/* No two BARs share a byte, none leaves the region, each is aligned to its size. */
static void simgpu_config_layout_test(struct kunit *test)
{
	struct { u64 start, size; } bar[3 * SIMGPU_MAX_COUNT];
	struct simgpu_config config = good;
	unsigned int i, j, n = 0;

	config.count = SIMGPU_MAX_COUNT;
	config.vram_mb = SIMGPU_MIN_VRAM_MB;
	for (i = 0; i < config.count; i++) {
		bar[n].start = simgpu_config_vram_start(&config, i);
		bar[n++].size = (u64)config.vram_mb << 20;
		bar[n].start = simgpu_config_doorbell_start(&config, i);
		bar[n++].size = SIMGPU_DOORBELL_SIZE;
		bar[n].start = simgpu_config_reg_start(&config, i);
		bar[n++].size = SIMGPU_REG_SIZE;
	}
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(test, bar[i].start & (bar[i].size - 1), 0);
		KUNIT_EXPECT_GE(test, bar[i].start, (u64)config.base);
		KUNIT_EXPECT_LE(test, bar[i].start + bar[i].size,
				config.base + simgpu_config_size(&config));
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_TRUE(test, bar[i].start + bar[i].size <= bar[j].start ||
					  bar[j].start + bar[j].size <= bar[i].start);
	}
}

/* A rotation changes the order of the GPUs and the set of places they use. */
static void simgpu_config_slot_test(struct kunit *test)
{
	struct simgpu_config config = good;
	unsigned int i, used;

	for (config.count = 1; config.count <= SIMGPU_MAX_COUNT; config.count++) {
		for (config.rotate = 0; config.rotate < config.count; config.rotate++) {
			used = 0;
			for (i = 0; i < config.count; i++) {
				unsigned int slot = simgpu_config_slot(&config, i);

				KUNIT_EXPECT_GE(test, slot, 1);
				KUNIT_EXPECT_LT(test, slot, 32);
				KUNIT_EXPECT_FALSE(test, used & BIT(slot));
				used |= BIT(slot);
			}
			KUNIT_EXPECT_EQ(test, hweight32(used), config.count);
			KUNIT_EXPECT_EQ(test, __ffs(used), 1 + config.rotate);
		}
	}
	config = good;
	KUNIT_EXPECT_LT(test, simgpu_config_slot(&config, 0), simgpu_config_slot(&config, 1));
	config.rotate = 1;
	KUNIT_EXPECT_GT(test, simgpu_config_slot(&config, 0), simgpu_config_slot(&config, 1));
}

static struct kunit_case simgpu_config_cases[] = {
	KUNIT_CASE(simgpu_config_count_test),
	KUNIT_CASE(simgpu_config_vram_test),
	KUNIT_CASE(simgpu_config_base_test),
	KUNIT_CASE(simgpu_config_rotate_test),
	KUNIT_CASE(simgpu_config_fence_delay_test),
	KUNIT_CASE(simgpu_config_gc_test),
	KUNIT_CASE(simgpu_config_product_test),
	KUNIT_CASE(simgpu_config_die_test),
	KUNIT_CASE(simgpu_config_xccs_test),
	KUNIT_CASE(simgpu_config_partitions_test),
	KUNIT_CASE(simgpu_config_layout_test),
	KUNIT_CASE(simgpu_config_slot_test),
	{}
};

static struct kunit_suite simgpu_config_suite = {
	.name = "simgpu_config",
	.test_cases = simgpu_config_cases,
};

kunit_test_suite(simgpu_config_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_DESCRIPTION("KUnit tests of the simulated GPUs' configuration");
MODULE_LICENSE("GPL and additional rights");
