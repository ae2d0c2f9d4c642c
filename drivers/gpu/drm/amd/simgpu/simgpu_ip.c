// SPDX-License-Identifier: MIT
/*
 * The simulated GPU as amdgpu sees it: IP blocks instead of hardware.
 */
#include <drm/drm_managed.h>

#include "amdgpu.h"
#include "amdgpu_ih.h"
#include "amdgpu_reset.h"

#include "simgpu_ip.h"
#include "simgpu_mem.h"
#include "simgpu_mqd.h"
#include "simgpu_queue.h"

#define SIMGPU_XCLK_10KHZ	10000
/* "SIMGPU" and the number of the die: the same GPU wherever it sits on the bus */
#define SIMGPU_UNIQUE_ID	0x53494d4750550000ULL

/* ---- callbacks that have nothing to do in software ---- */

int simgpu_ip_ok(void *handle)
{
	return 0;
}

bool simgpu_ip_idle(void *handle)
{
	return true;
}

int simgpu_ip_clockgating(void *handle, enum amd_clockgating_state state)
{
	return 0;
}

int simgpu_ip_powergating(void *handle, enum amd_powergating_state state)
{
	return 0;
}

/* ---- the chip ---- */

static bool simgpu_read_disabled_bios(struct amdgpu_device *adev)
{
	return false;
}

static bool simgpu_read_bios_from_rom(struct amdgpu_device *adev, u8 *bios, u32 len)
{
	return false;
}

/* User space asks for GB_ADDR_CONFIG and the like: one of each, no tiling. */
static int simgpu_read_register(struct amdgpu_device *adev, u32 se, u32 sh, u32 offset, u32 *value)
{
	*value = 0;
	return 0;
}

static void simgpu_set_vga_state(struct amdgpu_device *adev, bool state)
{
}

static int simgpu_reset(struct amdgpu_device *adev)
{
	return -EOPNOTSUPP;
}

static enum amd_reset_method simgpu_reset_method(struct amdgpu_device *adev)
{
	return AMD_RESET_METHOD_MODE2;
}

static u32 simgpu_get_xclk(struct amdgpu_device *adev)
{
	return SIMGPU_XCLK_10KHZ;
}

static int simgpu_set_clocks(struct amdgpu_device *adev, u32 clock1, u32 clock2)
{
	return 0;
}

static u32 simgpu_get_config_memsize(struct amdgpu_device *adev)
{
	return pci_resource_len(adev->pdev, 0) >> 20;
}

static void simgpu_hdp(struct amdgpu_device *adev, struct amdgpu_ring *ring)
{
	/* what the CPU wrote is visible to the engine when it looks */
	mb();
}

static bool simgpu_no(struct amdgpu_device *adev)
{
	return false;
}

static void simgpu_get_pcie_usage(struct amdgpu_device *adev, u64 *count0, u64 *count1)
{
	*count0 = 0;
	*count1 = 0;
}

static u64 simgpu_get_pcie_replay_count(struct amdgpu_device *adev)
{
	return 0;
}

static int simgpu_supports_baco(struct amdgpu_device *adev)
{
	return 0;
}

static void simgpu_pre_asic_init(struct amdgpu_device *adev)
{
}

static int simgpu_query_video_codecs(struct amdgpu_device *adev, bool encode,
				     const struct amdgpu_video_codecs **codecs)
{
	return -EINVAL;
}

static void simgpu_init_doorbell_index(struct amdgpu_device *adev)
{
	adev->simgpu->desc->doorbell_index_init(adev);
}

static const struct amdgpu_asic_funcs simgpu_asic_funcs = {
	.read_disabled_bios = simgpu_read_disabled_bios,
	.read_bios_from_rom = simgpu_read_bios_from_rom,
	.read_register = simgpu_read_register,
	.set_vga_state = simgpu_set_vga_state,
	.reset = simgpu_reset,
	.reset_method = simgpu_reset_method,
	.get_xclk = simgpu_get_xclk,
	.set_uvd_clocks = simgpu_set_clocks,
	.set_vce_clocks = simgpu_set_clocks,
	.get_config_memsize = simgpu_get_config_memsize,
	.flush_hdp = simgpu_hdp,
	.invalidate_hdp = simgpu_hdp,
	.need_full_reset = simgpu_no,
	.init_doorbell_index = simgpu_init_doorbell_index,
	.get_pcie_usage = simgpu_get_pcie_usage,
	.need_reset_on_init = simgpu_no,
	.get_pcie_replay_count = simgpu_get_pcie_replay_count,
	.supports_baco = simgpu_supports_baco,
	.pre_asic_init = simgpu_pre_asic_init,
	.query_video_codecs = simgpu_query_video_codecs,
};

