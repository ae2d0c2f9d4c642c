// SPDX-License-Identifier: GPL-2.0
/*
 * SVM ranges: ordinary memory of the process that its GPUs use, wherever it
 * is at the moment.  With XNACK, nobody tells the driver of it before.
 */
#include "kfd_kernel.h"
#include "kfd_test.h"

#define RANGE		(2 * MIB)

FIXTURE(kfd_svm)
{
	struct env e;
	struct kfd_queue q[KFD_MAX_GPUS];
	struct kfd_bo gtt;
	struct kfd_event fault;
	uint64_t va;
	char *p;
};

FIXTURE_SETUP(kfd_svm)
{
	struct kfd *k = &self->e.k;
	unsigned int g;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	ASSERT_EQ(0, kfd_bo_create(k, &self->gtt, 0, 0, RANGE, KFD_BO_GTT, self->e.all));
	ASSERT_EQ(0, kfd_event_create(k, &self->fault, KFD_IOC_EVENT_MEMORY, true, NULL));
	for (g = 0; g < k->ngpu; g++)
		ASSERT_EQ(0, kfd_queue_create(k, &self->q[g], KFD_Q_SDMA, g, 0));
	self->va = 0;
	g = kfd_svm_create(k, &self->va, RANGE, self->e.all);
	if ((int)g == -EPERM || (int)g == -EOPNOTSUPP || (int)g == -ENODEV)
		SKIP(return, "no SVM");
	ASSERT_EQ(0, g);
	self->p = (char *)(uintptr_t)self->va;
	pattern_fill(self->p, RANGE, 1);
}

FIXTURE_TEARDOWN(kfd_svm)
{
	struct kfd *k = &self->e.k;
	unsigned int g;

	for (g = 0; g < k->ngpu; g++)
		EXPECT_EQ(0, kfd_queue_destroy(k, &self->q[g]));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->gtt));
	munmap(self->p, RANGE);
	env_close(&self->e);
}

/* Value of one attribute over a range, or -1. */
static int64_t attribute(struct _test_data_kfd_svm *self, uint64_t va, uint64_t size,
			 uint32_t type)
{
	struct kfd_ioctl_svm_attribute attr = { .type = type };

	return kfd_svm_get(&self->e.k, va, size, &attr, 1) ? -1 : (int64_t)attr.value;
}

/* What kind of access a GPU has: the answer comes in the type. */
static uint32_t access_of(struct _test_data_kfd_svm *self, uint64_t va, uint64_t size,
			  unsigned int g)
{
	struct kfd_ioctl_svm_attribute attr = {
		.type = KFD_IOCTL_SVM_ATTR_ACCESS,
		.value = self->e.k.gpu[g].gpu_id,
	};

	return kfd_svm_get(&self->e.k, va, size, &attr, 1) ? ~0u : attr.type;
}

static int set_one(struct _test_data_kfd_svm *self, uint64_t va, uint64_t size, uint32_t type,
		   uint32_t value)
{
	struct kfd_ioctl_svm_attribute attr = { .type = type, .value = value };

	return kfd_svm_set(&self->e.k, va, size, &attr, 1);
}

