/* vzctl.c - one table: which sentence vzctl says when, and what is no error for it. */
#include "runtime/cli/vzctl.h"

#include <string.h>

bool vzctl_is(const struct cli *cli)
{
	return strcmp(cli->program, "vzctl") == 0;
}

bool vzlist_is(const struct cli *cli)
{
	return strcmp(cli->program, "vzlist") == 0;
}

static const struct {
	const char *command;
	enum berth_errcode code;
	const char *sentence;
} forgiven[] = {
	{"stop", BERTH_ERR_NOT_RUNNING, "Unable to stop: container is not running"},
	{"mount", BERTH_ERR_MOUNTED, "Container is already mounted"},
};

const char *vzctl_forgives(const char *command, enum berth_errcode code)
{
	for (size_t i = 0; i < sizeof(forgiven) / sizeof(forgiven[0]); i++)
		if (forgiven[i].code == code && strcmp(forgiven[i].command, command) == 0)
			return forgiven[i].sentence;
	return NULL;
}

static const struct {
	const char *command, *before, *after;
} sentences[] = {
	{"create", "Creating container private area", "Container private area was created"},
	{"start", "Starting container...", "Container start in progress..."},
	{"stop", "Stopping container ...", "Container was stopped\nContainer is unmounted"},
	{"restart", "Restarting container", "Container start in progress..."},
	{"mount", NULL, "Container is mounted"},
	{"umount", NULL, "Container is unmounted"},
	{"destroy", "Destroying container private area", "Container private area was destroyed"},
};

/* OpenVZ's is /etc/vz/conf/CTID.conf; where it stands here is what a script can open. */
static void say_saved(const struct cli *cli, const char *word)
{
	struct cli copy = *cli;
	char path[BERTH_PATH_MAX];
	uint32_t ctid;

	if (word == NULL || berth_paths_init(&copy.paths, copy.root, NULL) < 0 ||
	    cli_lookup(&copy, word, &ctid, NULL) < 0)
		return;
	(void)printf("CT configuration saved to %s\n", path_ct_config(&copy.paths, ctid, path));
}

void vzctl_say(const struct cli *cli, const char *word, bool after, bool saved)
{
	if (!vzctl_is(cli) || cli->quiet || cli->json || cli->help)
		return;
	if (after && saved)
		say_saved(cli, word);
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
		const char *text = after ? sentences[i].after : sentences[i].before;

		if (text != NULL && strcmp(sentences[i].command, cli->command->name) == 0)
			(void)printf("%s\n", text);
	}
	/* What the command itself says goes elsewhere, and comes later. */
	(void)fflush(stdout);
}

bool vzctl_layout(const char *value, char *note, size_t size)
{
	size_t len = strcspn(value, ":");

	if ((len != 5 || strncmp(value, "simfs", 5) != 0) &&
	    (len != 5 || strncmp(value, "ploop", 5) != 0))
		return false;
	(void)snprintf(
		note, size,
		"--layout %.5s has no meaning here: a CT's disk is a file system of its own, "
		"with limits as ploop's; berth's layouts are overlay and private",
		value);
	return true;
}
