// SPDX-License-Identifier: GPL-2.0 OR MIT
// What a process can make happen as often as it likes is no error of the driver.
@slot@
@@
 assign_queue_slot_by_qid(...)
 {
	<+...
-	pr_err(
+	pr_debug(
	...);
	...+>
 }

@create@
expression E1, E2, E3;
@@
 pqm_create_queue(...)
 {
	<+...
-	pr_err("Pasid 0x%x DQM create queue type %d failed. ret %d\n", E1, E2, E3);
+	pr_debug("Pasid 0x%x DQM create queue type %d failed. ret %d\n", E1, E2, E3);
	...+>
 }
