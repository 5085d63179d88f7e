// peapod-oci: a drop-in for runc. Decides in microseconds whether a call concerns a pod, and becomes runc where it does
// not. A bundle that carries a pod manifest is created by runc as its caller asked, only that its container runs us
// (`sandbox`, below) instead of its own program: it is the caller's own child, and ends with the pod's result. The
// members are made by the pod's supervisor, in that container's namespaces and below its cgroup. See docs/pod-image.md.
//
// On disk: <root>/sandboxes/<pod>/ has the bundle's own config.json, the FIFO `result` and, written by the supervisor,
// `members`, one name a line; <runtime's root>/<id>/peapod is a link to it, and goes with the runtime's state.

#define _GNU_SOURCE
#include "../../base/syscalls.h"
#include "../../base/ask-pod.h"
#include "command-line.h"
#include "json.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// linux/openat2.h, which not every C library brings along.
struct open_how {
  uint64_t flags, mode, resolve;
};
#define RESOLVE_NO_MAGICLINKS 0x02
#define RESOLVE_IN_ROOT 0x10

#define MANIFEST "/etc/peapod/pod.yaml"
enum { REAPER_END_MS = 5000, MAX_CONFIG = 16 << 20, MAX_WORDS = 4096 };

static struct call call;
/** Of the pod: its name, its directory, and that of its sandbox. */
static char pod[NAME_MAX + 1], pod_dir[PATH_MAX], sandbox[PATH_MAX];

static const char *peapod_root(void) {
  const char *root = getenv("PEAPOD_ROOT");
  return root && *root ? root : "/run/peapod";
}

// ---- words ----

/** As runc tells it: a line in its log, and the sentence on stderr. Returns runc's exit code for it. */
__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...) {
  char text[4096], quoted[2 * sizeof text], now[64];
  time_t seconds = time(NULL);
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime(&seconds));
  int fd = call.log ? open(call.log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : -1;
  if (!json_quote(text, quoted, sizeof quoted)) snprintf(quoted, sizeof quoted, "\"\"");
  if (fd >= 0 && call.log_is_json) dprintf(fd, "{\"level\":\"error\",\"msg\":%s,\"time\":\"%s\"}\n", quoted, now);
  else if (fd >= 0) dprintf(fd, "time=\"%s\" level=error msg=%s\n", now, quoted);
  if (fd >= 0) close(fd);
  if (call.log) fprintf(stderr, "%s\n", text);
  else fprintf(stderr, "time=\"%s\" level=error msg=%s\n", now, quoted);
  return 1;
}

