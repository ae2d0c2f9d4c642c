// SPDX-License-Identifier: GPL-2.0
/*
 * A compute process as libhsakmt makes it: the distribution's library, not our
 * own ioctls, lists the GPUs, allocates, creates queues and waits for events.
 * What the GPUs copied is checked byte for byte.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <hsakmt.h>
#include "../kselftest.h"

#define NODES		"/sys/class/kfd/kfd/topology/nodes"
#define MAX_GPUS	8
#define BUF_SIZE	0x100000UL
#define RING_SIZE	(64UL << 10)
#define WAIT_MS		20000
/* How long something that must not happen is given to happen. */
#define QUIET_MS	100

#define SDMA_COPY	1
#define SDMA_FENCE	5
#define SDMA_TRAP	6

#define TRY(call)								\
	({									\
		HSAKMT_STATUS status_ = (call);					\
										\
		if (status_ != HSAKMT_STATUS_SUCCESS)				\
			ksft_print_msg("%s: status %d\n", #call, status_);	\
		status_ == HSAKMT_STATUS_SUCCESS;				\
	})

#define CHECK(cond)								\
	({									\
		bool cond_ = (cond);						\
										\
		if (!cond_)							\
			ksft_print_msg("line %d: not %s\n", __LINE__, #cond);	\
		cond_;								\
	})

/**
 * struct gpu - one GPU node and what the tests keep on it
 * @node: node number
 * @vram: local memory that the CPU cannot see, mapped on all GPUs
 * @visible: local memory with a CPU mapping
 * @ring: memory of the queue
 * @event: raised by the queue's traps
 * @queue: SDMA queue
 * @put: bytes written to the ring since the queue was created
 */
struct gpu {
	HSAuint32 node;
	void *vram;
	uint32_t *visible;
	uint32_t *ring;
	HsaEvent *event;
	HsaQueueResource queue;
	uint64_t put;
};

static struct gpu gpus[MAX_GPUS];
static HSAuint32 gpu_nodes[MAX_GPUS];
static unsigned int num_gpus;
static uint32_t *host_src, *host_dst;

/* --- patterns --- */

static uint32_t pattern(uint32_t seed, size_t i)
{
	return seed * 0x9e3779b1u ^ (uint32_t)i * 0x01000193u;
}

static void pattern_fill(uint32_t *p, uint32_t seed)
{
	size_t i;

	for (i = 0; i < BUF_SIZE / 4; i++)
		p[i] = pattern(seed, i);
}

static bool pattern_ok(const uint32_t *p, uint32_t seed)
{
	size_t i;

	for (i = 0; i < BUF_SIZE / 4; i++) {
		if (p[i] != pattern(seed, i)) {
			ksft_print_msg("byte %#zx: %#x, should be %#x\n", i * 4, p[i],
				       pattern(seed, i));
			return false;
		}
	}
	return true;
}

/* --- SDMA packets; a test never fills a ring, so that nothing wraps --- */

static void put(struct gpu *gpu, uint32_t dword)
{
	gpu->ring[gpu->put / 4 % (RING_SIZE / 4)] = dword;
	gpu->put += 4;
}

static void put_address(struct gpu *gpu, const void *address)
{
	put(gpu, (uintptr_t)address);
	put(gpu, (uintptr_t)address >> 32);
}

static void put_copy(struct gpu *gpu, void *dst, const void *src, uint32_t bytes)
{
	put(gpu, SDMA_COPY);
	put(gpu, bytes - 1);
	put(gpu, 0);
	put_address(gpu, src);
	put_address(gpu, dst);
}

/* The event's id goes to its slot of the signal page, then the interrupt. */
static void put_signal(struct gpu *gpu)
{
	HsaEventData *data = &gpu->event->EventData;

	if (data->HWData2) {
		put(gpu, SDMA_FENCE);
		put_address(gpu, (void *)(uintptr_t)data->HWData2);
		put(gpu, data->HWData3);
	}
	put(gpu, SDMA_TRAP);
	put(gpu, gpu->event->EventId);
}

static void ring_doorbell(struct gpu *gpu)
{
	__atomic_store_n(gpu->queue.Queue_write_ptr_aql, gpu->put, __ATOMIC_SEQ_CST);
	__atomic_store_n(gpu->queue.Queue_DoorBell_aql, gpu->put, __ATOMIC_SEQ_CST);
}

static bool run(struct gpu *gpu)
{
	put_signal(gpu);
	ring_doorbell(gpu);
	return TRY(hsaKmtWaitOnEvent(gpu->event, WAIT_MS));
}

/* --- memory --- */

/* @node 0 is the host; all GPUs get a mapping. */
static void *memory_alloc(HSAuint32 node, uint64_t size, bool host_access)
{
	HsaMemMapFlags map_flags = { 0 };
	HsaMemFlags flags = { 0 };
	HSAuint64 alternate = 0;
	void *p = NULL;

	flags.ui32.NonPaged = node != 0;
	flags.ui32.CoarseGrain = node != 0;
	flags.ui32.HostAccess = host_access;
	flags.ui32.ExecuteAccess = !node;
	flags.ui32.PageSize = HSA_PAGE_SIZE_4KB;
	map_flags.ui32.HostAccess = host_access;
	map_flags.ui32.PageSize = HSA_PAGE_SIZE_4KB;
	if (!TRY(hsaKmtAllocMemory(node, size, flags, &p)))
		return NULL;
	if (!TRY(hsaKmtMapMemoryToGPUNodes(p, size, &alternate, map_flags, num_gpus, gpu_nodes)))
		return NULL;
	/* GPUs of this generation use the CPU's addresses */
	return CHECK(!alternate || alternate == (uintptr_t)p) ? p : NULL;
}

static bool memory_free(void *p, uint64_t size)
{
	return TRY(hsaKmtUnmapMemoryToGPU(p)) && TRY(hsaKmtFreeMemory(p, size));
}

/* --- tests; each is told which GPU --- */

static unsigned int sysfs_gpu_id(HSAuint32 node)
{
	unsigned int id = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), NODES "/%u/gpu_id", node);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%u", &id) != 1)
		id = 0;
	fclose(f);
	return id;
}

