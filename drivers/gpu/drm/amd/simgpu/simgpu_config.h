/* SPDX-License-Identifier: MIT */
/*
 * Configuration of the simulated GPUs: plain data, no device behind it.
 */
#ifndef SIMGPU_CONFIG_H
#define SIMGPU_CONFIG_H

#include <linux/types.h>

#include "simgpu_desc.h"

/* More GPUs than this do not fit KFD's own limits in a test VM. */
#define SIMGPU_MAX_COUNT	8
#define SIMGPU_MIN_VRAM_MB	32
#define SIMGPU_MAX_VRAM_MB	4096
/* A second is long enough to see any fence outstanding, and below every lockup timeout. */
#define SIMGPU_MAX_FENCE_DELAY_US	1000000
/* The numbers of dies are a part of the unique id. */
#define SIMGPU_MAX_DIE		9999
/* XCCs of a generation that can have several. */
#define SIMGPU_MIN_XCCS		2
#define SIMGPU_MAX_XCCS		8

/* BAR 2 (doorbells) and BAR 5 (registers) of one GPU, and what both take. */
#define SIMGPU_DOORBELL_SIZE	0x200000ULL
#define SIMGPU_REG_SIZE		0x80000ULL
#define SIMGPU_SMALL_BARS_SIZE	0x400000ULL

/**
 * struct simgpu_config - what the user asks for
 * @count: number of simulated GPUs, 0 for none
 * @base: physical address of the memory that plays the part of the BARs
 * @vram_mb: MiB of VRAM of each GPU
 * @rotate: by how many places the GPUs are moved along the bus; two boots
 *	with different values show the same GPUs under other ids, in another order
 * @fence_delay_us: microseconds for which the kernel's rings hold back a fence
 * @xccs: XCCs of each GPU whose generation can have several
 * @signatures: whatever firmware may keep in a MQD is in use, and has to survive
 * @partitions: "spx" or "cpx": are they one partition, or one each; NULL for "spx"
 * @die: number of the die of the first GPU; each one has the next
 * @gc: generations and products of the GPUs as a list, see simgpu_config_desc(), or NULL for
 *	the default
 */
struct simgpu_config {
	unsigned int count;
	unsigned long base;
	unsigned int vram_mb;
	unsigned int rotate;
	unsigned int fence_delay_us;
	unsigned int xccs;
	bool signatures;
	const char *partitions;
	unsigned int die;
	const char *gc;
};

bool simgpu_config_count_valid(const struct simgpu_config *config);
bool simgpu_config_vram_valid(const struct simgpu_config *config);
bool simgpu_config_base_valid(const struct simgpu_config *config);
bool simgpu_config_rotate_valid(const struct simgpu_config *config);
bool simgpu_config_fence_delay_valid(const struct simgpu_config *config);
bool simgpu_config_gc_valid(const struct simgpu_config *config);
bool simgpu_config_xccs_valid(const struct simgpu_config *config);
bool simgpu_config_partitions_valid(const struct simgpu_config *config);
bool simgpu_config_die_valid(const struct simgpu_config *config);
int simgpu_config_check(const struct simgpu_config *config, char *why, size_t len);

u64 simgpu_config_vram_start(const struct simgpu_config *config, unsigned int gpu);
u64 simgpu_config_doorbell_start(const struct simgpu_config *config, unsigned int gpu);
u64 simgpu_config_reg_start(const struct simgpu_config *config, unsigned int gpu);
u64 simgpu_config_size(const struct simgpu_config *config);
unsigned int simgpu_config_slot(const struct simgpu_config *config, unsigned int gpu);
const struct simgpu_desc *simgpu_config_desc(const struct simgpu_config *config,
					     unsigned int gpu);
unsigned int simgpu_config_num_xcc(const struct simgpu_config *config, unsigned int gpu);
unsigned int simgpu_config_num_partitions(const struct simgpu_config *config, unsigned int gpu);

void simgpu_config_from_params(struct simgpu_config *config);

#endif
