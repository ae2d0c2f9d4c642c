// SPDX-License-Identifier: MIT
/*
 * What the packet executors share.
 */
#include <linux/timekeeping.h>

#include "simgpu_packet.h"

/**
 * simgpu_stream_read - fetch dwords of a packet
 * @space: address space of the buffer
 * @stream: buffer
 * @offset: first dword, from @stream->pos on
 * @out: where to
 * @dwords: how many
 *
 * Context: any.
 * Return: 0; -EAGAIN when a ring does not hold that much yet, -EINVAL when a
 * linear buffer ends before; -EFAULT with @space->fault set.
 */
int simgpu_stream_read(struct simgpu_space *space, const struct simgpu_stream *stream,
		       u64 offset, u32 *out, unsigned int dwords)
{
	u64 first = stream->pos + offset;

	if (first + dwords > stream->end)
		return stream->mask ? -EAGAIN : -EINVAL;
	while (dwords) {
		u64 at = stream->mask ? first & stream->mask : first;
		unsigned int part = dwords;
		int ret;

		if (stream->mask)
			part = min_t(u64, part, stream->mask + 1 - at);
		ret = simgpu_read(space, stream->base + at * sizeof(u32), out,
				  part * sizeof(u32));
		if (ret)
			return ret;
		first += part;
		out += part;
		dwords -= part;
	}
	return 0;
}

/**
 * simgpu_compare - comparison of the packets that wait for memory
 * @function: 0 to 6: always, <, <=, ==, !=, >=, >; the same for SDMA and PM4
 * @value: what was read
 * @reference: what it is compared with
 *
 * Context: any.
 * Return: true when the wait is over.
 */
bool simgpu_compare(unsigned int function, u32 value, u32 reference)
{
	switch (function) {
	case 0:
		return true;
	case 1:
		return value < reference;
	case 2:
		return value <= reference;
	case 3:
		return value == reference;
	case 4:
		return value != reference;
	case 5:
		return value >= reference;
	case 6:
		return value > reference;
	default:
		return false;
	}
}

/**
 * simgpu_clock - the GPU's clock counter
 *
 * Context: any.
 * Return: ticks of 100 MHz, the same on all simulated GPUs.
 */
u64 simgpu_clock(void)
{
	return div_u64(ktime_get_boottime_ns(), 10);
}
