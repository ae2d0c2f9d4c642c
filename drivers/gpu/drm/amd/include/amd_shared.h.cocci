// SPDX-License-Identifier: MIT
// A device that amdgpu is to drive in software.
@chip_flag@
@@
 enum amd_chip_flags {
 	...,
 	AMD_EXP_HW_SUPPORT = 0x00080000UL,
+	AMD_IS_SIMGPU = 0x00100000UL,
 };
