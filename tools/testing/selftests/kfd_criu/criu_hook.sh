#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# CRIU calls this at each stage, see --action-script.  When all is saved and the
# job still stands still: keep its output as it is now, to which the image fits,
# what the kernel says that it saved, and how much memory CRIU needed.
#
# IMAGES: the folder, JOB_LOG: the job's output, PIDS: its processes

[ "$CRTOOLS_SCRIPT_ACTION" = post-dump ] || exit 0
cp "$JOB_LOG" "$IMAGES/job.log" || exit 1
for pid in $PIDS; do
	if [ -r "/sys/kernel/debug/kfd_criu/$pid" ]; then
		cat "/sys/kernel/debug/kfd_criu/$pid" > "$IMAGES/objects.$pid"
	fi
done
sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$PPID/status" > "$IMAGES/criu_memory"
exit 0
