// SPDX-License-Identifier: GPL-2.0 OR MIT
@set_attr@
@@
-static
 int svm_range_set_attr(...) { ... }
