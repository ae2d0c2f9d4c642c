// SPDX-License-Identifier: MIT
/*
 * The engine that runs user queues.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>

#include "amdgpu.h"

#include "simgpu_mqd.h"
#include "simgpu_queue.h"

/**
 * DOC: simgpu queue engine
 *
 * One kernel thread per GPU runs all queues that are loaded, in turns; a turn is
 * so much work: packets, bytes that they move, instructions of waves.  A queue
 * that has a lot to do in one packet goes on in its next turn, in the middle of
 * it.  A queue is a MQD that somebody loaded:
 * KFD itself without a hardware scheduler, else the firmware that KFD asks for
 * it: the HIQ with its runlists, or MES from GFX 11 on.  The engine reads
 * base, size, pointers and progress from the MQD, and puts the progress back
 * into it when the queue is unloaded, an indirect buffer that is half executed
 * and the control stacks of all XCCs included.
 *
 * A doorbell is a word of memory here, while on hardware the write to it is an
 * event.  So the engine takes the value out and leaves %SIMGPU_DOORBELL_IDLE;
 * a producer stores its wptr to memory before it rings, so what is read from
 * memory after that is never too old.
 *
 * A queue stops for good at an access that the page tables do not allow (KFD
 * hears of it as a page fault), at a packet that cannot be executed (KFD hears of
 * it as an exception, for a compute queue; a line in the log says which packet), and
 * when a wave is halted.
 */

#define SIMGPU_DOORBELL_IDLE	(~0ULL)
/* packets of an SDMA queue in one turn, if they move little */
#define SIMGPU_SDMA_PACKETS	64
#define SIMGPU_IDLE_MIN_US	100
#define SIMGPU_IDLE_MAX_US	2000

#define MQD_IB_CONTROL_SIZE(c)	((c) & 0xfffff)
#define DOORBELLS_PER_PROCESS	1024
#define AQL_PACKET_SIZE		64

/* Dwords 0 to 6 of an SDMA MQD, in every version. */
enum sdma_mqd_dword {
	SDMA_RB_CNTL,
	SDMA_RB_BASE,
	SDMA_RB_BASE_HI,
	SDMA_RB_RPTR,
	SDMA_RB_RPTR_HI,
	SDMA_RB_WPTR,
	SDMA_RB_WPTR_HI,
};

#define SDMA_RB_CNTL_SIZE(c)	(((c) >> 1) & 0x1f)
#define SDMA_RB_CNTL_VMID(c)	(((c) >> 24) & 0xf)
/* SDMA0_RLC0_MIDCMD_CNTL.DATA_VALID */
#define SDMA_MIDCMD_VALID	BIT(0)

static int simgpu_mqd_read(struct simgpu *sim, const struct simgpu_queue *queue, unsigned int dword,
			   u32 *val)
{
	struct simgpu_space kernel = { .sim = sim };

	if (queue->mqd) {
		*val = READ_ONCE(((u32 *)queue->mqd)[dword]);
		return 0;
	}
	return simgpu_read32(&kernel, queue->mqd_va + dword * sizeof(u32), val);
}

static void simgpu_mqd_write_xcc(struct simgpu *sim, const struct simgpu_queue *queue,
				 unsigned int xcc, unsigned int dword, u32 val)
{
	u64 offset = xcc * (u64)queue->stride + dword * sizeof(u32);
	struct simgpu_space kernel = { .sim = sim };

	if (queue->mqd)
		WRITE_ONCE(*(u32 *)(queue->mqd + offset), val);
	else if (simgpu_write32(&kernel, queue->mqd_va + offset, val))
		dev_err(sim->adev->dev, "simgpu: MQD at %#llx is gone\n", queue->mqd_va);
}

/* To the MQDs of all XCCs that are loaded: they make progress together. */
static void simgpu_mqd_write(struct simgpu *sim, const struct simgpu_queue *queue,
			     unsigned int dword, u32 val)
{
	unsigned long xccs = queue->xccs;
	unsigned int xcc;

	for_each_set_bit(xcc, &xccs, SIMGPU_MAX_XCCS)
		simgpu_mqd_write_xcc(sim, queue, xcc, dword, val);
}

static int simgpu_mqd_read64(struct simgpu *sim, const struct simgpu_queue *queue,
			     unsigned int lo, unsigned int hi, u64 *val)
{
	u32 low, high;
	int ret;

	ret = simgpu_mqd_read(sim, queue, lo, &low);
	if (!ret)
		ret = simgpu_mqd_read(sim, queue, hi, &high);
	if (!ret)
		*val = low | (u64)high << 32;
	return ret;
}

/**
 * simgpu_doorbell_take - has a doorbell been rung since the last look
 * @sim: GPU
 * @doorbell: dword index into the BAR
 * @value: gets what was written last
 *
 * Context: any.
 * Return: true once for one or more rings.
 */
bool simgpu_doorbell_take(struct simgpu *sim, u32 doorbell, u64 *value)
{
	u64 offset = (u64)doorbell * sizeof(u32);

	if (offset + sizeof(u64) > SIMGPU_DOORBELL_SIZE || !IS_ALIGNED(offset, sizeof(u64)))
		return false;
	*value = xchg((u64 *)(sim->doorbell + offset), SIMGPU_DOORBELL_IDLE);
	return *value != SIMGPU_DOORBELL_IDLE;
}

/**
 * simgpu_queue_space - address space that a queue runs in
 * @queue: queue
 *
 * Context: any.
 * Return: the space, with the last fault.
 */
struct simgpu_space *simgpu_queue_space(struct simgpu_queue *queue)
{
	switch (queue->type) {
	case SIMGPU_QUEUE_SDMA:
		return queue->sdma.ib.end ? &queue->sdma.ib_space : &queue->sdma.space;
	case SIMGPU_QUEUE_AQL:
		return &queue->aql.space;
	default:
		return &queue->pm4.space;
	}
}

