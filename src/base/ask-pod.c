// See ask-pod.h.

#define _GNU_SOURCE
#include "ask-pod.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { MOST_ATTEMPTS = 200 };

static int connect_to(const char *dir) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t size = sizeof address.sun_path;
  if (snprintf(address.sun_path, size, "%s/control.sock", dir) >= (int)size) return -1;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

static int send_request(int fd, const char *verb, const char *fields, const uint64_t name[2]) {
  char body[1024], text[2048];
  int length = snprintf(body, sizeof body, "{%s%s\"request\":\"%016llx%016llx\"}", fields, *fields ? "," : "",
                        (unsigned long long)name[0], (unsigned long long)name[1]);
  if (length >= (int)sizeof body) return -1;
  int size = snprintf(text, sizeof text,
                      "POST /v1/pod/%s HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n"
                      "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                      verb, length, body);
  return size < (int)sizeof text && send(fd, text, (size_t)size, MSG_NOSIGNAL) == size ? 0 : -1;
}

static int read_answer(int fd, char *answer, size_t size) {
  size_t have = 0;
  for (;;) {
    ssize_t n = read(fd, answer + have, size - 1 - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += (size_t)n;
    if (have == size - 1) break;
  }
  answer[have] = 0;
  int status = -1;
  return sscanf(answer, "HTTP/1.1 %3d ", &status) == 1 ? status : -1;
}

int ask_pod(const char *dir, const char *verb, const char *fields, char *answer, size_t size) {
  uint64_t name[2];
  if (getrandom(name, sizeof name, 0) != sizeof name) return -1;
  for (int attempt = 1;; attempt++) {
    int fd = connect_to(dir);
    if (fd < 0) return -1;
    int status = send_request(fd, verb, fields, name) < 0 ? -1 : read_answer(fd, answer, size);
    close(fd);
    if (status >= 0 || attempt == MOST_ATTEMPTS) return status;
    // Its supervisor died under us, perhaps after it did what we ask: under another name it would refuse to do it twice.
    usleep(5000);
  }
}

int open_reaper(const char *dir) {
  char path[4096], text[32] = "";
  if (snprintf(path, sizeof path, "%s/reaper.pid", dir) >= (int)sizeof path) return -1;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  return n > 0 && atoi(text) > 0 ? (int)syscall(SYS_pidfd_open, atoi(text), 0) : -1;
}

void wait_for_end(int pidfd, int timeout_ms) {
  struct pollfd end = {.fd = pidfd, .events = POLLIN};
  poll(&end, 1, timeout_ms);
}
