// peapod-idmap: binds directories and files where a user namespace sees their owners as the host does (mount_setattr(2),
// MOUNT_ATTR_IDMAP), which mount(8) knows from util-linux 2.39 on only. One pair of maps for all; ends with the first
// that fails, and leaves what was bound before to its caller.
//
//     peapod-idmap INSIDE:OUTSIDE:COUNT[,...] INSIDE:OUTSIDE:COUNT[,...] [+]SOURCE TARGET [[+]SOURCE TARGET]...
//
// The first word maps users, the second groups: who is INSIDE on disk is OUTSIDE through the mount, so that a user
// namespace with the same map sees INSIDE again. What is mounted below SOURCE comes along. TARGET must be there.
// With a plus before SOURCE programs in it may be run, though they lie on a noexec file system, as /run often is.
// Exit codes: 0; 1 with a line on stderr, `SOURCE: what: why`; 2 for a wrong command line.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// linux/mount.h is not there for every C library; these numbers are one for all architectures (since Linux 5.2 and 5.12).
enum { OPEN_TREE = 428, MOVE_MOUNT = 429, MOUNT_SETATTR = 442 };
enum { TREE_CLONE = 1, TREE_CLOEXEC = O_CLOEXEC, FD_IS_PATH = 0x1000, WHOLE_TREE = 0x8000, FROM_FD = 4 };
enum { ATTR_NOEXEC = 8, ATTR_IDMAP = 0x00100000, PRIVATE = 1 << 18 };

struct attributes {
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint64_t userns;
};

static int fail(const char *what, const char *how) {
  fprintf(stderr, "%s: %s: %s\n", what, how, strerror(errno));
  return 1;
}

// `0:100000:65536,...` as lines of /proc/PID/uid_map; false where it is not of that form.
static int parse_map(const char *text, char *lines, size_t size) {
  size_t used = 0;
  while (*text) {
    unsigned long numbers[3];
    for (int at = 0; at < 3; at++) {
      char *end;
      if (*text < '0' || *text > '9') return 0;
      errno = 0;
      numbers[at] = strtoul(text, &end, 10);
      if (errno || numbers[at] > UINT32_MAX) return 0;
      if (at < 2 ? *end != ':' : *end && *end != ',') return 0;
      text = *end ? end + 1 : end;
    }
    int wrote = snprintf(lines + used, size - used, "%lu %lu %lu\n", numbers[0], numbers[1], numbers[2]);
    if (wrote < 0 || (size_t)wrote >= size - used) return 0;
    used += (size_t)wrote;
  }
  return used > 0;
}

static int write_map(pid_t child, const char *name, const char *lines) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)child, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t wrote = write(fd, lines, strlen(lines));
  close(fd);
  return wrote == (ssize_t)strlen(lines) ? 0 : -1;
}

// A user namespace with these maps, held by nothing but the descriptor. -1 with errno.
static int make_userns(const char *users, const char *groups) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC)) return -1;
  pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    // It must not outlive us, who end it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char failed = unshare(CLONE_NEWUSER) ? (char)errno : 0;
    if (write(ready[1], &failed, 1) != 1) _exit(1);
    for (;;) pause();
  }
  close(ready[1]);
  char failed = EIO;
  int userns = -1;
  if (read(ready[0], &failed, 1) == 1 && !failed) {
    if (!write_map(child, "uid_map", users) && !write_map(child, "gid_map", groups)) {
      char path[64];
      snprintf(path, sizeof path, "/proc/%d/ns/user", (int)child);
      userns = open(path, O_RDONLY | O_CLOEXEC);
    }
    failed = (char)errno;
  }
  close(ready[0]);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  errno = failed;
  return userns;
}

static int bind_mapped(int userns, const char *source, const char *target) {
  int runs = *source == '+';
  if (runs) source++;
  int tree = (int)syscall(OPEN_TREE, AT_FDCWD, source, TREE_CLONE | TREE_CLOEXEC | WHOLE_TREE);
  if (tree < 0) return fail(source, "cannot be bound");
  // Private, or what is unmounted below the copy later on would be unmounted below SOURCE as well.
  struct attributes wanted = {.set = ATTR_IDMAP, .propagation = PRIVATE, .userns = (uint64_t)userns};
  if (runs) wanted.clear = ATTR_NOEXEC;
  if (syscall(MOUNT_SETATTR, tree, "", FD_IS_PATH | WHOLE_TREE, &wanted, sizeof wanted))
    return fail(source, "its file system cannot map owners");
  if (syscall(MOVE_MOUNT, tree, "", AT_FDCWD, target, FROM_FD)) return fail(target, "cannot be mounted on");
  close(tree);
  return 0;
}

int main(int argc, char **argv) {
  char users[4096], groups[4096];
  if (argc < 5 || argc % 2 == 0 || !parse_map(argv[1], users, sizeof users) ||
      !parse_map(argv[2], groups, sizeof groups)) {
    fputs("usage: peapod-idmap USERS GROUPS [+]SOURCE TARGET [[+]SOURCE TARGET]...\n", stderr);
    return 2;
  }
  int userns = make_userns(users, groups);
  if (userns < 0) return fail("user namespace", "cannot be made");
  for (int at = 3; at < argc; at += 2)
    if (bind_mapped(userns, argv[at], argv[at + 1])) return 1;
  return 0;
}