/**
 * simgpu_queue_base - address of a queue's ring
 * @queue: queue
 *
 * Context: any.
 * Return: GPU address, which tells queues apart for the driver.
 */
u64 simgpu_queue_base(const struct simgpu_queue *queue)
{
	switch (queue->type) {
	case SIMGPU_QUEUE_SDMA:
		return queue->sdma.ring.base;
	case SIMGPU_QUEUE_AQL:
		return queue->aql.base;
	default:
		return queue->pm4.ring.base;
	}
}

/**
 * simgpu_queue_dwords - size of a queue's ring
 * @queue: parsed queue
 *
 * Context: any.
 * Return: dwords.
 */
u64 simgpu_queue_dwords(const struct simgpu_queue *queue)
{
	switch (queue->type) {
	case SIMGPU_QUEUE_SDMA:
		return queue->sdma.ring.mask + 1;
	case SIMGPU_QUEUE_AQL:
		return queue->aql.packets * (AQL_PACKET_SIZE / sizeof(u32));
	default:
		return queue->pm4.ring.mask + 1;
	}
}

/**
 * simgpu_queue_free_hqd - a place for a compute queue that firmware loads
 * @sim: GPU
 * @partition: partition that it runs on
 *
 * Context: any, with sim->lock held.
 * Return: the first place on the hardware that no compute queue has, or
 * %SIMGPU_HQD_NONE.
 */
u32 simgpu_queue_free_hqd(struct simgpu *sim, u32 partition)
{
	unsigned int places = sim->adev->gfx.mec.num_pipe_per_mec *
			      sim->adev->gfx.mec.num_queue_per_pipe;
	struct simgpu_queue *queue;
	u32 hqd;

	lockdep_assert_held(&sim->lock);
	for (hqd = 0; hqd < places; hqd++) {
		bool taken = false;

		list_for_each_entry(queue, &sim->queues, node)
			taken |= queue->partition == partition && queue->hqd == hqd;
		if (!taken)
			return hqd;
	}
	return SIMGPU_HQD_NONE;
}

/**
 * simgpu_queue_alloc - memory for a queue that is going to be loaded
 * @sim: GPU
 * @partition: partition that it runs on
 * @mqd: MQD in kernel memory, of the first XCC when there are several; or NULL
 * @mqd_va: else its address in the kernel's address space
 *
 * The engine itself allocates when the HIQ maps queues, and others wait for
 * it in reclaim: it may use the reserves, its own flag says so.
 *
 * Context: process context.
 * Return: the queue, to be freed with simgpu_queue_free() until it is loaded; or NULL.
 */
struct simgpu_queue *simgpu_queue_alloc(struct simgpu *sim, u32 partition, void *mqd, u64 mqd_va)
{
	struct simgpu_queue *queue = kzalloc(sizeof(*queue), GFP_NOIO);

	if (!queue)
		return NULL;
	queue->sim = sim;
	queue->mqd = mqd;
	queue->mqd_va = mqd_va;
	queue->partition = partition;
	queue->xccs = BIT(0);
	queue->hqd = SIMGPU_HQD_NONE;
	queue->reported = U64_MAX;
	return queue;
}

/**
 * simgpu_queue_free - free a queue that is not loaded
 * @queue: queue
 *
 * Context: any.
 */
void simgpu_queue_free(struct simgpu_queue *queue)
{
	simgpu_dispatch_free(queue->dispatch);
	kfree(queue);
}

/* An indirect buffer that was left half executed. */
static int simgpu_queue_parse_ib(struct simgpu *sim, struct simgpu_queue *queue,
				 struct simgpu_stream *ib, unsigned int lo, unsigned int hi,
				 unsigned int size, unsigned int pos)
{
	u32 dwords, done;
	int ret;

	ret = simgpu_mqd_read64(sim, queue, lo, hi, &ib->base);
	if (!ret)
		ret = simgpu_mqd_read(sim, queue, size, &dwords);
	if (!ret)
		ret = simgpu_mqd_read(sim, queue, pos, &done);
	if (ret)
		return ret;
	ib->end = MQD_IB_CONTROL_SIZE(dwords);
	if (!ib->end)
		return 0;
	if (done > ib->end) {
		dev_err(sim->adev->dev, "simgpu: MQD says %u of %llu dwords of an IB are done\n",
			done, ib->end);
		return -EINVAL;
	}
	ib->pos = done;
	return 0;
}

static int simgpu_mqd_read_all(struct simgpu *sim, const struct simgpu_queue *queue,
			       unsigned int xcc, u32 *values, unsigned int dwords)
{
	u64 offset = xcc * (u64)queue->stride;
	struct simgpu_space kernel = { .sim = sim };

	if (!queue->mqd)
		return simgpu_read(&kernel, queue->mqd_va + offset, values, dwords * sizeof(u32));
	memcpy(values, queue->mqd + offset, dwords * sizeof(u32));
	return 0;
}

static int simgpu_mqd_write_all(struct simgpu *sim, const struct simgpu_queue *queue,
				unsigned int xcc, const u32 *values, unsigned int dwords)
{
	u64 offset = xcc * (u64)queue->stride;
	struct simgpu_space kernel = { .sim = sim };

	if (!queue->mqd)
		return simgpu_write(&kernel, queue->mqd_va + offset, values, dwords * sizeof(u32));
	memcpy(queue->mqd + offset, values, dwords * sizeof(u32));
	return 0;
}

