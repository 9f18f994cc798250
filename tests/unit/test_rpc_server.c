/*
 * test_rpc_server.c - a real server in a child process, called by the real client.
 *
 * covers: runtime/rpc/call.c runtime/rpc/client.c runtime/rpc/conn.c runtime/rpc/peer.c
 * covers: runtime/rpc/service.c runtime/rpc/socket.c
 */
#include "runtime/base/cleanup.h"
#include "runtime/rpc/interfaces.h"
#include "runtime/rpc/rpc.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[256];
static char path[512];

static void echo(struct rpc_call *c, json_t *parameters, void *data)
{
	(void)data;
	rpc_reply(c, json_incref(parameters));
}

static void fail(struct rpc_call *c, json_t *parameters, void *data)
{
	struct berth_error e = {0};

	(void)parameters;
	(void)data;
	(void)berth_error_set(&e, BERTH_ERR_LOCKED, EWOULDBLOCK, "CT 101 is locked by backup");
	rpc_reply_error(c, &e);
}

static void count(struct rpc_call *c, json_t *parameters, void *data)
{
	json_int_t to = json_integer_value(json_object_get(parameters, "to"));

	(void)data;
	for (json_int_t i = 1; i < to; i++)
		rpc_reply_more(c, json_pack("{s:I}", "n", i));
	rpc_reply(c, json_pack("{s:I, s:b}", "n", to, "more", rpc_call_wants_more(c)));
}

static void whoami(struct rpc_call *c, json_t *parameters, void *data)
{
	const struct rpc_peer *p = rpc_call_peer(c);

	(void)parameters;
	(void)data;
	rpc_reply(c, json_pack("{s:i, s:i, s:i, s:b}", "uid", (int)p->uid, "gid", (int)p->gid,
			       "pid", (int)p->pid, "read", p->in_read_group));
}

static void big(struct rpc_call *c, json_t *parameters, void *data)
{
	size_t bytes = (size_t)json_integer_value(json_object_get(parameters, "bytes"));
	char *text = malloc(bytes + 1);

	(void)data;
	memset(text, 'x', bytes);
	text[bytes] = '\0';
	rpc_reply(c, json_pack("{s:s}", "text", text));
	free(text);
}

static void die(struct rpc_call *c, json_t *parameters, void *data)
{
	(void)c;
	(void)parameters;
	(void)data;
	_exit(0);
}

/* What stands in each of the files that came. */
static void read_all(struct rpc_call *c, json_t *parameters, void *data)
{
	json_t *texts = json_array();
	int fds[RPC_FDS_MAX];
	unsigned int n = rpc_call_take_fds(c, fds);

	(void)parameters;
	(void)data;
	for (unsigned int i = 0; i < n; i++) {
		char text[64];
		ssize_t len = read(fds[i], text, sizeof(text) - 1);

		text[len > 0 ? len : 0] = '\0';
		(void)json_array_append_new(texts, json_string(text));
		(void)close(fds[i]);
	}
	rpc_reply(c, json_pack("{s:o}", "texts", texts));
}

static const struct rpc_method methods[] = {
	{"io.berth.Host.ReadAll", read_all, RPC_WRITE_FDS},
	{"io.berth.Host.Echo", echo, false},
	{"io.berth.Host.Fail", fail, false},
	{"io.berth.Host.Count", count, false},
	{"io.berth.Host.WhoAmI", whoami, false},
	{"io.berth.Host.Change", whoami, true},
	{"io.berth.Host.Big", big, false},
	{"io.berth.Host.Die", die, true},
};

static const struct rpc_interface interfaces[] = {{"io.berth.Host", varlink_host}};

static int serve(const char *group, int ready)
{
	struct rpc_server *s = NULL;
	struct berth_error err = {0};
	struct ev *ev = NULL;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ev_new(&ev) < 0 ||
	    rpc_server_new(ev, path, group, methods, sizeof(methods) / sizeof(methods[0]),
			   interfaces, 1, NULL, &s, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	(void)!write(ready, "r", 1);
	return ev_run(ev);
}

static pid_t server_start(const char *group)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		_exit(serve(group, ready[1]));
	(void)close(ready[1]);
	CHECK(read(ready[0], &byte, 1) == 1);
	(void)close(ready[0]);
	return pid;
}

static void server_end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static struct rpc_client *client(void)
{
	struct rpc_client *c = NULL;
	struct berth_error err = {0};

	CHECK(rpc_client_open(path, &c, &err) == 0);
	return c;
}

