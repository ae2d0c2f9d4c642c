// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: which part of an MQD is the driver's.
 *
 * That part the driver builds anew from the queue's properties, and an image can't set
 * it: addresses of buffers, the VMID, privileges, sizes, the doorbell, priorities, requests
 * to firmware. All else is how far the queue and its dispatch have come: firmware knows
 * what is where, and finds it as it was.
 */

#include <kunit/visibility.h>
#include <linux/export.h>
#include "amdgpu_amdkfd.h"
#include "kfd_criu.h"
#include "kfd_criu_mqd.h"
#include "kfd_priv.h"

static const struct kfd_criu_mqd_layout *compute_v9(u32 gc_version)
{
	switch (gc_version) {
	case IP_VERSION(9, 4, 1):
		return &kfd_criu_mqd_v9_4_1;
	case IP_VERSION(9, 4, 2):
		return &kfd_criu_mqd_v9_4_2;
	case IP_VERSION(9, 4, 3):
	case IP_VERSION(9, 4, 4):
		return &kfd_criu_mqd_v9_4_3;
	default:
		return &kfd_criu_mqd_v9;
	}
}

static const struct kfd_criu_mqd_layout *sdma_v9(u32 gc_version)
{
	switch (gc_version) {
	case IP_VERSION(9, 4, 3):
	case IP_VERSION(9, 4, 4):
		return &kfd_criu_mqd_sdma_v9_4_3;
	default:
		return &kfd_criu_mqd_sdma_v9;
	}
}

/**
 * kfd_criu_mqd_layout() - Find what is the driver's in a queue's MQD.
 * @node: the GPU
 * @type: &enum kfd_queue_type
 *
 * The MQD managers of the driver go by the same versions, see device_queue_manager_init(),
 * but for what is told apart among GFX9.
 *
 * Return: the layout, or NULL if there is none for this generation or type
 */
const struct kfd_criu_mqd_layout *kfd_criu_mqd_layout(struct kfd_node *node, u32 type)
{
	bool sdma = type == KFD_QUEUE_TYPE_SDMA || type == KFD_QUEUE_TYPE_SDMA_XGMI;

	if (type != KFD_QUEUE_TYPE_COMPUTE && !sdma)
		return NULL;
	switch (IP_VERSION_MAJ(KFD_GC_VERSION(node))) {
	case 9:
		return sdma ? sdma_v9(KFD_GC_VERSION(node)) : compute_v9(KFD_GC_VERSION(node));
	case 10:
		return sdma ? &kfd_criu_mqd_sdma_v10 : &kfd_criu_mqd_v10;
	case 11:
		return sdma ? &kfd_criu_mqd_sdma_v11 : &kfd_criu_mqd_v11;
	case 12:
		return sdma ? &kfd_criu_mqd_sdma_v12 : &kfd_criu_mqd_v12;
	default:
		return NULL;
	}
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_mqd_layout);

/* All of the word: the firmware will not see less of it than is checked here. */
static u32 value(const struct kfd_criu_mqd_field *field, const u32 *mqd)
{
	return mqd[field->dword];
}

static bool has_other_bits(const struct kfd_criu_mqd_field *field, const u32 *mqd)
{
	return value(field, mqd) & ~field->mask;
}

/**
 * kfd_criu_mqd_check() - Can a queue have come this far?
 * @layout: of the MQD
 * @mqd: what an image has of it
 * @q: the queue, whose sizes were checked
 * @ctl_stack_size: bytes of control stack that it has
 *
 * Of a dispatch that is under way nothing is known that could be checked: firmware has put
 * it there, and firmware reads it.
 *
 * Return: 0 or -EINVAL
 */
int kfd_criu_mqd_check(const struct kfd_criu_mqd_layout *layout, const u32 *mqd,
		       const struct kfd_criu_queue_record *q, u32 ctl_stack_size)
{
	u32 rptr = mqd[layout->rptr];

	/* SDMA counts bytes in 64 bits, monotonic: any pair of pointers is one of a queue. */
	if (q->type != KFD_CRIU_QUEUE_COMPUTE)
		return rptr % sizeof(u32) ? -EINVAL : 0;
	/* That of an AQL queue is taken modulo the ring. */
	if (q->format == KFD_CRIU_QUEUE_PM4 && rptr && rptr >= q->ring_size / sizeof(u32))
		return -EINVAL;
	if (has_other_bits(&layout->ctl_stack_offset, mqd) ||
	    has_other_bits(&layout->wg_state_offset, mqd))
		return -EINVAL;
	if (value(&layout->ctl_stack_offset, mqd) > ctl_stack_size)
		return -EINVAL;
	if (value(&layout->wg_state_offset, mqd) > q->cwsr_size)
		return -EINVAL;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_mqd_check);

/**
 * kfd_criu_mqd_busy() - Is there something that only the same firmware can go on with?
 * @layout: of the MQD
 * @mqd: the MQD, checked
 * @ctl_stack_size: bytes of control stack that the queue has, 0 for SDMA
 *
 * The state of waves is saved behind the place of the control stack. That one may have an
 * entry that is no wave's: kfd_queue_ctx_save_restore_size() has room for one.
 *
 * Return: whether there are saved waves, a dispatch that is not at its end, or a command of
 *	SDMA in its middle
 */
bool kfd_criu_mqd_busy(const struct kfd_criu_mqd_layout *layout, const u32 *mqd,
		       u32 ctl_stack_size)
{
	if (mqd[layout->busy.dword] & layout->busy.mask)
		return true;
	return layout->wg_state_offset.mask &&
	       value(&layout->wg_state_offset, mqd) != ctl_stack_size;
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_mqd_busy);

/**
 * kfd_criu_mqd_get_cu_mask() - Read a CU mask.
 * @layout: of the MQD
 * @mqd: the MQD
 * @masks: gets a word for each shader engine, %KFD_CRIU_DIE_ENGINES of them
 */
void kfd_criu_mqd_get_cu_mask(const struct kfd_criu_mqd_layout *layout, const u32 *mqd,
			      u32 *masks)
{
	u32 i;

	for (i = 0; i < KFD_CRIU_DIE_ENGINES; i++)
		masks[i] = i < layout->num_cu_mask ? mqd[layout->cu_mask[i]] : 0;
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_mqd_get_cu_mask);

/**
 * kfd_criu_mqd_set_cu_mask() - Write a CU mask.
 * @layout: of the MQD
 * @mqd: the MQD
 * @masks: a word for each shader engine, %KFD_CRIU_DIE_ENGINES of them
 */
void kfd_criu_mqd_set_cu_mask(const struct kfd_criu_mqd_layout *layout, u32 *mqd,
			      const u32 *masks)
{
	u32 i;

	for (i = 0; i < layout->num_cu_mask; i++)
		mqd[layout->cu_mask[i]] = masks[i];
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_mqd_set_cu_mask);

/**
 * kfd_criu_mqd_copy() - Copy of an MQD what is not the driver's.
 * @layout: of both MQDs
 * @to: MQD of which the driver's bits stay as they are
 * @from: MQD
 */
void kfd_criu_mqd_copy(const struct kfd_criu_mqd_layout *layout, u32 *to, const u32 *from)
{
	const struct kfd_criu_mqd_words *words = layout->words;
	const struct kfd_criu_mqd_words *end = words + layout->num_words;
	u32 dword, image;

	for (dword = 0; dword < layout->size / sizeof(u32); dword++) {
		while (words < end && max(words->first, words->last) < dword)
			words++;
		image = words < end && words->first <= dword ? words->image : ~0U;
		to[dword] = (to[dword] & ~image) | (from[dword] & image);
	}
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_mqd_copy);
