// SPDX-License-Identifier: MIT
/*
 * The generations that can be simulated.
 */
#include "amdgpu.h"
#include "soc15_ih_clientid.h"
#include "v9_structs.h"

#include "simgpu_desc.h"

#define SDMA_MQD_DWORD(field)	(offsetof(struct v9_sdma_mqd, field) / sizeof(u32))

/*
 * GFX 9.4.0 with SDMA 4.2.0: one XCC, user queues under the HIQ or loaded
 * directly, no MES.  Firmware versions are recent enough for every check in
 * KFD and in libhsakmt.
 */
const struct simgpu_desc simgpu_desc_gfx940 = {
	.name = "9.4.0",
	.gc_version = IP_VERSION(9, 4, 0),
	.sdma_version = IP_VERSION(4, 2, 0),
	.family = AMDGPU_FAMILY_AI,
	.num_sdma = 2,
	.num_xcc = 1,
	.cus = 4,
	.mec_fw_version = 0x190,
	.sdma_fw_version = 0x96,
	.doorbell_index_init = vega20_doorbell_index_init,
	.sdma_client = { SOC15_IH_CLIENTID_SDMA0, SOC15_IH_CLIENTID_SDMA1 },
	.sdma_trap_source = 224,
	.sdma_mqd = {
		.rptr_addr_lo = SDMA_MQD_DWORD(sdmax_rlcx_rb_rptr_addr_lo),
		.rptr_addr_hi = SDMA_MQD_DWORD(sdmax_rlcx_rb_rptr_addr_hi),
		.ib_base_lo = SDMA_MQD_DWORD(sdmax_rlcx_ib_base_lo),
		.ib_base_hi = SDMA_MQD_DWORD(sdmax_rlcx_ib_base_hi),
		.ib_size = SDMA_MQD_DWORD(sdmax_rlcx_ib_size),
		.ib_offset = SDMA_MQD_DWORD(sdmax_rlcx_ib_offset),
		.doorbell_offset = SDMA_MQD_DWORD(sdmax_rlcx_doorbell_offset),
		.engine_id = SDMA_MQD_DWORD(sdma_engine_id),
	},
};
