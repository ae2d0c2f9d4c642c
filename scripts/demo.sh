#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What this is about, in a minute: a GPU process is checkpointed in the middle
# of its work, killed and restored, on two simulated GPUs.  From a fresh
# machine on: installs, builds and boots what it needs.
set -eu
cd "$(dirname "$(dirname "$(realpath "$0")")")"
kernel=${KERNEL:-ours}
results=build/results/$kernel/demo.results

status=0
make --no-print-directory test CELL=demo KERNEL="$kernel" || status=$?
if [ -s "$results" ]; then
	printf '\nWhat happened in the virtual machine, two simulated GPUs, real amdgpu and amdkfd:\n\n'
	sed -n 's/^# / /p' "$results"
fi
exit "$status"
