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
 * * on GFX 9, that each XCC finds on its control stack what it saved there: see
 *   &struct simgpu_saved_wave.
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
	u32 saved = simgpu_mqd_saved(desc, mqd);
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
	    !simgpu_mqd_expect(error, "saved waves",
			       !saved || saved == sizeof(struct simgpu_saved_wave), saved,
			       sizeof(struct simgpu_saved_wave)))
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
	want = simgpu_mqd_saved(desc, first) * (xcc + 1);
	if (!simgpu_mqd_expect(error, "saved waves", simgpu_mqd_saved(desc, mqd) == want,
			       simgpu_mqd_saved(desc, mqd), want))
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
