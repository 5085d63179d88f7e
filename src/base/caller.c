// peapod-caller: starts programs for a supervisor that would be slow to fork (Node copies the page tables of 60 MB, and
// stands still meanwhile) and tells how they end. swift-call.ts is the other end.
//
// stdin: frames of a 32 bit length and NUL-ended words: id, stdin, stdout, stderr (a path with 0, 1 or 2
// before it: to read, to write, for both; or @PID:FD), the number of NAME=VALUE
// pairs, the pairs (a NAME alone: the program has none of that name), program, arguments. stdout: lines `ID pid N`, `ID failed ERRNO`, `ID exited CODE`, `ID killed SIGNAL`.
// Ends with its stdin; what it started goes on without it, in sessions of their own.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "syscalls.h"

enum { MAX_FRAME = 256 * 1024, MAX_WORDS = 4096, MAX_CALLS = 1024 };

extern char **environ;
static struct call {
  pid_t pid;
  char id[24];
} calls[MAX_CALLS];
static int call_count;

static void tell(const char *id, const char *what, int number) {
  char line[96];
  int length = snprintf(line, sizeof line, "%s %s %d\n", id, what, number);
  // Nobody listens: stdin will end as well.
  while (write(1, line, (size_t)length) < 0 && errno == EINTR) continue;
}

static int has_name(const char *pair, const char *name, size_t length) {
  return strncmp(pair, name, length) == 0 && (pair[length] == '=' || pair[length] == '\0');
}

/** Ours, but for the names that the call brings along. */
static char **make_environment(char **pairs, int count) {
  static char *all[MAX_WORDS * 2];
  int n = 0;
  for (int i = 0; i < count; i++)
    if (strchr(pairs[i], '=')) all[n++] = pairs[i];
  for (char **one = environ; *one && n < MAX_WORDS * 2 - 1; one++) {
    size_t name = strcspn(*one, "=");
    int i = 0;
    while (i < count && !has_name(pairs[i], *one, name)) i++;
    if (i == count) all[n++] = *one;
  }
  all[n] = NULL;
  return all;
}

/** Another process's own descriptor, `PID:FD`: sockets can be had in no other way, and a file's offset stays one. */
static int borrow(const char *words) {
  int pid = 0, number = 0;
  if (sscanf(words, "%d:%d", &pid, &number) != 2) return errno = EINVAL, -1;
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  int fd = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, number, 0);
  if (process >= 0) close(process);
  return fd;
}

static int put(const char *word, int number) {
  int fd = *word == '@' ? borrow(word + 1) : open(word + 1, (*word - '0') | O_NOCTTY | O_CLOEXEC);
  return fd < 0 || dup2(fd, number) < 0 ? -1 : 0;
}

static void start(char **words, int count) {
  static volatile int error;
  int pairs = count > 5 ? atoi(words[4]) : -1;
  if (pairs < 0 || pairs > count - 6 || call_count == MAX_CALLS) return tell(words[0], "failed", E2BIG);
  char **env = make_environment(words + 5, pairs), **argv = words + 5 + pairs;
  error = 0;
  // The child shares our memory until it runs the program, so its errno comes to us.
  pid_t pid = vfork();
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    setsid();
    // One file for both has one offset for both.
    int is_one = strcmp(words[2], words[3]) == 0;
    if (put(words[1], 0) == 0 && put(words[2], 1) == 0 && (is_one ? dup2(1, 2) : put(words[3], 2)) >= 0) {
      signal(SIGCHLD, SIG_DFL);
      sigprocmask(SIG_SETMASK, &none, NULL);
      execvpe(argv[0], argv, env);
    }
    error = errno;
    _exit(127);
  }
  if (pid < 0) return tell(words[0], "failed", errno);
  if (error) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    return tell(words[0], "failed", error);
  }
  calls[call_count].pid = pid;
  snprintf(calls[call_count++].id, sizeof calls[0].id, "%s", words[0]);
  tell(words[0], "pid", (int)pid);
}

static void reap(void) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    int i = 0;
    while (i < call_count && calls[i].pid != pid) i++;
    if (i == call_count) continue;
    if (WIFSIGNALED(status)) tell(calls[i].id, "killed", WTERMSIG(status));
    else tell(calls[i].id, "exited", WEXITSTATUS(status));
    calls[i] = calls[--call_count];
  }
}

/** All whole frames that came; the rest stays for the next time. */
static void hear(void) {
  static char buffer[MAX_FRAME];
  static size_t have;
  ssize_t n = read(0, buffer + have, sizeof buffer - have);
  if (n < 0 && errno == EINTR) return;
  if (n <= 0) _exit(0);
  have += (size_t)n;
  for (;;) {
    uint32_t length;
    if (have < sizeof length) return;
    memcpy(&length, buffer, sizeof length);
    if (length < 2 || length > sizeof buffer - sizeof length) _exit(1);
    if (have < sizeof length + length) return;
    char *words[MAX_WORDS], *at = buffer + sizeof length, *end = at + length;
    int count = 0;
    if (end[-1] != 0) _exit(1);
    for (; at < end && count < MAX_WORDS - 1; at += strlen(at) + 1) words[count++] = at;
    words[count] = NULL;
    start(words, count);
    have -= sizeof length + length;
    memmove(buffer, end, have);
  }
}

static void wake(int signal) { (void)signal; }

int main(void) {
  sigset_t child, before;
  struct sigaction action = {.sa_handler = wake};
  prctl(PR_SET_NAME, "peapod-caller");
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, &before);
  sigaction(SIGCHLD, &action, NULL);
  for (;;) {
    struct pollfd in = {.fd = 0, .events = POLLIN};
    int ready = ppoll(&in, 1, NULL, &before);
    reap();
    if (ready > 0) hear();
  }
}
