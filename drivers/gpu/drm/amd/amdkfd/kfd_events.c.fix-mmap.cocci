// SPDX-License-Identifier: GPL-2.0 OR MIT
// Only pages of the kernel's own have a physical address to map.
@mmap@
identifier page;
@@
 kfd_event_mmap(...)
 {
	...
-	if (!page) {
+	if (!page || !page->need_to_free_pages) {
		...
	}
	...
 }
