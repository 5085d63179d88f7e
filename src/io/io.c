// Carries one container attempt's output from two FIFOs to its log, in the CRI line format, or to somebody else's
// stdout and stderr. It outlives the supervisor, has its whole task on its command line and loses nothing it has
// read as long as it lives: what cannot be written (full disk, slow reader) stops the reading, so the container waits.
//
//   peapod-io OUTPUT --lock PATH --stdout FIFO --stderr FIFO [--attach SOCKET] [--resumed] [--foreground]
//   OUTPUT: --log PATH [--max-size BYTES --max-files N]
//         | --forward-stdout PATH --forward-stderr PATH [--prefix TEXT]
//
// It puts itself in the background and returns 0 once it reads, else a sentence on stderr and 1 (2: usage).
// The lock file holds a flock(2) and the pid. --max-files counts PATH, PATH.1 (younger) to PATH.N-1 (oldest).
// It ends when all writers of both FIFOs are gone, or after SIGTERM and what was readable then; 1 if that could
// not be written. --resumed: the io before this one died; a line tells it (in the log, tagged `F:restarted`).
// Forwards are pipes, terminals or files, also as /proc/PID/fd/N, or sockets, only so. TEXT goes before each line, and
// a line goes by one write(2), so that several io can share a pipe; without it bytes go as they come. A reader that is
// gone stops nobody.
// Attach clients get frames of 1 byte stream (1, 2), 4 bytes big-endian length and data; slow ones are dropped.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

// containerd and the kubelet cut lines at 16 KiB as well.
enum { LINE_MAX_BYTES = 16 * 1024, IN_BYTES = 32 * 1024, OUT_BYTES = 64 * 1024, STAMP_BYTES = 30 };
enum { PIPE_BYTES = 64 * 1024, MAX_CLIENTS = 8, RETRY_MS = 200, DRAIN_READS = 256 };
// Our caller waits 2 s after SIGTERM: a slow reader gets half of it.
enum { PREFIX_MAX_BYTES = 256, PROMPT_MS = 100, DRAIN_MS = 1000 };

static char in[2][IN_BYTES], out[2][OUT_BYTES];

// The log of both streams is the first one; forwards have one each.
static struct sink {
  int fd, is_full, is_socket;
  size_t from, to;
  char *out;
} sinks[2] = {{.fd = -1, .out = out[0]}, {.fd = -1, .out = out[1]}};

static struct stream {
  const char *name;
  struct sink *sink;
  int fd, ended, refused, is_inside_line;
  size_t from, to;
  long long due_ms;
  char stamp[STAMP_BYTES + 1];
  char *in;
} streams[2] = {{.name = "stdout", .sink = &sinks[0], .fd = -1, .in = in[0]},
                {.name = "stderr", .sink = &sinks[0], .fd = -1, .in = in[1]}};

static int forwards, attach = -1, clients[MAX_CLIENTS], client_count;
static const char *prefix;
static long long drain_end_ms;
static long long log_size, max_size;
static long max_files = 5;
static char log_name[256];

// 2026-11-22T10:00:00.123456789Z, by the Gregorian rule with years that begin in March.
static void write_stamp(char *text) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  long days = (long)(t.tv_sec / 86400), second = (long)(t.tv_sec % 86400);
  long since = days + 719468, era = since / 146097, of_era = since % 146097;
  long year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  long of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  long march_month = (5 * of_year + 2) / 153, day = of_year - (153 * march_month + 2) / 5 + 1;
  long month = march_month < 10 ? march_month + 3 : march_month - 9;
  long year = year_of_era + era * 400 + (month <= 2);
  char wide[96];
  snprintf(wide, sizeof wide, "%04ld-%02ld-%02ldT%02ld:%02ld:%02ld.%09ldZ", year, month, day, second / 3600,
           second / 60 % 60, second % 60, t.tv_nsec);
  memcpy(text, wide, STAMP_BYTES);
  text[STAMP_BYTES] = 0;
}

static long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// For a slow reader, after SIGTERM; before it the loop waits.
static int wait_in_drain(int fd) {
  long long left = drain_end_ms - now_ms();
  return drain_end_ms && left > 0 && poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, (int)left) > 0;
}

