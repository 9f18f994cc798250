/* registry.c - which CTs there are, by CTID and by name, and what is taken. */
#include "netsetup/net.h"
#include "runtime/base/cleanup.h"
#include "runtime/base/log.h"
#include "runtime/base/parse.h"
#include "runtime/config/file.h"
#include "runtime/config/temporary.h"
#include "runtime/daemon/attach.h"
#include "runtime/daemon/boot_wait.h"
#include "runtime/daemon/come_back.h"
#include "runtime/daemon/daemon.h"
#include "runtime/daemon/monitor_conn.h"
#include "runtime/daemon/obstacle.h"
#include "runtime/daemon/seen_conf.h"

#include <string.h>

/* Index of ctid, or of the place where it would stand. */
static size_t registry_index(const struct daemon *d, uint32_t ctid)
{
	size_t low = 0, high = d->n_cts;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (d->cts[mid]->ctid < ctid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct ct *registry_find(struct daemon *d, uint32_t ctid)
{
	size_t i = registry_index(d, ctid);

	return i < d->n_cts && d->cts[i]->ctid == ctid ? d->cts[i] : NULL;
}

/* Of a number that nobody has there is no near one: numbers differ little, and mean all the more. */
static void unknown_ct(const struct daemon *d, const char *word, bool is_name,
		       struct berth_error *err)
{
	struct word_guess g = {.word = word};

	if (err == NULL) /* who asks for many words wants no guess at each */
		return;
	for (size_t i = 0; is_name && i < d->n_cts; i++)
		if (d->cts[i]->name[0] != '\0' && !d->cts[i]->being_created)
			word_guess_try(&g, d->cts[i]->name);
	if (g.best != NULL)
		(void)berth_error_set(err, BERTH_ERR_NO_CONFIG, ENOENT,
				      "CT %.64s does not exist; did you mean %s?", word, g.best);
	else
		(void)berth_error_set(
			err, BERTH_ERR_NO_CONFIG, ENOENT,
			"CT %.64s does not exist; `berth list -a` shows those that do", word);
}

struct ct *registry_lookup(struct daemon *d, const char *word, struct berth_error *err)
{
	struct ct *ct = NULL;
	uint32_t ctid;
	int r = parse_ctid(word, &ctid);

	if (r == -ERANGE) {
		(void)berth_error_set(err, BERTH_ERR_VALUE, ERANGE,
				      "CTID %.20s: 1 to 100 are reserved; use %d to %u", word,
				      CTID_MIN, CTID_MAX);
		return NULL;
	}
	if (r == 0)
		ct = registry_find(d, ctid);
	for (size_t i = 0; r < 0 && ct == NULL && i < d->n_cts; i++)
		if (d->cts[i]->name[0] != '\0' && strcmp(d->cts[i]->name, word) == 0)
			ct = d->cts[i];
	if (ct == NULL || ct->being_created) {
		unknown_ct(d, word, r < 0, err);
		return NULL;
	}
	return ct;
}

struct ct *registry_add(struct daemon *d, uint32_t ctid)
{
	size_t i = registry_index(d, ctid);
	struct ct *ct = calloc(1, sizeof(*ct));

	if (ct == NULL)
		abort(); /* crash-only: a restart finds everything on disk */
	if (d->n_cts == d->room) {
		struct ct **bigger = realloc(d->cts, (d->room + 64) * sizeof(struct ct *));

		if (bigger == NULL)
			abort();
		d->cts = bigger;
		d->room += 64;
	}
	memmove(d->cts + i + 1, d->cts + i, (d->n_cts - i) * sizeof(struct ct *));
	d->cts[i] = ct;
	d->n_cts++;
	ct->d = d;
	ct->ctid = ctid;
	ct->init_pidfd = -EBADF;
	ct->kept[0] = ct->kept[1] = -EBADF;
	return ct;
}

void registry_remove(struct daemon *d, struct ct *ct)
{
	size_t i = registry_index(d, ct->ctid);

	memmove(d->cts + i, d->cts + i + 1, (d->n_cts - i - 1) * sizeof(struct ct *));
	d->n_cts--;
	boot_wait_fail(ct);
	attach_drop(ct);
	monitor_forget_kept(ct);
	ct_timers_clear(ct);
	seen_conf_unref(ct->seen);
	free(ct->addrs);
	free(ct->claimed_name);
	free(ct->old_name);
	free(ct->why);
	free(ct->volume_trouble);
	free(ct->limit_trouble);
	free(ct->back_trouble);
	come_back_free(ct->back);
	free(ct);
}

uint32_t registry_free_ctid(const struct daemon *d)
{
	uint32_t ctid = CTID_MIN;

	for (size_t i = 0;; ctid++)
		if (i < d->n_cts && d->cts[i]->ctid == ctid)
			i++;
		else if (obstacle_check(d, ctid, NULL) == 0)
			return ctid;
}

/* Addresses of the config, and others, NULL: none, when they differ. NULL: none. */
static char *all_addrs(const char *saved, const char *other)
{
	char *all = NULL;

	if (saved == NULL && other == NULL)
		return NULL;
	if (saved == NULL || other == NULL || strcmp(saved, other) == 0)
		text_set(&all, "%s", saved != NULL ? saved : other);
	else
		text_set(&all, "%s %s", saved, other);
	if (all == NULL)
		abort(); /* no memory: another CT would get them */
	return all;
}

/* To *list, what comes back (temporary.h), too. */
static void add_addrs(char **list, const char *more)
{
	char *all = all_addrs(*list, more);

	free(*list);
	*list = all;
}

static void set_text_or_abort(char **text, const char *to)
{
	text_clear(text);
	if (to != NULL && *to != '\0' && (*text = text_copy(to)) == NULL)
		abort(); /* no memory: another CT would get it */
}

void registry_claim(struct ct *ct, const struct conf_file *next)
{
	const char *name = conf_get(next, "NAME");
	char *both = all_addrs(ct->addrs, conf_get(next, "IP_ADDRESS"));

	free(ct->addrs);
	ct->addrs = both;
	set_text_or_abort(&ct->claimed_name, name);
}

int registry_refresh(struct daemon *d, struct ct *ct, struct berth_error *err)
{
	struct conf_file *saved, *live = NULL;
	struct berth_error why;
	const char *name;
	int r = store_conf_load(&d->paths, ct->ctid, &saved, err);

	text_clear(&ct->claimed_name);
	if (r < 0)
		return r;
	name = conf_get(saved, "NAME");
	(void)snprintf(ct->name, sizeof(ct->name), "%s",
		       name != NULL && name_is_valid(name) ? name : "");
	set_text_or_abort(&ct->old_name, temporary_old(saved, "NAME"));
	ct->until = temporary_next(saved);
	if (ct->until != 0 || ct->back != NULL)
		come_back_soon(d);
	r = store_live_load(&d->paths, ct->ctid, &live, &why);
	if (r < 0)
		log_line(LOG_LV_WARNING, ct->ctid, "the addresses that were known stay taken: %s",
			 why.msg);
	if (r == 0 || ct->addrs == NULL) {
		free(ct->addrs);
		ct->addrs = all_addrs(conf_get(saved, "IP_ADDRESS"),
				      live != NULL ? conf_get(live, "IP_ADDRESS") : NULL);
		add_addrs(&ct->addrs, temporary_old(saved, "IP_ADDRESS"));
	}
	conf_free(live);
	conf_free(saved);
	return 0; /* what is saved is all that a start takes */
}

/* After files were put back by hand two CTs may be one and the same, or claim one range of ids. */
static int check_only_one(struct daemon *d, const struct ct *ct, const struct ct_facts *f,
			  struct berth_error *err)
{
	for (size_t i = 0; i < d->n_cts; i++) {
		const struct ct *other = d->cts[i];

		if (other == ct)
			continue;
		if (strcmp(other->facts.uuid, f->uuid) == 0)
			return berth_error_set(
				err, BERTH_ERR_BROKEN, EEXIST,
				"CT %u: its UUID %s is CT %u's too: private/%u is a "
				"copy. Move one of the two away; for a second CT make "
				"a new one and copy the files",
				ct->ctid, f->uuid, other->ctid, ct->ctid);
		if (other->facts.id_base == f->id_base)
			return berth_error_set(
				err, BERTH_ERR_BROKEN, EEXIST,
				"CT %u: its user ids (id_base=%u) are CT %u's too; put "
				"back the right facts file of one of them, or destroy it",
				ct->ctid, f->id_base, other->ctid);
	}
	return 0;
}

/* settled: there is proof that it does not run, whatever its state file is like. */
static int reload(struct daemon *d, struct ct *ct, bool settled, struct berth_error *err)
{
	struct ct_info info;
	int r = ct_info_load(&d->paths, ct->ctid, &info, err);

	if (r < 0 && r != -ENOENT) {
		ct->status = CT_UNKNOWN;
		ct_timer_set(ct, LIFE_T_LOOK, 1);
		return r;
	}
	if (r < 0)
		r = berth_error_set(err, BERTH_ERR_BROKEN, ENOENT,
				    "CT %u has no config %s/ct/%u.conf: put it back, or remove the "
				    "CT: berth destroy %u",
				    ct->ctid, d->paths.etc, ct->ctid, ct->ctid);
	if (r == 0 && info.status == CT_UNKNOWN && settled)
		info.status = info.at_rest;
	if (r == 0 && info.status == CT_UNKNOWN) {
		ct->status = CT_UNKNOWN;
		ct_timer_set(ct, LIFE_T_LOOK, 1);
		return -EAGAIN;
	}
	if (r == 0 && info.status == CT_BROKEN)
		r = -EINVAL;
	if (r == 0)
		r = check_only_one(d, ct, &info.facts, err);
	if (r == 0)
		ct->facts = info.facts; /* else the known ids stay taken */
	/* Name and addresses stay taken as well when the facts are damaged. */
	if (registry_refresh(d, ct, r == 0 ? err : NULL) < 0)
		r = -EINVAL;
	if (r < 0)
		ct->status = CT_BROKEN;
	else
		ct->status = info.status == CT_MOUNTED || info.status == CT_SUSPENDED ||
					     info.status == CT_GIVEN
				     ? info.status
				     : CT_STOPPED;
	return r;
}

int registry_reload(struct daemon *d, struct ct *ct, struct berth_error *err)
{
	return reload(d, ct, false, err);
}

void registry_settled(struct daemon *d, struct ct *ct)
{
	struct berth_error err;

	ct->booted = false;
	if (reload(d, ct, true, &err) < 0)
		log_line(LOG_LV_ERROR, ct->ctid, "%s: %s", ct_status_name(ct->status), err.msg);
}

/*
 * The first of a space-separated list that has an address of `want`: the same, or a network that one is in; NULL: none. Its
 * text is in buf.
 */
static const char *list_overlap(const char *list, const struct net_addr *want,
				char buf[static NET_ADDR_TEXT + 1])
{
	while (list != NULL && *list != '\0') {
		size_t len = strcspn(list, " ");
		struct net_addr a;

		if (len > 0 && len < NET_ADDR_TEXT + 1) {
			memcpy(buf, list, len);
			buf[len] = '\0';
			if (net_addr_parse(buf, &a) == 0 && net_addr_overlaps(&a, want))
				return buf;
		}
		list += len;
		list += strspn(list, " ");
	}
	return NULL;
}

static bool conf_has_addr(const struct conf_file *f, const struct net_addr *a)
{
	char word[NET_ADDR_TEXT + 1];

	return f != NULL && list_overlap(conf_get(f, "IP_ADDRESS"), a, word) != NULL;
}

/* ct must not have what other has. */
static int refuse_addr(struct daemon *d, const struct ct *ct, const char *word,
		       const struct ct *other, const char *theirs, const struct net_addr *a,
		       struct berth_error *err)
{
	char buf[NET_ADDR_TEXT + 1], in[NET_ADDR_TEXT + 32] = "";
	struct conf_file *saved = NULL, *live = NULL;
	/* One that cannot be read is as good as saved: the address stays taken. */
	bool readable = store_conf_load(&d->paths, other->ctid, &saved, NULL) == 0;
	bool is_saved = !readable || conf_has_addr(saved, a), comes_back;

	comes_back = !is_saved &&
		     list_overlap(temporary_old(saved, "IP_ADDRESS"), a, buf) != NULL &&
		     store_live_load(&d->paths, other->ctid, &live, NULL) == 0 &&
		     !conf_has_addr(live, a);
	conf_free(saved);
	conf_free(live);
	if (strcmp(theirs, word) != 0)
		(void)snprintf(in, sizeof(in), "overlaps %s, which ", theirs);
	if (comes_back)
		return berth_error_set(
			err, BERTH_ERR_ADDRESS_IN_USE, EADDRINUSE,
			"CT %u: address %s %scomes back to CT %u when its temporary change is over "
			"(berth list -o temporary %u); to make that change permanent: berth set %u "
			"--ipdel all --ipadd ADDRESS --save",
			ct->ctid, word, in, other->ctid, other->ctid, other->ctid);
	return berth_error_set(
		err, BERTH_ERR_ADDRESS_IN_USE, EADDRINUSE,
		"CT %u: address %s %sis CT %u's; take it away first: berth set %u --ipdel %s%s",
		ct->ctid, word, in, other->ctid, other->ctid, theirs, is_saved ? " --save" : "");
}

static int check_addr(struct daemon *d, const struct ct *ct, const char *word,
		      struct berth_error *err)
{
	char buf[NET_ADDR_TEXT + 1], in[NET_ADDR_TEXT + 32] = "";
	const char *theirs;
	struct net_addr a;

	if (net_addr_parse(word, &a) < 0)
		return 0; /* the parameter table has refused it already */
	for (size_t i = 0; i < d->n_cts; i++) {
		const struct ct *other = d->cts[i];

		theirs = other != ct ? list_overlap(other->addrs, &a, buf) : NULL;
		if (theirs == NULL)
			continue;
		if (strcmp(theirs, word) != 0)
			(void)snprintf(in, sizeof(in), "overlaps %s, which ", theirs);
		if (other->status == CT_SUSPENDED)
			return berth_error_set(
				err, BERTH_ERR_ADDRESS_IN_USE, EADDRINUSE,
				"CT %u: address %s %sis CT %u's, which is suspended; let that one "
				"go on first, to take it away: berth resume %u",
				ct->ctid, word, in, other->ctid, other->ctid);
		return refuse_addr(d, ct, word, other, theirs, &a, err);
	}
	return 0;
}

static int check_name(struct daemon *d, const struct ct *ct, const char *name,
		      struct berth_error *err)
{
	for (size_t i = 0; i < d->n_cts; i++) {
		const struct ct *other = d->cts[i];

		if (other == ct)
			continue;
		if (strcmp(other->name, name) == 0 ||
		    strcmp(text_or_empty(other->claimed_name), name) == 0)
			return berth_error_set(err, BERTH_ERR_NAME_IN_USE, EEXIST,
					       "CT %u: the name '%s' is CT %u's", ct->ctid, name,
					       other->ctid);
		if (strcmp(text_or_empty(other->old_name), name) == 0)
			return berth_error_set(
				err, BERTH_ERR_NAME_IN_USE, EEXIST,
				"CT %u: the name '%s' comes back to CT %u when its temporary "
				"change is over; to make that change permanent: berth set %u "
				"--name %s --save",
				ct->ctid, name, other->ctid, other->ctid,
				other->name[0] != '\0' ? other->name : "NAME");
	}
	return 0;
}

int registry_check_unique(struct daemon *d, const struct ct *ct, const struct conf_file *conf,
			  struct berth_error *err)
{
	const char *name = conf_get(conf, "NAME"), *list = conf_get(conf, "IP_ADDRESS");
	int r = name != NULL && name[0] != '\0' ? check_name(d, ct, name, err) : 0;

	while (r == 0 && list != NULL && *list != '\0') {
		char word[NET_ADDR_TEXT + 1] = "";
		size_t len = strcspn(list, " ");

		(void)snprintf(word, sizeof(word), "%.*s", (int)len, list);
		r = check_addr(d, ct, word, err);
		list += len;
		list += strspn(list, " ");
	}
	return r;
}
