#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Process 1 of the test machine: loads amdgpu, runs the programs of one cell,
# and sends their output and the verdict through virtio ports to the host.
# /etc/plan, written by run.py, sets CELL, LOAD, MODULE_PARAMETERS, PROGRAMS,
# PROGRAM_TIMEOUT, CELL_TIMEOUT, CARRY, KMEMLEAK, COVERAGE, INTERACTIVE and the environment.

export PATH=/tests:/bin:/sbin HOME=/root TERM=linux
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t debugfs debug /sys/kernel/debug
mount -t tracefs trace /sys/kernel/tracing 2>/dev/null
ip link set lo up 2>/dev/null
ulimit -l unlimited
# A host that is busy while the TSC is measured: with a clock that goes too fast, every
# test runs into its time limit.
if dmesg | grep -q 'calibration deviates from HPET'; then
	echo hpet > /sys/devices/system/clocksource/clocksource0/current_clocksource
	echo "vmtest: the TSC was measured wrongly, the clock is the HPET" > /dev/kmsg
fi
# shellcheck source=/dev/null
. /etc/plan

find_port()
{
	for port in /sys/class/virtio-ports/*; do
		if [ "$(cat "$port/name" 2>/dev/null)" = "$1" ]; then
			echo "/dev/${port##*/}"
			return
		fi
	done
	echo /dev/null
}

# Everything that a hang leaves to see: blocked tasks, and what each CPU does.
dump_tasks()
{
	echo "vmtest: dump of blocked tasks and of all CPUs: $1" > /dev/kmsg
	echo w > /proc/sysrq-trigger
	echo l > /proc/sysrq-trigger
}

# Kernel stacks of all tasks of a session, which a dump of all would bury.
dump_stacks()
{
	for task in /proc/[0-9]*; do
		[ "$(cut -d' ' -f6 "$task/stat" 2>/dev/null)" = "$1" ] || continue
		echo "vmtest: stack of ${task#/proc/} $(cat "$task/comm")" > /dev/kmsg
		while read -r frame; do
			echo "vmtest:  $frame" > /dev/kmsg
		done < "$task/stack"
	done
	echo "vmtest: end of dump" > /dev/kmsg
}

power_off()
{
	sync
	poweroff -f
	sleep 60
}

load_amdgpu()
{
	[ "$LOAD" = 1 ] || return 0
	# shellcheck disable=SC2086	# a list of parameters
	modprobe amdgpu $MODULE_PARAMETERS
}

if [ "$INTERACTIVE" = 1 ]; then
	load_amdgpu
	echo "Tests are in /tests and in PATH; 'exit' ends the machine."
	cd /tests || cd /
	setsid cttyhack sh
	power_off
fi

# A port takes one writer, so both stay open.
exec 3>"$(find_port results)" 4>"$(find_port verdict)"

# Gone before a program can wait for the host's patience to end.
(
	sleep "$CELL_TIMEOUT"
	dump_tasks "time limit of the cell"
	echo "vmtest: end of dump" > /dev/kmsg
) 3>&- 4>&- &
watchdog=$!

# guard PID NAME: end a program that takes too long.  What cannot be killed is not waited for: the
# cell is over then.
guard()
{
	sleep "$PROGRAM_TIMEOUT" 3>&- 4>&-
	: > /tmp/late
	dump_tasks "time limit of $2"
	dump_stacks "$1"
	kill -KILL "-$1" 2>/dev/null
	echo >&3
	echo "#@ timeout $2" >&3
	sleep 5
	if kill -0 "$1" 2>/dev/null; then
		echo "#@ stuck $2" >&3
		echo "stuck" >&4
		power_off
	fi
}

# run_program NAME [ARGUMENT]...
run_program()
{
	echo "#@ start $*" >&3
	# Its own session, so that all its children can be ended with it.
	program=/tests/$1
	name=$*
	shift
	setsid "$program" "$@" >&3 2>&1 4>&- < /dev/null &
	pid=$!
	guard $pid "$name" &
	guard=$!
	wait $pid
	status=$?
	# A guard that acts is not held up: it has more to say, and may end the machine.
	if [ -e /tmp/late ]; then
		wait $guard
		rm /tmp/late
		return
	fi
	kill $guard 2>/dev/null
	wait $guard 2>/dev/null
	rm -f /tmp/late
	echo >&3
	echo "#@ end $name $status" >&3
}

if ! load_amdgpu 2>/tmp/modprobe; then
	echo "#@ fatal modprobe amdgpu $MODULE_PARAMETERS: $(tr '\n' ' ' < /tmp/modprobe)" >&3
	echo "no-amdgpu" >&4
	power_off
fi
# Boot allocates things that look lost for a moment; what tests lose counts.
[ "$KMEMLEAK" != 1 ] || echo clear > /sys/kernel/debug/kmemleak

for entry in $PROGRAMS; do
	# shellcheck disable=SC2046	# a program and its arguments
	run_program $(echo "$entry" | tr : ' ')
done

# For the next boot of this cell, in the form in which it finds it.
if [ "$CARRY" = 1 ] && [ -e /carry ]; then
	(cd / && echo carry | cpio -o -H newc) > "$(find_port carry)" 2> /dev/null
fi

# Which lines of the engine ran, since boot and in every load of the module.
if [ "$COVERAGE" = 1 ]; then
	mkdir /tmp/gcda
	find /sys/kernel/debug/gcov -name 'kfd_criu*.gcda' | while IFS= read -r file; do
		cat "$file" > "/tmp/gcda/${file##*/}"
	done
	(cd /tmp/gcda && find . -name '*.gcda' | cpio -o -H newc) > /tmp/coverage 2> /dev/null
	cat /tmp/coverage > "$(find_port coverage)"
fi

if [ "$KMEMLEAK" = 1 ]; then
	echo "#@ note looking for memory leaks" >&3
	# An object has to be 5 seconds old to be reported.
	sleep 6
	echo scan > /sys/kernel/debug/kmemleak
	sleep 1
	echo scan > /sys/kernel/debug/kmemleak
	cat /sys/kernel/debug/kmemleak > /tmp/leaks
	if [ -s /tmp/leaks ]; then
		while IFS= read -r line; do
			echo "#@ leak $line" >&3
		done < /tmp/leaks
	fi
fi

# How many accesses KCSAN has watched.
watched=$(sed -n 's/^setup_watchpoints: //p' /sys/kernel/debug/kcsan 2>/dev/null)
[ -z "$watched" ] || echo "#@ watched $watched" >&3

kill $watchdog 2>/dev/null
echo "done" >&4
power_off
