// peapod-ask NODE SCRIPT -- WORDS...: asks a pod's supervisor for one plain change without starting Node first, which
// takes longer than the change. Whatever is not plain, or not answered with 200, goes to NODE SCRIPT WORDS...:
// it asks again, and knows what to say. docs/control-socket.md has the request; reaper.pid stands in the pod's directory.

#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { REAPER_END_MS = 1000 };

struct wish {
  const char *verb, *pod;
  int force;
};

/** False for all that Node had better read: options of other verbs, several pods, odd names. */
static int is_plain(char **words, struct wish *wish) {
  static const char *verbs[] = {"delete", "stop", "start", "pause", "resume"};
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
    if (*words && strcmp(*words, verbs[i]) == 0) wish->verb = verbs[i];
  if (!wish->verb) return 0;
  for (words++; *words; words++) {
    int is_force = strcmp(*words, "-f") == 0 || strcmp(*words, "--force") == 0;
    if (is_force && strcmp(wish->verb, "delete") == 0) {
      wish->force = 1;
    } else if (!wish->pod && (islower(**words) || isdigit(**words))) {
      wish->pod = *words;
    } else {
      return 0;
    }
  }
  if (!wish->pod) return 0;
  for (const char *c = wish->pod; *c; c++)
    if (!islower(*c) && !isdigit(*c) && *c != '-' && *c != '.') return 0;
  return 1;
}

/** The reaper ends after all else; held from before we ask, so that its pid cannot be another's by then. */
static int open_reaper(const char *dir) {
  char path[4096], text[32] = "";
  if (snprintf(path, sizeof path, "%s/reaper.pid", dir) >= (int)sizeof path) return -1;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  return n > 0 && atoi(text) > 0 ? (int)syscall(SYS_pidfd_open, atoi(text), 0) : -1;
}

static int connect_to(const char *dir) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t size = sizeof address.sun_path;
  if (snprintf(address.sun_path, size, "%s/control.sock", dir) >= (int)size) return -1;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

static int send_wish(int fd, const struct wish *wish) {
  char body[128], text[512];
  uint64_t random[2];
  if (getrandom(random, sizeof random, 0) != sizeof random) return -1;
  int length = snprintf(body, sizeof body, "{%s\"request\":\"%016llx%016llx\"}", wish->force ? "\"force\":true," : "",
                        (unsigned long long)random[0], (unsigned long long)random[1]);
  int size = snprintf(text, sizeof text,
                      "POST /v1/pod/%s HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n"
                      "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                      wish->verb, length, body);
  return send(fd, text, (size_t)size, MSG_NOSIGNAL) == size ? 0 : -1;
}

/** 1: done; 0: refused, or broken off. */
static int is_done(int fd) {
  static const char good[] = "HTTP/1.1 200 ";
  char text[sizeof good - 1];
  size_t have = 0;
  while (have < sizeof text) {
    ssize_t n = read(fd, text + have, sizeof text - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return 0;
    have += (size_t)n;
  }
  return memcmp(text, good, sizeof text) == 0;
}

static int ask(const struct wish *wish) {
  char dir[4096];
  const char *root = getenv("PEAPOD_ROOT");
  if (snprintf(dir, sizeof dir, "%s/pods/%s", root && *root ? root : "/run/peapod", wish->pod) >= (int)sizeof dir) return 0;
  int reaper = open_reaper(dir);
  int socket = connect_to(dir);
  if (reaper < 0 || socket < 0 || send_wish(socket, wish) < 0) return 0;
  int is_delete = strcmp(wish->verb, "delete") == 0;
  // A supervisor that was killed after its last act could not answer any more.
  if (!is_done(socket) && !(is_delete && access(dir, F_OK) < 0 && errno == ENOENT)) return 0;
  struct pollfd end = {.fd = reaper, .events = POLLIN};
  if (is_delete) poll(&end, 1, REAPER_END_MS);
  return 1;
}

int main(int argc, char **argv) {
  struct wish wish = {0};
  if (argc < 5 || strcmp(argv[3], "--") != 0) {
    fputs("usage: peapod-ask NODE SCRIPT -- WORDS...\n", stderr);
    return 2;
  }
  if (is_plain(argv + 4, &wish) && ask(&wish)) return 0;
  char *node = argv[1];
  argv[3] = argv[2];
  argv[2] = node;
  execv(node, argv + 2);
  fprintf(stderr, "peapod-ask: cannot run %s: %s\n", node, strerror(errno));
  return 127;
}
