// The pod's anchor: adopts what its descendants leave behind (PR_SET_CHILD_SUBREAPER, prctl(2)), writes every
// exit to the pod's `exits` file before the kernel may forget it, rings the supervisor's bell and starts the
// supervisor again when it died. It kills nothing, decides nothing and allocates nothing.
//
//   peapod-reaper launch NODE SCRIPT -- ARGS...             start a pod; ends with the exit code sent over the link,
//                                                           125 where none comes; at Ctrl-C hangs up and waits for it
//   peapod-reaper adopt DIR NODE SCRIPT [--after PID] -- PID[:STARTTIME]...   take over a pod whose reaper died
//   peapod-reaper pause                                     first process of a shared pid namespace
//   peapod-reaper forget FILE BYTES                         give back the disk below the first BYTES of an `exits` file
//
// The supervisor's descriptors: 3 control socket, 4 bell (read end), 5 link to the launcher, 6 and 7 the caller's
// stdout and stderr, 8 settle. Once the launcher is gone, or for adopt, 5 to 7 are /dev/null; so is 8 once settled.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../base/syscalls.h"

// linux/pidfd.h of 6.15 and later; older kernels answer with ENOTTY or leave the bit of the mask unset.
struct exit_info {
  uint64_t mask, cgroup;
  uint32_t ids[11];
  int32_t status;
};
#define GET_INFO _IOWR(0xFF, 11, struct exit_info)
#define INFO_EXIT (1u << 3)

enum { CONTROL, BELL, LINK, OUT, ERR, SETTLE, HANDED };
enum { FIRST_HANDED = 3, OURS_FROM = 16, LAUNCH_FAILED = 125, ASLEEP_CODE = 75, MAX_WATCHED = 512 };

static int handed[HANDED], devnull, ring, settle_end = -1, signals, exits = -1;
static off_t exits_end;
static int settled, retry;
static char dir[PATH_MAX];
static size_t dir_length;
static char *node, *script, **first_argv;

static pid_t supervisor;
static enum { RUNNING, ASLEEP, DUE } state = DUE;
static int64_t started_at, due_at, wake_at, quick_pause;

static struct watched {
  int fd;
  pid_t pid;
  unsigned long long start;
} watched[MAX_WATCHED];
static int watched_count, after = -1;

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

// Out of the way of 3 to 8, which a starting supervisor gets by dup2.
static int keep(int fd) {
  int high = fcntl(fd, F_DUPFD_CLOEXEC, OURS_FROM);
  if (high >= 0 && fd > 2) close(fd);
  return high;
}

static void replace_by_null(int which) {
  if (handed[which] != devnull) close(handed[which]);
  handed[which] = devnull;
}

// ---- exits ----

// The line of an exit that could not be written yet keeps its first time stamp; the same bytes go to the same
// offset again, so that a torn write on a full disk is overwritten.
static int record(pid_t pid, const char *kind, const char *value) {
  static char line[96];
  static pid_t line_pid;
  static int length;
  if (pid != line_pid) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    length = snprintf(line, sizeof line, "%d %s %s %lld.%09ld\n", (int)pid, kind, value, (long long)t.tv_sec, t.tv_nsec);
    line_pid = pid;
  }
  ssize_t n;
  do n = pwrite(exits, line, (size_t)length, exits_end);
  while (n < 0 && errno == EINTR);
  if (n != length) {
    retry = 1;
    return -1;
  }
  exits_end += n;
  line_pid = 0;
  // EAGAIN: the pipe is full of rings already.
  while (write(ring, "!", 1) < 0 && errno == EINTR) continue;
  return 0;
}

