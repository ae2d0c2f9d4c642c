// SPDX-License-Identifier: MIT
/*
 * What hardware would choke on in a MQD.
 *
 * Facts: kfd_mqd_manager_v*.c, which fill MQDs; a field that is always filled
 * in the same way is one that hardware needs so.
 */
#include <linux/bits.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <kunit/visibility.h>

#include "simgpu_mqd.h"

/**
 * DOC: simgpu signatures
 *
 * Firmware may keep in a MQD whatever it needs to go on, and its words have
 * names in the driver's structures or not.  Here all of them are in use: when a
 * queue leaves the hardware, each bit that the driver does not own gets a value
 * that depends on its place, on the XCC, on a nonce that each queue has of its
 * own, and on the queue's progress.  When the queue is loaded again, on this GPU
 * or on another one to which it was moved, all of them have to be there, or it
 * is refused with a line ``simgpu: MQD``.  ``simgpu_mqd_signatures=0`` leaves
 * this out.
 *
 * The nonce is one of the words, so no GPU has to remember anything; it is made
 * when a queue leaves for the first time, and stays.  Another word is a sum over
 * the nonce, over the words with the queue's progress, and over where it reports
 * its rptr, so that these can neither be lost nor come from another queue.
 *
 * Two MQDs of a queue with the same progress are the same, byte by byte: who
 * compares images finds no difference when nothing has happened.  With each
 * progress, half of the signatures' bits change: a bit that somebody always sets or
 * clears is found soon, and a word that is left from an earlier time at once.
 *
 * Registers of a dispatch that have a value hold that and no signature; a
 * mask of them is under the sum, as they are.
 *
 * A queue that was never loaded has no nonce; then its MQD must be as the
 * driver makes it, down to an rptr of 0.  A MQD that is from an earlier time
 * as a whole is not found out.
 *
 * Whose a bit is follows from init_mqd() and update_mqd() of the driver, see
 * enum simgpu_mqd_owner.  What would give a queue the rights of the kernel, what
 * orders firmware to do something, and addresses that firmware uses by itself have
 * no signature: they have to be 0.
 */

/**
 * DOC: simgpu checks
 *
 * Hardware takes what it gets, and hangs or writes to the wrong place when a
 * driver fills a MQD wrongly.  Here it is refused, with a line in the log that
 * begins with ``simgpu: MQD``, and vmtest.sh fails a run in whose log there is
 * one.  Looked at are:
 *
 * * the header, a ring, its place and its rptr within its size;
 * * the VMID: one of KFD's when KFD loads the queue itself, else none;
 * * the doorbell, and that what loads the queue names the same one; for MES
 *   and runlists also the wptr, for runlists the SDMA engine;
 * * with several XCCs: that the MQD of each is where the stride says, and is
 *   the same as that of the first but for what tells XCCs apart; that all are
 *   loaded; which XCC reports the rptr, executes PM4, and has which part of
 *   the work of an AQL queue;
 * * on GFX 9, that each XCC finds on its control stack what it saved there, see
 *   &struct simgpu_saved_wave; not with ``simgpu_mqd_signatures=0``.
 *
 * Lines with ``simgpu: MAP_QUEUES``, ``simgpu: MES``, ``simgpu: HIQ`` and ``simgpu: PTE`` are
 * of the same kind.
 */

static bool simgpu_mqd_expect(struct simgpu_mqd_error *error, const char *field, bool good, u64 is,
			      u64 want)
{
	if (!good)
		*error = (struct simgpu_mqd_error) { .field = field, .is = is, .want = want };
	return good;
}

static u32 simgpu_mqd_saved(const struct simgpu_desc *desc, const u32 *mqd)
{
	const struct simgpu_compute_mqd *at = &desc->mqd;

	return at->stack_size ? mqd[at->stack_size] - mqd[at->stack_offset] : 0;
}

/* Nothing, or at least what each XCC leaves there. */
static bool simgpu_mqd_saved_valid(const struct simgpu_desc *desc, const u32 *mqd,
				   unsigned int xcc, struct simgpu_mqd_error *error)
{
	u32 saved = simgpu_mqd_saved(desc, mqd);
	u32 least = (xcc + 1) * sizeof(struct simgpu_saved_wave);

	return simgpu_mqd_expect(error, "saved waves", !saved ||
				 (saved >= least && saved % sizeof(struct simgpu_saved_wave) == 0 &&
				  saved <= mqd[desc->mqd.stack_size]), saved, least);
}

static bool simgpu_mqd_aql(const struct simgpu_desc *desc, const u32 *mqd)
{
	return SIMGPU_MQD_AQL(mqd[desc->mqd.aql_control]);
}

