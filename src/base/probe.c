// peapod-probe: what a probe needs and Node has no call for. Descriptor 3 is a socket to whoever started it (channel.ts);
// when that closes, or its owner dies, everything here ends. What went wrong stands on stderr, in a few words.
//
//   peapod-probe reach MS PID START HOST PORT    connects over TCP in the network namespace of process PID, and ends
//   peapod-probe dial MS PID START HOST PORT     the same, and carries bytes between that connection and 3
//   peapod-probe guard PID PIDFILE PROGRAM ARGS...  runs `runc exec`, sends its first output over 3 and ends as it
//                       does; when 3 closes it kills all that was started, by descent, and by the session whose leader
//                       PIDFILE names where a process is in the cgroup of PID
//   peapod-probe notify SOCKET TEXT               one datagram to systemd, in the name of our parent (sd_notify(3))
//
// START: clock ticks after boot, 0 where nobody knows. HOST: a literal address, or localhost. MS: the latest end.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dirent.h>

#include "syscalls.h"

enum { OWNER = 3, MOST_OUTPUT = 10 * 1024, FAILED = 1, NEVER_RAN = 127, MAX_TREE = 4096, MAX_SESSIONS = 64, ROUNDS = 400 };

_Noreturn static void fail(const char *words) {
  fprintf(stderr, "%s\n", words);
  exit(FAILED);
}

// ---- processes ----

struct process {
  pid_t pid, parent, session;
  unsigned long long start;
  int is_ours;
};

// proc_pid_stat(5); the name stands in brackets and may hold brackets itself. False too for a zombie.
static int read_process(pid_t pid, struct process *found) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (n <= 0) return 0;
  text[n] = 0;
  char state, *rest = strrchr(text, ')');
  *found = (struct process){.pid = pid};
  if (!rest) return 0;
  int parsed = sscanf(rest + 1, " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
                      &found->parent, &found->session, &found->start);
  return parsed == 4 && state != 'Z' && state != 'X';
}

// ---- dial ----

static void enter_network(const char *pid_word, const char *start_word) {
  char path[64];
  struct process found;
  struct stat theirs, ours;
  pid_t pid = atoi(pid_word);
  unsigned long long start = strtoull(start_word, NULL, 10);
  snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  // Looked at after it was opened: now the descriptor is the namespace of the process that was meant, or we end.
  if (fd < 0 || !read_process(pid, &found) || (start && found.start != start)) fail("its container is gone");
  if (fstat(fd, &theirs) == 0 && stat("/proc/self/ns/net", &ours) == 0 && theirs.st_ino == ours.st_ino) return;
  if (setns(fd, CLONE_NEWNET) < 0) fail(strerror(errno));
  close(fd);
}

// Returns an errno. Nobody waits for a connection whose owner is gone.
static int wait_for_connection(int fd) {
  struct pollfd ends[2] = {{.fd = fd, .events = POLLOUT}, {.fd = OWNER, .events = POLLRDHUP}};
  while (poll(ends, 2, -1) < 0)
    if (errno != EINTR) return errno;
  if (ends[1].revents) exit(FAILED);
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

static int connect_to(const char *host, int port) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  char name[INET6_ADDRSTRLEN] = "";
  snprintf(name, sizeof name, "%.*s", (int)strcspn(host, "%"), host);
  int is_v4 = inet_pton(AF_INET, name, &v4.sin_addr) == 1;
  if (!is_v4 && inet_pton(AF_INET6, name, &v6.sin6_addr) != 1) fail("not an address");
  const char *zone = strchr(host, '%');
  if (zone) v6.sin6_scope_id = if_nametoindex(zone + 1) ? if_nametoindex(zone + 1) : (uint32_t)atoi(zone + 1);
  int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  struct sockaddr *address = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
  int error = connect(fd, address, is_v4 ? sizeof v4 : sizeof v6) == 0 ? 0 : errno;
  if (error == EINPROGRESS) error = wait_for_connection(fd);
  if (error == 0 && fcntl(fd, F_SETFL, 0) == 0) return fd;
  close(fd);
  errno = error;
  return -1;
}

static int write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t n = write(fd, bytes, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    bytes += n;
    length -= (size_t)n;
  }
  return 0;
}

