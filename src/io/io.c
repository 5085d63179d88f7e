// Carries one container attempt's output, from two FIFOs or a terminal, to its log in the CRI line format, or to somebody
// else's stdout and stderr; holds its stdin; serves those who attach. It outlives the supervisor, has its whole task on its
// command line and loses nothing it has read as long as it lives: what cannot be written stops the reading, so the
// container waits; but a log that refuses for seconds loses lines, and says so (sink.c).
//
//   peapod-io OUTPUT --lock PATH SOURCE [--attach SOCKET] [--control SOCKET --container NAME] [--resumed] [--foreground]
//   OUTPUT: --log PATH [--max-size BYTES --max-files N]
//         | --forward-stdout PATH --forward-stderr PATH [--prefix TEXT]
//   SOURCE: --stdout FIFO --stderr FIFO [--stdin FIFO [--stdin-once] --keeper PATH]
//         | --console SOCKET --pid-file PATH --keeper PATH
//
// It puts itself in the background and returns 0 once it reads, else a sentence on stderr and 1 (2: usage).
// The lock file holds a flock(2) and the pid. --max-files counts PATH, PATH.1 (younger) to PATH.N-1 (oldest).
// It ends when all writers of both FIFOs are gone, or all who have the terminal open and the process in --pid-file, or
// after SIGTERM and what was readable then; 1 if that could not be written. --resumed: the io before this one died; a line
// tells it (in the log, tagged `F:restarted`). The file --keeper is like a lock file, of the process in keeper.c.
// Forwards are pipes, terminals or files, also as /proc/PID/fd/N, or sockets, only so. TEXT goes before each line, and
// a line goes by one write(2), so that several io can share a pipe; without it bytes go as they come. A reader that is
// gone stops nobody. The supervisor behind --control is told of a log that cannot be written.

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
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../base/syscalls.h"
#include "io.h"

enum { RETRY_MS = 200, PROMPT_MS = 100, HANG_MS = 10, LONGEST_HANG_MS = 1000, DRAIN_READS = 256, PREFIX_MAX_BYTES = 256 };
// Our caller waits 2 s after SIGTERM: a slow reader gets half of it.
enum { DRAIN_MS = 1000, END = 7 };

long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// ---- from the FIFOs ----

// True if something came. The buffer has room: at most one unfinished line is left in it.
static int read_stream(struct stream *s) {
  if (s->ended || s->fd < 0) return 0;
  memmove(s->in, s->in + s->from, s->to - s->from);
  s->to -= s->from;
  s->from = 0;
  ssize_t n = read(s->fd, s->in + s->to, IN_BYTES - s->to);
  // EIO: nobody has the terminal open.
  if (n < 0) return is_hung_up |= errno == EIO, 0;
  write_stamp(s->stamp);
  if (n == 0) {
    s->ended = 1;
    close(s->fd);
    return 0;
  }
  send_to_clients((unsigned char)(1 + (s - streams)), s->in + s->to, (size_t)n);
  s->to += (size_t)n;
  return 1;
}

_Noreturn static void end(int status) {
  send_to_clients(END, NULL, 0);
  end_keeper();
  _exit(status);
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
  end(write_all() < 0 || lost ? 1 : 0);
}

static int choose_timeout(int refused) {
  static int hang_ms;
  // A container may live on for long without its terminal.
  hang_ms = !is_hung_up ? 0 : hang_ms == 0 ? HANG_MS : hang_ms * 2 < LONGEST_HANG_MS ? hang_ms * 2 : LONGEST_HANG_MS;
  if (is_hung_up && !streams[0].ended) return hang_ms < RETRY_MS || !refused ? hang_ms : RETRY_MS;
  if (refused || is_pending() || input_waits) return RETRY_MS;
  return streams[0].due_ms || streams[1].due_ms ? PROMPT_MS : -1;
}

