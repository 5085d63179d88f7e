// The pod's anchor: adopts what its descendants leave behind (PR_SET_CHILD_SUBREAPER, prctl(2)), writes every
// exit to the pod's `exits` file before the kernel may forget it, rings the supervisor's bell and starts the
// supervisor again when it died. It kills nothing, decides nothing and allocates nothing.
//
//   peapod-reaper launch [--for PID] NODE SCRIPT -- ARGS... start a pod; ends with the exit code sent over the link,
//                                                           125 where none comes; at Ctrl-C, or once its parent PID is
//                                                           gone, hangs up and waits for it
//   peapod-reaper adopt DIR NODE SCRIPT [--after PID] -- PID[:STARTTIME]...   take over a pod whose reaper died
//   peapod-reaper pause                                     first process of a shared pid namespace
//   peapod-reaper forget FILE BYTES                         give back the disk below the first BYTES of an `exits` file
//
// The supervisor's descriptors: 3 control socket, 4 bell (read end), 5 link to the launcher, 6 and 7 the caller's
// stdout and stderr, 8 settle. Once the launcher is gone, or for adopt, 5 to 7 are /dev/null; so is 8 once settled.

#define _GNU_SOURCE
#include "reaper.h"
#include "../base/syscalls.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_HANDED = 3, ASLEEP_CODE = 75 };

int handed[HANDED], devnull, signals, after = -1;
char *node, *script, **first_argv;

static pid_t supervisor;
static enum { RUNNING, ASLEEP, DUE } state = DUE;
static int64_t started_at, due_at, wake_at, quick_pause;

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void replace_by_null(int which) {
  if (handed[which] != devnull) close(handed[which]);
  handed[which] = devnull;
}

// When a supervisor that fell asleep wants to be called although nothing happens: its marker's time, if that is to come.
static int64_t wake_time(int64_t now) {
  struct stat st;
  struct timespec clock;
  if (stat("asleep", &st) < 0) return 0;
  clock_gettime(CLOCK_REALTIME, &clock);
  int64_t ahead = (st.st_mtim.tv_sec - clock.tv_sec) * 1000 + (st.st_mtim.tv_nsec - clock.tv_nsec) / 1000000;
  return ahead > 0 ? now + ahead : 0;
}

static void supervisor_died(int status) {
  if (!settled) _exit(1);
  if (is_over()) end_with_pod();
  int64_t now = now_ms();
  supervisor = 0;
  // SIGKILL is somebody else's doing and says nothing of the next one's chances: only its own crashes slow it down.
  int was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  if (now - started_at >= 1000) quick_pause = 0;
  else if (!was_killed) quick_pause = quick_pause == 0 ? 100 : quick_pause >= 2500 ? 5000 : quick_pause * 2;
  due_at = now + quick_pause;
  struct pollfd bell = {.fd = handed[BELL], .events = POLLIN};
  int slept = WIFEXITED(status) && WEXITSTATUS(status) == ASLEEP_CODE;
  // A ring that it did not hear before it fell asleep must wake it.
  state = slept && poll(&bell, 1, 0) == 0 ? ASLEEP : DUE;
  wake_at = state == ASLEEP ? wake_time(now) : 0;
}

// A zombie is the record of an exit until the line is on disk: look first, write, only then reap.
static int reap(void) {
  int recorded = 0, status;
  for (;;) {
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == EINTR) continue;
    if (info.si_pid == 0 || info.si_pid == supervisor) break;
    status = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8 : info.si_status;
    if (exits >= 0 && record_status(info.si_pid, status) < 0) break;
    recorded++;
    while (waitpid(info.si_pid, NULL, 0) < 0 && errno == EINTR) continue;
  }
  // Asked for by pid: it may stand behind a zombie that a full disk keeps.
  if (supervisor && waitpid(supervisor, &status, WNOHANG) == supervisor) {
    supervisor_died(status);
    return recorded + reap();
  }
  return recorded;
}

// ---- the supervisor ----