// Blocks where one side does not read; the alarm, or whoever started us, ends that.
static void carry(int peer) {
  static char bytes[16 * 1024];
  struct pollfd ends[2] = {{.fd = OWNER, .events = POLLIN}, {.fd = peer, .events = POLLIN}};
  for (;;) {
    if (poll(ends, 2, -1) < 0 && errno != EINTR) fail(strerror(errno));
    for (int i = 0; i < 2; i++) {
      if (ends[i].fd < 0 || !ends[i].revents) continue;
      ssize_t n = read(ends[i].fd, bytes, sizeof bytes);
      if (n < 0 && errno == EINTR) continue;
      // The owner has what it wanted, or is dead.
      if (i == 0 && n <= 0) return;
      if (n < 0) fail(strerror(errno));
      // The other side has said all; what the owner still says to it goes through.
      if (n == 0) shutdown(OWNER, SHUT_WR), ends[1].fd = -1;
      else if (write_all(i == 0 ? peer : OWNER, bytes, (size_t)n) < 0 && i == 1) return;
    }
  }
}

static int dial(char **words, int is_lasting) {
  int ms = atoi(words[0]), port = atoi(words[4]);
  const char *host = words[3];
  struct itimerval latest = {.it_value = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000L + 1}};
  setitimer(ITIMER_REAL, &latest, NULL);
  enter_network(words[1], words[2]);
  int is_local = strcmp(host, "localhost") == 0;
  int peer = connect_to(is_local ? "127.0.0.1" : host, port);
  int error = errno;
  // A server may listen on version 6 alone.
  if (peer < 0 && is_local) peer = connect_to("::1", port);
  if (peer < 0) fail(strerror(error));
  if (is_lasting) carry(peer);
  return 0;
}

// ---- guard ----

static struct process tree[MAX_TREE];
static pid_t sessions[MAX_SESSIONS];
static int session_count;

static void add_session(pid_t leader) {
  for (int i = 0; i < session_count; i++)
    if (sessions[i] == leader) return;
  if (leader > 1 && leader != getsid(0) && session_count < MAX_SESSIONS) sessions[session_count++] = leader;
}

static int is_in_session(pid_t session) {
  for (int i = 0; i < session_count; i++)
    if (sessions[i] == session) return 1;
  return 0;
}

// Without the line of version 2 where there are others: there it may say only from where a process was started.
static ssize_t read_cgroup(pid_t pid, char *text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
  if (fd >= 0) close(fd);
  if (n <= 0) return -1;
  text[n] = 0;
  char *unified = strstr(text, "\n0::");
  return unified ? unified - text : n;
}

// A session's number may be another's by now; one in this container's cgroup is not.
static int is_in_cgroup_of(pid_t pid, pid_t container) {
  static char one[4096], other[4096];
  ssize_t length = read_cgroup(pid, one, sizeof one);
  return length > 0 && read_cgroup(container, other, sizeof other) == length && memcmp(one, other, (size_t)length) == 0;
}

static int read_tree(pid_t container) {
  int count = 0, is_new = 1;
  DIR *proc = opendir("/proc");
  if (!proc) return 0;
  for (struct dirent *entry; (entry = readdir(proc)) && count < MAX_TREE;) {
    pid_t pid = atoi(entry->d_name);
    if (pid > 1 && pid != getpid() && read_process(pid, &tree[count])) count++;
  }
  closedir(proc);
  while (is_new) {
    is_new = 0;
    for (int i = 0; i < count; i++) {
      struct process *one = &tree[i];
      if (one->is_ours) continue;
      one->is_ours = one->parent == getpid();
      for (int j = 0; j < count && !one->is_ours; j++) one->is_ours = tree[j].is_ours && tree[j].pid == one->parent;
      if (!one->is_ours && is_in_session(one->session)) one->is_ours = is_in_cgroup_of(one->pid, container);
      if (!one->is_ours) continue;
      is_new = 1;
      if (one->session == one->pid) add_session(one->pid);
    }
  }
  return count;
}

static void kill_verified(const struct process *meant) {
  struct process now;
  int fd = (int)syscall(SYS_pidfd_open, meant->pid, 0);
  if (fd < 0) return;
  if (read_process(meant->pid, &now) && now.start == meant->start) syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
  close(fd);
}

static void kill_all(pid_t container, const char *pid_file) {
  char text[32] = "";
  int fd = open(pid_file, O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && read(fd, text, sizeof text - 1) > 0) add_session(atoi(text));
  if (fd >= 0) close(fd);
  for (int round = 0; round < ROUNDS; round++) {
    int found = 0, count = read_tree(container);
    for (int i = 0; i < count; i++)
      if (tree[i].is_ours) kill_verified(&tree[i]), found++;
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    if (found == 0) return;
    usleep(round < 10 ? 1000 : 5000);
  }
}

