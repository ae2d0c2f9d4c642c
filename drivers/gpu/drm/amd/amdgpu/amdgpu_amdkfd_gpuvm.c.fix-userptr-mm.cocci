// SPDX-License-Identifier: GPL-2.0 OR MIT
// Threads may go on when the main thread has ended, and with memory that it has left.
@grab@
struct amdkfd_process_info *info;
expression task;
@@
 info->pid = get_task_pid(task, PIDTYPE_PID);
+info->mm = current->mm;
+mmgrab(info->mm);

@drop@
struct amdkfd_process_info *info;
@@
 put_pid(info->pid);
+mmdrop(info->mm);

@worker@
struct amdkfd_process_info *info;
identifier task, mm;
@@
 amdgpu_amdkfd_restore_userptr_worker(...)
 {
	...
-	struct task_struct *task;
	...
-	task = get_pid_task(info->pid, PIDTYPE_PID);
-	if (!task)
-		return;
-	mm = get_task_mm(task);
-	if (!mm) {
-		put_task_struct(task);
-		return;
-	}
+	mm = info->mm;
+	if (!mmget_not_zero(mm))
+		return;
	...
	mmput(mm);
-	put_task_struct(task);
 }
