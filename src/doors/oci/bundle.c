// The caller's bundle: whether a pod is in it, and its config.json as it has to be for that. Reads; writes nothing.

#define _GNU_SOURCE
#include "oci.h"
#include "../../base/syscalls.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// linux/openat2.h, which not every C library brings along.
struct open_how {
  uint64_t flags, mode, resolve;
};
#define RESOLVE_NO_MAGICLINKS 0x02
#define RESOLVE_IN_ROOT 0x10

#define MANIFEST "/etc/peapod/pod.yaml"

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

void find_env(struct span process, const char *name, char *out, size_t size) {
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

int find_manifest(struct span config, const char *bundle, char *inside, char *host_path, size_t size) {
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

struct splice {
  const char *from, *to;
  char text[2 * PATH_MAX];
};

static int by_place(const void *one, const void *other) {
  const struct splice *a = one, *b = other;
  return (a->from > b->from) - (a->from < b->from);
}

char *make_sandbox_config(const char *text, struct span config, size_t *length) {
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
