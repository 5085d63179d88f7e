// The container's standard input: a FIFO that it reads, or the terminal whose master the runtime hands over on a console
// socket. A container that does not read makes its clients wait, never us.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "io.h"

enum input_kind input_kind = NO_INPUT;
int input_fd = -1, input_waits, console_fd = -1, is_hung_up, is_input_once;
static const char *fifo_path, *console_path;
static int was_read;
static struct winsize wanted_size;

// ---- FIFO ----

// The file's absence tells the next io that the container has read the end already.
void open_input_fifo(const char *path, int resumed) {
  struct stat st;
  input_kind = FIFO_INPUT;
  fifo_path = path;
  if (!resumed && mkfifo(path, 0600) < 0 && errno != EEXIST) give_up(path, strerror(errno));
  // A FIFO that nobody reads yet cannot be opened for writing alone (fifo(7)).
  int both = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (both < 0 && resumed) return;
  input_fd = both < 0 ? -1 : open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (input_fd < 0) give_up(path, strerror(errno));
  if (fstat(input_fd, &st) < 0 || !S_ISFIFO(st.st_mode)) give_up(path, "is not a FIFO");
  close(both);
}

void end_input(void) {
  if (input_kind != FIFO_INPUT || input_fd < 0) return;
  unlink(fifo_path);
  end_keeper();
  close(input_fd);
  input_fd = -1;
  input_waits = 0;
}

// ---- terminal ----

static void take_terminal(int fd) {
  streams[0].fd = input_fd = fd;
  streams[0].ended = 0;
  input_waits = 0;
  // Ours and the keeper's are one open file, and nobody else has it.
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  if (wanted_size.ws_row > 0) ioctl(fd, TIOCSWINSZ, &wanted_size);
}

// The terminal that the io before us left, else the one that the runtime will send.
int serve_console(const char *path, int is_followed, int resumed) {
  int fd = is_followed ? borrow_from_keeper(0) : -1;
  input_kind = TERMINAL_INPUT;
  console_path = path;
  streams[1].ended = 1;
  // That of an attempt which is over, when the container is made again.
  if (fd >= 0 && !resumed && poll(&(struct pollfd){.fd = fd}, 1, 0) > 0) {
    close(fd);
    fd = -1;
    end_keeper();
  }
  if (fd >= 0) take_terminal(fd);
  else if (resumed) streams[0].ended = 1;
  else console_fd = listen_at(path);
  return fd >= 0 || !resumed;
}

void accept_console(void) {
  char name[256], control[CMSG_SPACE(sizeof(int))];
  struct iovec part = {name, sizeof name};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  int fd = -1, peer = accept4(console_fd, NULL, NULL, SOCK_CLOEXEC);
  if (peer < 0) return;
  // The runtime sends at once; one that does not must not keep us.
  struct pollfd ready = {.fd = peer, .events = POLLIN};
  if (poll(&ready, 1, 2000) > 0 && recvmsg(peer, &message, MSG_CMSG_CLOEXEC) >= 0) {
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(head), sizeof fd);
  }
  close(peer);
  if (fd < 0) return;
  start_keeper(&fd, 1);
  take_terminal(fd);
  close(console_fd);
  console_fd = -1;
  unlink(console_path);
}

// A terminal that nobody has open may be opened again by name as long as the container's first process lives.
int is_terminal_over(void) {
  struct pollfd terminal = {.fd = streams[0].fd, .events = POLLIN};
  if (poll(&terminal, 1, 0) <= 0 || !(terminal.revents & POLLHUP)) return is_hung_up = 0;
  return !(terminal.revents & POLLIN) && is_container_gone();
}

void resize(unsigned rows, unsigned columns) {
  wanted_size.ws_row = (unsigned short)rows;
  wanted_size.ws_col = (unsigned short)columns;
  // The kernel tells the foreground processes (SIGWINCH).
  if (input_kind == TERMINAL_INPUT && input_fd >= 0) ioctl(input_fd, TIOCSWINSZ, &wanted_size);
}

// ---- either ----

// What tells that the container takes input again; where nothing does, a look now and then has to do.
int input_poll_fd(void) { return input_waits && was_read && !is_hung_up ? input_fd : -1; }

size_t put_input(const char *bytes, size_t count) {
  if (input_fd < 0 && (input_kind != TERMINAL_INPUT || console_fd < 0)) return count;
  ssize_t n = input_fd < 0 ? -1 : write(input_fd, bytes, count);
  if (n >= 0) {
    was_read = 1;
    input_waits = n == 0;
    return (size_t)n;
  }
  // Nobody has read it yet, as the container is still being made: it waits like one that does not read.
  int is_closed = input_fd >= 0 && ((errno == EPIPE && was_read) || errno == EIO);
  if (is_closed) return count;
  input_waits = 1;
  return 0;
}
