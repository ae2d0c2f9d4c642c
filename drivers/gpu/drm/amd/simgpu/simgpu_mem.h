/* SPDX-License-Identifier: MIT */
/*
 * Access to memory as the simulated GPU sees it.
 */
#ifndef SIMGPU_MEM_H
#define SIMGPU_MEM_H

#include "simgpu.h"

/**
 * struct simgpu_fault - why an access was refused
 * @va: address of the page
 * @write: it was a write
 * @present: there is a translation, without the right
 * @retry: the driver may provide the page, and the access can be repeated then
 */
struct simgpu_fault {
	u64 va;
	bool write;
	bool present;
	bool retry;
};

/**
 * struct simgpu_space - an address space, as a packet executor uses it
 * @sim: GPU
 * @id: number of the address space, 0 is the kernel's
 * @drop_faults: a refused access is counted and dropped, as on hardware whose
 *	driver does not stop the engine at a fault; else it ends the access
 * @fault: the last refused access
 */
struct simgpu_space {
	struct simgpu *sim;
	u32 id;
	bool drop_faults;
	struct simgpu_fault fault;
};

void simgpu_mmu_init(struct simgpu *sim);
void simgpu_mmu_reset(struct simgpu *sim);
void simgpu_mmu_set_root(struct simgpu *sim, u32 space, u64 page_directory);
int simgpu_mmu_get_space(struct simgpu *sim, u32 partition, u32 pasid);
void simgpu_mmu_put_spaces(struct simgpu *sim, u32 partition, u32 pasid);
void simgpu_mmu_set_pasid(struct simgpu *sim, u32 partition, u32 space, u32 pasid);
u32 simgpu_mmu_pasid(struct simgpu *sim, u32 space);
u32 simgpu_mmu_partition(struct simgpu *sim, u32 space);
void simgpu_mmu_set_tma(struct simgpu *sim, u32 space, u64 tma);
u64 simgpu_mmu_tma(struct simgpu *sim, u32 space);
void simgpu_mmu_set_retry(struct simgpu *sim, u32 space, u32 sh_mem_config);
void simgpu_mmu_flush_space(struct simgpu *sim, u32 space);
void simgpu_mmu_flush_pasid(struct simgpu *sim, u32 pasid);

int simgpu_read(struct simgpu_space *space, u64 va, void *buf, size_t len);
int simgpu_write(struct simgpu_space *space, u64 va, const void *buf, size_t len);
int simgpu_copy(struct simgpu_space *space, u64 dst, u64 src, u64 len);
int simgpu_fill(struct simgpu_space *space, u64 dst, u32 pattern, unsigned int unit, u64 len);
bool simgpu_same_memory(struct simgpu_space *space1, u64 va1, struct simgpu_space *space2,
			u64 va2);
int simgpu_atomic_add64(struct simgpu_space *space, u64 va, u64 addend, u64 *old);
int simgpu_fetch(struct simgpu_space *space, u64 va, void *buf, size_t len);
int simgpu_probe(struct simgpu_space *space, u64 va, u64 len, bool write);
int simgpu_update(struct simgpu_space *space, u64 va, unsigned int bytes,
		  u64 (*result)(void *context, unsigned int bytes, u64 memory), void *context,
		  u64 *old);

static inline int simgpu_read32(struct simgpu_space *space, u64 va, u32 *val)
{
	return simgpu_read(space, va, val, sizeof(*val));
}

static inline int simgpu_read64(struct simgpu_space *space, u64 va, u64 *val)
{
	return simgpu_read(space, va, val, sizeof(*val));
}

static inline int simgpu_write32(struct simgpu_space *space, u64 va, u32 val)
{
	return simgpu_write(space, va, &val, sizeof(val));
}

static inline int simgpu_write64(struct simgpu_space *space, u64 va, u64 val)
{
	return simgpu_write(space, va, &val, sizeof(val));
}

#endif