TEST_F(kfd_svm, attributes)
{
	uint32_t id = self->e.k.gpu[0].gpu_id;
	unsigned int g;
	int64_t flags;

	flags = attribute(self, self->va, RANGE, KFD_IOCTL_SVM_ATTR_SET_FLAGS);
	EXPECT_EQ(KFD_IOCTL_SVM_FLAG_COHERENT | KFD_IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED,
		  flags & (KFD_IOCTL_SVM_FLAG_COHERENT | KFD_IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED |
			   KFD_IOCTL_SVM_FLAG_GPU_RO));
	for (g = 0; g < self->e.k.ngpu; g++)
		EXPECT_EQ(KFD_IOCTL_SVM_ATTR_ACCESS, access_of(self, self->va, RANGE, g));
	EXPECT_EQ(KFD_IOCTL_SVM_LOCATION_UNDEFINED,
		  attribute(self, self->va, RANGE, KFD_IOCTL_SVM_ATTR_PREFERRED_LOC));

	ASSERT_EQ(0, set_one(self, self->va, RANGE, KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, id));
	EXPECT_EQ(id, attribute(self, self->va, RANGE, KFD_IOCTL_SVM_ATTR_PREFERRED_LOC));
	ASSERT_EQ(0, set_one(self, self->va, RANGE, KFD_IOCTL_SVM_ATTR_GRANULARITY, 7));
	EXPECT_EQ(7, attribute(self, self->va, RANGE, KFD_IOCTL_SVM_ATTR_GRANULARITY));
	ASSERT_EQ(0, set_one(self, self->va, RANGE, KFD_IOCTL_SVM_ATTR_SET_FLAGS,
			     KFD_IOCTL_SVM_FLAG_GPU_EXEC));
	EXPECT_EQ(flags | KFD_IOCTL_SVM_FLAG_GPU_EXEC,
		  attribute(self, self->va, RANGE, KFD_IOCTL_SVM_ATTR_SET_FLAGS));
	ASSERT_EQ(0, set_one(self, self->va, RANGE, KFD_IOCTL_SVM_ATTR_CLR_FLAGS,
			     KFD_IOCTL_SVM_FLAG_GPU_EXEC));
	EXPECT_EQ(flags & ~KFD_IOCTL_SVM_FLAG_GPU_EXEC,
		  attribute(self, self->va, RANGE, KFD_IOCTL_SVM_ATTR_SET_FLAGS));
	/* none of that has touched the memory */
	EXPECT_EQ(0, pattern_bad(self->p, RANGE, 1));
}

/* Attributes of a part split the range: a question about the whole has no single answer. */
TEST_F(kfd_svm, attributes_of_a_part)
{
	uint32_t id = self->e.k.gpu[0].gpu_id;
	uint64_t a = self->va + RANGE / 4, n = RANGE / 2;

	ASSERT_EQ(0, set_one(self, self->va, RANGE, KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, 0));
	ASSERT_EQ(0, set_one(self, a, n, KFD_IOCTL_SVM_ATTR_PREFERRED_LOC, id));
	EXPECT_EQ(id, attribute(self, a, n, KFD_IOCTL_SVM_ATTR_PREFERRED_LOC));
	EXPECT_EQ(id, attribute(self, a + KFD_PAGE, KFD_PAGE, KFD_IOCTL_SVM_ATTR_PREFERRED_LOC));
	EXPECT_EQ(0, attribute(self, self->va, RANGE / 4, KFD_IOCTL_SVM_ATTR_PREFERRED_LOC));
	EXPECT_EQ(0, attribute(self, a + n, RANGE / 4, KFD_IOCTL_SVM_ATTR_PREFERRED_LOC));
	EXPECT_EQ(KFD_IOCTL_SVM_LOCATION_UNDEFINED,
		  attribute(self, self->va, RANGE, KFD_IOCTL_SVM_ATTR_PREFERRED_LOC));
	/* the GPU sees it in one piece all the same */
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, self->va, RANGE));
	EXPECT_EQ(0, pattern_bad(self->gtt.cpu, RANGE, 1));
}

TEST_F(kfd_svm, refusals)
{
	struct kfd *k = &self->e.k;

	EXPECT_EQ(-EINVAL, set_one(self, self->va + 5, RANGE, KFD_IOCTL_SVM_ATTR_GRANULARITY, 9));
	EXPECT_EQ(-EINVAL, set_one(self, self->va, 0, KFD_IOCTL_SVM_ATTR_GRANULARITY, 9));
	EXPECT_EQ(-EINVAL, set_one(self, self->va, RANGE, 99, 1));
	EXPECT_EQ(-EINVAL, set_one(self, self->va, RANGE, KFD_IOCTL_SVM_ATTR_ACCESS, 0xfffffff0));
	/* a BO cannot be a range too */
	EXPECT_GT(0, set_one(self, self->gtt.va, RANGE, KFD_IOCTL_SVM_ATTR_ACCESS,
			     k->gpu[0].gpu_id));
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, self->va, RANGE));
	EXPECT_EQ(0, pattern_bad(self->gtt.cpu, RANGE, 1));
}

