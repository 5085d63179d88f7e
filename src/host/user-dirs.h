// Where a user's pods keep their state, and what they leave to stay.

#ifndef PEAPOD_USER_DIRS_H
#define PEAPOD_USER_DIRS_H

/** Says one line and ends with 125; rootless.c's. */
__attribute__((format(printf, 1, 2))) _Noreturn void fail(const char *format, ...);

/** A variable that is an absolute path, else NULL. */
const char *environment(const char *name);

char *join(const char *dir, const char *name);

/** $XDG_RUNTIME_DIR/peapod, else /tmp/peapod-UID. */
char *find_state(void);

/** Made where it is missing, checked to be the user's alone, and locked until it is closed. */
int open_state(const char *path);

/** Links from the state directory to what outlives the session. */
void link_home(int state);

#endif
