// SPDX-License-Identifier: GPL-2.0 OR MIT
// Two may get pages at once now. The count of evictions is known only to the one with the lock.
@count@
struct amdkfd_process_info *info;
expression seen, err;
identifier unlock_out, update_invalid_user_pages;
@@
 amdgpu_amdkfd_restore_userptr_worker(...)
 {
	... when exists
-	mutex_lock(&info->notifier_lock);
-	seen = info->evicted_bos;
-	mutex_unlock(&info->notifier_lock);
-	if (!seen)
-		return;
	... when exists
	mutex_lock(&info->lock);
+	/* Somebody else may have reset the count while we waited. */
+	mutex_lock(&info->notifier_lock);
+	seen = info->evicted_bos;
+	mutex_unlock(&info->notifier_lock);
+	err = 0;
+	if (!seen)
+		goto unlock_out;
	err = update_invalid_user_pages(info, ...);
	if (err)
		goto unlock_out;
	... when exists
 }