static unsigned int sysfs_gpus(void)
{
	unsigned int n = 0;
	struct dirent *d;
	DIR *dir = opendir(NODES);

	if (!dir)
		return 0;
	while ((d = readdir(dir)))
		n += d->d_name[0] != '.' && sysfs_gpu_id(atoi(d->d_name));
	closedir(dir);
	return n;
}

/* Every node of the kernel is seen, and no two GPUs are the same one. */
static bool test_nodes(unsigned int unused)
{
	HsaNodeProperties props[MAX_GPUS];
	unsigned int i, j;
	bool ok;

	ok = CHECK(num_gpus == sysfs_gpus()) && CHECK(num_gpus >= 2);
	for (i = 0; ok && i < num_gpus; i++) {
		ok = TRY(hsaKmtGetNodeProperties(gpu_nodes[i], &props[i])) &&
		     CHECK(props[i].DrmRenderMinor >= 128) &&
		     CHECK(props[i].NumSdmaEngines > 0) && CHECK(props[i].NumMemoryBanks > 0) &&
		     CHECK(sysfs_gpu_id(gpu_nodes[i]) != 0);
		for (j = 0; ok && j < i; j++)
			ok = CHECK(sysfs_gpu_id(gpu_nodes[i]) != sysfs_gpu_id(gpu_nodes[j])) &&
			     CHECK(props[i].DrmRenderMinor != props[j].DrmRenderMinor) &&
			     CHECK(props[i].LocationId != props[j].LocationId ||
				   props[i].Domain != props[j].Domain);
	}
	return ok;
}

static bool test_memory_banks(unsigned int g)
{
	HsaMemoryProperties banks[16] = { 0 };
	HsaNodeProperties props;
	uint64_t local = 0;
	unsigned int i;

	if (!TRY(hsaKmtGetNodeProperties(gpus[g].node, &props)) ||
	    !CHECK(props.NumMemoryBanks <= 16) ||
	    !TRY(hsaKmtGetNodeMemoryProperties(gpus[g].node, props.NumMemoryBanks, banks)))
		return false;
	for (i = 0; i < props.NumMemoryBanks; i++)
		if (banks[i].HeapType == HSA_HEAPTYPE_FRAME_BUFFER_PUBLIC ||
		    banks[i].HeapType == HSA_HEAPTYPE_FRAME_BUFFER_PRIVATE)
			local += banks[i].SizeInBytes;
	return CHECK(local >= 4 * BUF_SIZE);
}