static int flush(struct sink *k) {
  while (k->from < k->to) {
    const char *bytes = k->out + k->from;
    size_t count = k->to - k->from;
    ssize_t n = k->is_socket ? send(k->fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL) : write(k->fd, bytes, count);
    if (n < 0 && errno == EINTR) continue;
    k->is_full = n < 0 && errno == EAGAIN;
    if (k->is_full && wait_in_drain(k->fd)) continue;
    // A reader that is gone, a terminal that hung up: nobody misses these bytes, and the container must not wait.
    if (n < 0 && forwards && !k->is_full && errno != ENOSPC && errno != EDQUOT) n = (ssize_t)(k->to - k->from);
    if (n <= 0) return -1;
    k->from += (size_t)n;
    log_size += n;
  }
  k->from = k->to = 0;
  return 0;
}

// ---- to the log ----

// The new file is made first: where that fails, the old one goes on and nothing was renamed.
static void rotate(void) {
  char from[300], to[300];
  snprintf(from, sizeof from, "%s.new", log_name);
  int fd = open(from, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) return;
  for (long i = max_files - 2; i >= 0; i--) {
    if (i > 0) snprintf(from, sizeof from, "%s.%ld", log_name, i);
    else snprintf(from, sizeof from, "%s", log_name);
    snprintf(to, sizeof to, "%s.%ld", log_name, i + 1);
    rename(from, to);
  }
  snprintf(from, sizeof from, "%s.new", log_name);
  rename(from, log_name);
  dup3(fd, sinks[0].fd, O_CLOEXEC);
  close(fd);
  log_size = 0;
}

static int put_line(const char *stamp, const char *stream, const char *tag, const char *text, size_t length) {
  struct sink *k = &sinks[0];
  size_t need = STAMP_BYTES + strlen(stream) + strlen(tag) + length + 4;
  long long pending = (long long)(k->to - k->from);
  int turn = max_size > 0 && log_size + pending > 0 && log_size + pending + (long long)need > max_size;
  if ((turn || k->to + need > OUT_BYTES) && flush(k) < 0) return -1;
  if (turn) rotate();
  char *at = k->out + k->to;
  at += sprintf(at, "%s %s %s ", stamp, stream, tag);
  memcpy(at, text, length);
  at[length] = '\n';
  k->to += need;
  return 0;
}

static int to_log(struct stream *s) {
  for (;;) {
    size_t length = s->to - s->from;
    char *text = s->in + s->from;
    char *end = memchr(text, '\n', length > LINE_MAX_BYTES ? LINE_MAX_BYTES + 1 : length);
    if (end == NULL && length <= LINE_MAX_BYTES && !(s->ended && length > 0)) return flush(s->sink);
    if (end) length = (size_t)(end - text);
    else if (length > LINE_MAX_BYTES) length = LINE_MAX_BYTES;
    // What has no newline when the stream ends is a partial line too, as containerd has it.
    if (put_line(s->stamp, s->name, end ? "F" : "P", text, length) < 0) return -1;
    s->from += length + (end != NULL);
  }
}

// ---- to the forwards ----

// As many whole lines in one write(2) as a pipe takes undivided; a longer one goes alone.
static int put_forward(struct stream *s, const char *text, size_t length, int ends_line) {
  struct sink *k = s->sink;
  size_t head = prefix && !s->is_inside_line ? strlen(prefix) : 0;
  if (k->to + head + length + 1 > PIPE_BUF && flush(k) < 0) return -1;
  if (head > 0) memcpy(k->out + k->to, prefix, head);
  memcpy(k->out + k->to + head, text, length);
  k->to += head + length;
  if (ends_line) k->out[k->to++] = '\n';
  s->is_inside_line = prefix && !ends_line;
  s->due_ms = 0;
  return 0;
}

// An unfinished line waits for its end, so that it goes as one; not for long, since it may be a prompt.
static int waits_for_its_end(struct stream *s, size_t length) {
  if (!prefix || s->ended || length > LINE_MAX_BYTES) return 0;
  long long now = now_ms();
  if (s->due_ms == 0) s->due_ms = now + PROMPT_MS;
  return now < s->due_ms;
}

static int to_forward(struct stream *s) {
  for (;;) {
    size_t length = s->to - s->from;
    char *text = s->in + s->from, *end = prefix ? memchr(text, '\n', length) : NULL;
    int is_last = prefix && s->ended && (length > 0 || s->is_inside_line);
    if (!end && !is_last && (length == 0 || waits_for_its_end(s, length))) return flush(s->sink);
    if (end) length = (size_t)(end - text);
    if (put_forward(s, text, length, end || is_last) < 0) return -1;
    s->from += length + (end != NULL);
  }
}

// ---- to either ----

