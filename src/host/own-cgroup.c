// A cgroup that hands controllers down may have no processes of its own (cgroups(7), "no internal processes"), so what
// peapod runs itself moves to a leaf: `peapod-commands`. Pods are made beside it; see host/read-user.ts.

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

int settle_in_own_cgroup(void) {
  char line[4096], dir[4200];
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
  strcat(dir, LEAF);
  if (mkdir(dir, 0755) < 0 && errno != EEXIST) return 0;
  strcat(dir, "/cgroup.procs");
  int fd = open(dir, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  int moved = write(fd, "0", 1) == 1;
  close(fd);
  return moved;
}
