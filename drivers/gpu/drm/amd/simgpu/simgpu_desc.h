/* SPDX-License-Identifier: MIT */
/*
 * What makes a GPU generation: data of the device, read by the engine.
 */
#ifndef SIMGPU_DESC_H
#define SIMGPU_DESC_H

#include <linux/types.h>

#include "simgpu_pte.h"

struct amdgpu_device;

/**
 * struct simgpu_compute_mqd - where a compute MQD keeps what the engine needs or checks
 * @active: dword that says whether the queue is loaded
 * @vmid: VMID, when KFD loads the queue itself
 * @base_lo: address of the ring >> 8
 * @base_hi: its high half
 * @rptr: dwords of the ring that have been executed, modulo its size; packets for AQL
 * @rptr_addr_lo: where the rptr is reported
 * @rptr_addr_hi: its high half
 * @wptr_addr_lo: where the producer keeps the wptr
 * @wptr_addr_hi: its high half
 * @doorbell_control: doorbell's place in the BAR, as a dword index << 2
 * @control: size and format of the ring
 * @ib_base_lo: address of an indirect buffer in progress
 * @ib_base_hi: its high half
 * @ib_rptr: dwords of it that have been executed
 * @ib_control: dwords of that buffer; 0 when none is in progress
 * @aql_control: not 0 for an AQL queue
 * @eop_base_lo: address of the end of pipe buffer >> 8
 * @eop_base_hi: its high half
 * @eop_control: its size
 * @pipe_priority: priority of the queue's pipe
 * @queue_priority: priority of the queue among those of its process
 * @save_size: bytes of the context save area, of which there are none to be saved
 * @stack_size: bytes of control stack behind the MQD, one page on; 0: no such dword
 * @stack_offset: where what was saved begins in it; @stack_size when nothing was
 * @stuck_queue: of the HIQ alone: doorbell of a queue that did not leave
 *
 * All are numbers of dwords.
 */
struct simgpu_compute_mqd {
	u8 active, vmid;
	u8 base_lo, base_hi, rptr;
	u8 rptr_addr_lo, rptr_addr_hi, wptr_addr_lo, wptr_addr_hi;
	u8 doorbell_control, control;
	u8 ib_base_lo, ib_base_hi, ib_rptr, ib_control;
	u8 aql_control;
	u8 eop_base_lo, eop_base_hi, eop_control;
	u8 pipe_priority, queue_priority, save_size;
	u8 stack_size, stack_offset;
	u8 stuck_queue;
};

/**
 * struct simgpu_wave_mqd - where a compute MQD says where waves are saved
 * @base_lo: address of the save area, which begins with the control stack from GFX 10 on
 * @base_hi: its high half
 * @stack_size: bytes of control stack, behind which waves begin
 * @stack_offset: where what was saved begins in the control stack
 * @offset: where what was saved ends in the save area
 *
 * All are numbers of dwords.
 */
struct simgpu_wave_mqd {
	u8 base_lo, base_hi;
	u8 stack_size, stack_offset, offset;
};

/**
 * struct simgpu_xcc_mqd - what else there is in the compute MQD of each of several XCCs
 * @stride: bytes from the MQD of an XCC to that of the next
 * @target: XCC that executes PM4
 * @logical: number of the XCC among those that share the work of an AQL queue
 *
 * All are numbers of dwords.
 */
struct simgpu_xcc_mqd {
	u8 stride, target, logical;
};

/**
 * struct simgpu_sdma_mqd - where an SDMA MQD keeps what the engine needs
 * @rptr_addr_lo: dword that holds the low half of the rptr report address
 * @rptr_addr_hi: its high half
 * @ib_base_lo: dword with the address of an indirect buffer in progress
 * @ib_base_hi: its high half
 * @ib_size: dwords of that buffer; 0 when none is in progress
 * @ib_offset: dwords of it that have been executed
 * @midcmd_lo: bytes that are done of a packet that was interrupted
 * @midcmd_hi: its high half
 * @midcmd_control: bit 0 says that a packet was
 * @doorbell_offset: dword with the doorbell's place in the BAR, as a dword index << 2
 * @engine_id: dword in which KFD notes the engine
 *
 * rb_cntl, rb_base, rb_rptr and rb_wptr are dwords 0 to 6 everywhere.
 */
struct simgpu_sdma_mqd {
	u8 rptr_addr_lo, rptr_addr_hi;
	u8 ib_base_lo, ib_base_hi, ib_size, ib_offset;
	u8 midcmd_lo, midcmd_hi, midcmd_control;
	u8 doorbell_offset;
	u8 engine_id;
};

#define SIMGPU_SDMA_CLIENTS	4

/**
 * enum simgpu_mqd_owner - whose some bits of a MQD are
 * @SIMGPU_MQD_DRIVER: the driver writes them when it makes or updates a queue, and may do so
 *	whenever the queue is not loaded
 * @SIMGPU_MQD_IDENTITY: likewise, but always the same for as long as there is the queue
 * @SIMGPU_MQD_PROGRESS: firmware keeps there how far the queue has come
 * @SIMGPU_MQD_LOADED: firmware notes there that the queue is loaded
 * @SIMGPU_MQD_PRESET: firmware's, with all bits set by the driver once, when it makes the queue
 * @SIMGPU_MQD_ORDER: a right, an order to firmware, or an address that firmware uses: whoever
 *	sets them in the MQD of a user's queue gets more than a user has, so they are 0 there
 */
