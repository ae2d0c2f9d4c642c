#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the series tool and of the test runner: both are trusted to say
# "no", so each test here has something wrong that has to be found and named.
# Takes KSRC from the environment, for the kernel's KTAP parser.
set -u
top=$(dirname "$(dirname "$(realpath "$0")")")
cd "$top" || exit 1
: "${KSRC:=/usr/src/linux-source-6.12.tar.xz}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
count=0

# result <name> <wanted exit status> <pattern that the output has to match>; output is in $work/log
result()
{
	count=$((count + 1))
	if [ "$status" = "$2" ] && grep -Eq -- "$3" "$work/log"; then
		echo "ok $count - $1"
	else
		sed 's/^/# /' "$work/log"
		echo "# exit status $status, wanted $2 and: $3"
		echo "not ok $count - $1"
		failed=$((failed + 1))
	fi
}

# --- the series tool, on a base kernel and a repository of a few lines

base=$work/base
repo=$work/repo
amd=drivers/gpu/drm/amd

fresh()
{
	rm -rf "$base" "$repo" "$work/build"
	mkdir -p "$base/$amd/amdkfd" "$base/$amd/amdgpu" "$repo/series/simgpu" \
		"$repo/$amd/amdkfd" "$repo/$amd/new"
	printf 'VERSION = 9\nPATCHLEVEL = 8\nSUBLEVEL = 7\nEXTRAVERSION =\n' > "$base/Makefile"
	: > "$base/Kbuild"
	printf 'int first(void)\n{\n\treturn 1;\n}\n' > "$base/$amd/amdkfd/code.c"
	printf 'obj-y += old.o\n' > "$base/$amd/amdkfd/Makefile"
	printf '%s\n' 'Maintainers List' '----------------' '' 'ALPHA' $'M:\tA <a@example.org>' '' \
		'OMEGA' $'M:\tO <o@example.org>' '' 'THE REST' $'M:\tL <l@example.org>' > "$base/MAINTAINERS"
	printf 'MIDDLE\nM:\tM <m@example.org>\n' > "$repo/MAINTAINERS"
	printf '@wanted@\n@@\n first(void)\n {\n- return 1;\n+ return 2;\n }\n' \
		> "$repo/$amd/amdkfd/code.c.cocci"
	printf '# a comment\n/old/a\nobj-y += ../new/\n.\n' > "$repo/$amd/amdkfd/Makefile.ed"
	printf 'obj-y := \\\n\tone.o \\\n\ttwo.o\n' > "$repo/$amd/new/Makefile"
	echo 'int one;' > "$repo/$amd/new/one.c"
	echo 'int two;' > "$repo/$amd/new/two.c"
	printf '%s\n' 'new: add one' '' 'It is needed.' -- "$amd/new/Makefile" "$amd/new/one.c" \
		"$amd/amdkfd/Makefile.ed" MAINTAINERS > "$repo/series/simgpu/01-one.txt"
	printf '%s\n' 'new: add two' '' 'It is needed.' -- "$amd/new/two.c" \
		"$amd/amdkfd/code.c.cocci" > "$repo/series/simgpu/02-two.txt"
}

series()
{
	scripts/series.py --repo "$repo" --build "$work/build" --ksrc "${base_arg:-$base}" "$@" \
		> "$work/log" 2>&1
	status=$?
}

fresh
series check --no-build
result "a good series applies and is what is built" 0 'ok: git am of simgpu on 9\.8\.7'
tree=$(tail -n 1 <(scripts/series.py --repo "$repo" --build "$work/build" --ksrc "$base" tree 2>/dev/null))
{
	cat "$tree/$amd/amdkfd/code.c" "$tree/$amd/amdkfd/Makefile"
	grep -n -A1 MIDDLE "$tree/MAINTAINERS"
} > "$work/log" 2>&1
result "semantic patch, ed script and MAINTAINERS are in the tree" 0 'return 2;'
result "MAINTAINERS got its entry at its place" 0 '^7:MIDDLE'
cp "$work/build/series/9.8.7/simgpu/"0001-*.patch "$work/log" 2>/dev/null || {
	series export
	cp "$work/build/series/9.8.7/simgpu/"0001-*.patch "$work/log"
}
status=$(grep -c 'two' "$work/log")
result "a Makefile does not name what a later patch brings" 0 '^\+	one\.o$'
grep -q 'return 1' "$base/$amd/amdkfd/code.c"
status=$?
echo "base untouched" > "$work/log"
result "the base kernel is not written to" 0 'base untouched'

