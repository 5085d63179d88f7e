// peapod-rootless PROGRAM ARGS...: becomes PROGRAM as root of the user's own user and mount namespaces. They are one pair
// for all of a user's commands, so that each sees the mounts of the others' pods; where there is none it is made, with the
// ids that /etc/subuid and /etc/subgid give (newuidmap(1)). A holder (holder.c) keeps the pair while somebody is in it, and
// ends with the last. Root becomes PROGRAM at once.
//
// State lies in $XDG_RUNTIME_DIR/peapod, else /tmp/peapod-UID, which must be the user's alone; what outlives a session lies
// in $XDG_DATA_HOME and $XDG_STATE_HOME, with links to it from there. PEAPOD_ROOT names the directory for PROGRAM, and
// PEAPOD_USERNS tells it where it is. Exit code 125 and one line on stderr where it cannot be.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/syscalls.h"
#include "holder.h"
#include "own-cgroup.h"
#include "subids.h"
#include "user-dirs.h"

enum { FAILED = 125 };

_Noreturn void fail(const char *format, ...) {
  va_list words;
  va_start(words, format);
  fputs("peapod: ", stderr);
  vfprintf(stderr, format, words);
  fputc('\n', stderr);
  va_end(words);
  _exit(FAILED);
}

// ---- the namespaces ----

static void run_mapper(const char *program, pid_t pid, unsigned own, const struct ranges *ranges) {
  char text[2 + 3 * MAX_RANGES + 4][16], *argv[2 + 3 * MAX_RANGES + 4];
  int count = 0, status;
  unsigned inside = 1;
#define WORD(...) (snprintf(text[count], sizeof text[count], __VA_ARGS__), argv[count] = text[count], count++)
  WORD("%s", program);
  WORD("%d", (int)pid);
  WORD("0");
  WORD("%u", own);
  WORD("1");
  for (int i = 0; i < ranges->count; i++) {
    WORD("%u", inside);
    WORD("%u", ranges->first[i]);
    WORD("%u", ranges->size[i]);
    inside += ranges->size[i];
  }
  argv[count] = NULL;
  pid_t child = fork();
  if (child < 0) fail("fork: %s", strerror(errno));
  if (child == 0) {
    execvp(program, argv);
    if (errno == ENOENT) fail("%s: is not installed; it comes with Debian's package uidmap", program);
    fail("%s: cannot be run: %s", program, strerror(errno));
  }
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  // Our own words were said by the child.
  if (WIFEXITED(status) && WEXITSTATUS(status) == FAILED) _exit(FAILED);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail("%s: could not map the ids of user %u (see its own words above)", program, own);
}

static void read_ranges(const char *file, struct ranges *ranges) {
  if (read_subids(file, getuid(), ranges) == 0) return;
  fail("%s: has no ids for user %s; a range is added by: sudo usermod --add-subuids 100000-165535 --add-subgids "
       "100000-165535 %s (see docs/rootless.md)", file, user_name(getuid()), user_name(getuid()));
}

// The words of a child that could not go on, or nothing once it could.
static void hear(int from, pid_t child, const char *what) {
  char words[256];
  ssize_t length;
  do length = read(from, words, sizeof words - 1);
  while (length < 0 && errno == EINTR);
  if (length == 1 && words[0] == '+') return;
  waitpid(child, NULL, 0);
  if (length > 0) fail("%s: %.*s", what, (int)length, words);
  fail("%s: ended without a word", what);
}

static void say_errno(int to, const char *what) {
  dprintf(to, "%s: %s", what, strerror(errno));
  _exit(1);
}

static int make_own_mounts(void) {
  // What the host mounts later comes in, and nothing of ours goes out.
  return unshare(CLONE_NEWNS) < 0 ? -1 : mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
}

// By a child, which makes the holder when they are mapped.
static void make_namespaces(const char *state) {
  struct ranges uids, gids;
  int up[2], down[2];
  unsigned gid = getgid();
  read_ranges("/etc/subuid", &uids);
  read_ranges("/etc/subgid", &gids);
  if (pipe2(up, O_CLOEXEC) < 0 || pipe2(down, O_CLOEXEC) < 0) fail("pipe: %s", strerror(errno));
  pid_t child = fork();
  if (child < 0) fail("fork: %s", strerror(errno));
  if (child == 0) {
    char go;
    close(down[1]);
    if (unshare(CLONE_NEWUSER) < 0) say_errno(up[1], "the kernel refuses (kernel.unprivileged_userns_clone, user.max_user_namespaces)");
    if (write(up[1], "+", 1) != 1 || read(down[0], &go, 1) != 1) _exit(1);
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) say_errno(up[1], "cannot become root in it");
    if (make_own_mounts() < 0) say_errno(up[1], "gives no mount namespace (kernel.apparmor_restrict_unprivileged_userns)");
    hold(state, up[1]);
  }
  close(up[1]);
  close(down[0]);
  hear(up[0], child, "user namespace");
  run_mapper("newuidmap", child, getuid(), &uids);
  run_mapper("newgidmap", child, gid, &gids);
  if (write(down[1], "+", 1) != 1) fail("user namespace: ended early");
  close(down[1]);
  hear(up[0], child, "user namespace");
  close(up[0]);
  waitpid(child, NULL, 0);
}

