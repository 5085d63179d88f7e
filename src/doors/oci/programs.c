// The programs that peapod-oci runs or becomes: the real runtime, and what of peapod lies beside it.

#define _GNU_SOURCE
#include "oci.h"
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/** We may be called runc ourselves. */
static int is_self(const char *path) {
  struct stat one, self;
  return stat(path, &one) == 0 && stat("/proc/self/exe", &self) == 0 && one.st_dev == self.st_dev && one.st_ino == self.st_ino;
}

_Noreturn void become(char **argv) {
  char path[PATH_MAX];
  const char *named = getenv("PEAPOD_OCI_RUNTIME"), *place = getenv("PATH");
  const char *name = named && *named ? named : "runc";
  int error = ENOENT;
  if (strchr(name, '/')) {
    if (!is_self(name)) execv(name, argv), error = errno;
  } else {
    if (!place || !*place) place = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    for (size_t length; *place; place += length + (place[length] == ':')) {
      length = strcspn(place, ":");
      if (length == 0 || !joined(path, sizeof path, "%.*s/%s", (int)length, place, name) || is_self(path)) continue;
      execv(path, argv);
      if (errno != ENOENT && errno != ENOTDIR) error = errno;
    }
  }
  fprintf(stderr, "peapod-oci: cannot run %s: %s\n", name, strerror(error));
  exit(127);
}

_Noreturn void pass(void) {
  call.argv[0] = (char *)"runc";
  become(call.argv);
}

static int exit_code(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int wait_for(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return 255;
  return exit_code(status);
}

int run(const char *program, char **argv) {
  pid_t pid = fork();
  if (pid < 0) return complain("fork: %s", strerror(errno));
  if (pid > 0) return wait_for(pid);
  if (program == NULL) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    become(argv);
  }
  execv(program, argv);
  fprintf(stderr, "peapod-oci: cannot run %s: %s\n", program, strerror(errno));
  _exit(127);
}

int run_verb(const char *verb, const char *option) {
  static char *argv[MAX_WORDS];
  int n = 0;
  for (int i = 0; i < call.at; i++) argv[n++] = call.argv[i];
  argv[0] = (char *)"runc";
  argv[n++] = (char *)verb;
  if (option) argv[n++] = (char *)option;
  argv[n++] = (char *)call.id;
  argv[n] = NULL;
  return run(NULL, argv);
}

int find_beside(const char *pattern, char *out, size_t size) {
  char self[PATH_MAX], path[PATH_MAX];
  if (!read_link("/proc/self/exe", self, sizeof self)) return 0;
  *strrchr(self, '/') = 0;
  glob_t found;
  if (!joined(path, sizeof path, "%s/%s", self, pattern) || glob(path, 0, NULL, &found) != 0) return 0;
  int fits = joined(out, size, "%s", found.gl_pathv[0]);
  globfree(&found);
  return fits;
}

int find_node(char *node, char *script, size_t size, const char *name) {
  char installed[64], built[64];
  snprintf(installed, sizeof installed, "../lib/peapod/%s", name);
  snprintf(built, sizeof built, "../lib/%s", name);
  static const char *nodes[] = {"../lib/peapod/node", "../../node_modules/node-linux-*/bin/node", "../../../node-linux-*/bin/node"};
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
    if (find_beside(nodes[i], node, size)) return find_beside(installed, script, size) || find_beside(built, script, size);
  return 0;
}

int run_peapod(const char *verb, const char *option) {
  char node[PATH_MAX], script[PATH_MAX];
  if (!find_node(node, script, sizeof node, "peapod.cjs")) return complain("the Node that belongs to peapod-oci is missing");
  char *argv[] = {node, script, (char *)verb, pod, (char *)option, NULL};
  return run(node, argv);
}