/* A clock that stands still or runs backwards is of no use to a profiler. */
static bool test_clocks(unsigned int g)
{
	HsaClockCounters a, b;

	if (!TRY(hsaKmtGetClockCounters(gpus[g].node, &a)))
		return false;
	usleep(2000);
	return TRY(hsaKmtGetClockCounters(gpus[g].node, &b)) &&
	       CHECK(b.SystemClockCounter > a.SystemClockCounter) &&
	       CHECK(b.GPUClockCounter >= a.GPUClockCounter);
}

static bool test_alloc(unsigned int g)
{
	struct gpu *gpu = &gpus[g];

	gpu->vram = memory_alloc(gpu->node, BUF_SIZE, false);
	gpu->visible = memory_alloc(gpu->node, BUF_SIZE, true);
	gpu->ring = memory_alloc(0, RING_SIZE, true);
	if (!gpu->vram || !gpu->visible || !gpu->ring)
		return false;
	pattern_fill(gpu->visible, g + 100);
	return pattern_ok(gpu->visible, g + 100);
}

static bool test_queue_create(unsigned int g)
{
	HsaEventDescriptor descriptor = {
		.EventType = HSA_EVENTTYPE_SIGNAL,
		.NodeId = gpus[g].node,
	};
	struct gpu *gpu = &gpus[g];

	memset(gpu->ring, 0, RING_SIZE);
	return TRY(hsaKmtCreateEvent(&descriptor, false, false, &gpu->event)) &&
	       TRY(hsaKmtCreateQueue(gpu->node, HSA_QUEUE_SDMA, 100, HSA_QUEUE_PRIORITY_NORMAL,
				     gpu->ring, RING_SIZE, NULL, &gpu->queue));
}

/* An event that nobody raises does not fire. */
static bool test_event_timeout(unsigned int g)
{
	return CHECK(hsaKmtWaitOnEvent(gpus[g].event, QUIET_MS) == HSAKMT_STATUS_WAIT_TIMEOUT);
}

/* Host, own VRAM, the peer's VRAM, and back: with a pattern of its own each time. */
static bool test_copy(unsigned int g)
{
	struct gpu *gpu = &gpus[g], *peer = &gpus[(g + 1) % num_gpus];
	unsigned int round;

	for (round = 0; round < 3; round++) {
		uint32_t seed = 1000 + g * 10 + round;

		pattern_fill(host_src, seed);
		memset(host_dst, 0, BUF_SIZE);
		memset(peer->visible, 0, BUF_SIZE);
		put_copy(gpu, gpu->vram, host_src, BUF_SIZE);
		put_copy(gpu, peer->vram, gpu->vram, BUF_SIZE);
		put_copy(gpu, peer->visible, peer->vram, BUF_SIZE);
		put_copy(gpu, host_dst, peer->visible, BUF_SIZE);
		if (!run(gpu) || !pattern_ok(host_dst, seed) || !pattern_ok(peer->visible, seed) ||
		    !CHECK(*gpu->queue.Queue_read_ptr_aql == gpu->put))
			return false;
	}
	return true;
}

/* A queue with no share of the GPU holds its packets back until it has one again. */
static bool test_queue_disable(unsigned int g)
{
	struct gpu *gpu = &gpus[g];
	uint64_t before = gpu->put;

	pattern_fill(host_src, 2000 + g);
	memset(host_dst, 0x5a, BUF_SIZE);
	if (!TRY(hsaKmtUpdateQueue(gpu->queue.QueueId, 0, HSA_QUEUE_PRIORITY_NORMAL, gpu->ring,
				   RING_SIZE, NULL)))
		return false;
	put_copy(gpu, gpu->vram, host_src, BUF_SIZE);
	put_copy(gpu, host_dst, gpu->vram, BUF_SIZE);
	put_signal(gpu);
	ring_doorbell(gpu);
	if (!CHECK(hsaKmtWaitOnEvent(gpu->event, QUIET_MS) == HSAKMT_STATUS_WAIT_TIMEOUT) ||
	    !CHECK(*gpu->queue.Queue_read_ptr_aql == before) ||
	    !CHECK(host_dst[0] == 0x5a5a5a5a))
		return false;
	return TRY(hsaKmtUpdateQueue(gpu->queue.QueueId, 100, HSA_QUEUE_PRIORITY_MAXIMUM,
				     gpu->ring, RING_SIZE, NULL)) &&
	       TRY(hsaKmtWaitOnEvent(gpu->event, WAIT_MS)) && pattern_ok(host_dst, 2000 + g);
}

