/* host_hardening.h - settings that leave less to attack, as findings of `berth doctor`. */
#pragma once

/* As host_finding_fn of host_checks.h. */
void host_hardening_checks(void (*fn)(const char *name, const char *level, const char *text,
				      const char *fix, void *data),
			   void *data);
