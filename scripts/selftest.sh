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
# The tests run programs that leave verdicts, and that fail on purpose: none of it is for the file
# in which the caller of all tests, 'make check' for one, leaves a verdict.
unset KFD_CRIU_VERDICT
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
# FAKE_CRASHES has a line for each time that it crashes before.
if [ -s "${FAKE_CRASHES-}" ]; then
	sed -i 1d "$FAKE_CRASHES"
	kill -SEGV $$
fi
for word in "$@"; do
	case $word in
	file:*) printf '%b' "$FAKE_CONSOLE" >> "${word#file:}" ;;
	file,id=results,path=*) printf '%b' "$FAKE_RESULTS" >> "${word#*path=}" ;;
	file,id=verdict,path=*) printf '%b' "$FAKE_VERDICT" >> "${word#*path=}" ;;
	-icount) echo "counts instructions: $*" > "${FAKE_ARGUMENTS:-/dev/null}" ;;
	# what a boot leaves for the next, and whether it got there
	file,id=carry,path=*) printf '%b' "${FAKE_CARRY-}" >> "${word#*path=}" ;;
	# which lines ran
	file,id=coverage,path=*)
		[ -z "${FAKE_COVERAGE-}" ] || cat "$FAKE_COVERAGE" > "${word#*path=}"
		;;
	*.initrd) ! grep -aq carried-over "$word" || echo "found it" >> "${word%/*}/found" ;;
	esac
done
exit "${FAKE_STATUS:-0}"
EOF
chmod +x "$work/qemu"
mkdir -p "$work/tests"
echo kfd_one_test > "$work/tests/list"
: > "$work/initramfs"
echo 'cell | - | kfd_*_test' > "$work/cells"
: > "$work/skips"

head='#@ start kfd_one_test\nTAP version 13\n1..2\n#  RUN           a.b ...\n'
good="${head}ok 1 a.b\nok 2 a.c\n#@ end kfd_one_test 0\n"

runner()
{
	# shellcheck disable=SC2086	# several options
	FAKE_RESULTS=$1 FAKE_CONSOLE=${2:-booted} FAKE_VERDICT=${3-done} FAKE_STATUS=${4:-0} \
		tools/testing/selftests/kfd_criu/vm/run.py --srctree "${srctree:-$parser}" \
		--kernel "${kernel:-$work/initramfs}" --initramfs "$work/initramfs" --tests "$work/tests" \
		--results "$work/results" --cells "$work/cells" --skips "$work/skips" \
		--qemu "$work/qemu" ${extra:+$extra} \
		> "$work/log" 2>&1
	status=$?
}

