/* SPDX-License-Identifier: MIT */
/*
 * Formats of page table entries: plain data, no device behind it.
 */
#ifndef SIMGPU_PTE_H
#define SIMGPU_PTE_H

#include <linux/types.h>

/**
 * struct simgpu_pte_format - what differs between page table entries of generations
 * @mtype_mask: bits of the memory type
 * @mtype_shift: lowest of them
 * @pde_leaf: in a page directory entry: it maps memory itself, as a large page
 * @leaf_required: what every valid entry that maps memory has to have
 * @prt: entry of a partially resident texture, without memory
 *
 * Valid, system, readable, writeable and executable are the same bits in all,
 * as are the address bits.
 */
struct simgpu_pte_format {
	u64 mtype_mask;
	u8 mtype_shift;
	u64 pde_leaf;
	u64 leaf_required;
	u64 prt;
};

extern const struct simgpu_pte_format simgpu_pte_gfx9, simgpu_pte_gfx10, simgpu_pte_gfx12;

u64 simgpu_pte_mtype(const struct simgpu_pte_format *format, bool uncached);
u64 simgpu_pte_gart(const struct simgpu_pte_format *format);
u64 simgpu_pte_map(const struct simgpu_pte_format *format, u64 flags, u64 mapping);
bool simgpu_pte_leaf_good(const struct simgpu_pte_format *format, u64 entry);

#endif
