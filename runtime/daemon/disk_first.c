/* disk_first.c - reads ahead in a thread, for methods that run in the loop. */
#include "runtime/daemon/disk_first.h"

#include "runtime/base/cleanup.h"
#include "runtime/base/fd.h"
#include "runtime/base/offload.h"
#include "runtime/daemon/found.h"
#include "runtime/daemon/read_ahead.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct ahead {
	struct daemon *d;
	struct rpc_call *call; /* NULL: it has gone */
	json_t *parameters;
	rpc_method_fn *fn;
	bool scans;
	uint32_t *ctids; /* whose files are read */
	size_t n;
	uint32_t *known; /* with scans: of all others that are found, too */
	size_t n_known;
	char *sample; /* a create: the sample it is made from, "" for none; NULL: no create */
	struct berth_paths paths;
};

/* ---- in a thread ---- */

static void ahead_work(void *data)
{
	struct ahead *a = data;
	auto_free uint32_t *list = NULL;
	int n = a->scans ? ct_info_list(&a->paths, &list, NULL) : 0;

	for (int i = 0; i < n; i++)
		if (!read_ahead_is_known(a->known, a->n_known, list[i]))
			read_ahead_ct(&a->paths, list[i]);
	for (size_t i = 0; i < a->n; i++)
		read_ahead_ct(&a->paths, a->ctids[i]);
	if (a->sample != NULL)
		read_ahead_create(&a->paths, a->sample, a->known, a->n_known);
}

/* ---- in the loop ---- */

static void ahead_free(struct ahead *a)
{
	json_decref(a->parameters);
	free(a->ctids);
	free(a->known);
	free(a->sample);
	free(a);
}

static void ahead_gone(struct rpc_call *call, void *data)
{
	struct ahead *a = data;

	(void)call;
	a->call = NULL; /* the thread has the rest */
}

static void ahead_done(void *data)
{
	struct ahead *a = data;

	if (a->call != NULL) {
		rpc_call_on_gone(a->call, NULL, NULL);
		a->d->read_ahead = a->call;
		a->fn(a->call, a->parameters, a->d);
		a->d->read_ahead = NULL;
	}
	ahead_free(a);
}

static void take_word(struct ahead *a, const json_t *word)
{
	const char *text = json_string_value(word);
	struct ct *ct = text != NULL ? registry_lookup(a->d, text, NULL) : NULL;

	if (ct == NULL)
		a->scans = true;
	else if (!read_ahead_is_done(&a->d->paths, ct->ctid))
		a->ctids[a->n++] = ct->ctid;
}

static void take_words(struct ahead *a, const json_t *words)
{
	size_t n = json_is_array(words) ? json_array_size(words) : 1;

	/* As many as there are: more is an error, which the method will tell. */
	n = n < a->d->n_cts + 1 ? n : a->d->n_cts + 1;
	for (size_t i = 0; i < n; i++)
		take_word(a, json_is_array(words) ? json_array_get(words, i) : words);
}

/* Who looks for new configs reads the broken ones again (found.c). */
static void take_broken(struct ahead *a)
{
	for (size_t i = 0; i < a->d->n_cts; i++)
		if (a->d->cts[i]->status == CT_BROKEN &&
		    !read_ahead_is_done(&a->d->paths, a->d->cts[i]->ctid))
			a->ctids[a->n++] = a->d->cts[i]->ctid;
}

static void take_known(struct ahead *a)
{
	a->known = calloc(a->d->n_cts + 1, sizeof(*a->known));
	if (a->known == NULL)
		abort();
	for (size_t i = 0; i < a->d->n_cts; i++)
		a->known[a->n_known++] = a->d->cts[i]->ctid;
}

static struct ahead *ahead_new(struct rpc_call *call, struct daemon *d, rpc_method_fn *fn)
{
	struct ahead *a = calloc(1, sizeof(*a));

	if (a == NULL)
		abort();
	*a = (struct ahead){.d = d, .call = call, .fn = fn, .paths = d->paths};
	a->ctids = calloc(2 * d->n_cts + 1, sizeof(*a->ctids));
	if (a->ctids == NULL)
		abort();
	return a;
}

static void ahead_run(struct ahead *a, json_t *parameters)
{
	if (a->scans || a->sample != NULL)
		take_known(a);
	a->parameters = json_incref(parameters);
	/* A call that needs no answer is run although its client has gone. */
	if (!rpc_call_is_oneway(a->call))
		rpc_call_on_gone(a->call, ahead_gone, a);
	if (offload_run(a->d->disk, ahead_work, ahead_done, a) < 0)
		abort();
}

bool disk_first(struct rpc_call *call, json_t *parameters, struct daemon *d, const json_t *words,
		bool scans, rpc_method_fn *fn)
{
	struct ahead *a;

	if (d->read_ahead == call || d->waited == call)
		return false;
	a = ahead_new(call, d, fn);
	a->scans = scans;
	if (words != NULL)
		take_words(a, words);
	if (a->scans)
		take_broken(a);
	a->scans = a->scans && !found_is_current(d);
	if (a->n == 0 && !a->scans) {
		ahead_free(a);
		return false;
	}
	ahead_run(a, parameters);
	return true;
}

bool disk_first_create(struct rpc_call *call, json_t *parameters, struct daemon *d,
		       const char *sample, rpc_method_fn *fn)
{
	struct ahead *a;

	if (d->read_ahead == call)
		return false;
	a = ahead_new(call, d, fn);
	take_broken(a);
	a->scans = !found_is_current(d);
	a->sample = strdup(sample);
	if (a->sample == NULL)
		abort();
	ahead_run(a, parameters);
	return true;
}
