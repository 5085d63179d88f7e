// How peapod-oci speaks: to its caller as runc does, and to itself in paths that fit or are none.

#define _GNU_SOURCE
#include "oci.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int complain(const char *format, ...) {
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

int joined(char *out, size_t size, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int length = vsnprintf(out, size, format, args);
  va_end(args);
  return length >= 0 && (size_t)length < size;
}
