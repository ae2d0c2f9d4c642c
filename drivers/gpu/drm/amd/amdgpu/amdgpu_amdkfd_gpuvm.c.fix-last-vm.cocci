// SPDX-License-Identifier: GPL-2.0 OR MIT
// Whoever takes the last VM away frees what holds the lock.
@joins@
struct amdgpu_vm *vm;
@@
-vm->process_info->n_vms++;
+atomic_inc(&vm->process_info->n_vms);

@leaves@
struct amdkfd_process_info *info;
struct amdgpu_vm *vm;
@@
-info->n_vms--;
 list_del(&vm->vm_list_node);
 mutex_unlock(&info->lock);
 ...
-if (!info->n_vms) {
+if (atomic_dec_and_test(&info->n_vms)) {
 ...
 }