/* Has firmware's part of a MQD survived?  The HIQ's is never saved. */
static int simgpu_queue_check_signature(struct simgpu *sim, const struct simgpu_queue *queue,
					bool sdma, unsigned int xcc, const u32 *mqd)
{
	const struct simgpu_mqd_layout *layout = sdma ? sim->desc->sdma_mqd_layout :
							sim->desc->mqd_layout;
	struct simgpu_mqd_loss loss;

	if (!sim->signatures || queue->type == SIMGPU_QUEUE_HIQ)
		return 0;
	if (simgpu_mqd_signed(layout, sdma ? sim->sdma_mqd_bits : sim->mqd_bits, xcc, mqd, &loss))
		return 0;
	dev_err(sim->adev->dev,
		"simgpu: MQD of %s, XCC %u: dword %u is %#x, firmware left %#x (nonce %#x)\n",
		sdma ? "SDMA" : "compute", xcc, loss.dword, loss.is, loss.want,
		mqd[layout->nonce]);
	return -EINVAL;
}

/* The MQDs of all XCCs are saved together. */
static int simgpu_queue_check_nonce(struct simgpu *sim, const struct simgpu_queue *queue,
				    unsigned int xcc, const u32 *first, const u32 *mqd)
{
	unsigned int dword = sim->desc->mqd_layout->nonce;

	if (!sim->signatures || queue->type == SIMGPU_QUEUE_HIQ || mqd[dword] == first[dword])
		return 0;
	dev_err(sim->adev->dev, "simgpu: MQD of compute, XCC %u: nonce %#x, the first has %#x\n",
		xcc, mqd[dword], first[dword]);
	return -EINVAL;
}

/* Waves and registers, behind all else that is saved: progress is a part of what is signed. */
static void simgpu_queue_finish(struct simgpu *sim, const struct simgpu_queue *queue)
{
	bool sdma = queue->type == SIMGPU_QUEUE_SDMA;
	const struct simgpu_mqd_layout *layout = sdma ? sim->desc->sdma_mqd_layout :
							sim->desc->mqd_layout;
	unsigned long xccs = queue->xccs;
	unsigned int xcc;
	u32 nonce;

	lockdep_assert_held(&sim->lock);
	if (queue->type == SIMGPU_QUEUE_HIQ || !(sim->signatures || queue->dispatch))
		return;
	/* for a queue that has none: not 0, and far from those of others, also on other GPUs */
	nonce = (++sim->mqd_nonces * 0x9e3779b1 ^ sim->gpu << 28) ?: 1;
	for_each_set_bit(xcc, &xccs, SIMGPU_MAX_XCCS) {
		if (simgpu_mqd_read_all(sim, queue, xcc, sim->mqd_words, layout->dwords)) {
			dev_err(sim->adev->dev, "simgpu: MQD at %#llx is gone\n", queue->mqd_va);
			return;
		}
		if (queue->dispatch)
			simgpu_dispatch_save(queue->dispatch, xcc, sim->mqd_words);
		if (sim->signatures)
			simgpu_mqd_sign(layout, sdma ? sim->sdma_mqd_bits : sim->mqd_bits, xcc,
					nonce, sim->mqd_words);
		simgpu_mqd_write_all(sim, queue, xcc, sim->mqd_words, layout->dwords);
	}
}

static struct simgpu_mqd_place simgpu_queue_place(const struct simgpu *sim,
						  const struct simgpu_queue *queue)
{
	struct simgpu_mqd_place place = {
		.doorbells = SIMGPU_DOORBELL_SIZE / sizeof(u32),
		.xccs = simgpu_xccs(sim),
	};

	/* KFD loads it itself; firmware gives out VMIDs, and the HIQ has the kernel's */
	if (queue->mqd && queue->type != SIMGPU_QUEUE_HIQ) {
		place.first_vmid = sim->desc->first_kfd_vmid;
		place.last_vmid = SIMGPU_NUM_VMID - 1;
	}
	return place;
}

/**
 * simgpu_queue_stack - access a control stack that is behind the MQD
 * @queue: queue of GFX 9
 * @xcc: XCC
 * @pos: offset in the stack
 * @data: to be written or read
 * @len: bytes
 * @write: write, else read
 *
 * Context: any.
 * Return: 0 or -EFAULT.
 */
int simgpu_queue_stack(const struct simgpu_queue *queue, unsigned int xcc, u64 pos, void *data,
		       size_t len, bool write)
{
	u64 offset = xcc * (u64)queue->stride + SIMGPU_MQD_STACK + pos;
	struct simgpu_space kernel = { .sim = queue->sim };

	if (!queue->mqd)
		return write ? simgpu_write(&kernel, queue->mqd_va + offset, data, len) :
			       simgpu_read(&kernel, queue->mqd_va + offset, data, len);
	if (write)
		memcpy(queue->mqd + offset, data, len);
	else
		memcpy(data, queue->mqd + offset, len);
	return 0;
}

/* End of the waves on a control stack: below are those of struct simgpu_saved_wave. */
static u32 simgpu_queue_stack_bottom(struct simgpu *sim, unsigned int xcc, const u32 *values)
{
	u32 size = values[sim->desc->wave_mqd.stack_size];

	if (!sim->desc->mqd.stack_size || !size)
		return size;
	return size - (xcc + 1) * sizeof(struct simgpu_saved_wave);
}

/* The first dwords of a MQD, @values, have been found valid. */
static int simgpu_queue_load_waves(struct simgpu *sim, const struct simgpu_queue *queue,
				   unsigned int xcc, const u32 *values)
{
	const struct simgpu_compute_mqd *at = &sim->desc->mqd;
	struct simgpu_saved_wave wave;
	u32 pos;
	int ret;

	/* Nothing but this check reads what each XCC has left there: it is a signature, too. */
	if (!at->stack_size || !sim->signatures)
		return 0;
	if (values[at->stack_offset] == values[at->stack_size])
		return 0;
	for (pos = simgpu_queue_stack_bottom(sim, xcc, values); pos < values[at->stack_size];
	     pos += sizeof(wave)) {
		ret = simgpu_queue_stack(queue, xcc, pos, &wave, sizeof(wave), false);
		if (ret)
			return ret;
		if (wave.magic != SIMGPU_SAVED_WAVE || wave.xcc != xcc) {
			dev_err(sim->adev->dev,
				"simgpu: MQD of XCC %u has %#x of XCC %u on its control stack\n",
				xcc, wave.magic, wave.xcc);
			return -EINVAL;
		}
	}
	return 0;
}