_Noreturn static void loop(int signals) {
  long long input_try_ms = 0;
  for (;;) {
    int refused = write_all();
    if (!refused && streams[0].ended && streams[1].ended && !is_pending()) end(0);
    struct pollfd set[9 + MAX_CLIENTS];
    set[0] = (struct pollfd){.fd = signals, .events = POLLIN};
    for (int i = 0; i < 2; i++) {
      struct stream *s = &streams[i];
      int is_quiet = s->refused || s->ended || (i == 0 && is_hung_up);
      set[1 + i] = (struct pollfd){.fd = is_quiet ? -1 : s->fd, .events = POLLIN};
      set[3 + i] = (struct pollfd){.fd = s->refused && s->sink->is_full ? s->sink->fd : -1, .events = POLLOUT};
    }
    set[5] = (struct pollfd){.fd = console_fd, .events = POLLIN};
    set[6] = (struct pollfd){.fd = input_poll_fd(), .events = POLLOUT};
    set[7] = (struct pollfd){.fd = telling, .events = POLLIN};
    int clients = put_client_polls(set + 8);
    if (poll(set, (nfds_t)(8 + clients), choose_timeout(refused)) < 0) continue;
    if (set[0].revents) drain_and_end();
    if (set[5].revents) accept_console();
    if (set[7].revents) hear_answer();
    // Tried now and then as well: not all that takes input can say so.
    if (set[6].revents || now_ms() >= input_try_ms) {
      input_waits = 0;
      input_try_ms = now_ms() + RETRY_MS;
    }
    hear_clients(set + 8, clients);
    for (int i = 0; i < 2; i++) {
      if (set[1 + i].revents) read_stream(&streams[i]);
      // Before the other is read, so that the log's times never go back.
      if (carry(&streams[i]) < 0 && !forwards) break;
    }
    if (is_hung_up && !streams[0].refused && is_terminal_over()) streams[0].ended = 1;
  }
}

// ---- start ----

_Noreturn void give_up(const char *what, const char *why) {
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
const char *enter_parent(const char *path) {
  char parent[4096];
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return path;
  snprintf(parent, sizeof parent, "%.*s", slash == path ? 1 : (int)(slash - path), path);
  if (chdir(parent) < 0) give_up(parent, strerror(errno));
  return slash + 1;
}

int listen_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  const char *name = enter_parent(path);
  if (strlen(name) >= sizeof address.sun_path) give_up(path, "name is too long");
  strcpy(address.sun_path, name);
  unlink(name);
  mode_t mask = umask(0177);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int failed = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, MAX_CLIENTS) < 0;
  umask(mask);
  if (failed) give_up(path, strerror(errno));
  // Relative paths hold from there.
  if (here < 0 || fchdir(here) < 0) give_up(".", strerror(errno));
  close(here);
  return fd;
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
  // The keeper is our child, and nobody waits for it.
  signal(SIGCHLD, SIG_IGN);
  return signalfd(-1, &term, SFD_CLOEXEC);
}

static int usage(const char *what) {
  fprintf(stderr, "peapod-io: %s\n"
                  "usage: peapod-io OUTPUT --lock PATH SOURCE [--attach SOCKET] [--control SOCKET --container NAME]\n"
                  "                 [--resumed] [--foreground]\n"
                  "OUTPUT: --log PATH [--max-size BYTES --max-files N]\n"
                  "      | --forward-stdout PATH --forward-stderr PATH [--prefix TEXT]\n"
                  "SOURCE: --stdout FIFO --stderr FIFO [--stdin FIFO [--stdin-once] --keeper PATH]\n"
                  "      | --console SOCKET --pid-file PATH --keeper PATH\n", what);
  return 2;
}

static struct {
  const char *log, *lock, *out, *err, *in, *forward_out, *forward_err, *attach, *console, *keeper;
  int resumed, foreground;
} given;

