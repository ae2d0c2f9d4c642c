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

/* ---- signatures ---- */

#define SIGNED_NONCE	0x1001

/**
 * struct signature - a MQD that is signed, and one to break
 * @name: for messages
 * @layout: of both
 * @bits: firmware's of each dword
 * @whole: MQD as firmware left it
 * @mqd: a copy
 */
struct signature {
	const char *name;
	const struct simgpu_mqd_layout *layout;
	u32 *bits, *whole, *mqd;
};

/* A MQD as the driver makes it: a value in each word that is its own. */
static void make_fresh(const struct simgpu_mqd_layout *layout, u32 *mqd)
{
	const struct simgpu_mqd_bits *part;

	memset(mqd, 0, layout->dwords * sizeof(u32));
	for (part = layout->bits; part->mask; part++) {
		if (part->dword >= layout->dwords)
			continue;
		if (part->owner == SIMGPU_MQD_DRIVER || part->owner == SIMGPU_MQD_IDENTITY)
			mqd[part->dword] |= (0x5a000000 | part->dword) & part->mask;
		if (part->owner == SIMGPU_MQD_PRESET)
			mqd[part->dword] |= part->mask;
	}
	for (part = layout->bits; part->mask; part++)
		if (part->owner == SIMGPU_MQD_PROGRESS && part->fresh)
			mqd[part->dword] = mqd[part->fresh];
}

/* The queue runs, and comes back with other progress. */
static void make_progress(const struct simgpu_mqd_layout *layout, u32 *mqd)
{
	const struct simgpu_mqd_bits *part;

	for (part = layout->bits; part->mask; part++)
		if (part->owner == SIMGPU_MQD_PROGRESS)
			mqd[part->dword] += 64;
}

static void make_signature(struct kunit *test, struct signature *sig,
			   const struct simgpu_desc *desc, bool sdma)
{
	unsigned int bytes = SIMGPU_MQD_BYTES;

	sig->name = desc->name;
	sig->layout = sdma ? desc->sdma_mqd_layout : desc->mqd_layout;
	sig->bits = kunit_kzalloc(test, bytes, GFP_KERNEL);
	sig->whole = kunit_kzalloc(test, bytes, GFP_KERNEL);
	sig->mqd = kunit_kzalloc(test, bytes, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sig->bits);
	KUNIT_ASSERT_NOT_NULL(test, sig->whole);
	KUNIT_ASSERT_NOT_NULL(test, sig->mqd);
	simgpu_mqd_firmware_bits(sig->layout, sig->bits);
	make_fresh(sig->layout, sig->whole);
}

static void free_signature(struct kunit *test, struct signature *sig)
{
	kunit_kfree(test, sig->bits);
	kunit_kfree(test, sig->whole);
	kunit_kfree(test, sig->mqd);
}

static bool is_whole(struct signature *sig, unsigned int xcc, struct simgpu_mqd_loss *loss)
{
	return simgpu_mqd_signed(sig->layout, sig->bits, xcc, sig->mqd, loss);
}

static void sign(struct signature *sig, unsigned int xcc, u32 nonce)
{
	simgpu_mqd_sign(sig->layout, sig->bits, xcc, nonce, sig->whole);
	memcpy(sig->mqd, sig->whole, sig->layout->dwords * sizeof(u32));
}

static void save(struct signature *sig, unsigned int xcc)
{
	make_progress(sig->layout, sig->whole);
	sign(sig, xcc, SIGNED_NONCE);
}

static void expect_whole(struct kunit *test, struct signature *sig, unsigned int xcc)
{
	struct simgpu_mqd_loss loss = { };

	KUNIT_EXPECT_TRUE_MSG(test, is_whole(sig, xcc, &loss),
			      "%s: dword %u is %#x, want %#x", sig->name, loss.dword, loss.is,
			      loss.want);
}

/* What was done to one dword has to be found, there or in the sum; then it is undone. */
static void expect_lost(struct kunit *test, struct signature *sig, unsigned int dword,
			unsigned int found)
{
	struct simgpu_mqd_loss loss = { };

	KUNIT_EXPECT_FALSE_MSG(test, is_whole(sig, 0, &loss), "%s: dword %u %#x, was %#x",
			       sig->name, dword, sig->mqd[dword], sig->whole[dword]);
	if (found)
		KUNIT_EXPECT_EQ_MSG(test, loss.dword, found, "%s: dword %u", sig->name, dword);
	sig->mqd[dword] = sig->whole[dword];
}