/*
 * There is no IH ring: interrupts go straight to KFD, fences are processed by
 * the ring's own work.  KFD looks at the ring all the same when it drains
 * page faults, and must find it empty.
 */
static u32 simgpu_ih_get_wptr(struct amdgpu_device *adev, struct amdgpu_ih_ring *ih)
{
	return ih->rptr;
}

static void simgpu_ih_decode_iv(struct amdgpu_device *adev, struct amdgpu_ih_ring *ih,
				struct amdgpu_iv_entry *entry)
{
}

static u64 simgpu_ih_decode_iv_ts(struct amdgpu_ih_ring *ih, u32 rptr, signed int offset)
{
	return 0;
}

static void simgpu_ih_set_rptr(struct amdgpu_device *adev, struct amdgpu_ih_ring *ih)
{
}

static const struct amdgpu_ih_funcs simgpu_ih_funcs = {
	.get_wptr = simgpu_ih_get_wptr,
	.decode_iv = simgpu_ih_decode_iv,
	.decode_iv_ts = simgpu_ih_decode_iv_ts,
	.set_rptr = simgpu_ih_set_rptr,
};

static int simgpu_common_early_init(struct amdgpu_ip_block *ip_block)
{
	struct amdgpu_device *adev = ip_block->adev;

	adev->asic_funcs = &simgpu_asic_funcs;
	adev->irq.ih_funcs = &simgpu_ih_funcs;
	adev->external_rev_id = 1;
	adev->rev_id = adev->simgpu->desc->rev_id;
	/* the page of registers that user space may map, in the last page of the BAR */
	adev->rmmio_remap.reg_offset = SIMGPU_REG_SIZE - PAGE_SIZE;
	adev->rmmio_remap.bus_addr = adev->rmmio_base + adev->rmmio_remap.reg_offset;
	/* nothing is loaded; other types ask for a PSP */
	adev->firmware.load_type = AMDGPU_FW_LOAD_DIRECT;
	return 0;
}

static int simgpu_common_sw_fini(void *handle)
{
	struct amdgpu_device *adev = handle;
	struct simgpu *sim = adev->simgpu;

	simgpu_debugfs_fini(sim);
	simgpu_engine_stop(sim);
	simgpu_bus_detach(sim);
	kvfree(sim->wave_words);
	sim->wave_words = NULL;
	if (sim->doorbell)
		iounmap((void __iomem *)sim->doorbell);
	sim->doorbell = NULL;
	return 0;
}

static int simgpu_common_sw_init(void *handle)
{
	struct amdgpu_device *adev = handle;
	struct simgpu *sim = adev->simgpu;
	int ret;

	sim->doorbell = (void __force *)ioremap(adev->doorbell.base, adev->doorbell.size);
	if (!sim->doorbell)
		return -ENOMEM;
	sim->wave_words = kvmalloc_array(SIMGPU_WAVE_WORDS, sizeof(u32), GFP_KERNEL);
	ret = sim->wave_words ? simgpu_bus_attach(sim) : -ENOMEM;
	if (!ret)
		ret = simgpu_engine_start(sim);
	if (ret) {
		/* amdgpu calls sw_fini only for blocks whose sw_init succeeded */
		simgpu_common_sw_fini(adev);
		return ret;
	}
	adev->unique_id = SIMGPU_UNIQUE_ID + sim->die;
	return 0;
}

static int simgpu_common_late_init(void *handle)
{
	struct amdgpu_device *adev = handle;

	simgpu_debugfs_init(adev->simgpu);
	return 0;
}

static const struct amd_ip_funcs simgpu_common_ip_funcs = {
	.name = "simgpu_common",
	.early_init = simgpu_common_early_init,
	.late_init = simgpu_common_late_init,
	.sw_init = simgpu_common_sw_init,
	.sw_fini = simgpu_common_sw_fini,
	.hw_init = simgpu_ip_ok,
	.hw_fini = simgpu_ip_ok,
	SIMGPU_IP_FUNCS_COMMON,
};

/* ---- graphics and compute: a description, and the rings of simgpu_cp.c ---- */

static u64 simgpu_get_gpu_clock_counter(struct amdgpu_device *adev)
{
	return simgpu_clock();
}

/* The wave registers that debugfs reads: no wave is ever there. */
static void simgpu_read_wave_data(struct amdgpu_device *adev, u32 xcc, u32 simd, u32 wave,
				  u32 *dst, int *no_fields)
{
}

static void simgpu_read_wave_vgprs(struct amdgpu_device *adev, u32 xcc, u32 simd, u32 wave,
				   u32 thread, u32 start, u32 size, u32 *dst)
{
	memset32(dst, 0, size);
}