static int joined(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int joined(char *out, size_t size, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int length = vsnprintf(out, size, format, args);
  va_end(args);
  return length >= 0 && (size_t)length < size;
}

// ---- programs ----

/** A link's target. False: there is none. */
static int read_link(const char *path, char *out, size_t size) {
  ssize_t n = readlink(path, out, size - 1);
  out[n > 0 ? n : 0] = 0;
  return n > 0;
}

/** We may be called runc ourselves. */
static int is_self(const char *path) {
  struct stat one, self;
  return stat(path, &one) == 0 && stat("/proc/self/exe", &self) == 0 && one.st_dev == self.st_dev && one.st_ino == self.st_ino;
}

/** The real runtime: the one that is named, else the first on the PATH that is not us. */
_Noreturn static void become(char **argv) {
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

/** The call is the runtime's own business. */
_Noreturn static void pass(void) {
  call.argv[0] = (char *)"runc";
  become(call.argv);
}

static int exit_code(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int wait_for(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return 255;
  return exit_code(status);
}

/** A program to its end, with our own descriptors; NULL: the runtime. A caller that kills us means it as well. */
static int run(const char *program, char **argv) {
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

/** Beside us: in dist/ of a checkout, or below a prefix. */
static int find_beside(const char *pattern, char *out, size_t size) {
  char self[PATH_MAX], path[PATH_MAX];
  if (!read_link("/proc/self/exe", self, sizeof self)) return 0;
  *strrchr(self, '/') = 0;
  glob_t found;
  if (!joined(path, sizeof path, "%s/%s", self, pattern) || glob(path, 0, NULL, &found) != 0) return 0;
  int fits = joined(out, size, "%s", found.gl_pathv[0]);
  globfree(&found);
  return fits;
}

static int find_node(char *node, char *script, size_t size, const char *name) {
  char installed[64], built[64];
  snprintf(installed, sizeof installed, "../lib/peapod/%s", name);
  snprintf(built, sizeof built, "../lib/%s", name);
  static const char *nodes[] = {"../lib/peapod/node", "../../node_modules/node-linux-*/bin/node", "../../../node-linux-*/bin/node"};
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
    if (find_beside(nodes[i], node, size)) return find_beside(installed, script, size) || find_beside(built, script, size);
  return 0;
}

/** The command line does what a supervisor cannot be asked for: there is none, or it needs a new reaper first. */
static int run_peapod(const char *verb, const char *option) {
  char node[PATH_MAX], script[PATH_MAX];
  if (!find_node(node, script, sizeof node, "peapod.cjs")) return complain("the Node that belongs to peapod-oci is missing");
  char *argv[] = {node, script, (char *)verb, pod, (char *)option, NULL};
  return run(node, argv);
}

// ---- files ----

static char *read_file(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd < 0) return NULL;
  char *text = fstat(fd, &st) == 0 && st.st_size <= MAX_CONFIG ? malloc((size_t)st.st_size + 1) : NULL;
  size_t have = 0;
  ssize_t n = 0;
  while (text && have < (size_t)st.st_size && (n = read(fd, text + have, (size_t)st.st_size - have)) > 0) have += (size_t)n;
  close(fd);
  if (text) text[have] = 0;
  return text;
}

/** The beginning of a file of the kernel's, whose size cannot be asked for. False: there is none. */
static int read_some(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
  if (fd >= 0) close(fd);
  text[n > 0 ? n : 0] = 0;
  return n > 0;
}

/** Whole, or not at all; with the mode and the owner of what stood there. */
static int replace_file(const char *path, const char *text, size_t length) {
  char next[PATH_MAX];
  struct stat st = {.st_mode = 0600};
  stat(path, &st);
  if (!joined(next, sizeof next, "%s.peapod", path)) return errno = ENAMETOOLONG, -1;
  int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st.st_mode & 0777);
  if (fd < 0) return -1;
  size_t done = 0;
  while (done < length) {
    ssize_t n = write(fd, text + done, length - done);
    if (n <= 0) break;
    done += (size_t)n;
  }
  int failed = done < length || fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 0777) < 0;
  close(fd);
  if (failed || rename(next, path) < 0) {
    unlink(next);
    return -1;
  }
  return 0;
}

// ---- which pod ----

static int is_pod_name(const char *text) {
  size_t length = strlen(text);
  if (length == 0 || length > 63 || !strchr("abcdefghijklmnopqrstuvwxyz0123456789", text[0])) return 0;
  return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length && text[length - 1] != '-';
}

static int sandbox_file(char *out, const char *name) {
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

/** The container's own id, or as much of it as Docker and podman show, where no other caller's pod has that name. */
static int name_pod(int is_new) {
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

static int marker_path(char *out, size_t size) {
  return call.id && !strchr(call.id, '/') && joined(out, size, "%s/%s/peapod", call.root, call.id);
}

/** True where a create of this container was killed between its steps, so that no marker leads to what it left. */
static int find_left_over(void) {
  return call.id && !strchr(call.id, '/') && name_pod(0);
}

/** True where the call's container is a pod of ours. */
static int find_pod(void) {
  char marker[PATH_MAX];
  if (!marker_path(marker, sizeof marker)) return 0;
  if (!read_link(marker, sandbox, sizeof sandbox)) return 0;
  const char *name = strrchr(sandbox, '/');
  return name && joined(pod, sizeof pod, "%s", name + 1) && joined(pod_dir, sizeof pod_dir, "%s/pods/%s", peapod_root(), pod);
}

/** The sandbox's process, as runc wrote it down; 0: none that runs. */
static pid_t sandbox_pid(void) {
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

// ---- is it a pod ----

/** Opens `path` as the container will see it, without following links out of it. */
static int open_inside(const char *base, const char *path) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  int root = open(base, O_PATH | O_CLOEXEC);
  if (root < 0) return -1;
  if (*path == 0) return root;
  int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
  close(root);
  return fd;
}

/** Where on the host the container's `path` lies: in one of the caller's mounts, or in its root file system. */
static int open_in_bundle(struct span config, const char *bundle, const char *path) {
  char destination[PATH_MAX], source[PATH_MAX] = "", text[PATH_MAX];
  const char *rest = path;
  size_t longest = 0;
  struct span mounts = json_get(config, "mounts"), mount = {0};
  while ((mount = json_next(mounts, mount, NULL)).from) {
    if (!json_text(json_get(mount, "destination"), destination, sizeof destination)) continue;
    if (!json_text(json_get(mount, "source"), text, sizeof text)) continue;
    size_t length = strlen(destination);
    if (length < longest || strncmp(path, destination, length) != 0 || (path[length] && path[length] != '/')) continue;
    if (text[0] != '/') continue;
    longest = length;
    rest = path + length;
    snprintf(source, sizeof source, "%s", text);
  }
  if (longest == 0) {
    if (!json_text(json_get(json_get(config, "root"), "path"), text, sizeof text)) return -1;
    if (!joined(source, sizeof source, "%s%s%s", text[0] == '/' ? "" : bundle, text[0] == '/' ? "" : "/", text)) return -1;
  }
  return open_inside(source, rest);
}

/** The last value of a variable (`NAME=`) in a process's environment; `out` stays as it is where there is none. */
static void find_env(struct span process, const char *name, char *out, size_t size) {
  char text[PATH_MAX];
  size_t length = strlen(name);
  struct span env = json_get(process, "env"), pair = {0};
  while ((pair = json_next(env, pair, NULL)).from)
    if (json_text(pair, text, sizeof text) && strncmp(text, name, length) == 0) snprintf(out, size, "%s", text + length);
}

/** The manifest's path inside the container, where one is named; else "". */
static void read_wish(struct span config, char *out, size_t size) {
  if (!json_text(json_get(json_get(config, "annotations"), "peapod/manifest"), out, size)) *out = 0;
  find_env(json_get(config, "process"), "PEAPOD_MANIFEST=", out, size);
}

/** 1: a pod, whose manifest lies at `host_path`; 0: none; -1: a pod was asked for that is not there (told). */
static int find_manifest(struct span config, const char *bundle, char *inside, char *host_path, size_t size) {
  char link[64];
  read_wish(config, inside, size);
  int is_named = *inside != 0;
  if (strcmp(inside, "none") == 0) return 0;
  if (!is_named) snprintf(inside, size, MANIFEST);
  int fd = *inside == '/' ? open_in_bundle(config, bundle, inside) : -1;
  if (fd < 0) return is_named ? (complain("container %s: its pod manifest %s is not in it", call.id, inside), -1) : 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  struct stat st;
  int is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
  int is_there = read_link(link, host_path, size);
  close(fd);
  if (is_named && !is_file) return complain("container %s: its pod manifest %s is not a file", call.id, inside), -1;
  return is_there && is_file;
}

// ---- the sandbox ----

/** The runtime on this container, with the call's own global flags. */
static int run_verb(const char *verb, const char *option) {
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

struct splice {
  const char *from, *to;
  char text[2 * PATH_MAX];
};

static int by_place(const void *one, const void *other) {
  const struct splice *a = one, *b = other;
  return (a->from > b->from) - (a->from < b->from);
}

/** The caller's config, but that it runs us; NULL where it is no config. */
static char *make_sandbox_config(const char *text, struct span config, size_t *length) {
  char self[PATH_MAX], quoted_self[PATH_MAX], quoted_result[PATH_MAX], result[PATH_MAX];
  struct span process = json_get(config, "process"), args = json_get(process, "args"), cwd = json_get(process, "cwd");
  struct span mounts = json_get(config, "mounts");
  if (!args.from || !cwd.from || !mounts.from || *mounts.from != '[') return NULL;
  if (!find_beside("peapod-oci", self, sizeof self) || !joined(result, sizeof result, "%s/result", sandbox)) return NULL;
  if (!json_quote(self, quoted_self, sizeof quoted_self) || !json_quote(result, quoted_result, sizeof quoted_result)) return NULL;
  struct splice splices[3] = {{args.from, args.to, "[\"/.peapod/sandbox\"]"}, {cwd.from, cwd.to, "\"/\""}, {mounts.to - 1, mounts.to - 1, ""}};
  int is_first = json_next(mounts, (struct span){0}, NULL).from == NULL;
  if (!joined(splices[2].text, sizeof splices[2].text,
              "%s{\"destination\":\"/.peapod/sandbox\",\"type\":\"bind\",\"source\":%s,\"options\":[\"bind\",\"ro\",\"nosuid\",\"nodev\"]},"
              "{\"destination\":\"/.peapod/result\",\"type\":\"bind\",\"source\":%s,\"options\":[\"bind\",\"ro\",\"nosuid\",\"nodev\",\"noexec\"]}",
              is_first ? "" : ",", quoted_self, quoted_result))
    return NULL;
  qsort(splices, 3, sizeof *splices, by_place);
  char *out = malloc(strlen(text) + sizeof splices), *at = out;
  const char *from = text;
  if (out == NULL) return NULL;
  for (int i = 0; i < 3; i++) {
    at = mempcpy(at, from, (size_t)(splices[i].from - from));
    at = stpcpy(at, splices[i].text);
    from = splices[i].to;
  }
  at = stpcpy(at, from);
  *length = (size_t)(at - out);
  return out;
}

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

static void remove_sandbox(void) {
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

/** All that is left of the pod, however it ended. Returns 0, or what it could not do was told. */
static int delete_pod(void) {
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

static int create(void) {
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

// ---- what is done to a pod ----

/** The sentence in a refusal. */
static const char *reason_in(const char *answer, char *out, size_t size) {
  const char *body = strstr(answer, "\r\n\r\n");
  struct span document = body ? json_parse(body + 4) : (struct span){0};
  return json_text(json_get(json_get(document, "error"), "message"), out, size) ? out : "its supervisor does not answer";
}

static int start_members(void) {
  char answer[16384], reason[4096];
  int status = ask_pod(pod_dir, "start", "", answer, sizeof answer);
  if (status == 200) return 0;
  if (status < 0) return run_peapod("start", NULL);
  return complain("%s", reason_in(answer, reason, sizeof reason));
}

static int start(void) {
  call.argv[0] = (char *)"runc";
  int code = run(NULL, call.argv);
  return code != 0 ? code : start_members();
}

static int is_sigkill(const char *signal) {
  return !strcmp(signal, "9") || !strcasecmp(signal, "KILL") || !strcasecmp(signal, "SIGKILL");
}

static int kill_members(const char *signal) {
  char answer[16384], quoted[128], fields[256];
  if (!json_quote(signal, quoted, sizeof quoted)) return 400;
  snprintf(fields, sizeof fields, "\"signal\":%s%s", quoted, call.all ? ",\"all\":true" : "");
  return ask_pod(pod_dir, "kill", fields, answer, sizeof answer);
}

static int kill_pod(void) {
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

static int delete(void) {
  if (sandbox_pid() != 0 && !call.force) pass();
  if (delete_pod() != 0) return 1;
  remove_sandbox();
  pass();
}

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
static int exec_in_member(void) {
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

// ---- run in the foreground ----

static void hand_on(int signal) {
  char text[16];
  snprintf(text, sizeof text, "%d", signal);
  kill_members(text);
}

static int run_pod(void) {
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

// ---- the sandbox's own process ----

/** Waits for the pod's result and ends with it. Reaps what the caller's own programs in the container leave. */
static int wait_for_result(void) {
  unsigned char code;
  int fd = open("/.peapod/result", O_RDWR | O_CLOEXEC);
  signal(SIGCHLD, SIG_IGN);
  if (fd < 0) {
    fprintf(stderr, "peapod-oci: /.peapod/result: %s\n", strerror(errno));
    return 255;
  }
  for (;;)
    if (read(fd, &code, 1) == 1) return code;
}

/** What `exec_ready` found out, said where its caller looks for it. */
static int tell_readiness(char **argv) {
  puts(argv[2]);
  return *argv[1] - '0';
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[0], "/.peapod/sandbox") == 0) return tell_readiness(argv);
  if (argc == 1 && strcmp(argv[0], "/.peapod/sandbox") == 0) return wait_for_result();
  int is_read = read_call(argc, argv, &call);
  call.argv = argv;
  // Without being root there are no pods of ours.
  if (!is_read || argc > MAX_WORDS - 8 || geteuid() != 0) pass();
  switch (call.command) {
    case CREATE: return create();
    case RUN: return run_pod();
    case START: return find_pod() ? start() : (pass(), 1);
    case KILL: return find_pod() ? kill_pod() : (pass(), 1);
    case DELETE: return find_pod() || find_left_over() ? delete() : (pass(), 1);
    case EXEC: return find_pod() ? exec_in_member() : (pass(), 1);
    case CHECKPOINT:
      if (find_pod()) return complain("container %s: is a pod, which cannot be checkpointed: its container is its caller's", call.id);
      pass();
    case RESTORE:
    case OTHER: pass();
  }
}