static void start_supervisor(void) {
  if (is_over()) end_with_pod();
  char *later[] = {node, script, "supervise", dir, NULL};
  char **argv = settled ? later : first_argv;
  started_at = now_ms();
  pid_t pid = fork();
  if (pid < 0) {
    due_at = started_at + 1000;
    return;
  }
  if (pid > 0) {
    supervisor = pid;
    state = RUNNING;
    return;
  }
  for (int i = 0; i < HANDED; i++) dup2(handed[i], FIRST_HANDED + i);
  for (int s = 1; s < NSIG; s++) signal(s, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execvp(argv[0], argv);
  dprintf(FIRST_HANDED + ERR, "peapod-reaper: cannot run %s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

_Noreturn void loop(void) {
  static struct pollfd set[5 + MAX_WATCHED];
  for (;;) {
    int64_t now = now_ms();
    if (state == DUE && now >= due_at && after < 0) start_supervisor();
    int timeout = retry ? 100 : -1;
    if (state == DUE && after < 0) {
      int rest = due_at > now ? (int)(due_at - now) : 0;
      if (timeout < 0 || rest < timeout) timeout = rest;
    }
    if (state == ASLEEP && wake_at) {
      int64_t rest = wake_at > now ? wake_at - now : 0;
      if (timeout < 0 || rest < timeout) timeout = rest > INT32_MAX ? INT32_MAX : (int)rest;
    }
    set[0] = (struct pollfd){.fd = signals, .events = POLLIN};
    set[1] = (struct pollfd){.fd = handed[LINK] == devnull ? -1 : handed[LINK]};
    set[2] = (struct pollfd){.fd = settle_end, .events = POLLIN};
    set[3] = (struct pollfd){.fd = state == ASLEEP ? handed[CONTROL] : -1, .events = POLLIN};
    set[4] = (struct pollfd){.fd = after, .events = POLLIN};
    if (poll(set, (nfds_t)(5 + put_watched_polls(set + 5)), timeout) < 0) continue;

    struct signalfd_siginfo drained[8];
    if (set[0].revents) while (read(signals, drained, sizeof drained) > 0) continue;
    if (set[1].revents & (POLLHUP | POLLERR)) {
      replace_by_null(LINK);
      replace_by_null(OUT);
      replace_by_null(ERR);
    }
    if (set[2].revents) hear_settle();
    if (set[4].revents) {
      close(after);
      after = -1;
    }
    retry = 0;
    int woken = reap() + look_at_watched();
    if (state == ASLEEP && (woken || set[3].revents || (wake_at && now_ms() >= wake_at))) {
      state = DUE;
      // The growing pause is for those that die again and again, not for short days with long nights between.
      if (now_ms() - due_at > 1000) quick_pause = 0;
    }
  }
}

// ---- as other programs ----

// As pid 1 of its namespace: a blocked signal is kept for sigwaitinfo(2) even where its default is to be ignored.
static int pause_for_ever(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (;;) {
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    int got = sigwaitinfo(&set, NULL);
    if (got == SIGTERM || got == SIGINT) return 0;
  }
}

// Whole pages, as a hole: offsets stay what they are, and a reaper that has the file open need not know (fallocate(2)).
static int forget(const char *path, const char *bytes) {
  off_t length = (off_t)strtoll(bytes, NULL, 10) & ~(off_t)4095;
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return complain(path);
  if (length > 0 && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, length) < 0) return complain(path);
  return 0;
}

static int usage(void) {
  fputs("usage: peapod-reaper launch [--for PID] NODE SCRIPT -- ARGS...\n"
        "       peapod-reaper adopt DIR NODE SCRIPT [--after PID] -- PID[:STARTTIME]...\n"
        "       peapod-reaper pause\n"
        "       peapod-reaper forget FILE BYTES\n", stderr);
  return 2;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "pause") == 0) return pause_for_ever();
  if (argc == 4 && strcmp(argv[1], "forget") == 0) return forget(argv[2], argv[3]);
  int fd;
  while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd < 3) continue;
  syscall(SYS_close_range, 3, ~0u, 0);
  if (argc >= 2 && strcmp(argv[1], "launch") == 0) {
    int from = argc > 3 && strcmp(argv[2], "--for") == 0 ? 4 : 2;
    return argc >= from + 3 && strcmp(argv[from + 2], "--") == 0 ? launch(argv + from, from == 4 ? atoi(argv[3]) : 0) : usage();
  }
  if (argc < 6 || strcmp(argv[1], "adopt") != 0) return usage();
  int dashes = strcmp(argv[5], "--after") == 0 ? 7 : 5;
  return argc > dashes && strcmp(argv[dashes], "--") == 0 ? adopt(argv + 2) : usage();
}
