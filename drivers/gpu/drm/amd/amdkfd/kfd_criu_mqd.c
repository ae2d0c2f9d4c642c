// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: the part of an MQD that is a
 * queue's progress.
 *
 * Everything else in an MQD the driver builds anew from the queue's properties:
 * addresses of its own, the VMID, privileges, sizes, the doorbell. An image can't set
 * those. What it can set, a process could set by packets on its own queue just as well.
 */

#include "amdgpu_amdkfd.h"
#include "kfd_criu.h"
#include "kfd_criu_mqd.h"
#include "kfd_priv.h"

/**
 * kfd_criu_mqd_layout() - Find what an image keeps of a queue's MQD.
 * @node: the GPU
 * @type: &enum kfd_queue_type
 *
 * The MQD managers of the driver go by the same versions, see device_queue_manager_init().
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
		if (sdma)
			return &kfd_criu_mqd_sdma_v9;
		if (KFD_GC_VERSION(node) == IP_VERSION(9, 4, 3) ||
		    KFD_GC_VERSION(node) == IP_VERSION(9, 4, 4))
			return &kfd_criu_mqd_v9_4_3;
		return &kfd_criu_mqd_v9;
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

static u32 value(const struct kfd_criu_mqd_field *field, const u32 *mqd)
{
	return mqd[field->dword] & field->mask;
}

/**
 * kfd_criu_mqd_check() - Can a queue have come this far?
 * @layout: of the MQD
 * @mqd: what an image has of it
 * @q: the queue, whose sizes were checked
 * @ctl_stack_size: bytes of control stack that it has
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
	if (value(&layout->ctl_stack_offset, mqd) > ctl_stack_size)
		return -EINVAL;
	if (value(&layout->wg_state_offset, mqd) > q->cwsr_size)
		return -EINVAL;
	return 0;
}

static void copy_fields(const struct kfd_criu_mqd_field *fields, u32 n, u32 *to, const u32 *from)
{
	u32 i;

	for (i = 0; i < n; i++) {
		const struct kfd_criu_mqd_field *field = &fields[i];

		to[field->dword] = (to[field->dword] & ~field->mask) |
				   (from[field->dword] & field->mask);
	}
}

/**
 * kfd_criu_mqd_copy() - Copy a queue's progress and nothing else.
 * @layout: of both MQDs
 * @to: MQD whose other bits stay as they are
 * @from: MQD
 */
void kfd_criu_mqd_copy(const struct kfd_criu_mqd_layout *layout, u32 *to, const u32 *from)
{
	copy_fields(layout->fields, layout->num_fields, to, from);
	copy_fields(layout->more, layout->num_more, to, from);
}
