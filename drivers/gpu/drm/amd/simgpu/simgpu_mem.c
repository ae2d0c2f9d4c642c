// SPDX-License-Identifier: MIT
/*
 * Address translation of the simulated GPU, and access through it.
 */
#include <linux/hash.h>
#include <linux/unaligned.h>

#include "amdgpu.h"
#include "simgpu_mem.h"

/**
 * DOC: simgpu address translation
 *
 * Every access of a simulated engine goes through the page tables that amdgpu
 * wrote: four levels of 512 entries for a process, the GART and the VRAM
 * aperture for the kernel (VMID 0).  Leaves are cached in a direct mapped TLB
 * of pages of 4 KiB, and stay there until the driver invalidates, by VMID or
 * by PASID.  So a mapping that changes without the flush that hardware needs
 * shows as stale data.
 *
 * Where XNACK is a property of a process (9.4.2 and 9.4.3), an access of one that
 * has it to a page that is not there waits until the driver has provided the page.
 * An entry that the driver marks as final ends that.
 *
 * A translation and the access through it happen under one spinlock, at most
 * a page at a time.  An invalidation takes the same lock: when it returns, no
 * access under an old translation is under way.
 */

#define SIMGPU_PDE_ADDRESS	GENMASK_ULL(47, 6)
#define SIMGPU_PTE_ADDRESS	GENMASK_ULL(47, 12)
#define SIMGPU_VA_BITS		48
#define SIMGPU_LEVELS		4
#define SIMGPU_LEVEL_BITS	9
#define SIMGPU_NO_SPACE		U32_MAX
#define SIMGPU_PAGE_SHIFT	12
#define SIMGPU_PAGE_SIZE	BIT(SIMGPU_PAGE_SHIFT)
/* SH_MEM_CONFIG.RETRY_DISABLE of 9.4.2 and 9.4.3 */
#define SH_MEM_RETRY_DISABLE	BIT(12)

/* What an entry's address means: bus address with the SYSTEM bit, else offset in VRAM. */
static void *simgpu_entry_kva(struct simgpu *sim, u64 flags, u64 address)
{
	struct amdgpu_device *adev = sim->adev;

	if (flags & AMDGPU_PTE_SYSTEM)
		return simgpu_bus_kva(address);
	if (address >= adev->gmc.visible_vram_size || !adev->mman.aper_base_kaddr)
		return NULL;
	return (void __force *)adev->mman.aper_base_kaddr + address;
}

/* The kernel's own space: VRAM at its place, and one level of GART. */
static bool simgpu_walk_kernel(struct simgpu *sim, u64 va, struct simgpu_tlb_entry *out)
{
	struct amdgpu_device *adev = sim->adev;
	struct amdgpu_gmc *gmc = &adev->gmc;
	u64 page = va & SIMGPU_PTE_ADDRESS;

	if (va >= gmc->vram_start && va <= gmc->vram_end) {
		out->pte = AMDGPU_PTE_VALID | AMDGPU_PTE_READABLE | AMDGPU_PTE_WRITEABLE;
		out->kva = simgpu_entry_kva(sim, 0, page - gmc->vram_start);
	} else if (va >= gmc->gart_start && va <= gmc->gart_end && adev->gart.ptr) {
		u64 __iomem *table = (u64 __iomem *)adev->gart.ptr;

		out->pte = readq(table + ((va - gmc->gart_start) >> SIMGPU_PAGE_SHIFT));
		if (!(out->pte & AMDGPU_PTE_VALID))
			return false;
		out->kva = simgpu_entry_kva(sim, out->pte, out->pte & SIMGPU_PTE_ADDRESS);
	} else {
		return false;
	}
	return out->kva;
}

static bool simgpu_walk_process(struct simgpu *sim, u32 space, u64 va, struct simgpu_tlb_entry *out)
{
	const struct simgpu_pte_format *format = sim->desc->pte;
	u64 entry = sim->mmu.root[space];
	unsigned int level;

	for (level = 0; level < SIMGPU_LEVELS; level++) {
		unsigned int shift = SIMGPU_PAGE_SHIFT +
				     (SIMGPU_LEVELS - 1 - level) * SIMGPU_LEVEL_BITS;
		u64 *table;

		if (!(entry & AMDGPU_PTE_VALID))
			return false;
		table = simgpu_entry_kva(sim, entry, entry & SIMGPU_PDE_ADDRESS);
		if (!table)
			return false;
		entry = READ_ONCE(table[(va >> shift) & (BIT(SIMGPU_LEVEL_BITS) - 1)]);
		if (level < SIMGPU_LEVELS - 1 && !(entry & format->pde_leaf))
			continue;
		if (!(entry & AMDGPU_PTE_VALID))
			return false;
		if (!simgpu_pte_leaf_good(format, entry)) {
			dev_err_ratelimited(sim->adev->dev,
					    "simgpu: PTE %#llx of address %#llx is not a leaf\n",
					    entry, va);
			return false;
		}
		out->pte = entry;
		out->kva = simgpu_entry_kva(sim, entry, (entry & SIMGPU_PTE_ADDRESS) +
					    (va & (BIT_ULL(shift) - 1) & SIMGPU_PTE_ADDRESS));
		return out->kva;
	}
	return false;
}

