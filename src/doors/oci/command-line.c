// See command-line.h. runc 1.1 reads flags with Go's flag package: one dash or two, `-flag value` or `-flag=value`;
// flags of a command may follow its arguments, but for exec, whose arguments begin a command line of their own.

#include "command-line.h"
#include <stddef.h>
#include <string.h>

/** Names with `=` take a value. */
static const char *GLOBALS[] = {"debug", "log=", "log-format=", "root=", "criu=", "systemd-cgroup", "rootless=", NULL};
static const struct {
  const char *word;
  enum command command;
  const char *flags[20];
} COMMANDS[] = {
    {"create", CREATE, {"bundle=", "b=", "console-socket=", "pidfd-socket=", "pid-file=", "no-pivot", "no-new-keyring", "preserve-fds="}},
    {"run", RUN, {"bundle=", "b=", "console-socket=", "pidfd-socket=", "detach", "d", "keep", "pid-file=", "no-subreaper", "no-pivot",
                  "no-new-keyring", "preserve-fds="}},
    {"start", START, {0}},
    {"kill", KILL, {"all", "a"}},
    {"delete", DELETE, {"force", "f"}},
    {"exec", EXEC, {"console-socket=", "pidfd-socket=", "cwd=", "env=", "e=", "tty", "t", "user=", "u=", "additional-gids=", "g=",
                    "process=", "p=", "detach", "d", "pid-file="}},
    {"checkpoint", CHECKPOINT, {"image-path=", "work-path=", "parent-path=", "leave-running", "tcp-established", "ext-unix-sk", "shell-job",
                                "lazy-pages", "status-fd=", "page-server=", "file-locks", "pre-dump", "manage-cgroups-mode=", "empty-ns=",
                                "auto-dedup"}},
    {"restore", RESTORE, {0}},
};
static const char *EXEC_FLAGS[] = {"process-label=", "apparmor=", "no-new-privs", "cap=", "c=", "preserve-fds=", "cgroup=",
                                   "ignore-paused", NULL};
static const char *RESTORE_FLAGS[] = {"console-socket=", "image-path=", "work-path=", "tcp-established", "ext-unix-sk", "shell-job",
                                      "file-locks", "manage-cgroups-mode=", "bundle=", "b=", "detach", "d", "pid-file=", "no-subreaper",
                                      "no-pivot", "empty-ns=", "auto-dedup", "lazy-pages", "lsm-profile=", "lsm-mount-context=", NULL};

/** The flag's name without `=`, and its value or "" where it takes none; NULL: not one of these. Moves `at` past it. */
static const char *read_flag(const char *const *flags, char **argv, int *at, const char **value) {
  const char *word = argv[*at] + (argv[*at][1] == '-' ? 2 : 1);
  size_t length = strcspn(word, "=");
  for (; flags && *flags; flags++) {
    size_t name = strcspn(*flags, "=");
    if (name != length || strncmp(*flags, word, length) != 0) continue;
    *value = "";
    if (word[length] == '=') *value = word + length + 1;
    else if ((*flags)[name] == '=' && (*value = argv[++*at]) == NULL) return NULL;
    ++*at;
    return *flags;
  }
  return NULL;
}

static int is(const char *flag, const char *one, const char *other) {
  size_t length = strcspn(flag, "=");
  return (strlen(one) == length && strncmp(flag, one, length) == 0) ||
         (other && strlen(other) == length && strncmp(flag, other, length) == 0);
}

static void take(struct call *call, const char *flag, const char *value) {
  static const char CONTAINER[] = "PEAPOD_CONTAINER=";
  int is_on = strcmp(value, "false") != 0 && strcmp(value, "0") != 0;
  if (is(flag, "bundle", "b")) call->bundle = *value ? value : NULL;
  else if (is(flag, "pid-file", NULL)) call->pid_file = value;
  else if (is(flag, "process", "p")) call->process = value;
  else if (is(flag, "detach", "d")) call->detach = is_on;
  else if (is(flag, "force", "f")) call->force = is_on;
  else if (is(flag, "all", "a")) call->all = is_on;
  else if (is(flag, "keep", NULL)) call->keep = is_on;
  else if (is(flag, "ignore-paused", NULL)) call->ignore_paused = is_on;
  else if (is(flag, "env", "e") && strncmp(value, CONTAINER, sizeof CONTAINER - 1) == 0)
    call->exec_container = value + sizeof CONTAINER - 1;
}

static int read_globals(struct call *call) {
  const char *flag, *value;
  int at = 1;
  while (call->argv[at] && call->argv[at][0] == '-' && call->argv[at][1] && strcmp(call->argv[at], "--") != 0) {
    if ((flag = read_flag(GLOBALS, call->argv, &at, &value)) == NULL) return 0;
    if (is(flag, "root", NULL)) call->root = value;
    if (is(flag, "log", NULL)) call->log = value;
    if (is(flag, "log-format", NULL)) call->log_is_json = strcmp(value, "json") == 0;
  }
  if (call->argv[at] && strcmp(call->argv[at], "--") == 0) at++;
  call->at = at;
  return call->argv[at] != NULL;
}

int read_call(int argc, char **argv, struct call *call) {
  const char *const *flags = NULL, *const *more = NULL;
  (void)argc;
  *call = (struct call){.argv = argv, .root = "/run/runc"};
  if (!read_globals(call)) return 0;
  for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++)
    if (strcmp(argv[call->at], COMMANDS[i].word) == 0) call->command = COMMANDS[i].command, flags = COMMANDS[i].flags;
  if (call->command == EXEC) more = EXEC_FLAGS;
  if (call->command == RESTORE) more = RESTORE_FLAGS;
  if (call->command == OTHER) return 0;
  for (int at = call->at + 1; argv[at];) {
    const char *flag, *value;
    int again = at;
    if (argv[at][0] != '-' || argv[at][1] == 0) {
      if (call->id == NULL) call->id = argv[at], call->id_at = at;
      else if (call->command == KILL && call->signal == NULL) call->signal = argv[at];
      if (call->command == EXEC) return 1;
      at++;
    } else if (strcmp(argv[at], "--") == 0) {
      at++;
      if (call->id == NULL && argv[at]) call->id = argv[at], call->id_at = at;
      return 1;
    } else if ((flag = read_flag(flags, argv, &at, &value)) != NULL || (flag = read_flag(more, argv, (at = again, &at), &value)) != NULL) {
      take(call, flag, value);
    } else {
      return 0;
    }
  }
  return 1;
}
