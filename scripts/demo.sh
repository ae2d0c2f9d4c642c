#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What there is to see in a minute: unmodified rocminfo on two simulated GPUs.
set -eu
cd "$(dirname "$(dirname "$(realpath "$0")")")"

make --no-print-directory test CELL=clients KERNEL="${KERNEL:-ours}"
echo
echo "What rocminfo said:"
sed -n '/^#@ start client_rocminfo/,/^#@ end/p' \
	"build/results/${KERNEL:-ours}/clients.results" | grep -v '^#@'
