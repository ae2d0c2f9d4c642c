#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fuzz the reader of checkpoint images in user space: the source files of amdkfd
# themselves, with libFuzzer, AddressSanitizer and UBSan. No GPU is needed.
set -eu

here=$(dirname "$(realpath "$0")")
srctree=$(realpath "$here/../../../../..")
out=''
limit=60
runs=''
seed=''
jobs=$(nproc)
carried=()
only_options=''
wanted_lines=95
# What finds nothing in this time would not find it later either.
plant_limit=300

usage()
{
	cat <<EOF
usage: fuzz.sh [option]...
  -S <tree>    kernel sources (default: the tree this file is in)
  -o <folder>  where everything goes (default: out-fuzz in the kernel sources)
  -s <n>       stop after so many seconds (default $limit, 0: never)
  -r <n>       stop after so many images
  -z <n>       seed of the random numbers (default: another one each time)
  -j <n>       processes (default $jobs)
  -i <folder>  images that kfd_criu_carry has saved are taken from its files *.carry
  -n           only look whether these options make sense
EOF
}

while getopts 'S:o:s:r:z:j:i:nh' option; do
	case $option in
	S) srctree=$(realpath "$OPTARG") ;;
	o) out=$OPTARG ;;
	s) limit=$OPTARG ;;
	r) runs=$OPTARG ;;
	z) seed=$OPTARG ;;
	j) jobs=$OPTARG ;;
	i) carried+=("$OPTARG") ;;
	n) only_options=1 ;;
	h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
