#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Build a kernel with simulated GPUs and run the KFD selftests on it in QEMU.
set -eu

here=$(dirname "$(realpath "$0")")
srctree=$(realpath "$here/../../../..")
bench=''
cell=''
debug=''
env=()
kcsan=''
large=''
kernel_tree=''
label=ours
matrix=''
more=''
kvm=''
other_tree=''
parameters=''
programs=''
results=''
shell=''
story=''
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
  -l <label>   name of the kernel in results: ours (default) or stock
  -d           debug kernel: KASAN, lockdep, kmemleak and more
  -C           kernel with KCSAN, which looks for data races
  -t <glob>    only test programs of this name
  -c <globs>   only cells of these names (see vm/cells)
  -T <seconds> time limit of one program (default 1800, four times that with -d, -C)
  -x <list>    these programs instead of the cell's, as in vm/cells
  -p <params>  parameters of amdgpu, instead of the cell's
  -P <params>  parameters of amdgpu, behind the cell's
  -m           the cells of vm/matrix, and a table of what they say
  -M           a machine with 8 GiB of memory and two GPUs of 256 MiB
  -b           the cells of vm/bench, on a machine whose clock counts instructions
  -e <N=V>     environment variable for the programs
  -r <folder>  where logs and results go (default: in the output of the build)
  -k           KVM instead of an emulated CPU
  -n           do not build, only run
  -v           print what the programs tell, as it comes
  -s           a shell in the machine instead of tests
EOF
}

while getopts 'S:K:O:l:dCt:c:T:x:p:P:mMbe:r:knsvh' option; do
	case $option in
	S) srctree=$(realpath "$OPTARG") ;;
	K) kernel_tree=$(realpath "$OPTARG") ;;
	O) other_tree=$(realpath "$OPTARG") ;;
	l) label=$OPTARG ;;
	d) debug=1 ;;
	C) kcsan=1 ;;
	t) test=$OPTARG ;;
	c) cell=$OPTARG ;;
	T) timeout=$OPTARG ;;
	x) programs=$OPTARG ;;
	p) parameters=$OPTARG ;;
	P) more=$OPTARG ;;
	m) matrix=1 ;;
	M) large=1 ;;
	b) bench=1 ;;
	e) env+=("--env" "$OPTARG") ;;
	r) results=$OPTARG ;;
	k) kvm=1 ;;
	n) build='' ;;
	s) shell=1 ;;
	v) story=1 ;;
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

if [ -n "$debug" ] && [ -n "$kcsan" ]; then
	echo "error: KASAN and KCSAN exclude each other, so do -d and -C" >&2
	exit 2
fi
out=out${debug:+-debug}${kcsan:+-kcsan}
fragments=()
[ -z "$debug" ] || fragments=("$here/vm/debug.config")
[ -z "$kcsan" ] || fragments=("$here/vm/kcsan.config")
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
	"$here/vm/initramfs.py" --out "$1" --tests "$tests" \
		--source "$srctree/tools/testing/selftests/kfd_criu" "$1/vm/initramfs.cpio"
}
initramfs "$kernel"

# Of much memory 2 GiB are below 4 GiB. What one machine leaves to the next one comes at the
# end of that, so the GPUs have to be at its beginning.
large_options=()
if [ -n "$large" ]; then
	more="${more:+$more }simgpu_base=0x10000000 simgpu_vram_mb=256"
	large_options=(--memory 8192M --reserve "576M\$0x10000000")
fi
run=("$here/vm/run.py" --srctree "$srctree" --kernel "$kernel/arch/x86/boot/bzImage" \
	--initramfs "$kernel/vm/initramfs.cpio" --tests "$tests" \
	--results "${results:-$kernel/vm/results}" --label "$label" \
	${cell:+--cell "$cell"} ${test:+--test "$test"} ${timeout:+--timeout "$timeout"} \
	${programs:+--programs "$programs"} ${parameters:+--parameters "$parameters"} \
	${more:+--more-parameters "$more"} \
	${matrix:+--cells "$here/vm/matrix" --grid} ${bench:+--cells "$here/vm/bench" --icount} \
	${debug:+--debug} ${kcsan:+--kcsan} ${kvm:+--kvm} \
	${large_options[@]+"${large_options[@]}"} \
	${shell:+--shell} ${story:+--story} ${env[@]+"${env[@]}"})

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
