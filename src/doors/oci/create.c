// create: the caller's container as the pod's sandbox, made by runc as he asked but that it runs us, and the pod's members
// in it; and its way back, which also takes away what a create that was killed half-way has left.

#define _GNU_SOURCE
#include "oci.h"
#include "../../base/ask-pod.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REAPER_END_MS = 5000 };

static void make_directory(const char *path) {
  char part[PATH_MAX];
  for (const char *end = strchr(path + 1, '/');; end = strchr(end + 1, '/')) {
    snprintf(part, sizeof part, "%.*s", end ? (int)(end - path) : (int)strlen(path), path);
    mkdir(part, 0700);
    if (end == NULL) return;
  }
}

/** The bundle is as its caller wrote it again, so that he may use it once more. */
static void give_bundle_back(void) {
  char own[PATH_MAX], link[PATH_MAX], bundle[PATH_MAX], path[PATH_MAX];
  if (!sandbox_file(link, "bundle") || !sandbox_file(own, "config.json") || !read_link(link, bundle, sizeof bundle)) return;
  if (!joined(path, sizeof path, "%s/config.json", bundle)) return;
  char *changed = read_file(path), *text = read_file(own);
  // What a call that was killed half-way was writing.
  char next[PATH_MAX];
  if (joined(next, sizeof next, "%s.peapod", path)) unlink(next);
  // Whoever has written another one meanwhile knows better.
  if (changed && text && strstr(changed, "[\"/.peapod/sandbox\"]")) replace_file(path, text, strlen(text));
  free(changed);
  free(text);
}

void remove_sandbox(void) {
  static const char *files[] = {"config.json", "config.json.peapod", "result", "members", "bundle", "owner"};
  char path[PATH_MAX];
  give_bundle_back();
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    if (sandbox_file(path, files[i])) unlink(path);
  rmdir(sandbox);
  *strrchr(sandbox, '/') = 0;
  rmdir(sandbox);
  rmdir(peapod_root());
}

int delete_pod(void) {
  char answer[64];
  if (access(pod_dir, F_OK) < 0) return 0;
  int reaper = open_reaper(pod_dir);
  int status = reaper < 0 ? -1 : ask_pod(pod_dir, "delete", "\"force\":true", answer, sizeof answer);
  if (status == 200) return wait_for_end(reaper, REAPER_END_MS), 0;
  return access(pod_dir, F_OK) < 0 ? 0 : run_peapod("delete", "--force");
}

/** Starts reaper and supervisor, which make the members; returns when they are created, or have been undone. */
static int make_members(const char *bundle, const char *manifest, const char *inside) {
  char reaper[PATH_MAX], node[PATH_MAX], script[PATH_MAX], pid[24];
  if (!find_beside("peapod-reaper", reaper, sizeof reaper) || !find_node(node, script, sizeof node, "peapod-oci.cjs"))
    return complain("what belongs to peapod-oci is missing beside it");
  pid_t process = sandbox_pid();
  if (process == 0) return complain("container %s: its sandbox ended at once", call.id);
  snprintf(pid, sizeof pid, "%d", (int)process);
  char *argv[] = {reaper, (char *)"launch", node, script, (char *)"--", (char *)"create", pod, sandbox, (char *)bundle, pid, (char *)manifest,
                  (char *)inside, (char *)(call.log ? call.log : ""), (char *)(call.log_is_json ? "json" : "text"), NULL};
  return run(reaper, argv);
}

/** The call itself. Of `run` the first half: it waits for its end in our way, when the members are there. */
static int run_create(void) {
  static const char *ours[] = {"-d", "-detach", "-keep", "-no-subreaper"};
  static char *argv[MAX_WORDS];
  int n = 0;
  for (int i = 0; call.argv[i]; i++) {
    const char *word = call.argv[i] + (strncmp(call.argv[i], "--", 2) == 0);
    size_t length = strcspn(word, "=");
    int is_ours = 0;
    for (int k = 0; k < 4 && call.command == RUN && i > call.at; k++)
      is_ours |= strlen(ours[k]) == length && strncmp(word, ours[k], length) == 0;
    if (!is_ours) argv[n++] = i == call.at ? (char *)"create" : call.argv[i];
  }
  argv[0] = (char *)"runc";
  argv[n] = NULL;
  return run(NULL, argv);
}