TEST_F(kfd_svm, every_gpu_reads_and_writes)
{
	struct kfd *k = &self->e.k;
	unsigned int g;

	for (g = 0; g < k->ngpu; g++) {
		pattern_fill(self->p, RANGE, 10 + g);
		memset(self->gtt.cpu, 0, RANGE);
		ASSERT_EQ(0, gpu_copy(&self->e, &self->q[g], self->gtt.va, self->va, RANGE));
		EXPECT_EQ(0, pattern_bad(self->gtt.cpu, RANGE, 10 + g));
		sdma_fill(&self->q[g], self->va, 0x900 + g, RANGE);
		ASSERT_EQ(0, sdma_sync(&self->e, &self->q[g]));
		EXPECT_EQ(0, words_bad(self->p, RANGE, 0x900 + g));
	}
}

/* What one GPU writes is what the next one reads. */
TEST_F(kfd_svm, gpus_share_a_range)
{
	struct kfd *k = &self->e.k;
	unsigned int g, i;

	for (i = 0; i < 3; i++) {
		for (g = 0; g < k->ngpu; g++) {
			unsigned int next = (g + 1) % k->ngpu;

			sdma_fill(&self->q[g], self->va + 4, i << 8 | g, RANGE - 4);
			ASSERT_EQ(0, sdma_sync(&self->e, &self->q[g]));
			ASSERT_EQ(0, gpu_copy(&self->e, &self->q[next], self->gtt.va, self->va,
					      RANGE));
			EXPECT_EQ(0, words_bad((uint32_t *)self->gtt.cpu + 1, RANGE - 4,
					       i << 8 | g));
		}
	}
	EXPECT_EQ(pattern(1, 0), *(uint32_t *)self->p);
}

/* To VRAM by prefetch, back by the CPU's touch, several times, to each GPU. */
TEST_F(kfd_svm, migrate_and_back)
{
	struct kfd *k = &self->e.k;
	unsigned int g, i, to, back;
	uint64_t va = 0;
	int smi;

	for (g = 0; g < k->ngpu; g++) {
		/* one accessor, so that nothing forbids VRAM */
		va = 0;
		ASSERT_EQ(0, kfd_svm_create(k, &va, RANGE, 1u << g));
		smi = smi_open(k, g);
		ASSERT_LE(0, smi);
		to = 0;
		back = 0;
		for (i = 0; i < 3; i++) {
			uint32_t *p = (void *)(uintptr_t)va;

			pattern_fill(p, RANGE, i);
			ASSERT_EQ(0, kfd_svm_prefetch(k, va, RANGE, k->gpu[g].gpu_id));
			EXPECT_EQ(k->gpu[g].gpu_id,
				  attribute(self, va, RANGE, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC));
			to += smi_count(smi, KFD_SMI_EVENT_MIGRATE_END,
					KFD_MIGRATE_TRIGGER_PREFETCH);
			/* the GPU finds in VRAM what the CPU wrote, and changes some of it */
			ASSERT_EQ(0, gpu_copy(&self->e, &self->q[g], self->gtt.va, va, RANGE));
			EXPECT_EQ(0, pattern_bad(self->gtt.cpu, RANGE, i));
			sdma_fill(&self->q[g], va + 64 * KIB, 0x77, 64 * KIB);
			ASSERT_EQ(0, sdma_sync(&self->e, &self->q[g]));
			/* the CPU faults it back */
			EXPECT_EQ(0, pattern_bad(p, 64 * KIB, i));
			EXPECT_EQ(0, words_bad((char *)p + 64 * KIB, 64 * KIB, 0x77));
			memset((char *)p + 64 * KIB, 0, 64 * KIB);
			sdma_copy(&self->q[g], va + 64 * KIB, self->gtt.va + 64 * KIB, 64 * KIB);
			ASSERT_EQ(0, sdma_sync(&self->e, &self->q[g]));
			EXPECT_EQ(0, pattern_bad(p, RANGE, i));
			sleep_ms(5);
			back += smi_count(smi, KFD_SMI_EVENT_MIGRATE_END,
					  KFD_MIGRATE_TRIGGER_PAGEFAULT_CPU);
		}
		EXPECT_LE(3, to);
		EXPECT_LE(3, back);
		close(smi);
		ASSERT_EQ(0, munmap((void *)(uintptr_t)va, RANGE));
	}
}

