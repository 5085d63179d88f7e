// Processes that another reaper left. They are not our children: their ends are heard by pidfd (pidfd_open(2)), and what they ended
// with is known where the kernel tells it, or their own zombie; else they are lost.

#define _GNU_SOURCE
#include "reaper.h"
#include "../base/syscalls.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// linux/pidfd.h of 6.15 and later; older kernels answer with ENOTTY or leave the bit of the mask unset.
struct exit_info {
  uint64_t mask, cgroup;
  uint32_t ids[11];
  int32_t status;
};
#define GET_INFO _IOWR(0xFF, 11, struct exit_info)
#define INFO_EXIT (1u << 3)

static struct watched {
  int fd;
  pid_t pid;
  unsigned long long start;
} watched[MAX_WATCHED];
static int watched_count;

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

int watch(const char *text) {
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

int look_at_watched(void) {
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

// What waits for a retry is ready all the time; the timeout looks after it.
int put_watched_polls(struct pollfd *set) {
  for (int i = 0; i < watched_count; i++) set[i] = (struct pollfd){.fd = retry ? -1 : watched[i].fd, .events = POLLIN};
  return watched_count;
}