static int call(struct rpc_client *c, const char *method, json_t *parameters, json_t **ret,
		struct berth_error *err)
{
	return rpc_client_call(c, method, parameters, NULL, NULL, ret, err);
}

static void a_call_is_answered_and_the_next_too(void)
{
	struct rpc_client *c = client();
	struct berth_error err = {0};

	for (int i = 0; i < 3; i++) {
		json_t *reply = NULL;

		CHECK(call(c, "io.berth.Host.Echo", json_pack("{s:i}", "i", i), &reply, &err) == 0);
		CHECK(json_integer_value(json_object_get(reply, "i")) == i);
		json_decref(reply);
	}
	CHECK(call(c, "io.berth.Host.Echo", NULL, NULL, &err) == 0);
	rpc_client_free(c);
}

static void an_error_arrives_with_code_errno_and_message(void)
{
	struct rpc_client *c = client();
	struct berth_error err = {0};

	CHECK(call(c, "io.berth.Host.Fail", NULL, NULL, &err) == -EWOULDBLOCK);
	CHECK(err.code == BERTH_ERR_LOCKED && strstr(err.msg, "locked by backup") != NULL);
	rpc_client_free(c);
}

static int sum_up(json_t *parameters, void *data)
{
	int *sum = data;

	*sum += (int)json_integer_value(json_object_get(parameters, "n"));
	return 0;
}

static void more_streams_replies_before_the_last(void)
{
	struct rpc_client *c = client();
	struct berth_error err = {0};
	json_t *reply = NULL;
	int sum = 0;

	CHECK(rpc_client_call(c, "io.berth.Host.Count", json_pack("{s:i}", "to", 100), sum_up, &sum,
			      &reply, &err) == 0);
	CHECK(sum == 99 * 100 / 2 && json_integer_value(json_object_get(reply, "n")) == 100);
	json_decref(reply);
	rpc_client_free(c);
}

static void without_more_only_the_last_reply_comes(void)
{
	struct rpc_client *c = client();
	struct berth_error err = {0};
	json_t *reply = NULL;

	CHECK(call(c, "io.berth.Host.Count", json_pack("{s:i}", "to", 9), &reply, &err) == 0);
	CHECK(json_integer_value(json_object_get(reply, "n")) == 9);
	CHECK(json_is_false(json_object_get(reply, "more")));
	json_decref(reply);
	rpc_client_free(c);
}

static int stop_it(json_t *parameters, void *data)
{
	(void)parameters;
	(void)data;
	return 1;
}

static void progress_can_hang_up(void)
{
	struct rpc_client *c = client();
	struct berth_error err = {0};

	CHECK(rpc_client_call(c, "io.berth.Host.Count", json_pack("{s:i}", "to", 5), stop_it, NULL,
			      NULL, &err) == -ECANCELED);
	rpc_client_free(c);
}

static void the_peer_is_who_the_kernel_says(void)
{
	struct rpc_client *c = client();
	struct berth_error err = {0};
	json_t *reply = NULL;

	CHECK(call(c, "io.berth.Host.WhoAmI", NULL, &reply, &err) == 0);
	CHECK(json_integer_value(json_object_get(reply, "uid")) == getuid());
	CHECK(json_integer_value(json_object_get(reply, "pid")) == getpid());
	json_decref(reply);
	rpc_client_free(c);
}

static void a_reply_of_several_mebibytes_passes(void)
{
	struct rpc_client *c = client();
	struct berth_error err = {0};
	json_t *reply = NULL;

	CHECK(call(c, "io.berth.Host.Big", json_pack("{s:i}", "bytes", 5 << 20), &reply, &err) ==
	      0);
	CHECK(json_string_length(json_object_get(reply, "text")) == 5 << 20);
	json_decref(reply);
	rpc_client_free(c);
}

static int file_with(const char *text)
{
	int ends[2];

	CHECK(pipe2(ends, O_CLOEXEC) == 0 &&
	      write(ends[1], text, strlen(text)) == (ssize_t)strlen(text));
	(void)close(ends[1]);
	return ends[0];
}