TEST_F(kfd_svm, prefetch_to_system_memory)
{
	struct kfd *k = &self->e.k;
	uint64_t va = 0;

	ASSERT_EQ(0, kfd_svm_create(k, &va, RANGE, 1));
	pattern_fill((void *)(uintptr_t)va, RANGE, 5);
	ASSERT_EQ(0, kfd_svm_prefetch(k, va, RANGE, k->gpu[0].gpu_id));
	sdma_fill(&self->q[0], va, 0x55, RANGE / 2);
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q[0]));
	ASSERT_EQ(0, kfd_svm_prefetch(k, va, RANGE, KFD_IOCTL_SVM_LOCATION_SYSMEM));
	EXPECT_EQ(0, attribute(self, va, RANGE, KFD_IOCTL_SVM_ATTR_PREFETCH_LOC));
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, va, RANGE));
	EXPECT_EQ(0, words_bad(self->gtt.cpu, RANGE / 2, 0x55));
	EXPECT_EQ(0, words_bad((void *)(uintptr_t)va, RANGE / 2, 0x55));
	EXPECT_EQ(0, memcmp((char *)self->gtt.cpu + RANGE / 2, (char *)(uintptr_t)va + RANGE / 2,
			    RANGE / 2));
	EXPECT_EQ(pattern(5, RANGE / 4 - 1), ((uint32_t *)(uintptr_t)va)[RANGE / 4 - 1]);
	munmap((void *)(uintptr_t)va, RANGE);
}

/* A part in VRAM, the rest not: each byte is where it should be. */
TEST_F(kfd_svm, migrate_a_part)
{
	const uint64_t off = 512 * KIB, n = 600 * KIB;
	struct kfd *k = &self->e.k;
	uint64_t va = 0;
	char *p;

	ASSERT_EQ(0, kfd_svm_create(k, &va, RANGE, 1));
	p = (void *)(uintptr_t)va;
	pattern_fill(p, RANGE, 6);
	ASSERT_EQ(0, kfd_svm_prefetch(k, va + off, n, k->gpu[0].gpu_id));
	/* over both borders */
	sdma_fill(&self->q[0], va + off - 4 * KIB, 0x66, 8 * KIB);
	sdma_fill(&self->q[0], va + off + n - 4 * KIB, 0x67, 8 * KIB);
	sdma_copy(&self->q[0], self->gtt.va, va, RANGE);
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q[0]));
	EXPECT_EQ(0, pattern_bad(self->gtt.cpu, off - 4 * KIB, 6));
	EXPECT_EQ(0, words_bad((char *)self->gtt.cpu + off - 4 * KIB, 8 * KIB, 0x66));
	EXPECT_EQ(0, words_bad((char *)self->gtt.cpu + off + n - 4 * KIB, 8 * KIB, 0x67));
	EXPECT_EQ(0, memcmp(p, self->gtt.cpu, RANGE));
	EXPECT_EQ(pattern(6, RANGE / 4 - 1), *(uint32_t *)(p + RANGE - 4));
	munmap(p, RANGE);
}

