/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernels for the GPU: the code objects that are built of kernels/, in memory
 * that a GPU can execute, and their dispatch.
 */
#ifndef KFD_KERNEL_H
#define KFD_KERNEL_H

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kfd_lib.h"

/* The kernel descriptor of the code object. */
struct kernel_descriptor {
	uint32_t group_size, private_size, kernarg_size, reserved0;
	int64_t entry;
	uint32_t reserved1[5], rsrc3, rsrc1, rsrc2;
	uint16_t properties, preload;
	uint32_t reserved2;
};

/* user registers that a kernel wants, in the order in which it gets them */
#define KERNEL_PRIVATE_BUFFER	0x1u
#define KERNEL_DISPATCH_PTR	0x2u
#define KERNEL_QUEUE_PTR	0x4u
#define KERNEL_KERNARG		0x8u
#define KERNEL_DISPATCH_ID	0x10u
#define KERNEL_FLAT_SCRATCH	0x20u
#define KERNEL_PRIVATE_SIZE	0x40u
#define KERNEL_WAVE32		0x400u

/**
 * struct kernel - a kernel that is ready
 * @bo: the code object, and behind it places for arguments
 * @descriptor: address of the kernel descriptor
 * @info: the kernel descriptor
 * @group_size: bytes of LDS that it says it needs
 * @args: offset of the places for arguments
 */
struct kernel {
	struct kfd_bo bo;
	uint64_t descriptor;
	struct kernel_descriptor info;
	uint32_t group_size;
	uint64_t args;
};

/**
 * struct kernel_scratch - memory for what work-items keep in scratch
 * @bo: the memory, each wave in its place
 * @tmpring: COMPUTE_TMPRING_SIZE, places and their size
 */
struct kernel_scratch {
	struct kfd_bo bo;
	uint32_t tmpring;
};

#define KERNEL_ARGS	4096u
#define KERNEL_FILE	65536u

/* "gfx90a" for 90010. */
static inline void gfx_name(uint32_t version, char *name, size_t len)
{
	snprintf(name, len, "gfx%u%u%x", version / 10000, version / 100 % 100, version % 100);
}

/* The file of a kernel, beside the program.  Returns bytes, or -ENOENT when it was not built. */
static inline ssize_t kernel_file(const struct kfd_gpu *g, const char *name, char *buf, size_t len)
{
	char path[PATH_MAX] = "", gfx[16], *end;
	ssize_t got;
	FILE *f;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return -errno;
	end = strrchr(path, '/') + 1;
	gfx_name(g->gfx_version, gfx, sizeof(gfx));
	snprintf(end, sizeof(path) - (end - path), "%s-%s.co", name, gfx);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	got = fread(buf, 1, len, f);
	fclose(f);
	return got;
}

/* Address of a symbol of the file, 0 when there is none. */
static inline uint64_t kernel_symbol(const char *file, const char *name)
{
	const Elf64_Ehdr *header = (const void *)file;
	const Elf64_Shdr *section = (const void *)(file + header->e_shoff);
	unsigned int i, j;

	for (i = 0; i < header->e_shnum; i++) {
		const Elf64_Sym *symbol = (const void *)(file + section[i].sh_offset);
		const char *names;

		if (section[i].sh_type != SHT_DYNSYM)
			continue;
		names = file + section[section[i].sh_link].sh_offset;
		for (j = 0; j < section[i].sh_size / sizeof(*symbol); j++)
			if (!strcmp(names + symbol[j].st_name, name))
				return symbol[j].st_value;
	}
	return 0;
}

/*
 * Load kernel @name for GPU @gpu to address @va, or to one that the library picks if that is 0.
 * -ENOENT when it was not built.
 */
