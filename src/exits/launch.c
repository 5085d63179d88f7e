// How a reaper comes to be: with a new pod, whose caller waits at the link for the exit code, or for a pod whose reaper died.

#define _GNU_SOURCE
#include "reaper.h"
#include "../base/syscalls.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OURS_FROM = 16 };

int keep(int fd) {
  int high = fcntl(fd, F_DUPFD_CLOEXEC, OURS_FROM);
  if (high >= 0 && fd > 2) close(fd);
  return high;
}

int complain(const char *what) {
  fprintf(stderr, "peapod-reaper: %s: %s\n", what, strerror(errno));
  return LAUNCH_FAILED;
}

static int become_reaper(void) {
  int bell[2], null;
  sigset_t child;
  setsid();
  prctl(PR_SET_NAME, "peapod-reaper");
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) return -1;
  // All signals are blocked since before the fork, so nothing but SIGKILL ends it.
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  signal(SIGCHLD, SIG_DFL);
  if ((signals = keep(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK))) < 0) return -1;
  if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0 || (devnull = keep(null)) < 0) return -1;
  for (int i = 0; i < HANDED; i++) handed[i] = devnull;
  if (pipe2(bell, O_CLOEXEC) < 0) return -1;
  handed[BELL] = keep(bell[0]);
  ring = keep(bell[1]);
  fcntl(ring, F_SETFL, O_NONBLOCK);
  handed[CONTROL] = keep(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return handed[BELL] < 0 || ring < 0 || handed[CONTROL] < 0 ? -1 : 0;
}

static void leave_stdio(void) {
  for (int fd = 0; fd < 3; fd++) dup2(devnull, fd);
}

// The caller gave up (Ctrl-C) or was killed: our half of the link is closed, which the supervisor sees, and its answer is awaited.
static int launcher_link;
static void give_up(int signal) {
  (void)signal;
  shutdown(launcher_link, SHUT_WR);
}

// A caller that waits for us is missed, even where SIGKILL leaves it no word.
static void follow(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) give_up(SIGTERM);
}

int launch(char **argv, pid_t parent) {
  int link[2], ends[2];
  sigset_t all, before;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) < 0) return complain("socketpair");
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid = fork();
  if (pid < 0) return complain("fork");
  if (pid > 0) {
    unsigned char code;
    ssize_t n;
    close(link[1]);
    launcher_link = link[0];
    const int stops[] = {SIGINT, SIGTERM, SIGHUP};
    // What the caller ignores (nohup) stays ignored.
    for (int i = 0; i < 3; i++)
      if (signal(stops[i], give_up) == SIG_IGN) signal(stops[i], SIG_IGN);
    if (parent > 0) follow(parent);
    // Should we be killed, the hang-up of the link tells the same.
    sigprocmask(SIG_SETMASK, &before, NULL);
    do n = read(link[0], &code, 1);
    while (n < 0 && errno == EINTR);
    return n == 1 ? code : LAUNCH_FAILED;
  }
  close(link[0]);
  if (become_reaper() < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) _exit(complain("start"));
  handed[LINK] = keep(link[1]);
  handed[OUT] = keep(1);
  handed[ERR] = keep(2);
  handed[SETTLE] = keep(ends[0]);
  settle_end = keep(ends[1]);
  if (handed[LINK] < 0 || handed[OUT] < 0 || handed[ERR] < 0 || settle_end < 0) _exit(complain("start"));
  leave_stdio();
  // NODE SCRIPT -- ARGS... becomes NODE SCRIPT ARGS...
  node = argv[0];
  script = argv[1];
  argv[2] = script;
  argv[1] = node;
  first_argv = argv + 1;
  loop();
}

int adopt(char **argv) {
  int report[2];
  char said[256];
  sigset_t all;
  if (pipe2(report, O_CLOEXEC) < 0) return complain("pipe");
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  pid_t pid = fork();
  if (pid < 0) return complain("fork");
  if (pid > 0) {
    close(report[1]);
    ssize_t n = read(report[0], said, sizeof said);
    return n > 0 && said[0] == '+' ? 0 : LAUNCH_FAILED;
  }
  const char *what = "start";
  snprintf(dir, sizeof dir, "%s", argv[0]);
  node = argv[1];
  script = argv[2];
  argv += 3;
  close(report[0]);
  if (become_reaper() < 0 || (report[1] = keep(report[1])) < 0) goto failed;
  if (strcmp(argv[0], "--after") == 0) {
    after = (int)syscall(SYS_pidfd_open, atoi(argv[1]), 0);
    if (after >= 0) after = keep(after);
    argv += 2;
  }
  for (what = "process"; *++argv;)
    if (watch(*argv) < 0) goto failed;
  what = dir;
  if (settle() < 0) goto failed;
  leave_stdio();
  if (write(report[1], "+", 1) < 0) _exit(LAUNCH_FAILED);
  close(report[1]);
  look_at_watched();
  loop();
failed:
  _exit(complain(what));
}