// -1 where the process has ended meanwhile.
static int enter(pid_t pid, int which) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0 || setns(fd, which) < 0) {
    if (errno == ESRCH) return fd < 0 ? -1 : (close(fd), -1);
    fail("namespaces of process %d: cannot be joined: %s", (int)pid, strerror(errno));
  }
  close(fd);
  if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) fail("user namespace: cannot become root in it: %s", strerror(errno));
  return 0;
}

// The holder was killed, and pods keep its namespaces alive: one of them lets us in, and a new holder comes to be there.
static void replace_holder(const char *state) {
  int up[2];
  if (pipe2(up, O_CLOEXEC) < 0) fail("pipe: %s", strerror(errno));
  pid_t child = fork();
  if (child < 0) fail("fork: %s", strerror(errno));
  if (child == 0) hold(state, up[1]);
  close(up[1]);
  hear(up[0], child, "holder of the user namespace");
  close(up[0]);
  waitpid(child, NULL, 0);
}

static int try_to_enter(const char *state, int dir) {
  pid_t holder = find_holder(dir), other;
  int has_mounts;
  if (holder > 0) return enter(holder, CLONE_NEWUSER | CLONE_NEWNS);
  if ((other = find_inhabitant(dir, &has_mounts)) <= 0) {
    make_namespaces(state);
    if ((holder = find_holder(dir)) <= 0) fail("holder of the user namespace: has ended already");
    return enter(holder, CLONE_NEWUSER | CLONE_NEWNS);
  }
  // Those in a container see its files and no other: from them we have the user alone, and a way to their end.
  if (enter(other, has_mounts ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWUSER) < 0) return -1;
  if (!has_mounts && make_own_mounts() < 0) fail("user namespace: gives no mount namespace: %s", strerror(errno));
  replace_holder(state);
  return 0;
}

// Who is in there may end while we are on our way to him.
static void enter_namespaces(const char *state, int dir) {
  for (int attempt = 0; attempt < 20; attempt++)
    if (try_to_enter(state, dir) == 0) return;
  fail("user namespace: whoever is in it ends before it can be joined");
}

// systemd alone may hand a cgroup down, and moves us into it: for what makes pods, since their processes come from ours.
static void ask_for_cgroup(char **argv) {
  static const char *const verbs[] = {"run", "create", "clone", NULL};
  const char *runtime = environment("XDG_RUNTIME_DIR");
  char *manager = join(runtime ? runtime : "/", "systemd/private"), *words[64];
  static char *const scope[] = {"systemd-run", "--user", "--scope", "--quiet", "--collect", "--property=Delegate=yes",
                                "--description=pod of peapod", "--"};
  int makes = 0, count = 0;
  // Options may stand before the verb; a scope for a word that is none of both does no harm.
  for (int at = 2; argv[1] && argv[at - 1] && argv[at] && strcmp(argv[at], "--") != 0; at++)
    for (int i = 0; verbs[i]; i++) makes |= strcmp(argv[at], verbs[i]) == 0;
  // Once: who was not moved then is not moved now.
  if (!makes || !has_unified_cgroups() || access(manager, F_OK) < 0 || getenv("PEAPOD_SCOPE")) return;
  for (size_t i = 0; i < sizeof scope / sizeof *scope; i++) words[count++] = scope[i];
  for (int i = 0; argv[i] && count < 63; i++) words[count++] = argv[i];
  words[count] = NULL;
  if (count == 63) return;
  setenv("PEAPOD_SCOPE", "asked", 1);
  execvp(words[0], words);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fputs("usage: peapod-rootless PROGRAM ARGS...\n", stderr);
    return FAILED;
  }
  if (geteuid() != 0) {
    if (!settle_in_own_cgroup()) ask_for_cgroup(argv);
    char *here = getcwd(NULL, 0), *state = find_state();
    int dir = open_state(state);
    enter_namespaces(state, dir);
    // Only now, so that who cannot enter leaves nothing.
    link_home(dir);
    // Unlocks: from here on we are in there, and the holder stays.
    close(dir);
    if (!getenv("PEAPOD_ROOT")) setenv("PEAPOD_ROOT", state, 1);
    if (here && chdir(here) < 0) fail("directory %s: cannot be entered: %s", here, strerror(errno));
  }
  setenv("PEAPOD_USERNS", geteuid() == getuid() ? "entered" : "", 1);
  execvp(argv[1], argv + 1);
  fail("%s: cannot be run: %s", argv[1], strerror(errno));
}
