#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# usage: criu_demo.sh dump [leave-running|tree]
#        criu_demo.sh restore
#
# The main job, told in plain words: a job that computes on two GPUs is dumped by
# CRIU while it works, and goes on in another machine.  "dump" leaves the file
# $CARRY behind, with which "restore" goes on: after a reboot, or, where both have
# the same programs and libraries, elsewhere.  With KFD_DEMO_MIB=<n> the job has so
# many MiB of buffers more.

# Functions are called by names that are put together.
# shellcheck disable=SC2317

HERE=$(dirname "$(realpath "$0")")
# shellcheck source=/dev/null
. "$HERE/../kselftest/ktap_helpers.sh"
WORK=/tmp/criu_demo
# seconds for anything that takes long
PATIENCE=300
CARRY=${CARRY:-/carry}
mkdir -p "$WORK"
# shellcheck source-path=SCRIPTDIR source=criu_lib.sh
. "$HERE/criu_lib.sh"

say()
{
	echo "# $*"
}

# Lines of standard input, set in.
quote()
{
	sed 's/^/#     | /'
}

milliseconds()
{
	# /proc/uptime has hundredths of a second
	read -r up _ < /proc/uptime
	echo $((${up%.*} * 1000 + 1${up#*.} * 10 - 1000))
}

seconds_since()
{
	ms=$(($(milliseconds) - $1))
	printf '%d.%02d s' $((ms / 1000)) $((ms % 1000 / 10))
}

# Lines of "<microseconds> <what for>", in milliseconds.
milliseconds_of()
{
	while read -r us what; do
		printf '%5d.%02d ms %s\n' $((us / 1000)) $((us % 1000 / 10)) "$what"
	done | quote
}

# Where the time of a pause went, of which the plugin tells in a line.
say_pause()
{
	# shellcheck disable=SC2046	# numbers
	set -- $(sed -n 's/.*kfd: .* queues stood still for \(.*\)/\1/p' "$1" |
		grep -o '[0-9]* us' | sed 's/ us//')
	[ $# = 4 ] || return
	milliseconds_of <<-END
		$1 in all, of which
		$2 until they had stopped
		$3 for the kernel's image
		$4 for the contents of BOs
		$(($1 - $2 - $3 - $4)) while CRIU did the rest
	END
}

kib()
{
	# the last line is the only one, or the sum
	wc -c "$@" 2> /dev/null | awk 'END { printf "%d KiB", ($1 + 1023) / 1024 }'
}

give_up()
{
	say "FAILED: $1"
	[ -z "$2" ] || plugin_errors "$2" | quote
	[ -z "$2" ] || grep Error "$2" | tail -n 3 | quote
	ktap_test_fail "$3"
	job_kill
	exit "$KSFT_FAIL"
}

say_gpus()
{
	for node in /sys/class/kfd/kfd/topology/nodes/*; do
		id=$(cat "$node/gpu_id")
		[ "$id" != 0 ] || continue
		gfx=$(sed -n 's/^gfx_target_version //p' "$node/properties")
		vram=$(cat "$node"/mem_banks/*/properties | sed -n 's/^size_in_bytes //p')
		minor=$(sed -n 's/^drm_render_minor //p' "$node/properties")
		vram=$((vram / 1048576))
		say "    GPU with id $id: gfx $gfx, $vram MiB of VRAM, /dev/dri/renderD$minor"
	done
}

# What the kernel says it saved, counted by kind.
say_objects()
{
	for file in "$WORK"/img/objects.*; do
		[ -e "$file" ] || { say "    (this kernel does not tell)"; return; }
		say "    process ${file##*.}:"
		sed -n 's/^\(process\|gpu\|queue\|range\)/\1/p' "$file" | quote
		awk '/^bo / { kind = $5 == "user" ? "user pointer" : substr($5, 1, length($5) - 1)
			for (i = 6; i < NF; i++)
				if ($(i + 1) == "KiB")
					kib[kind] += $i
			bos[kind]++ }
		     /^event / { events++ }
		     END {
			for (kind in bos)
				print kind ": " bos[kind] " BOs, " kib[kind] " KiB in all"
			print "events: " events }' "$file" | quote
	done
}

phase_dump()
{
	options="--rounds 40 --kernels --ballast ${KFD_DEMO_MIB:-0}"
	dump_options=
	case $1 in
	tree) options="$options --tree" ;;
	leave-running) dump_options=--leave-running ;;
	esac

	say "Machine 1 has $(number_of_gpus) GPUs:"
	say_gpus
	say "First the job without interruption, to know the right answer:"
	# shellcheck disable=SC2086	# a list of options
	"$HERE/kfd_criu_work" --pace 0 $options > "$WORK/plain.log" 2>&1 ||
		give_up "$(tail -n 1 "$WORK/plain.log")" "" job_dumped
	want=$(sed -n 's/^result //p' "$WORK/plain.log")
	sed '/^round/d' "$WORK/plain.log" | quote
	say "The right answer is $want."
	# shellcheck disable=SC2086	# a list of options
	job_start --pace 200 $options
	job_wait_round 12 || give_up "the job does not run: $(tail -n 1 "$JOB_LOG")" "" job_dumped
	say "Now the same job, slower, as process $JOB_PID. It prints:"
	tail -n 2 "$JOB_LOG" | quote
	say "In the middle of this: criu dump --tree $JOB_PID${dump_options:+ $dump_options}"
	begun=$(milliseconds)
	# shellcheck disable=SC2086	# a list of options
	criu_dump "$WORK/img" $dump_options || give_up "criu dump" "$DUMP_LOG" job_dumped
	took=$(seconds_since "$begun")
	# It may come to its end while all that is told.
	job_alive || [ -z "$dump_options" ] || give_up "the job should have gone on" "" job_dumped
	say "Dumped in $took. Its GPU queues stood still for"
	say_pause "$DUMP_LOG"
	say "The kernel saved:"
	say_objects
	say "Files: $(kib "$WORK"/img/*) in all, of them $(kib "$WORK"/img/kfd-*-gpu-*)"
	say "    contents of BOs, and $(kib "$WORK"/img/pages-*) memory of the process."
	if [ -n "$dump_options" ]; then
		say "The process was left running. It goes on here, as its copy will on machine 2:"
		job_finish || give_up "the job: $(tail -n 1 "$JOB_LOG")" "" job_dumped
		tail -n 1 "$JOB_LOG" | quote
		[ "$(job_result)" = "$want" ] || give_up "the result is another one" "" job_dumped
	else
		job_wait_gone || give_up "the process is still there" "" job_dumped
		say "The process is gone."
	fi
	echo "$want" > "$WORK/img/want"
	echo "$JOB_PID" > "$WORK/img/pid"
	tar -C "$WORK" -c -f "$CARRY" img || give_up "the images can't be kept" "" job_dumped
	rm -rf "$WORK"
	say "Machine 1 is switched off. All that is left of the job are these files."
	ktap_test_pass job_dumped
}