enum simgpu_mqd_owner {
	SIMGPU_MQD_DRIVER,
	SIMGPU_MQD_IDENTITY,
	SIMGPU_MQD_PROGRESS,
	SIMGPU_MQD_LOADED,
	SIMGPU_MQD_PRESET,
	SIMGPU_MQD_ORDER,
};

/**
 * struct simgpu_mqd_bits - bits of a dword of a MQD, or of several
 * @mask: which
 * @dword: number of the dword
 * @last: of %SIMGPU_MQD_ORDER: number of the last dword of several, else 0
 * @owner: whose they are
 * @fresh: of %SIMGPU_MQD_PROGRESS: the dword whose value it begins with, 0 when it begins with 0
 */
struct simgpu_mqd_bits {
	u32 mask;
	u16 dword;
	u16 last;
	u8 owner;
	u8 fresh;
};

/**
 * struct simgpu_mqd_layout - whose each bit of a MQD is
 * @bits: all that is not firmware's alone; an entry without bits ends the list
 * @dwords: dwords of the MQD
 * @nonce: dword of firmware's, by which it marks all others
 * @check: dword of firmware's, for a sum over what must not change while a queue is away
 * @live: first of 4 dwords of firmware's, with a bit for each register of a dispatch that
 *	has a value; 0 for SDMA
 */
struct simgpu_mqd_layout {
	const struct simgpu_mqd_bits *bits;
	u16 dwords;
	u16 nonce;
	u16 check;
	u16 live;
};

/**
 * struct simgpu_desc - description of one generation, or of a product
 * @name: version of graphics and compute, as users write it
 * @product: name of a product, as users write it; NULL for a generation as such, with
 *	few units
 * @gc_version: IP_VERSION() of graphics and compute
 * @sdma_version: IP_VERSION() of the SDMA engines
 * @family: AMDGPU_FAMILY_ value
 * @rev_id: stepping: 0 is a 9.4.3 that was never sold, under another number of KFD's
 * @pte: format of page table entries
 * @graphics: it has graphics, and not compute alone
 * @sdma_per_xcc: SDMA engines for each XCC
 * @max_xcc: XCCs that it can have; above 1, it has at least 2, and partitions
 * @xccs: XCCs that a product has, 0 for what the user wants
 * @engines: shader engines of an XCC
 * @arrays: shader arrays of a shader engine
 * @array_cus: compute units of a shader array, also those that are disabled
 * @cu_granule: how many neighbours are disabled together
 * @cus: compute units of an XCC that work
 * @simd_per_cu: SIMDs of a compute unit
 * @max_waves_per_simd: waves that fit a SIMD
 * @wave_front_size: threads of a wave
 * @first_kfd_vmid: VMIDs from here on are KFD's
 * @mes_version: version of the MES firmware and its interface, 0 where a HIQ is in its place
 * @mec_fw_version: firmware version of the compute front end that KFD is told
 * @sdma_fw_version: firmware version of the SDMA engines
 * @sdma_count_mask: bits of the byte count of copies and fills
 * @doorbell_index_init: fills adev->doorbell_index
 * @sdma_client: interrupt client of each SDMA engine; they repeat
 * @sdma_trap_source: interrupt source of an SDMA trap
 * @fault_client: interrupt client of a page fault
 * @mqd: layout of the compute MQD
 * @wave_mqd: and of where waves are saved
 * @xcc_mqd: and of what is there with several XCCs
 * @sdma_mqd: layout of the SDMA MQD
 * @mqd_layout: whose each bit of the compute MQD is
 * @sdma_mqd_layout: whose each bit of the SDMA MQD is
 */
struct simgpu_desc {
	const char *name;
	const char *product;
	u32 gc_version;
	u32 sdma_version;
	u32 family;
	u32 rev_id;
	const struct simgpu_pte_format *pte;
	bool graphics;
	u8 sdma_per_xcc;
	u8 max_xcc;
	u8 xccs;
	u8 engines, arrays, array_cus, cu_granule;
	u8 cus;
	u8 simd_per_cu;
	u8 max_waves_per_simd;
	u8 wave_front_size;
	u8 first_kfd_vmid;
	u32 mes_version;
	u32 mec_fw_version;
	u32 sdma_fw_version;
	u32 sdma_count_mask;
	void (*doorbell_index_init)(struct amdgpu_device *adev);
	u8 sdma_client[SIMGPU_SDMA_CLIENTS];
	u8 sdma_trap_source;
	u8 fault_client;
	struct simgpu_compute_mqd mqd;
	struct simgpu_wave_mqd wave_mqd;
	struct simgpu_xcc_mqd xcc_mqd;
	struct simgpu_sdma_mqd sdma_mqd;
	const struct simgpu_mqd_layout *mqd_layout;
	const struct simgpu_mqd_layout *sdma_mqd_layout;
};

const struct simgpu_desc *simgpu_desc_find(unsigned int major, unsigned int minor,
					   unsigned int revision);
const struct simgpu_desc *simgpu_desc_find_product(const char *name, size_t len);
const struct simgpu_desc *simgpu_desc_get(unsigned int index);
u32 simgpu_desc_cus(const struct simgpu_desc *desc, unsigned int die, unsigned int xcc,
		    unsigned int engine, unsigned int array);

#endif