static void simgpu_read_wave_sgprs(struct amdgpu_device *adev, u32 xcc, u32 simd, u32 wave,
				   u32 start, u32 size, u32 *dst)
{
	memset32(dst, 0, size);
}

static void simgpu_select_me_pipe_q(struct amdgpu_device *adev, u32 me, u32 pipe, u32 queue,
				    u32 vmid, u32 xcc)
{
}

static void simgpu_select_se_sh(struct amdgpu_device *adev, u32 se, u32 sh, u32 instance, int xcc)
{
}

static const struct amdgpu_gfx_funcs simgpu_gfx_funcs = {
	.get_gpu_clock_counter = simgpu_get_gpu_clock_counter,
	.select_se_sh = simgpu_select_se_sh,
	.read_wave_data = simgpu_read_wave_data,
	.read_wave_vgprs = simgpu_read_wave_vgprs,
	.read_wave_sgprs = simgpu_read_wave_sgprs,
	.select_me_pipe_q = simgpu_select_me_pipe_q,
};

/* amdgpu looks into the table for the first job of a VMID after a reset */
static const struct amdgpu_rlc_funcs simgpu_rlc_funcs = { };

/*
 * There are places for 4 engines with 4 arrays.  Of more engines, the fifth follows the arrays
 * of the first, and so on: see the notes in gfx_v9_0_get_cu_info() and gfx_v11_0_get_cu_info().
 */
static void simgpu_gfx_bitmap(const struct simgpu *sim, unsigned int xcc, u32 (*bitmap)[4])
{
	const struct simgpu_desc *desc = sim->desc;
	unsigned int engine, array;

	for (engine = 0; engine < desc->engines; engine++)
		for (array = 0; array < desc->arrays; array++)
			bitmap[engine % 4][array + engine / 4 * desc->arrays] =
				simgpu_desc_cus(desc, sim->die, xcc, engine, array);
}

static int simgpu_gfx_early_init(struct amdgpu_ip_block *ip_block)
{
	struct amdgpu_device *adev = ip_block->adev;
	struct simgpu *sim = adev->simgpu;
	const struct simgpu_desc *desc = sim->desc;
	struct amdgpu_gfx *gfx = &adev->gfx;
	unsigned int xcc;

	gfx->funcs = &simgpu_gfx_funcs;
	gfx->rlc.funcs = &simgpu_rlc_funcs;
	gfx->xcc_mask = GENMASK(sim->num_xcc - 1, 0);
	gfx->num_xcc_per_xcp = simgpu_xccs(sim);
	gfx->mec_fw_version = desc->mec_fw_version;
	/* both MECs run the same firmware; that of MES has no version of a second one */
	gfx->mec2_fw_version = desc->mes_version ? 0 : desc->mec_fw_version;
	/* the firmware that comes with MES counts its versions anew */
	gfx->rs64_enable = desc->mes_version;
	gfx->mec.num_mec = 2;
	gfx->mec.num_pipe_per_mec = 4;
	gfx->mec.num_queue_per_pipe = 8;
	gfx->config.max_shader_engines = desc->engines;
	gfx->config.max_sh_per_se = desc->arrays;
	gfx->config.max_cu_per_sh = desc->array_cus;
	gfx->config.max_backends_per_se = 4;
	gfx->config.max_hw_contexts = 8;
	gfx->config.num_tile_pipes = 16;
	gfx->cu_info.number = desc->cus * sim->num_xcc;
	gfx->cu_info.simd_per_cu = desc->simd_per_cu;
	gfx->cu_info.wave_front_size = desc->wave_front_size;
	gfx->cu_info.max_waves_per_simd = desc->max_waves_per_simd;
	gfx->cu_info.max_scratch_slots_per_cu = 32;
	gfx->cu_info.lds_size = 64;
	for (xcc = 0; xcc < sim->num_xcc; xcc++)
		simgpu_gfx_bitmap(sim, xcc, gfx->cu_info.bitmap[xcc]);
	simgpu_cp_early_init(adev);
	/* amdgpu's debugfs expects managers for all three */
	adev->gds.gds_size = 0x10000;
	adev->gds.gws_size = 64;
	adev->gds.oa_size = 16;
	return desc->max_xcc > 1 ? simgpu_xcp_init(adev) : 0;
}

static const struct amd_ip_funcs simgpu_gfx_ip_funcs = {
	.name = "simgpu_gfx",
	.early_init = simgpu_gfx_early_init,
	.sw_init = simgpu_cp_sw_init,
	.sw_fini = simgpu_cp_sw_fini,
	.hw_init = simgpu_cp_hw_init,
	.hw_fini = simgpu_cp_hw_fini,
	SIMGPU_IP_FUNCS_COMMON,
};