/* Each word and each bit that firmware has, one by one: zeroed, set, changed, masked. */
static void lose_words(struct kunit *test, struct signature *sig)
{
	unsigned int dwords = sig->layout->dwords, i, bit;
	u32 *stale = kunit_kzalloc(test, SIMGPU_MQD_BYTES, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, stale);
	save(sig, 0);
	expect_whole(test, sig, 0);
	memcpy(stale, sig->whole, SIMGPU_MQD_BYTES);
	save(sig, 0);
	expect_whole(test, sig, 0);
	for (i = 0; i < dwords; i++) {
		if (!sig->bits[i])
			continue;
		for (bit = 0; bit < 32; bit++) {
			if (!(sig->bits[i] & BIT(bit)))
				continue;
			sig->mqd[i] ^= BIT(bit);
			expect_lost(test, sig, i, i);
		}
		if (sig->bits[i] != U32_MAX)
			continue;
		sig->mqd[i] = 0;
		expect_lost(test, sig, i, i);
		sig->mqd[i] = U32_MAX;
		expect_lost(test, sig, i, i);
		sig->mqd[i] = stale[i];
		expect_lost(test, sig, i, i);
		/* what comes next is another one */
		sig->mqd[i] = sig->whole[(i + 1) % dwords];
		expect_lost(test, sig, i, i);
	}
	for (i = 0; i < 32; i++) {
		sig->mqd[sig->layout->nonce] ^= BIT(i);
		expect_lost(test, sig, sig->layout->nonce, sig->layout->check);
		sig->mqd[sig->layout->check] ^= BIT(i);
		expect_lost(test, sig, sig->layout->check, sig->layout->check);
	}
	sig->mqd[sig->layout->nonce] = 0;
	expect_lost(test, sig, sig->layout->nonce, 0);
	kunit_kfree(test, stale);
}

/* Progress is under the sum; what the driver may write is free, but for what tells queues apart. */
static void change_words(struct kunit *test, struct signature *sig)
{
	const struct simgpu_mqd_bits *part;
	unsigned int sum = sig->layout->check;

	for (part = sig->layout->bits; part->mask; part++) {
		if (part->dword >= sig->layout->dwords)
			continue;
		sig->mqd[part->dword] ^= part->mask;
		switch (part->owner) {
		case SIMGPU_MQD_DRIVER:
		case SIMGPU_MQD_LOADED:
			expect_whole(test, sig, 0);
			sig->mqd[part->dword] = sig->whole[part->dword];
			break;
		case SIMGPU_MQD_IDENTITY:
		case SIMGPU_MQD_PROGRESS:
			expect_lost(test, sig, part->dword, sum);
			sig->mqd[part->dword] -= 64;
			expect_lost(test, sig, part->dword, sum);
			break;
		case SIMGPU_MQD_PRESET:
		case SIMGPU_MQD_ORDER:
			expect_lost(test, sig, part->dword, part->dword);
			if (!part->last)
				break;
			sig->mqd[part->last] |= part->mask;
			expect_lost(test, sig, part->last, part->last);
			break;
		}
	}
	expect_whole(test, sig, 0);
}

/* A register of a dispatch that has a value keeps it, and can neither be lost nor be forgotten. */
static void keep_registers(struct kunit *test, struct signature *sig)
{
	const struct simgpu_mqd_layout *layout = sig->layout;
	unsigned int i, sum = layout->check;
	u32 value;

	for (i = 1; i < 32 * SIMGPU_MQD_LIVE; i++) {
		sig->whole[layout->live + i / 32] |= BIT(i % 32);
		sig->whole[i] = (sig->whole[i] & ~sig->bits[i]) | (i & sig->bits[i]);
		value = sig->whole[i];
		save(sig, 0);
		KUNIT_EXPECT_EQ_MSG(test, sig->whole[i], value, "%s: dword %u", sig->name, i);
		expect_whole(test, sig, 0);
		if (sig->bits[i]) {
			sig->mqd[i] ^= sig->bits[i] & -sig->bits[i];
			expect_lost(test, sig, i, sum);
		}
		sig->mqd[layout->live + i / 32] ^= BIT(i % 32);
		expect_lost(test, sig, layout->live + i / 32, 0);
		sig->whole[layout->live + i / 32] &= ~BIT(i % 32);
	}
	save(sig, 0);
	expect_whole(test, sig, 0);
}

