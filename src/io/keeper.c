// Holds what a container would miss at once if its io were killed: the master of its terminal (the kernel hangs up a
// terminal without one), or the write end of its stdin (whose last close is the end of input). A second process that does
// nothing else, so nothing can go wrong in it (and bears io's own name); the next io borrows the descriptors from it (pidfd_getfd(2)).

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/syscalls.h"
#include "io.h"

// In the keeper's own table: what it keeps begins here.
enum { FIRST_KEPT = 3, LOOK_MS = 200 };

const char *keeper_path, *pid_path;
static pid_t keeper;

// The file that the runtime writes; none yet: it is being made.
int is_container_gone(void) {
  char text[16] = "", stat_path[40], stat_text[64] = "", *name_end;
  int fd = pid_path ? open(pid_path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  long pid = n > 0 ? strtol(text, NULL, 10) : 0;
  if (pid <= 0) return 0;
  snprintf(stat_path, sizeof stat_path, "/proc/%ld/stat", pid);
  fd = open(stat_path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT;
  n = read(fd, stat_text, sizeof stat_text - 1);
  close(fd);
  // The name before the state has at most 15 bytes and may hold brackets itself.
  name_end = n > 0 ? strrchr(stat_text, ')') : NULL;
  return n <= 0 || (name_end && name_end[1] == ' ' && name_end[2] == 'Z');
}

// A terminal that hung up may be opened again as long as its container lives, and what stands in it belongs to the next io.
static int is_needed(struct pollfd *kept, int count) {
  int open_ends = 0;
  for (int i = 0; i < count; i++) {
    if (kept[i].fd < 0) continue;
    if (!(kept[i].revents & POLLHUP)) open_ends++;
    else if (input_kind == FIFO_INPUT) kept[i].fd = -1;
    else if ((kept[i].revents & POLLIN) || !is_container_gone()) open_ends++;
  }
  return open_ends > 0;
}

_Noreturn static void keep(int count) {
  struct pollfd kept[3];
  // Of a FIFO for input we keep the write end, which tells nothing; it goes with the output's.
  int watched_from = input_kind == FIFO_INPUT ? 1 : 0;
  for (int i = 0; i < count; i++) kept[i] = (struct pollfd){.fd = FIRST_KEPT + i};
  for (;;) {
    int hung = 0;
    for (int i = watched_from; i < count; i++) kept[i].events = 0;
    poll(kept + watched_from, (nfds_t)(count - watched_from), -1);
    // Asked again, now with what is there to be read.
    for (int i = watched_from; i < count; i++) kept[i].events = POLLIN, hung |= kept[i].revents;
    poll(kept + watched_from, (nfds_t)(count - watched_from), 0);
    if (!is_needed(kept + watched_from, count - watched_from)) _exit(0);
    if (hung && input_kind != FIFO_INPUT) poll(NULL, 0, LOOK_MS);
  }
}

static int lock_of_keeper(int flags) {
  int fd = open(keeper_path, flags | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  close(fd);
  return -1;
}

// Returns once it keeps them: with the lock that tells the next io whose they are.
void start_keeper(const int *fds, int count) {
  int ready[2], moved[3] = {-1, -1, -1};
  char text[16], byte;
  int lock = lock_of_keeper(O_RDWR | O_CREAT);
  if (lock < 0 || pipe2(ready, O_CLOEXEC) < 0) return;
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    for (int i = 0; i < count; i++) moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 200);
    int high_lock = fcntl(lock, F_DUPFD_CLOEXEC, 200), high_ready = fcntl(ready[1], F_DUPFD_CLOEXEC, 200);
    for (int i = 0; i < count; i++) dup2(moved[i], FIRST_KEPT + i);
    dup2(high_lock, FIRST_KEPT + count);
    dup2(high_ready, FIRST_KEPT + count + 1);
    // All others, and with them our starter's own lock.
    syscall(SYS_close_range, FIRST_KEPT + count + 2, ~0u, 0);
    int length = snprintf(text, sizeof text, "%-10d\n", (int)getpid());
    if (pwrite(FIRST_KEPT + count, text, (size_t)length, 0) == length) (void)!write(FIRST_KEPT + count + 1, "+", 1);
    close(FIRST_KEPT + count + 1);
    if (chdir("/") < 0) _exit(1);
    keep(count);
  }
  close(ready[1]);
  if (pid > 0) {
    while (read(ready[0], &byte, 1) < 0 && errno == EINTR) continue;
    keeper = pid;
  }
  close(ready[0]);
  close(lock);
}

int borrow(long pid, int number) {
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  int fd = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, number, 0);
  if (process >= 0) close(process);
  return fd;
}

// True where the io before us left one.
int find_keeper(const char *path) {
  char text[16] = "";
  keeper_path = path;
  // One that can be locked names nobody who lives.
  int lock = lock_of_keeper(O_RDWR);
  if (lock >= 0) return close(lock), 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
  if (fd >= 0) close(fd);
  keeper = n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
  return keeper > 0;
}

int borrow_from_keeper(int number) { return borrow(keeper, FIRST_KEPT + number); }

// Returns when its lock is free, so that another can follow at once.
void end_keeper(void) {
  int process = keeper > 0 ? (int)syscall(SYS_pidfd_open, keeper, 0) : -1;
  keeper = 0;
  if (process < 0) return;
  struct pollfd end = {.fd = process, .events = POLLIN};
  if (syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0) == 0) poll(&end, 1, 1000);
  close(process);
}
