// See json.h. RFC 8259.

#include "json.h"
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 200 };

static const char *skip_blanks(const char *at) {
  return at + strspn(at, " \t\r\n");
}

static const char *skip_string(const char *at) {
  for (at++; *at != '"'; at++) {
    if (*at == '\\') at++;
    if (*at == 0) return NULL;
  }
  return at + 1;
}

/** The byte after the value that begins at `at`; NULL where none does. Numbers and words are not looked at closely. */
static const char *skip_value(const char *at, int depth) {
  if (depth == MAX_DEPTH) return NULL;
  if (*at == '"') return skip_string(at);
  if (*at != '{' && *at != '[') {
    size_t length = strspn(at, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
    return length == 0 ? NULL : at + length;
  }
  char end = *at == '{' ? '}' : ']';
  at = skip_blanks(at + 1);
  if (*at == end) return at + 1;
  for (;;) {
    if (end == '}') {
      if (*at != '"' || (at = skip_string(at)) == NULL || *(at = skip_blanks(at)) != ':') return NULL;
      at = skip_blanks(at + 1);
    }
    if ((at = skip_value(at, depth + 1)) == NULL) return NULL;
    at = skip_blanks(at);
    if (*at == end) return at + 1;
    if (*at != ',') return NULL;
    at = skip_blanks(at + 1);
  }
}

struct span json_parse(const char *text) {
  const char *from = skip_blanks(text), *to = skip_value(from, 0);
  if (to == NULL || *skip_blanks(to) != 0) return (struct span){0};
  return (struct span){from, to};
}

struct span json_next(struct span container, struct span last, struct span *key) {
  struct span none = {0};
  if (container.from == NULL || (*container.from != '{' && *container.from != '[')) return none;
  const char *at = skip_blanks(last.from == NULL ? container.from + 1 : last.to);
  if (last.from != NULL && *at == ',') at = skip_blanks(at + 1);
  if (*at == '}' || *at == ']') return none;
  if (*container.from == '{') {
    const char *end = skip_string(at);
    if (key) *key = (struct span){at, end};
    at = skip_blanks(skip_blanks(end) + 1);
  }
  return (struct span){at, skip_value(at, 0)};
}

struct span json_get(struct span object, const char *key) {
  struct span name = {0}, value = {0};
  size_t length = strlen(key);
  if (object.from == NULL || *object.from != '{') return value;
  while ((value = json_next(object, value, &name)).from != NULL)
    if ((size_t)(name.to - name.from) == length + 2 && memcmp(name.from + 1, key, length) == 0) return value;
  return value;
}

static int hex(const char *at) {
  unsigned code;
  return sscanf(at, "%4x", &code) == 1 ? (int)code : -1;
}

/** Bytes of a code point in UTF-8; 0 where it is none. */
static size_t put_utf8(unsigned long code, char *out) {
  if (code < 0x80) return out[0] = (char)code, 1;
  if (code < 0x800) return out[0] = (char)(0xc0 | code >> 6), out[1] = (char)(0x80 | (code & 0x3f)), 2;
  if (code < 0x10000) {
    out[0] = (char)(0xe0 | code >> 12), out[1] = (char)(0x80 | (code >> 6 & 0x3f)), out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
  }
  out[0] = (char)(0xf0 | code >> 18), out[1] = (char)(0x80 | (code >> 12 & 0x3f));
  out[2] = (char)(0x80 | (code >> 6 & 0x3f)), out[3] = (char)(0x80 | (code & 0x3f));
  return 4;
}

int json_text(struct span value, char *out, size_t size) {
  static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
  size_t n = 0;
  if (value.from == NULL || *value.from != '"') return 0;
  for (const char *at = value.from + 1; at < value.to - 1; at++) {
    char bytes[4] = {*at};
    size_t count = 1;
    if (*at == '\\') {
      at++;
      const char *found = *at == 'u' ? NULL : strchr(escapes, *at);
      if (found) {
        bytes[0] = found[1];
      } else {
        if (*at != 'u' || hex(at + 1) <= 0) return 0;
        unsigned long code = (unsigned long)hex(at + 1);
        at += 4;
        if (code >= 0xd800 && code < 0xdc00 && at[1] == '\\' && at[2] == 'u') {
          code = 0x10000 + ((code - 0xd800) << 10) + ((unsigned long)hex(at + 3) - 0xdc00);
          at += 6;
        }
        count = put_utf8(code, bytes);
      }
    }
    if (n + count >= size) return 0;
    memcpy(out + n, bytes, count);
    n += count;
  }
  out[n] = 0;
  return 1;
}

int json_quote(const char *text, char *out, size_t size) {
  size_t n = 0;
  if (size < 3) return 0;
  out[n++] = '"';
  for (; *text; text++) {
    if (n + 8 > size) return 0;
    if (*text == '"' || *text == '\\') out[n++] = '\\', out[n++] = *text;
    else if ((unsigned char)*text < 0x20) n += (size_t)snprintf(out + n, size - n, "\\u%04x", (unsigned char)*text);
    else out[n++] = *text;
  }
  out[n++] = '"';
  out[n] = 0;
  return 1;
}
