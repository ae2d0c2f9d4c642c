// SPDX-License-Identifier: MIT
/*
 * Configuration of the simulated GPUs.
 *
 * Everything in this file works on plain numbers: no device, no memory and no
 * lock is behind it, so that KUnit can try every value.
 */
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/string.h>
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
 * ``simgpu_gc``
 *	Generations, as a list of versions of graphics and compute with commas
 *	between them: one for each GPU, the last also for all GPUs behind it.
 *	Numbers at the end may be left out for 0.  ``9.4.0`` is the default.
 *	The name of a product is good in the place of a version.
 *
 * ``simgpu_die``
 *	Number of the first GPU's die, up to 9999; each GPU has the next one.
 *	Another die of a product has other compute units disabled, and another
 *	``unique_id``.  Default 0.
 *
 * ``simgpu_xccs``
 *	XCCs of each GPU of generation 9.4.3, 2 (the default) to 8; a product has
 *	its own number.
 *
 * ``simgpu_partitions``
 *	``spx``: such a GPU is one partition, with one node of KFD's and one
 *	render node.  ``cpx``: each XCC is.  ``spx`` is the default.  With ``cpx``
 *	and more than two XCCs, KFD wants its hardware scheduler: it gives the
 *	same VMIDs to every other partition, but there is one set of them.
 *
 * ``simgpu_mqd_signatures``
 *	1, the default: firmware uses every word and bit of a MQD that is not the
 *	driver's, and what each XCC leaves on the control stack, and refuses a
 *	queue that has lost one.  0: it uses those that it needs.
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

static char *simgpu_gc;
module_param(simgpu_gc, charp, 0444);
MODULE_PARM_DESC(simgpu_gc, "Generation of each simulated GPU, for example 9.4.0,9.0.1 (default 9.4.0)");

static unsigned int simgpu_xccs = SIMGPU_MIN_XCCS;
module_param(simgpu_xccs, uint, 0444);
MODULE_PARM_DESC(simgpu_xccs, "XCCs of simulated GPUs of generation 9.4.3 (2 to 8, default 2)");

static char *simgpu_partitions = "spx";
module_param(simgpu_partitions, charp, 0444);
MODULE_PARM_DESC(simgpu_partitions, "Partitions of simulated GPUs of generation 9.4.3 (spx or cpx, default spx)");

static unsigned int simgpu_die;
module_param(simgpu_die, uint, 0444);
MODULE_PARM_DESC(simgpu_die, "Number of the die of the first simulated GPU (0 to 9999, default 0)");

static bool simgpu_mqd_signatures = true;
module_param(simgpu_mqd_signatures, bool, 0444);
MODULE_PARM_DESC(simgpu_mqd_signatures, "Simulated firmware notices any bit that a MQD has lost (default on)");

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

/* Read the version or product at the start of a list.  Returns its end, NULL when there is none. */
static const char *simgpu_config_gc_entry(const char *at, const struct simgpu_desc **desc)
{
	unsigned int part[3] = { }, n;
	const char *start = at;

	if (isalpha(*at)) {
		while (isalnum(*at))
			at++;
		*desc = simgpu_desc_find_product(start, at - start);
		return *desc && (!*at || *at == ',') ? at : NULL;
	}
	for (n = 0; ; n++) {
		if (!isdigit(*at))
			return NULL;
		while (isdigit(*at) && part[n] <= U8_MAX)
			part[n] = part[n] * 10 + *at++ - '0';
		if (part[n] > U8_MAX)
			return NULL;
		if (*at != '.' || n == ARRAY_SIZE(part) - 1)
			break;
		at++;
	}
	*desc = simgpu_desc_find(part[0], part[1], part[2]);
	return *desc && (!*at || *at == ',') ? at : NULL;
}

/**
 * simgpu_config_gc_valid - is there a generation for each GPU
 * @config: configuration with a valid count
 *
 * Context: any.
 * Return: true for a list of generations and products that can be simulated, not longer
 * than there are GPUs.
 */
