/* SPDX-License-Identifier: MIT */
/*
 * Rings of the kernel: what those of SDMA, of graphics and of compute share.
 */
#ifndef SIMGPU_RING_H
#define SIMGPU_RING_H

#include "amdgpu.h"

struct simgpu;

/* A job of so many dwords fits: amdgpu allows 192 command buffers on a ring of graphics. */
#define SIMGPU_RING_DWORDS	1024

int simgpu_ring_init(struct simgpu *sim, struct amdgpu_ring *ring);
void simgpu_ring_fini(struct simgpu *sim, struct amdgpu_ring *ring);
int simgpu_ring_start(struct amdgpu_ring *ring);
void simgpu_ring_stop(struct amdgpu_ring *ring);
void simgpu_ring_wait(struct amdgpu_ring *ring);

u64 simgpu_ring_get_rptr(struct amdgpu_ring *ring);
u64 simgpu_ring_get_wptr(struct amdgpu_ring *ring);
void simgpu_ring_set_wptr(struct amdgpu_ring *ring);
void simgpu_ring_emit_address(struct amdgpu_ring *ring, u64 address);
void simgpu_ring_nothing(struct amdgpu_ring *ring);

#endif
