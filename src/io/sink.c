// Where output goes: to a log in the CRI line format, rotated by size, or to somebody else's stdout and stderr. A sink that
// refuses keeps the container waiting, so that nothing is lost; a log that has refused for a while loses lines instead,
// counts them, and tells it in the log once there is room again: a full disk must not stop a container for ever.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

enum { PROMPT_MS = 100, PATIENCE_MS = 3000, TRY_MS = 200 };

static char in[2][IN_BYTES], out[2][OUT_BYTES];
struct sink sinks[2] = {{.fd = -1, .out = out[0]}, {.fd = -1, .out = out[1]}};
struct stream streams[2] = {{.name = "stdout", .sink = &sinks[0], .fd = -1, .in = in[0]},
                            {.name = "stderr", .sink = &sinks[0], .fd = -1, .in = in[1]}};
int forwards;
const char *prefix;
long long drain_end_ms, max_size;
long max_files = 5;
static long long log_size;
static char log_name[256];

// Since when the log refuses, and what was lost meanwhile.
static struct {
  long long since_ms, try_ms, lines, bytes;
  int error, is_told;
} shortage;

// 2026-11-22T10:00:00.123456789Z, by the Gregorian rule with years that begin in March.
void write_stamp(char *text) {
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

static int put(struct stream *s) {
  // The rest of a half write goes first: nothing is added to a sink's buffer but from its beginning.
  if (flush(s->sink) < 0) return -1;
  return forwards ? to_forward(s) : to_log(s);
}

// What came while the log refused. A line whose beginning is lost is lost as a whole.
static void lose(struct stream *s) {
  for (const char *at = s->in + s->from; at < s->in + s->to; at++) shortage.lines += *at == '\n';
  shortage.bytes += (long long)(s->to - s->from);
  if (s->to > s->from) s->skips_line = s->in[s->to - 1] != '\n';
  s->from = s->to = 0;
}

static void lose_rest_of_line(struct stream *s) {
  char *text = s->in + s->from, *end = memchr(text, '\n', s->to - s->from);
  size_t length = end ? (size_t)(end - text) + 1 : s->to - s->from;
  shortage.lines += end != NULL;
  shortage.bytes += (long long)length;
  s->from += length;
  s->skips_line = end == NULL && !s->ended;
}

static void tell_shortage(void) {
  char json[160];
  shortage.is_told = 1;
  snprintf(json, sizeof json, "{\"is\":\"blocked\",\"reason\":\"%s\"}", strerror(shortage.error));
  tell_supervisor(json);
}

// The log takes again. The notice goes before what comes from now on.
static int end_shortage(void) {
  char stamp[STAMP_BYTES + 1], text[128], json[128];
  if (shortage.bytes > 0) {
    write_stamp(stamp);
    int length = snprintf(text, sizeof text, "peapod: %lld lines (%lld bytes) of output are missing: %s", shortage.lines,
                          shortage.bytes, strerror(shortage.error));
    if (put_line(stamp, "stderr", "F:lost", text, (size_t)length) < 0) return -1;
  }
  snprintf(json, sizeof json, "{\"is\":\"resumed\",\"lostLines\":%lld,\"lostBytes\":%lld}", shortage.lines,
           shortage.bytes);
  if (shortage.is_told) tell_supervisor(json);
  memset(&shortage, 0, sizeof shortage);
  return 0;
}

static int is_losing(void) { return shortage.since_ms && now_ms() - shortage.since_ms >= PATIENCE_MS && !drain_end_ms; }

int carry(struct stream *s) {
  // A flood must not try a full disk at each of its pieces.
  if (is_losing() && now_ms() < shortage.try_ms) return lose(s), 0;
  int error = flush(s->sink) < 0 ? errno : 0;
  if (!error && shortage.since_ms && end_shortage() < 0) error = errno;
  if (!error && s->skips_line) lose_rest_of_line(s);
  if (!error && put(s) < 0) error = errno;
  if (!error) return 0;
  if (forwards) return -1;
  shortage.error = error;
  shortage.try_ms = now_ms() + TRY_MS;
  if (!shortage.since_ms) shortage.since_ms = now_ms();
  if (!is_losing()) return -1;
  if (!shortage.is_told) tell_shortage();
  return lose(s), 0;
}

int is_pending(void) { return sinks[0].from < sinks[0].to || sinks[1].from < sinks[1].to || shortage.since_ms; }

int write_all(void) {
  int refused = streams[0].refused = carry(&streams[0]) < 0;
  // One log has one order: while it refuses one stream, the other has to wait as well.
  streams[1].refused = (refused && !forwards) || carry(&streams[1]) < 0;
  if (!forwards) streams[0].refused = streams[1].refused;
  return refused || streams[1].refused ? -1 : 0;
}

// ---- start ----

void open_log(const char *path) {
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
  return borrow(pid, (int)number);
}

// Opening makes an open file of our own, so that O_NONBLOCK is nobody else's: we wait in poll(2), where SIGTERM is seen.
void open_forward(struct sink *k, const char *path) {
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

void tell_restart(int has_lost_terminal) {
  char stamp[STAMP_BYTES + 1], text[128];
  write_stamp(stamp);
  // A FIFO whose ends were all closed meanwhile took along what stood in it.
  int bytes = 2 * IN_BYTES + (streams[0].ended + streams[1].ended) * PIPE_BYTES;
  if (input_kind == TERMINAL_INPUT) bytes = IN_BYTES;
  int length = has_lost_terminal
                 ? snprintf(text, sizeof text, "(peapod: io restarted, and the terminal is lost)")
                 : snprintf(text, sizeof text, "(peapod: io restarted, up to %d bytes of output may be missing)", bytes);
  // The log has a tag for it; elsewhere only the brackets tell it from the container's own lines.
  if (forwards) put_forward(&streams[1], text, (size_t)length, 1);
  else put_line(stamp, "stderr", "F:restarted", text + 1, (size_t)length - 2);
}