before=$(stat -c %Y.%i "$tree/$amd/new/one.c" "$tree/$amd/amdkfd/code.c")
series tree
test "$before" = "$(stat -c %Y.%i "$tree/$amd/new/one.c" "$tree/$amd/amdkfd/code.c")"
status=$?
result "a second run touches no file" 0 .

rm "$repo/series/simgpu/02-two.txt"
series tree
{ cat "$tree/$amd/amdkfd/code.c"; test -e "$tree/$amd/new/two.c"; status=$?; } > "$work/log"
result "what left the series is the base's again" 1 'return 1;'

fresh
sed -i 's/first/no_such_function/' "$repo/$amd/amdkfd/code.c.cocci"
series tree
result "a rule that does not apply is named, with file and base" 1 \
	"code\.c\.cocci: rule 'wanted' does not apply to $amd/amdkfd/code\.c of the base kernel 9\.8\.7"

fresh
printf '\n@lost@\n@@\n- nothing_calls_this();\n' >> "$repo/$amd/amdkfd/code.c.cocci"
series tree
result "one of two rules that does not apply is named" 1 "rule 'lost' does not apply"

fresh
sed -i 's/^@wanted@$/@@/' "$repo/$amd/amdkfd/code.c.cocci"
series tree
result "a rule without a name is refused" 1 'needs a name'

fresh
sed -i 's/old/no_such_line/' "$repo/$amd/amdkfd/Makefile.ed"
series tree
result "an ed command that fails is named" 1 'Makefile\.ed:2: the command ./no_such_line/a. does not apply'

fresh
rm "$base/$amd/amdkfd/code.c"
series tree
result "an edit of a file that the base lacks" 1 'has no file .*code\.c'

fresh
touch "$base/$amd/amdkfd/brought.c" "$repo/$amd/amdkfd/brought.c"
echo "$amd/amdkfd/brought.c" >> "$repo/series/simgpu/01-one.txt"
series tree
result "an added file that the base has" 1 'has a file of that name'

fresh
echo "$amd/new/gone.c" >> "$repo/series/simgpu/01-one.txt"
series tree
result "a file that the repository lacks" 1 '01-one\.txt: no file .*gone\.c'

fresh
echo 'int three;' > "$repo/$amd/new/three.c"
series check --no-build
result "a file in no patch" 1 'in no patch of series/: .*three\.c'

fresh
base_arg=$work/nowhere series tree
result "KSRC that does not exist" 1 'KSRC=.*/nowhere does not exist'
mkdir "$work/empty"
base_arg=$work/empty series tree
result "KSRC that is no kernel" 1 'KSRC=.*/empty is not a Linux source tree'
echo junk > "$work/junk.tar.xz"
base_arg=$work/junk.tar.xz series tree
result "KSRC that is a broken archive" 1 'is not an archive with one kernel tree'

# --- the runner, with a machine that says what the test wants

if ! parser=$(scripts/series.py --ksrc "$KSRC" base 2> "$work/log"); then
	status=1
	result "the base kernel, for its KTAP parser" 0 .
	parser=$work
fi

cat > "$work/qemu" <<'EOF'
#!/bin/bash
# Plays the machine: FAKE_RESULTS, FAKE_CONSOLE and FAKE_VERDICT go where QEMU would write.
for word in "$@"; do
	case $word in
	file:*) printf '%b' "$FAKE_CONSOLE" >> "${word#file:}" ;;
	file,id=results,path=*) printf '%b' "$FAKE_RESULTS" >> "${word#*path=}" ;;
	file,id=verdict,path=*) printf '%b' "$FAKE_VERDICT" >> "${word#*path=}" ;;
	# what a boot leaves for the next, and whether it got there
	file,id=carry,path=*) printf '%b' "${FAKE_CARRY-}" >> "${word#*path=}" ;;
	*/initrd) ! grep -aq carried-over "$word" || echo "found it" >> "${word%/*}/found" ;;
	esac
done
exit "${FAKE_STATUS:-0}"
EOF
chmod +x "$work/qemu"
mkdir -p "$work/tests"
echo kfd_one_test > "$work/tests/list"
: > "$work/initramfs"
echo 'cell | - | kfd_*_test' > "$work/cells"

head='#@ start kfd_one_test\nTAP version 13\n1..2\n#  RUN           a.b ...\n'
good="${head}ok 1 a.b\nok 2 a.c\n#@ end kfd_one_test 0\n"

runner()
{
	FAKE_RESULTS=$1 FAKE_CONSOLE=${2:-booted} FAKE_VERDICT=${3-done} FAKE_STATUS=${4:-0} \
		tools/testing/selftests/kfd_criu/vm/run.py --srctree "$parser" \
		--kernel "$work/initramfs" --initramfs "$work/initramfs" --tests "$work/tests" \
		--results "$work/results" --cells "$work/cells" --qemu "$work/qemu" ${extra:+"$extra"} \
		> "$work/log" 2>&1
	status=$?
}

