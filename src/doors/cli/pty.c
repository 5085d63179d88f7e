// Runs a program (a runtime's exec) on a terminal of its own, whatever our standard input is, and carries bytes and window
// size between the two. Leaving by the detach keys lets the program run: a process in the background stays at its terminal.
//
//   peapod-pty [--detach-keys CODE,CODE...] -- PROGRAM ARGS...
//
// Ends with the program's exit status as a shell shows it, 0 when left; 125 where it could not be started. The terminal on
// standard input is raw meanwhile and given back in every case but SIGKILL. The end of an input that is none is ^D. When
// whoever started it dies, the program is hung up.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { CHUNK = 4096, MAX_KEYS = 32, FAILED = 125, DRAIN_MS = 100, ENDS = 5, END_MS = 200 };

static struct termios ours;
static int is_raw, master, keys[MAX_KEYS], key_count, keys_seen;
// Typed, and not taken yet by the program: no more is read meanwhile. Keys that were kept back come on top of a chunk.
static char given[CHUNK + MAX_KEYS];
static size_t given_from, given_to;

static void give_back(void) {
  if (is_raw) tcsetattr(0, TCSADRAIN, &ours);
  is_raw = 0;
}

_Noreturn static void fail(const char *what) {
  give_back();
  fprintf(stderr, "peapod-pty: %s: %s\n", what, strerror(errno));
  _exit(FAILED);
}

static void copy_size(void) {
  struct winsize size;
  for (int fd = 0; fd < 3; fd++)
    if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
      ioctl(master, TIOCSWINSZ, &size);
      return;
    }
}

static void make_raw(void) {
  struct termios raw;
  if (tcgetattr(0, &ours) < 0) return;
  raw = ours;
  cfmakeraw(&raw);
  is_raw = tcsetattr(0, TCSADRAIN, &raw) == 0;
}

// What comes before the program has made it so must neither be echoed nor taken for a sign.
static void make_plain(void) {
  struct termios plain;
  if (tcgetattr(master, &plain) < 0) return;
  cfmakeraw(&plain);
  plain.c_oflag |= OPOST | ONLCR;
  tcsetattr(master, TCSANOW, &plain);
}

static pid_t start(char **argv, const sigset_t *before) {
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid > 0) return pid;
  setsid();
  int slave = open(ptsname(master), O_RDWR);
  if (slave < 0) fail("terminal");
  ioctl(slave, TIOCSCTTY, 0);
  for (int fd = 0; fd < 3; fd++) dup2(slave, fd);
  if (slave > 2) close(slave);
  close(master);
  sigprocmask(SIG_SETMASK, before, NULL);
  execvp(argv[0], argv);
  fprintf(stderr, "peapod-pty: %s: %s\n", argv[0], strerror(errno));
  _exit(FAILED);
}

// All of it, as fast as it is taken; -1: nobody takes it.
static int write_all(int fd, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t n = write(fd, bytes, count);
    if (n < 0 && errno == EINTR) continue;
    // Somebody who shares our standard output may have made it so.
    if (n < 0 && errno == EAGAIN && poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1) >= 0) continue;
    if (n <= 0) return -1;
    bytes += n;
    count -= (size_t)n;
  }
  return 0;
}

static void give(void) {
  while (given_from < given_to) {
    ssize_t n = write(master, given + given_from, given_to - given_from);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) break;
    given_from += (size_t)n;
  }
  given_from = given_to = 0;
}

// What may be the beginning of the detach keys is kept back. True: they were typed.
static int take_typed(const char *typed, ssize_t count) {
  for (ssize_t i = 0; i < count; i++) {
    int key = (unsigned char)typed[i];
    if (key_count > 0 && key != keys[keys_seen]) {
      for (int k = 0; k < keys_seen; k++) given[given_to++] = (char)keys[k];
      keys_seen = 0;
    }
    if (key_count == 0 || key != keys[keys_seen]) given[given_to++] = (char)key;
    else if (++keys_seen == key_count) return 1;
  }
  return 0;
}