/* The kernel may replace pages behind a range: the GPU follows. */
TEST_F(kfd_svm, follows_new_pages)
{
	unsigned int i;
	int status;
	pid_t pid;

	for (i = 0; i < 3; i++) {
		/* after a fork the next write goes to a copy */
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			sleep_ms(30);
			_exit(0);
		}
		pattern_fill(self->p, RANGE, 100 + i);
		ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, self->va, RANGE));
		EXPECT_EQ(0, pattern_bad(self->gtt.cpu, RANGE, 100 + i));
		sdma_fill(&self->q[0], self->va, i, RANGE);
		ASSERT_EQ(0, sdma_sync(&self->e, &self->q[0]));
		EXPECT_EQ(0, words_bad(self->p, RANGE, i));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
	}
}

/*
 * A hole in the middle: both sides stay, the hole is gone from the GPU, too.
 * The range is smaller than a large page on purpose: the driver of 6.12 loses
 * what is behind the hole when a single large entry has mapped all of it.
 */
TEST_F(kfd_svm, munmap_the_middle)
{
	const uint64_t size = MIB, hole = 384 * KIB, n = 128 * KIB, rest = hole + n;
	struct kfd_ioctl_svm_attribute attr = { .type = KFD_IOCTL_SVM_ATTR_PREFERRED_LOC };
	uint64_t va = 0;
	char *p, *out = self->gtt.cpu;

	ASSERT_EQ(0, kfd_svm_create(&self->e.k, &va, size, 1));
	p = (void *)(uintptr_t)va;
	pattern_fill(p, size, 3);
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, va, size));
	memset(out, 0, size);

	ASSERT_EQ(0, munmap(p + hole, n));
	EXPECT_GT(0, kfd_svm_get(&self->e.k, va + hole, n, &attr, 1));
	sdma_copy(&self->q[0], self->gtt.va, va, hole);
	sdma_copy(&self->q[0], self->gtt.va + rest, va + rest, size - rest);
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q[0]));
	EXPECT_EQ(0, pattern_bad(out, hole, 3));
	EXPECT_EQ(0, memcmp(out + rest, p + rest, size - rest));
	EXPECT_EQ(pattern(3, size / 4 - 1), *(uint32_t *)(out + size - 4));
	/* new memory at the hole is nobody's until it is registered */
	ASSERT_EQ(p + hole, mmap(p + hole, n, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	memset(p + hole, 0x31, n);
	EXPECT_EQ(KFD_IOCTL_SVM_ATTR_NO_ACCESS, access_of(self, va + hole, n, 0));
	ASSERT_EQ(0, set_one(self, va + hole, n, KFD_IOCTL_SVM_ATTR_ACCESS,
			     self->e.k.gpu[0].gpu_id));
	ASSERT_EQ(0, set_one(self, va + hole, n, KFD_IOCTL_SVM_ATTR_SET_FLAGS,
			     KFD_IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED));
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, va, size));
	EXPECT_EQ(0, words_bad(out + hole, n, 0x31313131));
	EXPECT_EQ(0, pattern_bad(out, hole, 3));
	munmap(p, size);
}

TEST_F(kfd_svm, munmap_faults)
{
	struct kfd *k = &self->e.k;
	uint64_t va = 0;

	ASSERT_EQ(0, kfd_svm_create(k, &va, RANGE, 1));
	memset((void *)(uintptr_t)va, 0, RANGE);
	sdma_fill(&self->q[0], va, 1, RANGE);
	ASSERT_EQ(0, sdma_sync(&self->e, &self->q[0]));
	ASSERT_EQ(0, munmap((void *)(uintptr_t)va, RANGE));
	/* what the kernel does later has been done when it is asked for a range beside */
	access_of(self, self->va, RANGE, 0);
	sdma_fill(&self->q[0], va + 8 * KIB, 2, 4 * KIB);
	kfd_queue_submit(&self->q[0]);
	EXPECT_EQ(0, wait_fault(&self->e, &self->fault, 0, va + 8 * KIB, NULL));
}

