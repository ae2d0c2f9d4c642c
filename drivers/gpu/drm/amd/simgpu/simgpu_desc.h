/* SPDX-License-Identifier: MIT */
/*
 * What makes a GPU generation: data of the device, read by the engine.
 */
#ifndef SIMGPU_DESC_H
#define SIMGPU_DESC_H

#include <linux/types.h>

struct amdgpu_device;

/**
 * struct simgpu_sdma_mqd - where an SDMA MQD keeps what the engine needs
 * @rptr_addr_lo: dword that holds the low half of the rptr report address
 * @rptr_addr_hi: its high half
 * @ib_base_lo: dword with the address of an indirect buffer in progress
 * @ib_base_hi: its high half
 * @ib_size: dwords of that buffer; 0 when none is in progress
 * @ib_offset: dwords of it that have been executed
 * @doorbell_offset: dword with the doorbell's place in the BAR, as a dword index << 2
 * @engine_id: dword in which KFD notes the engine
 *
 * rb_cntl, rb_base, rb_rptr and rb_wptr are dwords 0 to 6 everywhere.
 */
struct simgpu_sdma_mqd {
	u8 rptr_addr_lo, rptr_addr_hi;
	u8 ib_base_lo, ib_base_hi, ib_size, ib_offset;
	u8 doorbell_offset;
	u8 engine_id;
};

/**
 * struct simgpu_desc - description of one generation
 * @name: as users write it
 * @gc_version: IP_VERSION() of graphics and compute
 * @sdma_version: IP_VERSION() of the SDMA engines
 * @family: AMDGPU_FAMILY_ value
 * @num_sdma: SDMA engines
 * @num_xcc: XCCs
 * @cus: compute units of an XCC
 * @mec_fw_version: firmware version of the compute front end that KFD is told
 * @sdma_fw_version: firmware version of the SDMA engines
 * @doorbell_index_init: fills adev->doorbell_index
 * @sdma_client: interrupt client of each SDMA engine
 * @sdma_trap_source: interrupt source of an SDMA trap
 * @sdma_mqd: layout of the SDMA MQD
 */
struct simgpu_desc {
	const char *name;
	u32 gc_version;
	u32 sdma_version;
	u32 family;
	u8 num_sdma;
	u8 num_xcc;
	u8 cus;
	u32 mec_fw_version;
	u32 sdma_fw_version;
	void (*doorbell_index_init)(struct amdgpu_device *adev);
	u8 sdma_client[2];
	u8 sdma_trap_source;
	struct simgpu_sdma_mqd sdma_mqd;
};

extern const struct simgpu_desc simgpu_desc_gfx940;

#endif
