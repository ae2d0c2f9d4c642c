/* SPDX-License-Identifier: MIT */
/*
 * What hardware would choke on in a MQD: plain data, no device behind it.
 */
#ifndef SIMGPU_MQD_H
#define SIMGPU_MQD_H

#include <linux/bits.h>

#include "simgpu_desc.h"

/* Bytes and dwords of a compute MQD, in all versions; that of SDMA is smaller. */
#define SIMGPU_MQD_BYTES	2048
#define SIMGPU_MQD_DWORDS	512

/* Dwords with a bit for each register of a dispatch that has a value. */
#define SIMGPU_MQD_LIVE		4
/*
 * Resources of global wave sync, a dword for each: from GFX 11 on, this is where the structures
 * have them.  They have values if the first of the bits says so, that of no register.
 */
#define SIMGPU_MQD_GWS		448
#define SIMGPU_GWS		64
#define SIMGPU_MQD_LIVE_GWS	BIT(0)

/* Fields of a compute MQD, the same in all versions. */
#define SIMGPU_MQD_HEADER		0xc0310800
#define SIMGPU_MQD_CONTROL_SIZE(c)	((c) & 0x3f)
/* somebody else reports the rptr: the first XCC, or the ring's packets themselves */
#define SIMGPU_MQD_CONTROL_NO_UPDATE	BIT(27)
#define SIMGPU_MQD_AQL(c)		((c) & 0x7fff)
#define SIMGPU_MQD_DOORBELL(c)		(((c) >> 2) & 0x3ffffff)

/* Where the control stack is, behind a MQD. */
#define SIMGPU_MQD_STACK		0x1000

/**
 * struct simgpu_saved_wave - what the simulated hardware puts on a control stack
 * @magic: %SIMGPU_SAVED_WAVE
 * @xcc: number of the XCC in its partition
 *
 * When a queue is unloaded, XCC n saves n + 1 of these below all waves, also when there are
 * none, and finds them again when it is loaded, so that nobody can lose the control stack of
 * an XCC or take it for another's unnoticed.
 */
struct simgpu_saved_wave {
	u32 magic;
	u32 xcc;
};

#define SIMGPU_SAVED_WAVE		0x45564157

/**
 * struct simgpu_mqd_error - what is wrong with a MQD
 * @field: name of the field, for a message
 * @is: what it is
 * @want: what it should be, or a value that it should not reach
 */
struct simgpu_mqd_error {
	const char *field;
	u64 is, want;
};

/**
 * struct simgpu_mqd_loss - what a MQD has lost while its queue was not loaded
 * @dword: number of the dword; that of the nonce or of the check when it is
 *	not known which one
 * @is: its bits that are firmware's
 * @want: what firmware had left there
 */
struct simgpu_mqd_loss {
	unsigned int dword;
	u32 is, want;
};

/**
 * struct simgpu_mqd_place - where a MQD is loaded
 * @first_vmid: VMID that it may have, 0 alone when a scheduler gives out VMIDs
 * @last_vmid: the last that it may have
 * @doorbells: dwords of the doorbell BAR
 * @xccs: XCCs that load it
 */
struct simgpu_mqd_place {
	u32 first_vmid, last_vmid;
	u32 doorbells;
	u32 xccs;
};

bool simgpu_mqd_valid(const struct simgpu_desc *desc, const struct simgpu_mqd_place *place,
		      const u32 *mqd, struct simgpu_mqd_error *error);
bool simgpu_mqd_xcc_valid(const struct simgpu_desc *desc, const struct simgpu_mqd_place *place,
			  const u32 *first, const u32 *mqd, unsigned int xcc,
			  struct simgpu_mqd_error *error);
void simgpu_mqd_firmware_bits(const struct simgpu_mqd_layout *layout, u32 *bits);
void simgpu_mqd_sign(const struct simgpu_mqd_layout *layout, const u32 *bits, unsigned int xcc,
		     u32 nonce, u32 *mqd);
bool simgpu_mqd_signed(const struct simgpu_mqd_layout *layout, const u32 *bits, unsigned int xcc,
		       const u32 *mqd, struct simgpu_mqd_loss *loss);

#endif
