// runc's command line, as far as we have to understand it: which command, on which container, with which options.
// Whatever we do not understand is runc's to refuse.

#ifndef PEAPOD_COMMAND_LINE_H
#define PEAPOD_COMMAND_LINE_H

enum command { OTHER, CREATE, RUN, START, KILL, DELETE, EXEC, CHECKPOINT, RESTORE };

struct call {
  char **argv;
  enum command command;
  /** Index of the command's word; what stands before it are the global flags. */
  int at;
  const char *root, *log;
  int log_is_json;
  /** The container's id and its index; NULL where none is named. */
  const char *id;
  int id_at;
  const char *bundle, *pid_file, *process, *exec_container, *signal;
  int detach, force, all, keep, ignore_paused;
};

/** False where it is no call that concerns us, or none that we understand. */
int read_call(int argc, char **argv, struct call *call);

#endif