/* And so do resources of global wave sync, all of them or none. */
static void keep_gws(struct kunit *test, struct signature *sig)
{
	const struct simgpu_mqd_layout *layout = sig->layout;
	unsigned int i, sum = layout->check;

	sig->whole[layout->live] |= SIMGPU_MQD_LIVE_GWS;
	for (i = SIMGPU_MQD_GWS; i < SIMGPU_MQD_GWS + SIMGPU_GWS; i++)
		sig->whole[i] = i;
	save(sig, 0);
	for (i = SIMGPU_MQD_GWS; i < SIMGPU_MQD_GWS + SIMGPU_GWS; i++) {
		KUNIT_EXPECT_EQ_MSG(test, sig->whole[i], i, "%s: dword %u", sig->name, i);
		sig->mqd[i] ^= BIT(0);
		expect_lost(test, sig, i, sum);
	}
	sig->mqd[layout->live] ^= SIMGPU_MQD_LIVE_GWS;
	expect_lost(test, sig, layout->live, sum);
	sig->whole[layout->live] &= ~SIMGPU_MQD_LIVE_GWS;
	save(sig, 0);
	expect_whole(test, sig, 0);
}

static void simgpu_mqd_signature_test(struct kunit *test)
{
	const struct simgpu_desc *desc;
	struct simgpu_mqd_loss loss;
	struct signature sig;
	unsigned int i, sdma;

	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		for (sdma = 0; sdma < 2; sdma++) {
			make_signature(test, &sig, desc, sdma);
			lose_words(test, &sig);
			change_words(test, &sig);
			if (!sdma) {
				keep_registers(test, &sig);
				keep_gws(test, &sig);
			}
			/* that of another XCC */
			KUNIT_EXPECT_FALSE(test, is_whole(&sig, 1, &loss));
			free_signature(test, &sig);
		}
	}
}

/* A queue that was never loaded, and one that only seems to be */
static void simgpu_mqd_fresh_test(struct kunit *test)
{
	const struct simgpu_mqd_bits *part;
	const struct simgpu_desc *desc;
	unsigned int i, sdma, dword;
	struct signature sig;

	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		for (sdma = 0; sdma < 2; sdma++) {
			make_signature(test, &sig, desc, sdma);
			memcpy(sig.mqd, sig.whole, SIMGPU_MQD_BYTES);
			expect_whole(test, &sig, 0);
			for (dword = 0; dword < sig.layout->dwords; dword++) {
				sig.mqd[dword] ^= sig.bits[dword] & -sig.bits[dword];
				if (sig.bits[dword])
					expect_lost(test, &sig, dword, dword);
			}
			for (part = sig.layout->bits; part->mask; part++) {
				if (part->owner != SIMGPU_MQD_PROGRESS)
					continue;
				/* all that it left was its progress */
				sig.mqd[part->dword] += 64;
				expect_lost(test, &sig, part->dword, part->dword);
			}
			sig.mqd[sig.layout->check] = 1;
			expect_lost(test, &sig, sig.layout->check, sig.layout->check);
			free_signature(test, &sig);
		}
	}
}

/* The nonce is made once, and a MQD is good again after each save. */
static void simgpu_mqd_nonce_test(struct kunit *test)
{
	static const u32 nonces[] = { 1, 2, 0x7fffffff, U32_MAX };
	struct signature sig;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(nonces); i++) {
		make_signature(test, &sig, simgpu_desc_get(0), false);
		for (j = 0; j < 3; j++) {
			make_progress(sig.layout, sig.whole);
			sign(&sig, 0, nonces[i] + j);
			KUNIT_EXPECT_EQ(test, sig.whole[sig.layout->nonce], nonces[i]);
			expect_whole(test, &sig, 0);
		}
		free_signature(test, &sig);
	}
}

/* A queue that is loaded and unloaded, and has done nothing, leaves what it found. */
static void expect_same(struct kunit *test, struct signature *sig, const u32 *before)
{
	sign(sig, 0, SIGNED_NONCE + 1);
	KUNIT_EXPECT_MEMEQ(test, sig->whole, before, sig->layout->dwords * sizeof(u32));
	expect_whole(test, sig, 0);
}

