#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Install the Debian packages that this repository needs and that are missing.
# usage: deps.sh [fuzz|isa|bench|check|all]
set -eu

packages=(
	# the kernel and the series
	bc bison build-essential coccinelle ed flex git libelf-dev libssl-dev python3 xz-utils
	# what coccinelle loads for the scripts that tell which rule did not apply
	libpython3-dev
	# the virtual machine
	busybox-static cpio criu kmod qemu-system-x86 rocminfo
	# programs on other people's libraries
	libdrm-dev libhsakmt-dev pkg-config zlib1g-dev
	# kernels of the tests, for the simulated GPUs
	lld-19 llvm-19
	# only makes builds faster
	ccache
)
# For one command alone, or for all of them.
case ${1:-} in
'') ;;
fuzz) packages+=(clang libclang-rt-14-dev llvm) ;;
isa) packages=(build-essential llvm-19 python3) ;;
bench) packages+=(gnuplot-nox) ;;
check) packages+=(gnuplot-nox python3-sphinx shellcheck sparse) ;;
all) packages+=(clang libclang-rt-14-dev llvm gnuplot-nox python3-sphinx shellcheck sparse) ;;
*)
	echo "deps.sh: '$1' is none of fuzz, isa, bench, check, all" >&2
	exit 2
	;;
esac
case ${KSRC:-} in
''|/usr/src/linux-source-6.12.tar.xz) packages+=(linux-source-6.12) ;;
esac

missing=()
for package in "${packages[@]}"; do
	state=$(dpkg-query -W -f '${db:Status-Status} ' "$package" 2>/dev/null) || true
	# a package that was there once is "not-installed"
	case " $state" in
	*" installed "*) ;;
	*) missing+=("$package") ;;
	esac
done
if [ ${#missing[@]} -eq 0 ]; then
	echo "all packages are installed"
	exit 0
fi

if ! command -v apt-get > /dev/null; then
	echo "no apt-get here to install what is missing: ${missing[*]}" >&2
	exit 1
fi
install=(apt-get install -y --no-install-recommends "${missing[@]}")
if [ "$(id -u)" != 0 ]; then
	echo "missing packages, type: sudo ${install[*]}" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q update || echo "warning: apt-get update failed, trying with what is known" >&2
"${install[@]}" || {
	echo "apt-get could not install what is missing: ${missing[*]}" >&2
	exit 1
}
