// SPDX-License-Identifier: GPL-2.0 OR MIT
// A block that can't be split is free, and in the tree of free blocks already.
@undo@
identifier f =~ "^(__alloc_range_bias|alloc_from_freetree|__alloc_range)$";
expression mm, block, how;
@@
 f(...)
 {
 <...
+	rbtree_remove(mm, block);
 	__gpu_buddy_free(mm, block, how);
 ...>
 }
