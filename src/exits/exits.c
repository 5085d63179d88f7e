// The pod's `exits` file: a line for every exit, on disk before the kernel may forget it, and then the bell is rung.

#define _GNU_SOURCE
#include "reaper.h"
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int exits = -1, ring, retry;
off_t exits_end;

// The line of an exit that could not be written yet keeps its first time stamp; the same bytes go to the same
// offset again, so that a torn write on a full disk is overwritten.
int record(pid_t pid, const char *kind, const char *value) {
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

int record_status(pid_t pid, int status) {
  char value[16];
  snprintf(value, sizeof value, "%d", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  return record(pid, WIFSIGNALED(status) ? "killed" : "exited", value);
}
