/* inspect.h - what a root file system says about itself; nothing in it is trusted. */
#pragma once

#include "runtime/base/error.h"
#include "templates/template.h"

/* Pure: ID and VERSION_ID of an os-release text; "unknown" and "" when missing or not clean. */
void os_release_parse(const char *text, struct template_info *ret);

/* Pure: Debian's word for the machine of an ELF header ("amd64"), or NULL. */
const char *elf_arch(const unsigned char *head, size_t len);

/*
 * Fills distribution, release and arch from /etc/os-release (or /usr/lib/os-release) and from the
 * init program. BERTH_ERR_BAD_TEMPLATE without an init that can be run here.
 */
int root_inspect(int root_fd, struct template_info *ret, struct berth_error *err);
