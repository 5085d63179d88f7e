// A JSON text read in place: values are spans of it, so that a config.json of any size costs no memory and what we do
// not touch stays as it is, byte for byte.

#ifndef PEAPOD_JSON_H
#define PEAPOD_JSON_H

#include <stddef.h>

/** A value's first byte and the one after its last; both NULL: there is none. */
struct span {
  const char *from, *to;
};

/** The one value of a NUL-ended text; none where it is not JSON. */
struct span json_parse(const char *text);

/** The value of `key` in an object; none where it is no object or has no such key. */
struct span json_get(struct span object, const char *key);

/** The elements of an array, or the values of an object with their keys: begin with `{0}`, end with none. */
struct span json_next(struct span container, struct span last, struct span *key);

/** A string's text, in UTF-8. False where it is no string, has a NUL in it or does not fit. */
int json_text(struct span value, char *out, size_t size);

/** Writes `text` as a JSON string. False where it does not fit. */
int json_quote(const char *text, char *out, size_t size);

#endif