static struct simgpu_tlb_entry *simgpu_tlb_slot(struct simgpu_mmu *mmu, u32 space, u64 page)
{
	return &mmu->tlb[hash_64(page ^ ((u64)space << 48), ilog2(SIMGPU_TLB_ENTRIES))];
}

/*
 * Translate one address for an access with all of @rights.  Returns where it is, with @len
 * trimmed to the rest of its page, or NULL with the fault noted.
 */
static void *simgpu_translate(struct simgpu_space *space, u64 va, u64 *len, u64 rights)
{
	bool write = rights & AMDGPU_PTE_WRITEABLE;
	struct simgpu_mmu *mmu = &space->sim->mmu;
	struct simgpu_tlb_entry *entry;
	bool present = true, final = false;
	u64 page;

	lockdep_assert_held(&mmu->lock);

	/* the sign extension of a canonical address is not translated */
	va &= BIT_ULL(SIMGPU_VA_BITS) - 1;
	page = va >> SIMGPU_PAGE_SHIFT;
	entry = simgpu_tlb_slot(mmu, space->id, page);
	if (entry->space == space->id && entry->page == page) {
		mmu->hits++;
	} else {
		struct simgpu_tlb_entry found = { .page = page, .space = space->id };

		mmu->misses++;
		if (space->id)
			present = simgpu_walk_process(space->sim, space->id, va, &found);
		else
			present = simgpu_walk_kernel(space->sim, va, &found);
		if (present)
			*entry = found;
	}
	if (present && (entry->pte & AMDGPU_VM_NORETRY_FLAGS_TF) == AMDGPU_VM_NORETRY_FLAGS_TF &&
	    mmu->retry[space->id]) {
		final = true;
		present = false;
	}
	if (!present || (entry->pte & rights) != rights) {
		mmu->faults++;
		space->fault = (struct simgpu_fault) {
			.va = va & ~(SIMGPU_PAGE_SIZE - 1), .write = write, .present = present,
			.retry = mmu->retry[space->id] && !final,
		};
		/* whoever tries again looks into the page tables again */
		if (present && space->fault.retry)
			entry->space = SIMGPU_NO_SPACE;
		*len = min(*len, SIMGPU_PAGE_SIZE - va % SIMGPU_PAGE_SIZE);
		return NULL;
	}
	*len = min(*len, SIMGPU_PAGE_SIZE - va % SIMGPU_PAGE_SIZE);
	return entry->kva + va % SIMGPU_PAGE_SIZE;
}

/**
 * simgpu_mmu_init - an empty TLB, no address space
 * @sim: GPU
 *
 * Context: any, before the first access.
 */
void simgpu_mmu_init(struct simgpu *sim)
{
	unsigned int i;

	spin_lock_init(&sim->mmu.lock);
	for (i = 0; i < SIMGPU_TLB_ENTRIES; i++)
		sim->mmu.tlb[i].space = SIMGPU_NO_SPACE;
}

static void simgpu_tlb_drop(struct simgpu_mmu *mmu, u32 space)
{
	unsigned int i;

	lockdep_assert_held(&mmu->lock);
	for (i = 0; i < SIMGPU_TLB_ENTRIES; i++)
		if (mmu->tlb[i].space == space)
			mmu->tlb[i].space = SIMGPU_NO_SPACE;
}

/**
 * simgpu_mmu_set_root - give an address space its page directory
 * @sim: GPU
 * @space: address space; 0 is ignored, the kernel's is fixed
 * @page_directory: address with flags, as in a page directory entry
 *
 * A VMID starts with an empty TLB, also when the directory has the same address
 * as the last one: page directories of processes that are gone are reused, and
 * KFD does not flush for a process that has not changed a mapping yet.
 *
 * Context: any.  Takes sim->mmu.lock.
 */
