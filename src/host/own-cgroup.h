// Where in cgroup version 2's tree a user's pods can be made.

#ifndef PEAPOD_OWN_CGROUP_H
#define PEAPOD_OWN_CGROUP_H

/** All who are in our cgroup leave it for a leaf below, where it was handed down to the user. 0 where it was not. */
int settle_in_own_cgroup(void);

/** Whether cgroup version 2 is the machine's only one. */
int has_unified_cgroups(void);

#endif
