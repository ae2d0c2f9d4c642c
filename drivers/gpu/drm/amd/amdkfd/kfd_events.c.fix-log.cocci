// SPDX-License-Identifier: GPL-2.0 OR MIT
// Not only memory can be short here: user space gives the id.
@no_event@
@@
 create_signal_event(...)
 {
	<+...
-	pr_warn("Signal event wasn't created because out of kernel memory\n");
+	pr_debug("Signal event wasn't created: no memory, or no such slot\n");
	...+>
 }
