#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The long forms of the tests that try to break checkpoint and restore: hours, not minutes.
# What "make test DEBUG=1" does a part of is done in whole.
# usage: soak.sh [part]...
set -u
cd "$(dirname "$(dirname "$(realpath "$0")")")" || exit 1

# How many images "make fuzz" tries, and how long one program may take.  How many the fuzzer of
# the ioctl tries is its own number, or IMAGES.
RUNS=${RUNS:-50000000}
HOURS=${HOURS:-4}

parts=("$@")
[ $# -gt 0 ] || parts=(images faults fuzz races kcsan scale)
for part in "${parts[@]}"; do
	case $part in
	images|faults|fuzz|races|kcsan|scale) ;;
	*)
		echo "error: '$part' is none of images, faults, fuzz, races, kcsan, scale" >&2
		exit 2
		;;
	esac
done
for number in "$RUNS" "$HOURS"; do
	if ! [[ $number =~ ^[1-9][0-9]*$ ]]; then
		echo "error: '$number' is not a number of images or of hours" >&2
		exit 2
	fi
done

. scripts/verdict.sh

# A debug kernel, and that with KCSAN, is given four times that.
long=(SOAK=1 "TIMEOUT=$((HOURS * 900))")
for part in "${parts[@]}"; do
	case $part in
	images) tests fuzz "RUNS=$RUNS" ;;
	faults) tests test DEBUG=1 "${long[@]}" 'CELL=faults*' ;;
	fuzz) tests test DEBUG=1 "${long[@]}" CELL=fuzz ;;
	races) tests test DEBUG=1 "${long[@]}" 'CELL=races*' ;;
	kcsan) tests test KCSAN=1 "${long[@]}" 'CELL=races*' ;;
	scale) tests test DEBUG=1 "${long[@]}" CELL=scale ;;
	esac
done
verdict