// From the stream's buffer to its sink; -1 where that refuses, and then the rest is still in the buffers.
static int carry(struct stream *s) {
  // The rest of a half write goes first: nothing is added to a sink's buffer but from its beginning.
  if (flush(s->sink) < 0) return -1;
  return forwards ? to_forward(s) : to_log(s);
}

static int write_all(void) {
  int refused = streams[0].refused = carry(&streams[0]) < 0;
  // One log has one order: while it refuses one stream, the other has to wait as well.
  streams[1].refused = (refused && !forwards) || carry(&streams[1]) < 0;
  if (!forwards) streams[0].refused = streams[1].refused;
  return refused || streams[1].refused ? -1 : 0;
}

// ---- attach clients ----

static void drop_client(int i) {
  close(clients[i]);
  clients[i] = clients[--client_count];
}

static void send_to_clients(unsigned char stream, char *data, size_t length) {
  unsigned char head[5] = {stream, length >> 24 & 255, length >> 16 & 255, length >> 8 & 255, length & 255};
  struct iovec parts[2] = {{head, sizeof head}, {data, length}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  for (int i = client_count - 1; i >= 0; i--)
    if (sendmsg(clients[i], &message, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)(sizeof head + length)) drop_client(i);
}

static void accept_client(void) {
  int fd = accept4(attach, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  if (client_count < MAX_CLIENTS) clients[client_count++] = fd;
  else close(fd);
}

// ---- from the FIFOs ----

// True if something came. The buffer has room: at most one unfinished line is left in it.
static int read_stream(struct stream *s) {
  if (s->ended) return 0;
  memmove(s->in, s->in + s->from, s->to - s->from);
  s->to -= s->from;
  s->from = 0;
  ssize_t n = read(s->fd, s->in + s->to, IN_BYTES - s->to);
  if (n < 0) return 0;
  write_stamp(s->stamp);
  if (n == 0) {
    s->ended = 1;
    close(s->fd);
    return 0;
  }
  if (client_count > 0) send_to_clients((unsigned char)(1 + (s - streams)), s->in + s->to, (size_t)n);
  s->to += (size_t)n;
  return 1;
}

// A container that writes for ever does not keep us: what the pipes hold at SIGTERM is far below the limit.
_Noreturn static void drain_and_end(void) {
  drain_end_ms = now_ms() + DRAIN_MS;
  int lost = write_all() < 0;
  for (int i = 0; i < 2; i++) {
    struct stream *s = &streams[i];
    for (int reads = 0; !s->refused && reads < DRAIN_READS && read_stream(s); reads++) s->refused = carry(s) < 0;
    lost = lost || s->refused;
    s->ended = 1;
  }
  _exit(write_all() < 0 || lost ? 1 : 0);
}

_Noreturn static void loop(int signals) {
  for (;;) {
    int refused = write_all();
    if (!refused && streams[0].ended && streams[1].ended) _exit(0);
    struct pollfd set[6 + MAX_CLIENTS];
    set[0] = (struct pollfd){.fd = signals, .events = POLLIN};
    for (int i = 0; i < 2; i++) {
      struct stream *s = &streams[i];
      set[1 + i] = (struct pollfd){.fd = s->refused || s->ended ? -1 : s->fd, .events = POLLIN};
      set[4 + i] = (struct pollfd){.fd = s->refused && s->sink->is_full ? s->sink->fd : -1, .events = POLLOUT};
    }
    set[3] = (struct pollfd){.fd = attach, .events = POLLIN};
    int polled = client_count;
    for (int i = 0; i < polled; i++) set[6 + i] = (struct pollfd){.fd = clients[i], .events = POLLRDHUP};
    int timeout = refused ? RETRY_MS : streams[0].due_ms || streams[1].due_ms ? PROMPT_MS : -1;
    if (poll(set, (nfds_t)(6 + polled), timeout) < 0) continue;
    if (set[0].revents) drain_and_end();
    for (int i = polled - 1; i >= 0; i--)
      if (set[6 + i].revents) drop_client(i);
    if (set[3].revents) accept_client();
    for (int i = 0; i < 2; i++) {
      if (set[1 + i].revents) read_stream(&streams[i]);
      // Before the other is read, so that the log's times never go back.
      if (carry(&streams[i]) < 0 && !forwards) break;
    }
  }
}

// ---- start ----

_Noreturn static void give_up(const char *what, const char *why) {
  fprintf(stderr, "peapod-io: %s: %s\n", what, why);
  _exit(1);
}

static void take_lock(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) give_up(path, strerror(errno));
  if (flock(fd, LOCK_EX | LOCK_NB) < 0) give_up(path, errno == EWOULDBLOCK ? "another io holds it" : strerror(errno));
  char text[16];
  // Always as long, so that it replaces an older pid in place even on a full disk.
  int length = snprintf(text, sizeof text, "%-10d\n", (int)getpid());
  if (pwrite(fd, text, (size_t)length, 0) != length) give_up(path, strerror(errno));
}

static void open_fifo(struct stream *s, const char *path) {
  struct stat st;
  // Made here, since Node has no call for it; one that is there may hold what the io before us did not read.
  if (mkfifo(path, 0600) < 0 && errno != EEXIST) give_up(path, strerror(errno));
  s->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (s->fd < 0) give_up(path, strerror(errno));
  if (fstat(s->fd, &st) < 0 || !S_ISFIFO(st.st_mode)) give_up(path, "is not a FIFO");
}

// Goes to the directory: sun_path holds 107 bytes only, and a log's name must hold when it is rotated.
static const char *enter_parent(const char *path) {
  char parent[4096];
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return path;
  snprintf(parent, sizeof parent, "%.*s", slash == path ? 1 : (int)(slash - path), path);
  if (chdir(parent) < 0) give_up(parent, strerror(errno));
  return slash + 1;
}

static void serve_attach(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *name = enter_parent(path);
  if (strlen(name) >= sizeof address.sun_path) give_up(path, "name is too long");
  strcpy(address.sun_path, name);
  unlink(name);
  mode_t mask = umask(0177);
  attach = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int failed = attach < 0 || bind(attach, (struct sockaddr *)&address, sizeof address) < 0 || listen(attach, MAX_CLIENTS) < 0;
  umask(mask);
  if (failed) give_up(path, strerror(errno));
}

static void open_log(const char *path) {
  struct stat st;
  char last;
  const char *name = enter_parent(path);
  if (strlen(name) >= sizeof log_name) give_up(path, "name is too long");
  strcpy(log_name, name);
  int fd = sinks[0].fd = open(log_name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0 || fstat(fd, &st) < 0) give_up(path, strerror(errno));
  log_size = st.st_size;
  // An io that was killed while it wrote left a torn line.
  if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n') out[0][sinks[0].to++] = '\n';
}

// A socket cannot be opened by its path in /proc; its owner's descriptor is shared then (pidfd_getfd(2)).
static int borrow_socket(const char *path) {
  static const char proc[] = "/proc/", fds[] = "/fd/";
  char *end;
  long pid = strncmp(path, proc, sizeof proc - 1) == 0 ? strtol(path + sizeof proc - 1, &end, 10) : 0;
  if (pid <= 0 || strncmp(end, fds, sizeof fds - 1) != 0) return errno = ENXIO, -1;
  long number = strtol(end + sizeof fds - 1, NULL, 10);
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  int fd = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, number, 0);
  if (process >= 0) close(process);
  return fd;
}

