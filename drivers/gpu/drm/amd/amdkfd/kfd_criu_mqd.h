/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Checkpoint and restore of compute processes: which words of an MQD are a
 * queue's progress, one layout for each structure that an MQD can have.
 */
#ifndef KFD_CRIU_MQD_H_INCLUDED
#define KFD_CRIU_MQD_H_INCLUDED

#include <linux/stddef.h>
#include <linux/types.h>

/**
 * struct kfd_criu_mqd_field - a word of an MQD that belongs to the image
 * @dword: its index
 * @mask: the bits of it that do
 */
struct kfd_criu_mqd_field {
	u16 dword;
	u32 mask;
};

/**
 * struct kfd_criu_mqd_layout - what an image keeps of an MQD
 * @size: of the MQD in bytes
 * @fields: the words that hold progress or the CU mask
 * @num_fields: how many
 * @more: those that not all relatives of this layout have
 * @num_more: how many
 * @ctl_stack: the control stack lies behind the MQD, one page from its start. On
 *	other generations it is in the save area, which the process can read
 * @rptr: the ring's read pointer; of compute, in dwords
 * @ctl_stack_offset: where in control stack and save area the saved waves are,
 *	mask 0 for SDMA
 * @wg_state_offset: likewise
 */
struct kfd_criu_mqd_layout {
	u32 size;
	const struct kfd_criu_mqd_field *fields;
	u32 num_fields;
	const struct kfd_criu_mqd_field *more;
	u32 num_more;
	bool ctl_stack;
	u16 rptr;
	struct kfd_criu_mqd_field ctl_stack_offset;
	struct kfd_criu_mqd_field wg_state_offset;
};

#define MQD_DWORD(type, member)		(offsetof(struct type, member) / sizeof(u32))
#define MQD_FIELD(type, member, bits)	\
	{ .dword = MQD_DWORD(type, member), .mask = (u32)(bits) }

extern const struct kfd_criu_mqd_layout kfd_criu_mqd_v9, kfd_criu_mqd_v9_4_3;
extern const struct kfd_criu_mqd_layout kfd_criu_mqd_v10, kfd_criu_mqd_v11, kfd_criu_mqd_v12;
extern const struct kfd_criu_mqd_layout kfd_criu_mqd_sdma_v9, kfd_criu_mqd_sdma_v10;
extern const struct kfd_criu_mqd_layout kfd_criu_mqd_sdma_v11, kfd_criu_mqd_sdma_v12;

#endif
