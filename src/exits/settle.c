// A reaper's place in a pod's directory: it takes it when the supervisor has made the directory, and goes when that is gone.

#define _GNU_SOURCE
#include "reaper.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int settled, settle_end = -1;
char dir[PATH_MAX];
static size_t dir_length;

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

int settle(void) {
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

void hear_settle(void) {
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

int is_over(void) {
  struct stat st;
  return settled && fstat(exits, &st) == 0 && st.st_nlink == 0;
}

// A supervisor that was killed between its last two steps left the directory, and nobody after us would take it.
_Noreturn void end_with_pod(void) {
  struct stat here;
  if (stat(".", &here) == 0 && here.st_nlink > 0) rmdir(dir);
  _exit(0);
}