/* A GPU without access to the range gets an exception, not the data. */
TEST_F(kfd_svm, no_access_faults)
{
	struct kfd *k = &self->e.k;
	unsigned int last = k->ngpu - 1;
	uint64_t va = 0;

	if (k->ngpu < 2)
		SKIP(return, "2 GPUs needed");
	ASSERT_EQ(0, kfd_svm_create(k, &va, RANGE, 1));
	pattern_fill((void *)(uintptr_t)va, RANGE, 2);
	EXPECT_EQ(KFD_IOCTL_SVM_ATTR_NO_ACCESS, access_of(self, va, RANGE, last));
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q[0], self->gtt.va, va, RANGE));
	EXPECT_EQ(0, pattern_bad(self->gtt.cpu, RANGE, 2));
	sdma_fill(&self->q[last], va, 2, 4 * KIB);
	kfd_queue_submit(&self->q[last]);
	EXPECT_EQ(0, wait_fault(&self->e, &self->fault, last, va, NULL));
	EXPECT_EQ(0, pattern_bad((void *)(uintptr_t)va, RANGE, 2));
}

/* --- XNACK --- */

FIXTURE(kfd_xnack)
{
	struct env e;
	struct kfd_queue q;
	struct kfd_bo gtt;
	struct kfd_event fault;
	char *p;
};

FIXTURE_SETUP(kfd_xnack)
{
	struct kfd *k = &self->e.k;
	int r;

	ASSERT_EQ(0, env_open(&self->e, 1));
	if (self->e.skip)
		SKIP(return, "%s", self->e.skip);
	r = kfd_xnack_mode(k, 1);
	if (r == -EPERM)
		SKIP(return, "no XNACK on this GPU");
	ASSERT_EQ(1, r);
	ASSERT_EQ(0, kfd_bo_create(k, &self->gtt, 0, 0, RANGE, KFD_BO_GTT, 1));
	ASSERT_EQ(0, kfd_event_create(k, &self->fault, KFD_IOC_EVENT_MEMORY, true, NULL));
	ASSERT_EQ(0, kfd_queue_create(k, &self->q, KFD_Q_SDMA, 0, 0));
	self->p = mmap(NULL, RANGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->p);
}

FIXTURE_TEARDOWN(kfd_xnack)
{
	struct kfd *k = &self->e.k;

	if (!self->q.ring.cpu)
		return;
	EXPECT_EQ(0, kfd_queue_destroy(k, &self->q));
	EXPECT_EQ(0, kfd_bo_destroy(k, &self->gtt));
	munmap(self->p, RANGE);
	env_close(&self->e);
}

/* The GPU reads and writes memory of which KFD has never heard. */
TEST_F(kfd_xnack, any_memory)
{
	uint64_t va = (uintptr_t)self->p;

	pattern_fill(self->p, RANGE, 1);
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q, self->gtt.va, va, RANGE));
	EXPECT_EQ(0, pattern_bad(self->gtt.cpu, RANGE, 1));
	pattern_fill(self->gtt.cpu, RANGE, 2);
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q, va, self->gtt.va, RANGE));
	EXPECT_EQ(0, pattern_bad(self->p, RANGE, 2));
}

/* Pages that the CPU has never touched come into being, and the GPU sees which others follow. */
TEST_F(kfd_xnack, follows_new_pages)
{
	uint64_t va = (uintptr_t)self->p;
	unsigned int i;

	pattern_fill(self->gtt.cpu, RANGE, 3);
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q, va, self->gtt.va, RANGE));
	EXPECT_EQ(0, pattern_bad(self->p, RANGE, 3));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(self->p, mmap(self->p, RANGE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		pattern_fill(self->p, RANGE, 10 + i);
		ASSERT_EQ(0, gpu_copy(&self->e, &self->q, self->gtt.va, va, RANGE));
		EXPECT_EQ(0, pattern_bad(self->gtt.cpu, RANGE, 10 + i));
	}
}

