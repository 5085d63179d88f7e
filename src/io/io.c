// Carries one container attempt's output from two FIFOs to its log, in the CRI line format. It outlives the
// supervisor, has its whole task on its command line and loses nothing it has read as long as it lives: a log
// that cannot be written (full disk) stops the reading, so the container waits.
//
//   peapod-io --log PATH --lock PATH --stdout FIFO --stderr FIFO [--attach SOCKET]
//             [--max-size BYTES --max-files N] [--resumed] [--foreground]
//
// It puts itself in the background and returns 0 once it reads, else a sentence on stderr and 1 (2: usage).
// The lock file holds a flock(2) and the pid. --max-files counts PATH, PATH.1 (younger) to PATH.N-1 (oldest).
// It ends when all writers of both FIFOs are gone, or after SIGTERM and what was readable then; 1 if that could
// not be written. --resumed: the io before this one died; a line tagged `F:restarted` tells it in the log.
// Attach clients get frames of 1 byte stream (1, 2), 4 bytes big-endian length and data; slow ones are dropped.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
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

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

// containerd and the kubelet cut lines at 16 KiB as well.
enum { LINE_MAX_BYTES = 16 * 1024, IN_BYTES = 32 * 1024, OUT_BYTES = 64 * 1024, STAMP_BYTES = 30 };
enum { PIPE_BYTES = 64 * 1024, MAX_CLIENTS = 8, RETRY_MS = 200, DRAIN_READS = 256 };

static char in[2][IN_BYTES], out[OUT_BYTES];
static size_t out_from, out_to;

static struct stream {
  const char *name;
  int fd, ended;
  size_t from, to;
  char stamp[STAMP_BYTES + 1];
  char *in;
} streams[2] = {{.name = "stdout", .fd = -1, .in = in[0]}, {.name = "stderr", .fd = -1, .in = in[1]}};

static int log_fd, attach = -1, clients[MAX_CLIENTS], client_count;
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

// ---- to the log ----

static int flush(void) {
  while (out_from < out_to) {
    ssize_t n = write(log_fd, out + out_from, out_to - out_from);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return -1;
    out_from += (size_t)n;
    log_size += n;
  }
  out_from = out_to = 0;
  return 0;
}

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
  dup3(fd, log_fd, O_CLOEXEC);
  close(fd);
  log_size = 0;
}

static int put_line(const char *stamp, const char *stream, const char *tag, const char *text, size_t length) {
  size_t need = STAMP_BYTES + strlen(stream) + strlen(tag) + length + 4;
  long long pending = (long long)(out_to - out_from);
  int turn = max_size > 0 && log_size + pending > 0 && log_size + pending + (long long)need > max_size;
  if ((turn || out_to + need > sizeof out) && flush() < 0) return -1;
  if (turn) rotate();
  char *at = out + out_to;
  at += sprintf(at, "%s %s %s ", stamp, stream, tag);
  memcpy(at, text, length);
  at[length] = '\n';
  out_to += need;
  return 0;
}

// Lines from the stream's buffer to the log; -1 where the log refuses them, and then they are still in the buffers.
static int frame(struct stream *s) {
  for (;;) {
    size_t length = s->to - s->from;
    char *text = s->in + s->from;
    char *end = memchr(text, '\n', length > LINE_MAX_BYTES ? LINE_MAX_BYTES + 1 : length);
    if (end == NULL && length <= LINE_MAX_BYTES && !(s->ended && length > 0)) return flush();
    if (end) length = (size_t)(end - text);
    else if (length > LINE_MAX_BYTES) length = LINE_MAX_BYTES;
    // What has no newline when the stream ends is a partial line too, as containerd has it.
    if (put_line(s->stamp, s->name, end ? "F" : "P", text, length) < 0) return -1;
    s->from += length + (end != NULL);
  }
}

static int write_all(void) {
  return flush() < 0 || frame(&streams[0]) < 0 || frame(&streams[1]) < 0 ? -1 : 0;
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
  int refused = write_all();
  for (int i = 0; i < 2; i++) {
    for (int reads = 0; !refused && reads < DRAIN_READS && read_stream(&streams[i]); reads++) refused = frame(&streams[i]);
    streams[i].ended = 1;
  }
  _exit(refused || write_all() < 0 ? 1 : 0);
}

