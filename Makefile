# SPDX-License-Identifier: GPL-2.0
#
# Every command of this repository; 'make' lists them.

on = $(filter-out 0 n no,$(1))

KSRC ?= /usr/src/linux-source-6.12.tar.xz
KERNEL ?= ours
DEBUG ?=
KCSAN ?=
TEST ?=
CELL ?=
KVM ?=
MATRIX ?=
GPU ?=
VARIANT ?=
MIB ?=
J ?= $(shell nproc)
TRAILER ?=
TIMEOUT ?=
SOAK ?=
FULL ?=
PARTS ?=
MUTANT ?=
HOURS ?=
# Of check-series: 0 leaves out what has to be built.
BUILD ?= 1
# Of nightly: go on where a run of the same commit ended.
RESUME ?=
# Of fuzzing: the one ends it or the other.
RUNS ?=
SECONDS ?= $(if $(RUNS),0,60)
# Of fuzzing the ioctl, in the virtual machine.
IMAGES ?=
SEED ?=
# The debug kernel is there to find what takes long to show.
ROUNDS ?= $(if $(call on,$(DEBUG)),200)
GPUS ?=
VRAM_MB ?= 128
SCHED ?= 0
# Parameters of amdgpu instead of those in vm/cells.
PARAMS ?= $(if $(GPUS),sched_policy=$(SCHED) simgpu_count=$(GPUS) simgpu_base=0x40000000 simgpu_vram_mb=$(VRAM_MB))

export J KSRC
series := scripts/series.py --ksrc "$(KSRC)"
selftests := tools/testing/selftests/kfd_criu
# KASAN and KCSAN exclude each other.
variant = $(if $(call on,$(DEBUG)),debug,$(if $(call on,$(KCSAN)),kcsan))
results = build/results/$(KERNEL)$(addprefix -,$(variant))
vmtest_options = -l $(KERNEL) -r $(results) $(if $(call on,$(DEBUG)),-d) $(if $(call on,$(KVM)),-k) \
	$(if $(TEST),-t '$(TEST)') $(if $(CELL),-c '$(CELL)') $(if $(TIMEOUT),-T '$(TIMEOUT)') \
	$(if $(PARAMS),-p '$(PARAMS)') $(if $(GPU),-P 'simgpu_gc=$(GPU)') $(if $(call on,$(MATRIX)),-m) $(if $(ROUNDS),-e KFD_STRESS_ROUNDS=$(ROUNDS)) \
	$(if $(call on,$(SOAK)),-e KFD_CRIU_SOAK=1)
vmtest_options += $(if $(call on,$(KCSAN)),-C)
vmtest_options += $(if $(IMAGES),-e KFD_CRIU_FUZZ=$(IMAGES)) $(if $(SEED),-e KFD_CRIU_SEED=$(SEED))

fuzz = $(selftests)/fuzz/fuzz.sh -j '$(J)' -s '$(SECONDS)' $(if $(RUNS),-r '$(RUNS)') $(if $(SEED),-z '$(SEED)')

tree = $$($(series) tree --kernel "$(1)" 2>/dev/null || $(series) tree --kernel "$(1)")
# Images of ours are carried to the stock kernel and back, which is not worth a debug build.
other = $(if $(filter stock,$(KERNEL))$(variant),,$(call tree,stock))
# Trees for the tests and for the kernel that is booted, often it is one; and for the other kernel.
define vmtest
@ours=$$($(series) tree --kernel ours) && kernel=$(call tree,$(KERNEL)) && other=$(other) && \
$(selftests)/vmtest.sh -S "$$ours" -K "$$kernel" $${other:+-O "$$other"} $(vmtest_options) $(1)
endef

.PHONY: help deps kernel series test shell demo bench nightly soak check check-series selftest clean fuzz mutants isa

