// A word to the pod's supervisor over the control socket, whose backlog wakes one that sleeps. It is not waited for: a pod
// that has nobody to listen at the moment has its log all the same.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io.h"

const char *control_path, *container_name;
// The connection whose answer has not come yet; one at a time.
int telling = -1;
static int control_dir = -1;
static const char *control_name;

// The directory is kept open, since a new reaper makes the socket anew, and its path may be longer than an address.
void open_control(void) {
  if (!control_path) return;
  control_name = enter_parent(control_path);
  control_dir = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void tell_supervisor(const char *json) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char text[512];
  if (control_dir < 0) return;
  if (telling >= 0) close(telling);
  telling = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", control_dir, control_name);
  int length = snprintf(text, sizeof text,
                        "POST /v1/containers/%s/log HTTP/1.1\r\nhost: pod\r\nconnection: close\r\n"
                        "content-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
                        container_name, strlen(json), json);
  if (telling >= 0 && connect(telling, (struct sockaddr *)&address, sizeof address) == 0 &&
      send(telling, text, (size_t)length, MSG_NOSIGNAL) == length)
    return;
  if (telling >= 0) close(telling);
  telling = -1;
}

// Whatever it is: there is nothing that we could do about it.
void hear_answer(void) {
  char answer[512];
  ssize_t n = recv(telling, answer, sizeof answer, MSG_DONTWAIT);
  if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) return;
  close(telling);
  telling = -1;
}