/*
 * That a fault is final, the driver writes into the page tables of the process, which it finds by
 * the PASID: with partitions, a process has some for each of them, and the driver finds the last.
 */
static bool partitioned(const struct kfd *k)
{
	unsigned int g;

	for (g = 0; g < k->ngpu; g++)
		if (k->gpu[g].partition)
			return true;
	return false;
}

/* What no page can be provided for is a fault all the same, and once. */
TEST_F(kfd_xnack, hole_faults)
{
	uint64_t va = (uintptr_t)self->p + RANGE / 2;

	if (partitioned(&self->e.k))
		SKIP(return, "partitions have no final faults");
	ASSERT_EQ(0, munmap(self->p + RANGE / 2, RANGE / 2));
	sdma_fence(&self->q, (uintptr_t)self->p, 1);
	sdma_fence(&self->q, va + 3 * KFD_PAGE, 1);
	sdma_fence(&self->q, (uintptr_t)self->p + 8, 1);
	kfd_queue_submit(&self->q);
	ASSERT_EQ(0, wait_fault(&self->e, &self->fault, 0, va + 3 * KFD_PAGE, NULL));
	ASSERT_EQ(0, others_turn());
	EXPECT_EQ(1, *(volatile uint32_t *)self->p);
	EXPECT_EQ(0, *(volatile uint32_t *)(self->p + 8));
	EXPECT_EQ(-ETIMEDOUT, kfd_event_wait(&self->e.k, &self->fault, 0, NULL));
}

TEST_F(kfd_xnack, read_only_faults)
{
	uint64_t va = (uintptr_t)self->p;

	if (partitioned(&self->e.k))
		SKIP(return, "partitions have no final faults");
	pattern_fill(self->p, RANGE, 4);
	ASSERT_EQ(0, mprotect(self->p, RANGE, PROT_READ));
	ASSERT_EQ(0, gpu_copy(&self->e, &self->q, self->gtt.va, va, RANGE));
	EXPECT_EQ(0, pattern_bad(self->gtt.cpu, RANGE, 4));
	sdma_fence(&self->q, va + 5 * KFD_PAGE, 1);
	kfd_queue_submit(&self->q);
	ASSERT_EQ(0, wait_fault(&self->e, &self->fault, 0, va + 5 * KFD_PAGE, NULL));
	EXPECT_EQ(0, pattern_bad(self->p, RANGE, 4));
}

/* As the kernel has it. */
struct count_args {
	uint64_t words;
	uint32_t group;
	uint32_t turns;
};

/* A wave that has met a fault goes on, and what it has done before is not done again. */
TEST_F(kfd_xnack, waves_go_on)
{
	struct count_args args = { (uintptr_t)self->p, 64, 3 };
	struct hsa_signal *done = (void *)cell64(&self->e, 0);
	const unsigned int items = 64 * KIB;
	struct kernel kernel;
	struct kfd_queue aql;
	int r;

	r = kernel_load(&self->e.k, &kernel, 0, "count");
	if (r == -ENOENT)
		SKIP(return, "no kernels for this GPU: no LLVM that has it when they were built");
	ASSERT_EQ(0, r);
	ASSERT_EQ(0, kfd_queue_create(&self->e.k, &aql, KFD_Q_AQL, 0, 0));
	hsa_signal_init(done, 1, NULL, NULL);
	kernel_dispatch(&aql, &kernel, kernel_args(&kernel, 0, &args, sizeof(args)), items, 64,
			cell_va(&self->e, 0));
	kfd_queue_submit(&aql);
	EXPECT_TRUE(kfd_wait64((volatile uint64_t *)&done->value, 0, WAIT_MS));
	EXPECT_EQ(0, words_bad(self->p, items * 4, 1));
	EXPECT_EQ(0, words_bad(self->p + items * 4, RANGE - items * 4, 0));
	EXPECT_EQ(0, kfd_queue_destroy(&self->e.k, &aql));
}

TEST_HARNESS_MAIN
