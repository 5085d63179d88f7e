// peapod-ask NODE SCRIPT -- WORDS...: asks a pod's supervisor for one plain change without starting Node first, which
// takes longer than the change. Whatever is not plain, or not answered with 200, goes to NODE SCRIPT WORDS...:
// it asks again, and knows what to say. docs/control-socket.md has the request; reaper.pid stands in the pod's directory.

#define _GNU_SOURCE
#include "../../base/ask-pod.h"
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REAPER_END_MS = 1000 };

struct wish {
  const char *verb, *pod;
  int force;
};

/** False for all that Node had better read: options of other verbs, several pods, odd names. */
static int is_plain(char **words, struct wish *wish) {
  static const char *verbs[] = {"delete", "stop", "start", "pause", "resume"};
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
    if (*words && strcmp(*words, verbs[i]) == 0) wish->verb = verbs[i];
  if (!wish->verb) return 0;
  for (words++; *words; words++) {
    int is_force = strcmp(*words, "-f") == 0 || strcmp(*words, "--force") == 0;
    if (is_force && strcmp(wish->verb, "delete") == 0) {
      wish->force = 1;
    } else if (!wish->pod && (islower(**words) || isdigit(**words))) {
      wish->pod = *words;
    } else {
      return 0;
    }
  }
  if (!wish->pod) return 0;
  for (const char *c = wish->pod; *c; c++)
    if (!islower(*c) && !isdigit(*c) && *c != '-' && *c != '.') return 0;
  return 1;
}

static char farewell[256];

/** Only what a handler of signals may call. */
static void bid_farewell(int signal) {
  ssize_t written = write(STDERR_FILENO, farewell, strlen(farewell));
  (void)written;
  _exit(128 + signal);
}

/** Whoever stops waiting is told that the pod does not: until-interrupted.ts has the same words. */
static void expect_signals(const char *pod) {
  static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
  snprintf(farewell, sizeof farewell,
           "peapod: pod %s: goes on with what was asked of it; peapod state %s tells of it\n", pod, pod);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction action = {.sa_handler = bid_farewell}, before;
    // What the caller has us ignore (nohup) stays so.
    if (sigaction(signals[i], &action, &before) == 0 && before.sa_handler == SIG_IGN) sigaction(signals[i], &before, NULL);
  }
}

/** False where Node has to ask again, or to explain. */
static int ask(const struct wish *wish) {
  char dir[4096], answer[64];
  const char *root = getenv("PEAPOD_ROOT");
  if (snprintf(dir, sizeof dir, "%s/pods/%s", root && *root ? root : "/run/peapod", wish->pod) >= (int)sizeof dir) return 0;
  int is_delete = strcmp(wish->verb, "delete") == 0;
  int reaper = open_reaper(dir);
  if (reaper < 0) return 0;
  expect_signals(wish->pod);
  // A supervisor that was killed after its last act could not answer any more.
  int status = ask_pod(dir, wish->verb, wish->force ? "\"force\":true" : "", answer, sizeof answer);
  // What it left of the directory its reaper takes away, and ends.
  if (is_delete && (status == 200 || status < 0)) wait_for_end(reaper, REAPER_END_MS);
  return status == 200 || (status < 0 && is_delete && access(dir, F_OK) < 0 && errno == ENOENT);
}

int main(int argc, char **argv) {
  struct wish wish = {0};
  if (argc < 5 || strcmp(argv[3], "--") != 0) {
    fputs("usage: peapod-ask NODE SCRIPT -- WORDS...\n", stderr);
    return 2;
  }
  if (is_plain(argv + 4, &wish) && ask(&wish)) return 0;
  char *node = argv[1];
  argv[3] = argv[2];
  argv[2] = node;
  execv(node, argv + 2);
  fprintf(stderr, "peapod-ask: cannot run %s: %s\n", node, strerror(errno));
  return 127;
}
