#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build a tree that has the first patches of a series, for series.py: kernel
# and all modules.  Options that a later patch brings are not there yet.
set -eu
top=$(dirname "$(dirname "$(realpath "$0")")")
LAX_CONFIG=1 ONLY=kernel exec "$top/tools/testing/selftests/kfd_criu/vm/build.sh" "$1" out
