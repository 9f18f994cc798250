/* methods_login.c - SetLogin; and what a Create brings of that. The bytes are never read here. */
#include "runtime/daemon/disk_first.h"
#include "runtime/daemon/job.h"
#include "runtime/daemon/login_order.h"
#include "runtime/daemon/method_wait.h"
#include "runtime/daemon/methods.h"

#include <errno.h>
#include <string.h>

static const char *known(const char *word)
{
	static const char *const words[LOGIN_MAX] = {LOGIN_PASSWORD, LOGIN_KEYS};

	for (size_t i = 0; word != NULL && i < LOGIN_MAX; i++)
		if (strcmp(words[i], word) == 0)
			return words[i];
	return NULL;
}

int login_order(struct job *j, json_t *parameters, const char *args[static LOGIN_MAX + 1],
		struct berth_error *err)
{
	const json_t *words = json_object_get(parameters, "login"), *word;
	size_t i;

	args[0] = NULL;
	if (json_array_size(words) > LOGIN_MAX)
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL, "'login' has at most %d words",
				       LOGIN_MAX);
	json_array_foreach(words, i, word)
	{
		args[i] = known(json_string_value(word));
		args[i + 1] = NULL;
		if (args[i] == NULL || (i > 0 && args[i] == args[0]))
			return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
					       "'login' has the words userpasswd and sshkey, each "
					       "once");
	}
	job_take_fds(j);
	if (j->n_fds != json_array_size(words))
		return berth_error_set(err, BERTH_ERR_VALUE, EINVAL,
				       "each word of 'login' needs a descriptor: %zu words, %u "
				       "descriptors came",
				       json_array_size(words), j->n_fds);
	return 0;
}

static void login_set(struct job *j, const struct worker_result *result)
{
	/* A CT that does not run was mounted for it: something may be left of that. */
	if (!result->ok && j->ct->status == CT_STOPPED)
		(void)ct_event(j->ct, result->died ? LIFE_DIED : LIFE_FAILED,
			       &(struct life_info){.job = j, .result = result}, NULL);
	else if (!result->ok)
		job_fail(j, &result->error);
	else
		job_done(j, NULL);
}

static void login_go(struct job *j, void *data)
{
	const char *args[LOGIN_MAX + 1];
	struct berth_error err;
	int r = login_order(j, data, args, &err);

	if (r == 0 && j->n_fds == 0)
		r = berth_error_set(&err, BERTH_ERR_VALUE, EINVAL, "'login' is empty");
	if (r == 0 && j->ct->status == CT_BROKEN)
		r = berth_error_set(&err, BERTH_ERR_BROKEN, EINVAL,
				    "CT %u is broken; see: berth status %u", j->ct->ctid,
				    j->ct->ctid);
	if (r < 0)
		job_fail(j, &err);
	else
		job_worker(j, "login", args, login_set);
}

void method_set_login(struct rpc_call *call, json_t *parameters, void *data)
{
	struct ct *ct = method_ct_read(call, parameters, data, method_set_login);
	const struct life_info info = {.call = call, .go = login_go, .data = parameters};
	struct berth_error err;

	if (ct == NULL || method_wait(call, parameters, ct, method_set_login))
		return;
	if (ct_event(ct, LIFE_SET, &info, &err) < 0)
		rpc_reply_error(call, &err);
}
