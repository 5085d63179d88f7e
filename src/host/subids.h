// The ranges of host ids that a user may map (subuid(5)), from the file itself.

#ifndef PEAPOD_SUBIDS_H
#define PEAPOD_SUBIDS_H

enum { MAX_RANGES = 32 };

struct ranges {
  int count;
  unsigned first[MAX_RANGES], size[MAX_RANGES];
};

/** By his number where he has no name. */
const char *user_name(unsigned uid);

/** `file`: /etc/subuid or /etc/subgid. -1 where it has none for him. */
int read_subids(const char *file, unsigned uid, struct ranges *ranges);

#endif