void simgpu_mmu_set_root(struct simgpu *sim, u32 space, u64 page_directory)
{
	if (!space || space >= SIMGPU_NUM_SPACES)
		return;
	spin_lock(&sim->mmu.lock);
	sim->mmu.root[space] = page_directory;
	simgpu_tlb_drop(&sim->mmu, space);
	spin_unlock(&sim->mmu.lock);
}

/**
 * simgpu_mmu_get_space - address space of a process mapped by a scheduler
 * @sim: GPU
 * @partition: partition whose scheduler it is
 * @pasid: process, not 0
 *
 * Context: any.  Takes sim->mmu.lock.
 * Return: number of the address space, or -ENOSPC.
 */
int simgpu_mmu_get_space(struct simgpu *sim, u32 partition, u32 pasid)
{
	int i, space = -ENOSPC;

	spin_lock(&sim->mmu.lock);
	for (i = SIMGPU_NUM_SPACES - 1; i >= SIMGPU_NUM_VMID; i--) {
		if (sim->mmu.pasid[i] == pasid && sim->mmu.partition[i] == partition) {
			space = i;
			break;
		}
		if (!sim->mmu.pasid[i])
			space = i;
	}
	if (space > 0) {
		sim->mmu.pasid[space] = pasid;
		sim->mmu.partition[space] = partition;
	}
	spin_unlock(&sim->mmu.lock);
	return space;
}

/**
 * simgpu_mmu_put_spaces - forget address spaces of mapped processes
 * @sim: GPU
 * @partition: partition whose scheduler mapped them
 * @pasid: process, or 0 for all
 *
 * Context: any.  Takes sim->mmu.lock.
 */
void simgpu_mmu_put_spaces(struct simgpu *sim, u32 partition, u32 pasid)
{
	u32 i;

	spin_lock(&sim->mmu.lock);
	for (i = SIMGPU_NUM_VMID; i < SIMGPU_NUM_SPACES; i++) {
		if (!sim->mmu.pasid[i] || sim->mmu.partition[i] != partition ||
		    (pasid && sim->mmu.pasid[i] != pasid))
			continue;
		sim->mmu.pasid[i] = 0;
		sim->mmu.root[i] = 0;
		sim->mmu.tma[i] = 0;
		sim->mmu.retry[i] = false;
		simgpu_tlb_drop(&sim->mmu, i);
	}
	spin_unlock(&sim->mmu.lock);
}

/**
 * simgpu_mmu_reset - forget all address spaces but the kernel's, and all translations
 * @sim: GPU
 *
 * Context: any.  Takes sim->mmu.lock.
 */
void simgpu_mmu_reset(struct simgpu *sim)
{
	struct simgpu_mmu *mmu = &sim->mmu;
	u32 i;

	spin_lock(&mmu->lock);
	memset(mmu->root, 0, sizeof(mmu->root));
	memset(mmu->pasid, 0, sizeof(mmu->pasid));
	memset(mmu->partition, 0, sizeof(mmu->partition));
	memset(mmu->tma, 0, sizeof(mmu->tma));
	memset(mmu->retry, 0, sizeof(mmu->retry));
	for (i = 0; i < SIMGPU_TLB_ENTRIES; i++)
		mmu->tlb[i].space = SIMGPU_NO_SPACE;
	spin_unlock(&mmu->lock);
}

/**
 * simgpu_mmu_set_pasid - note which process has a VMID
 * @sim: GPU
 * @partition: partition on which it is used
 * @space: VMID
 * @pasid: process, or 0
 *
 * Context: any.  Takes sim->mmu.lock.
 */
void simgpu_mmu_set_pasid(struct simgpu *sim, u32 partition, u32 space, u32 pasid)
{
	if (space >= SIMGPU_NUM_SPACES)
		return;
	spin_lock(&sim->mmu.lock);
	sim->mmu.pasid[space] = pasid;
	sim->mmu.partition[space] = partition;
	spin_unlock(&sim->mmu.lock);
}

/**
 * simgpu_mmu_pasid - which process has an address space
 * @sim: GPU
 * @space: address space
 *
 * Context: any.
 * Return: PASID, 0 for none.
 */
u32 simgpu_mmu_pasid(struct simgpu *sim, u32 space)
{
	return space < SIMGPU_NUM_SPACES ? READ_ONCE(sim->mmu.pasid[space]) : 0;
}

