#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# rocminfo, the way a user finds out whether ROCm sees the GPUs: it has to list
# as many GPU agents as KFD has GPU nodes.

KSFT_SKIP=4
nodes=/sys/class/kfd/kfd/topology/nodes
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
failed=0

echo "TAP version 13"
if [ ! -c /dev/kfd ]; then
	echo "1..0 # SKIP no KFD on this machine"
	exit $KSFT_SKIP
fi
if ! command -v rocminfo > /dev/null; then
	echo "1..0 # SKIP rocminfo is not installed"
	exit $KSFT_SKIP
fi

gpus=0
for id in "$nodes"/*/gpu_id; do
	# a node that this user may not use cannot be read
	if [ "$(cat "$id" 2> /dev/null || echo 0)" != 0 ]; then
		gpus=$((gpus + 1))
	fi
done
if [ $gpus -lt 2 ]; then
	echo "1..0 # SKIP 2 GPUs needed, $gpus found"
	exit $KSFT_SKIP
fi

# result NUMBER NAME STATUS
result()
{
	if [ "$3" -eq 0 ]; then
		echo "ok $1 $2"
	else
		echo "not ok $1 $2"
		failed=1
	fi
}

echo "1..3"
rocminfo > "$out" 2>&1
status=$?
[ $status -eq 0 ] || sed 's/^/# /' "$out"
result 1 "rocminfo runs" $status

agents=$(grep -c 'Device Type: *GPU' "$out")
echo "# $agents GPU agents, $gpus GPU nodes"
test "$agents" -eq "$gpus"
result 2 "as many GPU agents as GPU nodes" $?

# an agent without memory, or a queue, is of no use
pools=$(sed -n '/Device Type: *GPU/,$p' "$out" | grep -c 'Segment: *GLOBAL')
isas=$(grep -c 'Name: *amdgcn-amd-amdhsa--gfx' "$out")
test "$pools" -ge "$gpus" && test "$isas" -ge "$gpus"
result 3 "every GPU agent has a memory pool and an ISA" $?

exit $failed