static int simgpu_queue_load_dispatch(struct simgpu *sim, const struct simgpu_queue *queue,
				      unsigned int xcc, const u32 *values)
{
	int ret;

	if (!queue->dispatch)
		return 0;
	ret = simgpu_dispatch_load(queue->dispatch, xcc, values,
				   simgpu_queue_stack_bottom(sim, xcc, values));
	if (ret)
		dev_err(sim->adev->dev, "simgpu: MQD of XCC %u has waves of no dispatch\n", xcc);
	return ret;
}

static void simgpu_queue_save_waves(struct simgpu *sim, const struct simgpu_queue *queue)
{
	const struct simgpu_compute_mqd *at = &sim->desc->mqd;
	unsigned long xccs = queue->xccs;
	unsigned int xcc, i;
	u32 size, pos;

	if (!at->stack_size || simgpu_mqd_read(sim, queue, at->stack_size, &size) || !size)
		return;
	for_each_set_bit(xcc, &xccs, SIMGPU_MAX_XCCS) {
		struct simgpu_saved_wave wave = { .magic = SIMGPU_SAVED_WAVE, .xcc = xcc };

		pos = size;
		for (i = 0; i <= xcc; i++) {
			pos -= sizeof(wave);
			if (simgpu_queue_stack(queue, xcc, pos, &wave, sizeof(wave), true))
				dev_err(sim->adev->dev, "simgpu: MQD at %#llx is gone\n",
					queue->mqd_va);
		}
	}
}

/**
 * simgpu_queue_parse_compute - read a compute MQD
 * @sim: GPU
 * @queue: queue with its MQD set, and with its type when it is the HIQ; the
 *	rest is filled
 * @space: address space that it runs in
 *
 * Context: any.
 * Return: 0; -EINVAL for a MQD that hardware would choke on; -EFAULT when it
 * cannot be read, or -ENOMEM.
 */
int simgpu_queue_parse_compute(struct simgpu *sim, struct simgpu_queue *queue, u32 space)
{
	const struct simgpu_compute_mqd *mqd = &sim->desc->mqd;
	const struct simgpu_xcc_mqd *xcc_mqd = &sim->desc->xcc_mqd;
	struct simgpu_mqd_error error;
	struct simgpu_mqd_place place;
	u64 base, dwords;
	u32 *values;
	int ret;

	if (queue->type != SIMGPU_QUEUE_HIQ) {
		queue->dispatch = simgpu_dispatch_alloc(sim, queue);
		if (!queue->dispatch)
			return -ENOMEM;
	}
	values = kmalloc_array(SIMGPU_MQD_DWORDS, sizeof(u32), GFP_NOIO);
	if (!values)
		return -ENOMEM;
	ret = simgpu_mqd_read_all(sim, queue, 0, values, SIMGPU_MQD_DWORDS);
	ret = ret ?: simgpu_queue_check_signature(sim, queue, false, 0, values);
	if (ret)
		goto out;
	place = simgpu_queue_place(sim, queue);
	if (!simgpu_mqd_valid(sim->desc, &place, values, &error)) {
		dev_err(sim->adev->dev, "simgpu: MQD has %s %#llx, not %#llx\n", error.field,
			error.is, error.want);
		ret = -EINVAL;
		goto out;
	}

	base = (values[mqd->base_lo] | (u64)values[mqd->base_hi] << 32) << 8;
	dwords = 2ULL << SIMGPU_MQD_CONTROL_SIZE(values[mqd->control]);
	queue->rptr_va = values[mqd->rptr_addr_lo] | (u64)values[mqd->rptr_addr_hi] << 32;
	queue->wptr_va = values[mqd->wptr_addr_lo] | (u64)values[mqd->wptr_addr_hi] << 32;
	queue->doorbell = SIMGPU_MQD_DOORBELL(values[mqd->doorbell_control]);
	if (place.xccs > 1)
		queue->stride = values[xcc_mqd->stride];
	queue->fresh = true;
	ret = simgpu_queue_load_waves(sim, queue, 0, values);
	if (ret)
		goto out;
	if (SIMGPU_MQD_AQL(values[mqd->aql_control])) {
		queue->type = SIMGPU_QUEUE_AQL;
		queue->aql = (struct simgpu_aql) {
			.space = { .sim = sim, .id = space },
			.base = base,
			.packets = dwords * sizeof(u32) / AQL_PACKET_SIZE,
			.rptr = values[mqd->rptr],
			.dispatch = queue->dispatch,
		};
		ret = simgpu_queue_load_dispatch(sim, queue, 0, values);
		goto out;
	}
	/* the packets of the HIQ have this format, too */
	if (queue->type != SIMGPU_QUEUE_HIQ)
		queue->type = SIMGPU_QUEUE_PM4;
	queue->pm4 = (struct simgpu_pm4) {
		.space = { .sim = sim, .id = space },
		.ring = { .base = base, .mask = dwords - 1, .pos = values[mqd->rptr] },
		.dispatch = queue->dispatch,
	};
	ret = simgpu_queue_load_dispatch(sim, queue, 0, values);
	ret = ret ?: simgpu_queue_parse_ib(sim, queue, &queue->pm4.ib, mqd->ib_base_lo,
					   mqd->ib_base_hi, mqd->ib_control, mqd->ib_rptr);
out:
	kfree(values);
	return ret;
}

