// SPDX-License-Identifier: MIT
/*
 * Configuration of the simulated GPUs.
 *
 * Everything in this file works on plain numbers: no device, no memory and no
 * lock is behind it, so that KUnit can try every value.
 */
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <kunit/visibility.h>

#include "simgpu_config.h"

/**
 * DOC: simgpu configuration
 *
 * Simulated GPUs appear when amdgpu is loaded with ``simgpu_count`` above 0.
 * Their BARs are ordinary memory that the kernel was told to leave alone at
 * boot, for example ``memmap=768M$0x40000000``:
 *
 * ``simgpu_count``
 *	How many GPUs, 0 (the default) to 8.
 *
 * ``simgpu_base``
 *	Physical address of that memory, aligned to the size of one VRAM.
 *	It has to hold, for each GPU, the VRAM and 4 MiB for doorbells and
 *	registers.
 *
 * ``simgpu_vram_mb``
 *	MiB of VRAM per GPU, a power of two from 32 to 4096.  Default 256.
 *
 * ``simgpu_rotate``
 *	0 to ``simgpu_count`` - 1: moves the GPUs along the bus, so that the
 *	same GPU gets another gpu_id and another place in the topology.  This
 *	is how a test plays "the machine after a reboot, with GPUs swapped".
 *	``unique_id`` in the topology tells the GPUs apart whatever their place.
 *
 * ``simgpu_fence_delay_us``
 *	Microseconds for which fences of the kernel's rings stay outstanding,
 *	up to 1000000; debugfs changes it at run time.
 *
 * A wrong value gives one line in the log that names the parameter, and no
 * device; the rest of amdgpu loads as usual.
 */

static unsigned int simgpu_count;
module_param(simgpu_count, uint, 0444);
MODULE_PARM_DESC(simgpu_count, "Number of simulated GPUs, for testing (0 to 8, default 0)");

static unsigned long simgpu_base;
module_param(simgpu_base, ulong, 0444);
MODULE_PARM_DESC(simgpu_base, "Physical address of reserved memory for the simulated GPUs");

static unsigned int simgpu_vram_mb = 256;
module_param(simgpu_vram_mb, uint, 0444);
MODULE_PARM_DESC(simgpu_vram_mb, "MiB of VRAM of each simulated GPU (power of two, default 256)");

static unsigned int simgpu_rotate;
module_param(simgpu_rotate, uint, 0444);
MODULE_PARM_DESC(simgpu_rotate, "Places by which the simulated GPUs move along their bus");

static unsigned int simgpu_fence_delay_us;
module_param(simgpu_fence_delay_us, uint, 0444);
MODULE_PARM_DESC(simgpu_fence_delay_us, "Microseconds a fence of a simulated ring stays outstanding");

/**
 * simgpu_config_count_valid - is the number of GPUs one that we can have
 * @config: configuration
 *
 * Context: any.
 * Return: true for 0 to %SIMGPU_MAX_COUNT.
 */
bool simgpu_config_count_valid(const struct simgpu_config *config)
{
	return config->count <= SIMGPU_MAX_COUNT;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_count_valid);

/**
 * simgpu_config_vram_valid - is the size of VRAM one that a BAR can have
 * @config: configuration
 *
 * Context: any.
 * Return: true for a power of two within the limits.
 */
bool simgpu_config_vram_valid(const struct simgpu_config *config)
{
	return config->vram_mb >= SIMGPU_MIN_VRAM_MB && config->vram_mb <= SIMGPU_MAX_VRAM_MB &&
	       is_power_of_2(config->vram_mb);
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_vram_valid);

/**
 * simgpu_config_base_valid - can a BAR stand at the base address
 * @config: configuration whose count and VRAM size are valid
 *
 * A BAR is aligned to its size, and the region must not wrap around.  Whether
 * there is memory is for the bus to find out.
 *
 * Context: any.
 * Return: true when the address can be used.
 */
bool simgpu_config_base_valid(const struct simgpu_config *config)
{
	u64 vram = (u64)config->vram_mb * SZ_1M;

	return config->base && IS_ALIGNED(config->base, vram) &&
	       config->base + simgpu_config_size(config) > config->base;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_base_valid);

/**
 * simgpu_config_rotate_valid - is the rotation a number of places
 * @config: configuration
 *
 * Context: any.
 * Return: true below the number of GPUs, or 0 when there are none.
 */
bool simgpu_config_rotate_valid(const struct simgpu_config *config)
{
	return !config->rotate || config->rotate < config->count;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_rotate_valid);

/**
 * simgpu_config_fence_delay_valid - is the delay within its limit
 * @config: configuration
 *
 * Context: any.
 * Return: true up to %SIMGPU_MAX_FENCE_DELAY_US.
 */