runner "$good"
result "all is well" 0 '^3 passed, 0 failed, 0 skipped$'
mv "$work/cells" "$work/cells.plain"
sed 's/^cell/9.9\/no HWS/' "$work/cells.plain" > "$work/cells"
mkdir -p "$work/other"
echo "last time" > "$work/other/grid"
extra=--grid runner "${head}# TABLE: a.b | fail | pass | why\n${good#"$head"}"
result "a matrix is a grid" 0 '^9\.9  *1 pass$'
result "the grid of another kernel stands beside it" 0 '^last time$'
rm -r "$work/other"
extra="--grid --label=stock" runner "$good" 'simgpu: MQD has rptr\n'
result "what the base kernel does in a matrix is told, not judged" 0 '^9\.9 .*TROUBLE$'
mv "$work/cells.plain" "$work/cells"
skipping="${head}ok 1 a.b # SKIP no GPU\nok 2 a.c\n#@ end kfd_one_test 0\n"
runner "$skipping"
result "a skip that nobody knows of" 1 '^1 passed, 1 failed, 1 skipped$'
result "is told as a line of the file" 1 '^ +not in vm/skips: cell \| kfd_one_test a\.b \| no GPU$'
extra=--more-parameters=x=1 runner "${skipping}"
result "but not on other GPUs than those of the cell" 0 '^2 passed, 0 failed, 1 skipped$'
echo 'cell | kfd_one_test a.b | no *' > "$work/skips"
runner "$skipping"
result "a skipped test is counted" 0 '^2 passed, 0 failed, 1 skipped$'
runner "${head}ok 1 # SKIP no GPU\nok 2 a.c\n#@ end kfd_one_test 0\n"
result "one without a name has its reason for a name" 1 'not in vm/skips: .* no GPU \| no GPU$'
runner "$good"
result "a skip that is no more" 1 'skipped no more, or for another reason: cell \| kfd_one_test a\.b'
runner "${skipping/no GPU/a bad day}"
result "a skip for another reason" 1 'not in vm/skips: .* a\.b \| a bad day$'
echo 'stock: cell | kfd_one_test a.b | *' > "$work/skips"
runner "$good"
result "a skip of another kernel" 0 '^3 passed, 0 failed, 0 skipped$'
extra=--label=stock runner "$skipping"
result "on that kernel" 0 '^2 passed, 0 failed, 1 skipped$'
echo 'cell | kfd_one_test' > "$work/skips"
runner "$good"
result "half a line of skips" 1 "'cell . program test . reason' expected"
: > "$work/skips"
runner "#@ start kfd_one_test\nhello\n#@ end kfd_one_test 0\n"
result "a program that ends well without a result" 1 '^1 passed, 1 failed, 0 skipped$'
runner "${head}# KERNEL: ours\n${good#"$head"}"
result "tests that find the kernel that was meant" 0 '^3 passed, 0 failed, 0 skipped$'
extra=--label=stock runner "${head}# KERNEL: ours\n${good#"$head"}"
result "tests that find another one" 1 "the kernel was to be 'stock', tests found 'ours'"
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
export FAKE_CRASHES=$work/crashes
echo once > "$FAKE_CRASHES"
runner "$good"
result "an emulator that crashes before the first program" 0 '^3 passed, 0 failed, 0 skipped$'
result "is told" 0 'QEMU crashed with signal 11'
result "once more at the end" 0 '^note: cell: QEMU crashed with signal 11 .*: booted again$'
cat "$work/results/results.ktap" "$work/results/results.json" > "$work/log"
result "and in the document" 0 '^    # QEMU crashed with signal 11'
result "and in the results" 0 '^ +"cell: QEMU crashed with signal 11'
printf 'once\nagain\n' > "$FAKE_CRASHES"
runner "$good"
result "but not believed twice" 1 'QEMU with status -11'
unset FAKE_CRASHES
runner "$head" booted '' 139
result "nor after that" 1 'was in kfd_one_test, a\.b'
runner "$head" booted ''
result "a machine that died" 1 'was in kfd_one_test, a\.b'
runner '#@ fatal modprobe amdgpu: no\n' booted no-amdgpu
result "amdgpu that does not load" 1 'modprobe amdgpu: no'
echo 'cell | kfd_one_test | exit status 4' > "$work/skips"
runner "#@ start kfd_one_test\n#@ end kfd_one_test 4\n"
result "nothing but skips" 1 'every program of this cell was skipped'
extra=--test=kfd_one_test runner "#@ start kfd_one_test\n#@ end kfd_one_test 4\n"
result "nothing but skips, of what was asked for" 1 'no test ran'
: > "$work/skips"
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
extra=--story runner "${head}# Once upon a time\nok 1 a.b\nok 2 a.c\n#@ end kfd_one_test 0\n"
result "a story is told" 0 '^ Once upon a time$'
extra=--test=no_such_test runner "$good"
result "no test of that name" 1 'no test matches TEST=no_such_test'