/**
 * simgpu_mmu_partition - which partition an address space is on
 * @sim: GPU
 * @space: address space that a process has
 *
 * Context: any.
 * Return: number of the partition.
 */
u32 simgpu_mmu_partition(struct simgpu *sim, u32 space)
{
	return space < SIMGPU_NUM_SPACES ? READ_ONCE(sim->mmu.partition[space]) : 0;
}

/**
 * simgpu_mmu_set_tma - note where the memory of a process' trap handler is
 * @sim: GPU
 * @space: address space
 * @tma: address, 0 for none
 *
 * Context: any.
 */
void simgpu_mmu_set_tma(struct simgpu *sim, u32 space, u64 tma)
{
	if (space < SIMGPU_NUM_SPACES)
		WRITE_ONCE(sim->mmu.tma[space], tma);
}

/**
 * simgpu_mmu_tma - where the memory of a process' trap handler is
 * @sim: GPU
 * @space: address space that a process has
 *
 * Context: any.
 * Return: address, 0 for none.
 */
u64 simgpu_mmu_tma(struct simgpu *sim, u32 space)
{
	return space < SIMGPU_NUM_SPACES ? READ_ONCE(sim->mmu.tma[space]) : 0;
}

/**
 * simgpu_mmu_set_retry - note whether accesses of a process are repeated after a fault
 * @sim: GPU
 * @space: address space
 * @sh_mem_config: SH_MEM_CONFIG of the process
 *
 * Context: any.
 */
void simgpu_mmu_set_retry(struct simgpu *sim, u32 space, u32 sh_mem_config)
{
	bool able = sim->desc->gc_version == IP_VERSION(9, 4, 2) ||
		    sim->desc->gc_version == IP_VERSION(9, 4, 3);

	if (space < SIMGPU_NUM_SPACES)
		WRITE_ONCE(sim->mmu.retry[space],
			   able && !(sh_mem_config & SH_MEM_RETRY_DISABLE));
}

/**
 * simgpu_mmu_flush_space - invalidate the TLB of one VMID
 * @sim: GPU
 * @space: VMID
 *
 * Context: any.  Takes sim->mmu.lock.
 */
void simgpu_mmu_flush_space(struct simgpu *sim, u32 space)
{
	spin_lock(&sim->mmu.lock);
	sim->mmu.flushes++;
	simgpu_tlb_drop(&sim->mmu, space);
	spin_unlock(&sim->mmu.lock);
}

/**
 * simgpu_mmu_flush_pasid - invalidate the TLB of one process
 * @sim: GPU
 * @pasid: process
 *
 * Context: any.  Takes sim->mmu.lock.
 */
void simgpu_mmu_flush_pasid(struct simgpu *sim, u32 pasid)
{
	u32 i;

	spin_lock(&sim->mmu.lock);
	sim->mmu.flushes++;
	for (i = 1; i < SIMGPU_NUM_SPACES; i++)
		if (sim->mmu.pasid[i] == pasid)
			simgpu_tlb_drop(&sim->mmu, i);
	spin_unlock(&sim->mmu.lock);
}

/**
 * simgpu_read - read memory as the GPU
 * @space: address space
 * @va: address
 * @buf: where to
 * @len: bytes
 *
 * Context: any.  Takes sim->mmu.lock.
 * Return: 0, or -EFAULT with @space->fault set.
 */
int simgpu_read(struct simgpu_space *space, u64 va, void *buf, size_t len)
{
	struct simgpu_mmu *mmu = &space->sim->mmu;

	while (len) {
		u64 part = len;
		void *kva;

		spin_lock(&mmu->lock);
		kva = simgpu_translate(space, va, &part, AMDGPU_PTE_READABLE);
		if (kva)
			memcpy(buf, kva, part);
		spin_unlock(&mmu->lock);
		if (!kva) {
			if (!space->drop_faults)
				return -EFAULT;
			memset(buf, 0, part);
		}
		va += part;
		buf += part;
		len -= part;
	}
	return 0;
}

/**
 * simgpu_write - write memory as the GPU
 * @space: address space
 * @va: address
 * @buf: what
 * @len: bytes
 *
 * A naturally aligned write of 4 or 8 bytes is seen at once by the CPU.
 *
 * Context: any.  Takes sim->mmu.lock.
 * Return: 0, or -EFAULT with @space->fault set; bytes before it are written.
 */
