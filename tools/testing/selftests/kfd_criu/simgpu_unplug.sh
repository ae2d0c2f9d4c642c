#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A simulated GPU is unplugged and comes back by a rescan of the bus: there is one GPU
# less and then again all, and the kernel does not complain, as often as one likes.
#
# Each GPU that is there has been tested by amdgpu, on its rings.  Queues of KFD run as
# well, unless KFD takes no process any more once a GPU has been unplugged, as that of
# 6.12: then this is told.
#
# Loads and unloads amdgpu: only where it drives nothing but simulated GPUs.

KSFT_SKIP=4
nodes=/sys/class/kfd/kfd/topology/nodes
simgpu_device=0x51d0
parameters="simgpu_count=2 simgpu_base=${SIMGPU_BASE:-0x40000000} simgpu_vram_mb=128"
here=$(dirname "$0")
rounds=3
number=0
failed=0
round=0
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

skip()
{
	echo "1..0 # SKIP $1"
	exit $KSFT_SKIP
}

# check NAME STATUS
check()
{
	number=$((number + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $number $1"
	else
		echo "not ok $number $1"
		failed=1
	fi
}

complain()
{
	echo "# $1"
	status=1
}

num_nodes()
{
	found=0
	for id in "$nodes"/*/gpu_id; do
		[ ! -r "$id" ] || [ "$(cat "$id")" = 0 ] || found=$((found + 1))
	done
	echo $found
}

devices()
{
	for device in /sys/bus/pci/devices/*; do
		[ "$(cat "$device/device")" != $simgpu_device ] || echo "$device"
	done
}

# expect GPUS: so many
expect()
{
	[ "$(num_nodes)" -eq "$1" ] || complain "$(num_nodes) GPU nodes, not $1"
	[ "$(devices | wc -l)" -eq "$1" ] || complain "$(devices | wc -l) devices, not $1"
	[ "$(find /dev/dri -name 'renderD*' | wc -l)" -eq "$1" ] || complain "render nodes"
	[ "$1" -gt 0 ] || return
	if (: < /dev/kfd) 2> /dev/null; then
		# its queues are on the first GPU and on the last
		if ! "$here/kfd_aql_test" -t ping_pong > "$out" 2>&1 || ! grep -q '^ok' "$out"; then
			sed 's/^/# | /' "$out"
			complain "queues do not work"
		fi
	elif [ "$round" = 0 ]; then
		complain "KFD takes no process"
	else
		echo "# KFD takes no process after a GPU was unplugged"
	fi
}

# unplug DEVICE...
unplug()
{
	for device in "$@"; do
		echo 1 > "$device/remove" || complain "cannot unplug $device"
	done
}

echo "TAP version 13"
[ "$(id -u)" = 0 ] || skip "not root"
modinfo -p amdgpu 2> /dev/null | grep -q '^simgpu_count:' ||
	skip "amdgpu is not a module with simulated GPUs"
for device in /sys/bus/pci/drivers/amdgpu/*/device; do
	[ ! -r "$device" ] || [ "$(cat "$device")" = $simgpu_device ] ||
		skip "amdgpu drives a real GPU"
done
if [ -d /sys/module/amdgpu ]; then
	modprobe -r amdgpu || skip "amdgpu is in use"
fi

echo "1..$((1 + 4 * rounds + 1))"
status=0
# shellcheck disable=SC2086	# a list of parameters
modprobe amdgpu $parameters || complain "amdgpu does not load"
expect 2
check load $status

while [ $round -lt $rounds ]; do
	round=$((round + 1))
	for which in head tail; do
		status=0
		unplug "$(devices | $which -n 1)"
		expect 1
		check "unplug_${which}_$round" $status
		[ $which = head ] || unplug "$(devices)"
		status=0
		[ $which = head ] || [ "$(num_nodes)" -eq 0 ] || complain "nodes are left"
		echo 1 > /sys/bus/pci/rescan
		expect 2
		check "rescan_${which}_$round" $status
	done
done

status=0
modprobe -r amdgpu || complain "amdgpu does not unload"
[ ! -d /sys/module/amdgpu ] || complain "amdgpu is still there"
check unload $status
exit $failed