/**
 * simgpu_mqd_valid - can a compute MQD be loaded
 * @desc: generation
 * @place: where
 * @mqd: its first %SIMGPU_MQD_DWORDS dwords
 * @error: filled when not
 *
 * Context: any.
 * Return: true when it can.
 */
bool simgpu_mqd_valid(const struct simgpu_desc *desc, const struct simgpu_mqd_place *place,
		      const u32 *mqd, struct simgpu_mqd_error *error)
{
	const struct simgpu_compute_mqd *at = &desc->mqd;
	u64 base = mqd[at->base_lo] | (u64)mqd[at->base_hi] << 32;
	u64 dwords = 2ULL << SIMGPU_MQD_CONTROL_SIZE(mqd[at->control]);
	u32 vmid = mqd[at->vmid], doorbell = SIMGPU_MQD_DOORBELL(mqd[at->doorbell_control]);

	if (!simgpu_mqd_expect(error, "header", mqd[0] == SIMGPU_MQD_HEADER, mqd[0],
			       SIMGPU_MQD_HEADER) ||
	    !simgpu_mqd_expect(error, "base", base, base, 1) ||
	    !simgpu_mqd_expect(error, "rptr", simgpu_mqd_aql(desc, mqd) || mqd[at->rptr] < dwords,
			       mqd[at->rptr], dwords) ||
	    !simgpu_mqd_expect(error, "VMID", vmid >= place->first_vmid, vmid,
			       place->first_vmid) ||
	    !simgpu_mqd_expect(error, "VMID", vmid <= place->last_vmid, vmid, place->last_vmid) ||
	    !simgpu_mqd_expect(error, "doorbell", doorbell % 2 == 0, doorbell, doorbell & ~1) ||
	    !simgpu_mqd_expect(error, "doorbell", doorbell < place->doorbells, doorbell,
			       place->doorbells) ||
	    !simgpu_mqd_saved_valid(desc, mqd, 0, error))
		return false;
	if (place->xccs == 1)
		return true;
	return simgpu_mqd_xcc_valid(desc, place, mqd, mqd, 0, error);
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_mqd_valid);

/**
 * simgpu_mqd_xcc_valid - does the MQD of an XCC fit that of the first
 * @desc: generation
 * @place: where it is loaded
 * @first: MQD of the first XCC
 * @mqd: MQD of the XCC; for the first, @first again
 * @xcc: number of the XCC in its partition
 * @error: filled when not
 *
 * Context: any.
 * Return: true when it does.
 */
bool simgpu_mqd_xcc_valid(const struct simgpu_desc *desc, const struct simgpu_mqd_place *place,
			  const u32 *first, const u32 *mqd, unsigned int xcc,
			  struct simgpu_mqd_error *error)
{
	const struct simgpu_compute_mqd *at = &desc->mqd;
	const struct simgpu_xcc_mqd *xcc_at = &desc->xcc_mqd;
	bool aql = simgpu_mqd_aql(desc, first), no_update;
	const struct {
		const char *name;
		u8 dword;
		u32 ignored;
	} same[] = {
		{ "header", 0 },
		{ "base", at->base_lo },
		{ "base", at->base_hi },
		{ "rptr", at->rptr },
		{ "rptr address", at->rptr_addr_lo },
		{ "rptr address", at->rptr_addr_hi },
		{ "wptr address", at->wptr_addr_lo },
		{ "wptr address", at->wptr_addr_hi },
		{ "doorbell", at->doorbell_control },
		{ "control", at->control, SIMGPU_MQD_CONTROL_NO_UPDATE },
		{ "format", at->aql_control },
		{ "VMID", at->vmid },
		{ "IB address", at->ib_base_lo },
		{ "IB address", at->ib_base_hi },
		{ "IB size", at->ib_control },
		{ "IB rptr", at->ib_rptr },
		{ "EOP address", at->eop_base_lo },
		{ "EOP address", at->eop_base_hi },
		{ "EOP size", at->eop_control },
		{ "pipe priority", at->pipe_priority },
		{ "queue priority", at->queue_priority },
		{ "size of saved context", at->save_size },
		{ "size of control stack", at->stack_size },
		{ "stride", xcc_at->stride },
		{ "PM4 target", xcc_at->target },
	};
	u32 stride = first[xcc_at->stride], target = mqd[xcc_at->target], logical, want;
	unsigned int i;

