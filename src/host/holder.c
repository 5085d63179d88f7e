// The holder: a process that does nothing but be in a user's namespaces (nothing else can keep a mount namespace that is
// not root's), and ends when it is alone there. Its file, `holder` in the state directory, is locked as long as it lives,
// so that it tells its pid by fcntl(2), F_GETLK, which no reuse of a pid can falsify. The file's text is the numbers of
// both namespaces, by which their inhabitants are found should the holder be killed.

#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/syscalls.h"
#include "holder.h"

#define FILE_NAME "holder"

static ssize_t read_namespace(const char *pid, const char *kind, char *text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%.16s/ns/%s", pid, kind);
  ssize_t length = readlink(path, text, size - 1);
  if (length >= 0) text[length] = 0;
  return length;
}

// Any process but `self` in the user namespace of that name, and in the mount namespace, where one is named; a reaper
// before all others, since it stays the longest.
static pid_t find_in(const char *wanted, const char *mounts, pid_t self) {
  char found[64], comm[32], path[64];
  struct dirent *entry;
  pid_t any = 0;
  DIR *proc = opendir("/proc");
  if (proc == NULL) return 0;
  while ((entry = readdir(proc)) != NULL) {
    pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
    if (pid <= 0 || pid == self || read_namespace(entry->d_name, "user", found, sizeof found) < 0) continue;
    // A zombie has a user still, but no mounts any more, and nothing can be joined through it.
    if (strcmp(found, wanted) != 0 || read_namespace(entry->d_name, "mnt", found, sizeof found) < 0) continue;
    if (mounts && strcmp(found, mounts) != 0) continue;
    any = pid;
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, comm, sizeof comm - 1);
    if (fd >= 0) close(fd);
    if (length > 0 && strncmp(comm, "peapod-reaper", 13) == 0) break;
  }
  closedir(proc);
  return any;
}

static void wait_for_end(pid_t pid) {
  struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
  // Already gone, or no descriptor to be had: look again, in a while.
  if (end.fd < 0) {
    poll(NULL, 0, 50);
    return;
  }
  while (poll(&end, 1, -1) < 0 && errno == EINTR) continue;
  close(end.fd);
}

// True once it is not only alone, but nobody can be on his way in: who comes has the directory locked.
static int is_over(int dir, const char *own) {
  while (flock(dir, LOCK_EX) < 0)
    if (errno != EINTR) return 1;
  if (find_in(own, NULL, getpid()) == 0) return 1;
  flock(dir, LOCK_UN);
  return 0;
}

// The links are made anew by who comes next; what pods have left stays.
static void take_away(const char *state, int dir) {
  static const char *const names[] = {FILE_NAME, "images", "volumes", "seccomp", "logs"};
  struct stat found;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (fstatat(dir, names[i], &found, AT_SYMLINK_NOFOLLOW) == 0 && (i == 0 || S_ISLNK(found.st_mode))) unlinkat(dir, names[i], 0);
  rmdir(state);
}

_Noreturn void hold(const char *state, int report) {
  char own[64], mounts[64];
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  // Nobody's child: the command that made it becomes another program, which would not know what to do with it.
  pid_t child = fork();
  if (child != 0) _exit(child < 0);
  setsid();
  prctl(PR_SET_NAME, "peapod-holder");
  int dir = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int file = dir < 0 ? -1 : openat(dir, FILE_NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0 || fcntl(file, F_SETLK, &lock) < 0 || read_namespace("self", "user", own, sizeof own) < 0 ||
      read_namespace("self", "mnt", mounts, sizeof mounts) < 0 || dprintf(file, "%s %s\n", own, mounts) < 0) {
    dprintf(report, "%s/" FILE_NAME ": %s", state, strerror(errno));
    _exit(1);
  }
  // Nothing of our caller's is kept open or busy.
  int null = open("/dev/null", O_RDWR);
  if (null < 0 || chdir("/") < 0) _exit(1);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  if (write(report, "+", 1) != 1) _exit(1);
  for (int fd = 3; fd < 256; fd++)
    if (fd != dir && fd != file) close(fd);
  for (;;) {
    pid_t other = find_in(own, NULL, getpid());
    if (other > 0) wait_for_end(other);
    else if (is_over(dir, own)) break;
  }
  take_away(state, dir);
  _exit(0);
}

static int open_file(int dir) {
  return openat(dir, FILE_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
}

pid_t find_holder(int dir) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int file = open_file(dir);
  if (file < 0) return 0;
  int told = fcntl(file, F_GETLK, &lock);
  close(file);
  return told < 0 || lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

pid_t find_inhabitant(int dir, int *has_mounts) {
  char text[128], user[64], mounts[64];
  int file = open_file(dir);
  if (file < 0) return 0;
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 1) return 0;
  text[length] = 0;
  if (sscanf(text, "%63s %63s", user, mounts) != 2) return 0;
  pid_t found = find_in(user, mounts, getpid());
  *has_mounts = found > 0;
  return found > 0 ? found : find_in(user, NULL, getpid());
}
