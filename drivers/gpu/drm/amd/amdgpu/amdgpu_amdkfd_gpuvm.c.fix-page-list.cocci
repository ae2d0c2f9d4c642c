// SPDX-License-Identifier: GPL-2.0 OR MIT
// A process has no mm any more when KFD frees its BOs.
@freed@
expression mem;
@@
-if (amdgpu_ttm_tt_get_usermm(mem->bo->tbo.ttm)) {
+if (amdgpu_ttm_tt_is_userptr(mem->bo->tbo.ttm)) {
 amdgpu_hmm_unregister(mem->bo);
 ...
 }