int simgpu_write(struct simgpu_space *space, u64 va, const void *buf, size_t len)
{
	struct simgpu_mmu *mmu = &space->sim->mmu;

	while (len) {
		u64 part = len;
		void *kva;

		spin_lock(&mmu->lock);
		kva = simgpu_translate(space, va, &part, AMDGPU_PTE_WRITEABLE);
		/* order this write behind all that the engine wrote before */
		smp_wmb();
		if (kva && part == sizeof(u64) && IS_ALIGNED(va, sizeof(u64)))
			WRITE_ONCE(*(u64 *)kva, get_unaligned((const u64 *)buf));
		else if (kva && part == sizeof(u32) && IS_ALIGNED(va, sizeof(u32)))
			WRITE_ONCE(*(u32 *)kva, get_unaligned((const u32 *)buf));
		else if (kva)
			memcpy(kva, buf, part);
		spin_unlock(&mmu->lock);
		if (!kva && !space->drop_faults)
			return -EFAULT;
		va += part;
		buf += part;
		len -= part;
	}
	return 0;
}

/**
 * simgpu_copy - copy memory as the GPU, from low to high addresses
 * @space: address space of both
 * @dst: where to
 * @src: where from
 * @len: bytes
 *
 * Context: process context: gives way to others on the way.  Takes
 * sim->mmu.lock.
 * Return: 0, or -EFAULT with @space->fault set; bytes before it are copied.
 */
int simgpu_copy(struct simgpu_space *space, u64 dst, u64 src, u64 len)
{
	struct simgpu_mmu *mmu = &space->sim->mmu;

	while (len) {
		u64 part = len;
		void *from, *to;

		spin_lock(&mmu->lock);
		from = simgpu_translate(space, src, &part, AMDGPU_PTE_READABLE);
		/* the slot may be taken over for dst, the page behind it is held by the lock */
		to = NULL;
		if (from || space->drop_faults)
			to = simgpu_translate(space, dst, &part, AMDGPU_PTE_WRITEABLE);
		if (from && to)
			memmove(to, from, part);
		spin_unlock(&mmu->lock);
		if ((!from || !to) && !space->drop_faults)
			return -EFAULT;
		dst += part;
		src += part;
		len -= part;
		cond_resched();
	}
	return 0;
}

/**
 * simgpu_fill - fill memory as the GPU
 * @space: address space
 * @dst: where to
 * @pattern: what; its low @unit bytes repeat
 * @unit: 1, 2 or 4
 * @len: bytes
 *
 * Context: process context: gives way to others on the way.  Takes
 * sim->mmu.lock.
 * Return: 0, or -EFAULT with @space->fault set; bytes before it are filled.
 */
int simgpu_fill(struct simgpu_space *space, u64 dst, u32 pattern, unsigned int unit, u64 len)
{
	struct simgpu_mmu *mmu = &space->sim->mmu;
	unsigned int phase = 0;
	u8 bytes[sizeof(u32)];

	put_unaligned_le32(pattern, bytes);
	while (len) {
		u64 part = len, i;
		u8 *kva;

		spin_lock(&mmu->lock);
		kva = simgpu_translate(space, dst, &part, AMDGPU_PTE_WRITEABLE);
		if (kva && unit == sizeof(u32) && !phase && IS_ALIGNED(dst | part, sizeof(u32))) {
			memset32((u32 *)kva, pattern, part / sizeof(u32));
		} else if (kva) {
			for (i = 0; i < part; i++)
				kva[i] = bytes[(phase + i) % unit];
		}
		spin_unlock(&mmu->lock);
		if (!kva && !space->drop_faults)
			return -EFAULT;
		phase = (phase + part) % unit;
		dst += part;
		len -= part;
		cond_resched();
	}
	return 0;
}

/**
 * simgpu_same_memory - do two addresses lead to the same memory
 * @space1: address space of @va1
 * @va1: address that has to be mapped
 * @space2: address space of @va2, on the same GPU
 * @va2: address; when it is not mapped, it is not what @va1 would be compared with
 *
 * Context: any.  Takes sim->mmu.lock.
 * Return: false when they do not, or @va1 is not mapped.
 */
bool simgpu_same_memory(struct simgpu_space *space1, u64 va1, struct simgpu_space *space2,
			u64 va2)
{
	struct simgpu_mmu *mmu = &space1->sim->mmu;
	void *kva1, *kva2;
	u64 len = 1;

	spin_lock(&mmu->lock);
	kva1 = simgpu_translate(space1, va1, &len, AMDGPU_PTE_READABLE);
	kva2 = simgpu_translate(space2, va2, &len, AMDGPU_PTE_READABLE);
	spin_unlock(&mmu->lock);
	return kva1 && (!kva2 || kva1 == kva2);
}

