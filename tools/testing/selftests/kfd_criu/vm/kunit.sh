#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Load every KUnit module that the machine has, and print all results as one
# KTAP document.
root=/sys/kernel/debug/kunit
modules=$(find "/lib/modules/$(uname -r)" -name '*_kunit.ko' -o -name '*-kunit.ko')
if [ -z "$modules" ]; then
	echo "1..0 # SKIP no KUnit module in this kernel"
	exit 4
fi

# Without this, tests are only listed where the kernel's default is not to run them.
modprobe kunit enable=1

mkdir -p /tmp/kunit
count=0
for module in $modules; do
	name=$(basename "$module" .ko)
	ls $root > /tmp/kunit/before 2>/dev/null
	if ! modprobe "$name" 2> /tmp/kunit/error; then
		count=$((count + 1))
		{
			sed 's/^/# /' /tmp/kunit/error
			echo "not ok $count $name # the module does not load"
		} > "/tmp/kunit/$count.ktap"
		continue
	fi
	first=$((count + 1))
	for folder in "$root"/*; do
		suite=${folder##*/}
		[ -e "$folder/results" ] || continue
		grep -qxF "$suite" /tmp/kunit/before && continue
		count=$((count + 1))
		# The file is a document of one suite: its head goes, its result gets our number.
		sed -e '/^KTAP version/d' -e '/^1\.\.1$/d' \
			-e "s/^\(ok\|not ok\) 1 /\1 $count /" "$folder/results" \
			> "/tmp/kunit/$count.ktap"
	done
	if [ $count -lt $first ]; then
		count=$first
		echo "not ok $count $name # the module has no suite" > "/tmp/kunit/$count.ktap"
	fi
done

echo "KTAP version 1"
echo "1..$count"
number=0
while [ $number -lt $count ]; do
	number=$((number + 1))
	cat "/tmp/kunit/$number.ktap"
done
! grep -q '^not ok' /tmp/kunit/*.ktap