static const struct {
  const char *flag, **value;
} FLAGS[] = {
  {"--log", &given.log}, {"--forward-stdout", &given.forward_out}, {"--forward-stderr", &given.forward_err},
  {"--prefix", &prefix}, {"--lock", &given.lock}, {"--stdout", &given.out}, {"--stderr", &given.err},
  {"--stdin", &given.in}, {"--attach", &given.attach}, {"--console", &given.console}, {"--keeper", &given.keeper},
  {"--pid-file", &pid_path}, {"--control", &control_path}, {"--container", &container_name},
};

static int parse(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    const char *flag = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
    size_t at = 0, count = sizeof FLAGS / sizeof *FLAGS;
    if (strcmp(flag, "--resumed") == 0) given.resumed = 1;
    else if (strcmp(flag, "--foreground") == 0) given.foreground = 1;
    else if (strcmp(flag, "--stdin-once") == 0) is_input_once = 1;
    else if (value == NULL) return usage("unknown flag or missing value");
    else if (i++, strcmp(flag, "--max-size") == 0) max_size = atoll(value);
    else if (strcmp(flag, "--max-files") == 0) max_files = atol(value);
    else {
      while (at < count && strcmp(flag, FLAGS[at].flag) != 0) at++;
      if (at == count) return usage("unknown flag");
      *FLAGS[at].value = value;
    }
  }
  forwards = given.forward_out && given.forward_err;
  if (!given.lock) return usage("--lock is needed");
  if (given.console ? !pid_path || given.out || given.err || given.in : !given.out || !given.err)
    return usage("either --stdout and --stderr or --console and --pid-file are needed");
  if ((given.console || given.in) && !given.keeper) return usage("--keeper is needed");
  if (given.log ? given.forward_out || given.forward_err || prefix : !forwards)
    return usage("either --log or both forwards are needed");
  if (!control_path != !container_name) return usage("--control and --container go together");
  if (prefix && strlen(prefix) > PREFIX_MAX_BYTES) return usage("--prefix is too long");
  if (max_size < 0 || max_files < 1 || max_files > 1000) return usage("--max-size or --max-files is out of range");
  return 0;
}

// 0: a terminal there was is lost.
static int open_sources(void) {
  int is_followed = given.keeper && find_keeper(given.keeper);
  if (given.console) return serve_console(given.console, is_followed, given.resumed);
  open_fifo(&streams[0], given.out);
  open_fifo(&streams[1], given.err);
  if (!given.in) return 1;
  open_input_fifo(given.in, given.resumed);
  int kept[] = {input_fd, streams[0].fd, streams[1].fd};
  if (!is_followed && input_fd >= 0) start_keeper(kept, 3);
  return 1;
}

int main(int argc, char **argv) {
  int ready = -1, null, wrong = parse(argc, argv);
  if (wrong) return wrong;
  while ((null = open("/dev/null", O_RDWR)) >= 0 && null < 3) continue;
  syscall(SYS_close_range, 3, ~0u, 0);
  int signals = block_signals();
  if (!given.foreground) ready = go_to_background();
  prctl(PR_SET_NAME, "peapod-io");
  take_lock(given.lock);
  int has_sources = open_sources();
  if (forwards) {
    open_forward(&sinks[0], given.forward_out);
    open_forward(&sinks[1], given.forward_err);
    streams[1].sink = &sinks[1];
  }
  if (given.attach) serve_attach(given.attach);
  int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  open_control();
  if (here < 0 || fchdir(here) < 0) give_up(".", strerror(errno));
  close(here);
  // Its directory is where we stay, so that its name holds when it is rotated.
  if (given.log) open_log(given.log);
  else if (chdir("/") < 0) give_up("/", strerror(errno));
  if (given.resumed) {
    // Only now may nothing mean that all writers are gone already; later poll(2) tells it.
    read_stream(&streams[0]);
    read_stream(&streams[1]);
    tell_restart(!has_sources);
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