static const struct amdgpu_ip_block_version simgpu_ip_blocks[] = {
	{ .type = AMD_IP_BLOCK_TYPE_COMMON, .major = 9, .funcs = &simgpu_common_ip_funcs },
	{ .type = AMD_IP_BLOCK_TYPE_GMC, .major = 9, .funcs = &simgpu_gmc_ip_funcs },
	{ .type = AMD_IP_BLOCK_TYPE_SDMA, .major = 4, .funcs = &simgpu_sdma_ip_funcs },
};

/* User space is told the major version, and builds command buffers for it. */
static const struct amdgpu_ip_block_version simgpu_gfx_ip_blocks[] = {
	[9] = { .type = AMD_IP_BLOCK_TYPE_GFX, .major = 9, .funcs = &simgpu_gfx_ip_funcs },
	[10] = { .type = AMD_IP_BLOCK_TYPE_GFX, .major = 10, .funcs = &simgpu_gfx_ip_funcs },
	[11] = { .type = AMD_IP_BLOCK_TYPE_GFX, .major = 11, .funcs = &simgpu_gfx_ip_funcs },
	[12] = { .type = AMD_IP_BLOCK_TYPE_GFX, .major = 12, .funcs = &simgpu_gfx_ip_funcs },
};

static const struct amdgpu_ip_block_version simgpu_mes_ip_block = {
	.type = AMD_IP_BLOCK_TYPE_MES, .major = 11, .funcs = &simgpu_mes_ip_funcs,
};

/**
 * simgpu_set_ip_blocks - make a device a simulated GPU
 * @adev: device that the PCI table flagged with AMD_IS_SIMGPU
 *
 * Context: process context, from amdgpu's probe.
 * Return: 0 or a negative errno.
 */
int simgpu_set_ip_blocks(struct amdgpu_device *adev)
{
	const struct simgpu_desc *desc;
	struct simgpu *sim;
	unsigned int i;
	int gpu, ret;

	gpu = simgpu_bus_gpu(adev->pdev);
	if (gpu < 0)
		return gpu;
	desc = simgpu_config_desc(simgpu_bus_config(), gpu);
	sim = drmm_kzalloc(adev_to_drm(adev), sizeof(*sim), GFP_KERNEL);
	if (!sim)
		return -ENOMEM;
	ret = drmm_mutex_init(adev_to_drm(adev), &sim->lock);
	if (ret)
		return ret;
	sim->adev = adev;
	sim->desc = desc;
	sim->gpu = gpu;
	sim->die = simgpu_bus_config()->die + gpu;
	sim->num_xcc = simgpu_config_num_xcc(simgpu_bus_config(), gpu);
	sim->num_partitions = simgpu_config_num_partitions(simgpu_bus_config(), gpu);
	sim->num_sdma = desc->sdma_per_xcc * sim->num_xcc;
	sim->fence_delay_us = simgpu_bus_config()->fence_delay_us;
	sim->signatures = simgpu_bus_config()->signatures;
	simgpu_mqd_firmware_bits(desc->mqd_layout, sim->mqd_bits);
	simgpu_mqd_firmware_bits(desc->sdma_mqd_layout, sim->sdma_mqd_bits);
	INIT_LIST_HEAD(&sim->queues);
	init_waitqueue_head(&sim->wake);
	simgpu_mmu_init(sim);

	adev->simgpu = sim;
	ret = simgpu_reset_init(sim);
	if (ret)
		return ret;
	adev->family = desc->family;
	adev->ip_versions[GC_HWIP][0] = desc->gc_version;
	/* with more of them, they are instances of the first */
	for (i = 0; i < desc->sdma_per_xcc; i++)
		adev->ip_versions[SDMA0_HWIP + i][0] = desc->sdma_version;
	for (i = 0; i < ARRAY_SIZE(simgpu_ip_blocks); i++) {
		ret = amdgpu_device_ip_block_add(adev, &simgpu_ip_blocks[i]);
		if (ret)
			return ret;
	}
	ret = amdgpu_device_ip_block_add(adev,
					 &simgpu_gfx_ip_blocks[IP_VERSION_MAJ(desc->gc_version)]);
	if (ret)
		return ret;
	if (desc->mes_version) {
		adev->enable_mes = true;
		adev->enable_mes_kiq = true;
		ret = amdgpu_device_ip_block_add(adev, &simgpu_mes_ip_block);
		if (ret)
			return ret;
	}
	dev_info(adev->dev, "simgpu: GC %s (%s), %u XCC, %u partition(s), %llu MiB of VRAM\n",
		 desc->name, desc->product ?: "small", sim->num_xcc, sim->num_partitions,
		 pci_resource_len(adev->pdev, 0) >> 20);
	return 0;
}
