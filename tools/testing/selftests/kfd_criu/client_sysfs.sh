#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What rocm-smi and others read in sysfs: each file of a GPU can be read, without
# a warning of the kernel, and those with figures say what KFD says of the GPU.

KSFT_SKIP=4
nodes=/sys/class/kfd/kfd/topology/nodes
# one that has no value is left out by the driver
files="vbios_version vendor device subsystem_vendor subsystem_device revision class
mem_info_vram_total mem_info_vram_used mem_info_vis_vram_total mem_info_vis_vram_used
mem_info_gtt_total mem_info_gtt_used mem_info_preempt_used mem_info_vram_vendor
gpu_busy_percent mem_busy_percent unique_id serial_number product_name product_number
fru_id manufacturer board_info pcie_bw pcie_replay_count gpu_metrics
current_compute_partition available_compute_partition current_memory_partition
max_link_speed max_link_width current_link_speed current_link_width
numa_node local_cpulist power_state
fw_version/mec_fw_version fw_version/sdma_fw_version fw_version/rlc_fw_version"

number=0
failed=0
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

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

# property FILE NAME
property()
{
	sed -n "s/^$2 //p" "$1"
}

# The PCI devices of the GPUs, each with the node of the GPU, or of one of its partitions.
gpus()
{
	for node in "$nodes"/*; do
		# a node that this user may not use cannot be read
		[ "$(cat "$node/gpu_id" 2> /dev/null || echo 0)" != 0 ] || continue
		minor=$(property "$node/properties" drm_render_minor)
		device=$(readlink -f "/sys/class/drm/renderD$minor/device")
		[ -e "$device/mem_info_vram_total" ] || continue
		echo "$device $node"
	done
}

# Lines of the kernel's log, without their times; nothing for whoever may not read it.
log()
{
	dmesg 2> /dev/null | sed 's/^\[[^]]*\] //'
}

# Each file that says it can be read.  An error is an answer, too: a link that is not there.
every_file()
{
	status=0
	count=0
	before=$(log | wc -l)
	find "$1/" -type f > "$out"
	while read -r file; do
		case $(stat -c %A "$file") in
		*r*)
			count=$((count + 1))
			timeout 30 cat "$file" > /dev/null 2>&1
			[ $? -lt 124 ] || complain "$file does not answer"
			;;
		esac
	done < "$out"
	echo "# $count files"
	[ $count -gt 20 ] || complain "no files"
	if log | tail -n "+$((before + 1))" |
	   grep -E 'BUG:|WARNING:|Oops|Call Trace|UBSAN|KASAN|general prot' | sed 's/^/# | /' |
	   grep .; then
		complain "the kernel has complained"
	fi
	check "every_file_$2" $status
}

known_files()
{
	status=0
	there=
	for name in $files; do
		[ -e "$1/$name" ] || continue
		there="$there $name"
		# a number, a word, or a table: in any case something
		value=$(head -c 200 "$1/$name" 2>&1 | tr -d '\0' | head -n 1)
		[ -n "$value" ] || complain "$name is empty"
		case $value in
		head:*)
			complain "$name: $value"
			;;
		esac
	done
	echo "# there are:$there"
	check "known_files_$2" $status
}

# memory DEVICE NODE NAME
memory()
{
	status=0
	for kind in vram vis_vram gtt; do
		total=$(cat "$1/mem_info_${kind}_total")
		used=$(cat "$1/mem_info_${kind}_used")
		echo "# $kind: $used of $total"
		[ "$total" -gt 0 ] || complain "$kind: none"
		[ "$used" -le "$total" ] || complain "$kind: more is used than there is"
	done
	vram=$(cat "$1/mem_info_vram_total")
	[ "$(cat "$1/mem_info_vis_vram_total")" -le "$vram" ] || complain "more is visible"
	banks=$(for bank in "$2"/mem_banks/*/properties; do
			case $(property "$bank" heap_type) in
			1|2)
				property "$bank" size_in_bytes
				;;
			esac
		done | { sum=0; while read -r bytes; do sum=$((sum + bytes)); done; echo $sum; })
	[ "$banks" -gt 0 ] || complain "KFD has no memory"
	[ "$banks" -le "$vram" ] || complain "KFD has $banks, of $vram"
	check "memory_$3" $status
}

# identity DEVICE NODE NAME
identity()
{
	status=0
	for name in vendor device; do
		[ $(($(cat "$1/$name"))) -eq "$(property "$2/properties" ${name}_id)" ] ||
			complain "$name differs"
	done
	location=$(property "$2/properties" location_id)
	address=$(printf '%04x:%02x:%02x' "$(property "$2/properties" domain)" \
			 $((location >> 8 & 0xff)) $((location >> 3 & 0x1f)))
	[ "${1##*/}" = "$address.$((location & 7))" ] || [ "${1##*/}" = "$address.0" ] ||
		complain "KFD says it is at $address"
	if [ -e "$1/unique_id" ]; then
		[ $((0x$(cat "$1/unique_id"))) -eq "$(property "$2/properties" unique_id)" ] ||
			complain "unique_id differs"
	fi
	if [ -e "$1/current_compute_partition" ]; then
		tr -d ' ' < "$1/available_compute_partition" | tr ',' '\n' |
			grep -qx "$(cat "$1/current_compute_partition")" ||
			complain "a partition mode that there is not"
	fi
	check "identity_$3" $status
}

echo "TAP version 13"
if [ ! -d "$nodes" ]; then
	echo "1..0 # SKIP no KFD on this machine"
	exit $KSFT_SKIP
fi
list=$(gpus)
if [ -z "$list" ]; then
	echo "1..0 # SKIP no GPU on this machine"
	exit $KSFT_SKIP
fi
echo "1..$((4 * $(echo "$list" | wc -l)))"
gpu=0
while read -r device node; do
	gpu=$((gpu + 1))
	every_file "$device" $gpu
	known_files "$device" $gpu
	memory "$device" "$node" $gpu
	identity "$device" "$node" $gpu
done <<END
$list
END
exit $failed
