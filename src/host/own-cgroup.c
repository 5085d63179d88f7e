// A cgroup that hands controllers down may have no processes of its own (cgroups(7), "no internal processes"), so who is
// in it moves to a leaf: `peapod-commands`. Pods are made beside it; see host/read-user.ts.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "own-cgroup.h"

#define TREE "/sys/fs/cgroup"
#define LEAF "/peapod-commands"

int has_unified_cgroups(void) {
  return access(TREE "/cgroup.controllers", F_OK) == 0;
}

static int is_ours(const char *dir) {
  char path[4400];
  static const char *const names[] = {"", "/cgroup.procs", "/cgroup.subtree_control"};
  for (int i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "%s%s", dir, names[i]);
    if (access(path, W_OK) < 0) return 0;
  }
  return 1;
}

// Ourselves first, then whoever else is there: what was handed down is the user's, and so are they.
static int move_all(const char *from, const char *to) {
  char pid[32];
  int fd = open(to, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  int moved = write(fd, "0", 1) == 1;
  FILE *in = moved ? fopen(from, "re") : NULL;
  // One that ended meanwhile needs no place.
  while (in && fgets(pid, sizeof pid, in))
    if (write(fd, pid, strlen(pid)) < 0) continue;
  if (in) fclose(in);
  close(fd);
  return moved;
}

int settle_in_own_cgroup(void) {
  char line[4096], dir[4300], leaf[4400];
  FILE *in = has_unified_cgroups() ? fopen("/proc/self/cgroup", "re") : NULL;
  if (in == NULL) return 0;
  char *got = fgets(line, sizeof line, in);
  fclose(in);
  if (got == NULL || strncmp(line, "0::/", 4) != 0) return 0;
  line[strcspn(line, "\n")] = 0;
  size_t length = strlen(line);
  if (length > strlen(LEAF) && strcmp(line + length - strlen(LEAF), LEAF) == 0) return 1;
  snprintf(dir, sizeof dir, TREE "%s", line + 3);
  // The whole tree is nobody's to be rearranged.
  if (strcmp(line + 3, "/") == 0 || !is_ours(dir)) return 0;
  snprintf(leaf, sizeof leaf, "%s" LEAF, dir);
  if (mkdir(leaf, 0755) < 0 && errno != EEXIST) return 0;
  strcat(leaf, "/cgroup.procs");
  strcat(dir, "/cgroup.procs");
  return move_all(dir, leaf);
}
