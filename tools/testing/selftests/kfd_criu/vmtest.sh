#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build a kernel with simulated GPUs and run the KFD selftests on it in QEMU.
set -eu

here=$(dirname "$(realpath "$0")")
srctree=$(realpath "$here/../../../..")
cell=''
debug=''
env=()
kernel_tree=''
label=ours
kvm=''
other_tree=''
parameters=''
results=''
shell=''
test=''
timeout=''
build=1

usage()
{
	cat <<EOF
usage: vmtest.sh [option]...
  -S <tree>    kernel sources with the tests (default: the tree this file is in)
  -K <tree>    kernel sources to boot, if others than those with the tests
  -O <tree>    stock kernel sources, for cells that boot that kernel as well; if they are
               those of -K, cells that are about the difference are left out
  -l <label>   what the tests see as KFD_CRIU_KERNEL: ours (default) or stock
  -d           debug kernel: KASAN, lockdep, kmemleak and more
  -t <glob>    only test programs of this name
  -c <glob>    only cells of this name (see vm/cells)
  -T <seconds> time limit of one program (default 300, four times that with -d)
  -p <params>  parameters of amdgpu, instead of the cell's
  -e <N=V>     environment variable for the programs
  -r <folder>  where logs and results go (default: in the output of the build)
  -k           KVM instead of an emulated CPU
  -n           do not build, only run
  -s           a shell in the machine instead of tests
EOF
}

while getopts 'S:K:O:l:dt:c:T:p:e:r:knsh' option; do
	case $option in
	S) srctree=$(realpath "$OPTARG") ;;
	K) kernel_tree=$(realpath "$OPTARG") ;;
	O) other_tree=$(realpath "$OPTARG") ;;
	l) label=$OPTARG ;;
	d) debug=1 ;;
	t) test=$OPTARG ;;
	c) cell=$OPTARG ;;
	T) timeout=$OPTARG ;;
	p) parameters=$OPTARG ;;
	e) env+=("--env" "$OPTARG") ;;
	r) results=$OPTARG ;;
	k) kvm=1 ;;
	n) build='' ;;
	s) shell=1 ;;
	h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
if [ $# -gt 0 ]; then
	usage >&2
	exit 2
fi
: "${kernel_tree:=$srctree}"

out=out${debug:+-debug}
fragments=()
[ -z "$debug" ] || fragments=("$here/vm/debug.config")
if [ -n "$build" ] && [ "$kernel_tree" = "$srctree" ]; then
	"$here/vm/build.sh" "$srctree" "$out" ${fragments[@]+"${fragments[@]}"}
elif [ -n "$build" ]; then
	ONLY=kernel "$here/vm/build.sh" "$kernel_tree" "$out" ${fragments[@]+"${fragments[@]}"}
	ONLY=tests "$here/vm/build.sh" "$srctree" "$out" ${fragments[@]+"${fragments[@]}"}
fi
kernel=$kernel_tree/$out
# The tests always come from the sources given with -S, whatever kernel is booted.
tests=$srctree/$out/kfd_criu
initramfs()
{
	mkdir -p "$1/vm"
	"$here/vm/initramfs.py" --out "$1" --tests "$tests" "$1/vm/initramfs.cpio"
}
initramfs "$kernel"

run=("$here/vm/run.py" --srctree "$srctree" --kernel "$kernel/arch/x86/boot/bzImage" \
	--initramfs "$kernel/vm/initramfs.cpio" --tests "$tests" \
	--results "${results:-$kernel/vm/results}" --label "$label" \
	${cell:+--cell "$cell"} ${test:+--test "$test"} ${timeout:+--timeout "$timeout"} \
	${parameters:+--parameters "$parameters"} ${debug:+--debug} ${kvm:+--kvm} \
	${shell:+--shell} ${env[@]+"${env[@]}"})

# Another kernel takes time to build: only if it is going to be booted.
if [ "$other_tree" = "$kernel_tree" ]; then
	run+=(--same)
elif [ -n "$other_tree" ] && [ -z "$shell" ] && "${run[@]}" --other stock --wants-other; then
	other=$other_tree/$out
	[ -z "$build" ] ||
		ONLY=kernel "$here/vm/build.sh" "$other_tree" "$out" \
			${fragments[@]+"${fragments[@]}"}
	initramfs "$other"
	run+=(--other stock --other-kernel "$other/arch/x86/boot/bzImage" \
		--other-initramfs "$other/vm/initramfs.cpio")
fi
exec "${run[@]}"