static int simgpu_queue_check_sdma(struct simgpu *sim, const struct simgpu_queue *queue)
{
	unsigned int dwords = sim->desc->sdma_mqd_layout->dwords;
	u32 *values;
	int ret;

	values = kmalloc_array(dwords, sizeof(u32), GFP_NOIO);
	if (!values)
		return -ENOMEM;
	ret = simgpu_mqd_read_all(sim, queue, 0, values, dwords);
	ret = ret ?: simgpu_queue_check_signature(sim, queue, true, 0, values);
	kfree(values);
	return ret;
}

/**
 * simgpu_queue_parse_sdma - read an SDMA MQD
 * @sim: GPU
 * @queue: queue with its MQD set; the rest is filled
 * @space: address space that it runs in
 * @wptr_va: where the producer keeps the wptr; the MQD does not say it
 *
 * Context: any.
 * Return: as simgpu_queue_parse_compute().
 */
int simgpu_queue_parse_sdma(struct simgpu *sim, struct simgpu_queue *queue, u32 space, u64 wptr_va)
{
	const struct simgpu_sdma_mqd *mqd = &sim->desc->sdma_mqd;
	unsigned int engines = sim->num_sdma / sim->num_partitions;
	u32 control, doorbell, engine, vmid, midcmd;
	u64 base, rptr, wptr, dwords, done;
	int ret;

	ret = simgpu_queue_check_sdma(sim, queue);
	ret = ret ?: simgpu_mqd_read64(sim, queue, SDMA_RB_BASE, SDMA_RB_BASE_HI, &base);
	ret = ret ?: simgpu_mqd_read64(sim, queue, SDMA_RB_RPTR, SDMA_RB_RPTR_HI, &rptr);
	ret = ret ?: simgpu_mqd_read64(sim, queue, SDMA_RB_WPTR, SDMA_RB_WPTR_HI, &wptr);
	ret = ret ?: simgpu_mqd_read64(sim, queue, mqd->rptr_addr_lo, mqd->rptr_addr_hi,
				       &queue->rptr_va);
	ret = ret ?: simgpu_mqd_read(sim, queue, SDMA_RB_CNTL, &control);
	ret = ret ?: simgpu_mqd_read(sim, queue, mqd->doorbell_offset, &doorbell);
	ret = ret ?: simgpu_mqd_read(sim, queue, mqd->engine_id, &engine);
	ret = ret ?: simgpu_mqd_read(sim, queue, mqd->midcmd_control, &midcmd);
	ret = ret ?: simgpu_mqd_read64(sim, queue, mqd->midcmd_lo, mqd->midcmd_hi, &done);
	if (ret)
		return ret;

	doorbell = SIMGPU_MQD_DOORBELL(doorbell);
	vmid = SDMA_RB_CNTL_VMID(control);
	if (!base || rptr % sizeof(u32) || doorbell % 2 || engine >= engines ||
	    doorbell >= SIMGPU_DOORBELL_SIZE / sizeof(u32) ||
	    (queue->mqd ? vmid < sim->desc->first_kfd_vmid : vmid)) {
		dev_err(sim->adev->dev,
			"simgpu: MQD of SDMA engine %u of %u has base %#llx, rptr %#llx, doorbell %#x, VMID %u\n",
			engine, engines, base << 8, rptr, doorbell, vmid);
		return -EINVAL;
	}

	dwords = 1ULL << SDMA_RB_CNTL_SIZE(control);
	queue->type = SIMGPU_QUEUE_SDMA;
	queue->wptr_va = wptr_va;
	queue->doorbell = doorbell;
	queue->fresh = true;
	queue->sdma = (struct simgpu_sdma) {
		.space = { .sim = sim, .id = space },
		.ib_space = { .sim = sim, .id = space },
		/* a queue that leaves before anybody has looked at its wptr leaves the old one */
		.ring = {
			.base = base << 8,
			.mask = dwords - 1,
			.pos = rptr / sizeof(u32),
			.end = wptr / sizeof(u32),
		},
		.engine = engine,
		.done = midcmd & SDMA_MIDCMD_VALID ? done : 0,
	};
	return simgpu_queue_parse_ib(sim, queue, &queue->sdma.ib, mqd->ib_base_lo, mqd->ib_base_hi,
				     mqd->ib_size, mqd->ib_offset);
}

/**
 * simgpu_queue_add_xcc - load the MQD of another XCC of a queue
 * @sim: GPU
 * @queue: parsed queue, loaded or not
 * @xcc: number of the XCC in its partition, not the first
 *
 * Context: any, with sim->lock held when the queue is loaded.
 * Return: 0; -EINVAL when it does not fit the MQD of the first XCC; -EFAULT
 * when it cannot be read.
 */
int simgpu_queue_add_xcc(struct simgpu *sim, struct simgpu_queue *queue, unsigned int xcc)
{
	struct simgpu_mqd_place place = simgpu_queue_place(sim, queue);
	struct simgpu_mqd_error error;
	u32 *mqds;
	int ret;

	mqds = kmalloc_array(2 * SIMGPU_MQD_DWORDS, sizeof(u32), GFP_NOIO);
	if (!mqds)
		return -ENOMEM;
	ret = simgpu_mqd_read_all(sim, queue, 0, mqds, SIMGPU_MQD_DWORDS);
	ret = ret ?: simgpu_mqd_read_all(sim, queue, xcc, mqds + SIMGPU_MQD_DWORDS,
					 SIMGPU_MQD_DWORDS);
	if (ret) {
		dev_err(sim->adev->dev, "simgpu: MQD of XCC %u is not there\n", xcc);
	} else if (!simgpu_mqd_xcc_valid(sim->desc, &place, mqds, mqds + SIMGPU_MQD_DWORDS, xcc,
					 &error)) {
		dev_err(sim->adev->dev, "simgpu: MQD of XCC %u has %s %#llx, not %#llx\n", xcc,
			error.field, error.is, error.want);
		ret = -EINVAL;
	} else {
		ret = simgpu_queue_check_nonce(sim, queue, xcc, mqds, mqds + SIMGPU_MQD_DWORDS);
		ret = ret ?: simgpu_queue_check_signature(sim, queue, false, xcc,
							  mqds + SIMGPU_MQD_DWORDS);
		ret = ret ?: simgpu_queue_load_waves(sim, queue, xcc, mqds + SIMGPU_MQD_DWORDS);
		ret = ret ?: simgpu_queue_load_dispatch(sim, queue, xcc, mqds + SIMGPU_MQD_DWORDS);
	}
	if (!ret)
		queue->xccs |= BIT(xcc);
	kfree(mqds);
	return ret;
}