runner "$good"
result "all is well" 0 '^3 passed, 0 failed, 0 skipped$'
runner "${head}ok 1 a.b # SKIP no GPU\nok 2 a.c\n#@ end kfd_one_test 0\n"
result "a skipped test is counted" 0 '^2 passed, 0 failed, 1 skipped$'
runner "${head}# x.c:7: expected 1, got 2\nnot ok 1 a.b\nok 2 a.c\n#@ end kfd_one_test 1\n"
result "a failed test" 1 '^2 passed, 1 failed, 0 skipped$'
result "a failed test is named" 1 'cell > kfd_one_test > a\.b'
result "a failed test gives its reason" 1 'expected 1, got 2'
runner "${head}ok 1 a.b\n#@ end kfd_one_test 0\n"
result "a plan that is not fulfilled" 1 '[1-9][0-9]* failed'
runner "${head}ok 1 a.b\n#@ end kfd_one_test 139\n"
result "a program that crashed" 1 'killed by signal 11'
runner "${head}ok 1 a.b\nok 2 a.c\n#@ end kfd_one_test 1\n"
result "an exit status that its results do not explain" 1 'exit status 1'
runner "${head}ok 1 a.b\n#@ timeout kfd_one_test\n"
result "a time limit" 1 'time limit in a\.b; 1 of 2 results came'
runner "$head" booted ''
result "a machine that died" 1 'was in kfd_one_test, a\.b'
runner '#@ fatal modprobe amdgpu: no\n' booted no-amdgpu
result "amdgpu that does not load" 1 'modprobe amdgpu: no'
runner "#@ start kfd_one_test\n#@ end kfd_one_test 4\n"
result "nothing but skips" 1 'every program of this cell was skipped'
extra=--test=kfd_one_test runner "#@ start kfd_one_test\n#@ end kfd_one_test 4\n"
result "nothing but skips, of what was asked for" 1 'no test ran'
runner "$good" 'x\n[ 1.0] WARNING: CPU: 0 PID: 1 at a.c:1 f+0x0\n[ 1.0] ---[ end trace 0 ]---\n'
result "a warning of the kernel" 1 'WARNING: CPU: 0 PID: 1 at a\.c'
for report in 'BUG: KASAN: slab-use-after-free in f' 'Oops: general protection fault' \
	'WARNING: possible circular locking dependency detected' \
	'UBSAN: array-index-out-of-bounds in x.c' 'WARNING: suspicious RCU usage' \
	'BUG: sleeping function called from invalid context' \
	'amdgpu 051d:00:01.0: amdgpu: simgpu: HIQ stopped: -22'; do
	runner "$good" "[ 1.0] $report\n"
	result "the kernel's log: $report" 1 'kernel_log'
done
runner "${good}#@ leak unreferenced object 0x1 (size 8):\n"
result "a leak" 1 'unreferenced object'
known="#@ leak unreferenced object 0x2 (size 96):\n#@ leak     kfd_criu_restore_svm+0x5e/0x250\n"
extra=--label=stock runner "$good$known"
result "a leak that the code is known for" 0 'known-leaks tells about'
extra=--label=stock runner "$good$known#@ leak unreferenced object 0x1 (size 8):\n#@ leak     f+0x1/0x2\n"
result "another leak beside it" 1 'unreferenced object 0x1'
runner "$good$known"
result "a leak that another kernel is known for" 1 'unreferenced object 0x2'
extra=--test=no_such_test runner "$good"
result "no test of that name" 1 'no test matches TEST=no_such_test'

# a cell of two boots
printf '%s\n' 'two | - | kfd_one_test:save:x' 'two | - | kfd_one_test:load:x' \
	'both | ours: - | kfd_one_test' 'both | stock: - | kfd_one_test' > "$work/cells"
good=${good//kfd_one_test/kfd_one_test \$words}
FAKE_CARRY=carried-over runner "${good//\$words/save x}"
{ cat "$work/results/found"; cat "$work/log"; } > "$work/both" 2>&1
mv "$work/both" "$work/log"
result "the second boot finds what the first one left" 1 'found it'
result "a program is told apart by its arguments" 1 'two\.2 > kfd_one_test load x'
rm -f "$work/results/found"
runner "${good//\$words/save x}"
result "a second boot without anything to find" 1 'two\.1 left nothing to go on with'
extra=--cell=both runner "$good"
result "a cell for a kernel that is not there" 1 "cell 'both' boots a kernel 'stock'"

echo "1..$count"
[ "$failed" = 0 ]