static inline int kernel_load_at(struct kfd *k, struct kernel *kernel, unsigned int gpu,
				 const char *name, uint64_t va)
{
	static char file[KERNEL_FILE] __attribute__((aligned(8)));
	const Elf64_Ehdr *header = (const void *)file;
	const Elf64_Phdr *part;
	uint64_t end = 0, symbol;
	char descriptor[64];
	ssize_t len;
	unsigned int i;
	int r;

	len = kernel_file(&k->gpu[gpu], name, file, sizeof(file));
	if (len < 0)
		return len;
	if (len < (ssize_t)sizeof(*header) || memcmp(file, ELFMAG, SELFMAG))
		return -ENOEXEC;
	part = (const void *)(file + header->e_phoff);
	for (i = 0; i < header->e_phnum; i++)
		if (part[i].p_type == PT_LOAD && part[i].p_vaddr + part[i].p_memsz > end)
			end = part[i].p_vaddr + part[i].p_memsz;
	snprintf(descriptor, sizeof(descriptor), "%s.kd", name);
	symbol = kernel_symbol(file, descriptor);
	if (!end || !symbol)
		return -ENOEXEC;
	kernel->args = (end + KFD_PAGE - 1) / KFD_PAGE * KFD_PAGE;
	r = kfd_bo_create(k, &kernel->bo, gpu, va, kernel->args + KERNEL_ARGS, KFD_BO_GTT,
			  1u << gpu);
	if (r)
		return r;
	memset(kernel->bo.cpu, 0, kernel->bo.size);
	for (i = 0; i < header->e_phnum; i++)
		if (part[i].p_type == PT_LOAD)
			memcpy((char *)kernel->bo.cpu + part[i].p_vaddr, file + part[i].p_offset,
			       part[i].p_filesz);
	kernel->descriptor = kernel->bo.va + symbol;
	memcpy(&kernel->info, (char *)kernel->bo.cpu + symbol, sizeof(kernel->info));
	kernel->group_size = kernel->info.group_size;
	return 0;
}

static inline int kernel_load(struct kfd *k, struct kernel *kernel, unsigned int gpu,
			      const char *name)
{
	return kernel_load_at(k, kernel, gpu, name, 0);
}

/* Scratch memory for @waves waves, @bytes for each work-item. */
static inline int kernel_scratch_create(struct kfd *k, struct kernel_scratch *s, unsigned int gpu,
					uint64_t va, uint32_t waves, uint32_t bytes)
{
	const struct kfd_gpu *g = &k->gpu[gpu];
	uint32_t unit = g->gfx_version >= 110000 ? 256 : 1024, wave = 64 * bytes, engines = 1;

	/* newer GPUs have so many places for each shader engine, and each XCC has them */
	if (g->gfx_version >= 110000)
		engines = kfd_node_property(g->node, "array_count");
	wave = (wave + unit - 1) / unit * unit;
	s->tmpring = waves | wave / unit << 12;
	return kfd_bo_create(k, &s->bo, gpu, va,
			     ((uint64_t)waves * wave * g->num_xcc * engines + KFD_PAGE - 1) &
			     ~(KFD_PAGE - 1), KFD_BO_VRAM, 1u << gpu);
}

/* Where a runtime's structure of this queue would begin: the pointers are in it. */
static inline uint64_t kernel_queue_va(const struct kfd_queue *q)
{
	return q->ptrs.va;
}

/* Tell an AQL queue where its scratch memory is, as a runtime does: behind the read pointer. */
static inline void kernel_scratch_set(struct kfd_queue *q, const struct kernel_scratch *s)
{
	uint32_t *word = (uint32_t *)q->rptr;

	word[2] = (char *)q->rptr - (char *)q->ptrs.cpu;
	word[3] = s->tmpring;
	word[4] = (uint32_t)s->bo.va;
	word[5] = s->bo.va >> 32;
	word[6] = s->bo.size;
	word[7] = 0;
	memcpy(word + 8, &s->bo.va, sizeof(s->bo.va));
}

/* Put arguments into place @slot.  Returns their address. */
static inline uint64_t kernel_args(struct kernel *kernel, unsigned int slot, const void *args,
				   size_t len)
{
	uint64_t offset = kernel->args + slot * 64;

	memcpy((char *)kernel->bo.cpu + offset, args, len);
	return kernel->bo.va + offset;
}

/* Dispatch a grid, with the scratch memory that the kernel says it needs. */
static inline void kernel_dispatch_3d(struct kfd_queue *q, const struct kernel *kernel,
				      uint64_t args, const uint32_t size[3],
				      const uint16_t group[3], uint64_t completion)
{
	struct aql_grid grid = {
		.kernel = kernel->descriptor,
		.args = args,
		.lds = kernel->group_size,
		.scratch = kernel->info.private_size,
		.completion = completion,
	};

	memcpy(grid.size, size, sizeof(grid.size));
	memcpy(grid.group, group, sizeof(grid.group));
	aql_dispatch_grid(q, &grid);
}

/* The same in one dimension. */
static inline void kernel_dispatch(struct kfd_queue *q, const struct kernel *kernel,
				   uint64_t args, uint32_t size, uint16_t group,
				   uint64_t completion)
{
	const uint32_t sizes[3] = { size };
	const uint16_t groups[3] = { group };

	kernel_dispatch_3d(q, kernel, args, sizes, groups, completion);
}

