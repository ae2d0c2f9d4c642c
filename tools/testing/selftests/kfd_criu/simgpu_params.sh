#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Module parameters of the simulated GPU.  A wrong one gives one line in the
# kernel log that names it, with its value, and no GPU; never an oops, and
# nothing that a load with good parameters would notice afterwards.
#
# Loads and unloads amdgpu: only where it drives nothing but simulated GPUs.

KSFT_SKIP=4
nodes=/sys/class/kfd/kfd/topology/nodes
params=/sys/module/amdgpu/parameters
simgpu_device=0x51d0
mib=1048576
count=2
vram=64
# doorbells and registers of each GPU, in MiB
small=4

number=0
failed=0

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

# A shell may have commands of these names built in that know less than kmod's.
tool()
{
	for path in /sbin /usr/sbin /bin /usr/bin; do
		if [ -x "$path/$1" ]; then
			echo "$path/$1"
			return 0
		fi
	done
	return 1
}

hex()
{
	printf '0x%x' "$1"
}

loaded()
{
	[ -d /sys/module/amdgpu ]
}

unload()
{
	! loaded || "$rmmod" amdgpu
}

# Marks the place in the kernel log from which log() shows it.
mark()
{
	marker="simgpu-params: $number: $*"
	echo "$marker" > /dev/kmsg
}

log()
{
	dmesg | sed "1,/$marker/d"
}

# Lines of the simulated GPU, without time stamp and the name of the module.
simgpu_lines()
{
	log | sed -n 's/^\(\[[^]]*\] \)*\(amdgpu: \)*\(simgpu: .*\)/\3/p'
}

oopsed()
{
	log | grep -qE 'BUG:|Oops|WARNING:|Call Trace|general protection|UBSAN|KASAN'
}

gpu_nodes()
{
	for id in "$nodes"/*/gpu_id; do
		[ -r "$id" ] && [ "$(cat "$id")" != 0 ] && dirname "$id"
	done 2> /dev/null
}

num_nodes()
{
	gpu_nodes | wc -l
}

# property NODE-DIRECTORY NAME
property()
{
	sed -n "s/^$2 //p" "$1/properties"
}

# What is wrong is said in comments.
complain()
{
	echo "# $1"
	log | sed 's/^/# | /'
	return 1
}

# bad NAME PARAMETER VALUE OTHER-PARAMETERS...: one line with PARAMETER=VALUE, no GPU
bad()
{
	name=$1
	wrong=$2=$3
	shift 3
	mark "$name"
	status=0
	"$modprobe" amdgpu "$wrong" "$@" || complain "amdgpu does not load" || status=1
	lines=$(simgpu_lines | wc -l)
	[ "$lines" -eq 1 ] || complain "$lines lines instead of 1" || status=1
	simgpu_lines | grep -q "$wrong\>" || complain "no line names $wrong" || status=1
	! log | grep -vF "$(simgpu_lines | head -n 1)" | grep -q 'simgpu:' ||
		complain "more about simgpu" || status=1
	[ "$(num_nodes)" -eq 0 ] || complain "there are GPU nodes" || status=1
	! oopsed || complain "oops" || status=1
	unload || complain "amdgpu does not unload" || status=1
	echo "# $(simgpu_lines | head -n 1)"
	check "bad_$name" $status
}

# good NAME PARAMETERS...: two GPUs, and nothing to complain about; amdgpu stays
good()
{
	name=$1
	shift
	mark "$name"
	status=0
	"$modprobe" amdgpu "$@" || complain "amdgpu does not load" || status=1
	[ "$(num_nodes)" -eq $count ] || complain "$(num_nodes) GPU nodes" || status=1
	[ "$(simgpu_lines | wc -l)" -eq 0 ] || complain "complaints" || status=1
	! oopsed || complain "oops" || status=1
	check "$name" $status
}

good_unload()
{
	mark "$1"
	status=0
	unload || complain "amdgpu does not unload" || status=1
	[ "$(num_nodes)" -eq 0 ] || complain "GPU nodes are left" || status=1
	! oopsed || complain "oops" || status=1
	check "$1" $status
}

# Bytes of a node's local memory.
vram_size()
{
	for bank in "$1"/mem_banks/*; do
		heap=$(property "$bank" heap_type)
		if [ "$heap" = 1 ] || [ "$heap" = 2 ]; then
			property "$bank" size_in_bytes
		fi
	done | { sum=0; while read -r bytes; do sum=$((sum + bytes)); done; echo $sum; }
}

# "id id" and "unique unique" in the order of the topology
gpu_ids()
{
	gpu_nodes | while read -r dir; do cat "$dir/gpu_id"; done | tr '\n' ' '
}

unique_ids()
{
	gpu_nodes | while read -r dir; do property "$dir" unique_id; done | tr '\n' ' '
}

sorted()
{
	# shellcheck disable=SC2086
	printf '%s\n' $1 | sort | tr '\n' ' '
}

# First address in memory that the kernel uses with room for all GPUs.
find_system_ram()
{
	grep 'System RAM' /proc/iomem | while IFS='- ' read -r from to _; do
		start=$((0x$from))
		end=$((0x$to))
		[ $start -ge $((vram * mib)) ] || start=$((vram * mib))
		start=$((start + vram * mib - 1))
		start=$((start - start % (vram * mib)))
		if [ $((start + size)) -le $end ]; then
			hex $start
			break
		fi
	done
}

# --- may this run here, and with what ---

echo "TAP version 13"
[ "$(id -u)" = 0 ] || skip "not root"
modprobe=$(tool modprobe) || skip "no modprobe"
modinfo=$(tool modinfo) || skip "no modinfo"
rmmod=$(tool rmmod) || skip "no rmmod"
"$modinfo" -p amdgpu 2> /dev/null | grep -q '^simgpu_count:' ||
	skip "amdgpu is not a module with simulated GPUs"
for device in /sys/bus/pci/drivers/amdgpu/*/device; do
	[ ! -r "$device" ] || [ "$(cat "$device")" = $simgpu_device ] ||
		skip "amdgpu drives a real GPU"
done

# memmap=SIZE$ADDRESS
pattern='^memmap=\([0-9a-fA-FxX]*\)\([KMG]\)\$\([0-9a-fA-FxX]*\)$'
reserved=$(tr ' ' '\n' < /proc/cmdline | sed -n "s/$pattern/\1 \2 \3/p" | head -n 1)
[ -n "$reserved" ] || skip "no memory set aside by memmap=SIZE\$ADDRESS"
read -r region_size unit base <<END
$reserved
END
case $unit in
K)	region_size=$((region_size * 1024)) ;;
M)	region_size=$((region_size * mib)) ;;
G)	region_size=$((region_size * 1024 * mib)) ;;
esac
base=$(hex $((base)))
size=$((count * (vram + small) * mib))
[ $((base % (128 * mib))) -eq 0 ] || skip "reserved memory at $base is not aligned to 128 MiB"
[ "$region_size" -ge $((count * (128 + small) * mib)) ] ||
	skip "less than $((count * (128 + small))) MiB of reserved memory"

