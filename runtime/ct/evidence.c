/* evidence.c - may something of a CT be killed or removed? */
#include "runtime/ct/evidence.h"

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
