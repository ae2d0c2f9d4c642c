// SPDX-License-Identifier: GPL-2.0 OR MIT
// A GPU of which the process has no VM has no page directory either.
@pd_base@
identifier pdd, base;
@@
 restore_process_queues_nocpsch(...)
 {
	...
-	uint64_t base;
+	u64 base = 0;
	...
-	base = amdgpu_amdkfd_gpuvm_get_process_page_dir(pdd->drm_priv);
+	if (pdd->drm_priv)
+		base = amdgpu_amdkfd_gpuvm_get_process_page_dir(pdd->drm_priv);
	...
 }