// At most a pipe full: who floods it must not keep us from looking at the owner.
static void pass_output(int from, size_t *passed) {
  char bytes[4096];
  ssize_t n;
  for (int i = 0; i < 16 && (n = read(from, bytes, sizeof bytes)) > 0; i++) {
    size_t room = MOST_OUTPUT - *passed, length = (size_t)n < room ? (size_t)n : room;
    if (length > 0) (void)!send(OWNER, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    *passed += length;
  }
}

static pid_t start_program(char **argv, int output, const sigset_t *mask) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  dup2(output, 1);
  dup2(output, 2);
  sigprocmask(SIG_SETMASK, mask, NULL);
  signal(SIGPIPE, SIG_DFL);
  execv(argv[0], argv);
  fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
  _exit(NEVER_RAN);
}

static int guard(char **words) {
  pid_t container = atoi(words[0]);
  const char *pid_file = words[1];
  int output[2], status = 0;
  size_t passed = 0;
  sigset_t children, before;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  sigprocmask(SIG_BLOCK, &children, &before);
  int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
  // What loses its parent in the host's pid namespace comes to us, and can be found.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (signals < 0 || pipe2(output, O_CLOEXEC | O_NONBLOCK) < 0) fail(strerror(errno));
  fcntl(OWNER, F_SETFD, FD_CLOEXEC);
  fcntl(output[1], F_SETFL, 0);
  pid_t child = start_program(words + 2, output[1], &before);
  if (child < 0) fail(strerror(errno));
  close(output[1]);
  struct pollfd ends[3] = {{.fd = OWNER, .events = POLLIN}, {.fd = output[0], .events = POLLIN}, {.fd = signals, .events = POLLIN}};
  for (;;) {
    if (poll(ends, 3, -1) < 0 && errno != EINTR) break;
    struct signalfd_siginfo ignored;
    while (read(signals, &ignored, sizeof ignored) > 0) continue;
    pass_output(output[0], &passed);
    if (ends[1].revents & (POLLHUP | POLLERR)) ends[1].fd = -1;
    int has_ended = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
      if (pid == child) {
        has_ended = 1;
        break;
      }
    if (has_ended) {
      pass_output(output[0], &passed);
      unlink(pid_file);
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    if (ends[0].revents) break;
  }
  kill_all(container, pid_file);
  unlink(pid_file);
  return FAILED;
}

// ---- notify ----

static int notify(const char *socket_name, const char *text) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(socket_name);
  if (length < 2 || length >= sizeof address.sun_path || !strchr("/@", *socket_name)) fail("NOTIFY_SOCKET is not a socket");
  memcpy(address.sun_path, socket_name, length);
  // An abstract name, see unix(7).
  if (*socket_name == '@') address.sun_path[0] = 0;
  // We will have ended before systemd looks whose message it is; our parent is who it started.
  struct ucred who = {.pid = getppid(), .uid = getuid(), .gid = getgid()};
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof who)];
  } control = {0};
  control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof who), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS};
  memcpy(CMSG_DATA(&control.header), &who, sizeof who);
  struct iovec body = {.iov_base = (char *)(size_t)text, .iov_len = strlen(text)};
  struct msghdr message = {.msg_name = &address,
                           .msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length),
                           .msg_iov = &body,
                           .msg_iovlen = 1,
                           .msg_control = control.room,
                           .msg_controllen = sizeof control.room};
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(strerror(errno));
  if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0) return 0;
  if (errno != EPERM) fail(strerror(errno));
  // Only root may speak for another process.
  message.msg_control = NULL;
  message.msg_controllen = 0;
  if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0) fail(strerror(errno));
  return 0;
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  signal(SIGPIPE, SIG_IGN);
  if (argc == 7 && strcmp(mode, "reach") == 0) return dial(argv + 2, 0);
  if (argc == 7 && strcmp(mode, "dial") == 0) return dial(argv + 2, 1);
  if (argc >= 5 && strcmp(mode, "guard") == 0) return guard(argv + 2);
  if (argc == 4 && strcmp(mode, "notify") == 0) return notify(argv[2], argv[3]);
  fputs("usage: peapod-probe reach|dial|guard|notify ...; see probe.c\n", stderr);
  return 2;
}
