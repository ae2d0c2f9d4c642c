// SPDX-License-Identifier: MIT
/*
 * Interrupts of the simulated GPU, as entries of the IH ring of SOC15.
 *
 * amdgpu_amdkfd_interrupt() takes them without a ring behind them.  Facts of
 * the entry: dword 0 client, source, ring id and VMID; dword 3 PASID and node;
 * dword 4 and 5 the source's data.
 */
#include "amdgpu.h"
#include "amdgpu_amdkfd.h"
#include "soc15_int.h"

#include "simgpu_packet.h"

#define IH_ENTRY_DWORDS		8
#define IH_SOURCE_SHIFT		8
#define IH_RING_ID_SHIFT	16
#define IH_VMID_SHIFT		24
/* in dword 3 */
#define IH_NODE_SHIFT		16
/* ring id of a page fault */
#define FAULT_NOT_PRESENT	0x08
#define FAULT_READ		0x10
#define FAULT_WRITE		0x20
/* context of CP_BAD_OPCODE */
#define BAD_OPCODE_DOORBELL	GENMASK(9, 0)
#define BAD_OPCODE_EXCEPTION_SHIFT	10

/* context of SQ_INTERRUPT_MSG: encoding */
enum sq_encoding {
	SQ_ENCODING_AUTO,
	SQ_ENCODING_INST,
	SQ_ENCODING_ERROR,
};

/*
 * VMID of a process that a scheduler has mapped: any of KFD's will do, but with
 * partitions, those of even number share the lower half of the VMIDs, the others
 * the upper half.
 */
static u32 simgpu_irq_vmid(struct simgpu *sim, u32 partition)
{
	u32 first = sim->adev->vm_manager.first_kfd_vmid;
	u32 half = (SIMGPU_NUM_VMID - first) / 2;

	if (sim->num_partitions == 1)
		return first;
	return SIMGPU_NUM_VMID - (partition % 2 ? half : 2 * half);
}

/*
 * Where an interrupt comes from: dies count 4 numbers each, the first is that of
 * what two XCCs share, as SDMA, the next two are theirs.
 */
static u32 simgpu_irq_node(struct simgpu *sim, u32 client, u32 partition)
{
	u32 xcc = partition * simgpu_xccs(sim);

	if (sim->desc->max_xcc == 1)
		return 0;
	if (client == SOC15_IH_CLIENTID_GRBM_CP || client == sim->desc->fault_client ||
	    (client >= SOC15_IH_CLIENTID_SE0SH && client <= SOC15_IH_CLIENTID_SE3SH))
		return 4 * (xcc / 2) + 1 + xcc % 2;
	return 4 * (xcc / 2);
}

/* The VMID that an interrupt tells of an address space. */
static u32 simgpu_irq_space_vmid(struct simgpu *sim, u32 space)
{
	return space < SIMGPU_NUM_VMID ? space :
	       simgpu_irq_vmid(sim, simgpu_mmu_partition(sim, space));
}

static void simgpu_irq_raise(struct simgpu_space *space, u32 client, u32 source, u32 ring_id,
			     u32 data0, u32 data1)
{
	struct simgpu *sim = space->sim;
	u32 entry[IH_ENTRY_DWORDS] = { };
	u32 partition = simgpu_mmu_partition(sim, space->id);
	u32 vmid = simgpu_irq_space_vmid(sim, space->id);

	entry[0] = client | source << IH_SOURCE_SHIFT | ring_id << IH_RING_ID_SHIFT |
		   vmid << IH_VMID_SHIFT;
	entry[3] = simgpu_mmu_pasid(sim, space->id) & 0xffff;
	entry[4] = data0;
	entry[5] = data1;
	/* nobody to tell: the process has just left */
	if (!entry[3])
		return;
	entry[3] |= simgpu_irq_node(sim, client, partition) << IH_NODE_SHIFT;
	amdgpu_amdkfd_interrupt(sim->adev, entry);
}

/**
 * simgpu_irq_sdma_trap - a TRAP packet of a user queue
 * @space: address space of the queue
 * @engine: SDMA engine
 * @context: the packet's context, for KFD an event id
 *
 * Context: any.
 */
void simgpu_irq_sdma_trap(struct simgpu_space *space, unsigned int engine, u32 context)
{
	const struct simgpu_desc *desc = space->sim->desc;

	simgpu_irq_raise(space, desc->sdma_client[engine % ARRAY_SIZE(desc->sdma_client)],
			 desc->sdma_trap_source, 0, context, 0);
}

/**
 * simgpu_irq_end_of_pipe - a compute queue signals an event
 * @space: address space of the queue
 * @context: event id
 *
 * Context: any.
 */
void simgpu_irq_end_of_pipe(struct simgpu_space *space, u32 context)
{
	simgpu_irq_raise(space, SOC15_IH_CLIENTID_GRBM_CP, SOC15_INTSRC_CP_END_OF_PIPE, 0,
			 context, 0);
}

/**
 * simgpu_irq_bad_opcode - a compute queue has refused a packet
 * @space: address space of the queue
 * @doorbell_id: number of the doorbell among the process' own
 * @exception: exception code, EC_QUEUE_PACKET_*
 *
 * Context: any.
 */
