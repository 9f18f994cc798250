/* reader_child.h - inside the confined reader. For reader.c, and for tests that run it without the confinement. */
#pragma once

#include "runtime/migrate/reader.h"

/* One write to the pipe, below PIPE_BUF. What it says is text to show, not to obey. */
struct reader_report {
	uint32_t kind; /* enum reader_said */
	uint32_t code, sys; /* READER_FAILED: of the error */
	uint32_t zero;
	uint64_t bytes;
	char text[320];
};

void reader_report(int fd, enum reader_said kind, uint64_t bytes, const struct berth_error *err);

/* Each from beginning to end; < 0: it has failed, and said so. */
int reader_child_offer(const struct reader_order *o, int report_fd);
int reader_child_blocks(const struct reader_order *o, int report_fd);
int reader_child_word(const struct reader_order *o, int report_fd);
