// What is done to a pod that is there: start, kill, delete, and run in the foreground.

#define _GNU_SOURCE
#include "oci.h"
#include "../../base/ask-pod.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <errno.h>
#include <unistd.h>

/** The sentence in a refusal. */
static const char *reason_in(const char *answer, char *out, size_t size) {
  const char *body = strstr(answer, "\r\n\r\n");
  struct span document = body ? json_parse(body + 4) : (struct span){0};
  return json_text(json_get(json_get(document, "error"), "message"), out, size) ? out : "its supervisor does not answer";
}

int start_members(void) {
  char answer[16384], reason[4096];
  int status = ask_pod(pod_dir, "start", "", answer, sizeof answer);
  if (status == 200) return 0;
  if (status < 0) return run_peapod("start", NULL);
  return complain("%s", reason_in(answer, reason, sizeof reason));
}

int start(void) {
  call.argv[0] = (char *)"runc";
  int code = run(NULL, call.argv);
  return code != 0 ? code : start_members();
}

static int is_sigkill(const char *signal) {
  return !strcmp(signal, "9") || !strcasecmp(signal, "KILL") || !strcasecmp(signal, "SIGKILL");
}

int kill_members(const char *signal) {
  char answer[16384], quoted[128], fields[256];
  if (!json_quote(signal, quoted, sizeof quoted)) return 400;
  snprintf(fields, sizeof fields, "\"signal\":%s%s", quoted, call.all ? ",\"all\":true" : "");
  return ask_pod(pod_dir, "kill", fields, answer, sizeof answer);
}

int kill_pod(void) {
  char fifo[PATH_MAX];
  const char *signal = call.signal ? call.signal : "TERM";
  if (sandbox_pid() == 0) pass();
  int status = kill_members(signal);
  int was_started = joined(fifo, sizeof fifo, "%s/%s/exec.fifo", call.root, call.id) && access(fifo, F_OK) < 0;
  // A sandbox that was never started waits for nobody's result. Of a signal that is none runc has its own words.
  if (status == 400 || (is_sigkill(signal) && (!was_started || status != 200))) pass();
  // All members have ended: the sandbox is about to.
  if (status == 200 || status == 409) return 0;
  if (status < 0) return run_peapod("kill", signal);
  // The runtime refused it: what it says of the sandbox it said of the members.
  pass();
}

int delete(void) {
  if (sandbox_pid() != 0 && !call.force) pass();
  if (delete_pod() != 0) return 1;
  remove_sandbox();
  pass();
}

static void hand_on(int signal) {
  char text[16];
  snprintf(text, sizeof text, "%d", signal);
  kill_members(text);
}

int run_pod(void) {
  static const int handed[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
  if (!call.detach && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) return complain("subreaper: %s", strerror(errno));
  int code = create();
  if (code != 0) return code;
  pid_t pid = sandbox_pid();
  code = run_verb("start", NULL);
  if (code == 0) code = start_members();
  if (code == 0 && call.detach) return 0;
  int has_run = code == 0;
  if (has_run) {
    for (size_t i = 0; i < sizeof handed / sizeof *handed; i++) signal(handed[i], hand_on);
    code = wait_for(pid);
  }
  if (call.keep && has_run) return code;
  delete_pod();
  run_verb("delete", "--force");
  remove_sandbox();
  return code;
}
