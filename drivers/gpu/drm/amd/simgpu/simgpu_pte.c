// SPDX-License-Identifier: MIT
/*
 * Formats of page table entries.
 *
 * Facts: amdgpu_vm.h for the bits, get_vm_pte() in gmc_v9_0.c and its
 * successors for what a mapping adds to them.
 */
#include <linux/export.h>
#include <kunit/visibility.h>

#include "amdgpu.h"
#include "vega10_enum.h"

#include "simgpu_pte.h"

const struct simgpu_pte_format simgpu_pte_gfx9 = {
	.mtype_mask = AMDGPU_PTE_MTYPE_VG10_MASK,
	.mtype_shift = 57,
	.pde_leaf = AMDGPU_PDE_PTE,
	.prt = AMDGPU_PTE_PRT,
};
EXPORT_SYMBOL_IF_KUNIT(simgpu_pte_gfx9);

/* GFX 11 has the same. */
const struct simgpu_pte_format simgpu_pte_gfx10 = {
	.mtype_mask = AMDGPU_PTE_MTYPE_NV10_MASK,
	.mtype_shift = 48,
	.pde_leaf = AMDGPU_PDE_PTE,
	.prt = AMDGPU_PTE_PRT,
};
EXPORT_SYMBOL_IF_KUNIT(simgpu_pte_gfx10);

/* An entry says of itself that it maps memory, at whatever level it stands. */
const struct simgpu_pte_format simgpu_pte_gfx12 = {
	.mtype_mask = AMDGPU_PTE_MTYPE_GFX12_MASK,
	.mtype_shift = 54,
	.pde_leaf = AMDGPU_PDE_PTE_GFX12,
	.leaf_required = AMDGPU_PTE_IS_PTE,
	.prt = AMDGPU_PTE_PRT_GFX12,
};
EXPORT_SYMBOL_IF_KUNIT(simgpu_pte_gfx12);

/**
 * simgpu_pte_mtype - memory type as bits of an entry
 * @format: format
 * @uncached: uncached, else non-coherent; their numbers are the same everywhere
 *
 * Context: any.
 * Return: bits of the memory type.
 */
u64 simgpu_pte_mtype(const struct simgpu_pte_format *format, bool uncached)
{
	u64 mtype = uncached ? MTYPE_UC : MTYPE_NC;

	return mtype << format->mtype_shift & format->mtype_mask;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_pte_mtype);

/**
 * simgpu_pte_gart - what all entries of the GART have
 * @format: format
 *
 * amdgpu starts from these flags for the memory of processes, too.
 *
 * Context: any.
 * Return: flags.
 */
u64 simgpu_pte_gart(const struct simgpu_pte_format *format)
{
	return AMDGPU_PTE_EXECUTABLE | simgpu_pte_mtype(format, true) | format->leaf_required;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_pte_gart);

/**
 * simgpu_pte_map - flags of an entry for a mapping of a process
 * @format: format
 * @flags: what amdgpu found from the memory alone
 * @mapping: what the mapping asks for
 *
 * Context: any.
 * Return: flags of the entry.
 */
u64 simgpu_pte_map(const struct simgpu_pte_format *format, u64 flags, u64 mapping)
{
	u64 taken = AMDGPU_PTE_EXECUTABLE | format->mtype_mask;

	flags = (flags & ~taken) | (mapping & taken);
	if (mapping & format->prt) {
		flags |= format->prt | format->leaf_required;
		flags &= ~AMDGPU_PTE_VALID;
	}
	return flags;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_pte_map);

/**
 * simgpu_pte_leaf_good - would hardware take this for an entry that maps memory
 * @format: format
 * @entry: entry at which a walk ends
 *
 * Context: any.
 * Return: false for a valid entry that lacks what the format requires.
 */
bool simgpu_pte_leaf_good(const struct simgpu_pte_format *format, u64 entry)
{
	return !(entry & AMDGPU_PTE_VALID) ||
	       (entry & format->leaf_required) == format->leaf_required;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_pte_leaf_good);