bool simgpu_config_fence_delay_valid(const struct simgpu_config *config)
{
	return config->fence_delay_us <= SIMGPU_MAX_FENCE_DELAY_US;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_fence_delay_valid);

/**
 * simgpu_config_check - check a whole configuration
 * @config: configuration
 * @why: buffer for one line that names the first wrong parameter
 * @len: bytes in @why
 *
 * Without GPUs the other parameters mean nothing, and any value will do.
 *
 * Context: any.
 * Return: 0, or -EINVAL with @why filled.
 */
int simgpu_config_check(const struct simgpu_config *config, char *why, size_t len)
{
	if (!simgpu_config_count_valid(config))
		snprintf(why, len, "simgpu_count=%u is out of range, 0 to %d",
			 config->count, SIMGPU_MAX_COUNT);
	else if (!config->count)
		return 0;
	else if (!simgpu_config_vram_valid(config))
		snprintf(why, len, "simgpu_vram_mb=%u is not a power of two from %d to %d",
			 config->vram_mb, SIMGPU_MIN_VRAM_MB, SIMGPU_MAX_VRAM_MB);
	else if (!simgpu_config_base_valid(config))
		snprintf(why, len, "simgpu_base=%#lx is not an address aligned to %u MiB",
			 config->base, config->vram_mb);
	else if (!simgpu_config_rotate_valid(config))
		snprintf(why, len, "simgpu_rotate=%u is not below simgpu_count=%u",
			 config->rotate, config->count);
	else if (!simgpu_config_fence_delay_valid(config))
		snprintf(why, len, "simgpu_fence_delay_us=%u is above %d",
			 config->fence_delay_us, SIMGPU_MAX_FENCE_DELAY_US);
	else
		return 0;
	return -EINVAL;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_check);

/**
 * simgpu_config_vram_start - address of a GPU's VRAM BAR
 * @config: valid configuration
 * @gpu: number of the GPU, which is not its place on the bus
 *
 * Context: any.
 * Return: physical address.
 */
u64 simgpu_config_vram_start(const struct simgpu_config *config, unsigned int gpu)
{
	return config->base + (u64)gpu * config->vram_mb * SZ_1M;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_vram_start);

/**
 * simgpu_config_doorbell_start - address of a GPU's doorbell BAR
 * @config: valid configuration
 * @gpu: number of the GPU
 *
 * The small BARs stand behind all VRAMs, each aligned to its size because
 * VRAM is never smaller than %SIMGPU_SMALL_BARS_SIZE.
 *
 * Context: any.
 * Return: physical address.
 */
u64 simgpu_config_doorbell_start(const struct simgpu_config *config, unsigned int gpu)
{
	return simgpu_config_vram_start(config, config->count) + gpu * SIMGPU_SMALL_BARS_SIZE;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_doorbell_start);

/**
 * simgpu_config_reg_start - address of a GPU's register BAR
 * @config: valid configuration
 * @gpu: number of the GPU
 *
 * Context: any.
 * Return: physical address.
 */
u64 simgpu_config_reg_start(const struct simgpu_config *config, unsigned int gpu)
{
	return simgpu_config_doorbell_start(config, gpu) + SIMGPU_DOORBELL_SIZE;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_reg_start);

/**
 * simgpu_config_size - bytes of memory that all GPUs take together
 * @config: configuration with a valid count and VRAM size
 *
 * Context: any.
 * Return: bytes from @config->base on.
 */
u64 simgpu_config_size(const struct simgpu_config *config)
{
	return config->count * ((u64)config->vram_mb * SZ_1M + SIMGPU_SMALL_BARS_SIZE);
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_size);

/**
 * simgpu_config_slot - where on the bus a GPU sits
 * @config: valid configuration
 * @gpu: number of the GPU
 *
 * KFD makes a gpu_id from the place among others, and orders nodes by it.
 * Both the order and the set of places change with @config->rotate.
 *
 * Context: any.
 * Return: PCI slot, from 1 on.
 */
unsigned int simgpu_config_slot(const struct simgpu_config *config, unsigned int gpu)
{
	return 1 + config->rotate + (gpu + config->rotate) % config->count;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_slot);

/**
 * simgpu_config_from_params - what the module parameters say
 * @config: filled, not checked
 *
 * Context: any.
 */
void simgpu_config_from_params(struct simgpu_config *config)
{
	*config = (struct simgpu_config) {
		.count = simgpu_count,
		.base = simgpu_base,
		.vram_mb = simgpu_vram_mb,
		.rotate = simgpu_rotate,
		.fence_delay_us = simgpu_fence_delay_us,
	};
}
