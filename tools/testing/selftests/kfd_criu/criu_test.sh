#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A job on two GPUs is dumped and restored by CRIU with the plugin of the tests,
# in good days and in bad ones.  In the end of each test some job must have the
# result that it has without interruption.

# Functions are called by names that are put together.
# shellcheck disable=SC2317

HERE=$(dirname "$(realpath "$0")")
# shellcheck source=/dev/null
. "$HERE/../kselftest/ktap_helpers.sh"
WORK=/tmp/criu_test.$$
# seconds for anything that takes long, on a kernel that looks for errors, too
PATIENCE=$((120 + ${KFD_CRIU_DEBUG:-0} * 480))
NR_OPEN=$(cat /proc/sys/fs/nr_open)
mkdir -p "$WORK"
trap 'rm -rf "$WORK"; echo "$NR_OPEN" > /proc/sys/fs/nr_open' EXIT
# shellcheck source-path=SCRIPTDIR source=criu_lib.sh
. "$HERE/criu_lib.sh"

PACE=100
# Of a job; a kernel that looks for errors needs seconds for each.
ROUNDS=$((15 - ${KFD_CRIU_DEBUG:-0} * 10))
# Of the beginning of a job; all kinds of them, and those that differ most there.
SET_UP_STEPS="1 2 3 4 5 6 7 8 9 10 11 13 16 19 22 25"
SET_UP_TREE_STEPS="2 3 4 6 9 12 16"
if [ "${KFD_CRIU_DEBUG:-0}" != 0 ]; then
	SET_UP_STEPS="1 2 3 5 9 16"
	SET_UP_TREE_STEPS="3 6 12"
fi
# A job may end when this is there: CRIU gets hold of it before, however slow it is.
GO=$WORK/go

note()
{
	ktap_print_msg "$*"
	return 1
}

same_result()
{
	: > "$GO"
	job_finish || note "the job did not end well: $(tail -n 1 "$JOB_LOG")" || return
	[ "$(job_result)" = "$want" ] || note "result $(job_result) instead of $want"
}

# One complaint, with these words in it.
complains()
{
	errors=$(plugin_errors "$1")
	[ "$(echo "$errors" | wc -l)" = 1 ] || note "not one message: $errors" || return
	ktap_print_msg "$errors"
	case $errors in
	*"$2"*) ;;
	*) note "no word of '$2'" ;;
	esac
}

dump()
{
	criu_dump "$@" || note "dump: $(plugin_errors "$DUMP_LOG") $(grep Error "$DUMP_LOG" |
		tail -n 2); the job: $(tail -n 1 "$JOB_LOG")"
}

restore()
{
	criu_restore "$@" || note "restore: $(plugin_errors "$RESTORE_LOG") $(grep Error \
		"$RESTORE_LOG" | tail -n 2)"
}

# begin [OPTION]...: a job, some rounds into its work, that is to have the result $want
begin()
{
	known=$WORK/result.$(echo "$*" | tr -c 'a-z0-9\n' _)
	[ -s "$known" ] || job_plain_result "$@" > "$known"
	want=$(cat "$known")
	[ -n "$want" ] || note "the job has no result without interruption" || return
	rm -f "$GO"
	job_start --pace $PACE --until "$GO" "$@"
	job_wait_round 3 || note "the job does not run: $(tail -n 1 "$JOB_LOG")"
}

# Images for all tests that spoil them, in $WORK/b, and what is in use without them.
prepare()
{
	if [ ! -e "$WORK/b.want" ]; then
		rm -rf "$WORK/b"
		begin --rounds $ROUNDS && dump "$WORK/b" && job_wait_gone || return
		settle || return
		echo "$JOB_PID" > "$WORK/b.pid"
		echo "$want" > "$WORK/b.want"
	fi
	JOB_PID=$(cat "$WORK/b.pid")
	want=$(cat "$WORK/b.want")
}

