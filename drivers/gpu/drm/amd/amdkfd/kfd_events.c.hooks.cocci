// SPDX-License-Identifier: GPL-2.0 OR MIT
// A page that is noted as mapped is not freed: kfd_event_page_release().
@mmap@
identifier p, vma, page;
expression where;
@@
 kfd_event_mmap(struct kfd_process *p, struct vm_area_struct *vma)
 {
	...
+	rcu_read_lock();
-	page = p->signal_page;
+	page = READ_ONCE(p->signal_page);
	if (!page || !page->need_to_free_pages) {
+		rcu_read_unlock();
		...
		return ...;
	}
+	WRITE_ONCE(page->user_address, where);
+	rcu_read_unlock();
	...
-	page->user_address = where;
	...
 }