	if (!simgpu_mqd_expect(error, "stride", stride >= SIMGPU_MQD_BYTES && stride % 4 == 0,
			       stride, SIMGPU_MQD_BYTES) ||
	    !simgpu_mqd_expect(error, "PM4 target", target < place->xccs, target, place->xccs))
		return false;
	for (i = 0; i < ARRAY_SIZE(same); i++) {
		u32 is = mqd[same[i].dword] & ~same[i].ignored;

		want = first[same[i].dword] & ~same[i].ignored;
		if (!simgpu_mqd_expect(error, same[i].name, is == want, is, want))
			return false;
	}
	if (!simgpu_mqd_saved_valid(desc, mqd, xcc, error) ||
	    !simgpu_mqd_expect(error, "saved waves", !simgpu_mqd_saved(desc, mqd) ==
			       !simgpu_mqd_saved(desc, first), simgpu_mqd_saved(desc, mqd),
			       simgpu_mqd_saved(desc, first)))
		return false;
	if (!aql)
		return true;
	no_update = mqd[at->control] & SIMGPU_MQD_CONTROL_NO_UPDATE;
	if (!simgpu_mqd_expect(error, "rptr update", no_update == !!xcc, !no_update, !xcc))
		return false;
	/* they count from that of the first on, around */
	logical = mqd[xcc_at->logical];
	want = (first[xcc_at->logical] + xcc) % place->xccs;
	return simgpu_mqd_expect(error, "logical XCC", logical == want, logical, want);
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_mqd_xcc_valid);

/**
 * simgpu_mqd_firmware_bits - which bits of a MQD get a signature
 * @layout: layout of the MQD
 * @bits: mask of each dword, filled; as many as the layout has
 *
 * Context: any.
 */
void simgpu_mqd_firmware_bits(const struct simgpu_mqd_layout *layout, u32 *bits)
{
	const struct simgpu_mqd_bits *not;
	unsigned int i;

	for (i = 0; i < layout->dwords; i++)
		bits[i] = U32_MAX;
	for (not = layout->bits; not->mask; not++)
		for (i = not->dword; i <= max(not->dword, not->last); i++)
			if (not->owner != SIMGPU_MQD_PRESET && i < layout->dwords)
				bits[i] &= ~not->mask;
	/* these have their own values */
	bits[layout->nonce] = 0;
	bits[layout->check] = 0;
	for (i = 0; layout->live && i < SIMGPU_MQD_LIVE; i++)
		bits[layout->live + i] = 0;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_mqd_firmware_bits);

/* Spread a number over all 32 bits: the last steps of MurmurHash3. */
static u32 simgpu_mqd_mix(u32 x)
{
	x ^= x >> 16;
	x *= 0x85ebca6b;
	x ^= x >> 13;
	x *= 0xc2b2ae35;
	return x ^ x >> 16;
}

static u32 simgpu_mqd_signature(u32 nonce, u32 sum, unsigned int xcc, unsigned int dword)
{
	return simgpu_mqd_mix(simgpu_mqd_mix(simgpu_mqd_mix(nonce) ^ sum) ^ (xcc << 16 | dword));
}

/* Does a dword hold a register of a dispatch, or a resource of GWS, and no signature? */
static bool simgpu_mqd_live(const struct simgpu_mqd_layout *layout, const u32 *mqd,
			    unsigned int dword)
{
	if (layout->live && dword >= SIMGPU_MQD_GWS && dword < SIMGPU_MQD_GWS + SIMGPU_GWS)
		return mqd[layout->live] & SIMGPU_MQD_LIVE_GWS;
	return layout->live && dword < 32 * SIMGPU_MQD_LIVE &&
	       mqd[layout->live + dword / 32] & BIT(dword % 32);
}

/* Order counts, so that words cannot change places. */
static u32 simgpu_mqd_sum(const struct simgpu_mqd_layout *layout, const u32 *bits,
			  unsigned int xcc, const u32 *mqd)
{
	u32 sum = simgpu_mqd_signature(mqd[layout->nonce], 0, xcc, layout->check);
	const struct simgpu_mqd_bits *part;
	unsigned int i;

	for (part = layout->bits; part->mask; part++)
		if (part->owner == SIMGPU_MQD_IDENTITY || part->owner == SIMGPU_MQD_PROGRESS)
			sum = simgpu_mqd_mix(sum + part->dword) ^ (mqd[part->dword] & part->mask);
	for (i = 0; layout->live && i < SIMGPU_MQD_LIVE; i++)
		sum = simgpu_mqd_mix(sum + i) ^ mqd[layout->live + i];
	for (i = 0; i < layout->dwords; i++)
		if (simgpu_mqd_live(layout, mqd, i))
			sum = simgpu_mqd_mix(sum + i) ^ (mqd[i] & bits[i]);
	return simgpu_mqd_mix(sum);
}