// Opening makes an open file of our own, so that O_NONBLOCK is nobody else's: we wait in poll(2), where SIGTERM is seen.
static void open_forward(struct sink *k, const char *path) {
  int flags = O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, held = -1, fd = open(path, O_WRONLY | flags);
  struct stat st;
  if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode)) fd = borrow_socket(path);
  // A FIFO that nobody reads now may have a reader later, but cannot be opened for writing alone (fifo(7)).
  if (fd < 0 && errno == ENXIO && (held = open(path, O_RDWR | flags)) >= 0) fd = open(path, O_WRONLY | flags);
  // A terminal that hung up.
  if (fd < 0 && errno == EIO) fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (fd < 0) give_up(path, strerror(errno));
  if (held >= 0) close(held);
  k->is_socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
  k->fd = fd;
}

static void tell_restart(void) {
  char stamp[STAMP_BYTES + 1], text[96];
  write_stamp(stamp);
  // A FIFO whose ends were all closed meanwhile took along what stood in it.
  int bytes = 2 * IN_BYTES + (streams[0].ended + streams[1].ended) * PIPE_BYTES;
  int length = snprintf(text, sizeof text, "(peapod: io restarted, up to %d bytes of output may be missing)", bytes);
  // The log has a tag for it; elsewhere only the brackets tell it from the container's own lines.
  if (forwards) put_forward(&streams[1], text, (size_t)length, 1);
  else put_line(stamp, "stderr", "F:restarted", text + 1, (size_t)length - 2);
}

