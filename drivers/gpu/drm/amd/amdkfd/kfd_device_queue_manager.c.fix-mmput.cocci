// SPDX-License-Identifier: GPL-2.0 OR MIT
// The last reference of an address space must not go under the dqm lock.
@mmput@
identifier mm;
@@
 restore_process_queues_nocpsch(...)
 {
	<+...
-	mmput(mm);
+	mmput_async(mm);
	...+>
 }