/* Also when it comes to the same progress by another way, as clones of one queue do. */
static void simgpu_mqd_idle_test(struct kunit *test)
{
	const struct simgpu_desc *desc;
	unsigned int i, sdma, bytes;
	struct signature sig;
	u32 *fresh, *before;

	fresh = kunit_kzalloc(test, SIMGPU_MQD_BYTES, GFP_KERNEL);
	before = kunit_kzalloc(test, SIMGPU_MQD_BYTES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fresh);
	KUNIT_ASSERT_NOT_NULL(test, before);
	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		for (sdma = 0; sdma < 2; sdma++) {
			make_signature(test, &sig, desc, sdma);
			bytes = sig.layout->dwords * sizeof(u32);
			/* before its first packet */
			sign(&sig, 0, SIGNED_NONCE);
			memcpy(fresh, sig.whole, bytes);
			expect_same(test, &sig, fresh);
			/* in the middle */
			save(&sig, 0);
			KUNIT_EXPECT_MEMNEQ(test, sig.whole, fresh, bytes);
			save(&sig, 0);
			memcpy(before, sig.whole, bytes);
			expect_same(test, &sig, before);
			/* the clone makes all of that progress at once */
			memcpy(sig.whole, fresh, bytes);
			make_progress(sig.layout, sig.whole);
			make_progress(sig.layout, sig.whole);
			expect_same(test, &sig, before);
			free_signature(test, &sig);
		}
	}
}

/* No bit stays as it is, or whoever sets or clears it would never be found. */
static void simgpu_mqd_turns_test(struct kunit *test)
{
	u32 *seen = kunit_kcalloc(test, 2 * SIMGPU_MQD_DWORDS, sizeof(u32), GFP_KERNEL);
	const struct simgpu_desc *desc;
	unsigned int i, sdma, turn, j;
	struct signature sig;

	KUNIT_ASSERT_NOT_NULL(test, seen);
	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		for (sdma = 0; sdma < 2; sdma++) {
			make_signature(test, &sig, desc, sdma);
			memset(seen, 0, 2 * SIMGPU_MQD_BYTES);
			for (turn = 0; turn < 40; turn++) {
				save(&sig, 0);
				for (j = 0; j < sig.layout->dwords; j++) {
					seen[2 * j] |= sig.whole[j];
					seen[2 * j + 1] |= ~sig.whole[j];
				}
			}
			for (j = 0; j < sig.layout->dwords; j++) {
				KUNIT_EXPECT_EQ_MSG(test, seen[2 * j] & seen[2 * j + 1] &
						    sig.bits[j], sig.bits[j], "%s: dword %u",
						    sig.name, j);
			}
			free_signature(test, &sig);
		}
	}
}

/* No two entries claim a bit, and firmware has most words of each MQD. */
static void simgpu_mqd_layout_test(struct kunit *test)
{
	const struct simgpu_mqd_bits *part, *other;
	const struct simgpu_desc *desc;
	unsigned int i, sdma;

	for (i = 0; (desc = simgpu_desc_get(i)); i++) {
		for (sdma = 0; sdma < 2; sdma++) {
			const struct simgpu_mqd_layout *layout = sdma ? desc->sdma_mqd_layout :
									desc->mqd_layout;

			KUNIT_EXPECT_LE(test, layout->dwords, SIMGPU_MQD_DWORDS);
			KUNIT_EXPECT_LT(test, layout->nonce, layout->dwords);
			KUNIT_EXPECT_LT(test, layout->check, layout->dwords);
			KUNIT_EXPECT_NE(test, layout->check, layout->nonce);
			for (part = layout->bits; part->mask; part++) {
				KUNIT_EXPECT_NE(test, part->dword, layout->nonce);
				KUNIT_EXPECT_NE(test, part->dword, layout->check);
				for (other = layout->bits; other < part; other++)
					KUNIT_EXPECT_FALSE_MSG(test, other->dword == part->dword &&
							       other->mask & part->mask,
							       "%s: dword %u", desc->name,
							       part->dword);
			}
			KUNIT_EXPECT_LT(test, part - layout->bits, layout->dwords / 4);
		}
	}
}

static struct kunit_case simgpu_mqd_cases[] = {
	KUNIT_CASE(simgpu_mqd_valid_test),
	KUNIT_CASE(simgpu_mqd_vmid_test),
	KUNIT_CASE(simgpu_mqd_xcc_test),
	KUNIT_CASE(simgpu_mqd_layout_test),
	KUNIT_CASE(simgpu_mqd_signature_test),
	KUNIT_CASE(simgpu_mqd_fresh_test),
	KUNIT_CASE(simgpu_mqd_nonce_test),
	KUNIT_CASE(simgpu_mqd_idle_test),
	KUNIT_CASE(simgpu_mqd_turns_test),
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
