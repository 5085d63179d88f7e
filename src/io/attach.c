// Attach clients, as docs/streams.md describes them: frames of a type, a length (4 bytes, big-endian) and data, both ways.
// Nobody is waited for and nothing is kept for anybody: a client that does not read is passed over and told how much it
// missed, and of one whose input the container does not take, no more is read.

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io.h"

enum { INPUT, STDOUT, STDERR, SIZE, OPEN_INPUT, HELLO, SKIPPED };
// How far a reader may lag behind: the kernel's own measure is some hundred short lines. Taken only while somebody does.
enum { SEND_BYTES = 4 << 20 };
enum { HEAD_BYTES = 5, VERSION = 1, HAS_TERMINAL = 1, HAS_INPUT = 2, CHUNK_BYTES = 4096, MAX_CONTROL_BYTES = 64 };

static struct client {
  int fd, is_deaf, gives_input, has_ended;
  uint32_t left;
  size_t have;
  unsigned char head[HEAD_BYTES], small[4];
  uint64_t skipped;
} clients[MAX_CLIENTS];
static int client_count, listener = -1;

void serve_attach(const char *path) { listener = listen_at(path); }

static uint32_t number_of(const unsigned char *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// ---- to clients ----

// A frame of 32 KiB at most is one buffer of the socket (unix(7)): it goes as a whole or not at all.
static int send_frame(struct client *c, unsigned char type, const char *data, size_t length) {
  unsigned char head[HEAD_BYTES] = {type, length >> 24 & 255, length >> 16 & 255, length >> 8 & 255, length & 255};
  struct iovec parts[2] = {{head, sizeof head}, {(char *)(uintptr_t)data, length}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  ssize_t n = sendmsg(c->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n == (ssize_t)(sizeof head + length)) return 0;
  // Half a frame would make nonsense of all that follows.
  c->is_deaf = n >= 0 || (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM && errno != EINTR);
  if (c->is_deaf) shutdown(c->fd, SHUT_WR);
  return -1;
}

static int tell_skipped(struct client *c) {
  char count[8];
  if (c->skipped == 0) return 0;
  for (int i = 0; i < 8; i++) count[i] = (char)(c->skipped >> (56 - 8 * i) & 255);
  if (send_frame(c, SKIPPED, count, sizeof count) < 0) return -1;
  c->skipped = 0;
  return 0;
}

void send_to_clients(unsigned char type, const char *data, size_t length) {
  for (int i = 0; i < client_count; i++) {
    struct client *c = &clients[i];
    if (!c->is_deaf && (tell_skipped(c) < 0 || send_frame(c, type, data, length) < 0)) c->skipped += length;
  }
}

// ---- from clients ----

static void end_input_of(struct client *c) {
  if (c->gives_input && is_input_once) end_input();
  c->gives_input = 0;
}

static void drop_client(int i) {
  end_input_of(&clients[i]);
  close(clients[i].fd);
  clients[i] = clients[--client_count];
}

static void make_room(int fd) {
  int bytes = SEND_BYTES;
  // Above the machine's limit only for root.
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static void accept_client(void) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  // One that is only here for input that nobody takes gives way.
  for (int i = 0; client_count == MAX_CLIENTS && i < client_count; i++)
    if (clients[i].is_deaf) drop_client(i);
  if (client_count == MAX_CLIENTS) {
    close(fd);
    return;
  }
  make_room(fd);
  struct client *c = &clients[client_count++];
  *c = (struct client){.fd = fd};
  int has_input = input_fd >= 0 || console_fd >= 0;
  char hello[2] = {VERSION, (char)((input_kind == TERMINAL_INPUT ? HAS_TERMINAL : 0) | (has_input ? HAS_INPUT : 0))};
  send_frame(c, HELLO, hello, sizeof hello);
}

static int is_giving(const struct client *c) { return c->have == HEAD_BYTES && c->head[0] == INPUT && c->left > 0; }

// A frame whose data came to its end.
static void finish_frame(struct client *c) {
  if (c->head[0] == SIZE && number_of(c->head + 1) == 4) {
    resize((unsigned)c->small[0] << 8 | c->small[1], (unsigned)c->small[2] << 8 | c->small[3]);
  } else if (c->head[0] == OPEN_INPUT) c->gives_input = 1;
  else if (c->head[0] == INPUT && number_of(c->head + 1) == 0) end_input_of(c);
  c->have = 0;
}

// Left in the socket until the container has taken it, so that it needs no memory here.
static ssize_t pass_input(struct client *c) {
  char chunk[CHUNK_BYTES];
  ssize_t n = recv(c->fd, chunk, c->left < sizeof chunk ? c->left : sizeof chunk, MSG_PEEK | MSG_DONTWAIT);
  if (n <= 0) return n;
  c->gives_input = 1;
  size_t taken = put_input(chunk, (size_t)n);
  if (taken == 0) return errno = EAGAIN, -1;
  return recv(c->fd, chunk, taken, MSG_DONTWAIT);
}

static ssize_t take_control(struct client *c) {
  size_t at = number_of(c->head + 1) - c->left;
  char rest[MAX_CONTROL_BYTES];
  int is_kept = at < sizeof c->small;
  size_t most = is_kept ? sizeof c->small - at : sizeof rest;
  return recv(c->fd, is_kept ? (char *)c->small + at : rest, c->left < most ? c->left : most, MSG_DONTWAIT);
}

// -1: it has broken the rules.
static int hear(struct client *c) {
  for (;;) {
    ssize_t n;
    if (c->have < HEAD_BYTES) n = recv(c->fd, c->head + c->have, HEAD_BYTES - c->have, MSG_DONTWAIT);
    else n = is_giving(c) ? pass_input(c) : take_control(c);
    if (n < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0) {
      // It gives nothing more, but may read on, as those do who copy their own input to the socket.
      c->has_ended = 1;
      end_input_of(c);
      return c->is_deaf ? -1 : 0;
    }
    if (c->have < HEAD_BYTES) {
      c->have += (size_t)n;
      if (c->have < HEAD_BYTES) continue;
      c->left = number_of(c->head + 1);
      if (c->head[0] != INPUT && c->left > MAX_CONTROL_BYTES) return -1;
    } else c->left -= (uint32_t)n;
    if (c->left == 0) finish_frame(c);
  }
}

// ---- in the loop ----

int put_client_polls(struct pollfd *set) {
  set[0] = (struct pollfd){.fd = listener, .events = POLLIN};
  for (int i = 0; i < client_count; i++) {
    struct client *c = &clients[i];
    // Its end would be told again and again while its input waits.
    int waits = is_giving(c) && input_waits;
    short events = (short)((c->has_ended ? 0 : POLLIN) | (c->skipped > 0 && !c->is_deaf ? POLLOUT : 0));
    set[1 + i] = (struct pollfd){.fd = waits ? -1 : c->fd, .events = events};
  }
  return 1 + client_count;
}

void hear_clients(const struct pollfd *set, int count) {
  for (int i = count - 2; i >= 0; i--) {
    struct client *c = &clients[i];
    short told = set[1 + i].revents;
    if (!told) continue;
    if (told & POLLOUT) tell_skipped(c);
    int is_over = (told & POLLIN) ? hear(c) < 0 : 0;
    // Gone for good, and nothing of its input is left.
    if (is_over || ((told & (POLLHUP | POLLERR)) && c->has_ended)) drop_client(i);
  }
  if (set[0].revents) accept_client();
}