/**
 * simgpu_atomic_add64 - add to a 64-bit word as the GPU
 * @space: address space
 * @va: address, a multiple of 8
 * @addend: what to add, modulo 2^64
 * @old: gets the value before, may be NULL
 *
 * Atomic against the CPU and all GPUs.
 *
 * Context: any.  Takes sim->mmu.lock.
 * Return: 0, -EINVAL for an odd address, -EFAULT with @space->fault set.
 */
int simgpu_atomic_add64(struct simgpu_space *space, u64 va, u64 addend, u64 *old)
{
	struct simgpu_mmu *mmu = &space->sim->mmu;
	u64 len = sizeof(u64), before = 0;
	atomic64_t *kva;

	if (!IS_ALIGNED(va, sizeof(u64)))
		return -EINVAL;
	spin_lock(&mmu->lock);
	kva = simgpu_translate(space, va, &len, AMDGPU_PTE_WRITEABLE);
	if (kva)
		before = atomic64_fetch_add(addend, kva);
	spin_unlock(&mmu->lock);
	if (!kva && !space->drop_faults)
		return -EFAULT;
	if (old)
		*old = before;
	return 0;
}

/**
 * simgpu_fetch - read instructions
 * @space: address space
 * @va: address
 * @buf: gets them
 * @len: bytes
 *
 * Context: any.
 * Return: 0, or -EFAULT with the fault in @space, also for memory that is not
 * executable.
 */
int simgpu_fetch(struct simgpu_space *space, u64 va, void *buf, size_t len)
{
	struct simgpu_mmu *mmu = &space->sim->mmu;

	while (len) {
		u64 part = len;
		void *kva;

		spin_lock(&mmu->lock);
		kva = simgpu_translate(space, va, &part, AMDGPU_PTE_READABLE |
				       AMDGPU_PTE_EXECUTABLE);
		if (kva)
			memcpy(buf, kva, part);
		spin_unlock(&mmu->lock);
		if (!kva)
			return -EFAULT;
		va += part;
		buf += part;
		len -= part;
	}
	return 0;
}

/**
 * simgpu_probe - would an access be allowed
 * @space: address space
 * @va: address
 * @len: bytes
 * @write: for writing, else for reading
 *
 * Context: any.
 * Return: 0, or -EFAULT with the fault in @space.
 */
int simgpu_probe(struct simgpu_space *space, u64 va, u64 len, bool write)
{
	struct simgpu_mmu *mmu = &space->sim->mmu;

	while (len) {
		u64 part = len;
		void *kva;

		spin_lock(&mmu->lock);
		kva = simgpu_translate(space, va, &part, write ? AMDGPU_PTE_WRITEABLE :
								 AMDGPU_PTE_READABLE);
		spin_unlock(&mmu->lock);
		if (!kva)
			return -EFAULT;
		va += part;
		len -= part;
	}
	return 0;
}

/**
 * simgpu_update - replace memory by a function of it, in one piece
 * @space: address space
 * @va: address, aligned to @bytes
 * @bytes: 4 or 8
 * @result: what it becomes; may be called several times
 * @context: for @result
 * @old: gets what it was
 *
 * Context: any.
 * Return: 0; -EFAULT with the fault in @space, -EINVAL for another alignment.
 */
int simgpu_update(struct simgpu_space *space, u64 va, unsigned int bytes,
		  u64 (*result)(void *context, unsigned int bytes, u64 memory), void *context,
		  u64 *old)
{
	struct simgpu_mmu *mmu = &space->sim->mmu;
	u64 len = bytes;
	void *kva;

	if ((bytes != sizeof(u32) && bytes != sizeof(u64)) || !IS_ALIGNED(va, bytes))
		return -EINVAL;
	spin_lock(&mmu->lock);
	kva = simgpu_translate(space, va, &len, AMDGPU_PTE_WRITEABLE);
	if (kva && bytes == sizeof(u64)) {
		u64 was = READ_ONCE(*(u64 *)kva);

		while (!try_cmpxchg64((u64 *)kva, &was, result(context, bytes, was)))
			;
		*old = was;
	} else if (kva) {
		u32 was = READ_ONCE(*(u32 *)kva);

		while (!try_cmpxchg((u32 *)kva, &was, (u32)result(context, bytes, was)))
			;
		*old = was;
	}
	spin_unlock(&mmu->lock);
	return kva ? 0 : -EFAULT;
}