void simgpu_irq_bad_opcode(struct simgpu_space *space, u32 doorbell_id, u32 exception)
{
	simgpu_irq_raise(space, SOC15_IH_CLIENTID_GRBM_CP, SOC15_INTSRC_CP_BAD_OPCODE, 0,
			 (doorbell_id & BAD_OPCODE_DOORBELL) |
			 exception << BAD_OPCODE_EXCEPTION_SHIFT, 0);
}

/* From the shader engine of a wave.  Fact: kfd_int_process_v*.c. */
static void simgpu_irq_sq(struct simgpu_space *space, unsigned int engine,
			  enum sq_encoding encoding, u32 data, bool priv)
{
	u32 client = SOC15_IH_CLIENTID_SE0SH + engine % 4, context, more = encoding << 6;

	switch (IP_VERSION_MAJ(space->sim->desc->gc_version)) {
	case 9:
		context = (data & 0xfff) | (data & 0xf000) << 16 | priv << 13 | encoding << 26;
		more = data >> 16 & 0xff;
		break;
	case 10:
		context = (data & 0x7fffff) | priv << 24;
		break;
	default:
		client = SOC21_IH_CLIENTID_GFX;
		context = (data & 0x1ffffff) | priv << 26;
		break;
	}
	simgpu_irq_raise(space, client, SOC15_INTSRC_SQ_INTERRUPT_MSG, 0, context, more);
}

/**
 * simgpu_irq_wave_message - S_SENDMSG of an interrupt
 * @space: address space of the wave's queue
 * @engine: shader engine
 * @data: M0; of a trap handler, a doorbell's number among the process' own, and above it a
 *	mask of exceptions
 * @priv: the wave is in a trap handler
 *
 * Context: any.
 */
void simgpu_irq_wave_message(struct simgpu_space *space, unsigned int engine, u32 data, bool priv)
{
	simgpu_irq_sq(space, engine, SQ_ENCODING_INST, data & 0xffffff, priv);
}

/**
 * simgpu_irq_wave_error - hardware stops a wave
 * @space: address space of the wave's queue
 * @engine: shader engine
 * @error: why
 * @priv: the wave is in a trap handler
 *
 * Context: any.
 */
void simgpu_irq_wave_error(struct simgpu_space *space, unsigned int engine,
			   enum simgpu_wave_error error, bool priv)
{
	static const u8 shift[] = { [9] = 20, [10] = 19, [11] = 21, [12] = 21 };

	simgpu_irq_sq(space, engine, SQ_ENCODING_ERROR,
		      error << shift[IP_VERSION_MAJ(space->sim->desc->gc_version)], priv);
}

/**
 * simgpu_irq_page_fault - an access of a user queue was refused
 * @space: address space, with the fault
 *
 * Context: any.
 */
void simgpu_irq_page_fault(struct simgpu_space *space)
{
	const struct simgpu_fault *fault = &space->fault;
	u64 page = fault->va >> AMDGPU_GPU_PAGE_SHIFT;
	u32 ring_id = fault->write ? FAULT_WRITE : FAULT_READ;

	if (!fault->present)
		ring_id |= FAULT_NOT_PRESENT;
	simgpu_irq_raise(space, space->sim->desc->fault_client, SOC15_INTSRC_VMC_FAULT, ring_id,
			 lower_32_bits(page), upper_32_bits(page) & 0xf);
}

/* Have the driver provide a page, as it does when it is told of a retry fault. */
static void simgpu_retry_work(struct work_struct *work)
{
	struct simgpu_retry *retry = container_of(work, struct simgpu_retry, work);
	struct simgpu *sim = container_of(retry, struct simgpu, retry);

	amdgpu_vm_handle_fault(sim->adev, retry->pasid, retry->vmid, retry->node, retry->va,
			       simgpu_clock(), retry->write);
	mutex_lock(&sim->lock);
	retry->pending = false;
	mutex_unlock(&sim->lock);
}

/**
 * simgpu_irq_retry_fault - an access of a user queue may be repeated when a page is there
 * @space: address space, with the fault
 *
 * The driver is asked for one page at a time; whoever meets another one meanwhile
 * meets it again.
 *
 * Context: process context, with sim->lock held.
 * Return: false when the fault is final.
 */
bool simgpu_irq_retry_fault(struct simgpu_space *space)
{
	const struct simgpu_fault *fault = &space->fault;
	struct simgpu *sim = space->sim;
	struct simgpu_retry *retry = &sim->retry;

	lockdep_assert_held(&sim->lock);
	if (!fault->retry)
		return false;
	if (retry->pending)
		return true;
	retry->pending = true;
	retry->pasid = simgpu_mmu_pasid(sim, space->id);
	retry->vmid = simgpu_irq_space_vmid(sim, space->id);
	retry->node = simgpu_irq_node(sim, sim->desc->fault_client,
				      simgpu_mmu_partition(sim, space->id));
	retry->va = fault->va;
	retry->write = fault->write;
	queue_work(system_unbound_wq, &retry->work);
	return true;
}

/**
 * simgpu_irq_init - before the first interrupt
 * @sim: GPU
 *
 * Context: any.
 */
void simgpu_irq_init(struct simgpu *sim)
{
	INIT_WORK(&sim->retry.work, simgpu_retry_work);
}

/**
 * simgpu_irq_fini - wait for what the driver was asked for
 * @sim: GPU that executes nothing any more
 *
 * Context: process context.
 */
void simgpu_irq_fini(struct simgpu *sim)
{
	cancel_work_sync(&sim->retry.work);
	sim->retry.pending = false;
}
