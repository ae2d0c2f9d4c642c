// SPDX-License-Identifier: GPL-2.0 OR MIT
// The table belongs to the populated ttm_tt, which frees it.
@pin@
identifier ttm;
@@
 amdgpu_ttm_tt_pin_userptr(..., struct ttm_tt *ttm)
 {
	<+...
-	kfree(ttm->sg);
-	ttm->sg = NULL;
	...+>
 }
