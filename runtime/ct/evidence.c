/* evidence.c - may something of a CT be killed or removed? */
#include "runtime/ct/evidence.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum evidence evidence_area(const struct area_id *meant, int r, const struct area_id *found)
{
	bool named = meant->uuid[0] != '\0', names = found->uuid[0] != '\0', same;

	if (r < 0)
		return EVIDENCE_UNKNOWN;
	same = strcmp(meant->uuid, found->uuid) == 0;
	if (named && names && !same)
		return EVIDENCE_NO;
	/* Facts that were damaged meanwhile do not make another directory of it. */
	if (meant->inode != 0 && meant->born != 0 && found->born != 0)
		same = meant->inode == found->inode && meant->born == found->born;
	else if (!named)
		same = same && meant->inode != 0 && meant->inode == found->inode;
	return same ? EVIDENCE_YES : EVIDENCE_NO;
}

bool evidence_allows(enum evidence_found found)
{
	return found == FOUND_DEAD || found == FOUND_ENDED || found == FOUND_UNFINISHED;
}

enum evidence_found evidence_life(const struct life_evidence *e)
{
	if (e->run == 0 && !e->launched)
		return FOUND_UNFINISHED;
	if (e->run == 0)
		return e->ended ? FOUND_ENDED : FOUND_ALIVE;
	if (e->populated < 0)
		return FOUND_UNKNOWN;
	/* The kernel says so. A cgroup that is not there at all may only be elsewhere. */
	if (e->populated == 0 && e->has_cgroup)
		return FOUND_DEAD;
	if (e->run == -EBADMSG)
		return FOUND_LOST;
	if (e->run == -ESRCH)
		return e->populated == 0 ? FOUND_DEAD : FOUND_LOST;
	return FOUND_UNKNOWN;
}
