// SPDX-License-Identifier: GPL-2.0 OR MIT
// What a process can make happen as often as it likes is no error of the driver.
@sdma@
expression dev;
@@
 allocate_sdma_queue(...)
 {
	<+...
-	dev_err(dev,
+	dev_dbg(dev,
	...);
	...+>
 }

@counter_nocpsch@
expression dev, q;
@@
 destroy_queue_nocpsch(...)
 {
	<+...
-	dev_err(dev, "Failed to read SDMA queue counter for queue: %d\n", q);
+	dev_dbg(dev, "Failed to read SDMA queue counter for queue: %d\n", q);
	...+>
 }

@counter_cpsch@
expression dev, q;
@@
 destroy_queue_cpsch(...)
 {
	<+...
-	dev_err(dev, "Failed to read SDMA queue counter for queue: %d\n", q);
+	dev_dbg(dev, "Failed to read SDMA queue counter for queue: %d\n", q);
	...+>
 }
