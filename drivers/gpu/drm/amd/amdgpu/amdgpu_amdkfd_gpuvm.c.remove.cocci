// SPDX-License-Identifier: MIT
// A restored process gets MMU notifications like any other.
@block@
@@
-void amdgpu_amdkfd_block_mmu_notifications(...) { ... }

@resume@
@@
-int amdgpu_amdkfd_criu_resume(...) { ... }

@evict@
identifier info;
@@
 amdgpu_amdkfd_evict_userptr(...)
 {
	...
-	if (READ_ONCE(info->block_mmu_notifications))
-		return 0;
	...
 }