# which lines ran, of a source of which two machines run different ones
amdkfd=$work/covered/drivers/gpu/drm/amd/amdkfd
mkdir -p "$amdkfd"
cat > "$amdkfd/kfd_criu_x.c" <<'EOF'
int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 2)
		return 2;
	if (argc > 1)
		return 1;
	return 0;
}
EOF
(cd "$amdkfd" && gcc --coverage -c kfd_criu_x.c && gcc --coverage kfd_criu_x.o -o x)
ran()
{
	rm -f "$amdkfd/kfd_criu_x.gcda"
	[ "$1" != all ] || "$amdkfd/x"
	[ "$1" != all ] || "$amdkfd/x" one
	"$amdkfd/x" "${@:2}"
	(cd "$amdkfd" && echo kfd_criu_x.gcda | cpio -o -H newc) > "$work/$1" 2> /dev/null
}
covered()
{
	python3 -B - "$work" "$@" > "$work/log" 2>&1 <<'EOF'
import sys
from pathlib import Path
sys.path.insert(0, "tools/testing/selftests/kfd_criu/vm")
import coverage
work = Path(sys.argv[1])
table, missing, percent, unknown = coverage.measure(
    [work / name for name in sys.argv[2:]], work / "covered", work / "covered")
print(*table, *missing, f"{percent:.0f} percent, {len(unknown)} without a reason", sep="\n")
EOF
	status=$?
}
ran first
ran second one
covered first
result "lines that one machine ran" 0 '^kfd_criu_x\.c +4/6 +66\.7%'
covered first second
result "lines that two machines ran together" 0 '^kfd_criu_x\.c +5/6 +83\.3%'
result "a line that none ran, and nobody knows why" 0 'kfd_criu_x\.c:5: no reason is known: return 2'
result "percent, and how many have no reason" 0 '^83 percent, 1 without a reason'
# the same as a verdict, of a run of all tests
mkdir -p "$work/covered/tools/testing" "$work/covered/arch/x86/boot"
ln -s "$(realpath "$parser")/tools/testing/kunit" "$work/covered/tools/testing/kunit"
: > "$work/covered/arch/x86/boot/bzImage"
judged()
{
	FAKE_COVERAGE=$work/$1 srctree=$work/covered kernel=$work/covered/arch/x86/boot/bzImage \
		extra="--debug ${2-}" runner "$good"
}
ran all one two
judged all
result "all lines were reached" 0 '^4 passed, 0 failed, 0 skipped$'
judged second
result "a line that was not reached, without a reason" 1 '^3 passed, 1 failed, 0 skipped$'
result "is named where the run fails" 1 '^    not reached: kfd_criu_x\.c:5: no reason is known'
result "and how many lines there are" 1 '66\.7% of the lines are reached, 95% is the least; 2 '
result "reasons that nothing needs are told" 1 '^vm/unreached: kfd_criu\.c: stands nowhere: '
(cd "$amdkfd" && line=$'\targc += !argv;' && many=$(printf "$line\\n%.0s" {1..60}) &&
	sed -i "s/^\t(void)argv;/${many//$'\n'/\\n}/" kfd_criu_x.c &&
	gcc --coverage -c kfd_criu_x.c && gcc --coverage kfd_criu_x.o -o x)
ran many one
judged many
result "one line without a reason is too many" 1 '9[5-9]\..% of the lines are reached, 95% is the least; 2 '
judged second --cell=cell
result "a part of the tests is not judged by that" 0 '^3 passed, 0 failed, 0 skipped$'
: > "$work/none"
judged none
result "counters that did not come" 1 'no machine has told which lines ran'
rm "$amdkfd/kfd_criu_x.gcno"
covered first
result "counters without the notes of their build" 1 'gcno is missing'

# the reasons that there are
python3 -B - > "$work/log" 2>&1 <<'EOF'
import sys
from pathlib import Path
tests = Path("tools/testing/selftests/kfd_criu")
sys.path.insert(0, str(tests))
from unreached import Reasons
sources = {path.name: path.read_text()
           for path in Path("drivers/gpu/drm/amd/amdkfd").glob("kfd_criu*.[ch]")}
gone = [line for tool in ("vm", "fuzz")
        for line in Reasons(tests / tool / "unreached").unused(sources)
        if "stands nowhere" in line]
print(*gone, f"{len(gone)} reasons are about nothing", sep="\n")
EOF
status=$?
result "each reason is about a line that there is" 0 '^0 reasons are about nothing'

# data races, with a kernel of which the engine's files have one function
objects=$work/out/drivers/gpu/drm/amd/amdkfd
mkdir -p "$objects" "$work/out/arch/x86/boot"
echo 'int n; void ours_one(void) { n++; }' > "$work/one.c"
gcc -fsanitize=thread -c -o "$objects/kfd_criu_x.o" "$work/one.c"
: > "$work/out/arch/x86/boot/bzImage"
kcsan="--kcsan --kernel $work/out/arch/x86/boot/bzImage"
races()
{
	local line text=''

	for line in "$@"; do
		text+="[ 1.0] ======================\n[ 1.0] BUG: KCSAN: $line\n"
	done
	extra=$kcsan runner "$good#@ watched ${watched-12}\n" "${text}[ 1.0] ======\n"
}
races 'data-race in a_one / b_two' 'data-race in a_one [amdgpu] / b_two.part.0 [amdgpu]'
result "data races of others are told" 0 \
	'^cell: of the engine 0, of what it calls 0, of others 2; 12 accesses were watched$'
