# SPDX-License-Identifier: GPL-2.0
#
# Every command of this repository; 'make' lists them.

on = $(filter-out 0 n no,$(1))

KSRC ?= /usr/src/linux-source-6.12.tar.xz
KERNEL ?= ours
DEBUG ?=
TEST ?=
CELL ?=
KVM ?=
J ?= $(shell nproc)
TRAILER ?=
TIMEOUT ?=
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
results = build/results/$(KERNEL)$(if $(call on,$(DEBUG)),-debug)
vmtest_options = -l $(KERNEL) -r $(results) $(if $(call on,$(DEBUG)),-d) $(if $(call on,$(KVM)),-k) \
	$(if $(TEST),-t '$(TEST)') $(if $(CELL),-c '$(CELL)') $(if $(TIMEOUT),-T '$(TIMEOUT)') \
	$(if $(PARAMS),-p '$(PARAMS)') $(if $(ROUNDS),-e KFD_STRESS_ROUNDS=$(ROUNDS))

tree = $$($(series) tree --kernel "$(1)" 2>/dev/null || $(series) tree --kernel "$(1)")
# Images of ours are carried to the stock kernel and back, which is not worth a debug build.
other = $(if $(filter stock,$(KERNEL))$(call on,$(DEBUG)),,$(call tree,stock))
# Trees for the tests and for the kernel that is booted, often it is one; and for the other kernel.
define vmtest
@ours=$$($(series) tree --kernel ours) && kernel=$(call tree,$(KERNEL)) && other=$(other) && \
$(selftests)/vmtest.sh -S "$$ours" -K "$$kernel" $${other:+-O "$$other"} $(vmtest_options) $(1)
endef

.PHONY: help deps kernel series test shell demo check check-series selftest clean

help:
	@echo 'make deps          install what is needed (as root; else say what is missing)'
	@echo 'make kernel        build the kernel and the selftests'
	@echo 'make test          build, boot, run all tests'
	@echo 'make shell         a shell in the virtual machine, amdgpu loaded, tests in PATH'
	@echo 'make demo          checkpoint, kill and restore a GPU process, and tell what happens'
	@echo 'make series        patches for git am, in build/series/<version>/'
	@echo 'make check         static checks of all that the series adds'
	@echo 'make check-series  git am on a pristine base, compare, build and boot each patch'
	@echo 'make selftest      tests of the tooling itself'
	@echo 'make clean         remove build/'
	@echo
	@echo 'KSRC=<tree or tarball>  base kernel        (default $(KSRC))'
	@echo 'KERNEL=ours|stock       with or without our CRIU code (default ours)'
	@echo 'DEBUG=1                 KASAN, lockdep, kmemleak, UBSAN and more'
	@echo 'TEST=<glob>             only test programs of that name'
	@echo 'CELL=<glob>             only boots of that name, see $(selftests)/vm/cells'
	@echo 'TIMEOUT=<seconds>       for one test program (four times that with DEBUG=1)'
	@echo 'ROUNDS=<n>              rounds of kfd_stress (default 6, 200 with DEBUG=1)'
	@echo 'GPUS=<n> VRAM_MB=<n> SCHED=0|2   other simulated GPUs than the cell has'
	@echo 'PARAMS="..."            or all parameters of amdgpu'
	@echo 'KVM=1                   KVM instead of an emulated CPU'
	@echo 'J=<n>                   jobs of a build    (default $(J))'
	@echo 'TRAILER="Signed-off-by: Name <mail>"   added to each exported patch'

deps:
	@scripts/deps.sh

kernel: deps
	@tree=$$($(series) tree --kernel "$(KERNEL)") && \
	$(selftests)/vm/build.sh "$$tree" out$(if $(call on,$(DEBUG)),-debug) \
		$(if $(call on,$(DEBUG)),$(selftests)/vm/debug.config)

series: deps
	@$(series) export --trailer "$(TRAILER)"

test: deps
	$(call vmtest)

shell: deps
	$(call vmtest,-s)

demo:
	@scripts/demo.sh

check: deps
	@scripts/check.sh

check-series: deps
	@$(series) check

selftest:
	@scripts/selftest.sh

clean:
	rm -rf build