static void simgpu_queue_activate(struct simgpu *sim, const struct simgpu_queue *queue)
{
	if (queue->type != SIMGPU_QUEUE_SDMA && queue->type != SIMGPU_QUEUE_HIQ)
		simgpu_mqd_write(sim, queue, sim->desc->mqd.active, 1);
}

/**
 * simgpu_queue_load - hand a queue to the engine
 * @sim: GPU
 * @queue: parsed queue; the engine owns it from here on
 *
 * A ring of the doorbell from before the load says nothing that the wptr in
 * memory does not say.
 *
 * Context: process context, with sim->lock held.
 */
void simgpu_queue_load(struct simgpu *sim, struct simgpu_queue *queue)
{
	u64 ignored;

	lockdep_assert_held(&sim->lock);
	simgpu_doorbell_take(sim, queue->doorbell, &ignored);
	simgpu_queue_activate(sim, queue);
	list_add_tail(&queue->node, &sim->queues);
	wake_up(&sim->wake);
}

static void simgpu_queue_save_ib(struct simgpu *sim, const struct simgpu_queue *queue,
				 const struct simgpu_stream *ib, unsigned int lo, unsigned int hi,
				 unsigned int size, unsigned int pos)
{
	u32 control;

	simgpu_mqd_write(sim, queue, lo, lower_32_bits(ib->base));
	simgpu_mqd_write(sim, queue, hi, upper_32_bits(ib->base));
	/* a compute MQD has settings of the driver's in the same dword */
	if (simgpu_mqd_read(sim, queue, size, &control))
		control = 0;
	simgpu_mqd_write(sim, queue, size, (control & ~MQD_IB_CONTROL_SIZE(~0)) | ib->end);
	simgpu_mqd_write(sim, queue, pos, ib->pos);
}

static void simgpu_queue_save(struct simgpu *sim, struct simgpu_queue *queue)
{
	const struct simgpu_sdma_mqd *sdma_mqd = &sim->desc->sdma_mqd;
	const struct simgpu_compute_mqd *mqd = &sim->desc->mqd;
	u64 rptr, wptr;

	switch (queue->type) {
	case SIMGPU_QUEUE_SDMA:
		rptr = queue->sdma.ring.pos * sizeof(u32);
		wptr = queue->sdma.ring.end * sizeof(u32);
		simgpu_mqd_write(sim, queue, SDMA_RB_RPTR, lower_32_bits(rptr));
		simgpu_mqd_write(sim, queue, SDMA_RB_RPTR_HI, upper_32_bits(rptr));
		simgpu_mqd_write(sim, queue, SDMA_RB_WPTR, lower_32_bits(wptr));
		simgpu_mqd_write(sim, queue, SDMA_RB_WPTR_HI, upper_32_bits(wptr));
		simgpu_queue_save_ib(sim, queue, &queue->sdma.ib, sdma_mqd->ib_base_lo,
				     sdma_mqd->ib_base_hi, sdma_mqd->ib_size,
				     sdma_mqd->ib_offset);
		simgpu_mqd_write(sim, queue, sdma_mqd->midcmd_lo,
				 lower_32_bits(queue->sdma.done));
		simgpu_mqd_write(sim, queue, sdma_mqd->midcmd_hi,
				 upper_32_bits(queue->sdma.done));
		simgpu_mqd_write(sim, queue, sdma_mqd->midcmd_control,
				 queue->sdma.done ? SDMA_MIDCMD_VALID : 0);
		break;
	case SIMGPU_QUEUE_AQL:
		simgpu_queue_save_waves(sim, queue);
		simgpu_mqd_write(sim, queue, mqd->rptr, lower_32_bits(queue->aql.rptr));
		simgpu_mqd_write(sim, queue, mqd->active, 0);
		break;
	case SIMGPU_QUEUE_PM4:
		simgpu_queue_save_waves(sim, queue);
		simgpu_mqd_write(sim, queue, mqd->rptr,
				 queue->pm4.ring.pos & queue->pm4.ring.mask);
		simgpu_queue_save_ib(sim, queue, &queue->pm4.ib, mqd->ib_base_lo, mqd->ib_base_hi,
				     mqd->ib_control, mqd->ib_rptr);
		simgpu_mqd_write(sim, queue, mqd->active, 0);
		break;
	case SIMGPU_QUEUE_HIQ:
		break;
	}
	simgpu_queue_finish(sim, queue);
}

/**
 * simgpu_queue_unload - take a queue off the hardware, its progress in the MQD
 * @sim: GPU
 * @queue: loaded queue, freed
 *
 * Context: process context, with sim->lock held.
 */
void simgpu_queue_unload(struct simgpu *sim, struct simgpu_queue *queue)
{
	lockdep_assert_held(&sim->lock);
	simgpu_queue_save(sim, queue);
	simgpu_queue_kill(sim, queue);
}

/**
 * simgpu_queue_kill - take a queue off the hardware without saving it
 * @sim: GPU
 * @queue: loaded queue, freed
 *
 * Context: process context, with sim->lock held.
 */
