/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Checkpoint and restore of compute processes: which words of an MQD are the
 * driver's, one layout for each structure that an MQD can have.
 */
#ifndef KFD_CRIU_MQD_H_INCLUDED
#define KFD_CRIU_MQD_H_INCLUDED

#include <linux/bits.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include "kfd_criu_image.h"

/**
 * struct kfd_criu_mqd_words - words of an MQD that do not simply come from the image
 * @first: index of the first one
 * @last: index of the last one, 0 if there is one alone
 * @image: bits that come from the image; all others are always the driver's, in each
 *	of these words
 * @starts: the driver sets @image when it creates the queue, or whenever it updates it, and
 *	firmware goes on with it. kfd_criu_mqd_copy() has no use for this; the unit tests
 *	prove that the driver writes no bit of an image but these
 */
struct kfd_criu_mqd_words {
	u16 first;
	u16 last;
	u32 image;
	bool starts;
};

/**
 * struct kfd_criu_mqd_field - a word of an MQD whose value is checked
 * @dword: its index
 * @mask: the bits that the hardware has there, 0 if there is no such word
 */
struct kfd_criu_mqd_field {
	u16 dword;
	u32 mask;
};

/**
 * struct kfd_criu_mqd_layout - what an image keeps of an MQD
 * @size: of the MQD in bytes; firmware may write behind that, and nobody keeps it
 * @words: what is the driver's, in ascending order, without overlaps. All else is
 *	the image's: also words that are reserved, or called by the name of older
 *	hardware, because firmware keeps the registers of a dispatch there
 * @num_words: entries of @words
 * @ctl_stack: the control stack lies behind the MQD, one page from its start. On
 *	other generations it is in the save area, which the process can read
 * @rptr: the ring's read pointer; of compute, in dwords
 * @ctl_stack_offset: where in the control stack the saved waves begin, in bytes; no mask
 *	for SDMA
 * @wg_state_offset: where their state ends in the save area, in bytes
 * @busy: bits of a word that are set if the queue is in the middle of something that firmware
 *	has to go on with: a dispatch, or of SDMA, a command
 * @cu_mask: the words of the CU mask, one for each shader engine
 * @num_cu_mask: how many; 0 for SDMA
 * @logical_xcc: the word with the number of the MQD's XCC among those that share a grid; 0 if
 *	no GPU has several, and for SDMA
 */
struct kfd_criu_mqd_layout {
	u32 size;
	const struct kfd_criu_mqd_words *words;
	u32 num_words;
	bool ctl_stack;
	u16 rptr;
	struct kfd_criu_mqd_field ctl_stack_offset;
	struct kfd_criu_mqd_field wg_state_offset;
	struct kfd_criu_mqd_field busy;
	u16 cu_mask[KFD_CRIU_DIE_ENGINES];
	u32 num_cu_mask;
	u16 logical_xcc;
};

#define MQD_DWORD(type, member)		(offsetof(struct type, member) / sizeof(u32))
#define MQD_FIELD(type, member, bits)	\
	{ .dword = MQD_DWORD(type, member), .mask = (u32)(bits) }

/* The driver's: one word, some words, some bits. */
#define MQD_DRIVER(type, member)		\
	{ .first = MQD_DWORD(type, member) }
#define MQD_DRIVER_RANGE(type, from, to)	\
	{ .first = MQD_DWORD(type, from), .last = MQD_DWORD(type, to) }
#define MQD_DRIVER_BITS(type, member, bits)	\
	{ .first = MQD_DWORD(type, member), .image = ~(u32)(bits) }
/* The driver's but for some bits, which it writes along with them. */
#define MQD_DRIVER_BUT(type, member, bits)	\
	{ .first = MQD_DWORD(type, member), .image = (u32)(bits), .starts = true }
/* The image's, though the driver writes it at first. */
#define MQD_STARTS(type, member)		\
	{ .first = MQD_DWORD(type, member), .image = ~0U, .starts = true }
#define MQD_STARTS_RANGE(type, from, to)	\
	{ .first = MQD_DWORD(type, from), .last = MQD_DWORD(type, to), .image = ~0U, \
	  .starts = true }

/* Bits of CP_HQD_HQ_STATUS0 that not all headers have a name for; from init_mqd(). */
#define MQD_HQ_QUEUE_DEBUG_EN		BIT(14)
#define MQD_HQ_PCIE_ATOMICS		BIT(29)

extern const struct kfd_criu_mqd_layout kfd_criu_mqd_v9, kfd_criu_mqd_v9_4_1;
extern const struct kfd_criu_mqd_layout kfd_criu_mqd_v9_4_2, kfd_criu_mqd_v9_4_3;
extern const struct kfd_criu_mqd_layout kfd_criu_mqd_v10, kfd_criu_mqd_v11, kfd_criu_mqd_v12;
extern const struct kfd_criu_mqd_layout kfd_criu_mqd_sdma_v9, kfd_criu_mqd_sdma_v9_4_3;
extern const struct kfd_criu_mqd_layout kfd_criu_mqd_sdma_v10, kfd_criu_mqd_sdma_v11;
extern const struct kfd_criu_mqd_layout kfd_criu_mqd_sdma_v12;

#endif
