// subuid(5): lines of `name-or-uid:first:count`.

#define _GNU_SOURCE
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subids.h"

const char *user_name(unsigned uid) {
  static char name[64];
  struct passwd *found = NULL;
  FILE *in = fopen("/etc/passwd", "re");
  while (in && (found = fgetpwent(in)) != NULL && found->pw_uid != uid) continue;
  // A directory service may know whom that file does not; a static program cannot ask it.
  const char *said = getenv("USER");
  if (in && found) snprintf(name, sizeof name, "%s", found->pw_name);
  else if (said && *said) snprintf(name, sizeof name, "%s", said);
  else snprintf(name, sizeof name, "%u", uid);
  if (in) fclose(in);
  return name;
}

int read_subids(const char *file, unsigned uid, struct ranges *ranges) {
  char line[512], number[16];
  const char *name = user_name(uid);
  snprintf(number, sizeof number, "%u", uid);
  ranges->count = 0;
  FILE *in = fopen(file, "re");
  if (in == NULL) return -1;
  while (ranges->count < MAX_RANGES && fgets(line, sizeof line, in)) {
    char *first = strchr(line, ':'), *size = first ? strchr(first + 1, ':') : NULL;
    if (size == NULL) continue;
    *first++ = 0;
    *size++ = 0;
    if (strcmp(line, name) != 0 && strcmp(line, number) != 0) continue;
    unsigned long from = strtoul(first, NULL, 10), count = strtoul(size, NULL, 10);
    if (from == 0 || count == 0 || from + count > 0xffffffffUL) continue;
    ranges->first[ranges->count] = (unsigned)from;
    ranges->size[ranges->count++] = (unsigned)count;
  }
  fclose(in);
  return ranges->count > 0 ? 0 : -1;
}