# Everything of a GPU that somebody has, in lines that can be compared.
in_use()
{
	ls /sys/class/kfd/kfd/proc
	cat /sys/class/drm/card*/device/mem_info_vram_used
	cat /sys/kernel/debug/kfd/mem_limit 2> /dev/null
	grep -c . /sys/kernel/debug/kfd/hqds 2> /dev/null
	grep -h "BO size\|total" /sys/kernel/debug/dri/*/amdgpu_gem_info 2> /dev/null
	pidof criu kfd_criu_work
}

# What is in use when nobody computes.  VRAM is cleared before it is given back.
settle()
{
	in_use > "$WORK/before"
	for try in $(seq 60); do
		sleep $((1 + ${KFD_CRIU_DEBUG:-0} * 2))
		in_use > "$WORK/after"
		if cmp -s "$WORK/before" "$WORK/after"; then
			return 0
		fi
		mv "$WORK/after" "$WORK/before"
	done
	note "the GPUs do not come to rest after $try tries"
}

# As much in use as before?  What a process had is given back a moment after its end.
nothing_left()
{
	for try in $(seq 60); do
		in_use > "$WORK/after"
		if diff "$WORK/before" "$WORK/after" > "$WORK/diff"; then
			return 0
		fi
		sleep 1
	done
	note "left behind: $(tr '\n' ' ' < "$WORK/diff")"
}

test_dump_and_restore()
{
	begin --rounds $ROUNDS --kernels && dump "$WORK/a" && job_wait_gone || return
	restore "$WORK/a" && same_result || return
	[ -z "$(find "$HERE" -name 'digest-*.co')" ] || grep -q '^Kernels: on' "$JOB_LOG" ||
		note "the job had no kernels"
}

test_images_are_whole()
{
	prepare || return
	"$HERE/kfd_criu_images" check "$WORK/b" > "$WORK/check" 2>&1 || note "$(cat "$WORK/check")"
}

# Contents stream through a buffer: CRIU needs no more memory for larger BOs.
test_memory_is_bounded()
{
	for vram in 4 32; do
		begin --rounds 4 --vram $vram && dump "$WORK/vram.$vram" && job_wait_gone || return
	done
	small=$(cat "$WORK/vram.4/criu_memory")
	large=$(cat "$WORK/vram.32/criu_memory")
	ktap_print_msg "CRIU had $small KiB for VRAM of 2 x 4 MiB, $large KiB for 2 x 32 MiB"
	[ "$((large - small))" -lt 4096 ] || note "it grows with the size of the BOs" || return
	restore "$WORK/vram.32" && same_result
}

test_tree()
{
	rm -rf "$WORK/a"
	begin --tree --kernels --rounds $ROUNDS && dump "$WORK/a" && job_wait_gone &&
		restore "$WORK/a" && same_result
}

# wait_held PROCESSES STEP
wait_held()
{
	left=$((PATIENCE * 10))
	while [ "$(grep -c "held behind" "$JOB_LOG")" -lt "$1" ]; do
		job_alive || note "the job ended: $(tail -n 1 "$JOB_LOG")" || return
		[ $left -gt 0 ] || note "the job does not come to step $2" || return
		left=$((left - 1))
		sleep 0.1
	done
	ktap_print_msg "$(grep "held behind" "$JOB_LOG" | tail -n 1)"
}

# held_at STEP PROCESSES [OPTION]...: the job is dumped before it is complete
held_at()
{
	step=$1
	processes=$2
	shift 2
	rm -rf "$WORK/a"
	: > "$GO"
	job_start --rounds 2 --pace 0 --hold "$step" "$@"
	wait_held "$processes" "$step" || return
	dump "$WORK/a" && job_wait_gone && restore "$WORK/a" || return
	# shellcheck disable=SC2046	# a list of processes
	kill -USR1 $(pidof kfd_criu_work)
	same_result
}

# Whatever the process has so far: no VM yet, one of two, queues on one GPU ...
test_set_up()
{
	want=$(job_plain_result --rounds 2)
	for step in $SET_UP_STEPS; do
		held_at "$step" 1 || note "step $step" || return
	done
}

test_set_up_tree()
{
	want=$(job_plain_result --rounds 2 --tree)
	for step in $SET_UP_TREE_STEPS; do
		held_at "$step" 2 --tree || note "step $step" || return
	done
}

# What a process must not be dumped with, because it could not be restored: said at once.
test_stale_mappings()
{
	want=$(job_plain_result --rounds 1)
	for step in "free of a buffer" "end of the files"; do
		: > "$GO"
		job_start --rounds 1 --pace 0 --hold "$step"
		wait_held 1 "$step" || return
		rm -rf "$WORK/a"
		! criu_dump "$WORK/a" || note "$step: the dump went well" || return
		complains "$DUMP_LOG" "mapping" || return
		# shellcheck disable=SC2046	# a list of processes
		kill -USR1 $(pidof kfd_criu_work)
		same_result || return
	done
}

test_ten_times()
{
	begin --rounds $((2 * ROUNDS)) || return
	for i in 1 2 3 4 5 6 7 8 9 10; do
		dump "$WORK/ten" && job_wait_gone && restore "$WORK/ten" ||
			note "the ${i}th time" || return
		set -- "/proc/$JOB_PID/fd"/*
		fds=$#
		[ "${fds_before:=$fds}" = "$fds" ] ||
			note "it had $fds_before descriptors, and $fds after $i times" || return
		rm -rf "$WORK/ten"
	done
	same_result
}

test_leave_running()
{
	begin --rounds $((2 * ROUNDS)) || return
	for dumps in 1 2 3 4 5; do
		rm -rf "$WORK/run"
		dump "$WORK/run" --leave-running || note "dump $dumps" || return
		sleep 1
	done
	# It goes on from the last dump on, and the one that went on as well.
	same_result || note "this was the one that was left running" || return
	restore "$WORK/run" && same_result
}

# stop_criu_at PHASE: CRIU, which runs as $!, or a process that it makes, is stopped there
wait_stopped()
{
	left=$((PATIENCE * 10))
	while [ $left -gt 0 ]; do
		for stat in /proc/[0-9]*/stat; do
			case $(cut -d' ' -f2,3 "$stat" 2> /dev/null) in
			"(criu) T"|"(criu) t") return 0 ;;
			esac
		done
		kill -0 "$1" 2> /dev/null || return 1
		left=$((left - 1))
		sleep 0.1
	done
	return 1
}

