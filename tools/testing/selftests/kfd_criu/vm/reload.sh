#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Load amdgpu with simulated GPUs and take it out again, several times: what
# the first unload leaves behind shows at the second load.
rounds=5
parameters="simgpu_count=2 simgpu_base=${SIMGPU_BASE:-0x40000000} simgpu_vram_mb=128"

gpus()
{
	found=0
	for node in /sys/class/kfd/kfd/topology/nodes/*; do
		[ -e "$node/gpu_id" ] || continue
		[ "$(cat "$node/gpu_id")" = 0 ] || found=$((found + 1))
	done
	echo $found
}

result()
{
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number $2"
	else
		echo "not ok $number $2"
		failed=1
	fi
}

number=0
failed=0
echo "KTAP version 1"
echo "1..$((2 * rounds))"
round=0
while [ $round -lt $rounds ]; do
	round=$((round + 1))
	# shellcheck disable=SC2086	# a list of parameters
	modprobe amdgpu $parameters 2>&1 | sed 's/^/# /'
	found=$(gpus)
	echo "# $found GPUs"
	test "$found" = 2
	result $? "load_$round"
	modprobe -r amdgpu 2>&1 | sed 's/^/# /'
	test ! -e /sys/module/amdgpu
	result $? "unload_$round"
done
exit $failed
