# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# A job on two GPUs, dumped and restored by CRIU: what its tests and its demo
# have in common.  Sourced with HERE set to the folder of the tests.
#
#   JOB_PID     the job that was started last
#   JOB_LOG     what it prints
#   DUMP_LOG, RESTORE_LOG  what CRIU says of the last dump and restore
#
# Who sources it uses them.
# shellcheck disable=SC2034

# Far from the ids that a booting machine uses up: a restored process has its old one.
FIRST_PID=20000
JOB_LOG=$WORK/job.log

# The reason for which CRIU cannot be used here; nothing if it can.
criu_missing()
{
	[ "$(id -u)" = 0 ] || { echo "CRIU needs root"; return; }
	command -v criu > /dev/null || { echo "criu is not installed"; return; }
	[ -e "$HERE/kfd_criu_plugin.so" ] || {
		echo "no plugin: it is built where libdrm-dev, zlib1g-dev and criu are installed"
		return
	}
	[ -c /dev/kfd ] || { echo "no /dev/kfd"; return; }
	criu check > "$WORK/check.log" 2>&1 || {
		echo "criu check: $(tail -n 1 "$WORK/check.log")"
		return
	}
}

number_of_gpus()
{
	cat /sys/class/kfd/kfd/topology/nodes/*/gpu_id | grep -vc '^0$'
}

# job_start [OPTION]...
job_start()
{
	echo "${NEXT_PID:-$FIRST_PID}" > /proc/sys/kernel/ns_last_pid
	NEXT_PID=$((${NEXT_PID:-$FIRST_PID} + 100))
	# What the last one printed must not be taken for this one's.
	: > "$JOB_LOG"
	# A session of its own, and no descriptor of ours.
	setsid "$HERE/kfd_criu_work" "$@" < /dev/null > "$JOB_LOG" 2>&1 3>&- 4>&- &
	JOB_PID=$!
}

# It may be a child of ours or, once restored, of nobody.
job_alive()
{
	state=$(cut -d' ' -f3 "/proc/$JOB_PID/stat" 2> /dev/null) && [ "$state" != Z ]
}

# Only now its id is free for a restore.
job_wait_gone()
{
	left=$((${1:-10} * 10))
	while [ -e "/proc/$JOB_PID" ]; do
		# shellcheck disable=SC2015	# a child of ours or not
		job_alive || wait "$JOB_PID" 2> /dev/null
		[ $left -gt 0 ] || return 1
		left=$((left - 1))
		sleep 0.1
	done
}

job_kill()
{
	# shellcheck disable=SC2046	# a list of processes
	kill -KILL "$JOB_PID" $(pidof kfd_criu_work) 2> /dev/null
	job_wait_gone
}

job_round()
{
	round=$(sed -n 's/^round *\([0-9]*\) .*/\1/p' "$JOB_LOG" | tail -n 1)
	echo "${round:-0}"
}

# job_wait_round N: until it has done that many
job_wait_round()
{
	left=$((PATIENCE * 10))
	while [ "$(job_round)" -lt "$1" ]; do
		job_alive || return 1
		[ $left -gt 0 ] || return 1
		left=$((left - 1))
		sleep 0.1
	done
}

job_result()
{
	sed -n 's/^result //p' "$JOB_LOG"
}

# Until its end; fails if that is not a good one.
job_finish()
{
	job_wait_gone "$PATIENCE" && [ -n "$(job_result)" ]
}

# The result of a job with these options that nobody interrupts.
job_plain_result()
{
	"$HERE/kfd_criu_work" --pace 0 "$@" | sed -n 's/^result //p'
}

# criu_dump FOLDER [OPTION]...: JOB_PID and its children
criu_dump()
{
	images=$1
	shift
	mkdir -p "$images"
	DUMP_LOG=$images/dump.log
	# What it prints later would not fit to the image.
	IMAGES=$images JOB_LOG=$JOB_LOG PIDS=$(pidof kfd_criu_work) criu dump -t "$JOB_PID" \
		-D "$images" -L "$HERE" -o dump.log -v4 --action-script "$HERE/criu_hook.sh" "$@" \
		> "$images/dump.out" 2>&1
}

# criu_restore FOLDER [OPTION]...: in the background, as the pid that it had
criu_restore()
{
	images=$1
	shift
	RESTORE_LOG=$images/restore.log
	cp "$images/job.log" "$JOB_LOG"
	criu restore -D "$images" -L "$HERE" -o restore.log -v4 -d "$@" \
		> "$images/restore.out" 2>&1
}

# What the plugin complains of in a log of CRIU.
plugin_errors()
{
	sed -n 's/^.*Error (kfd): //p' "$1"
}