/* Memory of the process itself: registered, and read and written by the GPU. */
static bool test_userptr(unsigned int g)
{
	struct gpu *gpu = &gpus[g];
	HSAuint64 address = 0;
	HsaPointerInfo info;
	uint32_t *user;
	bool ok;

	user = mmap(NULL, 2 * BUF_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!CHECK(user != MAP_FAILED))
		return false;
	pattern_fill(user, 3000 + g);
	memset(user + BUF_SIZE / 4, 0, BUF_SIZE);
	ok = TRY(hsaKmtRegisterMemory(user, 2 * BUF_SIZE)) &&
	     TRY(hsaKmtMapMemoryToGPU(user, 2 * BUF_SIZE, &address));
	if (ok) {
		char *va = address ? (char *)(uintptr_t)address : (char *)user;

		put_copy(gpu, gpu->vram, va, BUF_SIZE);
		put_copy(gpu, va + BUF_SIZE, gpu->vram, BUF_SIZE);
		ok = run(gpu) && pattern_ok(user + BUF_SIZE / 4, 3000 + g) &&
		     TRY(hsaKmtQueryPointerInfo(user, &info)) &&
		     CHECK(info.Type == HSA_POINTER_REGISTERED_USER) &&
		     CHECK(info.SizeInBytes == 2 * BUF_SIZE) &&
		     TRY(hsaKmtUnmapMemoryToGPU(user)) && TRY(hsaKmtDeregisterMemory(user));
	}
	munmap(user, 2 * BUF_SIZE);
	return ok;
}

static bool test_pointer_info(unsigned int g)
{
	struct gpu *gpu = &gpus[g];
	HsaPointerInfo info;

	return TRY(hsaKmtQueryPointerInfo((char *)gpu->vram + 4096, &info)) &&
	       CHECK(info.Type == HSA_POINTER_ALLOCATED) && CHECK(info.Node == gpu->node) &&
	       CHECK(info.GPUAddress == (uintptr_t)gpu->vram) &&
	       CHECK(info.SizeInBytes == BUF_SIZE) && CHECK(info.NMappedNodes == num_gpus) &&
	       TRY(hsaKmtQueryPointerInfo(host_src, &info)) &&
	       CHECK(info.Type == HSA_POINTER_ALLOCATED) && CHECK(info.Node == 0) &&
	       CHECK(info.CPUAddress == host_src) && CHECK(info.SizeInBytes == BUF_SIZE);
}

/* A shared virtual memory range: its attributes come back, and the GPU reaches its bytes. */
static bool test_svm(unsigned int g)
{
	HSA_SVM_ATTRIBUTE set[] = {
		{ HSA_SVM_ATTR_ACCESS, gpus[g].node },
		{ HSA_SVM_ATTR_PREFERRED_LOC, gpus[g].node },
		{ HSA_SVM_ATTR_GRANULARITY, 5 },
	};
	HSA_SVM_ATTRIBUTE get[] = {
		{ HSA_SVM_ATTR_ACCESS, gpus[g].node },
		{ HSA_SVM_ATTR_PREFERRED_LOC, 0 },
		{ HSA_SVM_ATTR_GRANULARITY, 0 },
	};
	HSA_SVM_ATTRIBUTE in = { HSA_SVM_ATTR_PREFETCH_LOC, gpus[g].node };
	HSA_SVM_ATTRIBUTE out = { HSA_SVM_ATTR_PREFETCH_LOC, 0 };
	const size_t size = 2 * BUF_SIZE;
	struct gpu *gpu = &gpus[g];
	uint32_t *range;
	bool ok;

	range = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!CHECK(range != MAP_FAILED))
		return false;
	pattern_fill(range, 4000 + g);
	memset(range + BUF_SIZE / 4, 0, BUF_SIZE);
	memset(host_dst, 0, BUF_SIZE);

	ok = TRY(hsaKmtSVMSetAttr(range, size, ARRAY_SIZE(set), set)) &&
	     TRY(hsaKmtSVMGetAttr(range, size, ARRAY_SIZE(get), get)) &&
	     CHECK(get[0].type == HSA_SVM_ATTR_ACCESS) &&
	     CHECK(get[1].value == gpu->node) && CHECK(get[2].value == 5);
	/* to the GPU's memory, used there, and back to the host's */
	ok = ok && TRY(hsaKmtSVMSetAttr(range, size, 1, &in));
	if (ok) {
		put_copy(gpu, host_dst, range, BUF_SIZE);
		put_copy(gpu, range + BUF_SIZE / 4, range, BUF_SIZE);
		ok = run(gpu) && pattern_ok(host_dst, 4000 + g);
	}
	ok = ok && TRY(hsaKmtSVMSetAttr(range, size, 1, &out)) && pattern_ok(range, 4000 + g) &&
	     pattern_ok(range + BUF_SIZE / 4, 4000 + g);
	munmap(range, size);
	return ok;
}

