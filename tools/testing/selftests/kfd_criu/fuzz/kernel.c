// SPDX-License-Identifier: GPL-2.0
/*
 * What kernel.h promises and is more than a line.
 */
#include <stdarg.h>
#include "kernel.h"
#include "fuzz.h"

unsigned long fuzz_page_size = SZ_4K;

static unsigned int outstanding, fail_in;
static size_t last_size;
static u8 fill;
static bool failed;

/* The nth allocation from now on fails, none with 0. */
void fuzz_fail_nth(unsigned int n)
{
	fail_in = n;
	failed = false;
}

bool fuzz_has_failed(void)
{
	return failed;
}

/* Allocations that were not given back, and locks that are held. */
unsigned int fuzz_outstanding(void)
{
	return outstanding;
}

/* What the last allocation was asked for. */
size_t fuzz_last_size(void)
{
	return last_size;
}

void *fuzz_alloc(size_t n, size_t size)
{
	void *p;

	size = size_mul(n, size);
	/* The reader bounds all that it allocates by the image's size. */
	MUST(size <= 4ULL * SZ_256M);
	if (fail_in && !--fail_in) {
		failed = true;
		return NULL;
	}
	p = malloc(size);
	MUST(p);
	/* Who reads what he has not written reads something else each time. */
	memset(p, fill++, min_t(size_t, size, SZ_64K));
	last_size = size;
	outstanding++;
	return p;
}

void fuzz_free(const void *p)
{
	if (!p)
		return;
	outstanding--;
	free((void *)p);
}

void mutex_lock(struct mutex *mutex)
{
	MUST(!mutex->held);
	mutex->held = true;
	outstanding++;
}

void mutex_unlock(struct mutex *mutex)
{
	MUST(mutex->held);
	mutex->held = false;
	outstanding--;
}

void seq_printf(struct seq_file *m, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(m->buf + m->count, m->size - m->count, format, args);
	va_end(args);
	MUST(n >= 0);
	m->count = min_t(size_t, m->count + n, m->size - 1);
}

void seq_puts(struct seq_file *m, const char *s)
{
	seq_printf(m, "%s", s);
}

void seq_putc(struct seq_file *m, char c)
{
	seq_printf(m, "%c", c);
}

/* One folder, and one file in it. */
static struct dentry folder, file;

struct dentry *debugfs_create_dir(const char *name, struct dentry *parent)
{
	return &folder;
}

struct dentry *debugfs_create_file(const char *name, unsigned int mode, struct dentry *parent,
				   void *data, const struct file_operations *fops)
{
	MUST(parent == &folder && !file.fops);
	snprintf(file.name, sizeof(file.name), "%s", name);
	file.data = data;
	file.fops = fops;
	return &file;
}

struct dentry *debugfs_lookup(const char *name, struct dentry *parent)
{
	return parent == &folder && file.fops && !strcmp(name, file.name) ? &file : NULL;
}

void debugfs_remove(struct dentry *dentry)
{
	MUST(dentry == &file);
	memset(&file, 0, sizeof(file));
}

void debugfs_remove_recursive(struct dentry *dentry)
{
	MUST(dentry == &folder && !file.fops);
}

void dput(struct dentry *dentry)
{
	MUST(dentry == &file);
}