bool simgpu_config_gc_valid(const struct simgpu_config *config)
{
	const struct simgpu_desc *desc;
	const char *at = config->gc;
	unsigned int entries = 0;

	if (!at)
		return true;
	for (;;) {
		at = simgpu_config_gc_entry(at, &desc);
		if (!at || ++entries > config->count)
			return false;
		if (!*at++)
			return true;
	}
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_gc_valid);

/**
 * simgpu_config_xccs_valid - is the number of XCCs one that a GPU can have
 * @config: configuration
 *
 * Context: any.
 * Return: true for %SIMGPU_MIN_XCCS to %SIMGPU_MAX_XCCS.
 */
bool simgpu_config_xccs_valid(const struct simgpu_config *config)
{
	return config->xccs >= SIMGPU_MIN_XCCS && config->xccs <= SIMGPU_MAX_XCCS;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_xccs_valid);

static bool simgpu_config_cpx(const struct simgpu_config *config)
{
	return config->partitions && !strcmp(config->partitions, "cpx");
}

/**
 * simgpu_config_partitions_valid - is there such a way to make partitions
 * @config: configuration
 *
 * Context: any.
 * Return: true for spx and cpx.
 */
bool simgpu_config_partitions_valid(const struct simgpu_config *config)
{
	return !config->partitions || !strcmp(config->partitions, "spx") ||
	       simgpu_config_cpx(config);
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_partitions_valid);

/**
 * simgpu_config_die_valid - is there such a die
 * @config: configuration
 *
 * Context: any.
 * Return: true up to %SIMGPU_MAX_DIE.
 */
bool simgpu_config_die_valid(const struct simgpu_config *config)
{
	return config->die <= SIMGPU_MAX_DIE;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_die_valid);

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
	else if (!simgpu_config_gc_valid(config))
		snprintf(why, len, "simgpu_gc=%s does not name 1 to %u known generations",
			 config->gc, config->count);
	else if (!simgpu_config_xccs_valid(config))
		snprintf(why, len, "simgpu_xccs=%u is out of range, %d to %d",
			 config->xccs, SIMGPU_MIN_XCCS, SIMGPU_MAX_XCCS);
	else if (!simgpu_config_die_valid(config))
		snprintf(why, len, "simgpu_die=%u is above %d", config->die, SIMGPU_MAX_DIE);
	else if (!simgpu_config_partitions_valid(config))
		snprintf(why, len, "simgpu_partitions=%s is neither spx nor cpx",
			 config->partitions);
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
 * simgpu_config_desc - generation of a GPU
 * @config: valid configuration
 * @gpu: number of the GPU
 *
 * Context: any.
 * Return: its description.
 */
const struct simgpu_desc *simgpu_config_desc(const struct simgpu_config *config, unsigned int gpu)
{
	const struct simgpu_desc *desc = simgpu_desc_get(0);
	const char *at = config->gc;

	while (at) {
		at = simgpu_config_gc_entry(at, &desc);
		if (!at || !gpu-- || !*at++)
			break;
	}
	return desc;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_desc);

/**
 * simgpu_config_num_xcc - how many XCCs a GPU has
 * @config: valid configuration
 * @gpu: number of the GPU
 *
 * Context: any.
 * Return: XCCs, 1 for most generations.
 */
unsigned int simgpu_config_num_xcc(const struct simgpu_config *config, unsigned int gpu)
{
	const struct simgpu_desc *desc = simgpu_config_desc(config, gpu);

	if (desc->max_xcc == 1)
		return 1;
	return desc->xccs ?: config->xccs;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_num_xcc);

/**
 * simgpu_config_num_partitions - how many partitions a GPU has
 * @config: valid configuration
 * @gpu: number of the GPU
 *
 * Context: any.
 * Return: partitions, 1 or as many as there are XCCs.
 */
unsigned int simgpu_config_num_partitions(const struct simgpu_config *config, unsigned int gpu)
{
	return simgpu_config_cpx(config) ? simgpu_config_num_xcc(config, gpu) : 1;
}
EXPORT_SYMBOL_IF_KUNIT(simgpu_config_num_partitions);

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
		.xccs = simgpu_xccs,
		.signatures = simgpu_mqd_signatures,
		.die = simgpu_die,
		.partitions = simgpu_partitions,
		.gc = simgpu_gc,
	};
}
