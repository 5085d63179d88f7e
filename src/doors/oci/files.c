// Files as the calls need them: read whole, read at their beginning, replaced whole or not at all.

#define _GNU_SOURCE
#include "oci.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_CONFIG = 16 << 20 };

int read_link(const char *path, char *out, size_t size) {
  ssize_t n = readlink(path, out, size - 1);
  out[n > 0 ? n : 0] = 0;
  return n > 0;
}

char *read_file(const char *path) {
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

int read_some(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
  if (fd >= 0) close(fd);
  text[n > 0 ? n : 0] = 0;
  return n > 0;
}

int replace_file(const char *path, const char *text, size_t length) {
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
