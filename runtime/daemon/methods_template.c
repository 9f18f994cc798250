/* methods_template.c - io.berth.Template: long work without a CT. */
#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/base/value.h"
#include "runtime/daemon/methods.h"
#include "runtime/daemon/worker_client.h"
#include "templates/template.h"

#include <fcntl.h>
#include <string.h>

/* A template operation under way. One at a time a name would be enough; the worker's own file lock
 * sees to that. */
struct template_job {
	struct daemon *d;
	struct rpc_call *call; /* NULL: the client has gone */
	struct worker_run *run; /* ended with its client, of a build or an import; NULL: it has */
	char name[128];
	bool makes; /* a template, which the reply tells of */
};

static int open_dir(struct daemon *d)
{
	char path[BERTH_PATH_MAX];

	return dir_open_at(AT_FDCWD, path_below(d->paths.lib, "template", path));
}

static json_t *template_json(const struct template_info *t)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "name", t->name, "hash", t->hash,
			 "distribution", t->distribution, "release", t->release, "arch", t->arch,
			 "bytes", (json_int_t)t->bytes, "created", (json_int_t)t->created);
}

static int list_one(const struct template_info *t, void *data)
{
	return json_array_append_new(data, template_json(t));
}

/* In a thread: a disk that hangs does not answer. */
struct list_query {
	struct daemon *d;
	struct rpc_call *call;
	json_t *list;
	int r;
	struct berth_error err;
};

static void list_work(void *data)
{
	struct list_query *q = data;
	auto_close int dir = open_dir(q->d);

	q->r = dir < 0 ? berth_error_sys(&q->err, dir, "open the template directory")
		       : template_list(dir, list_one, q->list, &q->err);
}

static void list_done(void *data)
{
	struct list_query *q = data;
	json_t *recipes = json_array();

	for (const char *const *p = template_recipes(); *p != NULL; p++)
		(void)json_array_append_new(recipes, json_string(*p));
	if (q->r < 0)
		rpc_reply_error(q->call, &q->err);
	else
		rpc_reply(q->call,
			  json_pack("{s:O, s:O}", "templates", q->list, "recipes", recipes));
	json_decref(q->list);
	json_decref(recipes);
	free(q);
}

void method_template_list(struct rpc_call *call, json_t *parameters, void *data)
{
	struct list_query *q = calloc(1, sizeof(*q));

	(void)parameters;
	if (q == NULL)
		abort();
	q->d = data;
	q->call = call;
	q->list = json_array();
	if (offload_run(q->d->disk, list_work, list_done, q) < 0)
		abort();
}

static void template_gone(struct rpc_call *call, void *data)
{
	struct template_job *t = data;

	(void)call;
	t->call = NULL;
	if (t->makes && t->run != NULL)
		worker_end(t->run, "its client has gone");
}

static void swept(const struct worker_result *result, void *data)
{
	(void)data;
	if (!result->ok)
		log_line(LOG_LV_WARNING, 0, "sweep the templates: %s", result->error.msg);
}

/* What a worker has left that was ended for its client. */
static void sweep(struct daemon *d, const char *name)
{
	const char *const argv[] = {"template-sweep", name, NULL};
	struct berth_error err;

	if (worker_start(d, argv, NULL, 0, NULL, swept, NULL, &err) < 0)
		log_line(LOG_LV_WARNING, 0, "sweep the templates: %s", err.msg);
}

static void template_progress(const char *stage, int percent, void *data)
{
	struct template_job *t = data;
	json_t *p;

	if (t->call == NULL || !rpc_call_wants_more(t->call))
		return;
	p = percent < 0 ? json_pack("{s:s}", "stage", stage)
			: json_pack("{s:s, s:i}", "stage", stage, "percent", percent);
	rpc_reply_more(t->call, json_pack("{s:o}", "progress", p));
}

static void template_done(const struct worker_result *result, void *data)
{
	struct template_job *t = data;
	struct template_info info;
	auto_close int dir = open_dir(t->d);
	char note[TEMPLATE_NOTE_MAX] = "";

	t->run = NULL;
	if (result->ok)
		(void)value_get(result->values, "note", note, sizeof(note));
	if (t->call != NULL) {
		rpc_call_on_gone(t->call, NULL, NULL);
		if (!result->ok)
			rpc_reply_error(t->call, &result->error);
		else if (t->makes && dir >= 0 && template_find(dir, t->name, &info, NULL) == 0)
			rpc_reply(t->call,
				  json_pack("{s:o, s:s*}", "template", template_json(&info), "note",
					    note[0] != '\0' ? note : NULL));
		else
			rpc_reply(t->call, NULL);
	} else if (result->died) {
		sweep(t->d, t->name);
	}
	free(t);
}

/* argv[1] is the template's name. */
static void template_run(struct daemon *d, struct rpc_call *call, const char *const *argv,
			 bool makes)
{
	struct template_job *t = calloc(1, sizeof(*t));
	struct berth_error err;

	if (t == NULL)
		abort();
	t->d = d;
	t->call = call;
	t->makes = makes;
	(void)snprintf(t->name, sizeof(t->name), "%s", argv[1]);
	rpc_call_on_gone(call, template_gone, t);
	if (worker_start_run(d, argv, NULL, 0, template_progress, template_done, t, &t->run,
			     &err) == 0)
		return;
	rpc_call_on_gone(call, NULL, NULL);
	free(t);
	rpc_reply_error(call, &err);
}

/* A string parameter, or NULL after an error reply. */
static const char *need_string(struct rpc_call *call, json_t *parameters, const char *name)
{
	const char *s = json_string_value(json_object_get(parameters, name));
	struct berth_error err;

	if (s != NULL && s[0] != '\0')
		return s;
	(void)berth_error_set(&err, BERTH_ERR_VALUE, EINVAL, "the parameter '%s' must be a string",
			      name);
	rpc_reply_error(call, &err);
	return NULL;
}

void method_template_build(struct rpc_call *call, json_t *parameters, void *data)
{
	const char *name = need_string(call, parameters, "name");
	const char *argv[] = {"template-build", name, NULL};

	if (name != NULL)
		template_run(data, call, argv, true);
}

void method_template_import(struct rpc_call *call, json_t *parameters, void *data)
{
	const char *name = need_string(call, parameters, "name");
	const char *path = name != NULL ? need_string(call, parameters, "path") : NULL;
	const char *argv[] = {"template-import", name, path, NULL};

	if (path != NULL)
		template_run(data, call, argv, true);
}

void method_template_remove(struct rpc_call *call, json_t *parameters, void *data)
{
	const char *name = need_string(call, parameters, "name");
	const char *argv[] = {"template-remove", name, NULL};

	if (name != NULL)
		template_run(data, call, argv, false);
}
