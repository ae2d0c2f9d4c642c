# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For scripts that run several commands of the Makefile and sum up what they say.

passed=0
failed=0
skipped=0
mkdir -p build
: > build/broken

# What failed is said again at the end, where a reader of a long log looks first.
broken()
{
	echo "--- $1"
	head -n 150
} >> build/broken

# A run of tests: its own counts come from the last line that it prints.
tests()
{
	local log=build/tests-log counts status

	echo "=== make $* ($((SECONDS / 60)) min)"
	make --no-print-directory "$@" 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1)
	if [[ $counts =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + BASH_REMATCH[3]))
		[ "$status" = 0 ] || [ "${BASH_REMATCH[2]}" -gt 0 ] || failed=$((failed + 1))
	else
		failed=$((failed + 1))
	fi
	[ "$status" = 0 ] || broken "make $*" < <(sed -n '/^Failures:$/,$p' "$log")
}

# A check that is one test.
one()
{
	echo "=== make $* ($((SECONDS / 60)) min)"
	if make --no-print-directory "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		broken "make $*" < /dev/null
	fi
}

# The last lines; ends the script.
verdict()
{
	echo "=== $((SECONDS / 60)) minutes"
	[ "$failed" = 0 ] || cat build/broken
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
	exit
}