static int record_status(pid_t pid, int status) {
  char value[16];
  snprintf(value, sizeof value, "%d", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  return record(pid, WIFSIGNALED(status) ? "killed" : "exited", value);
}

static int is_over(void) {
  struct stat st;
  return settled && fstat(exits, &st) == 0 && st.st_nlink == 0;
}

// A supervisor that was killed between its last two steps left the directory, and nobody after us would take it.
_Noreturn static void end_with_pod(void) {
  struct stat here;
  if (stat(".", &here) == 0 && here.st_nlink > 0) rmdir(dir);
  _exit(0);
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

// ---- processes that another reaper left (pidfd_open(2)) ----

// Fields 3 (state), 22 (start time) and 52 (wait status) of proc_pid_stat(5).
static int read_stat(pid_t pid, char *state_letter, unsigned long long *start, int *status) {
  char path[32], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return -1;
  text[n] = 0;
  // The name before it may hold spaces and brackets.
  char *at = strrchr(text, ')');
  for (int field = 3; at && (at = strchr(at, ' ')) != NULL; field++) {
    at++;
    if (field == 3) *state_letter = *at;
    if (field == 22) *start = strtoull(at, NULL, 10);
    if (field == 52) *status = atoi(at);
  }
  return 0;
}

static int watch(const char *text) {
  char *end, letter = 0;
  unsigned long long start = 0;
  int status = 0;
  pid_t pid = (pid_t)strtol(text, &end, 10);
  unsigned long long wanted = *end == ':' ? strtoull(end + 1, &end, 10) : 0;
  if (pid <= 0 || *end != 0 || watched_count == MAX_WATCHED) return errno = EINVAL, -1;
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0 && errno != ESRCH) return -1;
  if (fd >= 0) fd = keep(fd);
  if (fd >= 0 && (read_stat(pid, &letter, &start, &status) < 0 || (wanted && start != wanted))) {
    close(fd);
    fd = -1;
  }
  watched[watched_count++] = (struct watched){.fd = fd, .pid = pid, .start = start};
  return 0;
}

// 1: recorded; 0: not yet.
static int record_watched(struct watched *w) {
  struct exit_info info = {.mask = INFO_EXIT};
  char letter = 0;
  unsigned long long start = 0;
  int status = 0;
  if (w->fd < 0) return record(w->pid, "lost", "-") == 0;
  int told = ioctl(w->fd, GET_INFO, &info);
  if (told == 0 && (info.mask & INFO_EXIT)) return record_status(w->pid, info.status) == 0;
  // Dead, but its parent did not reap it yet: the zombie's own record, as long as the pid is still that process.
  if (read_stat(w->pid, &letter, &start, &status) == 0 && start == w->start) {
    if (letter == 'Z') return record_status(w->pid, status) == 0;
    return retry = 1, 0;
  }
  if (told == 0 || errno == EINTR) return retry = 1, 0;
  return record(w->pid, "lost", "-") == 0;
}

static int look_at_watched(void) {
  int recorded = 0;
  for (int i = 0; i < watched_count; i++) {
    struct pollfd p = {.fd = watched[i].fd, .events = POLLIN};
    if (p.fd >= 0 && poll(&p, 1, 0) <= 0) continue;
    if (!record_watched(&watched[i])) continue;
    if (watched[i].fd >= 0) close(watched[i].fd);
    watched[i--] = watched[--watched_count];
    recorded++;
  }
  return recorded;
}

// ---- settling in a pod's directory ----

static int write_pid_file(void) {
  char text[16];
  int length = snprintf(text, sizeof text, "%d\n", (int)getpid());
  int fd = open("reaper.pid", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  ssize_t n = write(fd, text, (size_t)length);
  if (n >= 0 && n < length) errno = ENOSPC;
  close(fd);
  return n == length ? 0 : -1;
}

// A line that the last reaper could not finish is cut off; its zombie is recorded anew or lost.
static int find_exits_end(int fd) {
  char tail[128];
  struct stat st;
  if (fstat(fd, &st) < 0) return -1;
  off_t from = st.st_size > (off_t)sizeof tail ? st.st_size - (off_t)sizeof tail : 0;
  ssize_t n = pread(fd, tail, sizeof tail, from);
  if (n < 0) return -1;
  while (n > 0 && tail[n - 1] != '\n') n--;
  exits_end = from + n;
  return ftruncate(fd, exits_end);
}

static int settle(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "control.sock"};
  int home = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (home < 0) return -1;
  int fd = openat(home, "exits", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || find_exits_end(fd) < 0 || fchdir(home) < 0) goto failed;
  if (dir[0] != '/' && getcwd(dir, sizeof dir) == NULL) goto failed;
  if (write_pid_file() < 0 || (unlink("control.sock") < 0 && errno != ENOENT)) goto failed;
  mode_t mask = umask(0177);
  int bound = bind(handed[CONTROL], (struct sockaddr *)&address, sizeof address);
  umask(mask);
  if (bound < 0 || listen(handed[CONTROL], 128) < 0) goto failed;
  close(home);
  exits = keep(fd);
  return exits < 0 ? -1 : (settled = 1, 0);
failed:;
  int error = errno;
  close(home);
  if (fd >= 0) close(fd);
  return errno = error, -1;
}

// `<dir>\n` came over the settle socket, perhaps in pieces.
static void hear_settle(void) {
  char answer[128] = "ok\n";
  ssize_t n = read(settle_end, dir + dir_length, sizeof dir - dir_length);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) {
    close(settle_end);
    settle_end = -1;
    return;
  }
  dir_length += (size_t)n;
  char *end = memchr(dir, '\n', dir_length);
  if (end == NULL && dir_length < sizeof dir) return;
  if (end) *end = 0;
  else errno = ENAMETOOLONG;
  dir_length = 0;
  if (end == NULL || settle() < 0) snprintf(answer, sizeof answer, "%d %s\n", errno, strerror(errno));
  while (send(settle_end, answer, strlen(answer), MSG_NOSIGNAL) < 0 && errno == EINTR) continue;
  if (!settled) return;
  close(settle_end);
  settle_end = -1;
  replace_by_null(SETTLE);
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

_Noreturn static void loop(void) {
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
    // What waits for a retry is ready all the time; the timeout looks after it.
    for (int i = 0; i < watched_count; i++)
      set[5 + i] = (struct pollfd){.fd = retry ? -1 : watched[i].fd, .events = POLLIN};
    if (poll(set, (nfds_t)(5 + watched_count), timeout) < 0) continue;

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

// ---- modes ----

static int complain(const char *what) {
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

// The caller gave up (Ctrl-C): our half of the link is closed, which the supervisor sees, and its answer is awaited.
static int launcher_link;
static void give_up(int signal) {
  (void)signal;
  shutdown(launcher_link, SHUT_WR);
}

static int launch(char **argv) {
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

static int adopt(char **argv) {
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
  fputs("usage: peapod-reaper launch NODE SCRIPT -- ARGS...\n"
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
  if (argc >= 5 && strcmp(argv[1], "launch") == 0 && strcmp(argv[4], "--") == 0) return launch(argv + 2);
  if (argc < 6 || strcmp(argv[1], "adopt") != 0) return usage();
  int dashes = strcmp(argv[5], "--after") == 0 ? 7 : 5;
  return argc > dashes && strcmp(argv[dashes], "--") == 0 ? adopt(argv + 2) : usage();
}