if [ $# -gt 0 ]; then
	usage >&2
	exit 2
fi

# An option that is a number: its name here and with make, the least and the most.
whole()
{
	if [[ ! $3 =~ ^(0|[1-9][0-9]{0,9})$ ]] || [ "$3" -lt "$4" ] || [ "$3" -gt "$5" ]; then
		echo "fuzz.sh: $1 or $2= has to be a whole number from $4 to $5, not '$3'" >&2
		exit 2
	fi
}

# libFuzzer counts in an int.
most=2000000000
whole -s SECONDS "$limit" 0 "$most"
[ -z "$runs" ] || whole -r RUNS "$runs" 1 "$most"
whole -j J "$jobs" 1 1000
[ -z "$seed" ] || whole -z SEED "$seed" 1 "$most"
[ -z "$only_options" ] || exit 0
for tool in clang llvm-cov llvm-profdata; do
	if ! command -v "$tool" > /dev/null; then
		echo "fuzz.sh: no $tool here; Debian has it in: clang libclang-rt-14-dev llvm" >&2
		exit 1
	fi
done
mkdir -p "${out:=$srctree/out-fuzz}"
out=$(realpath "$out")
fuzzer=$out/kfd_criu_fuzz
# Each process begins with an input that is empty, and no image.
runs=$((runs ? (runs + jobs - 1) / jobs + 1 : -1))
make=(make -s -C "$here" "S=$srctree" "O=$out" "-j$jobs")
options=(-max_len=32768 -mutate_depth=3 -timeout=60 -rss_limit_mb=4096)

passed=0
failed=0
failures=()
verdict=()
why=''

ok()
{
	passed=$((passed + 1))
	echo "ok - $*"
}

not_ok()
{
	failed=$((failed + 1))
	failures+=("  $*${why:+$'\n'$why}")
	echo "$why" > "$out/why.$failed"
	verdict+=("$*" "$out/why.$failed")
	why=''
	echo "not ok - $*"
}

finish()
{
	[ "$failed" = 0 ] || printf '%s\n' "" "Failures:" "${failures[@]}"
	"$here/../verdict.py" "$passed" "$failed" 0 ${verdict[@]+"${verdict[@]}"}
	echo "$passed passed, $failed failed, 0 skipped"
	[ "$failed" = 0 ]
}

# What libFuzzer, the sanitizers and the harness complain about, and where in our sources.
reports()
{
	local frame='^ *#[0-9]* 0x[0-9a-f]* in \(.*\) .*/\(amdkfd\|fuzz\)/\([^/:]*:[0-9]*\).*'

	why=$(sed -n -e 's/^.*ERROR: /#   /p' -e '/does not hold\|runtime error/s/^/#   /p' \
		-e "s,$frame,#     \1 \3,p" "$out/log" | awk '!seen[$0]++' | head -n 12)
	echo "$why"
}

# A number that the fuzzer has counted since the last reset.
counted()
{
	KFD_FUZZ_COUNTERS=$out/counters "$fuzzer" -counters | sed -n "s/^$1=//p"
}

reset_counters()
{
	rm -f "$out/counters"
	export KFD_FUZZ_COUNTERS=$out/counters
}

# With a comma after each thousand.
number()
{
	echo "$1" | sed ':more; s/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/; t more'
}

build()
{
	"${make[@]}" all || {
		not_ok "the fuzzer does not build"
		finish
		exit
	}
}

make_seeds()
{
	local text file real=0 other=0 images all

	rm -rf "$out/seeds"
	mkdir -p "$out/seeds" "$out/corpus" "$out/found"
	"$fuzzer" -seeds="$out/seeds" > "$out/log"
	for text in "$here"/images/*.txt; do
		"$here/images.py" binary "$text" "$out/seeds/real-$(basename "$text" .txt)"
		real=$((real + 1))
	done
	reset_counters
	images=("$out"/seeds/*)
	all=${#images[@]}
	if "$fuzzer" "${images[@]}" >> "$out/log" 2>&1 && [ "$(counted consistent)" = "$all" ] &&
			[ $(($(counted accepted) + $(counted accepted_version_1))) = "$all" ]; then
		ok "$((all - real)) images of the writer, $real of real processes: accepted"
	else
		tail -n 30 "$out/log" | sed 's/^/# /'
		not_ok "an image of a real process or of the writer is refused"
	fi

	# Perhaps of a kernel of last week: they are welcome, but prove nothing.
	[ ${#carried[@]} -gt 0 ] || return 0
	while IFS= read -r file; do
		"$here/images.py" carry "$file" "$out/seeds/carried-$other" || continue
		other=$((other + 1))
	done < <(find "${carried[@]}" -name '*.carry' 2>/dev/null | sort)
	echo "  and $other that kfd_criu_carry has left in ${carried[*]}"
}

# What was found in an earlier run is not forgotten: mended, it stays in the corpus.
try_found()
{
	local file before=0

	for file in "$out"/found/*; do
		[ -f "$file" ] || continue
		before=$((before + 1))
		if "$fuzzer" "$file" > "$out/log" 2>&1; then
			mv "$file" "$out/corpus/"
		else
			reports
			not_ok "found earlier, still there; again with: $fuzzer $file"
		fi
	done
	[ "$before" = 0 ] || [ "$failed" != 0 ] || ok "$before images that were found earlier"
}

# A fuzzer that finds nothing is one that works only if it would have found something.
plant()
{
	local name=$1 file=$2 command=$3 folder=$out/plant

	rm -rf "$folder"
	mkdir -p "$folder/corpus"
	: > "$folder/log"
	sed "$command" "$srctree/drivers/gpu/drm/amd/amdkfd/$file" > "$folder/$file"
	if cmp -s "$srctree/drivers/gpu/drm/amd/amdkfd/$file" "$folder/$file" ||
			! "${make[@]}" "PLANT=$folder" "$folder/kfd_criu_fuzz" \
				> "$folder/log" 2>&1; then
		sed 's/^/# /' "$folder/log"
		not_ok "this can't be planted in $file: $name"
		return
	fi
	reset_counters
	# It is the mistake that was found if the image does no harm without it.
	if ! "$folder/kfd_criu_fuzz" "${options[@]}" -seed=1 -max_total_time="$plant_limit" \
			-exact_artifact_path="$folder/found" "$folder/corpus" "$out/seeds" \
			> "$folder/log" 2>&1 && [ -s "$folder/found" ] &&
			"$fuzzer" "$folder/found" > "$out/log" 2>&1; then
		ok "would find, and did after $(number "$(counted images)") images: $name"
	else
		not_ok "does not find what was planted in $file: $name"
	fi
}

plants()
{
	local line file='' name=''

	while IFS= read -r line; do
		case $line in
		'#'*|'') ;;
		$'\t'*) plant "$name" "$file" "${line#?}" < /dev/null ;;
		*)
			file=${line%%: *}
			name=${line#*: }
			;;
		esac
	done < "$here/plants"
}

# After half a minute, a minute, two ...
progress()
{
	local start=$EPOCHSECONDS pause=30

	trap 'kill "$!"; exit' TERM INT
	while :; do
		sleep "$pause" &
		wait "$!"
		printf '  %d s: %s images, %d in the corpus\n' $((EPOCHSECONDS - start)) \
			"$(number "$(counted images)")" "$(find "$out/corpus" -type f | wc -l)"
		pause=$((pause * 2))
	done
}

# Processes that share a corpus; -fork would do more of the sharing, at half the speed.  Each has
# a seed of its own, which -jobs would not give it: with one seed they would try the same images.
fuzz()
{
	local start status=0 file time tried interrupted='' job pid pids=()

	reset_counters
	rm -rf "$out/jobs"
	mkdir -p "$out/jobs"
	start=${EPOCHREALTIME/[.,]/}
	progress &
	teller=$!
	trap 'kill "$teller" 2>/dev/null || true' EXIT
	# What was done until then is told all the same.
	trap 'interrupted=1' INT
	: "${seed:=$((SRANDOM % most + 1))}"
	echo "  seed $seed"
	for ((job = 0; job < jobs; job++)); do
		"$fuzzer" "${options[@]}" -seed=$((seed + job)) -max_total_time="$limit" \
			-runs="$runs" -artifact_prefix="$out/found/" \
			"$out/corpus" "$out/seeds" > "$out/jobs/$job.log" 2>&1 &
		pids+=("$!")
	done
	for pid in "${pids[@]}"; do
		# The first wait may have ended because of a signal, and not with the process.
		wait "$pid" || wait "$pid" || status=$?
	done
	time=$((${EPOCHREALTIME/[.,]/} - start))
	kill "$teller" 2>/dev/null || true
	wait "$teller" 2>/dev/null || true
	trap - EXIT INT
	cat "$out"/jobs/*.log > "$out/log"

	tried="$(number "$(counted images)") images"
	[ "$status" = 0 ] || reports
	[ -z "$interrupted" ] || status=0
	for file in "$out"/found/*; do
		[ -f "$file" ] || continue
		status=1
		echo "# again with: $fuzzer $file"
	done
	if [ "$status" != 0 ]; then
		not_ok "$tried, something found; see $out/log"
	elif [ -n "$interrupted" ]; then
		not_ok "$tried, nothing found until it was interrupted"
	else
		ok "$tried, nothing found"
	fi
	numbers "$time"
}

# What was tried; $1: microseconds that it took.
numbers()
{
	local name rate n=()

	rate=$(($(counted images) * 1000000 / $1))
	for name in images version_1 accepted accepted_version_1 consistent EINVAL EEXIST \
			EPROTONOSUPPORT ENOMEM verified written_version_1 mqds; do
		n+=("$(number "$(counted "$name")")")
	done
	cat <<-EOF
		  images tried:  ${n[0]}, $(number "$rate") per second,
		                 $jobs at a time; ${n[1]} of them of version 1
		  accepted:      ${n[2]} of version 2, ${n[3]} of version 1,
		                 ${n[4]} with buckets that belong to them
		  refused:       ${n[5]} EINVAL, ${n[6]} EEXIST, ${n[7]} EPROTONOSUPPORT;
		                 ${n[8]} were ENOMEM first
		  verifier:      ${n[9]} runs
		  written:       ${n[10]} images as version 1, and read back
		  MQDs:          ${n[11]} put into one of the driver's
	EOF
}

# Of images that reach the same, the shortest stays.
tidy()
{
	unset KFD_FUZZ_COUNTERS
	rm -rf "$out/corpus.new"
	mkdir "$out/corpus.new"
	if "$fuzzer" "${options[@]}" -merge=1 "$out/corpus.new" "$out/corpus" "$out/seeds" \
			> "$out/merge.log" 2>&1; then
		rm -rf "$out/corpus"
		mv "$out/corpus.new" "$out/corpus"
	fi
	echo "  corpus:        $(find "$out/corpus" -type f | wc -l) images"
}

# Coverage of what has come together in the corpus, in a build of its own.
coverage()
{
	rm -f "$out"/lines.prof*
	if ! LLVM_PROFILE_FILE=$out/lines.profraw "$out/kfd_criu_lines" "${options[@]}" -runs=0 \
			-artifact_prefix="$out/found/" "$out/corpus" "$out/seeds" \
			> "$out/log" 2>&1; then
		tail -n 5 "$out/log" | sed 's/^/# /'
		not_ok "the corpus without sanitizers"
		return
	fi
	llvm-profdata merge -sparse "$out/lines.profraw" -o "$out/lines.profdata"
	if "$here/coverage.py" "$out/kfd_criu_lines" "$out/lines.profdata" "$wanted_lines"; then
		ok "$wanted_lines % of the lines or more"
	else
		not_ok "less than $wanted_lines % of the lines"
	fi
}

build
make_seeds
try_found
plants
fuzz
tidy
coverage
finish
