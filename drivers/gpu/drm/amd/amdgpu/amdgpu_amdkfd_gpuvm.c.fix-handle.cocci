// SPDX-License-Identifier: GPL-2.0 OR MIT
// From its first moment on, a BO takes its kgd_mem with it when it goes.
@late@
expression bo, mem, obj;
statement check, sg;
@@
 ret = drm_gem_handle_create(...);
 check
-bo = gem_to_amdgpu_bo(obj);
 sg
-bo->kfd_bo = mem;

@early@
expression late.bo, late.mem, late.obj;
@@
+	bo = gem_to_amdgpu_bo(obj);
+	bo->kfd_bo = mem;
 	ret = drm_vma_node_allow(&obj->vma_node, drm_priv);