/**
 * simgpu_mqd_sign - leave a signature in all that is firmware's
 * @layout: layout of the MQD
 * @bits: from simgpu_mqd_firmware_bits()
 * @xcc: number of the XCC in its partition, 0 for SDMA
 * @nonce: for a MQD that has none yet, not 0
 * @mqd: the MQD, with the progress of the queue in it
 *
 * Does not change a MQD whose queue has made no progress since it was signed.
 *
 * Context: any.
 */
void simgpu_mqd_sign(const struct simgpu_mqd_layout *layout, const u32 *bits, unsigned int xcc,
		     u32 nonce, u32 *mqd)
{
	unsigned int i;
	u32 sum;

	/* 0 stands for none */
	if (mqd[layout->nonce])
		nonce = mqd[layout->nonce];
	mqd[layout->nonce] = nonce;
	sum = simgpu_mqd_sum(layout, bits, xcc, mqd);
	for (i = 0; i < layout->dwords; i++)
		if (!simgpu_mqd_live(layout, mqd, i))
			mqd[i] = (mqd[i] & ~bits[i]) |
				 (simgpu_mqd_signature(nonce, sum, xcc, i) & bits[i]);
	mqd[layout->check] = sum;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_mqd_sign);

static bool simgpu_mqd_expect_word(struct simgpu_mqd_loss *loss, unsigned int dword, u32 is,
				   u32 want)
{
	if (is != want)
		*loss = (struct simgpu_mqd_loss) { .dword = dword, .is = is, .want = want };
	return is == want;
}

/* What gives more rights than a user has, is 0 in the MQD of a user's queue. */
static bool simgpu_mqd_no_orders(const struct simgpu_mqd_layout *layout, const u32 *mqd,
				 struct simgpu_mqd_loss *loss)
{
	const struct simgpu_mqd_bits *part;
	unsigned int i;

	for (part = layout->bits; part->mask; part++)
		for (i = part->dword; i <= max(part->dword, part->last); i++)
			if (part->owner == SIMGPU_MQD_ORDER &&
			    !simgpu_mqd_expect_word(loss, i, mqd[i] & part->mask, 0))
				return false;
	return true;
}

/* As the driver makes it: firmware's bits are 0, or all set where it says so. */
static bool simgpu_mqd_never_loaded(const struct simgpu_mqd_layout *layout, const u32 *bits,
				    const u32 *mqd, struct simgpu_mqd_loss *loss)
{
	const struct simgpu_mqd_bits *part;
	unsigned int i;

	for (i = 0; i < layout->dwords; i++) {
		u32 want = 0;

		for (part = layout->bits; part->mask; part++)
			if (part->owner == SIMGPU_MQD_PRESET && part->dword == i)
				want = bits[i];
		if (!simgpu_mqd_expect_word(loss, i, mqd[i] & bits[i], want))
			return false;
	}
	for (part = layout->bits; part->mask; part++) {
		u32 want = part->fresh ? mqd[part->fresh] : 0;

		if (part->owner == SIMGPU_MQD_PROGRESS &&
		    !simgpu_mqd_expect_word(loss, part->dword, mqd[part->dword], want))
			return false;
	}
	for (i = 0; layout->live && i < SIMGPU_MQD_LIVE; i++)
		if (!simgpu_mqd_expect_word(loss, layout->live + i, mqd[layout->live + i], 0))
			return false;
	return simgpu_mqd_expect_word(loss, layout->check, mqd[layout->check], 0);
}

/**
 * simgpu_mqd_signed - is all there that firmware has left in a MQD
 * @layout: layout of the MQD
 * @bits: from simgpu_mqd_firmware_bits()
 * @xcc: number of the XCC in its partition, 0 for SDMA
 * @mqd: the MQD, before anything of it is used
 * @loss: filled when something is missing
 *
 * Context: any.
 * Return: true when it is, or when there is nothing yet.
 */
bool simgpu_mqd_signed(const struct simgpu_mqd_layout *layout, const u32 *bits, unsigned int xcc,
		       const u32 *mqd, struct simgpu_mqd_loss *loss)
{
	u32 nonce = mqd[layout->nonce], sum;
	unsigned int i;

	if (!simgpu_mqd_no_orders(layout, mqd, loss))
		return false;
	if (!nonce)
		return simgpu_mqd_never_loaded(layout, bits, mqd, loss);
	/* first of all: with another sum, there would be another signature in each word */
	sum = simgpu_mqd_sum(layout, bits, xcc, mqd);
	if (!simgpu_mqd_expect_word(loss, layout->check, mqd[layout->check], sum))
		return false;
	for (i = 0; i < layout->dwords; i++)
		if (!simgpu_mqd_live(layout, mqd, i) &&
		    !simgpu_mqd_expect_word(loss, i, mqd[i] & bits[i],
					    simgpu_mqd_signature(nonce, sum, xcc, i) & bits[i]))
			return false;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_mqd_signed);