/* Registers of a dispatch, as pm4_set_sh_reg() counts them. */
enum kernel_reg {
	REG_START_X = 0x204,
	REG_NUM_THREAD_X = 0x207,
	REG_PGM_LO = 0x20c,
	REG_SCRATCH_LO = 0x210,
	REG_RSRC1 = 0x212,
	REG_TMPRING = 0x218,
	REG_RSRC3_GFX10 = 0x228,
	REG_RSRC3_GFX90A = 0x22d,
	REG_USER_DATA = 0x240,
};

/* COMPUTE_DISPATCH_INITIATOR */
#define INITIATOR_SHADER	0x1u
#define INITIATOR_START0	0x4u
#define INITIATOR_THREADS	0x20u
#define INITIATOR_WAVE32	0x8000u

/*
 * Set all registers of a dispatch in a PM4 queue.  @partial: work-items of the last workgroup in
 * each dimension, 0 for all, or NULL.  Returns what the packet that starts it has to add to its
 * initiator, or -EINVAL for a kernel that wants what a PM4 queue does not know.
 */
static inline int kernel_pm4_registers(struct kfd_queue *q, const struct kernel *kernel,
				       uint64_t args, const uint16_t group[3],
				       const uint16_t partial[3],
				       const struct kernel_scratch *scratch)
{
	const struct kernel_descriptor *info = &kernel->info;
	uint64_t entry = (kernel->descriptor + info->entry) >> 8;
	uint64_t base = scratch ? scratch->bo.va : 0;
	uint32_t user[16] = { 0 }, users = 0, size[3], i;
	uint32_t rsrc[2] = { info->rsrc1, info->rsrc2 };
	const uint32_t zero[3] = { 0 };

	if (info->properties & (KERNEL_PRIVATE_BUFFER | KERNEL_DISPATCH_PTR | KERNEL_QUEUE_PTR |
				KERNEL_DISPATCH_ID))
		return -EINVAL;
	if (info->properties & KERNEL_KERNARG) {
		user[users++] = (uint32_t)args;
		user[users++] = args >> 32;
	}
	if (info->properties & KERNEL_FLAT_SCRATCH) {
		user[users++] = (uint32_t)base;
		user[users++] = base >> 32;
	}
	if (info->properties & KERNEL_PRIVATE_SIZE)
		user[users++] = info->private_size;
	/* LDS in steps of 512 bytes: the descriptor leaves it to the dispatch */
	rsrc[1] |= (kernel->group_size + 511) / 512 << 15;
	for (i = 0; i < 3; i++)
		size[i] = group[i] | (partial ? partial[i] << 16 : 0);
	pm4_set_sh_reg(q, REG_START_X, zero, 3);
	pm4_set_sh_reg(q, REG_NUM_THREAD_X, size, 3);
	pm4_set_sh_reg(q, REG_PGM_LO, (uint32_t []){ (uint32_t)entry, entry >> 32 }, 2);
	pm4_set_sh_reg(q, REG_RSRC1, rsrc, 2);
	if (q->gfx_version >= 100000)
		pm4_set_sh_reg(q, REG_RSRC3_GFX10, &info->rsrc3, 1);
	else if (q->gfx_version >= 90010)
		pm4_set_sh_reg(q, REG_RSRC3_GFX90A, &info->rsrc3, 1);
	base >>= 8;
	pm4_set_sh_reg(q, REG_SCRATCH_LO, (uint32_t []){ (uint32_t)base, base >> 32 }, 2);
	pm4_set_sh_reg(q, REG_TMPRING, scratch ? &scratch->tmpring : zero, 1);
	pm4_set_sh_reg(q, REG_USER_DATA, user, 16);
	return INITIATOR_SHADER | INITIATOR_START0 |
	       (info->properties & KERNEL_WAVE32 ? INITIATOR_WAVE32 : 0);
}

/* Dispatch a grid of @grid work-items of one dimension in a PM4 queue or an indirect buffer. */
static inline int kernel_dispatch_pm4(struct kfd_queue *q, const struct kernel *kernel,
				      uint64_t args, uint32_t grid, uint16_t group,
				      const struct kernel_scratch *scratch)
{
	const uint16_t groups[3] = { group, 1, 1 };
	const uint32_t dim[3] = { grid, 1, 1 };
	int r = kernel_pm4_registers(q, kernel, args, groups, NULL, scratch);

	if (r < 0)
		return r;
	pm4_dispatch_direct(q, dim, r | INITIATOR_THREADS);
	return 0;
}

#endif