_Noreturn static void loop(int signals) {
  for (;;) {
    int refused = write_all();
    if (!refused && streams[0].ended && streams[1].ended) _exit(0);
    struct pollfd set[4 + MAX_CLIENTS];
    set[0] = (struct pollfd){.fd = signals, .events = POLLIN};
    for (int i = 0; i < 2; i++)
      set[1 + i] = (struct pollfd){.fd = refused || streams[i].ended ? -1 : streams[i].fd, .events = POLLIN};
    set[3] = (struct pollfd){.fd = attach, .events = POLLIN};
    int polled = client_count;
    for (int i = 0; i < polled; i++) set[4 + i] = (struct pollfd){.fd = clients[i], .events = POLLRDHUP};
    if (poll(set, (nfds_t)(4 + polled), refused ? RETRY_MS : -1) < 0) continue;
    if (set[0].revents) drain_and_end();
    for (int i = polled - 1; i >= 0; i--)
      if (set[4 + i].revents) drop_client(i);
    if (set[3].revents) accept_client();
    for (int i = 0; i < 2; i++) {
      if (set[1 + i].revents) read_stream(&streams[i]);
      // Before the other is read, so that the log's times never go back.
      if (frame(&streams[i]) < 0) break;
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
  log_fd = open(log_name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (log_fd < 0 || fstat(log_fd, &st) < 0) give_up(path, strerror(errno));
  log_size = st.st_size;
  // An io that was killed while it wrote left a torn line.
  if (st.st_size > 0 && pread(log_fd, &last, 1, st.st_size - 1) == 1 && last != '\n') out[out_to++] = '\n';
}

static void tell_restart(void) {
  char stamp[STAMP_BYTES + 1], text[96];
  write_stamp(stamp);
  // A FIFO whose ends were all closed meanwhile took along what stood in it.
  int bytes = 2 * IN_BYTES + (streams[0].ended + streams[1].ended) * PIPE_BYTES;
  int length = snprintf(text, sizeof text, "peapod: io restarted, up to %d bytes of output may be missing", bytes);
  put_line(stamp, "stderr", "F:restarted", text, (size_t)length);
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
  fprintf(stderr, "peapod-io: %s\nusage: peapod-io --log PATH --lock PATH --stdout FIFO --stderr FIFO [--attach SOCKET]\n"
                  "                 [--max-size BYTES --max-files N] [--resumed] [--foreground]\n", what);
  return 2;
}

int main(int argc, char **argv) {
  const char *log = NULL, *lock = NULL, *fifo_out = NULL, *fifo_err = NULL, *socket_path = NULL;
  int resumed = 0, foreground = 0, ready = -1, null;
  for (int i = 1; i < argc; i++) {
    const char *flag = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (strcmp(flag, "--resumed") == 0) resumed = 1;
    else if (strcmp(flag, "--foreground") == 0) foreground = 1;
    else if (strcmp(flag, "--terminal") == 0) return usage("--terminal is not supported yet");
    else if (value == NULL) return usage("unknown flag or missing value");
    else if (i++, strcmp(flag, "--log") == 0) log = value;
    else if (strcmp(flag, "--lock") == 0) lock = value;
    else if (strcmp(flag, "--stdout") == 0) fifo_out = value;
    else if (strcmp(flag, "--stderr") == 0) fifo_err = value;
    else if (strcmp(flag, "--attach") == 0) socket_path = value;
    else if (strcmp(flag, "--max-size") == 0) max_size = atoll(value);
    else if (strcmp(flag, "--max-files") == 0) max_files = atol(value);
    else return usage("unknown flag");
  }
  if (!log || !lock || !fifo_out || !fifo_err) return usage("--log, --lock, --stdout and --stderr are needed");
  if (max_size < 0 || max_files < 1 || max_files > 1000) return usage("--max-size or --max-files is out of range");

  while ((null = open("/dev/null", O_RDWR)) >= 0 && null < 3) continue;
  syscall(SYS_close_range, 3, ~0u, 0);
  int signals = block_signals();
  if (!foreground) ready = go_to_background();
  prctl(PR_SET_NAME, "peapod-io");
  take_lock(lock);
  open_fifo(&streams[0], fifo_out);
  open_fifo(&streams[1], fifo_err);
  // Relative paths hold from here, so the log's directory is entered last.
  int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (socket_path) serve_attach(socket_path);
  if (here < 0 || fchdir(here) < 0) give_up(".", strerror(errno));
  close(here);
  open_log(log);
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
