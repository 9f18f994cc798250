/* methods.c - the table of Varlink methods, and which of them only root may call. */
#include "runtime/daemon/methods.h"

const struct rpc_method daemon_methods[] = {
	{"io.berth.Container.Create", method_create, RPC_WRITE_FDS},
	{"io.berth.Container.Clone", method_clone, true},
	{"io.berth.Container.Start", method_start, true},
	{"io.berth.Container.Stop", method_stop, true},
	{"io.berth.Container.Restart", method_restart, true},
	{"io.berth.Container.Set", method_set, true},
	{"io.berth.Container.SetLogin", method_set_login, RPC_WRITE_FDS},
	{"io.berth.Container.Undo", method_undo, true},
	{"io.berth.Container.Destroy", method_destroy, true},
	{"io.berth.Container.Mount", method_mount, true},
	{"io.berth.Container.Umount", method_umount, true},
	{"io.berth.Container.Suspend", method_suspend, true},
	{"io.berth.Container.Resume", method_resume, true},
	{"io.berth.Container.WhyNot", method_why_not, true},
	{"io.berth.Container.Send", method_send, RPC_WRITE_FDS},
	{"io.berth.Container.Receive", method_receive, RPC_WRITE_FDS},
	{"io.berth.Container.Resolve", method_resolve, true},
	{"io.berth.Container.Session", method_session, true},
	{"io.berth.Container.List", method_list, false},
	{"io.berth.Container.Get", method_get, false},
	{"io.berth.Container.Monitor", method_monitor, false},
	{"io.berth.Template.List", method_template_list, false},
	{"io.berth.Template.Build", method_template_build, true},
	{"io.berth.Template.Import", method_template_import, true},
	{"io.berth.Template.Remove", method_template_remove, true},
	{"io.berth.Host.Ping", method_ping, false},
	{"io.berth.Host.Doctor", method_doctor, false},
};

const size_t daemon_methods_n = sizeof(daemon_methods) / sizeof(daemon_methods[0]);
