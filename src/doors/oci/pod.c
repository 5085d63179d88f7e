// Which pod a call is about: its name, its directories, whose it is, and the process that stands for it with its caller.
//
// On disk: <root>/sandboxes/<pod>/ has the bundle's own config.json, the FIFO `result` and, written by the supervisor,
// `members`, one name a line; <runtime's root>/<id>/peapod is a link to it, and goes with the runtime's state.

#define _GNU_SOURCE
#include "oci.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char pod[NAME_MAX + 1], pod_dir[PATH_MAX], sandbox[PATH_MAX];

const char *peapod_root(void) {
  const char *root = getenv("PEAPOD_ROOT");
  return root && *root ? root : "/run/peapod";
}

static int is_pod_name(const char *text) {
  size_t length = strlen(text);
  if (length == 0 || length > 63 || !strchr("abcdefghijklmnopqrstuvwxyz0123456789", text[0])) return 0;
  return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length && text[length - 1] != '-';
}

int sandbox_file(char *out, const char *name) {
  return joined(out, PATH_MAX, "%s/%s", sandbox, name);
}

static void take_name(const char *name) {
  snprintf(pod, sizeof pod, "%s", name);
  joined(pod_dir, sizeof pod_dir, "%s/pods/%s", peapod_root(), pod);
  joined(sandbox, sizeof sandbox, "%s/sandboxes/%s", peapod_root(), pod);
}

/** Whether the sandbox of that name was made for this very container: one link of it leads to the runtime's state. */
static int is_ours(void) {
  char link[PATH_MAX], state[PATH_MAX], owner[PATH_MAX];
  if (!sandbox_file(link, "owner") || !joined(state, sizeof state, "%s/%s", call.root, call.id)) return 0;
  if (read_link(link, owner, sizeof owner)) return strcmp(owner, state) == 0;
  // Killed before it could say whose it is.
  return access(sandbox, F_OK) == 0 && access(pod_dir, F_OK) < 0;
}

int name_pod(int is_new) {
  char name[NAME_MAX + 1];
  uint64_t hash = 0xcbf29ce484222325;
  const char *parts[] = {call.root, "/", call.id};
  for (int i = 0; i < 3; i++)
    for (const char *c = parts[i]; *c; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
  snprintf(name, sizeof name, "%.*s", strlen(call.id) > 63 ? 12 : 63, call.id);
  if (is_pod_name(name)) {
    take_name(name);
    if (is_new ? access(pod_dir, F_OK) < 0 && access(sandbox, F_OK) < 0 : is_ours()) return 1;
  }
  snprintf(name, sizeof name, "oci-%016llx", (unsigned long long)hash);
  take_name(name);
  return is_new || is_ours();
}

int marker_path(char *out, size_t size) {
  return call.id && !strchr(call.id, '/') && joined(out, size, "%s/%s/peapod", call.root, call.id);
}

int find_left_over(void) {
  return call.id && !strchr(call.id, '/') && name_pod(0);
}

int find_pod(void) {
  char marker[PATH_MAX];
  if (!marker_path(marker, sizeof marker)) return 0;
  if (!read_link(marker, sandbox, sizeof sandbox)) return 0;
  const char *name = strrchr(sandbox, '/');
  return name && joined(pod, sizeof pod, "%s", name + 1) && joined(pod_dir, sizeof pod_dir, "%s/pods/%s", peapod_root(), pod);
}

pid_t sandbox_pid(void) {
  char path[PATH_MAX], text[512], digits[24];
  if (!joined(path, sizeof path, "%s/%s/state.json", call.root, call.id)) return 0;
  char *state = read_file(path);
  struct span document = state ? json_parse(state) : (struct span){0};
  struct span pid = json_get(document, "init_process_pid"), start = json_get(document, "init_process_start");
  pid_t found = pid.from ? (pid_t)strtol(pid.from, NULL, 10) : 0;
  unsigned long long started = start.from ? strtoull(start.from, NULL, 10) : 0;
  free(state);
  if (found <= 0 || !joined(path, sizeof path, "/proc/%d/stat", (int)found)) return 0;
  if (!read_some(path, text, sizeof text)) return 0;
  char letter = 0;
  const char *at = strrchr(text, ')');
  if (at) sscanf(at + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %23s", &letter, digits);
  return at && letter != 'Z' && letter != 'X' && (started == 0 || strtoull(digits, NULL, 10) == started) ? found : 0;
}
