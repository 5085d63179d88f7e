// What the parts of peapod-reaper share: reaper.c reaps and starts the supervisor, launch.c makes the process that does, settle.c
// has its place in a pod's directory, exits.c writes down, watch.c looks at those who are not its children.

#pragma once
#include <limits.h>
#include <poll.h>
#include <sys/types.h>

enum { CONTROL, BELL, LINK, OUT, ERR, SETTLE, HANDED };
enum { LAUNCH_FAILED = 125, MAX_WATCHED = 512 };

// reaper.c
// What the next supervisor gets, a null device, where SIGCHLD is read, and the supervisor that is to end before.
extern int handed[HANDED], devnull, signals, after;
extern char *node, *script, **first_argv;
void replace_by_null(int which);
_Noreturn void loop(void);

// launch.c
// Out of the way of 3 to 8, which a starting supervisor gets by dup2.
int keep(int fd);
int complain(const char *what);
int launch(char **argv, pid_t parent);
int adopt(char **argv);

// settle.c
extern int settled, settle_end;
extern char dir[PATH_MAX];
int settle(void);
// `<dir>\n` came over the settle socket, perhaps in pieces.
void hear_settle(void);
// The pod is: its last file is gone.
int is_over(void);
_Noreturn void end_with_pod(void);

// exits.c
// The file, the write end of the bell, and whether something could not be written yet.
extern int exits, ring, retry;
extern off_t exits_end;
// 0: it is on disk.
int record(pid_t pid, const char *kind, const char *value);
int record_status(pid_t pid, int status);

// watch.c
// PID[:STARTTIME]
int watch(const char *text);
// How many have ended and are recorded.
int look_at_watched(void);
int put_watched_polls(struct pollfd *set);