# what was there before comes back in the end
before=
if loaded; then
	for name in sched_policy simgpu_count simgpu_base simgpu_vram_mb simgpu_rotate \
		    simgpu_fence_delay_us simgpu_gc simgpu_xccs simgpu_partitions simgpu_die \
		    simgpu_mqd_signatures; do
		[ ! -r $params/$name ] || before="$before $name=$(cat $params/$name)"
	done
	unload || skip "amdgpu is in use"
fi

ram=$(find_system_ram)
end=$((base + region_size))
last=$((end - end % (vram * mib) - vram * mib))
with="simgpu_count=$count simgpu_base=$base simgpu_vram_mb=$vram"

echo "1..$((28 + 12 + 12 + 2))"

# --- wrong ones ---

# shellcheck disable=SC2086
run_bad()
{
	bad count_9 simgpu_count 9 simgpu_base=$base simgpu_vram_mb=$vram
	bad count_large simgpu_count 4294967295 simgpu_base=$base simgpu_vram_mb=$vram
	bad vram_0 simgpu_vram_mb 0 simgpu_count=$count simgpu_base=$base
	bad vram_odd simgpu_vram_mb 96 simgpu_count=$count simgpu_base=$base
	bad vram_small simgpu_vram_mb 1 simgpu_count=$count simgpu_base=$base
	bad vram_large simgpu_vram_mb 2147483648 simgpu_count=$count simgpu_base=$base
	bad base_0 simgpu_base 0x0 simgpu_count=$count simgpu_vram_mb=$vram
	bad base_unaligned simgpu_base "$(hex $((base + mib)))" \
		simgpu_count=$count simgpu_vram_mb=$vram
	bad base_system_ram simgpu_base "$ram" simgpu_count=$count simgpu_vram_mb=$vram
	bad base_no_memory simgpu_base 0x8000000000 simgpu_count=$count simgpu_vram_mb=$vram
	bad base_wraps simgpu_base 0xfffffffffc000000 simgpu_count=$count simgpu_vram_mb=$vram
	bad base_before_region simgpu_base "$(hex $((base - vram * mib)))" \
		simgpu_count=$count simgpu_vram_mb=$vram
	bad base_over_end simgpu_base "$(hex $last)" simgpu_count=$count simgpu_vram_mb=$vram
	bad base_behind_end simgpu_base "$(hex $((last + vram * mib)))" \
		simgpu_count=$count simgpu_vram_mb=$vram
	bad rotate simgpu_rotate $count $with
	bad rotate_large simgpu_rotate 4294967295 $with
	bad fence_delay simgpu_fence_delay_us 1000001 $with
	bad gc_unknown simgpu_gc 8.0.3 $with
	bad gc_no_version simgpu_gc vega $with
	bad gc_short simgpu_gc 9 $with
	bad gc_second simgpu_gc 9.4.0,9.9.9 $with
	bad gc_too_many simgpu_gc 9.4.0,9.4.0,9.4.0 $with
	bad gc_product simgpu_gc mi50 $with
	bad die simgpu_die 10000 $with
	bad xccs_1 simgpu_xccs 1 $with
	bad xccs_9 simgpu_xccs 9 $with
	bad partitions_none simgpu_partitions no $with
	bad partitions_case simgpu_partitions CPX $with
}
run_bad