// The caller goes; whoever reads the program's terminal stays, until everybody has closed it.
_Noreturn static void leave(int status) {
  char bytes[CHUNK];
  give_back();
  if (fork() != 0) _exit(status);
  setsid();
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  if (chdir("/") < 0) _exit(1);
  for (;;) {
    give();
    poll(&(struct pollfd){.fd = master, .events = POLLIN}, 1, -1);
    ssize_t n = read(master, bytes, sizeof bytes);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) _exit(0);
  }
}

_Noreturn static void end(int status) {
  char bytes[CHUNK];
  ssize_t n;
  // A child of the program may hold its terminal for longer than we want to wait.
  while (poll(&(struct pollfd){.fd = master, .events = POLLIN}, 1, DRAIN_MS) > 0 && (n = read(master, bytes, sizeof bytes)) > 0)
    if (write_all(1, bytes, (size_t)n) < 0) break;
  give_back();
  _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void hear_signals(int signals, pid_t child) {
  struct signalfd_siginfo info;
  int status;
  while (read(signals, &info, sizeof info) == sizeof info) {
    int signo = (int)info.ssi_signo;
    if (signo == SIGWINCH) copy_size();
    else if (signo != SIGCHLD) kill(child, signo);
    else if (waitpid(child, &status, WNOHANG) == child) end(status);
    // Our terminal is gone, or who started us: nobody is there to wait for.
    if (signo == SIGHUP) leave(128 + SIGHUP);
  }
}

// More than once: a program that has just changed its terminal's mode does not see it, and the end of a pipe lasts.
static int give_end(int left) {
  if (given_to < sizeof given) given[given_to++] = 4;
  give();
  return left - 1;
}

_Noreturn static void loop(int signals, pid_t child) {
  char bytes[CHUNK];
  int is_over = 0, ends_left = ENDS;
  for (;;) {
    int waits = given_from < given_to;
    short wanted = (short)(POLLIN | (waits ? POLLOUT : 0));
    struct pollfd set[3] = {{.fd = signals, .events = POLLIN},
                            {.fd = is_over ? -1 : master, .events = wanted},
                            {.fd = waits || ends_left < ENDS ? -1 : 0, .events = POLLIN}};
    int ready = poll(set, 3, ends_left < ENDS && ends_left > 0 ? END_MS : -1);
    if (ready < 0) continue;
    if (set[1].revents & (POLLIN | POLLHUP)) {
      ssize_t n = read(master, bytes, sizeof bytes);
      // All have closed it: now only the program's end is to come.
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) is_over = 1;
      else if (n > 0 && write_all(1, bytes, (size_t)n) < 0) kill(child, SIGHUP);
    }
    if (set[1].revents & POLLOUT) give();
    if (set[2].revents) {
      ssize_t n = read(0, bytes, CHUNK);
      int leaves = n > 0 && take_typed(bytes, n);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) ends_left = give_end(ENDS);
      give();
      if (leaves) leave(0);
    }
    if (ready == 0) ends_left = give_end(ends_left);
    if (set[0].revents) hear_signals(signals, child);
  }
}

static void parse_keys(const char *text) {
  for (const char *at = text; *at && key_count < MAX_KEYS; at += *at == ',') {
    char *rest;
    keys[key_count++] = (int)strtol(at, &rest, 10);
    if (rest == at) break;
    at = rest;
  }
}

int main(int argc, char **argv) {
  int first = 1;
  sigset_t heard, before;
  if (argc > 3 && strcmp(argv[1], "--detach-keys") == 0) {
    parse_keys(argv[2]);
    first = 3;
  }
  if (argc < first + 2 || strcmp(argv[first], "--") != 0) {
    fputs("usage: peapod-pty [--detach-keys CODE,CODE...] -- PROGRAM ARGS...\n", stderr);
    return FAILED;
  }
  const int all[] = {SIGWINCH, SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2};
  sigemptyset(&heard);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) sigaddset(&heard, all[i]);
  sigprocmask(SIG_BLOCK, &heard, &before);
  signal(SIGCHLD, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGHUP);
  int signals = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
  master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master >= 0) fcntl(master, F_SETFL, fcntl(master, F_GETFL) | O_NONBLOCK);
  if (signals < 0 || master < 0 || unlockpt(master) < 0) fail("terminal");
  make_plain();
  copy_size();
  pid_t child = start(argv + first + 1, &before);
  make_raw();
  loop(signals, child);
}