phase_restore()
{
	[ -e "$CARRY" ] || give_up "there is no $CARRY, which 'dump' leaves behind" "" job_restored
	tar -C "$WORK" -x -f "$CARRY" || give_up "$CARRY can't be unpacked" "" job_restored
	want=$(cat "$WORK/img/want")
	JOB_PID=$(cat "$WORK/img/pid")
	say ""
	say "Machine 2 boots. It has $(number_of_gpus) other GPUs, in another order:"
	say_gpus
	checked=$("$HERE/kfd_criu_images" check "$WORK/img" 2>&1) ||
		give_up "$checked" "" job_restored
	say "The files arrived: $checked."
	say "criu restore"
	begun=$(milliseconds)
	criu_restore "$WORK/img" || give_up "criu restore" "$RESTORE_LOG" job_restored
	took=$(seconds_since "$begun")
	say "Restored in $took as process $JOB_PID, of which"
	sed -n 's/^.*kfd: process [0-9]* restored: //p' "$RESTORE_LOG" | tr , '\n' |
		sed 's/^ *\([0-9]*\) us/\1/' | milliseconds_of
	sed -n 's/^.*kfd: \(GPU [0-9]* in place of.*\)/\1/p' "$RESTORE_LOG" | quote
	say "The last thing that it printed on machine 1, and what it prints now:"
	before=$(wc -l < "$WORK/img/job.log")
	job_wait_round $(($(job_round) + 2))
	tail -n +"$before" "$JOB_LOG" | head -n 3 | quote
	job_finish || give_up "the job: $(tail -n 1 "$JOB_LOG")" "" job_restored
	say "It goes on to the end:"
	tail -n 2 "$JOB_LOG" | quote
	if [ "$(job_result)" = "$want" ]; then
		say "This is the answer of the job that nobody interrupted: $want."
		ktap_test_pass job_restored
	else
		say "This is NOT the answer of the job that nobody interrupted, $want."
		ktap_test_fail job_restored
	fi
	rm -rf "$WORK"
}

case ${1:-}:${2:-}:$# in
dump::1|dump:tree:2|dump:leave-running:2|restore::1) ;;
*) echo "usage: $0 dump [leave-running|tree] | restore" >&2; exit 2 ;;
esac
ktap_print_header
reason=$(criu_missing)
[ -n "$reason" ] || [ "$(number_of_gpus)" -ge 2 ] || reason="two GPUs are needed"
if [ -n "$reason" ]; then
	ktap_skip_all "$reason"
	exit "$KSFT_SKIP"
fi
ktap_set_plan 1
"phase_$1" "${2:-}"
exit "$((KTAP_CNT_FAIL > 0))"
