/* error.c - the error table and its formatting. */
#include "runtime/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	MAX_ERRNO = 4095 /* the kernel's: what is below is no error of its */
};

struct errcode_row {
	const char *name;
	int exit_status;
};

/* Exit statuses: vzctl(8) of OpenVZ where it has one, else a number that it leaves free. */
static const struct errcode_row rows[BERTH_ERR_MAX] = {
	[BERTH_OK] = {"io.berth.Ok", 0},
	[BERTH_ERR_SYSTEM] = {"io.berth.System", 3},
	[BERTH_ERR_NO_MEMORY] = {"io.berth.NoMemory", 4},
	[BERTH_ERR_UNSUPPORTED] = {"io.berth.Unsupported", 5},
	[BERTH_ERR_RESOURCES] = {"io.berth.Resources", 6},
	[BERTH_ERR_CREATE] = {"io.berth.CreateFailed", 7},
	[BERTH_ERR_EXEC] = {"io.berth.ExecFailed", 8},
	[BERTH_ERR_LOCKED] = {"io.berth.Locked", 9},
	[BERTH_ERR_NO_GLOBAL_CONFIG] = {"io.berth.NoGlobalConfig", 10},
	[BERTH_ERR_NO_CONFIG] = {"io.berth.NoSuchContainer", 14},
	[BERTH_ERR_HELPER] = {"io.berth.HelperFailed", 11},
	[BERTH_ERR_OPTION] = {"io.berth.BadOption", 20},
	[BERTH_ERR_VALUE] = {"io.berth.BadValue", 21},
	[BERTH_ERR_TIMEOUT] = {"io.berth.Timeout", 15},
	[BERTH_ERR_NOT_RUNNING] = {"io.berth.NotRunning", 31},
	[BERTH_ERR_RUNNING] = {"io.berth.Running", 32},
	[BERTH_ERR_STOP] = {"io.berth.StopFailed", 33},
	[BERTH_ERR_NET] = {"io.berth.Network", 34},
	[BERTH_ERR_NOT_MOUNTED] = {"io.berth.NotMounted", 40},
	[BERTH_ERR_MOUNTED] = {"io.berth.Mounted", 41},
	[BERTH_ERR_NO_PRIVATE] = {"io.berth.NoPrivateArea", 43},
	[BERTH_ERR_EXISTS] = {"io.berth.Exists", 44},
	[BERTH_ERR_NO_SPACE] = {"io.berth.NoSpace", 46},
	[BERTH_ERR_BAD_TEMPLATE] = {"io.berth.BadTemplate", 47},
	[BERTH_ERR_MOUNT] = {"io.berth.MountFailed", 50},
	[BERTH_ERR_UMOUNT] = {"io.berth.UmountFailed", 51},
	[BERTH_ERR_DESTROY] = {"io.berth.DestroyFailed", 52},
	[BERTH_ERR_QUOTA] = {"io.berth.Quota", 61},
	[BERTH_ERR_BAD_ADDRESS] = {"io.berth.BadAddress", 71},
	[BERTH_ERR_PASSWD] = {"io.berth.LoginFailed", 74},
	[BERTH_ERR_ADDRESS_IN_USE] = {"io.berth.AddressInUse", 78},
	[BERTH_ERR_NO_SAMPLE] = {"io.berth.NoSample", 82},
	[BERTH_ERR_NO_TEMPLATE] = {"io.berth.NoTemplate", 91},
	[BERTH_ERR_DISABLED] = {"io.berth.Disabled", 105},
	[BERTH_ERR_NAME_IN_USE] = {"io.berth.NameInUse", 131},
	[BERTH_ERR_STUCK] = {"io.berth.Stuck", 133},
	[BERTH_ERR_SAVE] = {"io.berth.SaveFailed", 139},
	[BERTH_ERR_LIMIT] = {"io.berth.Limit", 148},
	[BERTH_ERR_PERMISSION] = {"io.berth.PermissionDenied", 170},
	[BERTH_ERR_NO_DAEMON] = {"io.berth.NoDaemon", 171},
	[BERTH_ERR_PROTOCOL] = {"io.berth.Protocol", 172},
	[BERTH_ERR_BROKEN] = {"io.berth.Broken", 173},
	[BERTH_ERR_UNKNOWN] = {"io.berth.Unknown", 174},
};

__attribute__((format(printf, 4, 0))) static int
error_vset(struct berth_error *err, enum berth_errcode code, int sys, const char *fmt, va_list ap)
{
	/* Either sign is an errno: a caller that has a result at hand need not turn it round. */
	if (sys < 0 && sys >= -MAX_ERRNO)
		sys = -sys;
	if (sys <= 0)
		sys = EINVAL;
	if (err != NULL) {
		err->code = code;
		err->sys = sys;
		(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	}
	return -sys;
}

int berth_error_set(struct berth_error *err, enum berth_errcode code, int sys, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = error_vset(err, code, sys, fmt, ap);
	va_end(ap);
	return r;
}

int berth_error_sys(struct berth_error *err, int sys, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = error_vset(err, BERTH_ERR_SYSTEM, sys, fmt, ap);
	va_end(ap);
	if (err != NULL) {
		size_t n = strlen(err->msg);

		(void)snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", strerror(-r));
	}
	return r;
}

void berth_error_name_ct(struct berth_error *err, uint32_t ctid)
{
	char msg[sizeof(err->msg)];

	if (err == NULL || strncmp(err->msg, "CT ", 3) == 0)
		return;
	memcpy(msg, err->msg, sizeof(msg));
	(void)snprintf(err->msg, sizeof(err->msg), "CT %u: %.340s", ctid, msg);
}

const char *berth_error_name(enum berth_errcode code)
{
	if (code >= BERTH_ERR_MAX || rows[code].name == NULL)
		return rows[BERTH_ERR_SYSTEM].name;
	return rows[code].name;
}

enum berth_errcode berth_error_from_name(const char *name)
{
	for (enum berth_errcode c = BERTH_OK; c < BERTH_ERR_MAX; c++)
		if (rows[c].name != NULL && strcmp(rows[c].name, name) == 0)
			return c;
	return BERTH_ERR_SYSTEM;
}

int berth_error_exit_status(enum berth_errcode code)
{
	return code < BERTH_ERR_MAX && rows[code].name != NULL ? rows[code].exit_status : 3;
}
