/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel as those files of amdkfd need that read an image, in
 * user space. The Makefile puts this in place of every header of the kernel that
 * they include; the UAPI, the layouts of MQDs and the masks of their registers are
 * the kernel's own.
 *
 * What is stricter here than in the kernel: each allocation is one of the C library,
 * exactly as large as it was asked for, and so AddressSanitizer's to watch.
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;

#define U32_MAX			((u32)~0U)
#define U64_MAX			((u64)~0ULL)
#define SZ_256			0x100
#define SZ_1K			0x400
#define SZ_4K			0x1000
#define SZ_64K			0x10000
#define SZ_1M			0x100000
#define SZ_256M			0x10000000
#define SZ_4G			0x100000000ULL

#define static_assert(what, ...)	_Static_assert(what, #what)
#define sizeof_field(type, member)	sizeof(((type *)NULL)->member)
#define offsetofend(type, member)	(offsetof(type, member) + sizeof_field(type, member))
#define ARRAY_SIZE(a)			(sizeof(a) / sizeof(*(a)))

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK(high, low)	((~0UL << (low)) & (~0UL >> (63 - (high))))
#define hweight32(w)		((u32)__builtin_popcount(w))
#define ALIGN_DOWN(x, a)	((x) - (x) % (a))
#define ALIGN(x, a)		ALIGN_DOWN((x) + (typeof(x))(a) - 1, (typeof(x))(a))
#define IS_ALIGNED(x, a)	((x) % (a) == 0)
#define upper_32_bits(x)	((u32)((u64)(x) >> 32))
#define lower_32_bits(x)	((u32)(x))

#define min_t(type, a, b)	({ type x_ = (a), y_ = (b); x_ < y_ ? x_ : y_; })
#define max_t(type, a, b)	({ type x_ = (a), y_ = (b); x_ > y_ ? x_ : y_; })
#define max(a, b)		max_t(typeof(a), a, b)
#define check_mul_overflow(a, b, to)	__builtin_mul_overflow(a, b, to)

static inline size_t size_add(size_t a, size_t b)
{
	size_t sum;

	return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

static inline size_t size_mul(size_t a, size_t b)
{
	size_t product;

	return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

static inline bool is_power_of_2(unsigned long n)
{
	return __builtin_popcountl(n) == 1;
}

static inline const void *memchr_inv(const void *start, int c, size_t size)
{
	const u8 *at = start;

	for (; size; size--, at++)
		if (*at != (u8)c)
			return at;
	return NULL;
}

/* The library inverts before and after, the kernel does neither. */
static inline u32 crc32_le(u32 crc, const void *p, size_t size)
{
	return ~crc32(~crc, p, size);
}

static inline bool __test_and_set_bit(unsigned long bit, unsigned long *map)
{
	unsigned long mask = 1UL << bit % (8 * sizeof(*map));
	unsigned long *word = &map[bit / (8 * sizeof(*map))];
	bool was = *word & mask;

	*word |= mask;
	return was;
}

static inline void cond_resched(void)
{
}

#define sort(base, n, size, compare, swap)	qsort(base, n, size, compare)

/* Memory: kernel.c counts it, and fails where it was told to. */
#define gfp_t			unsigned int

#define GFP_KERNEL_ACCOUNT	0
#define __GFP_NOWARN		0
#define __GFP_RETRY_MAYFAIL	0
#define __GFP_ZERO		1
#define PAGE_ALLOC_COSTLY_ORDER	3

void *fuzz_alloc(size_t n, size_t size);
void fuzz_free(const void *p);
void fuzz_fail_nth(unsigned int n);
bool fuzz_has_failed(void);
unsigned int fuzz_outstanding(void);
size_t fuzz_last_size(void);

#define __vmalloc(size, flags)		kmalloc(size, flags)
#define kvfree(p)			fuzz_free(p)
#define bitmap_free(map)		fuzz_free(map)

static inline void *kmalloc(size_t size, gfp_t flags)
{
	void *p = fuzz_alloc(1, size);

	return p && flags & __GFP_ZERO ? memset(p, 0, size) : p;
}

static inline unsigned long *bitmap_zalloc(unsigned int bits, gfp_t flags)
{
	return kmalloc(ALIGN((size_t)bits, 64) / 8, flags | __GFP_ZERO);
}

/* That of the machine that an input is for. */
extern unsigned long fuzz_page_size;
#define PAGE_SIZE		fuzz_page_size

struct list_head {
	struct list_head *next, *prev;
};

/* Engine code that runs here leaves them alone. */
struct xarray {
	void *head;
};

/* A lock is taken once, and given back: fuzz_outstanding() counts it, too. */
struct mutex {
	bool held;
};

void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

/* Files in words: what is shown is formatted, and cut off where the memory ends. */
struct seq_file {
	char *buf;
	size_t size;
	size_t count;
	void *private;
};

void seq_printf(struct seq_file *m, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void seq_puts(struct seq_file *m, const char *s);
void seq_putc(struct seq_file *m, char c);

struct file_operations {
	int (*show)(struct seq_file *m, void *unused);
};

#define DEFINE_SHOW_ATTRIBUTE(name)					\
	static const struct file_operations name##_fops = { .show = name##_show }

struct dentry {
	const struct file_operations *fops;
	void *data;
	char name[16];
};

struct dentry *debugfs_create_dir(const char *name, struct dentry *parent);
struct dentry *debugfs_create_file(const char *name, unsigned int mode, struct dentry *parent,
				   void *data, const struct file_operations *fops);
struct dentry *debugfs_lookup(const char *name, struct dentry *parent);
void debugfs_remove(struct dentry *dentry);
void debugfs_remove_recursive(struct dentry *dentry);
void dput(struct dentry *dentry);

/* amdgpu and amdkfd, where those that read images touch them */
#include <uapi/linux/kfd_ioctl.h>

#define IP_VERSION(major, minor, rev)	((u32)(major) << 24 | (minor) << 16 | (rev) << 8)
#define IP_VERSION_MAJ(version)		((version) >> 24)
#define IP_VERSION_MIN(version)		((version) >> 16 & 0xff)
#define IP_VERSION_REV(version)		((version) >> 8 & 0xff)
#define KFD_GC_VERSION(node)		((node)->gc_version)

#define KFD_QUEUE_TYPE_COMPUTE		KFD_CRIU_QUEUE_COMPUTE
#define KFD_QUEUE_TYPE_SDMA		KFD_CRIU_QUEUE_SDMA
#define KFD_QUEUE_TYPE_SDMA_XGMI	KFD_CRIU_QUEUE_SDMA_XGMI

struct kfd_node {
	u32 gc_version;
};

struct task_struct {
	int pid;
};

struct kfd_process {
	struct mutex mutex;	/* held while its image is shown */
	struct task_struct *lead_thread;
};

#endif