# A dumper that dies at PHASE does the job no harm.
dump_killed_at()
{
	begin --rounds $ROUNDS || return
	KFD_CRIU_STOP_AT=$1 criu_dump "$WORK/killed" &
	wait_stopped $! || note "CRIU was not stopped at $1" || return
	# shellcheck disable=SC2046	# a list of processes
	kill -KILL $(pidof criu)
	wait $!
	rm -rf "$WORK/killed"
	same_result
}

test_kill_dump()
{
	for phase in checkpoint contents dumped; do
		dump_killed_at $phase || note "killed at $phase" || return
	done
}

# What a restore that dies at PHASE leaves behind: nothing, once its tasks are gone.
restore_killed_at()
{
	KFD_CRIU_STOP_AT=$1 criu_restore "$WORK/b" &
	wait_stopped $! || note "CRIU was not stopped at $1" || return
	# shellcheck disable=SC2046	# a list of processes
	kill -KILL $(pidof criu)
	wait $!
	! job_alive || ktap_print_msg "killed at $1: CRIU leaves process $JOB_PID behind"
	job_kill
	nothing_left
}

test_kill_restore()
{
	prepare || return
	for phase in restore load resume; do
		restore_killed_at $phase || note "killed at $phase" || return
	done
	restore "$WORK/b" && same_result
}

# spoilt_restore WORDS: of the images in $WORK/spoilt
spoilt_restore()
{
	if criu_restore "$WORK/spoilt"; then
		job_kill
		note "CRIU restored it"
		return
	fi
	complains "$RESTORE_LOG" "$1" || return
	job_wait_gone || note "a process is there" || return
	nothing_left
}

spoil()
{
	rm -rf "$WORK/spoilt"
	cp -r "$WORK/b" "$WORK/spoilt"
}