// The first process waits until the second one reads, and hands its failure on.
static int go_to_background(void) {
  int ready[2];
  char byte;
  if (pipe2(ready, O_CLOEXEC) < 0) give_up("pipe", strerror(errno));
  pid_t pid = fork();
  if (pid < 0) give_up("fork", strerror(errno));
  if (pid > 0) {
    close(ready[1]);
    ssize_t n;
    do n = read(ready[0], &byte, 1);
    while (n < 0 && errno == EINTR);
    _exit(n == 1 ? 0 : 1);
  }
  close(ready[0]);
  setsid();
  return ready[1];
}

static int block_signals(void) {
  sigset_t all, term;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  signal(SIGTERM, SIG_DFL);
  return signalfd(-1, &term, SFD_CLOEXEC);
}

static int usage(const char *what) {
  fprintf(stderr, "peapod-io: %s\n"
                  "usage: peapod-io OUTPUT --lock PATH --stdout FIFO --stderr FIFO [--attach SOCKET] [--resumed] [--foreground]\n"
                  "OUTPUT: --log PATH [--max-size BYTES --max-files N]\n"
                  "      | --forward-stdout PATH --forward-stderr PATH [--prefix TEXT]\n", what);
  return 2;
}

int main(int argc, char **argv) {
  const char *log = NULL, *lock = NULL, *fifo_out = NULL, *fifo_err = NULL, *socket_path = NULL;
  const char *forward_out = NULL, *forward_err = NULL;
  int resumed = 0, foreground = 0, ready = -1, null;
  for (int i = 1; i < argc; i++) {
    const char *flag = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (strcmp(flag, "--resumed") == 0) resumed = 1;
    else if (strcmp(flag, "--foreground") == 0) foreground = 1;
    else if (strcmp(flag, "--terminal") == 0) return usage("--terminal is not supported yet");
    else if (value == NULL) return usage("unknown flag or missing value");
    else if (i++, strcmp(flag, "--log") == 0) log = value;
    else if (strcmp(flag, "--forward-stdout") == 0) forward_out = value;
    else if (strcmp(flag, "--forward-stderr") == 0) forward_err = value;
    else if (strcmp(flag, "--prefix") == 0) prefix = value;
    else if (strcmp(flag, "--lock") == 0) lock = value;
    else if (strcmp(flag, "--stdout") == 0) fifo_out = value;
    else if (strcmp(flag, "--stderr") == 0) fifo_err = value;
    else if (strcmp(flag, "--attach") == 0) socket_path = value;
    else if (strcmp(flag, "--max-size") == 0) max_size = atoll(value);
    else if (strcmp(flag, "--max-files") == 0) max_files = atol(value);
    else return usage("unknown flag");
  }
  if (!lock || !fifo_out || !fifo_err) return usage("--lock, --stdout and --stderr are needed");
  forwards = forward_out && forward_err;
  if (log ? forward_out || forward_err || prefix : !forwards) return usage("either --log or both forwards are needed");
  if (prefix && strlen(prefix) > PREFIX_MAX_BYTES) return usage("--prefix is too long");
  if (max_size < 0 || max_files < 1 || max_files > 1000) return usage("--max-size or --max-files is out of range");

  while ((null = open("/dev/null", O_RDWR)) >= 0 && null < 3) continue;
  syscall(SYS_close_range, 3, ~0u, 0);
  int signals = block_signals();
  if (!foreground) ready = go_to_background();
  prctl(PR_SET_NAME, "peapod-io");
  take_lock(lock);
  open_fifo(&streams[0], fifo_out);
  open_fifo(&streams[1], fifo_err);
  if (forwards) {
    open_forward(&sinks[0], forward_out);
    open_forward(&sinks[1], forward_err);
    streams[1].sink = &sinks[1];
  }
  // Relative paths hold from here, so the log's directory is entered last.
  int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (socket_path) serve_attach(socket_path);
  if (here < 0 || fchdir(here) < 0) give_up(".", strerror(errno));
  close(here);
  if (log) open_log(log);
  else if (chdir("/") < 0) give_up("/", strerror(errno));
  if (resumed) {
    // Only now may nothing mean that all writers are gone already; later poll(2) tells it.
    read_stream(&streams[0]);
    read_stream(&streams[1]);
    tell_restart();
  }
  if (ready >= 0) {
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++) dup2(null, fd);
    close(null);
    if (write(ready, "+", 1) < 0) _exit(1);
    close(ready);
  }
  loop(signals);
}