help:
	@echo 'make deps          install what is needed (as root; else say what is missing)'
	@echo 'make kernel        build the kernel and the selftests'
	@echo 'make test          build, boot, run all tests'
	@echo 'make shell         a shell in the virtual machine, amdgpu loaded, tests in PATH'
	@echo 'make nightly       all that is long, with one summary: hours'
	@echo 'make soak          the longest forms of sweeps, fuzzing, races and scale: many hours'
	@echo 'make demo          a GPU process is dumped by CRIU, and goes on in another machine'
	@echo 'make bench         what checkpoint and restore cost, in instructions, and what on the stock kernel'
	@echo 'make fuzz          broken images for the reader of images, in user space'
	@echo 'make isa           the instruction interpreter of simulated GPUs against LLVM, in user space'
	@echo 'make mutants       plants one mistake after the other in the driver, and a test has to fail for each'
	@echo 'make series        patches for git am, in build/series/<version>/'
	@echo 'make check         static checks of all that the series adds'
	@echo 'make check-series  git am on a pristine base, compare, build and boot each patch (BUILD=0: no build)'
	@echo 'make selftest      tests of the tooling itself'
	@echo 'make clean         remove build/'
	@echo
	@echo 'KSRC=<tree or tarball>  base kernel        (default $(KSRC))'
	@echo 'KERNEL=ours|stock       with or without our CRIU code (default ours)'
	@echo 'DEBUG=1                 KASAN, lockdep, kmemleak, UBSAN and more'
	@echo 'KCSAN=1                 or a kernel that looks for data races; with CELL="races*"'
	@echo 'TEST=<glob>             only test programs of that name; of make isa: tests with that in their name'
	@echo 'CELL="<glob> ..."       only boots of these names, see $(selftests)/vm/cells'
	@echo 'TIMEOUT=<seconds>       for one test program (four times that with DEBUG=1, KCSAN=1)'
	@echo 'ROUNDS=<n>              rounds of kfd_stress (default 6, 200 with DEBUG=1)'
	@echo 'SOAK=1                  the long form of tests that have one'
	@echo 'PARTS="<name> ..."      only these parts of make nightly or make soak'
	@echo 'RESUME=1                of make nightly: leave out what an earlier run of the same commit has ended'
	@echo 'HOURS=<n>               of make soak: time limit of one program'
	@echo 'GPUS=<n> VRAM_MB=<n> SCHED=0|2   other simulated GPUs than the cell has'
	@echo 'PARAMS="..."            or all parameters of amdgpu'
	@echo 'GPU=<generation>        of the simulated GPUs, such as 10.3.0, or one for each: 9.4.0,10.3.0'
	@echo 'MATRIX=1                checkpoint and restore on every generation, and a table'
	@echo 'FULL=1                  of make bench: all cases, hours'
	@echo 'MIB=<n>                 of the demo: so many MiB of buffers more, up to 1024; needs 8 GiB of memory'
	@echo 'VARIANT=leave|tree      of the demo: the process goes on as well; two processes'
	@echo 'SECONDS=<n> RUNS=<n>    of fuzzing: how long (default 60), or how many images'
	@echo 'IMAGES=<n>              of kfd_criu_fuzz, which fuzzes the ioctl in the virtual machine'
	@echo 'SEED=<n>                of the random numbers of fuzzing and races'
	@echo 'MUTANT="<n or glob> ..."  only mistakes of these numbers, or in files of these names'
	@echo 'KVM=1                   KVM instead of an emulated CPU'
	@echo 'J=<n>                   jobs of a build, and of fuzzing    (default $(J))'
	@echo 'TRAILER="Signed-off-by: Name <mail>"   added to each exported patch'

deps:
	@scripts/deps.sh

kernel: deps
	@tree=$$($(series) tree --kernel "$(KERNEL)") && \
	$(if $(filter stock,$(KERNEL)),ONLY=kernel) $(selftests)/vm/build.sh "$$tree" out$(addprefix -,$(variant)) \
		$(addprefix $(selftests)/vm/,$(addsuffix .config,$(variant)))

series: deps
	@$(series) export --trailer "$(TRAILER)"

test: deps
	$(call vmtest)

shell: deps
	$(call vmtest,-s)

demo: CELL = demo$(if $(VARIANT),-$(VARIANT))
demo: TEST =
demo: other =
demo: deps
	$(call vmtest,-v $(if $(MIB),-M -e KFD_DEMO_MIB='$(MIB)'))

bench: results = build/results/bench
bench: TIMEOUT = $(if $(call on,$(FULL)),36000,3600)
bench:
	@scripts/deps.sh bench
	@rm -rf $(results)
	$(call vmtest,-b $(if $(call on,$(FULL)),-e KFD_BENCH_FULL=1))
	@scripts/bench.py $(results) build/bench

nightly:
	@scripts/deps.sh all
	@scripts/steps.py nightly $(if $(call on,$(RESUME)),--resume) $(PARTS)

soak:
	@scripts/deps.sh all
	@scripts/steps.py soak $(if $(RUNS),--runs '$(RUNS)') $(if $(HOURS),--hours '$(HOURS)') $(PARTS)

fuzz:
	@$(fuzz) -n
	@scripts/deps.sh fuzz
	@tree=$$($(series) tree) && $(fuzz) -S "$$tree" -o build/fuzz -i build/results

isa:
	@scripts/deps.sh isa
	@$(selftests)/isa/isa.py -o build/isa $(if $(SEED),-z '$(SEED)') $(if $(RUNS),-n '$(RUNS)') $(if $(TEST),-k '$(TEST)')

mutants: deps
	@scripts/mutants.py --ksrc "$(KSRC)" --mutant "$(MUTANT)"

check:
	@scripts/deps.sh check
	@scripts/check.sh

check-series: deps
	@$(series) check $(if $(call on,$(BUILD)),,--no-build)

selftest:
	@scripts/selftest.sh

clean:
	rm -rf build