# --- none ---

mark none
status=0
"$modprobe" amdgpu || complain "amdgpu does not load" || status=1
[ "$(num_nodes)" -eq 0 ] || complain "there are GPU nodes" || status=1
! log | grep -q 'simgpu:' || complain "there is something to say" || status=1
! oopsed || complain "oops" || status=1
unload || complain "amdgpu does not unload" || status=1
check none $status

# --- good ones ---

# shellcheck disable=SC2086
good after_bad $with
ids=$(gpu_ids)
uniques=$(unique_ids)
sizes=
for dir in $(gpu_nodes); do
	sizes="$sizes$(vram_size "$dir") "
done
echo "# gpu_id $ids unique_id $uniques vram $sizes"
good_unload unload

good vram_128 simgpu_count=$count simgpu_base="$base" simgpu_vram_mb=128
status=0
for dir in $(gpu_nodes); do
	[ "$(vram_size "$dir")" -eq $((128 * mib)) ] ||
		complain "$(vram_size "$dir") bytes of VRAM" || status=1
done
[ "$sizes" = "$((vram * mib)) $((vram * mib)) " ] || complain "before: $sizes" || status=1
check vram_size_in_topology $status
unload

# the same GPUs, elsewhere on the bus
# shellcheck disable=SC2086
good rotate_1 $with simgpu_rotate=1
echo "# gpu_id $(gpu_ids) unique_id $(unique_ids)"
status=0
[ "$(gpu_ids)" != "$ids" ] || complain "the ids are the same" || status=1
[ "$(unique_ids)" != "$uniques" ] || complain "the order is the same" || status=1
[ "$(sorted "$(unique_ids)")" = "$(sorted "$uniques")" ] ||
	complain "they are not the same GPUs" || status=1
[ "$(sorted "$uniques" | tr ' ' '\n' | sort -u | grep -c -v '^0*$')" -eq $count ] ||
	complain "unique_id does not tell them apart" || status=1
check rotate_changes_ids_and_order $status
good_unload unload_again

# a generation for each GPU, 9.0.1 and 9.4.0 as KFD writes them
# shellcheck disable=SC2086
good gc_mixed $with simgpu_gc=9.0.1,9.4.0
status=0
versions=$(gpu_nodes | while read -r dir; do property "$dir" gfx_target_version; done | sort |
	tr '\n' ' ')
[ "$versions" = "90000 90006 " ] || complain "versions $versions" || status=1
check gc_in_topology $status
unload

# partitions of one GPU, two nodes of KFD's for its XCCs
# shellcheck disable=SC2086
good cpx simgpu_count=1 simgpu_base=$base simgpu_vram_mb=$vram simgpu_gc=9.4.3 simgpu_xccs=2 \
	simgpu_partitions=cpx
status=0
minors=$(gpu_nodes | while read -r dir; do
	[ "$(property "$dir" num_xcc)" = 1 ] && property "$dir" drm_render_minor
done | sort -u | wc -l)
[ "$minors" -eq 2 ] || complain "$minors render nodes of one XCC" || status=1
check cpx_in_topology $status
unload

# Units of each product, and what the driver makes of them: bytes of control stack of an XCC.
# Name, versions as KFD writes them, SIMDs, shader arrays, arrays of an engine, control stack.
while read -r product version simds arrays engine_arrays stack; do
	# shellcheck disable=SC2086
	good "product_$product" $with simgpu_gc="$product" < /dev/null
	status=0
	for dir in $(gpu_nodes); do
		is="$(property "$dir" gfx_target_version) $(property "$dir" simd_count)"
		is="$is $(property "$dir" array_count) $(property "$dir" simd_arrays_per_engine)"
		is="$is $(property "$dir" ctl_stack_size)"
		[ "$is" = "$version $simds $arrays $engine_arrays $((stack))" ] ||
			complain "$product has $is" || status=1
	done
	check "product_${product}_in_topology" $status
	unload < /dev/null
done <<END
mi100 90008 480 8 1 0x9000
mi210 90010 416 8 1 0x9000
mi300x 90402 1216 32 1 0x3000
rx6900xt 100300 160 8 2 0x7000
rx7900xtx 110000 192 12 2 0xa000
rx9070 120001 112 8 2 0x6000
END

# the second GPU's die is the first GPU's now
# shellcheck disable=SC2086
good die_1 $with simgpu_die=1
status=0
# shellcheck disable=SC2046,SC2086
[ "$(set -- $(unique_ids); echo "$1")" = "$(set -- $uniques; echo "$2")" ] ||
	complain "unique ids $(unique_ids), before $uniques" || status=1
check die_in_topology $status
unload

if [ -n "$before" ]; then
	# shellcheck disable=SC2086
	"$modprobe" amdgpu $before || echo "# amdgpu with$before does not load any more"
fi
exit $failed