static void descriptors_travel_with_a_call(void)
{
	const int fds[] = {file_with("control"), file_with("blocks"), file_with("images")};
	static char text[200000];
	struct rpc_client *c = client();
	struct berth_error err = {0};
	json_t *reply = NULL, *texts;

	memset(text, 'x', sizeof(text) - 1); /* a message in many pieces */
	for (int i = 0; i < 2; i++) {
		CHECK(rpc_client_call_fds(c, "io.berth.Host.ReadAll", json_pack("{s:s}", "t", text),
					  fds, 3, NULL, NULL, &reply, &err) == 0);
		texts = json_object_get(reply, "texts");
		CHECK(json_array_size(texts) == 3);
		CHECK(strcmp(json_string_value(json_array_get(texts, 2)), i == 0 ? "images" : "") ==
		      0);
		json_decref(reply);
	}
	CHECK(rpc_client_call_fds(c, "io.berth.Host.Echo", NULL, fds, 1, NULL, NULL, NULL, &err) <
	      0);
	CHECK(err.code == BERTH_ERR_PROTOCOL && strstr(err.msg, "takes no descriptors") != NULL);
	CHECK(call(c, "io.berth.Host.ReadAll", NULL, NULL, &err) == 0);
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
	rpc_client_free(c);
}

static void a_call_over_the_limit_is_not_sent(void)
{
	struct rpc_client *c = client();
	struct berth_error err = {0};
	char *text = calloc(1, RPC_MESSAGE_MAX + 1);

	memset(text, 'x', RPC_MESSAGE_MAX);
	CHECK(call(c, "io.berth.Host.Echo", json_pack("{s:s}", "t", text), NULL, &err) ==
	      -EMSGSIZE);
	CHECK(err.code == BERTH_ERR_PROTOCOL);
	free(text);
	rpc_client_free(c);
}

static void the_service_describes_itself(void)
{
	struct rpc_client *c = client();
	struct berth_error err = {0};
	json_t *reply = NULL;

	CHECK(call(c, "org.varlink.service.GetInfo", NULL, &reply, &err) == 0);
	CHECK(strcmp(json_string_value(json_object_get(reply, "product")), "berthd") == 0);
	CHECK(json_array_size(json_object_get(reply, "interfaces")) == 2);
	json_decref(reply);
	CHECK(call(c, "org.varlink.service.GetInterfaceDescription",
		   json_pack("{s:s}", "interface", "io.berth.Host"), &reply, &err) == 0);
	CHECK(strcmp(json_string_value(json_object_get(reply, "description")), varlink_host) == 0);
	json_decref(reply);
	rpc_client_free(c);
}

static void what_does_not_exist_is_named(void)
{
	struct rpc_client *c = client();
	struct berth_error err = {0};

	CHECK(call(c, "io.berth.Host.Fly", NULL, NULL, &err) < 0);
	CHECK(strstr(err.msg, "MethodNotFound") && strstr(err.msg, "io.berth.Host.Fly"));
	CHECK(call(c, "io.berth.Boat.Sail", NULL, NULL, &err) < 0);
	CHECK(strstr(err.msg, "InterfaceNotFound") && strstr(err.msg, "\"io.berth.Boat\""));
	CHECK(call(c, "nodots", NULL, NULL, &err) < 0);
	CHECK(strstr(err.msg, "InterfaceNotFound") != NULL);
	CHECK(call(c, "org.varlink.service.GetInterfaceDescription", NULL, NULL, &err) < 0);
	CHECK(strstr(err.msg, "InvalidParameter") != NULL);
	rpc_client_free(c);
}

static void a_daemon_that_dies_is_reported(void)
{
	pid_t pid = server_start(NULL);
	struct rpc_client *c = client();
	struct berth_error err = {0};

	CHECK(call(c, "io.berth.Host.Die", NULL, NULL, &err) < 0);
	CHECK(err.code == BERTH_ERR_NO_DAEMON && strstr(err.msg, "Die") != NULL);
	rpc_client_free(c);
	server_end(pid);
	c = NULL;
	/* The socket file is still there: nobody listens. */
	CHECK(rpc_client_open(path, &c, &err) == -ECONNREFUSED);
	CHECK(err.code == BERTH_ERR_NO_DAEMON && strstr(err.msg, "systemctl start berthd"));
	CHECK(strstr(err.msg, path) != NULL);
}

static void an_old_socket_is_replaced_and_a_file_is_not(void)
{
	struct berth_error err = {0};
	struct rpc_server *s = NULL;
	struct ev *ev = NULL;
	struct stat st;

	CHECK(ev_new(&ev) == 0);
	CHECK(rpc_server_new(ev, path, NULL, NULL, 0, NULL, 0, NULL, &s, &err) == 0);
	CHECK(stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0660);
	rpc_server_free(s);
	CHECK(stat(path, &st) < 0);
	(void)fclose(fopen(path, "we"));
	CHECK(rpc_server_new(ev, path, NULL, NULL, 0, NULL, 0, NULL, &s, &err) == -EEXIST);
	CHECK(strstr(err.msg, path) != NULL);
	(void)unlink(path);
	ev_free(ev);
}