void simgpu_queue_kill(struct simgpu *sim, struct simgpu_queue *queue)
{
	lockdep_assert_held(&sim->lock);
	list_del(&queue->node);
	simgpu_queue_free(queue);
}

/**
 * simgpu_queues_suspend - have all user queues stop, with their progress in the MQDs, or go on
 * @sim: GPU
 * @suspend: stop, else go on
 *
 * Context: process context.  Takes sim->lock: when it returns, no queue is
 * being executed any more.
 */
void simgpu_queues_suspend(struct simgpu *sim, bool suspend)
{
	struct simgpu_queue *queue;

	mutex_lock(&sim->lock);
	sim->suspended = suspend;
	list_for_each_entry(queue, &sim->queues, node) {
		if (suspend)
			simgpu_queue_save(sim, queue);
		else
			simgpu_queue_activate(sim, queue);
	}
	mutex_unlock(&sim->lock);
	if (!suspend)
		wake_up(&sim->wake);
}

/**
 * simgpu_queue_find_xcc - the loaded queue that a MQD of another XCC belongs to
 * @sim: GPU
 * @partition: partition
 * @mqd: MQD in kernel memory
 * @xcc: number of the XCC in the partition
 *
 * Context: any, with sim->lock held.
 * Return: the queue or NULL.
 */
struct simgpu_queue *simgpu_queue_find_xcc(struct simgpu *sim, u32 partition, const void *mqd,
					   unsigned int xcc)
{
	struct simgpu_queue *queue;

	lockdep_assert_held(&sim->lock);
	list_for_each_entry(queue, &sim->queues, node)
		if (queue->mqd && queue->partition == partition &&
		    queue->mqd + xcc * (u64)queue->stride == mqd)
			return queue;
	return NULL;
}

/**
 * simgpu_queue_find - the loaded queue of a MQD
 * @sim: GPU
 * @mqd: MQD in kernel memory, or NULL
 * @mqd_va: else its address
 *
 * Context: any, with sim->lock held.
 * Return: the queue or NULL.
 */
struct simgpu_queue *simgpu_queue_find(struct simgpu *sim, const void *mqd, u64 mqd_va)
{
	struct simgpu_queue *queue;

	lockdep_assert_held(&sim->lock);
	list_for_each_entry(queue, &sim->queues, node)
		if (mqd ? queue->mqd == mqd : !queue->mqd && queue->mqd_va == mqd_va)
			return queue;
	return NULL;
}

/*
 * The wptr is read through the GPU's page tables: at the time of a load the
 * current mm may be that of a tracer or of a worker.  The MQD holds the rptr
 * modulo the ring (PM4) or its low half (AQL); the wptr tells the rest.
 */
static int simgpu_queue_look(struct simgpu *sim, struct simgpu_queue *queue)
{
	struct simgpu_stream *ring;
	bool rung, fresh;
	u64 value, wptr;
	int ret;

	rung = simgpu_doorbell_take(sim, queue->doorbell, &value);
	if (!rung && !queue->fresh)
		return 0;
	/* the doorbell first: what the producer stored before it rang is seen now */
	smp_rmb();
	ret = simgpu_read64(simgpu_queue_space(queue), queue->wptr_va, &wptr);
	if (ret) {
		/* nobody rings a second time */
		queue->fresh = true;
		return ret;
	}
	fresh = queue->fresh;
	queue->fresh = false;

	switch (queue->type) {
	case SIMGPU_QUEUE_SDMA:
		/* bytes, and the doorbell carries the wptr itself */
		queue->sdma.ring.end = (rung && !fresh ? value : wptr) / sizeof(u32);
		break;
	case SIMGPU_QUEUE_AQL:
		queue->aql.wptr = wptr;
		if (fresh)
			queue->aql.rptr = wptr - (u32)(lower_32_bits(wptr) -
						       lower_32_bits(queue->aql.rptr));
		break;
	case SIMGPU_QUEUE_PM4:
		ring = &queue->pm4.ring;
		if (fresh)
			ring->pos = wptr - ((wptr - ring->pos) & ring->mask);
		ring->end = wptr;
		break;
	case SIMGPU_QUEUE_HIQ:
		break;
	}
	return 0;
}

static int simgpu_queue_execute(struct simgpu_queue *queue, u64 *rptr)
{
	int ret;

	switch (queue->type) {
	case SIMGPU_QUEUE_SDMA:
		ret = simgpu_sdma_run(&queue->sdma, SIMGPU_SDMA_PACKETS);
		*rptr = queue->sdma.ring.pos * sizeof(u32);
		return ret;
	case SIMGPU_QUEUE_AQL:
		ret = simgpu_aql_run(&queue->aql);
		*rptr = queue->aql.rptr;
		return ret;
	default:
		ret = simgpu_pm4_run(&queue->pm4);
		*rptr = queue->pm4.ring.pos & queue->pm4.ring.mask;
		return ret;
	}
}

/**
 * simgpu_queue_refused - tell KFD that a compute queue has refused a packet
 * @queue: queue that is halted
 * @exception: EC_QUEUE_PACKET_* code
 *
 * Context: any, with sim->lock held.
 */
void simgpu_queue_refused(struct simgpu_queue *queue, u32 exception)
{
	/* doorbells are 64 bits wide, the index counts dwords */
	simgpu_irq_bad_opcode(simgpu_queue_space(queue),
			      queue->doorbell / 2 % DOORBELLS_PER_PROCESS, exception);
}

