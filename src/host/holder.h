// Who keeps a user's namespaces while somebody is in them, and how others find them.

#ifndef PEAPOD_HOLDER_H
#define PEAPOD_HOLDER_H

#include <sys/types.h>

/** Becomes the holder of the namespaces that the caller is in. Says `+` over `report` once others can find it. */
_Noreturn void hold(const char *state, int report);

/** The living holder; 0 where there is none. `dir`: the state directory, locked by the caller. */
pid_t find_holder(int dir);

/**
 * Somebody in the namespaces that the last holder held; 0 where nobody is. `has_mounts`: 0 where he is in the user namespace
 * alone, as those in containers are, who have mounts of their own.
 */
pid_t find_inhabitant(int dir, int *has_mounts);

#endif
