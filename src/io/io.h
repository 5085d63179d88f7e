// What the parts of peapod-io share: io.c starts and turns the loop, sink.c writes to the log or to somebody else's
// streams, attach.c serves clients, input.c holds the container's stdin or terminal, keeper.c what must outlive us,
// tell.c speaks to the supervisor.

#pragma once
#include <poll.h>
#include <stddef.h>

// containerd and the kubelet cut lines at 16 KiB as well.
enum { LINE_MAX_BYTES = 16 * 1024, IN_BYTES = 32 * 1024, OUT_BYTES = 64 * 1024, STAMP_BYTES = 30 };
enum { PIPE_BYTES = 64 * 1024, MAX_CLIENTS = 16 };

struct sink {
  int fd, is_full, is_socket;
  size_t from, to;
  char *out;
};

struct stream {
  const char *name;
  struct sink *sink;
  int fd, ended, refused, is_inside_line, skips_line;
  size_t from, to;
  long long due_ms;
  char stamp[STAMP_BYTES + 1];
  char *in;
};

// io.c
_Noreturn void give_up(const char *what, const char *why);
long long now_ms(void);
// Goes to the directory of a path and gives its last part: sun_path holds 107 bytes only.
const char *enter_parent(const char *path);
// A listening socket, made anew, for its owner alone.
int listen_at(const char *path);

// sink.c. The log of both streams is the first sink; forwards have one each.
extern struct sink sinks[2];
extern struct stream streams[2];
extern int forwards;
extern const char *prefix;
extern long long drain_end_ms, max_size;
extern long max_files;
void write_stamp(char *text);
// From the stream's buffer to its sink; -1 where that refuses, and then the rest is still in the buffers.
int carry(struct stream *s);
int write_all(void);
// Something is left that no sink has taken.
int is_pending(void);
void open_log(const char *path);
void open_forward(struct sink *k, const char *path);
void tell_restart(int has_lost_terminal);

// attach.c
void serve_attach(const char *path);
void send_to_clients(unsigned char type, const char *data, size_t length);
int put_client_polls(struct pollfd *set);
void hear_clients(const struct pollfd *set, int count);

// input.c
enum input_kind { NO_INPUT, FIFO_INPUT, TERMINAL_INPUT };
extern enum input_kind input_kind;
extern int input_fd, input_waits, console_fd, is_hung_up;
extern int is_input_once;
void open_input_fifo(const char *path, int resumed);
// 0: it was lost with the keeper, and the container has been hung up.
int serve_console(const char *path, int is_followed, int resumed);
void accept_console(void);
// How many of them the container's side took; 0: it has to wait.
int input_poll_fd(void);
size_t put_input(const char *bytes, size_t count);
// For stdinOnce, after the first client who gave input: the container reads the end, now and ever after.
void end_input(void);
void resize(unsigned rows, unsigned columns);
// All who had the terminal open are gone, and so is the container's first process.
int is_terminal_over(void);

// keeper.c
int find_keeper(const char *path);
void start_keeper(const int *fds, int count);
int borrow(long pid, int number);
int borrow_from_keeper(int number);
void end_keeper(void);
int is_container_gone(void);
extern const char *keeper_path, *pid_path;

// tell.c
extern const char *control_path, *container_name;
extern int telling;
void open_control(void);
void tell_supervisor(const char *json);
void hear_answer(void);
