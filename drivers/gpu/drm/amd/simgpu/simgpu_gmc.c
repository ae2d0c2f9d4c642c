// SPDX-License-Identifier: MIT
/*
 * Memory controller of the simulated GPU: where VRAM and GART are, and what
 * page table entries look like.
 */
#include <drm/drm_cache.h>
#include <linux/dma-mapping.h>

#include "amdgpu.h"

#include "simgpu_ip.h"
#include "simgpu_mem.h"

#define SIMGPU_GART_SIZE	(256ULL << 20)
#define SIMGPU_VRAM_BASE	0x8000000000ULL
#define SIMGPU_VA_GIB		(256 * 1024)
#define SIMGPU_BLOCK_BITS	9
#define SIMGPU_ROOT_LEVEL	3
#define SIMGPU_ADDRESS_BITS	48
#define SIMGPU_APERTURE_SIZE	(4ULL << 30)
#define SIMGPU_SHARED_APERTURE	0x2000000000000000ULL
#define SIMGPU_PRIVATE_APERTURE	0x1000000000000000ULL
/* bits that a page directory entry's address must not have */
#define SIMGPU_PDE_BAD_BITS	(GENMASK_ULL(63, 48) | GENMASK_ULL(5, 0))

static void simgpu_gmc_flush_tlb(struct amdgpu_device *adev, u32 vmid, u32 hub, u32 type)
{
	simgpu_mmu_flush_space(adev->simgpu, vmid);
}

static void simgpu_gmc_flush_tlb_pasid(struct amdgpu_device *adev, u16 pasid, u32 type,
				       bool all_hub, u32 inst)
{
	simgpu_mmu_flush_pasid(adev->simgpu, pasid);
}

static u64 simgpu_gmc_emit_flush(struct amdgpu_ring *ring, unsigned int vmid, u64 pd_address)
{
	return pd_address;
}

static void simgpu_gmc_emit_pasid(struct amdgpu_ring *ring, unsigned int vmid, unsigned int pasid)
{
}

static u64 simgpu_gmc_map_mtype(struct amdgpu_device *adev, u32 flags)
{
	return simgpu_pte_mtype(adev->simgpu->desc->pte, flags == AMDGPU_VM_MTYPE_UC);
}

static void simgpu_gmc_get_vm_pde(struct amdgpu_device *adev, int level, u64 *address, u64 *flags)
{
	bool leaf = *flags & adev->simgpu->desc->pte->pde_leaf;

	if (!leaf && !(*flags & AMDGPU_PTE_SYSTEM))
		*address = amdgpu_gmc_vram_mc2pa(adev, *address);
	WARN_ON_ONCE(*address & SIMGPU_PDE_BAD_BITS);
}

static void simgpu_gmc_get_vm_pte(struct amdgpu_device *adev, struct amdgpu_bo_va_mapping *mapping,
				  u64 *flags)
{
	*flags = simgpu_pte_map(adev->simgpu->desc->pte, *flags, mapping->flags);
}

static unsigned int simgpu_gmc_vbios_fb_size(struct amdgpu_device *adev)
{
	return 0;
}

static const struct amdgpu_gmc_funcs simgpu_gmc_funcs = {
	.flush_gpu_tlb = simgpu_gmc_flush_tlb,
	.flush_gpu_tlb_pasid = simgpu_gmc_flush_tlb_pasid,
	.emit_flush_gpu_tlb = simgpu_gmc_emit_flush,
	.emit_pasid_mapping = simgpu_gmc_emit_pasid,
	.map_mtype = simgpu_gmc_map_mtype,
	.get_vm_pde = simgpu_gmc_get_vm_pde,
	.get_vm_pte = simgpu_gmc_get_vm_pte,
	.get_vbios_fb_size = simgpu_gmc_vbios_fb_size,
};

static int simgpu_gmc_early_init(struct amdgpu_ip_block *ip_block)
{
	struct amdgpu_gmc *gmc = &ip_block->adev->gmc;

	gmc->gmc_funcs = &simgpu_gmc_funcs;
	gmc->shared_aperture_start = SIMGPU_SHARED_APERTURE;
	gmc->shared_aperture_end = SIMGPU_SHARED_APERTURE + SIMGPU_APERTURE_SIZE - 1;
	gmc->private_aperture_start = SIMGPU_PRIVATE_APERTURE;
	gmc->private_aperture_end = SIMGPU_PRIVATE_APERTURE + SIMGPU_APERTURE_SIZE - 1;
	gmc->noretry_flags = AMDGPU_VM_NORETRY_FLAGS_TF;
	return 0;
}

