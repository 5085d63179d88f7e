// exec: into a member, by the same call on another container in the members' own state directory. A health check that asks
// whether the pod is ready is answered in the sandbox itself.

#define _GNU_SOURCE
#include "oci.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/** Of exec: the process document's own wish. */
static void read_exec_wish(char *out, size_t size) {
  char *document = call.process ? read_file(call.process) : NULL;
  if (call.exec_container) snprintf(out, size, "%s", call.exec_container);
  if (document) find_env(json_parse(document), "PEAPOD_CONTAINER=", out, size);
  free(document);
}

/** Whether the caller paused the pod: a member's own cgroup does not tell, as it is frozen by the one above it. */
static int is_paused(void) {
  char path[PATH_MAX], text[4096], place[PATH_MAX] = "";
  if (!joined(path, sizeof path, "/proc/%d/cgroup", (int)sandbox_pid())) return 0;
  if (!read_some(path, text, sizeof text)) return 0;
  int fits = 0;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    char *freezer = strstr(line, ":freezer:");
    if (freezer) {
      fits = joined(place, sizeof place, "/sys/fs/cgroup/freezer%s/freezer.self_freezing", freezer + 9);
      if (fits && access(place, F_OK) == 0) break;
    }
    if (strncmp(line, "0::", 3) != 0) continue;
    // It may have been moved aside; see host/callers-cgroup.ts.
    char *leaf = strrchr(line, '/');
    if (leaf && strcmp(leaf, "/.peapod") == 0) *leaf = 0;
    fits = joined(place, sizeof place, "/sys/fs/cgroup%s/cgroup.freeze", line + 3);
  }
  return fits && read_some(place, text, sizeof text) && *text == '1';
}

/** `peapod-ready`, also as a shell's command: Docker has no other way to write a service's health check. */
static int is_ready_command(struct span args) {
  char word[64], second[64] = "";
  int count = 0;
  for (struct span arg = {0}; (arg = json_next(args, arg, NULL)).from; count++) {
    if (!json_text(arg, word, sizeof word)) *word = 0;
    if (count == 1) memcpy(second, word, sizeof second);
  }
  return (count == 1 || (count == 3 && !strcmp(second, "-c"))) && !strcmp(word, "peapod-ready");
}

/** `N words`, as the supervisor keeps it: 0 while the pod is ready. Kept in `text`. */
static const char *read_readiness(char *text, size_t size) {
  char path[PATH_MAX];
  if (!joined(path, sizeof path, "%s/readiness", pod_dir) || !read_some(path, text, size)) snprintf(text, size, "1 not known");
  text[1] = 0;
  return text + 2;
}

/** The answer is given by a process in the container itself, as the caller's own command would be. */
static void exec_ready(void) {
  char text[1024], quoted[2048], words[4096], path[64];
  const char *why = read_readiness(text, sizeof text);
  if (!call.process) {
    const char *only = call.argv[call.id_at + 1];
    if (!only || strcmp(only, "peapod-ready") != 0 || call.argv[call.id_at + 2]) return;
    static char *argv[MAX_WORDS + 4];
    memcpy(argv, call.argv, (size_t)(call.id_at + 1) * sizeof *argv);
    argv[0] = (char *)"runc";
    argv[call.id_at + 1] = (char *)"/.peapod/sandbox", argv[call.id_at + 2] = text, argv[call.id_at + 3] = (char *)why;
    become(argv);
  }
  char *document = read_file(call.process);
  struct span process = document ? json_parse(document) : (struct span){0}, args = json_get(process, "args");
  if (!args.from || !is_ready_command(args) || !json_quote(why, quoted, sizeof quoted)) {
    free(document);
    return;
  }
  int length = snprintf(words, sizeof words, "[\"/.peapod/sandbox\",\"%s\",%s]", text, quoted);
  // Without close-on-exec: the runtime opens it by its number.
  int fd = memfd_create("process.json", 0);
  struct iovec parts[] = {{document, (size_t)(args.from - document)}, {words, (size_t)length}, {(char *)args.to, strlen(args.to)}};
  if (fd < 0 || writev(fd, parts, 3) < 0) return;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  for (int i = 0; call.argv[i]; i++) {
    char *equals = strchr(call.argv[i], '=');
    if (call.argv[i] == call.process) call.argv[i] = path;
    else if (equals && equals + 1 == call.process) {
      static char option[128];
      snprintf(option, sizeof option, "--process=%s", path);
      call.argv[i] = option;
    }
  }
  call.argv[0] = (char *)"runc";
  become(call.argv);
}

/** Into a member: the same call on another container, in the members' own state directory. */
int exec_in_member(void) {
  char member[256] = "", path[PATH_MAX], root[PATH_MAX];
  exec_ready();
  if (!sandbox_file(path, "members")) return 255;
  char *members = read_file(path);
  read_exec_wish(member, sizeof member);
  if (!members) return complain("container %s: its members are not known", call.id), 255;
  if (*member == 0) snprintf(member, sizeof member, "%.*s", (int)strcspn(members, "\n"), members);
  int is_known = 0;
  for (char *one = strtok(members, "\n"); one; one = strtok(NULL, "\n")) is_known |= strcmp(one, member) == 0;
  free(members);
  if (!is_known) return complain("container %s: has no member %s", call.id, member), 255;
  if (!call.ignore_paused && is_paused())
    return complain("exec failed: cannot exec in a paused container (use --ignore-paused to override)"), 255;
  if (!joined(root, sizeof root, "%s/runc", pod_dir)) return 255;
  static char *argv[MAX_WORDS + 4];
  int n = 0;
  argv[n++] = (char *)"runc", argv[n++] = (char *)"--root", argv[n++] = root;
  for (int i = 1; call.argv[i]; i++) {
    const char *word = call.argv[i] + (strncmp(call.argv[i], "--", 2) == 0);
    int is_global = i < call.at;
    if (is_global && strcmp(word, "-root") == 0) i++;
    else if (is_global && (strncmp(word, "-root=", 6) == 0 || strncmp(word, "-systemd-cgroup", 15) == 0)) continue;
    else argv[n++] = i == call.id_at ? member : call.argv[i];
  }
  argv[n] = NULL;
  become(argv);
}
