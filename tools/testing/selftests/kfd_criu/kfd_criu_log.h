/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's log: what was refused as it should be has left no error in it.
 */
#ifndef KFD_CRIU_LOG_H
#define KFD_CRIU_LOG_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* From here on; -1 where that can't be read. */
static inline int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Is there an error of the driver's, and which? */
static inline bool log_has_error(int fd, char *line, size_t size)
{
	char *text;
	ssize_t n;

	while (fd >= 0 && ((n = read(fd, line, size - 1)) > 0 || (n < 0 && errno == EPIPE))) {
		if (n < 0)
			continue;
		line[n] = 0;
		text = strchr(line, ';');
		/* "<level and facility>,<number>,<time>,-;<text>" */
		if (text && (strtoul(line, NULL, 10) & 7) <= 3 && strstr(text, "amdgpu"))
			return true;
	}
	return false;
}

#endif