result "and that is all that is told of them" 0 '^3 passed, 0 failed'
races 'data-race in a_one / b_two\n[ 1.0]  b_two+0x1/0x2\n[ 1.0]  ours_one+0x1/0x2'
result "a data race of what the engine calls" 0 '^ +1 called by the engine: a_one / b_two$'
races 'data-race in a_one / b_two' 'data-race in b_two+0x1/0x2\n[ 1.0]  b_two+0x1/0x2' \
	'data-race in a_one / ours_one.part.0 [amdgpu]\n[ 1.0] the report'
result "a data race of the engine" 1 '^cell: of the engine 1, of what it calls 0, of others 2;'
result "and its report" 1 '^ +\[ 1\.0\] the report$'
races 'data-race in ours_one+0x1/0x2 [amdgpu]'
result "a data race of the engine with somebody unknown" 1 '^ +1 engine: ours_one$'
races 'data-race in ours_one_too / no_ours_one'
result "a data race of names that are alike" 0 \
	'^cell: of the engine 0, of what it calls 0, of others 1;'
races 'assert: race in a_one / ours_one'
result "a broken assertion of the engine" 1 '^cell: of the engine 1,'
watched=0 races
result "a kernel in which KCSAN does nothing" 1 'has watched no access'
extra=$kcsan runner "$good"
result "a kernel without KCSAN" 1 'has watched no access'
extra=$kcsan runner "$good#@ watched 1\n" 'WARNING: CPU: 0 PID: 1 at a.c:1 f+0x0\n'
result "a warning of a kernel with KCSAN" 1 'WARNING: CPU: 0 PID: 1 at a\.c'
gcc -c -o "$objects/kfd_criu_x.o" "$work/one.c"
races
result "a file of the engine that KCSAN does not watch" 1 'KCSAN does not watch kfd_criu_x\.o'
rm "$objects/kfd_criu_x.o"
races
result "a kernel of which nothing is the engine's" 1 'no object files'

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

# cells for one kind of build
printf '%s\n' 'any | - | kfd_one_test' 'fast | plain: - | kfd_one_test' \
	'slow | debug ours: - | kfd_one_test' > "$work/cells"
good="${head}ok 1 a.b\nok 2 a.c\n#@ end kfd_one_test 0\n"
runner "$good"
result "a cell for the debug kernel is left out on another" 0 '^\[fast 2/2\] done'
extra=--debug runner "$good"
result "and one for the others on the debug kernel" 0 '^\[slow 2/2\] done'
extra=--cell=slow runner "$good"
result "unless it is asked for" 0 '^\[slow 1/1\] done'