test_truncated()
{
	prepare || return
	for file in "$WORK"/b/kfd-*.img "$WORK"/b/render-*.img; do
		name=${file##*/}
		spoil
		head -c $(($(stat -c %s "$file") / 2)) "$file" > "$WORK/spoilt/$name"
		spoilt_restore "$name is truncated" || note "$name" || return
	done
}

# More than there is memory: refused without asking for it.
test_too_long()
{
	prepare || return
	for file in "$WORK"/b/kfd-*.img "$WORK"/b/render-*.img; do
		name=${file##*/}
		spoil
		truncate -s 1024G "$WORK/spoilt/$name"
		spoilt_restore "$name is too long" || note "$name" || return
	done
}

test_missing_file()
{
	prepare || return
	for file in "$WORK"/b/kfd-*-gpu-*.img "$WORK"/b/kfd-gpus.img; do
		name=${file##*/}
		spoil
		rm "$WORK/spoilt/$name"
		spoilt_restore "$name" || note "$name" || return
	done
}

# One wrong byte in the middle of each file.
test_damaged()
{
	prepare || return
	for file in "$WORK"/b/kfd-*.img; do
		name=${file##*/}
		spoil
		at=$(($(stat -c %s "$file") / 2 + 5))
		byte=$(od -A n -t u1 -j $at -N 1 "$file")
		# shellcheck disable=SC2059	# the format is the byte
		printf "\\$(printf %o $((byte ^ 255)))" |
			dd of="$WORK/spoilt/$name" bs=1 seek=$at conv=notrunc 2> /dev/null
		! cmp -s "$file" "$WORK/spoilt/$name" || note "$name is as it was" || return
		spoilt_restore "damaged" || note "$name" || return
	done
}

test_other_gpu()
{
	prepare || return
	spoil
	"$HERE/kfd_criu_images" forge "$WORK/spoilt" 80003
	spoilt_restore "gfx 80003"
}

test_still_good()
{
	prepare && restore "$WORK/b" && same_result
}

# A dump that fails for a reason is told, and does the job no harm.
failed_dump()
{
	words=$1
	folder=$2
	if criu_dump "$folder"; then
		note "the dump went well"
		return
	fi
	complains "$DUMP_LOG" "$words" && same_result
}

test_disk_full()
{
	begin --rounds $ROUNDS || return
	mkdir -p "$WORK/small"
	mount -t tmpfs -o size=3m small "$WORK/small" || return
	failed_dump "No space left" "$WORK/small"
	result=$?
	[ $result != 0 ] || ! ls "$WORK"/small/kfd-*-gpu-* > /dev/null 2>&1 ||
		note "half of the contents stay behind" || result=1
	umount "$WORK/small"
	return $result
}

# few_descriptors N: what CRIU raises its own limit to, and remembers
few_descriptors()
{
	echo "$1" > /proc/sys/fs/nr_open
	rm -f /run/criu.kdat
}

test_few_descriptors_to_dump()
{
	begin --rounds $ROUNDS --bos 200 || return
	few_descriptors 160
	failed_dump "RLIMIT_NOFILE" "$WORK/few"
	result=$?
	few_descriptors "$NR_OPEN"
	return $result
}

test_few_descriptors_to_restore()
{
	rm -rf "$WORK/spoilt"
	begin --rounds $ROUNDS --bos 200 && dump "$WORK/spoilt" && job_wait_gone || return
	settle || return
	few_descriptors 160
	spoilt_restore "RLIMIT_NOFILE"
	result=$?
	few_descriptors "$NR_OPEN"
	[ $result = 0 ] || return
	restore "$WORK/spoilt" && same_result
}

run()
{
	ktap_print_msg "RUN $1 ..."
	if "test_$1"; then
		ktap_test_pass "$1"
	else
		ktap_test_fail "$1"
		job_kill
	fi
}

tests="dump_and_restore images_are_whole ten_times leave_running tree set_up set_up_tree"
tests="$tests stale_mappings memory_is_bounded"
tests="$tests kill_dump kill_restore"
tests="$tests truncated too_long missing_file damaged other_gpu still_good disk_full"
tests="$tests few_descriptors_to_dump few_descriptors_to_restore"
# A name of a test, or several, may be given.
[ $# = 0 ] || tests=$*

ktap_print_header
reason=$(criu_missing)
if [ -n "$reason" ]; then
	ktap_skip_all "$reason"
	exit "$KSFT_SKIP"
fi
if [ "$(number_of_gpus)" -lt 2 ]; then
	ktap_skip_all "two GPUs are needed"
	exit "$KSFT_SKIP"
fi
# shellcheck disable=SC2086	# a list of names
ktap_set_plan "$(echo $tests | wc -w)"
for test in $tests; do
	run "$test"
done
ktap_finished