/** Two creates of one container, or of one bundle: the second must not touch what the first is making. */
static int lock_directory(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -1;
}

static int make_link(const char *name, const char *target) {
  char link[PATH_MAX];
  return sandbox_file(link, name) && (symlink(target, link) == 0 || errno == EEXIST) ? 0 : -1;
}

/** Beside the caller's container: whose it is, his config.json as he wrote it, the way for the result. Then changes it. */
static int prepare_sandbox(const char *bundle, const char *config_path, const char *text, struct span config) {
  char own[PATH_MAX], result[PATH_MAX], owner[PATH_MAX];
  size_t length;
  char *changed = make_sandbox_config(text, config, &length);
  if (changed == NULL) return complain("container %s: its config.json is none that a pod can live in", call.id);
  if (!joined(owner, sizeof owner, "%s/%s", call.root, call.id) || make_link("owner", owner) < 0 || make_link("bundle", bundle) < 0 ||
      !sandbox_file(own, "config.json") || replace_file(own, text, strlen(text)) < 0)
    return complain("%s: %s", sandbox, strerror(errno));
  // Open to all who reach it: a container's user, be he mapped or not; it lies where nobody else comes.
  if (!sandbox_file(result, "result") || (mkfifo(result, 0666) < 0 && errno != EEXIST) || chmod(result, 0666) < 0)
    return complain("%s: %s", result, strerror(errno));
  if (replace_file(config_path, changed, length) < 0) return complain("%s: %s", config_path, strerror(errno));
  free(changed);
  return 0;
}

/** Whether our caller, as a rootless podman or Docker, is root in a user namespace only: 0 has not all ids there are. */
static int is_users(void) {
  char text[4096];
  unsigned inside, outside, count;
  return read_some("/proc/self/uid_map", text, sizeof text) && sscanf(text, "%u %u %u", &inside, &outside, &count) == 3 && count != 0xffffffffu;
}

int create(void) {
  char bundle[PATH_MAX], path[PATH_MAX], inside[PATH_MAX], manifest[PATH_MAX], marker[PATH_MAX], state[PATH_MAX];
  if (!realpath(call.bundle ? call.bundle : ".", bundle) || !joined(path, sizeof path, "%s/config.json", bundle)) pass();
  char *text = read_file(path);
  struct span config = text ? json_parse(text) : (struct span){0};
  // What is wrong with it, or with the id, is runc's to say.
  if (!config.from || !call.id || !marker_path(marker, sizeof marker)) pass();
  int is_pod = find_manifest(config, bundle, inside, manifest, sizeof manifest);
  if (is_pod < 0) return 1;
  if (!is_pod) pass();
  if (is_users())
    return complain("container %s: a pod in a container needs the machine's root, and its caller runs as a user; peapod run makes users' pods", call.id);

  if (lock_directory(bundle) < 0) return complain("container %s: another call is making one of %s", call.id, bundle);
  // The last one may have changed it, and given it back, while we were reading.
  free(text);
  text = read_file(path);
  config = text ? json_parse(text) : (struct span){0};
  name_pod(1);
  make_directory(sandbox);
  if (lock_directory(sandbox) < 0) return complain("container %s: %s: %s", call.id, sandbox, strerror(errno));
  // Looked at under the locks: it is there already, which runc says in its own words.
  if (joined(state, sizeof state, "%s/%s", call.root, call.id) && access(state, F_OK) == 0) {
    rmdir(sandbox);
    pass();
  }
  int code = prepare_sandbox(bundle, path, text, config);
  if (code == 0) code = run_create();
  if (code == 0 && (symlink(sandbox, marker) < 0 || make_members(bundle, manifest, inside) != 0)) {
    run_verb("delete", "--force");
    code = 1;
  }
  if (code != 0) remove_sandbox();
  return code;
}