# other programs than the cell's
extra="--cell=any --programs=kfd_one_test:again" runner "$good"
result "programs that take the place of the cell's" 1 '^  any > kfd_one_test again$'
good=${good//kfd_one_test/kfd_one_test again}
extra="--cell=any --programs=kfd_one_test:again" runner "$good"
result "and all that is said of them" 0 '^3 passed, 0 failed, 0 skipped$'
extra="--cell=any --programs=kfd_two_test" runner "$good"
result "no such program" 1 'error: no test matches kfd_two_test, there are: .*kfd_one_test'
good=${good//kfd_one_test again/kfd_one_test}

# a machine that counts instructions
runner "$good"
extra=--icount FAKE_ARGUMENTS=$work/arguments runner "$good"
cat "$work/arguments" > "$work/log" 2>&1
result "a clock of instructions, on one CPU" 0 '-smp 1 -icount shift=0,sleep=off '
extra="--icount --kvm" runner "$good"
result "which KVM doesn't have" 1 'only an emulated CPU counts instructions'

# --- tables of what was measured

# figures <line>...: each is kernel | objects | GPUs | number | figure | samples
figures()
{
	rm -rf "$work/figures" "$work/bench"
	mkdir "$work/figures"
	printf '# BENCH: %s\n' "$@" > "$work/figures/cell.results"
	scripts/bench.py "$work/figures" "$work/bench" > "$work/log" 2>&1
	status=$?
}

# of a case that is as it should be
case='VRAM 4 KiB | 1 | 1000'
fine=("ours | $case | create | 50000000+0 50000000+0" "stock | $case | create | 50000000+0" \
	"ours | $case | RESTORE | 20000000+5000000 25100000+0 25000000+100000" \
	"stock | $case | RESTORE | 50000000+0 50000000+0" "ours | $case | image | 32000")
figures "${fine[@]}"
result "the median of both kernels, for each object, and their ratio" 0 \
	'^VRAM 4 KiB, 1 GPU, 1,000 .* 50\.0k +25\.1k +0\.50 '
result "a goal that is met" 0 '^RESTORE of create +0\.6 +0\.502 +met '
result "how far samples lie apart" 0 'a figure by 0\.20 % at most: RESTORE of ours'
grep -c '<path' "$work/bench/bench.svg" > "$work/log" 2>&1
result "a plot" 0 '^[1-9]'
figures "${fine[@]/50000000+0 50000000+0/51500000+0 50000000+0}"
result "samples that are not alike" 1 'error: one sample moves it by 2\.96 %: create of ours, VRAM 4 KiB'
five='5000000+0 5000000+0 5050000+0 5000000+0'
figures "${fine[@]}" "ours | $case | RESUME | $five 5500000+0"
result "one of five may be another" 0 'a figure by 0\.50 % at most: RESUME of ours'
figures "${fine[@]}" "ours | $case | RESUME | 5000000+0 5500000+0 5300000+0 5500000+0 5000000+0"
result "but the median must not be between two others" 1 'one sample moves it by 4\.72 %: RESUME of ours'
figures "${fine[@]}" "ours | $case | RESUME | 100000+0 200000+0"
result "unless it is next to nothing" 0 'RESTORE of ours'
figures "${fine[@]/32000/41000}"
result "a goal that is missed" 0 '^bytes of image for a BO +40 +41 +missed '
figures "${fine[@]}" 'stock | queue | 1 | 128 | RESTORE | - Invalid argument'
result "what the stock kernel can't do is told" 0 'stock: queue, 1 GPU, 128: RESTORE: Inval'
figures "${fine[@]}" 'ours | queue | 1 | 128 | RESTORE | - Invalid argument'
result "what this kernel can't do is an error" 1 'error: RESTORE of queue, 1 GPU, 128: Invalid arg'
figures "${fine[@]}" 'ours | VRAM 2 MiB | 1 | 100000 | all | - 200000 of 1024 MiB of VRAM'
result "a case that there can't be" 0 '100,000: all: 200000 of 1024 MiB of VRAM'
figures "ours | $case | RESTORE"
result "half a line" 1 'not a figure'
: > "$work/figures/cell.results"
scripts/bench.py "$work/figures" "$work/bench" > "$work/log" 2>&1
status=$?
result "nothing was measured" 1 'nothing was measured'

# --- several commands and their verdicts

mkdir "$work/made"
cat > "$work/made/make" <<'EOF'
#!/bin/bash
# Plays make: the verdict is what FAKE_<first goal> says, unless it is empty; then it exits with FAKE_END.
echo "$*" >> "$FAKE_MADE"
name=FAKE_${2//-/_}
[ -z "${!name-}" ] || echo "${!name}" > "$KFD_CRIU_VERDICT"
exit "${FAKE_END:-0}"
EOF
chmod +x "$work/made/make"
steps()
{
	: > "$work/made/calls"
	PATH=$work/made:$PATH FAKE_MADE=$work/made/calls scripts/steps.py --build "$work/made" "$@" \
		> "$work/log" 2>&1
	status=$?
}
three='{"passed": 3, "failed": 0, "skipped": 1, "notes": ["booted again"], "base": "9.8.7"}'
FAKE_check=$three FAKE_test=$three steps nightly check kcsan
result "numbers of two commands are added" 0 '^6 passed, 0 failed, 2 skipped$'
result "each has a line, with its time" 0 '^kcsan  +3  +0  +1  +0\.0$'
result "what a reader has to know is told" 0 '^  kcsan: booted again$'
result "the base kernel as well" 0 '^base kernel: 9\.8\.7$'
result "and the seed of random numbers" 0 '^=== nightly, random numbers: SEED=[1-9]'
cp "$work/made/calls" "$work/log"
result "the commands are those of the menu" 0 '^--no-print-directory test KCSAN=1 CELL=races\*$'
FAKE_check=$three steps nightly check kcsan
result "a command without a verdict" 1 'kcsan: .*KCSAN=1'
result "has failed" 1 '^3 passed, 1 failed, 1 skipped$'
FAKE_check='{"passed": 3,' steps nightly check
result "half a verdict" 1 'left a broken verdict'
FAKE_check=$three FAKE_END=2 steps nightly check
result "a bad end of a command of which nothing failed" 1 'though nothing failed'
FAKE_check='{"passed": 0, "failed": 0, "skipped": 3}' steps nightly check
result "nothing but skips" 1 'nothing ran'
FAKE_check='{"passed": 1, "failed": 1, "skipped": 0, "failures": [["a.b", ["no luck"]]]}' FAKE_END=1 \
	steps nightly check
result "a failure" 1 '^1 passed, 1 failed, 0 skipped$'
result "is named" 1 '^  check: a\.b$'
result "with its reason" 1 '^    no luck$'
steps nightly nonsense
result "a part that there is not" 2 "'nonsense' is none of check, series, .*mutants"
git clone -q --no-hardlinks . "$work/clone" 2> /dev/null && cp scripts/steps.py "$work/clone/scripts/" &&
	(cd "$work/clone" && git add -A && git -c user.name=n -c user.email=e commit -q --allow-empty -m x)
resumed()
{
	: > "$work/made/calls"
	PATH=$work/made:$PATH FAKE_MADE=$work/made/calls "$work/clone/scripts/steps.py" \
		--build "$work/made" --resume nightly check kcsan > "$work/log" 2>&1
	status=$?
}
FAKE_check=$three resumed
result "a run of which one command left no verdict" 1 '^3 passed, 1 failed, 1 skipped$'
rm -f "$work/made/nightly/kcsan.kept"
FAKE_test=$three resumed
result "is resumed behind what had ended" 0 '^check  +3  +0  +1  +0\.0  on 20'
grep -c . "$work/made/calls" > "$work/log"
result "which is not run again" 0 '^1$'
(cd "$work/clone" && git -c user.name=n -c user.email=e commit -q --allow-empty -m y)
FAKE_test=$three resumed
result "but is for another commit" 1 'check: .*make check'
echo >> "$work/clone/README.md"
resumed
result "and never with files that differ from the commit" 2 'only a clean checkout'
steps soak --hours 0 images
result "no time" 2 "'0' is not a number of images or of hours"
status=0
SEED=7 steps ci
grep -c . "$work/made/calls" > "$work/log"
status=$?
result "all steps of CI are tried though the first one fails" 0 '^[5-9]$'
for part in 'passed 2 failed 1' 'passed 1'; do
	read -r _ passed _ lost <<< "$part"
	echo "why" > "$work/why"
	KFD_CRIU_VERDICT=$work/verdict tools/testing/selftests/kfd_criu/verdict.py "$passed" \
		"${lost:-0}" 0 ${lost:+x.y "$work/why"}
done > "$work/log" 2>&1
tr -d ' \n' < "$work/verdict" >> "$work/log"
status=$?
result "two verdicts in one file" 0 '"passed":3,"failed":1,"skipped":0,"failures":\[\["x\.y",\["why"'
tools/testing/selftests/kfd_criu/verdict.py 1 2 > "$work/log" 2>&1
status=$?
result "a verdict without all numbers" 2 '^usage: '

# --- the list of mistakes, and what is a catch

# mistakes <line>...: what is said of a list of these lines
mistakes()
{
	printf '%s\n' "$@" > "$work/mutants"
	scripts/mutants.py --ksrc "$KSRC" --list "$work/mutants" > "$work/log" 2>&1
	status=$?
}

scripts/mutants.py --ksrc "$KSRC" --mutant 9999 > "$work/log" 2>&1
status=$?
result "each mistake is in a line that there is" 1 'MUTANT=9999 is none of the numbers 1 to [0-9]+ and'
mistakes 'kfd_criu.c | a | b | c: what' $'\t- int nowhere;' $'\t+ int there;'
result "a mistake in a line that is nowhere" 1 'mutants:1: kfd_criu\.c has this line 0 times, not once: int now'
mistakes '# two' 'kfd_criu.c | a | b | c: what' $'\t- u32 i;' $'\t+ u64 i;'
result "a mistake in a line that is there more than once" 1 'mutants:2: kfd_criu\.c has this line [1-9][0-9]* times'
mistakes 'kfd_criu_none.c | a | b | c: what' $'\t- u32 i;' $'\t+ u64 i;'
result "a mistake in a file that is nowhere" 1 'no file kfd_criu_none\.c of engine or simulator'
mistakes 'simgpu_aql.c | a | b | c | log: what' $'\t- int ret;'
result "a mistake that nothing takes the place of" 1 "mutants:1: wants '<file> \\| <cell> "
mistakes 'simgpu_aql.c | a | b | c: what' $'\t- AQL_INVALID,' $'\t+ AQL_INVALID,'
result "a mistake that is none" 1 'changes nothing'

# caught <log, or empty> <lines of the test's program>: by test t of program p
caught()
{
	printf '%s\n' 'KTAP version 1' '1..1' '    KTAP version 1' '    # Subtest: cell' '    1..2' \
		'        KTAP version 1' '        # Subtest: p -t t' "${@:2}" "not ok 1 cell" \
		> "$work/ktap"
	python3 -B - "$parser" "$work/ktap" "$1" > "$work/log" 2>&1 <<'EOF'
import sys
from pathlib import Path
from types import SimpleNamespace
sys.path.insert(0, "scripts")
import mutants
lines = Path(sys.argv[2]).read_text().splitlines()
result = mutants.run.parse(lines, Path(sys.argv[1]))[0]
print(mutants.judge(result, SimpleNamespace(test="t", log=sys.argv[3])) or "caught")
EOF
	status=$?
}

clean='    ok 2 kernel_log'
caught '' '        1..1' '        not ok 1 f.v.t' '    not ok 1 p -t t' "$clean"
result "a test that fails has caught it" 0 '^caught$'
caught '' '        1..1' '        ok 1 f.v.t' '    ok 1 p -t t' "$clean"
result "a test that passes has not" 0 '^the test ends with SUCCESS$'
caught '' '        1..1' '        ok 1 f.v.t # SKIP no GPU' '    ok 1 p -t t # SKIP' "$clean"
result "nor has one that is skipped" 0 '^the test ends with SKIPPED$'
caught '' '        1..1' '        not ok 1 f.v.u' '    not ok 1 p -t t' "$clean"
result "nor has another test" 0 '^the test ends with nothing$'
caught '' '        1..1' '        not ok 1 p.end # the machine died' '    not ok 1 p -t t' \
	'    not ok 2 kernel_log.1'
result "nor has a report of the kernel" 0 "^the test ends with nothing, the kernel's log reports"
caught log '        1..1' '        not ok 1 p.end # the machine died' '    not ok 1 p -t t' \
	'    not ok 2 kernel_log.1'
result "but where the list says so" 0 '^caught$'

# --- what the fuzzer and the installation of packages say before they begin

fuzz()
{
	tools/testing/selftests/kfd_criu/fuzz/fuzz.sh "$@" > "$work/log" 2>&1
	status=$?
}

fuzz -n -s 60 -r 50000000 -j 2
[ -s "$work/log" ] || echo "no complaint" > "$work/log"
result "good options of the fuzzer" 0 '^no complaint$'
fuzz -n -s abc
result "seconds that are no number" 2 "SECONDS= has to be a whole number from 0 .*, not 'abc'"
fuzz -n -r -1
result "less than one image" 2 "RUNS= has to be a whole number from 1 .*, not '-1'"
mkdir "$work/bin"
for tool in dirname realpath nproc; do
	ln -s "$(command -v "$tool")" "$work/bin/"
done
PATH=$work/bin fuzz
result "no clang" 1 'no clang here; .* has it in: clang '
PATH=$work/bin scripts/deps.sh fuzz > "$work/log" 2>&1
status=$?
result "packages are missing, and so is apt-get" 1 'no apt-get here .* missing: .* clang'

echo "1..$count"
[ "$failed" = 0 ]