/* The queue has stopped for good: tell KFD why. */
static void simgpu_queue_halt(struct simgpu *sim, struct simgpu_queue *queue, int error)
{
	u32 exception = 0;

	queue->halted = true;
	dev_dbg(sim->adev->dev, "simgpu: queue at %#llx stopped: %d\n",
		simgpu_queue_base(queue), error);
	if (error == -EFAULT) {
		simgpu_irq_page_fault(simgpu_queue_space(queue));
		return;
	}
	if (queue->type == SIMGPU_QUEUE_AQL)
		exception = queue->aql.error;
	else if (queue->type == SIMGPU_QUEUE_PM4)
		exception = queue->pm4.error;
	/* waves have interrupts and lines of their own */
	if (exception && !KFD_DBG_EC_TYPE_IS_PACKET(exception))
		return;
	/* the dispatcher has told what it does not like */
	if (queue->type != SIMGPU_QUEUE_AQL || !queue->dispatch->exception)
		dev_info_ratelimited(sim->adev->dev,
				     "simgpu: queue at %#llx refuses its packet at %#llx\n",
				     simgpu_queue_base(queue), queue->reported);
	if (exception)
		simgpu_queue_refused(queue, exception);
}

/* KFD itself loads the MQDs one after the other, and their waves and registers with them. */
static bool simgpu_queue_on_all_xccs(const struct simgpu *sim, const struct simgpu_queue *queue)
{
	return !queue->dispatch || queue->xccs == GENMASK(simgpu_xccs(sim) - 1, 0);
}

/* One turn of a queue.  Returns whether it has more to do right now. */
static bool simgpu_queue_turn(struct simgpu *sim, struct simgpu_queue *queue)
{
	bool more = false;
	u64 rptr;
	int ret;

	if (queue->halted || !simgpu_queue_on_all_xccs(sim, queue))
		return false;
	ret = simgpu_queue_look(sim, queue);
	if (!ret) {
		ret = simgpu_queue_execute(queue, &rptr);
		more = ret > 0;
		if (rptr != queue->reported) {
			int err = simgpu_write64(simgpu_queue_space(queue), queue->rptr_va, rptr);

			queue->reported = err ? U64_MAX : rptr;
			more = true;
			if (err)
				ret = err;
		}
	}
	/* the same access is made again in a later turn */
	if (ret == -EFAULT && simgpu_irq_retry_fault(simgpu_queue_space(queue)))
		return false;
	if (ret < 0 && ret != -EAGAIN) {
		simgpu_queue_halt(sim, queue, ret);
		return false;
	}
	return more;
}

/*
 * HIQs first, from the start after each: what they do changes the list.  Each has its turn, no
 * more: a driver that maps and unmaps without a pause must not keep queues from theirs.  Returns
 * whether one has more to do.
 */
static bool simgpu_engine_schedule(struct simgpu *sim)
{
	struct simgpu_queue *queue;
	bool more = false;
	u64 value;

	lockdep_assert_held(&sim->lock);
	sim->round++;
again:
	list_for_each_entry(queue, &sim->queues, node) {
		if (queue->type != SIMGPU_QUEUE_HIQ || queue->halted || queue->round == sim->round)
			continue;
		if (simgpu_doorbell_take(sim, queue->doorbell, &value))
			queue->pm4.ring.end = value;
		else if (queue->pm4.ring.pos >= queue->pm4.ring.end)
			continue;
		queue->round = sim->round;
		more |= simgpu_hiq_run(sim, queue);
		goto again;
	}
	return more;
}

static int simgpu_engine_thread(void *data)
{
	unsigned long idle_us = SIMGPU_IDLE_MIN_US;
	struct simgpu_queue *queue;
	struct simgpu *sim = data;
	bool more;

	/* like hardware, go on while others wait for us in reclaim */
	memalloc_noreclaim_save();
	while (!kthread_should_stop()) {
		wait_event_interruptible(sim->wake, kthread_should_stop() ||
					 !list_empty(&sim->queues));
		mutex_lock(&sim->lock);
		more = simgpu_engine_schedule(sim);
		list_for_each_entry(queue, &sim->queues, node)
			if (queue->type != SIMGPU_QUEUE_HIQ && !sim->suspended)
				more |= simgpu_queue_turn(sim, queue);
		mutex_unlock(&sim->lock);
		if (more) {
			idle_us = SIMGPU_IDLE_MIN_US;
			cond_resched();
			continue;
		}
		/* waits for work, not for anybody: no matter for whoever looks for hung tasks */
		usleep_idle_range(idle_us, 2 * idle_us);
		idle_us = min(2 * idle_us, SIMGPU_IDLE_MAX_US);
	}
	return 0;
}

/**
 * simgpu_engine_start - start running queues
 * @sim: GPU
 *
 * Context: process context.
 * Return: 0 or a negative errno.
 */
int simgpu_engine_start(struct simgpu *sim)
{
	struct task_struct *thread;
	u64 offset;

	for (offset = 0; offset < SIMGPU_DOORBELL_SIZE; offset += sizeof(u64))
		*(u64 *)(sim->doorbell + offset) = SIMGPU_DOORBELL_IDLE;
	simgpu_irq_init(sim);
	thread = kthread_run(simgpu_engine_thread, sim, "simgpu-%s", dev_name(sim->adev->dev));
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	sim->thread = thread;
	return 0;
}

/**
 * simgpu_queues_kill - forget all queues that are loaded
 * @sim: GPU
 *
 * Context: process context.  Takes sim->lock.
 */
void simgpu_queues_kill(struct simgpu *sim)
{
	struct simgpu_queue *queue, *next;

	mutex_lock(&sim->lock);
	list_for_each_entry_safe(queue, next, &sim->queues, node)
		simgpu_queue_kill(sim, queue);
	sim->suspended = false;
	mutex_unlock(&sim->lock);
}

/**
 * simgpu_engine_stop - stop running queues, forget those that are loaded
 * @sim: GPU; the engine may not have been started
 *
 * Context: process context.
 */
void simgpu_engine_stop(struct simgpu *sim)
{
	if (!sim->thread)
		return;
	kthread_stop(sim->thread);
	sim->thread = NULL;
	simgpu_irq_fini(sim);
	simgpu_queues_kill(sim);
}