/* All of VRAM is visible to the CPU. */
static void simgpu_gmc_place(struct amdgpu_device *adev)
{
	struct amdgpu_gmc *gmc = &adev->gmc;

	gmc->vram_type = AMDGPU_VRAM_TYPE_HBM;
	gmc->vram_width = 4096;
	gmc->mc_mask = DMA_BIT_MASK(SIMGPU_ADDRESS_BITS);
	gmc->aper_base = pci_resource_start(adev->pdev, 0);
	gmc->aper_size = pci_resource_len(adev->pdev, 0);
	gmc->mc_vram_size = gmc->aper_size;
	gmc->real_vram_size = gmc->aper_size;
	gmc->visible_vram_size = gmc->aper_size;
	gmc->gart_size = SIMGPU_GART_SIZE;
	amdgpu_gmc_set_agp_default(adev, gmc);
	amdgpu_gmc_vram_location(adev, gmc, SIMGPU_VRAM_BASE);
	amdgpu_gmc_gart_location(adev, gmc, AMDGPU_GART_PLACEMENT_BEST_FIT);
	adev->vm_manager.vram_base_offset = 0;
}

static int simgpu_gmc_gart(struct amdgpu_device *adev)
{
	int ret = amdgpu_gart_init(adev);

	if (ret)
		return ret;
	adev->gart.table_size = adev->gart.num_gpu_pages * sizeof(u64);
	adev->gart.gart_pte_flags = simgpu_pte_gart(adev->simgpu->desc->pte);
	return amdgpu_gart_table_vram_alloc(adev);
}

static int simgpu_gmc_sw_init(void *handle)
{
	struct amdgpu_device *adev = handle;
	unsigned int xcc;
	int ret;

	spin_lock_init(&adev->gmc.invalidate_lock);
	for (xcc = 0; xcc < adev->simgpu->num_xcc; xcc++)
		set_bit(AMDGPU_GFXHUB(xcc), adev->vmhubs_mask);
	set_bit(AMDGPU_MMHUB0(0), adev->vmhubs_mask);
	amdgpu_vm_adjust_size(adev, SIMGPU_VA_GIB, SIMGPU_BLOCK_BITS, SIMGPU_ROOT_LEVEL,
			      SIMGPU_ADDRESS_BITS);
	ret = dma_set_mask_and_coherent(adev->dev, DMA_BIT_MASK(SIMGPU_ADDRESS_BITS));
	if (ret)
		return ret;
	adev->need_swiotlb = drm_need_swiotlb(SIMGPU_ADDRESS_BITS);
	simgpu_gmc_place(adev);

	ret = amdgpu_bo_init(adev);
	if (ret)
		return ret;
	ret = simgpu_gmc_gart(adev);
	if (ret)
		return ret;

	adev->vm_manager.first_kfd_vmid = adev->simgpu->desc->first_kfd_vmid;
	amdgpu_vm_manager_init(adev);
	/* unless told otherwise, page tables do not depend on what is under test */
	if (amdgpu_vm_update_mode == -1)
		adev->vm_manager.vm_update_mode = AMDGPU_VM_USE_CPU_FOR_GFX |
						  AMDGPU_VM_USE_CPU_FOR_COMPUTE;
	simgpu_wrap_memory_managers(adev->simgpu);
	return 0;
}

static int simgpu_gmc_sw_fini(void *handle)
{
	struct amdgpu_device *adev = handle;

	simgpu_unwrap_memory_managers(adev->simgpu);
	amdgpu_gem_force_release(adev);
	amdgpu_vm_manager_fini(adev);
	amdgpu_gart_table_vram_free(adev);
	amdgpu_bo_fini(adev);
	return 0;
}

const struct amd_ip_funcs simgpu_gmc_ip_funcs = {
	.name = "simgpu_gmc",
	.early_init = simgpu_gmc_early_init,
	.sw_init = simgpu_gmc_sw_init,
	.sw_fini = simgpu_gmc_sw_fini,
	.hw_init = simgpu_ip_ok,
	.hw_fini = simgpu_ip_ok,
	SIMGPU_IP_FUNCS_COMMON,
};
