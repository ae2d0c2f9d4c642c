/* SPDX-License-Identifier: MIT */
/*
 * IP blocks of the simulated GPU.
 */
#ifndef SIMGPU_IP_H
#define SIMGPU_IP_H

#include "amdgpu.h"

extern const struct amd_ip_funcs simgpu_gmc_ip_funcs;
extern const struct amd_ip_funcs simgpu_sdma_ip_funcs;
extern const struct amd_ip_funcs simgpu_mes_ip_funcs;

/* simgpu_xcp.c */
int simgpu_xcp_init(struct amdgpu_device *adev);

/* simgpu_cp.c */
void simgpu_cp_early_init(struct amdgpu_device *adev);
int simgpu_cp_sw_init(void *handle);
int simgpu_cp_sw_fini(void *handle);
int simgpu_cp_hw_init(void *handle);
int simgpu_cp_hw_fini(void *handle);

/* simgpu_ring.c */
void simgpu_rings_kick(struct simgpu *sim);
void simgpu_rings_drain(struct simgpu *sim);

/* simgpu_reset.c */
int simgpu_reset_init(struct simgpu *sim);

/* callbacks that have nothing to do in software */
int simgpu_ip_ok(void *handle);
bool simgpu_ip_idle(void *handle);
int simgpu_ip_clockgating(void *handle, enum amd_clockgating_state state);
int simgpu_ip_powergating(void *handle, enum amd_powergating_state state);

#define SIMGPU_IP_FUNCS_COMMON						\
	.suspend = simgpu_ip_ok,					\
	.resume = simgpu_ip_ok,						\
	.is_idle = simgpu_ip_idle,					\
	.wait_for_idle = simgpu_ip_ok,					\
	.soft_reset = simgpu_ip_ok,					\
	.set_clockgating_state = simgpu_ip_clockgating,			\
	.set_powergating_state = simgpu_ip_powergating

#endif
