// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Checkpoint and restore of compute processes: what the state of a queue depends on,
 * beyond what makes two GPUs of a kind.
 *
 * CUs that are broken are missing, and are other ones on each die. A CU mask that a process
 * has set numbers the CUs that are there; the MQD has it by the places of these CUs.
 */

#include <kunit/visibility.h>
#include <linux/bits.h>
#include <linux/export.h>
#include <linux/string.h>
#include "amdgpu.h"
#include "kfd_criu.h"

/* In the word of an engine, each array has half of the bits. */
#define ARRAY_CUS	16

/**
 * kfd_criu_die_same_cus() - Are the same CUs there, so that each has the same name?
 * @a: a die
 * @b: another one
 *
 * Context: any.
 * Return: whether it is so
 */
bool kfd_criu_die_same_cus(const struct kfd_criu_die_record *a,
			   const struct kfd_criu_die_record *b)
{
	return a->engines == b->engines && a->arrays == b->arrays &&
	       !memcmp(a->cus, b->cus, sizeof(a->cus));
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_die_same_cus);

struct place {
	u8 engine;
	u8 bit;
};

#define MAX_PLACES	(KFD_CRIU_DIE_ENGINES * KFD_CRIU_DIE_ARRAYS * ARRAY_CUS)

/*
 * The places of an XCC's CUs in the order of their numbers: the first one of each array,
 * then the second ones, and so on, as many as each array has. Of those of a WGP, which
 * have a bit each, the first one counts for both.
 */
static u32 find_places(const struct kfd_criu_die_record *die, u32 xcc, u32 step,
		       struct place *places)
{
	u32 cu, array, engine, n = 0;

	for (cu = 0; cu < ARRAY_CUS; cu += step)
		for (array = 0; array < die->arrays; array++)
			for (engine = 0; engine < die->engines; engine++)
				if (hweight32(die->cus[xcc][engine][array]) > cu)
					places[n++] = (struct place) {
						.engine = engine,
						.bit = cu + array * ARRAY_CUS,
					};
	return n;
}

/**
 * kfd_criu_die_translate() - Make a CU mask name the CUs of another die.
 * @from: the die that it is for
 * @to: the die that it is to be for
 * @gc_version: IP version of both
 * @xcc: number of the XCC in the node
 * @masks: a word for each shader engine, %KFD_CRIU_DIE_ENGINES of them; changed
 *
 * A CU keeps its number. One whose number is not there any more is left out, as the driver
 * leaves out what a process says of CUs that are not there.
 *
 * Context: any.
 * Return: false if the mask has a bit that is no CU's, so that no process can have set it by
 * numbers
 */
bool kfd_criu_die_translate(const struct kfd_criu_die_record *from,
			    const struct kfd_criu_die_record *to, u32 gc_version, u32 xcc,
			    u32 *masks)
{
	u32 step = IP_VERSION_MAJ(gc_version) >= 10 ? 2 : 1;
	u32 cu = GENMASK(step - 1, 0), result[KFD_CRIU_DIE_ENGINES] = {};
	struct place old[MAX_PLACES], new[MAX_PLACES];
	u32 i, num_old, num_new;

	if (xcc >= KFD_CRIU_DIE_XCCS)
		return false;
	num_old = find_places(from, xcc, step, old);
	num_new = find_places(to, xcc, step, new);
	for (i = 0; i < num_old; i++) {
		u32 bits = cu << old[i].bit;

		if (!(masks[old[i].engine] & bits))
			continue;
		masks[old[i].engine] &= ~bits;
		if (i < num_new)
			result[new[i].engine] |= cu << new[i].bit;
	}
	if (memchr_inv(masks, 0, sizeof(result)))
		return false;
	memcpy(masks, result, sizeof(result));
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(kfd_criu_die_translate);
