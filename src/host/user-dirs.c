// A user's directories: one that is his alone for what goes with the session, with links to those that stay.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user-dirs.h"

const char *environment(const char *name) {
  const char *value = getenv(name);
  return value && *value == '/' ? value : NULL;
}

char *join(const char *dir, const char *name) {
  char *path;
  if (asprintf(&path, "%s/%s", dir, name) < 0) fail("out of memory");
  return path;
}

// `mkdir -p`, for the user alone where it is made.
static void make_directories(const char *path) {
  char *copy = strdup(path);
  if (copy == NULL) fail("out of memory");
  for (char *slash = strchr(copy + 1, '/');; slash = strchr(slash + 1, '/')) {
    if (slash) *slash = 0;
    if (mkdir(copy, 0700) < 0 && errno != EEXIST) fail("directory %s: cannot be made: %s", copy, strerror(errno));
    if (!slash) break;
    *slash = '/';
  }
  free(copy);
}

// Whoever else could write there would be root in the user's pods. Locked: of all who come and go one at a time.
int open_state(const char *path) {
  for (;;) {
    struct stat found, now;
    if (mkdir(path, 0700) < 0 && errno != EEXIST) fail("directory %s: cannot be made: %s", path, strerror(errno));
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 && errno == ENOENT) continue;
    if (dir < 0 || fstat(dir, &found) < 0) fail("directory %s: cannot be opened: %s", path, strerror(errno));
    if (found.st_uid != getuid() || (found.st_mode & 077)) fail("directory %s: must be yours, and closed to all others", path);
    while (flock(dir, LOCK_EX) < 0)
      if (errno != EINTR) fail("directory %s: cannot be locked: %s", path, strerror(errno));
    // A holder that ended may have taken it along.
    if (stat(path, &now) == 0 && now.st_ino == found.st_ino && now.st_dev == found.st_dev) return dir;
    close(dir);
  }
}

char *find_state(void) {
  struct stat found;
  const char *runtime = environment("XDG_RUNTIME_DIR");
  char *path;
  if (runtime && stat(runtime, &found) == 0 && found.st_uid == getuid()) return join(runtime, "peapod");
  if (asprintf(&path, "/tmp/peapod-%d", (int)getuid()) < 0) fail("out of memory");
  return path;
}

// What a reboot must not take lies elsewhere; the engine finds it below its root as with every root of one's own.
static void link_below(int state, const char *variable, const char *usual, const char *const names[]) {
  const char *base = environment(variable), *home = environment("HOME");
  if (!base && !home) fail("neither %s nor HOME names a directory", variable);
  char *dir = join(base ? base : join(home, usual), "peapod");
  for (; *names; names++) {
    char there[4096], *target = join(dir, *names);
    ssize_t length = readlinkat(state, *names, there, sizeof there);
    struct stat found;
    if (length == (ssize_t)strlen(target) && memcmp(there, target, (size_t)length) == 0 && stat(target, &found) == 0) continue;
    make_directories(target);
    if (length >= 0) unlinkat(state, *names, 0);
    if (symlinkat(target, state, *names) < 0 && errno != EEXIST) fail("link to %s: cannot be made: %s", target, strerror(errno));
  }
}

void link_home(int state) {
  static const char *const data[] = {"images", "volumes", "seccomp", NULL}, *const logs[] = {"logs", NULL};
  link_below(state, "XDG_DATA_HOME", ".local/share", data);
  link_below(state, "XDG_STATE_HOME", ".local/state", logs);
}
