// SPDX-License-Identifier: MIT
/*
 * Executor of AQL packets: barriers, kernel dispatches, and their signals.
 *
 * Formats: HSA Platform System Architecture, and the signal of the ROCm
 * runtime: value at byte 8, event mailbox at 16, event id at 24.
 *
 * A packet begins when the one before it has ended, whatever its barrier bit says.
 */
#include "simgpu_dispatch.h"
#include "simgpu_packet.h"

#define AQL_PACKET_SIZE		64
#define AQL_TYPE(h)		((h) & 0xff)
#define AQL_DEPS		5
#define SIGNAL_VALUE		8
#define SIGNAL_MAILBOX		16
#define SIGNAL_EVENT_ID		24

enum aql_type {
	AQL_VENDOR,
	AQL_INVALID,
	AQL_KERNEL_DISPATCH,
	AQL_BARRIER_AND,
	AQL_AGENT_DISPATCH,
	AQL_BARRIER_OR,
};

struct aql_barrier {
	u16 header;
	u16 reserved0;
	u32 reserved1;
	u64 dep_signal[AQL_DEPS];
	u64 reserved2;
	u64 completion_signal;
};

static_assert(sizeof(struct aql_barrier) == AQL_PACKET_SIZE);

/* Are the dependencies met?  An address of 0 is no dependency. */
static int aql_barrier_wait(struct simgpu_space *space, const struct aql_barrier *packet)
{
	unsigned int i, deps = 0, met = 0;
	u64 value;
	int ret;

	for (i = 0; i < AQL_DEPS; i++) {
		if (!packet->dep_signal[i])
			continue;
		ret = simgpu_read64(space, packet->dep_signal[i] + SIGNAL_VALUE, &value);
		if (ret)
			return ret;
		deps++;
		met += !value;
	}
	if (AQL_TYPE(packet->header) == AQL_BARRIER_AND)
		return met == deps ? 0 : -EAGAIN;
	return met || !deps ? 0 : -EAGAIN;
}

/*
 * Count the signal down, and ring the mailbox of whoever sleeps on it.  All that may fault comes
 * first: it may come again.
 */
static int aql_complete(struct simgpu_space *space, u64 signal)
{
	u64 mailbox;
	u32 event;
	int ret;

	ret = simgpu_probe(space, signal + SIGNAL_VALUE, sizeof(u64), true);
	if (!ret)
		ret = simgpu_read64(space, signal + SIGNAL_MAILBOX, &mailbox);
	if (!ret)
		ret = simgpu_read32(space, signal + SIGNAL_EVENT_ID, &event);
	if (!ret && mailbox)
		ret = simgpu_probe(space, mailbox, sizeof(u64), true);
	if (!ret)
		ret = simgpu_atomic_add64(space, signal + SIGNAL_VALUE, -1ULL, NULL);
	if (ret || !mailbox)
		return ret;
	ret = simgpu_write64(space, mailbox, event);
	if (!ret)
		simgpu_irq_end_of_pipe(space, event);
	return ret;
}

/* Returns 1 as long as the kernel is running. */
static int aql_kernel(struct simgpu_aql *aql, u64 at)
{
	int ret = 0;

	if (!aql->dispatch->active)
		ret = simgpu_dispatch_aql(aql->dispatch, at, aql->rptr);
	ret = ret ?: simgpu_dispatch_run(aql->dispatch, &aql->left);
	if (ret == -EINVAL)
		aql->error = aql->dispatch->exception;
	return ret;
}

static int aql_packet(struct simgpu_aql *aql)
{
	u64 at = aql->base + (aql->rptr & (aql->packets - 1)) * AQL_PACKET_SIZE;
	struct simgpu_space *space = &aql->space;
	static const u16 invalid = AQL_INVALID;
	struct aql_barrier packet;
	bool ended = false;
	int ret;

	ret = simgpu_read(space, at, &packet, sizeof(packet));
	if (ret)
		return ret;
	switch (AQL_TYPE(packet.header)) {
	case AQL_INVALID:
		/* reserved by the producer, not written yet */
		return -EAGAIN;
	case AQL_BARRIER_AND:
	case AQL_BARRIER_OR:
		ret = aql_barrier_wait(space, &packet);
		break;
	case AQL_KERNEL_DISPATCH:
		ret = aql_kernel(aql, at);
		ended = !ret;
		break;
	case AQL_VENDOR:
		aql->error = EC_QUEUE_PACKET_VENDOR_UNSUPPORTED;
		return -EINVAL;
	default:
		aql->error = EC_QUEUE_PACKET_UNSUPPORTED;
		return -EINVAL;
	}
	if (!ret)
		ret = simgpu_probe(space, at, sizeof(invalid), true);
	if (!ret && packet.completion_signal)
		ret = aql_complete(space, packet.completion_signal);
	/* a kernel that has ended must not run again when the signal can be reached */
	if (ret && ended)
		aql->dispatch->active = true;
	/* the slot goes back to the producer, who may reuse it at once */
	if (!ret)
		ret = simgpu_write(space, at, &invalid, sizeof(invalid));
	if (!ret)
		aql->rptr++;
	return ret;
}

/**
 * simgpu_aql_run - execute packets of an AQL queue, for a turn
 * @aql: queue
 *
 * A turn is %SIMGPU_TURN_STEPS long.
 *
 * Context: process context, one caller at a time.
 * Return: as simgpu_sdma_run(); after -EINVAL @aql->error says what KFD calls
 * it.
 */
int simgpu_aql_run(struct simgpu_aql *aql)
{
	int ret;

	aql->left = SIMGPU_TURN_STEPS;
	while (aql->left) {
		if (aql->rptr >= aql->wptr)
			return 0;
		ret = aql_packet(aql);
		if (ret)
			return ret;
		simgpu_take_steps(&aql->left, SIMGPU_PACKET_STEPS);
		atomic64_inc(&aql->space.sim->packets);
	}
	return 1;
}