static bool test_free(unsigned int g)
{
	struct gpu *gpu = &gpus[g];

	return TRY(hsaKmtDestroyQueue(gpu->queue.QueueId)) && TRY(hsaKmtDestroyEvent(gpu->event)) &&
	       memory_free(gpu->ring, RING_SIZE) && memory_free(gpu->visible, BUF_SIZE) &&
	       memory_free(gpu->vram, BUF_SIZE);
}

static const struct {
	const char *name;
	bool (*run)(unsigned int g);
	bool needed;
} tests[] = {
	{ .name = "memory_banks", .run = test_memory_banks },
	{ .name = "clocks", .run = test_clocks },
	{ .name = "alloc", .run = test_alloc, .needed = true },
	{ .name = "queue_create", .run = test_queue_create, .needed = true },
	{ .name = "event_timeout", .run = test_event_timeout },
	{ .name = "copy_host_vram_peer_host", .run = test_copy },
	{ .name = "queue_disable", .run = test_queue_disable },
	{ .name = "userptr", .run = test_userptr },
	{ .name = "pointer_info", .run = test_pointer_info },
	{ .name = "svm", .run = test_svm },
	{ .name = "free", .run = test_free },
};

static void find_gpus(void)
{
	HsaSystemProperties system;
	HsaNodeProperties props;
	HSAuint32 node;

	if (!TRY(hsaKmtAcquireSystemProperties(&system)))
		ksft_exit_fail_msg("no topology\n");
	for (node = 0; node < system.NumNodes && num_gpus < MAX_GPUS; node++) {
		if (!TRY(hsaKmtGetNodeProperties(node, &props)))
			ksft_exit_fail_msg("no properties of node %u\n", node);
		if (!props.NumFComputeCores)
			continue;
		gpu_nodes[num_gpus] = node;
		gpus[num_gpus++].node = node;
	}
}

int main(void)
{
	unsigned int g, t;

	ksft_print_header();
	if (access("/dev/kfd", R_OK | W_OK))
		ksft_exit_skip("no KFD on this machine\n");
	if (sysfs_gpus() < 2)
		ksft_exit_skip("2 GPUs needed, %u found\n", sysfs_gpus());
	if (!TRY(hsaKmtOpenKFD()))
		ksft_exit_fail_msg("hsaKmtOpenKFD\n");
	find_gpus();
	ksft_set_plan(2 + sysfs_gpus() * ARRAY_SIZE(tests));

	ksft_test_result(test_nodes(0), "nodes\n");
	host_src = memory_alloc(0, BUF_SIZE, true);
	host_dst = memory_alloc(0, BUF_SIZE, true);
	if (!host_src || !host_dst)
		ksft_exit_fail_msg("no host memory\n");
	/* the memory of all GPUs first: each uses its peer's */
	for (t = 0; t < ARRAY_SIZE(tests); t++) {
		for (g = 0; g < num_gpus; g++) {
			bool ok = tests[t].run(g);

			ksft_test_result(ok, "%s.gpu%u\n", tests[t].name, g);
			/* what follows stands on it */
			if (!ok && tests[t].needed)
				ksft_exit_fail_msg("no %s on GPU %u\n", tests[t].name, g);
		}
	}
	ksft_test_result(memory_free(host_src, BUF_SIZE) && memory_free(host_dst, BUF_SIZE) &&
			 TRY(hsaKmtReleaseSystemProperties()) && TRY(hsaKmtCloseKFD()),
			 "close\n");
	ksft_finished();
}