/* Runs claim in a child that is another user; its exit status is the verdict. */
static void as_user(uid_t uid, gid_t gid, gid_t extra, int (*claim)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (setgroups(extra != 0 ? 1 : 0, &extra) < 0 || setresgid(gid, gid, gid) < 0 ||
		    setresuid(uid, uid, uid) < 0)
			_exit(8);
		_exit(claim());
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int may_read_and_not_change(void)
{
	struct rpc_client *c = NULL;
	struct berth_error err = {0};

	if (rpc_client_open(path, &c, &err) < 0)
		return 1;
	if (call(c, "io.berth.Host.WhoAmI", NULL, NULL, &err) < 0)
		return 2;
	if (call(c, "io.berth.Host.Change", NULL, NULL, &err) != -EACCES)
		return 3;
	rpc_client_free(c);
	return err.code == BERTH_ERR_PERMISSION ? 0 : 4;
}

static int may_do_nothing(void)
{
	struct rpc_client *c = NULL;
	struct berth_error err = {0};

	if (rpc_client_open(path, &c, &err) < 0)
		return 1;
	if (call(c, "io.berth.Host.WhoAmI", NULL, NULL, &err) != -EACCES)
		return 2;
	if (call(c, "org.varlink.service.GetInfo", NULL, NULL, &err) != -EACCES)
		return 3;
	rpc_client_free(c);
	return err.code == BERTH_ERR_PERMISSION ? 0 : 4;
}

static int may_not_connect(void)
{
	struct rpc_client *c = NULL;
	struct berth_error err = {0};

	return rpc_client_open(path, &c, &err) == -EACCES && err.code == BERTH_ERR_PERMISSION ? 0
											      : 1;
}

static void the_group_reads_root_writes_others_nothing(void)
{
	/* "daemon" is group 1 on every Debian. */
	pid_t pid = server_start("daemon");

	(void)chmod(dir, 0755);
	as_user(4000, 4000, 1, may_read_and_not_change);
	as_user(4000, 1, 0, may_read_and_not_change);
	as_user(4000, 4000, 5, may_not_connect);
	/* Should the mode ever be opened by mistake, the server still refuses. */
	(void)chmod(path, 0666);
	as_user(4000, 4000, 5, may_do_nothing);
	server_end(pid);
}

static void a_path_longer_than_sun_path_works(void)
{
	char deep[400];
	char saved[sizeof(path)];
	pid_t pid;
	int n = snprintf(deep, sizeof(deep), "%s/", dir);

	memset(deep + n, 'd', 200);
	deep[n + 200] = '\0';
	CHECK(mkdir(deep, 0755) == 0);
	memcpy(saved, path, sizeof(path));
	(void)snprintf(path, sizeof(path), "%s/s.sock", deep);
	pid = server_start(NULL);
	a_call_is_answered_and_the_next_too();
	server_end(pid);
	(void)unlink(path);
	(void)rmdir(deep);
	memcpy(path, saved, sizeof(path));
}

int main(void)
{
	pid_t pid;

	if (getuid() != 0) {
		(void)printf("skipped: the socket's owner is root; run as root\n");
		return 77;
	}
	(void)snprintf(dir, sizeof(dir), "/tmp/test-rpc-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/berthd.sock", dir);
	pid = server_start(NULL);
	RUN(a_call_is_answered_and_the_next_too);
	RUN(an_error_arrives_with_code_errno_and_message);
	RUN(more_streams_replies_before_the_last);
	RUN(without_more_only_the_last_reply_comes);
	RUN(progress_can_hang_up);
	RUN(the_peer_is_who_the_kernel_says);
	RUN(a_reply_of_several_mebibytes_passes);
	RUN(descriptors_travel_with_a_call);
	RUN(a_call_over_the_limit_is_not_sent);
	RUN(the_service_describes_itself);
	RUN(what_does_not_exist_is_named);
	server_end(pid);
	RUN(a_daemon_that_dies_is_reported);
	RUN(an_old_socket_is_replaced_and_a_file_is_not);
	RUN(the_group_reads_root_writes_others_nothing);
	RUN(a_path_longer_than_sun_path_works);
	(void)unlink(path);
	(void)rmdir(dir);
	return check_failures != 0;
}
